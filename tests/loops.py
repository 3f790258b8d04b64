"""The oracle: every formula once more, as plain loops over named indices in mpmath numbers.

It shares no code with the derivations or with the implementation, is written from the
definitions in the least clever form (1 - p is 1 - p), and is made reliable by its digits alone:
`at` evaluates at the digits asked for and at twice as many, and insists that both agree.
"""

from itertools import pairwise

import numpy as np
from mpmath import mp, mpf


def at(digits, function, *arguments):
    """Evaluate `function` with `digits` digits, and check it with twice as many."""
    with mp.workdps(digits):
        value = function(*map(exact, arguments))
    with mp.workdps(2 * digits):
        again = function(*map(exact, arguments))
        for one, two in zip(_flat(value), _flat(again), strict=True):
            assert abs(one - two) <= mpf(10) ** -30 * abs(two), f"{digits} digits are too few"
    return again


def exact(value):
    """Nested lists of mpmath numbers from an array, a number or nested lists."""
    if value is None or isinstance(value, mpf):
        return value
    if isinstance(value, list | tuple):
        return [exact(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return exact(value.tolist())
    return mpf(value)


def _flat(value):
    if isinstance(value, list):
        return [number for entry in value for number in _flat(entry)]
    return [value]


def differences(digits, function, arguments, position):
    """Derivative of `function` with respect to the argument at `position`, entry by entry.

    Central differences with the steps h, h/2, h/4, h/8, extrapolated by Richardson: the error is
    of the order h^8 = 1e-64 with h = 1e-8, and rounding loses 8 of the digits.
    """
    with mp.workdps(digits + 40):
        arguments = [exact(argument) for argument in arguments]

        def value(theta):
            return function(*arguments[:position], theta, *arguments[position + 1 :])

        return _each(value, arguments[position])


def _each(value, theta):
    if not isinstance(theta, list):
        return _richardson(value, theta)
    return [
        _each(lambda entry, k=k: value([*theta[:k], entry, *theta[k + 1 :]]), theta[k])
        for k in range(len(theta))
    ]


def _richardson(value, t):
    h = mpf(10) ** -8
    table = [_scaled_difference(value, t, h / 2**level) for level in range(4)]
    for order in (4, 16, 64):
        table = [_combine(fine, coarse, order) for coarse, fine in pairwise(table)]
    return table[0]


def _scaled_difference(value, t, h):
    return _map2(lambda up, down: (up - down) / (2 * h), value(t + h), value(t - h))


def _combine(fine, coarse, order):
    return _map2(lambda a, b: (order * a - b) / (order - 1), fine, coarse)


def _map2(function, a, b):
    if isinstance(a, list):
        return [_map2(function, x, y) for x, y in zip(a, b, strict=True)]
    return function(a, b)


# sigmoid


def sigmoid(t):
    return 1 / (1 + mp.exp(-t))


def log_sigmoid(t):
    return mp.log(sigmoid(t))


def softplus(t):
    return mp.log(1 + mp.exp(t))


def sigmoid_all(t):
    return [sigmoid(entry) for entry in t]


def log_sigmoid_all(t):
    return [log_sigmoid(entry) for entry in t]


def softplus_all(t):
    return [softplus(entry) for entry in t]


# logistic: w (n), X (N x n), y (N), s (N) or None


def dot(a, b):
    total = mpf(0)
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


def weight(s, i):
    return mpf(1) if s is None else s[i]


def logistic_nll(w, X, y, s=None):
    total = mpf(0)
    for i in range(len(X)):
        p = sigmoid(dot(w, X[i]))
        total -= weight(s, i) * (y[i] * mp.log(p) + (1 - y[i]) * mp.log(1 - p))
    return total


def logistic_nll_gradient(w, X, y, s=None):
    gradient = []
    for k in range(len(w)):
        total = mpf(0)
        for i in range(len(X)):
            total += weight(s, i) * X[i][k] * (sigmoid(dot(w, X[i])) - y[i])
        gradient.append(total)
    return gradient


def logistic_nll_hessian(w, X, y, s=None):
    hessian = []
    for k in range(len(w)):
        row = []
        for j in range(len(w)):
            total = mpf(0)
            for i in range(len(X)):
                p = sigmoid(dot(w, X[i]))
                total += weight(s, i) * X[i][k] * X[i][j] * p * (1 - p)
            row.append(total)
        hessian.append(row)
    return hessian


def logistic_nll_hvp(w, X, y, v, s=None):
    hessian = logistic_nll_hessian(w, X, y, s)
    return [dot(hessian[k], v) for k in range(len(w))]


# softmax: W (K x n), X (N x n), Y (N x K) indicators or any real labels, s (N) or None


def indicators(y, K):
    return [[mpf(1) if y[i] == a else mpf(0) for a in range(K)] for i in range(len(y))]


def softmax(z):
    total = mpf(0)
    for c in range(len(z)):
        total += mp.exp(z[c])
    return [mp.exp(z[u]) / total for u in range(len(z))]


def log_softmax(z):
    return [mp.log(p) for p in softmax(z)]


def logsumexp(z):
    total = mpf(0)
    for c in range(len(z)):
        total += mp.exp(z[c])
    return mp.log(total)


def softmax_jacobian(z):
    S = softmax(z)
    return [[S[u] * ((1 if u == v else 0) - S[v]) for v in range(len(z))] for u in range(len(z))]


def probabilities(W, x):
    return softmax([dot(W[a], x) for a in range(len(W))])


def softmax_nll(W, X, Y, s=None):
    total = mpf(0)
    for i in range(len(X)):
        p = probabilities(W, X[i])
        for a in range(len(W)):
            if Y[i][a] != 0:
                total -= weight(s, i) * Y[i][a] * mp.log(p[a])
    return total


def softmax_nll_gradient(W, X, Y, s=None):
    gradient = [[mpf(0) for _ in W[0]] for _ in W]
    for i in range(len(X)):
        p = probabilities(W, X[i])
        labels = mpf(0)
        for b in range(len(W)):
            labels += Y[i][b]
        for a in range(len(W)):
            for k in range(len(W[0])):
                gradient[a][k] += weight(s, i) * X[i][k] * (p[a] * labels - Y[i][a])
    return gradient


def softmax_nll_hessian(W, X, Y, s=None):
    """H[a][k][b][j], the second derivative with respect to W_ak and W_bj."""
    K, n = len(W), len(W[0])
    H = [[[[mpf(0) for _ in range(n)] for _ in range(K)] for _ in range(n)] for _ in range(K)]
    for i in range(len(X)):
        p = probabilities(W, X[i])
        labels = mpf(0)
        for b in range(K):
            labels += Y[i][b]
        for a in range(K):
            for b in range(K):
                curvature = p[a] * ((1 if a == b else 0) - p[b])
                for k in range(n):
                    for j in range(n):
                        H[a][k][b][j] += weight(s, i) * X[i][k] * X[i][j] * curvature * labels
    return H


def softmax_nll_hvp(W, X, Y, V, s=None):
    K, n = len(W), len(W[0])
    H = softmax_nll_hessian(W, X, Y, s)
    result = [[mpf(0) for _ in range(n)] for _ in range(K)]
    for a in range(K):
        for k in range(n):
            for b in range(K):
                for j in range(n):
                    result[a][k] += H[a][k][b][j] * V[b][j]
    return result


# estimation


def newton(w, X, y, penalty):
    """Four Newton steps from a good w: an error of 1e-10 becomes 1e-160, if the digits allow."""
    n = len(w)
    for _ in range(4):
        g, H = penalised(w, X, y, penalty)
        step = mp.lu_solve(mp.matrix(H), mp.matrix(g))
        w = [w[k] - step[k] for k in range(n)]
    return w


def penalised(w, X, y, penalty):
    gradient = logistic_nll_gradient(w, X, y)
    hessian = logistic_nll_hessian(w, X, y)
    for k in range(len(w)):
        gradient[k] += penalty * w[k]
        hessian[k][k] += penalty
    return gradient, hessian


def covariance(w, X, y, penalty):
    inverse = mp.inverse(mp.matrix(penalised(w, X, y, penalty)[1]))
    return [[inverse[k, j] for j in range(len(w))] for k in range(len(w))]


def standard_errors(w, X, y, penalty):
    C = covariance(w, X, y, penalty)
    return [mp.sqrt(C[k][k]) for k in range(len(w))]
