"""The oracle of these tests: a term's value by loops, its derivatives by nilpotent numbers.

It shares the classes of terms with the calculus, and no code: sums are loops, and a derivative is
the coefficient of an infinitesimal whose square is zero, carried through the arithmetic.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import mpmath
from mpmath import mp, mpf

from derivations.language import matrices, terms as t

DIGITS = 80
SAME = mpf(10) ** -40
OTHER = 3  # the size of any other dimension
MOST = 8  # places at which a term is evaluated for one choice of sizes

Place = tuple[str, int, tuple[int, ...]]  # an array's name, how many indices it has, and where


PHASES = {"psi": 1, "chi": 2, "cosh": 3}  # functions that may be any, each its own


class Undefined(Exception):
    """A term without a value: a division by zero, or a logarithm."""


class NotPositive(Undefined):
    """The logarithm of something that is not positive."""


class TooLarge(Exception):
    """A number that no other can be added to at this precision: nothing is said of it."""


class Jet:
    """A number with infinitesimal parts: a coefficient for each set of infinitesimals."""

    def __init__(self, parts: dict[frozenset[int], mpf]):
        self.parts = parts

    @property
    def plain(self) -> mpf:
        return self.parts.get(frozenset(), mpf(0))

    def __add__(self, other: Jet) -> Jet:
        return Jet(
            {k: self.parts.get(k, 0) + other.parts.get(k, 0) for k in self.parts | other.parts}
        )

    def __mul__(self, other: Jet) -> Jet:
        parts: dict[frozenset[int], mpf] = {}
        for (a, x), (b, y) in itertools.product(self.parts.items(), other.parts.items()):
            if not a & b:
                parts[a | b] = parts.get(a | b, mpf(0)) + x * y
        return Jet(parts)

    def apply(self, derivative: Callable[[int, mpf], mpf]) -> Jet:
        """The Taylor series of a function, which ends: ``derivative(order, x)``."""
        rest = Jet({k: x for k, x in self.parts.items() if k})
        result, power, factorial = number(derivative(0, self.plain)), number(1), mpf(1)
        for order in range(1, 1 + len(frozenset().union(*self.parts))):
            power, factorial = power * rest, factorial * order
            result = result + number(derivative(order, self.plain) / factorial) * power
        return result


def number(value: mpf | int) -> Jet:
    return Jet({frozenset(): mpf(value)})


def exponential(order: int, x: mpf) -> mpf:
    if abs(x) > 50:
        raise TooLarge
    return mpmath.exp(x)


def logarithm(order: int, x: mpf) -> mpf:
    if x <= 0:
        raise NotPositive
    return (
        mpmath.log(x)
        if order == 0
        else (-1) ** (order - 1) * mpmath.factorial(order - 1) / x**order
    )


def reciprocal(order: int, x: mpf) -> mpf:
    if x == 0:
        raise Undefined
    return (-1) ** order * mpmath.factorial(order) / x ** (order + 1)


def some_function(order: int, x: mpf, phase: int = 0) -> mpf:
    """A function of which the calculus knows nothing: x cos(x / 2), or with a phase of its own."""
    if abs(x) > mpf(10) ** 20:
        raise TooLarge

    def cosine(order: int) -> mpf:
        return mpmath.cos(x / 2 + phase + order * mp.pi / 2) / mpf(2) ** order

    return x * cosine(order) + (order * cosine(order - 1) if order else 0)


def density(order: int, x: mpf) -> mpf:
    """That of the standard normal distribution: its derivatives are Hermite's, times itself."""
    hermite = mpmath.hermite(order, x / mp.sqrt(2)) / mp.sqrt(2) ** order
    return (-1) ** order * hermite * mpmath.npdf(x)


def cumulative(order: int, x: mpf) -> mpf:
    return density(order - 1, x) if order else mpmath.ncdf(x)


class Point:
    """Sizes, and the entries of arrays, which are drawn when they are asked for first.

    Within a named quantity its parameters are ``own``: nothing that it names sees them.
    """

    def __init__(self, sizes: dict[str, int], seed: object, drawn: Draw | None = None):
        self.sizes, self.seed, self.entries, self.own = sizes, seed, {}, {}
        self.drawn = drawn or draw
        self.far = False  # a variable tends to infinity: exponentials may be large

    def entry(self, array: t.Array, place: tuple[int, ...]) -> Jet:
        key = (array.name, len(array.dimensions), place)
        if key in self.own:
            return self.own[key]
        if key not in self.entries:
            source = random.Random(f"{self.seed} {key}")
            self.entries[key] = number(self.drawn(array.domain, source))
        return self.entries[key]

    def within(self, own: dict[Place, Jet]) -> Point:
        """The same numbers, where parameters have values of their own."""
        inner = Point(self.sizes, self.seed, self.drawn)
        inner.entries, inner.own, inner.far = self.entries, own, self.far
        return inner

    def moved(self, new: dict[Place, Jet]) -> Point:
        """The point where some entries are others: a parameter's, or those of all."""
        inner = self.within({**self.own, **{k: x for k, x in new.items() if k in self.own}})
        inner.entries = {**self.entries, **{k: x for k, x in new.items() if k not in self.own}}
        return inner


Draw = Callable[[str, random.Random], mpf]


def draw(domain: str, source: random.Random) -> mpf:
    share = mpf(source.randrange(1, 10**12)) / 10**12
    match domain:
        case "label":
            return mpf(source.randrange(2))
        case "unit":
            return share
        case "positive" | "nonnegative":
            return 2 * share
    return 4 * share - 2


def evaluate(node: t.Term, point: Point, at: dict[t.Index, int]) -> Jet:
    """The value of a term, where ``at`` says where its free indices stand."""

    def of(node: t.Term) -> Jet:
        return evaluate(node, point, at)

    match node:
        case t.Number(value):
            return number(mpf(value.numerator) / value.denominator)
        case t.Size(dimension):
            return number(point.sizes.get(dimension.name, OTHER))
        case t.Entry(array, indices):
            return point.entry(array, tuple(at[i] for i in indices))
        case t.Add(parts):
            result = number(0)
            for part in parts:
                result = result + of(part)
            return result
        case t.Mul(parts):
            result = number(1)
            for part in parts:
                result = result * of(part)
            return result
        case t.Neg(inner):
            return number(-1) * of(inner)
        case t.Div(above, below):
            return of(above) * of(below).apply(reciprocal)
        case t.Pow(base, exponent):
            return power(of(base), of(exponent))
        case t.Apply(t.exp, (argument,)):
            return of(argument).apply(large_exponential if point.far else exponential)
        case t.Apply(t.log, (argument,)):
            return of(argument).apply(logarithm)
        case t.Apply(t.absolute, (argument,)):
            value = off_the_kink(of(argument))
            return value if value.plain >= 0 else number(-1) * value
        case t.Apply(t.minimum | t.maximum as kind, (left, right)):
            first, second = of(left), of(right)
            off_the_kink(first + number(-1) * second)
            return first if (first.plain <= second.plain) == (kind is t.minimum) else second
        case t.Apply(t.pi, ()):
            return number(mp.pi)
        case t.Apply(t.density, (argument,)):
            return of(argument).apply(density)
        case t.Apply(t.cumulative, (argument,)):
            return of(argument).apply(cumulative)
        case t.Apply(function, (argument,)):
            phase = PHASES.get((function.of or function).name, 0)
            return of(argument).apply(
                lambda more, x: some_function(function.order + more, x, phase)
            )
        case t.Delta(left, right):
            return number(at[left] == at[right])
        case t.Sum(index, body):
            result = number(0)
            for place in range(point.sizes.get(index.dimension.name, OTHER)):
                result = result + evaluate(body, point, {**at, index: place})
            return result
        case t.Product(index, body):
            result = number(1)
            for place in range(point.sizes.get(index.dimension.name, OTHER)):
                result = result * evaluate(body, point, {**at, index: place})
            return result
        case t.Use(definition, arguments):
            return call(definition, arguments, point, at)
        case matrices.Scalar(matrix):
            ((only,),) = rows(matrix, point, at)
            return only
        case t.Expectation():
            return expected(node, point, at)
        case t.Limit(body, variable, infinity):
            return limit(body, variable, infinity, point, at)
        case t.D(body, variable):
            return slope(body, variable, point, at)
    raise TypeError(f"no value for {type(node).__name__}")


def power(base: Jet, exponent: Jet) -> Jet:
    """A whole power by multiplication, with 0 to the 0 equal to 1; any other by the logarithm."""
    whole = exponent.plain
    if len(exponent.parts) == 1 and whole == int(whole):
        result = number(1)
        for _ in range(abs(int(whole))):
            result = result * base
        return result if whole >= 0 else result.apply(reciprocal)
    if len(base.parts) == len(exponent.parts) == 1 and base.plain == 0 < whole:
        return number(0)
    return (exponent * base.apply(logarithm)).apply(exponential)


def call(definition: t.Definition, arguments, point: Point, at) -> Jet:
    """A named quantity: its body where the parameters have the values of the arguments."""
    own: dict[Place, Jet] = {}
    places: dict[t.Index, int] = {}
    for parameter, argument in zip(definition.parameters, arguments, strict=True):
        if isinstance(parameter, t.Index):
            places[parameter] = at[argument]
        elif isinstance(parameter, t.Array):
            for place in spots(argument.indices, point.sizes):
                inner = {**at, **dict(zip(argument.indices, place, strict=True))}
                own[parameter.name, len(place), place] = evaluate(argument.body, point, inner)
        else:
            own[parameter.array.name, 0, ()] = evaluate(argument, point, at)
    return evaluate(definition.body, point.within(own), places)


def slope(body: t.Term, variable: t.Entry, point: Point, at) -> Jet:
    """The derivative by one entry."""
    return derivative(body, [(variable.array, tuple(at[i] for i in variable.indices))], point, at)


def off_the_kink(gap: Jet) -> Jet:
    """What an absolute value is of; at zero it has no derivative."""
    if gap.plain == 0 and any(gap.parts[k] for k in gap.parts if k):
        raise Undefined
    return gap


def large_exponential(order: int, x: mpf) -> mpf:
    return mpmath.exp(x)


def limit(body: t.Term, variable: t.Entry, infinity: int, point: Point, at) -> Jet:
    """A value far out, where it is the same twice as far."""
    found = []
    for far in (10**5, 2 * 10**5):
        moved = point.moved({(variable.array.name, 0, ()): number(infinity * far)})
        moved.far = True
        found.append(evaluate(body, moved, at))
    if not same(found[0].plain, found[1].plain):
        raise TooLarge
    return found[1]


def expected(node: t.Expectation, point: Point, at) -> Jet:
    """The sum over the outcomes, each put in the place of the label."""
    first = tuple(at[i] for i in node.at)
    result = number(0)
    if isinstance(node.outcomes, t.Each):
        (index,) = node.outcomes.indices
        size = point.sizes.get(index.dimension.name, OTHER)
        for outcome in range(size):
            label = {
                (node.array.name, len(first) + 1, (*first, k)): number(k == outcome)
                for k in range(size)
            }
            chance = evaluate(node.outcomes.body, point, {**at, index: outcome})
            result = result + chance * evaluate(node.body, point.moved(label), at)
        return result
    for outcome, chance in node.outcomes:
        label = {
            (node.array.name, len(first), first): number(
                mpf(outcome.numerator) / outcome.denominator
            )
        }
        result = result + evaluate(chance, point, at) * evaluate(node.body, point.moved(label), at)
    return result


def spots(indices: tuple[t.Index, ...], sizes: dict[str, int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(sizes.get(i.dimension.name, OTHER)) for i in indices))


# -- matrices --------------------------------------------------------------------------------------

Rows = list[list[Jet]]


def rows(matrix: matrices.Matrix, point: Point, at) -> Rows:
    """A matrix as rows of numbers."""

    def of(inner: matrices.Matrix) -> Rows:
        return rows(inner, point, at)

    def entrywise(parts, join) -> Rows:
        first, *rest = map(of, parts)
        for part in rest:
            first = [
                [join(x, y) for x, y in zip(*pair, strict=True)]
                for pair in zip(first, part, strict=True)
            ]
        return first

    match matrix:
        case matrices.Whole(table, first):
            return filled(table, first, point, at)
        case matrices.Dot(factors):
            left, *rest = map(of, factors)
            for right in rest:
                left = [[summed(x * y for x, y in zip(row, column, strict=True))
                         for column in zip(*right, strict=True)] for row in left]  # fmt: skip
            return left
        case matrices.Plus(parts):
            return entrywise(parts, Jet.__add__)
        case matrices.Hadamard(parts):
            return entrywise(parts, Jet.__mul__)
        case matrices.Minus(inner):
            return [[number(-1) * x for x in row] for row in of(inner)]
        case matrices.Scaled(factor, inner):
            scale = evaluate(factor, point, at)
            return [[scale * x for x in row] for row in of(inner)]
        case matrices.Transpose(inner):
            return [list(column) for column in zip(*of(inner), strict=True)]
        case matrices.Diagonal(vector):
            column = [x for (x,) in of(vector)]
            return [
                [x if i == j else number(0) for j in range(len(column))]
                for i, x in enumerate(column)
            ]
        case matrices.Ones(dimension):
            return [[number(1)]] * point.sizes.get(dimension.name, OTHER)
        case matrices.Each(function, inner):
            (parameter,) = function.parameters
            return [
                [
                    evaluate(function.body, point.within({(parameter.array.name, 0, ()): x}), {})
                    for x in row
                ]
                for row in of(inner)
            ]
        case matrices.Kronecker(left, right):
            return [[x * y for x in row for y in other] for row in of(left) for other in of(right)]
        case matrices.Total(index, inner):
            parts = [
                rows(inner, point, {**at, index: place})
                for (place,) in spots((index,), point.sizes)
            ]
            first, *rest = parts
            for part in rest:
                first = [
                    [x + y for x, y in zip(*pair, strict=True)]
                    for pair in zip(first, part, strict=True)
                ]
            return first
        case matrices.Gradient(node, by):
            return [
                [derivative(node, [(by, place)], point, at) for place in row]
                for row in table_of(by, point)
            ]
        case matrices.Hessian(node, by):
            every = [place for row in table_of(by, point) for place in row]
            return [[derivative(node, [(by, p), (by, q)], point, at) for q in every] for p in every]
    raise TypeError(f"no rows for {type(matrix).__name__}")


def filled(table, first: tuple[t.Index, ...], point: Point, at) -> Rows:
    """An array, or a named quantity, as rows; a vector is a column."""
    rest = [t.Index(f"row {n}", d) for n, d in enumerate(table.dimensions[len(first) :])]
    node = (
        t.Entry(table, (*first, *rest))
        if isinstance(table, t.Array)
        else t.Use(table, (*first, *rest))
    )
    found = [evaluate(node, point, {**at, **dict(zip(rest, place, strict=True))})
             for place in spots(tuple(rest), point.sizes)]  # fmt: skip
    width = point.sizes.get(rest[1].dimension.name, OTHER) if len(rest) == 2 else 1
    return [found[n : n + width] for n in range(0, len(found), width)]


def table_of(array: t.Array, point: Point) -> list[list[tuple[int, ...]]]:
    """The places of an array, row by row."""
    sizes = [range(point.sizes.get(d.name, OTHER)) for d in array.dimensions]
    return [[(*head, last) for last in sizes[-1]] if len(sizes) == 2 else [(head[0],)]
            for head in itertools.product(*(sizes[:1]))]  # fmt: skip


def derivative(node: t.Term, by: list[tuple[t.Array, tuple[int, ...]]], point: Point, at) -> Jet:
    """The coefficients of new infinitesimals, each added to an entry at a place."""
    if not by:
        return evaluate(node, point, at)
    (array, place), *rest = by
    known = (*point.entries.values(), *point.own.values())
    tag = 1 + max((max(k) for x in known for k in x.parts if k), default=0)
    new = point.entry(array, place) + Jet({frozenset((tag,)): mpf(1)})
    parts = derivative(node, rest, point.moved({(array.name, len(place), place): new}), at).parts
    return Jet({k - {tag}: x for k, x in parts.items() if tag in k} or {frozenset(): mpf(0)})


def summed(parts) -> Jet:
    result = number(0)
    for part in parts:
        result = result + part
    return result


SIZES = (
    {"N": 2, "K": 3, "M": 2, "n": 2},
    {"N": 1, "K": 2, "M": 3, "n": 3},
    {"N": 3, "K": 1, "M": 1, "n": 1},
)


def places(free: list[t.Index], sizes: dict[str, int]) -> Iterator[dict[t.Index, int]]:
    """Places of the free indices: every one, or the first, the last and some between."""
    every = list(itertools.product(*(range(sizes.get(i.dimension.name, OTHER)) for i in free)))
    some = (
        random.Random(len(every)).sample(every[1:-1], MOST - 2)
        if len(every) > MOST
        else every[1:-1]
    )
    for numbers in dict.fromkeys((every[0], *some, every[-1])):
        yield dict(zip(free, numbers, strict=True))


def value(node: t.Term, at: dict[t.Index, int], sizes: dict[str, int], seed: object) -> mpf | None:
    """The value at a place of the free indices: None where there is none, nan where too large."""
    with mp.workdps(DIGITS):
        try:
            return evaluate(node, Point(sizes, seed), at).plain
        except Undefined:
            return None
        except TooLarge:
            return mp.nan


def free(*nodes: t.Term) -> list[t.Index]:
    return sorted(frozenset().union(*map(t.free_indices, nodes)), key=lambda i: i.name)


def values(node: t.Term) -> Iterator[mpf | None]:
    """The values of a term at some sizes, entries and places."""
    for sizes in SIZES:
        for at in places(free(node), sizes):
            yield value(node, at, sizes, 0)


def lacks_a_logarithm(node: t.Term) -> bool:
    """Whether a logarithm has no value at some sizes, entries and places."""
    with mp.workdps(DIGITS):
        for sizes in SIZES:
            for at in places(free(node), sizes):
                try:
                    evaluate(node, Point(sizes, 0), at)
                except NotPositive:
                    return True
                except (Undefined, TooLarge):
                    continue
    return False


def same(left: mpf | None, right: mpf | None, tolerance: mpf = SAME) -> bool:
    if mp.nan in (left, right):
        return True
    if left is None or right is None:
        return left is right
    return abs(left - right) <= tolerance * max(1, abs(left), abs(right))


def pairs(left: t.Term, right: t.Term) -> Iterator[tuple[mpf | None, mpf | None]]:
    """The values of two terms at the same sizes, entries and places."""
    for seed, sizes in enumerate(SIZES):
        for at in places(free(left, right), sizes):
            yield value(left, at, sizes, seed), value(right, at, sizes, seed)


def equal(left: t.Term, right: t.Term) -> bool:
    """Whether two terms have the same values, and have none at the same places."""
    return all(same(*pair) for pair in pairs(left, right))


def differ(left: t.Term, right: t.Term) -> bool:
    """Whether both terms have a value at some place, and not the same."""
    return any(None not in pair and not same(*pair) for pair in pairs(left, right))
