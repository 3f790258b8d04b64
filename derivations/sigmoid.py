"""The sigmoid: from log-odds to a probability, and its logarithm without overflow."""

from derivations.language.matrices import Diagonal, Each, Jacobian, Whole
from derivations.language.statement import (
    ALGEBRA,
    CASES,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LIMIT,
    LOGARITHM,
    SIGN,
    Chain,
    Hypothesis,
    Statement,
    Step,
)
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Limit,
    absolute,
    exp,
    expectation,
    log,
    maximum,
    minimum,
    scalar,
    term,
    total,
)
from derivations.notation import M, o, t, u

sigma = Definition("sigma", (t,), 1 / (1 + exp(-t)), r"\sigma")
label = scalar("y", "y", domain="label")
chance = scalar("p", "p", domain="unit")
odds = scalar("r", "r", domain="positive")
soft_plus = Definition("softplus", (t,), log(1 + exp(t)), r"\operatorname{softplus}")

definition = Statement(
    "The sigmoid",
    "It turns a real number, the log-odds, into a probability.",
    defines=(sigma,),
)

symmetry = Statement(
    "Symmetry of the sigmoid",
    "The probability of the other class is the sigmoid of the opposite log-odds.",
    (
        Chain(
            sigma(-t),
            (
                Step(1 / (1 + exp(t)), DEFINITION),
                Step(exp(-t) / (1 + exp(-t)), ALGEBRA, r"times $e^{-t} / e^{-t}$"),
                Step(1 - 1 / (1 + exp(-t)), ALGEBRA, "one minus its complement"),
                Step(1 - sigma(t), DEFINITION),
            ),
        ),
    ),
)

derivative = Statement(
    "Derivative of the sigmoid",
    "The slope is the variance of a Bernoulli variable with this probability.",
    (
        Chain(
            D(sigma(t), t),
            (
                Step(D(1 / (1 + exp(-t)), t), DEFINITION),
                Step(exp(-t) / (1 + exp(-t)) ** 2, DIFFERENTIATE, "the derivative of a reciprocal"),
                Step((1 / (1 + exp(-t))) * (1 - 1 / (1 + exp(-t))), ALGEBRA, "split the square"),
                Step(sigma(t) * (1 - sigma(t)), DEFINITION),
            ),
        ),
        Chain(
            expectation(label, {1: sigma(t), 0: 1 - sigma(t)}, (label - sigma(t)) ** 2),
            (
                Step(
                    sigma(t) * (1 - sigma(t)) ** 2 + (1 - sigma(t)) * (0 - sigma(t)) ** 2,
                    DEFINITION,
                    "the two outcomes and their probabilities",
                ),
                Step(sigma(t) * (1 - sigma(t)), ALGEBRA, "collect"),
            ),
            title=r"the variance of a label that is 1 with probability $\sigma(t)$",
        ),
    ),
)

second_derivative = Statement(
    "Second derivative of the sigmoid",
    r"It is the slope times $1 - 2 \sigma(t)$: zero where the probability is one half.",
    (
        Chain(
            D(D(sigma(t), t), t),
            (
                Step(D(sigma(t) * (1 - sigma(t)), t), CHAIN_RULE, cites=(derivative,)),
                Step(
                    D(sigma(t), t) * (1 - sigma(t)) - sigma(t) * D(sigma(t), t),
                    CHAIN_RULE,
                    "product rule",
                ),
                Step(
                    sigma(t) * (1 - sigma(t)) * (1 - 2 * sigma(t)),
                    ALGEBRA,
                    "collect",
                    cites=(derivative,),
                ),
            ),
        ),
    ),
)

inverse = Statement(
    "The logit",
    "The inverse of the sigmoid is the log-odds: the model is linear in the log-odds.",
    (
        Chain(
            log(sigma(t) / (1 - sigma(t))),
            (
                Step(log(sigma(t) / sigma(-t)), ALGEBRA, cites=(symmetry,)),
                Step(log((1 + exp(t)) / (1 + exp(-t))), DEFINITION),
                Step(log(exp(t)), ALGEBRA, r"$1 + e^{t} = e^{t}(1 + e^{-t})$"),
                Step(t, LOGARITHM),
            ),
            title="from the probability back",
        ),
        Chain(
            sigma(log(chance / (1 - chance))),
            (
                Step(1 / (1 + exp(-log(chance / (1 - chance)))), DEFINITION),
                Step(1 / (1 + (1 - chance) / chance), LOGARITHM, r"$e^{-\log r} = 1 / r$"),
                Step(chance, ALGEBRA, "times $p / p$"),
            ),
            title="and forth",
        ),
    ),
    (Hypothesis(r"$0 < p < 1$.", replace=((chance, odds / (1 + odds)),)),),
)

limits = Statement(
    "Limits and monotonicity of the sigmoid",
    "From 0 through one half to 1, strictly increasing.",
    (
        Chain(Limit(sigma(t), t, -1), (Step(0, LIMIT, r"$e^{-t} \to \infty$"),)),
        Chain(sigma(0), (Step(1 / (1 + exp(-term(0))), DEFINITION), Step(term(1) / 2, ALGEBRA))),
        Chain(Limit(sigma(t), t, 1), (Step(1, LIMIT, r"$e^{-t} \to 0$"),)),
        Chain(
            D(sigma(t), t),
            (
                Step(sigma(t) * (1 - sigma(t)), CHAIN_RULE, cites=(derivative,)),
                Step(0, SIGN, "both factors are positive", relation=">"),
            ),
            title="strictly increasing",
        ),
    ),
)

log_sigmoid = Statement(
    "Logarithm of the sigmoid",
    "It is a softplus seen from the other side, and its slope is the probability of the other "
    "class.",
    (
        Chain(
            log(sigma(t)),
            (
                Step(log(1 / (1 + exp(-t))), DEFINITION),
                Step(-log(1 + exp(-t)), LOGARITHM),
                Step(-soft_plus(-t), DEFINITION),
            ),
        ),
        Chain(
            D(log(sigma(t)), t),
            (
                Step(D(sigma(t), t) / sigma(t), CHAIN_RULE, r"$d \log s = ds / s$"),
                Step(1 - sigma(t), ALGEBRA, cites=(derivative,)),
                Step(sigma(-t), ALGEBRA, cites=(symmetry,)),
            ),
        ),
    ),
)

softplus = Statement(
    "Softplus",
    "An antiderivative of the sigmoid; its values at opposite points differ by the argument.",
    (
        Chain(
            D(soft_plus(t), t),
            (
                Step(D(log(1 + exp(t)), t), DEFINITION),
                Step(exp(t) / (1 + exp(t)), DIFFERENTIATE),
                Step(1 / (1 + exp(-t)), ALGEBRA, r"times $e^{-t} / e^{-t}$"),
                Step(sigma(t), DEFINITION),
            ),
        ),
        Chain(
            soft_plus(t) - soft_plus(-t),
            (
                Step(log(1 + exp(t)) - log(1 + exp(-t)), DEFINITION),
                Step(log((1 + exp(t)) / (1 + exp(-t))), LOGARITHM),
                Step(log(exp(t)), ALGEBRA, r"$1 + e^{t} = e^{t}(1 + e^{-t})$"),
                Step(t, LOGARITHM),
            ),
        ),
    ),
)

stable = Statement(
    "Forms that cannot overflow",
    "With the exponent $-|t| \\le 0$ every exponential stays between 0 and 1.",
    (
        Chain(
            log(sigma(t)),
            (
                Step(-log(1 + exp(-t)), DEFINITION, "and the laws of the logarithm"),
                Step(
                    minimum(t, 0) - log(1 + exp(-absolute(t))),
                    CASES,
                    r"$t \ge 0$: the same; $t < 0$: take $e^{-t}$ out of the logarithm",
                ),
            ),
        ),
        Chain(
            sigma(t),
            (
                Step(
                    exp(minimum(t, 0)) / (1 + exp(-absolute(t))),
                    CASES,
                    r"$t \ge 0$: the same; $t < 0$: times $e^{t} / e^{t}$",
                ),
            ),
        ),
        Chain(
            soft_plus(t),
            (
                Step(log(1 + exp(t)), DEFINITION),
                Step(
                    maximum(t, 0) + log(1 + exp(-absolute(t))),
                    CASES,
                    r"$t \ge 0$: take $e^{t}$ out of the logarithm; $t < 0$: the same",
                ),
            ),
        ),
    ),
)

z = Array("z", (M,), "z", r"\mathbf{z}")
delta_out = Array("delta'", (M,), r"\delta", r"\boldsymbol{\delta}", superscript="\\prime")
out = Definition("z'", (u,), sigma(z[u]), "z", r"\mathbf{z}", superscript="\\prime")
slope = Definition("sigma'", (t,), sigma(t) * (1 - sigma(t)), r"\sigma'")

backward = Statement(
    "Backward through a sigmoid layer",
    "Each unit depends on its own input alone, so the Jacobian is diagonal and a delta is scaled "
    "unit by unit.",
    (
        Chain(
            D(out[u], z[o]),
            (
                Step(D(sigma(z[u]), z[o]), DEFINITION),
                Step(
                    sigma(z[u]) * (1 - sigma(z[u])) * D(z[u], z[o]),
                    CHAIN_RULE,
                    cites=(derivative,),
                ),
                Step(
                    sigma(z[u]) * (1 - sigma(z[u])) * Delta(u, o),
                    DIFFERENTIATE,
                    "an entry by an entry",
                ),
            ),
            at=(u, o),
            title="Jacobian",
            matrix=(Jacobian(out, z), Diagonal(Each(slope, Whole(z)))),
        ),
        Chain(
            total(u, delta_out[u] * D(out[u], z[o])),
            (
                Step(
                    total(u, delta_out[u] * sigma(z[u]) * (1 - sigma(z[u])) * Delta(u, o)),
                    DIFFERENTIATE,
                    "the Jacobian",
                ),
                Step(
                    delta_out[o] * sigma(z[o]) * (1 - sigma(z[o])),
                    CONTRACT,
                    "only $u = v$ remains",
                ),
            ),
            at=(o,),
            title="RULE 2",
        ),
    ),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("sigmoid"))
