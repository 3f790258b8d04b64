"""Separation: verdicts on thousands of data sets, each with its proof checked in fractions.

The checks here share nothing with the implementation: they follow the definitions in loops over
fractions or integers, and on small data they list every extreme ray of the cone of directions.
"""

import copy
import itertools
import math
import os
from fractions import Fraction

import compare
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from reference_impl import logistic
from reference_impl.engine import estimation, separation
from reference_impl.engine.fit import Separated
from reference_impl.engine.separation import RankError, SeparationError

STATEMENT = "logistic.no_mle_when_separable"
# Data sets of each kind; SEPARATION_SETS=100000 for a long run.
SETS = int(os.environ.get("SEPARATION_SETS", "1000"))
KINDS = ("overlap", "quasi-complete", "complete")


# ----------------------------------------------------------------- the independent checks


def fractions(X):
    return [[Fraction(value) for value in x] for x in np.asarray(X).tolist()]


def integers(X):
    """X in units of its smallest fraction, a power of two: no sign changes, and sums are fast."""
    ratios = [[value.as_integer_ratio() for value in x] for x in np.asarray(X).tolist()]
    unit = max(below for x in ratios for _, below in x)
    return [[above * (unit // below) for above, below in x] for x in ratios]


def margin_rows(numbers, y, K=None):
    """Every margin as a linear form in exact numbers, by (i, a); class 0 has no coordinates."""
    rows = {}
    for i, (x, label) in enumerate(zip(numbers, np.asarray(y).tolist(), strict=True)):
        if K is None:
            rows[i] = [value if label == 1 else -value for value in x]
            continue
        for a in range(K):
            if a != label:
                rows[i, a] = [((c == label) - (c == a)) * value for c in range(1, K) for value in x]
    return rows


def proved_kind(X, y, verdict, K=None):
    """What direction and multipliers prove; an AssertionError if they prove nothing."""
    d = [int(value) for value in verdict.direction.ravel()]
    if K is not None:
        assert not any(d[: np.shape(X)[1]])
        d = d[np.shape(X)[1] :]
    rows = margin_rows(integers(X), y, K)
    total = [0] * len(d)
    separated = []
    for place, row in rows.items():
        margin = sum(map(int.__mul__, row, d))
        multiplier = verdict.multipliers[place]
        assert type(multiplier) is int and multiplier >= 0 and margin >= 0
        assert (multiplier == 0) == (margin > 0)
        assert verdict.separated[place] == (margin > 0)
        separated.append(margin > 0)
        if multiplier:
            total = [t + multiplier * value for t, value in zip(total, row, strict=True)]
    assert separated and not any(total)
    assert int((verdict.multipliers > 0).sum()) == separated.count(False)
    assert all(
        math.gcd(*map(int, v.ravel())) <= 1 for v in (verdict.direction, verdict.multipliers)
    )
    return "complete" if all(separated) else "quasi-complete" if any(separated) else "overlap"


def null_vectors(rows, n):
    """A basis of the vectors that all rows annihilate, by elimination in fractions."""
    rows, pivots = [list(row) for row in rows], []
    for column in range(n):
        at = next((r for r in range(len(pivots), len(rows)) if rows[r][column]), None)
        if at is None:
            continue
        here = len(pivots)
        rows[here], rows[at] = rows[at], rows[here]
        rows[here] = [value / rows[here][column] for value in rows[here]]
        for r in range(len(rows)):
            if r != here:
                factor = rows[r][column]
                rows[r] = [v - factor * p for v, p in zip(rows[r], rows[here], strict=True)]
        pivots.append(column)
    basis = []
    for free in set(range(n)) - set(pivots):
        vector = [Fraction(int(k == free)) for k in range(n)]
        for r, pivot in enumerate(pivots):
            vector[pivot] = -rows[r][free]
        basis.append(vector)
    return basis


def extreme_rays(rows, n):
    """The extreme rays of the cone of directions without a negative margin.

    The rows have full rank, so that the cone has a vertex: each ray is held by n - 1 rows.
    """
    found = []
    for held in itertools.combinations(rows, n - 1):
        basis = null_vectors(held, n)
        if len(basis) == 1:
            for sign in (1, -1):
                ray = [sign * value for value in basis[0]]
                if all(sum(map(Fraction.__mul__, row, ray)) >= 0 for row in rows):
                    found.append(ray)
    return found


def limit_by_rays(values):
    """What becomes of a coefficient that has these values on the extreme rays."""
    if min(values) < 0 < max(values):
        return "undetermined"
    return "+inf" if max(values) > 0 else "-inf" if min(values) < 0 else "finite"


# ----------------------------------------------------------------------- data of each kind


def ticks(rng, *shape):
    """Small integers, halves, or normal deviates."""
    grid = rng.integers(-4, 5, shape)
    return (grid, grid / 2, rng.normal(size=shape))[rng.integers(3)].astype(float)


def both_labels(rng, points, K):
    """Each point with two labels, or with all of them."""
    pairs = [(x, a) for x in points for a in range(K)]
    order = rng.permutation(len(pairs))
    return np.array([pairs[i][0] for i in order]), np.array([pairs[i][1] for i in order])


def overlapping(rng, K):
    """n independent points have every label, so that no direction separates them; and more."""
    n = int(rng.integers(1, 4))
    A = np.tril(ticks(rng, n, n), -1) + np.diag(rng.choice([-2.0, 1.0, 3.0], n))
    X, y = both_labels(rng, A[rng.permutation(n)], K)
    more = int(rng.integers(0, 6))
    return np.vstack([X, ticks(rng, more, n)]), np.append(y, rng.integers(0, K, more))


def balanced(rng):
    """Points that no direction separates because positive multiples of their rows add up to 0."""
    n = int(rng.integers(1, 4))
    A = rng.integers(-4, 5, (n + int(rng.integers(1, 4)), n)).astype(float)
    A[:n] = np.tril(A[:n], -1) + np.eye(n)
    A = np.vstack([A, -rng.integers(1, 5, len(A)) @ A])
    y = rng.integers(0, 2, len(A))
    return (2 * y - 1)[:, np.newaxis] * A, y


def completely(rng, K):
    """The label is the class with the largest x.w, and nothing else comes near it."""
    n = int(rng.integers(1, 4))
    W, X = rng.integers(-4, 5, (K, n)), ticks(rng, int(rng.integers(2, 12)), n)
    X[:, 0] += rng.integers(0, 2) * (1 - X[:, 0])  # with an intercept, or without
    Z = np.array([[sum(Fraction(a) * int(b) for a, b in zip(x, w, strict=True)) for w in W]
                  for x in X.tolist()], dtype=object)  # fmt: skip
    top = np.array([sorted(z)[-1] > sorted(z)[-2] for z in Z])
    return X[top], np.array([max(range(K), key=lambda a: z[a]) for z in Z], dtype=int)[top]


def quasi(rng, K):
    """Classes 0 and 1 overlap where the first feature is 0; elsewhere it separates them."""
    n = int(rng.integers(2, 4))
    held = np.column_stack([np.zeros(n - 1), ticks(rng, n - 1, n - 1)])
    held, labels = both_labels(rng, held, 2)
    X = ticks(rng, int(rng.integers(1, 8)), n)
    X[:, 0] = np.where(X[:, 0] == 0, 1, X[:, 0])
    y = np.where(X[:, 0] > 0, 1, 0)
    T = rng.integers(-2, 3, (n, n))  # the separating direction becomes a general one
    T = np.tril(T, -1) + np.eye(n, dtype=int)
    order = rng.permutation(len(X) + len(held))
    X, y = np.vstack([held, X])[order], np.append(labels, y)[order]
    if X.dtype == float and (X * 2 == np.floor(X * 2)).all():
        X = X @ T  # exact
    if K > 2:  # the other classes are separated strictly, by a feature of their own
        extra = np.zeros((len(X), 1))
        X = np.vstack([np.hstack([X, extra]), np.zeros((K - 2, n + 1))])
        X[len(order) :, -1] = 2.0 ** np.arange(K - 2)
        return X, np.append(y, np.full(K - 2, 2))
    return X, y


def data_of_kind(rng, kind, K):
    while True:
        if kind == "overlap":
            X, y = balanced(rng) if K == 2 and rng.integers(2) else overlapping(rng, K)
        else:
            X, y = (completely if kind == "complete" else quasi)(rng, K)
        if len(X):
            return X, y


@pytest.mark.parametrize("kind", KINDS)
def test_generated(kind):
    """Sets whose kind is known from how they were made: a quarter with three classes."""
    rng = np.random.default_rng(KINDS.index(kind))
    for number in range(SETS):
        K = (2, 2, 2, 3)[number % 4]
        X, y = data_of_kind(rng, kind, K)
        if K == 2:
            verdict = separation.binary(X, y)
            assert (verdict.kind, proved_kind(X, y, verdict)) == (kind, kind), (X, y)
        else:
            verdict = separation.multinomial(X, y, K)
            assert (verdict.kind, proved_kind(X, y, verdict, K)) == (kind, kind), (X, y)
    assert number + 1 >= 1000


# --------------------------------------------- against every extreme ray, on small data


@pytest.mark.parametrize("K", [None, 3])
def test_against_all_extreme_rays(K):
    """Kind, separated rows and the limit of every coefficient, from the list of extreme rays."""
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(150 if K is None else 60):
        n = int(rng.integers(1, 4 if K is None else 3))
        X = rng.integers(-2, 3, (int(rng.integers(n, 7 if K is None else 6)), n)).astype(float)
        X[:, 0] = 1.0
        y = rng.integers(0, K or 2, len(X))
        rows = margin_rows(fractions(X), y, K)
        columns = n if K is None else n * (K - 1)
        if null_vectors(rows.values(), columns):
            continue  # no vertex: see the tests of dependent columns
        verdict = separation.binary(X, y) if K is None else separation.multinomial(X, y, K)
        rays = extreme_rays(list(rows.values()), columns)
        for place, row in rows.items():
            separable = any(sum(map(Fraction.__mul__, row, ray)) > 0 for ray in rays)
            assert verdict.separated[place] == separable
        limits = [limit_by_rays([0] + [ray[k] for ray in rays]) for k in range(columns)]
        assert verdict.limits.ravel().tolist() == ([] if K is None else ["finite"] * n) + limits
        seen |= {verdict.kind, *limits}
    assert seen == {*KINDS, "finite", "+inf", "-inf", "undetermined"}


# ------------------------------------------------------------------------ at the border


def kind_of(X, y, K=None):
    """The verdict's kind, once the proof has been checked."""
    X = np.asarray(X, dtype=float)
    verdict = separation.binary(X, y) if K is None else separation.multinomial(X, y, K)
    assert proved_kind(X, y, verdict, K) == verdict.kind
    assert separation.proves(X, y, verdict)
    return verdict.kind


@pytest.mark.parametrize("at", [1.0, 1e-300, 1e300, 5e-324, 0.1, 2.0**-30, 3e8])
def test_a_gap_of_one_ulp(at):
    """The smallest gap there is separates, a tie does so weakly, one ulp too far is an overlap."""
    above = np.nextafter(at, np.inf)
    for first, second, kind in [(at, above, KINDS[2]), (at, at, KINDS[1]), (above, at, KINDS[0])]:
        X = np.array([[1.0, -at], [1.0, first], [1.0, second], [1.0, 3 * at]])
        assert kind_of(X, [0, 0, 1, 1]) == kind


@pytest.mark.parametrize("distance", [0.0, 1e-15, 1e-12, 1e-9, 1e-6])
def test_points_close_to_a_plane(distance):
    """Points that rounding has put beside a plane, moved towards their side of it.

    From 1e-12 on the plane separates, as fractions confirm; linear programs in floating point,
    which allow errors of 1e-7, cannot see it.
    """
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, w = rng.normal(size=(30, 4)), rng.normal(size=4)
        y = (X @ w > 0).astype(int)
        near = X - np.outer(X @ w, w) / (w @ w) + distance * X
        found = kind_of(near, y)
        separates = all(
            (2 * label - 1) * sum(Fraction(a) * Fraction(b) for a, b in zip(x, w, strict=True)) > 0
            for x, label in zip(near.tolist(), y.tolist(), strict=True)
        )
        assert found == "complete" if separates else found in KINDS
        assert separates or distance < 1e-12
        # One of the points again with the other label: no direction is strict there.
        assert kind_of(np.vstack([near, near[:1]]), np.append(y, 1 - y[0])) != "complete"


def test_large():
    """5,000 points and 12 columns: enough for the program to find the basis."""
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(5_000), rng.normal(size=(5_000, 11))])
    y = (X @ rng.normal(size=12) + rng.logistic(size=5_000) > 0).astype(int)
    verdict = separation.binary(X, y)
    assert verdict.kind == "overlap" and separation.proves(X, y, verdict)


@given(st.integers(0, 10**6), st.lists(st.integers(-300, 300), min_size=4, max_size=4))
def test_scaling_of_columns_changes_units_only(seed, exponents):
    """A column times 2^e: the same multipliers, the coefficient of the direction times 2^-e."""
    rng = np.random.default_rng(seed)
    X, y = data_of_kind(rng, KINDS[seed % 3], 2)
    scale = 2.0 ** np.array(exponents[: X.shape[1]])
    plain, scaled = separation.binary(X, y), separation.binary(X * scale, y)
    assert scaled.kind == plain.kind == proved_kind(X * scale, y, scaled)
    assert scaled.limits.tolist() == plain.limits.tolist()
    assert scaled.multipliers.tolist() == plain.multipliers.tolist()


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_what_must_not_matter(seed):
    """Order, repetition, weights > 0, the names of the classes, and points of weight zero."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % 3]
    X, y = data_of_kind(rng, kind, 3)
    order = rng.permutation(len(X))
    names = rng.permutation(3)
    assert kind_of(X[order], names[y[order]], 3) == kind
    times = rng.integers(1, 4, len(X))
    assert kind_of(np.repeat(X, times, axis=0), np.repeat(y, times), 3) == kind
    plain = separation.multinomial(X, y, 3)
    more, weight = np.vstack([X, X[::-1]]), np.append(times, np.zeros(len(X)))
    labels = np.append(y, (y[::-1] + 1) % 3)
    verdict = separation.multinomial(more, labels, 3, sample_weight=weight)
    assert verdict.multipliers[: len(X)].tolist() == plain.multipliers.tolist()
    assert not verdict.multipliers[len(X) :].any() and not verdict.separated[len(X) :].any()
    assert separation.proves(more, labels, verdict, sample_weight=weight)
    assert (verdict.kind, verdict.limits.tolist()) == (kind, plain.limits.tolist())


@given(st.integers(0, 10**6))
def test_two_classes_are_the_binary_model(seed):
    """K = 2 with w_0 = 0: same direction, multipliers and limits."""
    X, y = data_of_kind(np.random.default_rng(seed), KINDS[seed % 3], 2)
    one, two = separation.binary(X, y), separation.multinomial(X, y, 2)
    assert one.kind == two.kind
    assert [[0] * X.shape[1], one.direction.tolist()] == two.direction.tolist()
    assert one.multipliers.tolist() == two.multipliers.sum(axis=1).tolist()
    assert one.limits.tolist() == two.limits[1].tolist()


def test_flipped_labels_turn_the_direction():
    X, y = [[1.0, 1.0], [1.0, 2.0], [1.0, 2.0], [1.0, 4.0]], np.array([0, 0, 1, 1])
    assert separation.binary(X, y).limits.tolist() == ["-inf", "+inf"]
    assert separation.binary(X, 1 - y).limits.tolist() == ["+inf", "-inf"]


# ------------------------------------------------------------------------- special data


def test_one_class_only():
    """With an intercept it is separated; without one it need not be."""
    verdict = separation.binary([[1.0, 3.0], [1.0, -2.0], [1.0, 5.0]], [1, 1, 1])
    assert verdict.kind == "complete" and verdict.limits.tolist() == ["+inf", "undetermined"]
    assert kind_of([[3.0], [-2.0]], [0, 0]) == "overlap"
    assert kind_of([[3.0], [2.0]], [0, 0]) == "complete"
    assert kind_of([[3.0, 1.0], [-2.0, 0.0]], [0, 0]) == "complete"
    assert kind_of([[0.0, 0.0]], [0]) == "overlap"
    assert kind_of([[0.0, 2.0]], [0]) == "complete"


def test_an_absent_class():
    """Its probability can be made as small as one likes at no cost, if there is an intercept."""
    X, y = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]], [0, 2, 0, 2]
    verdict = separation.multinomial(X, y, 3)
    assert verdict.kind == "quasi-complete"
    assert verdict.limits.tolist() == [["finite"] * 2, ["-inf", "undetermined"], ["finite"] * 2]
    assert verdict.separated.tolist() == [[False, True, False]] * 4
    assert kind_of([[1.0], [-1.0], [1.0], [-1.0]], [0, 0, 2, 2], 3) == "overlap"
    assert kind_of([[1.0], [1.0]], [1, 1], 3) == "complete"


def test_one_tie_among_classes():
    """The classes 1 and 2 overlap and class 0 stands apart."""
    X = [[1.0, -5.0], [1.0, -4.0], [1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]
    verdict = separation.multinomial(X, [0, 0, 1, 2, 1, 2], 3)
    assert verdict.kind == "quasi-complete"
    difference = verdict.direction[2] - verdict.direction[1]
    assert difference.tolist() == [0, 0]
    assert verdict.limits[1:].tolist() == [["+inf", "+inf"]] * 2


def test_weights_of_zero_decide():
    X, y = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]], [0, 0, 1, 1, 0]
    assert kind_of(X, y) == "overlap"
    verdict = separation.binary(X, y, sample_weight=[1, 2, 1, 0.5, 0])
    assert verdict.kind == "complete" and not verdict.separated[4]
    assert not separation.proves(X, y, verdict)
    assert separation.proves(X, y, verdict, sample_weight=[1, 2, 1, 0.5, 0])


def test_dependent_columns_do_not_hide_separation():
    """The kind does not change, and what X cannot tell apart has no limit of its own."""
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    twice = np.column_stack([X, X[:, 1] * 2, np.zeros(4)])
    for y, kind in ([0, 1, 0, 1], "overlap"), ([0, 0, 1, 1], "complete"):
        assert kind_of(twice, y) == kind
        verdict = separation.binary(twice, y)
        first = separation.binary(X, y).limits[0]
        assert verdict.limits.tolist() == [first, *["undetermined"] * 3]


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(0, 3))
def test_dependent_columns(seed, independent, more):
    """Planted relations are found, and they hold in fractions; a modulus confirms the rank."""
    rng = np.random.default_rng(seed)
    A = rng.integers(-8, 9, (independent + 2, independent)).astype(float)
    A[:independent] = np.tril(A[:independent], -1) + np.eye(independent)
    columns = np.hstack([A, A @ rng.integers(-2, 3, (independent, more))]) * 0.125
    X = columns[:, rng.permutation(independent + more)]
    X = X * 2.0 ** rng.integers(-200, 200, independent + more)
    found = separation.dependent_columns(X)
    assert len(found) == more
    for j, terms in found.items():
        assert all(k < j and k not in found and c != 0 for k, c in terms.items())
        for row in X.tolist():
            assert sum((c * Fraction(row[k]) for k, c in terms.items()), Fraction()) == row[j]
    if more:
        with pytest.raises(RankError, match=rf"given rank {independent} for shape") as error:
            separation.require_full_rank(X)
        assert error.value.dependent == found
    else:
        separation.require_full_rank(X)


def test_dependent_columns_are_named():
    X = [[1.0, 2.0, 3.5, 0.0], [1.0, 5.0, 6.5, 0.0], [1.0, -1.0, 0.5, 0.0]]
    with pytest.raises(
        RankError, match=r"column 2 = 1\.5 \* column 0 \+ 1 \* column 1, column 3 = 0"
    ):
        separation.require_full_rank(X)
    # 0.1 + 0.2 is not 0.3 in floating point: exactly, these columns are independent.
    separation.require_full_rank([[0.1, 0.2, 0.3], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert separation.dependent_columns([[5e-324, 1e308]]) == {
        1: {0: Fraction(1e308) / Fraction(5e-324)}
    }


# ------------------------------------------------------- however wrong the program is


def at_random(M, b):
    rng = np.random.default_rng(len(M))
    return rng.normal(size=M.shape[1]), rng.permutation(len(M))


GUESSES = {
    "the order of the rows": lambda M, b: (np.zeros(M.shape[1]), np.arange(len(M))),
    "the reverse": lambda M, b: (M.sum(axis=0), np.arange(len(M))[::-1]),
    "at random": at_random,
}


@pytest.mark.parametrize("patience", [0, 50])
@pytest.mark.parametrize("guess", GUESSES)
def test_a_wrong_guess_costs_only_time(monkeypatch, guess, patience):
    """The pivots alone come to the same verdict, by the greedy rule and by that of Bland."""
    rng = np.random.default_rng(9)
    sets = [data_of_kind(rng, KINDS[i % 3], 2) for i in range(24)]
    expected = [separation.binary(X, y) for X, y in sets]
    monkeypatch.setattr(separation, "SMALL", 0)
    monkeypatch.setattr(separation, "_optimum", GUESSES[guess])
    monkeypatch.setattr(separation, "PATIENCE", patience)
    for (X, y), right in zip(sets, expected, strict=True):
        same_verdict(X, y, right)


def same_verdict(X, y, right):
    """The same kind, separated rows and limits, and a proof."""
    verdict = separation.binary(X, y)
    assert (verdict.kind, proved_kind(X, y, verdict)) == (right.kind, right.kind)
    assert verdict.separated.tolist() == right.separated.tolist()
    assert verdict.limits.tolist() == right.limits.tolist()


def larger(rng, number):
    """Separated data of the size for which a program is asked: complete, tied, with indicators."""
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 5)).round(number % 3 + 1)])
    y = (X @ rng.normal(size=6) > 0).astype(int)
    if number % 2:  # whoever has one of two marks has label 1
        X[:, 1], X[:, 2] = np.arange(60) < 8, np.arange(60) > 50
        y = np.where(X[:, 1] + X[:, 2] > 0, 1, y)
        X, y = np.vstack([X, X[20:22]]), np.append(y, 1 - y[20:22])
    return X, y


PROGRAMS = {
    "as it is": lambda program, rng: program,
    "an error": lambda program, rng: disturbed(program, rng, 1e-6),
    "a large error": lambda program, rng: disturbed(program, rng, 1.0),
}


def disturbed(program, rng, size):
    for values in (program.x, program.ineqlin.marginals):
        if values is not None:
            values += size * rng.normal(size=len(values))
    if program.fun is not None:
        program.fun += size * rng.normal()
    return program


@pytest.mark.parametrize("program", PROGRAMS)
def test_certificates_and_pivots_agree(monkeypatch, program):
    """What the program suggests is checked: wrong suggestions do not change a verdict."""
    rng, linprog = np.random.default_rng(11), separation.linprog
    answers = lambda *a, **b: PROGRAMS[program](linprog(*a, **b), rng)  # noqa: E731
    sets = [larger(rng, number) for number in range(6)]
    sets += [data_of_kind(rng, KINDS[i % 3], 2) for i in range(18)]
    monkeypatch.setattr(separation, "SMALL", 10**9)
    expected = [separation.binary(X, y) for X, y in sets]
    assert {limit for right in expected for limit in right.limits} == {
        "finite",
        "+inf",
        "-inf",
        "undetermined",
    }
    monkeypatch.setattr(separation, "SMALL", 0)
    monkeypatch.setattr(separation, "linprog", answers)
    for (X, y), right in zip(sets, expected, strict=True):
        same_verdict(X, y, right)


def test_most_coefficients_need_no_pivots(monkeypatch):
    """At the size at which pivots are slow the certificates decide."""
    X = np.column_stack([np.ones(300), np.random.default_rng(2).normal(size=(300, 9))])
    y = (X @ np.arange(1.0, 11.0) > 0).astype(int)
    pivots = []
    right = separation._alternative
    monkeypatch.setattr(separation, "_alternative", lambda *a: pivots.append(a) or right(*a))
    verdict = separation.binary(X, y)
    assert verdict.kind == "complete" and set(verdict.limits) > {"+inf"}
    assert len(pivots) == 0


def test_a_program_that_fails(monkeypatch):
    """An answer that is no optimum is not looked at."""

    class Failed:
        status = 4

    monkeypatch.setattr(separation, "linprog", lambda *_, **__: Failed)
    for small in (10**9, 0):
        monkeypatch.setattr(separation, "SMALL", small)
        for kind in KINDS:
            X, y = data_of_kind(np.random.default_rng(2), kind, 2)
            assert kind_of(X, y) == kind
        X = np.random.default_rng(1).normal(size=(40, 5))
        assert kind_of(X, (X[:, 1] > 0).astype(int)) == "complete"


# ------------------------------------------------------------- a false proof is refused


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("K", [2, 3])
def test_false_proofs_are_refused(kind, K):
    """Each entry of direction and multipliers changed by one, and the wrong kind."""
    rng = np.random.default_rng(4)
    for _ in range(5):
        X, y = data_of_kind(rng, kind, K)
        verdict = separation.multinomial(X, y, K)
        assert separation.proves(X, y, verdict)
        for other in KINDS:
            assert separation.proves(X, y, changed(verdict, kind=other)) == (other == kind)
        refused = 0
        for i in range(len(X)):
            for a in {*range(K)} - {y[i]}:
                for step in (1, -1):
                    if not X[i].any():
                        continue  # its multiplier can be any number
                    multipliers = verdict.multipliers.copy()
                    multipliers[i, a] += step
                    assert not separation.proves(X, y, changed(verdict, multipliers=multipliers))
                    refused += 1
        assert refused
        assert not separation.proves(X, y, changed(verdict, direction=-verdict.direction)) or (
            kind == "overlap"
        )


def test_a_false_direction_is_refused():
    """One point on the wrong side, though the sum of all margins is positive."""
    X, y = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 9.0]]), [0, 1, 1]
    verdict = separation.binary(X, y)
    wrong = np.array([-2, 1], dtype=object)
    assert separation.proves(X, y, verdict) and verdict.kind == "complete"
    assert not separation.proves(X, y, changed(verdict, direction=wrong))
    assert not separation.proves(X, y, changed(verdict, direction=0 * wrong))


def changed(verdict, **parts):
    fields = {name: getattr(verdict, name) for name in verdict.__dataclass_fields__}
    return separation.Verdict(**{**fields, **parts})


def test_a_wrong_search_is_found_out(monkeypatch):
    """No verdict is returned whose proof fails."""
    right = separation._complementary

    def wrong(rows):
        direction, multipliers, tied = right(rows)
        return direction, multipliers + 1, tied

    monkeypatch.setattr(separation, "_complementary", wrong)
    with pytest.raises(AssertionError, match="proof of a verdict"):
        separation.binary([[1.0, 0.0], [1.0, 1.0]], [0, 1])


# ------------------------------------------------------------------ what the errors say


def test_require_overlap():
    X = [[1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 3.0], [1.0, 5.0]]
    assert separation.require_overlap(X, [0, 1, 0, 1, 0]) is None
    with pytest.raises(SeparationError, match="quasi-completely separated") as error:
        separation.require_overlap(X, [0, 0, 0, 1, 1])
    assert not error.value.complete
    compare.same(error.value.direction, np.array([-1.0, 1 / 3]))
    for part in (">= 0 for every data point with d = [-1. , 0.333333]", "w[0] to -inf, w[1] to +inf",
                 "no maximum likelihood estimate exists", "a penalty > 0", "more data", "Firth"):  # fmt: skip
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(SeparationError, match=r"data are completely separated.*> 0 for every") as e:
        separation.require_overlap(X, [0, 0, 1, 1, 1])
    assert e.value.complete and e.value.verdict.kind == "complete"


def test_require_overlap_of_classes():
    X = [[1.0, float(i)] for i in range(6)]
    assert separation.require_overlap(X, [0, 1, 2, 0, 1, 2], 3) is None
    with pytest.raises(
        SeparationError, match=r"relative to class 0\): W\[1, 0\] to -inf, W\[1, 1\] to \+inf"
    ) as error:
        separation.require_overlap(X, [0, 0, 1, 1, 2, 2], 3)
    assert error.value.direction.shape == (3, 2) and error.value.complete


def test_an_error_without_a_coefficient_that_must_be_infinite():
    """One class, away from zero on both sides of every axis but one."""
    X, y = [[2.0, 1.0], [2.0, -1.0], [-1.0, 2.0]], [1, 1, 1]
    verdict = separation.binary(X, y)
    assert verdict.kind == "complete" and set(verdict.limits) <= {"undetermined", "+inf"}
    X, y = [[1.0, 1.0], [1.0, 2.0]], [1, 1]
    assert separation.binary(X, y).limits.tolist() == ["undetermined"] * 2
    with pytest.raises(
        SeparationError, match="No single coefficient has to be infinite, but some do"
    ):
        separation.require_overlap(X, y)


def test_the_float_direction_is_a_certificate():
    """What the error shows is rounded to floats only where integers of 53 bits do not do."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = np.column_stack([np.ones(60), rng.normal(size=(60, 4))])
        y = (X @ rng.normal(size=5) > 0).astype(int)
        verdict = separation.binary(X, y)
        assert verdict.kind == "complete"
        assert max(abs(entry) for entry in verdict.direction) < 2**53


# --------------------------------------------------------------- what it means for the NLL


def test_no_mle_when_separable():
    """Along the direction the NLL falls to log 2 for each tie, exactly as the margins say."""
    X = [[1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 3.0], [1.0, 5.0]]
    y = [0, 0, 0, 1, 1]
    d = separation.binary(X, y).direction.astype(float)
    values = [float(logistic.nll(t * d, X, y)) for t in (0, 1, 4, 16, 36)]
    assert all(a > b for a, b in itertools.pairwise(values))
    compare.check(
        np.float64(logistic.nll(1000 * d, X, y)),
        2 * Fraction(math.log(2)),
        statement=STATEMENT,
        oracle="identity",
        case="two ties",
        ulp=4,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_penalised(kind):
    """With a penalty there is an estimate on data of every kind."""
    rng = np.random.default_rng(7)
    for _ in range(20):
        X, y = data_of_kind(rng, kind, 2)
        assert np.isfinite(estimation.newton(X, y, penalty=0.5).w).all()


@pytest.mark.parametrize("seed", range(12))
def test_directions_have_few_digits(seed):
    """Real numbers that a hyperplane with small coefficients separates: small ones are found.

    The proof holds for the direction that is returned; digits of the data have no place in it.
    """
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(30), rng.normal(size=(30, 2)).round(1), np.zeros(30)])
    X = X[X[:, 1] != X[:, 2]]
    y = (X[:, 1] > X[:, 2]).astype(int)
    verdict = separation.binary(X, y)
    assert verdict.kind == "complete" and separation.proves(X, y, verdict)
    assert max(abs(int(entry)) for entry in verdict.direction) < 2**12
    assert verdict.direction[3] == 0
    shown = str(separation.SeparationError.proved(verdict))
    assert "e-" not in shown


@pytest.mark.parametrize(
    "error",
    [
        separation.SeparationError(np.array([1.0, -0.5]), complete=False, note=" Here."),
        separation.RankError({1: {0: Fraction(2, 3)}}, (3, 2)),
        Separated(np.array([1.0, 2.0])),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_go_from_process_to_process(error):
    """Also the one that a search proves, with its integers."""
    with pytest.raises(separation.SeparationError) as found:
        separation.require_overlap([[1.0], [2.0]], [1, 1])
    for raised in (error, found.value):
        sent = copy.deepcopy(raised)  # which takes it apart as sending it does
        assert type(sent) is type(raised) and str(sent) == str(raised)
        for name in ("direction", "dependent", "point"):
            if hasattr(raised, name):
                assert np.array_equal(getattr(sent, name), getattr(raised, name))
