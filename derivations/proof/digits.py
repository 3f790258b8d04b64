"""Evaluation at 50 digits of terms as they are written: loops, tables of numbers, differences.

No term is changed here, so nothing can go wrong in changing it: a definition is called with the
values of its arguments, as a function in a program is, a sum is a loop, a derivative is a central
difference that moves one entry, a limit is a value far out, an expectation puts each outcome in
the label's place. Agreement is evidence, never proof.
"""

from __future__ import annotations

import functools
import itertools
import operator
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath
from mpmath import mp, mpf

from derivations.language import terms
from derivations.language.statement import Hypothesis
from derivations.language.terms import Array, Definition, Dimension, Entry, Function, Index, Term

DIGITS = 50
LADDER = (50, 120, 300, 700)  # where digits cancel, more are asked for
NEAR = 20  # times the digits: exp(-1000 d) < 1e-50 for every rate d >= 0.12
LARGEST = 1000  # bits before the point: no exponential, sine or cosine is taken of more

FUNCTIONS: Mapping[Function, Callable[..., mpf]] = {
    terms.exp: lambda x: mpmath.exp(measured(x)),
    terms.log: lambda x: mpmath.log(x) if x > 0 else undefined("the logarithm of a number <= 0"),
    terms.absolute: abs,
    terms.minimum: min,
    terms.maximum: max,
    terms.sine: lambda x: mpmath.sin(measured(x)),
    terms.cosine: lambda x: mpmath.cos(measured(x)),
    terms.pi: lambda: +mp.pi,
    terms.erf: mpmath.erf,
    terms.density: mpmath.npdf,
    terms.cumulative: mpmath.ncdf,
}

Frame = dict[int, Any]  # places of indices, and tables of the arguments of a definition
Run = Callable[["World", Frame], mpf]
Join = Callable[[mpf, mpf], mpf]
SUM: tuple[Join, mpf] = (operator.add, mp.zero)  # what joins two numbers, and the value of none
PRODUCT: tuple[Join, mpf] = (operator.mul, mp.one)
Table = dict[Any, mpf]  # by place: a number for one index, else a tuple
SIGNS: Mapping[str, Callable[[mpf], bool]] = {
    "positive": lambda number: number > 0,
    "nonnegative": lambda number: number >= 0,
    "zero": lambda number: number == 0,
    "nonpositive": lambda number: number <= 0,
    "negative": lambda number: number < 0,
}


class Undefined(ValueError):
    """A term has no value at a point: it divides by zero, or has the logarithm of zero."""


class Pole(Undefined):
    """A term divides by zero."""


class NoNumber(ValueError):
    """A value cannot be had: a limit does not settle, or a number is too large."""


class Lost(NoNumber):
    """More digits are needed."""


def undefined(why: str) -> mpf:
    """Refuse a value that does not exist."""
    raise Undefined(why)


def pole() -> mpf:
    """Refuse to divide by zero."""
    raise Pole("a division by zero")


def measured(x: mpf) -> mpf:
    """Return a number; one so large that its digits before the point are too many is refused."""
    _, _, exponent, bits = x._mpf_
    if exponent + bits > LARGEST:
        raise NoNumber("a number too large for an exponential")
    return x


# -- functions that may be any ----------------------------------------------------------------------


@functools.cache
def waves(seed: str, arity: int) -> tuple[tuple[mpf, tuple[mpf, ...], mpf], ...]:
    """Return heights, frequencies and phases of three waves."""
    source = random.Random(seed)

    def number() -> mpf:
        return mpmath.ldexp(source.randrange(2**29, 3 * 2**29), -30)  # from 1/2 to 3/2, exact

    return tuple((number(), tuple(number() for _ in range(arity)), number()) for _ in range(3))


def any_function(seed: str, order: int, *arguments: mpf, positive: bool = False) -> mpf:
    """Return the value of a smooth function in the place of one that may be any.

    It is a sum of waves and a line (where the function is positive, a constant), differentiated
    ``order`` times; each seed is a function of its own.
    """
    (height, slopes, start), *rest = waves(seed, len(arguments))
    if positive:
        line = mpf(4) if order == 0 else mpf(0)
    elif order == 0:
        line = start + sum((s * x for s, x in zip(slopes, arguments, strict=True)), mpf(0))
    else:
        line = slopes[0] if order == 1 else mpf(0)
    quarter = order * mp.pi / 2
    for height, frequencies, phase in rest:
        angle = sum((f * x for f, x in zip(frequencies, arguments, strict=True)), phase)
        scale = height * frequencies[0] ** order if order else height
        line += scale * mpmath.sin(measured(angle) + quarter)
    return line


# -- terms as programs ------------------------------------------------------------------------------


@dataclass(eq=False)
class World:
    """Numbers for all that terms leave open; values of named quantities in it are ``kept``."""

    sizes: Sequence[int]
    tables: Sequence[Table]
    digits: int = DIGITS
    kept: dict[object, Any] = field(default_factory=dict)

    @property
    def step(self) -> mpf:
        """The step of a difference: with 50 digits 1e-30, its error 1e-60 of a third derivative."""
        return mpf(10) ** -(self.digits // 2 + 5)

    def with_digits(self, digits: int) -> World:
        """Return the same world, where differences are so good; what is named is kept in it."""
        if digits not in self.kept:
            self.kept[digits] = World(self.sizes, self.tables, digits)
        return self.kept[digits]

    def changed(self, number: int, new: Table) -> World:
        """Return the world with some entries of one array changed."""
        key = (number, *new.items())
        if key not in self.kept:
            tables = [*self.tables]
            tables[number] = {**tables[number], **new}
            self.kept[key] = World(self.sizes, tables, self.digits)
        return self.kept[key]


class Program:
    """Terms made into functions of a world and a frame, in which each array has its number.

    A definition is called by value: what its arguments are is worked out where it is called, and
    its body sees the world and its own parameters alone. A frame has a slot for each parameter and
    each bound index.
    """

    def __init__(self) -> None:
        self.arrays: dict[Array, int] = {}
        self.dimensions: dict[Dimension, int] = {}
        self.seeds: dict[Function, str] = {}
        self.definitions: dict[Definition, tuple[Run, list[int]]] = {}
        self.slots = itertools.count()
        self.kinked = False

    def array(self, array: Array) -> int:
        """Return the number of an array in a world."""
        for dimension in array.dimensions:
            self.dimension(dimension)
        return self.arrays.setdefault(array, len(self.arrays))

    def dimension(self, dimension: Dimension) -> int:
        """Return the number of a dimension in a world."""
        return self.dimensions.setdefault(dimension, len(self.dimensions))

    def seed(self, function: Function) -> str:
        """Return what a function that may be any is drawn from: each function has its own."""
        base = function.of or function
        if base not in self.seeds:
            before = sum(other.name == base.name for other in self.seeds)
            self.seeds[base] = f"{base.name} {before}"
        return self.seeds[base]

    def scope(self, indices: Iterable[Index]) -> dict[object, int]:
        """Return slots for free indices."""
        for index in indices:
            self.dimension(index.dimension)
        return {index: next(self.slots) for index in indices}

    def run(self, node: Term, scope: Mapping[object, int]) -> Run:
        """Return a term as a function of a world and a frame."""

        def inner(part: Term) -> Run:
            return self.run(part, scope)

        match node:
            case terms.Number(number):
                if number.denominator == 1:
                    whole = mpf(number.numerator)
                    return lambda world, frame: whole
                return lambda world, frame: mpf(number.numerator) / number.denominator
            case terms.Size(dimension):
                size = self.dimension(dimension)
                return lambda world, frame: mpf(world.sizes[size])
            case Entry(array, indices):
                return self.entry(array, getter([scope[i] for i in indices]), scope)
            case terms.Add(summands):
                return joined(*SUM, [inner(s) for s in summands])
            case terms.Mul(factors):
                return joined(*PRODUCT, [inner(f) for f in factors])
            case terms.Neg(term):
                negated = inner(term)
                return lambda world, frame: -negated(world, frame)
            case terms.Div(numerator, denominator):
                above, below = inner(numerator), inner(denominator)
                return lambda world, frame: divided(above(world, frame), below(world, frame))
            case terms.Pow(base, exponent):
                low, high = inner(base), inner(exponent)
                return lambda world, frame: power(low(world, frame), high(world, frame))
            case terms.Apply(function, arguments):
                return self.apply(function, [inner(a) for a in arguments])
            case terms.Delta(left, right):
                one, other = scope[left], scope[right]
                return lambda world, frame: mpf(frame[one] == frame[other])
            case terms.Sum():
                return self.loop(*SUM, node, scope)
            case terms.Product():
                return self.loop(*PRODUCT, node, scope)
            case terms.Use(definition, arguments):
                return self.use(definition, arguments, scope)
            case terms.Expectation():
                return self.expectation(node, scope)
            case terms.Written():
                return inner(node.meaning)
            case terms.D(body, variable):
                return self.slope(body, variable, scope)
            case terms.Limit(body, variable, infinity):
                far, put = inner(body), self.putting(variable.array, scope)
                return lambda world, frame: limit(
                    lambda x: put(far, world, frame, {(): infinity * mpf(x)}), world.digits
                )
        raise TypeError(f"no value for {type(node).__name__}")

    def entry(self, array: Array, at: Callable[[Frame], Any], scope: Mapping[object, int]) -> Run:
        """Return an entry of a parameter, or of an array of the world."""
        if array in scope:
            slot = scope[array]
            return lambda world, frame: frame[slot][at(frame)]
        number = self.array(array)
        return lambda world, frame: world.tables[number][at(frame)]

    def apply(self, function: Function, arguments: list[Run]) -> Run:
        """Return a function at its arguments."""
        known: Callable[..., mpf]
        self.kinked |= bool(function.kink)
        if function in FUNCTIONS:
            known = FUNCTIONS[function]
        elif function.slopes is None and not function.kink:
            base = function.of or function
            known = functools.partial(
                any_function, self.seed(function), function.order, positive=base.positive
            )
        else:
            raise NoNumber(f"no numbers are known for the function {function.name}")
        if len(arguments) == 1:
            (argument,) = arguments
            return lambda world, frame: known(argument(world, frame))
        return lambda world, frame: known(*[a(world, frame) for a in arguments])

    def loop(
        self,
        join: Join,
        empty: mpf,
        node: terms.Sum | terms.Product,
        scope: Mapping[object, int],
    ) -> Run:
        """Return a sum or a product over an index."""
        slot, size = next(self.slots), self.dimension(node.index.dimension)
        each = self.run(node.body, {**scope, node.index: slot})

        def run(world: World, frame: Frame) -> mpf:
            total = empty
            for frame[slot] in range(world.sizes[size]):
                total = join(total, each(world, frame))
            return total

        return run

    def use(
        self,
        definition: Definition,
        arguments: Sequence[Index | Term | terms.Each],
        scope: Mapping[object, int],
    ) -> Run:
        """Return a named quantity: its body, where the parameters have the arguments' values."""
        body, slots = self.defined(definition)
        given = [self.argument(a, scope) for a in arguments]
        sizes = [
            [self.dimension(d) for d in p.dimensions] if isinstance(p, Array) else []
            for p in definition.parameters
        ]
        inlets = list(zip(definition.parameters, slots, sizes, strict=True))

        def called(world: World, frame: Frame) -> mpf:
            values = [argument(world, frame) for argument in given]
            key = (definition, *values)
            if key not in world.kept:
                own: Frame = {}
                for (parameter, slot, over), value in zip(inlets, values, strict=True):
                    if isinstance(parameter, Index):
                        own[slot] = value
                    elif isinstance(parameter, Entry):
                        own[slot] = {(): value}
                    else:
                        places = spots([world.sizes[d] for d in over])
                        own[slot] = dict(zip(places, value, strict=True))
                world.kept[key] = body(world, own)
            return world.kept[key]

        return called

    def defined(self, definition: Definition) -> tuple[Run, list[int]]:
        """Return the body of a definition as a function, and the slots of its parameters."""
        if definition not in self.definitions:
            slots = [next(self.slots) for _ in definition.parameters]
            names = [p.array if isinstance(p, Entry) else p for p in definition.parameters]
            body = self.run(definition.body, dict(zip(names, slots, strict=True)))
            self.definitions[definition] = body, slots
        return self.definitions[definition]

    def argument(
        self, argument: Index | Term | terms.Each, scope: Mapping[object, int]
    ) -> Callable[[World, Frame], Any]:
        """Return the value of an argument: a place, a number, or the numbers of an array."""
        match argument:
            case Index():
                return place_of(scope[argument])
            case terms.Each(indices, body):
                own = self.scope(indices)
                sizes = [self.dimension(i.dimension) for i in indices]
                entry, slots = self.run(body, {**scope, **own}), list(own.values())

                def table(world: World, frame: Frame) -> tuple[mpf, ...]:
                    counts = [range(world.sizes[s]) for s in sizes]
                    numbers = []
                    for place in itertools.product(*counts):
                        frame.update(zip(slots, place, strict=True))
                        numbers.append(entry(world, frame))
                    return tuple(numbers)

                return table
        return self.run(argument, scope)

    def putting(self, array: Array, scope: Mapping[object, int]) -> Callable[..., mpf]:
        """Return how a term is evaluated with some entries of an array changed."""
        if array in scope:
            slot = scope[array]

            def put_local(run: Run, world: World, frame: Frame, new: Table) -> mpf:
                return run(world, {**frame, slot: {**frame[slot], **new}})

            return put_local
        number = self.array(array)

        def put(run: Run, world: World, frame: Frame, new: Table) -> mpf:
            return run(world.changed(number, new), frame)

        return put

    def slope(self, body: Term, variable: Entry, scope: Mapping[object, int]) -> Run:
        """Return a derivative: a central difference that moves one entry and nothing else."""
        run, put = self.run(body, scope), self.putting(variable.array, scope)
        at = getter([scope[i] for i in variable.indices])
        here = self.entry(variable.array, at, scope)

        def difference(world: World, frame: Frame) -> mpf:
            place, now, step = at(frame), here(world, frame), world.step
            ahead = put(run, world, frame, {place: now + step})
            behind = put(run, world, frame, {place: now - step})
            if self.kinked:
                middle = run(world, frame)
                right, left = ahead - middle, middle - behind
                if abs(right - left) > max(step, abs(right), abs(left)) / 10**10:
                    raise Undefined("a derivative at a kink")
            slope = (ahead - behind) / (2 * step)
            if max(abs(ahead), abs(behind)) * mp.eps / step > max(1, abs(slope)) / 10**world.digits:
                raise Lost("a difference of numbers that are too large for the digits")
            return slope

        return difference

    def expectation(self, node: terms.Expectation, scope: Mapping[object, int]) -> Run:
        """Return the sum over the outcomes, each put in the label's place with its probability."""
        body, put = self.run(node.body, scope), self.putting(node.array, scope)
        at = [scope[i] for i in node.at]
        self.array(node.array)
        rest = [self.dimension(d) for d in node.array.dimensions[len(at) :]]

        def row(world: World, frame: Frame, number: Callable[[tuple[int, ...]], mpf]) -> Table:
            places = itertools.product(*(range(world.sizes[d]) for d in rest))
            first = [frame[slot] for slot in at]
            return {spot((*first, *place)): number(place) for place in places}

        if isinstance(node.outcomes, terms.Each):
            (index,), chance = node.outcomes.indices, node.outcomes.body
            slot, size = next(self.slots), self.dimension(index.dimension)
            weigh = self.run(chance, {**scope, index: slot})

            def over_classes(world: World, frame: Frame) -> mpf:
                total = mp.zero
                for outcome in range(world.sizes[size]):
                    label = row(world, frame, lambda p, c=outcome: mpf(p[0] == c))  # type: ignore[misc]
                    weight = weigh(world, {**frame, slot: outcome})
                    total += weight * put(body, world, frame, label)
                return total

            return over_classes
        chances = [(outcome, self.run(chance, scope)) for outcome, chance in node.outcomes]

        def over_numbers(world: World, frame: Frame) -> mpf:
            total = mp.zero
            for outcome, weigh in chances:
                number = mpf(outcome.numerator) / outcome.denominator
                label = row(world, frame, lambda place, number=number: number)  # type: ignore[misc]
                total += weigh(world, frame) * put(body, world, frame, label)
            return total

        return over_numbers


def spot(place: tuple[int, ...]) -> Any:
    """Return a place as tables are keyed: a number for one index."""
    return place[0] if len(place) == 1 else place


def spots(counts: Sequence[int]) -> list[Any]:
    """Return all places of a table."""
    return [spot(place) for place in itertools.product(*map(range, counts))]


def getter(slots: Sequence[int]) -> Callable[[Frame], Any]:
    """Return how a place is read from a frame."""
    return operator.itemgetter(*slots) if slots else lambda frame: ()


def place_of(slot: int) -> Callable[[World, Frame], int]:
    """Return how the place of one index is read."""
    return lambda world, frame: frame[slot]


def joined(join: Join, empty: mpf, parts: list[Run]) -> Run:
    """Return a sum or a product of some terms."""

    def run(world: World, frame: Frame) -> mpf:
        total = parts[0](world, frame) if parts else empty
        for part in parts[1:]:
            total = join(total, part(world, frame))
        return total

    return run


def divided(above: mpf, below: mpf) -> mpf:
    """Return a quotient."""
    return above / below if below else pole()


def power(base: mpf, exponent: mpf) -> mpf:
    """Return a real power; 0 to the 0 is 1."""
    if not base and exponent < 0:
        return pole()
    found = base**exponent
    return found if isinstance(found, mpf) else undefined("a root of a negative number")


def limit(at: Callable[[mpf | int], mpf], digits: int) -> mpf:
    """Return a value far out that is the same twice as far."""
    for far in (NEAR * digits, mpf(10) ** (digits + 20)):
        try:
            near, double = at(far), at(2 * far)
        except NoNumber:
            continue
        if abs(near - double) <= mpf(10) ** -digits * max(1, abs(near), abs(double)):
            return double
    raise NoNumber("a limit that does not settle")


def everything(*nodes: Term) -> Iterator[Term]:
    """Yield the parts of terms and of the definitions that they use, each definition once."""
    pending, seen = [*nodes], set()
    while pending:
        for part in terms.walk(pending.pop()):
            yield part
            if isinstance(part, terms.Use) and part.definition not in seen:
                seen.add(part.definition)
                pending.append(part.definition.body)


def working_digits(node: Term, digits: int) -> int:
    """Return the digits to work with so that ``digits`` remain after every difference."""
    return enough(digits, *needs(node))


def enough(digits: int, order: int, far: bool) -> int:
    """Return the digits to work with: each order loses a step's, far out exponentials cancel."""
    return digits + 20 + (digits // 2 + 15) * order + 18 * digits * far


def needs(*nodes: Term) -> tuple[int, bool]:
    """Return how many derivatives stand in one another, and whether there is a limit."""
    known: dict[Definition, int] = {}

    def order(part: Term) -> int:
        below = max(map(order, terms.children(part)), default=0)
        if isinstance(part, terms.Use):
            if part.definition not in known:
                known[part.definition] = order(part.definition.body)
            return below + known[part.definition]
        return below + isinstance(part, terms.D)

    limits = any(isinstance(part, terms.Limit) for part in everything(*nodes))
    return max(map(order, nodes)), limits


# -- values and tables ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """Numbers, by name, for everything that a term leaves open: sizes, entries, free indices.

    Values of named quantities at these entries are ``kept``.
    """

    sizes: Mapping[str, int]
    entries: Mapping[tuple[str, tuple[int, ...]], mpf]
    at: Mapping[Index, int] = field(default_factory=dict)
    kept: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def bind(self, index: Index, number: int) -> Point:
        """Return the point with one index given a value."""
        return Point(self.sizes, self.entries, {**self.at, index: number}, self.kept)


def value(node: Term, point: Point, digits: int = DIGITS) -> mpf:
    """Return the value of a term at a point, at the working precision.

    Raises
    ------
    Undefined
        Where the term has no value.
    NoNumber
        Where its value cannot be had.
    """
    program, world, runs = point.kept.setdefault(
        (mp.prec, digits), (Program(), World([], [], digits), {})
    )
    if id(node) not in runs:
        scope = program.scope(sorted(terms.free_indices(node), key=lambda i: i.name))
        runs[id(node)] = node, program.run(node, scope), scope
        settle(program, world, point)
    _, run, scope = runs[id(node)]
    return run(world, {slot: point.at[index] for index, slot in scope.items()})


def settle(program: Program, world: World, point: Point) -> None:
    """Put the numbers of a point, which go by name, in a world."""
    world.kept.clear()
    world.sizes = [point.sizes.get(d.name, 0) for d in program.dimensions]
    by_name: dict[tuple[str, int], Table] = {}
    for (name, at), number in point.entries.items():
        by_name.setdefault((name, len(at)), {})[spot(at)] = number
    world.tables = [by_name.get((a.name, len(a.dimensions)), {}) for a in program.arrays]


def has_sign(quantity: Term, sign: str, point: Point) -> bool:
    """Return True when a quantity has a sign at every place of its indices."""
    own = sorted(terms.free_indices(quantity), key=lambda i: i.name)
    for numbers in itertools.product(*(range(point.sizes[i.dimension.name]) for i in own)):
        at = dict(zip(own, numbers, strict=True))
        here = Point(point.sizes, point.entries, at, point.kept)
        if not SIGNS[sign](value(quantity, here)):
            return False
    return True


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
    program = Program()
    scope = program.scope(at)
    run = program.run(node, scope)
    with mp.workdps(working_digits(node, digits)):
        needed = {array.name: array for array in program.arrays}
        if absent := sorted(set(needed) - set(arrays)):
            raise ValueError(f"arrays: expected {', '.join(sorted(needed))}, missing {absent}")
        found = dict(sizes or {})
        entries: dict[tuple[str, tuple[int, ...]], mpf] = {}
        for name, numbers in sorted(arrays.items()):
            if name in needed:
                read(needed[name], numbers, found, entries)
        if unknown := sorted({d.name for d in program.dimensions} - set(found)):
            raise ValueError(f"sizes: expected {', '.join(unknown)}, which no array has")
        world = World([], [], digits)
        settle(program, world, Point(found, entries))

        def nest(frame: Frame, rest: Sequence[Index]) -> object:
            if not rest:
                return run(world, frame)
            counts = range(found[rest[0].dimension.name])
            return [nest({**frame, scope[rest[0]]: c}, rest[1:]) for c in counts]

        return nest({}, at)


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


# -- points -----------------------------------------------------------------------------------------

USUAL, WIDE, TINY, ZERO, EQUAL, BOUNDARY = "usual", "wide", "tiny", "zero", "equal", "boundary"
KINDS = (USUAL, WIDE, TINY, ZERO, EQUAL, BOUNDARY)
MET = (ZERO, EQUAL, BOUNDARY)  # points at which a denominator may be zero that elsewhere is not
LABELS = {USUAL: (0, 1), WIDE: (1, 0), ZERO: (0,), EQUAL: (1,)}  # in turn; else random
TRIES = 12  # of one kind of point, until the hypotheses hold
EDGES = 3  # of those with all edges met, then as many with some of them
MOVES = 20  # of one entry, until they do
SECANTS = 30  # until an entry is where it has to be
FARTHEST = 100
ROUNDS = 4  # times through the kinds of points, where a few numbers decide


def random_number(domain: str, kind: str, source: random.Random) -> mpf:
    """Return a number of a domain: usual, wide, tiny, zero or at the boundary of the domain."""
    share, half = source.uniform(0.001, 0.999), source.random() < 0.5
    match domain, kind:
        case "label", _:
            return mpf(half)
        case (("unit" | "nonnegative"), "boundary") if half:
            return mpf(source.randrange(2) if domain == "unit" else 0)
        case "nonnegative", "zero" if half:
            return mpf(0)
        case "unit", "tiny" if half:
            return mpf(share) / 2**40 if source.random() < 0.5 else 1 - mpf(share) / 2**40
        case "unit", _:
            return mpf(share)
    scale = 2.0**-39 if kind == TINY and half else 30.0 if kind == WIDE else 2.0
    sign = 1 if domain != "real" else 0 if kind == ZERO and half else source.choice((-1, 1))
    return mpf(sign * share * scale)


def nothing() -> mpf:
    """Return what is taken for zero at the working precision."""
    return mpf(10) ** (20 - mp.dps)


def inside(domain: str, number: mpf, strictly: bool = False) -> bool:
    """Return True when a number is in a domain, or in its interior."""
    match domain:
        case "label":
            return number in (0, 1)
        case "unit":
            return 0 < number < 1 if strictly else 0 <= number <= 1
        case "positive":
            return number > 0
        case "nonnegative":
            return number > 0 if strictly else number >= 0
    return True


def patterns(free: Sequence[Index], size: Callable[[Dimension], int]) -> Iterator[dict[Index, int]]:
    """Yield places for the free indices, in each dimension every way of being alike or apart.

    The dimensions are combined: where ``a = b`` only with ``k = l``, a factor ``delta_ab`` would
    hide that ``k`` stands for ``l``.
    """
    groups: dict[Dimension, list[Index]] = {}
    for index in free:
        groups.setdefault(index.dimension, []).append(index)
    ways = [alike_or_apart(len(group), size(d)) for d, group in groups.items()]
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


def are_apart(at: Mapping[Index, int], pairs: Sequence[tuple[Index, Index]]) -> bool:
    """Return True when no two indices that are to be distinct are at one place."""
    return not any(i in at and j in at and at[i] == at[j] for i, j in pairs)


Compiled = tuple[Term, Run, dict[Index, int]]
WEAK = ("nonnegative", "nonpositive")  # signs of what may be zero


@dataclass(frozen=True)
class Assumed:
    """A sign of a quantity at all of its places; at the ``edge`` it is zero there."""

    quantity: Compiled
    sign: str
    edge: bool = False


def kinks(*nodes: Term) -> Iterator[Term]:
    """Yield what is zero where something that is differentiated has a kink."""
    for node in nodes:
        try:
            parts = [*terms.walk(terms.unfold(node))]  # to find a point, not to evaluate
        except ValueError:
            continue
        for slope in (part for part in parts if isinstance(part, terms.D)):
            for part in terms.walk(slope.body):
                match part:
                    case terms.Apply(terms.absolute, (argument,)):
                        yield argument
                    case terms.Apply(terms.minimum | terms.maximum, (left, right)):
                        yield left - right


class Terrain:
    """Where a relation is claimed: its sizes, and points at which its hypotheses hold."""

    def __init__(
        self,
        program: Program,
        given: Sequence[Hypothesis],
        source: random.Random,
        kinks: Iterable[Term] = (),
    ):
        self.program, self.source = program, source
        self.apart = [pair for h in given for pair in getattr(h, "distinct", ())]
        self.forms = [self.compiled(*pair) for h in given for pair in h.replace]
        self.signs = [
            Assumed(self.compiled(quantity, quantity), sign)
            for h in given
            for quantity, sign in h.signs
        ]
        self.kinks = [Assumed(self.compiled(gap, gap), "zero") for gap in kinks]
        # What has to be equal has to be so at every precision.
        self.exact = bool(self.forms) or any(one.sign == "zero" for one in self.signs)
        self.has_edges = bool(self.kinks) or any(one.sign in WEAK for one in self.signs)

    def compiled(self, pattern: Term, body: Term) -> Compiled:
        """Return what is assumed of a quantity at every place of its indices."""
        own = sorted(terms.free_indices(pattern) | terms.free_indices(body), key=lambda i: i.name)
        scope = self.program.scope(own)
        self.program.run(pattern, scope)
        return pattern, self.program.run(body, scope), scope  # type: ignore[return-value]

    def concerns(self, indices: Iterable[Index]) -> bool:
        """Return True when a sign is assumed of quantities at some of these indices."""
        return any(not one.quantity[2].keys().isdisjoint(indices) for one in self.signs)

    def shapes(self, free: Sequence[Index]) -> list[list[int]]:
        """Return sizes: all different, with room for each free index, equal ones, and ones."""
        ranked = sorted(self.program.dimensions, key=lambda d: (d.rank, d.name))
        different: list[int] = []
        for dimension in ranked:
            room = sum(index.dimension == dimension for index in free)
            least = 3 if dimension.rank == 1 else 2
            different.append(max(least, room, 1 + max(different, default=1)))
        count = len(ranked)
        shapes = [different, [3] * count, [2] * count, [1] * count, list(range(1, count + 1))]
        return [
            [dict(zip(ranked, shape, strict=True))[d] for d in self.program.dimensions]
            for shape in shapes
        ]

    def point(
        self, sizes: Sequence[int], kind: str, at: Mapping[Index, int] | None = None
    ) -> World | None:
        """Return a world of a kind in which the hypotheses hold, or None if none is found.

        They hold at every place of their indices, except of those that are ``at`` a place. At the
        boundary, quantities that may be zero are, and so is what is differentiated at its kink.
        """
        edges = 2 * EDGES if kind == BOUNDARY and self.has_edges else 0
        for number in range(edges + (TRIES if self.forms or self.signs else 1)):
            chance = 1.0 if number < EDGES else 0.5
            signs = self.at_the_edge(chance) if number < edges else self.signs
            world = World(sizes, self.drawn(sizes, kind))
            try:
                if self.meet(world, at or {}, signs):
                    return world
            except (Undefined, NoNumber):
                continue
        return None

    def at_the_edge(self, chance: float) -> list[Assumed]:
        """Return what is assumed where some of the quantities that may be zero are zero."""
        source = self.source
        signs = [
            replace(one, edge=one.sign in WEAK and source.random() < chance) for one in self.signs
        ]
        return signs + [kink for kink in self.kinks if source.random() < chance]

    def drawn(self, sizes: Sequence[int], kind: str) -> list[Table]:
        """Return random entries for each array; one array alone is wide, others as usual."""
        dimensions, source = self.program.dimensions, self.source
        movable = [n for array, n in self.program.arrays.items() if array.domain != "label"]
        wide, same = source.choice(movable or [0]), mpf(source.uniform(0.001, 2))
        tables: list[Table] = []
        for array, number in self.program.arrays.items():
            how = USUAL if kind == WIDE and number != wide else kind
            places = spots([sizes[dimensions[d]] for d in array.dimensions])
            if array.domain == "label" and kind in LABELS:
                labels = itertools.cycle(LABELS[kind])
                tables.append({place: mpf(next(labels)) for place in places})
            elif array.domain in ("real", "positive", "nonnegative") and kind == EQUAL:
                tables.append(dict.fromkeys(places, same))
            else:
                tables.append({place: random_number(array.domain, how, source) for place in places})
        return tables

    def meet(self, world: World, at: Mapping[Index, int], signs: Sequence[Assumed]) -> bool:
        """Put a world's entries so that the hypotheses hold; return False if they do not."""
        for pattern, run, scope in self.forms:
            number = self.program.arrays[pattern.array]  # type: ignore[attr-defined]
            place = getter([scope[i] for i in pattern.indices])  # type: ignore[attr-defined]
            new = {place(frame): run(world, frame) for frame in self.frames(world, scope, {})}
            world.tables[number].update(new)
            world.kept.clear()
        for _ in range(MOVES):
            broken = next(self.broken(world, at, signs), None)
            if broken is None:
                return True
            if not self.mended(world, *broken):
                return False
        return False

    def frames(
        self, world: World, scope: Mapping[Index, int], at: Mapping[Index, int]
    ) -> Iterator[Frame]:
        """Yield frames for every place of some indices, except of those at a place."""
        places = [
            (at[i],) if i in at else range(world.sizes[self.program.dimensions[i.dimension]])
            for i in scope
        ]
        for place in itertools.product(*places):
            if are_apart(dict(zip(scope, place, strict=True)), self.apart):
                yield dict(zip(scope.values(), place, strict=True))

    def broken(
        self, world: World, at: Mapping[Index, int], signs: Sequence[Assumed]
    ) -> Iterator[tuple[Run, Frame, str]]:
        """Yield the quantities that have not their sign, and where, and the sign to give them."""
        for one in signs:
            _, run, scope = one.quantity
            for frame in self.frames(world, scope, at):
                number = run(world, dict(frame))
                zero = abs(number) < nothing()
                signed = self.holds(one.sign, number) and (zero or not one.edge)
                if not (signed or (zero and one.sign == "zero")):
                    yield run, frame, "zero" if one.edge else one.sign

    def holds(self, sign: str, number: mpf) -> bool:
        """Return True for a sign; what is as small as a zero that was found has no strict one."""
        if any(other.sign == "zero" for other in self.signs) and abs(number) < nothing():
            return sign not in ("positive", "negative")
        return SIGNS[sign](number)

    def mended(self, world: World, run: Run, frame: Frame, sign: str) -> bool:
        """Give a quantity a number of its sign: move one entry, by the secant."""
        goal = mpf(0) if sign == "zero" else mpf(self.source.uniform(0.001, 1))
        goal = -goal if sign in ("negative", "nonpositive") else goal

        def gap() -> mpf:
            world.kept.clear()
            return run(world, dict(frame)) - goal

        choices = [
            (world.tables[number], place, array.domain)
            for array, number in self.program.arrays.items()
            for place in world.tables[number]
            if array.domain != "label"
        ]
        for table, place, domain in self.source.sample(choices, len(choices)):
            before = table[place]
            for _ in range(SECANTS):
                here, now, step = table[place], gap(), mpf(10) ** (-mp.dps // 3)
                if abs(now) < nothing():
                    # A short number nearby, where that is the exact one.
                    table[place] = mpmath.ldexp(mpmath.nint(mpmath.ldexp(here, 200)), -200)
                    if gap():
                        table[place] = here
                        world.kept.clear()
                    return True
                table[place] = here + step
                slope = (gap() - now) / step
                if abs(slope) < mpf(10) ** -10:
                    break
                table[place] = here - now / slope
                if not inside(domain, table[place]) or abs(table[place]) > FARTHEST:
                    break
            table[place] = before
        world.kept.clear()
        return False

    def interior(self, world: World) -> bool:
        """Return True when every entry is in the interior of its domain."""
        return all(
            inside(array.domain, entry, strictly=True)
            for array, number in self.program.arrays.items()
            for entry in world.tables[number].values()
        )


# -- comparison -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """What numbers say of a relation: at how many points, and why they refute or say nothing."""

    said: str  # "agrees", "refuted" or "not applicable"
    points: int
    why: str = ""


HOLDS: Mapping[str, Callable[[mpf], bool]] = {
    "=": lambda gap: gap == 0,
    ">": lambda gap: gap > 0,
    ">=": lambda gap: gap >= 0,
    "<": lambda gap: gap < 0,
    "<=": lambda gap: gap <= 0,
}


Line = tuple[Term, Term, str]  # two terms and the relation that is claimed


def compare(
    before: Term, after: Term, relation: str, given: Sequence[Hypothesis], source: random.Random
) -> Comparison:
    """Compare two terms as they are written."""
    return compare_lines([(before, after, relation)], given, source)[0]


def compare_lines(
    lines: Sequence[Line], given: Sequence[Hypothesis], source: random.Random
) -> list[Comparison]:
    """Compare the terms of lines as they are written, at many kinds of points.

    The points are those at which hypotheses hold, and they are the same for all lines: what stands
    in two lines is evaluated once. Where one side has a value and the other has none, the relation
    is refuted in the interior of the domains; at their boundary, and where neither has a value,
    nothing is said. Nor is it where one of the numbers that are zero or equal is a denominator,
    which is assumed not to be zero.
    """
    program = Program()
    every = list(dict.fromkeys(side for line in lines for side in line[:2]))
    free = sorted(frozenset().union(*map(terms.free_indices, every)), key=lambda i: i.name)
    try:
        scope = program.scope(free)
        runs = {side: program.run(side, scope) for side in every}
        terrain = Terrain(program, given, source, kinks(*every))
    except NoNumber as reason:
        return [Comparison("not applicable", 0, str(reason))] * len(lines)
    needed = needs(*every)
    precisions = [enough(digits, *needed) for digits in LADDER]
    found = [Comparison("not applicable", 0, "the indices cannot be apart")] * len(lines)
    missed = met = 0
    widest = next((relation for *_, relation in lines if relation != "="), "=")
    for sizes, kind, all_places in plan(terrain.shapes(free), widest):
        places = [
            at
            for at in patterns(free, lambda d, sizes=sizes: sizes[program.dimensions[d]])  # type: ignore[misc]
            if are_apart(at, terrain.apart)
        ]
        if missed > len(KINDS) and not met:
            break
        if not all_places:
            places = source.sample(places, min(1, len(places)))
        for at, world in worlds_at(places, terrain, sizes, kind, precisions):
            if world is None:
                missed += 1
                why = "no point was found at which the hypotheses hold"
                found = [one if one.points else replace(one, why=why) for one in found]
                continue
            met += 1
            frame = {scope[index]: place for index, place in at.items()}
            for number, (before, after, relation) in enumerate(lines):
                known = found[number]
                if known.said == "refuted":
                    continue
                sides = runs[before], runs[after]
                judged = judge(sides, world, frame, precisions, relation, kind)
                both = None not in judged.values
                if judged.said == "agrees":
                    found[number] = Comparison("agrees", known.points + 1)
                elif judged.said == "refuted" and (both or terrain.interior(world)):
                    why = described(program, world, at, judged.values, relation)
                    found[number] = Comparison("refuted", known.points + 1, why)
                elif not known.points:
                    found[number] = replace(known, why=judged.why)
    return found


def worlds_at(
    places: Sequence[dict[Index, int]],
    terrain: Terrain,
    sizes: Sequence[int],
    kind: str,
    precisions: Sequence[int],
) -> list[tuple[dict[Index, int], World | None]]:
    """Return places with a world in which the hypotheses hold: one for all, or for each its own.

    A hypothesis may be of the free indices alone (z_a > z_b): it cannot hold at every place.
    """
    exact = terrain.exact or (kind == BOUNDARY and terrain.has_edges)
    with mp.workdps(precisions[-1] if exact else precisions[0]):
        world = terrain.point(sizes, kind) if places else None
        return [
            (at, terrain.point(sizes, kind, at) if not world and terrain.concerns(at) else world)
            for at in places
        ]


def plan(shapes: Sequence[list[int]], relation: str) -> Iterator[tuple[list[int], str, bool]]:
    """Yield sizes and kinds of points, and whether every pattern of the indices is tried there."""
    different, equal, twos, ones, mixed = shapes
    small = {WIDE: mixed, TINY: mixed, BOUNDARY: mixed} if len(mixed) > 1 else {}
    if not different:
        for _ in range(ROUNDS):
            yield from ((different, kind, True) for kind in KINDS)
        return
    yield different, USUAL, True
    yield equal, USUAL, False
    for _ in range(1 if relation == "=" else ROUNDS):
        yield from ((small.get(kind, twos), kind, False) for kind in KINDS[1:])
    yield ones, USUAL, True


@dataclass(frozen=True)
class Judgment:
    """What is found at one point: the verdict, both values, and why there is none."""

    said: str
    values: tuple[mpf | None, mpf | None] = (None, None)
    why: str = ""


def judge(
    sides: tuple[Run, Run],
    world: World,
    frame: Frame,
    precisions: Sequence[int],
    relation: str,
    kind: str,
) -> Judgment:
    """Compare two sides at one point, with more digits until the difference stays or vanishes."""
    earlier: mpf | None = None
    lost = ""
    values: tuple[mpf | None, mpf | None] = (None, None)
    floor = 0 if kind in (WIDE, TINY) else 1
    for digits, precision in zip(LADDER, precisions, strict=True):
        here = world.with_digits(digits)
        with mp.workdps(precision):
            try:
                left, right = values = (
                    attempt(sides[0], here, frame, kind),
                    attempt(sides[1], here, frame, kind),
                )
            except Lost as reason:
                lost = str(reason)
                continue
            except NoNumber as reason:
                return Judgment("nothing", why=str(reason))
            if left is None or right is None:
                if digits > LADDER[0] and kind not in (WIDE, TINY):
                    break
                continue
            gap, size = left - right, max(floor, abs(left), abs(right))
            if quickly(relation, gap, size):
                return Judgment("agrees")
            if earlier is not None:
                if gap and abs(gap - earlier) <= abs(gap) / 10**5:
                    if HOLDS[relation](gap):
                        return Judgment("agrees", values)
                    if abs(gap) > mpf(10) ** -digits:  # less may be what cancelling has left
                        return Judgment("refuted", values)
                if abs(gap) < abs(earlier) / 10**30 or not (gap or earlier or relation in "<>"):
                    return Judgment("agrees" if HOLDS[relation](mpf(0)) else "refuted", values)
            earlier = gap
    if None in values:
        both = values == (None, None)
        return Judgment(
            "nothing" if both else "refuted", values, lost or "neither side has a value"
        )
    # Where numbers are extreme, a difference may lie below all digits: it is not seen to be zero.
    if earlier == 0 and not (relation in "<>" and kind in (WIDE, TINY)):
        return Judgment("agrees" if HOLDS[relation](earlier) else "refuted", values)
    return Judgment("nothing", values, "the values do not settle")


def quickly(relation: str, gap: mpf, size: mpf) -> bool:
    """Return True when a relation holds between two numbers at 50 digits, without a doubt."""
    match relation:
        case "=":
            return abs(gap) <= mpf(10) ** -DIGITS * size
        case ">=" | "<=":
            return HOLDS[relation](gap) or abs(gap) <= mpf(10) ** -DIGITS * size
    return HOLDS[relation](gap) and abs(gap) > mpf(10) ** (10 - DIGITS) * size


def attempt(run: Run, world: World, frame: Frame, kind: str) -> mpf | None:
    """Return the value of a side, or None where it has none; it is kept for other lines."""
    key = (run, *frame.items())
    try:
        if key not in world.kept:
            world.kept[key] = run(world, dict(frame))
    except Undefined as reason:
        if isinstance(reason, Pole) and kind in MET:
            raise NoNumber("a denominator is zero") from reason
        world.kept[key] = None
    return world.kept[key]


def described(
    program: Program,
    world: World,
    at: Mapping[Index, int],
    values: tuple[mpf | None, mpf | None],
    relation: str,
) -> str:
    """Return a point and the values at it, in words."""
    said = [f"{d.name} = {world.sizes[number]}" for d, number in program.dimensions.items()]
    said += [f"{index.name} = {place + 1}" for index, place in at.items()]
    for array, number in program.arrays.items():
        numbers = ", ".join(mpmath.nstr(x, 6) for x in world.tables[number].values())
        said.append(f"{array.name} = {numbers if not array.dimensions else f'[{numbers}]'}")
    left, right = ("undefined" if v is None else mpmath.nstr(v, 12) for v in values)
    return f"at {', '.join(said)}: {left} {relation} {right} does not hold"
