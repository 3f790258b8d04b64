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
from functools import cached_property


class ShapeError(TypeError):
    """An index of one dimension was used where another dimension is expected."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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

    def __pow__(self, other: Term | int) -> Term:
        return Pow(self, term(other))

    def __neg__(self) -> Term:
        return Neg(self)


@dataclass(frozen=True)
class Number(Term):
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True)
class Size(Term):
    """A dimension's size, as a number."""

    dimension: Dimension


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Entry(Term):
    """One entry of an array, ``x_ik``."""

    array: Array
    indices: tuple[Index, ...] = ()

    def __post_init__(self) -> None:
        check_sorts(self.array.name, self.array.dimensions, self.indices)


@dataclass(frozen=True)
class Definition:
    """A named quantity ``p_i := ...`` or function ``sigma(t) := ...``.

    Each parameter is an index or a scalar variable. Use ``p[i]`` for the first and
    ``sigma(t)`` for the second. It prints by its name; the checks unfold it.
    """

    name: str
    parameters: tuple[Index | Entry, ...]
    body: Term
    letter: str = ""
    bold: str = ""
    written: str = ""
    superscript: str = ""

    def __post_init__(self) -> None:
        stray = free_indices(self.body) - {p for p in self.parameters if isinstance(p, Index)}
        if stray:
            raise ShapeError(f"{self.name}: its definition has the free indices {names(stray)}")

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.parameters, self.body))

    def __hash__(self) -> int:
        """Return a hash that is worked out once: definitions stand in one another."""
        return self._hash

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Use:
        return Use(self, indices if isinstance(indices, tuple) else (indices,))

    def __call__(self, *arguments: Term | int) -> Use:
        """Return the function at scalar arguments; without any, the quantity itself."""
        return Use(self, tuple(term(a) for a in arguments))

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The dimensions of the index parameters."""
        return tuple(p.dimension for p in self.parameters if isinstance(p, Index))


@dataclass(frozen=True)
class Use(Term):
    """A named quantity at given indices, or a named function at given arguments."""

    definition: Definition
    arguments: tuple[Index | Term, ...] = ()

    def __post_init__(self) -> None:
        parameters = self.definition.parameters
        same_kinds = len(parameters) == len(self.arguments) and all(
            isinstance(p, Index) == isinstance(a, Index)
            for p, a in zip(parameters, self.arguments, strict=True)
        )
        if not same_kinds:
            raise ShapeError(f"{self.definition.name} takes {len(parameters)} arguments")
        indices = tuple(a for a in self.arguments if isinstance(a, Index))
        check_sorts(self.definition.name, self.definition.dimensions, indices)


@dataclass(frozen=True)
class Add(Term):
    """A sum of terms, in the author's order."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Mul(Term):
    """A product of factors, in the author's order."""

    factors: tuple[Term, ...]


@dataclass(frozen=True)
class Neg(Term):
    """The negative of a term."""

    term: Term


@dataclass(frozen=True)
class Div(Term):
    """A fraction."""

    numerator: Term
    denominator: Term


@dataclass(frozen=True)
class Pow(Term):
    """A power."""

    base: Term
    exponent: Term


@dataclass(frozen=True)
class Function(Term):
    """An elementary function: exp, log, abs, min, max."""

    name: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True)
class Unknown(Term):
    """Any differentiable function of one real argument, or its derivative of some order."""

    name: str
    argument: Term
    order: int = 0


@dataclass(frozen=True)
class Delta(Term):
    """The Kronecker delta of two indices of one dimension."""

    left: Index
    right: Index

    def __post_init__(self) -> None:
        check_sorts("delta", (self.left.dimension,), (self.right,))


@dataclass(frozen=True)
class Sum(Term):
    """The sum of the body over all values of the index, which is bound in it."""

    index: Index
    body: Term

    def __post_init__(self) -> None:
        check_binder(self.index, self.body)


@dataclass(frozen=True)
class Product(Term):
    """The product of the body over all values of the index, which is bound in it."""

    index: Index
    body: Term

    def __post_init__(self) -> None:
        check_binder(self.index, self.body)


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Limit(Term):
    """The limit of the body as a scalar variable tends to a number or to +-infinity (+-1)."""

    body: Term
    variable: Entry
    infinity: int

    def __post_init__(self) -> None:
        if not isinstance(self.variable, Entry) or self.variable.indices:
            raise TypeError(f"a limit in a scalar variable, not in {self.variable!r}")


@dataclass(frozen=True)
class Written(Term):
    """A term that is displayed in one form and means another: an expectation, a norm."""

    display: object
    meaning: Term
    style: str
    over: Entry | None = None


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


def expectation(label: Entry, outcomes: Mapping[int, Term], body: Term) -> Written:
    """Return the expectation of a term over a label with the given probabilities."""
    others = entries_of(unfold(body), label.array) - {label}
    bound = bound_indices(unfold(body))
    if any(bound & set(e.indices) for e in others) or bound & set(label.indices):
        raise ValueError(
            f"expectation: {label.array.name} stands under a sum, where it may be this one"
        )
    if label in entries_of(unfold(body), label.array) - entries_of(body, label.array):
        raise ValueError(f"expectation: a named quantity hides {label.array.name}; write it out")
    parts = []
    for outcome, probability in outcomes.items():
        value = replace_entries(body, {label: Number(Fraction(outcome))}.get)
        parts.append(probability * value)
    return Written(body, Add(tuple(parts)), "expectation", label)


def product(index: Index, body: Term | int) -> Product:
    """Return the product of the body over the index."""
    return Product(index, term(body))


def exp(argument: Term | int) -> Function:
    """Return the exponential of a term."""
    return Function("exp", (term(argument),))


def log(argument: Term | int) -> Function:
    """Return the natural logarithm of a term."""
    return Function("log", (term(argument),))


def absolute(argument: Term) -> Function:
    """Return the absolute value of a term."""
    return Function("abs", (argument,))


def minimum(left: Term, right: Term | int) -> Function:
    """Return the smaller of two terms."""
    return Function("min", (left, term(right)))


def maximum(left: Term, right: Term | int) -> Function:
    """Return the larger of two terms."""
    return Function("max", (left, term(right)))


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
        case Function(_, arguments):
            return arguments
        case Unknown(_, argument):
            return (argument,)
        case Sum(_, body) | Product(_, body) | D(body, _) | Limit(body, _, _):
            return (body,)
        case Use(_, arguments):
            return tuple(a for a in arguments if isinstance(a, Term))
        case Written(display, meaning):
            return (display, meaning) if isinstance(display, Term) else (meaning,)
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
        case Function(name, arguments):
            return Function(name, tuple(map(change, arguments)))
        case Unknown(name, argument, order):
            return Unknown(name, change(argument), order)
        case Sum(index, body) | Product(index, body):
            return type(node)(index, rename_bound(change(body), frozenset({index})))
        case D(body, variable):
            return D(rename_bound(change(body), frozenset(variable.indices)), variable)
        case Limit(body, variable, infinity):
            return Limit(change(body), variable, infinity)
        case Use(definition, arguments):
            return Use(
                definition, tuple(change(a) if isinstance(a, Term) else a for a in arguments)
            )
        case Written(display, meaning):
            shown = change(display) if isinstance(display, Term) else display
            return replace(node, display=shown, meaning=change(meaning))
    return node


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


def free_indices(node: Term) -> frozenset[Index]:
    """Return the indices that no sum or product in the term binds."""
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
            own = frozenset(a for a in arguments if isinstance(a, Index))
            return own.union(*map(free_indices, children(node)))
    return frozenset().union(*map(free_indices, children(node)))


def bound_indices(node: Term) -> frozenset[Index]:
    """Return the indices that a sum or product in the term binds."""
    return frozenset(part.index for part in walk(node) if isinstance(part, (Sum, Product)))


def reindex(node: Term, new: Mapping[Index, Index]) -> Term:
    """Replace free indices; a bound index that would capture a new one is renamed first."""
    new = {old: to for old, to in new.items() if old != to}
    if not new:
        return node
    match node:
        case Entry(array, indices):
            return Entry(array, tuple(new.get(i, i) for i in indices))
        case Delta(left, right):
            return Delta(new.get(left, left), new.get(right, right))
        case Use(definition, arguments):
            return Use(
                definition,
                tuple(
                    new.get(a, a) if isinstance(a, Index) else reindex(a, new) for a in arguments
                ),
            )
        case Written(display, meaning, _, Entry(array, indices)):
            shown = reindex(display, new) if isinstance(display, Term) else display
            over = Entry(array, tuple(new.get(i, i) for i in indices))
            return replace(node, display=shown, meaning=reindex(meaning, new), over=over)
        case D(body, variable):
            variable = Entry(variable.array, tuple(new.get(i, i) for i in variable.indices))
            return D(rename_bound(reindex(body, new), frozenset(variable.indices)), variable)
        case Sum(index, body) | Product(index, body):
            inner = {old: to for old, to in new.items() if old != index}
            if index in inner.values():
                taken = free_indices(body).union(inner, inner.values(), {index})
                other = index.dimension.fresh(taken | bound_indices(body))
                body, index = reindex(body, {index: other}), other
            return type(node)(index, rename_bound(reindex(body, inner), frozenset({index})))
    return with_children(node, lambda child: reindex(child, new))


def rename_bound(node: Term, avoid: frozenset[Index]) -> Term:
    """Rename the bound indices that stand in ``avoid``."""
    if not bound_indices(node) & avoid:
        return node
    if isinstance(node, D):
        return D(rename_bound(node.body, avoid.union(node.variable.indices)), node.variable)
    if isinstance(node, (Sum, Product)):
        index, body = node.index, node.body
        if index in avoid:
            index = index.dimension.fresh(avoid | all_indices(node))
            body = reindex(body, {node.index: index})
        return type(node)(index, rename_bound(body, avoid | {index}))
    return with_children(node, lambda child: rename_bound(child, avoid))


def replace_entries(node: Term, rule: Callable[[Entry], Term | None]) -> Term:
    """Replace entries by terms; bound indices are renamed away from what is put in.

    A derivative's variable is never replaced: it would no longer be a variable.
    """
    if isinstance(node, Entry):
        new = rule(node)
        return node if new is None else new
    if isinstance(node, (D, Limit)) and rule(node.variable) is not None:
        raise ValueError("a variable of differentiation or of a limit cannot be replaced")
    if isinstance(node, (Sum, Product)):
        entries = [part for part in walk(node) if isinstance(part, Entry)]
        put_in = [(value, e) for e in entries if (value := rule(e)) is not None]
        if any(node.index in free_indices(value) - set(e.indices) for value, e in put_in):
            taken = all_indices(node).union(*(all_indices(value) for value, _ in put_in))
            other = node.index.dimension.fresh(taken)
            node = type(node)(other, reindex(node.body, {node.index: other}))
    return with_children(node, lambda child: replace_entries(child, rule))


def all_indices(node: Term) -> frozenset[Index]:
    """Return every index that stands in a term, free or bound."""
    return free_indices(node) | bound_indices(node)


def instantiate(use: Use) -> Term:
    """Return the body of a definition at the arguments of its use."""
    parameters = use.definition.parameters
    scalars = {p: a for p, a in zip(parameters, use.arguments, strict=True) if isinstance(a, Term)}
    indices = {
        p: a
        for p, a in zip(parameters, use.arguments, strict=True)
        if isinstance(p, Index) and isinstance(a, Index)
    }
    body = reindex(use.definition.body, indices)
    return replace_entries(body, scalars.get) if scalars else body


def unfold(node: Term) -> Term:
    """Replace every named quantity by what it stands for, all the way down."""
    if isinstance(node, Use):
        return unfold(instantiate(node))
    if isinstance(node, Written):
        return unfold(node.meaning)
    return with_children(node, unfold)


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
