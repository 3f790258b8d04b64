"""The same sums by each peer: the NLL with its gradient, the Hessian, a Hessian-vector product.

A peer is a function of a `Problem` that converts its data once, in no one's time, and returns
functions without arguments by task; it leaves out what the library cannot do. Ours is one of them.
"""

import functools
from dataclasses import dataclass

import numpy as np

from reference_impl import identification
from reference_impl.engine import compiled, logistic, softmax


@dataclass(frozen=True, eq=False)
class Problem:
    """Labels of K classes; K = 2 is the binary model, whose parameters are a vector."""

    X: np.ndarray
    y: np.ndarray
    parameters: np.ndarray
    direction: np.ndarray
    K: int
    threads: int

    @property
    def binary(self):
        return self.K == 2

    @property
    def dtype(self):
        return self.X.dtype


def problem(N, n, K, dtype, threads, seed=0):
    """Random data of a shape; the logits are of order one, the labels are drawn from the model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, n), dtype=np.float32 if dtype == "float32" else np.float64)
    shape = (n,) if K == 2 else (K, n)
    parameters = rng.standard_normal(shape) / n**0.5
    if K == 2:
        y = (X @ parameters + rng.logistic(size=N) > 0).astype(np.int64)
    else:
        y = np.argmax(X @ parameters.T + rng.gumbel(size=(N, K)), axis=1)
    return Problem(X, y, parameters, rng.standard_normal(shape), K, threads)


def ours(p):
    """This project: one read of X, block by block."""
    module = logistic if p.binary else softmax
    data = p.parameters, p.X, p.y
    options = {"threads": p.threads}
    tasks = {
        "gradient": lambda: module.nll_and_gradient(*data, dtype=p.dtype, **options),
    }
    if p.dtype == np.float64:
        tasks["hessian"] = lambda: module.nll_hessian(*data, **options)
        tasks["hvp"] = lambda: module.nll_hvp(*data, p.direction, **options)
    return tasks


def without_numba(p):
    """This project where numba is not installed: loss and gradient by NumPy alone."""
    task = ours(p)["gradient"]

    def gradient():
        loops, compiled.loops = compiled.loops, lambda dtype: None
        try:
            return task()
        finally:
            compiled.loops = loops

    return {"gradient": gradient} if p.dtype == np.float64 else {}


def textbook(p):
    """The formulas as one writes them down in NumPy."""
    X, y, w, v = p.X, p.y, p.parameters.astype(p.dtype), p.direction.astype(p.dtype)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    one = p.dtype.type(1)

    def gradient():
        z = X @ w
        return np.sum(np.logaddexp(0 * one, z) - y.astype(p.dtype) * z), X.T @ (
            sigmoid(z) - y.astype(p.dtype)
        )

    def hessian():
        probability = sigmoid(X @ w)
        return X.T @ ((probability * (1 - probability))[:, np.newaxis] * X)

    def hvp():
        probability = sigmoid(X @ w)
        return X.T @ (probability * (1 - probability) * (X @ v))

    if p.binary:
        return {"gradient": gradient, "hessian": hessian, "hvp": hvp}
    rows = np.arange(len(y))

    def probabilities(Z):
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def gradient():
        Z = X @ w.T
        largest = Z.max(axis=1)
        log_sum = largest + np.log(np.exp(Z - largest[:, np.newaxis]).sum(axis=1))
        P = probabilities(Z)
        P[rows, y] -= 1
        return np.sum(log_sum - Z[rows, y]), P.T @ X

    def hessian():
        P = probabilities(X @ w.T)
        H = np.empty((p.K, X.shape[1], p.K, X.shape[1]))
        for a in range(p.K):
            for b in range(p.K):
                weight = P[:, a] * ((a == b) - P[:, b])
                H[a, :, b] = X.T @ (weight[:, np.newaxis] * X)
        return H

    def hvp():
        P, Q = probabilities(X @ w.T), X @ v.T
        return (P * (Q - (P * Q).sum(axis=1, keepdims=True))).T @ X

    return {"gradient": gradient, "hessian": hessian, "hvp": hvp}


def scikit_learn(p):
    """LinearModelLoss, which LogisticRegression minimises: a mean, here times N."""
    from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    base = HalfBinomialLoss() if p.binary else HalfMultinomialLoss(n_classes=p.K)
    loss = LinearModelLoss(base_loss=base, fit_intercept=False)
    y, N, n = p.y.astype(p.dtype), len(p.X), p.X.shape[1]
    w = np.asfortranarray(p.parameters.astype(p.dtype))
    options = {"n_threads": p.threads}

    def gradient():
        value, gradient = loss.loss_gradient(w, p.X, y, **options)
        return N * value, N * np.asarray(gradient)

    def hessian():
        H = N * np.asarray(loss.gradient_hessian(w, p.X, y, **options)[1])
        # It runs over the coefficients in Fortran order: feature first, then class.
        return H if p.binary else H.reshape(n, p.K, n, p.K).transpose(1, 0, 3, 2)

    def hvp():
        _, product = loss.gradient_hessian_product(w, p.X, y, l2_reg_strength=0.0, **options)
        flat = p.direction if p.binary else p.direction.ravel(order="F")
        found = N * np.asarray(product(flat))
        return found if p.binary else found.reshape((p.K, n), order="F")

    return {"gradient": gradient, "hessian": hessian, "hvp": hvp}


def statsmodels(p):
    """Logit and MNLogit; the latter has a reference class, so it finds K - 1 gradients only."""
    if p.dtype != np.float64:
        return {}
    import statsmodels.api as sm

    if p.binary:
        model, w = sm.Logit(p.y, p.X), p.parameters
        as_ours = np.asarray
    else:
        if len(np.unique(p.y)) < p.K:
            return {}
        model = sm.MNLogit(p.y, p.X)
        w = identification.reference_class(p.parameters)[1:].T
        as_ours = Other
    return {
        "gradient": lambda: (-model.loglike(w), as_ours(-model.score(w))),
        "hessian": lambda: as_ours(-model.hessian(w)),
    }


@dataclass(frozen=True, eq=False)
class Other:
    """A result in another parametrisation, not compared with ours."""

    value: np.ndarray


def _torch_nll(p):
    import torch
    from torch.nn import functional

    torch.set_num_threads(p.threads)
    X = torch.from_numpy(p.X)
    y = torch.from_numpy(p.y.astype(p.dtype) if p.binary else p.y)

    def nll(w):
        if p.binary:
            return functional.binary_cross_entropy_with_logits(X @ w, y, reduction="sum")
        return functional.cross_entropy(X @ w.T, y, reduction="sum")

    return nll, torch.from_numpy(p.parameters.astype(p.dtype))


def _torch_gradient(nll, w):
    w = w.clone().requires_grad_()

    def gradient():
        w.grad = None
        value = nll(w)
        value.backward()
        return value.item(), w.grad.numpy()

    return gradient


def torch(p):
    """torch.nn.functional and autograd; second derivatives by torch.func."""
    import torch

    nll, w = _torch_nll(p)
    v = torch.from_numpy(p.direction.astype(p.dtype))
    tasks = {"gradient": _torch_gradient(nll, w)}
    if p.dtype == np.float64:
        if len(p.X) * p.parameters.size * p.K * 8 < 1e8:  # it takes minutes
            tasks["hessian"] = lambda: torch.func.hessian(nll)(w).numpy()
        grad = torch.func.grad(nll)
        tasks["hvp"] = lambda: torch.func.jvp(grad, (w,), (v,))[1].numpy()
    return tasks


def torch_compile(p):
    """The same loss through torch.compile."""
    import torch

    torch.compiler.reset()  # or, after eight problems, it would no longer compile
    nll, w = _torch_nll(p)
    return {"gradient": _torch_gradient(torch.compile(nll), w)}


def jax(p):
    """jax.jit of jax.value_and_grad."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, y, w, v = (jnp.asarray(a) for a in (p.X, p.y, p.parameters, p.direction))
    w, v = w.astype(p.dtype), v.astype(p.dtype)

    def nll(w, X, y):
        if p.binary:
            z = X @ w
            return jnp.sum(jax.nn.softplus(z) - y.astype(z.dtype) * z)
        log_p = jax.nn.log_softmax(X @ w.T, axis=1)
        return -jnp.sum(jnp.take_along_axis(log_p, y[:, None], axis=1))

    both = jax.jit(jax.value_and_grad(nll))
    hessian = jax.jit(jax.hessian(nll))
    hvp = jax.jit(lambda w, v, X, y: jax.jvp(lambda w: jax.grad(nll)(w, X, y), (w,), (v,))[1])
    tasks = {"gradient": lambda: tuple(np.asarray(part) for part in both(w, X, y))}
    if p.dtype == np.float64:
        if len(p.X) * p.parameters.size * (1 if p.binary else p.K) * 8 < 2e9:
            tasks["hessian"] = lambda: np.asarray(hessian(w, X, y))
        tasks["hvp"] = lambda: np.asarray(hvp(w, v, X, y))
    return tasks


def autograd(p):
    """The package autograd: NumPy traced call by call."""
    import autograd.numpy as anp
    from autograd import make_hvp, value_and_grad
    from autograd.scipy.special import logsumexp

    X, y, w, rows = p.X, p.y, p.parameters.astype(p.dtype), np.arange(len(p.y))
    as_float = y.astype(p.dtype)

    def nll(w):
        if p.binary:
            z = anp.dot(X, w)
            return anp.sum(anp.logaddexp(p.dtype.type(0), z) - as_float * z)
        Z = anp.dot(X, w.T)
        return anp.sum(logsumexp(Z, axis=1) - Z[rows, y])

    tasks = {"gradient": functools.partial(value_and_grad(nll), w)}
    if p.dtype == np.float64:
        tasks["hvp"] = lambda: make_hvp(nll)(w)[0](p.direction)
    return tasks


PEERS = {
    "this project": ours,
    "without numba": without_numba,
    "NumPy, textbook": textbook,
    "scikit-learn": scikit_learn,
    "statsmodels": statsmodels,
    "PyTorch": torch,
    "torch.compile": torch_compile,
    "JAX": jax,
    "autograd": autograd,
}


def difference(found, expected):
    """Return the largest difference of two results, relative to the largest entry of each part."""
    if isinstance(expected, tuple):
        # nan, if one of them is
        return float(np.max([difference(a, b) for a, b in zip(found, expected, strict=True)]))
    if isinstance(found, Other):
        return 0.0
    return float(np.max(np.abs(np.asarray(found) - expected)) / np.max(np.abs(expected)))
