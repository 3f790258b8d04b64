"""Moves: pure functions from a term to the next lines, each with its rule and its reason.

An author says the moves, the machine writes the lines. A move knows mathematics and is not
trusted: the routes judge each line that it makes. ``prove`` strings moves together:

    prove(D(NLL, w[k]), unfold(NLL), linearity, chain_rule, by(sigmoid.derivative), collect)

``to(line, rule, reason)`` gives a line that the author wants in a certain form; such a line is
typed, every other is made, and each says which it is. ``state`` puts chains together to a
statement, ``define`` makes one of definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import permutations
from typing import Any

import sympy

from derivations.language import algebra, terms
from derivations.language.algebra import ONE, ZERO, Algebra, Rewrite, over, plus, raised, times
from derivations.language.matrices import Matrix
from derivations.language.statement import (
    ALGEBRA,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LINEARITY,
    NAMED,
    RESTATED,
    SIGN,
    Chain,
    Hypothesis,
    Prose,
    Rule,
    Statement,
    Step,
)
from derivations.language.terms import (
    Add,
    Apply,
    Array,
    D,
    Definition,
    Delta,
    Div,
    Each,
    Entry,
    Index,
    Mul,
    Neg,
    Number,
    Pow,
    Product,
    Sum,
    Term,
    Use,
    term,
)

Move = Callable[[Term], Iterable[Step | Prose]]


class Stuck(ValueError):
    """A move that found nothing to do, or met what cannot be derived."""


def prove(
    left: Term,
    *moves: Move,
    at: tuple[Index, ...] | None = None,
    title: str = "",
    matrix: tuple[Matrix, Matrix] | None = None,
) -> Chain:
    """Return the chain of lines that moves make of a term.

    Parameters
    ----------
    left
        The quantity that is derived.
    moves
        What is done to it, in order.
    at
        The order of the free indices; as they are met, from left to right, unless it is given.
    title, matrix
        As in ``Chain``.

    Returns
    -------
    Chain
        Its lines are made when they are first asked for. ``Stuck`` says then which move found
        nothing to do.
    """
    return Chain(left, Made(left, moves), order(left) if at is None else at, title, matrix)


def state(
    title: str,
    summary: str,
    *chains: Chain,
    given: tuple[Hypothesis, ...] = (),
    level: str = RESTATED,
) -> Statement:
    """Return the statement that chains prove, at the level that is claimed."""
    for chain in chains:
        if not isinstance(chain, Chain):
            raise TypeError(f"state {title!r}: expected chains, one after the other, got {chain!r}")
    return Statement(title, summary, chains, given, level=level)


def define(
    title: str, summary: str, *definitions: Definition, given: tuple[Hypothesis, ...] = ()
) -> Statement:
    """Return the statement that gives names to quantities."""
    return Statement(title, summary, given=given, defines=definitions, level=NAMED)


@dataclass(frozen=True)
class Made(Sequence[Step | Prose]):
    """The lines that moves make of a term, worked out when they are first asked for."""

    left: Term
    moves: tuple[Move, ...]

    @cached_property
    def steps(self) -> tuple[Step | Prose, ...]:
        """The lines, each from the one before."""
        steps: list[Step | Prose] = []
        for number, move in enumerate(self.moves, 1):
            made = list(move(last_line(steps, self.left)))
            if not made:
                raise Stuck(f"move {number}, {name_of(move)}: there is nothing to do")
            steps += made
        return tuple(steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: Any) -> Any:
        """Return a line, or some."""
        return self.steps[place]

    def __repr__(self) -> str:
        """Return the lines: how they were made is no part of what they say."""
        return repr(self.steps)


def attempt(left: Term, *moves: Move, title: str = "") -> Chain:
    """Return the chain that those of the moves make that find something to do."""
    steps: list[Step | Prose] = []
    for move in moves:
        steps += move(last_line(steps, left))
    return Chain(left, tuple(steps), order(left), title)


def last_line(steps: Sequence[Step | Prose], left: Term) -> Term:
    """Return the term on the last line."""
    found = [s.expression for s in steps if isinstance(s, Step) and isinstance(s.expression, Term)]
    return found[-1] if found else left


def name_of(move: Move) -> str:
    """Return what a move is called."""
    return getattr(move, "__qualname__", repr(move)).split(".")[0]


def order(node: Term) -> tuple[Index, ...]:
    """Return the free indices of a term in the order in which a reader meets them."""
    free = terms.free_indices(node)
    found: dict[Index, None] = {}

    def visit(part: Term) -> None:
        match part:
            case D(body, variable):
                visit(body)
                found.update(dict.fromkeys(variable.indices))
            case Entry(_, indices):
                found.update(dict.fromkeys(indices))
            case Delta(left, right):
                found.update({left: None, right: None})
            case Use(_, arguments):
                for argument in arguments:
                    if isinstance(argument, Index):
                        found[argument] = None
        if not isinstance(part, D):
            for child in terms.children(part):
                visit(child)

    visit(node)
    return tuple(index for index in found if index in free)


def line(before: Term, after: Term, rule: Rule, reason: str, *cites: Statement) -> list[Step]:
    """Return a made line, or none where nothing has changed."""
    if after == before:
        return []
    after = terms.rename_bound(after, terms.free_indices(after))  # no letter means two things
    return [Step(after, rule, reason, tuple(cites), made=True)]


# -- lines that an author gives ---------------------------------------------------------------------


def to(expression: Term | Matrix | int, *how: Rule | str | Statement) -> Move:
    """Return a move to a line in the form that the author wants.

    Parameters
    ----------
    expression
        The line.
    how
        In any order: the rule that leads there, algebra unless it is given; the reason, in words;
        the statements that it uses.

    Returns
    -------
    Move
        It makes the one line, which counts as typed.
    """
    rules = [it for it in how if isinstance(it, Rule)]
    reasons = [it for it in how if isinstance(it, str)]
    cites = tuple(it for it in how if isinstance(it, Statement))
    if len(rules) > 1 or len(reasons) > 1 or len(rules) + len(reasons) + len(cites) < len(how):
        raise TypeError(f"to: expected one rule, one reason and statements at most, got {how!r}")
    rule, reason = (rules or [ALGEBRA])[0], (reasons or [""])[0]
    return lambda before: [Step(expression, rule, reason, cites)]


def sign(relation: str, reason: str) -> Move:
    """Return the last move of an inequality: how the line before compares with zero."""
    return lambda before: [Step(ZERO, SIGN, reason, relation=relation)]


def words(text: str, source: str = "") -> Move:
    """Return a move that is a step in words."""
    return lambda before: [Prose(text, source)]


def then(*moves: Move) -> Move:
    """Return the move that is several, one after the other."""
    return lambda before: Made(before, moves)


def because(reason: str, move: Move, *cites: Statement) -> Move:
    """Return a move with a reason of the author's, on the last line that it makes."""

    def named(before: Term) -> Iterable[Step | Prose]:
        made = list(move(before))
        if made and isinstance(made[-1], Step):
            made[-1] = replace(made[-1], reason=reason, cites=(*made[-1].cites, *cites))
        return made

    return named


# -- names ------------------------------------------------------------------------------------------


def everywhere(node: Term, change: Callable[[Term], Term | None]) -> Term:
    """Return a term with each part changed for which there is a change, from the outside in."""
    changed = change(node)
    if changed is not None:
        return changed
    return terms.with_children(node, lambda child: everywhere(child, change))


def unfold(*names: Definition | Use) -> Move:
    """Return the move that puts what names stand for in their place, one name after the other.

    Without names, each that there is, once.
    """

    def opened(node: Term, wanted: Definition | None = None) -> Term:
        def change(part: Term) -> Term | None:
            if isinstance(part, Use) and wanted in (None, part.definition):
                return terms.instantiate(part)
            return None

        return everywhere(node, change)

    def move(before: Term) -> list[Step]:
        after = before if names else opened(before)
        for name in names:
            after = opened(after, definition_of(name))
        return line(before, after, DEFINITION, "")

    return move


def fold(*names: Definition | Use) -> Move:
    """Return the move that writes names where their definitions stand."""
    wanted = [definition_of(name) for name in names]
    return lambda before: line(before, folded(before, wanted), DEFINITION, "")


def definition_of(name: Definition | Use) -> Definition:
    """Return the definition of a name, which may be given as it is used."""
    return name.definition if isinstance(name, Use) else name


def folded(node: Term, names: Sequence[Definition]) -> Term:
    """Return a term with names in the place of their bodies, also where a body is hidden.

    A body such as ``exp(z[a]) / total(b, exp(z[b]))`` is seen in a product, too: its leading atom
    is the name times the rest. The shorter term is taken.
    """
    for name in names:
        exact = everywhere(node, lambda part: match_body(name, part))  # noqa: B023 - called at once
        node = exact if algebra.cost(exact) < algebra.cost(node) else node
        solved = hidden(node, name)
        shorter = solved is not None and algebra.cost(solved) < algebra.cost(node)
        if shorter and uses(solved, name) > uses(node, name):  # type: ignore[arg-type]
            node = solved  # type: ignore[assignment]
    return node


def uses(node: Term, name: Definition) -> int:
    """Return how often a name stands in a term, outside of what is to be differentiated."""
    return sum(
        isinstance(part, Use) and part.definition == name
        for part in terms.walk(everywhere(node, lambda p: ZERO if isinstance(p, D) else None))
    )


def match_body(name: Definition, part: Term) -> Term | None:
    """Return the use of a name whose body a term is; what is to be differentiated stays open."""
    if isinstance(part, D):
        return part
    body: Term = name.body
    factor: Term = ONE
    power = Fraction(1)
    match body, part:
        case Div(Number(Fraction(numerator=1, denominator=1)), below), Div(above, beneath):
            body, factor, part = below, above, beneath
        case Pow(_, Number(own)), Pow(base, Number(other)) if (other / own).denominator == 1:
            part, power = Pow(base, Number(own)), other / own  # 1 / r^3 of an r that is a root
    found = match(body, part, own_holes(name))
    if found is None or not all(p in found for p in own_holes(name)):
        return None
    use = raised(Use(name, arguments_from(name, found)), term(abs(power)))
    return over(ONE, use) if power < 0 else times(factor, use)


def own_holes(name: Definition) -> tuple[Index | Entry, ...]:
    """Return the parameters that may stand for others; an array stands for itself."""
    return tuple(p for p in name.parameters if not isinstance(p, Array))


def arguments_from(name: Definition, found: Found) -> tuple[Any, ...]:
    """Return the arguments of a name from what a match has found."""
    return tuple(found.get(p, terms.itself(p)) for p in name.parameters)


def hidden(node: Term, name: Definition) -> Term | None:
    """Return a term in which the leading atom of a name's body is written by the name."""
    if (solved := by_name(name)) is None:
        return None
    pattern, its_value, closed = solved

    def written(part: Term) -> Term | None:
        if type(part) is not type(pattern):
            return sum_of_names(part)
        found = match(pattern, part, own_holes(name))
        if found is None or not all(p in found for p in own_holes(name)):
            return None
        return put_in(its_value, found)

    changed = Algebra(written).simplify(node)
    return everywhere(
        changed,
        lambda part: (
            terms.instantiate(part) if isinstance(part, Use) and part.definition in closed else None
        ),
    )


@lru_cache(maxsize=256)
def by_name(name: Definition) -> tuple[Term, Term, list[Definition]] | None:
    """Return the leading atom of a name's body, what it is by the name, and what is closed there."""
    own, mark = Algebra(), sympy.Dummy("name")
    body = own.up(name.body)
    lead = leading(own, body, name)
    solutions = sympy.solve(sympy.numer(sympy.together(body - mark)), lead) if lead else []
    if len(solutions) != 1:
        return None
    pattern = own.atoms[lead]
    # The rest of the body (a denominator, say) has the leading atom in it: it is closed for now.
    closed: list[Definition] = []
    for symbol in solutions[0].free_symbols - {mark}:
        atom = own.atoms[symbol]
        if all(match(pattern, part, own_holes(name)) is None for part in terms.walk(atom)):
            continue
        holes = tuple(p for p in name.parameters if p in terms.free_indices(atom))
        closed.append(Definition("rest", holes, atom))
        own.atoms[symbol] = Use(closed[-1], holes)
    own.atoms[mark] = Use(name, tuple(map(terms.itself, name.parameters)))
    return pattern, own.down(solutions[0]), closed


def leading(own: Algebra, body: sympy.Expr, name: Definition) -> sympy.Dummy | None:
    """Return the exponential or the entry in a body that has all parameters of its name in it."""
    exponentials = [s for s in own.atoms if is_exponential(own.atoms[s]) and s in body.free_symbols]
    others = [s for s in own.atoms if isinstance(own.atoms[s], Entry) and s in body.free_symbols]
    for symbol in exponentials or others:
        atom = own.atoms[symbol]
        indices = {p for p in name.parameters if isinstance(p, Index)}
        scalars = {p for p in name.parameters if isinstance(p, Entry)}
        entries = {part for part in terms.walk(atom) if isinstance(part, Entry)}
        if indices <= terms.free_indices(atom) and scalars <= entries:
            return symbol
    return None


# -- matching ---------------------------------------------------------------------------------------

Found = dict[Any, Any]


def match(pattern: Term, node: Term, holes: Sequence[Any]) -> Found | None:
    """Return what the holes of a pattern (indices, scalars, arrays) stand for in a term."""
    found: Found = {}
    return found if matches(pattern, node, frozenset(holes), found, {}) else None


def matches(
    pattern: Term, node: Term, holes: frozenset[Any], found: Found, bound: dict[Index, Index]
) -> bool:
    """Match and collect; ``bound`` pairs the bound indices of both sides."""

    def at(left: Index, right: Index) -> bool:
        if left in bound or right in bound.values():
            return bound.get(left) == right
        if left in holes:
            fits = left.dimension == right.dimension
            return fits and found.setdefault(left, right) == right
        return left == right

    def below(left: Term, right: Term) -> bool:
        return matches(left, right, holes, found, bound)

    if isinstance(pattern, Entry) and pattern in holes:
        if terms.free_indices(node) & frozenset(bound.values()):
            return False
        return algebra.same(found.setdefault(pattern, node), node)
    if isinstance(pattern, Entry) and pattern.array in holes:
        return array_matches(pattern, node, found, bound)
    if type(pattern) is not type(node):
        return False
    match pattern, node:
        case Entry(array, indices), Entry(other, others):
            return array == other and all(map(at, indices, others))
        case Delta(left, right), Delta(a, b):
            return at(left, a) and at(right, b)
        case Sum(index, body) | Product(index, body), Sum(letter, inner) | Product(letter, inner):
            if index.dimension != letter.dimension:
                return False
            return matches(body, inner, holes, found, {**bound, index: letter})
        case Use(definition, arguments), Use(name, given):
            return definition == name and all(
                at(p, a)  # type: ignore[arg-type]
                if isinstance(p, Index)
                else below(p, a)
                if isinstance(p, Term) and isinstance(a, Term)
                else algebra.argument_key(p) == algebra.argument_key(a)
                for p, a in zip(arguments, given, strict=True)
            )
        case D(body, variable), D(inner, other):
            return below(body, inner) and below(variable, other)
        case Apply(function, _), Apply(other, _) if function is not other:
            return False
        case Number(value), Number(other):
            return value == other
        case terms.Size(dimension), terms.Size(other):
            return dimension == other
    inside, theirs = terms.children(pattern), terms.children(node)
    if len(inside) != len(theirs) or not inside:
        return False
    if not isinstance(node, (Mul, Add)) or len(inside) > FEW:
        return all(map(below, inside, theirs))
    before = dict(found)
    for ordered in permutations(theirs):
        if all(map(below, inside, ordered)):
            return True
        found.clear()
        found.update(before)
    return False


FEW = 4  # factors or summands that are matched in every order


def array_matches(pattern: Entry, node: Term, found: Found, bound: dict[Index, Index]) -> bool:
    """Match the entry of an array that stands for any array: the term at the same bound indices."""
    places = [bound.get(i) or found.get(i) for i in pattern.indices]
    if None in places or len(set(places)) < len(places):
        return False
    given = found.get(pattern.array)
    if given is None:
        found[pattern.array] = Each(tuple(places), node)  # type: ignore[arg-type]
        return True
    here = terms.reindex(given.body, dict(zip(given.indices, places, strict=True)))  # type: ignore[arg-type]
    return algebra.same(here, node)


def put_in(node: Term, found: Found) -> Term:
    """Return a term with the holes of a pattern replaced by what they stand for."""
    holes = tuple(found)
    scalars = tuple(h for h in holes if not isinstance(h, Index))
    indices = tuple(h for h in holes if isinstance(h, Index))
    name = Definition("", (*scalars, *indices), node)
    return terms.instantiate(Use(name, tuple(found[h] for h in (*scalars, *indices))))


# -- derivatives ------------------------------------------------------------------------------------


def constant(node: Term, array: Array) -> bool:
    """Return True where an array does not stand in a term, its names unfolded."""
    return not terms.depends_on(node, array)


def pushed(node: Term) -> Term:
    """Return a term with its derivatives moved inside sums and past constants."""
    if not isinstance(node, D):
        return terms.with_children(node, pushed)
    body, variable = pushed(node.body), node.variable
    array = variable.array
    if isinstance(body, D) or constant(body, array):
        return ZERO if constant(body, array) else D(body, variable)
    match body:
        case Add(parts):
            return plus([pushed(D(part, variable)) for part in parts])
        case Neg(inner):
            return neg(pushed(D(inner, variable)))
        case Sum(index, inner):
            return Sum(index, apart(index, pushed(D(inner, variable))))
        case Div(numerator, denominator) if constant(denominator, array):
            return over(pushed(D(numerator, variable)), denominator)
        case Mul(factors):
            fixed = [f for f in factors if constant(f, array)]
            moving = [f for f in factors if not constant(f, array)]
            if fixed:
                return times(*fixed, pushed(D(times(*moving), variable)))
    return D(body, variable)


def neg(node: Term) -> Term:
    """Return the negative of a term as it is written."""
    return node.term if isinstance(node, Neg) else ZERO if node == ZERO else Neg(node)


def apart(index: Index, body: Term) -> Term:
    """Return the body of a sum, none of whose own indices is that of the sum."""
    return terms.rename_bound(body, frozenset({index}))


def layer(body: Term, variable: Entry) -> Term:
    """Return the derivative of a term by the rule of its outermost operation.

    Raises
    ------
    NotDifferentiable
        At a kink, and where a function has no derivative that is known.
    """
    array = variable.array

    def d(part: Term) -> Term:
        return ZERO if constant(part, array) else entry_or_inert(part, variable)

    match body:
        case _ if constant(body, array):
            return ZERO
        case Add(parts):
            return plus([d(part) for part in parts])
        case Neg(inner):
            return neg(d(inner))
        case Sum(index, inner):
            return Sum(index, apart(index, d(inner)))
        case Mul(factors):
            return plus(
                [
                    times(*factors[:n], d(factor), *factors[n + 1 :])
                    for n, factor in enumerate(factors)
                    if not constant(factor, array)
                ]
            )
        case Div(numerator, denominator) if constant(denominator, array):
            return over(d(numerator), denominator)
        case Div(numerator, denominator):
            if constant(numerator, array):
                below = times(numerator, d(denominator))
                return neg(over(below, raised(denominator, term(2))))
            if divides_by_itself(numerator):
                return times(body, logarithmic(body, variable))
            relative = times(body, logarithmic(denominator, variable))
            return plus([over(d(numerator), denominator), neg(relative)])
        case Pow(base, Number(exponent)) if exponent.denominator > 1:
            up, below = term(exponent.numerator), term(exponent.denominator)
            rest = raised(base, term(abs(exponent - 1)))
            if exponent > 1:
                return over(times(up, rest, d(base)), below)
            return over(times(up, d(base)), times(below, rest))
        case Pow(base, exponent) if constant(exponent, array):
            lower = exponent.value - 1 if isinstance(exponent, Number) else None
            reduced = term(lower) if lower is not None else exponent - 1
            return times(exponent, raised(base, reduced), d(base))
        case Pow(base, exponent):
            return times(
                body,
                plus(
                    [
                        times(d(exponent), terms.log(base)),
                        over(times(exponent, d(base)), base),
                    ]
                ),
            )
        case Apply(terms.log, (argument,)):
            return over(d(argument), argument)
        case Apply(function, arguments):
            return plus(
                [
                    times(function.slope(n, arguments), d(argument))
                    for n, argument in enumerate(arguments)
                    if not constant(argument, array)
                ]
            )
        case Product(index, inner):
            return times(body, Sum(index, over(d(inner), inner)))
        case terms.Written():
            return layer(body.meaning, variable)
    return D(body, variable)


def logarithmic(node: Term, variable: Entry) -> Term:
    """Return the derivative of the logarithm of a term, factor by factor."""
    match node:
        case _ if constant(node, variable.array):
            return ZERO
        case Mul(factors):
            return plus([logarithmic(factor, variable) for factor in factors])
        case Div(numerator, denominator):
            return plus([logarithmic(numerator, variable), neg(logarithmic(denominator, variable))])
        case Pow(base, Number(exponent)):
            up, below = term(exponent.numerator), term(exponent.denominator)
            return over(times(up, logarithmic(base, variable)), below)
        case Pow(base, exponent) if constant(exponent, variable.array):
            return times(exponent, logarithmic(base, variable))
        case Apply(terms.exp, (argument,)):
            return D(argument, variable)
    return over(D(node, variable), node)


def divides_by_itself(node: Term) -> bool:
    """Return True for a product of exponentials, which is nowhere zero."""
    return all(map(is_exponential, node.factors if isinstance(node, Mul) else (node,)))


def is_exponential(node: Term) -> bool:
    """Return True for e to some power."""
    return isinstance(node, Apply) and node.function is terms.exp


def entry_or_inert(node: Term, variable: Entry) -> Term:
    """Return the derivative of an entry of the same array; any other stays to be taken."""
    return D(node, variable)


def inert(node: Term, variable: Entry) -> D:
    """Return a derivative that is not taken, none of whose own indices is that of the variable."""
    return D(terms.rename_bound(node, frozenset(variable.indices)), variable)


def is_closed(node: Term) -> bool:
    """Return True for what the chain rule leaves: a name or an entry, or a derivative of one."""
    return isinstance(node, (Entry, Use)) or (isinstance(node, D) and is_closed(node.body))


def chained(node: Term, once: bool = False) -> Term:
    """Return a term with the rules of differentiation applied until names and entries are left."""
    if not isinstance(node, D):
        return terms.with_children(node, lambda child: chained(child, once))
    body = chained(node.body, once)
    if is_closed(body):
        return D(body, node.variable)
    taken = layer(body, node.variable)
    return taken if once else chained(taken)


def entries(node: Term) -> Term:
    """Return a term with the derivative of each entry by an entry as deltas."""
    node = tidy(terms.with_children(node, entries))
    if isinstance(node, D) and isinstance(node.body, Entry):
        return entry_by_entry(node.body, node.variable)
    if isinstance(node, D) and constant(node.body, node.variable.array):
        return ZERO
    return node


def tidy(node: Term) -> Term:
    """Return a term without factors one, summands zero and double signs at its top."""
    match node:
        case Add(parts):
            return plus(parts)
        case Mul(factors):
            return times(*factors)
        case Neg(inner):
            return neg(inner)
        case Div(numerator, denominator):
            return over(numerator, denominator)
        case Sum(_, body) if body == ZERO:
            return ZERO
    return node


def everywhere_tidy(node: Term) -> Term:
    """Return a term that is tidy all the way down."""
    return tidy(terms.with_children(node, everywhere_tidy))


def entry_by_entry(entry: Entry, variable: Entry) -> Term:
    """Return the derivative of an entry by an entry."""
    if entry.array != variable.array:
        return ZERO
    return times(
        *(Delta(i, j) for i, j in zip(entry.indices, variable.indices, strict=True) if i != j)
    )


def linearity(before: Term) -> list[Step]:
    """Move derivatives inside sums and past constants."""
    return line(before, pushed(before), LINEARITY, "")


def chain_rule(before: Term) -> list[Step]:
    """Apply product, quotient and chain rule, down to names and entries."""
    # That a power has a value shows only when the names below it are opened.
    powers = [p for p in terms.walk(before) if isinstance(p, Pow)]
    opened = any(not isinstance(p.exponent, Number) for p in powers)
    return line(before, chained(before), DIFFERENTIATE if opened else CHAIN_RULE, laws(before))


def laws(before: Term) -> str:
    """Return which rules the derivatives in a term need, besides the one for a function inside."""
    found: dict[str, None] = {}
    for taken in terms.walk(before):
        if not isinstance(taken, D):
            continue
        array = taken.variable.array
        for part in terms.walk(taken.body):
            match part:
                case Apply(terms.log, _) if not constant(part, array):
                    found["d log t = dt / t"] = None
                case Apply(terms.exp, _) if not constant(part, array):
                    found["d e^t = e^t dt"] = None
                case Mul(factors) if sum(not constant(f, array) for f in factors) > 1:
                    found["product rule"] = None
                case Div(_, denominator) if not constant(denominator, array):
                    found["quotient rule"] = None
    return ", ".join(found)


def one_layer(before: Term) -> list[Step]:
    """Apply the rule of the outermost operation alone to each derivative."""
    return line(before, chained(before, once=True), CHAIN_RULE, "one layer")


def entry_rule(before: Term) -> list[Step]:
    """Take the derivative of each entry by an entry: one where they are the same, else zero."""
    after = entries(before)
    if count(after, D) == count(before, D):
        return []
    return line(before, after, DIFFERENTIATE, "an entry by an entry")


def differentiate(*names: Definition | Use) -> Move:
    """Return the move that puts names in and takes derivatives, down to names and entries.

    It is ``unfold``, ``linearity``, ``chain_rule`` and ``entry_rule``, those that find something to do.
    """

    def move(before: Term) -> list[Step | Prose]:
        steps: list[Step | Prose] = []
        for part in (*([unfold(*names)] if names else []), linearity, chain_rule, entry_rule):
            steps += part(last_line(steps, before))
        return steps

    return move


# -- what is known already --------------------------------------------------------------------------


def by(*known: Statement | Chain) -> Move:
    """Return the move that puts in what is known, with the chain rule for functions.

    A statement is cited. A chain stands above in the same statement, and its title is the reason.
    """

    def move(before: Term) -> list[Step]:
        after = before
        used: list[Statement | Chain] = []
        for source in known:
            start = after
            for chain in chains_of(source):
                if chain.relation == "=" and isinstance(chain.left, (D, Use, Apply, Sum)):
                    after = rewritten(after, chain.left, chain.last)
            used += [source] if after != start else []
        above = [source.title for source in used if isinstance(source, Chain)]
        lefts = [chains_of(source)[0].left for source in used]
        functions = [left.body for left in lefts if is_scalar_function(left)]  # type: ignore[attr-defined]
        after = everywhere_tidy(after) if used else after
        rule = CHAIN_RULE if functions else ALGEBRA
        vectors = any(is_vector_function(left) for left in lefts)
        if above or vectors or through_names(before, after, [use.definition for use in functions]):
            rule = DIFFERENTIATE
        cited = [source for source in used if isinstance(source, Statement)]
        return line(before, after, rule, f"{above[0]}, above" if above else "", *cited)

    return move


def chains_of(source: Statement | Chain) -> tuple[Chain, ...]:
    """Return the chains of a statement, or a chain by itself."""
    return (source,) if isinstance(source, Chain) else source.chains


def through_names(before: Term, after: Term, functions: Sequence[Definition]) -> bool:
    """Return True where a function was seen through a name, as sigma in p_i, or differentiated."""
    if functions and any(isinstance(p, D) and isinstance(p.body, D) for p in terms.walk(before)):
        return True
    left = {part for part in terms.walk(after) if isinstance(part, D)}
    gone = [p.body for p in terms.walk(before) if isinstance(p, D) and p not in left]
    uses = [body.definition for body in gone if isinstance(body, Use)]
    return bool(functions) and any(definition not in functions for definition in uses)


def rewritten(node: Term, left: Term, right: Term) -> Term:
    """Return a term in which each instance of one side of an equation has become the other."""
    scalar = left.variable if is_scalar_function(left) else None  # type: ignore[attr-defined]
    holes: tuple[Any, ...] = tuple(terms.free_indices(left))
    arguments = tuple(
        part
        for use in terms.walk(left)
        if isinstance(use, Use)
        for part in use.arguments
        if isinstance(part, Entry) and not part.indices
    )

    def change(part: Term) -> Term | None:
        if scalar is not None and isinstance(part, D) and isinstance(part.body, Use):
            for inside in (part.body, terms.instantiate(part.body)):  # p_i may be such a function
                found = match(left.body, inside, (*holes, scalar))  # type: ignore[attr-defined]
                if found is None or scalar not in found:
                    continue
                taken = put_in(right, found)
                if inside != part.body:
                    taken = folded(taken, [part.body.definition])
                inner = found[scalar]
                if inner == part.variable:
                    return taken
                return times(taken, inert(everywhere(inner, change), part.variable))
            return None
        if is_vector_function(left) and isinstance(part, D) and isinstance(part.body, Use):
            return by_entries(part, left, right)  # type: ignore[arg-type]
        found = match(left, part, (*holes, *arguments))
        return put_in(right, found) if found is not None else None

    return everywhere(node, change)


def is_vector_function(left: Term) -> bool:
    """Return True for the derivative of a function of an array by an entry of its argument."""
    return isinstance(left, D) and isinstance(left.body, Use) and vector_place(left) is not None


def vector_place(left: D) -> int | None:
    """Return the place of the array that a function is differentiated by, among its parameters."""
    assert isinstance(left.body, Use)
    parameters = left.body.definition.parameters
    return parameters.index(left.variable.array) if left.variable.array in parameters else None


def by_entries(part: D, left: D, right: Term) -> Term | None:
    """Return the derivative of a function of an array by the chain rule: a sum over its entries."""
    assert isinstance(part.body, Use) and isinstance(left.body, Use)
    number = vector_place(left)
    if part.body.definition != left.body.definition or number is None:
        return None
    given = part.body.arguments[number]
    assert isinstance(given, Each)
    taken = terms.all_indices(part) | terms.all_indices(right)
    at: tuple[Index, ...] = ()
    for index in given.indices:
        at += (index.dimension.fresh(taken.union(at)),)
    inner = terms.reindex(given.body, dict(zip(given.indices, at, strict=True)))
    holes = [a for a in left.body.arguments if isinstance(a, Index)]
    wanted = [a for a in part.body.arguments if isinstance(a, Index)]
    slope = Definition("", (left.variable.array, *holes, *left.variable.indices), right)
    found: Term = times(Use(slope, (given, *wanted, *at)), D(inner, part.variable))
    found = everywhere(found, lambda p: opened_use(p, slope))
    for index in reversed(at):
        found = Sum(index, found)
    return found


def opened_use(node: Term, name: Definition) -> Term | None:
    """Return what a use of a name stands for."""
    return terms.instantiate(node) if isinstance(node, Use) and node.definition is name else None


def is_scalar_function(left: Term) -> bool:
    """Return True for the derivative of a function of one scalar by its argument."""
    if not (isinstance(left, D) and isinstance(left.body, Use)):
        return False
    return left.body.arguments == (left.variable,)


def given(*hypotheses: Hypothesis) -> Move:
    """Return the move that uses hypotheses, such as: the labels of a data point sum to one."""

    def move(before: Term) -> list[Step]:
        after = algebra.simplify(before, known(*hypotheses))
        if algebra.same(after, algebra.simplify(before)):
            return []
        return line(before, after, ALGEBRA, "what is given")

    return move


def known(*hypotheses: Hypothesis) -> Rewrite:
    """Return the rewriting of sums that hypotheses say to be a number."""

    def rewrite(node: Term) -> Term | None:
        if not isinstance(node, Sum):
            return None
        for hypothesis in hypotheses:
            put: Term = terms.unfold(node) if algebra.cost(node) <= LONG else node
            before = put
            for pattern, form in hypothesis.replace:
                put = terms.replace_entries(put, parametrised(pattern, form))
            if put != before:
                value = algebra.simplify(put)
                if isinstance(value, Number):
                    return value
        return None

    return rewrite


def parametrised(pattern: Entry, form: Term) -> Callable[[Entry], Term | None]:
    """Return what a parametrisation makes of an entry."""

    def rule(entry: Entry) -> Term | None:
        if entry.array != pattern.array:
            return None
        return terms.reindex(form, dict(zip(pattern.indices, entry.indices, strict=True)))

    return rule


def slope(*names: Definition | Use) -> Move:
    """Return the move that takes the derivatives of names, each by its own definition alone.

    A name whose own exponentials are left stands in its derivative, as a probability does.
    """
    wanted = set(map(definition_of, names))

    def taken(part: Term) -> Term | None:
        if not (isinstance(part, D) and isinstance(part.body, Use)):
            return None
        if part.body.definition not in wanted:
            return None
        opened = D(
            terms.rename_bound(terms.instantiate(part.body), frozenset(part.variable.indices)),
            part.variable,
        )
        found = algebra.simplify(entries(chained(pushed(opened))))
        name = part.body.definition
        return folded(found, [name]) if any(map(is_exponential, terms.walk(name.body))) else found

    return lambda before: line(before, everywhere(before, taken), DIFFERENTIATE, "")


def adjoint(values: Use | Entry, delta: Term | None = None) -> Move:
    """Return the move that gathers what stands before the slopes of values, or before entries.

    However they were summed, what is left is a sum over ``values``, or over their derivatives: of
    what stands before each, which is written as ``delta`` where it is that.
    """

    def move(before: Term) -> list[Step]:
        found = {p.variable if isinstance(p, D) else None for p in terms.walk(before) if here(p)}
        if len(found) != 1:
            return []
        variable = found.pop()
        marks = tuple(Index(f"#{n}", i.dimension) for n, i in enumerate(places_of(values)))

        def at_marks(part: Term) -> Term | None:
            if not here(part):
                return None
            places = places_of(part.body if isinstance(part, D) else part)
            return times(*map(Delta, places, marks))

        rest = algebra.simplify(everywhere(before, lambda p: ZERO if here(p) else None))
        weight = algebra.simplify(plus([everywhere(before, at_marks), neg(rest)]))
        letters: dict[Index, Index] = {}
        for own in places_of(values):
            taken = terms.free_indices(before) | set(letters.values())
            letters[own] = own.dimension.fresh(taken) if own in taken else own
        places = tuple(letters.values())
        weight = terms.rename_bound(weight, frozenset(places))
        weight = terms.reindex(weight, dict(zip(marks, places, strict=True)))
        if delta is not None and means(named := terms.reindex(delta, letters), weight):
            weight = named
        value = terms.reindex(values, letters)
        gathered = times(weight, value if variable is None else D(value, variable))
        for place in reversed(places):
            gathered = Sum(place, apart(place, gathered))
        return line(before, plus([gathered, rest]), DEFINITION, "what stands before each")

    def here(part: Term) -> bool:
        if isinstance(values, Entry):
            return isinstance(part, Entry) and part.array == values.array
        inner = part.body if isinstance(part, D) else None
        return isinstance(inner, Use) and inner.definition == values.definition

    return move


def places_of(value: Term) -> tuple[Index, ...]:
    """Return the indices at which a name or an array is read."""
    places = value.arguments if isinstance(value, Use) else value.indices  # type: ignore[attr-defined]
    return tuple(place for place in places if isinstance(place, Index))


def means(named: Term, node: Term) -> bool:
    """Return True where a term is another whose names, but for those in both, are unfolded."""
    shown = {part.definition for part in terms.walk(node) if isinstance(part, Use)}

    def opened(part: Term) -> Term | None:
        if not isinstance(part, Use) or part.definition in shown:
            return None
        return everywhere(terms.instantiate(part), opened)

    return algebra.simplify(plus([node, neg(everywhere(named, opened))])) == ZERO


def inward(before: Term) -> list[Step]:
    """Move the sums of a derivative along a direction inside, to each derivative."""

    def changed(part: Term) -> Term | None:
        outer, body = [], part
        while isinstance(body, Sum):
            outer.append(body.index)
            body = body.body
        factors = body.factors if isinstance(body, Mul) else (body,)
        moving = [f for f in factors if any(isinstance(p, D) for p in terms.walk(f))]
        free = {i for f in factors if f not in moving for i in terms.free_indices(f)}
        along = [i for i in outer if i in free]
        if not along or len(moving) != 1 or isinstance(moving[0], D):
            return None
        weight = [f for f in factors if f not in moving and terms.free_indices(f) & set(along)]
        fixed = [f for f in factors if f not in moving and f not in weight]

        def summed(inner: Term) -> Term | None:
            if not isinstance(inner, D):
                return None
            found = times(inner, *weight)
            for index in reversed(along):
                found = Sum(index, apart(index, found))
            return found

        found = times(*fixed, everywhere(moving[0], summed))
        for index in reversed([i for i in outer if i not in along]):
            found = Sum(index, apart(index, found))
        return found

    return line(before, everywhere(before, changed), ALGEBRA, "exchange the sums")


def exchange(before: Term) -> list[Step]:
    """Exchange the outermost sum and the sum in it."""
    match before:
        case Sum(outer, Mul((*weights, Sum(inner, body)))):
            factors = body.factors if isinstance(body, Mul) else (body,)
            own = [f for f in factors if outer in terms.free_indices(f)]
            within = Sum(outer, apart(outer, times(*weights, *own)))
            rest = [f for f in factors if f not in own]
            return line(before, Sum(inner, times(within, *rest)), ALGEBRA, "exchange the sums")
    return []


# -- algebra ----------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def sum_of_names(node: Term) -> Term | None:
    """Return the number that a sum is when the names in it are unfolded: probabilities give 1."""
    if not isinstance(node, Sum) or algebra.cost(node) > LONG:
        return None
    if not any(isinstance(part, Use) for part in terms.walk(node.body)):
        return None
    opened = everywhere(node, lambda p: terms.instantiate(p) if isinstance(p, Use) else None)
    value = algebra.simplify(opened)
    return value if isinstance(value, Number) else None


LONG = 16  # a sum that is known is short: of probabilities, or of deviations from a mean


def contract(before: Term) -> list[Step]:
    """Contract deltas against sums, and write the result shortly."""
    after = algebra.simplify(before)
    if algebra.same(after, before):
        return []
    fewer = count(after) < count(before)
    return line(before, after, *((CONTRACT, "") if fewer else (ALGEBRA, "collect")))


def count(node: Term, *kinds: type[Term]) -> int:
    """Return how many deltas, derivatives and sums a term has, or how many of some kinds."""
    return sum(isinstance(part, kinds or (Delta, D, Sum)) for part in terms.walk(node))


def collect(before: Term) -> list[Step]:
    """Collect, factor and join sums: the shortest form that algebra finds."""
    after = algebra.simplify(before)
    return [] if algebra.same(after, before) else line(before, after, ALGEBRA, "collect")


def known_sums(before: Term) -> list[Step]:
    """Replace each sum over a name that is a number, such as that of probabilities."""
    after = algebra.simplify(before, sum_of_names)
    if algebra.same(after, algebra.simplify(before)):
        return []
    return line(before, after, DEFINITION, "a sum that is known")


def collected(*names: Definition | Use) -> Move:
    """Return the move that collects and writes names where their definitions stand."""

    def move(before: Term) -> list[Step]:
        after = folded(algebra.simplify(before), [definition_of(name) for name in names])
        return line(before, after, DEFINITION, "collect")

    return move
