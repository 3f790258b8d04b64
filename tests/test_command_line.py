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
    "python": "Derivative(NLL(), w[k])",
    "numpy": "return X.T @ (p - y)",
    "javascript": "export function nll_gradient(w, X, y)",
    "json": '"id": "logistic.nll_gradient"',
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
    for name in ids if form in ("json", "python") else ids[:1]:
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


def test_interrupt_is_one_line(tmp_path):
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "derivations",
            "verify",
            "logistic",
            "--jobs",
            "1",
            "--out",
            tmp_path,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(4)
    os.killpg(running.pid, signal.SIGINT)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130, complaint
    assert complaint == "interrupted: nothing was written\n"


def test_importing_everything_is_cheap():
    """Constructing proves nothing, so it takes little: all statements within 1.5 s."""
    program = (
        "import time; began = time.perf_counter(); import derivations; derivations.statements();"
        "print(time.perf_counter() - began)"
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
    assert script.read_text().startswith("x = 1\n\n\ntemperature = Statement(\n")
    for face in ("reference_impl/softmax.py", "tests/test_softmax.py", "docs/softmax.md"):
        assert "softmax.temperature" in (tmp_path / face).read_text()
    with pytest.raises(new.Exists, match=r"softmax\.temperature is there already"):
        new.faces("softmax.temperature", tmp_path)
    with pytest.raises(new.Exists, match=r"expected concept\.name"):
        new.faces("temperature", tmp_path)
