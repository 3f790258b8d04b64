"""Minimisation of a smooth convex function: Newton's method, L-BFGS and gradient descent.

Each method walks along p = -B g, where g is the gradient and B is what it takes for the inverse
of the Hessian: the inverse itself (Newton), an approximation that is built from the steps
(L-BFGS), or a number (gradient descent). The *decrement* (g.B g)^(1/2) is the length of the step
in the metric that belongs to B; for Newton's method it does not depend on the scaling of the
variables. The functions are given as Python functions, so that they may sum over blocks, files
or machines; they are asked for value and gradient together, once at each point.

Newton's method and L-BFGS cannot diverge: a step is taken only if the value falls by a set
fraction of what the slope promises, up to rounding, else it is halved (Armijo, Pacific J. Math.
16, 1966). For a convex function with a minimum each of them then comes arbitrarily near to it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from reference_impl import arguments
from reference_impl.arguments import Array
from reference_impl.quiet import quiet

ValueAndGradient = Callable[[Array], tuple[float, Array]]

# A sum over many data is rounded by about this much, so that smaller changes of it say nothing.
_ROUNDING = 2.0**-42
_PROMISED = 2.0**-10  # the fraction of the slope by which the value has to fall
_SHORTEST = 2.0**-30  # of a step: if even that does not make the value fall, the method ends
_MEMORY = 10  # pairs of steps and changes of the gradient that L-BFGS keeps


class ConvergenceError(RuntimeError):
    """A method stopped before it reached the minimum; the message says why and where.

    Examples
    --------
    >>> from reference_impl.engine import minimisation
    >>> issubclass(minimisation.ConvergenceError, Exception)
    True
    """


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a method arrived, and how.

    Attributes
    ----------
    point : float64 array, shape (n,)
        The last point.
    value : float
        Value there.
    gradient : float64 array, shape (n,)
        Gradient there.
    hessian : float64 array, shape (n, n), or None
        The last Hessian that Newton's method used: that of the point before the last step.
    decrement : float
        (g.B g)^(1/2) before the last step.
    steps : int
        Steps taken.
    evaluations : int
        Evaluations of value and gradient; one more than the steps unless steps were halved.
    points : float64 array, shape (steps + 1, n)
        Every point, from the start to the last.
    values, gradient_norms : float64 arrays, shape (steps + 1,)
        Value and Euclidean norm of the gradient at these points.

    Examples
    --------
    >>> from reference_impl.engine import minimisation
    >>> found = minimisation.gradient_descent(lambda w: (w @ w / 2, w), [1.0], step=1.0, steps=1)
    >>> found.point.tolist(), found.value
    ([0.0], 0.0)
    """

    point: Array
    value: float
    gradient: Array
    hessian: Array | None
    decrement: float
    steps: int
    evaluations: int
    points: Array
    values: Array
    gradient_norms: Array


def newton(
    value_and_gradient: ValueAndGradient,
    hessian: Callable[[Array], Array],
    start: ArrayLike,
    *,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> Minimum:
    """Repeat w <- w - t H^-1 g, t = 1 or halved, until the decrement (g.H^-1 g)^(1/2) <= tol.

    The step from the first point with so small a decrement is still taken: because the
    convergence is quadratic, what it leaves is of the order of rounding.

    Parameters
    ----------
    value_and_gradient : function
        w -> (value, gradient of shape (n,)) of a convex function.
    hessian : function
        w -> Hessian of shape (n, n).
    start : array_like, shape (n,)
        The first point.
    tol : float
        Largest decrement before the last step.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    Minimum

    Raises
    ------
    ConvergenceError
        If the Hessian is not positive definite in float64, if no step along p makes the value
        fall, or after `max_iter` steps.
    TypeError, ValueError
        For `start`, `tol` and `max_iter` of a wrong type, shape or value.

    References
    ----------
    Boyd and Vandenberghe, Convex Optimization, Cambridge 2004, section 9.5.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import minimisation
    >>> found = minimisation.newton(lambda w: (w @ w, 2 * w), lambda w: 2 * np.eye(2), [3.0, 4.0])
    >>> found.point.round(4).tolist()
    [0.0, 0.0]
    """
    walk, tol, max_iter = _checked(value_and_gradient, start, tol, max_iter)
    for _ in range(max_iter):
        H = hessian(walk.point)
        if np.shape(H) != 2 * walk.point.shape or not np.isfinite(H).all():
            raise ValueError(
                f"hessian: expected a finite matrix of shape {2 * walk.point.shape}, given shape "
                f"{np.shape(H)} after {walk.steps} steps"
            )
        try:
            step = _solved(H, -walk.gradient)
        except linalg.LinAlgError:
            raise ConvergenceError(
                f"the Hessian is not positive definite in float64 after {walk.steps} steps: norm "
                f"of the gradient {_norm(walk.gradient):.3g}"
            ) from None
        decrement = walk.advance(step)
        if decrement <= tol:
            return walk.minimum(decrement, H)
    raise _too_many(decrement, tol, walk)


def lbfgs(
    value_and_gradient: ValueAndGradient,
    start: ArrayLike,
    inverse_hessian: Callable[[Array], Array],
    *,
    tol: float = 1e-8,
    max_iter: int = 1000,
) -> Minimum:
    """Limited-memory BFGS: w <- w + t p, where p = -B g has B from the last ten steps and a seed.

    B is the seed, scaled to the last pair of them, s.y / y.B_0 y, and corrected so that it maps the
    last changes y of the gradient to the last steps s.
    The method ends with the step from the first point where (g.B g)^(1/2) <= tol.

    Parameters
    ----------
    value_and_gradient : function
        w -> (value, gradient of shape (n,)) of a convex function.
    start : array_like, shape (n,)
        The first point.
    inverse_hessian : function
        The seed B_0: g -> B_0 g, linear, symmetric and positive definite.
    tol : float
        Largest decrement before the last step.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    Minimum

    Raises
    ------
    ConvergenceError
        If no step along p makes the value fall, or after `max_iter` steps.
    TypeError, ValueError
        For `start`, `tol` and `max_iter` of a wrong type, shape or value.

    References
    ----------
    Nocedal and Wright, Numerical Optimization, Springer 2006, algorithm 7.4.

    Examples
    --------
    >>> from reference_impl.engine import minimisation
    >>> found = minimisation.lbfgs(lambda w: (w @ w, 2 * w), [3.0, 4.0], lambda g: g / 2)
    >>> found.point.round(4).tolist()
    [0.0, 0.0]
    """
    walk, tol, max_iter = _checked(value_and_gradient, start, tol, max_iter)
    pairs: deque[tuple[Array, Array, float]] = deque(maxlen=_MEMORY)
    for _ in range(max_iter):
        before, gradient = walk.point, walk.gradient
        try:
            decrement = walk.advance(-_two_loops(gradient, pairs, inverse_hessian))
        except ConvergenceError:  # what is known of a flat place says nothing of others
            if not pairs:
                raise
            pairs.clear()
            continue
        if decrement <= tol:
            return walk.minimum(decrement, None)
        s, y = walk.point - before, walk.gradient - gradient
        if s @ y > 0:  # so it is for a strictly convex function, but for rounding
            pairs.append((s, y, 1 / float(s @ y)))
    raise _too_many(decrement, tol, walk)


def gradient_descent(
    value_and_gradient: ValueAndGradient, start: ArrayLike, step: float, *, steps: int
) -> Minimum:
    """``logistic.smoothness``: w <- w - step g, a given number of times.

    With step = 1/L, where no eigenvalue of any Hessian exceeds L, each step makes the value fall
    by at least norm(g)^2 / (2 L). To look at, not to fit with: how many steps it takes grows with
    the condition number of the Hessian.

    Parameters
    ----------
    value_and_gradient : function
        w -> (value, gradient of shape (n,)).
    start : array_like, shape (n,)
        The first point.
    step : float
        Factor of the gradient, > 0.
    steps : int
        Number of steps.

    Returns
    -------
    Minimum
        Its decrement is step^(1/2) norm(g) before the last step; it is not claimed to be small.

    Raises
    ------
    TypeError, ValueError
        For `start`, `step` and `steps` of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.engine import minimisation
    >>> found = minimisation.gradient_descent(lambda w: (w @ w / 2, w), [1.0], step=0.5, steps=2)
    >>> found.point.tolist()
    [0.25]
    """
    walk = _Walk(value_and_gradient, _start(start))
    step = arguments.nonnegative("step", step)
    for _ in range(arguments.count("steps", steps)):
        decrement = np.sqrt(step) * _norm(walk.gradient)
        walk.go(walk.point - step * walk.gradient)
    return walk.minimum(decrement, None)


class _Walk:
    """The points of a method so far, with value and gradient at the last."""

    def __init__(self, value_and_gradient: ValueAndGradient, start: Array) -> None:
        self._evaluate = value_and_gradient
        self.evaluations = 0
        self.points: list[Array] = []
        self.values: list[float] = []
        self.norms: list[float] = []
        self.go(start)

    @property
    def steps(self) -> int:
        return len(self.points) - 1

    def _at(self, point: Array) -> tuple[float, Array]:
        self.evaluations += 1
        value, gradient = self._evaluate(point)
        return float(value), gradient

    def go(self, point: Array) -> None:
        """Go to a point, whatever the value there."""
        self._arrive(point, *self._at(point))

    def advance(self, step: Array) -> float:
        """Take the step, or half of it until the value falls; return (-g.step)^(1/2)."""
        slope = self.gradient @ step
        size = 1.0 if np.isfinite(step).all() else 0.0
        while size >= _SHORTEST:
            point = self.point + size * step
            value, gradient = self._at(point)
            # NaN is no fall either. Near the minimum no fall is visible, and full steps are right.
            if value <= self.value + _PROMISED * size * slope + _ROUNDING * abs(self.value):
                self._arrive(point, value, gradient)
                return float(np.sqrt(max(-float(slope), 0.0)))
            size /= 2
        raise ConvergenceError(
            f"no step makes the value fall after {self.steps} steps: norm of the gradient "
            f"{_norm(self.gradient):.3g}, slope {slope:.3g}"
        )

    def _arrive(self, point: Array, value: float, gradient: Array) -> None:
        self.point, self.value, self.gradient = point, value, gradient
        self.points.append(point)
        self.values.append(value)
        self.norms.append(_norm(gradient))

    def minimum(self, decrement: float, hessian: Array | None) -> Minimum:
        return Minimum(
            point=self.point,
            value=self.value,
            gradient=self.gradient,
            hessian=hessian,
            decrement=decrement,
            steps=self.steps,
            evaluations=self.evaluations,
            points=np.array(self.points),
            values=np.array(self.values),
            gradient_norms=np.array(self.norms),
        )


def _two_loops(
    g: Array,
    pairs: deque[tuple[Array, Array, float]],
    inverse_hessian: Callable[[Array], Array],
) -> Array:
    """Return B g, where B maps y to s for the last pair, and nearly so for those before.

    The seed is multiplied by the number that makes it right for the last pair along y.
    """
    coefficients = []
    for s, y, rho in reversed(pairs):
        coefficients.append(rho * (s @ g))
        g = g - coefficients[-1] * y
    p = inverse_hessian(g)
    if pairs:
        s, y, rho = pairs[-1]
        p = p / (rho * float(y @ inverse_hessian(y)))
    for (s, y, rho), coefficient in zip(pairs, reversed(coefficients), strict=True):
        p = p + (coefficient - rho * (y @ p)) * s
    return p


@quiet
def _solved(H: Array, b: Array) -> Array:
    return np.asarray(linalg.cho_solve(linalg.cho_factor(H), b))


def _start(start: ArrayLike) -> Array:
    point = arguments.finite("start", start)
    if point.ndim != 1 or point.size == 0:
        raise ValueError(f"start: expected shape (n,) with n >= 1, given shape {point.shape}")
    return point.copy()


def _checked(
    value_and_gradient: ValueAndGradient, start: ArrayLike, tol: float, max_iter: int
) -> tuple[_Walk, float, int]:
    point = _start(start)
    tol = arguments.nonnegative("tol", tol)
    max_iter = arguments.count("max_iter", max_iter)
    return _Walk(value_and_gradient, point), tol, max_iter


def _too_many(decrement: float, tol: float, walk: _Walk) -> ConvergenceError:
    return ConvergenceError(
        f"the decrement is still {decrement:.3g}, above {tol:g}, after {walk.steps} steps: norm "
        f"of the gradient {_norm(walk.gradient):.3g}"
    )


def _norm(gradient: Array) -> float:
    return float(np.linalg.norm(gradient))
