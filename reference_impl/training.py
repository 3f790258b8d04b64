"""Gradient descent with momentum for a network: each gradient from one pass back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from reference_impl.arguments import Array
from reference_impl.backpropagation import Chain, backpropagate, of_position
from reference_impl.layer import Layer


@dataclass(frozen=True, eq=False)
class Training:
    """A trained network, and the cost before each step.

    Attributes
    ----------
    layers : Chain
        The network without its cost layer.
    costs : float64 array, shape (steps,)
        The cost, a sum over the data points.
    """

    layers: Chain
    costs: Array


def train(
    layers: Chain, cost: Layer, X: ArrayLike, *, steps: int, rate: float, momentum: float = 0.9
) -> Training:
    """Minimise a cost: v <- momentum v - rate gradient; theta <- theta + v.

    Parameters
    ----------
    layers : Chain
        The untrained network, up to the input of the cost.
    cost : Layer
        The cost layer, such as ``NLL(y)``; it has no parameters.
    X : array_like, shape (N, n)
        Data points, one a row.
    steps : int
        How many steps.
    rate, momentum : float
        Step size, and the part of the last step that is kept.

    Returns
    -------
    Training

    Raises
    ------
    TypeError, ValueError
        As the layers.
    """
    costs = []
    speeds: list[dict[str, Array]] = [{} for _ in layers.layers]
    for _ in range(steps):
        found = backpropagate([*layers.layers, cost], X)
        costs.append(found.cost)
        speeds = [
            {name: momentum * speed.get(name, 0.0) - rate * g for name, g in parts.items()}
            for speed, parts in zip(speeds, found.gradients[:-1], strict=True)
        ]
        layers = Chain(map(moved, layers.layers, speeds))
    return Training(layers, np.array(costs))


def moved(layer: Layer, by: Mapping[str, Array]) -> Layer:
    """Return the layer with `by` added to its parameters, which have the names of RULE 3."""
    if layers := getattr(layer, "layers", ()):
        return type(layer)(map(moved, layers, of_position(by, len(layers))))  # type: ignore[call-arg]
    changed = {name: getattr(layer, name) + change for name, change in by.items()}
    return replace(layer, **changed) if changed else layer  # type: ignore[type-var]
