"""Scaled dot-product attention with a mask: forward, Jacobians, RULES 2 and 3 by Q, K and V."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.notation import *

T = Dimension("T", "rsh", 4, "keys")
head = Dimension("d", "ce", 5, "features of a head")
r, q = Index("r", T), Index("s", T)
c, e = Index("c", head), Index("e", head)

queries = Array("Q", (N, head), "q", r"\mathbf{Q}")
keys = Array("keys", (T, head), "k", r"\mathbf{K}")
values = Array("values", (T, M), "v", r"\mathbf{V}")
mask = Array("mask", (N, T), "m", r"\mathbf{M}", domain="nonnegative")
deltas_out = Array("delta'", (N, M), r"\delta'", r"\boldsymbol{\Delta}'")
scale = root(Size(head))

scores = Definition("z", (i, r), Σ(c, queries[i, c] * keys[r, c]) / scale, "z", r"\mathbf{Z}")


def weights_of(z: Array | Definition) -> Definition:
    """Return the masked softmax of each row of scores."""
    return Definition("p", (i, r), mask[i, r] * exp(z[i, r]) / Σ(q, mask[i, q] * exp(z[i, q])),
        "p", r"\mathbf{P}")

free = Array("z", (N, T), "z", r"\mathbf{Z}")
P, free_P = weights_of(scores), weights_of(free)
out = Definition("z'", (i, u), Σ(r, P[i, r] * values[r, u]), "z'", r"\mathbf{Z}'")
cost = Definition("C", (), Σ(i, Σ(u, deltas_out[i, u] * out[i, u])), "C")()
pull = Definition("g", (i, r), Σ(u, deltas_out[i, u] * values[r, u]), "g", r"\mathbf{G}")
delta = Definition("delta", (i, r), P[i, r] * (pull[i, r] - Σ(q, P[i, q] * pull[i, q])),
    r"\delta", r"\boldsymbol{\Delta}")

sizes = Hypothesis(
    r"Queries $q_{ic}$, keys $k_{rc}$ and values $v_{ru}$, the rows of $\mathbf{Q}$, $\mathbf{K}$ and "
    r"$\mathbf{V}$; $d$ is the length of a query. The scores are $z_{ir} = \sum_c q_{ic} k_{rc} / "
    r"\sqrt{d}$, the weights $p_{ir} = m_{ir} e^{z_{ir}} / \sum_s m_{is} e^{z_{is}}$.")
some_key = Hypothesis(
    r"The mask is $m_{ir} = 0$ where key $r$ is hidden from query $i$ and 1 elsewhere, or any number "
    r"that is not negative: $e^b$ for a bias $b$ that is added to the score. No query has all keys "
    "hidden.")
given_deltas = Hypothesis(
    r"The deltas $\delta'_{iu}$ at the output are given numbers: $C = \sum_i \sum_u \delta'_{iu} "
    r"z'_{iu}$ has exactly these deltas.")
deltas_of_scores = Hypothesis(
    r"$g_{ir} = \sum_u \delta'_{iu} v_{ru}$ and $\delta_{ir} = p_{ir} (g_{ir} - \sum_s p_{is} "
    r"g_{is})$.")

forward = define(
    "Attention, RULE 1",
    "Each query takes a mean of the values, weighted by the softmax of its scores: one row of "
    "probabilities for each query.",
    out, P, scores, given=(sizes, some_key),
)

weights_jacobian = state(
    "Jacobian of the weights by the scores",
    "The Jacobian of a softmax, row by row. A hidden key has weight 0, and so a row and a column of "
    "zeros: the mask needs no rule of its own.",
    prove(d(free_P[i, r], free[j, q]),
        unfold(free_P), chain_rule, entry_rule, contract, fold(free_P)),
    given=(sizes, some_key),
)

values_jacobian = state(
    "Jacobian of attention by the values",
    "The weights.",
    prove(d(out[i, u], values[r, o]), differentiate(out), contract),
    given=(sizes, some_key),
)

weights_slope = prove(d(P[i, r], queries[j, c]), slope(P), slope(scores), collect)
queries_jacobian = state(
    "Jacobian of attention by the queries",
    "A weighted covariance of values and keys.",
    prove(d(out[i, u], queries[j, c]), differentiate(out), by(weights_slope), collect),
    weights_slope,
    given=(sizes, some_key), level=ALL_SIZES,
)

keys_jacobian = state(
    "Jacobian of attention by the keys",
    "A key that moves draws the output towards its value, or away from it.",
    prove(d(out[i, u], keys[r, c]), differentiate(out), slope(P), slope(scores), collect),
    given=(sizes, some_key),
)

to_weights = then(unfold(cost), because("RULE 2: every output that it reaches", linearity), slope(out))
to_scores = then(to_weights,
    because("the weighted mean, RULE 2", adjoint(P[i, r], pull[i, r])), slope(P),
    because("the softmax of each row, RULE 2", adjoint(scores[i, r], delta[i, r])), slope(scores))

backward = state(
    "Attention, RULE 2",
    "Values, queries and keys in turn. In the deltas of the scores the mean of each row is taken off "
    "under its own weights: the term that is forgotten.",
    prove(d(cost, values[r, u]),
        to_weights, contract,
        title="values", matrix=(Gradient(cost, values), Whole(P).T @ Whole(deltas_out))),
    prove(d(cost, queries[i, c]),
        to_scores, contract,
        title="queries", matrix=(Gradient(cost, queries), (1 / scale) * (Whole(delta) @ Whole(keys)))),
    prove(d(cost, keys[r, c]),
        to_scores, contract,
        title="keys", matrix=(Gradient(cost, keys), (1 / scale) * (Whole(delta).T @ Whole(queries)))),
    given=(sizes, some_key, given_deltas, deltas_of_scores), level=ALL_SIZES,
)

delta_of_a_row = state(
    "The mean that is taken off, without the weights",
    "It is the delta at the output times the output: one product for each query, whatever the number "
    "of keys. So the pass back can be made block by block, as the weights come along.",
    prove(Σ(r, P[i, r] * pull[i, r]),
        unfold(pull), to(Σ(u, deltas_out[i, u] * out[i, u]), DEFINITION, "exchange the sums")),
    given=(sizes, some_key, deltas_of_scores), level=ALL_SIZES,
)

deltas_sum_to_zero = state(
    "The deltas of the scores of a query sum to zero",
    "A number added to all scores of a query changes nothing.",
    prove(Σ(r, delta[i, r]), unfold(delta), because("the weights sum to one", known_sums)),
    given=(sizes, some_key, deltas_of_scores),
)

# -- queries, keys and values of the same rows -----------------------------------------------------

maps = {name: Array(name, (of, n), f"W^{name}", rf"\mathbf{{W}}^{name}")
    for name, of in (("Q", head), ("K", head), ("V", M))}
asked = Definition("query", (i, c), Σ(l, maps["Q"][c, l] * X[i, l]), "q", r"\mathbf{Q}")
offered = Definition("key", (i, c), Σ(l, maps["K"][c, l] * X[i, l]), "k", r"\mathbf{K}")
carried = Definition("value", (i, u), Σ(l, maps["V"][u, l] * X[i, l]), "v", r"\mathbf{V}")
arrived = [Array(f"delta_{name}", (N, of), r"\delta", r"\boldsymbol{\Delta}", superscript=name)
    for name, of in (("Q", head), ("K", head), ("V", M))]
three_ways = Definition("C", (),
    Σ(i, Σ(c, arrived[0][i, c] * asked[i, c] + arrived[1][i, c] * offered[i, c])
    + Σ(u, arrived[2][i, u] * carried[i, u])), "C")()

self_attention_backward = state(
    "Self-attention: the deltas of queries, keys and values add",
    "In self-attention queries, keys and values are linear maps of the same rows: what arrives at a "
    "row is the sum of what comes back by the three ways.",
    prove(d(three_ways, X[i, k]),
        differentiate(three_ways), slope(asked), slope(offered), slope(carried), contract,
        title="rows", matrix=(Gradient(three_ways, X),
        Whole(arrived[0]) @ Whole(maps["Q"]) + Whole(arrived[1]) @ Whole(maps["K"])
        + Whole(arrived[2]) @ Whole(maps["V"]))),
    *(prove(d(three_ways, maps[name][at, k]),
        differentiate(three_ways), slope(way), contract,
        title=f"the map of the {what}", matrix=(Gradient(three_ways, maps[name]), Whole(come).T @ Whole(X)))
        for name, what, way, at, come in zip("QKV", ("queries", "keys", "values"),
        (asked, offered, carried), (c, c, u), arrived, strict=True)),
    given=(Hypothesis(
        r"$q_{ic} = \sum_k W^Q_{ck} x_{ik}$, $k_{ic} = \sum_k W^K_{ck} x_{ik}$ and $v_{iu} = \sum_k "
        r"W^V_{uk} x_{ik}$; their deltas $\delta^Q$, $\delta^K$ and $\delta^V$, those of attention, "
        "are given numbers."),),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("attention"))
