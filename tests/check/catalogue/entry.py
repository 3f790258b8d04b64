"""What an entry of the catalogue is: something that a user brings, and the truth about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Layer:
    """An object with forward and backward, and where to look at it.

    ``style`` is "pure" for backward(z, delta), "cached" for backward(delta) after forward(z).
    ``parameters`` are the attributes that are parameters, for tools that have to be told.
    """

    make: Callable[[], Any]
    z: Any
    style: str = "pure"
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Function:
    """A function, its arguments, and what is claimed of its derivatives.

    The claims are functions of the same arguments: ``grad`` of a cost, ``jacobian``, ``hessian``;
    ``vjp`` takes delta besides, as its last argument, ``hvp`` a direction, ``jvp`` one of each
    argument. What belongs to several arguments is a tuple.
    """

    f: Callable[..., Any]
    args: tuple[Any, ...]
    claims: Mapping[str, Callable[..., Any]]
    wrt: tuple[int, ...] = field(default=(0,))


@dataclass(frozen=True, eq=False)
class Entry:
    """A right entry has no slip; ``cause`` is a pattern that the text of a right cause matches."""

    name: str
    brought: Layer | Function
    slip: str = ""
    cause: str = ""


def layer(name, make, z, slip="", cause="", style="pure", parameters=()):
    return Entry(name, Layer(make, z, style, parameters), slip, cause)


def function(name, f, args, slip="", cause="", wrt=(0,), **claims):
    return Entry(name, Function(f, args, claims, wrt), slip, cause)


def changed(kind, **methods):
    """A class with methods in the place of its own."""
    return type(kind.__name__, (kind,), methods)


class Plain:
    """A layer of two functions, without parameters."""

    def __init__(self, forward, backward):
        self.forward, self.backward = forward, backward


class Elementwise:
    """y = f(z) entry by entry; z is kept by forward."""

    def __init__(self, f, slope):
        self.f, self.slope = f, slope

    def forward(self, z):
        self.z = z
        return self.f(z)

    def backward(self, delta):
        return delta * self.slope(self.z)


def normal(*shape, seed=0, scale=1.0, shift=0.0):
    return shift + scale * np.random.default_rng(seed).standard_normal(shape)


# ---------------------------------------------------- patterns that several causes have in common

SIGN = r"\bsigns?\b|negat|minus"
FACTOR = r"factor|times|multipl|\bscal(e|ing|ed)\b"
MEAN = rf"mean|averag|1/N|{FACTOR}"
TRANSPOSED = r"transpos"
OMITTED = r"left out|missing|omitted|no gradient|not among|lacks"
ZERO = r"zero|\b0\b"
DELTA_IGNORED = (
    r"delta (is )?(ignored|not used|left out|missing)|ignores delta|does not depend on delta"
)
PASSED = r"pass|unchanged|identity|delta itself"
LAST = r"last|overwrit|only one|one row"
FIRST = r"first|only one|one row"
