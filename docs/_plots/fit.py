"""The fit of real data: its curves, and how fast two methods arrive."""

import numpy as np
from _extensions.figures import Plot
from _runs.fits import INPUTS, descended, fitted, probability


def fitted_curves():
    """Return the fitted probability against GPA, with PSI and without, TUCE at its mean."""
    X, _, fit, _ = fitted()
    gpa = np.linspace(2.0, 4.0, 81)
    mean = X[:, 2].mean()
    return {
        "gpa": gpa,
        "without PSI": np.array([probability(fit.w, g, mean, 0.0) for g in gpa]),
        "with PSI": np.array([probability(fit.w, g, mean, 1.0) for g in gpa]),
    }


def newton_convergence():
    """Return the norm of the gradient and the excess of the NLL at each Newton step."""
    _, _, _, path = fitted()
    return {
        "step": np.arange(len(path.points)),
        "gradient norm": path.gradient_norms,
        "NLL above the minimum": path.values - path.values.min(),
    }


def both_methods():
    """Return the excess of the NLL by the number of steps, on a grid that gets wider."""
    _, _, _, newton = fitted()
    descent = descended()
    grid = np.unique(np.geomspace(1, descent.steps, 60).round().astype(int))
    excess = newton.values - newton.value
    return {
        "step": grid,
        "gradient descent": descent.values[grid] - newton.value,
        "Newton": np.array([excess[k] if k < len(excess) else np.nan for k in grid]),
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
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 0.93))


def draw_convergence(axes, data, colours):
    """Draw how fast Newton's method arrives."""
    for name, colour, marker in zip(list(data)[1:], colours, "os", strict=False):
        shown = np.where(data[name] > 0, data[name], np.nan)
        axes.semilogy(data["step"], shown, marker=marker, color=colour, label=name, ms=5)
    axes.set_xlabel("Newton step")
    axes.set_xticks(data["step"])
    axes.legend()


def draw_both(axes, data, colours):
    """Draw the two methods on one logarithmic scale of steps."""
    for name, colour, marker in (("gradient descent", colours[1], ""), ("Newton", colours[0], "s")):
        shown = np.where(data[name] > 0, data[name], np.nan)
        axes.loglog(data["step"], shown, marker=marker, color=colour, label=name, ms=5)
    axes.set_xlabel("step")
    axes.set_ylabel("NLL above the minimum")
    axes.set_ylim(1e-15, 20)
    axes.legend(loc="lower right")


curves = Plot(fitted_curves, draw_curves, INPUTS)
convergence = Plot(newton_convergence, draw_convergence, INPUTS)
methods = Plot(both_methods, draw_both, INPUTS)
