"""The six students of the running example: how far the curve is from each, and how each pulls.

Both pictures show the first guess, weights zero, and the best fit.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import log

import numpy as np

from reference_impl import data, logistic
from reference_impl.sigmoid import sigmoid

from .curves import Axes, fraction
from .labels import text, up, words
from .svg import Drawing, Picture, arrow, circle, path

X, PASSED, _ = data.students()
MIDDLE = 4  # x is the number of hours less this
HOURS = [int(x) + MIDDLE for x in X[:, 1]]
PANEL, ROOM, RANGE = 320, 40, (0.0, 8.0)


@dataclass(frozen=True)
class Guess:
    """Weights, and what is written over their panel."""

    title: str
    w: tuple[float, float]

    def probability(self, hours):
        """Return the probability to pass."""
        return sigmoid(self.w[0] + self.w[1] * (np.asarray(hours, float) - MIDDLE))

    def residuals(self):
        """Return y - p of each student: the size and the direction of the pull."""
        return [y - float(self.probability(h)) for h, y in zip(HOURS, PASSED, strict=True)]

    def gradient(self):
        """Return the gradient of the NLL."""
        return logistic.nll_gradient(self.w, X, PASSED).tolist()


GUESSES = (
    Guess("First guess: both weights are 0", (0.0, 0.0)),
    Guess("Best fit: each hour doubles the odds", (0.0, log(2))),
)


def exact(number):
    """Return a number as the fraction that it is up to rounding, on one line."""
    found = Fraction(abs(number)).limit_denominator(20)
    return fraction(found.numerator, found.denominator)


def hours_axis(axes, y):
    """Return the numbers of hours under a height, and what they are."""
    line = axes.at(0, y)[1] + 20
    ticks = [text(axes.at(h, y)[0], line, up(str(h)), 15) for h in sorted(set(HOURS))]
    return [*ticks, words(axes.at(MIDDLE, y)[0], line, "hours", 13.5)]


def curve(guess, left, top):
    """Draw the curve of a guess, the students, and an arrow from the curve to each of them."""
    axes = Axes(RANGE, (-0.06, 1.06), left + 48, top + 28, PANEL - 60, 190)
    h = np.linspace(*RANGE, 81)
    parts = [
        words(left, top + 14, guess.title, 14.5, "start", "words strong"),
        axes.line(RANGE, (0, 0), "axis"),
        axes.line(RANGE, (1, 1), "guide"),
        axes.line(h, guess.probability(h), "trace forward"),
        *hours_axis(axes, 0),
    ]
    for label, level in ((up("0"), 0), (fraction(1, 2), 0.5), (up("1"), 1)):
        x, y = axes.at(RANGE[0], level)
        parts.append(text(x - 9, y + 5, label, 15, "end"))
    for number, (hours, passed, gap) in enumerate(
        zip(HOURS, PASSED, guess.residuals(), strict=True)
    ):
        x, start = axes.at(hours, passed - gap)
        end = axes.at(hours, passed)[1]
        tip = end + (5.5 if gap > 0 else -5.5)
        parts += [
            arrow([(x, start), (x, tip)], "backward solid", "curve", f"student{number + 1}"),
            text(x + 8, (start + end) / 2 + 5, exact(gap), 14, "start", "math halo"),
            axes.dot(hours, passed, "dot forward"),
        ]
    return parts, top + 260


SCALE, BEAM = 112, 98  # pixels for a pull of one, and where the beam stands


def beam(guess, left, top):
    """Draw the pulls of the students at a beam that is held in the middle."""
    axes = Axes(RANGE, (0, 1), left + 48, top, PANEL - 60, 1)
    line, (middle, _) = top + 28 + BEAM, axes.at(MIDDLE, 0)
    ends = [(axes.at(h, 0)[0], line) for h in (0.6, 7.4)]
    parts = [
        words(left, top + 14, guess.title, 14.5, "start", "words strong"),
        path(
            [(middle, line + 2), (middle - 9, line + 18), (middle + 9, line + 18)],
            "box",
            closed=True,
        ),
        path(ends, "beam"),
    ]
    for number, (hours, gap) in enumerate(zip(HOURS, guess.residuals(), strict=True)):
        x, y = axes.at(hours, 0)[0], line - SCALE * gap
        parts += [
            arrow([(x, line), (x, y)], "backward solid", "beam", f"student{number + 1}"),
            text(x, y - 6 if gap > 0 else y + 17, exact(gap), 14),
        ]
    sideways, turning = (-round(entry, 9) + 0.0 for entry in guess.gradient())
    foot = line + BEAM + 14
    parts += [
        circle(middle, line, 2.5, "dot"),
        words(left, foot, f"up minus down: {sideways:g}", 13.5, "start"),
        words(left, foot + 20, f"turning to the left: {turning:g}", 13.5, "start"),
    ]
    return parts, foot + 30


def both(draw, across):
    """Draw the two guesses beside or below each other."""
    first, height = draw(GUESSES[0], 0, 0)
    left, top = (PANEL + ROOM, 0) if across else (0, height + 8)
    second, bottom = draw(GUESSES[1], left, top)
    return Drawing(left + PANEL, bottom, (*first, *second))


gaps = Picture(
    "How far the curve is from each student",
    "Six students by their hours of practice, at height 1 if they passed and 0 if they failed, with "
    "the curve of the probability to pass and an arrow from the curve to each student. For the "
    "first guess the curve is a level line and all arrows have the length 1/2. For the best fit it "
    "rises, and the arrows have the lengths 1/9, 1/3, 2/3, 2/3, 1/3 and 1/9.",
    lambda: both(curve, across=True),
    lambda: both(curve, across=False),
)
balance = Picture(
    "The pulls at a beam",
    "The same arrows at a beam that is held in its middle, at 4 hours: students who passed pull "
    "up, those who failed pull down. For the first guess the pulls turn the beam to the left, with "
    "a strength of 3. For the best fit they balance.",
    lambda: both(beam, across=True),
    lambda: both(beam, across=False),
)
