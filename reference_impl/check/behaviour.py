"""How functions behave from call to call: what they keep, write to, and draw."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import measure
from reference_impl.check.causes import BEHAVIOUR
from reference_impl.check.compare import Piece, Pieces, fault, of_kind
from reference_impl.check.measure import Ground, copies
from reference_impl.check.problem import Values
from reference_impl.check.report import Finding

KEPT = "another result in a second call: a state is kept"
Claim = Callable[[Values, Array], Mapping[str, Any]]


def of_forward(ground: Ground, rng: Any) -> Pieces:
    """A value, the same in every call, and nothing written to."""
    value, rule = np.array(ground.forward(copies(ground.values))), "RULE 1 (forward)"
    if strange := of_kind(rule, "", value):
        yield strange
        return
    if not value.size:
        yield Piece(doubts=(f"{rule}: the output is empty, of shape {value.shape}",))
        return
    given = copies(ground.values)
    again = np.array(ground.problem.forward(given), dtype=np.float64)
    yield from _of_writing(rule, ground.values, given)
    other = {n: x + measure.direction(rng, x, "relative") / 8.0 for n, x in ground.values.items()}
    ground.forward(other)
    third = ground.forward(copies(ground.values))
    if not (_same(again, value, ground.unit) and _same(third, value, ground.unit)):
        yield Piece(
            doubts=(f"{rule}: another result in a second call: random, or a state is kept",)
        )


def _of_writing(rule: str, before: Values, after: Values) -> Pieces:
    for name, x in before.items():
        if not np.array_equal(x, after[name], equal_nan=True):
            text = f"the argument {name} was written to"
            yield Piece((Finding(rule, name, evidence=text, cause=BEHAVIOUR["writes"]),))


def of_calls(ground: Ground, claim: Claim, deltas: list[Array]) -> Pieces:
    """Nothing is kept from call to call or written to, and delta = 0 gives 0."""
    problem, delta = ground.problem, deltas[0]

    def elsewhere(values: Values, delta: Array) -> Mapping[str, Any]:
        ground.forward({name: 0.875 * x for name, x in values.items()})
        return claim(values, delta)

    given, d = copies(ground.values), delta.copy()
    ground.forward(copies(given))
    results = []
    for ask in (claim, *2 * (problem.again or elsewhere,)):
        ground.clock.look()
        answers = ask(given, d)
        results.append({n: np.array(part) for n, part in answers.items() if part is not None})
        written = [*_of_writing("vjp", {**ground.values, "delta": delta}, {**given, "delta": d})]
        if written:
            yield from written
            return
    fresh, first, second = results
    zero = {} if problem.gradient is not None else dict(claim(given, 0.0 * delta))
    for name, once in fresh.items():
        rule = problem.rules.get(name, f"gradient by {name}")
        if once.dtype.kind not in "fiub":
            continue
        if not all(_same(once, part.get(name), ground.rounding) for part in (first, second)):
            change = second[name] - first[name]
            before = once, first[name] - once  # of a fresh object, of one that was used
            adds = any(_same(change, part, 1e3 * ground.rounding) for part in before)
            stale = _same(first[name], second[name], ground.rounding)
            cause = BEHAVIOUR["accumulates" if adds else "caches" if stale else "random"]
            if not (adds or stale):
                cause = replace(cause, rivals=("a state that each call changes",))
            text = f"{KEPT}: it accumulates" if adds else KEPT
            yield Piece((Finding(rule, name, evidence=text, cause=cause),))
        elif zero.get(name) is not None:
            of_zero = np.asarray(zero[name])
            if of_zero.any() and np.isfinite(of_zero).all():
                yield fault(rule, name, "not 0 for delta = 0")


def of_linearity(
    ground: Ground, rule: str, name: str, claim: Claim, delta: Array, rng: Any
) -> Pieces:
    """Yield a fault if a claim is not linear in delta; it may be wrong because of that."""
    other = random(rng, delta.shape)
    deltas = delta, other, delta - 2.0 * other
    answers = [claim(ground.values, d).get(name) for d in deltas]
    if ground.problem.gradient is not None or any(answer is None for answer in answers):
        return
    a, b, c = (np.asarray(answer) for answer in answers)
    size = np.abs(a).max() + 2.0 * np.abs(b).max() + np.abs(c).max()
    if np.abs(c - a + 2.0 * b).max() > max(1e-6, 1e3 * ground.rounding) * size:
        yield fault(rule, name, "not linear in delta")


def _same(a: Array, b: Any, unit: float) -> bool:
    """Whether two results of the same call are alike, up to rounding: sums in another order."""
    if b is None or np.shape(a) != np.shape(b):
        return False
    if np.array_equal(a, b, equal_nan=True):
        return True
    largest = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    return bool((np.abs(a - b) <= 64.0 * unit * largest).all())


def random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw numbers of both signs, none close to zero."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape))
