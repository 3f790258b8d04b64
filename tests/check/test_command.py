"""The command line: what it checks, its status, and that nothing a user does ends in a traceback."""

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from reference_impl.check import anything, command, inputs, objects

ROOT = Path(__file__).resolve().parents[2]
LAYERS = '''
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Swish:
    def forward(self, z):
        print("forward was called")
        return z * sigmoid(z)

    def backward(self, z, delta):
        s = sigmoid(z)
        return delta * (s + z * s * (1 - s))

class Flipped(Swish):
    def backward(self, z, delta):
        return -super().backward(z, delta)

class Scale:
    def __init__(self, s):
        self.s = s

    def forward(self, z):
        return z * self.s

    def backward(self, z, delta):
        return delta * self.s

    def parameter_gradient(self, z, delta):
        return {"s": (delta * z).sum(axis=0)}

class Leaky:
    def __init__(self, slope):
        self.slope = slope

    def forward(self, z):
        return np.where(z > 0, z, self.slope * z)

    def backward(self, z, delta):
        return delta * np.where(z > 0, 1, self.slope)

class TwoInputs:
    def forward(self, a, b):
        return a * b

    def backward(self, a, b, delta):
        return delta * b, delta * a

class Half(Scale):
    def backward(self, z, delta):
        return delta * self.s / 2

class Cached:
    def __init__(self):
        self.W = np.arange(6.0).reshape(3, 2) - 2.5

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, delta):
        self.dW = self.x.T @ delta
        return delta @ self.W.T

class Raises(Swish):
    def backward(self, z, delta):
        return delta @ np.ones((7, 7))

class Stops(Swish):
    def backward(self, z, delta):
        raise KeyboardInterrupt

def nll(w, X, y):
    z = X @ w
    return np.sum(np.log1p(np.exp(z)) - y * z)

def nll_gradient(w, X, y):
    return X.T @ (sigmoid(X @ w) - y)

def nll_mean(w, X, y):
    return nll_gradient(w, X, y) / len(y)

swish = Swish()
'''  # fmt: skip
Z = "z=normal(5,3)"
NLL = ["--input", "y=integers(0,2,6)", "--input", "w=normal(3)", "--input", "X=normal(6,3)"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a module of layers, where the user is; what is imported there is forgotten."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_layers.py").write_text(LAYERS)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def run(here, capsys):
    """The command in this process: its status, and what it printed."""

    def run(*arguments):
        status = command.main(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return run


# ------------------------------------------------------------------------ what it checks


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        (["own_layers:Swish", "--input", Z], "right"),
        (["own_layers.py:Swish", "--input", Z], "right"),
        (["own_layers:swish", "--input", "z=uniform(-2,2,4,2,3)"], "right"),
        (["own_layers:Flipped", "--input", Z], "wrong"),
        (["own_layers:Scale", "--input", "s=normal(3)", "--input", Z], "right"),
        (["own_layers:Scale", "--input", Z, "--input", "s=normal(3)", "--params", "s"], "right"),
        (["own_layers:Leaky", "--input", Z, "--input", "slope=0.25"], "right"),
        (["own_layers:Half", "--input", "s=2", "--input", "z=integers(-3,4,5,3)"], "wrong"),
        (["own_layers:Cached", "--input", "x=normal(5,3)"], "right"),
        (["own_layers:Cached", "--input", "x=normal(5,3)", "--style", "cached"], "right"),
        (["own_layers:nll", *NLL, "--grad", "own_layers:nll_gradient", "--wrt", "w"], "right"),
        (["own_layers:nll", *NLL, "--grad", "own_layers.py:nll_mean", "--wrt", "w"], "wrong"),
        (["reference_impl.nll:NLL", "--input", Z, "--input", "y=integers(0,3,5)"], "right"),
    ],
)
def test_verdict_and_status(run, arguments, verdict):
    status, out, err = run(*arguments)
    assert out.startswith(f"{verdict}: "), out + err
    assert status == {"right": 0, "wrong": 1}[verdict]


def test_cannot_tell_has_the_status_of_bad_input(run, monkeypatch):
    from reference_impl.check.report import Report

    monkeypatch.setattr(anything, "check_anything", lambda *args, **options: Report("cannot tell"))
    status, out, _ = run("own_layers:Swish", "--input", Z)
    assert (status, out.split(":")[0]) == (2, "cannot tell")


def test_json_is_all_that_is_printed(run):
    """What the object prints goes elsewhere."""
    status, out, err = run("own_layers:Flipped", "--input", Z, "--json", "--seed", "3")
    report = json.loads(out)
    assert status == 1 and report["verdict"] == "wrong" and report["seed"] == 3
    assert report["findings"][0]["cause"]["name"] == "sign"
    assert "forward was called" in err


def test_the_same_seed_says_the_same(run):
    arguments = ("own_layers:Flipped", "--input", Z, "--json")
    one, two, other = run(*arguments), run(*arguments), run(*arguments, "--seed", "1")
    assert one[1] == two[1] != other[1]


def test_reproduce_writes_a_program_that_says_the_same(run, here):
    arguments = ("own_layers:nll", *NLL, "--grad", "own_layers:nll_mean", "--wrt", "w")
    status, out, _ = run(*arguments, "--reproduce", "again.py")
    again = subprocess.run(
        [sys.executable, "again.py"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (status, again.stdout, again.stderr) == (1, out, "")
    status, _, err = run(*arguments, "--reproduce", "own_layers.py")
    assert status == 2 and "own_layers.py" in err and "exists" in err
    assert (here / "own_layers.py").read_text() == LAYERS


PAGE = (ROOT / "docs/your-layer.md").read_text()
SHOWN = re.findall(r"^\$ logisticbp check (.*)\n((?:(?!```|\$ ).*\n)+)", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("words", "shown"), SHOWN)
def test_what_the_page_shows(run, here, words, shown):
    (source, _) = re.findall(
        r"^```\{code-block\} python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
    (here / "my_layers.py").write_text(source)
    _, out, err = run(*shlex.split(words))
    assert doctest.OutputChecker().check_output(shown, out, doctest.ELLIPSIS), out + err


def test_the_page_shows_commands():
    assert len(SHOWN) >= 2


# ---------------------------------------------------------------------------- bad input


def missing(name):
    return f'an input for {name} is needed, such as --input "{name}=normal(5,3)"'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["own_layers"], "expected MODULE:OBJECT or FILE.py:OBJECT, given 'own_layers'"),
        (["own_layer:Swish"], "there is no module 'own_layer', here or installed"),
        (["own_layers.x:Swish"], "there is no module 'own_layers.x', here or installed"),
        (["own-layers:Swish"], "expected the name of a module or of a .py file"),
        (["own_layer.py:Swish"], "there is no file own_layer.py"),
        (["own_layers:Swich"], "there is no 'Swich'; did you mean Swish, swish?"),
        (["own_layers:Swish"], missing("z")),
        (["own_layers:Swish", "--input", "x=normal(5,3)"], "--input x: own_layers:Swish takes z"),
        (["own_layers:Scale", "--input", Z], "to make one, s is needed"),
        (["own_layers:Scale", "--input", Z, "--input", "s=normal(4)"], "ValueError: operands"),
        (["own_layers:nll", *NLL], "nothing is claimed of this function; name its derivative"),
        (["own_layers:nll", "--input", "w=normal(3)", "--grad", "own_layers:nll"], missing("X")),
        (["own_layers:nll", *NLL, "--grad", "own_layers:no"], "own_layers:no: there is no 'no'"),
        (["own_layers:nll", *NLL, "--grad", "own_layers:nll_gradient", "--wrt", "v"], "v"),
        (["own_layers:Swish", "--input", Z, "--grad", "own_layers:nll"], "grad: check_layer takes"),
        (["own_layers:Swish", "--input", Z, "--params", "W"], "W"),
        (
            ["own_layers:TwoInputs", "--input", "a=normal(3)", "--input", "b=normal(3)"],
            "TwoInputs: expected one input z of a layer, given 2; a function of several arguments",
        ),
        (["own_layers:swish.forward", "--input", Z], "nothing is claimed of this function"),
    ],
)
def test_bad_input_is_told_in_one_line(run, arguments, message):
    status, out, err = run(*arguments)
    last = err.splitlines()[-1]
    assert message in last
    assert (status, out) == (2, "")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_this_name", "line 1: ModuleNotFoundError: No module named 'nothing_of"),
        ("1 / 0", "broken.py, line 1: ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError: "),
        ("raise SystemExit('stop')", "broken.py, line 1: SystemExit: stop"),
        ("def f():\n    raise KeyError('a')\nf()", "broken.py, line 2, in f: KeyError: 'a'"),
    ],
)
def test_a_module_that_does_not_load(run, here, source, message):
    (here / "broken.py").write_text(source)
    for name in ("broken:f", "broken.py:f"):
        status, out, err = run(name, "--input", Z)
        assert message in err and (status, out) == (2, "")


def test_an_error_in_the_layer_is_told_with_its_place(run):
    status, _, err = run("own_layers:Raises", "--input", Z)
    number = LAYERS.splitlines().index("        return delta @ np.ones((7, 7))") + 1
    assert status == 2
    assert f"own_layers.py, line {number}, in backward: ValueError: matmul" in err
    assert err.endswith("; raised in your backward(z, delta), called with (5, 3), (5, 3)\n")


def test_an_interruption(run):
    status, out, err = run("own_layers:Stops", "--input", Z)
    assert (status, out, err.splitlines()[-1]) == (130, "", "interrupted")


@pytest.mark.parametrize(
    "option", ["--budget=0", "--budget=nan", "--budget=x", "--seed=-1", "--seed=1.5", "--style=x"]
)
def test_bad_options(run, option, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("own_layers:Swish", "--input", Z, option)
    assert stopped.value.code == 2
    assert f"argument {option.split('=')[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize(("style", "library"), [("torch", "PyTorch"), ("jax", "JAX")])
def test_without_the_library(run, monkeypatch, style, library):
    monkeypatch.setitem(sys.modules, style, None)
    status, _, err = run("own_layers:nll", *NLL, "--style", style)
    assert (status, err) == (2, f"this needs {library}: pip install {style}\n")


# --------------------------------------------------------------------- inputs, objects


def test_arrays(tmp_path):
    a = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", a)
    np.savez(tmp_path / "several.npz", a=a, b=-a)
    np.savez(tmp_path / "one.npz", anything=a)
    found = inputs.arrays(
        [
            "z=normal(5,3)",
            " u = uniform( -1, 2.5, 4, 2 ) ",
            "y=integers(0,3,50)",
            "t=normal()",
            f"a={tmp_path / 'a.npy'}",
            f"b={tmp_path / 'several.npz'}",
            f"c={tmp_path / 'one.npz'}",
        ],
        seed=1,
    )
    shapes = {name: array.shape for name, array in found.items()}
    assert shapes == {
        "z": (5, 3), "u": (4, 2), "y": (50,), "t": (), "a": (2, 3), "b": (2, 3), "c": (2, 3),
    }  # fmt: skip
    assert np.array_equal(found["a"], a) and np.array_equal(found["b"], -a)
    assert np.array_equal(found["c"], a)
    assert set(found["y"]) == {0, 1, 2} and found["y"].dtype == np.int64
    assert -1 <= found["u"].min() and found["u"].max() < 2.5
    again = inputs.arrays(["z=normal(5,3)"], seed=1)
    assert np.array_equal(found["z"], again["z"])
    assert not np.array_equal(found["z"], inputs.arrays(["z=normal(5,3)"], seed=2)["z"])


def test_numbers():
    texts = ["n=3", "eps = 1e-5 ", "a=-.5", "b=2.", "c=+4"]
    found = inputs.arrays(texts, seed=0)
    assert found == {"n": 3, "eps": 1e-5, "a": -0.5, "b": 2.0, "c": 4}
    assert [type(x) for x in found.values()] == [int, float, float, float, int]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "given ''"),
        ("z=nan", "a number, or a path to .npy or .npz, given 'nan'"),
        ("z=1,2", "given '1,2'"),
        ("normal(5,3)", "expected NAME=normal(5,3), "),
        ("z=", "given 'z='"),
        ("2z=normal(3)", "given '2z=normal(3)'"),
        ("z=normal", "given 'normal'"),
        ("z=gauss(5,3)", "given 'gauss(5,3)'"),
        ("z=normal(5,3)(2)", "sizes from 1 on, given '3)(2'"),
        ("z=normal(5;3)", "normal(sizes) with sizes from 1 on, given '5;3'"),
        ("z=normal(5,)", "sizes from 1 on, given ''"),
        ("z=normal(0,3)", "sizes from 1 on, given '0'"),
        ("z=normal(-1)", "sizes from 1 on, given '-1'"),
        ("z=normal(1e3)", "sizes from 1 on, given '1e3'"),
        ("z=normal(99999,99999)", "at most 100,000,000 numbers, given 9,999,800,001"),
        ("z=normal(__import__('os'))", "sizes from 1 on, given \"__import__('os')\""),
        ("z=uniform(0)", "uniform(low,high,sizes), given uniform(0)"),
        ("z=uniform(0,x,3)", "numbers as bounds, given 'x'"),
        ("z=uniform(0,inf,3)", "numbers as bounds, given 'inf'"),
        ("z=uniform(nan,1,3)", "numbers as bounds, given 'nan'"),
        ("z=uniform(1,0,3)", "low < high, given low = 1, high = 0"),
        ("z=integers(0,2.5,3)", "whole bounds, given '2.5'"),
        ("z=integers(3,3,5)", "low < high, given low = 3, high = 3"),
        ("z=integers(0,99999999999999999999,5)", "whole bounds, given"),
        ("z=none.npy", "none.npy: No such file or directory"),
        ("z=text.npy", "text.npy: "),
        ("z=empty.npy", "empty.npy: "),
        ("z=objects.npy", "objects.npy: "),
        ("z=several.npz", "expected an array 'z' in the file, which has a, b"),
        ("z=text.npz", "text.npz: "),
        ("z=.npy", ".npy: "),
    ],
)
def test_a_bad_input_is_named(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("text.npy", "text.npz"):
        Path(name).write_text("no array")
    Path("empty.npy").write_bytes(b"")
    np.save("objects.npy", np.array([{}, []], dtype=object))
    np.savez("several.npz", a=np.ones(2), b=np.ones(3))
    with pytest.raises(ValueError, match=r"^--input") as caught:
        inputs.arrays([text], seed=0)
    assert message in str(caught.value)


def test_a_name_that_is_given_twice():
    with pytest.raises(ValueError, match="--input z: expected each name once"):
        inputs.arrays(["z=normal(3)", "z=normal(3)"], seed=0)


def test_a_file_is_run_once(here):
    (here / "counted.py").write_text("COUNT = []\nclass A:\n    B = 1\n")
    assert objects.named("counted.py:COUNT") is objects.named("counted.py:COUNT")
    assert objects.named("counted:A.B") == 1
    with pytest.raises(objects.NotFound, match="there is no 'C'"):
        objects.named("counted.py:A.C")


# ------------------------------------------------------------------------- how it is run


def test_module_and_command_are_the_same(here, monkeypatch, capsys):
    """`logisticbp check` finds the command by its entry point, as pyproject declares it."""
    from derivations import __main__ as derivations_main

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    group = project["entry-points"]["logisticbp.commands"]
    points = [EntryPoint(name, value, "logisticbp.commands") for name, value in group.items()]
    assert {point.name: point.load() for point in points}["check"] is command.main
    monkeypatch.setattr(derivations_main, "entry_points", lambda group: points)
    arguments = ["own_layers:Flipped", "--input", Z]
    assert derivations_main.main(["check", *arguments]) == 1
    here_said = capsys.readouterr().out
    module = subprocess.run(
        [sys.executable, "-m", "reference_impl.check", *arguments],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (module.returncode, module.stdout) == (1, here_said)
    with pytest.raises(SystemExit):
        derivations_main.main(["--help"])
    assert "check --help" in capsys.readouterr().out


def test_a_reader_that_goes_is_no_error(here):
    program = f"{sys.executable} -m reference_impl.check own_layers:Flipped --input '{Z}' --json"
    done = subprocess.run(
        ["sh", "-c", f"{program} | true"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Error" not in done.stderr and "Traceback" not in done.stderr


def test_help_names_the_forms_of_input(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["--help"])
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert "normal(SIZES)" in said and "0 right, 1 wrong, 2 cannot tell" in said
