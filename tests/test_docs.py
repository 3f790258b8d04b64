"""The sources of the site, without building it: statements in their places, code that runs."""

import doctest
import json
import os
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
FORMULAS = DOCS / "downloads" / "formulas.json"
PAGES = sorted(DOCS.glob("*.md"))

sys.path.insert(0, str(DOCS))

from _extensions import layered, records  # noqa: E402

PLACED = re.compile(r"^`{3,}\{statement\} (\S+)$", re.MULTILINE)
PLACED_CONCEPT = re.compile(r"^`{3,}\{statements\} (\S+)$", re.MULTILINE)
MENTIONED = re.compile(r"\{st\}`(?:[^`<]*<)?([^`>]+)>?`|\{eq\}`([^`]+)`|\{result\} (\S+)")
PYTHON = re.compile(r"^(`{3,})python\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
LOADS = re.compile(r"""(?:src=|url\(|@import|import\(|fetch\()\s*["']?(?:https?:)?//""")

# Formulas that a page may type: names and conventions, no result of a statement.
EQUATION = re.compile(r"\$\$|\{math\}|\\begin\{")


@pytest.fixture(scope="session")
def statements():
    return {r["id"]: r for r in json.loads(FORMULAS.read_text())["statements"]}


def placements(statements):
    """How often each statement is placed, over all pages."""
    counts = Counter()
    for page in PAGES:
        text = page.read_text()
        here = PLACED.findall(text)
        for concept in PLACED_CONCEPT.findall(text):
            here += [i for i, r in statements.items() if r["concept"] == concept and i not in here]
        counts.update(here)
    return counts


def test_every_statement_is_on_exactly_one_page(statements):
    counts = placements(statements)
    assert statements
    assert {i: counts[i] for i in statements if counts[i] != 1} == {}
    assert sorted(set(counts) - set(statements)) == []


def test_pages_mention_only_statements_that_exist(statements):
    mentioned = {
        next(filter(None, groups)).strip()
        for page in PAGES
        for groups in MENTIONED.findall(page.read_text())
    }
    assert mentioned
    assert sorted(mentioned - set(statements)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_no_displayed_formula_is_typed_in_a_page(page):
    assert EQUATION.findall(page.read_text()) == []


@pytest.mark.parametrize("page", [p for p in PAGES if PYTHON.search(p.read_text())],
                         ids=lambda p: p.stem)  # fmt: skip
def test_code_in_the_page_runs(page):
    blocks = [code for _, code in PYTHON.findall(page.read_text())]
    assert all(">>>" in block for block in blocks), "a block without a prompt would not be run"
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)
    report = []
    result = doctest.DocTestRunner().run(example, out=report.append)
    assert (result.failed, "".join(report)) == (0, "")
    assert result.attempted > 0


def test_nothing_is_loaded_from_elsewhere():
    files = [f for folder in ("_static", "_templates") for f in (DOCS / folder).rglob("*.*")]
    texts = [f for f in files if f.suffix in {".css", ".html", ".js"}]
    assert texts
    assert [f.name for f in texts if LOADS.search(f.read_text())] == []


def test_fonts_come_with_their_licence():
    fonts = DOCS / "_static" / "fonts"
    assert list(fonts.glob("*.woff2"))
    assert "SIL OPEN FONT LICENSE Version 1.1" in (fonts / "OFL.txt").read_text()


def test_results_that_are_missing_or_old_are_reported(tmp_path):
    formulas, verification = tmp_path / "formulas.json", tmp_path / "verification.json"
    assert "missing" in records.complaints(formulas)[0]
    formulas.write_text("{}")
    assert "missing" in records.complaints(formulas, verification)[0]
    verification.write_text("{}")
    os.utime(verification, (1, 1))
    assert "older" in records.complaints(formulas, verification)[0]
    os.utime(formulas, (1, 1))
    assert records.complaints(formulas, verification) == []


def test_a_failed_or_vacuous_check_is_not_shown_as_verified():
    record = {"id": "a.b", "level": "proved, all sizes"}
    for failures, flagged in ((["step 1"], False), ([], True)):
        outcome = {"level": record["level"], "failures": failures, "flagged": flagged}
        found = records.Results({}, {"statements": {"a.b": outcome}}, {}, {}, {})
        assert found.level(record) == "not verified"


USES = {
    "a.one": [],
    "a.two": ["a.one"],
    "b.three": ["a.one", "a.two"],
    "b.four": ["a.one"],
    "c.five": ["b.three", "b.four", "a.two"],
}


def test_edges_that_follow_from_others_are_left_out():
    assert layered.reduced(USES) == {
        "a.one": [],
        "a.two": ["a.one"],
        "b.three": ["a.two"],
        "b.four": ["a.one"],
        "c.five": ["b.three", "b.four"],
    }


def test_picture_of_uses_runs_from_left_to_right_without_overlap(statements):
    real = {i: [u for u in r["uses"] if u in statements] for i, r in statements.items()}
    for uses in (USES, real):
        whole = layered.layout(uses)
        boxes = whole.positions
        for node, used in uses.items():
            assert all(boxes[u][0] + boxes[u][2] < boxes[node][0] for u in used)
        for column in whole.columns:
            edges = [(boxes[n][1], boxes[n][1] + boxes[n][3]) for n in column]
            assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(edges))
        assert layered.layout(uses) == whole


def test_the_page_beside_others_types_no_number():
    """Times, sizes and errors come from the stored run, which has all that the page shows."""
    page = (DOCS / "derive-beside-others.md").read_text()
    prose = re.sub(r"`[^`]*`|\$[^$]*\$|\(https:[^)]*\)", "", page)
    assert re.findall(r"\b\d[\d.]*\b", prose) == ["50"]  # digits of the reference
    run = json.loads((DOCS.parent / "benchmarks" / "results" / "derive.json").read_text())
    assert {"date", "machine", "versions", "turns", "sizes", "seed"} < run.keys()
    assert len(run["passes"]) == 10
    for row in run["passes"]:
        assert (DOCS / "forward_passes" / f"{row['file']}.py").exists() and row["load"] > 0
        assert row["ours"]["times"].keys() == {"derive", "verify"}
        assert row["ours"]["relative_error"] < 1e-14
        theirs = row["tensorgrad"]
        assert theirs["times"].keys() == {"derive"} and theirs["text"]
        assert (theirs["relative_error"] is None) is (theirs["refused"] is not None)
