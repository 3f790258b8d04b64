"""The same functions by the peers, with our signatures: sums over the data, no intercept added."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import statsmodels.api as sm
import torch
from scipy import special
from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
from sklearn.linear_model._linear_loss import LinearModelLoss
from torch.nn import functional

from reference_impl import identification

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)


class PyTorch:
    """torch.nn.functional with autograd."""

    def binary(w, X, y, s):
        X, y, s = (torch.tensor(a, dtype=torch.float64) for a in (X, y, s))

        def nll(w):
            return functional.binary_cross_entropy_with_logits(X @ w, y, s, reduction="sum")

        return _torch_derivatives(nll, w)

    def multinomial(W, X, y, s):
        X, s = (torch.tensor(a, dtype=torch.float64) for a in (X, s))
        y = torch.tensor(y)

        def nll(W):
            return s @ functional.cross_entropy(X @ W.T, y, reduction="none")

        return _torch_derivatives(nll, W)


def _torch_derivatives(nll, parameters):
    parameters = torch.tensor(parameters, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(nll, parameters)
    gradient = torch.func.grad(nll)(parameters)
    return nll(parameters).numpy()[()], gradient.numpy(), hessian.numpy()


class Jax:
    """jax.nn with grad and hessian, compiled once for each shape."""

    def binary(w, X, y, s):
        return _jax_derivatives(_jax_binary, w, X, y, s)

    def multinomial(W, X, y, s):
        return _jax_derivatives(_jax_multinomial, W, X, y, s)


def _jax_binary(w, X, y, s):
    z = X @ w
    return jnp.sum(s * (jax.nn.softplus(z) - y * z))


def _jax_multinomial(W, X, y, s):
    log_p = jax.nn.log_softmax(X @ W.T, axis=1)
    return -jnp.sum(s * log_p[jnp.arange(len(y)), y])


@functools.partial(jax.jit, static_argnums=0)
def _jax_compiled(nll, *arguments):
    return nll(*arguments), jax.grad(nll)(*arguments), jax.hessian(nll)(*arguments)


def _jax_derivatives(nll, *arguments):
    return tuple(np.asarray(value)[()] for value in _jax_compiled(nll, *arguments))


class ScikitLearn:
    """The loss that LogisticRegression minimises: a mean, here multiplied by the total weight."""

    def binary(w, X, y, s):
        loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=False)
        value, gradient = loss.loss_gradient(w, X, y.astype(float), sample_weight=s)
        hessian = loss.gradient_hessian(w, X, y.astype(float), sample_weight=s)[1]
        return tuple(s.sum() * np.asarray(part)[()] for part in (value, gradient, hessian))

    def multinomial(W, X, y, s):
        K, n = W.shape
        loss = LinearModelLoss(base_loss=HalfMultinomialLoss(n_classes=K), fit_intercept=False)
        coefficients = np.asfortranarray(W)
        labels = y.astype(float)
        value, gradient = loss.loss_gradient(coefficients, X, labels, sample_weight=s)
        hessian = loss.gradient_hessian(coefficients, X, labels, sample_weight=s)[1]
        # Its Hessian runs over the coefficients in Fortran order: feature first, then class.
        hessian = np.asarray(hessian).reshape(n, K, n, K).transpose(1, 0, 3, 2)
        return tuple(s.sum() * np.asarray(part)[()] for part in (value, gradient, hessian))


class Statsmodels:
    """Logit and MNLogit; both take the log-likelihood, and MNLogit a reference class 0."""

    def binary(w, X, y, s):
        model = sm.Logit(np.repeat(y, s.astype(int)), np.repeat(X, s.astype(int), axis=0))
        return -model.loglike(w), -model.score(w), -model.hessian(w)

    def multinomial(W, X, y, s):
        """With respect to the coded coefficients V: K - 1 classes, the first is the reference."""
        model = sm.MNLogit(np.repeat(y, s.astype(int)), np.repeat(X, s.astype(int), axis=0))
        K, n = W.shape
        V = identification.reference_class(W)[1:]
        parameters = V.T  # n x (K-1), flattened in Fortran order
        hessian = -model.hessian(parameters).reshape(K - 1, n, K - 1, n)
        gradient = -model.score(parameters).reshape(K - 1, n)
        return -model.loglike(parameters), gradient, hessian


DERIVATIVES = {
    "PyTorch": PyTorch,
    "JAX": Jax,
    "scikit-learn": ScikitLearn,
    "statsmodels": Statsmodels,
}


def _torch(function):
    return lambda z: function(torch.tensor(z, dtype=torch.float64)).numpy()


def _jax(function):
    return lambda z: np.asarray(function(jnp.asarray(z)))


# For one row of logits, or for a vector of t.
ELEMENTARY = {
    "sigmoid": {
        "SciPy": special.expit,
        "PyTorch": _torch(torch.sigmoid),
        "JAX": _jax(jax.nn.sigmoid),
    },
    "log_sigmoid": {
        "SciPy": special.log_expit,
        "PyTorch": _torch(functional.logsigmoid),
        "JAX": _jax(jax.nn.log_sigmoid),
    },
    "softplus": {
        "SciPy": lambda t: np.logaddexp(0, t),
        "PyTorch": _torch(functional.softplus),
        "JAX": _jax(jax.nn.softplus),
    },
    "softmax": {
        "SciPy": special.softmax,
        "PyTorch": _torch(lambda z: functional.softmax(z, dim=-1)),
        "JAX": _jax(jax.nn.softmax),
    },
    "log_softmax": {
        "SciPy": special.log_softmax,
        "PyTorch": _torch(lambda z: functional.log_softmax(z, dim=-1)),
        "JAX": _jax(jax.nn.log_softmax),
    },
    "logsumexp": {
        "SciPy": special.logsumexp,
        "PyTorch": _torch(lambda z: torch.logsumexp(z, dim=-1)),
        "JAX": _jax(jax.nn.logsumexp),
    },
}
