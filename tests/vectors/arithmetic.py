"""Numbers that know their value and the rounding error of a computation in float64.

A `Number` has two parts. Its ball is the exact value, as an interval that contains it: that of
the mathematical expression, whatever was rounded. Its error is a bound of how far the same
computation in float64 can be from it: the running error analysis of Wilkinson, in which each
operation adds half an ulp of its own result to what it passes on of the errors of its operands.

    + - * / sqrt      half an ulp, at most U |v|; nothing where the result is exact
    sums              n - 1 roundings of partial sums, in whatever order: (n - 1) U sum |terms|
    exp, log, ...     as good libraries have it: one ulp, at most 2 U |v|; tanh 2, erfc 4

Below 2^-1022 the spacing of the floats is constant, and half of it is added.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import flint
from flint import arb
from mpmath import mp, mpf

BITS = 640  # of the balls
flint.ctx.prec = BITS

U = arb(2) ** -53
SMALLEST = arb(2) ** -1022  # of the normal floats
SPACING = arb(2) ** -1074  # below it


@dataclass(frozen=True)
class Number:
    """A value in a ball, and a bound of the rounding error of what float64 computes for it."""

    ball: arb
    error: arb

    def __add__(self, other: "Number") -> "Number":
        return total([self, other])

    def __sub__(self, other: "Number") -> "Number":
        return total([self, -other])

    def __neg__(self) -> "Number":
        return Number(-self.ball, self.error)

    def __mul__(self, other: "Number") -> "Number":
        ball = self.ball * other.ball
        passed = self.size * other.error + other.size * self.error + self.error * other.error
        return _rounded(ball, passed, U)

    def __truediv__(self, other: "Number") -> "Number":
        ball = self.ball / other.ball
        smallest = abs(other.ball) - other.error
        assert smallest > 0, "a divisor that may be zero"
        passed = (self.error + abs(ball) * other.error) / smallest
        return _rounded(ball, passed, U)

    @property
    def size(self) -> arb:
        """|v|, from above."""
        return arb(abs(self.ball).upper())

    @property
    def positive(self) -> bool:
        """Whether it is above zero."""
        return bool(self.ball > 0)


def exact(value: float) -> Number:
    """A float, or an integer that is one."""
    assert float(value) == value
    return Number(arb(float(value)), arb(0))


ZERO, ONE, TWO = exact(0), exact(1), exact(2)


def real(ball: arb) -> Number:
    """A constant such as sqrt(2/pi), rounded."""
    return _rounded(ball, arb(0), U)


def _fits(ball: arb) -> bool:
    """Whether a ball is one number, and a float."""
    if ball == 0:
        return True
    if not ball.is_exact():
        return False
    mantissa, exponent = map(int, ball.man_exp())
    return mantissa.bit_length() <= 53 and exponent >= -1074


def _rounded(ball: arb, passed: arb, half: arb) -> Number:
    """A result with the error passed on to it, and its own."""
    if passed == 0 and _fits(ball):
        return Number(ball, arb(0))
    size = abs(ball) + passed
    own = half * size + (SPACING if size < 2 * SMALLEST else 0)
    return Number(ball, arb((passed + own).upper()))


def total(terms: Iterable[Number]) -> Number:
    """The sum, in any order."""
    terms = [term for term in terms if not (term.ball == 0 and term.error == 0)]
    if not terms:
        return ZERO
    if len(terms) == 1:
        return terms[0]
    ball = sum((term.ball for term in terms), arb(0))
    passed = sum((term.error for term in terms), arb(0))
    if passed == 0 and _exactly(terms):
        return Number(ball, arb(0))
    sizes = sum((term.size for term in terms), arb(0)) + passed
    own = (len(terms) - 1) * U * sizes * (1 + len(terms) * U)
    return Number(ball, arb((passed + own).upper()))


def _exactly(terms: list[Number]) -> bool:
    """Whether every partial sum is a float: all are multiples of one power of two, and small."""
    if len(terms) == 2:
        return _fits(terms[0].ball + terms[1].ball)
    parts = [tuple(map(int, term.ball.man_exp())) for term in terms]
    lowest = min(exponent for _, exponent in parts)
    sizes = sum(abs(mantissa) << (exponent - lowest) for mantissa, exponent in parts)
    return sizes.bit_length() <= 53


def _function(ball: arb, passed: arb, ulp: int = 1) -> Number:
    """The result of a function that a library has within so many ulp."""
    if ball == 0 and passed == 0:
        return ZERO
    size = abs(ball) + passed
    own = 2 * ulp * U * size + (ulp * SPACING if size < 2 * SMALLEST else 0)
    return Number(ball, arb((passed + own).upper()))


def exp(x: Number) -> Number:
    """e^x: an error of x becomes a relative one."""
    ball = x.ball.exp()
    return _function(ball, ball * x.error.expm1())


def expm1(x: Number) -> Number:
    """e^x - 1."""
    return _function(x.ball.expm1(), x.ball.exp() * x.error.expm1())


def log(x: Number) -> Number:
    """log x."""
    return _function(x.ball.log(), x.error / (x.ball - x.error))


def log1p(x: Number) -> Number:
    """log(1 + x)."""
    return _function(x.ball.log1p(), x.error / (1 + x.ball - x.error))


def sqrt(x: Number) -> Number:
    """sqrt(x)."""
    root = x.ball.sqrt()
    return _rounded(root, x.error / root if x.error > 0 else arb(0), U)


def tanh(x: Number) -> Number:
    """Tanh x; its slope is at most 1, and on either side 4 e^-2|x|."""
    slope = (4 * (-2 * (abs(x.ball) - x.error)).exp()).upper()
    return _function(x.ball.tanh(), x.error * min(arb(1), arb(slope), key=float), 2)


def erfc(x: Number) -> Number:
    """erfc x, with the slope at the end of the interval that is nearer to zero."""
    nearest = abs(x.ball) - x.error
    nearest = nearest if nearest > 0 else arb(0)
    slope = 2 / arb.pi().sqrt() * (-nearest * nearest).exp()
    return _function(x.ball.erfc(), x.error * slope, 4)


def sign(x: Number) -> Number:
    """-1, 0 or 1."""
    return ONE if x.ball > 0 else -ONE if x.ball < 0 else ZERO


def size(x: Number) -> Number:
    """|x|."""
    return Number(abs(x.ball), x.error)


def larger(x: Number, y: Number) -> Number:
    """The larger of two."""
    return x if x.ball >= y.ball else y


def dot(a: list[Number], b: list[Number]) -> Number:
    """sum_k a_k b_k."""
    return total(x * y for x, y in zip(a, b, strict=True))


def ulp(number: Number) -> float:
    """The bound of the error in units in the last place of the value, rounded up to two digits."""
    if number.error == 0:
        return 0
    assert number.ball != 0, "a value of zero that is computed with an error has no ulp"
    lowest = abs(number.ball).lower()
    mantissa, exponent = map(int, lowest.man_exp())
    last = max(exponent + abs(mantissa).bit_length() - 1, -1022) - 52
    bound = (number.error / arb(2) ** last).upper()
    step = 10.0 ** max(len(str(int(float(bound)))) - 2, -1)
    return _plain(step * float((bound / arb(step)).ceil().upper()))


def _plain(bound: float) -> float:
    bound = round(bound, 1)
    return int(bound) if bound == int(bound) else bound


def value(number: Number) -> mpf:
    """The middle of the ball, which is known to 2^-180 of itself."""
    ball = number.ball
    assert ball == 0 or ball.rel_accuracy_bits() > 180, "the ball is too wide for 50 digits"
    mantissa, exponent = map(int, arb(ball.mid()).man_exp())
    with mp.workprec(BITS + 64):
        return mp.ldexp(mpf(mantissa), exponent)


def each(function: Callable[..., Any], value: Any, *more: Any) -> Any:
    """Apply a function to every entry of nested lists, or of a dictionary of them."""
    if isinstance(value, dict):
        return {name: each(function, value[name], *(m[name] for m in more)) for name in value}
    if isinstance(value, list | tuple):
        return [each(function, *entries) for entries in zip(value, *more, strict=True)]
    return function(value, *more)
