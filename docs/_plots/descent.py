"""The surface of the NLL over two weights, with the ways of two methods down to its minimum."""

from itertools import accumulate, repeat
from math import log

import numpy as np
from _extensions.figures import Plot

from reference_impl import logistic
from reference_impl.sigmoid import softplus

# The data of the page: an intercept and one feature, shares 1/4 and 3/4 of the label 1.
X = np.array([[1, 0]] * 4 + [[1, 1]] * 4)
Y = np.array([1, 0, 0, 0, 1, 1, 1, 0])
MINIMUM = (-log(3), 2 * log(3))
STEPS = {"gradient descent": 40, "Newton": 5}


def gradient_step(w):
    """Return w after a step of gradient descent, as long as the smoothness of the NLL allows."""
    longest = 4 / np.linalg.eigvalsh(X.T @ X)[-1]
    return w - longest * logistic.nll_gradient(w, X, Y)


def newton_step(w):
    """Return w after a step of Newton's method."""
    return w - np.linalg.solve(logistic.nll_hessian(w, X, Y), logistic.nll_gradient(w, X, Y))


def way(step, steps):
    """Return the points of a method from w = 0."""
    return list(accumulate(repeat(step, steps), lambda w, move: move(w), initial=np.zeros(2)))


def ways():
    """Return the points that both methods visit, and the cost there."""
    methods = {"gradient descent": gradient_step, "Newton": newton_step}
    rows = [
        (name, number, *w, logistic.nll(w, X, Y))
        for name, step in methods.items()
        for number, w in enumerate(way(step, STEPS[name]))
    ]
    return dict(zip(("method", "step", "w_1", "w_2", "NLL"), zip(*rows, strict=True), strict=True))


def draw(axes, data, colours):
    """Draw contours of the cost and the two ways."""
    first, second = np.meshgrid(np.linspace(-2.4, 0.55, 90), np.linspace(-0.35, 3.7, 90))
    z = np.stack([first, second], axis=-1) @ X.T
    height = (softplus(z) - Y * z).sum(axis=-1)
    lowest = logistic.nll(MINIMUM, X, Y)
    axes.contour(first, second, height, lowest + 0.035 * np.arange(1, 11) ** 2,
                 colors=[colours[4]], linewidths=0.7)  # fmt: skip
    for name, colour, marker in (
        ("gradient descent", colours[1], "o"),
        ("Newton", colours[0], "s"),
    ):
        points = [(a, b) for method, a, b in zip(data["method"], data["w_1"], data["w_2"],
                                                 strict=True) if method == name]  # fmt: skip
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, ms=4, lw=1.4, label=name)
    axes.plot(*MINIMUM, "+", color=axes.xaxis.label.get_color(), ms=13, mew=1.6, zorder=5)
    axes.set_xlabel("$w_1$, intercept")
    axes.set_ylabel("$w_2$, feature")
    axes.set_aspect("equal")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


surface = Plot(
    ways, draw, ("reference_impl/logistic.py", "reference_impl/sigmoid.py"), size=(4.6, 5.2)
)
