"""The files of test vectors: up to date, met by the implementation, and missed by every bug."""

import importlib.util
import json
import pathlib
import re

import pytest
import reference_answers
import vectors
from vectors import bugs

FILES = sorted(path for path in vectors.FOLDER.glob("*.json") if path.stem != "schema")
TESTS = pathlib.Path(__file__).parent
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def generate():
    specification = importlib.util.spec_from_file_location(
        "generate", vectors.FOLDER / "generate.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


GENERATE = generate()
WRITTEN = {file.statement: file for file in GENERATE.files()}


def chosen(path, result):
    return [test for test in vectors.read(path.stem)["tests"] if test["result"] == result]


def test_every_file_is_written():
    assert sorted(WRITTEN) == sorted(path.stem for path in FILES)


@each_file
def test_files_are_what_the_generator_writes(path):
    written = GENERATE.content(WRITTEN[path.stem])
    assert path.read_text(encoding="utf-8") == written, f"{path.name} is stale"


# ------------------------------------------------------------------ the implementation


def within(answer, test):
    """The largest error of an answer, in units of its bound."""
    output = vectors.numbers(test["output"])
    return bugs.largest(plain(answer), output, test["ulp"])


def plain(answer):
    if isinstance(answer, dict):
        return {name: plain(part) for name, part in answer.items()}
    return answer.tolist() if hasattr(answer, "tolist") else answer


@each_file
def test_the_implementation_meets_every_bound(path):
    function = WRITTEN[path.stem].function
    for test in chosen(path, "valid"):
        error = within(reference_answers.answer(function, test["input"]), test)
        assert error <= 1, f"{path.stem} {test['id']}: {error:.3g} times the bound"


def kind(error):
    """Which of the kinds of the format an error of the implementation is."""
    if isinstance(error, TypeError):
        return "type"
    if re.search(r"given (nan|-?inf)", str(error)):
        return "not finite"
    return "shape" if re.search(r"shape|rectangular|axis", str(error)) else "domain"


@each_file
def test_the_implementation_refuses_what_is_invalid(path):
    function = WRITTEN[path.stem].function
    for test in chosen(path, "invalid"):
        with pytest.raises((TypeError, ValueError)) as refusal:
            reference_answers.answer(function, test["input"])
        assert kind(refusal.value) == test["error"]["kind"], f"{test['id']}: {refusal.value}"


# ------------------------------------------------------------------ bugs


@pytest.mark.parametrize("bug", bugs.BUGS, ids=lambda bug: f"{bug.function}, {bug.name}")
def test_a_bug_fails_where_its_flag_is_and_nowhere_else(bug):
    """One of the tests with its flag by far, and none without."""
    (path,) = (path for path in FILES if WRITTEN[path.stem].function == bug.function)
    errors = {True: [], False: []}
    for test in chosen(path, "valid"):
        output = vectors.numbers(test["output"])
        error = bugs.distance(bug, test["input"], output, test["ulp"])
        errors[bug.flag in test["flags"]].append(error)
    assert max(errors[True]) > 2
    assert max(errors[False], default=0) <= 1


def test_every_flag_is_that_of_a_bug():
    assert {bug.flag for bug in bugs.BUGS} == bugs.FLAGS.keys()


@each_file
def test_known_wrong_answers_are_wrong(path):
    for test in chosen(path, "wrong"):
        answer = as_floats(test["answer"])
        assert within(answer, test) > bugs.PLAIN, f"{path.stem} {test['id']}"


def as_floats(value):
    if isinstance(value, dict):
        return {name: as_floats(part) for name, part in value.items()}
    return [as_floats(part) for part in value] if isinstance(value, list) else float(value)


# ------------------------------------------------------------------ the format


@each_file
def test_inputs_and_outputs(path):
    """Every flag is explained and used; ids count up; inputs are exact."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content["flags"]) == {flag for test in content["tests"] for flag in test["flags"]}
    assert [test["id"] for test in content["tests"]] == list(range(1, len(content["tests"]) + 1))
    assert content["digits"] == 50


def test_there_are_enough():
    """Of the tests, as many are invalid as a function needs to be told what it must refuse."""
    counts = {
        result: sum(len(chosen(path, result)) for path in FILES)
        for result in ("valid", "invalid", "wrong")
    }
    assert sum(counts.values()) >= 2000
    assert counts["invalid"] >= 0.3 * sum(counts.values())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "FOLDER", tmp_path)
    return tmp_path


def test_not_a_number_is_refused(folder):
    (folder / "a.json").write_text('{"schema": 2, "statement": "a", "flags": {}, "tests": [NaN]}')
    with pytest.raises(ValueError, match="NaN in a vector"):
        vectors.load("a")


def test_an_unexplained_flag_is_refused(folder):
    test = {"id": 1, "comment": "", "flags": ["strange"], "input": {}, "output": "1"}
    content = {"schema": 2, "statement": "a", "flags": {}, "tests": [test]}
    (folder / "a.json").write_text(json.dumps(content))
    with pytest.raises(AssertionError):
        vectors.load("a")


def test_a_large_file_is_refused(folder):
    (folder / "a.json").write_text(" " * (vectors.LARGEST + 1))
    with pytest.raises(ValueError, match="larger than"):
        vectors.load("a")
