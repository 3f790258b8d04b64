"""Branches on one input: residual and concatenation, and dropout with a given mask.

A sum of branches, ``composition.sum_forward``, is `reference_impl.backpropagation.Sum`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.backpropagation import Chain, Sum, by_position, layers_of, of_position
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    Layer,
    none,
    points,
    pullback,
    pullback_along,
    read_only,
)


def residual(branch: Layer) -> Sum:
    """``composition.residual_forward``: the layer z' = z + f(z).

    RULE 2 is ``composition.residual_backward``, delta' plus what the branch makes of it; RULE 3,
    ``composition.residual_parameter_gradient``, that of the branch alone: {"1.W": ...}.

    Parameters
    ----------
    branch : Layer
        f, with as many outputs as inputs.

    Returns
    -------
    Sum
        Its rules raise a ValueError for a branch whose output has another shape.

    Examples
    --------
    >>> from reference_impl.composition import residual
    >>> from reference_impl.linear import Linear
    >>> layer = residual(Linear([[2.0]]))
    >>> layer.forward([[1.0]]).tolist(), layer.backward([[1.0]], [[1.0]]).tolist()
    ([[3.0]], [[3.0]])
    >>> residual(Linear([[2.0], [2.0]])).forward([[1.0]])
    Traceback (most recent call last):
    ...
    ValueError: layers: expected outputs of the same shape to add, given (1, 1) and (1, 2)
    """
    return Sum([Chain([]), branch])


@dataclass(frozen=True)
class Concatenation:
    """``composition.concatenation_forward``: the outputs of layers on one input, side by side.

    RULE 2 is ``composition.concatenation_backward``: each layer gets its own part of the deltas,
    and what comes out adds. The gradients are named by position: "0.W" is W of the first.

    Parameters
    ----------
    layers : iterable of Layer
        At least one; their outputs differ at most in the last axis.

    Raises
    ------
    TypeError, ValueError
        For what is no layer, and no layers; the rules, for outputs whose other axes differ.

    Examples
    --------
    >>> from reference_impl.composition import Concatenation
    >>> from reference_impl.linear import Linear
    >>> layer = Concatenation([Linear([[2.0]]), Linear([[3.0], [4.0]])])
    >>> layer.forward([[1.0]]).tolist(), layer.backward([[1.0]], [[1.0, 1.0, 1.0]]).tolist()
    ([[2.0, 3.0, 4.0]], [[9.0]])
    """

    layers: tuple[Layer, ...]

    forward, backward, parameter_gradient, jacobian = RULES

    def __init__(self, layers: Iterable[Layer]) -> None:
        object.__setattr__(self, "layers", layers_of("layers", layers))
        if not self.layers:
            raise ValueError("layers: expected at least one layer to concatenate, given none")

    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return the outputs side by side, and RULES 2 and 3."""
        values, backs = zip(*(pullback(layer, z) for layer in self.layers), strict=True)
        value, cuts = _side_by_side(values)

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            parts = np.split(delta, cuts, axis=-1)
            found = [of(part) for of, part in zip(backs, parts, strict=True)]
            total = representable("RULE 2", np.sum([result for result, _ in found], axis=0))
            return total, lambda: by_position(gradients() for _, gradients in found)

        return value, back

    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return the changes of the outputs, side by side."""
        own = of_position(dtheta, len(self.layers))
        pairs = zip(self.layers, own, strict=True)
        changes, backs = zip(*(pullback_along(f, z, dz, v) for f, v in pairs), strict=True)
        moved, cuts = _side_by_side(changes)

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            parts = zip(
                backs,
                np.split(delta, cuts, axis=-1),
                np.split(change, cuts, axis=-1),
                strict=True,
            )
            found = [of(part, turned) for of, part, turned in parts]
            total = np.sum([result for result, _ in found], axis=0)
            return total, by_position(gradients for _, gradients in found)

        return moved, back


@dataclass(frozen=True, eq=False)
class Dropout:
    """``composition.dropout_forward``: z'_iu = m_iu z_iu / (1 - p), with a given mask.

    RULE 2 is ``composition.dropout_backward``, delta'_iu m_iu / (1 - p), through the same mask. On
    average over the masks nothing changes, ``composition.dropout_moments``: at inference the layer
    is left out.

    Parameters
    ----------
    mask : array_like, the shape of z
        m: 0, or False, where a unit is dropped, else 1, or True.
    p : float
        The probability of being dropped; 0 <= p < 1.

    Raises
    ------
    TypeError, ValueError
        For other masks and numbers; the rules, for z of another shape than the mask.

    Examples
    --------
    >>> from reference_impl.composition import Dropout
    >>> layer = Dropout([[1, 0, 1]], 0.5)
    >>> layer.forward([[1.0, 2.0, 3.0]]).tolist()
    [[2.0, 0.0, 6.0]]
    >>> layer.backward([[1.0, 2.0, 3.0]], [[1.0, 1.0, 1.0]]).tolist()
    [[2.0, 0.0, 2.0]]
    >>> Dropout([[1, 0, 1]], 1.0)
    Traceback (most recent call last):
    ...
    ValueError: p: expected a number below 1, given 1: what is kept would be 0/0
    """

    mask: Array
    p: float

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        mask = points("mask", self.mask)
        arguments.refuse("mask", mask, (mask != 0.0) & (mask != 1.0), "numbers 0 and 1")
        object.__setattr__(self, "mask", read_only(mask))
        p = arguments.fraction("p", self.p)
        if p == 1.0:
            raise ValueError("p: expected a number below 1, given 1: what is kept would be 0/0")
        object.__setattr__(self, "p", p)

    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return m z / (1 - p), and RULE 2."""
        if z.shape != self.mask.shape:
            raise ValueError(
                f"z: expected the shape of mask, {self.mask.shape}, given shape {z.shape}"
            )
        value = representable("z / (1 - p)", self._scaled(z))
        return value, lambda delta: (representable("RULE 2", self._scaled(delta)), none)

    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """It is linear: the same of the changes."""
        return self._scaled(dz), lambda delta, change: (self._scaled(change), {})

    def _scaled(self, values: Array) -> Array:
        return self.mask * values / (1.0 - self.p)


def _side_by_side(values: tuple[Array, ...]) -> tuple[Array, list[int]]:
    """Return outputs as one along the last axis, and where each but the first begins."""
    first = values[0]
    for value in values:
        if not value.ndim or value.shape[:-1] != first.shape[:-1]:
            raise ValueError(
                f"layers: expected outputs that differ in the last axis alone, "
                f"given {first.shape} and {value.shape}"
            )
    cuts = [int(cut) for cut in np.cumsum([value.shape[-1] for value in values])[:-1]]
    return np.concatenate(values, axis=-1), cuts
