"""How badly the Hessian of the NLL is conditioned, when columns and when classes grow alike."""

from statistics import NormalDist

import numpy as np
from _extensions.figures import Plot

from reference_impl import logistic
from reference_impl.engine.estimation import newton

INPUTS = ("reference_impl/logistic.py", "reference_impl/engine/fit.py")
CORRELATIONS = 1 - np.logspace(0, -6, 25)
DISTANCES = np.linspace(0, 4.4, 23)


def standard(count):
    """Return two columns with mean 0, mean square 1 and correlation 0, exactly."""
    draws = np.random.default_rng(0).standard_normal((count, 2))
    return np.linalg.qr(draws - draws.mean(axis=0))[0] * count**0.5


def eigenvalues_at_minimum(X, y):
    """Return the eigenvalues of the Hessian at the fit, from the smallest on."""
    return np.linalg.eigvalsh(logistic.nll_hessian(newton(X, y).w, X, y))


def correlated_columns():
    """Return the condition number of the Hessian for two columns of growing correlation."""
    columns = standard(400)
    p = 1 / (1 + np.exp(-columns[:, 0]))
    y = (np.random.default_rng(1).random(len(p)) < p).astype(float)
    found = []
    for correlation in CORRELATIONS:
        second = correlation * columns[:, 0] + (1 - correlation**2) ** 0.5 * columns[:, 1]
        low, high = eigenvalues_at_minimum(np.column_stack([columns[:, 0], second]), y)
        found.append(high / low)
    return {
        "1 - correlation": 1 - CORRELATIONS,
        "condition number of H": found,
        "condition number of X^T X": (1 + CORRELATIONS) / (1 - CORRELATIONS),
    }


def draw_correlated(axes, data, colours):
    """Draw both condition numbers over the distance to equal columns."""
    names = list(data)
    axes.loglog(data[names[0]], data[names[2]], "--", color=colours[1],
                label=r"$\mathbf{X}^\top\mathbf{X}$: $(1+\rho)/(1-\rho)$")  # fmt: skip
    axes.loglog(data[names[0]], data[names[1]], "o", color=colours[0], ms=4,
                label=r"$\mathbf{H}$ at the minimum")  # fmt: skip
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set_xlabel(r"$1-\rho$, distance from equal columns")
    axes.set_ylabel("condition number")
    axes.legend(loc="upper left")


def parted_classes():
    """Return the eigenvalues of the Hessian at the minimum for classes at growing distances."""
    normal = NormalDist()
    spread = np.array([normal.inv_cdf((number + 0.5) / 100) for number in range(100)])
    y = np.repeat([0.0, 1.0], len(spread))
    found = []
    for distance in DISTANCES:
        x = np.concatenate([spread - distance / 2, spread + distance / 2])
        found.append(eigenvalues_at_minimum(np.column_stack([np.ones_like(x), x]), y))
    low, high = np.transpose(found)
    return {"distance of the means": DISTANCES, "smallest eigenvalue": low,
            "largest eigenvalue": high, "condition number": high / low}  # fmt: skip


def draw_parted(axes, data, colours):
    """Draw both eigenvalues over the distance of the classes."""
    x, low, high, _ = data.values()
    axes.semilogy(
        x, high, color=colours[0], marker="s", ms=3.5, label="largest eigenvalue of $\\mathbf{H}$"
    )
    axes.semilogy(x, low, color=colours[1], marker="o", ms=3.5, ls="--", label="smallest")
    axes.set_xlabel("distance of the two class means, in standard deviations")
    axes.set_ylabel("eigenvalue at the minimum")
    axes.legend(loc="lower left")


correlation = Plot(correlated_columns, draw_correlated, INPUTS, size=(5.2, 3.5))
separation = Plot(parted_classes, draw_parted, INPUTS, size=(5.2, 3.5))
