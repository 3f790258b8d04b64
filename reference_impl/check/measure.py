"""The derivatives of a problem by differences: along a direction, by single entries, at one entry.

A direction through all entries at once shows a fault in any of them, however many there are;
bisection then finds the entry.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.check import differences
from reference_impl.check.differences import EPS, Curve, Slope
from reference_impl.check.problem import Problem, Values

SAFETY = 16.0  # times the estimated error is the tolerance
MOST = 256  # entries of an array that are looked at one by one
WIDEST = 4096  # outputs of which each is followed by itself
GROUPS = 64  # of outputs, where there are more
Part = TypeVar("Part")


class TimeUp(Exception):
    """The budget is used up."""


def until_time_is_up(parts: Iterator[Part]) -> Iterator[Part]:
    """Yield parts while there is time."""
    try:
        yield from parts
    except TimeUp:
        return


@dataclass(frozen=True, eq=False)
class Ground:
    """Where derivatives are measured: a problem at values, until a deadline.

    `unit` is the relative precision with which forward computes, and `noise` how far off that puts
    each output.
    """

    problem: Problem
    values: Values
    deadline: float
    unit: float = EPS
    noise: Array | float = 0.0

    def forward(self, values: Values) -> Array:
        """Return the output as it is returned; the values may be written to."""
        self.look_at_the_clock()
        with np.errstate(all="ignore"):
            return np.asarray(self.problem.forward(values))

    def look_at_the_clock(self) -> None:
        """Raise TimeUp after the deadline."""
        if time.monotonic() > self.deadline:
            raise TimeUp

    @cached_property
    def value(self) -> Array:
        """The output here."""
        return np.array(self.forward(self.copies()), dtype=np.float64)

    def copies(self) -> Values:
        """Return the values, free to be written to."""
        return {name: np.array(x) for name, x in self.values.items()}

    @cached_property
    def terms(self) -> float:
        """The size of the terms that the output may be made of."""
        return max(float(np.abs(x).max(initial=0.0)) for x in self.values.values())

    def curve(self, direction: Values) -> Curve:
        """Return t -> the output at values + t direction."""

        def at(t: float) -> Array:
            moved = {
                name: x + t * direction[name] if name in direction else np.array(x)
                for name, x in self.values.items()
            }
            return np.asarray(self.forward(moved), dtype=np.float64).ravel()

        return at

    def slope(self, direction: Values) -> Slope:
        """Differentiate each output along a direction."""
        return differences.slope(
            self.curve(direction), self.terms, self.unit, floor=np.ravel(self.noise)
        )

    def pulled(self, delta: Array, direction: Values) -> "Pulled":
        """Differentiate sum_u delta_u f_u along a direction."""
        curve, starts = self._weighted(delta, direction)
        size = np.add.reduceat(np.abs(delta.ravel() * self.value.ravel()), starts)
        terms = self.terms * float(np.abs(delta).max(initial=0.0))
        noise = np.add.reduceat(np.abs(delta.ravel()) * np.ravel(self.noise), starts)
        found = differences.slope(curve, terms, self.unit, size, noise)
        return _pulled(found, np.ones(starts.size))

    def roughly(self, delta: Array, direction: Values) -> float:
        """Differentiate as `pulled`, by a few evaluations and without an error."""
        curve, _ = self._weighted(delta, direction)
        return float(differences.roughly(lambda t: curve(t).sum()))

    def _weighted(self, delta: Array, direction: Values) -> tuple[Curve, NDArray[Any]]:
        """Return t -> sums of the changes of delta_u f_u, and where each sum starts."""
        here, weights, curve = self.value.ravel(), delta.ravel(), self.curve(direction)
        count = here.size if here.size <= WIDEST else GROUPS
        starts = np.linspace(0, here.size, count, endpoint=False).astype(int)
        return lambda t: np.add.reduceat(weights * (curve(t) - here), starts), starts

    def entry(self, name: str, at: int) -> Slope:
        """Differentiate each output by one entry, by steps on the scale that shows it best."""
        x = self.values[name]
        best: Slope | None = None
        for scale in _scales(x, float(abs(x.flat[at]))):
            unit = np.zeros(x.size)
            unit[at] = scale
            found = _divided(self.slope({name: unit.reshape(x.shape)}), scale)
            best = _better(best, found) if best else found
            if _is_sharp(best):
                break
        assert best
        return best


@dataclass(frozen=True)
class Pulled:
    """A number, its error, and the bounds that the slopes to both sides give at a kink."""

    want: float
    error: float
    low: float
    high: float
    blur: float  # of these bounds
    kink: bool
    lost: bool


@dataclass(frozen=True, eq=False)
class Columns:
    """The derivatives by single entries of an argument; arrays of its shape, nan elsewhere.

    `jacobian` and `jacobian_error` have the shape output x argument, where that is small.
    """

    want: Array
    error: Array
    low: Array
    high: Array
    blur: Array
    kinks: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    jacobian: Array | None
    jacobian_error: Array | None

    @property
    def count(self) -> int:
        """How many entries were measured."""
        return int(np.isfinite(self.want).sum())


def _pulled(slope: Slope, weights: Array) -> Pulled:
    left, right = weights * slope.left, weights * slope.right
    with np.errstate(all="ignore"):
        error = np.abs(weights) @ (slope.error + EPS * np.abs(slope.value))
        return Pulled(
            float(weights @ slope.value),
            float(error),
            float(np.minimum(left, right).sum()),
            float(np.maximum(left, right).sum()),
            float(np.abs(weights) @ slope.noise) / (differences.EACH * differences.FINE),
            bool(slope.kink.any()),
            bool(slope.lost.any()),
        )


def columns(ground: Ground, name: str, delta: Array, rng: Any, until: float) -> Columns:
    """Differentiate by each entry of an argument; by `MOST` of them at random if it has more.

    It stops at a time, so that other checks have theirs.
    """
    x, outputs = ground.values[name], ground.value.size
    few = x.size <= MOST
    whole = outputs <= WIDEST
    picked = np.arange(x.size) if few else rng.choice(x.size, MOST, replace=False)
    want, error, low, high, blur = np.full((5, x.size), np.nan)
    kinks, lost = np.zeros((2, x.size), dtype=bool)
    J, J_error = np.full((2, outputs, x.size) if few and whole else (2, 0, 0), np.nan)
    try:
        for at in picked.tolist():
            if whole:
                slope = ground.entry(name, at)
                found = _pulled(slope, delta.ravel())
                if few:
                    J[:, at], J_error[:, at] = slope.value, slope.error
            else:
                found = entry_of(ground, name, delta, at)
            want[at], error[at], low[at], high[at] = found.want, found.error, found.low, found.high
            blur[at], kinks[at], lost[at] = found.blur, found.kink, found.lost
            if time.monotonic() > until:
                break
    except TimeUp:
        pass
    shape = ground.value.shape + x.shape
    seen = J.size and np.isfinite(J).any()
    parts = [part.reshape(x.shape) for part in (want, error, low, high, blur, kinks, lost)]
    return Columns(*parts, *([J.reshape(shape), J_error.reshape(shape)] if seen else [None, None]))


def entry_of(ground: Ground, name: str, delta: Array, at: int) -> Pulled:
    """Differentiate sum_u delta_u f_u by one entry."""
    x = ground.values[name]
    found = []
    for scale in _scales(x, float(abs(x.flat[at]))):
        unit = np.zeros(x.size)
        unit[at] = scale
        p = ground.pulled(delta, {name: unit.reshape(x.shape)})
        want, error, low, high, blur = (
            part / scale for part in (p.want, p.error, p.low, p.high, p.blur)
        )
        found.append(Pulled(want, error, low, high, blur, p.kink, p.lost))
        if found[-1].error <= 1e-6 * abs(found[-1].want):
            break
    return min(found, key=lambda p: (np.isnan(p.error), p.error))


def direction(rng: np.random.Generator, x: Array, kind: str) -> Array:
    """Draw a direction through all entries.

    "relative": each in proportion to its size, so that none crosses 0; "typical": all alike, as
    large as a typical entry; "unit": all about 1.
    """
    signs = rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.0, x.shape)
    if kind == "relative" and x.any():
        return np.asarray(signs * np.abs(x))
    return np.asarray(signs * (1.0 if kind == "unit" else _typical(x)))


def kinds(x: Array) -> list[str]:
    """Return the kinds of directions that differ at x."""
    unit = [] if 0.125 < _typical(x) < 8.0 else ["unit"]
    return ["relative", "typical", *unit]


def bisect(ground: Ground, name: str, delta: Array, got: Array, along: Array) -> int:
    """Look for an entry that is wrong, given a direction along which the whole is.

    Of two halves, the one with the larger excess is followed.
    """
    entries = np.arange(along.size)
    excess = _excess(ground, name, delta, got, along, entries)
    while entries.size > 1:
        halves = np.array_split(entries, 2)
        of_first = _excess(ground, name, delta, got, along, halves[0])
        first = abs(of_first) > abs(excess - of_first)
        entries = halves[0] if first else halves[1]
        excess = of_first if first else excess - of_first
    return int(entries[0])


def _excess(
    ground: Ground, name: str, delta: Array, got: Array, along: Array, entries: NDArray[Any]
) -> float:
    part = np.zeros(along.size)
    part[entries] = along.ravel()[entries]
    return float(got.ravel() @ part) - ground.roughly(delta, {name: part.reshape(along.shape)})


def _typical(x: Array) -> float:
    sizes = np.abs(x[x != 0])
    return float(2.0 ** np.round(np.log2(np.median(sizes)))) if sizes.size else 1.0


def _scales(x: Array, own: float) -> list[float]:
    """Return powers of two, for exact steps: a typical size, that of the entry itself, and 1."""
    own = float(2.0 ** np.round(np.log2(own))) if own else 1.0
    return list(dict.fromkeys([max(_typical(x), own), own, 1.0]))


def _is_sharp(slope: Slope) -> bool:
    largest = np.nanmax(np.abs(slope.value), initial=0.0)
    return bool((slope.error <= 1e-6 * largest).all())


def _divided(slope: Slope, scale: float) -> Slope:
    parts = (slope.value, slope.error, slope.left, slope.right, slope.noise)
    value, error, left, right, noise = (part / scale for part in parts)
    return Slope(value, error, left, right, noise, slope.kink, slope.lost)


def _better(a: Slope, b: Slope) -> Slope:
    """For each output, the estimate with the smaller error."""
    first = np.isnan(b.error) | (a.error <= b.error)
    names = ("value", "error", "left", "right", "noise", "kink", "lost")
    return Slope(*(np.where(first, getattr(a, name), getattr(b, name)) for name in names))
