"""Backpropagation: layers on top of one another, one pass forward and one pass backward.

z^1 = x and z^(l+1) = f^l(z^l); the last layer gives the cost C, one number. With
delta^l = dC/dz^l, the pass backward starts at delta = 1 and applies RULE 2 from the top down;
RULE 3 gives the gradient of each layer's parameters on the way.

A ``Chain`` of layers, one after another, and a ``Sum`` of layers, side by side, are layers
themselves. Their parameters are named by position: "0.W" is W of layer 0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    Layer,
    points,
    pullback,
    pullback_along,
)
from reference_impl.quiet import quiet

Asked = Callable[[], Gradients]  # the gradients of a layer, when they are asked


@dataclass(frozen=True)
class Chain:
    """``backpropagation.composition_is_a_layer``: z' = f^L(... f^2(f^1(z))).

    ``backpropagation.rule_forward`` from the first layer to the last, then
    ``backpropagation.rule_backward`` from the last to the first, and
    ``backpropagation.rule_parameters`` of each: {"0.W": ..., "2.W": ...}. Chains in the chain are
    dissolved, and a pass remembers the values between the layers; so however deeply chains nest, it
    costs one forward and one backward of each layer. The empty chain is the identity.

    Parameters
    ----------
    layers : iterable of Layer
        The first is applied first.

    Raises
    ------
    TypeError
        For what is no layer.

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.linear import Linear
    >>> chain = Chain([Linear([[2.0]]), Linear([[3.0]])])
    >>> chain.forward([[1.0]]).tolist(), chain.backward([[1.0]], [[1.0]]).tolist()
    ([[6.0]], [[6.0]])
    >>> {name: g.tolist() for name, g in chain.parameter_gradient([[1.0]], [[1.0]]).items()}
    {'0.W': [[3.0]], '1.W': [[2.0]]}
    >>> Chain([]).forward([[5.0]]).tolist()
    [[5.0]]
    """

    layers: tuple[Layer, ...]

    forward, backward, parameter_gradient, jacobian = RULES

    def __init__(self, layers: Iterable[Layer]) -> None:
        flat = [
            inner
            for layer in layers_of("layers", layers)
            for inner in (layer.layers if isinstance(layer, Chain) else [layer])
        ]
        object.__setattr__(self, "layers", tuple(flat))

    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return f^L(... f^1(z)), and RULES 2 and 3."""
        values, backs = _up(self.layers, z.copy())

        def back(delta: Array) -> tuple[Array, Asked]:
            deltas, asked = _down(backs, delta.copy())
            return deltas[0], lambda: by_position(gradients() for gradients in asked)

        return values[-1], back

    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """``backpropagation.hvp_forward_over_reverse``, with a delta that may change as well."""
        values, backs = _up(self.layers, z)
        change, along = _up_along(self.layers, values, dz, of_position(dtheta, len(self.layers)))

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            moved, gradients = _down_along(along, _down(backs, delta)[0][1:], change)
            return moved, by_position(gradients)

        return change, back


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
    TypeError, ValueError
        For what is no layer, and no layers; the rules, for outputs of different shapes, and for a
        sum beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain, Sum
    >>> from reference_impl.linear import Linear
    >>> skip = Sum([Chain([]), Linear([[2.0]])])
    >>> skip.forward([[1.0]]).tolist(), skip.backward([[1.0]], [[1.0]]).tolist()
    ([[3.0]], [[3.0]])
    >>> Sum([])
    Traceback (most recent call last):
    ...
    ValueError: layers: expected at least one layer to sum, given none
    """

    layers: tuple[Layer, ...]

    forward, backward, parameter_gradient, jacobian = RULES

    def __init__(self, layers: Iterable[Layer]) -> None:
        object.__setattr__(self, "layers", layers_of("layers", layers))
        if not self.layers:
            raise ValueError("layers: expected at least one layer to sum, given none")

    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return the sum of the outputs, and RULES 2 and 3."""
        values, backs = zip(*(pullback(layer, z) for layer in self.layers), strict=True)

        def back(delta: Array) -> tuple[Array, Asked]:
            deltas, asked = zip(*(of_layer(delta) for of_layer in backs), strict=True)
            return _total(deltas), lambda: by_position(gradients() for gradients in asked)

        return _total(values), back

    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return the sum of the changes of the layers."""
        parts = of_position(dtheta, len(self.layers))
        pairs = zip(self.layers, parts, strict=True)
        changes, along = zip(*(pullback_along(f, z, dz, v) for f, v in pairs), strict=True)

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            moved, gradients = zip(*(of_layer(delta, change) for of_layer in along), strict=True)
            return _total(moved), by_position(gradients)

        return _total(changes), back


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

    Examples
    --------
    >>> from reference_impl.backpropagation import backpropagate
    >>> from reference_impl.linear import Linear
    >>> from reference_impl.log_softmax import LogSoftmax
    >>> from reference_impl.nll import NLL
    >>> found = backpropagate([Linear([[1.0], [1.0]]), LogSoftmax(), NLL([0])], [[3.0]])
    >>> len(found.values), len(found.deltas), [sorted(g) for g in found.gradients]
    (4, 4, [['W'], [], []])
    """

    cost: np.float64
    values: tuple[Array, ...]
    deltas: tuple[Array, ...]
    gradients: tuple[dict[str, Array], ...]


@quiet
def backpropagate(layers: Iterable[Layer] | Chain, x: ArrayLike) -> Backpropagation:
    """``backpropagation.deltas``: the cost, each z^l, each delta^l and each dC/dtheta.

    Parameters
    ----------
    layers : iterable of Layer, or Chain
        The last is a cost layer, such as ``NLL(y)``. Chains in it are dissolved.
    x : array_like, shape (..., n)
        Data points as rows, or with more axes that count them.

    Raises
    ------
    TypeError, ValueError
        For x or values between the layers that do not fit, and for layers that do not end in a
        cost.

    Examples
    --------
    >>> from reference_impl.backpropagation import backpropagate
    >>> from reference_impl.linear import Linear
    >>> from reference_impl.log_softmax import LogSoftmax
    >>> from reference_impl.nll import NLL
    >>> found = backpropagate([Linear([[0.0], [0.0]]), LogSoftmax(), NLL([0])], [[3.0]])
    >>> f"{found.cost:.4f}", found.gradients[0]["W"].tolist()
    ('0.6931', [[-1.5], [1.5]])
    """
    return _backpropagated(layers, x)[0]


@quiet
def hessian_vector_product(
    layers: Iterable[Layer] | Chain, x: ArrayLike, direction: Sequence[dict[str, ArrayLike]]
) -> tuple[dict[str, Array], ...]:
    """``backpropagation.hvp_forward_over_reverse``: H v, H the Hessian of C in all parameters.

    The pass forward and the pass backward are differentiated along v, each once: no second
    derivative is stored, and the products of matrices are three times those of a gradient.

    Parameters
    ----------
    layers : iterable of Layer, or Chain
        The last a cost layer; each with `pullback_along`, as all of this package and their chains
        and sums. Chains in it are dissolved.
    x : array_like, shape (..., n)
        Data points as rows, or with more axes that count them.
    direction : sequence of dict
        v: for each layer its parameters' part by name, as `Backpropagation.gradients`.

    Returns
    -------
    tuple of dict
        H v, with names and shapes as in `direction`.

    Raises
    ------
    TypeError
        For layers without `pullback_along`.
    ValueError
        For a direction whose names or shapes are not those of the gradients, and for a product
        beyond 1.8e308; as `backpropagate`.

    Examples
    --------
    >>> from reference_impl.backpropagation import hessian_vector_product
    >>> from reference_impl.linear import Linear
    >>> from reference_impl.log_softmax import LogSoftmax
    >>> from reference_impl.nll import NLL
    >>> layers = [Linear([[0.0], [0.0]]), LogSoftmax(), NLL([0])]
    >>> found = hessian_vector_product(layers, [[2.0]], [{"W": [[1.0], [0.0]]}, {}, {}])
    >>> found[0]["W"].tolist()
    [[1.0], [-1.0]]
    """
    found, chain = _backpropagated(layers, x)
    v = _checked_direction(direction, found.gradients)
    _, along = _up_along(chain.layers, found.values, np.zeros_like(found.values[0]), v)
    products = _down_along(along, found.deltas[1:], np.zeros(()))[1]
    return tuple({k: representable("H v", part[k]) for k in part} for part in products)


def _backpropagated(layers: Iterable[Layer] | Chain, x: ArrayLike) -> tuple[Backpropagation, Chain]:
    chain = layers if isinstance(layers, Chain) else Chain(layers)
    values, backs = _up(chain.layers, points("x", x).copy())
    if np.shape(values[-1]) != ():
        raise ValueError(
            f"layers: expected a cost layer at the end, such as NLL(y), "
            f"given an output of shape {values[-1].shape}"
        )
    deltas, asked = _down(backs, np.ones(()))
    gradients = tuple(of_layer() for of_layer in asked)
    return Backpropagation(np.float64(values[-1]), tuple(values), tuple(deltas), gradients), chain


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


def _up(layers: Iterable[Layer], z: Array) -> tuple[list[Array], list[Back]]:
    """RULE 1 from the first layer to the last: each value, and how to come back."""
    values: list[Array] = [z]
    backs: list[Back] = []
    for layer in layers:
        value, back = pullback(layer, values[-1])
        values.append(value)
        backs.append(back)
    return values, backs


def _down(backs: list[Back], delta: Array) -> tuple[list[Array], list[Asked]]:
    """RULE 2 from the last layer to the first: each delta, and RULE 3 for those who ask."""
    deltas: list[Array] = [delta]
    asked: list[Asked] = []
    for back in reversed(backs):
        delta, gradients = back(delta)
        deltas.insert(0, delta)
        asked.insert(0, gradients)
    return deltas, asked


def _up_along(
    layers: Iterable[Layer],
    values: Sequence[Array],
    dz: Array,
    dtheta: Sequence[Mapping[str, Array]],
) -> tuple[Array, list[BackAlong]]:
    """The pass forward along a direction: the change of the last value, and how to come back."""
    along: list[BackAlong] = []
    for layer, z, v in zip(layers, values, dtheta, strict=False):
        dz, back = pullback_along(layer, z, dz, v)
        along.append(back)
    return dz, along


def _down_along(
    along: list[BackAlong], deltas: Sequence[Array], change: Array
) -> tuple[Array, list[Gradients]]:
    """The pass backward along it: the changes of the delta of z and of each layer's gradients."""
    gradients: list[Gradients] = []
    for back, delta in zip(reversed(along), reversed(deltas), strict=False):
        change, gradient = back(delta, change)
        gradients.insert(0, gradient)
    return change, gradients


def by_position(gradients: Iterable[dict[str, Array]]) -> dict[str, Array]:
    """Return the gradients of several layers as one: "0.W" is W of the first.

    Examples
    --------
    >>> from reference_impl.backpropagation import by_position
    >>> by_position([{"W": 1}, {}, {"W": 2, "b": 3}])
    {'0.W': 1, '2.W': 2, '2.b': 3}
    """
    return {
        f"{position}.{name}": value
        for position, gradient in enumerate(gradients)
        for name, value in gradient.items()
    }


def of_position(named: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return what belongs to each layer, from names such as "0.W".

    Examples
    --------
    >>> from reference_impl.backpropagation import of_position
    >>> of_position({"0.W": 1, "2.W": 2, "2.b": 3}, 3)
    [{'W': 1}, {}, {'W': 2, 'b': 3}]
    """
    parts: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, value in named.items():
        position, _, rest = name.partition(".")
        parts[int(position)][rest] = value
    return parts


def layers_of(name: str, layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return what is given as layers, if all of it has the three rules.

    Raises
    ------
    TypeError
        For what is no iterable, and for what is no layer, such as a class without its parameters.

    Examples
    --------
    >>> from reference_impl.backpropagation import layers_of
    >>> from reference_impl.linear import Linear
    >>> len(layers_of("layers", [Linear([[2.0]])]))
    1
    >>> layers_of("layers", [Linear])
    Traceback (most recent call last):
    ...
    TypeError: layers: expected objects with forward, backward and parameter_gradient, given type
    """
    if not isinstance(layers, Iterable):
        raise TypeError(f"{name}: expected layers in a list, given {type(layers).__name__}")
    found = tuple(layers)
    for layer in found:
        rules = (getattr(layer, rule.__name__, None) for rule in RULES[:3])
        if isinstance(layer, type) or not all(map(callable, rules)):
            raise TypeError(
                f"{name}: expected objects with forward, backward and parameter_gradient, "
                f"given {type(layer).__name__}"
            )
    return found


def _total(parts: tuple[Array, ...]) -> Array:
    for part in parts[1:]:
        if part.shape != parts[0].shape:
            raise ValueError(
                f"layers: expected outputs of the same shape to add, "
                f"given {parts[0].shape} and {part.shape}"
            )
    # An array of its own, also where there is one part, which may be the caller's.
    return representable("the sum of the layers", np.sum(parts, axis=0))
