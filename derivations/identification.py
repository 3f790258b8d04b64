"""Which weights of the softmax model are equivalent, and how one of them is chosen."""

from derivations import softmax
from derivations.language.matrices import Gradient, Whole
from derivations.language.moves import (
    because,
    by,
    chain_rule,
    collect,
    collected,
    contract,
    entry_rule,
    fold,
    linear,
    prove,
    slope,
    to,
    unfold,
)
from derivations.language.statement import (
    ALGEBRA,
    CONTRACT,
    DEFINITION,
    SIGN,
    Hypothesis,
    Statement,
)
from derivations.language.terms import Array, Definition, Dimension, Index, Size
from derivations.notation import (
    Σ,
    K,
    W,
    X,
    Y,
    a,
    b,
    c,
    d,
    design,
    exp,
    i,
    k,
    l,
    lam,
    log,
    n,
    psi,
    δ,
)
from derivations.softmax import NLL, NLL_pen, P, Z, fixed, one_class

# -- what changes nothing --------------------------------------------------------------------------

gamma = Definition("gamma", (i,), Σ(k, psi[k] * X[i, k]), r"\gamma")
z_moved = Definition("z'", (i, a), Σ(k, (W[a, k] + psi[k]) * X[i, k]), "z", superscript=r"\prime")
p_moved = Definition(
    "p'", (i, a), exp(z_moved[i, a]) / Σ(b, exp(z_moved[i, b])), "p", superscript=r"\prime"
)
Psi = Array("Psi", (K, n), r"\psi", r"\boldsymbol{\Psi}")
z_other = Definition(
    "z''", (i, a), Σ(k, (W[a, k] + Psi[a, k]) * X[i, k]), "z", superscript=r"\prime\prime"
)
p_other = Definition(
    "p''", (i, a), exp(z_other[i, a]) / Σ(b, exp(z_other[i, b])), "p", superscript=r"\prime\prime"
)

translation = Statement(
    "Translation",
    r"The same vector $\boldsymbol{\psi}$ added to the weights of every class changes no "
    r"probability. A vector $\boldsymbol{\psi}_a$ that depends on the class changes the log-odds "
    r"of two classes by $(\boldsymbol{\psi}_a - \boldsymbol{\psi}_b) \cdot \mathbf{x}_i$, which "
    r"is zero only at features that are orthogonal to $\boldsymbol{\psi}_a - \boldsymbol{\psi}_b$.",
    (
        prove(
            p_moved[i, a],
            unfold(p_moved),
            to(
                exp(Z[i, a] + gamma[i]) / Σ(b, exp(Z[i, b] + gamma[i])),
                DEFINITION,
                r"all logits of a data point move by $\gamma_i = \sum_k \psi_k x_{ik}$",
            ),
            to(P[i, a], DEFINITION, cites=softmax.shift_invariance),
            title=r"probabilities at the weights $\mathbf{w}_a + \boldsymbol{\psi}$",
        ),
        prove(
            log(p_other[i, a] / p_other[i, b]) - log(P[i, a] / P[i, b]),
            to(
                z_other[i, a] - z_other[i, b] - (Z[i, a] - Z[i, b]),
                DEFINITION,
                "log-odds are differences of logits",
            ),
            unfold(z_other, Z),
            to(Σ(k, (Psi[a, k] - Psi[b, k]) * X[i, k]), ALGEBRA, "the weights cancel"),
            title=r"log-odds at the weights $\mathbf{w}_a + \boldsymbol{\psi}_a$",
        ),
    ),
    (fixed,),
)

# -- codings ---------------------------------------------------------------------------------------

free_classes = Dimension("K-1", "de", 1, "classes whose weights are free")
e, f = Index("d", free_classes), Index("e", free_classes)  # rows of the free weights
M = Array("coding", (K, free_classes), "m", r"\mathbf{M}")
B = Array("free", (free_classes, n), "v", r"\mathbf{V}")
z_coded = Definition("z_M", (i, a), Σ(e, M[a, e] * Σ(k, B[e, k] * X[i, k])), "z")
p_coded = Definition(
    "p_M", (i, a), exp(z_coded[i, a]) / Σ(b, exp(z_coded[i, b])), "p", r"\mathbf{P}"
)
NLL_coded = Definition(
    "NLL_M",
    (),
    Σ(i, log(Σ(b, exp(z_coded[i, b]))) - Σ(b, Y[i, b] * z_coded[i, b])),
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
        prove(
            d(NLL_coded, B[e, k]),
            unfold(NLL_coded),
            linear,
            chain_rule,
            because(
                "log-sum-exp has the probabilities as its gradient",
                fold(p_coded),
                softmax.nll,
                softmax.logsumexp_gradient,
            ),
            slope(z_coded),
            contract,
            to(
                Σ(a, M[a, e] * Σ(i, X[i, k] * (p_coded[i, a] - Y[i, a]))),
                ALGEBRA,
                "exchange the sums: inside is the gradient by the weights",
                softmax.nll_gradient,
            ),
            title="gradient",
            matrix=(Gradient(NLL_coded, B), Whole(M).T @ residuals.T @ design),
        ),
        prove(
            d(Σ(a, M[a, e] * Σ(i, X[i, k] * (p_coded[i, a] - Y[i, a]))), B[f, l]),
            linear,
            unfold(p_coded),
            chain_rule,
            fold(p_coded),
            slope(z_coded),
            contract,
            to(
                Σ(
                    a,
                    M[a, e]
                    * Σ(
                        b,
                        Σ(i, X[i, k] * X[i, l] * p_coded[i, a] * (δ(a, b) - p_coded[i, b]))
                        * M[b, f],
                    ),
                ),
                ALGEBRA,
                "the labels are constants; inside is the Hessian by the weights",
                (softmax.jacobian, softmax.nll_hessian),
            ),
            title="Hessian: the derivatives of the gradient",
        ),
    ),
    (
        one_class,
        fixed,
        Hypothesis(
            r"$\mathbf{M}$ is any $K \times (K - 1)$ matrix of given numbers; $p_{ia}$ are the "
            r"probabilities at $\mathbf{W} = \mathbf{M} \mathbf{V}$."
        ),
    ),
)

r = Index("r", K)
reference = Definition("W_r", (r, a, k), W[a, k] - W[r, k], written="w^{{({0})}}_{{{1}{2}}}")
reference_logit = Σ(k, reference[r, a, k] * X[i, k])
V = Array("V", (K, n), "v", r"\mathbf{V}")
G = Array("G", (K, n), "g", r"\mathbf{G}")
H = Array("H", (K, n, K, n), "H")
by_weights = Hypothesis(
    r"$\mathbf{G}$ and $H$ are any gradient and Hessian by $\mathbf{W}$, with the entries $g_{ak}$ and "
    r"$h_{akcl}$."
)
strike = δ(a, b) - δ(a, r) * δ(b, r)

reference_class = Statement(
    "Reference class",
    "Take the weights of one class $r$ off those of every class: $w^{(r)}_{ak} = w_{ak} - "
    "w_{rk}$. The row of the reference is then zero and $K - 1$ rows are free: each is the "
    "change of the log-odds against the reference. Equivalent weights lead to the same rows, so "
    r"nothing is left to choose. The coding is $m_{ab} = \delta_{ab} - \delta_{ar} \delta_{br}$, "
    "its empty column $r$ left out: the gradient by the free rows is that by the weights without "
    "row $r$.",
    (
        prove(
            W[a, k] + psi[k] - (W[r, k] + psi[k]),
            to(W[a, k] - W[r, k], ALGEBRA, r"$\psi_k$ cancels", translation),
            fold(reference),
            at=(r, a, k),
            title="equivalent weights lead to the same rows",
        ),
        prove(
            exp(reference_logit) / Σ(b, exp(Σ(k, reference[r, b, k] * X[i, k]))),
            to(
                exp(Z[i, a] - Z[i, r]) / Σ(b, exp(Z[i, b] - Z[i, r])),
                DEFINITION,
                r"all logits of a data point move by $-z_{ir}$",
            ),
            to(P[i, a], DEFINITION, cites=softmax.shift_invariance),
            at=(r, i, a),
            title="the same probabilities",
        ),
        prove(reference[r, r, k], unfold(reference), collect, title="the row of the reference"),
        prove(
            log(P[i, a] / P[i, r]),
            to(Z[i, a] - Z[i, r], DEFINITION, "the denominators cancel"),
            to(Σ(k, reference[r, a, k] * X[i, k]), DEFINITION, "one sum over the features"),
            at=(r, i, a),
            title="what a row means",
        ),
        prove(
            Σ(a, strike * G[a, k]),
            to(G[b, k] - δ(b, r) * G[r, k], CONTRACT, "row $r$ is struck", coding),
            at=(r, b, k),
            title=r"the gradient by the free rows, $\mathbf{M}^\top \mathbf{G}$",
        ),
    ),
    (one_class, fixed, by_weights),
)

mean = Definition("mean", (k,), Σ(b, W[b, k]) / Size(K), r"\bar{w}")
centred = Definition("centred", (a, k), W[a, k] - mean[k], r"\tilde{w}")
opposite_ab = δ(a, b) - δ(a, r)
g = Index("f", K)
opposite_cg = δ(c, g) - δ(c, r)

sum_to_zero = Statement(
    "Sum to zero",
    r"Take the mean of the weights over the classes off those of every class: $\tilde{w}_{ak} = "
    r"w_{ak} - \bar{w}_k$. The log-odds and with them the probabilities stay. The rows then sum "
    "to zero, no class is treated apart, and of all equivalent weights these have the least "
    "norm. The coding whose rows other than $r$ are free, row $r$ being minus their sum, is "
    r"$m_{ab} = \delta_{ab} - \delta_{ar}$: gradient and Hessian are compared with those of row "
    "$r$.",
    (
        prove(
            W[a, k] + psi[k] - Σ(b, W[b, k] + psi[k]) / Size(K),
            to(W[a, k] - Σ(b, W[b, k]) / Size(K), ALGEBRA, r"$\psi_k$ cancels", translation),
            fold(mean),
            fold(centred),
            title="equivalent weights lead to the same rows",
        ),
        prove(
            log(P[i, a] / P[i, b]),
            to(Z[i, a] - Z[i, b], DEFINITION, "the denominators cancel"),
            to(Σ(k, (centred[a, k] - centred[b, k]) * X[i, k]), DEFINITION, r"$\bar{w}_k$ cancels"),
            title="the same log-odds of any two classes",
        ),
        prove(
            Σ(a, centred[a, k]),
            unfold(centred),
            because(r"$\bar{w}_k = \frac{1}{K} \sum_b w_{bk}$", unfold(mean)),
            collect,
            title="their sum over the classes",
        ),
        prove(
            Σ(a, (centred[a, k] + psi[k]) ** 2) - Σ(a, centred[a, k] ** 2),
            to(
                2 * psi[k] * Σ(a, centred[a, k]) + Size(K) * psi[k] ** 2,
                ALGEBRA,
                "expand the square",
            ),
            to(Size(K) * psi[k] ** 2, DEFINITION, "the rows sum to zero"),
            to(0, SIGN, "a square", relation=">="),
            title="the least norm",
        ),
        prove(
            reference[r, a, k] - Σ(b, reference[r, b, k]) / Size(K),
            unfold(reference),
            to(centred[a, k], DEFINITION, r"$w_{rk}$ cancels", reference_class),
            title="from the rows of a reference class",
        ),
        prove(
            centred[a, k] - centred[r, k],
            unfold(centred),
            because(r"$\bar{w}_k$ cancels", collected(reference)),
            at=(r, a, k),
            title="and back",
        ),
        prove(
            Σ(a, Σ(b, opposite_ab * V[b, k])),
            to(Σ(a, V[a, k]) - Σ(b, V[b, k]), CONTRACT, "the deltas, one by one"),
            collect,
            at=(r, k),
            title=r"the rows of $\mathbf{M} \mathbf{V}$ sum to zero",
        ),
        prove(
            Σ(a, opposite_ab * G[a, k]),
            to(G[b, k] - G[r, k], CONTRACT, "the deltas, one by one", coding),
            at=(r, b, k),
            title=r"the gradient by the free rows, $\mathbf{M}^\top \mathbf{G}$",
        ),
        prove(
            Σ(a, opposite_ab * Σ(c, H[a, k, c, l] * opposite_cg)),
            to(Σ(a, opposite_ab * (H[a, k, g, l] - H[a, k, r, l])), CONTRACT, "the columns"),
            to(H[b, k, g, l] - H[b, k, r, l] - H[r, k, g, l] + H[r, k, r, l], CONTRACT, "the rows"),
            at=(r, b, k, g, l),
            title="the Hessian by the free rows",
        ),
    ),
    (one_class, fixed, by_weights),
)

# -- the penalty -----------------------------------------------------------------------------------

penalty_selects_sum_to_zero = Statement(
    "The penalty selects the sum to zero",
    "With a ridge penalty the weights of the minimiser sum to zero over the classes. The "
    "gradients of the NLL cancel in the sum over the classes and only the penalty is left, which "
    "is zero where the gradient is. The centred weights have the same NLL and no larger penalty.",
    (
        prove(
            Σ(a, d(NLL_pen, W[a, k])),
            unfold(NLL_pen),
            linear,
            chain_rule,
            entry_rule,
            because("the gradient of the penalty", contract, softmax.penalised),
            to(Σ(a, d(NLL, W[a, k])) + lam * Σ(a, W[a, k]), ALGEBRA, "two sums"),
            by(softmax.gradients_sum_to_zero),
            title="zero at the minimiser",
        ),
        prove(
            lam / 2 * Σ(k, Σ(a, W[a, k] ** 2)) - lam / 2 * Σ(k, Σ(a, centred[a, k] ** 2)),
            to(
                lam / 2 * Size(K) * Σ(k, mean[k] ** 2), DEFINITION, "expand the square", sum_to_zero
            ),
            to(0, SIGN, "squares with positive weights", relation=">="),
            title="the penalty of equivalent weights",
        ),
    ),
    (one_class, fixed, Hypothesis(r"$\lambda > 0$.")),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("identification"))
