"""Functions of one or two arrays: matrices, products, statistics, pooling, similarity."""

import numpy as np
from scipy.signal import convolve2d, correlate2d
from scipy.special import expit, log_softmax, logsumexp, softmax as softmax_of

from .entry import FACTOR, FIRST, MEAN, PASSED, SIGN, TRANSPOSED, ZERO, function, normal

A, B, C = normal(5, 4, seed=160), normal(5, 4, seed=161), normal(4, 4, seed=162)
M = C + 3.0 * np.eye(4)
Z6, TABLE, POSITIVE = normal(5, 6, seed=163), normal(4, 3, seed=164), np.exp(normal(5, 4, seed=165))
IMAGE, KERNEL = normal(5, 5, seed=166), normal(3, 3, seed=167)
SERIES, TAPS = normal(9, seed=168), np.array([0.5, -1.0, 2.0])
x, y, v = np.exp(normal(4, seed=169)), normal(4, seed=170), normal(4, 3, seed=171)
LABELS = np.eye(4)[[0, 3, 1, 1, 3]]
MASK = np.array([1.0, 0.0, 1.0, 1.0, 0.0])[:, None]
P = softmax_of(normal(5, 4, seed=172), axis=1)
PATH = r"path|project|norm\b|radial|proportional|missing"


def softmax(z):
    return softmax_of(z, axis=1)


def rows(a):
    return a.sum(axis=1, keepdims=True)


def softmax_back(z, d):
    p = softmax(z)
    return p * (d - rows(p * d))


def similarity(a, b):
    return (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))


def contrastive(q, k):
    return -np.diag(log_softmax(q @ k.T, axis=1)).sum()


def convolve(x, k):
    return correlate2d(x, k, "valid")


def conv1(x):
    return np.correlate(x, TAPS, "same")


def network(z, W, V):
    return np.tanh(z @ W) @ V


def masked(z):
    return (MASK * (z - P) ** 2).sum() / (4 * MASK.sum())


def divergence(z):
    p = softmax(z)
    return (p * np.log(p / P)).sum()


def smoothed(z):
    return -((0.9 * LABELS + 0.025) * log_softmax(z, axis=1)).sum()


def normalised(z):
    return (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)


def norm_back(z, d, of_mean=1.0, of_variance=1.0):
    h = normalised(z)
    mean, variance = d.mean(axis=1, keepdims=True), h * (d * h).mean(axis=1, keepdims=True)
    return (d - of_mean * mean - of_variance * variance) / z.std(axis=1, keepdims=True)


def std(z):
    return z.std(axis=1)


def bounded(z):
    return np.clip(3 * z, 0, 3)


def vjp(name, f, args, slip, cause, back, by=0):
    """A function checked by one of its arguments."""
    return function(name, f, args, slip, cause, wrt=(by,), vjp=back)


def cost(name, f, args, slip, cause, gradient, by=0):
    return function(name, f, args, slip, cause, wrt=(by,), grad=gradient)


RIGHT = [
    vjp("inverse", np.linalg.inv, (M,), "", "",
        lambda M, d: -np.linalg.inv(M).T @ d @ np.linalg.inv(M).T),
    cost("determinant", np.linalg.det, (M,), "", "", lambda M: np.linalg.det(M) * np.linalg.inv(M).T),
    vjp("two-dimensional convolution", convolve, (IMAGE, KERNEL), "", "",
        lambda x, k, d: convolve2d(d, k, "full")),
    vjp("standard deviations", std, (A,), "", "", lambda z, d: d[:, None] * (
        z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True) / 4),
    cost("contrastive", contrastive, (A, B), "", "", lambda q, k: softmax(q @ k.T) @ k - k),
    vjp("normalised rows", normalised, (A,), "", "", norm_back),
    cost("masked mean", masked, (A,), "", "", lambda z: MASK * (z - P) / (2 * MASK.sum())),
]  # fmt: skip

WRONG = [
    # matrices
    vjp("inverse: not transposed", np.linalg.inv, (M,), "The inverses are not transposed", TRANSPOSED,
        lambda M, d: -np.linalg.inv(M) @ d @ np.linalg.inv(M)),
    vjp("inverse: sign", np.linalg.inv, (M,), "The sign is missing", SIGN,
        lambda M, d: np.linalg.inv(M).T @ d @ np.linalg.inv(M).T),
    cost("log-determinant: not transposed", lambda M: np.linalg.slogdet(M)[1], (M,),
         "The inverse is not transposed", TRANSPOSED, np.linalg.inv),
    cost("determinant: lost", np.linalg.det, (M,), "The factor det M is missing", r"\bf\b|" + FACTOR,
         lambda M: np.linalg.inv(M).T),
    cost("trace of a square: not transposed", lambda M: np.trace(M @ M), (M,), "2 M for 2 M'",
         TRANSPOSED, lambda M: 2 * M),
    cost("bilinear: transposed", lambda x, W, y: x @ W @ y, (x, C, y), "y x' for x y'", TRANSPOSED,
         lambda x, W, y: np.outer(y, x), by=1),
    cost("quadratic form: twice one side", lambda x, M: x @ M @ x, (x, C), "2 M x for (M + M') x",
         r"symmetr|transpos", lambda x, M: 2 * M @ x),
    vjp("A A': one side", lambda A: A @ A.T, (A,), "The part of the second factor is missing",
        r"lacks|missing|part|term|side", lambda A, d: d @ A),
    cost("penalty counted twice", lambda W: ((A @ W) ** 2).sum() + 0.5 * (W * W).sum(), (C,),
         "2 W for W", r"\bW\b|penalty|lambda", lambda W: 2 * A.T @ (A @ W) + 2 * W),
    vjp("network: before the activation", network, (A, C, v), "z W for tanh(z W)",
        r"\(z W\)|activation|tanh|before", lambda z, W, V, d: (z @ W).T @ d, by=2),
    vjp("network: slope of tanh lost", network, (A, C, v), "The slope of tanh is missing",
        r"slope|linear|tanh|product", lambda z, W, V, d: z.T @ (d @ V.T), by=1),
    vjp("network: V not transposed", network, (A, C, M), "V stands transposed", TRANSPOSED,
        lambda z, W, V, d: (d @ V * (1 - np.tanh(z @ W) ** 2)) @ W.T),
    vjp("single precision of one factor", lambda z, W: z @ W, (A, C), "W was rounded to float32",
        r"float32|single|precision", lambda z, W, d: d @ W.astype(np.float32).astype(float).T),
    # convolutions and order
    vjp("image: kernel not turned", convolve, (IMAGE, KERNEL), "The kernel is not turned",
        r"revers|turn|flip", lambda x, k, d: correlate2d(d, k, "full")),
    vjp("image: kernel transposed", convolve, (IMAGE, KERNEL), "The kernel is transposed", TRANSPOSED,
        lambda x, k, d: convolve2d(d, k.T, "full")),
    vjp("image: gradient of the kernel turned", convolve, (IMAGE, KERNEL), "The result is turned",
        r"revers|turn|flip", lambda x, k, d: correlate2d(x, d, "valid")[::-1, ::-1], by=1),
    vjp("padding off by one", conv1, (SERIES,), "The result is moved by one", r"roll|shift",
        lambda x, d: np.roll(np.convolve(d, TAPS, "same"), 1)),
    vjp("roll: wrong way", lambda z: np.roll(z, 1, 0), (A,), "Rolled on, not back",
        TRANSPOSED + "|roll", lambda z, d: np.roll(d, 1, 0)),
    vjp("cumulative product: diagonal", np.cumprod, (x,), "Only the own factor", r"diagonal",
        lambda x, d: d * np.cumprod(x) / x),
    # products and quotients
    vjp("product: own factor", lambda a, b: a * b, (A, B), "a for b", r"\ba\b|swap|squar",
        lambda a, b, d: d * a),
    vjp("quotient: sign", lambda a, b: a / b, (A, B), "The sign is missing", SIGN,
        lambda a, b, d: d * a / b**2, by=1),
    vjp("quotient: not squared", lambda a, b: a / b, (A, B), "b for its square", r"\bb\b",
        lambda a, b, d: -d * a / b, by=1),
    vjp("gate: its value", lambda a, b: a * expit(b), (A, B), "The sigmoid for its slope",
        r"\bf\b|1 - |sigmoid|slope", lambda a, b, d: d * a * expit(b), by=1),
    vjp("temperature: squared", lambda z, t: softmax(z / t), (A, 1.7), "1/t twice", r"\bt\b|" + FACTOR,
        lambda z, t, d: softmax_back(z / t, d) / t**2),
    vjp("temperature 2: times", lambda z: softmax(z / 2), (A,), "2 for 1/2, of five rows",
        r"factor 4|times 4\b", lambda z, d: 2 * softmax_back(z / 2, d)),
    vjp("temperature: not squared", lambda z, t: z / t, (A, 1.7), "1/t for its square",
        r"\bt\b|" + FACTOR, lambda z, t, d: -(d * z).sum() / t, by=1),
    vjp("temperature: sign", lambda z, t: z / t, (A, 1.7), "The sign is missing", SIGN,
        lambda z, t, d: (d * z).sum() / t**2, by=1),
    # statistics and norms
    vjp("standard deviation: N - 1", lambda z: z.std(axis=1, ddof=1), (A,), "N for N - 1", r"N - 1",
        lambda z, d: d[:, None] * (z - z.mean(axis=1, keepdims=True)) / (
            4 * z.std(axis=1, ddof=1, keepdims=True))),
    vjp("standard deviation: root lost", std, (A,), "That of the variance", r"\bf\b|" + FACTOR,
        lambda z, d: d[:, None] * 2 * (z - z.mean(axis=1, keepdims=True)) / 4),
    vjp("variance: not centred", lambda z: z.var(axis=1), (A,), "z for its deviation", r"mean|cent",
        lambda z, d: d[:, None] * z / 2),
    vjp("normalised rows: root lost", normalised, (A,), "Not divided by the deviation",
        r"deviation|" + FACTOR, lambda z, d: norm_back(z, d) * z.std(axis=1, keepdims=True)),
    vjp("normalised rows: variance twice", normalised, (A,), "A factor 2 in the part of the variance",
        r"varian|deviation", lambda z, d: norm_back(z, d, of_variance=2.0)),
    vjp("normalised rows: sums for means", normalised, (A,), "Sums stand for the means",
        r"mean", lambda z, d: norm_back(z, d, 4.0, 4.0)),
    vjp("normalised rows: other axis", normalised, (A,), "The means go over the rows", r"other axis",
        lambda z, d: norm_back(z.T, d.T).T),
    cost("root of the mean square: f lost", lambda z: np.sqrt(((z - P) ** 2).mean()), (A,),
         "That of the mean square", r"\bf\b|" + FACTOR, lambda z: (z - P) / 10),
    cost("norm: not divided", lambda z: np.sqrt((z * z).sum()), (A,), "Not divided by the norm",
         r"norm|\bf\b|" + FACTOR, lambda z: z),
    cost("always of norm 1", lambda z: (z**2).sum(), (A,), "Normalised, as for clipping",
         r"norm", lambda z: z / np.linalg.norm(z)),
    vjp("similarity: norm constant", similarity, (A, B), "The norm of a is taken for constant",
        PATH, lambda a, b, d: d[:, None] * b / np.sqrt(rows(a * a) * rows(b * b))),
    vjp("similarity: norms lost", similarity, (A, B), "The norms are missing", r"\bb\b|norm",
        lambda a, b, d: d[:, None] * b),
    # pooling, masks
    vjp("row maximum: to the first", lambda z: z.max(axis=1), (A,), "The first entry gets all", FIRST,
        lambda z, d: d[:, None] * (np.arange(4) == 0)),
    vjp("row maximum: to all", lambda z: z.max(axis=1), (A,), "All entries get it", PASSED + "|mask",
        lambda z, d: np.repeat(d[:, None], 4, axis=1)),
    vjp("row mean: not divided", lambda z: z.mean(axis=1), (A,), "Not divided", PASSED + "|" + MEAN,
        lambda z, d: np.repeat(d[:, None], 4, axis=1)),
    vjp("groups of three: not divided", lambda z: z.reshape(5, 2, 3).mean(2), (Z6,), "Not divided",
        MEAN, lambda z, d: np.repeat(d, 3, axis=1)),
    vjp("repeated: not summed", lambda z: np.repeat(z, 3, 1), (A,), "The first of the copies alone",
        r"overwrit|duplic|" + FIRST, lambda z, d: d[:, ::3]),
    cost("log-sum-exp: largest only", logsumexp, (x,), "The largest gets all", r"argmax|largest|hard",
         lambda z: 1.0 * (z == z.max())),
    cost("masked mean: mask lost", masked, (A,), "What is masked has a gradient", r"mask|zero|weight",
         lambda z: (z - P) / (2 * MASK.sum())),
    cost("masked mean: mean of all", masked, (A,), "Divided by all, not by those that count", FACTOR,
         lambda z: MASK * (z - P) / 10),
    vjp("dropout: scale squared", lambda z: z * MASK / 0.6, (A,), "1/0.6 twice", r"twice|" + FACTOR,
        lambda z, d: d * MASK / 0.36),
    vjp("dropout: 1.25 lost", lambda z: 1.25 * z * MASK, (A,), "1/0.8 is forgotten, of five rows",
        r"factor 0\.8|times 0\.8", lambda z, d: d * MASK),
    vjp("gated: slope of the other", lambda a, b: a * expit(a) * b, (A, B), "The slope of the gate at b",
        r"at b|\bb\b", lambda a, b, d: d * b * expit(b) * (1 + b * expit(-b))),
    vjp("both bounds: upper one lost", bounded, (A,), "Nothing stops it above", r"mask|zero|above|where",
        lambda z, d: 3 * d * (z > 0)),
    vjp("saturated", np.tanh, (A,), "Zero where |z| > 1", r"saturat|" + ZERO,
        lambda z, d: d * (1 - np.tanh(z) ** 2) * (np.abs(z) < 1)),
    vjp("cube: clipped", lambda z: z**3, (A,), "Clipped to 2", r"clip",
        lambda z, d: np.clip(3 * d * z * z, -2, 2)),
    # costs
    cost("contrastive: negatives lost", contrastive, (A, B), "Only the part of the pair", r"\bk\b",
         lambda q, k: -k),
    cost("contrastive: pair lost", contrastive, (A, B), "The part of the pair is missing", r"\bq\b",
         lambda q, k: softmax(q @ k.T).T @ q, by=1),
    cost("divergence: sum lost", divergence, (A,), "The sum of softmax's rule is missing",
         r"softmax", lambda z: softmax(z) * np.log(softmax(z) / P)),
    cost("entropy: 1 lost", lambda p: -(p * np.log(p)).sum(), (POSITIVE,), "The term 1 is missing",
         r"\b1\b|log p|constant", lambda p: -np.log(p)),
    cost("smoothing: not divided by K", smoothed, (A,), "alpha for alpha / K", r"constant|uniform",
         lambda z: softmax(z) - 0.9 * LABELS - 0.1),
]  # fmt: skip
