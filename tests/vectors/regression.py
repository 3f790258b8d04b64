"""Logistic and softmax regression: NLL, gradient, Hessian and Hessian-vector product.

The residual of a label is never p - 1: it is minus the sum of what the other classes have.
"""

import designs
import loops
from mpmath import mp, mpf

from vectors.arithmetic import ONE, dot, log1p, total
from vectors.cases import Argument, File, Input, Invalid, Valid, eighths, full, refusals, rng
from vectors.elementary import left_out, sigmoid, softmax, softplus

# ------------------------------------------------------------------ formulas, labels 0 and 1


def weights(s, X):
    return [ONE] * len(X) if s is None else s


def losses(t, y):
    """The loss of each label: softplus of the logit of the wrong answer."""
    return [softplus(-z if label else z) for z, label in zip(t, y, strict=True)]


def residuals(t, y):
    """p - y: minus sigma(-t) for a label 1."""
    return [-sigmoid(-z) if label else sigmoid(z) for z, label in zip(t, y, strict=True)]


def nll(w, X, y, sample_weight=None):
    return dot(weights(sample_weight, X), losses([dot(w, x) for x in X], y))


def nll_gradient(w, X, y, sample_weight=None):
    r = residuals([dot(w, x) for x in X], y)
    pull = [s * r_i for s, r_i in zip(weights(sample_weight, X), r, strict=True)]
    return [total(p * x[k] for p, x in zip(pull, X, strict=True)) for k in range(len(w))]


def variances(w, X, s):
    logits = [dot(w, x) for x in X]
    return [s_i * sigmoid(z) * sigmoid(-z) for s_i, z in zip(weights(s, X), logits, strict=True)]


def nll_hessian(w, X, y, sample_weight=None):
    v = variances(w, X, sample_weight)
    n = range(len(w))
    return [[total(v_i * x[k] * x[j] for v_i, x in zip(v, X, strict=True)) for j in n] for k in n]


def nll_hvp(w, X, y, v, sample_weight=None):
    pull = [v_i * dot(x, v) for v_i, x in zip(variances(w, X, sample_weight), X, strict=True)]
    return [total(p * x[k] for p, x in zip(pull, X, strict=True)) for k in range(len(w))]


def penalised_gradient(w, X, y, penalty):
    return [g + penalty * w_k for g, w_k in zip(nll_gradient(w, X, y), w, strict=True)]


def mean_gradient(w, X, y, sample_weight):
    whole = total(sample_weight)
    return [g / whole for g in nll_gradient(w, X, y, sample_weight)]


def soft_nll(w, X, q):
    t = [dot(w, x) for x in X]
    return total(
        q_i * softplus(-z) + (ONE - q_i) * softplus(z) for q_i, z in zip(q, t, strict=True)
    )


def soft_residuals(t, q):
    return [(ONE - q_i) * sigmoid(z) - q_i * sigmoid(-z) for q_i, z in zip(q, t, strict=True)]


# ------------------------------------------------------------------ formulas, K classes


def class_losses(z, y):
    return [_loss(row, label) for row, label in zip(z, y, strict=True)]


def _loss(row, label):
    _, d, _, others = left_out(row)
    return log1p(others) - d[label]


def class_residuals(z, y):
    return [_residual(row, label) for row, label in zip(z, y, strict=True)]


def _residual(row, label):
    _, _, e, others = left_out(row)
    own = -total(entry for a, entry in enumerate(e) if a != label)
    return [(own if a == label else e[a]) / (ONE + others) for a in range(len(e))]


def logits(W, X):
    return [[dot(w, x) for w in W] for x in X]


def class_nll(W, X, y, sample_weight=None):
    return dot(weights(sample_weight, X), class_losses(logits(W, X), y))


def class_gradient(W, X, y, sample_weight=None):
    R = class_residuals(logits(W, X), y)
    return pulled(R, X, weights(sample_weight, X))


def pulled(R, X, s):
    """(diag(s) R)^T X."""
    return [
        [
            total(s_i * r[a] * x[k] for s_i, r, x in zip(s, R, X, strict=True))
            for k in range(len(X[0]))
        ]
        for a in range(len(R[0]))
    ]


def others(p, a):
    """sum_{b /= a} p_b, which is 1 - p_a."""
    return total(entry for b, entry in enumerate(p) if b != a)


def curvature(p, a, b):
    return p[a] * others(p, a) if a == b else -(p[a] * p[b])


def class_hessian(W, X, y, sample_weight=None):
    s, P = weights(sample_weight, X), [softmax(row) for row in logits(W, X)]
    K, n, N = range(len(W)), range(len(W[0])), range(len(X))
    C = [[[s[i] * curvature(P[i], a, b) for b in K] for a in K] for i in N]
    return [
        [[[total(C[i][a][b] * X[i][k] * X[i][j] for i in N) for j in n] for b in K] for k in n]
        for a in K
    ]


def class_hvp(W, X, y, V, sample_weight=None):
    P, Q = [softmax(row) for row in logits(W, X)], logits(V, X)
    R = [
        [p[a] * total(p[b] * (q[a] - q[b]) for b in range(len(p)) if b != a) for a in range(len(p))]
        for p, q in zip(P, Q, strict=True)
    ]
    return pulled(R, X, weights(sample_weight, X))


def class_penalised_gradient(W, X, y, penalty):
    G = class_gradient(W, X, y)
    return [
        [g + penalty * w for g, w in zip(*rows, strict=True)] for rows in zip(G, W, strict=True)
    ]


def soft_gradient(W, X, Y):
    """(P diag(Y 1) - Y)^T X: the residual y_a goes to the classes as far as they have it."""
    R = [_soft_residual(row, labels) for row, labels in zip(logits(W, X), Y, strict=True)]
    return pulled(R, X, [ONE] * len(X))


def _soft_residual(row, labels):
    """p_a sum_b y_b - y_a = p_a sum_{b /= a} y_b - y_a sum_{b /= a} p_b."""
    p = softmax(row)
    return [p[a] * others(labels, a) - labels[a] * others(p, a) for a in range(len(p))]


def class_weighted_gradient(W, X, y, class_weight):
    return class_gradient(W, X, y, [class_weight[label] for label in y])


def jacobian(z):
    p = softmax(z)
    K = range(len(z))
    return [[curvature(p, a, b) for b in K] for a in K]


# ------------------------------------------------------------------ oracles, the definitions


def plain_residuals(t, y):
    return [loops.sigmoid(z) - label for z, label in zip(t, y, strict=True)]


def plain_losses(z, y):
    return [-mp.log(loops.softmax(row)[label]) for row, label in zip(z, y, strict=True)]


def plain_class_residuals(z, y):
    return [
        [p - (1 if a == label else 0) for a, p in enumerate(loops.softmax(row))]
        for row, label in zip(z, y, strict=True)
    ]


def ridge(gradient, W, penalty):
    if isinstance(W, list):
        return [ridge(g, w, penalty) for g, w in zip(gradient, W, strict=True)]
    return gradient + penalty * W


def by_class(loop):
    """A loop over indicators, for labels."""

    def labelled(W, X, y, *direction, sample_weight=None, **named):
        Y = loops.indicators(y, len(W))
        return loop(W, X, Y, *named.values(), *direction, sample_weight)

    return labelled


def weighted(loop):
    def by_name(w, X, y, sample_weight=None, **named):
        return loop(w, X, y, *named.values(), sample_weight)

    return by_name


def plain_mean_gradient(w, X, y, sample_weight):
    gradient = loops.logistic_nll_gradient(w, X, y, sample_weight)
    return [g / loops.dot(sample_weight, [mpf(1)] * len(X)) for g in gradient]


def plain_class_weighted(W, X, y, class_weight):
    Y = [
        [class_weight[a] * entry for a, entry in enumerate(row)]
        for row in loops.indicators(y, len(W))
    ]
    return loops.softmax_nll_gradient(W, X, Y)


# ------------------------------------------------------------------ inputs


def binary(direction=False):
    for design in [*designs.LOGISTIC, *more_binary()]:
        values = {"w": design.w.tolist(), "X": design.X.tolist(), "y": design.y.tolist()}
        if direction:
            values["v"] = design.v.tolist()
        if design.s is not None:
            values["sample_weight"] = design.s.tolist()
        yield Valid(design.name, values)


def more_binary():
    for N, n in [(1, 1), (2, 1), (3, 1), (4, 2), (3, 2), (4, 3), (5, 1)]:
        yield designs.logistic(f"more, N={N} n={n}", N, n)
    for name in ("a", "b", "c"):
        X = designs.eighths(rng(f"intercept {name}"), 5, 3)
        X[:, 0] = 1.0
        yield designs.logistic(f"intercept, {name}", 5, 3, X=X)
    for name, scale in (("a", 1.0), ("b", 10.0), ("c", 100.0)):
        r = rng(f"full and weighted {name}")
        yield designs.logistic(
            f"full mantissa, weights, {name}",
            4,
            2,
            X=r.normal(size=(4, 2)),
            w=scale * r.normal(size=2),
            s=r.uniform(size=4),
        )


def classes(direction=False, most=4):
    for design in [*designs.SOFTMAX, *more_classes()]:
        if len(design.W) > most:
            continue
        values = {"W": design.W.tolist(), "X": design.X.tolist(), "y": design.y.tolist()}
        if direction:
            values["V"] = design.V.tolist()
        if design.s is not None:
            values["sample_weight"] = design.s.tolist()
        yield Valid(design.name, values)


def more_classes():
    for N, n, K in [(1, 1, 2), (1, 1, 3), (2, 1, 3), (3, 2, 2), (4, 2, 3), (3, 3, 2), (2, 2, 4)]:
        yield designs.softmax(f"more, N={N} n={n} K={K}", N, n, K)
    for name in ("a", "b"):
        X = designs.eighths(rng(f"class intercept {name}"), 4, 2)
        X[:, 0] = 1.0
        yield designs.softmax(f"intercept, {name}", 4, 2, 3, X=X)
    for name, scale in (("a", 1.0), ("b", 10.0), ("c", 100.0)):
        r = rng(f"classes, full and weighted {name}")
        yield designs.softmax(
            f"full mantissa, weights, {name}",
            3,
            2,
            3,
            X=r.normal(size=(3, 2)),
            W=scale * r.normal(size=(3, 2)),
            s=r.uniform(size=3),
        )
    for K, label in ((131, 130), (201, 200)):
        r = rng(f"label {label}")
        yield designs.softmax(
            f"label {label}", 2, 1, K, W=designs.eighths(r, K, 1), y=r.permutation([label, 3])
        )


def logit_rows():
    for comment, z, y in [
        ("one row", [[0.5, -1.25]], [0]),
        ("one row, other label", [[0.5, -1.25]], [1]),
        ("confident and right", [[40.0, 0.0, -1.0]], [0]),
        ("confident and wrong", [[40.0, 0.0, -1.0]], [1]),
        ("very confident and right", [[0.0, 700.0]], [1]),
        ("very confident and wrong", [[0.0, 700.0]], [0]),
        ("loss is subnormal", [[0.0, -744.0, -745.0]], [0]),
        ("ties, label among them", [[2.0, 2.0, -1.0]], [1]),
        ("ties, label not among them", [[2.0, 2.0, -1.0]], [2]),
        ("all equal", [[0.25, 0.25, 0.25, 0.25]], [3]),
        ("large and close", [[1000.0, 1000.5, 999.0]], [0]),
        ("large and negative", [[-2000.0, -2000.5]], [1]),
        ("loss near log 2", [[0.0, 1e-9]], [0]),
    ]:
        yield Valid(comment, {"z": z, "y": y})
    for N, K in [(1, 3), (2, 3), (3, 2), (5, 4), (3, 3), (2, 2), (4, 5)]:
        for scale in (1.0, 30.0):
            name = f"{N} rows, K={K}, scale {scale:g}"
            y = rng(name).integers(0, K, N).tolist()
            yield Valid(name, {"z": full(name, N, K, scale=scale), "y": y})


def binary_logits():
    for t in (
        0.0,
        0.5,
        -1.0,
        3.0,
        -3.5,
        30.0,
        -30.0,
        37.0,
        40.0,
        -40.0,
        300.0,
        -700.0,
        744.0,
        -744.0,
        800.0,
    ):
        for label in (0, 1):
            if (t, label) != (800.0, 1):
                yield Valid(f"t={t:g} y={label}", {"t": [t], "y": [label]})
    yield Valid("several", {"t": eighths("several", 5), "y": [0, 1, 1, 0, 1]})
    yield Valid("full mantissa", {"t": full("full", 4, scale=20.0), "y": [1, 0, 0, 1]})


def with_penalty(cases):
    for number, case in enumerate(case for case in cases if "sample_weight" not in case.input):
        yield Valid(
            case.comment, {**case.input, "penalty": (1.0, 0.125, 0.1, 3.5, 0.0, 100.0)[number % 6]}
        )


# ------------------------------------------------------------------ what is refused

BINARY: Input = {"w": [0.5, -1.0], "X": [[1.0, 2.0], [0.5, -1.5], [3.0, 0.25]], "y": [0, 1, 1]}
CLASSES: Input = {
    "W": [[0.5, -1.0], [0.25, 1.0], [2.0, -0.5], [0.125, 1.0]],
    "X": [[1.0, 2.0], [0.5, -1.5], [3.0, 0.25]],
    "y": [0, 2, 1],
}
WEIGHTS = {"sample_weight": [0.5, 2.0, 1.0]}


def refused(arguments, base, K):
    """What NLL, gradient, ... refuse of labels 0..K-1, weights and the design."""
    yield from refusals(arguments, {**base, **WEIGHTS} if "sample_weight" in arguments else base)
    for label, what in (
        (K, "one too many"),
        (-1, "a negative label"),
        (0.5, "a fraction"),
        (255, "255"),
    ):
        for place in (0, 2):
            y = [*base["y"][:place], label, *base["y"][place + 1 :]]
            yield Invalid(
                f"y: {what}, at {place}",
                {**base, "y": y},
                "domain",
                f"y: {label} is no label 0..{K - 1}",
            )
    yield Invalid("y: signs", {**base, "y": [-1, 1, 1]}, "domain", "y: -1 is no label")
    yield Invalid("X: no columns", {**base, "X": [[], [], []]}, "shape", "X: rows without entries")
    yield Invalid("y: one-hot", {**base, "y": [[1, 0], [0, 1], [0, 1]]}, "shape", "y: a matrix")
    if "sample_weight" in arguments:
        yield Invalid(
            "a negative weight",
            {**base, "sample_weight": [0.5, -2.0, 1.0]},
            "domain",
            "sample_weight: below zero",
        )
        yield Invalid(
            "weights are zero",
            {**base, "sample_weight": [0.0, 0.0, 0.0]},
            "domain",
            "sample_weight: all are zero",
        )
    if "W" in base:
        yield Invalid(
            "one class", {**base, "W": [[0.5, -1.0]], "y": [0, 0, 0]}, "shape", "W: one class alone"
        )


def no_penalty(base):
    for value, kind in (
        (-1.0, "domain"),
        ("nan", "not finite"),
        ("inf", "not finite"),
        ("one", "type"),
    ):
        yield Invalid(
            f"penalty {value}", {**base, "penalty": value}, kind, "penalty: no number >= 0"
        )


N_BY_N = {"X": Argument("N x n"), "y": Argument("N, labels 0 and 1")}
WEIGHTED = {"sample_weight": Argument("N", optional=True)}
K_BY_N = {"W": Argument("K x n"), "X": Argument("N x n"), "y": Argument("N, labels 0..K-1")}
SUMS = (
    "; the logits are sums of n products, half an ulp for each product and partial sum; so is the sum "
    "over the data points, in any order, and where its terms cancel, their errors stay"
)


def binary_file(name, quantity, formula, loop, why, **more):
    arguments = {"w": Argument("n"), **N_BY_N, **{k: Argument("n") for k in more}, **WEIGHTED}
    base = {**BINARY, **more}
    return File(
        f"logistic.{name}",
        f"logistic.{name}",
        quantity,
        arguments,
        formula,
        weighted(loop),
        why + SUMS,
        list(binary(direction=bool(more))),
        list(refused(arguments, base, 2)),
    )


def class_file(name, quantity, formula, loop, why, most=4, **more):
    arguments = {**K_BY_N, **{k: Argument("K x n") for k in more}, **WEIGHTED}
    base = {**CLASSES, **more}
    return File(
        f"softmax.{name}",
        f"softmax.{name}",
        quantity,
        arguments,
        formula,
        by_class(loop),
        why + SUMS,
        list(classes(bool(more), most)),
        list(refused(arguments, base, 4)),
    )


P = "sigma by e^-|t|, with exp one ulp, each sum and quotient half an ulp"
S = "softmax by e^(z - m), with z - m half an ulp, which exp turns into a relative error, exp one ulp"


def files():
    yield binary_file(
        "nll",
        "-sum_i s_i log p(y_i | x_i), p = sigma(X w): a sum, not a mean",
        nll,
        loops.logistic_nll,
        "each loss is softplus of the logit of the wrong answer: exp and log1p one ulp",
    )
    yield binary_file(
        "nll_gradient",
        "X^T (s o (p - y))",
        nll_gradient,
        loops.logistic_nll_gradient,
        f"{P}; the residual of a label 1 is -sigma(-t)",
    )
    yield binary_file(
        "nll_hessian",
        "X^T diag(s o p o (1 - p)) X",
        nll_hessian,
        loops.logistic_nll_hessian,
        f"{P}; 1 - p is sigma(-t)",
    )
    yield binary_file(
        "nll_hvp",
        "H v = X^T (s o p o (1 - p) o X v)",
        nll_hvp,
        loops.logistic_nll_hvp,
        f"{P}; 1 - p is sigma(-t)",
        v=[0.5, 2.0],
    )
    arguments = {"w": Argument("n"), **N_BY_N, "penalty": Argument("number")}
    base = {**BINARY, "penalty": 0.5}
    yield File(
        "logistic.penalised",
        "logistic.penalised_gradient",
        "X^T (p - y) + penalty w: of the sum of the losses and penalty/2 |w|^2",
        arguments,
        penalised_gradient,
        lambda w, X, y, penalty: ridge(loops.logistic_nll_gradient(w, X, y), w, penalty),
        f"{P}; the residual of a label 1 is -sigma(-t)" + SUMS,
        list(with_penalty(binary())),
        [*refused(arguments, base, 2), *no_penalty(BINARY)],
    )
    arguments = {"w": Argument("n"), **N_BY_N, "sample_weight": Argument("N")}
    yield File(
        "conventions.weighted_mean",
        "logistic.mean_gradient",
        "X^T (s o (p - y)) / sum_i s_i",
        arguments,
        mean_gradient,
        plain_mean_gradient,
        f"{P}; the residual of a label 1 is -sigma(-t); the sum of the weights and the quotient"
        + SUMS,
        [
            Valid(
                case.comment,
                {
                    "sample_weight": rng(case.comment)
                    .integers(1, 9, len(case.input["y"]))
                    .tolist(),
                    **case.input,
                },
            )
            for case in binary()
        ],
        list(refused(arguments, {**BINARY, **WEIGHTS}, 2)),
    )
    arguments = {"w": Argument("n"), "X": Argument("N x n"), "q": Argument("N")}
    base = {"w": BINARY["w"], "X": BINARY["X"], "q": [0.25, 1.0, 0.0]}
    yield File(
        "logistic.nll_cross_entropy",
        "logistic.soft_nll",
        "-sum_i (q_i log p_i + (1 - q_i) log(1 - p_i)) with probabilities q_i",
        arguments,
        soft_nll,
        lambda w, X, q: loops.logistic_nll(w, X, q),
        "q softplus(-t) + (1 - q) softplus(t): exp and log1p one ulp" + SUMS,
        [
            Valid(
                c.comment,
                {
                    "w": c.input["w"],
                    "X": c.input["X"],
                    "q": probabilities(c.comment, len(c.input["X"])),
                },
            )
            for c in binary()
        ],
        [
            *refusals(arguments, base),
            *(
                Invalid(
                    f"q = {q}", {**base, "q": [0.25, q, 0.0]}, "domain", f"q: {q} is no probability"
                )
                for q in (-0.125, 1.125, 2.0)
            ),
        ],
    )
    arguments = {"t": Argument("N", infinite=True), "y": Argument("N, labels 0 and 1")}
    base = {"t": [0.5, -1.0, 2.0], "y": [0, 1, 1]}
    yield File(
        "logistic.residual",
        "sigmoid.residuals",
        "sigma(t_i) - y_i",
        arguments,
        residuals,
        plain_residuals,
        f"{P}; the residual of a label 1 is -sigma(-t)",
        list(binary_logits()),
        [*refusals(arguments, base), *wrong_labels(base, 2)],
    )
    yield class_file(
        "nll",
        "-sum_i s_i log p(y_i | x_i), p = softmax(X W^T): a sum, not a mean",
        class_nll,
        loops.softmax_nll,
        f"log1p(sum of the others) - (z_y - m), log1p one ulp; {S}",
        most=201,
    )
    yield class_file(
        "nll_gradient",
        "(diag(s) (P - Y))^T X with indicators Y",
        class_gradient,
        loops.softmax_nll_gradient,
        f"{S}; the residual of a label is minus the sum of the others",
        most=201,
    )
    yield class_file(
        "nll_hessian",
        "entry [a][k][b][l]: sum_i s_i x_ik x_il p_ia ([a = b] - p_ib)",
        class_hessian,
        loops.softmax_nll_hessian,
        f"{S}; 1 - p_a is the sum of the others",
    )
    yield class_file(
        "nll_hvp",
        "entry [a][k]: sum_bl H_akbl V_bl",
        class_hvp,
        loops.softmax_nll_hvp,
        f"{S}; row a of the weights is p_a sum_b p_b (q_a - q_b) with q = V x",
        V=CLASSES["W"],
    )
    arguments = {**K_BY_N, "penalty": Argument("number")}
    base = {**CLASSES, "penalty": 0.5}
    yield File(
        "softmax.penalised",
        "softmax.penalised_gradient",
        "(P - Y)^T X + penalty W: of the sum of the losses and penalty/2 |W|^2",
        arguments,
        class_penalised_gradient,
        lambda W, X, y, penalty: ridge(
            loops.softmax_nll_gradient(W, X, loops.indicators(y, len(W))), W, penalty
        ),
        f"{S}; the residual of a label is minus the sum of the others" + SUMS,
        list(with_penalty(classes())),
        [*refused(arguments, base, 4), *no_penalty(CLASSES)],
    )
    arguments = {"W": Argument("K x n"), "X": Argument("N x n"), "Y": Argument("N x K")}
    base = {"W": CLASSES["W"], "X": CLASSES["X"], "Y": eighths("Y refused", 3, 4)}
    base["Y"] = [[abs(entry) for entry in row] for row in base["Y"]]
    yield File(
        "conventions.soft_labels",
        "softmax.soft_gradient",
        "(diag(Y 1) P - Y)^T X with soft labels Y >= 0, whose rows may have any sum",
        arguments,
        soft_gradient,
        loops.softmax_nll_gradient,
        f"{S}; a residual is p_a sum_(b /= a) y_b - y_a sum_(b /= a) p_b" + SUMS,
        list(soft_classes()),
        [
            *refusals(arguments, base),
            Invalid(
                "a negative label",
                {**base, "Y": [[0.5, 0.5, -0.25, 0.25], *base["Y"][1:]]},
                "domain",
                "Y: below zero",
            ),
            Invalid("no label", {**base, "Y": [[0.0] * 4] * 3}, "domain", "Y: all zero"),
        ],
    )
    arguments = {**K_BY_N, "class_weight": Argument("K")}
    base = {**CLASSES, "class_weight": [0.5, 2.0, 1.0, 0.25]}
    yield File(
        "conventions.class_weights",
        "softmax.class_weighted_gradient",
        "(diag(q_y) (P - Y))^T X: the loss of class c counts q_c times",
        arguments,
        class_weighted_gradient,
        plain_class_weighted,
        f"{S}; the residual of a label is minus the sum of the others" + SUMS,
        [
            Valid(
                c.comment,
                {
                    **c.input,
                    "class_weight": (
                        designs.eighths(rng(c.comment), len(c.input["W"])) ** 2
                    ).tolist(),
                },
            )
            for c in classes()
            if "sample_weight" not in c.input
        ],
        [
            *refused(arguments, base, 4),
            Invalid(
                "a negative weight",
                {**base, "class_weight": [0.5, -2.0, 1.0, 0.25]},
                "domain",
                "class_weight: below zero",
            ),
        ],
    )
    arguments = {"z": Argument("N x K", infinite=True), "y": Argument("N, labels 0..K-1")}
    base = {"z": eighths("z refused", 3, 4), "y": [0, 3, 1]}
    yield File(
        "log_softmax.term_left_out",
        "softmax.losses",
        "-log softmax(z_i)_(y_i), for each row",
        arguments,
        class_losses,
        plain_losses,
        f"log1p(sum of the others) - (z_y - m), log1p one ulp; {S}",
        list(logit_rows()),
        [*refusals(arguments, base), *wrong_labels(base, 4), *without_limit(base)],
    )
    yield File(
        "softmax.label_left_out",
        "softmax.residuals",
        "softmax(z_i)_a - [y_i = a], for each row",
        arguments,
        class_residuals,
        plain_class_residuals,
        f"{S}; the residual of a label is minus the sum of the others",
        list(logit_rows()),
        [*refusals(arguments, base), *wrong_labels(base, 4), *without_limit(base)],
    )


def without_limit(base):
    for row in (["inf", 0.5, 1.0, 2.0], ["-inf"] * 4, ["inf", "inf", 0.5, 1.0]):
        z = [base["z"][0], row, base["z"][2]]
        yield Invalid(f"z: {row}", {**base, "z": z}, "not finite", "z: softmax has no limit there")


def wrong_labels(base, K):
    for label in (K, -1, 0.5):
        yield Invalid(
            f"y: {label}",
            {**base, "y": [0, label, 1]},
            "domain",
            f"y: {label} is no label 0..{K - 1}",
        )


def probabilities(name, N):
    """Multiples of 1/16 from 0 to 1, the ends among them."""
    return (rng(f"probabilities {name}").integers(0, 17, N) / 16).tolist()


def soft_classes():
    for case in classes():
        if "sample_weight" in case.input:
            continue
        N, K = len(case.input["X"]), len(case.input["W"])
        Y = rng(f"soft {case.comment}").integers(0, 9, (N, K)) / 8
        Y[:, 0] += 0.125  # no row of zeros
        yield Valid(case.comment, {"W": case.input["W"], "X": case.input["X"], "Y": Y.tolist()})
        if N < 3:
            half = [[0.5 if a < 2 else 0.0 for a in range(K)] for _ in range(N)]
            yield Valid(
                f"{case.comment}, halves", {"W": case.input["W"], "X": case.input["X"], "Y": half}
            )
