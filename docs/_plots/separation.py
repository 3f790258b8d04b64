"""Separated data: the fitted curve turns into a step, and the NLL slides along the direction."""

import numpy as np
from _extensions.figures import Plot

INPUTS = ("reference_impl/engine/separation.py", "reference_impl/logistic.py")
GAP = ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), (0, 0, 0, 1, 1, 1))
TIE = ((0.0, 1.0, 2.0, 2.0, 4.0, 5.0), (0, 0, 0, 1, 1, 1))
STEPS = (1, 4, 16)


def points(data):
    """Return the design matrix with its intercept, the labels and the separating direction."""
    from reference_impl.engine import separation

    x, y = map(np.array, data)
    X = np.column_stack([np.ones(len(x)), x])
    return X, y, separation.binary(X, y).direction.astype(float)


def steepening():
    """Return the probability against x with the weights t d, for growing t."""
    from reference_impl.sigmoid import sigmoid

    x = np.linspace(-0.5, 5.5, 241)
    columns = {"x": x}
    for name, data in (("gap", GAP), ("tie", TIE)):
        _, _, d = points(data)
        for t in STEPS:
            columns[f"{name}, t = {t}"] = sigmoid(t * (d[0] + d[1] * x))
    return columns


def draw_steepening(axes, data, colours):
    """Draw the curves over the points."""
    for panel, name, given in zip(axes, ("gap", "tie"), (GAP, TIE), strict=True):
        for t, width in zip(STEPS, (1.0, 1.5, 2.2), strict=True):
            panel.plot(data["x"], data[f"{name}, t = {t}"], color=colours[0], lw=width,
                       label=f"$t = {t}$")  # fmt: skip
        x, y = map(np.array, given)
        for label, marker in ((0, "o"), (1, "s")):
            panel.plot(x[y == label], y[y == label], marker, color=colours[1], ms=6)
        panel.set_title("complete: a gap" if name == "gap" else "quasi-complete: a tie at 2",
                        fontsize=12)  # fmt: skip
        panel.set_xlabel("$x$")
    axes[0].set_ylabel("probability of label 1")
    axes[0].legend(loc="upper left", bbox_to_anchor=(0.0, 0.95))


def slide():
    """Return the NLL at t d for both data sets."""
    from reference_impl import logistic

    t = np.linspace(0, 12, 121)
    columns = {"t": t}
    for name, data in (("gap", GAP), ("tie", TIE)):
        X, y, d = points(data)
        columns[name] = np.array([logistic.nll(step * d, X, y) for step in t])
    return columns


def draw_slide(axes, data, colours):
    """Draw how the NLL falls along the direction."""
    for name, colour, label in (
        ("gap", colours[0], "a gap: falls to $0$"),
        ("tie", colours[1], r"a tie: falls to $2 \log 2$"),
    ):
        axes.semilogy(data["t"], data[name], color=colour, label=label)
    axes.axhline(2 * np.log(2), color=colours[1], lw=0.8, ls=":")
    axes.set_xlabel("$t$")
    axes.set_ylabel(r"NLL at $t\,\mathbf{d}$")
    axes.legend()


curves = Plot(steepening, draw_steepening, INPUTS, size=(7.4, 3.2), panels=2)
fall = Plot(slide, draw_slide, INPUTS)
