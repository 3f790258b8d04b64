"""Gates and other activations: GELU, SiLU, and functions in pieces, each off its kinks."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from fractions import Fraction

from derivations import activations, sigmoid
from derivations.activations import backward_of, forward_of, given_deltas, jacobian_of, tanh
from derivations.notation import *
from derivations.sigmoid import delta_out, sigma, z

# -- GELU ------------------------------------------------------------------------------------------

gelu = Definition("gelu", (t,), t * Φ(t), r"\operatorname{gelu}")
gelu_slope = Definition("gelu'", (t,), Φ(t) + t * φ(t), r"\operatorname{gelu}'")
normal = Hypothesis(
    r"$\operatorname{gelu}(t) = t \, \Phi(t)$, where $\Phi(t) = \frac{1}{2} (1 + "
    r"\operatorname{erf}(t / \sqrt{2}))$ is the distribution function of the standard normal "
    r"distribution and $\varphi$ its density.")

gelu_forward = forward_of("GELU", gelu,
    r"Each unit times the probability that a standard normal number is below it: $z_u \Phi(z_u)$; "
    r"$\operatorname{gelu}$ is this function.")

gelu_first = prove(d(gelu(t), t), differentiate(gelu))
gelu_derivative = state(
    "Slope of GELU",
    r"Zero near $-0.75$ and negative left of it: GELU is not monotone. Where the second derivative is "
    r"zero, at $\sqrt{2}$, the slope is largest, about $1.13$.",
    gelu_first,
    prove(d(gelu(t), t, t), by(gelu_first), chain_rule, entry_rule, collect,
        title="second derivative"),
    given=(normal,), level=SCALAR,
)
gelu_jacobian = jacobian_of("GELU", gelu, gelu_slope, gelu_derivative, given=(normal,),
    level=ALL_SIZES)
gelu_backward = backward_of("GELU", gelu, gelu_slope, gelu_jacobian, (normal,), level=ALL_SIZES)

# -- GELU by tanh ----------------------------------------------------------------------------------

cubic = term(Fraction(44715, 1000000))
inner = Definition("h", (t,), root(2 / pi()) * (t + cubic * t**3), "h")
inner_slope = Definition("h'", (t,), root(2 / pi()) * (1 + 3 * cubic * t**2), "h'")
inner_bend = Definition("h''", (t,), root(2 / pi()) * (6 * cubic * t), "h''")
gelu_tanh = Definition("gelutanh", (t,), t / 2 * (1 + tanh(inner(t))),
    r"\operatorname{gelu}_{\tanh}")
gelu_tanh_slope = Definition("gelutanh'", (t,),
    (1 + tanh(inner(t))) / 2 + t / 2 * (1 - tanh(inner(t)) ** 2) * inner_slope(t),
    r"\operatorname{gelu}_{\tanh}'")
by_tanh = Hypothesis(
    r"$\operatorname{gelu}_{\tanh}(t) = \frac{t}{2} (1 + \tanh h(t))$ with $h(t) = \sqrt{2 / \pi} \, "
    r"(t + 0.044715 \, t^3)$, and $h'$ and $h''$ are its derivatives.")

gelu_tanh_forward = define("Tanh-GELU layer, RULE 1",
    r"An approximation: $\frac{1}{2} (1 + \tanh h(t))$ in the place of $\Phi(t)$. It is another "
    "function, with another slope.",
    gelu_tanh, inner, given=(by_tanh,),
)

value = scalar("h", "h")
gelu_tanh_gate = state(
    "Tanh-GELU by the sigmoid",
    r"For any number $h$, and so for $h(t)$, the gate is a sigmoid, of twice that number. Written so, "
    r"nothing cancels on the left, where $1 + \tanh h$ has no digit left.",
    prove(t / 2 * (1 + tanh(value)),
        to(t * sigma(2 * value), DEFINITION, r"$\frac{1}{2} (1 + \tanh h) = \sigma(2 h)$")),
    level=SCALAR,
)

inner_first = prove(d(inner(t), t), differentiate(inner), to(inner_slope(t), DEFINITION))
inner_second = prove(d(inner_slope(t), t), differentiate(inner_slope),
    to(inner_bend(t), DEFINITION))
gelu_tanh_first = prove(d(gelu_tanh(t), t),
    differentiate(gelu_tanh), by(activations.tanh_derivative), by(inner_first),
    to(gelu_tanh_slope.body))
gelu_tanh_derivative = state(
    "Slope of GELU by tanh",
    "The slope of the approximation, not an approximation of the slope of GELU.",
    gelu_tanh_first,
    inner_first,
    prove(d(gelu_tanh(t), t, t),
        by(gelu_tanh_first), chain_rule, entry_rule, by(activations.tanh_derivative),
        by(inner_first, inner_second), collect,
        title="second derivative"),
    inner_second,
    given=(by_tanh,), level=SCALAR,
)
gelu_tanh_jacobian = jacobian_of("Tanh-GELU", gelu_tanh, gelu_tanh_slope, gelu_tanh_derivative,
    given=(by_tanh,), level=ALL_SIZES)
gelu_tanh_backward = backward_of("Tanh-GELU", gelu_tanh, gelu_tanh_slope, gelu_tanh_jacobian,
    (by_tanh,), level=ALL_SIZES)

# -- SiLU ------------------------------------------------------------------------------------------

silu = Definition("silu", (t,), t * sigma(t), r"\operatorname{silu}")
silu_slope = Definition("silu'", (t,), sigma(t) + t * sigma(t) * (1 - sigma(t)),
    r"\operatorname{silu}'")
swish = Hypothesis(r"$\operatorname{silu}(t) = t \, \sigma(t)$, also called swish.")

silu_forward = forward_of("SiLU", silu,
    r"Each unit times its own sigmoid: $\operatorname{silu}(z_u) = z_u \sigma(z_u)$.")

silu_first = prove(d(silu(t), t), differentiate(silu), by(sigmoid.derivative))
silu_derivative = state(
    "Slope of SiLU",
    "The gate, plus what the input changes of the gate.",
    silu_first,
    prove(d(silu(t), t, t),
        by(silu_first), chain_rule, entry_rule, by(sigmoid.derivative), collect,
        title="second derivative"),
    given=(swish,), level=SCALAR,
)
silu_jacobian = jacobian_of("SiLU", silu, silu_slope, silu_derivative, given=(swish,))
silu_backward = backward_of("SiLU", silu, silu_slope, silu_jacobian, (swish,))

# -- two pieces ------------------------------------------------------------------------------------

mask = Array("m", (M,), "m", r"\mathbf{m}", domain="label")
pieces = Definition("z'", (u,), mask[u] * any_phi(z[u]) + (1 - mask[u]) * any_psi(z[u]), "z'",
    r"\mathbf{z}'")
pieces_cost = Definition("C", (), Σ(u, delta_out[u] * pieces[u]), "C")()
two_pieces = Hypothesis(
    r"Where $m_u = 1$ the function is $\phi$ and where $m_u = 0$ it is $\psi$, both differentiable. No "
    r"input is at a kink, so that $m_u$, 0 or 1, does not change in a neighbourhood.")

pieces_forward = define(
    "A layer in pieces, RULE 1",
    r"One function $\phi$ on some of the line, another, $\psi$, on the rest; $m_u$ says which.",
    pieces, given=(two_pieces,),
)

pieces_jacobian = state(
    "Jacobian of a layer in pieces",
    "On the diagonal the slope of the piece in which the input lies.",
    prove(d(pieces[u], z[o]), unfold(pieces), chain_rule, entry_rule, collect),
    given=(two_pieces,),
)

pieces_backward = state(
    "A layer in pieces, RULE 2",
    "Each delta is scaled by the slope of its own piece.",
    prove(d(pieces_cost, z[o]),
        unfold(pieces_cost), because("RULE 2: every output that the input reaches", linearity),
        by(pieces_jacobian), contract),
    given=(given_deltas, two_pieces),
)

r = scalar("r", domain="positive")
inside = scalar("p", domain="positive")
alpha = scalar("alpha", r"\alpha", domain="positive")
below_one = Hypothesis("$0 < p < 1$.", signs=((1 - inside, "positive"),))
positive_r = Hypothesis("$r > 0$.")
by_alpha = Hypothesis(r"$\alpha > 0$ is a given number.")


def halves(function: Definition, right: tuple[Term | int, Term | int],
    left: tuple[Term | int, Term | int],
) -> tuple[Chain, ...]:
    """Return the first two derivatives of a function on either side of its kink at 0.

    On the left t = -r, so that the first derivative by r is minus the slope.
    """
    here = "on this side of the kink"
    return (
        prove(d(function(r), r), to(right[0], CASES, here), title="slope at $t = r > 0$"),
        prove(-d(function(-r), r), to(left[0], CASES, here), title="slope at $t = -r < 0$"),
        prove(d(function(r), r, r), to(right[1], CASES, here),
            title="second derivative at $t = r > 0$"),
        prove(d(function(-r), r, r), to(left[1], CASES, here),
            title="second derivative at $t = -r < 0$"),
    )

leaky = Definition("leaky", (t,), maximum(t, 0) + alpha * minimum(t, 0),
    r"\operatorname{leaky}")
leaky_relu_forward = state(
    "Leaky ReLU, RULE 1",
    r"$\operatorname{leaky}(t)$ is $t$ on the right and $\alpha t$ on the left.",
    prove(leaky(r), to(r, CASES, r"$\max(r, 0) = r$, $\min(r, 0) = 0$"), title="at $t = r > 0$"),
    prove(leaky(-r), to(-alpha * r, CASES, r"$\max(-r, 0) = 0$, $\min(-r, 0) = -r$"),
        title="at $t = -r < 0$"),
    given=(positive_r, by_alpha), level=SCALAR,
)
leaky_relu_derivative = state(
    "Slope of leaky ReLU",
    r"$\operatorname{leaky}$ has slope 1 on the right and $\alpha$ on the left; at 0 there is none.",
    *halves(leaky, right=(1, 0), left=(alpha, 0)),
    given=(positive_r, by_alpha), level=SCALAR,
)

elu = Definition("elu", (t,), maximum(t, 0) + alpha * (exp(minimum(t, 0)) - 1),
    r"\operatorname{elu}")
elu_forward = state(
    "ELU, RULE 1",
    r"$\operatorname{elu}(t)$ is $t$ on the right and $\alpha (e^t - 1)$ on the left.",
    prove(elu(r), to(r, CASES, r"$\max(r, 0) = r$, $\min(r, 0) = 0$"), title="at $t = r > 0$"),
    prove(elu(-r), to(alpha * (exp(-r) - 1), CASES, r"$\max(-r, 0) = 0$, $\min(-r, 0) = -r$"),
        title="at $t = -r < 0$"),
    given=(positive_r, by_alpha), level=SCALAR,
)
elu_derivative = state(
    "Slope of ELU",
    r"$\operatorname{elu}$ has slope 1 on the right and $\alpha e^t$ on the left: no kink in it for "
    r"$\alpha = 1$, but one in its slope.",
    *halves(elu, right=(1, 0), left=(alpha * exp(-r), alpha * exp(-r))),
    given=(positive_r, by_alpha), level=SCALAR,
)

softsign = Definition("softsign", (t,), t / (1 + absolute(t)), r"\operatorname{softsign}")
softsign_forward = forward_of("Softsign", softsign,
    r"$\operatorname{softsign}(t) = t / (1 + \lvert t \rvert)$: it nears 1 and $-1$ slowly.")
softsign_derivative = state(
    "Slope of softsign",
    r"$1 / (1 + \lvert t \rvert)^2$ for $\operatorname{softsign}$. Both sides agree at 0, where the "
    "slope is 1; the second derivatives do not.",
    *halves(softsign, right=(1 / (1 + r) ** 2, -2 / (1 + r) ** 3),
        left=(1 / (1 + r) ** 2, 2 / (1 + r) ** 3)),
    given=(positive_r,), level=SCALAR,
)

squared_relu = Definition("relu2", (t,), maximum(t, 0) ** 2, r"\operatorname{relu}^2")
squared_relu_forward = forward_of("Squared ReLU", squared_relu,
    r"$\operatorname{relu}^2(t)$ is the square of what is positive, and 0 elsewhere.")
squared_relu_derivative = state(
    "Slope of squared ReLU",
    r"$\operatorname{relu}^2$ has slope $2 t$ on the right and 0 on the left. Both sides agree at 0; "
    "the second derivatives do not.",
    *halves(squared_relu, right=(2 * r, 2), left=(0, 0)),
    given=(positive_r,), level=SCALAR,
)

hard_tanh = Definition("hardtanh", (t,), maximum(-1, minimum(t, 1)), r"\operatorname{hardtanh}")
hard_tanh_forward = forward_of("Hard tanh", hard_tanh,
    r"$\operatorname{hardtanh}(t)$ is $t$ between $-1$ and 1, and the nearer of the two elsewhere.")
hard_tanh_derivative = state(
    "Slope of hard tanh",
    r"$\operatorname{hardtanh}$ has slope 1 inside and 0 outside; at $-1$ and 1 there is none. The "
    "second derivative is 0 on every piece.",
    prove(d(hard_tanh(inside), inside), to(1, CASES, "inside, nothing is cut off"),
        title="at $t = p$, inside"),
    prove(-d(hard_tanh(-inside), inside), to(1, CASES, "inside, nothing is cut off"),
        title="at $t = -p$, inside"),
    prove(d(hard_tanh(1 + r), r), to(0, CASES, "outside, a constant"),
        title="at $t = 1 + r > 1$"),
    prove(-d(hard_tanh(-(1 + r)), r), to(0, CASES, "outside, a constant"),
        title="at $t = -(1 + r) < -1$"),
    *(
        prove(d(hard_tanh(at), by_this, by_this), to(0, CASES, "a straight line"),
            title=f"second derivative at $t = {where}$")
        for at, by_this, where in (
            (inside, inside, "p"), (-inside, inside, "-p"), (1 + r, r, "1 + r"),
            (-(1 + r), r, "-(1 + r)"))),
    given=(positive_r, below_one), level=SCALAR,
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("gates"))
