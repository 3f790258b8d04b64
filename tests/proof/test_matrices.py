"""Matrix expressions: entry by entry what NumPy says, and no shape that does not fit."""

from __future__ import annotations

import random

import brute_force
import numpy as np
import pytest
from tally import COUNTS

from derivations.language import matrices
from derivations.language.matrices import (
    ONE,
    Diagonal,
    Each,
    Gradient,
    Hadamard,
    Hessian,
    Jacobian,
    Kronecker,
    Matrix,
    Ones,
    Total,
    Whole,
    entry,
    shape,
)
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Dimension,
    ShapeError,
    scalar,
    total,
)
from derivations.notation import K, N, W, X, Y, a, b, c, i, j, k, l, m, n, t, v, w

SIZES = {"N": 2, "K": 3, "n": 4}
DIMENSIONS = (N, K, n)
square = Definition("f", (t,), t**2 - t + 1)
lam = scalar("lambda")
m_K = K.fresh(frozenset((a, b, c)))


def arrays_of(rows, columns):
    dimensions = tuple(d for d in (rows, columns) if d != ONE)
    return Array("A" + "".join(d.name for d in dimensions), dimensions)


class Pair:
    """A matrix expression, and what NumPy makes of the same operations."""

    def __init__(self, matrix: Matrix, number: np.ndarray):
        self.matrix, self.number = matrix, number


def whole(rows, columns) -> Pair:
    array = arrays_of(rows, columns)
    given = np.random.default_rng(len(array.name) + 7).integers(-3, 4, sizes(rows, columns))
    return Pair(Whole(array), given)


def sizes(*dimensions):
    return tuple(SIZES.get(d.name, 1) for d in dimensions)


def random_matrix(rows, columns, depth: int, source: random.Random) -> Pair:
    def less(rows, columns) -> Pair:
        return random_matrix(rows, columns, depth - 1, source)

    if rows == ONE and columns == ONE:  # a scalar is the product of a row and a column
        inner = source.choice(DIMENSIONS)
        left, right = less(ONE, inner), less(inner, ONE)
        return Pair(left.matrix @ right.matrix, left.number @ right.number)
    if rows == ONE:
        column = random_matrix(columns, ONE, depth, source)
        return Pair(column.matrix.T, column.number.T)
    if depth <= 0:
        return whole(rows, columns)
    kind = source.randrange(9)
    if kind == 0:
        inner = source.choice((*DIMENSIONS, ONE))
        left, right = less(rows, inner), less(inner, columns)
        return Pair(left.matrix @ right.matrix, left.number @ right.number)
    if kind in (1, 2, 3):
        left, right = less(rows, columns), less(rows, columns)
        return (
            Pair(left.matrix + right.matrix, left.number + right.number),
            Pair(left.matrix - right.matrix, left.number - right.number),
            Pair(left.matrix * right.matrix, left.number * right.number),
        )[kind - 1]
    inner = less(rows, columns)
    if kind == 4:
        return Pair(-inner.matrix, -inner.number)
    if kind == 5:
        return Pair(3 * inner.matrix, 3 * inner.number)
    if kind == 6:
        return Pair(Each(square, inner.matrix), inner.number**2 - inner.number + 1)
    if kind == 7 and columns != ONE:
        vector = less(rows, ONE)
        left = Pair(Diagonal(vector.matrix), np.diag(vector.number[:, 0]))
        return Pair(left.matrix @ inner.matrix, left.number @ inner.number)
    if kind == 8:
        row = less(ONE, columns) if columns != ONE else None
        ones = np.ones((sizes(rows)[0], 1), dtype=int)
        if row is None:
            return Pair(Ones(rows), ones)
        return Pair(Ones(rows) @ row.matrix, ones @ row.number)
    return inner


def numbers(matrix: Matrix, at) -> np.ndarray:
    """The entries of a matrix expression by the oracle."""
    point = brute_force.Point(SIZES, 0)
    for rows in DIMENSIONS:
        for columns in (*DIMENSIONS, ONE):
            array = arrays_of(rows, columns)
            for place, number in np.ndenumerate(whole(rows, columns).number):
                where = place if columns != ONE else place[:1]
                point.entries[array.name, len(where), where] = brute_force.number(int(number))
    term = entry(matrix, at)
    found = np.zeros(sizes(*shape(matrix)), dtype=object)
    with brute_force.mp.workdps(brute_force.DIGITS):
        for place in np.ndindex(found.shape):
            here = [p for p, d in zip(place, shape(matrix), strict=True) if d != ONE]
            value = brute_force.evaluate(term, point, dict(zip(at, here, strict=True))).plain
            assert value == int(value)
            found[place] = int(value)
    return found


LETTERS = {N: (i, j), K: (a, b), n: (k, l)}


@pytest.mark.parametrize("seed", range(60))
def test_random_expressions(seed):
    source = random.Random(seed)
    rows, columns = source.choice((*DIMENSIONS, ONE)), source.choice((*DIMENSIONS, ONE))
    pair = random_matrix(rows, columns, source.choice((1, 2, 3)), source)
    assert shape(pair.matrix) == (rows, columns)
    at = [LETTERS[d][place] for place, d in enumerate((rows, columns)) if d != ONE]
    assert np.array_equal(numbers(pair.matrix, at), pair.number)
    COUNTS["matrix expressions against NumPy"] += 1


def test_derivatives_in_matrix_form():
    A, u = Array("A", (n, n)), Array("u", (n,))
    form = total(k, total(l, A[k, l] * u[k] * u[l]))
    whole_a = Whole(A)
    assert brute_force.equal(
        entry(Gradient(form, u), (k,)), entry((whole_a + whole_a.T) @ Whole(u), (k,))
    )
    assert brute_force.equal(entry(Hessian(form, u), (k, l)), entry(whole_a + whole_a.T, (k, l)))
    image = Definition("g", (k,), total(l, A[k, l] * u[l] ** 2))
    jacobian = whole_a @ Diagonal(2 * Whole(u))
    assert brute_force.equal(entry(Jacobian(image, u), (k, l)), entry(jacobian, (k, l)))
    assert shape(Jacobian(image, u)) == (n, n)


def test_a_row_of_a_matrix():
    W = Array("W", (K, n))
    assert entry(Whole(W, (a,)), (k,)) == W[a, k]
    outer = Whole(W, (a,)) @ Whole(W, (b,)).T
    assert brute_force.equal(entry(outer, (k, l)), W[a, k] * W[b, l])


def test_a_free_index_of_a_factor_is_not_captured():
    scaled = (w[k] * Whole(X)) @ Whole(v)
    assert brute_force.equal(entry(scaled, (i,)), w[k] * total(l, X[i, l] * v[l]))
    W = Array("W", (K, n))
    row = (Whole(W, (a,)).T @ Whole(W).T) @ Whole(Array("q", (K,)))
    expected = total(l, W[a, l] * total(b, W[b, l] * Array("q", (K,))[b]))
    assert brute_force.equal(entry(row), expected)
    bound = Hessian(total(k, w[k] ** 2), w)
    assert brute_force.equal(entry(bound, (k, l)), D(D(total(Kind, w[Kind] ** 2), w[k]), w[l]))


Kind = n.fresh(frozenset((k, l)))
other = Dimension("P", "rs")
p, q = Array("p", (N,)), Array("q", (K,))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: Whole(X).T @ (Whole(p) - Whole(w)), "a sum of N x 1 and n x 1"),
        (lambda: Whole(X) @ Whole(p), "n columns meet N rows"),
        (lambda: Whole(X).T @ Whole(w), "N columns meet n rows"),
        (lambda: Whole(X) @ Whole(X), "n columns meet N rows"),
        (lambda: Whole(p) @ Whole(w), "1 columns meet n rows"),
        (lambda: Whole(p) + Whole(p).T, "a sum of N x 1 and 1 x N"),
        (lambda: Whole(p) * Whole(w), "an entrywise product of N x 1 and n x 1"),
        (lambda: Hadamard((Whole(X), Whole(X).T)), "N x n and n x N"),
        (lambda: Diagonal(Whole(X)), "diag: expected a column, got N x n"),
        (lambda: Diagonal(Whole(p).T), "diag: expected a column, got 1 x N"),
        (lambda: Diagonal(Whole(p)) @ Whole(w), "N columns meet n rows"),
        (lambda: Ones(other) - Whole(p), "P x 1 and N x 1"),
        (lambda: Gradient(w[k], w) - Whole(p), "n x 1 and N x 1"),
        (lambda: Whole(lam.array), "0 free dimensions are no vector or matrix"),
        (lambda: entry(Whole(X), (k, i)), "expected indices over N x n"),
        (lambda: entry(Whole(p), (i, j)), "expected indices over N"),
        (lambda: entry(Whole(p).T @ Whole(p), (i,)), "expected indices over a scalar"),
    ],
)
def test_shapes_that_do_not_fit(write, message):
    with pytest.raises(ShapeError, match=message):
        write()
    COUNTS["shapes refused"] += 1


def test_everything_has_a_shape_and_entries():
    class Other(Matrix):
        pass

    for ask in (shape, lambda matrix: matrices.entry_at(matrix, None, None)):
        with pytest.raises(TypeError, match="for Other"):
            ask(Other())


def test_a_sum_of_matrices_captures_no_index():
    """Neither the letter of a row nor that of a sum inside it."""
    weights, one, other = (
        Array(name, d) for name, d in (("q", (K,)), ("A", (K, K)), ("B", (K, K)))
    )
    left = entry(Total(a, weights[a] * Whole(one)), (a, b))
    assert brute_force.equal(left, total(c, weights[c] * one[a, b]))
    nested = entry(Total(a, weights[a] * (Whole(one) @ Whole(other))), (b, c))
    within = total(a, one[b, a] * other[a, c])
    assert brute_force.equal(nested, total(m_K, weights[m_K]) * within)


def test_a_kronecker_product_has_pairs_for_rows_and_columns():
    row, column = Whole(X, (i,)), Whole(Y, (i,))
    product = Total(i, Kronecker(column @ column.T, row @ row.T))
    assert entry(product, (a, k, b, l)) == total(i, (Y[i, a] * Y[i, b]) * (X[i, k] * X[i, l]))
    with pytest.raises(ShapeError):
        entry(product, (k, a, l, b))
    assert shape(product) == shape(Hessian(total(a, total(k, W[a, k])), W))  # pairs of W
    assert shape(Kronecker(Whole(X), Whole(W))) == (matrices.both(N, K), matrices.both(n, n))


def test_the_hessian_by_a_matrix_has_pairs_too():
    inner = total(c, total(m, W[c, m] ** 2))
    found = entry(Hessian(inner, W), (a, k, b, l))
    assert found == D(D(inner, W[a, k]), W[b, l])
