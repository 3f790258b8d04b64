"""Backpropagation: the layers of the note, the three rules, and what one pass back computes."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from typing import NamedTuple

from derivations import activations, linear, log_softmax, nll, softmax
from derivations.notation import *
from derivations.softmax import NLL, P, R, Z, fixed, one_class


def values(name: str, letter: str, unit: Index, body: Term, bold: str = "") -> Definition:
    """Return what each data point has at each unit of a layer, written z^2_u(i)."""
    return Definition(name, (i, unit), body, bold=bold, written=f"{letter}_{{1}}({{0}})")


def log_softmax_of(z: Array | Definition, number: int, u: Index, o: Index) -> Definition:
    """Return the log-softmax layer on the logits z."""
    return values(f"z{number}", f"z^{number}", u, z[i, u] - log(Σ(o, exp(z[i, o]))))


def softmax_of(z: Array | Definition, u: Index, o: Index) -> Definition:
    """Return the probabilities of the logits z."""
    return values("p", "p", u, exp(z[i, u]) / Σ(o, exp(z[i, o])))


def cost_of(z: Array | Definition, u: Index, name: str = "C", letter: str = "C") -> Use:
    """Return the NLL of log-probabilities z."""
    return Use(Definition(name, (), -Σ(i, Σ(u, Y[i, u] * z[i, u])), letter))

# -- the four layers of the note -------------------------------------------------------------------

u, o = Index("u", K), Index("v", K)  # units of the layers 2 and 3: the classes

z1 = Definition("z1", (i, k), X[i, k], written="z^1_{1}({0})")
z2 = values("z2", "z^2", u, Σ(k, W[u, k] * z1[i, k]))
z3, p = log_softmax_of(z2, 3, u, o), softmax_of(z2, u, o)
z4 = cost_of(z3, u, "z4", "z^4")

superscripts = Hypothesis(
    "The superscript is the number of the layer and no power; $z^l_u(i)$ is the value of unit $u$ "
    "of layer $l$ for data point $i$.")
four_layers = Hypothesis(
    r"$z^1_k(i) = x_{ik}$, $z^2_u(i) = \sum_k w_{uk} z^1_k(i)$, $z^3_u(i) = z^2_u(i) - \log \sum_v "
    r"e^{z^2_v(i)}$ and $z^4 = -\sum_i \sum_u [y_i = u] \, z^3_u(i)$.")

layer_stack = state(
    "The layers of softmax regression",
    "The data point, a linear layer, a log-softmax layer and the cost: each depends on the one "
    "below alone. Put into each other they are the negative log-likelihood.",
    prove(z4,
        because("layer 4, the cost", unfold(z4)), because("layer 3, log-softmax", unfold(z3)),
        to(-Σ(i, Σ(u, Y[i, u] * log(exp(z2[i, u]) / Σ(o, exp(z2[i, o]))))), LOGARITHM,
            "the difference is the logarithm of a quotient", nll.forward, log_softmax.forward),
        because(r"layer 2, linear: $z^2_u(i) = \sum_k w_{uk} z^1_k(i)$", unfold(z2)),
        because("layer 1: $z^1_k(i) = x_{ik}$", unfold(z1)), fold(Z, P),
        to(NLL, DEFINITION, softmax.nll, linear.forward)),
    given=(superscripts, four_layers, one_class),
)

# -- its deltas ------------------------------------------------------------------------------------

free4 = scalar("z4", "z^4")
free3, free2 = (Array(f"z{n}", (N, K), written=f"z^{n}_{{1}}({{0}})") for n in (3, 2))
above3 = cost_of(free3, u)
lsm, p2 = log_softmax_of(free2, 3, u, o), softmax_of(free2, u, o)
above2 = cost_of(lsm, u)

δ3 = values("delta3", r"\delta^3", u, -Y[i, u])
δ2_hard = values("delta2", r"\delta^2", u, p[i, u] - Y[i, u])

down_to_logits = then(unfold(z4), because("sum rule; the labels are constants", linearity),
    unfold(z3), chain_rule)
labels_sum_to_one = because("the labels of a data point sum to one", given(one_class))
own_unit = because("only $v = u$ remains of the delta", contract)

cost_and_deltas = Hypothesis(
    r"$C = z^4$ is the cost, a function of the values of the layer in question. $\delta^3_u(i) = "
    r"-[y_i = u]$, $\delta^2_u(i) = p_u(i) - [y_i = u]$ and $p_u(i) = e^{z^2_u(i)} / \sum_v "
    "e^{z^2_v(i)}$, which is $p_{iu}$ at the logits.")

deltas = state(
    "The deltas of softmax regression",
    r"$\delta^l$ is the derivative of the cost by the values of layer $l$, with those values as "
    "the variables. From the top down each follows from the one above, and the last line is the "
    "gradient by the weights, summed over the data points.",
    prove(d(free4, free4), because("the cost by itself", entry_rule), title=r"$\delta^4$"),
    prove(d(above3, free3[i, u]),
        unfold(above3), because("RULE 2 of NLL", linearity), entry_rule, contract,
        title=r"$\delta^3_u(i)$"),
    prove(d(above2, free2[i, u]),
        differentiate(above2), because("RULE 2", adjoint(lsm[i, o], δ3[i, o])),
        because("the Jacobian of log-softmax", slope(lsm)), fold(p2), own_unit, unfold(δ3),
        labels_sum_to_one,
        title=r"$\delta^2_u(i)$"),
    prove(d(z4, W[u, k]),
        down_to_logits, fold(p), labels_sum_to_one, because("RULE 3", adjoint(z2[i, o], δ2_hard[i, o])),
        slope(z2), own_unit,
        to(Σ(i, X[i, k] * (P[i, u] - Y[i, u])), DEFINITION,
            "the gradient that was found without layers", softmax.nll_gradient),
        title=r"$\partial C / \partial w_{uk}$",
        matrix=(Gradient(z4, W), (Whole(P) - Whole(Y)).T @ Whole(X))),
    given=(superscripts, four_layers, cost_and_deltas, one_class, fixed),
)

δ2 = values("delta2", r"\delta^2", u, δ3[i, u] - p[i, u] * Σ(o, δ3[i, o]))
δ1 = Definition("delta1", (i, k), Σ(u, δ2[i, u] * W[u, k]), written=r"\delta^1_{1}({0})")
weight_gradient = Definition("g", (u, k), Σ(i, δ2[i, u] * z1[i, k]), r"g", r"\mathbf{G}")
pass_back = Hypothesis(
    r"The pass back computes $\delta^3_u(i) = -[y_i = u]$, then $\delta^2_u(i) = \delta^3_u(i) - "
    r"p_u(i) \sum_v \delta^3_v(i)$ with $p_u(i) = e^{z^2_u(i)} / \sum_v e^{z^2_v(i)}$, then "
    r"$\delta^1_k(i) = \sum_u \delta^2_u(i) w_{uk}$ and the gradient $g_{uk} = \sum_i "
    r"\delta^2_u(i) z^1_k(i)$.")
through_log_softmax = because("RULE 2 of log-softmax", adjoint(z2[i, o], δ2[i, o]))

equals_direct = state(
    "The pass back is the derivative",
    "Left, the composed function, differentiated as it stands; right, what the pass back "
    "computes. No chain rule for several variables is assumed, and nothing is asked of the "
    "labels.",
    prove(d(z4, W[u, k]),
        down_to_logits, through_log_softmax, slope(z2), own_unit,
        title="by the weights"),
    prove(d(z4, X[i, k]),
        down_to_logits, through_log_softmax, slope(z2),
        because("RULE 2 of the linear layer", adjoint(z1[i, l], δ1[i, l])), unfold(z1), entry_rule,
        because("no other data point depends on this one", contract),
        title="by the data"),
    given=(superscripts, four_layers, pass_back, fixed), level=ALL_SIZES,
)

# -- second derivatives by the pass back -----------------------------------------------------------

dot_z2 = values("dz2", r"\dot z^2", u, Σ(l, X[i, l] * V[u, l]))
dot_p = values("dp", r"\dot p", u, p[i, u] * (dot_z2[i, u] - Σ(o, p[i, o] * dot_z2[i, o])))
dot_δ2 = values("ddelta2", r"\dot \delta^2", u, -(dot_p[i, u] * Σ(o, δ3[i, o])))


def along(quantity: Term) -> Term:
    """Return the derivative of a quantity along the direction V in the space of the weights."""
    return Σ(b, Σ(l, d(quantity, W[b, l]) * V[b, l]))

logits_along = prove(along(z2[i, u]),
    slope(z2), unfold(z1), because("only $b = u$ remains", contract), fold(dot_z2),
    title="up: the logits")
probabilities_along = prove(along(p[i, u]),
    because("the Jacobian of softmax", slope(p)), inward, by(logits_along), fold(dot_p),
    title="up: the probabilities")
deltas_along = prove(along(δ2[i, u]),
    because(r"$\delta^3$ does not depend on the weights", slope(δ2)), inward,
    by(probabilities_along), fold(dot_δ2),
    title="down: the deltas")
dots = Hypothesis(
    r"$\dot z^2_u(i) = \sum_l x_{il} v_{ul}$, which is $r_{iu}$; $\dot p_u(i) = p_u(i) (\dot "
    r"z^2_u(i) - \sum_v p_v(i) \dot z^2_v(i))$; $\dot \delta^2_u(i) = -\dot p_u(i) \sum_v "
    r"\delta^3_v(i)$.")

hvp_forward_over_reverse = state(
    "Hessian-vector product by differentiating the pass back",
    r"The pass back is a computation like any other and has a derivative along $\mathbf{V}$: a dot "
    "on every value, up and down once. What it gives is the Hessian times the direction, the "
    "product that was derived directly.",
    prove(along(weight_gradient[u, k]),
        unfold(weight_gradient),
        because("RULE 3, differentiated: the data are constants", linearity), inward,
        because(r"$\dot \delta^2$, as below", by(deltas_along)), unfold(dot_δ2), unfold(δ3),
        labels_sum_to_one,
        to(Σ(i, X[i, k] * P[i, u] * (R[i, u] - Σ(o, P[i, o] * R[i, o]))), DEFINITION,
            r"$\dot z^2_u(i) = r_{iu}$: the product that was derived directly", softmax.nll_hvp)),
    logits_along,
    probabilities_along,
    deltas_along,
    given=(superscripts, four_layers, pass_back, dots, one_class, fixed), level=ALL_SIZES,
)

# -- a hidden layer --------------------------------------------------------------------------------

h, q = Index("u", M), Index("v", M)  # hidden units
W1, bias1 = Array("W1", (M, n), "w^1", r"\mathbf{W}^1"), Array("b1", (M,), "b^1", r"\mathbf{b}^1")
W2, bias2 = Array("W2", (K, M), "w^2", r"\mathbf{W}^2"), Array("b2", (K,), "b^2", r"\mathbf{b}^2")

h2 = values("h2", "z^2", h, Σ(k, W1[h, k] * X[i, k]) + bias1[h])
free_h2 = Array("z2", (N, M), r"z^2", r"\mathbf{Z}^2", written="z^2_{1}({0})")


class Network(NamedTuple):
    """What stands above the values of layer 2, going up and coming down again."""

    values: Definition
    logits: Definition
    cost: Use
    probabilities: Definition
    delta4: Definition
    delta3: Definition
    delta2: Definition
    down_to_logits: Move
    down_to_values: Move


def network(phi: Function, below: Array | Definition) -> Network:
    """Return the layers of the activation, the logits and the cost, and their deltas."""
    h3 = values("h3", "z^3", h, phi(below[i, h]))
    h4 = values("h4", "z^4", a, Σ(h, W2[a, h] * h3[i, h]) + bias2[a])
    h5, p = log_softmax_of(h4, 5, a, b), softmax_of(h4, a, b)
    bold, cost = r"\boldsymbol{\delta}^4", cost_of(h5, a)
    δ4 = values("delta4", r"\delta^4", a, p[i, a] * Σ(b, Y[i, b]) - Y[i, a], bold)
    δ3 = values("delta3", r"\delta^3", h, Σ(a, W2[a, h] * δ4[i, a]))
    δ2 = values("delta2", r"\delta^2", h, phi.prime(below[i, h]) * δ3[i, h])
    to_logits = because("RULE 2 of NLL and log-softmax", adjoint(h4[i, a], δ4[i, a]))
    to_values = because("RULE 2 of the linear layer", adjoint(h3[i, q], δ3[i, q]))
    high = then(differentiate(cost), slope(h5), to_logits, slope(h4))
    return Network(h3, h4, cost, p, δ4, δ3, δ2, high, then(high, to_values, slope(h3)))

above_h2, whole = network(any_phi, free_h2), network(any_phi, h2)
to_first_layer = because("RULE 2 of the activation", adjoint(h2[i, q], whole.delta2[i, q]))
down_to_first_layer = then(whole.down_to_values, to_first_layer, slope(h2))
own_row = because("only the values of its own row depend on it", contract)
hidden_layers = Hypothesis(
    r"$z^2_u(i) = \sum_k w^1_{uk} x_{ik} + b^1_u$, $z^3_u(i) = \phi(z^2_u(i))$, $z^4_a(i) = \sum_u "
    "w^2_{au} z^3_u(i) + b^2_a$ and $C$ is the NLL of the softmax $p_a(i)$ of these logits.")
hidden_deltas = Hypothesis(
    r"$\delta^4_a(i) = p_a(i) \sum_b [y_i = b] - [y_i = a]$, $\delta^3_u(i) = \sum_a w^2_{au} "
    r"\delta^4_a(i)$ and $\delta^2_u(i) = \phi'(z^2_u(i)) \, \delta^3_u(i)$.")

hidden_layer = state(
    "A hidden layer",
    r"Linear, any differentiable $\phi$, linear, log-softmax, NLL: one pass back gives the "
    "derivative by every parameter and by the data. Left, the composed function, differentiated "
    "as it stands; right, the deltas of the pass back. Nothing is asked of the labels.",
    prove(d(above_h2.cost, free_h2[i, h]),
        above_h2.down_to_values,
        because("only the value of its own unit depends on $z^2_u(i)$", contract),
        to(any_phi.prime(free_h2[i, h]) * Σ(a, W2[a, h] * above_h2.delta4[i, a]), DEFINITION),
        title=r"$\delta^2_u(i)$",
        matrix=(Gradient(above_h2.cost, free_h2),
            Each(activations.phi_slope, Whole(free_h2)) * (Whole(above_h2.delta4) @ Whole(W2)))),
    prove(d(whole.cost, W1[h, k]),
        down_to_first_layer, own_row,
        title="weights of the hidden layer"),
    prove(d(whole.cost, bias1[h]), down_to_first_layer, own_row, title="its bias"),
    prove(d(whole.cost, W2[a, h]),
        whole.down_to_logits, own_row,
        title="weights of the output layer"),
    prove(d(whole.cost, bias2[a]), whole.down_to_logits, own_row, title="its bias"),
    prove(d(whole.cost, X[i, k]),
        down_to_first_layer, because("no other data point depends on this one", contract),
        title="the data"),
    given=(superscripts, hidden_layers, hidden_deltas, activations.differentiable, fixed),
    level=ALL_SIZES,
)

# -- the three rules -------------------------------------------------------------------------------

Q = Dimension("Q", "qr", 4, "parameters of a layer")
T = Dimension("T", "rh", 5, "terms of a cost")
q_, r = Index("q", Q), Index("r", T)

theta = Array("theta", (Q,), r"\theta^l", r"\boldsymbol{\theta}^l")
below = Array("z", (N, n), "z^l")
A, E = Array("A", (K, n, Q), "A"), Array("E", (M, K), "E")
G, g0, g = Array("G", (T, N, M), "G"), Array("d", (T,), "d"), Array("c", (T,), "c")

weight = Definition("omega", (a, k), Σ(q_, A[a, k, q_] * theta[q_]), r"\omega")
layer = Definition("z'", (i, h), Σ(a, E[h, a] * any_phi(Σ(k, weight[a, k] * below[i, k]))),
    "z^{l+1}")
variable = Array("z'", (N, M), "z^{l+1}")


def arguments(value: Array | Definition) -> Term:
    """A weighted sum of all outputs of all data points."""
    return Σ(j, Σ(q, G[r, j, q] * value[j, q])) + g0[r]

of_outputs = Definition("C", (), Σ(r, g[r] * any_psi(arguments(variable))), "C")()
of_inputs = Definition("C", (), Σ(r, g[r] * any_psi(arguments(layer))), "C")()
delta_above = Definition("delta'", (i, h),
    Σ(r, g[r] * any_psi.prime(arguments(layer)) * G[r, i, h]), r"\delta^{l+1}")

a_layer = Hypothesis(
    r"The layer is $z^{l+1}_{iu} = \sum_a E_{ua} \, \phi(\sum_k \omega_{ak} z^l_{ik})$ with "
    r"weights $\omega_{ak} = \sum_q A_{akq} \theta^l_q$ that depend linearly on the parameters in "
    r"any way: dense, shared, convolutional. $\phi$ is any differentiable function, $E$ and $A$ "
    "are any numbers. One of the inputs may be constant, and so may one of the parameters.")
a_cost = Hypothesis(
    r"The cost is $C = \sum_r c_r \, \psi(\sum_i \sum_u G_{riu} z^{l+1}_{iu} + d_r)$: any "
    r"differentiable function $\psi$, any number of terms, each of all outputs of all data points; "
    r"$\delta^{l+1}_{iu} = \sum_r c_r \, \psi'(\sum_j \sum_v G_{rjv} z^{l+1}_{jv} + d_r) \, "
    "G_{riu}$.")
through_the_cost = then(unfold(of_inputs), chain_rule,
    because("exchange the sums", adjoint(layer[i, h], delta_above[i, h])))
several_variables = words(
    "The lines are for the layers and costs of the hypotheses. For any differentiable layer and "
    "cost the last line is the chain rule of several variables.",
    "griewank2008")

rule_forward = define(
    "RULE 1, forward",
    r"A layer takes its input $\mathbf{z}^l$ and its parameters $\boldsymbol{\theta}^l$ to its "
    r"output $\mathbf{z}^{l+1}$, each data point by itself. This is the kind of layer for which "
    "the other two rules are proved line by line: a function of sums that are linear in the "
    "inputs and in the parameters.",
    layer, weight, given=(a_layer,),
)

rule_backward = state(
    "RULE 2, backward",
    r"$\delta^{l+1} = \partial C / \partial z^{l+1}$ is known; the sum over the outputs of the "
    r"same data point gives $\delta^l = \partial C / \partial z^l$. The input reaches the cost "
    "through this layer alone.",
    prove(d(of_inputs, below[i, k]),
        through_the_cost,
        to(Σ(h, delta_above[i, h] * d(layer[i, h], below[i, k])), DIFFERENTIATE,
            "no other data point depends on this input"),
        several_variables,
        title=r"$\delta^l_{ik}$"),
    prove(d(of_outputs, variable[i, h]),
        unfold(of_outputs), chain_rule, entry_rule, contract,
        title=r"$\delta^{l+1}_{iu}$, with the outputs as the variables"),
    given=(a_layer, a_cost), level=LEMMA,
)

rule_parameters = state(
    "RULE 3, parameters",
    "The deltas at the output times the derivatives by the parameter, summed over the outputs and "
    "over the data points, which share it.",
    prove(d(of_inputs, theta[q_]), through_the_cost, several_variables),
    given=(a_layer, a_cost), level=LEMMA,
)

# -- layers on layers ------------------------------------------------------------------------------

z = Array("z", (n,), "z", r"\mathbf{z}")
x = Array("x", (M,), "x", r"\mathbf{x}")
F, B = Array("F", (M, Q), "F"), Array("B", (Q, n), "B")
H, U = Array("H", (K, T), "H"), Array("U", (T, M), "U")
first = Definition("f", (h,), Σ(q_, F[h, q_] * any_phi(Σ(k, B[q_, k] * z[k]))), "f")
second_of = Definition("g", (a,), Σ(r, H[a, r] * any_psi(Σ(h, U[r, h] * x[h]))), "g")
second = Definition("h", (a,), Σ(r, H[a, r] * any_psi(Σ(h, U[r, h] * first[h]))), "h")
slopes = Definition("J", (a, h), Σ(r, H[a, r] * any_psi.prime(Σ(q, U[r, q] * first[q])) * U[r, h]),
    "J")
delta_out = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
between = Definition("delta", (h,), Σ(a, delta_out[a] * slopes[a, h]), r"\delta")
end = Definition("C", (), Σ(a, delta_out[a] * second[a]), "C")()
through_second = then(unfold(second), chain_rule)
jacobians_multiply = prove(d(second[a], z[k]),
    through_second, because("exchange the sums", adjoint(first[h], slopes[a, h])),
    title="the Jacobians multiply")

two_layers = Hypothesis(
    r"The first layer is $f_u(\mathbf{z}) = \sum_q F_{uq} \, \phi(\sum_k B_{qk} z_k)$, the second "
    r"$g_a(\mathbf{x}) = \sum_r H_{ar} \, \psi(\sum_u U_{ru} x_u)$, with any differentiable "
    r"functions $\phi$ and $\psi$ and any numbers; $h_a(\mathbf{z}) = "
    r"g_a(\mathbf{f}(\mathbf{z}))$. The deltas $\delta'$ are given, and $C = \sum_a \delta'_a "
    "h_a$.")
jacobian_between = Hypothesis(
    r"$J_{au} = \partial g_a / \partial x_u$ at $\mathbf{x} = \mathbf{f}(\mathbf{z})$, and "
    r"$\delta_u = \sum_a \delta'_a J_{au}$.")

composition_is_a_layer = state(
    "A chain of layers is a layer",
    "Two layers, one on the other, have the three rules again: the Jacobians multiply, the pass "
    "back goes through the second and then through the first, and each finds the gradient of its "
    "own parameters on the way.",
    jacobians_multiply,
    prove(d(second_of[a], x[h]),
        unfold(second_of), chain_rule, entry_rule,
        because(r"the Jacobian $J$ at $\mathbf{x} = \mathbf{f}(\mathbf{z})$", contract),
        title="the Jacobian of the second layer"),
    prove(d(end, z[k]),
        differentiate(end), because("its Jacobian", by(jacobians_multiply)),
        because("RULE 2 of the second layer, then of the first", adjoint(first[h], between[h])),
        title="RULE 2"),
    prove(d(end, B[q_, k]),
        differentiate(end), through_second,
        because("RULE 3, with the delta between the layers", adjoint(first[h], between[h])),
        title="RULE 3, parameters of the first layer"),
    prove(d(end, H[a, r]),
        differentiate(end), because("the first layer does not come in", slope(second)),
        to(delta_out[a] * any_psi(Σ(h, U[r, h] * first[h])), CONTRACT),
        title="RULE 3, parameters of the second layer"),
    given=(two_layers, jacobian_between), level=ALL_SIZES,
)

left_arm, right_arm = Array("A", (M, n), "A"), Array("B", (K, n), "B")
left_share, right_share = Array("c", (M,), "c"), Array("d", (K,), "d")
branch = Definition("f", (h,), any_phi(Σ(k, left_arm[h, k] * z[k])), "f")
other = Definition("g", (a,), any_psi(Σ(k, right_arm[a, k] * z[k])), "g")
meeting = Σ(h, left_share[h] * branch[h]) + Σ(a, right_share[a] * other[a])
joined = Definition("C", (), any_chi(meeting), "C")()
delta_left = Definition("delta'", (h,), any_chi.prime(meeting) * left_share[h], r"\delta'")
delta_right = Definition("delta''", (a,), any_chi.prime(meeting) * right_share[a], r"\delta''")
square = Array("W", (M, M), "w", r"\mathbf{W}")
deltas_out = Array("eta'", (M,), r"\eta'", r"\boldsymbol{\eta}'")
skip = Definition("z'", (h,), x[h] + any_phi(Σ(q, square[h, q] * x[q])), "z'")
skipped = Definition("C_skip", (), Σ(h, deltas_out[h] * skip[h]), r"C_{\mathrm{skip}}")()

two_paths = Hypothesis(
    r"Two paths: $f_u = \phi(\sum_k A_{uk} z_k)$ and $g_a = \psi(\sum_k B_{ak} z_k)$ meet in $C = "
    r"\chi(\sum_u c_u f_u + \sum_a d_a g_a)$, with deltas $\delta'_u = \partial C / \partial f_u$ "
    r"and $\delta''_a = \partial C / \partial g_a$.")
skip_connection = Hypothesis(
    r"A skip connection: $z'_u = x_u + \phi(\sum_v w_{uv} x_v)$, with given deltas $\eta'$ at its "
    r"output and $C_{\mathrm{skip}} = \sum_u \eta'_u z'_u$.")
any_functions = Hypothesis(r"$\phi$, $\psi$ and $\chi$ are any differentiable functions.")

fan_out = state(
    "A value that is used twice",
    "When a value reaches the cost along two paths, each path brings a delta and they add. RULE 2 "
    "as it stands knows one path.",
    prove(d(joined, z[k]),
        unfold(joined), chain_rule,
        because("RULE 2 for each path",
            then(adjoint(other[a], delta_right[a]), adjoint(branch[h], delta_left[h]))),
        title="two layers on one value"),
    prove(d(skipped, x[q]),
        unfold(skipped), because("RULE 2", linearity),
        because("the value itself, and the layer", slope(skip)),
        because("the delta passes unchanged, and the layer adds its own", contract),
        title="a skip connection"),
    given=(two_paths, skip_connection, any_functions), level=ALL_SIZES,
)

# -- forward and backward products -----------------------------------------------------------------

class_deltas, logits, S = linear.delta_out, softmax.z, softmax.S
push = Array("r", (K,), "r", r"\mathbf{r}")
inputs = Array("x", (n,), "x", r"\mathbf{x}")
linear_out = Definition("z'", (u,), Σ(k, W[u, k] * inputs[k]) + linear.bias[u], "z'")
each_out = Definition("z'", (u,), any_phi(logits[u]), "z'")
log_p = Array("Z", (N, K), "z", r"\mathbf{Z}")
push_all = Array("R", (N, K), "r", r"\mathbf{R}")
nll_out = cost_of(log_p, u)


def up_and_down(title: str, out: Definition, jacobian: Move) -> Chain:
    """Return <delta', J r> = <J^T delta', r> of a layer of K units."""
    left = Σ(u, class_deltas[u] * Σ(o, d(out[u], logits[o]) * push[o]))
    rule2 = because("RULE 2 of the layer", adjoint(push[o]))
    return prove(left, exchange, jacobian, rule2, title=title)

any_directions = Hypothesis(
    r"$\mathbf{z}'$ is what the layer in question gives out, $C$ what the NLL layer does. The "
    r"deltas $\delta'$ and the directions $\mathbf{v}$, $\mathbf{r}$, $\mathbf{R}$ are any.")

adjoint_identity = state(
    "Up and down are adjoint",
    r"A layer's Jacobian takes a direction $\mathbf{r}$ up; RULE 2 takes a delta down by the "
    r"transpose. Both give the same number, $\langle \boldsymbol{\delta}', \mathbf{J} \mathbf{r} "
    r"\rangle = \langle \mathbf{J}^\top \boldsymbol{\delta}', \mathbf{r} \rangle$: a test to which "
    r"any implementation can be put, without forming $\mathbf{J}$. Here it is for each kind of "
    "layer of these pages.",
    prove(Σ(u, class_deltas[u] * Σ(k, d(linear_out[u], inputs[k]) * v[k])),
        exchange, because("RULE 2 of the layer", slope(linear_out)),
        title=r"linear, with a direction $\mathbf{v}$ of its inputs $\mathbf{x}$"),
    up_and_down("any function of each entry", each_out, slope(each_out)),
    up_and_down("softmax", activations.softmax_out, by(activations.softmax_jacobian)),
    up_and_down("log-softmax", log_softmax.out, by(log_softmax.jacobian)),
    prove(nll.delta_out * Σ(i, Σ(u, d(nll_out, log_p[i, u]) * push_all[i, u])),
        because("the Jacobian of the layer", slope(nll_out)),
        because("RULE 2 of the layer", adjoint(push_all[i, u])),
        title="NLL, which has one output"),
    given=(any_directions, activations.differentiable), level=ALL_SIZES,
)

# -- Gauss-Newton ----------------------------------------------------------------------------------

d_ = Index("d", K)
twice = network(twice_phi, h2)
bend = twice_phi.prime.prime(h2[i, h])
rise = Definition("J", (i, a, h, k), X[i, k] * W2[a, h] * twice_phi.prime(h2[i, h]), "J")
pull = Definition("g", (i, h, k), twice.delta2[i, h] * X[i, k], "g")


def sandwich(left: Term, p: Definition, right: Term) -> Term:
    """Return slopes of the logits c and d around the curvature of the cost: diag p - p p^T."""
    return Σ(c, Σ(d_, left * (p[i, c] * (δ(c, d_) - p[i, d_])) * right))

rises = prove(d(twice.logits[i, a], W1[h, k]),
    slope(twice.logits), because(r"chain rule for $\phi$", slope(twice.values)), slope(h2),
    contract, fold(rise),
    title="a hidden layer: the slopes of the logits by its weights")
differentiate_pull = then(unfold(pull), linearity, because("product rule", slope(twice.delta2)),
    slope(twice.delta3), slope(twice.delta4), slope(twice.probabilities))
softmax_regression = prove(d(NLL, W[a, k], W[b, l]),
    by(softmax.nll_gradient), linearity, slope(P),
    to(Σ(i, sandwich(d(Z[i, c], W[a, k]), P, d(Z[i, d_], W[b, l]))), DIFFERENTIATE,
        "the logits are linear in the weights"),
    slope(Z), because("only $c = a$ and $d = b$ remain: the Hessian", contract),
    to(Σ(i, X[i, k] * X[i, l] * P[i, a] * (δ(a, b) - P[i, b])), softmax.nll_hessian),
    title="softmax regression")
slopes_and_pulls = Hypothesis(
    r"$J_{iauk} = \partial z^4_a(i) / \partial w^1_{uk}$, and $g_{iuk} = \delta^2_u(i) \, x_{ik}$ "
    "is what data point $i$ adds to the gradient by the weights of the hidden layer.")

gauss_newton = state(
    "Gauss-Newton",
    r"The Gauss-Newton matrix $\sum_i \mathbf{J}_i^\top (\operatorname{diag} \mathbf{p}_i - "
    r"\mathbf{p}_i \mathbf{p}_i^\top) \, \mathbf{J}_i$, with $\mathbf{J}_i$ the slopes of the "
    "logits by the parameters, keeps the curvature of the cost in the logits and drops that of "
    "the logits in the parameters. Without a hidden layer nothing is dropped: it is the Hessian. "
    "With one the difference is the deltas times the second derivatives of the logits, shown for "
    "two weights of the hidden layer and for one of each layer.",
    softmax_regression,
    rises,
    prove(d(rise[i, a, h, k], W1[q, l]),
        unfold(rise), linearity, because("these are not constant", chain_rule), slope(h2),
        title="their second derivatives, which are dropped"),
    prove(d(pull[i, h, k], W1[q, l])
          - sandwich(rise[i, c, h, k], twice.probabilities, rise[i, d_, q, l]),
        differentiate_pull, by(rises), slope(h2), given(one_class), unfold(rise),
        because(r"$\sum_a \delta^4_a$ times what was dropped", collect),
        title="one data point: Hessian minus Gauss-Newton"),
    prove(d(pull[i, h, k], W2[b, q])
          - sandwich(rise[i, c, h, k], twice.probabilities, d(twice.logits[i, d_], W2[b, q])),
        differentiate_pull, slope(twice.logits), given(one_class), unfold(rise),
        because("the slopes of the logits by $w^1$ have $w^2$ in them", collect),
        title="the same, for a weight of the hidden layer and one of the output layer"),
    given=(superscripts, hidden_layers, hidden_deltas, slopes_and_pulls,
        activations.twice_differentiable, one_class, fixed),
    level=ALL_SIZES,
)

# -- what it costs ---------------------------------------------------------------------------------

Layers = Dimension("L", "lh", 6, "layers")
e, f = Index("l", Layers), Index("h", Layers)
width = Array("m", (Layers,), "m", domain="nonnegative")
next_width = Array("m'", (Layers,), "m'", domain="nonnegative")
products = Σ(e, width[e] * next_width[e])


def count(title: str, written: Term, result: Term, reason: str) -> Chain:
    """Return how many numbers there are."""
    return prove(written, to(result, reason), title=title)

counted = Hypothesis(
    "$L$ linear layers, the $l$-th with $m_l$ inputs and $m'_l = m_{l+1}$ outputs; the first has "
    "the $n$ inputs. Products of numbers are counted; functions of single entries are not, nor "
    "are sums. RULE 2 is counted for every layer, the first included, and each forward direction "
    "is counted through every layer, an upper bound for the weights: the direction of a weight "
    "begins at its own layer.")

cost = state(
    "What a gradient costs",
    "Multiplications, counted. A pass back costs two times the pass forward, whatever the number "
    "of inputs and of weights. Forward accumulation carries one derivative for each variable and "
    "pays up to a pass forward for each. The price of the pass back is memory: it reads every "
    "value again, so all of them are kept, for every layer.",
    count("reverse, for all derivatives", Σ(i, products + products + products),
        3 * Size(N) * products, "RULES 1, 2 and 3 of every layer, for every data point"),
    count(
        r"multiplications in one layer: $\mathbf{W} \mathbf{z}$; $\mathbf{W}^\top "
        r"\boldsymbol{\delta}$ and $\boldsymbol{\delta} \mathbf{z}^\top$ have as many",
        Σ(i, Σ(u, Σ(k, 1))), Size(N) * Size(K) * Size(n),
        "one product $w_{uk} z_k$ for each weight and data point"),
    count("forward, for the derivatives by the $n$ inputs", Σ(i, products + Σ(k, products)),
        Size(N) * (1 + Size(n)) * products, "the values, and one direction for each of the inputs"),
    count("forward, for the derivatives by the weights, at most",
        Σ(i, products + Σ(f, width[f] * next_width[f] * products)),
        Size(N) * (1 + products) * products,
        r"the values, and one direction for each of the $\sum_l m_l m'_l$ weights"),
    count("forward over reverse, for the inputs",
        Size(N) * (1 + Size(n)) * products / (3 * Size(N) * products), (1 + Size(n)) / 3,
        "the widths and the depth cancel"),
    count("numbers that the pass back keeps", Σ(i, Σ(e, next_width[e])),
        Size(N) * Σ(e, next_width[e]),
        "every value of every data point; forward keeps one layer at a time"),
    given=(counted,), level=ALL_SIZES,
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("backpropagation"))
