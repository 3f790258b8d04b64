"""A forward pass from a Python file: its quantity, the variables to differentiate by, hypotheses.

The file is Python that is run as it is: it says what a quantity is in the notation of these
derivations. No string in it is read as mathematics.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from derivations.language import terms
from derivations.language.statement import Hypothesis
from derivations.language.terms import Array, Definition, Entry, Use


class NotFound(LookupError):
    """A name that the file does not have; the message says which there are."""


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


def listed(names: dict[str, object] | dict[str, Definition] | dict[str, Array | Entry]) -> str:
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
    if not names:
        raise NotFound(f"{path}: it defines no quantity")
    if name and name not in names:
        raise NotFound(f"{path}: there is no quantity {name!r}; there are {listed(names)}")
    given = tuple(value for value in things.values() if isinstance(value, Hypothesis))
    return ForwardPass(names[name] if name else outcome(names), names, variables, given)


def outcome(names: dict[str, Definition]) -> Definition:
    """Return the last quantity that no other one uses."""
    bodies = [name.body for name in names.values()]
    used = {u.definition for body in bodies for u in terms.walk(body) if isinstance(u, Use)}
    return [name for name in names.values() if name not in used][-1]


def run(path: Path) -> ModuleType:
    """Run a file as a module."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise NotFound(f"{path}: there is no such Python file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
