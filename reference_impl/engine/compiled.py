"""Blocks by loops that numba compiles, where it is installed: ``pip install logisticbp[fast]``.

`loops` is printed from the proved lines: the loss of each data point, and the gradient of their
sum. In double precision it takes the place of the NumPy code for the NLL with its gradient. Where a number
of a block is not finite, as where an exponential overflows, that block is left to NumPy.

The first call after an installation compiles for some seconds; what is compiled is kept on disk.
"""

import functools
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference_impl.arguments import AnyArray, Array
from reference_impl.engine import loops as printed
from reference_impl.engine.sums import OfBlock, Parts, Rows, are_right

NUMBERS: tuple[Callable[[float], float], ...] = (
    *(printed.power_of_two, printed.exp, printed.log1p),
    *(printed.sigmoid, printed.softplus),
)
PARTS = 2  # a block is that part of what NumPy takes, for which calls count more

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
    numba = importlib.import_module("numba")
    if numba.config.DISABLE_JIT:
        return None
    exact = {"error_model": "numpy", "fastmath": {"contract"}}
    fast = {"error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
    called = numba.extending.register_jitable
    for number in NUMBERS:
        called(forceinline=True, **exact)(number)
    for block in (printed.logistic_block, printed.softmax_block):
        called(**fast)(block)
    compiles = functools.partial(numba.njit, nogil=True, cache=True, **fast)
    try:
        return Loops(
            compiles(_types(numba, 1, numba.float64))(printed.logistic),
            compiles(_types(numba, 2, numba.int64))(printed.softmax),
        )
    except RuntimeError:  # no folder to keep in what is compiled
        return None


def _types(numba: Any, axes: int, label: Any) -> Any:
    """Return the types of the arguments, for weights with so many axes."""
    f, given = numba.float64, functools.partial(numba.types.Array, layout="C", readonly=True)
    return numba.boolean(
        *(given(f, axes), given(f, 3), given(label, 2), given(f, 2)),
        *(f[:, ::1], numba.types.Array(f, 1 + axes, "C"), numba.boolean),
    )


def by_loops(
    compute: Compute,
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
    >>> def compute(w, X, y, s, losses, gradients, with_gradient):
    ...     losses[:], gradients[:] = s, y @ X[0]
    ...     return True
    >>> of_block = compiled.by_loops(compute, np.ones(1), float, None, 4, with_gradient=True)
    >>> [part.tolist() for part in of_block(np.ones((1, 2, 1)), np.ones((1, 2)), None)]
    [[2.0], [[2.0]]]
    """
    ones = _ones(m)

    def of_block(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
        losses, gradients = np.empty(y.shape), np.empty((len(X), *weights.shape))
        weight = ones[: y.size].reshape(y.shape) if s is None else np.ascontiguousarray(s)
        labels: AnyArray = np.ascontiguousarray(y, label)
        if compute(weights, X, labels, weight, losses, gradients, with_gradient):
            values = np.add.reduce(losses, axis=1)
            return (values, gradients) if with_gradient else (values,)
        return by_numpy(m)(X, y, s)

    return of_block


def at_once(
    compute: Compute, weights: Array, label: type, data: Rows, *, with_gradient: bool
) -> list[Any] | None:
    """Return the sums over all data points as one block; None where more has to be done.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import compiled, sums
    >>> data = sums.rows(np.ones((2, 1)), [0, 1], None, 2)
    >>> compiled.at_once(lambda *more: False, np.ones(1), float, data, with_gradient=False)
    """
    X, y, s, n_classes = data
    plain = X.dtype == np.float64 and X.flags.c_contiguous and X.flags.aligned
    if not plain or (s is not None and s.dtype != np.float64) or not are_right(y, s, n_classes):
        return None
    losses, gradient = np.empty((1, len(X))), np.empty((1, *weights.shape))
    weight = _ones(len(X)) if s is None else np.ascontiguousarray(s)
    labels: AnyArray = np.ascontiguousarray(y, label)[np.newaxis]
    more = weight[np.newaxis], losses, gradient, with_gradient
    if not compute(weights, X[np.newaxis], labels, *more):
        return None
    value = np.add.reduce(losses[0])
    return [value, gradient[0]] if with_gradient else [value]


@functools.lru_cache(maxsize=2)
def _ones(m: int) -> Array:
    return np.ones(m)
