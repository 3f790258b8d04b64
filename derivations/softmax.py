"""The softmax model of K classes, from one vector of logits to Newton's method."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations import sigmoid
from derivations.notation import *
from derivations.sigmoid import sigma

# -- one vector of logits --------------------------------------------------------------------------

z = Array("z", (K,), "z", r"\mathbf{z}")
S = Definition("S", (a,), exp(z[a]) / Σ(b, exp(z[b])), "S", r"\mathbf{S}")
lse = Definition("logsumexp", (), log(Σ(b, exp(z[b]))), r"\operatorname{logsumexp}(\mathbf{z})")()
shift, top = scalar("gamma", r"\gamma"), scalar("m", "m")

of_product, sum_to_one = "the logarithm of a product", "the probabilities sum to one"
labels_sum_to_one = "the labels of a data point sum to one"
the_rest = "the other classes; a factor 0 or 1 is its own square"
deviation = "a variance is the mean squared deviation"
is_square = sign(">=", "squares with positive weights")
normalised_sums = because(sum_to_one, known_sums)

definition = define(
    "The softmax",
    "It turns one real number for each class, the logits, into a probability for each. The "
    "logarithm of its denominator is the log-sum-exp.",
    S, lse.definition,
)

normalised = state(
    "Softmax values are probabilities",
    "They are positive and sum to one; with two classes or more, each is below one. The ratio of "
    "two is the exponential of the difference of their logits, so they are in the same order.",
    prove(Σ(a, S[a]), because("the denominator is the same for every class", unfold(S)), collect),
    prove(S[a], unfold(S), sign(">", "every exponential is positive"), title="positive"),
    prove(1 - S[a] - (1 - δ(a, b)) * S[b],
        to(Σ(c, S[c]) - S[a] - (1 - δ(a, b)) * S[b], DEFINITION, "they sum to one"),
        to(Σ(c, ((1 - δ(a, c)) * (1 - δ(b, c))) ** 2 * S[c]), DEFINITION, the_rest),
        is_square,
        title=r"below one: $S_a \le 1 - S_b < 1$ for any second class $b$"),
    prove(S[a] / S[b], unfold(S), collect, to(exp(z[a] - z[b])), title="ratio"),
    level=ALL_SIZES,
)

below = Array("d", (K,), "d", domain="nonnegative")
upper = Hypothesis(
    r"$z_a \le m$ for every class $a$; the largest logit is such a number $m$.",
    replace=((z[a], top - below[a]),))

relative = Σ(b, exp(z[b] - z[c]))

shift_invariance = state(
    "Shift invariance and the log-sum-exp trick",
    "A number added to all logits cancels in the softmax and comes out of the log-sum-exp. So the "
    "largest logit $m$ may be taken off first. Then no exponential exceeds one and that of the "
    "largest is $e^0 = 1$: the sum lies between 1 and $K$, so it neither overflows nor is zero.",
    prove(exp(z[a] + shift) / Σ(b, exp(z[b] + shift)),
        because(r"$e^{s + t} = e^s e^t$, and $e^{\gamma}$ cancels", collect), fold(S),
        title=r"softmax of the shifted logits $\mathbf{z} + \gamma \mathbf{1}$"),
    prove(log(Σ(b, exp(z[b] + shift))),
        because("a common factor of all terms", collect),
        to(shift + log(Σ(b, exp(z[b]))), LOGARITHM, of_product),
        fold(lse),
        title=r"log-sum-exp of the shifted logits $\mathbf{z} + \gamma \mathbf{1}$"),
    prove(lse,
        unfold(lse),
        to(log(exp(top) * Σ(b, exp(z[b] - top))), "take $e^m$ out of the sum"),
        to(top + log(Σ(b, exp(z[b] - top))), LOGARITHM, of_product),
        title="the trick"),
    prove(exp(z[a] - top) - 1, sign("<=", r"$z_a - m \le 0$"), title="no exponential exceeds one"),
    prove(Size(K) - Σ(b, exp(z[b] - top)),
        to(Σ(b, 1 - exp(z[b] - top)), "one sum of $K$ terms"),
        sign(">=", r"$z_b - m \le 0$"),
        title="their sum is at most $K$"),
    prove(relative - 1,
        to(Σ(b, (1 - δ(b, c)) ** 2 * exp(z[b] - z[c])), DEFINITION, the_rest),
        is_square,
        title="and at least 1, for $m = z_c$"),
    given=(upper,), level=ALL_SIZES,
)

others = Definition("T", (c,), Σ(b, (1 - δ(b, c)) * exp(z[b] - z[c])), "T", r"\mathbf{T}")
the_others = Hypothesis(r"$T_c = \sum_{b \ne c} e^{z_b - z_c}$, a sum over the other classes.")

term_left_out = state(
    "Log-sum-exp with one term left out",
    "The term of class $c$ is $e^0 = 1$ and need not be summed: the logarithm is that of one plus "
    "a sum, which a computer has as a function of its own (log1p). So a log-sum-exp close to the "
    "largest logit keeps what is small. Take for $c$ the class of the largest logit.",
    prove(lse,
        unfold(lse),
        to(log(exp(z[c]) * relative), "take $e^{z_c}$ out of the sum"),
        to(log(exp(z[c]) * (1 + others[c])), DEFINITION, "its own term is $e^0 = 1$"),
        to(z[c] + log(1 + others[c]), LOGARITHM, of_product),
        at=(c,), title="log-sum-exp, any class $c$"),
    prove(S[a],
        unfold(S),
        to(exp(z[a] - z[c]) / relative, "times $e^{-z_c} / e^{-z_c}$"),
        to(exp(z[a] - z[c]) / (1 + others[c]), DEFINITION, "its own term is $e^0 = 1$"),
        at=(a, c), title="softmax, any class $c$"),
    given=(the_others,), level=ALL_SIZES,
)

logsumexp_bounds = state(
    "Bounds of log-sum-exp",
    r"It is a smooth maximum: $\max_a z_a \le \operatorname{logsumexp}(\mathbf{z}) \le \max_a z_a "
    r"+ \log K$, for it is at least every logit $z_a$, and at most $m + \log K$ when no logit "
    "exceeds $m$.",
    prove(exp(lse) - exp(z[a]),
        to(Σ(b, exp(z[b])) - exp(z[a]), DEFINITION, r"$e^{\log t} = t$"),
        to(Σ(b, (1 - δ(a, b)) ** 2 * exp(z[b])), DEFINITION, the_rest),
        is_square,
        words(
            r"The exponential is strictly increasing, so $\operatorname{logsumexp}(\mathbf{z}) \ge "
            "z_a$ for every class, the largest logit included.",
            "blanchard2021"),
        title="at least every logit"),
    prove(exp(top + log(Size(K))) - exp(lse),
        to(Size(K) * exp(top) - Σ(a, exp(z[a])), DEFINITION, r"$e^{\log t} = t$"),
        to(Σ(a, exp(top) - exp(z[a])), "one sum of $K$ terms"),
        sign(">=", r"$z_a \le m$"),
        words(
            r"The exponential is strictly increasing, so $\operatorname{logsumexp}(\mathbf{z}) \le "
            r"m + \log K$.",
            "blanchard2021"),
        title=r"at most $\log K$ above the largest"),
    given=(upper,), level=LEMMA,
)

logsumexp_gradient = state(
    "Gradient of log-sum-exp",
    "The slope in the direction of a logit is the probability of its class.",
    prove(d(lse, z[a]), differentiate(lse), contract, fold(S), matrix=(Gradient(lse, z), Whole(S))),
)

spread = Diagonal(Whole(S)) - Whole(S) @ Whole(S).T

jacobian = state(
    "Jacobian of the softmax",
    "Each probability grows with its own logit and falls with the others. The matrix is that of "
    "the covariances of a one-hot label that has class $c$ with probability $S_c$.",
    prove(d(S[a], z[b]), differentiate(S), contract, fold(S), matrix=(Jacobian(S, z), spread)),
    prove(Σ(c, S[c] * (δ(c, a) - S[a]) * (δ(c, b) - S[b])),
        contract, normalised_sums,
        at=(a, b), title="covariances"),
)

r = Array("r", (K,), "r", r"\mathbf{r}")

logsumexp_hessian = state(
    "Hessian of log-sum-exp",
    "It is the Jacobian of the softmax.",
    prove(d(lse, z[a], z[b]),
        by(logsumexp_gradient), by(jacobian),
        matrix=(Hessian(lse, z), spread)),
)

logsumexp_convex = state(
    "Log-sum-exp is convex",
    "The quadratic form of its Hessian is the variance of the number $r_a$ when class $a$ has "
    "probability $S_a$, and a variance is never negative.",
    prove(Σ(a, Σ(b, r[a] * d(lse, z[a], z[b]) * r[b])),
        by(logsumexp_hessian),
        because("the mean of the square minus the square of the mean", contract),
        to(Σ(a, S[a] * (r[a] - Σ(b, S[b] * r[b])) ** 2), DEFINITION, deviation, normalised),
        is_square),
    level=ALL_SIZES,
)

# -- two classes -----------------------------------------------------------------------------------

z1, z2 = scalar("z_1", "z_1"), scalar("z_2", "z_2")
S1 = Definition("S_1", (z1, z2), exp(z1) / (exp(z1) + exp(z2)), "S_1")
S2 = Definition("S_2", (z1, z2), exp(z2) / (exp(z1) + exp(z2)), "S_2")
w1 = Array("w_1", (n,), "w", r"\mathbf{w}_1", "w_{{1{0}}}")
w2 = Array("w_2", (n,), "w", r"\mathbf{w}_2", "w_{{2{0}}}")
score1 = Definition("z_1", (i,), Σ(k, w1[k] * X[i, k]), written="z_{{{0}1}}")
score2 = Definition("z_2", (i,), Σ(k, w2[k] * X[i, k]), written="z_{{{0}2}}")
p1 = Definition("p_1", (i,), S1(score1[i], score2[i]), written="p_{{{0}1}}")
p2 = Definition("p_2", (i,), S2(score1[i], score2[i]), written="p_{{{0}2}}")

two_class = state(
    "Two classes",
    "With two classes the softmax is the sigmoid of the difference of the logits. The model of "
    r"two weight vectors is the binary model with $\mathbf{w} = \mathbf{w}_1 - \mathbf{w}_2$: only "
    "the difference counts.",
    prove(S1(z1, z2),
        unfold(S1),
        to(1 / (1 + exp(-(z1 - z2))), "times $e^{-z_1} / e^{-z_1}$"),
        to(sigma(z1 - z2), DEFINITION, sigmoid.definition)),
    prove(S2(z1, z2),
        unfold(S2),
        to(1 - exp(z1) / (exp(z1) + exp(z2)), "one minus its complement"),
        to(1 - sigma(z1 - z2), DEFINITION, "the first class, as above")),
    prove(p1[i],
        unfold(p1),
        to(sigma(score1[i] - score2[i]), DEFINITION, "the first line"),
        to(sigma(Σ(k, (w1[k] - w2[k]) * X[i, k])), DEFINITION,
            "both logits are linear in the same features"),
        title="linear logits"),
)

# -- the model -------------------------------------------------------------------------------------


def softmax_of(z: Definition, name: str, bold: str = "", superscript: str = "") -> Definition:
    """Return the probabilities of the logits of each data point, written p."""
    body = exp(z[i, a]) / Σ(b, exp(z[i, b]))
    return Definition(name, (i, a), body, "p", bold, superscript=superscript)


def cost_by_logits(z: Definition, labels: Array, name: str, letter: str) -> Use:
    """Return the negative log-likelihood of labels that sum to one, from the logits alone."""
    one = log(Σ(b, exp(z[i, b]))) - Σ(b, labels[i, b] * z[i, b])
    return Definition(name, (), Σ(i, one), letter)()


Z = Definition("Z", (i, a), Σ(k, W[a, k] * X[i, k]), "z", r"\mathbf{Z}")
P = softmax_of(Z, "P", r"\mathbf{P}")
L = Definition("L", (), Π(i, Π(a, P[i, a] ** Y[i, a])), r"\mathcal{L}")
log_terms = Σ(i, Σ(a, Y[i, a] * log(P[i, a])))
NLL = Definition("NLL", (), -log_terms, r"\operatorname{NLL}")()
probabilities, labels = Whole(P), Whole(Y)

one_class = Hypothesis(
    "Each data point has one label, a class from 1 to $K$: the numbers $[y_i = a]$ sum to one "
    "over the classes. Nothing else is used of them, so labels may be soft.",
    replace=((Y[i, a], Y[i, a] / Σ(b, Y[i, b])),))
one_label = Hypothesis(
    "Each data point has one label, a class from 1 to $K$: $[y_i = a]$ is one for this class and "
    "zero for the others.",
    replace=one_class.replace)
independent = Hypothesis(
    r"Given $\mathbf{X}$ and $\mathbf{W}$ the labels are independent, and the label of data point "
    r"$i$ depends on its own features $\mathbf{x}_i$ alone.")
fixed = Hypothesis(r"The features $\mathbf{X}$ are given numbers; nothing is assumed of them.")

likelihood = define(
    "Likelihood",
    "The indicator in the exponent picks, for each data point, the probability of the class that "
    "was seen. Every class has its own weights, one row of the weight matrix.",
    L, P, Z, given=(one_label, independent),
)

nll = state(
    "Negative log-likelihood",
    "The cost that maximum likelihood minimises. The second form needs no probability, only the "
    "logits.",
    prove(-log(L()),
        unfold(L),
        to(-Σ(i, log(Π(a, P[i, a] ** Y[i, a]))), LOGARITHM, of_product),
        to(-Σ(i, Σ(a, log(P[i, a] ** Y[i, a]))), LOGARITHM, of_product),
        to(-log_terms, LOGARITHM, "the logarithm of a power")),
    prove(NLL,
        unfold(NLL),
        to(-Σ(i, Σ(a, Y[i, a] * (Z[i, a] - log(Σ(b, exp(Z[i, b])))))), DEFINITION,
            "the logarithm of a quotient"),
        because(labels_sum_to_one, given(one_class)),
        title="by logits"),
    given=(one_class, independent), level=ALL_SIZES,
)

# -- the gradient ----------------------------------------------------------------------------------

probability_gradient = state(
    "Derivatives of the probabilities by the weights",
    "The Jacobian of the softmax, times the features: the logit of a class is linear in the "
    "weights of that class and has no others in it.",
    prove(d(P[i, a], W[b, k]), unfold(P), chain_rule, fold(P), slope(Z), contract),
    given=(fixed,),
)

NLL2 = Definition("NLL_2", (), -Σ(i, y[i] * log(p1[i]) + (1 - y[i]) * log(p2[i])),
    r"\operatorname{NLL}_2")()
two_labels = Hypothesis(
    r"With two classes, $\operatorname{NLL}_2 = -\sum_i (y_i \log p_{i1} + (1 - y_i) \log p_{i2})$ "
    r"with $p_{i1} = e^{z_{i1}} / (e^{z_{i1}} + e^{z_{i2}})$, $p_{i2}$ likewise, $z_{i1} = \sum_k "
    r"w_{1k} x_{ik}$ and $z_{i2} = \sum_k w_{2k} x_{ik}$; $y_i$ is 1 for class 1 and 0 for class "
    "2.")
residuals = probabilities - labels
pull = X[i, k] * (P[i, a] - Y[i, a])  # of one data point
to_probabilities = because(r"the probability $p_{ib}$ cancels", by(probability_gradient))
row_by_row = (to_probabilities, contract, because(labels_sum_to_one, given(one_class)))

nll_gradient = state(
    "Gradient of the NLL",
    "Each data point pulls the weights of a class along its own features, by as much as the "
    "probability of that class is wrong. With two classes these are the two gradients of the "
    "note; its second one needs the label of class 2, $1 - y_i$.",
    prove(d(NLL, W[a, k]),
        differentiate(NLL), *row_by_row,
        matrix=(Gradient(NLL, W), residuals.T @ design)),
    prove(d(NLL2, w1[k]),
        differentiate(NLL2),
        to(-Σ(i, (y[i] * (1 - p1[i]) - (1 - y[i]) * p1[i]) * X[i, k]), DIFFERENTIATE,
            "the slopes are $p_{i1} (1 - p_{i1})$ and $-p_{i1} p_{i2}$"),
        to(-Σ(i, X[i, k] * (y[i] - p1[i])), "collect"),
        title="two classes, the weights of class 1"),
    prove(d(NLL2, w2[k]),
        differentiate(NLL2),
        to(-Σ(i, ((1 - y[i]) * (1 - p2[i]) - y[i] * p2[i]) * X[i, k]), DIFFERENTIATE,
            "the slopes are $p_{i2} (1 - p_{i2})$ and $-p_{i1} p_{i2}$"),
        to(-Σ(i, X[i, k] * ((1 - y[i]) - p2[i])), "collect"),
        to(Σ(i, X[i, k] * (y[i] - p1[i])), DEFINITION,
            "$p_{i2} = 1 - p_{i1}$: the opposite of the first"),
        title="two classes, the weights of class 2"),
    given=(one_class, fixed, two_labels),
)

label_left_out = state(
    "Loss and residual with the label's class left out",
    "For one data point with the label $c$, in the numbers $e^{z_a - z_c}$ of the other classes "
    "and their sum $T_c$, no difference of nearly equal numbers is left. A confident right answer "
    r"keeps its loss and its residual where $\log S_c$ and $S_c - 1$ round to zero. Where class "
    "$c$ is far below another, $T_c$ overflows, and the log-sum-exp with the largest term left "
    "out takes its place.",
    prove(-log(S[c]),
        to(-log(1 / (1 + others[c])), DEFINITION, term_left_out),
        to(log(1 + others[c]), LOGARITHM, "the logarithm of a reciprocal"),
        title="loss"),
    prove(S[c] - 1,
        to(1 / (1 + others[c]) - 1, DEFINITION, term_left_out),
        because("one fraction", collect),
        title="residual of the label's class"),
    prove(S[a] - δ(a, c),
        to((1 - δ(a, c)) * S[a] + δ(a, c) * (S[c] - 1), r"$a \ne c$, or $a = c$"),
        to(
            (1 - δ(a, c)) * (exp(z[a] - z[c]) / (1 + others[c]))
            - δ(a, c) * (others[c] / (1 + others[c])),
            DEFINITION, term_left_out),
        title="residual of every class"),
    prove(S[c] - 1,
        to(-Σ(a, (1 - δ(a, c)) * S[a]), DEFINITION, sum_to_one, normalised),
        title="residual of the label's class, from the others"),
    given=(the_others,), level=ALL_SIZES,
)

gradients_sum_to_zero = state(
    "The gradients sum to zero",
    "What one class gains the others lose: the gradients of all classes cancel, for any weights "
    "and any data.",
    prove(Σ(a, d(NLL, W[a, k])),
        by(nll_gradient), because("exchange the sums", collect),
        to(0, DEFINITION, "probabilities and labels both sum to one", normalised)),
    given=(one_class, fixed), level=ALL_SIZES,
)

# -- the Hessian -----------------------------------------------------------------------------------

hessian = d(NLL, W[a, k], W[b, l])
gram, covariance = X[i, k] * X[i, l], P[i, a] * (δ(a, b) - P[i, b])
off_diagonal = r"for $b \ne a$ the block has $-p_{ia} p_{ib}$"

p_i, x_i = Whole(P, (i,)), Whole(X, (i,))

nll_hessian = state(
    "Hessian of the NLL",
    "One block for each pair of classes: a Gram matrix of the features, weighted by the "
    r"covariance of the indicators of the two classes. The labels are gone. In $\otimes$, the "
    "Kronecker product, a row is a pair of class and feature, and so is a column.",
    prove(hessian,
        by(nll_gradient), linearity, by(probability_gradient),
        matrix=(Hessian(NLL, W), Total(i, Kronecker(Diagonal(p_i) - p_i @ p_i.T, x_i @ x_i.T)))),
    given=(one_class, fixed),
)

hessian_blocks_sum_to_zero = state(
    "The Hessian blocks sum to zero",
    "In each row of blocks they cancel, so that the diagonal blocks follow from the others.",
    prove(Σ(b, hessian), by(nll_hessian), contract, normalised_sums),
    given=(one_class, fixed), level=ALL_SIZES,
)

H = Definition("H", (a, k, b, l), Σ(i, gram * covariance), written="H_{{{0}{1}{2}{3}}}")

entries_of_hessian = Hypothesis(
    r"$H_{akbl} = \sum_i x_{ik} x_{il} \, p_{ia} (\delta_{ab} - p_{ib})$ are the entries of the "
    "Hessian of the NLL.")

diagonal_blocks = state(
    "The diagonal blocks from the others",
    "A diagonal block is minus the sum of the others in its row of blocks: it needs no work of "
    "its own, and $1 - p_{ia}$ is never formed.",
    prove(H[a, k, a, l],
        unfold(H), contract,
        to(Σ(i, gram * P[i, a] * Σ(b, (1 - δ(a, b)) * P[i, b])), DEFINITION, sum_to_one,
            normalised),
        to(-Σ(b, (1 - δ(a, b)) * H[a, k, b, l]), DEFINITION, off_diagonal, nll_hessian)),
    given=(one_class, fixed, entries_of_hessian),
)

R = Definition("R", (i, a), Σ(l, X[i, l] * V[a, l]), "r", r"\mathbf{R}")
spreads = Whole(R)
spread_pull = X[i, k] * P[i, a] * (R[i, a] - Σ(b, P[i, b] * R[i, b]))  # of one data point
HV = Definition("HV", (a, k), Σ(b, Σ(l, hessian * V[b, l])),
    r"(\nabla^2 \operatorname{NLL} \, \mathbf{V})", r"\nabla^2 \operatorname{NLL} \, \mathbf{V}")
change_of_logits = Hypothesis(
    r"$r_{ia} = \sum_l x_{il} v_{al}$, the entries of $\mathbf{R} = \mathbf{X} \mathbf{V}^\top$, "
    r"are the changes of the logits along the direction $\mathbf{V}$.")
row_sums = (probabilities * spreads) @ Ones(K) @ Ones(K).T

nll_hvp = state(
    "Hessian-vector product",
    "The change of the logits along the direction is centred by its mean under the probabilities "
    "of each data point. Two products with the design matrix; the Hessian is never formed.",
    prove(Σ(b, Σ(l, hessian * V[b, l])),
        by(nll_hessian), contract, fold(R),
        matrix=(Whole(HV), (probabilities * (spreads - row_sums)).T @ design)),
    given=(one_class, fixed, change_of_logits), level=ALL_SIZES,
)

point_loss = Definition("loss", (i,), -Σ(a, Y[i, a] * log(P[i, a])), r"\ell")
block_gradient = Definition("block_gradient", (block, a, k), Σ(i, member[block, i] * pull),
    written="g^{{({0})}}_{{{1}{2}}}")
NLL_block = Definition("cost", (block,), Σ(i, member[block, i] * point_loss[i]),
    r"\operatorname{NLL}")
in_one_block = "each row is in one block"

losses_of_blocks = Hypothesis(
    r"$\ell_i = -\sum_a [y_i = a] \log p_{ia}$ is the loss of a row, $\operatorname{NLL}_h = "
    r"\sum_i [i \in B_h] \, \ell_i$ that of a block, and $g^{(h)}_{ak}$ its gradient.")

blocks = state(
    "Sums over blocks of rows",
    "Cut the rows into blocks in any way: value, gradient, Hessian and Hessian-vector product of "
    "the whole are the sums of those of the blocks. So they can be computed block by block, in "
    "any order, on one machine or on many, in memory for one block.",
    prove(NLL,
        to(Σ(i, point_loss[i]), DEFINITION, "the sign goes to each data point"),
        to(Σ(i, Σ(block, member[block, i]) * point_loss[i]), in_one_block),
        to(Σ(block, Σ(i, member[block, i] * point_loss[i])), "exchange the sums"),
        fold(NLL_block),
        title="value"),
    prove(d(NLL, W[a, k]),
        to(d(Σ(block, NLL_block[block]), W[a, k]), DEFINITION, "the value"),
        linearity, differentiate(NLL_block, point_loss), to_probabilities,
        to(Σ(block, Σ(i, member[block, i] * pull)), CONTRACT, labels_sum_to_one),
        title="gradient"),
    prove(hessian,
        to(d(Σ(block, block_gradient[block, a, k]), W[b, l]), DIFFERENTIATE, "the gradient"),
        linearity, differentiate(block_gradient), by(probability_gradient),
        title="Hessian"),
    prove(Σ(b, Σ(l, H[a, k, b, l] * V[b, l])),
        unfold(H), collected(R),
        to(Σ(block, Σ(i, member[block, i] * spread_pull)), in_one_block),
        title="Hessian-vector product"),
    given=(one_class, fixed, partition, losses_of_blocks, entries_of_hessian, change_of_logits),
)

quadratic_form = Σ(a, Σ(k, Σ(b, Σ(l, V[a, k] * H[a, k, b, l] * V[b, l]))))
variances = Σ(i, Σ(a, P[i, a] * (R[i, a] - Σ(b, P[i, b] * R[i, b])) ** 2))

nll_convex = state(
    "Convexity",
    "The quadratic form of the Hessian is a sum of variances: for each data point that of the "
    "change of its logits, $r_{ia}$, when class $a$ is drawn with probability $p_{ia}$. A "
    "variance is never negative, so the NLL is convex.",
    prove(quadratic_form,
        unfold(H), because("the mean of the square minus the square of the mean", collected(R)),
        to(variances, DEFINITION, deviation, normalised),
        is_square),
    given=(one_class, fixed, entries_of_hessian, change_of_logits), level=ALL_SIZES,
)

null_space = state(
    "Null space of the Hessian",
    "The Hessian takes a direction that moves the weights of every class by the same "
    r"$\boldsymbol{\psi}$ to zero, whatever the data and the weights: there is one such flat "
    "direction for each feature.",
    prove(Σ(b, Σ(l, hessian * psi[l])),
        to(Σ(l, Σ(b, hessian) * psi[l]),
            r"exchange the sums; $\psi_l$ is the same for every class"),
        by(hessian_blocks_sum_to_zero)),
    given=(one_class, fixed), level=ALL_SIZES,
)

centred = Definition("E", (i, a), R[i, a] - Σ(b, R[i, b]) / Size(K), r"\tilde{r}",
    r"\tilde{\mathbf{R}}")
two_classes = Definition("Q", (i, a, b), (1 - δ(a, b)) ** 2 * P[i, a] * P[i, b], "q")
half = term(1) / 2
bound = half * Σ(i, Σ(a, R[i, a] ** 2) - Σ(a, R[i, a]) ** 2 / Size(K))
mean_change, mean_square = Σ(a, P[i, a] * R[i, a]), Σ(a, P[i, a] * R[i, a] ** 2)
own_part = 2 * (half - P[i, a]) ** 2 * centred[i, a] ** 2
pairs = two_classes[i, a, b] * (centred[i, a] + centred[i, b]) ** 2
same_variance = (
    "a variance does not change with the mean of the numbers; $2 (s^2 + t^2) - (s - t)^2 = (s + "
    "t)^2$ for each pair of classes")

some_feature = Hypothesis(
    r"The features $\mathbf{X}$ are given numbers, not all zero, so that "
    r"$\lambda_{\max}(\mathbf{X}^\top \mathbf{X}) > 0$.")
pairs_of_classes = Hypothesis(
    r"$\tilde{r}_{ia} = r_{ia} - \frac{1}{K} \sum_b r_{ib}$, and $q_{iab} = p_{ia} p_{ib}$ for two "
    "different classes, $q_{iaa} = 0$.")

smoothness = state(
    "Smoothness",
    r"The Hessian never exceeds $\frac{1}{2} (\mathbf{I} - \frac{1}{K} \mathbf{1} \mathbf{1}^\top) "
    r"\otimes \mathbf{X}^\top \mathbf{X}$, whatever the weights (Böhning's bound), and so not "
    r"$\frac{1}{2} \lambda_{\max}(\mathbf{X}^\top \mathbf{X})$ times the identity: a gradient step "
    r"of step size $2 / \lambda_{\max}(\mathbf{X}^\top \mathbf{X})$ cannot raise the NLL. The "
    r"bound is stated by quadratic forms, for every direction $\mathbf{V}$.",
    prove(bound - quadratic_form,
        to(bound - Σ(i, mean_square - mean_change**2), DEFINITION, "variances", nll_convex),
        to(Σ(i, Σ(a, own_part + half * Σ(b, pairs))), DEFINITION, same_variance, normalised),
        is_square,
        words(
            r"The first part of the left side is the quadratic form of $\frac{1}{2} (\mathbf{I} - "
            r"\frac{1}{K} \mathbf{1} \mathbf{1}^\top) \otimes \mathbf{X}^\top \mathbf{X}$.",
            "bohning1992"),
        title=r"the bound minus the Hessian, along $\mathbf{V}$"),
    prove(half * Σ(i, Σ(a, R[i, a] ** 2)) - bound,
        because("the squares of the single numbers cancel", collect),
        sign(">=", "a sum of squares"),
        words(
            r"And $\sum_i r_{ia}^2 \le \lambda_{\max}(\mathbf{X}^\top \mathbf{X}) \sum_k "
            "v_{ak}^2$. A function whose Hessian is bounded by $L > 0$ does not rise along a "
            "gradient step of step size $1 / L$ (descent lemma).",
            "boyd2004"),
        title=r"the simpler bound, $\frac{1}{2} \mathbf{I} \otimes \mathbf{X}^\top \mathbf{X}$, minus "
        "the bound"),
    given=(one_class, some_feature, entries_of_hessian, change_of_logits, pairs_of_classes),
    level=LEMMA,
)

# -- estimation ------------------------------------------------------------------------------------

def expected(point: Index, outcome: Index, body: Term) -> Expectation:
    """Return the expectation over the label of a data point, drawn from its probabilities."""
    return Expectation(y[point], Y, (point,), each(outcome, P[point, outcome]), body)

score_ibl, residual_jb = X[i, l] * (P[i, b] - Y[i, b]), P[j, b] - Y[j, b]
rho = Array("rho", (N, K), r"\rho")
outcomes = "the classes and their probabilities"
free_of_it = "independence: the label of one says nothing of the other's"

follows_model = Hypothesis(r"The labels follow the model: $y_i = a$ with probability $p_{ia}$.")
free_residual = Hypothesis(
    r"$\rho_{ia}$ stands for the residual $p_{ia} - [y_i = a]$ of data point $i$ where the "
    r"expectation is over the label of another, $j \ne i$, of which it is free.")

fisher_information = state(
    "Fisher information",
    "Under the model the expected outer product of the score is the Hessian, and since the "
    "Hessian has no labels in it, expected and observed information are the same (the link is "
    "canonical).",
    prove(Σ(i, expected(i, c, pull * score_ibl)),
        to(Σ(i, gram * Σ(c, P[i, c] * (P[i, a] - δ(c, a)) * (P[i, b] - δ(c, b)))), outcomes),
        contract, normalised_sums,
        to(hessian, DEFINITION, nll_hessian),
        at=(a, k, b, l), title="the same data point"),
    prove(expected(i, c, pull),
        to(X[i, k] * Σ(c, P[i, c] * (P[i, a] - δ(c, a))), outcomes),
        contract, normalised_sums,
        at=(i, a, k), title="the score has mean zero"),
    prove(expected(j, c, rho[i, a] * residual_jb),
        to(rho[i, a] * expected(j, c, residual_jb), free_of_it),
        to(0, DEFINITION, "the mean of a residual is zero", normalised),
        at=(i, j, a, b), title="two data points"),
    given=(one_label, independent, follows_model, free_residual, fixed),
)

response = Definition("zeta", (i, a), Z[i, a] + (Y[i, a] - P[i, a]) / P[i, a], r"\zeta",
    r"\boldsymbol{\zeta}")
U = Array("U", (K, n), "u", r"\mathbf{U}")
gap = Definition("d", (i, a), response[i, a] - Σ(l, X[i, l] * U[a, l]), "d")
squares = Σ(i, Σ(b, P[i, b] * gap[i, b] ** 2) - Σ(b, P[i, b] * gap[i, b]) ** 2)
step_bl = U[b, l] - W[b, l]
both_sum_to_one = "the labels of a data point and its probabilities both sum to one"

responses = Hypothesis(
    r"The response is $\zeta_{ia} = z_{ia} + ([y_i = a] - p_{ia}) / p_{ia}$, and $d_{ia} = "
    r"\zeta_{ia} - \sum_l x_{il} u_{al}$ is what $\mathbf{U}$ misses of it.")

newton_step = state(
    "Newton's step is weighted least squares",
    r"Newton's next weights $\mathbf{U}$ solve $\mathbf{G} + \mathbf{H} (\mathbf{U} - \mathbf{W}) "
    r"= \mathbf{0}$, with the gradient $\mathbf{G}$ and the Hessian $\mathbf{H}$ at $\mathbf{W}$. "
    "These are the normal equations of a least squares problem in which each data point has a "
    "response for every class, and the covariance of its indicators as the weight.",
    prove(d(squares / 2, U[a, k]),
        chain_rule, slope(gap), contract,
        to(Σ(i, pull) + Σ(b, Σ(l, H.body * step_bl)), DEFINITION, both_sum_to_one),
        to(d(NLL, W[a, k]) + Σ(b, Σ(l, H[a, k, b, l] * step_bl)), DIFFERENTIATE,
            "zero exactly for Newton's equations", nll_gradient, nll_hessian),
        title="the slopes of the least squares are the left side of Newton's equations"),
    prove(Σ(b, Σ(l, H[a, k, b, l] * W[b, l])) - d(NLL, W[a, k]),
        by(nll_gradient), unfold(H), collected(Z),
        to(Σ(i, X[i, k] * Σ(b, covariance * response[i, b])), DEFINITION, both_sum_to_one),
        at=(a, k), title=r"solved for $\mathbf{H} \mathbf{U}$: the right side"),
    given=(one_class, fixed, entries_of_hessian, responses),
)

# -- with weights and with a penalty ---------------------------------------------------------------

weighted_terms = Σ(i, s[i] * Σ(b, Y[i, b] * log(P[i, b])))
NLL_s = Definition("NLL_s", (), -weighted_terms, r"\operatorname{NLL}_{\mathbf{s}}")()

weights_given = Hypothesis(
    r"$\operatorname{NLL}_{\mathbf{s}} = -\sum_i s_i \sum_b [y_i = b] \log p_{ib}$ with given $s_i "
    r"\ge 0$.")

weighted = state(
    "Weighted NLL",
    "Weights multiply the terms of the sum and nothing else. Class weights ($s_i$ depends on "
    "$y_i$), the mean ($s_i = 1 / N$), repeated rows (whole $s_i$) and ignored rows ($s_i = 0$) "
    "are special cases.",
    prove(d(NLL_s, W[a, k]),
        differentiate(NLL_s), *row_by_row,
        title="gradient", matrix=(Gradient(NLL_s, W), residuals.T @ Diagonal(Whole(s)) @ design)),
    prove(d(NLL_s, W[a, k], W[b, l]),
        to(d(Σ(i, s[i] * pull), W[b, l]), DIFFERENTIATE, "the gradient"),
        linearity, by(probability_gradient),
        title="Hessian"),
    given=(one_class, fixed, weights_given),
)

penalty = lam / 2 * Σ(b, Σ(l, W[b, l] ** 2))
NLL_pen = Definition("NLL_lambda", (), NLL + penalty, r"\operatorname{NLL}_\lambda")()

ridge = Hypothesis(
    r"$\operatorname{NLL}_\lambda = \operatorname{NLL} + \frac{\lambda}{2} \sum_b \sum_l w_{bl}^2$ "
    r"with $\lambda > 0$.")
penalty_cancels = "the penalty's part cancels; the rest is the form of the NLL"

penalised = state(
    "Penalised NLL",
    r"A ridge penalty adds $\lambda \mathbf{W}$ to the gradient and $\lambda$ times the identity "
    "to the Hessian. No direction is flat any more, so exactly one minimiser exists on any data.",
    prove(d(NLL_pen, W[a, k]),
        differentiate(NLL_pen), by(nll_gradient), contract,
        title="gradient", matrix=(Gradient(NLL_pen, W), residuals.T @ design + lam * Whole(W))),
    prove(d(NLL_pen, W[a, k], W[b, l]),
        differentiate(NLL_pen), by(nll_hessian), contract,
        title="Hessian"),
    prove(Σ(a, Σ(k, V[a, k] * (Σ(i, spread_pull) + lam * V[a, k])))
          - lam * Σ(a, Σ(k, V[a, k] ** 2)),
        to(variances, DEFINITION, penalty_cancels, nll_hvp, nll_convex),
        is_square,
        words(
            r"So the Hessian is at least $\lambda$ times the identity: strictly convex. The NLL is "
            r"not negative, hence the sum is at least $\frac{\lambda}{2} \lVert \mathbf{W} "
            r"\rVert^2$ and grows without bound; a continuous function that does so attains its "
            "minimum, and a strictly convex one attains it once.",
            "boyd2004"),
        title=r"strong convexity: $\mathbf{V}$ against its Hessian-vector product"),
    given=(one_label, fixed, ridge, change_of_logits), level=LEMMA,
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("softmax"))
