"""Softmax regression with smoothed labels."""

from derivations.notation import *
from derivations.softmax import one_class

alpha = scalar("alpha", r"\alpha", domain="unit")
z = Definition("z", (i, a), Σ(k, W[a, k] * X[i, k]))
p = Definition("p", (i, a), exp(z[i, a]) / Σ(b, exp(z[i, b])))
q = Definition("q", (i, a), (1 - alpha) * Y[i, a] + alpha / Size(K))
C = Definition("C", (), -Σ(i, Σ(a, q[i, a] * log(p[i, a]))))
