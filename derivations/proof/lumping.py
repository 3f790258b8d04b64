"""The second generic proof: rest-lumping, in plain scalar calculus without a sum.

Of a sum over n terms only those at the free indices are told apart; all the others are one
opaque rest, of which nothing is assumed but that the variable of differentiation is not in it.
For every pattern of equal and different free indices an identity becomes one between finitely
many scalars, and each proof covers every size. A sum over the data is dealt with by linearity:
when both sides are sums of one term for each data point, one data point decides.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import sympy

from derivations.language import terms
from derivations.language.terms import Dimension, Index, Term

Tokens = dict[Index, str]


class NotLumpable(Exception):
    """The rest of some sum depends on the variable, or the term is not of this kind."""


def patterns(free: Sequence[Index]) -> Iterator[dict[Index, str]]:
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
        yield {index: part[0].name for part in parts for index in part}


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


@lru_cache(maxsize=512)
def scalars(
    node: Term, told: frozenset[tuple[Index, str]], one_point: frozenset[Dimension]
) -> sympy.Expr:
    """Return a term as a scalar expression in entries and rests, given tokens of the indices."""
    tokens = dict(told)
    hidden: dict[sympy.Symbol, frozenset[sympy.Symbol]] = {}
    distinguished: dict[Dimension, list[str]] = {}
    for index, token in sorted(tokens.items(), key=lambda item: item[0].name):
        here = distinguished.setdefault(index.dimension, [])
        if token not in here:
            here.append(token)
    depth = itertools.count()

    def of(node: Term, tokens: Tokens) -> sympy.Expr:
        match node:
            case terms.Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case terms.Size(dimension):
                return sympy.Symbol(dimension.name, positive=True)
            case terms.Entry(array, indices):
                return sympy.Symbol(
                    f"{array.name}[{','.join(tokens[i] for i in indices)}]", real=True
                )
            case terms.Add(summands):
                return sympy.Add(*(of(s, tokens) for s in summands))
            case terms.Mul(factors):
                return sympy.Mul(*(of(f, tokens) for f in factors))
            case terms.Neg(inner):
                return -of(inner, tokens)
            case terms.Div(numerator, denominator):
                return of(numerator, tokens) / of(denominator, tokens)
            case terms.Pow(base, exponent):
                return of(base, tokens) ** of(exponent, tokens)
            case terms.Apply(terms.exp, (argument,)):
                return sympy.exp(of(argument, tokens))
            case terms.Apply(terms.log, (argument,)):
                return sympy.log(of(argument, tokens))
            case terms.Apply(function, (argument,)) if not function.kink:
                return unknown(function)(of(argument, tokens))
            case terms.Delta(left, right):
                if tokens[left] != tokens[right] and "#" in tokens[left] and "#" in tokens[right]:
                    raise NotLumpable("a delta between two rests")
                return sympy.Integer(tokens[left] == tokens[right])
            case terms.Sum(index, body) if index.dimension in one_point:
                return of(body, {**tokens, index: "one"})
            case terms.Sum(index, body):
                apart = distinguished.get(index.dimension, [])
                told = [of(body, {**tokens, index: token}) for token in apart]
                generic = f"#{next(depth)}#"
                return sympy.Add(*told, rest(of(body, {**tokens, index: generic}), generic, index))
            case terms.D(body, variable):
                if any("#" in tokens[i] for i in variable.indices):
                    raise NotLumpable("a derivative by an entry of the rest")
                inner, moving = of(body, tokens), of(variable, tokens)
                if any(moving in hidden.get(s, ()) for s in inner.free_symbols):
                    raise NotLumpable("the rest of a sum has the variable of differentiation in it")
                return sympy.diff(inner, moving)
        raise NotLumpable(type(node).__name__)

    def rest(body: sympy.Expr, generic: str, index: Index) -> sympy.Expr:
        own = {s for s in body.free_symbols if generic in str(s)}
        value = sympy.Integer(0)
        for addend in sympy.Add.make_args(sympy.expand(body, log=True)):
            outside, inside = (
                addend.as_independent(*own, as_Add=False) if own else (addend, sympy.Integer(1))
            )
            if inside == 1:
                told = len(distinguished.get(index.dimension, []))
                value += outside * (sympy.Symbol(index.dimension.name, positive=True) - told)
                continue
            # The name counts the levels of rests inside, so that inner and outer rests differ.
            level = 1 + max(map(int, re.findall(r"rest(\d+)_", str(inside))), default=0)
            name = str(inside).replace(generic, f"rest{level}_{index.dimension.name}")
            symbol = sympy.Symbol(f"sum<{index.dimension.name}: {name}>", real=True)
            below = (hidden.get(s, frozenset((s,))) for s in inside.free_symbols)
            hidden[symbol] = frozenset().union(*below)
            value += outside * symbol
        return value

    return of(node, tokens)


@lru_cache
def unknown(function: terms.Function) -> type[sympy.Function]:
    """Return a function of one argument whose derivative is the next function."""
    if function.slopes is not None:
        raise NotLumpable(function.name)
    slope = {"fdiff": lambda self, argindex=1: unknown(function.prime)(*self.args)}
    return type(f"{function.name}_{function.order}", (sympy.Function,), slope)


def is_zero(expression: sympy.Expr) -> bool:
    """Return True when a rational expression in exponentials of monomials is zero."""
    if expression.has(sympy.log):
        expression = sympy.expand_log(expression, force=True)
    symbols: dict[sympy.Expr, sympy.Symbol] = {}

    def split(argument: sympy.Expr) -> sympy.Expr:
        value = sympy.Integer(1)
        for monomial in sympy.Add.make_args(sympy.expand(argument)):
            coefficient, part = monomial.as_coeff_Mul()
            if not coefficient.is_Integer:
                coefficient, part = sympy.Integer(1), monomial
            value *= symbols.setdefault(part, sympy.Dummy("e")) ** coefficient
        return value

    expression = expression.replace(sympy.exp, split)
    numerator, _ = sympy.fraction(sympy.together(expression))
    if (left := sympy.expand(numerator)) != 0 and left.has(sympy.log):
        raise NotLumpable("logarithms of sums are left")
    return bool(left == 0)


def equal(left: Term, right: Term) -> bool:
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
        told = frozenset(tokens.items())
        difference = scalars(left, told, one_point) - scalars(right, told, one_point)
        if not is_zero(difference):
            return False
    return True
