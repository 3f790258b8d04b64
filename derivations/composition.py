"""Branches that meet: residual, sum and concatenation, and dropout with a given mask; RULES 1 to 3."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.maps import cost_of, rule_2
from derivations.notation import *

Q = Dimension("Q", "qr", 4, "functions in a branch")
R = Dimension("R", "hg", 5, "functions in the other branch")
both = Dimension("P", "wx", 6, "units of both branches")
q, r, h = Index("q", Q), Index("r", Q), Index("h", R)
place = Index("w", both)
e = Index("m", M)  # a third unit

Z = Array("Z", (N, M), "z", r"\mathbf{Z}")
A, F = Array("A", (Q, M), "A"), Array("F", (M, Q), "F")
B, G, H = Array("B", (R, M), "B"), Array("G", (M, R), "G"), Array("H", (K, R), "H")
deltas_out = Array("delta'", (N, M), r"\delta'", r"\boldsymbol{\Delta}'")
deltas_both = Array("delta'", (N, both), r"\delta'", r"\boldsymbol{\Delta}'")


def jacobian(name: str, left: Array, function: Function, right: Array, out: Index, at: Index,
) -> Definition:
    """Return the derivatives of what a branch gives out by what it is given."""
    inside = Σ(e, right[at, e] * Z[i, e])
    return Definition(name, (i, out, o), Σ(at, left[out, at] * function.prime(inside) * right[at, o]),
        name)

first = Definition("f", (i, u), Σ(q, F[u, q] * any_phi(Σ(o, A[q, o] * Z[i, o]))), "f")
second = Definition("g", (i, u), Σ(h, G[u, h] * any_psi(Σ(o, B[h, o] * Z[i, o]))), "g")
other = Definition("g", (i, a), Σ(h, H[a, h] * any_psi(Σ(o, B[h, o] * Z[i, o]))), "g")
of_first = jacobian("J", F, any_phi, A, u, q)
of_second, of_other = jacobian("J'", G, any_psi, B, u, h), jacobian("J'", H, any_psi, B, a, h)

a_branch = Hypothesis(
    r"The branch is $f_{iu} = \sum_q F_{uq} \, \phi(\sum_v A_{qv} z_{iv})$ with any differentiable "
    r"function $\phi$ and any numbers; $J_{iuv} = \sum_q F_{uq} \, \phi'(\sum_m A_{qm} z_{im}) \, "
    r"A_{qv}$ are its derivatives by its input.")
a_second = Hypothesis(
    r"The second branch is $g_{iu} = \sum_h G_{uh} \, \psi(\sum_v B_{hv} z_{iv})$, likewise, with the "
    r"derivatives $J'_{iuv}$.")
another = Hypothesis(
    r"The second branch is $g_{ia} = \sum_h H_{ah} \, \psi(\sum_v B_{hv} z_{iv})$, likewise, with the "
    r"derivatives $J'_{iav}$; it may have another number of outputs.")
given_deltas = Hypothesis(
    r"The deltas $\delta'_{iu}$ at the output are given numbers: $C = \sum_i \sum_u \delta'_{iu} "
    r"z'_{iu}$ has exactly these deltas.")
rule_3 = because("RULE 3: every output of every data point", linearity)


def slope_of(branch: Definition, unit: Index, slopes: Definition, title: str) -> Chain:
    """Return the derivatives of a branch by its input, by their name."""
    return prove(d(branch[i, unit], Z[j, o]),
        unfold(branch), chain_rule, entry_rule, contract, fold(slopes),
        title=title)


def back_through(cost: Use, slopes: Statement) -> Chain:
    """Return RULE 2: what each output that the input reaches sends back."""
    return prove(d(cost, Z[i, u]), unfold(cost), rule_2, by(slopes), contract)

# -- residual --------------------------------------------------------------------------------------

residual = Definition("z'", (i, u), Z[i, u] + first[i, u], "z'", r"\mathbf{Z}'")
residual_cost = cost_of(Σ(i, Σ(u, deltas_out[i, u] * residual[i, u])))
skipped = Hypothesis(r"$z'_{iu} = z_{iu} + f_{iu}$.")

residual_forward = define(
    "Residual, RULE 1",
    "The input itself, and what a branch makes of it.",
    residual, first, given=(skipped, a_branch),
)

branch_slope = slope_of(first, u, of_first, "the branch")

residual_jacobian = state(
    "Jacobian of a residual",
    "The identity, and the Jacobian of the branch: where the branch is flat, one is left and not zero.",
    prove(d(residual[i, u], Z[j, o]), unfold(residual), linearity, entry_rule, by(branch_slope)),
    branch_slope,
    given=(skipped, a_branch), level=ALL_SIZES,
)

residual_backward = state(
    "Residual, RULE 2",
    "The delta as it is, and what the branch makes of it: both are added.",
    back_through(residual_cost, residual_jacobian),
    given=(skipped, a_branch, given_deltas), level=ALL_SIZES,
)

residual_parameter_gradient = state(
    "Residual, RULE 3",
    "The parameters of the branch get what they would get from the branch alone, with the same deltas.",
    prove(d(residual_cost, F[u, q]),
        unfold(residual_cost), rule_3, slope(residual), slope(first), contract),
    given=(skipped, a_branch, given_deltas),
)

# -- a sum of branches -----------------------------------------------------------------------------

added = Definition("z'", (i, u), first[i, u] + second[i, u], "z'", r"\mathbf{Z}'")
added_cost = cost_of(Σ(i, Σ(u, deltas_out[i, u] * added[i, u])))
summed = Hypothesis(r"$z'_{iu} = f_{iu} + g_{iu}$.")

sum_forward = define(
    "Sum of branches, RULE 1",
    "Two branches on the same input, unit by unit.",
    added, first, second, given=(summed, a_branch, a_second),
)

second_slope = slope_of(second, u, of_second, "the second branch")

sum_jacobian = state(
    "Jacobian of a sum of branches",
    "The sum of their Jacobians.",
    prove(d(added[i, u], Z[j, o]),
        unfold(added), linearity, by(residual_jacobian), by(second_slope), collect),
    second_slope,
    given=(summed, a_branch, a_second), level=ALL_SIZES,
)

sum_backward = state(
    "Sum of branches, RULE 2",
    "The same deltas go into each branch, and what comes out of them adds.",
    back_through(added_cost, sum_jacobian),
    given=(summed, a_branch, a_second, given_deltas), level=ALL_SIZES,
)

# -- concatenation ---------------------------------------------------------------------------------

put_first = Array("E", (both, M), "e", r"\mathbf{E}", domain="nonnegative")
put_other = Array("E'", (both, K), "e'", r"\mathbf{E}'", domain="nonnegative")
joined = Definition("z'", (i, place),
    Σ(u, put_first[place, u] * first[i, u]) + Σ(a, put_other[place, a] * other[i, a]), "z'",
    r"\mathbf{Z}'")
joined_cost = cost_of(Σ(i, Σ(place, deltas_both[i, place] * joined[i, place])))
delta_first = Definition("delta_f", (i, u), Σ(place, put_first[place, u] * deltas_both[i, place]),
    r"\delta^f")
delta_other = Definition("delta_g", (i, a), Σ(place, put_other[place, a] * deltas_both[i, place]),
    r"\delta^g")
side_by_side = Hypothesis(
    r"$z'_{iw} = \sum_u e_{wu} f_{iu} + \sum_a e'_{wa} g_{ia}$: $e_{wu}$ is 1 where unit $u$ of the first "
    r"branch stands at place $w$, else 0, and $e'_{wa}$ likewise of the second. Side by side, the first "
    r"$M$ places are those of $f$ and the others those of $g$; nothing else is used of these numbers.")
slices = Hypothesis(
    r"The deltas $\delta'_{iw}$ at the output are given numbers: $C = \sum_i \sum_w \delta'_{iw} "
    r"z'_{iw}$. $\delta^f_{iu} = \sum_w e_{wu} \delta'_{iw}$ are those at the places of the first branch, "
    r"and $\delta^g_{ia} = \sum_w e'_{wa} \delta'_{iw}$ those of the second.")

concatenation_forward = define(
    "Concatenation, RULE 1",
    "The outputs of two branches on the same input, side by side.",
    joined, first, other, given=(side_by_side, a_branch, another),
)

other_slope = slope_of(other, a, of_other, "the second branch")

concatenation_jacobian = state(
    "Jacobian of a concatenation",
    "The Jacobians of both, one above the other.",
    prove(d(joined[i, place], Z[j, o]),
        unfold(joined), linearity, by(residual_jacobian), by(other_slope), collect),
    other_slope,
    given=(side_by_side, a_branch, another), level=ALL_SIZES,
)

concatenation_backward = state(
    "Concatenation, RULE 2",
    "The deltas are cut where the outputs were joined; each branch takes its own part down, and at the "
    "input that both have read the parts add.",
    prove(d(joined_cost, Z[i, o]),
        unfold(joined_cost), rule_2, slope(joined),
        because("each branch gets its own part",
            then(adjoint(other[i, a], delta_other[i, a]), adjoint(first[i, u], delta_first[i, u]))),
        by(residual_jacobian, concatenation_jacobian), contract),
    given=(side_by_side, a_branch, another, slices), level=ALL_SIZES,
)

# -- dropout ---------------------------------------------------------------------------------------

p = scalar("dropped", "p", domain="unit")
mask = Array("mask", (N, M), "m", r"\mathbf{M}", domain="label")
dropped = Definition("z'", (i, u), mask[i, u] * Z[i, u] / (1 - p), "z'", r"\mathbf{Z}'")
dropped_cost = cost_of(Σ(i, Σ(u, deltas_out[i, u] * dropped[i, u])))
coin = scalar("m", domain="label")
kept = Hypothesis(
    r"$z'_{iu} = m_{iu} z_{iu} / (1 - p)$: $m_{iu}$ is 0 for a unit that is dropped and 1 for one that is "
    r"kept, given numbers, the same on the way up and down; $0 \le p < 1$.")
drawn = Hypothesis(r"$m$ is 0 with the probability $p$ and 1 with the probability $1 - p$.")

dropout_forward = define(
    "Dropout with a given mask, RULE 1",
    r"What is kept grows by $1 / (1 - p)$, so that nothing has to be done at inference.",
    dropped, given=(kept,),
)

dropout_jacobian = state(
    "Jacobian of dropout",
    "On the diagonal the factor of the unit: it is linear.",
    prove(d(dropped[i, u], Z[j, o]), differentiate(dropped)),
    given=(kept,),
)

dropout_backward = state(
    "Dropout, RULE 2",
    "The deltas pass through the same mask, with the same factor.",
    back_through(dropped_cost, dropout_jacobian),
    given=(kept, given_deltas),
)

moments = expectation(coin, {1: 1 - p, 0: p}, coin * t / (1 - p))
spread = expectation(coin, {1: 1 - p, 0: p}, (coin * t / (1 - p) - t) ** 2)
dropout_moments = state(
    "What dropout changes on average",
    r"Over the masks the mean of a value $t$ stays, which is what the factor $1 / (1 - p)$ is for. The "
    "noise does not go away: its variance is that of the value times the odds of being dropped.",
    prove(moments,
        to((1 - p) * (t / (1 - p)) + p * (0 * t / (1 - p)), DEFINITION, "the two outcomes"), collect,
        title="mean"),
    prove(spread,
        to((1 - p) * (t / (1 - p) - t) ** 2 + p * (0 - t) ** 2, DEFINITION, "the two outcomes"),
        to(t ** 2 * p / (1 - p)),
        title="variance"),
    given=(kept, drawn), level=SCALAR,
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("composition"))
