"""Derivatives along directions, by entries, and the entry that bisection finds."""

from dataclasses import replace

import numpy as np
import pytest

from reference_impl.check.clock import Clock
from reference_impl.check.measure import Ground, bisect, columns, direction, kinds, pulled
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
