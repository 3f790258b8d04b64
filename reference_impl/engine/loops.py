"""Losses and their gradient by blocks of rows, as loops: `compiled` has numba compile them.

Printed by ``python -m derivations.loops``, from the lines that are proved; not to be edited.
"""

from typing import Any

import numpy as np

from .elementary import exp, log1p, sigmoid, softplus


def logistic_logits(w, X, z):
    """Write w times each row of X, and return the sum."""
    N, n = X.shape
    for i in range(0, N - N % 4, 4):
        t0 = t1 = t2 = t3 = 0.0
        for k in range(n):
            t0 += w[k] * X[i, k]
            t1 += w[k] * X[i + 1, k]
            t2 += w[k] * X[i + 2, k]
            t3 += w[k] * X[i + 3, k]
        z[i] = t0
        z[i + 1] = t1
        z[i + 2] = t2
        z[i + 3] = t3
    for i in range(N - N % 4, N):
        t0 = 0.0
        for k in range(n):
            t0 += w[k] * X[i, k]
        z[i] = t0
    total = 0.0
    for i in range(N):
        total += z[i]
    return total


def logistic_rows(w, X, y, s, losses, gradient, with_gradient):
    """``logistic.residual`` and ``logistic.weighted`` of some rows.

    losses: s_i (y_i softplus(-z_i) + (1 - y_i) softplus(z_i))
    gradient: Σ_i s_i ((1 - y_i) sigmoid(z_i) - y_i sigmoid(-z_i)) X_ik
    """
    N, n = X.shape
    z = np.empty(N)
    total = logistic_logits(w, X, z)
    r = np.empty(N)
    for i in range(N):
        losses[i] = s[i] * (y[i] * softplus(-z[i]) + (1 - y[i]) * softplus(z[i]))
        r[i] = s[i] * ((1 - y[i]) * sigmoid(z[i]) - y[i] * sigmoid(-z[i]))
    if with_gradient:
        gradient[:] = 0.0
        for i in range(0, N - N % 4, 4):
            r0 = r[i]
            r1 = r[i + 1]
            r2 = r[i + 2]
            r3 = r[i + 3]
            for k in range(n):
                g0 = gradient[k] + r0 * X[i, k] + r1 * X[i + 1, k] + r2 * X[i + 2, k] + r3 * X[i + 3, k]
                gradient[k] = g0
        for i in range(N - N % 4, N):
            r0 = r[i]
            for k in range(n):
                g0 = gradient[k] + r0 * X[i, k]
                gradient[k] = g0
    if not np.isfinite(total):  # loss and residual may be 0
        losses[:] = np.nan


def logistic(sources: str) -> Any:
    """Return the function of several blocks. What is compiled of it is kept for these sources."""

    def of_blocks(w, X, y, s, losses, gradients, with_gradient):
        """Write the losses, and the gradient if wanted, of each block; say whether all is finite."""
        total, part = 0.0, np.empty(w.shape)
        gradients[:] = 0.0
        for b in range(len(X)):
            for i in range(0, X.shape[1], 256):
                some = slice(i, i + 256)
                given = X[b, some], y[b, some], s[b, some]
                logistic_rows(w, *given, losses[b, some], part, with_gradient)
                if with_gradient:
                    gradients[b] += part
            for i in range(losses.shape[1]):
                total += losses[b, i]
        return sources != "" and np.isfinite(total) and np.isfinite(gradients.sum())

    return of_blocks


def softmax_logits(W, X, Z):
    """Write W times each row of X, and return the sum."""
    N, n = X.shape
    K = len(W)
    for i in range(0, N - N % 4, 4):
        for a in range(0, K - K % 3, 3):
            t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = t8 = t9 = t10 = t11 = 0.0
            for k in range(n):
                t0 += W[a, k] * X[i, k]
                t1 += W[a + 1, k] * X[i, k]
                t2 += W[a + 2, k] * X[i, k]
                t3 += W[a, k] * X[i + 1, k]
                t4 += W[a + 1, k] * X[i + 1, k]
                t5 += W[a + 2, k] * X[i + 1, k]
                t6 += W[a, k] * X[i + 2, k]
                t7 += W[a + 1, k] * X[i + 2, k]
                t8 += W[a + 2, k] * X[i + 2, k]
                t9 += W[a, k] * X[i + 3, k]
                t10 += W[a + 1, k] * X[i + 3, k]
                t11 += W[a + 2, k] * X[i + 3, k]
            Z[a, i] = t0
            Z[a + 1, i] = t1
            Z[a + 2, i] = t2
            Z[a, i + 1] = t3
            Z[a + 1, i + 1] = t4
            Z[a + 2, i + 1] = t5
            Z[a, i + 2] = t6
            Z[a + 1, i + 2] = t7
            Z[a + 2, i + 2] = t8
            Z[a, i + 3] = t9
            Z[a + 1, i + 3] = t10
            Z[a + 2, i + 3] = t11
        for a in range(K - K % 3, K):
            t0 = t1 = t2 = t3 = 0.0
            for k in range(n):
                t0 += W[a, k] * X[i, k]
                t1 += W[a, k] * X[i + 1, k]
                t2 += W[a, k] * X[i + 2, k]
                t3 += W[a, k] * X[i + 3, k]
            Z[a, i] = t0
            Z[a, i + 1] = t1
            Z[a, i + 2] = t2
            Z[a, i + 3] = t3
    for i in range(N - N % 4, N):
        for a in range(0, K - K % 3, 3):
            t0 = t1 = t2 = 0.0
            for k in range(n):
                t0 += W[a, k] * X[i, k]
                t1 += W[a + 1, k] * X[i, k]
                t2 += W[a + 2, k] * X[i, k]
            Z[a, i] = t0
            Z[a + 1, i] = t1
            Z[a + 2, i] = t2
        for a in range(K - K % 3, K):
            t0 = 0.0
            for k in range(n):
                t0 += W[a, k] * X[i, k]
            Z[a, i] = t0
    total = 0.0
    for a in range(K):
        for i in range(N):
            total += Z[a, i]
    return total


def softmax_rows(W, X, y, s, losses, gradient, with_gradient):
    """``softmax.label_left_out`` and ``softmax.weighted`` of some rows.

    losses: s_i log(1 + T_ic)
    gradient: Σ_i s_i ((1 - δ_ac) (e^(Z_ia - Z_ic) / (1 + T_ic)) - δ_ac (T_ic / (1 + T_ic)))
    X_ik
    """
    N, n = X.shape
    K = len(W)
    Z = np.empty((K, N))
    total = softmax_logits(W, X, Z)
    Z_y = np.empty(N)
    for i in range(N):
        Z_y[i] = Z[y[i], i]
    e = np.empty((K, N))
    T_y = np.zeros(N)
    for a in range(K):
        for i in range(N):
            e[a, i] = exp(Z[a, i] - Z_y[i])
            T_y[i] += (1 - (1.0 if a == y[i] else 0.0)) * e[a, i]
    q = np.empty(N)
    q2 = np.empty(N)
    for i in range(N):
        losses[i] = s[i] * log1p(T_y[i])
        q[i] = 1 / (1 + T_y[i])
        q2[i] = T_y[i] / (1 + T_y[i])
    r = np.empty((K, N))
    for a in range(K):
        for i in range(N):
            r[a, i] = (
                s[i]
                * ((1 - (1.0 if a == y[i] else 0.0)) * (e[a, i] * q[i]) - (1.0 if a == y[i] else 0.0) * q2[i])
            )
    if with_gradient:
        gradient[:] = 0.0
        for i in range(0, N - N % 4, 4):
            for a in range(0, K - K % 3, 3):
                r0 = r[a, i]
                r1 = r[a + 1, i]
                r2 = r[a + 2, i]
                r3 = r[a, i + 1]
                r4 = r[a + 1, i + 1]
                r5 = r[a + 2, i + 1]
                r6 = r[a, i + 2]
                r7 = r[a + 1, i + 2]
                r8 = r[a + 2, i + 2]
                r9 = r[a, i + 3]
                r10 = r[a + 1, i + 3]
                r11 = r[a + 2, i + 3]
                for k in range(n):
                    g0 = (
                        gradient[a, k]
                        + r0 * X[i, k]
                        + r3 * X[i + 1, k]
                        + r6 * X[i + 2, k]
                        + r9 * X[i + 3, k]
                    )
                    g1 = (
                        gradient[a + 1, k]
                        + r1 * X[i, k]
                        + r4 * X[i + 1, k]
                        + r7 * X[i + 2, k]
                        + r10 * X[i + 3, k]
                    )
                    g2 = (
                        gradient[a + 2, k]
                        + r2 * X[i, k]
                        + r5 * X[i + 1, k]
                        + r8 * X[i + 2, k]
                        + r11 * X[i + 3, k]
                    )
                    gradient[a, k] = g0
                    gradient[a + 1, k] = g1
                    gradient[a + 2, k] = g2
            for a in range(K - K % 3, K):
                r0 = r[a, i]
                r1 = r[a, i + 1]
                r2 = r[a, i + 2]
                r3 = r[a, i + 3]
                for k in range(n):
                    g0 = (
                        gradient[a, k]
                        + r0 * X[i, k]
                        + r1 * X[i + 1, k]
                        + r2 * X[i + 2, k]
                        + r3 * X[i + 3, k]
                    )
                    gradient[a, k] = g0
        for i in range(N - N % 4, N):
            for a in range(0, K - K % 3, 3):
                r0 = r[a, i]
                r1 = r[a + 1, i]
                r2 = r[a + 2, i]
                for k in range(n):
                    g0 = gradient[a, k] + r0 * X[i, k]
                    g1 = gradient[a + 1, k] + r1 * X[i, k]
                    g2 = gradient[a + 2, k] + r2 * X[i, k]
                    gradient[a, k] = g0
                    gradient[a + 1, k] = g1
                    gradient[a + 2, k] = g2
            for a in range(K - K % 3, K):
                r0 = r[a, i]
                for k in range(n):
                    g0 = gradient[a, k] + r0 * X[i, k]
                    gradient[a, k] = g0
    if not np.isfinite(total):  # loss and residual may be 0
        losses[:] = np.nan


def softmax(sources: str) -> Any:
    """Return the function of several blocks. What is compiled of it is kept for these sources."""

    def of_blocks(W, X, y, s, losses, gradients, with_gradient):
        """Write the losses, and the gradient if wanted, of each block; say whether all is finite."""
        total, part = 0.0, np.empty(W.shape)
        gradients[:] = 0.0
        for b in range(len(X)):
            for i in range(0, X.shape[1], 256):
                some = slice(i, i + 256)
                given = X[b, some], y[b, some], s[b, some]
                softmax_rows(W, *given, losses[b, some], part, with_gradient)
                if with_gradient:
                    gradients[b] += part
            for i in range(losses.shape[1]):
                total += losses[b, i]
        return sources != "" and np.isfinite(total) and np.isfinite(gradients.sum())

    return of_blocks
