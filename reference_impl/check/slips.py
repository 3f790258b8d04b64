"""What the usual slips give: arrays that a wrong derivative may equal.

Each function takes a look and yields guesses: a short name, a sentence, an array. They are made of a
few ideas: what can be done to an array along its axes, parts of the Jacobian, and the natural
quantities of a problem. Nothing here decides that anything is wrong; `causes` compares.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
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


def subsets(ndim: int, least: int = 1) -> list[tuple[int, ...]]:
    """Return the sets of axes, the small ones first."""
    return [c for r in range(least, ndim + 1) for c in combinations(range(ndim), r)]


# ------------------------------------------------ what can be done to an array, right or delta


def of_right(look: Look) -> Guesses:
    """Yield what can be made of the right derivative."""
    want, right, shape = look.want, "the right answer", look.got.shape
    yield "zero", "it is zero", np.zeros(shape)
    yield RIGHT, right, want
    yield from _moved(want, right)
    if shape != want.shape and [n for n in shape if n > 1] == [n for n in want.shape if n > 1]:
        text = f"{right} in the shape {shape} for {want.shape}: an axis of length 1"
        yield "length 1", text, want.reshape(shape)
    if want.size == look.got.size:
        yield "reshaped", f"{right} in another shape", want.reshape(shape)
        yield "reshaped", f"{right}, its entries read by columns", want.T.reshape(shape)
    for axes in subsets(want.ndim):
        if all(want.shape[k] == 1 for k in axes):
            continue
        words = f"{right} summed over axes {axes}"
        yield "summed", f"{words}, which are gone", want.sum(axis=axes)
        yield "summed", f"{words}, length 1 kept", want.sum(axis=axes, keepdims=True)
    with suppress(ValueError):
        yield "not reduced", f"{right} in the shape before a sum", np.broadcast_to(want, shape)
    flat, got = want.ravel(), look.got.ravel()
    if flat.size == got.size > 3 and 2 * (np.abs(flat) > 1e-9).sum() > flat.size:
        rank = np.argsort(np.argsort(got, kind="stable"))
        other = np.asarray(np.sort(flat)[rank]).reshape(shape)
        yield "permuted", "the right entries in another order", other


def of_delta(look: Look) -> Guesses:
    """Yield what the right rule gives for a wrong delta."""
    delta = look.delta
    if look.J is None or (not delta.ndim and delta == 1.0):
        return
    words = "the right answer for delta = 1: delta is ignored"
    yield "delta ignored", words, look.pull(np.ones(delta.shape))
    yield "delta clipped", "only positive delta is used", look.pull(np.maximum(delta, 0.0))
    for name, text, array in _moved(delta, "what is right for delta"):
        if array.shape == delta.shape:
            yield name if name.count(" ") else f"delta {name}", text, look.pull(array)


def _moved(a: Array, what: str) -> Guesses:
    """Yield what a slip makes of an array."""
    for order in permutations(range(a.ndim)) if a.ndim < 5 else ():
        if order != tuple(range(a.ndim)):
            yield "transposed", f"{what} transposed, axes {order}", a.transpose(order)
    for axes in subsets(a.ndim):
        words = " and ".join(along(a.shape, axis) for axis in axes)
        yield "reversed", f"{what} with its {words} reversed", np.flip(a, axes)
    for axis, size in enumerate(a.shape):
        words, at = along(a.shape, axis), positions(a.ndim, axis, size)
        for by in (1, -1) if size > 1 else ():
            rolled, inside = np.roll(a, by, axis), at != (0 if by == 1 else size - 1)
            yield "rolled", f"{what} with its {words} rolled by {by}", rolled
            text = f"{what} with its {words} shifted by {by}, zero at the end"
            yield "shifted", text, rolled * inside
        for k, word in ((0, "first"), (size - 1, "last")) if size > 1 else ():
            only, one = f"{word} of the {words} only", a.take([k], axis)
            yield only, f"{what}, the {word} of the {words} alone", one.squeeze(axis)
            yield only, f"{what}, zero but for the {word} of the {words}", a * (at == k)
            text = f"{what} without the {word} of the {words}"
            yield f"{word} of the {words} left out", text, a * (at != k)
        total = a.sum(axis=axis, keepdims=True)
        yield "summed", f"{what} summed over its {words}", np.broadcast_to(total, a.shape)
        text = f"{what}, the mean over its {words} taken away"
        yield "centred", text, a - total / max(size, 1)
    yield "absolute value", f"the absolute value of {what}", np.abs(a)
    yield "sign only", f"the sign of {what}", np.sign(a)
    yield "squared", f"the square of {what}", a * a


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
    for r in range(1, 1 + min(2, delta.ndim, len(shape))):
        if _is_convolution(J, delta.ndim, r):
            axes = tuple(range(-r, 0))
            turned = np.flip(look.pull(np.flip(delta, axes)), axes)
            yield "kernel reversed", f"the kernel is reversed along the last {r} axes", turned
    if delta.shape == shape:
        square, flat = J.reshape(delta.size, delta.size), delta.ravel()
        slopes = np.diagonal(square).reshape(shape)
        yield "diagonal only", "only the diagonal of the Jacobian is used", delta * slopes
        for name, text, vector in (
            ("transposed", "J delta: the transposed Jacobian is used", square @ flat),
            ("doubled slope", "the Jacobian is applied twice", flat @ square @ square),
        ):
            yield name, text, vector.reshape(shape)
        for words, q in _known(look, shape):
            moved = look.pull(delta / q) * q
            yield f"{words} after, not before", f"the factor {words} is applied last", moved
    for a, b in product(range(delta.ndim), range(delta.ndim, J.ndim)):
        if J.shape[a] == J.shape[b] > 1:
            yield from _between(look, J, a, b)


def _passed(delta: Array, want: Array) -> Guesses:
    """Yield delta itself, brought to the shape of the argument."""
    shape, passed = want.shape, "delta is passed through, without a derivative"
    yield "passed through", passed, delta
    if delta.shape == shape:
        yield "one", "it is 1", np.ones(shape)
        yield "mask inverted", "delta where it should be zero, zero elsewhere", delta * (want == 0)
        yield "passed through", f"{passed}; where it is positive", np.maximum(delta, 0.0)
    for order in permutations(range(delta.ndim)) if 1 < delta.ndim < 5 else ():
        yield "passed through", f"{passed}, axes {order}", delta.transpose(order)
    for axes in subsets(delta.ndim):
        total = delta.sum(axis=axes, keepdims=True)
        words = f"delta summed over axes {axes}, without a derivative"
        yield "passed through", words, total.squeeze(axes)
        if delta.shape == shape:
            yield "delta summed", words, np.broadcast_to(total, shape)
    if delta.size == math.prod(shape):
        yield "passed through", f"{passed}, in the shape of the argument", delta.reshape(shape)
    for axis, spread in _spreads(delta, shape):
        yield "passed through", f"{passed}, spread over axis {axis}", spread
    for axis, size in enumerate(delta.shape):  # an argument that is one part of the output
        if len(shape) == delta.ndim and shape[axis] < size:
            for k in range(size - shape[axis] + 1):
                part = np.take(delta, range(k, k + shape[axis]), axis=axis)
                yield "wrong slice", f"delta from {k} on along its {along(shape, axis)}", part


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


def _of_contributions(look: Look, J: Array) -> Guesses:
    """Yield sums of delta_u J_u over some of the u."""
    delta, letters = look.delta, "abcdefghijklm"
    out, inner = letters[: delta.ndim], letters[delta.ndim : J.ndim]
    for axes in subsets(delta.ndim):
        kept = "".join(out[k] for k in axes)
        parts = np.einsum(f"{out},{out}{inner}->{kept}{inner}", delta, J)
        yield "sum missing", f"the sum over axes {axes} of the output is missing", parts
    used = contributions(look)
    if used is None or used.sum(axis=0).max(initial=0) < 2:
        return
    parts = delta.reshape(-1, 1) * J.reshape(delta.size, -1)
    for word, k in (("last", delta.size - 1 - used[::-1].argmax(0)), ("first", used.argmax(0))):
        one = np.take_along_axis(parts, k[None], axis=0).reshape(look.want.shape)
        yield "duplicates overwritten", f"of several contributions the {word} is kept", one
    count = used.sum(axis=0)
    if np.ptp(count) and used.sum(axis=1).max() == 1:  # each output is one entry of the argument
        mean = (parts.sum(axis=0) / np.maximum(count, 1)).reshape(look.want.shape)
        yield "mean of duplicates", "the mean of the contributions", mean


def contributions(look: Look) -> NDArray[np.bool_] | None:
    """Return which outputs contribute to which entries of the argument, all in a row each."""
    if look.J is None:
        return None
    J = np.abs(look.J.reshape(look.delta.size, -1))
    return np.asarray(J > 1e-9 * J.max(initial=0.0))


def _between(look: Look, J: Array, a: int, b: int) -> Guesses:
    """Yield what is left when places of the output do not reach all places of the argument."""
    words = along(look.delta.shape, a)
    where = f"(axis {a} of the output, {b - look.delta.ndim} of the argument)"
    i, j = positions(J.ndim, a, J.shape[a]), positions(J.ndim, b, J.shape[b])
    for name, text, kept in (
        (f"between {words} lost", f"only the diagonal blocks: what reaches other {words}", i == j),
        (f"later {words} lost", f"only a triangle: what comes from later {words}", i <= j),
        (f"earlier {words} lost", f"only a triangle: what comes from earlier {words}", i >= j),
    ):
        array = np.tensordot(look.delta, J * kept, look.delta.ndim)
        yield name, f"{text} is lost {where}", array


# ------------------------------------------------------------------ the natural quantities


def _cdf(z: Array) -> Array:
    return np.asarray(0.5 * (1.0 + erf(z / math.sqrt(2.0))))


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


# Of an array a; slopes are up to a factor.
FUNCTIONS: Mapping[str, Callable[[Array], Any]] = {
    "{}": lambda a: a,
    "{}^2": lambda a: a * a,
    "{}^3": lambda a: a**3,
    "1/{}": lambda a: 1.0 / a,
    "1/{}^2": lambda a: 1.0 / (a * a),
    "root of {}": lambda a: np.sqrt(np.abs(a)),
    "sign of {}": np.sign,
    "[{} > 0]": lambda a: 1.0 * (a > 0.0),
    "|{}|": np.abs,
    "log {}": lambda a: np.log(np.abs(a)),
    "e^{}": np.exp,
    "e^-{}": lambda a: np.exp(-a),
    "1 - {}": lambda a: 1.0 - a,
    "{0} (1 - {0})": lambda a: a * (1.0 - a),
    "1 - {}^2": lambda a: 1.0 - a * a,
    "1 + {}^2": lambda a: 1.0 + a * a,
    "1/(1 + {}^2)": lambda a: 1.0 / (1.0 + a * a),
    "1 - e^{}": np.expm1,
    "1 - e^-{}": lambda a: -np.expm1(-a),
    "sigmoid({})": expit,
    "the slope of the sigmoid at {}": lambda a: expit(a) * expit(-a),
    "tanh({})": np.tanh,
    "the slope of tanh at {}": lambda a: 1.0 - np.tanh(a) ** 2,
    "sin {}": np.sin,
    "cos {}": np.cos,
    "the normal integral at {}": _cdf,
    "the normal density at {}": _density,
}


def _along_axes(a: Array) -> Iterator[tuple[str, Array]]:
    """Yield quantities along an axis of an array, of its shape."""
    for axis, size in enumerate(a.shape):
        if size < 2:
            continue
        over, mean = f"over the {along(a.shape, axis)}", a.mean(axis=axis, keepdims=True)
        hard, std = a == a.max(axis=axis, keepdims=True), a.std(axis=axis, keepdims=True)
        alone = hard.sum(axis=axis, keepdims=True) == 1
        for words, q in (
            ("softmax({})", softmax(a, axis=axis)),
            ("the one-hot argmax of {}", np.where(alone, 1.0 * hard, np.nan)),
            ("the mean of {}", mean),
            ("the sum of {}", size * mean),
            ("the norm of {}", np.sqrt((a * a).sum(axis=axis, keepdims=True))),
            ("the standard deviation of {}", std),
            ("the sum of e^{}", np.exp(a).sum(axis=axis, keepdims=True)),
            ("{} normalised", (a - mean) / std),
        ):
            yield f"{words} {over}", np.broadcast_to(q, a.shape)


def _known(look: Look, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Yield what is known and can stand beside each entry of a shape."""
    arrays: dict[str, Array | None] = {"f": look.value, "f'": look.by_entry, **look.values}
    own = next((name for name, a in look.values.items() if a is look.at), "z")
    for name, a in look.values.items() if not look.delta.ndim and look.at.ndim else ():
        if name != own and np.shape(a) == look.at.shape:  # a cost
            arrays[f"the residual {own} - {name}"] = look.at - a
    plain = [(name, a) for name, a in look.values.items() if np.ndim(a) == 2]
    for (one, a), (two, b) in permutations(plain, 2):
        if a.shape[1] == len(b) and (len(a), b.shape[1]) == shape:
            arrays[f"({one} {two})"] = a @ b
    for name, known in arrays.items():
        if known is None or not np.size(known):
            continue
        a = np.asarray(known)
        whole = a.size > 1 and bool((a == np.round(a)).all()) and np.abs(a).max() < 1e3
        spread = np.reshape(a, a.shape + (1,) * max(0, len(shape) - a.ndim))
        for form in (a, spread) if a.shape != shape else (a,):
            try:
                yield f"label {name}" if whole else name, np.broadcast_to(form, shape)
            except ValueError:
                continue
            break
        if whole and a.shape == shape[:-1] and 0 <= a.min() <= a.max() < shape[-1]:
            yield f"one-hot label {name}", np.eye(shape[-1])[a.astype(np.int64)]


@lru_cache(maxsize=64)
def quantities(look: Look, shape: tuple[int, ...]) -> list[tuple[str, Array]]:
    """Return what may be a factor of the entries of a shape, with words."""
    found: list[tuple[str, Array]] = []
    known = dict(_known(look, shape))
    for name, a in known.items():
        own = np.shape(look.values.get(name.split()[-1], a)) == shape
        plain = ("{}", "{}^2", "root of {}")
        found += [
            (w.format(name), np.asarray(q(a))) for w, q in FUNCTIONS.items() if own or w in plain
        ]
        if own and shape and name != "f'":
            found += [(words.format(name), q) for words, q in _along_axes(a)]
            found.append((f"norm of {name}", np.full(shape, np.sqrt((a * a).sum()))))
            found.append((f"sum of {name}", np.full(shape, a.sum())))
    z, f = look.at, known.get("f")
    slope = known.get("f'")
    if f is not None and slope is not None:  # each entry by itself
        g = f / z
        found += [
            ("z f", z * f),
            ("f / z", g),
            ("(f / z)^2", g * g),
            ("z g (1 - g), g = f / z", f * (1.0 - g)),
        ]
        found += [("f f'", f * slope), ("z f'", z * slope)]
    return found


def of_factors(look: Look) -> Guesses:
    """Yield the right answer, or the right rule for delta, times or over a known quantity."""
    for words, q in quantities(look, look.want.shape):
        yield f"extra {words}", f"a factor ({words}) too many", look.want * q
        yield f"missing {words}", f"a factor ({words}) is missing", look.want / q
    norm = np.linalg.norm(look.want)
    yield (
        "clipped by its norm",
        f"the right answer, scaled to the norm 1 from {norm:.6g}",
        (look.want / norm),
    )
    if look.J is None or not look.delta.ndim:
        return
    for words, q in quantities(look, look.delta.shape):
        text = f"a factor ({words}) too many on delta{_as_of(look, words)}"
        yield f"extra {words}", text, look.pull(look.delta * q)
        text = f"a factor ({words}) is missing on delta{_as_of(look, f'1/{words}')}"
        yield f"missing {words}", text, look.pull(look.delta / q)


def _as_of(look: Look, words: str) -> str:
    """Say of which function of the output f a factor on delta is the slope."""
    f = look.value if look.value is not None else np.zeros(())
    of, of_softmax, p = {
        "1/f": ("log f", "log-softmax", f),
        "e^f": ("e^f", "softmax, of log-softmax", np.exp(f)),
    }.get(words, ("", "", f))
    sums_to_1 = any(
        np.ptp(p.sum(axis)) < 1e-9 > abs(p.sum(axis).flat[0] - 1) for axis in range(f.ndim)
    )
    return f": the rule of {of_softmax if sums_to_1 else of}" if of else ""


# -------------------------------------------------------------------------- terms of a sum


def terms(look: Look) -> Guesses:
    """Yield the terms that derivatives are made of; the right answer first."""
    yield RIGHT, "the right answer", look.want
    shape, delta = look.want.shape, look.delta
    if not delta.ndim or delta.shape == shape:
        spread, words = [np.broadcast_to(delta, shape)], ("delta " if delta.ndim else "")
    else:
        spread, words = [array for _, array in _spreads(delta, shape)], "delta "
    for d in spread:
        yield ("delta" if words else "constant"), words.strip() or "1", d
        for name, q in quantities(look, shape):
            sum_of = words and " - " in name and ", " not in name
            term = f"{words}({name})" if sum_of else f"{words}{name}"
            yield term, term, d * q
        for axis, size in enumerate(shape):
            for k, word in ((0, "first"), (size - 1, "last")):
                place = f"the {word} of the {along(shape, axis)} only"
                yield place, f"{words}at {place}", d * (positions(d.ndim, axis, size) == k)
        yield from _over_axes(look, d, words)
    if delta.ndim:
        yield "constant", "1", np.ones(shape)
        for name, q in quantities(look, shape):
            yield name, name, q
    for axes in subsets(delta.ndim):
        if tuple(s for k, s in enumerate(delta.shape) if k not in axes) == shape:
            over = f"over axes {axes}"
            yield "sum of delta", f"sum(delta) {over}", delta.sum(axis=axes)
            for name, q in quantities(look, delta.shape):
                yield (
                    f"sum of delta {name}",
                    f"sum(delta {name}) {over}",
                    (delta * q).sum(axis=axes),
                )
    yield from _products(look)
    yield from _of_rows(look)


def _over_axes(look: Look, delta: Array, words: str) -> Guesses:
    """Yield sums over an axis of delta q, times r."""
    shape = delta.shape
    known: dict[str, Array] = {"": np.ones(shape)}
    if look.value is not None and look.value.shape == shape:
        known |= {"f": look.value, "e^f": np.exp(look.value)}
    if look.at.shape == shape:
        known["z"] = look.at
    for axis, size in enumerate(shape):
        own = dict(known)
        if look.at.shape == shape:
            own["softmax(z)"] = softmax(look.at, axis=axis)
        for (q, a), (r, b) in product(own.items(), repeat=2) if words and size > 1 else ():
            inner = (delta * a).sum(axis=axis, keepdims=True)
            text = f"{r} sum({words}{q}) over the {along(shape, axis)}".strip()
            yield "sum over the axis", text, np.broadcast_to(inner * b, shape)


def _matrices(look: Look) -> dict[str, Array]:
    """Return vectors and matrices that may be factors of a product."""
    pool = {n: np.asarray(a) for n, a in look.values.items()}
    pool |= {"f": np.asarray(look.value if look.value is not None else 0.0), "delta": look.delta}
    pool = {n: a for n, a in pool.items() if 0 < a.ndim < 3 and 1 < a.size <= 2000}
    plain = {n: a for n, a in pool.items() if n in look.values and a.ndim == 2}
    if "f" in pool and pool["f"].shape == look.delta.shape:
        for words in ("1 - {}^2", "{0} (1 - {0})", "the slope of tanh at {}", "[{} > 0]"):
            slope = FUNCTIONS[words](pool["f"])
            pool[f"(delta ({words.format('f')}))"] = look.delta * slope
    for one, a in plain.items():
        for t, right in (("", a), ("^T", a.T)):
            if look.delta.ndim == 2 and right.shape[0] == look.delta.shape[1]:
                pool[f"(delta {one}{t})"] = look.delta @ right
            for two, b in plain.items() if look.delta.ndim == 2 else ():
                if len(b) == len(look.delta) and b.shape[1] == right.shape[0] and one != two:
                    pool[f"({two} {one}{t})"] = b @ right
                    pool[f"tanh({two} {one}{t})"] = np.tanh(b @ right)
    deltas = {n: a for n, a in pool.items() if n.startswith("(delta ")}
    hidden = {n: a for n, a in pool.items() if n.startswith("tanh(")}
    for (d, a), (h, b) in product(deltas.items(), hidden.items()):
        if a.shape == b.shape:
            pool[f"({d} (1 - {h}^2))"] = a * (1.0 - b * b)
    return pool | _attention(look, plain)


def _products(look: Look) -> Guesses:
    """Yield matrix products of what is known that have the right shape."""
    shape = look.want.shape
    if len(shape) not in (1, 2) or look.want.size > 400:
        return
    pool = _matrices(look)
    for one, a in pool.items():
        if a.shape[1:] == shape and one not in look.values:
            yield f"sum of {one}", f"the product 1^T {one}", a.sum(axis=0)
    for (one, a), (two, b) in product(pool.items(), repeat=2):
        if a.ndim == b.ndim == 1 and (len(a), len(b)) == shape:
            yield f"{one} {two}^T", f"the product {one} {two}^T", np.outer(a, b)
        for s, t in product(("", "^T"), repeat=2):
            left, right = (a.T if s else a), (b.T if t else b)
            twice = (s and a.ndim < 2) or (t and b.ndim < 2) or one[0] == two[0] == "("
            fits = left.shape[-1] == right.shape[0]
            if fits and not twice and left.shape[:-1] + right.shape[1:] == shape:
                yield f"{one}{s} {two}{t}", f"the product {one}{s} {two}{t}", left @ right


def _attention(look: Look, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return P = softmax(Q K^T / sqrt(d)) and parts of its rule, if arguments fit together."""
    found: dict[str, Array] = {}

    def rows(a: Array) -> Array:
        return np.asarray(a.sum(axis=1, keepdims=True))

    for (one, Q), (two, K), (three, V) in permutations(arrays.items(), 3):
        out = (len(Q), V.shape[1])
        if Q.shape[1] != K.shape[1] or len(K) != len(V) or look.delta.shape != out:
            continue
        of, dP, causal = f"({one}, {two}, {three})", look.delta @ V.T, np.tri(len(Q), len(K))
        for scale in (math.sqrt(Q.shape[1]), 1.0):
            S = Q @ K.T / scale
            every = softmax(S, axis=1), softmax(np.where(causal > 0.0, S, -np.inf), axis=1)
            for P, other, mask in ((*every, "added"), (*every[::-1], "lost")):
                if look.value is None or not np.abs(P @ V - look.value).max() <= 1e-9:
                    continue
                dS, dT = (p * (dP - rows(p * dP)) for p in (P, other))
                found |= {
                    f"P{of}": P,
                    f"dS{of}": dS,
                    f"causal mask {mask}: P{of}": other,
                    f"causal mask {mask}: dS{of}": dT,
                    f"(P o dP){of}": P * dP,
                    f"(P o (1 - P) o dP){of}, the diagonal of softmax only": P * (1.0 - P) * dP,
                    f"dP{of}, softmax passed over": dP,
                    f"P o (dP - columns){of}": P * (dP - (P * dP).sum(axis=0)),
                    f"(dP - P sum(dP)){of}": dP - P * rows(dP),
                }
    return found


def _of_rows(look: Look) -> Guesses:
    """Yield A^T (r s), of a design matrix A: residuals r of z = A w, with weights s."""
    w, delta = look.at, look.delta
    for name, A in look.values.items():
        if np.ndim(A) != 2 or A is w or w.ndim not in (1, 2) or A.shape[1] != w.shape[-1]:
            continue
        z, N = A @ w.T, len(A)
        p = {"sigmoid(z)": expit(z), "e^z": np.exp(z), "z": z}
        p |= {"softmax(z)": softmax(z, axis=1)} if z.ndim > 1 else {}
        labels = {y: a for y, a in _known(look, z.shape) if y != name}
        r = {"1": np.ones(z.shape)} | p | labels
        r |= {f"({q} - {y})": a - b for (q, a), (y, b) in product(p.items(), labels.items())}
        s = {"": np.ones(z.shape), "sigmoid(z) (1 - sigmoid(z)) ": expit(z) * expit(-z)}
        if delta.shape == w.shape:
            u = A @ delta.T
            s = {"u ": u} | ({"sum(u) ": u.sum(1, keepdims=True)} if z.ndim > 1 else {})
            r |= {f"{q}^2": a * a for q, a in r.items() if "(" in q}
            for q, a in p.items() if z.ndim > 1 else ():
                s[f"sum({q} u) "] = (a * u).sum(axis=1, keepdims=True)
        else:
            for y, a in labels.items():
                s |= {f"{y} ": a, f"{y}^2 ": a * a}
        for k, words in ((0, "first"), (N - 1, "last")) if delta.shape != w.shape else ():
            one = 1.0 * (positions(z.ndim, 0, N) == k)
            s |= {f"[{words} row only] ": one, f"[{words} row left out] ": 1.0 - one}
        more = ", u the same of the direction" if delta.shape == w.shape else ""
        for (q, a), (weight, b) in product(r.items(), s.items()):
            text = f"{name}^T {weight}{q}"
            yield text, f"{text}, a sum over the rows, z = {name} w{more}", (a * b).T @ A
