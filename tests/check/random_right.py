"""Random right layers and losses, that nobody may call wrong: scales, saturation, kinks, shapes.

``python -m tests.check.random_right 20000`` runs so many cases, from the seed that a second number
gives, and prints each that the doctor calls wrong with its seed, and why it cannot tell.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import erf, expit, log_softmax, softmax

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from asking import asked
from catalogue.entry import Array, Entry, Function, Layer, Plain

Rng = np.random.Generator
ROOT_PI = 2 / np.sqrt(np.pi)


@dataclass(frozen=True)
class Curve:
    """f entry by entry, its slope, the powers of ten that its argument may have, and its kinks."""

    f: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    powers: tuple[float, float] = (-8, 2)
    kinks: tuple[float, ...] = ()
    positive: bool = False


def naive(z):
    return 1 / (1 + np.exp(-z))


CURVES = {
    "sigmoid": Curve(expit, lambda z: expit(z) * expit(-z), (-8, 8)),
    "sigmoid by exp": Curve(naive, lambda z: naive(z) * (1 - naive(z)), (-8, 1.3)),
    "tanh": Curve(np.tanh, lambda z: 1 - np.tanh(z) ** 2, (-8, 8)),
    "ReLU": Curve(lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0), (-8, 8), (0,)),
    "leaky ReLU": Curve(
        lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01), (-8, 8), (0,)
    ),
    "GELU": Curve(
        lambda z: z * (1 + erf(z / 2**0.5)) / 2,
        lambda z: (1 + erf(z / 2**0.5)) / 2 + z * np.exp(-z * z / 2) * ROOT_PI / 2**1.5,
    ),
    "SiLU": Curve(lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z)), (-8, 8)),
    "softplus": Curve(lambda z: np.logaddexp(0, z), expit, (-8, 8)),
    "ELU": Curve(
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))),
        (-8, 8),
        (0,),
    ),
    "absolute value": Curve(np.abs, np.sign, (-8, 8), (0,)),
    "clip": Curve(lambda z: np.clip(z, -1, 1), lambda z: 1.0 * (np.abs(z) < 1), (-8, 8), (-1, 1)),
    "square": Curve(lambda z: z * z, lambda z: 2 * z, (-8, 8)),
    "cube": Curve(lambda z: z * z * z, lambda z: 3 * z * z, (-8, 8)),
    "softsign": Curve(lambda z: z / (1 + np.abs(z)), lambda z: (1 + np.abs(z)) ** -2, (-8, 8)),
    "sine": Curve(np.sin, np.cos, (-8, 3)),
    "exponential": Curve(np.exp, np.exp, (-8, 1.3)),
    "logarithm": Curve(np.log, lambda z: 1 / z, (-8, 8), positive=True),
    "square root": Curve(np.sqrt, lambda z: 0.5 / np.sqrt(z), (-8, 8), positive=True),
    "reciprocal": Curve(lambda z: 1 / z, lambda z: -1 / (z * z), (-8, 8), positive=True),
    "nothing": Curve(lambda z: z, np.ones_like, (-8, 8)),
    "constant": Curve(lambda z: 0 * z + 1, np.zeros_like, (-8, 8)),
}


def softmax_back(z, delta):
    p = softmax(z, axis=-1)
    return p * (delta - (p * delta).sum(axis=-1, keepdims=True))


def log_softmax_back(z, delta):
    return delta - softmax(z, axis=-1) * delta.sum(axis=-1, keepdims=True)


def norm(axis: int, eps: float, mean: bool = True):
    """Layer norm (axis -1), batch norm (axis 0), without a mean RMS norm: forward and backward."""

    def stats(z):
        c = z - z.mean(axis=axis, keepdims=True) if mean else z
        return c, 1 / np.sqrt((c * c).mean(axis=axis, keepdims=True) + eps)

    def forward(z):
        c, r = stats(z)
        return c * r

    def backward(z, d):
        c, r = stats(z)
        x = c * r
        m = d.mean(axis=axis, keepdims=True) if mean else 0
        return r * (d - m - x * (d * x).mean(axis=axis, keepdims=True))

    return forward, backward


ROWS = {
    "softmax": (lambda z: softmax(z, axis=-1), softmax_back, (-8, 3)),
    "log-softmax": (lambda z: log_softmax(z, axis=-1), log_softmax_back, (-8, 8)),
    "layer norm": (*norm(-1, 1e-5), (-8, 8)),
    "layer norm, small eps": (*norm(-1, 1e-12), (-5, 8)),
    "batch norm": (*norm(0, 1e-5), (-8, 8)),
    "RMS norm": (*norm(-1, 1e-6, mean=False), (-8, 8)),
    "cumulative sum": (
        lambda z: np.cumsum(z, axis=-1),
        lambda z, d: np.cumsum(d[..., ::-1], axis=-1)[..., ::-1],
        (-8, 8),
    ),
    "maximum": (
        lambda z: z.max(axis=-1),
        lambda z, d: d[..., None] * (z == z.max(axis=-1, keepdims=True)),
        (-8, 8),
    ),
    "sum of squares": (
        lambda z: (z * z).sum(axis=-1),
        lambda z, d: 2 * z * d[..., None],
        (-8, 8),
    ),
}


class Linear:
    """Its output goes through a curve."""

    def __init__(self, W, b, curve):
        self.W, self.b, self.curve = W, b, curve

    def forward(self, z):
        return self.curve.f(z @ self.W + self.b)

    def inner(self, z, delta):
        return delta * self.curve.slope(z @ self.W + self.b)

    def backward(self, z, delta):
        return self.inner(z, delta) @ self.W.T

    def parameter_gradient(self, z, delta):
        d = self.inner(z, delta)
        axes = tuple(range(z.ndim - 1))
        return {"W": np.tensordot(z, d, axes=(axes, axes)), "b": d.sum(axis=axes)}


class Dense(Linear):
    """The same with state."""

    def forward(self, z):
        self.z = z
        return super().forward(z)

    def backward(self, delta):
        found = super().parameter_gradient(self.z, delta)
        self.dW, self.db = found["W"], found["b"]
        return super().backward(self.z, delta)

    parameter_gradient = None


class Kept:
    """A layer of two functions that keeps its input."""

    def __init__(self, forward, backward):
        self._forward, self._backward = forward, backward

    def forward(self, z):
        self.z = z
        return self._forward(z)

    def backward(self, delta):
        return self._backward(self.z, delta)


def power(rng: Rng, low: float, high: float) -> float:
    return float(10 ** rng.uniform(low, high))


def shape(rng: Rng) -> tuple[int, ...]:
    return tuple(int(s) for s in rng.integers(1, 7, size=rng.choice([1, 2, 2, 2, 3])))


def argument(rng: Rng, powers, size, kinks=(), positive=False) -> Array:
    """Numbers of one scale; sometimes rounded, sometimes some close to a kink, or at it."""
    z = rng.standard_normal(size) * power(rng, *powers)
    if positive:
        z = np.abs(z) * (1 + power(rng, -3, 0)) + 1e-3 * np.abs(z).max()
    if kinks and rng.random() < 0.4:
        close = rng.random(size) < 0.4
        away = rng.choice([-1, 1], size) * 10 ** rng.uniform(-15, -1, size)
        away *= rng.random() > 0.2
        z = np.where(close, rng.choice(kinks, size) + away, z)
    return z


def single(f):
    """The same in float32, with the result in float64 again."""

    def inner(*arrays):
        return np.asarray(f(*(np.asarray(a).astype(np.float32) for a in arrays)), dtype=float)

    return inner


def finished(rng: Rng, name: str, z: Array, forward, backward) -> Entry:
    """A layer or a function of a pair, perhaps scaled, shifted, and in float32."""
    if rng.random() < 0.3:
        c, f, b = power(rng, -8, 8), forward, backward
        forward, backward = (lambda z: c * f(z)), (lambda z, d: c * b(z, d))
        name += f", times {c:.1e}"
    if rng.random() < 0.15:
        shift, g = power(rng, -8, 8), forward
        forward = lambda z: g(z) + shift  # noqa: E731
        name += f", plus {shift:.1e}"
    if rng.random() < 0.25:
        forward, backward = single(forward), single(backward)
        name += ", float32 inside"
    kind = rng.choice(["pure", "cached", "vjp", "cost"])
    if kind == "pure":
        return Entry(name, Layer(lambda: Plain(forward, backward), z))
    if kind == "cached":
        return Entry(name, Layer(lambda: Kept(forward, backward), z, "cached"))
    if kind == "vjp":
        return Entry(name, Function(forward, (z,), {"vjp": backward}))
    v = rng.standard_normal(np.shape(forward(z.copy())))
    cost = lambda z: np.sum(v * forward(z))  # noqa: E731
    return Entry(f"{name}, a cost", Function(cost, (z,), {"grad": lambda z: backward(z, v)}))


def of_curve(rng: Rng) -> Entry:
    name = str(rng.choice(list(CURVES)))
    c = CURVES[name]
    z = argument(rng, c.powers, shape(rng), c.kinks, c.positive)
    return finished(rng, name, z, c.f, lambda z, d: d * c.slope(z))


def of_rows(rng: Rng) -> Entry:
    name = str(rng.choice(list(ROWS)))
    forward, backward, powers = ROWS[name]
    return finished(rng, name, argument(rng, powers, shape(rng)), forward, backward)


def of_linear(rng: Rng) -> Entry:
    n, out = (int(s) for s in rng.integers(1, 6, size=2))
    size = (*shape(rng)[:2], n)
    name = str(rng.choice(["nothing", "tanh", "ReLU", "softplus", "sigmoid"]))
    small = name in ("tanh", "sigmoid")
    z = argument(rng, (-6, 1) if small else (-8, 8), size)
    W = rng.standard_normal((n, out)) * power(rng, -2, 0.5 if small else 2)
    b = rng.standard_normal(out) * power(rng, -2, 0.5)
    style, kind = [("pure", Linear), ("cached", Dense)][rng.integers(2)]
    return Entry(
        f"linear and {name}, {style}",
        Layer(lambda: kind(W.copy(), b.copy(), CURVES[name]), z, style, ("W", "b")),
    )


def of_costs(rng: Rng) -> Entry:
    """Losses, with gradient and Hessian."""
    N, n = (int(s) for s in rng.integers(1, 9, size=2))
    X = rng.standard_normal((N, n)) * power(rng, -4, 4)
    w = rng.standard_normal(n) * power(rng, -4, 2)
    y = rng.integers(0, 2, N).astype(float)
    lam = power(rng, -6, 2)

    def nll(w):
        z = X @ w
        return (np.logaddexp(0, z) - y * z).sum() + lam / 2 * w @ w

    def nll_grad(w):
        return X.T @ (expit(X @ w) - y) + lam * w

    def nll_hessian(w):
        z = X @ w
        return X.T @ (X * (expit(z) * expit(-z))[:, None]) + lam * np.eye(n)

    def squares(w):
        return 0.5 * ((X @ w - y) ** 2).sum()

    def squares_grad(w):
        return X.T @ (X @ w - y)

    def log_sum(w):
        return np.logaddexp.reduce(w)

    def log_sum_hessian(w):
        p = softmax(w)
        return np.diag(p) - np.outer(p, p)

    def huber(w):
        r = np.abs(w - 1)
        return np.where(r < 1, r * r / 2, r - 0.5).sum()

    name, f, claims = [
        ("NLL", nll, {"grad": nll_grad}),
        ("NLL, Hessian", nll, {"grad": nll_grad, "hessian": nll_hessian}),
        ("NLL, product", nll, {"grad": nll_grad, "hvp": lambda w, v: nll_hessian(w) @ v}),
        ("squares", squares, {"grad": squares_grad}),
        ("squares, Hessian", squares, {"grad": squares_grad, "hessian": lambda w: X.T @ X}),
        ("log-sum-exp", log_sum, {"grad": softmax, "hessian": log_sum_hessian}),
        ("Huber", huber, {"grad": lambda w: np.clip(w - 1, -1, 1)}),
        ("probabilities", lambda w: expit(X @ w), {
            "jacobian": lambda w: X * (expit(X @ w) * expit(-(X @ w)))[:, None]}),
        ("probabilities, along", lambda w: expit(X @ w), {
            "jvp": lambda w, v: expit(X @ w) * expit(-(X @ w)) * (X @ v)}),
    ][rng.integers(9)]  # fmt: skip
    return Entry(name, Function(f, (w,), claims))


def case(seed: int) -> Entry:
    """A right entry."""
    rng = np.random.default_rng(seed)
    kinds = (of_curve, of_curve, of_rows, of_linear, of_costs)
    with np.errstate(all="ignore"):
        return kinds[rng.integers(len(kinds))](rng)


def main() -> None:
    count, start = (int(n) for n in [*sys.argv[1:], "0"][:2])
    verdicts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    begun = time.perf_counter()
    for seed in range(start, start + count):
        entry = case(seed)
        try:
            report = asked(entry)
        except Exception as problem:  # the doctor's own failures count, too
            verdicts["raised"] += 1
            print(f"seed {seed}: {entry.name}: {type(problem).__name__}: {problem}", flush=True)
            continue
        verdicts[report.verdict] += 1
        if report.verdict == "wrong":
            print(f"seed {seed}: {entry.name}: {report}", flush=True)
        elif report.verdict == "cannot tell":
            reasons[(report.notes or ("",))[0].partition(":")[0]] += 1
            print(f"seed {seed}: {entry.name}: cannot tell: {report.notes}", flush=True)
    print(f"{count} right cases in {time.perf_counter() - begun:.0f} s: {dict(verdicts)}")
    print(f"cannot tell: {dict(reasons)}")


if __name__ == "__main__":
    main()
