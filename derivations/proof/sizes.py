"""Exact normal form at explicit sizes: sums written out, everything a rational function.

Each exponential, logarithm and unknown function becomes a symbol of its own with a derivative of
its own, so that the difference of two equal terms is a quotient of polynomials whose numerator
expands to zero. A zero is a proof for that size; nothing is said of others.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy
from sympy.polys.rings import PolyElement

from derivations.language import terms
from derivations.language.terms import Index, Term

# A numerator, and the factors of the denominator with their powers.
Quotient = tuple[PolyElement, Counter[PolyElement]]

LARGEST_POWER = 100  # of an exponential in a polynomial; exp(c m) of a larger c stays as it is


class NotAlgebraic(Exception):
    """The term has a limit, an absolute value or the like: no normal form here."""


@dataclass
class Transcendentals:
    """The symbols that stand for exponentials, logarithms and unknown functions.

    What was worked out with them is kept: the lines of a chain have most of their parts in common.
    """

    named: dict[tuple[str | terms.Function, sympy.Expr], sympy.Symbol] = field(default_factory=dict)
    logarithms: dict[sympy.Expr, sympy.Expr] = field(default_factory=dict)
    values: dict[tuple[Term, tuple[int, ...]], sympy.Expr] = field(default_factory=dict)

    def symbol(self, kind: str | terms.Function, argument: sympy.Expr) -> sympy.Symbol:
        """Return the symbol for one function at one argument."""
        if (kind, argument) not in self.named:
            self.named[kind, argument] = sympy.Dummy("f")
        return self.named[kind, argument]

    def exp(self, argument: sympy.Expr) -> sympy.Expr:
        """Write exp of a polynomial as a product over its monomials."""
        if argument.has(sympy.zoo, sympy.nan):
            raise NotAlgebraic("division by zero")
        logs = {s: a for (kind, a), s in self.named.items() if kind == "log"}
        value = sympy.Integer(1)
        for monomial in sympy.Add.make_args(sympy.expand(argument)):
            coefficient, rest = monomial.as_coeff_Mul()
            if coefficient == 0:
                continue
            if max(abs(coefficient.p), coefficient.q) > LARGEST_POWER:
                coefficient, rest = sympy.sign(coefficient), rest * abs(coefficient)
            if rest in logs and not coefficient.is_Integer:
                raise NotAlgebraic("a root")
            if rest in logs and coefficient.p % 2 and not self.positive(logs[rest]):
                raise NotAlgebraic("exp(log f) of an f that is not plainly positive")
            if coefficient.is_Integer and rest in logs:
                value *= logs[rest] ** coefficient
            else:
                value *= self.symbol("exp", rest) ** coefficient
        return value

    def log(self, argument: sympy.Expr) -> sympy.Expr:
        """Write log of a rational function's absolute value as a sum over irreducible factors."""
        if argument not in self.logarithms:
            self.logarithms[argument] = self.split_log(argument)
        return self.logarithms[argument]

    def split_log(self, argument: sympy.Expr) -> sympy.Expr:
        """Factor the argument of a logarithm."""
        if argument.has(sympy.zoo, sympy.nan):
            raise NotAlgebraic("division by zero")
        exps = {s: a for (kind, a), s in self.named.items() if kind == "exp"}
        value = sympy.Integer(0)
        for sign, part in zip((1, -1), sympy.fraction(sympy.factor(argument)), strict=True):
            content, factors = sympy.factor_list(part)
            if content == 0:
                raise NotAlgebraic("the logarithm of zero")
            if content < 0 and all(self.positive(factor) for factor, _ in factors):
                raise NotAlgebraic("the logarithm of something negative")
            numbers = {
                **sympy.factorint(abs(content.p)),
                **{q: -e for q, e in sympy.factorint(content.q).items()},
            }
            for prime, power in numbers.items():
                value += sign * power * self.symbol("log", sympy.Integer(prime))
            for factor, power in factors:
                value += (
                    sign * power * (exps[factor] if factor in exps else self.symbol("log", factor))
                )
        return value

    def positive(self, polynomial: sympy.Expr) -> bool:
        """Return True for a sum of products of exponentials and positive entries."""
        exps = {s for (kind, _), s in self.named.items() if kind == "exp"}
        known = all(s in exps or s.is_positive for s in polynomial.free_symbols)
        terms = sympy.Add.make_args(sympy.expand(polynomial))
        return known and all(t.as_coeff_Mul()[0] > 0 for t in terms)

    def diff(self, expression: sympy.Expr, variable: sympy.Symbol) -> sympy.Expr:
        """Differentiate by the chain rule through the symbols."""
        result = sympy.diff(expression, variable)
        present = expression.free_symbols
        for (kind, argument), symbol in list(self.named.items()):
            if symbol not in present:
                continue
            inner = self.diff(argument, variable)
            if inner == 0:
                continue
            if kind == "exp":
                outer = symbol
            elif kind == "log":
                outer = 1 / argument
            elif isinstance(kind, str):
                raise NotAlgebraic(kind)
            elif kind.slopes is None:
                outer = self.symbol(kind.prime, argument)
            else:
                place = terms.scalar(f"argument {symbol.dummy_index}")
                at_argument: dict[tuple[str, tuple[int, ...]], int | sympy.Expr] = {
                    (place.array.name, ()): argument
                }
                outer = explicit(kind.slope(0, (place,)), {}, {}, at_argument, self)
            result += sympy.diff(expression, symbol) * outer * inner
        return result


def explicit(
    node: Term,
    sizes: Mapping[str, int],
    at: Mapping[Index, int],
    labels: Mapping[tuple[str, tuple[int, ...]], int | sympy.Expr],
    known: Transcendentals,
) -> sympy.Expr:
    """Return a term with every sum written out; ``labels`` are the entries with a known value.

    ``known`` is to be used with the same sizes and labels throughout.
    """

    def of(node: Term, at: Mapping[Index, int]) -> sympy.Expr:
        match node:
            case terms.Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case terms.Size(dimension):
                return sympy.Integer(sizes[dimension.name])
            case terms.Entry(array, indices):
                place = tuple(at[i] for i in indices)
                if (array.name, place) in labels:
                    return sympy.sympify(labels[array.name, place])
                # What is assumed stands in the name: symbols of functions go by names alone.
                if array.domain == "positive":
                    return sympy.Symbol(f"{array.name}{list(place)}>0", positive=True)
                return sympy.Symbol(f"{array.name}{list(place)}")
            case terms.Add(summands):
                return sympy.Add(*(of(s, at) for s in summands))
            case terms.Mul(factors):
                return sympy.Mul(*(of(f, at) for f in factors))
            case terms.Neg(inner):
                return -of(inner, at)
            case terms.Div(numerator, denominator):
                return of(numerator, at) / of(denominator, at)
            case terms.Pow(base, exponent):
                power = sympy.expand(of(exponent, at))
                if power.is_Integer:
                    return of(base, at) ** power
                return known.exp(power * known.log(of(base, at)))
            case terms.Apply(terms.exp, (argument,)):
                return known.exp(of(argument, at))
            case terms.Apply(terms.log, (argument,)):
                return known.log(of(argument, at))
            case terms.Apply(function, (argument,)) if not function.kink:
                return known.symbol(function, sympy.expand(of(argument, at)))
            case terms.Delta(left, right):
                return sympy.Integer(at[left] == at[right])
            case terms.Sum(index, body):
                counts = range(sizes[index.dimension.name])
                return sympy.Add(*(of(body, {**at, index: c}) for c in counts))
            case terms.Product(index, body):
                counts = range(sizes[index.dimension.name])
                return sympy.Mul(*(of(body, {**at, index: c}) for c in counts))
            case terms.Use():
                # A quantity is named because it is used often.
                return kept(node, at)
            case terms.Written() | terms.Expectation():
                return of(node.meaning, at)
            case terms.D():
                return kept(node, at)
        raise NotAlgebraic(type(node).__name__)

    def kept(node: Term, at: Mapping[Index, int]) -> sympy.Expr:
        """Return the value of a term, worked out once at each place of its free indices."""
        own = sorted(terms.free_indices(node), key=lambda i: i.name)
        place = node, tuple(at[i] for i in own)
        if place not in known.values:
            match node:
                case terms.Use():
                    known.values[place] = of(terms.instantiate(node), at)
                case terms.D(body, variable):
                    known.values[place] = known.diff(of(body, at), of(variable, at))
                case _:
                    known.values[place] = of(node, at)
        return known.values[place]

    return kept(node, at)


def is_zero(expression: sympy.Expr) -> bool:
    """Return True when a quotient of polynomials has the numerator zero.

    A symbol with a broken exponent, as in exp(x/2) = e^(1/2), is a power of its root.
    """
    symbols = sorted(expression.free_symbols, key=sympy.default_sort_key)
    if not symbols:
        return bool(expression == 0)
    roots = dict.fromkeys(symbols, 1)
    for power in expression.atoms(sympy.Pow):
        if power.base in roots and power.exp.is_Rational:
            roots[power.base] = math.lcm(roots[power.base], power.exp.q)
    ring, *generators = sympy.ring(symbols, sympy.QQ)
    generator = dict(zip(symbols, generators, strict=True))

    def of(node: sympy.Expr) -> Quotient:
        if node.is_Rational:
            return ring.ground_new(sympy.QQ(node.p, node.q)), Counter()
        if node.is_Symbol:
            return generator[node] ** roots[node], Counter()
        if node.is_Add:
            parts = [of(part) for part in node.args]
            common = functools.reduce(operator.or_, (below for _, below in parts))
            return sum(above * multiplied(common - below) for above, below in parts), common
        if node.is_Mul:
            parts = [of(part) for part in node.args]
            below = sum((below for _, below in parts), Counter())
            return math.prod(above for above, _ in parts), below
        if not node.is_Pow:
            raise ZeroDivisionError  # SymPy's infinity
        exponent = node.exp * roots.get(node.base, 1)
        if not exponent.is_Integer:
            raise NotAlgebraic("a root")
        above, below = (generator[node.base], Counter()) if node.base.is_Symbol else of(node.base)
        if exponent < 0 and above == 0:
            raise ZeroDivisionError
        if exponent < 0:
            above, below = multiplied(below), Counter({above: 1})
        times = abs(int(exponent))
        return above**times, Counter({d: n * times for d, n in below.items()})

    def multiplied(factors: Counter[PolyElement]) -> PolyElement:
        return math.prod((factor**count for factor, count in factors.items()), start=ring.one)

    try:
        return bool(of(expression)[0] == 0)
    except ZeroDivisionError:
        return False


def equal_at(
    left: Term,
    right: Term,
    sizes: Mapping[str, int],
    at: Mapping[Index, int],
    labels: Mapping[tuple[str, tuple[int, ...]], int],
) -> bool:
    """Return True when two terms are proved equal at explicit sizes, places and labels."""
    known = transcendentals(tuple(sorted(sizes.items())), tuple(sorted(labels.items())))
    difference = explicit(left, sizes, at, labels, known) - explicit(
        right, sizes, at, labels, known
    )
    return is_zero(difference)


@functools.lru_cache(maxsize=16)
def transcendentals(
    sizes: tuple[tuple[str, int], ...], labels: tuple[tuple[tuple[str, tuple[int, ...]], int], ...]
) -> Transcendentals:
    """Return the symbols in use at some sizes and labels: the lines of a chain share them."""
    return Transcendentals()


def labelings(
    node: Term, sizes: Mapping[str, int]
) -> Iterator[dict[tuple[str, tuple[int, ...]], int]]:
    """Yield values for the 0-1 labels: all one, all zero, or mixed where there are several."""
    arrays = {e.array for e in terms.walk(terms.unfold(node)) if isinstance(e, terms.Entry)}
    places = [
        (array.name, place)
        for array in sorted(arrays, key=lambda a: a.name)
        if array.domain == "label"
        for place in itertools.product(*(range(sizes[d.name]) for d in array.dimensions))
    ]
    patterns: list[Sequence[int]] = [(1, 0)] if len(places) > 1 else [(1,), (0,)]
    for pattern in patterns if places else [(0,)]:
        yield {place: pattern[c % len(pattern)] for c, place in enumerate(places)}
