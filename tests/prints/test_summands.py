"""The summands of a result: with weights 1 the code is the formula, and each weight is in place."""

from pathlib import Path

import numpy as np
import pytest
from compare import same
from generated import load

from derivations import forward_pass
from derivations.derive import derive
from derivations.prints.numpy_code import numpy_code
from derivations.prints.summands import of_all, summands

FORWARD = Path(__file__).resolve().parents[2] / "docs/forward_passes"
RNG = np.random.default_rng(4)


def derived(name, by):
    forward = forward_pass.read(FORWARD / f"{name}.py")
    return derive(forward.quantity, forward.variable(by), given=forward.given)


@pytest.fixture(scope="module")
def smoothing():
    return derived("label_smoothing", "W").result


def test_weights_of_one_change_nothing(smoothing, tmp_path):
    found = summands(smoothing, "smoothing.C_by_W")
    weighted = getattr(load(found["numpy"], tmp_path / "weighted.py"), found["function"])
    plain = load(numpy_code(smoothing, "smoothing.C_by_W"), tmp_path / "plain.py").C_by_W
    given = {"W": RNG.normal(size=(3, 4)), "X": RNG.normal(size=(6, 4)), "alpha": 0.1}
    given["Y"] = np.eye(3)[RNG.integers(0, 3, 6)]
    ones = {each["weight"]: 1.0 for each in found["summands"]}
    assert found["by"] == "W"
    assert found["arguments"] == {"W": ["K", "n"], "X": ["N", "n"], "Y": ["N", "K"], "alpha": []}
    right = plain(**given)
    same(weighted(**given, **ones), right)
    for name in ones:  # and each of them matters
        assert (weighted(**given, **{**ones, name: 0.0}) != right).any()


def test_summands_of_a_formula_and_of_its_names(smoothing):
    found = summands(smoothing, "smoothing.C_by_W")["summands"]
    assert [(each["of"], each["text"]) for each in found] == [
        ("", "p_ia"), ("", "-q_ia"), ("q", "(1 - α) [y_i = a]"), ("q", "1"), ("q", "-α"),
        ("q", "α / K"),
    ]  # fmt: skip
    assert found[5]["latex"] == r"\frac{\alpha}{K}"


def test_what_is_no_sum_has_none():
    found = derived("attention", "q")
    assert len(of_all([found.result, *found.further], "attention")) <= 2
    linear = derived("hidden_layer", "U").steps[0]
    assert summands(linear, "linear") is None
