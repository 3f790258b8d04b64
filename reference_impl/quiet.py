"""How the package computes: in one thread of BLAS, and without floating-point warnings.

Threads that BLAS starts for a small product spin while they wait for a core that something else
has, which on a machine that is not idle costs many times the product. So no function uses more
than one thread unless it is asked to. What underflows is rounded, and what overflows is reported
by name (`arguments.representable`): neither depends on ``np.errstate`` of the caller. Two things
that NumPy does not do by itself, `short_buffer` and `room`, make it twice as fast on rows.
"""

import functools
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Given = ParamSpec("Given")
Result = TypeVar("Result")

BUFFER = 256  # numbers
LINE = 8  # numbers of a cache line

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


@contextmanager
def short_buffer() -> Iterator[None]:
    """Let NumPy broadcast along a row: with its buffer of 8192 numbers it copies shorter rows.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.quiet import short_buffer
    >>> before = np.getbufsize()
    >>> with short_buffer():
    ...     np.getbufsize()
    256
    >>> np.getbufsize() == before
    True
    """
    with np.errstate():  # which also ends what the next line sets
        np.setbufsize(BUFFER)
        yield


def room(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return an array to be filled, from the start of a cache line on: it is written twice as fast.

    Where NumPy begins, each of its vectors would be stored in two lines.

    Examples
    --------
    >>> from reference_impl.quiet import room
    >>> array = room((3, 2))
    >>> array.shape, array.ctypes.data % 64
    ((3, 2), 0)
    """
    numbers = np.empty(math.prod(shape) + LINE)
    start = -numbers.ctypes.data // 8 % LINE
    return numbers[start : start - LINE].reshape(shape)


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
