"""Every symbol once: sizes, indices, data, parameters.

Data points are rows; sums run over the data and are not means; labels count from 1 in formulas
and from 0 in code; logarithms are natural. The intercept is the weight of a column of ones.
"""

from derivations.calculus.matrices import Whole
from derivations.calculus.terms import Array, Dimension, Index, scalar

N = Dimension("N", "ij", 0, "data points")
K = Dimension("K", "abc", 1, "classes")
M = Dimension("M", "uv", 2, "units of a layer")
n = Dimension("n", "klm", 3, "features")

i, j = Index("i", N), Index("j", N)
a, b, c = Index("a", K), Index("b", K), Index("c", K)
u, o = Index("u", M), Index("v", M)  # v is a direction; the other unit prints as v
k, l, m = Index("k", n), Index("l", n), Index("m", n)

t = scalar("t")
lam = scalar("lambda", r"\lambda", domain="positive")

X = Array("X", (N, n), "x", r"\mathbf{X}")
y = Array("y", (N,), "y", r"\mathbf{y}", domain="label")
w = Array("w", (n,), "w", r"\mathbf{w}")
v = Array("v", (n,), "v", r"\mathbf{v}")
s = Array("s", (N,), "s", r"\mathbf{s}", domain="nonnegative")

design, labels, weights, direction = Whole(X), Whole(y), Whole(w), Whole(v)
