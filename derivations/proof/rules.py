"""Holding a step against the laws that its rule allows, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from derivations.language import terms
from derivations.language.statement import Rule, Statement
from derivations.language.terms import Term
from derivations.proof import indices, signs

LEVELS = ("everything", "functions", "nothing")  # which names stay closed


@dataclass(frozen=True)
class Equation:
    """An equation of a cited statement as a rewriting rule; its wild parts stand for anything."""

    pattern: Expr
    replacement: Expr
    wild: frozenset[sympy.Basic]


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
    left = indices.meaning(before, derive, folded)
    return left - indices.meaning(after, derive, folded)


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
                pattern = indices.meaning(chain.left, derive, folded)
                replacement = indices.meaning(chain.last, derive, folded)
            except indices.Undecided:
                continue
            if isinstance(pattern, indices.Atom):
                yield Equation(pattern, replacement, wild_of(pattern) - told)


def wild_of(pattern: Expr) -> frozenset[sympy.Basic]:
    """Return the scalar entries and free indices of a pattern."""
    scalars = {entry for entry in pattern.atoms(indices.Entry) if not entry.args}
    places = {p for p in pattern.atoms(indices.Place) if isinstance(p.args[0], sympy.Symbol)}
    by = {indices.kind(indices.Entry, inert.what)() for inert in pattern.atoms(indices.Inert)
          if not inert.what.dimensions}  # fmt: skip
    return frozenset(scalars | places | by)


def spoken_of(statement: Statement) -> frozenset[sympy.Basic]:
    """Return the scalars and indices of which a statement assumes something."""
    parts: list[Term] = [q for h in statement.given for q, _ in (*h.signs, *h.replace)]
    scalars = {e for part in parts for e in terms.walk(terms.unfold(part))
               if isinstance(e, terms.Entry) and not e.indices}  # fmt: skip
    apart = {index for h in statement.given for pair in h.distinct for index in pair}
    return frozenset(map(indices.meaning, scalars)) | frozenset(map(indices.place, apart))


def rewrite(expression: Expr, equation: Equation) -> Expr:
    """Replace every instance of an equation's left side."""

    def change(atom: Expr) -> Expr | None:
        found: dict[sympy.Basic, sympy.Basic] = {}
        if not indices.match(equation.pattern, atom, equation.wild, found):
            return None
        return instance(equation.replacement, found) if all(map(fits, found.items())) else None

    return indices.rebuild(expression, change)


def fits(pair: tuple[sympy.Basic, sympy.Basic]) -> bool:
    """Return True when what stands for a scalar has a value that the scalar may have."""
    scalar, value = pair
    if not isinstance(scalar, indices.Entry) or scalar.what.domain == "real":
        return True
    if isinstance(value, indices.Entry) and value.what.domain == scalar.what.domain:
        return True
    found = signs.sign_of_expression(value, ())
    return {"positive": ("positive",), "nonnegative": ("positive", "nonnegative", "zero")}.get(
        scalar.what.domain, ()
    ).__contains__(found)


def instance(expression: Expr, found: dict[sympy.Basic, sympy.Basic]) -> Expr:
    """Return an expression with the variables of a pattern replaced, and the laws applied."""
    places = {k: v for k, v in found.items() if isinstance(k, indices.Place)}
    moved = indices.reindexed(expression, places)
    scalars = {k: v for k, v in found.items() if not isinstance(k, indices.Place)}
    return indices.rebuild(moved, scalars.get)
