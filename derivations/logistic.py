"""Binary logistic regression by maximum likelihood, from one Bernoulli label to Newton's method."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import sigmoid
from derivations.notation import *
from derivations.sigmoid import sigma, soft_plus

# -- the model --------------------------------------------------------------------------------------

z = Definition("z", (i,), Σ(k, w[k] * X[i, k]), "z", r"\mathbf{z}")
p = Definition("p", (i,), sigma(z[i]), "p", r"\mathbf{p}")
probabilities = Whole(p)
variances = probabilities * (Ones(N) - probabilities)

binary = Hypothesis(r"$y_i \in \{0, 1\}$: the label of data point $i$.")
independent = Hypothesis(
    r"Given $\mathbf{X}$ and $\mathbf{w}$ the labels are independent, and the label of data point "
    r"$i$ depends on its own features $\mathbf{x}_i$ alone.")
fixed = Hypothesis(r"The features $\mathbf{X}$ are given numbers; nothing is assumed of them.")

outcome = scalar("y", "y", domain="label")
h = scalar("h", domain="unit")
mass = Definition("P", (outcome,), h**outcome * (1 - h) ** (1 - outcome), "P")

above, below = scalar("r", domain="nonnegative"), scalar("below", "s", domain="positive")
missed = scalar("c_m", "c_m", domain="positive")
false_alarm = scalar("c_f", "c_f", domain="positive")
costs = false_alarm + missed

costs_of_errors = Hypothesis(
    r"$r \ge 0$ and $s > 0$; the label is 1 with the probability $h$; the costs $c_f, c_m$ are "
    "positive.")

decision_rule = state(
    "Decision rule",
    "Answering 1 when the probability is at least one half is the same as asking on which side of "
    r"the hyperplane $\mathbf{w} \cdot \mathbf{x} = 0$ a point lies. The threshold one half "
    "belongs to equal costs: when a false alarm costs $c_f$ and a miss costs $c_m$, answering 1 "
    r"costs no more than answering 0 exactly when $h \ge c_f / (c_f + c_m)$.",
    prove(sigma(above) - term(1) / 2,
        to((1 - exp(-above)) / (2 * (1 + exp(-above))), DEFINITION, "one fraction"),
        sign(">=", r"$e^{-r} \le 1$"),
        title=r"on the side of the label 1, $\mathbf{w} \cdot \mathbf{x} = r \ge 0$"),
    prove(sigma(-below) - term(1) / 2,
        to((1 - exp(below)) / (2 * (1 + exp(below))), DEFINITION, "one fraction"),
        sign("<", "$e^{s} > 1$"),
        title=r"on the side of the label 0, $\mathbf{w} \cdot \mathbf{x} = -s < 0$"),
    prove(false_alarm * (1 - h) - missed * h,
        to(false_alarm - costs * h, "expand"),
        to(costs * (false_alarm / costs - h),
            r"so the sign is that of $\frac{c_f}{c_f + c_m} - h$"),
        title="expected cost of answering 1 minus that of answering 0"),
    given=(costs_of_errors,), level=SCALAR,
)

power_0 = because("a power with exponent 0 is 1", collect)
one_bernoulli = Hypothesis(
    r"The label $y \in \{0, 1\}$ has the probability $P(y) = h^y (1 - h)^{1 - y}$, with $0 < h < "
    "1$.")

bernoulli = state(
    "One label",
    "One formula holds both cases of a Bernoulli variable, and its two values sum to one.",
    prove(mass(1), unfold(mass), power_0),
    prove(mass(0), unfold(mass), power_0),
    prove(mass(0) + mass(1), to(1 - h + h, DEFINITION, "the two cases"), collect),
    given=(one_bernoulli,), level=SCALAR,
)

right, wrong = p[i] ** y[i], (1 - p[i]) ** (1 - y[i])
L = Definition("L", (), Π(i, right * wrong), r"\mathcal{L}")


def log_likelihood_of(p: Definition) -> Term:
    """Return the logarithm of the probability of the label of data point i."""
    return y[i] * log(p[i]) + (1 - y[i]) * log(1 - p[i])


def NLL_of(p: Definition, name: str, letter: str) -> Use:
    """Return the negative log-likelihood of all labels."""
    return Definition(name, (), -Σ(i, log_likelihood_of(p)), letter)()

one_term = log_likelihood_of(p)
each_sign = Σ(i, -(y[i] * log(p[i])) - (1 - y[i]) * log(1 - p[i]))
NLL = NLL_of(p, "NLL", r"\operatorname{NLL}")

likelihood = define(
    "Likelihood",
    "The probability of the labels that were seen, as a function of the weights. It is a product "
    "over data points because the labels are independent given the features.",
    L, p, z, given=(binary, independent),
)

log_likelihood = state(
    "Log-likelihood",
    "The logarithm is strictly increasing and the likelihood is positive, so both have the same "
    "maximisers; the product becomes a sum.",
    prove(log(L()),
        unfold(L),
        to(Σ(i, log(right * wrong)), LOGARITHM, "the logarithm of a product"),
        to(Σ(i, log(right) + log(wrong)), LOGARITHM, "the logarithm of a product"),
        to(Σ(i, one_term), LOGARITHM, "the logarithm of a power")),
    given=(binary, independent), level=ALL_SIZES,
)

nll = state(
    "Negative log-likelihood",
    "The cost that maximum likelihood minimises.",
    prove(-log(L()), by(log_likelihood), to(each_sign, "the sign goes to each data point")),
    given=(binary, independent), level=ALL_SIZES,
)

point = Definition("ell", (outcome, t), soft_plus(t) - outcome * t, r"\ell")
margin_form = Definition("ell_m", (outcome, t), soft_plus(-((2 * outcome - 1) * t)),
    r"\tilde{\ell}")
two_softplus = y[i] * soft_plus(-z[i]) + (1 - y[i]) * soft_plus(z[i])

losses_by_logit = Hypothesis(
    r"$\ell(y, t) = \operatorname{softplus}(t) - y t$ and $\tilde{\ell}(y, t) = "
    r"\operatorname{softplus}(-(2y - 1) t)$: the loss of one data point with the logit $t$.")

nll_softplus = state(
    "NLL by softplus",
    "No probability is formed. Where the label is 1 and $z$ is large the difference "
    r"$\operatorname{softplus}(z) - y z$ cancels; the same loss by the margin $(2y - 1) z$ of the "
    r"data point, $\operatorname{softplus}(-(2y - 1) z)$, has no difference in it. The last two "
    "lines say it label by label.",
    prove(NLL,
        unfold(NLL),
        to(Σ(i, two_softplus), DEFINITION,
            r"$\log \sigma(t) = -\operatorname{softplus}(-t)$ and $1 - \sigma(t) = \sigma(-t)$",
            sigmoid.log_sigmoid, sigmoid.symmetry),
        to(Σ(i, soft_plus(z[i]) - y[i] * (soft_plus(z[i]) - soft_plus(-z[i]))), "collect"),
        to(Σ(i, soft_plus(z[i]) - y[i] * z[i]), DEFINITION,
            r"$\operatorname{softplus}(t) - \operatorname{softplus}(-t) = t$", sigmoid.softplus)),
    prove(point(1, t),
        to(soft_plus(t) - t, DEFINITION),
        to(soft_plus(-t), DEFINITION, sigmoid.softplus),
        to(margin_form(1, t), DEFINITION, "$2y - 1 = 1$"),
        title="the label is 1"),
    prove(point(0, t),
        to(soft_plus(t), DEFINITION),
        to(margin_form(0, t), DEFINITION, "$2y - 1 = -1$"),
        title="the label is 0"),
    given=(binary, losses_by_logit), level=ALL_SIZES,
)

q = Array("q", (N,), "q", r"\mathbf{q}", domain="unit")
odds = Array("r", (N,), "r", r"\mathbf{r}", domain="positive")
limit_entropy = Definition("H_t", (t,), -(sigma(t) * log(sigma(t))) - sigma(-t) * log(sigma(-t)),
    "H")
entropy = Definition("H", (i,), -(q[i] * log(q[i])) - (1 - q[i]) * log(1 - q[i]), "H")
divergence = Definition("KL", (i,),
    q[i] * log(q[i] / p[i]) + (1 - q[i]) * log((1 - q[i]) / (1 - p[i])), r"\operatorname{KL}")
cross_entropy = Definition("CE", (i,), -(q[i] * log(p[i])) - (1 - q[i]) * log(1 - p[i]),
    r"\operatorname{CE}")
split_logarithm = r"$-q \log p = -q \log q + q \log (q / p)$"

soft_labels = Hypothesis(
    "$0 < q_i < 1$: soft labels, the empirical probability of class 1.",
    replace=((q[i], odds[i] / (1 + odds[i])),))
three_entropies = Hypothesis(
    r"$\operatorname{CE}_i = -q_i \log p_i - (1 - q_i) \log (1 - p_i)$, $H_i$ is the same with "
    r"$q_i$ for $p_i$, and $\operatorname{KL}_i = q_i \log (q_i / p_i) + (1 - q_i) \log ((1 - q_i) "
    r"/ (1 - p_i))$. $H(t)$ is the entropy at $q = \sigma(t)$, where $1 - q = \sigma(-t)$.")

nll_cross_entropy = state(
    "NLL and cross-entropy",
    "The NLL is the sum of the cross-entropies of the labels against the model, $N$ times their "
    "mean. Cross-entropy is entropy plus Kullback-Leibler divergence, and the entropy does not "
    "depend on the weights: to maximise the likelihood is to minimise the divergence. At the "
    r"labels 0 and 1 the entropy is zero, as the limit in which $0 \log 0 = 0$.",
    prove(cross_entropy[i],
        unfold(cross_entropy),
        to(entropy[i] + divergence[i], DEFINITION, split_logarithm),
        title="one data point"),
    prove(NLL,
        unfold(NLL),
        to(each_sign, "the cross-entropy at $q_i = y_i$"),
        title="the labels 0 and 1"),
    prove(Σ(i, cross_entropy[i]),
        to(Size(N) * (Σ(i, cross_entropy[i]) / Size(N)), "the mean, times $N$"),
        to(Size(N) * (Σ(i, entropy[i] + divergence[i]) / Size(N)), DEFINITION, split_logarithm),
        to(Size(N) * (Σ(i, entropy[i]) / Size(N) + Σ(i, divergence[i]) / Size(N)),
            "mean entropy and mean divergence"),
        title="all data points"),
    prove(Limit(limit_entropy(t), t, 1),
        to(0, LIMIT, r"$q = \sigma(t) \to 1$"),
        title="the entropy at the label 1"),
    prove(Limit(limit_entropy(t), t, -1),
        to(0, LIMIT, r"$q = \sigma(t) \to 0$"),
        title="the entropy at the label 0"),
    given=(binary, soft_labels, three_entropies), level=ALL_SIZES,
)

# -- the gradient -----------------------------------------------------------------------------------

by_sigmoid = because("the slope of the sigmoid", by(sigmoid.derivative))
cancel = "the denominators cancel; collect"

nll_gradient = state(
    "Gradient of the NLL",
    "Each data point pulls the weights along its own features, by as much as its probability is "
    "wrong.",
    prove(d(NLL, w[k]),
        differentiate(NLL), by_sigmoid, slope(z),
        to(Σ(i, X[i, k] * (p[i] - y[i])), cancel),
        matrix=(Gradient(NLL, w), design.T @ (probabilities - labels))),
    given=(binary, fixed),
)

residual = state(
    "Loss, residual and variance without a difference",
    r"With $1 - p = \sigma(-z)$ a confident right answer keeps its small loss, its small residual "
    "and its small variance, where $1 - p$ would round to zero. For a label 0 or 1 one of the two "
    "terms of residual and loss is zero, so nothing is subtracted.",
    prove(p[i] - y[i],
        to((1 - y[i]) * p[i] - y[i] * (1 - p[i]), "split by the label"),
        to((1 - y[i]) * sigma(z[i]) - y[i] * sigma(-z[i]), DEFINITION, sigmoid.symmetry),
        title="residual"),
    prove(-one_term,
        to(two_softplus, DEFINITION, r"$\log \sigma(t) = -\operatorname{softplus}(-t)$",
            sigmoid.log_sigmoid, sigmoid.symmetry),
        title="loss"),
    prove(p[i] * (1 - p[i]),
        to(sigma(z[i]) * sigma(-z[i]), DEFINITION, sigmoid.symmetry),
        title="variance"),
    given=(binary,), level=ALL_SIZES,
)

w0 = scalar("w_0", "w_0")
z0 = Definition("z0", (i,), w0 + Σ(k, w[k] * X[i, k]), "z", superscript=r"\circ")
p0 = Definition("p0", (i,), sigma(z0[i]), "p", superscript=r"\circ")
NLL0 = NLL_of(p0, "NLL0", r"\operatorname{NLL}^\circ")

with_intercept = Hypothesis(
    r"With an intercept $w_0$ beside the weights, $z^\circ_i = w_0 + \mathbf{w} \cdot "
    r"\mathbf{x}_i$ and $p^\circ_i = \sigma(z^\circ_i)$; $\operatorname{NLL}^\circ$ is the NLL of "
    "these.")

score_equations = state(
    "Score equations",
    r"At a maximum likelihood estimate the gradient is zero, so $\mathbf{X}^\top \mathbf{p} = "
    r"\mathbf{X}^\top \mathbf{y}$: the model reproduces the sum of every feature over class 1. "
    "With an intercept $w_0$ the mean of the probabilities is the mean of the labels.",
    prove(Σ(i, X[i, k] * p[i]) - Σ(i, X[i, k] * y[i]),
        because("one sum", collect),
        to(d(NLL, w[k]), nll_gradient),
        title=r"score equations: zero exactly when $\partial \operatorname{NLL} / \partial w_k$ is"),
    prove(d(NLL0, w0),
        differentiate(NLL0), by_sigmoid, slope(z0),
        to(Σ(i, p0[i]) - Σ(i, y[i]), cancel),
        title="with an intercept"),
    given=(binary, fixed, with_intercept),
)

# -- the Hessian ------------------------------------------------------------------------------------

hessian_kl = d(NLL, w[k], w[l])
variance = p[i] * (1 - p[i])
along_v = Σ(k, X[i, k] * v[k])
constant_labels = because("the labels are constants", linearity)

nll_hessian = state(
    "Hessian of the NLL",
    "A weighted Gram matrix of the features: each data point counts by the variance of its label. "
    "The labels themselves are gone.",
    prove(hessian_kl,
        by(nll_gradient), constant_labels, by_sigmoid, slope(z),
        matrix=(Hessian(NLL, w), design.T @ Diagonal(variances) @ design)),
    given=(binary, fixed),
)

nll_hvp = state(
    "Hessian-vector product",
    "Two products with the design matrix; the Hessian is never formed.",
    prove(Σ(l, hessian_kl * v[l]),
        by(nll_hessian), because("exchange the sums", collect),
        matrix=(Hessian(NLL, w) @ direction, design.T @ (variances * (design @ direction)))),
    given=(binary, fixed), level=ALL_SIZES,
)

point_loss = Definition("loss", (i,), -one_term, r"\ell")
block_gradient = Definition("block_gradient", (block, k),
    Σ(i, member[block, i] * X[i, k] * (p[i] - y[i])), written="g^{{({0})}}_{{{1}}}")
NLL_block = Definition("cost", (block,), Σ(i, member[block, i] * point_loss[i]),
    r"\operatorname{NLL}")
block_hessian = Σ(i, member[block, i] * X[i, k] * variance * X[i, l])

blocks = state(
    "Sums over blocks of rows",
    "Cut the rows into blocks in any way: value, gradient, Hessian and Hessian-vector product of "
    "the whole are the sums of those of the blocks. So they can be computed block by block, in "
    "any order, on one machine or on many, in memory for one block.",
    prove(NLL,
        to(Σ(i, point_loss[i]), DEFINITION, "the sign goes to each data point"),
        to(Σ(i, Σ(block, member[block, i]) * point_loss[i]), "each row is in one block"),
        to(Σ(block, Σ(i, member[block, i] * point_loss[i])), "exchange the sums"),
        fold(NLL_block),
        title="value"),
    prove(d(NLL, w[k]),
        to(d(Σ(block, NLL_block[block]), w[k]), DEFINITION, "the value"),
        linearity, differentiate(NLL_block, point_loss), by_sigmoid, slope(z),
        to(Σ(block, block_gradient.body), cancel),
        title="gradient"),
    prove(hessian_kl,
        by(nll_gradient),
        to(d(Σ(block, block_gradient[block, k]), w[l]), DEFINITION, "the gradient"),
        linearity, unfold(block_gradient), constant_labels, by_sigmoid, slope(z),
        title="Hessian"),
    prove(Σ(l, hessian_kl * v[l]),
        by(nll_hessian),
        to(Σ(block, Σ(l, block_hessian * v[l])), "the Hessian of each block"),
        to(Σ(block, Σ(i, member[block, i] * X[i, k] * variance * Σ(l, X[i, l] * v[l]))),
            "exchange the sums"),
        title="Hessian-vector product"),
    given=(binary, fixed, partition), level=ALL_SIZES,
)

tau = scalar("tau", r"\tau")
curvature = Σ(k, Σ(l, v[k] * hessian_kl * v[l]))
square = because("the double sum is a square", collect)

nll_convex = state(
    "Convexity",
    "The quadratic form is a sum of squares with positive weights, so the NLL is convex. It is "
    r"strictly convex exactly when $\mathbf{X}$ has full column rank; that alone does not give a "
    "minimiser.",
    prove(curvature,
        by(nll_hessian), square, sign(">=", "$0 < p_i < 1$"),
        words(
            r"The sum is zero only if $\mathbf{x}_i \cdot \mathbf{v} = 0$ for every $i$, since "
            r"every $p_i (1 - p_i)$ is positive: only if $\mathbf{X} \mathbf{v} = 0$. So the "
            r"Hessian is positive definite if and only if the columns of $\mathbf{X}$ are linearly "
            r"independent. If they are not, some $\mathbf{v} \ne 0$ has $\mathbf{X} \mathbf{v} = "
            "0$, and the NLL is constant along it, as its logits are.",
            "boyd2004"),
        title="curvature along a direction"),
    prove(Σ(k, (w[k] + tau * v[k]) * X[i, k]),
        to(z[i] + tau * Σ(k, v[k] * X[i, k]), DEFINITION, "linear in the weights"),
        title=r"the logits at $\mathbf{w} + \tau \mathbf{v}$"),
    given=(binary, fixed), level=LEMMA,
)

second, third = d(soft_plus(t), t, t), d(soft_plus(t), t, t, t)
derivatives = (by(sigmoid.softplus), by_sigmoid, chain_rule, by_sigmoid, collect)

not_all_zero = Hypothesis(
    r"$\mathbf{X} \ne 0$, so that the largest eigenvalue $\lambda_{\max}$ is positive. $\ell(t) = "
    r"\operatorname{softplus}(t) - y t$ is the loss of one data point by its logit, with the "
    "second derivative of softplus.")

smoothness = state(
    "Smoothness",
    r"The Hessian never exceeds $\frac{1}{4} \mathbf{X}^\top \mathbf{X}$, whatever the weights: "
    r"gradient descent with the step size $4 / \lambda_{\max}(\mathbf{X}^\top \mathbf{X})$ does "
    "not raise the NLL. The third derivative of the loss of one data point is bounded by its "
    "second.",
    prove(curvature, by(nll_hessian), square, title="curvature along a direction"),
    prove(Σ(i, along_v**2) / 4 - Σ(i, variance * along_v**2),
        to(Σ(i, (term(1) / 4 - variance) * along_v**2), "one sum"),
        to(Σ(i, (term(1) / 2 - p[i]) ** 2 * along_v**2),
            r"$\frac{1}{4} - p (1 - p) = (\frac{1}{2} - p)^2$"),
        sign(">=", "a sum of squares"),
        title="the bound minus the curvature, "
        r"$\mathbf{v}^\top \nabla^2 \operatorname{NLL} \mathbf{v} \le \frac{1}{4} "
              r"\mathbf{v}^\top \mathbf{X}^\top \mathbf{X} \mathbf{v}$"),
    prove(second - third,
        *derivatives, sign(">", "a product of positive factors"),
        title=r"the second derivative minus the third, $\ell''' < \ell''$"),
    prove(second + third,
        *derivatives, sign(">", "a product of positive factors"),
        words(
            "A function whose Hessian is bounded by $L > 0$ does not rise in a step of gradient "
            "descent with the step size $1 / L$ (descent lemma).",
            "boyd2004"),
        title=r"the second derivative plus the third, $-\ell''' < \ell''$"),
    given=(binary, fixed, not_all_zero), level=LEMMA,
)

# -- estimation -------------------------------------------------------------------------------------

working = Definition("omega", (i,), p[i] * (1 - p[i]), r"\omega", r"\boldsymbol{\omega}")
response = Definition("zeta", (i,), z[i] + (y[i] - p[i]) / working[i], r"\zeta",
    r"\boldsymbol{\zeta}")
some_response = Array("r", (N,), "r", r"\mathbf{r}")
solution = Array("u", (n,), "u", r"\mathbf{u}")

scale = Array("c", (n,), "c", r"\mathbf{c}", domain="positive")
step = Array("d", (n,), "d", r"\mathbf{d}")
H = Array("H", (n, n), "h", r"\mathbf{H}")
G = Array("g", (n,), "g", r"\mathbf{g}")
newton_direction = Array("H^-1 g", (n,), r"\mathbf{H}^{-1} \mathbf{g}",
    written=r"(\mathbf{{H}}^{{-1}} \mathbf{{g}})_{0}")
inverted = Hypothesis(
    r"$\mathbf{H}$ and $\mathbf{g}$ are Hessian and gradient. $\mathbf{X}$ has full column rank, "
    r"so that $\mathbf{H}$ is invertible: $\mathbf{H}^{-1} \mathbf{g}$ solves $\mathbf{H} "
    r"\mathbf{d} = \mathbf{g}$.",
    replace=((G[k], Σ(l, H[k, l] * newton_direction[l])),))
Hw = Σ(l, H[k, l] * w[l])

weights_and_response = Hypothesis(
    r"$\omega_i = p_i (1 - p_i)$ and $\zeta_i = z_i + (y_i - p_i) / \omega_i$; in the last "
    r"equation the weights $s_i \ge 0$ and the response $r_i$ are any numbers.")

newton_step = state(
    "Newton's step is weighted least squares",
    r"Newton's next weights $\mathbf{u} = \mathbf{w} - \mathbf{H}^{-1} \mathbf{g}$ solve "
    r"$\mathbf{H} \mathbf{u} = \mathbf{H} \mathbf{w} - \mathbf{g}$. The right side is that of a "
    r"least squares problem with weights $\omega_i = p_i (1 - p_i)$ and working response "
    r"$\zeta_i$: iteratively reweighted least squares (IRLS) is Newton's method.",
    prove(Σ(l, H[k, l] * (w[l] - newton_direction[l])),
        to(Hw - Σ(l, H[k, l] * newton_direction[l]), "two sums"),
        to(Hw - G[k], r"$\mathbf{H} \mathbf{H}^{-1} \mathbf{g} = \mathbf{g}$"),
        title=r"Newton's step to $\mathbf{w} - \mathbf{H}^{-1} \mathbf{g}$"),
    prove(Σ(l, hessian_kl * w[l]) - d(NLL, w[k]),
        by(nll_hessian, nll_gradient),
        to(Σ(i, X[i, k] * variance * z[i]) - Σ(i, X[i, k] * (p[i] - y[i])), DEFINITION,
            r"$\sum_l x_{il} w_l = z_i$"),
        to(Σ(i, X[i, k] * working[i] * response[i]), DEFINITION, r"one sum, $\omega_i$ taken out"),
        title="the right side of Newton's equations",
        matrix=(Hessian(NLL, w) @ weights - Gradient(NLL, w),
            design.T @ Diagonal(Whole(working)) @ Whole(response))),
    prove(d(Σ(i, s[i] * (some_response[i] - Σ(l, X[i, l] * solution[l])) ** 2) / 2, solution[k]),
        differentiate(), contract,
        to(
            Σ(l, Σ(i, X[i, k] * s[i] * X[i, l]) * solution[l])
            - Σ(i, X[i, k] * s[i] * some_response[i]),
            "zero exactly for the normal equations"),
        title="the normal equations of weighted least squares"),
    given=(binary, fixed, inverted, weights_and_response), level=ALL_SIZES,
)

scaled = Array("u", (n,), "u", r"\mathbf{u}")
z_scaled = Definition("z'", (i,), Σ(k, scaled[k] * (scale[k] * X[i, k])), "z",
    superscript=r"\prime")
p_scaled = Definition("p'", (i,), sigma(z_scaled[i]), "p", superscript=r"\prime")
NLL_scaled = NLL_of(p_scaled, "NLL'", r"\operatorname{NLL}_{\mathbf{c}}")
gradient_scaled = scale[k] * Σ(i, X[i, k] * (p_scaled[i] - y[i]))
rate = scalar("eta", r"\eta", domain="positive")

units = Hypothesis(
    r"$c_k > 0$: the change of the unit. $\mathbf{H}$, $\mathbf{g}$ and $\mathbf{d}$ are Hessian, "
    "gradient and Newton's step in the old units.")

column_scaling = state(
    "Scaling a column",
    "Measure feature $k$ in another unit, $x'_{ik} = c_k x_{ik}$. The weights $u_k = w_k / c_k$ "
    "give the same logits, so nothing that is fitted changes but the weight, which is divided by "
    "$c_k$. The gradient is multiplied by $c_k$ and the Hessian by $c_k c_l$. Newton's method "
    "does not notice: its step is divided by $c_k$ like the weights. Gradient descent does: in "
    "the old units it multiplies the gradient by $c_k^2$, which is why features are standardised "
    "for it. All this is said of the NLL without a penalty.",
    prove(Σ(k, w[k] / scale[k] * (scale[k] * X[i, k])),
        because("$c_k$ cancels", collect), fold(z),
        title="the logits at $u_k = w_k / c_k$"),
    prove(d(NLL_scaled, scaled[k]),
        differentiate(NLL_scaled), by_sigmoid, slope(z_scaled),
        to(gradient_scaled, cancel),
        title="gradient"),
    prove(d(gradient_scaled, scaled[l]),
        constant_labels, by_sigmoid, slope(z_scaled),
        because("$c_l$ is the same for every data point", collect),
        title="Hessian: the derivatives of the gradient"),
    prove(Σ(l, scale[k] * scale[l] * H[k, l] * (step[l] / scale[l])) + scale[k] * G[k],
        because(r"$c_l$ cancels: zero exactly when $\mathbf{H} \mathbf{d} = -\mathbf{g}$", collect),
        title="Newton's equations at $d_l / c_l$"),
    prove(scale[k] * (w[k] / scale[k] - rate * (scale[k] * G[k])),
        to(w[k] - rate * scale[k] ** 2 * G[k], "back in the old units"),
        title=r"one step of gradient descent with the step size $\eta$"),
    given=(binary, fixed, units),
)

outcomes_i, outcomes_j = {1: p[i], 0: 1 - p[i]}, {1: p[j], 0: 1 - p[j]}
score_ik, score_il = X[i, k] * (p[i] - y[i]), X[i, l] * (p[i] - y[i])
score_jl = X[j, l] * (p[j] - y[j])
both_outcomes = "the two outcomes and their probabilities"

follows_model = Hypothesis(r"The labels follow the model: $y_i$ is 1 with probability $p_i$.")

fisher_information = state(
    "Fisher information",
    "Under the model the expected outer product of the score is the Hessian, and since the "
    "Hessian has no labels in it, expected and observed information are the same (the link is "
    "canonical).",
    prove(Σ(i, expectation(y[i], outcomes_i, score_ik * score_il)),
        to(
            Σ(i,
                p[i] * (X[i, k] * (p[i] - 1) * (X[i, l] * (p[i] - 1)))
                + (1 - p[i]) * (X[i, k] * p[i] * (X[i, l] * p[i]))),
            DEFINITION, both_outcomes),
        to(Σ(i, X[i, k] * variance * X[i, l]), "$1 - p + p = 1$"),
        to(hessian_kl, nll_hessian),
        at=(k, l), title="the same data point"),
    prove(expectation(y[i], outcomes_i, score_ik),
        to(p[i] * (X[i, k] * (p[i] - 1)) + (1 - p[i]) * (X[i, k] * p[i]), DEFINITION,
            both_outcomes),
        collect,
        title="the score has mean zero"),
    prove((1 - δ(i, j))
          * expectation(y[i], outcomes_i, expectation(y[j], outcomes_j, score_ik * score_jl)),
        to(
            (1 - δ(i, j)) * expectation(y[i], outcomes_i, score_ik)
            * expectation(y[j], outcomes_j, score_jl),
            DEFINITION,
            "independence: the expectation of a product is the product of expectations"),
        to(0, DEFINITION, "both factors are zero"),
        words(
            r"When $\mathbf{X}$ has full column rank and $N$ grows, the estimate is asymptotically "
            "normal, and the inverse of the information is its covariance; the roots of the "
            "diagonal are the standard errors.",
            "mccullagh1989"),
        at=(i, j, k, l), title=r"two different data points, $i \ne j$"),
    given=(independent, follows_model, fixed), level=LEMMA,
)

margin = Definition("m", (i,), (2 * y[i] - 1) * Σ(k, w[k] * X[i, k]), "m")
gain = Definition("d", (i,), (2 * y[i] - 1) * Σ(k, v[k] * X[i, k]), "d")
along = -(margin[i] + tau * gain[i])
m1, d1 = scalar("m", "m"), scalar("d", "d", domain="positive")

separated = Hypothesis(
    r"$d_i = (2 y_i - 1)\, \mathbf{x}_i \cdot \mathbf{v} \ge 0$ for every $i$, and $> 0$ for some.",
    signs=((gain[i], "nonnegative"),))

no_mle_when_separable = state(
    "No estimate on separable data",
    r"Let the direction $\mathbf{v}$ separate the classes: $d_i = (2 y_i - 1)\, \mathbf{x}_i \cdot "
    r"\mathbf{v} \ge 0$ for every data point and $d_i > 0$ for some. From any weights the NLL "
    r"falls along $\mathbf{v}$ for ever, so it has no minimiser. When all $d_i > 0$ (complete "
    "separation) it falls to zero, which it never reaches; when some are zero (quasi-complete "
    "separation) it falls to what the others leave.",
    prove(-((2 * y[i] - 1) * Σ(k, (w[k] + tau * v[k]) * X[i, k])),
        to(along, DEFINITION, "linear in the weights", nll_softplus),
        title=r"the argument of softplus at $\mathbf{w} + \tau \mathbf{v}$"),
    prove(d(Σ(i, soft_plus(along)), tau),
        linearity, because("the slope of softplus", by(sigmoid.softplus)),
        to(-Σ(i, gain[i] * sigma(along)), DIFFERENTIATE, r"the argument is linear in $\tau$"),
        sign("<=", r"$d_i \ge 0$ and $\sigma > 0$"),
        words(
            "The slope is negative, not only non-positive, as soon as one $d_i > 0$: every point "
            r"$\mathbf{w}$ has a better one, so none is a minimiser.",
            "albert1984"),
        title=r"the slope of the NLL along $\mathbf{v}$"),
    prove(Limit(soft_plus(-(m1 + tau * d1)), tau, 1),
        to(0, LIMIT, r"$e^{-\tau d} \to 0$ for $d > 0$, whatever $m$ is"),
        title="the loss of a data point that is separated strictly"),
    prove(Σ(i, soft_plus(along)),
        sign(">", r"$\log(1 + e^{t}) > 0$"),
        words(
            "Conversely, when no direction separates the data, not even quasi-completely, a "
            r"minimiser exists; it is unique when $\mathbf{X}$ has full column rank.",
            "albert1984"),
        title="the infimum is never reached"),
    given=(binary, separated), level=LEMMA,
)

penalty = lam / 2 * Σ(k, w[k] ** 2)
NLL_pen = Definition("NLL_lambda", (), NLL + penalty, r"\operatorname{NLL}_\lambda")()

penalised_gradient = prove(d(NLL_pen, w[k]),
    differentiate(NLL_pen), by(nll_gradient), contract,
    title="gradient",
    matrix=(Gradient(NLL_pen, w), design.T @ (probabilities - labels) + lam * weights))
penalised_hessian = prove(d(NLL_pen, w[k], w[l]),
    by(penalised_gradient), constant_labels, by_sigmoid, slope(z), entry_rule,
    title="Hessian")
strength = Hypothesis(r"$\lambda > 0$.")

penalised = state(
    "Penalised NLL",
    r"A ridge penalty adds $\lambda \mathbf{w}$ to the gradient and $\lambda \mathbf{I}$ to the "
    "Hessian. The sum is strictly convex and grows without bound, so exactly one minimiser exists "
    "on any data, separable or rank-deficient.",
    penalised_gradient,
    penalised_hessian,
    prove(Σ(k, Σ(l, v[k] * d(NLL_pen, w[k], w[l]) * v[l])) - lam * Σ(k, v[k] ** 2),
        by(penalised_hessian), because("the penalty's part cancels", collect),
        sign(">=", "squares with positive weights"),
        words(
            r"So the Hessian is at least $\lambda \mathbf{I}$: strictly convex. The NLL is "
            r"positive, hence the sum is at least $\frac{\lambda}{2} \lVert \mathbf{w} \rVert^2$ "
            "and grows without bound; a continuous function that does so attains its minimum, and "
            "a strictly convex one attains it once.",
            "boyd2004"),
        title="strong convexity"),
    given=(binary, fixed, strength), level=LEMMA,
)

NLL_w = Definition("NLL_s", (), -Σ(i, s[i] * one_term), r"\operatorname{NLL}_{\mathbf{s}}")()
shares = Whole(s)

weighted_gradient = prove(d(NLL_w, w[k]),
    differentiate(NLL_w), by_sigmoid, slope(z),
    to(Σ(i, s[i] * X[i, k] * (p[i] - y[i])), cancel),
    title="gradient",
    matrix=(Gradient(NLL_w, w), design.T @ (shares * (probabilities - labels))))
any_weights = Hypothesis(r"$s_i \ge 0$.")

weighted = state(
    "Weighted NLL",
    "Weights multiply the terms of the sum and nothing else. Class weights ($s_i$ depends on "
    "$y_i$), the mean ($s_i = 1 / N$), repeated rows (whole $s_i$) and ignored rows ($s_i = 0$) "
    "are special cases.",
    weighted_gradient,
    prove(d(NLL_w, w[k], w[l]),
        by(weighted_gradient), constant_labels, by_sigmoid, slope(z),
        title="Hessian",
        matrix=(Hessian(NLL_w, w), design.T @ Diagonal(shares * variances) @ design)),
    given=(binary, fixed, any_weights),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("logistic"))
