"""The fixture `check_derivatives` as a user meets it: in a run of pytest of its own."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from reference_impl import pytest_plugin
from reference_impl.check.anything import assert_right

ROOT = Path(__file__).resolve().parents[2]
# As its entry point loads it, whether or not the installed project has this entry point already.
PLUGIN = ("-p", "no:logisticbp", "-p", "reference_impl.pytest_plugin", "-p", "no:cacheprovider")
TESTS = '''
import numpy as np

Z = np.random.default_rng(0).standard_normal((5, 3))

class Square:
    def forward(self, z):
        return z**2

    def backward(self, z, delta):
        return 2 * z * delta

class Half(Square):
    def backward(self, z, delta):
        return z * delta

def test_right_layer(check_derivatives):
    check_derivatives(Square(), Z)

def test_right_function(check_derivatives):
    check_derivatives(lambda x: (x**2).sum(), Z, grad=lambda x: 2 * x)

def test_wrong_layer(check_derivatives):
    check_derivatives(Half(), Z, seed=5)

def test_wrong_function(check_derivatives):
    check_derivatives(lambda x: (x**2).sum(), Z, grad=lambda x: -2 * x)

def test_option(check_derivatives):
    check_derivatives(Square(), Z, grad=lambda x: 2 * x)

def test_class(check_derivatives):
    check_derivatives(Square, Z)
'''  # fmt: skip


def run(*command, cwd):
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "test_own.py").write_text(TESTS)
    done = run("-m", "pytest", "-q", *PLUGIN, "test_own.py", cwd=folder)
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_right_passes_and_wrong_fails(printed):
    assert set(re.findall(r"^FAILED test_own.py::(\w+)", printed, re.MULTILINE)) == {
        "test_wrong_layer",
        "test_wrong_function",
        "test_option",
        "test_class",
    }
    assert "4 failed, 2 passed" in printed


def test_the_message_is_the_report(printed):
    assert re.search(r"^E +AssertionError: Half: wrong: 1 found; ", printed, re.MULTILINE)
    assert "seed 5" in printed
    assert re.search(r"^E +RULE 2 \(backward\): wrong at \[", printed, re.MULTILINE)
    assert re.search(r"^E +sign: ", printed, re.MULTILINE)


def test_no_line_of_the_checker_is_shown(printed):
    """pytest shows the lines of the user's test, and not how the report came about."""
    assert ">       check_derivatives(Half(), Z, seed=5)" in printed
    assert "raise AssertionError" not in printed


def test_an_option_of_another_check_is_refused(printed):
    assert "TypeError: grad: check_layer takes layer, z, seed, " in printed


def test_a_class_is_no_layer(printed):
    assert "TypeError: layer: expected an object, given the class Square: make one" in printed


def test_arrays_for_a_module():
    """As on the command line, where inputs are arrays of NumPy's."""
    torch = pytest.importorskip("torch")
    linear, z = torch.nn.Linear(3, 2), np.random.default_rng(0).standard_normal((5, 3))
    assert_right(linear, z)
    assert_right(lambda a, pair: a * pair[0] + pair[1]["c"], z, (z, {"c": z[0]}), style="torch")


def test_the_test_file_of_the_page(tmp_path):
    """As shown, one of its layers is wrong; with that rule mended, all is right."""
    page = (ROOT / "docs/your-layer.md").read_text()
    code = re.findall(r"^```\{code-block\} python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    layers, tests = code
    (tmp_path / "test_my_layers.py").write_text(tests)
    mended = layers.replace("delta * sigmoid(z)", "delta * sigmoid(z) * (1 + z * sigmoid(-z))")
    for source, ending in ((layers, "1 failed, 1 passed"), (mended, "2 passed")):
        (tmp_path / "my_layers.py").write_text(source)
        done = run("-B", "-m", "pytest", "-q", *PLUGIN, cwd=tmp_path)
        assert ending in done.stdout, done.stdout


def test_the_fixture_is_listed_with_what_it_does(tmp_path):
    done = run("-m", "pytest", "--fixtures", *PLUGIN, cwd=tmp_path)
    listed = " ".join(done.stdout.split())
    assert "check_derivatives" in listed
    assert "Check derivatives: check_derivatives(layer, z)" in listed


def test_the_entry_point_is_the_plugin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ((name, value),) = project["entry-points"]["pytest11"].items()
    assert EntryPoint(name, value, "pytest11").load() is pytest_plugin


def test_loading_it_costs_nothing(tmp_path):
    """A run that does not use it does not even import NumPy for it."""
    (tmp_path / "test_else.py").write_text(
        "import sys\n\n"
        "def test():\n"
        "    assert 'reference_impl.pytest_plugin' in sys.modules\n"
        "    assert not {'numpy', 'scipy', 'reference_impl.check'} & sys.modules.keys()\n"
    )
    done = run("-m", "pytest", "-q", *PLUGIN, "-p", "no:xdist", "test_else.py", cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout
