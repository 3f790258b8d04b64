"""A sum over data points is a sum over blocks of rows: sum_i f_i = sum_b (sum_{i in b} f_i).

NLL, gradient, Hessian and Hessian-vector product are such sums. A block of X is read once: while
it is in the cache it gives its logits, and these give its part of the result. So a pass costs one
read of X and the memory of a few blocks, whatever N; a block of another type or layout is converted
when its turn comes. The same split serves threads.

The blocks depend on the shape of X, the number of classes, the type and whether compiled loops
compute, but not on the number of threads, and their parts are added in their order, in float64: so
the result does not depend on the threads either. What rounding loses in an addition is carried along
(Neumaier, Z. angew. Math. Mech. 54, 1974), so that the error of a sum does not grow with the number of
its parts.
"""

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from reference_impl import arguments
from reference_impl.arguments import AnyArray, Array
from reference_impl.quiet import quiet

# Bytes of a block and of what is computed from it: what a level-2 cache of 2 MB holds.
CACHE = 2 << 20
# e^t overflows above 709.8 and 88.7.
LARGEST_EXPONENT: dict[np.dtype[Any], float] = {
    np.dtype(np.float64): 700.0,
    np.dtype(np.float32): 80.0,
}
# A thread takes a run of blocks at a time: at most 16 of them, and at least 4 runs are made.
RUNS, LONGEST = 4, 16

# What each of several blocks adds to the sums, and the function that computes it from their X
# (blocks x m x n), y and s (blocks x m); s is None where all weights are one.
Parts = Sequence[Any]
OfBlock = Callable[[AnyArray, AnyArray, AnyArray | None], Parts]


class Rows(NamedTuple):
    """Data points whose types and shapes are right, but whose values were not looked at yet.

    To look at them would cost another read of X. A pass finds out by itself: NaN and infinities
    in X reach its result, and `total` looks at y and s block by block.
    """

    X: AnyArray
    y: AnyArray
    s: AnyArray | None
    n_classes: int

    @quiet
    def refuse(self) -> None:
        """Raise the ValueError that names the first entry of X, y or s that is wrong, if any."""
        arguments.design_matrix(self.X)
        arguments.labels(self.y, self.X, self.n_classes)
        arguments.weights(self.s, self.X)

    def taking_part(self) -> "Rows":
        """Return the data points without those of weight zero, if there are some."""
        if self.s is None or self.s.all():
            return self
        kept = self.s > 0
        return Rows(self.X[kept], self.y[kept], self.s[kept], self.n_classes)


def rows(X: AnyArray, y: ArrayLike, sample_weight: ArrayLike | None, n_classes: int) -> Rows:
    """Return data points as they were given, after a look at types and shapes.

    Raises
    ------
    TypeError, ValueError
        As `arguments.labels` and `arguments.weights`, but for the values.
    """
    y = arguments.as_given("y", y)
    if y.shape != X.shape[:1]:
        arguments.labels(y, X, n_classes)
    if sample_weight is None:
        return Rows(X, y, None, n_classes)
    s = arguments.as_given("sample_weight", sample_weight)
    if s.shape != X.shape[:1] or not s.any():
        arguments.weights(s, X)
    return Rows(X, y, s, n_classes)


def design_matrix(X: ArrayLike) -> AnyArray:
    """Return X as it was given, after a look at type and shape.

    Raises
    ------
    TypeError, ValueError
        As `arguments.design_matrix`, but for the values.
    """
    given = arguments.as_given("X", X)
    if given.ndim != 2 or 0 in given.shape:
        arguments.design_matrix(given)
    return given


def floating(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the type in which blocks are computed: float64 or float32.

    Raises
    ------
    TypeError, ValueError
        For anything else.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype: expected float64 or float32, given {dtype!r}") from None
    if dtype is None or found not in LARGEST_EXPONENT:
        raise ValueError(f"dtype: expected float64 or float32, given {dtype!r}")
    return found


def fitting(numbers: int, dtype: DTypeLike = np.float64) -> int:
    """Return how many rows fit into the cache, if a row needs so many numbers."""
    return max(1, CACHE // (numbers * np.dtype(dtype).itemsize))


def total(
    make: Callable[[int], OfBlock],
    data: Rows,
    most: int,
    names: Sequence[str],
    *,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
    together: tuple[int, int] = (1, 1),
) -> list[Array]:
    """Return the sums over all blocks of what the function of blocks returns for each.

    Parameters
    ----------
    make : callable
        Returns a function of blocks for m rows or fewer, with arrays of its own that are kept from
        call to call. Each thread calls it once.
    data : Rows
        The data points.
    most : int
        The largest number of rows in a block.
    names : sequence of str
        What the sums are, for an error.
    dtype : dtype
        The type of X and of s in a block.
    threads : int
        The number of threads.
    together : (int, int)
        How many blocks the function is given at once, at most, in one thread and in several.
        Threads that compute with NumPy wait for one another between calls.

    Returns
    -------
    list of float64 arrays

    Raises
    ------
    TypeError, ValueError
        For a number of threads that is not an integer >= 1, for wrong values in X, y and s, and
        for sums that are not finite.
    """
    threads = arguments.count("threads", threads)
    N = len(data.X)
    if N <= most:
        sums = [
            part[0]
            for part in make(N)(*_blocks(data, 0, N, N, _converter(data.X, N, dtype), dtype))
        ]
    else:
        sums = add(_mapped(threads, *_runs(make, data, most, together[threads > 1], dtype)))
    finite = [_is_finite(value) for value in sums]
    if all(finite):
        return [np.asarray(value, np.float64) for value in sums]
    data.refuse()
    # A point of weight zero may have been multiplied by a number beyond the range.
    if (fewer := data.taking_part()) is not data:
        return total(make, fewer, most, names, dtype=dtype, threads=threads, together=together)
    raise ValueError(
        f"{names[finite.index(False)]} exceeds the range of {np.dtype(dtype)} "
        f"({np.finfo(dtype).max:.1e}): rescale the input"
    )


@quiet
def add(parts: Iterable[Parts]) -> list[Any]:
    """Return the sums of the parts, added in their order, with what rounding loses.

    Parameters
    ----------
    parts : iterable of sequences
        Of float64 arrays or numbers; at least one.

    Returns
    -------
    list
    """
    remaining = iter(parts)
    sums = list(next(remaining))
    errors = [np.zeros_like(value, np.float64) for value in sums]
    for more in remaining:
        for k, part in enumerate(more):
            sums[k], error = _sum_and_error(sums[k], part)
            errors[k] = errors[k] + error
    return [total + error for total, error in zip(sums, errors, strict=True)]


def _sum_and_error(a: Any, b: Any) -> tuple[Any, Any]:
    """Return s = a + b rounded and the rounding error, so that s + error = a + b exactly."""
    s = a + b
    part = s - a
    return s, (a - (s - part)) + (b - part)


def _mapped(threads: int, function: Callable[[int], Parts], starts: range) -> Iterator[Parts]:
    """Yield the results in order, whichever thread is the first; this thread is one of them."""
    if threads == 1:
        yield from map(function, starts)
        return
    results: list[Parts] = [()] * len(starts)
    left = iter(range(len(starts)))

    def work() -> None:
        try:
            for number in left:
                results[number] = function(starts[number])
        finally:  # after an error or an interrupt the others end with what they have begun
            leave_nothing()

    def leave_nothing() -> None:
        for _ in left:
            pass

    with ThreadPoolExecutor(threads - 1) as pool:
        try:
            others = [pool.submit(work) for _ in range(min(threads, len(starts)) - 1)]
            work()
        finally:
            leave_nothing()
    for other in others:
        other.result()
    yield from results


def _runs(
    make: Callable[[int], OfBlock], data: Rows, most: int, together: int, dtype: DTypeLike
) -> tuple[Callable[[int], Parts], range]:
    """Return the sum over a run of blocks of equal size, as a function of its first row; the rows."""
    N = len(data.X)
    n_blocks = -(-N // most)
    m = -(-N // n_blocks)
    run = m * min(-(-n_blocks // RUNS), LONGEST)
    at_once = min(run, together * m)
    kept = threading.local()

    @quiet
    def of_run(start: int) -> Parts:
        end = min(start + run, N)
        if not hasattr(kept, "of_block"):
            kept.of_block, kept.convert = make(at_once), _converter(data.X, at_once, dtype)
        sums: list[Array] = []
        while start < end:
            whole = min(at_once, (end - start) // m * m)
            stop = start + whole if whole else end  # the last block of all may be shorter
            found = kept.of_block(*_blocks(data, start, stop, m, kept.convert, dtype))
            for parts in zip(*found, strict=True):  # block after block, whoever computed them
                if sums:
                    for so_far, part in zip(sums, parts, strict=True):
                        np.add(so_far, part, out=so_far)
                else:
                    sums = [np.array(part, np.float64) for part in parts]
            start = stop
        return sums

    return of_run, range(0, N, run)


def one_by_one(of_block: OfBlock) -> OfBlock:
    """Return the function of blocks, of which there is one, from that of a block."""

    def of_blocks(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
        parts = of_block(X[0], y[0], None if s is None else s[0])
        return [part[np.newaxis] for part in parts]

    return quiet(of_blocks)


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return bool(np.logical_and.reduce(np.isfinite(value), axis=None))


def _blocks(
    data: Rows,
    first: int,
    end: int,
    m: int,
    convert: Callable[[AnyArray], AnyArray],
    dtype: DTypeLike,
) -> tuple[AnyArray, AnyArray, AnyArray | None]:
    """Return X, y and s of some rows in blocks of m, after a look at the values of y and s."""
    y, s = data.y[first:end], None if data.s is None else data.s[first:end]
    if not are_right(y, s, data.n_classes):
        data.refuse()
    X, shape = convert(data.X[first:end]), (-1, min(m, end - first))
    weights = None if s is None else _cast(s, dtype).reshape(shape)
    return X.reshape(*shape, X.shape[1]), y.reshape(shape), weights


def are_right(y: AnyArray, s: AnyArray | None, n_classes: int) -> bool:
    """Say whether all y are classes and all s are weights.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import sums
    >>> sums.are_right(np.array([0, 1]), None, 2), sums.are_right(np.array([0, -1]), None, 2)
    (True, False)
    """
    kind, largest = y.dtype.kind, 1 << (8 * y.itemsize - 1)
    if (
        kind == "i" and n_classes <= largest
    ):  # as a natural number, one below 0 is above all classes
        y = y.view(f"{y.dtype.byteorder}u{y.itemsize}")
    right = np.maximum.reduce(y) < n_classes and (
        y.dtype.kind in "bu" or np.minimum.reduce(y) >= 0  # not so for NaN
    )
    if kind not in "biu":
        right = right and (y == np.floor(y)).all()
    return bool(right and (s is None or (s.min() >= 0 and s.max() < np.inf)))


def _cast(s: AnyArray, dtype: DTypeLike) -> AnyArray:
    return s if s.dtype == dtype else quiet(s.astype)(dtype)


def _converter(X: AnyArray, m: int, dtype: DTypeLike) -> Callable[[AnyArray], AnyArray]:
    """Return what makes a block of X contiguous and of the type, in an array that is kept."""
    if X.dtype == dtype and X.flags.c_contiguous and X.flags.aligned:
        return lambda block: block
    kept = np.empty((m, X.shape[1]), dtype)

    @quiet
    def convert(block: AnyArray) -> AnyArray:
        np.copyto(kept[: len(block)], block, casting="unsafe")
        return kept[: len(block)]

    return convert
