"""Linear maps that share: leading axes, embedding, convolution, low rank, tied; RULES 1 to 3."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.notation import *

u, o = Index("u", K), Index("v", K)  # two outputs
T = Dimension("T", "rt", 4, "places")
S = Dimension("S", "se", 5, "places of an input")
taps = Dimension("Q", "qd", 6, "taps of a kernel")
ranks = Dimension("R", "hg", 7, "rank")
r, other_r = Index("r", T), Index("t", T)
at = Index("s", S)
q, other_q = Index("q", taps), Index("d", taps)
h, g = Index("h", ranks), Index("g", ranks)

rows = Array("Z", (N, n), "z", r"\mathbf{Z}")
bias = Array("b", (K,), "b", r"\mathbf{b}")
deltas_out = Array("delta'", (N, K), r"\delta'", r"\boldsymbol{\Delta}'")
deltas_at = Array("delta'", (N, T, K), r"\delta'", r"\boldsymbol{\Delta}'")
deltas_in = Array("delta'", (N, n), r"\delta'", r"\boldsymbol{\Delta}'")


def cost_of(body: Term) -> Use:
    """Return the cost that has given deltas at what a layer gives out."""
    return Use(Definition("C", (), body, "C"))


def at_places(out: Definition) -> Use:
    """Return the cost with a delta for each output at each place."""
    return cost_of(Σ(i, Σ(r, Σ(u, deltas_at[i, r, u] * out[i, r, u]))))

given_at_places = Hypothesis(
    r"The deltas $\delta'_{iru}$ at the output are given numbers, and the parameters are the same at "
    r"every place of every data point: $C = \sum_i \sum_r \sum_u \delta'_{iru} z'_{iru}$ has exactly "
    "these deltas.")
given_deltas = Hypothesis(
    r"The deltas $\delta'_{iu}$ at the output are given numbers, and the parameters are the same for "
    r"every data point: $C = \sum_i \sum_u \delta'_{iu} z'_{iu}$ has exactly these deltas.")
rule_2 = because("RULE 2: every output that the input reaches", linearity)
rule_3 = because("RULE 3: the parameters are shared", linearity)

# -- leading axes ----------------------------------------------------------------------------------

values = Array("Z", (N, T, n), "z", r"\mathbf{Z}")
out = Definition("z'", (i, r, u), Σ(k, W[u, k] * values[i, r, k]) + bias[u], "z'", r"\mathbf{Z}'")
cost = at_places(out)
last_axis = Hypothesis(
    r"$z'_{iru} = \sum_k w_{uk} z_{irk} + b_u$: data points $i$, places $r$ of a data point, and the "
    "features on the last axis.")

leading_axes_forward = define(
    "Linear layer over leading axes, RULE 1",
    "The same weights at every place of every data point: a place counts as a data point.",
    out, given=(last_axis,),
)

leading_axes_jacobian = state(
    "Jacobian over leading axes",
    "The weights where data point and place are the same, and zero elsewhere: places do not meet.",
    prove(d(out[i, r, u], values[j, other_r, k]), differentiate(out), contract),
    given=(last_axis,),
)

leading_axes_backward = state(
    "Linear layer over leading axes, RULE 2",
    "Place by place, as if each were a data point.",
    prove(d(cost, values[i, r, k]), unfold(cost), rule_2, by(leading_axes_jacobian), contract),
    given=(last_axis, given_at_places),
)

leading_axes_parameter_gradient = state(
    "Linear layer over leading axes, RULE 3",
    "The weights serve at every place of every data point, so both sums are taken, for the bias, too.",
    prove(d(cost, W[u, k]), unfold(cost), rule_3, slope(out), contract, title="a weight"),
    prove(d(cost, bias[u]), unfold(cost), rule_3, slope(out), contract, title="a bias"),
    given=(last_axis, given_at_places),
)

# -- embedding -------------------------------------------------------------------------------------

row_of = Definition("z'", (i, k), Σ(a, Y[i, a] * W[a, k]), "z'", r"\mathbf{Z}'")
row_cost = cost_of(Σ(i, Σ(k, deltas_in[i, k] * row_of[i, k])))
looked_up = Hypothesis(
    r"$z'_{ik} = \sum_a [y_i = a] w_{ak}$, which is $w_{ak}$ for the one $a = y_i$: row $y_i$ of "
    r"$\mathbf{W}$, one row for each of $K$ symbols. There may be more rows than places, and the same "
    "symbol at several.")
given_rows = Hypothesis(
    r"The deltas $\delta'_{ik}$ at the output are given numbers: $C = \sum_i \sum_k \delta'_{ik} "
    "z'_{ik}$ has exactly these deltas.")

embedding_forward = define(
    "Embedding, RULE 1",
    "A table in which each symbol has a row. Looking a row up is multiplying by its indicator.",
    row_of, given=(looked_up,),
)

embedding_jacobian = state(
    "Embedding, derivatives by the table",
    "An output depends on one row alone, that of its own symbol.",
    prove(d(row_of[i, k], W[a, l]), differentiate(row_of), contract),
    given=(looked_up,),
)

embedding_parameter_gradient = state(
    "Embedding, RULE 3",
    "The deltas of all places with the same symbol add up; the row of a symbol that does not occur has "
    "gradient zero. There is no RULE 2: a symbol is no number.",
    prove(d(row_cost, W[a, k]),
        unfold(row_cost), rule_3, by(embedding_jacobian), contract,
        matrix=(Gradient(row_cost, W), Whole(Y).T @ Whole(deltas_in))),
    given=(looked_up, given_rows),
)

# -- convolution in one dimension ------------------------------------------------------------------

reads = Array("T", (T, taps, S), "t", r"\mathbf{T}", domain="nonnegative")
reads_back = Array("T'", (S, taps, T), "t'", r"\mathbf{T}'", domain="nonnegative")
flip = Array("F", (taps, taps), "f", r"\mathbf{F}", domain="nonnegative")
signal = Array("Z", (N, S, n), "z", r"\mathbf{Z}")
kernel = Array("W", (K, taps, n), "w", r"\mathbf{W}")

window = Definition("x", (i, r, q, k), Σ(at, reads[r, q, at] * signal[i, at, k]), "x", r"\mathbf{X}")
conv = Definition("z'", (i, r, u),
    Σ(q, Σ(k, kernel[u, q, k] * window[i, r, q, k])) + bias[u], "z'", r"\mathbf{Z}'")
conv_cost = at_places(conv)
flipped = Definition("w'", (u, q, k), Σ(other_q, flip[q, other_q] * kernel[u, other_q, k]), "w'",
    r"\mathbf{W}'")
read = Hypothesis(
    r"$t_{rqs}$ is 1 where the output at place $r$ reads with tap $q$ the input at place $s$, else 0: with "
    r"stride $c$ and $p$ zeros of padding, where $s = c (r - 1) + q - p$, so that beyond the ends nothing "
    r"is read. No more is used of these numbers. $x_{irqk} = \sum_s t_{rqs} z_{isk}$ is what a tap reads, "
    r"and $z'_{iru} = \sum_q \sum_k w_{uqk} x_{irqk} + b_u$.")
one_step = Hypothesis(
    r"The stride is 1. $f_{qd}$ is 1 where tap $d$ is tap $q$ counted from the other end, $q + d = Q + 1$, "
    r"else 0, and $w'_{uqk} = \sum_d f_{qd} w_{udk}$. $t'_{sqr}$ is the like of $t_{rqs}$ for the way "
    r"back, from places $r$ to places $s$ with stride 1 and $Q - 1 - p$ zeros of padding: $r = s - 1 + q - "
    r"(Q - 1 - p)$. Then $t_{rqs} = \sum_d f_{dq} t'_{sdr}$.",
    replace=((reads[r, q, at], Σ(other_q, flip[other_q, q] * reads_back[at, other_q, r])),))

convolution_forward = define(
    "Convolution in one dimension, RULE 1",
    "Each output sees a window of the input, through the same weights at every place. As in the "
    "libraries the kernel is not turned around here: it is a correlation.",
    conv, window, given=(read,),
)

convolution_jacobian = state(
    "Jacobian of a convolution",
    "The weight of the tap that reads; where several taps read the same place their weights add, and "
    "where none does it is zero.",
    prove(d(conv[i, r, u], signal[j, at, k]), differentiate(conv), slope(window), contract),
    given=(read,),
)

convolution_backward = state(
    "Convolution in one dimension, RULE 2",
    "Each delta goes back to the places that its output has read, by the weights with which it read "
    "them; where windows overlap they add.",
    prove(d(conv_cost, signal[i, at, k]),
        unfold(conv_cost), rule_2, by(convolution_jacobian), contract),
    given=(read, given_at_places),
)

convolution_parameter_gradient = state(
    "Convolution in one dimension, RULE 3",
    "The weight of a tap gets from every place of every data point delta times what the tap has read "
    "there.",
    prove(d(conv_cost, kernel[u, q, k]),
        unfold(conv_cost), rule_3, slope(conv), contract,
        title="a weight"),
    prove(d(conv_cost, bias[u]), unfold(conv_cost), rule_3, slope(conv), contract, title="a bias"),
    given=(read, given_at_places),
)

through_flipped = Σ(q, Σ(u, flipped[u, q, k] * Σ(r, reads_back[at, q, r] * deltas_at[i, r, u])))
convolution_flip = state(
    "The way back is a convolution with the kernel turned around",
    "With stride 1 RULE 2 is itself a convolution of the deltas, from outputs to features: tap $q$ of "
    "its kernel is the tap that is as far from the other end.",
    prove(d(conv_cost, signal[i, at, k]),
        by(convolution_backward),
        to(through_flipped, DEFINITION, "by what reads back")),
    given=(read, given_at_places, one_step), level=ALL_SIZES,
)

# -- low rank --------------------------------------------------------------------------------------

A, B = Array("A", (ranks, n), "a", r"\mathbf{A}"), Array("B", (K, ranks), "b", r"\mathbf{B}")
scale = scalar("alpha", r"\alpha", domain="positive")
inside = Definition("x", (i, h), Σ(k, A[h, k] * rows[i, k]), "x", r"\mathbf{X}")
low = Definition("z'", (i, u), Σ(k, W[u, k] * rows[i, k]) + scale * Σ(h, B[u, h] * inside[i, h]),
    "z'", r"\mathbf{Z}'")
low_cost = cost_of(Σ(i, Σ(u, deltas_out[i, u] * low[i, u])))
delta_inside = Definition("delta", (i, h), scale * Σ(u, deltas_out[i, u] * B[u, h]), r"\delta",
    r"\boldsymbol{\Delta}")
to_inside = because("RULE 2 of the second factor", adjoint(inside[i, h], delta_inside[i, h]))
factored = Hypothesis(
    r"$z'_{iu} = \sum_k w_{uk} z_{ik} + \alpha \sum_h b_{uh} x_{ih}$ with $x_{ih} = \sum_k a_{hk} z_{ik}$: "
    r"the weights are $\mathbf{W} + \alpha \mathbf{B} \mathbf{A}$, whose second part has at most the rank "
    r"$R$, the number of rows $h$ of $\mathbf{A}$; $\alpha$ is a given number.")
delta_between = Hypothesis(r"$\delta_{ih} = \alpha \sum_u \delta'_{iu} b_{uh}$.")

low_rank_forward = define(
    "Linear layer with a part of low rank, RULE 1",
    "Beside the weights goes a product of two thin matrices, which is never multiplied out.",
    low, inside, given=(factored,),
)

low_rank_jacobian = state(
    "Jacobian of a layer with a part of low rank",
    "The sum of both matrices.",
    prove(d(low[i, u], rows[j, k]), differentiate(low), slope(inside), contract),
    given=(factored,),
)

low_rank_backward = state(
    "Layer with a part of low rank, RULE 2",
    "Two paths, whose deltas add: through the weights, and through both thin matrices.",
    prove(d(low_cost, rows[i, k]),
        differentiate(low_cost), slope(low), to_inside, slope(inside), contract,
        matrix=(Gradient(low_cost, rows),
            Whole(deltas_out) @ Whole(W) + Whole(delta_inside) @ Whole(A))),
    given=(factored, given_deltas, delta_between), level=ALL_SIZES,
)

low_rank_parameter_gradient = state(
    "Layer with a part of low rank, RULE 3",
    r"Each factor sees the other: with $\mathbf{B} = 0$, as such layers begin, nothing arrives at "
    r"$\mathbf{A}$. What $\mathbf{W}$ would get is not needed, and is not formed on the way.",
    prove(d(low_cost, B[u, h]),
        differentiate(low_cost), slope(low), contract,
        title="the second factor",
        matrix=(Gradient(low_cost, B), scale * (Whole(deltas_out).T @ Whole(inside)))),
    prove(d(low_cost, A[h, k]),
        differentiate(low_cost), slope(low), to_inside, slope(inside), contract,
        title="the first factor",
        matrix=(Gradient(low_cost, A), Whole(delta_inside).T @ Whole(rows))),
    prove(d(low_cost, W[u, k]),
        differentiate(low_cost), slope(low), contract,
        title="the weights", matrix=(Gradient(low_cost, W), Whole(deltas_out).T @ Whole(rows))),
    given=(factored, given_deltas, delta_between),
)

# -- tied weights ----------------------------------------------------------------------------------

embedded = Definition("x", (i, k), Σ(a, Y[i, a] * W[a, k]), "x", r"\mathbf{X}")
tied = Definition("z'", (i, u), Σ(k, W[u, k] * any_phi(embedded[i, k])), "z'", r"\mathbf{Z}'")
tied_cost = cost_of(Σ(i, Σ(u, deltas_out[i, u] * tied[i, u])))
delta_embedded = Definition("delta", (i, k),
    any_phi.prime(embedded[i, k]) * Σ(u, deltas_out[i, u] * W[u, k]), r"\delta",
    r"\boldsymbol{\Delta}")
used_twice = Hypothesis(
    r"$x_{ik} = \sum_a [y_i = a] w_{ak}$ are the rows that are looked up, and $z'_{iu} = \sum_k w_{uk} "
    r"\phi(x_{ik})$ are the logits, by the same matrix; between them stands any differentiable function "
    r"$\phi$. $\delta_{ik} = \phi'(x_{ik}) \sum_u \delta'_{iu} w_{uk}$ are the deltas at $x_{ik}$.")

tied_forward = define(
    "Tied weights, RULE 1",
    "One matrix, used twice: as the table of an embedding and as the weights of the logits.",
    tied, embedded, given=(used_twice,),
)

tied_parameter_gradient = state(
    "Tied weights, RULE 3",
    "The gradients of both uses add: that of a linear layer, and that of an embedding. The first "
    "reaches every row, the second the rows that were looked up.",
    prove(d(tied_cost, W[a, k]),
        differentiate(tied_cost), slope(tied),
        because("RULE 2 of the layers between", adjoint(embedded[i, k], delta_embedded[i, k])),
        slope(embedded), contract),
    given=(used_twice, given_deltas),
)

# -- second order ----------------------------------------------------------------------------------

second_order = state(
    "Linear maps, second order",
    "All are linear in the input, so only mixed derivatives are left; a product of two factors has one "
    "by both.",
    prove(d(out[i, r, u], W[o, k], values[j, other_r, l]),
        slope(out), linearity, entry_rule,
        title="leading axes, a weight and an input"),
    prove(d(row_of[i, k], W[a, l], W[b, m]), by(embedding_jacobian), linearity,
        title="embedding, two weights"),
    prove(d(conv[i, r, u], kernel[o, q, k], signal[j, at, l]),
        slope(conv), linearity, slope(window),
        title="convolution, a weight and an input"),
    prove(d(low[i, u], B[o, h], A[g, k]),
        slope(low), linearity, slope(inside),
        title="low rank, a weight of each factor"),
    given=(last_axis, looked_up, read, factored),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("maps"))
