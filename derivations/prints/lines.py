"""What a statement says, in the order in which a reader meets it: given, results, lines, reasons."""

from __future__ import annotations

from collections.abc import Sequence

from derivations.language import terms
from derivations.language.matrices import Matrix
from derivations.language.statement import (
    ALGEBRA,
    MATRIX_FORM,
    SIGNS,
    Chain,
    Hypothesis,
    Prose,
    Statement,
    Step,
)
from derivations.language.terms import Definition, Entry, Term
from derivations.prints.mathematics import LATEX, TEXT, Style, relation, show

Shown = Term | Matrix | int


def equation(chain: Chain, style: Style) -> str:
    """Return what a chain says, its first side and its last."""
    return compared(chain.left, chain.relation, chain.lines[-1].expression, style)


def compared(left: Shown, sign: str, right: Shown, style: Style) -> str:
    """Return two sides with a relation between them."""
    return f"{show(left, style)} {relation(sign, style)} {show(right, style)}"


def defined(definition: Definition, style: Style) -> str:
    """Return a definition as an equation."""
    sign = ":=" if style is TEXT else "="
    return compared(named(definition), sign, definition.body, style)


def named(definition: Definition) -> terms.Use:
    """Return a named quantity at its own parameters."""
    return terms.Use(definition, tuple(map(terms.itself, definition.parameters)))


def results(statement: Statement, style: Style) -> list[str]:
    """Return the equations that a statement says, each on one line."""
    shown = [defined(definition, style) for definition in statement.defines]
    for chain in statement.chains:
        if chain.matrix is not None:
            shown.append(compared(chain.matrix[0], "=", chain.matrix[1], style))
        shown.append(equation(chain, style))
    return shown


def lines(chain: Chain) -> list[Step | Prose]:
    """Return the lines of a chain as a reader meets them, its matrix form before any prose."""
    steps = list(chain.steps)
    if chain.matrix is not None:
        place = next((i for i, step in enumerate(steps) if isinstance(step, Prose)), len(steps))
        steps.insert(place, Step(chain.matrix[1], MATRIX_FORM, "entry by entry"))
    return steps


def line(step: Step, style: Style) -> str:
    """Return a line with its relation to the one before."""
    return f"{relation(step.relation, style)} {show(step.expression, style)}"


def rule(step: Step) -> str:
    """Return the rule of a line; where a statement is put in, that is the reason."""
    return "" if step.cites and step.rule == ALGEBRA else step.rule.name


def why(step: Step, cited: Sequence[str]) -> str:
    """Return the rule and the reason of a line, what it cites, and whether it was typed."""
    parts = (rule(step), step.reason, *cited, "" if step.made else "typed")
    return "; ".join(filter(None, parts))


# -- what is given ---------------------------------------------------------------------------------


def assumption(hypothesis: Hypothesis, style: Style = LATEX) -> str:
    """Return a hypothesis in words, and what the checks use of it where the words are others."""
    said = squeezed(hypothesis.text)
    both = zip(used(hypothesis, LATEX), used(hypothesis, style), strict=True)
    unsaid = [formula for latex, formula in both if squeezed(latex) not in said]
    if not unsaid:
        return hypothesis.text
    formulas = ", ".join(formula if style.flat else f"${formula}$" for formula in unsaid)
    return f"{hypothesis.text} Used as {formulas}." if hypothesis.text else f"{formulas}."


def squeezed(latex: str) -> str:
    """Return LaTeX without its spaces."""
    return latex.replace(r"\,", "").replace(" ", "")


def used(hypothesis: Hypothesis, style: Style) -> list[str]:
    """Return the formulas that the checks use of a hypothesis."""
    return [
        *(f for entry, form in hypothesis.replace for f in constraint(entry, form, style)),
        *(compared(q, SIGNS[sign], 0, style) for q, sign in hypothesis.signs),
        *(f"{a.name} {relation('!=', style)} {b.name}" for a, b in hypothesis.distinct),
    ]


def constraint(entry: Entry, form: Term, style: Style) -> list[str]:
    """Return what a form of an entry says: shares sum to one, else it is that form."""
    match form:
        case terms.Div(share, terms.Sum() as whole) if share == entry:
            return [compared(whole, "=", 1, style)]
    ranges = {"positive": ">", "nonnegative": ">="}
    free = dict.fromkeys(part for part in terms.walk(form) if isinstance(part, Entry))
    signs = [
        compared(part, ranges[part.array.domain], 0, style)
        for part in free
        if part != entry and part.array.domain in ranges
    ]
    return [compared(entry, "=", form, style), *signs]
