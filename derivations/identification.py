"""Which weights of the softmax model are equivalent, and how one of them is chosen."""

from derivations import softmax
from derivations.language.matrices import Gradient, Whole
from derivations.language.statement import (
    ALGEBRA,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
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
    Dimension,
    Index,
    Size,
    exp,
    log,
    total,
)
from derivations.notation import K, W, X, Y, a, b, c, design, i, k, l, lam, n, psi
from derivations.softmax import NLL, NLL_pen, P, Z, fixed, one_class

# -- what changes nothing --------------------------------------------------------------------------

gamma = Definition("gamma", (i,), total(k, psi[k] * X[i, k]), r"\gamma")
z_moved = Definition(
    "z'", (i, a), total(k, (W[a, k] + psi[k]) * X[i, k]), "z", superscript=r"\prime"
)
p_moved = Definition(
    "p'", (i, a), exp(z_moved[i, a]) / total(b, exp(z_moved[i, b])), "p", superscript=r"\prime"
)
Psi = Array("Psi", (K, n), r"\psi", r"\boldsymbol{\Psi}")
z_other = Definition(
    "z''", (i, a), total(k, (W[a, k] + Psi[a, k]) * X[i, k]), "z", superscript=r"\prime\prime"
)
p_other = Definition(
    "p''",
    (i, a),
    exp(z_other[i, a]) / total(b, exp(z_other[i, b])),
    "p",
    superscript=r"\prime\prime",
)

translation = Statement(
    "Translation",
    r"The same vector $\boldsymbol{\psi}$ added to the weights of every class changes no "
    r"probability. A vector $\boldsymbol{\psi}_a$ that depends on the class changes the log-odds "
    r"of two classes by $(\boldsymbol{\psi}_a - \boldsymbol{\psi}_b) \cdot \mathbf{x}_i$, which "
    "is zero for all features only when the vectors are equal.",
    (
        Chain(
            p_moved[i, a],
            (
                Step(exp(z_moved[i, a]) / total(b, exp(z_moved[i, b])), DEFINITION),
                Step(
                    exp(Z[i, a] + gamma[i]) / total(b, exp(Z[i, b] + gamma[i])),
                    DEFINITION,
                    r"all logits of a data point move by $\gamma_i = \sum_k \psi_k x_{ik}$",
                ),
                Step(P[i, a], DEFINITION, cites=(softmax.shift_invariance,)),
            ),
            at=(i, a),
            title=r"weights $\mathbf{w}_a + \boldsymbol{\psi}$",
        ),
        Chain(
            log(p_other[i, a] / p_other[i, b]) - log(P[i, a] / P[i, b]),
            (
                Step(
                    z_other[i, a] - z_other[i, b] - (Z[i, a] - Z[i, b]),
                    DEFINITION,
                    "log-odds are differences of logits",
                ),
                Step(total(k, (Psi[a, k] - Psi[b, k]) * X[i, k]), DEFINITION, "the weights cancel"),
            ),
            at=(i, a, b),
            title=r"weights $\mathbf{w}_a + \boldsymbol{\psi}_a$",
        ),
    ),
    (fixed,),
)

# -- codings ---------------------------------------------------------------------------------------

free_classes = Dimension("K-1", "de", 1, "classes whose weights are free")
d, e = Index("d", free_classes), Index("e", free_classes)
M = Array("coding", (K, free_classes), "m", r"\mathbf{M}")
B = Array("free", (free_classes, n), "v", r"\mathbf{V}")
z_coded = Definition("z_M", (i, a), total(d, M[a, d] * total(k, B[d, k] * X[i, k])), "z")
p_coded = Definition(
    "p_M", (i, a), exp(z_coded[i, a]) / total(b, exp(z_coded[i, b])), "p", r"\mathbf{P}"
)
NLL_coded = Definition(
    "NLL_M",
    (),
    total(i, log(total(b, exp(z_coded[i, b]))) - total(b, Y[i, b] * z_coded[i, b])),
    r"\operatorname{NLL}_{\mathbf{M}}",
)()
residuals = Whole(p_coded) - softmax.labels

coding = Statement(
    "Weights in a coding",
    r"A coding writes the weights of $K$ classes by $K - 1$ free rows, $\mathbf{W} = \mathbf{M} "
    r"\mathbf{V}$, here in the NLL by its logits. The gradient by the free rows is "
    r"$\mathbf{M}^\top$ times the gradient by $\mathbf{W}$, and the Hessian is multiplied by "
    r"$\mathbf{M}$ on both sides.",
    (
        Chain(
            D(NLL_coded, B[d, k]),
            (
                Step(
                    total(i, total(a, (p_coded[i, a] - Y[i, a]) * D(z_coded[i, a], B[d, k]))),
                    DIFFERENTIATE,
                    "log-sum-exp has the probabilities as its gradient",
                    cites=(softmax.nll, softmax.logsumexp_gradient),
                ),
                Step(
                    total(i, total(a, (p_coded[i, a] - Y[i, a]) * (M[a, d] * X[i, k]))),
                    DIFFERENTIATE,
                    r"$\partial z_{ia} / \partial v_{dk} = m_{ad} x_{ik}$",
                ),
                Step(
                    total(a, M[a, d] * total(i, X[i, k] * (p_coded[i, a] - Y[i, a]))),
                    ALGEBRA,
                    "exchange the sums: inside is the gradient by the weights",
                    cites=(softmax.nll_gradient,),
                ),
            ),
            at=(d, k),
            title="gradient",
            matrix=(Gradient(NLL_coded, B), Whole(M).T @ residuals.T @ design),
        ),
        Chain(
            D(total(a, M[a, d] * total(i, X[i, k] * (p_coded[i, a] - Y[i, a]))), B[e, l]),
            (
                Step(
                    total(
                        a,
                        M[a, d]
                        * total(
                            b,
                            total(
                                i,
                                X[i, k] * X[i, l] * p_coded[i, a] * (Delta(a, b) - p_coded[i, b]),
                            )
                            * M[b, e],
                        ),
                    ),
                    DIFFERENTIATE,
                    "the labels are constants; inside is the Hessian by the weights",
                    cites=(softmax.jacobian, softmax.nll_hessian),
                ),
            ),
            at=(d, k, e, l),
            title="Hessian: the derivatives of the gradient",
        ),
    ),
    (one_class, fixed),
)

r = Index("r", K)
reference = Definition("W_r", (r, a, k), W[a, k] - W[r, k], written="w^{{({0})}}_{{{1}{2}}}")
reference_logit = total(k, reference[r, a, k] * X[i, k])
V = Array("V", (K, n), "v", r"\mathbf{V}")
G = Array("G", (K, n), "g", r"\mathbf{G}")
H = Array("H", (K, n, K, n), "H")
strike = Delta(a, b) - Delta(a, r) * Delta(b, r)

reference_class = Statement(
    "Reference class",
    "Take the weights of one class $r$ off those of every class: $w^{(r)}_{ak} = w_{ak} - "
    "w_{rk}$. The row of the reference is then zero and $K - 1$ rows are free: each is the "
    "change of the log-odds against the reference. Equivalent weights lead to the same rows, so "
    r"nothing is left to choose. The coding is $m_{ab} = \delta_{ab} - \delta_{ar} \delta_{br}$, "
    "its empty column $r$ left out: the gradient by the free rows is that by the weights without "
    "row $r$.",
    (
        Chain(
            W[a, k] + psi[k] - (W[r, k] + psi[k]),
            (
                Step(W[a, k] - W[r, k], ALGEBRA, r"$\psi_k$ cancels", cites=(translation,)),
                Step(reference[r, a, k], DEFINITION),
            ),
            at=(r, a, k),
            title="equivalent weights lead to the same rows",
        ),
        Chain(
            exp(reference_logit) / total(b, exp(total(k, reference[r, b, k] * X[i, k]))),
            (
                Step(
                    exp(Z[i, a] - Z[i, r]) / total(b, exp(Z[i, b] - Z[i, r])),
                    DEFINITION,
                    r"all logits of a data point move by $-z_{ir}$",
                ),
                Step(P[i, a], DEFINITION, cites=(softmax.shift_invariance,)),
            ),
            at=(r, i, a),
            title="the same probabilities",
        ),
        Chain(
            reference[r, r, k],
            (Step(W[r, k] - W[r, k], DEFINITION), Step(0, ALGEBRA)),
            at=(r, k),
            title="the row of the reference",
        ),
        Chain(
            log(P[i, a] / P[i, r]),
            (
                Step(Z[i, a] - Z[i, r], DEFINITION, "the denominators cancel"),
                Step(
                    total(k, reference[r, a, k] * X[i, k]),
                    DEFINITION,
                    "one sum over the features",
                ),
            ),
            at=(r, i, a),
            title="what a row means",
        ),
        Chain(
            total(a, strike * G[a, k]),
            (Step(G[b, k] - Delta(b, r) * G[r, k], CONTRACT, "row $r$ is struck", (coding,)),),
            at=(r, b, k),
            title=r"the gradient by the free rows, $\mathbf{M}^\top \mathbf{G}$",
        ),
    ),
    (fixed,),
)

mean = Definition("mean", (k,), total(b, W[b, k]) / Size(K), r"\bar{w}")
centred = Definition("centred", (a, k), W[a, k] - mean[k], r"\tilde{w}")
opposite_ab = Delta(a, b) - Delta(a, r)
f = Index("f", K)
opposite_cf = Delta(c, f) - Delta(c, r)

sum_to_zero = Statement(
    "Sum to zero",
    r"Take the mean of the weights over the classes off those of every class: $\tilde{w}_{ak} = "
    r"w_{ak} - \bar{w}_k$. The log-odds and with them the probabilities stay. The rows then sum "
    "to zero, no class is treated apart, and of all equivalent weights these have the least "
    "norm. The coding whose rows other than $r$ are free, row $r$ being minus their sum, is "
    r"$m_{ab} = \delta_{ab} - \delta_{ar}$: gradient and Hessian are compared with those of row "
    "$r$.",
    (
        Chain(
            W[a, k] + psi[k] - total(b, W[b, k] + psi[k]) / Size(K),
            (
                Step(
                    W[a, k] - total(b, W[b, k]) / Size(K),
                    ALGEBRA,
                    r"$\psi_k$ cancels",
                    cites=(translation,),
                ),
                Step(centred[a, k], DEFINITION),
            ),
            at=(a, k),
            title="equivalent weights lead to the same rows",
        ),
        Chain(
            log(P[i, a] / P[i, b]),
            (
                Step(Z[i, a] - Z[i, b], DEFINITION, "the denominators cancel"),
                Step(
                    total(k, (centred[a, k] - centred[b, k]) * X[i, k]),
                    DEFINITION,
                    r"$\bar{w}_k$ cancels",
                ),
            ),
            at=(i, a, b),
            title="the same log-odds of any two classes",
        ),
        Chain(
            total(a, centred[a, k]),
            (
                Step(total(a, W[a, k] - mean[k]), DEFINITION),
                Step(total(a, W[a, k]) - Size(K) * mean[k], ALGEBRA, "two sums"),
                Step(0, DEFINITION, r"$\bar{w}_k = \frac{1}{K} \sum_b w_{bk}$"),
            ),
            at=(k,),
            title="their sum over the classes",
        ),
        Chain(
            total(a, (centred[a, k] + psi[k]) ** 2) - total(a, centred[a, k] ** 2),
            (
                Step(
                    2 * psi[k] * total(a, centred[a, k]) + Size(K) * psi[k] ** 2,
                    ALGEBRA,
                    "expand the square",
                ),
                Step(Size(K) * psi[k] ** 2, DEFINITION, "the rows sum to zero"),
                Step(0, SIGN, "a square", relation=">="),
            ),
            at=(k,),
            title="the least norm",
        ),
        Chain(
            reference[r, a, k] - total(b, reference[r, b, k]) / Size(K),
            (
                Step(
                    W[a, k] - W[r, k] - (total(b, W[b, k]) - Size(K) * W[r, k]) / Size(K),
                    DEFINITION,
                ),
                Step(centred[a, k], DEFINITION, r"$w_{rk}$ cancels", cites=(reference_class,)),
            ),
            at=(r, a, k),
            title="from the rows of a reference class",
        ),
        Chain(
            centred[a, k] - centred[r, k],
            (
                Step(W[a, k] - mean[k] - (W[r, k] - mean[k]), DEFINITION),
                Step(reference[r, a, k], DEFINITION, r"$\bar{w}_k$ cancels"),
            ),
            at=(r, a, k),
            title="and back",
        ),
        Chain(
            total(a, total(b, opposite_ab * V[b, k])),
            (
                Step(total(a, V[a, k]) - total(b, V[b, k]), CONTRACT, "the deltas, one by one"),
                Step(0, ALGEBRA),
            ),
            at=(r, k),
            title=r"the rows of $\mathbf{M} \mathbf{V}$ sum to zero",
        ),
        Chain(
            total(a, opposite_ab * G[a, k]),
            (Step(G[b, k] - G[r, k], CONTRACT, "the deltas, one by one", (coding,)),),
            at=(r, b, k),
            title=r"the gradient by the free rows, $\mathbf{M}^\top \mathbf{G}$",
        ),
        Chain(
            total(a, opposite_ab * total(c, H[a, k, c, l] * opposite_cf)),
            (
                Step(
                    total(a, opposite_ab * (H[a, k, f, l] - H[a, k, r, l])),
                    CONTRACT,
                    "the columns",
                ),
                Step(
                    H[b, k, f, l] - H[b, k, r, l] - H[r, k, f, l] + H[r, k, r, l],
                    CONTRACT,
                    "the rows",
                ),
            ),
            at=(r, b, k, f, l),
            title="the Hessian by the free rows",
        ),
    ),
    (fixed,),
)

# -- the penalty -----------------------------------------------------------------------------------

penalty_selects_sum_to_zero = Statement(
    "The penalty selects the sum to zero",
    "With a ridge penalty the weights of the minimiser sum to zero over the classes. The "
    "gradients of the NLL cancel in the sum over the classes and only the penalty is left, which "
    "is zero where the gradient is. The centred weights have the same NLL and a smaller penalty.",
    (
        Chain(
            total(a, D(NLL_pen, W[a, k])),
            (
                Step(
                    total(a, D(NLL, W[a, k])) + total(a, lam * W[a, k]),
                    DIFFERENTIATE,
                    "the gradient of the penalty",
                    cites=(softmax.penalised,),
                ),
                Step(
                    lam * total(a, W[a, k]),
                    ALGEBRA,
                    cites=(softmax.gradients_sum_to_zero,),
                ),
            ),
            at=(k,),
            title="zero at the minimiser",
        ),
        Chain(
            lam / 2 * total(k, total(a, W[a, k] ** 2))
            - lam / 2 * total(k, total(a, centred[a, k] ** 2)),
            (
                Step(
                    lam / 2 * Size(K) * total(k, mean[k] ** 2),
                    DEFINITION,
                    "expand the square",
                    cites=(sum_to_zero,),
                ),
                Step(0, SIGN, "squares with positive weights", relation=">="),
            ),
            title="the penalty of equivalent weights",
        ),
    ),
    (one_class, fixed, Hypothesis(r"$\lambda > 0$.")),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("identification"))
