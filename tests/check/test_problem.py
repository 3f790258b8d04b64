"""A problem of one's own: what the adapters make can be made by hand."""

import numpy as np

from reference_impl.check.examine import examine
from reference_impl.check.problem import Problem

X = np.random.default_rng(0).normal(size=4)


def problem(**claims):
    return Problem("square", {"x": X}, lambda v: v["x"] ** 2, **claims)


def test_a_problem_is_examined():
    right = problem(vjp=lambda v, delta: {"x": 2.0 * v["x"] * delta})
    assert examine(right).verdict == "right"
    wrong = problem(vjp=lambda v, delta: {"x": v["x"] * delta}, rules={"x": "RULE 2"})
    assert examine(wrong).findings[0].rule == "RULE 2"


def test_a_claim_that_is_not_made_is_not_right():
    report = examine(problem())
    assert report.verdict == "cannot tell" and report.notes == ("nothing was compared",)


def test_what_is_hidden():
    """A float array that changes the output: a parameter left out, or a constant."""

    def forward(v):
        return v["x"] * v.get("c", C)

    C = np.full(4, 3.0)
    claims = {"vjp": lambda v, delta: {"x": C * delta}, "hidden": {"c": C}}
    assert examine(Problem("scale", {"x": X}, forward, **claims)).verdict == "wrong"
    constant = examine(Problem("scale", {"x": X}, forward, constants=("c",), **claims))
    assert constant.verdict == "right"
    assert constant.unseen == ("c changes the output and has no gradient: taken for a constant",)
