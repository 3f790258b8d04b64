"""How precisely a function computes, seen from its numbers."""

from dataclasses import replace
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import differences, measure
from reference_impl.check.differences import EPS, SINGLE
from reference_impl.check.measure import Ground

SHORT = 20  # bits of a number, to which short steps can be added in single precision
# Relative changes, to numbers of single precision.
UNSEEN, SEEN, LARGE = 2.0**-27, 2.0**-8, 0.5
KINDS = "relative", "typical", "unit"


def measured(ground: Ground, rng: Any) -> tuple[Ground, tuple[str, ...]]:
    """Return the ground with its precision, and a note if that is not double.

    A function that answers larger changes of an argument, and tiny ones nowhere, sees it in less
    than double precision. Then the argument is made a short number, close to what it was; and
    the noise is at least the smallest step that the function takes, and what single precision
    rounds off its numbers.
    """
    coarse = frozenset(name for name in ground.values if _is_coarse(ground, name, rng))
    values = {n: shortened(x) if n in coarse else x for n, x in ground.values.items()}
    ground = replace(ground, values=values, coarse=coarse)
    curves = [
        ground.curve({n: measure.direction(rng, x, kind) for n, x in values.items()})
        for kind in ("relative", "relative", *KINDS)
    ]
    noises, nears = zip(*map(differences.noise, curves), strict=True)
    parts = [
        np.array([*near, *map(curve, differences.close_to(0.25))])
        for curve, near in zip(curves, nears, strict=True)
    ]
    numbers = np.concatenate(parts)
    numbers = numbers[np.isfinite(numbers).all(axis=1)]
    # The median of three directions: in one it may be hidden, or a kink be close.
    noise = np.nan_to_num(np.median(noises[:3], axis=0))
    noise = np.maximum(noise, differences.hidden(ground.curve(values)))
    stepped = differences.smallest_step(parts) if coarse else 0.0 * noise
    still = all((near == near[0]).all() for near in nears)
    returned, unit, note = ground.forward(measure.copies(values)).dtype, EPS, ""
    if returned.kind == "f" and returned.itemsize < 8:
        unit, note = float(np.finfo(returned).eps), f"computed in {returned}"
    elif still and not stepped.any() and _claims_that_it_moves(ground, rng):
        unit, note = SINGLE, "never moves nearby: constant, or computed in float32"
    elif is_single(numbers):
        unit, note = SINGLE, "computed in float32"
    else:
        size = np.abs(nears[0]).max(axis=0)
        if coarse:  # two steps of a sum may differ by less than either
            noise = np.maximum.reduce([noise, stepped, SINGLE * size])
        told = (noise > 0.0) & (np.ravel(ground.value) != 0.0)  # beside 0 all is large
        ratios = noise[told] / size[told]
        if ratios.size and np.median(ratios) > 2.0**-32:
            why = "float32 inside, or terms cancel"
            note = f"rounded to {np.median(ratios):.0e} of its size: {why}"
    notes = (f"RULE 1 (forward): {note}",) if note else ()
    return replace(ground, unit=unit, noise=noise), notes


def is_single(numbers: Array) -> bool:
    """Whether all are numbers of single precision, and some need it."""
    with np.errstate(all="ignore"):
        single, half = numbers.astype(np.float32), numbers.astype(np.float16)
    return bool((numbers == single).all() and (numbers != half).any())


def shortened(x: Array) -> Array:
    """Round to `SHORT` bits."""
    mantissa, exponent = np.frexp(x)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**SHORT), exponent - SHORT))


def _is_coarse(ground: Ground, name: str, rng: Any) -> bool:
    x = ground.values[name]
    steps = [t * measure.direction(rng, x, kind) for kind in KINDS for t in (0.25, -0.25)]
    places = []
    for step in (0.0 * x, *steps):
        at, answers = shortened(x + step), []
        for change in (0.0, UNSEEN, SEEN, LARGE):
            moved = at * (1.0 + change * rng.uniform(-1.0, 1.0, x.shape))
            answer = ground.forward({**measure.copies(ground.values), name: moved})
            answers.append(np.array(answer, dtype=np.float64).ravel())
        if not np.array_equal(answers[0], answers[1], equal_nan=True):
            return False
        places.append(answers)
    numbers = np.array(places)
    numbers = numbers[np.isfinite(numbers).all(axis=(1, 2))]
    if not numbers.size:
        return False
    # Each place by itself: beside the numbers of another one its steps may look like rounding.
    step, size = differences.smallest_step(numbers), np.abs(numbers).max(axis=(0, 1), initial=0.0)
    # What goes in steps of its own size is flat where it does not jump.
    return bool(((step > 0.0) & (step < SEEN * size)).any())


def _claims_that_it_moves(ground: Ground, rng: Any) -> bool:
    """Whether some gradient is not zero."""
    problem, values = ground.problem, measure.copies(ground.values)
    answers: Any = {}
    if problem.gradient is not None:
        answers = problem.gradient(values)
    elif problem.vjp is not None:
        answers = problem.vjp(values, np.asarray(rng.uniform(0.5, 2.0, ground.value.shape)))
    return any(np.any(part) for part in answers.values() if part is not None)
