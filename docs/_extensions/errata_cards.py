"""What the note prints beside what is right, from what the checks of the errata found.

A page says ``{errata} wrong result`` and gets a card for each row of that severity, and
``{errata} confirmed`` for what is right as printed; ``{note-lines} part``
lists the formulas of one part of the note, each with its statements and its rows. Both read
``build/errata.json``.
"""

from collections import Counter

from docutils import nodes

from . import card
from .elements import directive, html, paragraph, prose, reference, section
from .statements import shown
from .tables import Table, counted, displayed

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


def sources(statements):
    """Return the statements that prove something, with their levels."""
    names = (reference(s["id"]) if s["id"] else s["title"] for s in statements)
    badges = (card.badge(s["level"]) for s in statements)
    items = [html("li", name, " ", badge) for name, badge in zip(names, badges, strict=True)]
    return [html("ul", *items, classes=["sources"])] if items else []


def equations(statements):
    """Return the equations of statements that are to be shown."""
    return [card.equation(latex) for statement in statements for latex in statement["latex"]]


def tested(row):
    """Return what was tried of the printed form, and with which outcome."""
    parts = []
    for claim in row["tested"]:
        if claim["latex"] and row["kind"] != "confirmed":
            parts += [html("span", "Tried", classes=["label"]), card.equation(claim["latex"])]
        parts.append(paragraph(claim["text"]))
    return boxed(parts)


def boxed(parts):
    """Return a box of what was tried or is proved beside a row, where there is something."""
    return [html("div", *parts, classes=["counterexample"])] if parts else []


def side(label, *children):
    """Return one of the two sides."""
    return html("div", html("div", *label, classes=["side-head"]), *children, classes=["side"])


def errata(page, severity):
    """``{errata} severity``: a card for each row of that severity, or that is confirmed."""
    everything = shown(page.env).errata["errata"]
    rows = [row for row in everything if severity in (row["severity"], row["kind"])]
    if everything and not rows:
        raise ValueError(f"no row is {severity!r}")
    return [
        section(page, f"erratum-{row['name']}", prose(said(row)), *both(row), kind="erratum")
        for row in rows
    ]


def both(row):
    """Return both sides of a row, and what there is to say of them."""
    as_printed = paragraph if row["kind"] == "claim" else card.equation
    head = [html("span", "Printed"), verdict(row)]
    printed = side(head, as_printed(row["printed"]), *tested(row))
    words = [] if row["kind"] == "confirmed" else [paragraph(row["correct"])]
    says = [*equations(row["right"]), *words, *sources(row["right"])]
    correct = side([html("span", "Right")], *says)
    why = [paragraph(row["why"], "in-words")] if row["why"] else []
    also = boxed([*equations(row["also"]), *sources(row["also"])])
    return [html("div", printed, correct, classes=["sides"]), *why, *also]


def said(row):
    """Return the name and the title of a row."""
    return f"{row['name'].upper()}. {row['title']}"


def errata_counts(page):
    """``{errata-counts}``: how many rows came out how."""
    rows = shown(page.env).errata["errata"]
    counts = Counter(row["verdict"] for row in rows)
    outcomes = ", ".join(f"{number} {COUNTED.get(name, name)}" for name, number in counts.items())
    return [nodes.paragraph("", f"Of {counted(len(rows), 'row')} {outcomes}.")]


def note_lines(page, title):
    """``{note-lines} part``: the formulas of a part of the note, and where each is dealt with."""
    found = shown(page.env).errata
    rows = {row["name"]: row for row in found["errata"]}
    lines = [(part["title"], line) for part in found["note"] for line in part["lines"]]
    numbered = [(n, line) for n, (part, line) in enumerate(lines, 1) if part == title]
    if lines and not numbered:
        raise ValueError(f"the note has no part {title!r}")

    def dealt_with(row):
        links = [
            *map(reference, row[1]["statements"]),
            *(linked(rows[n]) for n in row[1]["errata"]),
        ]
        return html("ul", *(html("li", link) for link in links), classes=["sources"])

    columns = [
        (
            "Line",
            lambda row: html("a", str(row[0]), ids=[f"note-{row[0]}"], href=f"#note-{row[0]}"),
        ),
        ("Printed in the note", lambda row: displayed(row[1]["printed"])),
        ("Here", dealt_with),
    ]
    return [Table(numbered, columns, "formula-index note").node()] if numbered else []


def linked(row):
    """Return a link to a row by its name and title."""
    return card.erratum(row["name"], *prose(said(row)))


def setup(app):
    """Register the directives."""
    spaced = {"required_arguments": 1, "final_argument_whitespace": True}
    directive(app, "errata", errata, **spaced)
    directive(app, "errata-counts", errata_counts)
    directive(app, "note-lines", note_lines, **spaced)
    app.add_css_file("css/errata.css")
