"""Evaluation at 50 digits: plain loops, and derivatives by numerical differentiation.

No symbolic calculus happens here. A sum is a loop, a derivative is a central difference in
high-precision arithmetic, a limit is a value far out. Agreement is evidence, never proof.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import mpmath
from mpmath import mp, mpf

from derivations.language import terms
from derivations.language.terms import Array, Dimension, Entry, Index, Term, walk

STEP_DIGITS = 30  # the step of a difference is 1e-30, its error about 1e-60 of a third derivative
FAR = 10**3  # exp(-1000 d) < 1e-50 for every rate d >= 0.12: a limit's value at 50 digits

FUNCTIONS: Mapping[terms.Function, Callable[..., mpf]] = {
    terms.exp: mpmath.exp,
    terms.log: mpmath.log,
    terms.absolute: abs,
    terms.minimum: min,
    terms.maximum: max,
    terms.sine: mpmath.sin,
    terms.cosine: mpmath.cos,
    terms.pi: lambda: +mp.pi,
    terms.erf: mpmath.erf,
    terms.density: mpmath.npdf,
    terms.cumulative: mpmath.ncdf,
}


@dataclass(frozen=True)
class Point:
    """Numbers for everything that a term leaves open: sizes, entries, free indices.

    Values of named quantities at these entries are ``kept``.
    """

    sizes: Mapping[str, int]
    entries: Mapping[tuple[str, tuple[int, ...]], mpf]
    at: Mapping[Index, int] = field(default_factory=dict)
    kept: dict[object, mpf] = field(default_factory=dict, compare=False, repr=False)

    def bind(self, index: Index, number: int) -> Point:
        """Return the point with one index given a value."""
        return Point(self.sizes, self.entries, {**self.at, index: number}, self.kept)

    def shift(self, entry: tuple[str, tuple[int, ...]], by: mpf) -> Point:
        """Return the point with one entry changed."""
        return Point(self.sizes, {**self.entries, entry: self.entries[entry] + by}, self.at)

    def key(self, entry: Entry) -> tuple[str, tuple[int, ...]]:
        """Return the name and place of an entry."""
        return entry.array.name, tuple(self.at[i] for i in entry.indices)


def any_function(order: int, x: mpf) -> mpf:
    """A smooth function in the place of one that may be any: exp(x/3) + sin x, differentiated."""
    return mpmath.exp(x / 3) / mpf(3) ** order + mpmath.sin(x + order * mp.pi / 2)


def value(node: Term, point: Point) -> mpf:
    """Return the value of a term at a point, at the working precision."""
    match node:
        case terms.Number(number):
            return mpf(number.numerator) / number.denominator
        case terms.Size(dimension):
            return mpf(point.sizes[dimension.name])
        case Entry():
            return point.entries[point.key(node)]
        case terms.Add(summands):
            return sum((value(s, point) for s in summands), mpf(0))
        case terms.Mul(factors):
            return mpmath.fprod(value(f, point) for f in factors)
        case terms.Neg(inner):
            return -value(inner, point)
        case terms.Div(numerator, denominator):
            return value(numerator, point) / value(denominator, point)
        case terms.Pow(base, exponent):
            return value(base, point) ** value(exponent, point)
        case terms.Apply(function, arguments) if function in FUNCTIONS:
            return FUNCTIONS[function](*(value(a, point) for a in arguments))
        case terms.Apply(function, (argument,)):
            return any_function(function.order, value(argument, point))
        case terms.Delta(left, right):
            return mpf(point.at[left] == point.at[right])
        case terms.Sum(index, body):
            counts = range(point.sizes[index.dimension.name])
            return sum((value(body, point.bind(index, c)) for c in counts), mpf(0))
        case terms.Product(index, body):
            counts = range(point.sizes[index.dimension.name])
            return mpmath.fprod(value(body, point.bind(index, c)) for c in counts)
        case terms.Use(_, arguments):
            # A quantity is named because it is used often: at these entries its value is kept.
            if terms.children(node):
                return value(terms.instantiate(node), point)
            at = tuple(point.at[a] for a in arguments if isinstance(a, Index))
            place = (node.definition, at, mp.prec)
            if place not in point.kept:
                point.kept[place] = value(terms.instantiate(node), point)
            return point.kept[place]
        case terms.Written() | terms.Expectation():
            return value(node.meaning, point)
        case terms.D(body, variable):
            entry, step = point.key(variable), mpf(10) ** -STEP_DIGITS
            ahead, behind = point.shift(entry, step), point.shift(entry, -step)
            return (value(body, ahead) - value(body, behind)) / (2 * step)
        case terms.Limit(body, variable, infinity):
            entry = point.key(variable)
            far = Point(point.sizes, {**point.entries, entry: mpf(infinity * FAR)}, point.at)
            return value(body, far)
    raise TypeError(f"no value for {type(node).__name__}")


def working_digits(node: Term, digits: int) -> int:
    """Return the digits to work with so that ``digits`` remain after every difference."""
    order = 0
    pending = [(node, 0)]
    while pending:
        part, depth = pending.pop()
        depth += isinstance(part, terms.D)
        order = max(order, depth)
        below = (terms.instantiate(part),) if isinstance(part, terms.Use) else terms.children(part)
        pending += [(child, depth) for child in below]
    # A limit's exponentials cancel against 1 far out: they need their own digits.
    far = 900 if any(isinstance(part, terms.Limit) for part in walk(terms.unfold(node))) else 0
    return digits + 20 + (STEP_DIGITS + 10) * order + far


def table(
    result: Term | object,
    arrays: Mapping[str, object],
    digits: int = 50,
    at: Sequence[Index] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> object:
    """Evaluate a derived result on given arrays, to ``digits`` digits.

    Parameters
    ----------
    result
        A statement's ``result`` or any term.
    arrays
        Numbers, or nested sequences of numbers taken as exact, by name.
    digits
        Digits that the values are good to.
    at
        The free indices, in the order in which the values nest; a result knows its own.
    sizes
        The sizes, by name, of the dimensions that no array has: a result 0 at every ``k``
        says nothing of how many there are.

    Returns
    -------
    mpf or nested list of mpf
        One value for each place of the free indices.

    Raises
    ------
    ValueError
        For a free index, an array or a size that is missing, or for sizes that disagree.
    """
    node = result if isinstance(result, Term) else result.term  # type: ignore[attr-defined]
    if at is None:
        at = () if isinstance(result, Term) else result.at  # type: ignore[attr-defined]
    if missing := terms.free_indices(node) - set(at):
        raise ValueError(f"at: expected every free index, missing {terms.names(missing)}")
    parts = list(walk(terms.unfold(node)))
    with mp.workdps(working_digits(node, digits)):
        needed = {e.array.name: e.array for e in parts if isinstance(e, Entry)}
        needed |= {d.variable.array.name: d.variable.array for d in parts if isinstance(d, terms.D)}
        if absent := sorted(set(needed) - set(arrays)):
            raise ValueError(f"arrays: expected {', '.join(sorted(needed))}, missing {absent}")
        found = dict(sizes or {})
        entries: dict[tuple[str, tuple[int, ...]], mpf] = {}
        for name, numbers in sorted(arrays.items()):
            if name in needed:
                read(needed[name], numbers, found, entries)
        mentioned = {index.dimension.name for index in (*at, *terms.all_indices(parts[0]))}
        mentioned |= {part.dimension.name for part in parts if isinstance(part, terms.Size)}
        if unknown := sorted(mentioned - set(found)):
            raise ValueError(f"sizes: expected {', '.join(unknown)}, which no array has")
        point = Point(found, entries)

        def nest(point: Point, rest: Sequence[Index]) -> object:
            if not rest:
                return value(node, point)
            counts = range(found[rest[0].dimension.name])
            return [nest(point.bind(rest[0], c), rest[1:]) for c in counts]

        return nest(point, at)


def read(
    array: Array,
    numbers: object,
    sizes: dict[str, int],
    entries: dict[tuple[str, tuple[int, ...]], mpf],
) -> None:
    """Take an array's numbers, and its sizes where they are not known yet."""

    def fill(part: object, dimensions: tuple[Dimension, ...], place: tuple[int, ...]) -> None:
        if not dimensions:
            entries[array.name, place] = mpf(part.item() if hasattr(part, "item") else part)
            return
        parts = list(part)  # type: ignore[call-overload]
        if sizes.setdefault(dimensions[0].name, len(parts)) != len(parts):
            expected = sizes[dimensions[0].name]
            raise ValueError(
                f"{array.name}: expected {dimensions[0].name} = {expected}, got {len(parts)}"
            )
        for number, inner in enumerate(parts):
            fill(inner, dimensions[1:], (*place, number))

    fill(numbers, array.dimensions, ())


# -- random points ----------------------------------------------------------------------------------


def random_point(node: Term, sizes: Mapping[str, int], source: random.Random) -> Point:
    """Return a point with random entries in the domain of each array; signs are random."""
    entries: dict[tuple[str, tuple[int, ...]], mpf] = {}
    arrays = set()
    for part in walk(terms.unfold(node)):
        if isinstance(part, (Entry, terms.D, terms.Limit)):
            arrays.add(part.array if isinstance(part, Entry) else part.variable.array)
    for array in sorted(arrays, key=lambda a: a.name):
        for place in itertools.product(*(range(sizes[d.name]) for d in array.dimensions)):
            entries[array.name, place] = random_number(array.domain, source)
    return Point(dict(sizes), entries)


def random_number(domain: str, source: random.Random) -> mpf:
    """Return a number of a domain with some 60 random digits."""
    fraction = mpf(source.randrange(10**59, 10**60)) / mpf(10) ** 60
    match domain:
        case "label":
            return mpf(source.randrange(2))
        case "unit":
            return fraction
        case "positive" | "nonnegative":
            return 2 * fraction
    return source.choice((-1, 1)) * 2 * fraction


def placements(free: Sequence[Index], sizes: Mapping[str, int]) -> Iterator[dict[Index, int]]:
    """Yield places for the free indices, in each dimension every way of being alike or apart.

    The dimensions are combined: where ``a = b`` only with ``k = l``, a factor ``delta_ab`` would
    hide that ``k`` stands for ``l``.
    """
    groups: dict[Dimension, list[Index]] = {}
    for index in free:
        groups.setdefault(index.dimension, []).append(index)
    ways = [alike_or_apart(len(group), sizes[d.name]) for d, group in groups.items()]
    for numbers in itertools.product(*ways):
        yield {
            index: number
            for group, places in zip(groups.values(), numbers, strict=True)
            for index, number in zip(group, places, strict=True)
        }


def alike_or_apart(count: int, size: int) -> list[tuple[int, ...]]:
    """Return places for some indices of one dimension: each pattern of equal ones, if few."""
    if count > 3:
        return list(dict.fromkeys(((0,) * count, tuple(c % size for c in range(count)))))
    patterns: list[tuple[int, ...]] = [()]
    for _ in range(count):
        patterns = [
            (*pattern, place)
            for pattern in patterns
            for place in range(min(size, 1 + max(pattern, default=-1) + 1))
        ]
    return patterns


def distance(difference: Term, scale: Sequence[Term], point: Point, digits: int = 50) -> mpf:
    """Return how far a term is from zero at a point, relative to the terms that it compares."""
    digits_needed = working_digits(difference, digits)
    with mp.workdps(digits_needed):
        size = max([mpf(1), *(abs(value(part, point)) for part in scale)])
        return abs(value(difference, point)) / size
