"""One page of formulas, printed from the statements that were verified.

Each line of ``{cheat-sheet}`` is a heading and the statements under it. A statement shows its first
result; ``id:1,2`` shows its first and its second.
"""

import hashlib
import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import card, records
from .elements import html
from .statements import shown

PAGE = records.ROOT / "docs/cheat-sheet.md"
FORMULAS = records.ROOT / "docs/downloads/formulas.json"


def groups(lines):
    """Return headings with their statements, each with the numbers of its results."""
    parsed = []
    for line in lines:
        heading, _, listed = line.partition(": ")
        named = (entry.partition(":") for entry in listed.split())
        parsed.append(
            (heading, [(name, [int(k) for k in (ks or "1").split(",")]) for name, _, ks in named])
        )
    return parsed


def digest():
    """Return what stands in the title of the PDF: it names the formulas that the sheet shows."""
    block = PAGE.read_text(encoding="utf-8").split("```{cheat-sheet}\n")[1].split("\n```")[0]
    statements = json.loads(FORMULAS.read_text(encoding="utf-8"))["statements"]
    shown = {statement["id"]: statement["results"] for statement in statements}
    text = "\n".join(
        shown[name][number - 1]
        for _, entries in groups(block.splitlines())
        for name, numbers in entries
        for number in numbers
    )
    return hashlib.sha256((block + text).encode()).hexdigest()[:12]


class CheatSheet(SphinxDirective):
    """``{cheat-sheet}``: groups of formulas, each with a link to its card."""

    has_content = True

    def run(self):
        """Return the groups."""
        statements = shown(self.env).statements
        boxes = []
        for heading, entries in groups(self.content):
            title = html("h2", heading)
            items = [self.item(statements, *entry) for entry in entries]
            boxes.append(html("section", title, html("ul", *items)))
        return [html("div", *boxes, classes=["cheat-sheet"], data_digest=digest())]

    def item(self, statements, identifier, numbers):
        """Return the formulas of a statement under its name."""
        if identifier not in statements:
            raise self.error(f"unknown statement {identifier!r}")
        record = statements[identifier]
        name = card.link("statement", "st", identifier, nodes.Text(record["title"]))
        shown = (rf"\displaystyle {record['results'][number - 1]}" for number in numbers)
        return html("li", name, *(nodes.math("", latex) for latex in shown))


def setup(app):
    """Register the directive."""
    app.add_directive("cheat-sheet", CheatSheet)
    app.add_css_file("css/cheat-sheet.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
