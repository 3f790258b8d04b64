"""The normal form at explicit sizes: a proof there, so it may not prove what is false there."""

import os
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
    Limit,
    Pow,
    absolute,
    exp,
    log,
    product,
    scalar,
    term,
    total,
)
from derivations.notation import K, N, X, a, any_phi, b, i, k, l, n, v, w, y
from derivations.proof import sizes

BLOCKS = int(os.environ.get("RANDOM_TERM_BLOCKS", "4"))
SEEDS = 50
COUNT = {"N": 1, "K": 2, "M": 2, "n": 2}
x, r = scalar("x"), scalar("r", domain="positive")
half = term(Fraction(1, 2))
q = Array("q", (K,))


def equal(left, right, at=None, labels=None) -> bool:
    return sizes.equal_at(term(left), term(right), COUNT, at or {}, labels or {})


@pytest.mark.parametrize("block", range(BLOCKS), ids=lambda block: f"seeds-from-{block * SEEDS}")
def test_random_pairs(block):
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        writer = Writer(f"sizes {seed}")
        first = writer.real(writer.source.choice((1, 2, 2)))
        second = rewritten(first, writer, writer.source.randint(1, 2))
        wrong = writer.source.choice(list(mutations(second)))[1]
        for other, kind in ((second, "true"), (wrong, "altered")):
            COUNTS[f"{kind} pairs at explicit sizes"] += 1
            for at in list(brute_force.places(brute_force.free(first, other), COUNT))[:2]:
                try:
                    found = equal(first, other, at)
                except sizes.NotAlgebraic:
                    continue
                if found:
                    COUNTS[f"{kind} pairs at explicit sizes proved equal"] += 1
                    for draw in range(3):
                        left, right = (
                            brute_force.value(node, at, COUNT, draw) for node in (first, other)
                        )
                        same = brute_force.same(left, right)
                        assert None in (left, right) or same, f"unsound at seed {seed}"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (total(k, w[k]) ** 2, total(k, w[k] ** 2) + 2 * product(k, w[k])),  # n = 2
        (D(log(total(b, exp(q[b]))), q[a]), exp(q[a]) / total(b, exp(q[b]))),
        (exp(x / 2) ** 2, exp(x)),
        (log(r**2) / 2, log(r)),
        ((r**2) ** half, r),
        (D(any_phi(x**2), x), 2 * x * any_phi.prime(x**2)),
        (r ** y[i], exp(y[i] * log(r))),
        (exp(1000 * x) * exp(-1000 * x), 1),
    ],
)
def test_true_at_these_sizes(left, right):
    assert equal(left, right, {a: 0, k: 0, l: 1, i: 0})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((x**2) ** half, x),
        (exp(log(1 / x**2) / 2), 1 / x),
        (exp(log(-x)), x),
        (exp(log(-r)), r),
        (log(x - x), 0),
        (absolute(x), x),
        (exp(log(1 + exp(x)) / 2) ** 2, 1 + exp(x)),  # true, but roots have no normal form
        (Limit(exp(x), x, -1), 0),
    ],
)
def test_no_answer(left, right):
    with pytest.raises(sizes.NotAlgebraic):
        equal(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (x / (x - x), 0),
        (total(k, w[k] * v[k]), total(k, w[k]) * total(k, v[k])),
        (Delta(k, l), 1),
        (D(X[i, k] * w[l], w[k]), X[i, k]),
        (Pow(w[k], term(2)), w[k]),
    ],
)
def test_false_at_these_sizes(left, right):
    assert not equal(left, right, {i: 0, k: 0, l: 1})


a_, b_, e_ = sympy.symbols("a b e")
root = sympy.Rational(1, 2)


@pytest.mark.parametrize(
    "zero",
    [
        1 / (1 + 1 / e_) - e_ / (1 + e_),
        1 / (a_ + b_) + 1 / (a_ - b_) - 2 * a_ / ((a_ + b_) * (a_ - b_)),
        (a_ / b_ + b_ / a_) ** -2 - (a_ * b_) ** 2 / (a_**2 + b_**2) ** 2,
        1 / (e_**root + e_) - e_**-root / (1 + e_**root),
        (1 + a_ / (1 + b_ / (1 + e_))) - (1 + e_ + b_ + a_ * (1 + e_)) / (1 + e_ + b_),
    ],
    ids=str,
)
def test_numerators(zero):
    """Zero where it should be, and not as soon as anything is added or taken away."""
    assert sizes.is_zero(zero)
    for other in (1, a_, 1 / a_, 1 / (a_ + b_), sympy.Rational(1, 10**7) * e_):
        assert not sizes.is_zero(zero + other)
    for part in zero.args:
        assert not sizes.is_zero(zero - part)


def test_hidden_zeros_divide_nothing():
    hidden = (a_ + 1) ** 2 - a_**2 - 2 * a_ - 1
    assert not sizes.is_zero(0 / hidden + hidden / hidden**2)
    assert not sizes.is_zero(sympy.zoo) and not sizes.is_zero(sympy.nan)
    with pytest.raises(sizes.NotAlgebraic):
        sizes.is_zero((a_ + 1) ** root)


def test_symbols_of_other_claims_stay_apart():
    """The same name once for any number and once for a positive one, at the same sizes."""
    for base in (scalar("s"), scalar("s", domain="positive"), scalar("s")):
        assert equal(D(exp(base * x), x), base * exp(base * x))
        assert not equal(D(exp(base * x), x), 2 * base * exp(base * x))
    assert equal((scalar("s", domain="positive") ** 2) ** half, scalar("s", domain="positive"))
    with pytest.raises(sizes.NotAlgebraic):
        equal((scalar("s") ** 2) ** half, scalar("s"))


def test_labels():
    assert equal(y[i] ** 2, y[i], {i: 0}, {("y", (0,)): 1})
    assert equal(y[i] ** 2, y[i], {i: 0}, {("y", (0,)): 0})
    assert not equal(y[i] ** 2, y[i], {i: 0})  # with no label given, it is any number
    drawn = list(sizes.labelings(total(i, y[i]), {"N": 2}))
    assert all(set(labels) == {("y", (0,)), ("y", (1,))} for labels in drawn)
    assert {0, 1} == {value for labels in drawn for value in labels.values()}
    alone = list(sizes.labelings(total(i, y[i]), {"N": 1}))
    assert {labels["y", (0,)] for labels in alone} == {0, 1}
    assert list(sizes.labelings(w[k], {"n": 2})) == [{}]
    assert {N, n} == {*y.dimensions, *w.dimensions}
