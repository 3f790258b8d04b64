"""The error of formulas that are equal in mathematics and not in floating point."""

import mpmath
import numpy as np
from _extensions.figures import Plot

from reference_impl.sigmoid import log_sigmoid, sigmoid

REACH, POINTS = 45, 12


def written_down(t):
    """Return log(sigma(t)) and 1 - sigma(t) as the formulas say."""
    p = 1 / (1 + np.exp(-t))
    return np.log(p), 1 - p


def exact(t):
    """Return both with 50 digits."""
    with mpmath.workdps(50):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(float(t))))
        return mpmath.log(p), 1 / (1 + mpmath.exp(mpmath.mpf(float(t))))


def ulps(computed, right):
    """Return errors in units of the last place of the right values."""
    with mpmath.workdps(50):
        return np.array([
            float(abs(mpmath.mpf(float(c)) - r) / mpmath.mpf(float(np.spacing(abs(float(r))))))
            for c, r in zip(computed, right, strict=True)
        ])  # fmt: skip


def errors():
    """Return the largest error in each interval of length one."""
    t = np.random.default_rng(0).uniform(-REACH, REACH, 2 * REACH * POINTS)
    t.sort()
    right = list(zip(*map(exact, t), strict=True))
    computed = {
        "log sigma, as written": (written_down(t)[0], right[0]),
        "log sigma, stable": (log_sigmoid(t), right[0]),
        "1 - sigma, as written": (written_down(t)[1], right[1]),
        "1 - sigma, stable": (sigmoid(-t), right[1]),
    }
    interval = np.floor(t).astype(int)
    places = np.arange(-REACH, REACH)
    return {"t from": places, "t to": places + 1} | {
        name: np.array([of[interval == place].max() for place in places])
        for name, of in ((name, ulps(*values)) for name, values in computed.items())
    }


def draw(axes, data, colours):
    """Draw the largest error over t."""
    middle = (data["t from"] + data["t to"]) / 2
    looks = {
        "log sigma, as written": (
            colours[1],
            "-",
            r"$\log\,\sigma(t)$ as written; dashed, $1-\sigma(t)$",
        ),
        "1 - sigma, as written": (colours[1], "--", None),
        "log sigma, stable": (colours[0], "-", "both in their stable forms"),
        "1 - sigma, stable": (colours[0], "--", None),
    }
    for name, (colour, line, label) in looks.items():
        axes.semilogy(middle, data[name], color=colour, ls=line, label=label)
    axes.set_ylim(0.1, 1e18)
    axes.set_xlabel("$t$")
    axes.set_ylabel("largest error, in ulp")
    axes.legend(loc="upper left")


sigmoid_errors = Plot(errors, draw, ("reference_impl/sigmoid.py",), size=(5.2, 3.6))
