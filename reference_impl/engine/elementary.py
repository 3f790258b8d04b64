"""Elementary functions of one number by arithmetic and shifts of bits alone.

A compiler takes several numbers at a time through such a function, which a library is not called
for. In Python they are slow; `loops` has them compiled. Each is right within four ulp, from the
largest to subnormal numbers.
"""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial

import numpy as np

with localcontext() as _context:
    _context.prec = 60
    _EXACT = Fraction(Decimal(2).ln())
LOG2_E = float(1 / _EXACT)
_HIGH = Fraction(round(_EXACT * 2**40), 2**40)  # times a whole number k it is a float
LOG_2 = (float(_HIGH), float(_EXACT - _HIGH))
WHOLE = 1.5 * 2.0**52  # k + WHOLE has the whole number k in its last bits
WHOLE_BITS = int(np.float64(WHOLE).view(np.int64))
ONE = int(np.float64(1.0).view(np.int64))
HALF_ROOT = int(np.float64(0.5**0.5).view(np.int64))
EXPONENTIAL = tuple(float(Fraction(1, factorial(j))) for j in range(13, -1, -1))
ARTANH = tuple(1.0 / j for j in range(23, 0, -2))


def power_of_two(k: float) -> float:
    """Return 2^k, given k + WHOLE for a whole number k: it becomes the exponent of 1.

    Examples
    --------
    >>> from reference_impl.engine import elementary
    >>> float(elementary.power_of_two(3.0 + elementary.WHOLE))
    8.0
    """
    bits = (np.float64(k).view(np.int64) << 52) + ONE
    return np.int64(bits).view(np.float64)


def exp(t: float) -> float:
    """Return e^t = 2^k e^r with t = k log 2 + r, and the series of e^r for |r| <= log(2) / 2.

    Examples
    --------
    >>> from reference_impl.engine import elementary
    >>> f"{elementary.exp(1.0):.14f}"
    '2.71828182845905'
    """
    t = -746.0 if t < -746.0 else t
    t = 710.0 if t > 710.0 else t
    k = (t * LOG2_E + WHOLE) - WHOLE
    r = (t - k * LOG_2[0]) - k * LOG_2[1]
    series = EXPONENTIAL[0]
    for coefficient in EXPONENTIAL[1:]:
        series = series * r + coefficient
    half = 0.5 * k + WHOLE  # 2^k may be no float where e^t is one
    return series * power_of_two(half) * power_of_two(k - (half - WHOLE) + WHOLE)


def log1p(u: float) -> float:
    """Return log(1 + u) for u >= 0: 1 + u = 2^k (1 + f), log(1 + f) = 2 artanh(f / (2 + f)).

    Examples
    --------
    >>> from reference_impl.engine import elementary
    >>> f"{elementary.log1p(1e-20):.5g}"
    '1e-20'
    """
    v = 1.0 + u
    bits = np.float64(v).view(np.int64)
    k = (bits - HALF_ROOT) >> 52
    f = np.int64(bits - (k << 52)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    square = s * s
    series = ARTANH[0]
    for coefficient in ARTANH[1:]:
        series = series * square + coefficient
    exponent = np.int64(k + WHOLE_BITS).view(np.float64) - WHOLE
    lost = (u - (v - 1.0)) / v
    return exponent * LOG_2[0] + (2.0 * s * series + (exponent * LOG_2[1] + lost))


def sigmoid(t: float) -> float:
    """``sigmoid.definition``: 1 / (1 + e^-t).

    Examples
    --------
    >>> from reference_impl.engine import elementary
    >>> float(elementary.sigmoid(0.0))
    0.5
    """
    e = exp(-abs(t))
    return (1.0 if t >= 0.0 else e) / (1.0 + e)


def softplus(t: float) -> float:
    """``sigmoid.softplus``: log(1 + e^t).

    Examples
    --------
    >>> from reference_impl.engine import elementary
    >>> f"{elementary.softplus(0.0):.15f}"
    '0.693147180559945'
    """
    return (t if t > 0.0 else 0.0) + log1p(exp(-abs(t)))
