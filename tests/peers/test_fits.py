"""Fits by statsmodels and scikit-learn on the same data, and what they do without an MLE."""

import warnings
from fractions import Fraction

import compare
import numpy as np
import pytest
import record
import statsmodels.api as sm
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from reference_impl import data, logistic
from reference_impl.engine import estimation, inference
from reference_impl.engine.separation import SeparationError

STATEMENT = "logistic.newton_step"
# What rests on the model of an intercept alone, which statsmodels finds by a method that stops
# early, at 1e-7 or so; everything else agrees to about 2e-10.
OF_NULL_MODEL = ("statistic", "its p", "R^2", "null nll")


def breast_cancer(columns=30):
    """The Wisconsin data: 569 tumours, an intercept and the first features."""
    table = load_breast_cancer()
    return np.column_stack([np.ones(len(table.data)), table.data[:, :columns]]), table.target


DATA = {"spector": lambda: data.spector()[:2], "breast cancer, 10 means": lambda: breast_cancer(10)}


@pytest.mark.parametrize("name", DATA)
def test_statsmodels(name):
    """Its Newton step at 1e-10; the covariance of the ten means has a condition number of 6e10."""
    X, y = DATA[name]()
    fit = estimation.newton(X, y)
    theirs = sm.Logit(y, X).fit(method="newton", tol=1e-10, maxiter=100, disp=0)
    for what, mine, peer in [
        ("w", fit.w, theirs.params),
        ("nll", np.float64(fit.nll), -theirs.llf),
        ("standard errors", fit.standard_errors, theirs.bse),
    ]:
        compare.check(
            mine,
            np.asarray(peer).tolist(),
            statement=STATEMENT,
            oracle="statsmodels",
            case=f"{name}, {what}",
            ulp=2**20,  # 2.3e-10
        )


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_scikit_learn(name, penalty):
    """newton-cholesky; C = 1/penalty, and no intercept of its own, which it would not penalise."""
    X, y = DATA[name]()
    fit = estimation.newton(X, y, penalty=penalty)
    model = LogisticRegression(
        C=1 / penalty if penalty else np.inf,
        fit_intercept=False,
        solver="newton-cholesky",
        tol=1e-12,
        max_iter=1000,
    )
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(X, y)
    compare.check(
        fit.w,
        model.coef_[0].tolist(),
        statement=STATEMENT if penalty == 0 else "logistic.penalised",
        oracle="scikit-learn",
        case=f"{name}, penalty {penalty}{', with a warning' if said else ''}",
        ulp=2**30,  # 2.4e-7: it stops at a gradient, not at a step
    )


def test_inference_as_statsmodels():
    """z, p, intervals, likelihood ratio, AIC, BIC and McFadden's R^2 of the students."""
    X, y, _ = data.spector()
    fit = estimation.newton(X, y)
    theirs = sm.Logit(y, X).fit(method="newton", tol=1e-14, maxiter=100, disp=0)
    lower, upper = inference.confidence_intervals(fit)
    test = inference.likelihood_ratio_test(estimation.newton(X[:, :1], y), fit)
    for what, mine, peer in [
        ("z", inference.z_values(fit), theirs.tvalues),
        ("p", inference.p_values(fit), theirs.pvalues),
        ("interval from", lower, theirs.conf_int()[:, 0]),
        ("interval to", upper, theirs.conf_int()[:, 1]),
        ("statistic", np.float64(test.statistic), theirs.llr),
        ("its p", np.float64(test.p_value), theirs.llr_pvalue),
        ("AIC", np.float64(inference.aic(fit)), theirs.aic),
        ("BIC", np.float64(inference.bic(fit)), theirs.bic),
        ("R^2", np.float64(inference.mcfadden(fit)), theirs.prsquared),
    ]:
        compare.check(
            mine,
            np.asarray(peer).tolist(),
            statement="logistic.fisher_information",
            oracle="statsmodels",
            case=f"spector, {what}",
            ulp=2**30 if what in OF_NULL_MODEL else 2**20,
        )


def test_multinomial_as_statsmodels():
    """MNLogit on the election data: weights and standard errors against class 0."""
    X, y, _ = data.election()
    fit = estimation.multinomial(X, y, 7, reference=0)
    theirs = sm.MNLogit(y, X).fit(method="newton", tol=1e-14, maxiter=100, disp=0)
    for what, mine, peer in [
        ("W", fit.w[1:], theirs.params.T),
        ("standard errors", fit.standard_errors[1:], theirs.bse.T),
        ("nll", np.float64(fit.nll), -theirs.llf),
        ("null nll", np.float64(fit.null_nll), -theirs.llnull),
        ("p", inference.p_values(fit), theirs.pvalues.T),
    ]:
        compare.check(
            mine,
            np.asarray(peer).tolist(),
            statement="softmax.fisher_information",
            oracle="statsmodels",
            case=f"election, {what}",
            ulp=2**30 if what in OF_NULL_MODEL else 2**20,
        )


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_multinomial_as_scikit_learn(penalty):
    """Its weights sum to zero as well."""
    X, y, _ = data.election()
    X = X / np.abs(X).max(axis=0)
    fit = estimation.multinomial(X, y, 7, penalty=penalty)
    model = LogisticRegression(
        C=1 / penalty if penalty else np.inf,
        fit_intercept=False,
        solver="newton-cholesky",
        tol=1e-12,
        max_iter=1000,
    )
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        model.fit(X, y)
    compare.check(
        fit.w,
        model.coef_.tolist(),
        statement="softmax.penalised" if penalty else "softmax.newton_step",
        oracle="scikit-learn",
        case=f"election, penalty {penalty}",
        ulp=2**30,  # it stops at a gradient, not at a step
    )


def test_breast_cancer_with_all_features_has_no_estimate():
    """The 30 features separate the classes: checked in exact arithmetic."""
    X, y = breast_cancer()
    with pytest.raises(SeparationError, match="completely") as error:
        estimation.newton(X, y)
    d = [Fraction(value) for value in error.value.direction.tolist()]
    margins = [
        (2 * int(label) - 1) * sum(Fraction(x) * e for x, e in zip(row, d, strict=True))
        for row, label in zip(X.tolist(), y, strict=True)
    ]
    assert min(margins) > 0
    assert estimation.newton(X, y, penalty=1.0).gradient_norm < 1e-6


SEPARABLE = {
    "six points, a gap": (np.column_stack([np.ones(6), np.arange(6.0)]), [0, 0, 0, 1, 1, 1]),
    "six points, a tie": (
        np.column_stack([np.ones(6), [0.0, 1.0, 2.0, 2.0, 4.0, 5.0]]),
        [0, 0, 0, 1, 1, 1],
    ),
    "breast cancer": breast_cancer(),
}


@pytest.mark.parametrize("name", SEPARABLE)
def test_separable_data_beside_the_peers(name):
    """We raise; what the peers return and say is recorded."""
    X, y = SEPARABLE[name]
    y = np.array(y)
    with pytest.raises(SeparationError) as error:
        estimation.newton(X, y)
    row("this project", name, None, [str(error.value)])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = LogisticRegression(
            C=np.inf, fit_intercept=False, solver="newton-cholesky", tol=1e-10, max_iter=1000
        ).fit(X, y)
    row("scikit-learn newton-cholesky", name, model.coef_[0], [str(w.message) for w in said])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=10**5)
        model.fit(X, y)
    row("scikit-learn lbfgs", name, model.coef_[0], [str(w.message) for w in said])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            fit = sm.Logit(y, X).fit(method="newton", maxiter=100, disp=0)
            row("statsmodels", name, fit.params, [str(w.message) for w in said])
        except Exception as problem:  # whatever it raises is what it says
            row("statsmodels", name, None, [f"{type(problem).__name__}: {problem}"])


def row(library, name, coefficients, said):
    largest = None if coefficients is None else float(np.abs(coefficients).max())
    record.SEPARABLE.append(
        {
            "data": name,
            "library": library,
            "largest_coefficient": largest,
            "nll": None if coefficients is None else nll(name, coefficients),
            "said": sorted({" ".join(text.split())[:200] for text in said}),
        }
    )


def nll(name, coefficients):
    X, y = SEPARABLE[name]
    return float(logistic.nll(np.asarray(coefficients), X, y))
