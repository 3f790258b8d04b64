"""Scaled dot-product attention of one query."""

from derivations.notation import *

q = Array("q", (n,), "q", r"\mathbf{q}")
V = Array("V", (N, M), "v", r"\mathbf{V}")
z = Definition("z", (i,), Σ(k, q[k] * X[i, k]) / root(Size(n)))
p = Definition("p", (i,), exp(z[i]) / Σ(j, exp(z[j])))
x = Definition("x", (u,), Σ(i, p[i] * V[i, u]))
