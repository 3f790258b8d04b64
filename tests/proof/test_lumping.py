"""Rest-lumping against brute force."""

import contextlib
import os

import brute_force
import pytest
from random_terms import Writer, mutations, rewritten
from tally import COUNTS

from derivations.language.terms import (
    Array,
    D,
    Delta,
    Size,
    exp,
    log,
    product,
    scalar,
    total,
    unfold,
)
from derivations.notation import K, N, X, a, b, c, i, k, l, n, v, w
from derivations.proof import lumping

BLOCKS = int(os.environ.get("RANDOM_TERM_BLOCKS", "10"))
SEEDS = 50
q = Array("q", (K,))
g = Array("g", (N,))
u = Array("u", (n,))
x = scalar("x")


@pytest.mark.parametrize("block", range(BLOCKS), ids=lambda block: f"seeds-from-{block * SEEDS}")
def test_random_pairs(block):
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        writer = Writer(f"lumping {seed}")
        first = writer.real(writer.source.choice((2, 2, 3)))
        second = rewritten(first, writer, writer.source.randint(1, 3))
        wrong = writer.source.choice(list(mutations(second)))[1]
        for other, kind in ((second, "true"), (wrong, "altered")):
            COUNTS[f"{kind} pairs for rest-lumping"] += 1
            try:
                found = lumping.equal(unfold(first), unfold(other))
            except lumping.NotLumpable:
                continue
            if found:
                assert not brute_force.differ(first, other), f"unsound at seed {seed}"
                COUNTS[f"{kind} pairs for rest-lumping proved equal"] += 1


S = exp(q[a]) / total(c, exp(q[c]))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (D(total(k, w[k] * X[i, k]), w[l]), X[i, l]),
        (D(S, q[b]), S * (Delta(a, b) - exp(q[b]) / total(a, exp(q[a])))),
        (D(log(total(b, exp(q[b]))), q[a]), S),
        (total(i, D(exp(x * g[i]), x)), total(i, g[i] * exp(x * g[i]))),
    ],
)
def test_true_identities(left, right):
    assert brute_force.equal(left, right)
    assert lumping.equal(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        # The variable of differentiation is bound outside, and stood in a rest.
        (total(i, D(total(k, exp(g[i] * w[k])), g[i])), total(i, 0 * g[i])),
        # The indices of two rests, one inside the other, had one name.
        (
            total(k, exp(total(l, exp(w[l] * v[k] + u[k])))),
            total(k, exp(total(l, exp(w[k] * v[l] + u[k])))),
        ),
        (
            total(k, exp(total(l, exp(w[l] * v[k] + u[k])))),
            total(k, exp(total(l, exp(w[l] * v[l] + u[k])))),
        ),
        (total(k, w[k] * v[k]), total(k, w[k]) * total(k, v[k])),
        (D(S, q[b]), S * (1 - S)),
        (Size(n) * w[k], total(k, w[k])),
        (total(a, S**2), 1 - 2 * S * (1 - S)),
        (w[k] - w[l], (w[k] - w[l]) * (1 - Delta(k, l)) + x * Delta(k, l)),
    ],
)
def test_false_identities(left, right):
    assert brute_force.differ(left, right)
    with contextlib.suppress(lumping.NotLumpable):
        assert not lumping.equal(left, right)
    COUNTS["false identities refused by rest-lumping"] += 1


@pytest.mark.parametrize(
    "node",
    [
        D(total(k, exp(w[l] * v[k])), w[l]),  # the rest has the variable in it
        total(k, total(l, Delta(k, l) * w[k])),
        total(i, g[i]) * total(i, g[i]),  # not one term for each data point
        product(k, w[k]),
    ],
)
def test_not_lumpable(node):
    with pytest.raises(lumping.NotLumpable):
        lumping.equal(node, node)


def test_patterns():
    assert [len(list(lumping.patterns(free))) for free in ((), (a,), (a, b), (a, b, k, l))] == [
        1, 1, 2, 4,
    ]  # fmt: skip
