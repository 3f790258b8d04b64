"""Objects named on a command line, ``package.module:object`` or ``file.py:object``."""

import difflib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class NotFound(Exception):
    """What was named is not there; the message says what is."""


def named(text: str) -> Any:
    """Return the object that a text names; modules are looked for in the current folder first.

    Raises
    ------
    NotFound
        For a text of another form, and for a module, a file or an object that is not there. What
        the module raises when it is imported is passed on.
    """
    where, colon, path = text.partition(":")
    if not (where and colon and path):
        raise NotFound(f"expected MODULE:OBJECT or FILE.py:OBJECT, given {text!r}")
    found: Any = _file(Path(where)) if where.endswith(".py") else _module(where)
    for name in path.split("."):
        if not hasattr(found, name):
            near = difflib.get_close_matches(name, dir(found), n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise NotFound(f"{text}: there is no {name!r}{hint}")
        found = getattr(found, name)
    return found


def _module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise NotFound(f"expected the name of a module or of a .py file, given {name!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name and f"{name}.".startswith(f"{problem.name}."):
            raise NotFound(f"there is no module {problem.name!r}, here or installed") from None
        raise


def _file(path: Path) -> ModuleType:
    """Run a file as a module, once; what lies beside it can be imported from it."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    path = path.resolve()
    there = sys.modules.get(path.stem)
    if there and getattr(there, "__file__", None) == str(path):
        return there
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module
