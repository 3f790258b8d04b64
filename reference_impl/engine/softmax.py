"""Softmax regression block by block: one read of X, in threads, in float32 where wanted.

The functions are those of `reference_impl.softmax`, with the same results up to rounding: what the
differences of two logits round off is left, with logits of several hundred up to 500 ulp of a
single loss, which the reference avoids. `dtype` is the type of the numbers in a block; the results
are float64 in any case.

Arrays of a block have one class in a row, one data point in a column: sums over the classes then run
along contiguous data points, 2 to 6 times faster than across them.
"""

import math
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import AnyArray, Array
from reference_impl.engine import compiled, sums
from reference_impl.engine.sums import OfBlock, Parts, Rows
from reference_impl.quiet import quiet


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
    W, X, y, sample_weight
        As in the reference.
    dtype : float64 or float32
        The type in which the terms of a block are computed and added; blocks are added in float64.
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

    Examples
    --------
    >>> from reference_impl.engine import softmax
    >>> f"{softmax.nll([[0.0], [0.0]], [[1.0]], [0]):.4f}"
    '0.6931'
    """
    W, data = _given(W, X, y, sample_weight)
    (value,) = _total(W, data, ["the NLL"], dtype, threads)
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

    Arguments and errors are those of `nll`; returns float64 array, shape (K, n).

    Examples
    --------
    >>> from reference_impl.engine import softmax
    >>> softmax.nll_gradient([[0.0], [0.0]], [[3.0]], [0]).tolist()
    [[-1.5], [1.5]]
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

    Arguments and errors are those of `nll`; returns (float64, float64 array of shape (K, n)).

    Examples
    --------
    >>> from reference_impl.engine import softmax
    >>> value, gradient = softmax.nll_and_gradient([[0.0], [0.0]], [[3.0]], [0])
    >>> f"{value:.4f}", gradient.tolist()
    ('0.6931', [[-1.5], [1.5]])
    """
    W, data = _given(W, X, y, sample_weight)
    names = ["the NLL", "the gradient of the NLL"]
    value, gradient = _total(W, data, names, dtype, threads)
    return np.float64(value), gradient


@quiet
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

    Arguments and errors are those of `nll`; returns float64 array, shape (K, n, K, n).

    Examples
    --------
    >>> from reference_impl.engine import softmax
    >>> softmax.nll_hessian([[0.0], [0.0]], [[2.0]], [0]).tolist()
    [[[[1.0], [-1.0]]], [[[-1.0], [1.0]]]]
    """
    W, data = _given(W, X, y, sample_weight)
    K, n = W.shape
    # x_k x_l for all pairs of features, or p_a p_b for all pairs of classes: what are fewer.
    pairs = K * (K - 1) // 2
    over_features = n <= 2 * pairs
    of_block = hessian_over_features if over_features else hessian_over_classes
    most = max(sums.fitting(2 * n + K + pairs * over_features), 256, n)
    (of_pairs,) = sums.total(
        lambda m: sums.one_by_one(of_block(W, m)),
        data,
        most,
        ["the Hessian of the NLL"],
        threads=threads,
    )
    H = np.empty((K, n, K, n))
    for S, (a, b) in zip(of_pairs, combinations(range(K), 2), strict=True):
        H[a, :, b, :] = H[b, :, a, :] = -(np.triu(S) + np.triu(S, 1).T)
    for a in range(K):
        H[a, :, a, :] = 0.0
        H[a, :, a, :] = -H[a].sum(axis=1)
    return arguments.representable("the Hessian of the NLL", H)


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

    Arguments and errors are those of `nll`, with a direction V of shape (K, n); returns
    float64 array, shape (K, n).

    Examples
    --------
    >>> from reference_impl.engine import softmax
    >>> softmax.nll_hvp([[0.0], [0.0]], [[2.0]], [0], [[1.0], [0.0]]).tolist()
    [[1.0], [-1.0]]
    """
    W, data = _given(W, X, y, sample_weight)
    V = arguments.same_shape("V", V, "W", W)

    (HV,) = sums.total(
        lambda m: sums.one_by_one(_hvp_of_block(W, V, m)),
        data,
        _fitting(W),
        ["the Hessian-vector product"],
        threads=threads,
    )
    return HV


def _given(
    W: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Rows]:
    X = sums.design_matrix(X)
    W = arguments.class_weights("W", W, X)
    return W, sums.rows(X, y, sample_weight, len(W))


def _fitting(W: Array, dtype: DTypeLike = np.float64) -> int:
    """Return the rows of a block; OpenBLAS has a faster product below 1,000,000 multiplications."""
    K, n = W.shape
    return max(1, min(sums.fitting(n + 2 * K + 4, dtype), 900_000 // (n * K)))


def _total(W: Array, data: Rows, names: list[str], dtype: DTypeLike, threads: int) -> list[Array]:
    """Return the NLL, and its gradient if there is a name for it."""
    kind = sums.floating(dtype)
    by_numpy = partial(_by_numpy, W, dtype=kind, with_gradient=len(names) == 2)
    loops = compiled.loops(kind)
    if loops is None:
        made = by_numpy, data, _fitting(W, kind), names
        return sums.total(*made, dtype=kind, threads=threads, together=(1, sums.LONGEST))
    numbers = W.shape[1] + 2 * len(W) + 4
    evaluation = compiled.Evaluation(loops.softmax, W, int, by_numpy, len(names) == 2)
    return evaluation.total(data, numbers, names, threads)


@quiet
def _by_numpy(W: Array, m: int, *, dtype: np.dtype[Any], with_gradient: bool) -> OfBlock:
    """Sum_i s_i log(1 + S_i), and (P - Y)^T diag(s) X.

    S_i is the sum of e^(z_ic - z_iy) over the classes c other than the right one, y = y_i. Their
    residuals are e^(z_ic - z_iy) / (1 + S_i), and that of y is minus their sum, -S_i / (1 + S_i):
    nothing cancels. What z_ic - z_iy rounds off is left: with logits of several hundred up to 500
    ulp of a single loss, which `softmax.losses` avoids.
    """
    W = W.astype(dtype, copy=False)
    K = len(W)
    kept, vectors, places = np.empty(K * m, dtype), np.empty((3, m), dtype), np.arange(m)

    @quiet
    def of_block(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
        blocks, rows = y.shape
        flat, (z_y, S, t) = kept[: K * y.size], vectors[:, : y.size].reshape(3, blocks, rows)
        E = flat.reshape(blocks, K, rows)
        first = K * rows * places[:blocks, np.newaxis]
        right = y.astype(np.int64) * rows + first + places[:rows]  # the places of z_iy in `flat`

        def exponentials(shift: AnyArray) -> None:
            np.subtract(E, shift[:, np.newaxis], out=E)
            np.exp(E, out=E)
            flat[right] = 0.0  # not in the sum
            np.add.reduce(E, axis=1, out=S)

        np.matmul(W, X.transpose(0, 2, 1), out=E)
        flat.take(right, out=z_y, mode="clip")
        if not E.min() > -np.inf:
            return undefined(blocks)
        exponentials(z_y)
        e_y = 1.0
        if S.max() < np.inf and math.isfinite(z_y.sum()):
            np.log1p(S, out=t)
        else:  # where e^(z_c - z_y) overflows, the largest logit is subtracted
            if not np.isfinite(z_y).all():
                return undefined(blocks)
            overflow = ~np.isfinite(S)
            np.matmul(W, X.transpose(0, 2, 1), out=E)
            shift = np.where(overflow, E.max(axis=1), z_y)
            exponentials(shift)
            lift = shift - z_y
            e_y = np.exp(-lift)
            np.log1p(S + (e_y - 1.0), out=t)
            t += lift  # log(e_y + S) + lift, which is log(1 + S) where z_y is subtracted
        if s is not None:
            t *= s
        value = np.add.reduce(t, axis=1)
        if not with_gradient:
            return (value,)
        np.add(S, e_y, out=t)
        np.divide(1.0, t, out=t)
        E *= t[:, np.newaxis]
        S *= t
        flat[right] = np.negative(S, out=S)
        if s is not None:
            E *= s[:, np.newaxis]  # last: before, a small weight would leave the others no digits
        return value, np.matmul(E, X)

    def undefined(blocks: int) -> Parts:
        nothing = np.full((blocks, *W.shape), np.nan)
        return (nothing[:, 0, 0], nothing)[: 1 + with_gradient]

    return of_block


def hessian_over_features(W: Array, m: int) -> OfBlock:
    """Sum_i (s p_a p_b)_i (x_k x_l)_i for a < b and k <= l: one product for each k.

    Returns an array of shape (pairs of classes, n, n); entries with l < k are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine.softmax import hessian_over_features
    >>> of_block = hessian_over_features(np.zeros((2, 1)), m=2)
    >>> of_block(np.array([[2.0], [4.0]]), np.array([0, 1]), None)[0].tolist()
    [[[5.0]]]
    """
    K, n = W.shape
    pairs = K * (K - 1) // 2
    kept_P, kept_Q, kept_X, kept_U = (np.empty(size * m) for size in (K, pairs, n, n))
    H = np.zeros((pairs, n, n))

    def of_block(X: Array, y: AnyArray, s: Array | None) -> Parts:
        rows = len(X)
        P, Q, columns, U = (
            kept[: size * rows].reshape(size, rows)
            for kept, size in ((kept_P, K), (kept_Q, pairs), (kept_X, n), (kept_U, n))
        )
        _probabilities(W, X, P)
        first = 0
        for a in range(K):
            of_a = Q[first : first + K - 1 - a]
            np.multiply(P[a], P[a + 1 :], out=of_a)
            first += len(of_a)
        np.multiply(X.T, 1.0 if s is None else np.sqrt(s), out=columns)
        for k in range(n):
            np.multiply(columns[k], columns[k:], out=U[k:])  # x_k x_l for l >= k
            H[:, k, k:] = Q @ U[k:].T
        return (H,)

    return of_block


def hessian_over_classes(W: Array, m: int) -> OfBlock:
    """Sum_i (s p_a p_b)_i (x_k x_l)_i for a < b: A^T A with A = diag(s p_a p_b)^(1/2) X.

    Returns an array of shape (pairs of classes, n, n).

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine.softmax import hessian_over_classes
    >>> of_block = hessian_over_classes(np.zeros((2, 1)), m=2)
    >>> of_block(np.array([[2.0], [4.0]]), np.array([0, 1]), None)[0].tolist()
    [[[5.0]]]
    """
    K, n = W.shape
    kept_P, kept_A = np.empty(K * m), np.empty((m, n))
    H = np.empty((K * (K - 1) // 2, n, n))

    def of_block(X: Array, y: AnyArray, s: Array | None) -> Parts:
        P, A = kept_P[: K * len(X)].reshape(K, len(X)), kept_A[: len(X)]
        _probabilities(W, X, P)
        pair = 0
        for a in range(K):
            for b in range(a + 1, K):
                q = P[a] * P[b] if s is None else s * P[a] * P[b]
                np.multiply(np.sqrt(q, out=q)[:, np.newaxis], X, out=A)
                np.dot(A.T, A, out=H[pair])
                pair += 1
        return (H,)

    return of_block


def _hvp_of_block(W: Array, V: Array, m: int) -> OfBlock:
    """(diag(s) (P o (Q - q 1^T)))^T X with Q = X V^T, q_i = sum_b p_ib Q_ib.

    Q is first reduced by its entry at the likeliest class, without which Q - q would cancel for a
    confident answer.
    """
    K = len(W)
    kept_P, kept_Q, HV = np.empty(K * m), np.empty(K * m), np.empty_like(W)

    def of_block(X: Array, y: AnyArray, s: Array | None) -> Parts:
        rows = len(X)
        P, Q = (kept[: K * rows].reshape(K, rows) for kept in (kept_P, kept_Q))
        likeliest = _probabilities(W, X, P)
        np.dot(V, X.T, out=Q)
        Q -= Q.take(likeliest)
        Q -= np.einsum("ai,ai->i", P, Q)
        P *= Q
        if s is not None:
            P *= s
        return (np.dot(P, X, out=HV),)

    return of_block


def _probabilities(W: Array, X: Array, P: Array) -> NDArray[np.int64]:
    """Write p_ia into P (K x m), and return the places of the largest of each data point."""
    np.dot(W, X.T, out=P)
    if not -np.inf < P.min() <= P.max() < np.inf:
        P[:] = np.nan
    likeliest = P.argmax(axis=0) * len(X) + np.arange(len(X))
    P -= P.take(likeliest)
    np.exp(P, out=P)
    P /= P.sum(axis=0)
    return likeliest
