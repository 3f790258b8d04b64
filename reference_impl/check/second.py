"""Second derivatives as first ones: what is claimed of a gradient, as of any function."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import differences
from reference_impl.check.behaviour import random
from reference_impl.check.compare import Pieces, of_slope
from reference_impl.check.measure import Ground, copies
from reference_impl.check.problem import Problem, Values


def derived(ground: Ground, rng: np.random.Generator) -> Iterator[Problem]:
    """Yield the gradient as a function, its Jacobian what is claimed of the Hessian.

    A product with a direction is its vjp. Where no gradient is claimed, it is taken by differences
    along a random direction u, and Hessian times u is its gradient.
    """
    problem, every = ground.problem, tuple(ground.values)
    first = problem.gradient is not None or problem.vjp is not None
    for rule, groups in (("hessian", [(name,) for name in every]), ("hvp", [every])):
        for names in groups if getattr(problem, rule) else ():
            yield _of_gradient(problem, rule, names) if first else _along(ground, rule, names, rng)


def _of_gradient(problem: Problem, rule: str, names: tuple[str, ...]) -> Problem:
    gradient, vjp, hessian, hvp = problem.gradient, problem.vjp, problem.hessian, problem.hvp

    def every(values: Values) -> Values:
        return copies({**problem.values, **values})

    def forward(values: Values) -> Array:
        if gradient is not None:
            return _joined(gradient(every(values)), names)
        assert vjp is not None
        one = np.ones(np.shape(problem.forward(every(values))))
        return _joined(vjp(every(values), one), names)

    def pulled(values: Values, delta: Array) -> Mapping[str, Any]:
        assert hvp is not None
        return hvp(every(values), zeros(problem.values) | _apart(delta, problem.values, names))

    def whole(values: Values) -> Mapping[str, Any]:
        assert hessian is not None
        return {names[0]: hessian(every(values))[names[0]]}

    return Problem(
        problem.name,
        {name: problem.values[name] for name in names},
        forward,
        vjp=pulled if rule == "hvp" else None,
        jacobian=whole if rule == "hessian" else None,
        rules=dict.fromkeys(names, rule),
        known=problem.known,
    )


def _along(ground: Ground, rule: str, names: tuple[str, ...], rng: np.random.Generator) -> Problem:
    problem, u = ground.problem, {n: ground.directions(rng)[n] for n in names}

    def forward(values: Values) -> Array:
        there = replace(ground, values=copies({**problem.values, **values}))
        return np.asarray(there.slope(u).value.sum())

    def product(values: Values) -> Mapping[str, Any]:
        at = copies({**problem.values, **values})
        if rule == "hvp":
            assert problem.hvp is not None
            return problem.hvp(at, zeros(at) | copies(u))
        assert problem.hessian is not None
        H = problem.hessian(at)
        return {n: np.tensordot(np.asarray(H[n]), v, axes=v.ndim) for n, v in u.items()}

    values, rules = {n: problem.values[n] for n in names}, dict.fromkeys(names, f"{rule} times u")
    return Problem(problem.name, values, forward, product, rules=rules, known=problem.known)


def of_along(ground: Ground, rng: np.random.Generator, delta: Array) -> Pieces:
    """Check what a layer says of its rules along a direction."""
    along, v = ground.problem.along, ground.directions(rng)
    assert along
    change = random(rng, delta.shape)
    got = along.claim(copies(ground.values), copies(v), delta.copy(), change.copy())
    for rule, here in along.rules(copies(ground.values), delta.copy()).items():

        def moved(t: float, rule: str = rule) -> Array:
            ground.clock.look()
            values = {name: x + t * v[name] for name, x in ground.values.items()}
            return np.asarray(along.rules(values, delta + t * change)[rule])

        slope = differences.slope(moved, ground.terms, ground.unit)
        name, answer = f"pullback_along, {rule}", np.asarray(got.get(rule))
        yield from of_slope(ground, name, "", answer, slope, shape=np.shape(here), delta=delta)


def zeros(values: Values) -> Values:
    """Return zeros in the shapes of arrays."""
    return {name: np.zeros(x.shape) for name, x in values.items()}


def _joined(parts: Mapping[str, Any], names: tuple[str, ...]) -> Array:
    """Return arrays as one: a single one as it is, several as a vector."""
    found = [np.asarray(parts[name], dtype=np.float64) for name in names]
    return found[0] if len(found) == 1 else np.concatenate([part.ravel() for part in found])


def _apart(delta: Array, like: Values, names: tuple[str, ...]) -> Values:
    """Take what `_joined` joined apart again."""
    ends = np.cumsum([like[name].size for name in names])[:-1]
    parts = np.split(delta.ravel(), ends)
    return {n: part.reshape(like[n].shape) for n, part in zip(names, parts, strict=True)}
