"""Regression beyond the plain model: offsets, penalties by coefficient, odds ratios, other links."""

import loops
from mpmath import mp

from vectors import plain
from vectors.arithmetic import ONE, TWO, Number, dot, exact, exp, expm1, total
from vectors.cases import Argument, File, Invalid, Valid, eighths, full, refusals, rng
from vectors.elementary import sigmoid
from vectors.layers import density, normal
from vectors.regression import (
    class_residuals,
    logits,
    pulled as class_pulled,
    residuals,
    wrong_labels,
)

# ------------------------------------------------------------------ offsets and penalties


def beside(w, X, offset):
    return [dot(w, x) + o for x, o in zip(X, offset, strict=True)]


def pulled(r, X):
    """X^T r."""
    return [total(r_i * x[k] for r_i, x in zip(r, X, strict=True)) for k in range(len(X[0]))]


def gram(v, X):
    """X^T diag(v) X."""
    n = range(len(X[0]))
    return [[total(v_i * x[k] * x[j] for v_i, x in zip(v, X, strict=True)) for j in n] for k in n]


def offset_gradient(w, X, y, offset):
    return pulled(residuals(beside(w, X, offset), y), X)


def offset_hessian(w, X, offset):
    return gram([sigmoid(z) * sigmoid(-z) for z in beside(w, X, offset)], X)


def offset_softmax_gradient(W, X, y, offset):
    z = [
        [entry + o for entry, o in zip(*rows, strict=True)]
        for rows in zip(logits(W, X), offset, strict=True)
    ]
    return class_pulled(class_residuals(z, y), X, [ONE] * len(X))


def penalty_gradient(w, X, y, offset, penalty):
    g = offset_gradient(w, X, y, offset)
    return [g_k + c * w_k for g_k, c, w_k in zip(g, penalty, w, strict=True)]


def penalty_hessian(w, X, offset, penalty):
    return [
        [h + penalty[k] if k == j else h for j, h in enumerate(row)]
        for k, row in enumerate(offset_hessian(w, X, offset))
    ]


def newton_step(w, X, y, offset, penalty):
    """w - H^-1 g."""
    g = penalty_gradient(w, X, y, offset, penalty)
    step = solved(penalty_hessian(w, X, offset, penalty), g)
    return [w_k - s for w_k, s in zip(w, step, strict=True)]


def solved(H, g):
    """H^-1 g by elimination; a positive definite matrix needs no other order."""
    if not H:
        return []
    (pivot, *right), below = H[0], H[1:]
    factors = [row[0] / pivot for row in below]
    rest = [
        [entry - m * r for entry, r in zip(row[1:], right, strict=True)]
        for row, m in zip(below, factors, strict=True)
    ]
    found = solved(rest, [g_k - m * g[0] for g_k, m in zip(g[1:], factors, strict=True)])
    return [(g[0] - dot(right, found)) / pivot, *found]


def odds_ratio_variance(w, covariance):
    return [exp(TWO * w_k) * row[k] for k, (w_k, row) in enumerate(zip(w, covariance, strict=True))]


# ------------------------------------------------------------------ links

THREE, SIX = exact(3.0), exact(6.0)


def mills(t: Number) -> Number:
    """The density over Phi."""
    return density(t) / normal(t)


def probit(z, label):
    """The slope and the second derivative of the loss."""
    t = z if label else -z
    m = mills(t)
    return (-m if label else m), m * (m + t)


def of_one(u: Number) -> Number:
    """u / (e^u - 1)."""
    return u / expm1(u)


def cloglog(z, label):
    u = exp(z)
    return (-of_one(u), of_one(u) * (u / -expm1(-u) - ONE)) if label else (u, u)


def cubic(z, label):
    """A link like any other: its log-odds are eta = z + z^3."""
    eta, slope, bend = z + z * z * z, ONE + THREE * z * z, SIX * z
    residual = -sigmoid(-eta) if label else sigmoid(eta)
    return slope * residual, bend * residual + slope * slope * sigmoid(eta) * sigmoid(-eta)


def cubic_information(z):
    eta, slope = z + z * z * z, ONE + THREE * z * z
    return slope * slope * sigmoid(eta) * sigmoid(-eta)


def link_gradient(link):
    return lambda w, X, y: pulled(
        [link(dot(w, x), label)[0] for x, label in zip(X, y, strict=True)], X
    )


def link_hessian(link, information):
    return lambda w, X, y: {
        "observed": gram([link(dot(w, x), label)[1] for x, label in zip(X, y, strict=True)], X),
        "expected": gram([information(dot(w, x)) for x in X], X),
    }


# ------------------------------------------------------------------ oracles, the definitions


def plain_offset_nll(w, X, y, offset, penalty=None):
    cost = mp.mpf(0)
    for x, label, o in zip(X, y, offset, strict=True):
        p = loops.sigmoid(loops.dot(w, x) + o)
        cost -= mp.log(p if label else 1 - p)
    return cost if penalty is None else cost + loops.dot(penalty, [e * e for e in w]) / 2


def plain_class_nll(W, X, y, offset):
    cost = mp.mpf(0)
    for x, label, o in zip(X, y, offset, strict=True):
        z = [loops.dot(w, x) + o_a for w, o_a in zip(W, o, strict=True)]
        cost -= mp.log(loops.softmax(z)[label])
    return cost


def gradient(cost, by="w"):
    return lambda **given: plain.gradient(lambda e: cost(**given | {by: e}), given[by])


def hessian(cost):
    return lambda w, **given: plain.hessian(lambda e: cost(e, **given), w)


def without_labels(X, **given):
    """The Hessian, which is the same whatever the labels are."""
    return hessian(plain_offset_nll)(X=X, y=[0] * len(X), **given)


def plain_newton_step(w, X, y, offset, penalty):
    given = {"w": w, "X": X, "offset": offset, "penalty": penalty}
    g = gradient(plain_offset_nll)(y=y, **given)
    step = mp.lu_solve(mp.matrix(without_labels(**given)), mp.matrix(g))
    return [w_k - s for w_k, s in zip(w, step, strict=True)]


def plain_variance(w, covariance):
    slopes = [plain.slope(lambda h, w_k=w_k: mp.exp(w_k + h)) for w_k in w]
    return [
        slope**2 * row[k] for k, (slope, row) in enumerate(zip(slopes, covariance, strict=True))
    ]


def link_nll(chance):
    """A cost, by the probability of the label 1 and of the label 0."""
    return lambda w, X, y: (
        -sum(mp.log(chance(loops.dot(w, x), label)) for x, label in zip(X, y, strict=True))
    )


def plain_information(chance):
    """What the square of the slope of the loss is on average."""

    def at(z):
        return sum(
            chance(z, label) * plain.slope(lambda h, a=label: mp.log(chance(z + h, a))) ** 2
            for label in (0, 1)
        )

    return lambda w, X, y: {
        "observed": hessian(link_nll(chance))(w, X=X, y=y),
        "expected": [
            [sum(at(loops.dot(w, x)) * x[k] * x[j] for x in X) for j in range(len(w))]
            for k in range(len(w))
        ],
    }


def plain_probit(z, label):
    return mp.ncdf(z if label else -z)


def plain_cloglog(z, label):
    return -mp.expm1(-mp.exp(z)) if label else mp.exp(-mp.exp(z))


def plain_cubic(z, label):
    return loops.sigmoid(z + z**3 if label else -z - z**3)


# ------------------------------------------------------------------ inputs


def labels(name, N, K=2):
    return rng(f"labels {name}").integers(0, K, N).tolist()


def designs(*sizes, classes=False):
    for N, n, *K in sizes:
        for kind, make in (("", eighths), ("full mantissa, ", full)):
            name = f"{kind}N={N} n={n}{f' K={K[0]}' if classes else ''}"
            yield name, make, N, n, K[0] if classes else 2


def with_offset(*names):
    """Designs with an offset; far, where each residual is small."""
    sizes = (1, 1), (2, 1), (3, 2), (4, 2), (5, 2), (2, 2), (3, 3), (5, 1)
    for name, make, N, n, _ in designs(*sizes):
        for far in (1.0, 10.0):
            values = {
                "w": make(f"w {name}", n),
                "X": make(f"X {name}", N, n),
                "y": labels(name, N),
                "offset": [far * entry for entry in make(f"offset {name}", N)],
                "penalty": [0.5, 2.0, 0.0][:n],
            }
            yield Valid(f"{name}, {far:g} times", {letter: values[letter] for letter in names})


def with_class_offset():
    sizes = (1, 1, 2), (2, 1, 3), (3, 2, 3), (4, 2, 2), (3, 3, 3), (2, 2, 5)
    for name, make, N, n, K in designs(*sizes, classes=True):
        for far in (1.0, 10.0):
            offset = [[far * entry for entry in row] for row in make(f"offset {name}", N, K)]
            given = {"W": make(f"W {name}", K, n), "X": make(f"X {name}", N, n)}
            yield Valid(
                f"{name}, {far:g} times", {**given, "y": labels(name, N, K), "offset": offset}
            )


def ratios():
    for w in (0.0, 0.5, -1.0, 3.0, -20.5, 300.0, -700.0, 0.1, -0.3):
        yield f"w={w:g}", [w]
    for n in (2, 3, 4):
        yield f"{n} coefficients", eighths(f"ratios {n}", n)
        yield f"full mantissa, {n} coefficients", full(f"ratios {n}", n)


def spread(name, n):
    """A covariance: its roots are eighths."""
    L = rng(f"covariance {name}").integers(1, 9, (n, n)) / 8
    return (L @ L.T).tolist()


def logits_of_one():
    """One data point, so that every digit is that of the link; then several."""
    for t in (0.0, 0.25, -0.5, 1.0, -1.5, 2.0, -3.0, 4.0, -6.0, 5.5, -9.0, 0.1, -2.3):
        for label in (0, 1):
            yield Valid(f"z={t:g} y={label}", {"w": [t], "X": [[1.0]], "y": [label]})
    for name, make, N, n, _ in designs((2, 1), (3, 2), (4, 2), (5, 3), (2, 2)):
        half = [entry / 2 for entry in make(f"link w {name}", n)]
        yield Valid(name, {"w": half, "X": make(f"link X {name}", N, n), "y": labels(name, N)})


# ------------------------------------------------------------------ files

BASE = {
    "w": [0.5, -1.0],
    "X": [[1.0, 2.0], [0.5, -1.5], [3.0, 0.25]],
    "y": [0, 1, 1],
    "offset": [0.25, -0.5, 1.0],
    "penalty": [0.0, 2.0],
}
ARGUMENTS = {
    "w": Argument("n"),
    "X": Argument("N x n"),
    "y": Argument("N, labels 0 and 1"),
    "offset": Argument("N"),
    "penalty": Argument("n"),
}


def refused(arguments, base, K=2):
    yield from refusals(arguments, base)
    if "y" in base:
        yield from wrong_labels(base, K)
    if "penalty" in base:
        negative = {**base, "penalty": [-0.5, 2.0]}
        yield Invalid("a negative penalty", negative, "domain", "penalty: below zero")


def file(statement, quantity, formula, oracle, why, *names, cases=with_offset, more=()):
    arguments, base = ({name: of[name] for name in names} for of in (ARGUMENTS, BASE))
    return File(
        f"regression.{statement}", f"regression.{statement}", quantity, arguments, formula, oracle, why,
        list(cases(*names) if cases is with_offset else cases()),
        [*refused(arguments, base), *more],
    )  # fmt: skip


def offset_files():
    data, S = ("w", "X", "y", "offset"), "z = w.x + o, sigma by e^-|z|, sums in any order"
    yield file(
        "offset_gradient", "X^T (p - y), p = sigma(X w + o)", offset_gradient,
        gradient(plain_offset_nll), f"p - y is -sigma(-z) for a label 1; {S}", *data,
    )  # fmt: skip
    yield file(
        "offset_hessian", "X^T diag(p (1 - p)) X, p = sigma(X w + o)", offset_hessian, without_labels,
        f"1 - p is sigma(-z); {S}", "w", "X", "offset",
    )  # fmt: skip
    yield file(
        "penalty_gradient", "X^T (p - y) + penalty o w", penalty_gradient, gradient(plain_offset_nll),
        f"p - y is -sigma(-z) for a label 1; {S}", *data, "penalty",
    )  # fmt: skip
    yield file(
        "penalty_hessian", "X^T diag(p (1 - p)) X + diag(penalty)", penalty_hessian, without_labels,
        f"1 - p is sigma(-z); {S}", "w", "X", "offset", "penalty",
    )  # fmt: skip
    flat = {**BASE, "X": [[1.0, 0.0], [0.5, 0.0], [3.0, 0.0]], "penalty": [1.0, 0.0]}
    yield file(
        "penalty_newton_step", "w - H^-1 g, with gradient and Hessian of the penalised NLL",
        newton_step, plain_newton_step,
        f"the errors of g and H, and those of elimination; {S}", *data, "penalty",
        more=[Invalid("a flat direction", flat, "domain", "H is singular")],
    )  # fmt: skip
    arguments = {
        "W": Argument("K x n"), "X": Argument("N x n"), "y": Argument("N, labels 0..K-1"),
        "offset": Argument("N x K"),
    }  # fmt: skip
    base = {
        "W": [[0.5, -1.0], [0.25, 1.0], [2.0, -0.5], [0.125, 1.0]], "X": BASE["X"], "y": [0, 2, 1],
        "offset": eighths("class offset", 3, 4),
    }  # fmt: skip
    name = "regression.offset_softmax_gradient"
    yield File(
        name, name, "(P - Y)^T X, P = softmax(X W^T + O)", arguments, offset_softmax_gradient,
        gradient(plain_class_nll, "W"),
        "p - 1 is minus the sum of the other probabilities; z = w.x + o, exp one ulp, sums in any order",
        list(with_class_offset()), list(refused(arguments, base, 4)),
    )  # fmt: skip


def odds_files():
    w = {"w": Argument("any shape")}
    base = {"w": [0.5, -1.0, 2.0]}
    over = Invalid("w = 710", {"w": [710.0]}, "domain", "e^710 is beyond the floats")
    yield File(
        "regression.odds_ratio", "regression.odds_ratio", "e^w", w, lambda w: [exp(e) for e in w],
        lambda w: [mp.exp(e) for e in w], "exp one ulp", [Valid(c, {"w": v}) for c, v in ratios()],
        [*refusals(w, base), over],
    )  # fmt: skip
    arguments = {"w": Argument("n"), "covariance": Argument("n x n")}
    base = {**base, "covariance": spread("base", 3)}
    negative = [[-1.0, 0.0, 0.0], *base["covariance"][1:]]
    yield File(
        "regression.odds_ratio_variance", "regression.odds_ratio_variance", "e^(2 w_k) c_kk", arguments,
        odds_ratio_variance, plain_variance, "exp one ulp, and a product",
        [
            Valid(c, {"w": v, "covariance": spread(c, len(v))}) for c, v in ratios() if abs(v[0]) < 300
        ],
        [*refusals(arguments, base),
         Invalid("a negative variance", {**base, "covariance": negative}, "domain", "c_kk < 0")],
    )  # fmt: skip


def link_files():
    names = ("w", "X", "y")
    for name, probability, link, information, chance, why in (
        (
            "link", "sigma(z + z^3)", cubic, cubic_information, plain_cubic,
            "p - y is -sigma(-eta) for a label 1, eta = z + z^3, sigma by e^-|eta|",
        ),
        (
            "probit", "probit", probit, lambda z: mills(z) * mills(-z), plain_probit,
            "m(t) = density / Phi: Phi(t) = erfc(-t / sqrt 2) / 2, erfc four ulp, of a rounded argument; "
            "m (m + t), where the sum cancels on the left",
        ),
        (
            "cloglog", "cloglog", cloglog, lambda z: exp(z) * of_one(exp(z)), plain_cloglog,
            "u = e^z, whose error e^u makes a relative one; u / expm1(u), one ulp each; u / (1 - e^-u) - 1 "
            "cancels where u is small",
        ),
    ):  # fmt: skip
        yield file(
            f"{name}_gradient", f"sum_i x_i times the slope of -log of the {probability} of label i",
            link_gradient(link), gradient(link_nll(chance)), why, *names, cases=logits_of_one,
        )  # fmt: skip
        yield file(
            f"{name}_hessian", f"observed: X^T diag(second derivatives of -log of the {probability}) X; "
            "expected: its average under the model",
            link_hessian(link, information), plain_information(chance), why, *names,
            cases=logits_of_one,
        )  # fmt: skip


def files():
    yield from offset_files()
    yield from odds_files()
    yield from link_files()
