"""What a reader does: follow a link, search, copy, unfold, choose."""

import json
import re

import pytest
from chromium import SITE

FORMULAS = json.loads((SITE / "formulas.json").read_text())["statements"]
TOP = "(id) => document.getElementById(id).getBoundingClientRect().top"
BOX = "logistic.html", "#logistic.nll_gradient"


@pytest.fixture
def box(desk):
    """The box of a statement in a story."""
    page = desk.open(*BOX)
    return page.locator('[id="logistic.nll_gradient"]')


@pytest.fixture
def entry(desk):
    """The page of a statement."""
    page = desk.open("statements/logistic.nll_gradient.html")
    return page.locator("section.entry")


@pytest.mark.parametrize("view", ["light", "phone"])
@pytest.mark.parametrize("fragment", ["logistic.nll_gradient", "equation-logistic-nll-hessian"])
def test_deep_link_lands(views, view, fragment):
    page = views[view].open("logistic.html", f"#{fragment}")
    page.wait_for_function(f"(id) => {{ const top = ({TOP})(id); return 0 <= top && top < 200 }}",
                           arg=fragment, timeout=5000)  # fmt: skip
    page.wait_for_timeout(150)
    assert 0 <= page.evaluate(TOP, fragment) < 200


def test_a_transpose_in_a_heading_is_drawn_in_a_font_of_the_site(desk):
    page = desk.open("why-the-gradient.html")
    look = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        look.send(f"{domain}.enable")
    root = look.send("DOM.getDocument")["root"]["nodeId"]
    for selector in ("h1", ".sidebar-tree .current-page > a"):
        node = look.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        fonts = look.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        assert "Transpose" in [font["familyName"] for font in fonts if font["isCustomFont"]]
    look.detach()


def test_link_to_a_folded_part_unfolds_it(desk):
    page = desk.open("source/reference_impl/logistic.html", "#L-10")
    assert -5 <= page.evaluate(TOP, "L-10") < 200


def test_every_statement_is_found_by_its_address(desk):
    inventory = {r["id"] for r in FORMULAS}
    page = desk.open("formulas.html")
    linked = page.evaluate(
        "() => [...document.querySelectorAll('.formula-index td:first-child a:not(.badge a)')]"
        ".map((a) => a.getAttribute('href'))"
    )
    assert set(linked) == {f"statements/{identifier}.html" for identifier in inventory}


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        ("gradient nll", "logistic.nll_gradient", "sigmoid.inverse"),
        (r"\mathbf{X}^\top (\mathbf{p} - \mathbf{y})", "logistic.nll_gradient", "softmax.nll"),
        (r"X^\top\,(p-y)", "logistic.nll_gradient", "softmax.nll"),
        ("psi", "softmax.null_space", "logistic.nll"),
        ("X^T(p-y)", "logistic.nll_gradient", "softmax.nll"),
        ("hesian", "softmax.nll_hessian", "softmax.nll"),
        ("categorical", "softmax.definition", "logistic.nll"),
    ],
)
def test_formula_is_found_by_name_by_symbol_and_by_tex(desk, query, wanted, unwanted):
    page = desk.open("formulas.html")
    page.get_by_label("Find a formula").fill(query)
    page.wait_for_function("() => document.querySelector('#found').textContent !== ''")
    row = page.locator(".formula-index tr")
    assert row.filter(has=page.get_by_text(wanted, exact=True)).is_visible()
    assert not row.filter(has=page.get_by_text(unwanted, exact=True)).is_visible()
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_function("() => document.querySelector('#found').textContent !== ''")
    assert not row.filter(has=page.get_by_text(unwanted, exact=True)).is_visible()


def test_search_page_lists_statements_found_by_tex(desk):
    page = desk.open("index.html")
    page.locator("input[name=q]").first.fill(r"X^\top (p - y)")
    page.keyboard.press("Enter")
    page.wait_for_selector(".found-statements li")
    assert "Gradient of the NLL" in page.locator(".found-statements").inner_text()
    page.locator(".found-statements a").first.click()
    assert page.url.endswith("statements/logistic.nll_gradient.html")


def shown(page):
    page.wait_for_selector("#definition:not([hidden])")
    return page.locator("#definition").inner_text()


def test_pointing_at_a_symbol_shows_its_meaning(desk, box):
    box.locator("div.math mi", has_text="\U0001d417").first.hover()
    assert "design matrix" in shown(desk.page)
    desk.page.keyboard.press("Escape")
    assert desk.page.locator("#definition").is_hidden()


def test_pointing_at_a_reference_shows_its_formula(desk, entry):
    link = entry.locator(".facts a", has_text="Derivative of the sigmoid")
    link.focus()
    assert "Derivative of the sigmoid" in shown(desk.page)
    assert link.get_attribute("aria-describedby") == "definition"
    (stated,) = [r["results"] for r in FORMULAS if r["id"] == "sigmoid.derivative"]
    assert desk.page.locator("#definition math").count() == len(stated)


def test_a_link_that_is_left_at_once_shows_nothing(desk, entry):
    entry.locator(".facts a", has_text="Derivative of the sigmoid").evaluate(
        "async (link) => { link.focus(); await new Promise((then) => setTimeout(then)); "
        "document.querySelector('button.copybtn').focus(); }"  # the definitions are on their way
    )
    desk.page.wait_for_function("() => window.definitions")
    desk.page.wait_for_timeout(50)
    assert desk.page.locator("#definition:visible").count() == 0


def test_address_of_a_statement_on_another_page_leads_there(desk):
    page = desk.open("sigmoid.html", "#softmax.nll_hvp")
    page.wait_for_url("**/statements/softmax.nll_hvp.html")


@pytest.mark.parametrize("query", ["gradeint", "p - y"])
def test_where_formulas_are_found_no_page_need_be(desk, query):
    page = desk.open("search.html", f"?q={query}")
    page.wait_for_selector(".found-statements li")
    page.wait_for_function("() => Search.title.textContent === 'Pages'")
    assert page.locator("h2:visible").all_inner_texts() == ["Formulas"]
    assert not page.get_by_text("did not match").is_visible()
    assert page.locator("ul.search li").count() == 0


@pytest.mark.parametrize("query", ["Gradient of the NLL", "logistic.nll_gradient", "softplus"])
def test_search_works_from_disk(desk, query):
    page = desk.open("index.html")
    page.locator("input[name=q]").first.fill(query)
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results ul.search li a")
    assert desk.faults == []
    assert page.locator("#search-results ul.search li a").count() > 0
    page.wait_for_function("() => Search.title.textContent === 'Pages'")
    assert page.locator("h2:visible").all_inner_texts() == ["Formulas", "Pages"]


def test_words_of_a_search_are_marked_on_pages_with_drawings(desk):
    page = desk.open("index.html")
    page.evaluate("localStorage.setItem('sphinx_highlight_terms', 'backward layer')")
    page = desk.open("backpropagation.html")
    assert page.locator("span.highlighted").count() > 5
    assert desk.faults == []


def test_indices_of_different_letters_stand_on_one_line(entry):
    bottoms = entry.locator(".theorem").evaluate(
        "(box) => [...box.querySelectorAll('msub > :last-child')].map("
        "(index) => [index.parentElement.textContent, index.getBoundingClientRect().bottom])"
        ".filter(([text]) => /^(xik|pi|yi)$/.test(text.normalize('NFKC')))"
    )
    assert len(bottoms) == 3
    assert max(y for _, y in bottoms) - min(y for _, y in bottoms) < 1


def test_tex_of_a_formula_is_copied(desk, box):
    box.locator("div.math").first.hover()
    box.locator(".copy-tex").first.click()
    desk.page.wait_for_timeout(50)
    copied = desk.page.evaluate("navigator.clipboard.readText()")
    results = {r["id"]: r["results"] for r in FORMULAS}["logistic.nll_gradient"]
    assert copied == results[0]


def test_a_derivation_is_drawn_when_it_is_unfolded(desk):
    page = desk.open("logistic.html", "#logistic.score_equations")
    box = page.locator('[id="logistic.score_equations"]')
    assert box.locator("li.step").count() == 0
    box.locator("summary").click()
    box.locator("li.step").first.wait_for()
    assert box.locator("li.step").first.locator(".copy-tex").count() == 1
    assert box.locator("template").count() == 0


def test_tex_of_a_formula_that_may_go_on_in_the_next_line_is_copied_whole(desk):
    page = desk.open("statements/softmax.nll_hessian.html")
    long = page.locator(".theorem div.math:has(.breaks)").first
    long.hover()
    long.locator(".copy-tex").click()
    page.wait_for_timeout(50)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied in {r["id"]: r["results"] for r in FORMULAS}["softmax.nll_hessian"]


def test_the_derivation_of_most_statements_begins_on_the_first_screen(desk):
    below = []
    for name in (r["id"] for r in FORMULAS if r["chains"]):
        page = desk.open(f"statements/{name}.html")
        if page.evaluate(TOP, "derivation") > page.viewport_size["height"]:
            below.append(name)
    assert len(below) < len(FORMULAS) / 20, below


def test_code_is_copied_from_the_tab_that_is_open(desk, entry):
    entry.get_by_text("NumPy", exact=True).click()
    shown = entry.locator(".sd-tab-content:visible")
    shown.locator("pre").hover()
    shown.locator("button.copybtn").click()
    desk.page.wait_for_timeout(100)
    copied = desk.page.evaluate("navigator.clipboard.readText()")
    code = {r["id"]: r["code"] for r in FORMULAS}["logistic.nll_gradient"]
    assert copied.strip() == code["numpy"].strip()


@pytest.mark.parametrize(
    "name",
    ["LaTeX", "SymPy", "JavaScript", "JavaScript as written", "MathML", "Text", "JSON"],
)
def test_every_form_is_copied(desk, entry, name):
    entry.locator(".sd-tab-label", has_text=re.compile(rf"^\s*{name}\s*$")).click()
    block = entry.locator(".sd-tab-content:visible")
    block.locator("pre").hover()
    block.locator("button.copybtn").click()
    desk.page.wait_for_timeout(100)
    copied = desk.page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == block.locator("pre").text_content().strip()
    if name == "JSON":
        assert json.loads(copied)["id"] == "logistic.nll_gradient"
    if name == "MathML":
        assert copied.startswith("<math")


def test_prompts_are_not_copied(desk):
    page = desk.open("fit.html")
    page.locator("div.highlight-python pre").first.hover()
    page.locator("button.copybtn").first.click()
    page.wait_for_timeout(100)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "from reference_impl import" in copied
    assert ">>>" not in copied


def test_folds_and_tabs_work_with_the_keyboard(desk):
    page = desk.open("logistic.html", "#logistic.score_equations")
    fold = page.locator('[id="logistic.score_equations"] details')
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None
    code = desk.open("statements/logistic.nll_gradient.html").locator(".code-forms")
    code.locator("input[type=radio]").first.focus()
    page.keyboard.press("ArrowRight")
    assert code.locator("input[type=radio]:checked + label").inner_text() == "SymPy"
    assert code.locator(".sd-tab-content:visible").count() == 1


def test_long_formulas_scroll_in_their_own_box_with_the_keyboard(views):
    page = views["phone"].open("logistic.html")
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.wait_for_timeout(50)
    scrolling = page.evaluate(
        "() => [...document.querySelectorAll('.math-scroll')]"
        ".filter((b) => b.scrollWidth > b.clientWidth + 1).map((b) => [b.tabIndex, b.ariaLabel])"
    )
    assert scrolling
    assert all(stop == 0 and label for stop, label in scrolling)


def test_copy_buttons_are_visible_where_nothing_hovers(views):
    page = views["phone"].open(*BOX)
    opacity = "() => getComputedStyle(document.querySelector('.copy-tex')).opacity"
    if page.evaluate("matchMedia('(hover: none)').matches"):
        assert page.evaluate(opacity) == "1"


def test_colour_scheme_is_kept(views):
    page = views["light"].open("index.html")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    try:
        assert page.evaluate("document.body.dataset.theme") == "dark"
    finally:
        page.evaluate("localStorage.removeItem('theme')")


@pytest.mark.parametrize("name", ["why-the-gradient.html", "nll.html"])
def test_answers_are_folded_on_the_screen_and_open_on_paper(desk, name):
    page = desk.open(name)
    seen = (
        "() => [...document.querySelectorAll('.exercise .sd-summary-content')]"
        ".filter((e) => e.checkVisibility({contentVisibilityAuto: true})"
        " && e.getBoundingClientRect().height > 10).length"
    )
    folds = page.locator(".exercise details").count()
    assert folds >= 6 and page.evaluate(seen) == 0
    page.emulate_media(media="print")
    try:
        page.wait_for_timeout(100)
        assert page.evaluate(seen) == folds
    finally:
        page.emulate_media(media="null")
