"""GELU, exact, by the error function."""

from derivations.notation import *

z = Array("z", (M,), "z", r"\mathbf{z}")
g = Definition("g", (u,), z[u] / 2 * (1 + erf(z[u] / root(2))))
