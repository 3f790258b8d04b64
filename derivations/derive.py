"""Formulas from a forward pass that a reader brings: derivatives without a single move given.

Each named quantity on the way from the variable to the result is differentiated by its own
definition, the innermost first; the next one uses what was found. So the lines stay short, and
the reader's names stand in them. What is found is a statement, verified like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy

from derivations import from_sympy
from derivations.language import moves, terms
from derivations.language.moves import Move
from derivations.language.statement import Hypothesis, Statement
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Each,
    Entry,
    Index,
    NotDifferentiable,
    Sum,
    Term,
    Use,
)
from derivations.prints import notebook
from derivations.prints.mathematics import text
from derivations.proof import signs


@dataclass(frozen=True)
class Derived:
    """A derivative, the statements that lead to it, and what follows from it.

    ``further`` is the product with a direction for a second derivative, and for a layer what the
    rule of the pass back makes of a delta.
    """

    result: Statement
    steps: tuple[Statement, ...]
    further: tuple[Statement, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, in the order in which they are used."""
        return (*self.steps, self.result, *self.further)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return notebook.bundle(self.statements)


def derive(
    quantity: Definition | sympy.Basic,
    by: Array | Entry | sympy.Basic,
    twice: Array | Entry | sympy.Basic | None = None,
    keep: Sequence[Definition] | None = None,
    given: Sequence[Hypothesis] = (),
) -> Derived:
    """Return the derivative of a quantity by a variable, with its derivation.

    Parameters
    ----------
    quantity
        A named quantity: a cost, or the output of a layer. It may be given in SymPy, and so is
        the variable then: see ``from_sympy``.
    by
        The array or the scalar to differentiate by.
    twice
        The variable of a second derivative.
    keep
        The names that stay in the lines; every named quantity on the way unless it is given. What
        the others stand for is put in their place.
    given
        The hypotheses of the forward pass.

    Raises
    ------
    NotDifferentiable
        At a kink, or for a function without a derivative that is known.
    ValueError
        Where the quantity does not depend on the variable.
    """
    if isinstance(quantity, sympy.Basic):
        variables = [v for v in (by, twice) if isinstance(v, sympy.Basic)]
        _, quantity, (by, *rest), _ = from_sympy.read(quantity, variables)
        twice = rest[0] if rest else None
    assert not isinstance(by, sympy.Basic) and not isinstance(twice, sympy.Basic)
    first = variable_of(by, quantity)
    second = None if twice is None else variable_of(twice, quantity, first)
    arrays = [first.array] if second is None else [first.array, second.array]
    every = [name for array in arrays for name in path(quantity.body, array, None)]
    opened = [] if keep is None else [name for name in every if name not in keep]
    steps, result = derivatives(quantity, first, keep, given, opened)
    if second is None:
        return Derived(
            result,
            tuple(steps),
            pulled_back(quantity, result, path(quantity.body, first.array, keep), given),
        )
    gradient = result
    names = path(gradient.result.term, second.array, keep)
    known = [gradient, *steps]
    for name in names:
        lemma = derivative_of(name, second, names, known, given, opened)
        if not any(same_claim(lemma, s) for s in known):
            known.append(lemma)
    left = D(gradient.chains[0].left, second)
    chain = moves.attempt(
        left,
        moves.by(gradient),
        *presented([*path(quantity.body, first.array, keep), *names], known, given),
    )
    title = f"Second derivative of {quantity.name} by {first.array.name} and {second.array.name}"
    hessian = Statement(title, "", (chain,), tuple(given))
    further = along(hessian, second, names, given) if twice == by else ()
    known.remove(gradient)
    return Derived(hessian, (*steps, gradient, *known[len(steps) :]), further)


def same_claim(left: Statement, right: Statement) -> bool:
    """Return True for two statements that say the same of the same."""
    one, other = left.chains[0].left, right.chains[0].left
    return moves.match(one, other, tuple(terms.free_indices(one))) is not None


def derivatives(
    quantity: Definition,
    variable: Entry,
    keep: Sequence[Definition] | None,
    given: Sequence[Hypothesis],
    opened: Sequence[Definition],
) -> tuple[list[Statement], Statement]:
    """Return the derivatives of the names on the way, and that of the quantity."""
    if not terms.depends_on(quantity.body, variable.array):
        raise ValueError(f"{quantity.name} does not depend on {variable.array.name}")
    names = path(quantity.body, variable.array, keep)
    steps: list[Statement] = []
    for name in names:
        steps.append(derivative_of(name, variable, names, steps, given, opened))
    return steps, derivative_of(quantity, variable, names, steps, given, opened)


def variable_of(by: Array | Entry, quantity: Definition, other: Entry | None = None) -> Entry:
    """Return an entry of the variable at indices that stand nowhere else."""
    if isinstance(by, Entry):
        return by
    taken = frozenset(p for p in quantity.parameters if isinstance(p, Index))
    taken |= frozenset(other.indices) if other is not None else frozenset()
    indices: tuple[Index, ...] = ()
    for dimension in by.dimensions:
        indices += (dimension.fresh(taken.union(indices)),)
    return Entry(by, indices)


def path(node: Term, array: Array, keep: Sequence[Definition] | None) -> list[Definition]:
    """Return the names through which a term depends on an array, the innermost first."""
    found: dict[Definition, None] = {}

    def visit(part: Term) -> None:
        for use in terms.walk(part):
            if isinstance(use, Use) and use.definition not in found:
                visit(use.definition.body)
                if keep is not None and use.definition not in keep:
                    continue
                if is_function(use.definition) or terms.depends_on(use.definition.body, array):
                    found[use.definition] = None

    visit(node)
    return list(found)


def is_function(name: Definition) -> bool:
    """Return True for a function of a number or of an array: its derivative is by its argument."""
    return argument_of(name) is not None


def argument_of(name: Definition) -> Entry | Array | None:
    """Return the only parameter of a name that is no index."""
    given = [p for p in name.parameters if not isinstance(p, Index)]
    return given[0] if len(given) == 1 else None


def derivative_of(
    name: Definition,
    variable: Entry,
    names: Sequence[Definition],
    known: Sequence[Statement],
    given: Sequence[Hypothesis],
    opened: Sequence[Definition],
) -> Statement:
    """Return the derivative of one named quantity, by its own definition, names in it ``opened``."""
    if (argument := argument_of(name)) is not None:
        variable = variable_of(argument, name)
    left = D(Use(name, apart(name, variable)), variable)
    try:
        inner = (moves.unfold(other) for other in reversed(opened))
        chain = moves.attempt(
            left, moves.unfold(name), *inner, *presented([name, *names], known, given)
        )
    except NotDifferentiable as problem:
        said = f"{name.name}: {place(problem)}; no derivative by {variable.array.name}"
        raise NotDifferentiable(said, problem.part) from problem
    title = f"Derivative of {name.name} by {variable.array.name}"
    return Statement(title, "", (chain,), tuple(given))


def place(problem: NotDifferentiable) -> str:
    """Return what has no derivative, and where."""
    if problem.part is None:
        return str(problem)
    kink = problem.part.function.kink.format(*map(text, problem.part.arguments))
    why = f"has a kink where {kink}" if kink else "is not known to have a slope"
    return f"{text(problem.part)} {why}"


def unproved(quantity: Definition, given: Sequence[Hypothesis]) -> list[str]:
    """Return what has to be positive, in a logarithm or below a power, and is not proved to be."""
    facts = signs.Facts(tuple(pair for hypothesis in given for pair in hypothesis.signs))
    names: dict[Definition, None] = {}

    def visit(name: Definition) -> None:
        for part in terms.walk(name.body):
            if isinstance(part, Use) and part.definition not in names:
                visit(part.definition)
        names[name] = None

    visit(quantity)
    return [
        f"{name.name}: {text(argument)} stands in a logarithm, under a root or below another power "
        "and is not proved positive"
        for name in names
        for argument, wanted, _ in signs.partial_arguments(name.body)
        if wanted != "nonzero" and not signs.defined(terms.log(argument), facts)
    ]


def apart(name: Definition, variable: Entry) -> tuple[Index | Term | Each, ...]:
    """Return the parameters of a name, its indices other than those of the variable."""
    taken = frozenset(variable.indices)
    arguments: list[Index | Term | Each] = []
    for parameter in name.parameters:
        if isinstance(parameter, Index):
            parameter = parameter if parameter not in taken else parameter.dimension.fresh(taken)
            taken |= {parameter}
        arguments.append(terms.itself(parameter))
    return tuple(arguments)


def presented(
    names: Sequence[Definition], known: Sequence[Statement], given: Sequence[Hypothesis]
) -> Iterable[Move]:
    """Return the moves from an opened derivative to the line that a person would write."""
    return (
        moves.linearity,
        moves.chain_rule,
        moves.entry_rule,
        moves.fold(*names),
        *(moves.by(*known), moves.linearity, moves.chain_rule) * DEEP,
        moves.by(*known),
        moves.entry_rule,
        *finished(names, given),
    )


DEEP = 3  # functions of functions in one formula


def finished(names: Sequence[Definition], given: Sequence[Hypothesis]) -> Iterable[Move]:
    """Return the moves that write a line shortly, with names and with what is given."""
    return (
        moves.contract,
        moves.fold(*names),
        moves.known_sums,
        moves.given(*given),
        moves.collect,
    )


def along(
    hessian: Statement, second: Entry, names: Sequence[Definition], given: Sequence[Hypothesis]
) -> tuple[Statement, ...]:
    """Return the product of a Hessian and a direction."""
    chain = hessian.chains[0]
    direction = Array("direction", second.array.dimensions, "v", r"\mathbf{v}")
    if not second.indices:
        return ()
    left: Term = chain.left * direction[second.indices]
    for index in reversed(second.indices):
        left = Sum(index, left)
    product = moves.attempt(left, moves.by(hessian), *finished(names, given))
    return (Statement("Hessian-vector product", "", (product,), tuple(given)),)


def pulled_back(
    quantity: Definition,
    result: Statement,
    names: Sequence[Definition],
    given: Sequence[Hypothesis],
) -> tuple[Statement, ...]:
    """Return what a delta at the output of a layer is at its variable: RULE 2 or RULE 3."""
    chain = result.chains[0]
    assert isinstance(chain.left, D) and isinstance(chain.left.body, Use)
    places = tuple(a for a in chain.left.body.arguments if isinstance(a, Index))
    if not places or is_function(quantity):
        return ()
    delta = Array(
        "delta'",
        tuple(p.dimension for p in places),
        r"\delta",
        r"\boldsymbol{\delta}",
        superscript=r"\prime",
    )
    left: Term = delta[places] * chain.left
    for index in reversed(places):
        left = Sum(index, left)
    made = moves.attempt(left, moves.by(result), *finished([*names, quantity], given))
    return (Statement("What a delta becomes", "", (made,), tuple(given)),)
