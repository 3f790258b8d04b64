"""Other conventions than the ones here, and what they do to value, gradient and Hessian."""

from derivations import logistic, sigmoid, softmax
from derivations.language.matrices import Gradient, Whole
from derivations.language.statement import (
    ALGEBRA,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LINEARITY,
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
    Size,
    exp,
    log,
    scalar,
    total,
)
from derivations.notation import (
    K,
    M,
    N,
    W,
    X,
    Y,
    a,
    b,
    c,
    design,
    i,
    j,
    k,
    l,
    labels,
    n,
    o,
    s,
    t,
    u,
    w,
    y,
)
from derivations.sigmoid import sigma, soft_plus
from derivations.softmax import P, S, covariance

NLL, p, z = logistic.NLL, logistic.p, logistic.z
fixed = logistic.fixed

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
        Chain(
            D(kappa * NLL, w[k]),
            (
                Step(kappa * D(NLL, w[k]), LINEARITY, "a constant factor"),
                Step(
                    kappa * total(i, X[i, k] * (p[i] - y[i])),
                    DIFFERENTIATE,
                    cites=(logistic.nll_gradient,),
                ),
            ),
            at=(k,),
            title="gradient, two classes",
            matrix=(
                Gradient(kappa * NLL, w),
                kappa * (design.T @ (logistic.probabilities - labels)),
            ),
        ),
        Chain(
            D(D(kappa * NLL, w[k]), w[l]),
            (
                Step(kappa * D(D(NLL, w[k]), w[l]), DIFFERENTIATE, "a constant factor"),
                Step(
                    kappa * total(i, X[i, k] * (p[i] * (1 - p[i])) * X[i, l]),
                    DIFFERENTIATE,
                    cites=(logistic.nll_hessian,),
                ),
            ),
            at=(k, l),
            title="Hessian, two classes",
        ),
        Chain(
            D(kappa * softmax.NLL, W[a, k]),
            (
                Step(kappa * D(softmax.NLL, W[a, k]), LINEARITY, "a constant factor"),
                Step(
                    kappa * total(i, X[i, k] * (P[i, a] - Y[i, a])),
                    ALGEBRA,
                    cites=(softmax.nll_gradient,),
                ),
            ),
            at=(a, k),
            title="gradient, any number of classes",
        ),
        Chain(
            total(l, kappa * H[k, l] * step[l]) + kappa * G[k],
            (
                Step(
                    kappa * (total(l, H[k, l] * step[l]) + G[k]),
                    ALGEBRA,
                    r"zero exactly when $\mathbf{H} \mathbf{d} = -\mathbf{g}$",
                ),
            ),
            at=(k,),
            title="Newton's equations",
        ),
    ),
    (
        logistic.binary,
        softmax.one_class,
        fixed,
        Hypothesis(
            r"$\kappa \ne 0$. $\mathbf{H}$ and $\mathbf{g}$ are Hessian and gradient of the sum."
        ),
    ),
)

alpha, C = scalar("alpha", r"\alpha", domain="positive"), scalar("C", domain="positive")
norm = total(k, w[k] ** 2)

penalty_strength = Statement(
    "The strength of a penalty",
    r"With the mean as the cost and $\frac{\alpha}{2} \lVert \mathbf{w} \rVert^2$ as the penalty, the "
    r"minimiser is that of the sum with $\lambda = N \alpha$. A factor $C$ on the sum, and no factor on "
    r"the penalty, is $\lambda = 1 / C$. Without the half, $\alpha \lVert \mathbf{w} \rVert^2$, "
    r"it is twice as much.",
    (
        Chain(
            NLL / Size(N) + alpha / 2 * norm,
            (
                Step(
                    (NLL + Size(N) * alpha / 2 * norm) / Size(N),
                    ALGEBRA,
                    r"the sum with $\lambda = N \alpha$",
                ),
            ),
            title="mean and penalty",
        ),
        Chain(
            C * NLL + norm / 2,
            (Step(C * (NLL + 1 / (2 * C) * norm), ALGEBRA, r"the sum with $\lambda = 1 / C$"),),
            title="a factor on the sum",
        ),
    ),
    (Hypothesis(r"$\alpha > 0$ is the strength of the penalty, $C > 0$ the factor on the sum."),),
)

whole = total(j, s[j])
point_loss = logistic.point_loss
mean_cost = logistic.NLL_w / whole

weighted_mean = Statement(
    "Mean with weights",
    r"The mean of a weighted cost divides by the sum of the weights, not by $N$, and is then the sum with "
    r"the weights $s_i / \sum_j s_j$. A factor on all weights changes nothing. A library that divides by "
    r"$N$ instead gives the sum times $1 / N$; the two differ by a factor, which matters for the size of "
    "a step and for a penalty, and not for the minimiser.",
    (
        Chain(
            D(mean_cost, w[k]),
            (
                Step(D(logistic.NLL_w, w[k]) / whole, DIFFERENTIATE, "the weights are constants"),
                Step(
                    total(i, s[i] * X[i, k] * (p[i] - y[i])) / whole,
                    DIFFERENTIATE,
                    cites=(logistic.weighted,),
                ),
                Step(
                    total(i, s[i] / whole * X[i, k] * (p[i] - y[i])),
                    ALGEBRA,
                    r"the weights $s_i / \sum_j s_j$",
                ),
            ),
            at=(k,),
            title="gradient",
        ),
        Chain(
            D(D(mean_cost, w[k]), w[l]),
            (
                Step(
                    D(total(i, s[i] / whole * X[i, k] * (p[i] - y[i])), w[l]),
                    DIFFERENTIATE,
                    "the gradient",
                ),
                Step(
                    total(i, s[i] / whole * X[i, k] * (p[i] * (1 - p[i])) * X[i, l]),
                    DIFFERENTIATE,
                    "the labels are constants",
                ),
            ),
            at=(k, l),
            title="Hessian",
        ),
        Chain(
            total(i, kappa * s[i] * point_loss[i]) / total(j, kappa * s[j]),
            (
                Step(
                    kappa * total(i, s[i] * point_loss[i]) / (kappa * whole),
                    ALGEBRA,
                    r"$\kappa$ is the same for every data point",
                ),
                Step(total(i, s[i] * point_loss[i]) / whole, ALGEBRA, r"$\kappa$ cancels"),
            ),
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
margin_cost = total(i, soft_plus(-(m[i] * z[i])))
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
        Chain(
            D(margin_cost, w[k]),
            (
                Step(total(i, D(soft_plus(-(m[i] * z[i])), w[k])), LINEARITY, "sum rule"),
                Step(
                    -total(i, X[i, k] * (m[i] * sigma(-(m[i] * z[i])))),
                    DIFFERENTIATE,
                    "the slope of softplus",
                    cites=(sigmoid.softplus,),
                ),
            ),
            at=(k,),
            title="gradient",
        ),
        Chain(
            D(D(margin_cost, w[k]), w[l]),
            (
                Step(
                    -total(i, X[i, k] * m[i] * D(sigma(-(m[i] * z[i])), w[l])),
                    DIFFERENTIATE,
                    "the gradient",
                ),
                Step(
                    total(
                        i,
                        m[i] ** 2
                        * X[i, k]
                        * (sigma(m[i] * z[i]) * sigma(-(m[i] * z[i])))
                        * X[i, l],
                    ),
                    DIFFERENTIATE,
                    r"the slope of the sigmoid; $m_i^2 = 1$ for the labels",
                    cites=(sigmoid.derivative, sigmoid.symmetry),
                ),
            ),
            at=(k, l),
            title="Hessian",
        ),
        Chain(
            signed(1, t),
            (
                Step(-sigma(-t), DEFINITION, r"$m = 1$"),
                Step(sigma(t) - 1, DEFINITION, cites=(sigmoid.symmetry,)),
                Step(unsigned(1, t), DEFINITION, r"$y = 1$"),
            ),
            title="residual, label 1",
        ),
        Chain(
            signed(-1, t),
            (
                Step(sigma(t), DEFINITION, r"$m = -1$"),
                Step(unsigned(0, t), DEFINITION, r"$y = 0$"),
            ),
            title="residual, label 0",
        ),
        Chain(
            curvature(1, t),
            (
                Step(sigma(t) * sigma(-t), DEFINITION, r"$m = 1$"),
                Step(sigma(t) * (1 - sigma(t)), DEFINITION, cites=(sigmoid.symmetry,)),
            ),
            title="variance, label 1",
        ),
        Chain(
            curvature(-1, t),
            (
                Step(sigma(-t) * sigma(t), DEFINITION, r"$m = -1$"),
                Step(sigma(t) * (1 - sigma(t)), DEFINITION, cites=(sigmoid.symmetry,)),
            ),
            title="variance, label 0",
        ),
    ),
    (fixed, Hypothesis(r"$m_i \in \{-1, 1\}$. The gradient holds for any numbers $m_i$.")),
)

z_opposite = Definition("z'", (i,), total(k, -w[k] * X[i, k]), "z", superscript=r"\prime")
p_opposite = Definition("p'", (i,), sigma(z_opposite[i]), "p", superscript=r"\prime")
NLL_opposite = Definition(
    "NLL'",
    (),
    -total(i, (1 - y[i]) * log(p_opposite[i]) + y[i] * log(1 - p_opposite[i])),
    r"\operatorname{NLL}_{1 - \mathbf{y}}",
)()

swapped_labels = Statement(
    "Which class is called 1",
    r"Swap the labels, $1 - y_i$ for $y_i$, and take $-\mathbf{w}$ for $\mathbf{w}$: the value is the same, "
    "the gradient changes its sign, the Hessian stays. So a fit has the opposite coefficients and the same "
    "information.",
    (
        Chain(
            p_opposite[i],
            (
                Step(sigma(-z[i]), DEFINITION, r"the logits at $-\mathbf{w}$"),
                Step(1 - p[i], DEFINITION, cites=(sigmoid.symmetry,)),
            ),
            at=(i,),
            title="probability",
        ),
        Chain(
            NLL_opposite,
            (
                Step(
                    -total(i, (1 - y[i]) * log(1 - p[i]) + y[i] * log(p[i])),
                    DEFINITION,
                    r"$p'_i = 1 - p_i$",
                ),
                Step(NLL, DEFINITION),
            ),
            title="value",
        ),
        Chain(
            total(i, X[i, k] * (p_opposite[i] - (1 - y[i]))),
            (
                Step(-total(i, X[i, k] * (p[i] - y[i])), DEFINITION, r"$p'_i = 1 - p_i$"),
                Step(-D(NLL, w[k]), DEFINITION, cites=(logistic.nll_gradient,)),
            ),
            at=(k,),
            title=r"gradient for the labels $1 - y_i$, at $-\mathbf{w}$",
        ),
        Chain(
            total(i, X[i, k] * (p_opposite[i] * (1 - p_opposite[i])) * X[i, l]),
            (
                Step(
                    total(i, X[i, k] * ((1 - p[i]) * p[i]) * X[i, l]),
                    DEFINITION,
                    r"$p'_i = 1 - p_i$",
                ),
                Step(D(D(NLL, w[k]), w[l]), DEFINITION, cites=(logistic.nll_hessian,)),
            ),
            at=(k, l),
            title=r"Hessian for the labels $1 - y_i$, at $-\mathbf{w}$",
        ),
    ),
    (logistic.binary, fixed),
)

# -- the labels of K classes -----------------------------------------------------------------------

logits = softmax.z
picked = total(b, Delta(b, c) * log(S[b]))

one_hot = Statement(
    "One-hot labels",
    r"For one data point with the label $c$: a row of the numbers $[c = b]$ in place of the class number "
    "gives the same loss, and its residual is probability minus row.",
    (
        Chain(
            -picked,
            (Step(-log(S[c]), CONTRACT, r"only $b = c$ remains"),),
            at=(c,),
            title="loss",
        ),
        Chain(
            D(-picked, logits[a]),
            (
                Step(-D(log(S[c]), logits[a]), CONTRACT, r"only $b = c$ remains"),
                Step(-(Delta(a, c) - S[a]), DIFFERENTIATE, "the Jacobian of the log-softmax"),
                Step(S[a] - Delta(a, c), ALGEBRA),
            ),
            at=(a, c),
            title="its derivative by the logits",
        ),
    ),
    (Hypothesis(r"One data point with the label $c$; $\mathbf{z}$ are its logits."),),
)

soft = Array("Y", (N, K), "y", r"\mathbf{Y}")
mass = total(c, soft[i, c])
soft_cost = Definition("C", (), -total(i, total(b, soft[i, b] * log(P[i, b]))), "C")()
repeated = total(i, total(c, soft[i, c] * -total(b, Delta(b, c) * log(P[i, b]))))

soft_labels = Statement(
    "Soft labels",
    r"Let row $i$ of $\mathbf{Y}$ be any numbers, with the sum $\sum_b y_{ib}$. A row of probabilities "
    "has the sum one, and nothing changes. Otherwise the sum acts as a weight of the data point. "
    r"Soft labels need no function of their own: the data point stands $K$ times, once for each class "
    r"$c$ with the weight $y_{ic}$.",
    (
        Chain(
            D(soft_cost, W[a, k]),
            (
                Step(
                    -total(i, total(b, soft[i, b] * (Delta(a, b) - P[i, a]) * X[i, k])),
                    DIFFERENTIATE,
                    cites=(softmax.probability_gradient,),
                ),
                Step(
                    total(i, X[i, k] * (mass * P[i, a] - soft[i, a])),
                    CONTRACT,
                    r"only $b = a$ remains of the delta",
                ),
            ),
            at=(a, k),
            title="gradient",
        ),
        Chain(
            D(total(i, X[i, k] * (mass * P[i, a] - soft[i, a])), W[b, l]),
            (
                Step(
                    total(i, mass * X[i, k] * X[i, l] * covariance),
                    DIFFERENTIATE,
                    "the labels are constants",
                ),
            ),
            at=(a, k, b, l),
            title="Hessian: the derivatives of the gradient",
        ),
        Chain(
            repeated,
            (
                Step(
                    -total(i, total(c, soft[i, c] * log(P[i, c]))),
                    CONTRACT,
                    r"only $b = c$ remains",
                ),
                Step(soft_cost, DEFINITION),
            ),
            title=r"as $K$ data points with hard labels",
        ),
    ),
    (fixed,),
)

q = Array("q", (K,), "q", r"\mathbf{q}", domain="nonnegative")
q1 = scalar("q", "q", domain="nonnegative")
class_cost = Definition(
    "NLL_q", (), -total(i, total(b, q[b] * soft[i, b] * log(P[i, b]))), r"C_{\mathbf{q}}"
)()
one_label = total(b, q[b] * Delta(b, c) * log(S[b]))
positive_cost = Definition(
    "NLL_1", (), -total(i, q1 * y[i] * log(p[i]) + (1 - y[i]) * log(1 - p[i])), "C_q"
)()

class_weights = Statement(
    "Class weights",
    r"A weight $q_b \ge 0$ of each class. For a data point with the label $c$ it is the sample weight $q_c$. "
    r"With soft labels it is not a sample weight: it multiplies inside the sum over the classes, and the row "
    r"$q_b y_{ib}$ takes the place of $y_{ib}$. With two classes a weight $q$ of the label 1 alone is "
    r"the sample weight $q y_i + 1 - y_i$.",
    (
        Chain(
            -one_label,
            (Step(q[c] * -log(S[c]), CONTRACT, r"only $b = c$ remains"),),
            at=(c,),
            title="loss of one data point with the label $c$",
        ),
        Chain(
            D(-one_label, logits[a]),
            (
                Step(-(q[c] * D(log(S[c]), logits[a])), CONTRACT, r"only $b = c$ remains"),
                Step(
                    q[c] * (S[a] - Delta(a, c)),
                    DIFFERENTIATE,
                    "the Jacobian of the log-softmax",
                ),
            ),
            at=(a, c),
            title="its derivative by the logits",
        ),
        Chain(
            D(class_cost, W[a, k]),
            (
                Step(
                    -total(i, total(b, q[b] * soft[i, b] * (Delta(a, b) - P[i, a]) * X[i, k])),
                    DIFFERENTIATE,
                    cites=(softmax.probability_gradient,),
                ),
                Step(
                    total(i, X[i, k] * (total(b, q[b] * soft[i, b]) * P[i, a] - q[a] * soft[i, a])),
                    CONTRACT,
                    r"only $b = a$ remains of the delta",
                ),
            ),
            at=(a, k),
            title="gradient for any labels",
        ),
        Chain(
            D(positive_cost, w[k]),
            (
                Step(
                    -total(i, (q1 * y[i] * (1 - p[i]) - (1 - y[i]) * p[i]) * X[i, k]),
                    DIFFERENTIATE,
                    r"the slope of the sigmoid",
                ),
                Step(
                    total(i, X[i, k] * ((q1 * y[i] + 1 - y[i]) * p[i] - q1 * y[i])),
                    ALGEBRA,
                    r"for the label 1 it is $q (p_i - 1)$, for 0 it is $p_i$",
                ),
            ),
            at=(k,),
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
kept = Definition("NLL_e", (), total(i, (1 - e[i]) * point[i]), r"C_{\mathbf{e}}")()

ignored_labels = Statement(
    "Ignored labels",
    r"Let $e_i$ be 1 for a data point that is to be ignored and 0 otherwise. The cost is the sum without it: "
    r"$1 - e_i$ is a sample weight. What stands as the label of such a point has no effect. A mean divides "
    r"by the number of points that are left.",
    (
        Chain(
            kept,
            (
                Step(total(i, (1 - e[i]) * point[i]), DEFINITION),
                Step(total(i, point[i]) - total(i, e[i] * point[i]), ALGEBRA, "two sums"),
            ),
            title="value: what is ignored is taken off",
        ),
        Chain(
            D(kept, W[a, k]),
            (
                Step(total(i, (1 - e[i]) * D(point[i], W[a, k])), DIFFERENTIATE, "sum rule"),
                Step(
                    total(i, (1 - e[i]) * X[i, k] * (P[i, a] - Y[i, a])),
                    DIFFERENTIATE,
                    "one data point, as for the gradient of the NLL",
                ),
            ),
            at=(a, k),
            title="gradient",
        ),
        Chain(
            D(total(i, (1 - e[i]) * X[i, k] * (P[i, a] - Y[i, a])), W[b, l]),
            (
                Step(
                    total(i, (1 - e[i]) * X[i, k] * X[i, l] * covariance),
                    DIFFERENTIATE,
                    "the labels are constants",
                ),
            ),
            at=(a, k, b, l),
            title="Hessian: the derivatives of the gradient",
        ),
        Chain(
            total(i, 1 - e[i]),
            (Step(Size(N) - total(i, e[i]), ALGEBRA, "two sums"),),
            title="how many are left",
        ),
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
S3 = Definition("S3", (i, a, u), exp(Z3[i, a, u]) / total(b, exp(Z3[i, b, u])), "S")
cost3 = Definition(
    "C",
    (),
    total(i, total(u, log(total(b, exp(Z3[i, b, u]))) - total(b, Y3[i, b, u] * Z3[i, b, u]))),
    "C",
)()

class_axis = Statement(
    "Places with a label each",
    r"Let a data point have a label at each of several places $u$, such as the pixels of an image, and its "
    r"logits the axes $(N, K, M)$: data points, classes, places. The cost is the sum over data points and "
    r"places, and a place of a data point is in every respect a data point: it has a residual of its own, "
    "and no second derivative with another. So the axis of the classes goes last and the others become one.",
    (
        Chain(
            D(cost3, Z3[j, a, o]),
            (
                Step(
                    total(
                        i,
                        total(
                            u,
                            total(b, (S3[i, b, u] - Y3[i, b, u]) * D(Z3[i, b, u], Z3[j, a, o])),
                        ),
                    ),
                    DIFFERENTIATE,
                    "the gradient of log-sum-exp",
                    cites=(softmax.logsumexp_gradient,),
                ),
                Step(S3[j, a, o] - Y3[j, a, o], CONTRACT, "an entry by an entry"),
            ),
            at=(j, a, o),
            title="gradient by the logits",
        ),
        Chain(
            D(S3[j, a, o] - Y3[j, a, o], Z3[i, b, u]),
            (
                Step(
                    Delta(i, j) * Delta(o, u) * S3[j, a, o] * (Delta(a, b) - S3[j, b, o]),
                    DIFFERENTIATE,
                    "zero for another data point and for another place",
                    cites=(softmax.jacobian,),
                ),
            ),
            at=(j, a, o, i, b, u),
            title="Hessian by the logits: the derivatives of the gradient",
        ),
    ),
)

Xc = Array("X'", (n, N), "x", r"\mathbf{X}", superscript=r"\prime")
Yc = Array("Y'", (K, N), "y", r"\mathbf{Y}", superscript=r"\prime")
Zc = Definition(
    "Z'", (a, i), total(k, W[a, k] * Xc[k, i]), "z", r"\mathbf{Z}", superscript=r"\prime"
)
Pc = Definition(
    "P'", (a, i), exp(Zc[a, i]) / total(b, exp(Zc[b, i])), "p", r"\mathbf{P}", superscript=r"\prime"
)
cost_c = Definition(
    "NLL'",
    (),
    total(i, log(total(b, exp(Zc[b, i]))) - total(b, Yc[b, i] * Zc[b, i])),
    r"\operatorname{NLL}",
)()
U = Array("U", (n, K), "u", r"\mathbf{U}")
Zu = Definition("Z_U", (i, a), total(k, X[i, k] * U[k, a]), "z", r"\mathbf{Z}")
Pu = Definition("P_U", (i, a), exp(Zu[i, a]) / total(b, exp(Zu[i, b])), "p", r"\mathbf{P}")
cost_u = Definition(
    "NLL_U",
    (),
    total(i, log(total(b, exp(Zu[i, b]))) - total(b, soft[i, b] * Zu[i, b])),
    r"\operatorname{NLL}",
)()

columns = Statement(
    "Data points as columns",
    r"With $\mathbf{X}'$ of shape $n \times N$, one data point a column, logits, probabilities and labels "
    r"are transposed, and the gradient by $\mathbf{W}$ is the same. With the weights of a class as a "
    r"column of $\mathbf{U}$, $n \times K$, it is transposed. In both cases a transpose leads back.",
    (
        Chain(
            D(cost_c, W[a, k]),
            (
                Step(
                    total(i, total(b, (Pc[b, i] - Yc[b, i]) * D(Zc[b, i], W[a, k]))),
                    DIFFERENTIATE,
                    "the gradient of log-sum-exp",
                    cites=(softmax.logsumexp_gradient,),
                ),
                Step(
                    total(i, (Pc[a, i] - Yc[a, i]) * Xc[k, i]),
                    DIFFERENTIATE,
                    r"$\partial z'_{bi} / \partial w_{ak} = \delta_{ab} x'_{ki}$",
                ),
            ),
            at=(a, k),
            title=r"gradient, $\mathbf{Z}' = \mathbf{W} \mathbf{X}'$",
            matrix=(Gradient(cost_c, W), (Whole(Pc) - Whole(Yc)) @ Whole(Xc).T),
        ),
        Chain(
            D(cost_u, U[k, a]),
            (
                Step(
                    total(i, total(b, (Pu[i, b] - soft[i, b]) * D(Zu[i, b], U[k, a]))),
                    DIFFERENTIATE,
                    "the gradient of log-sum-exp",
                    cites=(softmax.logsumexp_gradient,),
                ),
                Step(
                    total(i, X[i, k] * (Pu[i, a] - soft[i, a])),
                    DIFFERENTIATE,
                    r"$\partial z_{ib} / \partial u_{ka} = \delta_{ab} x_{ik}$",
                ),
            ),
            at=(k, a),
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
        Chain(
            D(NLL0, w0),
            (Step(total(i, p0[i] - y[i]), DIFFERENTIATE, cites=(logistic.score_equations,)),),
            title="gradient by the intercept",
        ),
        Chain(
            D(NLL0, w[k]),
            (
                Step(
                    total(i, (p0[i] - y[i]) * D(z0[i], w[k])),
                    DIFFERENTIATE,
                    "as for the gradient of the NLL",
                ),
                Step(
                    total(i, X[i, k] * (p0[i] - y[i])), DIFFERENTIATE, "the intercept is constant"
                ),
            ),
            at=(k,),
            title="gradient by the weights",
        ),
        Chain(
            D(D(NLL0, w0), w0),
            (
                Step(D(total(i, p0[i] - y[i]), w0), DIFFERENTIATE, "the gradient"),
                Step(total(i, spread0), DIFFERENTIATE, r"the feature is 1, twice"),
            ),
            title="Hessian, intercept and intercept",
        ),
        Chain(
            D(D(NLL0, w0), w[k]),
            (
                Step(D(total(i, p0[i] - y[i]), w[k]), DIFFERENTIATE, "the gradient"),
                Step(total(i, spread0 * X[i, k]), DIFFERENTIATE, r"the feature is 1, once"),
            ),
            at=(k,),
            title="Hessian, intercept and weights",
        ),
        Chain(
            w0 + total(k, w[k] * centre[k]) + total(k, w[k] * (X[i, k] - centre[k])),
            (
                Step(w0 + total(k, w[k] * X[i, k]), ALGEBRA, r"$m_k$ cancels"),
                Step(z0[i], DEFINITION),
            ),
            at=(i,),
            title=r"the logits for $x_{ik} - m_k$, with the intercept $w_0 + \sum_k w_k m_k$",
        ),
    ),
    (logistic.binary, fixed, logistic.with_intercept),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("conventions"))
