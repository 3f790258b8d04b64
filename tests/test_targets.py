"""Costs of logits against differences of plain loops and derived lines; mistakes refused."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations import targets as lines
from derivations.notation import Σ, K, N, Size, X, Y, a, b, i, j, k, log, s as sample_weight, t, δ
from derivations.sigmoid import sigma
from reference_impl import targets

SIZES = [(1, 2), (3, 2), (2, 4), (3, 3)]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)
TAU, ALPHA, GAMMA = 1.5, 0.25, 2.5


def softmax_rows(z, tau=1):
    return [loops.softmax([x / mpf(tau) for x in row]) for row in z]


def cross_entropy(t, p):
    return -sum(loops.dot(u, [mp.log(x) for x in v]) for u, v in zip(t, p, strict=True))


def smoothed(z, t, c):
    q = [[((1 - mpf(ALPHA)) * x + mpf(ALPHA) / len(row)) * w for x, w in zip(row, c, strict=True)]
         for row in t]  # fmt: skip
    return cross_entropy(q, softmax_rows(z))


def averaged(z, t, weight):
    rows = [[w * x for x in row] for w, row in zip(weight, t, strict=True)]
    return cross_entropy(rows, softmax_rows(z)) / sum(weight)


def each(z, y, cost):
    return sum(cost(u, v, n) for p, q in zip(z, y, strict=True)
               for n, (u, v) in enumerate(zip(p, q, strict=True)))  # fmt: skip


def smoothed_mean(z, t, c):
    return smoothed(z, t, c) / sum(loops.dot(row, c) for row in t)


def class_averaged(z, t, c, s):
    rows = [[w * x * v for x, v in zip(row, c, strict=True)] for w, row in zip(s, t, strict=True)]
    return cross_entropy(rows, softmax_rows(z)) / sum(sum(row) for row in rows)


def focal(z, y):
    def cost(z, y, _):
        p = loops.sigmoid(z)
        return -y * (1 - p) ** mpf(GAMMA) * mp.log(p) - (1 - y) * p ** mpf(GAMMA) * mp.log(1 - p)

    return each(z, y, cost)


def many(z, y, c):
    return each(z, y, lambda z, y, n: -c[n] * y * loops.log_sigmoid(z)
                - (1 - y) * loops.log_sigmoid(-z))  # fmt: skip


def masked(z, mask, delta):
    total = mpf(0)
    for row, seen, up in zip(z, mask, delta, strict=True):
        whole = mp.log(sum(m * mp.exp(x) for m, x in zip(seen, row, strict=True)))
        total += sum(d * (x - whole) for d, x, m in zip(up, row, seen, strict=True) if m)
    return total


def case(size):
    rng = layer_loops.rng(f"targets {size}")
    n, m = size
    z, y = eighths(rng, *size), np.eye(m)[np.arange(n) % m]
    soft, c = np.abs(eighths(rng, *size)), np.abs(eighths(rng, m))
    mask = np.ones(size)
    mask[0, 0] = 0.0
    delta = layer_loops.free_delta(f"targets {size}", size) * mask
    return z, y, soft, c, np.abs(eighths(rng, n)), mask, delta


@each_size
def test_gradients_by_differences(size):
    """Student less teacher cancels where they are close."""
    z, y, soft, c, s, mask, delta = case(size)
    teacher = soft * 2
    for name, actual, cost, rest in [
        ("temperature", targets.temperature(z, soft, TAU),
         lambda z, t: cross_entropy(t, softmax_rows(z, TAU)), (soft,)),
        ("distillation", targets.distillation(z, teacher, TAU),
         lambda z, t: cross_entropy(softmax_rows(t, TAU), softmax_rows(z, TAU)), (teacher,)),
        ("label_smoothing", targets.label_smoothing(z, soft, c, ALPHA), smoothed, (soft, c)),
        ("weighted_mean", targets.weighted_mean(z, soft, s), averaged, (soft, s)),
        ("label_smoothing_mean", targets.label_smoothing_mean(z, soft, c, ALPHA), smoothed_mean,
         (soft, c)),
        ("class_weighted_mean", targets.class_weighted_mean(z, soft, c, s), class_averaged,
         (soft, c, s)),
        ("focal_loss", targets.focal_loss(z, y, GAMMA), focal, (y,)),
        ("many_labels_gradient", targets.many_labels_gradient(z, y, c), many, (y, c)),
        ("masked_log_softmax", targets.masked_log_softmax(z, mask, delta), masked, (mask, delta)),
    ]:  # fmt: skip
        expected = loops.differences(50, cost, (z, *rest), 0)
        expected = [[mp.chop(x, mpf(10) ** -60) for x in row] for row in expected]  # one class: 0
        compare.check(actual, expected, statement=f"targets.{name}", oracle="differences",
                      case=str(size), ulp=64 if name == "distillation" else 16)  # fmt: skip


@each_size
def test_derived(size):
    z, y, _, c, s, mask, delta = case(size)
    arrays = {"z": z, "Y": y, "tau": TAU, "teacher": z[::-1] * 2, "alpha": ALPHA, "c": c, "s": s,
              "y": y, "mask": mask, "delta'": delta}  # fmt: skip
    for name, actual, chain in [
        ("temperature", targets.temperature(z, y, TAU), 0),
        ("distillation", targets.distillation(z, z[::-1] * 2, TAU), 0),
        ("label_smoothing", targets.label_smoothing(z, y, c, ALPHA), 0),
        ("label_smoothing_mean", targets.label_smoothing_mean(z, y, c, ALPHA), 0),
        ("weighted_mean", targets.weighted_mean(z, y, s), 0),
        ("class_weighted_mean", targets.class_weighted_mean(z, y, c, s), 0),
        ("many_labels_gradient", targets.many_labels_gradient(z, y, c), 0),
        ("masked_log_softmax", targets.masked_log_softmax(z, mask, delta), 1),
    ]:
        compare.check(actual, derived.table(f"targets.{name}", arrays, chain=chain),
                      statement=f"targets.{name}", oracle="50 digits", case=str(size),
                      ulp=64 if name == "distillation" else 16)  # fmt: skip


@pytest.mark.parametrize("top", [40.0, 700.0])
def test_a_confident_right_answer_keeps_its_residual(top):
    """1 - p is 4e-18 or 1e-304, and taken from p it would be 0."""
    z, y = np.array([[top, 0.0, 1.0], [0.0, top, -2.0]]), np.eye(3)[:2]
    ones, mask = np.ones(3), np.array([[1.0, 1.0, 0.0]] * 2)

    def residual(z, tau=1.0):
        return np.array(softmax_rows(loops.exact(z), tau)) - y[:, : z.shape[1]]

    with mp.workdps(700):
        whole, sharp = residual(z), residual(z, 0.5) / 0.5
        half, seen = whole / 2, np.column_stack([-residual(z[:, :2]), [0, 0]])
    for name, actual, expected in [
        ("temperature", targets.temperature(z, y, 0.5), sharp),
        ("distillation", targets.distillation(z, (y - 0.5) * 2000.0, 0.5), sharp),
        ("label_smoothing", targets.label_smoothing(z, y, ones, 0.0), whole),
        ("weighted_mean", targets.weighted_mean(z, y, [0.5, 0.5]), half),
        ("label_smoothing_mean", targets.label_smoothing_mean(z, y, ones, 0.0), half),
        ("class_weighted_mean", targets.class_weighted_mean(z, y, ones, [1.0, 1.0]), half),
        ("masked_log_softmax", targets.masked_log_softmax(z, mask, y), seen),
    ]:
        compare.check(actual, expected.tolist(), statement=f"targets.{name}", oracle="50 digits",
                      case=f"confident {top}", ulp=8, entrywise=True)  # fmt: skip


@each_size
def test_two_means_of_smoothed_labels(size):
    """Both from the sum; what a row weighs; and the same where all classes weigh the same."""
    z, y, _, c, *_ = case(size)
    q = (1.0 - ALPHA) * y + ALPHA / size[1]
    whole = targets.label_smoothing(z, y, c, ALPHA)
    arrays = {"z": z, "Y": y, "alpha": ALPHA, "c": c}
    second = derived.table("targets.label_smoothing_mean", arrays, chain=1)
    compare.check(whole / (q @ c).sum(), second, statement="targets.label_smoothing_mean",
                  oracle="50 digits", case=f"smoothed {size}", ulp=16)  # fmt: skip
    rows = derived.table("targets.label_smoothing_mean", arrays, chain=2)
    compare.check(q @ c, rows, statement="targets.label_smoothing_mean", oracle="50 digits",
                  case=f"weights {size}", ulp=4)  # fmt: skip
    alike = np.full(size[1], 2.0)
    ours = targets.label_smoothing_mean(z, y, alike, ALPHA)
    expected = (targets.label_smoothing(z, y, alike, ALPHA) / (q @ alike).sum()).tolist()
    compare.check(ours, expected, statement="targets.label_smoothing_mean", oracle="loops",
                  case=f"alike {size}", ulp=8)  # fmt: skip


@each_size
def test_masked_log_softmax_forward(size):
    z, *_, mask, _ = case(size)
    found = targets.masked_log_softmax_forward(z, mask)
    expected = derived.table("targets.masked_log_softmax_forward", {"z": z, "mask": mask})
    seen = mask > 0.0
    compare.check(found[seen], np.array(expected, dtype=object)[seen].tolist(), ulp=4,
                  statement="targets.masked_log_softmax_forward", oracle="50 digits",
                  case=str(size))  # fmt: skip
    assert (found[~seen] == -np.inf).all()
    lone = targets.masked_log_softmax_forward([[5.0, 1e300]], [[1, 0]])
    compare.same(lone, np.array([[0.0, -np.inf]]))


@each_size
def test_ignored_rows(size):
    """The mean does not see how small the weights are, down to the smallest; at zero it is 0/0."""
    z, y, _, c, s, *_ = case(size)
    ours = targets.weighted_mean(z, y, s)
    for small in (2.0**-40, 2.0**-900):
        compare.same(targets.weighted_mean(z, y, small * s), ours)
    losses = -np.log(np.exp(z)[y > 0.0] / np.exp(z).sum(axis=1))
    said = derived.table("targets.ignored_rows", {"r": 2.0**-40, "s": s, "ell": losses})
    compare.check(np.float64(s @ losses / s.sum()), said, statement="targets.ignored_rows",
                  oracle="50 digits", case=str(size), ulp=16)  # fmt: skip
    with pytest.raises(ValueError, match="0/0"):
        targets.class_weighted_mean(z, y, c, 0.0 * s)
    one = np.eye(len(z))[0]
    alone = targets.class_weighted_mean(z, y, c, one)
    assert not alone[1:].any()
    compare.same(targets.class_weighted_mean(z[:1], y[:1], c, [1.0]), alone[:1])


def test_leading_axes():
    """N x T x K is N T rows."""
    z, y, soft, c, s, mask, delta = case((3, 2))
    deep = [np.stack([a, a[::-1]]) for a in (z, y, soft, s, mask, delta)]
    Z, Y, SOFT, S, MASK, DELTA = deep
    for function, given in [
        (targets.temperature, (Z, SOFT, TAU)), (targets.distillation, (Z, SOFT, TAU)),
        (targets.label_smoothing, (Z, Y, c, ALPHA)), (targets.weighted_mean, (Z, Y, S)),
        (targets.class_weighted_mean, (Z, Y, c, S)), (targets.focal_loss, (Z, Y, GAMMA)),
        (targets.label_smoothing_mean, (Z, Y, c, ALPHA)),
        (targets.many_labels_gradient, (Z, Y, c)),
        (targets.masked_log_softmax, (Z, MASK, DELTA)),
        (targets.masked_log_softmax_forward, (Z, MASK)),
    ]:  # fmt: skip
        flat = [a.reshape(-1, *a.shape[2:]) if isinstance(a, np.ndarray) and a is not c else a
                for a in given]  # fmt: skip
        compare.same(function(*given).reshape(-1, 2), function(*flat))


@pytest.mark.parametrize("label", [1, 0])
def test_focal_over_the_whole_range(label):
    z = np.array([-700.0, -40.0, -3.0, -0.125, 0.0, 1.5, 40.0, 200.0])
    expected = [[derived.table("targets.focal_loss", {"t": x, "gamma": GAMMA}, digits=700,
                               chain=1 - label) for x in z]]  # fmt: skip
    compare.check(targets.focal_loss(z[None], np.full((1, 8), label), GAMMA), expected,
                  statement="targets.focal_loss", oracle="50 digits", case=f"label {label}",
                  ulp=64)  # fmt: skip


def test_by_hand():
    """Logits log 3 and 0 at temperature 1: 3/4 and 1/4; a teacher with 1/4 and 3/4."""
    z, teacher = [[np.log(3.0), 0.0]], [[0.0, np.log(3.0)]]
    for name, actual, expected in [
        ("temperature", targets.temperature(z, [[1, 0]], 1.0), [[-0.25, 0.25]]),
        ("distillation", targets.distillation(z, teacher, 1.0), [[0.5, -0.5]]),
        ("label_smoothing", targets.label_smoothing(z, [[1, 0]], [1, 1], 0.5), [[0.0, 0.0]]),
    ]:
        compare.check(np.round(actual, 14) + 0.0, expected, statement=f"targets.{name}",
                      oracle="by hand", case="log 3", ulp=8)  # fmt: skip
    only = targets.masked_log_softmax([[5.0, 800.0]], [[1, 0]], [[2.0, 3.0]])
    compare.same(only, np.array([[0.0, 0.0]]))


Z1, Y1 = [[1.0, 2.0]], [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: targets.temperature(Z1, Y1, 0.0), "tau: expected a number > 0, given 0.0"),
        (lambda: targets.temperature(Z1, [[1.0]], 1.0), "targets: expected the shape of z"),
        (lambda: targets.distillation(Z1, Y1, -1.0), "tau: expected a number > 0"),
        (lambda: targets.label_smoothing(Z1, Y1, [1, 1], 1.5), "^alpha: .* from 0 to 1, given 1.5"),
        (
            lambda: targets.label_smoothing(Z1, Y1, [1, -1], 0.5),
            "^weight: .* 2 numbers >= 0, given -1 at",
        ),
        (lambda: targets.weighted_mean(Z1, Y1, [0.0]), "sample_weight: .* the mean is 0/0"),
        (lambda: targets.focal_loss(Z1, [[0.5, 1.0]], 2.0), r"^y: .* labels 0 and 1, given 0.5 at"),
        (lambda: targets.weighted_mean(Z1, Y1, [-1.0]), "^sample_weight: .* given -1 at index 0"),
        (lambda: targets.weighted_mean(Z1, Y1, [1, 1]), "^sample_weight: expected 1 numbers"),
        (
            lambda: targets.many_labels_gradient(Z1, Y1, [1, -2]),
            "^positive: .* given -2 at index 1",
        ),
        (lambda: targets.temperature(Z1, Y1, 1e-308), "^z / tau exceeds the range of float64"),
        (lambda: targets.temperature(Z1, [[1e308, 1e308]], 1.0), "^the gradient exceeds the range"),
        (
            lambda: targets.distillation(Z1, [[0.0, 1e300]], 1e-10),
            "^teacher / tau exceeds the range",
        ),
        (
            lambda: targets.label_smoothing(Z1, [[1e200, 0]], [1e200, 1], 0.5),
            "^the gradient exceeds",
        ),
        (lambda: targets.weighted_mean(Z1 * 2, Y1 * 2, [1e308] * 2), "^the sum of the weights exc"),
        (lambda: targets.masked_log_softmax(Z1, [[1, 1]], [[1e308, 1e308]]), "^RULE 2 exceeds the"),
        (lambda: targets.label_smoothing_mean(Z1, Y1, [0, 1], 0.5), "weight: .* the mean is 0/0"),
        (
            lambda: targets.label_smoothing_mean(Z1, [[-1, 0]], [1, 1], 0.5),
            r"^targets: expected 1 x 2 numbers >= 0, given -1 at index \(0, 0\)",
        ),
        (
            lambda: targets.class_weighted_mean(Z1, [[2, -1]], [1, 1], [1]),
            r"^targets: expected 1 x 2 numbers >= 0, given -1 at index \(0, 1\)",
        ),
        (lambda: targets.class_weighted_mean(Z1, Y1, [0, 1], [1]), "weight: .* the mean is 0/0"),
        (
            lambda: targets.class_weighted_mean([Z1], [Y1], [1, 1], [1]),
            "sample_weight: expected 1 x",
        ),
        (lambda: targets.masked_log_softmax_forward([Z1], [[[0, 0]]]), r"mask: .* row \(0, 0\)"),
        (lambda: targets.focal_loss(Z1, Y1, -2.0), "gamma: expected a number > 0"),
        (lambda: targets.masked_log_softmax(Z1, [[0, 0]], Y1), "mask: .* none in row 0"),
        (lambda: targets.masked_log_softmax(Z1, [[1, 0.3]], Y1), "^mask: .* 0 and 1, given 0.29"),
        (lambda: targets.masked_log_softmax_forward(Z1, [[1, -1]]), "^mask: .* 0 and 1, given -1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# What people get wrong, each a result that verification has to refuse.

p, q, z, tau = lines.p, lines.q, lines.free, lines.tau
S, smooth, c = lines.S, lines.smooth, lines.class_weight
residual = S[i, a] - Y[i, a]
gate, other = sigma(t), sigma(-t)
MISTAKES = {
    "no temperature in front": ("temperature", 0, p[i, a] - Y[i, a]),
    "temperature squared": ("temperature", 1, Σ(i, X[i, k] * (q[i, a] - Y[i, a])) / tau**2),
    "sign of the temperature": (
        "temperature", 2, Σ(i, Σ(b, z[i, b] * (p[i, b] - Y[i, b]))) / tau**2),
    "hard labels of the teacher": ("distillation", 0, (p[i, a] - Y[i, a]) / tau),
    "logits for probabilities": ("distillation", 0, (z[i, a] - lines.teacher[i, a]) / tau),
    "weight of the own class": (
        "label_smoothing", 0, Σ(b, c[b] * Y[i, b]) * (S[i, a] - smooth[i, a])),
    "epsilon / (K - 1)": (
        "label_smoothing",
        0,
        S[i, a] * Σ(b, c[b] * smooth[i, b])
        - c[a] * ((1 - lines.alpha) * Y[i, a] + lines.alpha * (1 - Y[i, a]) / (Size(K) - 1)),
    ),
    "smoothed mean by N": (
        "label_smoothing_mean", 0,
        (S[i, a] * Σ(b, c[b] * smooth[i, b]) - c[a] * smooth[i, a]) / Size(N)),
    "smoothed for hard weights": (
        "label_smoothing_mean", 0,
        (S[i, a] * Σ(b, c[b] * smooth[i, b]) - c[a] * smooth[i, a]) / lines.soft_weights),
    "hard for smoothed weights": (
        "label_smoothing_mean", 1,
        (S[i, a] * Σ(b, c[b] * smooth[i, b]) - c[a] * smooth[i, a]) / lines.hard_weights),
    "a row weighs its class": ("label_smoothing_mean", 2, Σ(b, c[b] * Y[i, b])),
    "classes divided by N": (
        "class_weighted_mean", 0,
        sample_weight[i] * (S[i, a] * Σ(b, c[b] * Y[i, b]) - c[a] * Y[i, a]) / Size(N)),
    "ignored rows in the sum": (
        "class_weighted_mean", 0,
        sample_weight[i] * (S[i, a] * Σ(b, c[b] * Y[i, b]) - c[a] * Y[i, a])
        / Σ(j, Σ(b, c[b] * Y[j, b]))),
    "weight of the class of the column": (
        "class_weighted_mean", 0, sample_weight[i] * c[a] * (S[i, a] - Y[i, a]) / lines.seen),
    "nothing is left": ("ignored_rows", 0, 0),
    "the sum is left": ("ignored_rows", 0, Σ(i, sample_weight[i] * lines.loss[i])),
    "a plain mean is left": ("ignored_rows", 0, Σ(i, lines.loss[i]) / Size(N)),
    "division by N": ("weighted_mean", 0, sample_weight[i] * residual / Size(N)),
    "weights not divided": ("weighted_mean", 0, sample_weight[i] * residual),
    "the power is constant": ("focal_loss", 0, -(other**lines.gamma) * other),
    "sign of the second part": (
        "focal_loss", 0, -(other**lines.gamma) * (lines.gamma * gate * log(gate) + other)),
    "weight for both labels": (
        "many_labels_gradient",
        0,
        lines.positive[a] * (sigma(z[i, a]) - lines.yes[i, a]),
    ),
    "masked classes share": ("masked_log_softmax", 0, δ(i, j) * (δ(a, b) - S[i, b])),
    "no sum of the deltas": (
        "masked_log_softmax", 1, lines.deltas_out[i, a] - lines.masked[i, a]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, chain, wrong = MISTAKES[mistake]
    assert derived.rejected(f"targets.{name}", wrong, chain)
