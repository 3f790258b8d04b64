"""A forward pass from a Python file: its quantity, the variables to differentiate by, hypotheses.

The file is Python that is run as it is: it says what a quantity is in the notation of these
derivations, or in SymPy. No string in it is read as mathematics.
"""

from __future__ import annotations

import importlib
import importlib.util
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import sympy

from derivations import READING_ORDER, from_sympy
from derivations.language import terms
from derivations.language.statement import Hypothesis
from derivations.language.terms import Array, Definition, Entry, Use, depends_on


class NotFound(LookupError):
    """A name that the file does not have; the message says which there are."""


class Broken(ValueError):
    """A file that cannot be run; the message says at which line, and why."""


@dataclass(frozen=True)
class ForwardPass:
    """What a file says: ``names`` are its quantities, ``variables`` its arrays and scalars."""

    quantity: Definition
    names: dict[str, Definition]
    variables: dict[str, Array | Entry]
    given: tuple[Hypothesis, ...]

    def variable(self, name: str) -> Array | Entry:
        """Return the array or the scalar of that name, as it is called in the file or on paper."""
        if name not in self.variables:
            raise NotFound(f"there is no variable {name!r}; there are {listed(self.variables)}")
        return self.variables[name]

    def named(self, names: str) -> tuple[Definition, ...]:
        """Return the quantities of those names, which are apart by commas."""
        wanted = [name.strip() for name in names.split(",")]
        for name in wanted:
            if name not in self.names:
                raise NotFound(f"there is no quantity {name!r}; there are {listed(self.names)}")
        return tuple(self.names[name] for name in wanted)


def listed(names: Mapping[str, object]) -> str:
    """Return names as text."""
    return ", ".join(sorted(names)) or "none"


def read(path: Path, name: str = "") -> ForwardPass:
    """Return the forward pass that a file defines, or one quantity of it by name.

    Raises
    ------
    NotFound
        When the file has no quantity, or none of that name.
    """
    module = run(path)
    things = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    names: dict[str, Definition] = {}
    variables: dict[str, Array | Entry] = {}
    for key, value in things.items():
        if isinstance(value, Use) and not value.arguments:
            value = value.definition
        if isinstance(value, Definition):
            names |= {key: value, value.name: value}
        elif isinstance(value, Array):
            variables |= {value.name: value, key: value}
        elif isinstance(value, Entry) and not value.indices:
            variables |= {value.array.name: value, key: value}
    expressions = {key: value for key, value in things.items() if is_expression(value)}
    if not names and expressions:
        return read_sympy(things, expressions, named(expressions, name, path))
    if not names:
        raise NotFound(f"{path}: it defines no quantity")
    quantity = names[named(names, name, path)] if name else outcome(names)
    hypotheses = (value for value in things.values() if isinstance(value, Hypothesis))
    given = tuple(value for value in hypotheses if concerns(value, quantity))
    return ForwardPass(quantity, names, variables, given)


def named(names: Mapping[str, object], name: str, path: Path) -> str:
    """Return a name that there is; the last one unless it is given."""
    if name and name not in names:
        raise NotFound(f"{path}: there is no quantity {name!r}; there are {listed(names)}")
    return name or [*names][-1]


def is_expression(value: object) -> bool:
    """Return True for a SymPy expression that is more than a name or a number."""
    plain = (sympy.Symbol, sympy.Idx, sympy.IndexedBase, sympy.MatrixSymbol)
    return (
        isinstance(value, sympy.Expr) and not isinstance(value, plain) and bool(value.free_symbols)
    )


def read_sympy(
    things: Mapping[str, object], expressions: Mapping[str, sympy.Expr], name: str
) -> ForwardPass:
    """Return the forward pass that a SymPy expression is; equations are what is given."""
    equations = [value for value in things.values() if isinstance(value, sympy.Eq)]
    reader, read_in, _, given = from_sympy.read(expressions[name], (), equations)
    quantity = replace(read_in, name=name)
    variables = {a.name: a if a.dimensions else a[()] for a in reader.arrays.values()}
    return ForwardPass(quantity, {name: quantity}, variables, given)


def concerns(hypothesis: Hypothesis, quantity: Definition) -> bool:
    """Return False for a hypothesis on arrays that the quantity has nothing to do with."""
    arrays = {entry.array for entry, _ in hypothesis.replace}
    return not arrays or any(depends_on(quantity.body, array) for array in arrays)


def outcome(names: dict[str, Definition]) -> Definition:
    """Return the last quantity that no other one uses."""
    bodies = [name.body for name in names.values()]
    used = {u.definition for body in bodies for u in terms.walk(body) if isinstance(u, Use)}
    return [name for name in names.values() if name not in used][-1]


def run(path: Path) -> ModuleType:
    """Run a file as a module."""
    specification = importlib.util.spec_from_file_location(path.stem, path.absolute())
    if not path.is_file() or specification is None or specification.loader is None:
        raise NotFound(f"{path}: there is no such Python file")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as problem:
        said = problem.msg if isinstance(problem, SyntaxError) else problem
        hint = source(str(problem.name)) if isinstance(problem, NameError) else ""
        raise Broken(f"{path}, line {line_of(problem, path)}: {said}{hint}") from problem
    return module


def source(name: str) -> str:
    """Say from where a function comes that a file has not imported, if a chapter defines it."""
    for chapter in READING_ORDER:
        module = importlib.import_module(f"derivations.{chapter}")
        if isinstance(vars(module).get(name), Definition):
            return f"; from derivations.{chapter} import {name}"
    return ""


def line_of(problem: Exception, path: Path) -> int | None:
    """Return the line of a file at which it went wrong."""
    if isinstance(problem, SyntaxError):
        return problem.lineno
    frames = traceback.extract_tb(problem.__traceback__)
    return [frame.lineno for frame in frames if Path(frame.filename) == path.absolute()][-1]
