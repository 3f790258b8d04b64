"""The page of the test vectors: its counts and tables are those of the files."""

import json
import re

from _extensions import records, runs
from _extensions.downloads import VECTORS
from _runs import vectors

RUN = runs.stored("tests/vectors")
FILES = [path.read_text(encoding="utf-8") for path in VECTORS.glob("*.*.json")]


def shown(table, heading):
    """Return what a column of a table says, by its first column."""
    columns = dict(table.columns)
    first = table.columns[0][1]
    return {first(row).astext(): columns[heading](row) for row in table.rows}


def test_counts_are_those_of_the_files():
    """Counted once more, by the lines: one test is one line."""
    found = vectors.numbers(RUN)
    assert found["functions"] == f"{len(FILES):,}"
    tests = sum(text.count('{"id": ') for text in FILES)
    assert found["tests"] == f"{tests:,}"
    for result in vectors.RESULTS:
        lines = {text: text.count(f'"result": "{result}"') for text in FILES}
        assert found[result] == f"{sum(lines.values()):,}"
        column = shown(vectors.functions(RUN), result.capitalize())
        assert column == {json.loads(text)["function"]: f"{n:,}" for text, n in lines.items()}


def test_every_flag_is_shown():
    named = set().union(*(json.loads(text)["flags"] for text in FILES))
    counts = shown(vectors.flags(RUN), "Tests")
    assert counts.keys() == named and "0" not in counts.values()


def test_the_page_lists_all_that_has_to_be_refused():
    """Every kind, and every argument that has values for which there is no answer."""
    page = (records.ROOT / "docs/vectors.md").read_text(encoding="utf-8")
    section = re.search(r"^## What has to be refused\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)[1]
    files = map(json.loads, FILES)
    invalid = [(file, t["error"]) for file in files for t in file["tests"] if "error" in t]
    assert {error["kind"] for _, error in invalid} == set(re.findall(r"(.+)\n: ", section))
    named = {
        error["reason"].partition(":")[0] for file, error in invalid
        if error["kind"] == "domain" and error["reason"].partition(":")[0] in file["arguments"]
    }  # fmt: skip
    assert named <= set(re.findall("`(.+?)`", section.partition("domain\n")[2]))


def test_the_median_is_of_every_entry_of_every_bound():
    bounds = [{"W": [[1, 2], [3, 4]], "b": 50}, 60.0, [70.0, 80.0]]
    tests = [{"result": "valid", "ulp": bound} for bound in bounds]
    tests.append({"result": "wrong", "ulp": 9})
    assert vectors.numbers([{"statement": "a.b", "tests": tests}])["median"] == "27"
