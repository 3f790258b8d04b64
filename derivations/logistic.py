"""Binary logistic regression by maximum likelihood, from one Bernoulli label to Newton's method."""

from derivations import sigmoid
from derivations.language.matrices import Diagonal, Gradient, Hessian, Matrix, Ones, Whole
from derivations.language.moves import (
    because,
    by,
    chain_rule,
    collect,
    contract,
    entry_rule,
    fold,
    linear,
    prove,
    slope,
    to,
    unfold,
    words,
)
from derivations.language.statement import (
    ALGEBRA,
    DEFINITION,
    DIFFERENTIATE,
    LIMIT,
    LOGARITHM,
    SIGN,
    Chain,
    Hypothesis,
    Statement,
)
from derivations.language.terms import (
    Array,
    Definition,
    Entry,
    Limit,
    Size,
    Term,
    Use,
    exp,
    expectation,
    log,
    scalar,
    term,
)
from derivations.notation import (
    Π,
    Σ,
    N,
    X,
    block,
    d,
    design,
    direction,
    i,
    j,
    k,
    l,
    labels,
    lam,
    member,
    n,
    partition,
    s,
    t,
    v,
    w,
    weights,
    y,
    δ,
)
from derivations.sigmoid import sigma, soft_plus

# -- the model --------------------------------------------------------------------------------------

z = Definition("z", (i,), Σ(k, w[k] * X[i, k]), "z", r"\mathbf{z}")
p = Definition("p", (i,), sigma(z[i]), "p", r"\mathbf{p}")
probabilities = Whole(p)
variances = probabilities * (Ones(N) - probabilities)

binary = Hypothesis(r"$y_i \in \{0, 1\}$: the label of data point $i$.")
independent = Hypothesis(
    r"Given $\mathbf{X}$ and $\mathbf{w}$ the labels are independent, and the label of data point $i$ "
    r"depends on its own features $\mathbf{x}_i$ alone."
)
fixed = Hypothesis(r"The features $\mathbf{X}$ are given numbers; nothing is assumed of them.")

outcome = scalar("y", "y", domain="label")
h = scalar("h", domain="unit")
mass = Definition("P", (outcome,), h**outcome * (1 - h) ** (1 - outcome), "P")

above, below = scalar("r", domain="nonnegative"), scalar("s", domain="positive")
missed = scalar("c_m", "c_m", domain="positive")
false_alarm = scalar("c_f", "c_f", domain="positive")
costs = false_alarm + missed

decision_rule = Statement(
    "Decision rule",
    r"Answering 1 when the probability is at least one half is the same as asking on which side of the "
    r"hyperplane $\mathbf{w} \cdot \mathbf{x} = 0$ a point lies. The threshold one half belongs to "
    r"equal costs: when a false alarm costs $c_f$ and a miss costs $c_m$, answering 1 costs no more than "
    r"answering 0 exactly when $h \ge c_f / (c_f + c_m)$.",
    (
        prove(
            sigma(above) - term(1) / 2,
            to((1 - exp(-above)) / (2 * (1 + exp(-above))), DEFINITION, "one fraction"),
            to(0, SIGN, r"$e^{-r} \le 1$", relation=">="),
            title=r"on the side of the label 1, $\mathbf{w} \cdot \mathbf{x} = r \ge 0$",
        ),
        prove(
            sigma(-below) - term(1) / 2,
            to((1 - exp(below)) / (2 * (1 + exp(below))), DEFINITION, "one fraction"),
            to(0, SIGN, r"$e^{s} > 1$", relation="<"),
            title=r"on the side of the label 0, $\mathbf{w} \cdot \mathbf{x} = -s < 0$",
        ),
        prove(
            false_alarm * (1 - h) - missed * h,
            to(false_alarm - costs * h, ALGEBRA, "expand"),
            to(
                costs * (false_alarm / costs - h),
                ALGEBRA,
                r"so the sign is that of $\frac{c_f}{c_f + c_m} - h$",
            ),
            title="expected cost of answering 1 minus that of answering 0",
        ),
    ),
    (
        Hypothesis(
            r"$r \ge 0$ and $s > 0$; the label is 1 with the probability $h$; the costs $c_f, c_m$ are "
            r"positive."
        ),
    ),
)

bernoulli = Statement(
    "One label",
    "One formula holds both cases of a Bernoulli variable, and its two values sum to one.",
    (
        prove(mass(1), unfold(mass), because("a power with exponent 0 is 1", collect)),
        prove(mass(0), unfold(mass), because("a power with exponent 0 is 1", collect)),
        prove(mass(0) + mass(1), to(1 - h + h, DEFINITION, "the two cases"), collect),
    ),
    (
        Hypothesis(
            r"The label $y \in \{0, 1\}$ has the probability $P(y) = h^y (1 - h)^{1 - y}$, with "
            r"$0 < h < 1$."
        ),
    ),
)

right, wrong = p[i] ** y[i], (1 - p[i]) ** (1 - y[i])
L = Definition("L", (), Π(i, right * wrong), r"\mathcal{L}")


def log_likelihood_of(probability: Definition) -> Term:
    """Return the logarithm of the probability of one label."""
    return y[i] * log(probability[i]) + (1 - y[i]) * log(1 - probability[i])


one_term = log_likelihood_of(p)
log_terms = Σ(i, one_term)
each_sign = Σ(i, -(y[i] * log(p[i])) - (1 - y[i]) * log(1 - p[i]))
NLL = Definition("NLL", (), -log_terms, r"\operatorname{NLL}")()

likelihood = Statement(
    "Likelihood",
    "The probability of the labels that were seen, as a function of the weights. It is a product "
    "over data points because the labels are independent given the features.",
    defines=(L, p, z),
    given=(binary, independent),
)

log_likelihood = Statement(
    "Log-likelihood",
    "The logarithm is strictly increasing and the likelihood is positive, so both have the same "
    "maximisers; the product becomes a sum.",
    (
        prove(
            log(L()),
            unfold(L),
            to(Σ(i, log(right * wrong)), LOGARITHM, "the logarithm of a product"),
            to(Σ(i, log(right) + log(wrong)), LOGARITHM, "the logarithm of a product"),
            to(log_terms, LOGARITHM, "the logarithm of a power"),
        ),
    ),
    (binary, independent),
)

nll = Statement(
    "Negative log-likelihood",
    "The cost that maximum likelihood minimises.",
    (
        prove(
            -log(L()),
            by(log_likelihood),
            to(each_sign, ALGEBRA, "the sign goes to each data point"),
        ),
    ),
    (binary, independent),
)

point = Definition("ell", (outcome, t), soft_plus(t) - outcome * t, r"\ell")
margin_form = Definition(
    "ell_m", (outcome, t), soft_plus(-((2 * outcome - 1) * t)), r"\tilde{\ell}"
)
two_softplus = y[i] * soft_plus(-z[i]) + (1 - y[i]) * soft_plus(z[i])

nll_softplus = Statement(
    "NLL by softplus",
    r"No probability is formed. Where the label is 1 and $z$ is large the difference "
    r"$\operatorname{softplus}(z) - y z$ cancels; the same loss by the margin $(2y - 1) z$ of the data "
    r"point, $\operatorname{softplus}(-(2y - 1) z)$, has no difference in it. The last two lines say it "
    r"label by label.",
    (
        prove(
            NLL,
            unfold(NLL),
            to(
                Σ(i, two_softplus),
                DEFINITION,
                r"$\log \sigma(t) = -\operatorname{softplus}(-t)$ and $1 - \sigma(t) = \sigma(-t)$",
                (sigmoid.log_sigmoid, sigmoid.symmetry),
            ),
            to(
                Σ(i, soft_plus(z[i]) - y[i] * (soft_plus(z[i]) - soft_plus(-z[i]))),
                ALGEBRA,
                "collect",
            ),
            to(
                Σ(i, soft_plus(z[i]) - y[i] * z[i]),
                DEFINITION,
                r"$\operatorname{softplus}(t) - \operatorname{softplus}(-t) = t$",
                sigmoid.softplus,
            ),
        ),
        prove(
            point(1, t),
            to(soft_plus(t) - t, DEFINITION),
            to(soft_plus(-t), DEFINITION, "", sigmoid.softplus),
            to(margin_form(1, t), DEFINITION, r"$2y - 1 = 1$"),
            title="the label is 1",
        ),
        prove(
            point(0, t),
            to(soft_plus(t), DEFINITION),
            to(margin_form(0, t), DEFINITION, r"$2y - 1 = -1$"),
            title="the label is 0",
        ),
    ),
    (
        binary,
        Hypothesis(
            r"$\ell(y, t) = \operatorname{softplus}(t) - y t$ and $\tilde{\ell}(y, t) = "
            r"\operatorname{softplus}(-(2y - 1) t)$: the loss of one data point with the logit $t$."
        ),
    ),
)

q = Array("q", (N,), "q", r"\mathbf{q}", domain="unit")
odds = Array("r", (N,), "r", r"\mathbf{r}", domain="positive")
limit_entropy = Definition(
    "H_t", (t,), -(sigma(t) * log(sigma(t))) - sigma(-t) * log(sigma(-t)), "H"
)
entropy = Definition("H", (i,), -(q[i] * log(q[i])) - (1 - q[i]) * log(1 - q[i]), "H")
divergence = Definition(
    "KL",
    (i,),
    q[i] * log(q[i] / p[i]) + (1 - q[i]) * log((1 - q[i]) / (1 - p[i])),
    r"\operatorname{KL}",
)
cross_entropy = Definition(
    "CE", (i,), -(q[i] * log(p[i])) - (1 - q[i]) * log(1 - p[i]), r"\operatorname{CE}"
)
split_logarithm = r"$-q \log p = -q \log q + q \log (q / p)$"

nll_cross_entropy = Statement(
    "NLL and cross-entropy",
    r"The NLL is the sum of the cross-entropies of the labels against the model, $N$ times their mean. "
    r"Cross-entropy is entropy plus Kullback-Leibler divergence, and the entropy does not depend on the "
    r"weights: to maximise the likelihood is to minimise the divergence. At the labels 0 and 1 the "
    r"entropy is zero, as the limit in which $0 \log 0 = 0$.",
    (
        prove(
            cross_entropy[i],
            unfold(cross_entropy),
            to(entropy[i] + divergence[i], DEFINITION, split_logarithm),
            title="one data point",
        ),
        prove(
            NLL,
            unfold(NLL),
            to(each_sign, ALGEBRA, "the cross-entropy at $q_i = y_i$"),
            title="the labels 0 and 1",
        ),
        prove(
            Σ(i, cross_entropy[i]),
            to(Size(N) * (Σ(i, cross_entropy[i]) / Size(N)), ALGEBRA, "the mean, times $N$"),
            to(Size(N) * (Σ(i, entropy[i] + divergence[i]) / Size(N)), DEFINITION, split_logarithm),
            to(
                Size(N) * (Σ(i, entropy[i]) / Size(N) + Σ(i, divergence[i]) / Size(N)),
                ALGEBRA,
                "mean entropy and mean divergence",
            ),
            title="all data points",
        ),
        prove(
            Limit(limit_entropy(t), t, 1),
            to(0, LIMIT, r"$q = \sigma(t) \to 1$"),
            title="the entropy at the label 1",
        ),
        prove(
            Limit(limit_entropy(t), t, -1),
            to(0, LIMIT, r"$q = \sigma(t) \to 0$"),
            title="the entropy at the label 0",
        ),
    ),
    (
        binary,
        Hypothesis(
            r"$0 < q_i < 1$: soft labels, the empirical probability of class 1.",
            replace=((q[i], odds[i] / (1 + odds[i])),),
        ),
        Hypothesis(
            r"$\operatorname{CE}_i = -q_i \log p_i - (1 - q_i) \log (1 - p_i)$, $H_i$ is the same with "
            r"$q_i$ for $p_i$, and $\operatorname{KL}_i = q_i \log (q_i / p_i) + (1 - q_i) "
            r"\log ((1 - q_i) / (1 - p_i))$. $H(t)$ is the entropy at $q = \sigma(t)$, where $1 - q = "
            r"\sigma(-t)$."
        ),
    ),
)

# -- the gradient -----------------------------------------------------------------------------------

by_sigmoid = because("the slope of the sigmoid", by(sigmoid.derivative))


def gradient_of(
    cost: Use,
    weight: Entry,
    logits: Definition,
    result: Term,
    title: str = "",
    matrix: tuple[Matrix, Matrix] | None = None,
) -> Chain:
    """Return the gradient of a negative log-likelihood: back through logarithm and sigmoid."""
    return prove(
        d(cost, weight),
        unfold(cost),
        because("sum rule", linear),
        because(r"$d \log t = dt / t$", chain_rule),
        by_sigmoid,
        slope(logits),
        to(result, ALGEBRA, "the denominators cancel; collect"),
        title=title,
        matrix=matrix,
    )


nll_gradient = Statement(
    "Gradient of the NLL",
    "Each data point pulls the weights along its own features, by as much as its probability is "
    "wrong.",
    (
        gradient_of(
            NLL,
            w[k],
            z,
            Σ(i, X[i, k] * (p[i] - y[i])),
            matrix=(Gradient(NLL, w), design.T @ (probabilities - labels)),
        ),
    ),
    (binary, fixed),
)

residual = Statement(
    "Loss, residual and variance without a difference",
    r"With $1 - p = \sigma(-z)$ a confident right answer keeps its small loss, its small residual and its "
    r"small variance, where $1 - p$ would round to zero. For a label 0 or 1 one of the two terms of "
    r"residual and loss is zero, so nothing is subtracted.",
    (
        prove(
            p[i] - y[i],
            to((1 - y[i]) * p[i] - y[i] * (1 - p[i]), ALGEBRA, "split by the label"),
            to((1 - y[i]) * sigma(z[i]) - y[i] * sigma(-z[i]), DEFINITION, "", sigmoid.symmetry),
            title="residual",
        ),
        prove(
            -one_term,
            to(
                two_softplus,
                DEFINITION,
                r"$\log \sigma(t) = -\operatorname{softplus}(-t)$",
                (sigmoid.log_sigmoid, sigmoid.symmetry),
            ),
            title="loss",
        ),
        prove(
            p[i] * (1 - p[i]),
            to(sigma(z[i]) * sigma(-z[i]), DEFINITION, "", sigmoid.symmetry),
            title="variance",
        ),
    ),
    (binary,),
)

w0 = scalar("w_0", "w_0")
z0 = Definition("z0", (i,), w0 + Σ(k, w[k] * X[i, k]), "z", superscript=r"\circ")
p0 = Definition("p0", (i,), sigma(z0[i]), "p", superscript=r"\circ")
NLL0 = Definition("NLL0", (), -Σ(i, log_likelihood_of(p0)), r"\operatorname{NLL}^\circ")()

with_intercept = Hypothesis(
    r"With an intercept $w_0$ beside the weights, $z^\circ_i = w_0 + \mathbf{w} \cdot \mathbf{x}_i$ and "
    r"$p^\circ_i = \sigma(z^\circ_i)$; $\operatorname{NLL}^\circ$ is the NLL of these."
)

score_equations = Statement(
    "Score equations",
    r"At a maximum likelihood estimate the gradient is zero, so $\mathbf{X}^\top \mathbf{p} = "
    r"\mathbf{X}^\top \mathbf{y}$: the model reproduces the sum of every feature over class 1. With "
    r"an intercept $w_0$ the mean of the probabilities is the mean of the labels.",
    (
        prove(
            Σ(i, X[i, k] * p[i]) - Σ(i, X[i, k] * y[i]),
            because("one sum", collect),
            to(d(NLL, w[k]), ALGEBRA, "", nll_gradient),
            title=r"score equations: zero exactly when $\partial \operatorname{NLL} / \partial w_k$ is",
        ),
        gradient_of(NLL0, w0, z0, Σ(i, p0[i]) - Σ(i, y[i]), "with an intercept"),
    ),
    (binary, fixed, with_intercept),
)

# -- the Hessian ------------------------------------------------------------------------------------

hessian_kl = d(NLL, w[k], w[l])
variance = p[i] * (1 - p[i])
along_v = Σ(k, X[i, k] * v[k])
constant_labels = because("the labels are constants", linear)

nll_hessian = Statement(
    "Hessian of the NLL",
    "A weighted Gram matrix of the features: each data point counts by the variance of its label. "
    "The labels themselves are gone.",
    (
        prove(
            hessian_kl,
            by(nll_gradient),
            constant_labels,
            by_sigmoid,
            slope(z),
            matrix=(Hessian(NLL, w), design.T @ Diagonal(variances) @ design),
        ),
    ),
    (binary, fixed),
)

nll_hvp = Statement(
    "Hessian-vector product",
    "Two products with the design matrix; the Hessian is never formed.",
    (
        prove(
            Σ(l, hessian_kl * v[l]),
            by(nll_hessian),
            because("exchange the sums", collect),
            matrix=(Hessian(NLL, w) @ direction, design.T @ (variances * (design @ direction))),
        ),
    ),
    (binary, fixed),
)

point_loss = Definition("loss", (i,), -one_term, r"\ell")
block_gradient = Definition(
    "block_gradient",
    (block, k),
    Σ(i, member[block, i] * X[i, k] * (p[i] - y[i])),
    written="g^{{({0})}}_{{{1}}}",
)
NLL_block = Definition(
    "cost", (block,), Σ(i, member[block, i] * point_loss[i]), r"\operatorname{NLL}"
)
block_hessian = Σ(i, member[block, i] * X[i, k] * variance * X[i, l])

blocks = Statement(
    "Sums over blocks of rows",
    "Cut the rows into blocks in any way: value, gradient, Hessian and Hessian-vector product of the "
    "whole are the sums of those of the blocks. So they can be computed block by block, in any order, "
    "on one machine or on many, in memory for one block.",
    (
        prove(
            NLL,
            to(Σ(i, point_loss[i]), DEFINITION, "the sign goes to each data point"),
            to(
                Σ(i, Σ(block, member[block, i]) * point_loss[i]),
                ALGEBRA,
                "each row is in one block",
            ),
            to(Σ(block, Σ(i, member[block, i] * point_loss[i])), ALGEBRA, "exchange the sums"),
            fold(NLL_block),
            title="value",
        ),
        prove(
            d(NLL, w[k]),
            to(d(Σ(block, NLL_block[block]), w[k]), DEFINITION, "the value"),
            because("sum rule", linear),
            unfold(NLL_block),
            linear,
            unfold(point_loss),
            linear,
            because(r"$d \log t = dt / t$", chain_rule),
            by_sigmoid,
            slope(z),
            to(Σ(block, block_gradient.body), ALGEBRA, "the denominators cancel; collect"),
            title="gradient",
        ),
        prove(
            hessian_kl,
            by(nll_gradient),
            to(d(Σ(block, block_gradient[block, k]), w[l]), DEFINITION, "the gradient"),
            because("sum rule", linear),
            unfold(block_gradient),
            constant_labels,
            by_sigmoid,
            slope(z),
            title="Hessian",
        ),
        prove(
            Σ(l, hessian_kl * v[l]),
            by(nll_hessian),
            to(Σ(block, Σ(l, block_hessian * v[l])), ALGEBRA, "the Hessian of each block"),
            to(
                Σ(block, Σ(i, member[block, i] * X[i, k] * variance * Σ(l, X[i, l] * v[l]))),
                ALGEBRA,
                "exchange the sums",
            ),
            title="Hessian-vector product",
        ),
    ),
    (binary, fixed, partition),
)

tau = scalar("tau", r"\tau")
curvature = Σ(k, Σ(l, v[k] * hessian_kl * v[l]))
square = because("the double sum is a square", collect)

nll_convex = Statement(
    "Convexity",
    r"The quadratic form is a sum of squares with positive weights, so the NLL is convex. It is "
    r"strictly convex exactly when $\mathbf{X}$ has full column rank; that alone does not give a "
    r"minimiser.",
    (
        prove(
            curvature,
            by(nll_hessian),
            square,
            to(0, SIGN, r"$0 < p_i < 1$", relation=">="),
            words(
                r"The sum is zero only if $\mathbf{x}_i \cdot \mathbf{v} = 0$ for every $i$, since "
                r"every $p_i (1 - p_i)$ is positive: only if $\mathbf{X} \mathbf{v} = 0$. So the "
                r"Hessian is positive definite if and only if the columns of $\mathbf{X}$ are "
                r"linearly independent. If they are not, some $\mathbf{v} \ne 0$ has $\mathbf{X} "
                r"\mathbf{v} = 0$, and the NLL is constant along it, as its logits are.",
                "boyd2004",
            ),
            title="curvature along a direction",
        ),
        prove(
            Σ(k, (w[k] + tau * v[k]) * X[i, k]),
            to(z[i] + tau * Σ(k, v[k] * X[i, k]), DEFINITION, "linear in the weights"),
            title=r"the logits at $\mathbf{w} + \tau \mathbf{v}$",
        ),
    ),
    (binary, fixed),
)

second, third = d(soft_plus(t), t, t), d(soft_plus(t), t, t, t)
derivatives = (
    by(sigmoid.softplus),
    by_sigmoid,
    because("product rule", chain_rule),
    by_sigmoid,
    collect,
)

smoothness = Statement(
    "Smoothness",
    r"The Hessian never exceeds $\frac{1}{4} \mathbf{X}^\top \mathbf{X}$, whatever the weights: gradient "
    r"descent with the step size $4 / \lambda_{\max}(\mathbf{X}^\top \mathbf{X})$ does not "
    r"raise the NLL. The third derivative of the loss of one data point is bounded by its second.",
    (
        prove(curvature, by(nll_hessian), square, title="curvature along a direction"),
        prove(
            Σ(i, along_v**2) / 4 - Σ(i, variance * along_v**2),
            to(Σ(i, (term(1) / 4 - variance) * along_v**2), ALGEBRA, "one sum"),
            to(
                Σ(i, (term(1) / 2 - p[i]) ** 2 * along_v**2),
                ALGEBRA,
                r"$\frac{1}{4} - p (1 - p) = (\frac{1}{2} - p)^2$",
            ),
            to(0, SIGN, "a sum of squares", relation=">="),
            title="the bound minus the curvature, "
            r"$\mathbf{v}^\top \nabla^2 \operatorname{NLL} \mathbf{v} \le "
            r"\frac{1}{4} \mathbf{v}^\top \mathbf{X}^\top \mathbf{X} \mathbf{v}$",
        ),
        prove(
            second - third,
            *derivatives,
            to(0, SIGN, "a product of positive factors", relation=">"),
            title=r"the second derivative minus the third, $\ell''' < \ell''$",
        ),
        prove(
            second + third,
            *derivatives,
            to(0, SIGN, "a product of positive factors", relation=">"),
            words(
                "A function whose Hessian is bounded by $L > 0$ does not rise in a step of gradient "
                "descent with the step size $1 / L$ (descent lemma).",
                "boyd2004",
            ),
            title=r"the second derivative plus the third, $-\ell''' < \ell''$",
        ),
    ),
    (
        binary,
        fixed,
        Hypothesis(
            r"$\mathbf{X} \ne 0$, so that the largest eigenvalue $\lambda_{\max}$ is positive. $\ell(t) = "
            r"\operatorname{softplus}(t) - y t$ is the loss of one data point by its logit, with the second "
            r"derivative of softplus."
        ),
    ),
)

# -- estimation -------------------------------------------------------------------------------------

working = Definition("omega", (i,), p[i] * (1 - p[i]), r"\omega", r"\boldsymbol{\omega}")
response = Definition(
    "zeta", (i,), z[i] + (y[i] - p[i]) / working[i], r"\zeta", r"\boldsymbol{\zeta}"
)
some_response = Array("r", (N,), "r", r"\mathbf{r}")
solution = Array("u", (n,), "u", r"\mathbf{u}")

scale = Array("c", (n,), "c", r"\mathbf{c}", domain="positive")
step = Array("d", (n,), "d", r"\mathbf{d}")
H = Array("H", (n, n), "h", r"\mathbf{H}")
G = Array("g", (n,), "g", r"\mathbf{g}")
newton_direction = Array(
    "H^-1 g", (n,), r"\mathbf{H}^{-1} \mathbf{g}", written=r"(\mathbf{{H}}^{{-1}} \mathbf{{g}})_{0}"
)
inverted = Hypothesis(
    r"$\mathbf{H}$ and $\mathbf{g}$ are Hessian and gradient. $\mathbf{X}$ has full column rank, so that "
    r"$\mathbf{H}$ is invertible: $\mathbf{H}^{-1} \mathbf{g}$ solves $\mathbf{H} \mathbf{d} = \mathbf{g}$.",
    replace=((G[k], Σ(l, H[k, l] * newton_direction[l])),),
)
Hw = Σ(l, H[k, l] * w[l])

newton_step = Statement(
    "Newton's step is weighted least squares",
    r"Newton's next weights $\mathbf{u} = \mathbf{w} - \mathbf{H}^{-1} \mathbf{g}$ solve $\mathbf{H} "
    r"\mathbf{u} = \mathbf{H} \mathbf{w} - \mathbf{g}$. The right side is that of a least squares "
    r"problem with weights $\omega_i = p_i (1 - p_i)$ and working response $\zeta_i$: iteratively "
    r"reweighted least squares (IRLS) is Newton's method.",
    (
        prove(
            Σ(l, H[k, l] * (w[l] - newton_direction[l])),
            to(Hw - Σ(l, H[k, l] * newton_direction[l]), ALGEBRA, "two sums"),
            to(Hw - G[k], ALGEBRA, r"$\mathbf{H} \mathbf{H}^{-1} \mathbf{g} = \mathbf{g}$"),
            title=r"Newton's step to $\mathbf{w} - \mathbf{H}^{-1} \mathbf{g}$",
        ),
        prove(
            Σ(l, hessian_kl * w[l]) - d(NLL, w[k]),
            by(nll_hessian, nll_gradient),
            to(
                Σ(i, X[i, k] * variance * z[i]) - Σ(i, X[i, k] * (p[i] - y[i])),
                DEFINITION,
                r"$\sum_l x_{il} w_l = z_i$",
            ),
            to(
                Σ(i, X[i, k] * working[i] * response[i]),
                DEFINITION,
                r"one sum, $\omega_i$ taken out",
            ),
            title="the right side of Newton's equations",
            matrix=(
                Hessian(NLL, w) @ weights - Gradient(NLL, w),
                design.T @ Diagonal(Whole(working)) @ Whole(response),
            ),
        ),
        prove(
            d(Σ(i, s[i] * (some_response[i] - Σ(l, X[i, l] * solution[l])) ** 2) / 2, solution[k]),
            linear,
            chain_rule,
            entry_rule,
            contract,
            to(
                Σ(l, Σ(i, X[i, k] * s[i] * X[i, l]) * solution[l])
                - Σ(i, X[i, k] * s[i] * some_response[i]),
                ALGEBRA,
                "zero exactly for the normal equations",
            ),
            title="the normal equations of weighted least squares",
        ),
    ),
    (
        binary,
        fixed,
        inverted,
        Hypothesis(
            r"$\omega_i = p_i (1 - p_i)$ and $\zeta_i = z_i + (y_i - p_i) / \omega_i$; in the last equation "
            r"the weights $s_i \ge 0$ and the response $r_i$ are any numbers."
        ),
    ),
)

scaled = Array("u", (n,), "u", r"\mathbf{u}")
z_scaled = Definition(
    "z'", (i,), Σ(k, scaled[k] * (scale[k] * X[i, k])), "z", superscript=r"\prime"
)
p_scaled = Definition("p'", (i,), sigma(z_scaled[i]), "p", superscript=r"\prime")
NLL_scaled = Definition(
    "NLL'", (), -Σ(i, log_likelihood_of(p_scaled)), r"\operatorname{NLL}_{\mathbf{c}}"
)()
gradient_scaled = scale[k] * Σ(i, X[i, k] * (p_scaled[i] - y[i]))
rate = scalar("eta", r"\eta", domain="positive")

column_scaling = Statement(
    "Scaling a column",
    r"Measure feature $k$ in another unit, $x'_{ik} = c_k x_{ik}$. The weights $u_k = w_k / c_k$ give the "
    r"same logits, so nothing that is fitted changes but the weight, which is divided by $c_k$. The "
    r"gradient is multiplied by $c_k$ and the Hessian by $c_k c_l$. Newton's method does not notice: its "
    r"step is divided by $c_k$ like the weights. Gradient descent does: in the old units it multiplies "
    r"the gradient by $c_k^2$, which is why features are standardised for it. All this is "
    r"said of the NLL without a penalty.",
    (
        prove(
            Σ(k, w[k] / scale[k] * (scale[k] * X[i, k])),
            because("$c_k$ cancels", collect),
            fold(z),
            title=r"the logits at $u_k = w_k / c_k$",
        ),
        gradient_of(NLL_scaled, scaled[k], z_scaled, gradient_scaled, "gradient"),
        prove(
            d(gradient_scaled, scaled[l]),
            constant_labels,
            by_sigmoid,
            slope(z_scaled),
            because("$c_l$ is the same for every data point", collect),
            title="Hessian: the derivatives of the gradient",
        ),
        prove(
            Σ(l, scale[k] * scale[l] * H[k, l] * (step[l] / scale[l])) + scale[k] * G[k],
            because(
                r"$c_l$ cancels: zero exactly when $\mathbf{H} \mathbf{d} = -\mathbf{g}$", collect
            ),
            title=r"Newton's equations at $d_l / c_l$",
        ),
        prove(
            scale[k] * (w[k] / scale[k] - rate * (scale[k] * G[k])),
            to(w[k] - rate * scale[k] ** 2 * G[k], ALGEBRA, "back in the old units"),
            title=r"one step of gradient descent with the step size $\eta$",
        ),
    ),
    (
        binary,
        fixed,
        Hypothesis(
            r"$c_k > 0$: the change of the unit. $\mathbf{H}$, $\mathbf{g}$ and $\mathbf{d}$ are Hessian, "
            r"gradient and Newton's step in the old units."
        ),
    ),
)

outcomes_i, outcomes_j = {1: p[i], 0: 1 - p[i]}, {1: p[j], 0: 1 - p[j]}
score_ik, score_il = X[i, k] * (p[i] - y[i]), X[i, l] * (p[i] - y[i])
score_jl = X[j, l] * (p[j] - y[j])
both_outcomes = "the two outcomes and their probabilities"

fisher_information = Statement(
    "Fisher information",
    r"Under the model the expected outer product of the score is the Hessian, and since the Hessian has "
    r"no labels in it, expected and observed information are the same (the link is canonical).",
    (
        prove(
            Σ(i, expectation(y[i], outcomes_i, score_ik * score_il)),
            to(
                Σ(
                    i,
                    p[i] * (X[i, k] * (p[i] - 1) * (X[i, l] * (p[i] - 1)))
                    + (1 - p[i]) * (X[i, k] * p[i] * (X[i, l] * p[i])),
                ),
                DEFINITION,
                both_outcomes,
            ),
            to(Σ(i, X[i, k] * variance * X[i, l]), ALGEBRA, r"$1 - p + p = 1$"),
            to(hessian_kl, ALGEBRA, "", nll_hessian),
            at=(k, l),
            title="the same data point",
        ),
        prove(
            expectation(y[i], outcomes_i, score_ik),
            to(
                p[i] * (X[i, k] * (p[i] - 1)) + (1 - p[i]) * (X[i, k] * p[i]),
                DEFINITION,
                both_outcomes,
            ),
            collect,
            title="the score has mean zero",
        ),
        prove(
            (1 - δ(i, j))
            * expectation(y[i], outcomes_i, expectation(y[j], outcomes_j, score_ik * score_jl)),
            to(
                (1 - δ(i, j))
                * expectation(y[i], outcomes_i, score_ik)
                * expectation(y[j], outcomes_j, score_jl),
                DEFINITION,
                "independence: the expectation of a product is the product of expectations",
            ),
            to(0, DEFINITION, "both factors are zero"),
            words(
                r"When $\mathbf{X}$ has full column rank and $N$ grows, the estimate is asymptotically "
                r"normal, and the inverse of the information is its covariance; the roots of the "
                r"diagonal are the standard errors.",
                "mccullagh1989",
            ),
            at=(i, j, k, l),
            title=r"two different data points, $i \ne j$",
        ),
    ),
    (
        independent,
        Hypothesis(r"The labels follow the model: $y_i$ is 1 with probability $p_i$."),
        fixed,
    ),
)

margin = Definition("m", (i,), (2 * y[i] - 1) * Σ(k, w[k] * X[i, k]), "m")
gain = Definition("d", (i,), (2 * y[i] - 1) * Σ(k, v[k] * X[i, k]), "d")
along = -(margin[i] + tau * gain[i])
m1, d1 = scalar("m", "m"), scalar("d", "d", domain="positive")

no_mle_when_separable = Statement(
    "No estimate on separable data",
    r"Let the direction $\mathbf{v}$ separate the classes: $d_i = (2 y_i - 1)\, \mathbf{x}_i \cdot "
    r"\mathbf{v} \ge 0$ for every data point and $d_i > 0$ for some. From any weights the NLL falls "
    r"along $\mathbf{v}$ for ever, so it has no minimiser. When all $d_i > 0$ (complete separation) it "
    r"falls to zero, which it never reaches; when some are zero (quasi-complete separation) it falls to "
    r"what the others leave.",
    (
        prove(
            -((2 * y[i] - 1) * Σ(k, (w[k] + tau * v[k]) * X[i, k])),
            to(along, DEFINITION, "linear in the weights", nll_softplus),
            title=r"the argument of softplus at $\mathbf{w} + \tau \mathbf{v}$",
        ),
        prove(
            d(Σ(i, soft_plus(along)), tau),
            because("sum rule", linear),
            because("the slope of softplus", by(sigmoid.softplus)),
            to(-Σ(i, gain[i] * sigma(along)), DIFFERENTIATE, r"the argument is linear in $\tau$"),
            to(0, SIGN, r"$d_i \ge 0$ and $\sigma > 0$", relation="<="),
            words(
                r"The slope is negative, not only non-positive, as soon as one $d_i > 0$: every point "
                r"$\mathbf{w}$ has a better one, so none is a minimiser.",
                "albert1984",
            ),
            title=r"the slope of the NLL along $\mathbf{v}$",
        ),
        prove(
            Limit(soft_plus(-(m1 + tau * d1)), tau, 1),
            to(0, LIMIT, r"$e^{-\tau d} \to 0$ for $d > 0$, whatever $m$ is"),
            title="the loss of a data point that is separated strictly",
        ),
        prove(
            Σ(i, soft_plus(along)),
            to(0, SIGN, r"$\log(1 + e^{t}) > 0$", relation=">"),
            words(
                r"Conversely, when no direction separates the data, not even quasi-completely, a "
                r"minimiser exists; it is unique when $\mathbf{X}$ has full column rank.",
                "albert1984",
            ),
            title="the infimum is never reached",
        ),
    ),
    (
        binary,
        Hypothesis(
            r"$d_i = (2 y_i - 1)\, \mathbf{x}_i \cdot \mathbf{v} \ge 0$ for every $i$, and $> 0$ for some.",
            signs=((gain[i], "nonnegative"),),
        ),
    ),
)

penalty = lam / 2 * Σ(k, w[k] ** 2)
NLL_pen = Definition("NLL_lambda", (), NLL + penalty, r"\operatorname{NLL}_\lambda")()

penalised_gradient = prove(
    d(NLL_pen, w[k]),
    unfold(NLL_pen),
    because("sum rule", linear),
    by(nll_gradient),
    chain_rule,
    entry_rule,
    contract,
    title="gradient",
    matrix=(Gradient(NLL_pen, w), design.T @ (probabilities - labels) + lam * weights),
)
penalised_hessian = prove(
    d(NLL_pen, w[k], w[l]),
    by(penalised_gradient),
    constant_labels,
    by_sigmoid,
    slope(z),
    entry_rule,
    title="Hessian",
)
penalised = Statement(
    "Penalised NLL",
    r"A ridge penalty adds $\lambda \mathbf{w}$ to the gradient and $\lambda \mathbf{I}$ to the Hessian. The "
    r"sum is strictly convex and grows without bound, so exactly one minimiser exists on any data, "
    r"separable or rank-deficient.",
    (
        penalised_gradient,
        penalised_hessian,
        prove(
            Σ(k, Σ(l, v[k] * d(NLL_pen, w[k], w[l]) * v[l])) - lam * Σ(k, v[k] ** 2),
            by(penalised_hessian),
            because("the penalty's part cancels", collect),
            to(0, SIGN, "squares with positive weights", relation=">="),
            words(
                r"So the Hessian is at least $\lambda \mathbf{I}$: strictly convex. The NLL is positive, "
                r"hence the sum is at least $\frac{\lambda}{2} \lVert \mathbf{w} \rVert^2$ and grows "
                r"without bound; a continuous function that does so attains its minimum, and a "
                r"strictly convex one attains it once.",
                "boyd2004",
            ),
            title="strong convexity",
        ),
    ),
    (binary, fixed, Hypothesis(r"$\lambda > 0$.")),
)

NLL_w = Definition("NLL_s", (), -Σ(i, s[i] * one_term), r"\operatorname{NLL}_{\mathbf{s}}")()
shares = Whole(s)

weighted_gradient = gradient_of(
    NLL_w,
    w[k],
    z,
    Σ(i, s[i] * X[i, k] * (p[i] - y[i])),
    "gradient",
    (Gradient(NLL_w, w), design.T @ (shares * (probabilities - labels))),
)
weighted = Statement(
    "Weighted NLL",
    r"Weights multiply the terms of the sum and nothing else. Class weights ($s_i$ depends on $y_i$), the "
    r"mean ($s_i = 1 / N$), repeated rows (whole $s_i$) and ignored rows ($s_i = 0$) are special cases.",
    (
        weighted_gradient,
        prove(
            d(NLL_w, w[k], w[l]),
            by(weighted_gradient),
            constant_labels,
            by_sigmoid,
            slope(z),
            title="Hessian",
            matrix=(Hessian(NLL_w, w), design.T @ Diagonal(shares * variances) @ design),
        ),
    ),
    (binary, fixed, Hypothesis(r"$s_i \ge 0$.")),
)


if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("logistic"))
