"""Softmax regression for K classes: log-sum-exp, softmax, the NLL and its derivatives.

p_ia = softmax(z_i)_a with z_ia = w_a.x_i, that is Z = X W^T. Labels y_i are in {0, ..., K-1}; the
NLL is a sum over the data, not a mean; every class has its own weights w_a, the rows of W (K x n).
Sample weights s_i >= 0 multiply the terms of the sum; without them s_i = 1.

Everything is written with the differences to the largest z, and the largest is left out of the
sum: log sum_c e^z_c = m + log(1 + S), where S is the sum of e^(z_c - m) over the others. So
nothing overflows, and a confident right answer keeps its small loss, log(1 + S), and its small
residual, where log p and 1 - p would be 0.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array, representable


def softmax(z: ArrayLike, axis: int = -1) -> Array:
    """``softmax.definition``: S_u = e^z_u / sum_c e^z_c along `axis`.

    An entry -inf has the probability 0, which is the limit.

    Parameters
    ----------
    z : array_like
        Real numbers; -inf is allowed if another entry along the axis is finite.
    axis : int
        The axis of the classes.

    Returns
    -------
    float64 array of the shape of z

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, NaN, inf, or nothing but -inf along the axis.
    """
    z = arguments.real("z", z)
    axis = arguments.axis(axis, z)
    _refuse_without_limit(z, axis)
    top, difference, rounding = _differences_to_largest(z, axis)
    e = _exp(difference, rounding)
    return e / (1.0 + _sum_of_others(e, top, axis))


def log_softmax(z: ArrayLike, axis: int = -1) -> Array:
    """``log_softmax.forward``: log S_u = z_u - logsumexp(z) along `axis`.

    It is (z_u - m) - log(1 + S). An entry -inf gives -inf, which is the limit.

    Parameters
    ----------
    z : array_like
        Real numbers; -inf is allowed if another entry along the axis is finite.
    axis : int
        The axis of the classes.

    Returns
    -------
    float64 array of the shape of z

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, NaN, inf, or nothing but -inf along the axis, and
        for a result below -1.8e308.
    """
    z = arguments.real("z", z)
    axis = arguments.axis(axis, z)
    _refuse_without_limit(z, axis)
    result = _log_softmax(z, axis)
    representable("log_softmax(z)", result[np.isfinite(z)])
    return result


def logsumexp(z: ArrayLike, axis: int = -1) -> Array:
    """``softmax.shift_invariance``: log sum_c e^z_c = m + log(1 + S) along `axis`.

    The limits are returned: inf if an entry is inf, -inf if all are -inf.

    Parameters
    ----------
    z : array_like
        Real numbers or infinities.
    axis : int
        The axis that is summed over.

    Returns
    -------
    float64 array of the shape of z without `axis`

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, and for NaN.
    """
    z = arguments.real("z", z)
    axis = arguments.axis(axis, z)
    m = z.max(axis)
    # Where the largest is infinite, it is the result: the sum is not looked at.
    z = np.where(np.isfinite(np.expand_dims(m, axis)), z, 0.0)
    top, difference, rounding = _differences_to_largest(z, axis)
    S = _sum_of_others(_exp(difference, rounding), top, axis)
    result: Array = m + np.log1p(np.squeeze(S, axis))
    return result


def nll(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> np.float64:
    """``softmax.nll``: -sum_i s_i log p_{i, y_i}.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Coefficients, one class a row.
    X : array_like, shape (N, n)
        Design matrix, one data point a row.
    y : array_like, shape (N,)
        Labels 0 to K-1.
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
    W, X, y, s = _checked(W, X, y, sample_weight)
    return _nll(_logits(W, X), y, s)


def nll_gradient(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``softmax.nll_gradient``: (P - Y)^T X, weighted (diag(s) (P - Y))^T X.

    Y_ia = [y_i = a] is the indicator.

    Parameters
    ----------
    W, X, y, sample_weight
        As in `nll`.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    W, X, y, s = _checked(W, X, y, sample_weight)
    return _gradient(_logits(W, X), X, y, s)


def nll_and_gradient(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[np.float64, Array]:
    """``softmax.nll`` and ``softmax.nll_gradient`` from one evaluation of Z = X W^T.

    Parameters
    ----------
    W, X, y, sample_weight
        As in `nll`.

    Returns
    -------
    (float64, float64 array of shape (K, n))

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    W, X, y, s = _checked(W, X, y, sample_weight)
    Z = _logits(W, X)
    return _nll(Z, y, s), _gradient(Z, X, y, s)


def nll_hessian(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``softmax.nll_hessian``: H_ab = X^T diag(s o p_a o ([a = b] - p_b)) X for classes a, b.

    H_ab = H_ba for a /= b, and the diagonal blocks follow from the others by
    ``softmax.hessian_blocks_sum_to_zero``, H_aa = -sum_{b /= a} H_ab, in which 1 - p_a does not
    occur. The result is exactly symmetric.

    Parameters
    ----------
    W, X, y, sample_weight
        As in `nll`. The Hessian does not depend on y, which is only checked.

    Returns
    -------
    float64 array, shape (K, n, K, n)
        Entry [a, k, b, l] is the derivative with respect to W_ak and W_bl.

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    W, X, y, s = _checked(W, X, y, sample_weight)
    K, n = W.shape
    P = softmax(_logits(W, X))
    H = np.zeros((K, n, K, n))
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        for a in range(K):
            for b in range(a):
                A = np.sqrt(s * P[:, a] * P[:, b])[:, np.newaxis] * X
                H[a, :, b, :] = H[b, :, a, :] = -(A.T @ A)
        for a in range(K):
            H[a, :, a, :] = -H[a].sum(axis=1)
    return representable("the Hessian of the NLL", H)


def nll_hvp(
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    V: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> Array:
    """``softmax.nll_hvp``: (diag(s) (P o (Q - q 1^T)))^T X with Q = X V^T, q_i = sum_b p_ib Q_ib.

    H is not formed. Q is first reduced by its entry at the likeliest class, which by
    ``softmax.null_space`` changes nothing, and without which Q - q would cancel for a
    confident answer.

    Parameters
    ----------
    W, X, y, sample_weight
        As in `nll`.
    V : array_like, shape (K, n)
        Direction.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    W, X, y, s = _checked(W, X, y, sample_weight)
    V = arguments.same_shape("V", V, "W", W)
    P = softmax(_logits(W, X))
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        Q = X @ V.T
        Q = Q - np.take_along_axis(Q, P.argmax(axis=1)[:, np.newaxis], axis=1)
        q = np.sum(P * Q, axis=1, keepdims=True)
        HV = (s[:, np.newaxis] * P * (Q - q)).T @ X
    return representable("the Hessian-vector product", HV)


def _checked(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, NDArray[np.int64], Array]:
    X = arguments.design_matrix(X)
    W = arguments.class_weights("W", W, X)
    return W, X, arguments.labels(y, X, len(W)), arguments.weights(sample_weight, X)


def _logits(W: Array, X: Array) -> Array:
    """Return z_ia = sum_k x_ik W_ak."""
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        return representable("X W^T", X @ W.T)


def _nll(Z: Array, y: NDArray[np.int64], s: Array) -> np.float64:
    loss = 0.0 - _log_softmax(Z, axis=1)[np.arange(len(y)), y]  # a loss of 0 is not -0.0
    with np.errstate(over="ignore"):  # reported by `representable`
        return representable("the NLL", np.sum(s * loss))


def _gradient(Z: Array, X: Array, y: NDArray[np.int64], s: Array) -> Array:
    R = s[:, np.newaxis] * _residual(softmax(Z), y)
    with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
        return representable("the gradient of the NLL", R.T @ X)


def _residual(P: Array, y: NDArray[np.int64]) -> Array:
    """Return p_ia - [y_i = a]; for the right class it is -(the sum of the other p_ib)."""
    rows = np.arange(len(y))
    R = P.copy()
    R[rows, y] = 0.0
    R[rows, y] = -R.sum(axis=1)
    return R


def _log_softmax(z: Array, axis: int) -> Array:
    top, difference, rounding = _differences_to_largest(z, axis)
    S = _sum_of_others(_exp(difference, rounding), top, axis)
    return difference + (rounding - np.log1p(S))


def _differences_to_largest(z: Array, axis: int) -> tuple[NDArray[np.intp], Array, Array]:
    """Return the position of the largest m, z - m, and the rounding error of z - m.

    The error matters because e^(z - m) carries it over as a relative one: at z - m = -700 it
    would be 250 ulp. It is exact (Knuth, TAOCP 2, 4.2.2, theorem B).
    """
    top = np.expand_dims(z.argmax(axis), axis)
    m = np.take_along_axis(z, top, axis)
    with np.errstate(over="ignore", invalid="ignore"):  # -inf, or a difference beyond 1.8e308
        difference = z - m
        z_part = difference + m
        rounding = (z - z_part) - (m - (z_part - difference))
    return top, difference, np.where(np.isfinite(rounding), rounding, 0.0)


def _exp(difference: Array, rounding: Array) -> Array:
    """Return e^(difference + rounding), to first order in the rounding error."""
    e = np.exp(difference)
    return e + e * rounding


def _sum_of_others(e: Array, top: NDArray[np.intp], axis: int) -> Array:
    """Return the sum of e along the axis, kept, without the entry at `top`."""
    others = e.copy()
    np.put_along_axis(others, top, 0.0, axis)
    return np.asarray(others.sum(axis, keepdims=True))


def _refuse_without_limit(z: Array, axis: int) -> None:
    largest = z.max(axis)
    if (largest == np.inf).any():
        raise ValueError("z: expected numbers below inf, given inf: softmax has no limit there")
    if (largest == -np.inf).any():
        raise ValueError(
            f"z: expected a finite entry along axis {axis}, given -inf in all of them: softmax "
            f"has no limit there"
        )
