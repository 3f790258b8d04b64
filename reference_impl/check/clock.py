"""A budget of processor time: how busy the machine is changes no answer."""

import time
from collections.abc import Iterator
from typing import TypeVar

SELDOM = 0.01  # seconds: to ask for the processor time may take longer than a small function
Part = TypeVar("Part")


class TimeUp(Exception):
    """The budget is used up."""


class Clock:
    """Seconds of processor time that may be used from now on."""

    def __init__(self, budget: float) -> None:
        self._end = time.process_time() + budget
        self._asked = float("-inf")

    def is_up(self) -> bool:
        """Return whether all of it is used."""
        return time.process_time() > self._end

    def look(self) -> None:
        """Raise TimeUp if all of it is used."""
        now = time.monotonic()
        if now - self._asked > SELDOM:
            self._asked = now
            if self.is_up():
                raise TimeUp


def until_time_is_up(parts: Iterator[Part]) -> Iterator[Part]:
    """Yield parts while there is time."""
    try:
        yield from parts
    except TimeUp:
        return
