"""Contrastive loss (InfoNCE): each row of X is to be most like its own row of Q."""

from derivations.notation import *

tau = scalar("tau", r"\tau", domain="positive")
Q = Array("Q", (N, n), "q", r"\mathbf{Q}")
z = Definition("z", (i, j), Σ(k, Q[i, k] * X[j, k]) / tau)
l = Index("l", N)
p = Definition("p", (i, j), exp(z[i, j]) / Σ(l, exp(z[i, l])))
C = Definition("C", (), -Σ(i, log(p[i, i])))
