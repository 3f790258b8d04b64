"""Every symbol once: sizes, indices, data, parameters; and the words in which a script speaks.

Data points are rows; sums run over the data and are not means; labels count from 1 in formulas
and from 0 in code; logarithms are natural. The intercept is the weight of a column of ones.

A script takes all of it: ``from derivations.notation import *``.
"""

from fractions import Fraction

from derivations.language.matrices import (
    Diagonal, Each, Gradient, Hessian, Jacobian, Kronecker, Matrix, Ones, Total, Whole,
)  # fmt: skip
from derivations.language.moves import (
    Move, adjoint, because, by, chain_rule, collect, collected, contract, define, differentiate,
    entry_rule, exchange, fold, given, inward, known_sums, linearity, prove, sign, slope, state, then,
    to, unfold, words,
)  # fmt: skip
from derivations.language.statement import (
    ALGEBRA, ALL_SIZES, CASES, CONTRACT, DEFINITION, DIFFERENTIATE, LEMMA, LIMIT, LOGARITHM,
    RESTATED, SCALAR, Chain, Hypothesis, Statement,
)  # fmt: skip
from derivations.language.terms import (
    Array, D, Definition, Delta, Dimension, Entry, Expectation, Function, Index, Limit, Size, Sum,
    Term, Use, absolute, cumulative, density, each, erf, exp, expectation, log, maximum, minimum,
    instantiate, pi, product, scalar, term, total, unknown,
)  # fmt: skip

# Notation that reads as mathematics.
Σ, Π, δ = total, product, Delta
φ, Φ = density, cumulative  # of the normal distribution


def d(quantity: Term, *variables: Entry) -> Term:
    """Return the derivative of a quantity by one variable after the other."""
    for variable in variables:
        quantity = D(quantity, variable)
    return quantity


def root(value: Term | int) -> Term:
    """Return the square root."""
    return term(value) ** Fraction(1, 2)


N = Dimension("N", "ij", 0, "data points")
K = Dimension("K", "abc", 1, "classes")
M = Dimension("M", "uv", 2, "units of a layer")
n = Dimension("n", "klm", 3, "features")
row_blocks = Dimension("B", "hg", 4, "blocks of rows")

i, j = Index("i", N), Index("j", N)
a, b, c = Index("a", K), Index("b", K), Index("c", K)
u, o = Index("u", M), Index("v", M)  # v is a direction; the other unit prints as v
k, l, m = Index("k", n), Index("l", n), Index("m", n)
block, other_block = Index("h", row_blocks), Index("g", row_blocks)

t = scalar("t")
any_phi, any_psi, any_chi = (unknown(name, smooth=1) for name in ("phi", "psi", "chi"))
twice_phi = unknown("phi", smooth=2)
lam = scalar("lambda", r"\lambda", domain="positive")

X = Array("X", (N, n), "x", r"\mathbf{X}")
y = Array("y", (N,), "y", r"\mathbf{y}", domain="label")
w = Array("w", (n,), "w", r"\mathbf{w}")
v = Array("v", (n,), "v", r"\mathbf{v}")
W = Array("W", (K, n), "w", r"\mathbf{W}")
Y = Array("Y", (N, K), "y", r"\mathbf{Y}", written="[y_{0} = {1}]")
V = Array("V", (K, n), "v", r"\mathbf{V}")
psi = Array("psi", (n,), r"\psi", r"\boldsymbol{\psi}")
s = Array("s", (N,), "s", r"\mathbf{s}", domain="nonnegative")
member = Array(
    "member", (row_blocks, N), "r", r"\mathbf{R}", written=r"[{1} \in B_{0}]", domain="nonnegative"
)

partition = Hypothesis(
    r"Each row is in exactly one of the blocks $B_1, B_2, \dots$, whose sizes may differ: the numbers "
    r"$[i \in B_h]$ sum to one over the blocks. Nothing else is used of them.",
    replace=((member[block, i], member[block, i] / total(other_block, member[other_block, i])),),
)

design, labels, weights, direction = Whole(X), Whole(y), Whole(w), Whole(v)

# Name in the statements, LaTeX, meaning, shape, name in code, name in the lecture note.
TABLE = (
    ("N", "N", "number of data points", "", "X.shape[0]", "never named"),
    (
        "n",
        "n",
        "number of features, a column of ones for the intercept included",
        "",
        "X.shape[1]",
        "n",
    ),
    ("K", "K", "number of classes", "", "W.shape[0]", "2"),
    ("M", "M", "units of a layer", "", "z.shape[1]", "never named"),
    ("X", r"\mathbf{X}", "design matrix; row i is data point i", "N x n", "X", r"X, x_i"),
    ("y", r"\mathbf{y}", "labels, 0 or 1", "N", "y", "y"),
    ("w", r"\mathbf{w}", "weights", "n", "w", "w"),
    ("z", r"\mathbf{z}", "logits, or the values of a layer", "N, N x K or units", "z", "w.x, z"),
    ("p", r"\mathbf{p}", "probabilities of the model", "N", "p", "h, p"),
    ("v", r"\mathbf{v}", "a direction in the space of the weights", "n", "v", "none"),
    ("W", r"\mathbf{W}", "weights, one row for each class", "K x n", "W", "w_1, w_2"),
    ("Y", r"\mathbf{Y}", "indicators of the labels, $[y_i = a]$", "N x K", "y", "1_1, 1_2"),
    ("V", r"\mathbf{V}", "a direction in the space of the weights", "K x n", "V", "none"),
    ("psi", r"\boldsymbol{\psi}", "one vector for all classes", "n", "psi", "psi"),
    ("S", r"\mathbf{S}", "softmax of the logits", "K", "softmax(z)", "SM"),
    ("coding", r"\mathbf{M}", "a coding of the weights", "K x (K-1)", "M", "none"),
    ("free", r"\mathbf{V}", "the free rows of weights in a coding", "(K-1) x n", "V", "none"),
    ("s", r"\mathbf{s}", "sample weights", "N", "sample_weight", "none"),
    (
        "member",
        r"[i \in B_h]",
        "1 where row i is in block h of the data, else 0",
        "blocks x N",
        "X[rows]",
        "none",
    ),
    ("sigma", r"\sigma", "the sigmoid", "", "sigmoid", "h"),
    (
        "softplus",
        r"\operatorname{softplus}",
        "the logarithm of $1 + e^t$",
        "",
        "softplus",
        "none",
    ),
    ("logsigma", r"\log \sigma", "the logarithm of the sigmoid", "", "log_sigmoid", "none"),
    ("tanh", r"\tanh", "the hyperbolic tangent", "", "tanh", "none"),
    ("relu", r"\operatorname{relu}", "the larger of $t$ and 0", "", "relu", "none"),
    (
        "logsumexp",
        r"\operatorname{logsumexp}",
        "the logarithm of the sum of the exponentials",
        "",
        "logsumexp",
        "none",
    ),
    (
        "Z",
        r"\mathbf{Z}",
        "logits of all data points, or all values of a layer",
        "N x K",
        "X @ W.T",
        "w_1.x, w_2.x",
    ),
    ("P", r"\mathbf{P}", "probabilities of the model, for K classes", "N x K", "P", "p"),
    (
        "NLL",
        r"\operatorname{NLL}",
        "negative log-likelihood, the cost",
        "scalar",
        "nll",
        "NLL, Cost, C, z4, fLoss",
    ),
    ("loss", r"\ell_i", "loss of a data point", "N", "losses", "none"),
    ("cost", r"\operatorname{NLL}_h", "NLL of block h of the data", "blocks", "nll", "none"),
    (
        "block_gradient",
        r"g^{(h)}",
        "gradient of the NLL of block h",
        "blocks x the shape of the weights",
        "nll_gradient",
        "none",
    ),
    ("mean", r"\bar{\mathbf{w}}", "mean of the weights over the classes", "n", "W.mean(0)", "none"),
    (
        "centred",
        r"\tilde{\mathbf{W}}",
        "weights less their mean over the classes",
        "K x n",
        "W - W.mean(0)",
        "none",
    ),
    ("b", r"\mathbf{b}", "bias of a layer", "outputs", "b", "none"),
    ("z'", r"\mathbf{z}'", "what a layer gives out", "outputs", "forward(z)", "z^{l+1}"),
    ("C", "C", "a cost, the last value of a stack of layers", "scalar", "cost", "Cost, C, z4"),
    (
        "delta'",
        r"\boldsymbol{\delta}'",
        "derivatives of the cost by what a layer gives out",
        "outputs",
        "delta",
        "delta^{l+1}",
    ),
    (
        "z2",
        r"\mathbf{z}^2",
        "values of layer 2; likewise the others",
        "N x units",
        "values[1]",
        "z^2",
    ),
    (
        "delta2",
        r"\boldsymbol{\delta}^2",
        "derivatives of the cost by the values of layer 2",
        "N x units",
        "deltas[1]",
        "delta^2",
    ),
    ("theta", r"\boldsymbol{\theta}^l", "parameters of a layer", "any", "by name", "theta^l"),
    ("L", r"\mathcal{L}", "likelihood", "scalar", "exp(-nll)", "L"),
    ("lambda", r"\lambda", "strength of the ridge penalty", "scalar", "penalty", "none"),
    (
        "penalties",
        r"\boldsymbol{\lambda}",
        "strengths of the penalty, one for each coefficient",
        "n",
        "penalty",
        "none",
    ),
    (
        "o",
        r"\mathbf{o}",
        "offset: given numbers that are added to the logits",
        "N",
        "offset",
        "none",
    ),
    ("t", "t", "any real number", "scalar", "t", "z"),
)
