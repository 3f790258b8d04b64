"""The bounds of low precision: their reference, their size, and what they must reject.

Kernels of PyTorch are held against them in tests/peers.
"""

import compare
import loops
import numpy as np
import pytest
from mpmath import mp, mpf

from reference_impl import low_precision
from reference_impl.low_precision import BF16, FP16, FP32, IGNORED, Arithmetic

DTYPES = {"float16": (np.float16, FP16), "float32": (np.float32, FP32)}


def data(dtype, N=6, d=5, K=7, scale=1.0):
    rng = np.random.default_rng(3)
    E, C = (scale * rng.standard_normal(shape) for shape in ((N, d), (K, d)))
    return E.astype(dtype).astype(float), C.astype(dtype).astype(float), rng.integers(0, K, N)


@pytest.mark.parametrize("name", DTYPES)
def test_formats(name):
    dtype, precision = DTYPES[name]
    info = np.finfo(dtype)
    assert precision.name == name
    assert precision.u == float(info.eps) / 2
    assert precision.smallest == float(info.smallest_subnormal)
    assert (BF16.u, BF16.smallest) == (2.0**-8, 2.0 ** (-126 - 7)), "8 bits of significand"


def gamma(n, u):
    return n * u / (1 - n * u)


def often(n, u):
    return 6 * mp.sqrt(n) * u


def rounded(exact, worst, likely, precision):
    """A value and its bounds, with the rounding of the result itself."""
    last = precision.u * abs(exact) + precision.smallest
    worst, likely = (bound * (1 + precision.u) + last for bound in (worst, likely))
    return [exact, worst, min(worst, likely)]


def logits(e, C, rule):
    """The logits of a row, with the worst and the likely relative errors of exponentials."""
    z = [loops.dot(e, c) for c in C] if C else e
    m, u, log_p, errors = max(z), rule.sums.u, rule.log_p, []
    for a in range(len(z)):
        worst = likely = mpf(0)
        if C:
            size = sum(abs(e[k] * C[a][k]) for k in range(len(e)))
            stored = rule.logits.u * abs(z[a]) + rule.logits.smallest
            worst = gamma(len(e), u) * size * (1 + rule.logits.u) + stored
            likely = min(worst, often(len(e), u) * size + stored)
        far = m - z[a] + mp.log(len(z)) + 1
        more = 4 * u * (far + worst)
        if log_p != rule.sums:
            more += log_p.u * far + log_p.smallest
        errors.append((worst + more, likely + more))
    return z, errors


def residual(r, worst, own, common, N, rule):
    """A residual over N, its worst error, and of the likely one its own part and the row's."""
    more = (3 * rule.sums.u + rule.delta.u) * abs(r) + (abs(r) if abs(r) < rule.dropped else 0)
    least = more / N + rule.delta.smallest + rule.sums.smallest
    worst, own, common = ((1 + rule.delta.u) * bound / N for bound in (worst, own, common))
    return r / N, worst + least, own + least, common


def product(residuals, factors, n, rule):
    """A sum of residuals times factors: n at most are not zero."""
    exact = size = worst = square = shared = mpf(0)
    for (r, most, own, common), factor in zip(residuals, factors, strict=True):
        exact += r * factor
        size += abs(r * factor)
        worst += most * abs(factor)
        square += (own * factor) ** 2
        shared += common * factor
    worst += gamma(n, rule.sums.u) * (size + worst)
    likely = 6 * mp.sqrt(square) + abs(shared) + often(n, rule.sums.u) * size
    return rounded(exact, worst, likely, rule.data)


def by_loops(E, C, y, rule):
    """Loss and gradients by E and C, of the logits E C^T; without C p, loss and gradient by E."""
    u, N = rule.sums.u, max(1, sum(label != IGNORED for label in y))
    P, D, losses = [], [], []
    for e, label in zip(E, map(int, y), strict=True):
        z, errors = logits(e, C, rule)
        p, K, spread, square = loops.softmax(z), len(z), mpf(0), mpf(0)
        for a in range(K):
            spread += p[a] * (mp.exp(errors[a][0]) - 1)
            square += (p[a] * (mp.exp(errors[a][1]) - 1)) ** 2
        stored = 4 * u * (abs(max(z)) + mp.log(K) + 1)
        worst = mp.log(1 + spread) + gamma(K, u) + stored
        likely = 6 * mp.sqrt(square) + often(K, u) + stored
        P.append([])
        D.append([])
        for a in range(K):
            relative = errors[a][0] + worst, errors[a][1], likely
            most, own, common = (p[a] * (mp.exp(error) - 1) for error in relative)
            P[-1].append(rounded(p[a], most, own + common, rule.data))
            here = residual(p[a] - (a == label), most, own, common, N, rule)
            D[-1].append(here if label != IGNORED else [mpf(0)] * 4)
        if label != IGNORED:
            loss = -mp.log(p[label])
            more = 4 * u * (abs(max(z)) + abs(z[label]) + loss)
            more += rule.log_p.u * loss if rule.log_p != rule.sums else 0
            losses.append((loss, worst + errors[label][0] + more, likely + errors[label][1] + more))
    loss, worst, square = (
        sum((of[part] ** power for of in losses), mpf(0)) / N
        for part, power in ((0, 1), (1, 1), (2, 2))
    )
    likely = 6 * mp.sqrt(square / N) + often(N, u) * loss
    loss = rounded(loss, worst + gamma(N + 1, u) * loss, likely, rule.loss)
    if not C:
        return [P, loss, [[rounded(r, w, a + b, rule.data) for r, w, a, b in row] for row in D]]
    apart = [[(r, w, mp.hypot(a, b), mpf(0)) for r, w, a, b in row] for row in D]
    return [
        loss,
        [[product(row, by_d, len(C), rule) for by_d in zip(*C, strict=True)] for row in D],
        [
            [product(by_N, by_d, N, rule) for by_d in zip(*E, strict=True)]
            for by_N in zip(*apart, strict=True)
        ],
    ]


def case(rule, kept, *shape):
    E, C, y = data(np.float16, *shape)
    return rule, E, C, np.where(np.arange(len(y)) < kept, y, IGNORED)


# Formats that all differ, so that none stands for another, with smallest numbers that count.
FORMATS = [low_precision.Precision("", 2.0**-k, 2.0 ** (-2 * k)) for k in range(9, 15)]
COARSE = Arithmetic(*FORMATS, dropped=0.02)
ONES = np.ones((9, 200))
CASES = {
    "few": case(COARSE, 3, 4, 3, 5),
    "one row counts": case(Arithmetic(BF16), 1, 4, 5, 7),
    "all wrong": (Arithmetic(BF16), ONES, np.outer([0.0, -1.0], ONES[0]), np.ones(9, dtype=int)),
    "many rows and classes": case(COARSE, 50, 50, 1, 50),
    "no row counts": case(COARSE, 0, 2, 3, 4),
    "logits": (COARSE, data(np.float16, 4, 5)[0], None, np.array([4, 0, IGNORED, 2])),
    "confident": (Arithmetic(BF16), np.array([[40.0, 0.0], [0.0, -730.0]]), None, np.array([0, 1])),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_bounds_are_those_of_loops(monkeypatch, name):
    """At 60 digits, whatever the blocks of classes are; and a small entry keeps its digits."""
    monkeypatch.setattr(low_precision, "BLOCK", 3)
    rule, E, C, y = CASES[name]
    if C is None:
        found = [low_precision.softmax(E, rule), *low_precision.cross_entropy(E, y, rule).values()]
    else:
        found = low_precision.linear_cross_entropy(E, C, y, rule).values()
    expected = loops.at(60, lambda *given: by_loops(*given, rule), E, C, y)
    options = {"statement": "softmax.nll", "oracle": "loops", "ulp": 16}
    for bounded, numbers in zip(found, expected, strict=True):
        for number, part in enumerate(("exact", "worst", "likely")):
            compare.check(
                getattr(bounded, part)[()],
                np.array(numbers, dtype=object)[..., number],
                case=f"low precision, {name}, {part}",
                entrywise=C is None,  # in gradients by E and C terms cancel
                **options,
            )


def test_a_kernel_may_lose_the_loss_of_a_confident_row():
    """One that subtracts z_y from log-sum-exp does."""
    loss = low_precision.cross_entropy([[40.0, 0.0]], [0], Arithmetic(FP32))["loss"]
    assert 0 < loss.used(0.0) < 1


def kernel(E, C, y, dtype):
    """The textbook in a format: logits in float32, residuals and products in float32."""
    E, C = E.astype(np.float32), C.astype(np.float32)
    Z = E @ C.T
    Z -= Z.max(axis=1, keepdims=True)
    P = np.exp(Z)
    total = P.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - Z[np.arange(len(y)), y])
    P /= total
    P[np.arange(len(y)), y] -= 1
    P /= np.float32(len(y))
    return {"loss": loss, "E": (P @ C).astype(dtype), "C": (P.T @ E).astype(dtype)}


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(6, 5, 7), (40, 16, 300), (3, 200, 2)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
def test_textbook_is_within(name, shape, scale):
    dtype, precision = DTYPES[name]
    E, C, y = data(dtype, *shape, scale=scale)
    bounds = low_precision.linear_cross_entropy(E, C, y, Arithmetic(precision))
    found = kernel(E, C, y, dtype)
    for part, bounded in bounds.items():
        assert bounded.used(found[part]) <= 1 and (bounded.likely <= bounded.worst).all()
        assert bounded.used_likely(found[part]) <= 1, part


def wrong(E, C, y):
    """Gradients by E and C that have a fault, computed in float64."""
    P = low_precision.softmax(E @ C.T, Arithmetic(FP32)).exact
    Y = np.eye(len(C))[y]
    right = (P - Y) / len(E)
    last = right.copy()
    last[0] = P[0] / len(E)
    faults = {
        "zero": 0 * right,
        "no softmax": -Y / len(E),
        "no label": P / len(E),
        "the label of one row missing": last,
        "a sum, not a mean": P - Y,
        "the other sign": -right,
    }
    return {name: {"E": delta @ C, "C": delta.T @ E} for name, delta in faults.items()}


FAULTS = list(wrong(*data(np.float32)))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("precision", [BF16, FP16, FP32], ids=lambda p: p.name)
def test_negative_controls_are_rejected(fault, precision):
    """By the worst case already, with every intermediate result in the format itself."""
    E, C, y = data(np.float32, 64, 32, 500)
    narrow = Arithmetic(precision, logits=precision, delta=precision)
    bounds = low_precision.linear_cross_entropy(E, C, y, narrow)
    for part, found in wrong(E, C, y)[fault].items():
        assert bounds[part].used(found) > 2, part


@pytest.mark.parametrize(
    ("precision", "factor", "accepted"),
    [(FP32, 1.01, False), (FP32, 1.0001, False), (FP16, 1.01, False), (BF16, 1.01, False),
     (BF16, 1.003, True), (FP32, 1 + 2.0**-25, True)],
)  # fmt: skip
def test_a_factor_is_wrong_unless_it_is_a_rounding(precision, factor, accepted):
    """In bfloat16 a factor 1.003 is less than the rounding of the result itself."""
    E, C, y = data(np.float32, 64, 32, 500)
    bounds = low_precision.linear_cross_entropy(E, C, y, Arithmetic(precision))
    for part in ("E", "C"):
        assert (bounds[part].used(factor * bounds[part].exact) <= 1) is accepted, part


def test_the_likely_bound_is_sharper_where_many_terms_are_added():
    E, C, y = data(np.float32, 64, 200, 500, scale=0.1)
    by_E = low_precision.linear_cross_entropy(E, C, y, Arithmetic(FP32))["E"]
    assert np.median(by_E.worst / by_E.likely) > 2


def test_what_is_dropped_is_declared():
    """Small residuals left out are a fault, unless the kernel says that it leaves them out."""
    E, C, y = data(np.float32, 64, 32, 500)
    delta = low_precision.cross_entropy(E @ C.T, y, Arithmetic(FP32))["z"].exact
    filtered = np.where(np.abs(delta) * len(E) < 2.0**-10, 0.0, delta)
    for dropped, accepted in ((0.0, False), (2.0**-10, True)):
        declared = Arithmetic(FP32, dropped=dropped)
        bounded = low_precision.linear_cross_entropy(E, C, y, declared)["E"]
        assert (bounded.used(filtered @ C) <= 1) is accepted


def test_subnormal_results_have_an_absolute_error():
    """Gradients of a mean over many rows are subnormal in float16: their digits are lost."""
    E, C, y = data(np.float16, 4, 3, 5, scale=0.05)
    many = np.tile(E, (500, 1)), C, np.tile(y, 500)
    bounds = low_precision.linear_cross_entropy(*many, Arithmetic(FP16))
    found = kernel(*many, np.float16)
    assert bounds["E"].used(found["E"]) <= 1
    exact = np.abs(bounds["E"].exact)
    assert (exact[exact > 0].min()) < 2.0**-14
    relative = np.abs(found["E"] - bounds["E"].exact) / exact
    assert relative.max() > 4 * FP16.u, "the relative bound alone would call it wrong"


def test_used_is_the_largest_part_of_a_bound():
    """Of a bound of zero, and by what is not finite, all and more is used."""
    exact = np.array([[0.5, -3.0, 0.0], [8.0, 1.0, 2.0]])
    found = np.array([[0.75, -2.0, 0.0], [8.0, 0.625, 2.5]])
    bounds = [[7.0, 3.0, 0.0], [0.0, 5.0, 3.0]], [[0.5, 7.0, 0.0], [0.0, 0.4375, 1.0]]
    bounded = low_precision.Bounded(exact, *map(np.array, bounds))
    assert (bounded.used(found), bounded.used_likely(found)) == (1 / 3, 6 / 7)
    assert bounded.used(exact) == bounded.used_likely(exact) == 0.0
    for place, wrong in (((0, 2), 1e-300), ((1, 1), np.nan), ((0, 0), np.inf), ((1, 2), -np.inf)):
        found = exact.copy()
        found[place] = wrong
        assert bounded.used(found) == bounded.used_likely(found) == np.inf


def test_so_many_terms_that_all_digits_may_be_lost_have_a_likely_bound_only():
    for K, finite in ((255, True), (256, False)):
        found = low_precision.softmax(np.zeros((1, K)), Arithmetic(BF16, sums=BF16))
        assert np.isfinite(found.worst).all() == finite and np.isfinite(found.likely).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [[1.0]], [0]), r"E: expected a matrix .* given shape \(1,\)"),
        (([[np.nan]], [[1.0]], [0]), r"E: expected numbers, given nan at index \(0, 0\)"),
        (([["1"]], [[1.0]], [0]), "E: expected real numbers, given list of type <U1"),
        (([[1.0]], [[1j]], [0]), "C: expected real numbers, given list of type complex128"),
        (([[1.0]], np.ma.array([[1.0]], mask=True), [0]), "C: .* given a masked array"),
        (([[1.0]], [[1.0, 2.0]], [0]), "C: expected 1 columns, given 2"),
        (([[1.0]], [[1.0]], [1]), "y: expected integers from 0 to 0, or -100, given 1 at index 0"),
        (([[1.0]], [[1.0]], [-1.0]), "y: expected integers .* given -1 at index 0"),
        (([[1.0]], [[1.0], [2.0]], [0.5]), "y: expected integers from 0 to 1, .* given 0.5"),
        (([[1.0]], [[1.0]], [np.nan]), "y: expected numbers, given nan at index 0"),
        (([[1.0]], [[1.0]], ["0"]), "y: expected real numbers, given list of type <U1"),
        (([[1.0]], [[1.0]], np.ma.array([0], mask=True)), "y: .* given a masked array"),
        (([[1.0]], [[1.0]], [0, 0]), r"y: expected 1 labels, given shape \(2,\)"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        low_precision.linear_cross_entropy(*arguments, Arithmetic(FP32))


def test_another_shape_is_refused():
    bounded = low_precision.softmax([[1.0, 2.0]], Arithmetic(FP32))
    with pytest.raises(ValueError, match=r"found: expected shape \(1, 2\), given \(2,\)"):
        bounded.used([0.5, 0.5])
    with pytest.raises(TypeError, match=r"^found: expected real numbers, .* masked array"):
        bounded.used(np.ma.array([[0.5, 0.5]], mask=True))


@pytest.mark.parametrize(
    "found",
    [
        low_precision.softmax([[0.0] * 255 + [-800.0]], Arithmetic(BF16, sums=BF16)),
        *low_precision.linear_cross_entropy(
            [[2e5]], [[1.0], [-1.0]], [0], Arithmetic(BF16, logits=BF16)
        ).values(),
    ],
)
def test_a_bound_is_never_nan(found):
    """0 times infinity: the exponential is 0, and its relative error has no bound."""
    assert np.isinf(found.worst).any() and not np.isnan([found.worst, found.likely]).any()
    assert found.used(found.exact + 1.0) >= 0.0
