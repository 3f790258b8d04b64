"""Written mathematics as data: entries of arrays, sums over an index, named quantities.

A term is what an author writes, in the order in which it was written. It carries no algebra:
nothing is simplified, sorted or evaluated when a term is built, so printing gives back what
was meant, and each route of verification reads the same term in its own way.

Sizes are symbols. An index belongs to one dimension (its sort), and an array's entry accepts
only indices of the right sorts, so a formula whose shapes disagree cannot be written at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, wraps
from typing import Any, TypeVar, dataclass_transform

Said = TypeVar("Said")


def once(question: Callable[[Any], Said]) -> Callable[[Any], Said]:
    """Keep the answer with the term: terms never change, and they stand in one another."""
    name = f"_{question.__name__.strip('_')}"

    @wraps(question)
    def kept(node: Any) -> Said:
        known: dict[str, Said] = node.__dict__
        try:
            return known[name]
        except KeyError:
            return known.setdefault(name, question(node))

    return kept


@dataclass_transform(frozen_default=True)
def frozen(kind: type[Said]) -> type[Said]:
    """Make a frozen dataclass whose hash is worked out once."""
    made = dataclass(frozen=True)(kind)
    made.__hash__ = once(made.__hash__)  # type: ignore[method-assign, assignment]
    return made


class NotDifferentiable(ValueError):
    """A derivative was asked for that does not exist, or of which nothing is known.

    ``part`` is the function at its arguments, where that is known.
    """

    def __init__(self, message: str, part: Apply | None = None) -> None:
        super().__init__(message)
        self.part = part


class ShapeError(TypeError):
    """An index of one dimension was used where another dimension is expected."""


@frozen
class Dimension:
    """A symbolic size, with the letters that its indices are printed with.

    Where sums over several dimensions are nested, the one of the lowest rank goes outside.
    """

    name: str
    letters: str
    rank: int = 0
    meaning: str = ""

    def fresh(self, taken: frozenset[Index]) -> Index:
        """Return an index of this dimension that is not taken."""
        names = {index.name for index in taken}
        primes = ""
        while True:
            for letter in self.letters:
                if letter + primes not in names:
                    return Index(letter + primes, self)
            primes += "'"


@frozen
class Index:
    """A name that runs over one dimension."""

    name: str
    dimension: Dimension


class Term:
    """Operators shared by all terms. A number on either side is taken as a term."""

    __slots__ = ()

    def __add__(self, other: Term | int) -> Term:
        left = self.terms if isinstance(self, Add) else (self,)
        return Add((*left, term(other)))

    def __radd__(self, other: int) -> Term:
        return Add((term(other), self))

    def __sub__(self, other: Term | int) -> Term:
        left = self.terms if isinstance(self, Add) else (self,)
        return Add((*left, Neg(term(other))))

    def __rsub__(self, other: int) -> Term:
        return Add((term(other), Neg(self)))

    def __mul__(self, other: Term | int) -> Term:
        if not isinstance(other, (Term, int, Fraction)):
            return NotImplemented  # a matrix knows how to be scaled
        left = self.factors if isinstance(self, Mul) else (self,)
        return Mul((*left, term(other)))

    def __rmul__(self, other: int) -> Term:
        return Mul((term(other), self))

    def __truediv__(self, other: Term | int) -> Term:
        return Div(self, term(other))

    def __rtruediv__(self, other: int) -> Term:
        return Div(term(other), self)

    def __pow__(self, other: Term | int | Fraction) -> Term:
        return Pow(self, term(other))

    def __neg__(self) -> Term:
        return Neg(self)


@frozen
class Number(Term):
    """An exact rational number."""

    value: Fraction


@frozen
class Size(Term):
    """A dimension's size, as a number."""

    dimension: Dimension


@frozen
class Array:
    """A table of unknown reals over dimensions; without dimensions, a scalar variable.

    ``letter`` is the LaTeX of an entry, ``bold`` that of the whole array; ``written`` replaces
    both the letter and the subscripts (``[y_{0} = {1}]``). ``domain`` is one of ``real``,
    ``nonnegative``, ``positive``, ``label`` (0 or 1) and ``unit`` (between 0 and 1).
    """

    name: str
    dimensions: tuple[Dimension, ...] = ()
    letter: str = ""
    bold: str = ""
    written: str = ""
    domain: str = "real"
    superscript: str = ""

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Entry:
        """Return the entry at one index or several."""
        return Entry(self, indices if isinstance(indices, tuple) else (indices,))


@frozen
class Entry(Term):
    """One entry of an array, ``x_ik``."""

    array: Array
    indices: tuple[Index, ...] = ()

    def __post_init__(self) -> None:
        check_sorts(self.array.name, self.array.dimensions, self.indices)


@frozen
class Each:
    """An array given by its entries, as the argument of a function of an array: b -> z_ib / tau."""

    indices: tuple[Index, ...]
    body: Term

    def __post_init__(self) -> None:
        for index in self.indices:
            check_binder(index, self.body)


@frozen
class Definition:
    """A named quantity ``p_i := ...`` or function ``sigma(t) := ...``.

    Each parameter is an index, a scalar variable or an array. Use ``p[i]`` for the first,
    ``sigma(t)`` for the second, ``S(z)[a]`` or ``S(each(b, z[i, b] / tau))[a]`` for the third. It
    prints by its name; the checks unfold it.
    """

    name: str
    parameters: tuple[Index | Entry | Array, ...]
    body: Term
    letter: str = ""
    bold: str = ""
    written: str = ""
    superscript: str = ""

    def __post_init__(self) -> None:
        stray = free_indices(self.body) - {p for p in self.parameters if isinstance(p, Index)}
        if stray:
            raise ShapeError(f"{self.name}: its definition has the free indices {names(stray)}")

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Use:
        return Use(self, indices if isinstance(indices, tuple) else (indices,))

    def __call__(self, *arguments: Term | Array | Each | int) -> Any:
        """Return the function at its arguments; of a vector function, the entries still to name."""
        given = tuple(as_argument(a) for a in arguments)
        return Partial(self, given) if len(given) < len(self.parameters) else Use(self, given)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The dimensions of the index parameters."""
        return tuple(p.dimension for p in self.parameters if isinstance(p, Index))


@frozen
class Partial:
    """A function of an array at its arguments: name the entry, as in ``S(z)[a]``."""

    definition: Definition
    given: tuple[Term | Each, ...]

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Use:
        at = indices if isinstance(indices, tuple) else (indices,)
        return Use(self.definition, (*self.given, *at))


@frozen
class Use(Term):
    """A named quantity at given indices, or a named function at given arguments."""

    definition: Definition
    arguments: tuple[Index | Term | Each, ...] = ()

    def __post_init__(self) -> None:
        parameters = self.definition.parameters
        if len(parameters) != len(self.arguments):
            raise ShapeError(f"{self.definition.name} takes {len(parameters)} arguments")
        for parameter, argument in zip(parameters, self.arguments, strict=True):
            kind = {Index: Index, Array: Each}.get(type(parameter), Term)
            if not isinstance(argument, kind):
                raise ShapeError(
                    f"{self.definition.name}: expected {kind.__name__.lower()} for "
                    f"{parameter_name(parameter)}, got {type(argument).__name__}"
                )
            if isinstance(parameter, Array) and isinstance(argument, Each):
                check_sorts(parameter.name, parameter.dimensions, argument.indices)
        indices = tuple(a for a in self.arguments if isinstance(a, Index))
        check_sorts(self.definition.name, self.definition.dimensions, indices)


@frozen
class Add(Term):
    """A sum of terms, in the author's order."""

    terms: tuple[Term, ...]


@frozen
class Mul(Term):
    """A product of factors, in the author's order."""

    factors: tuple[Term, ...]


@frozen
class Neg(Term):
    """The negative of a term."""

    term: Term


@frozen
class Div(Term):
    """A fraction."""

    numerator: Term
    denominator: Term


@frozen
class Pow(Term):
    """A power."""

    base: Term
    exponent: Term


@dataclass(frozen=True, eq=False)
class Function:
    """A real function of real arguments, known by its derivatives and not by its name.

    ``slopes`` returns the partial derivatives at given arguments; without it, a function of one
    argument has the next function, ``prime``, as its derivative. ``smooth`` is how often it may
    be differentiated (None: without end); ``kink`` says where it may not, with braces for its
    arguments. ``positive`` functions have positive values. Identity is the object: two functions of
    one name are two functions.
    """

    name: str
    arity: int = 1
    slopes: Callable[..., tuple[Term, ...]] | None = None
    letter: str = ""
    order: int = 0
    smooth: int | None = None
    kink: str = ""
    positive: bool = False
    of: Function | None = None  # what this is a derivative of

    def __call__(self, *arguments: Term | int) -> Apply:
        """Return the function at its arguments."""
        return Apply(self, tuple(term(a) for a in arguments))

    def __repr__(self) -> str:
        """Return the name and the order: the derivatives may lead back to the function itself."""
        return f"Function({self.name!r}, {self.arity}, {self.order}, {self.smooth}, {self.kink!r})"

    @cached_property
    def prime(self) -> Function:
        """The derivative of a function of which nothing else is known."""
        smooth = None if self.smooth is None else self.smooth - 1
        base = self.of or self
        return Function(self.name, 1, None, self.letter, self.order + 1, smooth, of=base)

    def slope(self, place: int, arguments: tuple[Term, ...]) -> Term:
        """Return the partial derivative by one argument.

        Raises
        ------
        NotDifferentiable
            Where the function has a kink, or no further derivative.
        """
        if self.kink or self.smooth == 0:
            where = self.kink.format(*"st")
            why = f"it has a kink where {where}" if self.kink else "nothing is known of it"
            at = ", ".join("st"[: self.arity])
            problem = f"{self.name}({at}) has no derivative here: {why}"
            raise NotDifferentiable(problem, Apply(self, arguments))
        return self.slopes(*arguments)[place] if self.slopes else Apply(self.prime, arguments)


@frozen
class Apply(Term):
    """A function at its arguments."""

    function: Function
    arguments: tuple[Term, ...]

    def __post_init__(self) -> None:
        if len(self.arguments) != self.function.arity:
            raise ShapeError(f"{self.function.name} takes {self.function.arity} arguments")


@frozen
class Delta(Term):
    """The Kronecker delta of two indices of one dimension."""

    left: Index
    right: Index

    def __post_init__(self) -> None:
        check_sorts("delta", (self.left.dimension,), (self.right,))


@frozen
class Sum(Term):
    """The sum of the body over all values of the index, which is bound in it."""

    index: Index
    body: Term

    def __post_init__(self) -> None:
        check_binder(self.index, self.body)


@frozen
class Product(Term):
    """The product of the body over all values of the index, which is bound in it."""

    index: Index
    body: Term

    def __post_init__(self) -> None:
        check_binder(self.index, self.body)


@frozen
class D(Term):
    """The partial derivative of a term with respect to one entry; inert until it is verified."""

    body: Term
    variable: Entry

    def __post_init__(self) -> None:
        if not isinstance(self.variable, Entry):
            raise TypeError(f"differentiate with respect to an entry, not {self.variable!r}")
        clash = set(self.variable.indices) & bound_indices(self.body)
        if clash:
            raise ShapeError(
                f"the variable's index {names(clash)} is bound in what is differentiated"
            )


@frozen
class Limit(Term):
    """The limit of the body as a scalar variable tends to a number or to +-infinity (+-1)."""

    body: Term
    variable: Entry
    infinity: int

    def __post_init__(self) -> None:
        if not isinstance(self.variable, Entry) or self.variable.indices:
            raise TypeError(f"a limit in a scalar variable, not in {self.variable!r}")


@frozen
class Expectation(Term):
    """The expectation of a term over a label, whose outcomes have given probabilities.

    It is the sum of each probability times the body where the label has that outcome: the label
    at this place, also where the body names it by another index. ``outcomes`` are numbers with
    their probabilities, or ``each`` class with its probability, for a row of indicators.
    """

    label: Entry  # as it is shown
    array: Array
    at: tuple[Index, ...]
    outcomes: tuple[tuple[Fraction, Term], ...] | Each
    body: Term

    @cached_property
    def meaning(self) -> Term:
        """The sum over the outcomes."""
        body = opened(self.body, self.array)
        if isinstance(self.outcomes, Each):
            (index,), chance = self.outcomes.indices, self.outcomes.body
            body = rename_bound(body, frozenset({index, *self.at}))
            return Sum(index, rename_bound(chance, frozenset({index})) * put(body, self, index))
        body = rename_bound(body, frozenset(self.at))
        return Add(tuple(chance * put(body, self, outcome) for outcome, chance in self.outcomes))


class Written(Term):
    """A term that is displayed in another notation; ``meaning`` is worked out from the display."""

    __slots__ = ()

    @property
    def meaning(self) -> Term:
        """The term that is displayed."""
        raise NotImplementedError


def term(value: Term | int | Fraction) -> Term:
    """Return a term for an exact number, and a term as it is.

    Raises
    ------
    TypeError
        For anything else: strings and floats are never read as mathematics.
    """
    if isinstance(value, Term):
        return value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Number(Fraction(value))
    raise TypeError(f"expected a term or an exact number, got {type(value).__name__}")


def scalar(name: str, letter: str = "", domain: str = "real") -> Entry:
    """Return a scalar variable."""
    return Entry(Array(name, (), letter or name, domain=domain))


def total(index: Index, body: Term | int) -> Sum:
    """Return the sum of the body over the index."""
    return Sum(index, term(body))


def each(index: Index | tuple[Index, ...], body: Term) -> Each:
    """Return the array whose entries are given."""
    return Each(index if isinstance(index, tuple) else (index,), body)


def as_argument(value: Term | Array | Each | int) -> Term | Each:
    """Return what stands for a parameter; an array stands for itself by its entries."""
    if isinstance(value, Array) and value.dimensions:
        indices: list[Index] = []
        for dimension in value.dimensions:
            indices.append(dimension.fresh(frozenset(indices)))
        return Each(tuple(indices), value[tuple(indices)])
    return value if isinstance(value, Each) else term(value)  # type: ignore[arg-type]


def itself(parameter: Index | Entry | Array) -> Index | Term | Each:
    """Return a parameter as an argument."""
    return as_argument(parameter) if isinstance(parameter, Array) else parameter


def parameter_name(parameter: Index | Entry | Array) -> str:
    """Return the name of a parameter, for a message."""
    return parameter.array.name if isinstance(parameter, Entry) else parameter.name


def expectation(label: Entry, outcomes: Mapping[int, Term], body: Term) -> Expectation:
    """Return the expectation of a term over a label with the given probabilities."""
    chances = tuple((Fraction(outcome), chance) for outcome, chance in outcomes.items())
    return Expectation(label, label.array, label.indices, chances, body)


def put(node: Term, over: Expectation, outcome: Fraction | Index) -> Term:
    """Return a term where a label has an outcome, by whichever index it is named."""

    def rule(entry: Entry) -> Term | None:
        if entry.array != over.array:
            return None
        place, rest = entry.indices[: len(over.at)], entry.indices[len(over.at) :]
        value = Delta(outcome, rest[0]) if isinstance(outcome, Index) else Number(outcome)
        same = [Delta(i, j) for i, j in zip(place, over.at, strict=True) if i != j]
        if not same:
            return value
        here = Mul(tuple(same)) if len(same) > 1 else same[0]
        return here * value + (1 - here) * entry

    return replace_entries(node, rule)


def product(index: Index, body: Term | int) -> Product:
    """Return the product of the body over the index."""
    return Product(index, term(body))


exp: Function = Function("exp", slopes=lambda t: (exp(t),), letter=r"\exp", positive=True)
log: Function = Function("log", slopes=lambda t: (1 / t,), letter=r"\log")
absolute = Function("abs", letter=r"\lvert {} \rvert", kink="{} = 0")
minimum = Function("min", 2, letter=r"\min", kink="{} = {}")
maximum = Function("max", 2, letter=r"\max", kink="{} = {}")
pi = Function("pi", 0, letter=r"\pi", positive=True)
erf = Function(
    "erf",
    slopes=lambda t: (2 / pi() ** Fraction(1, 2) * exp(-(t**2)),),
    letter=r"\operatorname{erf}",
)
density: Function = Function(
    "density", slopes=lambda t: (-t * density(t),), letter=r"\varphi", positive=True
)
cumulative = Function("cumulative", slopes=lambda t: (density(t),), letter=r"\Phi", positive=True)
sine: Function = Function("sin", slopes=lambda t: (cosine(t),), letter=r"\sin")
cosine: Function = Function("cos", slopes=lambda t: (-sine(t),), letter=r"\cos")


def unknown(name: str, letter: str = "", smooth: int | None = None) -> Function:
    """Return any function of one argument that is differentiable so often."""
    return Function(name, 1, None, letter or "\\" + name, smooth=smooth)


@once
def children(node: Term) -> tuple[Term, ...]:
    """Return the terms directly below a term; a definition's body is not below its use."""
    match node:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Neg(inner):
            return (inner,)
        case Div(numerator, denominator):
            return (numerator, denominator)
        case Pow(base, exponent):
            return (base, exponent)
        case Apply(_, arguments):
            return arguments
        case Sum(_, body) | Product(_, body) | D(body, _) | Limit(body, _, _):
            return (body,)
        case Use(_, arguments):
            given = (a.body if isinstance(a, Each) else a for a in arguments)
            return tuple(a for a in given if isinstance(a, Term))
        case Expectation(outcomes=Each(_, chance), body=body):
            return (chance, body)
        case Expectation(outcomes=outcomes, body=body):
            return (*(chance for _, chance in outcomes), body)  # type: ignore[union-attr]
        case Written():
            return (node.meaning,)
    return ()


def with_children(node: Term, change: Callable[[Term], Term]) -> Term:
    """Return the term with each term directly below it changed."""
    match node:
        case Add(terms):
            return Add(tuple(map(change, terms)))
        case Mul(factors):
            return Mul(tuple(map(change, factors)))
        case Neg(inner):
            return Neg(change(inner))
        case Div(numerator, denominator):
            return Div(change(numerator), change(denominator))
        case Pow(base, exponent):
            return Pow(change(base), change(exponent))
        case Apply(function, arguments):
            return Apply(function, tuple(map(change, arguments)))
        case Sum(index, body) | Product(index, body):
            return type(node)(index, rename_bound(change(body), frozenset({index})))
        case D(body, variable):
            return D(rename_bound(change(body), frozenset(variable.indices)), variable)
        case Limit(body, variable, infinity):
            return Limit(change(body), variable, infinity)
        case Use(definition, arguments):
            return Use(definition, tuple(changed_argument(a, change) for a in arguments))
        case Expectation(outcomes=outcomes, body=body):
            inner = rename_bound(change(body), frozenset(node.at))
            return replace(node, outcomes=changed_outcomes(outcomes, change), body=inner)
        case Written():
            meaning = change(node.meaning)
            return node if meaning == node.meaning else meaning
    return node


def changed_argument(
    argument: Index | Term | Each, change: Callable[[Term], Term]
) -> Index | Term | Each:
    """Return the argument of a use with the term in it changed."""
    match argument:
        case Each(indices, body):
            return Each(indices, rename_bound(change(body), frozenset(indices)))
        case Term():
            return change(argument)
    return argument


def changed_outcomes(
    outcomes: tuple[tuple[Fraction, Term], ...] | Each, change: Callable[[Term], Term]
) -> Any:
    """Return the outcomes of an expectation with their probabilities changed."""
    if isinstance(outcomes, Each):
        return changed_argument(outcomes, change)
    return tuple((outcome, change(chance)) for outcome, chance in outcomes)


def walk(node: Term) -> Iterator[Term]:
    """Yield a term and everything below it."""
    pending = [node]
    while pending:
        part = pending.pop()
        yield part
        pending += reversed(children(part))


def entries_of(node: Term, array: Array) -> frozenset[Entry]:
    """Return the entries of an array that stand in a term; named quantities stay closed."""
    return frozenset(e for e in walk(node) if isinstance(e, Entry) and e.array == array)


def binds(node: Term) -> frozenset[Index]:
    """Return the indices that a term itself binds in what is below it."""
    match node:
        case Sum(index, _) | Product(index, _):
            return frozenset({index})
        case Use(_, arguments):
            return frozenset(i for a in arguments if isinstance(a, Each) for i in a.indices)
        case Expectation(outcomes=Each(indices, _)):
            return frozenset(indices)
    return frozenset()


@once
def free_indices(node: Term) -> frozenset[Index]:
    """Return the indices that nothing in the term binds."""
    match node:
        case Entry(_, indices):
            return frozenset(indices)
        case Delta(left, right):
            return frozenset((left, right))
        case Sum(index, body) | Product(index, body):
            return free_indices(body) - {index}
        case D(body, variable):
            return free_indices(body) | frozenset(variable.indices)
        case Use(_, arguments):
            return frozenset().union(*map(free_in_argument, arguments))
        case Expectation(label, _, at):
            below = frozenset().union(*map(free_indices, children(node)))
            return (below - binds(node)).union(at, label.indices)
    return frozenset().union(*map(free_indices, children(node)))


def free_in_argument(argument: Index | Term | Each) -> frozenset[Index]:
    """Return the free indices of what stands for a parameter."""
    match argument:
        case Index():
            return frozenset({argument})
        case Each(indices, body):
            return free_indices(body) - frozenset(indices)
    return free_indices(argument)


@once
def bound_indices(node: Term) -> frozenset[Index]:
    """Return the indices that something in the term binds."""
    return binds(node).union(*map(bound_indices, children(node)))


def reindex(node: Term, new: Mapping[Index, Index]) -> Term:
    """Replace free indices; a bound index that would capture a new one is renamed first."""
    new = {old: to for old, to in new.items() if old != to}
    if not new:
        return node
    match node:
        case Entry():
            return reindex_entry(node, new)
        case Delta(left, right):
            return Delta(new.get(left, left), new.get(right, right))
        case Use(definition, arguments):
            return Use(definition, tuple(reindex_argument(a, new) for a in arguments))
        case Expectation(label, array, at, outcomes, body):
            at = tuple(new.get(i, i) for i in at)
            chances: Any = (
                reindex_argument(outcomes, new)
                if isinstance(outcomes, Each)
                else tuple((o, reindex(chance, new)) for o, chance in outcomes)
            )
            inner = rename_bound(reindex(body, new), frozenset(at))
            return Expectation(reindex_entry(label, new), array, at, chances, inner)
        case D(body, variable):
            variable = reindex_entry(variable, new)
            return D(rename_bound(reindex(body, new), frozenset(variable.indices)), variable)
        case Sum(index, body) | Product(index, body):
            (index,), body = reindex_under((index,), body, new)
            return type(node)(index, body)
        case Written():
            return reindex(node.meaning, new)
    return with_children(node, lambda child: reindex(child, new))


def reindex_entry(entry: Entry, new: Mapping[Index, Index]) -> Entry:
    """Replace the indices of an entry."""
    return Entry(entry.array, tuple(new.get(i, i) for i in entry.indices))


def reindex_argument(
    argument: Index | Term | Each, new: Mapping[Index, Index]
) -> Index | Term | Each:
    """Replace free indices in what stands for a parameter."""
    match argument:
        case Index():
            return new.get(argument, argument)
        case Each(indices, body):
            return Each(*reindex_under(indices, body, new))
    return reindex(argument, new)


def reindex_under(
    bound: tuple[Index, ...], body: Term, new: Mapping[Index, Index]
) -> tuple[tuple[Index, ...], Term]:
    """Replace free indices below a binder, whose own are renamed where they would capture one."""
    inner = {old: to for old, to in new.items() if old not in bound}
    for index in bound:
        if index in inner.values():
            taken = free_indices(body).union(inner, inner.values(), bound, bound_indices(body))
            other = index.dimension.fresh(taken)
            body = reindex(body, {index: other})
            bound = tuple(other if i == index else i for i in bound)
    return bound, rename_bound(reindex(body, inner), frozenset(bound))


def rename_bound(node: Term, avoid: frozenset[Index]) -> Term:
    """Rename the bound indices that stand in ``avoid``."""
    if not bound_indices(node) & avoid:
        return node
    match node:
        case D(body, variable):
            return D(rename_bound(body, avoid.union(variable.indices)), variable)
        case Sum(index, body) | Product(index, body):
            (index,), body = renamed_apart((index,), body, avoid)
            return type(node)(index, body)
        case Use(definition, arguments):
            return Use(
                definition,
                tuple(
                    Each(*renamed_apart(a.indices, a.body, avoid))
                    if isinstance(a, Each)
                    else changed_argument(a, lambda part: rename_bound(part, avoid))
                    for a in arguments
                ),
            )
        case Expectation(outcomes=Each(indices, chance)):
            apart = Each(*renamed_apart(indices, chance, avoid))
            inner = rename_bound(node.body, avoid.union(node.at))
            return replace(node, outcomes=apart, body=inner)
        case Written():
            return rename_bound(node.meaning, avoid)
    return with_children(node, lambda child: rename_bound(child, avoid))


def renamed_apart(
    bound: tuple[Index, ...], body: Term, avoid: frozenset[Index]
) -> tuple[tuple[Index, ...], Term]:
    """Return a binder whose indices, and those bound below it, are none of ``avoid``."""
    for index in bound:
        if index in avoid:
            other = index.dimension.fresh(avoid | all_indices(body) | frozenset(bound))
            body = reindex(body, {index: other})
            bound = tuple(other if i == index else i for i in bound)
    return bound, rename_bound(body, avoid.union(bound))


def replace_entries(node: Term, rule: Callable[[Entry], Term | None]) -> Term:
    """Replace entries by terms; bound indices are renamed away from what is put in.

    The variable of a derivative, a limit or an expectation is never replaced: it would no longer
    be a variable. Nor is anything put below it that depends on it: it would be moved as well.
    """
    match node:
        case Entry():
            new = rule(node)
            return node if new is None else new
        case Written():
            return replace_entries(node.meaning, rule)
        case D(_, variable) | Limit(_, variable, _) | Expectation(variable):
            array = node.array if isinstance(node, Expectation) else variable.array
            if rule(variable) is not None:
                raise ValueError(f"{array.name} is a variable here and cannot be replaced")
            if any(depends_on(value, array) for value in put_in(node, rule)):
                raise ValueError(f"what is put in depends on {array.name}, a variable here")
    if own := binds(node):
        node = rename_bound(node, own & strange_indices(node, rule))
    return with_children(node, lambda child: replace_entries(child, rule))


def put_in(node: Term, rule: Callable[[Entry], Term | None]) -> list[Term]:
    """Return what a rule puts into a term."""
    entries = {part for part in walk(node) if isinstance(part, Entry)}
    return [value for entry in entries if (value := rule(entry)) not in (None, entry)]


def strange_indices(node: Term, rule: Callable[[Entry], Term | None]) -> frozenset[Index]:
    """Return the indices that stand in what is put in and not in what it replaces."""
    entries = {part for part in walk(node) if isinstance(part, Entry)}
    return frozenset().union(
        *(free_indices(v) - frozenset(e.indices) for e in entries if (v := rule(e)) is not None)
    )


def depends_on(node: Term, array: Array) -> bool:
    """Return True when an array stands in a term, its named quantities unfolded."""
    return bool(entries_of(unfold(node), array))


def all_indices(node: Term) -> frozenset[Index]:
    """Return every index that stands in a term, free or bound."""
    return free_indices(node) | bound_indices(node)


def instantiate(use: Use) -> Term:
    """Return the body of a definition at the arguments of its use.

    Raises
    ------
    ValueError
        Where the body takes a derivative or a limit by a parameter, and the argument is another.
    """
    body = use.definition.body
    pairs = list(zip(use.definition.parameters, use.arguments, strict=True))
    scalars = {p: a for p, a in pairs if isinstance(p, Entry) and isinstance(a, Term) and p != a}
    arrays = {p: a for p, a in pairs if isinstance(p, Array) and isinstance(a, Each)}
    arrays = {p: a for p, a in arrays.items() if as_argument(p) != a}
    # All at once: an argument may hold what another parameter is called.
    apart: dict[Index, Index] = {}
    for p, a in pairs:
        if isinstance(p, Index) and isinstance(a, Index) and p != a:
            apart[p] = a
    if scalars or arrays:
        strange = frozenset().union(*map(free_in_argument, use.arguments))
        body = rename_bound(body, strange)
        outer = {p: Index(f"{p.name}\0", p.dimension) for p in apart}
        body = reindex(body, outer)
        apart = {outer[p]: a for p, a in apart.items()}

        def rule(entry: Entry) -> Term | None:
            if entry in scalars:
                return scalars[entry]
            if entry.array in arrays:
                given = arrays[entry.array]
                return reindex(given.body, dict(zip(given.indices, entry.indices, strict=True)))
            return None

        body = replace_entries(body, rule)
    return reindex(body, apart)


@lru_cache(maxsize=4096)
def unfold(node: Term) -> Term:
    """Replace every named quantity by what it stands for, all the way down."""
    match node:
        case Use():
            return unfold(instantiate(node))
        case Written() | Expectation():
            return unfold(node.meaning)
    return with_children(node, unfold)


def opened(node: Term, array: Array) -> Term:
    """Replace the named quantities that depend on an array by what they stand for."""
    match node:
        case Use() if depends_on(node, array):
            return opened(instantiate(node), array)
        case Written() | Expectation():
            return opened(node.meaning, array)
    return with_children(node, lambda child: opened(child, array))


def check_sorts(name: str, expected: tuple[Dimension, ...], given: tuple[Index, ...]) -> None:
    """Refuse indices whose dimensions are not the expected ones."""
    if tuple(index.dimension for index in given) != expected:
        wanted = " x ".join(d.name for d in expected) or "a scalar"
        found = ", ".join(f"{i.name} over {i.dimension.name}" for i in given) or "no index"
        raise ShapeError(f"{name}: expected indices over {wanted}, got {found}")


def check_binder(index: Index, body: Term) -> None:
    """Refuse a body that binds the same index again: its meaning would be hidden from a reader."""
    if index in bound_indices(body):
        raise ShapeError(f"the index {index.name} is bound twice; use another letter inside")


def names(indices: frozenset[Index] | set[Index]) -> str:
    """Return the sorted names of some indices."""
    return ", ".join(sorted(index.name for index in indices))
