"""A program that repeats a check, with its inputs digit by digit."""

import base64
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

LISTED = 2000  # numbers of an array that are written out; of a larger one, its bytes

MADE = '''
def made(cls, **attributes):
    """Make an object as it was found, without calling its class."""
    instance = cls.__new__(cls)
    for name, value in attributes.items():
        object.__setattr__(instance, name, value)
    return instance

'''


@dataclass(frozen=True)
class Writer:
    """Writes values as Python; collects the modules they need, and what cannot be written."""

    modules: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)  # ids of the objects that are being written

    def text(self, value: Any) -> str:
        """Return an expression with this value."""
        match value:
            case None | bool() | int() | str() | float() if type(value).__module__ == "builtins":
                return f"float({str(value)!r})" if value in (np.inf, -np.inf) else repr(value)
            case np.ndarray() | np.generic():
                return self._array(np.asarray(value))
            case list() | tuple() if type(value) in (list, tuple):
                parts = ", ".join(map(self.text, value))
                comma = "," if len(value) == 1 else ""
                return f"[{parts}]" if isinstance(value, list) else f"({parts}{comma})"
            case dict():
                pairs = (f"{self.text(key)}: {self.text(part)}" for key, part in value.items())
                return f"{{{', '.join(pairs)}}}"
        if hasattr(value, "detach"):  # a tensor of PyTorch
            self.modules.add("torch")
            array = value.detach().cpu()
            text = self._array((array.double() if array.is_floating_point() else array).numpy())
            leaf = ", requires_grad=True" if value.requires_grad else ""
            return f"torch.tensor({text}, dtype={value.dtype}{leaf})"
        if hasattr(value, "__array__"):  # an array of JAX
            return self._array(np.asarray(value))
        if path := import_path(value):
            return self._named(*path)
        # A class or function without a path, and a module of PyTorch, are more than attributes.
        whole = isinstance(value, type | FunctionType) or hasattr(value, "named_parameters")
        path = None if whole or id(value) in self.inside else import_path(type(value))
        if path and hasattr(value, "__dict__"):
            self.inside.append(id(value))
            made = [f"{name}={self.text(part)}" for name, part in vars(value).items()]
            self.inside.pop()
            return f"made({', '.join([self._named(*path), *made])})"
        self.unknown.append(" ".join(repr(value).split()))
        return "..."

    def _array(self, array: np.ndarray) -> str:
        if array.dtype.kind not in "fiub":
            self.unknown.append(f"an array of {array.dtype}")
            return "..."
        if array.size <= LISTED and np.isfinite(array).all():
            return f"np.array({array.tolist()!r}, dtype=np.{array.dtype})"
        self.modules.add("base64")
        coded = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        flat = f"np.frombuffer(base64.b64decode({coded!r}), dtype=np.{array.dtype})"
        return f"{flat}.reshape({array.shape}).copy()"

    def _named(self, module: str, name: str) -> str:
        self.modules.add(module)
        return name if module == "builtins" else f"{module}.{name}"


def import_path(value: Any) -> tuple[str, str] | None:
    """Return module and name of a function or class, if it can be imported by these."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (module and name) or module == "__main__":
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return (module, name) if found is value else None


def program(call: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """Return a program that makes the call `reference_impl.check.call(*arguments, **options)`."""
    writer = Writer()
    names = [f"argument_{k}" for k in range(len(arguments))]
    lines = [f"{n} = {writer.text(x)}" for n, x in zip(names, arguments, strict=True)]
    given = [f"{n}={writer.text(x)}" for n, x in options.items() if x is not None]
    imports = [f"import {name}" for name in sorted({*writer.modules, "numpy as np"} - {"builtins"})]
    open_ends = [f"# Put here in place of '...': {text}" for text in writer.unknown]
    return "\n".join(
        [
            f'"""Repeat a check: {call}."""\n',
            *imports,
            f"\nfrom reference_impl.check import {call}",
            *([MADE] if any("made(" in line for line in [*lines, *given]) else [""]),
            *open_ends,
            *lines,
            f"print({call}({', '.join([*names, *given])}))",
            "",
        ]
    )
