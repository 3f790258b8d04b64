"""Claims of the second order: they are held against the change of first-order ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import differences, measure
from reference_impl.check.behaviour import random
from reference_impl.check.compare import Pieces, of_kind, of_slope
from reference_impl.check.measure import Ground, copies
from reference_impl.check.problem import Values


@dataclass(frozen=True, eq=False)
class Curvature:
    """The checks of Hessians, their products, and rules along a direction."""

    ground: Ground
    rng: Any
    seeds: int
    delta: Array
    jacobians: Mapping[str, Array | None]  # for causes

    def pieces(self) -> Pieces:
        """Check what is claimed."""
        ground, problem = self.ground, self.ground.problem
        if problem.hessian is not None:
            for name, H in problem.hessian(copies(ground.values)).items():
                yield from self._of_hessian(name, np.asarray(H))
        if problem.hvp is not None:
            for v in self.directions:
                answers = problem.hvp(copies(ground.values), copies(v))
                for name in ground.values:
                    yield from self._of_product("hvp", name, np.asarray(answers.get(name)), v)
        if problem.along is not None:
            yield from self._of_along()

    @cached_property
    def directions(self) -> list[Values]:
        """The directions along which first-order claims change."""
        return [self.ground.directions(self.rng) for _ in range(self.seeds)]

    def gradients(self, values: Values) -> Mapping[str, Any]:
        """Return the first order as it is claimed; if none is, by differences along a direction."""
        self.ground.clock.look()
        problem, ones = self.ground.problem, np.ones(self.ground.value.shape)
        if problem.gradient is not None:
            return problem.gradient(values)
        if problem.vjp is not None:
            return problem.vjp(values, ones)
        there, u = replace(self.ground, values=values), self.directions[0]
        return {name: there.slope({name: u[name]}).value.sum() for name in values}

    def _of_hessian(self, name: str, H: Array) -> Pieces:
        x = self.ground.values[name]
        if strange := of_kind("hessian", name, H, x.shape * 2):
            yield strange
            return
        units = np.eye(x.size).reshape(x.size, *x.shape)[: measure.MOST]
        for v in [*(direction[name] for direction in self.directions), *units]:
            product = np.tensordot(H, v, axes=x.ndim)
            pieces = list(self._of_product("hessian times v", name, product, {name: v}))
            yield from pieces
            if any(piece.findings for piece in pieces):
                return

    def _of_product(self, rule: str, name: str, got: Array, v: Values) -> Pieces:
        """Compare H v with the change of the gradient along v."""
        ground, shape = self.ground, self.ground.values[name].shape
        if strange := of_kind(rule, name, got, shape):
            yield strange
            return
        if ground.problem.gradient is None and ground.problem.vjp is None:
            u = self.directions[0][name]
            rule, got, shape = f"u times {rule}", np.asarray((u * got).sum()), ()

        def moved(t: float) -> Array:
            return np.asarray(self.gradients(_moved(ground.values, t, v))[name], dtype=np.float64)

        def scaled(t: float) -> Array:
            there = self.gradients(_moved(ground.values, t, ground.values))
            return np.asarray(there[name], dtype=np.float64)

        noise = differences.hidden(scaled)
        slope = differences.slope(moved, ground.terms, ground.unit, floor=noise)
        jacobian = self.jacobians.get(name)
        more: dict[str, Any] = {"shape": shape, "delta": self.delta, "jacobian": jacobian}
        yield from of_slope(ground, rule, name, got, slope, **more)

    def _of_along(self) -> Pieces:
        ground, along, v = self.ground, self.ground.problem.along, self.directions[0]
        assert along
        delta, change = self.delta, random(self.rng, self.delta.shape)
        got = along.claim(copies(ground.values), copies(v), delta.copy(), change.copy())
        for rule, here in along.rules(copies(ground.values), delta.copy()).items():

            def moved(t: float, rule: str = rule) -> Array:
                ground.clock.look()
                return np.asarray(
                    along.rules(_moved(ground.values, t, v), delta + t * change)[rule]
                )

            slope = differences.slope(moved, ground.terms, ground.unit)
            name, answer = f"pullback_along, {rule}", np.asarray(got.get(rule))
            yield from of_slope(ground, name, "", answer, slope, shape=np.shape(here), delta=delta)


def _moved(values: Values, t: float, v: Values) -> Values:
    return {name: x + t * v[name] if name in v else np.array(x) for name, x in values.items()}
