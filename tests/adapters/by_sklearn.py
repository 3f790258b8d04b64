"""scikit-learn: the loss that LogisticRegression minimises, a mean, here times the total weight.

The loss is internal and checks nothing: what reaches it has passed the checks of `fit`, which stand
here, too, and labels are those that `fit` has counted.
"""

import numpy as np
from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
from sklearn.linear_model._linear_loss import LinearModelLoss
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import _check_sample_weight, check_array, check_X_y


class Sum:
    """The loss at its coefficients, W in the Fortran order that scikit-learn has."""

    def __init__(self, w, X, y, sample_weight=None):
        X, y = check_X_y(X, y)
        self.w = np.asfortranarray(check_array(w, ensure_2d=False), dtype=float)
        self.X = np.asarray(X, dtype=float)
        s = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        classes = len(self.w) if self.w.ndim == 2 else 2
        if not np.isin(y, np.arange(classes)).all():
            raise NotImplementedError("labels that are not counted from 0")
        self.data = {"X": self.X, "y": np.asarray(y, dtype=float), "sample_weight": s}
        self.total = len(self.X) if s is None else s.sum()
        base = HalfMultinomialLoss(n_classes=classes) if self.w.ndim == 2 else HalfBinomialLoss()
        self.loss = LinearModelLoss(base_loss=base, fit_intercept=False)

    def nll(self):
        return self.total * self.loss.loss(self.w, **self.data)

    def gradient(self):
        return self.total * np.asarray(self.loss.gradient(self.w, **self.data))

    def hessian(self):
        H = self.total * np.asarray(self.loss.gradient_hessian(self.w, **self.data)[1])
        if self.w.ndim == 1:
            return H
        K, n = self.w.shape
        return H.reshape(n, K, n, K).transpose(1, 0, 3, 2)

    def hvp(self, v):
        times = self.loss.gradient_hessian_product(self.w, l2_reg_strength=0.0, **self.data)[1]
        found = np.asarray(times(np.ravel(np.asarray(v, dtype=float), order="F")))
        return self.total * found.reshape(self.w.shape, order="F")


def functions(concept, w, v):
    return {
        f"{concept}.nll": lambda data: Sum(data.pop(w), **data).nll(),
        f"{concept}.nll_gradient": lambda data: Sum(data.pop(w), **data).gradient(),
        f"{concept}.nll_hessian": lambda data: Sum(data.pop(w), **data).hessian(),
        f"{concept}.nll_hvp": lambda data: product(data.pop(v), data.pop(w), data),
    }


def product(v, w, data):
    return Sum(w, **data).hvp(v)


def probabilities(z, axis=-1):
    """It takes the rows of a matrix."""
    z = np.asarray(z, dtype=float)
    if z.ndim > 2 or axis not in (-1, z.ndim - 1):
        raise NotImplementedError("another axis than that of the rows")
    return softmax(np.atleast_2d(z)).reshape(z.shape)


FUNCTIONS = {
    **functions("logistic", "w", "v"),
    **functions("softmax", "W", "V"),
    "sigmoid.sigmoid": lambda input: HalfBinomialLoss().link.inverse(np.asarray(input["t"])),
    "activations.softmax_forward": lambda data: probabilities(**data),
    "softmax.softmax": lambda data: probabilities(**data),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    with np.errstate(all="ignore"):
        return FUNCTIONS[function](dict(input))
