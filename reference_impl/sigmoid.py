"""The sigmoid and its relatives, without overflow and accurate over the whole range.

All are written with e^-|t| <= 1. Every result is within 4 ulp of the exact value, also where it is
subnormal; the limits at -inf and +inf are returned as such. The loss and the residual of a binary
label are a softplus and a sigmoid of the logit, with the sign that the label asks for.
"""

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, Labels
from reference_impl.quiet import quiet


@quiet
def sigmoid(t: ArrayLike) -> Array:
    """``sigmoid.stable``: sigma(t) = 1 / (1 + e^-t) = e^t / (1 + e^t), elementwise.

    The first form is used for t >= 0, the second for t < 0, so that the exponent is never
    positive. sigma(-inf) = 0 and sigma(inf) = 1.

    Parameters
    ----------
    t : array_like
        Real numbers of any shape.

    Returns
    -------
    float64 array of the shape of t

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, and for NaN.

    Examples
    --------
    >>> from reference_impl.sigmoid import sigmoid
    >>> sigmoid([0.0, -1000.0, float("inf")]).tolist()
    [0.5, 0.0, 1.0]
    """
    t = arguments.real("t", t)
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1.0, e) / (1.0 + e)


@quiet
def log_sigmoid(t: ArrayLike) -> Array:
    """``sigmoid.log_sigmoid``: log sigma(t) = min(t, 0) - log(1 + e^-|t|), elementwise.

    log sigma(-inf) = -inf and log sigma(inf) = 0.

    Parameters
    ----------
    t : array_like
        Real numbers of any shape.

    Returns
    -------
    float64 array of the shape of t

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, and for NaN.

    Examples
    --------
    >>> from reference_impl.sigmoid import log_sigmoid
    >>> log_sigmoid([-1000.0, float("-inf"), float("inf")]).tolist()
    [-1000.0, -inf, 0.0]
    """
    t = arguments.real("t", t)
    return np.minimum(t, 0.0) - np.log1p(np.exp(-np.abs(t)))


@quiet
def softplus(t: ArrayLike) -> Array:
    """``sigmoid.softplus``: log(1 + e^t) = max(t, 0) + log(1 + e^-|t|), elementwise.

    softplus(-inf) = 0 and softplus(inf) = inf.

    Parameters
    ----------
    t : array_like
        Real numbers of any shape.

    Returns
    -------
    float64 array of the shape of t

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, and for NaN.

    Examples
    --------
    >>> from reference_impl.sigmoid import softplus
    >>> softplus([1000.0, float("-inf"), float("inf")]).tolist()
    [1000.0, 0.0, inf]
    """
    t = arguments.real("t", t)
    return np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))


@quiet
def losses(t: ArrayLike, y: ArrayLike) -> Array:
    """``logistic.residual``, its loss: -log p_i = softplus(-t_i) for the label 1 of the logit t_i.

    For the label 0 it is -log(1 - p_i) = softplus(t_i). That of an infinite logit is 0 or inf.

    Parameters
    ----------
    t : array_like, shape (N,)
        Logits.
    y : array_like, shape (N,)
        Labels 0 and 1.

    Returns
    -------
    float64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, NaN, and labels of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.sigmoid import losses
    >>> losses([1000.0, 1000.0, -1000.0], [0, 1, 0]).tolist()
    [1000.0, 0.0, 0.0]
    """
    t, y = _logits_and_labels(t, y)
    return softplus(np.where(y == 1, -t, t))


@quiet
def residuals(t: ArrayLike, y: ArrayLike) -> Array:
    """``logistic.residual``: p - y, the derivative of each loss by its logit.

    For the label 1 it is -sigma(-t_i), where p_i - 1 would cancel.

    Parameters
    ----------
    t, y
        As in `losses`.

    Returns
    -------
    float64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        As in `losses`.

    Examples
    --------
    >>> from reference_impl.sigmoid import residuals
    >>> residuals([0.0, 0.0, 1000.0], [0, 1, 0]).tolist()
    [0.5, -0.5, 1.0]
    """
    t, y = _logits_and_labels(t, y)
    return np.where(y == 1, -sigmoid(-t), sigmoid(t))


@quiet
def soft_losses(t: ArrayLike, q: ArrayLike) -> Array:
    """``conventions.soft_labels``: q_i softplus(-t_i) + (1 - q_i) softplus(t_i), the cross-entropy.

    Parameters
    ----------
    t : array_like, shape (N,)
        Logits, finite.
    q : array_like, shape (N,)
        Probabilities of the label 1, from 0 to 1.

    Returns
    -------
    float64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For values of a wrong type, shape or size.

    Examples
    --------
    >>> from reference_impl.sigmoid import soft_losses
    >>> soft_losses([1000.0, 1000.0], [1.0, 0.75]).tolist()
    [0.0, 250.0]
    """
    t, q = _logits_and_targets(t, q)
    return q * softplus(-t) + (1.0 - q) * softplus(t)


@quiet
def soft_residuals(t: ArrayLike, q: ArrayLike) -> Array:
    """``conventions.soft_labels``: (1 - q_i) sigma(t_i) - q_i sigma(-t_i) = p_i - q_i.

    Of the two summands, where one is 0 no digit is lost; where p_i is near a q_i between 0 and 1,
    the difference has the digits that the two numbers have.

    Parameters
    ----------
    t, q
        As in `soft_losses`.

    Returns
    -------
    float64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        As in `soft_losses`.

    Examples
    --------
    >>> from reference_impl.sigmoid import soft_residuals
    >>> soft_residuals([0.0, 0.0], [0.25, 1.0]).tolist()
    [0.25, -0.5]
    """
    t, q = _logits_and_targets(t, q)
    return (1.0 - q) * sigmoid(t) - q * sigmoid(-t)


def _logits_and_targets(t: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    t = _logits(arguments.finite("t", t))
    q = arguments.same_shape("q", q, "t", t)
    arguments.refuse("q", q, (q < 0) | (q > 1), "probabilities from 0 to 1")
    return t, q


def _logits_and_labels(t: ArrayLike, y: ArrayLike) -> tuple[Array, Labels]:
    t = _logits(arguments.real("t", t))
    return t, arguments.labels(y, t, like="t")


def _logits(t: Array) -> Array:
    if t.ndim != 1:
        raise ValueError(f"t: expected one logit for each data point, given shape {t.shape}")
    return t
