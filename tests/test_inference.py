"""Inference: published numbers, exact tails, and what is refused."""

from dataclasses import fields, replace
from functools import partial

import compare
import loops
import numpy as np
import pandas as pd
import pytest
from mpmath import mp, mpf

from reference_impl import data
from reference_impl.engine import compiled, estimation, inference


def spector():
    X, y, names = data.spector()
    return estimation.newton(X, y), names


def election(reference=0):
    X, y, names = data.election()
    return estimation.multinomial(X, y, 7, reference=reference), names


def with_z(z):
    """A fit with the given ratios of estimate and standard error."""
    fit, _ = spector()
    return replace(fit, w=np.array(z), root=np.eye(len(z)))


def test_spector_as_published():
    """statsmodels 0.15, Logit(y, X).fit().summary(), and Greene: the statistic 15.404."""
    fit, _ = spector()
    assert [f"{z:.3f}" for z in inference.z_values(fit)] == ["-2.641", "2.238", "0.672", "2.234"]
    assert [f"{p:.3f}" for p in inference.p_values(fit)] == ["0.008", "0.025", "0.501", "0.025"]
    lower, upper = inference.confidence_intervals(fit)
    assert [f"{end:.3f}" for end in lower] == ["-22.687", "0.351", "-0.182", "0.292"]
    assert [f"{end:.3f}" for end in upper] == ["-3.356", "5.301", "0.373", "4.465"]
    assert f"{inference.mcfadden(fit):.4f}" == "0.3740"
    assert f"{-inference.null_deviance(fit) / 2:.3f}" == "-20.592"
    X, y, _ = data.spector()
    test = inference.likelihood_ratio_test(estimation.newton(X[:, :1], y), fit)
    assert f"{test.statistic:.3f}" == "15.404" and test.degrees == 3
    assert f"{test.p_value:.6f}" == "0.001502"


ELECTION_Z = """
-.3364988051 3.179798597 -3.823070772 1.121012042 .2946945327 -.5928538661
-2.266269864 3.618564069 -2.893164162 2.122688754 2.148652536 -2.949348555
-1.857818873 3.616885888 -1.310634214 -.0566342868 1.712822091 -3.169435381
-2.090799808 9.920912816 -1.031191864 2.123004903 3.225576554 -7.951122047
-2.370538224 11.49421878 -2.352389066 2.552011323 3.523595639 -8.361890935
-3.34331327 14.43480847 -1.159676452 3.533839715 4.303962885 -11.42100649
"""


def test_election_as_published():
    """Stata 11, mlogit; see test_estimation for its last digits."""
    fit, _ = election()
    order = [1, 2, 3, 4, 5, 0]
    z = inference.z_values(fit)[:, order].ravel()
    printed_z = ELECTION_Z.split()
    assert [f"{ours:.6f}" for ours in z] == [f"{float(entry):.6f}" for entry in printed_z]
    p = inference.p_values(fit)[:, order].ravel()
    printed_p = {19: "3.37654e-23", 25: "1.41051e-30", 29: "6.17209e-17", 31: "3.12513e-47"}
    assert {i: f"{p[i]:.4e}" for i in printed_p} == {
        i: f"{float(entry):.4e}" for i, entry in printed_p.items()
    }
    assert f"{inference.aic(fit):.4f}" == "2995.8455"
    assert f"{inference.bic(fit):.4f}" == "3170.4500"
    assert f"{inference.mcfadden(fit):.9f}" == "0.164781047"
    lower, upper = inference.confidence_intervals(fit)
    assert [f"{end:.5f}" for end in lower[5, order]] == [
        "-0.22347", "1.78900", "-0.02537", "0.14338", "0.05931", "-14.18322",
    ]  # fmt: skip
    assert [f"{end:.5f}" for end in upper[5, order]] == [
        "-0.05829", "2.35116", "0.00651", "0.50047", "0.15848", "-10.02828",
    ]  # fmt: skip
    X, y, _ = data.election()
    alone = estimation.multinomial(X[:, :1], y, 7)
    test = inference.likelihood_ratio_test(alone, fit)
    assert f"{test.statistic:.6f}" == "576.847925" and test.degrees == 30
    assert f"{test.p_value:.5e}" == "1.82232e-102"


Z = [0.0, 0.5, -1.0, 1.959963984540054, 3.0, -5.0, 8.0, 20.0, -37.0]


def test_p_values_far_in_the_tail():
    """A relative error of z^2 ulp is what rounding of z makes; 1 - cdf has no digit from 8.3 on."""
    p = inference.p_values(with_z(Z))
    with mp.workdps(60):
        exact = [mp.erfc(abs(mp.mpf(z)) / mp.sqrt(2)) for z in Z]
        logarithms = [mp.log(value) for value in exact]
    near = np.abs(Z) <= 5
    compare.check(
        p[near],
        [value for value, kept in zip(exact, near, strict=True) if kept],
        statement="logistic.fisher_information",
        oracle="loops",
        case="p-values",
        ulp=64,
        entrywise=True,
    )
    compare.check(
        np.log(p),
        logarithms,
        statement="logistic.fisher_information",
        oracle="loops",
        case="logarithms of p-values",
        ulp=4,
        entrywise=True,
    )
    assert p[-1] < 1e-298


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99, 1 - 2.0**-40])
def test_intervals_cover_their_level(level):
    """erfc of their reach is 1 - level, at 50 digits."""
    fit, _ = spector()
    lower, upper = inference.confidence_intervals(with_z([0.0, 0.0]), level)
    with mp.workdps(60):
        covered = [mp.erf(mp.mpf(end) / mp.sqrt(2)) for end in upper.tolist()]
    compare.check(
        np.full(2, level),
        covered,
        statement="logistic.fisher_information",
        oracle="loops",
        case=f"intervals, level {level}",
        ulp=4,
    )
    compare.same(-lower, upper)
    lower, upper = inference.confidence_intervals(fit, level)
    assert (lower < fit.w).all() and (fit.w < upper).all()


def test_p_value_of_a_large_statistic():
    """chi-square with 2 degrees exceeds x with the probability e^(-x/2)."""
    fit, _ = spector()
    smaller = replace(fit, w=fit.w[:2], root=fit.root[:2], nll=fit.nll + 400)
    test = inference.likelihood_ratio_test(smaller, fit)
    assert test.degrees == 2
    with mp.workdps(60):
        exact = mp.log(mp.exp(-mp.mpf(test.statistic) / 2))
    compare.check(
        np.log(np.float64(test.p_value)),
        exact,
        statement="logistic.nll",
        oracle="closed form",
        case="likelihood ratio, far in the tail",
        ulp=4,
    )


def test_wald_and_likelihood_ratio_agree_for_many_data():
    """Both have the same limit: for one parameter, z^2 and the statistic."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(20_000), rng.standard_normal(20_000)])
    y = (rng.random(20_000) < 1 / (1 + np.exp(-0.05 * X[:, 1]))).astype(int)
    fit = estimation.newton(X, y)
    test = inference.likelihood_ratio_test(estimation.newton(X[:, :1], y), fit)
    ratio = inference.z_values(fit)[1] ** 2 / test.statistic
    assert test.degrees == 1 and 0.999 < ratio < 1.001


def test_intervals_cover_the_truth():
    """In 200 samples of 300 from the model: 95 % +- 3.3 standard deviations."""
    rng = np.random.default_rng(1)
    true = np.array([0.25, -0.5, 1.0])
    covered = np.zeros(3)
    for _ in range(200):
        X = np.column_stack([np.ones(300), rng.standard_normal((300, 2))])
        y = (rng.random(300) < 1 / (1 + np.exp(-X @ true))).astype(int)
        lower, upper = inference.confidence_intervals(estimation.newton(X, y))
        covered += (lower < true) & (true < upper)
    assert (covered >= 180).all() and (covered < 200).all()


def test_either_coding_has_the_same_criteria():
    X, y, _ = data.election()
    centred, referred = election(None)[0], election(0)[0]
    for criterion in (inference.deviance, inference.aic, inference.bic, inference.mcfadden):
        compare.check(
            np.float64(criterion(centred)),
            criterion(referred),
            statement="identification.sum_to_zero",
            oracle="identity",
            case=criterion.__name__,
            ulp=16,
        )
    assert inference.z_values(centred).shape == (7, 6)
    assert inference.z_values(referred).shape == (6, 6)
    smaller = estimation.multinomial(X[:, :3], y, 7, reference=3)
    assert inference.likelihood_ratio_test(smaller, centred).degrees == 18


SPECTOR = """\
           estimate  std. error       z        p  95 % from       to
--------------------------------------------------------------------
intercept   -13.021       4.931  -2.641  0.00828    -22.687  -3.3561
gpa          2.8261       1.263   2.238   0.0252    0.35079   5.3014
tuce       0.095158      0.1416   0.672    0.501   -0.18228  0.37260
psi          2.3787       1.065   2.234   0.0255    0.29218   4.4652
--------------------------------------------------------------------
data points  32
deviance     25.7793, of an intercept alone 41.1835
AIC, BIC     33.7793, 39.6422
"""


def test_summary_is_a_table():
    fit, names = spector()
    text = str(inference.summary(fit, names))
    assert text.startswith(SPECTOR)
    assert text.endswith("rests on logistic.nll, logistic.fisher_information")
    assert str(inference.summary(fit)).splitlines()[2].startswith("x1 ")
    assert "90 % from" in str(inference.summary(fit, level=0.9))


def test_summary_of_classes():
    fit, names = election()
    table = inference.summary(fit, names)
    assert table.names == tuple(f"{a}: {name}" for a in range(1, 7) for name in names)
    compare.same(table.estimate, fit.w[1:].ravel())
    assert "identification.reference_class" in str(table)
    table = inference.summary(election(None)[0])
    assert len(table.names) == 42 and table.names[-1] == "6: x6"
    assert "identification.sum_to_zero" in str(table)


OF_A_FIT = (
    inference.z_values,
    inference.p_values,
    inference.confidence_intervals,
    inference.deviance,
    inference.null_deviance,
    inference.mcfadden,
    inference.aic,
    inference.bic,
    inference.summary,
)


@pytest.mark.parametrize("function", OF_A_FIT, ids=lambda function: function.__name__)
@pytest.mark.parametrize("wrong", [None, 1.0, "fit", np.zeros(3)], ids=repr)
def test_no_fit(function, wrong):
    with pytest.raises(TypeError, match=r"^fit: expected a Fit, given \w+"):
        function(wrong)


def test_with_a_penalty_there_are_no_errors():
    """Deviance and R^2 are those of the weights; errors and tests are refused."""
    X, y, _ = data.spector()
    for fit in (
        estimation.newton(X, y, penalty=1.0),
        estimation.multinomial(X, y, 2, penalty=1.0),
    ):
        for function in OF_A_FIT:
            if function in (inference.deviance, inference.null_deviance, inference.mcfadden):
                assert function(fit) > 0
            else:
                with pytest.raises(ValueError, match=r"^fit: expected .*given penalty 1: "):
                    function(fit)
        with pytest.raises(ValueError, match=r"^larger: expected .*given penalty 1: "):
            inference.likelihood_ratio_test(spector()[0], fit)
        with pytest.raises(ValueError, match=r"^smaller: expected .*given penalty 1: "):
            inference.likelihood_ratio_test(fit, spector()[0])


@pytest.mark.parametrize(
    ("level", "error"),
    [(0.0, ValueError), (1.0, ValueError), (95, ValueError), (-0.5, ValueError),
     (np.nan, ValueError), ("0.95", TypeError), (None, TypeError), ([0.9, 0.95], ValueError)],
)  # fmt: skip
def test_wrong_level(level, error):
    fit, _ = spector()
    for function in (inference.confidence_intervals, inference.summary):
        with pytest.raises(error, match=r"^level: expected"):
            function(fit, level=level)


def test_wrong_names():
    with pytest.raises(ValueError, match=r"^names: expected 4 names, given 3"):
        inference.summary(spector()[0], ["a", "b", "c"])


def test_models_that_are_not_nested():
    X, y, _ = data.spector()
    fit, small = estimation.newton(X, y), estimation.newton(X[:, :2], y)
    with pytest.raises(ValueError, match=r"^larger: expected more parameters than the 4 of small"):
        inference.likelihood_ratio_test(fit, small)
    with pytest.raises(ValueError, match=r"^larger: expected more parameters than the 4 of small"):
        inference.likelihood_ratio_test(fit, fit)
    others = estimation.newton(X[:30], y[:30])
    with pytest.raises(ValueError, match=r"^larger: expected a fit of the labels of smaller"):
        inference.likelihood_ratio_test(small, others)
    apart = estimation.newton(X[:, [0, 2, 1]][:, :2], y)
    better = replace(apart, w=np.zeros(3), nll=small.nll + 1.0)
    with pytest.raises(ValueError, match=r"^larger: expected a model that contains smaller"):
        inference.likelihood_ratio_test(small, better)


@pytest.mark.parametrize("way", ["loops", "NumPy"])
def test_models_of_the_same_data_in_another_order(way, monkeypatch):
    """Fractional weights add up to the same numbers but for their last digits."""
    if way == "NumPy":
        monkeypatch.setattr(compiled, "loops", lambda dtype: None)
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    y, s = rng.integers(0, 2, 50), rng.uniform(0.1, 3.0, 50)
    larger = estimation.newton(X, y, sample_weight=s)
    found, statistics = [], []
    for _ in range(50):
        order = rng.permutation(50)
        smaller = estimation.newton(X[order, :2], y[order], sample_weight=s[order])
        found.append(smaller.nll)
        statistics.append(inference.likelihood_ratio_test(smaller, larger).statistic)
    agree = partial(
        compare.check, statement="logistic.nll", oracle="identity", case=f"rows in order, {way}"
    )
    agree(np.array(found), [found[0]] * 50, ulp=2)
    if way == "NumPy":  # a difference, of which 64 ulp are one of the NLL
        agree(np.array(statistics), [statistics[0]] * 50, ulp=64)


def test_one_class_alone_has_no_r_squared():
    fit = estimation.newton([[1.0], [1.0]], [1, 1], penalty=1.0)
    with pytest.raises(ValueError, match=r"^fit: expected labels of two classes"):
        inference.mcfadden(fit)


# ---------------------------------------------------------------- predictions and effects


def test_spector_predicted_as_statsmodels():
    """GLM(y, X, Binomial()).get_prediction(X[:2]).summary_frame(), statsmodels 0.15."""
    X, _, _ = data.spector()
    found = inference.predict(spector()[0], X[:2])
    assert [f"{p:.6f}" for p in found.probability] == ["0.026578", "0.059501"]
    assert [f"{p:.6f}" for p in found.lower] == ["0.002452", "0.009068"]
    assert [f"{p:.6f}" for p in found.upper] == ["0.232741", "0.304291"]


def test_spector_effects_as_statsmodels():
    """Logit(y, X).fit().get_margeff(), statsmodels 0.15; it leaves the constant out."""
    X, _, _ = data.spector()
    effects, errors = inference.average_marginal_effects(spector()[0], X)
    assert [f"{e:.8f}" for e in effects[1:]] == ["0.36258083", "0.01220841", "0.30517770"]
    assert [f"{e:.8f}" for e in errors[1:]] == ["0.10944115", "0.01779416", "0.09237957"]


def test_spector_robust_as_statsmodels():
    """Logit(y, X).fit(cov_type="HC0").bse, statsmodels 0.15."""
    X, y, _ = data.spector()
    fit = inference.robust(spector()[0], X, y)
    assert [f"{e:.8f}" for e in fit.standard_errors] == [
        "5.19758541", "1.26754598", "0.11792227", "0.96441921",
    ]  # fmt: skip
    compare.same(inference.z_values(fit), fit.w / fit.standard_errors)


def test_at_50_digits():
    """Each formula in plain loops, from the numbers of the fit; beside it the smaller model."""
    rng = np.random.default_rng(4)
    X, y, s = (
        np.column_stack([np.ones(30), rng.normal(size=(30, 2))]),
        np.arange(30) % 2,
        np.ones(30),
    )
    s[:10], level = 0.75, 0.9
    fit, smaller = (estimation.newton(Z, y, sample_weight=s) for Z in (X, X[:, :1]))

    def expected(w, se, C, X, y, s, nll):
        reach, index = mp.sqrt(2) * mp.erfinv(mpf(level)), range(len(w))
        z = [loops.dot(w, x) for x in X]
        error = [mp.sqrt(loops.dot(x, [loops.dot(row, x) for row in C])) for x in X]
        p = list(map(loops.sigmoid, z))
        share = [weight / sum(s) for weight in s]
        slope = sum((v * q * (1 - q) for v, q in zip(share, p, strict=True)), mpf(0))
        J = [
            [
                (k == l) * slope
                + w[k]
                * sum(
                    v * q * (1 - q) * (1 - 2 * q) * x[l]
                    for v, q, x in zip(share, p, X, strict=True)
                )
                for l in index
            ]
            for k in index
        ]
        g = [
            [v * (q - label) ** 2 * x[k] * x[l] for v, q, label, x in zip(s, p, y, X, strict=True)]
            for k in index
            for l in index
        ]
        C, M = mp.matrix(C), mp.matrix(len(w))
        for place, parts in enumerate(g):
            M[place // len(w), place % len(w)] = sum(parts)
        J, robust, null, (n, n0) = mp.matrix(J), C * M * C, nll[1], (len(w), 1)
        delta = J * C * J.T
        ends = [
            [t - reach * e for t, e in zip(w, se, strict=True)],
            [t + reach * e for t, e in zip(w, se, strict=True)],
        ]
        gain = 2 * (null - nll[0])
        return [
            [mp.exp(t) for t in w], *[[mp.exp(t) for t in end] for end in ends],
            p, *[[loops.sigmoid(t + side * reach * e) for t, e in zip(z, error, strict=True)]
                 for side in (-1, 1)],
            [slope * t for t in w], [mp.sqrt(delta[k, k]) for k in index],
            robust.tolist(), [mp.sqrt(robust[k, k]) for k in index],
            2 * nll[0], 2 * null, 1 - nll[0] / null, 2 * nll[0] + 2 * n,
            2 * nll[0] + mp.log(sum(s)) * n,
            gain, mp.gammainc(mpf(n - n0) / 2, gain / 2, regularized=True),
        ]  # fmt: skip

    likelihoods = np.array([fit.nll, fit.null_nll])
    exact = loops.at(50, expected, fit.w, fit.standard_errors, fit.covariance, X, y, s, likelihoods)
    predicted = inference.predict(fit, X, level=level)
    robust = inference.robust(fit, X, y, sample_weight=s)
    functions = (inference.deviance, inference.null_deviance, inference.mcfadden,
                 inference.aic, inference.bic)  # fmt: skip
    test = inference.likelihood_ratio_test(replace(smaller, nll=smaller.null_nll), fit)
    found = [
        *inference.odds_ratios(fit, level),
        predicted.probability, predicted.lower, predicted.upper,
        *inference.average_marginal_effects(fit, X, sample_weight=s),
        robust.covariance, robust.standard_errors,
        *(np.float64(function(fit)) for function in functions),
        np.float64(test.statistic), np.float64(test.p_value),
    ]  # fmt: skip
    for number, (actual, right) in enumerate(zip(found, exact, strict=True)):
        compare.check(actual, right, statement="logistic.fisher_information", oracle="loops",
                      case=f"inference {number}", ulp=64)  # fmt: skip
    assert test.degrees == 2


def test_odds_ratio_of_psi():
    """e^2.3787 = 10.79, Greene; the ends are those of the interval of the weight."""
    ratio, lower, upper = inference.odds_ratios(spector()[0])
    assert [f"{e:.3f}" for e in (ratio[3], lower[3], upper[3])] == ["10.791", "1.339", "86.938"]


def two_models():
    """The same model of labels 0 and 1, and as one of two classes."""
    X, y, _ = data.spector()
    s, offset = np.linspace(0.5, 2.0, 32), np.linspace(-1.0, 1.0, 32)
    both = np.column_stack([np.zeros(32), offset])
    return (
        X,
        y,
        s,
        (estimation.newton(X, y, sample_weight=s, offset=offset), offset),
        (estimation.multinomial(X, y, 2, sample_weight=s, offset=both, reference=0), both),
    )


def test_two_classes_are_the_binary_model():
    X, y, s, (binary, offset), (classes, both) = two_models()
    one = inference.predict(binary, X, offset=offset, level=0.9)
    two = inference.predict(classes, X, offset=both, level=0.9)
    robust = inference.robust(binary, X, y, sample_weight=s, offset=offset)
    of_classes = inference.robust(classes, X, y, sample_weight=s, offset=both)
    for case, actual, expected in [
        ("probability", two.probability[:, 1], one.probability),
        ("lower", two.lower[:, 1], one.lower),
        ("upper", two.upper[:, 1], one.upper),
        ("of the other class", 1 - two.lower[:, 0], one.upper),
        ("robust", of_classes.covariance[1, :, 1], robust.covariance),
    ]:
        compare.check(
            np.ascontiguousarray(1e6 + actual),
            (1e6 + expected).tolist(),
            statement="softmax.two_class",
            oracle="identity",
            case=case,
            ulp=2,
        )


def test_intervals_of_classes_by_differences():
    """The error of each logit by the delta method, its derivatives by differences of the fit's w."""
    fit, _ = election(None)
    X = data.election()[0][:3]
    found = inference.predict(fit, X, level=0.5)
    reach = float(np.sqrt(2) * mp.erfinv(0.5))

    def logits(w):
        z = X @ w.reshape(7, 6).T
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return np.log(p / (1 - p))

    step = 1e-5 * np.eye(42)
    J = np.array([(logits(fit.w.ravel() + h) - logits(fit.w.ravel() - h)) / 2e-5 for h in step])
    C = fit.covariance.reshape(42, 42)
    error = np.sqrt(np.einsum("kia,kl,lia->ia", J, C, J))
    expected = 1 / (1 + np.exp(-logits(fit.w.ravel()) - reach * error))
    compare.check(
        1e8 + found.upper,
        (1e8 + expected).tolist(),
        statement="softmax.fisher_information",
        oracle="differences",
        case="intervals of probabilities",
        ulp=2,  # eight digits
    )
    assert (found.lower < found.probability).all() and (found.probability < found.upper).all()


def test_effects_by_differences():
    """The mean of p, differentiated by moving a column; and the delta method by moving w."""
    X, _, s, (fit, offset), _ = two_models()
    effects, errors = inference.average_marginal_effects(fit, X, sample_weight=s, offset=offset)

    def mean(X, w):
        return (s / (1 + np.exp(-X @ w - offset))).sum() / s.sum()

    def moved(w, k, h):
        return mean(X + h * np.eye(4)[k], w)

    def effect(w):
        h = 1e-4
        return np.array([(moved(w, k, h) - moved(w, k, -h)) / (2 * h) for k in range(4)])

    J = np.array([(effect(fit.w + h) - effect(fit.w - h)) / 2e-4 for h in 1e-4 * np.eye(4)]).T
    for case, actual, expected in [
        ("effects", effects, effect(fit.w)),
        ("errors", errors, np.sqrt(np.einsum("kl,lm,km->k", J, fit.covariance, J))),
    ]:
        compare.check(
            1e10 + actual,
            (1e10 + expected).tolist(),
            statement="sigmoid.derivative",
            oracle="differences",
            case=f"average marginal {case}",
            ulp=4,  # of 1e10: five digits
        )


def test_robust_errors_hold_where_the_model_does_not():
    """Where the model is right both agree, for many data."""
    rng = np.random.default_rng(5)
    X = np.column_stack([np.ones(40_000), rng.standard_normal((40_000, 2))])
    y = (rng.random(40_000) < 1 / (1 + np.exp(-X @ [0.25, -0.5, 1.0]))).astype(int)
    fit = estimation.newton(X, y)
    ratio = inference.robust(fit, X, y).standard_errors / fit.standard_errors
    assert (ratio > 0.98).all() and (ratio < 1.02).all()
    y = (np.abs(X[:, 1]) > 1).astype(int)
    fit = estimation.newton(X, y)
    wide = inference.robust(fit, X, y).standard_errors / fit.standard_errors
    assert (np.abs(wide - 1) > 0.02).any()


def test_weights_of_robust_errors_are_repetitions():
    X, y, _ = data.spector()
    counts = np.arange(32) % 4
    fit = estimation.newton(X, y, sample_weight=counts)
    found = inference.robust(fit, X, y, sample_weight=counts)
    expected = inference.robust(fit, X.repeat(counts, axis=0), y.repeat(counts))
    for name in ("covariance", "standard_errors"):
        compare.check(getattr(found, name), getattr(expected, name).tolist(), ulp=32,
                      statement="logistic.fisher_information", oracle="identity", case=name)  # fmt: skip


def test_robust_errors_are_all_that_changes():
    for make, known in ((spector, data.spector), (election, data.election)):
        fit, (X, y, _) = make()[0], known()
        found = inference.robust(fit, X, y)
        names = [field.name for field in fields(fit)]
        changed = [name for name in names if getattr(found, name) is not getattr(fit, name)]
        assert changed == ["root"]


def test_summary_shows_what_the_functions_return():
    fit, names = spector()
    table = inference.summary(fit, names, level=0.9)
    lower, upper = inference.confidence_intervals(fit, 0.9)
    for name, expected in {
        "estimate": fit.w, "standard_error": fit.standard_errors, "z": inference.z_values(fit),
        "p_value": inference.p_values(fit), "lower": lower, "upper": upper,
    }.items():  # fmt: skip
        compare.same(getattr(table, name), expected)
    assert table.level == 0.9


@pytest.mark.parametrize("power", [2, 3, 4])
def test_intervals_where_columns_are_nearly_dependent(power):
    """As with the years around 1985; with x^T C x in place of |x^T A|, A A^T = C, most is lost."""
    year = np.arange(1950.0, 2020.0)
    t, y = (year - 1985) / 20, np.random.default_rng(0).random(70)
    y = (y < 1 / (1 + np.exp(-4 * t / 3))).astype(int)
    raw, centred = (x[:, np.newaxis] ** np.arange(power + 1) for x in (year, t))
    fits = {
        "of two labels": estimation.newton,
        "of classes": partial(estimation.multinomial, K=2, reference=0),
    }
    ulp_of = {2: 1e6, 3: 1e7, 4: 1e9}[power]  # condition numbers up to 1e12
    for name, fitted in fits.items():
        found, expected = (inference.predict(fitted(X, y), X) for X in (raw, centred))
        for end in ("lower", "upper"):
            actual, exact = getattr(found, end), getattr(expected, end)
            compare.check(ulp_of + (actual / exact - 1), np.full(exact.shape, ulp_of).tolist(), ulp=64,
                          statement="logistic.fisher_information", oracle="identity",
                          case=f"{end} ends {name}, power {power}")  # fmt: skip


def test_what_a_fit_with_firths_penalty_is_refused():
    """Its likelihood is not the largest; its errors hold."""
    X, y, names = data.endometrial()
    fit, smaller = estimation.firth(X, y), estimation.firth(np.delete(X, 1, 1), y)
    for call in (
        lambda: inference.likelihood_ratio_test(smaller, fit),
        lambda: inference.aic(fit),
        lambda: inference.bic(fit),
    ):
        with pytest.raises(ValueError, match=r"^\w+: expected .* without penalty, given .*Firth's"):
            call()
    table = inference.summary(fit, names)
    assert "AIC" not in str(table)
    compare.same(table.standard_error, fit.standard_errors)


def test_columns_in_another_order_are_refused():
    X, y, names = data.spector()
    frame = pd.DataFrame(X, columns=names)
    fit = estimation.newton(frame, y)
    other = frame[list(names)[::-1]]
    for call in (
        lambda: inference.predict(fit, other),
        lambda: inference.average_marginal_effects(fit, frame.rename(columns={"psi": "PSI"})),
        lambda: inference.robust(fit, other, y),
    ):
        with pytest.raises(
            ValueError, match=r"^X: expected the columns \('intercept', 'gpa'.*given"
        ):
            call()
    for given in (X, frame):
        compare.same(inference.predict(fit, given).lower, inference.predict(fit, X).lower)


def test_robust_errors_are_those_of_the_data_of_the_fit():
    (fit, _), (X, y, _) = spector(), data.spector()
    for wrong in ((X, 1 - y), (X[:20], y[:20]), (X[::-1], y)):
        with pytest.raises(
            ValueError, match=r"^fit: expected a fit of these data, given one whose"
        ):
            inference.robust(fit, *wrong)
    for make, known in ((spector, data.spector), (partial(election, None), data.election)):
        (fit, _), (X, y, _) = make(), known()
        robust = inference.robust(fit, X, y)
        for given, weights in ((fit, np.full(len(y), 2.0)), (robust, None)):
            with pytest.raises(
                ValueError, match=r"^fit: expected errors of the Hessian of these data"
            ):
                inference.robust(given, X, y, sample_weight=weights)


def test_names_of_any_kind():
    fit, names = spector()
    expected = inference.summary(fit, names)
    for given in (np.array(names), pd.Index(names), list(names)):
        assert str(inference.summary(fit, given)) == str(expected)
    assert inference.summary(fit, [1, 2, 3, 4]).names == ("1", "2", "3", "4")
    with pytest.raises(ValueError, match=r"^names: expected 4 names, given 0"):
        inference.summary(fit, [])


def test_what_predictions_refuse():
    fit, _ = spector()
    for function in (inference.predict, inference.average_marginal_effects):
        with pytest.raises(
            ValueError, match=r"^X: expected as many .* fit, 4, given shape \(5, 3\)"
        ):
            function(fit, np.ones((5, 3)))
        with pytest.raises(ValueError, match=r"^offset: expected the shape of the logits, \(5,\)"):
            function(fit, np.ones((5, 4)), offset=[1.0])
        with pytest.raises(TypeError, match=r"^fit: expected a Fit, given NoneType"):
            function(None, np.ones((5, 4)))
    with pytest.raises(ValueError, match=r"^fit: expected a fit of labels 0 and 1, given one of"):
        inference.average_marginal_effects(election()[0], data.election()[0])


def test_names_of_columns_and_classes():
    X, y, names = data.election()
    words = ("SD", "D", "ID", "I", "IR", "R", "SR")
    table = inference.summary(election()[0], names, classes=words)
    assert table.names[0] == "D: intercept" and table.names[-1] == "SR: income"
    with pytest.raises(ValueError, match=r"^classes: expected 7 names, given 2"):
        inference.summary(election()[0], names, classes=("a", "b"))
    frame = pd.DataFrame(X, columns=names)
    fit = estimation.multinomial(frame, y, 7, reference=0)
    assert inference.summary(fit).names[0] == "1: intercept"
    binary = estimation.newton(frame, y > 3)
    assert inference.summary(binary).names == names
