"""Test vectors: inputs that are exact in float64 and outputs with 50 digits, as JSON.

README.md describes the format; `python tests/vectors/generate.py` writes the files.
"""

import json
import pathlib
from dataclasses import dataclass
from typing import Any

import compare
import numpy as np
from mpmath import mp, mpf

FOLDER = pathlib.Path(__file__).parent
LARGEST = 1_000_000  # bytes: a larger file is not read


@dataclass(frozen=True, eq=False)
class Vector:
    """One valid input with its exact output."""

    statement: str
    comment: str
    flags: tuple[str, ...]
    input: dict[str, Any]
    output: Any

    def __str__(self):
        return f"{self.statement} {self.comment}"

    def check(self, actual, **tolerance):
        compare.check(
            actual,
            self.output,
            statement=self.statement,
            oracle="vectors",
            case=self.comment,
            **tolerance,
        )


def load(*statements):
    """The valid vectors of the statements with these ids."""
    return [vector for statement in statements for vector in _valid(statement)]


def read(statement):
    """The content of a file, as it stands."""
    path = FOLDER / f"{statement}.json"
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST} bytes")
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    assert content["schema"] == 2 and content["statement"] == statement, path
    for test in content["tests"]:
        assert set(test["flags"]) <= set(content["flags"]), test
    return content


def _valid(statement):
    for test in read(statement)["tests"]:
        if test["result"] != "valid":
            continue
        yield Vector(
            statement,
            test["comment"],
            tuple(test["flags"]),
            {name: _given(name, value) for name, value in test["input"].items()},
            numbers(test["output"]),
        )


def _given(name, value):
    if not isinstance(value, list):
        return value
    return tuple(value) if name == "axis" else np.array(value)


def numbers(value):
    if isinstance(value, dict):
        return {name: numbers(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [numbers(entry) for entry in value]
    with mp.workdps(60):
        return mpf(value)


def _refuse(constant):
    raise ValueError(f"{constant} in a vector")
