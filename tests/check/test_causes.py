"""The cause that is named for a wrong derivative, over a catalogue of wrong layers."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import erf, expit, log_softmax, logsumexp, softmax

from reference_impl.check.causes import BEHAVIOUR, causes, evidence
from reference_impl.check.problem import Case

RNG = np.random.default_rng(8)


def jacobian(f, x):
    """Central differences of fourth order, output x argument."""
    columns = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = 1e-3 * max(1.0, abs(x.flat[k]))
        h = step.reshape(x.shape)
        near, far = f(x + h) - f(x - h), f(x + 2 * h) - f(x - 2 * h)
        columns.append((8.0 * near - far) / (12.0 * step[k]))
    J = np.stack(columns, axis=-1) if columns else np.zeros((*np.shape(f(x)), 0))
    return J.reshape(np.shape(f(x)) + x.shape)


def case_of(forward, claim, values, argument, rule="RULE 2 (backward)", seed=0, delta=None):
    """The case of a claim (values, delta) -> array about a function of named arrays."""
    values = {name: np.asarray(a, dtype=np.float64) for name, a in values.items()}

    def J(at):
        return jacobian(lambda x: np.asarray(forward(*{**at, argument: x}.values())), at[argument])

    def slopes(at, d):
        of = J(at)
        error = 1e-9 * (np.abs(of).max() + 1e-3) * (np.abs(d).sum() + 1e-3)
        want = np.tensordot(d, of, np.ndim(d))
        return want, np.full(want.shape, error)

    def ask(at, d):
        return np.asarray(claim(*at.values(), delta=d))

    value = np.asarray(forward(*values.values()))
    rng = np.random.default_rng(seed)
    if delta is None:
        delta = rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 2.0, value.shape)
    delta = delta if value.shape else np.ones(())
    want, error = slopes(values, delta)
    got = ask(values, delta)
    return Case(
        rule, argument, got, want, error, values[argument], value, delta, J(values), values,
        ask, slopes,
    )  # fmt: skip


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


CATALOGUE = {
    # ------------------------------------------------------------------- factors and signs
    "sign": Wrong(lambda z: expit(z), lambda z, delta: -delta * expit(z) * expit(-z), {"z": Z}, "z", ("sign",)),
    "MSE factor 2": Wrong(lambda z: ((z - SOFT_Y) ** 2).sum(), lambda z, delta: z - SOFT_Y, {"z": Z}, "z", ("factor 1/2",)),
    "mean over rows": Wrong(nll, lambda z, delta: (soft(z) - Y) / 5, {"z": Z}, "z", ("mean over rows",)),
    "sum for mean": Wrong(lambda z: nll(z) / 5, lambda z, delta: soft(z) - Y, {"z": Z}, "z", ("sum over rows",)),
    "mean over columns": Wrong(lambda z: z.sum(axis=1), lambda z, delta: np.repeat(delta[:, None] / 4, 4, axis=1), {"z": Z}, "z", ("mean over columns",)),
    "any factor": Wrong(np.tanh, lambda z, delta: 1.0001 * delta * (1 - np.tanh(z) ** 2), {"z": Z}, "z", ("factor",)),
    "temperature lost": Wrong(lambda z, tau: np.tanh(z / tau), lambda z, tau, delta: delta * (1 - np.tanh(z / tau) ** 2), {"z": Z, "tau": 1.7}, "z", ("extra tau",)),
    "W gradient is a mean": Wrong(linear, lambda z, W, b, delta: delta.T @ z / 5, ZW, "W", ("mean over rows",), RULE_3),
    # ------------------------------------------------------------------- shapes and order
    "W transposed": Wrong(lambda z, W: z @ W.T, lambda z, W, delta: delta @ W.T, {"z": Z, "W": SQUARE}, "z", ("transposed",)),
    "W gradient transposed": Wrong(lambda z, W: z @ W, lambda z, W, delta: delta.T @ z, {"z": Z, "W": SQUARE}, "W", ("transposed",), RULE_3),
    "W gradient transposed, not square": Wrong(linear, lambda z, W, b, delta: z.T @ delta, ZW, "W", ("transposed",), RULE_3),
    "bias per data point": Wrong(linear, lambda z, W, b, delta: delta, ZW, "b", ("sum missing", "passed through"), RULE_3),
    "bias summed over outputs": Wrong(lambda z, b: z + b, lambda z, b, delta: delta.sum(axis=1), {"z": SQUARE, "b": GAIN}, "b", ("passed through",), RULE_3),
    "first row only": Wrong(linear, lambda z, W, b, delta: np.outer(delta[0], z[0]), ZW, "W", ("first of the rows only", "first row only"), RULE_3),
    "last row lost": Wrong(linear, lambda z, W, b, delta: delta[:-1].T @ z[:-1], ZW, "W", ("last of the rows left out",), RULE_3),
    "reversed": Wrong(lambda z: np.flip(z, 1) * 2, lambda z, delta: 2 * delta, {"z": Z}, "z", ("reversed",)),
    "cumsum not reversed": Wrong(lambda z: z.cumsum(axis=1), lambda z, delta: delta.cumsum(axis=1), {"z": Z}, "z", ("transposed",)),
    "roll wrong way": Wrong(lambda z: np.roll(z, 1, 0), lambda z, delta: np.roll(delta, 1, 0), {"z": Z}, "z", ("rolled", "transposed")),
    "conv kernel flipped": Wrong(lambda x: conv(x, KERNEL), lambda x, delta: np.correlate(delta, KERNEL, "full"), {"x": SERIES}, "x", ("kernel reversed",)),
    "conv kernel flipped, argument": Wrong(conv, lambda x, k, delta: np.correlate(delta, k, "full"), {"x": SERIES, "k": KERNEL}, "x", ("kernel reversed",)),
    "conv gradient flipped": Wrong(conv, lambda x, k, delta: np.correlate(x, delta, "valid")[::-1], {"x": SERIES, "k": KERNEL}, "k", ("reversed",), RULE_3),
    # ------------------------------------------------------------------- delta
    "delta ignored": Wrong(expit, lambda z, delta: expit(z) * expit(-z), {"z": Z}, "z", ("delta ignored",)),
    "delta summed": Wrong(linear, lambda z, W, b, delta: np.tile(delta.sum(axis=0) @ W, (5, 1)), ZW, "z", ("delta summed",)),
    "passed through": Wrong(np.tanh, lambda z, delta: delta, {"z": Z}, "z", ("passed through",)),
    "slope at the output": Wrong(np.tanh, lambda z, delta: delta * (1 - np.tanh(np.tanh(z)) ** 2), {"z": Z}, "z", ("at the output",)),
    "z for sigmoid's output": Wrong(expit, lambda z, delta: delta * z * (1 - z), {"z": Z}, "z", ("another function",)),
    "slope squared": Wrong(np.tanh, lambda z, delta: delta * (1 - np.tanh(z) ** 2) ** 2, {"z": Z}, "z", ("doubled slope", "slope squared")),
    "slope inverted": Wrong(np.tanh, lambda z, delta: delta / (1 - np.tanh(z) ** 2), {"z": Z}, "z", ("slope inverted",)),
    "tanh's derivative not squared": Wrong(np.tanh, lambda z, delta: delta * (1 - np.tanh(z)), {"z": Z}, "z", ("at the output",)),
    "zero": Wrong(np.tanh, lambda z, delta: 0 * z, {"z": Z}, "z", ("zero",)),
    # ------------------------------------------------------------------- softmax and costs
    "softmax diagonal only": Wrong(soft, lambda z, delta: soft(z) * (1 - soft(z)) * delta, {"z": Z}, "z", ("diagonal only",)),
    "softmax without - S S^T": Wrong(soft, lambda z, delta: soft(z) * delta, {"z": Z}, "z", ("delta f",)),
    "softmax as log-softmax": Wrong(soft, lambda z, delta: delta - soft(z) * rows(delta), {"z": Z}, "z", ("sum of terms", "times f", "missing f")),
    "softmax, sum over rows": Wrong(soft, lambda z, delta: soft(z) * (delta - (soft(z) * delta).sum(axis=0)), {"z": Z}, "z", ("sum of terms",)),
    "log-softmax as softmax": Wrong(lambda z: log_softmax(z, axis=-1), lambda z, delta: softmax_back(z, delta), {"z": Z}, "z", ("softmax for log-softmax", "times e^f", "softmax path")),
    "log-softmax, one-hot": Wrong(lambda z: log_softmax(z, axis=-1), lambda z, delta: delta + soft(z), {"z": Z}, "z", ("sum of terms",)),
    "cross-entropy, label forgotten": Wrong(nll, lambda z, delta: soft(z), {"z": Z}, "z", ("softmax(z)",)),
    "cross-entropy, log-probabilities": Wrong(lambda z: -(SOFT_Y * log_softmax(z, axis=-1)).sum(), lambda z, delta: soft(z) - (SOFT_Y == SOFT_Y.max(axis=1, keepdims=True)), {"z": Z}, "z", ("hard labels",)),
    "hard labels": Wrong(lambda z, y: -(y * log_softmax(z, axis=-1)).sum(), lambda z, y, delta: soft(z) - (y == y.max(axis=1, keepdims=True)), {"z": Z, "y": SOFT_Y}, "z", ("hard labels",)),
    "argmax for probabilities": Wrong(nll, lambda z, delta: (z == z.max(axis=1, keepdims=True)) - Y, {"z": Z}, "z", ("hard labels",)),
    "focal weight held": Wrong(focal, focal_detached, {"z": Z}, "z", ("weight held constant",)),
    "logsumexp: hard max": Wrong(lambda z: logsumexp(z, axis=1), lambda z, delta: delta[:, None] * (z == z.max(axis=1, keepdims=True)), {"z": Z}, "z", ("delta hard labels",)),
    "Huber not clipped": Wrong(pinball, lambda z, delta: z, {"z": Z}, "z", ("z", "the argument")),
    "masked loss, mask lost": Wrong(masked_mse, lambda z, delta: 2 * (z - SOFT_Y) / (4 * MASK.sum()), {"z": Z}, "z", ("mask missing",)),
    "masked loss, mean of all": Wrong(masked_mse, lambda z, delta: 2 * MASK[:, None] * (z - SOFT_Y) / 20, {"z": Z}, "z", ("factor",)),
    # ------------------------------------------------------------------- norms
    "layer norm, mean path": Wrong(norm_forward, lambda z, g, delta: norm_back(z, g, delta, of_mean=0.0), {"z": Z, "g": GAIN}, "z", ("mean path",)),
    "layer norm, variance path": Wrong(norm_forward, lambda z, g, delta: norm_back(z, g, delta, of_variance=0.0), {"z": Z, "g": GAIN}, "z", ("variance path",)),
    "layer norm, both paths": Wrong(norm_forward, lambda z, g, delta: g * delta / root(z), {"z": Z, "g": GAIN}, "z", ("mean and variance paths",)),
    "layer norm, gain lost": Wrong(norm_forward, lambda z, g, delta: norm_back(z, np.ones(4), delta), {"z": Z, "g": GAIN}, "z", ("missing g",)),
    "batch norm, mean path": Wrong(batch_forward, lambda z, g, delta: norm_back(z, g, delta, 0, 0.0), {"z": Z, "g": GAIN}, "z", ("mean path",)),
    "batch norm, variance path": Wrong(batch_forward, lambda z, g, delta: norm_back(z, g, delta, 0, 1.0, 0.0), {"z": Z, "g": GAIN}, "z", ("variance path",)),
    "batch norm, fixed statistics": Wrong(batch_forward, lambda z, g, delta: g * delta / root(z, 0), {"z": Z, "g": GAIN}, "z", ("mean and variance paths",)),
    "batch norm, gain lost": Wrong(batch_forward, lambda z, g, delta: norm_back(z, np.ones(4), delta, 0), {"z": Z, "g": GAIN}, "z", ("missing g",)),
    "layer norm, eps outside": Wrong(lambda z: hat(z, eps=1e-3), lambda z, delta: norm_back(z, 1.0, delta, eps=1e-3, r=np.sqrt(z.var(axis=-1, keepdims=True)) + 1e-3), {"z": Z}, "z", ("eps misplaced", "factor of each")),
    "layer norm, N - 1": Wrong(lambda z: hat(z, eps=0.0), lambda z, delta: norm_back(z, 1.0, delta, eps=0.0, r=z.std(axis=-1, keepdims=True, ddof=1)), {"z": Z}, "z", ("missing 1/sqrt(d)", "N - 1 for N", "factor")),
    "layer norm, root lost": Wrong(lambda z: hat(z, eps=0.0), lambda z, delta: norm_back(z, 1.0, delta, eps=0.0, r=1.0), {"z": Z}, "z", ("extra standard deviation over the columns",)),
    "RMS norm, norm path": Wrong(lambda z: z / rms(z), lambda z, delta: delta / rms(z), {"z": Z}, "z", ("norm path",)),
    "RMS norm, mean path added": Wrong(lambda z: z / rms(z), lambda z, delta: (delta - mean(delta) - z / rms(z) * mean(delta * z / rms(z))) / rms(z), {"z": Z}, "z", ("mean path",)),
    "cosine, norm path": Wrong(cosine, lambda z, delta: delta / np.sqrt(rows(z * z)), {"z": Z}, "z", ("norm path",)),
    "gain gradient without the normalised value": Wrong(norm_forward, lambda z, g, delta: delta.sum(axis=0), {"z": Z, "g": GAIN}, "g", ("passed through",), RULE_3),
    "gain gradient by z": Wrong(norm_forward, lambda z, g, delta: (delta * z).sum(axis=0), {"z": Z, "g": GAIN}, "g", ("sum of delta z",), RULE_3),
    "gain gradient by the output": Wrong(norm_forward, lambda z, g, delta: (delta * g * hat(z)).sum(axis=0), {"z": Z, "g": GAIN}, "g", ("extra g",), RULE_3),
    # ------------------------------------------------------------------- activations
    "GELU, product rule": Wrong(gelu, lambda z, delta: delta * gelu(z) / z, {"z": Z}, "z", ("product rule", "missing product rule", "delta f / z", "another function")),
    "GELU, z lost": Wrong(gelu, lambda z, delta: delta * (gelu(z) / z + density(z)), {"z": Z}, "z", ("another function",)),
    "GELU by tanh, slope by erf": Wrong(gelu_tanh, lambda z, delta: delta * (gelu(z) / z + z * density(z)), {"z": Z}, "z", ("another function",)),
    "GELU by tanh, inner slope": Wrong(gelu_tanh, lambda z, delta: delta * (0.5 * (1 + gelu_inner(z)[0]) + 0.5 * z * (1 - gelu_inner(z)[0] ** 2)), {"z": Z}, "z", ("product rule",)),
    "SiLU, product rule": Wrong(silu, lambda z, delta: delta * expit(z), {"z": Z}, "z", ("product rule", "delta f / z", "another function")),
    "SiLU as sigmoid": Wrong(silu, lambda z, delta: delta * expit(z) * expit(-z), {"z": Z}, "z", ("another function",)),
    "SiLU, second term only": Wrong(silu, lambda z, delta: delta * z * expit(z) * expit(-z), {"z": Z}, "z", ("inner slope", "product rule")),
    "softplus as ReLU": Wrong(lambda z: np.logaddexp(0, z), lambda z, delta: delta * (z > 0), {"z": Z}, "z", ("another function",)),
    "ReLU's mask lost": Wrong(lambda z: np.maximum(z, 0), lambda z, delta: delta, {"z": Z}, "z", ("passed through", "mask missing")),
    "leaky slope lost": Wrong(lambda z: np.where(z > 0, z, 0.1 * z), lambda z, delta: delta * (z > 0), {"z": Z}, "z", ("zeroed",)),
    "ReLU mask inverted": Wrong(lambda z: np.maximum(z, 0), lambda z, delta: delta * (z < 0), {"z": Z}, "z", ("mask inverted",)),
    "saturated": Wrong(np.tanh, lambda z, delta: delta * (1 - np.tanh(z) ** 2) * (np.abs(z) < 1), {"z": Z}, "z", ("saturated",)),
    "clipped": Wrong(lambda z: z**3, lambda z, delta: np.clip(3 * delta * z * z, -2, 2), {"z": Z}, "z", ("clipped",)),
    "float32": Wrong(np.sin, lambda z, delta: (delta.astype(np.float32) * np.cos(z.astype(np.float32))).astype(np.float64), {"z": Z}, "z", ("float32",)),
    "gate: half of the product rule": Wrong(lambda a, b: a * expit(b), lambda a, b, delta: delta, {"a": Z, "b": POSITIVE}, "a", ("passed through",)),
    "gate: slope of the gate lost": Wrong(lambda a, b: a * expit(b), lambda a, b, delta: delta * a, {"a": Z, "b": POSITIVE}, "b", ("delta a",)),
    # ------------------------------------------------------------------- layers with weights
    "inner slope lost in W": Wrong(lambda z, W: np.tanh(z @ W.T), lambda z, W, delta: delta.T @ z, {"z": Z, "W": W}, "W", ("missing 1 - f^2",), RULE_3),
    "inner slope at the output in W": Wrong(lambda z, W: np.tanh(z @ W.T), lambda z, W, delta: (delta * (1 - np.tanh(np.tanh(z @ W.T)) ** 2)).T @ z, {"z": Z, "W": W}, "W", ("at the output",), RULE_3),
    "inner slope lost in z": Wrong(lambda z, W: np.tanh(z @ W.T), lambda z, W, delta: delta @ W, {"z": Z, "W": W}, "z", ("missing 1 - f^2",)),
    "sigmoid slope lost in W": Wrong(lambda z, W: expit(z @ W.T), lambda z, W, delta: delta.T @ z, {"z": Z, "W": W}, "W", ("missing f (1 - f)",), RULE_3),
    "weight decay": Wrong(linear, lambda z, W, b, delta: delta.T @ z + 0.01 * W, ZW, "W", ("added W",), RULE_3),
    "skip lost": Wrong(lambda z, W: z + np.tanh(z @ W), lambda z, W, delta: (delta * (1 - np.tanh(z @ W) ** 2)) @ W.T, {"z": Z, "W": SQUARE}, "z", ("missing delta",)),
    "skip twice": Wrong(lambda z, W: z + np.tanh(z @ W), lambda z, W, delta: 2 * delta + (delta * (1 - np.tanh(z @ W) ** 2)) @ W.T, {"z": Z, "W": SQUARE}, "z", ("added delta",)),
    "quadratic form, one side": Wrong(lambda x, A: x @ A @ x, lambda x, A, delta: A @ x, {"x": GAIN, "A": SQUARE}, "x", ("A x",)),
    "quadratic form, 2 A x": Wrong(lambda x, A: x @ A @ x, lambda x, A, delta: 2 * A @ x, {"x": GAIN, "A": SQUARE}, "x", ("A x",)),
    "low rank, A forgets B": Wrong(low_rank, lambda x, A, B, delta: x.T @ delta, {"x": Z, "A": SQUARE[:, :3], "B": RNG.normal(size=(3, 3))}, "A", ("x^T delta",), RULE_3),
    "low rank, B forgets A": Wrong(low_rank, lambda x, A, B, delta: x.T @ delta, {"x": Z[:, :3], "A": SQUARE[:3, :3], "B": RNG.normal(size=(3, 3))}, "B", ("x^T delta",), RULE_3),
    "low rank, B transposed": Wrong(low_rank, lambda x, A, B, delta: x.T @ delta @ B, {"x": Z, "A": SQUARE[:, :3], "B": RNG.normal(size=(3, 3))}, "A", ("B transposed",), RULE_3),
    "embedding overwritten": Wrong(lambda table: table[IDS], lambda table, delta: overwritten(table, delta), {"table": RNG.normal(size=(4, 3))}, "table", ("duplicates overwritten",), RULE_3),
    "dropout scale lost": Wrong(lambda z: z * MASK[:, None] / 0.6, lambda z, delta: delta * MASK[:, None], {"z": Z}, "z", ("factor",)),
    "dropout mask lost": Wrong(lambda z: z * MASK[:, None], lambda z, delta: delta, {"z": Z}, "z", ("passed through",)),
    "mean pooling": Wrong(lambda z: z.mean(axis=1), lambda z, delta: np.repeat(delta[:, None], 4, 1), {"z": Z}, "z", ("passed through", "sum over columns")),
    "max pooling to the first": Wrong(lambda z: z.max(axis=1), lambda z, delta: delta[:, None] * (np.arange(4) == 0), {"z": Z}, "z", ("first only",)),
    "max pooling to all": Wrong(lambda z: z.max(axis=1), lambda z, delta: np.repeat(delta[:, None], 4, 1), {"z": Z}, "z", ("passed through", "mask missing")),
    # ------------------------------------------------------------------- attention
    "attention, 1/sqrt(d) lost": Wrong(attention, lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[2] @ K, QKV, "Q", ("missing 1/sqrt(d)",)),
    "attention, 1/d": Wrong(attention, lambda Q, K, V, delta: attention_parts(Q, K, V, delta)[2] @ K / 3, QKV, "Q", ("extra 1/sqrt(d)",)),
    "attention, softmax held": Wrong(attention, lambda Q, K, V, delta: 0 * K, QKV, "K", ("zero",)),
    "attention, softmax diagonal": Wrong(attention, lambda Q, K, V, delta: (lambda P, dP, _: P * dP @ K / np.sqrt(3))(*attention_parts(Q, K, V, delta)), QKV, "Q", ("softmax sum lost",)),
    "attention, V by P^T P": Wrong(attention, lambda Q, K, V, delta: (lambda P, dP, dS: dS.T @ delta)(*attention_parts(Q, K, V, delta)), QKV, "V", ("attention scores",)),
}


def hessian_case(want, got, at):
    error = np.full(want.shape, 1e-9 * np.abs(want).max())
    return Case("hessian", "z", got, want, error, at, np.array(1.0), np.array(1.0), None, {"z": at})


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue(name):
    wrong = CATALOGUE[name]
    case = case_of(wrong.forward, wrong.claim, wrong.values, wrong.argument, wrong.rule)
    found = causes(case)
    print([str(c) for c in found], evidence(case))
    assert found, evidence(case)
    assert found[0].name in wrong.names or set(found[0].rivals) & set(wrong.names), found
