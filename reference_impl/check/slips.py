"""What the usual slips give: arrays that a wrong derivative may equal.

Each function takes a look and yields guesses: a short name, a sentence, an array. Nothing here
decides that anything is wrong; `causes` compares.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from scipy.special import erf, expit, softmax

from reference_impl.arguments import Array
from reference_impl.check.looks import Look

Guess = tuple[str, str, Array]
Guesses = Iterator[Guess]
RIGHT = "right"


def along(shape: tuple[int, ...], axis: int) -> str:
    """Return what the places along an axis are called."""
    if len(shape) < 2:
        return "entries"
    return {0: "rows", len(shape) - 1: "columns"}.get(axis, f"places along axis {axis}")


def positions(ndim: int, axis: int, size: int) -> Any:
    """Return 0, 1, ... along one of the axes."""
    return np.arange(size).reshape([-1 if k == axis else 1 for k in range(ndim)])


# ------------------------------------------------------------- from the right derivative alone


def of_right(look: Look) -> Guesses:
    """Yield what can be made of the right derivative."""
    want, shape, right, got_shape = look.want, look.want.shape, "the right answer", look.got.shape
    yield "zero", "it is zero", np.zeros(look.got.shape)
    yield RIGHT, right, want
    yield "sign", f"{right} with the sign flipped", -want
    for order in permutations(range(want.ndim)) if want.ndim < 5 else ():
        if order != tuple(range(want.ndim)):
            yield "transposed", f"{right} transposed, axes {order}", want.transpose(order)
    if want.size == look.got.size:
        yield "reshaped", f"{right} in another shape", want.reshape(look.got.shape)
        if want.ndim > 1:
            by_columns = want.T.reshape(look.got.shape)
            yield "reshaped", f"{right}, its entries read by columns", by_columns
    for axes in [c for r in range(2, want.ndim + 1) for c in combinations(range(want.ndim), r)]:
        yield "reversed", f"{right}, reversed along axes {axes}", np.flip(want, axes)
    for axis, size in enumerate(shape):
        yield from _of_axis(want, axis, along(shape, axis))
        total, words = want.sum(axis=axis, keepdims=True), f"over the {along(shape, axis)}"
        yield "summed", f"{right} summed {words}", np.broadcast_to(total, shape)
        yield "summed", f"{right} summed {words}, which are gone", total.squeeze(axis)
        yield "summed", f"{right} summed {words}, length 1 kept", total
        yield "centred", f"the mean {words} is taken away", want - total / max(size, 1)
    yield "summed", f"{right} summed to one number", np.asarray(want.sum())
    try:
        spread = np.broadcast_to(want, look.got.shape)
        yield "not reduced", f"{right} in the shape before a sum", spread
    except ValueError:
        pass
    yield "absolute value", f"the absolute value of {right}", np.abs(want)
    yield "sign only", f"the sign of {right}", np.sign(want)
    yield "squared", f"the square of {right}", want * want
    flat, got = want.ravel(), look.got.ravel()
    if flat.size == got.size > 3 and len(np.unique(flat)) == flat.size:
        rank = np.argsort(np.argsort(got, kind="stable"))
        yield (
            "permuted",
            "the right entries in another order",
            np.asarray(np.sort(flat)[rank]).reshape(got_shape),
        )


def _of_axis(a: Array, axis: int, words: str, what: str = "the right answer") -> Guesses:
    """Yield what a slip along an axis makes of an array."""
    size, at = a.shape[axis], positions(a.ndim, axis, a.shape[axis])
    if size < 2:
        return
    yield "reversed", f"{what} with its {words} reversed", np.flip(a, axis)
    for by in (1, -1):
        rolled = np.roll(a, by, axis)
        yield "rolled", f"{what} with its {words} rolled by {by}", rolled
        inside = at != (0 if by == 1 else size - 1)
        yield (
            "shifted",
            f"{what} with its {words} shifted by {by}, zero at the end",
            rolled * inside,
        )
    for k, word in ((0, "first"), (size - 1, "last")):
        part = np.expand_dims(a.take(k, axis), axis)
        alone = f"{what}, the {word} of the {words} alone"
        yield f"{word} of the {words} only", alone, np.asarray(a.take(k, axis))
        yield (
            "one for all",
            f"{what}, the {word} of the {words} for all of them",
            (np.broadcast_to(part, a.shape)),
        )
        yield (
            f"{word} of the {words} only",
            f"{what}, zero but for the {word} of the {words}",
            (a * (at == k)),
        )
        yield (
            f"{word} of the {words} left out",
            f"{what} without the {word} of the {words}",
            (a * (at != k)),
        )
    yield "cumulated", f"{what} cumulated over its {words}", a.cumsum(axis)
    from_end = np.flip(np.flip(a, axis).cumsum(axis), axis)
    yield "cumulated", f"{what} cumulated from the end over its {words}", from_end


# --------------------------------------------------------------- the right rule, a wrong delta


def of_delta(look: Look) -> Guesses:
    """Yield what the right rule gives for a wrong delta."""
    if look.J is not None and look.delta.ndim:
        for name, text, delta in _deltas(look):
            yield name, text, look.pull(delta)


def _deltas(look: Look) -> Guesses:
    delta, value, shape = look.delta, look.value, look.delta.shape
    yield "delta ignored", "the right answer for delta = 1: delta is ignored", np.ones(shape)
    for axis, size in enumerate(shape):
        words = along(shape, axis)
        total = delta.sum(axis=axis, keepdims=True)
        yield "delta summed", f"delta is summed over its {words}", np.broadcast_to(total, shape)
        centred = delta - total / max(size, 1)
        yield "delta centred", f"the mean of delta over its {words} is taken away", centred
        for name, text, array in _of_axis(delta, axis, words, "what is right for delta"):
            if array.shape == shape:
                yield name, text, array
    if delta.ndim == 2 and shape[0] == shape[1]:
        yield "delta transposed", "delta is transposed", delta.T
    yield "sign of delta", "only the sign of delta is used", np.sign(delta)
    yield "absolute value", "the absolute value of delta is used", np.abs(delta)
    yield "delta squared", "delta is squared", delta * delta
    yield "delta clipped", "only positive delta is used", np.maximum(delta, 0.0)
    if value is None or value.shape != shape:
        return
    for words, factor in _slopes_by_output(value):
        yield f"extra {words}", f"delta is multiplied by {words}, f the output", delta * factor
        yield f"missing {words}", f"the factor {words} is missing, f the output", delta / factor
    for axis in range(len(shape)):
        words = f"over the {along(shape, axis)}"
        inner = (delta * value).sum(axis=axis, keepdims=True)
        outer = delta.sum(axis=axis, keepdims=True)
        yield "softmax twice", f"softmax's rule {words} once more", value * (delta - inner)
        yield "projected twice", f"its part along the output {words} is lost", delta - value * inner
        yield (
            "log-softmax twice",
            f"log-softmax's rule {words} once more",
            (delta - np.exp(value) * outer),
        )
        if (value > 0.0).all():
            yield (
                "softmax for log-softmax",
                f"log-softmax's rule {words}; this is softmax",
                (delta / value - outer),
            )
        yield (
            "softmax for log-softmax",
            f"softmax's rule {words}; this is log-softmax",
            (np.exp(value) * delta),
        )


def _slopes_by_output(f: Array) -> Iterator[tuple[str, Array]]:
    """Yield slopes that are known from the output f."""
    yield "f", f
    yield "1 - f", 1.0 - f
    yield "f (1 - f)", f * (1.0 - f)
    yield "1 - f^2", 1.0 - f * f
    yield "f^2", f * f
    yield "e^f", np.exp(f)
    yield "1 - e^-f", -np.expm1(-f)
    yield "1 - e^f", -np.expm1(f)
    yield "sqrt(f)", np.sqrt(np.abs(f))
    yield "sign(f)", np.sign(f)
    yield "1 + f^2", 1.0 + f * f


# --------------------------------------------------------------- delta with another Jacobian


def of_jacobian(look: Look) -> Guesses:
    """Yield what delta gives with parts of the Jacobian, or with another one."""
    J, delta, shape = look.J, look.delta, look.want.shape
    if not delta.ndim:
        return
    yield from _passed(delta, look.want)
    if J is None:
        return
    yield from _of_contributions(look, J)
    yield from _slices(look, J)
    for r in (1, 2):
        if r <= min(delta.ndim, look.want.ndim) and _is_convolution(J, delta.ndim, r):
            axes = tuple(range(-r, 0))
            reversed_ = np.flip(look.pull(np.flip(delta, axes)), axes)
            yield "kernel reversed", f"the kernel is reversed along the last {r} axes", reversed_
    if delta.shape == shape:
        square, flat = J.reshape(delta.size, delta.size), delta.ravel()
        slopes = np.diagonal(square).reshape(shape)
        yield "diagonal only", "only the diagonal of the Jacobian is used", delta * slopes
        for name, text, vector in (
            ("transposed", "J delta: the transposed Jacobian is used", square @ flat),
            ("doubled slope", "the Jacobian is applied twice", flat @ square @ square),
            ("absolute value", "the absolute Jacobian is used", flat @ np.abs(square)),
        ):
            yield name, text, vector.reshape(shape)
        yield "diagonal lost", "the diagonal of the Jacobian is lost", look.want - delta * slopes
        for words, q in _quantities(look, shape):
            if not (q == q.flat[0]).all():
                moved = look.pull(delta / q) * q
                yield f"{words} after, not before", f"the factor ({words}) is applied last", moved
        yield "slope squared", "the slopes are squared", delta * slopes**2
        yield "slope inverted", "delta is divided by the slopes", delta / slopes
        yield "root of the slope", "the roots of the slopes are used", delta * np.sqrt(slopes)
    for a, b in product(range(delta.ndim), range(delta.ndim, J.ndim)):
        if J.shape[a] == J.shape[b] > 1:
            yield from _between(look, J, a, b)


def _passed(delta: Array, want: Array) -> Guesses:
    """Yield delta itself, brought to the shape of the argument."""
    shape = want.shape
    passed = "delta is passed through, without a derivative"
    if delta.shape == shape:
        yield "passed through", passed, delta
        yield "one", "it is 1", np.ones(shape)
        yield "mask inverted", "delta where it should be zero, zero elsewhere", delta * (want == 0)
        yield "passed through", f"{passed}; where it is positive", np.maximum(delta, 0.0)
    for order in permutations(range(delta.ndim)) if 1 < delta.ndim < 5 else ():
        if order != tuple(range(delta.ndim)):
            yield "passed through", f"{passed}, axes {order}", delta.transpose(order)
    for axes in [c for r in range(1, delta.ndim + 1) for c in combinations(range(delta.ndim), r)]:
        total, words = delta.sum(axis=axes, keepdims=True), f"delta summed over axes {axes}"
        yield "passed through", words, total.squeeze(axes)
        if delta.shape == shape:
            yield "delta summed", f"{words}, without a derivative", np.broadcast_to(total, shape)
    if delta.size == math.prod(shape):
        yield "passed through", f"{passed}, in the shape of the argument", delta.reshape(shape)
    for axis, spread in _spreads(delta, shape):
        yield "passed through", f"{passed}, spread over axis {axis}", spread
    yield "passed through", f"{passed}, not reduced", delta


def _spreads(delta: Array, shape: tuple[int, ...]) -> Iterator[tuple[int, Array]]:
    """Yield delta spread over an axis of the argument that it lacks."""
    for axis in range(len(shape)):
        if shape[:axis] + shape[axis + 1 :] == delta.shape:
            yield axis, np.broadcast_to(np.expand_dims(delta, axis), shape)


def _is_convolution(J: Array, out: int, last: int) -> bool:
    """Whether moving the output and the argument by one along the last axes changes nothing."""
    for axis in range(1, last + 1):
        one = np.moveaxis(J, (out - axis, J.ndim - axis), (0, 1))
        moved = np.abs(one[1:, 1:] - one[:-1, :-1]).max(initial=0.0)
        if not moved <= 1e-6 * np.abs(J).max(initial=0.0) or (one != 0.0).sum(axis=1).max() < 2:
            return False
    return True


def _slices(look: Look, J: Array) -> Guesses:
    """Yield slices of delta, for what an argument is one part of the output."""
    delta, shape = look.delta, look.want.shape
    for axis, size in enumerate(delta.shape):
        if len(shape) == delta.ndim and shape[axis] < size:
            for k in range(size - shape[axis] + 1):
                part = np.take(delta, range(k, k + shape[axis]), axis=axis)
                yield "wrong slice", f"delta from {k} on along its {along(shape, axis)}", part


def _of_contributions(look: Look, J: Array) -> Guesses:
    """Yield sums of delta_u J_u over some of the u."""
    delta, letters = look.delta, "abcdefghijklm"
    out, inner = letters[: delta.ndim], letters[delta.ndim : J.ndim]
    for keep in range(1, 2**delta.ndim):
        kept = "".join(c for k, c in enumerate(out) if keep >> k & 1)
        parts = np.einsum(f"{out},{out}{inner}->{kept}{inner}", delta, J)
        axes = tuple(k for k in range(delta.ndim) if keep >> k & 1)
        yield "sum missing", f"the sum over axes {axes} of the output is missing", parts
        gathers = (J.reshape(delta.size, -1) != 0.0).sum(axis=1).max(initial=0) <= 1
        if len(kept) == 1 and gathers:  # each output is one entry of the argument
            used = parts != 0.0
            for word, k in (("last", len(parts) - 1 - used[::-1].argmax(axis=0)),
                            ("first", used.argmax(axis=0))):  # fmt: skip
                one = np.take_along_axis(parts, k[None], axis=0)[0]
                yield (
                    "duplicates overwritten",
                    (f"of several contributions the {word} is kept (axis {axes[0]})"),
                    one,
                )
            if np.ptp(used.sum(axis=0)):
                mean = parts.sum(axis=0) / np.maximum(used.sum(axis=0), 1)
                yield "mean of duplicates", f"the mean of the contributions, axis {axes[0]}", mean


def _between(look: Look, J: Array, a: int, b: int) -> Guesses:
    """Yield what is left when places of the output do not reach all places of the argument."""
    words = along(look.delta.shape, a)
    where = f"(axis {a} of the output, {b - look.delta.ndim} of the argument)"
    i, j = positions(J.ndim, a, J.shape[a]), positions(J.ndim, b, J.shape[b])
    for name, text, kept in (
        (f"between {words} lost", f"what reaches other {words} is lost", i == j),
        (f"same of the {words} lost", f"what stays in the same of the {words} is lost", i != j),
        (f"later {words} lost", f"what comes from later {words} is lost", i <= j),
        (f"earlier {words} lost", f"what comes from earlier {words} is lost", i >= j),
        (f"further {words} lost", f"only the next of the {words} is reached", abs(i - j) <= 1),
    ):
        yield name, f"{text} {where}", np.tensordot(look.delta, J * kept, look.delta.ndim)


# -------------------------------------------------------------------- times a known quantity


def of_factors(look: Look) -> Guesses:
    """Yield the right answer, or the right rule for delta, times or over a known quantity."""

    def powers(a: Array, q: Array, words: str, place: str) -> Guesses:
        for e, more in ((1.0, ""), (2.0, "^2"), (0.5, "^(1/2)")):
            power = np.abs(q) ** e if e == 0.5 else q**e
            yield f"extra {words}", f"a factor ({words}){more} too many {place}", a * power
            yield f"missing {words}", f"a factor ({words}){more} is missing {place}", a / power

    for words, q in _quantities(look, look.want.shape):
        yield from powers(look.want, q, words, "")
    if look.J is not None and look.delta.ndim:
        for words, q in _quantities(look, look.delta.shape):
            for name, text, delta in powers(look.delta, q, words, "on delta"):
                yield name, text, look.pull(delta)
    yield "normalised", "the right answer over its norm", look.want / np.linalg.norm(look.want)
    yield from _held_weights(look)


def _quantities(look: Look, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Yield what can be a factor of the entries of a shape."""
    at, arrays = look.at, {"f": look.value, **look.values}
    for words, a in arrays.items():
        if a is None or np.size(a) == 0:
            continue
        if np.ndim(a) <= len(shape):
            try:
                yield words, np.broadcast_to(a, shape)
            except ValueError:
                rest = (1,) * (len(shape) - np.ndim(a))
                if np.ndim(a) and rest and shape[: np.ndim(a)] == np.shape(a):
                    yield words, np.broadcast_to(np.reshape(a, np.shape(a) + rest), shape)
        if np.ndim(a):
            norm = np.sqrt((a * a).sum())
            yield f"norm of {words}", np.full(shape, norm)
            yield f"sum of {words}", np.full(shape, a.sum())
    if not look.delta.ndim and at.shape == shape:
        for words in ("sigmoid", "tanh", "softplus", "e^z"):
            yield f"slope of {words} at the argument", SLOPES[words](at)
    if at.shape == shape:
        for axis in range(at.ndim):
            words = f"over the {along(shape, axis)}"
            for name, q in (
                ("norm", np.sqrt((at * at).sum(axis=axis, keepdims=True))),
                ("root mean square", np.sqrt((at * at).mean(axis=axis, keepdims=True))),
                ("standard deviation", at.std(axis=axis, keepdims=True)),
                ("sum", at.sum(axis=axis, keepdims=True)),
                ("sum of e^z", np.exp(at).sum(axis=axis, keepdims=True)),
            ):
                yield f"{name} {words}", np.broadcast_to(q, shape)


def _cross_entropies(look: Look) -> Iterator[tuple[str, Array, Array, Array]]:
    """Yield p - y, p of the label, and the soft labels, for y that the right answer gives away."""
    at, want = look.at, look.want
    if look.delta.ndim or at.shape != want.shape or not at.ndim:
        return
    p, y = expit(at), want < 0.0
    yield "of two classes", p - y, np.where(y, p, 1.0 - p), p - want
    if at.ndim > 1:
        p = softmax(at, axis=-1)
        soft = p - want
        for words, y in (
            ("", want == want.min(axis=-1, keepdims=True)),
            ("with the largest label", soft == soft.max(axis=-1, keepdims=True)),
        ):
            yield words, p - y, (p * y).sum(axis=-1, keepdims=True), soft


def _held_weights(look: Look) -> Guesses:
    """Yield w_i (p_i - y_i): cross-entropy with weights that are lost, or held constant."""
    got = look.got
    if got.shape != look.want.shape:
        return
    for words, base, p, labels in _cross_entropies(look):
        size = base.size // p.size
        right = (look.want * base).sum(axis=-1, keepdims=True) / (base * base).sum(
            -1, keepdims=True
        )
        by_row = size > 1 and np.abs(look.want - right * base).max() <= 1e-6 * np.abs(base).max()
        weighted = size == 1 or by_row
        name = "weight lost" if weighted else "hard labels"
        for scale, more in ((1.0, ""), (1.0 / len(base), ", over the rows")):
            if weighted:
                text = f"the slope p - y of plain cross-entropy {words}{more}"
                yield name, text, scale * base
            elif (labels > -1e-9).all():
                text = (
                    f"p - y with hard labels y {words}{more}: smoothing, or soft labels, are lost"
                )
                yield name, text, scale * base
        if p.size < 4 or not weighted:
            continue
        weight = got / base
        if size > 1:
            weight = (got * base).sum(-1, keepdims=True) / (base * base).sum(-1, keepdims=True)
        if not (weight > 0.0).all():
            continue
        for power_of, q in (("1 - p", 1.0 - p), ("p", p)):
            x, y = np.log(q).ravel(), np.log(weight).ravel()
            if np.ptp(x) > 0.0 and np.ptp(y) > 0.0:
                power, constant = np.polyfit(x, y, 1)
                text = f"(p - y) c ({power_of})^g {words}, p that of the label: its slope is lost"
                yield "weight held constant", text, np.exp(constant) * q**power * base


# ------------------------------------------------------------------------------ at other points


def other_points(name: str, a: Array, output: Array | None) -> Iterator[tuple[str, str, Array]]:
    """Yield points that an argument may have been taken at, with a name and words; few, each costs."""
    if output is not None and output.shape == a.shape:
        yield "at the output", f"the output in place of {name}", output
    linear = f"{name} = 0, as if all that is done to it were linear"
    yield "inner slope missing", linear, np.zeros_like(a)
    yield f"at -{name}", f"-{name}", -a
    if a.ndim > 1 and a.shape[-1] == a.shape[-2]:
        yield f"{name} transposed", f"{name}^T", np.swapaxes(a, -1, -2)
    if a.ndim:
        yield (
            f"{name} reversed",
            f"{name} with its {along(a.shape, a.ndim - 1)} reversed",
            a[..., ::-1],
        )
    if a.ndim > 1:
        yield f"{name} reversed", f"{name} reversed along its last two axes", np.flip(a, (-2, -1))


# -------------------------------------------------------------------------- terms of a sum

SLOPES: Mapping[str, Callable[[Array], Any]] = {
    "sigmoid": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "ReLU": lambda z: (z > 0.0) * 1.0,
    "softplus": expit,
    "SiLU": lambda z: expit(z) * (1.0 + z * expit(-z)),
    "GELU": lambda z: _cdf(z) + z * _density(z),
    "GELU by tanh": lambda z: _gelu_tanh(z),
    "GELU by sigmoid": lambda z: expit(1.702 * z) * (1.0 + 1.702 * z * expit(-1.702 * z)),
    "e^z": np.exp,
    "e^-z": lambda z: np.exp(-z),
    "log": lambda z: 1.0 / z,
    "1/z": lambda z: 1.0 / (z * z),
    "root": lambda z: 1.0 / np.sqrt(np.abs(z)),
    "sine": np.cos,
    "cosine": np.sin,
    "the normal distribution": lambda z: _density(z),
    "the integral of the normal distribution": lambda z: _cdf(z),
    "the normal density": lambda z: z * _density(z),
    "the arc tangent": lambda z: 1.0 / (1.0 + z * z),
    "ELU": lambda z: np.where(z > 0.0, 1.0, np.exp(z)),
    "z - z^2 / 2": lambda z: 1.0 - z,
    "a sigmoid by its output": lambda z: z * (1.0 - z),
    "tanh by its output": lambda z: 1.0 - z * z,
    "|z|": np.sign,
}  # up to a factor


def _cdf(z: Array) -> Array:
    return np.asarray(0.5 * (1.0 + erf(z / math.sqrt(2.0))))


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


def _gelu_tanh(z: Array) -> Array:
    c = math.sqrt(2.0 / math.pi)
    t = np.tanh(c * (z + 0.044715 * z**3))
    return np.asarray(0.5 * (1 + t) + 0.5 * z * (1 - t * t) * c * (1 + 3 * 0.044715 * z * z))


def terms(look: Look) -> Guesses:
    """Yield the terms that derivatives are made of; the right answer first."""
    yield RIGHT, "the right answer", look.want
    shape = look.want.shape
    for words, delta in _delta_like(look, shape):
        yield from _by_entry(look, delta, words)
        yield from _over_axes(look, delta, words)
    if look.delta.ndim and look.delta.shape != shape:
        yield from _reduced(look)
    for name, a in look.values.items():
        if np.shape(a) == shape and look.delta.ndim:
            yield from _functions(name, np.asarray(a))
    yield from _products(look)


def _delta_like(look: Look, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    if look.delta.ndim == 0 or look.delta.shape == shape:
        yield ("delta " if look.delta.ndim else ""), np.broadcast_to(look.delta, shape)
    else:
        for _, spread in _spreads(look.delta, shape):
            yield "delta ", spread


def _functions(name: str, a: Array) -> Guesses:
    """Yield functions of an array, along its axes too."""
    yield name, name, a
    yield f"sign of {name}", f"sign({name})", np.sign(a)
    yield f"{name}^2", f"{name}^2", a * a
    yield f"e^{name}", f"e^{name}", np.exp(a)
    yield f"sigmoid({name})", f"sigmoid({name})", expit(a)
    yield f"log {name}", f"log {name}", np.log(np.abs(a))
    yield "hard labels", f"([{name} > 0] - sigmoid({name}))", (a > 0.0) - expit(a)
    for axis, size in enumerate(a.shape):
        if size > 1:
            words = f"over the {along(a.shape, axis)}"
            p = softmax(a, axis=axis)
            hard, low = _one_hot(a, axis), _one_hot(-a, axis)
            yield f"softmax({name})", f"softmax({name}) {words}", p
            yield "hard labels", f"the one-hot argmax of {name} {words}", hard
            yield "hard labels", f"the one-hot argmin of {name} {words}", low
            yield "hard labels", f"(one-hot argmax - softmax) of {name} {words}", hard - p
            yield "hard labels", f"({name} - its one-hot argmax {words})", a - hard
            mean = np.broadcast_to(a.mean(axis=axis, keepdims=True), a.shape)
            yield f"mean of {name}", f"the mean of {name} {words}", mean
            yield f"{name} centred", f"({name} - its mean) {words}", a - mean


def _one_hot(a: Array, axis: int) -> Array:
    """Return 1 at the largest entry, 0 elsewhere; nan where there are several."""
    largest = a == a.max(axis=axis, keepdims=True)
    return np.where(largest.sum(axis=axis, keepdims=True) == 1, 1.0 * largest, np.nan)


def _by_entry(look: Look, delta: Array, words: str) -> Guesses:
    """Yield delta, or 1 for a cost, times what each entry has."""
    shape, z, f = delta.shape, look.at, look.value
    yield "delta" if words else "constant", words.strip() or "1", delta
    known = {name: a for name, a in look.values.items() if np.shape(a) == shape}
    if f is not None and f.shape == shape:
        known["f"] = f
    for name, a in known.items():
        for label, text, q in _functions(name, np.asarray(a)):
            yield f"{words}{label}", f"{words}{text}", delta * q
    for axis, size in enumerate(shape):
        for k, word in ((0, "first"), (size - 1, "last")):
            one = positions(len(shape), axis, size) == k
            yield f"{word} only", f"{words}at the {word} of the {along(shape, axis)}", delta * one
    if z.shape != shape or (words and look.by_entry is None):
        return
    for name, slope in SLOPES.items():
        yield "another function", f"{words}the slope of {name} at the argument", delta * slope(z)
    if f is None or f.shape != shape:
        return
    for name, slope in SLOPES.items():
        yield "at the output", f"{words}the slope of {name} at the output", delta * slope(f)
    g = f / z
    yield "product rule", f"{words}f / z", delta * g
    yield "product rule", f"{words}z g (1 - g), g = f / z", delta * z * g * (1.0 - g)
    yield "product rule", f"{words}g (1 - g), g = f / z", delta * g * (1.0 - g)
    yield "product rule", f"{words}(f / z)^2", delta * g * g
    yield "product rule", f"{words}z f", delta * z * f
    slopes = look.by_entry
    if slopes is not None:
        yield "product rule", f"{words}(f' - f / z)", delta * (slopes - g)
        yield "product rule", f"{words}(f' - f / z) / z", delta * (slopes - g) / z
        yield "product rule", f"{words}z f'", delta * z * slopes
        yield "product rule", f"{words}f f'", delta * f * slopes
        yield "product rule", f"{words}f'^2", delta * slopes**2


def _over_axes(look: Look, delta: Array, words: str) -> Guesses:
    """Yield sums over an axis of delta q, times r."""
    shape = delta.shape
    known: dict[str, Array] = {"": np.ones(shape)}
    if look.value is not None and look.value.shape == shape:
        known |= {"f": look.value, "e^f": np.exp(look.value)}
    if look.at.shape == shape:
        known["z"] = look.at
    for axis, size in enumerate(shape):
        if size < 2:
            continue
        own = dict(known)
        if look.at.shape == shape:
            own["softmax(z)"] = softmax(look.at, axis=axis)
        for (q, a), (r, b) in product(own.items(), own.items()):
            if words:
                inner = (delta * a).sum(axis=axis, keepdims=True)
                text = f"{r} sum({words}{q}) over the {along(shape, axis)}".strip()
                yield "sum over the axis", text, np.broadcast_to(inner * b, shape)


def _reduced(look: Look) -> Guesses:
    """Yield sums of delta q over the axes that the argument lacks, as for a gain."""
    shape, delta = look.want.shape, look.delta
    known = {n: np.asarray(a) for n, a in look.values.items() if np.shape(a) == delta.shape}
    if look.value is not None and look.value.shape == delta.shape:
        known["f"] = look.value
    for r in range(1, delta.ndim + 1):
        for axes in combinations(range(delta.ndim), r):
            if tuple(s for k, s in enumerate(delta.shape) if k not in axes) != shape:
                continue
            yield "sum of delta", f"sum(delta) over axes {axes}", delta.sum(axis=axes)
            for name, a in known.items():
                for label, text, q in _functions(name, a):
                    total = (delta * q).sum(axis=axes)
                    yield f"sum of delta {label}", f"sum(delta {text}) over axes {axes}", total
                for axis in range(a.ndim):
                    hat = (a - a.mean(axis=axis, keepdims=True)) / a.std(axis=axis, keepdims=True)
                    text = f"sum(delta {name} normalised over the {along(a.shape, axis)})"
                    yield "normalised over an axis", text, (delta * hat).sum(axis=axes)


def _products(look: Look) -> Guesses:
    """Yield matrix products of what is known that have the right shape."""
    shape = look.want.shape
    if len(shape) not in (1, 2) or look.want.size > 400:
        return
    pool = {n: (n, np.asarray(a)) for n, a in look.values.items() if 0 < np.ndim(a) < 3}
    if look.value is not None and 0 < look.value.ndim < 3:
        pool["f"] = ("f", look.value)
    if 0 < look.delta.ndim < 3:
        pool["delta"] = ("delta", look.delta)
        if look.value is not None and look.value.shape == look.delta.shape:
            for name, slope in SLOPES.items():
                pool[f"(delta times the slope of {name} at the output)"] = (
                    "at the output", look.delta * slope(look.value),
                )  # fmt: skip
    pool |= _attention(look)
    plain = {n: np.asarray(a) for n, a in look.values.items() if np.ndim(a) == 2}
    for (one, a), (two, b), t in product(plain.items(), plain.items(), ("", "^T")):
        right = b.T if t else b
        if look.delta.ndim == 2 and a.shape[1] == right.shape[0] and len(a) == len(look.delta):
            pool[f"({one} {two}{t})"] = ("before the activation", a @ right)
    for (one, a), t in product(plain.items(), ("", "^T")):
        right = a.T if t else a
        if look.delta.ndim == 2 and right.shape[0] == look.delta.shape[1]:
            pool[f"(delta {one}{t})"] = (f"(delta {one}{t})", look.delta @ right)
    for (one, (label, a)), (two, (other, b)) in product(pool.items(), repeat=2):
        special = [n for n in (label, other) if n not in (one, two)]
        if len(special) > 1:
            continue
        for s, t in product(("", "^T"), repeat=2):
            if (s and a.ndim < 2) or (t and b.ndim < 2):
                continue
            left, right = (a.T if s else a), (b.T if t else b)
            name = special[0] if special else f"{one}{s} {two}{t}"
            if a.ndim == b.ndim == 1 and (len(a), len(b)) == shape:
                yield name, f"{one} {two}^T", np.outer(a, b)
            elif left.shape[-1] == right.shape[0] and left.shape[:-1] + right.shape[1:] == shape:
                yield name, f"{one}{s} {two}{t}", left @ right


def _attention(look: Look) -> dict[str, tuple[str, Array]]:
    """Return P = softmax(Q K^T / sqrt(d)) and parts of its rule, if arguments fit together."""
    found: dict[str, tuple[str, Array]] = {}
    arrays = {n: np.asarray(a) for n, a in look.values.items() if np.ndim(a) == 2}
    if look.delta.ndim != 2:
        return found
    for (one, Q), (two, K), (three, V) in permutations(arrays.items(), 3):
        if Q.shape[1] != K.shape[1] or len(K) != len(V) or look.delta.shape != (len(Q), V.shape[1]):
            continue
        dP = look.delta @ V.T
        masks = (np.ones((len(Q), len(K))), np.tril(np.ones((len(Q), len(K)))))
        for scale, k in product((math.sqrt(Q.shape[1]), 1.0), (0, 1)):
            S = Q @ K.T / scale
            P, other = (softmax(np.where(m > 0, S, -np.inf), -1) for m in (masks[k], masks[1 - k]))
            if look.value is None or not np.abs(P @ V - look.value).max() <= 1e-9:
                continue
            words = f"{one}, {two}, {three}"
            dS = other * (dP - (other * dP).sum(1, keepdims=True))
            found |= {
                f"unmasked P({words})": ("causal mask lost" if k else "causal mask added", other),
                f"unmasked dS({words})": ("causal mask lost" if k else "causal mask added", dS),
                f"P({words})": ("attention weights", P),
                f"(P o dP)({words})": ("softmax sum lost", P * dP),
                f"dP({words})": ("softmax lost", dP),
                f"dS({words})": ("attention scores", P * (dP - (P * dP).sum(1, keepdims=True))),
                f"P o (dP - columns)({words})": ("softmax over the wrong axis", P * (
                    dP - (P * dP).sum(0, keepdims=True)
                )),
                f"dP - P sum(dP)({words})": ("log-softmax for softmax", dP - P * dP.sum(
                    1, keepdims=True
                )),
            }  # fmt: skip
    return found


# -------------------------------------------------------------------------- rules of layers


def rules(look: Look) -> Guesses:
    """Yield RULE 2 of the usual layers, over each axis, with the usual eps."""
    z, delta = look.at, look.delta
    if z.shape != look.want.shape or delta.shape != z.shape or not z.ndim:
        return
    for axis, size in enumerate(z.shape):
        words = f"over the {along(z.shape, axis)}"
        p = softmax(z, axis=axis)
        inner = (delta * p).sum(axis=axis, keepdims=True)
        yield "softmax's rule", f"RULE 2 of softmax {words}", p * (delta - inner)
        outer = delta.sum(axis=axis, keepdims=True)
        yield "log-softmax's rule", f"RULE 2 of log-softmax {words}", delta - p * outer
        for groups in [g for g in range(1, size) if size % g == 0]:
            shape = (*z.shape[:axis], groups, size // groups, *z.shape[axis + 1 :])
            grouped = "" if groups == 1 else f" in {groups} groups"
            for name, text, array in _norms(z.reshape(shape), delta.reshape(shape), axis + 1):
                yield name, f"{text} {words}{grouped}", array.reshape(z.shape)
        for gain, g in look.values.items():
            if np.ndim(g) == 1 and len(g) == z.shape[-1] and np.shape(g) != z.shape:
                for name, text, array in _norms(z, delta * g, axis):
                    yield name, f"{text} {words}, of {gain} delta", array


def _norms(z: Array, delta: Array, axis: int) -> Guesses:
    for eps in (0.0, 1e-12, 1e-8, 1e-6, 1e-5, 1e-3):
        for name, centred in (("layer norm", True), ("RMS norm", False)):
            mean = z.mean(axis=axis, keepdims=True) if centred else 0.0
            root = np.sqrt(((z - mean) ** 2).mean(axis=axis, keepdims=True) + eps)
            hat = (z - mean) / root
            inner = hat * (delta * hat).mean(axis=axis, keepdims=True)
            rest = delta - inner
            if centred:
                rest = rest - delta.mean(axis=axis, keepdims=True)
            yield f"{name}'s rule", f"RULE 2 of plain {name}, eps {eps:g},", rest / root
