"""The linear layer: weighted sums of its inputs, with or without a bias; RULES 1 to 3."""

from derivations.language.matrices import Diagonal, Gradient, Jacobian, Ones, Whole
from derivations.language.statement import (
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LINEARITY,
    Chain,
    Hypothesis,
    Statement,
    Step,
)
from derivations.language.terms import Array, D, Definition, Delta, Index, total
from derivations.notation import K, N, W, c, i, k, l, n

u, o = Index("u", K), Index("v", K)  # two outputs

# -- one data point --------------------------------------------------------------------------------

z = Array("z", (n,), "z", r"\mathbf{z}")
b = Array("b", (K,), "b", r"\mathbf{b}")
delta_out = Array("delta'", (K,), r"\delta'", r"\boldsymbol{\delta}'")
out = Definition("z'", (u,), total(k, W[u, k] * z[k]) + b[u], "z'", r"\mathbf{z}'")
plain = Definition("z0'", (u,), total(k, W[u, k] * z[k]), "z'", r"\mathbf{z}'")
cost = Definition("C", (), total(u, delta_out[u] * out[u]), "C")()

# -- all data points, as rows ----------------------------------------------------------------------

Z = Array("Z", (N, n), "z", r"\mathbf{Z}")
deltas_out = Array("delta'", (N, K), r"\delta'", r"\boldsymbol{\Delta}'")
rows = Definition("Z'", (i, u), total(k, W[u, k] * Z[i, k]) + b[u], "z'", r"\mathbf{Z}'")
total_cost = Definition("C", (), total(i, total(u, deltas_out[i, u] * rows[i, u])), "C")()

any_widths = Hypothesis(
    r"Any numbers $n$ of inputs and $K$ of outputs; $\mathbf{W}$ is $K \times n$."
)
to_first_order = Hypothesis(
    r"The deltas $\delta'$ at the output are given numbers. $C = \sum_u \delta'_u z'_u$ has "
    r"exactly these deltas, $\partial C / \partial z'_u = \delta'_u$; it is any cost, to first "
    r"order."
)
summed = Hypothesis(
    r"The deltas $\delta'_{iu}$ at the output are given numbers, and the parameters are the same "
    r"for every data point: $C = \sum_i \sum_u \delta'_{iu} z'_{iu}$ has $\partial C / \partial "
    r"z'_{iu} = \delta'_{iu}$."
)

forward = Statement(
    "Linear layer, RULE 1",
    r"Row $u$ of $\mathbf{W}$ belongs to output $u$. With data points as rows the layer "
    r"multiplies by $\mathbf{W}^\top$ from the right; without a bias, $b_u = 0$.",
    (
        Chain(
            rows[i, u],
            (
                Step(
                    total(k, Z[i, k] * W[u, k]) + b[u],
                    DEFINITION,
                    r"row $i$ of $\mathbf{Z}$ times column $u$ of $\mathbf{W}^\top$",
                ),
            ),
            at=(i, u),
            matrix=(Whole(rows), Whole(Z) @ Whole(W).T + Ones(N) @ Whole(b).T),
        ),
    ),
    (any_widths,),
)

jacobian = Statement(
    "Jacobian of the linear layer",
    "The weights themselves, the same at every input; a bias changes nothing.",
    (
        Chain(
            D(out[u], z[k]),
            (
                Step(D(total(l, W[u, l] * z[l]) + b[u], z[k]), DEFINITION),
                Step(
                    total(l, W[u, l] * D(z[l], z[k])),
                    LINEARITY,
                    "weights and bias are constants",
                ),
                Step(total(l, W[u, l] * Delta(l, k)), DIFFERENTIATE, "an entry by an entry"),
                Step(W[u, k], CONTRACT, "only $l = k$ remains"),
            ),
            at=(u, k),
            title="with a bias",
            matrix=(Jacobian(out, z), Whole(W)),
        ),
        Chain(
            D(plain[u], z[k]),
            (
                Step(D(total(l, W[u, l] * z[l]), z[k]), DEFINITION),
                Step(total(l, W[u, l] * Delta(l, k)), DIFFERENTIATE, "an entry by an entry"),
                Step(W[u, k], CONTRACT, "only $l = k$ remains"),
            ),
            at=(u, k),
            title="without",
            matrix=(Jacobian(plain, z), Whole(W)),
        ),
    ),
    (any_widths,),
)

backward = Statement(
    "Linear layer, RULE 2",
    r"Going up, $\mathbf{W}$ sums over the inputs; coming down, its transpose sums over the "
    r"outputs.",
    (
        Chain(
            D(cost, z[k]),
            (
                Step(D(total(u, delta_out[u] * out[u]), z[k]), DEFINITION),
                Step(
                    total(u, delta_out[u] * D(out[u], z[k])),
                    LINEARITY,
                    "RULE 2: every output that the input reaches",
                ),
                Step(total(u, delta_out[u] * W[u, k]), DIFFERENTIATE, cites=(jacobian,)),
            ),
            at=(k,),
            matrix=(Gradient(cost, z), Whole(W).T @ Whole(delta_out)),
        ),
    ),
    (any_widths, to_first_order),
)

parameter_jacobian = Statement(
    "Linear layer, derivatives by its parameters",
    "An output depends on its own row of weights and on its own bias alone.",
    (
        Chain(
            D(out[u], W[o, k]),
            (
                Step(D(total(l, W[u, l] * z[l]) + b[u], W[o, k]), DEFINITION),
                Step(
                    total(l, D(W[u, l], W[o, k]) * z[l]),
                    LINEARITY,
                    "inputs and bias are constants",
                ),
                Step(
                    total(l, Delta(u, o) * Delta(l, k) * z[l]),
                    DIFFERENTIATE,
                    "both indices must agree",
                ),
                Step(Delta(u, o) * z[k], CONTRACT, "only $l = k$ remains"),
            ),
            at=(u, o, k),
            title="a weight",
        ),
        Chain(
            D(out[u], b[o]),
            (
                Step(D(total(l, W[u, l] * z[l]) + b[u], b[o]), DEFINITION),
                Step(Delta(u, o), DIFFERENTIATE, "an entry by an entry"),
            ),
            at=(u, o),
            title="a bias",
            matrix=(Jacobian(out, b), Diagonal(Ones(K))),
        ),
    ),
    (any_widths,),
)

parameter_gradient = Statement(
    "Linear layer, RULE 3",
    r"All data points share the weights, so their contributions add up: delta at the output times "
    r"value at the input, summed over $i$.",
    (
        Chain(
            D(total_cost, W[u, k]),
            (
                Step(D(total(i, total(o, deltas_out[i, o] * rows[i, o])), W[u, k]), DEFINITION),
                Step(
                    total(i, total(o, deltas_out[i, o] * D(rows[i, o], W[u, k]))),
                    LINEARITY,
                    "RULE 3: every output of every data point",
                ),
                Step(
                    total(i, total(o, deltas_out[i, o] * (Delta(o, u) * Z[i, k]))),
                    DIFFERENTIATE,
                    cites=(parameter_jacobian,),
                ),
                Step(
                    total(i, deltas_out[i, u] * Z[i, k]),
                    CONTRACT,
                    "only the output of this row, $v = u$, remains",
                ),
            ),
            at=(u, k),
            title="a weight",
            matrix=(Gradient(total_cost, W), Whole(deltas_out).T @ Whole(Z)),
        ),
        Chain(
            D(total_cost, b[u]),
            (
                Step(
                    total(i, total(o, deltas_out[i, o] * D(rows[i, o], b[u]))),
                    DIFFERENTIATE,
                    "RULE 3: every output of every data point",
                ),
                Step(
                    total(i, total(o, deltas_out[i, o] * Delta(o, u))),
                    DIFFERENTIATE,
                    cites=(parameter_jacobian,),
                ),
                Step(total(i, deltas_out[i, u]), CONTRACT, "only $v = u$ remains"),
            ),
            at=(u,),
            title="a bias",
            matrix=(Gradient(total_cost, b), Whole(deltas_out).T @ Ones(N)),
        ),
    ),
    (any_widths, summed),
)

second_order = Statement(
    "Linear layer, second order",
    "Linear in the inputs and linear in the weights: only the second derivatives by a weight and an "
    "input are not all zero.",
    (
        Chain(
            D(D(out[u], z[k]), z[l]),
            (
                Step(D(W[u, k], z[l]), DIFFERENTIATE, cites=(jacobian,)),
                Step(0, DIFFERENTIATE, "weights do not depend on inputs"),
            ),
            at=(u, k, l),
            title="twice by inputs",
        ),
        Chain(
            D(D(out[u], W[o, k]), W[c, l]),
            (
                Step(D(Delta(u, o) * z[k], W[c, l]), DIFFERENTIATE, cites=(parameter_jacobian,)),
                Step(0, DIFFERENTIATE, "inputs do not depend on weights"),
            ),
            at=(u, o, k, c, l),
            title="twice by weights",
        ),
        Chain(
            D(D(out[u], W[o, k]), z[l]),
            (
                Step(D(Delta(u, o) * z[k], z[l]), DIFFERENTIATE, cites=(parameter_jacobian,)),
                Step(Delta(u, o) * Delta(k, l), DIFFERENTIATE, "an entry by an entry"),
            ),
            at=(u, o, k, l),
            title="by a weight and an input",
        ),
    ),
    (any_widths,),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("linear"))
