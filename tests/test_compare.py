"""The comparison refuses what a careless one accepts."""

from fractions import Fraction

import compare
import numpy as np
import pytest
from mpmath import mpf

EPS = 2.0**-52


@pytest.fixture(autouse=True)
def apart(monkeypatch):
    """What is compared here is no evidence."""
    monkeypatch.setattr(compare, "EVIDENCE", compare.Evidence())


def check(actual, expected, ulp=1, entrywise=False):
    compare.check(
        actual, expected, statement="a.b", oracle="loops", case="x", ulp=ulp, entrywise=entrywise
    )


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.array([]), []),
        (np.array([1.0]), 1.0),
        (np.float64(1.0), [1.0]),
        (np.ones((2, 1)), [1.0, 1.0]),
        (np.ones(3), [1.0]),
        (np.ones(1, dtype=np.float32), [1.0]),
        (np.ones(1, dtype=">f8"), [1.0]),
        (np.ones(1, dtype=int), [1]),
        (1.0, 1.0),
        ([1.0], [1.0]),
        (np.array([np.nan]), [np.nan]),
        (np.array([np.inf]), [np.inf]),
        (np.array([1.0]), [mpf("inf")]),
        (np.array([1e-300]), [0.0]),
        (np.array([1.0, 1.0]), [1.0, 1.0 + 2 * EPS]),
        (np.array([-1.0]), [1.0]),
    ],
)
def test_refused(actual, expected):
    with pytest.raises(AssertionError):
        check(actual, expected)


def test_a_wide_tolerance_is_refused():
    with pytest.raises(AssertionError, match="too wide"):
        check(np.array([1.0]), [1.0], ulp=65)
    with pytest.raises(AssertionError, match="too wide"):
        check(np.array([1.0]), [1.0], ulp=0)


def test_a_small_entry_counts_entrywise_only():
    actual, expected = np.array([1.0, 1e-20]), [1.0, 2e-20]
    check(actual, expected)
    with pytest.raises(AssertionError):
        check(actual, expected, entrywise=True)


@pytest.mark.parametrize(
    ("actual", "expected", "error"),
    [
        (1.0, Fraction(1), 0.0),
        (1.0 + EPS, 1, 1.0),
        (1.0 - EPS / 2, 1, 0.5),
        (8.0 + 8 * EPS, 8, 1.0),
        (2.0**-1074, mpf(2) ** -1075, 0.5),
        (3 * 2.0**-1074, mpf(2) ** -1074, 2.0),
        (-(2.0**-1022), mpf(-(2.0**-1022)), 0.0),
    ],
)
def test_units_in_the_last_place(actual, expected, error):
    """Those of the exact value; below 2^-1022 they are 2^-1074."""
    check(np.float64(actual), expected, ulp=2, entrywise=True)
    assert compare.EVIDENCE.statements["a.b"]["loops"].largest == error


def test_what_is_recorded():
    check(np.array([1.0, 2.0]), [1, 2])
    check(np.array([1.0 + EPS]), [1])
    record = compare.EVIDENCE.statements["a.b"]["loops"]
    assert (record.cases, record.values, record.largest) == (2, 3, 1.0)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (0.0, -0.0),
        (np.nan, np.nan),
        (np.ones(2), np.ones(3)),
        (np.ones(2), np.ones((2, 1))),
        (np.ones(1), np.ones(1, dtype=np.float32)),
        (1.0, 1.0 + EPS),
        ([], []),
    ],
)
def test_not_the_same(actual, expected):
    with pytest.raises(AssertionError):
        compare.same(actual, expected)


def test_the_same():
    compare.same(np.array([0.0, np.inf]), np.array([0.0, np.inf]))


@pytest.mark.parametrize("wrong", [[mpf(1) + mpf(10) ** -12], [mpf("nan")], [mpf(1), mpf(1)], []])
def test_numbers_that_do_not_agree(wrong):
    compare.agree([mpf(1) / 3], [mpf(1) / 3], digits=15)
    with pytest.raises(AssertionError):
        compare.agree(wrong, [mpf(1)] * max(1, len(wrong) - 1), digits=15)
