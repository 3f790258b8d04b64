"""The sigmoid and its relatives, without overflow and accurate over the whole range.

All three are written with e^-|t| <= 1. Every result is within 4 ulp of the exact value, also
where it is subnormal; the limits at -inf and +inf are returned as such.
"""

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array


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
    """
    t = arguments.real("t", t)
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1.0, e) / (1.0 + e)


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
    """
    t = arguments.real("t", t)
    return np.minimum(t, 0.0) - np.log1p(np.exp(-np.abs(t)))


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
    """
    t = arguments.real("t", t)
    return np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))
