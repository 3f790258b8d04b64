"""Exact fingerprints: both sides of an equality modulo primes, at random points and sizes.

A term is evaluated as it is written: named quantities by looking values up, sums by looping over
places, derivatives by one epsilon of square zero each. The primes form a Cunningham chain, p of
one level being 2 p + 1 of the next: the squares of one level are a group whose exponents live on
the next, so exponentials are powers of a generator, logarithms are discrete logarithms, and both
obey their laws exactly. Two terms that differ agree at a random point with a probability below
their degree over 2^28; terms that agree are not thereby proved equal.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from math import isqrt
from typing import Any, NamedTuple

from derivations.language import terms
from derivations.language.statement import Hypothesis
from derivations.language.terms import Array, Definition, Dimension, Entry, Function, Index, Term

AGREES, REFUTED, NOT_APPLICABLE = "agrees", "refuted", "not applicable"
LAST = 19_099_919
PRIMES = tuple((LAST + 1) * 2**k - 1 for k in range(6, -1, -1))  # a Cunningham chain
COMPARED = 2  # the level at which two sides are compared: logarithms reach up, exponentials down
TRIES, UNDEFINED, BRANCHES = 60, 8, 12
BABY = 4  # steps in the table of a logarithm for each in the search, of which there are many
BRANCHED, DOUBTED = 1, 2  # a sign was taken, and one that a real number may not have

Place = tuple[int, ...]
Jet = Mapping[int, int]  # coefficients by the set of epsilons, as bits; no zeros are kept
Values = Callable[[Place, int], Jet]  # the entries of an array, by place and level
Number = Callable[[int], Jet]  # a value by level


class NotApplicable(Exception):
    """The terms have something that is not evaluated exactly here, or too deep a tower."""


@dataclass(frozen=True)
class Fingerprint:
    """What was found (agrees, refuted or not applicable), at how many points, and why."""

    said: str
    points: int
    why: str


def agrees(
    before: Term,
    after: Term,
    given: Sequence[Hypothesis] = (),
    drawn: dict[object, Point] | None = None,
) -> Fingerprint:
    """Compare two terms at random points of many sizes, places and labels.

    The points that are ``drawn`` serve other lines under the same hypotheses as well: what lines
    have in common is evaluated once.
    """
    points = 0
    drawn = {} if drawn is None else drawn
    try:
        for setting in settings(before, after, given):
            said, tried, why = compared(before, after, setting, drawn)
            points += tried
            if said != AGREES:
                return Fingerprint(said, points, why)
    except (NotApplicable, terms.NotDifferentiable, RecursionError) as reason:
        return Fingerprint(NOT_APPLICABLE, points, str(reason))
    if not points:
        return Fingerprint(NOT_APPLICABLE, 0, "no point meets the hypotheses")
    return Fingerprint(AGREES, points, "error below degree / 2^28 a point")


# -- jets modulo a prime ----------------------------------------------------------------------------


def plus(left: Jet, right: Jet, p: int) -> Jet:
    """Return the sum of two jets."""
    total = dict(left)
    for bits, value in right.items():
        total[bits] = (total.get(bits, 0) + value) % p
    return {bits: value for bits, value in total.items() if value}


def times(left: Jet, right: Jet, p: int) -> Jet:
    """Return the product of two jets: the square of an epsilon is zero."""
    if len(left) == len(right) == 1 and 0 in left and 0 in right:
        return {0: left[0] * right[0] % p}  # the product of two that are not zero is none
    total: dict[int, int] = {}
    for a, x in left.items():
        for b, y in right.items():
            if not a & b:
                total[a | b] = (total.get(a | b, 0) + x * y) % p
    return {bits: value for bits, value in total.items() if value}


def inverse(jet: Jet, p: int) -> Jet:
    """Return one over a jet."""
    if not jet.get(0):
        raise ZeroDivisionError
    first = {0: pow(jet[0], -1, p)}
    rest = times({b: -v % p for b, v in jet.items() if b}, first, p)
    total: Jet = first
    power: Jet = first
    while power := times(power, rest, p):
        total = plus(total, power, p)
    return total


def power(jet: Jet, exponent: int, p: int) -> Jet:
    """Return a whole power of a jet."""
    if exponent < 0:
        return power(inverse(jet, p), -exponent, p)
    if not any(jet):
        return {0: value} if (value := pow(jet.get(0, 0), exponent, p)) else {}
    result: Jet = {0: 1}
    while exponent:
        if exponent & 1:
            result = times(result, jet, p)
        jet, exponent = times(jet, jet, p), exponent >> 1
    return result


def without(bit: int, jet: Jet) -> Jet:
    """Return the part of a jet that is free of an epsilon."""
    return {bits: value for bits, value in jet.items() if not bits & bit}


def slope_by(bit: int, jet: Jet) -> Jet:
    """Return the coefficient of an epsilon."""
    return {bits ^ bit: value for bits, value in jet.items() if bits & bit}


def is_square(value: int, p: int) -> bool:
    """Return True for a nonzero square, which stands for what is positive."""
    return pow(value, (p - 1) // 2, p) == 1


@cache
def giant_steps(level: int) -> tuple[int, dict[int, int]]:
    """Return the table for discrete logarithms to the base 4, which generates the squares."""
    p = PRIMES[level]
    table, value = {}, 1
    for step in range(BABY * isqrt(p)):
        table[value] = step
        value = value * 4 % p
    return pow(value, -1, p), table


@cache
def logarithm(value: int, level: int) -> int:
    """Return the exponent of 4 that gives a square."""
    p, (giant, table) = PRIMES[level], giant_steps(level)
    for step in range(len(table)):
        if value in table:
            return (step * len(table) + table[value]) % ((p - 1) // 2)
        value = value * giant % p
    raise AssertionError("not a square")


# -- where the two sides are evaluated --------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """Sizes, places of the free indices, a pattern of the labels, and what is assumed."""

    sizes: Mapping[Dimension, int]
    places: Mapping[Index, int]
    labels: int
    given: Sequence[Hypothesis]

    @cached_property
    def constraints(self) -> dict[Array, list[tuple[Entry, Term]]]:
        """The constrained entries of each array, and what they are."""
        found: dict[Array, list[tuple[Entry, Term]]] = {}
        for hypothesis in self.given:
            for pattern, body in hypothesis.replace:
                found.setdefault(pattern.array, []).append((pattern, body))
        return found

    @cached_property
    def assumed_positive(self) -> frozenset[Array]:
        """The arrays of which every entry is assumed to be positive."""
        quantities = (q for h in self.given for q, s in h.signs if s in ("positive", "nonnegative"))
        return frozenset(
            q.array
            for q in quantities
            if isinstance(q, Entry) and len(set(q.indices)) == len(q.indices)
        )


def parts(nodes: Sequence[Term]) -> Iterator[Term]:
    """Yield everything in some terms, the bodies of named quantities included, each once."""
    seen: set[Definition] = set()
    pending = list(reversed(nodes))
    while pending:
        for part in terms.walk(pending.pop()):
            yield part
            if isinstance(part, terms.Use) and part.definition not in seen:
                seen.add(part.definition)
                pending.append(part.definition.body)


def settings(before: Term, after: Term, given: Sequence[Hypothesis]) -> Iterator[Setting]:
    """Yield sizes (all different, all equal, one of them 1), each with every pattern of places."""
    assumed = [t for h in given for pair in h.replace for t in pair]
    assumed += [quantity for h in given for quantity, _ in h.signs]
    every = list(parts([before, after, *assumed]))
    used: dict[Dimension, None] = {}
    label = False
    for part in every:
        match part:
            case Entry(array):
                used.update(dict.fromkeys(array.dimensions))
                label = label or array.domain == "label"
            case terms.Expectation(_, array):
                used.update(dict.fromkeys(array.dimensions))
            case terms.D(_, variable):
                used.update(dict.fromkeys(variable.array.dimensions))
            case terms.Size(dimension):
                used[dimension] = None
            case terms.Sum(index) | terms.Product(index):
                used[index.dimension] = None
    free = sorted(terms.free_indices(before) | terms.free_indices(after), key=lambda i: i.name)
    used.update(dict.fromkeys(i.dimension for i in free))
    order = sorted(used, key=lambda d: (d.rank, d.name))
    apart = [pair for h in given for pair in getattr(h, "distinct", ())]
    choices = [{d: 2 + k for k, d in enumerate(order)}]
    if order:
        choices += [dict.fromkeys(order, 2)]
        choices += [{**dict.fromkeys(order, 2), one: 1} for one in order]
    for number, sizes in enumerate(choices):
        patterns = (0, 1, 2, 3) if label and not number else (number % 4,)
        for places, labels in itertools.product(placements(free, sizes, apart), patterns):
            yield Setting(sizes, places, labels, given)


def placements(
    free: Sequence[Index], sizes: Mapping[Dimension, int], apart: Sequence[tuple[Index, Index]]
) -> Iterator[dict[Index, int]]:
    """Yield every pattern of equal and different places of the free indices."""
    if not free:
        yield {}
        return
    *rest, index = free
    for places in placements(rest, sizes, apart):
        others = [place for i, place in places.items() if i.dimension == index.dimension]
        for place in range(min(sizes[index.dimension], max(others, default=-1) + 2)):
            new = {**places, index: place}
            if not any(a in new and b in new and new[a] == new[b] for a, b in apart):
                yield new


def compared(
    before: Term, after: Term, setting: Setting, drawn: dict[object, Point]
) -> tuple[str, int, str]:
    """Compare two terms at one point after another until the verdict is clear."""
    undefined = matches = mismatches = unmet = 0
    doubted = False
    for attempt in range(TRIES):
        key = (*setting.sizes.items(), setting.labels, attempt)
        if key not in drawn:
            drawn[key] = Point(setting, random.Random(f"fingerprint {attempt}"))
        point = drawn[key]
        point.taken = 0
        try:
            if not point.once("meets", point.meets):
                unmet += 1
                continue
            here, at = Scope(setting.places), tuple(setting.places.items())
            left, right = (
                point.once((side, at), point.value, side, here, COMPARED)
                for side in (before, after)
            )
        except ZeroDivisionError:
            undefined += 1
            if undefined == UNDEFINED:
                return REFUTED, attempt + 1, "undefined at random points"
            continue
        if left != right:
            doubted = True
            mismatches += not point.taken & DOUBTED
            if mismatches == 2:
                return REFUTED, attempt + 1, where(setting)
        elif not mismatches and not (doubted and point.taken & DOUBTED):
            matches += 1
            if matches >= (BRANCHES if point.taken & BRANCHED or not setting.sizes else 1):
                return AGREES, matches, ""
    if unmet + undefined == TRIES:
        return AGREES, 0, ""
    return NOT_APPLICABLE, TRIES, "a branch of a root, logarithm or absolute value stays open"


def where(setting: Setting) -> str:
    """Return a setting in words."""
    sizes = [f"{d.name} = {size}" for d, size in setting.sizes.items()]
    places = [f"{i.name} = {place + 1}" for i, place in setting.places.items()]
    return f"differs at {', '.join(sizes + places) or 'random numbers'}"


# -- one point --------------------------------------------------------------------------------------


class Scope(NamedTuple):
    """What names mean: places of indices, arrays that are parameters, entries set anew."""

    places: Mapping[Index, int]
    bound: Mapping[Array, Values] = {}
    entries: Mapping[tuple[Array, Place], Number] = {}
    state: tuple[object, ...] = ()  # tells one setting of the entries from another
    depth: int = 0  # open derivatives

    def at(self, indices: Sequence[Index]) -> Place:
        """Return the place of some indices."""
        return tuple(map(self.places.__getitem__, indices))


@dataclass
class Point:
    """Random numbers for entries and functions, drawn when they are asked for."""

    setting: Setting
    source: random.Random
    drawn: dict[object, int] = field(default_factory=dict)
    known: dict[object, tuple[Any, int]] = field(default_factory=dict)
    taken: int = 0  # whether a sign was taken, and one that a real number may not have

    def once(self, key: object, work: Callable[..., Any], *given: object) -> Any:
        """Return what is worked out once, with the signs that were taken for it."""
        if key not in self.known:
            before, self.taken = self.taken, 0
            self.known[key] = work(*given), self.taken
            self.taken = before
        found, taken = self.known[key]
        self.taken |= taken
        return found

    def draw(self, key: object, level: int, square: bool = False) -> int:
        """Return the random number of a key, which is a square for what is positive."""
        if (key, level) not in self.drawn:
            p = PRIMES[level]
            value = self.source.randrange(1, p)
            self.drawn[key, level] = value * value % p if square else value
        return self.drawn[key, level]

    def meets(self) -> bool:
        """Return True when the assumed signs hold at every place."""
        for hypothesis in self.setting.given:
            for quantity, sign in hypothesis.signs:
                if sign == "zero":
                    raise NotApplicable("a quantity that is assumed to be zero")
                own = sorted(terms.free_indices(quantity), key=lambda i: i.name)
                for place in itertools.product(
                    *(range(self.setting.sizes[i.dimension]) for i in own)
                ):
                    value = self.value(
                        quantity, Scope(dict(zip(own, place, strict=True))), COMPARED
                    )
                    number = (
                        -value.get(0, 0) if sign in ("negative", "nonpositive") else value.get(0, 0)
                    )
                    if not is_square(number % PRIMES[COMPARED], PRIMES[COMPARED]):
                        return False
        return True

    def entry(self, array: Array, place: Place, scope: Scope, level: int) -> Jet:
        """Return an entry: set anew, a parameter's, constrained by a hypothesis, or random."""
        if array in scope.bound:
            return scope.bound[array](place, level)
        if (array, place) in scope.entries:
            return scope.entries[array, place](level)
        return self.once((array, place, level), self.free_entry, array, place, level, None)

    def free_entry(self, array: Array, place: Place, level: int, base: Array | None) -> Jet:
        """Return an entry of the point; of the array ``base`` the number before any constraint."""
        if array != base:
            for pattern, body in self.setting.constraints.get(array, ()):
                at = dict(zip(pattern.indices, place, strict=False))
                if place == tuple(at[i] for i in pattern.indices):
                    return self.constrained(array, place, body, at, level)
        if array.domain == "label":
            shift = self.setting.labels
            return {0: 1} if shift == 2 or (shift < 2 and (sum(place) + shift) % 2 == 0) else {}
        square = (
            array.domain in ("positive", "nonnegative", "unit")
            or array in self.setting.assumed_positive
        )
        return {0: self.draw((array, place), level, square)}

    def constrained(
        self, array: Array, place: Place, body: Term, at: Mapping[Index, int], level: int
    ) -> Jet:
        """Return the value that a hypothesis gives an entry, at a base point of its own."""
        base: Values = lambda here, l: self.free_entry(array, here, l, array)  # noqa: E731
        key = ("constrained", array, place, level)
        return self.once(key, self.value, body, Scope(at, {array: base}), level)

    def value(self, node: Term, scope: Scope, level: int) -> Jet:
        """Return the value of a term modulo the prime of a level."""
        if not 0 <= level < len(PRIMES):
            raise NotApplicable("too many exponentials or logarithms in one another")
        p = PRIMES[level]
        match node:
            case Entry(array, indices):
                return self.entry(array, scope.at(indices), scope, level)
            case terms.Number(number):
                return self.constant(number, p)
            case terms.Size(dimension):
                return {0: self.setting.sizes[dimension]}
            case terms.Add(summands):
                total: Jet = {}
                for part in summands:
                    total = plus(total, self.value(part, scope, level), p)
                return total
            case terms.Mul(factors):
                total = {0: 1}
                for part in factors:
                    total = times(total, self.value(part, scope, level), p)
                return total
            case terms.Neg(inner):
                return {b: p - v for b, v in self.value(inner, scope, level).items()}
            case terms.Div(above, below):
                under = inverse(self.value(below, scope, level), p)
                return times(self.value(above, scope, level), under, p)
            case terms.Delta(left, right):
                return {0: 1} if scope.places[left] == scope.places[right] else {}
            case terms.Sum(index, body) | terms.Product(index, body):
                adds = isinstance(node, terms.Sum)
                total = {} if adds else {0: 1}
                for place in range(self.setting.sizes[index.dimension]):
                    inner_scope = scope._replace(places={**scope.places, index: place})
                    part_value = self.value(body, inner_scope, level)
                    total = (plus if adds else times)(total, part_value, p)
                return total
            case terms.Pow(base, exponent):
                return self.power(base, exponent, scope, level)
            case terms.Apply(function, arguments):
                if function.kink:
                    return self.kinked(function, arguments, scope, level)
                numbers = tuple(self.later(a, scope) for a in arguments)
                return self.applied(function, numbers, level)
            case terms.Use():
                return self.used(node, scope, level)
            case terms.D(body, variable):
                return self.slope(body, variable, scope, level)
            case terms.Expectation():
                return self.expected(node, scope, level)
            case terms.Written():
                return self.value(node.meaning, scope, level)
        raise NotApplicable(f"a {type(node).__name__.lower()} has no value modulo a prime")

    def constant(self, number: Fraction, p: int) -> Jet:
        """Return a number; one as large as a prime would be mistaken for another."""
        if max(abs(number.numerator), number.denominator) >= PRIMES[-1]:
            raise NotApplicable("a number as large as the primes")
        value = number.numerator * pow(number.denominator, -1, p) % p
        return {0: value} if value else {}

    def later(self, node: Term, scope: Scope) -> Number:
        """Return a term's value by level, worked out when it is asked for, and once."""
        found: dict[int, Jet] = {}

        def number(level: int) -> Jet:
            if level not in found:
                found[level] = self.value(node, scope, level)
            return found[level]

        return number

    def used(self, node: terms.Use, scope: Scope, level: int) -> Jet:
        """Return the value of a named quantity: its parameters are looked up in a new scope."""
        places: dict[Index, int] = {}
        bound: dict[Array, Values] = {}
        for parameter, argument in zip(node.definition.parameters, node.arguments, strict=True):
            match parameter, argument:
                case Index(), Index():
                    places[parameter] = scope.places[argument]
                case Entry(), Term():
                    bound[parameter.array] = entries_of_scalar(self.later(argument, scope))
                case Array(), terms.Each():
                    bound[parameter] = self.closure(argument, scope)
        inner = Scope(places, bound, scope.entries, scope.state, scope.depth)
        if bound:
            return self.value(node.definition.body, inner, level)
        key = (node.definition, tuple(places.values()), scope.state, level)
        return self.once(key, self.value, node.definition.body, inner, level)

    def closure(self, argument: terms.Each, scope: Scope) -> Values:
        """Return an array given by its entries, which mean what they mean where they stand."""
        found: dict[tuple[Place, int], Jet] = {}

        def values(place: Place, level: int) -> Jet:
            if (place, level) not in found:
                inner = {**scope.places, **dict(zip(argument.indices, place, strict=True))}
                body = self.value(argument.body, scope._replace(places=inner), level)
                found[place, level] = body
            return found[place, level]

        return values

    def with_entry(
        self, scope: Scope, array: Array, place: Place, number: Number, tag: object
    ) -> Scope:
        """Return the scope in which one entry is another number."""
        if array in scope.bound:
            old = scope.bound[array]
            new: Values = lambda at, level: number(level) if at == place else old(at, level)  # noqa: E731
            return scope._replace(bound={**scope.bound, array: new})
        entries = {**scope.entries, (array, place): number}
        return scope._replace(entries=entries, state=(*scope.state, (array, place, tag)))

    def slope(self, body: Term, variable: Entry, scope: Scope, level: int) -> Jet:
        """Return a derivative: the coefficient of a new epsilon that is added to the variable."""
        bit, place = 1 << scope.depth, scope.at(variable.indices)
        number: Number = lambda l: {  # noqa: E731
            **self.entry(variable.array, place, scope, l), bit: 1
        }  # fmt: skip
        moved = self.with_entry(scope, variable.array, place, number, scope.depth)
        moved = moved._replace(depth=scope.depth + 1)
        return slope_by(bit, self.value(body, moved, level))

    def expected(self, node: terms.Expectation, scope: Scope, level: int) -> Jet:
        """Return an expectation: the label is each outcome in turn."""
        p, at = PRIMES[level], scope.at(node.at)
        total: Jet = {}
        if isinstance(node.outcomes, terms.Each):
            (index,) = node.outcomes.indices
            size = self.setting.sizes[index.dimension]
            for outcome in range(size):
                inner = scope
                for other in range(size):
                    is_it: Number = entries_constant({0: 1} if other == outcome else {})
                    inner = self.with_entry(inner, node.array, (*at, other), is_it, ("is", outcome))
                chance_scope = scope._replace(places={**scope.places, index: outcome})
                chance = self.value(node.outcomes.body, chance_scope, level)
                total = plus(total, times(chance, self.value(node.body, inner, level), p), p)
            return total
        for value, chance_term in node.outcomes:
            number: Number = lambda l, value=value: self.constant(value, PRIMES[l])  # type: ignore[misc] # noqa: E731
            inner = self.with_entry(scope, node.array, at, number, ("is", value))
            chance = self.value(chance_term, scope, level)
            total = plus(total, times(chance, self.value(node.body, inner, level), p), p)
        return total

    # -- functions --

    def applied(self, function: Function, numbers: tuple[Number, ...], level: int) -> Jet:
        """Return a function of jets: one epsilon after another is taken off by the slopes."""
        p = PRIMES[level]
        jets = [number(level) for number in numbers]
        bit = max((bits for jet in jets for bits in jet), default=0)
        if not bit:
            return self.plain(function, numbers, level)
        bit = 1 << (bit.bit_length() - 1)
        rest = tuple(stripped(number, bit) for number in numbers)
        total = self.applied(function, rest, level)
        for place, jet in enumerate(jets):
            if moved := slope_by(bit, jet):
                slope = self.slope_of(function, place, rest, level)
                total = plus(total, times({bit: 1}, times(slope, moved, p), p), p)
        return total

    def slope_of(
        self, function: Function, place: int, numbers: tuple[Number, ...], level: int
    ) -> Jet:
        """Return a partial derivative of a function, from what it says of itself."""
        names = tuple(Array(f"argument {k}") for k in range(function.arity))
        slope = function.slope(place, tuple(Entry(name) for name in names))
        bound = {n: entries_of_scalar(v) for n, v in zip(names, numbers, strict=True)}
        return self.value(slope, Scope({}, bound, depth=64), level)

    def plain(self, function: Function, numbers: tuple[Number, ...], level: int) -> Jet:
        """Return a function of plain numbers."""
        p = PRIMES[level]
        if function is terms.exp:
            if level + 1 == len(PRIMES):
                raise NotApplicable("too many exponentials in one another")
            return {0: pow(4, numbers[0](level + 1).get(0, 0), p)}
        if function is terms.log:
            if level == 0:
                raise NotApplicable("too many logarithms in one another")
            exponent = logarithm(self.positive(numbers[0](level - 1), level - 1), level - 1)
            return {0: exponent} if exponent else {}
        if function.slopes is not None or not function.arity:
            self.taken |= DOUBTED  # it may obey laws that are not known here
        at = tuple(number(level).get(0, 0) for number in numbers)
        key = (function.of or function, function.order, at)
        return {0: self.draw(key, level, function.positive)}

    def positive(self, jet: Jet, level: int) -> int:
        """Return the square among a number and its negative."""
        value, p = jet.get(0, 0), PRIMES[level]
        if not value:
            raise ZeroDivisionError
        if is_square(value, p):
            return value
        self.taken |= DOUBTED
        return p - value

    def power(self, base: Term, exponent: Term, scope: Scope, level: int) -> Jet:
        """Return a power; one that is not whole is exp(exponent log(base))."""
        p = PRIMES[level]
        jet, upper = self.value(base, scope, level), self.later(exponent, scope)
        here = upper(level)
        whole = here.get(0, 0) if here.get(0, 0) < 2**16 else here[0] - p
        if not any(here) and abs(whole) < 2**16:
            return power(jet, whole, p)
        if level + 1 == len(PRIMES):
            raise NotApplicable("too many exponentials in one another")
        if isinstance(exponent, terms.Number) and exponent.value.denominator == 1:
            return power(jet, int(exponent.value), p)
        if not jet and isinstance(exponent, terms.Number) and exponent.value > 0:
            return {}
        self.taken |= BRANCHED
        root = {0: self.positive(jet, level)}
        turned = jet if root[0] == jet[0] else {b: p - v for b, v in jet.items()}
        first = pow(4, logarithm(root[0], level) * upper(level + 1).get(0, 0), p)
        # What is left is a series: exp of the nilpotent part of exponent log(base).
        rest = times(turned, inverse(root, p), p)
        nilpotent = {b: v for b, v in rest.items() if b}
        term_: Jet = {0: 1}
        series: Jet = {}
        for k in range(1, 64):
            term_ = times(term_, nilpotent, p)
            if not term_:
                break
            series = plus(series, times(term_, {0: pow(k if k % 2 else -k, -1, p)}, p), p)
        moved = times(here, series, p)
        if change := {b: v for b, v in here.items() if b}:
            log = self.plain(terms.log, (self.later(base, scope),), level)
            moved = plus(moved, times(change, log, p), p)
        total: Jet = {0: 1}
        term_ = {0: 1}
        for k in range(1, 64):
            term_ = times(times(term_, moved, p), {0: pow(k, -1, p)}, p)
            if not term_:
                break
            total = plus(total, term_, p)
        return times({0: first}, total, p)

    def kinked(
        self, function: Function, arguments: tuple[Term, ...], scope: Scope, level: int
    ) -> Jet:
        """Return an absolute value, a minimum or a maximum: what is a square is positive."""
        p = PRIMES[level]
        values = [self.value(a, scope, level) for a in arguments]
        if function not in (terms.absolute, terms.minimum, terms.maximum):
            raise NotApplicable(f"{function.name} is not known here")
        if any(any(jet) for jet in values) and self.closed(arguments):
            raise NotApplicable(f"a derivative of {function.name} where it may have its kink")
        self.taken |= BRANCHED
        compared_to = [a for a in arguments if a != terms.term(0)]
        if len(compared_to) > 1 or not all(map(monomial, compared_to)):
            self.taken |= DOUBTED
        first, second = [*values, {}][:2]
        difference = plus(first, {b: p - v for b, v in second.items()}, p)
        if difference and not difference.get(0):
            raise ZeroDivisionError
        above = not difference or is_square(difference[0], p)
        if function is terms.absolute:
            return first if above else {b: p - v for b, v in first.items()}
        return first if above == (function is terms.maximum) else second

    def closed(self, arguments: Sequence[Term]) -> bool:
        """Return True when what is assumed allows zero: only an open condition may be derived."""
        weak = ("nonnegative", "nonpositive", "zero")
        return any(s in weak for h in self.setting.given for _, s in h.signs) or any(
            isinstance(part, Entry) and part.array.domain in ("nonnegative", "unit")
            for part in parts(arguments)
        )


def entries_of_scalar(number: Number) -> Values:
    """Return a scalar as an array without dimensions."""
    return lambda place, level: number(level)


def entries_constant(jet: Jet) -> Number:
    """Return a number that is the same at all levels."""
    return lambda level: jet


def stripped(number: Number, bit: int) -> Number:
    """Return a number without one epsilon."""
    return lambda level: without(bit, number(level))


def monomial(node: Term) -> bool:
    """Return True for a product of entries and exponentials, whose sign is that of its factors."""
    match node:
        case Entry() | terms.Number() | terms.Apply(terms.exp, _):
            return True
        case terms.Neg(inner) | terms.Pow(inner, terms.Number()):
            return monomial(inner)
        case terms.Mul() | terms.Div():
            return all(map(monomial, terms.children(node)))
    return False
