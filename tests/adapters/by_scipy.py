"""scipy.special: the functions of logits; the losses that follow from its log-softmax."""

import numpy as np
from scipy import special


def loss(W, X, y, sample_weight=None):
    Z = np.asarray(X) @ np.asarray(W).T
    losses = -np.take_along_axis(special.log_softmax(Z, axis=1), np.asarray(y)[:, None], axis=1)
    return np.sum(losses[:, 0] * (1.0 if sample_weight is None else np.asarray(sample_weight)))


def binary_loss(w, X, y, sample_weight=None):
    t, y = np.asarray(X) @ np.asarray(w), np.asarray(y)
    losses = -(y * special.log_expit(t) + (1 - y) * special.log_expit(-t))
    return np.sum(losses * (1.0 if sample_weight is None else np.asarray(sample_weight)))


def of(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def losses(z, y):
    return -np.take_along_axis(special.log_softmax(z, axis=1), np.asarray(y)[:, None], axis=1)[:, 0]


FUNCTIONS = {
    "activations.log_sigmoid_forward": lambda z: special.log_expit(z),
    "activations.sigmoid_forward": lambda z: special.expit(z),
    "activations.softmax_forward": lambda z: special.softmax(z, axis=1),
    "activations.softplus_forward": lambda z: special.softplus(z),
    "gates.gelu_forward": lambda z: np.asarray(z) * special.ndtr(z),
    "softmax.losses": losses,
    "logistic.nll": binary_loss,
    "sigmoid.log_sigmoid": lambda t: special.log_expit(t),
    "sigmoid.sigmoid": lambda t: special.expit(t),
    "sigmoid.softplus": lambda t: special.softplus(t),
    "softmax.log_softmax": lambda z, axis=-1: special.log_softmax(z, axis=axis),
    "softmax.logsumexp": lambda z, axis=-1, b=None: special.logsumexp(z, axis=of(axis), b=b),
    "softmax.nll": loss,
    "softmax.softmax": lambda z, axis=-1: special.softmax(z, axis=axis),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    try:
        with np.errstate(all="ignore"):
            return FUNCTIONS[function](**input)
    except IndexError as problem:  # how NumPy refuses labels
        raise ValueError(problem) from None
