"""The files of test vectors: up to date, met by the implementation, and missed by every bug."""

import importlib.util
import json
import pathlib
import re
import zlib
from fractions import Fraction

import pytest
import reference_answers
import vectors
import vectors.careful
import vectors.estimates
from hypothesis import given, strategies as st
from vectors import arithmetic, bugs

from reference_impl.engine import separation

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
    if isinstance(error, separation.SeparationError | separation.RankError):
        return "domain"
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


# ------------------------------------------------------------------ textbook code


@each_file
def test_textbook_code_that_is_stable_meets_every_bound(path):
    function = WRITTEN[path.stem].function
    if function == "logistic.separation":
        return  # a decision, in integers
    careful = bugs.Bug("", function, "none", vectors.careful.FUNCTIONS[function])
    largest = 0.0
    for test in chosen(path, "valid"):
        error = bugs.distance(careful, test["input"], vectors.numbers(test["output"]), test["ulp"])
        assert error <= 1, f"{path.stem} {test['id']}: {error:.3g} times the bound"
        largest = max(largest, error)
    # No wider than need be: somewhere the code comes near the bound, unless it is exact.
    assert largest > 0.04 or function.split("_")[0] in EXACT


EXACT = ("activations.relu", "gates.hard", "maps.embedding")


# ------------------------------------------------------------------ certificates


def test_certificates_prove_the_verdicts():
    for test in chosen(vectors.FOLDER / "logistic.no_mle_when_separable.json", "valid"):
        X, y, certificate = test["input"]["X"], test["input"]["y"], test["certificate"]
        verdict = vectors.estimates.proved(X, y, **certificate)
        assert str(vectors.estimates.VERDICTS[verdict]) == test["output"].removesuffix(".0")


@pytest.mark.parametrize("name", ["direction", "multipliers"])
def test_a_certificate_that_proves_nothing_is_refused(name):
    for test in chosen(vectors.FOLDER / "logistic.no_mle_when_separable.json", "valid"):
        X, y, certificate = test["input"]["X"], test["input"]["y"], test["certificate"]
        if any(certificate[name]):
            wrong = {**certificate, name: [0] * len(certificate[name])}
            with pytest.raises(AssertionError):
                vectors.estimates.proved(X, y, **wrong)


# ------------------------------------------------------------------ the arithmetic

floats = st.floats(-(2.0**100), 2.0**100).filter(lambda x: x == 0 or abs(x) > 2.0**-100)


@given(st.lists(floats, min_size=1, max_size=6))
def test_the_error_of_a_sum_is_within_its_bound(terms):
    """In the order given, and in the order of the sizes."""
    bound = arithmetic.total(map(arithmetic.exact, terms)).error
    for order in (terms, sorted(terms, key=abs), sorted(terms, key=abs, reverse=True)):
        computed = 0.0
        for term in order:
            computed += term
        assert within_bound(computed, sum(map(Fraction, terms)), bound)


@given(floats, floats)
def test_the_error_of_one_operation_is_within_its_bound(a, b):
    x, y = arithmetic.exact(a), arithmetic.exact(b)
    assert within_bound(a * b, Fraction(a) * Fraction(b), (x * y).error)
    if b:
        assert within_bound(a / b, Fraction(a) / Fraction(b), (x / y).error)


def within_bound(computed, exact, bound):
    mantissa, exponent = map(int, bound.man_exp())
    error = mantissa * Fraction(2) ** exponent
    return exact - error <= Fraction(computed) <= exact + error


@pytest.mark.parametrize(
    ("terms", "error"), [([0.125, 2.5, -3.0], 0), ([1.0, 2.0**-53], None), ([0.5, -0.5, 3.0], 0)]
)
def test_a_sum_that_is_exact_has_no_error(terms, error):
    found = arithmetic.total(map(arithmetic.exact, terms)).error
    assert found == 0 if error == 0 else found > 0


def test_units_are_constant_below_the_normal_numbers():
    """e^-740 is 2.2e-322, which is 43 times 2^-1074: one unit from exp, and half of it again."""
    assert arithmetic.ulp(arithmetic.exp(arithmetic.exact(-740.0))) <= 2
    assert arithmetic.ulp(arithmetic.exp(arithmetic.exact(1.0))) <= 2


def test_a_zero_with_an_error_has_no_ulp():
    third = arithmetic.exact(1.0) / arithmetic.exact(3.0)
    with pytest.raises(AssertionError):
        arithmetic.ulp(arithmetic.Number(arithmetic.ZERO.ball, third.error))


# ------------------------------------------------------------------ the format

SCHEMA = json.loads((vectors.FOLDER / "schema.json").read_text(encoding="utf-8"))
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": int | float,
    "null": type(None),
}
KEYWORDS = {
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "enum", "items", "minimum",
    "pattern", "properties", "required", "title", "type",
}  # fmt: skip


def follows(value, schema):
    """Whether a value is as a JSON Schema says, which uses the keywords above and no others."""
    assert schema.keys() <= KEYWORDS, schema
    if "$ref" in schema:
        return follows(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in schema and not any(follows(value, one) for one in schema["anyOf"]):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if isinstance(value, bool):
        return False
    if "minimum" in schema and not value >= schema["minimum"]:
        return False
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    if "items" in schema and not all(follows(entry, schema["items"]) for entry in value):
        return False
    return _properties_follow(value, schema) if isinstance(value, dict) else True


def _properties_follow(value, schema):
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    if not value.keys() >= set(schema.get("required", [])):
        return False
    if others is False and not value.keys() <= known.keys():
        return False
    return all(follows(part, known.get(name, others or {})) for name, part in value.items())


@each_file
def test_files_follow_the_schema(path):
    content = vectors.read(path.stem)
    for test in content["tests"]:  # one by one, so that a failure names it
        assert follows(test, SCHEMA["properties"]["tests"]["items"]), test
    assert follows(content, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema",), 1),
        (("statement",), "softmax"),
        (("flags",), {"ties": "equal logits"}),
        (("tests", 0, "output"), 0.5),
        (("tests", 0, "output"), ["nan"]),
        (("tests", 0, "ulp"), -1),
        (("tests", 0, "input"), {"t": ["inf"]}),
        (("tests", 0, "result"), "acceptable"),
        (("tests", 0, "more"), "text"),
        (("tests", 50, "error"), "a word"),
        (("tests", 50, "error"), {"kind": "size", "reason": ""}),
    ],
)
def test_another_format_is_seen(place, value):
    content = vectors.read("sigmoid.stable")
    part = content
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    assert not follows(content, SCHEMA)


@each_file
def test_inputs_and_outputs(path):
    """Flags are explained and used, ids count up, no input is there twice, names are arguments."""
    content = vectors.read(path.stem)
    tests = content["tests"]
    assert set(content["flags"]) == {flag for test in tests for flag in test["flags"]}
    assert [test["id"] for test in tests] == list(range(1, len(tests) + 1))
    asked = [json.dumps(test["input"]) for test in tests if test["result"] != "wrong"]
    assert len(set(asked)) == len(asked)
    assert {name for test in tests for name in test["input"]} <= content["arguments"].keys()


def test_functions_have_one_file_each():
    functions = [file.function for file in WRITTEN.values()]
    assert len(set(functions)) == len(functions)
    assert set(functions) == reference_answers.FUNCTIONS.keys() & set(functions)


def test_vectors_import_neither_room():
    for path in vectors.FOLDER.glob("*.py"):
        for name in ("derivations", "reference_impl"):
            assert not re.search(rf"^\s*(import|from) {name}", path.read_text(), re.MULTILINE), (
                path.name
            )


def test_statements_exist():
    formulas = json.loads((TESTS.parent / "docs/downloads/formulas.json").read_text())
    assert WRITTEN.keys() <= {record["id"] for record in formulas["statements"]}


def test_there_are_enough():
    """So many that a bug has no place to hide, and of what must be refused no less than 3 in 10."""
    counts = {
        result: sum(len(chosen(path, result)) for path in FILES)
        for result in ("valid", "invalid", "wrong")
    }
    assert counts["valid"] >= 2500 and counts["wrong"] >= 100
    assert counts["invalid"] >= 0.3 * sum(counts.values())


def test_the_archive_is_small():
    sizes = [len(zlib.compress(path.read_bytes())) for path in FILES]
    assert sum(sizes) < 2_000_000


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
