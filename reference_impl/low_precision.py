"""How far softmax and cross-entropy in low precision may be from the truth, entry by entry.

The inputs are exact in bfloat16, float16 or float32. The reference is float64, block by block over
the classes, so that no N x K matrix is held. Beside each entry stand two bounds. The *worst case*
adds up every rounding, with sums of absolute values in place of sums and n u for a sum of n terms:
what lies beyond it is wrong. The *likely* bound takes roundings for independent and without bias, with
lambda sqrt(n) u in place of n u: right results are below it as a rule. It is sharper, and a
warning only, since roundings of equal numbers are equal.

A confident row has a loss and a residual of digits that log-sum-exp minus z_y loses; the reference
keeps them (``softmax.label_left_out``), and the bounds say what arithmetic of that kind costs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_impl import arguments
from reference_impl.arguments import Array
from reference_impl.layer import matrix
from reference_impl.quiet import quiet

LAMBDA = 6.0  # an entry exceeds the likely bound with a probability below 2 e^-18 = 3e-8
FUNCTION = 4.0  # times u: how exact exp and log of a kernel are taken to be
BLOCK = 4096  # classes
IGNORED = -100  # the label of a row that does not count


@dataclass(frozen=True)
class Precision:
    """A format of numbers: its unit roundoff u and its smallest subnormal number.

    Examples
    --------
    >>> from reference_impl.low_precision import BF16
    >>> BF16.name, BF16.u
    ('bfloat16', 0.00390625)
    """

    name: str
    u: float
    smallest: float


BF16 = Precision("bfloat16", 2.0**-8, 2.0**-133)
FP16 = Precision("float16", 2.0**-11, 2.0**-24)
FP32 = Precision("float32", 2.0**-24, 2.0**-149)


@dataclass(frozen=True)
class Arithmetic:
    """What a kernel declares of its arithmetic.

    Attributes
    ----------
    data : Precision
        Of the results, which are rounded once at the end.
    sums : Precision
        In which products are added, and exponentials and logarithms taken.
    logits, log_p, delta : Precision
        In which logits, log-probabilities and residuals are stored on the way.
    loss : Precision
        Of the loss.
    dropped : float
        Residuals (before they are divided by the number of rows) below it may be left out: an
        approximation, declared as such.

    Examples
    --------
    >>> from reference_impl.low_precision import BF16, Arithmetic
    >>> Arithmetic(BF16).sums.name
    'float32'
    """

    data: Precision
    sums: Precision = FP32
    logits: Precision = FP32
    log_p: Precision = FP32
    delta: Precision = FP32
    loss: Precision = FP32
    dropped: float = 0.0


@dataclass(frozen=True, eq=False)
class Bounded:
    """Exact numbers with the largest error that roundings explain, and the likely one.

    Examples
    --------
    >>> from reference_impl.low_precision import BF16, Arithmetic, softmax
    >>> found = softmax([[0.0, 0.0]], Arithmetic(BF16))
    >>> found.exact.tolist(), bool((found.likely <= found.worst).all())
    ([[0.5, 0.5]], True)
    """

    exact: Array
    worst: Array
    likely: Array

    def used(self, found: Any) -> float:
        """Return the largest part of the worst case that an entry uses: above 1 it is wrong."""
        return _largest(found, self.exact, self.worst)

    def used_likely(self, found: Any) -> float:
        """Return the same of the likely bound: above 1 it is suspicious."""
        return _largest(found, self.exact, self.likely)


def _largest(found: Any, exact: Array, bound: Array) -> float:
    given = np.asarray(arguments.as_given("found", found), dtype=np.float64)  # NaN is wrong
    if given.shape != exact.shape:
        raise ValueError(f"found: expected shape {exact.shape}, given {given.shape}")
    off = np.where(np.isfinite(given), np.abs(given - exact), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.where(off == 0, 0.0, off / bound)))


@quiet  # bounds may be infinite
def softmax(z: Any, arithmetic: Arithmetic) -> Bounded:
    """``softmax.definition`` along rows, with the bounds of its rounding errors.

    Parameters
    ----------
    z : array_like, shape (N, K)
        Logits, exact in the format of the kernel.
    arithmetic : Arithmetic
        What the kernel declares.

    Returns
    -------
    Bounded

    Examples
    --------
    >>> from reference_impl.low_precision import BF16, Arithmetic, softmax
    >>> found = softmax([[0.0, 0.0]], Arithmetic(BF16))
    >>> found.exact.tolist(), bool((found.worst < 0.0021).all())
    ([[0.5, 0.5]], True)
    """
    logits = _Logits(matrix("z", z), None, arithmetic)
    rows = _rows(logits, np.full(len(logits.E), IGNORED))
    parts = [_probabilities(logits, rows, block) for block in logits.blocks()]
    p, worst, own, common = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return _rounded(p, worst, own + common, arithmetic.data)


@quiet
def cross_entropy(z: Any, y: Any, arithmetic: Arithmetic) -> dict[str, Bounded]:
    """``softmax.nll`` as a mean over the rows, and its gradient (p - [y = a]) / N by the logits.

    Parameters
    ----------
    z : array_like, shape (N, K)
        Logits, exact in the format of the kernel.
    y : array_like, shape (N,)
        Labels; -100 leaves a row out.
    arithmetic : Arithmetic
        What the kernel declares.

    Returns
    -------
    dict of Bounded
        ``loss`` and ``z``.

    Examples
    --------
    >>> from reference_impl.low_precision import BF16, Arithmetic, cross_entropy
    >>> found = cross_entropy([[0.0, 0.0], [5.0, 0.0]], [0, -100], Arithmetic(BF16))
    >>> f"{float(found['loss'].exact):.4f}", found["z"].exact.tolist()
    ('0.6931', [[-0.5, 0.5], [0.0, 0.0]])
    """
    logits = _Logits(matrix("z", z), None, arithmetic)
    labels = _labels(y, logits)
    rows = _rows(logits, labels)
    parts = [_residuals(logits, rows, block) for block in logits.blocks()]
    delta, worst, own, common = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    gradient = _rounded(delta, worst, own + np.abs(common), arithmetic.data)
    return {"loss": _loss(logits, rows), "z": gradient}


@quiet
def linear_cross_entropy(E: Any, C: Any, y: Any, arithmetic: Arithmetic) -> dict[str, Bounded]:
    """``softmax.nll`` of the logits E C^T as a mean over the rows, with its two gradients.

    With the residuals D = (P - Y) / N they are D C by E and D^T E by C (``softmax.nll_gradient``).

    Parameters
    ----------
    E, C : array_like, shapes (N, d) and (K, d)
        Features and class weights, exact in the format of the kernel.
    y : array_like, shape (N,)
        Labels; -100 leaves a row out.
    arithmetic : Arithmetic
        What the kernel declares.

    Returns
    -------
    dict of Bounded
        ``loss``, ``E`` and ``C``.

    Examples
    --------
    >>> from reference_impl.low_precision import BF16, Arithmetic, linear_cross_entropy
    >>> found = linear_cross_entropy([[0.0]], [[1.0], [-1.0]], [0], Arithmetic(BF16))
    >>> sorted(found), found["E"].exact.tolist()
    (['C', 'E', 'loss'], [[-1.0]])
    """
    logits = _Logits(matrix("E", E), matrix("C", C), arithmetic)
    assert logits.C is not None
    if logits.C.shape[1] != logits.E.shape[1]:
        raise ValueError(f"C: expected {logits.E.shape[1]} columns, given {logits.C.shape[1]}")
    labels = _labels(y, logits)
    rows = _rows(logits, labels)
    sums = arithmetic.sums.u
    K, N = logits.K, max(rows.count, 1)
    by_E, by_C = _Sum(logits.E.shape), _Sum(logits.C.shape)
    pulled = np.zeros_like(logits.E)  # what the errors common to a row do
    for block in logits.blocks():
        delta, worst, own, common = _residuals(logits, rows, block)
        part = logits.C[block]
        by_E.add(slice(None), delta, worst, own, part)
        pulled += common @ part
        by_C.add(block, delta.T, worst.T, np.hypot(own, common).T, logits.E)
    results = {}
    for name, found, length, extra in (("E", by_E, K, np.abs(pulled)), ("C", by_C, N, 0.0)):
        worst = found.worst + _gamma(length, sums) * (found.size + found.worst)
        likely = LAMBDA * np.sqrt(found.square) + extra
        likely = likely + _likely(length, sums) * found.size
        results[name] = _rounded(found.exact, worst, likely, arithmetic.data)
    return {"loss": _loss(logits, rows), **results}


# -------------------------------------------------------------------------------- the pieces


def _gamma(n: int, u: float) -> float:
    """Return n u / (1 - n u): the worst case of n roundings in a row."""
    return n * u / (1 - n * u) if n * u < 1 else float("inf")


def _likely(n: int, u: float) -> float:
    return LAMBDA * n**0.5 * u


def _labels(y: Any, logits: "_Logits") -> NDArray[np.int64]:
    labels = arguments.finite("y", y)
    if labels.shape != logits.E.shape[:1]:
        raise ValueError(f"y: expected {len(logits.E)} labels, given shape {labels.shape}")
    right = (labels >= 0) & (labels < logits.K) & (labels == np.floor(labels)) | (labels == IGNORED)
    arguments.refuse("y", labels, ~right, f"integers from 0 to {logits.K - 1}, or {IGNORED}")
    return labels.astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Logits:
    """E C^T, or E itself, with the errors that they have in a kernel."""

    E: Array
    C: Array | None
    arithmetic: Arithmetic

    @property
    def K(self) -> int:
        return self.E.shape[1] if self.C is None else len(self.C)

    def blocks(self) -> Iterator[slice]:
        return (slice(a, min(a + BLOCK, self.K)) for a in range(0, self.K, BLOCK))

    def block(self, block: slice) -> tuple[Array, Array, Array]:
        """Return the exact logits, and their worst and likely errors."""
        if self.C is None:
            zeros = np.zeros_like(self.E[:, block])
            return self.E[:, block], zeros, zeros
        part, d = self.C[block], self.E.shape[1]
        z = self.E @ part.T
        size = np.abs(self.E) @ np.abs(part).T
        stored = self.arithmetic.logits.u * np.abs(z) + self.arithmetic.logits.smallest
        u = self.arithmetic.sums.u
        worst = _gamma(d, u) * size * (1 + self.arithmetic.logits.u) + stored
        return z, worst, np.minimum(_likely(d, u) * size + stored, worst)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Of each row: the largest logit, sums of exponentials, the label's logit, common errors."""

    labels: NDArray[np.int64]
    count: int
    largest: Array
    total: Array
    others: Array  # without the label
    at_label: Array
    label_worst: Array
    label_likely: Array
    worst: Array
    likely: Array

    @property
    def kept(self) -> NDArray[np.bool_]:
        return self.labels != IGNORED


def _is_label(labels: NDArray[np.int64], block: slice) -> NDArray[np.bool_]:
    return labels[:, np.newaxis] == np.arange(block.start, block.stop)


def _relative(logits: _Logits, largest: Array, block: slice) -> tuple[Array, Array, Array]:
    """Return z, and the relative errors of e^(z - m): worst and likely."""
    z, worst, likely = logits.block(block)
    far = np.abs(z - largest[:, np.newaxis]) + np.log(logits.K) + 1
    rounded = FUNCTION * logits.arithmetic.sums.u * (far + worst)
    # A log-probability is stored where the format is not that of the sums.
    log_p = logits.arithmetic.log_p
    if log_p != logits.arithmetic.sums:
        rounded = rounded + log_p.u * far + log_p.smallest
    return z, worst + rounded, likely + rounded


def _rows(logits: _Logits, labels: NDArray[np.int64]) -> _Rows:
    N = len(logits.E)
    largest = np.full(N, -np.inf)
    for block in logits.blocks():
        largest = np.maximum(largest, logits.block(block)[0].max(axis=1))
    total, others, spread, square = np.zeros((4, N))
    at_label, label_worst, label_likely = np.zeros((3, N))
    for block in logits.blocks():
        z, worst, likely = _relative(logits, largest, block)
        e = np.exp(z - largest[:, np.newaxis])
        here = _is_label(labels, block)
        total += e.sum(axis=1)
        others += np.where(here, 0.0, e).sum(axis=1)
        spread += (e * np.expm1(worst)).sum(axis=1)
        square += ((e * np.expm1(likely)) ** 2).sum(axis=1)
        at_label += np.where(here, z, 0.0).sum(axis=1)
        label_worst += np.where(here, worst, 0.0).sum(axis=1)
        label_likely += np.where(here, likely, 0.0).sum(axis=1)
    u = logits.arithmetic.sums.u
    # log-sum-exp is stored, too, and as large as the largest logit.
    stored = FUNCTION * u * (np.abs(largest) + np.log(logits.K) + 1)
    return _Rows(
        labels, int((labels != IGNORED).sum()), largest, total, others, at_label, label_worst,
        label_likely, np.log1p(spread / total) + _gamma(logits.K, u) + stored,
        LAMBDA * np.sqrt(square) / total + _likely(logits.K, u) + stored,
    )  # fmt: skip


def _probabilities(logits: _Logits, rows: _Rows, block: slice) -> tuple[Array, Array, Array, Array]:
    """Return p, its worst error, and of the likely one the entry's own part and the row's."""
    z, worst, likely = _relative(logits, rows.largest, block)
    p = np.exp(z - rows.largest[:, np.newaxis]) / rows.total[:, np.newaxis]
    return (
        p,
        p * np.expm1(worst + rows.worst[:, np.newaxis]),
        p * np.expm1(likely),
        p * np.expm1(rows.likely)[:, np.newaxis],
    )


def _residuals(logits: _Logits, rows: _Rows, block: slice) -> tuple[Array, Array, Array, Array]:
    """Return (p - [y = a]) / N as a kernel stores it, with its errors as of `_probabilities`."""
    p, worst, own, common = _probabilities(logits, rows, block)
    here = _is_label(rows.labels, block)
    # 1 - p of the label is the sum of the others, and keeps its digits.
    r = np.where(here, -(rows.others / rows.total)[:, np.newaxis], p)
    arithmetic = logits.arithmetic
    stored = arithmetic.delta
    dropped = np.where(np.abs(r) < arithmetic.dropped, np.abs(r), 0.0)
    rounding = (3 * arithmetic.sums.u + stored.u) * np.abs(r) + dropped
    scale = np.where(rows.kept, 1 / max(rows.count, 1), 0.0)[:, np.newaxis]
    tiny = np.where(rows.kept, stored.smallest + arithmetic.sums.smallest, 0.0)[:, np.newaxis]
    more = 1 + stored.u
    return (
        r * scale,
        (worst * more + rounding) * scale + tiny,
        (own * more + rounding) * scale + tiny,
        common * more * scale,
    )


@dataclass(eq=False)
class _Sum:
    """A product of residuals and a matrix, with the same of absolute values and of squares."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        self.exact, self.size, self.worst, self.square = np.zeros((4, *self.shape))

    def add(self, where: slice, delta: Array, worst: Array, own: Array, factor: Array) -> None:
        self.exact[where] += delta @ factor
        self.size[where] += np.abs(delta) @ np.abs(factor)
        self.worst[where] += worst @ np.abs(factor)
        self.square[where] += own**2 @ factor**2


def _rounded(exact: Array, worst: Array, likely: Array, data: Precision) -> Bounded:
    """Add the rounding of the result itself; of 0 with any relative error nothing is known."""
    worst, likely = (np.where(np.isnan(bound), np.inf, bound) for bound in (worst, likely))
    last = data.u * np.abs(exact) + data.smallest
    worst = worst * (1 + data.u) + last
    return Bounded(exact, worst, np.minimum(likely * (1 + data.u) + last, worst))


def _loss(logits: _Logits, rows: _Rows) -> Bounded:
    """Return the mean of log-sum-exp minus z_y, in which equal digits cancel."""
    gap = rows.at_label - rows.largest
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        confident = np.log1p(rows.others / np.exp(gap))
    losses = np.where(gap > -700, confident, np.log(rows.total) - gap)
    u, log_p = logits.arithmetic.sums.u, logits.arithmetic.log_p
    rounded = FUNCTION * u * (np.abs(rows.largest) + np.abs(rows.at_label) + losses)
    if log_p != logits.arithmetic.sums:
        rounded = rounded + log_p.u * losses
    N, kept = max(rows.count, 1), rows.kept

    def mean(values: Array) -> float:
        return float(np.where(kept, values, 0.0).sum()) / N

    exact = mean(losses)
    worst = mean(rows.worst + rows.label_worst + rounded) + _gamma(N + 1, u) * exact
    likely = mean((rows.likely + rows.label_likely + rounded) ** 2) / N
    both = (
        np.array(exact),
        np.array(worst),
        np.array(LAMBDA * likely**0.5 + _likely(N, u) * exact),
    )
    return _rounded(*both, logits.arithmetic.loss)
