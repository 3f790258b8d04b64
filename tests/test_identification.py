"""Equivalent weights, and codings of them: what changes and what does not."""

import compare
import designs
import loops
import numpy as np
import pytest
from hypothesis import given, strategies as st

from reference_impl import identification, softmax

seeds, classes, columns = st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 4)


def random_data(seed, K, n, N=4):
    rng = np.random.default_rng(seed)
    return designs.eighths(rng, K, n), designs.eighths(rng, N, n), rng.integers(0, K, N), rng


def probabilities(W, X):
    return softmax.softmax(X @ W.T)


def check(name, actual, expected, case, ulp=16):
    compare.check(
        actual,
        expected,
        statement=f"identification.{name}",
        oracle="identity",
        case=case,
        ulp=ulp,
    )


@given(seeds, classes, columns)
def test_translation(seed, K, n):
    """One psi for all classes changes no probability: with multiples of 1/8, not one bit."""
    W, X, _, rng = random_data(seed, K, n)
    moved = identification.translation(W, designs.eighths(rng, n))
    compare.same(probabilities(moved, X), probabilities(W, X))


def test_class_dependent_shift_changes_the_model():
    W, X, _, rng = random_data(4, 3, 2)
    moved = W + designs.eighths(rng, 3, 2)
    assert np.abs(probabilities(moved, X) - probabilities(W, X)).max() > 0.1


def test_hand_worked():
    W = [[1.0, 2.0], [3.0, 5.0], [-1.0, 2.0]]
    for actual, expected in [
        (identification.translation(W, [10.0, -1.0]), [[11, 1], [13, 4], [9, 1]]),
        (identification.sum_to_zero(W), [[0, -1], [2, 2], [-2, -1]]),
        (identification.reference_class(W), [[0, 0], [2, 3], [-2, 0]]),
        (identification.reference_class(W, 1), [[-2, -3], [0, 0], [-4, -3]]),
        (identification.reference_class_coding(3, 1), [[1, 0], [0, 0], [0, 1]]),
        (identification.sum_to_zero_coding(3), [[1, 0], [0, 1], [-1, -1]]),
    ]:
        compare.same(actual, np.array(expected, dtype=float))


def test_a_sum_beyond_float64_has_a_mean():
    """1e308 twice or three times, beside entries of another size."""
    found = identification.sum_to_zero([[1e308, 3.0, -1.5e308], [1e308, 1.0, -1.5e308]])
    compare.same(found, np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]))
    found = identification.sum_to_zero([[1e308], [1e308], [-5e307]])
    compare.check(found, [[5e307], [5e307], [-1e308]], statement="identification.sum_to_zero",
                  oracle="by hand", case="1e308", ulp=2)  # fmt: skip


BIG = [[1e308], [-1e308]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: identification.translation(BIG, [1e308]), r"W \+ 1 psi\^T"),
        (lambda: identification.sum_to_zero([[1.7e308], [-1.7e308], [-1.7e308]]), "W less its mean"),
        (lambda: identification.reference_class(BIG), r"W - 1 w_r\^T"),
        (lambda: identification.decode(identification.sum_to_zero_coding(3), [[1e308]] * 2), "M V"),
        (lambda: identification.code_gradient([[1.0], [-1.0]], BIG), r"M\^T G"),
        (lambda: identification.code_hessian([[1], [-1]], [[[BIG[0], BIG[1]]], [[BIG[1], BIG[0]]]]),
         "the Hessian by V"),
    ],
)  # fmt: skip
def test_results_beyond_float64(call, message):
    with np.errstate(all="raise"), pytest.raises(ValueError, match=f"^{message} exceeds the range"):
        call()


@given(seeds, classes, columns)
def test_the_fixed_weights_are_equivalent(seed, K, n):
    W, X, _, _ = random_data(seed, K, n)
    r = seed % K
    reference = identification.reference_class(W, r)
    compare.same(probabilities(reference, X), probabilities(W, X))
    compare.same(reference[r], np.zeros(n))
    centred = identification.sum_to_zero(W)
    check(
        "sum_to_zero", probabilities(centred, X), probabilities(W, X).tolist(), f"seed={seed}", 64
    )
    # Whatever W was translated by, the result is the same.
    moved = identification.translation(W, W[r] + 1.0)
    check("sum_to_zero", identification.sum_to_zero(moved), centred.tolist(), f"seed={seed}")
    compare.same(identification.reference_class(moved, r), reference)


@given(seeds, classes, columns)
def test_codings_reach_every_fixed_matrix(seed, K, n):
    """W = M V with the free rows of W."""
    W, _, _, _ = random_data(seed, K, n)
    r = seed % K
    reference = identification.reference_class(W, r)
    M = identification.reference_class_coding(K, r)
    compare.same(identification.decode(M, np.delete(reference, r, axis=0)) + 0.0, reference + 0.0)
    centred = W - W[[-1]] * 0.0
    centred[-1] = -centred[:-1].sum(axis=0)
    M = identification.sum_to_zero_coding(K)
    compare.same(identification.decode(M, centred[:-1]) + 0.0, centred + 0.0)


@pytest.mark.parametrize("K, n, N", [(2, 3, 4), (3, 2, 5), (4, 3, 2), (3, 3, 3)])
@pytest.mark.parametrize("name", ["reference_class", "sum_to_zero"])
def test_gradient_and_hessian_in_a_coding(name, K, n, N):
    """Against differences, at 60 digits, of the plain-loop NLL as a function of V."""
    W, X, y, _ = random_data(10 * K + n, K, n, N)
    M = {
        "reference_class": identification.reference_class_coding(K, 1),
        "sum_to_zero": identification.sum_to_zero_coding(K),
    }[name]
    V, Y = W[:-1], np.eye(K)[y]

    def decoded(V, M):
        return [[sum(M[a][c] * V[c][k] for c in range(K - 1)) for k in range(n)] for a in range(K)]

    def nll(V, M, X, Y):
        return loops.softmax_nll(decoded(V, M), X, Y)

    def gradient(V, M, X, Y):
        G = loops.softmax_nll_gradient(decoded(V, M), X, Y)
        return [[sum(M[a][c] * G[a][k] for a in range(K)) for k in range(n)] for c in range(K - 1)]

    W = identification.decode(M, V)
    actual_gradient = identification.code_gradient(M, softmax.nll_gradient(W, X, y))
    actual_hessian = identification.code_hessian(M, softmax.nll_hessian(W, X, y))
    for actual, function in [(actual_gradient, nll), (actual_hessian, gradient)]:
        compare.check(
            actual,
            loops.differences(60, function, (V, M, X, Y), 0),
            statement=f"identification.{name}",
            oracle="differences",
            case=f"K={K} n={n} N={N}",
            ulp=32,
        )


def test_the_coded_hessian_is_regular():
    """In W the Hessian has n zero eigenvalues, in V none: the coding identifies the model."""
    W, X, y, _ = random_data(1, 3, 2, N=8)
    H = softmax.nll_hessian(W, X, y)
    assert np.linalg.matrix_rank(H.reshape(6, 6), tol=1e-12) == 4
    for M in (identification.reference_class_coding(3), identification.sum_to_zero_coding(3)):
        coded = identification.code_hessian(M, H).reshape(4, 4)
        assert np.linalg.matrix_rank(coded, tol=1e-12) == 4


def test_penalty_selects_sum_to_zero():
    """Gradient descent on NLL + lambda/2 norm(W)^2 from any start ends at sum_a W_a = 0."""
    W, X, y, _ = random_data(2, 3, 2, N=6)
    penalty, step = 0.5, 0.02
    for _ in range(6000):
        W = W - step * (softmax.nll_gradient(W, X, y) + penalty * W)
    assert np.abs(softmax.nll_gradient(W, X, y) + penalty * W).max() < 1e-12
    magnitude = np.abs(W).sum(axis=0)
    check(
        "penalty_selects_sum_to_zero",
        magnitude + W.sum(axis=0),
        magnitude.tolist(),
        "gradient descent",
        ulp=64,
    )
