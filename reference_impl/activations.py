"""The activations: layers without parameters.

All but ``Softmax`` act on each entry by itself, z'_u = f(z_u), so that J = diag(f'(z)) and
delta_u = delta'_u f'(z_u). Each f' is written so that nothing is subtracted from 1: it keeps its
digits where f saturates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import softmax
from reference_impl.arguments import Array, representable
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    along_by_rows,
    by_rows,
    in_blocks,
    none,
    points,
)
from reference_impl.log_softmax import sum_of_others
from reference_impl.quiet import quiet
from reference_impl.sigmoid import log_sigmoid, sigmoid, softplus


class _Elementwise(Protocol):
    """A function of each entry by itself, its derivative and its second derivative."""

    def f(self, t: Array, /) -> Array: ...

    def df(self, t: Array, /) -> Array: ...

    def ddf(self, t: Array, /) -> Array: ...


@by_rows
@in_blocks
def _pullback(layer: _Elementwise, z: Array) -> tuple[Array, Back]:
    """Return f(z), and RULE 2: delta'_u f'(z_u)."""
    return representable("f(z)", layer.f(z)), lambda delta: (
        representable("delta f'(z)", delta * layer.df(z)),
        none,
    )


def _pullback_along(
    layer: _Elementwise, z: Array, dz: Array, dtheta: Mapping[str, Array]
) -> tuple[Array, BackAlong]:
    """Return f'(z) dz, and how RULE 2 changes: by f''(z) dz."""
    slope = layer.df(z)
    return slope * dz, lambda delta, change: (change * slope + delta * layer.ddf(z) * dz, {})


@quiet
def _derivative(layer: _Elementwise, z: ArrayLike) -> Array:
    """Return f'(z_u)."""
    return representable("f'(z)", layer.df(points("z", z)))


@quiet
def _second_derivative(layer: _Elementwise, z: ArrayLike) -> Array:
    """Return f''(z_u)."""
    return representable("f''(z)", layer.ddf(points("z", z)))


# The methods of a layer that is one function at every unit.
ELEMENTWISE = _pullback, _pullback_along, _derivative, _second_derivative


@dataclass(frozen=True)
class Sigmoid:
    """``sigmoid`` as a layer: z'_u = sigma(z_u); ``sigmoid.derivative`` is sigma(t) sigma(-t).

    RULE 2 is ``sigmoid.backward``: delta'_u sigma(z_u) sigma(-z_u).

    Examples
    --------
    >>> from reference_impl.activations import Sigmoid
    >>> layer, z = Sigmoid(), [[0.0, 1000.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 1.0]]).tolist()
    ([[0.5, 1.0]], [[0.25, 0.0]])
    """

    pullback, pullback_along, derivative, second_derivative = ELEMENTWISE
    forward, backward, parameter_gradient, jacobian = RULES

    def f(self, t: Array) -> Array:
        """Return sigma(t)."""
        return sigmoid(t)

    def df(self, t: Array) -> Array:
        """Return sigma(t) sigma(-t)."""
        return sigmoid(t) * sigmoid(-t)

    def ddf(self, t: Array) -> Array:
        """Return -sigma(t) sigma(-t) tanh(t/2)."""
        return -self.df(t) * np.tanh(t / 2.0)


@dataclass(frozen=True)
class LogSigmoid:
    """``sigmoid.log_sigmoid`` as a layer: z'_u = log sigma(z_u); its derivative is sigma(-t).

    Examples
    --------
    >>> from reference_impl.activations import LogSigmoid
    >>> layer, z = LogSigmoid(), [[-1000.0, 1000.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 1.0]]).tolist()
    ([[-1000.0, 0.0]], [[1.0, 0.0]])
    """

    pullback, pullback_along, derivative, second_derivative = ELEMENTWISE
    forward, backward, parameter_gradient, jacobian = RULES

    def f(self, t: Array) -> Array:
        """Return log sigma(t)."""
        return log_sigmoid(t)

    def df(self, t: Array) -> Array:
        """Return sigma(-t)."""
        return sigmoid(-t)

    def ddf(self, t: Array) -> Array:
        """Return -sigma(t) sigma(-t)."""
        return -sigmoid(t) * sigmoid(-t)


@dataclass(frozen=True)
class Tanh:
    """Layer z'_u = tanh z_u; its derivative is 1 - tanh^2 t = 1 / cosh^2 t.

    Examples
    --------
    >>> from reference_impl.activations import Tanh
    >>> layer, z = Tanh(), [[0.0, 1000.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 1.0]]).tolist()
    ([[0.0, 1.0]], [[1.0, 0.0]])
    """

    pullback, pullback_along, derivative, second_derivative = ELEMENTWISE
    forward, backward, parameter_gradient, jacobian = RULES

    def f(self, t: Array) -> Array:
        """Return tanh t."""
        return np.asarray(np.tanh(t))

    def df(self, t: Array) -> Array:
        """Return 1 / cosh^2 t, written with e^-|t| because cosh overflows."""
        e = np.exp(-np.abs(t))
        return np.asarray(np.square(2.0 * e / (1.0 + e * e)))

    def ddf(self, t: Array) -> Array:
        """Return -2 tanh(t) / cosh^2 t."""
        return np.asarray(-2.0 * np.tanh(t) * self.df(t))


@dataclass(frozen=True)
class ReLU:
    """Layer z'_u = max(z_u, 0); its derivative is [z_u > 0], and 0 is returned at the kink.

    So RULE 2 is delta'_u where z_u > 0, else 0; also at z_u = 0, where no derivative is.

    Examples
    --------
    >>> from reference_impl.activations import ReLU
    >>> layer, z = ReLU(), [[-1.0, 0.0, 2.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 1.0, 1.0]]).tolist()
    ([[0.0, 0.0, 2.0]], [[0.0, 0.0, 1.0]])
    """

    pullback, pullback_along, derivative, second_derivative = ELEMENTWISE
    forward, backward, parameter_gradient, jacobian = RULES

    def f(self, t: Array) -> Array:
        """Return max(t, 0)."""
        return np.maximum(t, 0.0)

    def df(self, t: Array) -> Array:
        """Return [t > 0]; at the kink, 0."""
        return np.where(t > 0.0, 1.0, 0.0)

    def ddf(self, t: Array) -> Array:
        """Return 0, which it is off the kink."""
        return np.zeros_like(t)


@dataclass(frozen=True)
class Softplus:
    """``sigmoid.softplus`` as a layer: z'_u = log(1 + e^z_u); its derivative is sigma(t).

    Examples
    --------
    >>> from reference_impl.activations import Softplus
    >>> layer, z = Softplus(), [[-1000.0, 1000.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 1.0]]).tolist()
    ([[0.0, 1000.0]], [[0.0, 1.0]])
    """

    pullback, pullback_along, derivative, second_derivative = ELEMENTWISE
    forward, backward, parameter_gradient, jacobian = RULES

    def f(self, t: Array) -> Array:
        """Return log(1 + e^t)."""
        return softplus(t)

    def df(self, t: Array) -> Array:
        """Return sigma(t)."""
        return sigmoid(t)

    def ddf(self, t: Array) -> Array:
        """Return sigma(t) sigma(-t)."""
        return sigmoid(t) * sigmoid(-t)


@dataclass(frozen=True)
class Softmax:
    """``softmax`` as a layer: z'_u = S_u; J_uv = S_u ([u = v] - S_v), ``softmax.jacobian``.

    J is symmetric: RULE 2 is delta_v = S_v (delta'_v - sum_u S_u delta'_u), computed as
    S_v (delta'_v sum_{u != v} S_u - sum_{u != v} S_u delta'_u), which is the same.

    Examples
    --------
    >>> from reference_impl.activations import Softmax
    >>> layer, z = Softmax(), [[0.0, 0.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 0.0]]).tolist()
    ([[0.5, 0.5]], [[0.25, -0.25]])
    """

    forward, backward, parameter_gradient, jacobian = RULES

    @by_rows
    @in_blocks
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return S, and RULE 2."""
        S = softmax.softmax(z)

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            result = S * (delta * sum_of_others(S) - sum_of_others(S * delta))
            return representable("S_v (delta_v - sum_u S_u delta_u)", result), none

        return S, back

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return dS = J dz, and J d(delta) + dJ delta."""
        S, apply = self.pullback(z)
        dS = apply(dz)[0]

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            centred = delta - (S * delta).sum(axis=1, keepdims=True)
            moved = dS * centred - S * (dS * delta).sum(axis=1, keepdims=True)
            return apply(change)[0] + moved, {}

        return dS, back
