"""Rest-lumping against brute force."""

import contextlib
import os
import random
from fractions import Fraction

import brute_force
import pytest
import sympy
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
    term,
    total,
    unfold,
    unknown,
)
from derivations.notation import K, N, X, a, b, c, i, k, l, n, v, w
from derivations.proof import lumping

BLOCKS = int(os.environ.get("RANDOM_TERM_BLOCKS", "10"))
SEEDS = 50
q = Array("q", (K,))
g = Array("g", (N,))
u = Array("u", (n,))
A = Array("A", (K, K))
x = scalar("x")
phi, cosh = unknown("phi"), unknown("cosh")


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


NESTED = (
    total(k, exp(total(l, exp(w[l] * v[k] + u[k])))),
    total(l, exp(total(k, exp(v[l] * w[k] + u[l])))),
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (D(total(k, w[k] * X[i, k]), w[l]), X[i, l]),
        (D(S, q[b]), S * (Delta(a, b) - exp(q[b]) / total(a, exp(q[a])))),
        (D(log(total(b, exp(q[b]))), q[a]), S),
        (total(i, D(exp(x * g[i]), x)), total(i, g[i] * exp(x * g[i]))),
        (total(l, 1) * w[k], Size(n) * w[k]),
        NESTED,
    ],
)
def test_true_identities(left, right):
    left, right = term(left), term(right)
    assert brute_force.equal(left, right)
    assert lumping.equal(left, right)


FALSE = {
    # It is bound outside, and stood in a rest.
    "the variable in a rest": (
        total(i, D(total(k, exp(g[i] * w[k])), g[i])), total(i, 0 * g[i]),
    ),
    # The indices of two rests, one inside the other, had one name.
    "rests in one another": (NESTED[0], total(k, exp(total(l, exp(w[k] * v[l] + u[k]))))),
    "a rest in itself": (NESTED[0], total(k, exp(total(l, exp(w[l] * v[l] + u[k]))))),
    "a double sum transposed": (
        total(a, exp(total(b, A[a, b]))), total(a, exp(total(b, A[b, a]))),
    ),
    "a sum of products": (total(k, w[k] * v[k]), total(k, w[k]) * total(k, v[k])),
    "a diagonal Jacobian": (D(S, q[b]), S * (1 - S)),
    "one entry for all": (Size(n) * w[k], total(k, w[k])),
    "a size next to a free index": (total(l, 1) * w[k], (Size(n) + 1) * w[k]),
    "two sizes": (total(k, 1) * x, Size(K) * x),
    "toy size": (total(a, S**2), 1 - 2 * S * (1 - S)),
    "by cases": (w[k] - w[l], (w[k] - w[l]) * (1 - Delta(k, l)) + x * Delta(k, l)),
    "a function for its slope": (D(phi(x), x), phi(x)),
    "the root of a square": (exp(log(x**2) / 2), x),
    "roots of negative numbers": (exp(log(x * w[k]) / 2) * exp(log(x / w[k]) / 2), x),
    "a function called cosh": ((cosh(2) ** 2) ** Fraction(1, 2), cosh(2)),
}  # fmt: skip


@pytest.mark.parametrize(("left", "right"), FALSE.values(), ids=FALSE)
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


def test_the_logarithm_of_what_has_no_value():
    nothing = log((w[k] - w[k]) / (x - x))
    with contextlib.suppress(lumping.NotLumpable):
        assert not lumping.equal(nothing, x)


@pytest.mark.parametrize("seed", range(20))
def test_zero(seed):
    """A rational function of numbers and exponentials less itself over one denominator."""
    source = random.Random(f"zero {seed}")
    leaves = [*sympy.symbols("x y z"), *map(sympy.exp, sympy.symbols("x y z"))]

    def rational(depth):
        if not depth:
            return source.choice(leaves)
        one, other = rational(depth - 1), rational(depth - 1) + source.randint(1, 3)
        return source.choice([one + other, one * other, one / other, other**-2 - one])

    whole = rational(3)
    again = sympy.together(whole)
    assert lumping.is_zero(whole - again) and lumping.is_zero(1 / whole - 1 / again)
    assert not lumping.is_zero(whole - again + source.choice(leaves) / 1000)
    assert not lumping.is_zero(1 / (whole - again))  # it has no value


def test_patterns():
    assert [len(list(lumping.patterns(free))) for free in ((), (a,), (a, b), (a, b, k, l))] == [
        1, 1, 2, 4,
    ]  # fmt: skip
