"""Which convention each library has, run: the same number after the conversion of that convention.

What is asserted here is what the table on the page of conventions says.
"""

import compare
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm
import torch
from designs import eighths
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch.nn import functional

from reference_impl import (
    conventions,
    identification,
    logistic,
    normalisation,
    sigmoid,
    softmax,
    targets,
)
from reference_impl.engine import estimation

jax.config.update("jax_enable_x64", True)

RNG = np.random.default_rng(3)
N, n, K = 12, 3, 4
X, W, w = eighths(RNG, N, n), eighths(RNG, K, n, largest=1), eighths(RNG, n, largest=1)
y, classes = np.arange(N) % 2, np.array([3, 0, 2, 2, 1, 0, 3, 1, 0, 2, 1, 3])
s = np.array([0.5, 2, 1, 1.25, 3, 1, 0.75, 1, 2, 1, 1.5, 1])
q = np.array([0.5, 2.0, 1.0, 3.0])
SOFT = np.abs(eighths(RNG, N, K))
SOFT /= SOFT.sum(axis=1, keepdims=True)


def agree(name, library, case, ours, theirs, ulp=64):
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    compare.check(
        ours,
        theirs.tolist(),
        statement=f"conventions.{name}",
        oracle=library,
        case=case,
        ulp=ulp,
    )


def tensor(array, leaf=False):
    return torch.tensor(np.asarray(array), dtype=torch.float64, requires_grad=leaf)


def value_and_gradient(W, X, y, s=None):
    return softmax.nll(W, X, y, sample_weight=s), softmax.nll_gradient(W, X, y, sample_weight=s)


# -------------------------------------------------------------------------------- layers


def test_torch_smooths_before_it_weighs_and_divides_by_the_weights_of_the_labels():
    """With class weights c: (1 - a) c_y and a c_b / K; the mean is over the c_y that count."""
    z, given, alpha = eighths(RNG, N, K), classes.copy(), 0.25
    given[[1, 5]] = -100
    kept = given >= 0
    logits = tensor(z, leaf=True)
    cost = functional.cross_entropy(logits, torch.tensor(given), tensor(q), label_smoothing=alpha)
    cost.backward()
    hot = np.where(kept[:, None], np.eye(K)[np.where(kept, given, 0)], 0.0)
    ours = targets.label_smoothing(z, hot, q, alpha)
    ours = np.where(kept[:, None], ours, 0.0) / q[given[kept]].sum()
    compare.check(ours, logits.grad.tolist(), statement="targets.label_smoothing",
                  oracle="PyTorch", case="weights and ignored labels", ulp=64)  # fmt: skip


def test_torch_has_a_weight_of_the_positives_for_each_class():
    z, Y, c = eighths(RNG, N, K), (eighths(RNG, N, K) > 0).astype(float), np.array([1.0, 2, 0.5, 3])
    logits = tensor(z, leaf=True)
    functional.binary_cross_entropy_with_logits(
        logits, tensor(Y), pos_weight=tensor(c), reduction="sum"
    ).backward()
    compare.check(targets.many_labels_gradient(z, Y, c), logits.grad.tolist(),
                  statement="targets.many_labels_gradient", oracle="PyTorch",
                  case="pos_weight by class", ulp=64)  # fmt: skip


def test_torch_batch_norm_divides_by_N_and_keeps_N_minus_one():
    """The pass of the training divides by N; what is kept for inference divides by N - 1."""
    z, gain, bias = eighths(RNG, N, n), eighths(RNG, n), eighths(RNG, n)
    kept_mean, kept_variance = (
        torch.zeros(n, dtype=torch.float64),
        torch.zeros(n, dtype=torch.float64),
    )
    output = functional.batch_norm(tensor(z), kept_mean, kept_variance, tensor(gain), tensor(bias),
                                   training=True, momentum=1.0)  # fmt: skip
    layer = normalisation.BatchNorm(gain, bias, 1e-5)
    compare.check(layer.forward(z), output.tolist(), statement="normalisation.batch_norm_forward",
                  oracle="PyTorch", case="N", ulp=64)  # fmt: skip
    fixed = normalisation.FixedBatchNorm(z.mean(axis=0), z.var(axis=0) * N / (N - 1), gain, bias)
    evaluated = functional.batch_norm(tensor(z), kept_mean, kept_variance, tensor(gain),
                                      tensor(bias), training=False)  # fmt: skip
    compare.check(fixed.forward(z), evaluated.tolist(),
                  statement="normalisation.batch_norm_inference_forward", oracle="PyTorch",
                  case="N - 1", ulp=64)  # fmt: skip


# ------------------------------------------------------------------------------- PyTorch


def torch_cost(name, case, expected, target, data=X, **options):
    """The value and the gradient by W of ``cross_entropy`` are the expected ones."""
    parameters = tensor(W, leaf=True)
    cost = functional.cross_entropy(tensor(data) @ parameters.T, target, **options)
    cost.backward()
    for ours, theirs in zip(expected, (cost, parameters.grad), strict=True):
        agree(name, "PyTorch", case, np.asarray(ours)[()], theirs)


def test_torch_takes_the_mean():
    mean = conventions.weighted_mean(np.ones(N))
    torch_cost(
        "weighted_mean",
        "default",
        value_and_gradient(W, X, classes, mean),
        torch.tensor(classes),
    )
    torch_cost(
        "factor",
        "reduction=sum",
        value_and_gradient(W, X, classes),
        torch.tensor(classes),
        reduction="sum",
    )


def test_torch_divides_by_the_sum_of_the_class_weights():
    weights = conventions.class_weights(q, classes)
    mean = conventions.weighted_mean(weights)
    torch_cost(
        "class_weights",
        "mean",
        value_and_gradient(W, X, classes, mean),
        torch.tensor(classes),
        weight=tensor(q),
    )


def test_torch_leaves_ignored_labels_out_of_the_mean():
    given = np.where(classes == 2, -100, classes)
    labels, weights = conventions.ignored_labels(given, -100, K)
    mean = conventions.weighted_mean(weights)
    torch_cost(
        "ignored_labels", "-100", value_and_gradient(W, X, labels, mean), torch.tensor(given)
    )
    mean = conventions.weighted_mean(weights * conventions.class_weights(q, labels))
    torch_cost(
        "ignored_labels",
        "-100 and class weights",
        value_and_gradient(W, X, labels, mean),
        torch.tensor(given),
        weight=tensor(q),
    )


def test_torch_takes_probabilities():
    rows, labels, weights = conventions.soft_labels(X, SOFT)
    expected = value_and_gradient(W, rows, labels, weights)
    torch_cost("soft_labels", "sum", expected, tensor(SOFT), reduction="sum")


def test_torch_divides_soft_labels_by_n_even_with_class_weights():
    rows, labels, weights = conventions.soft_labels(X, SOFT)
    inside = weights * conventions.class_weights(q, labels) / N
    expected = value_and_gradient(W, rows, labels, inside)
    torch_cost("class_weights", "soft labels, mean", expected, tensor(SOFT), weight=tensor(q))


@pytest.mark.parametrize("places", [(5,), (2, 3), (2, 1, 2)])
def test_torch_has_the_classes_on_axis_1(places):
    rng = np.random.default_rng(len(places))
    z, labels = eighths(rng, 3, K, *places), rng.integers(0, K, (3, *places))
    logits = tensor(z, leaf=True)
    cost = functional.cross_entropy(logits, torch.tensor(labels), reduction="sum")
    cost.backward()
    rows, flat = conventions.class_axis(z), labels.ravel()
    # With the identity as the weights, the rows are their own logits.
    agree("class_axis", "PyTorch", str(places), softmax.nll(np.eye(K), rows, flat), cost)
    residual = softmax.softmax(rows) - conventions.one_hot(flat, K)
    back = conventions.class_axis_back(residual, z)
    agree("class_axis", "PyTorch", str(places), back, logits.grad)


def test_torch_binary_weights_divide_by_n():
    """``weight`` is a sample weight and its mean divides by N; ``pos_weight`` is of the label 1."""
    expected = logistic.nll(w, X, y, sample_weight=s) / N
    theirs = functional.binary_cross_entropy_with_logits(tensor(X @ w), tensor(y), tensor(s))
    agree("weighted_mean", "PyTorch", "binary, over N", expected, theirs)
    expected = logistic.nll(w, X, y, sample_weight=conventions.class_weights([1, 2.5], y))
    theirs = functional.binary_cross_entropy_with_logits(
        tensor(X @ w), tensor(y), pos_weight=tensor(2.5), reduction="sum"
    )
    agree("class_weights", "PyTorch", "pos_weight", expected, theirs)


def test_torch_has_a_loss_for_signs():
    m = conventions.signs(y)
    theirs = functional.soft_margin_loss(tensor(X @ w), tensor(m), reduction="sum")
    agree("signs", "PyTorch", "soft_margin_loss", logistic.nll(w, X, y), theirs)


def test_torch_weights_are_one_class_a_row_and_the_bias_is_apart():
    layer = torch.nn.Linear(n, K, dtype=torch.float64)
    assert layer.weight.shape == (K, n) and layer.bias.shape == (K,)


# ----------------------------------------------------------------------------------- JAX


def test_jax_classes_are_the_last_axis():
    Z = eighths(np.random.default_rng(0), 2, 3, K)
    agree("class_axis", "JAX", "default", softmax.softmax(Z, axis=-1), jax.nn.softmax(jnp.array(Z)))


def test_jax_one_hot_ignores_labels_out_of_range():
    """A label -1 becomes a row of zeros: in effect it is ignored, without a word."""
    labels = np.where(classes == 2, -1, classes)
    Y = np.asarray(jax.nn.one_hot(jnp.array(labels), K, dtype=float))
    kept, weights = conventions.ignored_labels(labels, -1, K)
    compare.same(Y, conventions.one_hot(kept, K) * weights[:, np.newaxis])
    theirs = jax.grad(lambda W: -jnp.sum(Y * jax.nn.log_softmax(X @ W.T)))(jnp.array(W))
    ours = softmax.nll_gradient(W, X, kept, sample_weight=weights)
    agree("ignored_labels", "JAX", "one_hot of -1", ours, theirs)


# -------------------------------------------------------------------------- scikit-learn


def fitted(model, X, y, s=None):
    model.fit(X, y, sample_weight=s)
    return model.intercept_, model.coef_


@pytest.mark.parametrize("C", [0.25, 2.0])
def test_sklearn_has_a_factor_on_the_sum(C):
    """C sum_i s_i l_i + norm(w)^2 / 2: the minimiser with lambda = 1 / C."""
    model = LogisticRegression(C=C, tol=1e-12, solver="newton-cholesky", fit_intercept=False)
    coefficients = fitted(model, X, y, s)[1]
    ours = estimation.newton(X, y, penalty=1 / C, sample_weight=s, tol=1e-10).w
    agree("penalty_strength", "scikit-learn", f"C={C}", ours, coefficients[0], ulp=2**16)


def test_sklearn_does_not_penalise_the_intercept():
    """So the derivative by it is zero without a penalty: probabilities and labels have one mean."""
    model = LogisticRegression(C=0.25, tol=1e-12, solver="newton-cholesky")
    b, coefficients = fitted(model, X, y, s)
    p = sigmoid.sigmoid(X @ coefficients[0] + b)
    agree("intercept", "scikit-learn", "C=0.25", s @ p, s @ y, ulp=2**16)


def test_sklearn_keeps_all_classes_and_sorts_the_labels():
    names = np.array(["delta", "alpha", "charlie", "bravo"])[classes]
    model = LogisticRegression(C=1.0, tol=1e-12, max_iter=10**4).fit(X, names)
    assert model.classes_.tolist() == ["alpha", "bravo", "charlie", "delta"]
    assert model.coef_.shape == (K, n) and model.intercept_.shape == (K,)
    size = np.abs(model.coef_).sum(axis=0)  # the penalty selects rows that sum to zero
    agree("intercept", "scikit-learn", "K rows", size + model.coef_.sum(axis=0), size, ulp=2**24)


def test_sklearn_calls_the_last_of_two_labels_1():
    options = {"C": 1.0, "tol": 1e-12, "solver": "newton-cholesky"}
    ours = fitted(LogisticRegression(**options), X, y, s)
    theirs = fitted(LogisticRegression(**options), X, np.array(["no", "yes"])[y], s)
    swapped = fitted(LogisticRegression(**options), X, np.array(["yes", "no"])[y], s)
    for mine, peer, opposite in zip(ours, theirs, swapped, strict=True):
        compare.same(mine, peer)
        agree("swapped_labels", "scikit-learn", "names", -opposite, peer, ulp=2**16)


def test_sklearn_class_weights_multiply_the_sample_weights():
    weights = {label: float(value) for label, value in enumerate(q)}
    options = {"C": 1.0, "tol": 1e-12, "max_iter": 10**4}
    ours = fitted(
        LogisticRegression(**options), X, classes, s * conventions.class_weights(q, classes)
    )
    theirs = fitted(LogisticRegression(class_weight=weights, **options), X, classes, s)
    for mine, peer in zip(ours, theirs, strict=True):
        agree("class_weights", "scikit-learn", "and sample weights", mine, peer, ulp=2**16)


def test_sklearn_log_loss_is_the_weighted_mean():
    P = softmax.softmax(X @ W.T)
    mean = softmax.nll(W, X, classes, sample_weight=conventions.weighted_mean(s))
    theirs = log_loss(classes, P, labels=range(K), sample_weight=s)
    agree("weighted_mean", "scikit-learn", "log_loss", mean, theirs)
    total = softmax.nll(W, X, classes, sample_weight=s)
    theirs = log_loss(classes, P, labels=range(K), sample_weight=s, normalize=False)
    agree("factor", "scikit-learn", "log_loss, normalize=False", total, theirs)


# --------------------------------------------------------------------------- statsmodels


def test_statsmodels_maximises_the_log_likelihood_and_adds_no_intercept():
    model = sm.Logit(y, X)
    agree("factor", "statsmodels", "kappa = -1", -logistic.nll(w, X, y), model.loglike(w))
    agree("factor", "statsmodels", "kappa = -1", -logistic.nll_gradient(w, X, y), model.score(w))
    agree("factor", "statsmodels", "kappa = -1", -logistic.nll_hessian(w, X, y), model.hessian(w))
    compare.same(sm.add_constant(X), conventions.intercept(X))


def test_statsmodels_refers_to_the_first_class_and_has_classes_as_columns():
    model = sm.MNLogit(classes, X)
    V = identification.reference_class(W)[1:]
    gradient = softmax.nll_gradient(W, X, classes)[1:]
    # n x (K-1), flattened by columns: our rows one after the other.
    agree("columns", "statsmodels", "MNLogit", -gradient.ravel(), model.score(V.T.ravel(order="F")))


def test_statsmodels_sorts_the_labels():
    """With the labels reversed the last class of ours is their first, the reference."""
    model = sm.MNLogit(30 - 10 * classes, X)
    V = identification.reference_class(W, K - 1)[:-1][::-1]
    gradient = softmax.nll_gradient(W, X, classes)[:-1][::-1]
    agree(
        "columns", "statsmodels", "reversed", -gradient.ravel(), model.score(V.T.ravel(order="F"))
    )


def test_statsmodels_deviance_is_twice_the_nll():
    model = sm.GLM(y, X, family=sm.families.Binomial())
    deviance = model.family.deviance(y.astype(float), model.predict(w))
    agree("factor", "statsmodels", "kappa = 2", 2 * logistic.nll(w, X, y), deviance)
