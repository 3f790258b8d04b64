"""The index calculus: a normal form for sums over symbolic sizes, and a zero test.

An expression is a rational function of applications (``atoms``). Their laws are the functions of
this module, one a law:

1. a sum opens with a fresh index and closes with a canonical one: capture cannot happen;
2. a delta contracts only against the index of a sum over the same dimension;
3. a sum is linear, and what does not depend on its index moves out of it;
4. exp(a + b) = exp(a) exp(b), log(ab) = log a + log b, log(exp a) = a, exp(log(a) / q)^q = a;
5. an expression is zero when it is zero for a = b and for a != b, or when it is a sum whose
   terms are zero.

``is_zero`` answers True only for a proof. False means "not proved", never "false".

The lines of a chain have most of their parts in common, so the laws that cost most are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import lcm

import sympy
from sympy.core.expr import Expr
from sympy.polys.rings import PolyElement, PolyRing

from derivations.language.terms import Dimension
from derivations.proof.atoms import (
    Abs,
    Atom,
    Entry,
    Exp,
    Kronecker,
    Log,
    Place,
    Size,
    Total,
    application,
    atoms,
    fresh,
    known_place,
    moved,
    order,
    ordered,
    parts,
    stands_in,
)


class Undecided(Exception):
    """The calculus has no law for what it was given."""


# -- rational functions of applications -----------------------------------------------------------


@lru_cache(maxsize=8192)
def rational(expression: Expr) -> tuple[Expr, Expr]:
    """Return numerator and denominator, expanded and without a common factor."""
    numerator, denominator = over_a_monomial(expression) or over_a_polynomial(expression)
    for name in ordered(atoms(expression)):
        degree = root_order(name)
        if degree == 1:
            continue
        above, below = powers(numerator, name), powers(denominator, name)
        (only, *others) = below
        lack = degree - only % degree if only and not others else 0
        if max(*above, *below) + lack >= degree:
            sides = ({n + lack: c for n, c in side.items()} for side in (above, below))
            top, bottom = (lowered(side, name, degree) for side in sides)
            return rational(top / bottom)
    return numerator, denominator


def over_a_monomial(expression: Expr) -> tuple[Expr, Expr] | None:
    """Return numerator and denominator of a sum of monomials, with powers below zero or without."""
    summands = sympy.Add.make_args(expression)
    scale, lowest = 1, dict[Atom, int]()
    for summand in summands:
        coefficient, rest = summand.as_coeff_Mul()
        if not coefficient.is_Rational:
            return None
        scale = lcm(scale, int(coefficient.q))
        for factor in sympy.Mul.make_args(rest) if rest != 1 else ():
            base, power = factor.as_base_exp()
            if not isinstance(base, Atom):
                return None
            if power < 0:
                lowest[base] = min(lowest.get(base, 0), int(power))
    denominator = sympy.Mul(scale, *(base**-power for base, power in lowest.items()))
    if denominator == 1:
        return expression, denominator
    return sympy.Add(*(summand * denominator for summand in summands)), denominator


def over_a_polynomial(expression: Expr) -> tuple[Expr, Expr]:
    """Return numerator and denominator of a rational expression."""
    names = ordered(atoms(expression))
    ring = ring_in(*names)
    above, below = quotient(expression, ring, dict(zip(names, ring.gens, strict=True)))
    above, below = above.cancel(below)
    return above.as_expr(), below.as_expr()


@lru_cache(maxsize=1024)
def ring_in(*names: Atom) -> PolyRing:
    """Return the polynomials in some applications."""
    return PolyRing(names, sympy.ZZ, sympy.lex)


def quotient(
    expression: Expr, ring: PolyRing, generators: dict[Atom, PolyElement]
) -> tuple[PolyElement, PolyElement]:
    """Return an expression as a quotient of two polynomials."""
    if isinstance(expression, Atom):
        return generators[expression], ring.one
    if expression.is_Rational:
        return ring.ground_new(int(expression.p)), ring.ground_new(int(expression.q))
    if expression.is_Pow:
        above, below = quotient(expression.base, ring, generators)
        power = int(expression.exp)
        if power < 0:
            above, below = below, above
            if not below:
                raise Undecided("division by zero")
        return above ** abs(power), below ** abs(power)
    if expression.is_Mul:
        above = below = ring.one
        for factor in expression.args:
            top, bottom = quotient(factor, ring, generators)
            above, below = above * top, below if bottom == 1 else below * bottom
        return above, below
    if not expression.is_Add:
        raise Undecided("division by zero")
    total, common = ring.zero, ring.one
    for summand in expression.args:
        top, bottom = quotient(summand, ring, generators)
        if bottom == common:
            total = total + top
        else:
            _, mine, other = common.cofactors(bottom)
            total, common = total * other + top * mine, common * other
    return total, common


def powers(polynomial: Expr, atom: Atom) -> dict[int, Expr]:
    """Return the coefficients of an expanded polynomial by the powers of an application."""
    found: dict[int, list[Expr]] = {}
    for monomial in sympy.Add.make_args(polynomial):
        power = int(monomial.as_powers_dict().get(atom, 0))
        found.setdefault(power, []).append(monomial / atom**power)
    return {power: sympy.Add(*coefficients) for power, coefficients in found.items()}


def slope(polynomial: Expr, atom: Atom) -> Expr:
    """Return the derivative of an expanded polynomial by an application."""
    return sympy.Add(*(n * c * atom ** (n - 1) for n, c in powers(polynomial, atom).items() if n))


def lowered(by_power: Mapping[int, Expr], root: Atom, degree: int) -> Expr:
    """Return a polynomial with the power of a root that is its radicand replaced by it."""
    radicand = exponential(degree * root.arguments[0])
    return sympy.Add(
        *(c * radicand ** (n // degree) * root ** (n % degree) for n, c in by_power.items())
    )


@lru_cache(maxsize=4096)
def factors(polynomial: Expr) -> tuple[Expr, tuple[tuple[Expr, int], ...]]:
    """Return the content of an expanded polynomial, and its irreducible factors with their powers."""
    if not polynomial.is_Add:
        content, rest = polynomial.as_coeff_Mul()
        found = rest.as_powers_dict().items() if rest != 1 else ()
        return content, tuple((base, int(power)) for base, power in found)
    names = ordered(atoms(polynomial))
    content, parts_of_it = ring_in(*names).from_expr(polynomial).factor_list()
    return sympy.Integer(int(content)), tuple((p.as_expr(), power) for p, power in parts_of_it)


def root_order(atom: Atom) -> int:
    """Return q where an application is the root exp(log(f) / q), else 1."""
    if not isinstance(atom, Exp):
        return 1
    coefficient, rest = atom.arguments[0].as_coeff_Mul()
    return int(coefficient.q) if coefficient.p == 1 and isinstance(rest, Log) else 1


def normal(expression: Expr) -> Expr:
    """Return the cancelled form."""
    numerator, denominator = rational(expression)
    return numerator / denominator


# -- the laws ---------------------------------------------------------------------------------------


def size(dimension: Dimension) -> Size:
    """Return the number of values of an index."""
    return application(Size, dimension)


def delta(left: Place, right: Place) -> Expr:
    """Kronecker delta of two indices."""
    if left is right:
        return sympy.Integer(1)
    return application(Kronecker, None, *sorted((left, right), key=order))


LARGEST_POWER = 100  # of an exponential in a polynomial; exp(c m) of a larger c stays as it is


def exponential(argument: Expr) -> Expr:
    """exp(sum c m) = product of exp(m)^c over the monomials m; exp(c log f) = f^c."""
    numerator, denominator = rational(argument)
    result = sympy.Integer(1)
    for monomial in sympy.Add.make_args(numerator):
        coefficient, rest = (monomial / denominator).as_coeff_Mul()
        if coefficient == 0:
            continue
        if max(abs(coefficient.p), coefficient.q) > LARGEST_POWER:
            coefficient, rest = sympy.sign(coefficient), rest * abs(coefficient)
        elif not coefficient.is_integer:
            coefficient, rest = coefficient.p, rest / coefficient.q
        if isinstance(rest, Log):
            result *= rest.arguments[0] ** coefficient
        else:
            result *= application(Exp, None, rest) ** coefficient
    return result


def absolute(argument: Expr) -> Expr:
    """|a b| = |a| |b|, and an exponential is positive."""
    result = sympy.Integer(1)
    for turned, part in zip((1, -1), rational(argument), strict=True):
        content, bases = factors(part)
        result *= abs(content) ** turned
        for base, power in bases:
            positive = isinstance(base, Entry) and base.what.domain == "positive"
            if positive or isinstance(base, (Exp, Abs, Size)) or power % 2 == 0:
                result *= base ** (turned * power)
            else:
                both = (application(Abs, None, each) for each in (base, normal(-base)))
                size_of = ordered(both)[0]
                result *= (
                    size_of * base ** (power - 1)
                    if turned == 1
                    else (base ** (1 - power) / size_of)
                )
    return result


def logarithm(argument: Expr, root: bool = False) -> Expr:
    """The logarithm of the absolute value, split over the irreducible factors.

    Under a ``root``, what stands in an even power counts by its absolute value.

    ``exponential`` takes it for the logarithm itself: ``signs.defined`` is to say that each factor
    is positive before anything is proved of a term with logarithms.
    """
    result = sympy.Integer(0)
    for sign, part in zip((1, -1), rational(argument), strict=True):
        content, bases = factors(part)
        if content == 0 or (content < 0 and not bases):
            raise Undecided("the logarithm of zero or of a negative number")
        for turned, whole in ((1, abs(content).p), (-1, content.q)):
            for prime, power in sympy.factorint(whole).items():
                if prime > 1:
                    result += sign * turned * power * application(Log, None, sympy.Integer(prime))
        for base, power in bases:
            if isinstance(base, Exp):
                result += sign * power * base.arguments[0]
            else:
                even = root and power % 2 == 0
                result += sign * power * application(Log, None, absolute(base) if even else base)
    return result


def open_sum(atom: Total) -> tuple[Place, Expr]:
    """Return a sum's body with a fresh index in place of the bound one."""
    bound, body = atom.arguments
    index = fresh(bound.dimension)
    return index, moved(body, {bound: index})


def close_sum(index: Place, body: Expr) -> Total:
    """Return the sum as an application whose bound index is a number.

    The number counts the levels of sums inside, so that inner and outer ones always differ, and
    equal sums are the same application whatever their indices were called.
    """
    level = 1 + max((atom.level for atom in atoms(body)), default=0)
    bound = known_place(index.dimension, level)
    return application(Total, None, bound, moved(body, {index: bound}))


def summation(index: Place, body: Expr) -> Expr:
    """The sum over an index, by contraction of deltas and linearity, in canonical order."""
    body = normal(body)
    if not stands_in(index, body):
        return size(index.dimension) * body
    for atom in parts(body, Kronecker):
        if index in atom.arguments:
            (other,) = (a for a in atom.arguments if a is not index)
            apart = without(body, atom)
            joined = reindexed(body, {index: other})
            return summation(index, apart) + joined - reindexed(apart, {index: other})
    numerator, denominator = rational(body)
    outside, inside = apart_from(index, denominator)
    summed = []
    for monomial in sympy.Add.make_args(numerator):
        free, bound = apart_from(index, monomial)
        summed.append(free / outside * single_sum(index, bound / inside))
    return sympy.Add(*summed)


def apart_from(index: Place, polynomial: Expr) -> tuple[Expr, Expr]:
    """Return the product of the factors without an index, and of those with it."""
    if not stands_in(index, polynomial):
        return polynomial, sympy.Integer(1)
    content, bases = factors(polynomial)
    apart: tuple[list[Expr], list[Expr]] = ([content], [])
    for base, power in bases:
        apart[stands_in(index, base)].append(base**power)
    return sympy.Mul(*apart[0]), sympy.Mul(*apart[1])


def single_sum(index: Place, body: Expr) -> Expr:
    """The sum of one monomial; sums of lower rank inside it move outside."""
    if not stands_in(index, body):
        return size(index.dimension) * body
    for factor in sympy.Mul.make_args(body):
        if isinstance(factor, Total):
            other, inner = open_sum(factor)
            if sorts(other) < sorts(index) and stands_in(index, inner):
                return summation(other, summation(index, inner * body / factor))
    return close_sum(index, body)


def sorts(index: Place) -> tuple[int, str]:
    """Return what sums over different dimensions are nested by."""
    return index.dimension.rank, index.dimension.name


# -- rebuilding an expression after a change --------------------------------------------------------


def rebuild(
    expression: Expr,
    change: Callable[[Atom], Expr | None],
    touched: frozenset[Atom | Place] = frozenset(),
) -> Expr:
    """Apply a change to every application, and the laws again to all that contain it.

    Where only what contains something ``touched`` can change, the rest is left as it is.
    """

    def of_atom(atom: Atom) -> Expr:
        if touched and touched.isdisjoint(atom.parts) and touched.isdisjoint(atom.places):
            return atom
        changed = change(atom)
        if changed is not None:
            return changed
        match atom:
            case Total():
                index, body = open_sum(atom)
                return summation(index, rebuild(body, change, touched))
            case Kronecker():
                return delta(*atom.arguments)
        given = [a if isinstance(a, Place) else rebuild(a, change, touched) for a in atom.arguments]
        match atom:
            case Exp():
                return exponential(given[0])
            case Log():
                return logarithm(given[0])
            case Abs():
                return absolute(given[0])
        return application(type(atom), atom.what, *given)

    return normal(expression.xreplace({atom: of_atom(atom) for atom in atoms(expression)}))


def without(expression: Expr, atom: Atom) -> Expr:
    """Put zero in the place of one application, a delta of two indices that differ."""
    return put(expression, atom, sympy.Integer(0))


def put(expression: Expr, atom: Atom, value: Expr) -> Expr:
    """Put a value in the place of one application."""
    return rebuild(expression, lambda other: value if other is atom else None, frozenset({atom}))


def reindexed(expression: Expr, new: dict[Place, Place]) -> Expr:
    """Replace free indices, and apply the laws again where a new one stands."""
    return rebuild(moved(expression, new), lambda atom: None, frozenset(new.values()))


# -- the zero test ----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def residual(expression: Expr) -> Expr:
    """Return 0 for an expression that is proved to be zero, else what is left of it."""
    expression = normal(commensurate(expression))
    if expression == 0:
        return expression
    expression, _ = rational(expression)
    for atom in parts(expression, Kronecker):
        left, right = atom.arguments
        if not left.bound and not right.bound:
            apart = without(expression, atom)
            left_over = residual(apart)
            return left_over if left_over != 0 else residual(reindexed(expression, {left: right}))
    for kink in parts(expression, Abs):
        if not any(each.bound for each in kink.places):
            argument = kink.arguments[0]
            if residual(put(expression, kink, argument)) == 0:
                return residual(put(expression, kink, -argument))
            return expression
    return residual_of_sums(expression)


def commensurate(expression: Expr) -> Expr:
    """Write exp(m / 2) and exp(m / 3) as powers of exp(m / 6)."""
    groups: dict[Expr, list[tuple[Expr, Atom]]] = {}
    for atom in atoms(expression):
        if isinstance(atom, Exp):
            coefficient, rest = atom.arguments[0].as_coeff_Mul()
            groups.setdefault(rest, []).append((coefficient, atom))
    new: dict[Expr, Expr] = {}
    for rest, members in groups.items():
        if len(members) > 1 and all(c.is_Rational and abs(c.p) == 1 for c, _ in members):
            common = sympy.ilcm(*(c.q for c, _ in members))
            root = application(Exp, None, rest / common)
            new |= {atom: root ** (c * common) for c, atom in members}
    return expression.xreplace(new)


def residual_of_sums(expression: Expr) -> Expr:
    """Write the expression as one sum over a dimension and prove its terms to be zero."""
    numerator, _ = rational(expression)
    sums = ordered(atom for atom in atoms(numerator) if isinstance(atom, Total))
    over = {sorts(s.arguments[0]): s.arguments[0].dimension for s in sums}
    for _, dimension in sorted(over.items()):
        mine = [s for s in sums if s.arguments[0].dimension == dimension]
        index = fresh(dimension)
        body, rest = sympy.Integer(0), sympy.Integer(0)
        for monomial in sympy.Add.make_args(numerator):
            powers_here = monomial.as_powers_dict()
            here = [s for s in mine if s in powers_here]
            if len(here) == 1 and powers_here[here[0]] == 1:
                bound, inner = here[0].arguments
                body += monomial / here[0] * moved(inner, {bound: index})
            else:
                rest += monomial
        if body != 0 and residual(body + rest / size(dimension)) == 0:
            return sympy.Integer(0)
    return sympy.Integer(0) if reordered(expression) == 0 else expression


def reordered(expression: Expr) -> Expr:
    """Put nested sums over one dimension into an order that does not depend on the author."""
    return normal(expression.xreplace({a: first_order(a) for a in atoms(expression)}))


MOST_NESTED, MOST_OPENED = 3, 6  # sums whose order is tried, and sums in a nest


def first_order(atom: Atom) -> Expr:
    """Return the first of all orders of the sums over one dimension in a nest of sums."""
    nest: list[Place] = []
    body: Expr = atom
    while len(nest) < MOST_OPENED:
        factors = list(sympy.Mul.make_args(body))
        found = next((f for f in factors if isinstance(f, Total)), None)
        if found is None:
            break
        factors.remove(found)
        index, inner = open_sum(found)
        nest.append(index)
        body = sympy.Mul(*factors, inner)
    alike = [index for index in nest if sum(i.dimension == index.dimension for i in nest) > 1]
    if not alike or len(alike) > MOST_NESTED or len({i.dimension for i in alike}) > 1:
        return atom
    orders = []
    for permutation in itertools.permutations(alike):
        turn = iter(permutation)
        value = body
        for index in reversed([next(turn) if i in alike else i for i in nest]):
            value = summation(index, value)
        orders.append(value)
    return min(orders, key=sympy.default_sort_key)


def is_zero(expression: Expr) -> bool:
    """Return True when the expression is proved to be zero for all sizes."""
    return residual(expression) == 0
