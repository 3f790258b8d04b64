"""``python -m reference_impl.conformance.adapter MODULE``: a module in Python as such a program.

The module has ``answer(function, input)``, which returns nested lists or a dict of them, raises
``NotImplementedError`` for a function that it has not, and ``ValueError`` or ``TypeError`` for an
input that it refuses. Anything else that it raises is a crash. What it prints goes to the standard
error, since the standard output is for answers.
"""

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

NOT_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


def load(name: str) -> Callable[[str, dict[str, Any]], Any]:
    """Return the function ``answer`` of a module, given by its dotted name or its path.

    Raises
    ------
    ImportError
        If there is no such module, or none with that function.
    """
    if name.endswith(".py"):
        path = Path(name)
        found = importlib.util.spec_from_file_location(path.stem, path)
        if found is None or found.loader is None or not path.is_file():
            raise ImportError(f"{name}: no such file")
        module = importlib.util.module_from_spec(found)
        sys.modules[path.stem] = module
        found.loader.exec_module(module)
    else:
        sys.path.insert(0, "")
        module = importlib.import_module(name)
    if not callable(getattr(module, "answer", None)):
        raise ImportError(f"{name}: expected a function answer(function, input), found none")
    answer: Callable[[str, dict[str, Any]], Any] = module.answer
    return answer


def serve(answer: Callable[[str, dict[str, Any]], Any], requests: TextIO, out: TextIO) -> None:
    """Answer every line."""
    for line in requests:
        request = json.loads(line)
        input = {name: numbers(value) for name, value in request["input"].items()}
        out.write(json.dumps(_answered(answer, request["function"], input)) + "\n")
        out.flush()


def _answered(
    answer: Callable[[str, dict[str, Any]], Any], function: str, input: dict[str, Any]
) -> dict[str, Any]:
    try:
        return {"output": lists(answer(function, input))}
    except NotImplementedError:
        return {"unsupported": True}
    except (TypeError, ValueError) as problem:
        return {"error": f"{type(problem).__name__}: {problem}"[:300]}
    except Exception as problem:
        return {"crash": f"{type(problem).__name__}: {problem}"[:300]}


def numbers(value: Any) -> Any:
    """Return an input with inf and nan as floats, which JSON cannot hold."""
    if isinstance(value, list):
        return [numbers(part) for part in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


def lists(value: Any) -> Any:
    """Return an answer as lists, whatever arrays it came in."""
    if isinstance(value, dict):
        return {name: lists(part) for name, part in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    return [lists(part) for part in value] if isinstance(value, list | tuple) else value


def main() -> int:
    """Serve the module that the command line names."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    try:
        answer = load(sys.argv[1])
    except (ImportError, IndexError) as problem:
        print(problem, file=sys.stderr)
        return 2
    serve(answer, sys.stdin, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
