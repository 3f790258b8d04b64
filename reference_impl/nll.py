"""The cost layers: the negative log-likelihood of labels, summed over the data points.

Their input is log-probabilities, one data point a row, as ``LogSoftmax`` gives them. Their output
is one number C, so delta is one number too, dC/dC = 1 at the start of a backward pass.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import delta_of, matrix, read_only


@dataclass(frozen=True, eq=False)
class NLL:
    """``nll``: C = -sum_i sum_u [y_i = u] z_u(i), the sum of -z at the labels.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0..K-1, copied and read-only.

    Raises
    ------
    TypeError, ValueError
        For labels that are not integers >= 0; the three rules, for labels beyond K - 1 or another
        number of them than of rows.
    """

    y: NDArray[np.int64]

    def __post_init__(self) -> None:
        y = arguments.finite("y", self.y)
        if y.ndim != 1 or not y.size:
            raise ValueError(
                f"y: expected one label for each data point, given shape {y.shape}; "
                f"for a matrix of indicators or soft labels use SoftNLL(Y)"
            )
        labels = arguments.labels(y, y[:, None], n_classes=max(2, 1 + int(y.max())))
        object.__setattr__(self, "y", read_only(labels))

    def forward(self, z: ArrayLike) -> Array:
        """``nll.forward``, RULE 1: -sum_i z_{y_i}(i), one number."""
        z = self._input(z)
        with np.errstate(over="ignore"):
            return representable("the sum of -z", -z[np.arange(len(z)), self.y].sum())

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``nll.backward``, RULE 2: delta_u(i) = -delta' [y_i = u]."""
        z = self._input(z)
        gradient = np.zeros_like(z)
        gradient[np.arange(len(z)), self.y] = -delta_of(delta, ())
        return gradient

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters, the labels are data."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """``nll.jacobian``: dC/dz_v(i) = -[y_i = v], one row for each data point: (N, 1, K)."""
        return self.backward(z, 1.0)[:, None, :]

    def _input(self, z: ArrayLike) -> Array:
        z = matrix("z", z)
        if len(z) != len(self.y):
            raise ValueError(
                f"z: expected one row for each of the {len(self.y)} labels, given shape {z.shape}"
            )
        arguments.labels(self.y, z, n_classes=z.shape[1])
        return z


@dataclass(frozen=True, eq=False)
class SoftNLL:
    """``nll`` for a matrix of labels: C = -sum_i sum_u Y_iu z_u(i).

    With indicators Y_iu = [y_i = u] it equals ``NLL(y)``; with probabilities it is the
    cross-entropy summed over the data points. Nothing asks the rows of Y to sum to one.

    Parameters
    ----------
    Y : array_like, shape (N, K)
        Indicators or soft labels, copied and read-only.

    Raises
    ------
    TypeError, ValueError
        For labels that are not a finite matrix; the three rules, for z of another shape.
    """

    Y: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "Y", read_only(matrix("Y", self.Y)))

    def forward(self, z: ArrayLike) -> Array:
        """``nll.forward``, RULE 1: -sum_iu Y_iu z_u(i), one number."""
        with np.errstate(over="ignore", invalid="ignore"):
            return representable("the sum of -Y z", -(self.Y * self._input(z)).sum())

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``nll.backward``, RULE 2: delta_u(i) = -delta' Y_iu."""
        self._input(z)
        with np.errstate(over="ignore"):
            return representable("delta Y", -delta_of(delta, ()) * self.Y)

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """RULE 3: there are no parameters, the labels are data."""
        return {}

    def jacobian(self, z: ArrayLike) -> Array:
        """``nll.jacobian``: dC/dz_v(i) = -Y_iv, one row for each data point: (N, 1, K)."""
        return self.backward(z, 1.0)[:, None, :]

    def _input(self, z: ArrayLike) -> Array:
        return arguments.same_shape("z", z, "Y", self.Y)
