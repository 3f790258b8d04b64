"""The activations: layers without parameters.

All but ``Softmax`` act on each entry by itself, z'_u = f(z_u), so that J = diag(f'(z)) and
delta_u = delta'_u f'(z_u). Each f' is written so that nothing is subtracted from 1: it keeps its
digits where f saturates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import sigmoid, softmax
from reference_impl.arguments import Array, representable
from reference_impl.layer import delta_of, matrix
from reference_impl.log_softmax import sum_of_others


@dataclass(frozen=True)
class Sigmoid:
    """``sigmoid`` as a layer: z'_u = sigma(z_u); sigma' = sigma(t) sigma(-t)."""

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: sigma(z_u)."""
        return sigmoid.sigmoid(matrix("z", z))

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``sigmoid.backward``, RULE 2: delta'_u sigma(z_u) sigma(-z_u)."""
        return _scaled(delta, self.derivative(z))

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """Return diag(sigma'(z)) for each data point."""
        return _diagonal(self.derivative(z))

    def derivative(self, z: ArrayLike) -> Array:
        """``sigmoid.derivative``: sigma(z_u) sigma(-z_u)."""
        z = matrix("z", z)
        return sigmoid.sigmoid(z) * sigmoid.sigmoid(-z)


@dataclass(frozen=True)
class LogSigmoid:
    """``sigmoid.log_sigmoid`` as a layer: z'_u = log sigma(z_u); its derivative is sigma(-t)."""

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: log sigma(z_u)."""
        return sigmoid.log_sigmoid(matrix("z", z))

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """RULE 2: delta'_u sigma(-z_u)."""
        return _scaled(delta, self.derivative(z))

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """Return diag(sigma(-z)) for each data point."""
        return _diagonal(self.derivative(z))

    def derivative(self, z: ArrayLike) -> Array:
        """Return sigma(-z_u)."""
        return sigmoid.sigmoid(-matrix("z", z))


@dataclass(frozen=True)
class Tanh:
    """Layer z'_u = tanh z_u; its derivative is 1 - tanh^2 t = 1 / cosh^2 t."""

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: tanh z_u."""
        return np.tanh(matrix("z", z))

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """RULE 2: delta'_u / cosh^2 z_u."""
        return _scaled(delta, self.derivative(z))

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """Return diag(1 / cosh^2 z) for each data point."""
        return _diagonal(self.derivative(z))

    def derivative(self, z: ArrayLike) -> Array:
        """Return 1 / cosh^2 z_u, written with e^-|t| because cosh overflows."""
        e = np.exp(-np.abs(matrix("z", z)))
        return np.square(2.0 * e / (1.0 + e * e))


@dataclass(frozen=True)
class ReLU:
    """Layer z'_u = max(z_u, 0); its derivative is [z_u > 0], and 0 is returned at the kink."""

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: max(z_u, 0)."""
        return np.maximum(matrix("z", z), 0.0)

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """RULE 2: delta'_u where z_u > 0, else 0; so also at z_u = 0, where no derivative is."""
        return _scaled(delta, self.derivative(z))

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """Return diag([z > 0]) for each data point."""
        return _diagonal(self.derivative(z))

    def derivative(self, z: ArrayLike) -> Array:
        """Return [z_u > 0]; at the kink, 0."""
        return np.where(matrix("z", z) > 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Softplus:
    """``sigmoid.softplus`` as a layer: z'_u = log(1 + e^z_u); its derivative is sigma(t)."""

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: log(1 + e^z_u)."""
        return sigmoid.softplus(matrix("z", z))

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """RULE 2: delta'_u sigma(z_u)."""
        return _scaled(delta, self.derivative(z))

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """Return diag(sigma(z)) for each data point."""
        return _diagonal(self.derivative(z))

    def derivative(self, z: ArrayLike) -> Array:
        """Return sigma(z_u)."""
        return sigmoid.sigmoid(matrix("z", z))


@dataclass(frozen=True)
class Softmax:
    """``softmax`` as a layer: z'_u = S_u; J_uv = S_u ([u = v] - S_v), which is symmetric."""

    def forward(self, z: ArrayLike) -> Array:
        """RULE 1: e^z_u / sum_c e^z_c."""
        return softmax.softmax(matrix("z", z))

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """RULE 2: delta_v = S_v (delta'_v - sum_u S_u delta'_u).

        Computed as S_v (delta'_v sum_{u != v} S_u - sum_{u != v} S_u delta'_u), the same.
        """
        z = matrix("z", z)
        delta = delta_of(delta, z.shape)
        S = softmax.softmax(z)
        with np.errstate(over="ignore", invalid="ignore"):
            result = S * (delta * sum_of_others(S) - sum_of_others(S * delta))
        return representable("S_v (delta_v - sum_u S_u delta_u)", result)

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """``softmax.jacobian``: diag(S) - S S^T for each data point."""
        S = softmax.softmax(matrix("z", z))
        on_diagonal = np.eye(S.shape[1], dtype=bool)
        others = np.where(on_diagonal, sum_of_others(S)[:, None, :], -S[:, None, :])
        return S[:, :, None] * others


def _scaled(delta: ArrayLike, derivative: Array) -> Array:
    return delta_of(delta, derivative.shape) * derivative


def _diagonal(derivative: Array) -> Array:
    return derivative[:, :, None] * np.eye(derivative.shape[1])
