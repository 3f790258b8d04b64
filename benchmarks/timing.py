"""Time and memory of functions that take turns.

On a busy machine all of them are slow at the same time, so only ratios of medians count.
"""

import ctypes
import statistics
import time
from pathlib import Path


def seconds(function, calls=1):
    """Return the time of one call, from a number of calls in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def medians(functions, *, budget, most=25):
    """Return the median time of each function, called in turn.

    Each turn calls every function once (fast ones several times in a row, for 1 ms at least), in
    the opposite order of the turn before. A slow function drops out when it has used its
    `budget` of seconds; it takes part in one turn at least.
    """
    calls, turns = {}, {}
    for name, function in functions.items():
        once = seconds(function)  # not counted
        calls[name] = max(1, round(1e-3 / once))
        turns[name] = max(1, min(most, int(budget / max(once, 1e-3))))
    times = {name: [] for name in functions}
    names = list(functions)
    for turn in range(most):
        names.reverse()
        for name in names:
            if turn < turns[name]:
                times[name].append(seconds(functions[name], calls[name]))
    return {name: statistics.median(found) for name, found in times.items()}


def extra_memory(function):
    """Return the peak of memory beyond what the process held before the call, in bytes.

    None where the kernel does not tell.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is reset to what is held now
        held = _status("VmRSS")
        function()
        return max(0, _status("VmHWM") - held)
    except (OSError, AttributeError, ValueError):
        return None


def _status(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no {field}")
