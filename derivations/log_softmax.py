"""The log-softmax layer: logarithms of the probabilities, from the logits without dividing."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import softmax
from derivations.notation import *
from derivations.softmax import S, lse, others, the_others, z

u, o, q = Index("u", K), Index("v", K), Index("w", K)  # classes, as units of the layer

delta_out = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
out = Definition("z'", (u,), z[u] - lse, "z'", r"\mathbf{z}'")
cost = Definition("C", (), Σ(u, delta_out[u] * out[u]), "C")()
all_deltas = Σ(u, delta_out[u])

given_deltas = Hypothesis(
    r"The deltas $\delta'$ at the output are given numbers: any, not one-hot, not of a given sum. "
    r"$C = \sum_u \delta'_u z'_u$ has exactly these deltas.")

forward = state(
    "Log-softmax layer, RULE 1",
    "The logarithm is taken before anything is divided: no probability is formed that could "
    r"underflow to zero, with the logarithm $-\infty$.",
    prove(log(S[u]),
        unfold(S),
        to(log(exp(z[u])) - log(Σ(c, exp(z[c]))), LOGARITHM, "the logarithm of a quotient"),
        to(z[u] - log(Σ(c, exp(z[c]))), LOGARITHM, r"$\log e^{z} = z$"),
        fold(lse)),
)

term_left_out = state(
    "Log-softmax with one term left out",
    "With $c$ the class of the largest logit no exponential exceeds one, and the output of a "
    "confident class is minus a small number that keeps its digits.",
    prove(log(S[u]),
        to(log(exp(z[u] - z[c]) / (1 + others[c])), DEFINITION, softmax.term_left_out),
        to(z[u] - z[c] - log(1 + others[c]), LOGARITHM, "the logarithm of a quotient"),
        at=(u, c), title="any class $c$"),
    prove(out[c],
        unfold(out),
        to(-log(1 + others[c]), DEFINITION, softmax.term_left_out),
        title="the class itself"),
    given=(the_others,), level=ALL_SIZES,
)

jacobian = state(
    "Jacobian of the log-softmax layer",
    "Each output rises with its own logit and falls with every logit by that one's probability; "
    "every row is the same but for the one on the diagonal.",
    prove(d(out[u], z[o]),
        differentiate(out), by(softmax.logsumexp_gradient),
        matrix=(Jacobian(out, z), Diagonal(Ones(K)) - Ones(K) @ Whole(S).T)),
)

backward = state(
    "Log-softmax layer, RULE 2",
    "Every delta passes down to its own logit; their sum, shared out by the probabilities, is "
    "taken away. What comes out sums to zero.",
    prove(d(cost, z[o]),
        unfold(cost), because("RULE 2", linearity), by(jacobian), contract,
        matrix=(Gradient(cost, z), Whole(delta_out) - Whole(S) @ (Ones(K).T @ Whole(delta_out)))),
    prove(Σ(o, delta_out[o] - S[o] * all_deltas),
        because("the probabilities sum to one", known_sums),
        title="the deltas that come out sum to zero"),
    given=(given_deltas,),
)

second_order = state(
    "Log-softmax layer, second order",
    "The same for every output $u$: minus the covariance matrix of the indicators of a class.",
    prove(d(out[u], z[o], z[q]), by(jacobian), linearity, by(softmax.jacobian)),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("log_softmax"))
