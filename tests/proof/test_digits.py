"""Evaluation at 50 digits against a second evaluator, which differentiates in another way."""

import itertools
import random
from dataclasses import dataclass
from fractions import Fraction

import brute_force
import numpy as np
import pytest
from mpmath import mp, mpf
from random_terms import Writer
from tally import COUNTS

from derivations.language import terms
from derivations.language.statement import Hypothesis
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Dimension,
    Limit,
    Size,
    Term,
    exp,
    log,
    scalar,
    term,
    total,
)
from derivations.notation import K, N, X, a, any_phi, any_psi, b, c, i, j, k, l, n, v, w, y
from derivations.proof import digits

x = scalar("x")
COUNT = {"N": 2, "K": 3, "M": 2, "n": 2}


def close(left: mpf, right: mpf, to: int) -> bool:
    return brute_force.same(left, right, mpf(10) ** -to)


def drawn(node, seed: int = 0) -> dict:
    """Random numbers for the arrays of a term, by name and place."""
    source, program = random.Random(seed), digits.Program()
    program.run(node, program.scope(terms.free_indices(node)))
    return {
        (array.name, place): digits.random_number(array.domain, digits.USUAL, source)
        for array in sorted(program.arrays, key=lambda array: array.name)
        for place in itertools.product(*(range(COUNT[d.name]) for d in array.dimensions))
    }


@pytest.mark.parametrize("block", range(4))
def test_two_evaluators(block, monkeypatch):
    monkeypatch.setattr(
        brute_force, "some_function", lambda order, t, _: digits.any_function("phi 0", order, t)
    )
    for seed in range(block * 50, (block + 1) * 50):
        node = Writer(f"digits {seed}").real(3)
        at = next(iter(brute_force.places(brute_force.free(node), COUNT)))
        with mp.workdps(digits.working_digits(node, 50)):
            entries = drawn(node, seed)
            point = brute_force.Point(COUNT, seed)
            for (name, place), number in entries.items():
                point.entries[name, len(place), place] = brute_force.number(number)
            try:
                expected = brute_force.evaluate(node, point, at).plain
            except (brute_force.Undefined, brute_force.TooLarge):
                continue
            found = digits.value(node, digits.Point(COUNT, entries, at))
        assert close(found, expected, 49), seed
        COUNTS["values at 50 digits against a second evaluator"] += 1


def test_the_function_that_may_be_any_is_differentiated():
    with mp.workdps(60):
        for order, place in itertools.product(range(4), (-2, mpf(1) / 3, 5)):
            slope = mp.diff(lambda t, order=order: digits.any_function("f", order, t), place)
            assert close(digits.any_function("f", order + 1, mpf(place)), slope, 25)


def test_kept_values_are_those_of_their_entries():
    """A named quantity that is used before, inside and after a derivative."""
    z = Definition("z", (i,), total(k, w[k] * X[i, k]))
    q = Definition("q", (i,), exp(z[i]))
    node = q[i] + D(q[i] * q[i], w[l]) + q[i]
    entries = drawn(node)
    for at in placed([i, l], COUNT):
        with mp.workdps(digits.working_digits(node, 50)):
            kept = digits.Point(COUNT, entries, at)
            once = [digits.value(node, kept) for _ in range(2)]
            plain = digits.value(terms.unfold(node), digits.Point(COUNT, entries, at))
            slope = X[i, l] * 2 * exp(2 * z[i]) + 2 * exp(z[i])
            exact = digits.value(terms.unfold(slope), digits.Point(COUNT, entries, at))
        assert once == [plain, plain]
        assert close(plain, exact, 45)
        with mp.workdps(20):  # what was kept at another precision is not taken
            fresh = digits.Point(COUNT, entries, at)
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


def placed(free, count):
    """Places for free indices, the sizes by name."""
    return digits.patterns(free, lambda dimension: count[dimension.name])


def test_every_way_of_being_alike_or_apart():
    """Four indices of two sorts: a factor delta_ab must not hide what k and l do."""
    count = {"N": 2, "K": 3, "n": 4}
    found = list(placed([a, b, k, l], count))
    assert {(at[a] == at[b], at[k] == at[l]) for at in found} == set(
        itertools.product((True, False), repeat=2)
    )
    three = list(placed([a, b, c], count))
    assert {(at[a] == at[b], at[b] == at[c], at[a] == at[c]) for at in three} == {
        (True, True, True), (True, False, False), (False, True, False), (False, False, True),
        (False, False, False),
    }  # fmt: skip
    assert list(placed([], count)) == [{}]
    assert list(placed([i, j], {"N": 1})) == [{i: 0, j: 0}]
    many = [k, l, n.fresh(frozenset((k, l))), terms.Index("o", n)]
    assert {len(set(at.values())) for at in placed(many, count)} == {1, 4}


def test_random_numbers_are_in_their_domains():
    source = random.Random(1)
    for domain, holds in {
        "label": lambda t: t in (0, 1),
        "unit": lambda t: 0 <= t <= 1,
        "positive": lambda t: t > 0,
        "nonnegative": lambda t: t >= 0,
        "real": lambda t: -30 <= t <= 30,
    }.items():
        for kind in digits.KINDS:
            found = [digits.random_number(domain, kind, source) for _ in range(50)]
            assert all(holds(number) and digits.inside(domain, number) for number in found)
    wide = [abs(digits.random_number("real", digits.WIDE, source)) for _ in range(50)]
    tiny = [abs(digits.random_number("real", digits.TINY, source)) for _ in range(50)]
    edge = [digits.random_number("unit", digits.BOUNDARY, source) for _ in range(50)]
    assert max(wide) > 20 and min(tiny) < 1e-11 and {0, 1} < set(edge)
    signs = {digits.random_number("real", digits.USUAL, source) > 0 for _ in range(50)}
    assert signs == {True, False}


# -- tables ----------------------------------------------------------------------------------------


def test_table():
    design, weights = np.arange(6.0).reshape(2, 3), [1, 0.5, -2]
    node = total(k, w[k] * X[i, k])
    found = digits.table(node, {"w": weights, "X": design}, at=(i,))
    assert found == [mpf(-3.5), mpf(-5)]
    slope = digits.table(D(node, w[l]), {"w": weights, "X": design, "y": [1]}, at=(i, l))
    assert [[round(float(p), 12) for p in row] for row in slope] == design.tolist()
    with mp.workdps(60):
        assert close(
            digits.table(any_phi(x), {"x": 2}), digits.any_function("phi 0", 0, mpf(2)), 50
        )


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


# -- comparisons -----------------------------------------------------------------------------------

apart = N.fresh(frozenset((i, j)))
rate = scalar("r", domain="positive")
z, tau = scalar("z"), scalar("t")
Z, chance = Array("Z", (K,)), Array("q", (N,), domain="unit")
G = Array("G", (n, n))
moved = Definition("f", (tau,), D(x * tau, x))
taken = Definition("g", (tau,), Limit(tau + 1 / x, x, 1))
summed = Definition("h", (tau,), total(k, w[k] * tau))
softmax = Definition("S", (Z, a), exp(Z[a]) / total(b, exp(Z[b])))
jacobian = Definition("J", (Z, a, b), D(softmax(Z)[a], Z[b]))
doubled = terms.each(c, 2 * Z[c])
hinge = Definition("hinge", (tau,), terms.maximum(3 - tau, 0))


def expected(body: Term) -> Term:
    return terms.expectation(y[i], {1: chance[i], 0: 1 - chance[i]}, body)


def compared(left, right, relation="=", *given) -> digits.Comparison:
    found = digits.compare(term(left), term(right), relation, given, random.Random(1))
    assert (found.points > 0) == (found.said != "not applicable") and bool(found.why) == (
        found.said != "agrees"
    )
    return found


def signed(*pairs) -> Hypothesis:
    return Hypothesis("", signs=pairs)


@dataclass(frozen=True)
class Apart(Hypothesis):
    distinct: tuple = ()


TRUE = {
    "a derivative captures nothing": (moved(x), x),
    "a limit captures nothing": (taken(x), x),
    "a sum captures nothing": (summed(w[k]), total(l, w[l]) * w[k]),
    "an array is a value": (jacobian(doubled)[a, b] * 2, D(softmax(doubled)[a], Z[b])),
    "a label is the one that is averaged": (expected(y[i]), chance[i]),
    "apart": (expected(y[i] * y[j]), chance[i] * y[j], "=", Apart("", distinct=((i, j),))),
    "apart, and not there": (Z[a], Z[a], "=", Apart("", distinct=((a, b),))),
    "all of them apart": (
        (Z[a] - Z[b]) ** 2,
        0,
        ">",
        Apart("", signs=(((Z[a] - Z[b]) ** 2, "positive"),), distinct=((a, b),)),
    ),
    "a constraint": (z, x, "=", Hypothesis("", replace=((z, x),))),
    "no derivative along it": (D(z * x, x), x, "=", Hypothesis("", replace=((z, x),))),
    "absolute value": (terms.absolute(x), x, "=", signed((x - 7, "positive"))),
    "an equation is solved": (x, z**2, "=", signed((x - z**2, "zero"))),
    "of the free indices alone": (Z[a], Z[b], ">", signed((Z[a] - Z[b], "positive"))),
    "a root": ((x**2) ** Fraction(1, 2), terms.absolute(x)),
    "the larger and the smaller": (terms.maximum(x, z) + terms.minimum(x, z), x + z),
    "a condition that excludes the kink": (
        D(terms.maximum(w[k], 0), w[k]),
        1,
        "=",
        signed((w[k], "positive")),
    ),
    "a kink that is nowhere": (D(terms.absolute(x**2 + 2), x), 2 * x),
    "a strict sign below the last digit": (
        1 / (1 + exp(-x / rate)) * (1 - 1 / (1 + exp(-x / rate))),
        0,
        ">",
    ),
    "a root at the edge": (
        ((x * z - 2) ** Fraction(1, 2)) ** 2,
        x * z - 2,
        "=",
        signed((x * z - 2, "nonnegative")),
    ),
    "edges that exclude one another": (
        terms.absolute(x),
        x,
        "=",
        signed((x, "nonnegative"), (-x - 1, "nonpositive")),
    ),
    "off the kink": (D(terms.absolute(x), x), x / terms.absolute(x)),
    "below one": (1 / (1 + exp(-x)), 1, "<"),
    "tangent": (exp(x), 1 + x, ">="),
    "triangle": (terms.absolute(x) + terms.absolute(z), terms.absolute(x + z), ">="),
    "a size": (Size(K), 1, ">="),
    "digits that cancel": (log(1 - 1 / (1 + exp(-50 * x))), -log(1 + exp(50 * x))),
    "a limit with a slow rate": (Limit(exp(-(rate * tau)), tau, 1), 0),
    "four derivatives": (D(D(D(D(exp(2 * x), x), x), x), x), 16 * exp(2 * x)),
    "a value that cancels until the digits of a later turn": (
        rate * (1 + (exp(-2 * rate**2) - 1) / (exp(-2 * rate**2) + 1)),
        2 * rate / (1 + exp(2 * rate**2)),
    ),
    "a slope that is lost": (
        D(1 / (1 + exp(-1 / rate)), rate),
        -exp(-1 / rate) / (rate + rate * exp(-1 / rate)) ** 2,
    ),
    "a pole": (D(1 / x**2, x), -2 / x**3),
    "a pole in a sum": (D(total(k, 2 / w[k]), w[l]), -2 / w[l] ** 2),
    "a function that may be any": (D(any_phi(x**2), x), 2 * x * any_phi.prime(x**2)),
}
FALSE = {
    "a derivative captures": (moved(x), 2 * x),
    "a label is 1": (y[i], 1),
    "a label is 0": (y[i], 0),
    "two labels are one": (y[i] * y[j], y[i]),
    "a label of another index": (expected(y[i] * y[j]), chance[i] * y[j]),
    "a condition under a derivative": (
        D(terms.maximum(w[k], 0), w[k]), 1, "=", signed((w[k], "nonnegative")),
    ),
    "a kink that a hypothesis allows": (
        D(terms.absolute(x + z), x), 1, "=", signed((x + z, "nonnegative")),
    ),
    "a kink in a sum": (
        D(total(k, terms.maximum(w[k], 0)), w[l]), 1, "=", signed((w[k], "nonnegative")),
    ),
    "a kink away from zero": (D(terms.absolute(x**2 - 2), x) ** 2, 4 * x**2),
    "a kink halfway": (D(terms.maximum(x, z), x), Fraction(1, 2), "=", signed((x - z, "zero"))),
    "a kink with a name": (D(hinge(x), x) ** 2 + D(hinge(x), x), 0),
    "a constraint under a derivative": (
        D(z * x, x), 2 * x, "=", Hypothesis("", replace=((z, x),)),
    ),
    "the diagonal says nothing of the rest": (G[k, l], 0, ">", signed((G[k, k], "positive"))),
    "a logarithm of a negative": (log(x**2), 2 * log(x)),
    "a logarithm of nothing": (log(-terms.absolute(x) - 1), 0, "<"),
    "a quotient by nothing": (terms.absolute(1 / (x - x)), 0, ">="),
    "one less": (Size(K), Size(K) - 1),
    "another dimension": (Size(K), Size(Dimension("K - 1", "de", 1))),
    "another dimension of the same name": (Size(K), Size(Dimension("K", "de", 1))),
    "another array of the same name": (w[k], Array("w", (n,), domain="positive")[k]),
    "another function": (any_phi(x), any_psi(x)),
    "another function of the same name": (any_phi(x), terms.unknown("phi")(x)),
    "strict at the point of contact": (exp(x), 1 + x, ">"),
    "two of three indices are equal": ((1 - Delta(i, j)) * Delta(i, apart), 0),
    "only at size one": (total(k, w[k]) ** 2, total(k, w[k] ** 2)),
    "only at different sizes": (Size(K) * (Size(K) - Size(n)), 0, "<"),
    "only away from one": (1 / (Size(K) - 1), 0, ">"),
    "only for usual numbers": (x**2, 100, "<"),
    "only to 25 digits": (x + Fraction(1, 10**25), x),
    "only where two are apart": ((x - z) ** 2, 0, ">"),
    "only inside": (scalar("h", domain="unit"), 0, ">"),
}  # fmt: skip


@pytest.mark.parametrize("case", TRUE)
def test_agrees(case):
    found = compared(*TRUE[case])
    assert found.said == "agrees", found.why
    COUNTS["true relations at 50 digits"] += 1


def test_a_difference_in_numbers_too_large_for_any_digits():
    """At a small w the term of another index has thirteen digits in its exponent."""
    sides = D(total(k, exp(1 / w[k])), w[l]), -exp(1 / w[l]) / w[l] ** 2
    found = {digits.compare(*sides, "=", (), random.Random(seed)).said for seed in range(12)}
    assert found == {"agrees"}


@pytest.mark.parametrize("case", FALSE)
def test_refuted(case):
    assert compared(*FALSE[case]).said == "refuted"
    COUNTS["false relations at 50 digits"] += 1


def test_points_are_counted_and_named():
    assert compared(x, x).points == digits.ROUNDS * len(digits.KINDS)
    assert "does not hold" in compared(x, 1).why and "x = " in compared(x, 1).why


def test_hypotheses_that_contradict():
    """No point is found, and nothing is said."""
    found = compared(x, z, "=", signed((x, "positive"), (x - 7, "positive"), (7 - x, "positive")))
    assert found.said == "not applicable" and "no point was found" in found.why


def test_what_has_no_numbers():
    softplus = terms.Function("softplus", slopes=lambda t: (1 / (1 + exp(-t)),))
    assert "softplus" in compared(softplus(x), x).why
    assert "does not settle" in compared(Limit(terms.sine(x), x, 1), 0).why
    assert "a denominator is zero" in compared(1 / (x - x), 1 / (z - z)).why


def test_at_the_boundary_one_side_may_lack_a_value():
    q = scalar("q", domain="nonnegative")
    assert compared(exp(log(q)), q).said == "agrees"
    assert "undefined" in compared(exp(log(x)), x).why


def test_hypotheses_hold_where_they_are_said_to():
    """At every place, and of every kind of point for which there are any."""
    gain, hypothesis = w[k] * v[k] - 1, signed((w[k] * v[k] - 1, "nonnegative"))
    program = digits.Program()
    run = program.run(gain, scope := program.scope([k]))
    terrain = digits.Terrain(program, [hypothesis], random.Random(0))
    with mp.workdps(200):
        for kind in digits.KINDS:
            world = terrain.point([4], kind)
            assert world is not None, kind
            assert all(run(world, {scope[k]: place}) >= 0 for place in range(4))
