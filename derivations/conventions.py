"""Other conventions than the ones here, and what they do to value, gradient and Hessian."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import logistic, sigmoid, softmax
from derivations.notation import *
from derivations.sigmoid import sigma, soft_plus
from derivations.softmax import P, S, covariance

NLL, p, z = logistic.NLL, logistic.p, logistic.z
fixed, variance = logistic.fixed, logistic.variance


def slope_of(probability: Definition, logit: Definition) -> tuple[Move, ...]:
    """Return the moves that take the derivative of a probability of the model of two classes."""
    return slope(probability), by(sigmoid.derivative), slope(logit), fold(probability)

# -- the size of the cost --------------------------------------------------------------------------

kappa = scalar("kappa", r"\kappa")
step, H, G = logistic.step, logistic.H, logistic.G

any_factor = Hypothesis(
    r"$\kappa \ne 0$. $\mathbf{H}$ and $\mathbf{g}$ are Hessian and gradient of the sum, "
    r"$\mathbf{d}$ is Newton's step.")

factor = state(
    "A factor on the cost",
    r"The mean is the sum times $\kappa = 1 / N$, the deviance of labels 0 and 1 is twice the sum, "
    r"and the NLL in bits has $\kappa = 1 / \log 2$. The log-likelihood has $\kappa = -1$ and is "
    "maximised. Value, gradient and Hessian are multiplied, Newton's step stays, and the step "
    r"size of gradient descent has to be divided by $\kappa$. For $\kappa > 0$ the minimiser "
    r"stays; for $\kappa < 0$ it is the maximiser. The inverse of the Hessian is divided by "
    r"$\kappa$: that of the sum, $\kappa = 1$, is the inverse of the information.",
    prove(d(kappa * NLL, w[k]),
        linearity, by(logistic.nll_gradient),
        title="gradient, two classes",
        matrix=(Gradient(kappa * NLL, w), kappa * (design.T @ (logistic.probabilities - labels)))),
    prove(d(kappa * NLL, w[k], w[l]),
        linearity, by(logistic.nll_hessian),
        title="Hessian, two classes"),
    prove(d(kappa * softmax.NLL, W[a, k]),
        linearity, by(softmax.nll_gradient),
        title="gradient, any number of classes"),
    prove(Σ(l, kappa * H[k, l] * step[l]) + kappa * G[k],
        because(r"zero exactly when $\mathbf{H} \mathbf{d} = -\mathbf{g}$", collect),
        title="Newton's equations"),
    given=(logistic.binary, softmax.one_class, fixed, any_factor),
)

alpha, C = scalar("alpha", r"\alpha", domain="positive"), scalar("C", domain="positive")
norm = Σ(k, w[k] ** 2)

strengths = Hypothesis(r"$\alpha > 0$ is the strength of the penalty, $C > 0$ the factor on the sum.")

penalty_strength = state(
    "The strength of a penalty",
    r"With the mean as the cost and $\frac{\alpha}{2} \lVert \mathbf{w} \rVert^2$ as the penalty, "
    r"the minimiser is that of the sum with $\lambda = N \alpha$. A factor $C$ on the sum, and no "
    r"factor on the penalty, is $\lambda = 1 / C$. Without the half, $\alpha \lVert \mathbf{w} "
    r"\rVert^2$, it is twice as much.",
    prove(NLL / Size(N) + alpha / 2 * norm,
        to((NLL + Size(N) * alpha / 2 * norm) / Size(N), r"the sum with $\lambda = N \alpha$"),
        title="mean and penalty"),
    prove(C * NLL + norm / 2,
        to(C * (NLL + 1 / (2 * C) * norm), r"the sum with $\lambda = 1 / C$"),
        title="a factor on the sum"),
    given=(strengths,), level=ALL_SIZES,
)

whole = Σ(j, s[j])
point_loss = logistic.point_loss
mean_cost = logistic.NLL_w / whole

some_weights = Hypothesis(
    r"$s_i \ge 0$, and some $s_i > 0$; $\kappa \ne 0$; $\ell_i$ is the loss of data point $i$.",
    signs=((kappa**2, "positive"), (whole, "positive")))

weighted_mean = state(
    "Mean with weights",
    "The mean of a weighted cost divides by the sum of the weights, not by $N$, and is then the "
    r"sum with the weights $s_i / \sum_j s_j$. A factor on all weights changes nothing. A library "
    "that divides by $N$ instead gives the sum times $1 / N$; the two differ by a factor, which "
    "matters for the size of a step and for a penalty, and not for the minimiser.",
    prove(d(mean_cost, w[k]),
        because("the weights are constants", chain_rule), by(logistic.weighted),
        to(Σ(i, s[i] / whole * X[i, k] * (p[i] - y[i])), r"the weights $s_i / \sum_j s_j$"),
        at=(k,), title="gradient"),
    prove(d(mean_cost, w[k], w[l]),
        because("the weights are constants", chain_rule),
        to(Σ(i, s[i] * X[i, k] * variance * X[i, l]) / whole, logistic.weighted),
        to(Σ(i, s[i] / whole * X[i, k] * variance * X[i, l])),
        title="Hessian"),
    prove(Σ(i, kappa * s[i] * point_loss[i]) / Σ(j, kappa * s[j]),
        to(kappa * Σ(i, s[i] * point_loss[i]) / (kappa * whole),
            r"$\kappa$ is the same for every data point"),
        because(r"$\kappa$ cancels", collect),
        title="a factor on all weights"),
    given=(logistic.binary, fixed, some_weights), level=ALL_SIZES,
)

# -- the labels of two classes ---------------------------------------------------------------------

label = Array("m", (N,), "m", r"\mathbf{m}")
margin = label[i] * z[i]
margin_cost = Σ(i, soft_plus(-margin))
m1, y1 = scalar("m", "m"), scalar("y", "y")
signed = Definition("rho", (m1, t), -(m1 * sigma(-(m1 * t))), r"\rho")
unsigned = Definition("r", (y1, t), sigma(t) - y1, "r")
curvature = Definition("omega", (m1, t), sigma(m1 * t) * sigma(-(m1 * t)), r"\omega")

plus_or_minus = Hypothesis(r"$m_i \in \{-1, 1\}$. The gradient holds for any numbers $m_i$.")

signs = state(
    "Labels -1 and 1",
    "With $m_i = 2 y_i - 1$, which is $-1$ or $1$, the loss of a data point is a function of its "
    r"margin $m_i z_i$ alone: $\log(1 + e^{-m_i z_i})$. Value, gradient and Hessian are those of "
    "the labels 0 and 1. The last lines say it for one data point, label by label: the residual "
    r"$\rho(m, z) = -m \sigma(-m z)$ is $r(y, z) = \sigma(z) - y$, and the variance $\omega(m, z) "
    r"= \sigma(m z) \sigma(-m z)$ is $p (1 - p)$.",
    prove(d(margin_cost, w[k]),
        linearity, because("the slope of softplus", by(sigmoid.softplus)), linearity, slope(z),
        to(-Σ(i, X[i, k] * (label[i] * sigma(-margin)))),
        title="gradient"),
    prove(d(margin_cost, w[k], w[l]),
        linearity, by(sigmoid.softplus), linearity, slope(z), linearity, by(sigmoid.derivative),
        linearity, slope(z),
        to(Σ(i, label[i] ** 2 * X[i, k] * (sigma(margin) * sigma(-margin)) * X[i, l]), DEFINITION,
            "$m_i^2 = 1$ for the labels", sigmoid.symmetry),
        title="Hessian"),
    prove(signed(1, t),
        to(-sigma(-t), DEFINITION, "$m = 1$"),
        to(sigma(t) - 1, DEFINITION, sigmoid.symmetry),
        to(unsigned(1, t), DEFINITION, "$y = 1$"),
        title="residual, label 1"),
    prove(signed(-1, t),
        to(sigma(t), DEFINITION, "$m = -1$"),
        to(unsigned(0, t), DEFINITION, "$y = 0$"),
        title="residual, label 0"),
    prove(curvature(1, t),
        to(sigma(t) * sigma(-t), DEFINITION, "$m = 1$"),
        by(sigmoid.symmetry),
        title="variance, label 1"),
    prove(curvature(-1, t),
        to(sigma(-t) * sigma(t), DEFINITION, "$m = -1$"),
        to(sigma(t) * (1 - sigma(t)), DEFINITION, sigmoid.symmetry),
        title="variance, label 0"),
    given=(fixed, plus_or_minus),
)

z_opposite = Definition("z'", (i,), Σ(k, -w[k] * X[i, k]), "z", superscript=r"\prime")
p_opposite = Definition("p'", (i,), sigma(z_opposite[i]), "p", superscript=r"\prime")
NLL_opposite = Definition("NLL'", (),
    -Σ(i, (1 - y[i]) * log(p_opposite[i]) + y[i] * log(1 - p_opposite[i])),
    r"\operatorname{NLL}_{1 - \mathbf{y}}")()

swapped_labels = state(
    "Which class is called 1",
    r"Swap the labels, $1 - y_i$ for $y_i$, and take $-\mathbf{w}$ for $\mathbf{w}$: the value is "
    "the same, the gradient changes its sign, the Hessian stays. So a fit has the opposite "
    "coefficients and the same information.",
    prove(p_opposite[i],
        to(sigma(-z[i]), DEFINITION, r"the logits at $-\mathbf{w}$"),
        to(1 - p[i], DEFINITION, sigmoid.symmetry),
        title="probability"),
    prove(NLL_opposite,
        to(-Σ(i, (1 - y[i]) * log(1 - p[i]) + y[i] * log(p[i])), DEFINITION, "$p'_i = 1 - p_i$"),
        fold(NLL),
        title="value"),
    prove(Σ(i, X[i, k] * (p_opposite[i] - (1 - y[i]))),
        to(-Σ(i, X[i, k] * (p[i] - y[i])), DEFINITION, "$p'_i = 1 - p_i$"),
        to(-d(NLL, w[k]), DEFINITION, logistic.nll_gradient),
        at=(k,), title=r"gradient for the labels $1 - y_i$, at $-\mathbf{w}$"),
    prove(Σ(i, X[i, k] * (p_opposite[i] * (1 - p_opposite[i])) * X[i, l]),
        to(Σ(i, X[i, k] * ((1 - p[i]) * p[i]) * X[i, l]), DEFINITION, "$p'_i = 1 - p_i$"),
        to(d(NLL, w[k], w[l]), DEFINITION, logistic.nll_hessian),
        title=r"Hessian for the labels $1 - y_i$, at $-\mathbf{w}$"),
    given=(logistic.binary, fixed), level=ALL_SIZES,
)

# -- the labels of K classes -----------------------------------------------------------------------

logits = softmax.z
picked = Σ(b, δ(b, c) * log(S[b]))

one_point = Hypothesis(r"One data point with the label $c$; $\mathbf{z}$ are its logits.")

one_hot = state(
    "One-hot labels",
    "For one data point with the label $c$: a row of the numbers $[c = b]$ in place of the class "
    "number gives the same loss, and its residual is probability minus row.",
    prove(-picked, because("only $b = c$ remains", contract), title="loss"),
    prove(d(-picked, logits[a]),
        because("only $b = c$ remains", contract), linearity, chain_rule, by(softmax.jacobian),
        to(S[a] - δ(a, c), softmax.jacobian),
        at=(a, c), title="its derivative by the logits"),
    given=(one_point,),
)

soft = Array("Y", (N, K), "y", r"\mathbf{Y}")
mass = Σ(c, soft[i, c])
pull = X[i, k] * (mass * P[i, a] - soft[i, a])  # of one data point
soft_cost = Definition("C", (), -Σ(i, Σ(b, soft[i, b] * log(P[i, b]))), "C")()
repeated = Σ(i, Σ(c, soft[i, c] * -Σ(b, δ(b, c) * log(P[i, b]))))

soft_labels = state(
    "Soft labels",
    r"Let row $i$ of $\mathbf{Y}$ be any numbers, with the sum $\sum_b y_{ib}$. A row of "
    "probabilities has the sum one, and nothing changes. Otherwise the sum acts as a weight of "
    "the data point. Soft labels need no function of their own: the data point stands $K$ times, "
    "once for each class $c$ with the weight $y_{ic}$.",
    prove(d(soft_cost, W[a, k]),
        differentiate(soft_cost), by(softmax.probability_gradient),
        to(Σ(i, pull), CONTRACT, "only $b = a$ remains of the delta"),
        title="gradient"),
    prove(d(Σ(i, pull), W[b, l]),
        because("the labels are constants", chain_rule), by(softmax.probability_gradient),
        to(Σ(i, mass * X[i, k] * X[i, l] * covariance)),
        at=(a, k, b, l), title="Hessian: the derivatives of the gradient"),
    prove(repeated,
        because("only $b = c$ remains", contract), fold(soft_cost),
        title="as $K$ data points with hard labels"),
    given=(fixed,), level=ALL_SIZES,
)

q = Array("q", (K,), "q", r"\mathbf{q}", domain="nonnegative")
q1 = scalar("q", "q", domain="nonnegative")
class_cost = Definition("NLL_q", (), -Σ(i, Σ(b, q[b] * soft[i, b] * log(P[i, b]))),
    r"C_{\mathbf{q}}")()
one_label = Σ(b, q[b] * δ(b, c) * log(S[b]))
positive_cost = Definition("NLL_1", (), -Σ(i, q1 * y[i] * log(p[i]) + (1 - y[i]) * log(1 - p[i])),
    "C_q")()

costs_by_class = Hypothesis(
    r"$q_b \ge 0$ and $q \ge 0$. With the weights $q_b$ the cost is $C_{\mathbf{q}} = -\sum_i "
    r"\sum_b q_b y_{ib} \log p_{ib}$ for any numbers $y_{ib}$; with $q$ for the label 1 it is $C_q "
    r"= -\sum_i (q y_i \log p_i + (1 - y_i) \log (1 - p_i))$, with labels 0 and 1.")

class_weights = state(
    "Class weights",
    r"A weight $q_b \ge 0$ of each class. For a data point with the label $c$ it is the sample "
    "weight $q_c$. With soft labels it is not a sample weight: it multiplies inside the sum over "
    "the classes, and the row $q_b y_{ib}$ takes the place of $y_{ib}$. With two classes a weight "
    "$q$ of the label 1 alone is the sample weight $q y_i + 1 - y_i$.",
    prove(-one_label,
        to(q[c] * -log(S[c]), CONTRACT, "only $b = c$ remains"),
        title="loss of one data point with the label $c$"),
    prove(d(-one_label, logits[a]),
        because("only $b = c$ remains", contract), linearity, chain_rule, by(softmax.jacobian),
        to(q[c] * (S[a] - δ(a, c)), softmax.jacobian),
        at=(a, c), title="its derivative by the logits"),
    prove(d(class_cost, W[a, k]),
        differentiate(class_cost), by(softmax.probability_gradient),
        to(Σ(i, X[i, k] * (Σ(b, q[b] * soft[i, b]) * P[i, a] - q[a] * soft[i, a])), CONTRACT,
            "only $b = a$ remains of the delta"),
        title="gradient for any labels"),
    prove(d(positive_cost, w[k]),
        differentiate(positive_cost), *slope_of(p, z),
        to(Σ(i, X[i, k] * ((q1 * y[i] + 1 - y[i]) * p[i] - q1 * y[i])),
            "for the label 1 it is $q (p_i - 1)$, for 0 it is $p_i$"),
        title="two classes, a weight of the label 1"),
    given=(fixed, costs_by_class),
)

e = Array("e", (N,), "e", r"\mathbf{e}", domain="label")
point = softmax.point_loss
kept_pull = (1 - e[i]) * X[i, k] * (P[i, a] - Y[i, a])
kept = Definition("NLL_e", (), Σ(i, (1 - e[i]) * point[i]), r"C_{\mathbf{e}}")()

ignored = Hypothesis(r"$e_i \in \{0, 1\}$; $\ell_i$ is the loss of data point $i$.")

ignored_labels = state(
    "Ignored labels",
    "Let $e_i$ be 1 for a data point that is to be ignored and 0 otherwise. The cost is the sum "
    "without it: $1 - e_i$ is a sample weight. What stands as the label of such a point has no "
    "effect. A mean divides by the number of points that are left.",
    prove(kept,
        unfold(kept),
        to(Σ(i, point[i]) - Σ(i, e[i] * point[i]), "two sums"),
        title="value: what is ignored is taken off"),
    prove(d(kept, W[a, k]),
        unfold(kept), linearity, differentiate(point), by(softmax.probability_gradient), contract,
        because("the labels sum to one", given(softmax.one_class)),
        to(Σ(i, kept_pull)),
        title="gradient"),
    prove(d(Σ(i, kept_pull), W[b, l]),
        because("the labels are constants", linearity), by(softmax.probability_gradient),
        to(Σ(i, (1 - e[i]) * X[i, k] * X[i, l] * covariance)),
        at=(a, k, b, l), title="Hessian: the derivatives of the gradient"),
    prove(Σ(i, 1 - e[i]), because("two sums", collect), title="how many are left"),
    given=(softmax.one_class, fixed, ignored), level=ALL_SIZES,
)

# -- the axes --------------------------------------------------------------------------------------

Z3 = Array("Z", (N, K, M), "z", r"\mathbf{Z}")
Y3 = Array("Y", (N, K, M), "y", r"\mathbf{Y}")
S3 = Definition("S3", (i, a, u), exp(Z3[i, a, u]) / Σ(b, exp(Z3[i, b, u])), "S")
cost3 = Definition("C", (),
    Σ(i, Σ(u, log(Σ(b, exp(Z3[i, b, u]))) - Σ(b, Y3[i, b, u] * Z3[i, b, u]))), "C")()

class_axis = state(
    "Places with a label each",
    "Let a data point have a label at each of several places $u$, such as the pixels of an image, "
    "and its logits the axes $(N, K, M)$: data points, classes, places. The cost is the sum over "
    "data points and places, and a place of a data point is in every respect a data point: it has "
    "a residual of its own, and no second derivative with another. So the axis of the classes "
    "goes last and the others become one.",
    prove(d(cost3, Z3[j, a, o]),
        unfold(cost3), linearity, chain_rule,
        because("the gradient of log-sum-exp", fold(S3), softmax.logsumexp_gradient), entry_rule,
        because("an entry by an entry", contract),
        title="gradient by the logits"),
    prove(d(S3[j, a, o] - Y3[j, a, o], Z3[i, b, u]),
        linearity, unfold(S3), chain_rule, fold(S3), entry_rule,
        to(δ(i, j) * δ(o, u) * S3[j, a, o] * (δ(a, b) - S3[j, b, o]), CONTRACT,
            "zero for another data point and for another place", softmax.jacobian),
        at=(j, a, o, i, b, u), title="Hessian by the logits: the derivatives of the gradient"),
)

Xc = Array("X'", (n, N), "x", r"\mathbf{X}", superscript=r"\prime")
Yc = Array("Y'", (K, N), "y", r"\mathbf{Y}", superscript=r"\prime")
Zc = Definition("Z'", (a, i), Σ(k, W[a, k] * Xc[k, i]), "z", r"\mathbf{Z}", superscript=r"\prime")
Pc = Definition("P'", (a, i), exp(Zc[a, i]) / Σ(b, exp(Zc[b, i])), "p", r"\mathbf{P}",
    superscript=r"\prime")
cost_c = Definition("NLL'", (), Σ(i, log(Σ(b, exp(Zc[b, i]))) - Σ(b, Yc[b, i] * Zc[b, i])),
    r"\operatorname{NLL}")()
U = Array("U", (n, K), "u", r"\mathbf{U}")
Zu = Definition("Z_U", (i, a), Σ(k, X[i, k] * U[k, a]), "z", r"\mathbf{Z}")
Pu = softmax.softmax_of(Zu, "P_U", r"\mathbf{P}")
cost_u = softmax.cost_by_logits(Zu, soft, "NLL_U", r"\operatorname{NLL}")

columns = state(
    "Data points as columns",
    r"With $\mathbf{X}'$ of shape $n \times N$, one data point a column, logits, probabilities and "
    r"labels are transposed, and the gradient by $\mathbf{W}$ is the same. With the weights of a "
    r"class as a column of $\mathbf{U}$, $n \times K$, it is transposed. In both cases a transpose "
    "leads back.",
    prove(d(cost_c, W[a, k]),
        differentiate(cost_c),
        because("the gradient of log-sum-exp", fold(Pc), softmax.logsumexp_gradient),
        because(r"$\partial z'_{bi} / \partial w_{ak} = \delta_{ab} x'_{ki}$", slope(Zc)),
        to(Σ(i, (Pc[a, i] - Yc[a, i]) * Xc[k, i]), CONTRACT),
        title=r"gradient, $\mathbf{Z}' = \mathbf{W} \mathbf{X}'$",
        matrix=(Gradient(cost_c, W), (Whole(Pc) - Whole(Yc)) @ Whole(Xc).T)),
    prove(d(cost_u, U[k, a]),
        differentiate(cost_u),
        because("the gradient of log-sum-exp", fold(Pu), softmax.logsumexp_gradient),
        because(r"$\partial z_{ib} / \partial u_{ka} = \delta_{ab} x_{ik}$", slope(Zu)),
        contract,
        title=r"gradient, $\mathbf{Z} = \mathbf{X} \mathbf{U}$",
        matrix=(Gradient(cost_u, U), design.T @ (Whole(Pu) - Whole(soft)))),
    given=(fixed,),
)

w0, z0, p0, NLL0 = logistic.w0, logistic.z0, logistic.p0, logistic.NLL0
centre = Array("m", (n,), "m", r"\mathbf{m}")
spread0 = p0[i] * (1 - p0[i])

intercept = state(
    "With and without a column of ones",
    "An intercept $w_0$ beside the weights is the weight of a column $x_{i0} = 1$: gradient and "
    "Hessian have one row more, in which the feature is 1. Taking a number off a column, such as "
    "its mean, moves the intercept and nothing else. All this is said of the NLL without a "
    "penalty.",
    prove(d(NLL0, w0),
        by(logistic.score_equations), collect,
        title="gradient by the intercept"),
    prove(d(NLL0, w[k]),
        differentiate(NLL0), *slope_of(p0, z0),
        to(Σ(i, X[i, k] * (p0[i] - y[i])), "the intercept is constant"),
        title="gradient by the weights"),
    prove(d(NLL0, w0, w0),
        by(logistic.score_equations), linearity, slope(p0), by(sigmoid.derivative), slope(z0),
        to(Σ(i, spread0), DEFINITION, "the feature is 1, twice"),
        title="Hessian, intercept and intercept"),
    prove(d(NLL0, w0, w[k]),
        by(logistic.score_equations), linearity, slope(p0), by(sigmoid.derivative), slope(z0),
        to(Σ(i, spread0 * X[i, k]), DEFINITION, "the feature is 1, once"),
        title="Hessian, intercept and weights"),
    prove(w0 + Σ(k, w[k] * centre[k]) + Σ(k, w[k] * (X[i, k] - centre[k])),
        because("$m_k$ cancels", collect), fold(z0),
        title=r"the logits for $x_{ik} - m_k$, with the intercept $w_0 + \sum_k w_k m_k$"),
    given=(logistic.binary, fixed, logistic.with_intercept),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("conventions"))
