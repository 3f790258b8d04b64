"""What the vectors say of a program: text for a terminal, data for a file, a badge."""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from reference_impl.conformance.program import BROKEN
from reference_impl.conformance.vectors import Vectors
from reference_impl.conformance.verdicts import Result, Verdict, ulps

SCHEMA = 1
Known = frozenset[tuple[str, int]]  # statement and number of the tests that are known to fail


@dataclass(frozen=True, eq=False)
class Count:
    """How many tests of a kind passed, and the largest error in ulp."""

    passed: int
    failed: int
    unsupported: int
    worst: float | None

    @classmethod
    def of(cls, results: Sequence[Result]) -> "Count":
        """Count results."""
        verdicts = [result.verdict for result in results]
        errors = [result.ulp for result in results if result.ulp is not None]
        passed, failed, unsupported = (verdicts.count(verdict) for verdict in Verdict)
        return cls(passed, failed, unsupported, max(errors, default=None))


@dataclass(frozen=True, eq=False)
class Report:
    """The results of a program.

    Attributes
    ----------
    command : tuple of str
        The program.
    results : tuple of Result
        One for each test.
    remarks : tuple of str
        What the program did that belongs to no test, such as lines that are no answers.
    known : frozenset
        The tests that are expected to fail.
    """

    command: tuple[str, ...]
    vectors: Vectors
    results: tuple[Result, ...]
    remarks: tuple[str, ...] = ()
    known: Known = frozenset()

    @property
    def failures(self) -> list[Result]:
        """What failed."""
        return [result for result in self.results if result.verdict is Verdict.FAILED]

    @property
    def unexpected(self) -> list[Result]:
        """What failed and is not known to."""
        return [r for r in self.failures if (r.test.statement, r.test.number) not in self.known]

    @property
    def repaired(self) -> list[Result]:
        """What is known to fail and passed."""
        return [
            r
            for r in self.results
            if r.verdict is Verdict.PASSED and (r.test.statement, r.test.number) in self.known
        ]

    @property
    def status(self) -> int:
        """The exit status: 0 if all is as expected, 1 if not, 2 if nothing could be measured."""
        return int(bool(self.unexpected or self.repaired or self.remarks)) if self.measured else 2

    @property
    def measured(self) -> bool:
        """Whether there was a single answer."""
        return any(
            result.verdict is not Verdict.UNSUPPORTED and result.fault not in BROKEN
            for result in self.results
        )

    def by_function(self) -> dict[str, Count]:
        """Count by function."""
        return self._by(lambda result: (result.test.function,))

    def by_flag(self) -> dict[str, Count]:
        """Count by flag; a test counts for each of its flags."""
        return self._by(lambda result: result.test.flags)

    def _by(self, keys: Callable[[Result], Iterable[str]]) -> dict[str, Count]:
        groups: dict[str, list[Result]] = {}
        for result in self.results:
            for key in keys(result):
                groups.setdefault(key, []).append(result)
        return {key: Count.of(group) for key, group in sorted(groups.items())}

    def reproduce(self, result: Result) -> str:
        """Return a line for a shell that asks the program this test alone."""
        return f"echo {shlex.quote(result.test.request)} | {shlex.join(self.command)}"

    def effects(self, result: Result) -> dict[str, str]:
        """Return what the bugs that the function may have do to its users, by flag."""
        told = self._told.get(result.test.function, ())
        return {flag: self.vectors.flags[flag].effect for flag in result.test.flags if flag in told}

    @cached_property
    def _told(self) -> dict[str, list[str]]:
        """The flags of each function whose valid tests fail, while its others pass."""
        tried: dict[str, list[Result]] = {}
        for result in self.results:
            if result.test.output is not None and result.verdict is not Verdict.UNSUPPORTED:
                tried.setdefault(result.test.function, []).append(result)
        return {
            function: [flag for flag in self.vectors.flags if _tells(flag, results)]
            for function, results in tried.items()
        }


def _tells(flag: str, results: Sequence[Result]) -> bool:
    """Whether all with a flag fail and all others pass; without others it could be any bug."""
    found = {(flag in r.test.flags, r.verdict is Verdict.FAILED) for r in results}
    return found == {(True, True), (False, False)}


def as_text(report: Report) -> str:
    """Return the report as a terminal shows it."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from _table("function", report.by_function())
    yield ""
    yield from _table("flag", report.by_flag())
    for result in report.unexpected:
        yield ""
        yield f"FAILED {result.test} ({result.test.comment}): {result.said}"
        if result.bug:
            yield f"  the answer is that of a known bug: {result.bug}"
        effects = [f"{flag}: {effect}" for flag, effect in report.effects(result).items()]
        yield from (f"  {'or ' if number else ''}{said}" for number, said in enumerate(effects))
        yield f"  {report.reproduce(result)}"
    if report.repaired:
        yield ""
    for result in report.repaired:
        yield f"PASSED {result.test}, which was expected to fail"
    for remark in report.remarks:
        yield f"the program {remark}"
    yield ""
    yield summary(report)


def _table(head: str, counts: Mapping[str, Count]) -> Iterator[str]:
    width = max(map(len, [head, *counts]))
    yield f"{head:{width}}  passed  failed  unsupported  worst ulp"
    for name, count in counts.items():
        worst = "" if count.worst is None else ulps(count.worst)
        numbers = f"{count.passed:>6}  {count.failed:>6}  {count.unsupported:>11}  {worst:>9}"
        yield f"{name:{width}}  {numbers}"


def summary(report: Report) -> str:
    """Return one line: how many passed, failed, and were not tried."""
    count = Count.of(report.results)
    parts = [f"{count.passed} passed", f"{count.failed} failed"]
    if report.known:
        parts[-1] += f" ({len(report.failures) - len(report.unexpected)} of them expected)"
    parts.append(f"{count.unsupported} unsupported")
    nothing = "" if report.measured else ": nothing could be measured"
    return f"{', '.join(parts)}, of {len(report.results)} tests{nothing}"


def as_data(report: Report) -> dict[str, Any]:
    """Return the report as data for JSON."""
    return {
        "schema": SCHEMA,
        "program": list(report.command),
        "vectors": {"files": report.vectors.files, "sha256": report.vectors.sha256},
        "status": report.status,
        "remarks": list(report.remarks),
        "functions": {name: _counted(count) for name, count in report.by_function().items()},
        "flags": {name: _counted(count) for name, count in report.by_flag().items()},
        "tests": [_recorded(report, result) for result in report.results],
    }


def _counted(count: Count) -> dict[str, Any]:
    return {
        "passed": count.passed,
        "failed": count.failed,
        "unsupported": count.unsupported,
        "ulp": _finite(count.worst),
    }


def _recorded(report: Report, result: Result) -> dict[str, Any]:
    test = result.test
    record: dict[str, Any] = {
        "statement": test.statement,
        "id": test.number,
        "function": test.function,
        "flags": list(test.flags),
        "verdict": result.verdict.value,
        "ulp": _finite(result.ulp),
    }
    if result.verdict is Verdict.FAILED:
        record |= {"fault": result.fault, "said": result.said, "bug": result.bug}
        record |= {"effects": report.effects(result), "comment": test.comment}
        record |= {"reproduce": report.reproduce(result)}
    return record


def _finite(ulp: float | None) -> float | str | None:
    return "inf" if ulp == float("inf") else ulp


def known_failures(text: str) -> Known:
    """Read which tests are known to fail: those that a report, or its like, says failed.

    Raises
    ------
    ValueError
        For anything else.
    """
    try:
        tests = json.loads(text)["tests"]
        return frozenset(
            (str(test["statement"]), int(test["id"]))
            for test in tests
            if test["verdict"] == Verdict.FAILED.value
        )
    except (KeyError, TypeError):
        raise ValueError(
            'expected {"tests": [{"statement": ..., "id": ..., "verdict": "failed"}, ...]}, '
            "such as a report of --json"
        ) from None


GREEN, YELLOW, RED = "#2e7d32", "#b26a00", "#c62828"


def badge(report: Report) -> str:
    """Return a badge as SVG: how many of the tests that were tried passed."""
    count = Count.of(report.results)
    left, right = "conformance", f"{count.passed} of {count.passed + count.failed}"
    colour = RED if report.status else YELLOW if count.failed else GREEN
    wide, whole = 7 * len(left) + 12, 7 * (len(left) + len(right)) + 24
    title = escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<rect width="{whole}" height="20" rx="3" fill="#444"/>'
        f'<path d="M{wide} 0H{whole - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{wide}z" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f'<text x="{wide / 2:g}" y="14">{escape(left)}</text>'
        f'<text x="{(wide + whole) / 2:g}" y="14">{escape(right)}</text></g></svg>\n'
    )
