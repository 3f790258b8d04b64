"""What the note prints beside what is right, from what the checks of the errata found.

A page says ``{errata} wrong result`` and gets a card for each row of that severity, and
``{errata} confirmed`` for what is right as printed; ``{note-lines} part``
lists the formulas of one part of the note, each with its statements and its rows. Both read
``build/errata.json``. A file that is missing or old, and a row that did not come out as it says,
are warnings.
"""

from collections import Counter

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import card, records
from .elements import html, paragraph, prose
from .indexes import cells, displayed, table
from .statements import shown

logger = logging.getLogger(__name__)

SAID = {
    "fails": "The printed form fails its check.",
    "holds": "The printed form is proved.",
    "wording, no check": "Nothing here can be checked by machine.",
}
COUNTED = {
    "fails": "fail",
    "holds": "hold as printed",
    "wording, no check": "are wording that no machine checks",
}


def verdict(row):
    """Return how bad the printed form is as a badge, and what its check said as its title."""
    name = row["severity"] or row["verdict"]
    slug = name.replace(" ", "-")
    said = SAID.get(row["verdict"], row["verdict"])
    return html("span", name, classes=["badge", f"severity-{slug}"], title=said)


def formulas(row):
    """Return the printed form: a formula, or a claim in words."""
    if row["kind"] == "claim":
        return [paragraph(row["printed"])]
    return [card.equation(row["printed"])]


def sources(statements):
    """Return the statements that prove something, with their levels."""
    items = [
        html(
            "li",
            card.reference(statement["id"]) if statement["id"] else statement["title"],
            " ",
            card.badge(statement["level"]),
        )
        for statement in statements
    ]
    return [html("ul", *items, classes=["sources"])] if items else []


def equations(statements):
    """Return the equations of statements that are to be shown."""
    return [card.equation(latex) for statement in statements for latex in statement["latex"]]


def right(row):
    """Return what holds instead: equations, words, and the statements that say so."""
    words = [] if row["kind"] == "confirmed" else [paragraph(row["correct"])]
    return [*equations(row["right"]), *words, *sources(row["right"])]


def tested(row):
    """Return what was tried of the printed form, and with which outcome."""
    parts = []
    for claim in row["tested"]:
        if claim["latex"] and row["kind"] != "confirmed":
            parts += [html("span", "Tried", classes=["label"]), card.equation(claim["latex"])]
        parts.append(paragraph(claim["text"]))
    return [html("div", *parts, classes=["counterexample"])] if parts else []


def also(row):
    """Return what else is proved about a row."""
    proved = [*equations(row["also"]), *sources(row["also"])]
    return [html("div", *proved, classes=["counterexample"])] if proved else []


def side(label, *children):
    """Return one of the two sides."""
    return html("div", html("div", *label, classes=["side-head"]), *children, classes=["side"])


class Errata(SphinxDirective):
    """``{errata} severity``: a card for each row of that severity, or that is confirmed."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Return the cards."""
        everything = shown(self.env).errata["errata"]
        rows = [row for row in everything if self.arguments[0] in (row["severity"], row["kind"])]
        if everything and not rows:
            logger.warning("no row is %r", self.arguments[0],
                           location=self.get_location())  # fmt: skip
        return [self.section(row) for row in rows]

    def section(self, row):
        """Return a row as a section, which gives it a label and a link in the contents."""
        label = f"erratum-{row['name']}"
        title = nodes.title("", "", *prose(f"{row['name'].upper()}. {row['title']}"))
        section = nodes.section("", title, classes=["erratum"], ids=[label], names=[label])
        self.set_source_info(section)
        self.state.document.note_explicit_target(section, section)
        printed = side([html("span", "Printed"), verdict(row)], *formulas(row), *tested(row))
        correct = side([html("span", "Right")], *right(row))
        why = [paragraph(row["why"], "in-words")] if row["why"] else []
        section += [html("div", printed, correct, classes=["sides"]), *why, *also(row)]
        return section


class ErrataCounts(SphinxDirective):
    """``{errata-counts}``: how many rows came out how."""

    def run(self):
        """Return a sentence."""
        rows = shown(self.env).errata["errata"]
        counts = Counter(row["verdict"] for row in rows)
        said = ", ".join(f"{number} {COUNTED.get(name, name)}" for name, number in counts.items())
        return [nodes.paragraph("", f"Of {card.counted(len(rows), 'row')} {said}.")]


class NoteLines(SphinxDirective):
    """``{note-lines} part``: the formulas of a part of the note, and where each is dealt with."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Return a table."""
        everything = shown(self.env).errata
        titles = {row["name"]: row["title"] for row in everything["errata"]}
        number = 0
        for part in everything["note"]:
            if part["title"] == self.arguments[0]:
                rows = [
                    self.row(number + n, line, titles) for n, line in enumerate(part["lines"], 1)
                ]
                return [
                    table(("Line", "Printed in the note", "Here"), rows, "formula-index", "note")
                ]
            number += len(part["lines"])
        if everything["note"]:
            logger.warning("the note has no part %r", self.arguments[0],
                           location=self.get_location())  # fmt: skip
        return []

    def row(self, number, line, titles):
        """Return the row of one formula."""
        here = html("a", str(number), href=f"#note-{number}")
        here["ids"].append(f"note-{number}")
        statements = [html("li", card.reference(name)) for name in line["statements"]]
        errata = [
            html("li", card.link("std", "ref", f"erratum-{name}",
                                 *prose(f"{name.upper()}. {titles[name]}")))
            for name in line["errata"]
        ]  # fmt: skip
        return cells(
            "td",
            [here],
            [displayed(line["printed"])],
            [html("ul", *statements, *errata, classes=["sources"])],
        )


def check_results(app):
    """Warn when the file is missing or old, and of rows that did not come out as they say."""
    config = app.config
    for complaint in records.complaints(config.statements_formulas, config.statements_errata):
        logger.warning("%s", complaint, type="errata", subtype="results")
    for row in records.parsed(config.statements_errata, {"errata": []})["errata"]:
        if not row["as_stated"]:
            logger.warning("erratum %s did not come out as stated", row["name"], type="errata")


def setup(app):
    """Register the directives."""
    app.add_directive("errata", Errata)
    app.add_directive("errata-counts", ErrataCounts)
    app.add_directive("note-lines", NoteLines)
    app.add_css_file("css/errata.css")
    app.connect("builder-inited", check_results)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
