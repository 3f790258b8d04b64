"""A derived formula in the forms that a reader asks for: its lines, its result, code that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from derivations.language.matrices import Matrix
from derivations.language.statement import Chain, Statement, Step
from derivations.language.terms import Term
from derivations.prints.javascript_code import javascript_code
from derivations.prints.mathematics import LATEX, TEXT, Style, relation, show
from derivations.prints.numpy_code import numpy_code
from derivations.prints.sympy_code import sympy_code

CODE: Mapping[str, Callable[[Statement, str], str | None]] = {
    "numpy": numpy_code,
    "javascript": javascript_code,
    "sympy": lambda statement, name: sympy_code(statement),
}


def equation(chain: Chain, style: Style) -> str:
    """Return what a chain says, its first side and its last."""
    return f"{show(chain.left, style)} {relation(chain.relation, style)} {show(chain.last, style)}"


def text(statements: Sequence[Statement], levels: Sequence[str]) -> str:
    """Return statements line by line, each with its reason and whether it was made or typed."""
    parts = []
    for statement, level in zip(statements, levels, strict=True):
        parts.append(f"{statement.title}   [{level}]" if level else statement.title)
        for chain in statement.chains:
            parts.append(f"    {show(chain.left, TEXT)}")
            for step in chain.lines:
                line = f"{relation(step.relation, TEXT)} {show(line_of(step), TEXT)}"
                parts.append(f"      {line}   {why(step, statements)}")
        parts.append("")
    return "\n".join(parts).rstrip()


def line_of(step: Step) -> Term | Matrix:
    """Return the expression on a line."""
    assert not isinstance(step.expression, int)
    return step.expression


def why(step: Step, statements: Sequence[Statement]) -> str:
    """Return the rule and the reason of a line, with the statements that it uses."""
    cited = [s.title[0].lower() + s.title[1:] for s in statements if s in step.cites]
    rule = "" if step.cites and step.rule.name == "algebra" else step.rule.name
    said = [part for part in (rule, step.reason, *cited) if part]
    return "; ".join([*said, *([] if step.made else ["typed"])])


def latex(statements: Sequence[Statement]) -> str:
    """Return the lines as LaTeX, aligned at their relations."""
    return "\n\n".join(
        f"% {statement.title}\n{aligned(chain, statements)}"
        for statement in statements
        for chain in statement.chains
    )


def aligned(chain: Chain, statements: Sequence[Statement]) -> str:
    """Return the lines of one chain as LaTeX."""
    rows = [show(chain.left, LATEX)]
    for step in chain.lines:
        line = f"{relation(step.relation, LATEX)} {show(line_of(step), LATEX)}"
        rows.append(rf"&{line} && \text{{{why(step, statements)}}}")
    joined = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"


def markdown(statements: Sequence[Statement], levels: Sequence[str]) -> str:
    """Return the lines as Markdown with LaTeX."""
    parts = []
    for statement, level in zip(statements, levels, strict=True):
        parts += [f"### {statement.title}", f"*{level}*"]
        parts += [f"$$\n{latex([statement])}\n$$"]
    return "\n\n".join(parts)


def code(statement: Statement, form: str, name: str) -> str | None:
    """Return the code of a result in one language, or None where there is no code."""
    return CODE[form](statement, name)


def as_json(
    statements: Sequence[Statement], levels: Sequence[str], result: Statement, name: str
) -> str:
    """Return everything as JSON: level, lines, result and code."""
    lines = [
        {
            "statement": statement.title,
            "made": step.made,
            "rule": step.rule.name,
            "reason": step.reason,
            "uses": [cited.title for cited in step.cites],
            "latex": show(line_of(step), LATEX),
            "text": show(line_of(step), TEXT),
        }
        for statement in statements
        for chain in statement.chains
        for step in chain.lines
    ]
    document: dict[str, Any] = {
        "title": result.title,
        "level": levels[statements.index(result)],
        "given": [hypothesis.text for hypothesis in result.given],
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
        "code": {form: code(result, form, name) for form in CODE},
    }
    return json.dumps(document, indent=1, ensure_ascii=False)
