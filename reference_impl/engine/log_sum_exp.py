"""log-sum-exp near zero, where the largest logit and the logarithm of the sum cancel.

log sum_c e^z_c is small when the sum T is near 1, as it is for logarithms of probabilities. Then
every digit of T - 1 comes from digits of the e^z_c that a float does not have. Here e^z is found
as an unevaluated sum of five floats, good to about 2^-112, with T - 1 the rounded sum of all of
them. The rare sums that are nearer to 1 than 2^-60 are computed with as many decimal digits as it
takes. `softmax.logsumexp` uses this for the rows that need it, which take ten to thirty times as long.
"""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

import numpy as np

from reference_impl.arguments import Array
from reference_impl.engine.error_free import two_diff, two_product, two_sum

STEPS = 128  # e^f is taken from a table at the nearest j/128, so that |f - j/128| <= 2^-8
ENOUGH = 2.0**-60  # below this distance of T from 1, 2^-112 is no longer enough
NEGLIGIBLE = -100.0  # e^-100 < 2^-144: what is smaller does not show in T - 1 > 2^-60


def logsumexp_near_zero(z: Array) -> Array:
    """``softmax.definition``: log sum_c e^z_c down the columns, to the last few digits.

    Parameters
    ----------
    z : float64 array, shape (K, m)
        Logits below 700, the classes first; -inf is allowed.

    Returns
    -------
    float64 array, shape (m,)

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine.log_sum_exp import logsumexp_near_zero
    >>> logsumexp_near_zero(np.array([[0.0], [-np.inf]])).tolist()
    [0.0]
    """
    parts = exp_in_parts(np.maximum(z, NEGLIGIBLE))
    columns = np.moveaxis(parts, -1, 0).reshape(z.shape[1], -1).tolist()
    return np.array([_log_of_sum(p, c) for p, c in zip(columns, z.T.tolist(), strict=True)])


def exp_in_parts(x: Array) -> Array:
    """Return five floats whose sum is e^x, but for about 2^-112 e^x.

    With x = k log 2 + j/128 + b, e^x = 2^k e^(j/128) (1 + (e^b - 1)). The table holds e^(j/128) to
    three floats, and e^b - 1 <= 2^-8 is a Taylor series in pairs of floats.

    Parameters
    ----------
    x : float64 array
        Between -100 and 700.

    Returns
    -------
    float64 array, shape (5, ...) for x of shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine.log_sum_exp import exp_in_parts
    >>> exp_in_parts(np.zeros(1)).sum(axis=0).tolist()
    [1.0]
    """
    logarithm, table, coefficients = _constants()
    k = np.rint(x / logarithm[0])
    f = x - k * logarithm[0]  # exact: 40 bits times 8, and numbers within a factor of two
    product, error = two_product(k, np.full_like(k, logarithm[1]))
    f, rounding = two_diff(f, product)
    j = np.rint(STEPS * f)
    b, low = two_sum(f - j / STEPS, rounding)  # f - j/128 is exact as well

    q = _taylor((b, low - (error + k * logarithm[2])), coefficients)
    a = table[:, j.astype(int) + STEPS // 2]
    product, error = two_product(a[0], q[0])
    tail = error + (a[0] * q[1] + a[1] * q[0])
    return np.ldexp(np.stack([a[0], product, a[1], tail, a[2]]), k.astype(int))


Pair = tuple[Array, Array]


def _taylor(b: Pair, coefficients: list[tuple[float, float]]) -> Pair:
    """Return e^b - 1 = b (1 + b (1/2 + b (1/6 + ...))); the terms from b^7 on need one float."""
    value = b[0] * 0.0
    for high, _ in reversed(coefficients[6:]):
        value = high + b[0] * value
    pair = value, np.zeros_like(value)
    for constant in reversed(coefficients[:6]):
        pair = _plus(_times(b, pair), constant)
    return _times(b, pair)


def _times(a: Pair, b: Pair) -> Pair:
    product, error = two_product(a[0], b[0])
    return two_sum(product, error + (a[0] * b[1] + a[1] * b[0]))


def _plus(a: Pair, c: tuple[float, float]) -> Pair:
    total, error = two_sum(a[0], np.float64(c[0]) + np.zeros_like(a[0]))
    return two_sum(total, error + (a[1] + c[1]))


@cache
def _constants() -> tuple[tuple[float, ...], Array, list[tuple[float, float]]]:
    """Return log 2 (its first part of 40 bits), e^(j/128) for |j| <= 64, and 1/n! from n = 1."""
    with localcontext() as context:
        context.prec = 60
        log2 = Fraction(Decimal(2).ln())
        start = Fraction(round(log2 * 2**40), 2**40)
        powers = [(Decimal(j) / STEPS).exp() for j in range(-STEPS // 2, STEPS // 2 + 1)]
    table = np.array([_floats(Fraction(power), 3) for power in powers]).T
    factorials = [_floats(Fraction(1, math.factorial(n)), 2) for n in range(1, 14)]
    return (float(start), *_floats(log2 - start, 2)), table, [(h, low) for h, low in factorials]


def _floats(number: Fraction, count: int) -> list[float]:
    """Return floats, each the nearest to what those before it leave of the number."""
    parts: list[float] = []
    for _ in range(count):
        parts.append(float(number))
        number -= Fraction(parts[-1])
    return parts


def _log_of_sum(parts: list[float], z: list[float]) -> float:
    beyond_one = math.fsum([*parts, -1.0])
    if abs(beyond_one) < ENOUGH:
        return _log_in_decimals(z)
    return math.log1p(beyond_one) if abs(beyond_one) < 0.5 else math.log(math.fsum(parts))


def _log_in_decimals(z: list[float]) -> float:
    """Return log sum_c e^z_c with as many digits as leave twenty of T - 1.

    They end: with 400 digits, T - 1 below 1e-380 is 0 in float64.
    """
    for digits in (60, 100, 200, 400):
        with localcontext() as context:
            context.prec = digits
            beyond_one = sum((Decimal(entry).exp() for entry in z), start=Decimal(-1))
            if abs(beyond_one).adjusted() > 20 - digits or digits == 400:
                return float((1 + beyond_one).ln())
    raise AssertionError("the last number of digits returns")
