"""Costs of logits: temperature, teachers, smoothed and weighted labels, focal loss, masks."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import sigmoid
from derivations.maps import cost_of
from derivations.notation import *
from derivations.sigmoid import sigma
from derivations.softmax import fixed, one_class

tau = scalar("tau", r"\tau", domain="positive")
free = Array("z", (N, K), "z", r"\mathbf{Z}")
logits = Definition("z", (i, a), Σ(k, W[a, k] * X[i, k]), "z", r"\mathbf{Z}")


def softmax_at(z: Array | Definition, name: str = "p", letter: str = "p") -> Definition:
    """Return the softmax of logits z over a temperature."""
    return Definition(name, (i, a), exp(z[i, a] / tau) / Σ(b, exp(z[i, b] / tau)), letter)

positive_tau = Hypothesis(r"The temperature is a number $\tau > 0$.")
tempered = Hypothesis(
    r"$C = -\sum_i \sum_a [y_i = a] \log p_{ia}$ with $p_{ia} = e^{z_{ia} / \tau} / \sum_b e^{z_{ib} "
    r"/ \tau}$.")
sums = because("the labels of a data point sum to one", given(one_class))

# -- temperature -----------------------------------------------------------------------------------

p, q = softmax_at(free), softmax_at(logits)
labels_cost = cost_of(-Σ(i, Σ(a, Y[i, a] * log(p[i, a]))))
weights_cost = cost_of(-Σ(i, Σ(a, Y[i, a] * log(q[i, a]))))

temperature = state(
    "Temperature",
    r"The residual is divided by $\tau$, and so is the gradient by the weights. Logits that grow with "
    r"$\tau$ do not change the probabilities, so the derivative by $\tau$ is minus the mean residual "
    "along the logits.",
    prove(d(labels_cost, free[i, a]),
        differentiate(labels_cost), slope(p), contract, sums,
        title="by the logits"),
    prove(d(weights_cost, W[a, k]),
        differentiate(weights_cost), slope(q), slope(logits), contract, sums,
        title="by the weights"),
    prove(d(labels_cost, tau),
        differentiate(labels_cost), slope(p), contract, sums,
        title="by the temperature"),
    given=(one_class, fixed, positive_tau, tempered), level=ALL_SIZES,
)

# -- distillation ----------------------------------------------------------------------------------

teacher = Array("teacher", (N, K), "s", r"\mathbf{S}")
target = softmax_at(teacher, "target", "t")
teacher_cost = cost_of(-Σ(i, Σ(a, target[i, a] * log(p[i, a]))))
distilled = Hypothesis(
    r"$C = -\sum_i \sum_a t_{ia} \log p_{ia}$ with $t_{ia} = e^{s_{ia} / \tau} / \sum_b e^{s_{ib} / "
    r"\tau}$ at given logits $s_{ia}$ of the teacher, and $p_{ia}$ likewise at those of the student.")

distillation = state(
    "Distillation",
    r"Student less teacher, over $\tau$. The divergence from teacher to student has the same gradient: "
    "it is less by the entropy of the teacher, which does not change.",
    prove(d(teacher_cost, free[i, a]),
        differentiate(teacher_cost), slope(p), contract, known_sums),
    given=(positive_tau, distilled),
)

# -- smoothed labels with class weights ------------------------------------------------------------

alpha = scalar("alpha", r"\alpha", domain="unit")
class_weight = Array("c", (K,), "c", r"\mathbf{c}", domain="nonnegative")
S = Definition("p", (i, a), exp(free[i, a]) / Σ(b, exp(free[i, b])), "p")
smooth = Definition("q", (i, a), (1 - alpha) * Y[i, a] + alpha / Size(K), "q")
smooth_cost = cost_of(-Σ(i, Σ(a, smooth[i, a] * class_weight[a] * log(S[i, a]))))
smoothed = Hypothesis(
    r"$C = -\sum_i \sum_a q_{ia} c_a \log p_{ia}$ with $q_{ia} = (1 - \alpha) [y_i = a] + \alpha / K$, "
    r"given class weights $c_a \ge 0$, and $p_{ia} = e^{z_{ia}} / \sum_b e^{z_{ib}}$.")

label_smoothing = state(
    "Smoothed labels with class weights",
    "The weight of a class multiplies its part of the smoothed label, also where the label is another: "
    r"so a row weighs $\sum_b q_{ib} c_b$ and not the weight of its own class.",
    prove(d(smooth_cost, free[i, a]),
        differentiate(smooth_cost), slope(S), contract),
    given=(smoothed,),
)

hard_weights = Σ(j, Σ(b, class_weight[b] * Y[j, b]))
soft_weights = Σ(j, Σ(b, class_weight[b] * smooth[j, b]))
smooth_sum = Σ(i, Σ(a, smooth[i, a] * class_weight[a] * log(S[i, a])))
by_hard, by_soft = cost_of(-smooth_sum / hard_weights), cost_of(-smooth_sum / soft_weights)
some_weight = Hypothesis("Some row has a label of positive weight.",
    signs=((hard_weights, "positive"), (soft_weights, "positive")))

label_smoothing_mean = state(
    "The mean of smoothed labels with class weights",
    "Two means are in use: over the weights of the labels, as PyTorch has it, and over those of the smoothed "
    "labels. The second adds up to one; both are the same only where the classes weigh the same on average.",
    prove(d(by_hard, free[i, a]),
        differentiate(by_hard), slope(S), contract,
        title="over the weights of the labels"),
    prove(d(by_soft, free[i, a]),
        differentiate(by_soft), slope(S), contract,
        title="over the weights of the smoothed labels"),
    prove(Σ(b, smooth[i, b] * class_weight[b]),
        unfold(smooth), to((1 - alpha) * Σ(b, class_weight[b] * Y[i, b])
            + alpha * Σ(b, class_weight[b]) / Size(K)),
        title="what a row weighs"),
    given=(smoothed, some_weight),
)

# -- weighted mean ---------------------------------------------------------------------------------

whole = Σ(j, s[j])
mean_cost = cost_of(-Σ(i, s[i] * Σ(a, Y[i, a] * log(S[i, a]))) / whole)
averaged = Hypothesis(
    r"$C = -\sum_i s_i \sum_a [y_i = a] \log p_{ia} / \sum_j s_j$ with $p_{ia} = e^{z_{ia}} / \sum_b "
    r"e^{z_{ib}}$ and given weights $s_i \ge 0$, not all zero: with every row ignored the mean is "
    "$0 / 0$.",
    signs=((Σ(j, s[j]), "positive"),))

weighted_mean = state(
    "Weighted mean over the rows",
    "The residual of each row, by its share of the weights. A row of weight 0 counts neither above "
    "nor below the line.",
    prove(d(mean_cost, free[i, a]),
        differentiate(mean_cost), slope(S), contract, sums),
    given=(one_class, averaged),
)

seen = Σ(j, s[j] * Σ(b, class_weight[b] * Y[j, b]))
class_cost = cost_of(-Σ(i, s[i] * Σ(a, class_weight[a] * Y[i, a] * log(S[i, a]))) / seen)
by_class = Hypothesis(
    r"$C = -\sum_i s_i \sum_a c_a [y_i = a] \log p_{ia} / \sum_j s_j \sum_b c_b [y_j = b]$ with $p_{ia} = "
    r"e^{z_{ia}} / \sum_b e^{z_{ib}}$, given class weights $c_a \ge 0$ and $s_i \ge 0$, which is 0 for a "
    "row that is ignored, else 1. Some row of positive weight is not ignored.",
    signs=((seen, "positive"),))

class_weighted_mean = state(
    "Weighted mean for K classes, with rows that are ignored",
    "Each row by the weight of its class, divided by the sum of those of all rows that count.",
    prove(d(class_cost, free[i, a]),
        differentiate(class_cost), slope(S), contract),
    given=(by_class,),
)

loss = Array("ell", (N,), r"\ell", r"\boldsymbol{\ell}")
shrinking = scalar("r", domain="positive")
any_losses = Hypothesis(
    r"$\ell_i$ are any losses, $s_i \ge 0$ weights, not all zero, and $r > 0$ makes all of them small.",
    signs=((Σ(j, s[j]), "positive"),))

ignored_rows = state(
    "Every row is ignored",
    "The mean does not see how small the weights are: with $r \\to 0$ it stays what it was, any number "
    "between the smallest and the largest loss. So no number is right where all weights are zero, neither 0 "
    "nor any other: it is $0 / 0$.",
    prove(Σ(i, shrinking * s[i] * loss[i]) / Σ(j, shrinking * s[j]),
        to(Σ(i, s[i] * loss[i]) / Σ(j, s[j]), "$r$ cancels")),
    given=(any_losses,), level=ALL_SIZES,
)

# -- focal loss ------------------------------------------------------------------------------------

gamma = scalar("gamma", r"\gamma", domain="positive")
focal_1 = Definition("loss_1", (t,), -(sigma(-t) ** gamma * log(sigma(t))), r"\ell_1")
focal_0 = Definition("loss_0", (t,), -(sigma(t) ** gamma * log(sigma(-t))), r"\ell_0")
focused = Hypothesis(
    r"A label 1 costs $\ell_1(t) = -\sigma(-t)^\gamma \log \sigma(t)$ at the logit $t$, a label 0 "
    r"costs $\ell_0(t) = -\sigma(t)^\gamma \log \sigma(-t)$; $\gamma > 0$ is a given number.")

focal_loss = state(
    "Focal loss",
    r"The residual times a power of itself, and a second part: the power changes with the logit, too. "
    r"With $\gamma = 0$ the residuals $\sigma(t) - 1$ and $\sigma(t)$ remain.",
    prove(d(focal_1(t), t),
        differentiate(focal_1), by(sigmoid.derivative), linearity, entry_rule,
        to(sigma(-t) ** gamma * (gamma * sigma(t) * log(sigma(t)) - sigma(-t)), DEFINITION,
            sigmoid.symmetry),
        title="label 1"),
    prove(d(focal_0(t), t),
        differentiate(focal_0), by(sigmoid.derivative), linearity, entry_rule,
        to(sigma(t) ** gamma * (sigma(t) - gamma * sigma(-t) * log(sigma(-t))), DEFINITION,
            sigmoid.symmetry),
        title="label 0"),
    given=(focused,), level=SCALAR,
)

# -- many labels -----------------------------------------------------------------------------------

positive = Array("c", (K,), "c", r"\mathbf{c}", domain="nonnegative")
yes = Array("y", (N, K), "y", r"\mathbf{Y}", domain="label")
many = -Σ(i, Σ(a, positive[a] * yes[i, a] * log(sigma(free[i, a]))
               + (1 - yes[i, a]) * log(sigma(-free[i, a]))))
many_cost = cost_of(many)
many_labels = Hypothesis(
    r"Each label $y_{ia}$ is 0 or 1 by itself, $c_a \ge 0$ is the weight of the positives of class $a$, "
    r"and $C = -\sum_i \sum_a (c_a y_{ia} \log \sigma(z_{ia}) + (1 - y_{ia}) \log \sigma(-z_{ia}))$.")

many_labels_gradient = state(
    "Many labels, with a weight of the positives",
    "The weight multiplies the residual of a positive label and leaves that of a negative one.",
    prove(d(many_cost, free[i, a]),
        differentiate(many_cost), by(sigmoid.derivative), linearity, entry_rule, contract,
        to(positive[a] * yes[i, a] * (sigma(free[i, a]) - 1)
           + (1 - yes[i, a]) * sigma(free[i, a]), DEFINITION, sigmoid.symmetry)),
    given=(many_labels,),
)

# -- masked rows -----------------------------------------------------------------------------------

mask = Array("mask", (N, K), "m", r"\mathbf{M}", domain="nonnegative")
masked_sum = Σ(b, mask[i, b] * exp(free[i, b]))
masked = Definition("p", (i, a), mask[i, a] * exp(free[i, a]) / masked_sum, "p")
masked_log = Definition("z'", (i, a), free[i, a] - log(masked_sum), "z'")
deltas_out = Array("delta'", (N, K), r"\delta'", r"\boldsymbol{\Delta}'")
masked_cost = cost_of(Σ(i, Σ(a, deltas_out[i, a] * masked_log[i, a])))
some_class = Hypothesis(
    r"$m_{ia} = 0$ where class $a$ is not allowed for row $i$, else 1, and no row has all its classes "
    r"masked; $p_{ia} = m_{ia} e^{z_{ia}} / \sum_b m_{ib} e^{z_{ib}}$, and $z'_{ia} = z_{ia} - \log "
    r"\sum_b m_{ib} e^{z_{ib}}$ is its logarithm where $m_{ia} = 1$.",
    signs=((masked_sum, "positive"), (Σ(b, mask[j, b] * exp(free[j, b])), "positive")))
masked_deltas = Hypothesis(
    r"The deltas $\delta'_{ia}$ are given numbers, zero where $m_{ia} = 0$; $C = \sum_i \sum_a "
    r"\delta'_{ia} z'_{ia}$ has exactly these.")

masked_log_softmax_forward = define(
    "Log-softmax of masked rows, RULE 1",
    "A masked class is left out of the sum. Its own logarithm is that of zero and has no value.",
    masked_log, given=(some_class,),
)

masked_log_softmax = state(
    "Log-softmax of masked rows",
    "A masked class has probability 0, and so takes no part in what is taken off.",
    prove(d(masked_log[i, a], free[j, b]),
        unfold(masked_log), chain_rule, entry_rule, contract, fold(masked),
        title="Jacobian"),
    prove(d(masked_cost, free[i, a]),
        differentiate(masked_cost), slope(masked_log), contract, fold(masked),
        title="RULE 2"),
    given=(some_class, masked_deltas),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("targets"))
