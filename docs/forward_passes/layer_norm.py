"""Layer normalisation, without scale and shift."""

from derivations.notation import *

eps = scalar("epsilon", r"\varepsilon", domain="positive")
z = Array("z", (M,), "z", r"\mathbf{z}")
m = Definition("m", (), Σ(u, z[u]) / Size(M))
s = Definition("s", (), Σ(u, (z[u] - m[()]) ** 2) / Size(M))
x = Definition("z'", (u,), (z[u] - m[()]) / root(s[()] + eps))
