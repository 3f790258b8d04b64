"""The picture of which proof cites which statement: an inline SVG whose nodes are links.

Statements stand in columns: each to the right of all that it uses. An arrow that follows from
others is left out. Everything is computed here, so the picture is the same in every build.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .card import counted, level_slug
from .elements import paragraph
from .layered import HEIGHT, layout, path
from .statements import shown


def drawn_node(writer, identifier, box, address, level, title):
    """Return the SVG of a node: a link when the statement is on a page."""
    x, y, width, _ = box
    concept, name = map(writer.encode, identifier.split("."))
    bar = f"bar level-{level_slug(level)}"
    shape = (
        f"<title>{writer.encode(title)}, {writer.encode(level)}</title>"
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT}" rx="6"/>'
        f'<rect class="{bar}" x="{x:.1f}" y="{y + 7:.1f}" width="4" height="24"/>'
        f'<text class="concept" x="{x + 13:.1f}" y="{y + 14:.1f}">{concept}</text>'
        f'<text x="{x + 13:.1f}" y="{y + 29:.1f}">{name}</text>'
    )
    return f'<a href="{writer.attval(address)}">{shape}</a>' if address else f"<g>{shape}</g>"


def svg(writer, uses, levels, titles, addresses, what):
    """Return the whole picture."""
    whole = layout(uses)
    edges = "".join(f'<path d="{path(route, whole.positions)}"/>' for route in whole.routes)
    drawn = "".join(
        drawn_node(writer, n, whole.positions[n], addresses.get(n), levels[n], titles[n])
        for n in uses
    )
    return (
        f'<div class="uses-graph" role="group" tabindex="0" aria-label="{writer.attval(what)}">'
        f'<svg xmlns="http://www.w3.org/2000/svg" role="group" width="{whole.width:.0f}"'
        f' height="{whole.height:.0f}" viewBox="0 0 {whole.width:.0f} {whole.height:.0f}">'
        f"<title>{writer.encode(what)}</title><desc>Each box is a statement and a link to it. A"
        " line runs from a statement to one whose proof cites it, to the right; lines that follow from"
        f' others are left out.</desc><g class="edges">{edges}</g>{drawn}</svg></div>'
    )


class graph(nodes.General, nodes.Element):
    """The picture; it is drawn when the places of all statements are known."""


def visit_graph(writer, node):
    """Draw the picture."""
    builder = writer.builder
    domain, here = builder.env.get_domain("statement"), builder.current_docname
    addresses = {}
    for identifier in domain.data["st"]:
        page, anchor = domain.place_of(identifier, here)
        addresses[identifier] = (
            f"#{anchor}" if page == here else builder.get_relative_uri(here, page)
        )
    writer.body.append(
        svg(writer, node["uses"], node["levels"], node["titles"], addresses, node["what"])
    )
    raise nodes.SkipNode


def selected(statements, concept):
    """Return which statements to draw: those of a concept, or all, that cite or are cited there."""
    own = {i: r["uses"] for i, r in statements.items() if concept in (None, r["concept"])}
    joined = {i for i, uses in own.items() if uses} | {
        used for uses in own.values() for used in uses
    }
    return {i: own.get(i, []) for i in statements if i in joined}


def left_out(statements, concept, drawn):
    """Say in words what a line is, and how many statements stand alone."""
    own = [i for i, r in statements.items() if concept in (None, r["concept"])]
    alone = sum(i not in drawn for i in own)
    said = (
        "A line runs from a statement to one whose proof cites it; the definitions that a proof opens "
        "are not drawn."
    )
    verb = "stands" if alone == 1 else "stand"
    return f"{said} {counted(alone, 'statement')} {verb} alone." if alone else said


class UsesGraph(SphinxDirective):
    """``{uses-graph} concept``: the picture for a concept, or for all statements."""

    optional_arguments = 1

    def run(self):
        """Return the picture, to be drawn later."""
        found = shown(self.env)
        concept = self.arguments[0] if self.arguments else None
        uses = selected(found.statements, concept)
        what = f"Which proof cites which: {concept or 'all statements'}"
        return [
            paragraph(left_out(found.statements, concept, uses)),
            graph(
                uses=uses, what=what,
                levels={i: found.level(found.statements[i]) for i in uses},
                titles={i: found.statements[i]["title"] for i in uses},
            ),
        ]  # fmt: skip


def setup(app):
    """Register the directive and its node."""
    app.add_node(graph, html=(visit_graph, None))
    app.add_directive("uses-graph", UsesGraph)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
