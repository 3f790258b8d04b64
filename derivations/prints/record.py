"""A statement as data for pages and other programs: formulas.json and formulas.tex."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from derivations.language import terms
from derivations.language.statement import (
    MATRIX_FORM,
    Chain,
    Prose,
    Statement,
    Step,
    as_term,
)
from derivations.language.terms import Definition, Term
from derivations.prints.javascript_code import javascript_code
from derivations.prints.mathematics import LATEX, TEXT, Style, relation, show
from derivations.prints.numpy_code import numpy_code
from derivations.prints.sympy_code import sympy_code


def results(statement: Statement, style: Style) -> list[str]:
    """Return the equations that a statement says, each on one line."""
    shown = [defined(definition, style) for definition in statement.defines]
    for chain in statement.chains:
        if chain.matrix is not None:
            left, right = chain.matrix
            shown.append(f"{show(left, style)} = {show(right, style)}")
        last = chain.lines[-1].expression
        equation = (
            f"{show(chain.left, style)} {relation(chain.relation, style)} {show(last, style)}"  # type: ignore[arg-type]
        )
        shown.append(equation)
    return shown


def defined(definition: Definition, style: Style) -> str:
    """Return a definition as an equation."""
    use = terms.Use(definition, tuple(map(terms.itself, definition.parameters)))
    sign = ":=" if style is TEXT else "="
    return f"{show(use, style)} {sign} {show(definition.body, style)}"


def lines(chain: Chain) -> list[Step | Prose]:
    """Return the lines of a chain as a reader meets them, its matrix form before any prose."""
    steps = list(chain.steps)
    if chain.matrix is not None:
        place = next((i for i, step in enumerate(steps) if isinstance(step, Prose)), len(steps))
        steps.insert(place, matrix_step(chain))
    return steps


def matrix_step(chain: Chain) -> Step:
    """Return the matrix form of a chain as its last line."""
    assert chain.matrix is not None
    return Step(chain.matrix[1], MATRIX_FORM, "entry by entry")


def aligned(statement: Statement, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report whose verdicts stand beside the lines of the record, prose included."""
    chains = []
    for chain, found in zip(statement.chains, report["chains"], strict=bool(report["chains"])):
        verdicts = iter(found["steps"])  # in the order of the lines, the matrix form last
        steps = [next(verdicts) for _ in chain.lines]
        matrix = list(verdicts)
        mine = iter(steps)
        beside = [
            {}
            if isinstance(step, Prose)
            else (matrix[0] if matrix and step.rule == MATRIX_FORM else next(mine))
            for step in lines(chain)
        ]
        chains.append({"steps": [verdict(one) for one in beside]})
    return {**report, "chains": chains}


def verdict(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdicts of one line as the pages read them."""
    if not found:
        return {}
    return {
        "verdicts": {"rule": found["rule"], **found["routes"]},
        "flag": found["flag"],
        "residual": found["residual"],
        "points": found["points"],
        "seconds": found["seconds"],
    }


def line(step: Step | Prose, chain: Chain, names: Mapping[int, str]) -> dict[str, object]:
    """Return one line of a derivation as data."""
    if isinstance(step, Prose):
        return {"prose": {"text": step.text, "source": step.source}, "cites": []}
    if step.rule == MATRIX_FORM and chain.matrix is not None:
        left, right = chain.matrix
        return {
            "relation": "",
            "latex": f"{show(left, LATEX)} = {show(right, LATEX)}",
            "text": f"{show(left, TEXT)} = {show(right, TEXT)}",
            "rule": step.rule.name,
            "made": step.made,
            "reason": step.reason,
            "cites": [],
            "prose": None,
        }
    return {
        "relation": relation(step.relation, LATEX),
        "latex": show(step.expression, LATEX),  # type: ignore[arg-type]
        "text": show(step.expression, TEXT),  # type: ignore[arg-type]
        "rule": step.rule.name,
        "made": step.made,
        "reason": step.reason,
        "cites": [names[id(cited)] for cited in step.cites],
        "prose": None,
    }


def symbols(statement: Statement) -> list[str]:
    """Return the names of the arrays and quantities that a statement shows, each once."""
    found: dict[str, None] = {}

    def visit(node: Term) -> None:
        for part in terms.walk(node):
            match part:
                case terms.Entry(array, _) | terms.D(_, terms.Entry(array, _)):
                    found[array.name] = None
                case terms.Use(definition, _):
                    found[definition.name] = None

    for definition in statement.defines:
        found[definition.name] = None
        visit(definition.body)
    for chain in statement.chains:
        for node in (chain.left, *(as_term(step.expression, chain.at) for step in chain.lines)):
            visit(node)
    return list(found)


def record(
    name: str, statement: Statement, names: Mapping[int, str], level: str
) -> dict[str, object]:
    """Return a statement as data, with its level as verified."""
    concept, _, attribute = name.partition(".")
    chains = [
        {
            "title": chain.title or None,
            "lhs": show(chain.left, LATEX),
            "steps": [line(step, chain, names) for step in lines(chain)],
        }
        for chain in statement.chains
    ]
    latex = results(statement, LATEX)
    return {
        "id": name,
        "concept": concept,
        "name": attribute,
        "title": statement.title,
        "summary": statement.summary,
        "hypotheses": [{"text": hypothesis.text} for hypothesis in statement.given],
        "results": latex,
        "chains": chains,
        "text": "\n".join(results(statement, TEXT)),
        "code": {form: written(form, statement, name) for form in FORMS},
        "symbols": symbols(statement),
        "uses": [names[id(cited)] for cited in statement.cites],
        "level": level,
        "source": {"file": f"derivations/{concept}.py"},
    }


def as_written(write: Callable[..., str | None]) -> Callable[[Statement, str], str | None]:
    """Return what prints the lines as they were derived; nothing where that is no other code."""

    def printed(statement: Statement, name: str) -> str | None:
        literal = write(statement, name, as_written=True)
        return None if literal == write(statement, name) else literal

    return printed


FORMS: Mapping[str, Callable[[Statement, str], str | None]] = {
    "latex": lambda statement, _: "\n".join(results(statement, LATEX)),
    "sympy": lambda statement, _: sympy_code(statement),
    "numpy": numpy_code,
    "numpy_as_written": as_written(numpy_code),
    "javascript": javascript_code,
    "javascript_as_written": as_written(javascript_code),
}


def written(form: str, statement: Statement, name: str) -> str | None:
    """Return a statement in one of the forms of code, or None where it has no such form."""
    return FORMS[form](statement, name)


def with_used_by(records: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the records with the ids that use each."""
    return [
        {**entry, "used_by": [r["id"] for r in records if entry["id"] in r["uses"]]}  # type: ignore[operator]
        for entry in records
    ]


def formulas_json(records: list[dict[str, object]], notation: ModuleType) -> str:
    """Return all statements and symbols as JSON, the same in every run."""
    document = {
        "schema": 1,
        "sizes": {
            value.name: value.meaning
            for value in vars(notation).values()
            if isinstance(value, terms.Dimension)
        },
        "symbols": notation_symbols(notation),
        "statements": with_used_by(records),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def notation_symbols(notation: ModuleType) -> list[dict[str, str]]:
    """Return what notation.py says of each symbol."""
    return [
        {
            "name": name,
            "latex": latex,
            "meaning": meaning,
            "shape": shape,
            "code_name": code,
            "note_name": note,
        }
        for name, latex, meaning, shape, code, note in notation.TABLE
    ]


def formulas_tex(records: list[dict[str, object]]) -> str:
    """Return a LaTeX document with every statement."""
    parts = [
        "% Every statement with its result.\n\\documentclass{article}\n"
        "\\usepackage{amsmath,amssymb,bm}\n\\begin{document}\n\\allowdisplaybreaks\n"
    ]
    for entry in records:
        identifier = str(entry["id"]).replace("_", r"\_")
        parts.append(
            f"\\subsection*{{{tex_text(str(entry['title']))} (\\texttt{{{identifier}}})}}\n"
        )
        for equation in entry["results"]:  # type: ignore[attr-defined]
            parts.append(f"\\[ {equation} \\]\n")
    return "".join([*parts, "\\end{document}\n"])


def tex_text(title: str) -> str:
    """Return a title with the characters escaped that TeX reads as commands."""
    return "".join({"_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#"}.get(c, c) for c in title)
