"""The log-softmax layer: logarithms of the probabilities, from the logits without dividing."""

from derivations import softmax
from derivations.language.matrices import Diagonal, Gradient, Jacobian, Ones, Whole
from derivations.language.statement import (
    ALGEBRA,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LINEARITY,
    LOGARITHM,
    Chain,
    Hypothesis,
    Statement,
    Step,
)
from derivations.language.terms import Array, D, Definition, Delta, Index, exp, log, total
from derivations.notation import K, c
from derivations.softmax import S, lse, others, the_others, z

u, o, w = Index("u", K), Index("v", K), Index("w", K)  # classes, as units of the layer

delta_out = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
out = Definition("z'", (u,), z[u] - lse, "z'", r"\mathbf{z}'")
cost = Definition("C", (), total(u, delta_out[u] * out[u]), "C")()
all_deltas = total(u, delta_out[u])

given_deltas = Hypothesis(
    r"The deltas $\delta'$ at the output are given numbers: any, not one-hot, not of a given sum. "
    r"$C = \sum_u \delta'_u z'_u$ has exactly these deltas."
)

forward = Statement(
    "Log-softmax layer, RULE 1",
    r"The logarithm is taken before anything is divided: no probability is formed that could "
    r"underflow to zero, with the logarithm $-\infty$.",
    (
        Chain(
            log(S[u]),
            (
                Step(log(exp(z[u]) / total(c, exp(z[c]))), DEFINITION),
                Step(
                    log(exp(z[u])) - log(total(c, exp(z[c]))),
                    LOGARITHM,
                    "the logarithm of a quotient",
                ),
                Step(z[u] - log(total(c, exp(z[c]))), LOGARITHM, r"$\log e^{z} = z$"),
                Step(z[u] - lse, DEFINITION),
            ),
            at=(u,),
        ),
    ),
)

term_left_out = Statement(
    "Log-softmax with one term left out",
    "With $c$ the class of the largest logit no exponential exceeds one, and the output of a "
    "confident class is minus a small number that keeps its digits.",
    (
        Chain(
            log(S[u]),
            (
                Step(
                    log(exp(z[u] - z[c]) / (1 + others[c])),
                    DEFINITION,
                    cites=(softmax.term_left_out,),
                ),
                Step(z[u] - z[c] - log(1 + others[c]), LOGARITHM, "the logarithm of a quotient"),
            ),
            at=(u, c),
            title="any class $c$",
        ),
        Chain(
            out[c],
            (
                Step(z[c] - lse, DEFINITION),
                Step(-log(1 + others[c]), DEFINITION, cites=(softmax.term_left_out,)),
            ),
            at=(c,),
            title="the class itself",
        ),
    ),
    (the_others,),
)

jacobian = Statement(
    "Jacobian of the log-softmax layer",
    "Each output rises with its own logit and falls with every logit by that one's probability; "
    "every row is the same but for the one on the diagonal.",
    (
        Chain(
            D(out[u], z[o]),
            (
                Step(D(z[u] - lse, z[o]), DEFINITION),
                Step(D(z[u], z[o]) - D(lse, z[o]), LINEARITY, "a difference, term by term"),
                Step(
                    Delta(u, o) - S[o],
                    DIFFERENTIATE,
                    "an entry by an entry, and the gradient of log-sum-exp",
                    cites=(softmax.logsumexp_gradient,),
                ),
            ),
            at=(u, o),
            matrix=(Jacobian(out, z), Diagonal(Ones(K)) - Ones(K) @ Whole(S).T),
        ),
    ),
)

backward = Statement(
    "Log-softmax layer, RULE 2",
    "Every delta passes down to its own logit; their sum, shared out by the probabilities, is "
    "taken away. What comes out sums to zero.",
    (
        Chain(
            D(cost, z[o]),
            (
                Step(
                    total(u, delta_out[u] * D(out[u], z[o])),
                    DIFFERENTIATE,
                    "RULE 2: every output depends on every logit",
                ),
                Step(
                    total(u, delta_out[u] * (Delta(u, o) - S[o])),
                    DIFFERENTIATE,
                    cites=(jacobian,),
                ),
                Step(
                    total(u, delta_out[u] * Delta(u, o)) - total(u, delta_out[u] * S[o]),
                    ALGEBRA,
                    "two sums",
                ),
                Step(
                    delta_out[o] - S[o] * all_deltas,
                    CONTRACT,
                    "only $u = v$ remains of the first; $S_v$ leaves the second",
                ),
            ),
            at=(o,),
            matrix=(
                Gradient(cost, z),
                Whole(delta_out) - Whole(S) @ (Ones(K).T @ Whole(delta_out)),
            ),
        ),
        Chain(
            total(o, delta_out[o] - S[o] * all_deltas),
            (
                Step(all_deltas - total(o, S[o]) * all_deltas, ALGEBRA, "two sums"),
                Step(0, DEFINITION, "the probabilities sum to one", cites=(softmax.normalised,)),
            ),
            title="the deltas that come out sum to zero",
        ),
    ),
    (given_deltas,),
)

second_order = Statement(
    "Log-softmax layer, second order",
    r"The same for every output $u$: minus the covariance matrix of the indicators of a class.",
    (
        Chain(
            D(D(out[u], z[o]), z[w]),
            (
                Step(D(Delta(u, o) - S[o], z[w]), DIFFERENTIATE, cites=(jacobian,)),
                Step(-D(S[o], z[w]), LINEARITY, "a constant has no slope"),
                Step(-(S[o] * (Delta(o, w) - S[w])), CHAIN_RULE, cites=(softmax.jacobian,)),
            ),
            at=(u, o, w),
        ),
    ),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("log_softmax"))
