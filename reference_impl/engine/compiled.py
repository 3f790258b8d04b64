"""Blocks by loops that numba compiles, where it is installed: ``pip install logisticbp[fast]``.

`loops` is printed from the proved lines: the loss of each data point, and the gradient of their
sum. In double precision it takes the place of the NumPy code for the NLL with its gradient. Where a number
is not finite, as where an exponential overflows, its block is left to NumPy, with those that are
computed at once with it.

The first call after an installation compiles for some seconds; what is compiled is kept on disk. In
each process the first call imports numba, which takes half a second.
"""

import functools
import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reference_impl import arguments
from reference_impl.arguments import AnyArray, Array
from reference_impl.engine import elementary, loops as printed, sums
from reference_impl.engine.sums import OfBlock, Parts, Rows

# What the loops call.
ELEMENTARY: tuple[Callable[[float], float], ...] = (
    elementary.power_of_two,
    elementary.exp,
    elementary.log1p,
    elementary.sigmoid,
    elementary.softplus,
)
# A sum may be added up in another order, as several at a time; elsewhere this could make numbers
# cancel.
_OPTIONS: dict[str, Any] = {"error_model": "numpy"}
_SUMS = {**_OPTIONS, "fastmath": {"contract", "reassoc", "nsz"}}
PARTS = 2  # of what fits into the cache a block is that part
TOGETHER = 4  # blocks that are computed at once

# (weights, X, y, s, losses, gradients, with_gradient): writes losses and, if wanted, gradients, and
# says whether they are finite
Compute = Callable[[Array, AnyArray, AnyArray, AnyArray, Array, Array, bool], bool]


@dataclass(frozen=True)
class Loops:
    """The functions of `loops`, compiled.

    Examples
    --------
    >>> from reference_impl.engine import compiled
    >>> compiled.Loops(print, repr).softmax is repr
    True
    """

    logistic: Compute
    softmax: Compute


@functools.cache
def loops(dtype: np.dtype[Any]) -> Loops | None:
    """Return the compiled loops; None in float32, and where numba is missing or does not compile.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import compiled
    >>> compiled.loops(np.dtype(np.float32)) is None
    True
    """
    if dtype != np.float64 or importlib.util.find_spec("numba") is None:
        return None
    try:
        numba = importlib.import_module("numba")
        return None if numba.config.DISABLE_JIT else _all_compiled(numba)
    except (ImportError, OSError, RuntimeError):  # of another NumPy; no folder, or no room in it
        return None


def _all_compiled(numba: Any) -> Loops:
    sources = (Path(str(module.__file__)).read_bytes() for module in (elementary, printed))
    digest = hashlib.sha256(b"".join(sources)).hexdigest()
    called, exact = numba.extending.register_jitable, {**_OPTIONS, "fastmath": {"contract"}}
    for function in ELEMENTARY:
        called(forceinline=True, **exact)(function)
    for rows in (printed.logistic_rows, printed.softmax_rows):
        called(**exact)(rows)
    for summed in (printed.logistic_logits, printed.softmax_logits):
        called(**_SUMS)(summed)
    # What numba keeps on disk goes by the values that a function closes over, here the digest.
    compiles = functools.partial(numba.njit, nogil=True, cache=True, **_SUMS)
    return Loops(
        compiles(_types(numba, 1, numba.float64))(printed.logistic(digest)),
        compiles(_types(numba, 2, numba.int64))(printed.softmax(digest)),
    )


def _types(numba: Any, axes: int, label: Any) -> Any:
    """Return the types of the arguments, for weights with so many axes."""
    f, given = numba.float64, functools.partial(numba.types.Array, layout="C", readonly=True)
    return numba.boolean(
        *(given(f, axes), given(f, 3), given(label, 2), given(f, 2)),
        *(f[:, ::1], numba.types.Array(f, 1 + axes, "C"), numba.boolean),
    )


class Evaluation(NamedTuple):
    """The NLL at some weights, and its gradient if wanted: by loops, or by NumPy what they leave.

    Attributes
    ----------
    compute : callable
        One of the `Loops`.
    weights : float64 array
        Where to compute.
    label : type
        The type of y that the loops take.
    by_numpy : callable
        What `sums.total` takes to make the function of blocks.
    with_gradient : bool
        Whether the gradient is wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import compiled, sums
    >>> def compute(w, X, y, s, losses, gradients, with_gradient):
    ...     losses[:], gradients[:] = s, y @ X[0]
    ...     return True
    >>> data = sums.rows(np.ones((2, 1)), [0, 1], None, 2)
    >>> at_one = compiled.Evaluation(compute, np.ones(1), float, None, True)
    >>> [part.tolist() for part in at_one.total(data, 1, ["the NLL", "its gradient"], threads=1)]
    [2.0, [1.0]]
    """

    compute: Compute
    weights: Array
    label: type
    by_numpy: Callable[[int], OfBlock]
    with_gradient: bool

    def total(self, data: Rows, numbers: int, names: Sequence[str], threads: int) -> list[Any]:
        """Return the sums over all data points, each of which needs so many numbers in the cache.

        Names, threads and errors are those of `sums.total`.
        """
        most = sums.fitting(PARTS * numbers)
        if len(data.X) <= most and arguments.count("threads", threads):
            found = self._at_once(data)
            if found is not None:
                return found
        together = TOGETHER, TOGETHER
        return sums.total(self._of_blocks, data, most, names, threads=threads, together=together)

    def _at_once(self, data: Rows) -> list[Any] | None:
        """Return the sums over one block of plain numbers; None where there is more to do.

        `sums.total` would do the same, in half as much time again for a thousand rows.
        """
        X, y, s, n_classes = data
        plain = X.dtype == np.float64 and X.flags.c_contiguous and X.flags.aligned
        if not plain or (s is not None and s.dtype != np.float64):
            return None
        if not sums.are_right(y, s, n_classes):
            return None
        found = self._by_loops(X[np.newaxis], y[np.newaxis], s)
        return None if found is None else [part[0] for part in found]

    def _of_blocks(self, m: int) -> OfBlock:
        numpy = functools.cache(lambda: self.by_numpy(m))  # which keeps arrays

        def of_blocks(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
            found = self._by_loops(X, y, s)
            return numpy()(X, y, s) if found is None else found

        return of_blocks

    def _by_loops(self, X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts | None:
        """Return the sums over each block; None where they are not finite."""
        weights, wanted = self.weights, self.with_gradient
        losses, gradients = np.empty(y.shape), np.empty((len(X), *weights.shape))
        labels: AnyArray = np.ascontiguousarray(y, self.label)
        s = (_ones(y.size) if s is None else np.ascontiguousarray(s)).reshape(y.shape)
        if not self.compute(weights, X, labels, s, losses, gradients, wanted):
            return None
        values = np.add.reduce(losses, axis=1)
        return (values, gradients) if wanted else (values,)


@functools.lru_cache(maxsize=3)  # a pass has runs of blocks, a last one, and its last block
def _ones(m: int) -> Array:
    return np.ones(m)
