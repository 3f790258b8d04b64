"""Stored runs on the pages: what is shown is what the file says, and a file must be there."""

import json
import re
from types import SimpleNamespace

import pytest
from _extensions import (
    accuracy_run,
    checkers_run,
    derive_run,
    scale_run,
    separation_run,
    speed_run,
    unsound_run,
)
from _extensions.records import ROOT
from small import EXTENSIONS

MODULES = {
    "accuracy": accuracy_run,
    "derive": derive_run,
    "doctor": checkers_run,
    "scale": scale_run,
    "separation": separation_run,
    "speed": speed_run,
    "unsound": unsound_run,
}
ENVIRONMENT = SimpleNamespace(note_dependency=lambda file: None)


def stored(name):
    folder = "tests/proof" if name == "unsound" else "benchmarks/results"
    return json.loads((ROOT / f"{folder}/{name}.json").read_text())


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Return a function that puts another run in the place of a stored one, or none at all."""

    def place(name, run=None):
        file = tmp_path / f"other-{name}.json"
        if run is not None:
            file.write_text(json.dumps(run))
        attribute = "RESULT" if name == "scale" else "RUN"
        # A folder joined with the full name of a file is that file.
        monkeypatch.setattr(MODULES[name], attribute, file if name == "scale" else str(file))
        accuracy_run.run.cache_clear()

    yield place
    accuracy_run.run.cache_clear()


def text(table):
    """All that stands in a table: nodes, or a heading with rows."""
    return table.astext() if hasattr(table, "astext") else repr(table)


FIRST = stored("speed")["rows"][0]  # in the first table: the gradient on one thread
OURS = FIRST["seconds"]["this project"]
SHOWN = [
    ("accuracy", ["date"], "2001-02-03", accuracy_run.numbers, "2001-02-03"),
    ("accuracy", ["functions", "softmax", "worst", "ours", "ulp"], 7.654, accuracy_run.errors, "7.65"),
    ("accuracy", ["functions", "softmax", "worst", "JAX", "ulp"], 54.321, accuracy_run.errors, "54.32"),
    ("accuracy", ["functions", "softmax", "worst", "SciPy", "ulp"], "inf", accuracy_run.errors,
     "not finite"),
    ("accuracy", ["functions", "softmax", "cases"], 7654321, accuracy_run.errors, "7,654,321"),
    ("accuracy", ["functions", "softmax", "worst", "ours", "z"], [8.125], accuracy_run.worst, "8.125"),
    ("accuracy", ["functions", "residual", "one pass", "ulp"], 6.543, accuracy_run.one_pass, "6.54"),
    ("accuracy", ["functions", "residual", "one pass", "ulp"], 4321.0, accuracy_run.numbers, "4321"),
    ("derive", ["date"], "2001-02-03", derive_run.numbers, "2001-02-03"),
    ("derive", ["passes", 0, "ours", "times", "verify", "cpu"], 76.543, derive_run.times, "76.54 s"),
    ("derive", ["passes", 1, "tensorgrad", "times", "derive", "cpu"], 54.321, derive_run.times,
     "54.32 s"),
    ("derive", ["passes", 6, "tensorgrad", "relative_error"], 0.0015, derive_run.times, "1.5·10⁻³"),
    ("derive", ["passes", 3, "ours", "lines"], 9876, derive_run.times, "9876"),
    ("derive", ["passes", 4, "load"], 98.7, derive_run.numbers, "98.7"),
    ("derive", ["passes", 5, "tensorgrad", "text"], "x_{i} two",
     lambda: "".join(node.pformat() for node in derive_run.outputs()), "x_{i} two"),
    ("doctor", ["date"], "2001-02-03", checkers_run.numbers, "2001-02-03"),
    ("doctor", ["tools", "torch", "most_seconds"], 98.76, lambda: checkers_run.tools()[0], "98.8 s"),
    ("doctor", ["tools", "jax", "random", "false_alarms"], ["a"] * 7654,
     lambda: checkers_run.tools()[0], "7654 of"),
    ("doctor", ["tools", "scipy", "families", "norms", "missed"], 8765,
     lambda: checkers_run.families()[0], "8765"),
    ("doctor", ["tools", "ours", "cause_none"], ["one", "two", "a third"],
     lambda: "".join(node.astext() for node in checkers_run.which()), "one; two; a third"),
    ("scale", ["file", "fit", "seconds"], 7.531, scale_run.numbers, "7.53 s"),
    ("scale", ["file", "rates", 0, "disk"], 98.765, scale_run.rates_table, "98.77"),
    ("scale", ["file", "memory", 0, "nll_hvp"], 777e9, scale_run.memory_table, "777 GB"),
    ("scale", ["workers", "overhead", 0, "dask_array"], 45.678, scale_run.overhead_table, "45.68 s"),
    ("speed", ["processor"], "Abacus", speed_run.numbers, "Abacus, "),
    ("speed", ["rows", 0, "seconds", "this project"], 0.0765,
     lambda: speed_run.times_table("gradient", 1), "76.5\N{NO-BREAK SPACE}ms"),
    ("speed", ["rows", 0, "seconds", "JAX"], 43.21 * OURS,
     lambda: speed_run.times_table("gradient", 1), "43.21"),
    ("speed", ["rows", 0, "seconds", "PyTorch"], 0.01 * OURS,
     lambda: speed_run.verdict("gradient", 1), "PyTorch takes 0.01 of our time at 1,000"),
    ("unsound", [3, "words"], "two is three", unsound_run.every, "two is three"),
    ("unsound", [3, "level"], "evidence", unsound_run.left, "g(w_k) is the sum of squares"),
    ("unsound", [3, "verdicts", "50 digits"], "agrees", unsound_run.by_route, "67"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "place", "value", "shown", "expected"), SHOWN)
def test_what_is_shown_is_what_the_file_says(put, name, place, value, shown, expected):
    """A number that is changed in the file changes on the page, and the old text is gone."""
    before = text(shown())
    run = stored(name)
    *path, last = place
    inner = run
    for key in path:
        inner = inner[key]
    assert inner[last] != value
    inner[last] = value
    put(name, run)
    after = text(shown()).replace("\\xa0", "\N{NO-BREAK SPACE}")
    assert expected in after and expected not in before.replace("\\xa0", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("name", MODULES)
def test_a_missing_file_is_named(put, name):
    put(name)
    arguments = [ENVIRONMENT] if name == "separation" else []
    with pytest.raises(FileNotFoundError, match=f"other-{name}.json"):
        MODULES[name].run(*arguments)


PAGE = """# Runs

{accuracy}`largest`, {scale}`rows`, {speed}`date`, {speed}`nowhere`

```{accuracy-table} errors
```

```{scale-table} rates
```

```{separation-summary}
```

```{separation-answers} gap
```

```{separation-versions}
```

```{speed-table} gradient 1
```

```{speed-table} gradient 99
```
"""


def pages(build):
    return build(
        {"index": "# Start\n\n```{toctree}\nruns\n```\n", "runs": PAGE},
        extensions=[*EXTENSIONS, *(f"_extensions.{name}_run" for name in MODULES)],
    )


def test_on_a_page(put, build):
    """Separation, whose tables need a page; and names that no run has are errors."""
    run = stored("separation")
    gap = next(one for one in run["sets"] if one["name"] == "gap")
    gap["answers"][0].update(largest_coefficient=123.4, warnings=[])  # as scikit-learn is set
    gap["answers"][-1].update(raised="Surprise: no")
    put("separation", run)
    site = pages(build)
    found = re.sub(r"<[^>]+>", "", site.page("runs"))
    assert found.count("123.4") == 2 and "123.4, no warning" in found and "Surprise" in found
    assert f"Run on {run['date']}" in found
    assert f"{stored('scale')['file']['rows']:,}" in found and stored("speed")["date"] in found
    assert any("the run has no number 'nowhere'" in line for line in site.warnings)
    assert any("the run has no cases 'gradient 99'" in line for line in site.warnings)
    assert len(site.warnings) == 2


def test_a_page_is_not_built_without_its_run(put, build):
    put("speed")
    with pytest.raises(FileNotFoundError, match=r"other-speed\.json"):
        pages(build)
