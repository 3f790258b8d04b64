"""Blocks by loops that numba compiles, where it is installed: ``pip install logisticbp[fast]``.

`loops` is printed from the proved lines: loss and residual of each data point, and their sums. In
double precision it takes the place of the NumPy code for the NLL with its gradient. Where a number
of a block is not finite, as where an exponential overflows, that block is left to NumPy.

The first call after an installation compiles for some seconds; what is compiled is kept on disk.
"""

import functools
import importlib
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from reference_impl.arguments import AnyArray, Array
from reference_impl.engine.sums import OfBlock, Parts

PARTS = 4  # a block is that part of what NumPy takes, for which calls count more

# (weights, X, y, s, values, gradients, with_gradient): writes values and, if wanted, gradients, and
# says whether they are finite
Loops = Callable[[Array, AnyArray, AnyArray, AnyArray, Array, Array, bool], bool]


@functools.cache
def loops(dtype: np.dtype[Any]) -> ModuleType | None:
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
    config = importlib.import_module("numba").config
    if config.DISABLE_JIT:
        return None
    try:
        return importlib.import_module("reference_impl.engine.loops")
    except RuntimeError:  # no folder to keep in what is compiled
        return None


def by_loops(
    compute: Loops,
    weights: Array,
    label: type,
    by_numpy: Callable[[int], OfBlock],
    m: int,
    *,
    with_gradient: bool,
) -> OfBlock:
    """Return the function of blocks of m rows in all that leaves to NumPy what is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import compiled
    >>> def compute(w, X, y, s, values, gradients, with_gradient):
    ...     values[:], gradients[:] = s.sum(axis=1), y @ X[0]
    ...     return True
    >>> of_block = compiled.by_loops(compute, np.ones(1), float, None, 4, with_gradient=True)
    >>> [part.tolist() for part in of_block(np.ones((1, 2, 1)), np.ones((1, 2)), None)]
    [[2.0], [[2.0]]]
    """
    ones = _ones(m)

    def of_block(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
        values, gradients = np.empty(len(X)), np.empty((len(X), *weights.shape))
        weight = ones[: y.size].reshape(y.shape) if s is None else np.ascontiguousarray(s)
        labels: AnyArray = np.ascontiguousarray(y, label)
        if compute(weights, X, labels, weight, values, gradients, with_gradient):
            return (values, gradients) if with_gradient else (values,)
        return by_numpy(m)(X, y, s)

    return of_block


@functools.lru_cache(maxsize=2)
def _ones(m: int) -> Array:
    return np.ones(m)
