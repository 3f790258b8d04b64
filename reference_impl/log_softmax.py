"""The log-softmax layer z'_u = z_u - logsumexp(z) of each data point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reference_impl.arguments import Array, representable
from reference_impl.engine.error_free import two_diff
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    along_by_rows,
    by_rows,
    in_blocks,
    none,
)
from reference_impl.quiet import room


@dataclass(frozen=True)
class LogSoftmax:
    """``log_softmax``: z'_u = z_u - logsumexp(z); J_uv = [u = v] - S_v with S = softmax(z).

    RULE 1 is ``log_softmax.forward``, the Jacobian ``log_softmax.jacobian``, and RULE 2
    ``log_softmax.backward``: delta_v = delta'_v - S_v sum_u delta'_u, computed as
    delta'_v sum_{u != v} S_u - S_v sum_{u != v} delta'_u, which is the same. Nothing is subtracted
    from 1, so the small residual of a confident right answer, the delta of ``NLL`` after
    ``LogSoftmax``, keeps all its digits.

    Examples
    --------
    >>> from reference_impl.log_softmax import LogSoftmax
    >>> layer, z = LogSoftmax(), [[1000.0, 0.0]]
    >>> layer.forward(z).tolist(), layer.backward(z, [[1.0, 0.0]]).tolist()
    ([[0.0, -1000.0]], [[0.0, 0.0]])
    >>> layer.jacobian([[0.0, 0.0]]).tolist()
    [[[0.5, -0.5], [-0.5, 0.5]]]
    """

    forward, backward, parameter_gradient, jacobian = RULES

    @by_rows
    @in_blocks
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return z_u - logsumexp(z), and RULE 2."""
        S, value, others = _of_rows(z)

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            result, other_deltas = others(), sum_of_others(delta)
            result *= delta
            other_deltas *= S
            result -= other_deltas
            return representable("delta_v - S_v sum_u delta_u", result), none

        return value, back

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """``log_softmax.second_order``: dS_u = S_u (dz_u - sum_v S_v dz_v) is all that changes."""
        (S, _, others), rule_2 = _of_rows(z), self.pullback(z)[1]
        centred = dz * others() - sum_of_others(S * dz)  # dz - S.dz, without its rounding

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            return rule_2(change)[0] - S * centred * delta.sum(axis=1, keepdims=True), {}

        return centred, back


def _of_rows(z: Array) -> tuple[Array, Array, Callable[[], Array]]:
    """Return S and log S of each row, and what gives the sum of the other S.

    The largest exponential is 1, and left out of the sum, so nothing is taken off 1 but what is at
    most half. The rounding error of a difference is a relative one of its exponential.
    """
    largest = np.arange(len(z)), z.argmax(axis=1)
    below, error = two_diff(z, z[largest][:, np.newaxis])
    representable("log_softmax(z)", below)
    S = np.exp(below, out=room(z.shape))
    S += np.multiply(S, error, out=room(z.shape))
    S[largest] = 0.0
    left = S.sum(axis=1, keepdims=True)
    S[largest] = 1.0
    if (
        tiny := left < 1e-290
    ).any():  # subnormal terms, each rounded: add them e^128 times as large
        large = np.exp(np.minimum(below, -256.0) + 128.0) * (1.0 + error)
        large[largest] = 0.0
        left = np.where(tiny, large.sum(axis=1, keepdims=True) * np.exp(-128.0), left)
    S *= 1.0 / (1.0 + left)
    error -= np.log1p(left)
    error += below

    def others() -> Array:
        result = np.subtract(1.0, S, out=room(z.shape))
        result[largest] = (left / (1.0 + left))[:, 0]
        return result

    return S, error, others


def sum_of_others(a: Array) -> Array:
    """Return sum_{u != v} a_u for each v in each row.

    The largest is left out before the sum: taken off it, it would cancel what the others add up to.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.log_softmax import sum_of_others
    >>> sum_of_others(np.array([[1.0, 2.0, 4.0]])).tolist()
    [[6.0, 5.0, 3.0]]
    """
    result = np.abs(a, out=room(a.shape))
    largest = np.arange(len(a)), result.argmax(axis=1)
    np.copyto(result, a)
    result[largest] = 0.0
    total = result.sum(axis=1)
    np.subtract((total + a[largest])[:, np.newaxis], a, out=result)
    result[largest] = total
    return result
