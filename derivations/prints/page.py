"""A derived formula as a page of its own: one file, without network, script or fonts to load."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from derivations.language.statement import Chain, Prose, Statement
from derivations.prints import derived
from derivations.prints.lines import assumption, lines as in_order
from derivations.prints.mathml import mathml, prose, relation, show
from derivations.prints.record import written

TITLES = {"numpy": "NumPy", "javascript": "JavaScript", "sympy": "SymPy", "latex": "LaTeX"}
STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c2127; --quiet: #4f5762; --paper: #fff; --line: #e1e5ea; --panel: #f6f8fc;
  --border: #dde4f0; --code: #f6f7f9; --link: #2a52b0;
  --good: #1a6b3a; --good-paper: #e3f4e9; --weak: #6a3aa8; --weak-paper: #f1e9fb;
  --bad: #b01c22; --bad-paper: #fde7e7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #dfe3e8; --quiet: #a9b1bc; --paper: #14171c; --line: #2c333d; --panel: #1a2029;
    --border: #2b3544; --code: #1d2229; --link: #9db8ff;
    --good: #7ed6a0; --good-paper: #17301f; --weak: #cdb0f5; --weak-paper: #2c2140;
    --bad: #ff9c9c; --bad-paper: #42191b;
  }
}
* { box-sizing: border-box; }
body {
  background: var(--paper); color: var(--ink); line-height: 1.55; margin: 0 auto;
  max-width: 50rem; padding: 1rem;
  font-family: "STIX Two Text", Georgia, "Times New Roman", serif; font-size: 1.1rem;
}
h1, h2 { font-weight: 650; line-height: 1.2; text-wrap: balance; }
h1 { font-size: 1.9rem; margin: 1rem 0; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 0.4rem; }
.badge, .why, summary, .label, footer { font-family: system-ui, "Segoe UI", Roboto, sans-serif; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", math; }
.badge {
  background: var(--weak-paper); border-radius: 1rem; color: var(--weak);
  display: inline-block; font-size: 0.74rem; font-weight: 600; padding: 0.15rem 0.65rem;
}
.proved { background: var(--good-paper); color: var(--good); }
.failed { background: var(--bad-paper); color: var(--bad); }
.label { color: var(--quiet); font-size: 0.8rem; font-weight: 600; margin: 1rem 0 0; }
.given { list-style: none; margin: 0; padding: 0; }
.result {
  background: var(--panel); border: 1px solid var(--border); border-radius: 0.6rem;
  margin: 1rem 0; padding: 0.6rem 1rem;
}
.scroll { overflow-x: auto; overflow-y: hidden; padding: 0.3rem 0; }
.scroll math { display: block math; margin: 0; width: max-content; }
.result .scroll math { margin: 0 auto; }
.scroll:focus-visible { outline: 2px solid var(--link); }
ol { counter-reset: line; list-style: none; margin: 0; padding: 0; }
li.line {
  align-items: center; border-top: 1px dotted var(--line); counter-increment: line;
  display: flex; flex-wrap: wrap; gap: 0 1.2rem; justify-content: space-between;
  padding: 0.35rem 0 0.35rem 1.6rem; position: relative;
}
li.line::before {
  color: var(--quiet); content: counter(line); font: 0.75rem system-ui, sans-serif; left: 0;
  position: absolute; top: 1rem;
}
.line > .scroll { flex: 1 1 auto; max-width: 100%; min-width: 0; }
.why { color: var(--quiet); flex: 0 1 14rem; font-size: 0.82rem; min-width: 11rem; }
.typed { color: var(--weak); }
details { border-top: 1px solid var(--line); }
summary { cursor: pointer; font-size: 0.9rem; font-weight: 600; padding: 0.6rem 0; }
pre {
  background: var(--code); border-radius: 0.5rem; margin: 0 0 1rem; overflow-x: auto;
  padding: 0.8rem 1rem;
  font: 0.82rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace;
}
footer { color: var(--quiet); font-size: 0.82rem; margin: 2rem 0 1rem; }
@media (max-width: 46em) {
  h1 { font-size: 1.5rem; }
  .why { flex-basis: 100%; }
}
"""


def html(
    statements: Sequence[Statement], levels: Sequence[str], result: Statement, name: str
) -> str:
    """Return the page: what is given, the result with its level, each line, and the code."""
    level = levels[statements.index(result)]
    title = escape(result.title)
    body = [f"<h1>{title}</h1>"]
    if result.given:
        given = "".join(f"<li>{prose(assumption(hypothesis))}</li>" for hypothesis in result.given)
        body.append(f'<p class="label">Given</p><ul class="given">{given}</ul>')
    boxed = "".join(scroll(sides(chain)) for chain in result.chains)
    body.append(f'<div class="result">{badge(level)}{boxed}</div>')
    for statement, its_level in zip(statements, levels, strict=True):
        body.append(f"<section><h2>{escape(statement.title)}</h2>{badge(its_level)}")
        body += [lines(chain, statements) for chain in statement.chains]
        body.append("</section>")
    body += [*code(result, name), f"<footer>{FOOTER}</footer>"]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += f'<title>{title}</title><link rel="icon" href="data:,"><style>{STYLE}</style>'
    joined = "\n".join(body)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n'
        f"<body><main>\n{joined}\n</main></body>\n</html>"
    )


FOOTER = (
    "A line is made by a move, or typed by an author. Who wrote it does not matter to its proof: "
    "the levels say what was found when the lines were verified."
)


def badge(level: str) -> str:
    """Return a level of verification."""
    kind = level.split(",")[0].split()[0]
    return f'<span class="badge {kind}">{escape(level)}</span>'


def scroll(formula: str) -> str:
    """Return a formula in a box in which it scrolls when it is wider; keys can reach it."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="formula">{formula}</div>'


def sides(chain: Chain) -> str:
    """Return what a chain says, its first side and its last."""
    return mathml([show(chain.left), relation(chain.relation), show(chain.last)], block=True)


def lines(chain: Chain, statements: Sequence[Statement]) -> str:
    """Return the lines of a chain, each with its rule, its reason and who wrote it."""
    shown = []
    for step in in_order(chain):
        if isinstance(step, Prose):
            shown.append(f'<li class="line">{prose(step.text)}</li>')
            continue
        formula = mathml([relation(step.relation), show(step.expression)], block=True)
        kind = "why" if step.made else "why typed"
        why = escape(derived.reasons(step, statements) + ("; made" if step.made else ""))
        shown.append(f'<li class="line">{scroll(formula)}<span class="{kind}">{why}</span></li>')
    return f"{scroll(mathml(chain.left, block=True))}<ol>{''.join(shown)}</ol>"


def code(result: Statement, name: str) -> list[str]:
    """Return the code of the result in each language that has a form for it."""
    forms = {form: written(form, result, name) for form in derived.CODE}
    forms["latex"] = derived.latex([result])
    return [
        f"<details><summary>{TITLES[form]}</summary>"
        f'<pre tabindex="0"><code>{escape(source.rstrip())}</code></pre></details>'
        for form, source in forms.items()
        if source is not None
    ]
