"""The cost layer: the negative log-likelihood of the labels, given log-probabilities."""

from derivations.language.matrices import Gradient, Whole
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
from derivations.language.terms import Array, D, Definition, Delta, Index, scalar, total
from derivations.notation import K, N, Y, i, j

u, o = Index("u", K), Index("v", K)  # two classes

z = Array("z", (N, K), "z", r"\mathbf{Z}")
cost = Definition("C", (), -total(i, total(u, Y[i, u] * z[i, u])), "C")
out = cost()
delta_out = scalar("delta'", r"\delta'")

any_labels = Hypothesis(
    r"$[y_i = u]$ is 1 for the label of data point $i$ and 0 for the other classes. Nothing of "
    r"this is used: any numbers may stand there, such as probabilities (soft labels)."
)

forward = Statement(
    "NLL layer, RULE 1",
    r"Minus the log-probabilities of the labels, added over the data points. The output is one "
    r"number, the cost; it is a sum and not a mean.",
    given=(any_labels,),
    defines=(cost,),
)

jacobian = Statement(
    "Jacobian of the NLL layer",
    "Minus one at the label of each data point, zero elsewhere, whatever the log-probabilities "
    "are.",
    (
        Chain(
            D(out, z[i, u]),
            (
                Step(D(-total(j, total(o, Y[j, o] * z[j, o])), z[i, u]), DEFINITION),
                Step(
                    -total(j, total(o, Y[j, o] * D(z[j, o], z[i, u]))),
                    LINEARITY,
                    "the labels are constants",
                ),
                Step(
                    -total(j, total(o, Y[j, o] * (Delta(j, i) * Delta(o, u)))),
                    DIFFERENTIATE,
                    "an entry by an entry",
                ),
                Step(-Y[i, u], CONTRACT, "only $j = i$ and $v = u$ remain"),
            ),
            at=(i, u),
            matrix=(Gradient(out, z), -Whole(Y)),
        ),
    ),
    (any_labels,),
)

backward = Statement(
    "NLL layer, RULE 2",
    r"One delta comes in, and every log-probability gets it with the sign of its label. At the "
    r"start of a backward pass $\delta' = 1$.",
    (
        Chain(
            delta_out * D(out, z[i, u]),
            (Step(-(delta_out * Y[i, u]), DIFFERENTIATE, cites=(jacobian,)),),
            at=(i, u),
            matrix=(delta_out * Gradient(out, z), -(delta_out * Whole(Y))),
        ),
    ),
    (any_labels,),
)

second_order = Statement(
    "NLL layer, second order",
    "The cost is linear in the log-probabilities: all its curvature comes from the layers below.",
    (
        Chain(
            D(D(out, z[i, u]), z[j, o]),
            (
                Step(D(-Y[i, u], z[j, o]), DIFFERENTIATE, cites=(jacobian,)),
                Step(0, DIFFERENTIATE, "the labels are constants"),
            ),
            at=(i, u, j, o),
        ),
    ),
    (any_labels,),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("nll"))
