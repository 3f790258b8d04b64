"""Derivatives by differences, with an estimate of their error; kinks are found and set apart.

Central differences for steps h, h/2, h/4, ... are extrapolated by Richardson, and for each
number the extrapolation with the smallest estimated error is taken (C. J. F. Ridders, Advances
in Engineering Software 4, 1982). Its rounding error is read from very small steps, where
differences show little else than the noise of the function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference_impl.arguments import Array

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).smallest_normal)
MOST = 256  # entries of an array that are looked at; of a larger one, as many at random
LARGEST = 2**22  # numbers in a Jacobian
# Steps relative to max(1, |x|).
COARSE = 2.0 ** np.arange(-4, -13, -1)
FINE = 2.0 ** np.arange(-19, -25, -1)
ORDERS = 6  # at most so many terms of the error are removed: h^2, h^4, ...


@dataclass(frozen=True, eq=False)
class Slope:
    """The derivative of each output in one direction, its error, and the slopes to both sides."""

    value: Array
    error: Array
    left: Array
    right: Array
    kink: bool


@dataclass(frozen=True, eq=False)
class Jacobian:
    """The derivative of each output (row) by each entry of x (column), and its error.

    `value` is nan at a kink, where `left` and `right` are the slopes to both sides; where f is
    not finite nearby ("lost"); and for entries that were not looked at.
    """

    shape: tuple[int, ...]  # of x
    value: Array
    error: Array
    left: Array
    right: Array
    kinks: tuple[int, ...]  # columns
    lost: tuple[int, ...]  # columns


def jacobian(f: Callable[[Array], Any], x: Array, rng: np.random.Generator) -> Jacobian:
    """Differentiate f (array -> array of any shape) by each entry of x.

    Of more than `MOST` entries, as many are chosen at random; the others stay nan.

    Raises
    ------
    ValueError
        For a Jacobian of more than `LARGEST` numbers.
    """
    outputs = np.size(f(x.copy()))
    if outputs * x.size > LARGEST:
        raise ValueError(f"{outputs} outputs by {x.size} inputs are too many: check a smaller one")
    few = x.size <= MOST
    columns = range(x.size) if few else sorted(rng.choice(x.size, MOST, replace=False).tolist())
    value, error, left, right = np.full((4, outputs, x.size), np.nan)
    kinks: list[int] = []
    lost: list[int] = []
    for column in columns:
        direction = np.zeros(x.size)
        direction[column] = 1.0
        found = slope(f, x, direction.reshape(x.shape))
        left[:, column], right[:, column] = found.left, found.right
        if found.kink:
            kinks.append(column)
        elif not np.isfinite([found.value, found.error]).all():
            lost.append(column)
        else:
            value[:, column], error[:, column] = found.value, found.error
    return Jacobian(x.shape, value, error, left, right, tuple(kinks), tuple(lost))


def slope(f: Callable[[Array], Any], x: Array, direction: Array) -> Slope:
    """Differentiate f (array -> array of any shape) at x in one direction, at t = 0 of x + t d."""
    scale = 2.0 ** np.frexp(max(1.0, np.abs(x[direction != 0]).max(initial=0.0)))[1] / 2
    with np.errstate(all="ignore"):  # a step may leave the domain: nan is the worst estimate

        def moved(h: float) -> Array:
            return np.asarray(f(x + h * direction), dtype=np.float64).ravel()

        here = moved(0.0)
        coarse, fine = scale * COARSE[:, None], scale * FINE[:, None]
        steps = np.vstack([coarse, fine])
        up, down = (np.array([moved(side * h) for h in steps[:, 0]]) for side in (1.0, -1.0))
        central, jump = (up - down) / (2.0 * steps), np.abs(up - 2.0 * here + down) / steps
        changes = np.abs(np.diff(central[-FINE.size + 1 :], axis=0)) * fine[2:]
        noise = changes.max(axis=0) + EPS * np.abs(here) + TINY
        rounding = (noise + EPS * np.maximum(np.abs(up), np.abs(down))) / steps
        value, error = _extrapolated(central[: COARSE.size], rounding[: COARSE.size])
        # With a kink close by, only the finest steps are right, up to their noise.
        uncertain = 16.0 * noise / fine[-1]
        error = error + np.maximum(0.0, np.abs(value - central[-1]) - uncertain)
        close = error > 4.0 * uncertain
        value, error = np.where(close, [central[-1], 4.0 * uncertain], [value, error])
        left, right = (here - down[-1]) / fine[-1], (up[-1] - here) / fine[-1]
        kink = bool(_is_kink(jump, 64.0 * EPS * np.abs(here) / fine[0]).any())
    return Slope(value, error, left, right, kink)


def _is_kink(jump: Array, rounding: Array) -> Any:
    """Whether the slopes to both sides of x differ; `jump` is their difference for each step.

    Where f is smooth the jump is h f'', so it shrinks with the step; noise makes it grow as 1/h;
    at a kink it is the same for all small steps.
    """
    first, last, fine = jump[COARSE.size - 3], jump[COARSE.size - 1], jump[COARSE.size :]
    same = (first < 2.0 * last) & (last < 8.0 * fine[0]) & (fine.max(axis=0) < 2.0 * last)
    return same & (fine[0] > rounding)


def _extrapolated(central: Array, rounding: Array) -> tuple[Array, Array]:
    """Of Richardson's table, the numbers with the smallest estimated errors, and these."""
    value, error = central[-1], np.full(central.shape[1], np.inf)
    for order in range(1, ORDERS + 1):
        refined = central[1:] + (central[1:] - central[:-1]) / (4.0**order - 1.0)
        change = np.maximum(np.abs(refined - central[1:]), np.abs(refined - central[:-1]))
        estimates = np.nan_to_num(change + rounding[order:], nan=np.inf)
        row = estimates.argmin(axis=0)[None, :]
        estimate = np.take_along_axis(estimates, row, axis=0)[0]
        value = np.where(estimate < error, np.take_along_axis(refined, row, axis=0)[0], value)
        error = np.minimum(error, estimate)
        central = refined
    return value, error
