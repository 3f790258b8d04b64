"""The sigmoid: from log-odds to a probability, and its logarithm without overflow."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.notation import *

σ = sigma = Definition("sigma", (t,), 1 / (1 + exp(-t)), r"\sigma")
label = scalar("y", "y", domain="label")
chance = scalar("p", "p", domain="unit")
odds = scalar("r", "r", domain="positive")
soft_plus = Definition("softplus", (t,), log(1 + exp(t)), r"\operatorname{softplus}")

definition = define(
    "The sigmoid",
    "It turns a real number, the log-odds, into a probability.",
    sigma,
)

symmetry = state(
    "Symmetry of the sigmoid",
    "The probability of the other class is the sigmoid of the opposite log-odds.",
    prove(sigma(-t),
        to(1 / (1 + exp(t)), DEFINITION),
        to(exp(-t) / (1 + exp(-t)), "times $e^{-t} / e^{-t}$"),
        to(1 - 1 / (1 + exp(-t)), "one minus its complement"),
        fold(sigma)),
    level=SCALAR,
)

derivative = state(
    "Derivative of the sigmoid",
    "The slope is the variance of a Bernoulli variable with this probability.",
    prove(d(sigma(t), t), differentiate(sigma), collected(sigma)),
    prove(expectation(label, {1: sigma(t), 0: 1 - sigma(t)}, (label - sigma(t)) ** 2),
        to(sigma(t) * (1 - sigma(t)) ** 2 + (1 - sigma(t)) * (0 - sigma(t)) ** 2, DEFINITION,
            "the two outcomes and their probabilities"),
        collect,
        title=r"the variance of a label that is 1 with probability $\sigma(t)$"),
    level=SCALAR,
)

second_derivative = state(
    "Second derivative of the sigmoid",
    r"It is the slope times $1 - 2 \sigma(t)$: zero where the probability is one half.",
    prove(d(sigma(t), t, t),
        by(derivative), chain_rule, by(derivative),
        to(sigma(t) * (1 - sigma(t)) * (1 - 2 * sigma(t)), "collect")),
    level=SCALAR,
)

inverse = state(
    "The logit",
    "The inverse of the sigmoid is the log-odds: the model is linear in the log-odds.",
    prove(log(sigma(t) / (1 - sigma(t))),
        to(log(sigma(t) / sigma(-t)), symmetry),
        to(log((1 + exp(t)) / (1 + exp(-t))), DEFINITION),
        because("$1 + e^{t} = e^{t}(1 + e^{-t})$", collect),
        to(t, LOGARITHM),
        title="from the probability back"),
    prove(sigma(log(chance / (1 - chance))),
        unfold(sigma),
        to(1 / (1 + (1 - chance) / chance), LOGARITHM, r"$e^{-\log r} = 1 / r$"),
        because("times $p / p$", collect),
        title="and forth"),
    given=(Hypothesis("$0 < p < 1$.", replace=((chance, odds / (1 + odds)),)),), level=SCALAR,
)

limits = state(
    "Limits and monotonicity of the sigmoid",
    "From 0 through one half to 1, strictly increasing.",
    prove(Limit(sigma(t), t, -1), to(0, LIMIT, r"$e^{-t} \to \infty$")),
    prove(sigma(0), unfold(sigma), to(term(1) / 2)),
    prove(Limit(sigma(t), t, 1), to(1, LIMIT, r"$e^{-t} \to 0$")),
    prove(d(sigma(t), t),
        by(derivative), sign(">", "both factors are positive"),
        title="strictly increasing"),
    level=SCALAR,
)

log_sigmoid = state(
    "Logarithm of the sigmoid",
    "It is a softplus seen from the other side, and its slope is the probability of the other "
    "class.",
    prove(log(sigma(t)), unfold(sigma), to(-log(1 + exp(-t)), LOGARITHM), fold(soft_plus)),
    prove(d(log(sigma(t)), t),
        chain_rule, by(derivative), collect,
        to(sigma(-t), symmetry)),
    level=SCALAR,
)

softplus = state(
    "Softplus",
    "An antiderivative of the sigmoid; its values at opposite points differ by the argument.",
    prove(d(soft_plus(t), t), differentiate(soft_plus), collected(sigma)),
    prove(soft_plus(t) - soft_plus(-t),
        unfold(soft_plus),
        to(log((1 + exp(t)) / (1 + exp(-t))), LOGARITHM),
        because("$1 + e^{t} = e^{t}(1 + e^{-t})$", collect),
        to(t, LOGARITHM)),
    level=SCALAR,
)

stable = state(
    "Forms that cannot overflow",
    r"With the exponent $-|t| \le 0$ every exponential stays between 0 and 1.",
    prove(log(sigma(t)),
        to(-log(1 + exp(-t)), DEFINITION, "and the laws of the logarithm"),
        to(minimum(t, 0) - log(1 + exp(-absolute(t))), CASES,
            r"$t \ge 0$: the same; $t < 0$: take $e^{-t}$ out of the logarithm")),
    prove(sigma(t),
        to(exp(minimum(t, 0)) / (1 + exp(-absolute(t))), CASES,
            r"$t \ge 0$: the same; $t < 0$: times $e^{t} / e^{t}$")),
    prove(soft_plus(t),
        unfold(soft_plus),
        to(maximum(t, 0) + log(1 + exp(-absolute(t))), CASES,
            r"$t \ge 0$: take $e^{t}$ out of the logarithm; $t < 0$: the same")),
    level=SCALAR,
)

z = Array("z", (M,), "z", r"\mathbf{z}")
delta_out = Array("delta'", (M,), r"\delta", r"\boldsymbol{\delta}", superscript="\\prime")
out = Definition("z'", (u,), sigma(z[u]), "z", r"\mathbf{z}", superscript="\\prime")
sigma_slope = Definition("sigma'", (t,), sigma(t) * (1 - sigma(t)), r"\sigma'")

backward = state(
    "Backward through a sigmoid layer",
    "Each unit depends on its own input alone, so the Jacobian is diagonal and a delta is scaled "
    "unit by unit.",
    prove(d(out[u], z[o]),
        unfold(out), by(derivative), entry_rule,
        title="Jacobian", matrix=(Jacobian(out, z), Diagonal(Each(sigma_slope, Whole(z))))),
    prove(Σ(u, delta_out[u] * d(out[u], z[o])),
        unfold(out), by(derivative), because("the Jacobian", entry_rule),
        because("only $u = v$ remains", contract),
        title="RULE 2"),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("sigmoid"))
