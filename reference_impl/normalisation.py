"""Layer norm, RMS norm and batch norm of z (N x M), one data point a row.

Every variance is the mean of the squared deviations, divided by the count and not by the count
less one, and eps stands inside the root. A gain and a bias belong to each unit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    along_by_rows,
    by_rows,
    in_blocks,
    points,
    read_only,
)
from reference_impl.quiet import quiet, room


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

    Examples
    --------
    >>> from reference_impl.normalisation import LayerNorm
    >>> layer = LayerNorm([1.0, 1.0], [0.0, 5.0], eps=1.0)
    >>> layer.forward([[7.0, 7.0]]).tolist()
    [[0.0, 5.0]]
    >>> layer.backward([[7.0, 7.0]], [[1.0, 0.0]]).tolist()
    [[0.5, -0.5]]
    >>> LayerNorm([1.0], [0.0], eps=0.0)
    Traceback (most recent call last):
    ...
    ValueError: eps: expected a number > 0, given 0.0
    """

    gain: Array
    bias: Array
    eps: float = 1e-5

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias)

    @by_rows
    @in_blocks
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu + b_u, and RULES 2 and 3."""
        return _pullback(self, z, axis=1)

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Differentiate them along a direction."""
        return _pullback_along(self, z, dz, dtheta, axis=1)


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

    Examples
    --------
    >>> from reference_impl.normalisation import RMSNorm
    >>> layer = RMSNorm([1.0, 2.0], eps=1.0)
    >>> layer.forward([[0.0, 0.0]]).tolist(), layer.backward([[0.0, 0.0]], [[1.0, 1.0]]).tolist()
    ([[0.0, 0.0]], [[1.0, 2.0]])
    """

    gain: Array
    eps: float = 1e-5

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain)

    @by_rows
    @in_blocks
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu, and RULES 2 and 3."""
        return _pullback(self, z, axis=1, centred=False)

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Differentiate them along a direction."""
        return _pullback_along(self, z, dz, dtheta, axis=1, centred=False)


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

    Examples
    --------
    >>> from reference_impl.normalisation import BatchNorm
    >>> layer = BatchNorm([1.0], [5.0], eps=1.0)
    >>> layer.forward([[7.0]]).tolist(), layer.backward([[7.0]], [[1.0]]).tolist()
    ([[5.0]], [[0.0]])
    >>> layer.jacobian([[7.0], [7.0]]).tolist()
    [[[0.5], [-0.5]], [[-0.5], [0.5]]]
    """

    gain: Array
    bias: Array
    eps: float = 1e-5

    rows_meet = True
    forward, backward, parameter_gradient = RULES[:3]

    def __post_init__(self) -> None:
        _keep(self, gain=self.gain, bias=self.bias)

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu + b_u, and RULES 2 and 3."""
        return _pullback(self, z, axis=0)

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Differentiate them along a direction."""
        return _pullback_along(self, z, dz, dtheta, axis=0)

    @quiet
    def jacobian(self, z: ArrayLike) -> Array:
        """``normalisation.batch_norm_jacobian``: dz'_iu/dz_ju, of shape (N, N, M).

        g_u (N [i = j] - 1 - zhat_iu zhat_ju) / (N sqrt(s_u + eps)); two units do not meet. With
        more axes, such as N x T x M, of shape (N, T, N, T, M).
        """
        z = points("z", z)
        rows = _units(z.reshape(-1, z.shape[-1]), self.gain)
        hat, root = _scaled(rows, self.eps, axis=0, centred=True)
        N = len(hat)
        paths = N * np.eye(N)[:, :, None] - 1.0 - hat[:, None, :] * hat[None, :, :]
        return (self.gain * paths / (N * root)).reshape(*z.shape[:-1], *z.shape)


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

    Examples
    --------
    >>> from reference_impl.normalisation import FixedBatchNorm
    >>> layer = FixedBatchNorm(mean=[1.0], variance=[3.0], gain=[4.0], bias=[0.5], eps=1.0)
    >>> layer.forward([[2.0]]).tolist(), layer.backward([[2.0]], [[1.0]]).tolist()
    ([[2.5]], [[2.0]])
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
    @in_blocks
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return g_u zhat_iu + b_u, and RULES 2 and 3."""
        hat, root = self._scaled(z)
        return _affine(self, hat), lambda delta: (
            representable("RULE 2", self.gain * delta / root),
            lambda: _gradients(self, delta * hat, delta)(),
        )

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Differentiate them along a direction; the statistics are constants."""
        hat, root = self._scaled(z)
        dhat = dz / root

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            moved = (self.gain * change + dtheta["gain"] * delta) / root
            return moved, _changed_gradients(self, hat, dhat, delta, change)

        return _affine_along(self, hat, dhat, dtheta), back

    def _scaled(self, z: Array) -> tuple[Array, Array]:
        root = np.sqrt(self.variance + self.eps)
        return representable("z - m", _units(z, self.gain) - self.mean) / root, root


_Norm = LayerNorm | RMSNorm | BatchNorm | FixedBatchNorm


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
            f"z: expected {len(gain)} columns for gain of shape {gain.shape}, given {z.shape[1]}"
        )
    return z


def _scaled(z: Array, eps: float, axis: int, centred: bool) -> tuple[Array, Array]:
    """Return zhat along an axis, and the root that divides: of the mean square and eps."""
    hat = np.subtract(z, _mean(z, axis) if centred else 0.0, out=room(z.shape))
    if centred:  # twice: the mean of the deviations is the rounding error of the first mean
        hat -= _mean(hat, axis)
    square = representable("the mean square", _mean_product(hat, hat, axis))
    root = np.sqrt(square + eps)
    hat *= 1.0 / root
    return hat, root


def _projected(pull: Array, hat: Array, axis: int, centred: bool) -> Array:
    """Return pull - mean(pull) - zhat mean(pull zhat), the first mean where z is centred."""
    result = np.multiply(hat, -_mean_product(pull, hat, axis), out=room(pull.shape))
    result += pull
    if centred:
        result -= _mean(pull, axis)
    return result


def _mean(a: Array, axis: int) -> Array:
    """Return the mean along an axis, which stays; BLAS adds up faster than np.mean."""
    share = np.full((a.shape[axis], 1), 1.0 / a.shape[axis])
    return a @ share if axis else share.T @ a


def _mean_product(a: Array, b: Array, axis: int) -> Array:
    """Return the mean of a b along an axis, which stays."""
    product = np.vecdot(a, b) if axis else np.vecdot(a.T, b.T)
    return np.expand_dims(product / a.shape[axis], axis)


def _pullback(
    layer: LayerNorm | RMSNorm | BatchNorm, z: Array, axis: int, centred: bool = True
) -> tuple[Array, Back]:
    """Return g zhat, with the bias that there is, and RULES 2 and 3."""
    hat, root = _scaled(_units(z, layer.gain), layer.eps, axis, centred)

    def mean(a: Array) -> Array:
        """Return the mean of g a along the axis."""
        return a @ (layer.gain / a.shape[1])[:, np.newaxis] if axis else layer.gain * _mean(a, 0)

    def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
        product = np.multiply(delta, hat, out=room(delta.shape))
        gradients = _gradients(layer, product, delta)
        result = np.multiply(hat, -mean(product), out=product)
        result += np.multiply(delta, layer.gain, out=room(delta.shape))
        if centred:
            result -= mean(delta)
        result *= 1.0 / root
        return representable("RULE 2", result), gradients

    return _affine(layer, hat), back


def _pullback_along(
    layer: LayerNorm | RMSNorm | BatchNorm,
    z: Array,
    dz: Array,
    dtheta: Mapping[str, Array],
    axis: int,
    centred: bool = True,
) -> tuple[Array, BackAlong]:
    """Differentiate RULES 1 to 3: zhat, the root, the gain and the bias change."""
    hat, root = _scaled(_units(z, layer.gain), layer.eps, axis, centred)
    dhat = _projected(dz, hat, axis, centred) / root
    droot = _mean_product(dz, hat, axis)

    def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
        pull = layer.gain * delta
        turned = _projected(layer.gain * change + dtheta["gain"] * delta, hat, axis, centred)
        turned -= dhat * _mean_product(pull, hat, axis) + hat * _mean_product(pull, dhat, axis)
        turned -= _projected(pull, hat, axis, centred) * (droot / root)
        return turned / root, _changed_gradients(layer, hat, dhat, delta, change)

    return _affine_along(layer, hat, dhat, dtheta), back


def _affine(layer: _Norm, hat: Array) -> Array:
    """Return g zhat + b, or g zhat where there is no bias."""
    value = np.multiply(layer.gain, hat, out=room(hat.shape))
    if not isinstance(layer, RMSNorm):
        value += layer.bias
    return representable("g zhat + b", value)


def _affine_along(layer: _Norm, hat: Array, dhat: Array, dtheta: Mapping[str, Array]) -> Array:
    moved = layer.gain * dhat + dtheta["gain"] * hat
    return moved if isinstance(layer, RMSNorm) else moved + dtheta["bias"]


def _gradients(layer: _Norm, product: Array, delta: Array) -> Callable[[], Gradients]:
    """Return RULE 3, by delta zhat. It adds up at once: a block will have left the cache later."""
    ones = np.ones(len(delta))
    gain, bias = ones @ product, ones @ delta

    def gradients() -> Gradients:
        found = {"gain": representable("sum_i delta zhat", gain)}
        if not isinstance(layer, RMSNorm):
            found["bias"] = representable("sum_i delta", bias)
        return found

    return gradients


def _changed_gradients(
    layer: _Norm, hat: Array, dhat: Array, delta: Array, change: Array
) -> Gradients:
    gradients = _gradients(layer, change * hat, change)()
    gradients["gain"] = gradients["gain"] + np.einsum("iu,iu->u", delta, dhat)
    return gradients
