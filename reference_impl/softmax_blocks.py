"""What one block of data points adds to the NLL of softmax regression and to its derivatives.

Arrays have one class in a row, one data point in a column: sums over the classes then run along
contiguous data points, 2 to 6 times faster than across them. Each function returns the function
of a block for `row_blocks.total`, with arrays that are kept from block to block.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reference_impl import row_blocks
from reference_impl.arguments import Array
from reference_impl.row_blocks import AnyArray, OfBlock, Parts


def fitting(W: Array, dtype: DTypeLike = np.float64) -> int:
    """Return the rows of a block; OpenBLAS has a faster product below 1,000,000 multiplications."""
    K, n = W.shape
    return max(1, min(row_blocks.fitting(n + 2 * K + 4, dtype), 900_000 // (n * K)))


def nll_and_gradient(
    W: Array, m: int, dtype: np.dtype[Any], *, with_gradient: bool = True
) -> OfBlock:
    """Sum_i s_i log(1 + S_i), and (P - Y)^T diag(s) X.

    S_i is the sum of e^(z_ic - z_iy) over the classes c other than the right one, y = y_i. Their
    residuals are e^(z_ic - z_iy) / (1 + S_i), and that of y is minus their sum, -S_i / (1 + S_i):
    nothing cancels. What z_ic - z_iy rounds off is left: with logits of several hundred up to 500
    ulp of a single loss, which `softmax.losses` avoids.
    """
    W = W.astype(dtype, copy=False)
    K = len(W)
    kept, vectors = np.empty(K * m, dtype), np.empty((3, m), dtype)
    gradient, columns = np.empty_like(W), np.arange(m)

    def of_block(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
        rows = len(X)
        flat, (z_y, S, t) = kept[: K * rows], vectors[:, :rows]
        E = flat.reshape(K, rows)
        right = y.astype(np.int64) * rows + columns[:rows]  # the places of z_iy in `flat`

        def exponentials(shift: AnyArray) -> None:
            np.subtract(E, shift, out=E)
            np.exp(E, out=E)
            flat[right] = 0.0  # not in the sum
            np.add.reduce(E, axis=0, out=S)

        np.dot(W, X.T, out=E)
        flat.take(right, out=z_y, mode="clip")
        exponentials(z_y)
        e_y = 1.0
        if S.max() < np.inf and math.isfinite(z_y.sum()):
            np.log1p(S, out=t)
        else:  # where e^(z_c - z_y) overflows, the largest logit is subtracted
            if not np.isfinite(z_y).all():
                return (np.nan, gradient) if with_gradient else (np.nan,)
            overflow = ~np.isfinite(S)
            np.dot(W, X.T, out=E)
            shift = np.where(overflow, E.max(axis=0), z_y)
            exponentials(shift)
            lift = shift - z_y
            e_y = np.exp(-lift)
            np.log1p(S + (e_y - 1.0), out=t)
            t += lift  # log(e_y + S) + lift, which is log(1 + S) where z_y is subtracted
        if s is not None:
            t *= s
        value = t.sum()
        if not with_gradient:
            return (value,)
        np.add(S, e_y, out=t)
        np.divide(1.0 if s is None else s, t, out=t)
        E *= t
        S *= t
        flat[right] = np.negative(S, out=S)
        return value, np.dot(E, X, out=gradient)

    return of_block


def hessian_over_features(W: Array, m: int) -> OfBlock:
    """Sum_i (s p_a p_b)_i (x_k x_l)_i for a < b and k <= l: one product for each k.

    Returns an array of shape (pairs of classes, n, n); entries with l < k are 0.
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
        if s is not None:
            Q *= s
        np.copyto(columns, X.T)
        for k in range(n):
            np.multiply(columns[k], columns[k:], out=U[k:])  # x_k x_l for l >= k
            H[:, k, k:] = Q @ U[k:].T
        return (H,)

    return of_block


def hessian_over_classes(W: Array, m: int) -> OfBlock:
    """Sum_i (s p_a p_b)_i (x_k x_l)_i for a < b: A^T A with A = diag(s p_a p_b)^(1/2) X.

    Returns an array of shape (pairs of classes, n, n).
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


def nll_hvp(W: Array, V: Array, m: int) -> OfBlock:
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
    likeliest = P.argmax(axis=0) * len(X) + np.arange(len(X))
    P -= P.take(likeliest)
    np.exp(P, out=P)
    P /= P.sum(axis=0)
    return likeliest
