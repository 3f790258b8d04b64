"""Backpropagation: the layers of the note, the three rules, and what one pass back computes."""

from typing import NamedTuple

from derivations import activations, linear, log_softmax, nll, softmax
from derivations.language.matrices import Each, Gradient, Whole
from derivations.language.statement import (
    ALGEBRA,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LINEARITY,
    Chain,
    Hypothesis,
    Prose,
    Statement,
    Step,
)
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Dimension,
    Function,
    Index,
    Size,
    Term,
    exp,
    log,
    scalar,
    total,
)
from derivations.notation import (
    K,
    M,
    N,
    V,
    W,
    X,
    Y,
    a,
    any_chi,
    any_phi,
    any_psi,
    b,
    c,
    i,
    j,
    k,
    l,
    n,
    twice_phi,
    v,
)
from derivations.softmax import NLL, P, R, Z, fixed, one_class

# -- the four layers of the note -------------------------------------------------------------------

u, o, h = Index("u", K), Index("v", K), Index("w", K)  # units of the layers 2 and 3: the classes
d = Index("d", K)

z1 = Definition("z1", (i, k), X[i, k], written="z^1_{1}({0})")
z2 = Definition("z2", (i, u), total(k, W[u, k] * z1[i, k]), written="z^2_{1}({0})")
z3 = Definition("z3", (i, u), z2[i, u] - log(total(o, exp(z2[i, o]))), written="z^3_{1}({0})")
last = Definition("z4", (), -total(i, total(u, Y[i, u] * z3[i, u])), "z^4")
z4 = last()

superscripts = Hypothesis(
    r"The superscript is the number of the layer and no power; $z^l_u(i)$ is the value of unit $u$ "
    r"of layer $l$ for data point $i$."
)
four_layers = Hypothesis(
    r"$z^1_k(i) = x_{ik}$, $z^2_u(i) = \sum_k w_{uk} z^1_k(i)$, $z^3_u(i) = z^2_u(i) - \log \sum_v "
    r"e^{z^2_v(i)}$ and $z^4 = -\sum_i \sum_u [y_i = u] \, z^3_u(i)$."
)

layer_stack = Statement(
    "The layers of softmax regression",
    "The data point, a linear layer, a log-softmax layer and the cost: each depends on the one "
    "below alone. Put into each other they are the negative log-likelihood.",
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
                    r"layer 2, linear: $z^2_u(i) = \sum_k w_{uk} z^1_k(i)$; the difference is the "
                    r"logarithm of a quotient",
                    cites=(linear.forward,),
                ),
                Step(NLL, DEFINITION, r"layer 1: $z^1_k(i) = x_{ik}$", cites=(softmax.nll,)),
            ),
        ),
    ),
    (superscripts, four_layers, one_class),
)

# -- its deltas ------------------------------------------------------------------------------------

free4 = scalar("z4", "z^4")
free3 = Array("z3", (N, K), written="z^3_{1}({0})")
free2 = Array("z2", (N, K), written="z^2_{1}({0})")
above3 = Definition("C", (), -total(i, total(u, Y[i, u] * free3[i, u])), "C")()
lsm = Definition(
    "lsm", (i, u), free2[i, u] - log(total(o, exp(free2[i, o]))), written="z^3_{1}({0})"
)
p2 = Definition("p", (i, u), exp(free2[i, u]) / total(o, exp(free2[i, o])), written="p_{1}({0})")
above2 = Definition("C", (), -total(i, total(u, Y[i, u] * lsm[i, u])), "C")()

d3 = Definition("delta3", (i, u), -Y[i, u], written=r"\delta^3_{1}({0})")
d2 = Definition("delta2", (i, u), P[i, u] - Y[i, u], written=r"\delta^2_{1}({0})")

deltas = Statement(
    "The deltas of softmax regression",
    r"$\delta^l$ is the derivative of the cost by the values of layer $l$, with those values as "
    r"the variables. From the top down each follows from the one above, and the last line is the "
    r"gradient by the weights, summed over the data points.",
    (
        Chain(
            D(free4, free4),
            (Step(1, DIFFERENTIATE, "the cost by itself"),),
            title=r"$\delta^4$",
        ),
        Chain(
            D(above3, free3[i, u]),
            (Step(-Y[i, u], DIFFERENTIATE, "RULE 2 of the NLL layer", cites=(nll.backward,)),),
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
    (
        superscripts,
        four_layers,
        Hypothesis(
            r"$C = z^4$ is the cost, a function of the values of the layer in question. "
            r"$\delta^3_u(i) = -[y_i = u]$, $\delta^2_u(i) = p_u(i) - [y_i = u]$ and "
            r"$p_u(i) = e^{z^2_u(i)} / \sum_v e^{z^2_v(i)}$, which is $p_{iu}$ at the logits."
        ),
        one_class,
        fixed,
    ),
)

b2 = Definition(
    "delta2",
    (i, u),
    d3[i, u] - P[i, u] * total(o, d3[i, o]),
    written=r"\delta^2_{1}({0})",
)
b1 = Definition("delta1", (i, k), total(u, b2[i, u] * W[u, k]), written=r"\delta^1_{1}({0})")
weight_gradient = Definition("g", (u, k), total(i, b2[i, u] * z1[i, k]), r"g", r"\mathbf{G}")
pass_back = Hypothesis(
    r"The pass back computes $\delta^3_u(i) = -[y_i = u]$, then $\delta^2_u(i) = \delta^3_u(i) - "
    r"p_{iu} \sum_v \delta^3_v(i)$, then $\delta^1_k(i) = \sum_u \delta^2_u(i) w_{uk}$ and the gradient "
    r"$g_{uk} = \sum_i \delta^2_u(i) z^1_k(i)$."
)

equals_direct = Statement(
    "The pass back is the derivative",
    r"Left, the composed function, differentiated as it stands; right, what the pass back "
    r"computes. No chain rule for several variables is assumed, and nothing is asked of the "
    r"labels.",
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
                            * (D(z2[i, o], W[u, k]) - total(h, P[i, h] * D(z2[i, h], W[u, k]))),
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
                        Y[i, o] * (D(z2[i, o], X[i, k]) - total(h, P[i, h] * D(z2[i, h], X[i, k]))),
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
    (superscripts, four_layers, pass_back, fixed),
)

# -- second derivatives by the pass back -----------------------------------------------------------

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
    return total(b, total(l, D(quantity, W[b, l]) * V[b, l]))


hvp_forward_over_reverse = Statement(
    "Hessian-vector product by differentiating the pass back",
    r"The pass back is a computation like any other and has a derivative along $\mathbf{V}$: a "
    r"dot on every value, up and down once. What it gives is the Hessian times the direction, the "
    r"product that was derived directly.",
    (
        Chain(
            along(weight_gradient[u, k]),
            (
                Step(
                    total(i, dd2[i, u] * X[i, k]),
                    DIFFERENTIATE,
                    r"RULE 3, differentiated: the data are constants, $\dot \delta^2$ as below",
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
                    total(b, total(l, Delta(u, b) * X[i, l] * V[b, l])),
                    DIFFERENTIATE,
                    cites=(linear.parameter_jacobian,),
                ),
                Step(total(l, V[u, l] * X[i, l]), CONTRACT, "only $b = u$ remains"),
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
                Step(dp[i, u], DIFFERENTIATE, "only $w = u$ remains of the delta"),
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
                Step(dd2[i, u], DIFFERENTIATE, r"$\dot p_u$, as above"),
            ),
            at=(i, u),
            title="down: the deltas",
        ),
    ),
    (
        superscripts,
        four_layers,
        pass_back,
        Hypothesis(
            r"$\dot z^2_u(i) = \sum_l v_{ul} x_{il}$, which is $r_{iu}$; $\dot p_u(i) = p_{iu} (\dot "
            r"z^2_u(i) - \sum_v p_{iv} \dot z^2_v(i))$; $\dot \delta^2_u(i) = -\dot p_u(i) \sum_v "
            r"\delta^3_v(i)$."
        ),
        one_class,
        fixed,
    ),
)

# -- a hidden layer --------------------------------------------------------------------------------

s, t, o_ = Index("u", M), Index("v", M), Index("w", M)  # hidden units
W1, b1_ = Array("W1", (M, n), "w^1", r"\mathbf{W}^1"), Array("b1", (M,), "b^1", r"\mathbf{b}^1")
W2, b2_ = Array("W2", (K, M), "w^2", r"\mathbf{W}^2"), Array("b2", (K,), "b^2", r"\mathbf{b}^2")

h2 = Definition("h2", (i, s), total(k, W1[s, k] * X[i, k]) + b1_[s], written="z^2_{1}({0})")
free_h2 = Array("z2", (N, M), r"z^2", r"\mathbf{Z}^2", written="z^2_{1}({0})")


class Network(NamedTuple):
    """What stands above the values of layer 2, going up and coming down again."""

    values: Definition
    logits: Definition
    cost: Term
    probabilities: Definition
    delta4: Definition
    delta3: Definition
    delta2: Definition


def network(phi: Function, below: Array | Definition) -> Network:
    """Return the layers of the activation, the logits and the cost, and their deltas."""
    h3 = Definition("h3", (i, s), phi(below[i, s]), written="z^3_{1}({0})")
    h4 = Definition("h4", (i, a), total(s, W2[a, s] * h3[i, s]) + b2_[a], written="z^4_{1}({0})")
    h5 = Definition("h5", (i, a), h4[i, a] - log(total(b, exp(h4[i, b]))), written="z^5_{1}({0})")
    cost = Definition("C", (), -total(i, total(a, Y[i, a] * h5[i, a])), "C")()
    p = Definition("p", (i, a), exp(h4[i, a]) / total(b, exp(h4[i, b])), written="p_{1}({0})")
    e4 = Definition(
        "delta4",
        (i, a),
        p[i, a] * total(b, Y[i, b]) - Y[i, a],
        bold=r"\boldsymbol{\delta}^4",
        written=r"\delta^4_{1}({0})",
    )
    e3 = Definition("delta3", (i, s), total(a, W2[a, s] * e4[i, a]), written=r"\delta^3_{1}({0})")
    e2 = Definition(
        "delta2", (i, s), phi.prime(below[i, s]) * e3[i, s], written=r"\delta^2_{1}({0})"
    )
    return Network(h3, h4, cost, p, e4, e3, e2)


h3, h4, whole_cost, _, e4, e3, e2 = network(any_phi, h2)
above_h2 = network(any_phi, free_h2)
slope = any_phi.prime(h2[i, s])
hidden_layers = Hypothesis(
    r"$z^2_u(i) = \sum_k w^1_{uk} x_{ik} + b^1_u$, $z^3_u(i) = \phi(z^2_u(i))$, $z^4_a(i) = \sum_u "
    r"w^2_{au} z^3_u(i) + b^2_a$ and $C$ is the NLL of the softmax $p_a(i)$ of these logits."
)
hidden_deltas = Hypothesis(
    r"$\delta^4_a(i) = p_a(i) \sum_b [y_i = b] - [y_i = a]$, $\delta^3_u(i) = \sum_a w^2_{au} "
    r"\delta^4_a(i)$ and $\delta^2_u(i) = \phi'(z^2_u(i)) \, \delta^3_u(i)$."
)

hidden_layer = Statement(
    "A hidden layer",
    r"Linear, any differentiable $\phi$, linear, log-softmax, NLL: one pass back gives the "
    r"derivative by every parameter and by the data. Left, the composed function, differentiated "
    r"as it stands; right, the deltas of the pass back. Nothing is asked of the labels.",
    (
        Chain(
            D(above_h2.cost, free_h2[i, s]),
            (
                Step(
                    total(a, above_h2.delta4[i, a] * D(above_h2.logits[i, a], free_h2[i, s])),
                    DIFFERENTIATE,
                    r"log-softmax and NLL together, as a function of the logits",
                    cites=(log_softmax.backward,),
                ),
                Step(
                    any_phi.prime(free_h2[i, s]) * total(a, W2[a, s] * above_h2.delta4[i, a]),
                    DIFFERENTIATE,
                    r"only the value of its own unit depends on $z^2_u(i)$",
                    cites=(linear.backward, activations.any_function_backward),
                ),
            ),
            at=(i, s),
            title=r"$\delta^2_u(i)$",
            matrix=(
                Gradient(above_h2.cost, free_h2),
                Each(activations.phi_slope, Whole(free_h2)) * (Whole(above_h2.delta4) @ Whole(W2)),
            ),
        ),
        Chain(
            D(whole_cost, W1[s, k]),
            (
                Step(
                    total(i, total(a, e4[i, a] * (W2[a, s] * slope * X[i, k]))),
                    DIFFERENTIATE,
                    r"$\delta^4$ times the slope of the logits; only hidden unit $u$ depends on "
                    r"these weights",
                    cites=(log_softmax.backward,),
                ),
                Step(
                    total(i, e2[i, s] * X[i, k]),
                    DEFINITION,
                    r"$\delta^3_u = \sum_a w^2_{au} \delta^4_a$, then $\delta^2_u = \phi'(z^2_u) \, "
                    r"\delta^3_u$",
                    cites=(linear.backward, activations.any_function_backward),
                ),
            ),
            at=(s, k),
            title="weights of the hidden layer",
        ),
        Chain(
            D(whole_cost, b1_[s]),
            (
                Step(
                    total(i, e2[i, s]),
                    DIFFERENTIATE,
                    "the same, with 1 in the place of the input",
                    cites=(linear.parameter_gradient,),
                ),
            ),
            at=(s,),
            title="its bias",
        ),
        Chain(
            D(whole_cost, W2[a, s]),
            (
                Step(
                    total(i, e4[i, a] * h3[i, s]),
                    DIFFERENTIATE,
                    "RULE 3: only the logit of this row depends on it",
                    cites=(linear.parameter_gradient,),
                ),
            ),
            at=(a, s),
            title="weights of the output layer",
        ),
        Chain(
            D(whole_cost, b2_[a]),
            (
                Step(
                    total(i, e4[i, a]),
                    DIFFERENTIATE,
                    "the same, with 1 in the place of the value",
                    cites=(linear.parameter_gradient,),
                ),
            ),
            at=(a,),
            title="its bias",
        ),
        Chain(
            D(whole_cost, X[i, k]),
            (
                Step(
                    total(s, e2[i, s] * W1[s, k]),
                    DIFFERENTIATE,
                    "RULE 2 down to the first layer; no other data point depends on this one",
                    cites=(linear.backward, activations.any_function_backward),
                ),
            ),
            at=(i, k),
            title="the data",
        ),
    ),
    (superscripts, hidden_layers, hidden_deltas, activations.differentiable, fixed),
)

# -- the three rules -------------------------------------------------------------------------------

Q = Dimension("Q", "qr", 4, "parameters of a layer")
T = Dimension("T", "rh", 5, "terms of a cost")
q_, r = Index("q", Q), Index("r", T)

theta = Array("theta", (Q,), r"\theta^l", r"\boldsymbol{\theta}^l")
below = Array("z", (N, n), "z^l")
A, E = Array("A", (K, n, Q), "A"), Array("E", (M, K), "E")
G, g0, g = Array("G", (T, N, M), "G"), Array("d", (T,), "d"), Array("c", (T,), "c")

weight = Definition("omega", (a, k), total(q_, A[a, k, q_] * theta[q_]), r"\omega")
layer = Definition(
    "z'",
    (i, s),
    total(a, E[s, a] * any_phi(total(k, weight[a, k] * below[i, k]))),
    "z^{l+1}",
)
variable = Array("z'", (N, M), "z^{l+1}")


def arguments(value: Array | Definition) -> Term:
    """A weighted sum of all outputs of all data points."""
    return total(j, total(t, G[r, j, t] * value[j, t])) + g0[r]


of_outputs = Definition("C", (), total(r, g[r] * any_psi(arguments(variable))), "C")()
of_inputs = Definition("C", (), total(r, g[r] * any_psi(arguments(layer))), "C")()
delta_above = Definition(
    "delta'",
    (i, s),
    total(r, g[r] * any_psi.prime(arguments(layer)) * G[r, i, s]),
    r"\delta^{l+1}",
)

a_layer = Hypothesis(
    r"The layer is $z^{l+1}_{iu} = \sum_a E_{ua} \, \phi(\sum_k \omega_{ak} z^l_{ik})$ with "
    r"weights $\omega_{ak} = \sum_q A_{akq} \theta^l_q$ that depend linearly on the parameters in "
    r"any way: dense, shared, convolutional. $\phi$ is any differentiable function, $E$ and $A$ are "
    r"any numbers. One of the inputs may be constant, and so may one of the parameters."
)
a_cost = Hypothesis(
    r"The cost is $C = \sum_r c_r \, \psi(\sum_i \sum_u G_{riu} z^{l+1}_{iu} + d_r)$: any "
    r"differentiable function $\psi$, any number of terms, each of all outputs of all data points; "
    r"$\delta^{l+1}_{iu} = \sum_r c_r \, \psi'(\sum_j \sum_v G_{rjv} z^{l+1}_{jv} + d_r) \, G_{riu}$."
)
several_variables = Prose(
    r"The lines are for the layers and costs of the hypotheses. For any differentiable layer and "
    r"cost the last line is the chain rule of several variables.",
    "griewank2008",
)

rule_forward = Statement(
    "RULE 1, forward",
    r"A layer takes its input $\mathbf{z}^l$ and its parameters $\boldsymbol{\theta}^l$ to its "
    r"output $\mathbf{z}^{l+1}$, each data point by itself. This is the kind of layer for which "
    r"the other two rules are proved line by line: a function of sums that are linear in the "
    r"inputs and in the parameters.",
    given=(a_layer,),
    defines=(layer, weight),
)

rule_backward = Statement(
    "RULE 2, backward",
    r"$\delta^{l+1} = \partial C / \partial z^{l+1}$ is known; the sum over the outputs of the "
    r"same data point gives $\delta^l = \partial C / \partial z^l$. The input reaches the cost "
    r"through this layer alone.",
    (
        Chain(
            D(of_inputs, below[i, k]),
            (
                Step(
                    total(
                        r,
                        g[r]
                        * any_psi.prime(arguments(layer))
                        * total(s, G[r, i, s] * D(layer[i, s], below[i, k])),
                    ),
                    DIFFERENTIATE,
                    r"chain rule for $\psi$; no other data point depends on this input",
                ),
                Step(
                    total(s, delta_above[i, s] * D(layer[i, s], below[i, k])),
                    DIFFERENTIATE,
                    "exchange the sums",
                ),
                several_variables,
            ),
            at=(i, k),
            title=r"$\delta^l_{ik}$",
        ),
        Chain(
            D(of_outputs, variable[i, s]),
            (
                Step(
                    total(r, g[r] * any_psi.prime(arguments(variable)) * G[r, i, s]),
                    DIFFERENTIATE,
                    r"chain rule for $\psi$",
                ),
            ),
            at=(i, s),
            title=r"$\delta^{l+1}_{iu}$, with the outputs as the variables",
        ),
    ),
    (a_layer, a_cost),
)

rule_parameters = Statement(
    "RULE 3, parameters",
    "The deltas at the output times the derivatives by the parameter, summed over the outputs and "
    r"over the data points, which share it.",
    (
        Chain(
            D(of_inputs, theta[q_]),
            (
                Step(
                    total(i, total(s, delta_above[i, s] * D(layer[i, s], theta[q_]))),
                    DIFFERENTIATE,
                    "every output of every data point depends on it",
                ),
                several_variables,
            ),
            at=(q_,),
        ),
    ),
    (a_layer, a_cost),
)

# -- layers on layers ------------------------------------------------------------------------------

z = Array("z", (n,), "z", r"\mathbf{z}")
x = Array("x", (M,), "x", r"\mathbf{x}")
F, B = Array("F", (M, Q), "F"), Array("B", (Q, n), "B")
H, U = Array("H", (K, T), "H"), Array("U", (T, M), "U")
first = Definition("f", (s,), total(q_, F[s, q_] * any_phi(total(k, B[q_, k] * z[k]))), "f")
second_of = Definition("g", (a,), total(r, H[a, r] * any_psi(total(s, U[r, s] * x[s]))), "g")
second = Definition("h", (a,), total(r, H[a, r] * any_psi(total(s, U[r, s] * first[s]))), "h")
slopes = Definition(
    "J",
    (a, s),
    total(r, H[a, r] * any_psi.prime(total(t, U[r, t] * first[t])) * U[r, s]),
    "J",
)
delta_out = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
between = Definition("delta", (s,), total(a, delta_out[a] * slopes[a, s]), r"\delta")
end = Definition("C", (), total(a, delta_out[a] * second[a]), "C")()

composition_is_a_layer = Statement(
    "A chain of layers is a layer",
    "Two layers, one on the other, have the three rules again: the Jacobians multiply, the pass "
    "back goes through the second and then through the first, and each finds the gradient of its "
    "own parameters on the way.",
    (
        Chain(
            D(second[a], z[k]),
            (
                Step(
                    total(s, slopes[a, s] * D(first[s], z[k])),
                    DIFFERENTIATE,
                    r"chain rule for $\psi$; exchange the sums",
                ),
            ),
            at=(a, k),
            title="the Jacobians multiply",
        ),
        Chain(
            D(second_of[a], x[s]),
            (
                Step(
                    total(r, H[a, r] * any_psi.prime(total(t, U[r, t] * x[t])) * U[r, s]),
                    DIFFERENTIATE,
                    r"the Jacobian $J$ of the second layer, at $\mathbf{x} = "
                    r"\mathbf{f}(\mathbf{z})$",
                ),
            ),
            at=(a, s),
            title="the Jacobian of the second layer",
        ),
        Chain(
            D(end, z[k]),
            (
                Step(
                    total(a, delta_out[a] * total(s, slopes[a, s] * D(first[s], z[k]))),
                    DIFFERENTIATE,
                    "RULE 2 of the chain, and its Jacobian",
                ),
                Step(
                    total(s, between[s] * D(first[s], z[k])),
                    DIFFERENTIATE,
                    r"first $\delta_u = \sum_a \delta'_a J_{au}$, then RULE 2 of the first layer",
                ),
            ),
            at=(k,),
            title="RULE 2",
        ),
        Chain(
            D(end, B[q_, k]),
            (
                Step(
                    total(s, between[s] * D(first[s], B[q_, k])),
                    DIFFERENTIATE,
                    r"RULE 3 of the first layer, with the delta between the layers",
                ),
            ),
            at=(q_, k),
            title="RULE 3, parameters of the first layer",
        ),
        Chain(
            D(end, H[a, r]),
            (
                Step(
                    delta_out[a] * any_psi(total(s, U[r, s] * first[s])),
                    DIFFERENTIATE,
                    "RULE 3 of the second layer alone: the first does not come in",
                ),
            ),
            at=(a, r),
            title="RULE 3, parameters of the second layer",
        ),
    ),
    (
        Hypothesis(
            r"The first layer is $f_u(\mathbf{z}) = \sum_q F_{uq} \, \phi(\sum_k B_{qk} z_k)$, the "
            r"second $g_a(\mathbf{x}) = \sum_r H_{ar} \, \psi(\sum_u U_{ru} x_u)$, with any "
            r"differentiable functions $\phi$ and $\psi$ and any numbers; $h_a(\mathbf{z}) = "
            r"g_a(\mathbf{f}(\mathbf{z}))$. The deltas $\delta'$ are given, and "
            r"$C = \sum_a \delta'_a h_a$."
        ),
        Hypothesis(
            r"$J_{au} = \partial g_a / \partial x_u$ at $\mathbf{x} = \mathbf{f}(\mathbf{z})$, and "
            r"$\delta_u = \sum_a \delta'_a J_{au}$."
        ),
    ),
)

left_arm, right_arm = Array("A", (M, n), "A"), Array("B", (K, n), "B")
left_share, right_share = Array("c", (M,), "c"), Array("d", (K,), "d")
branch = Definition("f", (s,), any_phi(total(k, left_arm[s, k] * z[k])), "f")
other = Definition("g", (a,), any_psi(total(k, right_arm[a, k] * z[k])), "g")
meeting = total(s, left_share[s] * branch[s]) + total(a, right_share[a] * other[a])
joined = Definition("C", (), any_chi(meeting), "C")()
delta_left = Definition("delta'", (s,), any_chi.prime(meeting) * left_share[s], r"\delta'")
delta_right = Definition("delta''", (a,), any_chi.prime(meeting) * right_share[a], r"\delta''")
square = Array("W", (M, M), "w", r"\mathbf{W}")
deltas_out = Array("eta'", (M,), r"\eta'", r"\boldsymbol{\eta}'")
skip = Definition("z'", (s,), x[s] + any_phi(total(t, square[s, t] * x[t])), "z'")
skipped = Definition("C_skip", (), total(s, deltas_out[s] * skip[s]), r"C_{\mathrm{skip}}")()

fan_out = Statement(
    "A value that is used twice",
    "When a value reaches the cost along two paths, each path brings a delta and they add. RULE 2 "
    "as it stands knows one path.",
    (
        Chain(
            D(joined, z[k]),
            (
                Step(
                    any_chi.prime(meeting)
                    * (
                        total(s, left_share[s] * D(branch[s], z[k]))
                        + total(a, right_share[a] * D(other[a], z[k]))
                    ),
                    DIFFERENTIATE,
                    r"chain rule for $\chi$, sum rule",
                ),
                Step(
                    total(s, delta_left[s] * D(branch[s], z[k]))
                    + total(a, delta_right[a] * D(other[a], z[k])),
                    DIFFERENTIATE,
                    "one RULE 2 for each path",
                ),
            ),
            at=(k,),
            title="two layers on one value",
        ),
        Chain(
            D(skipped, x[t]),
            (
                Step(
                    total(s, deltas_out[s] * D(skip[s], x[t])),
                    DIFFERENTIATE,
                    "RULE 2",
                ),
                Step(
                    total(
                        s,
                        deltas_out[s]
                        * (
                            Delta(s, t)
                            + any_phi.prime(total(o_, square[s, o_] * x[o_])) * square[s, t]
                        ),
                    ),
                    DIFFERENTIATE,
                    "the value itself, and the layer",
                ),
                Step(
                    deltas_out[t]
                    + total(
                        s,
                        deltas_out[s]
                        * any_phi.prime(total(o_, square[s, o_] * x[o_]))
                        * square[s, t],
                    ),
                    CONTRACT,
                    "the delta passes unchanged, and the layer adds its own",
                ),
            ),
            at=(t,),
            title="a skip connection",
        ),
    ),
    (
        Hypothesis(
            r"Two paths: $f_u = \phi(\sum_k A_{uk} z_k)$ and $g_a = \psi(\sum_k B_{ak} z_k)$ meet "
            r"in $C = \chi(\sum_u c_u f_u + \sum_a d_a g_a)$, with deltas $\delta'_u = \partial C "
            r"/ \partial f_u$ and $\delta''_a = \partial C / \partial g_a$."
        ),
        Hypothesis(
            r"A skip connection: $z'_u = x_u + \phi(\sum_v w_{uv} x_v)$, with given deltas $\eta'$ at "
            r"its output and $C_{\mathrm{skip}} = \sum_u \eta'_u z'_u$."
        ),
        Hypothesis(r"$\phi$, $\psi$ and $\chi$ are any differentiable functions."),
    ),
)

# -- forward and backward products -----------------------------------------------------------------


class_deltas, logits, S = linear.delta_out, softmax.z, softmax.S
push = Array("r", (K,), "r", r"\mathbf{r}")
inputs = Array("x", (n,), "x", r"\mathbf{x}")
linear_out = Definition("z'", (u,), total(k, W[u, k] * inputs[k]) + linear.b[u], "z'")
each_out = Definition("z'", (u,), any_phi(logits[u]), "z'")
log_p = Array("Z", (N, K), "z", r"\mathbf{Z}")
push_all = Array("R", (N, K), "r", r"\mathbf{R}")
nll_out = Definition("C", (), -total(i, total(u, Y[i, u] * log_p[i, u])), "C")()


def adjoint(title: str, out: Definition, passed: Term) -> Chain:
    """Return <delta', J r> = <J^T delta', r> of a layer of K units, J^T delta' as RULE 2 has it."""
    return Chain(
        total(u, class_deltas[u] * total(o, D(out[u], logits[o]) * push[o])),
        (
            Step(
                total(o, total(u, class_deltas[u] * D(out[u], logits[o])) * push[o]),
                ALGEBRA,
                "exchange the sums",
            ),
            Step(total(o, passed * push[o]), DIFFERENTIATE, "RULE 2 of the layer"),
        ),
        title=title,
    )


adjoint_identity = Statement(
    "Up and down are adjoint",
    r"A layer's Jacobian takes a direction $\mathbf{r}$ up; RULE 2 takes a delta down by the "
    r"transpose. Both give the same number, $\langle \boldsymbol{\delta}', \mathbf{J} \mathbf{r} "
    r"\rangle = \langle \mathbf{J}^\top \boldsymbol{\delta}', \mathbf{r} \rangle$: a test to which "
    r"any implementation can be put, without forming $\mathbf{J}$. Here it is for each kind of "
    r"layer of these pages.",
    (
        Chain(
            total(u, class_deltas[u] * total(k, D(linear_out[u], inputs[k]) * v[k])),
            (
                Step(
                    total(k, total(u, class_deltas[u] * D(linear_out[u], inputs[k])) * v[k]),
                    ALGEBRA,
                    "exchange the sums",
                ),
                Step(
                    total(k, total(u, class_deltas[u] * W[u, k]) * v[k]),
                    DIFFERENTIATE,
                    "RULE 2 of the layer",
                    cites=(linear.backward,),
                ),
            ),
            title=r"linear, with a direction $\mathbf{v}$ of its inputs $\mathbf{x}$",
        ),
        adjoint(
            "any function of each entry",
            each_out,
            class_deltas[o] * any_phi.prime(logits[o]),
        ),
        adjoint(
            "softmax",
            activations.softmax_out,
            S[o] * (class_deltas[o] - total(u, S[u] * class_deltas[u])),
        ),
        adjoint("log-softmax", log_softmax.out, class_deltas[o] - S[o] * total(u, class_deltas[u])),
        Chain(
            nll.delta_out * total(i, total(u, D(nll_out, log_p[i, u]) * push_all[i, u])),
            (
                Step(
                    total(i, total(u, -(nll.delta_out * Y[i, u]) * push_all[i, u])),
                    DIFFERENTIATE,
                    "RULE 2 of the layer",
                    cites=(nll.backward,),
                ),
            ),
            title="NLL, which has one output",
        ),
    ),
    (
        Hypothesis(
            r"$\mathbf{z}'$ is what the layer in question gives out, $C$ what the NLL layer does. The "
            r"deltas $\delta'$ and the directions $\mathbf{v}$, $\mathbf{r}$, $\mathbf{R}$ are any."
        ),
        activations.differentiable,
    ),
)

# -- Gauss-Newton ----------------------------------------------------------------------------------


twice = network(twice_phi, h2)
bend = twice_phi.prime.prime(h2[i, s])
rise = Definition("J", (i, a, s, k), W2[a, s] * twice_phi.prime(h2[i, s]) * X[i, k], "J")
pull = Definition("g", (i, s, k), twice.delta2[i, s] * X[i, k], "g")


def curvature(p: Definition) -> Term:
    """Curvature of the cost of a data point in its logits c and d: diag p - p p^T."""
    return p[i, c] * (Delta(c, d) - p[i, d])


gauss_newton = Statement(
    "Gauss-Newton",
    r"The Gauss-Newton matrix $\sum_i \mathbf{J}_i^\top (\operatorname{diag} \mathbf{p}_i - "
    r"\mathbf{p}_i \mathbf{p}_i^\top) \, \mathbf{J}_i$, with $\mathbf{J}_i$ the slopes of the logits "
    r"by the parameters, keeps the curvature of the cost in the logits and drops that of the logits "
    r"in the parameters. Without a hidden layer nothing is dropped: it is the Hessian. With one the "
    r"difference is the deltas times the second derivatives of the logits, shown for two weights of "
    r"the hidden layer and for one of each layer.",
    (
        Chain(
            D(D(NLL, W[a, k]), W[b, l]),
            (
                Step(
                    total(
                        i,
                        total(
                            c,
                            total(d, D(Z[i, c], W[a, k]) * curvature(P) * D(Z[i, d], W[b, l])),
                        ),
                    ),
                    DIFFERENTIATE,
                    "the logits are linear in the weights",
                ),
                Step(
                    total(i, X[i, k] * X[i, l] * P[i, a] * (Delta(a, b) - P[i, b])),
                    CONTRACT,
                    "only $c = a$ and $d = b$ remain: the Hessian",
                    cites=(softmax.nll_hessian,),
                ),
            ),
            at=(a, k, b, l),
            title="softmax regression",
        ),
        Chain(
            D(twice.logits[i, a], W1[s, k]),
            (Step(rise[i, a, s, k], DIFFERENTIATE, r"chain rule for $\phi$"),),
            at=(i, a, s, k),
            title="a hidden layer: the slopes of the logits by its weights",
        ),
        Chain(
            D(rise[i, a, s, k], W1[t, l]),
            (
                Step(
                    W2[a, s] * bend * Delta(s, t) * X[i, k] * X[i, l],
                    DIFFERENTIATE,
                    "these are not constant",
                ),
            ),
            at=(i, a, s, k, t, l),
            title="their second derivatives, which are dropped",
        ),
        Chain(
            D(pull[i, s, k], W1[t, l])
            - total(
                c, total(d, rise[i, c, s, k] * curvature(twice.probabilities) * rise[i, d, t, l])
            ),
            (
                Step(
                    twice.delta3[i, s] * bend * Delta(s, t) * X[i, k] * X[i, l],
                    DIFFERENTIATE,
                    r"$\sum_a \delta^4_a$ times what was dropped, with $\delta^3_u = \sum_a "
                    r"w^2_{au} \delta^4_a$",
                    cites=(hidden_layer,),
                ),
            ),
            at=(i, s, k, t, l),
            title="one data point: Hessian minus Gauss-Newton",
        ),
        Chain(
            D(pull[i, s, k], W2[b, t])
            - total(
                c,
                total(
                    d,
                    rise[i, c, s, k]
                    * curvature(twice.probabilities)
                    * D(twice.logits[i, d], W2[b, t]),
                ),
            ),
            (
                Step(
                    twice.delta4[i, b] * twice_phi.prime(h2[i, s]) * Delta(s, t) * X[i, k],
                    DIFFERENTIATE,
                    r"the slopes of the logits by $w^1$ have $w^2$ in them",
                ),
            ),
            at=(i, s, k, b, t),
            title="the same, for a weight of the hidden layer and one of the output layer",
        ),
    ),
    (
        superscripts,
        Hypothesis(
            r"With a hidden layer: $z^2_u(i) = \sum_k w^1_{uk} x_{ik} + b^1_u$, $z^3_u(i) = "
            r"\phi(z^2_u(i))$, the logits $z^4_a(i) = \sum_u w^2_{au} z^3_u(i) + b^2_a$ and their "
            r"softmax $p_a(i)$; $J_{iauk} = \partial z^4_a(i) / \partial w^1_{uk}$."
        ),
        hidden_deltas,
        Hypothesis(
            r"$g_{iuk} = \delta^2_u(i) \, x_{ik}$ is what data point $i$ adds to the gradient by "
            r"the weights of the hidden layer."
        ),
        activations.twice_differentiable,
        one_class,
        fixed,
    ),
)

# -- what it costs ---------------------------------------------------------------------------------

Layers = Dimension("L", "lh", 6, "layers")
e, f = Index("l", Layers), Index("h", Layers)
width = Array("m", (Layers,), "m", domain="nonnegative")
next_width = Array("m'", (Layers,), "m'", domain="nonnegative")
products = total(e, width[e] * next_width[e])

cost = Statement(
    "What a gradient costs",
    "Multiplications, counted. A pass back costs two times the pass forward, whatever the number "
    "of inputs and of weights. Forward accumulation carries one derivative for each variable and "
    "pays up to a pass forward for each. The price of the pass back is memory: it reads every value "
    "again, so all of them are kept, for every layer.",
    (
        Chain(
            total(i, products + products + products),
            (
                Step(
                    3 * Size(N) * products,
                    ALGEBRA,
                    "RULES 1, 2 and 3 of every layer, for every data point",
                ),
            ),
            title="reverse, for all derivatives",
        ),
        Chain(
            total(i, total(u, total(k, 1))),
            (
                Step(
                    Size(N) * Size(K) * Size(n),
                    ALGEBRA,
                    r"one product $w_{uk} z_k$ for each weight and data point",
                ),
            ),
            title=r"$\mathbf{W} \mathbf{z}$; $\mathbf{W}^\top \boldsymbol{\delta}$ and "
            r"$\boldsymbol{\delta} \mathbf{z}^\top$ have as many",
        ),
        Chain(
            total(i, products + total(k, products)),
            (
                Step(
                    Size(N) * (1 + Size(n)) * products,
                    ALGEBRA,
                    "the values, and one direction for each of the inputs",
                ),
            ),
            title=r"forward, for the derivatives by the $n$ inputs",
        ),
        Chain(
            total(i, products + total(f, width[f] * next_width[f] * products)),
            (
                Step(
                    Size(N) * (1 + products) * products,
                    ALGEBRA,
                    r"the values, and one direction for each of the $\sum_l m_l m'_l$ weights",
                ),
            ),
            title="forward, for the derivatives by the weights, at most",
        ),
        Chain(
            Size(N) * (1 + Size(n)) * products / (3 * Size(N) * products),
            (
                Step(
                    (1 + Size(n)) / 3,
                    ALGEBRA,
                    "the widths and the depth cancel",
                ),
            ),
            title="forward over reverse, for the inputs",
        ),
        Chain(
            total(i, total(e, next_width[e])),
            (
                Step(
                    Size(N) * total(e, next_width[e]),
                    ALGEBRA,
                    "every value of every data point; forward keeps one layer at a time",
                ),
            ),
            title="numbers that the pass back keeps",
        ),
    ),
    (
        Hypothesis(
            r"$L$ linear layers, the $l$-th with $m_l$ inputs and $m'_l = m_{l+1}$ outputs; the "
            r"first has the $n$ inputs. Products of numbers are counted; functions of single "
            r"entries are not, nor are sums. RULE 2 is counted for every layer, the first included, "
            r"and each forward direction is counted through every layer, an upper bound for the "
            r"weights: the direction of a weight begins at its own layer."
        ),
    ),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("backpropagation"))
