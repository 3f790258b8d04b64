"""Scaled dot-product attention of N queries over T keys, with a mask.

Axes before the last two, the same for all arrays, such as those of sequences and of heads, keep
apart: each is an attention by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    delta_of,
    jacobian_of_rows,
    matrix,
    points,
    read_only,
)
from reference_impl.linear import Linear
from reference_impl.quiet import quiet


@dataclass(frozen=True)
class Gradients:
    """The derivatives of a cost by queries, keys and values, each in the shape of its array.

    Examples
    --------
    >>> from reference_impl.attention import Attention
    >>> alike, values, delta = [[0.0], [0.0]], [[1.0], [3.0]], [[1.0], [2.0]]
    >>> found = Attention([[1, 0], [1, 1]]).backward(alike, alike, values, delta)
    >>> found.values.tolist()
    [[2.0], [1.0]]
    """

    queries: Array
    keys: Array
    values: Array


@dataclass(frozen=True, eq=False)
class Attention:
    """``attention.forward``: z'_iu = sum_r p_ir v_ru, with p the masked softmax of each row.

    The scores are z_ir = sum_c q_ic k_rc / sqrt(d), the weights
    p_ir = m_ir e^z_ir / sum_s m_is e^z_is.

    Parameters
    ----------
    mask : array_like, shape (N, T), or (..., N, T) with a mask for each
        m: 0, or False, where a key is hidden from a query, else 1, or True; any number >= 0, such
        as e^b for a bias b of the score. No row is all zero.

    Raises
    ------
    TypeError, ValueError
        For a mask with fewer than two axes or one that is not finite, has a negative entry or a row
        of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.attention import Attention
    >>> causal = Attention(np.tri(2))
    >>> causal.weights([[0.0], [0.0]], [[5.0], [5.0]]).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    >>> causal.forward([[0.0], [0.0]], [[5.0], [5.0]], [[1.0], [3.0]]).tolist()
    [[1.0], [2.0]]
    >>> Attention([[0, 0]])
    Traceback (most recent call last):
    ...
    ValueError: mask: expected a key that is not hidden, given none in row 0
    """

    mask: Array

    def __post_init__(self) -> None:
        mask = points("mask", self.mask)
        if (mask < 0.0).any():
            raise ValueError(f"mask: expected numbers >= 0, given {mask.min():.17g}")
        if not mask.any(axis=-1).all():
            place = tuple(map(int, np.argwhere(~mask.any(axis=-1))[0]))
            row = place if len(place) > 1 else place[0]
            raise ValueError(f"mask: expected a key that is not hidden, given none in row {row}")
        object.__setattr__(self, "mask", read_only(mask))

    @quiet
    def weights(self, queries: ArrayLike, keys: ArrayLike) -> Array:
        """Return p, (..., N, T): rows that sum to one.

        The largest score that is not hidden is taken off each row, so that no exponential
        overflows and the sum is not zero. What is hidden never enters an exponential.
        """
        scores = self._scores(queries, keys) + self._bias
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    @quiet
    def pullback(
        self, queries: ArrayLike, keys: ArrayLike, values: ArrayLike
    ) -> tuple[Array, Callable[[ArrayLike], Gradients]]:
        """Return forward and, as a function of delta, backward; the weights are made once."""
        weights = self.weights(queries, keys)
        queries, keys = points("queries", queries), points("keys", keys)
        values = _values(values, weights)

        @quiet
        def back(delta: ArrayLike) -> Gradients:
            delta = delta_of(delta, value.shape)
            of_scores = _through(weights, delta @ values.mT)
            of_scores /= np.sqrt(queries.shape[-1])
            return Gradients(
                representable("RULE 2, queries", of_scores @ keys),
                representable("RULE 2, keys", of_scores.mT @ queries),
                representable("RULE 2, values", weights.mT @ delta),
            )

        value = representable("P V", weights @ values)
        return value, back

    def pullback_along(
        self, given: Sequence[Array], ways: Sequence[Array]
    ) -> tuple[Array, Callable[[Array, Array], Gradients]]:
        """Differentiate `pullback` of queries, keys and values along a direction of all three.

        Returns the change of the output, and a function from delta and its change to those of the
        three gradients. The arguments are not checked.
        """
        (queries, keys, values), (dq, dk, dv) = given, ways
        weights, scale = self.weights(queries, keys), 1.0 / np.sqrt(queries.shape[-1])
        moving = _through(weights, scale * (dq @ keys.mT + queries @ dk.mT))

        def back(delta: Array, change: Array) -> Gradients:
            pull, turned = delta @ values.mT, change @ values.mT + delta @ dv.mT
            of_scores = scale * _through(weights, pull)
            along = moving * (pull - (weights * pull).sum(axis=-1, keepdims=True))
            along -= weights * (moving * pull).sum(axis=-1, keepdims=True)
            along = scale * (along + _through(weights, turned))
            return Gradients(
                along @ keys + of_scores @ dk,
                along.mT @ queries + of_scores.mT @ dq,
                moving.mT @ delta + weights.mT @ change,
            )

        return moving @ values + weights @ dv, back

    def forward(self, queries: ArrayLike, keys: ArrayLike, values: ArrayLike) -> Array:
        """``attention.forward``, RULE 1: P V, of shape (..., N, M)."""
        return self.pullback(queries, keys, values)[0]

    def backward(
        self, queries: ArrayLike, keys: ArrayLike, values: ArrayLike, delta: ArrayLike
    ) -> Gradients:
        """``attention.backward``, RULE 2, for delta = dC/dz' of shape (..., N, M).

        With g = delta V^T and delta_ir = p_ir (g_ir - sum_s p_is g_is): by the values P^T delta',
        by the queries (delta_ir) K / sqrt(d), by the keys (delta_ir)^T Q / sqrt(d).
        """
        return self.pullback(queries, keys, values)[1](delta)

    @cached_property
    def _bias(self) -> Array:
        """Return log m, -inf where a key is hidden."""
        with np.errstate(divide="ignore"):
            return np.log(self.mask)

    def _scores(self, queries: ArrayLike, keys: ArrayLike) -> Array:
        queries, keys = points("queries", queries), points("keys", keys)
        if keys.shape[-1] != queries.shape[-1]:
            raise ValueError(
                f"keys: expected {queries.shape[-1]} columns, those of queries, given shape "
                f"{keys.shape}"
            )
        if keys.shape[:-2] != queries.shape[:-2]:
            raise ValueError(
                f"keys: expected the axes {queries.shape[:-2]} before the last two, those of "
                f"queries, given shape {keys.shape}"
            )
        shape = (*queries.shape[:-1], keys.shape[-2])
        if self.mask.shape not in (shape, shape[-2:]):
            raise ValueError(
                f"mask: expected shape {shape}, queries x keys, given shape {self.mask.shape}"
            )
        return representable("Q K^T / sqrt(d)", queries @ keys.mT / np.sqrt(queries.shape[-1]))


@dataclass(frozen=True, eq=False)
class SelfAttention:
    """``attention.self_attention_backward``: attention of the rows of z over themselves.

    Queries z Q^T, keys z K^T and values z V^T; the output is P z V^T with the weights P of
    `Attention`. RULE 2 adds what arrives by the three ways; RULE 3 is that of three linear layers.
    The rows meet, so the Jacobian dz'_iu/dz_jv has both, of shape (..., N, m, N, n).

    Parameters
    ----------
    Q, K : array_like, shape (d, n)
        Rows of the maps from z to queries and keys.
    V : array_like, shape (m, n)
        Rows of the map from z to values.
    mask : array_like, shape (N, N)
        Of `Attention`: 1 where row i may see row j.

    Raises
    ------
    TypeError, ValueError
        For a map that is no finite matrix, and as `Attention`.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.attention import SelfAttention
    >>> layer = SelfAttention([[0.0, 0.0]], [[1.0, 1.0]], np.eye(2), np.tri(2))
    >>> layer.forward(np.eye(2)).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    >>> sorted(layer.parameter_gradient(np.eye(2), np.ones((2, 2))))
    ['K', 'Q', 'V']
    """

    Q: Array
    K: Array
    V: Array
    mask: Array

    rows_meet = True
    forward, backward, parameter_gradient = RULES[:3]
    jacobian = jacobian_of_rows

    def __post_init__(self) -> None:
        for name in ("Q", "K", "V"):
            object.__setattr__(self, name, read_only(matrix(name, getattr(self, name))))
        object.__setattr__(self, "mask", Attention(self.mask).mask)

    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return P z V^T, and RULES 2 and 3."""
        attention, maps = Attention(self.mask), [Linear(W) for W in (self.Q, self.K, self.V)]
        inputs, backs = zip(*(each.pullback(z) for each in maps), strict=True)
        value, attended = attention.pullback(*inputs)

        def back(delta: Array) -> tuple[Array, Callable[[], dict[str, Array]]]:
            found = attended(delta)
            deltas = found.queries, found.keys, found.values
            pulled, asked = zip(*(b(d) for b, d in zip(backs, deltas, strict=True)), strict=True)
            return representable("RULE 2", sum(pulled)), lambda: {
                name: gradients()["W"] for name, gradients in zip("QKV", asked, strict=True)
            }

        return value, back

    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return what the three maps and the attention between them change."""
        maps = [(Linear(getattr(self, name)), dtheta[name]) for name in "QKV"]
        inputs = [one.pullback(z) for one, _ in maps]
        along = [one.pullback_along(z, dz, {"W": dW}) for one, dW in maps]
        given, ways = (tuple(part for part, _ in parts) for parts in (inputs, along))
        attention = Attention(self.mask)
        attended = attention.pullback(*given)[1]
        moved, attended_along = attention.pullback_along(given, ways)

        def back(delta: Array, change: Array) -> tuple[Array, dict[str, Array]]:
            deltas, turned = attended(delta), attended_along(delta, change)
            found = [
                one(getattr(deltas, name), getattr(turned, name))
                for name, (_, one) in zip(("queries", "keys", "values"), along, strict=True)
            ]
            gradients = {name: part["W"] for name, (_, part) in zip("QKV", found, strict=True)}
            return np.sum([result for result, _ in found], axis=0), gradients

        return moved, back


def _through(weights: Array, pull: Array) -> Array:
    """Return p_ir (g_ir - sum_s p_is g_is): the Jacobian of each row of weights, times g."""
    return weights * (pull - (weights * pull).sum(axis=-1, keepdims=True))


def _values(values: ArrayLike, weights: Array) -> Array:
    array = arguments.finite("values", values)
    expected = (*weights.shape[:-2], weights.shape[-1])
    if array.ndim < 2 or array.shape[:-1] != expected or not array.size:
        before = f" and the axes {expected[:-1]} before" if expected[:-1] else ""
        raise ValueError(
            f"values: expected a row for each of {expected[-1]} keys{before}, given shape "
            f"{array.shape}"
        )
    return array
