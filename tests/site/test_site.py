"""The extensions of the site, on small sites: what they show, and what they complain about."""

import html
import json
import re
from html.parser import HTMLParser

import pytest
from _extensions import elements, mathml, records, sources
from small import DOCS, LEVELS, PAGES, STATEMENTS, STEP, outcome, record

FORMULAS = json.loads((DOCS / "downloads" / "formulas.json").read_text())


ORPHAN = "---\norphan: true\n---\n# More\n\n"


def text_of(markup):
    """Return what a reader sees of some HTML, roughly."""
    return " ".join(re.sub(r"<annotation.*?</annotation>|<[^>]*>", " ", markup).split())


def test_small_site_is_built_without_complaint(build):
    site = build()
    assert site.warnings == []
    assert '<section class="statement" id="a.two">' in site.page("first")
    entry = site.page("statements/a.two")
    assert '<section class="entry" id="a.two">' in entry
    for shown in (
        "Title of a.two",
        "unfold",
        "largest error 1.5 ulp in 3 cases",
        "x**2",
        "a number",
        "1.2 in First",
        "misc{logisticbp:a.two",
    ):
        assert shown in text_of(entry)


def test_a_box_is_short_and_its_entry_has_the_rest(build):
    site = build({**PAGES, "first": PAGES["first"].replace(":open:\n", "")})
    box, entry = site.page("first"), site.page("statements/a.two")
    assert "In words, with" in text_of(box) and 'href="statements/a.two.html"' in box
    assert '<template><div class="given">' in box, "folded, and not laid out"
    for only in ("sd-tab-set", "ulp", 'class="mark ', "misc{"):
        assert only in entry and only not in box
    assert "<template>" not in entry and '<li class="step">' in entry


def test_a_hypothesis_that_assumes_nothing_is_only_in_the_entry(build):
    given = [{"text": "$x$ is given; nothing is assumed of them."}, {"text": "$x > 7$"}]
    changed = [STATEMENTS[0], {**STATEMENTS[1], "hypotheses": given}, STATEMENTS[2]]
    site = build(statements=changed)
    box, entry = text_of(site.page("first")), text_of(site.page("statements/a.two"))
    assert "nothing is assumed" in entry and "nothing is assumed" not in box
    assert "Given" in box, "the other one"


def test_a_link_shows_what_it_leads_to(build):
    entry = build().page("statements/a.two")
    assert '<meta property="og:title" content="Title of a.two">' in entry
    assert (
        '<meta property="og:description" content="y = x**2. In words, with x and `code`.">' in entry
    )


def test_statements_of_one_title_are_told_apart(build):
    named = [{**statement, "title": "Same & more"} for statement in STATEMENTS[1:]]
    site = build(statements=[STATEMENTS[0], *named])
    assert "<title>Title of a.one - " in site.page("statements/a.one")
    for page, concept in (("statements/a.two", "a"), ("statements/b.three", "b")):
        entry = site.page(page)
        assert f"<title>Same &amp; more ({concept}) - " in entry
        assert rf"\&amp; more ({concept})" in entry, "in BibTeX"
        assert "<h1>Same &amp; more<a" in entry


def test_numbers_of_lines_are_set_alike(build):
    chain = {"title": None, "lhs": "y", "steps": [STEP] * 1000}
    statements = [*STATEMENTS[:2], record("b.three", level="lemma", chains=[chain])]
    page = text_of(build(statements=statements).page("second"))
    assert "1,001 steps, 1,001 of them made by moves" in page


def test_numbers_are_those_of_sphinx(build):
    start = text_of(build().page("index"))
    assert "1.2 Title of a.two" in start
    assert "(1.2)" in start


def test_jobs_make_no_difference(build):
    one, two = build(name="one", jobs=1, project="p"), build(name="two", jobs=2, project="p")
    for page in PAGES:
        assert one.page(page) == two.page(page)


def test_another_project_links_a_statement(build):
    site = build()
    links = "# Other\n\n{ref}`a.two`, {external+bp:std:ref}`a.two`\n"
    mapping = {"bp": ("https://logisticbp.example/", str(site.folder / "objects.inv"))}
    other = build({"index": links}, [], name="other", intersphinx_mapping=mapping)
    assert other.warnings == []
    assert (
        other.page("index").count('href="https://logisticbp.example/statements/a.two.html#a.two"')
        == 2
    )
    assert "Title of a.two" in other.page("index")


def test_another_project_can_link_the_real_site(build):
    inventory = DOCS / "_build" / "html" / "objects.inv"
    if not inventory.exists():
        pytest.skip("the site is not built")
    links = "\n\n".join(f"{{ref}}`{r['id']}`" for r in FORMULAS["statements"])
    mapping = {"bp": ("https://logisticbp.example/", str(inventory))}
    other = build({"index": f"# Other\n\n{links}\n"}, [], intersphinx_mapping=mapping)
    assert other.warnings == []
    linked = re.findall(
        r"https://logisticbp\.example/statements/[\w.]+\.html#([\w.]+)", other.page("index")
    )
    assert linked == [r["id"] for r in FORMULAS["statements"]]


MISTAKES = {
    "```{statement} a.none\n```": "unknown statement 'a.none'",
    "```{statement} a.one\n```": "a.one is on two pages",
    "```{result} b.none\n```": "unknown statement 'b.none'",
    "{st}`c.none`": "there is no statement 'c.none'",
    "$\\nope$": "Unknown command",
}


def test_mistakes_in_pages_are_reported(build):
    text = "---\norphan: true\n---\n# More\n\n"
    pages = {f"more{number}": text + mistake for number, mistake in enumerate(MISTAKES)}
    site = build({**PAGES, **pages})
    for complaint in MISTAKES.values():
        assert sum(complaint in line for line in site.warnings) == 1


def test_a_statement_on_no_page_has_its_entry(build):
    pages = {**PAGES, "first": "# First\n\n```{statement} a.two\n```\n"}
    site = build(pages)
    assert site.warnings == []
    assert 'href="statements/a.one.html"' in site.page("second")
    assert "In words" in text_of(site.page("statements/a.one"))


def test_a_statement_that_is_gone_has_no_entry(build):
    build()
    site = build(statements=STATEMENTS[:2], pages={**PAGES, "second": "# Second\n\n" + LEVELS})
    assert not (site.folder.parent / "statements/b.three.md").exists()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"failures": ["step 1: residual x"]}, "a.two failed verification: step 1: residual x"),
        ({"flagged": True}, "a.two failed verification: a check was vacuous"),
    ],
)
def test_failed_verification_is_reported_and_shown(build, changes, complaint):
    found = {s["id"]: outcome(s) for s in STATEMENTS}
    found["a.two"].update(changes)
    site = build(found=found)
    assert any(complaint in line for line in site.warnings)
    assert "not verified" in text_of(site.page("first"))


def test_unverified_statement_is_reported(build):
    found = {s["id"]: outcome(s) for s in STATEMENTS[:2]}
    assert any("b.three has not been verified" in line for line in build(found=found).warnings)


def test_missing_and_stale_results_are_reported(build, tmp_path):
    nowhere = str(tmp_path / "nowhere.json")
    site = build(statements_evidence=nowhere)
    assert any("nowhere.json is missing: run `make test`" in line for line in site.warnings)
    other = tmp_path / "other.json"
    other.write_text('{"measured": "something else", "statements": {}}')
    site = build(statements_evidence=str(other))
    assert any("other.json is not about these sources" in line for line in site.warnings)


def test_the_stored_evidence_is_about_the_sources_that_are_here():
    found = records.stale(records.ROOT / "benchmarks/results/evidence.json",
                          DOCS / "downloads/formulas.json")  # fmt: skip
    assert found == []


def test_a_result_brings_its_derivation_where_it_is_asked_for(build):
    shown = ORPHAN + "```{result} a.two\n```\n"
    derived = ORPHAN + "```{result} a.two\n:derivation:\n```\n"
    site = build({**PAGES, "short": shown, "long": derived})
    assert site.warnings == []
    assert "1 step" not in text_of(site.page("short"))
    assert "1 step" in text_of(site.page("long")) and '<li class="step">' in site.page("long")


def test_table_of_uses_has_both_ends_of_a_citation(build):
    page = build().page("second")
    assert "1 statement stands alone" in text_of(page)
    rows = re.search(r'<table class="uses">(.*?)</table>', page, re.DOTALL)[1].split("<tr>")[2:]
    cited, citing = ([text_of(part) for part in row.split("<td>")[1:]] for row in rows)
    assert "Title of a.one" in cited[0] and "Title of a.two" in cited[2] and not cited[1].strip()
    assert "Title of a.two" in citing[0] and "Title of a.one" in citing[1]


def test_page_is_read_again_when_a_result_changes(build):
    assert "Another title" not in build().page("first")
    changed = [record("a.one", level="definition", used_by=["a.two"], title="Another title"),
               *STATEMENTS[1:]]  # fmt: skip
    site = build(statements=changed)
    assert "1.1. Another title" in text_of(site.page("first"))
    assert "1.1 Another title" in text_of(site.page("second"))


def test_the_exercise_counts_the_lines_that_an_author_typed():
    (record,) = (r for r in FORMULAS["statements"] if r["id"] == "logistic.nll_gradient")
    made = [step["made"] for step in record["chains"][0]["steps"]]
    assert made == [True] * 5 + [False] * 2
    assert "\nTwo, the last ones:" in (DOCS / "why-the-gradient.md").read_text()


def test_prose_step_is_marked_with_its_source(build):
    prose = {"text": "Every square is $\\ge 0$.", "source": "key"}
    chains = [{"title": None, "lhs": "y", "steps": [{**STEP, "prose": prose}]}]
    statements = [*STATEMENTS[:2], record("b.three", level="lemma", chains=chains)]
    pages = {**PAGES, "second": PAGES["second"] + "\n```{bibliography}\n```\n"}
    site = build(pages, statements)
    assert site.warnings == []
    for page in ("second", "statements/b.three"):
        assert "Prose, not checked by machine." in text_of(site.page(page))
    assert re.search(r"Source: .*Author", text_of(site.page("statements/b.three")))


def test_the_points_of_the_numerical_route_are_counted(build):
    page = build().page("statements/a.two")
    assert "agrees, 24 points" not in page and "proved, 24 points" in page
    assert "1,234 points in all" in page


def definitions(site):
    """Return what a site tells its pages about all statements and symbols."""
    script = (site.folder / "_static/js/definitions.js").read_text()
    return json.loads(script.removeprefix("window.definitions = ").removesuffix(";\n"))


def test_definitions_say_where_statements_are_and_how_to_find_them(build):
    found = definitions(build())
    one, two, three = found["statements"]
    assert [s["id"] for s in found["statements"]] == ["a.one", "a.two", "b.three"]
    assert two["title"] == "1.2 Title of a.two"
    assert (two["href"], three["href"]) == ("statements/a.two.html", "statements/b.three.html")
    assert two["anchors"] == ["a.two", "equation-a-two", "equation-a-two-2"]
    assert "title of a.one" in one["words"] and "y = x^2" in one["formulas"]
    assert r"\mathbf{X}^\top \mathbf{y}" in two["formulas"]
    assert found["symbols"][0]["letters"] == ["x"]


def test_forms_to_copy_are_whole_and_not_searched(build):
    site = build()
    entry = site.page("statements/a.two")
    copied = html.unescape(" ".join(re.findall("<pre.*?</pre>", entry, re.DOTALL)))
    assert "@misc{logisticbp:a.two," in copied
    assert '"id": "a.two"' in copied
    assert '<math display="block">' in copied
    assert "logisticbp:a" not in (site.folder / "searchindex.js").read_text()


HOSTILE = (
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "[link](javascript:alert(1))",
    "</title></section><iframe src=x>",
    "{{ 7 * 7 }} {% raw %}",
    "`code` <svg/onload=alert(1)> *emphasis*",
)  # fmt: skip


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, markup):
        super().__init__()
        self.found = []
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def hostile(number, text):
    """Return a statement that has a hostile text in every place."""
    step = {**STEP, "rule": text, "reason": text, "prose": {"text": text, "source": text}}
    return record(
        f"b.hostile{number}",
        level="definition",
        title=text,
        summary=text,
        hypotheses=[{"text": text}],
        text=text,
        code=dict.fromkeys(("latex", "sympy", "numpy", "javascript"), text),
        chains=[{"title": text, "lhs": r"\text{<script>alert(1)</script>}", "steps": [step]}],
        results=[r"\text{<img src=x onerror=alert(1)>}"],
    )


def test_the_source_of_a_function_is_linked_from_the_page_of_its_module():
    found = sources.linkcode_resolve("py", {"module": "reference_impl.logistic", "fullname": "nll"})
    assert found.startswith(
        sources.link("api/reference_impl.logistic", "reference_impl/logistic.py", "")
    )


def test_hostile_texts_are_inert(build):
    cards = [hostile(*pair) for pair in enumerate(HOSTILE)]
    tame = [hostile(number, "tame") for number, _ in enumerate(HOSTILE)]
    for statement in tame:
        statement["results"] = [statement["chains"][0].pop("lhs")]
        statement["chains"][0]["lhs"] = "x"
    boxes = "".join(f"```{{statement}} {card['id']}\n```\n\n" for card in cards)
    pages = {**PAGES, "second": PAGES["second"].replace("```{statement} b.three\n```\n", boxes)}
    site = build(pages, [*STATEMENTS[:2], *cards])
    harmless = build(pages, [*STATEMENTS[:2], *tame], name="harmless")
    active = {"script", "iframe", "img", "meta", "form", "object", "embed", "base", "link"}
    entries = [f"statements/{statement['id']}" for statement in cards]
    for page in (*PAGES, *entries, "search"):
        found, expected = Elements(site.page(page)).found, Elements(harmless.page(page)).found
        assert not [e for e in found if any(name.startswith("on") for name in e[1])]
        assert not [e for e in found if (e[1].get("href") or "").startswith("javascript:")]
        assert [tag for tag, _ in found if tag in active] == [t for t, _ in expected if t in active]
    for statement in definitions(site)["statements"]:
        inserted = Elements(statement["html"]).found
        assert not [tag for tag, _ in inserted if tag in {*active, "svg"}]
        assert not [e for e in inserted if any(name.startswith("on") for name in e[1])]
    shown = text_of(html.unescape(site.page("second")))
    assert "{{ 7 * 7 }}" in shown
    assert "[link](javascript:alert(1))" in shown


def latex_of(statement):
    """Yield every formula of a statement, and whether it is displayed."""
    for latex in statement["results"]:
        yield latex, True
    texts = [statement["summary"], *(h["text"] for h in statement["hypotheses"])]
    for chain in statement["chains"]:
        yield chain["lhs"], True
        for step in chain["steps"]:
            if step["prose"]:
                texts.append(step["prose"]["text"])
                continue
            yield f"{step['relation']} {step['latex']}", True
            texts.append(step["reason"])
    for text in texts:
        for node in elements.prose(text):
            if node.tagname == "math":
                yield node.astext(), False


def test_every_formula_is_rendered():
    formulas = [f for s in FORMULAS["statements"] for f in latex_of(s)]
    formulas += [(s["latex"], False) for s in FORMULAS["symbols"]]
    assert formulas
    for latex, display in formulas:
        markup = mathml.to_mathml(latex, display=display)
        assert "<merror" not in markup
        assert " style=" not in markup


def test_aligned_formula_needs_no_style():
    markup = mathml.to_mathml(r"a &= b \\ &= c", display=True)
    assert 'class="m-right m-pr0"' in markup
    assert " style=" not in markup


def test_no_line_ends_between_a_formula_and_what_touches_it():
    x, y = (mathml.to_mathml(letter, display=False) for letter in ("x", r"\frac{1}{2}"))
    for kept in (f"{x}.", f"({x}", f"({x}, ", f"non-{x}", f"{x}/{y}:"):
        text = kept.strip()
        assert mathml.unbroken(f"<p>so {kept} </p>") == (
            f'<p>so <span class="unbroken">{text}</span>{kept[len(text) :]} </p>'
        )
    block = mathml.to_mathml("x", display=True)
    for alone in (f"<p>so {x} is {y} ...</p>", f"<b>{x}</b>", f"a {block}."):
        assert mathml.unbroken(alone) == alone


def test_an_index_does_not_hang_lower_below_a_letter_that_hangs():
    for formula in ("p_i", r"\mathbf{y}_i", "p_i^2", r"\psi_k"):
        assert '<mpadded depth="0"><mi>' in mathml.to_mathml(formula, display=False)
    assert "mpadded" not in mathml.to_mathml(r"x_{ik} (1 - p) \mathbf{X}_i", display=False)


def test_a_long_formula_may_end_a_line_before_a_relation():
    long = r"\frac{a = b}{c} + \left( d = e \right) + f(g = h) = \sum_{i=1}^{N} x_{ik} (p_{i} - y_{i}) \le z"
    assert mathml.parts(long) == [
        r"\frac{a = b}{c} + \left( d = e \right) + f(g = h)",
        r"= \sum_{i=1}^{N} x_{ik} (p_{i} - y_{i})",
        r"\le z",
    ]
    assert mathml.parts("a = b") == ["a = b"], "short"
    assert mathml.parts(f"= {'x ' * 30}") == [f"= {'x ' * 30}".strip()], (
        "nothing before the relation"
    )
    for formula in ALIGNED:
        assert mathml.parts(formula) == [formula]


ALIGNED = (rf"{'x ' * 30} &= b", rf"\begin{{cases}} {'x ' * 30} = b \end{{cases}} = c")


def test_every_formula_is_the_sum_of_its_parts():
    for statement in FORMULAS["statements"]:
        for latex, _ in latex_of(statement):
            assert "".join(" ".join(mathml.parts(latex)).split()) == "".join(latex.split())


def test_bad_macro_is_an_error():
    with pytest.raises(ValueError, match="nope"):
        mathml.to_mathml(r"\nope", display=False)


def test_source_is_shown_line_by_line_with_its_colours():
    shown = sources.highlighted('a = r"""# no\n# comment"""  # <one>\ndef f(): return "# none"\n')
    bare = re.sub(r'<a id="L-\d" name="L-\d"></a><a href="#L-\d">.*?</a>', "", shown)
    assert bare.splitlines() == [
        'a = <span class="s2">r"""# no</span>',
        '<span class="s2"># comment"""</span>  <span class="c1"># &lt;one&gt;</span>',
        '<span class="k">def</span> <span class="nf">f</span>(): '
        '<span class="k">return</span> <span class="s2">"# none"</span>',
    ]
    assert shown.count('<span class="linenos">') == 3 and 'id="L-3"' in shown


def test_every_source_page_has_the_text_of_its_file():
    def seen(text):
        shown = re.sub(r'<span class="linenos">[^<]*</span>', "", sources.highlighted(text))
        return html.unescape(re.sub("<[^>]*>", "", shown))

    texts = {file: (records.ROOT / file).read_text() for file in sources.files()}
    assert len(texts) > 100
    assert [file for file, text in texts.items() if seen(text).strip() != text.strip()] == []
