"""GELU, exact: z times the distribution function of the normal distribution."""

from derivations.notation import *

z = Array("z", (M,), "z", r"\mathbf{z}")
g = Definition("g", (u,), z[u] * Φ(z[u]))
