"""Nodes that the statements are built from. All text goes through nodes.Text, so it is escaped."""

import re
from html import escape

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

# In the texts of a statement: $formula$, `code`, *emphasis*. Anything else is plain text.
INLINE = re.compile(r"\$(?P<math>[^$]+)\$|`(?P<code>[^`]+)`|\*(?P<emphasis>[^*\s][^*]*)\*")


class element(nodes.General, nodes.TextElement):
    """An HTML element of the name ``tag`` with the attributes ``attributes``."""


class markup(nodes.General, nodes.Element):
    """HTML that is ready, one node for all of it; the search does not look into it."""


def verbatim(text):
    """Return a text to copy, without colours."""
    code = f'<div class="highlight notranslate"><pre>{escape(text, quote=False)}</pre></div>'
    return markup(html=code)


def html(tag, *children, classes=(), ids=(), **attributes):
    """Make an element; a string among the children is text. ``aria_label`` is ``aria-label``."""
    node = element(tag=tag, attributes=attributes, classes=list(classes), ids=list(ids))
    node += [nodes.Text(child) if isinstance(child, str) else child for child in children]
    return node


def prose(text):
    """Return the nodes of a short text with formulas, code and emphasis in it."""
    found, end = [], 0
    for match in INLINE.finditer(text):
        found.append(nodes.Text(text[end : match.start()]))
        end = match.end()
        kind, content = match.lastgroup, match[match.lastgroup]
        make = {"math": nodes.math, "code": nodes.literal, "emphasis": nodes.emphasis}[kind]
        found.append(make(content, content))
    return [*found, nodes.Text(text[end:])]


def paragraph(text, *classes):
    """Return a paragraph."""
    return nodes.paragraph("", "", *prose(text), classes=list(classes))


def section(page, label, title, *content, kind, linked=True):
    """Return a section, which has a place in the contents, and links lead to its label."""
    made = nodes.section("", nodes.title("", "", *title), *content, ids=[label], classes=[kind])
    page.set_source_info(made)
    if linked:
        made["names"].append(label)
        page.state.document.note_explicit_target(made, made)
    return made


def folded(title, *children):
    """Return what stands under a title that unfolds it."""
    return html("details", html("summary", title), *children)


def link(domain, role, target, *children):
    """Return a link that Sphinx resolves when all pages are read; it says so when it cannot."""
    content = nodes.inline("", "", *(children or (nodes.Text(target),)))
    return addnodes.pending_xref(
        "", content, refdomain=domain, reftype=role, reftarget=target,
        refexplicit=bool(children), refwarn=True,
    )  # fmt: skip


def reference(identifier):
    """Return a link to a statement, by its number and title."""
    return link("statement", "st", identifier)


def download(file, text):
    """Return a link to a file to take away; its path begins with a slash in the folder of pages."""
    return addnodes.download_reference(
        "", "", nodes.inline("", text), reftarget=file, refdomain="", reftype="download",
        refexplicit=True, refwarn=True,
    )  # fmt: skip


def directive(app, name, make, **settings):
    """Register a directive: ``make(directive, *arguments)`` returns its nodes.

    A `ValueError` is an error of the page. `settings` are what docutils asks of a directive.
    """

    def run(self):
        try:
            return make(self, *self.arguments)
        except ValueError as error:
            raise self.error(str(error)) from error

    app.add_directive(name, type(make.__name__, (SphinxDirective,), {"run": run, **settings}))


def visit_element(writer, node):
    """Open the element."""
    attributes = {name.replace("_", "-"): value for name, value in node["attributes"].items()}
    writer.body.append(writer.starttag(node, node["tag"], "", **attributes))


def depart_element(writer, node):
    """Close the element."""
    writer.body.append(f"</{node['tag']}>")


def visit_markup(writer, node):
    """Write it."""
    writer.body.append(node["html"])
    raise nodes.SkipNode


def setup(app):
    """Register the nodes."""
    app.add_node(element, html=(visit_element, depart_element))
    app.add_node(markup, html=(visit_markup, None))
