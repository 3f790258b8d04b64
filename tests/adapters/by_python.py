"""Plain Python, without NumPy: the formulas as one can write them so that nothing cancels.

Sums are exact but for one rounding (math.fsum), the largest logit is left out of each sum, and
1 - p is the sigmoid of the opposite sign.
"""

import math


def number(name, value):
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, given {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, given {value}")
    return float(value)


def vector(name, value, length=None):
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name}: expected a list of numbers, given {value!r}")
    if length is not None and len(value) != length:
        raise ValueError(f"{name}: expected {length} entries, given {len(value)}")
    return [number(name, entry) for entry in value]


def matrix(name, value, columns=None):
    if not isinstance(value, list) or not value or not isinstance(value[0], list):
        raise ValueError(f"{name}: expected rows of numbers, given {value!r}")
    return [vector(name, row, columns or len(value[0])) for row in value]


def labels(y, rows, classes):
    y = vector("y", y, rows)
    if not all(entry in range(classes) for entry in y):
        raise ValueError(f"y: expected labels from 0 to {classes - 1}, given {y}")
    return [int(entry) for entry in y]


def weights(sample_weight, rows):
    s = [1.0] * rows if sample_weight is None else vector("sample_weight", sample_weight, rows)
    if min(s) < 0 or not any(s):
        raise ValueError(f"sample_weight: expected weights >= 0, not all 0, given {s}")
    return s


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------------ of one number


def sigmoid(t):
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def softplus(t):
    return max(t, 0.0) + math.log1p(math.exp(-abs(t)))


def each(function, t):
    rectangular("t", t)
    return [each(function, part) for part in t] if isinstance(t, list) else function(number("t", t))


def rectangular(name, value):
    """The shape of nested lists."""
    if not isinstance(value, list):
        return ()
    shapes = {rectangular(name, part) for part in value}
    if len(shapes) > 1:
        raise ValueError(f"{name}: expected rows of one length, given {value!r}")
    return (len(value), *(shapes.pop() if shapes else ()))


# ----------------------------------------------------------------------------- of logits


def left_out(z):
    """The place of the largest logit, the exponentials beside it, and the sum of the others."""
    top = z.index(max(z))
    e = [math.exp(entry - z[top]) for entry in z]
    return top, e, math.fsum(e[:top] + e[top + 1 :])


def softmax(z):
    _, e, rest = left_out(z)
    return [entry / (1 + rest) for entry in e]


def logsumexp(z):
    top, _, rest = left_out(z)
    return z[top] + math.log1p(rest)


def log_softmax(z):
    top, _, rest = left_out(z)
    return [entry - z[top] - math.log1p(rest) for entry in z]


def rows(function, z, axis, b=None):
    """A function of each row; the other axes, and weights of the terms, are left out here."""
    if axis != -1 or b is not None:
        raise NotImplementedError("another axis than the last, or weights")
    if len(rectangular("z", z)) < 2:
        return function(vector("z", z))
    return [rows(function, part, -1) for part in z]


def residual(z, label):
    """p_a - [y = a]; at the label it is minus the sum of the other probabilities."""
    p = softmax(z)
    p[label] = -math.fsum(p[:label] + p[label + 1 :])
    return p


# -------------------------------------------------------------------------- two classes


def binary(w, X, y, sample_weight):
    """Logits, rows, labels and weights."""
    X = matrix("X", X)
    w = vector("w", w, len(X[0]))
    y, s = labels(y, len(X), 2), weights(sample_weight, len(X))
    return [dot(x, w) for x in X], X, y, s


def logistic_nll(w, X, y, sample_weight=None):
    t, _, y, s = binary(w, X, y, sample_weight)
    return dot(s, [softplus(-z if label else z) for z, label in zip(t, y, strict=True)])


def pulled(factors, X):
    """X^T times one number for each row."""
    return [dot(factors, column) for column in zip(*X, strict=True)]


def logistic_gradient(w, X, y, sample_weight=None):
    t, X, y, s = binary(w, X, y, sample_weight)
    residuals = [-sigmoid(-z) if label else sigmoid(z) for z, label in zip(t, y, strict=True)]
    return pulled([a * b for a, b in zip(s, residuals, strict=True)], X)


def logistic_hessian(w, X, y, sample_weight=None):
    t, X, _, s = binary(w, X, y, sample_weight)
    slopes = [a * sigmoid(z) * sigmoid(-z) for a, z in zip(s, t, strict=True)]
    columns = list(zip(*X, strict=True))
    return [pulled([a * b for a, b in zip(slopes, c, strict=True)], X) for c in columns]


def logistic_hvp(w, X, y, v, sample_weight=None):
    t, X, _, s = binary(w, X, y, sample_weight)
    v = vector("v", v, len(w))
    factors = [a * sigmoid(z) * sigmoid(-z) * dot(x, v) for a, z, x in zip(s, t, X, strict=True)]
    return pulled(factors, X)


# ------------------------------------------------------------------------- more classes


def multinomial(W, X, y, sample_weight):
    X = matrix("X", X)
    W = matrix("W", W, len(X[0]))
    if len(W) < 2:
        raise ValueError(f"W: expected two classes or more, given {len(W)}")
    y, s = labels(y, len(X), len(W)), weights(sample_weight, len(X))
    return [[dot(x, w) for w in W] for x in X], X, y, s


def softmax_nll(W, X, y, sample_weight=None):
    Z, _, y, s = multinomial(W, X, y, sample_weight)
    losses = []
    for z, label in zip(Z, y, strict=True):
        if z[label] == max(z):
            others = z[:label] + z[label + 1 :]
            losses.append(math.log1p(math.fsum(math.exp(entry - z[label]) for entry in others)))
        else:
            losses.append(-log_softmax(z)[label])
    return dot(s, losses)


def rows_pulled(R, X):
    """R^T X for rows R, one a data point."""
    return [pulled(column, X) for column in zip(*R, strict=True)]


def softmax_gradient(W, X, y, sample_weight=None):
    Z, X, y, s = multinomial(W, X, y, sample_weight)
    residuals = [residual(z, label) for z, label in zip(Z, y, strict=True)]
    scaled = [[a * r for r in row] for a, row in zip(s, residuals, strict=True)]
    return rows_pulled(scaled, X)


def others(p, a):
    return math.fsum(p[:a] + p[a + 1 :])


def softmax_hessian(W, X, y, sample_weight=None):
    """Entry [a][k][b][l]; 1 - p_a is the sum of the other probabilities."""
    Z, X, _, s = multinomial(W, X, y, sample_weight)
    P = [softmax(z) for z in Z]
    columns = list(zip(*X, strict=True))

    def block(a, b):
        weight = [g * p[a] * (others(p, a) if a == b else -p[b]) for g, p in zip(s, P, strict=True)]
        return [pulled([g * x for g, x in zip(weight, c, strict=True)], X) for c in columns]

    K = range(len(W))
    blocks = [[block(a, b) for b in K] for a in K]
    return [[[blocks[a][b][k] for b in K] for k in range(len(columns))] for a in K]


def softmax_hvp(W, X, y, V, sample_weight=None):
    """The differences Q_a - Q_b are taken before the products, where they lose least."""
    Z, X, _, s = multinomial(W, X, y, sample_weight)
    V = matrix("V", V, len(X[0]))
    if len(V) != len(W):
        raise ValueError(f"V: expected {len(W)} rows, given {len(V)}")
    R = []
    for z, x, g in zip(Z, X, s, strict=True):
        p, q = softmax(z), [dot(x, v) for v in V]
        R.append([g * a * dot(p, [u - t for t in q]) for a, u in zip(p, q, strict=True)])
    return rows_pulled(R, X)


FUNCTIONS = {
    "logistic.nll": logistic_nll,
    "logistic.nll_gradient": logistic_gradient,
    "logistic.nll_hessian": logistic_hessian,
    "logistic.nll_hvp": logistic_hvp,
    "sigmoid.log_sigmoid": lambda t: each(lambda x: -softplus(-x), t),
    "sigmoid.sigmoid": lambda t: each(sigmoid, t),
    "sigmoid.softplus": lambda t: each(softplus, t),
    "softmax.log_softmax": lambda z, axis=-1: rows(log_softmax, z, axis),
    "softmax.logsumexp": lambda z, axis=-1, b=None: rows(logsumexp, z, axis, b),
    "softmax.nll": softmax_nll,
    "softmax.nll_gradient": softmax_gradient,
    "softmax.nll_hessian": softmax_hessian,
    "softmax.nll_hvp": softmax_hvp,
    "softmax.softmax": lambda z, axis=-1: rows(softmax, z, axis),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    return FUNCTIONS[function](**input)
