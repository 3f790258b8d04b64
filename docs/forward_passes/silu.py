"""SiLU, also called swish: z times the sigmoid of z."""

from derivations.notation import *

z = Array("z", (M,), "z", r"\mathbf{z}")
sigma = Definition("sigma", (t,), 1 / (1 + exp(-t)), r"\sigma")
s = Definition("s", (u,), z[u] * sigma(z[u]))
