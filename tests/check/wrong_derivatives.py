"""A catalogue of wrong derivatives: a function, a claim, and names that say what is wrong."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import convolve2d, correlate2d
from scipy.special import erf, expit, log_softmax, logsumexp, softmax

RNG = np.random.default_rng(8)


@dataclass(frozen=True)
class Wrong:
    """A function, a wrong claim about it, and the names that are right for the fault."""

    forward: object
    claim: object
    values: dict
    argument: str
    names: tuple[str, ...]
    rule: str = "RULE 2 (backward)"


Z = RNG.normal(size=(5, 4))
W, B = RNG.normal(size=(3, 4)), RNG.normal(size=3)
SQUARE = RNG.normal(size=(4, 4))
X = RNG.normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 1, 3])
Y = np.eye(4)[LABELS]
GAIN = RNG.uniform(0.5, 2.0, 4)


def rows(a):
    return a.sum(axis=-1, keepdims=True)


def mean(a, axis=-1):
    return a.mean(axis=axis, keepdims=True)


def soft(z):
    return softmax(z, axis=-1)


def softmax_back(z, delta):
    return soft(z) * (delta - rows(soft(z) * delta))


def nll(z):
    return -(Y * log_softmax(z, axis=-1)).sum()


def linear(z, W, b):
    return z @ W.T + b


def hat(z, axis=-1, eps=1e-5):
    return (z - mean(z, axis)) / np.sqrt(z.var(axis=axis, keepdims=True) + eps)


def root(z, axis=-1, eps=1e-5):
    return np.sqrt(z.var(axis=axis, keepdims=True) + eps)


def norm_forward(z, g):
    return g * hat(z)


def batch_forward(z, g):
    return g * hat(z, 0)


def norm_back(z, g, delta, axis=-1, of_mean=1.0, of_variance=1.0, r=None, eps=1e-5):
    d, h = g * delta, hat(z, axis, eps)
    r = root(z, axis) if r is None else r
    return (d - of_mean * mean(d, axis) - of_variance * h * mean(d * h, axis)) / r


def rms(z):
    return np.sqrt((z * z).mean(axis=-1, keepdims=True) + 1e-5)


def gelu(z):
    return 0.5 * z * (1.0 + erf(z / np.sqrt(2.0)))


def density(z):
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


TANH_C = np.sqrt(2.0 / np.pi)


def gelu_tanh(z):
    return 0.5 * z * (1.0 + np.tanh(TANH_C * (z + 0.044715 * z**3)))


def gelu_inner(z):
    t = np.tanh(TANH_C * (z + 0.044715 * z**3))
    return t, TANH_C * (1.0 + 3 * 0.044715 * z * z)


def attention(Q, K, V):
    return softmax(Q @ K.T / np.sqrt(Q.shape[1]), axis=-1) @ V


def attention_parts(Q, K, V, delta):
    P = softmax(Q @ K.T / np.sqrt(Q.shape[1]), axis=-1)
    dP = delta @ V.T
    return P, dP, P * (dP - rows(P * dP))


QKV = {"Q": RNG.normal(size=(5, 3)), "K": RNG.normal(size=(6, 3)), "V": RNG.normal(size=(6, 4))}
RULE_3 = "RULE 3 (parameter_gradient)"
ZW = {"z": Z, "W": W, "b": B}
SOFT_Y = softmax(RNG.normal(size=(5, 4)), axis=-1)
POSITIVE = RNG.uniform(0.5, 2.0, size=(5, 4))
IDS = np.array([0, 2, 2, 1, 0, 2])
KERNEL = np.array([0.5, -1.0, 2.0])
SERIES = RNG.normal(size=9)
MASK = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
GAMMA = 2.0


def conv(x, k):
    return np.correlate(x, k, "valid")


def overwritten(table, delta):
    result = np.zeros_like(table)
    result[IDS] = delta
    return result


def focal(z):
    logp = (Y * log_softmax(z, axis=-1)).sum(axis=-1)
    return -((1 - np.exp(logp)) ** GAMMA * logp).sum()


def focal_detached(z, delta):
    p = (Y * soft(z)).sum(axis=-1, keepdims=True)
    return (1 - p) ** GAMMA * (soft(z) - Y)


def silu(z):
    return z * expit(z)


def pinball(z):
    return np.where(np.abs(z) <= 1.0, 0.5 * z * z, np.abs(z) - 0.5).sum()


def low_rank(x, A, B):
    return x @ A @ B


def masked_mse(z):
    return (MASK[:, None] * (z - SOFT_Y) ** 2).sum() / (4 * MASK.sum())


def cosine(z):
    return z / np.sqrt(rows(z * z))


def log_reg_hessian(w):
    p = expit(X @ w)
    return (X.T * (p * (1 - p))) @ X


yb = (RNG.random(8) > 0.5) * 1.0
zb = RNG.normal(size=8) * 1.5


def bce(z):
    return (np.logaddexp(0, z) - yb * z).sum()


POSW = 3.0
CW = np.array([1.0, 2.0, 0.5, 3.0])


def wce(z):
    return -(CW[LABELS][:, None] * Y * log_softmax(z, axis=-1)).sum()


eps = 0.1


def ls(z):
    q = (1 - eps) * Y + eps / 4
    return -(q * log_softmax(z, axis=-1)).sum()


P = softmax(RNG.normal(size=(5, 4)), axis=-1)


def kl(z):
    p = soft(z)
    return (p * (np.log(p) - np.log(P))).sum()


def gn(z):  # group norm 2 groups
    return hat(z.reshape(5, 2, 3)).reshape(5, 6)


Z6 = RNG.normal(size=(5, 6))


def gnb(z, delta, shape):
    return norm_back(z.reshape(shape), 1.0, delta.reshape(shape)).reshape(z.shape)


SQ = SQUARE + 3 * np.eye(4)


def inv(A):
    return np.linalg.inv(A)


IMG = RNG.normal(size=(5, 5))
KER = RNG.normal(size=(3, 3))
causal = np.tril(np.ones((5, 5)))


def catt(Q, K, V):
    S = Q @ K.T / np.sqrt(3)
    S = np.where(causal > 0, S, -1e9)
    return softmax(S, axis=-1) @ V


Q5, K5, V5 = (RNG.normal(size=(5, 3)) for _ in range(3))


def catt_back(Q, K, V, d):
    S = Q @ K.T / np.sqrt(3)
    S = np.where(causal > 0, S, -1e9)
    A = softmax(S, axis=-1)
    dA = d @ V.T
    return A, dA, A * (dA - rows(A * dA))


def rnn(x, U):  # h_t = tanh(x_t + U h_{t-1})
    h = np.zeros(3)
    out = []
    for xt in x:
        h = np.tanh(xt + U @ h)
        out.append(h)
    return np.array(out)


XR = RNG.normal(size=(4, 3))
UR = RNG.normal(size=(3, 3)) * 0.5


def rnn_back(x, U, d, trunc=99, which="x", slope=True, T=True):
    H = rnn(x, U)
    n = len(x)
    gx = np.zeros_like(x)
    gU = np.zeros_like(U)
    dh = np.zeros(3)
    for s in range(n - 1, -1, -1):
        dh = d[s] + dh
        da = dh * (1 - H[s] ** 2) if slope else dh
        gx[s] = da
        gU += np.outer(da, H[s - 1] if s else np.zeros(3))
        dh = (U.T if T else U) @ da
        if trunc == 1:
            dh = 0 * dh
    return gx if which == "x" else gU


def std(z):
    return z.std(axis=1)


th = np.array([0.3, 1.1, 2.0])


def rope(z):  # pairs
    a, b = z[:, :2], z[:, 2:]
    c, s = np.cos(0.7), np.sin(0.7)
    return np.concatenate([a * c - b * s, a * s + b * c], 1)


def rope_back(z, d, sg=1):
    a, b = d[:, :2], d[:, 2:]
    c, s = np.cos(0.7), sg * np.sin(0.7)
    return np.concatenate([a * c + b * s, -a * s + b * c], 1)


A2 = RNG.normal(size=(5, 4))
B2 = RNG.normal(size=(5, 4))
m4 = np.array([1.0, 0, 1, 1])


def maxpool(x):
    return x.reshape(5, 2, 3).max(axis=2)


def lse(z):
    return logsumexp(z)


def cosim(a, b):
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


def nce(Q, K):
    S = Q @ K.T
    return -(np.diag(log_softmax(S, axis=1))).sum()


def two(z, W, V):
    return np.tanh(z @ W) @ V


def hinge(z):
    return np.maximum(0, 1 - (2 * yb - 1) * z).sum()


CATALOGUE = {
    # ------------------------------------------------------------------- factors and signs
    "sign": Wrong(
        lambda z: expit(z), lambda z, delta: -delta * expit(z) * expit(-z), {"z": Z}, "z", ("sign",)
    ),
    "MSE factor 2": Wrong(
        lambda z: ((z - SOFT_Y) ** 2).sum(),
        lambda z, delta: z - SOFT_Y,
        {"z": Z},
        "z",
        ("factor 1/2",),
    ),
    "mean over rows": Wrong(
        nll, lambda z, delta: (soft(z) - Y) / 5, {"z": Z}, "z", ("mean over rows",)
    ),
    "sum for mean": Wrong(
        lambda z: nll(z) / 5, lambda z, delta: soft(z) - Y, {"z": Z}, "z", ("sum over rows",)
    ),
    "mean over columns": Wrong(
        lambda z: z.sum(axis=1),
        lambda z, delta: np.repeat(delta[:, None] / 4, 4, axis=1),
        {"z": Z},
        "z",
        ("mean over columns",),
    ),
    "any factor": Wrong(
        np.tanh, lambda z, delta: 1.0001 * delta * (1 - np.tanh(z) ** 2), {"z": Z}, "z", ("factor",)
    ),
    "temperature lost": Wrong(
        lambda z, tau: np.tanh(z / tau),
        lambda z, tau, delta: delta * (1 - np.tanh(z / tau) ** 2),
        {"z": Z, "tau": 1.7},
        "z",
        ("extra tau",),
    ),
    "W gradient is a mean": Wrong(
        linear, lambda z, W, b, delta: delta.T @ z / 5, ZW, "W", ("mean over rows",), RULE_3
    ),
    # ------------------------------------------------------------------- shapes and order
    "W transposed": Wrong(
        lambda z, W: z @ W.T,
        lambda z, W, delta: delta @ W.T,
        {"z": Z, "W": SQUARE},
        "z",
        ("transposed",),
    ),
    "W gradient transposed": Wrong(
        lambda z, W: z @ W,
        lambda z, W, delta: delta.T @ z,
        {"z": Z, "W": SQUARE},
        "W",
        ("transposed",),
        RULE_3,
    ),
    "W gradient transposed, not square": Wrong(
        linear, lambda z, W, b, delta: z.T @ delta, ZW, "W", ("transposed",), RULE_3
    ),
    "bias per data point": Wrong(
        linear, lambda z, W, b, delta: delta, ZW, "b", ("sum missing", "passed through"), RULE_3
    ),
    "bias summed over outputs": Wrong(
        lambda z, b: z + b,
        lambda z, b, delta: delta.sum(axis=1),
        {"z": SQUARE, "b": GAIN},
        "b",
        ("passed through",),
        RULE_3,
    ),
    "first row only": Wrong(
        linear,
        lambda z, W, b, delta: np.outer(delta[0], z[0]),
        ZW,
        "W",
        ("first of the rows only", "first row only"),
        RULE_3,
    ),
    "last row lost": Wrong(
        linear,
        lambda z, W, b, delta: delta[:-1].T @ z[:-1],
        ZW,
        "W",
        ("last of the rows left out",),
        RULE_3,
    ),
    "reversed": Wrong(
        lambda z: np.flip(z, 1) * 2, lambda z, delta: 2 * delta, {"z": Z}, "z", ("reversed",)
    ),
    "cumsum not reversed": Wrong(
        lambda z: z.cumsum(axis=1),
        lambda z, delta: delta.cumsum(axis=1),
        {"z": Z},
        "z",
        ("transposed",),
    ),
    "roll wrong way": Wrong(
        lambda z: np.roll(z, 1, 0),
        lambda z, delta: np.roll(delta, 1, 0),
        {"z": Z},
        "z",
        ("rolled", "transposed"),
    ),
    "conv kernel flipped": Wrong(
        lambda x: conv(x, KERNEL),
        lambda x, delta: np.correlate(delta, KERNEL, "full"),
        {"x": SERIES},
        "x",
        ("kernel reversed",),
    ),
    "conv kernel flipped, argument": Wrong(
        conv,
        lambda x, k, delta: np.correlate(delta, k, "full"),
        {"x": SERIES, "k": KERNEL},
        "x",
        ("kernel reversed",),
    ),
    "conv gradient flipped": Wrong(
        conv,
        lambda x, k, delta: np.correlate(x, delta, "valid")[::-1],
        {"x": SERIES, "k": KERNEL},
        "k",
        ("reversed",),
        RULE_3,
    ),
    # ------------------------------------------------------------------- delta
    "delta ignored": Wrong(
        expit, lambda z, delta: expit(z) * expit(-z), {"z": Z}, "z", ("delta ignored",)
    ),
    "delta summed": Wrong(
        linear,
        lambda z, W, b, delta: np.tile(delta.sum(axis=0) @ W, (5, 1)),
        ZW,
        "z",
        ("delta summed",),
    ),
    "passed through": Wrong(np.tanh, lambda z, delta: delta, {"z": Z}, "z", ("passed through",)),
    "slope at the output": Wrong(
        np.tanh,
        lambda z, delta: delta * (1 - np.tanh(np.tanh(z)) ** 2),
        {"z": Z},
        "z",
        ("at the output",),
    ),
    "z for sigmoid's output": Wrong(
        expit, lambda z, delta: delta * z * (1 - z), {"z": Z}, "z", ("another function",)
    ),
    "slope squared": Wrong(
        np.tanh,
        lambda z, delta: delta * (1 - np.tanh(z) ** 2) ** 2,
        {"z": Z},
        "z",
        ("doubled slope", "slope squared"),
    ),
    "slope inverted": Wrong(
        np.tanh, lambda z, delta: delta / (1 - np.tanh(z) ** 2), {"z": Z}, "z", ("slope inverted",)
    ),
    "tanh's derivative not squared": Wrong(
        np.tanh, lambda z, delta: delta * (1 - np.tanh(z)), {"z": Z}, "z", ("at the output",)
    ),
    "zero": Wrong(np.tanh, lambda z, delta: 0 * z, {"z": Z}, "z", ("zero",)),
    # ------------------------------------------------------------------- softmax and costs
    "softmax diagonal only": Wrong(
        soft, lambda z, delta: soft(z) * (1 - soft(z)) * delta, {"z": Z}, "z", ("diagonal only",)
    ),
    "softmax without - S S^T": Wrong(
        soft, lambda z, delta: soft(z) * delta, {"z": Z}, "z", ("delta f",)
    ),
    "softmax as log-softmax": Wrong(
        soft,
        lambda z, delta: delta - soft(z) * rows(delta),
        {"z": Z},
        "z",
        ("sum of terms", "times f", "missing f"),
    ),
    "softmax, sum over rows": Wrong(
        soft,
        lambda z, delta: soft(z) * (delta - (soft(z) * delta).sum(axis=0)),
        {"z": Z},
        "z",
        ("sum of terms",),
    ),
    "log-softmax as softmax": Wrong(
        lambda z: log_softmax(z, axis=-1),
        lambda z, delta: softmax_back(z, delta),
        {"z": Z},
        "z",
        ("softmax for log-softmax", "times e^f", "softmax path"),
    ),
    "log-softmax, one-hot": Wrong(
        lambda z: log_softmax(z, axis=-1),
        lambda z, delta: delta + soft(z),
        {"z": Z},
        "z",
        ("sum of terms",),
    ),
    "cross-entropy, label forgotten": Wrong(
        nll, lambda z, delta: soft(z), {"z": Z}, "z", ("softmax(z)",)
    ),
    "cross-entropy, log-probabilities": Wrong(
        lambda z: -(SOFT_Y * log_softmax(z, axis=-1)).sum(),
        lambda z, delta: soft(z) - (SOFT_Y == SOFT_Y.max(axis=1, keepdims=True)),
        {"z": Z},
        "z",
        ("hard labels",),
    ),
    "hard labels": Wrong(
        lambda z, y: -(y * log_softmax(z, axis=-1)).sum(),
        lambda z, y, delta: soft(z) - (y == y.max(axis=1, keepdims=True)),
        {"z": Z, "y": SOFT_Y},
        "z",
        ("hard labels",),
    ),
    "argmax for probabilities": Wrong(
        nll,
        lambda z, delta: (z == z.max(axis=1, keepdims=True)) - Y,
        {"z": Z},
        "z",
        ("hard labels",),
    ),
    "focal weight held": Wrong(focal, focal_detached, {"z": Z}, "z", ("weight held constant",)),
    "logsumexp: hard max": Wrong(
        lambda z: logsumexp(z, axis=1),
        lambda z, delta: delta[:, None] * (z == z.max(axis=1, keepdims=True)),
        {"z": Z},
        "z",
        ("delta hard labels",),
    ),
    "Huber not clipped": Wrong(pinball, lambda z, delta: z, {"z": Z}, "z", ("z", "the argument")),
    "masked loss, mask lost": Wrong(
        masked_mse,
        lambda z, delta: 2 * (z - SOFT_Y) / (4 * MASK.sum()),
        {"z": Z},
        "z",
        ("mask missing",),
    ),
    "masked loss, mean of all": Wrong(
        masked_mse,
        lambda z, delta: 2 * MASK[:, None] * (z - SOFT_Y) / 20,
        {"z": Z},
        "z",
        ("factor",),
    ),
    # ------------------------------------------------------------------- norms
    "layer norm, mean path": Wrong(
        norm_forward,
        lambda z, g, delta: norm_back(z, g, delta, of_mean=0.0),
        {"z": Z, "g": GAIN},
        "z",
        ("mean path",),
    ),
    "layer norm, variance path": Wrong(
        norm_forward,
        lambda z, g, delta: norm_back(z, g, delta, of_variance=0.0),
        {"z": Z, "g": GAIN},
        "z",
        ("variance path",),
    ),
    "layer norm, both paths": Wrong(
        norm_forward,
        lambda z, g, delta: g * delta / root(z),
        {"z": Z, "g": GAIN},
        "z",
        ("mean and variance paths",),
    ),
    "layer norm, gain lost": Wrong(
        norm_forward,
        lambda z, g, delta: norm_back(z, np.ones(4), delta),
        {"z": Z, "g": GAIN},
        "z",
        ("missing g",),
    ),
    "batch norm, mean path": Wrong(
        batch_forward,
        lambda z, g, delta: norm_back(z, g, delta, 0, 0.0),
        {"z": Z, "g": GAIN},
        "z",
        ("mean path",),
    ),
    "batch norm, variance path": Wrong(
        batch_forward,
        lambda z, g, delta: norm_back(z, g, delta, 0, 1.0, 0.0),
        {"z": Z, "g": GAIN},
        "z",
        ("variance path",),
    ),
    "batch norm, fixed statistics": Wrong(
        batch_forward,
        lambda z, g, delta: g * delta / root(z, 0),
        {"z": Z, "g": GAIN},
        "z",
        ("mean and variance paths",),
    ),
    "batch norm, gain lost": Wrong(
        batch_forward,
        lambda z, g, delta: norm_back(z, np.ones(4), delta, 0),
        {"z": Z, "g": GAIN},
        "z",
        ("missing g",),
    ),
    "layer norm, eps outside": Wrong(
        lambda z: hat(z, eps=1e-3),
        lambda z, delta: norm_back(
            z, 1.0, delta, eps=1e-3, r=np.sqrt(z.var(axis=-1, keepdims=True)) + 1e-3
        ),
        {"z": Z},
        "z",
        ("eps misplaced", "factor of each"),
    ),
    "layer norm, N - 1": Wrong(
        lambda z: hat(z, eps=0.0),
        lambda z, delta: norm_back(z, 1.0, delta, eps=0.0, r=z.std(axis=-1, keepdims=True, ddof=1)),
        {"z": Z},
        "z",
        ("missing 1/sqrt(d)", "N - 1 for N", "factor"),
    ),
    "layer norm, root lost": Wrong(
        lambda z: hat(z, eps=0.0),
        lambda z, delta: norm_back(z, 1.0, delta, eps=0.0, r=1.0),
        {"z": Z},
        "z",
        ("extra standard deviation over the columns",),
    ),
    "RMS norm, norm path": Wrong(
        lambda z: z / rms(z), lambda z, delta: delta / rms(z), {"z": Z}, "z", ("norm path",)
    ),
    "RMS norm, mean path added": Wrong(
        lambda z: z / rms(z),
        lambda z, delta: (delta - mean(delta) - z / rms(z) * mean(delta * z / rms(z))) / rms(z),
        {"z": Z},
        "z",
        ("mean path",),
    ),
    "cosine, norm path": Wrong(
        cosine, lambda z, delta: delta / np.sqrt(rows(z * z)), {"z": Z}, "z", ("norm path",)
    ),
    "gain gradient without the normalised value": Wrong(
        norm_forward,
        lambda z, g, delta: delta.sum(axis=0),
        {"z": Z, "g": GAIN},
        "g",
        ("passed through",),
        RULE_3,
    ),
    "gain gradient by z": Wrong(
        norm_forward,
        lambda z, g, delta: (delta * z).sum(axis=0),
        {"z": Z, "g": GAIN},
        "g",
        ("sum of delta z",),
        RULE_3,
    ),
    "gain gradient by the output": Wrong(
        norm_forward,
        lambda z, g, delta: (delta * g * hat(z)).sum(axis=0),
        {"z": Z, "g": GAIN},
        "g",
        ("extra g",),
        RULE_3,
    ),
    # ------------------------------------------------------------------- activations
    "GELU, product rule": Wrong(
        gelu,
        lambda z, delta: delta * gelu(z) / z,
        {"z": Z},
        "z",
        ("product rule", "missing product rule", "delta f / z", "another function"),
    ),
    "GELU, z lost": Wrong(
        gelu,
        lambda z, delta: delta * (gelu(z) / z + density(z)),
        {"z": Z},
        "z",
        ("another function",),
    ),
    "GELU by tanh, slope by erf": Wrong(
        gelu_tanh,
        lambda z, delta: delta * (gelu(z) / z + z * density(z)),
        {"z": Z},
        "z",
        ("another function",),
    ),
    "GELU by tanh, inner slope": Wrong(
        gelu_tanh,
        lambda z, delta: (
            delta * (0.5 * (1 + gelu_inner(z)[0]) + 0.5 * z * (1 - gelu_inner(z)[0] ** 2))
        ),
        {"z": Z},
        "z",
        ("product rule",),
    ),
    "SiLU, product rule": Wrong(
        silu,
        lambda z, delta: delta * expit(z),
        {"z": Z},
        "z",
        ("product rule", "delta f / z", "another function"),
    ),
    "SiLU as sigmoid": Wrong(
        silu, lambda z, delta: delta * expit(z) * expit(-z), {"z": Z}, "z", ("another function",)
    ),
    "SiLU, second term only": Wrong(
        silu,
        lambda z, delta: delta * z * expit(z) * expit(-z),
        {"z": Z},
        "z",
        ("inner slope", "product rule"),
    ),
    "softplus as ReLU": Wrong(
        lambda z: np.logaddexp(0, z),
        lambda z, delta: delta * (z > 0),
        {"z": Z},
        "z",
        ("another function",),
    ),
    "ReLU's mask lost": Wrong(
        lambda z: np.maximum(z, 0),
        lambda z, delta: delta,
        {"z": Z},
        "z",
        ("passed through", "mask missing"),
    ),
    "leaky slope lost": Wrong(
        lambda z: np.where(z > 0, z, 0.1 * z),
        lambda z, delta: delta * (z > 0),
        {"z": Z},
        "z",
        ("zeroed",),
    ),
    "ReLU mask inverted": Wrong(
        lambda z: np.maximum(z, 0),
        lambda z, delta: delta * (z < 0),
        {"z": Z},
        "z",
        ("mask inverted",),
    ),
    "saturated": Wrong(
        np.tanh,
        lambda z, delta: delta * (1 - np.tanh(z) ** 2) * (np.abs(z) < 1),
        {"z": Z},
        "z",
        ("saturated",),
    ),
    "clipped": Wrong(
        lambda z: z**3,
        lambda z, delta: np.clip(3 * delta * z * z, -2, 2),
        {"z": Z},
        "z",
        ("clipped",),
    ),
    "float32": Wrong(
        np.sin,
        lambda z, delta: (delta.astype(np.float32) * np.cos(z.astype(np.float32))).astype(
            np.float64
        ),
        {"z": Z},
        "z",
        ("float32",),
    ),
    "gate: half of the product rule": Wrong(
        lambda a, b: a * expit(b),
        lambda a, b, delta: delta,
        {"a": Z, "b": POSITIVE},
        "a",
        ("passed through",),
    ),
    "gate: slope of the gate lost": Wrong(
        lambda a, b: a * expit(b),
        lambda a, b, delta: delta * a,
        {"a": Z, "b": POSITIVE},
        "b",
        ("delta a",),
    ),
    # ------------------------------------------------------------------- layers with weights
    "inner slope lost in W": Wrong(
        lambda z, W: np.tanh(z @ W.T),
        lambda z, W, delta: delta.T @ z,
        {"z": Z, "W": W},
        "W",
        ("missing 1 - f^2",),
        RULE_3,
    ),
    "inner slope at the output in W": Wrong(
        lambda z, W: np.tanh(z @ W.T),
        lambda z, W, delta: (delta * (1 - np.tanh(np.tanh(z @ W.T)) ** 2)).T @ z,
        {"z": Z, "W": W},
        "W",
        ("at the output",),
        RULE_3,
    ),
    "inner slope lost in z": Wrong(
        lambda z, W: np.tanh(z @ W.T),
        lambda z, W, delta: delta @ W,
        {"z": Z, "W": W},
        "z",
        ("missing 1 - f^2",),
    ),
    "sigmoid slope lost in W": Wrong(
        lambda z, W: expit(z @ W.T),
        lambda z, W, delta: delta.T @ z,
        {"z": Z, "W": W},
        "W",
        ("missing f (1 - f)",),
        RULE_3,
    ),
    "weight decay": Wrong(
        linear, lambda z, W, b, delta: delta.T @ z + 0.01 * W, ZW, "W", ("added W",), RULE_3
    ),
    "skip lost": Wrong(
        lambda z, W: z + np.tanh(z @ W),
        lambda z, W, delta: (delta * (1 - np.tanh(z @ W) ** 2)) @ W.T,
        {"z": Z, "W": SQUARE},
        "z",
        ("missing delta",),
    ),
    "skip twice": Wrong(
        lambda z, W: z + np.tanh(z @ W),
        lambda z, W, delta: 2 * delta + (delta * (1 - np.tanh(z @ W) ** 2)) @ W.T,
        {"z": Z, "W": SQUARE},
        "z",
        ("added delta",),
    ),
    "quadratic form, one side": Wrong(
        lambda x, A: x @ A @ x, lambda x, A, delta: A @ x, {"x": GAIN, "A": SQUARE}, "x", ("A x",)
    ),
    "quadratic form, 2 A x": Wrong(
        lambda x, A: x @ A @ x,
        lambda x, A, delta: 2 * A @ x,
        {"x": GAIN, "A": SQUARE},
        "x",
        ("A x",),
    ),
    "low rank, A forgets B": Wrong(
        low_rank,
        lambda x, A, B, delta: x.T @ delta,
        {"x": Z, "A": SQUARE[:, :3], "B": RNG.normal(size=(3, 3))},
        "A",
        ("x^T delta",),
        RULE_3,
    ),
    "low rank, B forgets A": Wrong(
        low_rank,
        lambda x, A, B, delta: x.T @ delta,
        {"x": Z[:, :3], "A": SQUARE[:3, :3], "B": RNG.normal(size=(3, 3))},
        "B",
        ("x^T delta",),
        RULE_3,
    ),
    "low rank, B transposed": Wrong(
        low_rank,
        lambda x, A, B, delta: x.T @ delta @ B,
        {"x": Z, "A": SQUARE[:, :3], "B": RNG.normal(size=(3, 3))},
        "A",
        ("B transposed", "x^T (delta B)"),
        RULE_3,
    ),
    "embedding overwritten": Wrong(
        lambda table: table[IDS],
        lambda table, delta: overwritten(table, delta),
        {"table": RNG.normal(size=(4, 3))},
        "table",
        ("duplicates overwritten",),
        RULE_3,
    ),
    "dropout scale lost": Wrong(
        lambda z: z * MASK[:, None] / 0.6,
        lambda z, delta: delta * MASK[:, None],
        {"z": Z},
        "z",
        ("factor",),
    ),
    "dropout mask lost": Wrong(
        lambda z: z * MASK[:, None], lambda z, delta: delta, {"z": Z}, "z", ("passed through",)
    ),
    "mean pooling": Wrong(
        lambda z: z.mean(axis=1),
        lambda z, delta: np.repeat(delta[:, None], 4, 1),
        {"z": Z},
        "z",
        ("passed through", "sum over columns"),
    ),
    "max pooling to the first": Wrong(
        lambda z: z.max(axis=1),
        lambda z, delta: delta[:, None] * (np.arange(4) == 0),
        {"z": Z},
        "z",
        ("first only",),
    ),
    "max pooling to all": Wrong(
        lambda z: z.max(axis=1),
        lambda z, delta: np.repeat(delta[:, None], 4, 1),
        {"z": Z},
        "z",
        ("passed through", "mask missing"),
    ),
    # ------------------------------------------------------------------- attention
    "attention, 1/sqrt(d) lost": Wrong(
        attention,
        lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[2] @ K,
        QKV,
        "Q",
        ("missing 1/sqrt(d)",),
    ),
    "attention, 1/d": Wrong(
        attention,
        lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[2] @ K / 3,
        QKV,
        "Q",
        ("extra 1/sqrt(d)",),
    ),
    "attention, softmax held": Wrong(attention, lambda Q, K, V, delta: 0 * K, QKV, "K", ("zero",)),
    "attention, softmax diagonal": Wrong(
        attention,
        lambda Q, K, V, delta: (lambda P, dP, _: P * dP @ K / np.sqrt(3))(
            *attention_parts(Q, K, V, delta)
        ),
        QKV,
        "Q",
        ("softmax sum lost",),
    ),
    "attention, V by P^T P": Wrong(
        attention,
        lambda Q, K, V, delta: (lambda P, dP, dS: dS.T @ delta)(*attention_parts(Q, K, V, delta)),
        QKV,
        "V",
        ("attention scores",),
    ),
    # ------------------------------------------------------------------- more of all kinds
    "bce double slope": Wrong(
        bce,
        lambda z, delta: (expit(z) - yb) * expit(z) * expit(-z),
        {"z": zb},
        "z",
        ("extra slope of sigmoid at the argument",),
    ),
    "bce sign": Wrong(bce, lambda z, delta: yb - expit(z), {"z": zb}, "z", ("sign",)),
    "bce hard": Wrong(bce, lambda z, delta: (z > 0) - yb, {"z": zb}, "z", ("hard labels",)),
    "bce label lost": Wrong(bce, lambda z, delta: expit(z), {"z": zb}, "z", ("sigmoid(z)",)),
    "bce pos only": Wrong(bce, lambda z, delta: yb * (expit(z) - yb), {"z": zb}, "z", ("zeroed",)),
    "bce pos weight lost": Wrong(
        lambda z: (POSW * yb * np.logaddexp(0, -z) + (1 - yb) * np.logaddexp(0, z)).sum(),
        lambda z, delta: expit(z) - yb,
        {"z": zb},
        "z",
        ("weight lost",),
    ),
    "class weights lost": Wrong(wce, lambda z, delta: soft(z) - Y, {"z": Z}, "z", ("weight lost",)),
    "class weights on wrong axis": Wrong(
        wce, lambda z, delta: CW * (soft(z) - Y), {"z": Z}, "z", ()
    ),
    "label smoothing lost": Wrong(
        ls, lambda z, delta: soft(z) - Y, {"z": Z}, "z", ("hard labels",)
    ),
    "label smoothing K-1": Wrong(
        ls, lambda z, delta: soft(z) - ((1 - eps) * Y + eps / 3 * (1 - Y)), {"z": Z}, "z", ()
    ),
    "label smoothing eps not /K": Wrong(
        ls, lambda z, delta: soft(z) - ((1 - eps) * Y + eps), {"z": Z}, "z", ("missing constant",)
    ),
    "kl: p constant": Wrong(
        kl,
        lambda z, delta: soft(z) * (np.log(soft(z)) - np.log(P)),
        {"z": Z},
        "z",
        ("softmax path",),
    ),
    "kl: softmax sum lost +1": Wrong(
        kl,
        lambda z, delta: soft(z) * (np.log(soft(z)) - np.log(P) + 1),
        {"z": Z},
        "z",
        ("softmax path",),
    ),
    "entropy +1 lost": Wrong(
        lambda p: -(p * np.log(p)).sum(), lambda p, delta: -np.log(p), {"p": P}, "p", ("log p",)
    ),
    "group norm as layer norm": Wrong(
        gn, lambda z, delta: gnb(z, delta, (5, 6)), {"z": Z6}, "z", ("layer norm's rule",)
    ),
    "group norm wrong groups": Wrong(
        gn,
        lambda z, delta: (
            norm_back(z.reshape(5, 3, 2).swapaxes(1, 2), 1.0, delta.reshape(5, 3, 2).swapaxes(1, 2))
            .swapaxes(1, 2)
            .reshape(5, 6)
        ),
        {"z": Z6},
        "z",
        (),
    ),
    "layer norm over wrong axis": Wrong(
        lambda z: hat(z),
        lambda z, delta: norm_back(z, 1.0, delta, 0),
        {"z": Z},
        "z",
        ("layer norm's rule",),
    ),
    "layer norm var no mean(2x)": Wrong(
        lambda z: hat(z),
        lambda z, delta: norm_back(z, 1.0, delta, of_variance=2.0),
        {"z": Z},
        "z",
        ("variance path",),
    ),
    "layer norm sum for mean": Wrong(
        lambda z: hat(z),
        lambda z, delta: norm_back(z, 1.0, delta, of_mean=4.0, of_variance=4.0),
        {"z": Z},
        "z",
        ("mean and variance paths",),
    ),
    "layer norm gain in wrong place": Wrong(
        norm_forward,
        lambda z, g, delta: g * norm_back(z, 1.0, delta),
        {"z": Z, "g": GAIN},
        "z",
        ("g after, not before",),
    ),
    "inverse no transposes": Wrong(
        inv, lambda A, delta: -inv(A) @ delta @ inv(A), {"A": SQ}, "A", ("transposed",)
    ),
    "inverse sign": Wrong(
        inv, lambda A, delta: inv(A).T @ delta @ inv(A).T, {"A": SQ}, "A", ("sign",)
    ),
    "logdet no transpose": Wrong(
        lambda A: np.linalg.slogdet(A)[1], lambda A, delta: inv(A), {"A": SQ}, "A", ("transposed",)
    ),
    "det without det": Wrong(
        lambda A: np.linalg.det(A), lambda A, delta: inv(A).T, {"A": SQ}, "A", ("missing f",)
    ),
    "conv2d kernel not flipped": Wrong(
        lambda x, k: correlate2d(x, k, "valid"),
        lambda x, k, delta: correlate2d(delta, k, "full"),
        {"x": IMG, "k": KER},
        "x",
        ("kernel reversed",),
    ),
    "conv2d kernel transposed": Wrong(
        lambda x, k: correlate2d(x, k, "valid"),
        lambda x, k, delta: convolve2d(delta, k.T, "full"),
        {"x": IMG, "k": KER},
        "x",
        ("k transposed",),
    ),
    "conv2d dk flipped": Wrong(
        lambda x, k: correlate2d(x, k, "valid"),
        lambda x, k, delta: convolve2d(x, delta[::-1, ::-1], "valid")[::-1, ::-1],
        {"x": IMG, "k": KER},
        "k",
        ("reversed",),
    ),
    "conv padding off by one": Wrong(
        lambda x: np.correlate(x, KERNEL, "same"),
        lambda x, delta: np.roll(np.convolve(delta, KERNEL, "same"), 1),
        {"x": SERIES},
        "x",
        ("rolled",),
    ),
    "causal mask lost": Wrong(
        catt,
        lambda Q, K, V, delta: (lambda P, dP, dS: dS @ K / np.sqrt(3))(
            *attention_parts(Q, K, V, delta)
        ),
        {"Q": Q5, "K": K5, "V": V5},
        "Q",
        ("causal mask lost",),
    ),
    "attention scale on dS lost (K)": Wrong(
        catt,
        lambda Q, K, V, delta: catt_back(Q, K, V, delta)[2].T @ Q,
        {"Q": Q5, "K": K5, "V": V5},
        "K",
        ("missing 1/sqrt(d)",),
    ),
    "attention dK not transposed": Wrong(
        attention,
        lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[2] @ Q / np.sqrt(3),
        {"Q": Q5, "K": K5, "V": V5},
        "K",
        ("attention scores",),
    ),
    "attention dV P not transposed": Wrong(
        attention,
        lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[0] @ delta,
        {"Q": Q5, "K": K5, "V": V5},
        "V",
        ("transposed",),
    ),
    "attention dQ by Q": Wrong(
        attention,
        lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[2] @ Q / np.sqrt(3),
        {"Q": Q5, "K": K5, "V": V5},
        "Q",
        ("attention scores",),
    ),
    "attention softmax columns": Wrong(
        attention,
        lambda Q, K, V, delta: (lambda P, dP, _: (P * (dP - (P * dP).sum(0))) @ K / np.sqrt(3))(
            *attention_parts(Q, K, V, delta)
        ),
        QKV,
        "Q",
        ("softmax over the wrong axis",),
    ),
    "rnn truncated x": Wrong(
        rnn,
        lambda x, U, delta: rnn_back(x, U, delta, 1),
        {"x": XR, "U": UR},
        "x",
        ("between rows lost",),
    ),
    "rnn truncated U": Wrong(
        rnn, lambda x, U, delta: rnn_back(x, U, delta, 1, "U"), {"x": XR, "U": UR}, "U", ()
    ),
    "rnn slope lost U": Wrong(
        rnn, lambda x, U, delta: rnn_back(x, U, delta, 99, "U", False), {"x": XR, "U": UR}, "U", ()
    ),
    "rnn U not transposed": Wrong(
        rnn, lambda x, U, delta: rnn_back(x, U, delta, T=False), {"x": XR, "U": UR}, "x", ()
    ),
    "std ddof": Wrong(
        lambda z: z.std(axis=1, ddof=1),
        lambda z, delta: (
            delta[:, None] * (z - mean(z)) / (4 * z.std(axis=1, ddof=1, keepdims=True))
        ),
        {"z": Z},
        "z",
        ("N - 1 for N",),
    ),
    "std without root": Wrong(
        std, lambda z, delta: delta[:, None] * 2 * (z - mean(z)) / 4, {"z": Z}, "z", ("extra f",)
    ),
    "var without centring": Wrong(
        lambda z: z.var(axis=1),
        lambda z, delta: delta[:, None] * 2 * z / 4,
        {"z": Z},
        "z",
        ("added delta mean of z",),
    ),
    "rope sign": Wrong(
        rope, lambda z, delta: rope_back(z, delta, -1), {"z": Z}, "z", ("transposed",)
    ),
    "mul: own input": Wrong(
        lambda a, b: a * b, lambda a, b, delta: delta * a, {"a": A2, "b": B2}, "a", ("delta a",)
    ),
    "div: sign lost": Wrong(
        lambda a, b: a / b,
        lambda a, b, delta: delta * a / b**2,
        {"a": A2, "b": B2},
        "b",
        ("sign",),
    ),
    "div: not squared": Wrong(
        lambda a, b: a / b,
        lambda a, b, delta: -delta * a / b,
        {"a": A2, "b": B2},
        "b",
        ("extra b",),
    ),
    "concat swapped": Wrong(
        lambda a, b: np.concatenate([a, b], 1),
        lambda a, b, delta: delta[:, 4:],
        {"a": A2, "b": B2},
        "a",
        ("wrong slice",),
    ),
    "maxpool all equal": Wrong(
        maxpool, lambda x, delta: np.repeat(delta / 3, 3, axis=1).reshape(5, 6), {"x": Z6}, "x", ()
    ),
    "mean pool lost": Wrong(
        lambda x: x.reshape(5, 2, 3).mean(2),
        lambda x, delta: np.repeat(delta, 3, axis=1),
        {"x": Z6},
        "x",
        ("factor",),
    ),
    "upsample: not summed": Wrong(
        lambda x: np.repeat(x, 3, 1),
        lambda x, delta: delta[:, ::3],
        {"x": A2},
        "x",
        ("duplicates overwritten",),
    ),
    "cosine sim: norm path": Wrong(
        cosim,
        lambda a, b, delta: delta[:, None] * b / np.sqrt(rows(a * a) * rows(b * b)),
        {"a": A2, "b": B2},
        "a",
        ("norm path",),
    ),
    "cosine sim: norms lost": Wrong(
        cosim, lambda a, b, delta: delta[:, None] * b, {"a": A2, "b": B2}, "a", ("delta b",)
    ),
    "nce: negatives lost": Wrong(nce, lambda Q, K, delta: -K, {"Q": Q5, "K": K5}, "Q", ("K",)),
    "nce: K only positives": Wrong(
        nce,
        lambda Q, K, delta: softmax(Q @ K.T, axis=1).T @ Q,
        {"Q": Q5, "K": K5},
        "K",
        ("added Q",),
    ),
    "mlp W inner slope": Wrong(
        two,
        lambda z, W, V, delta: z.T @ (delta @ V.T),
        {"z": Z, "W": SQUARE, "V": RNG.normal(size=(4, 3))},
        "W",
        ("inner slope missing", "z^T (delta V^T)"),
    ),
    "mlp V with pre-activation": Wrong(
        two,
        lambda z, W, V, delta: (z @ W).T @ delta,
        {"z": Z, "W": SQUARE, "V": RNG.normal(size=(4, 3))},
        "V",
        ("before the activation",),
    ),
    "mlp z V not transposed": Wrong(
        two,
        lambda z, W, V, delta: (delta @ V * (1 - np.tanh(z @ W) ** 2)) @ W.T,
        {"z": Z, "W": SQUARE, "V": SQ},
        "z",
        ("V transposed",),
    ),
    "hinge without margin": Wrong(
        hinge,
        lambda z, delta: np.where((2 * yb - 1) * z < 0, -(2 * yb - 1), 0),
        {"z": zb},
        "z",
        ("zeroed",),
    ),
    "hinge sign": Wrong(
        hinge,
        lambda z, delta: np.where((2 * yb - 1) * z < 1, (2 * yb - 1), 0),
        {"z": zb},
        "z",
        ("sign",),
    ),
    "rmse without 1/2f": Wrong(
        lambda z: np.sqrt(((z - SOFT_Y) ** 2).mean()),
        lambda z, delta: 2 * (z - SOFT_Y) / 20,
        {"z": Z},
        "z",
        ("extra f",),
    ),
    "norm: not normalised": Wrong(
        lambda z: np.sqrt((z * z).sum()), lambda z, delta: z, {"z": Z}, "z", ("extra norm of z",)
    ),
    "log cosh": Wrong(
        lambda z: np.log(np.cosh(z)).sum(),
        lambda z, delta: np.sinh(z),
        {"z": Z},
        "z",
        ("missing slope of tanh at the argument",),
    ),
    "elu alpha lost": Wrong(
        lambda z: np.where(z > 0, z, 0.5 * np.expm1(z)),
        lambda z, delta: delta * np.where(z > 0, 1, np.exp(z)),
        {"z": Z},
        "z",
        ("factor 2",),
    ),
    "hardtanh passes": Wrong(
        lambda z: np.clip(z, -1, 1), lambda z, delta: delta, {"z": Z}, "z", ("passed through",)
    ),
    "relu6 upper": Wrong(
        lambda z: np.clip(3 * z, 0, 3),
        lambda z, delta: 3 * delta * (z > 0),
        {"z": Z},
        "z",
        ("mask missing",),
    ),
    "prelu slope": Wrong(
        lambda z, a: np.where(z > 0, z, a * z),
        lambda z, a, delta: np.array((delta * z).sum()),
        {"z": Z, "a": 0.3},
        "a",
        ("sum of delta z",),
    ),
    "swish beta": Wrong(
        lambda z, b: z * expit(b * z),
        lambda z, b, delta: np.array((delta * z * expit(b * z) * expit(-b * z)).sum()),
        {"z": Z, "b": 1.3},
        "b",
        ("missing z",),
    ),
    "swish beta lost": Wrong(
        lambda z, b: z * expit(b * z),
        lambda z, b, delta: delta * (expit(b * z) + z * expit(b * z) * expit(-b * z)),
        {"z": Z, "b": 1.3},
        "z",
        ("product rule",),
    ),
    "tau squared": Wrong(
        lambda z, tau: soft(z / tau),
        lambda z, tau, delta: softmax_back(z / tau, delta) / tau**2,
        {"z": Z, "tau": 1.7},
        "z",
        ("missing tau",),
    ),
    "tau's own: sign": Wrong(
        lambda z, tau: z / tau,
        lambda z, tau, delta: np.array((delta * z).sum() / tau**2),
        {"z": Z, "tau": 1.7},
        "tau",
        ("sign",),
    ),
    "tau's own: not squared": Wrong(
        lambda z, tau: z / tau,
        lambda z, tau, delta: np.array(-(delta * z).sum() / tau),
        {"z": Z, "tau": 1.7},
        "tau",
        ("extra tau",),
    ),
    "straight through": Wrong(
        lambda z: z**3, lambda z, delta: delta * 1.0, {"z": Z}, "z", ("passed through",)
    ),
    "softmax axis": Wrong(
        soft,
        lambda z, delta: softmax(z, axis=0) * (delta - (softmax(z, axis=0) * delta).sum(0)),
        {"z": Z},
        "z",
        ("softmax's rule", "sum of terms"),
    ),
    "softmax value": Wrong(
        soft, lambda z, delta: soft(z) * (delta - rows(delta)), {"z": Z}, "z", ("sum of terms",)
    ),
    "softmax mean not sum": Wrong(
        soft,
        lambda z, delta: soft(z) * (delta - mean(soft(z) * delta)),
        {"z": Z},
        "z",
        ("added sum over the axis",),
    ),
    "softmax sign of the sum": Wrong(
        soft,
        lambda z, delta: soft(z) * (delta + rows(soft(z) * delta)),
        {"z": Z},
        "z",
        ("added sum over the axis",),
    ),
    "log-softmax without exp": Wrong(
        lambda z: log_softmax(z, axis=-1),
        lambda z, delta: delta - log_softmax(z, axis=-1) * rows(delta),
        {"z": Z},
        "z",
        ("sum of terms",),
    ),
    "log-softmax sum lost": Wrong(
        lambda z: log_softmax(z, axis=-1),
        lambda z, delta: delta - soft(z) * delta,
        {"z": Z},
        "z",
        ("diagonal only",),
    ),
    "log-softmax passes": Wrong(
        lambda z: log_softmax(z, axis=-1),
        lambda z, delta: delta,
        {"z": Z},
        "z",
        ("passed through",),
    ),
    "sigmoid by z": Wrong(
        expit,
        lambda z, delta: delta * expit(expit(z)) * (1 - expit(expit(z))),
        {"z": Z},
        "z",
        ("at the output",),
    ),
    "gelu by density only": Wrong(
        gelu, lambda z, delta: delta * z * density(z), {"z": Z}, "z", ("product rule",)
    ),
    "softplus beta": Wrong(
        lambda z: np.logaddexp(0, 3 * z) / 3,
        lambda z, delta: delta * expit(z),
        {"z": Z},
        "z",
        ("another function",),
    ),
    "glu b": Wrong(
        lambda a, b: a * expit(b),
        lambda a, b, delta: delta * a * expit(b),
        {"a": A2, "b": B2},
        "b",
        ("delta f",),
    ),
    "glu a": Wrong(
        lambda a, b: a * expit(b),
        lambda a, b, delta: delta * expit(b) * expit(-b),
        {"a": A2, "b": B2},
        "a",
        ("product rule",),
    ),
    "quantile": Wrong(
        lambda z: np.maximum(0.9 * z, -0.1 * z).sum(),
        lambda z, delta: np.where(z > 0, 0.1, -0.9),
        {"z": Z},
        "z",
        ("missing constant",),
    ),
    "dropout scale squared": Wrong(
        lambda z: z * m4 / 0.75,
        lambda z, delta: delta * m4 / 0.75**2,
        {"z": Z},
        "z",
        ("doubled slope",),
    ),
    "dropout other mask": Wrong(
        lambda z: z * m4,
        lambda z, delta: delta * np.array([0, 1.0, 1, 1]),
        {"z": Z},
        "z",
        ("sum of terms",),
    ),
    "l2 twice": Wrong(
        lambda W: ((Z @ W) ** 2).sum() + 0.5 * (W * W).sum(),
        lambda W, delta: 2 * Z.T @ (Z @ W) + 2 * W,
        {"W": SQUARE},
        "W",
        ("added W",),
    ),
    "gram one side": Wrong(
        lambda A: A @ A.T, lambda A, delta: delta @ A, {"A": A2}, "A", ("missing delta^T A",)
    ),
    "trace of A^2": Wrong(
        lambda A: np.trace(A @ A), lambda A, delta: 2 * A, {"A": SQ}, "A", ("transposed",)
    ),
    "bilinear transposed": Wrong(
        lambda x, W, y: x @ W @ y,
        lambda x, W, y, delta: np.outer(y, x),
        {"x": GAIN, "W": SQUARE, "y": GAIN[::-1] * 2},
        "W",
        ("transposed",),
    ),
    "embedding padding": Wrong(
        lambda table: table[IDS] * (IDS != 1)[:, None],
        lambda table, delta: np.stack([delta[IDS == k].sum(0) for k in range(4)]),
        {"table": RNG.normal(size=(4, 3))},
        "table",
        ("mask missing",),
    ),
    "cumprod": Wrong(
        lambda x: np.cumprod(x),
        lambda x, delta: delta * np.cumprod(x) / x,
        {"x": GAIN},
        "x",
        ("diagonal only",),
    ),
    "in float32": Wrong(
        lambda z, W: z @ W.T,
        lambda z, W, delta: (delta.astype(np.float32) @ W.astype(np.float32)).astype(float),
        {"z": Z, "W": W},
        "z",
        ("float32",),
    ),
    "mixed float32": Wrong(
        lambda z, W: z @ W.T,
        lambda z, W, delta: delta @ W.astype(np.float32).astype(float),
        {"z": Z, "W": W},
        "z",
        ("float32",),
    ),
    "gradient norm clip": Wrong(
        lambda z: (z**2).sum(),
        lambda z, delta: 2 * z / np.sqrt((4 * z * z).sum()),
        {"z": Z},
        "z",
        ("normalised",),
    ),
}
