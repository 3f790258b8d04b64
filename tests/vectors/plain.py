"""Oracles: what has a definition from the definition, and derivatives as differences of it.

Plain loops over mpmath numbers, with nothing taken from the careful forms. The digits are those
of the caller, who asks for more until the answer agrees.
"""

from itertools import pairwise

import loops
from loops import dot, softmax
from mpmath import mp, mpf

# ------------------------------------------------------------------ differences


def slope(function):
    """The derivative at 0 of a function of a number that returns nested lists, by Richardson.

    Central differences with the steps h, h/2, h/4, h/8: the error is of the order h^8, and what
    rounding adds is 1/h of it.
    """
    h = mpf(10) ** -(mp.dps // 9)
    table = [combined(lambda a, b, s=s: (a - b) / (2 * s), function(s), function(-s))
             for s in (h / 2**level for level in range(4))]  # fmt: skip
    for order in (4, 16, 64):
        table = [
            combined(lambda f, c, o=order: (o * f - c) / (o - 1), fine, coarse)
            for coarse, fine in pairwise(table)
        ]
    return table[0]


def combined(function, a, b):
    if isinstance(a, dict):
        return {name: combined(function, a[name], b[name]) for name in a}
    if isinstance(a, list):
        return [combined(function, x, y) for x, y in zip(a, b, strict=True)]
    return function(a, b)


def moved(z, dz, h):
    return combined(lambda entry, change: entry + h * change, z, dz)


def along(forward, names):
    """The change of a function along directions of some of its arguments, dz of z."""

    def change(**given):
        ways = {name: given.pop(f"d{name}", None) for name in names}
        ways = {name: way for name, way in ways.items() if way is not None}
        return slope(
            lambda h: forward(**given | {n: moved(given[n], way, h) for n, way in ways.items()})
        )

    return change


def pulled(forward, names):
    """The derivatives of sum delta forward by some of its arguments, of those that are given."""

    def of(delta, **given):
        return {
            name: gradient(lambda e, n=name: inner(forward(**given | {n: e}), delta), given[name])
            for name in names
            if name in given
        }

    return of


def gradient(cost, z):
    """The derivative of a number by every entry."""
    if not isinstance(z, list):
        return slope(lambda h: cost(z + h))
    return [
        gradient(lambda entry, k=k: cost([*z[:k], entry, *z[k + 1 :]]), z[k]) for k in range(len(z))
    ]


def hessian(cost, w):
    """The second derivatives of a number by the entries of a vector, by differences twice."""
    return [
        slope(lambda h, k=k: gradient(cost, [*w[:k], w[k] + h, *w[k + 1 :]])) for k in range(len(w))
    ]


def inner(a, b):
    if isinstance(a, list):
        return sum((inner(x, y) for x, y in zip(a, b, strict=True)), mpf(0))
    return a * b


def shape(value):
    return (len(value), *shape(value[0])) if isinstance(value, list) else ()


# ------------------------------------------------------------------ functions of one number


def relu(t):
    return t if t > 0 else mpf(0)


def phi(t):
    return (1 + mp.erf(t / mp.sqrt(2))) / 2


def gelu(t):
    return t * phi(t)


def gelu_tanh(t):
    return t / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (t + mpf(44715) / 10**6 * t**3)))


def silu(t):
    return t / (1 + mp.exp(-t))


def leaky_relu(t, alpha):
    return t if t > 0 else alpha * t


def elu(t, alpha):
    return t if t > 0 else alpha * (mp.exp(t) - 1)


def softsign(t):
    return t / (1 + abs(t))


def squared_relu(t):
    return t * t if t > 0 else mpf(0)


def hard_tanh(t):
    return max(min(t, mpf(1)), mpf(-1))


# ------------------------------------------------------------------ layers


def linear(z, W, b=None):
    return [[dot(W[a], row) + (0 if b is None else b[a]) for a in range(len(W))] for row in z]


def nll(z, y, sample_weight=None, smoothing=0):
    total = mpf(0)
    for i, label in enumerate(y):
        K = len(z[i])
        for u in range(K):
            q = (1 - smoothing) * (1 if u == label else 0) + smoothing / mpf(K)
            total -= loops.weight(sample_weight, i) * q * z[i][u]
    return total


def mean(a):
    return dot(a, [mpf(1)] * len(a)) / len(a)


def standardised(a, eps):
    m = mean(a)
    variance = mean([entry * entry for entry in a]) - m * m
    return [(entry - m) / mp.sqrt(variance + eps) for entry in a]


def scaled(rows, gain, bias):
    return [[g * entry + b for g, entry, b in zip(gain, row, bias, strict=True)] for row in rows]


def layer_norm(z, gain, bias, eps):
    return scaled([standardised(row, eps) for row in z], gain, bias)


def rms_norm(z, gain, eps):
    return [
        [
            g * entry / mp.sqrt(dot(row, row) / len(row) + eps)
            for g, entry in zip(gain, row, strict=True)
        ]
        for row in z
    ]


def batch_norm(z, gain, bias, eps):
    columns = [standardised([row[u] for row in z], eps) for u in range(len(gain))]
    return scaled([[column[i] for column in columns] for i in range(len(z))], gain, bias)


def fixed_batch_norm(z, mean, variance, gain, bias, eps):
    hat = [[(row[u] - mean[u]) / mp.sqrt(variance[u] + eps) for u in range(len(gain))] for row in z]
    return scaled(hat, gain, bias)


def attention(queries, keys, values, mask):
    output = []
    for i, q in enumerate(queries):
        e = [m * mp.exp(dot(q, k) / mp.sqrt(len(q))) for m, k in zip(mask[i], keys, strict=True)]
        total = dot(e, [mpf(1)] * len(e))
        output.append([dot(e, [v[u] for v in values]) / total for u in range(len(values[0]))])
    return output


# ------------------------------------------------------------------ maps and branches


def indicator(y, count):
    return [[mpf(1 if label == a else 0) for a in range(count)] for label in y]


def by_columns(W):
    return [list(column) for column in zip(*W, strict=True)]


def embedding(y, W):
    """The indicators of the symbols, times the table."""
    return linear(indicator(y, len(W)), by_columns(W))


def tied(y, W):
    return linear(entrywise(mp.tanh, embedding(y, W)), W)


def entrywise(function, rows):
    return [[function(entry) for entry in row] for row in rows]


def convolution(z, W, b=None, stride=1, padding=0):
    """Each window of the padded input times the kernel."""
    zeros = [[mpf(0)] * len(z[0][0])] * padding
    output = []
    for rows in z:
        padded, taps = [*zeros, *rows, *zeros], len(W[0])
        windows = [padded[s : s + taps] for s in range(0, len(padded) - taps + 1, stride)]
        output.append([
            [inner(window, W[u]) + (0 if b is None else b[u]) for u in range(len(W))]
            for window in windows
        ])  # fmt: skip
    return output


def low_rank(z, W, A, B, alpha):
    """By the matrix W + alpha B A."""
    return linear(z, combined(lambda w, x: w + alpha * x, W, linear(B, by_columns(A))))


def added(a, b):
    return combined(lambda x, y: x + y, a, b)


def residual(z, A, F):
    return added(z, linear(entrywise(mp.tanh, linear(z, A)), F))


def branches(z, A, F, B, G):
    one = linear(entrywise(mp.tanh, linear(z, A)), F)
    return added(one, linear(entrywise(loops.sigmoid, linear(z, B)), G))


def concatenation(z, A, F, B, H):
    one = linear(entrywise(mp.tanh, linear(z, A)), F)
    other = linear(entrywise(loops.sigmoid, linear(z, B)), H)
    return [[*a, *b] for a, b in zip(one, other, strict=True)]


def dropout(z, mask, p):
    return [
        [t / (1 - p) if m else mpf(0) for t, m in zip(*rows, strict=True)]
        for rows in zip(z, mask, strict=True)
    ]


# ------------------------------------------------------------------ costs of logits


def cross_entropy(p, t):
    return -dot(t, [mp.log(entry) for entry in p])


def temperature(z, targets, tau):
    return sum(
        cross_entropy(softmax([entry / tau for entry in row]), t)
        for row, t in zip(z, targets, strict=True)
    )


def distillation(z, teacher, tau):
    taught = [softmax([entry / tau for entry in row]) for row in teacher]
    return temperature(z, taught, tau)


def label_smoothing(z, targets, weight, alpha):
    K = len(weight)
    q = [
        [c * ((1 - alpha) * t + alpha / K) for c, t in zip(weight, row, strict=True)]
        for row in targets
    ]
    return temperature(z, q, 1)


def weighted_mean(z, targets, sample_weight):
    costs = [temperature([row], [t], 1) for row, t in zip(z, targets, strict=True)]
    return dot(costs, sample_weight) / dot(sample_weight, [mpf(1)] * len(z))


def focal_loss(z, y, gamma):
    total = mpf(0)
    for row, labels in zip(z, y, strict=True):
        for t, label in zip(row, labels, strict=True):
            p = loops.sigmoid(t if label else -t)
            total -= (1 - p) ** gamma * mp.log(p)
    return total


def many_labels(z, y, positive):
    total = mpf(0)
    for row, labels in zip(z, y, strict=True):
        for t, label, c in zip(row, labels, positive, strict=True):
            p = loops.sigmoid(t)
            total -= c * mp.log(p) if label else mp.log(1 - p)
    return total


def masked_log_softmax(z, mask, delta):
    """The sum of delta log p over the classes that are allowed."""
    total = mpf(0)
    for row, allowed, d in zip(z, mask, delta, strict=True):
        seen = [u for u in range(len(row)) if allowed[u] != 0]
        p = softmax([row[u] for u in seen])
        total += dot([d[u] for u in seen], [mp.log(entry) for entry in p])
    return total
