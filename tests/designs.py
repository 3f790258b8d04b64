"""The data on which statements are tested; each design is there to catch a kind of fault.

Entries are multiples of 1/8 with random signs, so that z = X w is exact and the error measured
is that of the formula; designs flagged "full mantissa" are not. Sizes are pairwise different in
most designs, because square shapes hide a transpose, and all equal in some, because only those
let X^T (p - w) pass.
"""

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Logistic:
    """w, v (n), X (N x n), y (N), s (N) or None."""

    name: str
    flags: tuple[str, ...]
    w: np.ndarray
    X: np.ndarray
    y: np.ndarray
    v: np.ndarray
    s: np.ndarray | None = None

    def __str__(self):
        return self.name

    @property
    def digits(self):
        return _digits(self.X @ self.w)


@dataclass(frozen=True, eq=False)
class Softmax:
    """W, V (K x n), X (N x n), y (N), s (N) or None."""

    name: str
    flags: tuple[str, ...]
    W: np.ndarray
    X: np.ndarray
    y: np.ndarray
    V: np.ndarray
    s: np.ndarray | None = None

    def __str__(self):
        return self.name

    @property
    def digits(self):
        Z = self.X @ self.W.T
        return _digits(Z - Z.max(axis=1, keepdims=True))

    @property
    def Y(self):
        return np.eye(len(self.W))[self.y]


def _digits(z):
    """50 digits remain after 1 - p, which is about e^-|z|, was subtracted from 1."""
    return 50 + int(np.abs(z).max() / np.log(10))


def eighths(rng, *shape, largest=3):
    """Random multiples of 1/8 in [-largest, largest] without zeros."""
    return rng.choice([-1, 1], shape) * rng.integers(1, 8 * largest + 1, shape) / 8


def _rng(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def logistic(name, N, n, flags=(), **changes):
    rng = _rng(name)
    data = {
        "w": eighths(rng, n, largest=1),
        "X": eighths(rng, N, n),
        "y": rng.integers(0, 2, N),
        "v": eighths(rng, n),
        "s": None,
    }
    return Logistic(name, tuple(flags), **{**data, **changes})


def _logistic_designs():
    for N, n in [(1, 2), (1, 3), (2, 3), (2, 4), (5, 2), (5, 3), (5, 4)]:
        yield logistic(f"N={N} n={n}", N, n)
    for size in (2, 4):
        yield logistic(f"N=n={size}", size, size, ["square"])
    rng = _rng("full mantissa")
    yield logistic(
        "full mantissa", 5, 3, ["full mantissa"], X=rng.normal(size=(5, 3)), w=rng.normal(size=3)
    )
    yield logistic("unbalanced", 5, 3, ["unbalanced"], y=np.array([0, 0, 0, 1, 0]))
    yield logistic("one class 0", 5, 3, ["absent class"], y=np.zeros(5, dtype=np.int64))
    yield logistic("one class 1", 5, 3, ["absent class"], y=np.ones(5, dtype=np.int64))
    yield logistic("w = 0", 5, 3, ["zeros"], w=np.zeros(3))
    X = eighths(_rng("zeros"), 5, 3)
    X[:, 1] = 0.0
    X[2] = 0.0
    yield logistic("zero row and column", 5, 3, ["zeros"], X=X)
    X = eighths(_rng("ties"), 5, 3)
    yield logistic("equal rows", 5, 3, ["ties"], X=X[[0, 0, 1, 1, 1]])
    yield logistic("duplicate column", 5, 3, ["duplicate column"], X=X[:, [0, 1, 1]])
    for z in (30.0, 40.0, 300.0, 700.0):
        for sign in (-1.0, 1.0):
            for y in (0, 1):
                yield logistic(
                    f"z={sign * z:+.0f} y={y}",
                    1,
                    2,
                    ["saturated"],
                    X=np.array([[sign * 4.0, 2.0]]),
                    w=np.array([z / 8, sign * z / 4]),
                    y=np.array([y]),
                )
    yield logistic("large w", 5, 3, ["large w", "saturated"], w=np.array([96.0, -64.0, 80.5]))
    yield logistic("weights", 5, 3, ["weights"], s=np.array([0.5, 0.0, 2.0, 1.0, 0.125]))
    yield logistic("weights, square", 3, 3, ["weights", "square"], s=np.array([0.25, 3.0, 1.5]))


def softmax(name, N, n, K, flags=(), **changes):
    rng = _rng(name)
    data = {
        "W": eighths(rng, K, n, largest=1),
        "X": eighths(rng, N, n),
        "y": rng.integers(0, K, N),
        "V": eighths(rng, K, n),
        "s": None,
    }
    return Softmax(name, tuple(flags), **{**data, **changes})


def _softmax_designs():
    for N, n, K in [(1, 2, 3), (1, 3, 2), (2, 3, 4), (2, 4, 3), (5, 2, 3), (5, 3, 2), (5, 2, 4)]:
        yield softmax(f"N={N} n={n} K={K}", N, n, K)
    for size in (2, 3):
        yield softmax(f"N=n=K={size}", size, size, size, ["square"])
    rng = _rng("softmax full mantissa")
    yield softmax(
        "full mantissa",
        5,
        2,
        3,
        ["full mantissa"],
        X=rng.normal(size=(5, 2)),
        W=rng.normal(size=(3, 2)),
    )
    yield softmax("unbalanced", 5, 2, 3, ["unbalanced"], y=np.array([2, 2, 0, 2, 2]))
    yield softmax("absent class", 5, 2, 4, ["absent class"], y=np.array([3, 1, 1, 3, 0]))
    yield softmax("one class", 5, 2, 3, ["absent class"], y=np.full(5, 2))
    yield softmax("W = 0", 5, 2, 3, ["zeros", "ties"], W=np.zeros((3, 2)))
    X = eighths(_rng("softmax zeros"), 5, 3)
    X[:, 1] = 0.0
    X[2] = 0.0
    yield softmax("zero row and column", 5, 3, 2, ["zeros"], X=X)
    X = eighths(_rng("softmax ties"), 5, 3)
    yield softmax("equal rows", 5, 3, 2, ["ties"], X=X[[0, 0, 1, 1, 1]])
    yield softmax("duplicate column", 5, 3, 2, ["duplicate column"], X=X[:, [0, 1, 1]])
    W = eighths(_rng("softmax equal classes"), 3, 2, largest=1)
    yield softmax("two equal classes", 2, 2, 3, ["ties"], W=W[[0, 1, 1]])
    for z in (30.0, 40.0, 300.0, 700.0):
        for y in range(3):
            yield softmax(
                f"z={z:.0f} y={y}",
                1,
                2,
                3,
                ["saturated"],
                X=np.array([[4.0, -2.0]]),
                W=np.array([[z / 8, -z / 4], [-0.125, 0.5], [-z / 16, z / 8]]),
                y=np.array([y]),
            )
    yield softmax(
        "large W",
        5,
        2,
        3,
        ["large w", "saturated"],
        W=np.array([[96.0, -64.0], [80.5, 3.0], [-50.0, 71.0]]),
    )
    yield softmax("weights", 5, 2, 3, ["weights"], s=np.array([0.5, 0.0, 2.0, 1.0, 0.125]))
    yield softmax("weights, square", 3, 3, 3, ["weights", "square"], s=np.array([0.25, 3.0, 1.5]))


LOGISTIC = tuple(_logistic_designs())
SOFTMAX = tuple(_softmax_designs())
