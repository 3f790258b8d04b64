"""The conformance kit: what it says of programs that are right, wrong, and not well behaved."""

import json
import math
import re
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ElementTree
import zipfile
from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path

import loops
import pytest
from mpmath import mp

from reference_impl.conformance import adapter, main, numbers, program, vectors, verdicts

ROOT = Path(__file__).resolve().parent.parent
ADAPTERS = ROOT / "tests" / "adapters"


# ------------------------------------------------------------------------ a small file of vectors


def text(value):
    if isinstance(value, list):
        return [text(part) for part in value]
    return mp.nstr(value, 50)


def softplus(t):
    return text(loops.at(80, loops.softplus_all, t))


CONTENT = {
    "schema": 2,
    "statement": "sigmoid.softplus",
    "function": "sigmoid.softplus",
    "arguments": {"t": "n"},
    "digits": 50,
    "flags": {
        "saturated": {"bugType": "digits lost", "effect": "the loss is 0", "description": "far out"},
        "refused": {"bugType": "no check", "effect": "nan goes on", "description": "no number"},
    },
    "tests": [
        {"id": 1, "comment": "moderate", "flags": [], "result": "valid", "why": "two roundings",
         "input": {"t": [0.5, -1.25]}, "output": softplus([0.5, -1.25]), "ulp": 2},
        {"id": 2, "comment": "confident", "flags": ["saturated"], "result": "valid", "why": "as 1",
         "input": {"t": [-40.0]}, "output": softplus([-40.0]), "ulp": [2]},
        {"id": 3, "comment": "nan", "flags": ["refused"], "result": "invalid",
         "input": {"t": [1.0, "nan"]}, "error": {"kind": "not finite", "reason": "t: NaN"}},
        {"id": 4, "comment": "log(1 + e^t)", "flags": ["saturated"], "result": "wrong",
         "input": {"t": [-40.0]}, "output": softplus([-40.0]), "answer": [0.0],
         "bug": "log of a rounded 1 + e^t"},
        {"id": 5, "comment": "large", "flags": ["saturated"], "result": "valid", "why": "as 1",
         "input": {"t": [800.0]}, "output": softplus([800.0]), "ulp": 1},
    ],
}  # fmt: skip


def changed(number, **entries):
    """The file with one test changed; None takes an entry away."""
    tests = [
        {k: v for k, v in {**t, **entries}.items() if v is not None} if t["id"] == number else t
        for t in CONTENT["tests"]
    ]
    return {**CONTENT, "tests": tests}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "sigmoid.softplus.json").write_text(json.dumps(CONTENT))
    return folder


RIGHT = """
import json, math, sys
def softplus(t):
    if not math.isfinite(t):
        raise ValueError
    return max(t, 0.0) + math.log1p(math.exp(-abs(t)))
def answer(line):
    try:
        return json.dumps({"output": [softplus(float(t)) for t in json.loads(line)["input"]["t"]]})
    except ValueError:
        return json.dumps({"error": "expected finite numbers"})
"""
LOOP = """
for number, line in enumerate(sys.stdin, start=1):
    print(answer(line), flush=True)
"""


@pytest.fixture
def run(folder, tmp_path, capsys):
    """Run the kit on a Python program; return status, report as data, and text."""

    def run(source, *more, timeout=20):
        path, report = tmp_path / "program.py", tmp_path / "report.json"
        path.write_text(source)
        status = main(
            ["--run", f"{sys.executable} {path}", "--vectors", str(folder), "--json", str(report),
             "--timeout", str(timeout), *map(str, more)]
        )  # fmt: skip
        said = capsys.readouterr()
        return status, json.loads(report.read_text()), said.out + said.err

    return run


def verdict(report):
    """What became of each test: passed, or its fault."""
    return [test.get("fault", test["verdict"]) for test in report["tests"]]


# ------------------------------------------------------------------------------ what is measured


@pytest.mark.parametrize(
    "x",
    [1.0, -1.0, 1.5, 2.0**-1022, 2.0**-1030, 5e-324, 1e308, 0.1, math.nextafter(1.0, 0.0), 3e-310],
)
def test_ulp_is_the_spacing_of_floats(x):
    assert numbers.ulp(Fraction(x)) == Fraction(math.ulp(x))
    beyond = math.nextafter(x, math.copysign(math.inf, x))
    assert numbers.error(Fraction(beyond), Fraction(x)) == 1.0


def test_error_of_what_is_no_float():
    assert numbers.ulp(Fraction(0)) == Fraction(5e-324)
    third = Fraction(1, 3)
    assert 0 < numbers.error(Fraction(1 / 3), third) <= 0.5
    assert numbers.error(math.inf, math.inf) == 0.0
    assert numbers.error(math.inf, third) == numbers.error(math.nan, third) == math.inf
    assert numbers.error(math.nan, math.nan) == math.inf, "no exact value is nan"
    assert numbers.error(Fraction(10) ** 400, Fraction(0)) == math.inf


def test_read():
    found = numbers.read([[1, "0.1"], [None, "-inf"], [2.5, "1e-400"]])
    assert found.shape == (3, 2)
    assert found.entries[:2] == (1, Fraction(1, 10)), "a string is exact, not rounded to a float"
    assert math.isnan(found.entries[2]) and found.entries[3] == -math.inf
    assert found.entries[5] == Fraction(10) ** -400
    assert [found.place(number) for number in range(6)] == [
        "[0][0]", "[0][1]", "[1][0]", "[1][1]", "[2][0]", "[2][1]",
    ]  # fmt: skip
    tiny = numbers.read(["-7e-43429448190325182765", "1e-3000", "1e43429448190325182765"]).entries
    assert tiny == (-7 * Fraction(10) ** -3000, Fraction(10) ** -3000, math.inf)
    assert numbers.read(0.1) == numbers.Numbers((), (Fraction(0.1),))
    assert numbers.read(0.1).place(0) == ""
    assert numbers.read([]).shape == (0,)


@pytest.mark.parametrize(
    "value", ["one", "1/3", "1_0", "1" * 5000, True, {"a": 1}, [[1.0], 2.0], [[1.0], [1.0, 2.0]],
              [1.0, [2.0]], json.loads("[" * 50 + "]" * 50)]
)  # fmt: skip
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="expected"):
        numbers.read(value)


# ------------------------------------------------------------------------------ the files


def test_a_zip_is_read_as_the_folder(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        archive.write(folder / "sigmoid.softplus.json", "kit/vectors/sigmoid.softplus.json")
        archive.writestr("kit/package.json", "{}")
        archive.writestr("kit/README.md", "read me")
    one, other = vectors.load(folder), vectors.load(tmp_path / "kit.zip")
    file = vectors.load(folder / "sigmoid.softplus.json")
    assert one.sha256 == other.sha256 == file.sha256 and one.files == other.files == 1
    assert [t.request for t in one.tests] == [t.request for t in other.tests]
    assert [t.number for t in one.tests] == [1, 2, 3, 5], "wrong answers are not asked for"
    assert one.functions == ["sigmoid.softplus"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**CONTENT, "schema": 1}, "schema 1, expected 2"),
        (changed(1, ulp=None), "test 1: a valid test needs a bound"),
        (changed(1, ulp=-1), "a bound is a finite number of ulp from 0 on"),
        (changed(1, ulp=[1, 2, 3]), r"ulp of shape \(3,\), output of shape \(2,\)"),
        (changed(1, result="acceptable"), "result 'acceptable', expected one of"),
        (changed(1, flags=["strange"]), "flags without an explanation: strange"),
        (changed(3, error="nan"), "no vectors: TypeError"),
        (changed(1, input=None), "no vectors: KeyError: 'input'"),
        (changed(4, answer=None), "sigmoid.softplus 4: 'answer'"),
        (changed(4, input={"t": [-41.0]}), "a wrong answer needs a bound, or a valid test"),
        ({**CONTENT, "tests": []}, "found none"),
        ({"a": 1}, "found none"),
    ],
)
def test_files_that_are_not_as_the_format_says(folder, content, message):
    (folder / "sigmoid.softplus.json").write_text(json.dumps(content))
    with pytest.raises(vectors.Unreadable, match=message):
        vectors.load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (" " * (vectors.LARGEST + 1), "no more than"),
        ("{", "Expecting"),
        ('{"tests": NaN}', "NaN in"),
    ],
)
def test_files_that_cannot_be_read(folder, content, message):
    (folder / "sigmoid.softplus.json").write_text(content)
    with pytest.raises(vectors.Unreadable, match=message):
        vectors.load(folder)


def test_files_that_are_missing(tmp_path, capsys, monkeypatch):
    """Outside of a clone the default is not there: the line says where the vectors come from."""
    missing = str(tmp_path / "nowhere")
    for path, given, said in (
        (missing, ["--vectors", missing], "no such file or folder"),
        ("tests/vectors", [], "no such file or folder"),
        (str(tmp_path), ["--vectors", str(tmp_path)], "expected files of test vectors, found none"),
    ):
        monkeypatch.chdir(tmp_path)
        assert main(["--run", "true", *given]) == 2
        assert capsys.readouterr().err == f"--vectors: {path}: {said}; {vectors.WHERE}\n"


# ------------------------------------------------------------------------- right and wrong


def test_a_right_program_passes(run):
    status, report, said = run(RIGHT + LOOP)
    assert status == 0, said
    assert verdict(report) == ["passed"] * 4
    assert "4 passed, 0 failed, 0 unsupported, of 4 tests" in said
    assert report["functions"]["sigmoid.softplus"]["passed"] == 4
    assert 0 < report["flags"]["saturated"]["ulp"] < 1
    assert report["flags"]["refused"]["ulp"] is None


def with_bug(expression):
    return RIGHT.replace("max(t, 0.0) + math.log1p(math.exp(-abs(t)))", expression) + LOOP


def test_a_planted_bug_is_named(run):
    """Its answer is that of a negative case."""
    status, report, said = run(with_bug("max(t, 0.0) + math.log(1 + math.exp(-abs(t)))"))
    assert status == 1
    assert verdict(report) == ["passed", "digits", "passed", "passed"]
    assert report["tests"][1]["bug"] == "log of a rounded 1 + e^t"
    assert "the answer is that of a known bug: log of a rounded 1 + e^t" in said
    assert "FAILED sigmoid.softplus 2 (confident): " in said and "at [0], allowed 2: 0.0" in said


@pytest.mark.parametrize(
    ("expression", "faults"),
    [
        ("-(max(t, 0.0) + math.log1p(math.exp(-abs(t))))", ["digits", "digits", "passed", "digits"]),
        ("1.00000000000001 * (max(t, 0.0) + math.log1p(math.exp(-abs(t))))",
         ["digits", "digits", "passed", "digits"]),
        ("math.log1p(math.exp(min(t, 709.0)))", ["passed", "passed", "passed", "digits"]),
        ("max(t, 0.0) + math.log1p(math.exp(-abs(t))) if t < 700 else math.inf",
         ["passed", "passed", "passed", "not finite"]),
        ("[max(t, 0.0) + math.log1p(math.exp(-abs(t)))]", ["shape", "shape", "passed", "shape"]),
        ("str(t)", ["digits", "digits", "passed", "passed"]),
        ("'%s?' % t", ["shape", "shape", "passed", "shape"]),
    ],
)  # fmt: skip
def test_other_bugs_fail_without_a_name(run, expression, faults):
    status, report, said = run(with_bug(expression))
    assert (status, verdict(report)) == (1, faults)
    assert "known bug" not in said
    assert all(test.get("bug", "") == "" for test in report["tests"])


def test_what_must_be_refused_and_what_not(run):
    accepts = RIGHT.replace("if not math.isfinite(t):", "if False:") + LOOP
    status, report, said = run(accepts)
    assert (status, verdict(report)) == (1, ["passed", "passed", "accepted", "passed"])
    assert "accepted what must be refused (t: NaN; not finite); answered [1.31" in said
    status, report, said = run(RIGHT.replace("if not math.isfinite(t):", "if True:") + LOOP)
    assert (status, verdict(report)) == (1, ["refused", "refused", "passed", "refused"])
    assert "refused a valid input: expected finite numbers" in said


RIGHT_VALUE = "max(t, 0.0) + math.log1p(math.exp(-abs(t)))"
FAR = f"{RIGHT_VALUE} if -30 < t < 700 else 0.0"
EVERYWHERE = f"1.01 * ({RIGHT_VALUE})"
TWIN = {"bugType": "another", "effect": "another loss", "description": "as far out"}


@pytest.mark.parametrize(
    ("expression", "flags", "told"),
    [
        (FAR, {}, ["saturated"]),
        (FAR, {5: ["saturated", "twin"]}, ["saturated"]),  # a test without the other flag fails
        (FAR, {2: ["saturated", "twin"], 5: ["saturated", "twin"]}, ["saturated", "twin"]),
        (f"{RIGHT_VALUE} if t < 700 else 0.0", {}, []),  # another test with the flag passes
        (EVERYWHERE, {}, []),
        (EVERYWHERE, {1: ["saturated"]}, []),  # there is none without it
    ],
)
def test_an_effect_is_told_if_the_tests_of_its_flag_fail_and_no_others(
    folder, run, expression, flags, told
):
    """Of flags that no test tells apart, each may be the one."""
    tests = [{**test, "flags": flags.get(test["id"], test["flags"])} for test in CONTENT["tests"]]
    content = {**CONTENT, "flags": {**CONTENT["flags"], "twin": TWIN}, "tests": tests}
    (folder / "sigmoid.softplus.json").write_text(json.dumps(content))
    _, report, said = run(with_bug(expression))
    failed = [test for test in report["tests"] if test["verdict"] == "failed"]
    assert failed and all(list(test["effects"]) == told for test in failed)
    assert said.count("  saturated: the loss is 0\n") == len(failed) * ("saturated" in told)
    assert said.count("  or twin: another loss\n") == len(failed) * ("twin" in told)


def test_null_is_how_javascript_writes_nan(run):
    status, report, said = run("import sys\nfor _ in sys.stdin: print('{\"output\": [null]}')")
    assert (status, verdict(report)) == (1, ["shape", "not finite", "accepted", "not finite"])
    assert "[0]: nan, expected 4.248354255291589e-18" in said


def test_a_program_that_has_nothing(run):
    status, report, said = run("import sys\nfor _ in sys.stdin: print('{\"unsupported\": true}')")
    assert (status, verdict(report)) == (2, ["unsupported"] * 4), "nothing shown is no success"
    assert "4 unsupported, of 4 tests: nothing could be measured" in said


def test_several_results_have_names(folder, run):
    """An answer needs all of them, and each has its bound."""
    test = {
        "id": 1, "comment": "two", "flags": [], "result": "valid", "why": "exact", "input": {"t": [1.0]},
        "output": {"value": "1.5", "slope": ["2.5", "3"]}, "ulp": {"value": 0, "slope": [0, 1]},
    }  # fmt: skip
    (folder / "sigmoid.softplus.json").write_text(json.dumps({**CONTENT, "tests": [test]}))
    assert run(printed({"value": 1.5, "slope": [2.5, 3.0000000000000004]}))[0] == 0
    for wrong in (
        {"value": 1.5, "slope": [2.5000000000000004, 3.0]}, {"value": 1.5}, 1.5,
        {"value": 1.5, "slope": [2.5, 3.0], "more": 1.0},
    ):  # fmt: skip
        assert run(printed(wrong))[0] == 1


def printed(output):
    return f"import sys\nfor _ in sys.stdin: print('''{json.dumps({'output': output})}''')"


def test_vectors_that_accept_a_wrong_answer_are_no_vectors(folder, capsys):
    (folder / "sigmoid.softplus.json").write_text(json.dumps(changed(2, ulp=1e20)))
    assert main(["--run", "true", "--vectors", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "the vectors would accept answers known to be wrong: sigmoid.softplus 4 (log of" in said


def test_every_bug_that_gives_the_answer_is_named(folder, run):
    """Two may give the same, and data cannot tell them apart."""
    twin = {**CONTENT["tests"][3], "id": 6, "bug": "log of p"}
    other = {**CONTENT["tests"][3], "id": 7, "bug": "another", "answer": [1.0]}
    content = {**CONTENT, "tests": [*CONTENT["tests"], twin, other]}
    (folder / "sigmoid.softplus.json").write_text(json.dumps(content))
    _, report, _ = run(with_bug("max(t, 0.0) + math.log(1 + math.exp(-abs(t)))"))
    assert report["tests"][1]["bug"] == "log of a rounded 1 + e^t, or log of p"


def test_controls_are_rejected_by_the_judge(folder):
    found = vectors.load(folder)
    assert verdicts.accepted(found) == []
    (controls,) = found.controls.values()
    assert [control.bug for control in controls] == ["log of a rounded 1 + e^t"]


# ------------------------------------------------------------------ programs that do not behave


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("if number == 2: sys.exit(3)", "ended with status 3"),
        ("if number == 2: raise RuntimeError('no luck')", "status 1: RuntimeError: no luck"),
        ("if number == 2: import os; os.abort()", "ended by SIGABRT"),
    ],
)
@pytest.mark.parametrize("flush", [True, False], ids=["line by line", "buffered"])
def test_a_crash_is_the_result_of_its_test(run, before, said, flush):
    """The test is the one that kills the program by itself, whatever was still in its buffer."""
    before = before.replace("number == 2", "'-40' in line")
    loop = f"\nfor line in sys.stdin:\n    {before}\n    print(answer(line), flush={flush})\n"
    status, report, text = run(RIGHT + loop)
    assert (status, verdict(report)) == (1, ["passed", "crash", "passed", "passed"])
    assert said in text and "Traceback" not in text


def test_a_hang_is_the_result_of_its_test(run):
    loop = "\nimport time\nfor line in sys.stdin:\n    if '-40' in line: time.sleep(60)\n"
    status, report, said = run(RIGHT + loop + "    print(answer(line), flush=True)\n", timeout=3)
    assert (status, verdict(report)) == (1, ["passed", "hang", "passed", "passed"])
    assert "hang: no answer within 3 s" in said


def test_what_a_hanging_program_has_started_is_ended_too(folder, run, tmp_path):
    one = {**CONTENT, "tests": CONTENT["tests"][:1]}
    (folder / "sigmoid.softplus.json").write_text(json.dumps(one))
    pid = tmp_path / "pid"
    source = (
        f"import subprocess, time\nchild = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\ntime.sleep(60)\n"
    )
    status, report, _ = run(source, timeout=5)
    assert (status, verdict(report)) == (2, ["hang"])
    # Ended, and perhaps not yet collected by the process that inherited it.
    stat, began = Path(f"/proc/{pid.read_text()}/stat"), time.monotonic()
    while stat.exists() and stat.read_text().rpartition(") ")[2][0] != "Z":
        assert time.monotonic() - began < 30, "it runs on"
        time.sleep(0.05)


def test_a_program_that_never_answers_is_given_up(run):
    status, report, said = run("import sys\nfor _ in sys.stdin: sys.exit('not today')")
    assert (status, verdict(report)) == (2, ["crash"] * 4)
    assert "ended with status 1: not today" in said


NODE = """node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module './softmx'
Require stack:
- /home/softmax.cjs
    at Module._load (node:internal/modules/cjs/loader:1038:27) {
  code: 'MODULE_NOT_FOUND'
}

Node.js v20.20.2
"""
RUST = """
thread 'main' panicked at src/main.rs:2:5:
index out of bounds: the len is 3
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
JAVA = 'Exception in thread "main" java.lang.Error: no luck\n\tat Main.main(Main.java:3)\n'
GO = "panic: no luck\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:4 +0x18\nexit status 2\n"


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (NODE, "Error: Cannot find module './softmx'"),
        (RUST, "index out of bounds: the len is 3"),
        (JAVA, 'Exception in thread "main" java.lang.Error: no luck'),
        (GO, "panic: no luck"),
        ("one\nnot today\n", "not today"),
    ],
    ids=["Node", "Rust", "Java", "Go", "none"],
)
def test_a_program_that_dies_at_its_start_is_one_line(folder, tmp_path, capsys, printed, line):
    """The line is the one that says what is wrong, and the program is started twice, not 15 times."""
    path, starts = tmp_path / "program.py", tmp_path / "starts"
    path.write_text(
        f"import sys\nopen({str(starts)!r}, 'a').write('.')\nsys.stderr.write({printed!r})\nsys.exit(1)"
    )
    command = f"{sys.executable} {path}"
    assert main(["--run", command, "--vectors", str(folder)]) == 2
    assert capsys.readouterr() == ("", f"--run: {command}: ended with status 1: {line}\n")
    assert starts.read_text() == ".."


def test_a_program_that_takes_the_end_of_its_input_for_an_error_has_started(run):
    """What it says without a request is not what the first one made it say."""
    loop = "\nwhile True:\n    line = input()\n    if '0.5' in line: sys.exit(3)\n"
    loop += "    print(answer(line), flush=True)\n"
    status, report, _ = run(RIGHT + loop)
    assert (status, verdict(report)) == (1, ["crash", "passed", "passed", "passed"])


@pytest.mark.parametrize("more", [0, 100], ids=["few", "many"])
def test_starts_are_bounded(more):
    requests = ['{"function": "a", "input": {}}'] * (4 + more)
    said = program.ask(
        [sys.executable, "-c", "import sys\nfor _ in sys.stdin: sys.exit(5)"], requests, 20
    )
    kinds = {answer.kind for answer in said.answers}
    assert len(said.answers) == len(requests)
    assert kinds == ({"crash", "no answer"} if more else {"crash"})
    if more:
        assert "failed 15 times before (ended with status 5)" in said.answers[-1].content


def test_a_banner_is_noise_and_no_answer(run):
    status, report, said = run("print('welcome', flush=True)\n" + RIGHT + LOOP)
    assert (status, verdict(report)) == (1, ["passed"] * 4)
    assert report["remarks"] == ["printed a line that is no answer: 'welcome'"]
    assert "the program printed a line that is no answer: 'welcome'" in said


@pytest.mark.parametrize("instead", ["oops", "{", "[1]", "7", "{}", '{\\"output\\": [1'])
def test_noise_in_place_of_an_answer_shifts_nothing(run, instead):
    loop = (
        f"\nfor line in sys.stdin:\n    print(\"{instead}\" if '-40' in line else answer(line))\n"
    )
    status, report, said = run(RIGHT + loop)
    assert (status, verdict(report)) == (1, ["passed", "noise", "passed", "passed"])
    assert "noise: printed " in said


def test_too_few_lines(run):
    loop = "\nfor line in sys.stdin:\n    if '-40' not in line: print(answer(line))\n"
    status, report, said = run(RIGHT + loop)
    assert (status, verdict(report)) == (1, ["passed", "no answer", "passed", "passed"])
    assert "ended with status 0 and printed nothing" in said


def test_too_many_lines(run):
    loop = "\nfor line in sys.stdin:\n    print(answer(line))\n    if '-40' in line: print(answer(line))\n"
    status, report, said = run(RIGHT + loop)
    assert (status, verdict(report)) == (1, ["passed", "noise", "passed", "passed"])
    assert "printed 2 answers to one request" in said


def test_a_flood_is_stopped(run):
    status, report, said = run("while True: print('water')")
    assert (status, verdict(report)) == (2, ["noise"] * 4)
    assert "printed more than" in said


def test_a_program_that_does_not_end_with_its_input(run):
    status, report, said = run(RIGHT + LOOP + "\nimport time; time.sleep(60)", timeout=3)
    assert (status, verdict(report)) == (1, ["passed"] * 4)
    assert "after its last answer: did not end with its input within 3 s" in said


def test_bytes_that_are_no_text(run):
    _, report, _ = run("import sys\nfor _ in sys.stdin: sys.stdout.buffer.write(b'\\xff\\xfe\\n')")
    assert verdict(report) == ["noise"] * 4


# ------------------------------------------------------------------------- the command line


def test_each_failure_has_a_line_that_reproduces_it(run):
    _, report, said = run(with_bug("max(t, 0.0) + math.log(1 + math.exp(-abs(t)))"))
    (line,) = [test["reproduce"] for test in report["tests"] if "reproduce" in test]
    assert f"  {line}\n" in said
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"output": [0.0]}


def test_failures_that_are_expected(run, tmp_path):
    """A failure that is known is no surprise; one that is not, or a success, is."""
    wrong = with_bug("max(t, 0.0) + math.log(1 + math.exp(-abs(t)))")
    known = tmp_path / "known.json"
    status, report, _ = run(wrong)
    assert status == 1
    known.write_text(json.dumps(report))
    status, _, said = run(wrong, "--expected", known)
    assert status == 0 and "1 failed (1 of them expected)" in said and "FAILED" not in said
    status, _, said = run(RIGHT + LOOP, "--expected", known)
    assert status == 1 and "PASSED sigmoid.softplus 2, which was expected to fail" in said
    status, _, said = run(with_bug("-t"), "--expected", known)
    assert status == 1 and "FAILED sigmoid.softplus 1 " in said and "softplus 2 (" not in said


@pytest.mark.parametrize("content", ["", "[]", '{"tests": [{"id": 1}]}', '{"tests": 3}'])
def test_expectations_that_cannot_be_read(folder, tmp_path, capsys, content):
    known = tmp_path / "known.json"
    known.write_text(content)
    assert main(["--run", "true", "--vectors", str(folder), "--expected", str(known)]) == 2
    assert capsys.readouterr().err.startswith(f"--expected: {known}: ")


@pytest.mark.parametrize(
    ("source", "shown"),
    [(RIGHT + LOOP, "4 of 4"), (with_bug("-t"), "1 of 4")],
    ids=["right", "wrong"],
)
def test_badge(run, tmp_path, source, shown):
    run(source, "--badge", tmp_path / "deep" / "badge.svg")
    badge = ElementTree.parse(tmp_path / "deep" / "badge.svg").getroot()
    assert badge.attrib["aria-label"] == f"conformance: {shown}"
    assert [text.text for text in badge.iter("{http://www.w3.org/2000/svg}text")][-1] == shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "no-such-program"], "--run: no-such-program: No such file or directory"),
        (["--run", ""], "--run: expected a command, given nothing"),
        (["--run", "node 'a"], "--run: No closing quotation: node 'a"),
        (
            ["--adapter", "no_such_module"],
            "--adapter: no_such_module: ended with status 2: No module named",
        ),
        (
            ["--adapter", "nowhere.py"],
            "--adapter: nowhere.py: ended with status 2: nowhere.py: no such file",
        ),
        (["--adapter", "json"], "expected a function answer(function, input), found none"),
        (
            ["--run", "true", "--functions", "sigmoid", "tanh"],
            "--functions: no vectors for tanh (there are sigmoid)\n",
        ),
        (
            ["--run", "true", "--functions", "sigmoid.sofplus", "plus"],
            "no vectors for sigmoid.sofplus (did you mean sigmoid.softplus, sigmoid?); "
            "no vectors for plus (did you mean sigmoid.softplus?)\n",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(folder, capsys, arguments, message):
    assert main([*arguments, "--vectors", str(folder)]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["--run", "a", "--adapter", "b"], ["--run", "a", "--timeout", "0"]]
)
def test_usage(arguments):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_functions_are_chosen_by_name_statement_or_concept(folder, run):
    """Either name will do: failures and files are called by the statement, requests by the function."""
    other = {**CONTENT, "statement": "sigmoid.copy", "function": "other.copy"}
    (folder / "sigmoid.copy.json").write_text(json.dumps(other))
    count = {
        names: len(run(RIGHT + LOOP, "--functions", *names.split())[1]["tests"])
        for names in ("sigmoid", "sigmoid.softplus", "other.copy", "sigmoid.copy", "other")
    }
    assert count == {
        "sigmoid": 8, "sigmoid.softplus": 4, "other.copy": 4, "sigmoid.copy": 4, "other": 4,
    }  # fmt: skip


def test_command_is_an_entry_point():
    """The script `logisticbp` finds its further commands by their group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    group = "logisticbp.commands"
    value = project["entry-points"][group]["conformance"]
    assert EntryPoint("conformance", value, group).load() is main


def test_module_runs_from_a_checkout():
    done = subprocess.run(
        [sys.executable, "-m", "reference_impl.conformance", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("usage: logisticbp conformance")
    assert "default: tests/vectors" in " ".join(done.stdout.split())


# -------------------------------------------------------------------------- adapters in Python


MODULE = """
import math
import re
print("a library that talks")
def answer(function, input):
    if function != "sigmoid.softplus":
        raise NotImplementedError
    if not all(map(math.isfinite, input["t"])):
        raise {refusal}("no")
    return tuple(max(t, 0.0) + math.log1p(math.exp(-abs(t))) for t in input["t"])
"""


@pytest.mark.parametrize(
    ("refusal", "status"), [("ValueError", 0), ("TypeError", 0), ("RuntimeError", 1)]
)
def test_adapter(folder, tmp_path, capsys, refusal, status):
    """What it prints is no noise; only ValueError and TypeError refuse, anything else is a crash."""
    path = tmp_path / "mine.py"
    path.write_text(MODULE.format(refusal=refusal))
    assert main(["--adapter", str(path), "--vectors", str(folder)]) == status
    assert ("crash: RuntimeError: no" in capsys.readouterr().out) is bool(status)


def test_adapter_takes_and_gives_what_json_cannot_hold():
    assert adapter.numbers([["inf", 1.0], ["nan", "-inf"]])[0] == [math.inf, 1.0]
    assert adapter.numbers("one") == "one", "another text stays: it is to be refused"
    assert adapter.lists({"a": (1.0, [2.0])}) == {"a": [1.0, [2.0]]}


def compiled(tmp_path):
    """The adapter in C, or a reason why there is none."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = tmp_path / "softmax"
    source = str(ADAPTERS / "softmax.c")
    options = ["-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *options, "-o", str(program), source, "-lm"], check=True)
    return ["--run", str(program)]


def in_node(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    return ["--run", f"node {ADAPTERS / 'softmax.mjs'}"]


@pytest.mark.parametrize("program", [compiled, in_node], ids=["C", "JavaScript"])
def test_adapters_in_other_languages(folder, tmp_path, capsys, program):
    assert main([*program(tmp_path), "--vectors", str(folder)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("module", ["reference", "by_python"])
def test_adapters_that_need_nothing_else(folder, module, capsys):
    path = ADAPTERS / f"{module}.py"
    assert main(["--adapter", str(path), "--vectors", str(folder)]) == 0, capsys.readouterr().out


# --------------------------------------------------------------------------- the page about it


PAGE = (ROOT / "docs" / "peers.md").read_text()


def example(language):
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return code


@pytest.mark.parametrize("language", ["javascript", "c"])
def test_the_examples_of_the_page(folder, tmp_path, capsys, language):
    source = tmp_path / {"javascript": "softplus.mjs", "c": "softplus.c"}[language]
    source.write_text(example(language))
    tool = shutil.which({"javascript": "node", "c": "cc"}[language])
    if tool is None:
        pytest.skip(f"there is no tool for {language}")
    if language == "c":
        command = str(tmp_path / "softplus")
        subprocess.run(
            [tool, "-Wall", "-Wextra", "-Werror", "-o", command, source, "-lm"], check=True
        )
    else:
        command = f"node {source}"
    for files in (folder, ROOT / "tests" / "vectors"):
        arguments = ["--run", command, "--vectors", str(files), "--functions", "sigmoid.softplus"]
        assert main(arguments) == 0, capsys.readouterr().out


# ----------------------------------------------------------------------------- the real files


@pytest.mark.parametrize("module", ["reference", "by_python"])
def test_every_vector(module, capsys):
    """The reference implementation and the plain one pass every test that they have."""
    arguments = ["--adapter", str(ADAPTERS / f"{module}.py")]
    assert main([*arguments, "--vectors", str(ROOT / "tests" / "vectors")]) == 0, (
        capsys.readouterr().out
    )
    assert " 0 failed" in capsys.readouterr().out


def test_every_function_is_answered_by_the_reference(tmp_path):
    report = tmp_path / "report.json"
    files = str(ROOT / "tests" / "vectors")
    main(["--adapter", str(ADAPTERS / "reference.py"), "--vectors", files, "--json", str(report)])
    functions = json.loads(report.read_text())["functions"]
    assert {name: count for name, count in functions.items() if count["unsupported"]} == {}


@pytest.mark.parametrize("program", [compiled, in_node], ids=["C", "JavaScript"])
def test_every_vector_in_other_languages(tmp_path, capsys, program):
    arguments = [*program(tmp_path), "--vectors", str(ROOT / "tests" / "vectors")]
    assert main(arguments) == 0, capsys.readouterr().out
