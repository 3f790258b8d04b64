"""A report says its verdict first, and can be read by a program and repeated."""

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest

from reference_impl.check import check, check_layer
from reference_impl.check.report import Cause, Finding, Report
from reference_impl.linear import Linear

CAUSE = Cause("factor 1/5", "it is the right answer / 5", ("1/K",), "another N")
FINDING = Finding("RULE 2 (backward)", "z", (1, 2), 1.0, 5.0, 1e-9, CAUSE, "wrong at [1, 2]")
WRONG = Report("wrong", (FINDING,), ("z is symmetric",), ("a note",), 7, 1e-9, 3)


def test_text():
    assert str(WRONG).splitlines() == [
        "wrong: 1 found; 7 numbers compared, tolerance at most 1e-09, seed 3",
        "RULE 2 (backward): wrong at [1, 2]",
        "    factor 1/5: it is the right answer / 5 (or: 1/K); to tell them apart: another N",
        "note: a note",
        "unseen: z is symmetric",
    ]
    assert str(Report("right")).startswith("right: 0 numbers compared")


def test_ok():
    verdicts = [Report(verdict).ok for verdict in ("right", "wrong", "cannot tell")]
    assert verdicts == [True, False, False]


def test_json():
    found = json.loads(WRONG.to_json())
    assert found["verdict"] == "wrong" and found["seed"] == 3
    assert found["findings"][0]["cause"]["rivals"] == ["1/K"]
    assert (
        json.loads(Report("wrong", (Finding("jvp", "x"),)).to_json())["findings"][0]["got"] is None
    )


def test_a_program_repeats_the_check(tmp_path):
    """To the last digit, in a process of its own."""
    (tmp_path / "own.py").write_text(
        "from reference_impl.linear import Linear\n"
        "class Half(Linear):\n"
        "    def backward(self, z, delta):\n"
        "        return delta @ self.W / 2\n"
        "def f(x):\n"
        "    return (x ** 3).sum()\n"
        "def df(x):\n"
        "    return 3.0 * x\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        own = importlib.import_module("own")

        rng = np.random.default_rng(0)
        z = rng.normal(size=(5, 4))
        reports = [
            check_layer(own.Half(rng.normal(size=(3, 4))), z, 7),
            check(own.f, z, grad=own.df),
        ]
    finally:
        sys.path.remove(str(tmp_path))
    for report in reports:
        program = tmp_path / "again.py"
        program.write_text(report.reproduce())
        path = [str(tmp_path), *sys.path]
        run = [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; import again"]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.stdout.rstrip() == str(report).rstrip(), done.stderr


@pytest.mark.parametrize("shape", [(3,), (50, 60)])
def test_a_program_has_the_inputs_digit_by_digit(shape):
    z = np.random.default_rng(0).normal(size=(*shape, 2))
    script = check(np.sin, z, vjp=lambda z, d: d * np.cos(z), budget=0.5).reproduce()
    assert "Put here in place of '...'" in script  # the lambda has no name to import it by
    assert (repr(float(z.flat[0])) in script) == (z.size < 2000)
    layer = check_layer(Linear(np.eye(2)), z.reshape(-1, 2), budget=0.5).reproduce()
    assert "reference_impl.linear.Linear" in layer and "Put here" not in layer
