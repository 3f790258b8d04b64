"""An exact comparison: a derivative against the formula that was derived for it.

The formula is what ``python -m derivations derive FILE --by V --format json`` prints. Its code is
run on the same numbers, so that the tolerance is rounding error, not that of differences; and each
summand of it has a weight, so that a summand that is missing, doubled or has the wrong sign is
found by trying. The code in such a file is run: it has to be one that you trust, as a module is.
"""

import importlib.util
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check.causes import causes
from reference_impl.check.looks import random
from reference_impl.check.problem import Case, Problem
from reference_impl.check.report import Cause, Finding, Report

EPS = float(np.finfo(np.float64).eps)
SAFETY = 32.0
DELTA = "delta_prime"
Spec = str | Path | Mapping[str, Any]
WRONG = ((0.0, "missing term", "is missing"), (-1.0, "sign of a term", "has the wrong sign"),
         (2.0, "doubled term", "stands twice"), (0.5, "halved term", "is halved"))  # fmt: skip


@dataclass(frozen=True)
class Summand:
    """A summand of the formula, or of a name in it, and the argument that is its weight."""

    weight: str
    of: str
    text: str

    def __str__(self) -> str:
        return f"{self.text}{f' in {self.of}' if self.of else ''}"


@dataclass(frozen=True, eq=False)
class Formula:
    """A derived formula that can be computed.

    Attributes
    ----------
    title, by, text : str
        What it is, the name of the variable, and the equation.
    axes : dict
        The names of its arguments, and the axes of each: {"W": ("K", "n"), "alpha": ()}.
    summands : tuple of Summand
    run : callable
        Arguments and weights, by name -> the derivative.
    """

    title: str
    by: str
    text: str
    axes: Mapping[str, tuple[str, ...]]
    summands: tuple[Summand, ...]
    run: Callable[..., Any]

    def at(self, given: Mapping[str, Any], weights: Mapping[str, float] | None = None) -> Array:
        """Return the derivative; of a batch, row by row, where the formula is that of one row."""
        ones = {summand.weight: 1.0 for summand in self.summands}
        own = {name: np.asarray(given[name], dtype=np.float64) for name in self.axes}
        batched = [name for name, axes in self.axes.items() if own[name].ndim == len(axes) + 1]
        if not batched:
            return np.asarray(self.run(**own, **ones | dict(weights or {})))
        rows = len(own[batched[0]])
        parts = [
            self.run(
                **{n: a[i] if n in batched else a for n, a in own.items()},
                **ones | dict(weights or {}),
            )
            for i in range(rows)
        ]
        return np.stack(parts)


def read(spec: Spec) -> tuple[Formula, ...]:
    """Return the formulas of a derivation: the derivative, then what follows from it.

    Parameters
    ----------
    spec : path or dict
        The file, or its contents, of ``derive --format json``.

    Raises
    ------
    ValueError
        For another file, for a derivation that was not proved, and for a formula that has no two
        summands.
    """
    if not isinstance(spec, Mapping):
        try:
            spec = json.loads(Path(spec).read_text(encoding="utf-8"))
        except json.JSONDecodeError as problem:
            raise ValueError(f"spec: expected JSON, given {problem.doc[:20]!r}") from None
    if not isinstance(spec, Mapping) or not isinstance(spec.get("terms"), Sequence):
        raise ValueError("spec: expected what derive --format json prints, with its terms")
    if not str(spec.get("level", "")).startswith("proved"):
        raise ValueError(f"spec: expected a proved formula, given level {spec.get('level')!r}")
    if not spec["terms"]:
        raise ValueError("spec: the formula is no sum: it has no terms to tell apart")
    return tuple(
        Formula(
            entry["title"],
            entry["by"],
            entry["text"],
            {name: tuple(axes) for name, axes in entry["arguments"].items()},
            tuple(Summand(s["weight"], s["of"], s["text"]) for s in entry["summands"]),
            _function(entry["numpy"], entry["function"]),
        )
        for entry in spec["terms"]
    )


def against(report: Report, spec: Spec, problem: Problem, given: Mapping[str, Any]) -> Report:
    """Return a report with what an exact comparison finds.

    Parameters
    ----------
    report : Report
        Of the comparison with differences.
    spec : path or dict
        As `read`.
    problem : Problem
        What was examined, with its claims.
    given : dict
        All arguments by name, constants too.

    Raises
    ------
    ValueError
        As `compare`, and where the variable of the formula is no argument.
    """
    by = read(spec)[0].by
    if by not in problem.values:
        raise ValueError(f"spec: it is by {by}; expected one of {', '.join(problem.values)}")
    values = {name: np.array(x) for name, x in problem.values.items()}
    shape = np.shape(problem.forward(dict(values)))
    rng = np.random.default_rng(report.seed)
    delta = random(rng, shape) if shape else np.ones(())
    if problem.gradient is not None:
        finding = compare(spec, {**given, **values}, problem.gradient(dict(values))[by], by)
    elif problem.vjp is not None:
        got = problem.vjp(dict(values), delta)[by]
        finding = compare(spec, {**given, **values}, got, by, delta if shape else None)
    elif problem.jacobian is not None:
        finding = compare(spec, {**given, **values}, problem.jacobian(dict(values))[by], by)
    else:
        raise ValueError("spec: expected one of the claims grad, vjp and jacobian; given none")
    if finding is None:
        note = f"{by} agrees with the derived formula to rounding error"
        return replace(report, notes=(*report.notes, note))
    return replace(report, verdict="wrong", findings=(finding, *report.findings))


def compare(
    spec: Spec, given: Mapping[str, Any], got: Any, argument: str, delta: Any = None
) -> Finding | None:
    """Compare a derivative with its formula, and say which term of it is wrong.

    Parameters
    ----------
    spec : path or dict
        As `read`.
    given : dict
        The arguments of the formula by name, labels and constants too. An array with one axis
        more than in the formula is a batch.
    got : array_like
        The derivative that was computed.
    argument : str
        By what it is, for the finding.
    delta : array_like, optional
        Of a layer, the cotangent that `got` is the answer to; without one, `got` is a Jacobian or
        the gradient of a number.

    Returns
    -------
    Finding or None
        None where they agree to rounding error.

    Raises
    ------
    ValueError
        As `read`, and for an argument of the formula that is not given.
    """
    formula = _fitting(read(spec), delta is not None)
    given = dict(given) if delta is None else {**given, DELTA: delta}
    if missing := [name for name in formula.axes if name not in given]:
        raise ValueError(f"spec: the formula needs {', '.join(missing)}; given {', '.join(given)}")
    got, want = np.asarray(got, dtype=np.float64), formula.at(given)
    error = _rounding(formula, given, want)
    if got.shape == want.shape:
        wrong = ~(np.abs(got - want) <= error)
        if not wrong.any():
            return None
        index = tuple(int(k) for k in np.argwhere(wrong)[0])
        numbers = float(got[index]), float(want[index]), float(error[index])
        evidence = f"got {numbers[0]:.17g}, {formula.text} is {numbers[1]:.17g}"
    else:
        index, numbers = (), (math.nan, math.nan, math.nan)
        evidence = f"its shape is {got.shape}, that of {formula.text} is {want.shape}"
    cause = next(_of_terms(formula, given, got, want, error), None)
    cause = cause or _of_numbers(given, got, want, error, argument, delta)
    return Finding("formula", argument, index, *numbers, cause, evidence)


def _function(code: str, name: str) -> Callable[..., Any]:
    """Return a function of a module that is given as text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "formula.py"
        path.write_text(code, encoding="utf-8")
        found = importlib.util.spec_from_file_location(path.stem, path)
        assert found and found.loader
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    return getattr(module, name)


def _fitting(formulas: tuple[Formula, ...], layer: bool) -> Formula:
    """Return the formula with a delta for a layer, the derivative itself otherwise."""
    for formula in formulas:
        if (DELTA in formula.axes) == layer:
            return formula
    wanted = "what a delta becomes" if layer else "a derivative"
    raise ValueError(f"spec: it has no formula of {wanted}; it has {formulas[0].title}")


def _rounding(formula: Formula, given: Mapping[str, Any], want: Array) -> Array:
    """Return how far the formula moves when each input moves by a rounding error."""
    rng, moved = np.random.default_rng(5), [EPS * np.abs(want)]
    for _ in range(4):
        near = {
            name: np.asarray(x) * (1.0 + EPS * rng.choice([-1.0, 1.0], np.shape(x)))
            for name, x in given.items()
            if name in formula.axes
        }
        moved.append(np.abs(formula.at(near) - want))
    largest = np.max(np.abs(want), initial=0.0)
    return np.asarray(SAFETY * np.max(moved, axis=0) + SAFETY * EPS * largest)


def _of_terms(
    formula: Formula, given: Mapping[str, Any], got: Array, want: Array, error: Array
) -> Iterator[Cause]:
    """Yield the summands that are wrong: one, or two that are missing."""
    if got.shape != want.shape:
        return

    def explains(weights: Mapping[str, float]) -> bool:
        other = formula.at(given, weights)
        scale = EPS * SAFETY * np.max(np.abs(other), initial=0.0)
        return bool((np.abs(other - got) <= error + scale).all())

    for value, name, words in WRONG:
        found = [s for s in formula.summands if explains({s.weight: value})]
        if found:
            first, *others = (f"the term {s} {words}" for s in found)
            yield Cause(name, f"{first} ({formula.text})", tuple(others))
    for pair in combinations(formula.summands, 2):
        if explains({s.weight: 0.0 for s in pair}):
            text = f"the terms {pair[0]} and {pair[1]} are missing ({formula.text})"
            yield Cause("missing terms", text)


def _of_numbers(
    given: Mapping[str, Any], got: Array, want: Array, error: Array, argument: str, delta: Any
) -> Cause | None:
    """Return what the numbers say where no term does."""
    values = {name: np.asarray(x, dtype=np.float64) for name, x in given.items() if name != DELTA}
    one = np.ones(()) if delta is None else np.asarray(delta, dtype=np.float64)
    at = values.get(argument, want)
    case = Case(
        "formula", argument, got, want, error, at, np.zeros(np.shape(one)), one, None, values
    )
    return next(iter(causes(case)), None)
