"""statsmodels: Logit, and of MNLogit the log-likelihood, since it has K - 1 gradients for K classes.

It has no sample weights; whole ones are taken as repeated data points.
"""

import numpy as np
import statsmodels.api as sm


def repeated(X, y, sample_weight):
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    if sample_weight is None:
        return X, y
    counts = np.asarray(sample_weight, dtype=float)
    if (counts != np.round(counts)).any():
        raise NotImplementedError("weights that are no counts")
    return np.repeat(X, counts.astype(int), axis=0), np.repeat(y, counts.astype(int))


def logit(X, y, sample_weight=None):
    X, y = repeated(X, y, sample_weight)
    return sm.Logit(y, X)


def multinomial_nll(W, X, y, sample_weight=None):
    X, y = repeated(X, y, sample_weight)
    W = np.asarray(W, dtype=float)
    if len(np.unique(y)) < len(W) or len(W) < 2:
        raise NotImplementedError("a class without data")
    return -sm.MNLogit(y, X).loglike((W[1:] - W[0]).T)  # class 0 is the reference


FUNCTIONS = {
    "logistic.nll": lambda w, **data: -logit(**data).loglike(np.asarray(w)),
    "logistic.nll_gradient": lambda w, **data: -logit(**data).score(np.asarray(w)),
    "logistic.nll_hessian": lambda w, **data: -logit(**data).hessian(np.asarray(w)),
    "sigmoid.sigmoid": lambda t: logit([[1.0]], [1]).cdf(np.asarray(t)),
    "softmax.nll": multinomial_nll,
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    try:
        with np.errstate(all="ignore"):
            return FUNCTIONS[function](**input)
    except IndexError as problem:  # how an empty matrix is refused
        raise ValueError(problem) from None
