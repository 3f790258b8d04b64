"""A margin loss, smoothed by the softplus, with a ridge penalty; labels are -1 and 1."""

from derivations.notation import *

y = Array("y", (N,), "y", r"\mathbf{y}")
beta = scalar("beta", r"\beta", domain="positive")
m = Definition("m", (i,), y[i] * Σ(k, w[k] * X[i, k]))
p = Definition("p", (i,), 1 / (1 + exp(-(beta * (1 - m[i])))))
C = Definition("C", (), Σ(i, log(1 + exp(beta * (1 - m[i]))) / beta) + lam / 2 * Σ(k, w[k] ** 2))
