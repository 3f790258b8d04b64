"""The cost layer: the negative log-likelihood of the labels, given log-probabilities."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.notation import *

u, o = Index("u", K), Index("v", K)  # two classes

z = Array("z", (N, K), "z", r"\mathbf{Z}")
cost = Definition("C", (), -Σ(i, Σ(u, Y[i, u] * z[i, u])), "C")
out = cost()
delta_out = scalar("delta'", r"\delta'")

any_labels = Hypothesis(
    "$[y_i = u]$ is 1 for the label of data point $i$ and 0 for the other classes. Nothing of "
    "this is used: any numbers may stand there, such as probabilities (soft labels).")

forward = define(
    "NLL layer, RULE 1",
    "Minus the log-probabilities of the labels, added over the data points. The output is one "
    "number, the cost; it is a sum and not a mean.",
    cost, given=(any_labels,),
)

jacobian = state(
    "Jacobian of the NLL layer",
    "Minus one at the label of each data point, zero elsewhere, whatever the log-probabilities "
    "are.",
    prove(d(out, z[i, u]), differentiate(cost), contract, matrix=(Gradient(out, z), -Whole(Y))),
    given=(any_labels,),
)

backward = state(
    "NLL layer, RULE 2",
    "One delta comes in, and every log-probability gets it with the sign of its label. At the "
    r"start of a backward pass $\delta' = 1$.",
    prove(delta_out * d(out, z[i, u]),
        by(jacobian),
        matrix=(delta_out * Gradient(out, z), -(delta_out * Whole(Y)))),
    given=(any_labels,),
)

second_order = state(
    "NLL layer, second order",
    "The cost is linear in the log-probabilities: all its curvature comes from the layers below.",
    prove(d(out, z[i, u], z[j, o]), by(jacobian), because("the labels are constants", linearity)),
    given=(any_labels,),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("nll"))
