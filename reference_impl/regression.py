"""Regression beyond the plain model: offsets, penalties by coefficient, odds ratios, other links.

As in `reference_impl.logistic`: X (N x n) has one data point a row, labels are 0 and 1, and a cost is
a sum over the data. Fits with an offset and with a penalty for each coefficient are in
`engine.estimation`; here are the derivatives themselves.
"""

import decimal
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr

from reference_impl import arguments, logistic, softmax
from reference_impl.arguments import Array, Labels, representable
from reference_impl.quiet import quiet


@quiet
def offset_gradient(w: ArrayLike, X: ArrayLike, y: ArrayLike, offset: ArrayLike) -> Array:
    """``regression.offset_gradient``: X^T (p - y) with p = sigma(X w + o).

    Parameters
    ----------
    w : array_like, shape (n,)
        Coefficients.
    X : array_like, shape (N, n)
        Design matrix, one data point a row.
    y : array_like, shape (N,)
        Labels 0 and 1.
    offset : array_like, shape (N,)
        o, added to the logits.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.regression import offset_gradient
    >>> offset_gradient([1.0], [[1.0], [2.0]], [1, 0], offset=[-1.0, -2.0]).tolist()
    [0.5]
    """
    theta, data, n = _one_more(w, X, offset)
    return logistic.nll_gradient(theta, data, arguments.labels(y, data))[:n]


@quiet
def offset_hessian(w: ArrayLike, X: ArrayLike, offset: ArrayLike) -> Array:
    """``regression.offset_hessian``: X^T diag(p (1 - p)) X with p = sigma(X w + o).

    Parameters
    ----------
    w, X, offset
        As in `offset_gradient`.

    Returns
    -------
    float64 array, shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As `offset_gradient`.

    Examples
    --------
    >>> from reference_impl.regression import offset_hessian
    >>> offset_hessian([1.0], [[1.0], [2.0]], offset=[-1.0, -2.0]).tolist()
    [[1.25]]
    """
    theta, data, n = _one_more(w, X, offset)
    return logistic.nll_hessian(theta, data, np.zeros(len(data)))[:n, :n]


@quiet
def offset_softmax_gradient(W: ArrayLike, X: ArrayLike, y: ArrayLike, offset: ArrayLike) -> Array:
    """``regression.offset_softmax_gradient``: (P - Y)^T X, P the softmax of X W^T + O.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Weights, one row for each class.
    X : array_like, shape (N, n)
        Design matrix.
    y : array_like, shape (N,)
        Labels 0 to K - 1.
    offset : array_like, shape (N, K)
        O, added to the logits.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        As `offset_gradient`.

    Examples
    --------
    >>> from reference_impl.regression import offset_softmax_gradient
    >>> offset_softmax_gradient([[1.0], [0.0]], [[3.0]], [0], offset=[[0.0, 3.0]]).tolist()
    [[-1.5], [1.5]]
    """
    W = arguments.class_weights("W", W, X := arguments.design_matrix(X))
    y, z = arguments.labels(y, X, len(W)), X @ W.T
    z = representable("a logit", z + arguments.same_shape("offset", offset, "the logits", z))
    return representable("the gradient", softmax.residuals(z, y).T @ X)


@quiet
def penalty_gradient(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, offset: ArrayLike, penalty: ArrayLike
) -> Array:
    """``regression.penalty_gradient``: X^T (p - y) + lambda o w.

    Parameters
    ----------
    w, X, y, offset
        As in `offset_gradient`.
    penalty : array_like, shape (n,)
        lambda_k >= 0; 0 leaves a coefficient free, such as the intercept.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        As `offset_gradient`, and for a negative strength.

    Examples
    --------
    >>> from reference_impl.regression import penalty_gradient
    >>> penalty_gradient([1.0], [[1.0], [2.0]], [1, 0], offset=[-1.0, -2.0], penalty=[3.0]).tolist()
    [3.5]
    >>> penalty_gradient([1.0], [[1.0]], [1], offset=[0.0], penalty=[-1.0])
    Traceback (most recent call last):
    ...
    ValueError: penalty: expected strengths >= 0, given -1 at index 0
    """
    gradient, strengths = offset_gradient(w, X, y, offset), _strengths(penalty, X)
    return representable("the gradient", gradient + strengths * np.asarray(w, dtype=np.float64))


@quiet
def penalty_hessian(w: ArrayLike, X: ArrayLike, offset: ArrayLike, penalty: ArrayLike) -> Array:
    """``regression.penalty_hessian``: X^T diag(p (1 - p)) X + diag(lambda).

    Parameters
    ----------
    w, X, offset, penalty
        As in `penalty_gradient`.

    Returns
    -------
    float64 array, shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As `penalty_gradient`.

    Examples
    --------
    >>> from reference_impl.regression import penalty_hessian
    >>> penalty_hessian([1.0], [[1.0], [2.0]], offset=[-1.0, -2.0], penalty=[3.0]).tolist()
    [[4.25]]
    """
    curvature, strengths = offset_hessian(w, X, offset), _strengths(penalty, X)
    return representable("the Hessian", curvature + np.diag(strengths))


@quiet
def penalty_newton_step(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, offset: ArrayLike, penalty: ArrayLike
) -> Array:
    """``regression.penalty_newton_step``: the u that solves H u = X^T diag(omega) zeta.

    It is computed as w - H^-1 g, which is the same: near the minimum the step is small, and so is
    its error.

    Parameters
    ----------
    w, X, y, offset, penalty
        As in `penalty_gradient`.

    Returns
    -------
    float64 array, shape (n,)
        The next weights.

    Raises
    ------
    TypeError, ValueError
        As `penalty_gradient`, and where the Hessian is singular to rounding: a direction without a
        penalty leaves every logit as it is, or all probabilities are 0 or 1.

    Examples
    --------
    >>> from reference_impl.regression import penalty_newton_step
    >>> X, y, offset = [[1.0], [1.0]], [1, 1], [0.0, 0.0]
    >>> penalty_newton_step([0.0], X, y, offset, penalty=[0.5]).tolist()
    [1.0]
    """
    gradient = penalty_gradient(w, X, y, offset, penalty)
    hessian = penalty_hessian(w, X, offset, penalty)
    # With a diagonal of ones, so that the units of the features do not decide what counts as 0.
    root = np.sqrt(np.diag(hessian))
    unit = hessian / np.outer(root, root)
    if not root.all() or np.linalg.matrix_rank(unit, hermitian=True) < len(unit):
        raise ValueError(
            "penalty: expected a Hessian that can be inverted, given a direction that has neither "
            "a penalty nor curvature"
        )
    step = np.linalg.solve(unit, gradient / root) / root
    return representable("the step", np.asarray(w, dtype=np.float64) - step)


@quiet
def odds_ratio(w: ArrayLike) -> Array:
    """``regression.odds_ratio``: e^w, by which one unit more of a feature multiplies the odds.

    Raises
    ------
    TypeError, ValueError
        For w that is not finite, and for a ratio beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.regression import odds_ratio
    >>> odds_ratio([0.0]).tolist()
    [1.0]
    """
    return representable("e^w", np.asarray(np.exp(arguments.finite("w", w))))


@quiet
def odds_ratio_variance(w: ArrayLike, covariance: ArrayLike) -> Array:
    """``regression.odds_ratio_variance``: e^(2 w_k) c_kk, to first order (the delta method).

    Parameters
    ----------
    w : array_like, shape (n,)
        Coefficients.
    covariance : array_like, shape (n, n)
        C, that of their estimates.

    Returns
    -------
    float64 array, shape (n,)
        Its roots are the standard errors of the ratios.

    Raises
    ------
    TypeError, ValueError
        For shapes that do not fit, for a negative variance, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.regression import odds_ratio_variance
    >>> odds_ratio_variance([0.0], [[0.25]]).tolist()
    [0.25]
    """
    w, V = arguments.finite("w", w), arguments.finite("covariance", covariance)
    if w.ndim != 1 or V.shape != (len(w), len(w)):
        raise ValueError(
            f"covariance: expected shape (n, n) for w of shape (n,), given {V.shape} and {w.shape}"
        )
    variances = np.diag(V)
    arguments.refuse("covariance", variances, variances < 0.0, "variances >= 0 on the diagonal")
    product = variances
    for _ in range(3):  # e^(2 w) may leave the range before c brings it back
        part = np.clip(w, -354.0, 354.0)
        product, w = np.exp(2.0 * part) * product, w - part
    return representable("e^(2 w) c", product)


# ------------------------------------------------------------------------------- other links


@dataclass(frozen=True)
class Link:
    """A probability as a function of z = w.x, by what it costs and how that changes with z.

    Parameters
    ----------
    loss, slope, curvature : callable
        -log of the probability of the label, and its first two derivatives by z, for z (N) and
        labels y (N).
    information : callable
        The expectation of the second derivative, and of the square of the first, under the model.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.regression import CLOGLOG
    >>> CLOGLOG.loss(np.zeros(1), np.array([0])).tolist()
    [1.0]
    >>> CLOGLOG.slope(np.zeros(1), np.array([0])).tolist()
    [1.0]
    """

    loss: Callable[[Array, Labels], Array]
    slope: Callable[[Array, Labels], Array]
    curvature: Callable[[Array, Labels], Array]
    information: Callable[[Array], Array]


@quiet
def link_nll(link: Link, w: ArrayLike, X: ArrayLike, y: ArrayLike) -> np.float64:
    """-sum_i log of the probability of label i.

    Parameters
    ----------
    link : Link
        `PROBIT` or `CLOGLOG`.
    w, X, y
        As in `offset_gradient`.

    Raises
    ------
    TypeError, ValueError
        As `offset_gradient`, and for a link that is no `Link`, such as its name.

    Examples
    --------
    >>> from reference_impl.regression import CLOGLOG, PROBIT, link_nll
    >>> f"{link_nll(PROBIT, [0.0], [[1.0]], [1]):.4f}"
    '0.6931'
    >>> f"{link_nll(CLOGLOG, [0.0], [[1.0]], [0]):.4f}"
    '1.0000'
    """
    X, z = _logits_of(link, w, X)
    return np.float64(representable("the NLL", link.loss(z, arguments.labels(y, X)).sum()))


@quiet
def link_gradient(link: Link, w: ArrayLike, X: ArrayLike, y: ArrayLike) -> Array:
    """``regression.link_gradient``: sum_i x_i times the slope of the loss.

    For the two links ``regression.probit_gradient`` and ``regression.cloglog_gradient``.

    Parameters
    ----------
    link, w, X, y
        As in `link_nll`.

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        As `link_nll`.

    Examples
    --------
    >>> from reference_impl.regression import CLOGLOG, link_gradient
    >>> link_gradient(CLOGLOG, [0.0], [[1.0], [3.0]], [0, 0]).tolist()
    [4.0]
    """
    X, z = _logits_of(link, w, X)
    return representable("the gradient", X.T @ link.slope(z, arguments.labels(y, X)))


@quiet
def link_hessian(link: Link, w: ArrayLike, X: ArrayLike, y: ArrayLike) -> Array:
    """``regression.link_hessian``, the observed information: X^T diag(second derivatives) X.

    For the two links ``regression.probit_hessian`` and ``regression.cloglog_hessian``.

    Parameters
    ----------
    link, w, X, y
        As in `link_nll`.

    Returns
    -------
    float64 array, shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As `link_nll`.

    Examples
    --------
    >>> from reference_impl.regression import CLOGLOG, link_hessian
    >>> link_hessian(CLOGLOG, [0.0], [[1.0], [3.0]], [0, 0]).tolist()
    [[10.0]]
    """
    X, z = _logits_of(link, w, X)
    return _gram(X, link.curvature(z, arguments.labels(y, X)))


@quiet
def link_information(link: Link, w: ArrayLike, X: ArrayLike) -> Array:
    """``regression.link_hessian``, the expected information: no label is in it.

    Parameters
    ----------
    link, w, X
        As in `link_nll`.

    Returns
    -------
    float64 array, shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As `link_nll`.

    Examples
    --------
    >>> from reference_impl.regression import PROBIT, link_information
    >>> f"{link_information(PROBIT, [0.0], [[1.0]])[0, 0]:.4f}"
    '0.6366'
    """
    X, z = _logits_of(link, w, X)
    return _gram(X, link.information(z))


def _density(t: Array) -> Array:
    """Return that of the normal distribution; the square of what is rounded off is small."""
    near = np.clip(t, -50.0, 50.0)
    rounded = np.round(near * 1024.0) / 1024.0  # its square is exact
    rest = (near - rounded) * (near + rounded) / 2.0
    return np.exp(-np.square(rounded) / 2.0) * np.exp(-rest) / np.sqrt(2.0 * np.pi)


def _mills(t: Array) -> Array:
    """Return m(t) = density(t) / Phi(t), without 0/0 far on the left."""
    left = np.sqrt(2.0 / np.pi) / erfcx(-np.minimum(t, 0.0) / np.sqrt(2.0))
    return np.where(t < 0.0, left, _density(t) / ndtr(np.maximum(t, 0.0)))


def _mills_and_t(t: Array) -> Array:
    """Return m(t) + t, which cancels on the left: there by the continued fraction of Laplace."""
    left = np.maximum(-t, 3.0)
    fraction = left
    for number in range(60, 1, -1):  # at 3 the terms that are left out count less than 1e-25
        fraction = left + number / fraction
    return np.where(t < -3.0, 1.0 / fraction, _mills(t) + t)


def _signed(z: Array, y: Labels) -> Array:
    """Return t, so that Phi(t) is the probability of the label."""
    return np.where(y == 1, z, -z)


@quiet
def _probit_loss(z: Array, y: Labels) -> Array:
    """Return -log Phi(t): by m(t) on the left, and by 1 - Phi on the right."""
    t = _signed(z, y)
    left, right = np.minimum(t, -1.0), np.maximum(t, 0.0)
    far = left / 2.0 * left + np.log(2.0 * np.pi) / 2.0 + np.log(_mills(left))
    near = -np.log(ndtr(np.clip(t, -1.0, 0.0)))
    tail = _density(right) / _mills(-right)
    return np.where(t < -1.0, far, np.where(t < 0.0, near, -np.log1p(-tail)))


@quiet
def _probit_slope(z: Array, y: Labels) -> Array:
    ratio = _mills(_signed(z, y))
    return np.where(y == 1, -ratio, ratio)


@quiet
def _probit_curvature(z: Array, y: Labels) -> Array:
    t = _signed(z, y)
    return _mills(t) * _mills_and_t(t)


# ``regression.probit_gradient``: p = Phi(z). All by m(t), t = z for a label 1 and -z for a label 0.
PROBIT = Link(
    _probit_loss,
    _probit_slope,
    _probit_curvature,
    quiet(lambda z: _mills(z) * _mills(-z)),
)


@functools.cache
def _logarithms() -> tuple[Array, Array]:
    """Return log n for n from 1 to e^7, and what float64 leaves out of it."""
    context = decimal.Context(prec=40)
    exact = [context.ln(n) for n in range(1, 1098)]
    rounded = np.array(exact, dtype=np.float64)
    rest = [context.subtract(t, decimal.Decimal(f)) for t, f in zip(exact, rounded, strict=True)]
    return rounded, np.array(rest, dtype=np.float64)


def _survival(z: Array, factor: Array | float) -> Array:
    """Return factor e^-u for u = e^z >= 1/2; beyond 7 it is 0 for the factors here.

    The rounding of u would be u times as large in e^-u. So u is n + rest, with n an integer.
    """
    z = np.minimum(z, 7.0)
    n = np.maximum(np.rint(np.exp(z)), 1.0)
    rounded, more = (table[n.astype(np.int64) - 1] for table in _logarithms())
    rest = n * np.expm1((z - rounded) - more)
    half = np.exp(-n / 2.0)  # the factor comes before the product can underflow
    return factor * half * np.exp(-rest) * half


def _log_of_one(u: Array, z: Array) -> Array:
    """Return log(1 - e^-u) for u = e^z; where u is small, or 0 in float64, it is z - u/2 + ..."""
    middle = np.log(-np.expm1(-np.clip(u, 1e-9, 1.0)))
    large = np.log1p(-_survival(np.maximum(z, -0.5), 1.0))
    return np.where(z < -20.0, z - u / 2.0, np.where(u < 0.7, middle, large))


def _of_one(z: Array, factor: Array | float) -> Array:
    """Return factor u / (e^u - 1), which is the factor where u = e^z is 0."""
    u = np.exp(np.minimum(z, 7.0))
    near = np.clip(u, 1e-300, 1.0)
    far = _survival(z, factor * u) / -np.expm1(-u)
    return np.where(u < 1.0, factor * (near / np.expm1(near)), far)


# The coefficients of u/(1 - e^-u) - 1 - u/2 by u^2: Bernoulli numbers over factorials.
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)


def _less_one(u: Array) -> Array:
    """Return u / (1 - e^-u) - 1, by its series where it cancels."""
    near, far = np.minimum(u, 0.25), np.maximum(u, 0.25)
    square = np.square(near)
    series = near / 2.0 + square * np.polynomial.polynomial.polyval(square, BERNOULLI)
    return np.where(u < 0.25, series, far / -np.expm1(-far) - 1.0)


@quiet
def _cloglog_loss(z: Array, y: Labels) -> Array:
    u = np.exp(z)
    return np.where(y == 1, -_log_of_one(u, z), u)


@quiet
def _cloglog_slope(z: Array, y: Labels) -> Array:
    return np.where(y == 1, -_of_one(z, 1.0), np.exp(z))


@quiet
def _cloglog_curvature(z: Array, y: Labels) -> Array:
    u = np.exp(z)
    return np.where(y == 1, _of_one(z, _less_one(np.minimum(u, 800.0))), u)


# ``regression.cloglog_gradient``: p = 1 - e^-u with u = e^z.
CLOGLOG = Link(
    _cloglog_loss,
    _cloglog_slope,
    _cloglog_curvature,
    quiet(lambda z: _of_one(z, np.exp(np.minimum(z, 7.0)))),
)


def _one_more(w: ArrayLike, X: ArrayLike, offset: ArrayLike) -> tuple[Array, Array, int]:
    """Return w and X with the offset as one more feature, whose coefficient is 1, and n."""
    X, z = _logits(w, X)
    offset = arguments.same_shape("offset", offset, "the logits", z)
    return np.append(w, 1.0), np.column_stack([X, offset]), X.shape[1]


def _logits(w: ArrayLike, X: ArrayLike) -> tuple[Array, Array]:
    """Return X, and z = X w."""
    X = arguments.design_matrix(X)
    return X, representable("a logit x_i.w", X @ arguments.vector("w", w, X))


def _logits_of(link: Link, w: ArrayLike, X: ArrayLike) -> tuple[Array, Array]:
    """Return X, and z = X w, after a look at the link."""
    if not isinstance(link, Link):
        raise TypeError(f"link: expected regression.PROBIT, CLOGLOG or a Link, given {link!r}")
    return _logits(w, X)


def _gram(X: Array, weights: Array) -> Array:
    """Return X^T diag(weights) X, exactly symmetric; weights below zero are taken off."""
    root = np.sqrt(np.abs(representable("a second derivative", weights)))[:, np.newaxis] * X
    above, below = root[weights >= 0.0], root[weights < 0.0]
    return representable("the Hessian", above.T @ above - below.T @ below)


def _strengths(penalty: ArrayLike, X: ArrayLike) -> Array:
    strengths = arguments.vector("penalty", penalty, arguments.design_matrix(X))
    arguments.refuse("penalty", strengths, strengths < 0.0, "strengths >= 0")
    return strengths
