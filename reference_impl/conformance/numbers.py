"""Nested lists of numbers, exact: decimal strings as they stand, JSON numbers as float64."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Entry = Fraction | float  # a float is inf, -inf or nan
LONGEST = 2000  # characters of a decimal string: the exact value of a float64 has fewer
SMALLEST = 3000  # the exact value of e^-1e308 would fill the memory
DEEPEST = 8  # levels of lists


@dataclass(frozen=True)
class Numbers:
    """The entries of nested lists in their order, with the shape of the whole; () is a number."""

    shape: tuple[int, ...]
    entries: tuple[Entry, ...]

    def place(self, number: int) -> str:
        """Return where an entry stands: ``[1][0]``, or nothing if there is one number alone."""
        index = []
        for length in reversed(self.shape):
            number, rest = divmod(number, length)
            index.append(f"[{rest}]")
        return "".join(reversed(index))


def read(value: Any) -> Numbers:
    """Read nested lists of JSON numbers and decimal strings; null is nan.

    Raises
    ------
    ValueError
        For what is not a number, and for rows of unequal lengths.
    """
    shape = tuple(_shape(value))
    if len(shape) > DEEPEST:
        raise ValueError(f"expected lists of at most {DEEPEST} levels, given {len(shape)}")
    return Numbers(shape, tuple(_entries(value, shape)))


def _shape(value: Any) -> Iterator[int]:
    while isinstance(value, list):
        yield len(value)
        value = value[0] if value else None
        if value is None:
            return


def _entries(value: Any, shape: tuple[int, ...]) -> Iterator[Entry]:
    if not shape:
        yield _entry(value)
    elif not isinstance(value, list):
        raise ValueError(f"expected a list of {shape[0]}, given {shown(value)}")
    elif len(value) != shape[0]:
        raise ValueError(f"expected rows of one length, given {shape[0]} and {len(value)}")
    else:
        for part in value:
            yield from _entries(part, shape[1:])


def _entry(value: Any) -> Entry:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number, given {shown(value)}")
    try:
        number = float(value)
        if isinstance(value, str) and (len(value) > LONGEST or "/" in value or "_" in value):
            raise ValueError
        # A decimal string may lie beyond the floats: then it is the nearest infinity.
        if not math.isfinite(number):
            return number
        return _decimal(value) if isinstance(value, str) else Fraction(value)
    except (ValueError, OverflowError):
        raise ValueError(f"expected a number, given {shown(value)}") from None


def _decimal(text: str) -> Fraction:
    """Read a decimal; one below 10^-SMALLEST, which is far below any ulp, counts as so small."""
    digits, _, exponent = text.lower().partition("e")
    return Fraction(digits) * Fraction(10) ** max(int(exponent or 0), -SMALLEST)


def shown(value: Any) -> str:
    """Return a value as text of bounded length."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def ulp(exact: Fraction) -> Fraction:
    """Return the distance of float64 numbers at a number; below 2^-1022 and at 0 it is 2^-1074."""
    size = abs(exact) or Fraction(2) ** -1074
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > size
    return Fraction(2) ** (max(exponent, -1022) - 52)


def error(found: Entry, exact: Entry) -> float:
    """Return the error of a number in ulp of the exact one; of what is not finite, 0 or inf."""
    if isinstance(found, float) or isinstance(exact, float):
        return 0.0 if found == exact else math.inf
    try:
        return float(abs(found - exact) / ulp(exact))
    except OverflowError:
        return math.inf
