"""The sources of the site, without building it: statements in their places, code that runs."""

import doctest
import importlib
import inspect
import json
import os
import re
import sys
from collections import Counter
from fractions import Fraction
from math import log, prod
from pathlib import Path

import pytest

from reference_impl import check

DOCS = Path(__file__).resolve().parents[1] / "docs"
PACKAGE = DOCS.parent / "reference_impl"
FORMULAS = DOCS / "downloads" / "formulas.json"
PAGES = sorted(DOCS.glob("*.md"))

sys.path.insert(0, str(DOCS))

from _extensions import records  # noqa: E402

PLACED = re.compile(r"^`{3,}\{statement\} (\S+)$", re.MULTILINE)
MENTIONED = re.compile(r"\{st\}`(?:[^`<]*<)?([^`>]+)>?`|\{eq\}`([^`]+)`|\{result\} (\S+)")
PYTHON = re.compile(r"^(`{3,})python\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
LOADS = re.compile(r"""(?:src=|url\(|@import|import\(|fetch\()\s*["']?(?:https?:)?//""")

# Modules of reference_impl that show an example of each function and class.
INNER = {
    # the command's and pytest's ends, what only the engine calls, and what needs Dask
    "__init__", "__main__", "pytest_plugin", "engine.distributed", "engine.fit", "engine.sums",
    # printed
    "engine.loops",
    # names for other modules, without one of their own
    "engine.__init__", "gradient_check",
}  # fmt: skip
OFFERED = (
    {file.stem for file in PACKAGE.glob("*.py")}
    | {f"engine.{file.stem}" for file in PACKAGE.glob("engine/*.py")}
    | {"data"}
) - INNER

# Formulas that a page may type: names and conventions, no result of a statement.
EQUATION = re.compile(r"\$\$|\{math\}|\\begin\{")


@pytest.fixture(scope="session")
def statements():
    return {r["id"]: r for r in json.loads(FORMULAS.read_text())["statements"]}


def test_every_statement_is_on_exactly_one_page(statements):
    counts = Counter(name for page in PAGES for name in PLACED.findall(page.read_text()))
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


def documented(module):
    """Return what a module has that is public and its own, by name; a Protocol has no values."""
    return {
        name: value for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and value.__doc__
        and getattr(value, "__module__", "") == module.__name__
        and not getattr(value, "_is_protocol", False)
    }  # fmt: skip


def without_running_example(named):
    """Return the names whose docstring has no example, or one that does not run as it says."""
    bad = {}
    for name, value in named.items():
        text, report = inspect.getdoc(value), []
        example = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
        result = doctest.DocTestRunner().run(example, out=report.append)
        if "\nExamples\n--------\n>>> " not in text or result.attempted < 2 or result.failed:
            bad[name] = "".join(report)
    return bad


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_every_public_name_has_an_example_that_runs(name):
    found = documented(importlib.import_module(f"reference_impl.{name}"))
    assert len(found) >= 1
    assert without_running_example(found) == {}


def test_what_the_checker_offers_has_an_example_that_runs():
    there = set(check.__all__) - {"check_jax", "check_torch"}  # these two need JAX and PyTorch
    assert without_running_example({name: getattr(check, name) for name in there}) == {}


def test_an_example_that_is_missing_or_wrong_is_found():
    def without():
        """Return nothing."""

    def wrong():
        """Return nothing.

        Examples
        --------
        >>> one = 1
        >>> one + 1
        3
        """

    assert set(without_running_example({"without": without, "wrong": wrong})) == {
        "without",
        "wrong",
    }


def test_no_proof_of_networks_rests_on_the_chapters_about_estimates(statements):
    """That is what docs/identification.md tells those who skip four chapters."""
    chapters = re.search(
        r":numbered:\n:hidden:\n\n(.*?)\n```", (DOCS / "index.md").read_text(), re.S
    )
    names = chapters[1].split()
    first, after = names.index("identification"), names.index("linear")
    assert names[first:after] == ["identification", "fit", "separation", "regression"]
    placed = [PLACED.findall((DOCS / f"{name}.md").read_text()) for name in names]
    estimates = {name for chapter in placed[first:after] for name in chapter}
    networks = [name for chapter in placed[after:] for name in chapter]
    assert estimates and networks
    assert [name for name in networks if estimates & set(statements[name]["uses"])] == []


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


def test_evidence_about_other_sources_is_reported(tmp_path):
    formulas, evidence = tmp_path / "formulas.json", tmp_path / "evidence.json"
    formulas.write_text("{}")
    assert "missing: run `make test`" in records.stale(evidence, formulas)[0]
    evidence.write_text(json.dumps({"measured": records.measured(formulas)}))
    assert records.stale(evidence, formulas) == []
    formulas.write_text('{"statements": []}')
    assert "not about these sources: run `make test`" in records.stale(evidence, formulas)[0]


def test_generated_pages_are_written_when_they_change_and_no_other_stays(tmp_path):
    folder = tmp_path / "statements"
    records.write_pages(folder, {"a.one": "1", "a.two": "2"})
    os.utime(folder / "a.one.md", (1, 1))
    records.write_pages(folder, {"a.one": "1", "a.three": "3"})
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "a.one.md": "1",
        "a.three.md": "3",
    }
    assert (folder / "a.one.md").stat().st_mtime == 1, "what stays the same is not read again"


def test_what_is_known_of_a_statement_has_a_digest():
    one, two = ({"id": name, "concept": "a"} for name in ("a.one", "a.two"))

    def digests(statements, **found):
        nothing = {"verification": {"statements": {}}, "evidence": {"statements": {}},
                   "errata": {"errata": []}, "peers": {"agreement": {}}}  # fmt: skip
        results = records.Results({"statements": statements}, **{**nothing, **found})
        return {name: results.digest(name) for name in results.statements}

    before = digests([one, two])
    renamed = digests([one, {**two, "title": "T"}])
    measured = digests([one, two], evidence={"statements": {"a.two": {"cases": 1}}})
    added = digests([one, two, {"id": "a.three", "concept": "a"}])
    for after, changed in (renamed, "a.two"), (measured, "a.two"), (added, "a.three"):
        assert [name for name in after if after[name] != before.get(name)] == [changed]


def test_a_failed_or_vacuous_check_is_not_shown_as_verified():
    record = {"id": "a.b", "level": "proved, all sizes"}
    for failures, flagged in ((["step 1"], False), ([], True)):
        outcome = {"level": record["level"], "failures": failures, "flagged": flagged}
        found = records.Results({}, {"statements": {"a.b": outcome}}, {}, {}, {})
        assert found.level(record) == "not verified"


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


def test_the_page_of_checkers_types_no_number():
    page = (DOCS / "checkers.md").read_text()
    assert re.findall(r"\b\d[\d.]*\b", re.sub(r"`[^`]*`|\$[^$]*\$", "", page)) == []


# ------------------------------------------------------------- the running example

HOURS, PASSED = (1, 3, 3, 5, 5, 7), (0, 0, 1, 0, 1, 1)
X = [hours - 4 for hours in HOURS]


def page(name):
    """Return the text of a page on one line."""
    return " ".join((DOCS / f"{name}.md").read_text().split())


def tables(name):
    """Return the tables of a page as rows of cells."""
    blocks = re.findall(
        r"^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", (DOCS / f"{name}.md").read_text(), re.M
    )
    return [[[cell.strip().replace("\N{MINUS SIGN}", "-") for cell in line.strip("|").split("|")]
             for line in block.splitlines()] for block in blocks]  # fmt: skip


def probability(x, factor=2):
    """Return the probability to pass when each hour multiplies the odds, as an exact fraction."""
    odds = Fraction(factor) ** x
    return odds / (1 + odds)


def of_what_happened(factor):
    """Return the probability of each result."""
    chances = [probability(x, factor) for x in X]
    return [p if y else 1 - p for p, y in zip(chances, PASSED, strict=True)]


def errors(factor):
    """Return p - y of each student."""
    return [probability(x, factor) - y for x, y in zip(X, PASSED, strict=True)]


def test_tables_of_the_six_students():
    data, cost, _, pull = tables("why-the-gradient")
    rows = zip(HOURS, X, PASSED, strict=True)
    assert data == [[f"{n}", f"{h}", f"{x}", "yes" if y else "no", f"{y}"]
                    for n, (h, x, y) in enumerate(rows, 1)]  # fmt: skip
    *students, together = cost
    for row, first, best in zip(students, of_what_happened(1), of_what_happened(2), strict=True):
        assert row[1:] == [f"{first}", f"{-log(first):.3f}", f"{best}", f"{-log(best):.3f}"]
    first, best = prod(of_what_happened(1)), prod(of_what_happened(2))
    assert together[1:] == [f"{first}", f"{-log(first):.3f}", f"{best}", f"{-log(best):.3f}"]
    *students, total = pull
    found = []
    for row, x, first, best in zip(students, X, errors(1), errors(2), strict=True):
        assert row[1:] == [f"{value}" for value in (x, first, x * first, best, x * best)]
        found.append((first, x * first, best, x * best))
    assert total[2:] == [f"{sum(column)}" for column in zip(*found, strict=True)]
    assert total[4:] == ["0", "0"], "the best fit is exact"


def test_numbers_in_the_openings_are_those_of_the_six_students():
    rise = Fraction(sum(x * y for x, y in zip(X, PASSED, strict=True)), sum(x * x for x in X))
    ten = Fraction(sum(PASSED), len(PASSED)) + rise * (10 - 4)
    one_to = {factor: 1 / prod(of_what_happened(factor)) for factor in (1, 2, 3)}
    best = prod(of_what_happened(2))
    thousand = 1000 * log(best)

    def results(x):
        odds = (Fraction(1), Fraction(2) ** x, Fraction(2) ** (2 * x - 3))
        one, two, three = (o / sum(odds) for o in odds)
        return f"{one}, {two} and {three}"

    def bent(x):
        return max(x + 1, 0) - 2 * max(x - 3, 0)

    third = probability(X[2])
    network = 64 * 32 + 32 + 32 * 10 + 10
    wanted = {
        "sigmoid": [f"rises by {rise} for each hour", f"a probability of {ten}",
                    f"8 to 1 are a probability of {probability(3)}"],
        "logistic": [f"${best}$, or 1 to {float(one_to[2]):.1f}", f"coins would make it 1 to {one_to[1]}",
                     f"tripled odds 1 to {float(one_to[3]):.1f}"],
        "softmax": [f"probabilities are {results(1)}", f"probabilities {results(3)}"],
        "linear": [f"the score ${3 * log(2):.3f}$",
                   ", ".join(f"${e}$" for e in errors(2)[:5]) + f" and ${errors(2)[5]}$"],
        "activations": [f"is {bent(-3)} at $x = -3$, then {bent(1)} at $x = 1$ and {bent(3)} at $x = 3$",
                        f"at $x = 5$ it is back at {bent(5)}"],
        "nll": [f"probable as ${best}$", f"$10^{{{thousand / log(10):.0f}}}$", f"${thousand:.1f}$"],
        "backpropagation": [f"${-1 / third} \\cdot {third * (1 - third)} = {third - 1}$",
                            f"has {network:,} weights and biases", f"would take {network + 1:,} passes"],
        "why-the-gradient": [
            f"so the odds are {2**2} to 1 and the probability is {probability(2)}",
            f"is $x = {X[2]}$, so this student adds ${X[2] * (third - 1)}$",
            f"$1/3 \\cdot 2/3 = {third * (1 - third)}$",
        ],
    }  # fmt: skip
    assert {name: [t for t in texts if t not in page(name)] for name, texts in wanted.items()} == {
        name: [] for name in wanted
    }
    assert best * 64 > Fraction(249, 100), "two and a half times as probable as coins"
    assert -2 * log(third) > -log(best) * 2 / 3, "students 3 and 4 have more than two thirds"


def test_the_first_page_claims_what_the_others_show():
    home, checker = page("index"), page("your-layer")
    assert "{run}`accuracy.json largest in one pass`" in home, (
        "the largest error is not that of the fast pass"
    )
    assert "differences of its forward pass" in home and "with differences of `forward`" in checker
    assert not any("exact derivatives" in page(name.stem) for name in PAGES)
    assert "closes with a number" not in home, "not every page does"
