"""Maximum likelihood estimates, enclosed by Krawczyk's operator, and whether there is one.

An estimate is the zero of the gradient. Let m be an approximation, Y one of the inverse of the
Hessian H(m), and B a box around m. If K = m - Y g(m) + (1 - Y H(B)) (B - m) lies inside B, there is
one and only one zero in B, and it is in K (Krawczyk, Computing 4, 1969). Since the NLL is convex
there is no other anywhere.
"""

import itertools
import json
import math
from fractions import Fraction

import loops
import numpy as np
from flint import arb, arb_mat
from mpmath import mp, mpf

from vectors import plain, regression
from vectors.arithmetic import Number, U, exact
from vectors.cases import Argument, File, Invalid, Valid, refusals, rng

RADIUS = arb(2) ** -250  # of the box around an approximation


# ------------------------------------------------------------------ the enclosure


def numbers(theta):
    return [Number(entry, arb(0)) for entry in theta]


def column(entries):
    return arb_mat([[entry] for entry in entries])


def approximate(matrix):
    """The middles of the balls of a matrix."""
    return arb_mat([[arb(entry.mid()) for entry in row] for row in matrix.tolist()])


def inverse(H):
    return approximate(approximate(H).inv())


def enclosed(gradient, hessian, theta):
    """The balls of the zero near theta of a gradient of Numbers, and the inverse of the Hessian."""
    theta = [arb(entry) for entry in theta]
    for _ in range(6):
        step = inverse(matrix(hessian(numbers(theta)))) * column(balls(gradient(numbers(theta))))
        theta = [arb((t - s).mid()) for t, s in zip(theta, flat(step), strict=True)]
    Y = inverse(matrix(hessian(numbers(theta))))
    box = [t + RADIUS * arb(0, 1) for t in theta]
    one = arb_mat([[int(i == j) for j in range(len(theta))] for i in range(len(theta))])
    around = column([RADIUS * arb(0, 1)] * len(theta))
    moved = (one - Y * matrix(hessian(numbers(box)))) * around
    K = flat(column(theta) - Y * column(balls(gradient(numbers(theta)))) + moved)
    for inner, outer in zip(K, box, strict=True):
        assert outer.contains_interior(inner), "the box does not prove a zero"
    return K, Y


def balls(entries):
    return [entry.ball for entry in entries]


def matrix(rows):
    return arb_mat([balls(row) for row in rows])


def flat(matrix):
    return [entry for row in matrix.tolist() for entry in row]


def magnitude(ball):
    return arb(abs(ball).upper())


def uncertain(theta, errors, spread):
    """The zero with what the rounding errors of the gradient there do to it, and its own.

    `spread` is the inverse of the Hessian, or its rows combined as the entries of theta are.
    """
    return [
        Number(
            ball,
            sum((magnitude(s) * e for s, e in zip(row, errors, strict=True)), U * magnitude(ball)),
        )
        for ball, row in zip(theta, spread.tolist(), strict=True)
    ]


# ------------------------------------------------------------------ labels 0 and 1


def mle(X, y, sample_weight=None, penalty=None):
    ridge = penalty or exact(0)

    def gradient(w):
        g = regression.nll_gradient(w, X, y, sample_weight)
        return [g_k + ridge * w_k for g_k, w_k in zip(g, w, strict=True)]

    def hessian(w):
        H = regression.nll_hessian(w, X, y, sample_weight)
        return [[h + ridge if k == j else h for j, h in enumerate(row)] for k, row in enumerate(H)]

    w, H_inverse = enclosed(gradient, hessian, newton(gradient, hessian, len(X[0])))
    return uncertain(w, [g.error for g in gradient(numbers(w))], H_inverse)


def newton(gradient, hessian, size):
    """A first approximation, in floats: steps no longer than 2."""
    theta = np.zeros(size)
    for _ in range(60):
        at = [exact(entry) for entry in theta.tolist()]
        g = np.array([float(entry.ball) for entry in gradient(at)])
        H = np.array([[float(entry.ball) for entry in row] for row in hessian(at)])
        step = np.linalg.solve(H, g)
        longest = np.abs(step).max()
        theta = theta - step * min(1.0, 2.0 / longest)
        if longest < 1e-6:
            break
    return theta.tolist()


def plain_mle(X, y, sample_weight=None, penalty=0):
    def at(w):
        g = plain.moved(loops.logistic_nll_gradient(w, X, y, sample_weight), w, penalty)
        H = loops.logistic_nll_hessian(w, X, y, sample_weight)
        return g, [
            [h + (penalty if k == j else 0) for j, h in enumerate(row)] for k, row in enumerate(H)
        ]

    return plain_newton(at, len(X[0]))


def plain_newton(at, size):
    """Newton's method from zero, with steps no longer than 2, to the digits of the caller."""
    theta = [mpf(0)] * size
    for _ in range(100):
        g, H = at(theta)
        step = list(mp.lu_solve(mp.matrix(H), mp.matrix(g)))
        longest = max(abs(entry) for entry in step)
        theta = [
            t - s * min(1, 2 / longest if longest else 1) for t, s in zip(theta, step, strict=True)
        ]
        if longest < mpf(10) ** -(mp.dps // 2 + 15):
            return theta
    raise ArithmeticError("no estimate")


# ------------------------------------------------------------------ K classes


def class_mle(X, y, n_classes, sample_weight=None, penalty=None):
    """Without a penalty row 0 is zero at first; then the mean of the rows is taken off each."""
    n, ridge = len(X[0]), penalty or exact(0)
    first = 0 if penalty else 1
    size = (n_classes - first) * n

    def table(theta):
        return [[exact(0)] * n] * first + [
            theta[a * n : (a + 1) * n] for a in range(n_classes - first)
        ]

    def gradient(theta):
        G = regression.class_gradient(table(theta), X, y, sample_weight)
        return [g + ridge * t for g, t in zip(sum_rows(G[first:]), theta, strict=True)]

    def hessian(theta):
        H = regression.class_hessian(table(theta), X, y, sample_weight)
        pairs = [(a, k) for a in range(first, n_classes) for k in range(n)]
        return [
            [H[a][k][b][j] + ridge if (a, k) == (b, j) else H[a][k][b][j] for b, j in pairs]
            for a, k in pairs
        ]

    theta, H_inverse = enclosed(gradient, hessian, newton(gradient, hessian, size))
    errors = [g.error for g in gradient(numbers(theta))]
    centred = centring(n_classes, n, first)
    W = uncertain(flat(centred * column(theta)), errors, centred * H_inverse)
    return [W[a * n : (a + 1) * n] for a in range(n_classes)]


def sum_rows(rows):
    return [entry for row in rows for entry in row]


def centring(K, n, first):
    """The matrix from the free weights to those that sum to zero over the classes."""

    def entry(a, k, b, j):
        return (arb(int(a == b)) - arb(1) / K) if k == j else arb(0)

    return arb_mat(
        [
            [entry(a, k, b, j) for b in range(first, K) for j in range(n)]
            for a in range(K)
            for k in range(n)
        ]
    )


def plain_class_mle(X, y, n_classes, sample_weight=None, penalty=0):
    Y, n = loops.indicators(y, n_classes), len(X[0])
    first = 0 if penalty else 1
    pairs = [(a, k) for a in range(first, n_classes) for k in range(n)]

    def table(theta):
        return [[mpf(0)] * n] * first + [
            theta[a * n : (a + 1) * n] for a in range(n_classes - first)
        ]

    def at(theta):
        G = loops.softmax_nll_gradient(table(theta), X, Y, sample_weight)
        H = loops.softmax_nll_hessian(table(theta), X, Y, sample_weight)
        g = [G[a][k] + penalty * t for (a, k), t in zip(pairs, theta, strict=True)]
        return g, [
            [H[a][k][b][j] + (penalty if (a, k) == (b, j) else 0) for b, j in pairs]
            for a, k in pairs
        ]

    W = table(plain_newton(at, len(pairs)))
    means = [plain.mean([row[k] for row in W]) for k in range(n)]
    return [[entry - m for entry, m in zip(row, means, strict=True)] for row in W]


# ------------------------------------------------------------------ separation, in integers

VERDICTS = {"overlap": 0, "quasi-complete": 1, "complete": 2}
CERTIFICATES = {}


def margins(X, y):
    """(2 y_i - 1) x_i as fractions."""
    return [
        [(2 * label - 1) * Fraction(entry) for entry in row]
        for row, label in zip(X, y, strict=True)
    ]


def proved(X, y, direction, multipliers):
    """The verdict that a direction d and multipliers lambda prove.

    m_r.d >= 0, lambda_r >= 0, sum_r lambda_r m_r = 0, and one of lambda_r and m_r.d is positive.
    """
    rows = margins(X, y)
    along = [sum(a * b for a, b in zip(row, direction, strict=True)) for row in rows]
    assert all(m >= 0 for m in along) and all(l >= 0 for l in multipliers)
    for k in range(len(direction)):
        assert sum(l * row[k] for l, row in zip(multipliers, rows, strict=True)) == 0
    assert all((m > 0) != (l > 0) for m, l in zip(along, multipliers, strict=True))
    return "complete" if all(along) else "quasi-complete" if any(along) else "overlap"


def separation(X, y):
    """The verdict of the certificate that came with the data."""
    X = [[float(entry.ball) for entry in row] for row in X]
    return exact(VERDICTS[proved(X, y, **CERTIFICATES[json.dumps([X, y])])])


def plain_separation(X, y):
    """By all extreme rays of the cone of directions without a negative margin; full rank, n <= 3."""
    n = len(X[0])
    rows = [[(2 * label - 1) * entry for entry in row] for row, label in zip(X, y, strict=True)]
    inside = [mpf(0)] * n
    for chosen in itertools.combinations(rows, n - 1):
        for ray in perpendicular(chosen, n):
            if any(ray) and all(loops.dot(row, ray) >= 0 for row in rows):
                inside = [a + b for a, b in zip(inside, ray, strict=True)]
    along = [loops.dot(row, inside) for row in rows]
    return mpf(2 if all(along) else 1 if any(along) else 0)


def perpendicular(chosen, n):
    if n == 1:
        return [[mpf(1)], [mpf(-1)]]
    if n == 2:
        ((a, b),) = chosen
        return [[-b, a], [b, -a]]
    (a, b, c), (d, e, f) = chosen
    ray = [b * f - c * e, c * d - a * f, a * e - b * d]
    return [ray, [-entry for entry in ray]]


# ------------------------------------------------------------------ inputs


def overlapping(name, N, n, scale=1):
    """Integer rows m with sum lambda m = 0, lambda > 0: the last is minus the sum of the others."""
    r = rng(name)
    rows = r.integers(-4, 5, (N - 1, n))
    multipliers = r.integers(1, 5, N - 1)
    last = -(multipliers[:, None] * rows).sum(axis=0)
    common = math.gcd(*map(int, last)) or 1
    return [*rows.tolist(), (last // common).tolist()], [*multipliers.tolist(), common]


def designs():
    """Name, margin rows in integers, direction, multipliers."""
    for n in (1, 2, 3):
        for N in (n + 2, n + 3, n + 5):
            for kind in "abc":
                name = f"overlap N={N} n={n}, {kind}"
                rows, multipliers = overlapping(name, N, n)
                yield name, rows, [0] * n, multipliers
                name = f"complete N={N} n={n}, {kind}"
                r = rng(name)
                d = r.integers(1, 4, n) * r.choice([-1, 1], n)
                rows = r.integers(-4, 5, (4 * N, n))
                rows = rows[rows @ d > 0][:N]
                yield name, rows.tolist(), d.tolist(), [0] * len(rows)
                if n > 1:
                    name = f"quasi-complete N={N} n={n}, {kind}"
                    flat_rows, multipliers = overlapping(name, N - 1, n - 1)
                    shear = rng(f"shear {name}").integers(-2, 3, n - 1)
                    held = [[*row, int(np.dot(shear, row))] for row in flat_rows]
                    d = [*(-shear).tolist(), 1]
                    free = rng(f"free {name}").integers(-4, 5, (8, n))
                    free = [row for row in free.tolist() if np.dot(row, d) > 0][:2]
                    yield name, [*held, *free], d, [*multipliers, *([0] * len(free))]
    yield "two points", [[1, 2], [1, -1]], [1, 0], [0, 0]
    yield "a narrow gap", [[2**30, 1], [-(2**30), 1], [1, 1]], [0, 1], [0, 0, 0]
    yield "one point on the border", [[1, 1], [-1, 0], [1, 0]], [0, 1], [0, 1, 1]


def separations():
    for name, rows, direction, multipliers in designs():
        if np.linalg.matrix_rank(np.array(rows, dtype=float)) < len(rows[0]):
            continue
        for scale in (1.0, 2.0**-40) if "a" in name[-1] else (1.0,):
            y = rng(f"labels {name}").integers(0, 2, len(rows)).tolist()
            X = [
                [(2 * label - 1) * scale * m + 0.0 for m in row]
                for row, label in zip(rows, y, strict=True)
            ]
            certificate = {"direction": direction, "multipliers": multipliers}
            CERTIFICATES[json.dumps([X, y])] = certificate
            comment = name if scale == 1.0 else f"{name}, scaled by 2^-40"
            yield Valid(comment, {"X": X, "y": y}, certificate)


def fits():
    for number in range(60):
        N, n = ((6, 2), (8, 2), (10, 3), (7, 2), (12, 3), (5, 1))[number % 6]
        name = f"fit {number} N={N} n={n}"
        r = rng(name)
        X = r.integers(-16, 17, (N, n)) / 8 if number % 3 else r.normal(size=(N, n))
        X[:, 0] = 1.0
        y = r.integers(0, 2, N)
        given = {"X": X.tolist(), "y": y.tolist()}
        if number % 4 == 1:
            given["sample_weight"] = (r.integers(1, 17, N) / 8).tolist()
        if number % 4 in (2, 3):
            given["penalty"] = (1.0, 0.125, 0.1, 3.5)[number // 4 % 4]
        elif plain_separation_of(X, y) != 0:
            continue
        yield Valid(f"{name}{', penalty' if 'penalty' in given else ''}", given)


def plain_separation_of(X, y):
    return plain_separation([[mpf(entry) for entry in row] for row in X.tolist()], y.tolist())


def class_fits():
    for number in range(60):
        N, n, K = ((9, 2, 3), (12, 2, 3), (8, 1, 3), (10, 1, 4), (10, 2, 2))[number % 5]
        name = f"fit {number} N={N} n={n} K={K}"
        r = rng(name)
        X = r.integers(-16, 17, (N, n)) / 8 if number % 3 else r.normal(size=(N, n))
        X[:, 0] = 1.0
        y = np.concatenate([np.arange(K), r.integers(0, K, N - K)])
        given = {"X": X.tolist(), "y": y.tolist(), "n_classes": K}
        if number % 4 == 1:
            given["sample_weight"] = (r.integers(1, 17, N) / 8).tolist()
        if number % 4 in (2, 3):
            given["penalty"] = (1.0, 0.125, 0.1, 3.5)[number // 4 % 4]
        elif pairwise_separated(X, y, K):
            continue
        yield Valid(f"{name}{', penalty' if 'penalty' in given else ''}", given)


def pairwise_separated(X, y, K):
    """Whether two classes are separated from each other: then so are all."""
    pairs = itertools.combinations(range(K), 2)
    kept = [((y == a) | (y == b), y == b) for a, b in pairs]
    return any(plain_separation_of(X[rows], second[rows].astype(int)) != 0 for rows, second in kept)


# ------------------------------------------------------------------ what is refused


def no_estimate():
    for case in separations():
        verdict = plain_separation_of(np.array(case.input["X"]), np.array(case.input["y"]))
        if verdict != 0:
            kind = "quasi-completely" if verdict == 1 else "completely"
            yield Invalid(
                case.comment, case.input, "domain", f"the data are {kind} separated: no estimate"
            )
    y = [0, 1, 0, 1, 1]
    for comment, X in [
        ("a column twice", [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [0.5, 0.5], [-1.0, -1.0]]),
        ("a column of zeros", [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.5, 0.0], [-1.0, 0.0]]),
        (
            "a sum of columns",
            [[1.0, 2.0, 3.0], [1.0, -1.0, 0.0], [1.0, 0.5, 1.5], [1.0, 4.0, 5.0], [1.0, 0.0, 1.0]],
        ),
    ]:
        yield Invalid(
            comment, {"X": X, "y": y}, "domain", "X: dependent columns, the estimate is not unique"
        )


def files():
    arguments = {"X": Argument("N x n"), "y": Argument("N, labels 0 and 1")}
    base = {
        "X": [[1.0, 2.0], [1.0, -1.0], [1.0, 0.5], [1.0, 3.0], [1.0, 1.0]],
        "y": [0, 1, 0, 1, 0],
    }
    wrong = [
        Invalid(
            f"y: {label}", {**base, "y": [0, label, 0, 1, 0]}, "domain", f"y: {label} is no label"
        )
        for label in (2, -1, 0.5)
    ]
    yield File(
        "logistic.no_mle_when_separable",
        "logistic.separation",
        "0 for data that overlap, 1 for quasi-complete and 2 for complete separation",
        arguments,
        separation,
        plain_separation,
        "a decision: no rounding is allowed; the certificate is a direction d without a negative margin and "
        "multipliers >= 0 with sum_i lambda_i (2 y_i - 1) x_i = 0, one of the two positive at each point",
        list(separations()),
        [*refusals(arguments, base), *wrong],
    )
    fit = {
        **arguments,
        "sample_weight": Argument("N", optional=True),
        "penalty": Argument("number >= 0", optional=True),
    }
    bad = [
        *regression.no_penalty(base),
        Invalid(
            "a negative weight",
            {**base, "sample_weight": [1.0, -1.0, 1.0, 1.0, 1.0]},
            "domain",
            "weight < 0",
        ),
        Invalid(
            "weights are zero",
            {**base, "sample_weight": [0.0] * 5},
            "domain",
            "all weights are zero",
        ),
    ]
    why = (
        "the rounding errors of the gradient at the estimate, each half an ulp for a sum, product and "
        "quotient and one ulp for exp, times the absolute values of the inverse of the Hessian; and half "
        "an ulp"
    )
    yield File(
        "logistic.score_equations",
        "logistic.mle",
        "the w that minimises the NLL, plus penalty/2 |w|^2 if one is given",
        fit,
        mle,
        plain_mle,
        why,
        list(fits()),
        [
            *refusals(fit, {**base, "sample_weight": [1.0, 2.0, 0.5, 1.0, 1.5]}),
            *wrong,
            *bad,
            *no_estimate(),
        ],
    )
    classes = {
        "X": Argument("N x n"),
        "y": Argument("N, labels 0..K-1"),
        "n_classes": Argument("the integer K"),
        **{name: fit[name] for name in ("sample_weight", "penalty")},
    }
    base = {**base, "y": [0, 1, 2, 1, 0], "n_classes": 3}
    yield File(
        "softmax.newton_step",
        "softmax.mle",
        "the W that minimises the NLL, plus penalty/2 |W|^2 if one is given; of all equivalent ones that "
        "whose rows sum to zero",
        classes,
        class_mle,
        plain_class_mle,
        why,
        list(class_fits()),
        [
            *refusals(classes, {**base, "sample_weight": [1.0, 2.0, 0.5, 1.0, 1.5]}),
            *(
                Invalid(
                    f"y: {label}",
                    {**base, "y": [0, label, 2, 1, 0]},
                    "domain",
                    f"y: {label} is no label",
                )
                for label in (3, -1, 0.5)
            ),
            *(
                Invalid(i.comment, {**i.input, "y": base["y"], "n_classes": 3}, i.kind, i.reason)
                for i in regression.no_penalty(base)
            ),
            *(
                Invalid(i.comment, {**i.input, "n_classes": 2}, i.kind, i.reason)
                for i in no_estimate()
            ),
        ],
    )
