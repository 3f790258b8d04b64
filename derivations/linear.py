"""The linear layer: weighted sums of its inputs, with or without a bias; RULES 1 to 3."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.notation import *

u, o = Index("u", K), Index("v", K)  # two outputs

# -- one data point --------------------------------------------------------------------------------

z = Array("z", (n,), "z", r"\mathbf{z}")
bias = Array("b", (K,), "b", r"\mathbf{b}")
delta_out = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
out = Definition("z'", (u,), Σ(k, W[u, k] * z[k]) + bias[u], "z'", r"\mathbf{z}'")
plain = Definition("z0'", (u,), Σ(k, W[u, k] * z[k]), "z'", r"\mathbf{z}'")
cost = Definition("C", (), Σ(u, delta_out[u] * out[u]), "C")()

# -- all data points, as rows ----------------------------------------------------------------------

Z = Array("Z", (N, n), "z", r"\mathbf{Z}")
deltas_out = Array("delta'", (N, K), r"\delta'", r"\boldsymbol{\Delta}'")
rows = Definition("Z'", (i, u), Σ(k, W[u, k] * Z[i, k]) + bias[u], "z'", r"\mathbf{Z}'")
total_cost = Definition("C", (), Σ(i, Σ(o, deltas_out[i, o] * rows[i, o])), "C")()

any_widths = Hypothesis(
    r"Any numbers $n$ of inputs and $K$ of outputs; $\mathbf{W}$ is $K \times n$.")
to_first_order = Hypothesis(
    r"The deltas $\delta'$ at the output are given numbers. $C = \sum_u \delta'_u z'_u$ has "
    r"exactly these deltas, $\partial C / \partial z'_u = \delta'_u$; it is any cost, to first "
    "order.")
summed = Hypothesis(
    r"The deltas $\delta'_{iu}$ at the output are given numbers, and the parameters are the same "
    r"for every data point: $C = \sum_i \sum_u \delta'_{iu} z'_{iu}$ has $\partial C / \partial "
    r"z'_{iu} = \delta'_{iu}$.")

forward = state(
    "Linear layer, RULE 1",
    r"Row $u$ of $\mathbf{W}$ belongs to output $u$. With data points as rows the layer multiplies "
    r"by $\mathbf{W}^\top$ from the right; without a bias, $b_u = 0$.",
    prove(rows[i, u],
        to(Σ(k, Z[i, k] * W[u, k]) + bias[u], DEFINITION,
            r"row $i$ of $\mathbf{Z}$ times column $u$ of $\mathbf{W}^\top$"),
        matrix=(Whole(rows), Whole(Z) @ Whole(W).T + Ones(N) @ Whole(bias).T)),
    given=(any_widths,),
)

jacobian = state(
    "Jacobian of the linear layer",
    "The weights themselves, the same at every input; a bias changes nothing.",
    *(
        prove(d(layer[u], z[k]),
            unfold(layer), because("weights and bias are constants", linearity), entry_rule,
            because("only $l = k$ remains", contract),
            title=title, matrix=(Jacobian(layer, z), Whole(W)))
        for layer, title in ((out, "with a bias"), (plain, "without"))),
    given=(any_widths,),
)

backward = state(
    "Linear layer, RULE 2",
    r"Going up, $\mathbf{W}$ sums over the inputs; coming down, its transpose sums over the "
    "outputs.",
    prove(d(cost, z[k]),
        unfold(cost), because("RULE 2: every output that the input reaches", linearity),
        by(jacobian),
        matrix=(Gradient(cost, z), Whole(W).T @ Whole(delta_out))),
    given=(any_widths, to_first_order),
)

parameter_jacobian = state(
    "Linear layer, derivatives by its parameters",
    "An output depends on its own row of weights and on its own bias alone.",
    prove(d(out[u], W[o, k]),
        unfold(out), because("inputs and bias are constants", linearity),
        because("both indices must agree", entry_rule), because("only $l = k$ remains", contract),
        title="a weight"),
    prove(d(out[u], bias[o]),
        differentiate(out),
        title="a bias", matrix=(Jacobian(out, bias), Diagonal(Ones(K)))),
    given=(any_widths,),
)

parameter_gradient = state(
    "Linear layer, RULE 3",
    "All data points share the weights, so their contributions add up: delta at the output times "
    "value at the input, summed over $i$.",
    prove(d(total_cost, W[u, k]),
        unfold(total_cost), because("RULE 3: every output of every data point", linearity),
        slope(rows),
        to(Σ(i, deltas_out[i, u] * Z[i, k]), CONTRACT,
            "only the output of this row, $v = u$, remains", parameter_jacobian),
        title="a weight", matrix=(Gradient(total_cost, W), Whole(deltas_out).T @ Whole(Z))),
    prove(d(total_cost, bias[u]),
        unfold(total_cost), because("RULE 3: every output of every data point", linearity),
        slope(rows), because("only $v = u$ remains", contract, parameter_jacobian),
        title="a bias", matrix=(Gradient(total_cost, bias), Whole(deltas_out).T @ Ones(N))),
    given=(any_widths, summed),
)

second_order = state(
    "Linear layer, second order",
    "Linear in the inputs and linear in the weights: only the second derivatives by a weight and "
    "an input are not all zero.",
    prove(d(out[u], z[k], z[l]),
        by(jacobian), because("weights do not depend on inputs", linearity),
        title="twice by inputs"),
    prove(d(out[u], W[o, k], W[c, l]),
        by(parameter_jacobian), because("inputs do not depend on weights", linearity),
        title="twice by weights"),
    prove(d(out[u], W[o, k], z[l]),
        by(parameter_jacobian), linearity, entry_rule,
        title="by a weight and an input"),
    given=(any_widths,),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("linear"))
