"""Each conversion, and what becomes of value, gradient and Hessian: the derived statement says it.

The statement is evaluated in the other convention, the implementation in the one here.
"""

from fractions import Fraction

import compare
import derived
import designs
import loops
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from mpmath import mp, mpf

from reference_impl import conventions, logistic, softmax
from reference_impl.engine import estimation
from reference_impl.nll import NLL, SoftNLL

RNG = np.random.default_rng(11)
N, n, K = 5, 3, 4
w, W = designs.eighths(RNG, n, largest=1), designs.eighths(RNG, K, n, largest=1)
X, y, classes = designs.eighths(RNG, N, n), np.array([1, 0, 0, 1, 1]), np.array([3, 0, 2, 2, 1])
s = np.array([0.5, 2.0, 0.0, 1.25, 3.0])
BINARY, MULTI = {"w": w, "X": X, "y": y}, {"W": W, "X": X}


def check(name, actual, expected, case, oracle="derived", ulp=16):
    compare.check(
        actual, expected, statement=f"conventions.{name}", oracle=oracle, case=case, ulp=ulp
    )


def derive(name, arrays, chain=0):
    return derived.table(f"conventions.{name}", arrays, chain=chain)


# ------------------------------------------------------------------ the size of the cost


def test_factor():
    """Mean, log-likelihood and deviance: the same number times value, gradient and Hessian."""
    for kappa in (1 / 8, -1.0, 2.0):
        arrays = {**BINARY, "kappa": kappa}
        check(
            "factor",
            kappa * logistic.nll_gradient(w, X, y),
            derive("factor", arrays),
            "two classes",
        )
        hessian = kappa * logistic.nll_hessian(w, X, y)
        check("factor", hessian, derive("factor", arrays, 1), "two classes")
        multinomial = kappa * softmax.nll_gradient(W, X, classes)
        arrays = {**MULTI, "Y": np.eye(K)[classes], "kappa": kappa}
        check("factor", multinomial, derive("factor", arrays, 2), "classes")


def test_newtons_step_does_not_see_a_factor():
    H, g = logistic.nll_hessian(w, X, y), logistic.nll_gradient(w, X, y)
    step = np.linalg.solve(H, -g)
    compare.same(np.linalg.solve(2 * H, -2 * g), step)


def test_penalty_strength():
    """The minimisers of mean + alpha/2 norm(w)^2 and of C NLL + norm(w)^2 / 2, by lambda."""
    C, alpha = 0.25, 0.5
    for chain, (penalty, factor, strength) in enumerate(
        [(N * alpha, mpf(1) / N, {"alpha": alpha}), (1 / C, mpf(C), {"C": C})]
    ):
        fit = estimation.newton(X, y, penalty=penalty, tol=1e-10)
        cost = derive("penalty_strength", {**BINARY, "w": fit.w, **strength}, chain)
        ours = loops.at(60, loops.logistic_nll, fit.w, X, y)
        with mp.workdps(60):
            expected = factor * (ours + mpf(penalty) / 2 * sum(mpf(v) ** 2 for v in fit.w))
        check("penalty_strength", np.float64(cost), expected, f"lambda = {penalty}", ulp=4)
        for change in (-1e-3 * np.eye(n)).tolist() + (1e-3 * np.eye(n)).tolist():
            other = fit.w + change  # is no better
            assert derive("penalty_strength", {**BINARY, "w": other, **strength}, chain) > cost


def test_weighted_mean():
    mean = conventions.weighted_mean(s)
    arrays = {**BINARY, "s": s}
    value = logistic.nll(w, X, y, sample_weight=mean)
    expected = loops.at(60, loops.logistic_nll, w, X, y, s) / mpf(s.sum())
    check("weighted_mean", value, expected, "value", oracle="loops")
    gradient = logistic.nll_gradient(w, X, y, sample_weight=mean)
    check("weighted_mean", gradient, derive("weighted_mean", arrays), "gradient")
    hessian = logistic.nll_hessian(w, X, y, sample_weight=mean)
    check("weighted_mean", hessian, derive("weighted_mean", arrays, 1), "Hessian")
    compare.same(conventions.weighted_mean(4 * s), mean)
    compare.same(conventions.weighted_mean([3, 3]), np.array([0.5, 0.5]))


def test_the_mean_over_n_is_another_number():
    """Dividing by N instead of by the sum of the weights is off by the factor sum s / N."""
    by_number = logistic.nll(w, X, y, sample_weight=s) / N
    mean = logistic.nll(w, X, y, sample_weight=conventions.weighted_mean(s))
    check("weighted_mean", by_number / (s.sum() / N), mean, "over N", oracle="identity")
    assert by_number > 1.3 * mean


# ------------------------------------------------------------------- labels of two classes


def test_signs():
    m = conventions.signs(y)
    compare.same(m, np.array([1, -1, -1, 1, 1]))
    compare.same(conventions.labels_from_signs(m), y)
    arrays = {"w": w, "X": X, "m": m}
    check("signs", logistic.nll_gradient(w, X, y), derive("signs", arrays), "gradient")
    check("signs", logistic.nll_hessian(w, X, y), derive("signs", arrays, 1), "Hessian")
    check("signs", logistic.nll(w, X, y), margin_loss(w, X, m), "value", oracle="loops")


def margin_loss(w, X, m):
    """sum_i log(1 + e^(-m_i z_i)), as it is often written."""
    with mp.workdps(60):
        z = [sum(mpf(a) * mpf(b) for a, b in zip(row, w, strict=True)) for row in X.tolist()]
        return sum(mp.log(1 + mp.exp(-int(label) * t)) for label, t in zip(m, z, strict=True))


@pytest.mark.parametrize("design", designs.LOGISTIC, ids=str)
def test_swapped_labels(design):
    """Value and Hessian stay, the gradient changes its sign."""
    data = design.X, design.y
    other = design.X, conventions.swapped_labels(design.y)
    for function, sign in [
        (logistic.nll, 1),
        (logistic.nll_gradient, -1),
        (logistic.nll_hessian, 1),
    ]:
        expected = sign * function(design.w, *data, sample_weight=design.s)
        actual = function(-design.w, *other, sample_weight=design.s)
        case = f"{function.__name__}, {design}"
        check("swapped_labels", actual, expected.tolist(), case, oracle="identity", ulp=8)


def test_swapped_labels_derived():
    p = derive("swapped_labels", {"w": w, "X": X})
    log_p = [
        mp.log(value) if label == 0 else mp.log(1 - value)
        for value, label in zip(p, y, strict=True)
    ]
    swapped = logistic.nll(-w, X, conventions.swapped_labels(y))
    check("swapped_labels", swapped, -sum(log_p), "value")


# ------------------------------------------------------------------- labels of K classes


def test_labels_from_one():
    compare.same(conventions.labels_from_one([1, 4, 3.0], 4), np.array([0, 3, 2]))
    with pytest.raises(ValueError, match=r"^y: expected integers from 1 to 3, given 0 at index 2"):
        conventions.labels_from_one([1, 3, 0], 3)
    with pytest.raises(
        ValueError, match=r"^y: expected integers from 1 to 3, given 1.5 at index 0"
    ):
        conventions.labels_from_one([1.5, 3], 3)


@pytest.mark.parametrize("words", [["b", "c", "a", "b"], [2.5, 7.0, -1.0, 2.5], [1, 2, 0, 1]])
def test_labels_from_names(words):
    """Counted in the order of the names: each label points to its own."""
    labels, names = conventions.labels_from_names(words)
    compare.same(labels, np.array([1, 2, 0, 1]))
    assert names == tuple(sorted(set(words)))
    assert str(conventions.labels_from_names(list(np.array(words)))[1]) == str(names)
    for wrong in ([], words[:1]):
        with pytest.raises(ValueError, match=r"^y: expected"):
            conventions.labels_from_names(wrong)


@pytest.mark.parametrize(
    "words",
    [
        ["a", None, "b"],
        ["a", np.nan, "b"],
        [1.0, np.nan, 2.0],
        np.array([1.0, np.nan, 2.0]),
        np.array(["2020", "NaT", "2021"], dtype="datetime64[D]"),
        [pd.Timestamp("2020"), pd.NaT, pd.Timestamp("2021")],
        ["a", pd.NA, "b"],
        pd.Series(["a", None, "b"]),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series([1, None, 2], dtype="Int64"),
        pd.Categorical(["a", None, "b"], ordered=True),
        np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]),
        [1, np.ma.masked, 2],
    ],
)
def test_a_missing_name_is_no_class(words):
    with pytest.raises(TypeError, match=r"^y: expected one name each, given none .* at index 1$"):
        conventions.labels_from_names(words)


@pytest.mark.parametrize("words", [["a", 1], [1, "a"], [True, "a"], [b"a", "b"], [[1, 2], [3]]])
def test_names_without_an_order(words):
    """NumPy makes strings of the numbers beside strings."""
    with pytest.raises(TypeError, match=r"^y: expected names that can be put in order, given"):
        conventions.labels_from_names(words)


def test_categories_in_their_order():
    words, categories = ["low", "high", "low"], ["low", "middle", "high"]
    ordered = pd.Categorical(words, categories, ordered=True)
    for form in (ordered, pd.Series(ordered), pd.CategoricalIndex(ordered)):
        labels, names = conventions.labels_from_names(form)
        compare.same(labels, np.array([0, 1, 0]))
        assert names == ("low", "high")
    for form in (ordered.as_unordered(), words):  # the order of the alphabet
        assert conventions.labels_from_names(form)[1] == ("high", "low")


def test_one_hot_of_many_classes():
    """N x K numbers, not K x K, which would be 3e11 bytes here."""
    Y = conventions.one_hot([0, 199_999], 200_000)
    assert Y.shape == (2, 200_000) and Y.sum() == 2.0
    compare.same(conventions.labels_from_one_hot(Y), np.array([0, 199_999]))


def test_one_hot():
    Y = conventions.one_hot(classes, K)
    compare.same(
        Y, np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 1, 0, 0.0]])
    )
    compare.same(conventions.labels_from_one_hot(Y), classes)
    Z = X @ W.T
    compare.same(SoftNLL(Y).forward(Z), NLL(classes).forward(Z))
    compare.same(SoftNLL(Y).backward(Z, 1.5) + 0.0, NLL(classes).backward(Z, 1.5) + 0.0)
    for z, label in zip(Z, classes, strict=True):
        losses = -softmax.log_softmax(z)
        check("one_hot", losses, derive("one_hot", {"z": z}), "every label", ulp=4)
        # With the feature 1 and the weights z the gradient is the residual.
        residual = softmax.nll_gradient(z[:, np.newaxis], [[1.0]], [label])[:, 0]
        expected = np.array(derive("one_hot", {"z": z}, 1))[:, label]
        check("one_hot", residual, expected, f"label {label}", ulp=4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            [[0, 1], [0.5, 0.5]],
            r"^Y: expected rows with one 1 and zeros, given 0.5 at index \(1, 0\)",
        ),
        ([[0, 1], [1, 1]], r"^Y: expected rows with one 1 and zeros, given \[1. 1.\] at row 1"),
        ([[0, 0], [0, 1]], r"^Y: expected rows with one 1 and zeros, given \[0. 0.\] at row 0"),
    ],
)
def test_rows_that_are_not_one_hot(wrong, message):
    with pytest.raises(ValueError, match=message):
        conventions.labels_from_one_hot(wrong)


SOFT = np.array(
    [[0.5, 0.25, 0, 0.25], [1, 0, 0, 0], [0.125, 0.5, 0.125, 0.25], [0, 2, 0.5, 0], [0, 0, 0, 0]]
)


def test_soft_labels():
    """Rows that sum to one, to something else and to zero."""
    rows, labels, weights = conventions.soft_labels(X, SOFT)
    assert len(rows) == (SOFT > 0).sum()
    arrays = {**MULTI, "Y": SOFT}
    gradient = softmax.nll_gradient(W, rows, labels, sample_weight=weights)
    check("soft_labels", gradient, derive("soft_labels", arrays), "gradient")
    hessian = softmax.nll_hessian(W, rows, labels, sample_weight=weights)
    check("soft_labels", hessian, derive("soft_labels", arrays, 1), "Hessian")
    value = softmax.nll(W, rows, labels, sample_weight=weights)
    check("soft_labels", value, derive("soft_labels", arrays, 2), "value")
    Z = X @ W.T
    layer = SoftNLL(SOFT).forward(softmax.log_softmax(Z))
    check("soft_labels", layer, value, "layer", "identity")


def test_soft_labels_of_two_classes():
    """Probabilities q of the label 1 are the rows (1 - q, q)."""
    q = np.array([0.25, 1.0, 0.5, 0.0, 0.875])
    rows, labels, weights = conventions.soft_labels(X, np.column_stack([1 - q, q]))
    value = logistic.nll(w, rows, labels, sample_weight=weights)
    check("soft_labels", value, loops.at(60, loops.logistic_nll, w, X, q), "binary", "loops")
    gradient = logistic.nll_gradient(w, rows, labels, sample_weight=weights)
    check(
        "soft_labels",
        gradient,
        loops.at(60, loops.logistic_nll_gradient, w, X, q),
        "binary",
        "loops",
    )


def test_hard_labels_are_soft_labels():
    rows, labels, weights = conventions.soft_labels(X, conventions.one_hot(classes, K))
    compare.same(rows, X)
    compare.same(labels, classes)
    compare.same(weights, np.ones(N))


def test_class_weights():
    q = np.array([0.5, 2.0, 0.0, 3.0])
    weights = conventions.class_weights(q, classes)
    compare.same(weights, np.array([3.0, 0.5, 0.0, 0.0, 2.0]))
    arrays = {**MULTI, "Y": np.eye(K)[classes], "q": q}
    gradient = softmax.nll_gradient(W, X, classes, sample_weight=weights)
    check("class_weights", gradient, derive("class_weights", arrays, 2), "gradient")
    z = X[0] @ W.T
    losses = q * -softmax.log_softmax(z)
    check("class_weights", losses, derive("class_weights", {"z": z, "q": q}), "one point", ulp=4)


def test_class_weights_of_soft_labels():
    """They multiply inside the sum over the classes; a weight of the row would be another number."""
    q = np.array([0.5, 2.0, 0.25, 3.0])
    rows, labels, weights = conventions.soft_labels(X, SOFT)
    inside = weights * conventions.class_weights(q, labels)
    gradient = softmax.nll_gradient(W, rows, labels, sample_weight=inside)
    check(
        "class_weights", gradient, derive("class_weights", {**MULTI, "Y": SOFT, "q": q}, 2), "soft"
    )


def test_a_weight_of_the_label_1():
    """``pos_weight``: q y_i + 1 - y_i."""
    weights = conventions.class_weights([1.0, 2.5], y)
    gradient = logistic.nll_gradient(w, X, y, sample_weight=weights)
    expected = derive("class_weights", {**BINARY, "q": 2.5}, 3)
    check("class_weights", gradient, expected, "a weight of the label 1")


@pytest.mark.parametrize("ignore_index", [-100, -1, 255, 2])
def test_ignored_labels(ignore_index):
    """-100 is PyTorch's; a class may be ignored as well."""
    given = np.where(classes == 2, ignore_index, classes)
    labels, weights = conventions.ignored_labels(given, ignore_index, K)
    compare.same(weights, np.array([1.0, 1.0, 0.0, 0.0, 1.0]))
    arrays = {**MULTI, "Y": np.eye(K)[classes], "e": 1 - weights}
    kept = weights > 0
    for chain, function in enumerate([softmax.nll, softmax.nll_gradient, softmax.nll_hessian]):
        actual = function(W, X, labels, sample_weight=weights)
        check("ignored_labels", actual, derive("ignored_labels", arrays, chain), function.__name__)
        without = function(W, X[kept], classes[kept])
        check("ignored_labels", actual, without.tolist(), "left out", oracle="identity")
        for other in range(K):  # what stands there has no effect
            compare.same(
                function(W, X, np.where(kept, labels, other), sample_weight=weights), actual
            )
    assert derive("ignored_labels", arrays, 3) == weights.sum()


def test_nothing_left():
    with pytest.raises(ValueError, match=r"^y: expected a label other than -100, given no other"):
        conventions.ignored_labels([-100, -100], -100, 3)
    with pytest.raises(
        ValueError, match=r"^y: expected integers from 0 to 2, given -100 at index 1"
    ):
        conventions.ignored_labels([-1, -100], -1, 3)


# -------------------------------------------------------------------------------- the axes


def test_class_axis():
    """Logits (N, K, places): the residual by the rows is that of the statement, put back."""
    Z = designs.eighths(RNG, 2, 3, 4)
    labels = RNG.integers(0, 3, (2, 4))
    Y = np.moveaxis(np.eye(3)[labels], -1, 1)
    rows = conventions.class_axis(Z)
    residual = softmax.softmax(rows) - conventions.one_hot(labels.ravel(), 3)
    back = conventions.class_axis_back(residual, Z)
    check("class_axis", back, derive("class_axis", {"Z": Z, "Y": Y}), "gradient", ulp=4)
    compare.same(softmax.softmax(Z, axis=1), conventions.class_axis_back(softmax.softmax(rows), Z))
    value = NLL(labels.ravel()).forward(softmax.log_softmax(rows))
    picked = [[-mpf(v) for v in row] for row in softmax.log_softmax(rows)]
    with mp.workdps(60):
        expected = sum(row[label] for row, label in zip(picked, labels.ravel(), strict=True))
    check("class_axis", value, expected, "value", oracle="identity")


def test_class_axis_hessian():
    """No second derivative between two places: the Hessian of the rows is the whole."""
    Z = designs.eighths(RNG, 2, 3, 2)
    H = np.array(derive("class_axis", {"Z": Z, "Y": np.zeros_like(Z)}, 1), dtype=object)
    S = softmax.softmax(Z, axis=1)
    own = np.einsum(
        "jao,ij,ou,jaob->jaoibu",
        S,
        np.eye(2),
        np.eye(2),
        np.eye(3)[None, :, None] - np.moveaxis(S, 1, -1)[:, None],
    )
    check("class_axis", own, H.tolist(), "Hessian", ulp=8)


shapes = st.lists(st.integers(1, 4), min_size=2, max_size=5)


@given(shapes, st.integers(0, 10**6))
def test_class_axis_there_and_back(shape, seed):
    z = np.random.default_rng(seed).normal(size=shape)
    for axis in range(-len(shape), len(shape)):
        rows = conventions.class_axis(z, axis)
        assert rows.shape == (z.size // shape[axis], shape[axis])
        compare.same(conventions.class_axis_back(rows, z, axis), z)
        first = tuple(0 if d != axis % len(shape) else slice(None) for d in range(len(shape)))
        compare.same(rows[0], z[first])
        others = np.moveaxis(np.indices(z.shape).sum(axis=0), axis, -1)
        compare.same(
            conventions.class_axis(np.indices(z.shape).sum(axis=0), axis),
            others.reshape(rows.shape).astype(float),
        )


def test_class_axis_refuses():
    for wrong in (2, -3):
        with pytest.raises(ValueError, match=rf"^axis: .*shape \(4, 3\), given {wrong}"):
            conventions.class_axis(W, wrong)
    with pytest.raises(ValueError, match=r"^z: expected at least two dimensions"):
        conventions.class_axis([1.0, 2.0], 0)
    with pytest.raises(
        ValueError, match=r"^Z: expected shape \(3, 4\) .*on axis 0, given shape \(4, 3\)"
    ):
        conventions.class_axis_back(W, W, 0)


def test_columns():
    rows = conventions.columns(np.asfortranarray(X.T))
    compare.same(rows, X)
    arrays = {"W": W, "X'": X.T, "Y'": np.eye(K)[classes].T}
    gradient = softmax.nll_gradient(W, rows, classes)
    check("columns", gradient, derive("columns", arrays), "data points as columns")
    transposed = derive("columns", {"X": X, "Y": np.eye(K)[classes], "U": W.T}, 1)
    check("columns", gradient.T, transposed, "weights as columns")


def test_intercept():
    """Gradient and Hessian in two parts, and together."""
    w0 = 0.375
    extended = conventions.intercept(X)
    compare.same(extended[:, 1:], X)
    arrays = {**BINARY, "w_0": w0}
    gradient = logistic.nll_gradient([w0, *w], extended, y)
    hessian = logistic.nll_hessian([w0, *w], extended, y)
    check("intercept", gradient[0], derive("intercept", arrays), "by the intercept")
    check("intercept", gradient[1:], derive("intercept", arrays, 1), "by the weights")
    check("intercept", hessian[0, 0], derive("intercept", arrays, 2), "intercept, intercept")
    check("intercept", hessian[0, 1:], derive("intercept", arrays, 3), "intercept, weights")
    value = loops.at(60, loops.logistic_nll, [w0, *w], extended, y)
    check("intercept", logistic.nll([w0, *w], extended, y), value, "value", oracle="loops")


def test_centring_moves_the_intercept_alone():
    centre = np.array([0.5, -2.0, 0.125])
    moved, w0 = X - centre, 0.375
    before = logistic.nll_hessian([w0, *w], conventions.intercept(X), y)
    logits = derive("intercept", {"w": w, "X": X, "w_0": w0}, 4)
    after = conventions.intercept(moved) @ np.array([w0 + w @ centre, *w])
    check("intercept", after, logits, "centred", ulp=4)
    # In the old coordinates b = b' - m.w the curvature is the same.
    back = np.eye(n + 1)
    back[0, 1:] = centre
    curvature = logistic.nll_hessian([w0 + w @ centre, *w], conventions.intercept(moved), y)
    check("intercept", back.T @ curvature @ back, before.tolist(), "centred", "identity", ulp=32)


@pytest.mark.parametrize("y", [[0, 0, 0, 1], [2, 0, 1, 1, 2, 2, 2]])
def test_balanced_weights(y):
    """Each class weighs N / K in the sum, so that the weights of all data points sum to N."""
    K = max(y) + 1
    s = conventions.class_weights(conventions.balanced_weights(y, K), y)
    compare.check(
        np.bincount(y, weights=s),
        [Fraction(len(y), K)] * K,
        statement="conventions.class_weights",
        oracle="by hand",
        case=f"balanced {y}",
        ulp=2,
    )
    with pytest.raises(ValueError, match=r"^y: expected labels of all 4 classes, given none of 3"):
        conventions.balanced_weights([0, 1, 2, 2], 4)
