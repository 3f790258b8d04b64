"""Statements in the pages: their entries, directives, a role and a domain.

Every statement has an entry, the page ``statements/<id>``, whose source is written here: a title
and all that is known of it. A page says ``{statement} logistic.nll_gradient`` and gets the box of
that statement, which has its number, and which unfolds to its derivation. The id is the label of
the entry, which any project can link through intersphinx, the anchor of the box, and the label of
its first equation. The source of an entry has the digest of what was found about its statement, and
the pages that show the statement depend on it, so that they are read again when that has changed. An
unknown id, a statement placed twice, a failed verification, a row of the errata that did not come out
as it says, and results that are missing or older than the formulas are warnings.
"""

from functools import cached_property, partial
from html import escape

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.domains import Domain, ObjType
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from . import card, records, sources
from .elements import directive, section

logger = logging.getLogger(__name__)

ENTRIES = "statements"
ENTRY = """\
---
orphan: true
hide-toc: true
digest: {}
---
```{{entry}} {}
```
"""


def results(env):
    """Return what the result files say."""
    return env.get_domain("statement").results


def shown(env):
    """Return what the result files say, for a page that shows any of it."""
    for kind in records.FILES:
        env.note_dependency(env.config[f"statements_{kind}"])
    return results(env)


def known(page, identifier):
    """Return the record of a statement, for a page that shows it."""
    statements = results(page.env).statements
    if identifier not in statements:
        raise ValueError(
            f"unknown statement {identifier!r}; known: {', '.join(sorted(statements))}"
        )
    page.env.note_dependency(f"{ENTRIES}/{identifier}.md")
    return statements[identifier]


def statement(page, identifier):
    """``{statement} id``: the box of a statement; ``:open:`` shows its derivation unfolded."""
    record = known(page, identifier)
    page.env.get_domain("statement").place("boxes", identifier, page.env.docname)
    cite, opened = partial(citation, page), "open" in page.options
    shown = card.box(record, results(page.env), equations(page, record), cite=cite, opened=opened)
    title = [nodes.Text(record["title"])]
    return [section(page, identifier, title, *shown, kind="statement", linked=False)]


def labels(record):
    """Return the labels of the equations of a statement: its id for the first, then ``id.2``."""
    more = range(2, len(record["results"]) + 1)
    return [record["id"], *(f"{record['id']}.{number}" for number in more)]


def equations(page, record):
    """Return the result as Sphinx's own directive would: labelled, numbered, referable."""
    math, docname = page.env.domains.math_domain, page.env.docname
    blocks = []
    for label, latex in zip(labels(record), record["results"], strict=True):
        block = nodes.math_block(
            latex, latex, docname=docname, nowrap=False, label=label,
            ids=[nodes.make_id(f"equation-{label}")],
        )  # fmt: skip
        page.set_source_info(block)
        math.note_equation(docname, label, location=block)
        block["number"] = math.get_equation_number_for(label)
        page.state.document.note_explicit_target(block, block)
        blocks.append(block)
    return blocks


def citation(page, key):
    """Return a link to the bibliography, or nothing where it does not have the key."""
    if key not in page.env.get_domain("cite").bibdata.data.entries:
        return []
    return page.parse_inline(f"{{cite:t}}`{key}`")[0]


def entry(page, identifier):
    """``{entry} id``: everything about a statement, on the page that is its own.

    The labels of the statement lead there.
    """
    record, docname = known(page, identifier), page.env.docname
    for file in (record["source"]["file"], *sources.files()):
        if file.split("/")[-1].removeprefix("test_") == f"{record['concept']}.py":
            page.env.note_dependency(str(records.ROOT / file))
    cite = partial(citation, page)
    shown = card.entry(record, results(page.env), cite=cite, docname=docname)
    return [section(page, identifier, [nodes.Text(record["title"])], *shown, kind="entry")]


def result(page, identifier):
    """``{result} id``: the result of a statement again, with a link to its entry.

    ``:derivation:`` shows its derivation as well, unfolded; ``:first:`` of several formulas the first.
    """
    record, found = known(page, identifier), results(page.env)
    wanted = "derivation" in page.options
    derived = card.derivation(record, partial(citation, page), opened=True) if wanted else []
    formulas = record["results"][: 1 if "first" in page.options else None]
    return [card.recalled(record, formulas, found.level(record), *derived)]


class StatementRole(XRefRole):
    """``{st}`id` ``: a link to a statement."""

    innernodeclass = nodes.inline

    def result_nodes(self, document, env, node, is_ref):
        """Say which domain resolves the link."""
        node["refdomain"], node["refwarn"] = "statement", True
        return [node], []


class StatementDomain(Domain):
    """Where each statement and each symbol is, and what the pages show of them."""

    name = "statement"
    label = "Statement"
    object_types = {"statement": ObjType("statement", "st"), "symbol": ObjType("symbol", "sym")}
    roles = {"st": StatementRole(), "sym": StatementRole()}
    dangling_warnings = {
        "st": "there is no statement %(target)r",
        "sym": "no page shows the symbol %(target)r",
    }
    # The page with the box of a statement, and that with the row of a symbol, by id.
    initial_data = {"boxes": {}, "symbols": {}}
    data_version = 4

    @cached_property
    def results(self):
        """What the result files say."""
        config = self.env.config
        return records.Results(**{
            kind: records.loaded(config[f"statements_{kind}"], nothing)
            for kind, (_, nothing) in records.FILES.items()
        })  # fmt: skip

    def place(self, kind, target, docname):
        """Record a page; warn when there is one already."""
        known = self.data[kind]
        if target in known:
            logger.warning("%s is on two pages: %s and %s", target, known[target], docname,
                           location=docname)  # fmt: skip
        known[target] = docname

    def clear_doc(self, docname):
        """Forget a page."""
        for kind in ("boxes", "symbols"):
            self.data[kind] = {t: page for t, page in self.data[kind].items() if page != docname}

    def merge_domaindata(self, docnames, otherdata):
        """Take over what another process read."""
        for kind in ("boxes", "symbols"):
            for target, docname in otherdata[kind].items():
                if docname in docnames:
                    self.place(kind, target, docname)

    def number(self, target):
        """Return the section number of a statement, such as 3.4, or nothing."""
        numbers = self.env.toc_secnumbers.get(self.data["boxes"].get(target), {})
        return ".".join(map(str, numbers.get(f"#{target}", ())))

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):
        """Link a statement by number and title, unless the author wrote something else.

        A box links its own ``entry``, an entry its ``box``; other links go to what is nearer.
        """
        if typ == "box":
            return self.resolve_box(fromdocname, builder, target)
        found = results(env)
        if typ == "sym":
            page, anchor = self.data["symbols"].get(target), f"symbol-{target}"
            title = page and card.plain(found.symbols[target]["meaning"])
        elif target in found.statements:
            here = typ == "st" and self.data["boxes"].get(target) == fromdocname
            page, anchor = (fromdocname, target) if here else (f"{ENTRIES}/{target}", "")
            title = found.statements[target]["title"]
        else:
            return None
        if typ == "st" and not node["refexplicit"]:
            contnode = nodes.Text(f"{self.number(target)} {title}".strip())
        return page and make_refnode(builder, fromdocname, page, anchor, contnode, title)

    def resolve_box(self, fromdocname, builder, target):
        """Link the box of a statement by its number and the title of its page."""
        page = self.data["boxes"].get(target)
        if page is None:
            return nodes.inline("", "")
        said = f"{self.number(target)} in {self.env.titles[page].astext()}"
        return make_refnode(builder, fromdocname, page, target, nodes.Text(said.strip()))

    def get_objects(self):
        """List the statements and the symbols for objects.inv and for the search."""
        found = results(self.env)
        for name, record in sorted(found.statements.items()):
            yield name, record["title"], "statement", f"{ENTRIES}/{name}", name, 1
        for name, page in sorted(self.data["symbols"].items()):
            title = card.plain(found.symbols[name]["meaning"])
            yield name, title, "symbol", page, f"symbol-{name}", 1


def write_entries(app):
    """Write the source of the entry of each statement, and of no other."""
    found = results(app.env)
    pages = {name: ENTRY.format(found.digest(name), name) for name in found.statements}
    records.write_pages(app.srcdir / ENTRIES, pages)


def check_results(app):
    """Warn when results are missing, old, or bad."""
    file = {kind: app.config[f"statements_{kind}"] for kind in records.FILES}
    said = records.complaints(file["formulas"], file["verification"], file["errata"])
    for complaint in said + records.stale(file["evidence"], file["formulas"]):
        logger.warning("%s", complaint, type="statements", subtype="results")
    found = results(app.env)
    for row in found.errata["errata"]:
        if not row["as_stated"]:
            logger.warning("erratum %s did not come out as stated", row["name"], type="statements")
    for identifier in found.statements:
        outcome = found.verification["statements"].get(identifier)
        if outcome is None:
            logger.warning("%s has not been verified", identifier, type="statements")
        elif outcome["failures"] or outcome["flagged"]:
            said = "; ".join(outcome["failures"]) or "a check was vacuous"
            logger.warning("%s failed verification: %s", identifier, said, type="statements")


def renumbered(app, env):
    """Write the pages again whose links show a number that has changed."""
    domain = env.get_domain("statement")
    numbers = {target: domain.number(target) for target in domain.data["boxes"]}
    before, domain.data["numbers"] = domain.data.get("numbers"), numbers
    return [] if before in (None, numbers) else sorted(env.found_docs)


def neighbours(app, pagename, templatename, context, doctree):
    """Give an entry a title of its own, and links to those before and after it."""
    folder, _, identifier = pagename.partition("/")
    statements = results(app.env).statements
    if folder != ENTRIES or identifier not in statements:
        return
    order = list(statements)
    place = order.index(identifier)
    for name, other in (("prev", place - 1), ("next", place + 1)):
        if 0 <= other < len(order):
            address = app.builder.get_relative_uri(pagename, f"{ENTRIES}/{order[other]}")
            context[name] = {"link": address, "title": escape(statements[order[other]]["title"])}
    record = statements[identifier]
    context["title"] = escape(results(app.env).titles[identifier])
    context["preview"] = f"{record['text'].splitlines()[0]}. {card.plain(record['summary'])}"


def setup(app):
    """Register directives, roles and domain."""
    for kind, (file, _) in records.FILES.items():
        app.add_config_value(f"statements_{kind}", str(records.ROOT / file), "env", str)
    app.add_domain(StatementDomain)
    for make, *flags in (statement, "open"), (entry,), (result, "derivation", "first"):
        directive(app, make.__name__, make, required_arguments=1,
                  option_spec=dict.fromkeys(flags, directives.flag))  # fmt: skip
    app.add_role("st", StatementRole())
    app.connect("builder-inited", check_results)
    app.connect("builder-inited", write_entries)
    # After the numbers of the sections were given out.
    app.connect("env-get-updated", renumbered, priority=900)
    app.connect("html-page-context", neighbours)
