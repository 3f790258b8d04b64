"""Where SymPy is silently wrong about sums, and what the calculus does there.

Each test shows first what SymPy answers, so that the trap is on record; when a version of SymPy
answers otherwise, that is printed. Then the calculus has to refuse, or be right.
"""

import contextlib

import brute_force
import pytest
import sympy

from derivations.language import matrices
from derivations.language.matrices import Gradient, Ones, Whole, entry
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Dimension,
    Index,
    ShapeError,
    Size,
    Use,
    exp,
    log,
    reindex,
    replace_entries,
    total,
)
from derivations.notation import K, N, X, a, b, c, i, k, l, m, n, v, w, y
from derivations.proof import atoms, digits, indices, signs
from derivations.proof.meaning import meaning

S_j, S_k, S_n = sympy.Symbol("j", integer=True), sympy.Symbol("k", integer=True), sympy.Symbol("n")
S_w = sympy.IndexedBase("w")


def sympy_says(found, wrong: str) -> None:
    """Note whether SymPy still gives the wrong answer that is on record."""
    if str(found) != wrong:
        print(f"SymPy {sympy.__version__} does not say {wrong} any more: {found}")


def proved(left, right) -> bool:
    """The calculus proves it, and brute force agrees."""
    found = indices.is_zero(meaning(left) - meaning(right))
    assert not found or brute_force.equal(left, right)
    return found


def test_w1_derivative_of_a_sum_by_an_entry():
    wrong = sympy.Sum(S_w[S_j] ** 2, (S_j, 0, S_n - 1)).diff(S_w[S_j])
    sympy_says(wrong, "Sum(2*w[j], (j, 0, n - 1))")
    squares = total(l, w[l] ** 2)
    assert proved(D(squares, w[k]), 2 * w[k])
    assert not proved(D(squares, w[k]), total(l, 2 * w[l]))
    with pytest.raises(ShapeError, match="bound in what is differentiated"):
        D(squares, w[l])


def test_w2_a_bound_index_captures():
    outer = sympy.Sum(S_w[S_j] * S_w[S_k], (S_j, 0, S_n - 1))
    sympy_says(outer.xreplace({S_k: S_j}), "Sum(w[j]**2, (j, 0, n - 1))")
    renamed = reindex(total(l, w[l] * v[k]), {k: l})
    assert renamed.index != l and proved(renamed, total(m, w[m]) * v[l])
    f = Definition("f", (k,), total(l, w[l] * v[k]))
    assert proved(f[l], total(m, w[m]) * v[l])
    put_in = replace_entries(total(l, w[l] * y[i]), {y[i]: v[l]}.get)
    assert proved(put_in, total(m, w[m]) * v[l])


def test_w3_a_condition_is_pulled_out_of_a_sum():
    labels, point, term = sympy.IndexedBase("y"), sympy.Symbol("i", integer=True), sympy.Symbol("t")
    indicator = sympy.Piecewise((1, sympy.Eq(labels[point], S_k)), (0, True))
    folded = sympy.piecewise_fold(sympy.Sum(indicator * term, (point, 1, S_n)))
    sympy_says(point in folded.free_symbols, "True")  # the bound index is free now
    label = Array("[y=a]", (N, K), domain="label")
    counted = total(i, label[i, a] * v[k])
    assert not atoms.stands_in(atoms.place(i), meaning(counted))
    assert proved(counted, v[k] * total(i, label[i, a]))


def test_w4_an_idx_is_not_replaced():
    free = sympy.Symbol("n", integer=True, positive=True)
    index = sympy.Idx("j", free)
    sympy_says(sympy.Sum(S_w[index], index).subs(free, 3).doit(), "3*w[j]")
    summed = total(k, w[k])
    assert digits.table(summed, {"w": [1, 20, 300]}) == 321
    assert not proved(summed, Size(n) * w[l])


def test_w5_derivative_by_a_whole_matrix():
    size = sympy.Symbol("n", positive=True, integer=True)
    weights = sympy.MatrixSymbol("w", size, 1)
    square = (weights.T * weights)[0, 0]
    sympy_says(square.diff(weights), "0")
    norm = matrices.Scalar(Whole(w).T @ Whole(w))
    assert proved(entry(Gradient(norm, w), (k,)), 2 * w[k])
    q = Array("q", (K,))
    lse = log(total(b, exp(q[b])))
    assert proved(entry(Gradient(lse, q), (a,)), exp(q[a]) / total(b, exp(q[b])))


def test_w6_a_delta_of_twice_an_index():
    twice = sympy.Sum(sympy.KroneckerDelta(2 * S_j, S_k), (S_j, 0, S_n - 1))
    sympy_says(twice.doit().subs({S_n: 3, S_k: 3}), "1")  # but 2 j = 3 has no solution
    with pytest.raises((ShapeError, AttributeError, TypeError)):
        Delta(2 * w[k], l)
    with pytest.raises(ShapeError):
        Delta(i, k)
    assert proved(total(k, Delta(k, l) * w[k]), w[l])


def test_w7_the_shapes_of_the_note_disagree():
    rows, columns = sympy.symbols("N n", positive=True, integer=True)
    design = sympy.MatrixSymbol("X", rows, columns)
    probabilities, weights = sympy.MatrixSymbol("p", rows, 1), sympy.MatrixSymbol("w", columns, 1)
    with contextlib.suppress(sympy.ShapeError):
        sympy_says(design.T * (probabilities - weights), "X.T*(p - w)")
    p = Array("p", (N,))
    with pytest.raises(ShapeError, match="N x 1 and n x 1"):
        Whole(X).T @ (Whole(p) - Whole(w))
    with pytest.raises(ShapeError, match="N columns meet n rows"):
        Whole(X).T @ Whole(w)


def test_w8_derivative_of_an_opaque_quantity():
    named = sympy.Function("p")
    sympy_says(sympy.Derivative(named(S_j), S_w[S_k]).doit(), "0")
    p = Definition("p", (i,), total(k, w[k] * X[i, k]))
    closed = meaning(D(p[i], w[k]), "full", "everything")
    assert closed != 0 and not indices.is_zero(closed)
    assert proved(D(p[i], w[k]), X[i, k])
    f = Definition("f", (a, b), Delta(a, b))  # no entry in it: constant, and known to be
    assert proved(D(Use(f, (a, b)), w[k]), w[k] - w[k])


def test_w9_a_delta_out_of_range():
    x = sympy.IndexedBase("x")
    delta = sympy.KroneckerDelta(S_j, S_k, (0, S_n - 1))
    contracted = sympy.Sum(x[S_j] * delta, (S_j, 0, S_n - 1)).doit()
    sympy_says(contracted.subs({S_n: 3, S_k: 7}), "x[7]")  # which is not there
    other = Dimension("P", "rs")
    with pytest.raises(ShapeError, match="expected indices over n"):
        total(k, w[k] * Delta(k, Index("r", other)))
    with pytest.raises(ShapeError, match="expected indices over n"):
        w[Index("r", other)]


def test_w10_an_empty_sum():
    sympy_says(sympy.Sum(S_w[S_j], (S_j, 0, -3)).doit(), "-w[-1] - w[-2]")
    # No bound can be written: a sum runs over all of a dimension, whose size is at least 1.
    count = total(k, 1)
    assert proved(count, Size(n))
    assert signs.sign(Size(n) - 1) == "nonnegative"
    assert proved(total(c, total(k, 1)), Size(K) * Size(n))
    assert proved(entry(Ones(n).T @ Ones(n)), Size(n))
