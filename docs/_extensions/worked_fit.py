"""A fit of real data with the reference implementation, computed when its page is read.

``{fit}`name` `` prints a number and ``{fit-table}`` a table. Nothing is computed while the data and
the implementation stay as they are.
"""

import csv
from functools import cache

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html
from .indexes import cells, table
from .records import ROOT

DATA = "reference_impl/data/spector.csv"
NAMES = ("constant", "GPA", "TUCE", "PSI")
# Greene, Econometric Analysis: the logit column of the table on these data.
PUBLISHED = {"w": ("-13.0213", "2.8261", "0.0952", "2.3787"), "nll": "12.8896"}
INPUTS = (
    DATA,
    "docs/_extensions/worked_fit.py",
    *(f"reference_impl/{stem}.py" for stem in ("estimation", "logistic", "sigmoid")),
)


def spector():
    """Return the design matrix with its constant column, and the labels."""
    lines = (ROOT / DATA).read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    columns = [np.array([float(row[name]) for row in rows]) for name in ("gpa", "tuce", "psi")]
    return np.column_stack([np.ones(len(rows)), *columns]), np.array(
        [float(row["grade"]) for row in rows]
    )


def newton_path(X, y, steps):
    """Return the points that Newton's method visits from w = 0."""
    from reference_impl import logistic

    path = [np.zeros(X.shape[1])]
    for _ in range(steps):
        w = path[-1]
        path.append(w - np.linalg.solve(logistic.nll_hessian(w, X, y),
                                        logistic.nll_gradient(w, X, y)))  # fmt: skip
    return path


@cache
def fitted():
    """Return data, fit and path; once in a process."""
    from reference_impl.estimation import newton

    X, y = spector()
    fit = newton(X, y)
    return X, y, fit, newton_path(X, y, fit.iterations)


def probability(w, gpa, tuce, psi):
    """Return the fitted probability of a better grade."""
    from reference_impl.sigmoid import sigmoid

    return sigmoid(np.array([1.0, gpa, tuce, psi]) @ w)


@cache
def numbers():
    """Return the numbers that the page prints, as text."""
    from reference_impl.sigmoid import sigmoid

    X, y, fit, _ = fitted()
    p = sigmoid(X @ fit.w)
    mean = y.mean()
    constant = -len(y) * (mean * np.log(mean) + (1 - mean) * np.log(1 - mean))
    correct = int(np.sum((p >= 0.5) == (y == 1)))
    values = {
        "N": str(len(y)),
        "n": str(X.shape[1]),
        "improved": str(int(y.sum())),
        "nll": f"{fit.nll:.4f}",
        "nll_published": PUBLISHED["nll"],
        "nll_constant": f"{constant:.4f}",
        "likelihood_ratio": f"{2 * (constant - fit.nll):.4f}",
        "iterations": str(fit.iterations),
        "gradient_norm": f"{fit.gradient_norm:.1e}",
        "psi_odds": f"{np.exp(fit.w[3]):.1f}",
        "p_without": f"{probability(fit.w, 3.0, 22.0, 0.0):.2f}",
        "p_with": f"{probability(fit.w, 3.0, 22.0, 1.0):.2f}",
        "sum_p": f"{p.sum():.10f}".rstrip("0").rstrip("."),
        "correct": str(correct),
    }
    return {name: value.replace("-", "\N{MINUS SIGN}") for name, value in values.items()}


def depend_on_inputs(env):
    """Let Sphinx read the page again when the data or the implementation change."""
    for file in INPUTS:
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
    """``{fit-table}``: the coefficients, beside those published."""

    def run(self):
        """Return the table."""
        depend_on_inputs(self.env)
        _, _, fit, _ = fitted()
        rows = [
            cells(
                "td",
                [nodes.Text(name)],
                *(
                    [html("span", value.replace("-", "\N{MINUS SIGN}"), classes=["number"])]
                    for value in (f"{w:.4f}", f"{error:.4f}", f"{w / error:.2f}", published)
                ),
            )
            for name, w, error, published in zip(
                NAMES, fit.w, fit.standard_errors, PUBLISHED["w"], strict=True
            )
        ]
        heads = ("", "Estimate", "Standard error", "Estimate / error", "Published")
        return [table(heads, rows, "numbers")]


def setup(app):
    """Register role and directives."""
    app.add_role("fit", FitRole())
    app.add_directive("fit-table", FitTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
