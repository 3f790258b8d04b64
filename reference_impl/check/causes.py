"""Why a derivative is wrong: what its author did is inferred from the numbers.

A guess is what a slip would give. It is a cause when it explains every entry, of the case and of
further looks at other deltas and other values, within the error that was measured; what is fitted
counts against it. The simplest kind of guess that explains is taken, and the others of that kind
that explain as well are its rivals. Where nothing explains, nothing is said.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np
from scipy.special import softmax

from reference_impl.arguments import Array
from reference_impl.check import forms, slips
from reference_impl.check.looks import SMALL, Look, Mask, looks, random
from reference_impl.check.places import place, where
from reference_impl.check.problem import Case
from reference_impl.check.report import Cause
from reference_impl.check.slips import RIGHT, Guesses, along

EPS = float(np.finfo(np.float64).eps)
Maybe = tuple[Array | None, ...]
Found = Iterator[Cause]

# These are seen by calling a rule again, not in its numbers.
BEHAVIOUR = {
    "accumulates": Cause("accumulates", "each call adds to the result of the last one"),
    "writes": Cause("writes", "an argument is written to"),
    "caches": Cause("caches", "what an earlier call left behind is used, not the arguments"),
    "random": Cause("random", "two calls with the same arguments differ: a draw is not kept"),
    "left out": Cause("left out", "the output depends on it, and no gradient of it is returned"),
}
# Names that say little, beside others.
WEAK = {"reshaped", "permuted", "squared", "absolute value", "sign only", "duplicates overwritten"}


@dataclass(frozen=True, eq=False)
class Fit:
    """A guess at each look, None where it says nothing, and its tolerance."""

    name: str
    text: str
    arrays: Maybe
    tolerances: Maybe

    def times(self, c: float) -> "Fit":
        """Return c times the guess."""
        arrays = tuple(None if a is None else c * a for a in self.arrays)
        tolerances = tuple(None if t is None else abs(c) * t for t in self.tolerances)
        return replace(self, arrays=arrays, tolerances=tolerances)

    def plus(self, other: "Fit") -> "Fit":
        """Return the sum of two guesses."""

        def added(one: Maybe, two: Maybe) -> Maybe:
            pairs = zip(one, two, strict=True)
            return tuple(None if a is None or b is None else a + b for a, b in pairs)

        arrays, tolerances = (
            added(self.arrays, other.arrays),
            added(self.tolerances, other.tolerances),
        )
        return replace(self, arrays=arrays, tolerances=tolerances)


def causes(case: Case) -> tuple[Cause, ...]:
    """Return what explains a wrong derivative, the simplest first; nothing where nothing does.

    Parameters
    ----------
    case : Case
        The claim that was found wrong.

    Returns
    -------
    tuple of Cause
        The others explain the same numbers as the first and are named as its rivals.
    """
    seen = looks(case)
    first = seen[0]
    if first.got.shape == first.want.shape and not any(look.wrong.any() for look in seen):
        return ()
    if not np.isfinite(first.got).all():
        return (Cause("not finite", "it is not finite where the right one is"),)
    for kind in KINDS:
        with np.errstate(all="ignore"):
            found = {cause.name: _said(case, cause) for cause in reversed([*kind(case, seen)])}
        if found:
            best, *others = reversed(found.values())
            return (replace(best, rivals=tuple(other.name for other in others)), *others)
    return ()


def _said(case: Case, cause: Cause) -> Cause:
    """Return a cause in the words of its claim: what delta is, and what the output."""
    text, notes = cause.text, []
    second = case.rule.startswith(("hvp", "hessian"))
    if second or case.rule.startswith("jvp"):
        of = f" of {case.argument} alone" if not second and case.argument in case.values else ""
        text = re.sub(r"\bdelta\b", "v", text)
        direct = re.search(r"\bv\b", text) or not second
        notes = [f"v the {'direction' if second else 'tangent'}{of}"] if direct else []
    if re.search(r"\bf\b", text):
        notes.append("f the gradient" if second else "f the output")
    return replace(cause, text=", ".join([text, *notes]))


# ------------------------------------------------------------------------------ what explains


Key = tuple[str, str]
Wanted = Callable[[Array], bool]


def _fits(
    source: Callable[[Look], Guesses], seen: tuple[Look, ...], wanted: Wanted | None = None
) -> list[Fit]:
    """Return the guesses of a source that are wanted, with tolerances: how far shaking moves them.

    Whether a guess is wanted is seen at the first look: most are not, and cost no more.
    """
    first = seen[0]
    keys: dict[Key, None] = {}
    for name, text, guess in source(first):
        if np.shape(guess) == first.got.shape and (wanted is None or wanted(guess)):
            keys[name, text] = None
    if not keys:
        return []

    def of(look: Look) -> dict[Key, Array]:
        return {(n, t): np.asarray(a) for n, t, a in source(look) if (n, t) in keys}

    each = [(of(look), of(look.shaken(1)), of(look.shaken(2))) for look in seen]
    fits = []
    for key in keys:
        arrays: list[Array | None] = []
        tolerances: list[Array | None] = []
        for look, (plain, *moved) in zip(seen, each, strict=True):
            array = plain.get(key)
            known = array is not None and all(key in other for other in moved)
            arrays.append(array if known else None)
            if array is None or not known:
                tolerances.append(None)
                continue
            spread = sum((np.abs(other[key] - array) for other in moved), np.zeros(()))
            floor = 1e3 * EPS * np.nanmax(np.abs(array), initial=0.0)
            tolerances.append(4.0 * spread + look.noise * np.abs(array) + floor)
        fits.append(Fit(*key, tuple(arrays), tuple(tolerances)))
    return fits


def _parallel(*targets: Array, noise: float) -> Wanted:
    """Return whether an array is a multiple of one of some, as far as can be seen."""
    limit = max(1e-8, (100.0 * noise) ** 2)

    def wanted(array: Array) -> bool:
        for y in targets:
            known = np.isfinite(array) & np.isfinite(y) if array.shape == y.shape else np.zeros(0)
            if not known.any() or 2 * known.sum() < np.isfinite(y).sum():
                continue
            a, b = array[known], y[known]
            aa, bb, ab = a @ a, b @ b, a @ b
            if aa * bb - ab * ab <= limit * aa * bb:
                return True
        return False

    return wanted


def _explains(fit: Fit, seen: tuple[Look, ...], fitted: int = 0) -> bool:
    """Whether a guess gives every entry of every look, and more of them than were fitted.

    Only entries count in which the guess is not what is right.
    """
    told = 0
    for look, array, tolerance in zip(seen, fit.arrays, fit.tolerances, strict=True):
        if array is None or tolerance is None:
            continue
        known = np.isfinite(array)
        every = np.isfinite(look.want).sum() if look.want.shape == array.shape else known.size
        if 2 * known.sum() < every or not known.any():
            return False
        if not (np.abs(look.got - array) <= tolerance)[known].all():
            return False
        if look.want.shape == array.shape:
            apart = ~(np.abs(array - look.want) <= 2.0 * (tolerance + look.error))
            told += int((apart & known & np.isfinite(look.want)).sum())
        else:
            told += int(known.sum())
    return told > fitted


def _coefficient(fit: Fit, seen: tuple[Look, ...]) -> tuple[float, float]:
    """Return c of got = c * guess by least squares, and how well it is known."""
    above = below = loose = 0.0
    for look, a, t in zip(seen, fit.arrays, fit.tolerances, strict=True):
        if a is not None and t is not None:
            known = np.isfinite(a)
            above += float(look.got[known] @ a[known])
            below += float(a[known] @ a[known])
            loose += float(np.abs(a[known]) @ t[known])
    return (above / below, loose / below + 1e-12) if below > 0.0 else (0.0, math.inf)


def _is_right(fit: Fit, seen: tuple[Look, ...]) -> bool:
    return not any(
        a is not None and (np.shape(a) != look.want.shape or (np.abs(a - look.want) > t).any())
        for look, a, t in zip(seen, fit.arrays, fit.tolerances, strict=True)
    )


def _lengths(look: Look) -> list[tuple[int, str]]:
    """Return lengths that a sum or a mean may be over, with names."""
    shaped = [("", look.delta.shape), ("", look.at.shape)]
    shaped += [(f" of {name}", np.shape(a)) for name, a in look.values.items()]
    found: dict[str, int] = {}
    for name, shape in shaped:
        for axis, size in enumerate(shape):
            found.setdefault(along(shape, axis) + name, size)
        if len(shape) > 1:
            found.setdefault(f"all entries{name}", math.prod(shape))
    sizes: set[int] = set()
    named = []
    for words, size in found.items():  # another array's lengths only where they are new
        if size > 1 and (" of " not in words or size not in sizes):
            named.append((size, words))
            sizes.add(size)
    used = slips.contributions(look)
    counts = np.zeros(0) if used is None else np.unique(used.sum(axis=0))
    if counts.size == 1 and counts[0] > 1 and counts[0] not in sizes:
        named.append((int(counts[0]), "contributions to each entry"))
    return named


def _constants(look: Look) -> Iterator[tuple[float, str, str, str]]:
    """Yield the factors that have a meaning: a name, words, and the length that one is made of."""
    yield -1.0, "sign", "with the sign flipped", ""
    yield 2.0, "factor 2", "times 2", ""
    yield 0.5, "factor 1/2", "times 1/2", ""
    for s, of in _lengths(look):
        yield 1.0 / s, f"mean over {of}", f"divided by the number of {of}, {s}", of
        yield s, f"sum over {of}", f"times the number of {of}, {s}", of
    for s, of in _lengths(look):
        if s > 2:
            yield (s - 1) / s, "N - 1 for N", f"times {s - 1}/{s}: N - 1 and N of the {of}", of
            yield s / (s - 1), "N - 1 for N", f"times {s}/{s - 1}: N - 1 and N of the {of}", of
            yield math.sqrt(s / (s - 1)), "N - 1 for N", f"times sqrt({s}/{s - 1}), the {of}", of
            yield math.sqrt((s - 1) / s), "N - 1 for N", f"times sqrt({s - 1}/{s}), the {of}", of
        yield math.sqrt(s), "missing 1/sqrt(d)", f"times sqrt({s}), with d the number of {of}", of
        yield 1 / math.sqrt(s), "extra 1/sqrt(d)", f"over sqrt({s}), with d the number of {of}", of


def _alone(look: Look) -> Guesses:
    yield RIGHT, "", look.want


def _scaled(fit: Fit, seen: tuple[Look, ...]) -> Found:
    """Yield a guess as a cause if it explains up to a factor that has a meaning."""
    c, loose = _coefficient(fit, seen)
    if not loose < 1e-2 * abs(c) or not _explains(fit.times(c), seen):
        return
    right = fit.name == RIGHT
    if not right and _is_right(fit, seen):
        return
    known = [
        (name, words, of, c < 0.0 < value)
        for value, name, words, of in _constants(seen[0])
        if abs(abs(c) - value) <= loose or abs(c - value) <= loose
    ]
    lengths = dict.fromkeys(of for _, _, of, _ in known if of)
    if right and known and all(of for _, _, of, _ in known):  # it may be a length by chance
        known.append((f"factor {abs(c):.6g}", f"times {abs(c):.9g}", "", c < 0.0))
    apart = len({name for name, _, _, _ in known}) > 1
    separate = f"an input with another number of {' and of '.join(lengths)}" if apart else ""
    for name, words, _, flipped in known:
        text = f"{fit.text}, {words}{', with the sign flipped' if flipped else ''}"
        name = f"{name} and sign" if flipped else name
        yield Cause(name if right else fit.name, text, separate=separate)


def _factor(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield a factor that has no meaning that is known, of more than one entry."""
    for fit in _fits(_alone, seen):  # none where the shapes differ
        c, loose = _coefficient(fit, seen)
        if loose < min(1e-2 * abs(c), abs(c - 1.0)) and _explains(fit.times(c), seen, 1):
            yield Cause("factor", f"the right answer times {c:.9g}")


# -------------------------------------------------------------- one guess for all the entries


def _whole(case: Case, seen: tuple[Look, ...]) -> Found:
    wanted = _parallel(seen[0].got, noise=seen[0].noise)
    sources = (slips.of_right, slips.of_delta, slips.of_jacobian)
    fits = [fit for source in sources for fit in _fits(source, seen, wanted)]
    exact = [Cause(fit.name, fit.text) for fit in fits if _explains(fit, seen)]
    right = [cause for fit in fits if fit.name == RIGHT for cause in _scaled(fit, seen)]
    first = [*right, *exact] or [cause for fit in fits for cause in _scaled(fit, seen)]
    yield from [cause for cause in first if cause.name not in WEAK] or first


def _times_known(case: Case, seen: tuple[Look, ...]) -> Found:
    fits = _fits(slips.of_factors, seen, _parallel(seen[0].got, noise=seen[0].noise))
    exact = [Cause(fit.name, fit.text) for fit in fits if _explains(fit, seen)]
    yield from exact or [cause for fit in fits for cause in _scaled(fit, seen)]


def _elsewhere(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield what is right at another point: at the output, at a transposed weight."""
    if case.slopes is None or seen[0].want.size > SMALL // 10:
        return
    for name in (name for name in seen[0].values if name in case.values):
        for label, words, move in POINTS:
            if all(_right_at(case, look, name, move) for look in seen[:2]):
                yield Cause(label.format(name), f"it is right at {words.format(name)}")


# Where an argument may have been taken, given the argument and the output; few, each costs.
POINTS: tuple[tuple[str, str, Callable[[Array, Array], Array]], ...] = (
    ("at the output", "the output in place of {}", lambda a, f: f),
    ("inner slope missing", "{} = 0, as if all that is done to it were linear", lambda a, f: 0 * a),
    ("at -{}", "-{}", lambda a, f: -a),
    ("{} transposed", "{}^T", lambda a, f: np.swapaxes(a, -1, -2)),
)


def _right_at(case: Case, look: Look, name: str, move: Callable[[Array, Array], Array]) -> bool:
    """Whether what was got is right at another point, and not at this one."""
    assert case.slopes is not None
    a = look.values[name]
    output = look.value if name == case.argument and look.value is not None else np.array(np.nan)
    try:
        moved = move(a, output)
        if moved.shape != a.shape or np.array_equal(moved, a):
            return False
        values = {n: np.array(moved if n == name else look.values[n]) for n in case.values}
        if case.along and look.got.shape == look.want.shape:  # one direction tells most apart
            v = random(np.random.default_rng(3), look.want.shape)
            number, loose = case.along(values, look.delta, v)
            if abs((look.got * v).sum() - number) > loose + 1e-6 * np.abs(look.got * v).sum():
                return False
        want, error = case.slopes(values, look.delta)
    except Exception:  # the reader's function, where it may not be defined
        return False
    return _is_same(look, want, error)


def _is_same(look: Look, want: Array, error: Array) -> bool:
    """Whether what was got is an answer that was measured elsewhere, and not the right one."""
    if np.shape(want) != look.got.shape or not np.isfinite(want).all():
        return False
    fit = Fit("", "", (want,), (error + 1e3 * EPS * np.abs(want).max(initial=0.0),))
    return _explains(fit, (look,))


def _other_axes(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield the right rule with rows and columns exchanged: over the other axis."""
    look = seen[0]
    at, delta = look.at, look.delta
    if case.slopes is None or at.ndim < 2 or delta.shape != at.shape or at.size > SMALL // 10:
        return
    for j, k in combinations(range(at.ndim), 2):
        values = {n: np.array(a) for n, a in look.values.items() if n in case.values}
        values[case.argument] = np.swapaxes(at, j, k)
        try:
            want, error = case.slopes(values, np.swapaxes(delta, j, k))
        except Exception:  # the reader's function, where it may not be defined
            continue
        if _is_same(look, np.swapaxes(want, j, k), np.swapaxes(error, j, k)):
            words = f"{along(at.shape, j)} and {along(at.shape, k)}"
            yield Cause("other axis", f"the right rule with {words} exchanged: over the other axis")


# -------------------------------------------------------------------------------- precision


def _rounded(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield a lower precision: every number is one of it, and its errors have both signs."""
    yield from _imprecise(seen, exact=True)


def _noisy(case: Case, seen: tuple[Look, ...]) -> Found:
    yield from _imprecise(seen, exact=False)


def _imprecise(seen: tuple[Look, ...], exact: bool) -> Found:
    if any(look.got.shape != look.want.shape for look in seen):
        return
    off = np.concatenate([(look.got - look.want)[np.isfinite(look.want)] for look in seen])
    right = np.concatenate([look.want[np.isfinite(look.want)] for look in seen])
    off, right = off * np.sign(right), np.abs(right)  # of both signs, where a factor is of one
    largest = right.max(initial=0.0)
    if off.size < 4 or not (off > 0.0).any() or not (off < 0.0).any():
        return
    for dtype, digits in (("float32", 24), ("float16", 11), ("bfloat16", 8)):
        u = 2.0**-digits
        small = (np.abs(off) <= 256.0 * u * largest).all() and np.abs(off).max() > u * largest / 256
        if not small or (digits == 8 and not (np.abs(off) <= 2.0 * u * right).all()):
            continue
        numbers = np.frexp(np.concatenate([look.got.ravel() for look in seen]))[0] * 2.0**digits
        if exact and (numbers == np.round(numbers)).all():
            yield Cause(dtype, f"every number is one of {dtype}, and off by its rounding error")
            return
        if not exact and dtype == "float32":
            yield Cause(dtype, "off in both directions by about 2^-24: float32 inside")


# ------------------------------------------------------------------------------------ masks


def _masked(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield what explains entries that are wrong beside others that are right."""
    if any(look.got.shape != look.want.shape for look in seen):
        return
    wrongs = tuple(look.wrong for look in seen)
    wrong, first = sum(int(w.sum()) for w in wrongs), int(wrongs[0].sum())
    for name, text, others in _instead(seen, wrongs):
        pairs = [*zip(seen, others, wrongs, strict=True)]
        # Clipping leaves no other entry as it is.
        held = [np.isfinite(look.want) for look in seen] if name == "clipped" else wrongs
        if not all(
            (np.abs(look.got - other) <= 4.0 * look.error + 1e3 * EPS * np.abs(other))[h].all()
            for (look, other, _), h in zip(pairs, held, strict=True)
        ):
            continue
        if name == "mask missing":
            fine = tuple(~w & (np.abs(look.want) > look.error) for look, _, w in pairs)
        elif name == "clipped":
            fine = tuple(~w & (np.abs(other) > 0.0) for _, other, w in pairs)
        else:
            fine = tuple(
                np.isfinite(look.want) & ~w & (np.abs(other - look.want) > 8.0 * look.error)
                for look, other, w in pairs
            )
        plain = all(
            (np.abs(other - look.want) > 8.0 * look.error)[w].all() or name == "mask missing"
            for look, other, w in pairs
        )
        if not plain or not any(f.any() for f in fine):
            continue
        found = next(where(seen, wrongs, fine), "")
        if name in ("zeroed", "mask missing", "clipped") or (found and wrong > 2):
            name = "saturated" if name == "zeroed" and found.startswith("where |") else name
            yield Cause(name, f"{text} {found or f'({first} of {wrongs[0].size} entries)'}")
            return


def _instead(
    seen: tuple[Look, ...], wrongs: tuple[Mask, ...]
) -> Iterator[tuple[str, str, list[Array]]]:
    """Yield what may stand where the right answer should."""
    pairs = [*zip(seen, wrongs, strict=True)]
    yield "zeroed", "it is zero", [np.zeros(look.want.shape) for look in seen]
    if all((np.abs(look.want) <= look.error)[w].all() for look, w in pairs):
        yield "mask missing", "it should be zero", [look.got for look in seen]
    if seen[0].delta.ndim and seen[0].delta.shape == seen[0].want.shape:
        yield "passed through", "delta is passed through", [look.delta for look in seen]
    for c, words in ((-1.0, "sign"), (2.0, "factor 2"), (0.5, "factor 1/2")):
        yield words, f"the right answer is multiplied by {c:g}", [c * look.want for look in seen]
    bounds = np.concatenate([np.abs(look.got)[w] for look, w in pairs])
    if bounds.size > 1:
        bound = bounds.max()
        clipped = [np.clip(look.want, -bound, bound) for look in seen]
        yield "clipped", f"it is clipped to {bound:.6g}", clipped
        right = np.concatenate([look.want[w] for look, w in pairs])
        got = np.concatenate([look.got[w] for look, w in pairs])
        c = float(got @ right / (right @ right)) if right.any() else 0.0
        yield "factor", f"the right answer is multiplied by {c:.9g}", [c * k.want for k in seen]


def _weights(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield a factor of each entry that is the same at every look: a weight, whatever moves."""
    first, n = seen[0], seen[0].want.size
    moved = any(not np.array_equal(look.at, first.at) for look in seen)
    if first.got.shape != first.want.shape or not moved or n < 4:
        return
    factor = first.got / first.want

    def of(look: Look) -> Guesses:
        yield "weights", "", look.want * factor

    for fit in _fits(of, seen):
        later = replace(fit, arrays=(None, *fit.arrays[1:]), tolerances=(None, *fit.tolerances[1:]))
        if np.isfinite(factor).all() and _explains(later, seen):
            found = sorted({float(f"{x:.4g}") for x in factor.ravel()})
            numbers = ", ".join(f"{x:g}" for x in found[:5]) + (", ..." if len(found) > 5 else "")
            text = f"the right answer times weights of the entries that never change: {numbers}"
            yield Cause("weights", text)


# -------------------------------------------------------------------------- sums of terms


def _of_terms(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield one known term, or the right answer with one too many or too few."""
    first = seen[0]
    if first.got.shape != first.want.shape or first.want.size > SMALL:
        return
    wanted = _parallel(first.got, first.got - first.want, noise=first.noise)
    fits = _fits(slips.terms, seen, wanted)
    others = [fit for fit in fits if fit.name != RIGHT and not _is_one_number(fit)]
    exact, told = list[Cause](), list[Cause]()
    for fit in (fit for fit in others if _explains(fit, seen)):
        more = _more(case, fit, first)
        (told if more else exact).append(Cause(fit.name, f"it is {fit.text}{more}"))
    off = tuple(replace(k, got=k.got - k.want, want=np.zeros(k.want.shape)) for k in seen)
    lost, added, fitted = list[Cause](), list[Cause](), list[Cause]()
    for right in _fits(_alone, seen) if others else ():
        for fit in others:
            c, loose = _coefficient(fit, off)
            if loose < 1e-2 * abs(c) and _explains(right.plus(fit.times(c)), seen, 1):
                number = "." in _number(c, first)
                kind = lost if abs(c + 1.0) < 1e-6 else fitted if number else added
                kind.append(_added(fit, c, first))
    # What is one term of the right answer may well be what is left of it.
    yield from [*told, *lost, *exact, *added] or fitted
    if not (told or lost or exact or added or fitted):
        yield from (cause for fit in others for cause in _free(fit, seen))


def _is_one_number(fit: Fit) -> bool:
    """Whether a term is one number at every look: with a coefficient it explains any constant."""
    known = [np.ravel(a) for a in fit.arrays if a is not None]
    every = np.concatenate([np.zeros(0), *known])
    return fit.name != "constant" and every.size > 1 and not np.ptp(every) > 1e-12 * abs(every[0])


def _more(case: Case, fit: Fit, look: Look) -> str:
    """Say what else is known of a term that was got."""
    linear = f", linear in {case.argument}" if fit.text.startswith("the residual") else ""
    return linear or _symmetrised(fit, 1.0, look)


def _added(fit: Fit, c: float, look: Look) -> Cause:
    name = f"{'missing' if c < 0.0 else 'added'} {fit.name}"
    words, number = "lacks" if c < 0.0 else "has in addition", _number(abs(c), look)
    term = f"the term {fit.text.removeprefix('the product ')}"
    if "." in number:
        term = f"{number}times {term}: it, or a factor of it"
    elif number:
        term = f"{number}times {term}"
    flipped = ", as if the sign of that term were flipped" if number == "2 " else ""
    return Cause(name, f"it {words} {term}{flipped}")


def _free(fit: Fit, seen: tuple[Look, ...]) -> Found:
    c, loose = _coefficient(fit, seen)
    if loose < 1e-2 * abs(c) and not _is_right(fit, seen) and _explains(fit.times(c), seen, 2):
        more = _symmetrised(fit, c, seen[0])
        yield Cause(fit.name, f"it is {_number(c, seen[0])}{fit.text}{more}")


def _symmetrised(fit: Fit, c: float, look: Look) -> str:
    """Say whether a square matrix M in a term should be M^T, or M + M^T."""
    own, small = fit.arrays[0], 4.0 * look.error + 1e-9 * np.abs(look.want).max()
    for name, M in look.values.items():
        if own is not None and np.ndim(M) == 2 and len(M) == np.shape(M)[1] and name in fit.name:
            other = replace(look, values={**look.values, name: M.T})
            for turned in [a for n, t, a in slips.terms(other) if (n, t) == (fit.name, fit.text)][
                :1
            ]:
                if (np.abs(c * turned - look.want) <= small).all():
                    return f", where the right one has {name}^T: it is transposed"
                both = own + turned
                if any((np.abs(k * both - look.want) <= small).all() for k in (c, c / 2.0)):
                    return f", where the right one has {name} + {name}^T: {name} is not symmetric"
    return ""


def _number(c: float, look: Look) -> str:
    """Return a coefficient in words, to stand before a term."""
    for value, words in (
        (1.0, ""),
        (2.0, "2 "),
        (0.5, "1/2 "),
        *((1.0 / s, f"1/{s} ") for s, _ in _lengths(look)),
    ):
        if abs(abs(c) - value) <= 1e-6 * value:
            return f"{'-' if c < 0.0 else ''}{words}"
    return f"{c:.6g} "


def _of_two_terms(case: Case, seen: tuple[Look, ...], plain: bool = True) -> Found:
    """Yield got = a one + b two, with a and b fitted, or `plain`: a number such as 1 or 1/N."""
    first = seen[0]
    if first.got.shape != first.want.shape or not 2 < first.want.size <= SMALL:
        return
    each = [{(n, t): np.ravel(a) for n, t, a in slips.terms(look)} for look in seen[:2]]
    got = np.concatenate([look.got.ravel() for look, _ in zip(seen, each, strict=False)])
    keys = [key for key in each[0] if all(key in terms for terms in each)]
    rows = np.stack([np.concatenate([terms[key] for terms in each]) for key in keys])
    norms = np.sqrt((rows * rows).sum(axis=1))
    good = np.flatnonzero(np.isfinite(norms) & (norms > 0.0))
    if got.size < 6 or not got.any():
        return
    A, y = rows[good] / norms[good, None], got / np.linalg.norm(got)
    G, r = A @ A.T, A @ y
    rest = 1.0 - (r[:, None] ** 2 + r**2 - 2.0 * G * np.outer(r, r)) / (1.0 - G**2)
    rest[1.0 - G**2 < 1e-6] = 1.0
    limit = max(1e-10, (100.0 * first.noise) ** 2)
    pairs = np.argwhere(np.triu(rest < limit, 1))[:20]
    wanted = {keys[good[k]] for pair in pairs for k in pair}

    def of(look: Look) -> Guesses:
        return ((n, t, a) for n, t, a in slips.terms(look) if (n, t) in wanted)

    fits = {(fit.name, fit.text): fit for fit in _fits(of, seen)} if wanted else {}
    for j, k in pairs:
        one, two = (fits[keys[good[i]]] for i in (j, k))
        a, b = np.linalg.lstsq(rows[good[[j, k]]].T, got, rcond=None)[0]
        both = one.times(float(a)).plus(two.times(float(b)))
        if _explains(both, seen, 4) and min(abs(a), abs(b)) > 1e-6 * max(abs(a), abs(b)):
            numbers = [_number(float(c), first) for c in (a, b)]
            if plain and "".join(numbers).count("."):
                continue
            if a < 0.0 < b:
                one, two, numbers = two, one, numbers[::-1]
            (left, _, said), (right, _, more) = (fit.text.partition(", ") for fit in (one, two))
            text = f"it is {numbers[0]}{left} + {numbers[1]}{right}".replace("+ -", "- ")
            text = ", ".join([text, *dict.fromkeys(filter(None, (said, more)))])
            known = any(name in two.text for name in ("label", *case.known))
            if abs(a + b) <= 1e-6 * abs(a) and known:
                times = "" if abs(abs(a) - 1.0) < 1e-6 else f"{numbers[0]}times "
                text = f"it is {times}the residual {one.text} - {two.text}"
                if one.text == case.argument:
                    text += f", linear in {case.argument}"
            yield Cause("sum of terms", text)
            yield from _factor_of_each(case, seen)
            return


# ----------------------------------------------------------------- what is off is of one kind

PATHS = {
    "mean path": "off by a constant: what reaches it through a mean or a sum is wrong or lost",
    "variance path": "off in proportion to the deviation from the mean: what reaches it through "
    "the variance is wrong or lost",
    "norm path": "off in proportion to the argument: what reaches it through its norm, or mean "
    "square, is wrong or lost",
    "output path": "off in proportion to the output, as softmax without its sum",
    "softmax path": "off in proportion to softmax of the argument: what reaches it through the "
    "sum of e^z is wrong or lost",
    "mean and variance paths": "off by a constant and in proportion to the deviation from the "
    "mean: what reaches it through both is wrong or lost",
    "eps misplaced": "off by the scale of what reaches it along each way: eps is elsewhere, or "
    "another one, or N - 1 stands for N",
}


def _paths(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield a path that is lost: along an axis, got - right has a direction that is known."""
    want = seen[0].want
    if seen[0].got.shape != want.shape:
        return
    for name in PATHS:
        for axis, size in enumerate(want.shape):

            def of(look: Look, axis: int = axis, name: str = name) -> Guesses:
                if (basis := _directions(look, axis).get(name)) is not None:
                    off = np.where(np.isfinite(look.want), look.got - look.want, 0.0)
                    yield name, "", look.want + _spanned(off, basis, axis)

            rank = 2 if " and " in name or "eps" in name else 1
            for fit in _fits(of, seen):
                used = sum(a is not None for a in fit.arrays)
                fitted = rank * used * want.size // max(size, 1)
                if size > rank + 1 and _explains(fit, seen, fitted):
                    yield Cause(name, f"{PATHS[name]} (over the {along(want.shape, axis)})")
                    return


def _directions(look: Look, axis: int) -> dict[str, list[Array]]:
    """Return what got - right may be in proportion to, along an axis."""
    shape, at = look.want.shape, look.at
    one, found = np.ones(shape), {"mean path": [np.ones(shape)]}
    if at.shape == shape:
        deviation = at - at.mean(axis=axis, keepdims=True)
        found |= {
            "variance path": [deviation],
            "norm path": [at],
            "softmax path": [softmax(at, axis=axis)],
            "mean and variance paths": [one, deviation],
            "eps misplaced": [look.want, deviation],
        }
    if look.value is not None and look.value.shape == shape:
        found["output path"] = [look.value]
    return found


def _spanned(off: Array, basis: list[Array], axis: int) -> Array:
    """Return the part of an array that directions span along an axis."""
    part, done = np.zeros_like(off), list[Array]()
    for b in basis:
        for d in done:
            b = b - d * (b * d).sum(axis=axis, keepdims=True)
        norm = np.sqrt((b * b).sum(axis=axis, keepdims=True))
        done.append(b / np.where(norm > 0.0, norm, 1.0))
        part = part + done[-1] * (off * done[-1]).sum(axis=axis, keepdims=True)
    return np.asarray(part)


def _one_branch(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield where it is wrong, if a rule tells wrong entries from right ones."""
    found = place(seen) if seen[0].got.shape == seen[0].want.shape else ""
    if found and not found.startswith("everywhere"):
        yield Cause("one branch", f"wrong only {found}, right elsewhere")


def _integers(case: Case, seen: tuple[Look, ...]) -> Found:
    if case.got.dtype.kind in "iub":
        yield Cause("integers", f"the result is of integers, {case.got.dtype}")


def _factor_of_each(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield a factor of each row or column that is fitted, on what is right or on delta."""
    want = seen[0].want
    if want.ndim < 2 or want.shape != seen[0].got.shape:
        return
    for axes in [c for r in range(1, want.ndim) for c in combinations(range(want.ndim), r)]:
        kept = " and ".join(along(want.shape, k) for k in range(want.ndim) if k not in axes)

        def of(look: Look, axes: tuple[int, ...] = axes, kept: str = kept) -> Guesses:
            bases = [("factor of each", "the right answer", look.want)]
            if look.delta.shape == look.want.shape:
                bases.append(("paths lost", "delta", look.delta))
            for name, words, base in bases:
                base = np.where(np.isfinite(base), base, 0.0)
                c = (look.got * base).sum(axis=axes, keepdims=True)
                c = c / (base * base).sum(axis=axes, keepdims=True)
                yield name, f"{words} times a factor of each of the {kept}", c * base

        fitted = math.prod(s for k, s in enumerate(want.shape) if k not in axes) * len(seen)
        for fit in _fits(of, seen):
            if _explains(fit, seen, fitted):
                yield Cause(fit.name, fit.text)


# From simple to less simple.
KINDS = (
    _whole, forms.swapped, _rounded, forms.of_matrix, _factor, _times_known, _masked, _weights, _of_terms,
    _of_two_terms, _other_axes, _paths, forms.elsewhere_off, _elsewhere, _factor_of_each, _integers,
    _noisy, forms.not_symmetric, partial(_of_two_terms, plain=False), _one_branch,
)  # fmt: skip
