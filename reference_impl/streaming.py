"""Sums over blocks of rows: data that need not fit in memory.

The NLL and its gradient, Hessian and Hessian-vector product are sums over the data points, and so
sums over blocks of them. Each block goes through the function that a whole data set goes through,
and what is added is small. `total` does that for any iterable of blocks, `Blocks` cuts a memory
map into them, and `newton` fits with one pass over the data a step.

A block is ``(X_b, y_b)`` or ``(X_b, y_b, sample_weight_b)``. The results are added in the order
of the blocks, and what rounding loses in an addition is carried along (Neumaier, Z. angew. Math.
Mech. 54, 1974): the sum is the same in every run, and its error does not grow with their number.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from reference_impl import arguments, logistic, minimisation
from reference_impl.arguments import Array
from reference_impl.minimisation import ConvergenceError
from reference_impl.sigmoid import sigmoid

Block = tuple[Any, ...]
BlockFunction = Callable[..., Any]
Summands = tuple[Any, ...]
Evaluate = Callable[[BlockFunction, Array], Any]  # (function, w) -> its sum over the blocks

_BLOCK_BYTES = 2**24  # large beside the cost of a call, small beside any memory


class Blocks:
    """X and y as blocks of rows; a memory map is read block by block, in every pass anew.

    ``np.load("X.npy", mmap_mode="r")`` and ``np.memmap`` give memory maps. A block is a view of
    one, so that the memory in use does not depend on N.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix, one data point a row. Neither an array nor a memory map is copied.
    y : array_like, shape (N,)
        Labels.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.
    rows : int, optional
        Rows of a block; as many as fill 16 MiB with float64, if not given.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or shape. Values are checked when their block is used.
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        rows: int | None = None,
    ) -> None:
        matrix = _array("X", X)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                f"X: expected a matrix of shape (N, n) with N >= 1 rows and n >= 1 columns, "
                f"given shape {matrix.shape}"
            )
        if rows is None:
            rows = max(1, _BLOCK_BYTES // (8 * matrix.shape[1]))
        self.rows = arguments.count("rows", rows)
        self.arrays = [matrix, _column("y", y, matrix)]
        if sample_weight is not None:
            self.arrays.append(_column("sample_weight", sample_weight, matrix))

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._starts())

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, from the first row on."""
        for start in self._starts():
            yield tuple(array[start : start + self.rows] for array in self.arrays)

    def _starts(self) -> range:
        return range(0, len(self.arrays[0]), self.rows)


def total(function: BlockFunction, w: ArrayLike, blocks: Iterable[Block], *direction: Any) -> Any:
    """Return sum_b function(w, X_b, y_b), the value of `function` on all rows together.

    Parameters
    ----------
    function : callable
        ``nll``, ``nll_gradient``, ``nll_and_gradient``, ``nll_hessian`` or ``nll_hvp`` of
        `logistic` or `softmax`, or a function of the same arguments that is a sum over rows.
    w : array_like, shape (n,), or (K, n) for softmax
        Coefficients.
    blocks : iterable of (X_b, y_b) or (X_b, y_b, sample_weight_b)
        One pass is made over it, so that it may be a generator, or be wrapped to show progress.
    *direction : array_like, shape of w
        The direction, for ``nll_hvp``.

    Returns
    -------
    What `function` returns: float64, float64 array, or a tuple of them

    Raises
    ------
    TypeError, ValueError
        As `function` does, with the block that is wrong; if there is no block or no weight > 0;
        for a sum beyond 1.8e308.
    """
    w = arguments.finite("w", w)
    return add(terms(function, w, blocks, direction))


def terms(
    function: BlockFunction, w: Array, blocks: Iterable[Block], direction: tuple[Any, ...] = ()
) -> Iterator[Summands]:
    """Yield, for each block, its weight and the results of `function` on it.

    Raises
    ------
    TypeError, ValueError
        As in `total`.
    """
    first_row = 0
    for index, block in enumerate(_iterated(blocks)):
        where = f"in block {index} (from row {first_row})"
        yield term(function, w, block, direction, where)
        first_row += len(block[0])


def term(
    function: BlockFunction, w: Array, block: Block, direction: tuple[Any, ...], where: str
) -> Summands:
    """Return the weight of a block and the results of `function` on it; `where` is for errors.

    Raises
    ------
    TypeError, ValueError
        As `function` does, with the place of the block.
    """
    try:
        X, y, s = _parts(block)
        weight = None if s is None else arguments.finite("sample_weight", s)
        absent = weight is not None and not weight.any()
        if absent:  # other blocks may have weight; the function would refuse, and checks the rest
            weight = np.ones_like(weight)
        result = function(w, X, y, *direction, sample_weight=weight)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}, {where}") from error
    results = result if isinstance(result, tuple) else (result,)
    if absent:
        return np.float64(0), *(0 * value for value in results)
    return np.float64(len(y) if weight is None else weight.sum()), *results


def add(summands: Iterable[Summands]) -> Any:
    """Return the sum of what `terms` yields, without the weights, in the form of the function.

    Raises
    ------
    ValueError
        If there is no block or no weight > 0, and for a sum beyond 1.8e308.
    """
    sums: list[Any] = []
    errors: list[Any] = []
    for values in summands:
        if not sums:
            sums, errors = list(values), [np.zeros_like(value) for value in values]
            continue
        with np.errstate(over="ignore", invalid="ignore"):  # reported by `representable`
            for k, value in enumerate(values):
                sums[k], error = _sum_and_error(sums[k], value)
                errors[k] = errors[k] + error
    if not sums:
        raise ValueError("blocks: expected at least one block, given none")
    if sums[0] == 0:
        raise ValueError("sample_weight: expected at least one weight > 0, given all zero")
    results = tuple(
        arguments.representable("the sum over the blocks", value + error)
        for value, error in zip(sums[1:], errors[1:], strict=True)
    )
    return results if len(results) > 1 else results[0]


@dataclass(frozen=True, eq=False)
class Fit:
    """A binary logistic regression that was fitted block by block.

    Attributes
    ----------
    w : float64 array, shape (n,)
        The estimate.
    nll : float
        The negative log-likelihood at w, without the penalty.
    gradient_norm : float
        Euclidean norm of the gradient at w, of the penalised NLL if there is a penalty.
    steps : int
        Newton steps taken.
    covariance : float64 array, shape (n, n)
        Inverse of the Hessian (of the penalised NLL if there is a penalty) at w.
    standard_errors : float64 array, shape (n,)
        Square roots of the diagonal of the covariance.
    """

    w: Array
    nll: float
    gradient_norm: float
    steps: int
    covariance: Array
    standard_errors: Array


class SeparatedError(ValueError):
    """A hyperplane separates the data completely, so that no maximum likelihood estimate exists.

    Attributes
    ----------
    direction : float64 array, shape (n,)
        d with (2 y_i - 1) x_i.d > 0 for every data point i.
    """

    def __init__(self, direction: Array) -> None:
        self.direction = direction
        super().__init__(
            "the data are completely separated, so that no maximum likelihood estimate exists: "
            "(2 y_i - 1) x_i.d > 0 for every i with d in the attribute `direction` of this error. "
            "Remedies: a penalty > 0, more data, or fewer columns of X"
        )


def newton(
    blocks: Iterable[Block],
    *,
    penalty: float = 0.0,
    tol: float = 1e-8,
    max_iter: int = 100,
    progress: Callable[[Iterable[Block]], Iterable[Block]] = iter,
) -> Fit:
    """``logistic.newton_step``: repeat w <- w - H^-1 g from w = 0, one pass over the data a step.

    A last pass without penalty looks whether the data overlap, for else there is no estimate.

    Parameters
    ----------
    blocks : iterable of (X_b, y_b) or (X_b, y_b, sample_weight_b)
        A list, a `Blocks` or another object over which any number of passes can be made.
    penalty : float
        lambda >= 0: penalty/2 norm(w)^2 is added to the NLL.
    tol : float
        Largest Newton decrement (g^T H^-1 g)^(1/2) before the last step.
    max_iter : int
        Largest number of steps.
    progress : callable, optional
        Wraps the blocks in each pass, such as ``tqdm.tqdm`` or ``rich.progress.track``.

    Returns
    -------
    Fit

    Raises
    ------
    SeparatedError
        Without penalty, when the data are completely separated.
    ConvergenceError
        When the minimum is not reached, or when the data are, or may be, quasi-completely
        separated or have linearly dependent columns.
    TypeError, ValueError
        As `total`, and for blocks that allow one pass only.
    """
    if isinstance(blocks, Iterator):
        raise TypeError(
            f"blocks: expected blocks over which several passes can be made, such as a list or "
            f"Blocks, given {type(blocks).__name__}, which is empty after one"
        )
    first = next(iter(_iterated(blocks)), None)
    if first is None:
        raise ValueError("blocks: expected at least one block, given none")
    n = arguments.design_matrix(_parts(first)[0]).shape[1]

    def evaluate(function: BlockFunction, w: Array) -> Any:
        return total(function, w, progress(blocks))

    return fit(evaluate, n, penalty=penalty, tol=tol, max_iter=max_iter)


def fit(evaluate: Evaluate, n: int, *, penalty: float, tol: float, max_iter: int) -> Fit:
    """Do what `newton` does, with `evaluate(function, w)` as the sum over the blocks.

    Raises
    ------
    SeparatedError, ConvergenceError, TypeError, ValueError
        As `newton`.
    """
    penalty = arguments.nonnegative("penalty", penalty)

    @lru_cache(maxsize=1)  # the Hessian is asked for where value and gradient were
    def derivatives(w: bytes) -> tuple[float, float, Array, Array]:
        point = np.frombuffer(w)
        nll, gradient, hessian, not_separated = evaluate(_derivatives, point)
        if penalty == 0 and not_separated == 0:
            raise SeparatedError(point / np.linalg.norm(point))
        return (
            float(nll),
            float(nll + penalty / 2 * (point @ point)),
            gradient + penalty * point,
            hessian + penalty * np.eye(n),
        )

    try:
        minimum = minimisation.newton(
            lambda w: derivatives(w.tobytes())[1:3],
            lambda w: derivatives(w.tobytes())[3],
            np.zeros(n),
            tol=tol,
            max_iter=max_iter,
        )
    except ConvergenceError as error:
        raise ConvergenceError(f"{error}; {_DOUBTS}") from error
    w = minimum.point
    nll, _, gradient, hessian = derivatives(w.tobytes())
    if penalty == 0:
        without_proof = evaluate(partial(_without_proof, minimum.decrement), w)
        if without_proof > 0:
            raise ConvergenceError(
                f"the data may have no maximum likelihood estimate: {without_proof:.0f} data "
                f"points are so far on their side that overlap is not proved; {_DOUBTS}"
            )
    covariance = linalg.cho_solve(linalg.cho_factor(hessian), np.eye(n))
    return Fit(
        w=w,
        nll=nll,
        gradient_norm=float(np.linalg.norm(gradient)),
        steps=minimum.steps,
        covariance=covariance,
        standard_errors=np.sqrt(np.diag(covariance)),
    )


_DOUBTS = (
    "possible reasons are quasi-completely separated data and (nearly) dependent columns, and the "
    "remedy is a penalty > 0, or fewer columns of X"
)


def _derivatives(
    w: Array, X: Any, y: Any, *, sample_weight: ArrayLike | None
) -> tuple[np.float64, Array, Array, np.float64]:
    """Return NLL, gradient and Hessian of a block, and how many rows w does not separate."""
    X, margin, s = _margins(w, X, y, sample_weight)
    doubtful = (margin <= 0) & (s > 0)
    if not doubtful.any():  # then, and only then, it matters how far the margins can be wrong
        rounding = len(w) * np.finfo(float).eps * (np.abs(X) @ np.abs(w))
        doubtful = (margin <= rounding) & (s > 0)
    nll, gradient = logistic.nll_and_gradient(w, X, y, sample_weight=s)
    hessian = logistic.nll_hessian(w, X, y, sample_weight=s)
    return nll, gradient, hessian, np.float64(np.sum(doubtful))


def _without_proof(
    decrement: float, w: Array, X: Any, y: Any, *, sample_weight: ArrayLike | None
) -> np.float64:
    """Return how many rows of a block do not satisfy decrement^2 (1 - q_i) / (s_i q_i) < 1.

    q_i is the probability of the wrong label. For a direction d with m_i = (2 y_i - 1) x_i.d >= 0,
    sum_i s_i q_i m_i = -g.d <= decrement (d^T H d)^(1/2)
                             = decrement (sum_i s_i q_i (1 - q_i) m_i^2)^(1/2)
                            <= decrement max_i ((1 - q_i) / (s_i q_i))^(1/2) sum_i s_i q_i m_i,
    so that all m_i are zero, and the data overlap, if every row satisfies it.
    """
    _, margin, s = _margins(w, X, y, sample_weight)
    proved = decrement**2 * sigmoid(margin) < s * sigmoid(-margin)
    return np.float64(np.sum(~proved & (s > 0)))


def _margins(
    w: Array, X: Any, y: Any, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Array]:
    """Return X, (2 y_i - 1) x_i.w and the weights."""
    X = arguments.design_matrix(X)
    margin = (2 * arguments.labels(y, X) - 1) * (X @ arguments.vector("w", w, X))
    return X, margin, arguments.weights(sample_weight, X)


def _sum_and_error(a: Any, b: Any) -> tuple[Any, Any]:
    """Return s = a + b rounded and the rounding error, so that s + error = a + b exactly."""
    s = a + b
    part = s - a
    return s, (a - (s - part)) + (b - part)


def _iterated(blocks: Iterable[Block]) -> Iterator[Block]:
    try:
        return iter(blocks)
    except TypeError:
        raise TypeError(
            f"blocks: expected an iterable of (X_b, y_b) or (X_b, y_b, sample_weight_b), "
            f"given {type(blocks).__name__}"
        ) from None


def _parts(block: Any) -> tuple[Any, Any, Any]:
    if not isinstance(block, tuple | list) or len(block) not in (2, 3):
        length = f" of length {len(block)}" if isinstance(block, tuple | list) else ""
        raise TypeError(
            f"blocks: expected (X_b, y_b) or (X_b, y_b, sample_weight_b), "
            f"given {type(block).__name__}{length}"
        )
    return block[0], block[1], block[2] if len(block) == 3 else None


def _array(name: str, value: ArrayLike) -> NDArray[Any]:
    return value if isinstance(value, np.ndarray) else arguments.real(name, value)


def _column(name: str, value: ArrayLike, X: NDArray[Any]) -> NDArray[Any]:
    array = _array(name, value)
    if array.shape != X.shape[:1]:
        raise ValueError(
            f"{name}: expected shape {X.shape[:1]} for X of shape {X.shape}, "
            f"given shape {array.shape}"
        )
    return array
