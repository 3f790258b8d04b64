"""The sign of a term, proved from its form: sums of products of what is known to be positive.

``sign`` answers ``"positive"``, ``"nonnegative"``, ``"zero"``, ``"nonpositive"``, ``"negative"`` or
``"unknown"``; the answer is a proof from the domains of the entries, the assumed signs, and the
laws below. It is incomplete on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import sympy
from sympy.core.function import AppliedUndef

from derivations.language import terms
from derivations.language.terms import Term
from derivations.proof import indices

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


Assumed = Mapping[Term, str]


def sign(node: Term, assumed: Assumed) -> str:
    """Return the sign of a term under assumed signs of some quantities and the domains."""
    for known, its_sign in assumed.items():
        if matches(known, node):
            return its_sign
    by_form = sign_by_form(node, assumed)
    if by_form != "unknown":
        return by_form
    try:
        return sign_of_normal_form(node, assumed)
    except indices.Undecided:
        return "unknown"


def matches(known: Term, node: Term) -> bool:
    """Return True for the same quantity at any indices; a scalar argument is to be the same."""
    if isinstance(known, terms.Use) and isinstance(node, terms.Use):
        same = terms.children(known) == terms.children(node)
        return known.definition == node.definition and same
    return known == node


def sign_by_form(node: Term, assumed: Assumed) -> str:
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
            return sign(argument - 1, assumed)
        case terms.Apply(terms.absolute, (argument,)):
            return (
                "positive" if sign(argument, assumed) in ("positive", "negative") else "nonnegative"
            )
        case terms.Neg(inner):
            return OPPOSITE[sign(inner, assumed)]
        case terms.Add(summands):
            result = "zero"
            for summand in summands:
                result = plus(result, sign(summand, assumed))
            return result
        case terms.Mul(factors):
            result = "positive"
            for factor in factors:
                result = times(result, sign(factor, assumed))
            return result
        case terms.Div(numerator, denominator):
            below = sign(denominator, assumed)
            strict = below in ("positive", "negative")
            return times(sign(numerator, assumed), below) if strict else "unknown"
        case terms.Pow(base, exponent):
            of_base = sign(base, assumed)
            if of_base == "positive":
                return "positive"
            if isinstance(exponent, terms.Number) and exponent.value.denominator == 1:
                if exponent.value == 0:
                    return "positive"  # 1, also for the base 0
                even = exponent.value.numerator % 2 == 0
                strict = of_base == "negative"
                return ("positive" if strict else "nonnegative") if even else of_base
            return "unknown"
        case terms.Sum(_, body):
            return sign(body, assumed)  # sizes are at least 1
        case terms.Product(_, body):
            return "positive" if sign(body, assumed) == "positive" else "unknown"
        case terms.Use():
            return sign(terms.instantiate(node), assumed)
        case terms.Apply(function, _) if function.positive:
            return "positive"
        case terms.Written() | terms.Expectation():
            return sign(node.meaning, assumed)
    return "unknown"


def sign_of_normal_form(node: Term, assumed: Assumed) -> str:
    """Return the sign of the cancelled form, factor by factor."""
    if not log_arguments_positive(node, assumed):
        return "unknown"
    return sign_of_expression(indices.meaning(node), *known_signs(node, assumed))


def known_signs(node: Term, assumed: Assumed) -> tuple[dict[str, str], dict[sympy.Expr, str]]:
    """Return the domains of the arrays in a term, and the assumed signs by normal form."""
    facts: dict[sympy.Expr, str] = {}
    for known, its_sign in assumed.items():
        facts[indices.meaning(known)] = its_sign
    domains = {
        e.array.name: e.array.domain
        for e in terms.walk(terms.unfold(node))
        if isinstance(e, terms.Entry)
    }
    return domains, facts


def sign_of_expression(
    expression: sympy.Expr, domains: Mapping[str, str], facts: Mapping[sympy.Expr, str]
) -> str:
    """Return the sign of an expression of the index calculus."""
    if expression in facts:
        return facts[expression]
    numerator, denominator, names = indices.rational(expression)
    result = "positive"
    for part in (numerator, denominator):
        content, factors = sympy.factor_list(part)
        if content == 0:
            return "zero"
        result = times(result, "positive" if content > 0 else "negative")
        for factor, power in factors:
            of_factor = sign_of_polynomial(factor, names, domains, facts)
            if power % 2 == 0:
                of_factor = "positive" if of_factor in ("positive", "negative") else "nonnegative"
            if part is denominator and of_factor not in ("positive", "negative"):
                of_factor = "positive" if of_factor == "nonnegative" else "unknown"
            result = times(result, of_factor)
    return result


def sign_of_polynomial(
    polynomial: sympy.Expr,
    names: Mapping[sympy.Symbol, sympy.Expr],
    domains: Mapping[str, str],
    facts: Mapping[sympy.Expr, str],
) -> str:
    """Return the sign of a polynomial: of exp(m) - 1 that of m, else term by term."""
    difference = polynomial.xreplace(names)
    for orientation in (1, -1):
        shifted = sympy.expand(orientation * difference + 1)
        if isinstance(shifted, AppliedUndef) and indices.head(shifted) == "exp":
            inner = sign_of_expression(shifted.args[0], domains, facts)
            return inner if orientation == 1 else OPPOSITE[inner]
        if isinstance(shifted, AppliedUndef):
            domain = domains.get(indices.head(shifted).removeprefix("entry "))
            if domain in ("label", "unit"):  # between 0 and 1, so that x - 1 is not positive
                return "nonpositive" if orientation == 1 else "nonnegative"
    result = "zero"
    for monomial in sympy.Add.make_args(sympy.expand(polynomial)):
        coefficient, _ = monomial.as_coeff_Mul()
        of_monomial = "positive" if coefficient > 0 else "negative"
        for base, power in monomial.as_powers_dict().items():
            if base in names:
                of_atom = sign_of_atom(names[base], domains, facts)
                if power % 2 == 0:
                    of_atom = "positive" if of_atom in ("positive", "negative") else "nonnegative"
                of_monomial = times(of_monomial, of_atom)
        result = plus(result, of_monomial)
    return result


def sign_of_atom(
    atom: sympy.Expr, domains: Mapping[str, str], facts: Mapping[sympy.Expr, str]
) -> str:
    """Return the sign of one application."""
    if atom in facts:
        return facts[atom]
    name = indices.head(atom)
    if name == "exp":
        return "positive"
    if name == "log":
        return sign_of_expression(atom.args[0] - 1, domains, facts)
    if name == "sum":
        return sign_of_expression(indices.open_sum(atom)[1], domains, facts)
    if name == "delta":
        return "nonnegative"
    if name.startswith("entry "):
        return DOMAINS[domains.get(name.removeprefix("entry "), "real")]
    return "unknown"


def log_arguments_positive(node: Term, assumed: Assumed) -> bool:
    """Return True when every logarithm in a term is proved to be of something positive.

    A power with an exponent that is no integer and a product over an index are logarithms too,
    as the index calculus reads them. It splits a logarithm over the factors of its argument, so
    each factor is to be positive: of ``log(1 / x**2)`` the calculus makes ``-2 log(x)``.
    """
    return _log_arguments_positive(node, tuple(assumed.items()))


@lru_cache(maxsize=1024)
def _log_arguments_positive(node: Term, pairs: tuple[tuple[Term, str], ...]) -> bool:
    assumed = dict(pairs)
    domains, facts = known_signs(node, assumed)
    for argument in arguments_of_logarithms(terms.unfold(node)):
        numerator, denominator, names = indices.rational(indices.meaning(argument))
        open_powers: list[int] = []
        for part in (numerator, denominator):
            content, factors = sympy.factor_list(part)
            if content <= 0:
                return False
            open_powers += [
                power
                for factor, power in factors
                if sign_of_factor(factor, names, domains, facts) != "positive"
            ]
        # Where the whole is positive and all factors but one are, so is that one to an odd power.
        last = len(open_powers) == 1 and open_powers[0] % 2 == 1
        if open_powers and not (last and sign_by_form(argument, assumed) == "positive"):
            return False
    return True


def sign_of_factor(
    factor: sympy.Expr,
    names: Mapping[sympy.Symbol, sympy.Expr],
    domains: Mapping[str, str],
    facts: Mapping[sympy.Expr, str],
) -> str:
    """Return the sign of one factor, which may be a quantity of which it is assumed."""
    quantity = factor.xreplace(names)
    if quantity in facts:
        return facts[quantity]
    return sign_of_polynomial(factor, names, domains, facts)


def arguments_of_logarithms(node: Term) -> Iterator[Term]:
    """Yield what the index calculus takes the logarithm of."""
    for part in terms.walk(node):
        match part:
            case terms.Apply(terms.log, (argument,)):
                yield argument
            case terms.Product(_, body):
                yield body
            case terms.Pow(base, exponent) if not indices.meaning(exponent).is_Integer:
                yield base
