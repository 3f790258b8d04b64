"""Why a derivative is wrong: what its author did is inferred from the numbers.

A guess is what a slip would give. It is a cause when it explains every entry, of the case and of
further looks at other deltas and other values, within the error that was measured; what is fitted
counts against it. The simplest kind of guess that explains is taken, and the others of that kind
that explain as well are its rivals. Where nothing explains, nothing is said.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy.special import softmax

from reference_impl.arguments import Array
from reference_impl.check import slips
from reference_impl.check.looks import SMALL, Look, Mask, looks, resized
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
# Names that say enough: nothing is missing or added.
SPEAKING = {"hard labels", "another function", "at the output", "product rule"}
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
            found = {cause.name: cause for cause in reversed([*kind(case, seen)])}
        if found:
            best, *others = reversed(found.values())
            return (replace(best, rivals=tuple(other.name for other in others)), *others)
    return ()


def evidence(case: Case) -> str:
    """Say where a derivative is wrong, in words; nothing where it is wrong everywhere."""
    seen = looks(case)
    if case.got.shape != case.want.shape:
        return f"its shape is {case.got.shape}, expected {case.want.shape}"
    wrongs = tuple(look.wrong for look in seen)
    fine = tuple(~w & (look.want != 0.0) for look, w in zip(seen, wrongs, strict=True))
    return next(_where(seen, wrongs, fine), "")


# ------------------------------------------------------------------------------ what explains


@lru_cache(maxsize=2)
def _terms(seen: tuple[Look, ...]) -> list[Fit]:
    return _fits(slips.terms, seen, shaken=False)


def _fits(
    source: Callable[[Look], Guesses], seen: tuple[Look, ...], shaken: bool = True
) -> list[Fit]:
    """Return the guesses of a source with their tolerances: how far they move when shaken.

    What is not made of what was measured need not be shaken.
    """
    each = []
    for look in seen:
        plain = {(name, text): array for name, text, array in source(look)}
        others = [look.shaken(k) for k in (1, 2)] if shaken else []
        each.append((plain, [{(n, t): a for n, t, a in source(other)} for other in others]))
    fits = []
    for key, first in each[0][0].items():
        if np.shape(first) != seen[0].got.shape:
            continue
        arrays: list[Array | None] = []
        tolerances: list[Array | None] = []
        for look, (plain, moved) in zip(seen, each, strict=True):
            array = plain.get(key)
            if array is None or any(key not in other for other in moved):
                arrays.append(None)
                tolerances.append(None)
                continue
            arrays.append(array)
            spread = sum((np.abs(other[key] - array) for other in moved), np.zeros(()))
            floor = 1e3 * EPS * np.nanmax(np.abs(array), initial=0.0)
            tolerances.append(4.0 * spread + look.noise * np.abs(array) + floor)
        fits.append(Fit(*key, tuple(arrays), tuple(tolerances)))
    return fits


def _explains(fit: Fit, seen: tuple[Look, ...], fitted: int = 0) -> bool:
    """Whether a guess gives every entry of every look, and more of them than were fitted.

    Only entries count in which the guess is not what is right.
    """
    told = 0
    for look, array, tolerance in zip(seen, fit.arrays, fit.tolerances, strict=True):
        if array is None or tolerance is None:
            continue
        known = np.isfinite(array)
        if 2 * known.sum() < known.size or not known.any():
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
    return named


def _constants(look: Look) -> Iterator[tuple[float, str, str]]:
    """Yield the factors that have a meaning, each with a name and words."""
    yield -1.0, "sign", "with the sign flipped"
    yield 2.0, "factor 2", "times 2"
    yield 0.5, "factor 1/2", "times 1/2"
    lengths = _lengths(look)
    for s, words in lengths:
        yield 1.0 / s, f"mean over {words}", f"divided by the number of {words}, {s}"
        yield s, f"sum over {words}", f"times the number of {words}, {s}"
    for s, words in lengths:
        if s > 2:
            yield (s - 1) / s, "N - 1 for N", f"times {s - 1}/{s}: N - 1 and N of the {words}"
            yield s / (s - 1), "N - 1 for N", f"times {s}/{s - 1}: N - 1 and N of the {words}"
            yield math.sqrt(s / (s - 1)), "N - 1 for N", f"times sqrt({s}/{s - 1}), the {words}"
            yield math.sqrt((s - 1) / s), "N - 1 for N", f"times sqrt({s - 1}/{s}), the {words}"
        yield math.sqrt(s), "missing 1/sqrt(d)", f"times sqrt({s}), with d the number of {words}"
        yield 1 / math.sqrt(s), "extra 1/sqrt(d)", f"over sqrt({s}), with d the number of {words}"


def _separated(
    known: list[tuple[int, str, str, bool]], fit: Fit, case: Case
) -> list[tuple[int, str, str, bool]]:
    """Drop the factors that one data point more does not confirm, if it can be asked for."""
    more = (
        resized(case) if len({name for _, name, _, _ in known}) > 1 and fit.name == RIGHT else None
    )
    if more is None:
        return known
    c, loose = _coefficient(_fits(_alone, (more,))[0], (more,))
    values = [value for value, _, _ in _constants(more)]
    if len(values) <= max(k for k, _, _, _ in known):
        return known
    kept = [one for one in known if abs(values[one[0]] - abs(c)) <= 10.0 * loose]
    return kept or known


def _alone(look: Look) -> Guesses:
    yield RIGHT, "", look.want


def _scaled(case: Case, fit: Fit, seen: tuple[Look, ...]) -> Found:
    """Yield a guess as a cause if it explains up to a factor that has a meaning."""
    c, loose = _coefficient(fit, seen)
    if not loose < 1e-2 * abs(c) or not _explains(fit.times(c), seen):
        return
    right = fit.name == RIGHT
    if not right and _is_right(fit, seen):
        return
    known = [
        (k, name, words, c < 0.0 < value)
        for k, (value, name, words) in enumerate(_constants(seen[0]))
        if abs(abs(c) - value) <= loose or abs(c - value) <= loose
    ]
    known = _separated(known, fit, case)
    rivals = len({name for _, name, _, _ in known}) > 1
    separate = (
        f"an input in which {' and '.join(w for _, _, w, _ in known)} differ" if rivals else ""
    )
    for _, name, words, flipped in known:
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
    sources = (slips.of_right, slips.of_delta, slips.of_jacobian)
    fits = [fit for source in sources for fit in _fits(source, seen)]
    exact = [Cause(fit.name, fit.text) for fit in fits if _explains(fit, seen)]
    right = [cause for fit in fits if fit.name == RIGHT for cause in _scaled(case, fit, seen)]
    first = [*right, *exact] or [cause for fit in fits for cause in _scaled(case, fit, seen)]
    yield from [cause for cause in first if cause.name not in WEAK] or first


def _times_known(case: Case, seen: tuple[Look, ...]) -> Found:
    fits = _fits(slips.of_factors, seen)
    exact = [
        Cause(fit.name, fit.text)
        for fit in fits
        if _explains(fit, seen, 2 if fit.name == "weight held constant" else 0)
    ]
    for fit in () if exact else fits:
        c, loose = _coefficient(fit, seen)
        several = len(seen) > 1  # else it is a factor like any other
        if (
            several
            and fit.name == "normalised"
            and loose < 1e-6 * abs(c)
            and _explains(fit.times(c), seen, 1)
        ):
            yield Cause("clipped by its norm", f"the right answer, scaled to the norm {c:.6g}")
    yield from exact or [cause for fit in fits for cause in _scaled(case, fit, seen)]


def _elsewhere(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield what is right at another point: at the output, at a transposed weight."""
    if case.slopes is None or seen[0].want.size > SMALL // 10:
        return
    names = [name for name in seen[0].values if name in case.values]
    for name in names:
        a, output = seen[0].values[name], seen[0].value if name == case.argument else None
        for label, words, _ in slips.other_points(name, a, output):
            if all(_right_at(case, look, name, words) for look in seen[:2]):
                yield Cause(label, f"it is right at {words}")


def _right_at(case: Case, look: Look, name: str, words: str) -> bool:
    """Whether what was got is right at another point, and not at this one."""
    assert case.slopes is not None
    output = look.value if name == case.argument else None
    points = {w: x for _, w, x in slips.other_points(name, look.values[name], output)}
    values = {n: np.array(points[words] if n == name else look.values[n]) for n in case.values}
    try:
        want, error = case.slopes(values, look.delta)
    except Exception:  # the reader's function, where it may not be defined
        return False
    if np.shape(want) != look.got.shape or not np.isfinite(want).all():
        return False
    fit = Fit("", "", (want,), (error + 1e3 * EPS * np.abs(want).max(initial=0.0),))
    return _explains(fit, (look,))


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
    right = np.concatenate([np.abs(look.want)[np.isfinite(look.want)] for look in seen])
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
    wrong = sum(int(w.sum()) for w in wrongs)
    for name, text, others in _instead(seen, wrongs):
        pairs = [*zip(seen, others, wrongs, strict=True)]
        if not all(
            (np.abs(look.got - other) <= 4.0 * look.error + 1e3 * EPS * np.abs(other))[w].all()
            for look, other, w in pairs
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
        place = next(_where(seen, wrongs, fine), "")
        if name in ("zeroed", "mask missing", "clipped") or (place and wrong > 2):
            name = "saturated" if name == "zeroed" and place.startswith("where |") else name
            yield Cause(name, f"{text} {place or f'({wrong} entries)'}")
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


def _where(
    seen: tuple[Look, ...], wrongs: tuple[Mask, ...], fine: tuple[Mask, ...]
) -> Iterator[str]:
    """Say by which rule wrong entries are apart from right ones, if they are by one."""
    wrong, right = int(wrongs[0].sum()), int(fine[0].sum())
    every = [_features(look) for look in seen]
    telling = wrong and right and math.comb(wrong + right, wrong) > 100
    for words in every[0] if telling else ():
        trios = [
            (e[words], w, f) for e, w, f in zip(every, wrongs, fine, strict=True) if words in e
        ]
        bad = np.concatenate([v[w] for v, w, _ in trios])
        good = np.concatenate([v[f] for v, _, f in trios])
        if not bad.size or not good.size:
            continue
        if words.startswith("in "):
            if (bad == 1.0).all() and (good == 0.0).all():
                yield words
            elif (bad == 0.0).all() and (good == 1.0).all():
                yield f"everywhere but {words}"
        elif bad.min() > good.max():
            yield f"where {words} > {_between(good.max(), bad.min())}"
        elif bad.max() < good.min():
            yield f"where {words} < {_between(bad.max(), good.min())}"


def _between(low: float, high: float) -> str:
    """Return the shortest number between two."""
    if low <= 0.0 <= high:
        return "0"
    near = (float(f"{(low + high) / 2:.{digits}g}") for digits in range(1, 17))
    return f"{next((x for x in near if low <= x <= high), low):.15g}"


def _features(look: Look) -> dict[str, Array]:
    """Return what may decide which entries are wrong: places as 0 and 1, else numbers."""
    shape, found = look.want.shape, dict[str, Array]()
    index = [slips.positions(len(shape), axis, size) for axis, size in enumerate(shape)]
    for axis, size in enumerate(shape):
        words = along(shape, axis)
        for k in sorted({*range(min(size, 12)), size - 1}) if size > 1 else ():
            place = np.broadcast_to(index[axis] == k, shape)
            found[f"in number {k} of the {words}"] = np.asarray(1.0 * place)
    for one, two in combinations(range(len(shape)), 2):
        i, j, axes = index[one], index[two], f"axes {one} and {two}"
        if shape[one] == shape[two] > 1:
            for part, inside in (
                ("the diagonal", i == j),
                ("the triangle above the diagonal", i < j),
                ("the triangle below the diagonal", i > j),
            ):
                found[f"in {part} of {axes}"] = np.asarray(1.0 * np.broadcast_to(inside, shape))
    arrays: dict[str, Array | None] = {"the argument": look.at, "the output": look.value}
    arrays |= {"delta": look.delta, **look.values}
    for words, known in arrays.items():
        a = np.asarray(np.nan if known is None else known)
        if a.shape == shape and shape:
            for axis in range(a.ndim):
                over = f"of {words} among the {along(shape, axis)}"
                found[f"in the largest {over}"] = 1.0 * (a == a.max(axis=axis, keepdims=True))
                found[f"in the smallest {over}"] = 1.0 * (a == a.min(axis=axis, keepdims=True))
            found[words], found[f"|{words}|"] = a, np.abs(a)
    return found


# -------------------------------------------------------------------------- sums of terms


def _of_terms(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield one known term, or the right answer with one too many or too few."""
    if seen[0].got.shape != seen[0].want.shape or seen[0].want.size > SMALL:
        return
    right, *others = _terms(seen)
    exact = [Cause(fit.name, f"it is {fit.text}") for fit in others if _explains(fit, seen)]
    off = tuple(replace(k, got=k.got - k.want, want=np.zeros(k.want.shape)) for k in seen)
    added = []
    for fit in others:
        c, loose = _coefficient(fit, off)
        if loose < 1e-2 * abs(c) and _explains(right.plus(fit.times(c)), seen, 1):
            added.append(_added(fit, c, seen[0]))
    alone = [] if exact or added else [cause for fit in others for cause in _free(fit, seen)]
    yield from [*exact, *added, *alone]


def _added(fit: Fit, c: float, look: Look) -> Cause:
    name = fit.name if fit.name in SPEAKING else f"{'missing' if c < 0.0 else 'added'} {fit.name}"
    words = "lacks" if c < 0.0 else "has in addition"
    flipped = ", as if the sign of that term were flipped" if abs(abs(c) - 2.0) < 1e-6 else ""
    return Cause(name, f"it {words} {_number(abs(c), look)}{fit.text}{flipped}")


def _free(fit: Fit, seen: tuple[Look, ...]) -> Found:
    c, loose = _coefficient(fit, seen)
    if loose < 1e-2 * abs(c) and not _is_right(fit, seen) and _explains(fit.times(c), seen, 2):
        yield Cause(fit.name, f"it is {_number(c, seen[0])}{fit.text}")


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


def _of_two_terms(case: Case, seen: tuple[Look, ...]) -> Found:
    yield from _sums(seen, plain=True)


def _of_two_terms_at_large(case: Case, seen: tuple[Look, ...]) -> Found:
    yield from _sums(seen, plain=False)


def _sums(seen: tuple[Look, ...], plain: bool) -> Found:
    """Yield got = a one + b two, with a and b fitted, or `plain`: a number such as 1 or 1/N."""
    if seen[0].got.shape != seen[0].want.shape or not 2 < seen[0].want.size <= SMALL:
        return
    fits = _terms(seen)
    here = [k for k in range(len(seen)) if all(fit.arrays[k] is not None for fit in fits)]
    known = [np.isfinite(seen[k].want) for k in here]
    got = np.concatenate([seen[k].got[s] for k, s in zip(here, known, strict=True)])
    rows = [
        np.concatenate([np.asarray(fit.arrays[k])[s] for k, s in zip(here, known, strict=True)])
        for fit in fits
    ]
    good = [k for k, row in enumerate(rows) if np.isfinite(row).all() and row.any()]
    if got.size < 6 or not got.any():
        return
    A = np.stack([rows[k] / np.linalg.norm(rows[k]) for k in good])
    y = got / np.linalg.norm(got)
    G, r = A @ A.T, A @ y
    rest = 1.0 - (r[:, None] ** 2 + r**2 - 2.0 * G * np.outer(r, r)) / (1.0 - G**2)
    rest[(1.0 - G**2 < 1e-6)] = 1.0
    order = [(j, k) for j, k in np.argwhere(np.triu(rest < 1e-8, 1))]
    for j, k in order:
        one, two = fits[good[j]], fits[good[k]]
        a, b = np.linalg.lstsq(np.stack([rows[good[j]], rows[good[k]]], 1), got, rcond=None)[0]
        both = one.times(float(a)).plus(two.times(float(b)))
        if _explains(both, seen, 4) and min(abs(a), abs(b)) > 1e-6 * max(abs(a), abs(b)):
            first, second = (_number(float(c), seen[0]) for c in (a, b))
            if plain and (first + second).count("."):
                continue
            text = f"it is {first}{one.text} + {second}{two.text}".replace("+ -", "- ")
            names = [f.name for f in (one, two) if f.name in SPEAKING]
            yield Cause(names[0] if names else "sum of terms", text)
            return


def _other_rules(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield the rule of another axis, another eps, another layer."""
    for fit in _fits(slips.rules, seen):
        if _explains(fit, seen):
            yield Cause(fit.name, fit.text)


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

            rank = 2 if " and " in name else 1
            for fit in _fits(of, seen):
                used = sum(a is not None for a in fit.arrays)
                fitted = rank * used * want.size // max(size, 1)
                if size > rank + 1 and _explains(fit, seen, fitted):
                    yield Cause(name, f"{PATHS[name]} (over the {along(want.shape, axis)})")
                    return
    yield from _slightly(seen)


def _slightly(seen: tuple[Look, ...]) -> Found:
    """Yield an eps or a count that is not the one of forward: a little off, in the same paths."""
    want = seen[0].want
    if any(np.abs(k.got - k.want).max() > 0.3 * np.abs(k.want).max() for k in seen):
        return
    for axis, size in enumerate(want.shape):
        for centred in (True, False):

            def of(look: Look, axis: int = axis, centred: bool = centred) -> Guesses:
                if look.at.shape == look.want.shape:
                    at = look.at - centred * look.at.mean(axis=axis, keepdims=True)
                    off = look.got - look.want
                    yield "", "", look.want + _spanned(off, [look.want, at], axis)

            for fit in _fits(of, seen):
                if size > 3 and _explains(fit, seen, 2 * len(seen) * want.size // size):
                    over = f"over the {along(want.shape, axis)}"
                    scale = "deviation" if centred else "mean square"
                    yield Cause(
                        "eps misplaced",
                        f"a little off, by the scale of each {scale} {over}: eps is elsewhere, or "
                        "another one, or N - 1 stands for N",
                        ("N - 1 for N",),
                    )
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


def _of_second_derivatives(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield what a Hessian lacks: an outer product, or the curvature of the model."""
    n = round(math.sqrt(case.want.size))
    if not case.rule.startswith("hessian") or case.got.size != n * n or n < 3:
        return
    got, want = case.got.reshape(n, n), case.want.reshape(n, n)
    off, tolerance = got - want, n * float(np.nanmax(case.error))
    if not np.isfinite(off).all() or np.abs(off - off.T).max() > tolerance:
        return
    sizes = np.linalg.eigvalsh((off + off.T) / 2.0)
    if (np.abs(sizes) > tolerance).sum() == 1:
        yield Cause(
            "missing outer product", "off by one outer product q q^T, as - S S^T in softmax"
        )
    elif (
        np.linalg.eigvalsh((got + got.T) / 2.0).min() >= -tolerance
        and np.linalg.eigvalsh((want + want.T) / 2.0).min() < -tolerance
    ):
        yield Cause(
            "Gauss-Newton",
            "positive semidefinite, and the right one is not: second derivatives of the model are "
            "left out, as in Gauss-Newton",
        )


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
    _whole, _rounded, _times_known, _factor, _masked, _of_second_derivatives, _of_terms, _other_rules,
    _of_two_terms, _paths, _elsewhere, _factor_of_each, _noisy, _of_two_terms_at_large,
)  # fmt: skip
