"""Regression beyond the plain model: offsets, penalties by coefficient, odds ratios, other links."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import softmax
from derivations.logistic import NLL_of, binary, by_sigmoid, cancel, constant_labels, fixed
from derivations.notation import *
from derivations.sigmoid import sigma
from derivations.softmax import labels_sum_to_one, one_class

# -- an offset -------------------------------------------------------------------------------------

offset = Array("o", (N,), "o", r"\mathbf{o}")
z = Definition("z", (i,), Σ(k, w[k] * X[i, k]) + offset[i], "z", r"\mathbf{z}")
p = Definition("p", (i,), sigma(z[i]), "p", r"\mathbf{p}")
NLL = NLL_of(p, "NLL", r"\operatorname{NLL}")
probabilities = Whole(p)
variances = probabilities * (Ones(N) - probabilities)
variance = p[i] * (1 - p[i])
beside = Hypothesis(
    r"The logits are $z_i = \mathbf{w} \cdot \mathbf{x}_i + o_i$ with given numbers $o_i$, such as the "
    r"logits of an older model, and $p_i = \sigma(z_i)$.")

offset_gradient = state(
    "Gradient beside an offset",
    "The form stays: an offset counts in the probabilities and nowhere else. The derivative by the "
    "offset of a data point is its residual.",
    prove(d(NLL, w[k]),
        differentiate(NLL), by_sigmoid, slope(z), to(Σ(i, X[i, k] * (p[i] - y[i])), cancel),
        title="by the weights",
        matrix=(Gradient(NLL, w), design.T @ (probabilities - labels))),
    prove(d(NLL, offset[i]),
        differentiate(NLL), by_sigmoid, slope(z), to(p[i] - y[i], CONTRACT, cancel),
        title="by the offset", matrix=(Gradient(NLL, offset), probabilities - labels)),
    given=(binary, fixed, beside),
)

offset_hessian = state(
    "Hessian beside an offset",
    "As without it, at the probabilities with the offset.",
    prove(d(NLL, w[k], w[l]),
        by(offset_gradient), constant_labels, by_sigmoid, slope(z),
        matrix=(Hessian(NLL, w), design.T @ Diagonal(variances) @ design)),
    given=(binary, fixed, beside),
)

class_offset = Array("O", (N, K), "o", r"\mathbf{O}")
Z = Definition("Z", (i, a), Σ(k, W[a, k] * X[i, k]) + class_offset[i, a], "z", r"\mathbf{Z}")
P = softmax.softmax_of(Z, "P", r"\mathbf{P}")
NLL_K = Definition("NLL", (), -Σ(i, Σ(a, Y[i, a] * log(P[i, a]))), r"\operatorname{NLL}")()
beside_classes = Hypothesis(
    r"The logits are $z_{ia} = \mathbf{w}_a \cdot \mathbf{x}_i + o_{ia}$ with given numbers $o_{ia}$, and "
    r"$p_{ia}$ is their softmax.")

offset_softmax_gradient = state(
    "Gradient of the softmax beside an offset",
    "Again the residual; a number that is the same for all classes of a data point changes nothing.",
    prove(d(NLL_K, W[a, k]),
        differentiate(NLL_K), slope(P), slope(Z), contract,
        because(labels_sum_to_one, given(one_class)),
        title="by the weights",
        matrix=(Gradient(NLL_K, W), (Whole(P) - Whole(Y)).T @ design)),
    prove(d(NLL_K, class_offset[i, a]),
        differentiate(NLL_K), slope(P), slope(Z), contract,
        because(labels_sum_to_one, given(one_class)),
        title="by the offset", matrix=(Gradient(NLL_K, class_offset), Whole(P) - Whole(Y))),
    given=(one_class, fixed, beside_classes),
)

# -- a strength for each coefficient ---------------------------------------------------------------

strength = Array("penalties", (n,), r"\lambda", r"\boldsymbol{\lambda}", domain="nonnegative")
NLL_pen = Definition("NLL_lambda", (), NLL + Σ(k, strength[k] * w[k] ** 2) / 2,
    r"\operatorname{NLL}_{\boldsymbol{\lambda}}")()
working = Definition("omega", (i,), variance, r"\omega", r"\boldsymbol{\omega}")
response = Definition("zeta", (i,), z[i] - offset[i] + (y[i] - p[i]) / working[i], r"\zeta",
    r"\boldsymbol{\zeta}")
each_its_own = Hypothesis(
    r"$\operatorname{NLL}_{\boldsymbol{\lambda}} = \operatorname{NLL} + \frac{1}{2} \sum_k \lambda_k "
    r"w_k^2$ with $\lambda_k \ge 0$, and $\lambda_k = 0$ for a coefficient that is left free, such as the "
    "intercept.")
as_squares = Hypothesis(
    r"$\omega_i = p_i (1 - p_i)$, and $\zeta_i = z_i - o_i + (y_i - p_i) / \omega_i$.")

penalty_gradient = state(
    "Gradient with a strength for each coefficient",
    "Each coefficient is drawn towards zero by its own strength; what has none is not drawn at all.",
    prove(d(NLL_pen, w[k]),
        differentiate(NLL_pen), by(offset_gradient), contract,
        matrix=(Gradient(NLL_pen, w),
            design.T @ (probabilities - labels) + Whole(strength) * weights)),
    given=(binary, fixed, beside, each_its_own), level=ALL_SIZES,
)

penalty_hessian = state(
    "Hessian with a strength for each coefficient",
    "The strengths stand on the diagonal.",
    prove(d(NLL_pen, w[k], w[l]),
        by(penalty_gradient), constant_labels, by_sigmoid, slope(z), entry_rule,
        matrix=(Hessian(NLL_pen, w),
            design.T @ Diagonal(variances) @ design + Diagonal(Whole(strength)))),
    given=(binary, fixed, beside, each_its_own), level=ALL_SIZES,
)

penalty_newton_step = state(
    "Newton's step with a strength for each coefficient",
    r"Newton's next weights $\mathbf{u}$ solve $\mathbf{H} \mathbf{u} = \mathbf{H} \mathbf{w} - "
    r"\mathbf{g}$. On the right the penalty cancels and so does the offset: it is ridge regression of the "
    r"working response $\zeta_i$ with the weights $\omega_i$.",
    prove(Σ(l, d(NLL_pen, w[k], w[l]) * w[l]) - d(NLL_pen, w[k]),
        by(penalty_hessian, penalty_gradient),
        to(Σ(i, X[i, k] * working[i] * (z[i] - offset[i])) - Σ(i, X[i, k] * (p[i] - y[i])), DEFINITION,
            r"$\sum_l x_{il} w_l = z_i - o_i$, and the penalty cancels"),
        to(Σ(i, X[i, k] * working[i] * response[i]), DEFINITION, r"one sum, $\omega_i$ taken out"),
        title="the right side of Newton's equations",
        matrix=(Hessian(NLL_pen, w) @ weights - Gradient(NLL_pen, w),
            design.T @ Diagonal(Whole(working)) @ Whole(response))),
    given=(binary, fixed, beside, each_its_own, as_squares), level=ALL_SIZES,
)

penalty_curvature = state(
    "What a strength of zero leaves flat",
    "Along a direction the curvature is a sum of squares with the variances, and of squares with the "
    "strengths. It is zero only for a direction that has no penalised coefficient and leaves every logit as "
    "it is: so the minimum is unique as soon as the free columns are independent.",
    prove(Σ(k, Σ(l, v[k] * d(NLL_pen, w[k], w[l]) * v[l])),
        by(penalty_hessian),
        to(Σ(i, variance * Σ(k, X[i, k] * v[k]) ** 2) + Σ(k, strength[k] * v[k] ** 2),
            "exchange the sums"),
        sign(">=", "squares with weights that are not negative")),
    given=(binary, fixed, beside, each_its_own), level=ALL_SIZES,
)

# -- odds ratios -----------------------------------------------------------------------------------

beta = scalar("w", "w")
covariance = Array("covariance", (n, n), "c", r"\mathbf{C}")
ratio = Definition("OR", (k,), exp(w[k]), r"\operatorname{OR}")
by_delta = Hypothesis(
    r"$c_{kl}$ is the covariance of the estimates of $w_k$ and $w_l$. The delta method takes the variance "
    r"of a function of the estimates to first order: $\sum_l \sum_m (\partial \operatorname{OR}_k / "
    r"\partial w_l)(\partial \operatorname{OR}_k / \partial w_m) \, c_{lm}$.")

odds_ratio = state(
    "Odds ratio",
    r"One unit more of a feature multiplies the odds by $e^{w}$, whatever the logit $t$ was; the "
    "probability has no such factor.",
    prove(sigma(t + beta) / (1 - sigma(t + beta)) / (sigma(t) / (1 - sigma(t))),
        to(exp(t + beta) / exp(t), DEFINITION, r"the odds are $\sigma(t) / (1 - \sigma(t)) = e^t$"),
        to(exp(beta))),
    given=(Hypothesis(r"$t$ is the logit, and $w$ the weight of the feature."),), level=SCALAR,
)

odds_ratio_variance = state(
    "Variance of an odds ratio",
    r"The standard error of $\operatorname{OR}_k = e^{w_k}$ is the ratio times that of $w_k$. An interval is "
    r"better made for $w_k$, and its ends raised: it stays positive.",
    prove(Σ(l, Σ(m, d(ratio[k], w[l]) * d(ratio[k], w[m]) * covariance[l, m])),
        slope(ratio), contract,
        title="by the delta method"),
    given=(by_delta,), level=ALL_SIZES,
)

# -- any link --------------------------------------------------------------------------------------

linear = Definition("z", (i,), Σ(k, w[k] * X[i, k]), "z", r"\mathbf{z}")
eta = unknown("eta", smooth=2)


def over_labels(chance: Term, body: Term) -> Term:
    """Return the expectation over the label of data point i, which is 1 with a given chance."""
    return expectation(y[i], {1: chance, 0: 1 - chance}, body)

linked = Definition("p", (i,), sigma(eta(linear[i])), "p", r"\mathbf{p}")
linked_NLL = NLL_of(linked, "NLL", r"\operatorname{NLL}")
first, bend = eta.prime(linear[i]), eta.prime.prime(linear[i])
spread = linked[i] * (1 - linked[i])
any_link = Hypothesis(
    r"$z_i = \mathbf{w} \cdot \mathbf{x}_i$ and $p_i = \sigma(\eta(z_i))$ with any twice differentiable "
    r"function $\eta$. That is any function with values between 0 and 1: $\eta$ is its log-odds.")
follows_model = Hypothesis(r"For the expectation the labels follow the model: $y_i$ is 1 with probability "
    r"$p_i$.")
two_outcomes = "the two outcomes and their probabilities"

link_gradient = state(
    "Gradient with any link",
    r"The residual, times the slope of the log-odds. With the link of the logistic model, $\eta(t) = t$, "
    "the slope is one.",
    prove(d(linked_NLL, w[k]),
        differentiate(linked_NLL), by_sigmoid, chain_rule, slope(linear),
        to(Σ(i, X[i, k] * first * (linked[i] - y[i])), cancel)),
    given=(binary, fixed, any_link),
)

link_hessian = state(
    "Hessian with any link, observed and expected",
    "The first part is never negative and has no labels in it; the second has the residuals, and vanishes "
    "on average under the model. So observed and expected information differ unless the log-odds are "
    "linear, and Newton's method and Fisher scoring are two methods.",
    prove(d(linked_NLL, w[k], w[l]),
        by(link_gradient), linearity, chain_rule, by_sigmoid, chain_rule, slope(linear), collect,
        title="observed"),
    prove(over_labels(linked[i], first ** 2 * spread + bend * (linked[i] - y[i])),
        to(first ** 2 * spread, DEFINITION, two_outcomes),
        at=(i,), title="expected, the weight of a data point"),
    given=(binary, fixed, any_link, follows_model),
)

# -- probit ----------------------------------------------------------------------------------------

probit = Definition("p", (i,), Φ(linear[i]), "p", r"\mathbf{p}")
other = Definition("p'", (i,), Φ(-linear[i]), "p'", r"\mathbf{p}'")
probit_NLL = Definition("NLL", (), -Σ(i, y[i] * log(probit[i]) + (1 - y[i]) * log(other[i])),
    r"\operatorname{NLL}")()
mills = Definition("m", (t,), φ(t) / Φ(t), "m")
at_1, at_0 = mills(linear[i]), mills(-linear[i])
mills_slope = prove(d(mills(t), t),
    differentiate(mills), to(-(mills(t) * (mills(t) + t)), DEFINITION, "collect"),
    title="the slope of the ratio")
by_normal = Hypothesis(
    r"$z_i = \mathbf{w} \cdot \mathbf{x}_i$ and $p_i = \Phi(z_i)$, the probability that a standard normal "
    r"number is below $z_i$; $p'_i = \Phi(-z_i)$ is that of the other label, $1 - p_i$. $m(t) = "
    r"\varphi(t) / \Phi(t)$ with the density $\varphi$.")

probit_gradient = state(
    "Probit: NLL and gradient",
    "For each label a ratio of density and probability, which grows only as fast as the logit of a wrong "
    "answer does.",
    prove(d(probit_NLL, w[k]),
        differentiate(probit_NLL), unfold(probit, other), chain_rule, slope(linear),
        to(Σ(i, X[i, k] * ((1 - y[i]) * at_0 - y[i] * at_1)), DEFINITION, "collect")),
    given=(binary, fixed, by_normal), level=ALL_SIZES,
)

probit_hessian = state(
    "Probit: observed and expected information",
    "Both are positive. They differ, for the probit is not the link in which the labels drop out.",
    prove(d(probit_NLL, w[k], w[l]),
        by(probit_gradient), linearity, by(mills_slope), chain_rule, slope(linear),
        to(
            Σ(i, X[i, k] * X[i, l] * (y[i] * at_1 * (at_1 + linear[i])
                + (1 - y[i]) * at_0 * (at_0 - linear[i]))), "collect"),
        title="observed"),
    mills_slope,
    prove(expectation(y[i], {1: probit[i], 0: other[i]}, ((1 - y[i]) * at_0 - y[i] * at_1) ** 2),
        to(φ(linear[i]) ** 2 / probit[i] + φ(-linear[i]) ** 2 / other[i], DEFINITION, two_outcomes),
        title=r"expected, of a data point: $\varphi(z_i)^2 / (p_i p'_i)$, since $\varphi$ is even"),
    given=(binary, fixed, by_normal, follows_model), level=ALL_SIZES,
)

# -- complementary log-log -------------------------------------------------------------------------

hazard = Definition("u", (i,), exp(linear[i]), "u")
cloglog = Definition("p", (i,), 1 - exp(-hazard[i]), "p", r"\mathbf{p}")
cloglog_NLL = Definition("NLL", (), Σ(i, (1 - y[i]) * hazard[i] - y[i] * log(cloglog[i])),
    r"\operatorname{NLL}")()
by_hazard = Hypothesis(
    r"$z_i = \mathbf{w} \cdot \mathbf{x}_i$, $u_i = e^{z_i}$ and $p_i = 1 - e^{-u_i}$: the probability of "
    r"at least one event where $u_i$ are expected; the cost of a label 0 is $-\log(1 - p_i) = u_i$.",
    signs=((cloglog[i], "positive"),))

cloglog_gradient = state(
    "Complementary log-log: NLL and gradient",
    r"The residual by the probability, times $u_i$: $u_i$ for a label 0, and for a label 1 a number between "
    "$-1$ and 0. The link is not symmetric: with the labels swapped it is another model.",
    prove(d(cloglog_NLL, w[k]),
        differentiate(cloglog_NLL), unfold(cloglog), unfold(hazard), chain_rule, slope(linear),
        to(Σ(i, X[i, k] * hazard[i] * (cloglog[i] - y[i]) / cloglog[i]), DEFINITION, "collect")),
    given=(binary, fixed, by_hazard),
)

cloglog_hessian = state(
    "Complementary log-log: observed and expected information",
    "Both are positive, and the expected one has no labels in it.",
    prove(d(cloglog_NLL, w[k], w[l]),
        by(cloglog_gradient), unfold(cloglog), unfold(hazard), linearity, chain_rule, slope(linear),
        to(Σ(i, X[i, k] * X[i, l] * hazard[i] * (1 - y[i] / cloglog[i]
            + y[i] * hazard[i] * (1 - cloglog[i]) / cloglog[i] ** 2)), DEFINITION, "collect"),
        title="observed"),
    prove(over_labels(cloglog[i], (hazard[i] * (cloglog[i] - y[i]) / cloglog[i]) ** 2),
        to(hazard[i] ** 2 * (1 - cloglog[i]) / cloglog[i], DEFINITION, two_outcomes),
        title="expected, the weight of a data point"),
    given=(binary, fixed, by_hazard, follows_model),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("regression"))
