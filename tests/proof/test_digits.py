"""Evaluation at 50 digits against a second evaluator, which differentiates in another way."""

import itertools
import random

import brute_force
import numpy as np
import pytest
from mpmath import mp, mpf
from random_terms import Writer
from tally import COUNTS

from derivations.language import terms
from derivations.language.terms import (
    D,
    Definition,
    Limit,
    Size,
    exp,
    log,
    scalar,
    term,
    total,
)
from derivations.notation import K, N, X, a, any_phi, b, c, i, j, k, l, n, w, y
from derivations.proof import digits

x = scalar("x")
COUNT = {"N": 2, "K": 3, "M": 2, "n": 2}


def close(left: mpf, right: mpf, to: int) -> bool:
    return brute_force.same(left, right, mpf(10) ** -to)


@pytest.mark.parametrize("block", range(4))
def test_two_evaluators(block, monkeypatch):
    monkeypatch.setattr(brute_force, "some_function", digits.any_function)
    for seed in range(block * 50, (block + 1) * 50):
        node = Writer(f"digits {seed}").real(3)
        at = next(iter(brute_force.places(brute_force.free(node), COUNT)))
        with mp.workdps(digits.working_digits(node, 50)):
            drawn = digits.random_point(node, COUNT, random.Random(seed))
            point = brute_force.Point(COUNT, seed)
            for (name, place), number in drawn.entries.items():
                point.entries[name, len(place), place] = brute_force.number(number)
            try:
                expected = brute_force.evaluate(node, point, at).plain
            except (brute_force.Undefined, brute_force.TooLarge):
                continue
            found = digits.value(node, digits.Point(COUNT, drawn.entries, at))
        assert close(found, expected, 49), seed
        COUNTS["values at 50 digits against a second evaluator"] += 1


def test_the_function_that_may_be_any_is_differentiated():
    with mp.workdps(60):
        for order, place in itertools.product(range(4), (-2, mpf(1) / 3, 5)):
            slope = mp.diff(lambda t, order=order: digits.any_function(order, t), place)
            assert close(digits.any_function(order + 1, mpf(place)), slope, 25)


def test_kept_values_are_those_of_their_entries():
    """A named quantity that is used before, inside and after a derivative."""
    z = Definition("z", (i,), total(k, w[k] * X[i, k]))
    q = Definition("q", (i,), exp(z[i]))
    node = q[i] + D(q[i] * q[i], w[l]) + q[i]
    drawn = digits.random_point(node, COUNT, random.Random(0))
    for at in digits.placements([i, l], COUNT):
        with mp.workdps(digits.working_digits(node, 50)):
            kept = digits.Point(COUNT, drawn.entries, at)
            once = [digits.value(node, kept) for _ in range(2)]
            plain = digits.value(terms.unfold(node), digits.Point(COUNT, drawn.entries, at))
            slope = X[i, l] * 2 * exp(2 * z[i]) + 2 * exp(z[i])
            exact = digits.value(terms.unfold(slope), digits.Point(COUNT, drawn.entries, at))
        assert once == [plain, plain]
        assert close(plain, exact, 45)
        with mp.workdps(20):  # what was kept at another precision is not taken
            fresh = digits.Point(COUNT, drawn.entries, at)
            assert digits.value(q[i], kept) == digits.value(terms.unfold(q[i]), fresh)


def test_derivatives_keep_their_digits():
    sigma = Definition("sigma", (x,), 1 / (1 + exp(-x)))
    for order in range(1, 4):
        node = sigma(x)
        for _ in range(order):
            node = D(node, x)
        found = digits.table(node, {"x": 0.25}, 50)
        with mp.workdps(110):
            exact = brute_force.evaluate(node, at_x(mpf(0.25)), {}).plain
        assert close(found, exact, 49)


def at_x(number: mpf) -> brute_force.Point:
    point = brute_force.Point({}, 0)
    point.entries["x", 0, ()] = brute_force.number(number)
    return point


def test_a_limit_is_a_value_far_out():
    far = digits.table(Limit(1 / (1 + exp(-x)), x, 1), {"x": 0})
    assert close(far, mpf(1), 49)


# -- places ----------------------------------------------------------------------------------------


def test_every_way_of_being_alike_or_apart():
    """Four indices of two sorts: a factor delta_ab must not hide what k and l do."""
    count = {"N": 2, "K": 3, "n": 4}
    found = list(digits.placements([a, b, k, l], count))
    assert {(at[a] == at[b], at[k] == at[l]) for at in found} == set(
        itertools.product((True, False), repeat=2)
    )
    three = list(digits.placements([a, b, c], count))
    assert {(at[a] == at[b], at[b] == at[c], at[a] == at[c]) for at in three} == {
        (True, True, True), (True, False, False), (False, True, False), (False, False, True),
        (False, False, False),
    }  # fmt: skip
    assert list(digits.placements([], count)) == [{}]
    assert list(digits.placements([i, j], {"N": 1})) == [{i: 0, j: 0}]
    many = [k, l, n.fresh(frozenset((k, l))), terms.Index("o", n)]
    assert {len(set(at.values())) for at in digits.placements(many, count)} == {1, 4}


def test_random_points_are_in_their_domains():
    source = random.Random(1)
    for domain, holds in {
        "label": lambda t: t in (0, 1),
        "unit": lambda t: 0 <= t <= 1,
        "positive": lambda t: t > 0,
        "nonnegative": lambda t: t >= 0,
    }.items():
        assert all(holds(digits.random_number(domain, source)) for _ in range(50))
    signs = {digits.random_number("real", source) > 0 for _ in range(50)}
    assert signs == {True, False}


# -- tables ----------------------------------------------------------------------------------------


def test_table():
    design, weights = np.arange(6.0).reshape(2, 3), [1, 0.5, -2]
    node = total(k, w[k] * X[i, k])
    found = digits.table(node, {"w": weights, "X": design}, at=(i,))
    assert found == [mpf(-3.5), mpf(-5)]
    slope = digits.table(D(node, w[l]), {"w": weights, "X": design, "y": [1]}, at=(i, l))
    assert [[round(float(p), 12) for p in row] for row in slope] == design.tolist()
    assert digits.table(any_phi(x), {"x": 0}) == 1


def test_sizes_that_no_array_has():
    """A result 0 at every k, and the size itself."""
    assert digits.table(term(0), {}, at=(k,), sizes={"n": 3}) == [0, 0, 0]
    assert digits.table(Size(K) * w[k], {"w": [1, 2]}, at=(k,), sizes={"K": 5}) == [5, 10]
    with pytest.raises(ValueError, match="sizes: expected K, n, which no array has"):
        digits.table(term(0), {}, at=(k, a))
    with pytest.raises(ValueError, match="sizes: expected K, which no array has"):
        digits.table(Size(K), {})
    with pytest.raises(ValueError, match="w: expected n = 3, got 2"):
        digits.table(w[k], {"w": [1, 2]}, at=(k,), sizes={"n": 3})


@pytest.mark.parametrize(
    ("node", "arrays", "message"),
    [
        (w[k], {"w": [1]}, "at: expected every free index, missing k"),
        (total(k, w[k]), {}, r"arrays: expected w, missing \['w'\]"),
        (total(k, w[k] * X[i, k]), {"w": [1], "X": [[1, 2]]}, "expected n = 2, got 1"),
    ],
)
def test_tables_that_do_not_fit(node, arrays, message):
    with pytest.raises(ValueError, match=message):
        digits.table(node, arrays, at=(i,) if "X" in arrays else ())


def test_working_digits_grow_with_derivatives():
    node = log(1 + exp(x))
    needed = [digits.working_digits(node, 50)]
    for _ in range(3):
        node = D(node, x)
        needed.append(digits.working_digits(node, 50))
    assert needed == sorted(set(needed))
    named = Definition("slope", (), node)
    assert digits.working_digits(named(), 50) == needed[-1]
    assert {N, K} == {*y.dimensions, a.dimension}
