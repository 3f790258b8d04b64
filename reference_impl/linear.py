"""The linear layer z' = W z + b of each data point; its parameters are W and b."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    along_by_rows,
    by_rows,
    matrix,
    read_only,
)


@dataclass(frozen=True, eq=False)
class Linear:
    """``linear``: z'_a(i) = sum_k W_ak z_k(i) + b_a; with data points as rows Z W^T + b.

    RULE 1 is ``linear.forward``; RULE 2, ``linear.backward``, delta_k = sum_a delta'_a W_ak, as
    rows delta' W; RULE 3, ``linear.parameter_gradient``, dC/dW_ak = sum_i delta'_a(i) z_k(i), that
    is delta'^T Z, and dC/db_a = sum_i delta'_a(i). The Jacobian, ``linear.jacobian``, is W.

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

    Examples
    --------
    >>> from reference_impl.linear import Linear
    >>> layer, z = Linear([[1.0, 2.0]], b=[0.5]), [[1.0, 0.0], [0.0, 3.0]]
    >>> layer.forward(z).tolist()
    [[1.5], [6.5]]
    >>> layer.backward(z, [[1.0], [1.0]]).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    >>> gradient = layer.parameter_gradient(z, [[1.0], [1.0]])
    >>> gradient["W"].tolist(), gradient["b"].tolist()
    ([[1.0, 3.0]], [2.0])
    """

    W: Array
    b: Array | None = None

    forward, backward, parameter_gradient, jacobian = RULES

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

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return Z W^T + b, and RULES 2 and 3."""
        if z.ndim != 2 or z.shape[1] != self.W.shape[1]:
            raise ValueError(
                f"z: expected {self.W.shape[1]} columns for W of shape {self.W.shape}, "
                f"given shape {z.shape}"
            )
        value = z @ self.W.T if self.b is None else z @ self.W.T + self.b

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            return representable("delta W", delta @ self.W), lambda: self._gradients(z, delta)

        return representable("z W^T + b", value), back

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Each product has two factors, each of which changes: d(Z W^T) = dZ W^T + Z dW^T."""
        dW = dtheta["W"]

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            gradients = self._gradients(z, change)
            gradients["W"] = gradients["W"] + delta.T @ dz
            return change @ self.W + delta @ dW, gradients

        moved = dz @ self.W.T + z @ dW.T
        return moved if self.b is None else moved + dtheta["b"], back

    def _gradients(self, z: Array, delta: Array) -> Gradients:
        gradients = {"W": representable("delta^T z", delta.T @ z)}
        if self.b is not None:
            gradients["b"] = representable("sum_i delta(i)", np.asarray(delta.sum(axis=0)))
        return gradients
