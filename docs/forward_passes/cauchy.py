"""The Cauchy loss of linear regression, which forgives outliers."""

from derivations.notation import *

y = Array("y", (N,), "y", r"\mathbf{y}")
c = scalar("c", domain="positive")
r = Definition("r", (i,), Σ(k, w[k] * X[i, k]) - y[i])
C = Definition("C", (), c**2 / 2 * Σ(i, log(1 + r[i] ** 2 / c**2)))
