"""Algebra on written terms: from a term to the one that a person would write.

A cluster of sums, products and powers goes to SymPy as a rational function whose atoms are the
rest: entries, names, sums over an index, exponentials. It comes back in the author's order, in
whichever of its forms (as it stands, expanded, factored) is the shortest. Sums over an index are
linear, and a delta is contracted against the index of a sum. None of this is trusted: the routes
judge each line that is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import sympy

from derivations.language import terms
from derivations.language.terms import (
    Add,
    Apply,
    D,
    Delta,
    Div,
    Each,
    Index,
    Mul,
    Neg,
    Number,
    Pow,
    Size,
    Sum,
    Term,
    Use,
)

ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))

# -- when two terms are the same --------------------------------------------------------------------


@cache
def key(node: Term) -> Any:
    """Return what two terms share that differ in the order of factors or in bound letters."""
    match node:
        case Neg(inner):
            return key(Mul((Number(Fraction(-1)), inner)))
        case Div(numerator, denominator):
            return key(Mul((numerator, Pow(denominator, Number(Fraction(-1))))))
        case Add(parts) | Mul(parts):
            kind = type(node)
            flat: list[Any] = []
            for part in parts:
                found = key(part)
                flat += found[1:] if found[0] is kind else [found]
            return (kind, *sorted(flat, key=repr))
        case Sum(index, body) | terms.Product(index, body):
            return (type(node), index.dimension, key(terms.reindex(body, {index: place(node)})))
        case Use(definition, arguments):
            return (Use, definition, *map(argument_key, arguments))
        case D(body, variable):
            return (D, key(body), key(variable))
        case Apply(function, arguments):
            return (Apply, function, *map(key, arguments))
        case Pow(base, exponent):
            return (Pow, key(base), key(exponent))
        case Delta(left, right):
            return (Delta, *sorted((left, right), key=repr))
        case terms.Written() | terms.Expectation():
            return key(node.meaning)
    return (type(node), node)


def argument_key(argument: Index | Term | Each) -> Any:
    """Return the key of what stands for a parameter."""
    match argument:
        case Index():
            return argument
        case Each(indices, body):
            new = {i: Index(f"#{n}", i.dimension) for n, i in enumerate(indices)}
            return (Each, key(terms.reindex(body, new)))
    return key(argument)


def place(node: Sum | terms.Product) -> Index:
    """Return an index that says how deep a sum is, so that its own letter does not count."""

    def depth(part: Term) -> int:
        below = max(map(depth, terms.children(part)), default=0)
        return below + isinstance(part, (Sum, terms.Product))

    return Index(f"#{depth(node)}", node.index.dimension)


def same(left: Term, right: Term) -> bool:
    """Return True for terms that differ in nothing but the order of factors and bound letters."""
    return bool(key(left) == key(right))


def cost(node: Term) -> int:
    """Return how long a term is to read."""
    below = sum(map(cost, terms.children(node)))
    match node:
        case Add(parts):
            return below + len(parts) - 1
        case Mul(factors):
            return below + sum(isinstance(f, Number) for f in factors)
        case D():
            return below + 6
        case Sum() | terms.Product():
            return below + 3
        case Neg():
            return below + 1
        case Delta():
            return 3
    return below + 1


def work(node: Term) -> int:
    """Return how many addends there are where each index has a hundred values.

    A sum is worked out once at each place of its free indices, whatever it stands in.
    """
    sums = (part for part in terms.walk(node) if isinstance(part, (Sum, terms.Product)))
    return sum(100 ** len(terms.free_indices(part.body) | {part.index}) for part in sums)


MANY = 6  # addends that are summed one by one

# -- building without ones and zeros ----------------------------------------------------------------


def is_number(node: Term, value: int) -> bool:
    """Return True for the number of that value."""
    return isinstance(node, Number) and node.value == value


def plus(parts: Sequence[Term]) -> Term:
    """Return a sum without zeros."""
    flat: list[Term] = []
    for part in parts:
        flat += part.terms if isinstance(part, Add) else () if is_number(part, 0) else (part,)
    return ZERO if not flat else flat[0] if len(flat) == 1 else Add(tuple(flat))


def times(*factors: Term) -> Term:
    """Return a product without ones, its sign in front; zero where a factor is zero."""
    flat: list[Term] = []
    negative = False
    for factor in factors:
        if isinstance(factor, Neg):
            negative, factor = not negative, factor.term
        if is_number(factor, 0):
            return ZERO
        if not is_number(factor, 1):
            flat += factor.factors if isinstance(factor, Mul) else (factor,)
    product = ONE if not flat else flat[0] if len(flat) == 1 else Mul(tuple(flat))
    return negative_of(product) if negative else product


def negative_of(node: Term) -> Term:
    """Return the negative of a term; a difference below it is turned round, where there is one."""
    return turned(node) or Neg(node)


def turned(node: Term) -> Term | None:
    """Return the negative of a term with a difference in it and no sign before it, or None."""
    match node:
        case Add(parts) if any(isinstance(part, Neg) for part in parts):
            flipped = [p.term if isinstance(p, Neg) else Neg(p) for p in parts]
            flipped.sort(key=lambda part: isinstance(part, Neg))
            return Add(tuple(flipped)) if not isinstance(flipped[0], Neg) else None
        case Mul(factors):
            for number, factor in enumerate(factors):
                if (other := turned(factor)) is not None:
                    return Mul((*factors[:number], other, *factors[number + 1 :]))
        case Sum(index, body):
            other = turned(body)
            return None if other is None else Sum(index, other)
        case Div(numerator, denominator):
            other = turned(numerator)
            return None if other is None else Div(other, denominator)
    return None


def over(numerator: Term, denominator: Term) -> Term:
    """Return a quotient; over one it is the numerator."""
    if is_number(denominator, 1) or is_number(numerator, 0):
        return numerator
    if isinstance(numerator, Neg):
        return Neg(Div(numerator.term, denominator))
    return Div(numerator, denominator)


def scaled(factor: Term, node: Term) -> Term:
    """Return a multiple of a term; a fraction is one line below both."""
    if isinstance(factor, Div):
        return over(times(factor.numerator, node), factor.denominator)
    return times(factor, node)


def raised(base: Term, exponent: Term) -> Term:
    """Return a power."""
    return (
        base if is_number(exponent, 1) else ONE if is_number(exponent, 0) else Pow(base, exponent)
    )


# -- to SymPy and back ------------------------------------------------------------------------------

Rewrite = Callable[[Term], Term | None]


class Algebra:
    """The atoms of one term, in the order in which they were met.

    ``rewrite`` may replace an atom, a sum over an index in particular, by what it is known to be.
    """

    def __init__(self, rewrite: Rewrite = lambda node: None) -> None:
        self.symbols: dict[Any, sympy.Dummy] = {}
        self.atoms: dict[sympy.Dummy, Term] = {}
        self.rewrite = rewrite

    def atom(self, node: Term) -> sympy.Expr:
        """Return the symbol of an atom, or the expression of what it is rewritten to."""
        changed = self.rewrite(node)
        if changed is not None:
            return self.up(changed)
        its_key = key(node)
        # A sum of differences that has been met the other way round is its negative.
        other = turned(node) if isinstance(node, Sum) else None
        if other is not None and its_key not in self.symbols and key(other) in self.symbols:
            return -self.symbols[key(other)]
        if its_key not in self.symbols:
            symbol = sympy.Dummy(f"x{len(self.symbols):03}")
            self.symbols[its_key], self.atoms[symbol] = symbol, node
        return self.symbols[its_key]

    def up(self, node: Term) -> sympy.Expr:
        """Return a term as a rational function of its atoms."""
        match node:
            case Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Add(parts):
                return sympy.Add(*map(self.up, parts))
            case Mul(factors):
                return sympy.Mul(*map(self.up, factors))
            case Neg(inner):
                return -self.up(inner)
            case Div(numerator, denominator):
                return self.up(numerator) / self.up(denominator)
            case Pow(base, Number(value)) if value.denominator == 1:
                return self.up(base) ** value.numerator
            case Pow(base, exponent):
                power = self.simplify(exponent)
                if isinstance(power, Number):
                    return self.up(base) ** sympy.Rational(*power.value.as_integer_ratio())
                return self.atom(Pow(self.simplify(base), power))
            case Apply(terms.exp, (argument,)):
                return self.exponential(self.up(argument))
            case Apply(terms.log, (argument,)) if is_number(argument, 1):
                return sympy.Integer(0)
            case Apply(function, arguments):
                return self.atom(Apply(function, tuple(map(self.simplify, arguments))))
            case Sum(index, body):
                summed = self.summed(index, body)
                return self.atom(summed) if isinstance(summed, Sum) else self.up(summed)
            case Delta(left, right) if left == right:
                return sympy.Integer(1)
            case D(body, variable):
                inner = terms.rename_bound(self.simplify(body), frozenset(variable.indices))
                return self.atom(D(inner, variable))
            case Use() | terms.Product():
                return self.atom(terms.with_children(node, self.simplify))
        return self.atom(node)

    def exponential(self, argument: sympy.Expr) -> sympy.Expr:
        """Return e to a sum as a product: what is in common can then cancel."""
        value = sympy.Integer(1)
        for monomial in sympy.Add.make_args(sympy.expand(argument)):
            coefficient, rest = monomial.as_coeff_Mul()
            if not coefficient.is_Integer or rest == 1:
                coefficient, rest = (-1, -monomial) if coefficient < 0 else (1, monomial)
            if rest != 0:
                value *= self.atom(terms.exp(self.down(rest))) ** coefficient
        return value

    def summed(self, index: Index, body: Term) -> Term:
        """Return a sum over an index: deltas contracted, constants before it."""
        inside = self.up(body)
        for symbol in sorted(inside.free_symbols, key=str):
            atom = self.atoms[symbol]
            if isinstance(atom, Delta) and index in (atom.left, atom.right):
                other = atom.right if atom.left == index else atom.left
                rest = inside.subs(symbol, 0)
                joined = self.shortest(inside.subs(symbol, 1) - rest)
                contracted = self.simplify(terms.reindex(joined, {index: other}))
                if sympy.cancel(rest) == 0:
                    return contracted
                return plus((contracted, self.summed(index, self.shortest(rest))))
        return min(self.ways_to_sum(index, inside), key=lambda way: (work(way), cost(way)))

    def settled(self, node: Term) -> sympy.Expr:
        """Return a finished term as an expression: its sums are not summed again."""
        match node:
            case Sum():
                return self.atom(node)
            case Mul(factors):
                return sympy.Mul(*map(self.settled, factors))
            case Neg(inner):
                return -self.settled(inner)
            case Div(numerator, denominator):
                return self.settled(numerator) / self.settled(denominator)
        return self.up(node)

    def ways_to_sum(self, index: Index, inside: sympy.Expr) -> Iterator[Term]:
        """Yield the sum over an index as it stands, addend by addend, and in the other order."""
        addends = sympy.Add.make_args(sympy.expand(inside))
        if 1 < len(addends) <= MANY:
            parts = [self.settled(self.summed(index, self.down(addend))) for addend in addends]
            yield self.down(sympy.Add(*parts))
        inside = min(forms(inside), key=lambda form: cost(self.down(form)))
        yield self.one_sum(index, inside)
        if (together := self.joined(inside)) is not None:
            yield Sum(index, self.apart(index, together))
        for factor in sympy.Mul.make_args(inside):
            atom = self.atoms.get(factor)
            if isinstance(atom, Sum) and index in terms.free_indices(atom):
                other = atom.index
                body = times(self.apart(other, self.down(inside / factor)), atom.body)
                if other == index or other in terms.free_indices(self.down(inside / factor)):
                    continue
                as_it_is = Sum(index, self.apart(index, self.down(inside)))
                if work(swapped := self.swapped(index, other, body)) < work(as_it_is):
                    yield swapped

    def swapped(self, outer: Index, inner: Index, body: Term) -> Term:
        """Return a double sum with the inner sum outside."""
        within = self.up(Sum(outer, terms.rename_bound(body, frozenset({outer}))))
        return self.one_sum(inner, within)

    def one_sum(self, index: Index, inside: sympy.Expr) -> Term:
        """Return one sum over an index, what does not depend on it taken out."""
        own = {s for s in inside.free_symbols if index in terms.free_indices(self.atoms[s])}
        if not own:
            return times(Size(index.dimension), self.down(inside))
        found = []
        for form in (inside, sympy.factor(inside)) if inside.is_Add else (inside,):
            outside, within = form.as_independent(*own, as_Add=False)
            summed = Sum(index, self.apart(index, self.down(within)))
            found.append(scaled(self.down(outside), summed))
        return min(found, key=cost)

    def shortest(self, expression: sympy.Expr) -> Term:
        """Return the shortest form of an expression."""
        return min(map(self.down, forms(expression)), key=cost)

    def apart(self, index: Index, body: Term) -> Term:
        """Return the body of a sum, none of whose own indices is that of the sum."""
        return terms.rename_bound(body, frozenset({index}))

    def down(self, expression: sympy.Expr) -> Term:
        """Return an expression as a term, in the order in which its atoms were met."""
        if expression.is_Number:
            value = Fraction(int(expression.p), int(expression.q))
            return Number(value) if value >= 0 else Neg(Number(-value))
        if expression.is_Symbol:
            return self.atoms[expression]
        if expression.is_Add:
            parts = [self.down(part) for part in sorted(expression.args, key=rank)]
            head = next((p for p in parts if not isinstance(p, Neg)), parts[0])
            parts.remove(head)
            return plus([head, *parts])
        coefficient, rest = expression.as_coeff_Mul()
        if coefficient < 0:
            return times(Neg(ONE), self.down(-expression))
        above: list[tuple[Any, Term]] = []
        below: list[tuple[Any, Term]] = []
        for factor in sympy.Mul.make_args(rest):
            base, exponent = factor.as_base_exp()
            if not exponent.is_Rational:
                raise ValueError(f"no term for {factor}")
            if base.is_Add and exponent % 2 == 1 and base.as_coeff_Add()[0] < 0:
                return times(Neg(ONE), self.down(coefficient * rest / factor * (-base) ** exponent))
            side = below if exponent < 0 else above
            power = Number(abs(Fraction(int(exponent.p), int(exponent.q))))
            side.append((rank(base), raised(self.down(base), power)))
        above.sort(key=lambda pair: (isinstance(pair[1], Sum), pair[0]))
        below.sort(key=lambda pair: (isinstance(pair[1], Sum), pair[0]))
        numerator = times(Number(Fraction(int(coefficient.p))), *(t for _, t in above))
        denominator = times(Number(Fraction(int(coefficient.q))), *(t for _, t in below))
        return over(numerator, denominator)

    def simplify(self, node: Term) -> Term:
        """Return the shortest form of a term."""
        expression = self.up(node)
        found = [self.down(form) for form in forms(expression)]
        shortest = min(found, key=cost)
        joined = self.joined(expression)
        return joined if joined is not None and cost(joined) < cost(shortest) else shortest

    def joined(self, expression: sympy.Expr) -> Term | None:
        """Return several sums over one dimension as one sum."""
        if not expression.is_Add:
            expression = sympy.expand(expression)
        groups: dict[Any, list[tuple[sympy.Expr, Sum]]] = {}
        rest = sympy.Integer(0)
        for monomial in sympy.Add.make_args(expression):
            over_an_index = [s for s in monomial.free_symbols if isinstance(self.atoms[s], Sum)]
            linear = [s for s in over_an_index if monomial.as_powers_dict().get(s) == 1]
            if len(linear) != 1:
                rest += monomial
                continue
            atom = self.atoms[linear[0]]
            assert isinstance(atom, Sum)
            groups.setdefault(atom.index.dimension, []).append((monomial / linear[0], atom))
        if not any(len(group) > 1 for group in groups.values()):
            return None
        parts = [self.down(rest)] if rest != 0 else []
        for group in groups.values():
            taken = frozenset().union(
                *(terms.all_indices(self.down(c)) | terms.all_indices(s.body) for c, s in group)
            )
            letter = group[0][1].index
            index = letter if letter not in self.free(group) else letter.dimension.fresh(taken)
            bodies = [
                times(
                    terms.rename_bound(self.down(c), frozenset({index})),
                    self.apart(
                        index,
                        terms.reindex(
                            terms.rename_bound(s.body, frozenset({index})), {s.index: index}
                        ),
                    ),
                )
                for c, s in group
            ]
            parts.append(self.summed(index, plus(bodies)))
        return plus(parts)

    def free(self, group: Sequence[tuple[sympy.Expr, Sum]]) -> frozenset[Index]:
        """Return the free indices of the coefficients of sums, and of the sums."""
        return frozenset().union(
            *(terms.free_indices(self.down(c)) | terms.free_indices(s) for c, s in group)
        )


@lru_cache(maxsize=8192)
def rank(expression: sympy.Expr) -> tuple[Any, ...]:
    """Return what sorts expressions by the order in which their atoms were met."""
    met = sorted(str(s) for s in expression.free_symbols)
    return (met[:1], expression.is_Add, met, str(expression))


@lru_cache(maxsize=4096)
def forms(expression: sympy.Expr) -> tuple[sympy.Expr, ...]:
    """Return the forms among which the shortest is chosen; a monomial has one."""
    if not expression.has(sympy.Add):
        return (expression,)
    cancelled = sympy.cancel(expression)
    numerator, denominator = sympy.fraction(cancelled)
    found = [sympy.factor(cancelled), sympy.expand(numerator) / sympy.factor(denominator)]
    found += [expression, sympy.factor_terms(expression)]
    return tuple(dict.fromkeys(found))


def gathered(expression: sympy.Expr) -> Iterator[sympy.Expr]:
    """Yield the forms in which the multiples of one atom stand together."""
    numerator, denominator = sympy.fraction(sympy.cancel(expression))
    expanded = sympy.expand(numerator)
    if not expanded.is_Add or len(expanded.args) > 2 * MANY:
        return
    for symbol in sorted(expanded.free_symbols, key=str):
        if sum(monomial.has(symbol) for monomial in expanded.args) > 1:
            yield sympy.collect(expanded, symbol) / sympy.factor(denominator)


@lru_cache(maxsize=4096)
def simplify(node: Term, rewrite: Rewrite = lambda node: None) -> Term:
    """Return the shortest form of a term that algebra finds; ``rewrite`` says what is known."""
    own = Algebra(rewrite)
    shortest = own.simplify(node)
    expression = own.up(shortest)
    return min([shortest, *map(own.down, gathered(expression))], key=cost)
