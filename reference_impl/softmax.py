"""Softmax regression for K classes: log-sum-exp, softmax, the NLL and its derivatives.

p_ia = softmax(z_i)_a with z_ia = w_a.x_i, that is Z = X W^T. Labels y_i are in {0, ..., K-1}; the
NLL is a sum over the data, not a mean; every class has its own weights w_a, the rows of W (K x n).
Sample weights s_i >= 0 multiply the terms of the sum; without them s_i = 1, and a point of weight
zero does not take part.

Everything is written with the differences to the largest z, and the largest is left out of the
sum: log sum_c e^z_c = m + log(1 + S), where S is the sum of e^(z_c - m) over the others. So
nothing overflows, and a confident right answer keeps its small loss, log(1 + S), and its small
residual, where log p and 1 - p would be 0.

`engine.softmax` computes the NLL and its derivatives block by block, in threads, and in float32.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, Labels, representable
from reference_impl.engine.error_free import two_diff, two_sums
from reference_impl.engine.log_sum_exp import logsumexp_near_zero
from reference_impl.quiet import quiet


@quiet
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

    Examples
    --------
    >>> from reference_impl.softmax import softmax
    >>> softmax([[0.0, 0.0], [1000.0, float("-inf")]]).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    z, axis = _classes_first(z, axis)
    terms = _terms(z)
    return _as_given(terms.e / (1.0 + terms.S), axis)


@quiet
def log_softmax(z: ArrayLike, axis: int = -1) -> Array:
    """``log_softmax.forward``: log S_u = z_u - logsumexp(z) along `axis`.

    By ``log_softmax.term_left_out`` it is (z_u - m) - log(1 + S). An entry -inf gives -inf, which
    is the limit.

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

    Examples
    --------
    >>> from reference_impl.softmax import log_softmax
    >>> log_softmax([1000.0, 0.0, float("-inf")]).tolist()
    [0.0, -1000.0, -inf]
    """
    z, axis = _classes_first(z, axis)
    terms = _terms(z)
    logarithm = terms.r - np.log1p(terms.S)
    logarithm += terms.d
    if not np.isfinite(logarithm).all():
        representable("log_softmax(z)", logarithm[np.isfinite(z)])
    return _as_given(logarithm, axis)


@quiet
def logsumexp(
    z: ArrayLike,
    axis: int | tuple[int, ...] | None = -1,
    *,
    b: ArrayLike | None = None,
    keepdims: bool = False,
) -> Array:
    """``softmax.term_left_out``: log sum_c e^z_c = m + log(1 + S) along `axis`.

    Where the two summands cancel by half or more, twice the digits are used. The limits are
    returned: inf if an entry is inf, -inf if all are -inf.

    Parameters
    ----------
    z : array_like
        Real numbers or infinities.
    axis : int, tuple of int, or None
        What is summed over; None means all axes.
    b : array_like, optional
        Factors b_c >= 0 of the e^z_c, of a shape that broadcasts to that of z: log b_c is added
        to z_c, and the result is that of the sums, rounded. A factor 0 leaves its entry out.
    keepdims : bool
        Whether the axes that are summed over stay, with length 1.

    Returns
    -------
    float64 array of the shape of z without `axis`

    Raises
    ------
    TypeError, ValueError
        For values that are not real numbers, for NaN, and for factors below zero.

    Examples
    --------
    >>> from reference_impl.softmax import logsumexp
    >>> print(logsumexp([1000.0, -1000.0]), logsumexp([float("-inf")] * 2))
    1000.0 -inf
    >>> print(round(float(logsumexp([0.0, 0.0], b=[1, 3])), 6))  # log 4
    1.386294
    """
    z = arguments.real("z", z)
    axes = arguments.axes(axis, z)
    if b is not None:
        b = arguments.factors("b", b, z)
        z = np.where(b > 0.0, z + np.log(b), -np.inf)  # b = 0 leaves out e^z = inf, too
    kept = [size for position, size in enumerate(z.shape) if position not in axes]
    terms = math.prod(z.shape[position] for position in axes)
    columns = np.moveaxis(z, axes, range(len(axes))).reshape(terms, math.prod(kept))
    m, logarithm = columns.max(axis=0), np.log1p(_left_out(columns).S)
    result = np.where(np.isinf(m), m, m + logarithm)
    cancelled = np.abs(result) < 0.5 * logarithm
    if cancelled.any():
        result[cancelled] = logsumexp_near_zero(columns[:, cancelled])
    ones = [1 if position in axes else size for position, size in enumerate(z.shape)]
    return result.reshape(ones if keepdims else kept)[()]


@quiet
def losses(z: ArrayLike, y: ArrayLike) -> Array:
    """``log_softmax.term_left_out``: -log p_{i, y_i} = log(1 + S) - (z_{i, y_i} - m).

    Where y_i is the class of the largest logit it is log(1 + S), small for a confident answer.
    The sum of the losses is ``softmax.nll``.

    Parameters
    ----------
    z : array_like, shape (N, K)
        Logits, one data point a row; -inf is allowed if another entry of the row is finite.
    y : array_like, shape (N,)
        Labels 0 to K-1.

    Returns
    -------
    float64 array, shape (N,)
        inf where the logit of the label is -inf, which is the limit.

    Raises
    ------
    TypeError, ValueError
        For z as in `log_softmax`, for labels of a wrong type, shape or value, and for a loss
        beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.softmax import losses
    >>> losses([[1000.0, 0.0], [1000.0, 0.0]], [0, 1]).tolist()
    [0.0, 1000.0]
    """
    z, y = _logits_and_labels(z, y)
    terms, at_label = _terms(np.ascontiguousarray(z.T)), (y, np.arange(len(y)))
    result = (np.log1p(terms.S) - terms.r[at_label]) - terms.d[at_label]
    representable("the loss", result[np.isfinite(z.T[at_label])])
    return result


@quiet
def residuals(z: ArrayLike, y: ArrayLike) -> Array:
    """``softmax.label_left_out``: P - Y, the derivative of each loss by its logits.

    Entry (i, a) is p_ia - [y_i = a]. That of the label is -(the sum of the other p_ib), where
    p_ia - 1 would cancel.

    Parameters
    ----------
    z, y
        As in `losses`.

    Returns
    -------
    float64 array, shape (N, K)

    Raises
    ------
    TypeError, ValueError
        For z as in `softmax`, and for labels of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.softmax import residuals
    >>> residuals([[0.0, 0.0, float("-inf")]], [0]).tolist()
    [[-0.5, 0.5, 0.0]]
    """
    z, y = _logits_and_labels(z, y)
    terms, at_label = _terms(np.ascontiguousarray(z.T)), (y, np.arange(len(y)))
    e = terms.e.copy()
    e[at_label] = -(terms.S + (1.0 - e[at_label]))
    return np.ascontiguousarray((e / (1.0 + terms.S)).T)


@quiet
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

    Examples
    --------
    >>> from reference_impl import softmax
    >>> X, y = [[1.0, -1.0], [1.0, 0.0], [1.0, 2.0]], [0, 1, 2]
    >>> W = [[0.0, 0.0]] * 3
    >>> print(round(float(softmax.nll(W, X, y)), 6))  # 3 log 3
    3.295837
    """
    Z, _, _, y, s = _given(W, X, y, sample_weight)
    return np.float64(representable("the NLL", (s * losses(Z, y)).sum()))


@quiet
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

    Examples
    --------
    >>> from reference_impl import softmax
    >>> X, y = [[1.0, -1.0], [1.0, 0.0], [1.0, 2.0]], [0, 1, 2]
    >>> softmax.nll_gradient([[0.0, 0.0]] * 3, X, y).round(6).tolist()
    [[0.0, 1.333333], [0.0, 0.333333], [0.0, -1.666667]]
    """
    Z, _, X, y, s = _given(W, X, y, sample_weight)
    return representable("the gradient of the NLL", (s[:, np.newaxis] * residuals(Z, y)).T @ X)


def nll_and_gradient(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[np.float64, Array]:
    """``softmax.nll`` and ``softmax.nll_gradient`` together, for what minimises.

    Parameters and errors are those of `nll`; returns (float64, float64 array of shape (K, n)).

    Examples
    --------
    >>> from reference_impl import softmax
    >>> value, gradient = softmax.nll_and_gradient([[0.0], [0.0]], [[1.0], [1.0]], [0, 0])
    >>> round(float(value), 6), gradient.tolist()
    (1.386294, [[-1.0], [1.0]])
    """
    return (
        nll(W, X, y, sample_weight=sample_weight),
        nll_gradient(W, X, y, sample_weight=sample_weight),
    )


@quiet
def nll_hessian(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``softmax.nll_hessian``: H_ab = X^T diag(s o p_a o ([a = b] - p_b)) X for classes a, b.

    The blocks with a /= b are -A^T A, A = diag(s o p_a o p_b)^(1/2) X, and exactly symmetric; by
    ``softmax.hessian_blocks_sum_to_zero`` H_aa = -sum_{b /= a} H_ab, in which 1 - p_a does not occur.

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

    Examples
    --------
    >>> from reference_impl import softmax
    >>> X, y = [[1.0, 2.0]], [0]
    >>> softmax.nll_hessian([[0.0, 0.0]] * 2, X, y)[0, :, 1].tolist()  # block (0, 1): -x x^T / 4
    [[-0.25, -0.5], [-0.5, -1.0]]
    """
    Z, W, X, _, s = _given(W, X, y, sample_weight)
    K, n = W.shape
    P, H = softmax(Z), np.zeros((K, n, K, n))
    for a in range(K):
        for b in range(a):
            A = np.sqrt(s * P[:, a] * P[:, b])[:, np.newaxis] * X
            H[a, :, b, :] = H[b, :, a, :] = -np.dot(A.T, A)
    for a in range(K):
        H[a, :, a, :] = -H[a].sum(axis=1)
    return representable("the Hessian of the NLL", H)


@quiet
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

    Examples
    --------
    >>> from reference_impl import softmax
    >>> X, y = [[1.0, 2.0]], [0]
    >>> softmax.nll_hvp([[0.0, 0.0]] * 2, X, y, [[1.0, 0.0], [0.0, 0.0]]).tolist()
    [[0.25, 0.5], [-0.25, -0.5]]
    """
    Z, W, X, _, s = _given(W, X, y, sample_weight)
    Q = X @ arguments.same_shape("V", V, "W", W).T
    Q = Q - np.take_along_axis(Q, Z.argmax(axis=1, keepdims=True), axis=1)
    P = softmax(Z)
    q = (P * Q).sum(axis=1, keepdims=True)
    return representable("the Hessian-vector product", (s[:, np.newaxis] * P * (Q - q)).T @ X)


class _Terms(NamedTuple):
    """d + r = z - m, exactly; e = e^(z - m); S, the sum of e over the classes but the largest."""

    d: Array
    r: Array
    e: Array
    S: Array


def _left_out(z: Array) -> _Terms:
    """Return the terms of z, classes first; m is the largest entry, which S leaves out.

    The rounding error r of z - m matters because e^(z - m) carries it over as a relative one: at
    z - m = -700 it would be 250 ulp.
    """
    d, r = two_diff(z, z.max(axis=0))
    if not (finite := np.isfinite(d)).all():
        r[~finite] = 0.0
    largest = np.expand_dims(z.argmax(axis=0), 0)
    e = _exp(d, r)
    S, error = two_sums(_without(e, largest))
    S += error
    if (tiny := S < 1e-290).any():  # subnormal terms, each rounded: add them e^128 times as large
        large, error = two_sums(_without(_exp(np.minimum(d, -256.0) + 128.0, r), largest))
        S = np.where(tiny, (large + error) * np.exp(-128.0), S)
    return _Terms(d, r, e, S)


def _without(terms: Array, places: Labels) -> Array:
    """Return the terms with zeros at some places along the first axis."""
    others = terms.copy()
    np.put_along_axis(others, places, 0.0, axis=0)
    return others


def _exp(d: Array, r: Array) -> Array:
    """Return e^(d + r) to first order in the rounding error r."""
    e: Array = np.exp(d)
    e += e * r
    return e


def _terms(z: Array) -> _Terms:
    """Return the terms of z, classes first, where softmax has a limit.

    Raises
    ------
    ValueError
        For inf, and for nothing but -inf.
    """
    largest = z.max(axis=0)
    if (largest == np.inf).any():
        raise ValueError("z: expected numbers below inf, given inf: softmax has no limit there")
    if (largest == -np.inf).any():
        raise ValueError(
            "z: expected a finite entry for each data point, given -inf in all of them: softmax "
            "has no limit there"
        )
    return _left_out(z)


def _classes_first(z: ArrayLike, axis: int) -> tuple[Array, int]:
    z = arguments.real("z", z)
    position = arguments.axis(axis, z)
    return np.ascontiguousarray(np.moveaxis(z, position, 0)), position


def _as_given(result: Array, axis: int) -> Array:
    return np.ascontiguousarray(np.moveaxis(result, 0, axis))


def _logits_and_labels(z: ArrayLike, y: ArrayLike) -> tuple[Array, Labels]:
    z = arguments.real("z", z)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"z: expected shape (N, K) with K >= 2 classes, given shape {z.shape}")
    return z, arguments.labels(y, z, z.shape[1], like="z")


def _given(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Array, Labels, Array]:
    """Return Z = X W^T, W, X, y and s, without the points of weight zero."""
    X = arguments.design_matrix(X)
    W = arguments.class_weights("W", W, X)
    X, y, s = arguments.data(X, y, sample_weight, len(W))
    return representable("a logit x_i.w_a", X @ W.T), W, X, y, s
