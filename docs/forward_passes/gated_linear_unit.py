"""A gated linear unit: one linear layer, times the sigmoid of another."""

from derivations.notation import *

U, V = Array("U", (M, n), "u", r"\mathbf{U}"), Array("V", (M, n), "v", r"\mathbf{V}")
sigma = Definition("sigma", (t,), 1 / (1 + exp(-t)), r"\sigma")
h = Definition("h", (i, u), Σ(k, U[u, k] * X[i, k]))
gate = Definition("g", (i, u), sigma(Σ(k, V[u, k] * X[i, k])))
x = Definition("x", (i, u), h[i, u] * gate[i, u])
