"""The test vectors on the libraries of this environment: as the stored run says, and well behaved."""

import json

import pytest

from benchmarks import conformance
from reference_impl.conformance import main, vectors

STORED = json.loads(conformance.RESULT.read_text())
PYTHON = [one for one in STORED["implementations"] if one["adapter"].endswith(".py")]
# Of all kinds, and few enough that JAX, which compiles each of them, takes no minutes.
FUNCTIONS = ("sigmoid.sigmoid", "softmax.log_softmax", "softmax.losses", "logistic.nll")
LOST = conformance.LOST


def test_stored_run_is_of_these_vectors():
    """Vectors that changed since are measured anew: python -m benchmarks.conformance."""
    now = vectors.load(conformance.ROOT / "tests" / "vectors")
    assert STORED["vectors"]["sha256"] == now.sha256
    assert STORED["vectors"]["tests"] == len(now.tests)


def test_stored_run_has_every_implementation():
    assert [one["name"] for one in STORED["implementations"]] == [
        implementation.name for implementation in conformance.IMPLEMENTATIONS
    ]
    for one in STORED["implementations"]:
        assert one["passed"] > 0 and one["version"], one["name"]
        tried = one["passed"] + one["unsupported"] + sum(one["faults"].values())
        assert tried == STORED["vectors"]["tests"]
        assert sum(len(kind["tests"]) for kind in one["failures"]) == sum(one["faults"].values())


def test_this_project_passes_every_vector():
    (ours,) = (one for one in STORED["implementations"] if one["name"] == "this project")
    assert (ours["faults"], ours["unsupported"], ours["remarks"]) == ({}, 0, [])


@pytest.fixture
def report(tmp_path, capsys):
    def run(adapter, functions):
        path = tmp_path / "report.json"
        status = main(
            ["--adapter", adapter, "--functions", *functions, "--json", str(path),
             "--vectors", str(conformance.ROOT / "tests" / "vectors"), "--timeout", "300"]
        )  # fmt: skip
        assert status in (0, 1), capsys.readouterr().err
        return json.loads(path.read_text())

    return run


@pytest.mark.parametrize("one", PYTHON, ids=lambda one: one["name"])
def test_as_the_stored_run_says(one, report):
    """What is accepted or refused is the same anywhere; of digits, those that are lost for good."""
    there = [
        name for name in FUNCTIONS
        if one["functions"][name]["passed"] + one["functions"][name]["failed"]
    ]  # fmt: skip
    assert there
    found = report(one["adapter"], there)
    assert found["remarks"] == []
    for name in there:
        now, stored = found["functions"][name], one["functions"][name]
        assert now["unsupported"] == stored["unsupported"], name
        lost = [float(counts["ulp"] or 0) > LOST for counts in (now, stored)]
        assert lost[0] == lost[1], name
    failed = {
        f"{test['statement']} {test['id']}"
        for test in found["tests"]
        if test["verdict"] == "failed" and test["fault"] != "digits"
    }
    known = {
        test
        for kind in one["failures"]
        if kind["fault"] != "digits"
        for test in kind["tests"]
    }  # fmt: skip
    asked = {f"{test['statement']} {test['id']}" for test in found["tests"]}
    assert failed == known & asked


@pytest.mark.parametrize("one", PYTHON, ids=lambda one: one["name"])
def test_no_adapter_crashes(one):
    """What a library refuses, its adapter says; anything else is a mistake of the adapter."""
    assert {"crash", "hang", "noise", "no answer"}.isdisjoint(one["faults"]), one["faults"]
    # PyTorch has no batch norm of a single row, on purpose; no other valid input is refused.
    refused = [kind for kind in one["failures"] if kind["fault"] == "refused"]
    assert all("more than 1 value per channel" in kind["said"] for kind in refused), refused
