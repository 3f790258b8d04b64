"""The checks: a problem is examined claim by claim, and a verdict is given.

A claim is wrong where it differs from differences by more than `SAFETY` times the error that these
estimate of themselves; nothing else is a tolerance. The verdict is "cannot tell" where nothing was
compared, where the function has a kink or is not the same twice, and where noise is wider than
the derivative.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.check import differences, measure, precision
from reference_impl.check.causes import BEHAVIOUR, causes
from reference_impl.check.clock import Clock, TimeUp, until_time_is_up
from reference_impl.check.differences import EPS
from reference_impl.check.measure import (
    SAFETY,
    Columns,
    Ground,
    copies,
)
from reference_impl.check.problem import Case as Case, Problem, Values
from reference_impl.check.report import Cause, Finding, Report
from reference_impl.check.unseen import unseen

KEPT = "another result in a second call: a state is kept"


@dataclass(frozen=True)
class Piece:
    """A part of a report; `doubts` are notes that forbid the verdict "right"."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    compared: int = 0
    tolerance: float = 0.0


Pieces = Iterator[Piece]
Claim = Callable[[Values, Array], Mapping[str, Any]]


def examine(problem: Problem, *, seed: int = 0, seeds: int = 3, budget: float = 10.0) -> Report:
    """Examine all that is claimed of a problem.

    Parameters
    ----------
    problem : Problem
    seed : int
        For delta, directions and the entries chosen of large arrays.
    seeds : int
        How often delta and directions are drawn.
    budget : float
        In seconds of processor time; what there was no time for is named in the notes.
    """
    rng, clock = np.random.default_rng(seed), Clock(budget)
    pieces: list[Piece] = [Piece(problem.faults, problem.notes)]
    try:
        pieces += _examined(problem, rng, seeds, clock, budget)
    except TimeUp:
        pieces.append(Piece(doubts=(f"{budget:g} s were not enough for one look at it",)))
    findings = tuple(finding for piece in pieces for finding in piece.findings)
    doubts = tuple(doubt for piece in pieces for doubt in piece.doubts)
    compared = sum(piece.compared for piece in pieces)
    if not (findings or doubts or compared):
        doubts = ("nothing was compared",)
    return Report(
        "wrong" if findings else "cannot tell" if doubts else "right",
        findings,
        tuple(dict.fromkeys(hint for piece in pieces for hint in piece.unseen)),
        tuple(dict.fromkeys([*doubts, *(note for piece in pieces for note in piece.notes)])),
        compared,
        max(piece.tolerance for piece in pieces),
        seed,
        problem.script,
    )


def _examined(problem: Problem, rng: Any, seeds: int, clock: Clock, budget: float) -> Pieces:
    ground = Ground(problem, problem.values, clock)
    pieces = list(_of_forward(ground, rng))
    yield from pieces
    if any(piece.findings or piece.doubts for piece in pieces):
        return
    ground, notes = precision.measured(ground, rng)
    yield Piece(notes=notes, unseen=unseen(problem, ground.value))
    seen = Examination(ground, rng, seeds, budget)
    wrong = False
    for what, check in (
        ("gradients", seen.of_gradients),
        ("jvp", seen.of_pushes),
        ("the Jacobian", seen.of_jacobians),
        ("what has no gradient", seen.of_hidden),
        ("the second order", seen.of_second_order),
    ):
        if what == "the second order" and wrong:
            return  # it can be no better than what it is the derivative of
        for piece in until_time_is_up(check()):
            wrong |= bool(piece.findings)
            yield piece
        if clock.is_up():
            yield Piece(notes=(f"out of time after {budget:g} s: not all compared of {what}",))
            return


def _of_forward(ground: Ground, rng: Any) -> Pieces:
    """A value, the same in every call, and nothing written to."""
    value, rule = np.array(ground.forward(copies(ground.values))), "RULE 1 (forward)"
    if value.dtype.kind not in "fiub":
        yield _fault(rule, "", f"type {value.dtype}, expected numbers")
        return
    if not value.size:
        yield Piece(doubts=(f"{rule}: the output is empty, of shape {value.shape}",))
        return
    if not np.isfinite(value).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(value))[0])
        yield _fault(rule, "", f"not finite at {list(at)}: {value[at]}", at)
        return
    given = {name: np.array(x) for name, x in ground.values.items()}
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


@dataclass(frozen=True, eq=False)
class Examination:
    """The checks of the claims, for a function that is fit for them."""

    ground: Ground
    rng: Any
    seeds: int
    budget: float

    @cached_property
    def delta(self) -> Array:
        """The first cotangent; 1 if a gradient is claimed."""
        return _random(self.rng, self.ground.value.shape)

    @cached_property
    def measured(self) -> dict[str, Columns]:
        """The derivatives by single entries, filled as they are needed."""
        return {}

    def columns(self, name: str, delta: Array) -> Columns:
        """Return the derivatives by the entries of an argument."""
        if name not in self.measured:
            large = self.ground.values[name].size > measure.MOST
            share = (0.1 if large else 0.3) / len(self.ground.values)
            clock = Clock(share * self.budget)
            self.measured[name] = measure.columns(self.ground, name, delta, self.rng, clock)
        return self.measured[name]

    # ------------------------------------------------------------ RULES 2 and 3, gradients

    def of_gradients(self) -> Pieces:
        """Check vjp or gradient."""
        problem, ones = self.ground.problem, np.ones(self.ground.value.shape)
        if problem.gradient is not None:
            gradient = problem.gradient
            yield from self._of_claim(lambda values, _: gradient(values), [ones] * self.seeds)
        if problem.vjp is not None:
            deltas = [self.delta] + [_random(self.rng, ones.shape) for _ in range(self.seeds - 1)]
            yield from self._of_claim(problem.vjp, deltas)

    def _of_claim(self, claim: Claim, deltas: list[Array]) -> Pieces:
        ground = self.ground

        def asked(values: Values, delta: Array) -> Mapping[str, Any]:
            ground.clock.look()
            ground.forward(copies(values))
            with np.errstate(all="ignore"):
                return claim(copies(values), np.array(delta))

        faults = list(_of_behaviour(ground, claim, deltas))
        kept = {f.argument for piece in faults for f in piece.findings if KEPT in f.evidence}
        answers = [asked(ground.values, delta) for delta in deltas]
        parts = [
            Part(ground, asked, name, deltas, [answer.get(name) for answer in answers], self.rng)
            for name in ground.values
            if name not in kept
        ]
        # Directions through all entries cost little: first of all arguments.
        along = [list(until_time_is_up(self._of_directions(part))) for part in parts]
        for part, seen in zip(parts, along, strict=True):
            yield from self._of_argument(part, seen)
        yield from faults

    def _of_argument(self, part: "Part", along: list["Piece | Failed"]) -> Pieces:
        """Compare entry by entry, and judge what was seen along directions."""
        if fault := part.fault:
            yield fault
            return
        columns = self.columns(part.name, part.deltas[0])
        case = self._case(part, columns)
        if part.got[0].shape != case.at.shape:
            yield from _of_shape(case)
            return
        failed = next((seen for seen in along if isinstance(seen, Failed)), None)
        linearity = list(until_time_is_up(_of_linearity(part)))
        pieces = list(_of_entries(case, columns, part))
        if failed and not any(piece.findings for piece in pieces):
            pieces.append(self._located(case, failed))
        yield from pieces
        if any(piece.findings for piece in pieces):
            yield from linearity
            return
        told = [seen for seen in along if isinstance(seen, Piece)]
        yield from told
        if not any(piece.compared or piece.doubts for piece in [*pieces, *told]):
            out = self.ground.clock.is_up()
            why = "not compared, out of time" if out else "noise is wider than the derivative"
            yield Piece(doubts=(f"{part.rule}: {why}",))

    def _of_directions(self, part: "Part") -> Iterator["Piece | Failed"]:
        """<J v, u> = <v, J^T u>: all entries take part, however many; the first failure ends it."""
        ground, name, x = self.ground, part.name, self.ground.values[part.name]
        if part.fault or part.got[0].shape != x.shape:
            return
        for k, (delta, answer) in enumerate(zip(part.deltas, part.got, strict=True)):
            kinds = ["relative"] if name in ground.coarse else measure.kinds(x)
            for kind in kinds[: None if k == 0 or x.size <= measure.MOST else 1]:
                v = measure.direction(self.rng, x, kind)
                along = ground.pulled(delta, {name: v})
                if not np.isfinite([along.want, along.error]).all():
                    continue
                pulled = float((answer * v).sum())
                tolerance = SAFETY * (along.error + EPS * float(np.abs(answer * v).sum()))
                if abs(pulled - along.want) > tolerance:
                    tolerance += SAFETY * float((np.abs(v) * part.noise).sum())
                if abs(pulled - along.want) > tolerance:
                    yield Failed(delta, answer, v, pulled, along.want, tolerance)
                    return
                if abs(along.want) > tolerance:
                    yield Piece(compared=1, tolerance=tolerance)

    def _located(self, case: Case, failed: "Failed") -> Piece:
        """Find a wrong entry by bisection, given that the whole is wrong along a direction."""
        ground, name, delta = self.ground, case.argument, failed.delta
        case = replace(case, delta=delta, got=failed.got)
        at = measure.bisect(ground, name, delta, failed.got, failed.v)
        found = measure.pulled(ground.entry(name, at, delta))
        error = SAFETY * (found.error + EPS * abs(found.want))
        if abs(case.got.flat[at] - found.want) > error:
            wants, errors = np.full((2, *failed.v.shape), np.nan)
            if delta is case.delta:
                wants, errors = np.array(case.want), np.array(case.error)
            wants.flat[at], errors.flat[at] = found.want, error
            return _entry_fault(replace(case, want=wants, error=errors), at, ", found by bisection")
        # Not seen in any entry: so it has to be seen again along another direction.
        v = measure.direction(self.rng, case.at, "relative")
        again = ground.pulled(delta, {name: v})
        off = abs(float((failed.got * v).sum()) - again.want)
        if not off > SAFETY * (again.error + EPS * float(np.abs(failed.got * v).sum())):
            doubt = "wrong along one direction, right along another and by single entries"
            return Piece(doubts=(f"{case.rule}: {doubt}",))
        equation = (
            f"<J v, u> = {failed.want:.9g} +- {failed.tolerance:.1g}, "
            f"but <v, J^T u> = {failed.pulled:.9g}"
        )
        text = f"not the adjoint of the derivative by {name}: {equation}"
        numbers = failed.pulled, failed.want, failed.tolerance
        return Piece((Finding(case.rule, name, (), *numbers, None, text),))

    def _case(self, part: "Part", columns: Columns) -> Case:
        ground, name = self.ground, part.name

        def ask(values: Values, delta: Array) -> Array:
            return np.asarray(part.asked(values, delta)[name])

        def slopes(values: Values, delta: Array) -> tuple[Array, Array]:
            there = replace(ground, values=values)
            found = measure.columns(there, name, delta, self.rng, ground.clock)
            return found.want, SAFETY * found.error

        return Case(
            f"{part.rule}: nothing is returned" if part.absent else part.rule,
            name,
            part.got[0],
            columns.want,
            SAFETY * columns.error,
            ground.values[name],
            ground.value,
            part.deltas[0],
            columns.jacobian,
            ground.values,
            ask,
            slopes,
            ground.problem.known,
        )

    # --------------------------------------------------------------- jvp and jacobian

    def of_pushes(self) -> Pieces:
        """Check jvp along directions through all entries."""
        ground, jvp = self.ground, self.ground.problem.jvp
        if jvp is None:
            return
        for _ in range(self.seeds):
            v = ground.directions(self.rng)
            slope = ground.slope(v)
            got = np.asarray(jvp(copies(ground.values), copies(v)))
            pieces = list(self._of_outputs("jvp", ", ".join(v), got, slope))
            yield from pieces
            if any(piece.findings for piece in pieces):
                return

    def of_jacobians(self) -> Pieces:
        """Check each column of a Jacobian, or of its blocks for each data point."""
        ground, jacobian = self.ground, self.ground.problem.jacobian
        if jacobian is None:
            return
        for name, answer in jacobian(copies(ground.values)).items():
            x, got = ground.values[name], np.asarray(answer)
            whole, columns = ground.value.shape + x.shape, self.columns(name, self.delta)
            if fault := _wrong_type("jacobian", name, got):
                yield fault
                continue
            J, error = columns.jacobian, columns.jacobian_error
            if got.shape != whole and ground.problem.rows == name:
                yield from self._of_blocks(name, got, J, error)
                continue
            if got.shape != whole:
                yield _fault("jacobian", name, f"shape {got.shape}, expected {whole}")
                continue
            if J is not None and error is not None:
                yield from _of_numbers(self._plain_case("jacobian", name, got, J, error))
            v = ground.directions(self.rng)[name]
            pushed = np.tensordot(got, v, axes=x.ndim)
            yield from self._of_outputs("jacobian times v", name, pushed, ground.slope({name: v}))

    def _of_blocks(self, name: str, got: Array, J: Array | None, error: Array | None) -> Pieces:
        """One block out x in for each data point; (N, 1, in) for a cost."""
        value, x = self.ground.value, self.ground.values[name]
        expected = (len(x), *(value.shape[1:] if value.shape else (1,)), *x.shape[1:])
        if got.shape != expected:
            yield _fault("jacobian", name, f"shape {got.shape}, expected {expected}")
        elif J is not None and error is not None:
            blocks, errors = (_diagonal_blocks(part, value, x) for part in (J, error))
            yield from _of_numbers(self._plain_case("jacobian", name, got, blocks, errors))

    def _of_outputs(self, rule: str, name: str, got: Array, slope: differences.Slope) -> Pieces:
        shape = self.ground.value.shape
        if fault := _wrong_type(rule, name, got):
            yield fault
        elif got.shape != shape:
            yield _fault(rule, name, f"shape {got.shape}, expected {shape}")
        else:
            want, error = slope.value.reshape(shape), slope.error.reshape(shape)
            yield from _of_numbers(self._plain_case(rule, name, got, want, error))

    def _plain_case(self, rule: str, name: str, got: Array, want: Array, error: Array) -> Case:
        ground = self.ground
        bound = SAFETY * (error + EPS * np.abs(want))
        at, J = ground.values.get(name, np.array(np.nan)), None
        if name in self.measured:
            J = self.measured[name].jacobian
        return Case(rule, name, got, want, bound, at, ground.value, self.delta, J, ground.values)

    # ------------------------------------------------------------------ second order

    def of_second_order(self) -> Pieces:
        """Check hessian, hvp, and what a layer says of its rules along a direction."""
        ground, problem = self.ground, self.ground.problem
        if problem.hessian is not None:
            blocks = {n: np.asarray(H) for n, H in problem.hessian(copies(ground.values)).items()}
            for name, H in blocks.items():
                yield from self._of_hessian(name, H)
        if problem.hvp is not None:
            hvp = problem.hvp
            for _ in range(self.seeds):
                v = ground.directions(self.rng)
                answers = hvp(copies(ground.values), copies(v))
                for name in ground.values:
                    got = np.asarray(answers.get(name))
                    yield from self._of_curvature("hvp", name, got, v)
        if problem.along is not None:
            yield from self._of_along()

    def _of_hessian(self, name: str, H: Array) -> Pieces:
        x = self.ground.values[name]
        if fault := _wrong_type("hessian", name, H):
            yield fault
        elif H.shape != x.shape * 2:
            yield _fault("hessian", name, f"shape {H.shape}, expected {x.shape * 2}")
        else:
            many = [self.ground.directions(self.rng)[name] for _ in range(self.seeds)]
            units = np.eye(x.size).reshape(x.size, *x.shape)[: measure.MOST]
            for v in [*many, *units]:
                got = np.tensordot(H, v, axes=x.ndim)
                pieces = list(self._of_curvature("hessian times v", name, got, {name: v}))
                yield from pieces
                if any(piece.findings for piece in pieces):
                    return

    def _of_curvature(self, rule: str, name: str, got: Array, v: Values) -> Pieces:
        """Compare H v with the change of the gradient along v."""
        ground, problem = self.ground, self.ground.problem
        x = ground.values[name]
        if fault := _wrong_type(rule, name, got):
            yield fault
            return
        if got.shape != x.shape:
            yield _fault(rule, name, f"shape {got.shape}, expected {x.shape}")
            return
        gradient = problem.gradient
        if gradient is None and problem.vjp is not None:
            vjp = problem.vjp
            gradient = lambda values: vjp(values, np.ones(ground.value.shape))  # noqa: E731
        u = ground.directions(self.rng)[name]

        def moved(t: float) -> Array:
            ground.clock.look()
            at = {n: y + t * v[n] if n in v else np.array(y) for n, y in ground.values.items()}
            if gradient is not None:
                return np.asarray(gradient(at)[name], dtype=np.float64)
            there = replace(ground, values=at)
            return np.asarray(there.slope({name: u}).value)

        slope = differences.slope(moved, ground.terms, ground.unit)
        if gradient is not None:
            want, error = slope.value.reshape(x.shape), slope.error.reshape(x.shape)
            yield from _of_numbers(self._plain_case(rule, name, got, want, error))
        else:
            number = np.asarray((u * got).sum())
            want, error = slope.value.sum(), slope.error.sum()
            case = self._plain_case(f"u times {rule}", name, number, want, error)
            yield from _of_numbers(case)

    def _of_along(self) -> Pieces:
        ground, along = self.ground, self.ground.problem.along
        assert along
        v = ground.directions(self.rng)
        delta, change = self.delta, _random(self.rng, ground.value.shape)
        got = along.claim(copies(ground.values), copies(v), delta.copy(), change.copy())
        rules = along.rules(copies(ground.values), delta.copy())
        for rule, here in rules.items():

            def moved(t: float, rule: str = rule) -> Array:
                ground.clock.look()
                at = {name: x + t * v[name] for name, x in ground.values.items()}
                return np.asarray(along.rules(at, delta + t * change)[rule])

            slope = differences.slope(moved, ground.terms, ground.unit)
            shape, answer = np.shape(here), np.asarray(got.get(rule))
            name = f"pullback_along, {rule}"
            if answer.shape != shape:
                yield _fault(name, "", f"shape {answer.shape}, expected {shape}")
            elif fault := _wrong_type(name, "", answer):
                yield fault
            else:
                want, error = slope.value.reshape(shape), slope.error.reshape(shape)
                yield from _of_numbers(self._plain_case(name, "", answer, want, error))

    # ------------------------------------------------------------ what has no gradient

    def of_hidden(self) -> Pieces:
        """Look for float arrays that change the output although no gradient is claimed."""
        ground = self.ground
        for name, theta in ground.problem.hidden.items():
            there = replace(ground, values={**ground.values, name: theta})
            v = measure.direction(self.rng, theta, "typical")
            along = there.pulled(self.delta, {name: v})
            if abs(along.want) > SAFETY * along.error:
                if name in ground.problem.constants:
                    hint = f"{name} changes the output and has no gradient: taken for a constant"
                    yield Piece(unseen=(hint,))
                else:
                    yield self._left_out(name, along.want, SAFETY * along.error)

    def _left_out(self, name: str, want: float, error: float) -> Piece:
        text = f"no gradient by {name}, and it changes the output; or name the parameters: params="
        rule = self.ground.problem.rules.get(name, f"RULE 3 (parameter_gradient, {name})")
        return Piece(
            (Finding(rule, name, (), float("nan"), want, error, BEHAVIOUR["left out"], text),)
        )


@dataclass(frozen=True, eq=False)
class Failed:
    """A direction v along which `got` is wrong as a whole."""

    delta: Array
    got: Array
    v: Array
    pulled: float
    want: float
    tolerance: float


@dataclass(frozen=True, eq=False)
class Part:
    """What a claim says of one argument, for several cotangents."""

    ground: Ground
    asked: Claim
    name: str
    deltas: list[Array]
    answers: list[Any]
    rng: Any

    @property
    def rule(self) -> str:
        """How the claim is called."""
        return self.ground.problem.rules.get(self.name, f"gradient by {self.name}")

    @property
    def absent(self) -> bool:
        """Whether nothing was returned."""
        return self.answers[0] is None

    @cached_property
    def got(self) -> list[Array]:
        """What was returned; 0 where nothing was."""
        zero = np.zeros(self.ground.values[self.name].shape)
        return [zero if answer is None else np.asarray(answer) for answer in self.answers]

    @property
    def fault(self) -> Piece | None:
        """What is no array of finite numbers."""
        return None if self.absent else _wrong_type(self.rule, self.name, self.got[0])

    @cached_property
    def noise(self) -> Array:
        """How far off rounding puts each entry of what is claimed: looked at only if needed."""
        values, delta = self.ground.values, self.deltas[0]
        steps = {n: measure.direction(self.rng, x, "relative") for n, x in values.items()}
        change = _random(self.rng, delta.shape) * delta

        def moved(t: float) -> Array:
            at = {name: x + t * steps[name] for name, x in values.items()}
            answer = self.asked(at, delta + t * change).get(self.name)
            return np.zeros(values[self.name].shape) if answer is None else np.asarray(answer)

        noise, near = differences.noise(moved)
        single = precision.is_single(near)
        size = np.abs(near).max(axis=0)
        floor = precision.SINGLE * np.maximum(size, size.max(initial=0.0) / 8.0) if single else EPS * size
        jumps = noise > 2.0**-9 * size.max(initial=0.0)
        return np.where(jumps, 0.0, noise + floor).reshape(values[self.name].shape)


def _of_behaviour(ground: Ground, claim: Claim, deltas: list[Array]) -> Pieces:
    """Nothing is kept or written to, and delta = 0 gives 0."""
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
        yield from _of_writing("vjp", ground.values, given)
        if not np.array_equal(d, delta):
            text = "the argument delta was written to"
            yield Piece((Finding("vjp", "delta", evidence=text, cause=BEHAVIOUR["writes"]),))
            return
    fresh, first, second = results
    zero = {} if problem.gradient is not None else dict(claim(given, 0.0 * delta))
    for name, once in fresh.items():
        rule = problem.rules.get(name, f"gradient by {name}")
        if once.dtype.kind not in "fiub":
            continue
        if not all(_same(once, part.get(name), ground.unit) for part in (first, second)):
            change = second[name] - first[name]
            before = once, first[name] - once  # of a fresh object, of one that was used
            adds = any(_same(change, part, 1e3 * ground.unit) for part in before)
            stale = _same(first[name], second[name], ground.unit)
            cause = BEHAVIOUR["accumulates" if adds else "caches" if stale else "random"]
            if not (adds or stale):
                cause = replace(cause, rivals=("a state that each call changes",))
            text = f"{KEPT}: it accumulates" if adds else KEPT
            yield Piece((Finding(rule, name, evidence=text, cause=cause),))
        elif zero.get(name) is not None:
            of_zero = np.asarray(zero[name])
            if of_zero.any() and np.isfinite(of_zero).all():
                yield _fault(rule, name, "not 0 for delta = 0")


def _of_linearity(part: Part) -> Pieces:
    """A claim that is wrong may be so because it is not linear in delta."""
    ground, delta = part.ground, part.deltas[0]
    other = _random(part.rng, delta.shape)
    deltas = delta, other, delta - 2.0 * other
    answers = [part.asked(ground.values, d).get(part.name) for d in deltas]
    if ground.problem.gradient is not None or any(answer is None for answer in answers):
        return
    a, b, c = (np.asarray(answer) for answer in answers)
    size = np.abs(a).max() + 2.0 * np.abs(b).max() + np.abs(c).max()
    if np.abs(c - a + 2.0 * b).max() > max(1e-6, 1e3 * ground.unit) * size:
        yield _fault(part.rule, part.name, "not linear in delta")


# ------------------------------------------------------------------- numbers compared


def _of_entries(case: Case, columns: Columns, part: Part) -> Pieces:
    """Compare entry by entry, and with both slopes at a kink."""
    got, want = case.got, case.want
    tolerance = case.error + SAFETY * EPS * np.abs(got)
    with np.errstate(invalid="ignore"):
        wrong = np.isfinite(want) & (np.abs(got - want) > tolerance)
        far = wrong & (np.abs(got - columns.far) <= SAFETY * (columns.far_error + EPS * np.abs(got)))
    if far.any():
        at = [int(k) for k in np.argwhere(far)[0]]
        why = f"small steps and larger ones contradict one another at {at}"
        yield Piece(doubts=(f"{case.rule}: {why}, and the larger ones agree",))
        wrong &= ~far
    if wrong.any():
        wider = tolerance + SAFETY * part.noise
        wrong &= np.abs(got - want) > wider
        if not wrong.any():
            tolerance = wider
            why = "rounded more coarsely than RULE 1 (float32 inside?); right to that precision"
            yield Piece(notes=(f"{case.rule}: {why}",))
    if wrong.any():
        yield _wrong_entries(replace(case, error=tolerance), wrong)
        return
    yield from _of_told(case, tolerance, columns, part.ground.unit)
    yield from _of_kinks(case, columns, part.ground)


def _of_told(case: Case, tolerance: Array, columns: Columns, unit: float) -> Pieces:
    """Count what was compared: not where noise would hide any other answer too."""
    known = np.isfinite(case.want)
    steep, most = _steep(case), np.abs(case.delta).max(initial=0.0)
    small = max(1e-6, 1e3 * unit)
    zero = (case.got == 0) & (tolerance <= small * most)
    # A claim of zero may be one to rounding: the gradient of a bias before a batch norm.
    zero |= (np.abs(case.got) <= 64.0 * EPS * steep) & (tolerance <= small * steep)
    told = known & ((np.abs(case.want) > tolerance) | zero)
    blurred = int((known & ~told).sum())
    notes = []
    if blurred:
        notes.append(f"{case.rule}: noise is wider than the derivative at {blurred} entries")
    if columns.count < case.at.size:
        notes.append(f"{case.rule}: {columns.count} of {case.at.size} entries compared one by one")
    widest = float(tolerance[told].max(initial=0.0))
    yield Piece(notes=tuple(notes), compared=int(told.sum()), tolerance=widest)


def _steep(case: Case) -> float:
    """Return what a derivative of the size of value and argument would be, and at most delta."""
    value, at = (float(np.abs(part).max(initial=0.0)) for part in (case.value, case.at))
    return float(np.abs(case.delta).max(initial=0.0)) * min(1.0, value / (at or 1.0))


def _of_kinks(case: Case, columns: Columns, ground: Ground) -> Pieces:
    for places, words in ((columns.kinks, "a kink"), (columns.lost, "RULE 1 is not smooth")):
        if places.any():
            at = tuple(int(k) for k in np.argwhere(places)[0])
            more = f" and {places.sum() - 1} more" if places.sum() > 1 else ""
            low, high, got = columns.low[at], columns.high[at], case.got[at]
            sides = f": slopes {low:.6g} to {high:.6g}; {got:.6g} returned"
            yield Piece(doubts=(f"{case.rule}: {words} at {list(at)}{more}{sides}",))
    with np.errstate(invalid="ignore"):
        slack = (columns.high - columns.low) / 8.0
        sharp = np.max(ground.noise) <= 2.0**-32 * np.abs(case.value).max()
        outside = (case.got < columns.low - slack) | (case.got > columns.high + slack)
    for index in np.argwhere(columns.kinks & outside & sharp)[:1]:
        at = tuple(int(k) for k in index)
        low, high, got = columns.low[at], columns.high[at], case.got[at]
        text = (
            f"a kink at {list(at)}, and {got:.6g} is not between the slopes {low:.6g}, {high:.6g}"
        )
        yield Piece(
            (Finding(case.rule, case.argument, at, float(got), float(low), 0.0, None, text),)
        )


def _of_numbers(case: Case) -> Pieces:
    """Compare numbers that have no slopes to both sides."""
    with np.errstate(invalid="ignore"):
        tolerance = case.error + SAFETY * EPS * np.abs(case.got)
        known = np.isfinite(case.want)
        wrong = known & (np.abs(case.got - case.want) > tolerance)
    if wrong.any():
        yield _wrong_entries(replace(case, error=tolerance), wrong)
        return
    told = known & ((np.abs(case.want) > tolerance) | (case.got == 0))
    yield Piece(compared=int(told.sum()), tolerance=float(tolerance[told].max(initial=0.0)))


def _wrong_entries(case: Case, wrong: NDArray[np.bool_]) -> Piece:
    with np.errstate(all="ignore"):
        excess = np.where(wrong, np.abs(case.got - case.want) / case.error, 0.0)
    return _entry_fault(case, int(excess.argmax()), f", and {wrong.sum() - 1} more")


def _entry_fault(case: Case, at: int, more: str) -> Piece:
    index = tuple(int(k) for k in np.unravel_index(at, case.want.shape))
    got, want, error = (float(part.flat[at]) for part in (case.got, case.want, case.error))
    text = (
        f"wrong at {list(index)}{more}: got {got:.9g}, differences give {want:.9g} +- {error:.1g}"
    )
    finding = Finding(case.rule, case.argument, index, got, want, error, _cause(case), text)
    return Piece((finding,), compared=int(np.isfinite(case.want).sum()), tolerance=error)


def _of_shape(case: Case) -> Pieces:
    text = f"shape {case.got.shape}, expected {case.at.shape}"
    yield Piece((Finding(case.rule, case.argument, evidence=text, cause=_cause(case)),))


def _wrong_type(rule: str, name: str, got: Array) -> Piece | None:
    if got.dtype.kind not in "fiub":
        return _fault(rule, name, f"type {got.dtype}, expected numbers")
    if not np.isfinite(got).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(got))[0])
        return _fault(rule, name, f"not finite at {list(at)}: {got[at]}", at)
    return None


def _cause(case: Case) -> Cause | None:
    """Return the cause that is named first; few entries of many tell nothing of the others."""
    known = int(np.isfinite(case.want).sum())
    few = known < min(32, case.want.size) and case.got.shape == case.want.shape
    if few or not np.isfinite(case.at).all():
        return None
    try:
        return next(iter(causes(case)), None)
    except TimeUp:
        return None


def _fault(rule: str, name: str, text: str, index: tuple[int, ...] = ()) -> Piece:
    return Piece((Finding(rule, name, index, evidence=text),))


def _same(a: Array, b: Any, unit: float) -> bool:
    """Whether two results of the same call are alike, up to another order of sums."""
    if b is None or np.shape(a) != np.shape(b):
        return False
    if np.array_equal(a, b, equal_nan=True):
        return True
    largest = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    return bool((np.abs(a - b) <= 64.0 * unit * largest).all())


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of both signs, none close to zero."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape))


def _diagonal_blocks(J: Array, value: Array, x: Array) -> Array:
    """N x out x N x in as the N blocks of the data points; of a cost N x 1 x in."""
    if value.shape == ():
        return J[:, np.newaxis]
    i, ends = np.arange(len(x)), value.ndim
    return np.asarray(np.moveaxis(J, ends, 1)[i, i])
