"""Identification: which weights of the softmax model are equivalent, and how to choose one.

Adding the same vector psi to the weights of every class changes no probability, so that W (K x n)
is not determined by the model. A *coding* fixes it with K - 1 free rows: W = M V with a matrix M
(K x (K-1)). By the chain rule the gradient of a function of V is M^T G, and its Hessian
(M (x) I)^T H (M (x) I), where G and H are those with respect to W.
"""

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.quiet import quiet


@quiet
def translation(W: ArrayLike, psi: ArrayLike) -> Array:
    """``identification.translation``: W + 1 psi^T, which has the same probabilities as W.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Coefficients, one class a row.
    psi : array_like, shape (n,)
        The vector added to the weights of every class.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or shape, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.identification import translation
    >>> translation([[0.0, 1.0], [2.0, 3.0]], [1.0, -1.0]).tolist()
    [[1.0, 0.0], [3.0, 2.0]]
    """
    W = _class_weights(W)
    psi = arguments.same_shape("psi", psi, "a row of W", W[0])
    return representable("W + 1 psi^T", W + psi)


@quiet
def sum_to_zero(W: ArrayLike) -> Array:
    """``identification.sum_to_zero``: W - 1 (1/K) sum_c w_c, the equivalent with sum_a w_a = 0.

    Of all equivalent weights it has the least norm.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Coefficients, one class a row.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        For an argument of a wrong type or shape, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.identification import sum_to_zero
    >>> sum_to_zero([[0.0, 1.0], [2.0, 3.0]]).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    W = _class_weights(W)
    mean = W.mean(axis=0)
    # The sum may leave the range where the mean does not.
    mean = np.where(np.isfinite(mean), mean, (W / len(W)).sum(axis=0))
    return representable("W less its mean", W - mean)


@quiet
def reference_class(W: ArrayLike, reference: int = 0) -> Array:
    """``identification.reference_class``: W - 1 w_r^T, the equivalent with w_r = 0.

    For K = 2 and r = 0 the other row is the w of the binary model for labels 0 and 1.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Coefficients, one class a row.
    reference : int
        The class r, from 0 to K-1.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.identification import reference_class
    >>> reference_class([[0.0, 1.0], [2.0, 5.0]]).tolist()
    [[0.0, 0.0], [2.0, 4.0]]
    """
    W = _class_weights(W)
    w_r: Array = W[_class(reference, len(W))]
    return representable("W - 1 w_r^T", W - w_r)


def reference_class_coding(K: int, reference: int = 0) -> Array:
    """``identification.reference_class``: M with W = M V, row r zero and the others the unit rows.

    V (K-1 x n) holds the rows of W other than r, in order.

    Parameters
    ----------
    K : int
        Number of classes, at least 2.
    reference : int
        The class r, from 0 to K-1.

    Returns
    -------
    float64 array, shape (K, K-1)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or value.

    Examples
    --------
    >>> from reference_impl.identification import reference_class_coding
    >>> reference_class_coding(3, reference=1).tolist()
    [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    """
    K = arguments.count("K", K, least=2)
    return np.delete(np.eye(K), _class(reference, K), axis=1)


def sum_to_zero_coding(K: int) -> Array:
    """``identification.sum_to_zero``: M with W = M V, the unit rows and then a row of -1.

    V (K-1 x n) holds the rows of W other than the last, which is minus their sum.

    Parameters
    ----------
    K : int
        Number of classes, at least 2.

    Returns
    -------
    float64 array, shape (K, K-1)

    Raises
    ------
    TypeError, ValueError
        For an argument of a wrong type or value.

    Examples
    --------
    >>> from reference_impl.identification import sum_to_zero_coding
    >>> sum_to_zero_coding(3).tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    K = arguments.count("K", K, least=2)
    return np.vstack([np.eye(K - 1), -np.ones(K - 1)])


@quiet
def decode(M: ArrayLike, V: ArrayLike) -> Array:
    """``identification.reference_class``, ``identification.sum_to_zero``: W = M V.

    Parameters
    ----------
    M : array_like, shape (K, K-1)
        A coding.
    V : array_like, shape (K-1, n)
        The free coefficients.

    Returns
    -------
    float64 array, shape (K, n)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or shape, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl import identification
    >>> identification.decode(identification.sum_to_zero_coding(2), [[1.0, 2.0]]).tolist()
    [[1.0, 2.0], [-1.0, -2.0]]
    """
    M = _coding(M)
    V = arguments.finite("V", V)
    _require("V", V, (M.shape[1], _columns(V)), M)
    return representable("M V", M @ V)


@quiet
def code_gradient(M: ArrayLike, G: ArrayLike) -> Array:
    """``identification.reference_class``, ``identification.sum_to_zero``: M^T G.

    Parameters
    ----------
    M : array_like, shape (K, K-1)
        A coding.
    G : array_like, shape (K, n)
        The gradient with respect to W.

    Returns
    -------
    float64 array, shape (K-1, n)
        The gradient with respect to V.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or shape, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl import identification
    >>> M = identification.reference_class_coding(2)
    >>> identification.code_gradient(M, [[-1.0, 2.0], [1.0, -2.0]]).tolist()
    [[1.0, -2.0]]
    """
    M = _coding(M)
    G = arguments.finite("G", G)
    _require("G", G, (M.shape[0], _columns(G)), M)
    return representable("M^T G", M.T @ G)


@quiet
def code_hessian(M: ArrayLike, H: ArrayLike) -> Array:
    """``identification.reference_class``, ``identification.sum_to_zero``: (M (x) I)^T H (M (x) I).

    In entries, sum_{a,b} M_ac H_akbl M_bd.

    Parameters
    ----------
    M : array_like, shape (K, K-1)
        A coding.
    H : array_like, shape (K, n, K, n)
        The Hessian with respect to W.

    Returns
    -------
    float64 array, shape (K-1, n, K-1, n)
        The Hessian with respect to V.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or shape, and for a result beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl import identification
    >>> M = identification.sum_to_zero_coding(2)
    >>> H = [[[[1.0], [-1.0]]], [[[-1.0], [1.0]]]]  # two classes, one feature
    >>> identification.code_hessian(M, H).tolist()
    [[[[4.0]]]]
    """
    M = _coding(M)
    H = arguments.finite("H", H)
    n = _columns(H)
    _require("H", H, (M.shape[0], n, M.shape[0], n), M)
    H_V: Array = np.einsum("ac,akbl,bd->ckdl", M, H, M)
    return representable("the Hessian by V", H_V)


def _class_weights(W: ArrayLike) -> Array:
    array = arguments.finite("W", W)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < 1:
        raise ValueError(
            f"W: expected shape (K, n) with K >= 2 classes and n >= 1 columns, "
            f"given shape {array.shape}"
        )
    return array


def _coding(M: ArrayLike) -> Array:
    array = arguments.finite("M", M)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] != array.shape[0] - 1:
        raise ValueError(f"M: expected shape (K, K-1) with K >= 2, given shape {array.shape}")
    return array


def _class(reference: int, K: int) -> int:
    number = arguments.integer("reference", reference)
    if not 0 <= number < K:
        raise ValueError(f"reference: expected a class from 0 to {K - 1}, given {number}")
    return number


def _require(name: str, array: Array, shape: tuple[int, ...], M: Array) -> None:
    if array.shape != shape:
        raise ValueError(
            f"{name}: expected shape {shape} for M of shape {M.shape}, given shape {array.shape}"
        )


def _columns(array: Array) -> int:
    return max(array.shape[1], 1) if array.ndim > 1 else 1
