"""Where a derivative is wrong: the rule that tells wrong entries from right ones, in words."""

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import slips
from reference_impl.check.looks import Look, Mask
from reference_impl.check.slips import along


def place(seen: tuple[Look, ...]) -> str:
    """Say by what rule the wrong entries are apart, if they are by one."""
    wrongs = tuple(look.wrong for look in seen)
    fine = tuple(~w & (look.want != 0.0) for look, w in zip(seen, wrongs, strict=True))
    return next(where(seen, wrongs, fine), "")


def where(
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
        if size % 2 == 0 and size > 2:
            half = np.broadcast_to(index[axis] < size // 2, shape)
            found[f"in the first half of the {words}"] = np.asarray(1.0 * half)
            found[f"in the second half of the {words}"] = np.asarray(1.0 * ~half)
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
    if not look.delta.ndim:
        others = {n: a for n, a in look.values.items() if np.shape(a) == shape and a is not look.at}
        arrays |= {f"the residual (argument - {n})": look.at - a for n, a in others.items()}
    for words, known in arrays.items():
        a = np.asarray(np.nan if known is None else known)
        if a.shape == shape and shape:
            for axis in range(a.ndim):
                over = f"of {words} among the {along(shape, axis)}"
                found[f"in the largest {over}"] = 1.0 * (a == a.max(axis=axis, keepdims=True))
                found[f"in the smallest {over}"] = 1.0 * (a == a.min(axis=axis, keepdims=True))
            found[words], found[f"|{words}|"] = a, np.abs(a)
    return found
