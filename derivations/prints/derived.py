"""A derived formula in the forms that a reader asks for: its lines, its result, code that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from derivations.language.statement import Chain, Statement, Step
from derivations.prints.lines import assumption, equation, line, why
from derivations.prints.mathematics import LATEX, TEXT, show
from derivations.prints.record import written
from derivations.prints.summands import of_all

CODE = ("numpy", "javascript", "sympy")


def text(statements: Sequence[Statement], levels: Sequence[str]) -> str:
    """Return statements line by line, each with its reason and whether it was made or typed."""
    parts = []
    for statement, level in zip(statements, levels, strict=True):
        parts.append(f"{statement.title}   [{level}]" if level else statement.title)
        for chain in statement.chains:
            parts.append(f"    {show(chain.left, TEXT)}")
            for step in chain.lines:
                parts.append(f"      {line(step, TEXT)}   {reasons(step, statements)}")
        parts.append("")
    return "\n".join(parts).rstrip()


def reasons(step: Step, statements: Sequence[Statement]) -> str:
    """Return why a line is right, with the titles of those statements that it uses."""
    return why(step, [s.title[0].lower() + s.title[1:] for s in statements if s in step.cites])


def latex(statements: Sequence[Statement]) -> str:
    """Return the lines as LaTeX, aligned at their relations."""
    return "\n\n".join(
        f"% {statement.title}\n{aligned(chain, lambda step: reasons(step, statements))}"
        for statement in statements
        for chain in statement.chains
    )


def aligned(chain: Chain, reason: Callable[[Step], str]) -> str:
    """Return the lines of one chain as LaTeX, each with its reason."""
    rows = [show(chain.left, LATEX)]
    rows += [rf"&{line(step, LATEX)} && \text{{{reason(step)}}}" for step in chain.lines]
    joined = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"


def markdown(statements: Sequence[Statement], levels: Sequence[str]) -> str:
    """Return the lines as Markdown with LaTeX."""
    parts = []
    for statement, level in zip(statements, levels, strict=True):
        parts += [f"### {statement.title}", f"*{level}*"]
        parts += [f"$$\n{latex([statement])}\n$$"]
    return "\n\n".join(parts)


def as_json(
    statements: Sequence[Statement], levels: Sequence[str], result: Statement, name: str
) -> str:
    """Return everything as JSON: level, lines, result, code, and the summands of the result."""
    lines = [
        {
            "statement": statement.title,
            "made": step.made,
            "rule": step.rule.name,
            "reason": step.reason,
            "uses": [cited.title for cited in step.cites],
            "latex": show(step.expression, LATEX),
            "text": show(step.expression, TEXT),
        }
        for statement in statements
        for chain in statement.chains
        for step in chain.lines
    ]
    document: dict[str, Any] = {
        "title": result.title,
        "level": levels[statements.index(result)],
        "given": [*map(assumption, result.given)],
        "lines": lines,
        "statements": [
            {
                "title": statement.title,
                "level": level,
                "latex": equation(statement.chains[0], LATEX),
                "text": equation(statement.chains[0], TEXT),
            }
            for statement, level in zip(statements, levels, strict=True)
        ],
        "result": {
            "latex": equation(result.chains[0], LATEX),
            "text": equation(result.chains[0], TEXT),
        },
        "code": {form: written(form, result, name) for form in CODE},
        "terms": of_all(statements[statements.index(result) :], name),
    }
    return json.dumps(document, indent=1, ensure_ascii=False)
