"""Finding the instances of a pattern: an expression in which some indices and scalars are wild."""

from __future__ import annotations

import itertools
from typing import Any, TypeAlias

import sympy
from sympy.core.expr import Expr

from derivations.proof.atoms import Atom, Entry, Inert, Place, Total, application, atoms
from derivations.proof.indices import MOST_NESTED

Node: TypeAlias = Any  # an expression or a place


def match(
    pattern: Node, node: Node, wild: frozenset[Atom | Place], found: dict[Atom | Place, Node]
) -> bool:
    """Match a node against a pattern and collect what its wild parts stand for."""
    if pattern in wild:
        if isinstance(pattern, Place):
            fits = isinstance(node, Place) and node.dimension == pattern.dimension
        else:
            fits = not isinstance(node, Place)
        return fits and not loose(node) and found.setdefault(pattern, node) == node
    if isinstance(pattern, Place) or isinstance(node, Place):
        return pattern is node
    if pattern == node and not any(stands_open(w, pattern) for w in wild):
        return True
    if isinstance(pattern, Atom) and isinstance(node, Atom):
        return (
            type(pattern) is type(node)
            and len(pattern.arguments) == len(node.arguments)
            and match_what(pattern, node, wild, found)
            and match_all(pattern.arguments, node.arguments, wild, found)
        )
    if pattern.func != node.func or len(pattern.args) != len(node.args) or not pattern.args:
        return False
    if not isinstance(pattern, (sympy.Add, sympy.Mul)):
        return match_all(pattern.args, node.args, wild, found)
    few = len(node.args) <= MOST_NESTED
    for order in itertools.permutations(node.args) if few else (node.args,):
        tried = dict(found)
        if match_all(pattern.args, order, wild, tried):
            found.update(tried)
            return True
    return False


def match_all(
    patterns: tuple[Node, ...],
    nodes: tuple[Node, ...],
    wild: frozenset[Atom | Place],
    found: dict[Atom | Place, Node],
) -> bool:
    """Match node by node."""
    return all(match(p, n, wild, found) for p, n in zip(patterns, nodes, strict=True))


def match_what(
    pattern: Atom, node: Atom, wild: frozenset[Atom | Place], found: dict[Atom | Place, Node]
) -> bool:
    """Match what is applied; a derivative by a wild scalar is one by any."""
    if pattern.what == node.what:
        return True
    if not isinstance(pattern, Inert) or node.what.dimensions:
        return False
    by, variable = (application(Entry, each.what) for each in (pattern, node))
    return by in wild and match(by, variable, wild, found)


def stands_open(what: Atom | Place, expression: Expr) -> bool:
    """Return True for a wild part that stands in an expression, by which it is derived included."""
    for atom in atoms(expression):
        if what in atom.parts or what in atom.places:
            return True
        if any(isinstance(p, Inert) and isinstance(what, Entry) and p.what == what.what
               for p in atom.parts):  # fmt: skip
            return True
    return False


def loose(node: Node) -> frozenset[Place]:
    """Return the indices of sums that are not in the node."""
    match node:
        case Place():
            return frozenset({node}) if node.bound else frozenset()
        case Total():
            bound, body = node.arguments
            return loose(body) - {bound}
        case Atom():
            return frozenset().union(*map(loose, node.arguments))
    return frozenset().union(*map(loose, node.args))
