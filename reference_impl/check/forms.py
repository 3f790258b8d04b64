"""What form that has by which a derivative is off: a matrix, a constant, another's derivative."""

from collections.abc import Iterator

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check.looks import SMALL, Look
from reference_impl.check.problem import Case
from reference_impl.check.report import Cause

EPS = float(np.finfo(np.float64).eps)
WHOLE = 32  # rows of a matrix that is asked for column by column
Found = Iterator[Cause]


def _matrices(case: Case) -> tuple[Array, Array, float] | None:
    """Return a claim and what is right as square matrices, and a tolerance: a Hessian whole."""
    n = np.size(case.at)
    got, want, error = case.got, case.want, float(np.nanmax(case.error, initial=0.0))
    small = case.rule == "hvp" and case.delta.size == n <= WHOLE
    if small and case.ask and case.jacobian is not None:
        units = np.eye(n).reshape(n, *case.at.shape)
        try:
            got = np.stack([np.ravel(case.ask({**case.values}, u)) for u in units], axis=1)
        except Exception:  # code of the reader's, where the reader did not choose to call it
            return None
        want, error = case.jacobian, error + 1e-9 * float(np.nanmax(np.abs(case.jacobian)))
        if np.abs(got @ case.delta.ravel() - case.got.ravel()).max() > n * error:
            return None  # not linear in the direction
    elif case.rule not in ("hessian", "jacobian"):
        return None
    fits = got.size == want.size == n * n > 1 and np.isfinite(want).all()
    return (got.reshape(n, n), want.reshape(n, n), error) if fits else None


def of_matrix(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield the form of what a square matrix is off by: symmetry, a diagonal, equal rows, a rank."""
    if (found := _matrices(case)) is None:
        return
    got, want, small = found
    off, n = got - want, len(got)

    def is_zero(array: Array) -> bool:
        return bool(np.abs(array).max() <= small)

    beside = np.where(np.eye(n, dtype=bool), np.nan, off)  # the diagonal may be right
    told = np.nanmax(np.abs(beside)) > small
    equal = [
        n > 2 and told and (np.nanmax(beside, k) - np.nanmin(beside, k) <= small).all()
        for k in (0, 1)
    ]
    extra = np.diag(off)[np.abs(np.diag(off)) > small]
    if extra.size and np.ptp(extra) <= small and is_zero(off - np.diag(np.diag(off))):
        places = np.flatnonzero(np.abs(np.diag(off)) > small).tolist()
        word, where = "too much" if extra[0] > 0.0 else "too little", f", entries {places}"
        text = f"{abs(extra[0]):.6g} {word} on the diagonal{where if len(places) < n else ''}"
        if case.rule == "jacobian":
            yield Cause("diagonal", text)
        else:
            penalty = f"the penalty lambda |{case.argument}|^2 / 2 of an argument"
            yield Cause("penalty", f"{text}: {penalty}")
    elif all(equal):
        yield Cause("constant added", f"{off[0, 1]:.6g} is added off the diagonal, to all entries")
    elif any(equal):
        yield Cause("broadcast", "the same row (column) is added to each: a vector is broadcast")
    elif is_zero((got + got.T) / 2.0 - want):
        text = "2 M for M + M^T: it is not symmetric, and its symmetric part is right"
        yield Cause("not symmetric", text)
    elif is_zero(off - off.T):
        sizes = np.linalg.eigvalsh(off)
        negative = [np.linalg.eigvalsh((M + M.T) / 2.0).min() < -n * small for M in (got, want)]
        if (np.abs(sizes) > n * small).sum() == 1:
            text = "off by one outer product q q^T, as - S S^T in softmax"
            yield Cause("missing outer product", text)
        elif negative == [False, True]:
            text = "positive semidefinite, and the right one is not: as in Gauss-Newton"
            yield Cause("Gauss-Newton", f"{text}, second derivatives of the model are left out")


def not_symmetric(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield that second derivatives are not symmetric, if they are not."""
    found = _matrices(case)
    if found and case.rule != "jacobian" and np.abs(found[0] - found[0].T).max() > found[2]:
        yield Cause("not symmetric", "it is not symmetric, as second derivatives are")


def elsewhere_off(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield how what is got, or what it is off by, depends on the argument and on delta."""
    if case.ask is None or case.slopes is None or case.got.shape != case.want.shape:
        return
    if case.want.size > SMALL // 10:
        return
    rng, name = np.random.default_rng(7), case.argument
    points = [(case.at, case.delta)]
    points += [(case.at * np.exp(0.2 * rng.normal(size=case.at.shape)), case.delta)] * 2
    if np.ndim(case.delta) and case.rule not in ("hessian", "jacobian"):
        points = [(case.at, case.delta)] + [(case.at, d * case.delta) for d in (2.0, -1.0)]
    got, off, at, error = [], [], [], []
    for x, delta in points:
        values = {n: np.array(x if n == name else a) for n, a in case.values.items()}
        try:
            answer = np.asarray(case.ask(values, np.array(delta)), dtype=np.float64)
            scale = float(np.ravel(delta)[0] / np.ravel(case.delta)[0])
            want, loose = scale * case.want, abs(scale) * case.error  # it is linear in delta
            if x is not case.at:
                want, loose = case.slopes(values, delta)
        except Exception:  # code of the reader's, where the reader did not choose to call it
            return
        if answer.shape != case.want.shape or not np.isfinite(answer - want).all():
            return
        got.append(answer)
        off.append(answer - want)
        at.append(x)
        error.append(4.0 * loose + 1e3 * EPS * np.abs(want).max(initial=0.0))
    moving = name if points[1][0] is not case.at else "delta"
    small = np.max(error, axis=0)
    same = [(np.ptp(parts, axis=0) <= small).all() for parts in (got, off)]
    wrong = np.abs(off[0]) > small
    numbers = ", ".join([f"{x:.6g}" for x in off[0][wrong][:4]] + ["..."] * int(wrong.sum() > 4))
    where = "" if wrong.all() else f" at {int(wrong.sum())} of {wrong.size} entries only"
    whole = np.abs(off[0] - np.round(off[0])).max() <= small.max() and (np.abs(off[0]) <= 2.5).all()
    more = ", whole numbers, as of wrong labels" if whole else ""
    if same[0] and wrong.any():
        ignored = "delta ignored" if moving == "delta" else "constant"
        yield Cause(ignored, f"{moving} is ignored: it does not depend on {moving}, a constant")
    elif same[1] and wrong.any():
        text = f"off by {numbers}{where}{more}: a constant part, which does not depend on {moving}"
        yield Cause("constant part", f"{text}, is missing or added")
    elif moving == name and off[0].shape == case.at.shape:
        ratio = [o / x for o, x in zip(off, at, strict=True)]
        loose = np.max([e / np.abs(x) for e, x in zip(error, at, strict=True)], axis=0)
        told = (np.abs(ratio[0]) > loose).any()
        if told and (np.ptp(ratio, axis=0) <= 2.0 * loose).all():
            shown = np.where(np.abs(ratio[0]) <= loose, 0.0, ratio[0]).ravel()
            factors = ", ".join(f"{c:.6g}" for c in shown[:4])
            text = f"off by lambda {name}, lambda = {factors}: a penalty is wrong, missing or added"
            yield Cause("penalty", text)


def swapped(case: Case, seen: tuple[Look, ...]) -> Found:
    """Yield another argument whose right derivative this is."""
    small = 4.0 * float(np.nanmax(case.error, initial=0.0))
    for name, other in case.others.items():
        if other.shape == case.got.shape and other.size > 1 and np.isfinite(other).all():
            far = other.shape != case.want.shape or np.abs(other - case.want).max() > small
            if far and np.abs(case.got - other).max() <= small + 1e-9 * np.abs(other).max():
                text = f"it is what is right for {name}: the two are swapped, or one is copied"
                yield Cause("swapped", text)
