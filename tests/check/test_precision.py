"""The precision of a function is seen from its numbers, and steps are taken that it can see."""

import numpy as np
import pytest

from reference_impl.check import check
from reference_impl.check.clock import Clock
from reference_impl.check.differences import SINGLE
from reference_impl.check.measure import Ground
from reference_impl.check.precision import is_single, measured, shortened
from reference_impl.check.problem import Problem

X = np.random.default_rng(3).normal(size=(3, 4))
V = np.random.default_rng(4).normal(size=X.shape)


def single(x):
    return x.astype(np.float32)


def ground(f, x=X):
    problem = Problem("f", {"x": x}, lambda values: f(values["x"]))
    return measured(Ground(problem, {"x": x}, Clock(60.0)), np.random.default_rng(0))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_double_precision(scale):
    found, notes = ground(lambda x: np.tanh(x / scale), scale * X)
    assert not found.coarse and not notes and found.noise.max() < 1e-14


def test_kinks_at_round_numbers_are_no_noise():
    """Half of 2 is where this has a kink."""
    found, notes = ground(lambda x: np.clip(x, -1.0, 1.0), np.array([2.0, -4.0, 8.0, 0.25]))
    assert not notes and found.noise.max() < 1e-15


def test_kinks_at_zero_are_no_rounding():
    assert ground(lambda x: np.maximum(x, 0.0), np.zeros((3, 4)))[1] == ()


@pytest.mark.parametrize("f", [np.sign, lambda x: np.tanh(1e8 * x), lambda x: 0.0 * x + 3.0])
def test_what_is_flat_is_not_coarse(f):
    found, notes = ground(f)
    assert not found.coarse and not notes


def test_single_precision_in_a_sum():
    """The sum is in double precision, and its terms are not: small steps do not move it."""
    found, notes = ground(lambda x: np.sum(V * np.exp(single(1e-6 * x))))
    assert found.coarse == {"x"} and "rounded to" in notes[0]
    assert found.noise[0] > 1e-9
    assert (single(found.values["x"]) == found.values["x"]).all()
    assert np.abs(found.values["x"] / X - 1.0).max() < 2.0**-19


def test_single_precision():
    found, notes = ground(lambda x: np.tanh(single(x)))
    assert found.unit == SINGLE and "float32" in notes[0]
    assert is_single(single(X).astype(float)) and not is_single(X) and not is_single(np.ones(3))


def test_short_numbers():
    x = np.array([0.0, 1.0, -3.0, 1e-30, 1.0 + 2.0**-30])
    assert (shortened(x)[:3] == x[:3]).all() and shortened(x)[-1] == 1.0


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1.0])
@pytest.mark.parametrize("f", [np.exp, np.tanh, np.sin])
def test_a_cost_with_single_precision_inside(f, scale):
    """Right is not wrong, and wrong not right."""
    slope = {np.exp: np.exp, np.tanh: lambda x: 1.0 - np.tanh(x) ** 2, np.sin: np.cos}[f]

    def cost(x):
        return np.sum(V * f(single(x)))

    def grad(x):
        return single(V) * slope(single(x))

    assert check(cost, scale * X, grad=grad).verdict == "right"
    assert check(cost, scale * X, grad=lambda x: 1.05 * grad(x)).verdict == "wrong"


def test_what_never_moves():
    """A constant has slope 0; another claim may be right of a sum with a huge number in it."""

    def f(x):
        return np.sum(V * (single(x) + np.float32(1e9)))

    assert check(lambda x: 0.0 * x + 3.0, X, vjp=lambda x, d: 0.0 * d).verdict == "right"
    assert check(lambda x: 0.0 * x + 3.0, X, vjp=lambda x, d: d).verdict == "wrong"
    assert check(f, 1e-3 * X, grad=lambda x: V).verdict == "cannot tell"
