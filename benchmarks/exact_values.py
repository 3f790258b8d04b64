"""Exact values of the sigmoid and softmax functions by ball arithmetic, and errors in ulp.

A ball is a number with a rigorous bound of its error. The precision is raised until the radius is
below 2^-70 of the value, or the value is certainly too small for a float; the definitions are used
as they stand, with as many digits as their cancellation takes. An exact value is kept as the
nearest float and the rest in ulp, so that all further work is on arrays.
"""

import math
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

RELATIVE_BITS = 70
UNDERFLOW = arb(2) ** -1200
PRECISIONS = (160, 320, 640, 1280, 2560, 5120)


@dataclass(frozen=True)
class Exact:
    """Numbers as `nearest` + `rest` ulp, where the ulp is that of the exact value."""

    nearest: np.ndarray
    rest: np.ndarray
    ulp: np.ndarray

    def part(self, index):
        """Some of them."""
        return Exact(self.nearest[index], self.rest[index], self.ulp[index])

    def error(self, computed):
        """Distance of computed numbers, in ulp of the exact ones; inf for what is not finite."""
        with np.errstate(all="ignore"):
            distance = np.abs((computed - self.nearest) / self.ulp - self.rest)
        return np.where(np.isfinite(computed), distance, np.inf)


def exact(function, *columns):
    """`function` of balls, one call for each place of the columns, as `Exact`.

    It returns a ball, or a list of them; a column holds floats or lists of floats.
    """
    values = [_resolved(function, case) for case in zip(*columns, strict=True)]
    triples = np.array([[_as_floats(ball) for ball in case] for case in values])
    squeezed = triples[:, 0] if triples.shape[1] == 1 else triples
    return Exact(squeezed[..., 0], squeezed[..., 1], squeezed[..., 2])


def _resolved(function, case):
    """The balls of one case, small enough."""
    for precision in PRECISIONS:
        ctx.prec = precision
        balls = function(*map(_balls, case))
        balls = balls if isinstance(balls, list) else [balls]
        if all(_is_small(ball) for ball in balls):
            return balls
    raise ArithmeticError(f"{function.__name__}{case}: {balls} is not resolved")


def _balls(value):
    if isinstance(value, list):
        return [arb(entry) for entry in value]
    return arb(value) if isinstance(value, float) else value  # a label stays an integer


def _is_small(ball):
    return ball.rel_accuracy_bits() >= RELATIVE_BITS or abs(ball) < UNDERFLOW


def _as_floats(ball):
    """(nearest float, rest in ulp, ulp) of a ball; the ulp is 2^-1074 below 2^-1022."""
    nearest = float(ball.mid())
    size = math.ulp(nearest)
    rest = ball - nearest
    # Just below a power of two the spacing is that below it.
    if abs(math.frexp(nearest)[0]) == 0.5 and size > 2.0**-1074 and rest * nearest < 0:
        size /= 2
    return nearest, float((rest / arb(size)).mid()), size


# The functions, as they are defined; each takes balls.


def sigmoid(t):
    return 1 / (1 + (-t).exp())


def log_sigmoid(t):
    return -((-t).exp()).log1p()


def softplus(t):
    return t.exp().log1p()


def binary_loss(z, y):
    return softplus(-z if y else z)


def binary_residual(z, y):
    return -sigmoid(-z) if y else sigmoid(z)


def logsumexp(z):
    m = max(z, key=lambda ball: ball.mid())
    return m + _sum_of_others(z, m)[1].log1p()


def rows(z, y):
    """log-softmax, softmax and residuals of a row of logits with label y, then its loss."""
    m = max(z, key=lambda ball: ball.mid())
    e, S = _sum_of_others(z, m)
    logarithm = S.log1p()
    p = [e_c / (1 + S) for e_c in e]
    log_p = [z_c - m - logarithm for z_c in z]
    others = sum((e_c for c, e_c in enumerate(e) if c != y), start=arb(0)) / (1 + S)
    return [*log_p, *p, *p[:y], -others, *p[y + 1 :], -log_p[y]]


def _sum_of_others(z, m):
    """e^(z_c - m) of all, and their sum without one that is at m, where it is 1."""
    e = [(z_c - m).exp() for z_c in z]
    top = z.index(m)
    return e, sum((e_c for c, e_c in enumerate(e) if c != top), start=arb(0))
