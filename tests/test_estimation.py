"""Fits: published ones, the 50-digit minimum, and data on which no estimate exists."""

from fractions import Fraction
from functools import partial

import compare
import designs
import loops
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, strategies as st
from mpmath import mp

from reference_impl import data, logistic, softmax
from reference_impl.engine import (
    estimation,
    inference,
    logistic as engine_logistic,
    minimisation,
    softmax as engine_softmax,
    streaming,
)
from reference_impl.engine.fit import Terms
from reference_impl.engine.minimisation import ConvergenceError
from reference_impl.engine.separation import SeparationError

STATEMENT = "logistic.newton_step"


def overlapping(seed=0, N=40, n=3):
    """A column of ones, multiples of 1/8, and labels that no hyperplane separates."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(N), designs.eighths(rng, N, n - 1)])
    return X, rng.integers(0, 2, N)


def test_spector_as_published():
    """Greene, Econometric Analysis: to the decimals that are printed."""
    X, y, _ = data.spector()
    fit = estimation.newton(X, y)
    assert [f"{w:.4f}" for w in fit.w] == ["-13.0213", "2.8261", "0.0952", "2.3787"]
    assert [f"{e:.3f}" for e in fit.standard_errors] == ["4.931", "1.263", "0.142", "1.065"]
    assert f"{-fit.nll:.4f}" == "-12.8896"


def test_spector_as_statsmodels():
    """statsmodels 0.15, Logit(y, X).fit(method="newton", tol=1e-14): ten digits."""
    X, y, _ = data.spector()
    fit = estimation.newton(X, y)
    assert [f"{w:.10g}" for w in fit.w] == [
        "-13.02134686",
        "2.826112595",
        "0.09515766132",
        "2.378687655",
    ]
    assert [f"{e:.10g}" for e in fit.standard_errors] == [
        "4.931324214",
        "1.262941076",
        "0.1415542057",
        "1.064564254",
    ]
    assert f"{fit.nll:.13g}" == "12.88963422213"


@pytest.mark.parametrize("penalty", [0.0, 0.5])
@pytest.mark.parametrize("name", ["spector", "overlapping"])
def test_minimum_to_50_digits(name, penalty):
    """The 50-digit minimum, its NLL, and the inverse of the Hessian there."""
    X, y = data.spector()[:2] if name == "spector" else overlapping()
    fit = estimation.newton(X, y, penalty=penalty, tol=1e-12)
    w = loops.at(60, loops.newton, fit.w, X, y, penalty)
    for what, actual, expected in [
        # The gradient is known to about 2 ulp of |X|^T r, and w to cond(H)^(1/2) times that.
        ("w", fit.w, w),
        ("nll", np.float64(fit.nll), loops.at(60, loops.logistic_nll, w, X, y)),
        ("covariance", fit.covariance, loops.at(60, loops.covariance, w, X, y, penalty)),
        ("errors", fit.standard_errors, loops.at(60, loops.standard_errors, w, X, y, penalty)),
    ]:
        case = f"{name}, penalty {penalty}, {what}"
        compare.check(actual, expected, statement=STATEMENT, oracle="loops", case=case, ulp=64)
    assert fit.gradient_norm < 1e-12


def test_one_step_is_weighted_least_squares():
    """IRLS: w - H^-1 g solves sum_i v_i (x_i.w' - z_i + (p_i - y_i)/v_i)^2 = min."""
    X, y = overlapping(1)
    w = np.array([0.25, -0.5, 0.125])
    newton = w - np.linalg.solve(logistic.nll_hessian(w, X, y), logistic.nll_gradient(w, X, y))
    p = 1 / (1 + np.exp(-X @ w))
    root = np.sqrt(p * (1 - p))
    irls = np.linalg.lstsq(root[:, None] * X, root * (X @ w - (p - y) / root**2), rcond=None)[0]
    compare.check(
        newton, irls.tolist(), statement=STATEMENT, oracle="identity", case="IRLS", ulp=64
    )


def test_intercept_makes_the_means_equal():
    """The score equation of the column of ones: the mean of p is the mean of y."""
    X, y, _ = data.spector()
    fit = estimation.newton(X, y)
    p = 1 / (1 + np.exp(-X @ fit.w))
    compare.check(
        np.mean(p),
        Fraction(11, 32),
        statement="logistic.score_equations",
        oracle="identity",
        case="spector",
        ulp=16,
    )


def test_weights_are_repeated_rows():
    X, y = overlapping(2)
    s = np.array([1, 2, 0, 3] * 10)
    weighted = estimation.newton(X, y, sample_weight=s)
    repeated = estimation.newton(np.repeat(X, s, axis=0), np.repeat(y, s))
    for name in ("w", "standard_errors", "covariance"):
        compare.check(
            getattr(weighted, name),
            getattr(repeated, name).tolist(),
            statement="logistic.weighted",
            oracle="identity",
            case=f"fit: {name}",
            ulp=64,
        )


@pytest.mark.parametrize("exponent", [-60, -20, 20, 60])
def test_does_not_depend_on_the_scaling_of_X(exponent):
    X, y, _ = data.spector()
    scale = np.array([1.0, 2.0**exponent, 1.0, 2.0**-exponent])
    plain, scaled = estimation.newton(X, y), estimation.newton(X * scale, y)
    assert scaled.iterations == plain.iterations
    compare.check(
        scaled.w * scale,
        plain.w.tolist(),
        statement=STATEMENT,
        oracle="identity",
        case=f"columns times 2^{exponent}",
        ulp=64,
    )


COMPLETE = {
    "a gap": ([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0], [1.0, 5.0]], [0, 0, 1, 1]),
    "one class": ([[1.0], [1.0], [1.0]], [1, 1, 1]),
    "one class 0": ([[1.0, 3.0], [1.0, -2.0], [1.0, 5.0]], [0, 0, 0]),
    "three points in the plane": ([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]], [0, 1, 0]),
    "a narrow gap": ([[1.0, -3.0], [1.0, 0.0], [1.0, 2.0**-10], [1.0, 3.0]], [0, 0, 1, 1]),
    "two features": ([[1.0, 1.0], [-1.0, 2.0], [1.0, -2.0], [-3.0, -1.0]], [1, 1, 0, 0]),
}
QUASI = {
    "a tie": ([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 3.0], [1.0, 5.0]], [0, 0, 0, 1, 1]),
    "an indicator": (
        [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]],
        [0, 1, 0, 1, 1],
    ),
    "overlap in one direction": (
        [[1.0, 0.0, 1.0], [1.0, 0.0, -1.0], [1.0, 0.0, 2.0], [1.0, 0.0, 0.5], [1.0, 1.0, 0.25]],
        [0, 1, 1, 0, 1],
    ),
}


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("name", [*COMPLETE, *QUASI])
def test_separated(name, scale):
    """An error with the direction; complete separation is checked in exact arithmetic."""
    X, y = (COMPLETE | QUASI)[name]
    X = np.array(X)
    X[:, -1] *= scale
    with pytest.raises(SeparationError, match="no maximum likelihood estimate exists") as error:
        estimation.newton(X, y)
    d = error.value.direction
    assert error.value.complete == (name in COMPLETE)
    margins = [
        (2 * label - 1) * sum(Fraction(x) * Fraction(e) for x, e in zip(row, d, strict=True))
        for row, label in zip(X.tolist(), y, strict=True)
    ]
    if name in COMPLETE:
        assert min(margins) > 0
    else:
        # The linear program is solved in floating point: a margin of zero is met to 1e-9.
        assert max(margins) > 0 and min(margins) >= -1e-9 * max(margins)
    assert estimation.newton(X, y, penalty=0.125).gradient_norm < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_separated_at_random(seed):
    """Labels given by a hyperplane through 60 points: never a finite answer."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 4))])
    y = (X @ rng.normal(size=5) > 0).astype(int)
    with pytest.raises(SeparationError, match="completely"):
        estimation.newton(X, y)


@pytest.mark.parametrize("seed", range(5))
def test_quasi_separated_at_random(seed):
    """A hyperplane, with points of both classes on it."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(40), designs.eighths(rng, 40, 3)])
    X[:12, 1] = 0.0
    y = (X[:, 1] > 0).astype(int)
    y[:12] = rng.permutation([0, 1] * 6)
    X[:, 0] = designs.eighths(rng, 40)
    with pytest.raises(SeparationError):
        estimation.newton(X, y)


def test_one_wrong_label_is_enough():
    """The same points with one label turned have an estimate."""
    X = np.column_stack([np.ones(20), np.arange(20.0)])
    y = (np.arange(20) >= 10).astype(int)
    with pytest.raises(SeparationError):
        estimation.newton(X, y)
    y[12] = 0
    assert estimation.newton(X, y).gradient_norm < 1e-10


def test_outliers_do_not_look_like_separation():
    """Points far inside their class: their residuals underflow to 0, yet an estimate exists."""
    X = np.column_stack([np.ones(8), [0.0, 1.0, 2.0, 3.0, 1.5, 0.5, 1000.0, -1000.0]])
    y = np.array([0, 1, 0, 1, 1, 0, 1, 0])
    fit = estimation.newton(X, y)
    w = loops.at(500, loops.newton, fit.w, X, y, 0)
    compare.check(fit.w, w, statement=STATEMENT, oracle="loops", case="outliers", ulp=64)


def test_steps_are_halved_where_newton_diverges():
    """Full steps from w = 0 end where every p_i is 0 or 1 and the Hessian vanishes."""
    X = np.array(
        [
            [2.625, 4.875, -0.125],
            [102.75, 0.0, 11.0],
            [1.875, 0.0, 11.25],
            [-44.125, 0.0, 5.125],
            [-0.625, -1.75, 0.0],
            [5.375, 29.125, 2.0],
            [-0.125, -0.25, -2.25],
        ]
    )
    y = np.array([0, 0, 0, 0, 0, 0, 1])
    w = np.zeros(3)
    for _ in range(9):
        w = w - np.linalg.solve(logistic.nll_hessian(w, X, y), logistic.nll_gradient(w, X, y))
    assert logistic.nll(w, X, y) > 1e5
    fit = estimation.newton(X, y)
    w = loops.at(60, loops.newton, fit.w, X, y, 0)
    compare.check(fit.w, w, statement=STATEMENT, oracle="loops", case="halved steps", ulp=64)


@pytest.mark.parametrize(
    ("X", "rank"),
    [
        ([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], 1),
        ([[1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [1.0, 5.0, 6.0]], 2),
        ([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], 1),
        ([[1.0, 2.0, 3.0]], 1),
        ([[1.0, 1e-9], [1.0, 1e-9], [1.0, 1e-9]], 1),
    ],
)
def test_rank_deficient(X, rank):
    y = [1, 0, 1][: len(X)]
    with pytest.raises(ValueError, match=f"given rank {rank} ") as error:
        estimation.newton(X, y)
    assert not isinstance(error.value, SeparationError)
    assert np.isfinite(estimation.newton(X, y, penalty=1.0).w).all()


def test_points_of_weight_zero_do_not_count():
    """Not for the rank of X, not for separation, not for the estimate."""
    X, y = overlapping(3)
    s = np.append(np.ones(40), 0.0)
    more = np.vstack([X, [[1.0, 1e6, 1e6]]]), np.append(y, 1)
    compare.same(estimation.newton(*more, sample_weight=s).w, estimation.newton(X, y).w)
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]])
    with pytest.raises(SeparationError, match="completely"):
        estimation.newton(X, [0, 0, 1, 1, 0], sample_weight=[1, 1, 1, 1, 0])
    X = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 7.0]])
    with pytest.raises(ValueError, match="given rank 1 for shape"):
        estimation.newton(X, [0, 1, 1], sample_weight=[1, 1, 0])


def test_too_few_steps():
    X, y = overlapping()
    with pytest.raises(ConvergenceError, match=r"after 1 steps.*condition number of X"):
        estimation.newton(X, y, max_iter=1)
    with pytest.raises(ConvergenceError, match=r"after 1 steps.*condition number of X"):
        estimation.multinomial(X, y, 2, max_iter=1)


@pytest.mark.parametrize("X", [[[1.0, 1.0]] * 4, [[1.0, 2.0, 3.0], [1.0, 0.0, 1.0]] * 2])
def test_too_few_steps_with_dependent_columns(X):
    """With a penalty there is an estimate: it was not reached, and nothing else is wrong."""
    with pytest.raises(ConvergenceError, match="after 1 steps"):
        estimation.newton(X, [0, 1, 0, 0], penalty=1e-3, max_iter=1)
    assert estimation.newton(X, [0, 1, 0, 0], penalty=1e-3).gradient_norm < 1e-12


def test_penalised_minimum_has_zero_gradient():
    X, y = [[1.0, 1.0], [1.0, 2.0]], [0, 1]
    fit = estimation.newton(X, y, penalty=2.0)
    w = loops.at(60, loops.newton, fit.w, X, y, 2)
    compare.check(
        fit.w, w, statement="logistic.penalised", oracle="loops", case="two points", ulp=16
    )


@given(st.integers(0, 10**6), st.integers(4, 30), st.integers(1, 3))
def test_an_estimate_or_a_reason(seed, N, n):
    """On any data: a stationary point, or an error; the decision agrees with its certificate."""
    rng = np.random.default_rng(seed)
    X, y = designs.eighths(rng, N, n, largest=1), rng.integers(0, 2, N)
    assume(np.linalg.matrix_rank(X) == n)
    try:
        fit = estimation.newton(X, y)
    except SeparationError as error:
        margins = (2 * y - 1) * (X @ error.direction)
        assert margins.max() > 0 and margins.min() >= -1e-9
    else:
        assert fit.gradient_norm < 1e-10


def test_beetles_as_published():
    """Dobson, An Introduction to Generalized Linear Models, table 7.3: counts as weights."""
    X, y, s, _ = data.beetles()
    fit = estimation.newton(X, y, sample_weight=s)
    assert [f"{w:.2f}" for w in fit.w] == ["-60.72", "34.27"]
    assert [f"{e:.2f}" for e in fit.standard_errors] == ["5.18", "2.91"]
    living, killed = s[:8], s[8:]
    grouped = sum(
        -k * np.log(k / (k + l)) - (l * np.log(l / (k + l)) if l else 0.0)
        for k, l in zip(killed, living, strict=True)
    )
    assert f"{2 * (fit.nll - grouped):.2f}" == "11.23"


def test_vasoconstriction_as_published():
    """SAS/STAT User's Guide, PROC LOGISTIC, example "Logistic Regression Diagnostics"."""
    X, y, _ = data.vasoconstriction()
    fit = estimation.newton(X, y)
    assert [f"{w:.4f}" for w in fit.w] == ["-2.8754", "5.1793", "4.5617"]
    assert [f"{e:.4f}" for e in fit.standard_errors] == ["1.3208", "1.8648", "1.8380"]
    assert f"{2 * fit.nll:.3f}" == "29.227"


# Stata 11, mlogit, as in statsmodels/discrete/tests/results/results_discrete.py, with seven to ten
# digits. It stops a little early: of the last digits ten of 72 are one to three units off. Rows:
# classes 1 to 6 against 0; columns: log population, left to right, age, education, income,
# intercept.
ELECTION = """
-.01153598 .29771435 -.024945 .08249144 .00519655 -.37340167
-.08875065 .39166864 -.02289784 .18104276 .04787398 -2.2509132
-.1059667 .57345051 -.01485121 -.00715242 .05757516 -3.6655835
-.0915567 1.2787718 -.00868135 .19982796 .08449838 -7.6138431
-.0932846 1.3469616 -.01790407 .21693885 .08095841 -7.0604782
-.14088069 2.0700801 -.00943265 .3219257 .10889408 -12.105751
"""
ELECTION_ERRORS = """
.0342823657 .093626795 .0065248584 .0735865799 .0176336937 .6298376313
.0391615553 .1082386919 .0079144618 .0852893563 .0222809297 .7631899491
.0570382292 .1585481337 .0113313133 .1262913234 .0336142088 1.156541492
.0437902764 .1288965854 .0084187486 .0941250559 .0261963632 .9575809602
.0393516553 .1171860107 .0076110152 .0850070091 .0229760791 .8443638283
.042138047 .1434089089 .0081338625 .0910979921 .025300888 1.059954821
"""


def off_by(ours, table):
    """By how many units of the last digit that the table prints our values are off."""
    printed = [entry for row in table.split("\n") for entry in row.split()]
    decimals = [len(entry.partition(".")[2]) for entry in printed]
    return [
        round((value - float(entry)) * 10**d)
        for value, entry, d in zip(ours, printed, decimals, strict=True)
    ]


def test_election_as_published():
    """Seven classes, against class 0."""
    X, y, _ = data.election()
    fit = estimation.multinomial(X, y, 7, reference=0)
    order = [1, 2, 3, 4, 5, 0]
    off = off_by(fit.w[1:, order].ravel(), ELECTION)
    off += off_by(fit.standard_errors[1:, order].ravel(), ELECTION_ERRORS)
    assert sum(units == 0 for units in off) == 62
    assert set(off) <= set(range(-3, 4))
    assert f"{-fit.nll:.6f}" == "-1461.922747"
    assert f"{-fit.null_nll:.8f}" == "-1750.34670999"


def three_classes(seed=0, N=40, n=3, K=3):
    """A column of ones, multiples of 1/8, and labels without a pattern."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(N), designs.eighths(rng, N, n - 1)])
    return X, rng.integers(0, K, N)


def exact_multinomial(W, X, y, penalty, s):
    """Newton's method at many digits from a good W: the minimum with sum zero."""
    for _ in range(4):
        W = exact_step(W, X, y, penalty, s)[0]
    return W


def exact_step(w, X, y, penalty, s=None):
    """Newton's step from w: where it leads, (g.H^-1 g)^(1/2) and the norm of g; one row or K."""
    n, flat = len(X[0]), loops._flat(w)
    if len(flat) > n:
        Y = loops.indicators([int(label) for label in y], len(w))
        G = loops._flat(loops.softmax_nll_gradient(w, X, Y, s))
        g = [t + penalty * at for t, at in zip(G, flat, strict=True)]
        H = exact_hessian(w, X, Y, penalty, s)
    else:
        g, H = loops.penalised(w, X, y, penalty)
    step = list(mp.lu_solve(mp.matrix(H), mp.matrix(g)))
    moved = [at - by for at, by in zip(flat, step, strict=True)]
    rows = [moved[k : k + n] for k in range(0, len(flat), n)]
    lengths = (mp.sqrt(loops.dot(g, way)) for way in (step, g))
    return [rows if len(rows) > 1 else moved, *lengths]


def exact_hessian(W, X, Y, penalty, s):
    """With ones in the null space of the classes, which no gradient and no result sees."""
    K, n = len(W), len(W[0])
    H = loops.softmax_nll_hessian(W, X, Y, s)
    result = mp.matrix(K * n)
    for a in range(K):
        for k in range(n):
            for b in range(K):
                for j in range(n):
                    result[a * n + k, b * n + j] = H[a][k][b][j] + (k == j) * (
                        1 + penalty * (a == b)
                    )
    return result


def exact_errors(W, X, y, penalty, s):
    """Standard errors of the weights less those of class 0, by rows."""
    K, n = len(W), len(W[0])
    Y = loops.indicators([int(label) for label in y], K)
    C = mp.inverse(exact_hessian(W, X, Y, penalty, s))
    return [
        [
            mp.sqrt(C[a * n + k, a * n + k] + C[k, k] - 2 * C[a * n + k, k]) if a else mp.mpf(0)
            for k in range(n)
        ]
        for a in range(K)
    ]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_multinomial_minimum_to_50_digits(penalty, weighted):
    X, y = three_classes(N=24)
    s = np.tile([1.0, 2.0, 0.5, 1.0], 6) if weighted else None
    fit = estimation.multinomial(X, y, 3, penalty=penalty, sample_weight=s, tol=1e-12)
    W = loops.at(60, exact_multinomial, fit.w, X, y, penalty, s)
    case = f"penalty {penalty}, {'weighted' if weighted else 'not weighted'}"
    with_reference = estimation.multinomial(
        X, y, 3, penalty=penalty, sample_weight=s, tol=1e-12, reference=0
    )
    against_0 = [[W[a][k] - W[0][k] for k in range(3)] for a in range(3)]
    Y = loops.indicators(y.tolist(), 3)
    for what, actual, expected in [
        ("W", fit.w, W),
        ("nll", np.float64(fit.nll), loops.at(60, loops.softmax_nll, W, X, Y, s)),
        ("W, reference 0", with_reference.w, against_0),
        (
            "errors",
            with_reference.standard_errors,
            loops.at(60, exact_errors, W, X, y, penalty, s),
        ),
    ]:
        compare.check(
            actual,
            expected,
            statement="softmax.penalised" if penalty else "softmax.nll",
            oracle="loops",
            case=f"fit, {case}: {what}",
            ulp=64,
        )
    assert fit.gradient_norm < 1e-13


def test_codings_of_one_fit():
    """The same probabilities; the covariance goes with the weights."""
    X, y = three_classes(1)
    given = {"penalty": 1 / 3, "tol": 1e-12}
    fits = {r: estimation.multinomial(X, y, 3, reference=r, **given) for r in (None, 0, 2)}
    for r, fit in fits.items():
        assert fit.reference == r
        for name in (
            "nll",
            "null_nll",
            "gradient_norm",
            "decrement",
            "iterations",
            "count",
            "penalty",
        ):
            compare.same(getattr(fit, name), getattr(fits[None], name))
        if r is not None:
            assert not fit.w[r].any() and not fit.standard_errors[r].any()
            assert not fit.covariance[r].any() and not fit.covariance[:, :, r].any()
        compare.check(
            softmax.softmax(X @ fit.w.T),
            softmax.softmax(X @ fits[None].w.T).tolist(),
            statement="identification.reference_class",
            oracle="identity",
            case="fit",
            ulp=64,
        )
    assert np.abs(fits[None].w.sum(axis=0)).max() < 1e-14
    assert np.abs(fits[None].covariance.sum(axis=0)).max() < 1e-14
    difference = np.zeros((3, 3, 3))
    for k in range(3):
        difference[k, 1, k], difference[k, 2, k] = 1.0, -1.0
    variances = {
        r: np.einsum("iak,akbl,ibl->i", difference, fit.covariance, difference)
        for r, fit in fits.items()
    }
    for r in (0, 2):
        compare.check(
            variances[r],
            variances[None].tolist(),
            statement="softmax.fisher_information",
            oracle="identity",
            case="variance of w_1 - w_2",
            ulp=64,
        )


@pytest.mark.parametrize("penalty", [0.0, 0.25])
def test_two_classes_are_the_binary_model(penalty):
    """``softmax.two_class``; a penalty of both rows, +-w/2, is half of that of w."""
    X, y = overlapping(4)
    fit = estimation.multinomial(X, y, 2, reference=0, penalty=2 * penalty, tol=1e-12)
    binary = estimation.newton(X, y, penalty=penalty)
    for what, actual, expected in [
        ("w", fit.w[1], binary.w),
        ("covariance", fit.covariance[1, :, 1], binary.covariance),
    ]:
        compare.check(
            actual,
            expected.tolist(),
            statement="softmax.two_class",
            oracle="identity",
            case=f"fit, penalty {penalty}: {what}",
            ulp=64,
        )


@pytest.mark.parametrize("exponent", [-40, -20, 20, 40])
def test_multinomial_does_not_depend_on_the_scaling_of_X(exponent):
    X, y = three_classes(2)
    scale = np.array([1.0, 2.0**exponent, 2.0**-exponent])
    plain = estimation.multinomial(X, y, 3, tol=1e-12)
    scaled = estimation.multinomial(X * scale, y, 3, tol=1e-12)
    assert scaled.iterations == plain.iterations
    compare.check(
        scaled.w * scale,
        plain.w.tolist(),
        statement="softmax.newton_step",
        oracle="identity",
        case=f"columns times 2^{exponent}",
        ulp=64,
    )


def test_multinomial_where_lbfgs_fails(monkeypatch):
    """Newton's method takes over, with the same result."""
    X, y = three_classes(3)
    expected = estimation.multinomial(X, y, 3, tol=1e-12)

    def fails(*arguments, **keywords):
        raise ConvergenceError("for this test")

    monkeypatch.setattr(minimisation, "lbfgs", fails)
    fit = estimation.multinomial(X, y, 3, tol=1e-12)
    compare.check(
        fit.w,
        expected.w.tolist(),
        statement="softmax.newton_step",
        oracle="identity",
        case="Newton's method",
        ulp=64,
    )


MULTINOMIAL_SEPARATED = {
    "three intervals": ([[1.0, float(x)] for x in range(6)], [0, 0, 1, 1, 2, 2], True),
    "one apart": ([[1.0, float(x)] for x in range(6)], [0, 1, 0, 1, 2, 2], False),
    "a class that never occurs": ([[1.0, float(x)] for x in range(4)], [0, 2, 0, 2], False),
}


@pytest.mark.parametrize("name", MULTINOMIAL_SEPARATED)
def test_multinomial_separated(name):
    X, y, complete = MULTINOMIAL_SEPARATED[name]
    with pytest.raises(SeparationError, match="no maximum likelihood estimate exists") as error:
        estimation.multinomial(X, y, 3)
    assert error.value.complete == complete
    fit = estimation.multinomial(X, y, 3, penalty=0.125)
    assert fit.gradient_norm < 1e-7 and np.isfinite(fit.covariance).all()


@given(st.integers(0, 10**6), st.integers(6, 30), st.integers(1, 2), st.integers(2, 4))
def test_multinomial_gives_an_estimate_or_a_reason(seed, N, n, K):
    rng = np.random.default_rng(seed)
    X, y = designs.eighths(rng, N, n, largest=1), rng.integers(0, K, N)
    assume(np.linalg.matrix_rank(X) == n)
    try:
        fit = estimation.multinomial(X, y, K)
    except SeparationError as error:
        margins = error.direction @ X.T
        own = margins[y, np.arange(N)] - margins
        assert own.max() > 0 and own.min() >= -1e-9
    else:
        assert fit.gradient_norm < 1e-7
        assert fit.decrement < 1e-7


@pytest.mark.parametrize("K", [2, 3])
def test_rank_deficient_in_both_models(K):
    X = [[1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [1.0, 5.0, 6.0], [1.0, 1.0, 2.0]]
    y = [0, 1, K - 1, 0]
    with pytest.raises(ValueError, match="given rank 2 ") as error:
        estimation.multinomial(X, y, K)
    assert not isinstance(error.value, SeparationError)
    assert np.isfinite(estimation.multinomial(X, y, K, penalty=1.0).w).all()


@pytest.mark.parametrize("name", ["newton", "firth", "multinomial"])
def test_what_is_known_without_a_fit(name):
    """The NLL of the class frequencies, the sum of the weights, and the penalty."""
    K, more = (3, {"K": 3}) if name == "multinomial" else (2, {})
    X, y = three_classes(5, K=K)
    s = np.linspace(0.5, 2.0, len(y)) / 3
    if name != "firth":
        more["penalty"] = 1 / 3
    fit = getattr(estimation, name)(X, y, sample_weight=s, **more)
    with mp.workdps(50):
        totals = [mp.fsum(s[y == a].tolist()) for a in range(K)]
        count = mp.fsum(totals)
        null_nll = -mp.fsum(t * mp.log(t / count) for t in totals)
    for value, exact in [(fit.null_nll, null_nll), (fit.count, count)]:
        compare.check(np.float64(value), exact, statement="logistic.score_equations",
                      oracle="loops", case=f"frequencies, {name}", ulp=4)  # fmt: skip
    compare.same(fit.penalty, more.get("penalty", 0.0))


def test_gradient_descent_with_the_proved_step():
    """The NLL falls in each step by norm(g)^2 / (2 L) or more; L bounds the Hessian anywhere."""
    X, y = overlapping(6)
    s = np.linspace(0.5, 2.0, len(y))
    L = estimation.largest_curvature(X, sample_weight=s, penalty=0.5)
    at_zero = logistic.nll_hessian(np.zeros(3), X, y, sample_weight=s) + 0.5 * np.eye(3)
    compare.check(
        np.float64(L),
        np.linalg.eigvalsh(at_zero)[-1],
        statement="logistic.smoothness",
        oracle="identity",
        case="met at w = 0",
        ulp=16,
    )
    path = estimation.gradient_descent(X, y, steps=400, sample_weight=s, penalty=0.5)
    promised = path.gradient_norms[:-1] ** 2 / (2 * L)
    assert (-np.diff(path.values) >= promised * (1 - 1e-9) - 1e-12).all()
    fit = estimation.newton(X, y, sample_weight=s, penalty=0.5)
    assert path.gradient_norms[-1] < 1e-6
    compare.check(
        path.point,
        fit.w.tolist(),
        statement="logistic.smoothness",
        oracle="identity",
        case="arrives",
        ulp=64,
    )
    few, passed = estimation.gradient_descent(X, y, steps=2, sample_weight=s, penalty=0.5), []
    with mp.workdps(50):
        w, data = loops.exact([0] * 3), tuple(map(loops.exact, (X, y, s)))
        for _ in range(3):
            g = loops.logistic_nll_gradient(w, *data)
            g = [t + at / 2 for t, at in zip(g, w, strict=True)]
            value = loops.logistic_nll(w, *data) + loops.dot(w, w) / 4
            passed.append((w, value, g, mp.sqrt(loops.dot(g, g))))
            w = [at - t / L for t, at in zip(g, w, strict=True)]
        points, values, gradients, norms = map(list, zip(*passed, strict=True))
        decrement = norms[1] / mp.sqrt(L)
    for name, exact in [("point", points[2]), ("value", values[2]), ("gradient", gradients[2]),
                        ("decrement", decrement), ("points", points), ("values", values),
                        ("gradient_norms", norms)]:  # fmt: skip
        compare.check(np.asarray(getattr(few, name)), exact, statement="logistic.smoothness",
                      oracle="loops", case=f"two steps, {name}", ulp=64)  # fmt: skip
    assert (few.steps, few.evaluations) == (2, 3)


@pytest.mark.parametrize("K", [2, 3])
def test_the_steps_are_newtons(K):
    """By blocks, and with a `tol` that the first step meets: two of them, at 60 digits."""
    X, y = three_classes(7, N=8, K=K)
    rows = designs.eighths(np.random.default_rng(7), K, 3, largest=1) / 2
    start = rows[0] if K == 2 else rows - np.roll(rows, 1, axis=0)  # which add to zero
    fitted = estimation.newton if K == 2 else partial(estimation.multinomial, K=K)
    fit = fitted(streaming.Blocks(X, y, rows=3), start=start, penalty=0.5, tol=100.0)
    first = loops.at(60, exact_step, start, X, y, 0.5)[0]
    w, decrement, _ = loops.at(60, exact_step, first, X, y, 0.5)
    for name, actual, expected in [
        ("w", fit.w, w),
        ("decrement", np.float64(fit.decrement), decrement),
        ("gradient", np.float64(fit.gradient_norm), loops.at(60, exact_step, fit.w, X, y, 0.5)[2]),
    ]:
        compare.check(actual, expected, statement=STATEMENT, oracle="loops",
                      case=f"two steps, {name}, {K}", ulp=64)  # fmt: skip
    assert fit.iterations == 2


def test_the_proof_of_overlap_is_needed():
    """A fit of quasi-separated data converges to 1e-8; that it is no estimate has to be found."""
    X = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0, 1, 1])
    minimum = minimisation.newton(
        lambda w: logistic.nll_and_gradient(w, X, y),
        lambda w: logistic.nll_hessian(w, X, y),
        np.zeros(2),
    )
    assert minimum.decrement <= 1e-8
    with pytest.raises(SeparationError, match="quasi-completely"):
        estimation.newton(X, y)


# ------------------------------------------------- columns and weights as they come in tables


def years(N, seed, power=2):
    """Columns 1, year, year^2, ...: the columns for (year - 2010)/10, in other coordinates."""
    rng = np.random.default_rng(seed)
    year = 2000.0 + rng.integers(0, 20, N)
    t = (year - 2010) / 10
    y = (rng.uniform(size=N) < 1 / (1 + np.exp(t**2 - t))).astype(int)
    return np.column_stack([year**k for k in range(power + 1)]), y


def off_in_digits(fit, X, y):
    """Right digits of the worst coefficient, or of its standard error where that is larger."""
    w = loops.at(80, loops.newton, fit.w, X, y, 0)
    size = np.maximum(np.abs(fit.w), fit.standard_errors)
    with mp.workdps(80):
        lost = [abs(mp.mpf(a) - b) / s for a, b, s in zip(fit.w.tolist(), w, size, strict=True)]
    return -float(mp.log10(max(lost) + mp.mpf(10) ** -17))


@pytest.mark.parametrize(
    ("N", "seed", "power"), [(100, 0, 2), (100, 3, 2), (150, 1, 3), (90, 2, 4)]
)
def test_columns_that_are_nearly_dependent(N, seed, power):
    """Condition numbers of 6e5 to 4e11: an estimate, and no digit claimed that is not right."""
    X, y = years(N, seed, power)
    fit = estimation.newton(X, y)
    assert 3 <= fit.digits <= off_in_digits(fit, X, y)


@pytest.mark.parametrize("N", [100, 1000, 10_000])
def test_years_and_their_squares(N):
    """Whatever the sample: the estimate of the same model with the years around 2010."""
    for seed in range(5):
        X, y = years(N, seed)
        t = (X[:, 1] - 2010) / 10
        centred = estimation.newton(np.column_stack([np.ones(N), t, t**2]), y)
        fit = estimation.newton(X, y)
        compare.check(
            np.float64(1e8 + (100 * fit.w[2] / centred.w[2] - 1)),
            1e8,
            statement=STATEMENT,
            oracle="identity",
            case=f"years, N = {N}, seed {seed}",
            ulp=2,  # of 1e8: eight digits
        )


def test_years_for_classes():
    X, y = years(2000, 5)
    y = y + (np.arange(2000) % 3 == 0)
    t = (X[:, 1] - 2010) / 10
    centred = estimation.multinomial(np.column_stack([np.ones(2000), t, t**2]), y, 3, reference=0)
    fit = estimation.multinomial(X, y, 3, reference=0)
    compare.check(
        1e8 + (100 * fit.w[1:, 2] - centred.w[1:, 2]),
        [1e8, 1e8],
        statement="softmax.newton_step",
        oracle="identity",
        case="years",
        ulp=2,
    )


def test_years_by_blocks():
    X, y = years(2000, 1)
    whole, blocks = estimation.newton(X, y), estimation.newton(streaming.Blocks(X, y, rows=300))
    compare.check(
        1e8 + (blocks.w / whole.w - 1),
        [1e8] * 3,
        statement=STATEMENT,
        oracle="identity",
        case="years, by blocks",
        ulp=2,
    )


def test_columns_that_rounding_makes_dependent():
    """0.1 a + 0.2 b, rounded: exactly it is independent, but the data do not say by how much."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    X = np.column_stack([X, 0.1 * X[:, 1] + 0.2 * X[:, 2]])
    y = rng.integers(0, 2, 50)
    with pytest.raises(ValueError, match=r"^X: expected linearly independent columns, .*rounding"):
        estimation.newton(X, y)
    assert np.isfinite(estimation.newton(X, y, penalty=1.0).w).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-3, 1e11, 1e150])
@pytest.mark.parametrize("K", [2, 3])
def test_weights_in_other_units(scale, K):
    """The estimate is that of weights of 1; the errors go with the root of the scale."""
    X, y = three_classes(8, K=K)
    fits = [
        estimation.newton(X, y, sample_weight=s) if K == 2
        else estimation.multinomial(X, y, K, sample_weight=s, tol=1e-12)
        for s in (None, np.full(len(y), scale))
    ]  # fmt: skip
    plain, scaled = fits
    for name, factor in (("w", 1.0), ("standard_errors", scale**0.5)):
        compare.check(
            getattr(scaled, name) * factor,
            getattr(plain, name).tolist(),
            statement="logistic.weighted",
            oracle="identity",
            case=f"weights of {scale}, {name}",
            ulp=32,
        )
    penalty = estimation.newton(X, y > 0, sample_weight=np.full(len(y), scale), penalty=scale)
    compare.check(
        penalty.w,
        estimation.newton(X, y > 0, penalty=1.0).w.tolist(),
        statement="logistic.penalised",
        oracle="identity",
        case=f"weights of {scale}",
        ulp=32,
    )


@pytest.mark.parametrize("scale", [1e-150, 1e150, 1e160, 1e300])
def test_columns_of_any_size(scale):
    X, y = overlapping(3)
    by = np.array([1.0, scale, 1.0])
    plain, scaled = estimation.newton(X, y), estimation.newton(X * by, y)
    for name in ("w", "standard_errors"):
        compare.check(
            getattr(scaled, name) * by,
            getattr(plain, name).tolist(),
            statement=STATEMENT,
            oracle="identity",
            case=f"column times {scale}, {name}",
            ulp=32,
        )


def test_coordinates_in_which_columns_are_alike():
    """With penalties, and so far from the minimum that a gradient is left."""
    X, y = overlapping(3)
    by, penalty = np.array([1.0, 2.0**-500, 1.0]), np.array([1.0, 4.0, 0.5])
    plain = estimation.newton(X, y, penalty=penalty)
    scaled = estimation.newton(X * by, y, penalty=penalty * by**2)
    early = estimation.newton(X * by, y, penalty=penalty * by**2, tol=0.1)
    gradient = logistic.nll_gradient(early.w, X * by, y) + penalty * by**2 * early.w
    for name, actual, expected in [
        ("w", scaled.w * by, plain.w),
        ("standard errors", scaled.standard_errors * by, plain.standard_errors),
        ("gradient", np.float64(1 + early.gradient_norm), 1 + np.linalg.norm(gradient)),
    ]:
        compare.check(actual, expected.tolist(), statement="logistic.penalised",
                      oracle="identity", case=f"a column times 2^-500, {name}", ulp=64)  # fmt: skip
    assert early.gradient_norm > 1e-11


@pytest.mark.parametrize("K", [1, 3])
def test_what_a_block_adds(K):
    """In coordinates whose numbers are exact, and beside columns with fixed coefficients."""
    X, y = three_classes(6, K=max(K, 2))
    rng = np.random.default_rng(6)
    U, s = designs.eighths(rng, K, 3), rng.integers(1, 9, len(y)) / 8
    R, C = np.array([[2.0, 1.0, 0.0], [0.0, 4.0, 0.5], [0.0, 0.0, 0.5]]), np.diag([1.0, 2.0, 0.5])
    terms = Terms(K, 3, fixed=np.eye(K), R=R, C=C, scale=4.0)
    beside = designs.eighths(rng, len(y), K)
    A, u, s4 = X @ np.linalg.inv(R) @ C, U.ravel(), s / 4
    room = softmax if K > 1 else logistic
    at = (np.hstack([U, np.eye(K)]) if K > 1 else np.append(U[0], 1.0)), np.hstack([A, beside]), y
    nll, gradient = (f(*at, sample_weight=s4) for f in (room.nll, room.nll_gradient))
    H = room.nll_hessian(*at, sample_weight=s4)
    H = (H[:, :3, :, :3] if K > 1 else H[:3, :3]).reshape(3 * K, 3 * K)
    gradient = gradient.reshape(K, -1)[:, :3].ravel()
    z = at[1] @ np.atleast_2d(at[0]).T
    z = z if K > 1 else np.column_stack([0 * z, z])
    apart = np.abs(z[:, 1] - z[:, 0]) if K == 1 else np.ptp(z, axis=1)
    bound = float(np.sqrt(np.median(s4 * np.exp(-apart) / max(K, 2))))
    margins = np.min([z[i, y[i]] - np.delete(z[i], y[i]) for i in range(len(y))], axis=1)
    given = (u, np.hstack([X, beside]), y)
    triangle = terms.triangle(*given, sample_weight=s)
    step = designs.eighths(rng, K, 3)
    change = np.abs(A @ step.T).max(axis=1)
    moved, root = float(np.median(change)), designs.eighths(rng, 3 * K, 2)
    least = s4 * np.exp(-apart) / max(K, 2)
    reach = np.linalg.norm(A @ root.reshape(K, 3, 2), axis=2).max(axis=0)
    scale = 1.01 / (4 * bound * np.median(reach[least <= bound**2]))
    unproved = np.sum((least <= bound**2) & (4 * scale * reach * bound >= 1))
    assert 0 < unproved < np.sum(least <= bound**2)
    for name, actual, expected in [
        ("products", terms.first(*given, sample_weight=s)[0], (A.T * s4) @ A),
        ("totals", terms.first(*given, sample_weight=s)[1], np.bincount(y, s4)),
        ("rows", terms.first(*given, sample_weight=s)[2], np.float64(len(y))),
        ("least", terms.first(*given, sample_weight=s)[3], s4.min()),
        ("triangle", triangle.T @ triangle, (A.T * s4) @ A),
        ("value", terms.value_and_gradient(*given, sample_weight=s)[0], nll),
        ("gradient", terms.value_and_gradient(*given, sample_weight=s)[1], gradient),
        ("Hessian", terms.hessian(*given, sample_weight=s), H),
        *zip(("value", "gradient", "Hessian"), terms.all_three(*given, sample_weight=s),
             (nll, gradient, H), strict=True),
        *zip(("value", "gradient", "unproved", "moving"),
             terms.last(bound, scale * root, moved, step, *given, sample_weight=s),
             (nll, gradient, np.float64(unproved), np.float64(np.sum(change > moved))), strict=True),
        ("margins", terms.not_separated(*given, sample_weight=s), np.float64(sum(margins <= 1e-9))),
    ]:  # fmt: skip
        compare.check(actual, expected.tolist(), statement=STATEMENT, oracle="identity",
                      case=f"of a block, {name}, {K}", ulp=32)  # fmt: skip


def test_a_covariance_beyond_the_range():
    """The errors, which are its roots, are in it."""
    X, y = overlapping(3)
    fit, plain = estimation.newton(X * [1.0, 1e-170, 1.0], y), estimation.newton(X, y)
    compare.check(fit.standard_errors * [1.0, 1e-170, 1.0], plain.standard_errors.tolist(), ulp=64,
                  statement=STATEMENT, oracle="identity", case="a column times 1e-170")  # fmt: skip
    with pytest.raises(ValueError, match=r"^the covariance exceeds the range of float64 .*rescale"):
        _ = fit.covariance


def test_a_point_of_weight_zero_may_be_anywhere():
    """It does not take part in any function: also where its logit would leave the range."""
    X, y = overlapping(3)
    far = np.vstack([X, [1.0, 1e308, 1e308]]), np.append(y, 1), np.append(np.ones(40), 0.0)
    w = estimation.newton(X, y).w
    compare.same(estimation.newton(far[0], far[1], sample_weight=far[2]).w, w)
    for room in (logistic, engine_logistic):
        for name in ("nll", "nll_gradient", "nll_hessian"):
            compare.same(
                getattr(room, name)(w, far[0], far[1], sample_weight=far[2]),
                getattr(room, name)(w, X, y),
            )
    W = np.vstack([0 * w, w])
    for room in (softmax, engine_softmax):
        for name in ("nll", "nll_gradient", "nll_hessian"):
            compare.same(
                getattr(room, name)(W, far[0], far[1], sample_weight=far[2]),
                getattr(room, name)(W, X, y),
            )


def test_a_class_without_data_is_named():
    X, y = overlapping(1)
    with pytest.raises(SeparationError, match=r"W\[2, 0\] to -inf\. class 2 has no data\. Remed"):
        estimation.multinomial(X, y, 3)


# ---------------------------------------------------------------- far on their side, far away


@pytest.mark.parametrize("weight", [1e-22, 1e-26])
def test_one_label_of_nearly_no_weight(weight):
    """In the tail a step of no standard error is one of a whole logit."""
    fit = estimation.newton([[1.0], [1.0]], [1, 0], sample_weight=[1.0, weight])
    with mp.workdps(50):
        s = mp.mpf(weight)
        nll = mp.log(1 + s) + s * mp.log(1 + 1 / s)
        for name, actual, exact in [
            ("w", fit.w, [-mp.log(s)]),
            ("NLL", np.float64(fit.nll), nll),
            # of 1e6: the errors are those before the last step, to eight digits
            ("errors", 1e6 + fit.standard_errors * np.sqrt(weight), [1e6 + mp.sqrt(1 + s)]),
        ]:
            compare.check(actual, exact, statement=STATEMENT, oracle="mpmath", ulp=64,
                          case=f"weight {weight}, {name}")  # fmt: skip


@pytest.mark.parametrize("penalty", [1e-24, 1e-42])
def test_a_penalty_that_is_nearly_none(penalty):
    for fit in (
        estimation.newton([[1.0], [1.0]], [1, 1], penalty=penalty),
        estimation.newton([([[1.0]], [1]), ([[1.0]], [1])], penalty=penalty),
    ):
        with mp.workdps(50):
            root = mp.findroot(lambda w: 2 / (1 + mp.exp(w)) - mp.mpf(penalty) * w, fit.w[0])
        compare.check(fit.w, [root], statement=STATEMENT, oracle="mpmath", ulp=64,
                      case=f"penalty {penalty}")  # fmt: skip


def test_the_minimum_is_not_reached():
    with pytest.raises(ConvergenceError, match=r"^the minimum is not reached after \d+ steps"):
        estimation.newton([[1.0], [1.0]], [1, 1], penalty=1e-200)


@pytest.mark.parametrize("K", [2, 3])
def test_far_data_points_need_no_search(K, monkeypatch):
    """Some have a wrong label with the probability 1e-40: the others prove that there is a minimum."""
    rng = np.random.default_rng(3)
    X = np.column_stack(
        [np.ones(500), rng.normal(size=(500, 2)), rng.integers(0, 9, (500, 3)) == 0]
    )
    X[:40, 1] *= 40
    y = np.digitize(X[:, 1] + X[:, 2] + rng.logistic(size=500) / 2, np.arange(K - 1))
    monkeypatch.setattr(estimation.separation, "require_overlap", None)
    fit = estimation.newton(X, y) if K == 2 else estimation.multinomial(X, y, K)
    monkeypatch.undo()
    assert fit.digits >= 8 and np.ptp(X @ fit.w.reshape(-1, 6).T) > 92  # 1e-40 = e^-92
    estimation.separation.require_overlap(X, y, None if K == 2 else K)


@pytest.mark.parametrize("size", [300, 2000, 50_000])
def test_separated_but_for_rounding(size):
    """Two columns are equal but in one row: the rows of X R^-1 may overlap where those of X do not."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        column = rng.integers(1, size, 6).astype(float)
        X, y = np.column_stack([column, column - (np.arange(6) == 0)]), rng.integers(0, 2, 6)
        with pytest.raises(SeparationError):
            estimation.newton(X, y)
        with pytest.raises((SeparationError, ConvergenceError)):
            estimation.newton([(X[:3], y[:3]), (X[3:], y[3:])])


@pytest.mark.parametrize("classes", [False, True])
def test_weights_count_where_columns_are_nearly_dependent(classes):
    X, y = years(60, 4, power=3)
    fitted = partial(estimation.multinomial, K=2, reference=0) if classes else estimation.newton
    plain, fit = fitted(X, y), fitted(X, y, sample_weight=np.full(60, 100.0))
    for name in ("count", "null_nll"):
        compare.check(np.float64(getattr(fit, name)), 100.0 * getattr(plain, name), ulp=64,
                      statement="logistic.weighted", oracle="identity", case=f"years, {name}")  # fmt: skip


def test_an_offset_that_tells_the_labels_apart():
    """The data overlap, whatever it says: here the estimate is 0, and its variance 1 / (2 p (1 - p))."""
    fit = estimation.newton([[1.0], [1.0]], [0, 1], offset=[-5.0, 5.0])
    with mp.workdps(50):
        p = 1 / (1 + mp.exp(5))
        expected = 1 / mp.sqrt(2 * p * (1 - p))
    compare.check(fit.standard_errors, [expected], statement=STATEMENT, oracle="mpmath", ulp=64,
                  case="a good offset")  # fmt: skip
    assert not fit.w.any()
    X, offset = [[1.0, 0.0], [1.0, 1.0]] * 2, [-5.0, -5.0, 5.0, 5.0]
    fit = estimation.newton(X, [0, 0, 1, 1], offset=offset, penalty=1.0)
    with mp.workdps(50):
        exact = 4 * mp.log(1 + mp.exp(-5))
    compare.check(np.float64(fit.null_nll), exact, statement=STATEMENT, oracle="mpmath", ulp=64,
                  case="a good offset, the intercept alone")  # fmt: skip


def test_digits_of_columns_of_all_sizes():
    X = np.column_stack([np.ones(5), np.arange(5.0)])
    for by in ([1e-200, 1e200], [1e200, 1e-200], [1e-300, 1e-300]):
        fit = estimation.newton(X * by, [0, 1, 0, 1, 1])
        assert fit.digits in range(17)


@pytest.mark.parametrize("noise", [1e-5, 1e-7, 3e-8])
def test_passes_where_columns_are_nearly_equal(noise):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(500), rng.normal(size=(500, 3))])
    X = np.column_stack([X, X[:, 1] + noise * rng.normal(size=500)])
    y, passes = (rng.random(500) < 1 / (1 + np.exp(-X[:, 1]))).astype(int), []

    class Counted(list):
        def __iter__(self):
            passes.append(1)
            return super().__iter__()

    fit = estimation.newton(Counted([(X[:300], y[:300]), (X[300:], y[300:])]))
    assert fit.digits >= 5 and len(passes) < 20


def test_a_step_that_is_no_number():
    """Logits of tens of thousands, and nearly no curvature: separated, and no wrong number on the way."""
    X = np.array([[-707, 0], [707, 0], [-1414, 1414], [-16065, -128520], [-11920, -95360],
                  [-28207, -225656]], float)  # fmt: skip
    offset = [
        [-25, -29, -17],
        [-49, 49, -44],
        [-19, -28, 26],
        [25, 47, -25],
        [50, 48, 11],
        [29, -26, -31],
    ]
    with pytest.raises(SeparationError, match="quasi-completely"):
        estimation.multinomial(X, [1, 0, 1, 2, 2, 0], 3, offset=offset,
                               sample_weight=[0.01, 1.0, 1e3, 10.0, 1e-5, 0.01])  # fmt: skip


def test_digits_of_firth_where_columns_are_nearly_dependent():
    """No digit is claimed that is not right: the gradient at 60 digits tells how far the minimum is."""
    i = np.arange(12.0)
    X = np.column_stack([i**0, i, 1 + 1e-8 * (i * i % 7)])
    y = np.array([0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1])
    fit = estimation.firth(X, y)
    data = loops.exact(X), loops.exact(y), None
    with mp.workdps(60):
        g = loops.differences(60, lambda w: penalised_nll(w, *data), (loops.exact(fit.w),), 0)
        H = mp.matrix(loops.logistic_nll_hessian(loops.exact(fit.w), *data))
        step = mp.lu_solve(H, mp.matrix(g))
        lost = max(
            abs(d) / max(abs(w), e)
            for d, w, e in zip(step, fit.w, fit.standard_errors, strict=True)
        )
        assert 3 <= fit.digits <= -mp.log10(lost)


def at_the_minimum(fit, X, y, penalty):
    """The gradient is far below a standard error."""
    g = logistic.nll_gradient(fit.w, X, y) + penalty * fit.w
    return np.linalg.norm(fit.root.T @ g) < 1e-7


def test_columns_that_only_their_penalty_keeps_apart():
    """All indicators beside an intercept without penalty, and one row that is far away."""
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=40), np.arange(40) % 3
    y = (x + rng.normal(size=40) > 0).astype(int)
    x[0] = 1e4 * np.abs(x[0]) * (2 * y[0] - 1)
    X = np.column_stack([np.ones(40), *(group == g for g in range(3)), x])
    penalty = np.array([0.0, 1.0, 1.0, 1.0, 0.0])
    fit = estimation.newton(X, y, penalty=penalty)
    assert at_the_minimum(fit, X, y, penalty)
    compare.check(1.0 + fit.w[1:4].sum(keepdims=True), [1.0], statement="logistic.penalised",
                  oracle="identity", case="penalised indicators add up to zero", ulp=64)  # fmt: skip


@pytest.mark.parametrize("strength", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("intercept", [False, True])
def test_more_columns_than_rows(strength, intercept):
    X = np.column_stack([np.ones(5), np.random.default_rng(1).normal(size=(5, 20))])
    y, penalty = np.array([0, 1, 0, 1, 1]), np.full(21, strength)
    penalty[0] *= not intercept
    fit = estimation.newton(X, y, penalty=penalty)
    assert at_the_minimum(fit, X, y, penalty) and fit.digits >= 6


def test_columns_that_are_equal_and_tiny():
    x = np.array([1.0, 2.0, 1.0])
    fit = estimation.newton(1e-150 * np.column_stack([x, x]), [0, 1, 1], penalty=1.0)
    expected = np.full(2, 1e-150)  # X^T (y - 1/2)
    compare.check(fit.w, expected.tolist(), statement="logistic.penalised", oracle="identity",
                  case="tiny columns", ulp=64)  # fmt: skip


@pytest.mark.parametrize("offset", [30.0, -30.0, 100.0])
def test_an_offset_goes_over_to_the_intercept(offset):
    X, y = overlapping(6)
    fit = estimation.newton(X, y, offset=np.full(40, offset))
    plain = estimation.newton(X, y)
    for name, actual, expected in [
        ("w", fit.w, plain.w - np.array([offset, 0.0, 0.0])),
        ("slopes", 100.0 + fit.w[1:], 100.0 + plain.w[1:]),
        ("the intercept alone", np.float64(fit.null_nll), np.float64(plain.null_nll)),
    ]:
        compare.check(actual, expected.tolist(), statement="regression.offset_gradient", ulp=64,
                      oracle="identity", case=f"offset {offset}, {name}")  # fmt: skip


@pytest.mark.parametrize("start", [[100.0, 0.0, 0.0], [0.0, 0.0, 1e3], [1e6, 1e6, -1e6]])
def test_a_start_where_the_nll_is_flat(start):
    X, y = overlapping(6)
    expected = estimation.newton(X, y).w.tolist()
    for source in ((X, y), (streaming.Blocks(X, y, rows=7),)):
        compare.check(estimation.newton(*source, start=start).w, expected, statement=STATEMENT,
                      oracle="identity", case=f"start {start}", ulp=64)  # fmt: skip


def test_an_intercept_alone_without_one_of_the_labels():
    """Beside an offset: its NLL tends to that of the classes that are there."""
    separated = estimation.newton([[1.0], [1.0]], [1, 1], offset=[0.1, 0.2], penalty=1.0)
    overlap = estimation.newton([[-1.0], [1.0]], [1, 1], offset=[0.1, 0.2])
    assert separated.null_nll == overlap.null_nll == 0.0
    X, y = overlapping(4)
    offset = designs.eighths(np.random.default_rng(4), 40, 3)
    three = estimation.multinomial(X, 2 * y, 3, offset=offset, penalty=1.0)
    two = estimation.multinomial(X, y, 2, offset=offset[:, [0, 2]], penalty=1.0)
    assert three.null_nll == two.null_nll
    one = estimation.multinomial(X, 0 * y, 3, offset=offset, penalty=1.0)
    assert one.null_nll == 0.0


@pytest.mark.parametrize(("seed", "power"), [(0, 2), (1, 2), (2, 2), (3, 2), (0, 3), (1, 3)])
def test_firth_of_columns_that_are_nearly_dependent(seed, power):
    X, y = years(200, seed, power)
    t = (X[:, 1] - 2010) / 10
    centred = estimation.firth(t[:, np.newaxis] ** np.arange(power + 1), y)
    fit = estimation.firth(X, y)
    assert fit.digits >= 6
    compare.check(
        np.array([1e7 + (10.0**power * fit.w[power] / centred.w[power] - 1), 1e7 + fit.nll]),
        [1e7, 1e7 + centred.nll],
        statement=STATEMENT,
        oracle="identity",
        case=f"Firth, years to the power {power}",
        ulp=64,  # of 1e7: seven digits
    )


def test_firth_of_columns_that_are_dependent_to_rounding():
    X, y = overlapping(3)
    X[:, 2] = X[:, 1]
    X[0, 2] = np.nextafter(X[0, 2], 9)
    with pytest.raises(ConvergenceError, match=r"^the columns of X are dependent, to rounding"):
        estimation.firth(X, y)


def test_weights_whose_sum_is_beyond_float64():
    """Weights over their sum would all be zero, and so would effects that are averages by them."""
    X, y = overlapping(2)
    s = np.full(40, 1e308)
    for call in (
        lambda: estimation.newton(X, y, sample_weight=s),
        lambda: estimation.newton([(X[:1], y[:1], s[:1]), (X[1:2], y[1:2], s[1:2])]),
        lambda: inference.average_marginal_effects(estimation.newton(X, y), X, sample_weight=s),
    ):
        with pytest.raises(ValueError, match=r"^the sum of the weights exceeds the range"):
            call()


def test_tables_as_blocks():
    """The names of the first are those of the fit; other columns in a later block are refused."""
    X, y = overlapping(2)
    table = pd.DataFrame(X, columns=["one", "x", "z"])
    parts = [(table[:25], y[:25]), (table[25:], y[25:])]
    fit = estimation.newton(parts)
    assert fit.names == ("one", "x", "z")
    compare.same(fit.w, estimation.newton([(X[:25], y[:25]), (X[25:], y[25:])]).w)
    parts[1] = table.loc[25:, ["one", "z", "x"]], y[25:]
    with pytest.raises(
        ValueError, match=r"^X: expected the columns \('one', 'x', 'z'\), given .*block 1"
    ):
        estimation.newton(parts)


class Mapped(list):
    """Blocks with a method of the name that blocks elsewhere have."""

    def map(self, function):
        raise AssertionError


def test_blocks_are_what_can_be_iterated():
    X, y = overlapping(2)
    compare.same(estimation.newton(Mapped([(X, y)])).w, estimation.newton([(X, y)]).w)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda X, y: estimation.newton([(X, y)], offset=y), TypeError,
         r"^offset: expected nothing beside blocks, given ndarray"),
        (lambda X, y: estimation.newton([(X, y)], sample_weight=y), TypeError,
         r"^sample_weight: expected nothing beside blocks, given ndarray; it is the third array"),
        (lambda X, y: estimation.newton(X.tolist()), TypeError,
         r"^blocks: expected .*given a row of numbers: of a matrix X the labels y are missing"),
        (lambda X, y: estimation.multinomial(X, y), ValueError,
         r"^K: expected an integer >= 2, the number of classes, given none"),
        (lambda X, y: estimation.multinomial([(X, y)], K=3), ConvergenceError,
         r"; class 2 has no data; possible reasons"),
        (lambda X, y: estimation.gradient_descent(0 * X, y, steps=3), ValueError,
         r"^X: expected a number that is not zero"),
        (lambda X, y: estimation.largest_curvature(1e200 * X), ValueError,
         r"^X\^T diag\(s\) X exceeds the range of float64"),
    ],
)  # fmt: skip
def test_what_is_missing_or_too_much(call, error, message):
    with pytest.raises(error, match=message):
        call(*overlapping(2))


# --------------------------------------------------- a penalty for each, offsets, start values


def test_an_intercept_without_penalty():
    """At 50 digits; the intercept makes the means equal, which a penalty on it would not."""
    X, y = overlapping(5)
    penalty = np.array([0.0, 2.0, 0.5])
    fit = estimation.newton(X, y, penalty=penalty, tol=1e-12)
    w = loops.at(60, minimum_with_penalties, fit.w, X, y, penalty)
    compare.check(fit.w, w, statement="logistic.penalised", oracle="loops", case="each", ulp=32)
    p = 1 / (1 + np.exp(-X @ fit.w))
    compare.check(
        np.mean(p),
        Fraction(int(y.sum()), len(y)),
        statement="logistic.score_equations",
        oracle="identity",
        case="free intercept",
        ulp=16,
    )
    compare.same(fit.penalty, penalty)


def minimum_with_penalties(w, X, y, penalty):
    """Newton's method from a good w."""
    n = len(w)
    for _ in range(6):
        g, H = loops.logistic_nll_gradient(w, X, y), loops.logistic_nll_hessian(w, X, y)
        A = mp.matrix(n)
        for k in range(n):
            for l in range(n):
                A[k, l] = H[k][l] + (penalty[k] if k == l else 0)
        step = mp.lu_solve(A, mp.matrix([g[k] + penalty[k] * w[k] for k in range(n)]))
        w = [w[k] - step[k] for k in range(n)]
    return w


@pytest.mark.parametrize("K", [2, 3])
def test_equal_penalties_are_one(K):
    X, y = three_classes(6, K=K)
    for one, each in [(0.0, np.zeros(3)), (0.5, np.full(3, 0.5))]:
        fits = [
            estimation.newton(X, y, penalty=p) if K == 2
            else estimation.multinomial(X, y, K, penalty=p)
            for p in (one, each)
        ]  # fmt: skip
        compare.same(fits[0].w, fits[1].w)


def test_classes_with_a_free_intercept():
    """The score equations of the intercepts: mean probabilities are class frequencies."""
    X, y = three_classes(4)
    fit = estimation.multinomial(X, y, 3, penalty=[0.0, 3.0, 1.0], tol=1e-12)
    compare.check(
        softmax.softmax(X @ fit.w.T).sum(axis=0),
        np.bincount(y).tolist(),
        statement="softmax.penalised",
        oracle="identity",
        case="free intercepts",
        ulp=32,
    )
    scores = softmax.nll_gradient(fit.w, X, y) + fit.w * [0.0, 3.0, 1.0]
    assert np.abs(scores).max() < 1e-12
    assert fit.penalty.tolist() == [0.0, 3.0, 1.0]


def test_only_columns_without_penalty_can_be_separated():
    """A free indicator of a pure group has no estimate; with a penalty on it there is one."""
    X, y = (np.array(part) for part in QUASI["an indicator"])
    with pytest.raises(SeparationError, match=r"w\[1\] to \+inf") as error:
        estimation.newton(X, y, penalty=[1.0, 0.0])
    assert error.value.direction.tolist() == [0.0, 1.0]
    fit = estimation.newton(X, y, penalty=[0.0, 1.0])
    assert np.isfinite(fit.w).all() and fit.gradient_norm < 1e-9
    with pytest.raises(ValueError, match=r"given rank 1 .*: column 2 = 1 \* column 1;"):
        estimation.newton(X[:, [1, 0, 0]], y, penalty=[1.0, 0.0, 0.0])
    assert np.isfinite(estimation.newton(X[:, [0, 0, 1]], y, penalty=[0.0, 1.0, 1.0]).w).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_offset(weighted):
    """At its own logits the model needs no more; in general, at 50 digits by a fixed column."""
    X, y = overlapping(7)
    s = np.linspace(0.5, 2.0, 40) if weighted else None
    offset = designs.eighths(np.random.default_rng(1), 40, largest=1)
    fit = estimation.newton(X, y, offset=offset, sample_weight=s, tol=1e-12)
    wider = np.column_stack([X, offset])
    g = logistic.nll_gradient(np.append(fit.w, 1.0), wider, y, sample_weight=s)[:3]
    H = logistic.nll_hessian(np.append(fit.w, 1.0), wider, y, sample_weight=s)[:3, :3]
    assert np.abs(g).max() < 1e-13 * np.abs(X).sum()
    compare.check(
        fit.covariance,
        np.linalg.inv(H).tolist(),
        statement=STATEMENT,
        oracle="identity",
        case="offset, covariance",
        ulp=64,
    )
    moved = estimation.newton(X, y, offset=X @ [0.5, -0.25, 0.125] + offset, sample_weight=s)
    compare.check(
        np.add(moved.w, [0.5, -0.25, 0.125]),
        fit.w.tolist(),
        statement=STATEMENT,
        oracle="identity",
        case="offset in the span of X",
        ulp=32,
    )
    alone = estimation.newton(np.ones((40, 1)), y, offset=offset, sample_weight=s)
    compare.same(np.float64(fit.null_nll), np.float64(alone.nll))


def test_offset_of_classes():
    X, y = three_classes(7)
    V = designs.eighths(np.random.default_rng(3), 3, 3, largest=1)
    fit = estimation.multinomial(X, y, 3, reference=0, tol=1e-12)
    moved = estimation.multinomial(X, y, 3, offset=X @ V.T, reference=0, tol=1e-12)
    compare.check(
        moved.w + (V - V[0]),
        fit.w.tolist(),
        statement="softmax.newton_step",
        oracle="identity",
        case="offset in the span of X",
        ulp=64,
    )


@pytest.mark.parametrize("K", [2, 3])
def test_start_values(K):
    """From the estimate it takes two steps, from anywhere it ends there."""
    X, y = three_classes(8, K=K)

    def fitted(**more):
        return (
            estimation.newton(X, y, **more) if K == 2
            else estimation.multinomial(X, y, K, tol=1e-12, **more)
        )  # fmt: skip

    fit = fitted()
    again = fitted(start=fit.w)
    assert again.iterations <= 3 < fit.iterations
    far = fitted(start=fit.w + designs.eighths(np.random.default_rng(1), *fit.w.shape))
    for other in (again, far):
        compare.check(
            other.w,
            fit.w.tolist(),
            statement=STATEMENT,
            oracle="identity",
            case=f"another start, K = {K}",
            ulp=64,
        )


# ----------------------------------------------------------------------- Firth's penalty


def test_endometrial_as_published():
    """R's logistf, as Heinze and Schemper (2002): it stops a little early, in the eighth digit."""
    X, y, _ = data.endometrial()
    with pytest.raises(
        SeparationError, match=r"quasi-completely .*w\[1\] to \+inf.*Firth's method"
    ):
        estimation.newton(X, y)
    fit = estimation.firth(X, y)
    assert [f"{w:.6f}" for w in fit.w] == ["3.774560", "2.929273", "-0.034752", "-2.604164"]
    assert [f"{e:.5f}" for e in fit.standard_errors] == ["1.48869", "1.55076", "0.03958", "0.77602"]


def penalised_nll(w, X, y, s):
    I = loops.logistic_nll_hessian(w, X, y, s)
    return loops.logistic_nll(w, X, y, s) - mp.log(mp.det(mp.matrix(I))) / 2


@pytest.mark.parametrize("weighted", [False, True])
def test_the_last_step_of_firth(weighted, monkeypatch):
    """From the point where the seed is renewed, with a `tol` that the first step meets."""
    X, y = overlapping(2, N=12)
    s = np.tile([1.0, 2.0, 3.0], 4) / 3 if weighted else None
    found, lbfgs = [], minimisation.lbfgs

    def kept(*given, **more):
        found.append(lbfgs(*given, **more))
        return found[-1]

    monkeypatch.setattr(minimisation, "lbfgs", kept)
    fit = estimation.firth(X, y, sample_weight=s, tol=1.0)
    data = tuple(map(loops.exact, (X, y, s)))

    def penalised(w):
        """The gradient, and the inverse of the information."""
        with mp.workdps(50):
            C = mp.inverse(mp.matrix(loops.logistic_nll_hessian(loops.exact(w), *data))).tolist()
        return loops.differences(50, lambda w: penalised_nll(w, *data), (w,), 0), C

    R = np.linalg.qr(X, mode="r")
    with mp.workdps(50):
        w = list(mp.lu_solve(mp.matrix(R.tolist()), mp.matrix(found[0].point.tolist())))
    (g, C), (last, covariance) = penalised(w), penalised(fit.w)
    with mp.workdps(50):
        step = [loops.dot(row, g) for row in C]
        expected = {
            "w": [at - by for at, by in zip(w, step, strict=True)],
            "nll": loops.logistic_nll(loops.exact(fit.w), *data),
            "decrement": 1 + mp.sqrt(loops.dot(g, step)),
            "gradient_norm": 1 + mp.sqrt(loops.dot(last, last)),
            "covariance": covariance,
            "standard_errors": [mp.sqrt(row[k]) for k, row in enumerate(covariance)],
        }
    for name, exact in expected.items():
        actual = getattr(fit, name) + (name in ("decrement", "gradient_norm"))
        compare.check(np.asarray(actual), exact, statement=STATEMENT, oracle="loops",
                      case=f"Firth, {name}", ulp=32)  # fmt: skip
    assert fit.iterations == found[0].steps + 1
    lost = np.max(
        fit.decrement * fit.standard_errors / np.maximum(np.abs(fit.w), fit.standard_errors)
    )
    assert fit.digits == max(0, int(-np.log10(lost)))


@pytest.mark.parametrize("weighted", [False, True])
def test_firth_is_a_minimum(weighted):
    """The gradient by differences of the penalised NLL at 50 digits, in standard errors."""
    X, y = overlapping(2, N=12)
    s = np.tile([1.0, 2.0, 3.0], 4) if weighted else None
    fit = estimation.firth(X, y, sample_weight=s, tol=1e-12)
    g = loops.differences(50, lambda w: penalised_nll(w, loops.exact(X), loops.exact(y),
                          s if s is None else loops.exact(s)), (fit.w,), 0)  # fmt: skip
    g = np.array(g, dtype=float)
    assert np.sqrt(g @ fit.covariance @ g) < 1e-11
    if weighted:
        repeated = estimation.firth(
            np.repeat(X, s.astype(int), axis=0), np.repeat(y, s.astype(int))
        )
        compare.check(
            1e10 + fit.w,
            (1e10 + repeated.w).tolist(),
            statement="logistic.weighted",
            oracle="identity",
            case="Firth, repeated rows",
            ulp=2,
        )


def test_firth_by_hand():
    """One column of ones: its estimate is log((k + 1/2) / (N - k + 1/2)), finite for k = N."""
    for k, N in [(3, 3), (0, 4), (1, 4)]:
        fit = estimation.firth(np.ones((N, 1)), [1] * k + [0] * (N - k), tol=1e-13)
        compare.check(
            fit.w,
            [mp.log(mp.mpf(2 * k + 1) / (2 * (N - k) + 1))],
            statement="logistic.newton_step",
            oracle="by hand",
            case=f"Firth, {k} of {N}",
            ulp=32,
        )


@pytest.mark.parametrize("name", [*COMPLETE, *QUASI])
def test_firth_on_separated_data(name):
    X, y = (COMPLETE | QUASI)[name]
    fit = estimation.firth(X, y)
    assert np.isfinite(fit.w).all() and np.isfinite(fit.standard_errors).all()
    with pytest.raises(ValueError, match="given rank"):
        estimation.firth(np.repeat(X, 2, axis=1), y)


@pytest.mark.parametrize("K", [2, 3])
def test_the_last_check_that_an_estimate_exists(K, monkeypatch):
    """Quasi-separated data on which the minimum seems to be reached: the error is the verdict's."""
    X = np.array([[1.0, 0.0]] * K + [[1.0, 1.0]])
    y = np.append(np.arange(K), 1)
    asked = []
    monkeypatch.setattr(
        estimation.separation, "require_overlap", lambda *given: asked.append(given)
    )
    fitted = (
        estimation.newton(X, y, tol=0.015) if K == 2 else estimation.multinomial(X, y, K, tol=1e-4)
    )  # fmt: skip
    assert asked and np.ptp(fitted.w) > 8
    monkeypatch.undo()
    with pytest.raises(SeparationError, match="quasi-completely"):
        estimation.newton(X, y) if K == 2 else estimation.multinomial(X, y, K, tol=1e-4)
