"""A statement as data for pages and other programs: formulas.json and formulas.tex."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
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
from derivations.language.terms import Array, Definition
from derivations.prints.javascript_code import javascript_code
from derivations.prints.lines import assumption, compared, lines, results, rule
from derivations.prints.mathematics import LATEX, TEXT, Style, relation, show
from derivations.prints.numpy_code import numpy_code
from derivations.prints.sympy_code import sympy_code


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
    }


def line(step: Step | Prose, chain: Chain, names: Mapping[int, str]) -> dict[str, object]:
    """Return one line of a derivation as data."""
    if isinstance(step, Prose):
        return {"prose": {"text": step.text, "source": step.source}, "cites": []}
    whole = chain.matrix if step.rule == MATRIX_FORM else None

    def side(style: Style) -> str:
        return compared(whole[0], "=", whole[1], style) if whole else show(step.expression, style)

    return {
        "relation": "" if whole else relation(step.relation, LATEX),
        "latex": side(LATEX),
        "text": side(TEXT),
        "rule": rule(step),
        "made": step.made,
        "reason": step.reason,
        "cites": [names[id(cited)] for cited in step.cites],
        "prose": None,
    }


class UnknownSymbol(ValueError):
    """A symbol stands in a statement and nothing says what it means; the message says which."""


Row = tuple[str, str, str, str, str, str]  # of the notation; the first is the name


def symbols(name: str, statement: Statement, notation: Sequence[Row]) -> list[str]:
    """Return the names of the arrays and quantities that a statement shows, each once.

    A letter with a mark, such as a prime or an index, is a variant of the one in the notation.

    Raises
    ------
    UnknownSymbol
        For one that is not in the notation, of which the words of the statement say nothing.
    """
    known = {row[0] for row in notation}
    said = tokens(explanations(statement))
    found: dict[str, None] = {}
    for thing in shown(statement):
        stem = re.match("[A-Za-z]*", thing.name)[0]  # type: ignore[index]
        if thing.name in known or contains(said, thing):
            found[thing.name] = None
        elif stem in known:
            found[stem] = None
        else:
            raise UnknownSymbol(
                f"{name}: nothing says what the symbol {thing.name!r} means; expected a row of "
                "derivations/notation.py, or its letter between dollars in a hypothesis, the "
                "summary or a title of the statement"
            )
    return list(found)


def shown(statement: Statement) -> list[Array | Definition]:
    """Return the arrays and quantities that a statement shows, in order."""
    nodes = [definition.body for definition in statement.defines]
    for chain in statement.chains:
        nodes += [chain.left, *(as_term(step.expression, chain.at) for step in chain.lines)]
    found: dict[Array | Definition, None] = dict.fromkeys(statement.defines)
    for part in (part for node in nodes for part in terms.walk(node)):
        match part:
            case terms.Entry(thing, _) | terms.D(_, terms.Entry(thing, _)) | terms.Use(thing, _):
                found[thing] = None
    return list(found)


def explanations(statement: Statement) -> str:
    """Return the formulas in the words of a statement."""
    titles = (chain.title for chain in statement.chains)
    given = (hypothesis.text for hypothesis in statement.given)
    reasons = (
        step.text if isinstance(step, Prose) else step.reason
        for chain in statement.chains
        for step in chain.steps
    )
    words = (statement.title, statement.summary, *given, *titles, *reasons)
    return " , ".join(formula for text in words for formula in text.split("$")[1::2])


def tokens(latex: str) -> list[str]:
    """Return the commands and characters of LaTeX."""
    return re.findall(r"\\[A-Za-z]+|[^\s{}]", latex)


def contains(said: Sequence[str], thing: Array | Definition) -> bool:
    """Say whether formulas show a symbol, as an entry or as a whole."""
    forms = [thing.letter or thing.name, thing.bold, thing.written.partition("{")[0]]
    wanted = [tokens(form) for form in forms if form]
    return any(
        said[place : place + len(form)] == form for form in wanted for place in range(len(said))
    )


def record(
    name: str,
    statement: Statement,
    names: Mapping[int, str],
    level: str,
    notation: Sequence[Row],
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
        "hypotheses": [{"text": assumption(hypothesis)} for hypothesis in statement.given],
        "results": latex,
        "chains": chains,
        "text": "\n".join(results(statement, TEXT)),
        "code": {form: written(form, statement, name) for form in FORMS},
        "symbols": symbols(name, statement, notation),
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
