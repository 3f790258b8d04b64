"""RMS normalisation with a scale."""

from derivations.notation import *

eps = scalar("epsilon", r"\varepsilon", domain="positive")
z, g = Array("z", (M,), "z", r"\mathbf{z}"), Array("g", (M,), "g", r"\mathbf{g}")
r = Definition("r", (), root(Σ(u, z[u] ** 2) / Size(M) + eps))
x = Definition("x", (u,), g[u] * z[u] / r[()])
