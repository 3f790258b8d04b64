"""Layer norm, RMS norm and batch norm of z (N x M), one data point a row.

Every variance is the mean of the squared deviations, divided by the count and not by the count
less one, and eps stands inside the root. A gain and a bias belong to each unit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import RULES, Back, Gradients, by_rows, matrix, read_only
from reference_impl.quiet import quiet


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """``normalisation.layer_norm_forward``: z'_iu = g_u (z_iu - mu_i) / sqrt(s_i + eps) + b_u.

    mu_i and s_i are the mean and the variance of row i. With means over the units of a row, RULE 2
    is ``normalisation.layer_norm_backward``,
    (g_u delta'_iu - mean(g delta'_i) - zhat_iu mean(g delta'_i zhat_i)) / sqrt(s_i + eps); RULE 3
    ``normalisation.layer_norm_parameter_gradient``, dC/dg_u = sum_i delta'_iu zhat_iu and
    dC/db_u = sum_i delta'_iu; the Jacobian ``normalisation.layer_norm_jacobian``,
    g_u (M [u = v] - 1 - zhat_iu zhat_iv) / (M sqrt(s_i + eps)).

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

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias)

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu + b_u, and RULES 2 and 3."""
        return _standardised(self, z, axis=1)


@dataclass(frozen=True, eq=False)
class RMSNorm:
    """``normalisation.rms_norm_forward``: z'_iu = g_u z_iu / r_i, r_i = sqrt(mean(z_i^2) + eps).

    With a mean over the units of a row, RULE 2 is ``normalisation.rms_norm_backward``,
    (g_u delta'_iu - zhat_iu mean(g delta'_i zhat_i)) / r_i; RULE 3
    ``normalisation.rms_norm_parameter_gradient``, dC/dg_u = sum_i delta'_iu zhat_iu; the Jacobian
    ``normalisation.rms_norm_jacobian``, g_u (M [u = v] - zhat_iu zhat_iv) / (M r_i).

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

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain)

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu, and RULES 2 and 3."""
        z = _units(z, self.gain)
        root = np.sqrt(representable("z^2", np.square(z)).mean(axis=1, keepdims=True) + self.eps)
        hat = z / root

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            pull = self.gain * delta
            result = (pull - hat * (pull * hat).mean(axis=1, keepdims=True)) / root
            return representable("RULE 2", result), lambda: _of_gain(hat, delta)

        return representable("g zhat", self.gain * hat), back


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """``normalisation.batch_norm_forward``: as `LayerNorm`, over the data points of each unit.

    z'_iu = g_u (z_iu - mu_u) / sqrt(s_u + eps) + b_u, as in training. With means over the data
    points, RULE 2 is ``normalisation.batch_norm_backward``,
    g_u (delta'_iu - mean(delta'_u) - zhat_iu mean(delta'_u zhat_u)) / sqrt(s_u + eps), and RULE 3
    ``normalisation.batch_norm_parameter_gradient``. The data points of a batch depend on one
    another, so the Jacobian has both.

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

    forward, backward, parameter_gradient = RULES[:3]

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias)

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu + b_u, and RULES 2 and 3."""
        return _standardised(self, z, axis=0)

    @quiet
    def jacobian(self, z: ArrayLike) -> Array:
        """``normalisation.batch_norm_jacobian``: dz'_iu/dz_ju, of shape (N, N, M).

        g_u (N [i = j] - 1 - zhat_iu zhat_ju) / (N sqrt(s_u + eps)); two units do not meet.
        """
        hat, root = _centred_and_scaled(_units(matrix("z", z), self.gain), self.eps, axis=0)
        N = len(hat)
        paths = N * np.eye(N)[:, :, None] - 1.0 - hat[:, None, :] * hat[None, :, :]
        return self.gain * paths / (N * root)


@dataclass(frozen=True, eq=False)
class FixedBatchNorm:
    """``normalisation.batch_norm_inference_forward``: g_u (z_iu - m_u) / sqrt(s_u + eps) + b_u.

    RULE 2 is ``normalisation.batch_norm_inference_backward``, g_u delta'_iu / sqrt(s_u + eps);
    RULE 3 ``normalisation.batch_norm_inference_parameter_gradient``; the Jacobian
    ``normalisation.batch_norm_inference_jacobian``, diag(g / sqrt(s + eps)).

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

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias, mean=self.mean, variance=self.variance)
        if (self.variance < 0.0).any():
            raise ValueError(f"variance: expected numbers >= 0, given {self.variance.min():.17g}")

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu + b_u, and RULES 2 and 3."""
        root = np.sqrt(self.variance + self.eps)
        hat = representable("z - m", _units(z, self.gain) - self.mean) / root
        value = representable("g zhat + b", self.gain * hat + self.bias)
        return value, lambda delta: (
            representable("RULE 2", self.gain * delta / root),
            lambda: _of_gain(hat, delta) | _of_bias(delta),
        )


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


def _units(z: Array, gain: Array) -> Array:
    if z.shape[1:] != gain.shape:
        raise ValueError(
            f"z: expected {len(gain)} columns for gain of shape {gain.shape}, given shape {z.shape}"
        )
    return z


def _centred_and_scaled(z: Array, eps: float, axis: int) -> tuple[Array, Array]:
    """Return (z - mean) / sqrt(variance + eps) along an axis, and the root."""
    # Twice: the mean of the deviations is the rounding error of the first mean.
    deviation = z - z.mean(axis=axis, keepdims=True)
    deviation -= deviation.mean(axis=axis, keepdims=True)
    variance = _mean_product(deviation, deviation, axis)
    root = np.sqrt(representable("the variance", variance) + eps)
    deviation /= root
    return deviation, root


def _mean_product(a: Array, b: Array, axis: int) -> Array:
    """Return the mean of a b along an axis, which stays."""
    last = (np.moveaxis(part, axis, -1) for part in (a, b))
    return np.expand_dims(np.vecdot(*last) / a.shape[axis], axis)


def _standardised(layer: LayerNorm | BatchNorm, z: Array, axis: int) -> tuple[Array, Back]:
    """Return g zhat + b with means along an axis, and RULES 2 and 3."""
    hat, root = _centred_and_scaled(_units(z, layer.gain), layer.eps, axis)

    def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
        pull = layer.gain * delta
        along = _mean_product(pull, hat, axis)
        pull -= pull.mean(axis=axis, keepdims=True)
        pull -= hat * along
        pull /= root
        return representable("RULE 2", pull), lambda: _of_gain(hat, delta) | _of_bias(delta)

    value = layer.gain * hat
    value += layer.bias
    return representable("g zhat + b", value), back


def _of_gain(hat: Array, delta: Array) -> Gradients:
    return {"gain": representable("sum_i delta zhat", np.einsum("iu,iu->u", delta, hat))}


def _of_bias(delta: Array) -> Gradients:
    return {"bias": representable("sum_i delta", delta.sum(axis=0))}
