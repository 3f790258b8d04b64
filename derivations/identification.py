"""Which weights of the softmax model are equivalent, and how one of them is chosen."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import softmax
from derivations.notation import *
from derivations.softmax import NLL, NLL_pen, P, Z, cost_by_logits, fixed, one_class, softmax_of

# -- what changes nothing --------------------------------------------------------------------------

gamma = Definition("gamma", (i,), Σ(k, psi[k] * X[i, k]), r"\gamma")
z_moved = Definition("z'", (i, a), Σ(k, (W[a, k] + psi[k]) * X[i, k]), "z", superscript=r"\prime")
p_moved = softmax_of(z_moved, "p'", superscript=r"\prime")
Psi = Array("Psi", (K, n), r"\psi", r"\boldsymbol{\Psi}")
z_other = Definition("z''", (i, a), Σ(k, (W[a, k] + Psi[a, k]) * X[i, k]), "z",
    superscript=r"\prime\prime")
p_other = softmax_of(z_other, "p''", superscript=r"\prime\prime")

translation = state(
    "Translation",
    r"The same vector $\boldsymbol{\psi}$ added to the weights of every class changes no "
    r"probability. A vector $\boldsymbol{\psi}_a$ that depends on the class changes the log-odds "
    r"of two classes by $(\boldsymbol{\psi}_a - \boldsymbol{\psi}_b) \cdot \mathbf{x}_i$, which is "
    r"zero only at features that are orthogonal to $\boldsymbol{\psi}_a - \boldsymbol{\psi}_b$.",
    prove(p_moved[i, a],
        unfold(p_moved),
        to(exp(Z[i, a] + gamma[i]) / Σ(b, exp(Z[i, b] + gamma[i])), DEFINITION,
            r"all logits of a data point move by $\gamma_i = \sum_k \psi_k x_{ik}$"),
        to(P[i, a], DEFINITION, softmax.shift_invariance),
        title=r"probabilities at the weights $\mathbf{w}_a + \boldsymbol{\psi}$"),
    prove(log(p_other[i, a] / p_other[i, b]) - log(P[i, a] / P[i, b]),
        to(z_other[i, a] - z_other[i, b] - (Z[i, a] - Z[i, b]), DEFINITION,
            "log-odds are differences of logits"),
        unfold(z_other, Z),
        to(Σ(k, (Psi[a, k] - Psi[b, k]) * X[i, k]), "the weights cancel"),
        title=r"log-odds at the weights $\mathbf{w}_a + \boldsymbol{\psi}_a$"),
    given=(fixed,),
)

# -- codings ---------------------------------------------------------------------------------------

free_classes = Dimension("K-1", "de", 1, "classes whose weights are free")
e, f = Index("d", free_classes), Index("e", free_classes)  # rows of the free weights
coding_matrix = Array("coding", (K, free_classes), "m", r"\mathbf{M}")
B = Array("free", (free_classes, n), "v", r"\mathbf{V}")
z_coded = Definition("z_M", (i, a), Σ(e, coding_matrix[a, e] * Σ(k, B[e, k] * X[i, k])), "z")
p_coded = softmax_of(z_coded, "p_M", r"\mathbf{P}")
NLL_coded = cost_by_logits(z_coded, Y, "NLL_M", r"\operatorname{NLL}_{\mathbf{M}}")
gradient_inside = Σ(i, X[i, k] * (p_coded[i, a] - Y[i, a]))
hessian_inside = Σ(i, X[i, k] * X[i, l] * p_coded[i, a] * (δ(a, b) - p_coded[i, b]))
residuals = Whole(p_coded) - softmax.labels

any_coding = Hypothesis(
    r"$\mathbf{M}$ is any $K \times (K - 1)$ matrix of given numbers; $p_{ia}$ are the "
    r"probabilities at $\mathbf{W} = \mathbf{M} \mathbf{V}$.")

coding = state(
    "Weights in a coding",
    r"A coding writes the weights of $K$ classes by $K - 1$ free rows, $\mathbf{W} = \mathbf{M} "
    r"\mathbf{V}$, here in the NLL by its logits. The gradient by the free rows is "
    r"$\mathbf{M}^\top$ times the gradient by $\mathbf{W}$, and the Hessian is multiplied by "
    r"$\mathbf{M}$ on both sides.",
    prove(d(NLL_coded, B[e, k]),
        differentiate(NLL_coded),
        because("log-sum-exp has the probabilities as its gradient", fold(p_coded), softmax.nll,
            softmax.logsumexp_gradient),
        slope(z_coded), contract,
        to(Σ(a, coding_matrix[a, e] * gradient_inside),
            "exchange the sums: inside is the gradient by the weights", softmax.nll_gradient),
        title="gradient",
        matrix=(Gradient(NLL_coded, B), Whole(coding_matrix).T @ residuals.T @ design)),
    prove(d(Σ(a, coding_matrix[a, e] * gradient_inside), B[f, l]),
        linearity, differentiate(p_coded), fold(p_coded), slope(z_coded), contract,
        to(Σ(a, coding_matrix[a, e] * Σ(b, hessian_inside * coding_matrix[b, f])),
            "the labels are constants; inside is the Hessian by the weights", softmax.jacobian,
            softmax.nll_hessian),
        title="Hessian: the derivatives of the gradient"),
    given=(one_class, fixed, any_coding), level=ALL_SIZES,
)

r = Index("r", K)
reference = Definition("W_r", (r, a, k), W[a, k] - W[r, k], written="w^{{({0})}}_{{{1}{2}}}")
V = Array("V", (K, n), "v", r"\mathbf{V}")
G = Array("G", (K, n), "g", r"\mathbf{G}")
H = Array("H", (K, n, K, n), "H")
by_weights = Hypothesis(
    r"$\mathbf{G}$ and $H$ are any gradient and Hessian by $\mathbf{W}$, with the entries $g_{ak}$ "
    "and $h_{akcl}$.")
strike = δ(a, b) - δ(a, r) * δ(b, r)

reference_class = state(
    "Reference class",
    "Take the weights of one class $r$ off those of every class: $w^{(r)}_{ak} = w_{ak} - "
    "w_{rk}$. The row of the reference is then zero and $K - 1$ rows are free: each is the change "
    "of the log-odds against the reference. Equivalent weights lead to the same rows, so nothing "
    r"is left to choose. The coding is $m_{ab} = \delta_{ab} - \delta_{ar} \delta_{br}$, its empty "
    "column $r$ left out: the gradient by the free rows is that by the weights without row $r$.",
    prove(W[a, k] + psi[k] - (W[r, k] + psi[k]),
        because(r"$\psi_k$ cancels", collect, translation), fold(reference),
        at=(r, a, k), title="equivalent weights lead to the same rows"),
    prove(exp(Σ(k, reference[r, a, k] * X[i, k])) / Σ(b, exp(Σ(k, reference[r, b, k] * X[i, k]))),
        to(exp(Z[i, a] - Z[i, r]) / Σ(b, exp(Z[i, b] - Z[i, r])), DEFINITION,
            "all logits of a data point move by $-z_{ir}$"),
        to(P[i, a], DEFINITION, softmax.shift_invariance),
        at=(r, i, a), title="the same probabilities"),
    prove(reference[r, r, k], unfold(reference), collect, title="the row of the reference"),
    prove(log(P[i, a] / P[i, r]),
        to(Z[i, a] - Z[i, r], DEFINITION, "the denominators cancel"),
        to(Σ(k, reference[r, a, k] * X[i, k]), DEFINITION, "one sum over the features"),
        at=(r, i, a), title="what a row means"),
    prove(Σ(a, strike * G[a, k]),
        because("row $r$ is struck", contract, coding),
        at=(r, b, k), title=r"the gradient by the free rows, $\mathbf{M}^\top \mathbf{G}$"),
    given=(one_class, fixed, by_weights),
)

mean = Definition("mean", (k,), Σ(b, W[b, k]) / Size(K), r"\bar{w}")
centred = Definition("centred", (a, k), W[a, k] - mean[k], r"\tilde{w}")
opposite_ab = δ(a, b) - δ(a, r)
g = Index("f", K)
opposite_cg = δ(c, g) - δ(c, r)

sum_to_zero = state(
    "Sum to zero",
    r"Take the mean of the weights over the classes off those of every class: $\tilde{w}_{ak} = "
    r"w_{ak} - \bar{w}_k$. The log-odds and with them the probabilities stay. The rows then sum to "
    "zero, no class is treated apart, and of all equivalent weights these have the least norm. "
    "The coding whose rows other than $r$ are free, row $r$ being minus their sum, is $m_{ab} = "
    r"\delta_{ab} - \delta_{ar}$: gradient and Hessian are compared with those of row $r$.",
    prove(W[a, k] + psi[k] - Σ(b, W[b, k] + psi[k]) / Size(K),
        to(W[a, k] - Σ(b, W[b, k]) / Size(K), r"$\psi_k$ cancels", translation),
        fold(mean), fold(centred),
        title="equivalent weights lead to the same rows"),
    prove(log(P[i, a] / P[i, b]),
        to(Z[i, a] - Z[i, b], DEFINITION, "the denominators cancel"),
        to(Σ(k, (centred[a, k] - centred[b, k]) * X[i, k]), DEFINITION, r"$\bar{w}_k$ cancels"),
        title="the same log-odds of any two classes"),
    prove(Σ(a, centred[a, k]),
        unfold(centred), because(r"$\bar{w}_k = \frac{1}{K} \sum_b w_{bk}$", unfold(mean)), collect,
        title="their sum over the classes"),
    prove(Σ(a, (centred[a, k] + psi[k]) ** 2) - Σ(a, centred[a, k] ** 2),
        to(2 * psi[k] * Σ(a, centred[a, k]) + Size(K) * psi[k] ** 2, "expand the square"),
        to(Size(K) * psi[k] ** 2, DEFINITION, "the rows sum to zero"),
        sign(">=", "a square"),
        title="the least norm"),
    prove(reference[r, a, k] - Σ(b, reference[r, b, k]) / Size(K),
        unfold(reference),
        to(centred[a, k], DEFINITION, "$w_{rk}$ cancels", reference_class),
        title="from the rows of a reference class"),
    prove(centred[a, k] - centred[r, k],
        unfold(centred), because(r"$\bar{w}_k$ cancels", collected(reference)),
        at=(r, a, k), title="and back"),
    prove(Σ(a, Σ(b, opposite_ab * V[b, k])),
        to(Σ(a, V[a, k]) - Σ(b, V[b, k]), CONTRACT, "the deltas, one by one"),
        collect,
        at=(r, k), title=r"the rows of $\mathbf{M} \mathbf{V}$ sum to zero"),
    prove(Σ(a, opposite_ab * G[a, k]),
        because("the deltas, one by one", contract, coding),
        at=(r, b, k), title=r"the gradient by the free rows, $\mathbf{M}^\top \mathbf{G}$"),
    prove(Σ(a, opposite_ab * Σ(c, H[a, k, c, l] * opposite_cg)),
        to(Σ(a, opposite_ab * (H[a, k, g, l] - H[a, k, r, l])), CONTRACT, "the columns"),
        to(H[b, k, g, l] - H[b, k, r, l] - H[r, k, g, l] + H[r, k, r, l], CONTRACT, "the rows"),
        at=(r, b, k, g, l), title="the Hessian by the free rows"),
    given=(one_class, fixed, by_weights), level=ALL_SIZES,
)

# -- the penalty -----------------------------------------------------------------------------------

strength = Hypothesis(r"$\lambda > 0$.")

penalty_selects_sum_to_zero = state(
    "The penalty selects the sum to zero",
    "With a ridge penalty the weights of the minimiser sum to zero over the classes. The "
    "gradients of the NLL cancel in the sum over the classes and only the penalty is left, which "
    "is zero where the gradient is. The centred weights have the same NLL and no larger penalty.",
    prove(Σ(a, d(NLL_pen, W[a, k])),
        differentiate(NLL_pen), because("the gradient of the penalty", contract, softmax.penalised),
        to(Σ(a, d(NLL, W[a, k])) + lam * Σ(a, W[a, k]), "two sums"),
        by(softmax.gradients_sum_to_zero),
        title="zero at the minimiser"),
    prove(lam / 2 * Σ(k, Σ(a, W[a, k] ** 2)) - lam / 2 * Σ(k, Σ(a, centred[a, k] ** 2)),
        to(lam / 2 * Size(K) * Σ(k, mean[k] ** 2), DEFINITION, "expand the square", sum_to_zero),
        sign(">=", "squares with positive weights"),
        title="the penalty of equivalent weights"),
    given=(one_class, fixed, strength), level=ALL_SIZES,
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("identification"))
