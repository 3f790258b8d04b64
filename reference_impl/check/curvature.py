"""Claims of the second order: they are held against the change of first-order ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import differences, measure
from reference_impl.check.behaviour import random
from reference_impl.check.compare import Pieces, of_kind, of_slope
from reference_impl.check.differences import EPS, STEPS, Curve, Slope
from reference_impl.check.measure import Ground, copies
from reference_impl.check.problem import Values

Known = Mapping[str, Array | None]  # Jacobians, for causes


def second_order(ground: Ground, rng: Any, seeds: int, delta: Array, known: Known) -> Pieces:
    """Check hessian, hvp, and what a layer says of its rules along a direction."""
    problem = ground.problem
    directions = [ground.directions(rng) for _ in range(seeds)]
    if problem.hessian is not None:
        for name, answer in problem.hessian(copies(ground.values)).items():
            H, x = np.asarray(answer), ground.values[name]
            if strange := of_kind("hessian", name, H, x.shape * 2):
                yield strange
                continue
            units = np.eye(x.size).reshape(x.size, *x.shape)[: measure.MOST]
            for v in [*(direction[name] for direction in directions), *units]:
                got, rule = np.tensordot(H, v, axes=x.ndim), "hessian times v"
                pieces = list(_of_product(ground, rng, rule, name, got, {name: v}, delta, known))
                yield from pieces
                if any(piece.findings for piece in pieces):
                    break
    if problem.hvp is not None:
        for v in directions:
            answers = problem.hvp(copies(ground.values), copies(v))
            for name in ground.values:
                got = np.asarray(answers.get(name))
                yield from _of_product(ground, rng, "hvp", name, got, v, delta, known)
    if problem.along is not None:
        yield from _of_along(ground, directions[0], delta, random(rng, delta.shape))


def _of_product(
    ground: Ground,
    rng: Any,
    rule: str,
    name: str,
    got: Array,
    v: Values,
    delta: Array,
    known: Known,
) -> Pieces:
    """Compare H v with the change of the gradient along v; without one, of the slope along u."""
    problem, x, ones = ground.problem, ground.values[name], np.ones(ground.value.shape)
    if strange := of_kind(rule, name, got, x.shape):
        yield strange
        return
    u = ground.directions(rng)[name]

    def moved(t: float) -> Array:
        ground.clock.look()
        at = {n: y + t * v[n] if n in v else np.array(y) for n, y in ground.values.items()}
        if problem.gradient is not None:
            return np.asarray(problem.gradient(at)[name], dtype=np.float64)
        if problem.vjp is not None:
            return np.asarray(problem.vjp(at, ones)[name], dtype=np.float64)
        return np.asarray(replace(ground, values=at).slope({name: u}).value.sum())

    slope, shape = _slope(ground, moved), x.shape
    if problem.gradient is None and problem.vjp is None:
        rule, got, shape = f"u times {rule}", np.asarray((u * got).sum()), ()
    more = {"shape": shape, "delta": delta, "jacobian": known.get(name)}
    yield from of_slope(ground, rule, name, got, slope, **more)


def _of_along(ground: Ground, v: Values, delta: Array, change: Array) -> Pieces:
    along = ground.problem.along
    assert along
    got = along.claim(copies(ground.values), copies(v), delta.copy(), change.copy())
    for rule, here in along.rules(copies(ground.values), delta.copy()).items():

        def moved(t: float, rule: str = rule) -> Array:
            ground.clock.look()
            at = {name: x + t * v[name] for name, x in ground.values.items()}
            return np.asarray(along.rules(at, delta + t * change)[rule])

        slope, answer = (
            _slope(ground, moved),
            np.asarray(got.get(rule)),
        )
        name, shape = f"pullback_along, {rule}", np.shape(here)
        yield from of_slope(ground, name, "", answer, slope, shape=shape, delta=delta)


def _slope(ground: Ground, moved: Curve) -> Slope:
    """Differentiate a claim: its terms may be as large here as it is a step away.

    The slope of a sigmoid, close to 0, is a difference of numbers close to 1.
    """
    terms = np.max([np.abs(moved(side * STEPS[0])) for side in (1.0, -1.0)], axis=0)
    floor = EPS * np.nan_to_num(np.ravel(terms), posinf=0.0)
    return differences.slope(moved, ground.terms, ground.unit, floor=floor)
