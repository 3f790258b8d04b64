"""Tables made from the formulas: all statements, all symbols, how much is proved."""

import math
from collections import Counter
from itertools import groupby

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import card
from .elements import element, html, prose
from .records import LEVELS, known_level
from .statements import shown


def cells(tag, *contents):
    """Return a row; each content is a list of nodes."""
    return html("tr", *(html(tag, *content) for content in contents))


def table(heads, rows, *classes):
    """Return a table that scrolls in its own box."""
    header = html("tr", *(html("th", head, scope="col") for head in heads))
    whole = html("table", html("thead", header), html("tbody", *rows), classes=classes)
    label = f"Table: {', '.join(heads)}"
    return html("div", whole, classes=["table-wrapper"], role="group", tabindex="0",
                aria_label=label)  # fmt: skip


def displayed(latex):
    """Return a formula of a cell: fractions and sums in full size, and it can scroll."""
    formula = nodes.math("", rf"\displaystyle {latex}")
    return html("div", formula, classes=["math-scroll"], role="group", tabindex="0",
                aria_label="Result")  # fmt: skip


class FormulaIndex(SphinxDirective):
    """``{formula-index}``: every statement with the first of its results and its level."""

    def run(self):
        """Return a table for each concept."""
        found = shown(self.env)
        return [
            node
            for concept, group in groupby(found.statements.values(), lambda r: r["concept"])
            for node in self.concept(concept, list(group), found)
        ]

    def concept(self, concept, group, found):
        """Return the heading and the table of a concept."""
        rows = [
            cells(
                "td",
                [
                    card.reference(record["id"]),
                    html("code", record["id"]),
                    card.plain_badge(found.level(record)),
                ],
                [displayed(record["results"][0])],
            )
            for record in group
        ]
        name = html("span", concept.replace("_", " "))
        name["page_of"] = group[0]["id"]
        heading = nodes.rubric("", "", name, ids=[f"formulas-{concept}"], **{"heading-level": 2})
        whole = table(("Statement", "Result"), rows, "formula-index")
        whole[0][-1]["places_of"] = [record["id"] for record in group]
        return [heading, whole]


class UsesTable(SphinxDirective):
    """``{uses-table}``: which proof cites which, of all statements that cite or are cited."""

    def run(self):
        """Return the table, and how many statements stand alone."""
        found = shown(self.env)
        joined = [r for r in found.statements.values() if r["uses"] or r["used_by"]]
        rows = [
            cells("td", [card.reference(r["id"])], several(r["uses"]), several(r["used_by"]))
            for r in joined
        ]
        whole = table(("Statement", "Its proof cites", "Cited by"), rows, "uses")
        whole[0][-1]["places_of"] = [record["id"] for record in joined]
        alone = len(found.statements) - len(joined)
        verb = "stands" if alone == 1 else "stand"
        said = nodes.Text(f"{card.counted(alone, 'statement')} {verb} alone.")
        return [nodes.paragraph("", "", said), whole]


def several(identifiers):
    """Return links to statements, one a line."""
    return [html("span", card.reference(identifier)) for identifier in identifiers]


class SymbolTable(SphinxDirective):
    """``{symbol-table}``: every symbol, its meaning, its shape and its other names."""

    def run(self):
        """Return the table, whose rows are the places that symbols are linked to."""
        rows = [self.row(symbol) for symbol in shown(self.env).symbols.values()]
        return [table(("Symbol", "Meaning", "Shape", "In code", "In the note"), rows, "symbols")]

    def row(self, symbol):
        """Return the row of a symbol."""
        name, anchor = symbol["name"], f"symbol-{symbol['name']}"
        self.env.get_domain("statement").note(
            "sym", name, card.plain(symbol["meaning"]), self.env.docname, anchor
        )
        return cells(
            "td",
            [nodes.inline("", "", nodes.math("", symbol["latex"]), ids=[anchor])],
            prose(symbol["meaning"]),
            [nodes.Text((symbol["shape"] or "").replace(" x ", " \N{MULTIPLICATION SIGN} "))],
            [html("code", name)],
            [nodes.Text((symbol["note_name"] or "").replace("none", "\N{EN DASH}"))],
        )


class SymbolIndex(SphinxDirective):
    """``{symbol-index}``: every symbol with the statements that use it."""

    def run(self):
        """Return a list of terms."""
        found = shown(self.env)
        entries = []
        for name, symbol in found.symbols.items():
            users = [r["id"] for r in found.statements.values() if name in r["symbols"]]
            if not users:
                continue
            latex = nodes.math(symbol["latex"], symbol["latex"])
            term = html("dt", card.link("statement", "sym", name, latex), " ")
            term += prose(symbol["meaning"])
            links = html("dd", *(html("span", card.reference(user)) for user in users))
            links["places_of"] = users
            entries += [term, links]
        return [html("dl", *entries, classes=["symbol-index"])]


class StatementLevels(SphinxDirective):
    """``{statement-levels}``: how many statements have each level, and what the level means."""

    def run(self):
        """Return the table."""
        found = shown(self.env)
        counts = Counter(found.level(record) for record in found.statements.values())
        order = [*LEVELS, *sorted(set(counts) - set(LEVELS))]
        rows = [
            cells("td", [card.badge(level)], [nodes.Text(str(counts[level]))], prose(meaning))
            for level in order
            if (meaning := LEVELS.get(known_level(level), card.NOT_VERIFIED)) and counts[level]
        ]
        total = nodes.paragraph("", "", nodes.Text(
            f"{card.counted(sum(counts.values()), 'statement')}, "
            f"{card.counted(len(self.steps(found)), 'step')}, {self.made(found)} of them made by moves, "
            f"verified {card.versions(found.verification)}, "
            f"in {found.verification.get('seconds', 0):.0f} s."
        ))  # fmt: skip
        return [total, table(("Level", "Statements", "Means"), rows, "levels")]

    def steps(self, found):
        """Return all steps."""
        chains = [chain for record in found.statements.values() for chain in record["chains"]]
        return [step for chain in chains for step in chain["steps"]]

    def made(self, found):
        """Return how many steps were made by moves; prose is not."""
        return sum(not step["prose"] and step["made"] for step in self.steps(found))


def as_on_the_pages(app, doctree, docname):
    """Sort what the indexes list as the pages show it, and head each table with its page."""
    domain = app.env.get_domain("statement")
    boxes = domain.data["boxes"]
    order = {
        target: (app.env.toc_secnumbers.get(page, {}).get("", (math.inf,)), place)
        for place, (target, page) in enumerate(boxes.items())
    }
    for node in list(doctree.findall(element)):
        if listed := node.get("places_of"):
            pairs = zip(listed, node.children, strict=True)
            # What no page shows comes last; the link to it is a warning.
            last = (math.inf,), len(order)
            pairs = sorted(pairs, key=lambda pair: order.get(pair[0], last))
            node.children = [child for _, child in pairs]
        if node.get("page_of") in boxes:
            page = boxes[node["page_of"]]
            address = app.builder.get_relative_uri(docname, page)
            title = app.env.titles[page].astext()
            node.clear()
            node += nodes.reference("", title, internal=True, refuri=address)


def setup(app):
    """Register the directives."""
    app.add_directive("formula-index", FormulaIndex)
    app.add_directive("uses-table", UsesTable)
    app.add_directive("symbol-index", SymbolIndex)
    app.add_directive("symbol-table", SymbolTable)
    app.add_directive("statement-levels", StatementLevels)
    app.connect("doctree-resolved", as_on_the_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
