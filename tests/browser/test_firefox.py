"""The pages in another engine, at a desk's width and a telephone's."""

from pathlib import Path

import pytest
from chromium import VIEWS, pages
from firefox import FIREFOX, firefox
from test_pages import BAD_FORMULAS, STICKS_OUT, TOO_WIDE, UNFOLD

pytestmark = pytest.mark.skipif(not Path(FIREFOX).exists(), reason=f"there is no {FIREFOX}")
# Formulas in a line of text that go on in the next; Firefox would break them at a minus.
BROKEN = """() => [...document.querySelectorAll("article math")]
  .filter((m) => m.getClientRects().length > 1).map((m) => m.textContent)"""
# Fractions, roots and scripts that have parts too many or too few.
MISCOUNTED = """() => [["mfrac, mroot, msub, msup, munder, mover", 2],
    ["msubsup, munderover", 3]]
  .flatMap(([kind, count]) => [...document.querySelectorAll(kind)]
    .filter((e) => e.childElementCount !== count).map((e) => e.outerHTML))"""


@pytest.fixture(scope="module")
def tab():
    with firefox() as opened:
        yield opened


@pytest.mark.parametrize("view", ["light", "phone"])
@pytest.mark.parametrize("name", pages())
def test_page(tab, name, view):
    tab.open(name, VIEWS[view][1])
    tab.value(UNFOLD)
    assert tab.faults == []
    assert tab.value(TOO_WIDE) == []
    assert tab.value(STICKS_OUT) == []
    assert tab.value(BAD_FORMULAS) == []
    assert tab.value(BROKEN) == []
    assert tab.value(MISCOUNTED) == []
