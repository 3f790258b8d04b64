"""Backpropagation: layers on top of one another, one pass forward and one pass backward.

z^1 = x and z^(l+1) = f^l(z^l); the last layer gives the cost C, one number. With
delta^l = dC/dz^l, the pass backward starts at delta = 1 and applies RULE 2 from the top down;
RULE 3 gives the gradient of each layer's parameters on the way.

A ``Chain`` of layers, one after another, and a ``Sum`` of layers, side by side, are layers
themselves. Their parameters are named by position: "0.W" is W of layer 0.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments, second_order
from reference_impl.arguments import Array
from reference_impl.layer import Layer, delta_of, matrix
from reference_impl.linear import Linear

# delta at the output -> delta at the input, gradients of the parameters
Reverse = Callable[[Array], tuple[Array, dict[str, Array]]]


@dataclass(frozen=True)
class Chain:
    """``backpropagation.composition_is_a_layer``: z' = f^L(... f^2(f^1(z))).

    Chains in the chain are dissolved, and a pass remembers the values between the layers; so
    however deeply chains nest, it costs one forward and one backward of each layer. The empty
    chain is the identity.

    Parameters
    ----------
    layers : iterable of Layer
        The first is applied first.
    """

    layers: tuple[Layer, ...]

    def __init__(self, layers: Iterable[Layer]) -> None:
        flat = [
            inner
            for layer in layers
            for inner in (layer.layers if isinstance(layer, Chain) else [layer])
        ]
        object.__setattr__(self, "layers", tuple(flat))

    def forward(self, z: ArrayLike) -> Array:
        """``backpropagation.rule_forward``, RULE 1, from the first layer to the last."""
        value = matrix("z", z).copy()
        for layer in self.layers:
            value = layer.forward(value)
        return value

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``backpropagation.rule_backward``, RULE 2, from the last layer to the first."""
        return self._both(z, delta)[0]

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """``backpropagation.rule_parameters``, RULE 3 of each layer: {"0.W": ..., "2.W": ...}."""
        return self._both(z, delta)[1]

    def jacobian(self, z: ArrayLike) -> Array:
        """Return the product J^L ... J^2 J^1 of the Jacobians for each data point."""
        value = matrix("z", z)
        J = np.tile(np.eye(value.shape[1]), (len(value), 1, 1))
        for layer in self.layers:
            J = layer.jacobian(value) @ J
            value = layer.forward(value)
        return J

    def record(self, z: Array) -> tuple[Array, Reverse]:
        """Return forward(z), and RULES 2 and 3 as a function of delta; see `record`."""
        values, reverses = _up(self.layers, z)

        def reverse(delta: Array) -> tuple[Array, dict[str, Array]]:
            deltas, gradients = _down(reverses, delta)
            return deltas[0], _by_position(gradients)

        return values[-1], reverse

    def _both(self, z: ArrayLike, delta: ArrayLike) -> tuple[Array, dict[str, Array]]:
        value, reverse = self.record(matrix("z", z))
        return reverse(delta_of(delta, value.shape).copy())


@dataclass(frozen=True)
class Sum:
    """``backpropagation.fan_out``: z' = f^1(z) + f^2(z) + ..., all layers with the same input.

    A value that is used more than once gets a delta from each use: they add. The skip connection
    z + f(z) is ``Sum([Chain([]), f])``.

    Parameters
    ----------
    layers : iterable of Layer
        At least one; their outputs have the same shape.

    Raises
    ------
    ValueError
        For no layers; the three rules, for outputs of different shapes.
    """

    layers: tuple[Layer, ...]

    def __init__(self, layers: Iterable[Layer]) -> None:
        object.__setattr__(self, "layers", tuple(layers))
        if not self.layers:
            raise ValueError("layers: expected at least one layer to sum, given none")

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: the sum of the outputs."""
        return self.record(matrix("z", z))[0]

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """RULE 2: each layer's delta, added."""
        return self._both(z, delta)[0]

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3 of each layer: {"0.W": ..., "1.W": ...}."""
        return self._both(z, delta)[1]

    def jacobian(self, z: ArrayLike) -> Array:
        """Return the sum of the Jacobians for each data point."""
        value = matrix("z", z)
        return _total([layer.jacobian(value) for layer in self.layers])

    def record(self, z: Array) -> tuple[Array, Reverse]:
        """Return forward(z), and RULES 2 and 3 as a function of delta; see `record`."""
        values, reverses = zip(*(record(layer, z) for layer in self.layers), strict=True)

        def reverse(delta: Array) -> tuple[Array, dict[str, Array]]:
            deltas, gradients = zip(*(of_layer(delta) for of_layer in reverses), strict=True)
            return _total(deltas), _by_position(gradients)

        return _total(values), reverse

    def _both(self, z: ArrayLike, delta: ArrayLike) -> tuple[Array, dict[str, Array]]:
        value, reverse = self.record(matrix("z", z))
        return reverse(delta_of(delta, value.shape).copy())


@dataclass(frozen=True, eq=False)
class Backpropagation:
    """What one pass forward and one pass backward give.

    Attributes
    ----------
    cost : float64
        C, the output of the last layer.
    values : tuple of arrays
        z^1 = x, z^2, ..., and the cost: one more than there are layers.
    deltas : tuple of arrays
        delta^l = dC/dz^l with the shape of z^l; the last is dC/dC = 1.
    gradients : tuple of dict
        For each layer, dC/dtheta by the name of the parameter; empty without parameters.
    """

    cost: np.float64
    values: tuple[Array, ...]
    deltas: tuple[Array, ...]
    gradients: tuple[dict[str, Array], ...]


def backpropagate(layers: Iterable[Layer] | Chain, x: ArrayLike) -> Backpropagation:
    """``backpropagation.deltas``: the cost, each z^l, each delta^l and each dC/dtheta.

    Parameters
    ----------
    layers : iterable of Layer, or Chain
        The last is a cost layer, such as ``NLL(y)``. Chains in it are dissolved.
    x : array_like, shape (N, n)
        Data points as rows.

    Raises
    ------
    TypeError, ValueError
        For x or values between the layers that do not fit, and for layers that do not end in a
        cost.
    """
    chain = layers if isinstance(layers, Chain) else Chain(layers)
    values, reverses = _up(chain.layers, matrix("x", x).copy())
    if np.shape(values[-1]) != ():
        raise ValueError(
            f"layers: expected a cost layer at the end, such as NLL(y), "
            f"given an output of shape {values[-1].shape}"
        )
    deltas, gradients = _down(reverses, np.ones(()))
    return Backpropagation(np.float64(values[-1]), tuple(values), tuple(deltas), tuple(gradients))


def hessian_vector_product(
    layers: Iterable[Layer] | Chain, x: ArrayLike, direction: Sequence[dict[str, ArrayLike]]
) -> tuple[dict[str, Array], ...]:
    """``backpropagation.hvp_forward_over_reverse``: H v, H the Hessian of C in all parameters.

    The pass forward and the pass backward are differentiated along v, each once: no second
    derivative is stored, and the products of matrices are three times those of a gradient.

    Parameters
    ----------
    layers : iterable of Layer, or Chain
        Layers of this package, the last a cost layer; chains in it are dissolved.
    x : array_like, shape (N, n)
        Data points as rows.
    direction : sequence of dict
        v: for each layer its parameters' part by name, as `Backpropagation.gradients`.

    Returns
    -------
    tuple of dict
        H v, with names and shapes as in `direction`.

    Raises
    ------
    TypeError
        For layers whose second order is not known.
    ValueError
        For a direction whose names or shapes are not those of the gradients; as `backpropagate`.
    """
    chain = layers if isinstance(layers, Chain) else Chain(layers)
    found = backpropagate(chain, x)
    along = _checked_direction(direction, found.gradients)
    tangents = [np.zeros_like(found.values[0])]
    for layer, z, v in zip(chain.layers, found.values, along, strict=False):
        dz = second_order.tangent(layer, z, tangents[-1])
        tangents.append(dz + Linear(**v).forward(z) if v else dz)

    ddelta = np.zeros(())
    products: list[dict[str, Array]] = []
    steps = zip(chain.layers, found.values, tangents, found.deltas[1:], along, strict=False)
    for layer, z, dz, delta, v in reversed(list(steps)):
        product = layer.parameter_gradient(z, ddelta)
        ddelta = layer.backward(z, ddelta) + second_order.curvature(layer, z, delta, dz)
        if v:  # a linear layer: dW enters RULE 2, and dz enters RULE 3
            product["W"] = product["W"] + delta.T @ dz
            ddelta = ddelta + delta @ v["W"]
        products.insert(0, product)
    return tuple(products)


def _checked_direction(
    direction: Sequence[dict[str, ArrayLike]], gradients: Sequence[dict[str, Array]]
) -> list[dict[str, Array]]:
    given, expected = ([sorted(part) for part in parts] for parts in (direction, gradients))
    if given != expected:
        raise ValueError(f"direction: expected the parameters {expected}, given {given}")
    return [
        {
            name: arguments.same_shape(f"direction of {name}", part[name], "the parameter", theta)
            for name, theta in gradient.items()
        }
        for part, gradient in zip(direction, gradients, strict=True)
    ]


def record(layer: Layer, z: Array) -> tuple[Array, Reverse]:
    """Return forward(z), and RULES 2 and 3 at z as one function of delta.

    The function of a chain or a sum remembers the values inside, so nothing is computed twice.
    """
    if isinstance(layer, Chain | Sum):
        return layer.record(z)
    return layer.forward(z), lambda delta: (
        layer.backward(z, delta),
        layer.parameter_gradient(z, delta),
    )


def _up(layers: Iterable[Layer], z: Array) -> tuple[list[Array], list[Reverse]]:
    """RULE 1 from the first layer to the last: each value, and how to come back."""
    values: list[Array] = [z]
    reverses: list[Reverse] = []
    for layer in layers:
        value, reverse = record(layer, values[-1])
        values.append(value)
        reverses.append(reverse)
    return values, reverses


def _down(reverses: list[Reverse], delta: Array) -> tuple[list[Array], list[dict[str, Array]]]:
    """RULES 2 and 3 from the last layer to the first: each delta, and each layer's gradients."""
    deltas: list[Array] = [delta]
    gradients: list[dict[str, Array]] = []
    for reverse in reversed(reverses):
        delta, gradient = reverse(delta)
        deltas.insert(0, delta)
        gradients.insert(0, gradient)
    return deltas, gradients


def _by_position(gradients: Iterable[dict[str, Array]]) -> dict[str, Array]:
    return {
        f"{position}.{name}": value
        for position, gradient in enumerate(gradients)
        for name, value in gradient.items()
    }


def _total(parts: Iterable[Array]) -> Array:
    first, *others = parts
    for part in others:
        if part.shape != first.shape:
            raise ValueError(
                f"layers: expected outputs of the same shape to add, "
                f"given {first.shape} and {part.shape}"
            )
        first = first + part
    return first
