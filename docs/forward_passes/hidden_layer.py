"""A network with one hidden layer, any activation phi, and squared error."""

from derivations.notation import *

b = Array("b", (M,), "b", r"\mathbf{b}")
U = Array("U", (M, n), "u", r"\mathbf{U}")
v = Array("v", (M,), "v", r"\mathbf{v}")
z = Definition("z", (i, u), Σ(k, U[u, k] * X[i, k]) + b[u])
h = Definition("h", (i, u), any_phi(z[i, u]))
f = Definition("f", (i,), Σ(u, v[u] * h[i, u]))
C = Definition("C", (), Σ(i, (f[i] - y[i]) ** 2) / 2)
