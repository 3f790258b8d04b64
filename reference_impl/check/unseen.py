"""What an input cannot show, however exact the differences are."""

from collections.abc import Iterator

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check.problem import Problem


def unseen(problem: Problem, value: Array) -> tuple[str, ...]:
    """Say which slips would pass at these values, and what input would show them."""
    hints: list[str] = []
    for name, x in problem.values.items():
        if name == problem.rows or not problem.rows:
            hints += _of_any(name, x)
        hints += _of_rows(name, x, value) if name == problem.rows else _of_square(name, x)
    return tuple(hints)


def _of_any(name: str, x: Array) -> Iterator[str]:
    if x.size > 1 and ((x > 0).all() or (x < 0).all()):
        sign = "> 0" if (x > 0).all() else "< 0"
        yield f"all {name} {sign}: what happens on the other side of 0; take both signs"
    if x.size > 1 and (x == 0).any():
        yield f"{name} has entries that are 0: what they are multiplied by; take others"


def _of_rows(name: str, x: Array, value: Array) -> Iterator[str]:
    N = len(x) if x.ndim else 1
    if N == 1:
        yield f"{name} has one row: a sum over data points, a mean, or one of them; take N >= 3"
    elif (x == x[0]).all():
        yield f"all rows of {name} are equal: data points mixed up; take different ones"
    widths = {*x.shape[1:], *value.shape[1:]}
    if N > 1 and N in widths:
        yield f"{name} has as many rows as columns ({N}): 1/N for 1/K; take another N"


def _of_square(name: str, x: Array) -> Iterator[str]:
    if x.ndim == 2 and x.shape[0] == x.shape[1] > 1 and np.array_equal(x, x.T):
        yield f"{name} is symmetric: a transpose; take one that is not"
