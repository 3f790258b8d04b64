"""An entry as other tools want it: named arrays, a function of them, and its pullback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .entry import Array, Entry, Function, Layer

Values = dict[str, Array]


@dataclass(frozen=True, eq=False)
class View:
    """One claim: ``pullback(values, delta)`` or ``push(values, tangents)`` of ``forward``."""

    values: Values
    forward: Callable[[Values], Array]
    pullback: Callable[[Values, Array], Values] | None = None
    push: Callable[[Values, Values], Array] | None = None


def views(entry: Entry) -> list[View]:
    """Everything that is claimed, each for itself, of a fresh object."""
    brought = entry.brought
    return [of_layer(brought)] if isinstance(brought, Layer) else of_function(brought)


def of_layer(brought: Layer) -> View:
    layer = brought.make()

    def put(values: Values) -> Array:
        for name in brought.parameters:
            setattr(layer, name, values[name])
        return values["z"]

    def pullback(values: Values, delta: Array) -> Values:
        z = put(values)
        if brought.style == "cached":
            layer.forward(z)
            back = layer.backward(delta)
            found = {name: getattr(layer, f"d{name}") for name in brought.parameters}
        else:
            back = layer.backward(z, delta)
            found = layer.parameter_gradient(z, delta) if brought.parameters else {}
        return {"z": back, **{name: found.get(name) for name in brought.parameters}}

    values = {"z": np.array(brought.z, dtype=float)}
    values |= {name: np.array(getattr(layer, name)) for name in brought.parameters}
    return View(values, lambda values: layer.forward(put(values)), pullback)


def of_function(brought: Function) -> list[View]:
    names = {i: f"x{i}" for i in brought.wrt}
    values = {name: np.array(brought.args[i], dtype=float) for i, name in names.items()}

    def arguments(values: Values) -> list[Array]:
        return [values[names[i]] if i in names else a for i, a in enumerate(brought.args)]

    def named(found) -> Values:
        parts = found if isinstance(found, tuple) else (found,)
        return dict(zip(names.values(), parts, strict=True))

    def of(f, pullback=None, push=None) -> View:
        copies = {name: value.copy() for name, value in values.items()}
        return View(copies, lambda values: f(*arguments(values)), pullback, push)

    def by_gradient(values, delta):
        return {name: delta * g for name, g in named(claims["grad"](*arguments(values))).items()}

    def by_vjp(values, delta):
        return named(claims["vjp"](*arguments(values), delta))

    def by_jacobian(values, delta):
        return named(np.tensordot(delta, claims["jacobian"](*arguments(values)), delta.ndim))

    def by_hessian(values, delta):
        return named(np.tensordot(delta, claims["hessian"](*arguments(values)), delta.ndim))

    def by_product(values, delta):
        return named(claims["hvp"](*arguments(values), delta))

    def by_tangents(values, tangents):
        return claims["jvp"](*arguments(values), *tangents.values())

    claims = brought.claims
    gradient = claims.get("grad")
    known = {
        "grad": lambda: of(brought.f, by_gradient),
        "vjp": lambda: of(brought.f, by_vjp),
        "jacobian": lambda: of(brought.f, by_jacobian),
        "jvp": lambda: of(brought.f, push=by_tangents),
        "hessian": lambda: of(gradient, by_hessian),
        "hvp": lambda: of(gradient, by_product),
    }
    return [known[claim]() for claim in claims]
