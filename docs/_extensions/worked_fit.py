"""Fits of real data with the reference implementation, computed when their page is read.

``{fit}`name` `` prints a number and ``{fit-table} name`` a table: ``coefficients``, ``election``,
``published``, and ``speed``, which comes from the stored run of ``python -m benchmarks.fits``.
``{fit-summary}`` prints the summary of a fit as text. Nothing is computed while the data and the
implementation stay as they are.
"""

import json
from functools import cache

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html, power
from .indexes import cells, table
from .records import ROOT

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
RUN = "benchmarks/results/fits.json"
INPUTS = (
    "docs/_extensions/worked_fit.py",
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


@cache
def run():
    """Return the stored run."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def probability(w, gpa, tuce, psi):
    """Return the fitted probability of a better grade."""
    from reference_impl.sigmoid import sigmoid

    return sigmoid(np.array([1.0, gpa, tuce, psi]) @ w)


def minus(text):
    """Return a number as text with a minus sign that is one."""
    return text.replace("-", "\N{MINUS SIGN}")


@cache
def numbers():
    """Return the numbers that the page prints, as text."""
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
        "mcfadden": f"{inference.mcfadden(fit):.3f}",
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
    return {name: minus(value) for name, value in values.items()} | stored_numbers()


def stored_numbers():
    """Return the numbers of the stored run."""
    stored = run()
    return {
        "run_date": stored["date"],
        "run_kernel": stored["kernel"],
        "run_turns": str(stored["turns"]),
        "run_versions": ", ".join(f"{name} {text}" for name, text in stored["versions"].items()),
    }


def number(text):
    """Return a cell with a number."""
    return [html("span", minus(text), classes=["number"])]


def coefficients():
    """Return the coefficients of the students, beside those published."""
    _, _, fit, _ = fitted()
    rows = [
        cells("td", [nodes.Text(name)], number(f"{w:.4f}"), number(f"{error:.4f}"),
              number(published))
        for name, w, error, published in zip(NAMES, fit.w, fit.standard_errors, PUBLISHED["w"],
                                             strict=True)
    ]  # fmt: skip
    return table(("", "Estimate", "Standard error", "Published estimate"), rows, "numbers")


def election():
    """Return the coefficients of strong Republicans against strong Democrats."""
    from reference_impl.engine import inference

    fit, _, names = elected()
    p = inference.p_values(fit)[5]
    rows = [
        cells("td", [nodes.Text(name)], number(f"{fit.w[6, k]:.8f}"), number(STATA[name][0]),
              number(f"{fit.standard_errors[6, k]:.8f}"), number(STATA[name][1]),
              number(f"{p[k]:.2g}" if p[k] > 1e-4 else power(p[k])))
        for k, name in enumerate(names)
    ]  # fmt: skip
    heads = ("6 against 0", "Estimate", "Stata", "Standard error", "Stata", "p")
    return table(heads, rows, "numbers")


def published():
    """Return a row for each fit that is compared with a published one."""
    from reference_impl import data
    from reference_impl.engine import estimation

    X, y, s, _ = data.beetles()
    beetles = estimation.newton(X, y, sample_weight=s)
    X, y, _ = data.vasoconstriction()
    vessels = estimation.newton(X, y)
    rows = []
    for name, fit, decimals, theirs in (
        ("Beetles, 8 doses", beetles, (2, 2),
         "−60.72 (5.18), 34.27 (2.91): Dobson, table 7.3"),
        ("Vessels, 39 tests", vessels, (4, 4),
         "−2.8754 (1.3208), 5.1793 (1.8648), 4.5617 (1.8380): SAS/STAT User's Guide"),
    ):  # fmt: skip
        ours = ", ".join(
            f"{w:.{decimals[0]}f} ({error:.{decimals[1]}f})"
            for w, error in zip(fit.w, fit.standard_errors, strict=True)
        )
        rows.append(cells("td", [nodes.Text(name)], number(ours), [nodes.Text(theirs)]))
    return table(("Data", "Estimates (standard errors)", "In print"), rows)


def speed():
    """Return the times of the libraries, problem by problem."""
    rows = []
    for problem in run()["problems"]:
        about = f"{problem['problem']}: {problem['N']:,} × {problem['n']}, K = {problem['K']}"
        rows.append(html("tr", html("th", about, scope="rowgroup", colspan="4")))
        own = problem["fits"][0]["seconds"]
        rows += [
            cells("td", [nodes.Text(fit["library"])], number(f"{1e3 * fit['seconds']:,.0f}"),
                  number(f"{fit['seconds'] / own:.2f}"), number(power(fit["left_of_start"])))
            for fit in problem["fits"]
        ]  # fmt: skip
    return table(("Library", "ms", "Times ours", "Gradient left"), rows, "numbers")


TABLES = {
    "coefficients": coefficients,
    "election": election,
    "published": published,
    "speed": speed,
}


def depend_on_inputs(env):
    """Let Sphinx read the page again when the data or the implementation change."""
    for file in (*INPUTS, RUN):
        env.note_dependency(str(ROOT / file))


class FitRole(SphinxRole):
    """``{fit}`name` ``: a number of the fit."""

    def run(self):
        """Return the number."""
        depend_on_inputs(self.env)
        if self.text not in numbers():
            message = self.inliner.reporter.error(f"the fit has no number {self.text!r}")
            return [], [message]
        return [nodes.inline("", numbers()[self.text], classes=["number"])], []


class FitTable(SphinxDirective):
    """``{fit-table} name``: one of the tables."""

    required_arguments = 1

    def run(self):
        """Return the table."""
        depend_on_inputs(self.env)
        if self.arguments[0] not in TABLES:
            raise self.error(f"no table {self.arguments[0]!r}")
        return [TABLES[self.arguments[0]]()]


class FitSummary(SphinxDirective):
    """``{fit-summary}``: the printed summary of the fit of the students."""

    def run(self):
        """Return the text."""
        from reference_impl.engine import inference

        depend_on_inputs(self.env)
        _, _, fit, _ = fitted()
        text = str(inference.summary(fit, NAMES))
        return [nodes.literal_block(text, text, language="text")]


def setup(app):
    """Register role and directives."""
    app.add_role("fit", FitRole())
    app.add_directive("fit-table", FitTable)
    app.add_directive("fit-summary", FitSummary)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
