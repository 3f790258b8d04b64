"""What a written term means in the index calculus: definitions opened, derivatives and limits taken.

``meaning`` may stop early on purpose, so that a step can be held against the laws of its rule and
no others: names stay closed, and a derivative is written, linear or taken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy
from sympy.core.expr import Expr

from derivations.language import terms
from derivations.language.terms import Array, Definition, Index, Term
from derivations.proof import indices
from derivations.proof.atoms import (
    Abs,
    Applied,
    Atom,
    Closed,
    Entry,
    Exp,
    Folded,
    Inert,
    Kronecker,
    Log,
    Place,
    Size,
    Total,
    application,
    atoms,
    fresh,
    moved,
    place,
)
from derivations.proof.indices import (
    Undecided,
    absolute,
    delta,
    exponential,
    logarithm,
    normal,
    open_sum,
    rational,
    rebuild,
    size,
    summation,
)


@lru_cache(maxsize=8192)
def meaning(node: Term, derive: str = "full", folded: str = "nothing") -> Expr:
    """Return the normal form of a written term.

    ``derive`` says what a derivative may use: nothing (``inert``), linearity (``linear``), or
    every law (``full``). ``folded`` says which names stay closed, as a reader sees them:
    ``nothing``, only ``functions`` of a scalar such as sigma, or ``everything``.
    """

    def of(node: Term) -> Expr:
        match node:
            case terms.Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case terms.Size(dimension):
                return size(dimension)
            case terms.Entry(array, indices):
                return application(Entry, array, *map(place, indices))
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
                    return exponential(power * logarithm(nonzero(of(base)), power.is_Rational))
                return (normal(of(base)) if power >= 0 else nonzero(of(base))) ** power
            case terms.Apply(terms.exp, (argument,)):
                return exponential(of(argument))
            case terms.Apply(terms.log, (argument,)):
                return logarithm(nonzero(of(argument)))
            case terms.Apply(terms.absolute, (argument,)):
                return absolute(of(argument))
            case terms.Apply(terms.maximum | terms.minimum as function, (left, right)):
                one, other = of(left), of(right)
                apart = absolute(one - other)
                return (one + other + (apart if function is terms.maximum else -apart)) / 2
            case terms.Apply(function, arguments) if not function.kink:
                return application(Applied, function, *(normal(of(a)) for a in arguments))
            case terms.Delta(left, right):
                return delta(place(left), place(right))
            case terms.Sum():
                return summed(node, derive, folded)
            case terms.Product(index, body):
                bound, inner = renamed(of(body), index)
                return exponential(summation(bound, logarithm(nonzero(inner))))
            case terms.Use():
                return of_use(node)
            case terms.Written() | terms.Expectation():
                return of(node.meaning)
            case terms.Limit(body, variable, infinity):
                return limit(normal(of(body)), variable.array, infinity)
            case terms.D(body, variable):
                at = tuple(map(place, variable.indices))
                laws: dict[str, Callable[[Expr, Array, tuple[Place, ...]], Expr]] = {
                    "inert": inert, "linear": linear_derivative, "full": derivative,
                }  # fmt: skip
                return laws[derive](meaning(body, derive, folded), variable.array, at)
        raise Undecided(f"no law for {node}")

    def of_use(use: terms.Use) -> Expr:
        function = any(isinstance(a, Term) for a in use.arguments)
        whole = any(isinstance(a, terms.Each) for a in use.arguments)
        if folded == "nothing" or whole or (folded == "functions" and not function):
            try:
                return meaning(terms.instantiate(use), derive, folded)
            except ValueError as reason:
                raise Undecided(str(reason)) from reason
        given = [
            place(a) if isinstance(a, Index) else normal(of(a))  # type: ignore[arg-type]
            for a in use.arguments
        ]
        if function and depends_on_its_argument_alone(use.definition):
            return application(Folded, (use.definition, 0), *given)
        return application(Closed, use.definition, *given)

    return normal(of(node))


@lru_cache(maxsize=8192)
def summed(node: terms.Sum, derive: str, folded: str) -> Expr:
    """Return the meaning of a sum."""
    return summation(*renamed(meaning(node.body, derive, folded), node.index))


def renamed(expression: Expr, index: Index) -> tuple[Place, Expr]:
    """Give an index a name that stands nowhere else; no law can come of that."""
    name = fresh(index.dimension)
    return name, moved(expression, {place(index): name})


@lru_cache(maxsize=256)
def depends_on_its_argument_alone(definition: Definition) -> bool:
    """Return True for a function of one scalar that no other entry stands in."""
    entries = {e for e in terms.walk(terms.unfold(definition.body)) if isinstance(e, terms.Entry)}
    return len(definition.parameters) == 1 and entries <= set(definition.parameters)


def nonzero(expression: Expr) -> Expr:
    """Refuse what is identically zero where it may not be."""
    expression = normal(expression)
    if expression == 0:
        raise Undecided("division by, or logarithm of, zero")
    return expression


# -- derivatives ------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def derivative(expression: Expr, array: Array, at: tuple[Place, ...]) -> Expr:
    """The partial derivative by one entry of an array, or by a scalar (no index)."""
    numerator, denominator = rational(expression)
    result = sympy.Integer(0)
    for atom in atoms(expression):
        inner = derivative_of_atom(atom, array, at)
        if inner != 0:
            above, below = indices.slope(numerator, atom), indices.slope(denominator, atom)
            slope_here = above if below == 0 else above - below * numerator / denominator
            result += slope_here / denominator * inner
    return normal(result)


def derivative_of_atom(atom: Atom, array: Array, at: tuple[Place, ...]) -> Expr:
    """The chain rule for one application; a closed quantity keeps an inert derivative."""
    match atom:
        case Entry():
            if atom.what != array:
                return sympy.Integer(0)
            return sympy.Mul(*(delta(a, b) for a, b in zip(atom.arguments, at, strict=True)))
        case Total():
            index, body = open_sum(atom)
            return summation(index, derivative(body, array, at))
        case Closed() if is_constant(atom, array):
            return sympy.Integer(0)
        case Closed() | Inert():
            return inert(atom, array, at)
        case Size() | Kronecker():
            return sympy.Integer(0)
    result = sympy.Integer(0)
    for number, argument in enumerate(atom.arguments):
        inner = derivative(argument, array, at)
        if inner != 0:
            result += slope(atom, number) * inner
    return result


def slope(atom: Atom, number: int) -> Expr:
    """The partial derivative of a function at its arguments by one of them."""
    match atom:
        case Exp():
            return atom
        case Log():
            return 1 / atom.arguments[0]
        case Abs():
            raise Undecided("an absolute value, minimum or maximum has a kink under a derivative")
        case Folded():
            definition, times = atom.what
            return application(Folded, (definition, times + 1), *atom.arguments)
    at = tuple(terms.scalar(f"argument {n}") for n in range(len(atom.arguments)))
    try:
        found = meaning(atom.what.slope(number, at))
    except terms.NotDifferentiable as reason:
        raise Undecided(str(reason)) from reason
    given = {application(Entry, a.array): b for a, b in zip(at, atom.arguments, strict=True)}
    return rebuild(found, given.get)


def is_constant(expression: Expr, array: Array) -> bool:
    """Return True where no entry of an array stands in an expression, its names unfolded."""
    for outer in atoms(expression):
        for atom in outer.parts:
            if isinstance(atom, Entry) and atom.what == array:
                return False
            if isinstance(atom, Closed) and array in arrays_in(atom.what):
                return False
    return True


@lru_cache
def arrays_in(definition: Definition) -> frozenset[Array]:
    """Return the arrays that a definition stands for, all the way down."""
    parts = terms.walk(terms.unfold(definition.body))
    return frozenset(part.array for part in parts if isinstance(part, terms.Entry))


def inert(expression: Expr, array: Array, at: tuple[Place, ...]) -> Expr:
    """A derivative that is written and not taken."""
    return application(Inert, array, expression, *at)


def linear_derivative(expression: Expr, array: Array, at: tuple[Place, ...]) -> Expr:
    """A derivative moved inside sums and past constants, and not taken."""
    numerator, denominator = rational(expression)
    result = sympy.Integer(0)
    for monomial in sympy.Add.make_args(numerator):
        constant, rest = sympy.Integer(1), sympy.Integer(1)
        for factor in sympy.Mul.make_args(monomial / denominator):
            if is_constant(factor, array):
                constant *= factor
            else:
                rest *= factor
        sums = [f for f in sympy.Mul.make_args(rest) if isinstance(f, Total)]
        if sums:
            index, body = open_sum(sums[0])
            body = body * (rest / sums[0])
            result += constant * summation(index, linear_derivative(body, array, at))
        elif rest != 1:
            result += constant * inert(rest, array, at)
    return normal(result)


def limit(expression: Expr, variable: Array, infinity: int) -> Expr:
    """The limit of a scalar expression as one variable tends to +-infinity, taken by SymPy."""
    names: dict[Atom, Expr] = {}

    def plain(node: Expr) -> Expr:
        return node.xreplace({atom: of_atom(atom) for atom in atoms(node)})

    def of_atom(atom: Atom) -> Expr:
        if isinstance(atom, (Exp, Log)):
            known = sympy.exp if isinstance(atom, Exp) else sympy.log
            return known(plain(atom.arguments[0]))
        moves = any(isinstance(a, Entry) and a.what == variable for a in atom.parts)
        if moves and not isinstance(atom, Entry):
            raise Undecided("the limit of a sum is taken term by term")
        positive = isinstance(atom, Size) or getattr(atom.what, "domain", "") == "positive"
        assumed = {"positive": True} if positive else {"real": True}
        return names.setdefault(atom, sympy.Dummy(f"v{len(names)}", **assumed))

    moving = plain(application(Entry, variable))
    try:
        value = sympy.limit(plain(expression), moving, infinity * sympy.oo)
    except NotImplementedError as reason:
        raise Undecided(f"no limit was found: {reason}") from reason
    if value.has(moving) or value.has(sympy.Limit) or value.is_finite is False:
        raise Undecided(f"no finite limit was found: {value}")
    return value.xreplace({name: atom for atom, name in names.items()})
