"""Claims held against differences, entry by entry, and what is said of them in a report.

A claim is wrong where it differs from differences by more than `SAFETY` times the error that these
estimate of themselves, and by more than the claim is rounded, as measured or in its last digits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.check.causes import causes
from reference_impl.check.clock import TimeUp
from reference_impl.check.differences import EPS, Slope
from reference_impl.check.measure import SAFETY, Columns, Ground
from reference_impl.check.problem import Case
from reference_impl.check.report import Cause, Finding

LAST = 2.0**-40  # of a claim: what its terms lose where they cancel may show nowhere nearby


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


def entries(case: Case, columns: Columns, ground: Ground, noise: Callable[[], Array]) -> Pieces:
    """Compare entry by entry, and with both slopes at a kink.

    `noise` tells how far off rounding puts what is claimed; it is asked only if needed.
    """
    got, want = case.got, case.want
    tolerance = case.error + SAFETY * EPS * np.abs(got)
    with np.errstate(invalid="ignore"):
        wrong = np.isfinite(want) & (np.abs(got - want) > tolerance)
    far = wrong & is_far(got, columns.far, columns.far_error)
    if far.any():
        yield torn(case.rule, np.argwhere(far)[0].tolist())
        wrong &= ~far
    if wrong.any():
        wider = tolerance + SAFETY * noise()
        wrong &= np.abs(got - want) > wider
        if not wrong.any():
            tolerance = wider
            why = "rounded more coarsely than RULE 1 (terms cancel, or float32 inside?); right to that"
            yield Piece(notes=(f"{case.rule}: {why}",))
    if wrong.any():
        yield _wrong_entries(replace(case, error=tolerance), wrong)
        return
    yield from _of_told(case, tolerance, columns, ground.unit)
    yield from _of_kinks(case, columns)


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


def _of_kinks(case: Case, columns: Columns) -> Pieces:
    for places, words in ((columns.kinks, "a kink"), (columns.lost, "RULE 1 is not smooth")):
        if places.any():
            at = tuple(int(k) for k in np.argwhere(places)[0])
            more = f" and {places.sum() - 1} more" if places.sum() > 1 else ""
            low, high, got = columns.low[at], columns.high[at], case.got[at]
            sides = f": slopes {low:.6g} to {high:.6g}; {got:.6g} returned"
            yield Piece(doubts=(f"{case.rule}: {words} at {list(at)}{more}{sides}",))
    with np.errstate(invalid="ignore"):
        slack = SAFETY * columns.side_error
        outside = (case.got < columns.low - slack) | (case.got > columns.high + slack)
    for index in np.argwhere(columns.kinks & outside)[:1]:
        at = tuple(int(k) for k in index)
        low, high, got = columns.low[at], columns.high[at], case.got[at]
        text = (
            f"a kink at {list(at)}, and {got:.6g} is not between the slopes {low:.6g}, {high:.6g}"
        )
        yield Piece(
            (Finding(case.rule, case.argument, at, float(got), float(low), 0.0, None, text),)
        )


def of_slope(ground: Ground, rule: str, name: str, got: Array, slope: Slope, **more: Any) -> Pieces:
    """Compare an array with slopes; `more` is that of the case, and the shape to expect."""
    shape = more.pop("shape", ground.value.shape)
    if strange := of_kind(rule, name, got, shape):
        yield strange
        return
    want, error, far, far_error = (
        part.reshape(shape) for part in (slope.value, slope.error, slope.far, slope.far_error)
    )
    yield from numbers(plain(ground, rule, name, got, want, error, **more), far, far_error)


def plain(
    ground: Ground,
    rule: str,
    name: str,
    got: Array,
    want: Array,
    error: Array,
    delta: Array,
    jacobian: Array | None = None,
    **more: Any,
) -> Case:
    """Return the case of a claim; `more` is what of it can be asked again."""
    bound = SAFETY * (error + EPS * np.abs(want))
    at = ground.values.get(name, np.array(np.nan))
    more |= {"known": ground.problem.known}
    value, values = ground.value, ground.values
    return Case(rule, name, got, want, bound, at, value, delta, jacobian, values, **more)


def numbers(case: Case, far: Array | None = None, far_error: Array | None = None) -> Pieces:
    """Compare numbers that have no slopes to both sides."""
    with np.errstate(invalid="ignore"):
        tolerance = case.error + SAFETY * EPS * np.abs(case.got)
        known = np.isfinite(case.want)
        wider = tolerance + SAFETY * LAST * np.abs(case.got)
        wrong = known & (np.abs(case.got - case.want) > wider)
    if far is not None and far_error is not None:
        apart = wrong & is_far(case.got, far, far_error)
        if apart.any():
            yield torn(case.rule, np.argwhere(apart)[0].tolist())
            wrong, known = wrong & ~apart, known & ~apart
    if wrong.any():
        yield _wrong_entries(replace(case, error=tolerance), wrong)
        return
    told = known & ((np.abs(case.want) > tolerance) | (case.got == 0))
    yield Piece(compared=int(told.sum()), tolerance=float(tolerance[told].max(initial=0.0)))


def is_far(got: Array | float, far: Array | float, far_error: Array | float) -> NDArray[np.bool_]:
    """Whether a claim is what larger steps say, where smaller ones contradict them.

    Either may be right: something inside may be flat at small steps, from rounding, or larger
    ones may jump over something.
    """
    with np.errstate(invalid="ignore"):
        close = np.abs(got - far) <= 4.0 * (far_error + EPS * np.abs(got))
    return np.asarray(close & np.isfinite(far_error))


def torn(rule: str, index: Sequence[int]) -> Piece:
    """Return a doubt: a claim `is_far` at an entry, or along a direction."""
    at = f" at {list(index)}" if index else ""
    why = f"small steps and larger ones contradict one another{at}"
    return Piece(doubts=(f"{rule}: {why}, and the larger ones agree",))


def _wrong_entries(case: Case, wrong: NDArray[np.bool_]) -> Piece:
    with np.errstate(all="ignore"):
        excess = np.where(wrong, np.abs(case.got - case.want) / case.error, 0.0)
    others = int(wrong.sum()) - 1
    return of_entry(case, int(excess.argmax()), f", and {others} more" if others else "")


def one_entry(case: Case, at: int) -> Cause:
    """Return the cause of a single wrong entry."""
    index = [int(k) for k in np.unravel_index(at, case.want.shape)]
    got, want = case.got.flat[at], case.want.flat[at]
    off = f"{got / want:.6g} times the right one" if want else "it should be 0"
    return Cause("one entry", f"only the entry at {index} is wrong: {off}")


def of_entry(case: Case, at: int, more: str, cause: Cause | None = None) -> Piece:
    """Return the fault of an entry, with its cause."""
    index = tuple(int(k) for k in np.unravel_index(at, case.want.shape))
    got, want, error = (float(part.flat[at]) for part in (case.got, case.want, case.error))
    where = f" at {list(index)}" if index else ""
    text = f"wrong{where}{more}: got {got:.9g}, differences give {want:.9g} +- {error:.1g}"
    cause = cause or _cause(case)
    finding = Finding(case.rule, case.argument, index, got, want, error, cause, text)
    return Piece((finding,), compared=int(np.isfinite(case.want).sum()), tolerance=error)


def of_shape(case: Case) -> Piece:
    """Return a fault: another shape than that of the argument."""
    text = f"shape {case.got.shape}, expected {case.at.shape}"
    return Piece((Finding(case.rule, case.argument, evidence=text, cause=_cause(case)),))


def of_kind(
    rule: str, name: str, got: NDArray[Any], shape: tuple[int, ...] | None = None
) -> Piece | None:
    """Return a fault of what is no array of finite numbers, or not of a shape."""
    if got.dtype.kind not in "fiub":
        return fault(rule, name, f"type {got.dtype}, expected numbers")
    if not np.isfinite(got).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(got))[0])
        cause = Cause("not finite", "it is not finite where the right one is")
        return fault(rule, name, f"not finite at {list(at)}: {got[at]}", at, cause)
    if shape is not None and got.shape != shape:
        return fault(rule, name, f"shape {got.shape}, expected {shape}")
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


def fault(
    rule: str, name: str, text: str, index: tuple[int, ...] = (), cause: Cause | None = None
) -> Piece:
    """Return a fault that is none of a number."""
    return Piece((Finding(rule, name, index, cause=cause, evidence=text),))
