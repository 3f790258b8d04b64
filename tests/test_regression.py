"""Offsets, penalties, odds ratios and other links against loops, differences and derived lines."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations import regression as lines
from derivations.notation import (
    Σ,
    K,
    N,
    Size,
    X,
    Y,
    a,
    exp,
    i,
    k,
    l,
    w,
    y,
    δ,
    φ,
)  # fmt: skip
from reference_impl import logistic, regression, sigmoid, softmax
from reference_impl.engine import estimation
from reference_impl.regression import CLOGLOG, PROBIT

SIZES = [(1, 2), (2, 3), (5, 2), (5, 4), (3, 3)]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def case(size, K=3):
    """Features, labels, an offset and strengths, of which the first is zero."""
    N, n = size
    rng = layer_loops.rng(f"regression {size}")
    features, weights = eighths(rng, N, n), eighths(rng, n, largest=1)
    labels, classes = rng.integers(0, 2, N), rng.integers(0, K, N)
    strengths = np.abs(eighths(rng, n))
    strengths[0] = 0.0
    class_weights, class_offset = eighths(rng, K, n, largest=1), eighths(rng, N, K)
    return (
        features,
        weights,
        labels,
        eighths(rng, N),
        strengths,
        class_weights,
        classes,
        class_offset,
    )


def check(rule, oracle, actual, expected, case, ulp=16):
    compare.check(actual, expected, statement=f"regression.{rule}", oracle=oracle, case=str(case),
                  ulp=ulp)  # fmt: skip


def logit(w, row, o):
    return loops.dot(w, row) + o


def nll(w, X, y, offset, penalty):
    cost = sum((t * v**2 for t, v in zip(penalty, w, strict=True)), mpf(0)) / 2
    for row, label, o in zip(X, y, offset, strict=True):
        z = logit(w, row, o)
        cost -= loops.log_sigmoid(z) if label else loops.log_sigmoid(-z)
    return cost


def gradient_by_differences(w, X, y, offset, penalty):
    return loops.differences(60, nll, (w, X, y, offset, penalty), 0)


def nll_of_classes(W, X, y, offset):
    rows = [loops.softmax([logit(weights, row, o) for weights, o in zip(W, beside, strict=True)])
            for row, beside in zip(X, offset, strict=True)]  # fmt: skip
    return -sum(mp.log(row[int(label)]) for row, label in zip(rows, y, strict=True))


@each_size
def test_offset_and_penalty(size):
    X, w, y, o, penalty, *_ = case(size)
    none = np.zeros_like(penalty)
    arrays = {"X": X, "w": w, "y": y, "o": o, "penalties": penalty}
    for strengths, name, gradient, hessian in [
        (none, "offset", regression.offset_gradient(w, X, y, o), regression.offset_hessian(w, X, o)),
        (penalty, "penalty", regression.penalty_gradient(w, X, y, o, penalty),
         regression.penalty_hessian(w, X, o, penalty)),
    ]:  # fmt: skip
        given = (w, X, y, o, strengths)
        check(f"{name}_gradient", "differences", gradient, gradient_by_differences(*given), size)
        check(f"{name}_hessian", "differences", hessian,
              loops.differences(60, gradient_by_differences, given, 0), size)  # fmt: skip
        for rule, actual in [("gradient", gradient), ("hessian", hessian)]:
            expected = derived.table(f"regression.{name}_{rule}", arrays)
            check(f"{name}_{rule}", "50 digits", actual, expected, size)
    by_offset = derived.table("regression.offset_gradient", arrays, chain=1)
    check("offset_gradient", "50 digits", sigmoid.residuals(X @ w + o, y), by_offset, size)
    compare.same(regression.offset_gradient(w, X, y, 0.0 * o), logistic.nll_gradient(w, X, y))


@each_size
def test_offset_softmax_gradient(size):
    X, *_, W, y, O = case(size)
    actual = regression.offset_softmax_gradient(W, X, y, O)
    expected = loops.differences(50, nll_of_classes, (W, X, y, O), 0)
    check("offset_softmax_gradient", "differences", actual, expected, size)
    arrays = {"X": X, "W": W, "Y": np.eye(3)[y], "O": O}
    expected = derived.table("regression.offset_softmax_gradient", arrays)
    check("offset_softmax_gradient", "50 digits", actual, expected, size)
    same = regression.offset_softmax_gradient(W, X, y, 0.0 * O)
    check("offset_softmax_gradient", "50 digits", same,
          softmax.nll_gradient(W, X, y).tolist(), f"no offset {size}")  # fmt: skip
    moved = regression.offset_softmax_gradient(W, X, y, O + 2.0)  # the same for all classes
    check("offset_softmax_gradient", "50 digits", moved, expected, f"moved {size}")


@each_size
def test_penalty_newton_step(size):
    """u solves H u = X^T diag(omega) zeta, in exact arithmetic."""
    X, w, y, o, penalty, *_ = case(size)
    penalty = penalty + 0.5
    actual = regression.penalty_newton_step(w, X, y, o, penalty)
    with mp.workdps(50):
        arrays = {"X": X, "w": w, "y": y, "o": o, "penalties": penalty}
        right = derived.table("regression.penalty_newton_step", arrays)
        left = derived.table("regression.penalty_hessian", arrays)
        expected = [mpf(t) for t in mp.lu_solve(mp.matrix(left), mp.matrix(right))]
    check("penalty_newton_step", "50 digits", actual, expected, size, 64)


def test_an_offset_of_many_classes():
    """K numbers for each data point, not K x K, which would be 3e11 bytes here."""
    W = np.zeros((200_000, 1))
    gradient = regression.offset_softmax_gradient(W, [[2.0]], [0], W.T)
    expected = [[-2.0], [0.0]] + np.full((2, 1), 2.0) / 200_000
    check("offset_softmax_gradient", "by hand", gradient[:2], expected, "many classes", 2)


@pytest.mark.parametrize("seed", range(20))
def test_a_singular_hessian(seed):
    """An intercept beside dummies of all classes, which rounding hides; without it there is a step."""
    rng = layer_loops.rng(f"singular {seed}")
    classes = np.append(np.arange(3), rng.integers(0, 3, 30))
    X = np.column_stack(
        [np.ones(33), np.eye(3)[classes], 10.0 ** rng.integers(-9, 9) * rng.normal(size=33)]
    )
    w, y, o = np.append(rng.normal(size=4), 0.0), rng.integers(0, 2, 33), rng.normal(size=33)
    with pytest.raises(ValueError, match="penalty: expected a Hessian that can be inverted"):
        regression.penalty_newton_step(w, X, y, o, np.zeros(5))
    one_less = w[1:], X[:, 1:], y, o, np.zeros(4)
    arrays = dict(zip(["w", "X", "y", "o", "penalties"], one_less, strict=True))
    with mp.workdps(50):
        right = derived.table("regression.penalty_newton_step", arrays)
        left = derived.table("regression.penalty_hessian", arrays)
        expected = [mpf(t) for t in mp.lu_solve(mp.matrix(left), mp.matrix(right))]
    check("penalty_newton_step", "50 digits", regression.penalty_newton_step(*one_less), expected,
          f"dummies {seed}", 64)  # fmt: skip


def test_newton_steps_reach_the_fit():
    """The engine's minimum, with an offset and a free intercept, is where the steps stay."""
    rng = layer_loops.rng("fit")
    X = np.column_stack([np.ones(8), eighths(rng, 8, 2)])
    y, o, penalty = np.array([0, 1, 1, 0, 1, 0, 0, 1]), eighths(rng, 8, largest=1), [0.0, 1.0, 0.5]
    fit = estimation.newton(X, y, offset=o, penalty=penalty)
    w = np.zeros(3)
    for _ in range(8):
        w = regression.penalty_newton_step(w, X, y, o, penalty)
    check("penalty_newton_step", "loops", w, fit.w.tolist(), "fit", 64)
    total = logistic.sigmoid(X @ fit.w + o).sum()  # a free intercept: as many as there are labels
    check("penalty_gradient", "loops", total, float(y.sum()), "free intercept")


@each_size
def test_penalty_curvature(size):
    X, w, _, o, penalty, *_ = case(size)
    v = eighths(layer_loops.rng(f"curvature {size}"), size[1])
    hessian = regression.penalty_hessian(w, X, o, penalty)
    arrays = {"X": X, "w": w, "o": o, "penalties": penalty, "v": v}
    found = lines.penalty_curvature.chains[0].lines[1].expression
    expected = derived.evaluation.table(found, arrays, digits=50, at=())
    check("penalty_curvature", "50 digits", np.float64(v @ hessian @ v), expected, size, 64)


def test_odds_ratio():
    """exp(w) against the odds themselves, and the variance against loops over the delta method."""
    rng = layer_loops.rng("odds")
    w, root = eighths(rng, 4), eighths(rng, 4, 4)
    V = root @ root.T
    check("odds_ratio", "50 digits", regression.odds_ratio(w),
          [derived.table("regression.odds_ratio", {"w": x}) for x in w], "", 2)  # fmt: skip
    with mp.workdps(50):
        odds = [loops.sigmoid(mpf(1.25) + x) / loops.sigmoid(-mpf(1.25) - x)
                / (loops.sigmoid(mpf(1.25)) / loops.sigmoid(-mpf(1.25))) for x in w]  # fmt: skip
    check("odds_ratio", "loops", regression.odds_ratio(w), odds, "", 2)

    def delta_method(w, V):
        slopes = [[mp.exp(w[k]) if k == l else mpf(0) for l in range(4)] for k in range(4)]
        return [sum(s[l] * V[l][m] * s[m] for l in range(4) for m in range(4)) for s in slopes]

    actual = regression.odds_ratio_variance(w, V)
    check("odds_ratio_variance", "loops", actual, loops.at(50, delta_method, w, V), "")
    check("odds_ratio_variance", "50 digits", actual,
          derived.table("regression.odds_ratio_variance", {"w": w, "covariance": V}), "")  # fmt: skip


def test_odds_ratio_variance_far_out():
    """Where e^(2w) alone is 0 or inf, and where w decides alone; subnormal variances as well."""
    w = np.array([-400.0, 400.0, 400.0, 720.0, -705.0, 10.0, 2e3, -2e3])
    variances = np.array([1e300, 1e-200, 0.0, 5e-324, 1.7e308, 1e-320, 0.0, 1.7e308])
    with mp.workdps(50):
        expected = [mp.exp(2 * mpf(x)) * mpf(c) for x, c in zip(w, variances, strict=True)]
    expected[-1] = 0  # 1e-1429
    compare.check(regression.odds_ratio_variance(w, np.diag(variances)), expected, ulp=8,
                  statement="regression.odds_ratio_variance", oracle="50 digits", case="far out",
                  entrywise=True)  # fmt: skip


# -- other links


def probit(t):
    return mp.ncdf(t)


def cloglog(t):
    return -mp.expm1(-mp.exp(t))


LINKS = {"probit": (PROBIT, probit), "cloglog": (CLOGLOG, cloglog)}
each_link = pytest.mark.parametrize("name", LINKS)


def test_a_loss_that_is_not_convex():
    """eta = z^2: at z = 0 the second derivative is eta'' (p - y), -1 for a label 1 and 1 for a 0."""

    def information(z):
        return 4.0 * z**2 * sigmoid.sigmoid(z**2) * sigmoid.sigmoid(-(z**2))

    link = regression.Link(
        lambda z, y: sigmoid.softplus(np.where(y == 1, -1.0, 1.0) * z**2),
        lambda z, y: 2.0 * z * sigmoid.residuals(z**2, y),
        lambda z, y: 2.0 * sigmoid.residuals(z**2, y) + information(z),
        information,
    )
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    compare.same(regression.link_hessian(link, [0.0, 0.0], X[1:], [1, 1]),
                 np.array([[-2.0, 0.0], [0.0, -2.0]]))  # fmt: skip
    compare.same(regression.link_hessian(link, [0.0, 0.0], X, [0, 1, 0]),
                 np.array([[1.0, -2.0], [-2.0, 0.0]]))  # fmt: skip


RANGE = np.array([-700.0, -300.0, -45.0, -21.0, -19.5, -9.0, -3.125, -3.0, -2.875, -1.5, -0.25, 0.0,
                  0.125, 0.875, 1.5, 2.5, 3.25, 5.0, 6.3, 6.58])  # fmt: skip


def complement(name, t):
    """1 - p, without its rounding."""
    return mp.ncdf(-t) if name == "probit" else mp.exp(-mp.exp(t))


def loss(name, t, label):
    return -mp.log(LINKS[name][1](t) if label else complement(name, t))


def first(name, t, label):
    return loops.differences(350, lambda s: loss(name, s, label), (t,), 0)


def second(name, t, label):
    return loops.differences(350, lambda s: first(name, s, label), (t,), 0)


@each_link
@pytest.mark.parametrize("label", [0, 1])
def test_link_over_the_range(name, label):
    """Each loss and its two derivatives, entry by entry; where they cancel, by other forms."""
    link = LINKS[name][0]
    points = RANGE if name == "cloglog" else np.append(RANGE[2:], [30.0, 37.0])
    labels = np.full(len(points), label)
    with mp.workdps(390):
        for rule, actual, exact in [
            ("gradient", link.loss(points, labels), loss),
            ("gradient", link.slope(points, labels), first),
            ("hessian", link.curvature(points, labels), second),
        ]:
            expected = [exact(name, mpf(t), label) for t in points]
            compare.check(actual, expected, statement=f"regression.{name}_{rule}", ulp=64,
                          oracle="differences", case=f"label {label}", entrywise=True)  # fmt: skip


@each_link
def test_information_over_the_range(name):
    """The expectation of the square of the slope, with 1 - p for the label 0."""
    link, mean = LINKS[name]
    points = RANGE[3:]
    with mp.workdps(390):
        expected = [mean(mpf(t)) * first(name, mpf(t), 1) ** 2
                    + complement(name, mpf(t)) * first(name, mpf(t), 0) ** 2 for t in points]  # fmt: skip
    compare.check(link.information(points), expected, statement=f"regression.{name}_hessian",
                  oracle="differences", case="expected", ulp=64, entrywise=True)  # fmt: skip


def far_on_the_left(name, t):
    """Loss, slope and curvature of a label 1 at -t; for probit by the series of Mills' ratio."""
    if name == "cloglog":
        return t, -1, 0
    rest = 1 / t - 2 / t**3 + 10 / t**5 - 74 / t**7
    return t**2 / 2 + mp.log(2 * mp.pi) / 2 + mp.log(t + rest), -t - rest, (t + rest) * rest


@each_link
def test_links_far_out(name):
    """The limits, without a warning, where exponentials are 0 or inf in float64."""
    link, far = LINKS[name][0], np.array([1e3, 1e150, 1.4e154, 1e300])
    one, zero = np.ones(4, dtype=int), [0] * 4
    with mp.workdps(50):
        losses, *derivatives = zip(*(far_on_the_left(name, mpf(t)) for t in far), strict=True)
    with np.errstate(all="raise"):
        cases = [
            (link.loss(-far[:3], one[:3]), losses[:3]),  # the last is beyond float64
            (link.slope(-far, one), derivatives[0]),
            (link.curvature(-far, one), derivatives[1]),
            *((rule(far, one), zero) for rule in (link.loss, link.slope, link.curvature)),
            *((link.information(sign * far), zero) for sign in (-1, 1)),
        ]
        for rule in (link.loss, link.slope, link.curvature):
            rule(far, 0 * one)  # no warning either where the result is inf
    for actual, expected in cases:
        compare.check(actual, expected, statement=f"regression.{name}_hessian", oracle="by hand",
                      case="far out", ulp=4, entrywise=True)  # fmt: skip
    if name == "cloglog":
        given = link, [800.0], [[1.0]]
        check("cloglog_gradient", "by hand", regression.link_gradient(*given, [1]), [0], "far out")
        check("cloglog_hessian", "by hand", regression.link_information(*given), [[0]], "far out")


@each_link
@each_size
def test_links(name, size):
    link = LINKS[name][0]
    X, w, y, *_ = case(size)

    def cost(w, X, y):
        return sum(loss(name, loops.dot(w, row), label) for row, label in zip(X, y, strict=True))

    def gradient(w, X, y):
        return loops.differences(60, cost, (w, X, y), 0)

    value = regression.link_nll(link, w, X, y)
    check(f"{name}_gradient", "loops", value, loops.at(50, cost, w, X, y), f"value {size}")
    actual = regression.link_gradient(link, w, X, y)
    check(f"{name}_gradient", "differences", actual, loops.at(50, gradient, w, X, y), size)
    observed = regression.link_hessian(link, w, X, y)
    expected = loops.differences(60, gradient, (w, X, y), 0)
    check(f"{name}_hessian", "differences", observed, expected, size, 64)
    arrays = {"X": X, "w": w, "y": y}
    check(f"{name}_gradient", "50 digits", actual,
          derived.table(f"regression.{name}_gradient", arrays), size, 64)  # fmt: skip
    check(f"{name}_hessian", "50 digits", observed,
          derived.table(f"regression.{name}_hessian", arrays), size, 64)  # fmt: skip
    last = (
        len(lines.probit_hessian.chains if name == "probit" else lines.cloglog_hessian.chains) - 1
    )
    weights = derived.table(f"regression.{name}_hessian", arrays, chain=last)
    check(f"{name}_hessian", "50 digits", link.information(X @ w), weights, f"expected {size}", 64)
    information = regression.link_information(link, w, X)
    with mp.workdps(50):
        gram = [[sum(t * row[k] * row[l] for t, row in zip(weights, X, strict=True))
                 for l in range(size[1])] for k in range(size[1])]  # fmt: skip
    check(f"{name}_hessian", "loops", information, gram, f"expected {size}", 64)


@each_size
def test_the_logistic_link_has_no_labels_in_its_hessian(size):
    """eta(t) = t in the general statement: what logistic.nll_gradient and its Hessian say."""
    X, w, y, *_ = case(size)
    identity = regression.Link(
        lambda z, y: logistic.softplus((1 - 2 * y) * z),
        lambda z, y: np.where(y == 1, -logistic.sigmoid(-z), logistic.sigmoid(z)),
        lambda z, y: logistic.sigmoid(z) * logistic.sigmoid(-z),
        lambda z: logistic.sigmoid(z) * logistic.sigmoid(-z),
    )
    compare.same(regression.link_gradient(identity, w, X, y), logistic.nll_gradient(w, X, y))
    compare.same(regression.link_hessian(identity, w, X, y), logistic.nll_hessian(w, X, y))


def test_by_hand():
    """One point x = 1 at w = 0 with an offset of log 3: p = 3/4, p (1 - p) = 3/16."""
    given = [0.0], [[1.0]], [1], [np.log(3.0)]
    check("offset_gradient", "by hand", regression.offset_gradient(*given), [-0.25], "", 2)
    check("penalty_hessian", "by hand",
          regression.penalty_hessian([0.0], [[1.0]], given[3], [2.0]), [[2.1875]], "", 2)  # fmt: skip
    root = float(np.sqrt(2.0 / np.pi))
    check("probit_gradient", "by hand",
          regression.link_gradient(PROBIT, [0.0], [[1.0]], [1]), [-root], "", 2)  # fmt: skip
    compare.same(regression.link_gradient(CLOGLOG, [0.0], [[1.0]], [0]), np.array([1.0]))
    compare.same(regression.odds_ratio_variance([0.0], [[4.0]]), np.array([4.0]))


X1, Y1 = [[1.0], [2.0]], [0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regression.offset_gradient([1.0], X1, Y1, [1.0]), "offset: expected the shape of"),
        (lambda: regression.offset_hessian([1.0, 2.0], X1, [0, 0]), r"w: expected shape \(1,\)"),
        (lambda: regression.offset_softmax_gradient([[1.0], [2.0]], X1, Y1, [0, 0]), "offset: exp"),
        (
            lambda: regression.offset_softmax_gradient([[1e308], [0.0]], X1, Y1, np.zeros((2, 2))),
            "a logit exceeds the range",
        ),
        (
            lambda: regression.penalty_gradient([1.0], X1, Y1, [0, 0], [-1.0]),
            "penalty: .* >= 0, giv",
        ),
        (lambda: regression.penalty_hessian([1.0], X1, [0, 0], 1.0), "penalty: expected shape"),
        (
            lambda: regression.penalty_hessian([0.0], [[2e154]], [0.0], [1e308]),
            "the Hessian exceeds the range",
        ),
        (
            lambda: regression.penalty_newton_step([1.0, 1.0], [[1.0, 1.0]], [1], [0], [0, 0]),
            "penalty: expected a Hessian that can be inverted",
        ),
        (lambda: regression.odds_ratio([710.0]), r"e\^w exceeds the range of float64"),
        (lambda: regression.odds_ratio_variance([1.0], [1.0]), "covariance: expected shape"),
        (lambda: regression.odds_ratio_variance([1.0], [[-1.0]]), "covariance: expected variances"),
        (
            lambda: regression.odds_ratio_variance([400.0], [[1.0]]),
            r"e\^\(2 w\) c exceeds the range",
        ),
        (lambda: regression.link_nll(CLOGLOG, [1e3], X1, Y1), "the NLL exceeds the range"),
        (lambda: regression.link_hessian(PROBIT, [1.0], X1, [0, 2]), "y: expected integers"),
        (lambda: regression.link_information(PROBIT, [1.0], [[np.inf]]), "X: expected finite"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("link", ["probit", None, PROBIT.loss])
def test_a_link_that_is_none(link):
    for function in (regression.link_nll, regression.link_gradient, regression.link_hessian):
        with pytest.raises(TypeError, match=r"^link: expected .*PROBIT, CLOGLOG.*, given "):
            function(link, [1.0], X1, Y1)
    with pytest.raises(TypeError, match=r"^link: expected .*PROBIT, CLOGLOG.*, given "):
        regression.link_information(link, [1.0], X1)


# What people get wrong, each a result that verification has to refuse.

p, z, o, λ = lines.p, lines.z, lines.offset, lines.strength
spread, working = lines.variance, lines.working[i]
q, s1 = lines.linked, lines.first
up, down, t, u, c = lines.at_1, lines.at_0, lines.linear[i], lines.hazard[i], lines.cloglog[i]
ratio, V = lines.ratio, lines.covariance
without = lines.sigma(Σ(l, X[i, l] * w[l]))
MISTAKES = {
    "offset as a feature": ("offset_gradient", 0, Σ(i, (X[i, k] + o[i]) * (p[i] - y[i]))),
    "offset left out of the probability": (
        "offset_gradient", 0, Σ(i, X[i, k] * (without - y[i]))),
    "offset taken off the labels": ("offset_gradient", 0, Σ(i, X[i, k] * (p[i] - y[i] + o[i]))),
    "offset in the Hessian": (
        "offset_hessian", 0, Σ(i, (X[i, k] + o[i]) * spread * (X[i, l] + o[i]))),
    "offset of one class for all": (
        "offset_softmax_gradient", 0, Σ(i, X[i, k] * (lines.P[i, a] - Y[i, a] + lines.class_offset[i, a]))),
    "uniform labels": (
        "offset_softmax_gradient", 1, lines.P[i, a] - 1 / Size(K)),
    "one strength": ("penalty_gradient", 0, Σ(i, X[i, k] * (p[i] - y[i])) + Σ(l, λ[l]) * w[k]),
    "no half taken": ("penalty_gradient", 0, Σ(i, X[i, k] * (p[i] - y[i])) + 2 * λ[k] * w[k]),
    "strength over N": (
        "penalty_gradient", 0, Σ(i, X[i, k] * (p[i] - y[i])) + λ[k] * w[k] / Size(N)),
    "strengths everywhere": ("penalty_hessian", 0, Σ(i, X[i, k] * spread * X[i, l]) + λ[k]),
    "weight in the Hessian": (
        "penalty_hessian", 0, Σ(i, X[i, k] * spread * X[i, l]) + λ[k] * w[k] * δ(k, l)),
    "penalty left on the right": (
        "penalty_newton_step", 0, Σ(i, X[i, k] * working * lines.response[i]) - λ[k] * w[k]),
    "offset left in the response": (
        "penalty_newton_step", 0, Σ(i, X[i, k] * (working * z[i] + y[i] - p[i]))),
    "square without the ratio": ("odds_ratio_variance", 0, V[k, k]),
    "the ratio once": ("odds_ratio_variance", 0, ratio[k] * V[k, k]),
    "probabilities for odds": ("odds_ratio", 0, lines.sigma(lines.t + lines.beta) / lines.sigma(lines.t)),
    "slope of the link forgotten": ("link_gradient", 0, Σ(i, X[i, k] * (q[i] - y[i]))),
    "slope of the link divided": ("link_gradient", 0, Σ(i, X[i, k] * (q[i] - y[i]) / s1)),
    "expected for observed": (
        "link_hessian", 0, Σ(i, X[i, k] * s1**2 * q[i] * (1 - q[i]) * X[i, l])),
    "slope not squared": ("link_hessian", 1, s1 * q[i] * (1 - q[i])),
    "probit by the residual": ("probit_gradient", 0, Σ(i, X[i, k] * (lines.probit[i] - y[i]))),
    "density alone": (
        "probit_gradient", 0, Σ(i, X[i, k] * φ(t) * (lines.probit[i] - y[i]))),
    "labels swapped": (
        "probit_gradient", 0, Σ(i, X[i, k] * ((1 - y[i]) * up - y[i] * down))),
    "sign of z": (
        "probit_hessian", 0, Σ(i, X[i, k] * X[i, l] * (y[i] * up * (up - t)
            + (1 - y[i]) * down * (down + t)))),
    "squares of the ratios alone": (
        "probit_hessian", 0, Σ(i, X[i, k] * X[i, l] * (y[i] * up**2 + (1 - y[i]) * down**2))),
    "log-log for complementary": (
        "cloglog_gradient", 0, Σ(i, X[i, k] * exp(-t) * (c - y[i]) / (1 - c))),
    "no denominator": ("cloglog_gradient", 0, Σ(i, X[i, k] * u * (c - y[i]))),
    "expected where observed is asked": (
        "cloglog_hessian", 0, Σ(i, X[i, k] * X[i, l] * u**2 * (1 - c) / c)),
    "no 1 - p": ("cloglog_hessian", 1, u**2 / c),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, chain, wrong = MISTAKES[mistake]
    assert derived.rejected(f"regression.{name}", wrong, chain)


def test_the_helper_does_not_refuse_what_is_right():
    right = Σ(i, X[i, k] * (p[i] - y[i])) + λ[k] * w[k]
    assert not derived.rejected("regression.penalty_gradient", right)
