"""The arrays that a function is made of: those that its code refers to by name.

A cost is often a function of the weights alone, and finds the data in its closure. A cause may be
seen in them; nothing else depends on it.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from reference_impl.check.problem import Values

LARGEST = 10_000  # entries of an array
DEPTH = 4  # of functions that call functions


def constants(f: Callable[..., Any], depth: int = DEPTH) -> Values:
    """Return the real arrays and numbers that a function, and what it calls, refer to.

    Parameters
    ----------
    f : callable
    depth : int
        How many functions deep to look, of the same package.

    Returns
    -------
    dict of str to ndarray
        In double precision, by the names that stand in the code; none where there is no code.
    """
    f = inspect.unwrap(getattr(f, "__func__", f))
    if not inspect.isfunction(f):
        return {}
    seen = inspect.getclosurevars(f)
    found: Values = {}
    for name, value in {**seen.globals, **seen.nonlocals}.items():
        if isinstance(value, np.ndarray | float) and np.asarray(value).dtype.kind in "fiub":
            if 0 < np.size(value) <= LARGEST:
                found[name] = np.asarray(value, dtype=np.float64)
        elif inspect.isfunction(value) and depth and _package(value) == _package(f):
            found = {**constants(value, depth - 1), **found}
    return found


def _package(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__module__", "")).partition(".")[0]
