"""The fit of logistic and softmax regression by sums over blocks: one, for all data and both models.

`fit` is given blocks of rows, what a block adds (`Terms`), and a function that decides whether an
estimate exists where the sums alone do not prove it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy import linalg

from reference_impl import arguments
from reference_impl.arguments import Array
from reference_impl.engine import logistic, minimisation, softmax, streaming, sums
from reference_impl.engine.minimisation import ConvergenceError, Minimum
from reference_impl.engine.streaming import Source
from reference_impl.engine.sums import Parts
from reference_impl.quiet import quiet

EPS = float(np.finfo(np.float64).eps)
# How many standard errors from the minimum the Hessian is good for all steps that are left.
_NEAR = 0.1
# Smallest eigenvalue of X^T diag(s) X, of unit diagonal, that proves that X has full column rank.
_REGULAR = 1e-10
# By how much, in `tol`, the last step may change a logit.
_SETTLED = 100.0


@dataclass(frozen=True, eq=False)
class Found:
    """An estimate, as K n numbers, and what `estimation.Fit` says of it."""

    point: Array
    nll: float
    gradient_norm: float
    decrement: float
    steps: int
    root: Array  # C with C C^T the covariance
    rounding: Array  # a bound of what it may have done to each entry of the point
    totals: Array  # the weight of each class


@dataclass(frozen=True, eq=False)
class Terms:
    """What a block adds to the sums that a fit is made of, as functions for `streaming.total`.

    In coordinates: X R^-1 C stands for X, and s / scale for s. X R^-1 is found by solving, which
    leaves it as near to X as rounding its entries; C is easy to invert. The coefficients are K rows,
    one for labels 0 and 1, as one vector. The last columns of X may have fixed coefficients.
    """

    K: int
    n: int
    fixed: Array | None = None
    R: Array | None = None
    C: Array | None = None
    scale: float = 1.0
    names: tuple[str, ...] | None = None

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return max(self.K, 2)

    def first(self, u: Array, X: Any, y: Any, *, sample_weight: Any) -> tuple[Any, ...]:
        """Return X^T diag(s) X, the weight of each class, how many rows have one, and the least."""
        _, X, s = self._moved(u, X, sample_weight)
        X, y, s = arguments.data(X[:, : self.n], y, s, self.classes)
        totals = np.bincount(y, weights=s, minlength=self.classes)
        products = np.dot(X.T, X) if sample_weight is None else (X.T * s) @ X
        return products, totals, np.float64(len(s)), s.min()

    def triangle(self, u: Array, X: Any, y: Any, *, sample_weight: Any) -> Array:
        """Return R of diag(s)^(1/2) X = Q R."""
        _, X, s = self._moved(u, X, sample_weight)
        X, _, s = arguments.data(X[:, : self.n], y, s, self.classes)
        return np.asarray(np.linalg.qr(np.sqrt(s)[:, np.newaxis] * X, mode="r"))

    def value_and_gradient(
        self, u: Array, X: Any, y: Any, *, sample_weight: Any
    ) -> tuple[Any, Array]:
        """Return the NLL and its gradient."""
        U, X, s = self._moved(u, X, sample_weight)
        if self.K == 1:
            value, gradient = logistic.nll_and_gradient(U[0], X, y, sample_weight=s)
        else:
            value, gradient = softmax.nll_and_gradient(U, X, y, sample_weight=s)
        return value, gradient.reshape(self.K, -1)[:, : self.n].ravel()

    def hessian(self, u: Array, X: Any, y: Any, *, sample_weight: Any) -> Array:
        """Return the Hessian of the NLL."""
        U, X, s = self._moved(u, X, sample_weight)
        if self.K == 1:
            return logistic.nll_hessian(U[0], X, y, sample_weight=s)[: self.n, : self.n]
        H = softmax.nll_hessian(U, X, y, sample_weight=s)[:, : self.n, :, : self.n]
        return H.reshape(len(u), len(u))

    def all_three(
        self, u: Array, X: Any, y: Any, *, sample_weight: Any
    ) -> tuple[Any, Array, Array]:
        """Return all of them, from one pass over the data."""
        value, gradient = self.value_and_gradient(u, X, y, sample_weight=sample_weight)
        return value, gradient, self.hessian(u, X, y, sample_weight=sample_weight)

    def last(
        self, bound: float, root: Array, moved: float, step: Array, u: Array, X: Any, y: Any, *,
        sample_weight: Any,
    ) -> tuple[Any, Array, Any, Any]:  # fmt: skip
        """Return value, gradient, and how many rows leave in doubt that there is a minimum, or move.

        The gradient is a sum of the vectors m_ia = x_i (e_a - e_y) with the factors s_i p_ia > 0. If
        with some factors > 0 it is 0, no direction separates. So it is with the factors
        s_i (p_ia - dp_ia), where dp_ia is what a step of Newton's makes of p_ia, unless that is as
        large as p_ia itself. Of p_ia it is less than twice the norm of C^T x_i times `bound`, that
        of C^T g with its rounding, for C C^T = H^-1; and of s_i p_ia less than bound^2.

        Rows move if the step that led here changes a logit by more than `moved`.
        """
        value, gradient = self.value_and_gradient(u, X, y, sample_weight=sample_weight)
        U, X, s = self._moved(u, X, sample_weight)
        change = np.abs(X[:, : self.n] @ step.reshape(self.K, -1).T).max(axis=1)
        z = U @ X.T
        apart = np.abs(z[0]) if self.K == 1 else z.max(axis=0) - z.min(axis=0)
        s = np.ones(len(X)) if s is None else s
        least = s * np.exp(-apart) / self.classes  # no s_i p_ia is smaller
        doubtful = X[(least <= bound**2) & (s > 0), : self.n]
        of_classes = np.tensordot(doubtful, root.reshape(self.K, self.n, -1), (1, 1))
        largest = np.linalg.norm(of_classes, axis=2).max(axis=1, initial=0.0)
        unproved = np.float64(np.sum(~(4 * largest * bound < 1)))  # with a factor of 2 to spare
        return value, gradient, unproved, np.float64(np.sum((change > moved) & (s > 0)))

    def not_separated(self, u: Array, X: Any, y: Any, *, sample_weight: Any) -> Any:
        """Return how many rows have a margin along u that is not positive beyond rounding."""
        U, X, s = self._moved(u, X, sample_weight)
        X, y, _ = arguments.data(X, y, s, self.classes)
        z, size = X @ U.T, np.abs(X) @ np.abs(U).T
        if self.K == 1:
            z, size = np.column_stack([0 * z, z]), np.column_stack([size, size])
        margins = np.take_along_axis(z, y[:, np.newaxis], 1) - z
        margins[np.arange(len(y)), y] = np.inf
        rounding = 2 * X.shape[1] * EPS * size.max(axis=1)
        return np.float64(np.sum(margins.min(axis=1) <= rounding))

    def _moved(self, u: Array, X: Any, s: Any) -> tuple[Array, Array, Any]:
        """Return coefficients, design matrix and weights in the coordinates."""
        names = streaming.column_names(X)
        if None not in (names, self.names) and names != self.names:
            raise ValueError(f"X: expected the columns {self.names}, given {names}")
        X, U = sums.design_matrix(X), u.reshape(self.K, self.n)
        if X.shape[1] != self.n + (0 if self.fixed is None else self.K):
            raise ValueError(
                f"X: expected as many columns as in the first block, {self.n}, given shape {X.shape}"
            )
        if self.R is not None:
            X = arguments.design_matrix(X)
            X = self._beside(orthonormal(X[:, : self.n], self.R), X)
        if self.C is not None:
            X = self._beside(X[:, : self.n] @ self.C, X)
        if self.fixed is not None:
            U = np.hstack([U, self.fixed])
        return U, X, s if s is None or self.scale == 1 else arguments.weights(s, X) / self.scale

    def _beside(self, Q: Array, X: Array) -> Array:
        """Return Q with the columns of X that have fixed coefficients."""
        return Q if self.fixed is None else np.hstack([Q, X[:, self.n :]])


@dataclass(frozen=True, eq=False)
class _Last:
    """A step of Newton's, and what is known after it, in coordinates."""

    point: Array
    value: float
    gradient: Array
    root: Array
    decrement: float
    steps: int
    rounding: tuple[float, float]  # of the decrement: by sums, and by logits
    unproved: float  # rows that do not prove that an estimate exists
    moving: float  # rows of which the step changes a logit


class Separated(ConvergenceError):
    """Every data point has its own class as the likeliest by far, at the coefficients `point`."""

    def __init__(self, point: Array) -> None:
        super().__init__("every data point has its own class as the likeliest by far")
        self.point = point

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return type(self), (self.point,)


@quiet
def fit(
    blocks: Source,
    terms: Terms,
    penalty: Array,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    few_passes: bool,
    decide: Callable[[ConvergenceError], None],
) -> Found:
    """Minimise the NLL + sum_k penalty_k/2 sum_a U_ak^2.

    Parameters
    ----------
    blocks : iterable of blocks, or blocks elsewhere
        The data.
    terms : Terms
        What a block adds.
    penalty : float64 array, shape (n,)
        Of each column of X.
    start : float64 array, shape (K n,)
        The first point.
    tol, max_iter
        As in `estimation.newton`.
    few_passes : bool
        Whether a pass over the data costs more than a Hessian: then each step takes one.
    decide : callable
        Raises the reason if there is no unique estimate, given what raised a doubt.

    Returns
    -------
    Found

    Raises
    ------
    ConvergenceError
        If the minimum is not reached, or what `decide` raises.
    TypeError, ValueError
        As `streaming.total`.
    """
    problem = _Problem(blocks, terms, penalty, tol, max_iter, few_passes)
    far = ConvergenceError("some data points are too far on their side")
    last, reason = None, None
    try:
        if problem.in_range() and problem.is_regular():
            last = problem.solved(start)
            if problem.is_proved(last):
                return problem.found(last)
    except Separated as error:
        decide(error)
        raise
    except ConvergenceError as error:
        reason = error
    R, condition = _triangle(blocks, problem.terms, penalty)
    if not condition < 1 / (terms.n * EPS):
        dependent = ConvergenceError("the columns of X are dependent, to rounding")
        if (penalty > 0).all():
            raise reason or dependent
        decide(reason or dependent)
        raise ValueError(
            f"X: expected linearly independent columns, given columns that are dependent to "
            f"rounding (condition number {condition:.3g} of X with scaled columns): the estimate is "
            f"not unique; drop dependent columns or use a penalty > 0"
        )
    if reason or last is None:
        terms = replace(problem.terms, R=R)
        problem = _Problem(blocks, terms, penalty, tol, max_iter, few_passes)
        try:
            last = problem.solved(problem.coordinates(start))
        except ConvergenceError as error:
            decide(error)
            raise ConvergenceError(
                f"{error}; condition number of X with scaled columns {condition:.3g}"
            ) from None
    if not problem.is_proved(last):
        decide(far)
    return problem.found(last)


class _Problem:
    """The penalised NLL in coordinates, for weights that are 1 on average, and a first pass.

    In the coordinates u = R w the penalty is u^T Lambda u / 2.
    """

    def __init__(
        self, blocks: Source, terms: Terms, penalty: Array, tol: float, max_iter: int,
        few_passes: bool,
    ) -> None:  # fmt: skip
        self.blocks, self.few_passes, self.free = blocks, few_passes, penalty == 0
        self.tol, self.max_iter = tol, max_iter
        self.least = np.inf

        def summands() -> Iterator[Parts]:
            zero = np.zeros(terms.K * terms.n)
            for *more, least in streaming.parts(terms.first, zero, blocks):
                self.least = min(self.least, float(least) if more[0] else np.inf)
                yield more

        products, totals, rows = _added(summands())
        weight = arguments.representable("the sum of the weights", totals.sum())
        self.totals = totals * terms.scale
        power = 1.0 if terms.scale != 1 else 2.0 ** np.rint(np.log2(weight / rows))
        self.weight, self.least = weight / power, self.least / power
        self.terms = replace(terms, scale=terms.scale * power)
        self.products = products / power
        inverse = np.eye(terms.n) if terms.R is None else _inverse(terms.R)
        self.Lambda = (inverse.T * (penalty / self.terms.scale)) @ inverse
        quarter = 4 if terms.K == 1 else terms.K
        self.at_zero = self.products / quarter + self.Lambda
        self._last: tuple[bytes, tuple[Any, ...]] = b"", ()

    def in_range(self) -> bool:
        """Whether no sum of squares of a column left the range of float64."""
        diagonal = np.diag(self.products)
        return bool(np.isfinite(self.products).all() and (diagonal[diagonal > 0] > 1e-200).all())

    def is_regular(self) -> bool:
        """Whether X^T diag(s) X proves that the columns without a penalty are independent."""
        free = self.products[np.ix_(self.free, self.free)]
        unit = np.sqrt(np.diag(free))
        return not len(free) or bool(
            unit.all() and np.linalg.eigvalsh(free / np.outer(unit, unit))[0] > _REGULAR
        )

    def value_and_gradient(self, u: Array) -> tuple[float, Array]:
        """Return value and gradient, and end where no minimum can be.

        An NLL below min_i s_i log 2 leaves every data point with a loss below log 2, hence its own
        class with a probability above 1/2: u separates the classes completely, if no offset does.
        """
        value, gradient = self._at(u)[:2]
        whole = self.free.all() and self.terms.fixed is None
        if whole and value < self.least * np.log(2):
            raise Separated(self.coefficients(u))
        U = u.reshape(self.terms.K, -1)
        return float(value) + float((U @ self.Lambda * U).sum()) / 2, gradient + (
            U @ self.Lambda
        ).ravel()

    def hessian(self, u: Array) -> Array:
        """Return the Hessian; ``softmax.null_space`` is filled, in which no gradient lies."""
        found = self._at(u)
        H = found[2] if len(found) > 2 else self._total(self.terms.hessian, u)
        return np.asarray(H + self._beside_the_nll(self.Lambda, self.at_zero))

    def solved(self, start: Array) -> _Last:
        """Return the last step to the estimate, if there is one."""
        there = self._there(start)
        assert there.hessian is not None
        last = self._stepped(there.point, there.gradient, there.hessian, there.steps)
        reachable = self.tol if self.terms.R is None else max(self.tol, sum(last.rounding))
        last = self._further(last, lambda last: not last.decrement <= reachable)
        if not last.decrement <= reachable:
            raise ConvergenceError(
                f"the decrement is still {last.decrement:.3g}, above {self.tol:g}"
            )
        return last

    def is_proved(self, last: _Last) -> bool:
        """Whether the last point proves that there is an estimate."""
        return not self.free.any() or last.unproved == 0

    def found(self, last: _Last) -> Found:
        """Return the estimate, if there is one, after further steps where one changes a logit.

        Where all of the data are far on their side, a step of no standard error may do that.
        """
        last = self._further(last, lambda last: last.moving > 0)
        w, scale = self.coefficients(last.point), self.terms.scale
        root = self._by_rows(self.coefficients, last.root) / np.sqrt(scale)
        errors = np.sqrt(scale) * norms(root) * sum(last.rounding)
        return Found(
            point=w,
            nll=float(last.value * scale),
            gradient_norm=float(norms(self._gradient(last.gradient)[np.newaxis])[0]) * scale,
            decrement=last.decrement * np.sqrt(scale),
            steps=last.steps,
            root=root,
            rounding=errors + rounding_of_coefficients(self.terms.R, w),
            totals=self.totals,
        )

    def _further(self, last: _Last, wanted: Callable[[_Last], bool]) -> _Last:
        """Take steps of Newton's as long as they are wanted and bring the minimum nearer."""
        for _ in range(self.max_iter):
            if not wanted(last):
                break
            u = last.point
            more = self._stepped(u, last.gradient, self.hessian(u), last.steps)
            if not more.decrement < 0.9 * last.decrement:  # but for rounding it would
                return last
            last = more
        if wanted(last):
            raise ConvergenceError(f"the minimum is not reached after {last.steps} steps")
        return last

    def _stepped(self, u: Array, gradient: Array, hessian: Array, steps: int) -> _Last:
        """Take a step of Newton's from u, with its gradient, and a Hessian that is near."""
        root = self._covariance_root(u, hessian)
        along = root.T @ gradient
        decrement, step = float(np.linalg.norm(along)), -(root @ along)
        rounding = self._rounding(root, u)
        bound = decrement + rounding[0] + self._rounding_of_rows(root)
        moved = _SETTLED * self.tol
        last = partial(self.terms.last, bound, root, moved, step)
        value, gradient, unproved, moving = self._total(last, u + step)
        Lambda = ((u + step).reshape(self.terms.K, -1) @ self.Lambda).ravel()
        return _Last(
            point=u + step,
            value=float(value),
            gradient=gradient + Lambda,
            root=root,
            decrement=decrement,
            steps=steps + 1,
            rounding=rounding,
            unproved=float(unproved),
            moving=float(moving),
        )

    def coordinates(self, w: Array) -> Array:
        """Return R w."""
        R = self.terms.R
        return w if R is None else (w.reshape(-1, len(R)) @ R.T).ravel()

    def coefficients(self, u: Array) -> Array:
        """Return R^-1 u."""
        R = self.terms.R
        return u if R is None else linalg.solve_triangular(R, u.reshape(-1, len(R)).T).T.ravel()

    def _gradient(self, g: Array) -> Array:
        R = self.terms.R
        return g if R is None else (g.reshape(-1, len(R)) @ R).ravel()

    def _by_rows(self, function: Callable[[Array], Array], columns: Array) -> Array:
        return np.array([function(column) for column in columns.T]).T

    def _at(self, u: Array) -> tuple[Any, ...]:
        """Return value and gradient, and the Hessian if it costs no pass; the last are kept."""
        key = u.tobytes()
        if self._last[0] != key:
            of_block = self.terms.all_three if self.few_passes else self.terms.value_and_gradient
            self._last = key, self._total(of_block, u)
        return self._last[1]

    def _total(self, of_block: Callable[..., Any], u: Array) -> Any:
        return streaming.total(of_block, u, self.blocks)

    def _beside_the_nll(self, Lambda: Array, at_zero: Array) -> Array:
        """Return what the penalty adds to the Hessian, and what fills the null space."""
        K = self.terms.K
        if K == 1:
            return Lambda
        filled = np.kron(np.full((K, K), 1 / K), at_zero)
        return np.asarray(np.kron(np.eye(K), Lambda) + filled)

    def _there(self, start: Array) -> Minimum:
        """Go near the minimum with the Hessian at zero as the seed, then there with the one near it.

        At zero the Hessian is (I - 1 1^T / K) (x) at_zero, or at_zero itself if K = 1.
        """
        if not self.few_passes:
            factor = _factor(self.at_zero)

            def first_seed(g: Array) -> Array:
                return _solve(factor, g.reshape(self.terms.K, -1).T).T.ravel()

            try:
                near = minimisation.lbfgs(
                    self.value_and_gradient, start, first_seed, tol=_NEAR, max_iter=self.max_iter
                )
                H = self.hessian(near.point)
                second = partial(_solve, _factor(H))
                there = minimisation.lbfgs(
                    self.value_and_gradient,
                    near.point,
                    second,
                    tol=self.tol,
                    max_iter=self.max_iter,
                )
                return replace(there, steps=near.steps + there.steps, hessian=H)
            except Separated:
                raise
            except ConvergenceError:
                pass
        newton = partial(minimisation.newton, self.value_and_gradient, self.hessian)
        try:
            return newton(start, tol=self.tol, max_iter=self.max_iter)
        except Separated:
            raise
        except ConvergenceError:  # from where the NLL is flat there is no step
            if not start.any():
                raise
        return newton(np.zeros_like(start), tol=self.tol, max_iter=self.max_iter)

    def _covariance_root(self, u: Array, hessian: Array) -> Array:
        """Return C with C C^T the inverse of the Hessian at u, given one that is near.

        The condition number of H = A^T A is the square of that of A, and multiplies its rounding
        errors in the inverse. So a Hessian nearby, F^T F, serves as a change of coordinates only:
        in those of F u the Hessian, formed from A F^-1, is nearly the identity, and easy to invert.
        For classes it is that at zero, which is the same for all.
        """
        F = _factor(hessian if self.terms.K == 1 else self.at_zero)
        inverse = _inverse(F)
        changed = replace(self.terms, C=inverse)
        point = (u.reshape(self.terms.K, -1) @ F.T).ravel()
        H = self._total(changed.hessian, point)
        H = H + self._beside_the_nll(inverse.T @ self.Lambda @ inverse, np.eye(len(F)))
        root = _inverse(_factor(H)).reshape(self.terms.K, len(F), -1)
        return np.asarray((inverse @ root).reshape(len(H), -1))

    def _rounding(self, root: Array, u: Array) -> tuple[float, float]:
        """Return what rounding can make of the decrement: in the sums of g, and in the logits.

        Each sum over the data is known to 64 eps of its absolute terms: these are at most
        (sum_i s_i)^(1/2) (sum_i s_i x_ik^2)^(1/2). A logit is known to (n + 2) eps of its own,
        and (dz^T diag(s v) dz)^(1/2), with v <= 1/4 the variance of the label, is what that makes;
        Q R differs from X as if each entry of X were rounded so.
        """
        sizes, R = np.sqrt(np.diag(self.products)), self.terms.R
        absolute = np.tile(64 * EPS * np.sqrt(self.weight) * sizes, self.terms.K)
        columns = np.abs(self.coefficients(u).reshape(self.terms.K, -1))
        largest = (columns @ (sizes if R is None else norms(R.T))).max()
        of_logits = (len(sizes) + 2) * EPS / 2 * largest
        return float(np.linalg.norm(absolute @ np.abs(root))), float(of_logits)

    def _rounding_of_rows(self, root: Array) -> float:
        """Return what it makes of the decrement that rows of X R^-1 are no rows of X.

        They are off by n eps |Q| |R| |R^-1|, and prove something of other data.
        """
        R = self.terms.R
        if R is None:
            return 0.0
        sizes = np.sqrt(np.diag(self.products)) @ np.abs(R) @ np.abs(_inverse(R))
        absolute = np.tile(len(R) * EPS * np.sqrt(self.weight) * sizes, self.terms.K)
        return float(np.linalg.norm(absolute @ np.abs(root)))


def _added(summands: Iterator[Parts]) -> list[Any]:
    """Return the sums without the weights, whether or not they are finite."""
    try:
        weight, *found = sums.add(summands)
    except StopIteration:
        raise ValueError("blocks: expected at least one block, given none") from None
    if weight == 0:
        raise ValueError("sample_weight: expected at least one weight > 0, given all zero")
    return found


def _triangle(blocks: Source, terms: Terms, penalty: Array) -> tuple[Array, float]:
    """Return R with R^T R = X^T diag(s) X + penalty, and its condition with columns of unit norm."""
    zero = np.zeros(terms.K * terms.n)
    triangles = (part[1] for part in streaming.parts(terms.triangle, zero, blocks))
    R = np.diag(np.sqrt(penalty / terms.scale))[penalty > 0]
    for more in triangles:
        R = np.asarray(np.linalg.qr(np.vstack([R, more]), mode="r"))
    if len(R) < terms.n:
        return R, np.inf
    sizes = norms(R.T)
    return R, float(np.linalg.cond(R / sizes)) if sizes.all() else np.inf


def orthonormal(X: Array, R: Array) -> Array:
    """Return X R^-1, found by solving."""
    return np.asarray(linalg.solve_triangular(R, X.T, trans="T").T)


def rounding_of_coefficients(R: Array | None, w: Array) -> Array:
    """Return what rounding makes of R^-1 u, which is w."""
    if R is None:
        return EPS * np.abs(w)
    size = np.abs(_inverse(R)) @ np.abs(R)
    return len(R) * EPS * (np.abs(w).reshape(-1, len(R)) @ size.T).ravel()


def norms(rows: Array) -> Array:
    """Return the Euclidean norms of rows whose squares may leave the range of float64."""
    largest = np.abs(rows).max(axis=1)
    return largest * np.asarray(
        np.linalg.norm(rows / np.where(largest > 0, largest, 1)[:, np.newaxis], axis=1)
    )


def _factor(H: Array) -> Array:
    """Return R, upper triangular with R^T R = H."""
    try:
        return np.asarray(linalg.cholesky(H, check_finite=False))
    except linalg.LinAlgError:
        raise ConvergenceError("the Hessian is not positive definite in float64") from None


def _solve(factor: Array, right: Array) -> Array:
    return np.asarray(linalg.cho_solve((factor, False), right, check_finite=False))


def _inverse(factor: Array) -> Array:
    return np.asarray(linalg.solve_triangular(factor, np.eye(len(factor))))
