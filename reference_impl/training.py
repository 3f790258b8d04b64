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

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.linear import Linear
    >>> from reference_impl.log_softmax import LogSoftmax
    >>> from reference_impl.nll import NLL
    >>> from reference_impl.training import train
    >>> network = Chain([Linear([[0.0], [0.0]]), LogSoftmax()])
    >>> found = train(network, NLL([0]), [[1.0]], steps=1, rate=1.0)
    >>> found.layers.layers[0].W.tolist()
    [[0.5], [-0.5]]
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

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.linear import Linear
    >>> from reference_impl.log_softmax import LogSoftmax
    >>> from reference_impl.nll import NLL
    >>> from reference_impl.training import train
    >>> network = Chain([Linear([[0.0], [0.0]]), LogSoftmax()])
    >>> found = train(network, NLL([0, 1]), [[1.0], [-1.0]], steps=2, rate=1.0)
    >>> found.costs.round(4).tolist()
    [1.3863, 0.2539]
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
    """Return the layer with `by` added to its parameters, which have the names of RULE 3.

    Examples
    --------
    >>> from reference_impl.linear import Linear
    >>> from reference_impl.training import moved
    >>> moved(Linear([[1.0]]), {"W": [[2.0]]}).W.tolist()
    [[3.0]]
    """
    if layers := getattr(layer, "layers", ()):
        return type(layer)(map(moved, layers, of_position(by, len(layers))))  # type: ignore[call-arg]
    changed = {name: getattr(layer, name) + change for name, change in by.items()}
    return replace(layer, **changed) if changed else layer  # type: ignore[type-var]
