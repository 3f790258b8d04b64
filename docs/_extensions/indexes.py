"""Lists made from the formulas: all statements, all symbols, how much is proved, one page to print."""

import hashlib
import math
from collections import Counter
from itertools import groupby

from docutils import nodes

from . import card
from .elements import directive, element, html, link, prose, reference
from .records import LEVELS, NOT_VERIFIED
from .statements import known, results, shown
from .tables import DASH, Table, counted, displayed


def formula_index(page):
    """``{formula-index}``: every statement with the first of its results and its level."""
    found = shown(page.env)

    def name(record):
        badge = card.badge(found.level(record), linked=False)
        return [reference(record["id"]), html("code", record["id"]), badge]

    columns = [("Statement", name), ("Result", lambda record: displayed(record["results"][0]))]
    parts = []
    for concept, group in groupby(found.statements.values(), lambda record: record["concept"]):
        has_page = concept in page.env.found_docs
        title = link("std", "doc", f"/{concept}") if has_page else nodes.Text(concept)
        parts += [
            nodes.rubric("", "", title, ids=[f"formulas-{concept}"], **{"heading-level": 2}),
            as_placed(Table(list(group), columns, "formula-index")),
        ]
    return parts


def uses_table(page):
    """``{uses-table}``: which proof cites which, and how many statements stand alone."""
    statements = shown(page.env).statements.values()
    joined = [record for record in statements if record["uses"] or record["used_by"]]
    alone = len(statements) - len(joined)
    said = f"{counted(alone, 'statement')} {'stands' if alone == 1 else 'stand'} alone."
    columns = [
        ("Statement", lambda record: reference(record["id"])),
        ("Its proof cites", lambda record: several(record["uses"])),
        ("Cited by", lambda record: several(record["used_by"])),
    ]
    return [nodes.paragraph("", said), as_placed(Table(joined, columns, "uses"))]


def several(identifiers):
    """Return links to statements, one a line."""
    return [html("span", reference(identifier)) for identifier in identifiers]


def as_placed(table):
    """Return a table of statements that is to be in the order of the pages."""
    node = table.node()
    node[0][-1]["places_of"] = [record["id"] for record in table.rows]
    return node


def symbol_table(page):
    """``{symbol-table}``: every symbol, its meaning, its shape and its other names.

    Its rows are the places that symbols are linked to.
    """
    domain = page.env.get_domain("statement")

    def letter(symbol):
        domain.place("symbols", symbol["name"], page.env.docname)
        letter = nodes.math("", symbol["latex"])
        return nodes.inline("", "", letter, ids=[f"symbol-{symbol['name']}"])

    columns = [
        ("Symbol", letter),
        ("Meaning", lambda symbol: prose(symbol["meaning"])),
        ("Shape", lambda symbol: card.shape(symbol)),
        ("In code", lambda symbol: html("code", symbol["name"])),
        ("In the note", lambda symbol: (symbol["note_name"] or "").replace("none", DASH)),
    ]
    return [Table(shown(page.env).symbols.values(), columns, "symbols").node()]


def symbol_index(page):
    """``{symbol-index}``: every symbol with the statements that use it."""
    found = shown(page.env)
    entries = []
    for name, symbol in found.symbols.items():
        if users := [r["id"] for r in found.statements.values() if name in r["symbols"]]:
            letter = link("statement", "sym", name, nodes.math("", symbol["latex"]))
            links = html("dd", *several(users))
            links["places_of"] = users
            entries += [html("dt", letter, " ", *prose(symbol["meaning"])), links]
    return [html("dl", *entries, classes=["symbol-index"])]


def statement_levels(page):
    """``{statement-levels}``: how many statements have each level, and what the level means."""
    found = shown(page.env)
    counts = Counter(found.level(record) for record in found.statements.values())
    chains = [chain for record in found.statements.values() for chain in record["chains"]]
    steps = [step for chain in chains for step in chain["steps"]]
    made = sum(not step["prose"] and step["made"] for step in steps)  # prose is not
    total = (
        f"{counted(counts.total(), 'statement')}, {counted(len(steps), 'step')}, {made:,} of them "
        f"made by moves, verified {card.versions(found.verification)}, "
        f"in {found.verification.get('seconds', 0):.0f} s."
    )
    columns = [
        ("Level", card.badge),
        ("Statements", lambda level: str(counts[level])),
        ("Means", lambda level: prose(LEVELS.get(level, NOT_VERIFIED))),
    ]
    used = sorted(counts, key=[*LEVELS, "not verified"].index)
    return [nodes.paragraph("", total), Table(used, columns, "levels").node()]


def groups(lines):
    """Return the headings of a cheat sheet with their statements, each with numbers of its results.

    A line is a heading and statements: ``id`` shows its first result, ``id:1,2`` its first and second.
    """
    parsed = []
    for line in lines:
        heading, _, listed = line.partition(": ")
        named = (entry.partition(":") for entry in listed.split())
        parsed.append(
            (heading, [(name, [int(k) for k in (ks or "1").split(",")]) for name, _, ks in named])
        )
    return parsed


def sheet_digest(lines, statements):
    """Return what stands in the title of the PDF: it names the formulas that the sheet shows."""
    text = "\n".join(
        statements[name]["results"][number - 1]
        for _, entries in groups(lines)
        for name, numbers in entries
        for number in numbers
    )
    return hashlib.sha256(("\n".join(lines) + text).encode()).hexdigest()[:12]


def cheat_sheet(page):
    """``{cheat-sheet}``: groups of formulas, each with a link to its entry."""

    def item(identifier, numbers):
        record = known(page, identifier)
        name = link("statement", "st", identifier, nodes.Text(record["title"]))
        shown = (rf"\displaystyle {record['results'][number - 1]}" for number in numbers)
        return html("li", name, *(nodes.math("", latex) for latex in shown))

    boxes = [
        html("section", html("h2", heading), html("ul", *(item(*entry) for entry in entries)))
        for heading, entries in groups(page.content)
    ]
    digest = sheet_digest(page.content, results(page.env).statements)
    return [html("div", *boxes, classes=["cheat-sheet"], data_digest=digest)]


def as_on_the_pages(app, doctree, docname):
    """Sort what the indexes list as the pages show it."""
    boxes = app.env.get_domain("statement").data["boxes"]
    order = {
        target: (app.env.toc_secnumbers.get(page, {}).get("", (math.inf,)), place)
        for place, (target, page) in enumerate(boxes.items())
    }
    last = (math.inf,), len(order)  # what no page shows: the link to it is a warning
    for node in doctree.findall(element):
        if places := node.get("places_of"):
            pairs = zip(places, node.children, strict=True)
            pairs = sorted(pairs, key=lambda pair: order.get(pair[0], last))
            node.children = [child for _, child in pairs]


def setup(app):
    """Register the directives."""
    directive(app, "formula-index", formula_index)
    directive(app, "uses-table", uses_table)
    directive(app, "symbol-index", symbol_index)
    directive(app, "symbol-table", symbol_table)
    directive(app, "statement-levels", statement_levels)
    directive(app, "cheat-sheet", cheat_sheet, has_content=True)
    app.add_css_file("css/cheat-sheet.css")
    app.connect("doctree-resolved", as_on_the_pages)
