"""Poisson regression: the negative log-likelihood, without what the weights do not change."""

from derivations.notation import *

y = Array("y", (N,), "y", r"\mathbf{y}", domain="nonnegative")
z = Definition("z", (i,), Σ(k, w[k] * X[i, k]))
rate = Definition("mu", (i,), exp(z[i]), r"\mu")
C = Definition("C", (), Σ(i, rate[i] - y[i] * z[i]))
