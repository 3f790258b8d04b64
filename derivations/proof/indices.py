"""The index calculus: a normal form for sums over symbolic sizes, and a zero test.

SymPy carries the algebra of rational functions here and nothing else. Every sum, delta,
exponential, logarithm and entry reaches it as an uninterpreted application, so that its own
treatment of sums, which silently captures indices and drops conditions, is never asked. The laws
of those applications are the functions of this module, one a law:

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

import hashlib
from collections.abc import Callable
from functools import lru_cache

import sympy
from sympy.core.function import AppliedUndef

from derivations.language import terms
from derivations.language.terms import Definition, Index, Term


class Undecided(Exception):
    """The calculus has no law for what it was given."""


def application(head: str, *arguments: sympy.Basic) -> sympy.Expr:
    """Return an application that SymPy does not interpret."""
    return sympy.Function(head)(*arguments)


def head(atom: sympy.Basic) -> str:
    """Return what an application applies."""
    return str(atom.func)


def atoms(expression: sympy.Expr) -> list[sympy.Expr]:
    """Return the outermost applications, in a fixed order."""
    found: set[sympy.Expr] = set()

    def visit(node: sympy.Basic) -> None:
        if isinstance(node, AppliedUndef):
            found.add(node)
        else:
            for argument in node.args:
                visit(argument)

    visit(expression)
    return sorted(found, key=sympy.default_sort_key)


def index_symbol(index: Index) -> sympy.Symbol:
    """Return the symbol of a free index; its name starts with the rank and the dimension."""
    return sympy.Symbol(f"{index.dimension.rank}.{index.dimension.name}:{index.name}")


def dimension_of(symbol: sympy.Symbol) -> str:
    """Return the rank and name of the dimension that an index symbol runs over."""
    return str(symbol.name).split(":")[0]


def size(dimension: str) -> sympy.Symbol:
    """Return the number of values of an index."""
    return sympy.Symbol(dimension.split(".")[-1], positive=True)


def fresh(dimension: str) -> sympy.Symbol:
    """Return an index that stands nowhere else."""
    return sympy.Dummy(f"{dimension}:")


# -- rational functions of applications -----------------------------------------------------------


@lru_cache(maxsize=4096)
def rational(
    expression: sympy.Expr,
) -> tuple[sympy.Expr, sympy.Expr, dict[sympy.Symbol, sympy.Expr]]:
    """Return numerator and denominator, cancelled, over one symbol for each application."""
    names = {atom: sympy.Dummy(f"a{i}") for i, atom in enumerate(atoms(expression))}
    flat = expression.xreplace(names)
    whole = all(not power.exp.is_negative for power in flat.atoms(sympy.Pow))
    cancelled = sympy.expand(flat) if whole else sympy.cancel(flat)
    numerator, denominator = (cancelled, sympy.Integer(1)) if whole else sympy.fraction(cancelled)
    if numerator.has(sympy.zoo, sympy.nan):
        raise Undecided("division by zero")
    known = {name: atom for atom, name in names.items()}
    for name, atom in known.items():
        order = root_order(atom)
        if order == 1:
            continue
        below = sympy.Poly(denominator, name).terms()
        lack = order - below[0][0][0] % order if len(below) == 1 and below[0][0][0] else 0
        sides = [sympy.expand(side * name**lack) for side in (numerator, denominator)]
        if max(sympy.degree(side, name) for side in sides) >= order:
            radicand = exponential(order * atom.args[0])
            above, beneath = (lowered(side, name, order, radicand) for side in sides)
            return rational((above / beneath).xreplace(known))
    return numerator, denominator, known


def root_order(atom: sympy.Expr) -> int:
    """Return q where an application is the root exp(log(f) / q), else 1."""
    if head(atom) != "exp":
        return 1
    coefficient, rest = atom.args[0].as_coeff_Mul()
    whole = coefficient.p == 1 and isinstance(rest, AppliedUndef) and head(rest) == "log"
    return int(coefficient.q) if whole else 1


def lowered(
    polynomial: sympy.Expr, root: sympy.Symbol, order: int, radicand: sympy.Expr
) -> sympy.Expr:
    """Return a polynomial with the power of a root that is its radicand replaced by it."""
    coefficients = sympy.Poly(polynomial, root).terms()
    return sympy.Add(*(c * radicand ** (n // order) * root ** (n % order)
                       for (n,), c in coefficients))  # fmt: skip


def normal(expression: sympy.Expr) -> sympy.Expr:
    """Return the cancelled form."""
    numerator, denominator, names = rational(expression)
    return (sympy.expand(numerator) / denominator).xreplace(names)


# -- the laws ---------------------------------------------------------------------------------------


def delta(left: sympy.Symbol, right: sympy.Symbol) -> sympy.Expr:
    """Kronecker delta of two index symbols."""
    if left == right:
        return sympy.Integer(1)
    return application("delta", *sorted((left, right), key=sympy.default_sort_key))


LARGEST_POWER = 100  # of an exponential in a polynomial; exp(c m) of a larger c stays as it is


def exponential(argument: sympy.Expr) -> sympy.Expr:
    """exp(sum c m) = product of exp(m)^c over the monomials m; exp(c log f) = f^c."""
    numerator, denominator, names = rational(argument)
    result = sympy.Integer(1)
    for monomial in sympy.Add.make_args(sympy.expand(numerator)):
        coefficient, rest = (monomial / denominator).xreplace(names).as_coeff_Mul()
        if coefficient == 0:
            continue
        if max(abs(coefficient.p), coefficient.q) > LARGEST_POWER:
            coefficient, rest = sympy.sign(coefficient), rest * abs(coefficient)
        elif not coefficient.is_integer:
            coefficient, rest = coefficient.p, rest / coefficient.q
        if isinstance(rest, AppliedUndef) and head(rest) == "log":
            result *= rest.args[0] ** coefficient
        else:
            result *= application("exp", rest) ** coefficient
    return result


def logarithm(argument: sympy.Expr) -> sympy.Expr:
    """The logarithm of the absolute value, split over the irreducible factors.

    ``exponential`` takes it for the logarithm itself: ``signs.log_arguments_positive`` is to say
    that each factor is positive before anything is proved of a term with logarithms.
    """
    numerator, denominator, names = rational(argument)
    result = sympy.Integer(0)
    for sign, part in ((1, numerator), (-1, denominator)):
        content, factors = sympy.factor_list(part)
        if content == 0 or (content < 0 and not factors):
            raise Undecided("the logarithm of zero or of a negative number")
        for prime, power in sympy.factorint(abs(sympy.Rational(content).p)).items():
            result += sign * power * (application("log", prime) if prime > 1 else 0)
        for prime, power in sympy.factorint(sympy.Rational(content).q).items():
            result -= sign * power * (application("log", prime) if prime > 1 else 0)
        for factor, power in factors:
            base = factor.xreplace(names)
            if isinstance(base, AppliedUndef) and head(base) == "exp":
                result += sign * power * base.args[0]
            else:
                result += sign * power * application("log", base)
    return result


def is_sum(factor: sympy.Expr) -> bool:
    """Return True for a sum over an index."""
    return isinstance(factor, AppliedUndef) and head(factor) == "sum"


def open_sum(atom: sympy.Expr) -> tuple[sympy.Symbol, sympy.Expr]:
    """Return a sum's body with a fresh index in place of the bound one."""
    bound, body = atom.args
    index = fresh(dimension_of(bound))
    return index, body.xreplace({bound: index})


def close_sum(index: sympy.Symbol, body: sympy.Expr) -> sympy.Expr:
    """Return the sum as an application whose bound index has a canonical name.

    The name counts the levels of sums inside, so that inner and outer names always differ, and
    equal sums are the same application whatever their indices were called.
    """
    inner = [
        int(str(a.args[0].name).split("#")[1]) for a in body.atoms(AppliedUndef) if head(a) == "sum"
    ]
    bound = sympy.Symbol(f"{dimension_of(index)}:#{1 + max(inner, default=0)}")
    return application("sum", bound, body.xreplace({index: bound}))


def summation(index: sympy.Symbol, body: sympy.Expr) -> sympy.Expr:
    """The sum over an index, by contraction of deltas and linearity, in canonical order."""
    body = normal(body)
    if not body.has(index):
        return size(dimension_of(index)) * body
    for atom in sorted(body.atoms(AppliedUndef), key=sympy.default_sort_key):
        if head(atom) == "delta" and index in atom.args:
            (other,) = (a for a in atom.args if a != index)
            apart = without(body, atom)
            joined = reindexed(body, {index: other})
            return summation(index, apart) + joined - reindexed(apart, {index: other})
    numerator, denominator, names = rational(body)
    own = {s for s, atom in names.items() if atom.has(index)}
    outside, inside = sympy.Integer(1), sympy.Integer(1)
    content, factors = sympy.factor_list(denominator)
    for factor, power in factors:
        if factor.free_symbols & own:
            inside *= factor**power
        else:
            outside *= factor**power
    result = sympy.Integer(0)
    for monomial in sympy.Add.make_args(sympy.expand(numerator)):
        free, bound = (
            monomial.as_independent(*own, as_Add=False) if own else (monomial, sympy.Integer(1))
        )
        part = single_sum(index, (bound / inside).xreplace(names))
        result += (free / (content * outside)).xreplace(names) * part
    return result


def single_sum(index: sympy.Symbol, body: sympy.Expr) -> sympy.Expr:
    """The sum of one monomial; sums of lower rank inside it move outside."""
    if not body.has(index):
        return size(dimension_of(index)) * body
    for factor in sympy.Mul.make_args(body):
        if isinstance(factor, AppliedUndef) and head(factor) == "sum":
            other, inner = open_sum(factor)
            if dimension_of(other) < dimension_of(index) and inner.has(index):
                return summation(other, summation(index, inner * body / factor))
    return close_sum(index, body)


@lru_cache(maxsize=4096)
def derivative(expression: sympy.Expr, array: str, at: tuple[sympy.Symbol, ...]) -> sympy.Expr:
    """The partial derivative by one entry of an array, or by a scalar (no index)."""
    result = sympy.Integer(0)
    numerator, denominator, names = rational(expression)
    for name, atom in names.items():
        inner = derivative_of_atom(atom, array, at)
        if inner != 0:
            result += sympy.diff(numerator / denominator, name).xreplace(names) * inner
    return normal(result)


def derivative_of_atom(atom: sympy.Expr, array: str, at: tuple[sympy.Symbol, ...]) -> sympy.Expr:
    """The chain rule for one application; a folded quantity keeps an inert derivative."""
    name, arguments = head(atom), atom.args
    if name == f"entry {array}" and len(arguments) == len(at):
        return sympy.Mul(*(delta(a, b) for a, b in zip(arguments, at, strict=True)))
    if name == "exp":
        return atom * derivative(arguments[0], array, at)
    if name == "log":
        return derivative(arguments[0], array, at) / arguments[0]
    if name == "sum":
        index, body = open_sum(atom)
        return summation(index, derivative(body, array, at))
    if name.startswith("unknown "):
        function = KNOWN[name.split()[1]]
        place = terms.scalar("argument of a function")
        slope = meaning(function.slope(0, (place,)))
        outer = rebuild(slope, {application(f"entry {place.array.name}"): arguments[0]}.get)
        return outer * derivative(arguments[0], array, at)
    if name.startswith("function "):
        kind, function, order = name.split()
        outer = application(f"{kind} {function} {int(order) + 1}", *arguments)
        return outer * derivative(arguments[0], array, at)
    if name.startswith("inert ") or (name.startswith("quantity ") and not is_constant(atom, array)):
        return inert(atom, array, at)
    return sympy.Integer(0)


def is_constant(expression: sympy.Expr, array: str) -> bool:
    """Return True where no entry of an array stands in an expression, its names unfolded."""
    for atom in expression.atoms(AppliedUndef):
        kind, _, name = head(atom).partition(" ")
        if kind in ("inert", "function") or (kind == "entry" and name == array):
            return False
        if kind == "quantity" and array in arrays_in(DEFINITIONS[name]):
            return False
    return True


def inert(expression: sympy.Expr, array: str, at: tuple[sympy.Symbol, ...]) -> sympy.Expr:
    """A derivative that is written and not taken."""
    return application(f"inert {array}", expression, *at)


def linear_derivative(
    expression: sympy.Expr, array: str, at: tuple[sympy.Symbol, ...]
) -> sympy.Expr:
    """A derivative moved inside sums and past constants, and not taken."""
    numerator, denominator, names = rational(expression)
    result = sympy.Integer(0)
    for monomial in sympy.Add.make_args(sympy.expand(numerator)):
        constant, rest = sympy.Integer(1), sympy.Integer(1)
        for factor in sympy.Mul.make_args((monomial / denominator).xreplace(names)):
            if is_constant(factor, array):
                constant *= factor
            else:
                rest *= factor
        sums = [f for f in sympy.Mul.make_args(rest) if is_sum(f)]
        if sums:
            index, body = open_sum(sums[0])
            body = body * (rest / sums[0])
            result += constant * summation(index, linear_derivative(body, array, at))
        elif rest != 1:
            result += constant * inert(rest, array, at)
    return normal(result)


def limit(
    expression: sympy.Expr, variable: str, infinity: int, domains: dict[str, str]
) -> sympy.Expr:
    """The limit of a scalar expression as one variable tends to +-infinity, taken by SymPy."""
    names: dict[sympy.Expr, sympy.Expr] = {}

    def plain(node: sympy.Expr) -> sympy.Expr:
        def of_atom(atom: sympy.Expr) -> sympy.Expr:
            if head(atom) in ("exp", "log"):
                return getattr(sympy, head(atom))(plain(atom.args[0]))
            moves = any(head(a) == f"entry {variable}" for a in atom.atoms(AppliedUndef))
            if moves and head(atom) != f"entry {variable}":
                raise Undecided("the limit of a sum is taken term by term")
            positive = domains.get(head(atom).removeprefix("entry ")) == "positive"
            known = {"positive": True} if positive else {"real": True}
            return names.setdefault(atom, sympy.Dummy(f"v{len(names)}", **known))

        return node.xreplace({atom: of_atom(atom) for atom in atoms(node)})

    moving = plain(application(f"entry {variable}"))
    try:
        value = sympy.limit(plain(expression), moving, infinity * sympy.oo)
    except NotImplementedError as reason:
        raise Undecided(f"no limit was found: {reason}") from reason
    if value.has(moving) or value.has(sympy.Limit) or value.is_finite is False:
        raise Undecided(f"no finite limit was found: {value}")
    return value.xreplace({name: atom for atom, name in names.items()})


# -- rebuilding an expression after a change --------------------------------------------------------


def rebuild(
    expression: sympy.Expr,
    change: Callable[[sympy.Expr], sympy.Expr | None],
    touched: tuple[sympy.Basic, ...] = (),
) -> sympy.Expr:
    """Apply a change to every application, and the laws again to all that contain it.

    Where only what contains something ``touched`` can change, the rest is left as it is.
    """

    def of_atom(atom: sympy.Expr) -> sympy.Expr:
        if touched and not atom.has(*touched):
            return atom
        changed = change(atom)
        if changed is not None:
            return changed
        name = head(atom)
        if name == "sum":
            index, body = open_sum(atom)
            return summation(index, rebuild(body, change, touched))
        if name == "exp":
            return exponential(rebuild(atom.args[0], change, touched))
        if name == "log":
            return logarithm(rebuild(atom.args[0], change, touched))
        if name == "delta":
            return delta(*atom.args)
        return atom.func(*(rebuild(a, change, touched) for a in atom.args))

    return normal(expression.xreplace({atom: of_atom(atom) for atom in atoms(expression)}))


def without(expression: sympy.Expr, atom: sympy.Expr) -> sympy.Expr:
    """Put zero in the place of one application, a delta of two indices that differ."""

    def change(other: sympy.Expr) -> sympy.Expr | None:
        return sympy.Integer(0) if other == atom else None

    return rebuild(expression, change, (atom,))


def reindexed(expression: sympy.Expr, new: dict[sympy.Symbol, sympy.Symbol]) -> sympy.Expr:
    """Replace free indices, and apply the laws again where a new one stands."""
    return rebuild(expression.xreplace(new), lambda atom: None, tuple(new.values()))


def renamed(expression: sympy.Expr, index: Index) -> tuple[sympy.Symbol, sympy.Expr]:
    """Give an index a name that stands nowhere else; no law can come of that."""
    name = fresh(dimension_of(index_symbol(index)))
    return name, expression.xreplace({index_symbol(index): name})


# -- the zero test ----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def residual(expression: sympy.Expr) -> sympy.Expr:
    """Return 0 for an expression that is proved to be zero, else what is left of it."""
    expression = normal(expression)
    if expression == 0:
        return expression
    numerator, _, names = rational(expression)
    expression = numerator.xreplace(names)
    for atom in sorted(expression.atoms(AppliedUndef), key=sympy.default_sort_key):
        if head(atom) == "delta" and not any("#" in a.name for a in atom.args):
            left, right = atom.args
            apart = without(expression, atom)
            left_over = residual(apart)
            return left_over if left_over != 0 else residual(reindexed(expression, {left: right}))
    return residual_of_sums(expression)


def residual_of_sums(expression: sympy.Expr) -> sympy.Expr:
    """Write the expression as one sum over a dimension and prove its terms to be zero."""
    numerator, _, names = rational(expression)
    numerator = sympy.expand(numerator)
    for dimension in sorted({dimension_of(a.args[0]) for a in names.values() if head(a) == "sum"}):
        mine = [
            s for s, a in names.items() if head(a) == "sum" and dimension_of(a.args[0]) == dimension
        ]
        index = fresh(dimension)
        body, rest = sympy.Integer(0), sympy.Integer(0)
        for monomial in sympy.Add.make_args(numerator):
            here = [s for s in mine if monomial.has(s)]
            if len(here) == 1 and sympy.degree(monomial, here[0]) == 1:
                bound, inner = names[here[0]].args
                body += (monomial / here[0]).xreplace(names) * inner.xreplace({bound: index})
            else:
                rest += monomial.xreplace(names)
        if body != 0 and residual(body + rest / size(dimension)) == 0:
            return sympy.Integer(0)
    return sympy.Integer(0) if swap_like_sums(expression) else expression


def swap_like_sums(expression: sympy.Expr) -> bool:
    """Try the other order of two nested sums over one dimension, sum by sum."""
    for atom in atoms(expression):
        if head(atom) != "sum":
            continue
        index, body = open_sum(atom)
        for factor in sympy.Mul.make_args(body):
            if isinstance(factor, AppliedUndef) and head(factor) == "sum" and factor.has(index):
                other, inner = open_sum(factor)
                swapped = summation(other, summation(index, inner * body / factor))
                if swapped != atom and normal(expression.xreplace({atom: swapped})) == 0:
                    return True
    return False


def is_zero(expression: sympy.Expr) -> bool:
    """Return True when the expression is proved to be zero for all sizes."""
    return residual(expression) == 0


# -- from written terms -----------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def meaning(node: Term, derive: str = "full", folded: str = "nothing") -> sympy.Expr:
    """Return the normal form of a written term.

    ``derive`` says what a derivative may use: nothing (``inert``), linearity (``linear``), or
    every law (``full``). ``folded`` says which names stay opaque, as a reader sees them:
    ``nothing``, only ``functions`` of a scalar such as sigma, or ``everything``.
    """

    def of(node: Term) -> sympy.Expr:
        match node:
            case terms.Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case terms.Size(dimension):
                return size(dimension.name)
            case terms.Entry(array, indices):
                return application(f"entry {array.name}", *map(index_symbol, indices))
            case terms.Add(summands):
                return sympy.Add(*map(of, summands))
            case terms.Mul(factors):
                return sympy.Mul(*map(of, factors))
            case terms.Neg(inner):
                return -of(inner)
            case terms.Div(numerator, denominator):
                return of(numerator) / nonzero(of(denominator))
            case terms.Pow(base, exponent):
                power = normal(of(exponent))
                if not power.is_Integer:
                    return exponential(power * logarithm(nonzero(of(base))))
                return (normal(of(base)) if power >= 0 else nonzero(of(base))) ** power
            case terms.Apply(terms.exp, (argument,)):
                return exponential(of(argument))
            case terms.Apply(terms.log, (argument,)):
                return logarithm(nonzero(of(argument)))
            case terms.Apply(function, ()):
                return application(f"constant {known(function)}")
            case terms.Apply(function, (argument,)) if not function.kink:
                return application(f"unknown {known(function)} 0", normal(of(argument)))
            case terms.Delta(left, right):
                return delta(index_symbol(left), index_symbol(right))
            case terms.Sum(index, body):
                return summation(*renamed(of(body), index))
            case terms.Product(index, body):
                bound, inner = renamed(of(body), index)
                return exponential(summation(bound, logarithm(nonzero(inner))))
            case terms.Use(definition, arguments):
                function = any(isinstance(a, Term) for a in arguments)
                of_one = function and depends_on_its_argument_alone(definition)
                if folded == "nothing" or (folded == "functions" and not function):
                    return meaning(terms.instantiate(node), derive, folded)
                given = [
                    index_symbol(a) if isinstance(a, Index) else normal(of(a)) for a in arguments
                ]
                name = tag(definition)
                return application(f"function {name} 0" if of_one else f"quantity {name}", *given)
            case terms.Written() | terms.Expectation():
                return of(node.meaning)
            case terms.Limit(body, variable, infinity):
                arrays = {
                    e.array for e in terms.walk(terms.unfold(body)) if isinstance(e, terms.Entry)
                }
                domains = {array.name: array.domain for array in arrays}
                return limit(normal(of(body)), variable.array.name, infinity, domains)
            case terms.D(body, variable):
                at = tuple(map(index_symbol, variable.indices))
                laws: dict[str, Callable[..., sympy.Expr]] = {
                    "inert": inert, "linear": linear_derivative, "full": derivative,
                }  # fmt: skip
                return laws[derive](meaning(body, derive, folded), variable.array.name, at)
        raise Undecided(f"no law for {node}")

    return normal(of(node))


KNOWN: dict[str, terms.Function] = {}


def known(function: terms.Function) -> str:
    """Return a key for a function, which is told apart by what it is."""
    key = f"{function.name}@{id(function)}"
    KNOWN[key] = function
    return key


@lru_cache(maxsize=256)
def depends_on_its_argument_alone(definition: terms.Definition) -> bool:
    """Return True for a function of one scalar that no other entry stands in."""
    entries = {e for e in terms.walk(terms.unfold(definition.body)) if isinstance(e, terms.Entry)}
    return len(definition.parameters) == 1 and entries <= set(definition.parameters)


DEFINITIONS: dict[str, Definition] = {}


@lru_cache
def tag(definition: Definition) -> str:
    """Return a name that no other definition has, whatever it is called."""
    name = f"{definition.name}~{hashlib.sha256(repr(definition).encode()).hexdigest()[:8]}"
    DEFINITIONS[name] = definition
    return name


@lru_cache
def arrays_in(definition: Definition) -> frozenset[str]:
    """Return the names of the arrays that a definition stands for, all the way down."""
    parts = terms.walk(terms.unfold(definition.body))
    return frozenset(part.array.name for part in parts if isinstance(part, terms.Entry))


def nonzero(expression: sympy.Expr) -> sympy.Expr:
    """Refuse what is identically zero where it may not be."""
    expression = normal(expression)
    if expression == 0:
        raise Undecided("division by, or logarithm of, zero")
    return expression
