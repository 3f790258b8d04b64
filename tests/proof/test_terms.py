"""Terms: capture never happens, shapes have to fit, and nothing is read from a string."""

from fractions import Fraction

import brute_force
import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from random_terms import FREE, LETTERS, Writer, t1, t2, two, x
from tally import COUNTS

from derivations.language import terms
from derivations.language.terms import (
    Add,
    Array,
    D,
    Definition,
    Delta,
    Entry,
    Index,
    Limit,
    Mul,
    Neg,
    Number,
    Product,
    ShapeError,
    Sum,
    exp,
    expectation,
    free_indices,
    reindex,
    rename_bound,
    replace_entries,
    scalar,
    term,
    total,
    unfold,
)
from derivations.notation import K, N, X, a, b, i, j, k, l, m, v, w, y

SIZES = {"N": 2, "K": 3, "M": 2, "n": 2}
seeds = st.integers(0, 10**6)
depths = st.integers(1, 3)


def value(node, at, seed=0):
    return brute_force.value(node, at, SIZES, seed)


def everywhere(*nodes):
    """Places of the free indices of some terms."""
    return list(brute_force.places(brute_force.free(*nodes), SIZES))


# -- capture ---------------------------------------------------------------------------------------


@given(seeds, depths, st.data())
def test_reindex(seed, depth, data):
    node = Writer(seed).real(depth)
    old = sorted(free_indices(node), key=lambda index: index.name)
    new = {index: data.draw(st.sampled_from(LETTERS[index.dimension])) for index in old}
    moved = reindex(node, new)
    assert free_indices(moved) <= set(new.values())
    for at in everywhere(moved):
        at |= {index: 0 for index in new.values() if index not in at}
        before = {index: at[to] for index, to in new.items()}
        assert brute_force.same(value(moved, at), value(node, before))
    COUNTS["terms rewritten without capture"] += 1


@given(seeds, depths, st.data())
def test_rename_bound(seed, depth, data):
    node = Writer(seed).real(depth)
    avoid = data.draw(st.frozensets(st.sampled_from([*FREE, j, m])))
    renamed = rename_bound(node, avoid)
    assert not terms.bound_indices(renamed) & avoid
    assert free_indices(renamed) == free_indices(node)
    for at in everywhere(node):
        assert brute_force.same(value(renamed, at), value(node, at))
    COUNTS["terms rewritten without capture"] += 1


@given(seeds, depths)
def test_unfold(seed, depth):
    node = Writer(seed).real(depth)
    opened = unfold(node)
    assert not any(isinstance(part, terms.Use) for part in terms.walk(opened))
    for at in everywhere(node):
        assert brute_force.same(value(opened, at), value(node, at))
    COUNTS["terms rewritten without capture"] += 1


@given(seeds, depths, seeds, st.integers(0, 2))
def test_replace_entries(seed, depth, other, size):
    node, new = unfold(Writer(seed).real(depth)), unfold(Writer(other).real(size))
    # What is put in is not to depend on a variable of differentiation, nor to stand for one.
    derivatives = [part for part in terms.walk(node) if isinstance(part, D)]
    assume(not derivatives or isinstance(new, Number))
    assume(all(part.variable != x for part in derivatives))
    put_in = replace_entries(node, {x: new}.get)
    for at in everywhere(node, new):
        point = brute_force.Point(SIZES, 0)
        with brute_force.mp.workdps(brute_force.DIGITS):
            try:
                inner = brute_force.evaluate(new, brute_force.Point(SIZES, 0), at)
                point.entries[x.array.name, 0, ()] = inner
                expected = brute_force.evaluate(node, point, at).plain
            except (brute_force.Undefined, brute_force.TooLarge):
                continue
        assert brute_force.same(value(put_in, at), expected)
    COUNTS["terms rewritten without capture"] += 1


def test_arguments_are_put_in_at_once():
    swapped = two(t2, t1)
    assert brute_force.equal(unfold(swapped), t2 * exp(t1 / 2) + x)
    nested = two(two(t2, x), t1 + t2)
    assert brute_force.equal(nested, unfold(nested))


def test_an_argument_is_not_captured():
    f = Definition("f", (t1,), total(k, t1 * w[k]))
    assert brute_force.equal(unfold(f(v[k])), v[k] * total(l, w[l]))
    assert free_indices(unfold(f(v[k]))) == {k}


def test_swapped_indices():
    Q = Array("Q", (K, K))
    node = total(i, Q[a, b] * y[i])
    assert reindex(node, {a: b, b: a}) == total(i, Q[b, a] * y[i])
    assert reindex(total(b, Q[a, b]), {a: b}) != total(b, Q[b, b])


def test_a_fresh_letter_is_not_that_of_a_variable():
    node = D(total(l, w[l] * v[k]), w[m])
    moved = reindex(node, {k: l})  # the bound l gives way, and not to m
    assert brute_force.equal(moved, v[l] * total(k, Delta(k, m)))


def test_a_label_of_an_expectation_moves_with_it():
    node = expectation(y[i], {1: x, 0: 1 - x}, y[i] * 2)
    assert reindex(node, {i: j}).label == y[j]
    assert brute_force.equal(reindex(node, {i: j}), 2 * x)


def test_an_expectation_finds_its_label_wherever_it_stands():
    hidden = Definition("h", (i,), y[i] * 3)
    outcomes = {1: x, 0: 1 - x}
    assert brute_force.equal(expectation(y[i], outcomes, hidden[i]), 3 * x)
    assert brute_force.equal(expectation(y[i], outcomes, total(j, y[j])), total(j, y[j]) - y[i] + x)


def test_a_variable_is_not_replaced():
    with pytest.raises(ValueError, match="cannot be replaced"):
        replace_entries(D(x**2, x), {x: term(1)}.get)
    with pytest.raises(ValueError, match="cannot be replaced"):
        replace_entries(Limit(exp(x), x, -1), {x: term(1)}.get)


# -- what cannot be written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad", ["x", "1", 0.5, 1.0, float("nan"), True, None, 1j, b"1", [1], np.float64(1), np.bool_(1)]
)
def test_only_terms_and_exact_numbers(bad):
    for write in (
        lambda: term(bad),
        lambda: w[k] + bad,
        lambda: w[k] - bad,
        lambda: w[k] / bad,
        lambda: w[k] ** bad,
        lambda: w[k] * bad,
        lambda: exp(bad),
        lambda: total(k, bad),
        lambda: two(bad, x),
    ):
        with pytest.raises(TypeError):
            write()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: w[i], "w: expected indices over n, got i over N"),
        (lambda: X[k, i], "X: expected indices over N x n, got k over n, i over N"),
        (lambda: X[i], "X: expected indices over N x n, got i over N"),
        (lambda: Delta(i, k), "delta: expected indices over N, got k over n"),
        (lambda: total(k, w[k] * total(k, v[k])), "the index k is bound twice"),
        (lambda: D(total(k, w[k]), w[k]), "index k is bound in what is differentiated"),
        (lambda: Definition("f", (i,), X[i, k]), "f: its definition has the free indices k"),
        (lambda: Definition("f", (i,), y[i])[k], "f: expected indices over N, got k over n"),
        (lambda: Definition("f", (i,), y[i])[i, i], "f takes 1 arguments"),
        (lambda: Definition("f", (x,), x)(x, x), "f takes 1 arguments"),
        (lambda: Entry(scalar("s").array, (i,)), "s: expected indices over a scalar, got i over N"),
    ],
)
def test_shapes(write, message):
    with pytest.raises(ShapeError, match=message):
        write()


def test_variables():
    with pytest.raises(TypeError, match="differentiate with respect to an entry"):
        D(w[k], w[k] ** 2)
    with pytest.raises(TypeError, match="a limit in a scalar variable"):
        Limit(w[k], w[k], 1)


# -- what is written stays as it is written --------------------------------------------------------


def test_the_order_of_the_author_is_kept():
    p, q = w[k], v[k]
    assert p + q - p == Add((p, q, Neg(p)))
    assert p * q * p == Mul((p, q, p))
    assert 2 * p == Mul((Number(Fraction(2)), p))
    assert 1 - p == Add((Number(Fraction(1)), Neg(p)))
    assert p - p == Add((p, Neg(p)))  # nothing is evaluated
    assert Fraction(1, 3) * p == Mul((Number(Fraction(1, 3)), p))


def test_fresh_letters():
    assert N.fresh(frozenset()) == i
    assert N.fresh(frozenset((i,))) == j
    assert N.fresh(frozenset((i, j))) == Index("i'", N)
    assert isinstance(terms.product(k, w[k]), Product) and isinstance(total(k, 1), Sum)


@given(seeds, depths)
def test_values_need_the_free_indices_alone(seed, depth):
    node = Writer(seed).real(depth)
    for at in everywhere(node)[:2]:
        value(node, at)  # a missing index would be a KeyError
    assert terms.all_indices(node) == free_indices(node) | terms.bound_indices(node)
