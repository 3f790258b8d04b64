"""A fit of real data with the reference implementation, computed when its page is read.

``{fit}`name` `` prints a number, ``{fit-table}`` a table, ``{fit-plot} name`` a plot in the
colours of the light and of the dark scheme with the numbers behind it as a file. Nothing is
computed while the data and the implementation stay as they are.
"""

import csv
from functools import cache

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
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
PLOTS = "_build/plots"


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


def curves():
    """Return the fitted probability against GPA, with PSI and without, TUCE at its mean."""
    X, _, fit, _ = fitted()
    gpa = np.linspace(2.0, 4.0, 81)
    mean = X[:, 2].mean()
    return {
        "gpa": gpa,
        "without PSI": np.array([probability(fit.w, g, mean, 0.0) for g in gpa]),
        "with PSI": np.array([probability(fit.w, g, mean, 1.0) for g in gpa]),
    }


def convergence():
    """Return the norm of the gradient and the excess of the NLL at each Newton step."""
    from reference_impl import logistic

    X, y, fit, path = fitted()
    return {
        "step": np.arange(len(path)),
        "gradient norm": np.array([np.linalg.norm(logistic.nll_gradient(w, X, y)) for w in path]),
        "NLL above the minimum": np.array([logistic.nll(w, X, y) - fit.nll for w in path]),
    }


def draw_curves(axes, data, colours):
    """Draw the fitted curves over the data."""
    X, y, _, _ = fitted()
    for psi, name, marker in ((0, "without PSI", "o"), (1, "with PSI", "s")):
        axes.plot(data["gpa"], data[name], color=colours[psi], label=name)
        rows = X[:, 3] == psi
        offset = 0.02 * (2 * psi - 1)
        axes.plot(X[rows, 1], y[rows] + offset, marker, color=colours[psi], alpha=0.7, ms=4.5)
    axes.set_xlabel("grade point average")
    axes.set_ylabel("probability that the grade improves")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.93))


def draw_convergence(axes, data, colours):
    """Draw how fast Newton's method arrives."""
    for name, colour, marker in zip(list(data)[1:], colours, "os", strict=True):
        shown = np.where(data[name] > 0, data[name], np.nan)
        axes.semilogy(data["step"], shown, marker=marker, color=colour, label=name, ms=5)
    axes.set_xlabel("Newton step")
    axes.set_xticks(data["step"])
    axes.legend(frameon=False)


DRAWN = {"curves": (curves, draw_curves), "convergence": (convergence, draw_convergence)}
SCHEMES = {
    "light": ("#1c2127", ("#26458f", "#b3541e")),
    "dark": ("#dfe3e8", ("#9db8ff", "#f0a875")),
}


def style(foreground):
    """Return the settings of matplotlib: reproducible, and transparent on the page."""
    return {
        "svg.hashsalt": "logisticbp",
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "font.size": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"),
            foreground,
        ),
    }


def write_plot(name, folder):
    """Write a plot in both schemes, and the numbers behind it."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    compute, draw = DRAWN[name]
    data = compute()
    for scheme, (foreground, colours) in SCHEMES.items():
        with pyplot.rc_context(style(foreground)):
            figure, axes = pyplot.subplots(figsize=(6.8, 3.6), layout="constrained")
            draw(axes, data, colours)
            figure.savefig(
                folder / f"{name}-{scheme}.svg",
                transparent=True,
                metadata={"Date": None, "Creator": None},
            )
            pyplot.close(figure)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(data)
        writer.writerows(zip(*(map(repr, column.tolist()) for column in data.values()),
                             strict=True))  # fmt: skip


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


class FitPlot(SphinxDirective):
    """``{fit-plot} name``: a plot; the content is its caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}

    def run(self):
        """Return the figure."""
        depend_on_inputs(self.env)
        name = self.arguments[0]
        folder = self.env.srcdir / PLOTS
        folder.mkdir(parents=True, exist_ok=True)
        write_plot(name, folder)
        images = [
            nodes.image(uri=f"/{PLOTS}/{name}-{scheme}.svg", alt=self.options["alt"],
                        classes=[f"only-{scheme}"])
            for scheme in SCHEMES
        ]  # fmt: skip
        numbers = addnodes.download_reference(
            "", "", nodes.inline("", "The numbers as CSV."), reftarget=f"/{PLOTS}/{name}.csv",
            refdomain="", reftype="download", refdoc=self.env.docname, refwarn=True,
            refexplicit=True,
        )  # fmt: skip
        caption = self.parse_inline(" ".join(self.content))[0]
        return [
            nodes.figure("", *images, nodes.caption("", "", *caption, nodes.Text(" "), numbers))
        ]


def setup(app):
    """Register role and directives."""
    app.add_role("fit", FitRole())
    app.add_directive("fit-table", FitTable)
    app.add_directive("fit-plot", FitPlot)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
