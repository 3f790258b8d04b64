"""Sums over blocks of rows on several processes or machines, with Dask.

What `streaming` does with one block after another, this does with the chunks of Dask arrays: each
chunk goes through the same block function where it lies, and only the results, which are small,
come back to be added in the order of the rows. So the sum does not depend on which worker did
what, or when. If a worker is lost, Dask computes what it had anew: that costs time, not the result.

The functions run on the active ``dask.distributed.Client``. Dask is optional: ``pip install
'logisticbp[dask]'``. The workers need this package as well.
"""

from itertools import accumulate
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments, streaming
from reference_impl.streaming import BlockFunction, Fit

_GATHERED = 64  # results fetched at once: one by one is slow, and all at once may be large


class Blocks:
    """Dask arrays as blocks of rows, one for each chunk of X.

    Few large chunks are best, one or two for each worker: each costs a task for every pass. Each
    pass computes the arrays from where they come; ``X.persist()`` keeps them on the workers.

    Parameters
    ----------
    X : dask array, shape (N, n)
        Design matrix, one data point a row. Chunks along the columns are joined.
    y : dask array, shape (N,)
        Labels; cut as X is.
    sample_weight : dask array, shape (N,), optional
        Weights s_i >= 0; cut as X is.

    Raises
    ------
    ImportError
        If Dask is not installed.
    TypeError, ValueError
        For arguments that are no Dask arrays, of a wrong shape, or with chunks of unknown size.
        Values are checked when their block is used.
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        X = _dask_array("X", X)
        if X.ndim != 2 or 0 in X.shape:
            raise ValueError(
                f"X: expected a matrix of shape (N, n) with N >= 1 rows and n >= 1 columns, "
                f"given shape {X.shape}"
            )
        columns = {"y": y} if sample_weight is None else {"y": y, "sample_weight": sample_weight}
        arrays = [X.rechunk({1: -1})]
        for name, value in columns.items():
            array = _dask_array(name, value)
            if array.shape != X.shape[:1]:
                raise ValueError(
                    f"{name}: expected shape {X.shape[:1]} for X of shape {X.shape}, "
                    f"given shape {array.shape}"
                )
            arrays.append(array.rechunk(X.chunks[:1]))
        self.n = X.shape[1]
        self.arrays = arrays  # which keep what is persisted on the workers: the parts do not
        sizes = X.chunks[0]
        parts = zip(*(array.to_delayed().ravel() for array in arrays), strict=True)
        starts = accumulate(sizes, initial=0)
        self.chunks = [
            (start, part) for start, size, part in zip(starts, sizes, parts, strict=False) if size
        ]

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.chunks)


def total(function: BlockFunction, w: ArrayLike, blocks: Blocks, *direction: Any) -> Any:
    """Return sum_b function(w, X_b, y_b), computed on the workers of the active client.

    Parameters
    ----------
    function, w, direction
        As in `streaming.total`.
    blocks : Blocks
        The data.

    Returns
    -------
    What `function` returns: float64, float64 array, or a tuple of them

    Raises
    ------
    ImportError
        If Dask is not installed.
    RuntimeError
        If there is no active client.
    TypeError, ValueError
        As in `streaming.total`.
    """
    if not isinstance(blocks, Blocks):
        raise TypeError(f"blocks: expected distributed.Blocks, given {type(blocks).__name__}")
    w = arguments.finite("w", w)
    dask, client = _dask(), _client()
    term = dask.delayed(streaming.term, pure=False)
    futures = client.compute(
        [
            term(function, w, part, direction, f"in block {index} (from row {start})")
            for index, (start, part) in enumerate(blocks.chunks)
        ]
    )
    try:
        return streaming.add(
            summands
            for start in range(0, len(futures), _GATHERED)
            for summands in client.gather(futures[start : start + _GATHERED])
        )
    finally:
        client.cancel(futures)  # those that an error left


def newton(blocks: Blocks, *, penalty: float = 0.0, tol: float = 1e-8, max_iter: int = 100) -> Fit:
    """``logistic.newton_step``: what `streaming.newton` does, on the workers.

    Parameters
    ----------
    blocks : Blocks
        The data.
    penalty, tol, max_iter
        As in `streaming.newton`.

    Returns
    -------
    Fit

    Raises
    ------
    ImportError, RuntimeError
        As in `total`.
    SeparatedError, ConvergenceError, TypeError, ValueError
        As in `streaming.newton`.
    """
    if not isinstance(blocks, Blocks):
        raise TypeError(f"blocks: expected distributed.Blocks, given {type(blocks).__name__}")
    return streaming.fit(
        lambda function, w: total(function, w, blocks),
        blocks.n,
        penalty=penalty,
        tol=tol,
        max_iter=max_iter,
    )


def _dask() -> ModuleType:
    try:
        import dask
        import dask.array
        import dask.distributed
    except ImportError as error:
        raise ImportError(
            f"reference_impl.distributed needs Dask: pip install 'logisticbp[dask]' ({error})"
        ) from error
    return dask


def _client() -> Any:
    try:
        return _dask().distributed.get_client()
    except ValueError:
        raise RuntimeError(
            "no active client: start one with client = dask.distributed.Client(...)"
        ) from None


def _dask_array(name: str, value: Any) -> Any:
    if not isinstance(value, _dask().array.Array):
        raise TypeError(
            f"{name}: expected a dask array, given {type(value).__name__}; "
            f"dask.array.from_array makes one"
        )
    if np.isnan(value.shape).any():
        raise ValueError(
            f"{name}: expected chunks of known size, given chunks {value.chunks}; "
            f"compute_chunk_sizes() finds them"
        )
    return value
