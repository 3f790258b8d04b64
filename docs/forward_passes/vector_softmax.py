"""Softmax as a function of a vector, of logits at a temperature."""

from derivations.notation import *
from derivations.softmax import one_class

tau = scalar("tau", r"\tau", domain="positive")
z = Array("z", (K,), "z", r"\mathbf{z}")
S = Definition("S", (z, a), exp(z[a]) / Σ(b, exp(z[b])), r"\operatorname{S}")
s = Definition("z", (i, a), Σ(k, W[a, k] * X[i, k]))
C = Definition("C", (), -Σ(i, Σ(a, Y[i, a] * log(S(each(b, s[i, b] / tau))[a]))))
