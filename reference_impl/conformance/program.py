"""Ask a program for its answers: JSON lines in, one JSON line for each out.

A program that dies, hangs, or prints something else has done so for certain requests; the rest is
asked again without them. Programs that hold back what they print until they end are asked in
halves, until the request is found. One that dies in the same way when nothing is asked is no program
to judge.
"""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

STARTS = 60  # a program that had to be started so often is not started again
SILENT = 15  # nor one that never answered; to halve 10,000 requests down to one takes 14
LINE = 16_000_000  # bytes of the longest line that is read
BROKEN = frozenset({"crash", "hang", "noise", "no answer"})  # kinds of what is no answer
# A name and what it says, but for the advice that a compiler adds.
MESSAGE = re.compile(r"(?!note:|help:|warning:)\S.*?: +\S", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What a program said to one request.

    Attributes
    ----------
    kind : str
        output, error (refused), unsupported; or how it failed: crash, hang, noise, no answer.
    content : object
        The output as it was sent, or a text that explains.
    """

    kind: str
    content: Any = None


@dataclass(frozen=True)
class Conversation:
    """An answer for each request, and what the program did beside."""

    answers: tuple[Answer, ...]
    remarks: tuple[str, ...]


class NotStarted(Exception):
    """The program cannot be started; the message says why."""


@dataclass(frozen=True)
class _Run:
    """What one process printed, and how it ended: "" after its input, in its own time."""

    lines: tuple[str, ...]
    ending: Answer | None


def ask(command: Sequence[str], requests: Sequence[str], timeout: float) -> Conversation:
    """Ask a program every request.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments; no shell reads them.
    requests : sequence of str
        JSON, a line each.
    timeout : float
        Seconds without an answer after which it counts as hanging.

    Raises
    ------
    NotStarted
    """
    talk = _Talk(tuple(command), timeout)
    answers = tuple(_asked(talk, list(requests)))
    return Conversation(answers, tuple(dict.fromkeys(talk.remarks)))


@dataclass
class _Talk:
    """A program, what it did beside answering, and how often it was started."""

    command: tuple[str, ...]
    timeout: float
    remarks: list[str] = field(default_factory=list)
    starts: int = 0
    answered: bool = False
    last: str = ""

    @property
    def over(self) -> bool:
        return self.starts >= (STARTS if self.answered else SILENT)


def _asked(talk: _Talk, requests: list[str]) -> Iterator[Answer]:
    """The answers in order: of one process if all is well, else of as many as it needs."""
    if not requests:
        return
    if talk.over:
        said = f"not asked: the program failed {talk.starts} times before ({talk.last})"
        yield from [Answer("no answer", said)] * len(requests)
        return
    talk.starts += 1
    run = _run(talk.command, requests, talk.timeout)
    read = [_read(line) for line in run.lines]
    answers = [answer for answer in read if answer.kind != "noise"]
    noise = [answer for answer in read if answer.kind == "noise"]
    talk.answered |= bool(answers)
    if run.ending is not None:
        talk.last = run.ending.content
        first = talk.starts == 1 and not talk.answered and run.ending.kind == "crash"
        if first and _run(talk.command, [], talk.timeout).ending == run.ending:
            raise NotStarted(talk.last)
    if len(answers) == len(requests):
        talk.remarks += [f"printed a line that is no answer: {one.content}" for one in noise]
        if run.ending is not None:
            talk.remarks.append(f"after its last answer: {run.ending.content}")
        yield from answers
    elif len(requests) == 1:
        yield _only(answers, noise, run.ending)
    elif answers and not noise and len(answers) < len(requests) and run.ending is not None:
        # It was ended in the middle. The next one is asked alone: it may be to blame.
        yield from answers
        rest = requests[len(answers) :]
        yield from _asked(talk, rest[:1])
        yield from _asked(talk, rest[1:])
    else:
        half = len(requests) // 2
        yield from _asked(talk, requests[:half])
        yield from _asked(talk, requests[half:])


def _only(answers: list[Answer], noise: list[Answer], ending: Answer | None) -> Answer:
    """What a single request, without a single answer, came to."""
    if ending is not None:
        return ending
    if answers:
        return Answer("noise", f"printed {len(answers)} answers to one request")
    if noise:
        return Answer("noise", f"printed {noise[0].content}")
    return Answer("no answer", "ended with status 0 and printed nothing")


def _read(line: str) -> Answer:
    """Read a line as an answer, or as noise."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    match found:
        case {"unsupported": True}:
            return Answer("unsupported")
        case {"crash": str(text)}:
            return Answer("crash", text)
        case {"error": text}:
            return Answer("error", str(text))
        case {"output": content}:
            return Answer("output", content)
    text = line.strip()
    return Answer("noise", repr(text if len(text) <= 80 else f"{text[:77]}..."))


def _run(command: Sequence[str], requests: list[str], timeout: float) -> _Run:
    """Run a process to its end, or until it is silent for too long."""
    lines: list[str] = []
    most = 2 * len(requests) + 100
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
                start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            raise NotStarted(problem.strerror) from None
        assert process.stdin and process.stdout
        printed: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_write, args=(process.stdin, requests), daemon=True).start()
        threading.Thread(target=_read_lines, args=(process.stdout, printed), daemon=True).start()
        ending = None
        try:
            while line := printed.get(timeout=timeout):
                if line.strip():
                    lines.append(line.decode("utf-8", "replace"))
                if len(lines) > most:
                    ending = Answer("noise", f"printed more than {most} lines")
                    break
            else:
                process.wait(timeout)
        except (queue.Empty, subprocess.TimeoutExpired):
            what = "did not end with its input" if len(lines) >= len(requests) else "no answer"
            ending = Answer("hang", f"{what} within {timeout:g} s")
        _kill(process)
        if ending is None and process.returncode:
            ending = Answer("crash", _status(process.returncode) + _complaint(complaints))
    return _Run(tuple(lines), ending)


def _write(stream: IO[bytes], requests: list[str]) -> None:
    # That the process has ended before shows in what it printed.
    with contextlib.suppress(OSError), stream:
        stream.write("".join(f"{request}\n" for request in requests).encode())


def _read_lines(stream: IO[bytes], printed: "queue.Queue[bytes]") -> None:
    """Hand over every line, then b""."""
    with stream:
        while line := stream.readline(LINE):
            printed.put(line)
    printed.put(b"")


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process that still runs, with what it has started."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()


def _status(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"


def _complaint(complaints: IO[bytes]) -> str:
    """Return the line that says what is wrong: the last with a name and a message, or the last.

    The stack that some languages print behind it is indented; the version of Node has no message.
    """
    complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, complaints.tell() - 20_000))
    lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
    said = [line for line in lines if MESSAGE.match(line)] or lines
    return f": {said[-1].strip()[:200]}" if said else ""
