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
import itertools
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import sympy
from sympy.core.expr import Expr

from derivations.language import terms
from derivations.language.terms import Array, Definition, Dimension, Index, Term


class Undecided(Exception):
    """The calculus has no law for what it was given."""


class Typed(Expr):  # type: ignore[misc]
    """A node that SymPy does not interpret. Each object has a class of its own: ``what`` it is."""

    what: Any = None
    key = ""

    @classmethod
    def class_key(cls) -> tuple[int, int, str]:
        """Return what SymPy sorts by: the same in every process."""
        return 5, 0, cls.key

    def _sympystr(self, printer: Any) -> str:
        name = called(self.what) if self.what is not None else type(self).__name__.lower()
        return f"{name}({', '.join(map(printer.doprint, self.args))})" if self.args else name


class Place(Typed):
    """An index of a dimension: a letter, one that stands nowhere else, or the level of a sum."""

    def _sympystr(self, printer: Any) -> str:
        return str(printer.doprint(self.args[0]))


class Atom(Typed):
    """An application, uninterpreted."""


class Entry(Atom):
    """An entry of an array."""


class Size(Atom):
    """The number of values of an index."""


class Closed(Atom):
    """A named quantity that is not opened."""


class Folded(Atom):
    """A named function of one scalar that is not opened, or a derivative of it."""


class Applied(Atom):
    """A function of which the calculus knows the derivatives and nothing else."""


class Inert(Atom):
    """A derivative by an entry of an array that is written and not taken."""


class Exp(Atom):
    """The exponential."""

    key = "exp"


class Log(Atom):
    """The logarithm."""

    key = "log"


class Abs(Atom):
    """The absolute value."""

    key = "abs"


class Total(Atom):
    """A sum: its bound index and its body."""

    key = "sum"


class Kronecker(Atom):
    """The Kronecker delta of two indices."""

    key = "delta"


SERIAL = itertools.count()


def called(what: Any) -> str:
    """Return what an object is called, for a message or an order."""
    return str(getattr(what, "name", what[0].name if isinstance(what, tuple) else what))


@cache
def kind(base: type[Typed], what: Any) -> Any:
    """Return the class of what stands for one object; equal names make no two objects one."""
    rank = getattr(what, "rank", 0)
    content = hashlib.sha256(repr(what).encode()).hexdigest()[:8]
    key = f"{base.__name__} {rank} {called(what)} {content} {next(SERIAL):06}"
    # SymPy orders factors by the names of their classes: those of two objects are to differ.
    return type(key, (base,), {"what": what, "key": key})


def atoms(expression: Expr) -> list[Atom]:
    """Return the outermost applications, in a fixed order."""
    found: set[Atom] = set()

    def visit(node: sympy.Basic) -> None:
        if isinstance(node, Atom):
            found.add(node)
        else:
            for argument in node.args:
                visit(argument)

    visit(expression)
    return sorted(found, key=sympy.default_sort_key)


def place(index: Index) -> Place:
    """Return a free index."""
    found: Place = kind(Place, index.dimension)(sympy.Symbol(index.name))
    return found


def size(dimension: Dimension) -> Expr:
    """Return the number of values of an index."""
    return kind(Size, dimension)()


def fresh(dimension: Dimension) -> Place:
    """Return an index that stands nowhere else."""
    found: Place = kind(Place, dimension)(sympy.Dummy())
    return found


# -- rational functions of applications -----------------------------------------------------------


@lru_cache(maxsize=4096)
def rational(
    expression: Expr,
) -> tuple[Expr, Expr, dict[sympy.Symbol, Expr]]:
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


def root_order(atom: Expr) -> int:
    """Return q where an application is the root exp(log(f) / q), else 1."""
    if not isinstance(atom, Exp):
        return 1
    coefficient, rest = atom.args[0].as_coeff_Mul()
    return int(coefficient.q) if coefficient.p == 1 and isinstance(rest, Log) else 1


def lowered(polynomial: Expr, root: sympy.Symbol, order: int, radicand: Expr) -> Expr:
    """Return a polynomial with the power of a root that is its radicand replaced by it."""
    coefficients = sympy.Poly(polynomial, root).terms()
    return sympy.Add(
        *(c * radicand ** (n // order) * root ** (n % order) for (n,), c in coefficients)
    )


def normal(expression: Expr) -> Expr:
    """Return the cancelled form."""
    numerator, denominator, names = rational(expression)
    return (sympy.expand(numerator) / denominator).xreplace(names)


# -- the laws ---------------------------------------------------------------------------------------


def delta(left: Place, right: Place) -> Expr:
    """Kronecker delta of two indices."""
    if left == right:
        return sympy.Integer(1)
    return Kronecker(*sorted((left, right), key=sympy.default_sort_key))


LARGEST_POWER = 100  # of an exponential in a polynomial; exp(c m) of a larger c stays as it is


def exponential(argument: Expr) -> Expr:
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
        if isinstance(rest, Log):
            result *= rest.args[0] ** coefficient
        else:
            result *= Exp(rest) ** coefficient
    return result


def absolute(argument: Expr) -> Expr:
    """|a b| = |a| |b|, and an exponential is positive."""
    numerator, denominator, names = rational(argument)
    result = sympy.Integer(1)
    for turned, part in ((1, numerator), (-1, denominator)):
        content, factors = sympy.factor_list(part)
        result *= abs(content) ** turned
        for factor, power in factors:
            base = factor.xreplace(names)
            positive = isinstance(base, Entry) and base.what.domain == "positive"
            if positive or isinstance(base, (Exp, Abs, Size)) or power % 2 == 0:
                result *= base ** (turned * power)
            else:
                size_of = min(Abs(base), Abs(normal(-base)), key=sympy.default_sort_key)
                result *= (
                    size_of * base ** (power - 1)
                    if turned == 1
                    else (base ** (1 - power) / size_of)
                )
    return result


def logarithm(argument: Expr, root: bool = False) -> Expr:
    """The logarithm of the absolute value, split over the irreducible factors.

    Under a ``root``, what stands in an even power counts by its absolute value.

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
            result += sign * power * (Log(sympy.Integer(prime)) if prime > 1 else 0)
        for prime, power in sympy.factorint(sympy.Rational(content).q).items():
            result -= sign * power * (Log(sympy.Integer(prime)) if prime > 1 else 0)
        for factor, power in factors:
            base = factor.xreplace(names)
            if isinstance(base, Exp):
                result += sign * power * base.args[0]
            elif root and power % 2 == 0:
                result += sign * power * Log(absolute(base))
            else:
                result += sign * power * Log(base)
    return result


def open_sum(atom: Expr) -> tuple[Place, Expr]:
    """Return a sum's body with a fresh index in place of the bound one."""
    bound, body = atom.args
    index = fresh(bound.what)
    return index, body.xreplace({bound: index})


def close_sum(index: Place, body: Expr) -> Expr:
    """Return the sum as an application whose bound index is a number.

    The number counts the levels of sums inside, so that inner and outer ones always differ, and
    equal sums are the same application whatever their indices were called.
    """
    inner = [int(a.args[0].args[0]) for a in body.atoms(Total)]
    bound = kind(Place, index.what)(sympy.Integer(1 + max(inner, default=0)))
    return Total(bound, body.xreplace({index: bound}))


def summation(index: Place, body: Expr) -> Expr:
    """The sum over an index, by contraction of deltas and linearity, in canonical order."""
    body = normal(body)
    if not body.has(index):
        return size(index.what) * body
    for atom in sorted(body.atoms(Kronecker), key=sympy.default_sort_key):
        if index in atom.args:
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


def single_sum(index: Place, body: Expr) -> Expr:
    """The sum of one monomial; sums of lower rank inside it move outside."""
    if not body.has(index):
        return size(index.what) * body
    for factor in sympy.Mul.make_args(body):
        if isinstance(factor, Total):
            other, inner = open_sum(factor)
            if other.key < index.key and inner.has(index):
                return summation(other, summation(index, inner * body / factor))
    return close_sum(index, body)


@lru_cache(maxsize=4096)
def derivative(expression: Expr, array: Array, at: tuple[Place, ...]) -> Expr:
    """The partial derivative by one entry of an array, or by a scalar (no index)."""
    result = sympy.Integer(0)
    numerator, denominator, names = rational(expression)
    for name, atom in names.items():
        inner = derivative_of_atom(atom, array, at)
        if inner != 0:
            result += sympy.diff(numerator / denominator, name).xreplace(names) * inner
    return normal(result)


def derivative_of_atom(atom: Atom, array: Array, at: tuple[Place, ...]) -> Expr:
    """The chain rule for one application; a closed quantity keeps an inert derivative."""
    arguments = atom.args
    match atom:
        case Entry():
            if atom.what != array:
                return sympy.Integer(0)
            return sympy.Mul(*(delta(a, b) for a, b in zip(arguments, at, strict=True)))
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
    for number, argument in enumerate(arguments):
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
            return 1 / atom.args[0]
        case Abs():
            raise Undecided("an absolute value, minimum or maximum has a kink under a derivative")
        case Folded():
            definition, order = atom.what
            return kind(Folded, (definition, order + 1))(*atom.args)
    at = tuple(terms.scalar(f"argument {n}") for n in range(len(atom.args)))
    try:
        found = meaning(atom.what.slope(number, at))
    except terms.NotDifferentiable as reason:
        raise Undecided(str(reason)) from reason
    given = {kind(Entry, a.array)(): b for a, b in zip(at, atom.args, strict=True)}
    return rebuild(found, given.get)


def is_constant(expression: Expr, array: Array) -> bool:
    """Return True where no entry of an array stands in an expression, its names unfolded."""
    for atom in expression.atoms(Atom):
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
    return kind(Inert, array)(expression, *at)


def linear_derivative(expression: Expr, array: Array, at: tuple[Place, ...]) -> Expr:
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
    names: dict[Expr, Expr] = {}

    def plain(node: Expr) -> Expr:
        def of_atom(atom: Atom) -> Expr:
            if isinstance(atom, (Exp, Log)):
                return (sympy.exp if isinstance(atom, Exp) else sympy.log)(plain(atom.args[0]))
            moves = any(a.what == variable for a in atom.atoms(Entry))
            if moves and not isinstance(atom, Entry):
                raise Undecided("the limit of a sum is taken term by term")
            positive = isinstance(atom, Size) or getattr(atom.what, "domain", "") == "positive"
            known = {"positive": True} if positive else {"real": True}
            return names.setdefault(atom, sympy.Dummy(f"v{len(names)}", **known))

        return node.xreplace({atom: of_atom(atom) for atom in atoms(node)})

    moving = plain(kind(Entry, variable)())
    try:
        value = sympy.limit(plain(expression), moving, infinity * sympy.oo)
    except NotImplementedError as reason:
        raise Undecided(f"no limit was found: {reason}") from reason
    if value.has(moving) or value.has(sympy.Limit) or value.is_finite is False:
        raise Undecided(f"no finite limit was found: {value}")
    return value.xreplace({name: atom for atom, name in names.items()})


# -- rebuilding an expression after a change --------------------------------------------------------


def rebuild(
    expression: Expr,
    change: Callable[[Expr], Expr | None],
    touched: tuple[sympy.Basic, ...] = (),
) -> Expr:
    """Apply a change to every application, and the laws again to all that contain it.

    Where only what contains something ``touched`` can change, the rest is left as it is.
    """

    def of_atom(atom: Expr) -> Expr:
        if touched and not atom.has(*touched):
            return atom
        changed = change(atom)
        if changed is not None:
            return changed
        match atom:
            case Total():
                index, body = open_sum(atom)
                return summation(index, rebuild(body, change, touched))
            case Kronecker():
                return delta(*atom.args)
        given = [a if isinstance(a, Place) else rebuild(a, change, touched) for a in atom.args]
        match atom:
            case Exp():
                return exponential(*given)
            case Log():
                return logarithm(*given)
            case Abs():
                return absolute(*given)
        return atom.func(*given)

    return normal(expression.xreplace({atom: of_atom(atom) for atom in atoms(expression)}))


def without(expression: Expr, atom: Expr) -> Expr:
    """Put zero in the place of one application, a delta of two indices that differ."""

    def change(other: Expr) -> Expr | None:
        return sympy.Integer(0) if other == atom else None

    return rebuild(expression, change, (atom,))


def put(expression: Expr, atom: Expr, value: Expr) -> Expr:
    """Put a value in the place of one application."""
    return rebuild(expression, lambda other: value if other == atom else None, (atom,))


def reindexed(expression: Expr, new: dict[Place, Place]) -> Expr:
    """Replace free indices, and apply the laws again where a new one stands."""
    return rebuild(expression.xreplace(new), lambda atom: None, tuple(new.values()))


def renamed(expression: Expr, index: Index) -> tuple[Place, Expr]:
    """Give an index a name that stands nowhere else; no law can come of that."""
    name = fresh(index.dimension)
    return name, expression.xreplace({place(index): name})


# -- the zero test ----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def residual(expression: Expr) -> Expr:
    """Return 0 for an expression that is proved to be zero, else what is left of it."""
    expression = normal(commensurate(expression))
    if expression == 0:
        return expression
    numerator, _, names = rational(expression)
    expression = numerator.xreplace(names)
    for atom in sorted(expression.atoms(Kronecker), key=sympy.default_sort_key):
        if not any(is_bound(a) for a in atom.args):
            left, right = atom.args
            apart = without(expression, atom)
            left_over = residual(apart)
            return left_over if left_over != 0 else residual(reindexed(expression, {left: right}))
    for atom in sorted(expression.atoms(Abs), key=sympy.default_sort_key):
        if not any(map(is_bound, atom.atoms(Place))):
            argument = atom.args[0]
            if residual(put(expression, atom, argument)) == 0:
                return residual(put(expression, atom, -argument))
            return expression
    return residual_of_sums(expression)


def commensurate(expression: Expr) -> Expr:
    """Write exp(m / 2) and exp(m / 3) as powers of exp(m / 6)."""
    groups: dict[Expr, list[tuple[Expr, Expr]]] = {}
    for atom in atoms(expression):
        if isinstance(atom, Exp):
            coefficient, rest = atom.args[0].as_coeff_Mul()
            groups.setdefault(rest, []).append((coefficient, atom))
    new: dict[Expr, Expr] = {}
    for rest, members in groups.items():
        if len(members) > 1 and all(c.is_Rational and abs(c.p) == 1 for c, _ in members):
            common = sympy.ilcm(*(c.q for c, _ in members))
            new |= {atom: Exp(rest / common) ** (c * common) for c, atom in members}
    return expression.xreplace(new)


def is_bound(index: Place) -> bool:
    """Return True for the index of a sum that is not open."""
    return isinstance(index.args[0], sympy.Integer)


def residual_of_sums(expression: Expr) -> Expr:
    """Write the expression as one sum over a dimension and prove its terms to be zero."""
    numerator, _, names = rational(expression)
    numerator = sympy.expand(numerator)
    sums = {s: a for s, a in names.items() if isinstance(a, Total)}
    for dimension in sorted({type(a.args[0]) for a in sums.values()}, key=lambda kind: kind.key):
        mine = [s for s, a in sums.items() if isinstance(a.args[0], dimension)]
        index = fresh(dimension.what)
        body, rest = sympy.Integer(0), sympy.Integer(0)
        for monomial in sympy.Add.make_args(numerator):
            here = [s for s in mine if monomial.has(s)]
            if len(here) == 1 and sympy.degree(monomial, here[0]) == 1:
                bound, inner = names[here[0]].args
                body += (monomial / here[0]).xreplace(names) * inner.xreplace({bound: index})
            else:
                rest += monomial.xreplace(names)
        if body != 0 and residual(body + rest / size(dimension.what)) == 0:
            return sympy.Integer(0)
    return sympy.Integer(0) if reordered(expression) == 0 else expression


def reordered(expression: Expr) -> Expr:
    """Put nested sums over one dimension into an order that does not depend on the author."""
    return normal(expression.xreplace({a: first_order(a) for a in atoms(expression)}))


MOST_NESTED, MOST_OPENED = 3, 6  # sums whose order is tried, and sums in a nest


def first_order(atom: Expr) -> Expr:
    """Return the first of all orders of the sums over one dimension in a nest of sums."""
    nest: list[Place] = []
    body = atom
    while len(nest) < MOST_OPENED:
        factors = list(sympy.Mul.make_args(body))
        found = next((f for f in factors if isinstance(f, Total)), None)
        if found is None:
            break
        factors.remove(found)
        index, inner = open_sum(found)
        nest.append(index)
        body = sympy.Mul(*factors, inner)
    alike = [index for index in nest if sum(i.what == index.what for i in nest) > 1]
    if not alike or len(alike) > MOST_NESTED or len({i.what for i in alike}) > 1:
        return atom
    orders = []
    for order in itertools.permutations(alike):
        turn = iter(order)
        value = body
        for index in reversed([next(turn) if i in alike else i for i in nest]):
            value = summation(index, value)
        orders.append(value)
    return min(orders, key=sympy.default_sort_key)


def is_zero(expression: Expr) -> bool:
    """Return True when the expression is proved to be zero for all sizes."""
    return residual(expression) == 0


# -- from written terms -----------------------------------------------------------------------------


@lru_cache(maxsize=4096)
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
                return kind(Entry, array)(*map(place, indices))
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
                return kind(Applied, function)(*(normal(of(a)) for a in arguments))
            case terms.Delta(left, right):
                return delta(place(left), place(right))
            case terms.Sum(index, body):
                return summation(*renamed(of(body), index))
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
            return kind(Folded, (use.definition, 0))(*given)
        return kind(Closed, use.definition)(*given)

    return normal(of(node))


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


def match(
    pattern: sympy.Basic,
    node: sympy.Basic,
    wild: frozenset[sympy.Basic],
    found: dict[sympy.Basic, sympy.Basic],
) -> bool:
    """Match a node against a pattern and collect what its wild parts stand for."""
    if pattern in wild:
        same_kind = not isinstance(pattern, Place) or type(node) is type(pattern)
        return same_kind and not loose(node) and found.setdefault(pattern, node) == node
    if pattern == node and not wild.intersection(pattern.atoms(*map(type, wild))):
        return True
    if isinstance(pattern, Inert) and isinstance(node, Inert) and pattern.func != node.func:
        by, variable = (kind(Entry, each.what)() for each in (pattern, node))
        if by not in wild or node.what.dimensions or not match(by, variable, wild, found):
            return False
    elif pattern.func != node.func:
        return False
    if len(pattern.args) != len(node.args) or not pattern.args:
        return False
    if not isinstance(pattern, (sympy.Add, sympy.Mul)):
        return all(match(p, a, wild, found) for p, a in zip(pattern.args, node.args, strict=True))
    for order in (
        itertools.permutations(node.args) if len(node.args) <= MOST_NESTED else (node.args,)
    ):
        tried = dict(found)
        if all(match(p, a, wild, tried) for p, a in zip(pattern.args, order, strict=True)):
            found.update(tried)
            return True
    return False


def loose(node: sympy.Basic) -> frozenset[Place]:
    """Return the indices of sums that are not in the node."""
    match node:
        case Place():
            return frozenset({node}) if is_bound(node) else frozenset()
        case Total(args=(bound, body)):
            return loose(body) - {bound}
    return frozenset().union(*map(loose, node.args))
