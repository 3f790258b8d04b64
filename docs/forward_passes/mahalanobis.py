"""Squared Mahalanobis distance by a factor A of the precision matrix: |A (x - m)|^2 / 2."""

from derivations.notation import *

A = Array("A", (M, n), "a", r"\mathbf{A}")
m = Array("m", (n,), "m", r"\mathbf{m}")
r = Definition("r", (i, u), Σ(k, A[u, k] * (X[i, k] - m[k])))
C = Definition("C", (), Σ(i, Σ(u, r[i, u] ** 2)) / 2)
