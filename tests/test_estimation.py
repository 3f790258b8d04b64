"""Newton's method: a published fit, the 50-digit minimum, and data on which no estimate exists."""

from fractions import Fraction

import compare
import designs
import loops
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference_impl import data, estimation, logistic
from reference_impl.estimation import ConvergenceError, SeparationError

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
    fit = estimation.newton(X, y, penalty=penalty)
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
    with pytest.raises(ConvergenceError, match="after 1 steps"):
        estimation.newton(X, y, max_iter=1)


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
