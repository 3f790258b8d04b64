"""What a file of vectors is made of: a function, its arguments, and inputs, valid and not."""

import copy
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import designs
import numpy as np

Input = dict[str, Any]  # nested lists of floats; integers where a label or an axis is meant
INTEGERS = ("y", "axis", "n_classes", "stride", "padding")  # arguments that are no real numbers


@dataclass(frozen=True)
class Argument:
    """The shape of an argument, in words, and whether it may be infinite or left out."""

    shape: str
    infinite: bool = False
    optional: bool = False

    def __str__(self) -> str:
        return self.shape + (", optional" if self.optional else "")


@dataclass(frozen=True)
class Valid:
    """An input that has an answer; for a verdict, with what proves it."""

    comment: str
    input: Input
    certificate: dict[str, list[int]] | None = None


@dataclass(frozen=True)
class Invalid:
    """An input that a function has to refuse: why, and whether that is its shape, its domain, ..."""

    comment: str
    input: Input
    kind: str  # shape, domain, not finite, type
    reason: str


@dataclass(frozen=True)
class File:
    """The vectors of a function, named after the statement that it computes."""

    statement: str
    function: str
    quantity: str
    arguments: dict[str, Argument]
    formula: Callable[..., Any]  # of `arithmetic.Number`: the careful form
    oracle: Callable[..., Any]  # of mpmath numbers: the definition
    why: str
    valid: list[Valid]
    invalid: list[Invalid] = field(default_factory=list)


def rng(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def eighths(name: str, *shape: int, largest: int = 3) -> Any:
    """Random multiples of 1/8 without zeros, as nested lists."""
    return designs.eighths(rng(name), *shape, largest=largest).tolist()


def full(name: str, *shape: int, scale: float = 1.0) -> Any:
    """Random floats with full mantissas, as nested lists."""
    return (scale * rng(name).normal(size=shape)).tolist()


# ------------------------------------------------------------------ what is to be refused


def refusals(file_arguments: dict[str, Argument], base: Input) -> Iterator[Invalid]:
    """What no function accepts in an argument that is an array of numbers."""
    for name, given in base.items():
        if not isinstance(given, list):
            continue
        argument = file_arguments[name]
        shape = np.shape(given)
        last = tuple(size - 1 for size in shape)
        first = tuple(0 for _ in shape)

        def spoiled(value: Any, name: str = name) -> Input:
            return {**base, name: value}

        yield Invalid(
            f"{name}: NaN", spoiled(put(given, last, "nan")), "not finite", f"{name}: NaN"
        )
        if not argument.infinite:
            for sign, at in (("", first), ("-", last)):
                yield Invalid(
                    f"{name}: {sign}infinity",
                    spoiled(put(given, at, f"{sign}inf")),
                    "not finite",
                    f"{name}: an infinite entry",
                )
        yield Invalid(
            f"{name}: a word", spoiled(put(given, first, "one")), "type", f"{name}: no number"
        )
        yield Invalid(
            f"{name}: null", spoiled(put(given, last, None)), "type", f"{name}: nothing given"
        )
        if len(shape) == 2 and shape[0] > 1:
            ragged = [*given[:-1], given[-1][:-1]]
            yield Invalid(
                f"{name}: ragged", spoiled(ragged), "shape", f"{name}: rows of unequal length"
            )
        if argument.shape.startswith("any"):
            continue
        # A layer may take more axes of data points than it has here, and no fewer than two.
        vector, change = given, {1: "one dimension more", 2: "one dimension less"}
        while np.ndim(vector) > 1:
            vector = vector[0]
        yield Invalid(
            f"{name}: another dimension",
            spoiled(vector if len(shape) > 1 else [given]),
            "shape",
            f"{name}: {change.get(len(shape), 'a vector')}",
        )
        yield Invalid(f"{name}: empty", spoiled([]), "shape", f"{name}: nothing in it")
        if len(base) > 1 and tied(name, file_arguments, base):
            yield Invalid(
                f"{name}: one more",
                spoiled([*given, given[0]]),
                "shape",
                f"{name}: {len(given) + 1} entries along axis 0 where {len(given)} fit",
            )
            if len(given) > 2:
                yield Invalid(
                    f"{name}: one less",
                    spoiled(given[:-1]),
                    "shape",
                    f"{name}: {len(given) - 1} entries along axis 0 where {len(given)} fit",
                )
        if len(shape) == 2 and tied_columns(name, file_arguments, base):
            wider = [[*row, row[0]] for row in given]
            yield Invalid(
                f"{name}: one column more",
                spoiled(wider),
                "shape",
                f"{name}: {shape[1] + 1} columns where {shape[1]} fit",
            )


def letters(argument: Argument) -> list[str]:
    return argument.shape.split(",")[0].split(" x ")


def tied(name: str, arguments: dict[str, Argument], base: Input) -> bool:
    """Whether the length of an argument is that of an axis of another one."""
    return _tied(letters(arguments[name])[0], name, arguments, base)


def tied_columns(name: str, arguments: dict[str, Argument], base: Input) -> bool:
    parts = letters(arguments[name])
    return len(parts) == 2 and _tied(parts[1], name, arguments, base)


def _tied(letter: str, name: str, arguments: dict[str, Argument], base: Input) -> bool:
    others = [arguments[other] for other in base if other != name]
    return any(letter in letters(other) for other in others)


def put(value: Any, place: tuple[int, ...], entry: Any) -> Any:
    """Nested lists with another entry at a place."""
    result = copy.deepcopy(value)
    inner = result
    for index in place[:-1]:
        inner = inner[index]
    inner[place[-1]] = entry
    return result


def without_repeats(cases: list[Any]) -> list[Any]:
    """The cases whose inputs differ."""
    seen: list[Input] = []
    kept = []
    for case in cases:
        if case.input not in seen:
            seen.append(case.input)
            kept.append(case)
    return kept
