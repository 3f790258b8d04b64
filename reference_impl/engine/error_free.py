"""Sums, differences and products of floats together with their exact rounding errors.

The rounding error of a sum or product of two floats is itself a float, and a few more operations
find it: a + b = s + e holds exactly (Knuth, The Art of Computer Programming, volume 2, section
4.2.2, theorem B; for the product Dekker, Numerische Mathematik 18, 1971). The arguments are
float64 arrays, not scalars; results beyond 1.8e308 are not supported, nor are products below 1e-290, whose
error may be too small for a float.
"""

import numpy as np

from reference_impl.arguments import Array
from reference_impl.quiet import room


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return s = fl(a + b) and e with s + e = a + b exactly, in six operations (Knuth).

    Parameters
    ----------
    a, b : float64 arrays of one shape, or of shapes that broadcast

    Returns
    -------
    (float64 array, float64 array)

    Examples
    --------
    >>> from reference_impl.engine.error_free import two_sum
    >>> tuple(map(float, two_sum(1.0, 2.0**-60)))
    (1.0, 8.673617379884035e-19)
    """
    s = a + b
    b_part = s - a
    return s, (a - (s - b_part)) + (b - b_part)


def two_diff(a: Array, b: Array) -> tuple[Array, Array]:
    """Return d = fl(a - b) and e with d + e = a - b exactly, in six operations (Knuth).

    Parameters
    ----------
    a, b : float64 arrays of one shape, or of shapes that broadcast

    Returns
    -------
    (float64 array, float64 array)

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine.error_free import two_diff
    >>> d, e = two_diff(np.ones(1), np.array([2.0**-60]))
    >>> d.tolist(), (e == -(2.0**-60)).all().item()
    ([1.0], True)
    """
    shape = np.broadcast_shapes(a.shape, b.shape)
    d, a_part, rest = room(shape), room(shape), room(shape)
    np.subtract(a, b, out=d)
    np.add(d, b, out=a_part)
    np.subtract(a_part, d, out=rest)  # then in place: (a - a_part) - (b - (a_part - d))
    np.subtract(b, rest, out=rest)
    np.subtract(a, a_part, out=a_part)
    return d, np.subtract(a_part, rest, out=rest)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return p = fl(a b) and e with p + e = a b exactly (Dekker).

    Each factor is split in two halves of 26 bits, so that the four products of halves are exact.

    Parameters
    ----------
    a, b : float64 arrays of one shape, or of shapes that broadcast
        Below 1e300 in magnitude.

    Returns
    -------
    (float64 array, float64 array)

    Examples
    --------
    >>> from reference_impl.engine.error_free import two_product
    >>> p, e = two_product(1.0 + 2.0**-40, 1.0 + 2.0**-40)
    >>> p == 1.0 + 2.0**-39, e == 2.0**-80
    (True, True)
    """
    p = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def two_sums(a: Array) -> tuple[Array, Array]:
    """Return s and e with s + e = sum_c a_c along the first axis, to twice the digits of a float.

    The terms are added in pairs. The rounding errors, which are exact, are added up beside them.

    Parameters
    ----------
    a : float64 array, shape (K, ...), K >= 1

    Returns
    -------
    (float64 array, float64 array)
        Of shape (...).

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine.error_free import two_sums
    >>> tuple(map(float, two_sums(np.array([2.0**60, 1.0, -(2.0**60)]))))
    (0.0, 1.0)
    """
    e = np.zeros(a.shape[1:])
    while len(a) > 1:
        half = len(a) // 2
        s, rounding = two_sum(a[:half], a[half : 2 * half])
        e += rounding.sum(axis=0)
        a = np.concatenate([s, a[2 * half :]]) if len(a) % 2 else s
    return a[0], e


def _halves(a: Array) -> tuple[Array, Array]:
    """Return a as a sum of two floats of at most 26 bits each (Dekker; 2^27 + 1 by Veltkamp)."""
    c = 134217729.0 * a
    high = c - (c - a)
    return high, a - high
