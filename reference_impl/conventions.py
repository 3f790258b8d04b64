"""Conversions from other conventions to the ones here.

Here a cost is a sum over the data; labels are 0 and 1, or 0 to K-1; a data point is a row, and the
classes are the last axis; a column of ones carries the intercept. Each function turns arguments of
another convention into these, so that no other function needs an option for them. What becomes of
value, gradient and Hessian is the statement of the same name.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, Labels, representable
from reference_impl.quiet import quiet


@quiet
def weighted_mean(sample_weight: ArrayLike) -> Array:
    """``conventions.weighted_mean``: the weights s_i / sum_j s_j, with which the sum is the mean.

    Parameters
    ----------
    sample_weight : array_like, shape (N,)
        Weights s_i >= 0, not all zero; all one for the mean without weights.

    Returns
    -------
    float64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For weights of a wrong type, shape or value, and for a sum beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.conventions import weighted_mean
    >>> weighted_mean([1, 1, 2]).tolist()
    [0.25, 0.25, 0.5]
    >>> weighted_mean([0, 0])
    Traceback (most recent call last):
    ...
    ValueError: sample_weight: expected at least one weight > 0, given all zero
    """
    given = _vector("sample_weight", sample_weight)
    s = arguments.weights(given, given[:, np.newaxis])
    return np.asarray(s / representable("the sum of the weights", s.sum()))


def signs(y: ArrayLike) -> Labels:
    """``conventions.signs``: m_i = 2 y_i - 1, labels -1 and 1 from labels 0 and 1.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0 and 1.

    Returns
    -------
    int64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For labels of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import signs
    >>> signs([0, 1]).tolist()
    [-1, 1]
    """
    return 2 * _labels(y, 2) - 1


def labels_from_signs(m: ArrayLike) -> Labels:
    """``conventions.signs``, backwards: y_i = (1 + m_i) / 2, labels 0 and 1 from labels -1 and 1.

    Parameters
    ----------
    m : array_like, shape (N,)
        Labels -1 and 1.

    Returns
    -------
    int64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For labels of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import labels_from_signs
    >>> labels_from_signs([-1, 1]).tolist()
    [0, 1]
    >>> labels_from_signs([0, 1])
    Traceback (most recent call last):
    ...
    ValueError: m: expected labels -1 and 1, given 0 at index 0
    """
    given = _vector("m", m)
    arguments.refuse("m", given, np.abs(given) != 1, "labels -1 and 1")
    return (given > 0).astype(np.int64)


def swapped_labels(y: ArrayLike) -> Labels:
    """``conventions.swapped_labels``: 1 - y_i, the other class called 1; w becomes -w.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0 and 1.

    Returns
    -------
    int64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For labels of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import swapped_labels
    >>> swapped_labels([0, 1, 1]).tolist()
    [1, 0, 0]
    """
    return 1 - _labels(y, 2)


def labels_from_one(y: ArrayLike, n_classes: int) -> Labels:
    """Return y_i - 1, labels 0 to K-1 from labels 1 to K; nothing else changes.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 1 to K.
    n_classes : int
        K >= 2.

    Returns
    -------
    int64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import labels_from_one
    >>> labels_from_one([1, 3], 3).tolist()
    [0, 2]
    >>> labels_from_one([0, 3], 3)
    Traceback (most recent call last):
    ...
    ValueError: y: expected integers from 1 to 3, given 0 at index 0
    """
    K = arguments.count("n_classes", n_classes, least=2)
    given = _vector("y", y)
    wrong = (given < 1) | (given > K) | (given != np.floor(given))
    arguments.refuse("y", given, wrong, f"integers from 1 to {K}")
    return given.astype(np.int64) - 1


def labels_from_names(y: ArrayLike) -> tuple[Labels, tuple[Any, ...]]:
    """Return labels 0 to K-1 from names of classes, and the names in the order of the numbers.

    Parameters
    ----------
    y : array_like, shape (N,)
        Names: strings, or any values that can be put in order. An ordered categorical of pandas has
        its own order; categories that do not occur are no classes.

    Returns
    -------
    (int64 array (N,), tuple)
        Name a of the tuple, which is in order, is that of the label a.

    Raises
    ------
    ValueError
        For no names, another shape, and fewer than two different ones.
    TypeError
        For a missing name (None, NaN, NaT, NA, masked), and for names that have no order.

    Examples
    --------
    >>> from reference_impl.conventions import labels_from_names
    >>> labels, names = labels_from_names(["yes", "no", "yes"])
    >>> labels.tolist(), names
    ([1, 0, 1], ('no', 'yes'))
    """
    # NumPy would turn the numbers of a list into strings, where it has strings as well.
    array = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"y: expected one name each, given shape {array.shape}")
    given = (y if isinstance(y, np.ma.MaskedArray) else array).tolist()  # None where masked
    for i, name in enumerate(given):
        if _missing(name):
            raise TypeError(f"y: expected one name each, given none ({name}) at index {i}")
    kind: Any = getattr(y, "dtype", None)
    try:
        found = dict.fromkeys(given)
        ordered = getattr(kind, "ordered", False)
        names = [n for n in kind.categories if n in found] if ordered else sorted(found)
    except TypeError as error:
        raise TypeError(f"y: expected names that can be put in order, given {error}") from None
    if len(names) < 2:
        raise ValueError(f"y: expected names of two classes or more, given {names}")
    number = {name: a for a, name in enumerate(names)}
    plain = (name.item() if isinstance(name, np.generic) else name for name in names)
    return np.array([number[name] for name in given], dtype=np.int64), tuple(plain)


def one_hot(y: ArrayLike, n_classes: int) -> Array:
    """``conventions.one_hot``: the matrix Y_ia = [y_i = a].

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0 to K-1.
    n_classes : int
        K >= 2.

    Returns
    -------
    float64 array, shape (N, K)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import one_hot
    >>> one_hot([0, 2], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    K = arguments.count("n_classes", n_classes, least=2)
    labels = _labels(y, K)
    Y = np.zeros((len(labels), K))
    Y[np.arange(len(labels)), labels] = 1.0
    return Y


def labels_from_one_hot(Y: ArrayLike) -> Labels:
    """``conventions.one_hot``, backwards: the class of each row.

    Parameters
    ----------
    Y : array_like, shape (N, K)
        Rows with one 1 and zeros.

    Returns
    -------
    int64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For another type or shape, and for any other row: probabilities go through `soft_labels`.

    Examples
    --------
    >>> from reference_impl.conventions import labels_from_one_hot
    >>> labels_from_one_hot([[0, 1], [1, 0]]).tolist()
    [1, 0]
    >>> labels_from_one_hot([[0.5, 0.5]])
    Traceback (most recent call last):
    ...
    ValueError: Y: expected rows with one 1 and zeros, given 0.5 at index (0, 0)
    """
    given = _rows("Y", Y)
    arguments.refuse("Y", given, (given != 0) & (given != 1), "rows with one 1 and zeros")
    if (wrong := given.sum(axis=1) != 1).any():
        row = int(np.argmax(wrong))
        raise ValueError(f"Y: expected rows with one 1 and zeros, given {given[row]} at row {row}")
    return given.argmax(axis=1)


def soft_labels(X: ArrayLike, Y: ArrayLike) -> tuple[Array, Labels, Array]:
    """``conventions.soft_labels``: soft labels as labels with weights, (X, y, sample_weight).

    Data point i stands once for each class a with Y_ia > 0, with the label a and the weight Y_ia.
    Two classes with the probabilities q_i of the label 1 are the rows (1 - q_i, q_i).

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix, one data point a row.
    Y : array_like, shape (N, K)
        Numbers >= 0, not all zero; the rows need not sum to one.

    Returns
    -------
    (float64 array (M, n), int64 array (M,), float64 array (M,))
        N <= M <= N K where each row of Y has a number > 0.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import soft_labels
    >>> X, y, s = soft_labels([[7.0]], [[0.25, 0.0, 0.75]])
    >>> X.tolist(), y.tolist(), s.tolist()
    ([[7.0], [7.0]], [0, 2], [0.25, 0.75])
    """
    X = arguments.design_matrix(X)
    given = _rows("Y", Y)
    if len(given) != len(X):
        raise ValueError(
            f"Y: expected {len(X)} rows for X of shape {X.shape}, given shape {given.shape}"
        )
    arguments.refuse("Y", given, given < 0, "numbers >= 0")
    if not given.any():
        raise ValueError("Y: expected at least one number > 0, given all zero")
    i, a = np.nonzero(given)
    return X[i], a.astype(np.int64), given[i, a]


def class_weights(q: ArrayLike, y: ArrayLike) -> Array:
    """``conventions.class_weights``: the sample weights s_i = q_{y_i}.

    A weight of the label 1 alone (``pos_weight``) is q = (1, weight).

    Parameters
    ----------
    q : array_like, shape (K,)
        A weight >= 0 for each class.
    y : array_like, shape (N,)
        Labels 0 to K-1.

    Returns
    -------
    float64 array, shape (N,)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import class_weights
    >>> class_weights([1.0, 3.0], [0, 1, 1]).tolist()
    [1.0, 3.0, 3.0]
    """
    weights = _vector("q", q)
    if len(weights) < 2:
        raise ValueError(f"q: expected K >= 2 weights, given shape {weights.shape}")
    arguments.refuse("q", weights, weights < 0, "weights >= 0")
    return np.asarray(weights[_labels(y, len(weights))])


def balanced_weights(y: ArrayLike, n_classes: int) -> Array:
    """``conventions.class_weights`` with q_a = N / (K N_a): all classes weigh the same in the sum.

    N_a is the number of labels a; the weights of all N data points sum to N.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0 to K-1, each class at least once.
    n_classes : int
        K >= 2.

    Returns
    -------
    float64 array, shape (K,)
        The class weights q, for `class_weights`.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and for a class without data.

    Examples
    --------
    >>> from reference_impl.conventions import balanced_weights
    >>> balanced_weights([0, 1, 1, 1], 2).tolist()
    [2.0, 0.6666666666666666]
    >>> balanced_weights([0, 0], 2)
    Traceback (most recent call last):
    ...
    ValueError: y: expected labels of all 2 classes, given none of 1
    """
    K = arguments.count("n_classes", n_classes, least=2)
    counts = np.bincount(_labels(y, K), minlength=K)
    if not counts.all():
        raise ValueError(f"y: expected labels of all {K} classes, given none of {counts.argmin()}")
    return np.asarray(counts.sum() / (K * counts))


def ignored_labels(y: ArrayLike, ignore_index: int, n_classes: int) -> tuple[Labels, Array]:
    """``conventions.ignored_labels``: labels and sample weights, 0 for the label `ignore_index`.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0 to K-1, or `ignore_index`.
    ignore_index : int
        What marks a data point that does not count; it may be one of the classes.
    n_classes : int
        K >= 2.

    Returns
    -------
    (int64 array (N,), float64 array (N,))
        An ignored data point has the label 0, which has no effect, and the weight 0.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value, and where nothing is left.

    Examples
    --------
    >>> from reference_impl.conventions import ignored_labels
    >>> y, s = ignored_labels([1, -100], -100, 2)
    >>> y.tolist(), s.tolist()
    ([1, 0], [1.0, 0.0])
    """
    K = arguments.count("n_classes", n_classes, least=2)
    given = _vector("y", y)
    ignored = given == arguments.integer("ignore_index", ignore_index)
    if ignored.all():
        raise ValueError(f"y: expected a label other than {ignore_index}, given no other")
    return _labels(np.where(ignored, 0, given), K), 1.0 - ignored


def class_axis(z: ArrayLike, axis: int = 1) -> Array:
    """``conventions.class_axis``: a matrix with the classes as columns, from any axis.

    Entries of shape (N, K, d_1, d_2, ...), and labels of shape (N, d_1, d_2, ...), become
    N d_1 d_2 ... data points; the labels by ``ravel``.

    Parameters
    ----------
    z : array_like
        Logits, soft labels or deltas, two dimensions or more.
    axis : int
        The axis of the classes.

    Returns
    -------
    float64 array, shape (N d_1 d_2 ..., K)

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or value, and for fewer than two dimensions.

    Examples
    --------
    >>> from reference_impl.conventions import class_axis
    >>> class_axis([[[1, 2], [3, 4], [5, 6]]]).tolist()
    [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    """
    given = arguments.finite("z", z)
    position = arguments.axis(axis, given)
    if given.ndim < 2 or 0 in given.shape:
        raise ValueError(
            f"z: expected at least two dimensions, none of them empty, given shape {given.shape}"
        )
    return np.moveaxis(given, position, -1).reshape(-1, given.shape[position]).copy()


def class_axis_back(Z: ArrayLike, like: ArrayLike, axis: int = 1) -> Array:
    """``conventions.class_axis``, backwards: the shape of `like`, such as that of the logits.

    Parameters
    ----------
    Z : array_like, shape (N d_1 d_2 ..., K)
        A matrix as `class_axis` gives it, such as the gradient by its entries.
    like : array_like
        An array of the shape that is wanted.
    axis : int
        The axis of the classes.

    Returns
    -------
    float64 array of the shape of `like`

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or value, and for shapes that do not fit.

    Examples
    --------
    >>> from reference_impl.conventions import class_axis, class_axis_back
    >>> z = [[[1, 2], [3, 4], [5, 6]]]
    >>> class_axis_back(class_axis(z), z).tolist()
    [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]
    """
    given = arguments.finite("Z", Z)
    wanted = arguments.finite("like", like)
    rows = class_axis(wanted, axis)
    if given.shape != rows.shape:
        raise ValueError(
            f"Z: expected shape {rows.shape} for an array of shape {wanted.shape} with the "
            f"classes on axis {axis}, given shape {given.shape}"
        )
    moved = np.moveaxis(wanted, axis, -1).shape
    return np.moveaxis(given.reshape(moved), -1, axis).copy()


def columns(X: ArrayLike) -> Array:
    """``conventions.columns``: the design matrix with one data point a row, from columns.

    Parameters
    ----------
    X : array_like, shape (n, N)
        One data point a column.

    Returns
    -------
    float64 array, shape (N, n)

    Raises
    ------
    TypeError, ValueError
        For a matrix of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import columns
    >>> columns([[1, 2, 3], [4, 5, 6]]).tolist()
    [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]
    """
    return arguments.design_matrix(X).T.copy()


def intercept(X: ArrayLike) -> Array:
    """``conventions.intercept``: the design matrix with a column of ones in front.

    The first weight is then the intercept, here as in the gradient and the Hessian.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix, one data point a row, without a column of ones.

    Returns
    -------
    float64 array, shape (N, 1 + n)

    Raises
    ------
    TypeError, ValueError
        For a matrix of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.conventions import intercept
    >>> intercept([[5], [6]]).tolist()
    [[1.0, 5.0], [1.0, 6.0]]
    """
    X = arguments.design_matrix(X)
    return np.column_stack([np.ones(len(X)), X])


def _missing(name: Any) -> bool:
    """Whether a name is None or masked, or not equal to itself, as NaN and NaT."""
    try:
        return bool(name is None or name is np.ma.masked or name != name)
    except TypeError:  # NA of pandas is neither equal nor unequal
        return True


def _vector(name: str, value: ArrayLike) -> Array:
    """Return a finite vector that is not empty."""
    array = arguments.finite(name, value)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name}: expected one number each, given shape {array.shape}")
    return array


def _rows(name: str, value: ArrayLike) -> Array:
    """Return a finite matrix with a row for each data point and a column for each class."""
    array = arguments.finite(name, value)
    if array.ndim != 2 or not len(array) or array.shape[1] < 2:
        raise ValueError(
            f"{name}: expected shape (N, K) with N >= 1 and K >= 2, given shape {array.shape}"
        )
    return array


def _labels(y: ArrayLike, n_classes: int) -> Labels:
    """Return labels 0 to K-1, any number of them."""
    return arguments.labels(y, _vector("y", y)[:, np.newaxis], n_classes)
