"""Maximum likelihood estimation of binary logistic regression by Newton's method.

A maximum likelihood estimate exists if and only if no direction d separates the data, that is,
has (2 y_i - 1) x_i.d >= 0 for every i with at least one inequality strict (Albert and Anderson,
Biometrika 71, 1984); it is unique if X also has full column rank. `newton` returns an estimate
only where one exists, and says what is wrong where none does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.optimize import linprog

from reference_impl import arguments, logistic
from reference_impl.arguments import Array
from reference_impl.sigmoid import sigmoid


class SeparationError(ValueError):
    """The data are separated by a hyperplane, so that no maximum likelihood estimate exists.

    Attributes
    ----------
    direction : float64 array, shape (n,)
        d with (2 y_i - 1) x_i.d >= 0 for every i: along it the likelihood increases for ever.
    complete : bool
        Whether every inequality is strict.
    """

    def __init__(self, direction: Array, complete: bool) -> None:
        self.direction = direction
        self.complete = complete
        kind, sign = ("completely", ">") if complete else ("quasi-completely", ">=")
        shown = np.array2string(direction, precision=6, threshold=10, separator=", ")
        super().__init__(
            f"the data are {kind} separated, so that no maximum likelihood estimate exists: "
            f"(2 y_i - 1) x_i.d {sign} 0 for every i with d = {shown}. "
            f"Remedies: a penalty > 0, more data, or fewer or other columns of X"
        )


class ConvergenceError(RuntimeError):
    """Newton's method stopped before it reached the minimum, though the data allow one."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted binary logistic regression.

    Attributes
    ----------
    w : float64 array, shape (n,)
        The estimate.
    nll : float
        The negative log-likelihood at w, without the penalty.
    gradient_norm : float
        Euclidean norm of the gradient at w, of the penalised NLL if there is a penalty.
    iterations : int
        Newton steps taken.
    covariance : float64 array, shape (n, n)
        Inverse of the Hessian (of the penalised NLL if there is a penalty) at w, which is the
        inverse of the observed and of the expected Fisher information.
    standard_errors : float64 array, shape (n,)
        Square roots of the diagonal of the covariance.
    """

    w: Array
    nll: float
    gradient_norm: float
    iterations: int
    covariance: Array
    standard_errors: Array


def newton(
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    penalty: float = 0.0,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> Fit:
    """``logistic.newton_step``: repeat w <- w - H^-1 g from w = 0 until the step is negligible.

    A step that would increase the NLL is halved until it does not, so that the method cannot
    diverge. It stops when the Newton decrement (g^T H^-1 g)^(1/2), the length of the step in
    units of the standard errors, is at most `tol`; because the convergence is quadratic, the
    last step leaves an error of the order of rounding. Neither depends on the scaling of X.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix, one data point a row; a column of ones carries the intercept.
    y : array_like, shape (N,)
        Labels 0 and 1.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.
    penalty : float
        lambda >= 0: penalty/2 norm(w)^2 is added to the NLL. With lambda > 0 the estimate exists
        and is unique on any data.
    tol : float
        Largest Newton decrement before the last step.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    Fit

    Raises
    ------
    SeparationError
        Without penalty, when the data are completely or quasi-completely separated.
    ConvergenceError
        When the minimum is not reached for another reason, which is named.
    TypeError, ValueError
        For arguments of a wrong type, shape or value; without penalty also for a design matrix
        whose columns are linearly dependent, with its rank.
    """
    X = arguments.design_matrix(X)
    y = arguments.labels(y, X)
    s = arguments.weights(sample_weight, X)
    penalty = arguments.nonnegative("penalty", penalty)
    tol = arguments.nonnegative("tol", tol)
    max_iter = arguments.count("max_iter", max_iter)
    X, y, s = X[s > 0], y[s > 0], s[s > 0]  # a point of weight zero does not take part
    if penalty == 0:
        _require_full_rank(X)
    return _newton(X, y, s, penalty, tol, max_iter)


def _newton(
    X: Array, y: NDArray[np.int64], s: Array, penalty: float, tol: float, max_iter: int
) -> Fit:
    def objective(w: Array) -> tuple[float, Array]:
        value, gradient = logistic.nll_and_gradient(w, X, y, sample_weight=s)
        return float(value + penalty / 2 * (w @ w)), gradient + penalty * w

    def hessian_factor(w: Array) -> tuple[Array, bool]:
        hessian = logistic.nll_hessian(w, X, y, sample_weight=s)
        factor: tuple[Array, bool] = linalg.cho_factor(hessian + penalty * np.eye(len(w)))
        return factor

    w = np.zeros(X.shape[1])
    value, gradient = objective(w)
    reason = f"the Newton decrement is still above {tol:g} after {max_iter} steps"
    for iteration in range(1, max_iter + 1):
        try:
            step = linalg.cho_solve(hessian_factor(w), -gradient)
        except linalg.LinAlgError:
            reason = "the Hessian is no longer positive definite in float64"
            break
        decrement = np.sqrt(-gradient @ step)
        size = 1.0
        # The slack is the rounding error of the NLL: near the minimum no decrease is visible.
        while objective(w + size * step)[0] > value + 8 * np.finfo(float).eps * value:
            size /= 2
        w = w + size * step
        value, gradient = objective(w)
        if penalty == 0 and _separates_completely(w, X, y):
            raise SeparationError(w / np.linalg.norm(w), complete=True)
        if decrement <= tol:
            if penalty == 0 and not _proves_overlap(w, X, y, s, tol):
                _raise_if_separated(X, y)
            covariance = _covariance(w, X, s, penalty)
            return Fit(
                w=w,
                nll=float(logistic.nll(w, X, y, sample_weight=s)),
                gradient_norm=float(np.linalg.norm(gradient)),
                iterations=iteration,
                covariance=covariance,
                standard_errors=np.sqrt(np.diag(covariance)),
            )
    if penalty == 0:
        _raise_if_separated(X, y)
    raise ConvergenceError(
        f"{reason}: norm of the gradient {np.linalg.norm(gradient):.3g}, condition number of X "
        f"with scaled columns {np.linalg.cond(_scaled(X)[0]):.3g}"
    )


def _covariance(w: Array, X: Array, s: Array, penalty: float) -> Array:
    """Return (A^T A)^-1 = R^-1 R^-T, where A^T A is the Hessian and A = Q R.

    The Hessian itself is not formed: its condition number is the square of that of A.
    """
    z = X @ w
    root = np.sqrt(s * sigmoid(z) * sigmoid(-z))
    A = np.vstack([root[:, np.newaxis] * X, np.sqrt(penalty) * np.eye(len(w))])
    R = np.linalg.qr(A, mode="r")
    inverse = linalg.solve_triangular(R, np.eye(len(w)))
    return np.asarray(inverse @ inverse.T)


def _scaled(X: Array) -> tuple[Array, Array]:
    """Return X with columns of largest entry 1 (or 0), and what they were divided by."""
    scale = np.abs(X).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return X / scale, scale


def _require_full_rank(X: Array) -> None:
    rank = int(np.linalg.matrix_rank(_scaled(X)[0]))
    if rank < X.shape[1]:
        raise ValueError(
            f"X: expected linearly independent columns (rank {X.shape[1]}), given rank {rank} for "
            f"shape {X.shape} (rows of weight zero left out): the estimate is not unique; drop "
            f"dependent columns or use a penalty > 0"
        )


def _separates_completely(w: Array, X: Array, y: NDArray[np.int64]) -> bool:
    """Whether every (2 y_i - 1) x_i.w exceeds its rounding error: then w is a certificate."""
    rounding = len(w) * np.finfo(float).eps * (np.abs(X) @ np.abs(w))
    return bool(np.all((2 * y - 1) * (X @ w) > rounding))


def _proves_overlap(w: Array, X: Array, y: NDArray[np.int64], s: Array, decrement: float) -> bool:
    """Whether a Newton decrement this small proves that no direction separates the data.

    Let q_i be the probability of the wrong label and m_i = (2 y_i - 1) x_i.d >= 0. Then
    sum_i s_i q_i m_i = -g.d <= decrement (d^T H d)^(1/2)
                             = decrement (sum_i s_i q_i (1 - q_i) m_i^2)^(1/2)
                            <= decrement max_i ((1 - q_i) / (s_i q_i))^(1/2) sum_i s_i q_i m_i,
    so that all m_i are zero if decrement^2 (1 - q_i) / (s_i q_i) < 1 for every i.
    """
    margin = (2 * y - 1) * (X @ w)
    return bool(np.all(decrement**2 * sigmoid(margin) < s * sigmoid(-margin)))


def _raise_if_separated(X: Array, y: NDArray[np.int64]) -> None:
    """Decide separation by the linear program max sum_i m_i, 0 <= m_i = (2 y_i - 1) x_i.d."""
    scaled, scale = _scaled(X)
    M = (2 * y - 1)[:, np.newaxis] * scaled
    program = linprog(-M.sum(axis=0), A_ub=-M, b_ub=np.zeros(len(M)), bounds=(-1, 1))
    if program.status != 0:
        raise ConvergenceError(f"the linear program for separation failed: {program.message}")
    margin = M @ program.x
    # The program is solved to about 1e-9; a direction better than that counts as separating.
    if margin.max() > 1e-6 and margin.min() > -1e-9:
        direction = program.x / scale
        complete = bool(margin.min() > 1e-9)
        raise SeparationError(direction / np.linalg.norm(direction), complete)
