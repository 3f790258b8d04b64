"""Trees of tuples, lists and dictionaries: their leaves by name, and the same tree with others."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def leaves(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each leaf: x, x[0], x['b'][1], in the order of the tree."""
    for part, branch in _branches(name, tree):
        yield from leaves(part, branch)
    if not isinstance(tree, dict | list | tuple):
        yield name, tree


def replaced(name: str, tree: Any, new: Mapping[str, Any]) -> Any:
    """Return a tree with the leaves that are named in `new` replaced."""
    branches = [replaced(part, branch, new) for part, branch in _branches(name, tree)]
    match tree:
        case dict():
            return type(tree)(zip(tree, branches, strict=True))
        case tuple() if hasattr(tree, "_fields"):
            return type(tree)(*branches)
        case list() | tuple():
            return type(tree)(branches)
    return new.get(name, tree)


def _branches(name: str, tree: Any) -> list[tuple[str, Any]]:
    match tree:
        case dict():
            return [(f"{name}[{key!r}]", branch) for key, branch in tree.items()]
        case list() | tuple():
            return [(f"{name}[{index}]", branch) for index, branch in enumerate(tree)]
    return []


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return names for the positional arguments of f, those of its signature if it has one."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    return [*names[:count], *(f"{rest}[{k}]" for k in range(count - len(names)))]
