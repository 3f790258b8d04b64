"""Applications as symbols: what SymPy sees of a sum, a delta, an exponential or an entry.

SymPy carries the algebra of rational functions in the index calculus and nothing else: its own
treatment of sums, which silently captures indices and drops conditions, is never asked. So each
application is a symbol to it, one and the same for the same thing, that knows what it stands for.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import sympy
from sympy.core.expr import Expr

from derivations.language.terms import Dimension, Index

SERIAL = itertools.count()


@dataclass(frozen=True, eq=False)
class Place:
    """An index of a dimension: a letter, one that stands nowhere else, or the level of a sum."""

    dimension: Dimension
    mark: str | int

    @property
    def bound(self) -> bool:
        """True for the index of a sum that is not open."""
        return isinstance(self.mark, int)

    def __str__(self) -> str:
        return str(self.mark)


@cache
def known_place(dimension: Dimension, mark: str | int) -> Place:
    """Return the one place of a letter or a level."""
    return Place(dimension, mark)


def place(index: Index) -> Place:
    """Return a free index."""
    return known_place(index.dimension, index.name)


def fresh(dimension: Dimension) -> Place:
    """Return an index that stands nowhere else."""
    return Place(dimension, f"_{next(SERIAL)}")


def order(each: Place) -> tuple[str, str]:
    """Return what places are sorted by."""
    return each.dimension.name, str(each)


class Atom(sympy.Dummy):  # type: ignore[misc]
    """An application of ``what`` to ``arguments``; its ``parts`` are it and all that is in it."""

    what: Any
    arguments: tuple[Any, ...]
    parts: frozenset[Atom]
    places: frozenset[Place]  # that stand in it, those of its own sums included
    level: int  # the sums in one another

    def _sympystr(self, printer: Any) -> str:
        name = type(self).__name__.lower() if self.what is None else called(self.what)
        given = (str(a) if isinstance(a, Place) else printer.doprint(a) for a in self.arguments)
        return f"{name}({', '.join(given)})" if self.arguments else name


class Entry(Atom):
    """An entry of an array."""


class Size(Atom):
    """The number of values of an index."""


class Closed(Atom):
    """A named quantity that is not opened."""


class Folded(Atom):
    """A named function of one scalar that is not opened, or a derivative of it."""


class Applied(Atom):
    """A function of which the calculus knows the derivatives and nothing else."""


class Inert(Atom):
    """A derivative by an entry of an array that is written and not taken."""


class Exp(Atom):
    """The exponential."""


class Log(Atom):
    """The logarithm."""


class Abs(Atom):
    """The absolute value."""


class Total(Atom):
    """A sum: its bound index and its body."""


class Kronecker(Atom):
    """The Kronecker delta of two indices."""


Kind = TypeVar("Kind", bound=Atom)
KNOWN: WeakValueDictionary[tuple[Any, ...], Atom] = WeakValueDictionary()


def application(kind: type[Kind], what: Any, *arguments: Place | Expr) -> Kind:
    """Return the symbol of an application; equal ones are the same symbol."""
    key = (kind, what, arguments)
    found = KNOWN.get(key)
    if found is None:
        found = KNOWN[key] = kind(f"{kind.__name__} {digest(*key)}")
        inner = frozenset().union(*(atoms(a) for a in arguments if isinstance(a, Expr)))
        found.what, found.arguments = what, arguments
        found.parts = frozenset({found}).union(*(a.parts for a in inner))
        own = frozenset(a for a in arguments if isinstance(a, Place))
        found.places = own.union(*(a.places for a in inner))
        found.level = max((a.level for a in inner), default=0) + (kind is Total)
    return found


def called(what: Any) -> str:
    """Return what an object is called, for a message."""
    return str(getattr(what, "name", what[0].name if isinstance(what, tuple) else what))


def digest(kind: type[Atom], what: Any, arguments: tuple[Place | Expr, ...]) -> str:
    """Return a name by which SymPy sorts: the same in every process, but for fresh places."""
    said = [identity(what), *(str(a) if isinstance(a, Place) else written(a) for a in arguments)]
    rank = getattr(what, "rank", 0)
    return f"{rank} {hashlib.sha256(' '.join(said).encode()).hexdigest()[:16]}"


@lru_cache(maxsize=4096)
def identity(what: Any) -> str:
    """Return all that an object says of itself."""
    return repr(what)


@lru_cache(maxsize=4096)
def written(expression: Expr) -> str:
    """Return an expression as a text, symbols by their names."""
    if isinstance(expression, Atom):
        return str(expression.name)
    inside = " ".join(map(written, expression.args)) or str(expression)
    return f"{type(expression).__name__}({inside})"


@lru_cache(maxsize=8192)
def atoms(expression: Expr) -> frozenset[Atom]:
    """Return the outermost applications."""
    if isinstance(expression, Atom):
        return frozenset({expression})
    return frozenset().union(*map(atoms, expression.args))


def ordered(found: Iterable[Kind]) -> list[Kind]:
    """Return applications in a fixed order."""
    return sorted(found, key=lambda atom: str(atom.name))


def parts(expression: Expr, kind: type[Kind]) -> list[Kind]:
    """Return all applications of one kind, however deep, in a fixed order."""
    every = frozenset().union(*(atom.parts for atom in atoms(expression)))
    return ordered(atom for atom in every if isinstance(atom, kind))


def stands_in(what: Atom | Place, expression: Expr) -> bool:
    """Return True where an application or an index stands in an expression, however deep."""
    if isinstance(what, Place):
        return any(what in atom.places for atom in atoms(expression))
    return any(what in atom.parts for atom in atoms(expression))


def moved(expression: Expr, new: Mapping[Place, Place]) -> Expr:
    """Return an expression at other places; no law is applied."""
    old = new.keys()
    changed = {
        atom: application(
            type(atom),
            atom.what,
            *(new.get(a, a) if isinstance(a, Place) else moved(a, new) for a in atom.arguments),
        )
        for atom in atoms(expression)
        if not atom.places.isdisjoint(old)
    }
    return expression.xreplace(changed) if changed else expression
