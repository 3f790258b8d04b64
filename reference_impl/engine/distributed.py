"""Blocks of rows on several processes or machines, with Dask.

A sum over these blocks is that of `streaming.total`: each chunk goes through the same function
where it lies, and only the results, which are small, come back to be added in the order of the
rows. So the sum does not depend on which worker did what, or when. If a worker is lost, Dask
computes what it had anew: that costs time, not the result.

The functions run on the active ``dask.distributed.Client``. Dask is optional: ``pip install
'logisticbp[dask]'``. The workers need this package as well.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate
from types import ModuleType
from typing import Any

import numpy as np

from reference_impl.engine import streaming
from reference_impl.engine.streaming import Block
from reference_impl.engine.sums import Parts

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
        streaming.require_matrix(X.shape)
        arrays = [X.rechunk({1: -1})]
        for name, value in streaming.columns(y, sample_weight).items():
            array = _dask_array(name, value)
            streaming.require_length(name, array.shape, X.shape)
            arrays.append(array.rechunk(X.chunks[:1]))
        self.n: int = X.shape[1]
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

    def map(self, function: Callable[[Block, str], Parts], /) -> Iterator[Parts]:
        """Yield what the workers of the active client make of each block, in the order of the rows.

        Raises
        ------
        RuntimeError
            If there is no active client.
        """
        client = _client()
        term = _dask().delayed(function, pure=False)
        places = (streaming.place(i, start) for i, (start, _) in enumerate(self.chunks))
        futures = client.compute(
            [term(part, where) for (_, part), where in zip(self.chunks, places, strict=True)]
        )
        try:
            for start in range(0, len(futures), _GATHERED):
                yield from client.gather(futures[start : start + _GATHERED])
        finally:
            client.cancel(futures)  # those that an error left


def _dask() -> ModuleType:
    try:
        import dask
        import dask.array
        import dask.distributed
    except ImportError as error:
        raise ImportError(
            f"engine.distributed needs Dask: pip install 'logisticbp[dask]' ({error})"
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
