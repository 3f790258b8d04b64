"""Test vectors: inputs that are exact in float64 and outputs with 50 digits, as JSON.

Flags say what is special about a vector; each file explains its flags. `python
tests/vectors/generate.py` writes the files.
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
    """One input with its exact output."""

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
    """The vectors of the statements with these ids."""
    return [vector for statement in statements for vector in _read(statement)]


def _read(statement):
    path = FOLDER / f"{statement}.json"
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST} bytes")
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    assert content["schema"] == 1 and content["statement"] == statement, path
    for test in content["tests"]:
        assert set(test["flags"]) <= set(content["flags"]), test
        yield Vector(
            statement,
            test["comment"],
            tuple(test["flags"]),
            {name: np.array(value) for name, value in test["input"].items()},
            _numbers(test["output"]),
        )


def _numbers(value):
    if isinstance(value, list):
        return [_numbers(entry) for entry in value]
    with mp.workdps(60):
        return mpf(value)


def _refuse(constant):
    raise ValueError(f"{constant} in a vector")
