"""Maximum likelihood estimation of logistic and softmax regression, with or without a penalty.

The negative log-likelihood (NLL) is convex, so that a point without gradient is a minimum; what
can go wrong is that there is none, or more than one. Without a penalty an estimate exists exactly
if the data overlap (Albert and Anderson, Biometrika 71, 1984), and is unique if X has full column
rank. Both are decided: mostly at no cost, since the Hessian at the estimate proves them, and for
data in memory by the exact search of `separation` where it does not. So a fit is an estimate or an
error that says why there is none. With a penalty > 0 there is one and only one, whatever the data.

The data are arrays, or blocks of rows (`streaming`), in a file or on Dask workers: a fit is made of
sums over blocks, and arrays are one block. Neither the course of a fit nor its result depends on
the scaling of the columns of X or of the weights. Where columns are so nearly dependent, or so
large or small, that rounding decides, X R^-1 with orthonormal columns takes the place of X.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

from reference_impl import arguments, identification
from reference_impl.arguments import Array, Labels
from reference_impl.engine import logistic, minimisation, separation, streaming
from reference_impl.engine.fit import (
    EPS,
    Separated,
    Terms,
    fit,
    norms,
    orthonormal,
    rounding_of_coefficients,
)
from reference_impl.engine.minimisation import ConvergenceError, Minimum
from reference_impl.engine.streaming import Source
from reference_impl.quiet import quiet
from reference_impl.sigmoid import sigmoid


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted logistic or softmax regression.

    Attributes
    ----------
    w : float64 array, shape (n,); of a softmax regression (K, n)
        The estimate; for classes, of all equivalent weights those whose sum over the classes is
        zero, or those whose row `reference` is zero.
    reference : int or None
        The class whose row is zero; None if the rows sum to zero, and for labels 0 and 1.
    nll : float
        The negative log-likelihood at w, without the penalty.
    null_nll : float
        That of the class frequencies alone: of a model with nothing but an intercept.
    gradient_norm : float
        Euclidean norm of the gradient at the estimate, of the penalised NLL if there is a penalty.
    decrement : float
        (g.H^-1 g)^(1/2) before the last step: about its length, in standard errors.
    digits : int
        Digits that rounding leaves of the worst coefficient, in units of its standard error where
        that is larger: a bound.
    iterations : int
        Steps taken.
    root : float64 array, shape of w and one more axis
        C with C C^T the covariance. The standard error of a combination a.w is the norm of a^T C,
        in which less cancels than in a^T C C^T a.
    count : float
        Number of data points, each counted with its weight.
    penalty : float, or float64 array of shape (n,)
        The penalty.
    names : tuple of str, or None
        Names of the columns, if X was a table that has them.
    firth : bool
        Whether it has Firth's penalty.

    Examples
    --------
    >>> from reference_impl.engine import estimation
    >>> fit = estimation.newton([[1.0]] * 4, [0, 1, 1, 1])
    >>> fit.w.round(4).tolist(), f"{fit.nll:.4f}"
    ([1.0986], '2.2493')
    """

    w: Array
    reference: int | None
    nll: float
    null_nll: float
    gradient_norm: float
    decrement: float
    digits: int
    iterations: int
    root: Array
    count: float
    penalty: float | Array
    names: tuple[str, ...] | None = None
    firth: bool = False

    @property
    @quiet
    def covariance(self) -> Array:
        """Inverse of the Hessian at w: (n, n); of a softmax regression (K, n, K, n).

        Of the penalised NLL if there is a penalty. It is the inverse of the observed and of the
        expected Fisher information; for classes it is singular, because w is bound by its coding.
        """
        found = np.tensordot(self.root, self.root, (-1, -1))
        return arguments.representable("the covariance", np.asarray(found))

    @property
    def standard_errors(self) -> Array:
        """Square roots of the diagonal of the covariance; zero in the row of the reference."""
        return norms(self.root.reshape(self.w.size, -1)).reshape(self.w.shape)


def newton(
    X: ArrayLike | Source,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: ArrayLike = 0.0,
    start: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iter: int = 100,
) -> Fit:
    """``logistic.newton_step``: repeat w <- w - H^-1 g from w = 0 until the step is negligible.

    For arrays, H is computed at three points only: at zero, wherever the start is, near the minimum,
    and before the last step. In between the changes of the gradient correct it (L-BFGS), which costs
    less and needs few steps more; should that fail, H is computed at each. For blocks, where a pass over
    the data costs more than H, each step takes one pass. A step that does not make the NLL fall
    enough is halved until it does, so that no method can diverge. The Newton decrement
    (g.H^-1 g)^(1/2) is the length of the step in units of the standard errors; once it is at most
    `tol`, the last step leaves an error of the order of rounding, because it squares.

    Parameters
    ----------
    X : array_like, shape (N, n), or blocks
        Design matrix, one data point a row; a column of ones carries the intercept. Without y:
        blocks ``(X_b, y_b)`` or ``(X_b, y_b, sample_weight_b)``, as in `streaming.total`, over
        which any number of passes can be made.
    y : array_like, shape (N,)
        Labels 0 and 1.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.
    offset : array_like, shape (N,), optional
        Added to the logits x_i.w (``regression.offset_gradient``).
    penalty : float, or array_like of shape (n,)
        lambda_k >= 0: sum_k lambda_k/2 w_k^2 is added to the NLL (``logistic.penalised``, and
        ``regression.penalty_gradient``); 0 leaves a coefficient free, such as an intercept.
    start : array_like, shape (n,), optional
        The first point, zero otherwise.
    tol : float
        Largest Newton decrement before the last step, for weights that are 1 on average.
    max_iter : int
        Largest number of steps of each method.

    Returns
    -------
    Fit

    Raises
    ------
    separation.SeparationError
        Without penalty, when the data are completely or quasi-completely separated
        (``logistic.no_mle_when_separable``); with the direction. Blocks: only if completely.
    ConvergenceError
        When the minimum is not reached for another reason, which is named.
    TypeError, ValueError
        For arguments of a wrong type, shape or value; without penalty also for a design matrix
        whose columns are linearly dependent.

    Examples
    --------
    >>> from reference_impl.engine import estimation
    >>> estimation.newton([[1.0]] * 4, [0, 1, 1, 1]).w.round(4).tolist()
    [1.0986]
    >>> estimation.newton([[1.0], [1.0]], [1, 1], penalty=1.0).w.round(4).tolist()
    [0.6748]
    """
    data = _Data.given(X, y, 1, sample_weight, offset)
    return _fitted(data, 1, np.eye(1), None, penalty, start, tol, max_iter)


def multinomial(
    X: ArrayLike | Source,
    y: ArrayLike | None = None,
    K: int = 0,
    *,
    reference: int | None = None,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: ArrayLike = 0.0,
    start: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iter: int = 200,
) -> Fit:
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
    offset : array_like, shape (N, K), optional
        Added to the logits w_a.x_i (``regression.offset_softmax_gradient``).
    penalty : float, or array_like of shape (n,)
        lambda_k >= 0: sum_k lambda_k/2 sum_a W_ak^2 is added to the NLL, for weights that sum to
        zero, as they then do at the minimum (``identification.penalty_selects_sum_to_zero``). With
        a reference these weights are rewritten, not fitted anew.
    start : array_like, shape (K, n), optional
        The first point, zero otherwise.
    max_iter : int
        Largest number of steps of each method.

    Returns
    -------
    Fit

    Raises
    ------
    separation.SeparationError, ConvergenceError, TypeError, ValueError
        As in `newton`.

    Examples
    --------
    >>> from reference_impl.engine import estimation
    >>> X, y = [[1.0]] * 4, [0, 1, 2, 2]
    >>> estimation.multinomial(X, y, 3, reference=0).w.round(4).tolist()
    [[0.0], [0.0], [0.6931]]
    >>> estimation.multinomial(X, y, 3).w.round(4).tolist()
    [[-0.231], [-0.231], [0.4621]]
    """
    if K == 0:
        raise ValueError("K: expected an integer >= 2, the number of classes, given none")
    K = arguments.count("K", K, least=2)
    coding = (
        identification.sum_to_zero(np.eye(K))
        if reference is None
        else identification.reference_class(np.eye(K), reference)
    )
    data = _Data.given(X, y, K, sample_weight, offset)
    return _fitted(data, K, coding, reference, penalty, start, tol, max_iter)


@quiet
def firth(
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iter: int = 1000,
) -> Fit:
    """NLL - (1/2) log det I(w) at its minimum, with the Fisher information I = X^T diag(s p (1-p)) X.

    This is Firth's penalty (Biometrika 80, 1993), which takes away the bias of order 1/N. The
    estimate exists for all data with X of full rank, also where they are separated (Heinze and
    Schemper, Statistics in Medicine 21, 2002). The gradient is X^T (s (p - y) - h (1/2 - p)) with
    h_i = s_i p_i (1 - p_i) x_i^T I^-1 x_i; I at zero, and then near the minimum, is the seed of
    L-BFGS. X R^-1 with orthonormal columns takes the place of X, which changes the minimum by a
    constant.

    Parameters
    ----------
    X, y, sample_weight
        As in `newton`, but for blocks.
    tol : float
        Largest length of the last step, in standard errors.
    max_iter : int
        Largest number of steps from each of the two.

    Returns
    -------
    Fit
        Its nll is that of the data alone, its covariance I^-1.

    Raises
    ------
    ConvergenceError
        When the minimum is not reached.
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for linearly dependent columns.

    Examples
    --------
    >>> from reference_impl.engine import estimation
    >>> X, y = [[1.0]] * 3, [1, 1, 1]
    >>> estimation.firth(X, y).w.round(4).tolist()
    [1.9459]
    """
    names = streaming.column_names(X)
    given, y, s = arguments.data(X, y, sample_weight, 2)
    separation.require_full_rank(given)
    R = np.asarray(np.linalg.qr(given, mode="r"))
    if not np.linalg.cond(R / norms(R.T)) < 1 / (len(R) * EPS):
        raise ConvergenceError("the columns of X are dependent, to rounding")
    X = orthonormal(given, R)

    def decomposed(w: Array) -> tuple[Array, Array, Array]:
        """Return p, and Q R = diag(s p (1 - p))^(1/2) X."""
        z = X @ w
        p = sigmoid(z)
        return p, *np.linalg.qr(np.sqrt(s * p * sigmoid(-z))[:, np.newaxis] * X)

    def objective(w: Array) -> tuple[float, Array]:
        p, Q, R = decomposed(w)
        value, gradient = logistic.nll_and_gradient(w, X, y, sample_weight=s)
        half_log_det = np.log(np.abs(np.diag(R))).sum()
        return value - half_log_det, gradient - ((Q**2).sum(axis=1) * (0.5 - p)) @ X

    def root_at(w: Array) -> Array:
        """Return C with C C^T = I^-1."""
        return np.asarray(np.linalg.inv(decomposed(w)[2]), np.float64)

    def minimised(start: Array, tol: float) -> Minimum:
        seed = root_at(start)
        return minimisation.lbfgs(
            objective, start, lambda g: seed @ (seed.T @ g), tol=tol, max_iter=max_iter
        )

    near = minimised(np.zeros(X.shape[1]), 0.1)
    there = minimised(near.point, arguments.nonnegative("tol", tol))
    of_sums = 64 * EPS * np.sqrt(s.sum()) * float(norms(np.abs(root_at(there.point)).T).sum())
    w = linalg.solve_triangular(R, there.point)
    root = linalg.solve_triangular(R, root_at(there.point))
    errors = norms(root)
    of_logits = (len(R) + 2) * EPS / 2 * np.abs(w) @ norms(R.T)
    rounding = (there.decrement + of_sums + of_logits) * errors + rounding_of_coefficients(R, w)
    totals = np.asarray(np.bincount(y, weights=s, minlength=2), np.float64)
    return Fit(
        w=w,
        reference=None,
        nll=float(logistic.nll(there.point, X, y, sample_weight=s)),
        null_nll=_null_nll(totals, _Data([], X.shape[1]), 1),
        gradient_norm=float(norms((there.gradient @ R)[np.newaxis])[0]),
        decrement=there.decrement,
        digits=_digits(rounding, w, errors),
        iterations=near.steps + there.steps,
        root=root,
        count=float(totals.sum()),
        penalty=0.0,
        names=names,
        firth=True,
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

    Examples
    --------
    >>> from reference_impl.engine import estimation
    >>> found = estimation.gradient_descent([[1.0]] * 4, [0, 1, 1, 1], steps=100)
    >>> found.point.round(4).tolist()
    [1.0986]
    """
    L = largest_curvature(X, sample_weight=sample_weight, penalty=penalty)
    if L == 0:
        raise ValueError("X: expected a number that is not zero, given none: the NLL is constant")
    X, y, s = arguments.data(X, y, sample_weight, 2)
    penalty = arguments.nonnegative("penalty", penalty)

    def objective(w: Array) -> tuple[float, Array]:
        value, gradient = logistic.nll_and_gradient(w, X, y, sample_weight=s)
        return float(value + penalty / 2 * (w @ w)), gradient + penalty * w

    return minimisation.gradient_descent(objective, np.zeros(X.shape[1]), 1 / L, steps=steps)


@quiet
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

    Examples
    --------
    >>> from reference_impl.engine import estimation
    >>> float(estimation.largest_curvature([[1.0], [1.0]]))
    0.5
    >>> float(estimation.largest_curvature([[2.0]], penalty=3.0))
    4.0
    """
    X = arguments.design_matrix(X)
    s = arguments.weights(sample_weight, X)
    penalty = arguments.nonnegative("penalty", penalty)
    products = arguments.representable("X^T diag(s) X", (X.T * s) @ X)
    return float(np.linalg.eigvalsh(products)[-1] / 4 + penalty)


@dataclass(frozen=True, eq=False)
class _Data:
    """Blocks of data, and what is known of them: of blocks elsewhere less than of arrays."""

    blocks: Source
    n: int
    here: tuple[Array, Labels] | None = None  # X and y in memory
    offset: Array | None = None  # columns beside X
    s: Array | None = None
    names: tuple[str, ...] | None = None

    @classmethod
    def given(
        cls,
        X: Any,
        y: ArrayLike | None,
        K: int,
        sample_weight: ArrayLike | None,
        offset: ArrayLike | None,
    ) -> "_Data":
        """Return arrays as one block, without the points of weight zero, or the blocks."""
        arrays = isinstance(X, np.ndarray) or hasattr(X, "iloc")
        if y is None and not arrays:
            _refuse_beside_blocks("sample_weight", sample_weight, "the third array of a block")
            _refuse_beside_blocks("offset", offset, "for X and y in memory")
            n, names = streaming.columns_of(X)
            return cls(X, n, names=names)
        names = streaming.column_names(X)
        X = arguments.design_matrix(X)
        kept = arguments.weights(sample_weight, X) > 0
        rows, y, s = arguments.data(X, y, sample_weight, max(K, 2))  # type: ignore[arg-type]
        beside = None
        if offset is not None:
            like = np.zeros((len(X), K)) if K > 1 else np.zeros(len(X))
            beside = arguments.same_shape("offset", offset, "the logits", like).reshape(-1, K)[kept]
        whole = rows if beside is None else np.column_stack([rows, beside])
        block = (whole, y) if sample_weight is None else (whole, y, s)
        return cls([block], X.shape[1], (rows, y), beside, s, names)


def _refuse_beside_blocks(name: str, value: Any, where: str) -> None:
    if value is not None:
        given = type(value).__name__
        raise TypeError(f"{name}: expected nothing beside blocks, given {given}; it is {where}")


@quiet
def _fitted(
    data: _Data,
    K: int,
    coding: Array,
    reference: int | None,
    penalty: ArrayLike,
    start: ArrayLike | None,
    tol: float,
    max_iter: int,
) -> Fit:
    """Fit K rows of coefficients, and take them to their equivalent by the coding."""
    n = data.n
    shape = (n,) if K == 1 else (K, n)
    penalties = _penalty(penalty, n)
    of_columns = np.broadcast_to(penalties, (n,))
    terms = Terms(K, n, None if data.offset is None else np.eye(K), names=data.names)
    found = fit(
        data.blocks,
        terms,
        of_columns,
        _start(start, shape).ravel(),
        tol=arguments.nonnegative("tol", tol),
        max_iter=arguments.count("max_iter", max_iter),
        few_passes=data.here is None,
        decide=partial(_decide, data, terms, of_columns == 0),
    )
    w = coding @ found.point.reshape(K, n)
    root = np.tensordot(coding, found.root.reshape(K, n, -1), 1)
    errors = norms(root.reshape(K * n, -1)).reshape(K, n)
    return Fit(
        w=w.reshape(shape),
        reference=reference,
        nll=found.nll,
        null_nll=_null_nll(found.totals, data, K),
        gradient_norm=found.gradient_norm,
        decrement=found.decrement,
        digits=_digits(found.rounding.reshape(K, n), w, errors),
        iterations=found.steps,
        root=root.reshape(*shape, -1),
        count=float(found.totals.sum()),
        penalty=penalties if penalties.ndim else float(penalties),
        names=data.names,
    )


def _digits(rounding: Array, w: Array, errors: Array) -> int:
    """Return the digits that rounding leaves of each coefficient, or of its error if larger."""
    size = np.maximum(np.abs(w), errors)
    lost = np.max(rounding / np.where(size > 0, size, np.inf), initial=1e-16)
    return int(-np.log10(lost)) if lost < 1 else 0


def _penalty(penalty: ArrayLike, n: int) -> Array:
    """Return numbers >= 0, one or n of them."""
    penalties = arguments.finite("penalty", penalty)
    if penalties.shape not in ((), (n,)) or (penalties < 0).any():
        raise ValueError(
            f"penalty: expected one number >= 0, or one for each of the {n} columns of X, given "
            f"{penalty!r}"
        )
    return penalties


def _start(start: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    if start is None:
        return np.zeros(shape)
    return arguments.same_shape("start", start, "the coefficients", np.zeros(shape))


def _null_nll(totals: Array, data: _Data, K: int) -> float:
    """Return -sum_i s_i log f_{y_i} with the class frequencies f: the NLL of an intercept alone.

    Beside an offset the intercept has to be fitted; a class without data is left out, for its
    probability goes to zero.
    """
    there = np.flatnonzero(totals)
    if data.offset is None or len(there) == 1:
        return float(special.entr(totals / totals.sum()).sum() * totals.sum())
    assert data.here is not None
    K = 1 if K == 1 else len(there)
    y = np.searchsorted(there, data.here[1])
    ones, offset = np.ones((len(y), 1)), data.offset if K == 1 else data.offset[:, there]
    block = (np.column_stack([ones, offset]), y, data.s)
    alone = replace(data, blocks=[block], n=1, here=(ones, y))
    terms = Terms(K, 1, np.eye(K))
    return fit(
        alone.blocks, terms, np.zeros(1), np.zeros(K), tol=1e-10, max_iter=200, few_passes=False,
        decide=partial(_decide, alone, terms, np.array([True])),
    ).nll  # fmt: skip


_DOUBTS = (
    "possible reasons are quasi-completely separated data and (nearly) dependent columns, and the "
    "remedy is a penalty > 0, or fewer columns of X"
)


def _decide(data: _Data, terms: Terms, free: NDArray[np.bool_], error: ConvergenceError) -> None:
    """Raise what keeps the estimate from existing or from being unique, if it is found.

    Only columns without a penalty count. Of blocks, complete separation is seen where the point
    shows it; what else there may be is not decided.
    """
    if not free.any():
        return
    if data.here is not None:
        X, y = data.here
        columns = np.flatnonzero(free).tolist()
        if dependent := separation.dependent_columns(X[:, columns]):
            numbered = {
                columns[j]: {columns[k]: c for k, c in relation.items()}
                for j, relation in dependent.items()
            }
            raise separation.RankError(numbered, (len(X), len(columns)))
        separation.require_overlap(np.where(free, X, 0.0), y, None if terms.K == 1 else terms.K)
        return
    if isinstance(error, Separated):
        doubtful = streaming.total(terms.not_separated, error.point, data.blocks)
        if doubtful == 0:
            shape = (terms.K, data.n) if terms.K > 1 else (data.n,)
            raise separation.SeparationError(error.point.reshape(shape), complete=True)
    _, totals, *_ = streaming.total(terms.first, np.zeros(terms.K * data.n), data.blocks)
    absent = "".join(f"; class {a} has no data" for a in np.flatnonzero(totals == 0))
    raise ConvergenceError(f"{error}{absent}; {_DOUBTS}") from None
