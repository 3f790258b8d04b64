"""What the usual slips in the rules of a layer would give.

Each function yields pairs: in words, what a wrong answer equals, and that array. Nothing here
decides that an answer is wrong; `gradient_check` does, and then looks for it among these.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reference_impl.arguments import Array

Slips = Iterator[tuple[str, Array]]


def named(got: Array, right: Array, known: Slips) -> str:
    """Say in words what a wrong answer equals, if anything is known to give it."""
    for words, slip in known:
        if equal(got, slip) and not equal(right, slip):
            return f"; it equals {words}"
    seen = np.isfinite(right)
    if got.shape != right.shape or not right[seen].any():
        return ""
    factor = (got[seen] @ right[seen]) / (right[seen] @ right[seen])
    if equal(got, factor * right):
        return f"; it is the right answer * {factor:.12g}"
    wrong = np.argwhere(seen & ~(np.abs(got - right) <= 1e-8 * np.abs(right[seen]).max()))
    for axis, size in enumerate(right.shape):
        if len(wrong) and size > 1 and (wrong[:, axis] == wrong[0, axis]).all():
            return f"; only where index {axis} is {wrong[0, axis]}"
    return ""


def equal(a: Array, b: Array, scale: ArrayLike | None = None) -> bool:
    """Whether a equals b to 1e-9 of the largest entry of b, or of `scale`, where b is not nan."""
    if a.shape != b.shape:
        return False
    seen = np.isfinite(b)
    largest = np.nanmax(np.abs(b if scale is None else scale), initial=0.0)
    return bool(seen.any() and (np.abs(a - b)[seen] <= 1e-9 * largest).all())


def of_any(N: int, right: Array) -> Slips:
    """Slips in any derivative; N data points."""
    yield "zero", np.zeros_like(right)
    yield "the right answer with the sign flipped", -right
    for sign, flipped in ((1.0, ""), (-1.0, ", with the sign flipped")):
        mean = f"the right answer / {N}{flipped}: a mean over the data points, not their sum"
        yield mean, sign * right / N
        yield f"the right answer * {N}{flipped}: summed {N} times", sign * right * N
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        yield "the right answer transposed", right.T


def of_backward(z: Array, value: Array, delta: Array, J: Array, right: Array) -> Slips:
    """Slips in RULE 2 of a layer z -> value with delta (N x out) and Jacobian J (N x out x in)."""
    yield from of_any(len(z), right)
    yield "the right answer for delta = 1: delta is ignored", J.sum(axis=1)
    together = np.broadcast_to(delta.sum(axis=0), delta.shape)
    yield "the right answer for delta summed over the data points", _pulled(together, J)
    if J.shape[1] != J.shape[2]:
        return
    yield "J delta: the transposed Jacobian is used", np.einsum("iuv,iv->iu", J, delta)
    yield "delta: it is passed on unchanged, without a derivative", delta
    diagonal = np.einsum("iuu->iu", J)
    yield "the terms with u = v only: the Jacobian is not diagonal", delta * diagonal
    yield "the terms with u != v only", right - delta * diagonal
    yield "the right answer without delta itself: deltas of a value used twice add", right - delta
    yield "delta added to the right answer", right + delta
    yield from _of_softmax(value, delta)
    # Of a log-softmax J = I - 1 S^T: its rows, without the identity, are -S.
    yield from _of_log_softmax(-(J - np.eye(J.shape[1])).mean(axis=1), delta)
    yield "delta z (1 - z): z is taken for a sigmoid's output", delta * z * (1.0 - z)
    yield "delta (1 - z^2): z is taken for the output of tanh", delta * (1.0 - z * z)


def of_parameter(delta: Array, J: Array, right: Array) -> Slips:
    """Slips in RULE 3 with delta (N x out), J is N x out x (shape of the parameter)."""
    yield from of_any(len(delta), right)
    each = np.einsum("iu,iu...->i...", delta, J)
    yield "the parts of the data points: their sum is missing", each
    yield "the part of the first data point only", each[0]
    yield "the part of the last data point only", each[-1]
    yield "the right answer without the first data point", right - each[0]
    yield "the right answer without the last data point", right - each[-1]
    yield "the right answer for delta = 1: delta is ignored", J.sum(axis=(0, 1))
    yield "delta summed over the outputs instead of the data points", delta.sum(axis=1)
    yield "the right answer transposed", right.T


def of_jacobian(value: Array, J: Array) -> Slips:
    """Slips in the Jacobian J (N x out x in)."""
    yield from of_any(len(J), J)
    yield "the transposed Jacobian", J.transpose(0, 2, 1)
    if value.shape == J.shape[:2] and J.shape[1] == J.shape[2]:
        identity = np.eye(J.shape[1])
        yield "diag(S) with S = forward(z): - S S^T is missing", value[:, :, None] * identity
        yield "the diagonal of the right one: the rest is missing", J * identity
        yield "the right one without the diagonal", J * (1.0 - identity)
        yield "the right one without the identity", J - identity


def _of_softmax(S: Array, delta: Array) -> Slips:
    yield "delta S with S = forward(z): diag(S) instead of diag(S) - S S^T", delta * S
    over_points = S * (delta - (S * delta).sum(axis=0))
    yield "softmax's rule with delta summed over the data points, not the outputs", over_points
    log_rule = delta - S * delta.sum(axis=1, keepdims=True)
    yield "the rule of log-softmax; this is softmax", log_rule


def _of_log_softmax(S: Array, delta: Array) -> Slips:
    one_hot = "delta + S: delta is taken to sum to -1, as with one-hot labels"
    yield one_hot, delta + S
    over_points = delta - S * delta.sum(axis=0)
    yield "the rule of log-softmax with delta summed over the data points", over_points
    softmax_rule = S * (delta - (S * delta).sum(axis=1, keepdims=True))
    yield "the rule of softmax; this is log-softmax", softmax_rule


def _pulled(delta: Array, J: Array) -> Any:
    return np.einsum("iu,iuv->iv", delta, J)
