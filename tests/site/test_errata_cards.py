"""The pages about the note, on a small site: what they show, and what they complain about."""

import html
import json
import os
import re

import pytest
from small import PAGES

ROW = {
    "name": "a1",
    "title": "A sign",
    "kind": "formula",
    "severity": "wrong result",
    "printed": "y = -x^2",
    "correct": "A square is not negative: $x^2$.",
    "why": "Try `x = 1` & see.",
    "verdict": "fails",
    "tested": [{"latex": "y = -x^2", "text": "At $x = 1$ the two sides <differ>."}],
    "right": [{"id": "a.two", "title": "T", "level": "proved, all sizes", "latex": ["y = x^2"]}],
    "also": [{"id": None, "title": "Own proof", "level": "lemma", "latex": ["0 = 0"]}],
    "as_stated": True,
}
CLAIM = {**ROW, "name": "b1", "title": "A claim", "kind": "claim", "severity": "wording",
         "printed": "Squares are $< 0$.", "tested": [],
         "verdict": "wording, no check", "right": [], "also": []}  # fmt: skip
CONFIRMED = {**ROW, "name": "c1", "title": "A line", "kind": "confirmed", "severity": "",
             "verdict": "holds"}  # fmt: skip
NOTE = [
    {
        "title": "Part one",
        "lines": [{"printed": "y = x", "statements": ["a.two"], "errata": []}],
    },
    {
        "title": "Part two",
        "lines": [
            {"printed": "y = -x^2", "statements": ["a.two"], "errata": ["a1", "c1"]},
            {"printed": "z = 0", "statements": [], "errata": ["b1"]},
        ],
    },
]
ERRATA = "# Errata\n\n```{errata-counts}\n```\n" + "".join(
    f"\n## {kind}\n\n```{{errata}} {kind}\n```\n"
    for kind in ("wrong result", "wording", "confirmed")
)
LINES = "# Lines\n\n```{note-lines} Part one\n```\n\n```{note-lines} Part two\n```\n"
INDEX = PAGES["index"].replace("second\n", "second\nerrata\nnote\n") + "\n{ref}`erratum-a1`\n"


@pytest.fixture
def site(build, tmp_path):
    """Return a function that builds a small site with pages about a note."""

    def make(rows=(ROW, CLAIM, CONFIRMED), note=NOTE, age=0, **pages):
        path = tmp_path / "errata.json"
        path.write_text(json.dumps({"errata": rows, "note": note}))
        os.utime(path, (2e9 - age, 2e9 - age))
        return build(
            {**PAGES, "index": INDEX, "errata": ERRATA, "note": LINES, **pages},
            statements_errata=str(path),
        )

    return make


def text_of(markup):
    """Return what a reader sees of some HTML, roughly."""
    seen = re.sub(r"<annotation.*?</annotation>|<[^>]*>", " ", markup)
    return html.unescape(" ".join(seen.split()))


def section(page, name):
    """Return the part of a page that is about one row."""
    return page.split(f'id="erratum-{name}"')[1].split("</section>")[0]


def test_rows_are_shown(site):
    built = site()
    assert built.warnings == []
    card = section(built.page("errata"), "a1")
    shown = text_of(card)
    for said in ("A1. A sign", "Printed wrong result", "Tried", "the two sides <differ>", "Right",
                 "A square is not negative", "Title of a.two", "proved, all sizes", "Own proof",
                 "x = 1 & see."):  # fmt: skip
        assert said in shown
    assert card.index("y = -x^2") < card.index("y = x^2") < card.index("0 = 0")
    assert card.count('class="side"') == 2
    assert "Of 3 rows 1 fail, 1 are wording that no machine checks, 1 hold as printed." in text_of(
        built.page("errata")
    )


def test_a_claim_is_words_and_what_is_confirmed_is_not_said_twice(site):
    page = site().page("errata")
    claim = section(page, "b1")
    assert "Printed wording" in text_of(claim)
    assert 'title="Nothing here can be checked by machine."' in claim
    assert '<div class="math' not in claim
    confirmed = text_of(section(page, "c1"))
    assert "Tried" not in confirmed
    assert "A square is not negative" not in confirmed


def test_lines_of_the_note_are_numbered_through_and_linked(site):
    built = site()
    page = built.page("note")
    assert re.findall(r'id="note-(\d+)"', page) == ["1", "2", "3"]
    for target in ("errata.html#erratum-a1", "errata.html#erratum-c1", "statements/a.two.html"):
        assert f'href="{target}"' in page
    assert 'href="errata.html#erratum-a1"' in built.page("index")


def test_no_inline_style_or_script(site):
    built = site()
    for name in ("errata", "note"):
        article = built.page(name).split("<article")[1].split("</article>")[0]
        assert " style=" not in article
        assert "<script" not in article


def test_complaints(site, build):
    def said(built):
        return " ".join(built.warnings)

    assert "did not come out as stated" in said(
        site([{**ROW, "as_stated": False}, CLAIM, CONFIRMED])
    )
    assert "older than the formulas" in said(site(age=1.9e9))
    assert "no row is 'typos'" in said(site(errata=ERRATA + "\n```{errata} typos\n```\n"))
    assert "no part" in said(site(note_page="# X\n\n```{note-lines} Part ten\n```\n"))
    missing = build(
        {**PAGES, "index": INDEX, "errata": ERRATA, "note": LINES},
        statements_errata="nowhere.json",
    )
    assert "nowhere.json is missing" in said(missing)
