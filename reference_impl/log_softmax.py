"""The log-softmax layer z'_u = z_u - logsumexp(z) of each data point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import softmax
from reference_impl.arguments import Array, representable
from reference_impl.layer import delta_of, matrix


@dataclass(frozen=True)
class LogSoftmax:
    """``log_softmax``: z'_u = z_u - logsumexp(z); J_uv = [u = v] - S_v with S = softmax(z).

    Nothing is subtracted from 1: 1 - S_v is the sum of the other S_u. So the small residual of a
    confident right answer, the delta of ``NLL`` after ``LogSoftmax``, keeps all its digits.
    """

    def forward(self, z: ArrayLike) -> Array:
        """``log_softmax.forward``, RULE 1: z_u - logsumexp(z)."""
        return softmax.log_softmax(matrix("z", z))

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``log_softmax.backward``, RULE 2: delta_v = delta'_v - S_v sum_u delta'_u.

        Computed as delta'_v sum_{u != v} S_u - S_v sum_{u != v} delta'_u, which is the same.
        """
        z = matrix("z", z)
        delta = delta_of(delta, z.shape)
        S = softmax.softmax(z)
        with np.errstate(over="ignore", invalid="ignore"):
            result = delta * sum_of_others(S) - S * sum_of_others(delta)
        return representable("delta_v - S_v sum_u delta_u", result)

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """``log_softmax.jacobian``: [u = v] - S_v, of shape (N, K, K)."""
        S = softmax.softmax(matrix("z", z))
        on_diagonal = np.eye(S.shape[1], dtype=bool)
        return np.where(on_diagonal, sum_of_others(S)[:, None, :], -S[:, None, :])


def sum_of_others(a: Array) -> Array:
    """Return sum_{u != v} a_u for each v in each row, without subtracting a_v from the sum."""
    return a @ (1.0 - np.eye(a.shape[1]))
