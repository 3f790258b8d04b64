"""The activations as layers: forward, slope, Jacobian and RULE 2, one function at every unit."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from collections.abc import Callable

from derivations import sigmoid, softmax
from derivations.notation import *
from derivations.sigmoid import delta_out, sigma, soft_plus, z

given_deltas = Hypothesis(
    r"The deltas $\delta'$ at the output are given numbers; $C = \sum_u \delta'_u z'_u$ has "
    "exactly these deltas.")


def layer(function: Callable[[Term], Term]) -> Definition:
    """Return the layer that applies a function to each entry by itself."""
    return Definition("z'", (u,), function(z[u]), "z'", r"\mathbf{z}'")


def forward_of(name: str, function: Callable[[Term], Term], summary: str) -> Statement:
    """RULE 1 of the layer."""
    return define(f"{name} layer, RULE 1", summary, layer(function))


def jacobian_of(name: str, function: Callable[[Term], Term], slope: Definition,
    *derivative: Statement, given: tuple[Hypothesis, ...] = (), level: str = RESTATED,
) -> Statement:
    """Return the Jacobian of the layer: its slopes on the diagonal, zero elsewhere."""
    out = layer(function)
    return state(
        f"Jacobian of the {name.lower()} layer",
        "An output depends on the input of its own unit alone, so the matrix is diagonal.",
        prove(d(out[u], z[o]),
            unfold(out), by(*derivative) if derivative else chain_rule, entry_rule,
            matrix=(Jacobian(out, z), Diagonal(Each(slope, Whole(z))))),
        given=given, level=level,
    )


def backward_of(name: str, function: Callable[[Term], Term], slope: Definition,
    jacobian: Statement, given: tuple[Hypothesis, ...] = (), level: str = RESTATED,
) -> Statement:
    """RULE 2 of the layer: each delta times the slope at its unit."""
    out = layer(function)
    cost = Definition("C", (), Σ(u, delta_out[u] * out[u]), "C")()
    return state(
        f"{name} layer, RULE 2",
        "Each delta is scaled by the slope at its own unit; nothing is summed.",
        prove(d(cost, z[o]),
            unfold(cost), because("RULE 2: every output that the input reaches", linearity),
            by(jacobian),
            to(delta_out[o] * instantiate(slope(z[o])), CONTRACT, "only $u = v$ remains"),
            matrix=(Gradient(cost, z), Whole(delta_out) * Each(slope, Whole(z)))),
        given=(given_deltas, *given), level=level,
    )


# -- any function ----------------------------------------------------------------------------------

phi_slope = Definition("phi'", (t,), any_phi.prime(t), r"\phi'")
differentiable = Hypothesis(r"$\phi$ is any differentiable function of one real number.")
twice_differentiable = Hypothesis(
    r"$\phi$ is any twice differentiable function of one real number.")
q = Index("w", M)

any_function_forward = forward_of("Elementwise", any_phi,
    r"The same function $\phi$ of one real number at every unit.")
any_function_jacobian = jacobian_of("Elementwise", any_phi, phi_slope, given=(differentiable,))
any_function_backward = backward_of("Elementwise", any_phi, phi_slope, any_function_jacobian,
    (differentiable,))

any_function_second_order = state(
    "Elementwise layer, second order",
    r"$\phi''$ where all three units are the same, and zero elsewhere.",
    prove(d(layer(twice_phi)[u], z[o], z[q]), unfold(layer(twice_phi)), chain_rule, entry_rule),
    given=(twice_differentiable,),
)

# -- sigmoid ---------------------------------------------------------------------------------------

sigmoid_slope = Definition("sigma'", (t,), sigma(t) * sigma(-t), r"\sigma'")

sigmoid_forward = forward_of("Sigmoid", sigma,
    "The sigmoid of each unit, without a look at the others.")

sigmoid_derivative = state(
    "Slope of the sigmoid, without a subtraction",
    r"In $\sigma(t)\,\sigma(-t)$ nothing is subtracted from 1, so its digits survive where the "
    "sigmoid is close to 1.",
    prove(d(sigma(t), t), by(sigmoid.derivative), to(sigma(t) * sigma(-t), sigmoid.symmetry)),
    level=SCALAR,
)
sigmoid_jacobian = jacobian_of("Sigmoid", sigma, sigmoid_slope, sigmoid_derivative)
sigmoid_backward = backward_of("Sigmoid", sigma, sigmoid_slope, sigmoid_jacobian)

# -- log-sigmoid -----------------------------------------------------------------------------------

log_sigma = Definition("logsigma", (t,), log(sigma(t)), r"\log \sigma")
log_sigmoid_slope = Definition("logsigma'", (t,), sigma(-t), r"(\log \sigma)'")

log_sigmoid_forward = forward_of("Log-sigmoid", log_sigma,
    r"Logarithms of probabilities. The cost of a label 1 needs $\log \sigma(z)$, that of a label 0 "
    r"needs $\log \sigma(-z)$.")

log_sigmoid_derivative = state(
    "Slope of the log-sigmoid",
    "The probability of the other label: close to 1 where the first is nearly impossible.",
    prove(d(log_sigma(t), t), differentiate(log_sigma), by(sigmoid_derivative), collect),
    level=SCALAR,
)
log_sigmoid_jacobian = jacobian_of("Log-sigmoid", log_sigma, log_sigmoid_slope,
    log_sigmoid_derivative)
log_sigmoid_backward = backward_of("Log-sigmoid", log_sigma, log_sigmoid_slope,
    log_sigmoid_jacobian)

# -- tanh ------------------------------------------------------------------------------------------

tanh = Definition("tanh", (t,), (exp(t) - exp(-t)) / (exp(t) + exp(-t)), r"\tanh")
tanh_slope = Definition("tanh'", (t,), 1 - tanh(t) ** 2, r"\tanh'")

tanh_forward = forward_of("Tanh", tanh, "The hyperbolic tangent of each unit.")

tanh_sigmoid = state(
    "Tanh and the sigmoid",
    "The hyperbolic tangent is the sigmoid of twice the argument, doubled, minus one.",
    prove(tanh(t),
        unfold(tanh),
        to(2 / (1 + exp(-(2 * t))) - 1, "times $e^{-t} / e^{-t}$"),
        fold(sigma)),
    level=SCALAR,
)

tanh_derivative = state(
    "Slope of tanh",
    "One minus the square of the value. In the second form nothing is subtracted, and no "
    "exponential is larger than one.",
    prove(d(tanh(t), t), differentiate(tanh), fold(tanh), collect),
    prove(1 - tanh(t) ** 2,
        to(4 / (exp(t) + exp(-t)) ** 2, DEFINITION,
            "$(a + b)^2 - (a - b)^2 = 4 a b$ and $e^{t} e^{-t} = 1$"),
        to((2 * exp(-absolute(t)) / (1 + exp(-(2 * absolute(t))))) ** 2, CASES,
            r"$t \ge 0$: times $e^{-t} / e^{-t}$; $t < 0$: times $e^{t} / e^{t}$"),
        title="without cancellation"),
    level=SCALAR,
)
tanh_jacobian = jacobian_of("Tanh", tanh, tanh_slope, tanh_derivative)
tanh_backward = backward_of("Tanh", tanh, tanh_slope, tanh_jacobian)

# -- relu ------------------------------------------------------------------------------------------

relu = Definition("relu", (t,), maximum(t, 0), r"\operatorname{relu}")
r = scalar("r", domain="positive")
mask = Array("m", (M,), "m", r"\mathbf{m}", domain="label")
relu_out = Definition("z'", (u,), mask[u] * z[u], "z'", r"\mathbf{z}'")
relu_cost = Definition("C", (), Σ(u, delta_out[u] * relu_out[u]), "C")()
off_the_kink = Hypothesis(
    r"No input is zero: $z_u \ne 0$. Then $m_u = [z_u > 0]$, 0 or 1, does not change in a "
    r"neighbourhood, and $z'_u = \operatorname{relu}(z_u) = m_u z_u$ there.")

relu_forward = state(
    "ReLU layer, RULE 1",
    "What is positive passes, the rest becomes zero.",
    prove(relu(t),
        to((t + absolute(t)) / 2, CASES,
            r"$t \ge 0$: $\frac{1}{2}(t + t) = t$; $t < 0$: $\frac{1}{2}(t - t) = 0$")),
    level=SCALAR,
)
positive_r = Hypothesis("$r > 0$.")

relu_derivative = state(
    "Slope of ReLU",
    "One on the right of the kink and zero on its left. At $t = 0$ the two differ and there is no "
    "derivative: the layer returns the slope from the left, 0, by choice.",
    prove(d(relu(r), r), to(1, CASES, r"$\max(r, 0) = r$"), title="at $t = r > 0$"),
    prove(d(relu(-r), r), to(0, CASES, r"$\max(-r, 0) = 0$"), title="at $t = -r < 0$"),
    given=(positive_r,), level=SCALAR,
)

relu_jacobian = state(
    "Jacobian of the ReLU layer",
    "A diagonal of ones and zeros: the units that passed.",
    prove(d(relu_out[u], z[o]),
        differentiate(relu_out),
        matrix=(Jacobian(relu_out, z), Diagonal(Whole(mask)))),
    given=(off_the_kink,),
)

relu_backward = state(
    "ReLU layer, RULE 2",
    "A delta passes where the value passed, and stops elsewhere.",
    prove(d(relu_cost, z[o]),
        differentiate(relu_cost), by(relu_jacobian), contract,
        matrix=(Gradient(relu_cost, z), Whole(delta_out) * Whole(mask))),
    given=(off_the_kink, given_deltas),
)

# -- softplus --------------------------------------------------------------------------------------

softplus_slope = Definition("softplus'", (t,), sigma(t), r"\operatorname{softplus}'")

softplus_forward = forward_of("Softplus", soft_plus,
    "ReLU with its corner rounded off, applied to each unit.")

softplus_derivative = state(
    "Slope of softplus",
    "The sigmoid: a smooth step in the place of ReLU's sudden one.",
    prove(d(soft_plus(t), t), differentiate(soft_plus), collected(sigma)),
    prove(soft_plus(t) - relu(t),
        to(log(1 + exp(-absolute(t))), CASES,
            r"$t \ge 0$: take $e^{t}$ out of the logarithm; $t < 0$: the same"),
        title="how far from ReLU"),
    level=SCALAR,
)
softplus_jacobian = jacobian_of("Softplus", soft_plus, softplus_slope, softplus_derivative)
softplus_backward = backward_of("Softplus", soft_plus, softplus_slope, softplus_jacobian)

# -- softmax ---------------------------------------------------------------------------------------

a, b, c = Index("u", K), Index("v", K), Index("w", K)  # classes, as units of the layer
S, logits = softmax.S, softmax.z
softmax_deltas = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
softmax_out = Definition("z'", (a,), S[a], "z'", r"\mathbf{z}'")
softmax_cost = Definition("C", (), Σ(a, softmax_deltas[a] * softmax_out[a]), "C")()

softmax_forward = define(
    "Softmax layer, RULE 1",
    "Unlike the other activations it is not elementwise: every output depends on every input.",
    softmax_out,
)

softmax_jacobian = state(
    "Jacobian of the softmax layer",
    "A full matrix and a symmetric one, the covariance of the indicators of a class.",
    prove(d(softmax_out[a], logits[b]),
        unfold(softmax_out), by(softmax.jacobian),
        matrix=(Jacobian(softmax_out, logits), Diagonal(Whole(S)) - Whole(S) @ Whole(S).T)),
)

softmax_backward = state(
    "Softmax layer, RULE 2",
    "Each delta is measured from the mean of all deltas, taken with the probabilities, and then "
    "scaled by its own probability.",
    prove(d(softmax_cost, logits[b]),
        unfold(softmax_cost), because("RULE 2: every output depends on every input", linearity),
        by(softmax_jacobian), contract,
        matrix=(Gradient(softmax_cost, logits),
            Whole(S) * Whole(softmax_deltas) - Whole(S) @ (Whole(S).T @ Whole(softmax_deltas)))),
    given=(given_deltas,),
)

softmax_second_order = state(
    "Softmax layer, second order",
    "The Jacobian differentiated once more: it changes with every input.",
    prove(d(softmax_out[a], logits[b], logits[c]),
        by(softmax_jacobian), chain_rule, by(softmax.jacobian)),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("activations"))
