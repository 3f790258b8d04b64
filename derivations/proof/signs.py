"""The sign of a term, proved from its form: sums of products of what is known to be positive.

``sign`` answers ``"positive"``, ``"nonnegative"``, ``"zero"``, ``"nonpositive"``, ``"negative"`` or
``"unknown"``; the answer is a proof from the domains of the entries, the assumed signs, and the
laws below. It is incomplete on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy.core.expr import Expr

from derivations.language import terms
from derivations.language.terms import Index, Term
from derivations.proof import indices
from derivations.proof.atoms import (
    Abs,
    Applied,
    Atom,
    Entry,
    Exp,
    Kronecker,
    Log,
    Place,
    Size,
    Total,
    fresh,
    moved,
    ordered,
    parts,
    place,
    stands_in,
)
from derivations.proof.matching import match
from derivations.proof.meaning import meaning

DOMAINS = {
    "real": "unknown",
    "positive": "positive",
    "nonnegative": "nonnegative",
    "label": "nonnegative",
    "unit": "nonnegative",
}
OPPOSITE = {
    "positive": "negative",
    "negative": "positive",
    "nonnegative": "nonpositive",
    "nonpositive": "nonnegative",
    "zero": "zero",
    "unknown": "unknown",
}


def times(left: str, right: str) -> str:
    """Return the sign of a product."""
    if "zero" in (left, right):
        return "zero"
    if "unknown" in (left, right):
        return "unknown"
    strict = left in ("positive", "negative") and right in ("positive", "negative")
    same = (left in ("positive", "nonnegative")) == (right in ("positive", "nonnegative"))
    return {
        (True, True): "positive",
        (True, False): "negative",
        (False, True): "nonnegative",
        (False, False): "nonpositive",
    }[strict, same]


def plus(left: str, right: str) -> str:
    """Return the sign of a sum."""
    if left == "zero":
        return right
    if right == "zero":
        return left
    for weak, strict in (("nonnegative", "positive"), ("nonpositive", "negative")):
        if {left, right} <= {weak, strict}:
            return strict if strict in (left, right) else weak
    return "unknown"


@dataclass(frozen=True)
class Facts:
    """Assumed signs of quantities: of each at all of its indices but those that are ``fixed``.

    A fixed index is free in what is claimed, so that the sign is assumed at that place alone. No
    two indices of a pair in ``apart`` are equal.
    """

    signs: tuple[tuple[Term, str], ...] = ()
    fixed: frozenset[Index] = frozenset()
    apart: tuple[tuple[Index, Index], ...] = ()

    def open_to(self, node: Term) -> Iterator[str]:
        """Yield the signs that are assumed of a term as it is written."""
        for known, its_sign in self.signs:
            if matches(known, node, self.fixed):
                yield its_sign


NONE = Facts()
Known = tuple[tuple[Expr, frozenset[Place], str], ...]


def matches(known: Term, node: Term, fixed: frozenset[Index]) -> bool:
    """Return True for the same quantity at indices that are equal where those of ``known`` are."""
    match known, node:
        case (terms.Use(one, _), terms.Use(other, _)) if one == other:
            wanted, found = indices_of(known), indices_of(node)
        case (terms.Entry(one, _), terms.Entry(other, _)) if one == other:
            wanted, found = indices_of(known), indices_of(node)
        case _:
            return known == node
    new = {a: b for a, b in zip(wanted, found, strict=True) if a not in fixed}
    return terms.reindex(known, new) == node


def indices_of(node: Term) -> tuple[Index, ...]:
    """Return the indices at which a quantity stands."""
    match node:
        case terms.Entry(_, indices):
            return indices
        case terms.Use(_, arguments):
            return tuple(a for a in arguments if isinstance(a, Index))
    return ()


@lru_cache(maxsize=1024)
def known_signs(facts: Facts) -> Known:
    """Return the assumed signs by normal form, with the indices that stand for any."""
    return tuple(
        (
            meaning(quantity),
            frozenset(place(i) for i in terms.free_indices(quantity) - facts.fixed),
            its_sign,
        )
        for quantity, its_sign in facts.signs
    )


def sign(node: Term, facts: Facts = NONE) -> str:
    """Return the sign of a term under assumed signs of some quantities and the domains."""
    assumed = next(facts.open_to(node), None)
    if assumed:
        return assumed
    by_form = sign_by_form(node, facts)
    if by_form != "unknown":
        return by_form
    try:
        return sign_of_normal_form(node, facts)
    except indices.Undecided:
        return "unknown"


def sign_by_form(node: Term, facts: Facts) -> str:
    """Return the sign that the outermost operation gives."""
    match node:
        case terms.Number(value):
            return "positive" if value > 0 else "negative" if value < 0 else "zero"
        case terms.Entry(array, _):
            return DOMAINS[array.domain]
        case terms.Size():
            return "positive"
        case terms.Apply(terms.exp, _):
            return "positive"
        case terms.Apply(terms.log, (argument,)):
            return sign(argument - 1, facts)
        case terms.Apply(terms.absolute, (argument,)):
            return (
                "positive" if sign(argument, facts) in ("positive", "negative") else "nonnegative"
            )
        case terms.Neg(inner):
            return OPPOSITE[sign(inner, facts)]
        case terms.Add(summands):
            result = "zero"
            for summand in summands:
                result = plus(result, sign(summand, facts))
            return result
        case terms.Mul(factors):
            result = "positive"
            for factor in factors:
                result = times(result, sign(factor, facts))
            return result
        case terms.Div(numerator, denominator):
            below = sign(denominator, facts)
            strict = below in ("positive", "negative")
            return times(sign(numerator, facts), below) if strict else "unknown"
        case terms.Pow(base, exponent):
            of_base = sign(base, facts)
            if of_base == "positive":
                return "positive"
            if isinstance(exponent, terms.Number) and exponent.value.denominator == 1:
                if exponent.value == 0:
                    return "positive"  # 1, also for the base 0
                even = exponent.value.numerator % 2 == 0
                strict = of_base == "negative"
                return ("positive" if strict else "nonnegative") if even else of_base
            return "unknown"
        case terms.Sum(index, body):
            return sign(*apart(index, body, facts))  # sizes are at least 1
        case terms.Product(index, body):
            return "positive" if sign(*apart(index, body, facts)) == "positive" else "unknown"
        case terms.Use():
            try:
                return sign(terms.instantiate(node), facts)
            except ValueError:
                return "unknown"
        case terms.Apply(function, _) if function.positive:
            return "positive"
        case terms.Written() | terms.Expectation():
            return sign(node.meaning, facts)
    return "unknown"


def apart(index: Index, body: Term, facts: Facts) -> tuple[Term, Facts]:
    """Return the body of a sum for an index of which nothing is assumed."""
    if index not in facts.fixed:
        return body, facts
    other = index.dimension.fresh(facts.fixed | terms.all_indices(body))
    return terms.reindex(body, {index: other}), facts


def sign_of_normal_form(node: Term, facts: Facts) -> str:
    """Return the sign of the cancelled form, factor by factor."""
    if not defined(node, facts):
        return "unknown"
    expression = without_deltas(meaning(node), facts)
    return sign_in_cases(expression, known_signs(facts))


def without_deltas(expression: Expr, facts: Facts) -> Expr:
    """Put zero in the place of the delta of two indices that are assumed to differ."""
    for left, right in facts.apart:
        atom = indices.delta(place(left), place(right))
        if stands_in(atom, expression):
            expression = indices.without(expression, atom)
    return expression


MOST_CASES = 6


def sign_in_cases(expression: Expr, known: Known) -> str:
    """Return the sign, from those in each case of the absolute values when it has to be."""
    found = sign_of_expression(expression, known)
    kinks = [a for a in parts(expression, Abs) if not any(p.bound for p in a.places)]
    if found != "unknown" or not kinks or len(kinks) > MOST_CASES:
        return found
    (argument,) = kinks[0].arguments
    cases = [
        sign_in_cases(
            indices.put(expression, kinks[0], turned * argument),
            ((argument, frozenset(), of_case), *known),
        )
        for turned, of_case in ((1, "nonnegative"), (-1, "nonpositive"))
    ]
    return either(*cases)


def either(left: str, right: str) -> str:
    """Return what is known of a sign that is one of two."""
    for weak, strict in (("nonnegative", "positive"), ("nonpositive", "negative")):
        if {left, right} <= {weak, strict, "zero"}:
            return left if left == right else weak
    return "unknown"


def assumed(expression: Expr, known: Known) -> str | None:
    """Return the sign that is assumed of an expression or of its negative."""
    for turned in (expression, indices.normal(-expression)) if known else ():
        for pattern, wild, its_sign in known:
            if match(pattern, turned, wild, {}):
                return its_sign if turned == expression else OPPOSITE[its_sign]
    return None


def sign_of_expression(expression: Expr, known: Known) -> str:
    """Return the sign of an expression of the index calculus."""
    if found := assumed(expression, known):
        return found
    numerator, denominator = indices.rational(expression)
    result = "positive"
    for part in (numerator, denominator):
        content, factors = indices.factors(part)
        if content == 0:
            return "zero"
        result = times(result, "positive" if content > 0 else "negative")
        for factor, power in factors:
            of_factor = sign_of_factor(factor, known)
            if power % 2 == 0:
                of_factor = even(of_factor)
            if part is denominator and of_factor not in ("positive", "negative"):
                of_factor = "positive" if of_factor == "nonnegative" else "unknown"
            result = times(result, of_factor)
    return result


def even(of_base: str) -> str:
    """Return the sign of an even power."""
    if of_base == "zero":
        return "zero"
    return "positive" if of_base in ("positive", "negative") else "nonnegative"


@lru_cache(maxsize=4096)
def sign_of_factor(factor: Expr, known: Known) -> str:
    """Return the sign of one factor, which may be a quantity of which it is assumed."""
    found = assumed(factor, known)
    by_form = sign_of_polynomial(factor, known)
    if found is None or found == by_form or by_form in ("positive", "negative", "zero"):
        return by_form
    return "zero" if by_form == OPPOSITE[found] else found


def sign_of_polynomial(polynomial: Expr, known: Known) -> str:
    """Return the sign of a polynomial by the first law that says one."""
    for law in (of_exponential_less_one, of_monomials, of_lower_bounds, of_square, of_products):
        found = law(polynomial, known)
        if found != "unknown":
            return found
    return "unknown"


def of_exponential_less_one(polynomial: Expr, known: Known) -> str:
    """exp(m) - 1 has the sign of m; what is at most 1, less 1, has none above zero."""
    for orientation in (1, -1):
        shifted = orientation * polynomial + 1
        if isinstance(shifted, Exp):
            inner = sign_of_expression(shifted.arguments[0], known)
            return inner if orientation == 1 else OPPOSITE[inner]
        if isinstance(shifted, Entry) and shifted.what.domain in ("label", "unit"):
            return "nonpositive" if orientation == 1 else "nonnegative"
    return "unknown"


def of_monomials(polynomial: Expr, known: Known) -> str:
    """A sum of what is nonnegative is; the polynomial is expanded."""
    result = "zero"
    for monomial in sympy.Add.make_args(polynomial):
        coefficient, _ = monomial.as_coeff_Mul()
        of_monomial = "positive" if coefficient > 0 else "negative"
        for base, power in monomial.as_powers_dict().items():
            if base.is_Number:
                continue
            if isinstance(base, Atom):
                of_base = sign_of_atom(base, known)
            else:  # a symbol says by how much more than a bound
                of_base = "nonnegative" if base.is_Symbol else "unknown"
            of_monomial = times(of_monomial, even(of_base) if power % 2 == 0 else of_base)
        result = plus(result, of_monomial)
    return result


def of_lower_bounds(polynomial: Expr, known: Known) -> str:
    """A size is 1 and something nonnegative, and exp(m) is 1 + m and something nonnegative."""
    bounds: dict[Expr, Expr] = {}
    names = polynomial.free_symbols
    for name in ordered(names):
        if isinstance(name, Size):
            bounds[name] = 1 + sympy.Dummy("more")
        elif isinstance(name, Exp):
            (exponent,) = name.arguments
            if indices.rational(exponent)[1].is_Number and exponent.free_symbols <= names:
                bounds[name] = 1 + exponent + sympy.Dummy("more")
    if not bounds:
        return "unknown"
    return of_monomials(sympy.expand(polynomial.xreplace(bounds)), known)


def of_square(polynomial: Expr, known: Known) -> str:
    """A quadratic in one quantity has the sign of its first coefficient, without two roots."""
    for name in ordered(polynomial.free_symbols):
        by_power = indices.powers(polynomial, name)
        if max(by_power) == 2:
            first, middle, last = (by_power.get(n, sympy.Integer(0)) for n in (2, 1, 0))
            apart = [sign_of_expression(e, known)
                     for e in (first, sympy.expand(4 * first * last - middle**2))]  # fmt: skip
            if apart[0] in ("positive", "negative") and apart[1] in (
                "positive", "nonnegative", "zero",
            ):  # fmt: skip
                weak = {"positive": "nonnegative", "negative": "nonpositive"}[apart[0]]
                return apart[0] if apart[1] == "positive" else weak
    return "unknown"


def of_products(polynomial: Expr, known: Known) -> str:
    """A difference of products of two sums, as one double sum in which two indices may change.

    This is the identity of Lagrange, and with it the inequality of Cauchy and Schwarz.
    """
    body: Expr = sympy.Integer(0)
    pair: tuple[Place, Place] | None = None
    for monomial in sympy.Add.make_args(polynomial):
        coefficient, rest = monomial.as_coeff_Mul()
        factors = [b for b, e in rest.as_powers_dict().items() for _ in range(int(e))]
        sums = [f.arguments for f in factors if isinstance(f, Total)]
        if not len(sums) == len(factors) == 2:
            return "unknown"
        if pair is None:
            pair = (fresh(sums[0][0].dimension), fresh(sums[0][0].dimension))
        if any(bound.dimension != pair[0].dimension for bound, _ in sums):
            return "unknown"
        for order in (pair, pair[::-1]):
            at = [moved(inner, {b: p}) for (b, inner), p in zip(sums, order, strict=True)]
            body += coefficient * sympy.Mul(*at)
    found = sign_of_expression(body, known)
    # Where the two indices are equal, the body may vanish: nothing strict comes of it.
    return {"positive": "nonnegative", "negative": "nonpositive"}.get(found, found)


def sign_of_atom(atom: Atom, known: Known) -> str:
    """Return the sign of one application."""
    if found := assumed(atom, known):
        return found
    match atom:
        case Exp() | Size():
            return "positive"
        case Log():
            return sign_of_expression(atom.arguments[0] - 1, known)
        case Total():
            return sign_of_expression(indices.open_sum(atom)[1], known)
        case Kronecker():
            return "nonnegative"
        case Abs():
            return even(sign_of_expression(atom.arguments[0], known))
        case Entry():
            return DOMAINS[atom.what.domain]
        case Applied() if atom.what.positive:
            return "positive"
    return "unknown"


# -- where a term has a value ----------------------------------------------------------------------


def defined(node: Term, facts: Facts = NONE, everywhere: bool = False) -> bool:
    """Return True when every logarithm and root in a term is proved to be of something positive.

    A power with an exponent that is no integer and a product over an index are logarithms too,
    as the index calculus reads them. It splits a logarithm over the factors of its argument, so
    each factor is to be positive: of ``log(1 / x**2)`` the calculus makes ``-2 log(x)``. Asked
    for ``everywhere``, no denominator is to be zero either.
    """
    return _defined(node, facts, everywhere)


@lru_cache(maxsize=2048)
def _defined(node: Term, facts: Facts, everywhere: bool) -> bool:
    known = known_signs(facts)
    for argument, wanted, bound in partial_arguments(terms.unfold(node)):
        if bound & facts.fixed:
            return _defined(renamed(node, facts.fixed), facts, everywhere)
        if not everywhere and wanted == "nonzero":
            continue
        expression = without_deltas(meaning(argument), facts)
        if wanted == "nonzero":
            if sign_in_cases(expression, known) not in ("positive", "negative"):
                return False
            continue
        numerator, denominator = indices.rational(expression)
        open_powers: list[int] = []
        for part in (numerator, denominator):
            content, factors = indices.factors(part)
            if content <= 0:
                return False
            for factor, power in factors:
                found = sign_of_factor(factor, known)
                root = wanted == "root" and part is numerator and power % 2 == 0
                open_powers += [power] if found != "positive" and not root else []
        # Where the whole is positive and all factors but one are, so is that one to an odd power.
        last = len(open_powers) == 1 and open_powers[0] % 2 == 1
        if open_powers and not (last and sign_by_form(argument, facts) == "positive"):
            return False
    return True


def renamed(node: Term, fixed: Iterable[Index]) -> Term:
    """Return a term that binds none of the indices of which something is assumed."""
    return terms.rename_bound(terms.unfold(node), frozenset(fixed))


def partial_arguments(
    node: Term, bound: frozenset[Index] = frozenset()
) -> Iterator[tuple[Term, str, frozenset[Index]]]:
    """Yield what has to be positive, or not zero, and the indices that are bound around it."""
    match node:
        case terms.Apply(terms.log, (argument,)):
            yield argument, "positive", bound
        case terms.Product(index, body):
            yield body, "positive", bound | {index}
        case terms.Div(_, denominator):
            yield denominator, "nonzero", bound
        case terms.Pow(base, exponent):
            power = meaning(exponent)
            if not power.is_Integer:
                yield base, "root" if power.is_Rational and power > 0 else "positive", bound
            elif power < 0:
                yield base, "nonzero", bound
    for child in terms.children(node):
        yield from partial_arguments(child, bound | terms.binds(node))
