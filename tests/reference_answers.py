"""What the implementation answers to the test vectors, function by function."""

import numpy as np

from reference_impl import arguments, conventions, logistic, sigmoid, softmax

SPECIAL = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}


def answer(function, given):
    """Ask the implementation for a function, with an input as it stands in a file."""
    return FUNCTIONS[function](**{name: numbers(value) for name, value in given.items()})


def numbers(value):
    if isinstance(value, list):
        return [numbers(entry) for entry in value]
    return SPECIAL.get(value, value) if isinstance(value, str) else value


def logsumexp(z, axis=-1, b=None):
    return softmax.logsumexp(z, tuple(axis) if isinstance(axis, list) else axis, b=b)


def penalised(gradient):
    def with_penalty(theta, penalty, *data):
        penalty = arguments.nonnegative("penalty", penalty)
        return gradient(theta, *data) + penalty * np.asarray(theta)

    return with_penalty


penalised_binary, penalised_classes = map(penalised, (logistic.nll_gradient, softmax.nll_gradient))


def mean_gradient(w, X, y, sample_weight):
    shares = conventions.weighted_mean(sample_weight)
    return logistic.nll_gradient(w, X, y, sample_weight=shares)


def soft_nll(w, X, q):
    X = arguments.design_matrix(X)
    return np.float64(sigmoid.soft_losses(X @ arguments.vector("w", w, X), q).sum())


def one_for_each_class(name, count, W):
    if count != len(W):
        raise ValueError(f"{name}: expected the shape of {len(W)} classes, given {count} entries")


def soft_gradient(W, X, Y):
    X, y, s = conventions.soft_labels(X, Y)
    one_for_each_class("Y", np.shape(Y)[1], W)
    return softmax.nll_gradient(W, X, y, sample_weight=s)


def class_weighted(W, X, y, class_weight):
    softmax.nll_gradient(W, X, y)
    one_for_each_class("class_weight", np.size(class_weight), W)
    s = conventions.class_weights(class_weight, y)
    return softmax.nll_gradient(W, X, y, sample_weight=s)


FUNCTIONS = {
    "sigmoid.sigmoid": sigmoid.sigmoid,
    "sigmoid.log_sigmoid": sigmoid.log_sigmoid,
    "sigmoid.softplus": sigmoid.softplus,
    "sigmoid.residuals": sigmoid.residuals,
    "softmax.softmax": softmax.softmax,
    "softmax.log_softmax": softmax.log_softmax,
    "softmax.logsumexp": logsumexp,
    "softmax.losses": softmax.losses,
    "softmax.residuals": softmax.residuals,
    "logistic.nll": logistic.nll,
    "logistic.nll_gradient": logistic.nll_gradient,
    "logistic.nll_hessian": logistic.nll_hessian,
    "logistic.nll_hvp": logistic.nll_hvp,
    "logistic.penalised_gradient": lambda w, X, y, penalty: penalised_binary(w, penalty, X, y),
    "logistic.mean_gradient": mean_gradient,
    "logistic.soft_nll": soft_nll,
    "softmax.nll": softmax.nll,
    "softmax.nll_gradient": softmax.nll_gradient,
    "softmax.nll_hessian": softmax.nll_hessian,
    "softmax.nll_hvp": softmax.nll_hvp,
    "softmax.penalised_gradient": lambda W, X, y, penalty: penalised_classes(W, penalty, X, y),
    "softmax.soft_gradient": soft_gradient,
    "softmax.class_weighted_gradient": class_weighted,
}
