"""Why a derivative is wrong: what its author did is inferred from the numbers.

A guess is an array that a slip would give, computed from what is known of the case: what is right,
the Jacobian, delta, the point, the output and the other arguments. A guess is a cause when it
explains every entry, of the case and of further looks at other deltas and other values, within
the error that was measured; numbers that are fitted count against it. The simplest kind of guess
that explains the case is taken; the others of the same kind that explain it too are its rivals.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from scipy.special import erf, expit, softmax

from reference_impl.arguments import Array
from reference_impl.check.problem import Case
from reference_impl.check.report import Cause

EPS = float(np.finfo(np.float64).eps)
SMALL = 5000  # entries of an argument up to which more than the case itself is looked at
LOOKS = 3

# These are seen by calling a rule again, not in its numbers.
BEHAVIOUR = {
    "accumulates": Cause("accumulates", "each call adds to the result of the last one"),
    "writes": Cause("writes", "an argument is written to"),
    "caches": Cause("caches", "what an earlier call left behind is used, not the arguments"),
    "random": Cause("random", "two calls with the same arguments differ: a draw is not kept"),
    "left out": Cause("left out", "the output depends on it, and no gradient is returned for it"),
}


@dataclass(frozen=True, eq=False)
class Look:
    """One comparison: `want` = sum_u delta_u J_u at the point `at`, and what was `got`."""

    got: Array
    want: Array
    error: Array
    at: Array
    value: Array | None
    delta: Array
    J: Array | None
    values: Mapping[str, Array]
    slopes: Callable[[dict[str, Array], Array], tuple[Array, Array]] | None = None

    @property
    def noise(self) -> float:
        """The error of `want` relative to its largest entry."""
        largest = np.nanmax(np.abs(self.want), initial=0.0)
        return float(np.nanmax(self.error, initial=0.0) / largest) if largest else 0.0

    @property
    def wrong(self) -> Array:
        """Where `got` is not what is right."""
        return np.isfinite(self.want) & ~(np.abs(self.got - self.want) <= self.error)

    def pull(self, delta: Array) -> Array:
        """Return sum_u delta_u J_u for another delta."""
        assert self.J is not None
        return np.asarray(np.tensordot(delta, self.J, delta.ndim))

    def shaken(self, seed: int) -> "Look":
        """Return the look with everything that was measured moved by its error."""
        rng = np.random.default_rng(seed)
        want = self.want + rng.choice([-1.0, 1.0], self.want.shape) * self.error
        if self.J is None:
            return replace(self, want=want)
        J = self.J * (1.0 + self.noise * rng.choice([-1.0, 1.0], self.J.shape))
        return replace(self, want=want, J=J)


Guess = tuple[str, str, Array]  # a name, a sentence, what it would give
Guesses = Iterator[Guess]
Maybe = tuple[Array | None, ...]


@dataclass(frozen=True, eq=False)
class Fit:
    """A guess at each look (None where it says nothing), with its tolerance."""

    name: str
    text: str
    arrays: Maybe
    tolerances: Maybe

    def times(self, c: float) -> "Fit":
        """Return c times the guess."""
        arrays = tuple(None if a is None else c * a for a in self.arrays)
        return replace(
            self,
            arrays=arrays,
            tolerances=tuple(None if t is None else abs(c) * t for t in self.tolerances),
        )


def causes(case: Case) -> tuple[Cause, ...]:
    """Return what explains a wrong derivative, the simplest first; nothing where nothing does.

    Parameters
    ----------
    case : Case
        The claim that was found wrong.

    Returns
    -------
    tuple of Cause
        The first has the others as its rivals: they explain the same numbers.
    """
    looks = _looks(case)
    if not np.isfinite(looks[0].got).all():
        return (Cause("not finite", "it is not finite where the right one is"),)
    for kind in (_whole, _rounded, _masked, _along_axes, _elsewhere, _of_terms, _unlike):
        with np.errstate(all="ignore"):
            found = {cause.name: cause for cause in reversed([*kind(case, looks)])}
        if found:
            first, *others = reversed(found.values())
            names = tuple(cause.name for cause in others)
            return (replace(first, rivals=names), *others)
    return ()


def evidence(case: Case) -> str:
    """Say where a derivative is wrong, in words; nothing where it is wrong everywhere."""
    look = _look(case, case.values, case.delta, case.got, case.want, case.error)
    if look.got.shape != look.want.shape:
        return f"its shape is {look.got.shape}, expected {look.want.shape}"
    wrong = look.wrong
    if wrong.all() or not wrong.any():
        return ""
    return next(iter(_where((look,), (wrong,), (~wrong,))), "")


# ------------------------------------------------------------------------------------- looks


def _look(
    case: Case, values: Mapping[str, Array], delta: Array, got: Any, want: Array, error: Array
) -> Look:
    same = values is case.values
    at, value, J = np.asarray(values.get(case.argument, case.at)), case.value, case.jacobian
    delta = np.asarray(delta, dtype=np.float64)
    if J is not None and J.shape != delta.shape + want.shape:
        forward = J.shape == want.shape + delta.shape  # J v: the adjoint's roles are exchanged
        J = np.moveaxis(J, range(want.ndim), range(-want.ndim, 0)) if forward else None
        at, value = (np.asarray(value), at) if forward else (at, value)
    if delta.ndim == 0 and delta != 0.0:
        J = want / delta
    got = np.asarray(got, dtype=np.float64)
    return Look(
        got, want, error, at, value if same else None, delta, J if same or not delta.ndim else None,
        values, case.slopes,
    )  # fmt: skip


def _looks(case: Case) -> tuple[Look, ...]:
    """Return the case, and looks at other deltas and at other values where that can be done."""
    want = np.asarray(case.want, dtype=np.float64)
    first = _look(case, case.values, case.delta, case.got, want, case.error)
    looks, rng = [first], np.random.default_rng(5)
    if case.ask is None or case.slopes is None or want.size > SMALL:
        return (first,)
    for k in range(LOOKS):
        values = case.values
        delta = rng.choice([-1.0, 1.0], first.delta.shape) * rng.uniform(
            0.5, 2.0, first.delta.shape
        )
        if k == LOOKS - 1 or not first.delta.ndim:  # the signs stay: so does the domain
            delta = first.delta
            values = {
                name: a * np.exp(0.2 * rng.normal(size=a.shape)) for name, a in values.items()
            }
        try:
            got = np.asarray(case.ask({n: a.copy() for n, a in values.items()}, delta.copy()))
            right, error = case.slopes(values, delta)
        except Exception:  # the reader's code, at a point that the reader did not choose
            continue
        if got.shape == first.got.shape and np.isfinite(got).all() and np.isfinite(right).any():
            looks.append(_look(case, values, delta, got, right, error))
    return tuple(looks)


# ------------------------------------------------------------------------------- what explains


def _fits(source: Callable[[Look], Guesses], looks: tuple[Look, ...]) -> list[Fit]:
    """Return the guesses of a source with their tolerances: how far they move when shaken."""
    each = []
    for look in looks:
        plain = {text: (name, array) for name, text, array in source(look)}
        shaken = [{t: a for _, t, a in source(look.shaken(seed))} for seed in (1, 2)]
        each.append((plain, shaken))
    fits = []
    for text, (name, first) in each[0][0].items():
        if np.shape(first) != looks[0].got.shape:
            continue
        arrays: list[Array | None] = []
        tolerances: list[Array | None] = []
        for look, (plain, shaken) in zip(looks, each, strict=True):
            array = plain.get(text, (name, None))[1]
            arrays.append(array)
            if array is None:
                tolerances.append(None)
                continue
            spread = np.max([np.abs(other[text] - array) for other in shaken], axis=0)
            floor = 1e3 * EPS * np.nanmax(np.abs(array), initial=0.0)
            tolerances.append(4.0 * spread + look.noise * np.abs(array) + floor)
        fits.append(Fit(name, text, tuple(arrays), tuple(tolerances)))
    return fits


def _explains(fit: Fit, looks: tuple[Look, ...], fitted: int = 0) -> bool:
    """Whether a guess gives every entry of every look, and is not what is right."""
    told = compared = 0
    for look, array, tolerance in zip(looks, fit.arrays, fit.tolerances, strict=True):
        if array is None or tolerance is None:
            continue
        seen = np.isfinite(array)
        if 2 * seen.sum() < seen.size or not (np.abs(look.got - array) <= tolerance)[seen].all():
            return False
        compared += int(seen.sum())
        if look.want.shape == array.shape:
            apart = np.abs(array - look.want) > 2.0 * (tolerance + look.error)
            told += int((apart & seen & np.isfinite(look.want)).sum())
        else:
            told += int(seen.sum())
    return told > fitted and compared > fitted + (fitted > 0)


def _coefficient(fit: Fit, looks: tuple[Look, ...]) -> tuple[float, float]:
    """Return c of got = c * guess by least squares, and how well it is known."""
    above = below = loose = 0.0
    for look, a, t in zip(looks, fit.arrays, fit.tolerances, strict=True):
        if a is not None and t is not None:
            seen = np.isfinite(a)
            above += float(look.got[seen] @ a[seen])
            below += float(a[seen] @ a[seen])
            loose += float(np.abs(a[seen]) @ t[seen])
    return (above / below, loose / below + 1e-12) if below else (0.0, np.inf)


def _sizes(look: Look) -> dict[int, str]:
    """Return the lengths that a mean may have been taken over, with words for them."""
    sizes: dict[int, str] = {}
    shaped = [("the output", look.delta.shape), ("the argument", look.at.shape)]
    shaped += [(name, np.shape(a)) for name, a in look.values.items()]
    for name, shape in shaped:
        for axis, size in enumerate(shape):
            rows = "rows" if axis == 0 else "columns" if axis == len(shape) - 1 else f"axis {axis}"
            if len(shape) == 1:
                rows = "entries"
            sizes.setdefault(size, f"{rows} of {name}")
        if shape:
            sizes.setdefault(math.prod(shape), f"entries of {name}")
    return {size: words for size, words in sizes.items() if size > 1}


def _constants(look: Look) -> Iterator[tuple[float, str, str]]:
    """Yield the factors that have a meaning, with a name and words."""
    yield -1.0, "sign", "the sign is flipped"
    yield 2.0, "factor 2", "times 2"
    yield 0.5, "factor 1/2", "times 1/2"
    sizes = _sizes(look)
    for s, words in sizes.items():
        yield 1.0 / s, f"mean over {words}", f"divided by the {s} {words}: a mean, not the sum"
        yield s, f"sum over {words}", f"times the {s} {words}: a sum, not the mean"
    for s, words in sizes.items():
        yield (s - 1) / s, "N - 1 for N", f"times {s - 1}/{s}: N and N - 1 of the {words} confused"
        yield s / (s - 1), "N - 1 for N", f"times {s}/{s - 1}: N and N - 1 of the {words} confused"
        yield math.sqrt(s), "missing 1/sqrt(d)", f"1/sqrt({s}) of the {words} is missing"
        yield 1 / math.sqrt(s), "doubled 1/sqrt(d)", f"1/sqrt({s}) of the {words} stands twice"
    for name, a in look.values.items():
        if np.size(a) == 1 and (x := abs(float(np.ravel(a)[0]))) not in (0.0, 1.0):
            for power, words in (
                (1, name),
                (-1, f"1/{name}"),
                (2, f"{name}^2"),
                (-2, f"1/{name}^2"),
            ):
                yield x**power, f"factor {words}", f"times {words}"


def _scaled(fit: Fit, looks: tuple[Look, ...], free: bool) -> Iterator[Cause]:
    """Yield the guess as a cause if it explains, as it is or times a constant."""
    if _explains(fit, looks):
        yield Cause(fit.name, fit.text)
        return
    c, loose = _coefficient(fit, looks)
    if not loose < 1e-2 * abs(c) or not _explains(fit.times(c), looks, 1 if free else 0):
        return
    right = fit.name == "right"
    known = [
        (name, words, sign)
        for sign in (1.0, -1.0)
        for value, name, words in _constants(looks[0])
        if abs(sign * value - c) <= loose and (sign > 0.0 or value > 0.0)
    ]
    for name, words, sign in known:
        flipped = ", with the sign flipped" if sign < 0.0 else ""
        text = f"the right answer, {words}{flipped}" if right else f"{fit.text}; {words}{flipped}"
        yield Cause(name if right else fit.name, text, separate=_separate(name, looks[0], known))
    if not known and free and abs(c - 1.0) > loose and _explains(fit.times(c), looks, 1):
        yield Cause("factor", f"the right answer times {c:.9g}")


def _separate(name: str, look: Look, known: list[tuple[str, str, float]]) -> str:
    if len({each for each, _, _ in known}) < 2:
        return ""
    shape = look.at.shape or (1,)
    other = tuple(size + 1 + 2 * k for k, size in enumerate(shape))
    return f"an argument of shape {other}, in which no two lengths agree"


# --------------------------------------------------------- one guess for the whole derivative


def _whole(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    fits = [fit for source in (_of_any, _of_delta, _of_jacobian) for fit in _fits(source, looks)]
    plain = [cause for fit in fits for cause in _scaled(fit, looks, fit.name == "right")]
    # What is itself comes before what is so up to a factor.
    yield from plain


def _axis(shape: tuple[int, ...], axis: int) -> str:
    if len(shape) == 1:
        return "entries"
    return "rows" if axis == 0 else "columns" if axis == len(shape) - 1 else f"axis {axis}"


def _of_any(look: Look) -> Guesses:
    """Yield what can be made of the right derivative alone."""
    want, shape = look.want, look.want.shape
    yield "zero", "it is zero", np.zeros(look.got.shape)
    yield "right", "the right answer", want
    for order in permutations(range(want.ndim)):
        if order != tuple(range(want.ndim)) and want.ndim < 5:
            yield "transposed", f"the right answer transposed, axes {order}", want.transpose(order)
    if want.size == look.got.size and want.ndim:
        yield "reshaped", "the right answer, reshaped", want.reshape(look.got.shape)
        yield "reshaped", "the right answer, reshaped by columns", want.T.reshape(look.got.shape)
    if want.ndim > 1:
        yield "reversed", "the right answer, reversed along all axes", np.flip(want)
        yield "reversed", "reversed along the last two axes", np.flip(want, (-2, -1))
    for axis, size in enumerate(shape):
        along = _axis(shape, axis)
        if size > 1:
            yield "reversed", f"the right answer with its {along} reversed", np.flip(want, axis)
            for by in (1, -1):
                rolled = np.roll(want, by, axis)
                yield "rolled", f"the right answer with its {along} rolled by {by}", rolled
                edge = np.zeros(shape)
                inner = [slice(None)] * want.ndim
                inner[axis] = slice(1, None) if by == 1 else slice(None, -1)
                edge[tuple(inner)] = rolled[tuple(inner)]
                yield "shifted", f"the right answer with its {along} shifted by {by}", edge
        total = want.sum(axis=axis, keepdims=True)
        yield "summed", f"the right answer summed over its {along}", np.broadcast_to(total, shape)
        yield "summed", f"summed over its {along}, which are gone", total.squeeze(axis)
        yield "summed", f"summed over its {along}, length 1 kept", total
        yield "centred", f"its mean over the {along} is taken away", want - total / size
        for k, words in ((0, "first"), (size - 1, "last")):
            part = want.take(k, axis)
            yield (
                "one row",
                f"the {words} of the {along} for all",
                np.broadcast_to(np.expand_dims(part, axis), shape),
            )
            yield "one row", f"the {words} of the {along} alone", part
        yield "cumulated", f"cumulated over its {along}", want.cumsum(axis)
        yield "cumulated", f"cumulated from the end over its {along}", _from_end(want, axis)
    yield "summed", "the right answer summed", want.sum()
    yield "sum missing", "the sum over broadcast axes is missing", np.broadcast_to(want, _or(look))
    yield "absolute", "the absolute value of the right answer", np.abs(want)
    yield "sign only", "only the sign of the right answer", np.sign(want)
    yield "squared", "the square of the right answer", want * want
    if (order := _permutation(look)) is not None:
        yield "permuted", "the right entries in another order", want.ravel()[order].reshape(shape)


def _or(look: Look) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(look.want.shape, look.got.shape)
    except ValueError:
        return look.want.shape


def _from_end(a: Array, axis: int) -> Array:
    return np.flip(np.flip(a, axis).cumsum(axis), axis)


def _permutation(look: Look) -> Array | None:
    """Return the order in which the right entries, all different, would give what was got."""
    want, got = look.want.ravel(), look.got.ravel()
    if want.size != got.size or want.size < 4 or len(np.unique(want)) < want.size:
        return None
    order = np.empty(want.size, dtype=int)
    order[np.argsort(got, kind="stable")] = np.argsort(want, kind="stable")
    return order


def _deltas(look: Look) -> Guesses:
    """Yield what delta may have been taken for."""
    delta, value, shape = look.delta, look.value, look.delta.shape
    if not shape:
        return
    yield "delta ignored", "the right answer for delta = 1: delta is ignored", np.ones(shape)
    for axis, size in enumerate(shape):
        along = _axis(shape, axis)
        total = delta.sum(axis=axis, keepdims=True)
        yield "delta summed", f"delta is summed over its {along}", np.broadcast_to(total, shape)
        centred = delta - total / size
        yield "delta centred", f"the mean of delta over its {along} is taken away", centred
        if size > 1:
            yield "delta reversed", f"the {along} of delta are reversed", np.flip(delta, axis)
            at = np.arange(size).reshape([-1 if k == axis else 1 for k in range(len(shape))])
            for k, word in ((0, "first"), (size - 1, "last")):
                only = f"only the {word} of the {along} of delta is used"
                lost = f"the {word} of the {along} of delta is left out"
                yield f"{word} of the {along} only", only, delta * (at == k)
                yield f"{word} of the {along} left out", lost, delta * (at != k)
            for by in (1, -1):
                yield (
                    "delta rolled",
                    f"the {along} of delta rolled by {by}",
                    np.roll(delta, by, axis),
                )
            yield "delta cumulated", f"delta is cumulated over its {along}", delta.cumsum(axis)
            from_end = _from_end(delta, axis)
            yield "delta cumulated", f"delta is cumulated from the end, {along}", from_end
    if delta.ndim == 2 and shape[0] == shape[1]:
        yield "delta transposed", "delta is transposed", delta.T
    yield "delta's sign", "only the sign of delta is used", np.sign(delta)
    yield "delta absolute", "the absolute value of delta is used", np.abs(delta)
    yield "delta squared", "delta is squared", delta * delta
    yield "delta clipped", "only positive delta is used", np.maximum(delta, 0.0)
    if value is None or value.shape != shape:
        return
    for words, factor in _factors("f", value):
        yield f"times {words}", f"delta is multiplied by {words}, f the output", delta * factor
        yield f"missing {words}", f"delta is divided by {words}, f the output", delta / factor
    for axis in range(len(shape)):
        along = _axis(shape, axis)
        inner = (delta * value).sum(axis=axis, keepdims=True)
        outer = value * delta.sum(axis=axis, keepdims=True)
        yield "softmax twice", f"softmax's rule over the {along} once more", value * (delta - inner)
        yield (
            "projected",
            f"the part of delta along the output is gone, {along}",
            delta - value * inner,
        )
        yield "log-softmax rule", f"log-softmax's rule over the {along} first", delta - outer


def _factors(f: str, a: Array) -> Iterator[tuple[str, Array]]:
    """Yield the factors that a chain rule may have left behind."""
    yield f, a
    yield f"1 - {f}", 1.0 - a
    yield f"{f} (1 - {f})", a * (1.0 - a)
    yield f"1 - {f}^2", 1.0 - a * a
    yield f"{f}^2", a * a
    yield f"e^{f}", np.exp(a)
    yield f"1 - e^-{f}", -np.expm1(-a)
    yield f"1 - e^{f}", -np.expm1(a)
    yield f"sqrt({f})", np.sqrt(np.abs(a))
    yield f"sign({f})", np.sign(a)
    yield f"1 + {f}^2", 1.0 + a * a


def _of_delta(look: Look) -> Guesses:
    """Yield what the right rule gives for a wrong delta."""
    if look.J is not None:
        for name, text, delta in _deltas(look):
            yield name, text, look.pull(delta)


def _eye(J: Array, a: int, b: int, make: Callable[[Array, Array], Array]) -> Array:
    """Return a mask by the index along two axes of J."""
    at = [np.arange(J.shape[axis]).reshape([-1 if k == axis else 1 for k in range(J.ndim)])
          for axis in (a, b)]  # fmt: skip
    return make(*at)


def _of_jacobian(look: Look) -> Guesses:
    """Yield what delta gives with parts of the Jacobian, or another one."""
    J, delta, shape = look.J, look.delta, look.want.shape
    if delta.ndim:
        yield from _passed(delta, shape)
    if J is None or not delta.ndim:
        return
    letters = "abcdefghijklm"
    out, inner = letters[: delta.ndim], letters[delta.ndim : J.ndim]
    for keep in range(1, 2**delta.ndim):
        kept = "".join(c for k, c in enumerate(out) if keep >> k & 1)
        parts = np.einsum(f"{out},{out}{inner}->{kept}{inner}", delta, J)
        yield "sum missing", f"the sum is missing; the parts stand apart, kept {kept}", parts
        if kept == out[0]:
            squeezed = np.einsum(f"{out},{out}{inner}->{kept}{inner}", delta, J)
            for k, word in ((0, "first"), (-1, "last")):
                yield f"{word} row only", f"only the {word} data point's part", squeezed[k]
    if delta.shape == shape:
        n = delta.size
        square = J.reshape(n, n)
        diagonal = np.diagonal(square).reshape(shape)
        flat = delta.ravel()
        yield (
            "transposed",
            "J delta: the transposed Jacobian is used",
            (square @ flat).reshape(shape),
        )
        yield "diagonal only", "only the diagonal of the Jacobian is used", delta * diagonal
        yield "diagonal lost", "all but the diagonal of the Jacobian", look.want - delta * diagonal
        yield (
            "doubled slope",
            "the Jacobian is applied twice",
            (flat @ square @ square).reshape(shape),
        )
        yield "slope squared", "the slopes are squared", delta * diagonal**2
        yield "slope inverted", "divided by the slopes, not multiplied", delta / diagonal
        yield "slope absolute", "the absolute slopes are used", delta * np.abs(diagonal)
        yield "delta ignored", "the diagonal of the Jacobian, without delta", diagonal
        yield "symmetric", "J + J^T is used", ((square + square.T) @ flat).reshape(shape)
        yield "symmetric", "(J + J^T) / 2 is used", ((square + square.T) @ flat / 2).reshape(shape)
    for a, b in product(range(delta.ndim), range(delta.ndim, J.ndim)):
        if J.shape[a] == J.shape[b] > 1:
            along = _axis(delta.shape, a)
            for name, text, make in (
                (f"between {along} lost", f"what reaches other {along} is lost", np.equal),
                ("same only lost", f"what stays in the same of the {along} is lost", np.not_equal),
                ("later lost", f"what comes from later {along} is lost", np.less_equal),
                ("earlier lost", f"what comes from earlier {along} is lost", np.greater_equal),
            ):
                kept = J * _eye(J, a, b, make)
                words = f"{text} (axis {a} of the output, {b - delta.ndim} of the argument)"
                yield name, words, np.tensordot(delta, kept, delta.ndim)


def _passed(delta: Array, shape: tuple[int, ...]) -> Guesses:
    """Yield delta itself, brought to the shape of the argument."""
    passed = "delta is passed through, without a derivative"
    if delta.shape == shape:
        yield "passed through", passed, delta
        yield "one", "it is 1", np.ones(shape)
    if delta.ndim == 2 and delta.T.shape == shape:
        yield "passed through", f"{passed}, transposed", delta.T
    for r in range(1, delta.ndim + 1):
        for axes in combinations(range(delta.ndim), r):
            total = delta.sum(axis=axes, keepdims=True)
            words = f"delta summed over axes {axes}"
            if total.squeeze(axes).shape == shape:
                yield "passed through", words, total.squeeze(axes)
            elif delta.shape == shape:
                yield (
                    "delta summed",
                    f"{words}, without a derivative",
                    np.broadcast_to(total, shape),
                )
    if delta.shape != shape:
        for order in ((), (None,)):
            try:
                spread = np.broadcast_to(delta[(..., *order)], shape)
            except ValueError:
                continue
            yield "passed through", f"{passed}, spread over the argument", spread


# -------------------------------------------------------------------------------- precision


def _rounded(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield a precision that is too low: errors of its size everywhere, of both signs."""
    if any(look.got.shape != look.want.shape for look in looks):
        return
    off = np.concatenate([(look.got - look.want)[np.isfinite(look.want)] for look in looks])
    size = np.concatenate([np.abs(look.want)[np.isfinite(look.want)] for look in looks])
    largest = size.max(initial=0.0)
    for dtype, u in (("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)):
        exact = dtype == "float32" and all(
            np.array_equal(look.got, look.got.astype(np.float32)) for look in looks
        )
        near = (np.abs(off) <= 2.0 * u * size + u * 1e-3 * largest).all()
        loose = (np.abs(off) <= 64.0 * u * largest).all() and np.abs(off).max() > u * largest / 64
        both = (off > 0.0).any() and (off < 0.0).any()
        if (
            off.size > 3
            and both
            and (near and np.abs(off).max() > u * largest / 8 or exact and loose)
        ):
            yield Cause(dtype, f"the errors are those of {dtype}, about {u:.0e} of the entries")
            return
        if off.size > 7 and both and dtype == "float32" and loose:
            yield Cause(dtype, "errors of both signs near 2^-24 of the largest: float32 inside")
            return


# ------------------------------------------------------------------------------------ masks


def _masked(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield what explains entries that are wrong beside others that are right."""
    if any(look.got.shape != look.want.shape for look in looks):
        return
    wrongs = tuple(look.wrong for look in looks)
    wrong = sum(int(w.sum()) for w in wrongs)
    if not wrong:
        return
    for name, text, alternatives in _alternatives(looks, wrongs):
        told = tuple(
            np.isfinite(look.want)
            & (np.abs(other - look.want) > 4.0 * look.error + look.noise * np.abs(other))
            for look, other in zip(looks, alternatives, strict=True)
        )
        fine = tuple(t & ~w for t, w in zip(told, wrongs, strict=True))
        right = sum(int(f.sum()) for f in fine)
        if not right:
            continue
        ok = all(
            (np.abs(look.got - other)[w] <= 4 * look.error[w] + 1e3 * EPS * np.abs(other[w])).all()
            for look, other, w in zip(looks, alternatives, wrongs, strict=True)
        )
        if not ok:
            continue
        place = next(iter(_where(looks, wrongs, fine)), "")
        if name in ("zeroed", "mask missing") or (place and wrong > 1):
            yield Cause(_mask_name(name, place), f"{text} {place or f'({wrong} entries)'}".strip())
            return


def _mask_name(name: str, place: str) -> str:
    if name == "zeroed" and place.startswith("where |"):
        return "saturated"
    return name


def _alternatives(
    looks: tuple[Look, ...], wrongs: tuple[Array, ...]
) -> Iterator[tuple[str, str, list[Array]]]:
    yield "zeroed", "it is zero", [np.zeros(look.want.shape) for look in looks]
    if all((np.abs(look.want)[w] <= look.error[w]).all() for look, w in zip(looks, wrongs)):
        yield "mask missing", "a mask is missing: it should be zero", [look.got for look in looks]
    if all(look.delta.shape == look.want.shape for look in looks) and looks[0].delta.ndim:
        yield "passed through", "delta is passed through", [look.delta for look in looks]
    for c, words in ((-1.0, "sign"), (2.0, "factor 2"), (0.5, "factor 1/2")):
        yield words, f"the right answer is multiplied by {c:g}", [c * look.want for look in looks]
    largest = max(np.abs(look.got[w]).max(initial=0.0) for look, w in zip(looks, wrongs))
    clipped = [np.clip(look.want, -largest, largest) for look in looks]
    if sum(int(w.sum()) for w in wrongs) > 1:
        yield "clipped", f"the right answer is clipped to {largest:.6g},", clipped
    above = sum(float(look.got[w] @ look.want[w]) for look, w in zip(looks, wrongs))
    below = sum(float(look.want[w] @ look.want[w]) for look, w in zip(looks, wrongs))
    if below and sum(int(w.sum()) for w in wrongs) > 2:
        c = above / below
        yield "factor", f"the right answer is multiplied by {c:.9g}", [c * k.want for k in looks]


def _where(
    looks: tuple[Look, ...], wrongs: tuple[Array, ...], fine: tuple[Array, ...]
) -> Iterator[str]:
    """Say by which rule wrong entries are apart from right ones, if they are by one."""
    wrong, right = (sum(int(m.sum()) for m in masks) for masks in (wrongs, fine))
    names = _features(looks[0])
    for words in names:
        values = [_features(look).get(words) for look in looks]
        pairs = [(v[w], v[f]) for v, w, f in zip(values, wrongs, fine) if v is not None]
        bad = np.concatenate([b for b, _ in pairs])
        good = np.concatenate([g for _, g in pairs])
        if not len(bad) or not len(good):
            continue
        if words.startswith("in "):
            if (bad == 1.0).all() and (good == 0.0).all():
                yield words
            elif (bad == 0.0).all() and (good == 1.0).all():
                yield f"not {words}"
        elif math.comb(wrong + right, wrong) > 100:
            if bad.min() > good.max():
                yield f"where {words} > {_between(good.max(), bad.min())}"
            elif bad.max() < good.min():
                yield f"where {words} < {_between(bad.max(), good.min())}"


def _between(low: float, high: float) -> str:
    """Return the shortest number between two."""
    if low <= 0.0 <= high:
        return "0"
    for digits in range(1, 17):
        middle = float(f"{(low + high) / 2:.{digits}g}")
        if low <= middle <= high:
            return f"{middle:g}"
    return f"{low:.17g}"


def _features(look: Look) -> dict[str, Array]:
    """Return what may decide which entries are wrong: 0 and 1 for places, else numbers."""
    shape, found = look.want.shape, {}
    for axis, size in enumerate(shape):
        along = np.arange(size).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        word = _axis(shape, axis)
        for k in range(size) if 1 < size <= 12 else (0, size - 1):
            found[f"in the {word} with index {k}"] = np.broadcast_to(along == k, shape) * 1.0
    for a, b in combinations(range(len(shape)), 2):
        if shape[a] == shape[b]:
            i, j = (
                np.arange(shape[a]).reshape([-1 if k == axis else 1 for k in range(len(shape))])
                for axis in (a, b)
            )
            found[f"in the diagonal of axes {a} and {b}"] = np.broadcast_to(i == j, shape) * 1.0
            found[f"in the triangle above the diagonal, axes {a} and {b}"] = (
                np.broadcast_to(i < j, shape) * 1.0
            )
            found[f"in the triangle below the diagonal, axes {a} and {b}"] = (
                np.broadcast_to(i > j, shape) * 1.0
            )
    arrays = {"the argument": look.at, "the output": look.value, "delta": look.delta}
    arrays |= {name: a for name, a in look.values.items() if a is not look.at}
    for words, a in arrays.items():
        if a is not None and np.shape(a) == shape and shape:
            for axis in range(a.ndim):
                along = "" if a.ndim == 1 else f" along axis {axis}"
                for end, pick in (("largest", np.max), ("smallest", np.min)):
                    is_end = a == pick(a, axis=axis, keepdims=True)
                    found[f"in the {end} of {words}{along}"] = is_end * 1.0
            found[words], found[f"|{words}|"] = a, np.abs(a)
    return found


# ----------------------------------------------------------------- a factor along some axes


def _along_axes(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield a factor of each row, column or entry: a known quantity, or one that is fitted."""
    for fit in _fits(_multiples, looks):
        yield from _scaled(fit, looks, True)
    for fit in _fits(_powers, looks):
        if _explains(fit, looks, 2):
            yield Cause(fit.name, fit.text)
    want, got = looks[0].want, looks[0].got
    if want.ndim < 2 or want.shape != got.shape:
        return
    for r in range(1, want.ndim):
        for axes in combinations(range(want.ndim), r):

            def of(look: Look, axes: tuple[int, ...] = axes) -> Guesses:
                right = np.where(np.isfinite(look.want), look.want, 0.0)
                fitted = (look.got * right).sum(axis=axes, keepdims=True)
                fitted = fitted / (right * right).sum(axis=axes, keepdims=True)
                own = [a for a in range(right.ndim) if a not in axes]
                each = " and ".join(_axis(right.shape, a) for a in own)
                yield (
                    "factor of each",
                    f"the right answer times a factor of each of the {each}",
                    (fitted * look.want),
                )

            fits = _fits(of, looks)
            fitted = math.prod(s for a, s in enumerate(want.shape) if a not in axes) * len(looks)
            for fit in fits:
                if _explains(fit, looks, fitted):
                    yield Cause(fit.name, fit.text + _eps(looks, axes))


def _eps(looks: tuple[Look, ...], axes: tuple[int, ...]) -> str:
    return ""


def _spread(a: Array, shape: tuple[int, ...]) -> Array | None:
    """Return an array as it spreads over a shape, if it does and is not one number."""
    if np.size(a) == 1 or np.ndim(a) > len(shape):
        return None
    try:
        return np.broadcast_to(a, shape)
    except ValueError:
        pass
    if np.ndim(a) == 1 and len(shape) > 1 and len(a) == shape[0]:
        return np.broadcast_to(np.reshape(a, (-1, *[1] * (len(shape) - 1))), shape)
    return None


def _quantities(look: Look, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Yield what a factor of the entries of a shape may be."""
    arrays = {"the argument": look.at, "the output": look.value}
    arrays |= {name: a for name, a in look.values.items() if a is not look.at}
    for words, a in arrays.items():
        if a is None:
            continue
        if (spread := _spread(a, shape)) is not None:
            yield words, spread
            if words == "the argument":
                yield f"1 - {words}", 1.0 - spread
        if np.ndim(a) < 2 or np.shape(a) == shape:
            continue
    at = look.at
    if at.shape == shape:
        for axis in range(at.ndim):
            along = _axis(shape, axis)
            norm = np.sqrt((at * at).sum(axis=axis, keepdims=True))
            yield f"the norm of the argument over {along}", np.broadcast_to(norm, shape)
            root = np.sqrt(at.var(axis=axis, keepdims=True))
            yield f"its standard deviation over {along}", np.broadcast_to(root, shape)
            total = at.sum(axis=axis, keepdims=True)
            yield f"its sum over {along}", np.broadcast_to(total, shape)


def _multiples(look: Look) -> Guesses:
    """Yield the right answer times or over a known quantity, once or twice."""

    def powers(a: Array, q: Array, words: str) -> Guesses:
        for e, more in ((1, ""), (2, "^2"), (0.5, "^(1/2)")):
            power = q**e if e != 0.5 else np.sqrt(np.abs(q))
            yield f"times {words}", f"the right answer times {words}{more}", a * power
            yield f"missing {words}", f"the right answer over {words}{more}", a / power

    for words, q in _quantities(look, look.want.shape):
        yield from powers(look.want, q, words)
    if look.J is not None and look.delta.ndim and look.delta.shape != look.want.shape:
        for words, q in _quantities(look, look.delta.shape):
            if words == "the output":
                continue
            for name, text, delta in powers(look.delta, q, f"{words} at the output"):
                yield name, text, look.pull(delta)


def _powers(look: Look) -> Guesses:
    """Yield what is right times c q^e, c and e fitted: a weight whose own slope is lost."""
    at, want = look.at, look.want
    if at.shape != want.shape or want.shape != look.got.shape or want.size < 4:
        return
    yield from ()


# ------------------------------------------------------------------------ at another point


def _elsewhere(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield what is right at another point: at the output, at a transposed weight."""
    if case.slopes is None or looks[0].want.size > SMALL // 10:
        return
    slopes = case.slopes

    def of(look: Look) -> Guesses:
        for name, a in look.values.items():
            mine = name == case.argument
            for words, other in _other_points(name, a, look if mine else replace(look, value=None)):
                try:
                    want, _ = slopes({**look.values, name: np.array(other)}, look.delta)
                except Exception:  # the reader's code, where it may not be defined
                    continue
                yield ("at the output" if "output" in words else words), f"right at {words}", want

    for fit in _fits(of, looks):
        yield from _scaled(fit, looks, False)


def _other_points(name: str, a: Array, look: Look) -> Iterator[tuple[str, Array]]:
    if look.value is not None and look.value.shape == a.shape:
        yield f"the output in place of {name}", look.value
    yield f"-{name}", -a
    yield f"{name} = 0", np.zeros_like(a)
    yield f"|{name}|", np.abs(a)
    yield f"2 {name}", 2.0 * a
    yield f"{name}^2", a * a
    if a.ndim == 2 and a.shape[0] == a.shape[1]:
        yield f"{name} transposed", a.T
    if a.ndim:
        yield f"{name} reversed", np.flip(a, -1)
        yield f"{name} of the last step, rolled", np.roll(a, 1, 0)
    if a.ndim > 1:
        yield f"{name} reversed along its last two axes", np.flip(a, (-2, -1))


# ----------------------------------------------------------------------- a sum of few terms


SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "ReLU": lambda z: (z > 0.0) * 1.0,
    "softplus": expit,
    "SiLU": lambda z: expit(z) * (1.0 + z * expit(-z)),
    "GELU": lambda z: _cdf(z) + z * _density(z),
    "GELU by tanh": lambda z: _gelu_tanh(z),
    "GELU by sigmoid": lambda z: expit(1.702 * z) * (1.0 + 1.702 * z * expit(-1.702 * z)),
    "exp": np.exp,
    "log": lambda z: 1.0 / z,
    "square": lambda z: 2.0 * z,
    "sine": np.cos,
    "cosine": np.sin,
    "normal distribution": lambda z: _cdf(z),
    "normal density": lambda z: _density(z),
    "z times the normal density": lambda z: z * _density(z),
    "sigmoid of its output": lambda z: z * (1.0 - z),
    "tanh of its output": lambda z: 1.0 - z * z,
    "sign": np.sign,
}


def _cdf(z: Array) -> Array:
    return np.asarray(0.5 * (1.0 + erf(z / math.sqrt(2.0))))


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


def _gelu_tanh(z: Array) -> Array:
    c = math.sqrt(2.0 / math.pi)
    t = np.tanh(c * (z + 0.044715 * z**3))
    return np.asarray(0.5 * (1 + t) + 0.5 * z * (1 - t * t) * c * (1 + 3 * 0.044715 * z * z))


def _of_terms(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield a sum of one or two known terms, or the right answer and one of them."""
    if any(look.got.shape != look.want.shape for look in looks) or looks[0].want.size > SMALL:
        return
    right, *others = _fits(_atoms, looks)
    for fit in others:
        yield from _scaled(fit, looks, False)
    yield from _sums(right, others, looks)


def _sums(right: Fit, others: list[Fit], looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield got = a * one + b * two with a and b fitted; the right answer first."""
    usable = [fit for fit in (right, *others) if all(a is not None for a in fit.arrays[:1])]
    here = [k for k in range(len(looks)) if all(fit.arrays[k] is not None for fit in usable)]
    seen = [np.isfinite(looks[k].want) for k in here]
    flat = [
        np.concatenate([fit.arrays[k][s] for k, s in zip(here, seen)])  # type: ignore[index]
        for fit in usable
    ]
    got = np.concatenate([looks[k].got[s] for k, s in zip(here, seen)])
    if got.size < 5:
        return
    good = [k for k, a in enumerate(flat) if np.isfinite(a).all() and a.any()]
    tried = [(0, k) for k in good[1:]] + [(j, k) for j, k in combinations(good[1:], 2)]
    for j, k in tried:
        matrix = np.stack([flat[j], flat[k]], axis=1)
        size = np.linalg.norm(matrix, axis=0)
        gram = matrix.T @ matrix / np.outer(size, size)
        if 1.0 - gram[0, 1] ** 2 < 1e-8:
            continue
        a, b = np.linalg.solve(gram, matrix.T @ got / size) / size
        if np.abs(matrix @ [a, b] - got).max() > 1e-3 * np.abs(got).max():
            continue
        fit = _sum(usable[j].times(float(a)), usable[k].times(float(b)))
        if _explains(fit, looks, 2):
            yield _of_sum(usable[j], float(a), usable[k], float(b), looks[0])
            if j == 0:
                continue
            return


def _sum(one: Fit, two: Fit) -> Fit:
    def added(left: Maybe, right: Maybe) -> Maybe:
        return tuple(
            None if a is None or b is None else a + b for a, b in zip(left, right, strict=True)
        )

    arrays, tolerances = added(one.arrays, two.arrays), added(one.tolerances, two.tolerances)
    return Fit("", "", arrays, tolerances)


def _of_sum(one: Fit, a: float, two: Fit, b: float, look: Look) -> Cause:
    if one.name == "right" and abs(a - 1.0) < 1e-6:
        words = "lacks" if b < 0.0 else "has in addition"
        name = f"{'missing' if b < 0.0 else 'added'} {two.name}"
        return Cause(name, f"it {words} {_number(abs(b), look)}{two.text}")
    text = f"it is {_number(a, look)}{one.text} + {_number(b, look)}{two.text}"
    return Cause("sum of terms", text.replace("+ -", "- "))


def _number(c: float, look: Look) -> str:
    """Return a coefficient in words, to stand before a term."""
    if abs(c - 1.0) < 1e-6:
        return ""
    if abs(c + 1.0) < 1e-6:
        return "-"
    for size in _sizes(look):
        for sign, word in ((1.0, ""), (-1.0, "-")):
            if abs(sign * c * size - 1.0) < 1e-6:
                return f"{word}1/{size} "
    return f"{c:.6g} "


def _atoms(look: Look) -> Guesses:
    """Yield the terms that a derivative is made of."""
    want, at, delta, value, shape = look.want, look.at, look.delta, look.value, look.want.shape
    yield "right", "the right answer", want
    yield "constant", "1", np.ones(shape)
    for name, a in look.values.items():
        if np.shape(a) == shape:
            yield f"{name}", f"{name}", a
            yield f"|{name}|", f"sign({name})", np.sign(a)
            yield f"{name}", f"{name}^2", a * a
            if a.ndim and a.shape[-1] > 1:
                p = softmax(a, axis=-1)
                yield f"softmax({name})", f"softmax({name})", p
                hard = (a == a.max(axis=-1, keepdims=True)) * 1.0
                yield "hard labels", f"the one-hot argmax of {name}", hard
            yield f"sigmoid({name})", f"sigmoid({name})", expit(a)
    if value is not None and value.shape == shape:
        yield "the output", "f", value
        yield "e^f", "e^f", np.exp(value)
    if delta.ndim and delta.shape == shape:
        yield "delta", "delta", delta
        for axis in range(delta.ndim):
            along = _axis(shape, axis)
            total = np.broadcast_to(delta.sum(axis=axis, keepdims=True), shape)
            yield "sum of delta", f"(sum of delta over {along})", total
            for name, q in (("z", at), ("f", value)):
                if q is not None and q.shape == shape:
                    inner = (delta * q).sum(axis=axis, keepdims=True)
                    for more, r in (("", 1.0), (" z", at), (" f", value)):
                        if r is not None and np.shape(r) in ((), shape):
                            words = f"(sum of delta {name} over {along}){more}"
                            yield f"sum of delta {name}", words, np.broadcast_to(inner * r, shape)
        if at.shape == shape:
            yield from _at_each(look)
    yield from _products(look)


def _at_each(look: Look) -> Guesses:
    """Yield delta times functions of the argument, the output and the slope."""
    z, f, delta = look.at, look.value, look.delta
    yield "delta z", "delta z", delta * z
    yield "delta z^2", "delta z^2", delta * z * z
    for name, slope in SLOPES.items():
        yield (
            "another function",
            f"delta times the slope of {name} at the argument",
            delta * slope(z),
        )
    if f is None or f.shape != z.shape:
        return
    yield "delta f", "delta f", delta * f
    yield "delta f^2", "delta f^2", delta * f * f
    yield "delta f / z", "delta f / z", delta * f / z
    yield "inner slope", "delta z g (1 - g) with g = f / z", delta * f * (1.0 - f / z)
    yield "delta g^2", "delta g^2", delta * (f / z) ** 2
    for name, slope in SLOPES.items():
        yield "at the output", f"delta times the slope of {name} at the output", delta * slope(f)
    if look.J is not None:
        slope = np.diagonal(look.J.reshape(z.size, z.size)).reshape(z.shape)
        yield "product rule", "delta z f'", delta * z * slope
        yield "product rule", "delta f f'", delta * f * slope
        yield "diagonal", "the diagonal part", delta * slope
        yield "slope squared", "delta f'^2", delta * slope**2


def _products(look: Look) -> Guesses:
    """Yield matrix products of two of what is known, of the right shape."""
    shape = look.want.shape
    pool = {name: a for name, a in look.values.items() if 0 < np.ndim(a) < 3}
    if look.value is not None and look.value.ndim:
        pool["f"] = look.value
    if look.delta.ndim:
        pool["delta"] = look.delta
        if look.value is not None:
            for name, slope in SLOPES.items():
                pool[f"delta {name}'(f)"] = look.delta * slope(look.value)
    if len(shape) not in (1, 2) or look.want.size > 400:
        return
    for (one, a), (two, b) in product(pool.items(), repeat=2):
        if one.startswith("delta") and two.startswith("delta") and one != two:
            continue
        for s, t in product(("", "^T"), repeat=2):
            left, right = (a.T if s else a), (b.T if t else b)
            if (s and a.ndim < 2) or (t and b.ndim < 2):
                continue
            if a.ndim == b.ndim == 1:
                if (len(a), len(b)) == shape:
                    yield f"{one} x {two}", f"{one} {two}^T", np.outer(a, b)
            elif left.shape[-1] == right.shape[0] and (left.shape[:-1] + right.shape[1:] == shape):
                yield f"{one}{s} {two}{t}", f"{one}{s} {two}{t}", left @ right


# ---------------------------------------------------------------------- what the rest is like


def _unlike(case: Case, looks: tuple[Look, ...]) -> Iterator[Cause]:
    """Yield what got - right is like: constant along an axis, or in proportion to something."""
    want = looks[0].want
    if any(look.got.shape != look.want.shape for look in looks):
        return
    for axis in range(want.ndim):
        if want.shape[axis] < 3:
            continue
        for name in _directions(looks[0], axis):

            def of(look: Look, axis: int = axis, name: str = name) -> Guesses:
                basis = _directions(look, axis).get(name)
                if basis is not None:
                    off = np.where(np.isfinite(look.want), look.got - look.want, 0.0)
                    yield "", "", look.want + _projected(off, basis, axis)

            rank = 2 if " and " in name else 1
            for fit in _fits(of, looks):
                here = sum(a is not None for a in fit.arrays)
                fitted = rank * here * want.size // want.shape[axis]
                if want.shape[axis] > rank + 1 and _explains(fit, looks, fitted):
                    along = _axis(want.shape, axis)
                    yield Cause(name, f"{DIRECTIONS[name]} (the {along})")
                    return
    yield from _of_second_derivatives(case, looks[0])


DIRECTIONS = {
    "mean path": "off by a constant along an axis: what reaches it through a mean or a sum is wrong",
    "variance path": "off in proportion to the deviations from the mean: what reaches it through "
    "the variance is wrong",
    "mean and variance paths": "off by a constant and the deviations from the mean: what reaches "
    "it through both is wrong",
    "norm path": "off in proportion to the argument: what reaches it through the norm is wrong",
    "output path": "off in proportion to the output: as in softmax without its sum",
    "softmax path": "off in proportion to softmax of the argument",
}


def _directions(look: Look, axis: int) -> dict[str, list[Array]]:
    shape, at = look.want.shape, look.at
    one = np.ones(shape)
    found = {"mean path": [one]}
    if at.shape == shape:
        deviation = at - at.mean(axis=axis, keepdims=True)
        found |= {
            "variance path": [deviation],
            "norm path": [at],
            "softmax path": [softmax(at, axis=axis)],
            "mean and variance paths": [one, deviation],
        }
    if look.value is not None and look.value.shape == shape:
        found["output path"] = [look.value]
    return found


def _projected(off: Array, basis: list[Array], axis: int) -> Array:
    """Return the part of an array along an axis that directions span."""
    part, done = np.zeros_like(off), []
    for b in basis:
        for d in done:
            b = b - d * (b * d).sum(axis=axis, keepdims=True)
        norm = np.sqrt((b * b).sum(axis=axis, keepdims=True))
        d = b / np.where(norm > 0.0, norm, 1.0)
        done.append(d)
        part = part + d * (off * d).sum(axis=axis, keepdims=True)
    return np.asarray(part)


def _of_second_derivatives(case: Case, look: Look) -> Iterator[Cause]:
    """Yield what a Hessian lacks: an outer product, or the curvature of the model."""
    n = int(round(math.sqrt(look.want.size)))
    if case.rule != "hessian" or n * n != look.want.size or n < 3:
        return
    off, got = (look.got - look.want).reshape(n, n), look.got.reshape(n, n)
    tolerance = n * float(np.nanmax(look.error))
    if not np.isfinite(off).all():
        return
    size = np.abs(np.linalg.eigvalsh((off + off.T) / 2.0))
    if np.abs(off - off.T).max() <= tolerance and (size > tolerance).sum() == 1:
        yield Cause("missing outer product", "off by one outer product q q^T, as -S S^T in softmax")
    elif np.linalg.eigvalsh((got + got.T) / 2.0).min() >= -tolerance and (
        np.linalg.eigvalsh(look.want.reshape(n, n)).min() < -tolerance
    ):
        yield Cause(
            "Gauss-Newton",
            "positive semidefinite where the right one is not: the second derivatives of the "
            "model are left out, as in Gauss-Newton",
        )
