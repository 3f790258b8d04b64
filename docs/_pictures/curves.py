"""Curves that are pictures more than plots: the sigmoid, and the valley of the softmax."""

from dataclasses import dataclass
from math import log

import numpy as np

from reference_impl import softmax
from reference_impl.sigmoid import sigmoid

from .labels import THIN, italic, scripts, text, up
from .svg import Drawing, Picture, arrow, circle, path

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Axes:
    """A window of the plane, and where it stands on the sheet."""

    x: tuple[float, float]
    y: tuple[float, float]
    left: float
    top: float
    width: float
    height: float

    def at(self, x, y):
        """Return where a point stands on the sheet."""
        return (
            self.left + self.width * (x - self.x[0]) / (self.x[1] - self.x[0]),
            self.top + self.height * (self.y[1] - y) / (self.y[1] - self.y[0]),
        )

    def line(self, xs, ys, kind):
        """Return the polygon through points."""
        return path([self.at(x, y) for x, y in zip(xs, ys, strict=True)], kind)

    def dot(self, x, y, kind):
        """Return a point."""
        return circle(*self.at(x, y), 3.8, kind)


def fraction(over, under):
    """Return a fraction of two digits, on one line."""
    return up(f"{over}{THIN}/{THIN}{under}")


def sigmoid_and_slope(width, reach):
    """Draw the sigmoid and its slope up to a score, with the scores that have odds 1 to 3, 3 to 1."""
    axes = Axes((-reach, reach), (-0.03, 1.05), 46, 8, width - 54, 250)
    t = np.linspace(-reach, reach, 161)
    s = sigmoid(t)
    three = log(3)
    quarter, most = (float(sigmoid(sign * three)) for sign in (-1, 1))
    at = axes.at
    parts = [
        axes.line((-reach, reach), (0, 0), "axis"),
        axes.line((-reach, reach), (1, 1), "guide"),
        axes.line((-reach, 0), (quarter, quarter), "guide"),
        axes.line((-reach, 0, 0), (0.5, 0.5, 0), "guide"),
        axes.line((-reach, three, three), (most, most, 0), "guide"),
        axes.line((-three, -three), (quarter, 0), "guide"),
        axes.line(t, s * (1 - s), "trace backward"),
        axes.line(t, s, "trace forward"),
        *(axes.dot(x, y, "dot forward")
          for x, y in ((-three, quarter), (0, 0.5), (three, most))),
        axes.dot(0, quarter, "dot backward"),
        text(*at(2.15, 0.815), (*italic("σ"), *up("("), *italic("t"), *up(")")), 18, "start",
             "math forward"),
        text(*at(1.75, 0.16), (*italic("σ"), *up("\N{PRIME}"), *up("("), *italic("t"), *up(")")), 18,
             "start", "math backward"),
    ]  # fmt: skip
    levels = ((up("0"), 0), (fraction(1, 4), quarter), (fraction(1, 2), 0.5),
              (fraction(3, 4), most), (up("1"), 1))  # fmt: skip
    for label, level in levels:
        x, y = at(-reach, level)
        parts.append(text(x - 8, y + 5, label, 15, "end"))
    ticks = ((up(f"{MINUS}log{THIN}3"), -three), (up("0"), 0), (up(f"log{THIN}3"), three))
    parts += [text(at(score, 0)[0], at(0, 0)[1] + 21, label, 15) for label, score in ticks]
    parts.append(text(at(reach, 0)[0], at(0, 0)[1] + 21, italic("t"), 17, "end"))
    return Drawing(width, 288, tuple(parts))


# Four data points with the one feature 1; three are of the first class.
X, LABELS = np.ones((4, 1)), [0, 0, 0, 1]


def cost(first, second):
    """Return the NLL of the weights of the two classes."""
    return float(softmax.nll([[first], [second]], X, LABELS))


def differences(excess):
    """Return the differences of the weights at which the cost is that far above its minimum."""
    best = log(3)
    found = []
    for far in (-30.0, 30.0):
        low, high = best, best + far
        for _ in range(60):
            middle = (low + high) / 2
            above = cost(middle, 0.0) - cost(best, 0.0) > excess
            low, high = (low, middle) if above else (middle, high)
        found.append(low)
    return found


def null_space():
    """Draw the cost over the weights of two classes: straight valleys along equal changes."""
    reach, best = 2.3, log(3)
    axes = Axes((-reach, reach), (-reach, reach), 8, 26, 310, 310)

    def level(difference, kind):
        low, high = max(-reach, difference - reach), min(reach, difference + reach)
        return axes.line((low, high), (low - difference, high - difference), kind)

    contours = [
        level(difference, "contour")
        for number in range(1, 8)
        for difference in differences(0.06 * number**2)
        if abs(difference) < 2 * reach - 0.2
    ]
    reference, centred = (0.0, -best), (best / 2, -best / 2)
    moved = (centred[0] + 1.05, centred[1] + 1.05)
    w1, w2 = (scripts(italic("w"), up(n)) for n in "12")
    parts = [
        *contours,
        arrow([axes.at(-reach, 0), axes.at(reach + 0.1, 0)], "axis-arrow", size=7),
        arrow([axes.at(0, -reach), axes.at(0, reach + 0.1)], "axis-arrow", size=7),
        axes.line((-1.9, 1.9), (1.9, -1.9), "guide"),
        level(best, "trace forward"),
        arrow([axes.at(*centred), axes.at(*moved)], "strong-arrow", "centred", "moved"),
        axes.dot(*reference, "dot forward"),
        axes.dot(*centred, "dot forward"),
        text(axes.at(reach, 0)[0] + 18, axes.at(0, 0)[1] + 5, w1, 17),
        text(axes.at(0, 0)[0], axes.at(0, reach)[1] - 14, w2, 17),
        text(axes.at(*reference)[0] - 10, axes.at(*reference)[1] + 4, (*w1, *up(" = 0")), 16, "end",
             "math halo"),
        text(axes.at(*centred)[0] - 12, axes.at(*centred)[1] + 4,
             (*w1, *up(" + "), *w2, *up(" = 0")), 16, "end", "math halo"),
        text(axes.at(*moved)[0] - 22, axes.at(*moved)[1] + 2,
             (*up("+ ("), *italic("ψ"), *up(", "), *italic("ψ"), *up(")")), 16, "end", "math halo"),
    ]  # fmt: skip
    return Drawing(350, 346, tuple(parts))


the_sigmoid = Picture(
    "The sigmoid and its slope",
    "The sigmoid rises from 0 to 1 and is one half at 0. At the scores minus log 3 and log 3 it is "
    "1/4 and 3/4, which mirror each other. Its slope is a hump with the height 1/4 at 0.",
    lambda: sigmoid_and_slope(600, 6.0),
    lambda: sigmoid_and_slope(350, 5.0),
)
valley = Picture(
    "The null space of the softmax",
    "The plane of the weights of two classes. The lines of equal cost are straight and run along "
    "the diagonal, in which both weights change alike; the lowest is a valley without an end. On it "
    "are marked the point whose first weight is zero and the one whose weights sum to zero.",
    null_space,
)
