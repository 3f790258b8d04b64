"""What is looked at to find a cause: the case itself, other deltas, other values.

A wrong derivative is brought to one form: sum_u delta_u J_u, of a point. A Jacobian is looked at
through random deltas, a Hessian through random directions, and of J v the roles are exchanged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.check.measure import MOST
from reference_impl.check.problem import Case, Values

Mask = NDArray[np.bool_]
SMALL = 5000  # entries of an argument up to which more than the case itself is looked at
LOOKS = 3


@dataclass(frozen=True, eq=False)
class Look:
    """One comparison: `want` = sum_u delta_u J_u at the point `at`, and what was `got`.

    `value` is the output there, and J the Jacobian; None where they are not known.
    """

    got: Array
    want: Array
    error: Array
    at: Array
    value: Array | None
    delta: Array
    J: Array | None
    values: Mapping[str, Array]

    @property
    def noise(self) -> float:
        """The error of `want` relative to its largest entry."""
        largest = np.nanmax(np.abs(self.want), initial=0.0)
        return float(np.nanmax(self.error, initial=0.0) / largest) if largest else 0.0

    @property
    def wrong(self) -> Mask:
        """Where `got`, of the shape of `want`, is not what is right."""
        return np.asarray(np.isfinite(self.want) & ~(np.abs(self.got - self.want) <= self.error))

    @property
    def by_entry(self) -> Array | None:
        """The slopes of a function that takes each entry by itself, or None."""
        if self.J is None or not self.delta.ndim or self.delta.shape != self.want.shape:
            return None
        square = np.abs(self.J.reshape(self.want.size, -1))
        slopes = np.diagonal(self.J.reshape(self.want.size, -1))
        off = square - np.diag(np.diagonal(square))
        largest = np.nanmax(square, initial=0.0)
        alone = off.max(initial=0.0) <= (self.noise + 1e-9) * largest
        return slopes.reshape(self.want.shape) if alone else None

    def pull(self, delta: Array) -> Array:
        """Return sum_u delta_u J_u for another delta."""
        assert self.J is not None
        return np.asarray(np.tensordot(delta, self.J, delta.ndim))

    def shaken(self, seed: int) -> "Look":
        """Return the look with everything that was measured moved by its error."""
        rng = np.random.default_rng(seed)
        want = self.want + rng.choice([-1.0, 1.0], self.want.shape) * self.error
        if self.J is None:
            return replace(self, want=want)
        J = self.J * (1.0 + self.noise * rng.choice([-1.0, 1.0], self.J.shape))
        return replace(self, want=want, J=J)


def looks(case: Case) -> tuple[Look, ...]:
    """Return the case, and looks at other deltas and at other values where that can be done."""
    shape, at, value = np.shape(case.want), np.shape(case.at), np.shape(case.value)
    if np.shape(case.got) == shape and value and shape == value + at:
        return tuple(_through(case, value, case.value, 10))
    if np.shape(case.got) == shape and len(value) == 2 == len(at) and shape == value + at[1:]:
        return tuple(_through_rows(case))
    if np.shape(case.got) == shape and case.rule.startswith("hessian") and shape == at + at:
        return tuple(_through(case, at, None, 10))
    first = _look(case, case.values, case.delta, case.got, case.want, case.error)
    if case.ask is None or case.slopes is None or first.want.size > SMALL:
        return (first,)
    return first, *_others(case, first)


def _asked(
    case: Case,
    values: Values,
    delta: Array,
    shape: tuple[int, ...],
    right: tuple[Array, Array] | None,
) -> Look | None:
    """Return the look at other values or another delta; None where the claim has no answer."""
    assert case.ask is not None and case.slopes is not None
    try:
        got = np.asarray(case.ask({n: np.array(a) for n, a in values.items()}, delta.copy()))
        want, error = right if right else case.slopes(values, delta)
    except Exception:  # code of the reader's, where the reader did not choose to call it
        return None
    if got.shape != shape or not np.isfinite(got).all() or not np.isfinite(want).any():
        return None
    return _look(case, values, delta, got, want, error)


def _others(case: Case, first: Look) -> Iterator[Look]:
    rng = np.random.default_rng(5)
    for k in range(LOOKS if first.want.size <= MOST else 1):
        values, delta = case.values, random(rng, first.delta.shape)
        a_cost = not delta.ndim and first.delta == 1.0
        if k == LOOKS - 1 or a_cost:  # the signs stay: so does the domain
            delta = first.delta
            values = {n: a * np.exp(0.2 * rng.normal(size=a.shape)) for n, a in values.items()}
        right = None
        if values is case.values and first.J is not None:  # measured already
            share = np.abs(delta).sum() / np.abs(first.delta).sum()
            right = first.pull(delta), first.error * max(1.0, share)
        look = _asked(case, values, delta, first.got.shape, right)
        if look is not None:
            yield look


def random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of both signs, none close to zero."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape))


def _look(
    case: Case, values: Mapping[str, Array], delta: Any, got: Any, want: Any, error: Any
) -> Look:
    same, every = values is case.values, {**case.known, **values}
    at, J = np.asarray(values.get(case.argument, case.at)), case.jacobian
    value: Array | None = case.value
    delta, want = np.asarray(delta, dtype=np.float64), np.asarray(want, dtype=np.float64)
    if J is not None and J.shape != delta.shape + want.shape:
        forward = J.shape == want.shape + delta.shape  # J v
        J = np.moveaxis(J, range(want.ndim), range(-want.ndim, 0)) if forward else None
        at, value = (np.asarray(value), None) if forward else (at, value)
        every |= {"f": at} if forward and same else {}
    known = value if same else None
    J = J if same else None
    if delta.ndim == 0 and delta != 0.0:
        J = want / delta
    elif J is not None and np.isfinite(want).all():
        off = np.abs(np.tensordot(delta, J, delta.ndim) - want)
        J = J if (off <= 1e-3 * np.abs(want).max(initial=0.0)).all() else None
    got = np.asarray(got, dtype=np.float64)
    return Look(got, want, np.asarray(error), at, known, delta, J, every)


def _through(case: Case, shape: tuple[int, ...], value: Array | None, count: int) -> Iterator[Look]:
    rng = np.random.default_rng(5)
    for _ in range(count if np.size(case.at) < 4 else LOOKS):
        d = random(rng, shape)
        got, want = (np.tensordot(d, a, d.ndim) for a in (case.got, case.want))
        error = np.tensordot(np.abs(d), case.error, d.ndim)
        yield Look(got, want, error, case.at, value, d, case.want, {**case.known, **case.values})


def _through_rows(case: Case) -> Iterator[Look]:
    """A Jacobian that is one block for each data point."""
    rng = np.random.default_rng(5)
    N, out = np.shape(case.value)
    J = np.einsum("iuv,ij->iujv", case.want, np.eye(N))
    for _ in range(LOOKS):
        d = random(rng, (N, out))
        got, want = (np.einsum("iu,iuv->iv", d, a) for a in (case.got, case.want))
        error = np.einsum("iu,iuv->iv", np.abs(d), case.error)
        yield Look(got, want, error, case.at, case.value, d, J, {**case.known, **case.values})
