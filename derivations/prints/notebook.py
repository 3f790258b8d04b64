"""How terms, lines and statements show themselves in a notebook: as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from derivations.language.matrices import Matrix
from derivations.language.statement import Chain, Statement, Step
from derivations.language.terms import Array, Definition, Term
from derivations.prints import derived, page
from derivations.prints.lines import assumption, defined, line, named
from derivations.prints.mathematics import LATEX, TEXT, Style, show
from derivations.prints.mathml import mathml, prose, relation as sign, show as markup

Shown = Term | Matrix | Array | Definition | Step | Chain | Statement


def bundle(shown: Shown | Sequence[Statement]) -> dict[str, str]:
    """Return an object in the forms among which a notebook chooses."""
    match shown:
        case Chain():
            return of_statements([Statement(shown.title, "", (shown,))])
        case Statement():
            return of_statements([shown])
        case Term() | Matrix() | Array() | Definition() | Step():
            latex = written(shown, LATEX)
            return {"text/plain": written(shown, TEXT), "text/latex": f"$\\displaystyle {latex}$"}
    return of_statements(shown)


def written(shown: Term | Matrix | Array | Definition | Step, style: Style) -> str:
    """Return one formula in a style."""
    match shown:
        case Array():
            return style.whole(shown, ()) if shown.dimensions else show(shown[()], style)
        case Definition():
            return defined(shown, style)
        case Step():
            return line(shown, style)
    return show(shown, style)


def of_statements(statements: Sequence[Statement]) -> dict[str, str]:
    """Return statements with their lines and reasons."""
    return {
        "text/plain": derived.text(statements, [""] * len(statements)),
        "text/latex": "\n\n".join(f"$${latex}$$" for latex in blocks(statements)),
        "text/html": "".join(map(html, statements)),
    }


def blocks(statements: Sequence[Statement]) -> list[str]:
    """Return the definitions and the chains of statements in LaTeX."""
    return [
        latex
        for statement in statements
        for latex in (
            *(defined(definition, LATEX) for definition in statement.defines),
            *(
                derived.aligned(chain, lambda step: derived.reasons(step, step.cites))
                for chain in statement.chains
            ),
        )
    ]


def html(statement: Statement) -> str:
    """Return a statement in HTML, its formulas in MathML."""
    title = f"<h4>{escape(statement.title)}</h4>" if statement.title else ""
    given = "".join(f"<li>{prose(assumption(hypothesis))}</li>" for hypothesis in statement.given)
    definitions = "".join(
        mathml([markup(named(d)), sign("="), markup(d.body)], block=True) for d in statement.defines
    )
    chains = "".join(page.lines(chain, statement.cites) for chain in statement.chains)
    return f"{title}{f'<p>Given</p><ul>{given}</ul>' if given else ''}{definitions}{chains}"
