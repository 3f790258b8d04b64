"""Judge answers: entry by entry, each in its own ulp, against the bound that its test gives."""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from reference_impl.conformance.numbers import Entry, error, shown
from reference_impl.conformance.program import Answer
from reference_impl.conformance.vectors import Control, Output, Test, Vectors, output

LIKE = Fraction(1, 1000)  # of the way from a known wrong answer to the right one


class Verdict(enum.Enum):
    """What came of a test."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, eq=False)
class Result:
    """A test with its verdict.

    Attributes
    ----------
    fault : str
        The kind of a failure: digits, not finite, shape, refused, accepted, or how the program
        failed.
    said : str
        The failure in words.
    ulp : float or None
        The largest error of an entry; None where none was measured.
    bug : str
        The bugs that are known to give this answer.
    """

    test: Test
    verdict: Verdict
    fault: str = ""
    said: str = ""
    ulp: float | None = None
    bug: str = ""


def judge(test: Test, answer: Answer, controls: Sequence[Control] = ()) -> Result:
    """Judge one answer; of a failure, find the known wrong answer that it equals."""
    if answer.kind == "unsupported":
        return Result(test, Verdict.UNSUPPORTED)
    if answer.kind == "error":
        if test.output is None:
            return Result(test, Verdict.PASSED)
        return _failed(test, "refused", f"refused a valid input: {answer.content}"[:300])
    if answer.kind != "output":
        return _failed(test, answer.kind, f"{answer.kind}: {answer.content}")
    if test.output is None:
        why = f"{test.refusal.reason}; {test.refusal.kind}" if test.refusal else ""
        said = f"accepted what must be refused ({why}); answered {shown(answer.content)}"
        return _failed(test, "accepted", said)
    try:
        found = output(answer.content)
    except ValueError as problem:
        return _failed(test, "shape", f"no numbers: {problem}")
    result = _compared(test, found, test.output)
    if result.verdict is Verdict.FAILED:
        bug = ", or ".join(dict.fromkeys(c.bug for c in controls if _equals(found, c)))
        return Result(test, Verdict.FAILED, result.fault, result.said, result.ulp, bug)
    return result


def accepted(vectors: Vectors) -> list[Control]:
    """Return the known wrong answers that would pass: with sound vectors, none."""
    return [
        control
        for controls in vectors.controls.values()
        for control in controls
        if control.test.output is not None
        and _compared(control.test, control.answer, control.test.output).verdict is Verdict.PASSED
    ]


def _failed(test: Test, fault: str, said: str, ulp: float | None = None) -> Result:
    return Result(test, Verdict.FAILED, fault, said, ulp)


def _compared(test: Test, found: Output, exact: Output) -> Result:
    assert test.bounds is not None
    if found.keys() != exact.keys():
        return _failed(test, "shape", f"results {_names(found)}, expected {_names(exact)}")
    largest, worst, excess = 0.0, "", 0.0
    for name, part in exact.items():
        given = found[name]
        if given.shape != part.shape:
            said = f"{name or 'the result'} has shape {given.shape}, expected {part.shape}"
            return _failed(test, "shape", said)
        bounds = test.bounds[name].entries
        for number, (a, e, bound) in enumerate(
            zip(given.entries, part.entries, bounds, strict=True)
        ):
            off = error(a, e)
            largest = max(largest, off)
            if off > bound and off / max(float(bound), 0.5) >= excess:
                if isinstance(a, float) and not isinstance(e, float):
                    where = f"{name}{given.place(number)}"
                    said = f"{_text(a)}, expected {_text(e)}"
                    return _failed(test, "not finite", f"{where + ': ' if where else ''}{said}")
                excess = off / max(float(bound), 0.5)
                worst = _said(off, bound, f"{name}{given.place(number)}", a, e)
    if worst:
        return _failed(test, "digits", worst, largest)
    return Result(test, Verdict.PASSED, ulp=largest)


def _said(off: float, bound: Entry, where: str, found: Entry, exact: Entry) -> str:
    place = f" at {where}" if where else ""
    return f"{ulps(off)} ulp{place}, allowed {float(bound):.3g}: {_text(found)}, expected {_text(exact)}"


def _equals(found: Output, control: Control) -> bool:
    """Whether an answer is that of a bug: as near to it as rounding in any precision brings it."""
    exact = control.test.output
    if exact is None or found.keys() != control.answer.keys():
        return False
    far = Fraction(0)
    apart = Fraction(0)
    for name, wrong in control.answer.items():
        given, right = found[name], exact.get(name)
        if given.shape != wrong.shape:
            return False
        for number, (a, w) in enumerate(zip(given.entries, wrong.entries, strict=True)):
            if isinstance(a, float) or isinstance(w, float):
                if not (a == w or (_is_nan(a) and _is_nan(w))):
                    return False
                continue
            far = max(far, abs(a - w))
            if right is not None and right.shape == wrong.shape:
                r = right.entries[number]
                apart = max(apart, Fraction(0) if isinstance(r, float) else abs(r - w))
    return far <= LIKE * apart


def _is_nan(entry: Entry) -> bool:
    return isinstance(entry, float) and math.isnan(entry)


def ulps(off: float) -> str:
    """Return an error as text."""
    return f"{off:.2f}" if off < 100 else f"{off:.0f}" if off < 1e6 else f"{off:.1e}"


def _text(entry: Entry) -> str:
    """Return a number with the digits of a float64."""
    if isinstance(entry, float):
        return str(entry)
    return (
        repr(float(entry))
        if entry == 0 or abs(entry) >= Fraction(2) ** -1074
        else "0 or less than any float"
    )


def _names(found: Output) -> str:
    return ", ".join(repr(name) for name in found)
