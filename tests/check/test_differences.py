"""Slopes of curves, and that the estimate of their error is honest."""

import numpy as np
import pytest

from reference_impl.check.differences import SINGLE, STEPS, hidden, noise, roughly, slope

SMOOTH = {
    "exp": (np.exp, np.exp, [-3.0, 0.5, 2.0]),
    "sin": (np.sin, np.cos, [-3.0, 0.5, 200.0]),
    "log": (np.log, lambda t: 1.0 / t, [1e-4, 0.2, 3.0, 5000.0]),
    "cube": (lambda t: t**3, lambda t: 3.0 * t**2, [-0.125, 7.0, 1e5]),
    "flat": (lambda t: 0.0 * t, lambda t: 0.0 * t, [1.0, -2.0]),
    "tanh": (lambda t: np.tanh(1e3 * t), lambda t: 1e3 / np.cosh(1e3 * t) ** 2, [1e-3, 0.01]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_the_error_is_honest(name):
    """A slope is at most 4 estimated errors away; and the estimate is small."""
    f, derivative, points = SMOOTH[name]
    for t in points:
        found = slope(lambda h, t=t: np.atleast_1d(f(t + t * h)))
        want = t * derivative(t)
        assert abs(found.value[0] - want) / found.error[0] <= 4.0
        assert found.error[0] < 1e-7 * max(1.0, abs(want)) and not found.kink[0]


def test_noise():
    """Terms of 1e6 cancel: forward is rounded at 1e-10, whatever its size."""

    def curve(t):
        return np.atleast_1d((1e6 + np.sin(1.0 + t)) - 1e6)

    measured, near = noise(curve)
    assert 1e-12 < measured[0] < 1e-9 and len(near) == 7
    found = slope(curve, terms=1e6)
    assert abs(found.value[0] - np.cos(1.0)) / found.error[0] <= 4.0


def test_noise_that_hides():
    """log(1 + e^x) - x is flat at a large x, and e^-x is not; on the way to 0 they differ."""

    def curve(t):
        x = 36.0 * (1.0 + t)
        return np.array([np.logaddexp(0.0, x) - x])

    assert noise(curve)[0] < 1e-17 and 1e-16 < hidden(curve)[0] < 1e-14
    assert hidden(lambda t: np.exp(np.array([-36.0, 36.0]) * (1.0 + t))).tolist() == [0.0, 0.0]


def test_hidden_terms():
    """A curve that does not move may be made of large terms: its error says so."""
    assert slope(lambda t: np.zeros(1)).error[0] < 1e-300
    assert slope(lambda t: np.zeros(1), terms=40.0).error[0] > 1e-15


@pytest.mark.parametrize("distance", [0.0, 1e-300, 1e-12, 1e-8])
def test_kink(distance):
    found = slope(lambda t: np.maximum(np.array([distance + t, t + 5.0]), 0.0))
    assert found.kink.tolist() == [True, False] and np.isnan(found.value[0])
    assert found.left[0] < 0.1 and found.right[0] > 0.9


def test_slopes_to_both_sides_of_a_kink():
    found = slope(lambda t: np.array([abs(t) * np.exp(t)]))
    assert found.kink[0]
    for side, want in ((found.left[0], -1.0), (found.right[0], 1.0)):
        assert 0.0 < abs(side - want) <= found.side_error[0] < 2e-3


@pytest.mark.parametrize("distance", [1e-5, 1e-3, 0.1])
def test_near_a_kink(distance):
    found = slope(lambda t: np.maximum(np.array([distance + t]), 0.0))
    assert not found.kink[0] and abs(found.value[0] - 1.0) / found.error[0] <= 16.0
    assert found.error[0] < 1e-6


@pytest.mark.parametrize("beside", [0.0, 1.0])
def test_a_kink_between_the_last_steps(beside):
    """Two estimates may agree by chance, and are both wrong."""
    for distance in np.geomspace(4e-7, 8e-6, 400):
        found = slope(lambda t, d=distance: np.array([max(d + t, 0.0) + beside * np.exp(t)]))
        off = np.where(found.kink, 0.0, np.abs(found.value - 1.0 - beside) / found.error)
        assert off[0] <= 16.0, distance


def test_nothing_is_jumped_over():
    """Large steps agree on 0; small ones see the bump."""
    found = slope(lambda t: np.array([np.exp(-(((t + 1e-4) / 1e-4) ** 2))]))
    want = -2.0 / 1e-4 * np.exp(-1.0)
    assert abs(found.value[0] - want) / found.error[0] <= 16.0
    assert found.error[0] < 1e-3 * abs(want)


def test_too_coarse_to_see():
    """In float32 the wave, and the side of the kink, show at steps too small for the rounding."""

    def sine(t):
        return np.array([np.float32(np.sin(463.1 + t)) + np.float32(5.7e5)], dtype=float)

    def relu(t):
        return np.array([np.float32(max(t - 8.1e-9, 0.0)) + np.float32(1.2e-4)], dtype=float)

    for curve, scale, want in ((sine, 2.0**9, np.cos(463.1)), (relu, 2.0**-18, 0.0)):
        found = slope(curve, unit=SINGLE, steps=scale * STEPS, moved=scale, coarse=True)
        assert abs(found.value[0] - want) / found.error[0] <= 16.0


def test_the_end_of_a_domain():
    assert slope(lambda t: np.sqrt(np.array([t]))).lost[0]
    assert slope(lambda t: np.array([np.sin(1e12 * t + 0.3)])).value[0] != 3e11  # too fast to see


def test_roughly():
    assert abs(roughly(lambda t: np.sin(1.0 + t)) / np.cos(1.0) - 1.0) * 1e9 < 1.0
