"""Inputs asked for in words: ``z=normal(5,3)``, ``y=integers(0,3,5)``, ``X=data.npy``, ``eps=0.1``."""

import math
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = {"normal": "", "uniform": "low,high,", "integers": "low,high,"}
FORMS = "NAME=normal(5,3), uniform(0,1,5,3), integers(0,3,5), a number, or a path to .npy or .npz"
NAMED = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*", re.DOTALL)
DRAWN = re.compile(r"([A-Za-z_]\w*)\s*\((.*)\)", re.DOTALL)
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
LARGEST = 10**8  # entries of an array


def arrays(texts: Iterable[str], seed: int) -> dict[str, NDArray[Any] | float]:
    """Return the arrays and numbers that texts ask for, by name.

    Parameters
    ----------
    texts : iterable of str
        Each ``NAME=normal(sizes)``, ``NAME=uniform(low,high,sizes)``,
        ``NAME=integers(low,high,sizes)`` with high left out, ``NAME=NUMBER``, or ``NAME=PATH`` of
        a .npy file or of a .npz file that has an array of this name or just one. Sizes are apart by
        commas; without any, it is one number.
    seed : int
        For the random numbers, which are drawn in the order of the texts.

    Returns
    -------
    dict of str to ndarray, float or int

    Raises
    ------
    ValueError
        For a text of another form, a name that is given twice, and a file that cannot be read.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, NDArray[Any] | float] = {}
    for text in texts:
        named = NAMED.fullmatch(text)
        if not named or not named[2]:
            raise ValueError(f"--input: expected {FORMS}, given {text!r}")
        name, asked = named.groups()
        if name in found:
            raise ValueError(f"--input {name}: expected each name once, given twice")
        if asked.endswith((".npy", ".npz")):
            found[name] = _stored(name, Path(asked))
        elif (drawn := DRAWN.fullmatch(asked)) and drawn[1] in DRAWS:
            found[name] = _drawn(name, drawn[1], drawn[2], rng)
        elif NUMBER.fullmatch(asked):
            found[name] = int(asked) if WHOLE.fullmatch(asked) else float(asked)
        else:
            raise ValueError(f"--input {name}: expected {FORMS}, given {asked!r}")
    return found


def _drawn(name: str, draw: str, text: str, rng: np.random.Generator) -> NDArray[Any]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    bounds = DRAWS[draw].count(",")
    form = f"--input {name}: expected {draw}({DRAWS[draw]}sizes)"
    if len(parts) < bounds:
        raise ValueError(f"{form}, given {draw}({text})")
    shape = tuple(_size(form, part) for part in parts[bounds:])
    if math.prod(shape) > LARGEST:
        raise ValueError(f"{form} of at most {LARGEST:,} numbers, given {math.prod(shape):,}")
    if draw == "normal":
        return np.asarray(rng.standard_normal(shape))
    low, high = ((_bound if draw == "uniform" else _whole)(form, part) for part in parts[:2])
    if not low < high:
        raise ValueError(f"{form} with low < high, given low = {parts[0]}, high = {parts[1]}")
    if draw == "uniform":
        return np.asarray(rng.uniform(low, high, shape))
    return np.asarray(rng.integers(int(low), int(high), shape))


def _size(form: str, text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
        raise ValueError(f"{form} with sizes from 1 on, given {text!r}")
    return int(text)


def _whole(form: str, text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise ValueError(f"{form} with whole bounds, given {text!r}")
    return int(text)


def _bound(form: str, text: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not abs(bound) <= 1e300:  # the difference of two has to be a number, too
        raise ValueError(f"{form} with numbers as bounds, given {text!r}")
    return bound


def _stored(name: str, path: Path) -> NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            key = loaded.files[0] if len(loaded.files) == 1 else name
            if key not in loaded.files:
                have = ", ".join(loaded.files) or "none"
                raise ValueError(f"expected an array {name!r} in the file, which has {have}")
            return np.asarray(loaded[key])
    except OSError as problem:
        raise ValueError(f"--input {name}: {path}: {problem.strerror or problem}") from None
    except (EOFError, ValueError, zipfile.BadZipFile) as problem:
        raise ValueError(f"--input {name}: {path}: {problem}") from None
