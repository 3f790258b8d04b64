"""How the package computes: in one thread of BLAS, and without floating-point warnings.

Threads that BLAS starts for a small product spin while they wait for a core that something else
has, which on a machine that is not idle costs many times the product. So no function uses more
than one thread unless it is asked to. What underflows is rounded, and what overflows is reported
by name (`arguments.representable`): neither depends on ``np.errstate`` of the caller.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ParamSpec, TypeVar

import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")

SMALL = 4096  # entries of an array whose product with 64 columns has no threads in OpenBLAS


def quiet(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let a function compute in one thread and without warnings."""

    @functools.wraps(function)
    def computed(*args: Given.args, **keywords: Given.kwargs) -> Result:
        with np.errstate(all="ignore"):
            if not any(getattr(argument, "size", 0) > SMALL for argument in args):
                return function(*args, **keywords)
            with one_thread():
                return function(*args, **keywords)

    return computed


_holding = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS to one thread, if it is not held already: who began it ends it.

    If that is another thread, it may end sooner, which costs time and nothing else.
    """
    if _holding.acquire(blocking=False):
        try:
            with _blas().limit(limits=1) if _has_more() else nullcontext():
                yield
        finally:
            _holding.release()
    else:
        yield


def _has_more() -> bool:
    return any(library.num_threads != 1 for library in _blas().lib_controllers)


@functools.cache
def _blas() -> Any:
    """Return what sets the threads of BLAS; to find the libraries takes milliseconds."""
    import threadpoolctl  # type: ignore[import-untyped]

    return threadpoolctl.ThreadpoolController().select(user_api="blas")
