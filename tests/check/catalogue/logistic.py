"""Logistic regression: gradient, Hessian, Hessian-vector product, penalty; softmax regression."""

import numpy as np
from scipy.special import expit, log_ndtr, log_softmax, softmax

from .entry import FACTOR, LAST, MEAN, SIGN, TRANSPOSED, ZERO, function, normal

X = np.column_stack([np.ones(8), normal(8, 3, seed=120)])
y = np.array([0, 1, 1, 0, 1, 0, 1, 1])
w = normal(4, seed=121)
CLASSES = np.array([0, 2, 1, 2, 0, 1, 2, 0])
Y = np.eye(3)[CLASSES]
W = normal(3, 4, seed=122)
SQUARE = normal(3, 3, seed=123)
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.5, 2.0])
LAMBDA = 0.7
UNPENALISED = np.array([0.0, 1.0, 1.0, 1.0])
PENALTY = r"penalty|lambda|parameter|\bw\b|decay|argument|point|diagonal|identity"
ROWS = r"weight|row|data"


def nll(w):
    z = X @ w
    return (np.logaddexp(0, z) - y * z).sum()


def nll_grad(w):
    return X.T @ (expit(X @ w) - y)


def nll_hessian(w):
    p = expit(X @ w)
    return X.T @ (X * (p * (1 - p))[:, None])


def ridge(w):
    return nll(w) + LAMBDA / 2 * (UNPENALISED * w**2).sum()


def ridge_grad(w):
    return nll_grad(w) + LAMBDA * UNPENALISED * w


def ridge_hessian(w):
    return nll_hessian(w) + LAMBDA * np.diag(UNPENALISED)


def lasso(w):
    return nll(w) + LAMBDA * np.abs(w).sum()


def weighted(w):
    z = X @ w
    return (WEIGHT * (np.logaddexp(0, z) - y * z)).sum()


def margins(w):
    """Labels -1 and 1."""
    return np.logaddexp(0, -(2 * y - 1) * (X @ w)).sum()


def softmax_nll(W):
    return -(Y * log_softmax(X @ W.T, axis=1)).sum()


def softmax_grad(W):
    return (softmax(X @ W.T, axis=1) - Y).T @ X


def softmax_hvp(W, V):
    p, u = softmax(X @ W.T, axis=1), X @ V.T
    return (p * (u - (p * u).sum(axis=1, keepdims=True))).T @ X


def square_nll(W):
    return -(Y * log_softmax(X[:, :3] @ W.T, axis=1)).sum()


def square_grad(W):
    return (softmax(X[:, :3] @ W.T, axis=1) - Y).T @ X[:, :3]


def probit(w):
    return -log_ndtr((2 * y - 1) * (X @ w)).sum()


def probit_grad(w):
    t = (2 * y - 1) * (X @ w)
    return -X.T @ ((2 * y - 1) * np.exp(-(t**2) / 2 - log_ndtr(t)) / np.sqrt(2 * np.pi))


def poisson(w):
    return (np.exp(X @ w) - y * (X @ w)).sum()


def probabilities(w):
    return expit(X @ w)


def jacobian(w):
    p = expit(X @ w)
    return X * (p * (1 - p))[:, None]


def of_data(X):
    """The NLL as a function of the data."""
    z = X @ w
    return (np.logaddexp(0, z) - y * z).sum()


def poisson_grad(w):
    return X.T @ (np.exp(X @ w) - y)


GRADIENTS = {
    nll: nll_grad,
    ridge: ridge_grad,
    softmax_nll: softmax_grad,
    poisson: poisson_grad,
}


def of(name, f, slip="", cause="", at=w, **claims):
    """A second order comes with the right first one."""
    if claims.keys() & {"hessian", "hvp"}:
        claims = {"grad": GRADIENTS[f], **claims}
    return function(name, f, (at,), slip, cause, **claims)


def overwritten(w):
    for x, t in zip(X, y, strict=True):
        found = x * (expit(x @ w) - t)
    return found


def blocks(W, V):
    """Only the blocks of one class with itself."""
    p, u = softmax(X @ W.T, axis=1), X @ V.T
    return (p * (1 - p) * u).T @ X


def no_weights(W, V):
    p, u = softmax(X @ W.T, axis=1), X @ V.T
    return (p * (u - u.sum(axis=1, keepdims=True))).T @ X


RIGHT = [
    of("NLL", nll, grad=nll_grad, hessian=nll_hessian, hvp=lambda w, v: nll_hessian(w) @ v),
    of("NLL, separated", nll, grad=nll_grad, at=9 * w),
    of("ridge", ridge, grad=ridge_grad, hessian=ridge_hessian),
    of("lasso", lasso, grad=lambda w: nll_grad(w) + LAMBDA * np.sign(w)),
    of("weights of data", weighted, grad=lambda w: X.T @ (WEIGHT * (expit(X @ w) - y))),
    of("labels -1 and 1", margins, grad=lambda w: -X.T @ ((2 * y - 1) * expit(
        -(2 * y - 1) * (X @ w)))),
    of("softmax regression", softmax_nll, at=W, grad=softmax_grad, hvp=softmax_hvp),
    of("probit", probit, grad=probit_grad),
    of("Poisson regression", poisson, hessian=lambda w: X.T @ (X * np.exp(X @ w)[:, None])),
    of("probabilities", probabilities, jacobian=jacobian),
    of("probabilities, along", probabilities, jvp=lambda w, dw: jacobian(w) @ dw),
    of("NLL by the data", of_data, at=X, grad=lambda X: (expit(X @ w) - y)[:, None] * w),
]  # fmt: skip

WRONG = [
    of("NLL: sign", nll, "y - p for p - y", SIGN, grad=lambda w: -nll_grad(w)),
    of("NLL: mean", nll, "The mean over the data, not the sum", MEAN,
       grad=lambda w: nll_grad(w) / len(y)),
    of("NLL: last data point", nll, "The sum is overwritten in the loop", LAST, grad=overwritten),
    of("NLL: one data point short", nll, "The last data point is left out",
       r"last|one|data|row|missing", grad=lambda w: X[:-1].T @ (expit(X[:-1] @ w) - y[:-1])),
    of("NLL: slope of the sigmoid", nll, "The factor p (1 - p), as for squares",
       r"p ?\(1 ?- ?p\)|slope|sigmoid|factor|weight|row",
       grad=lambda w: jacobian(w).T @ (expit(X @ w) - y)),
    of("NLL: labels lost", nll, "y is missing", r"label|\by\b|constant|target|added|missing",
       grad=lambda w: X.T @ expit(X @ w)),
    of("NLL: z for p", nll, "The sigmoid is missing", r"sigmoid|link|\bz\b|logit|linear",
       grad=lambda w: X.T @ (X @ w - y)),
    of("NLL: labels -1 and 1", nll, "Labels of -1 and 1 in the formula for 0 and 1",
       r"label|-1|constant|\by\b|target|added", grad=lambda w: X.T @ (expit(X @ w) - (2 * y - 1))),
    of("NLL: intercept", nll, "The entry of the intercept is zero", ZERO + r"|intercept|first|entry",
       grad=lambda w: UNPENALISED * nll_grad(w)),
    of("NLL: X of one feature", nll, "The features are rolled by one", r"roll|shift|order|permut",
       grad=lambda w: np.roll(nll_grad(w), 1)),
    of("margins: sign inside", margins, "sigmoid(y z) for sigmoid(-y z)",
       r"sign|-z|1 - |complement|constant|added", grad=lambda w: -X.T @ ((2 * y - 1) * expit(
           (2 * y - 1) * (X @ w)))),
    of("ridge: penalty lost", ridge, "The penalty is missing", PENALTY,
       grad=nll_grad),
    of("ridge: factor 2", ridge, "2 lambda w, the value has lambda / 2", PENALTY + "|" + FACTOR,
       grad=lambda w: nll_grad(w) + 2 * LAMBDA * UNPENALISED * w),
    of("ridge: sign of the penalty", ridge, "The penalty has the other sign", PENALTY + "|" + SIGN,
       grad=lambda w: nll_grad(w) - LAMBDA * UNPENALISED * w),
    of("ridge: intercept", ridge, "The intercept is penalised, the value leaves it out",
       PENALTY + "|intercept|entry|first", grad=lambda w: nll_grad(w) + LAMBDA * w),
    of("ridge: constant", ridge, "lambda is added, without w", PENALTY + "|constant|added",
       grad=lambda w: nll_grad(w) + LAMBDA * UNPENALISED),
    of("lasso: w for its sign", lasso, "w for the sign of w", PENALTY + "|sign",
       grad=lambda w: nll_grad(w) + LAMBDA * w),
    of("weights of data: left out", weighted, "The weights are missing", ROWS, grad=nll_grad),
    of("weights: squared", weighted, "The weights count twice", ROWS + "|" + FACTOR,
       grad=lambda w: X.T @ (WEIGHT**2 * (expit(X @ w) - y))),
    of("probit: density lost", probit, "The density is missing: the residual",
       r"density|residual|link|factor|weight|row|logi", grad=lambda w: X.T @ (expit(X @ w) - y)),
    of("Poisson: mean of the sigmoid", poisson, "The sigmoid stands for exp", r"link|exp|sigmoid|row",
       grad=nll_grad),
    of("NLL by the data: w lost", of_data, "The factor w is missing", r"\bw\b|column|" + FACTOR, at=X,
       grad=lambda X: np.outer(expit(X @ w) - y, np.ones(4))),
    # Hessian
    of("Hessian: X'X", nll, "The weights p (1 - p) are missing", r"weight|p ?\(1 ?- ?p\)|X.?X|row",
       hessian=lambda w: X.T @ X),
    of("Hessian: p", nll, "p for p (1 - p)", r"weight|p ?\(1 ?- ?p\)|row",
       hessian=lambda w: X.T @ (X * expit(X @ w)[:, None])),
    of("Hessian: sign", nll, "That of the log-likelihood", SIGN, hessian=lambda w: -nll_hessian(w)),
    of("Hessian: mean", nll, "The mean over the data, not the sum", MEAN,
       hessian=lambda w: nll_hessian(w) / len(y)),
    of("Hessian: diagonal", nll, "Only the diagonal", r"diagonal",
       hessian=lambda w: np.diag(np.diag(nll_hessian(w)))),
    of("Hessian: squares of the gradient", nll, "The outer products of the gradients",
       r"outer|residual|weight|row|gradient",
       hessian=lambda w: X.T @ (X * ((expit(X @ w) - y) ** 2)[:, None])),
    of("Hessian: penalty everywhere", ridge, "The penalty is added to all entries",
       PENALTY + "|constant|off-diagonal|all entries|added",
       hessian=lambda w: nll_hessian(w) + LAMBDA),
    of("Hessian: penalty by column", ridge, "The vector of the penalty is broadcast",
       PENALTY + "|column|row|constant|broadcast|off-diagonal",
       hessian=lambda w: nll_hessian(w) + LAMBDA * UNPENALISED),
    of("Hessian: penalty lost", ridge, "The penalty is missing", PENALTY, hessian=nll_hessian),
    of("Hessian: intercept penalised", ridge, "The intercept is penalised, too",
       PENALTY + "|intercept|entry|first", hessian=lambda w: nll_hessian(w) + LAMBDA * np.eye(4)),
    of("Hessian: factor of the penalty", ridge, "2 lambda for lambda", PENALTY + "|" + FACTOR,
       hessian=lambda w: nll_hessian(w) + 2 * LAMBDA * np.diag(UNPENALISED)),
    of("Hessian: one triangle", nll, "The lower triangle is zero", r"triang|symmetr|" + ZERO,
       hessian=lambda w: np.triu(nll_hessian(w))),
    of("Poisson: Hessian at 0", poisson, "The Hessian at w = 0", r"constant|weight|exp|\bw\b|row|point",
       hessian=lambda w: X.T @ X),
    # Hessian-vector product
    of("product: v", nll, "v is returned", r"\bv\b|direction|tangent|" + r"pass|identity|unchanged",
       hvp=lambda w, v: 1.0 * v),
    of("product: gradient times v", nll, "The product of gradient and v", r"gradient|elementwise",
       hvp=lambda w, v: nll_grad(w) * v),
    of("product: weights lost", nll, "p (1 - p) is missing", r"weight|p ?\(1 ?- ?p\)|row|X.?X",
       hvp=lambda w, v: X.T @ (X @ v)),
    of("product: penalty lost", ridge, "The penalty is missing", PENALTY + r"|\bv\b|direction|tangent",
       hvp=lambda w, v: nll_hessian(w) @ v),
    of("product: mean", nll, "Divided by N", MEAN, hvp=lambda w, v: nll_hessian(w) @ v / len(y)),
    of("product: diagonal", nll, "Only the diagonal of the Hessian", r"diagonal|elementwise",
       hvp=lambda w, v: np.diag(nll_hessian(w)) * v),
    of("product: v ignored", nll, "v is not used", r"\bv\b|direction|ignored|tangent|linear",
       hvp=lambda w, v: nll_hessian(w).sum(axis=1)),
    of("softmax: blocks", softmax_nll, "Classes are taken for independent",
       r"diagonal|block|class|p ?\(1 ?- ?p\)|term|sum", at=W, hvp=blocks),
    of("softmax: p lost in the sum", softmax_nll, "p is missing in the sum over the classes",
       r"\bp\b|weight|sum|term|mean", at=W, hvp=no_weights),
    of("softmax: sum doubled", softmax_nll, "The sum is subtracted twice", r"sum|term|twice|" + FACTOR,
       at=W, hvp=lambda W, V: 2 * softmax_hvp(W, V) - (softmax(X @ W.T, axis=1) * (X @ V.T)).T @ X),
    of("softmax: sign", softmax_nll, "The sign is flipped", SIGN, at=W,
       grad=lambda W: -softmax_grad(W)),
    of("softmax: transposed", square_nll, "The gradient is transposed", TRANSPOSED, at=SQUARE,
       grad=lambda W: square_grad(W).T),
    of("softmax: last class fixed", softmax_nll, "The last class is taken for the reference",
       r"last|row|" + ZERO, at=W, grad=lambda W: softmax_grad(W) * np.array([[1.0], [1.0], [0.0]])),
    of("softmax: sigmoid", softmax_nll, "Sigmoids for softmax, one against the rest",
       r"sigmoid|softmax|normali|value", at=W, grad=lambda W: (expit(X @ W.T) - Y).T @ X),
    # Jacobian and product with it
    of("probabilities: no slope", probabilities, "The slope of the sigmoid is missing: X",
       r"slope|row|weight|" + FACTOR, jacobian=lambda w: X),
    of("probabilities: slope of p", probabilities, "p for p (1 - p)",
       r"slope|row|weight|value|output|1 - |" + FACTOR, jacobian=lambda w: X * expit(X @ w)[:, None]),
    of("probabilities, along: no slope", probabilities, "The slope of the sigmoid is missing",
       r"slope|row|weight|" + FACTOR, jvp=lambda w, dw: X @ dw),
    of("probabilities, along: w", probabilities, "w for its tangent",
       r"tangent|direction|\bw\b|linear|does not depend|ignored", jvp=lambda w, dw: jacobian(w) @ w),
]  # fmt: skip
