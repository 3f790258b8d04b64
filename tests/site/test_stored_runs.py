"""Stored runs on the pages: what is shown is what the file says, and a file must be there."""

import re
from copy import deepcopy
from itertools import chain
from types import SimpleNamespace

import pytest
from _extensions import elements, runs, tables
from _extensions.records import ROOT

ENVIRONMENT = SimpleNamespace(note_dependency=lambda file: None)
UNSOUND = "tests/proof/unsound.json"
FILES = ("accuracy.json", "conformance.json", "derive.json", "doctor.json", "fits.json", "kernels.json",
         "layer_accuracy.json", "layer_speed.json", "scale.json", "separation.json", "speed.json",
         UNSOUND, "tests/vectors")  # fmt: skip
USED = re.compile(r"\{run-table\} (\S+) (.+)|\{run\}`(\S+) ([^`]+)`")


def stored(file):
    return deepcopy(runs.stored(file))


def shown(file, run, name, *arguments):
    """All that a table of a run says, or a number when no table has the name."""
    module = runs.described(ENVIRONMENT, file)
    if name not in runs.tables(module):
        return runs.number(file, runs.numbers(module, run), name)
    made = runs.tables(module)[name](run, *arguments)
    parts = made if isinstance(made, list) else [made]
    return "\n".join(
        cells(part.node()) if isinstance(part, tables.Table)
        else part if isinstance(part, str) else part.pformat()
        for part in parts
    )  # fmt: skip


def cells(table):
    """The texts of a table, each on a line of its own: two numbers never read as one."""
    parts = [part for part in table.findall(elements.element) if part["tag"] in ("td", "th")]
    return "\n".join(part.astext() for part in parts)


OURS = stored("speed.json")["rows"][0]["seconds"]["this project"]  # the gradient on one thread
SHOWN = [
    ("accuracy.json", ["date"], "2001-02-03", "date", "2001-02-03"),
    ("accuracy.json", ["functions", "softmax", "worst", "ours", "ulp"], 7.654, "errors", "7.65"),
    ("accuracy.json", ["functions", "softmax", "worst", "JAX", "ulp"], 54.321, "errors", "54.32"),
    ("accuracy.json", ["functions", "softmax", "worst", "SciPy", "ulp"], "inf", "errors", "not finite"),
    ("accuracy.json", ["functions", "softmax", "cases"], 7654321, "errors", "7,654,321"),
    ("accuracy.json", ["functions", "softmax", "worst", "ours", "z"], [8.125], "worst", "8.125"),
    ("accuracy.json", ["functions", "residual", "one pass", "ulp"], 6.543, "one_pass", "6.54"),
    ("accuracy.json", ["functions", "residual", "one pass", "ulp"], 4321.0, "largest in one pass",
     "4321"),
    ("conformance.json", ["vectors", "tests"], 7654321, "vectors.tests:,", "7,654,321"),
    ("conformance.json", ["implementations", 1, "digits lost"], 98765, "summary", "98,765"),
    ("conformance.json", ["implementations", 2, "functions", "softmax.softmax", "ulp"], 87.654,
     "functions", "87.65"),
    ("conformance.json", ["implementations", 1, "failures", 0, "reproduce"], "echo no | cat",
     "failures", "echo no | cat"),
    ("derive.json", ["date"], "2001-02-03", "date", "2001-02-03"),
    ("derive.json", ["passes", 0, "ours", "times", "verify", "cpu"], 76.543, "times", "76.54 s"),
    ("derive.json", ["passes", 1, "tensorgrad", "times", "derive", "cpu"], 54.321, "times", "54.32 s"),
    ("derive.json", ["passes", 6, "tensorgrad", "relative_error"], 0.0015, "times", "1.5·10⁻³"),
    ("derive.json", ["passes", 3, "ours", "lines"], 9876, "times", "9876"),
    ("derive.json", ["passes", 4, "load"], 98.7, "most_load", "98.7"),
    ("derive.json", ["passes", 5, "tensorgrad", "text"], "x_{i} two", "outputs", "x_{i} two"),
    ("doctor.json", ["date"], "2001-02-03", "date", "2001-02-03"),
    ("doctor.json", ["tools", "torch", "most_seconds"], 98.76, "tools", "98.8 s"),
    ("doctor.json", ["tools", "jax", "random", "false_alarms"], ["a"] * 7654, "tools", "7654 of"),
    ("doctor.json", ["tools", "scipy", "families", "norms", "missed"], 8765, "families", "8765"),
    ("doctor.json", ["tools", "ours", "cause_none"], ["one", "two", "a third"], "which",
     "one; two; a third"),
    ("kernels.json", ["rows", 0, "worst", "loss"], 98.765, "bounds", "98.77"),
    ("layer_accuracy.json", ["date"], "2001-02-03", "date", "2001-02-03"),
    ("layer_accuracy.json", ["cases", 4, "ulp", "PyTorch"], 4321.0, "errors", "4321"),
    ("layer_accuracy.json", ["cases", 4, "ulp", "ours"], 8.765, "errors", "8.77"),
    ("layer_speed.json", ["cases", 0, "seconds", "ours"], 7.654, "times", "7.65 s"),
    ("layer_speed.json", ["cases", 0, "layer"], "a new layer", "times", "a new layer"),
    ("fits.json", ["date"], "2001-02-03", "date", "2001-02-03"),
    ("fits.json", ["problems", 0, "fits", 1, "seconds"], 7.654, "speed", "7,654"),
    ("scale.json", ["file", "fit", "seconds"], 7.531, "file.fit.seconds:duration", "7.53 s"),
    ("scale.json", ["machine", "cores"], 4321, "machine", "processor x86_64, system Linux, cores 4321"),
    ("scale.json", ["workers", "overhead", 1, "chunks"], 4321, "workers.overhead.1.chunks:,", "4,321"),
    ("scale.json", ["file", "bytes"], 777e9, "file.bytes:size", "777 GB"),
    ("doctor.json", ["tools", "ours", "cause_none"], ["one"] * 4321, "tools.ours.cause_none:count",
     "4,321"),
    ("scale.json", ["file", "rates", 0, "disk"], 98.765, "rates", "98.77"),
    ("scale.json", ["file", "memory", 0, "nll_hvp"], 777e9, "memory", "777 GB"),
    ("scale.json", ["workers", "overhead", 0, "dask_array"], 45.678, "overhead", "45.7 s"),
    ("separation.json", ["most_steps"], 9876, "most_steps", "9876"),
    ("separation.json", ["sets", 0, "answers", 0, "largest_coefficient"], 123.4, "answers gap", "123.4"),
    ("separation.json", ["sets", 0, "verdict", "kind"], "a new kind", "summary", "a new kind"),
    ("speed.json", ["processor"], "Abacus", "processor", "Abacus"),
    ("speed.json", ["rows", 0, "seconds", "this project"], 0.0765, "times gradient 1", "76.5 ms"),
    ("speed.json", ["rows", 0, "seconds", "JAX"], 43.21 * OURS, "times gradient 1", "43.21"),
    ("speed.json", ["rows", 0, "seconds", "PyTorch"], 0.01 * OURS, "times gradient 1",
     "PyTorch takes 0.01 of our time at 1,000"),
    (UNSOUND, [3, "words"], "two is three", "every", "two is three"),
    (UNSOUND, [3, "level"], "evidence", "summary", "g(w_k) is the sum of squares"),
    (UNSOUND, [3, "verdicts", "50 digits"], "agrees", "summary", "67"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "place", "value", "name", "expected"), SHOWN)
def test_what_is_shown_is_what_the_file_says(file, place, value, name, expected):
    """A number that is changed in the file changes on the page, and the old text is gone."""
    words = [name] if name in runs.described(ENVIRONMENT, file).__dict__ else name.split(" ")
    words = [name] if name.startswith("largest in") else words
    before = shown(file, stored(file), *words).replace(tables.SPACE, " ")
    run = stored(file)
    *path, last = place
    inner = run
    for key in path:
        inner = inner[key]
    assert inner[last] != value
    inner[last] = value
    after = shown(file, run, *words).replace(tables.SPACE, " ")
    assert expected in after and expected not in before


def test_all_that_the_pages_ask_for_is_there():
    asked = [
        (match[1] or match[3], match[2] or match[4], bool(match[1]))
        for page in sorted((ROOT / "docs").glob("*.md"))
        for match in USED.finditer(page.read_text())
    ]
    assert {file for file, _, _ in asked} == set(FILES)
    for file, name, is_table in asked:
        assert shown(file, stored(file), *(name.split() if is_table else [name]))


def test_a_table_groups_its_rows_and_says_when_there_is_nothing():
    table = tables.Table([("a", 1), ("a", None), ("b", 3)], [
        ("Name", lambda row: row[0]), ("Number", lambda row: row[1] and str(row[1])),
    ], group=lambda row: f"all {row[0]}")  # fmt: skip
    found = list(chain.from_iterable(part.astext().split() for part in table.node().findall()
                                     if part.tagname == "#text"))  # fmt: skip
    assert found == ["Name", "Number", "all", "a", "a", "1", "a", tables.DASH, "all", "b", "b", "3"]


PAGE = """# Runs

{run}`accuracy.json largest`, {run}`scale.json file.rows:,`, {run}`speed.json nowhere`,
{run}`none.json date`, {run}`scale.json file.lines`, {run}`scale.json file.rows:pounds`,
{run}`scale.json seed.first`, {run}`scale.json workers.overhead.99`

```{run-table} accuracy.json errors
```

```{run-table} separation.json answers gap
```

```{run-table} speed.json times gradient 1
```

```{run-table} speed.json times gradient 99
```

```{run-table} speed.json nothing
```
"""


def pages(build):
    return build(
        {"index": "# Start\n\n```{toctree}\nruns\n```\n", "runs": PAGE},
    )


def test_on_a_page(build):
    """Tables and numbers stand on a page; names that no run has are errors."""
    site = pages(build)
    found = re.sub(r"<[^>]+>", "", site.page("runs"))
    assert f"{stored('scale.json')['file']['rows']:,}" in found
    assert "Largest error in ulp" in found and "Says it converged" in found
    assert "Ahead of every library" in found
    for complaint in (
        "speed.json has no 'nowhere'; it has",
        "scale.json has no 'lines'; it has bytes,",
        "Invalid format specifier",
        "scale.json has no 'first'; it has nothing",
        "scale.json has no '99'; it has 0, 1, 2",
        "none.json: docs/_runs/none.py, which describes its tables, is missing",
        "the run has no cases gradient 99",
        "speed.json has no 'nothing'; it has",
    ):
        assert sum(complaint in line for line in site.warnings) == 1
    # The entries of this small site speak of symbols and levels that no page of it shows.
    assert sum("/runs.md:" in line for line in site.warnings) == 8


def test_a_page_is_not_built_without_its_run(build, monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"accuracy\.json"):
        pages(build)
