"""The second generic proof: rest-lumping, in plain scalar calculus without a sum.

Of a sum over n terms only those at the free indices are told apart; all the others are one
opaque rest, of which nothing is assumed but that the variable of differentiation is not in it.
For every pattern of equal and different free indices an identity becomes one between finitely
many scalars, and each proof covers every size. A sum over the data is dealt with by linearity:
when both sides are sums of one term for each data point, one data point decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from operator import mul, or_

import sympy
from sympy.polys.rings import PolyElement, PolyRing

from derivations.language import terms
from derivations.language.terms import Array, Dimension, Index, Term


class NotLumpable(Exception):
    """The rest of some sum depends on the variable, or the term is not of this kind."""


@dataclass(frozen=True)
class Other:
    """Any index of a sum but those told apart; ``level`` counts the rests inside of its own."""

    number: int = 0
    level: int = 0


ONE = Other()  # the one data point of a sum over the data
Token = Index | Other
Tokens = Mapping[Index, Token]


@dataclass(frozen=True)
class Place:
    """An entry of an array at tokens."""

    array: Array
    at: tuple[Token, ...]


@dataclass(frozen=True)
class Rest:
    """What is left of a sum: of an expression in which the index of the sum is a level."""

    dimension: Dimension
    level: int
    body: sympy.Expr
    entries: frozenset[Place]


class Scalar(sympy.Dummy):  # type: ignore[misc]
    """A real number of which nothing is known but what it stands for."""

    what: Place | Rest | Dimension


@cache
def symbol(what: Place | Rest | Dimension) -> Scalar:
    """Return the number that stands for an entry, a rest or a size."""
    found = Scalar()
    found.what = what
    return found


def tokens_of(what: Place | Rest | Dimension) -> frozenset[Token]:
    """Return the tokens that stand in a number."""
    match what:
        case Place(_, at):
            return frozenset(at)
        case Rest(entries=entries):
            return frozenset(t for entry in entries for t in entry.at)
    return frozenset()


def exchanged(what: Place | Rest | Dimension, old: Other, new: Other) -> Place | Rest | Dimension:
    """Return what stands at another token."""
    match what:
        case Place(array, at):
            return Place(array, tuple(new if t == old else t for t in at))
        case Rest(dimension, level, body, entries):
            moved = frozenset(exchanged(e, old, new) for e in entries)
            return Rest(dimension, level, exchange(body, old, new), moved)  # type: ignore[arg-type]
    return what


def exchange(body: sympy.Expr, old: Other, new: Other) -> sympy.Expr:
    """Return an expression at another token."""
    mine = [s for s in body.atoms(Scalar) if old in tokens_of(s.what)]
    return body.xreplace({s: symbol(exchanged(s.what, old, new)) for s in mine})


def patterns(free: Sequence[Index]) -> Iterator[dict[Index, Index]]:
    """Yield every way in which the free indices of each dimension may be equal or different."""

    def partitions(rest: Sequence[Index]) -> Iterator[list[list[Index]]]:
        if not rest:
            yield []
            return
        for parts in partitions(rest[1:]):
            yield [[rest[0]], *parts]
            for number, part in enumerate(parts):
                if part[0].dimension == rest[0].dimension:
                    yield [*parts[:number], [rest[0], *part], *parts[number + 1 :]]

    for parts in partitions(free):
        yield {index: part[0] for part in parts for index in part}


def degree(node: Term, dimension: Dimension) -> int | None:
    """Return how many sums over a dimension are multiplied in each addend; None when mixed."""
    below = [degree(child, dimension) for child in terms.children(node)]
    if None in below:
        return None
    degrees = [d for d in below if d is not None]
    match node:
        case terms.Add():
            return degrees[0] if len(set(degrees)) == 1 else None
        case terms.Mul():
            return sum(degrees)
        case terms.Div():
            return degrees[0] if degrees[1] == 0 else None
        case terms.Sum(index, _) if index.dimension == dimension:
            return 1 if degrees == [0] else None
        case terms.Sum() | terms.Neg() | terms.D():
            return degrees[0]
    return 0 if not any(degrees) else None


@dataclass(frozen=True)
class Case:
    """The indices that are told apart, and over what one data point decides."""

    told: frozenset[Index]
    one_point: frozenset[Dimension]

    def apart(self, dimension: Dimension) -> list[Index]:
        """Return the indices of a dimension that are told apart."""
        return [index for index in self.told if index.dimension == dimension]


def scalars(node: Term, tokens: Tokens, case: Case) -> sympy.Expr:
    """Return a term as a scalar expression in entries and rests, given tokens of the indices."""
    return of_term(node, frozenset((i, tokens[i]) for i in terms.free_indices(node)), case)


@lru_cache(maxsize=8192)
def of_term(node: Term, given: frozenset[tuple[Index, Token]], case: Case) -> sympy.Expr:
    """Return a term as a scalar expression; the lines of a chain have many of them in common."""
    tokens = dict(given)

    def of(node: Term) -> sympy.Expr:
        return scalars(node, tokens, case)

    match node:
        case terms.Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case terms.Size(dimension):
            return symbol(dimension)
        case terms.Entry(array, indices):
            return symbol(Place(array, tuple(tokens[i] for i in indices)))
        case terms.Add(summands):
            return sympy.Add(*map(of, summands))
        case terms.Mul(factors):
            return sympy.Mul(*map(of, factors))
        case terms.Neg(inner):
            return -of(inner)
        case terms.Div(numerator, denominator):
            return of(numerator) / of(denominator)
        case terms.Pow(base, exponent):
            return of(base) ** of(exponent)
        case terms.Apply(terms.exp, (argument,)):
            return sympy.exp(of(argument))
        case terms.Apply(terms.log, (argument,)):
            return logarithm(of(argument))
        case terms.Apply(function, (argument,)) if not function.kink:
            return unknown(function)(of(argument))
        case terms.Delta(left, right):
            one, other = tokens[left], tokens[right]
            if one != other and isinstance(one, Other) and isinstance(other, Other):
                raise NotLumpable("a delta between two rests")
            return sympy.Integer(one == other)
        case terms.Sum(index, body) if index.dimension in case.one_point:
            return scalars(body, {**tokens, index: ONE}, case)
        case terms.Sum(index, body):
            apart = case.apart(index.dimension)
            told = [scalars(body, {**tokens, index: token}, case) for token in apart]
            rests = [t.number for t in tokens.values() if isinstance(t, Other)]
            generic = Other(1 + max(rests, default=0))
            generally = scalars(body, {**tokens, index: generic}, case)
            return sympy.Add(*told, rest(generally, generic, index.dimension, len(apart)))
        case terms.D(body, variable):
            if any(isinstance(tokens[i], Other) and tokens[i] != ONE for i in variable.indices):
                raise NotLumpable("a derivative by an entry of the rest")
            inner, moving = of(body), of(variable)
            found = [s.what for s in inner.atoms(Scalar) if isinstance(s.what, Rest)]
            if any(moving.what in rest.entries for rest in found):
                raise NotLumpable("the rest of a sum has the variable of differentiation in it")
            return sympy.diff(inner, moving)
    raise NotLumpable(type(node).__name__)


def rest(body: sympy.Expr, generic: Other, dimension: Dimension, told: int) -> sympy.Expr:
    """Return the sum over all but those that are told apart: one number for each monomial."""
    own = {s for s in body.atoms(Scalar) if generic in tokens_of(s.what)}
    value = sympy.Integer(0)
    for addend in sympy.Add.make_args(sympy.expand(body)):
        outside, inside = (
            addend.as_independent(*own, as_Add=False) if own else (addend, sympy.Integer(1))
        )
        if inside == 1:
            value += outside * (symbol(dimension) - told)
            continue
        # The level counts the rests inside, so that inner and outer tokens differ.
        numbers = [s.what for s in inside.atoms(Scalar)]
        level = 1 + max((r.level for r in numbers if isinstance(r, Rest)), default=0)
        # Which entries stand in the rest: a derivative by one of them is not taken.
        entries = {n for n in numbers if isinstance(n, Place)}
        entries.update(*(n.entries for n in numbers if isinstance(n, Rest)))
        mark = Other(0, level)
        value += outside * symbol(
            Rest(
                dimension,
                level,
                exchange(inside, generic, mark),
                frozenset(exchanged(e, generic, mark) for e in entries),  # type: ignore[misc]
            )
        )
    return value


def logarithm(value: sympy.Expr) -> sympy.Expr:
    """Return the logarithm of a product as a sum over what is positive, and over what is left.

    What is left stays together: the factors of a positive product may all be negative.
    """
    total, left = sympy.Integer(0), sympy.Integer(1)
    for factor in sympy.Mul.make_args(value):
        base, power = factor.as_base_exp()
        if base is sympy.E:
            total += power
        elif base.is_Number and base.is_positive:
            total += power * sympy.expand_log(sympy.log(base))
        elif is_positive(base):
            total += power * sympy.log(base)
        else:
            left *= factor
    return total + sympy.log(left)


def is_positive(value: sympy.Expr) -> bool:
    """Return True for what is positive by its form, wherever it is not zero."""
    match value:
        case Scalar(what=Place(array)):
            return array.domain != "real"
        case Scalar(what=Rest(body=body)):
            return is_positive(body)
        case sympy.Add() | sympy.Mul():
            return all(map(is_positive, value.args))
        case sympy.Pow():
            return is_positive(value.base)
    return isinstance(value, (sympy.exp, Scalar)) or value.is_positive is True


@cache
def unknown(function: terms.Function) -> type[sympy.Function]:
    """Return a function of one argument whose derivative is the next function."""
    if function.slopes is not None:
        raise NotLumpable(function.name)
    laws: dict[str, Callable[..., object]] = {
        "fdiff": lambda self, argindex=1: unknown(function.prime)(*self.args),
        "_eval_evalf": lambda self, prec: None,  # no number of a function that has its name
    }
    return type(function.name, (sympy.Function,), laws)


def is_zero(expression: sympy.Expr) -> bool:
    """Return True when a rational expression in exponentials of monomials is zero."""
    leaves = {leaf: powers(leaf) for leaf in generators(expression)}
    bases = tuple(dict.fromkeys(base for found in leaves.values() for base in found))
    ring = PolyRing(bases, sympy.QQ, sympy.lex)
    names = dict(zip(bases, ring.gens, strict=True))

    def multiplied(factors: Mapping[PolyElement, int]) -> PolyElement:
        return reduce(mul, (base**power for base, power in factors.items()), ring.one)

    def over(node: sympy.Expr) -> tuple[PolyElement, Counter[PolyElement]]:
        """Return a numerator, and the denominators below it by their powers."""
        if node in leaves:
            found = {names[base]: power for base, power in leaves[node].items()}
            above = multiplied({base: power for base, power in found.items() if power > 0})
            return above, Counter({base: -power for base, power in found.items() if power < 0})
        if node.is_Rational:
            return ring.ground_new(ring.domain.from_sympy(node)), Counter()
        if node.is_Pow:
            above, below = over(node.base)
            power = int(node.exp)
            if power > 0:
                return above**power, Counter({base: power * n for base, n in below.items()})
            if not above:
                raise ZeroDivisionError
            (leading, scale), *others = above.terms()
            apart = {base: n for base, n in zip(ring.gens, leading, strict=True) if n}
            turned = Counter({above.monic(): 1} if others else apart)
            value = multiplied(below).mul_ground(1 / scale)
            return value**-power, Counter({base: -power * n for base, n in turned.items()})
        each = [over(part) for part in node.args]
        if node.is_Mul:
            below = sum((Counter(own) for _, own in each), Counter())
            return reduce(mul, (above for above, _ in each)), below
        common = reduce(or_, (own for _, own in each))
        return sum(above * multiplied(common - own) for above, own in each), common

    try:
        left, _ = over(expression)
    except ZeroDivisionError:
        return False
    if left and any(base.has(sympy.log) for base in bases):
        raise NotLumpable("logarithms of sums are left")
    return not left


def generators(expression: sympy.Expr) -> set[sympy.Expr]:
    """Return what a rational expression is one of."""
    if expression.is_Add or expression.is_Mul:
        return set().union(*map(generators, expression.args))
    if expression.is_Pow and expression.exp.is_Integer:
        return generators(expression.base)
    return set() if expression.is_Rational else {expression}


def powers(leaf: sympy.Expr) -> Counter[sympy.Expr]:
    """Return exponentials of monomials, by the powers of which an exponential is a product."""
    if not isinstance(leaf, sympy.exp):
        return Counter({leaf: 1})
    found: Counter[sympy.Expr] = Counter()
    for monomial in sympy.Add.make_args(sympy.expand(leaf.args[0])):
        coefficient, part = monomial.as_coeff_Mul()
        if not coefficient.is_Integer:
            coefficient, part = 1, monomial
        found[sympy.exp(part)] += int(coefficient)
    return found


def equal(left: Term, right: Term, apart: Sequence[tuple[Index, Index]] = ()) -> bool:
    """Return True when two unfolded terms are proved equal for all sizes by rest-lumping.

    Raises
    ------
    NotLumpable
        Where this route has nothing to say.
    """
    free = sorted(terms.free_indices(left) | terms.free_indices(right), key=lambda i: i.name)
    summed = {
        part.index.dimension
        for part in (*terms.walk(left), *terms.walk(right))
        if isinstance(part, terms.Sum)
    } - {index.dimension for index in free}
    one_point = frozenset(
        d for d in summed if d.rank == 0 and degree(left, d) == degree(right, d) == 1
    )
    if any(d.rank == 0 and d not in one_point for d in summed):
        raise NotLumpable("not a sum of one term for each data point")
    for tokens in patterns(free):
        if any(tokens.get(i, i) == tokens.get(j, j) for i, j in apart):
            continue
        case = Case(frozenset(tokens.values()), one_point)
        difference = scalars(left, tokens, case) - scalars(right, tokens, case)
        if not is_zero(difference):
            return False
    return True
