"""Holding a step against the laws that its rule allows, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy.core.expr import Expr

from derivations.language import terms
from derivations.language.statement import Rule, Statement
from derivations.language.terms import Term
from derivations.proof import indices, signs
from derivations.proof.atoms import Atom, Entry, Inert, Place, application, atoms, place
from derivations.proof.matching import Node, match
from derivations.proof.meaning import meaning

LEVELS = ("everything", "functions", "nothing")  # which names stay closed


@dataclass(frozen=True)
class Equation:
    """An equation of a cited statement as a rewriting rule; its wild parts stand for anything."""

    pattern: Expr
    replacement: Expr
    wild: frozenset[Atom | Place]


def follows(
    before: Term,
    after: Term,
    rule: Rule,
    cites: tuple[Statement, ...],
    facts: signs.Facts = signs.NONE,
) -> bool:
    """Return True when one line follows from the other by the laws of the rule and what it cites.

    A cited equation may be used under any instance of its scalars and indices.
    """
    if rule.deltas and not contracts(before, after):
        return False
    if zero(difference(before, after, rule.derive, rule.folded), facts):
        return True
    for statement in cites:
        before, after = replaced(before, statement), replaced(after, statement)
    for folded in LEVELS[: LEVELS.index(rule.folded) + 1] if cites else ():
        rewritten = difference(before, after, rule.derive, folded)
        for equation in equations_of(cites, rule.derive, folded):
            rewritten = rewrite(rewritten, equation)
        if zero(rewritten, facts):
            return True
    return False


def zero(expression: Expr, facts: signs.Facts) -> bool:
    """Return True for what is proved to be zero where the indices differ that are to differ."""
    return indices.is_zero(signs.without_deltas(expression, facts))


def replaced(node: Term, statement: Statement) -> Term:
    """Return a line with the left sides of a statement's equations replaced as they stand."""
    for chain in statement.chains:
        if node == chain.left and chain.relation == "=":
            return chain.last
    return terms.with_children(node, lambda child: replaced(child, statement))


def difference(before: Term, after: Term, derive: str, folded: str) -> Expr:
    """Return the difference of two lines under the laws allowed."""
    left = meaning(before, derive, folded)
    return left - meaning(after, derive, folded)


def contracts(before: Term, after: Term) -> bool:
    """Return True when a line has fewer deltas, derivatives or sums than the one before."""

    def count(node: Term) -> int:
        kinds = (terms.Delta, terms.D, terms.Sum)
        return sum(isinstance(part, kinds) for part in terms.walk(node))

    return count(after) < count(before)


def equations_of(cites: tuple[Statement, ...], derive: str, folded: str) -> Iterator[Equation]:
    """Yield the equations of statements whose left side is one application.

    What the hypotheses of a statement speak of stands for itself alone.
    """
    for statement in cites:
        told = spoken_of(statement)
        for chain in statement.chains:
            if chain.relation != "=":
                continue
            try:
                pattern = meaning(chain.left, derive, folded)
                replacement = meaning(chain.last, derive, folded)
            except indices.Undecided:
                continue
            if isinstance(pattern, Atom):
                yield Equation(pattern, replacement, wild_of(pattern) - told)


def wild_of(pattern: Expr) -> frozenset[Atom | Place]:
    """Return the scalar entries and free indices of a pattern."""
    parts = frozenset().union(*(atom.parts for atom in atoms(pattern)))
    scalars = {atom for atom in parts if isinstance(atom, Entry) and not atom.arguments}
    places = {p for atom in parts for p in atom.places if not p.bound}
    by = {application(Entry, atom.what) for atom in parts
          if isinstance(atom, Inert) and not atom.what.dimensions}  # fmt: skip
    return frozenset(scalars | places | by)


def spoken_of(statement: Statement) -> frozenset[Atom | Place]:
    """Return the scalars and indices of which a statement assumes something."""
    parts: list[Term] = [q for h in statement.given for q, _ in (*h.signs, *h.replace)]
    scalars = {e for part in parts for e in terms.walk(terms.unfold(part))
               if isinstance(e, terms.Entry) and not e.indices}  # fmt: skip
    apart = {index for h in statement.given for pair in h.distinct for index in pair}
    return frozenset(map(meaning, scalars)) | frozenset(map(place, apart))


def rewrite(expression: Expr, equation: Equation) -> Expr:
    """Replace every instance of an equation's left side."""

    def change(atom: Atom) -> Expr | None:
        found: dict[Atom | Place, Node] = {}
        if not match(equation.pattern, atom, equation.wild, found):
            return None
        return instance(equation.replacement, found) if all(map(fits, found.items())) else None

    return indices.rebuild(expression, change)


def fits(pair: tuple[Atom | Place, Node]) -> bool:
    """Return True when what stands for a scalar has a value that the scalar may have."""
    scalar, value = pair
    if not isinstance(scalar, Entry) or scalar.what.domain == "real":
        return True
    if isinstance(value, Entry) and value.what.domain == scalar.what.domain:
        return True
    found = signs.sign_of_expression(value, ())
    return {"positive": ("positive",), "nonnegative": ("positive", "nonnegative", "zero")}.get(
        scalar.what.domain, ()
    ).__contains__(found)


def instance(expression: Expr, found: dict[Atom | Place, Node]) -> Expr:
    """Return an expression with the variables of a pattern replaced, and the laws applied."""
    places = {k: v for k, v in found.items() if isinstance(k, Place)}
    moved = indices.reindexed(expression, places)
    scalars = {k: v for k, v in found.items() if not isinstance(k, Place)}
    return indices.rebuild(moved, scalars.get)
