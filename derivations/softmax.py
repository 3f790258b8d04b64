"""The softmax model of K classes, from one vector of logits to Newton's method."""

from derivations import sigmoid
from derivations.language import moves
from derivations.language.matrices import (
    Diagonal,
    Gradient,
    Hessian,
    Jacobian,
    Kronecker,
    Ones,
    Total,
    Whole,
)
from derivations.language.moves import (
    because,
    by,
    chain_rule,
    collect,
    collected,
    contract,
    entry_rule,
    fold,
    given,
    linear,
    prove,
    slope,
    to,
    unfold,
    words,
)
from derivations.language.statement import (
    ALGEBRA,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LOGARITHM,
    SIGN,
    Hypothesis,
    Statement,
)
from derivations.language.terms import (
    Array,
    Definition,
    Expectation,
    Index,
    Size,
    Term,
    each,
    exp,
    log,
    scalar,
    term,
)
from derivations.notation import (
    Π,
    Σ,
    K,
    N,
    V,
    W,
    X,
    Y,
    a,
    b,
    block,
    c,
    d,
    design,
    i,
    j,
    k,
    l,
    lam,
    member,
    n,
    partition,
    psi,
    s,
    y,
    δ,
)
from derivations.sigmoid import sigma

# -- one vector of logits --------------------------------------------------------------------------

z = Array("z", (K,), "z", r"\mathbf{z}")
S = Definition("S", (a,), exp(z[a]) / Σ(b, exp(z[b])), "S", r"\mathbf{S}")
log_sum_exp = Definition(
    "logsumexp", (), log(Σ(b, exp(z[b]))), r"\operatorname{logsumexp}(\mathbf{z})"
)
lse = log_sum_exp()
shift = scalar("gamma", r"\gamma")

of_product, sum_to_one = "the logarithm of a product", "the probabilities sum to one"
the_rest = "the other classes; a factor 0 or 1 is its own square"
deviation = "a variance is the mean squared deviation"
squares_times_positive = to(0, SIGN, "squares times positive numbers", relation=">=")
squares_with_weights = to(0, SIGN, "squares with positive weights", relation=">=")
normalised_sums = because(sum_to_one, moves.normalised)

definition = Statement(
    "The softmax",
    "It turns one real number for each class, the logits, into a probability for each. The "
    "logarithm of its denominator is the log-sum-exp.",
    defines=(S, log_sum_exp),
)

normalised = Statement(
    "Softmax values are probabilities",
    "They are positive and sum to one; with two classes or more, each is below one. The ratio of "
    "two is the exponential of the difference of their logits, so they are in the same order.",
    (
        prove(
            Σ(a, S[a]), because("the denominator is the same for every class", unfold(S)), collect
        ),
        prove(
            S[a],
            unfold(S),
            to(0, SIGN, "every exponential is positive", relation=">"),
            title="positive",
        ),
        prove(
            1 - S[a] - (1 - δ(a, b)) * S[b],
            to(Σ(c, S[c]) - S[a] - (1 - δ(a, b)) * S[b], DEFINITION, "they sum to one"),
            to(Σ(c, ((1 - δ(a, c)) * (1 - δ(b, c))) ** 2 * S[c]), DEFINITION, the_rest),
            squares_times_positive,
            title=r"below one: $S_a \le 1 - S_b < 1$ for any second class $b$",
        ),
        prove(S[a] / S[b], unfold(S), collect, to(exp(z[a] - z[b])), title="ratio"),
    ),
)

m = scalar("m", "m")
below = Array("d", (K,), "d", domain="nonnegative")
upper = Hypothesis(
    r"$z_a \le m$ for every class $a$; the largest logit is such a number $m$.",
    replace=((z[a], m - below[a]),),
)

relative = Σ(b, exp(z[b] - z[c]))

shift_invariance = Statement(
    "Shift invariance and the log-sum-exp trick",
    "A number added to all logits cancels in the softmax and comes out of the log-sum-exp. So the "
    "largest logit $m$ may be taken off first. Then no exponential exceeds one and that of the "
    "largest is $e^0 = 1$: the sum lies between 1 and $K$, so it neither overflows nor is zero.",
    (
        prove(
            exp(z[a] + shift) / Σ(b, exp(z[b] + shift)),
            because(r"$e^{s + t} = e^s e^t$, and $e^{\gamma}$ cancels", collect),
            fold(S),
            title=r"softmax of the shifted logits $\mathbf{z} + \gamma \mathbf{1}$",
        ),
        prove(
            log(Σ(b, exp(z[b] + shift))),
            because("a common factor of all terms", collect),
            to(shift + log(Σ(b, exp(z[b]))), LOGARITHM, of_product),
            fold(lse),
            title=r"log-sum-exp of the shifted logits $\mathbf{z} + \gamma \mathbf{1}$",
        ),
        prove(
            lse,
            unfold(lse),
            to(log(exp(m) * Σ(b, exp(z[b] - m))), ALGEBRA, "take $e^m$ out of the sum"),
            to(m + log(Σ(b, exp(z[b] - m))), LOGARITHM, of_product),
            title="the trick",
        ),
        prove(
            exp(z[a] - m) - 1,
            to(0, SIGN, r"$z_a - m \le 0$", relation="<="),
            title="no exponential exceeds one",
        ),
        prove(
            Size(K) - Σ(b, exp(z[b] - m)),
            to(Σ(b, 1 - exp(z[b] - m)), ALGEBRA, r"one sum of $K$ terms"),
            to(0, SIGN, r"$z_b - m \le 0$", relation=">="),
            title=r"their sum is at most $K$",
        ),
        prove(
            relative - 1,
            to(Σ(b, (1 - δ(b, c)) ** 2 * exp(z[b] - z[c])), DEFINITION, the_rest),
            squares_times_positive,
            title=r"and at least 1, for $m = z_c$",
        ),
    ),
    (upper,),
)

others = Definition("T", (c,), Σ(b, (1 - δ(b, c)) * exp(z[b] - z[c])), "T", r"\mathbf{T}")
the_others = Hypothesis(r"$T_c = \sum_{b \ne c} e^{z_b - z_c}$, a sum over the other classes.")

term_left_out = Statement(
    "Log-sum-exp with one term left out",
    "The term of class $c$ is $e^0 = 1$ and need not be summed: the logarithm is that of one plus a "
    "sum, which a computer has as a function of its own (log1p). So a log-sum-exp close to the "
    "largest logit keeps what is small. Take for $c$ the class of the largest logit.",
    (
        prove(
            lse,
            unfold(lse),
            to(log(exp(z[c]) * relative), ALGEBRA, "take $e^{z_c}$ out of the sum"),
            to(log(exp(z[c]) * (1 + others[c])), DEFINITION, "its own term is $e^0 = 1$"),
            to(z[c] + log(1 + others[c]), LOGARITHM, of_product),
            at=(c,),
            title="log-sum-exp, any class $c$",
        ),
        prove(
            S[a],
            unfold(S),
            to(exp(z[a] - z[c]) / relative, ALGEBRA, "times $e^{-z_c} / e^{-z_c}$"),
            to(exp(z[a] - z[c]) / (1 + others[c]), DEFINITION, "its own term is $e^0 = 1$"),
            at=(a, c),
            title="softmax, any class $c$",
        ),
    ),
    (the_others,),
)

logsumexp_bounds = Statement(
    "Bounds of log-sum-exp",
    r"It is a smooth maximum: $\max_a z_a \le \operatorname{logsumexp}(\mathbf{z}) \le \max_a z_a "
    r"+ \log K$, for it is at least every logit $z_a$, and at most $m + \log K$ when no logit "
    "exceeds $m$.",
    (
        prove(
            exp(lse) - exp(z[a]),
            to(Σ(b, exp(z[b])) - exp(z[a]), DEFINITION, r"$e^{\log t} = t$"),
            to(Σ(b, (1 - δ(a, b)) ** 2 * exp(z[b])), DEFINITION, the_rest),
            squares_times_positive,
            words(
                r"The exponential is strictly increasing, so $\operatorname{logsumexp}(\mathbf{z}) \ge z_a$ "
                "for every class, the largest logit included.",
                "blanchard2021",
            ),
            title="at least every logit",
        ),
        prove(
            exp(m + log(Size(K))) - exp(lse),
            to(Size(K) * exp(m) - Σ(a, exp(z[a])), DEFINITION, r"$e^{\log t} = t$"),
            to(Σ(a, exp(m) - exp(z[a])), ALGEBRA, r"one sum of $K$ terms"),
            to(0, SIGN, r"$z_a \le m$", relation=">="),
            words(
                "The exponential is strictly increasing, so "
                r"$\operatorname{logsumexp}(\mathbf{z}) \le m + \log K$.",
                "blanchard2021",
            ),
            title=r"at most $\log K$ above the largest",
        ),
    ),
    (upper,),
)

logsumexp_gradient = Statement(
    "Gradient of log-sum-exp",
    "The slope in the direction of a logit is the probability of its class.",
    (
        prove(
            d(lse, z[a]),
            unfold(lse),
            chain_rule,
            entry_rule,
            contract,
            fold(S),
            matrix=(Gradient(lse, z), Whole(S)),
        ),
    ),
)

spread = Diagonal(Whole(S)) - Whole(S) @ Whole(S).T

jacobian = Statement(
    "Jacobian of the softmax",
    "Each probability grows with its own logit and falls with the others. The matrix is that of the "
    r"covariances of a one-hot label that has class $c$ with probability $S_c$.",
    (
        prove(
            d(S[a], z[b]),
            unfold(S),
            chain_rule,
            entry_rule,
            contract,
            fold(S),
            matrix=(Jacobian(S, z), spread),
        ),
        prove(
            Σ(c, S[c] * (δ(c, a) - S[a]) * (δ(c, b) - S[b])),
            contract,
            normalised_sums,
            at=(a, b),
            title="covariances",
        ),
    ),
)

r = Array("r", (K,), "r", r"\mathbf{r}")

logsumexp_hessian = Statement(
    "Hessian of log-sum-exp",
    "It is the Jacobian of the softmax.",
    (
        prove(
            d(lse, z[a], z[b]),
            by(logsumexp_gradient),
            by(jacobian),
            matrix=(Hessian(lse, z), spread),
        ),
    ),
)

logsumexp_convex = Statement(
    "Log-sum-exp is convex",
    "The quadratic form of its Hessian is the variance of the number $r_a$ when class $a$ has "
    "probability $S_a$, and a variance is never negative.",
    (
        prove(
            Σ(a, Σ(b, r[a] * d(lse, z[a], z[b]) * r[b])),
            by(logsumexp_hessian),
            because("the mean of the square minus the square of the mean", contract),
            to(Σ(a, S[a] * (r[a] - Σ(b, S[b] * r[b])) ** 2), DEFINITION, deviation, normalised),
            squares_with_weights,
        ),
    ),
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

two_class = Statement(
    "Two classes",
    "With two classes the softmax is the sigmoid of the difference of the logits. The model of "
    r"two weight vectors is the binary model with $\mathbf{w} = \mathbf{w}_1 - \mathbf{w}_2$: "
    "only the difference counts.",
    (
        prove(
            S1(z1, z2),
            unfold(S1),
            to(1 / (1 + exp(-(z1 - z2))), ALGEBRA, "times $e^{-z_1} / e^{-z_1}$"),
            to(sigma(z1 - z2), DEFINITION, "", sigmoid.definition),
        ),
        prove(
            S2(z1, z2),
            unfold(S2),
            to(1 - exp(z1) / (exp(z1) + exp(z2)), ALGEBRA, "one minus its complement"),
            to(1 - sigma(z1 - z2), DEFINITION, "the first class, as above"),
        ),
        prove(
            p1[i],
            unfold(p1),
            to(sigma(score1[i] - score2[i]), DEFINITION, "the first line"),
            to(
                sigma(Σ(k, (w1[k] - w2[k]) * X[i, k])),
                DEFINITION,
                "both logits are linear in the same features",
            ),
            title="linear logits",
        ),
    ),
)

# -- the model -------------------------------------------------------------------------------------

Z = Definition("Z", (i, a), Σ(k, W[a, k] * X[i, k]), "z", r"\mathbf{Z}")
P = Definition("P", (i, a), exp(Z[i, a]) / Σ(b, exp(Z[i, b])), "p", r"\mathbf{P}")
L = Definition("L", (), Π(i, Π(a, P[i, a] ** Y[i, a])), r"\mathcal{L}")
log_terms = Σ(i, Σ(a, Y[i, a] * log(P[i, a])))
NLL = Definition("NLL", (), -log_terms, r"\operatorname{NLL}")()
probabilities, labels = Whole(P), Whole(Y)

one_class = Hypothesis(
    "Each data point has one label, a class from 1 to $K$: the numbers $[y_i = a]$ sum to one "
    "over the classes. Nothing else is used of them, so labels may be soft.",
    replace=((Y[i, a], Y[i, a] / Σ(b, Y[i, b])),),
)
one_label = Hypothesis(
    "Each data point has one label, a class from 1 to $K$: $[y_i = a]$ is one for this class and "
    "zero for the others.",
    replace=one_class.replace,
)
independent = Hypothesis(
    r"Given $\mathbf{X}$ and $\mathbf{W}$ the labels are independent, and the label of data point "
    r"$i$ depends on its own features $\mathbf{x}_i$ alone."
)
fixed = Hypothesis(r"The features $\mathbf{X}$ are given numbers; nothing is assumed of them.")

likelihood = Statement(
    "Likelihood",
    "The indicator in the exponent picks, for each data point, the probability of the class that "
    "was seen. Every class has its own weights, one row of the weight matrix.",
    defines=(L, P, Z),
    given=(one_label, independent),
)

nll = Statement(
    "Negative log-likelihood",
    "The cost that maximum likelihood minimises. The second form needs no probability, only the "
    "logits.",
    (
        prove(
            -log(L()),
            unfold(L),
            to(-Σ(i, log(Π(a, P[i, a] ** Y[i, a]))), LOGARITHM, of_product),
            to(-Σ(i, Σ(a, log(P[i, a] ** Y[i, a]))), LOGARITHM, of_product),
            to(-log_terms, LOGARITHM, "the logarithm of a power"),
        ),
        prove(
            NLL,
            unfold(NLL),
            to(
                -Σ(i, Σ(a, Y[i, a] * (Z[i, a] - log(Σ(b, exp(Z[i, b])))))),
                DEFINITION,
                "the logarithm of a quotient",
            ),
            to(
                Σ(i, log(Σ(b, exp(Z[i, b]))) - Σ(a, Y[i, a] * Z[i, a])),
                ALGEBRA,
                "the labels of a data point sum to one",
            ),
            title="by logits",
        ),
    ),
    (one_class, independent),
)

# -- the gradient ----------------------------------------------------------------------------------

probability_gradient = Statement(
    "Derivatives of the probabilities by the weights",
    "The Jacobian of the softmax, times the features: the logit of a class is linear in the "
    "weights of that class and has no others in it.",
    (prove(d(P[i, a], W[b, k]), unfold(P), chain_rule, fold(P), slope(Z), contract),),
    (fixed,),
)

NLL2 = Definition(
    "NLL_2", (), -Σ(i, y[i] * log(p1[i]) + (1 - y[i]) * log(p2[i])), r"\operatorname{NLL}_2"
)()
two_labels = Hypothesis(
    r"With two classes, $\operatorname{NLL}_2 = -\sum_i (y_i \log p_{i1} + (1 - y_i) \log p_{i2})$ with "
    r"$p_{i1} = e^{z_{i1}} / (e^{z_{i1}} + e^{z_{i2}})$, $p_{i2}$ likewise, $z_{i1} = \sum_k w_{1k} "
    r"x_{ik}$ and $z_{i2} = \sum_k w_{2k} x_{ik}$; $y_i$ is 1 for class 1 and 0 for class 2."
)
residuals = probabilities - labels
pull = X[i, k] * (P[i, a] - Y[i, a])  # of one data point
labels_sum_to_one = "the labels of a data point sum to one"
row_by_row = (
    linear,
    chain_rule,
    because(r"the probability $p_{ib}$ cancels", by(probability_gradient)),
    contract,
    because(labels_sum_to_one, given(one_class)),
)

nll_gradient = Statement(
    "Gradient of the NLL",
    "Each data point pulls the weights of a class along its own features, by as much as the "
    "probability of that class is wrong. With two classes these are the two gradients of the note; "
    "its second one needs the label of class 2, $1 - y_i$.",
    (
        prove(
            d(NLL, W[a, k]),
            unfold(NLL),
            *row_by_row,
            matrix=(Gradient(NLL, W), residuals.T @ design),
        ),
        prove(
            d(NLL2, w1[k]),
            unfold(NLL2),
            linear,
            chain_rule,
            to(
                -Σ(i, (y[i] * (1 - p1[i]) - (1 - y[i]) * p1[i]) * X[i, k]),
                DIFFERENTIATE,
                "the slopes are $p_{i1} (1 - p_{i1})$ and $-p_{i1} p_{i2}$",
            ),
            to(-Σ(i, X[i, k] * (y[i] - p1[i])), ALGEBRA, "collect"),
            title="two classes, the weights of class 1",
        ),
        prove(
            d(NLL2, w2[k]),
            unfold(NLL2),
            linear,
            chain_rule,
            to(
                -Σ(i, ((1 - y[i]) * (1 - p2[i]) - y[i] * p2[i]) * X[i, k]),
                DIFFERENTIATE,
                "the slopes are $p_{i2} (1 - p_{i2})$ and $-p_{i1} p_{i2}$",
            ),
            to(-Σ(i, X[i, k] * ((1 - y[i]) - p2[i])), ALGEBRA, "collect"),
            to(
                Σ(i, X[i, k] * (y[i] - p1[i])),
                DEFINITION,
                r"$p_{i2} = 1 - p_{i1}$: the opposite of the first",
            ),
            title="two classes, the weights of class 2",
        ),
    ),
    (one_class, fixed, two_labels),
)

label_left_out = Statement(
    "Loss and residual with the label's class left out",
    r"For one data point with the label $c$, in the numbers $e^{z_a - z_c}$ of the other classes and "
    "their sum $T_c$, no difference of nearly equal numbers is left. A confident right answer keeps its "
    r"loss and its residual where $\log S_c$ and $S_c - 1$ round to zero. Where class $c$ is far below "
    "another, $T_c$ overflows, and the log-sum-exp with the largest term left out takes its place.",
    (
        prove(
            -log(S[c]),
            to(-log(1 / (1 + others[c])), DEFINITION, "", term_left_out),
            to(log(1 + others[c]), LOGARITHM, "the logarithm of a reciprocal"),
            title="loss",
        ),
        prove(
            S[c] - 1,
            to(1 / (1 + others[c]) - 1, DEFINITION, "", term_left_out),
            to(-(others[c] / (1 + others[c])), ALGEBRA, "one fraction"),
            title="residual of the label's class",
        ),
        prove(
            S[a] - δ(a, c),
            to((1 - δ(a, c)) * S[a] + δ(a, c) * (S[c] - 1), ALGEBRA, r"$a \ne c$, or $a = c$"),
            to(
                (1 - δ(a, c)) * (exp(z[a] - z[c]) / (1 + others[c]))
                - δ(a, c) * (others[c] / (1 + others[c])),
                DEFINITION,
                "",
                term_left_out,
            ),
            title="residual of every class",
        ),
        prove(
            S[c] - 1,
            to(-Σ(a, (1 - δ(a, c)) * S[a]), DEFINITION, sum_to_one, normalised),
            title="residual of the label's class, from the others",
        ),
    ),
    (the_others,),
)

gradients_sum_to_zero = Statement(
    "The gradients sum to zero",
    "What one class gains the others lose: the gradients of all classes cancel, for any weights "
    "and any data.",
    (
        prove(
            Σ(a, d(NLL, W[a, k])),
            by(nll_gradient),
            because("exchange the sums", collect),
            to(0, DEFINITION, "probabilities and labels both sum to one", normalised),
        ),
    ),
    (one_class, fixed),
)

# -- the Hessian -----------------------------------------------------------------------------------

hessian = d(NLL, W[a, k], W[b, l])
covariance = P[i, a] * (δ(a, b) - P[i, b])

p_i, x_i = Whole(P, (i,)), Whole(X, (i,))

nll_hessian = Statement(
    "Hessian of the NLL",
    "One block for each pair of classes: a Gram matrix of the features, weighted by the "
    r"covariance of the indicators of the two classes. The labels are gone. In $\otimes$, the "
    "Kronecker product, a row is a pair of class and feature, and so is a column.",
    (
        prove(
            hessian,
            by(nll_gradient),
            linear,
            by(probability_gradient),
            matrix=(Hessian(NLL, W), Total(i, Kronecker(Diagonal(p_i) - p_i @ p_i.T, x_i @ x_i.T))),
        ),
    ),
    (one_class, fixed),
)

hessian_blocks_sum_to_zero = Statement(
    "The Hessian blocks sum to zero",
    "In each row of blocks they cancel, so that the diagonal blocks follow from the others.",
    (prove(Σ(b, hessian), by(nll_hessian), contract, normalised_sums),),
    (one_class, fixed),
)

H = Definition(
    "H", (a, k, b, l), Σ(i, X[i, k] * X[i, l] * covariance), written="H_{{{0}{1}{2}{3}}}"
)

entries_of_hessian = Hypothesis(
    r"$H_{akbl} = \sum_i x_{ik} x_{il} \, p_{ia} (\delta_{ab} - p_{ib})$ are the entries of the Hessian of "
    "the NLL."
)

diagonal_blocks = Statement(
    "The diagonal blocks from the others",
    "A diagonal block is minus the sum of the others in its row of blocks: it needs no work of its "
    "own, and $1 - p_{ia}$ is never formed.",
    (
        prove(
            H[a, k, a, l],
            unfold(H),
            contract,
            to(
                Σ(i, X[i, k] * X[i, l] * P[i, a] * Σ(b, (1 - δ(a, b)) * P[i, b])),
                DEFINITION,
                sum_to_one,
                normalised,
            ),
            to(
                -Σ(b, (1 - δ(a, b)) * H[a, k, b, l]),
                DEFINITION,
                r"for $b \ne a$ the block has $-p_{ia} p_{ib}$",
                nll_hessian,
            ),
        ),
    ),
    (one_class, fixed, entries_of_hessian),
)

R = Definition("R", (i, a), Σ(l, X[i, l] * V[a, l]), "r", r"\mathbf{R}")
spreads = Whole(R)
spread_pull = X[i, k] * P[i, a] * (R[i, a] - Σ(b, P[i, b] * R[i, b]))  # of one data point
HV = Definition(
    "HV",
    (a, k),
    Σ(b, Σ(l, hessian * V[b, l])),
    r"(\nabla^2 \operatorname{NLL} \, \mathbf{V})",
    r"\nabla^2 \operatorname{NLL} \, \mathbf{V}",
)
change_of_logits = Hypothesis(
    r"$r_{ia} = \sum_l x_{il} v_{al}$, the entries of $\mathbf{R} = \mathbf{X} \mathbf{V}^\top$, are the "
    r"changes of the logits along the direction $\mathbf{V}$."
)
row_sums = (probabilities * spreads) @ Ones(K) @ Ones(K).T

nll_hvp = Statement(
    "Hessian-vector product",
    r"The change of the logits along the direction is centred by its mean under the probabilities of "
    "each data point. Two products with the design matrix; the Hessian is never formed.",
    (
        prove(
            Σ(b, Σ(l, hessian * V[b, l])),
            by(nll_hessian),
            contract,
            fold(R),
            matrix=(Whole(HV), (probabilities * (spreads - row_sums)).T @ design),
        ),
    ),
    (one_class, fixed, change_of_logits),
)

point_loss = Definition("loss", (i,), -Σ(a, Y[i, a] * log(P[i, a])), r"\ell")
block_gradient = Definition(
    "block_gradient", (block, a, k), Σ(i, member[block, i] * pull), written="g^{{({0})}}_{{{1}{2}}}"
)
NLL_block = Definition(
    "cost", (block,), Σ(i, member[block, i] * point_loss[i]), r"\operatorname{NLL}"
)
in_one_block = "each row is in one block"

blocks = Statement(
    "Sums over blocks of rows",
    "Cut the rows into blocks in any way: value, gradient, Hessian and Hessian-vector product of the "
    "whole are the sums of those of the blocks. So they can be computed block by block, in any order, "
    "on one machine or on many, in memory for one block.",
    (
        prove(
            NLL,
            to(Σ(i, point_loss[i]), DEFINITION, "the sign goes to each data point"),
            to(Σ(i, Σ(block, member[block, i]) * point_loss[i]), ALGEBRA, in_one_block),
            to(Σ(block, Σ(i, member[block, i] * point_loss[i])), ALGEBRA, "exchange the sums"),
            fold(NLL_block),
            title="value",
        ),
        prove(
            d(NLL, W[a, k]),
            to(d(Σ(block, NLL_block[block]), W[a, k]), DEFINITION, "the value"),
            linear,
            unfold(NLL_block),
            unfold(point_loss),
            *row_by_row[:3],
            to(
                Σ(block, Σ(i, member[block, i] * pull)),
                CONTRACT,
                "the labels of a data point sum to one",
            ),
            title="gradient",
        ),
        prove(
            hessian,
            to(d(Σ(block, block_gradient[block, a, k]), W[b, l]), DIFFERENTIATE, "the gradient"),
            linear,
            unfold(block_gradient),
            linear,
            by(probability_gradient),
            title="Hessian",
        ),
        prove(
            Σ(b, Σ(l, H[a, k, b, l] * V[b, l])),
            unfold(H),
            collected(R),
            to(Σ(block, Σ(i, member[block, i] * spread_pull)), ALGEBRA, in_one_block),
            title="Hessian-vector product",
        ),
    ),
    (
        one_class,
        fixed,
        partition,
        Hypothesis(
            r"$\ell_i = -\sum_a [y_i = a] \log p_{ia}$ is the loss of a row, $\operatorname{NLL}_h = "
            r"\sum_i [i \in B_h] \, \ell_i$ that of a block, and $g^{(h)}_{ak}$ its gradient."
        ),
        entries_of_hessian,
        change_of_logits,
    ),
)

quadratic_form = Σ(a, Σ(k, Σ(b, Σ(l, V[a, k] * H[a, k, b, l] * V[b, l]))))
variances = Σ(i, Σ(a, P[i, a] * (R[i, a] - Σ(b, P[i, b] * R[i, b])) ** 2))

nll_convex = Statement(
    "Convexity",
    "The quadratic form of the Hessian is a sum of variances: for each data point that of the change "
    "of its logits, $r_{ia}$, when class $a$ is drawn with probability $p_{ia}$. A variance is never "
    "negative, so the NLL is convex.",
    (
        prove(
            quadratic_form,
            unfold(H),
            because("the mean of the square minus the square of the mean", collected(R)),
            to(variances, DEFINITION, deviation, normalised),
            squares_with_weights,
        ),
    ),
    (one_class, fixed, entries_of_hessian, change_of_logits),
)

null_space = Statement(
    "Null space of the Hessian",
    r"The Hessian takes a direction that moves the weights of every class by the same "
    r"$\boldsymbol{\psi}$ to zero, whatever the data and the weights: there is one such flat "
    "direction for each feature.",
    (
        prove(
            Σ(b, Σ(l, hessian * psi[l])),
            because(
                r"exchange the sums; $\psi_l$ is the same for every class",
                to(Σ(l, Σ(b, hessian) * psi[l])),
            ),
            by(hessian_blocks_sum_to_zero),
        ),
    ),
    (one_class, fixed),
)

centred = Definition(
    "E", (i, a), R[i, a] - Σ(b, R[i, b]) / Size(K), r"\tilde{r}", r"\tilde{\mathbf{R}}"
)
two_classes = Definition("Q", (i, a, b), (1 - δ(a, b)) ** 2 * P[i, a] * P[i, b], "q")
half = term(1) / 2
bound = half * Σ(i, Σ(a, R[i, a] ** 2) - Σ(a, R[i, a]) ** 2 / Size(K))
mean_change = Σ(a, P[i, a] * R[i, a])
own_part = 2 * (half - P[i, a]) ** 2 * centred[i, a] ** 2
pairs = two_classes[i, a, b] * (centred[i, a] + centred[i, b]) ** 2
same_variance = (
    r"a variance does not change with the mean of the numbers; $2 (s^2 + t^2) - "
    r"(s - t)^2 = (s + t)^2$ for each pair of classes"
)

smoothness = Statement(
    "Smoothness",
    r"The Hessian never exceeds $\frac{1}{2} (\mathbf{I} - \frac{1}{K} \mathbf{1} \mathbf{1}^\top) "
    r"\otimes \mathbf{X}^\top \mathbf{X}$, whatever the weights (Böhning's bound), and so not "
    r"$\frac{1}{2} \lambda_{\max}(\mathbf{X}^\top \mathbf{X})$ times the identity: a gradient step of "
    r"step size $2 / \lambda_{\max}(\mathbf{X}^\top \mathbf{X})$ cannot raise the NLL. The bound is "
    r"stated by quadratic forms, for every direction $\mathbf{V}$.",
    (
        prove(
            bound - quadratic_form,
            to(
                bound - Σ(i, Σ(a, P[i, a] * R[i, a] ** 2) - mean_change**2),
                DEFINITION,
                "variances",
                nll_convex,
            ),
            to(Σ(i, Σ(a, own_part + half * Σ(b, pairs))), DEFINITION, same_variance, normalised),
            squares_with_weights,
            words(
                r"The first part of the left side is the quadratic form of $\frac{1}{2} (\mathbf{I} - "
                r"\frac{1}{K} \mathbf{1} \mathbf{1}^\top) \otimes \mathbf{X}^\top \mathbf{X}$.",
                "bohning1992",
            ),
            title=r"the bound minus the Hessian, along $\mathbf{V}$",
        ),
        prove(
            half * Σ(i, Σ(a, R[i, a] ** 2)) - bound,
            to(
                Σ(i, Σ(a, R[i, a]) ** 2) / (2 * Size(K)),
                ALGEBRA,
                "the squares of the single numbers cancel",
            ),
            to(0, SIGN, "a sum of squares", relation=">="),
            words(
                r"And $\sum_i r_{ia}^2 \le \lambda_{\max}(\mathbf{X}^\top \mathbf{X}) "
                r"\sum_k v_{ak}^2$. A function whose Hessian is bounded by $L > 0$ does not rise "
                "along a gradient step of step size $1 / L$ (descent lemma).",
                "boyd2004",
            ),
            title=r"the simpler bound, $\frac{1}{2} \mathbf{I} \otimes \mathbf{X}^\top \mathbf{X}$, minus "
            "the bound",
        ),
    ),
    (
        one_class,
        Hypothesis(
            r"The features $\mathbf{X}$ are given numbers, not all zero, so that "
            r"$\lambda_{\max}(\mathbf{X}^\top \mathbf{X}) > 0$."
        ),
        entries_of_hessian,
        change_of_logits,
        Hypothesis(
            r"$\tilde{r}_{ia} = r_{ia} - \frac{1}{K} \sum_b r_{ib}$, and $q_{iab} = p_{ia} p_{ib}$ for two "
            r"different classes, $q_{iaa} = 0$."
        ),
    ),
)

# -- estimation ------------------------------------------------------------------------------------


def expected(point: Index, outcome: Index, body: Term) -> Expectation:
    """Return the expectation over the label of a data point, drawn from its probabilities."""
    return Expectation(y[point], Y, (point,), each(outcome, P[point, outcome]), body)


score_ibl = X[i, l] * (P[i, b] - Y[i, b])
residual_jb = P[j, b] - Y[j, b]
rho = Array("rho", (N, K), r"\rho")

fisher_information = Statement(
    "Fisher information",
    "Under the model the expected outer product of the score is the Hessian, and since the "
    "Hessian has no labels in it, expected and observed information are the same (the link is "
    "canonical).",
    (
        prove(
            Σ(i, expected(i, c, pull * score_ibl)),
            to(
                Σ(i, X[i, k] * X[i, l] * Σ(c, P[i, c] * (P[i, a] - δ(c, a)) * (P[i, b] - δ(c, b)))),
                ALGEBRA,
                "the classes and their probabilities",
            ),
            contract,
            normalised_sums,
            to(hessian, DEFINITION, "", nll_hessian),
            at=(a, k, b, l),
            title="the same data point",
        ),
        prove(
            expected(i, c, pull),
            to(
                X[i, k] * Σ(c, P[i, c] * (P[i, a] - δ(c, a))),
                ALGEBRA,
                "the classes and their probabilities",
            ),
            contract,
            normalised_sums,
            at=(i, a, k),
            title="the score has mean zero",
        ),
        prove(
            expected(j, c, rho[i, a] * residual_jb),
            to(
                rho[i, a] * expected(j, c, residual_jb),
                ALGEBRA,
                "independence: the label of one says nothing of the other's",
            ),
            to(0, DEFINITION, "the mean of a residual is zero", normalised),
            at=(i, j, a, b),
            title="two data points",
        ),
    ),
    (
        one_label,
        independent,
        Hypothesis(r"The labels follow the model: $y_i = a$ with probability $p_{ia}$."),
        Hypothesis(
            r"$\rho_{ia}$ stands for the residual $p_{ia} - [y_i = a]$ of data point $i$ where the "
            r"expectation is over the label of another, $j \ne i$, of which it is free."
        ),
        fixed,
    ),
)

response = Definition(
    "zeta", (i, a), Z[i, a] + (Y[i, a] - P[i, a]) / P[i, a], r"\zeta", r"\boldsymbol{\zeta}"
)
U = Array("U", (K, n), "u", r"\mathbf{U}")
gap = Definition("d", (i, a), response[i, a] - Σ(l, X[i, l] * U[a, l]), "d")
squares = Σ(i, Σ(b, P[i, b] * gap[i, b] ** 2) - Σ(b, P[i, b] * gap[i, b]) ** 2)
both_sum_to_one = "the labels of a data point and its probabilities both sum to one"

newton_step = Statement(
    "Newton's step is weighted least squares",
    r"Newton's next weights $\mathbf{U}$ solve $\mathbf{G} + \mathbf{H} (\mathbf{U} - \mathbf{W}) = "
    r"\mathbf{0}$, with the gradient $\mathbf{G}$ and the Hessian $\mathbf{H}$ at $\mathbf{W}$. These are "
    "the normal equations of a least squares problem in which each data point has a response for every "
    "class, and the covariance of its indicators as the weight.",
    (
        prove(
            d(squares / 2, U[a, k]),
            chain_rule,
            slope(gap),
            contract,
            to(
                Σ(i, pull) + Σ(b, Σ(l, Σ(i, X[i, k] * X[i, l] * covariance) * (U[b, l] - W[b, l]))),
                DEFINITION,
                both_sum_to_one,
            ),
            to(
                d(NLL, W[a, k]) + Σ(b, Σ(l, H[a, k, b, l] * (U[b, l] - W[b, l]))),
                DIFFERENTIATE,
                "zero exactly for Newton's equations",
                (nll_gradient, nll_hessian),
            ),
            title="the slopes of the least squares are the left side of Newton's equations",
        ),
        prove(
            Σ(b, Σ(l, H[a, k, b, l] * W[b, l])) - d(NLL, W[a, k]),
            by(nll_gradient),
            unfold(H),
            collected(Z),
            to(Σ(i, X[i, k] * Σ(b, covariance * response[i, b])), DEFINITION, both_sum_to_one),
            at=(a, k),
            title=r"solved for $\mathbf{H} \mathbf{U}$: the right side",
        ),
    ),
    (
        one_class,
        fixed,
        entries_of_hessian,
        Hypothesis(
            r"The response is $\zeta_{ia} = z_{ia} + ([y_i = a] - p_{ia}) / p_{ia}$, and $d_{ia} = "
            r"\zeta_{ia} - \sum_l x_{il} u_{al}$ is what $\mathbf{U}$ misses of it."
        ),
    ),
)

# -- with weights and with a penalty ---------------------------------------------------------------

weighted_terms = Σ(i, s[i] * Σ(b, Y[i, b] * log(P[i, b])))
NLL_s = Definition("NLL_s", (), -weighted_terms, r"\operatorname{NLL}_{\mathbf{s}}")()

weighted = Statement(
    "Weighted NLL",
    "Weights multiply the terms of the sum and nothing else. Class weights ($s_i$ depends on "
    "$y_i$), the mean ($s_i = 1 / N$), repeated rows (whole $s_i$) and ignored rows ($s_i = 0$) "
    "are special cases.",
    (
        prove(
            d(NLL_s, W[a, k]),
            unfold(NLL_s),
            *row_by_row,
            title="gradient",
            matrix=(Gradient(NLL_s, W), residuals.T @ Diagonal(Whole(s)) @ design),
        ),
        prove(
            d(NLL_s, W[a, k], W[b, l]),
            to(d(Σ(i, s[i] * pull), W[b, l]), DIFFERENTIATE, "the gradient"),
            linear,
            by(probability_gradient),
            title="Hessian",
        ),
    ),
    (
        one_class,
        fixed,
        Hypothesis(
            r"$\operatorname{NLL}_{\mathbf{s}} = -\sum_i s_i \sum_b [y_i = b] \log p_{ib}$ with given "
            r"$s_i \ge 0$."
        ),
    ),
)

penalty = lam / 2 * Σ(b, Σ(l, W[b, l] ** 2))
NLL_pen = Definition("NLL_lambda", (), NLL + penalty, r"\operatorname{NLL}_\lambda")()

penalised = Statement(
    "Penalised NLL",
    r"A ridge penalty adds $\lambda \mathbf{W}$ to the gradient and $\lambda$ times the identity "
    "to the Hessian. No direction is flat any more, so exactly one minimiser exists on any data.",
    (
        prove(
            d(NLL_pen, W[a, k]),
            unfold(NLL_pen),
            linear,
            chain_rule,
            by(nll_gradient),
            entry_rule,
            contract,
            title="gradient",
            matrix=(Gradient(NLL_pen, W), residuals.T @ design + lam * Whole(W)),
        ),
        prove(
            d(NLL_pen, W[a, k], W[b, l]),
            unfold(NLL_pen),
            linear,
            chain_rule,
            by(nll_hessian),
            entry_rule,
            contract,
            title="Hessian",
        ),
        prove(
            Σ(a, Σ(k, V[a, k] * (Σ(i, spread_pull) + lam * V[a, k])))
            - lam * Σ(a, Σ(k, V[a, k] ** 2)),
            to(
                variances,
                DEFINITION,
                "the penalty's part cancels; the rest is the form of the NLL",
                (nll_hvp, nll_convex),
            ),
            squares_with_weights,
            words(
                r"So the Hessian is at least $\lambda$ times the identity: strictly convex. "
                r"The NLL is not negative, hence the sum is at least $\frac{\lambda}{2} "
                r"\lVert \mathbf{W} \rVert^2$ and grows without bound; a continuous function "
                "that does so attains its minimum, and a strictly convex one attains it once.",
                "boyd2004",
            ),
            title=r"strong convexity: $\mathbf{V}$ against its Hessian-vector product",
        ),
    ),
    (
        one_label,
        fixed,
        Hypothesis(
            r"$\operatorname{NLL}_\lambda = \operatorname{NLL} + \frac{\lambda}{2} \sum_b \sum_l w_{bl}^2$ "
            r"with $\lambda > 0$."
        ),
        change_of_logits,
    ),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("softmax"))
