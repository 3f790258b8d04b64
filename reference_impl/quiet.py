"""How the package computes: in one thread of BLAS, and without floating-point warnings.

Threads that BLAS starts for a small product spin while they wait for a core that something else
has, which on a machine that is not idle costs many times the product. So no function uses more
than one thread unless it is asked to. What underflows is rounded, and what overflows is reported
by name (`arguments.representable`): neither depends on ``np.errstate`` of the caller.
"""

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")

_holding = threading.Lock()


def quiet(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let a function compute in one thread and without warnings.

    BLAS is held to one thread, if it is not held already: who began it ends it. If that is another
    thread, it may end sooner, which costs time and nothing else.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.quiet import quiet
    >>> float(quiet(np.exp)(1000.0))
    inf
    """

    @functools.wraps(function)
    def computed(*args: Given.args, **keywords: Given.kwargs) -> Result:
        with np.errstate(all="ignore"):
            if not _holding.acquire(blocking=False):
                return function(*args, **keywords)
            try:
                held = [(hold, n) for count, hold in _blas() if (n := count()) != 1]
                for hold, _ in held:
                    hold(1)
                try:
                    return function(*args, **keywords)
                finally:
                    for hold, n in held:
                        hold(n)
            finally:
                _holding.release()

    return computed


def _blas() -> list[tuple[Callable[[], int], Callable[[int], None]]]:
    """Return what tells and what sets the threads of each BLAS that is loaded: SciPy has its own."""
    return _found("scipy.linalg" in sys.modules)


@functools.cache  # to find the libraries takes milliseconds
def _found(with_scipy: bool) -> list[tuple[Callable[[], int], Callable[[int], None]]]:
    import threadpoolctl  # type: ignore[import-untyped]

    def setter(library: Any) -> Any:
        # `limit` would take 30 us, and `set_num_threads` obeys only the first thread that calls it.
        return getattr(library, "_real_set_num_threads", library.set_num_threads)

    libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    return [(library.get_num_threads, setter(library)) for library in libraries]
