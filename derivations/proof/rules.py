"""Holding a step against the laws that its rule allows, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy.core.function import AppliedUndef

from derivations.language import terms
from derivations.language.statement import Rule, Statement
from derivations.language.terms import Term
from derivations.proof import indices


def follows(before: Term, after: Term, rule: Rule, cites: tuple[Statement, ...]) -> bool:
    """Return True when one line follows from the other by the rule, or by what it cites.

    A citation may be used under any instance of its scalars and indices, with the named
    quantities closed, with only the functions closed, or with all of them open.
    """
    if rule.deltas and not contracts(before, after):
        return False
    if indices.is_zero(difference(before, after, rule.derive, rule.folded)):
        return True
    if not cites:
        return False  # what follows takes every derivative, as a cited equation may need
    for statement in cites:
        before = replaced(before, statement)
    equations = [found for statement in cites for found in equations_of(statement)]
    for folded in ("everything", "functions"):
        rewritten = difference(before, after, "full", folded)
        for pattern, replacement, how in equations:
            if how == folded:
                rewritten = rewrite(rewritten, pattern, replacement)
        if indices.is_zero(rewritten):
            return True
    return False


def replaced(node: Term, statement: Statement) -> Term:
    """Return a line with the left sides of a statement's equations replaced as they stand."""
    for chain in statement.chains:
        if node == chain.left and chain.relation == "=":
            return chain.last
    return terms.with_children(node, lambda child: replaced(child, statement))


def difference(before: Term, after: Term, derive: str, folded: str) -> sympy.Expr:
    """Return the difference of two lines under the laws allowed."""
    left = indices.meaning(before, derive, folded)
    return left - indices.meaning(after, derive, folded)


def contracts(before: Term, after: Term) -> bool:
    """Return True when a line has fewer deltas, derivatives or sums than the one before."""

    def count(node: Term) -> int:
        kinds = (terms.Delta, terms.D, terms.Sum)
        return sum(isinstance(part, kinds) for part in terms.walk(node))

    return count(after) < count(before)


def equations_of(statement: Statement) -> Iterator[tuple[sympy.Expr, sympy.Expr, str]]:
    """Yield the equations of a statement whose left side is one application, as rewriting rules."""
    for chain in statement.chains:
        if chain.relation != "=":
            continue
        for folded in ("everything", "functions"):
            try:
                pattern = indices.meaning(chain.left, "full", folded)
                replacement = indices.meaning(chain.last, "full", folded)
            except indices.Undecided:
                continue
            if isinstance(pattern, AppliedUndef):
                yield pattern, replacement, folded


def rewrite(expression: sympy.Expr, pattern: sympy.Expr, replacement: sympy.Expr) -> sympy.Expr:
    """Replace every instance of a pattern; its scalars and free indices stand for anything."""

    def change(atom: sympy.Expr) -> sympy.Expr | None:
        found: dict[sympy.Expr, sympy.Expr] = {}
        return instance(replacement, found) if match(pattern, atom, found) else None

    return indices.rebuild(expression, change)


def is_variable(node: sympy.Basic) -> bool:
    """Return True for a scalar entry or a free index of a pattern."""
    if isinstance(node, sympy.Symbol):
        return ":" in node.name and "#" not in node.name
    return (
        isinstance(node, AppliedUndef) and indices.head(node).startswith("entry ") and not node.args
    )


def match(pattern: sympy.Basic, node: sympy.Basic, found: dict[sympy.Expr, sympy.Expr]) -> bool:
    """Match a node against a pattern and collect what its variables stand for."""
    if is_variable(pattern):
        same_kind = not isinstance(pattern, sympy.Symbol) or (
            isinstance(node, sympy.Symbol)
            and indices.dimension_of(node) == indices.dimension_of(pattern)
        )
        return same_kind and found.setdefault(pattern, node) == node
    if pattern == node:
        return True
    if pattern.func != node.func or len(pattern.args) != len(node.args) or not pattern.args:
        return False
    return all(match(p, a, found) for p, a in zip(pattern.args, node.args, strict=True))


def instance(expression: sympy.Expr, found: dict[sympy.Expr, sympy.Expr]) -> sympy.Expr:
    """Return an expression with the variables of a pattern replaced, and the laws applied."""
    renamed = expression.xreplace({k: v for k, v in found.items() if isinstance(k, sympy.Symbol)})
    scalars = {k: v for k, v in found.items() if not isinstance(k, sympy.Symbol)}
    return indices.rebuild(renamed, scalars.get)
