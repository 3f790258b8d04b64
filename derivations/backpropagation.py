"""Backpropagation: the layers of the note, the three rules, and what one pass back computes."""

from derivations import linear, log_softmax, nll, softmax
from derivations.calculus.derivation import (
    ALGEBRA,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LINEARITY,
    Chain,
    Hypothesis,
    Statement,
    Step,
)
from derivations.calculus.matrices import Gradient, Whole
from derivations.calculus.terms import Array, D, Definition, Delta, Index, Term, exp, log, scalar, total
from derivations.notation import K, N, V, W, X, Y, i, k, l
from derivations.softmax import NLL, P, R, fixed, one_class

# -- the four layers of the note --------------------------------------------------------------------

u, o, h = Index("u", K), Index("v", K), Index("w", K)  # units of the layers 2 and 3: the classes

z1 = Definition("z1", (i, k), X[i, k], written="z^1_{1}({0})")
z2 = Definition("z2", (i, u), total(k, W[u, k] * z1[i, k]), written="z^2_{1}({0})")
z3 = Definition("z3", (i, u), z2[i, u] - log(total(o, exp(z2[i, o]))), written="z^3_{1}({0})")
cost = Definition("z4", (), -total(i, total(u, Y[i, u] * z3[i, u])), "z^4")
z4 = cost()

superscripts = Hypothesis(
    r"The superscript is the number of the layer and no power; $z^l_u(i)$ is the value of unit $u$ of "
    r"layer $l$ for data point $i$."
)

layer_stack = Statement(
    "The layers of softmax regression",
    "The data point, a linear layer, a log-softmax layer and the cost: each depends on the one below "
    "alone. Put into each other they are the negative log-likelihood.",
    (
        Chain(
            z4,
            (
                Step(
                    -total(i, total(u, Y[i, u] * z3[i, u])),
                    DEFINITION,
                    "layer 4, the cost",
                    cites=(nll.forward,),
                ),
                Step(
                    -total(i, total(u, Y[i, u] * (z2[i, u] - log(total(o, exp(z2[i, o])))))),
                    DEFINITION,
                    "layer 3, log-softmax",
                    cites=(log_softmax.forward,),
                ),
                Step(
                    -total(i, total(u, Y[i, u] * log(P[i, u]))),
                    DEFINITION,
                    r"layer 2, linear: $z^2_u(i) = \sum_k w_{uk} z^1_k(i)$; the difference is the logarithm "
                    "of a quotient",
                    cites=(linear.forward,),
                ),
                Step(NLL, DEFINITION, r"layer 1: $z^1_k(i) = x_{ik}$", cites=(softmax.nll,)),
            ),
        ),
    ),
    (superscripts,),
)

# -- its deltas -------------------------------------------------------------------------------------

free4 = scalar("z4", "z^4")
free3 = Array("z3", (N, K), written="z^3_{1}({0})")
free2 = Array("z2", (N, K), written="z^2_{1}({0})")
above3 = Definition("C", (), -total(i, total(u, Y[i, u] * free3[i, u])), "C")()
lsm = Definition(
    "z3", (i, u), free2[i, u] - log(total(o, exp(free2[i, o]))), written="z^3_{1}({0})"
)
p2 = Definition(
    "p", (i, u), exp(free2[i, u]) / total(o, exp(free2[i, o])), written="p_{1}({0})"
)
above2 = Definition("C", (), -total(i, total(u, Y[i, u] * lsm[i, u])), "C")()

d3 = Definition("delta3", (i, u), -Y[i, u], written=r"\delta^3_{1}({0})")
d2 = Definition("delta2", (i, u), P[i, u] - Y[i, u], written=r"\delta^2_{1}({0})")

deltas = Statement(
    "The deltas of softmax regression",
    r"$\delta^l$ is the derivative of the cost by the values of layer $l$, with those values as the "
    "variables. From the top down each follows from the one above, and the last line is the gradient "
    "by the weights, summed over the data points.",
    (
        Chain(
            D(free4, free4),
            (Step(1, DIFFERENTIATE, "the cost by itself"),),
            title=r"$\delta^4$",
        ),
        Chain(
            D(above3, free3[i, u]),
            (
                Step(-Y[i, u], DIFFERENTIATE, "RULE 2 of the NLL layer", cites=(nll.backward,)),
                Step(d3[i, u], DEFINITION),
            ),
            at=(i, u),
            title=r"$\delta^3_u(i)$",
        ),
        Chain(
            D(above2, free2[i, u]),
            (
                Step(
                    total(o, d3[i, o] * D(lsm[i, o], free2[i, u])),
                    DIFFERENTIATE,
                    r"RULE 2: $\sum_v \delta^3_v \, \partial z^3_v / \partial z^2_u$",
                ),
                Step(
                    total(o, -Y[i, o] * (Delta(o, u) - p2[i, u])),
                    DIFFERENTIATE,
                    "the Jacobian of log-softmax",
                    cites=(log_softmax.jacobian,),
                ),
                Step(
                    p2[i, u] * total(o, Y[i, o]) - Y[i, u],
                    CONTRACT,
                    "only $v = u$ remains of the delta",
                    cites=(log_softmax.backward,),
                ),
                Step(p2[i, u] - Y[i, u], ALGEBRA, "the labels of a data point sum to one"),
            ),
            at=(i, u),
            title=r"$\delta^2_u(i)$",
        ),
        Chain(
            D(z4, W[u, k]),
            (
                Step(
                    total(i, total(o, d2[i, o] * D(z2[i, o], W[u, k]))),
                    DIFFERENTIATE,
                    r"RULE 3: $\sum_i \sum_v \delta^2_v(i) \, \partial z^2_v(i) / \partial w_{uk}$",
                ),
                Step(
                    total(i, total(o, d2[i, o] * (Delta(o, u) * z1[i, k]))),
                    DIFFERENTIATE,
                    cites=(linear.parameter_jacobian,),
                ),
                Step(
                    total(i, d2[i, u] * z1[i, k]),
                    CONTRACT,
                    "only $v = u$ remains",
                    cites=(linear.parameter_gradient,),
                ),
                Step(
                    total(i, X[i, k] * (P[i, u] - Y[i, u])),
                    DEFINITION,
                    "the gradient that was found without layers",
                    cites=(softmax.nll_gradient,),
                ),
            ),
            at=(u, k),
            title=r"$\partial C / \partial w_{uk}$",
            matrix=(Gradient(z4, W), (Whole(P) - Whole(Y)).T @ Whole(X)),
        ),
    ),
    (superscripts, one_class, fixed),
)

b2 = Definition(
    "delta2",
    (i, u),
    d3[i, u] - P[i, u] * total(o, d3[i, o]),
    written=r"\delta^2_{1}({0})",
)
b1 = Definition(
    "delta1", (i, k), total(u, b2[i, u] * W[u, k]), written=r"\delta^1_{1}({0})"
)
weight_gradient = Definition(
    "g", (u, k), total(i, b2[i, u] * z1[i, k]), r"g", r"\mathbf{G}"
)

equals_direct = Statement(
    "The pass back is the derivative",
    "Left, the composed function, differentiated as it stands; right, what the pass back computes: "
    r"$\delta^3$, then $\delta^2_u = \delta^3_u - p_u \sum_v \delta^3_v$, then RULE 2 and RULE 3 of the "
    "linear layer. No chain rule for several variables is assumed, and nothing is asked of the labels.",
    (
        Chain(
            D(z4, W[u, k]),
            (
                Step(D(-total(i, total(o, Y[i, o] * z3[i, o])), W[u, k]), DEFINITION),
                Step(
                    -total(i, total(o, Y[i, o] * D(z3[i, o], W[u, k]))),
                    LINEARITY,
                    "sum rule; the labels are constants",
                ),
                Step(
                    -total(
                        i,
                        total(
                            o,
                            Y[i, o]
                            * (
                                D(z2[i, o], W[u, k])
                                - total(h, P[i, h] * D(z2[i, h], W[u, k]))
                            ),
                        ),
                    ),
                    DIFFERENTIATE,
                    r"$d \log s = ds / s$ and $d e^t = e^t dt$",
                ),
                Step(
                    -total(i, total(o, Y[i, o] * (Delta(o, u) - P[i, u]) * X[i, k])),
                    DIFFERENTIATE,
                    r"$\partial z^2_v(i) / \partial w_{uk} = \delta_{vu} x_{ik}$",
                ),
                Step(
                    total(i, (-Y[i, u] + P[i, u] * total(o, Y[i, o])) * X[i, k]),
                    CONTRACT,
                    "only $v = u$ remains of the delta",
                ),
                Step(
                    total(i, b2[i, u] * z1[i, k]),
                    DEFINITION,
                    "what the pass back computes",
                    cites=(log_softmax.backward, linear.parameter_gradient),
                ),
            ),
            at=(u, k),
            title="by the weights",
        ),
        Chain(
            D(z4, X[i, k]),
            (
                Step(
                    -total(
                        o,
                        Y[i, o]
                        * (D(z2[i, o], X[i, k]) - total(h, P[i, h] * D(z2[i, h], X[i, k]))),
                    ),
                    DIFFERENTIATE,
                    "no other data point depends on this one",
                ),
                Step(
                    -total(o, Y[i, o] * (W[o, k] - total(h, P[i, h] * W[h, k]))),
                    DIFFERENTIATE,
                    r"$\partial z^2_v(i) / \partial x_{ik} = w_{vk}$",
                ),
                Step(
                    total(u, (-Y[i, u] + P[i, u] * total(o, Y[i, o])) * W[u, k]),
                    ALGEBRA,
                    "exchange the sums, and collect",
                ),
                Step(
                    total(u, b2[i, u] * W[u, k]),
                    DEFINITION,
                    "what the pass back computes",
                    cites=(log_softmax.backward, linear.backward),
                ),
                Step(b1[i, k], DEFINITION),
            ),
            at=(i, k),
            title="by the data",
        ),
    ),
    (superscripts, fixed),
)

# -- second derivatives by the pass back ------------------------------------------------------------

dz2 = Definition("dz2", (i, u), total(l, V[u, l] * X[i, l]), written=r"\dot z^2_{1}({0})")
dp = Definition(
    "dp",
    (i, u),
    P[i, u] * (dz2[i, u] - total(o, P[i, o] * dz2[i, o])),
    written=r"\dot p_{1}({0})",
)
dd2 = Definition(
    "ddelta2", (i, u), -(dp[i, u] * total(o, d3[i, o])), written=r"\dot \delta^2_{1}({0})"
)


def along(quantity: Term) -> Term:
    """Return the derivative of a quantity along the direction V in the space of the weights."""
    return total(o, total(l, D(quantity, W[o, l]) * V[o, l]))


hvp_forward_over_reverse = Statement(
    "Hessian-vector product by differentiating the pass back",
    r"The pass back is a computation like any other and has a derivative along $\mathbf{V}$: a dot on "
    "every value, up and down once. The Hessian times a direction costs a small multiple of a gradient, "
    "and it is the product that was derived directly.",
    (
        Chain(
            along(weight_gradient[u, k]),
            (
                Step(
                    total(i, along(b2[i, u]) * X[i, k]),
                    DIFFERENTIATE,
                    "RULE 3, differentiated; the data are constants",
                ),
                Step(
                    total(i, dd2[i, u] * X[i, k]),
                    DIFFERENTIATE,
                    r"$\dot \delta^2$, as below",
                ),
                Step(
                    total(i, dp[i, u] * X[i, k]),
                    DEFINITION,
                    r"$\sum_v \delta^3_v = -1$: the labels of a data point sum to one",
                ),
                Step(
                    total(i, X[i, k] * P[i, u] * (R[i, u] - total(o, P[i, o] * R[i, o]))),
                    DEFINITION,
                    r"$\dot z^2_u(i) = r_{iu}$: the product that was derived directly",
                    cites=(softmax.nll_hvp,),
                ),
            ),
            at=(u, k),
        ),
        Chain(
            along(z2[i, u]),
            (
                Step(
                    total(o, total(l, Delta(u, o) * X[i, l] * V[o, l])),
                    DIFFERENTIATE,
                    cites=(linear.parameter_jacobian,),
                ),
                Step(total(l, V[u, l] * X[i, l]), CONTRACT, "only $v = u$ remains"),
                Step(dz2[i, u], DEFINITION),
            ),
            at=(i, u),
            title="up: the logits",
        ),
        Chain(
            along(P[i, u]),
            (
                Step(
                    total(h, P[i, u] * (Delta(u, h) - P[i, h]) * along(z2[i, h])),
                    DIFFERENTIATE,
                    "the Jacobian of softmax",
                    cites=(softmax.jacobian,),
                ),
                Step(
                    P[i, u] * (dz2[i, u] - total(h, P[i, h] * dz2[i, h])),
                    DIFFERENTIATE,
                    "only $w = u$ remains of the delta",
                ),
                Step(dp[i, u], DEFINITION),
            ),
            at=(i, u),
            title="up: the probabilities",
        ),
        Chain(
            along(b2[i, u]),
            (
                Step(
                    -(along(P[i, u]) * total(h, d3[i, h])),
                    DIFFERENTIATE,
                    r"$\delta^3$ does not depend on the weights",
                ),
                Step(-(dp[i, u] * total(h, d3[i, h])), DIFFERENTIATE, "as above"),
                Step(dd2[i, u], DEFINITION),
            ),
            at=(i, u),
            title="down: the deltas",
        ),
    ),
    (superscripts, one_class, fixed),
)
