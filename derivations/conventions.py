"""Other conventions than the ones here, and what they do to value, gradient and Hessian."""

from derivations import logistic, sigmoid, softmax
from derivations.language.matrices import Gradient, Whole
from derivations.language.moves import (
    Move,
    because,
    by,
    chain_rule,
    collect,
    contract,
    entry_rule,
    fold,
    given,
    linear,
    prove,
    slope,
    to,
    unfold,
)
from derivations.language.statement import ALGEBRA, CONTRACT, DEFINITION, Hypothesis, Statement
from derivations.language.terms import Array, Definition, Size, scalar
from derivations.notation import (
    Σ,
    K,
    M,
    N,
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
    j,
    k,
    l,
    labels,
    log,
    n,
    o,
    s,
    t,
    u,
    w,
    y,
    δ,
)
from derivations.sigmoid import sigma, soft_plus
from derivations.softmax import P, S, covariance

NLL, p, z = logistic.NLL, logistic.p, logistic.z
fixed = logistic.fixed


def slope_of(probability: Definition, logit: Definition) -> tuple[Move, ...]:
    """Return the moves that take the derivative of a probability of the model of two classes."""
    return slope(probability), by(sigmoid.derivative), slope(logit), fold(probability)


# -- the size of the cost --------------------------------------------------------------------------

kappa = scalar("kappa", r"\kappa")
step = Array("d", (n,), "d", r"\mathbf{d}")
H = Array("H", (n, n), "h", r"\mathbf{H}")
G = Array("g", (n,), "g", r"\mathbf{g}")

factor = Statement(
    "A factor on the cost",
    r"The mean is the sum times $\kappa = 1 / N$, the deviance of labels 0 and 1 is twice the sum, and "
    r"the NLL in bits has $\kappa = 1 / \log 2$. The log-likelihood has $\kappa = -1$ and is maximised. "
    r"Value, gradient and Hessian are multiplied, Newton's step stays, and the step size of "
    r"gradient descent has to be divided by $\kappa$. For $\kappa > 0$ the minimiser stays; for $\kappa < 0$ "
    r"it is the maximiser. The inverse of the Hessian is divided by $\kappa$: that of the sum, $\kappa = 1$, "
    r"is the inverse of the information.",
    (
        prove(
            d(kappa * NLL, w[k]),
            because("a constant factor", linear),
            by(logistic.nll_gradient),
            title="gradient, two classes",
            matrix=(
                Gradient(kappa * NLL, w),
                kappa * (design.T @ (logistic.probabilities - labels)),
            ),
        ),
        prove(
            d(kappa * NLL, w[k], w[l]),
            because("a constant factor", linear),
            by(logistic.nll_hessian),
            title="Hessian, two classes",
        ),
        prove(
            d(kappa * softmax.NLL, W[a, k]),
            because("a constant factor", linear),
            by(softmax.nll_gradient),
            title="gradient, any number of classes",
        ),
        prove(
            Σ(l, kappa * H[k, l] * step[l]) + kappa * G[k],
            because(r"zero exactly when $\mathbf{H} \mathbf{d} = -\mathbf{g}$", collect),
            title="Newton's equations",
        ),
    ),
    (
        logistic.binary,
        softmax.one_class,
        fixed,
        Hypothesis(
            r"$\kappa \ne 0$. $\mathbf{H}$ and $\mathbf{g}$ are Hessian and gradient of the sum, "
            r"$\mathbf{d}$ is Newton's step."
        ),
    ),
)

alpha, C = scalar("alpha", r"\alpha", domain="positive"), scalar("C", domain="positive")
norm = Σ(k, w[k] ** 2)

penalty_strength = Statement(
    "The strength of a penalty",
    r"With the mean as the cost and $\frac{\alpha}{2} \lVert \mathbf{w} \rVert^2$ as the penalty, the "
    r"minimiser is that of the sum with $\lambda = N \alpha$. A factor $C$ on the sum, and no factor on "
    r"the penalty, is $\lambda = 1 / C$. Without the half, $\alpha \lVert \mathbf{w} \rVert^2$, "
    r"it is twice as much.",
    (
        prove(
            NLL / Size(N) + alpha / 2 * norm,
            to(
                (NLL + Size(N) * alpha / 2 * norm) / Size(N),
                ALGEBRA,
                r"the sum with $\lambda = N \alpha$",
            ),
            title="mean and penalty",
        ),
        prove(
            C * NLL + norm / 2,
            to(C * (NLL + 1 / (2 * C) * norm), ALGEBRA, r"the sum with $\lambda = 1 / C$"),
            title="a factor on the sum",
        ),
    ),
    (Hypothesis(r"$\alpha > 0$ is the strength of the penalty, $C > 0$ the factor on the sum."),),
)

whole = Σ(j, s[j])
point_loss = logistic.point_loss
mean_cost = logistic.NLL_w / whole

weighted_mean = Statement(
    "Mean with weights",
    r"The mean of a weighted cost divides by the sum of the weights, not by $N$, and is then the sum with "
    r"the weights $s_i / \sum_j s_j$. A factor on all weights changes nothing. A library that divides by "
    r"$N$ instead gives the sum times $1 / N$; the two differ by a factor, which matters for the size of "
    "a step and for a penalty, and not for the minimiser.",
    (
        prove(
            d(mean_cost, w[k]),
            because("the weights are constants", chain_rule),
            by(logistic.weighted),
            to(
                Σ(i, s[i] / whole * X[i, k] * (p[i] - y[i])),
                ALGEBRA,
                r"the weights $s_i / \sum_j s_j$",
            ),
            at=(k,),
            title="gradient",
        ),
        prove(
            d(mean_cost, w[k], w[l]),
            because("the weights are constants", chain_rule),
            to(
                Σ(i, s[i] * X[i, k] * (p[i] * (1 - p[i])) * X[i, l]) / whole,
                cites=logistic.weighted,
            ),
            to(Σ(i, s[i] / whole * X[i, k] * (p[i] * (1 - p[i])) * X[i, l])),
            title="Hessian",
        ),
        prove(
            Σ(i, kappa * s[i] * point_loss[i]) / Σ(j, kappa * s[j]),
            to(
                kappa * Σ(i, s[i] * point_loss[i]) / (kappa * whole),
                ALGEBRA,
                r"$\kappa$ is the same for every data point",
            ),
            because(r"$\kappa$ cancels", collect),
            title="a factor on all weights",
        ),
    ),
    (
        logistic.binary,
        fixed,
        Hypothesis(
            r"$s_i \ge 0$, and some $s_i > 0$; $\kappa \ne 0$; $\ell_i$ is the loss of data point $i$.",
            signs=((kappa**2, "positive"), (whole, "positive")),
        ),
    ),
)

# -- the labels of two classes ---------------------------------------------------------------------

m = Array("m", (N,), "m", r"\mathbf{m}")
sign, outcome = scalar("m", "m"), scalar("y", "y")
margin_cost = Σ(i, soft_plus(-(m[i] * z[i])))
signed = Definition("rho", (sign, t), -(sign * sigma(-(sign * t))), r"\rho")
unsigned = Definition("r", (outcome, t), sigma(t) - outcome, "r")
curvature = Definition("omega", (sign, t), sigma(sign * t) * sigma(-(sign * t)), r"\omega")

signs = Statement(
    "Labels -1 and 1",
    r"With $m_i = 2 y_i - 1$, which is $-1$ or $1$, the loss of a data point is a function of its "
    r"margin $m_i z_i$ alone: $\log(1 + e^{-m_i z_i})$. Value, gradient and Hessian are those of the "
    r"labels 0 and 1. The last lines say it for one data point, label by label: the residual "
    r"$\rho(m, z) = -m \sigma(-m z)$ is $r(y, z) = \sigma(z) - y$, and the variance $\omega(m, z) = "
    r"\sigma(m z) \sigma(-m z)$ is $p (1 - p)$.",
    (
        prove(
            d(margin_cost, w[k]),
            linear,
            because("the slope of softplus", by(sigmoid.softplus)),
            linear,
            slope(z),
            to(-Σ(i, X[i, k] * (m[i] * sigma(-(m[i] * z[i]))))),
            title="gradient",
        ),
        prove(
            d(margin_cost, w[k], w[l]),
            linear,
            by(sigmoid.softplus),
            linear,
            slope(z),
            linear,
            by(sigmoid.derivative),
            linear,
            slope(z),
            to(
                Σ(i, m[i] ** 2 * X[i, k] * (sigma(m[i] * z[i]) * sigma(-(m[i] * z[i]))) * X[i, l]),
                DEFINITION,
                r"$m_i^2 = 1$ for the labels",
                sigmoid.symmetry,
            ),
            title="Hessian",
        ),
        prove(
            signed(1, t),
            to(-sigma(-t), DEFINITION, r"$m = 1$"),
            to(sigma(t) - 1, DEFINITION, cites=sigmoid.symmetry),
            to(unsigned(1, t), DEFINITION, r"$y = 1$"),
            title="residual, label 1",
        ),
        prove(
            signed(-1, t),
            to(sigma(t), DEFINITION, r"$m = -1$"),
            to(unsigned(0, t), DEFINITION, r"$y = 0$"),
            title="residual, label 0",
        ),
        prove(
            curvature(1, t),
            to(sigma(t) * sigma(-t), DEFINITION, r"$m = 1$"),
            by(sigmoid.symmetry),
            title="variance, label 1",
        ),
        prove(
            curvature(-1, t),
            to(sigma(-t) * sigma(t), DEFINITION, r"$m = -1$"),
            to(sigma(t) * (1 - sigma(t)), DEFINITION, cites=sigmoid.symmetry),
            title="variance, label 0",
        ),
    ),
    (fixed, Hypothesis(r"$m_i \in \{-1, 1\}$. The gradient holds for any numbers $m_i$.")),
)

z_opposite = Definition("z'", (i,), Σ(k, -w[k] * X[i, k]), "z", superscript=r"\prime")
p_opposite = Definition("p'", (i,), sigma(z_opposite[i]), "p", superscript=r"\prime")
NLL_opposite = Definition(
    "NLL'",
    (),
    -Σ(i, (1 - y[i]) * log(p_opposite[i]) + y[i] * log(1 - p_opposite[i])),
    r"\operatorname{NLL}_{1 - \mathbf{y}}",
)()

swapped_labels = Statement(
    "Which class is called 1",
    r"Swap the labels, $1 - y_i$ for $y_i$, and take $-\mathbf{w}$ for $\mathbf{w}$: the value is the same, "
    "the gradient changes its sign, the Hessian stays. So a fit has the opposite coefficients and the same "
    "information.",
    (
        prove(
            p_opposite[i],
            to(sigma(-z[i]), DEFINITION, r"the logits at $-\mathbf{w}$"),
            to(1 - p[i], DEFINITION, cites=sigmoid.symmetry),
            title="probability",
        ),
        prove(
            NLL_opposite,
            to(
                -Σ(i, (1 - y[i]) * log(1 - p[i]) + y[i] * log(p[i])),
                DEFINITION,
                r"$p'_i = 1 - p_i$",
            ),
            to(NLL, DEFINITION),
            title="value",
        ),
        prove(
            Σ(i, X[i, k] * (p_opposite[i] - (1 - y[i]))),
            to(-Σ(i, X[i, k] * (p[i] - y[i])), DEFINITION, r"$p'_i = 1 - p_i$"),
            to(-d(NLL, w[k]), DEFINITION, cites=logistic.nll_gradient),
            at=(k,),
            title=r"gradient for the labels $1 - y_i$, at $-\mathbf{w}$",
        ),
        prove(
            Σ(i, X[i, k] * (p_opposite[i] * (1 - p_opposite[i])) * X[i, l]),
            to(Σ(i, X[i, k] * ((1 - p[i]) * p[i]) * X[i, l]), DEFINITION, r"$p'_i = 1 - p_i$"),
            to(d(NLL, w[k], w[l]), DEFINITION, cites=logistic.nll_hessian),
            title=r"Hessian for the labels $1 - y_i$, at $-\mathbf{w}$",
        ),
    ),
    (logistic.binary, fixed),
)

# -- the labels of K classes -----------------------------------------------------------------------

logits = softmax.z
picked = Σ(b, δ(b, c) * log(S[b]))

one_hot = Statement(
    "One-hot labels",
    r"For one data point with the label $c$: a row of the numbers $[c = b]$ in place of the class number "
    "gives the same loss, and its residual is probability minus row.",
    (
        prove(-picked, because("only $b = c$ remains", contract), title="loss"),
        prove(
            d(-picked, logits[a]),
            because("only $b = c$ remains", contract),
            linear,
            chain_rule,
            by(softmax.jacobian),
            to(S[a] - δ(a, c), ALGEBRA, "", softmax.jacobian),
            at=(a, c),
            title="its derivative by the logits",
        ),
    ),
    (Hypothesis(r"One data point with the label $c$; $\mathbf{z}$ are its logits."),),
)

soft = Array("Y", (N, K), "y", r"\mathbf{Y}")
mass = Σ(c, soft[i, c])
soft_cost = Definition("C", (), -Σ(i, Σ(b, soft[i, b] * log(P[i, b]))), "C")()
repeated = Σ(i, Σ(c, soft[i, c] * -Σ(b, δ(b, c) * log(P[i, b]))))

soft_labels = Statement(
    "Soft labels",
    r"Let row $i$ of $\mathbf{Y}$ be any numbers, with the sum $\sum_b y_{ib}$. A row of probabilities "
    "has the sum one, and nothing changes. Otherwise the sum acts as a weight of the data point. "
    r"Soft labels need no function of their own: the data point stands $K$ times, once for each class "
    r"$c$ with the weight $y_{ic}$.",
    (
        prove(
            d(soft_cost, W[a, k]),
            unfold(soft_cost),
            linear,
            chain_rule,
            by(softmax.probability_gradient),
            to(
                Σ(i, X[i, k] * (mass * P[i, a] - soft[i, a])),
                CONTRACT,
                "only $b = a$ remains of the delta",
            ),
            title="gradient",
        ),
        prove(
            d(Σ(i, X[i, k] * (mass * P[i, a] - soft[i, a])), W[b, l]),
            because("the labels are constants", chain_rule),
            by(softmax.probability_gradient),
            to(Σ(i, mass * X[i, k] * X[i, l] * covariance)),
            at=(a, k, b, l),
            title="Hessian: the derivatives of the gradient",
        ),
        prove(
            repeated,
            because("only $b = c$ remains", contract),
            to(soft_cost, DEFINITION),
            title="as $K$ data points with hard labels",
        ),
    ),
    (fixed,),
)

q = Array("q", (K,), "q", r"\mathbf{q}", domain="nonnegative")
q1 = scalar("q", "q", domain="nonnegative")
class_cost = Definition(
    "NLL_q", (), -Σ(i, Σ(b, q[b] * soft[i, b] * log(P[i, b]))), r"C_{\mathbf{q}}"
)()
one_label = Σ(b, q[b] * δ(b, c) * log(S[b]))
positive_cost = Definition(
    "NLL_1", (), -Σ(i, q1 * y[i] * log(p[i]) + (1 - y[i]) * log(1 - p[i])), "C_q"
)()

class_weights = Statement(
    "Class weights",
    r"A weight $q_b \ge 0$ of each class. For a data point with the label $c$ it is the sample weight $q_c$. "
    r"With soft labels it is not a sample weight: it multiplies inside the sum over the classes, and the row "
    r"$q_b y_{ib}$ takes the place of $y_{ib}$. With two classes a weight $q$ of the label 1 alone is "
    r"the sample weight $q y_i + 1 - y_i$.",
    (
        prove(
            -one_label,
            to(q[c] * -log(S[c]), CONTRACT, "only $b = c$ remains"),
            title="loss of one data point with the label $c$",
        ),
        prove(
            d(-one_label, logits[a]),
            because("only $b = c$ remains", contract),
            linear,
            chain_rule,
            by(softmax.jacobian),
            to(q[c] * (S[a] - δ(a, c)), ALGEBRA, "", softmax.jacobian),
            at=(a, c),
            title="its derivative by the logits",
        ),
        prove(
            d(class_cost, W[a, k]),
            unfold(class_cost),
            linear,
            chain_rule,
            by(softmax.probability_gradient),
            to(
                Σ(i, X[i, k] * (Σ(b, q[b] * soft[i, b]) * P[i, a] - q[a] * soft[i, a])),
                CONTRACT,
                "only $b = a$ remains of the delta",
            ),
            title="gradient for any labels",
        ),
        prove(
            d(positive_cost, w[k]),
            unfold(positive_cost),
            linear,
            chain_rule,
            *slope_of(p, z),
            to(
                Σ(i, X[i, k] * ((q1 * y[i] + 1 - y[i]) * p[i] - q1 * y[i])),
                ALGEBRA,
                "for the label 1 it is $q (p_i - 1)$, for 0 it is $p_i$",
            ),
            title="two classes, a weight of the label 1",
        ),
    ),
    (
        fixed,
        Hypothesis(
            r"$q_b \ge 0$ and $q \ge 0$. With the weights $q_b$ the cost is $C_{\mathbf{q}} = -\sum_i \sum_b "
            r"q_b y_{ib} \log p_{ib}$ for any numbers $y_{ib}$; with $q$ for the label 1 it is $C_q = "
            r"-\sum_i (q y_i \log p_i + (1 - y_i) \log (1 - p_i))$, with labels 0 and 1."
        ),
    ),
)

e = Array("e", (N,), "e", r"\mathbf{e}", domain="label")
point = softmax.point_loss
kept = Definition("NLL_e", (), Σ(i, (1 - e[i]) * point[i]), r"C_{\mathbf{e}}")()

ignored_labels = Statement(
    "Ignored labels",
    r"Let $e_i$ be 1 for a data point that is to be ignored and 0 otherwise. The cost is the sum without it: "
    r"$1 - e_i$ is a sample weight. What stands as the label of such a point has no effect. A mean divides "
    r"by the number of points that are left.",
    (
        prove(
            kept,
            unfold(kept),
            to(Σ(i, point[i]) - Σ(i, e[i] * point[i]), ALGEBRA, "two sums"),
            title="value: what is ignored is taken off",
        ),
        prove(
            d(kept, W[a, k]),
            unfold(kept),
            linear,
            unfold(point),
            linear,
            chain_rule,
            by(softmax.probability_gradient),
            contract,
            because("the labels sum to one", given(softmax.one_class)),
            to(Σ(i, (1 - e[i]) * X[i, k] * (P[i, a] - Y[i, a]))),
            title="gradient",
        ),
        prove(
            d(Σ(i, (1 - e[i]) * X[i, k] * (P[i, a] - Y[i, a])), W[b, l]),
            because("the labels are constants", linear),
            by(softmax.probability_gradient),
            to(Σ(i, (1 - e[i]) * X[i, k] * X[i, l] * covariance)),
            at=(a, k, b, l),
            title="Hessian: the derivatives of the gradient",
        ),
        prove(Σ(i, 1 - e[i]), because("two sums", collect), title="how many are left"),
    ),
    (
        softmax.one_class,
        fixed,
        Hypothesis(r"$e_i \in \{0, 1\}$; $\ell_i$ is the loss of data point $i$."),
    ),
)

# -- the axes --------------------------------------------------------------------------------------

Z3 = Array("Z", (N, K, M), "z", r"\mathbf{Z}")
Y3 = Array("Y", (N, K, M), "y", r"\mathbf{Y}")
S3 = Definition("S3", (i, a, u), exp(Z3[i, a, u]) / Σ(b, exp(Z3[i, b, u])), "S")
cost3 = Definition(
    "C", (), Σ(i, Σ(u, log(Σ(b, exp(Z3[i, b, u]))) - Σ(b, Y3[i, b, u] * Z3[i, b, u]))), "C"
)()

class_axis = Statement(
    "Places with a label each",
    r"Let a data point have a label at each of several places $u$, such as the pixels of an image, and its "
    r"logits the axes $(N, K, M)$: data points, classes, places. The cost is the sum over data points and "
    r"places, and a place of a data point is in every respect a data point: it has a residual of its own, "
    "and no second derivative with another. So the axis of the classes goes last and the others become one.",
    (
        prove(
            d(cost3, Z3[j, a, o]),
            unfold(cost3),
            linear,
            chain_rule,
            because("the gradient of log-sum-exp", fold(S3), softmax.logsumexp_gradient),
            entry_rule,
            to(S3[j, a, o] - Y3[j, a, o], CONTRACT, "an entry by an entry"),
            title="gradient by the logits",
        ),
        prove(
            d(S3[j, a, o] - Y3[j, a, o], Z3[i, b, u]),
            linear,
            unfold(S3),
            chain_rule,
            fold(S3),
            entry_rule,
            to(
                δ(i, j) * δ(o, u) * S3[j, a, o] * (δ(a, b) - S3[j, b, o]),
                CONTRACT,
                "zero for another data point and for another place",
                softmax.jacobian,
            ),
            at=(j, a, o, i, b, u),
            title="Hessian by the logits: the derivatives of the gradient",
        ),
    ),
)

Xc = Array("X'", (n, N), "x", r"\mathbf{X}", superscript=r"\prime")
Yc = Array("Y'", (K, N), "y", r"\mathbf{Y}", superscript=r"\prime")
Zc = Definition("Z'", (a, i), Σ(k, W[a, k] * Xc[k, i]), "z", r"\mathbf{Z}", superscript=r"\prime")
Pc = Definition(
    "P'", (a, i), exp(Zc[a, i]) / Σ(b, exp(Zc[b, i])), "p", r"\mathbf{P}", superscript=r"\prime"
)
cost_c = Definition(
    "NLL'", (), Σ(i, log(Σ(b, exp(Zc[b, i]))) - Σ(b, Yc[b, i] * Zc[b, i])), r"\operatorname{NLL}"
)()
U = Array("U", (n, K), "u", r"\mathbf{U}")
Zu = Definition("Z_U", (i, a), Σ(k, X[i, k] * U[k, a]), "z", r"\mathbf{Z}")
Pu = Definition("P_U", (i, a), exp(Zu[i, a]) / Σ(b, exp(Zu[i, b])), "p", r"\mathbf{P}")
cost_u = Definition(
    "NLL_U", (), Σ(i, log(Σ(b, exp(Zu[i, b]))) - Σ(b, soft[i, b] * Zu[i, b])), r"\operatorname{NLL}"
)()

columns = Statement(
    "Data points as columns",
    r"With $\mathbf{X}'$ of shape $n \times N$, one data point a column, logits, probabilities and labels "
    r"are transposed, and the gradient by $\mathbf{W}$ is the same. With the weights of a class as a "
    r"column of $\mathbf{U}$, $n \times K$, it is transposed. In both cases a transpose leads back.",
    (
        prove(
            d(cost_c, W[a, k]),
            unfold(cost_c),
            linear,
            chain_rule,
            because("the gradient of log-sum-exp", fold(Pc), softmax.logsumexp_gradient),
            because(r"$\partial z'_{bi} / \partial w_{ak} = \delta_{ab} x'_{ki}$", slope(Zc)),
            to(Σ(i, (Pc[a, i] - Yc[a, i]) * Xc[k, i]), CONTRACT),
            title=r"gradient, $\mathbf{Z}' = \mathbf{W} \mathbf{X}'$",
            matrix=(Gradient(cost_c, W), (Whole(Pc) - Whole(Yc)) @ Whole(Xc).T),
        ),
        prove(
            d(cost_u, U[k, a]),
            unfold(cost_u),
            linear,
            chain_rule,
            because("the gradient of log-sum-exp", fold(Pu), softmax.logsumexp_gradient),
            because(r"$\partial z_{ib} / \partial u_{ka} = \delta_{ab} x_{ik}$", slope(Zu)),
            to(Σ(i, X[i, k] * (Pu[i, a] - soft[i, a])), CONTRACT),
            title=r"gradient, $\mathbf{Z} = \mathbf{X} \mathbf{U}$",
            matrix=(Gradient(cost_u, U), design.T @ (Whole(Pu) - Whole(soft))),
        ),
    ),
    (fixed,),
)

w0, z0, p0, NLL0 = logistic.w0, logistic.z0, logistic.p0, logistic.NLL0
centre = Array("m", (n,), "m", r"\mathbf{m}")
spread0 = p0[i] * (1 - p0[i])

intercept = Statement(
    "With and without a column of ones",
    r"An intercept $w_0$ beside the weights is the weight of a column $x_{i0} = 1$: gradient and Hessian "
    r"have one row more, in which the feature is 1. Taking a number off a column, such as its mean, moves "
    r"the intercept and nothing else. All this is said of the NLL without a penalty.",
    (
        prove(
            d(NLL0, w0),
            by(logistic.score_equations),
            to(Σ(i, p0[i] - y[i])),
            title="gradient by the intercept",
        ),
        prove(
            d(NLL0, w[k]),
            unfold(NLL0),
            linear,
            chain_rule,
            *slope_of(p0, z0),
            to(Σ(i, X[i, k] * (p0[i] - y[i])), ALGEBRA, "the intercept is constant"),
            title="gradient by the weights",
        ),
        prove(
            d(NLL0, w0, w0),
            by(logistic.score_equations),
            linear,
            slope(p0),
            by(sigmoid.derivative),
            slope(z0),
            to(Σ(i, spread0), DEFINITION, "the feature is 1, twice"),
            title="Hessian, intercept and intercept",
        ),
        prove(
            d(NLL0, w0, w[k]),
            by(logistic.score_equations),
            linear,
            slope(p0),
            by(sigmoid.derivative),
            slope(z0),
            to(Σ(i, spread0 * X[i, k]), DEFINITION, "the feature is 1, once"),
            title="Hessian, intercept and weights",
        ),
        prove(
            w0 + Σ(k, w[k] * centre[k]) + Σ(k, w[k] * (X[i, k] - centre[k])),
            because("$m_k$ cancels", collect),
            fold(z0),
            title=r"the logits for $x_{ik} - m_k$, with the intercept $w_0 + \sum_k w_k m_k$",
        ),
    ),
    (logistic.binary, fixed, logistic.with_intercept),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("conventions"))
