"""How a statement looks: the nodes of its card, from its record and from what was found."""

import json
import re
from html import escape

from docutils import nodes
from sphinx import addnodes

from . import downloads, sources
from .elements import html, markup, paragraph, prose, verbatim
from .mathml import to_mathml
from .records import LEVELS, NOT_VERIFIED, ORACLES, ROOT, ROUTES, known_level, loaded

TIMES = " \N{MULTIPLICATION SIGN} "
# Key of the form, name, language; without a language it is shown as it is and not searched.
CODE_TABS = (
    ("latex", "LaTeX", "latex"),
    ("sympy", "SymPy", "python"),
    ("numpy", "NumPy", "python"),
    ("numpy_as_written", "NumPy as written", "python"),
    ("javascript", "JavaScript", "javascript"),
    ("javascript_as_written", "JavaScript as written", "javascript"),
    ("mathml", "MathML", None),
    ("text", "Text", "text"),
    ("json", "JSON", None),
)
# How a hypothesis ends that only says what a letter is.
ANY_NUMBERS = "nothing is assumed of them."
LONG = 4000  # characters: more code is not coloured, each word of which is an element
FOUND = {"proved": "yes", "checked": "yes", "agrees": "yes", "label": "label"}
FOUND |= dict.fromkeys(("not proved", "refuted", "does not hold"), "no")


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


def level_slug(level):
    """Return the part of a name or class that stands for a level."""
    return known_level(level).replace(",", "").replace(" ", "-")


def badge(level):
    """Return the level as a badge that explains itself and links to the page that says more."""
    explained = link("std", "ref", f"level-{level_slug(level)}", nodes.Text(level))
    return html("span", explained, **marked(level))


def plain_badge(level):
    """Return the level as a badge without a link, for a page that shows hundreds."""
    return html("span", level, **marked(level))


def marked(level):
    """Return the attributes of a badge: its color, and what the level means."""
    said = LEVELS.get(known_level(level), NOT_VERIFIED)
    return {"classes": ["badge", f"level-{level_slug(level)}"], "title": said}


def head(record, level, *where):
    """Return the line under the title: id, place and level."""
    return html(
        "div",
        html("code", record["id"], classes=["statement-id"]),
        *where,
        badge(level),
        classes=["statement-head"],
        data_symbols=" ".join(record["symbols"]),
    )


def plain(text):
    """Return a text with formulas as it reads without markup: subscripts stay, commands go."""
    return re.sub(r"\\(?:mathbf|operatorname|mathrm)|[${}\\]", "", text)


def given(record, *, every):
    """Return the hypotheses: all, or those that assume something."""
    texts = [hypothesis["text"] for hypothesis in record["hypotheses"]]
    items = [html("li", *prose(text)) for text in texts if every or not text.endswith(ANY_NUMBERS)]
    if not items:
        return []
    return [
        html("div", html("span", "Given", classes=["label"]), html("ul", *items), classes=["given"])
    ]


def equation(latex, **attributes):
    """Return a displayed formula without a number."""
    return nodes.math_block(latex, latex, nowrap=False, number=None, label=None, **attributes)


def mark(letter, meaning, verdict, points=0):
    """Return the mark of one route on one step; nothing where the route does not apply."""
    found = FOUND.get(verdict)
    if found is None:
        return []
    said = f"{meaning}: {'no, its name is a label' if found == 'label' else verdict}"
    said += f", {counted(points, 'point')}" if points else ""
    said = escape(said)
    inside = f'<span aria-hidden="true">{letter}</span><span class="spoken"> {said}. </span>'
    return [markup(html=f'<span class="mark mark-{found}" title="{said}">{inside}</span>')]


def verdict_marks(found):
    """Return the marks of a step; nothing where nothing was found."""
    if not found:
        return []
    verdicts = found.get("verdicts", {})
    marks = [
        m for key, *rest in ROUTES for m in mark(*rest, verdicts.get(key), points_of(key, found))
    ]
    flag = [html("span", "both sides were equal before the check", classes=["mark", "mark-no"])]
    return [html("span", *marks, *(flag if found.get("flag") else []), classes=["marks"])]


def points_of(key, found):
    """Return at how many points a route has compared: one route does."""
    return found.get("points", 0) if key == "50 digits" else 0


def cited(identifiers):
    """Return links to statements, with commas."""
    links = [reference(identifier) for identifier in identifiers]
    return [node for link in links for node in (nodes.Text(", "), link)][1:]


def source_of_prose(source, cite):
    """Return the source of a prose step: a citation where the bibliography has the key."""
    return [nodes.Text(" Source: "), *(cite(source) or prose(source)), nodes.Text(".")]


def step(record, found, cite):
    """Return one step: the line of mathematics, and beside it why it is right."""
    if record["prose"]:
        text, source = record["prose"]["text"], record["prose"]["source"]
        label = html("span", "Prose, not checked by machine.", classes=["label"])
        said = [label, nodes.Text(" "), *prose(text), *source_of_prose(source, cite)]
        return html("li", html("div", *said, classes=["step-prose"]), classes=["step", "prose"])
    why = [html("span", record["rule"], classes=["rule"])] if record["rule"] else []
    if record["reason"]:
        why += [nodes.Text(" "), html("span", *prose(record["reason"]), classes=["reason"])]
    if record["cites"]:
        why += [nodes.Text(" "), html("span", *cited(record["cites"]), classes=["cites"])]
    if not record["made"]:
        mark = html("span", "typed", classes=["typed"], title="an author wrote this line")
        why += [nodes.Text(" "), mark]
    why += verdict_marks(found)
    parts = [
        html("div", equation(f"{record['relation']} {record['latex']}"), classes=["step-math"]),
        html("div", *why, classes=["step-why"]),
    ]
    return html("li", *parts, classes=["step"])


def chain(record, found, cite):
    """Return a chain of steps from its left-hand side."""
    verdicts = found.get("steps", [])
    steps = [
        step(s, verdicts[number] if number < len(verdicts) else {}, cite)
        for number, s in enumerate(record["steps"])
    ]
    title = [html("p", *prose(record["title"]), classes=["chain-title"])] if record["title"] else []
    start = html("div", equation(record["lhs"]), classes=["step-math", "chain-start"])
    return html("div", *title, start, html("ol", *steps, classes=["steps"]), classes=["chain"])


def legend():
    """Return what the letters of the marks mean."""
    entries = [html("span", html("b", letter), f" {meaning}") for _, letter, meaning in ROUTES]
    return html("p", *(n for e in entries for n in (e, nodes.Text(" "))), classes=["marks-legend"])


def folded(title, note, *children, classes=(), opened=False):
    """Return a part that the reader can fold."""
    summary = html(
        "summary", html("span", title), html("span", note, classes=["note"]), classes=["fold"]
    )
    attributes = {"open": "open"} if opened else {}
    return html("details", summary, *children, classes=classes, **attributes)


def counted(number, noun):
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def chains(record, found, cite, *, marked):
    """Return all chains of a statement, with or without the marks of the routes."""
    verdicts = found.get("chains", []) if marked else []
    return [
        chain(c, verdicts[number] if number < len(verdicts) else {}, cite)
        for number, c in enumerate(record["chains"])
    ]


def derivation(record, found, cite, *, opened):
    """Return the hypotheses and the chains, folded.

    A folded derivation stands in a template, which the browser does not lay out: statements.js
    takes it out when it is unfolded. Where no script runs, the entry has it.
    """
    if not record["chains"]:
        return []
    inside = [*given(record, every=False), *chains(record, found, cite, marked=False)]
    inside = inside if opened else [html("template", *inside)]
    steps = counted(sum(len(c["steps"]) for c in record["chains"]), "step")
    return [folded("Derivation", steps, *inside, classes=["derivation"], opened=opened)]


def versions(result):
    """Return when and with which versions a result was found."""
    named = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    return f"{result.get('date', 'at an unknown date')} with {named}"


def routes(found):
    """Return the verdict of each route on the whole statement."""
    items = []
    for key, letter, meaning in ROUTES:
        verdict = found["routes"].get(key, "not applicable")
        if FOUND.get(verdict):
            points = points_of(key, found)
            at = f", {counted(points, 'point')} in all" if points else ""
            items.append(html("li", *mark(letter, meaning, verdict, points), f" {meaning}{at}"))
    return items


def peer(name, found):
    """Return how far a library is from the implementation."""
    ulp = f"{found['largest_difference_ulp']:,.3g} ulp"
    return html("li", f"{name}: at most {ulp} apart in {counted(found['cases'], 'case')}")


def vectors_of(identifier):
    """Return how many test vectors with an answer there are."""
    file = ROOT / f"tests/vectors/{identifier}.json"
    tests = loaded(file)["tests"] if file.exists() else []
    return sum(test["result"] == "valid" for test in tests)


def evidence(record, results):
    """Return what was found about a statement: by verification, and by measurement."""
    found = results.verification["statements"].get(record["id"])
    measured = results.evidence["statements"].get(record["id"])
    rows = []
    if found and (items := routes(found)):
        seconds = f"{found['seconds']:.2g} s"
        rows += [html("dt", "Proof"), html("dd", html("ul", *items, classes=["routes"]))]
        rows += [html("dt", "Verified"), html("dd", f"{versions(results.verification)}, {seconds}")]
    if measured:
        error = f"{measured['largest_error_ulp']:.3g} ulp"
        against = ", ".join(ORACLES.get(oracle, oracle) for oracle in measured["oracles"])
        cases = counted(measured["cases"], "case")
        rows += [
            html("dt", "Implementation"),
            html("dd", f"largest error {error} in {cases}; worst case: {measured['worst']}"),
            html("dt", "Against"),
            html("dd", against),
            html("dt", "Measured"),
            html("dd", versions(results.evidence)),
        ]
    if peers := results.peers["agreement"].get(record["id"]):
        rows += [
            html("dt", "Peers"),
            html("dd", html("ul", *map(peer, *zip(*peers.items(), strict=True)))),
            html("dt", "Compared"),
            html("dd", versions(results.peers)),
        ]
    if count := vectors_of(record["id"]):
        rows += [html("dt", "Vectors"), html("dd", f"{counted(count, 'case')} at 50 digits")]
    return part("Evidence", html("dl", *rows, classes=["facts"])) if rows else []


def component(name, *children, **attributes):
    """Return a container that sphinx-design turns into a part of a set of tabs."""
    classes = [f"sd-{name}"]
    return nodes.container(
        "", *children, design_component=name, is_div=True, classes=classes, **attributes
    )


def forms_of(record):
    """Return the forms in which a statement can be copied; None where it has no such form."""
    shown = {key: value for key, value in record.items() if key != "code"}
    return {
        **record["code"],
        "mathml": "\n".join(to_mathml(latex, display=True) for latex in record["results"]),
        "text": record["text"],
        "json": json.dumps(shown, indent=1, ensure_ascii=False),
    }


def code(record):
    """Return the tabs to copy the statement from."""
    forms = forms_of(record)
    items = []
    for key, label, language in CODE_TABS:
        if not forms.get(key):
            continue
        title = nodes.rubric(
            label, label, classes=["sd-tab-label"], sync_id=key, sync_group="statement-code"
        )
        block = (
            nodes.literal_block(forms[key], forms[key], language=language)
            if language and len(forms[key]) < LONG
            else verbatim(forms[key])
        )
        items.append(component("tab-item", title, component("tab-content", block)))
    if not items:
        return []
    return part("Code", component("tab-set", *items), classes=["code-forms"])


def symbols(record, results):
    """Return the symbols of the statement with their meanings, each a link to all that use it."""
    items = []
    for name in record["symbols"]:
        if symbol := results.symbols.get(name):
            letter = nodes.math(symbol["latex"], symbol["latex"])
            shape = f" ({symbol['shape'].replace(' x ', TIMES)})" if symbol["shape"] else ""
            term = html("dt", link("statement", "sym", name, letter))
            items.append(html("div", term, html("dd", *prose(symbol["meaning"]), shape)))
    return [html("dl", *items, classes=["where"])] if items else []


def vectors(identifier):
    """Return a link to download the test vectors of a statement, if there are any."""
    file = f"tests/vectors/{identifier}.json"
    if not (ROOT / file).exists():
        return []
    return [
        addnodes.download_reference(
            "", "", nodes.inline("", "vectors"), reftarget=f"/../{file}", refdomain="",
            reftype="download", refexplicit=True, refwarn=True,
        )
    ]  # fmt: skip


def source_links(record, docname):
    """Return the links to derivation, implementation, test and vectors."""
    identifier, file = record["id"], record["source"]["file"]
    places = [
        *((file, line, "derivation") for file, line in sources.derivations(file, record["name"])),
        *((file, line, "implementation") for file, line in sources.implementations(identifier)[:1]),
        *((file, line, "test") for file, line in sources.tests(identifier)[:1]),
    ]
    links = [
        nodes.reference("", name, internal=True, refuri=sources.link(docname, file, line))
        for file, line, name in places
        if (ROOT / file).exists()
    ]
    links += vectors(identifier)
    return [node for link in links for node in (nodes.Text(", "), link)][1:]


def errata(record, results):
    """Return links to what the note prints in place of the statement."""
    links = [
        link("std", "ref", f"erratum-{row['name']}", nodes.Text(row["name"].upper()))
        for row in results.errata_of(record["id"])
    ]
    return [node for link in links for node in (nodes.Text(", "), link)][1:]


def relations(record, results, docname):
    """Return the links of a statement: to others and to its sources."""
    rows = []
    for name, children in (
        ("Uses", cited(record["uses"])),
        ("Used by", cited(record["used_by"])),
        ("Source", source_links(record, docname)),
        ("Errata", errata(record, results)),
    ):
        if children:
            rows += [html("dt", name), html("dd", *children)]
    return part("Uses and used by", html("dl", *rows, classes=["facts"])) if rows else []


def how_to_cite(record):
    """Return how to cite the statement."""
    return part("Cite", verbatim(downloads.bibtex(record)), classes=["cite"])


def part(title, *children, classes=()):
    """Return a section of an entry."""
    heading = nodes.title("", "", nodes.Text(title))
    return [nodes.section("", heading, *children, ids=[nodes.make_id(title)],
                          classes=list(classes))]  # fmt: skip


def recalled(record, formulas, level, *below):
    """Return formulas of a statement for another page, with a link to its entry."""
    line = html("div", reference(record["id"]), badge(level), classes=["statement-head"])
    return html("div", *map(equation, formulas), line, *below, classes=["recalled"])


def box(record, results, equations, *, cite, opened):
    """Return the statement as a page of the story shows it, below its title."""
    found = results.verification["statements"].get(record["id"], {})
    more = link("statement", "entry", record["id"], nodes.Text("Hypotheses, code, evidence"))
    return [
        head(record, results.level(record)),
        *equations,
        paragraph(record["summary"], "in-words"),
        *derivation(record, found, cite, opened=opened),
        html("p", more, classes=["to-entry"]),
    ]


def entry(record, results, *, cite, docname):
    """Return all that is known of a statement, below its title."""
    found = results.verification["statements"].get(record["id"], {})
    proof = chains(record, found, cite, marked=True)
    return [
        head(record, results.level(record), link("statement", "box", record["id"])),
        html("div", *map(equation, record["results"]), classes=["theorem"]),
        paragraph(record["summary"], "in-words"),
        *given(record, every=True),
        *symbols(record, results),
        *(part("Derivation", *proof, legend()) if proof else []),
        *code(record),
        *evidence(record, results),
        *relations(record, results, docname),
        *how_to_cite(record),
    ]
