"""Fits of real data, and the run of ``python -m benchmarks.fits``, which times them.

The fits are made with the reference implementation when their page is read, and not again while the
data and the implementation stay as they are.
"""

from functools import cache

import numpy as np
from _extensions.tables import Table, minus, power
from docutils import nodes

NAMES = ("constant", "GPA", "TUCE", "PSI")
# Greene, Econometric Analysis: the logit column of the table on these data.
PUBLISHED = {"w": ("-13.0213", "2.8261", "0.0952", "2.3787"), "nll": "12.8896"}
# Stata 11, mlogit, on the election data: class 6 against class 0, as statsmodels keeps it.
STATA = {
    "intercept": ("-12.105751", "1.059954821"),
    "log population": ("-.14088069", ".042138047"),
    "left to right": ("2.0700801", ".1434089089"),
    "age": ("-.00943265", ".0081338625"),
    "education": (".3219257", ".0910979921"),
    "income": (".10889408", ".025300888"),
}
INPUTS = (
    *(f"reference_impl/data/{name}.csv" for name in ("spector", "beetles", "election",
                                                     "vasoconstriction")),
    *(f"reference_impl/engine/{stem}.py" for stem in ("estimation", "fit", "inference",
                                                      "minimisation", "logistic", "softmax")),
)  # fmt: skip


@cache
def fitted():
    """Return data and fit of the students, and the way of Newton's method; once in a process."""
    from reference_impl import data, logistic
    from reference_impl.engine import estimation, minimisation

    X, y, _ = data.spector()
    path = minimisation.newton(
        lambda w: logistic.nll_and_gradient(w, X, y),
        lambda w: logistic.nll_hessian(w, X, y),
        np.zeros(X.shape[1]),
    )
    return X, y, estimation.newton(X, y), path


@cache
def descended():
    """Return the way of gradient descent on the same data."""
    from reference_impl.engine import estimation

    X, y, _, _ = fitted()
    return estimation.gradient_descent(X, y, steps=10_000)


@cache
def elected():
    """Return the fit of the election data, and that of an intercept alone."""
    from reference_impl import data
    from reference_impl.engine import estimation

    X, y, names = data.election()
    alone = estimation.multinomial(X[:, :1], y, 7, reference=0)
    return estimation.multinomial(X, y, 7, reference=0), alone, names


def probability(w, gpa, tuce, psi):
    """Return the fitted probability of a better grade."""
    from reference_impl.sigmoid import sigmoid

    return sigmoid(np.array([1.0, gpa, tuce, psi]) @ w)


@cache
def _fitted_numbers():
    from reference_impl.engine import estimation, inference
    from reference_impl.sigmoid import sigmoid

    X, y, fit, path = fitted()
    p = sigmoid(X @ fit.w)
    alone = estimation.newton(X[:, :1], y)
    test = inference.likelihood_ratio_test(alone, fit)
    without_psi = inference.likelihood_ratio_test(estimation.newton(X[:, :3], y), fit)
    of_classes, of_frequencies, _ = elected()
    election = inference.likelihood_ratio_test(of_frequencies, of_classes)
    curvature = estimation.largest_curvature(X)
    values = {
        "N": str(len(y)),
        "improved": str(int(y.sum())),
        "nll": f"{fit.nll:.4f}",
        "nll_published": PUBLISHED["nll"],
        "nll_constant": f"{alone.nll:.4f}",
        "likelihood_ratio": f"{test.statistic:.4f}",
        "likelihood_ratio_p": f"{test.p_value:.4f}",
        "psi_statistic": f"{without_psi.statistic:.3f}",
        "psi_p": f"{without_psi.p_value:.4f}",
        "psi_wald": f"{inference.p_values(fit)[3]:.4f}",
        "iterations": str(path.steps),
        "gradient_norm": power(path.gradient_norms[-1]),
        "curvature": f"{curvature:.0f}",
        "condition": f"{curvature / np.linalg.eigvalsh(path.hessian)[0]:,.0f}",
        "descent_steps": f"{descended().steps:,}",
        "descent_left": f"{descended().value - path.value:.2f}",
        "psi_odds": f"{np.exp(fit.w[3]):.1f}",
        "p_without": f"{probability(fit.w, 3.0, 22.0, 0.0):.2f}",
        "p_with": f"{probability(fit.w, 3.0, 22.0, 1.0):.2f}",
        "sum_p": f"{p.sum():.10f}".rstrip("0").rstrip("."),
        "correct": str(int(np.sum((p >= 0.5) == (y == 1)))),
        "election_N": f"{of_classes.count:.0f}",
        "election_nll": f"{of_classes.nll:.6f}",
        "election_statistic": f"{election.statistic:.4f}",
        "election_degrees": str(election.degrees),
        "election_p": power(election.p_value),
        "left_to_right_odds": f"{np.exp(of_classes.w[6, 2]):.1f}",
    }
    return {name: minus(value) for name, value in values.items()}


def numbers(run):
    """Return the numbers of the fits by name."""
    return _fitted_numbers()


def coefficients(run):
    """Return the coefficients of the students, beside those published."""
    _, _, fit, _ = fitted()
    rows = list(zip(NAMES, fit.w, fit.standard_errors, PUBLISHED["w"], strict=True))
    return Table(rows, [
        ("", lambda row: row[0]),
        ("Estimate", lambda row: minus(f"{row[1]:.4f}")),
        ("Standard error", lambda row: f"{row[2]:.4f}"),
        ("Published estimate", lambda row: minus(row[3])),
    ])  # fmt: skip


def election(run):
    """Return the coefficients of strong Republicans against strong Democrats."""
    from reference_impl.engine import inference

    fit, _, names = elected()
    p = inference.p_values(fit)[5]
    return Table(list(enumerate(names)), [
        ("6 against 0", lambda row: row[1]),
        ("Estimate", lambda row: minus(f"{fit.w[6, row[0]]:.8f}")),
        ("Stata", lambda row: minus(STATA[row[1]][0])),
        ("Standard error", lambda row: f"{fit.standard_errors[6, row[0]]:.8f}"),
        ("Stata", lambda row: STATA[row[1]][1]),
        ("p", lambda row: f"{p[row[0]]:.2g}" if p[row[0]] > 1e-4 else power(p[row[0]])),
    ])  # fmt: skip


def published(run):
    """Return a row for each fit that is compared with a published one."""
    from reference_impl import data
    from reference_impl.engine import estimation

    X, y, s, _ = data.beetles()
    beetles = estimation.newton(X, y, sample_weight=s)
    X, y, _ = data.vasoconstriction()
    vessels = estimation.newton(X, y)

    def estimates(row):
        _, fit, decimals, _ = row
        pairs = zip(fit.w, fit.standard_errors, strict=True)
        return minus(", ".join(f"{w:.{decimals}f} ({error:.{decimals}f})" for w, error in pairs))

    rows = [
        ("Beetles, 8 doses", beetles, 2, "−60.72 (5.18), 34.27 (2.91): Dobson, table 7.3"),
        ("Vessels, 39 tests", vessels, 4,
         "−2.8754 (1.3208), 5.1793 (1.8648), 4.5617 (1.8380): SAS/STAT User's Guide"),
    ]  # fmt: skip
    columns = [
        ("Data", lambda row: row[0]), ("Estimates (standard errors)", estimates),
        ("In print", lambda row: row[3]),
    ]  # fmt: skip
    return Table(rows, columns, kind="")


def speed(run):
    """Return the times of the libraries, problem by problem."""
    rows = [(problem, fit) for problem in run["problems"] for fit in problem["fits"]]

    def problem(row):
        return "{problem}: {N:,} × {n}, K = {K}".format(**row[0])

    def ratio(row):
        return f"{row[1]['seconds'] / row[0]['fits'][0]['seconds']:.2f}"

    return Table(rows, [
        ("Library", lambda row: row[1]["library"]),
        ("ms", lambda row: f"{1e3 * row[1]['seconds']:,.0f}"),
        ("Times ours", ratio),
        ("Gradient left", lambda row: power(row[1]["left_of_start"])),
    ], group=problem)  # fmt: skip


def summary(run):
    """Return the printed summary of the fit of the students."""
    from reference_impl.engine import inference

    _, _, fit, _ = fitted()
    text = str(inference.summary(fit, NAMES))
    return [nodes.literal_block(text, text, language="text")]
