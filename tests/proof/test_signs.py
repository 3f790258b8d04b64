"""The sign prover against numbers: a sign that it claims holds at every point that is tried."""

import os
from fractions import Fraction

import brute_force
import pytest
from random_terms import Writer
from tally import COUNTS

from derivations.language.terms import (
    Array,
    Definition,
    Delta,
    Pow,
    Size,
    absolute,
    exp,
    log,
    product,
    scalar,
    term,
    total,
)
from derivations.notation import K, X, a, b, i, k, l, s, v, w, y
from derivations.proof import signs

BLOCKS = int(os.environ.get("RANDOM_TERM_BLOCKS", "10"))
SEEDS = 50
x, r = scalar("x"), scalar("r", domain="positive")
h = scalar("h", domain="unit")
q = Array("q", (K,))
half = term(Fraction(1, 2))

HOLDS = {
    "positive": lambda value: value > 0,
    "nonnegative": lambda value: value >= -brute_force.SAME,
    "zero": lambda value: -brute_force.SAME <= value <= brute_force.SAME,
    "nonpositive": lambda value: value <= brute_force.SAME,
    "negative": lambda value: value < 0,
    "unknown": lambda value: True,
}


@pytest.mark.parametrize("block", range(BLOCKS), ids=lambda block: f"seeds-from-{block * SEEDS}")
def test_random_terms(block):
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        writer = Writer(f"signs {seed}")
        for node in (
            writer.real(2),
            writer.positive(2),
            -writer.positive(1) * writer.real(1) ** 2,
            writer.positive(1) - writer.positive(1),
        ):
            found = signs.sign(node)
            COUNTS["signs of random terms claimed"] += found != "unknown"
            COUNTS["signs of random terms"] += 1
            if found != "unknown":
                for value in brute_force.values(node):
                    if value is not None and value == value:
                        assert HOLDS[found](value), f"unsound at seed {seed}: {found}"


p = 1 / (1 + exp(-x))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (p * (1 - p), "positive"),
        (p - 1, "negative"),
        (exp(r) - 1, "positive"),
        (exp(-r) - 1, "negative"),
        (1 - exp(-r), "positive"),
        (log(1 + exp(x)), "positive"),
        (-log(p), "positive"),
        (total(k, X[i, k] * v[k]) ** 2, "nonnegative"),
        (total(i, s[i] * p * total(k, X[i, k] * v[k]) ** 2), "nonnegative"),
        (y[i] - 1, "nonpositive"),
        (y[i], "nonnegative"),
        (1 - h, "nonnegative"),
        (h * (1 - h), "nonnegative"),
        (Size(K) - total(a, 1), "zero"),
        (x, "unknown"),
        (1 - 2 * p, "unknown"),
        (absolute(x), "nonnegative"),
        (Delta(a, b) + r, "positive"),
        (product(k, exp(w[k])), "positive"),
        # once wrong:
        (Pow(-r, term(0)), "positive"),
        (Pow(-r, term(-2)), "positive"),
        (Pow(term(0), term(0)), "positive"),
        (Pow(-r, half), "unknown"),
        (x - x, "zero"),
    ],
)
def test_sign(node, expected):
    assert signs.sign(node) == expected


def facts(*pairs, fixed=()):
    return signs.Facts(pairs, frozenset(fixed))


def test_assumed_signs():
    gain = Definition("d", (i,), total(k, v[k] * X[i, k]))
    assumed = facts((gain[i], "nonnegative"))
    assert signs.sign(total(i, gain[i] * exp(x)), assumed) == "nonnegative"
    f = Definition("f", (x,), x**2 - 1)
    assert signs.sign(f(x), facts((f(x), "nonnegative"))) == "nonnegative"
    # of f(x), not of f(0)
    assert signs.sign(f(0), facts((f(x), "nonnegative"))) == "negative"
    assert signs.sign(f(r), facts((f(x), "nonnegative"))) == "unknown"


def test_an_assumed_sign_is_that_of_its_indices():
    everywhere, there = facts((w[k], "positive")), facts((w[k], "positive"), fixed=(k,))
    assert signs.sign(w[k], there) == "positive" and signs.sign(w[l], there) == "unknown"
    assert signs.sign(w[l], everywhere) == "positive"
    assert signs.sign(total(k, w[k]), there) == "unknown"
    assert signs.sign(log(w[k]) - log(w[k]), there) == "zero"
    assert not signs.defined(total(k, log(w[k])), there)
    assert signs.defined(total(k, log(w[k])), everywhere)


@pytest.mark.parametrize(
    ("node", "holds"),
    [
        (log(1 + exp(x)), True),
        (log(exp(x) / total(a, exp(q[a]))), True),
        (log(r) + log(r**2), True),
        (log(x), False),
        (log(1 / x**2), False),
        (log(h), False),
        (Pow(x, half), False),
        (Pow(-x, y[i]), False),
        (Pow(p, y[i]), True),
        (x**2 + x**-2, True),
        (product(k, w[k]), False),
        (product(k, exp(w[k])), True),
    ],
)
def test_logarithms(node, holds):
    assert signs.defined(node) == holds
