"""Every page, light and dark, on a desk and on a telephone."""

import re
from functools import cache
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import SITE, VIEWS, pages

AXE = Axe()
PAGES = pages()

# Formulas that are not drawn, or drawn as what they are not.
BAD_FORMULAS = """() => [...document.querySelectorAll("math")].filter((m) => {
  if (m.closest("details:not([open])") || m.closest("summary, .sd-tab-content")) return false;
  const box = m.getBoundingClientRect();
  return !(box.width > 1 && box.height > 3) || m.querySelector("merror");
}).map((m) => m.querySelector("annotation").textContent)"""

# Scrolls of the whole page, and what sticks out.
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("main *, article *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.tagName + "." + e.className).slice(0, 5)"""

UNFOLD = "() => document.querySelectorAll('details').forEach((d) => { d.open = true; })"


def test_there_are_pages():
    assert "index.html" in PAGES, f"no site in {SITE}: run `make docs`"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_page(views, name, view):
    watched = views[view]
    page = watched.open(name)
    page.evaluate(UNFOLD)
    page.wait_for_timeout(50)
    assert watched.faults == []
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(BAD_FORMULAS) == []
    assert page.evaluate("() => document.querySelectorAll('[style]').length") == 0


@pytest.mark.parametrize("view", ["light", "phone-dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible(views, name, view):
    page = views[view].open(name)
    page.evaluate(UNFOLD)
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    faults = [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]
    assert faults == []


@cache
def anchors(path):
    return set(re.findall(r'\bid="([^"]+)"', path.read_text()))


@pytest.mark.parametrize("name", PAGES)
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
