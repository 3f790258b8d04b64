"""The derivatives of a problem by differences: along a direction, by single entries, at one entry.

A direction through all entries at once shows a fault in any of them, however many there are;
bisection then finds the entry.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.check import differences
from reference_impl.check.clock import Clock, TimeUp
from reference_impl.check.differences import EPS, STEPS, Curve, Slope
from reference_impl.check.problem import Problem, Values

SAFETY = 16.0  # times the estimated error is the tolerance
MOST = 128  # entries of an array that are looked at one by one
WIDEST = 4096  # outputs of which each is followed by itself
GROUPS = 64  # of outputs, where there are more


@dataclass(frozen=True, eq=False)
class Ground:
    """Where derivatives are measured: a problem at values, until time is up.

    `unit` is the relative precision with which forward computes, and `noise` how far off rounding
    puts each output. Arguments that are `coarse` forward sees in less than double precision: they
    are short numbers, and so are steps on the scale of each entry, so that sums of both are exact.
    """

    problem: Problem
    values: Values
    clock: Clock
    unit: float = EPS
    noise: Array | float = 0.0
    coarse: frozenset[str] = frozenset()

    def forward(self, values: Values) -> Array:
        """Return the output as it is returned; the values may be written to."""
        self.clock.look()
        with np.errstate(all="ignore"):
            return np.asarray(self.problem.forward(values))

    @cached_property
    def value(self) -> Array:
        """The output here."""
        return np.array(self.forward(copies(self.values)), dtype=np.float64)

    @cached_property
    def rounding(self) -> float:
        """How far off rounding puts the output, relative to its largest number."""
        largest = float(np.abs(self.value).max(initial=0.0))
        return max(self.unit, float(np.max(self.noise)) / largest if largest else 0.0)

    @cached_property
    def terms(self) -> float:
        """The size of the terms that the output may be made of."""
        return max(float(np.abs(x).max(initial=0.0)) for x in self.values.values())

    def directions(self, rng: np.random.Generator) -> Values:
        """Draw a direction through all entries of all arguments."""
        return {
            name: direction(rng, x, "relative" if name in self.coarse else "typical")
            for name, x in self.values.items()
        }

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
        return self._slope(self.curve(direction), None)

    def pulled(self, delta: Array, direction: Values) -> "Pulled":
        """Differentiate sum_u delta_u f_u along a direction."""
        return pulled(self._slope(self.curve(direction), delta))

    def entry(self, name: str, at: int, delta: Array | None = None) -> Slope:
        """Differentiate each output, or sums of delta_u f_u, by one entry.

        The steps are on the scales that an entry may have, until one shows the slope sharply.
        """
        x = self.values[name]
        unit = np.zeros(x.size)
        unit[at] = 1.0
        curve, own = lru_cache(None)(self.curve({name: unit.reshape(x.shape)})), abs(x.flat[at])
        widest = max(_typical(x), float(own))
        first, *others = _ladders(_typical(x), float(own))
        found = self._slope(curve, delta, first, float(own))
        for steps in others:
            largest = np.nanmax(np.abs(found.value), initial=0.0)
            if (found.error <= 1e-6 * largest).all():
                break
            slope = self._slope(curve, delta, steps, float(own))
            found = unless_jumped_over(slope, found) if steps[0] > widest else slope
        return found

    def roughly(self, delta: Array, direction: Values) -> float:
        """Differentiate as `pulled`, by a few evaluations and without an error."""
        here, weights, curve = self.value.ravel(), delta.ravel(), self.curve(direction)
        return float(differences.roughly(lambda t: float(weights @ (curve(t) - here))))

    def _slope(
        self, curve: Curve, delta: Array | None, steps: Array = STEPS, moved: float = 1.0
    ) -> Slope:
        noise, here = np.ravel(self.noise), self.value.ravel()
        how: dict[str, Any] = {"steps": steps, "moved": moved}
        how["coarse"] = bool(self.coarse) or self.unit > EPS
        if delta is None:
            return differences.slope(curve, self.terms, self.unit, 0.0, noise, **how)
        weights, most = delta.ravel(), float(np.abs(delta).max(initial=0.0))
        count = here.size if here.size <= WIDEST else GROUPS
        starts = np.linspace(0, here.size, count, endpoint=False).astype(int)

        def sums(t: float) -> Array:
            return np.asarray(np.add.reduceat(weights * (curve(t) - here), starts))

        size, noise = (
            np.add.reduceat(np.abs(weights) * part, starts) for part in (np.abs(here), noise)
        )
        return differences.slope(sums, most * self.terms, self.unit, size, noise, **how)


@dataclass(frozen=True)
class Pulled:
    """A number and its error, what `far` says, and at a kink the bounds that both sides give."""

    want: float
    error: float
    far: float
    far_error: float
    low: float
    high: float
    side_error: float
    kink: bool
    lost: bool


def pulled(slope: Slope, weights: Array | None = None) -> Pulled:
    """Add up slopes, with weights."""
    w = np.ones(slope.value.shape) if weights is None else weights.ravel()
    none = ~np.isfinite(slope.far_error)
    far = np.where(none, slope.value, slope.far)
    far_error = np.where(none, slope.error, slope.far_error)
    with np.errstate(all="ignore"):
        return Pulled(
            float(w @ slope.value),
            float(np.abs(w) @ (slope.error + EPS * np.abs(slope.value))),
            float(w @ far),
            float(np.abs(w) @ (far_error + EPS * np.abs(far))),
            float(np.minimum(w * slope.left, w * slope.right).sum()),
            float(np.maximum(w * slope.left, w * slope.right).sum()),
            float(np.abs(w) @ slope.side_error),
            bool(slope.kink.any()),
            bool(slope.lost.any()),
        )


@dataclass(frozen=True, eq=False)
class Columns:
    """The derivatives by single entries of an argument; arrays of its shape, nan elsewhere.

    `jacobian` and `jacobian_error` have the shape output x argument, where that is small.
    """

    want: Array
    error: Array
    far: Array
    far_error: Array
    low: Array
    high: Array
    side_error: Array
    kinks: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    jacobian: Array | None
    jacobian_error: Array | None

    @property
    def count(self) -> int:
        """How many entries were looked at."""
        return int((np.isfinite(self.want) | self.kinks | self.lost).sum())


def columns(ground: Ground, name: str, delta: Array, rng: Any, share: Clock) -> Columns:
    """Differentiate by each entry of an argument; by `MOST` of them at random if it has more.

    It stops when its share of the time is used up, so that other checks have theirs.
    """
    x, outputs = ground.values[name], ground.value.size
    few, whole = x.size <= MOST, outputs <= WIDEST
    picked = np.arange(x.size) if few else rng.choice(x.size, MOST, replace=False)
    numbers = np.full((len(fields(Pulled)), x.size), np.nan)
    J, J_error = np.full((2, outputs, x.size) if few and whole else (2, 0, 0), np.nan)
    try:
        for at in picked.tolist():
            slope = ground.entry(name, at, None if whole else delta)
            found = pulled(slope, delta if whole else None)
            if J.size:
                J[:, at], J_error[:, at] = slope.value, slope.error
            numbers[:, at] = astuple(found)
            share.look()
    except TimeUp:
        pass
    shape = ground.value.shape + x.shape
    seen = J.size and np.isfinite(J).any()
    want, error, far, far_error, low, high, side_error, kinks, lost = numbers.reshape(-1, *x.shape)
    whole_J, its_error = (J.reshape(shape), J_error.reshape(shape)) if seen else (None, None)
    bounds = low, high, side_error, kinks == 1.0, lost == 1.0
    return Columns(want, error, far, far_error, *bounds, whole_J, its_error)


def copies(values: Values) -> Values:
    """Return values that may be written to."""
    return {name: np.array(x) for name, x in values.items()}


def direction(rng: np.random.Generator, x: Array, kind: str) -> Array:
    """Draw a direction through all entries, of powers of two.

    "relative": each in proportion to its size, so that none crosses 0; "typical": all alike, as
    large as a typical entry; "unit": all about 1.
    """
    signs = rng.choice([-1.0, 1.0], x.shape) * rng.choice([0.5, 1.0], x.shape)
    if kind == "relative" and x.any():
        exponents = np.frexp(x)[1]  # |x| < 2**exponent <= 2 |x|
        return np.where(x == 0.0, 0.0, np.ldexp(signs, exponents))
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


def unless_jumped_over(wide: Slope, found: Slope) -> Slope:
    """Return what wide steps found where they agree on a slope, or all is flat; else the former.

    Steps wider than any entry may jump over a kink, or a function that has settled there.
    """
    size = np.abs(wide.value)
    agreed = (wide.error <= 2.0**-7 * size) & (np.abs(wide.left - wide.right) <= size / 2.0)
    agreed |= wide.flat
    pairs = zip(astuple(wide), astuple(found), strict=True)
    return Slope(*(np.where(agreed, *pair) for pair in pairs))


def _ladders(typical: float, own: float) -> Iterator[Array]:
    """Yield steps: on the scale of typical entries, besides on that of the entry, and of 1."""
    steps = np.zeros(0)
    for scale in dict.fromkeys((max(typical, own), own or typical, 1.0)):
        scale = 2.0 ** max(round(np.log2(scale)), -1000.0)
        steps = np.union1d(steps, scale * STEPS)[::-1]
        yield steps
