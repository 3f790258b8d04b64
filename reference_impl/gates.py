"""GELU, SiLU and activations in pieces: layers without parameters, one function at every unit.

At a kink the slope from the left is returned, and so is the second derivative.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference_impl import arguments
from reference_impl.activations import ELEMENTWISE
from reference_impl.arguments import Array, representable
from reference_impl.layer import RULES, Back, by_rows, in_blocks, none
from reference_impl.quiet import room

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Elementwise:
    """``activations.any_function_forward``: z'_u = f(z_u), with f' and f''.

    RULE 2 is ``activations.any_function_backward``, delta'_u f'(z_u); the Jacobian
    ``activations.any_function_jacobian``, diag(f'(z)) for each data point.

    Parameters
    ----------
    f, df, ddf : callable
        f, f' and f'' of an array, each a new one: what they give is handed on.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.gates import Elementwise
    >>> square = Elementwise(lambda z: z**2, lambda z: 2 * z, lambda z: np.full_like(z, 2.0))
    >>> square.forward([[1.0, -3.0]]).tolist()
    [[1.0, 9.0]]
    >>> square.backward([[1.0, -3.0]], [[1.0, 1.0]]).tolist()
    [[2.0, -6.0]]
    """

    f: Function
    df: Function
    ddf: Function

    pullback, pullback_along, derivative, second_derivative = ELEMENTWISE
    forward, backward, parameter_gradient, jacobian = RULES


@dataclass(frozen=True)
class Gated:
    """Layer z'_u = f(z_u), with f and f' from one function, for what they share.

    Such as t g(t), of which a gate g lets a part through: f' is g(t) + t g'(t).

    Parameters
    ----------
    both : callable
        f and f' of an array, each a new one: what they give is handed on.
    ddf : callable
        f'' of an array.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.gates import Gated
    >>> square = Gated(lambda z: (z**2, 2 * z), lambda z: np.full_like(z, 2.0))
    >>> square.forward([[1.0, -3.0]]).tolist()
    [[1.0, 9.0]]
    >>> square.backward([[1.0, -3.0]], [[1.0, 1.0]]).tolist()
    [[2.0, -6.0]]
    """

    both: Callable[[Array], tuple[Array, Array]]
    ddf: Function

    pullback_along, derivative, second_derivative = ELEMENTWISE[1:]
    forward, backward, parameter_gradient, jacobian = RULES

    def f(self, t: Array) -> Array:
        """Return f(t)."""
        return self.both(t)[0]

    def df(self, t: Array) -> Array:
        """Return f'(t)."""
        return self.both(t)[1]

    @by_rows
    @in_blocks
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return f(z), and RULE 2: delta'_u f'(z_u)."""
        value, slope = self.both(z)
        return representable("f(z)", value), lambda delta: (
            representable("delta f'(z)", delta * slope),
            none,
        )


def leaky_relu(alpha: float = 0.01) -> Elementwise:
    """``gates.leaky_relu_forward``: t where t > 0, alpha t elsewhere.

    Raises
    ------
    TypeError, ValueError
        For an alpha that is no finite number > 0.

    Examples
    --------
    >>> from reference_impl.gates import leaky_relu
    >>> layer = leaky_relu(0.25)
    >>> layer.forward([[2.0, 0.0, -2.0]]).tolist()
    [[2.0, 0.0, -0.5]]
    >>> layer.backward([[2.0, 0.0, -2.0]], [[1.0, 1.0, 1.0]]).tolist()
    [[1.0, 0.25, 0.25]]
    """
    alpha = arguments.positive("alpha", alpha)
    return Elementwise(
        lambda t: np.where(t > 0.0, t, alpha * t),
        lambda t: np.where(t > 0.0, 1.0, alpha),
        np.zeros_like,
    )


def elu(alpha: float = 1.0) -> Elementwise:
    """``gates.elu_forward``: t where t > 0, alpha (e^t - 1) elsewhere.

    Raises
    ------
    TypeError, ValueError
        For an alpha that is no finite number > 0.

    Examples
    --------
    >>> from reference_impl.gates import elu
    >>> layer = elu()
    >>> layer.forward([[2.0, 0.0, -800.0]]).tolist()
    [[2.0, 0.0, -1.0]]
    >>> layer.backward([[2.0, -800.0]], [[1.0, 1.0]]).tolist()
    [[1.0, 0.0]]
    """
    alpha = arguments.positive("alpha", alpha)

    def falling(t: Array) -> Array:
        return alpha * np.exp(np.minimum(t, 0.0))

    return Elementwise(
        lambda t: np.where(t > 0.0, t, alpha * np.expm1(np.minimum(t, 0.0))),
        lambda t: np.where(t > 0.0, 1.0, falling(t)),
        lambda t: np.where(t > 0.0, 0.0, falling(t)),
    )


def _gauss(t: Array) -> Array:
    """Return e^(-t^2/2). A rounding of t^2 would be one of the exponent, so t^2 is split."""
    near = np.multiply(t, 2.0**16, out=room(t.shape))
    np.rint(near, out=near)
    near *= 2.0**-16
    rest, twice = np.subtract(near, t, out=room(t.shape)), np.add(near, t, out=room(t.shape))
    rest *= twice
    rest *= 0.5  # (near^2 - t^2) / 2
    near *= near  # is exact
    near *= -0.5
    np.exp(near, out=near)
    near *= np.exp(rest, out=rest)
    return near


# (1 - Phi(t)) e^(t^2/2) for t from 0 to 39 is a quotient of two polynomials, to a quarter of an ulp:
# it interpolates at 22 points (4 + 4u)/(1 - u), u at Chebyshev's. No coefficient is negative, so
# nothing cancels. Rows: the terms t^5 to 1 of each, then t^11 to t^6.
TAIL = np.array(
    [
        [0.03534107463999677, 0.1311071375110668, 0.3554710849740133, 0.677233305206694,
         0.8264390116762824, 0.5],
        [0.3457670766572471, 0.97465321348953, 1.9934920327604, 2.8098922385043354,
         2.4507625841554304, 1.0],
        [0.0, 2.1841939157224647e-07, 6.8301227250702235e-06, 0.00010474310614534726,
         0.001025071569350438, 0.007041273528835195],
        [5.474962226425645e-07, 1.7120578741890866e-05, 0.0002630995276560322,
         0.00258659395820462, 0.017911312346517043, 0.09112216947098654],
    ]
)  # fmt: skip


def _tail(t: Array) -> Array:
    """Return (1 - Phi(t)) e^(t^2/2) for t >= 0; a product of matrices is faster than Horner's rule."""
    powers = room((6, t.size))
    powers[5] = 1.0
    for k in range(5, 0, -1):  # the small terms first, which are rounded less
        np.multiply(powers[k], t.reshape(-1), out=powers[k - 1])
    parts = np.matmul(TAIL, powers, out=room((4, t.size)))
    (above, below), high = parts[:2], parts[2:]
    high *= np.multiply(powers[0], powers[4], out=powers[5])
    above += high[0]
    below += high[1]
    above /= below
    return above.reshape(t.shape)


def _gelu(t: Array) -> tuple[Array, Array]:
    """Return t Phi(t) and Phi(t) + t phi(t), by 1 - Phi(|t|), which keeps its digits.

    t Phi(t) is max(t, 0) - |t| (1 - Phi(|t|)), with the exponential as the last factor: it underflows.
    """
    size = np.abs(t, out=room(t.shape))
    np.minimum(size, 38.75, out=size)  # where e^(-t^2/2) is 0; squares stay in range
    gauss, beyond = _gauss(size), _tail(size)
    below = np.multiply(beyond, gauss, out=room(t.shape))
    np.subtract(t > 0.0, below, out=below)
    np.abs(below, out=below)
    beyond *= size
    beyond *= gauss
    value = np.maximum(t, 0.0, out=size)
    value -= beyond
    gauss *= t
    gauss *= 1.0 / np.sqrt(2.0 * np.pi)
    gauss += below
    return value, gauss


def _gelu_bend(t: Array) -> Array:
    near = np.clip(t, -40.0, 40.0)
    return (2.0 - near**2) * (_gauss(near) / np.sqrt(2.0 * np.pi))


def _sigmoid(t: Array, half: Array, more: Array) -> tuple[Array, Array, Array]:
    """Return two factors of sigma, and 1 - sigma, of a number of the sign of t.

    Of its size s, e^-s is half * more. On the left sigma may be subnormal, rounded to few digits,
    so the second factor, e^(-s/2), is to be multiplied last.
    """
    right, e = t > 0.0, half * more
    large = 1.0 / (1.0 + e)
    return (
        np.where(right, large, more * large),
        np.where(right, 1.0, half),
        np.where(right, e * large, large),
    )


# 2 h(t) is t (a + b t^2), a = 2 (2/pi)^(1/2) and b = 0.044715 a. Each is a number of so few bits that
# products with 12 bits of t are exact, and the rest of it.
LINE = 1.5957691216026433, 3.0874305383944692e-12
CUBE = 0.07135486602783203, -4.975523178247366e-8
EDGE = 22.0  # from here on sigma(2 h) is 0 or 1 and its slope 0, in float64


def _inner(t: Array) -> tuple[Array, Array, tuple[Array, Array, Array]]:
    """Return t no farther out than `EDGE`, 2 h' and `_sigmoid` of 2 h.

    A rounding of 2 h would be one of the exponent, so t is split, as in `_gauss`.
    """
    t = np.clip(t, -EDGE, EDGE)
    size, square = np.abs(t), t * t
    near = np.rint(size * 128.0) / 128.0
    exact = near * (LINE[0] + CUBE[0] * near * near)
    rest = (size - near) * (LINE[0] + CUBE[0] * (square + size * near + near * near))
    rest += size * (LINE[1] + CUBE[1] * square)
    half = np.exp(-0.5 * exact)
    return t, sum(LINE) + 3.0 * sum(CUBE) * square, _sigmoid(t, half, half * np.exp(-rest))


def _gelu_tanh(t: Array) -> tuple[Array, Array]:
    near, slope, (gate, last, other) = _inner(t)
    return np.maximum(t, -EDGE) * gate * last, (1.0 + near * slope * other) * gate * last


def _gelu_tanh_bend(t: Array) -> Array:
    t, slope, (gate, last, other) = _inner(-np.abs(t))  # f'' is even
    bend = 6.0 * sum(CUBE) * t * t + 2.0 * slope - t * (gate * last - other) * slope * slope
    return bend * other * gate * last


def _silu(t: Array) -> tuple[Array, Array]:
    half = np.exp(-0.5 * np.abs(t))
    gate, last, other = _sigmoid(t, half, half)
    return t * gate * last, (1.0 + t * other) * gate * last


def _silu_bend(t: Array) -> Array:
    t = -np.abs(t)  # f'' is even
    half = np.exp(0.5 * t)
    gate, last, other = _sigmoid(t, half, half)
    return (2.0 - t * np.tanh(0.5 * t)) * other * gate * last


# ``gates.gelu_forward``: t Phi(t).
GELU = Gated(_gelu, _gelu_bend)
# ``gates.gelu_tanh_forward``: t (1 + tanh h(t)) / 2, computed as t sigma(2 h(t)),
# ``gates.gelu_tanh_gate``.
TANH_GELU = Gated(_gelu_tanh, _gelu_tanh_bend)
# ``gates.silu_forward``: t sigma(t).
SILU = Gated(_silu, _silu_bend)
# ``gates.softsign_forward``: t / (1 + |t|).
SOFTSIGN = Elementwise(
    lambda t: t / (1.0 + np.abs(t)),
    lambda t: (1.0 / (1.0 + np.abs(t))) ** 2,
    lambda t: np.where(t > 0.0, -2.0, 2.0) * (1.0 / (1.0 + np.abs(t))) ** 3,
)
# ``gates.squared_relu_forward``: t^2 where t > 0, else 0.
SQUARED_RELU = Elementwise(
    lambda t: np.maximum(t, 0.0) ** 2,
    lambda t: 2.0 * np.maximum(t, 0.0),
    lambda t: np.where(t > 0.0, 2.0, 0.0),
)
# ``gates.hard_tanh_forward``: t between -1 and 1, the nearer of them elsewhere.
HARD_TANH = Elementwise(
    lambda t: np.clip(t, -1.0, 1.0),
    lambda t: np.where((t > -1.0) & (t <= 1.0), 1.0, 0.0),
    np.zeros_like,
)
