"""The checks: a problem is examined claim by claim, and a verdict is given.

The verdict is "cannot tell" where nothing was
compared, where the function has a kink or is not the same twice, and where noise is wider than
the derivative.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check import differences, measure, precision, second
from reference_impl.check.behaviour import (
    KEPT,
    Claim,
    of_calls,
    of_forward,
    of_linearity,
    random,
)
from reference_impl.check.causes import BEHAVIOUR
from reference_impl.check.clock import Clock, TimeUp, until_time_is_up
from reference_impl.check.compare import (
    LAST,
    Piece,
    Pieces,
    entries,
    is_far,
    numbers,
    of_entry,
    of_kind,
    of_shape,
    of_slope,
    one_entry,
    plain,
    torn,
)
from reference_impl.check.differences import EPS
from reference_impl.check.measure import SAFETY, Columns, Ground, copies
from reference_impl.check.problem import Case as Case, Problem, Values
from reference_impl.check.report import Cause, Finding, Report
from reference_impl.check.second import zeros
from reference_impl.check.unseen import unseen


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
    pieces = list(of_forward(ground, rng))
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
        return random(self.rng, self.ground.value.shape)

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
            deltas = [self.delta] + [random(self.rng, ones.shape) for _ in range(self.seeds - 1)]
            yield from self._of_claim(problem.vjp, deltas)

    def _of_claim(self, claim: Claim, deltas: list[Array]) -> Pieces:
        ground = self.ground

        def asked(values: Values, delta: Array) -> Mapping[str, Any]:
            ground.clock.look()
            ground.forward(copies(values))
            with np.errstate(all="ignore"):
                return claim(copies(values), np.array(delta))

        faults = list(of_calls(ground, claim, deltas))
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
        ground, columns = self.ground, self.columns(part.name, part.deltas[0])
        case = self._case(part, columns)
        if part.got[0].shape != case.at.shape:
            yield of_shape(case)
            return
        failed = next((seen for seen in along if isinstance(seen, Failed)), None)
        linear = ground, part.rule, part.name, part.asked, part.deltas[0], self.rng
        linearity = list(until_time_is_up(of_linearity(*linear)))
        pieces = list(entries(case, columns, ground, part.noise))
        if failed and not any(piece.findings for piece in pieces):
            located = self._located(case, failed)
            # Without an entry it may come from one that is in doubt.
            if any(f.index for f in located.findings) or not any(p.doubts for p in pieces):
                pieces.append(located)
        yield from pieces
        if any(piece.findings for piece in pieces):
            yield from linearity
            return
        told = [seen for seen in along if isinstance(seen, Piece)]
        yield from told
        if not any(piece.compared or piece.doubts for piece in [*pieces, *told]):
            out = ground.clock.is_up()
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
                    tolerance += SAFETY * float((np.abs(v) * part.noise()).sum())
                if abs(pulled - along.want) > tolerance:
                    if is_far(pulled, along.far, along.far_error):
                        yield torn(part.rule, ())
                        continue
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
        error = SAFETY * (found.error + LAST * abs(found.want))
        if abs(case.got.flat[at] - found.want) > error:
            if is_far(case.got.flat[at], found.far, found.far_error):
                return torn(case.rule, [int(k) for k in np.unravel_index(at, case.at.shape)])
            wants, errors = np.full((2, *failed.v.shape), np.nan)
            if delta is case.delta:
                wants, errors = np.array(case.want), np.array(case.error)
            wants.flat[at], errors.flat[at] = found.want, error
            case = replace(case, want=wants, error=errors)
            step = (case.got.flat[at] - found.want) * failed.v.flat[at]
            alone = abs(failed.pulled - failed.want - step) <= failed.tolerance + error
            return of_entry(
                case, at, ", found by bisection", one_entry(case, at) if alone else None
            )
        # Not seen in any entry: so it has to be seen again along another direction.
        v = measure.direction(self.rng, case.at, "relative")
        again = ground.pulled(delta, {name: v})
        off = abs(float((failed.got * v).sum()) - again.want)
        if not off > SAFETY * (again.error + LAST * float(np.abs(failed.got * v).sum())):
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

        def along(values: Values, delta: Array, v: Array) -> tuple[float, float]:
            found = replace(ground, values=values).pulled(delta, {name: v})
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
            along,
            ground.problem.known,
            {n: self.columns(n, part.deltas[0]).want for n in ground.values if n != name},
        )

    # --------------------------------------------------------------- jvp and jacobian

    def of_pushes(self) -> Pieces:
        """Check jvp along directions through all entries."""
        ground, jvp = self.ground, self.ground.problem.jvp
        if jvp is None:
            return
        every = tuple(ground.values)
        for names in [
            *([(name,) for name in every] if len(every) > 1 else ()),
            *[every] * self.seeds,
        ]:
            v = {name: ground.directions(self.rng)[name] for name in names}
            got = np.asarray(jvp(copies(ground.values), zeros(ground.values) | copies(v)))
            more: dict[str, Any] = {}
            if len(names) == 1:
                more = self._of_tangent(names[0], v[names[0]])
            pieces = list(self._against("jvp", ", ".join(v), got, ground.slope(v), **more))
            yield from pieces
            if any(piece.findings for piece in pieces):
                return

    def _of_tangent(self, name: str, v: Array) -> dict[str, Any]:
        """Return how a product with a tangent of one argument can be asked for elsewhere."""
        ground, jvp = self.ground, self.ground.problem.jvp

        def ask(values: Values, tangent: Array) -> Array:
            assert jvp
            return np.asarray(jvp(values, {**zeros(values), name: tangent}), dtype=np.float64)

        def slopes(values: Values, tangent: Array) -> tuple[Array, Array]:
            found = replace(ground, values=values).slope({name: tangent})
            shape = ground.value.shape
            return found.value.reshape(shape), SAFETY * found.error.reshape(shape)

        jacobian = self.columns(name, self.delta).jacobian
        return {"delta": v, "jacobian": jacobian, "ask": ask, "slopes": slopes}

    def of_jacobians(self) -> Pieces:
        """Check each column of a Jacobian, or of its blocks for each data point."""
        ground, jacobian = self.ground, self.ground.problem.jacobian
        if jacobian is None:
            return
        for name, answer in jacobian(copies(ground.values)).items():
            x, got = ground.values[name], np.asarray(answer)
            whole, columns = ground.value.shape + x.shape, self.columns(name, self.delta)
            blocks = got.shape != whole and ground.problem.rows == name
            shape = _shape_of_blocks(ground.value, x) if blocks else whole
            rule = "hessian" if ground.problem.rules.get(name) == "hessian" else "jacobian"
            J, error = columns.jacobian, columns.jacobian_error
            if strange := of_kind(rule, name, got, shape):
                if J is not None and got.dtype.kind in "fiub" and _is_transposed(got, J, x.ndim):
                    cause = Cause("transposed", "it is the transposed Jacobian")
                    strange = replace(
                        strange, findings=(replace(strange.findings[0], cause=cause),)
                    )
                yield strange
                continue
            if J is not None and error is not None:
                if blocks:
                    J, error = (_diagonal_blocks(part, ground.value, x) for part in (J, error))
                case = plain(ground, rule, name, got, J, error, self.delta, columns.jacobian)
                pieces = list(numbers(case if blocks else self._asked_whole(case)))
                yield from pieces
                if any(piece.findings for piece in pieces):
                    continue
            if blocks:
                continue
            v = ground.directions(self.rng)[name]
            pushed = np.tensordot(got, v, axes=x.ndim)
            yield from self._against(f"{rule} times v", name, pushed, ground.slope({name: v}))

    def _asked_whole(self, case: Case) -> Case:
        """A Jacobian, which can be asked for elsewhere too."""
        ground, jacobian, name = self.ground, self.ground.problem.jacobian, case.argument

        def ask(values: Values, _: Array) -> Array:
            assert jacobian
            return np.asarray(jacobian(values)[name], dtype=np.float64)

        def slopes(values: Values, delta: Array) -> tuple[Array, Array]:
            there = replace(ground, values=values)
            found = measure.columns(there, name, delta, self.rng, ground.clock)
            if found.jacobian is None or found.jacobian_error is None:
                raise TimeUp
            return found.jacobian, SAFETY * found.jacobian_error

        return replace(case, ask=ask, slopes=slopes)

    def _against(
        self, rule: str, name: str, got: Array, slope: differences.Slope, **more: Any
    ) -> Pieces:
        jacobian = self.measured[name].jacobian if name in self.measured else None
        more = {"delta": self.delta, "jacobian": jacobian} | more
        yield from of_slope(self.ground, rule, name, got, slope, **more)

    def of_second_order(self) -> Pieces:
        """Check hessian, hvp, and what a layer says of its rules along a direction."""
        for problem in second.derived(self.ground, self.rng):
            here, _ = precision.measured(
                Ground(problem, problem.values, self.ground.clock), self.rng
            )
            there = Examination(here, self.rng, self.seeds, self.budget)
            yield from there.of_gradients()
            yield from there.of_jacobians()
        if self.ground.problem.along is not None:
            yield from second.of_along(self.ground, self.rng, self.delta)

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
        return None if self.absent else of_kind(self.rule, self.name, self.got[0])

    def noise(self) -> Array:
        """Measure how far off rounding puts each entry of what is claimed."""
        values, delta = self.ground.values, self.deltas[0]
        steps = {n: measure.direction(self.rng, x, "relative") for n, x in values.items()}
        change = random(self.rng, delta.shape) * delta

        def moved(t: float) -> Array:
            at = {name: x + t * steps[name] for name, x in values.items()}
            answer = self.asked(at, delta + t * change).get(self.name)
            return np.zeros(values[self.name].shape) if answer is None else np.asarray(answer)

        noise, near = differences.noise(moved)
        size = np.abs(near).max(axis=0)
        # What sees its argument in single precision computes in it, whatever it returns.
        single = bool(self.ground.coarse) or precision.is_single(near)
        floor = differences.SINGLE * np.maximum(size, size.max(initial=0.0) / 8.0)
        floor = floor if single else LAST * size
        jumps = noise > 2.0**-9 * size.max(initial=0.0)
        return np.where(jumps, 0.0, noise + floor).reshape(values[self.name].shape)


# ------------------------------------------------------------------- numbers compared


def _shape_of_blocks(value: Array, x: Array) -> tuple[int, ...]:
    """One block out x in for each data point; (N, 1, in) for a cost."""
    return (len(x), *(value.shape[1:] if value.shape else (1,)), *x.shape[1:])


def _is_transposed(got: Array, J: Array, ndim: int) -> bool:
    other = np.moveaxis(J, range(J.ndim - ndim, J.ndim), range(ndim))
    return got.shape == other.shape and bool(
        (np.abs(got - other) <= 1e-6 * np.nanmax(np.abs(J), initial=0.0)).all()
    )


def _diagonal_blocks(J: Array, value: Array, x: Array) -> Array:
    """N x out x N x in as the N blocks of the data points; of a cost N x 1 x in."""
    if value.shape == ():
        return J[:, np.newaxis]
    i, ends = np.arange(len(x)), value.ndim
    return np.asarray(np.moveaxis(J, ends, 1)[i, i])
