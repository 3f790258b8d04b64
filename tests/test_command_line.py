"""The command line as a user runs it: in a process of its own, with its status and its output."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def command(*arguments, module="derivations", cwd=ROOT, **environment):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_list_names_every_statement():
    import derivations

    done = command("list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(
        derivations.statements()
    )


FORMATS = {
    "text": "= Σ_i X_ik (p_i - y_i)",
    "latex": r"\mathbf{X}^\top",
    "markdown": r"\begin{aligned}",
    "sympy": "Derivative(NLL(), w[k])",
    "numpy": "return X.T @ ((1 - y) * p - y * sigmoid(-z))",
    "javascript": "export function nll_gradient(w, X, y)",
    "json": '"id": "logistic.nll_gradient"',
    "torch": "class Nll(torch.autograd.Function):",
    "jax": "nll.defvjp(forward, backward, symbolic_zeros=True)",
}


@pytest.mark.parametrize("form", FORMATS)
def test_show(form):
    done = command("show", "logistic.nll_gradient", "--format", form)
    assert done.returncode == 0, done.stderr
    assert FORMATS[form] in done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_output_does_not_depend_on_hashes(form):
    seeds = ("0", "1", "4711")
    ids = ("logistic.fisher_information", "sigmoid.backward")
    for name in ids if form in ("json", "sympy") else ids[:1]:
        shown = {
            command("show", name, "--format", form, PYTHONHASHSEED=seed).stdout for seed in seeds
        }
        assert len(shown) == 1


def test_unknown_id_names_the_nearest():
    done = command("show", "logistic.nll_gradiant")
    assert done.returncode == 2
    assert done.stderr.startswith("there is no statement 'logistic.nll_gradiant'; did you mean ")
    assert "logistic.nll_gradient" in done.stderr
    assert "Traceback" not in done.stderr


def test_concept_is_no_statement():
    done = command("show", "sigmoid")
    assert done.returncode == 2
    assert "sigmoid.derivative" in done.stderr


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_jobs(jobs):
    done = command("verify", "sigmoid", f"--jobs={jobs}")
    assert done.returncode == 2
    assert "expected a number from 1 on" in done.stderr


def test_verify_writes_what_it_found(tmp_path):
    first = command("verify", "sigmoid", "--out", tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "0 failed, 0 flagged" in first.stdout
    entries = json.loads((tmp_path / "ledger.json").read_text())
    assert len(entries) == first.stdout.count("sigmoid.")
    # A part of the statements is no verification of all: nothing is claimed of the rest.
    assert not (tmp_path / "verification.json").exists()


@pytest.mark.parametrize("claim", ["lemma", "proved, all sizes, restated", "evidence"])
def test_a_level_that_is_not_reached_is_told(claim, tmp_path, monkeypatch, capsys):
    from dataclasses import replace

    from derivations import __main__, sigmoid

    assert sigmoid.symmetry.level == "proved, scalar"
    monkeypatch.setattr(sigmoid, "symmetry", replace(sigmoid.symmetry, level=claim))
    status = __main__.main(["verify", "sigmoid.symmetry", "--jobs=1", f"--out={tmp_path}"])
    assert status == 1
    said = capsys.readouterr().out
    assert f"sigmoid.symmetry: claims '{claim}', is 'proved, scalar'" in said
    assert "0 failed, 0 flagged, 1 not as claimed" in said


def test_edited_ledger_is_not_trusted(tmp_path):
    from derivations.proof import ledger

    path = tmp_path / "ledger.json"
    places = {"sigmoid.symmetry": ("derivations.sigmoid", "symmetry")}
    honest = ledger.verify_all(places, path, 1)["sigmoid.symmetry"]
    entries = json.loads(path.read_text())
    (entry,) = entries.values()
    entry["report"]["level"] = "proved by decree"
    path.write_text(json.dumps(entries))
    assert ledger.load(path) == {}
    again = ledger.verify_all(places, path, 1)["sigmoid.symmetry"]
    assert again["level"] == honest["level"] == "proved, scalar"


def test_ledger_key_depends_on_statement_calculus_and_versions(monkeypatch):
    from dataclasses import replace

    from derivations import sigmoid
    from derivations.proof import ledger

    old = ledger.key(sigmoid.symmetry)
    assert ledger.key(replace(sigmoid.symmetry, title="another")) != old
    assert ledger.key(sigmoid.inverse) != old
    ledger.calculus_digest.cache_clear()
    monkeypatch.setattr(ledger, "versions", lambda: {"sympy": "another"})
    assert ledger.key(sigmoid.symmetry) != old
    monkeypatch.undo()
    ledger.calculus_digest.cache_clear()
    assert ledger.key(sigmoid.symmetry) == old


def test_citing_another_statement_changes_the_key():
    from dataclasses import replace

    from derivations import sigmoid
    from derivations.proof.verification import digest

    chain = sigmoid.second_derivative.chains[0]
    step = replace(chain.steps[0], cites=(sigmoid.symmetry,))
    other = replace(
        sigmoid.second_derivative, chains=(replace(chain, steps=(step, *chain.steps[1:])),)
    )
    assert digest(other) != digest(sigmoid.second_derivative)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"report": {}}}', "\x00"])
def test_broken_ledger_is_an_empty_one(tmp_path, content):
    from derivations.proof import ledger

    (tmp_path / "ledger.json").write_text(content)
    assert ledger.load(tmp_path / "ledger.json") == {}


def test_script_shows_steps_reasons_and_verdicts():
    done = command(module="derivations.sigmoid")
    assert done.returncode == 0, done.stderr
    assert "sigmoid.derivative" in done.stdout
    assert "rule ✓" in done.stdout


def test_folder_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = command("verify", "sigmoid.symmetry", "--out", blocked / "inside")
    assert done.returncode == 1
    assert str(blocked) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_reader_that_goes_away():
    writer = subprocess.Popen(
        [sys.executable, "-m", "derivations", "show", "logistic.weighted", "--format", "json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert writer.stdout and writer.stderr
    writer.stdout.close()
    complaint = writer.stderr.read().decode()
    writer.wait(timeout=60)
    writer.stderr.close()
    assert "Traceback" not in complaint


def seconds_of_work(process):
    """The processor time of a running process: how far it is, however busy the machine."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")")[-1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_interrupt_is_one_line(tmp_path):
    everything = ["verify", "--fresh", "--jobs", "1", "--out", tmp_path]
    running = subprocess.Popen(
        [sys.executable, "-m", "derivations", *everything],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell lets what runs in its background ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while seconds_of_work(running) < 4:
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130, complaint
    assert complaint == "interrupted: nothing was written\n"


def test_importing_everything_is_cheap():
    """Constructing proves nothing, so it takes little: all statements within 1.5 s of processor."""
    program = (
        "import time; import derivations; derivations.statements(); print(time.process_time())"
    )
    seconds = min(
        float(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT)) for _ in range(3)
    )
    assert seconds < 1.5


def test_new_writes_every_face_and_refuses_an_old_id(tmp_path):
    from derivations import new

    script = tmp_path / "derivations/softmax.py"
    for folder in ("derivations", "reference_impl", "tests", "docs"):
        (tmp_path / folder).mkdir()
    script.write_text('x = 1\n\nif __name__ == "__main__":\n    run()\n')
    new.write(new.faces("softmax.temperature", tmp_path))
    assert script.read_text().endswith('if __name__ == "__main__":\n    run()\n')
    assert script.read_text().startswith("x = 1\n\n\ntemperature = state(\n")
    for face in ("reference_impl/softmax.py", "tests/test_softmax.py", "docs/softmax.md"):
        assert "softmax.temperature" in (tmp_path / face).read_text()
    with pytest.raises(new.Exists, match=r"softmax\.temperature is there already"):
        new.faces("softmax.temperature", tmp_path)
    with pytest.raises(new.Exists, match=r"expected concept\.name"):
        new.faces("temperature", tmp_path)


FAULTS = {
    "C = Definition('C', (), Σ(k, absolute(w[k])))": (
        "C: |w_l| has a kink where w_l = 0; no derivative by w"
    ),
    "r = Definition('r', (t,), maximum(t, 0))\nC = Definition('C', (), Σ(k, r(w[k])))": (
        "r: max(t, 0) has a kink where t = 0; no derivative by t"
    ),
    "f = unknown('psi', smooth=0)\nC = Definition('C', (), Σ(k, f(w[k] * w[k])))": (
        "C: ψ(w_l w_l) is not known to have a slope; no derivative by w"
    ),
    "z = Definition('z', (k,), log(w[k]))\nC = Definition('C', (), Σ(k, z[k] ** 2))": (
        "z: w_k stands in a logarithm, under a root or below another power and is not proved positive"
    ),
    "C = Definition('C', (), Σ(i, X[i, k]))": "PATH, line 2: C: its definition has the free indices k",
    "C = Definition('C', (), Σ(i, w[i]))": (
        "PATH, line 2: w: expected indices over n, got i over N"
    ),
    "\nC = Definition('C', (), Σ(i, strange[i]))": "PATH, line 3: name 'strange' is not defined",
    "\nC = Definition('C', (u,), tanh(z[u]))": (
        "PATH, line 3: name 'tanh' is not defined; from derivations.activations import tanh"
    ),
    "C = Definition('C', (), Σ(i, w[i])": "PATH, line 2: '(' was never closed",
    "C = Definition('C', (), lam)": "C does not depend on w",
}


@pytest.mark.parametrize("source", FAULTS)
def test_what_cannot_be_derived_is_said_with_its_place(source, tmp_path):
    path = tmp_path / "forward.py"
    path.write_text(f"from derivations.notation import *\n{source}\n", encoding="utf-8")
    done = command("derive", path, "--by", "w")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == FAULTS[source].replace("PATH", str(path)) + "\n"


def test_derive_as_a_page(tmp_path):
    path = tmp_path / "forward.py"
    source = "C = Definition('C', (), Σ(k, w[k] ** 2))"
    path.write_text(f"from derivations.notation import *\n{source}\n", encoding="utf-8")
    done = command("derive", path, "--by", "w", "--format", "html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert "<h1>Derivative of C by w</h1>" in done.stdout
    assert "blocks" not in done.stdout  # a hypothesis that has nothing to do with it


def test_code_that_drops_in():
    file = ROOT / "docs" / "forward_passes" / "gated_linear_unit.py"
    done = command("derive", file, "--by", "U, V", "--format", "torch")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('"""x_iu, and its derivative by U, V as it was derived.')
    assert done.stdout.count("[proved, all sizes") == 2
    assert "\ndef gated_linear_unit(U, X, V):\n" in done.stdout
    assert "    return (delta_prime * g).T @ X\n" in done.stdout
    done = command("derive", f"{file}:g", "--by", "V", "--format", "jax")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n@jax.custom_vjp\ndef gated_linear_unit_g(V, X):\n" in done.stdout


@pytest.mark.parametrize("form", ["torch", "jax"])
def test_code_that_cannot_drop_in_is_said(form):
    file = ROOT / "docs" / "forward_passes" / "silu.py"
    done = command("derive", file, "--by", "z", "--twice", "z", "--format", form)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Second derivative of s by z and z: it has no {form} form\n"
    done = command("derive", file, "--by", "z,none", "--format", form)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("there is no variable 'none'; there are ")
    done = command("show", "sigmoid.inverse", "--format", form)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"sigmoid.inverse has no {form} form: it is no derivative of a")


SYMPY = """
from sympy import Eq, Idx, IndexedBase, Sum, Symbol, exp, log

N, K = (Symbol(name, integer=True, positive=True) for name in "NK")
i, a, b = Idx("i", N), Idx("a", K), Idx("b", K)
Y, z = IndexedBase("Y"), IndexedBase("z")
tau = Symbol("tau", positive=True)
one_class = Eq(Sum(Y[i, a], a), 1)
p = exp(z[i, a] / tau) / Sum(exp(z[i, b] / tau), b)
C = -Sum(Y[i, a] * log(p), a, i)
"""


def test_derive_from_sympy(tmp_path):
    path = tmp_path / "forward.py"
    path.write_text(SYMPY, encoding="utf-8")
    done = command("derive", path, "--by", "z")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Derivative of C by z   [proved, all sizes, restated]\n")
    assert "what is given" in done.stdout
    of_p = command("derive", f"{path}:p", "--by", "tau", "--format", "latex")
    assert (of_p.returncode, of_p.stderr) == (0, "")
    assert "% Derivative of p by tau" in of_p.stdout


def test_derive_from_sympy_says_what_there_is(tmp_path):
    path = tmp_path / "forward.py"
    path.write_text(SYMPY, encoding="utf-8")
    done = command("derive", path, "--by", "X")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "there is no variable 'X'; there are Y, tau, z\n"
    done = command("derive", f"{path}:q", "--by", "tau")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{path}: there is no quantity 'q'; there are C, p\n"
    path.write_text(SYMPY + "from sympy import Heaviside\nC = Heaviside(z[i, a])", encoding="utf-8")
    done = command("derive", path, "--by", "tau")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Heaviside: Heaviside(z[i, a]) has no meaning here\n"


def test_levels_of_the_last_run_hold_while_no_source_has_changed(tmp_path, monkeypatch):
    from derivations import __main__ as command_line

    monkeypatch.setattr(command_line, "BUILD", tmp_path)
    last = {"sources": command_line.sources(), "statements": {"a.b": {"level": "proved"}}}
    (tmp_path / "verification.json").write_text(json.dumps(last), encoding="utf-8")
    assert command_line.known_levels({}) == {"a.b": "proved"}
    (tmp_path / "verification.json").write_text(json.dumps({**last, "sources": "other"}))
    assert command_line.known_levels({}) == {}
    (tmp_path / "verification.json").write_text("{")
    assert command_line.known_levels({}) == {}
