"""Softmax regression for K classes: log-sum-exp, softmax, the NLL and its derivatives.

p_ia = softmax(z_i)_a with z_ia = w_a.x_i, that is Z = X W^T. Labels y_i are in {0, ..., K-1}; the
NLL is a sum over the data, not a mean; every class has its own weights w_a, the rows of W (K x n).
Sample weights s_i >= 0 multiply the terms of the sum; without them s_i = 1.

Everything is written with the differences to the largest z, and the largest is left out of the
sum: log sum_c e^z_c = m + log(1 + S), where S is the sum of e^(z_c - m) over the others. So
nothing overflows, and a confident right answer keeps its small loss, log(1 + S), and its small
residual, where log p and 1 - p would be 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from reference_impl import arguments, row_blocks, softmax_blocks
from reference_impl.arguments import Array, representable
from reference_impl.error_free import two_diff, two_sums
from reference_impl.log_sum_exp import logsumexp_near_zero

FEW = 64  # with fewer classes, sums by halves are within 3 ulp; with more, their errors are kept


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
    rows = _rows(z, axis)
    result = np.empty_like(rows)
    for block, terms in _by_block(rows):
        _refuse_without_limit(terms.m, axis)
        result[block] = np.divide(terms.e, 1.0 + terms.S, out=terms.e)
    return _as_given(result, z, axis)


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
    """
    z = arguments.real("z", z)
    axis = arguments.axis(axis, z)
    rows = _rows(z, axis)
    result = np.empty_like(rows)
    for block, terms in _by_block(rows):
        _refuse_without_limit(terms.m, axis)
        logarithm = terms.r
        logarithm -= np.log1p(terms.S)
        logarithm += terms.d
        if terms.d.min() == -np.inf:
            representable("log_softmax(z)", logarithm[np.isfinite(rows[block])])
        result[block] = logarithm
    return _as_given(result, z, axis)


def logsumexp(z: ArrayLike, axis: int = -1) -> Array:
    """``softmax.term_left_out``: log sum_c e^z_c = m + log(1 + S) along `axis`.

    Where the two summands cancel by half or more, twice the digits are used. The limits are
    returned: inf if an entry is inf, -inf if all are -inf.

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
    rows = _rows(z, axis)
    result = np.empty(len(rows))
    for block, terms in _by_block(rows):
        m, logarithm = terms.m[:, 0], np.log1p(terms.S[:, 0])
        # Where the largest is infinite, it is the result: what the sum gives there is not used.
        value = np.where(np.isinf(m), m, m + logarithm)
        cancelled = np.abs(value) < 0.5 * logarithm
        if cancelled.any():
            value[cancelled] = logsumexp_near_zero(rows[block][cancelled].T)
        result[block] = value
    return result.reshape(z.shape[:axis] + z.shape[axis + 1 :])[()]


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
    """
    z, y = _logits_and_labels(z, y)
    result = np.empty(len(z))
    for block, terms in _by_block(z):
        _refuse_without_limit(terms.m, axis=1)
        at_label = np.arange(len(y[block])), y[block]
        result[block] = (np.log1p(terms.S[:, 0]) - terms.r[at_label]) - terms.d[at_label]
    representable("the loss", result[np.isfinite(z[np.arange(len(z)), y])])
    return result


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
    """
    z, y = _logits_and_labels(z, y)
    result = np.empty_like(z)
    for block, terms in _by_block(z):
        _refuse_without_limit(terms.m, axis=1)
        at_label = np.arange(len(y[block])), y[block]
        e = terms.e
        e[at_label] = -(terms.S[:, 0] + (1.0 - e[at_label]))
        result[block] = np.divide(e, 1.0 + terms.S, out=e)
    return result


@dataclass(frozen=True)
class _Terms:
    """The exponentials e = e^(z - m) of a block of rows, and S, their sum without the largest.

    z - m = d + r exactly. The rounding error r matters because e^(z - m) carries it over as a
    relative one: at z - m = -700 it would be 250 ulp.
    """

    m: Array
    d: Array
    r: Array
    e: Array
    S: Array


def _by_block(rows: Array) -> Iterator[tuple[slice, _Terms]]:
    """Yield slices of about 2^14 numbers, which stay in the cache, and their terms.

    The terms are in arrays that are kept for the next block: to get new ones from the system, page
    by page, would take as long as all the arithmetic.
    """
    K = rows.shape[1]
    step = max(1, min(2**14 // K, len(rows)))
    # Sums over few classes run faster when each column is contiguous.
    kept = [np.empty((step, K), order="F" if K < FEW else "C") for _ in range(4)]
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        z = np.asfortranarray(rows[block]) if K < FEW else rows[block]
        yield block, _terms(z, *(array[: len(z)] for array in kept))


def _terms(z: Array, d: Array, r: Array, e: Array, work: Array) -> _Terms:
    m = z.max(axis=1, keepdims=True)
    with np.errstate(over="ignore", invalid="ignore"):  # -inf, or a difference beyond 1.8e308
        two_diff(z, m, d, r, work)
        if not np.isfinite(d.min()):
            r[~np.isfinite(d)] = 0.0
        _exp(d, r, e, work)
    return _Terms(m, d, r, e, _sum_of_others(d, r, e, work))


def _exp(d: Array, r: Array, e: Array, work: Array) -> None:
    """Write e^(d + r) into e, to first order in the rounding error r."""
    np.exp(d, out=e)
    e += np.multiply(e, r, out=work)


def _sum_of_others(d: Array, r: Array, e: Array, work: Array) -> Array:
    """Return the sum of e without its largest term, 1, as a column."""
    if e.shape[1] < FEW:
        ones = np.floor(e, out=work)  # all that are 1, to the last digit
        more = ones.sum(axis=1, keepdims=True) - 1.0
        S = _by_halves(np.subtract(e, ones, out=work)) + more
    else:
        total, error = two_sums(e)
        S = (total - 1.0) + error
    tiny = S[:, 0] < 1e-290
    if tiny.any():  # many subnormal terms, each rounded: add them up e^128 times as large
        d, r = d[tiny], r[tiny]
        others = np.empty_like(d)
        _exp(d + 128.0, r, others, np.empty_like(d))  # d < -512, so that d + 128 is exact
        others[d == 0.0] = 0.0
        S[tiny] = two_sums(others)[0] * np.exp(-128.0)
    return S


def _by_halves(a: Array) -> Array:
    """Return the sums of the rows as a column; a is used up. log2 K roundings, not K - 1."""
    while a.shape[1] > 1:
        half = a.shape[1] // 2
        if a.shape[1] % 2:
            a[:, :1] += a[:, 2 * half :]
        a[:, :half] += a[:, half : 2 * half]
        a = a[:, :half]
    return a


def _rows(z: Array, axis: int) -> Array:
    """Return z as a matrix with the classes along its rows."""
    return np.moveaxis(z, axis, -1).reshape(-1, z.shape[axis])


def _as_given(rows: Array, z: Array, axis: int) -> Array:
    """Return what was computed for `_rows(z, axis)` in the shape of z."""
    shape = np.moveaxis(z, axis, -1).shape
    return np.ascontiguousarray(np.moveaxis(rows.reshape(shape), -1, axis))


def _logits_and_labels(z: ArrayLike, y: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
    z = arguments.real("z", z)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"z: expected shape (N, K) with K >= 2 classes, given shape {z.shape}")
    return z, arguments.labels(y, z, z.shape[1], like="z")


def _refuse_without_limit(m: Array, axis: int) -> None:
    if (m == np.inf).any():
        raise ValueError("z: expected numbers below inf, given inf: softmax has no limit there")
    if (m == -np.inf).any():
        raise ValueError(
            f"z: expected a finite entry along axis {axis}, given -inf in all of them: softmax "
            f"has no limit there"
        )


def nll(
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
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
    dtype : float64 or float32
        The type in which the terms are computed; they are added in float64.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    float64

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a result beyond 1.8e308 (with
        float32, for numbers beyond 3.4e38).
    """
    W, data = _given(W, X, y, sample_weight)
    dtype = row_blocks.floating(dtype)
    (value,) = row_blocks.total(
        lambda m: softmax_blocks.nll_and_gradient(W, m, dtype, with_gradient=False),
        data,
        softmax_blocks.fitting(W, dtype),
        ["the NLL"],
        dtype=dtype,
        threads=threads,
    )
    return np.float64(value)


def nll_gradient(
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
) -> Array:
    """``softmax.nll_gradient``: (P - Y)^T X, weighted (diag(s) (P - Y))^T X.

    Y_ia = [y_i = a] is the indicator.

    Parameters
    ----------
    W, X, y, sample_weight, dtype, threads
        As in `nll`.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    return nll_and_gradient(W, X, y, sample_weight=sample_weight, dtype=dtype, threads=threads)[1]


def nll_and_gradient(
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
) -> tuple[np.float64, Array]:
    """``softmax.nll`` and ``softmax.nll_gradient`` from one read of X.

    Parameters
    ----------
    W, X, y, sample_weight, dtype, threads
        As in `nll`.

    Returns
    -------
    (float64, float64 array of shape (K, n))

    Raises
    ------
    TypeError, ValueError
        As in `nll`.
    """
    W, data = _given(W, X, y, sample_weight)
    dtype = row_blocks.floating(dtype)
    value, gradient = row_blocks.total(
        lambda m: softmax_blocks.nll_and_gradient(W, m, dtype),
        data,
        softmax_blocks.fitting(W, dtype),
        ["the NLL", "the gradient of the NLL"],
        dtype=dtype,
        threads=threads,
    )
    return np.float64(value), gradient


def nll_hessian(
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    threads: int = 1,
) -> Array:
    """``softmax.nll_hessian``: H_ab = X^T diag(s o p_a o ([a = b] - p_b)) X for classes a, b.

    H_ab = H_ba for a /= b, and each of these blocks is symmetric: only the pairs a < b and, in
    them, the features k <= l are computed, as one product of (s p_a p_b)_i with (x_ik x_il)_i for
    each k. The diagonal blocks follow by ``softmax.hessian_blocks_sum_to_zero``,
    H_aa = -sum_{b /= a} H_ab, in which 1 - p_a does not occur. The result is exactly symmetric.

    Parameters
    ----------
    W, X, y, sample_weight, threads
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
    W, data = _given(W, X, y, sample_weight)
    K, n = W.shape
    # x_k x_l for all pairs of features, or p_a p_b for all pairs of classes: what are fewer.
    pairs = K * (K - 1) // 2
    over_features = n <= 2 * pairs
    of_block = (
        softmax_blocks.hessian_over_features
        if over_features
        else softmax_blocks.hessian_over_classes
    )
    most = max(row_blocks.fitting(2 * n + K + pairs * over_features), 256, n)
    (sums,) = row_blocks.total(
        lambda m: of_block(W, m), data, most, ["the Hessian of the NLL"], threads=threads
    )
    H = np.empty((K, n, K, n))
    for S, (a, b) in zip(sums, combinations(range(K), 2), strict=True):
        H[a, :, b, :] = H[b, :, a, :] = -(np.triu(S) + np.triu(S, 1).T)
    for a in range(K):
        H[a, :, a, :] = 0.0
        H[a, :, a, :] = -H[a].sum(axis=1)
    return H


def nll_hvp(
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    V: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    threads: int = 1,
) -> Array:
    """``softmax.nll_hvp``: (diag(s) (P o (Q - q 1^T)))^T X with Q = X V^T, q_i = sum_b p_ib Q_ib.

    H is not formed. Q is first reduced by its entry at the likeliest class, which by
    ``softmax.null_space`` changes nothing, and without which Q - q would cancel for a
    confident answer.

    Parameters
    ----------
    W, X, y, sample_weight, threads
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
    W, data = _given(W, X, y, sample_weight)
    V = arguments.same_shape("V", V, "W", W)

    (HV,) = row_blocks.total(
        lambda m: softmax_blocks.nll_hvp(W, V, m),
        data,
        softmax_blocks.fitting(W),
        ["the Hessian-vector product"],
        threads=threads,
    )
    return HV


def _given(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, row_blocks.Rows]:
    X = row_blocks.design_matrix(X)
    W = arguments.class_weights("W", W, X)
    return W, row_blocks.rows(X, y, sample_weight, len(W))
