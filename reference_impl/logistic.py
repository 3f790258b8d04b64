"""Binary logistic regression: the negative log-likelihood (NLL) and its derivatives.

p_i = sigma(z_i) with z = X w. Labels y_i are in {0, 1}; the NLL is a sum over the data, not a
mean; a column of ones in X carries the intercept. Sample weights s_i >= 0 multiply the terms of
the sum; without them s_i = 1.

1 - p_i is always computed as sigma(-z_i): a confident right answer keeps its small loss and its
small residual, where 1 - p_i would be 0.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.sigmoid import sigmoid, softplus


def nll(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> np.float64:
    """``logistic.nll``: -sum_i s_i (y_i log p_i + (1 - y_i) log(1 - p_i)).

    Parameters
    ----------
    w : array_like, shape (n,)
        Coefficients.
    X : array_like, shape (N, n)
        Design matrix, one data point a row.
    y : array_like, shape (N,)
        Labels 0 and 1.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.

    Returns
    -------
    float64

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a result beyond 1.8e308.
    """
    w, X, y, s = _checked(w, X, y, sample_weight)
    return _nll(_logits(w, X), y, s)


def nll_gradient(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``logistic.nll_gradient``: X^T (p - y), weighted X^T (s o (p - y)).

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    w, X, y, s = _checked(w, X, y, sample_weight)
    return _gradient(_logits(w, X), X, y, s)


def nll_and_gradient(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[np.float64, Array]:
    """``logistic.nll`` and ``logistic.nll_gradient`` from one evaluation of z = X w.

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`.

    Returns
    -------
    (float64, float64 array of shape (n,))

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    w, X, y, s = _checked(w, X, y, sample_weight)
    z = _logits(w, X)
    return _nll(z, y, s), _gradient(z, X, y, s)


def nll_hessian(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``logistic.nll_hessian``: X^T diag(s o p o (1 - p)) X, exactly symmetric.

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`. The Hessian does not depend on y, which is only checked.

    Returns
    -------
    float64 array, shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    w, X, y, s = _checked(w, X, y, sample_weight)
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        A = np.sqrt(s * _variance(_logits(w, X)))[:, np.newaxis] * X
        return representable("the Hessian of the NLL", A.T @ A)


def nll_hvp(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    v: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> Array:
    """``logistic.nll_hvp``: H v = X^T (s o p o (1 - p) o (X v)), without forming H.

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`.
    v : array_like, shape (n,)
        Direction.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    w, X, y, s = _checked(w, X, y, sample_weight)
    v = arguments.vector("v", v, X)
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        Hv = X.T @ (s * _variance(_logits(w, X)) * (X @ v))
    return representable("the Hessian-vector product", Hv)


def _checked(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, NDArray[np.int64], Array]:
    X = arguments.design_matrix(X)
    w = arguments.vector("w", w, X)
    return w, X, arguments.labels(y, X), arguments.weights(sample_weight, X)


def _logits(w: Array, X: Array) -> Array:
    """Return z_i = sum_k x_ik w_k."""
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        return representable("X w", X @ w)


# The next two hold for every real y, not only for labels 0 and 1: tests use that.


def _nll(z: Array, y: NDArray[np.int64] | Array, s: Array) -> np.float64:
    """Return sum_i s_i (y_i softplus(-z_i) + (1 - y_i) softplus(z_i)); -log p = softplus(-z)."""
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        return representable("the NLL", np.sum(s * (y * softplus(-z) + (1 - y) * softplus(z))))


def _gradient(z: Array, X: Array, y: NDArray[np.int64] | Array, s: Array) -> Array:
    """Return X^T (s o (p - y)); p - y = (1 - y) p - y (1 - p), in which nothing cancels."""
    residual = (1 - y) * sigmoid(z) - y * sigmoid(-z)
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        return representable("the gradient of the NLL", X.T @ (s * residual))


def _variance(z: Array) -> Array:
    """Return p_i (1 - p_i), the variance of the label."""
    return sigmoid(z) * sigmoid(-z)
