"""The slope of a curve by differences, with a bound of its error that the curve itself tells.

A curve is t -> array, and t = 1 is as far as anything may sensibly be moved. Central differences
for steps 1/4, 1/8, ... are extrapolated by Richardson, and for each number the extrapolation with
the smallest estimated error is taken (C. J. F. Ridders, Advances in Engineering Software 4, 1982).
So the step follows the curve: one that varies fast, or ends nearby, gets small ones.

An estimate has two errors. What the extrapolation leaves is seen in its table. What rounding
does is measured: in a table of high differences at tiny equal steps nothing but noise is left
(J. J. More and S. M. Wild, SIAM Journal on Scientific Computing 33, 2011). Noise cannot be seen
where the curve does not move at all; there its terms, of a given size, may hide it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array

EPS = float(np.finfo(np.float64).eps)
SINGLE = float(np.finfo(np.float32).eps)
TINY = float(np.finfo(np.float64).smallest_normal)
BLOCK = 20  # steps of one scale
STEPS = 2.0 ** -np.arange(2.0, 2.0 + BLOCK)
FINE = 0.34  # times the last step: no power of two, in which rounding might repeat itself
EACH = 3  # fine steps to each side
ORDERS = 7  # at most so many terms of the error are removed: h^2, h^4, ...
Curve = Callable[[float], Array]


@dataclass(frozen=True, eq=False)
class Slope:
    """The derivative of each number of a curve at t = 0; value is nan at a kink or if lost.

    Attributes
    ----------
    value, error : arrays
    left, right, side_error : arrays
        The slopes to both sides, and how far off these may be.
    far, far_error : arrays
        The slope that larger steps agree on, where that is another one.
    kink, lost : arrays of bool
        Where left and right differ; where the curve is not finite nearby.
    flat : array of bool
        Where the curve has never moved.
    """

    value: Array
    error: Array
    left: Array
    right: Array
    side_error: Array
    far: Array
    far_error: Array
    kink: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    flat: NDArray[np.bool_]


def slope(
    curve: Curve,
    terms: float = 0.0,
    unit: float = EPS,
    size: Array | float = 0.0,
    floor: Array | float = 0.0,
    steps: Array = STEPS,
    moved: float = 1.0,
    coarse: bool = False,
) -> Slope:
    """Differentiate a curve at t = 0.

    Parameters
    ----------
    curve : callable
        t -> array of any shape.
    terms : float
        The size of the terms that the curve may be made of.
    unit : float
        The precision with which it is computed, relative to these.
    size : array or float
        Of the numbers of the curve, where they are differences of larger ones.
    floor : array or float
        Their noise, as far as it is known; that measured here may be small by chance.
    steps : array
        Each at most half as large as the one before.
    moved : float
        The size of what t is added to: the sum is rounded, and the curve changes with it.
    coarse : bool
        Whether the curve goes in steps; then its noise is at least the smallest of them.
    """
    with np.errstate(all="ignore"):  # a step may leave the domain: nan is the worst estimate

        def at(t: float) -> Array:
            return np.asarray(curve(t), dtype=np.float64).ravel()

        near = _near(at, FINE * float(steps[-1]))
        here = near[EACH]
        up, down = (np.array([at(side * h) for h in steps]) for side in (1.0, -1.0))
        size = np.maximum(size, np.abs(near).max(axis=0))
        measured, still = np.maximum(_noise(near), floor), (near == here).all(axis=0)
        if coarse:
            parts = [near]
            for k in range(0, len(steps), BLOCK):
                probes = [at(t) for t in close_to(float(steps[k]))]
                parts.append(np.array([*up[k : k + BLOCK], here, *down[k : k + BLOCK], *probes]))
            measured = np.maximum(measured, smallest_step(parts))
            still = (np.concatenate(parts) == here).all(axis=0)
        unmoved = still * max(EPS * terms, unit * np.nanmax(size, initial=0.0))
        noise = np.maximum(np.maximum(measured, unmoved), unit * size) + TINY
        h = steps[:, None]
        central, jump = (up - down) / (2.0 * h), np.abs(up - 2.0 * here + down) / h
        largest = np.maximum(np.abs(up), np.abs(down))
        if coarse:  # what moves does so in single precision
            noise = noise + SINGLE * np.maximum(np.abs(up - here), np.abs(down - here))
        rounding = (noise + unit * largest + unit * moved * np.abs(central)) / h
        value, error, far, far_error = _extrapolated(steps, central, rounding, jump)
        # Noise as large as the curve itself may be a curve that varies below the finest step,
        # unless all there is to see is rounding.
        spread = np.nanmax(np.abs([*up, *down] - here), axis=0, initial=0.0)
        wild = measured > 2.0**-7 * np.maximum(size, spread)
        wild &= spread > 64.0 * np.maximum(unit * size, EPS * terms)
        kink, finest = _kink(central, jump, rounding)
        sides, columns = np.array([here - down, up - here]) / h, np.arange(len(here))
        # A step half as large has half of the error; finer ones than show the kink have none.
        errors = 2.0 * (np.abs(np.diff(sides, axis=1)).max(axis=0) + rounding[:-1])
        errors[np.arange(len(errors))[:, None] >= finest] = np.inf
        row = errors.argmin(axis=0)
        left, right = sides[:, row, columns]
        side_error, rest = errors[row, columns], jump[row, columns]
        # Between a coarser step, the finest that shows the kink, and 0 there may be anything.
        side_error[finest < len(h) - 1 - EACH] = np.inf
        slight = kink & (rest <= 2.0**-7 * np.maximum(np.abs(left), np.abs(right)))
        error = error + np.where(slight, rest, 0.0)
        kink &= ~wild & ~slight
        error = np.where(wild, np.inf, error)
        lost = ~np.isfinite(near).all(axis=0) | (~np.isfinite(value + error) & ~kink)
        value, error = np.where(kink | lost, np.nan, [value, error])
        flat = (np.concatenate([near, up, down]) == here).all(axis=0)
        return Slope(value, error, left, right, side_error, far, far_error, kink, lost, flat)


def roughly(curve: Callable[[float], float]) -> float:
    """Differentiate a smooth curve at t = 0 by three steps, without an estimate of the error."""
    h = STEPS[4:7]
    central = [(curve(t) - curve(-t)) / (2.0 * t) for t in h.tolist()]
    for order in (1, 2):
        central = [b + (b - a) / (4.0**order - 1.0) for a, b in pairwise(central)]
    return central[0]


def noise(curve: Curve, t: float = 0.0) -> tuple[Array, Array]:
    """Return the noise of the numbers of a curve near t, and these at equal tiny steps."""
    with np.errstate(all="ignore"):
        fine = FINE * float(STEPS[-1])
        near = _near(lambda s: np.asarray(curve(t + s), dtype=np.float64).ravel(), fine)
        return _noise(near), near


def hidden(curve: Curve) -> Array:
    """Return the noise of a curve on the way to t = -1, where terms cancel there.

    Of t -> f((1 + t) x): log(1 + e^x) - x is 0 for a large x, and differs from it by rounding.
    """
    found = []
    for t in (-0.49, -0.74, -0.87):  # not half, where a kink may be: people give round numbers
        measured, near = noise(curve, t)
        with np.errstate(invalid="ignore"):
            slope = np.ptp(near, axis=0) / (2 * EACH * FINE * STEPS[-1])
            rounding = EPS * (np.abs(near).max(axis=0) + slope)  # of f, and of x
            found.append(np.where(measured > 2.0**2 * rounding, measured, 0.0))
    return np.asarray(np.max(found, axis=0))


def close_to(t: float) -> list[float]:
    """Return numbers close to t and -t: where a curve moves, they show the steps that it takes."""
    return [side * t * (1.0 + j * 2.0**-20) for side in (1.0, -1.0) for j in range(EACH)]


def smallest_step(parts: Iterable[Array]) -> Array:
    """Return the smallest change of each number within a part; 0 if that is double rounding."""
    smallest = []
    for numbers in parts:
        changes = np.diff(np.sort(numbers, axis=0), axis=0)
        step = np.where(changes > 0.0, changes, np.inf).min(axis=0, initial=np.inf)
        rounding = 2.0**-40 * np.nanmax(np.abs(numbers), axis=0, initial=0.0)
        smallest.append(np.where(step > rounding, step, 0.0))
    step = np.min(smallest, axis=0)
    return np.where(np.isfinite(step), step, 0.0)


def _near(curve: Curve, step: float) -> Array:
    return np.array([curve(step * j) for j in range(-EACH, EACH + 1)])


def _noise(near: Array) -> Array:
    """Measure the noise by high differences, of which nothing smooth is left."""
    measured, differences = np.zeros(near.shape[1]), near
    for order in range(1, 2 * EACH + 1):
        differences = np.diff(differences, axis=0)
        if order > EACH:
            largest = np.abs(differences).max(axis=0) + TINY  # whose square may be out of range
            variance = ((differences / largest) ** 2).mean(axis=0) / comb(2 * order, order)
            measured = np.maximum(measured, largest * np.sqrt(variance))
    return measured


def _kink(
    central: Array, jump: Array, rounding: Array
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Whether the slopes to both sides differ, and the row of the finest step that shows it.

    `central` is their mean for each step, and `jump` their difference. Where the curve is smooth
    the jump is h f'', so it halves with the step; at a kink both stay the same, down to the step
    where noise drowns them.
    """
    clear = jump > 32.0 * rounding
    finest = len(jump) - 1 - clear[::-1].argmax(axis=0)
    columns = np.arange(jump.shape[1])
    rows = np.maximum(finest - np.arange(4)[:, None], 0)
    some = jump[rows, columns]
    same = (some.min(axis=0) > 0.7 * some.max(axis=0)) | (np.diff(some, axis=0) < 0).all(axis=0)
    settled = np.ptp(central[rows, columns], axis=0) < 0.5 * some.max(axis=0)
    after = np.minimum(finest + 1, len(jump) - 1)
    drowned = 0.7 * jump[finest, columns] < 33.0 * rounding[after, columns]
    last = finest == len(jump) - 1
    kink = clear.any(axis=0) & (finest >= 3) & same & settled & (drowned | last)
    return np.asarray(kink), finest


def _extrapolated(
    steps: Array, central: Array, rounding: Array, jump: Array
) -> tuple[Array, Array, Array, Array]:
    """Of Richardson's table, the numbers with the smallest estimated errors, and these.

    Then the same for what is another number to larger steps, which smaller ones contradict.
    """
    table, estimates, honest = [], [], []
    unresolved = _unresolved(jump, 8.0 * rounding)
    for order in range(1, ORDERS + 1):
        ratio = (steps[:-order] / steps[order:])[:, None]
        refined = central[1:] + (central[1:] - central[:-1]) / (ratio**2 - 1.0)
        change = np.maximum(np.abs(refined - central[1:]), np.abs(refined - central[:-1]))
        apart = np.abs(np.diff(refined, axis=0))
        last = apart[-2:].max(axis=0)[None]  # by chance two may agree
        change = np.maximum(change, np.concatenate([apart, last]))
        blur = rounding[order:]
        table.append(refined)
        estimates.append(change + blur)
        honest.append(_contradicted(refined, 8.0 * blur) + unresolved[:-order])
        central = refined
    every, errors = np.concatenate(table), np.concatenate(estimates)
    contradicted = np.concatenate(honest)
    value, error = _best(every, errors + contradicted)
    other = np.abs(every - value) > 16.0 * (errors + error)
    return value, error, *_best(every, np.where(other, errors, np.inf))


def _best(every: Array, errors: Array) -> tuple[Array, Array]:
    row = np.where(np.isnan(errors), np.inf, errors).argmin(axis=0)[None]
    of_value, of_error = (np.take_along_axis(part, row, axis=0)[0] for part in (every, errors))
    return of_value, of_error


def _contradicted(estimates: Array, blur: Array) -> Array:
    """How far each estimate is from what smaller steps say, up to their blur.

    What large steps agree on is wrong where they jump over something.
    """
    ends = np.full_like(estimates[:1], np.inf)
    low = np.vstack([np.fmax(estimates - blur, -np.inf)[1:], -ends])
    high = np.vstack([np.fmin(estimates + blur, np.inf)[1:], ends])
    low = np.maximum.accumulate(low[::-1])[::-1]
    high = np.minimum.accumulate(high[::-1])[::-1]
    return np.maximum(0.0, np.maximum(low - estimates, estimates - high))


def _unresolved(jump: Array, blur: Array) -> Array:
    """How far the slopes to both sides are apart, up to their blur, at steps smaller than each.

    Less than 0.7 of what they are at the step itself does not count: a smooth curve has half.
    """
    finer = np.fmax.accumulate((jump - blur)[:0:-1])[::-1] - 0.7 * jump[:-1]
    return np.vstack([np.fmax(finer, 0.0), np.zeros_like(jump[:1])])
