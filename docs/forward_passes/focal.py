"""Focal loss of logistic regression."""

from derivations.notation import *

gamma = scalar("gamma", r"\gamma", domain="positive")
z = Definition("z", (i,), Σ(k, w[k] * X[i, k]))
p = Definition("p", (i,), 1 / (1 + exp(-z[i])))
one = -Σ(i, y[i] * (1 - p[i]) ** gamma * log(p[i]))
zero = -Σ(i, (1 - y[i]) * p[i] ** gamma * log(1 - p[i]))
C = Definition("C", (), one + zero)
