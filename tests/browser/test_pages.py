"""Every page, light and dark, on a desk and on a telephone; one load serves all that is asked."""

import gzip
import re
from functools import cache
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import SITE, VIEWS, pages

AXE = Axe()
AXE_VIEWS = ("light", "phone-dark")
PAGES = pages()
EVERY_PAGE = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
KB = 1000
LARGEST, LARGEST_ENTRY = 300 * KB, 60 * KB
MOST = 12_000  # elements

# Formulas that are not drawn, or drawn as what they are not.
BAD_FORMULAS = """() => [...document.querySelectorAll("math")].filter((m) => {
  if (m.closest("details:not([open])") || m.closest("summary, .sd-tab-content")) return false;
  const box = m.getBoundingClientRect();
  return !(box.width > 1 && box.height > 3) || m.querySelector("merror");
}).map((m) => m.textContent)"""

# Scrolls of the whole page, and what sticks out.
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("main *, article *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.tagName + "." + e.className).slice(0, 5)"""

# What sticks out of the card or the box that it stands in, unless that scrolls.
STICKS_OUT = """() => [...document.querySelectorAll(
    "section.statement > *, section.statement li, section.entry li, .step-prose, .side > *")]
  .filter((e) => e.clientWidth && !e.closest(".math-scroll, .sd-tab-content"))
  .filter((e) => e.getBoundingClientRect().right
    > e.closest("section.statement, section.entry, .side").getBoundingClientRect().right + 0.5)
  .map((e) => e.tagName + "." + e.className).slice(0, 5)"""

# The levels of the headings, and of those the first that skips a level.
HEADINGS = """() => [...document.querySelectorAll("article h1, article h2, article h3, article h4, "
    + "article h5, article h6")].map((h) => [Number(h.localName[1]), h.textContent])"""

# Blocks of code and displayed formulas that have no button to copy them.
NOT_COPIED = """() => [
  ...[...document.querySelectorAll("div.highlight > pre")]
    .filter((pre) => !pre.closest(".source-page") && !pre.parentElement.querySelector(".copybtn")),
  ...[...document.querySelectorAll("div.math")].filter((box) => !box.querySelector(".copy-tex")),
].map((e) => e.textContent.slice(0, 40))"""

# Formulas that are on another line than the full stop, or whatever else touches them.
CUT_OFF = r"""() => [...document.querySelectorAll('article math:not([display="block"])')].filter((m) => {
  const box = m.getBoundingClientRect();
  return [[m.previousSibling, -1], [m.nextSibling, 0]].some(([text, at]) => {
    if (!box.width || text?.nodeType !== Node.TEXT_NODE || /\s/.test(text.data.at(at))) return false;
    const letter = document.createRange();
    letter.setStart(text, at < 0 ? text.length - 1 : 0);
    letter.setEnd(text, at < 0 ? text.length : 1);
    const { top, bottom, width } = letter.getBoundingClientRect();
    return width && (top >= box.bottom || bottom <= box.top);
  });
}).map((m) => m.textContent)"""

POLICY = "document.head.querySelector('meta[http-equiv=Content-Security-Policy]')?.content ?? ''"
UNFOLD = "() => document.querySelectorAll('details').forEach((d) => { d.open = true; })"


def test_there_are_pages():
    assert "index.html" in PAGES, f"no site in {SITE}: run `make docs`"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_page(views, name, view):
    watched = views[view]
    page = watched.open(name)
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST
    page.evaluate(UNFOLD)
    page.wait_for_timeout(50)
    assert watched.faults == []
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate(BAD_FORMULAS) == []
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("() => document.querySelectorAll('[style]').length") == 0
    if view == "light":
        assert page.evaluate(POLICY).startswith("default-src 'none'; script-src 'self'")
        assert skipped(page.evaluate(HEADINGS)) == []
        assert page.evaluate(NOT_COPIED) == []
    if view in AXE_VIEWS:  # last: it asks for files that the policy forbids
        assert serious(page) == []


def serious(page):
    """Return the faults that axe finds serious or critical."""
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]


def skipped(headings):
    """Return the headings that are not at most one level below the one before: h1 comes first, once."""
    before, faults = 0, []
    for level, text in headings:
        if level > before + 1 or (level == 1) != (before == 0):
            faults.append(text)
        before = level
    return faults


def test_skipped_levels_are_seen():
    assert skipped([(1, "a"), (2, "b"), (3, "c"), (2, "d")]) == []
    assert skipped([(1, "a"), (3, "b"), (2, "c")]) == ["b"]
    assert skipped([(2, "a"), (1, "b")]) == ["a", "b"]


@pytest.mark.parametrize("name", [name for name in PAGES if "/" not in name])
def test_what_is_copied_is_what_is_shown(desk, name):
    page = desk.open(name)
    for button, source in (
        ("div.highlight > .copybtn", "b => b.parentElement.querySelector('pre').textContent"),
        (".copy-tex", "b => b.closest('.math').querySelector('annotation').textContent"),
    ):
        shown = page.locator(f"{button}:visible").first
        if shown.count():
            page.evaluate("navigator.clipboard.writeText('')")
            shown.locator("..").hover()
            shown.click()
            page.wait_for_function("navigator.clipboard.readText().then((t) => t !== '')")
            copied = page.evaluate("navigator.clipboard.readText()").split()
            lines = shown.evaluate(source).split()
            assert copied and set(copied) <= set(lines)


@cache
def anchors(path):
    return set(re.findall(r'\bid="([^"]+)"', path.read_text()))


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_links_within_the_site_resolve(name):
    page = SITE / name
    dead = []
    for target in set(re.findall(r'<(?:a|img|link|script)\b[^>]*?(?:href|src)="([^"]+)"',
                                 page.read_text())):  # fmt: skip
        address, fragment = map(unquote, urldefrag(target))
        if re.match(r"\w+:", address):
            continue
        path = (page.parent / address.split("?")[0]).resolve() if address else page
        if not path.exists() or (
            fragment and path.suffix == ".html" and fragment not in anchors(path)
        ):
            dead.append(target)
    assert dead == []


def test_what_is_far_from_the_window_is_not_laid_out_yet(desk):
    page = desk.open("backpropagation.html")
    last = page.locator("section.statement").last.locator(".theorem, div.math").first
    laid_out = "e => e.checkVisibility({ contentVisibilityAuto: true })"
    assert not last.evaluate(laid_out)
    last.scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    assert last.evaluate(laid_out)


@pytest.mark.parametrize("view", ["light", "phone"])
def test_the_link_to_a_source_stays_in_its_line(views, view):
    page = views[view].open("api/reference_impl.softmax.html")
    links = page.locator("dt.sig .viewcode-link")
    below = (
        "(e) => e.getBoundingClientRect().bottom - e.closest('dt').getBoundingClientRect().bottom"
    )
    assert links.count() > 5
    assert max(link.evaluate(below) for link in links.all()) <= 0


def test_every_page_is_small():
    sizes = {name: len(gzip.compress((SITE / name).read_bytes())) for name in EVERY_PAGE}
    most = {name: LARGEST_ENTRY if name.startswith("statements/") else LARGEST for name in sizes}
    assert {name: size for name, size in sizes.items() if size >= most[name]} == {}
