"""A sum over data points is a sum over blocks of rows: sum_i f_i = sum_b (sum_{i in b} f_i).

NLL, gradient, Hessian and Hessian-vector product are such sums. A block of X is read once: while
it is in the cache it gives its logits, and these give its part of the result. So a pass costs one
read of X and the memory of one block, whatever N; a block of another type or layout is converted
when its turn comes. The same split serves threads.

The blocks depend on the shape of X alone, and their parts are added in their order, in float64: the
result does not depend on the number of threads. (With one thread BLAS may use threads of its own,
with which its products of large matrices, those of the Hessian, round differently.)
"""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array

# Bytes of a block and of what is computed from it: 1.5 MB stay in a level-2 cache of 2 MB.
CACHE = 3 << 19
# e^t overflows above 709.8 and 88.7.
LARGEST_EXPONENT = {np.dtype(np.float64): 700.0, np.dtype(np.float32): 80.0}
SPANS = 16  # runs of blocks: a thread takes one at a time

# What a block adds to each of the sums, and the function that computes it from X, y and s of the
# block; s is None where all weights are one.
AnyArray = NDArray[Any]
Parts = Sequence[Any]
OfBlock = Callable[[AnyArray, AnyArray, AnyArray | None], Parts]


@dataclass(frozen=True, eq=False)
class Rows:
    """Data points whose types and shapes are right, but whose values were not looked at yet.

    To look at them would cost another read of X. A pass finds out by itself: NaN and infinities
    in X reach its result, and `total` looks at y and s block by block.
    """

    X: AnyArray
    y: AnyArray
    s: AnyArray | None
    n_classes: int

    def refuse(self) -> None:
        """Raise the ValueError that names the first entry of X, y or s that is wrong, if any."""
        arguments.design_matrix(self.X)
        arguments.labels(self.y, self.X, self.n_classes)
        arguments.weights(self.s, self.X)


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
) -> list[Array]:
    """Return the sums over all blocks of what the function of a block returns.

    Parameters
    ----------
    make : callable
        Returns a function of a block for blocks of m rows or fewer, with arrays of its own that
        are kept from block to block. Each thread calls it once.
    data : Rows
        The data points.
    most : int
        The largest number of rows in a block.
    names : sequence of str
        What the sums are, for an error.
    dtype : dtype
        The type of X and of s in a block.
    threads : int
        The number of threads. While there are several, BLAS runs in one thread in each.

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
    with np.errstate(all="ignore"):  # what is not finite is reported below
        if N <= most:
            sums = make(N)(*_block(data, 0, N, _converter(data.X, N, dtype), dtype))
        else:
            sums = _over_blocks(make, data, most, dtype, threads)
        finite = [_is_finite(value) for value in sums]
    for name, is_finite in zip(names, finite, strict=True):
        if not is_finite:
            data.refuse()
            raise ValueError(
                f"{name} exceeds the range of {np.dtype(dtype)} ({np.finfo(dtype).max:.1e}): "
                f"rescale the input"
            )
    return [np.asarray(value, np.float64) for value in sums]


def _over_blocks(
    make: Callable[[int], OfBlock], data: Rows, most: int, dtype: DTypeLike, threads: int
) -> Parts:
    """Return the sums over blocks of equal size, added in their order."""
    N = len(data.X)
    n_blocks = -(-N // most)
    m = -(-N // n_blocks)
    span = m * -(-n_blocks // SPANS)
    kept = threading.local()

    def of_span(start: int) -> Parts:
        end = min(start + span, N)
        with np.errstate(all="ignore"):
            if not hasattr(kept, "of_block"):
                kept.of_block, kept.convert = make(m), _converter(data.X, m, dtype)
            blocks = ((at, min(at + m, end)) for at in range(start, end, m))
            return _added(
                kept.of_block(*_block(data, *rows, kept.convert, dtype)) for rows in blocks
            )

    starts = range(0, N, span)
    if threads == 1:
        return _added(map(of_span, starts))
    with _blas_in_one_thread(), ThreadPoolExecutor(threads) as pool:
        return _added(pool.map(of_span, starts))


def _is_finite(value: Any) -> bool:
    # A sum shows at less cost that all are finite; where it does not, it may have overflowed.
    return math.isfinite(np.add.reduce(value, axis=None)) or bool(np.isfinite(value).all())


def _added(parts: Iterable[Parts]) -> Parts:
    """Return the sums of the parts, added in their order in float64."""
    remaining = iter(parts)
    sums = [np.array(part, np.float64) for part in next(remaining)]
    for more in remaining:
        for so_far, part in zip(sums, more, strict=True):
            np.add(so_far, part, out=so_far)
    return sums


def _block(
    data: Rows, first: int, end: int, convert: Callable[[AnyArray], AnyArray], dtype: DTypeLike
) -> tuple[AnyArray, AnyArray, AnyArray | None]:
    """Return X, y and s of some rows, after a look at the values of y and s."""
    y, s = data.y[first:end], None if data.s is None else data.s[first:end]
    if not (_are_labels(y, data.n_classes) and (s is None or _are_weights(s))):
        data.refuse()
    return convert(data.X[first:end]), y, None if s is None else s.astype(dtype, copy=False)


def _are_labels(y: AnyArray, n_classes: int) -> bool:
    in_range = np.minimum.reduce(y) >= 0 and np.maximum.reduce(y) < n_classes  # not so for NaN
    return bool(in_range and (y.dtype.kind in "biu" or (y == np.floor(y)).all()))


def _are_weights(s: AnyArray) -> bool:
    return bool(s.min() >= 0 and s.max() < np.inf)


def _converter(X: AnyArray, m: int, dtype: DTypeLike) -> Callable[[AnyArray], AnyArray]:
    """Return what makes a block of X contiguous and of the type, in an array that is kept."""
    if X.dtype == dtype and X.flags.c_contiguous and X.flags.aligned:
        return lambda block: block
    kept = np.empty((m, X.shape[1]), dtype)

    def convert(block: AnyArray) -> AnyArray:
        np.copyto(kept[: len(block)], block, casting="unsafe")
        return kept[: len(block)]

    return convert


def _blas_in_one_thread() -> AbstractContextManager[Any]:
    return _blas().limit(limits=1)


@cache
def _blas() -> Any:
    """Return what sets the threads of BLAS; to find the libraries takes milliseconds."""
    import threadpoolctl  # type: ignore[import-untyped]

    return threadpoolctl.ThreadpoolController().select(user_api="blas")
