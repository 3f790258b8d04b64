"""Checks of arguments: a contiguous float64 array, or an error that names the argument.

Every public function passes what it was given through this module once. Real numbers of any
type, memory layout or byte order become the same contiguous float64 array, so the result does
not depend on how the data were stored. What has no exact meaning (complex numbers, masks,
strings, objects) raises ``TypeError``; what has the right type but a wrong shape or value raises
``ValueError``. Arguments are never written to.
"""

import operator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Value = TypeVar("Value", np.float64, Array)
AnyArray = NDArray[Any]
OneArray = TypeVar("OneArray", bound=NDArray[Any])


def real(name: str, value: ArrayLike) -> Array:
    """Return `value` as a contiguous float64 array of any shape; NaN is refused, inf is kept.

    Parameters
    ----------
    name : str
        Name of the argument, for the error.
    value : array_like
        Booleans, integers or floating-point numbers.

    Raises
    ------
    TypeError
        For complex, object, string, masked or sparse values.
    ValueError
        For ragged lists and for NaN, with the first place.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.real("z", [1, float("-inf")]).tolist()
    [1.0, -inf]
    >>> arguments.real("z", [float("nan")])
    Traceback (most recent call last):
    ...
    ValueError: z: expected numbers, given nan at index 0
    """
    array = _floats(name, as_given(name, value))
    refuse(name, array, np.isnan(array), "numbers")
    return array


def finite(name: str, value: ArrayLike) -> Array:
    """Return `value` as in `real`, and refuse inf as well.

    Raises
    ------
    TypeError, ValueError
        As `real`, and for infinite values, with the first place.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.finite("z", [[1, 2]]).tolist()
    [[1.0, 2.0]]
    >>> arguments.finite("z", [float("inf")])
    Traceback (most recent call last):
    ...
    ValueError: z: expected finite numbers, given inf at index 0
    """
    array = _floats(name, as_given(name, value))
    if not np.logical_and.reduce(np.isfinite(array), axis=None):  # `all` takes longer
        real(name, array)  # NaN is named first
        refuse(name, array, np.isinf(array), "finite numbers")
    return array


def design_matrix(X: ArrayLike) -> Array:
    """Return the design matrix X (N x n, N >= 1 and n >= 1, finite).

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for another number of dimensions or an empty matrix.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.design_matrix([[1, 2]]).shape
    (1, 2)
    """
    array = finite("X", X)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"X: expected a matrix of shape (N, n) with N >= 1 rows and n >= 1 columns, "
            f"given shape {array.shape}"
        )
    return array


def vector(name: str, value: ArrayLike, X: Array) -> Array:
    """Return a vector with one entry for each column of X.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for a shape that does not fit that of X.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.vector("w", [1, 2], np.ones((3, 2))).tolist()
    [1.0, 2.0]
    """
    return _shaped(name, finite(name, value), X.shape[1:], X)


def class_weights(name: str, value: ArrayLike, X: Array) -> Array:
    """Return a matrix W (K x n, K >= 2) with one row for each class, one column for each of X's.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for a shape that does not fit that of X or has fewer than two rows.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.class_weights("W", [[1, 2], [3, 4]], np.ones((3, 2))).shape
    (2, 2)
    """
    array = finite(name, value)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] != X.shape[1]:
        raise ValueError(
            f"{name}: expected shape (K, {X.shape[1]}) with K >= 2 classes for X of shape "
            f"{X.shape}, given shape {array.shape}"
        )
    return array


def same_shape(name: str, value: ArrayLike, like_name: str, like: Array) -> Array:
    """Return `value` if it is finite and has the shape of `like`.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.same_shape("mask", [[1, 0]], "z", np.ones((1, 2))).tolist()
    [[1.0, 0.0]]
    >>> arguments.same_shape("mask", [1, 0], "z", np.ones((1, 2)))
    Traceback (most recent call last):
    ...
    ValueError: mask: expected the shape of z, (1, 2), given shape (2,)
    """
    array = finite(name, value)
    if array.shape != like.shape:
        raise ValueError(
            f"{name}: expected the shape of {like_name}, {like.shape}, given shape {array.shape}"
        )
    return array


def labels(y: ArrayLike, X: Array, n_classes: int | None = 2, *, like: str = "X") -> Labels:
    """Return the labels, one for each row of X, as int64 in 0..K-1; `like` is the name of X.

    Where K is not known yet, `n_classes` is None. Booleans, integers of any width and
    floating-point numbers that are exact integers are accepted and give the same result.

    Raises
    ------
    TypeError
        For strings and other values that are not numbers.
    ValueError
        For values outside 0..K-1 (with the conversion that fits), fractions, NaN, or a shape
        that does not fit that of X.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.labels([True, False], np.ones((2, 1))).tolist()
    [1, 0]
    >>> arguments.labels([0.5, 1.0], np.ones((2, 1)))
    Traceback (most recent call last):
    ...
    ValueError: y: expected integers from 0 to 1 (labels, not probabilities), given 0.5 at index 0
    """
    K, expected = 2**53, "integers >= 0 and < 2^53"  # from there on floats leave integers out
    if n_classes is not None:
        K, expected = n_classes, f"integers from 0 to {n_classes - 1}"
    given = as_given("y", y)
    if given.ndim == 2 and given.shape[0] == len(X) and given.shape[1] > 1:
        raise ValueError(
            f"y: expected shape ({len(X)},) for {like} of shape {X.shape}, "
            f"given shape {given.shape}; class numbers from one-hot rows: Y.argmax(axis=1)"
        )
    _shaped("y", given, X.shape[:1], X, like)
    values = _floats("y", given)
    refuse("y", values, values != np.floor(values), f"{expected} (labels, not probabilities)")
    wrong = (values < 0) | (values >= K)
    if wrong.any():
        refuse("y", values, wrong, expected, _conversion(values, wrong, n_classes))
    return values.astype(np.int64)


def weights(sample_weight: ArrayLike | None, X: Array, *, like: str = "X") -> Array:
    """Return the sample weights s_i >= 0, one for each row of X; ``None`` means all one.

    `like` is the name of X.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for negative weights, weights that are all zero or a wrong shape.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.weights(None, np.ones((2, 1))).tolist()
    [1.0, 1.0]
    """
    if sample_weight is None:
        return np.ones(len(X))
    s = _shaped("sample_weight", finite("sample_weight", sample_weight), X.shape[:1], X, like)
    refuse("sample_weight", s, s < 0, "weights >= 0")
    if not s.any():
        raise ValueError("sample_weight: expected at least one weight > 0, given all zero")
    return s


def data(
    X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, n_classes: int
) -> tuple[Array, Labels, Array]:
    """Return X, y and s without the points of weight zero, which do not take part.

    Raises
    ------
    TypeError, ValueError
        As `design_matrix`, `labels` and `weights`.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> X, y, s = arguments.data([[1.0], [2.0]], [0, 1], [0, 3], 2)
    >>> X.tolist(), y.tolist(), s.tolist()
    ([[2.0]], [1], [3.0])
    """
    X = design_matrix(X)
    y = labels(y, X, n_classes)
    s = weights(sample_weight, X)
    return (X, y, s) if s.all() else (X[s > 0], y[s > 0], s[s > 0])


def nonnegative(name: str, value: ArrayLike) -> float:
    """Return a finite number >= 0.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for an array or a negative number.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.nonnegative("penalty", 0)
    0.0
    """
    array = finite(name, value)
    if array.ndim != 0 or array < 0:
        raise ValueError(f"{name}: expected one number >= 0, given {value!r}")
    return float(array)


def positive(name: str, value: ArrayLike) -> float:
    """Return a finite number > 0.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for an array or a number that is not positive.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.positive("eps", 1e-5)
    1e-05
    >>> arguments.positive("eps", 0)
    Traceback (most recent call last):
    ...
    ValueError: eps: expected a number > 0, given 0
    """
    array = finite(name, value)
    if array.ndim != 0 or array <= 0:
        raise ValueError(f"{name}: expected a number > 0, given {value!r}")
    return float(array)


def fraction(name: str, value: ArrayLike) -> float:
    """Return a number from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for an array or another number.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.fraction("alpha", 1)
    1.0
    """
    array = finite(name, value)
    if array.ndim != 0 or not 0 <= array <= 1:
        raise ValueError(f"{name}: expected a number from 0 to 1, given {value!r}")
    return float(array)


def count(name: str, value: Any, least: int = 1) -> int:
    """Return an integer >= `least`.

    Raises
    ------
    TypeError, ValueError
        For a value that is not an integer, or that is smaller.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.count("steps", 3)
    3
    >>> arguments.count("steps", 0)
    Traceback (most recent call last):
    ...
    ValueError: steps: expected an integer >= 1, given 0
    """
    number = integer(name, value)
    if number < least:
        raise ValueError(f"{name}: expected an integer >= {least}, given {number}")
    return number


def integer(name: str, value: Any) -> int:
    """Return an integer of at most 64 bits: NumPy compares larger ones with nothing.

    Raises
    ------
    TypeError, ValueError
        For a value that is not an integer, or that is larger.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.integer("ignore_index", -100)
    -100
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, given {value!r}") from None
    if number.bit_length() > 64:
        raise ValueError(
            f"{name}: expected an integer of at most 64 bits, given one of {number.bit_length()}"
        )
    return number


def axis(value: Any, z: Array) -> int:
    """Return `value` as a position 0..ndim-1 of an axis of z that is not empty.

    Raises
    ------
    TypeError, ValueError
        For a value that is not an integer, or that is no axis of z, or for an empty axis.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.axis(-1, np.ones((2, 3)))
    1
    """
    position = integer("axis", value)
    if not -z.ndim <= position < z.ndim:
        raise ValueError(
            f"axis: expected an axis of z, which has shape {z.shape}, given {position}"
        )
    position %= z.ndim
    if z.shape[position] == 0:
        raise ValueError(
            f"z: expected at least one entry along axis {position}, given shape {z.shape}"
        )
    return position


def axes(value: Any, z: Array) -> tuple[int, ...]:
    """Return axes of z, given as one, as a tuple, or as None for all, in their order.

    Raises
    ------
    TypeError, ValueError
        As `axis`, for an axis that is given twice, and for a number, which has no axis.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.axes(None, np.ones((2, 3))), arguments.axes((-1, 0), np.ones((2, 3)))
    ((0, 1), (0, 1))
    """
    if value is None:
        value = tuple(range(z.ndim))
    elif z.ndim == 0:
        raise ValueError(f"z: expected at least one dimension, given the number {z}; use axis=None")
    found = [axis(one, z) for one in (value if isinstance(value, tuple) else (value,))]
    if len(set(found)) < len(found):
        raise ValueError(f"axis: expected each axis once, given {value}")
    return tuple(sorted(found))


def factors(name: str, value: ArrayLike, z: Array) -> Array:
    """Return finite numbers >= 0 that broadcast to the shape of z.

    Raises
    ------
    TypeError, ValueError
        As `finite`, and for a negative number or another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> arguments.factors("b", [1, 2], np.ones((3, 2))).tolist()
    [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]
    """
    array = finite(name, value)
    refuse(name, array, array < 0, "numbers >= 0")
    try:
        return np.broadcast_to(array, z.shape)
    except ValueError:
        raise ValueError(
            f"{name}: expected a shape that broadcasts to that of z, {z.shape}, "
            f"given shape {array.shape}"
        ) from None


def representable(what: str, value: Value) -> Value:
    """Return a computed `value` if all of it is finite.

    Raises
    ------
    ValueError
        When float64 cannot hold the result (its magnitude exceeds 1.8e308).

    Examples
    --------
    >>> from reference_impl import arguments
    >>> arguments.representable("the sum", 3.0)
    3.0
    >>> arguments.representable("the sum", float("inf"))
    Traceback (most recent call last):
    ...
    ValueError: the sum exceeds the range of float64 (1.8e308): rescale the input
    """
    if not np.isfinite(value).all():
        raise ValueError(f"{what} exceeds the range of float64 (1.8e308): rescale the input")
    return value


def as_given(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as an array of booleans, integers or floats, without conversion.

    Raises
    ------
    TypeError
        For complex, object, string, masked or sparse values.
    ValueError
        For ragged lists.

    Examples
    --------
    >>> from reference_impl import arguments
    >>> str(arguments.as_given("y", [True, False]).dtype)
    'bool'
    """
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        return value
    if hasattr(value, "iloc"):
        return _from_pandas(name, value)
    try:
        masked = _masked(value)  # at any depth, for NumPy would take the numbers below the mask
        array = np.asarray([] if masked else value)
    except ValueError as error:
        raise ValueError(f"{name}: expected a rectangular array, given {error}") from None
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name}: expected real numbers, given {error}") from None
    if masked:
        raise TypeError(f"{name}: expected real numbers, given a masked array; drop masked rows")
    if array.dtype.kind not in "biuf":
        hint = "; use .toarray()" if hasattr(value, "toarray") else _of_strings(name, array)
        raise TypeError(
            f"{name}: expected real numbers, given {type(value).__name__} of type "
            f"{array.dtype}{hint}"
        )
    return array


def _masked(value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return isinstance(value, np.ma.MaskedArray)
    kinds = set(map(type, value))  # one test for a row of numbers
    deeper = any(issubclass(kind, (list, tuple, np.ma.MaskedArray)) for kind in kinds)
    return deeper and any(map(_masked, value))


def _from_pandas(name: str, value: Any) -> NDArray[Any]:
    """Return a series, or a table column by column: its columns may be of different types."""
    if value.ndim == 1:
        return _column(name, "a series", value)
    if not value.shape[1]:
        return np.empty(value.shape)
    return np.column_stack(
        [
            _column(name, f"column {label!r}", value.iloc[:, k])
            for k, label in enumerate(value.columns)
        ]
    )


def _column(name: str, which: str, series: Any) -> NDArray[Any]:
    if series.dtype.kind not in "biuf":
        hint = _of_numbers(series) or _of_strings(name, series.to_numpy())
        raise TypeError(
            f"{name}: expected real numbers, given {which} of type {series.dtype}{hint}"
        )
    if isinstance(series.dtype, np.dtype):
        return np.asarray(series)
    missing = np.asarray(series.isna())
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"{name}: expected numbers, given {which} with {series.iloc[row]} at index {row}; "
            f"drop such rows, or fill them"
        )
    return np.asarray(series.to_numpy(dtype=series.dtype.type))


def _of_numbers(series: Any) -> str:
    """Name the conversion that makes real numbers of a series, if one does."""
    for to in () if series.dtype.kind == "c" else ("float", "int64"):  # dates become integers
        try:
            series.astype(to)
        except (TypeError, ValueError, OverflowError, NotImplementedError):
            continue
        return f'; numbers from it: .astype("{to}")'
    return ""


def _of_strings(name: str, array: NDArray[Any]) -> str:
    """Name what to do with labels or features that are strings, if some are."""
    hints = {
        "y": "; class numbers and the names: y, names = conventions.labels_from_names(y)",
        "X": "; columns of 0 and 1 for each of its values: pandas.get_dummies(X)",
    }
    return hints.get(name, "") if any(isinstance(one, str) for one in array.flat) else ""


def _floats(name: str, array: NDArray[Any]) -> Array:
    if array.dtype == np.float64 and array.flags.c_contiguous and array.flags.aligned:
        return array
    # An extended-precision number beyond 1.8e308 becomes inf: reported below, not as a warning.
    with np.errstate(over="ignore"):
        floats = np.require(array, np.float64, ["C_CONTIGUOUS", "ALIGNED", "ENSUREARRAY"])
    if array.dtype.itemsize > 8:
        refuse(name, floats, np.isinf(floats) & (np.abs(array) < np.inf), "numbers below 1.8e308")
    return floats


def _shaped(
    name: str, array: OneArray, shape: tuple[int, ...], X: Array, like: str = "X"
) -> OneArray:
    if array.shape != shape:
        hint = f"; use np.ravel({name})" if array.shape == (*shape, 1) else ""
        raise ValueError(
            f"{name}: expected shape {shape} for {like} of shape {X.shape}, "
            f"given shape {array.shape}{hint}"
        )
    return array


def refuse(
    name: str, array: Array, wrong: NDArray[np.bool_], expected: str, hint: str = ""
) -> None:
    """Refuse the entries of `array` that are marked in `wrong`.

    Raises
    ------
    ValueError
        With the first of them, if there is one.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl import arguments
    >>> z = np.array([1.0, -2.0])
    >>> arguments.refuse("z", z, z < 0, "numbers >= 0")
    Traceback (most recent call last):
    ...
    ValueError: z: expected numbers >= 0, given -2 at index 1
    """
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        at = f" at index {place if len(place) != 1 else place[0]}" if place else ""
        raise ValueError(f"{name}: expected {expected}, given {array[place]:.17g}{at}{hint}")


def _conversion(values: Array, wrong: NDArray[np.bool_], n_classes: int | None) -> str:
    """Name the conversion of wrong labels to 0..K-1, if one is known."""
    found, K = set(np.unique(values)), n_classes or 1 + int(values.max(initial=1))
    outside = set(np.unique(values[wrong]))
    if found <= {-1.0, 1.0}:
        return "; labels -1 and 1 become 0 and 1 by (y + 1) // 2"
    if 1 <= min(found) and max(found) <= K:
        return f"; labels 1 to {K} become 0 to {K - 1} by y - 1"
    if len(outside) == 1 and min(outside) < 0:
        mark = f"{min(outside):g}"
        return (
            f"; if {mark} marks points to ignore: "
            f"y, sample_weight = conventions.ignored_labels(y, {mark}, {K})"
        )
    return "; class numbers from other labels: np.unique(y, return_inverse=True)[1]"
