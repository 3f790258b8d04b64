"""Softmax regression with a temperature."""

from derivations.notation import *
from derivations.softmax import one_class

tau = scalar("tau", r"\tau", domain="positive")
z = Definition("z", (i, a), Σ(k, W[a, k] * X[i, k]))
p = Definition("p", (i, a), exp(z[i, a] / tau) / Σ(b, exp(z[i, b] / tau)))
C = Definition("C", (), -Σ(i, Σ(a, Y[i, a] * log(p[i, a]))))
