"""With the keyboard alone, without motion, and on paper."""

import pytest

# What a reader sees of the focus: an outline of the element, of the label of a radio button, or the
# ring of a data point.
FOCUS = """() => {
  const e = document.activeElement;
  const radio = e.matches("input[type=radio]");
  const shown = radio ? e.closest("label") ?? e.nextElementSibling : e;
  const ring = e.querySelector(".halo");
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const box = shown.getBoundingClientRect();
  return {
    what: `${e.localName}.${e.className?.baseVal ?? e.className} ${e.textContent.slice(0, 20)}`,
    outline: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1)
      || (ring !== null && getComputedStyle(ring).strokeWidth === "3px"),
    inView: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
    masked: getComputedStyle(shown).maskImage !== "none",
    inside: Boolean(e.closest("#WALK")),
  };
}"""


def walk(page, selector, most=400):
    """Press Tab from the start of a part of the page to its end; return what had the focus."""
    page.locator(selector).first.evaluate(
        "e => { e.tabIndex = -1; e.focus(); e.dataset.walked = ''; }"
    )
    focus = FOCUS.replace("#WALK", "[data-walked]")
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(focus)
        if not here["inside"]:
            break
        stops.append(here)
    return stops


PARTS = [
    ("light", "logistic.html", "#logistic\\.nll_gradient", 8),
    ("phone-dark", "statements/logistic.nll_gradient.html", "section.entry", 20),
    ("dark", "explorer.html", ".explorer", 25),
    ("light", "formulas.html", ".finder", 1),
]


@pytest.mark.parametrize(("view", "name", "selector", "least"), PARTS)
def test_the_focus_is_seen_at_every_stop(views, view, name, selector, least):
    page = views[view].open(name)
    page.locator(selector).first.evaluate(
        "e => e.querySelectorAll('details').forEach((d) => { d.open = true; })"
    )
    page.wait_for_timeout(50)
    stops = walk(page, selector)
    assert len(stops) >= least
    hidden = [s for s in stops if not (s["outline"] and s["inView"]) or s["masked"]]
    assert hidden == []


def test_nothing_moves_where_motion_is_unwanted(views):
    page = views["light"].open("logistic.html")
    page.emulate_media(reduced_motion="reduce")
    try:
        moving = page.evaluate(
            "() => [...document.querySelectorAll('*')].flatMap((e) => ['', '::before', '::after']"
            ".map((part) => getComputedStyle(e, part || null))"
            ".filter((s) => s.animationName !== 'none' || parseFloat(s.transitionDuration) > 0)"
            ".map(() => e.tagName + '.' + e.className)).slice(0, 5)"
        )
    finally:
        page.emulate_media(reduced_motion="no-preference")
    assert moving == []


PRINTED = """() => ({
  furniture: [...document.querySelectorAll(
    ".sidebar-drawer, .toc-drawer, .mobile-header, .copy-tex, .headerlink, .to-entry")]
    .filter((e) => e.getClientRects().length).map((e) => e.className),
  cut: [...document.querySelectorAll("article math[display=block]")]
    .filter((m) => m.getBoundingClientRect().right > innerWidth + 1)
    .map((m) => m.querySelector("annotation").textContent),
  dark: getComputedStyle(document.body).backgroundColor,
  code: [...document.querySelectorAll(".code-forms label")]
    .filter((e) => e.getClientRects().length && e.nextElementSibling.getClientRects().length)
    .map((e) => e.dataset.syncId),
  lines: [...document.querySelectorAll("article pre")]
    .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent.slice(0, 20)),
})"""


@pytest.mark.parametrize("view", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["identification.html", "statements/normalisation.layer_norm_backward.html"]
)
def test_a_page_of_statements_on_paper(views, name, view):
    page = views[view].open(name)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})  # about an A4 page between its margins
    try:
        seen = page.evaluate(PRINTED)
    finally:
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 900})
    assert seen["furniture"] == []
    assert seen["cut"] == []
    assert seen["lines"] == []
    if name.startswith("statements/"):
        read = ["latex", "sympy", "numpy", "javascript", "text"]
        assert seen["code"] == read, "paper has no tabs to choose from"
    assert seen["dark"] in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")


def test_the_explorer_is_whole_on_paper(views):
    page = views["light"].open("explorer.html")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})
    try:
        page.wait_for_timeout(100)
        cut = page.evaluate(
            "() => [...document.querySelectorAll('.explorer *')]"
            ".filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.className)"
        )
        shown = page.evaluate("() => [...document.querySelectorAll('.ex-layer.ex-forward')].length")
    finally:
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 900})
    assert shown >= 4 and cut == []
