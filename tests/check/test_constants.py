"""What a function is made of: the arrays that its code refers to."""

import functools

import numpy as np

from reference_impl.check import check
from reference_impl.check.constants import LARGEST, constants

X, y = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
LAMBDA, HUGE, NAME = 0.7, np.zeros(LARGEST + 1), "no array"


def inner(w):
    return (X @ w - y) ** 2


def outer(w):
    return inner(w).sum() + LAMBDA * (w * w).sum() + HUGE[0] + len(NAME)


def test_what_the_code_refers_to():
    offset = np.array([1, 2, 3])
    found = constants(lambda w: outer(w - offset))
    assert set(found) == {"X", "y", "LAMBDA", "offset"}
    assert all(a.dtype == np.float64 for a in found.values())
    assert set(constants(outer, depth=0)) == {"LAMBDA"}


def test_methods_wrapped_functions_and_what_has_no_code():
    class Layer:
        def forward(self, z):
            return z * LAMBDA

    assert set(constants(Layer().forward)) == {"LAMBDA"}
    assert set(constants(functools.wraps(outer)(lambda w: 0.0))) == set(constants(outer))
    assert constants(np.exp) == constants(functools.partial(outer)) == {}


def test_a_cause_is_seen_in_the_data_of_a_closure():
    """Least squares without its labels: the gradient lacks 2 X^T y, and only f has X and y."""
    w = np.array([0.3, -1.0, 2.0])
    report = check(lambda w: inner(w).sum(), w, grad=lambda w: 2.0 * X.T @ (X @ w))
    assert "X^T" in report.findings[0].cause.text and "y" in report.findings[0].cause.text
