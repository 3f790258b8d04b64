"""The linear layer z' = W z + b of each data point; its parameters are W and b."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import delta_of, matrix, read_only


@dataclass(frozen=True, eq=False)
class Linear:
    """``linear``: z'_a(i) = sum_k W_ak z_k(i) + b_a; with data points as rows Z W^T + b.

    Row a of W belongs to output a, as in PyTorch's ``nn.Linear``. The parameters are copied and
    read-only: another W is another layer.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Weights, one row for each output.
    b : array_like, shape (K,), optional
        Bias; without it, W is the only parameter.

    Raises
    ------
    TypeError, ValueError
        For parameters that are not finite real numbers or whose shapes do not fit.
    """

    W: Array
    b: Array | None = None

    def __post_init__(self) -> None:
        W = matrix("W", self.W)
        object.__setattr__(self, "W", read_only(W))
        if self.b is not None:
            b = arguments.finite("b", self.b)
            if b.shape != W.shape[:1]:
                raise ValueError(
                    f"b: expected shape {W.shape[:1]} for W of shape {W.shape}, "
                    f"given shape {b.shape}"
                )
            object.__setattr__(self, "b", read_only(b))

    def forward(self, z: ArrayLike) -> Array:
        """``linear.forward``, RULE 1: Z W^T + b, of shape (N, K)."""
        with np.errstate(over="ignore", invalid="ignore"):
            output = self._input(z) @ self.W.T
            return representable("z W^T + b", output if self.b is None else output + self.b)

    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``linear.backward``, RULE 2: delta_k = sum_a delta'_a W_ak; as rows delta' W."""
        _, delta = self._checked(z, delta)
        with np.errstate(over="ignore", invalid="ignore"):
            return representable("delta W", delta @ self.W)

    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """``linear.parameter_gradient``, RULE 3, summed over the data points.

        dC/dW_ak = sum_i delta'_a(i) z_k(i), that is delta'^T Z, and dC/db_a = sum_i delta'_a(i).
        """
        z, delta = self._checked(z, delta)
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = {"W": representable("delta^T z", delta.T @ z)}
            if self.b is not None:
                gradient["b"] = representable("sum_i delta(i)", delta.sum(axis=0))
        return gradient

    def jacobian(self, z: ArrayLike) -> Array:
        """``linear.jacobian``: dz'_a/dz_k = W_ak, the same for each data point: (N, K, n)."""
        return np.tile(self.W, (len(self._input(z)), 1, 1))

    def _input(self, z: ArrayLike) -> Array:
        z = matrix("z", z)
        if z.shape[1] != self.W.shape[1]:
            raise ValueError(
                f"z: expected {self.W.shape[1]} columns for W of shape {self.W.shape}, "
                f"given shape {z.shape}"
            )
        return z

    def _checked(self, z: ArrayLike, delta: ArrayLike) -> tuple[Array, Array]:
        z = self._input(z)
        return z, delta_of(delta, (len(z), len(self.W)))
