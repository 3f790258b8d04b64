"""Attention against loops, differences and derived lines at 50 digits; mistakes refused."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations import attention as lines
from derivations.attention import T, c, q, r, scale
from derivations.notation import Σ, Size, i, j, u, δ
from reference_impl.attention import Attention, SelfAttention

SIZES = [(1, 3, 2, 3), (3, 1, 2, 2), (2, 3, 4, 5), (4, 4, 4, 4), (3, 5, 2, 1)]  # N, T, d, M
MASKS = {
    "none": lambda N, T: np.ones((N, T)),
    "causal": lambda N, T: np.tril(np.ones((N, T))),
    "one key": lambda N, T: np.eye(N, T)[:, ::-1] + (np.arange(N)[:, None] >= T) * np.eye(1, T),
    "bias": lambda N, T: 1.0 / (1.0 + np.abs(np.arange(N)[:, None] - np.arange(T))),
}
each_size = pytest.mark.parametrize("size", SIZES, ids=str)
each_mask = pytest.mark.parametrize("mask", MASKS)


def attention(queries, keys, values, mask):
    """As plain loops."""
    result = []
    for query, seen in zip(queries, mask, strict=True):
        scores = [loops.dot(query, key) / mp.sqrt(len(query)) for key in keys]
        weights = [m * mp.exp(z) for m, z in zip(seen, scores, strict=True)]
        total = sum(weights, mpf(0))
        columns = zip(*values, strict=True)
        result.append([loops.dot(weights, column) / total for column in columns])
    return result


def weighted(queries, keys, values, mask, delta):
    rows = attention(queries, keys, values, mask)
    return sum((loops.dot(d, row) for d, row in zip(delta, rows, strict=True)), mpf(0))


def case(size, mask):
    N, T, d, M = size
    rng = layer_loops.rng(f"attention {size}")
    arrays = eighths(rng, N, d), eighths(rng, T, d), eighths(rng, T, M)
    return *arrays, MASKS[mask](N, T), layer_loops.free_delta(f"attention {size}", (N, M))


def check(rule, oracle, actual, expected, case, ulp=32):
    compare.check(actual, expected, statement=f"attention.{rule}", oracle=oracle,
                  case=str(case), ulp=ulp)  # fmt: skip


NAMES = ("queries", "keys", "values")


@each_size
@each_mask
def test_rules(size, mask):
    queries, keys, values, m, delta = case(size, mask)
    layer, arrays = Attention(m), (queries, keys, values)
    check("forward", "loops", layer.forward(*arrays), loops.at(50, attention, *arrays, m), size)
    gradients = layer.backward(*arrays, delta)
    for place, name in enumerate(NAMES):
        expected = loops.differences(50, weighted, (*arrays, m, delta), place)
        expected = [[mp.chop(t, mpf(10) ** -50) for t in row] for row in expected]  # one key: 0
        actual = getattr(gradients, name)
        if any(any(row) for row in expected):
            check("backward", "differences", actual, expected, f"{name} {size} {mask}")
        else:
            assert not actual.any()  # one key alone has weight 1, exactly


@each_size
@pytest.mark.parametrize("mask", ["causal", "bias"])
def test_derived(size, mask):
    queries, keys, values, m, delta = case(size, mask)
    arrays = {"Q": queries, "keys": keys, "values": values, "mask": m, "delta'": delta}
    layer = Attention(m)

    def table(name, chain=0):
        return derived.table(f"attention.{name}", arrays, chain=chain)

    check("forward", "50 digits", layer.forward(queries, keys, values), table("forward"), size)
    gradients = layer.backward(queries, keys, values, delta)
    for chain, name in enumerate(("values", "queries", "keys")):
        expected = table("backward", chain)
        if any(abs(t) > mpf(10) ** -40 for row in expected for t in row):
            check("backward", "50 digits", getattr(gradients, name), expected, f"{name} {size}")


@each_size
def test_jacobians_by_differences(size):
    queries, keys, values, m, _ = case(size, "bias")
    arrays = {"Q": queries, "keys": keys, "values": values, "mask": m}
    N, T, d, M = size
    for place, name in enumerate(NAMES):
        whole = np.array(loops.differences(50, attention, (queries, keys, values, m), place))
        whole = whole.transpose(2, 3, 0, 1)  # output first
        lengths = {"N": N, "T": T, "d": d, "M": M}
        said = derived.table(f"attention.{name}_jacobian", arrays, sizes=lengths)
        compare.agree(said, whole.tolist(), digits=40)


def test_by_hand():
    """Two keys with scores 0 and log 3: weights 1/4 and 3/4."""
    layer = Attention([[1, 1]])
    queries, keys, values = [[np.log(3.0)]], [[0.0], [1.0]], [[0.0], [4.0]]
    check("forward", "by hand", layer.forward(queries, keys, values), [[3.0]], "log 3", 2)
    gradients = layer.backward(queries, keys, values, [[1.0]])
    check("backward", "by hand", gradients.queries, [[0.75]], "log 3", 2)
    check("backward", "by hand", gradients.values, [[0.25], [0.75]], "log 3", 2)
    hidden = Attention([[1, 0]])
    compare.same(hidden.forward(queries, keys, values), np.array([[0.0]]))
    assert not hidden.backward(queries, keys, values, [[1.0]]).keys.any()


def test_hidden_keys_may_be_anything_finite():
    """Scores of 1e300 that are hidden do not overflow, and change nothing."""
    keys, values = np.array([[1.0], [2.0], [1e300]]), np.array([[1.0], [2.0], [1e300]])
    queries, delta = np.array([[0.5]]), [[1.0]]
    whole = Attention([[1, 1, 0]])
    part = Attention([[1, 1]])
    compare.same(whole.forward(queries, keys, values), part.forward(queries, keys[:2], values[:2]))
    compare.same(whole.backward(queries, keys[:2].repeat([1, 2], axis=0), np.ones((3, 1)),
                                delta).values[2], np.array([0.0]))  # fmt: skip


def test_large_scores():
    """The largest score is taken off: 1e5 and 1e5 + 1 are as 0 and 1."""
    layer = Attention([[1, 1]])
    weights = layer.weights([[1.0]], [[1e5], [1e5 + 1]])
    check("forward", "loops", weights, [[1 / (1 + mp.e), mp.e / (1 + mp.e)]], "large", 4)
    low = layer.weights([[1.0]], [[-1e5], [-1e5 - 1]])
    check("forward", "loops", low, [[mp.e / (1 + mp.e), 1 / (1 + mp.e)]], "low", 4)


def test_arguments_are_unchanged():
    queries, keys, values, m, delta = case((2, 3, 4, 5), "causal")
    before = [a.copy() for a in (queries, keys, values, m, delta)]
    layer = Attention(m)
    first = layer.backward(queries, keys, values, delta)
    again = layer.backward(queries, keys, values, delta)
    for name in NAMES:
        compare.same(getattr(first, name), getattr(again, name))
    for one, two in zip(before, (queries, keys, values, m, delta), strict=True):
        compare.same(one, two)


def test_leading_axes():
    """Sequences and heads keep apart; a mask serves all of them, or each has its own."""
    queries, keys, values, m, delta = case((3, 2, 4, 2), "bias")
    several = [np.stack([[a, 2.0 * a, -a], [a + 1.0, a, a / 2]]) for a in (queries, keys, values)]
    deltas = np.stack([[delta, -delta, delta]] * 2)
    masks = np.stack([[m, m * 2.0, np.ones_like(m)]] * 2)
    for layer, mask_of in [(Attention(m), lambda at: m), (Attention(masks), lambda at: masks[at])]:
        value, found = layer.forward(*several), layer.backward(*several, deltas)
        assert value.shape == (2, 3, 3, 2)
        for at in np.ndindex(2, 3):
            one, alone = [a[at] for a in several], Attention(mask_of(at))
            check("forward", "loops", value[at], alone.forward(*one).tolist(), at, 2)
            back = alone.backward(*one, deltas[at])
            for name in NAMES:
                expected = getattr(back, name).tolist()
                check("backward", "loops", getattr(found, name)[at], expected, f"{name} {at}", 8)


Q1, K2, V2 = [[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Attention([[1, 1], [0, 0]]), "mask: expected a key that is not hidden, .* row 1"),
        (lambda: Attention([[1, -1]]), "mask: expected numbers >= 0, given -1"),
        (lambda: Attention([[1, -np.inf]]), "mask: expected finite numbers"),
        (lambda: Attention([[1, 1, 1]]).forward(Q1, K2, V2), r"mask: expected shape \(1, 2\)"),
        (lambda: Attention([[1, 1]]).forward(Q1, [[1.0], [2.0]], V2), "keys: expected 2 columns"),
        (lambda: Attention([[1, 1]]).forward(Q1, K2, [[1.0]]), "values: expected a row for each"),
        (lambda: Attention([[1, 1]]).backward(Q1, K2, V2, [[1, 2]]), "delta: expected the shape"),
        (lambda: Attention([[[1, 0]], [[0, 0]]]), r"mask: .* given none in row \(1, 0\)"),
        (
            lambda: Attention([[1, 1]]).forward([Q1], K2, V2),
            r"keys: expected the axes \(1,\) before",
        ),
        (
            lambda: Attention([[1, 1]]).forward([Q1], [K2], V2),
            r"values: .* keys and the axes \(1,\)",
        ),
        (lambda: SelfAttention([[1, np.inf]], Q1, Q1, [[1]]), r"Q: .* inf at index \(0, 1\)"),
        (lambda: SelfAttention(Q1, [[1, np.nan]], Q1, [[1]]), r"K: .* nan at index \(0, 1\)"),
        (lambda: SelfAttention(Q1, Q1, [1], [[1]]), r"V: expected a matrix .* given shape \(1,\)"),
        (lambda: Attention([[[1, 1]]] * 2).forward([Q1], [K2], [V2]), r"mask: .* \(1, 1, 2\)"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


# What people get wrong, each a result that verification has to refuse.

Q, K, V, P, Z = lines.queries, lines.keys, lines.values, lines.P, lines.scores
mask, pull, delta = lines.mask, lines.pull, lines.delta
after = mask[i, r] * lines.exp(Z[i, r]) / Σ(q, lines.exp(Z[i, q]))  # rows no longer sum to one
MISTAKES = {
    "no mean taken off": ("backward", 1, Σ(r, P[i, r] * pull[i, r] * K[r, c]) / scale),
    "no scale": ("backward", 1, Σ(r, delta[i, r] * K[r, c])),
    "scale by d": ("backward", 1, Σ(r, delta[i, r] * K[r, c]) / Size(lines.head)),
    "plain mean": (
        "backward",
        1,
        Σ(r, P[i, r] * (pull[i, r] - Σ(q, pull[i, q]) / Size(T)) * K[r, c]) / scale,
    ),
    "queries for keys": ("backward", 2, Σ(i, delta[i, r] * K[r, c]) / scale),
    "mask after the softmax": ("backward", 0, Σ(i, after * lines.deltas_out[i, u])),
    "softmax over the queries": (
        "weights_jacobian",
        0,
        lines.free_P[i, r] * δ(q, r) * (δ(i, j) - lines.free_P[j, r]),
    ),
    "diagonal alone": ("weights_jacobian", 0, lines.free_P[i, r] * δ(i, j) * δ(q, r)),
    "no output taken off": (
        "keys_jacobian",
        0,
        P[i, r] * Q[i, c] * V[r, u] / scale,
    ),
    "mean of the keys forgotten": (
        "queries_jacobian",
        0,
        δ(i, j) * Σ(r, P[i, r] * V[r, u] * K[r, c]) / scale,
    ),
    "values of one unit for all": ("values_jacobian", 0, P[i, r]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, chain, wrong = MISTAKES[mistake]
    assert derived.rejected(f"attention.{name}", wrong, chain)
