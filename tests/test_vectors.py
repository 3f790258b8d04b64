"""The files of test vectors: up to date, read strictly, and none left out of the tests."""

import importlib.util
import json
import pathlib

import pytest
import vectors

FILES = sorted(vectors.FOLDER.glob("*.json"))
TESTS = pathlib.Path(__file__).parent


def generate():
    specification = importlib.util.spec_from_file_location(
        "generate", vectors.FOLDER / "generate.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_files_are_what_the_generator_writes():
    written = {
        f"{statement}.json": generate.content(statement, tests)
        for generate in [generate()]
        for statement, tests in generate.files()
    }
    assert sorted(written) == [path.name for path in FILES]
    for path in FILES:
        assert path.read_text(encoding="utf-8") == written[path.name], f"{path.name} is stale"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_used(path):
    """By its id, in a test of the implementation."""
    sources = [test.read_text(encoding="utf-8") for test in TESTS.glob("test_*.py")]
    assert any(f'"{path.stem}"' in source for source in sources)
    assert len(list(vectors.load(path.stem))) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_inputs_and_outputs(path):
    """Every flag is explained and used; an output has 50 digits or is exact."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content["flags"]) == {flag for test in content["tests"] for flag in test["flags"]}
    assert [test["id"] for test in content["tests"]] == list(range(1, len(content["tests"]) + 1))
    assert content["digits"] == 50


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "FOLDER", tmp_path)
    return tmp_path


def test_not_a_number_is_refused(folder):
    (folder / "a.json").write_text('{"schema": 1, "statement": "a", "flags": {}, "tests": [NaN]}')
    with pytest.raises(ValueError, match="NaN in a vector"):
        vectors.load("a")


def test_an_unexplained_flag_is_refused(folder):
    test = {"id": 1, "comment": "", "flags": ["strange"], "input": {}, "output": "1"}
    content = {"schema": 1, "statement": "a", "flags": {}, "tests": [test]}
    (folder / "a.json").write_text(json.dumps(content))
    with pytest.raises(AssertionError):
        vectors.load("a")


def test_a_large_file_is_refused(folder):
    (folder / "a.json").write_text(" " * (vectors.LARGEST + 1))
    with pytest.raises(ValueError, match="larger than"):
        vectors.load("a")
