"""Derivatives along directions, by entries, and the entry that bisection finds."""

from dataclasses import replace

import numpy as np
import pytest

from reference_impl.check.clock import Clock
from reference_impl.check.differences import Slope
from reference_impl.check.measure import (
    Ground,
    bisect,
    columns,
    direction,
    kinds,
    pulled,
    unless_jumped_over,
)
from reference_impl.check.problem import Problem

RNG = np.random.default_rng(3)
X = RNG.normal(size=(30, 40))


def ground(x=X):
    problem = Problem("sin", {"x": x}, lambda v: np.sin(v["x"]))
    return Ground(problem, {"x": x}, Clock(60.0))


def test_rounding():
    at = ground()
    assert at.rounding == at.unit
    assert replace(at, noise=np.full(X.size, 1e-5)).rounding == 1e-5 / np.abs(at.value).max()


def test_along_a_direction():
    delta, v = RNG.normal(size=X.shape), direction(RNG, X, "relative")
    found = ground().pulled(delta, {"x": v})
    assert abs(found.want - (delta * np.cos(X) * v).sum()) / found.error <= 16.0
    assert found.error < 1e-8


def test_directions():
    x = np.array([0.0, 1e-8, -3.0])
    relative = direction(RNG, x, "relative")
    assert relative[0] == 0.0 and (np.abs(relative / 4.0) <= np.abs(x / 2.0)).all()
    assert direction(RNG, x, "unit").all()
    assert kinds(X) == ["relative", "typical"] and kinds(1e5 * X)[-1] == "unit"


@pytest.mark.parametrize("at", [0, 617, 1199])
def test_bisection(at):
    delta = np.ones(X.shape)
    got = np.cos(X)
    got.flat[at] *= 1.02
    v = direction(RNG, X, "typical")
    assert bisect(ground(), "x", delta, got, v) == at
    found = pulled(ground().entry("x", at, delta))
    assert abs(found.want - np.cos(X.flat[at])) / found.error <= 16.0


def test_columns():
    x = RNG.normal(size=(2, 3))
    delta = RNG.normal(size=x.shape)
    found = columns(ground(x), "x", delta, RNG, Clock(60.0))
    assert found.count == 6 and not found.kinks.any()
    assert (np.abs(found.want - delta * np.cos(x)) / found.error <= 16.0).all()
    assert found.jacobian.shape == (2, 3, 2, 3)


def test_a_share_of_the_time():
    """No time at all is enough for one entry."""
    found = columns(ground(), "x", np.ones(X.shape), RNG, Clock(-1.0))
    assert found.count == 1


def slopes(value, error=0.0, left=None, right=None, flat=False):
    """One number's slope as steps of some width found it."""
    sides = (value if side is None else side for side in (left, right))
    numbers = (value, error, *sides, 0.0, value, error)
    return Slope(
        *map(np.array, ([n] for n in numbers)), *(np.array([f]) for f in (False, False, flat))
    )


@pytest.mark.parametrize(
    ("wide", "believed"),
    [
        (slopes(2.0, error=2.0**-7), True),
        (slopes(2.0, error=2.0**-5), False),
        (slopes(2.0, left=0.0, right=4.0), False),
        (slopes(2.0, left=4.0, right=0.0), False),
        (slopes(2.0, left=1.9, right=2.1), True),
        (slopes(0.0, error=1e-3), False),
        (slopes(0.0, error=1e-3, flat=True), True),
    ],
)
def test_what_wide_steps_may_have_jumped_over(wide, believed):
    """They are believed where they agree, also from both sides, or where nothing ever moved."""
    before = slopes(1.0, error=9.0)
    found = unless_jumped_over(wide, before)
    assert found.value == (wide if believed else before).value
    assert found.error == (wide if believed else before).error
