"""Binary logistic regression: the negative log-likelihood (NLL) and its derivatives.

p_i = sigma(z_i) with z = X w. Labels y_i are in {0, 1}; the NLL is a sum over the data, not a
mean; a column of ones in X carries the intercept. Sample weights s_i >= 0 multiply the terms of
the sum; without them s_i = 1, and a point of weight zero does not take part.

All is written with t_i = (1 - 2 y_i) z_i, the logit of the wrong answer: the loss is
-log(1 - sigma(t)) = log(1 + e^t), and the residual p - y is (1 - 2 y) sigma(t). Nothing is subtracted
from 1, so a confident right answer keeps its small loss and its small residual.

`engine.logistic` computes the same numbers block by block, in threads, and in float32.
"""

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, Labels, representable
from reference_impl.quiet import quiet
from reference_impl.sigmoid import sigmoid, softplus


@quiet
def nll(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> np.float64:
    """``logistic.nll``: -sum_i s_i (y_i log p_i + (1 - y_i) log(1 - p_i)) = sum_i s_i log(1 + e^t_i).

    Parameters
    ----------
    w : array_like, shape (n,)
        Coefficients.
    X : array_like, shape (N, n)
        Design matrix, one data point a row.
    y : array_like, shape (N,)
        Labels 0 and 1.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.

    Returns
    -------
    float64

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl import logistic
    >>> X, y = [[1.0, -1.0], [1.0, 0.0], [1.0, 2.0]], [0, 1, 1]
    >>> print(round(float(logistic.nll([0.0, 0.0], X, y)), 6))  # 3 log 2
    2.079442
    >>> print(round(float(logistic.nll([0.0, 0.0], X, y, sample_weight=[1, 0, 1])), 6))
    1.386294
    """
    z, _, y, s = _given(w, X, y, sample_weight)
    return np.float64(representable("the NLL", (s * softplus((1 - 2 * y) * z)).sum()))


@quiet
def nll_gradient(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``logistic.nll_gradient``: X^T (p - y), weighted X^T (s o (p - y)).

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.

    Examples
    --------
    >>> from reference_impl import logistic
    >>> X, y = [[1.0, -1.0], [1.0, 0.0], [1.0, 2.0]], [0, 1, 1]
    >>> logistic.nll_gradient([0.0, 0.0], X, y).tolist()
    [-0.5, -1.5]
    """
    z, X, y, s = _given(w, X, y, sample_weight)
    sign = 1 - 2 * y
    return representable("the gradient of the NLL", (s * sign * sigmoid(sign * z)) @ X)


def nll_and_gradient(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[np.float64, Array]:
    """``logistic.nll`` and ``logistic.nll_gradient`` together, for what minimises.

    Parameters and errors are those of `nll`; returns (float64, float64 array of shape (n,)).

    Examples
    --------
    >>> from reference_impl import logistic
    >>> value, gradient = logistic.nll_and_gradient([0.0], [[1.0], [1.0]], [0, 1])
    >>> round(float(value), 6), gradient.tolist()
    (1.386294, [0.0])
    """
    return (
        nll(w, X, y, sample_weight=sample_weight),
        nll_gradient(w, X, y, sample_weight=sample_weight),
    )


@quiet
def nll_hessian(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Array:
    """``logistic.nll_hessian``: X^T diag(s o p o (1 - p)) X, exactly symmetric.

    It is A^T A with A = diag(s o p o (1 - p))^(1/2) X.

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`. The Hessian does not depend on y, which is only checked.

    Returns
    -------
    float64 array, shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.

    Examples
    --------
    >>> from reference_impl import logistic
    >>> X, y = [[1.0, -1.0], [1.0, 0.0], [1.0, 2.0]], [0, 1, 1]
    >>> logistic.nll_hessian([0.0, 0.0], X, y).tolist()  # X^T X / 4
    [[0.75, 0.25], [0.25, 1.25]]
    """
    z, X, _, s = _given(w, X, y, sample_weight)
    A = np.sqrt(s * sigmoid(z) * sigmoid(-z))[:, np.newaxis] * X
    return representable("the Hessian of the NLL", np.dot(A.T, A))


@quiet
def nll_hvp(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    v: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> Array:
    """``logistic.nll_hvp``: H v = X^T (s o p o (1 - p) o (X v)), without forming H.

    Parameters
    ----------
    w, X, y, sample_weight
        As in `nll`.
    v : array_like, shape (n,)
        Direction.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        As in `nll`.

    Examples
    --------
    >>> from reference_impl import logistic
    >>> X, y = [[1.0, -1.0], [1.0, 0.0], [1.0, 2.0]], [0, 1, 1]
    >>> logistic.nll_hvp([0.0, 0.0], X, y, [1.0, 0.0]).tolist()  # a column of the Hessian
    [0.75, 0.25]
    """
    v = arguments.vector("v", v, X := arguments.design_matrix(X))
    z, X, _, s = _given(w, X, y, sample_weight)
    return representable("the Hessian-vector product", (s * sigmoid(z) * sigmoid(-z) * (X @ v)) @ X)


def _given(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Labels, Array]:
    """Return z = X w, X, y and s, without the points of weight zero."""
    w = arguments.vector("w", w, X := arguments.design_matrix(X))
    X, y, s = arguments.data(X, y, sample_weight, 2)
    return representable("a logit x_i.w", X @ w), X, y, s
