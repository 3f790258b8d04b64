"""Maximum likelihood estimation of logistic and softmax regression, with or without a penalty.

The negative log-likelihood (NLL) is convex, so that a point without gradient is a minimum; what
can go wrong is that there is none, or more than one. Without a penalty an estimate exists exactly
if the data overlap (Albert and Anderson, Biometrika 71, 1984), and is unique if X has full column
rank. Both are decided: mostly at no cost, since the Hessian at the estimate proves them, and by
the exact search of `separation` where it does not. So a fit is an estimate or an error that says
why there is none. With a penalty > 0 there is one and only one, whatever the data.

Neither the course of a fit nor its result depends on the scaling of the columns of X.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

from reference_impl import arguments, identification, logistic, minimisation, separation, softmax
from reference_impl.arguments import Array
from reference_impl.minimisation import ConvergenceError, Minimum

Labels = NDArray[np.int64]

# How many standard errors from the minimum the Hessian is good for all steps that are left.
_NEAR = 0.1
# Smallest eigenvalue of a Hessian of unit diagonal that proves that X has full column rank.
_REGULAR = 1e-10
_ROWS = 4096  # of X at once


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted binary logistic regression.

    Attributes
    ----------
    w : float64 array, shape (n,)
        The estimate.
    nll : float
        The negative log-likelihood at w, without the penalty.
    null_nll : float
        That of the class frequencies alone: of a model with nothing but an intercept.
    gradient_norm : float
        Euclidean norm of the gradient at w, of the penalised NLL if there is a penalty.
    decrement : float
        (g.H^-1 g)^(1/2) before the last step: about its length, in standard errors.
    iterations : int
        Steps taken.
    covariance : float64 array, shape (n, n)
        Inverse of the Hessian (of the penalised NLL if there is a penalty) at w, which is the
        inverse of the observed and of the expected Fisher information.
    standard_errors : float64 array, shape (n,)
        Square roots of the diagonal of the covariance.
    count : float
        Number of data points, each counted with its weight.
    penalty : float
        The penalty.
    """

    w: Array
    nll: float
    null_nll: float
    gradient_norm: float
    decrement: float
    iterations: int
    covariance: Array
    standard_errors: Array
    count: float
    penalty: float


@dataclass(frozen=True, eq=False)
class SoftmaxFit:
    """A fitted softmax regression; the attributes are those of `Fit`, but for these.

    Attributes
    ----------
    W : float64 array, shape (K, n)
        The estimate: of all equivalent weights those whose sum over the classes is zero, or those
        whose row `reference` is zero.
    reference : int or None
        The class whose row is zero; None if the rows sum to zero.
    covariance : float64 array, shape (K, n, K, n)
        Covariance of W. It is singular, because W is bound by its coding.
    standard_errors : float64 array, shape (K, n)
        Square roots of its diagonal; zero in the row of the reference.
    """

    W: Array
    reference: int | None
    nll: float
    null_nll: float
    gradient_norm: float
    decrement: float
    iterations: int
    covariance: Array
    standard_errors: Array
    count: float
    penalty: float


def newton(
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    penalty: float = 0.0,
    tol: float = 1e-10,
    max_iter: int = 100,
) -> Fit:
    """``logistic.newton_step``: repeat w <- w - H^-1 g from w = 0 until the step is negligible.

    H is computed at three points only: at w = 0, near the minimum, and before the last step. In
    between the changes of the gradient correct it (L-BFGS), which costs less and needs few steps
    more; should that fail, H is computed at each. A step that does not make the NLL fall enough
    is halved until it does, so that no method can diverge. The Newton decrement (g.H^-1 g)^(1/2)
    is the length of the step in units of the standard errors; once it is at most `tol`, the last
    step leaves an error of the order of rounding, because it squares.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix, one data point a row; a column of ones carries the intercept.
    y : array_like, shape (N,)
        Labels 0 and 1.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.
    penalty : float
        lambda >= 0: penalty/2 norm(w)^2 is added to the NLL (``logistic.penalised``).
    tol : float
        Largest Newton decrement before the last step.
    max_iter : int
        Largest number of steps of each method.

    Returns
    -------
    Fit

    Raises
    ------
    separation.SeparationError
        Without penalty, when the data are completely or quasi-completely separated
        (``logistic.no_mle_when_separable``); with the direction.
    ConvergenceError
        When the minimum is not reached for another reason, which is named.
    TypeError, ValueError
        For arguments of a wrong type, shape or value; without penalty also for a design matrix
        whose columns are linearly dependent.
    """
    X, y, s = _data(X, y, 2, sample_weight)
    penalty, tol, max_iter = _keywords(penalty, tol, max_iter)
    weights = None if sample_weight is None else s

    def objective(w: Array) -> tuple[float, Array]:
        value, gradient = logistic.nll_and_gradient(w, X, y, sample_weight=weights)
        return _penalised(float(value), gradient, w, s, penalty)

    def hessian(w: Array) -> Array:
        return logistic.nll_hessian(w, X, y, sample_weight=weights) + penalty * np.eye(len(w))

    products = _products(X, weights)
    at_zero = products / 4 + penalty * np.eye(X.shape[1])
    try:
        there = _near_then_there(objective, hessian, at_zero, 1, tol, max_iter)
        root = _covariance_root(there.point, X, s, penalty, there.hessian)
        decrement, w, value, gradient = _last_step(objective, there, root, tol)
    except ConvergenceError as error:
        raise _reason(error, X, y, None, penalty) from None
    least = s * np.exp(-np.abs(X @ there.point)) / 2  # s_i p_i and s_i (1 - p_i) are not smaller
    if penalty == 0 and not _proves_overlap(least, decrement, root, products, s):
        _require_estimate(X, y, None)
    covariance = root @ root.T
    return Fit(
        w=w,
        nll=value - penalty / 2 * float(w @ w),
        null_nll=_null_nll(y, s),
        gradient_norm=float(np.linalg.norm(gradient)),
        decrement=decrement,
        iterations=there.steps + 1,
        covariance=covariance,
        standard_errors=np.sqrt(np.diag(covariance)),
        count=float(s.sum()),
        penalty=penalty,
    )


def multinomial(
    X: ArrayLike,
    y: ArrayLike,
    K: int,
    *,
    reference: int | None = None,
    sample_weight: ArrayLike | None = None,
    penalty: float = 0.0,
    tol: float = 1e-10,
    max_iter: int = 200,
) -> SoftmaxFit:
    """``softmax.nll`` at its minimum, in the coding that is asked for.

    As in `newton`, with ``softmax.newton_step``. At W = 0, where all p_ia are 1/K, the Hessian is
    (1/K) (I - 1 1^T / K) (x) X^T diag(s) X (``softmax.nll_hessian``): its inverse is cheap.

    Parameters
    ----------
    X, sample_weight, tol
        As in `newton`.
    y : array_like, shape (N,)
        Labels 0 to K-1.
    K : int
        Number of classes, >= 2.
    reference : int, optional
        The class whose weights are zero (``identification.reference_class``); otherwise the
        weights sum to zero over the classes (``identification.sum_to_zero``). The probabilities
        are the same.
    penalty : float
        lambda >= 0: penalty/2 norm(W)^2 is added to the NLL, for weights that sum to zero, as
        they then do at the minimum (``identification.penalty_selects_sum_to_zero``). With a
        reference these weights are rewritten, not fitted anew.
    max_iter : int
        Largest number of steps of each method.

    Returns
    -------
    SoftmaxFit

    Raises
    ------
    separation.SeparationError, ConvergenceError, TypeError, ValueError
        As in `newton`.
    """
    K = arguments.count("K", K, least=2)
    X, y, s = _data(X, y, K, sample_weight)
    penalty, tol, max_iter = _keywords(penalty, tol, max_iter)
    coding = _coding(K, reference)
    n = X.shape[1]
    weights = None if sample_weight is None else s
    products = _products(X, weights)
    at_zero = products / K + penalty * np.eye(n)

    def objective(flat: Array) -> tuple[float, Array]:
        W = flat.reshape(K, n)
        value, gradient = softmax.nll_and_gradient(W, X, y, sample_weight=weights)
        return _penalised(float(value), gradient.ravel(), flat, s, penalty)

    def hessian(flat: Array) -> Array:
        """``softmax.null_space`` is filled, so that the inverse exists; no gradient lies in it."""
        H = softmax.nll_hessian(flat.reshape(K, n), X, y, sample_weight=weights)
        H = H.reshape(K * n, K * n)
        return H + penalty * np.eye(K * n) + np.kron(np.full((K, K), 1 / K), at_zero)

    try:
        there = _near_then_there(objective, hessian, at_zero, K, tol, max_iter)
        W = there.point.reshape(K, n)
        root = _softmax_covariance_root(W, X, y, weights, penalty, at_zero)
        decrement, point, value, gradient = _last_step(objective, there, root, tol)
    except ConvergenceError as error:
        raise _reason(error, X, y, K, penalty) from None
    Z = W @ X.T
    least = s * np.exp(Z.min(axis=0) - Z.max(axis=0)) / K  # no s_i p_ia is smaller
    if penalty == 0 and not _proves_overlap(least, decrement, root, products, s):
        _require_estimate(X, y, K)
    W = coding @ point.reshape(K, n)
    root = np.tensordot(coding, root.reshape(K, n, K * n), 1)
    return SoftmaxFit(
        W=W,
        reference=reference,
        nll=value - penalty / 2 * float(point @ point),
        null_nll=_null_nll(y, s),
        gradient_norm=float(np.linalg.norm(gradient)),
        decrement=decrement,
        iterations=there.steps + 1,
        covariance=np.tensordot(root, root, (2, 2)),
        standard_errors=np.sqrt((root**2).sum(axis=2)),
        count=float(s.sum()),
        penalty=penalty,
    )


def gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    *,
    steps: int,
    sample_weight: ArrayLike | None = None,
    penalty: float = 0.0,
) -> Minimum:
    """``logistic.smoothness``: w <- w - g/L from w = 0, with L from `largest_curvature`.

    To look at, not to fit with.

    Parameters
    ----------
    X, y, sample_weight, penalty
        As in `newton`.
    steps : int
        Number of steps.

    Returns
    -------
    Minimum
        With all points, values and gradient norms.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.
    """
    L = largest_curvature(X, sample_weight=sample_weight, penalty=penalty)
    X, y, s = _data(X, y, 2, sample_weight)
    penalty = arguments.nonnegative("penalty", penalty)

    def objective(w: Array) -> tuple[float, Array]:
        value, gradient = logistic.nll_and_gradient(w, X, y, sample_weight=s)
        return float(value + penalty / 2 * (w @ w)), gradient + penalty * w

    return minimisation.gradient_descent(objective, np.zeros(X.shape[1]), 1 / L, steps=steps)


def largest_curvature(
    X: ArrayLike, *, sample_weight: ArrayLike | None = None, penalty: float = 0.0
) -> float:
    """``logistic.smoothness``: L = lambda_max(X^T diag(s) X) / 4 + penalty.

    No eigenvalue of the Hessian of binary logistic regression exceeds L, whatever the weights.

    Parameters
    ----------
    X, sample_weight, penalty
        As in `newton`.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.
    """
    X = arguments.design_matrix(X)
    s = arguments.weights(sample_weight, X)
    penalty = arguments.nonnegative("penalty", penalty)
    return float(np.linalg.eigvalsh(_products(X, s))[-1] / 4 + penalty)


def _data(
    X: ArrayLike, y: ArrayLike, K: int, sample_weight: ArrayLike | None
) -> tuple[Array, Labels, Array]:
    """Return X, y and s without the points of weight zero, which do not take part."""
    X = arguments.design_matrix(X)
    y = arguments.labels(y, X, K)
    s = arguments.weights(sample_weight, X)
    return (X, y, s) if s.all() else (X[s > 0], y[s > 0], s[s > 0])


def _keywords(penalty: float, tol: float, max_iter: int) -> tuple[float, float, int]:
    return (
        arguments.nonnegative("penalty", penalty),
        arguments.nonnegative("tol", tol),
        arguments.count("max_iter", max_iter),
    )


def _coding(K: int, reference: int | None) -> Array:
    """Return the K x K matrix that takes weights to their equivalent in the coding."""
    if reference is None:
        return identification.sum_to_zero(np.eye(K))
    return identification.reference_class(np.eye(K), reference)


def _null_nll(y: Labels, s: Array) -> float:
    """Return -sum_i s_i log f_{y_i} with the class frequencies f: the NLL of an intercept alone."""
    totals = np.bincount(y, weights=s)
    return float(special.entr(totals / s.sum()).sum() * s.sum())


def _penalised(
    value: float, gradient: Array, w: Array, s: Array, penalty: float
) -> tuple[float, Array]:
    """Add the penalty to the NLL and its gradient; without one, end where no minimum can be.

    An NLL below min_i s_i log 2 leaves every data point with a loss below log 2, hence its own
    class with a probability above 1/2: w separates the classes completely.
    """
    if penalty == 0 and value < s.min() * np.log(2):
        raise ConvergenceError("every data point has its own class as the likeliest by far")
    return value + penalty / 2 * float(w @ w), gradient + penalty * w


def _near_then_there(
    objective: minimisation.ValueAndGradient,
    hessian: Callable[[Array], Array],
    at_zero: Array,
    K: int,
    tol: float,
    max_iter: int,
) -> Minimum:
    """Go near the minimum with the Hessian at zero as the seed, then there with the one near it.

    At zero the Hessian is (I - 1 1^T / K) (x) at_zero, or at_zero itself if K = 1.
    """
    start, factor = np.zeros(K * len(at_zero)), _factor(at_zero)
    objective = _remembering(objective)

    def first_seed(g: Array) -> Array:
        return np.asarray(_solve(factor, g.reshape(K, -1).T).T.ravel())

    try:
        near = minimisation.lbfgs(objective, start, first_seed, tol=_NEAR, max_iter=max_iter)
        H = hessian(near.point)
        factor_near = _factor(H)
        there = minimisation.lbfgs(
            objective, near.point, lambda g: _solve(factor_near, g), tol=tol, max_iter=max_iter
        )
    except ConvergenceError:
        return minimisation.newton(objective, hessian, start, tol=tol, max_iter=max_iter)
    return replace(there, steps=near.steps + there.steps, hessian=H)


def _remembering(objective: minimisation.ValueAndGradient) -> minimisation.ValueAndGradient:
    """Return the objective, which asked for its last point again does not compute anew."""
    last: list[tuple[Array, tuple[float, Array]]] = []

    def remembering(w: Array) -> tuple[float, Array]:
        if not (last and np.array_equal(last[0][0], w)):
            last[:] = [(w, objective(w))]
        return last[0][1]

    return remembering


def _last_step(
    objective: minimisation.ValueAndGradient, there: Minimum, root: Array, tol: float
) -> tuple[float, Array, float, Array]:
    """Take Newton's step once more, with the inverse Hessian that the covariance is.

    Returns the decrement before it, the last point, and value and gradient there.
    """
    along = root.T @ there.gradient
    decrement = float(np.linalg.norm(along))
    if not decrement <= tol:
        raise ConvergenceError(f"the decrement is still {decrement:.3g}, above {tol:g}")
    point = there.point - root @ along
    return decrement, point, *objective(point)


def _products(X: Array, s: Array | None) -> Array:
    """Return X^T diag(s) X."""
    return X.T @ X if s is None else (X.T * s) @ X


def _factor(H: Array) -> Array:
    """Return R, upper triangular with R^T R = H."""
    try:
        return np.asarray(linalg.cholesky(H))
    except linalg.LinAlgError:
        raise ConvergenceError("the Hessian is not positive definite in float64") from None


def _solve(factor: Array, right: Array) -> Array:
    return np.asarray(linalg.cho_solve((factor, False), right, check_finite=False))


def _inverse(factor: Array) -> Array:
    return np.asarray(linalg.solve_triangular(factor, np.eye(len(factor))))


def _covariance_root(w: Array, X: Array, s: Array, penalty: float, H: Array | None) -> Array:
    """Return C with C C^T = (A^T A + penalty I)^-1, where A^T A is the Hessian of the NLL at w.

    H, the Hessian of a point near w, could be had at w too. But the condition number of A^T A is
    the square of that of A, and multiplies its rounding errors in the inverse. So H = R^T R serves
    as a change of coordinates only: in those of R w the Hessian, formed from A R^-1, is nearly the
    identity, and easy to invert.
    """
    assert H is not None
    inverse = _inverse(_factor(H))
    near_identity = penalty * inverse.T @ inverse
    for start in range(0, len(X), _ROWS):
        rows = slice(start, start + _ROWS)
        e = np.exp(-np.abs(X[rows] @ w))
        A = (np.sqrt(s[rows] * e) / (1 + e))[:, np.newaxis] * (X[rows] @ inverse)
        near_identity += A.T @ A
    return inverse @ _inverse(_factor(near_identity))


def _softmax_covariance_root(
    W: Array, X: Array, y: Labels, s: Array | None, penalty: float, at_zero: Array
) -> Array:
    """Return C of shape (K n, K n), so that C C^T is the inverse Hessian, null space filled.

    As in `_covariance_root`, with the Hessian at W = 0 for the coordinates.
    """
    K, n = W.shape
    R = _factor(at_zero)
    inverse = _inverse(R)
    H = softmax.nll_hessian(W @ R.T, X @ inverse, y, sample_weight=s).reshape(K * n, K * n)
    H += np.kron(np.eye(K), penalty * inverse.T @ inverse)
    H += np.kron(np.full((K, K), 1 / K), np.eye(n))
    root = inverse @ _inverse(_factor(H)).reshape(K, n, K * n)
    return np.asarray(root.reshape(K * n, K * n))


def _proves_overlap(least: Array, decrement: float, root: Array, products: Array, s: Array) -> bool:
    """Whether a Newton decrement this small proves that the estimate exists and is unique.

    Unique: X^T diag(s) X, scaled to a diagonal of ones, is regular: X has full column rank.

    Exists: let m_ia = (d_{y_i} - d_a).x_i >= 0, a /= y_i, be the margins of a direction d that
    separates, and c_ia = s_i p_ia. Then
    sum c m = -g.d <= decrement (d.H d)^(1/2) <= decrement (sum c m^2)^(1/2)
                   <= decrement max c^(-1/2) sum c m,
    because d.H d is the variance of the margins, each drawn with probability p_ia. So all margins
    are zero if decrement^2 < c_ia for all i and a; `least` holds bounds of c_ia from below. To
    the decrement is added what rounding of g can make of it, if each sum over the data is known
    to 64 eps of its absolute terms: these are at most (sum_i s_i)^(1/2) (sum_i s_i x_ik^2)^(1/2).
    """
    diagonal = np.diag(products)
    rounding = 64 * np.finfo(float).eps * np.sqrt(s.sum() * diagonal)
    bound = decrement + np.linalg.norm(np.tile(rounding, len(root) // len(rounding)) @ abs(root))
    if not bound**2 < least.min():
        return False
    unit = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(products / np.outer(unit, unit))[0] > _REGULAR)


def _require_estimate(X: Array, y: Labels, K: int | None) -> None:
    """Raise what keeps a maximum likelihood estimate from existing or from being unique.

    K is None for the binary model, whose certificate is a vector.
    """
    scale = np.abs(X).max(axis=0)
    rank = int(np.linalg.matrix_rank(X / np.where(scale > 0, scale, 1.0)))
    if rank < X.shape[1]:
        separation.require_full_rank(X)
        raise ValueError(
            f"X: expected linearly independent columns (rank {X.shape[1]}), given rank {rank} for "
            f"shape {X.shape} (to rounding): the estimate is not unique; drop dependent columns "
            f"or use a penalty > 0"
        )
    if K is None:
        separation.require_overlap(X, y)
    else:
        separation.require_overlap_multinomial(X, y, K)


def _reason(
    error: ConvergenceError, X: Array, y: Labels, K: int | None, penalty: float
) -> ConvergenceError:
    """Raise what keeps the estimate from existing; return the error if nothing does."""
    if penalty == 0:
        _require_estimate(X, y, K)
    scale = np.abs(X).max(axis=0)
    condition = np.linalg.cond(X / np.where(scale > 0, scale, 1.0))
    return ConvergenceError(f"{error}; condition number of X with scaled columns {condition:.3g}")
