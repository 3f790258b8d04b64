"""Binary logistic regression block by block: one read of X, in threads, in float32 where wanted.

The functions are those of `reference_impl.logistic`, with the same results up to rounding. `dtype`
is the type of the numbers in a block; the results are float64 in any case. With float32, which for
large data takes half to three quarters of the time of NumPy's float64, they are good to three to six
digits: up to a hundred thousand terms are added in float32. The compiled loops are for float64 only.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from reference_impl import arguments
from reference_impl.arguments import AnyArray, Array
from reference_impl.engine import compiled, sums
from reference_impl.engine.sums import OfBlock, Parts, Rows
from reference_impl.quiet import quiet

SIGNS = {dtype: np.array([1, -1], dtype) for dtype in sums.LARGEST_EXPONENT}  # 1 - 2 y


def nll(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
) -> np.float64:
    """``logistic.nll``: -sum_i s_i (y_i log p_i + (1 - y_i) log(1 - p_i)).

    Parameters
    ----------
    w, X, y, sample_weight
        As in the reference.
    dtype : float64 or float32
        The type in which the terms of a block are computed and added; blocks are added in float64.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    float64

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a result beyond 1.8e308 (with
        float32, for numbers beyond 3.4e38).

    Examples
    --------
    >>> from reference_impl.engine import logistic
    >>> f"{logistic.nll([0.0], [[1.0], [1.0]], [0, 1], threads=2):.4f}"
    '1.3863'
    """
    w, data = _given(w, X, y, sample_weight)
    (value,) = _total(w, data, ["the NLL"], dtype, threads)
    return np.float64(value)


def nll_gradient(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
) -> Array:
    """``logistic.nll_gradient``: X^T (p - y), weighted X^T (s o (p - y)).

    Arguments and errors are those of `nll`; returns float64 array, shape (n,).

    Examples
    --------
    >>> from reference_impl.engine import logistic
    >>> logistic.nll_gradient([0.0], [[1.0], [3.0]], [0, 1]).tolist()
    [-1.0]
    """
    return nll_and_gradient(w, X, y, sample_weight=sample_weight, dtype=dtype, threads=threads)[1]


def nll_and_gradient(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    threads: int = 1,
) -> tuple[np.float64, Array]:
    """``logistic.nll`` and ``logistic.nll_gradient`` from one read of X.

    Arguments and errors are those of `nll`; returns (float64, float64 array of shape (n,)).

    Examples
    --------
    >>> from reference_impl.engine import logistic
    >>> value, gradient = logistic.nll_and_gradient([0.0], [[1.0], [3.0]], [0, 1])
    >>> f"{value:.4f}", gradient.tolist()
    ('1.3863', [-1.0])
    """
    w, data = _given(w, X, y, sample_weight)
    names = ["the NLL", "the gradient of the NLL"]
    value, gradient = _total(w, data, names, dtype, threads)
    return np.float64(value), gradient


def nll_hessian(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    threads: int = 1,
) -> Array:
    """``logistic.nll_hessian``: X^T diag(s o p o (1 - p)) X, exactly symmetric.

    It is A^T A with A = diag(s o p o (1 - p))^(1/2) X, of which BLAS computes one half.

    Arguments and errors are those of `nll`; returns float64 array, shape (n, n).

    Examples
    --------
    >>> from reference_impl.engine import logistic
    >>> logistic.nll_hessian([0.0], [[1.0], [3.0]], [0, 1]).tolist()
    [[2.5]]
    """
    w, data = _given(w, X, y, sample_weight)
    n = len(w)

    def make(m: int) -> OfBlock:
        kept, H = np.empty((m, n)), np.empty((n, n))

        def of_block(X: Array, y: AnyArray, s: Array | None) -> Parts:
            scale = np.sqrt(_variance(X @ w, s))
            A = np.multiply(scale[:, np.newaxis], X, out=kept[: len(X)])
            return (np.dot(A.T, A, out=H),)

        return sums.one_by_one(of_block)

    most = max(sums.fitting(2 * n), 2 * n)  # to add H costs less than to compute it
    (H,) = sums.total(make, data, most, ["the Hessian of the NLL"], threads=threads)
    return H


def nll_hvp(
    w: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    v: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    threads: int = 1,
) -> Array:
    """``logistic.nll_hvp``: H v = X^T (s o p o (1 - p) o (X v)), without forming H.

    Arguments and errors are those of `nll`, with a direction v of shape (n,); returns
    float64 array, shape (n,).

    Examples
    --------
    >>> from reference_impl.engine import logistic
    >>> logistic.nll_hvp([0.0], [[1.0], [3.0]], [0, 1], [2.0]).tolist()
    [5.0]
    """
    w, data = _given(w, X, y, sample_weight)
    v = arguments.vector("v", v, data.X)

    def make(m: int) -> OfBlock:
        return sums.one_by_one(lambda X, y, s: ((_variance(X @ w, s) * (X @ v)) @ X,))

    name = "the Hessian-vector product"
    (Hv,) = sums.total(make, data, _rows(w), [name], threads=threads)
    return Hv


def _given(
    w: ArrayLike, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Rows]:
    X = sums.design_matrix(X)
    w = arguments.vector("w", w, X)
    return w, sums.rows(X, y, sample_weight, 2)


def _rows(w: Array, dtype: DTypeLike = np.float64) -> int:
    """Return the rows of a block: x_i and the four numbers computed from it stay in the cache."""
    return sums.fitting(len(w) + 4, dtype)


def _total(w: Array, data: Rows, names: list[str], dtype: DTypeLike, threads: int) -> list[Array]:
    """Return the NLL, and its gradient if there is a name for it."""
    kind = sums.floating(dtype)
    by_numpy = partial(_by_numpy, w, dtype=kind, with_gradient=len(names) == 2)
    loops = compiled.loops(kind)
    if loops is None:
        made = by_numpy, data, _rows(w, kind), names
        return sums.total(*made, dtype=kind, threads=threads, together=(1, sums.LONGEST))
    numbers = len(w) + 4
    evaluation = compiled.Evaluation(loops.logistic, w, float, by_numpy, len(names) == 2)
    return evaluation.total(data, numbers, names, threads)


@quiet
def _by_numpy(w: Array, m: int, *, dtype: np.dtype[Any], with_gradient: bool) -> OfBlock:
    """Return the function of blocks that gives sum_i s_i log(1 + e^t_i) and X^T (s o (p - y)).

    The residual p - y is (1 - 2 y) sigma(t), sigma(t) = e^t / (1 + e^t).
    """
    w, kept, signs = w.astype(dtype, copy=False), np.empty((4, m), dtype), SIGNS[dtype]

    @quiet
    def of_block(X: AnyArray, y: AnyArray, s: AnyArray | None) -> Parts:
        sign, t, e, loss = kept[:, : y.size].reshape(4, *y.shape)
        signs.take(y.astype(np.intp, copy=False), out=sign, mode="clip")
        np.matmul(X, w, out=t)
        t *= sign
        np.exp(t, out=e)
        np.log1p(e, out=loss)
        if s is not None:
            loss *= s
        value = np.add.reduce(loss, axis=1)
        if not sum(value.tolist()) < np.inf:
            value = beyond(t, e, loss, s)
        if not -np.inf < t.min() <= t.max() < np.inf:  # loss and residual may be 0 there
            value = value * np.nan
        if not with_gradient:
            return (value,)
        np.add(e, 1.0, out=loss)
        e /= loss
        e *= sign
        if s is not None:
            e *= s
        return value, np.matmul(e[:, np.newaxis], X)[:, 0]

    def beyond(t: AnyArray, e: AnyArray, loss: AnyArray, s: AnyArray | None) -> Any:
        """Where e^t overflows, log(1 + e^t) = t and sigma(t) = 1 to the last bit: cut t there."""
        np.minimum(t, sums.LARGEST_EXPONENT[dtype], out=e)
        excess = t - e
        np.exp(e, out=e)
        np.log1p(e, out=loss)
        loss += excess
        if s is not None:
            loss *= s
        return np.add.reduce(loss, axis=1)

    return of_block


def _variance(z: Array, s: Array | None) -> Array:
    """Return s_i p_i (1 - p_i), with p (1 - p) = e^-|z| / (1 + e^-|z|)^2, the label's variance."""
    e = np.exp(-np.abs(z)) if -np.inf < z.min() <= z.max() < np.inf else z * np.nan
    variance: Array = e / np.square(1.0 + e)
    return variance if s is None else s * variance
