"""The false statements of ``tests/proof/unsound.py``, and which route refuses which.

``{unsound-summary}`` counts the verdicts of each route, ``{unsound-table}`` has every statement.
"""

import json
from collections import Counter
from itertools import groupby

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import card
from .elements import html
from .indexes import cells, table
from .records import ROOT, ROUTES

RUN = "tests/proof/unsound.json"


def run():
    """Return the stored claims with their verdicts."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def by_route():
    """Return how many claims each route refuses, how many not, and of how many it says nothing."""
    rows = []
    for key, letter, meaning in ROUTES:
        said = Counter(card.FOUND.get(one["verdicts"].get(key)) for one in run())
        counts = (said["no"], said["yes"], said["label"] + said[None])
        rows.append(cells("td", [html("b", letter), nodes.Text(f" {meaning}")],
                          *([html("span", str(n), classes=["number"])] for n in counts)))  # fmt: skip
    return table(("Route", "Refuses", "Accepts", "Says nothing"), rows, "numbers")


def every():
    """Return a table of all claims, kind by kind."""
    rows = []
    for kind, group in groupby(run(), lambda one: one["kind"]):
        rows.append(html("tr", html("th", kind, colspan="3", scope="rowgroup")))
        for one in group:
            marks = card.verdict_marks({"verdicts": one["verdicts"]})
            said = marks if one["verdicts"] else nodes.Text("cannot be written")
            rows.append(cells("td", [nodes.Text(one["words"])], [said], [nodes.Text(one["level"])]))
    return table(("False statement", "Routes", "Level"), rows)


def left():
    """Return a sentence on what is not refused."""
    levels = Counter(one["level"] for one in run())
    kept = "; ".join(one["words"] for one in run() if one["level"] != "failed")
    text = f"Of {levels.total()} false statements, {levels['failed']} fail."
    return nodes.paragraph(
        "", f"{text} Not refused, and left as evidence: {kept}." if kept else text
    )


class Unsound(SphinxDirective):
    """``{unsound-summary}`` or ``{unsound-table}``, as the stored run has it."""

    def run(self):
        """Return the nodes."""
        self.env.note_dependency(str(ROOT / RUN))
        return [left(), by_route()] if self.name == "unsound-summary" else [every()]


def setup(app):
    """Register the directives."""
    app.add_directive("unsound-summary", Unsound)
    app.add_directive("unsound-table", Unsound)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
