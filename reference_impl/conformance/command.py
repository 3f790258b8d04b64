"""The command line of the conformance kit."""

import argparse
import difflib
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reference_impl.conformance import program, report as reports, vectors as files
from reference_impl.conformance.verdicts import accepted, judge

TIMEOUT = 60.0
VECTORS = Path("tests/vectors")
NEAR = 5  # names that are suggested in place of one that is unknown


class UsageError(Exception):
    """What was asked for cannot be done; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the vectors on a program and say what came of it.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line; by default that of the process.

    Returns
    -------
    int
        0 if all is as expected, 1 if not, 2 if nothing could be measured.
    """
    options = _parser().parse_args(arguments)
    try:
        report = _run(options)
        _write(options.json, json.dumps(reports.as_data(report), indent=1) + "\n")
        _write(options.badge, reports.badge(report))
    except UsageError as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    try:
        print(reports.as_text(report), flush=True)
    except BrokenPipeError:  # the reader has gone; Python would complain once more at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return report.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="logisticbp conformance",
        description="Run the test vectors on an implementation in any language.",
    )
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument(
        "--adapter",
        metavar="MODULE",
        help="a Python module, or its file, with answer(function, input)",
    )
    who.add_argument(
        "--run", metavar="COMMAND", help='such as "node softmax.mjs": JSON lines in, JSON lines out'
    )
    parser.add_argument(
        "--vectors", type=Path, default=VECTORS, metavar="PATH",
        help=f"a folder, a zip or one file; default: {VECTORS}, which a clone of the project has",
    )  # fmt: skip
    parser.add_argument(
        "--functions",
        nargs="+",
        default=[],
        metavar="NAME",
        help="functions, statements or concepts; default: all",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as data")
    parser.add_argument(
        "--expected", type=Path, metavar="FILE", help="a report whose failures are known"
    )
    parser.add_argument("--badge", type=Path, metavar="FILE", help="write a badge, an SVG")
    parser.add_argument(
        "--timeout", type=_seconds, default=TIMEOUT, metavar="SECONDS",
        help="without an answer, after which the program counts as hanging; default: 60",
    )  # fmt: skip
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return seconds


def _run(options: argparse.Namespace) -> reports.Report:
    try:
        vectors = _chosen(files.load(options.vectors), options.functions)
    except files.Unreadable as problem:
        raise UsageError(f"--vectors: {problem}") from None
    passing = [f"{control.test} ({control.bug})" for control in accepted(vectors)]
    if passing:
        raise UsageError(
            f"the vectors would accept answers known to be wrong: {', '.join(passing)}"
        )
    known = _known(options.expected)
    command = _command(options)
    try:
        said = program.ask(command, [test.request for test in vectors.tests], options.timeout)
    except program.NotStarted as problem:
        given = f"--run: {options.run}" if options.run else f"--adapter: {options.adapter}"
        raise UsageError(f"{given}: {problem}") from None
    results = tuple(
        judge(test, answer, vectors.controls.get(test.request, ()))
        for test, answer in zip(vectors.tests, said.answers, strict=True)
    )
    return reports.Report(command, vectors, results, said.remarks, known)


def _chosen(vectors: files.Vectors, names: Sequence[str]) -> files.Vectors:
    """Leave the functions that are named, themselves or by their statement or concept."""
    known = list(dict.fromkeys(name for test in vectors.tests for name in _names(test)))
    unknown = [name for name in names if name not in known]
    if unknown:
        said = "; ".join(f"no vectors for {name} ({_near(name, known)})" for name in unknown)
        raise UsageError(f"--functions: {said}")
    kept = [test for test in vectors.tests if not names or set(names) & set(_names(test))]
    return replace(vectors, tests=tuple(kept))


def _names(test: files.Test) -> Iterator[str]:
    """What a test can be chosen by."""
    for name in (test.function, test.statement):
        yield from (name, name.partition(".")[0])


def _near(name: str, known: Sequence[str]) -> str:
    """Return the names that may be meant, or all concepts."""
    near = [one for one in known if name in one] + difflib.get_close_matches(name, known)
    if near:
        return f"did you mean {', '.join(list(dict.fromkeys(near))[:NEAR])}?"
    return f"there are {', '.join(one for one in known if '.' not in one)}"


def _known(path: Path | None) -> reports.Known:
    if path is None:
        return frozenset()
    try:
        return reports.known_failures(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"--expected: {path}: {problem.strerror}") from None
    except ValueError as problem:
        raise UsageError(f"--expected: {path}: {problem}") from None


def _command(options: argparse.Namespace) -> tuple[str, ...]:
    if options.run is None:
        return (sys.executable, "-m", "reference_impl.conformance.adapter", options.adapter)
    try:
        command = tuple(shlex.split(options.run))
    except ValueError as problem:
        raise UsageError(f"--run: {problem}: {options.run}") from None
    if not command:
        raise UsageError("--run: expected a command, given nothing")
    return command


def _write(path: Path | None, content: str) -> None:
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        except OSError as problem:
            raise UsageError(f"{path}: {problem.strerror}") from None
