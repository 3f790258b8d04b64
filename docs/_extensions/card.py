"""How a statement looks: the nodes of its card, from its record and from what was found."""

import json
import re
from html import escape

from docutils import nodes
from sphinx_design.shared import create_component

from . import downloads, sources
from .elements import download, html, link, markup, paragraph, prose, reference, verbatim
from .mathml import to_mathml
from .records import LEVELS, NOT_VERIFIED, ORACLES, ROUTES, loaded
from .tables import counted

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


def badge(level, *, linked=True):
    """Return the level as a badge that explains itself, linked to the page that says more.

    It is not linked on a page that shows hundreds.
    """
    known = level if level in LEVELS else "not verified"
    slug, said = f"level-{nodes.make_id(known)}", LEVELS.get(level, NOT_VERIFIED)
    inside = link("std", "ref", slug, nodes.Text(level)) if linked else level
    return html("span", inside, classes=["badge", slug], title=said)


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
    label = html("span", "Given", classes=["label"])
    return [html("div", label, html("ul", *items), classes=["given"])] if items else []


def equation(latex):
    """Return a displayed formula without a number."""
    return nodes.math_block(latex, latex, nowrap=False, number=None, label=None)


def mark(route, verdicts, found):
    """Return the mark of one route on what was found; nothing where the route does not apply."""
    key, letter, meaning = route
    verdict = verdicts.get(key)
    if verdict not in FOUND:
        return []
    slug = FOUND[verdict]
    said = f"{meaning}: {'no, its name is a label' if slug == 'label' else verdict}"
    said = escape(said + compared(key, found))
    inside = f'<span aria-hidden="true">{letter}</span><span class="spoken"> {said}. </span>'
    return [markup(html=f'<span class="mark mark-{slug}" title="{said}">{inside}</span>')]


def compared(key, found):
    """Return at how many points a route has compared, as text: one route does."""
    points = found.get("points") if key == "50 digits" else None
    return f", {counted(points, 'point')}" if points else ""


def verdict_marks(found):
    """Return the marks of a step; nothing where nothing was found."""
    if not found:
        return []
    marks = [m for route in ROUTES for m in mark(route, found.get("verdicts", {}), found)]
    if found.get("flag"):
        said = "both sides were equal before the check"
        marks.append(html("span", said, classes=["mark", "mark-no"]))
    return [html("span", *marks, classes=["marks"])]


def listed(links):
    """Return links with commas between them."""
    return [node for link in links for node in (nodes.Text(", "), link)][1:]


def step(record, found, cite):
    """Return one step: the line of mathematics, and beside it why it is right."""
    if record["prose"]:
        text, source = record["prose"]["text"], record["prose"]["source"]
        label = html("span", "Prose, not checked by machine.", classes=["label"])
        said = [label, " ", *prose(text), " Source: ", *(cite(source) or prose(source)), "."]
        return html("li", html("div", *said, classes=["step-prose"]), classes=["step", "prose"])
    why = [html("span", record["rule"], classes=["rule"])] if record["rule"] else []
    if record["reason"]:
        why += [" ", html("span", *prose(record["reason"]), classes=["reason"])]
    if record["cites"]:
        why += [" ", html("span", *listed(map(reference, record["cites"])), classes=["cites"])]
    if not record["made"]:
        why += [" ", html("span", "typed", classes=["typed"], title="an author wrote this line")]
    why += verdict_marks(found)
    line = html("div", equation(f"{record['relation']} {record['latex']}"), classes=["step-math"])
    return html("li", line, html("div", *why, classes=["step-why"]), classes=["step"])


def chain(record, found, cite):
    """Return a chain of steps from its left-hand side."""
    steps = [step(s, about, cite) for s, about in beside(record["steps"], found.get("steps", []))]
    title = [html("p", *prose(record["title"]), classes=["chain-title"])] if record["title"] else []
    start = html("div", equation(record["lhs"]), classes=["step-math", "chain-start"])
    return html("div", *title, start, html("ol", *steps, classes=["steps"]), classes=["chain"])


def beside(records, found):
    """Return chains or steps, each with what was found about it: nothing, where it is newer."""
    return zip(records, [*found, *[{}] * len(records)], strict=False)


def chains(record, found, cite):
    """Return all chains of a statement, with the marks of the routes where something was found."""
    return [chain(c, about, cite) for c, about in beside(record["chains"], found.get("chains", []))]


def legend():
    """Return what the letters of the marks mean."""
    entries = [html("span", html("b", letter), f" {meaning}") for _, letter, meaning in ROUTES]
    return html("p", *(n for entry in entries for n in (entry, " ")), classes=["marks-legend"])


def derivation(record, cite, *, opened):
    """Return the hypotheses and the chains, folded.

    A folded derivation stands in a template, which the browser does not lay out: statements.js
    takes it out when it is unfolded. Where no script runs, the entry has it.
    """
    if not record["chains"]:
        return []
    inside = [*given(record, every=False), *chains(record, {}, cite)]
    steps = counted(sum(len(c["steps"]) for c in record["chains"]), "step")
    note = html("span", steps, classes=["note"])
    summary = html("summary", html("span", "Derivation"), note, classes=["fold"])
    return [
        html("details", summary, *inside, classes=["derivation"], open="open") if opened
        else html("details", summary, html("template", *inside), classes=["derivation"])
    ]  # fmt: skip


def versions(result):
    """Return when and with which versions a result was found."""
    named = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    return f"{result.get('date', 'at an unknown date')} with {named}"


def routes(found):
    """Return the verdict of each route on the whole statement."""
    items = []
    for route in ROUTES:
        if made := mark(route, found["routes"], found):
            key, _, meaning = route
            at = compared(key, found)
            items.append(html("li", *made, f" {meaning}{at and f'{at} in all'}"))
    return items


def evidence(record, results):
    """Return what was found about a statement: by verification, and by measurement."""
    identifier, rows = record["id"], []
    found = results.verification["statements"].get(identifier)
    if found and (items := routes(found)):
        seconds = f"{found['seconds']:.2g} s"
        rows += [("Proof", html("ul", *items, classes=["routes"])),
                 ("Verified", f"{versions(results.verification)}, {seconds}")]  # fmt: skip
    if measured := results.evidence["statements"].get(identifier):
        error = f"{measured['largest_error_ulp']:.3g} ulp"
        found_in = f"largest error {error} in {counted(measured['cases'], 'case')}"
        rows += [
            ("Implementation", f"{found_in}; worst case: {measured['worst']}"),
            ("Against", ", ".join(ORACLES.get(oracle, oracle) for oracle in measured["oracles"])),
            ("Measured", versions(results.evidence)),
        ]
    if peers := results.peers["agreement"].get(identifier):
        far = (
            f"{name}: at most {found['largest_difference_ulp']:,.3g} ulp apart in "
            f"{counted(found['cases'], 'case')}"
            for name, found in peers.items()
        )
        rows += [("Peers", html("ul", *(html("li", said) for said in far))),
                 ("Compared", versions(results.peers))]  # fmt: skip
    tests = loaded(downloads.VECTORS / f"{identifier}.json", {"tests": []})["tests"]
    if count := sum(test["result"] == "valid" for test in tests):
        rows += [("Vectors", f"{counted(count, 'case')} at 50 digits")]
    return facts("Evidence", ((name, [said]) for name, said in rows))


def facts(title, rows):
    """Return a section of terms with what there is to say of them; without that they are left out."""
    said = [node for name, content in rows if content
            for node in (html("dt", name), html("dd", *content))]  # fmt: skip
    return part(title, html("dl", *said, classes=["facts"])) if said else []


def code(record):
    """Return the tabs to copy the statement from, one for each form that it has."""
    shown = {key: value for key, value in record.items() if key != "code"}
    forms = {
        **record["code"],
        "mathml": "\n".join(to_mathml(latex, display=True) for latex in record["results"]),
        "text": record["text"],
        "json": json.dumps(shown, indent=1, ensure_ascii=False),
    }
    items = []
    for key, label, language in CODE_TABS:
        if form := forms.get(key):
            title = nodes.rubric(
                label, label, classes=["sd-tab-label"], sync_id=key, sync_group="statement-code"
            )
            coloured = language and len(form) < LONG
            block = (
                nodes.literal_block(form, form, language=language) if coloured else verbatim(form)
            )
            content = create_component("tab-content", ["sd-tab-content"], children=[block])
            parts = [title, content]
            items.append(create_component("tab-item", ["sd-tab-item"], children=parts))
    tabs = create_component("tab-set", ["sd-tab-set"], children=items)
    return part("Code", tabs, classes=["code-forms"])


def symbols(record, results):
    """Return the symbols of the statement with their meanings, each a link to all that use it."""
    items = []
    for name in record["symbols"]:
        if symbol := results.symbols.get(name):
            letter = nodes.math(symbol["latex"], symbol["latex"])
            term = html("dt", link("statement", "sym", name, letter))
            items.append(html("div", term, html("dd", *prose(symbol["meaning"]), of_shape(symbol))))
    return [html("dl", *items, classes=["where"])] if items else []


def shape(symbol):
    """Return the shape of a symbol as text."""
    return (symbol["shape"] or "").replace(" x ", " \N{MULTIPLICATION SIGN} ")


def of_shape(symbol):
    """Return the shape of a symbol in brackets, where it has one."""
    return f" ({shape(symbol)})" if symbol["shape"] else ""


def source_links(record, docname):
    """Return the links to derivation, implementation, test and vectors."""
    links = [
        nodes.reference("", name, internal=True, refuri=sources.link(docname, *place))
        for name, place in sources.places(record).items()
    ]
    if (downloads.VECTORS / f"{record['id']}.json").exists():
        links.append(download(f"/../tests/vectors/{record['id']}.json", "vectors"))
    return listed(links)


def erratum(name, *children):
    """Return a link to a row of the errata."""
    return link("std", "ref", f"erratum-{name}", *children)


def relations(record, results, docname):
    """Return the links of a statement: to others and to its sources."""
    names = [row["name"] for row in results.errata_of(record["id"])]
    return facts("Uses and used by", [
        ("Uses", listed(map(reference, record["uses"]))),
        ("Used by", listed(map(reference, record["used_by"]))),
        ("Source", source_links(record, docname)),
        ("Errata", listed(erratum(name, nodes.Text(name.upper())) for name in names)),
    ])  # fmt: skip


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
    more = link("statement", "entry", record["id"], nodes.Text("Hypotheses, code, evidence"))
    return [
        head(record, results.level(record)),
        *equations,
        paragraph(record["summary"], "in-words"),
        *derivation(record, cite, opened=opened),
        html("p", more, classes=["to-entry"]),
    ]


def entry(record, results, *, cite, docname):
    """Return all that is known of a statement, below its title."""
    found = results.verification["statements"].get(record["id"], {})
    proof, title = chains(record, found, cite), results.titles[record["id"]]
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
        *part("Cite", verbatim(downloads.bibtex(record, title)), classes=["cite"]),
    ]
