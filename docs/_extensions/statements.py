"""Statements in the pages: a directive, a role and a domain.

A page says ``{statement} logistic.nll_gradient`` and gets the card of that statement, written
from the objects that were verified. Its id is the anchor of the card, a label that any project
can link through intersphinx, and the label of its first equation. An unknown id, a statement
placed twice, a link to a statement that no page shows, a failed verification, and results that
are missing or older than the formulas are warnings.
"""

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.domains import Domain, ObjType
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode
from sphinxcontrib.bibtex.roles import CiteRole

from . import card, records, sources
from .elements import html

logger = logging.getLogger(__name__)


def files(config):
    """Return the paths of the formulas, and of what was found and measured about them."""
    return (
        config.statements_formulas,
        config.statements_verification,
        config.statements_evidence,
        config.statements_errata,
        config.statements_peers,
    )


def former(config, identifier):
    """Return the ids that a statement had before: their addresses and labels stay."""
    return sorted(old for old, new in config.statements_former.items() if new == identifier)


def results(env):
    """Read the result files."""
    return records.read(*files(env.config))


def depend_on_results(env):
    """Let Sphinx read the page again when a result file changes."""
    for path in files(env.config):
        env.note_dependency(str(path))


class StatementDirective(SphinxDirective):
    """``{statement} id``: the card of a statement; ``:open:`` shows its derivation unfolded."""

    required_arguments = 1
    option_spec = {"open": directives.flag}

    def run(self):
        """Return the card."""
        depend_on_results(self.env)
        identifier = self.arguments[0]
        found = results(self.env)
        if identifier not in found.statements:
            close = ", ".join(sorted(found.statements))
            logger.warning("unknown statement %r; known: %s", identifier, close,
                           location=self.get_location())  # fmt: skip
            return []
        return [self.section(found.statements[identifier], found, "open" in self.options)]

    def section(self, record, found, opened):
        """Return the statement as a section, which gives it a number and a link in the contents."""
        identifier = record["id"]
        title = nodes.title("", "", nodes.Text(record["title"]))
        section = nodes.section("", title, classes=["statement"], ids=[identifier])
        section["names"].append(identifier)
        section += self.former_addresses(record)
        self.set_source_info(section)
        self.state.document.note_explicit_target(section, section)
        for file in (record["source"]["file"], *sources.files()):
            if file.split("/")[-1].removeprefix("test_") == f"{record['concept']}.py":
                self.env.note_dependency(str(records.ROOT / file))
        self.env.get_domain("statement").note(
            "st", identifier, record["title"], self.env.docname, identifier
        )
        section += card.body(
            record,
            found,
            self.equations(record),
            cite=self.citation,
            docname=self.env.docname,
            opened=opened,
        )
        return section

    def former_addresses(self, record):
        """Keep the ids that the statement had before, as anchors and as labels."""
        standard, docname = self.env.domains.standard_domain, self.env.docname
        for old in former(self.config, record["id"]):
            standard.labels[old] = docname, record["id"], record["title"]
            standard.anonlabels[old] = docname, record["id"]
            anchor = html("span")
            anchor["ids"].append(old)
            yield anchor

    def equations(self, record):
        """Return the result as Sphinx's own directive would: labelled, numbered, referable."""
        math = self.env.domains.math_domain
        blocks = []
        for number, latex in enumerate(record["results"]):
            label = record["id"] if number == 0 else f"{record['id']}.{number + 1}"
            block = nodes.math_block(
                latex, latex, docname=self.env.docname, nowrap=False, label=label,
                ids=[nodes.make_id(f"equation-{label}")],
            )  # fmt: skip
            self.set_source_info(block)
            math.note_equation(self.env.docname, label, location=block)
            block["number"] = math.get_equation_number_for(label)
            self.state.document.note_explicit_target(block, block)
            blocks.append(block)
        return blocks

    def citation(self, key):
        """Return a link to the bibliography, or nothing where it does not have the key."""
        if key not in self.env.get_domain("cite").bibdata.data.entries:
            return []
        raw = f"{{cite:t}}`{key}`"
        return CiteRole()("cite:t", raw, key, self.lineno, self.state.inliner)[0]


class ConceptDirective(StatementDirective):
    """``{statements} concept``: the statements of a concept that the page did not show before."""

    def run(self):
        """Return their cards."""
        depend_on_results(self.env)
        found = results(self.env)
        placed = self.env.get_domain("statement").placed_in(self.env.docname)
        return [
            self.section(record, found, "open" in self.options)
            for identifier, record in found.statements.items()
            if record["concept"] == self.arguments[0] and identifier not in placed
        ]


class ResultDirective(StatementDirective):
    """``{result} id``: the result of a statement again, with a link to its card.

    ``:derivation:`` shows its derivation as well, unfolded.
    """

    option_spec = {"derivation": directives.flag}

    def run(self):
        """Return the equations without numbers."""
        depend_on_results(self.env)
        found = results(self.env)
        record = found.statements.get(self.arguments[0])
        if record is None:
            logger.warning("unknown statement %r", self.arguments[0], location=self.get_location())
            return []
        verified = found.verification["statements"].get(record["id"], {})
        derived = (
            card.derivation(record, verified, self.citation, True)
            if "derivation" in self.options else []
        )  # fmt: skip
        return [card.recalled(record, found.level(record), *derived)]


class StatementRole(XRefRole):
    """``{st}`id` ``: a link to a statement."""

    innernodeclass = nodes.inline

    def result_nodes(self, document, env, node, is_ref):
        """Say which domain resolves the link."""
        node["refdomain"], node["refwarn"] = "statement", True
        return [node], []


class StatementDomain(Domain):
    """Where each statement and each symbol is."""

    name = "statement"
    label = "Statement"
    object_types = {"statement": ObjType("statement", "st"), "symbol": ObjType("symbol", "sym")}
    roles = {"st": StatementRole(), "sym": StatementRole()}
    dangling_warnings = {
        "st": "no page shows the statement %(target)r",
        "sym": "no page shows the symbol %(target)r",
    }
    initial_data = {"st": {}, "sym": {}}  # id: (title, page, anchor)
    data_version = 1

    def placed_in(self, docname):
        """Return the statements of a page."""
        return {target for target, (_, page, _) in self.data["st"].items() if page == docname}

    def note(self, kind, target, title, docname, anchor):
        """Record a statement or a symbol; warn when it has a place already."""
        if target in self.data[kind]:
            logger.warning("%s is on two pages: %s and %s", target, self.data[kind][target][1],
                           docname, location=docname)  # fmt: skip
        self.data[kind][target] = (title, docname, anchor)

    def clear_doc(self, docname):
        """Forget a page."""
        for kind in ("st", "sym"):
            kept = {t: place for t, place in self.data[kind].items() if place[1] != docname}
            self.data[kind] = kept

    def merge_domaindata(self, docnames, otherdata):
        """Take over what another process read."""
        for kind in ("st", "sym"):
            for target, (title, docname, anchor) in otherdata[kind].items():
                if docname in docnames:
                    self.note(kind, target, title, docname, anchor)

    def numbers(self):
        """Return the section number of each statement, such as 3.4."""
        return {
            target: ".".join(map(str, self.env.toc_secnumbers.get(page, {}).get(f"#{anchor}", ())))
            for target, (_, page, anchor) in self.data["st"].items()
        }

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):
        """Link a statement by number and title, unless the author wrote something else."""
        if target not in self.data[typ]:
            return None
        title, docname, anchor = self.data[typ][target]
        if typ == "st" and not node["refexplicit"]:
            named = f"{self.numbers()[target]} {title}".strip()
            contnode = nodes.inline("", named, classes=["st"])
        return make_refnode(builder, fromdocname, docname, anchor, contnode, title)

    def resolve_any_xref(self, env, fromdocname, builder, target, node, contnode):
        """Find a statement for the role ``any``."""
        found = self.resolve_xref(env, fromdocname, builder, "st", target, node, contnode)
        return [("statement:st", found)] if found else []

    def get_objects(self):
        """List the statements and the symbols for objects.inv and for the search."""
        for kind, name in (("st", "statement"), ("sym", "symbol")):
            for target, (title, docname, anchor) in sorted(self.data[kind].items()):
                yield target, title, name, docname, anchor, 1


def check_results(app):
    """Warn when results are missing, old, or bad."""
    for complaint in records.complaints(*files(app.config)[:3]):
        logger.warning("%s", complaint, type="statements", subtype="results")
    found = records.read(*files(app.config))
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
    numbers = domain.numbers()
    before, domain.data["numbers"] = domain.data.get("numbers"), numbers
    return [] if before in (None, numbers) else sorted(env.found_docs)


def setup(app):
    """Register directive, roles and domain."""
    build = records.ROOT / "build"
    formulas = records.ROOT / "docs/downloads/formulas.json"
    app.add_config_value("statements_formulas", str(formulas), "env", str)
    app.add_config_value("statements_verification", str(build / "verification.json"), "env", str)
    app.add_config_value("statements_evidence", str(build / "evidence.json"), "env", str)
    app.add_config_value("statements_errata", str(build / "errata.json"), "env", str)
    peers = records.ROOT / "benchmarks/results/peers.json"
    app.add_config_value("statements_peers", str(peers), "env", str)
    # The ids that statements had before, each with the one that it has now.
    app.add_config_value("statements_former", {}, "env", dict)
    app.add_domain(StatementDomain)
    app.add_directive("statement", StatementDirective)
    app.add_directive("statements", ConceptDirective)
    app.add_directive("result", ResultDirective)
    app.add_role("st", StatementRole())
    app.connect("builder-inited", check_results)
    # After the numbers of the sections were given out.
    app.connect("env-get-updated", renumbered, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
