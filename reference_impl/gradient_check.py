"""Says whether a layer is right, and if not, what is wrong with it.

Each rule is compared, entry by entry and for a random delta, with differences. The tolerance is
`SAFETY` times the error that the differences estimate of themselves; the report states it, and
nothing widens it. A rule that is wrong is compared with what the usual slips would give, so that
the report can name the slip.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments, differences, slips
from reference_impl.arguments import Array
from reference_impl.differences import EPS, Jacobian
from reference_impl.layer import Layer, matrix
from reference_impl.slips import Slips

SAFETY = 16.0
Pieces = Iterator["Report"]


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    findings : tuple of str
        The faults; none means that the check passed.
    notes : tuple of str
        What is no fault but worth knowing: a kink, or entries left out.
    compared : int
        How many numbers were compared with differences.
    tolerance : float
        The largest of the tolerances.
    """

    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: int = 0
    tolerance: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return not self.findings

    def __str__(self) -> str:
        faults = "no fault found" if self.ok else f"faults found: {len(self.findings)}"
        numbers = f"{self.compared} numbers compared, tolerance at most {self.tolerance:.1g}"
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([f"{faults}; {numbers}", *self.findings, *notes])


def check_layer(layer: Layer, z: ArrayLike, seed: int = 0) -> Report:
    """Check the three rules and the Jacobian of a layer at z, then its second order if it has one.

    Parameters
    ----------
    layer : Layer
        Any object with the methods of `Layer`. Its parameters are its attributes, "W"; those of
        a layer that has ``layers`` are named by position, "0.W".
    z : array_like, shape (N, in)
        A small input shows most: N >= 3 data points, N unequal to the width, mixed signs.
    seed : int
        For delta and the other random choices.

    Returns
    -------
    Report
        ``print(report)`` says which rule is wrong, at which entry, and the likely slip.

    Raises
    ------
    TypeError, ValueError
        For z that is not a finite matrix or too large. What the layer raises is passed on.
    """
    z, rng = matrix("z", z), np.random.default_rng(seed)
    report = _merged(_of_layer(layer, z, rng))
    if report.ok and hasattr(layer, "pullback_along"):
        return _merged([report, *_of_second_order(layer, z, rng)])
    return report


def assert_layer(layer: Layer, z: ArrayLike, seed: int = 0) -> None:
    """Raise AssertionError with the report if `check_layer` finds a fault: for use in a test."""
    report = check_layer(layer, z, seed)
    if not report.ok:
        raise AssertionError(f"{type(layer).__name__}: {report}")


def check_gradient(
    f: Callable[[Array], Any], gradient: Callable[[Array], Any], x: ArrayLike, seed: int = 0
) -> Report:
    """Check the gradient of a function f from an array x of any shape to one number.

    Parameters
    ----------
    f, gradient : callable
        x -> number, and x -> array of the shape of x.
    x : array_like
        Where to check.
    seed : int
        For the choice of entries of a large x.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        For x that is not finite. What f and its gradient raise is passed on.
    """
    x = arguments.finite("x", x)
    J = differences.jacobian(f, x, np.random.default_rng(seed))
    return _of_rule("the gradient", gradient(x.copy()), J, np.ones(()), partial(slips.of_any, 1))


def _of_layer(layer: Layer, z: Array, rng: np.random.Generator) -> Pieces:
    N, value = len(z), np.asarray(layer.forward(z.copy()))
    if value.shape != () and (value.ndim != 2 or len(value) != N):
        expected = f"({N}, out), or () for a cost layer"
        yield _fault(f"RULE 1 (forward): shape {value.shape}, expected {expected}")
        return
    yield from map(_fault, _wrong_type("RULE 1 (forward)", value))
    delta, J = _random(rng, value.shape), differences.jacobian(layer.forward, z, rng)
    yield from _of_other_rows(J, value, N)
    yield from _of_rule_2(layer, z, value, delta, J)
    yield from _of_rule_3(layer, z, value, delta, rng)
    yield from _of_adjoint(layer, z, value, rng)
    yield from _of_behaviour(layer, z, value, rng)


def _of_other_rows(J: Jacobian, value: Array, N: int) -> Pieces:
    """A layer acts on each data point by itself."""
    if value.shape:
        seen = np.abs(J.value) > SAFETY * J.error
        between = seen.reshape(N, value.shape[1], N, -1).any(axis=(1, 3)) & ~np.eye(N, dtype=bool)
        for i, j in np.argwhere(between)[:1]:
            yield _fault(f"RULE 1 (forward): row {i} of the output depends on row {j} of the input")


def _of_rule_2(layer: Layer, z: Array, value: Array, delta: Array, J: Jacobian) -> Pieces:
    """RULE 2 and the Jacobian; if both are wrong and agree, RULE 1 is suspected."""
    backward = np.asarray(layer.backward(z.copy(), delta.copy()))
    jacobian = np.asarray(layer.jacobian(z.copy()))
    rows = np.broadcast_to(delta, value.shape or (len(z), 1))
    right, error = (_by_row(part, value, z) for part in (J.value, J.error))
    known = partial(slips.of_backward, z, value, rows, right)
    found = _of_rule("RULE 2 (backward)", backward, J, delta, known)
    tolerance = SAFETY * (error + EPS * np.abs(right))
    also = _of_entries("jacobian", jacobian, right, tolerance, slips.of_jacobian(value, right))
    yield from (found, also)
    if not (found.ok or also.ok) and jacobian.shape == right.shape:
        pulled = np.einsum("iu,iuv->iv", rows, jacobian)
        if slips.equal(backward, pulled):
            yield Report(notes=("RULE 2 and jacobian agree: look at RULE 1 (forward) first",))


def _of_rule_3(
    layer: Layer, z: Array, value: Array, delta: Array, rng: np.random.Generator
) -> Pieces:
    for name, gradient in layer.parameter_gradient(z.copy(), delta.copy()).items():
        rule = f"RULE 3 (parameter_gradient, {name})"
        try:
            theta = np.array(_parameter(layer, name), dtype=np.float64)
        except (AttributeError, IndexError, ValueError):
            yield _fault(f"{rule}: the layer has no parameter of this name")
            continue

        def forward(theta: Array, name: str = name) -> Array:
            return _with_parameter(layer, name, theta).forward(z)

        J = differences.jacobian(forward, theta, rng)
        ends = value.shape or (1, 1)
        parts = delta.reshape(ends), J.value.reshape(ends + J.shape)
        yield _of_rule(rule, gradient, J, delta, partial(slips.of_parameter, *parts))


def _of_adjoint(layer: Layer, z: Array, value: Array, rng: np.random.Generator) -> Pieces:
    """<J v, u> = <v, J^T u>, with J v by differences: all entries take part, however many."""
    for _ in range(3):
        u, v = _random(rng, value.shape), _random(rng, z.shape)
        along = differences.slope(layer.forward, z, v)
        backward = np.asarray(layer.backward(z.copy(), u.copy()))
        if along.kink or not np.isfinite(along.error).all() or backward.shape != z.shape:
            return
        pulled = v * backward
        left, right = u.ravel() @ along.value, pulled.sum()
        error = np.abs(u).ravel() @ (along.error + EPS * np.abs(along.value))
        tolerance = SAFETY * float(error + EPS * np.abs(pulled).sum())
        equation = f"<J v, u> = {left:.9g} +- {tolerance:.1g}, but <v, J^T u> = {right:.9g}"
        fault = f"RULE 2 (backward): not the adjoint of J: {equation}"
        wrong = not abs(left - right) <= tolerance
        yield Report((fault,) * wrong, compared=1, tolerance=tolerance)
        if wrong:
            return


def _of_behaviour(layer: Layer, z: Array, value: Array, rng: np.random.Generator) -> Pieces:
    """Nothing is kept or written to; RULES 2 and 3 are linear in delta."""
    d, e = _random(rng, value.shape), _random(rng, value.shape)
    z_given, d_given = z.copy(), d.copy()

    def rules(delta: Array) -> dict[str, Array]:
        gradients = layer.parameter_gradient(z_given, delta).items()
        named = [(f"RULE 3 (parameter_gradient, {name})", gradient) for name, gradient in gradients]
        results = [("RULE 2 (backward)", layer.backward(z_given, delta)), *named]
        return {rule: np.array(result, dtype=np.float64) for rule, result in results}

    forward, first = np.array(layer.forward(z_given)), rules(d_given)
    layer.forward(z[::-1].copy())
    second, again = rules(d_given), np.array(layer.forward(z_given))
    third = rules(d_given)
    if not (np.array_equal(z, z_given) and np.array_equal(d, d_given)):
        yield _fault("an argument was written to")
        return
    if not np.array_equal(forward, again, equal_nan=True):
        yield _fault("RULE 1 (forward): another result in a second call: a state is kept")
    of_e, of_both, of_zero = rules(e), rules(d - 2.0 * e), rules(0.0 * d)
    for rule, once in first.items():
        if not np.array_equal(once, second[rule], equal_nan=True):
            accumulates = slips.equal(third[rule] - second[rule], second[rule] - once)
            hint = ": it accumulates" if accumulates else ""
            yield _fault(f"{rule}: another result in a second call: a state is kept{hint}")
        elif of_zero[rule].any():
            yield _fault(f"{rule}: not 0 for delta = 0")
        elif not slips.equal(of_both[rule], once - 2.0 * of_e[rule], [once, of_e[rule]]):
            yield _fault(f"{rule}: not linear in delta")


def _of_second_order(layer: Any, z: Array, rng: np.random.Generator) -> Pieces:
    """What the layer says of its rules along a direction, against differences of the rules."""
    shape = np.shape(layer.forward(z.copy()))
    dz, delta, change = (_random(rng, size) for size in (z.shape, shape, shape))
    names = list(layer.parameter_gradient(z.copy(), delta.copy()))
    theta = {name: np.array(_parameter(layer, name), dtype=np.float64) for name in names}
    dtheta = {name: _random(rng, part.shape) for name, part in theta.items()}

    def moved(t: Array) -> list[Array]:
        other = layer
        for name in names:
            other = _with_parameter(other, name, theta[name] + t * dtheta[name])
        at, d = z + t * dz, delta + t * change
        gradients = other.parameter_gradient(at, d)
        return [other.forward(at), other.backward(at, d), *(gradients[name] for name in names)]

    of_value, back = layer.pullback_along(z.copy(), dz, dtheta)
    of_delta, of_gradients = back(delta.copy(), change.copy())
    rules = ["RULE 1", "RULE 2", *(f"RULE 3, {name}" for name in names)]
    got = [of_value, of_delta, *(of_gradients.get(name, np.nan) for name in names)]
    for k, (rule, part) in enumerate(zip(rules, got, strict=True)):

        def of_rule(t: Array, k: int = k) -> Array:
            return moved(t[0])[k]

        found = differences.slope(of_rule, np.zeros(1), np.ones(1))
        if not found.kink:
            shape = np.shape(of_rule(np.zeros(1)))
            tolerance = SAFETY * (found.error + EPS * np.abs(found.value)).reshape(shape)
            right = found.value.reshape(shape)
            name = f"pullback_along, {rule}"
            yield _of_entries(name, np.asarray(part), right, tolerance, iter(()))


def _of_rule(
    rule: str, got: Any, J: Jacobian, delta: Array, known: Callable[[Array], Slips]
) -> Report:
    """Compare `got` with sum_u delta_u J_uv; describe what happens at kinks."""
    delta = delta.ravel()
    right = (delta @ J.value).reshape(J.shape)
    tolerance = SAFETY * (np.abs(delta) @ (J.error + EPS * np.abs(J.value))).reshape(J.shape)
    pieces = [_of_entries(rule, got, right, tolerance, known(right))]
    if J.lost:
        pieces.append(_fault(f"{rule}: RULE 1 is not finite near {_place(J.lost[0], J.shape)}"))
    if J.kinks and np.shape(got) == J.shape:
        at = J.kinks[0]
        more = f" and {len(J.kinks) - 1} more" if len(J.kinks) > 1 else ""
        note = (
            f"{rule}: a kink at {_place(at, J.shape)}{more}: slope {delta @ J.left[:, at]:.6g} "
            f"from the left, {delta @ J.right[:, at]:.6g} from the right; "
            f"{np.ravel(got)[at]:.6g} returned"
        )
        pieces.append(Report(notes=(note,)))
    if right.size > differences.MOST:
        note = f"{rule}: {differences.MOST} of {right.size} entries compared"
        pieces.append(Report(notes=(note,)))
    return _merged(pieces)


def _of_entries(rule: str, got: Any, right: Array, tolerance: Array, known: Slips) -> Report:
    """Compare entry by entry, where the right answer is not nan, and name the slip."""
    got, checked = np.asarray(got), np.isfinite(right)
    faults = _wrong_type(rule, got)
    if got.shape != right.shape:
        expected = f"{rule}: shape {got.shape}, expected {right.shape}"
        faults = [*faults, expected + slips.named(got, right, known)]
    elif np.isfinite(got).all():
        wrong = checked & ~(np.abs(got - right) <= tolerance)
        if wrong.any():
            at = int(np.where(wrong, np.abs(got - right) / tolerance, 0.0).argmax())
            faults = [
                *faults,
                f"{rule}: wrong at {_place(at, right.shape)}, and {wrong.sum() - 1} more: "
                f"got {got.flat[at]:.9g}, differences give {right.flat[at]:.9g} +- "
                f"{tolerance.flat[at]:.1g}{slips.named(got, right, known)}",
            ]
    widest = tolerance[checked].max(initial=0.0)
    return Report(tuple(faults), compared=int(checked.sum()), tolerance=float(widest))


def _wrong_type(rule: str, result: Array) -> list[str]:
    if result.dtype != np.float64:
        return [f"{rule}: type {result.dtype}, expected float64"]
    if not np.isfinite(result).all():
        return [f"{rule}: not finite"]
    return []


def _fault(text: str) -> Report:
    return Report((text,))


def _merged(pieces: Iterable[Report]) -> Report:
    pieces = list(pieces)
    return Report(
        tuple(finding for piece in pieces for finding in piece.findings),
        tuple(note for piece in pieces for note in piece.notes),
        sum(piece.compared for piece in pieces),
        max(piece.tolerance for piece in pieces),
    )


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of both signs, none close to zero."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape))


def _by_row(J: Array, value: Array, z: Array) -> Array:
    """(N x out) x (N x in) as the N blocks out x in of the data points."""
    if value.shape == ():
        return J.reshape(len(z), 1, -1)
    i = np.arange(len(z))
    return J.reshape(*value.shape, *z.shape)[i, :, i, :]


def _place(at: int, shape: tuple[int, ...]) -> str:
    return str([int(index) for index in np.unravel_index(at, shape)])


def _parameter(layer: Any, name: str) -> Any:
    first, _, rest = name.partition(".")
    return _parameter(layer.layers[int(first)], rest) if rest else getattr(layer, name)


def _with_parameter(layer: Any, name: str, value: Array) -> Any:
    """The same layer with another value of one parameter."""
    first, _, rest = name.partition(".")
    if rest:
        layers = list(layer.layers)
        layers[int(first)] = _with_parameter(layers[int(first)], rest, value)
        return _with_parameter(layer, "layers", layers)  # type: ignore[arg-type]
    if dataclasses.is_dataclass(layer):
        return dataclasses.replace(layer, **{name: value})  # type: ignore[type-var]
    other = copy.copy(layer)
    setattr(other, name, value)
    return other
