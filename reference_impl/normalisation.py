"""Layer norm, RMS norm and batch norm of z (N x M), one data point a row.

Every variance is the mean of the squared deviations, divided by the count and not by the count
less one, and eps stands inside the root. A gain and a bias belong to each unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import delta_of, matrix, read_only

quiet = np.errstate(over="ignore", invalid="ignore")  # what overflows is an error of ours


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """``normalisation.layer_norm_forward``: z'_iu = g_u (z_iu - mu_i) / sqrt(s_i + eps) + b_u.

    mu_i and s_i are the mean and the variance of row i.

    Parameters
    ----------
    gain, bias : array_like, shape (M,)
        g and b.
    eps : float
        Added to the variance; positive.

    Raises
    ------
    TypeError, ValueError
        For parameters that are not finite vectors of one length, and for eps <= 0.
    """

    gain: Array
    bias: Array
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias)

    @quiet
    def forward(self, z: ArrayLike) -> Array:
        """``normalisation.layer_norm_forward``, RULE 1: g_u zhat_iu + b_u."""
        hat, _ = self._normalised(z)
        return representable("g zhat + b", self.gain * hat + self.bias)

    @quiet
    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``normalisation.layer_norm_backward``, RULE 2, with means over the units of a row.

        (g_u delta'_iu - mean(g delta'_i) - zhat_iu mean(g delta'_i zhat_i)) / sqrt(s_i + eps).
        """
        hat, root = self._normalised(z)
        return _pulled_back(self.gain * delta_of(delta, hat.shape), hat, root, axis=1)

    @quiet
    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """``normalisation.layer_norm_parameter_gradient``, RULE 3.

        dC/dg_u = sum_i delta'_iu zhat_iu, dC/db_u = sum_i delta'_iu.
        """
        return _gain_and_bias(self._normalised(z)[0], delta)

    @quiet
    def jacobian(self, z: ArrayLike) -> Array:
        """``normalisation.layer_norm_jacobian`` of each row, (N, M, M).

        g_u (M [u = v] - 1 - zhat_iu zhat_iv) / (M sqrt(s_i + eps)).
        """
        hat, root = self._normalised(z)
        M = hat.shape[1]
        paths = M * np.eye(M) - 1.0 - hat[:, :, None] * hat[:, None, :]
        return self.gain[:, None] * paths / (M * root[:, :, None])

    def _normalised(self, z: ArrayLike) -> tuple[Array, Array]:
        return _centred_and_scaled(_units(z, self.gain), self.eps, axis=1)


@dataclass(frozen=True, eq=False)
class RMSNorm:
    """``normalisation.rms_norm_forward``: z'_iu = g_u z_iu / r_i, r_i = sqrt(mean(z_i^2) + eps).

    Parameters
    ----------
    gain : array_like, shape (M,)
        g.
    eps : float
        Added to the mean square, inside the root; positive.

    Raises
    ------
    TypeError, ValueError
        For a gain that is no finite vector, and for eps <= 0.
    """

    gain: Array
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain)

    @quiet
    def forward(self, z: ArrayLike) -> Array:
        """``normalisation.rms_norm_forward``, RULE 1: g_u zhat_iu."""
        return representable("g zhat", self.gain * self._normalised(z)[0])

    @quiet
    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``normalisation.rms_norm_backward``, RULE 2, with a mean over the units of a row.

        (g_u delta'_iu - zhat_iu mean(g delta'_i zhat_i)) / r_i.
        """
        hat, root = self._normalised(z)
        pull = self.gain * delta_of(delta, hat.shape)
        return representable(
            "RULE 2", (pull - hat * (pull * hat).mean(axis=1, keepdims=True)) / root
        )

    @quiet
    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """``normalisation.rms_norm_parameter_gradient``, RULE 3: sum_i delta'_iu zhat_iu."""
        return {"gain": _gain_and_bias(self._normalised(z)[0], delta)["gain"]}

    @quiet
    def jacobian(self, z: ArrayLike) -> Array:
        """``normalisation.rms_norm_jacobian``: g_u (M [u = v] - zhat_iu zhat_iv) / (M r_i)."""
        hat, root = self._normalised(z)
        M = hat.shape[1]
        paths = M * np.eye(M) - hat[:, :, None] * hat[:, None, :]
        return self.gain[:, None] * paths / (M * root[:, :, None])

    def _normalised(self, z: ArrayLike) -> tuple[Array, Array]:
        z = _units(z, self.gain)
        root = np.sqrt(representable("z^2", np.square(z)).mean(axis=1, keepdims=True) + self.eps)
        return z / root, root


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """``normalisation.batch_norm_forward``: as `LayerNorm`, over the data points of each unit.

    z'_iu = g_u (z_iu - mu_u) / sqrt(s_u + eps) + b_u, as in training. The data points of a batch
    depend on one another, so the Jacobian has both.

    Parameters
    ----------
    gain, bias : array_like, shape (M,)
        g and b.
    eps : float
        Added to the variance; positive.

    Raises
    ------
    TypeError, ValueError
        As `LayerNorm`.
    """

    gain: Array
    bias: Array
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias)

    @quiet
    def forward(self, z: ArrayLike) -> Array:
        """``normalisation.batch_norm_forward``, RULE 1: g_u zhat_iu + b_u."""
        hat, _ = self._normalised(z)
        return representable("g zhat + b", self.gain * hat + self.bias)

    @quiet
    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``normalisation.batch_norm_backward``, RULE 2, with means over the data points.

        g_u (delta'_iu - mean(delta'_u) - zhat_iu mean(delta'_u zhat_u)) / sqrt(s_u + eps).
        """
        hat, root = self._normalised(z)
        return _pulled_back(self.gain * delta_of(delta, hat.shape), hat, root, axis=0)

    @quiet
    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """``normalisation.batch_norm_parameter_gradient``, RULE 3, as of `LayerNorm`."""
        return _gain_and_bias(self._normalised(z)[0], delta)

    @quiet
    def jacobian(self, z: ArrayLike) -> Array:
        """``normalisation.batch_norm_jacobian``: dz'_iu/dz_ju, of shape (N, N, M).

        g_u (N [i = j] - 1 - zhat_iu zhat_ju) / (N sqrt(s_u + eps)); two units do not meet.
        """
        hat, root = self._normalised(z)
        N = len(hat)
        paths = N * np.eye(N)[:, :, None] - 1.0 - hat[:, None, :] * hat[None, :, :]
        return self.gain * paths / (N * root)

    def _normalised(self, z: ArrayLike) -> tuple[Array, Array]:
        return _centred_and_scaled(_units(z, self.gain), self.eps, axis=0)


@dataclass(frozen=True, eq=False)
class FixedBatchNorm:
    """``normalisation.batch_norm_inference_forward``: g_u (z_iu - m_u) / sqrt(s_u + eps) + b_u.

    Parameters
    ----------
    mean, variance : array_like, shape (M,)
        m and s, kept from training; s >= 0.
    gain, bias : array_like, shape (M,)
        g and b.
    eps : float
        Added to the variance; positive.

    Raises
    ------
    TypeError, ValueError
        As `LayerNorm`, and for a negative variance.
    """

    mean: Array
    variance: Array
    gain: Array
    bias: Array
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias, mean=self.mean, variance=self.variance)
        if (self.variance < 0.0).any():
            raise ValueError(f"variance: expected numbers >= 0, given {self.variance.min():.17g}")

    @quiet
    def forward(self, z: ArrayLike) -> Array:
        """``normalisation.batch_norm_inference_forward``, RULE 1."""
        return representable("g zhat + b", self.gain * self._normalised(z) + self.bias)

    @quiet
    def backward(self, z: ArrayLike, delta: ArrayLike) -> Array:
        """``normalisation.batch_norm_inference_backward``, RULE 2: g_u delta'_iu / sqrt(s_u + eps)."""
        shape = _units(z, self.gain).shape
        return representable("RULE 2", self.gain * delta_of(delta, shape) / self._root())

    @quiet
    def parameter_gradient(self, z: ArrayLike, delta: ArrayLike) -> dict[str, Array]:
        """``normalisation.batch_norm_inference_parameter_gradient``, RULE 3."""
        return _gain_and_bias(self._normalised(z), delta)

    @quiet
    def jacobian(self, z: ArrayLike) -> Array:
        """``normalisation.batch_norm_inference_jacobian``: diag(g / sqrt(s + eps)), (N, M, M)."""
        return np.tile(np.diag(self.gain / self._root()), (len(_units(z, self.gain)), 1, 1))

    def _root(self) -> Array:
        return np.sqrt(self.variance + self.eps)

    def _normalised(self, z: ArrayLike) -> Array:
        return representable("z - m", _units(z, self.gain) - self.mean) / self._root()


def _keep(layer: object, **vectors: ArrayLike) -> None:
    """Put read-only copies of checked vectors of one length into a layer, and check its eps."""
    length = arguments.finite("gain", vectors["gain"]).shape
    for name, value in vectors.items():
        vector = arguments.finite(name, value)
        if vector.ndim != 1 or not vector.size or vector.shape != length:
            wanted = "a vector" if name == "gain" else f"shape {length}, that of gain"
            raise ValueError(f"{name}: expected {wanted}, given shape {vector.shape}")
        object.__setattr__(layer, name, read_only(vector))
    eps = arguments.positive("eps", layer.eps)  # type: ignore[attr-defined]
    object.__setattr__(layer, "eps", eps)


def _units(z: ArrayLike, gain: Array) -> Array:
    z = matrix("z", z)
    if z.shape[1:] != gain.shape:
        raise ValueError(
            f"z: expected {len(gain)} columns for gain of shape {gain.shape}, given shape {z.shape}"
        )
    return z


@quiet
def _centred_and_scaled(z: Array, eps: float, axis: int) -> tuple[Array, Array]:
    """Return (z - mean) / sqrt(variance + eps) along an axis, and the root."""
    # Twice: the mean of the deviations is the rounding error of the first mean.
    deviation = z - z.mean(axis=axis, keepdims=True)
    deviation = deviation - deviation.mean(axis=axis, keepdims=True)
    variance = np.square(deviation).mean(axis=axis, keepdims=True)
    root = np.sqrt(representable("the variance", variance) + eps)
    return deviation / root, root


def _pulled_back(pull: Array, hat: Array, root: Array, axis: int) -> Array:
    """Return (pull - mean(pull) - hat mean(pull hat)) / root."""
    along = (pull * hat).mean(axis=axis, keepdims=True)
    return representable(
        "RULE 2", (pull - pull.mean(axis=axis, keepdims=True) - hat * along) / root
    )


def _gain_and_bias(hat: Array, delta: ArrayLike) -> dict[str, Array]:
    delta = delta_of(delta, hat.shape)
    return {
        "gain": representable("sum_i delta zhat", (delta * hat).sum(axis=0)),
        "bias": representable("sum_i delta", delta.sum(axis=0)),
    }
