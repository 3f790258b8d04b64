"""Read test vectors from a file, a folder or a zip, strictly."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from reference_impl.conformance.numbers import Numbers, read

SCHEMA = 2
WHERE = (
    "logisticbp-vectors.zip is among the downloads of the site, "
    "and a clone of the project has the folder tests/vectors"
)
LARGEST = 4_000_000  # bytes: a larger file is not read
RESULTS = ("valid", "invalid", "wrong")
Output = Mapping[str, Numbers]  # by name; a single result has the name ""


class Unreadable(Exception):
    """The vectors cannot be used; the message says which file, and why."""


@dataclass(frozen=True, eq=False)
class Test:
    """One input with what is known of it.

    Attributes
    ----------
    statement, number : str, int
        Which test it is: the id of the statement that names the file, and the id in the file.
    function : str
        What an adapter is asked for.
    input : dict
        The arguments as the file has them.
    output, bounds : Output or None
        The exact output, and for each entry how many ulp are allowed; None where an input must be
        refused.
    refusal : Refusal or None
        Why it must be refused.
    """

    statement: str
    number: int
    function: str
    comment: str
    flags: tuple[str, ...]
    input: Mapping[str, Any]
    output: Output | None
    bounds: Output | None
    refusal: "Refusal | None" = None

    @property
    def request(self) -> str:
        """The line that asks for it."""
        return json.dumps({"function": self.function, "input": self.input})

    def __str__(self) -> str:
        return f"{self.statement} {self.number}"


@dataclass(frozen=True)
class Refusal:
    """Why an input must be refused, and of which kind that is: shape, domain, not finite, type."""

    kind: str
    reason: str


@dataclass(frozen=True, eq=False)
class Control:
    """A wrong answer that must be rejected, and the bug that gives it."""

    test: Test
    answer: Output
    bug: str


@dataclass(frozen=True, eq=False)
class Flag:
    """A bug that makes tests fail, and what it does to those who use the program."""

    description: str
    effect: str


@dataclass(frozen=True, eq=False)
class Vectors:
    """All tests, the wrong answers by request, the flags; how many files, and a digest of both."""

    tests: tuple[Test, ...]
    controls: Mapping[str, tuple[Control, ...]]
    flags: Mapping[str, Flag]
    files: int
    sha256: str

    @property
    def functions(self) -> list[str]:
        """The functions that are asked for, each once."""
        return list(dict.fromkeys(test.function for test in self.tests))


def load(path: Path) -> Vectors:
    """Read the files of vectors, ``*.json`` with a ``schema``, of a folder or a zip, or one file.

    Raises
    ------
    Unreadable
        For anything that is not as the format says.
    """
    tests: list[Test] = []
    wrong: list[tuple[Test, Mapping[str, Any]]] = []
    flags: dict[str, Flag] = {}
    digest = hashlib.sha256()
    count = 0
    for name, text in _texts(path):
        try:
            content = json.loads(text, parse_constant=_refuse)
            if not isinstance(content, dict) or "tests" not in content:
                continue  # another file beside the vectors
            if content["schema"] != SCHEMA:
                raise ValueError(f"schema {content['schema']}, expected {SCHEMA}")
            flags |= {
                flag: Flag(said["description"], said["effect"])
                for flag, said in content["flags"].items()
            }
            for record in content["tests"]:
                test = _test(content, record)
                if record["result"] == "wrong":
                    wrong.append((test, record))
                else:
                    tests.append(test)
        except (KeyError, TypeError, AttributeError) as problem:
            raise Unreadable(f"{name}: no vectors: {type(problem).__name__}: {problem}") from None
        except ValueError as problem:
            raise Unreadable(f"{name}: {problem}") from None
        asked = [content["function"], content["flags"], content["tests"]]
        digest.update(json.dumps(asked).encode())
        count += 1
    if not tests:
        raise Unreadable(f"{path}: expected files of test vectors, found none; {WHERE}")
    controls: dict[str, tuple[Control, ...]] = {}
    bounds = {test.request: test.bounds for test in tests if test.bounds}
    for test, record in wrong:
        control = _control(test, record, bounds)
        controls[test.request] = (*controls.get(test.request, ()), control)
    return Vectors(tuple(tests), controls, flags, count, digest.hexdigest())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} in a vector")


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each JSON file, in the order of the names."""
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield str(file), _bounded(str(file), file.stat().st_size, file.read_bytes)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for info in sorted(archive.infolist(), key=lambda info: info.filename):
                    if info.filename.endswith(".json"):
                        whole = f"{path}/{info.filename}"
                        yield whole, _bounded(whole, info.file_size, lambda i=info: archive.read(i))
        else:
            yield str(path), _bounded(str(path), path.stat().st_size, path.read_bytes)
    except FileNotFoundError:
        raise Unreadable(f"{path}: no such file or folder; {WHERE}") from None
    except (OSError, zipfile.BadZipFile) as problem:
        raise Unreadable(f"{path}: {getattr(problem, 'strerror', None) or problem}") from None


def _bounded(name: str, size: int, content: Any) -> bytes:
    if size > LARGEST:
        raise Unreadable(f"{name}: {size} bytes; no more than {LARGEST} are read")
    text: bytes = content()
    return text


def _test(content: Mapping[str, Any], record: Mapping[str, Any]) -> Test:
    where = f"test {record['id']}"
    if record["result"] not in RESULTS:
        raise ValueError(f"{where}: result {record['result']!r}, expected one of {RESULTS}")
    unknown = set(record["flags"]) - set(content["flags"])
    if unknown:
        raise ValueError(f"{where}: flags without an explanation: {', '.join(sorted(unknown))}")
    refused = record["result"] == "invalid"
    exact = None if refused else output(record["output"])
    bounds = None
    if exact is not None and "ulp" in record:
        bounds = _bounds(record["ulp"], exact, where)
    elif record["result"] == "valid":
        raise ValueError(f"{where}: a valid test needs a bound, ulp")
    error = record["error"] if refused else None
    return Test(
        content["statement"], record["id"], content["function"], record["comment"],
        tuple(record["flags"]), record["input"], exact, bounds,
        Refusal(str(error["kind"]), str(error["reason"])) if error is not None else None,
    )  # fmt: skip


def output(value: Any) -> Output:
    """Read one result, or several by name."""
    named = value if isinstance(value, dict) else {"": value}
    return {name: read(part) for name, part in named.items()}


def _bounds(value: Any, exact: Output, where: str) -> Output:
    found = {}
    for name, part in exact.items():
        given = read(value[name] if isinstance(value, dict) else value)
        if not given.shape:
            given = Numbers(part.shape, given.entries * len(part.entries))
        if given.shape != part.shape:
            raise ValueError(f"{where}: ulp of shape {given.shape}, output of shape {part.shape}")
        if not all(isinstance(bound, Fraction) and bound >= 0 for bound in given.entries):
            raise ValueError(f"{where}: a bound is a finite number of ulp from 0 on")
        found[name] = given
    return found


def _control(test: Test, record: Mapping[str, Any], bounds: Mapping[str, Output]) -> Control:
    """A wrong answer is held against its own bound, or that of the valid test of the same input."""
    bound = test.bounds or bounds.get(test.request)
    if bound is None:
        raise Unreadable(f"{test}: a wrong answer needs a bound, or a valid test of its input")
    known = Test(
        test.statement, test.number, test.function, test.comment, test.flags, test.input,
        test.output, bound,
    )  # fmt: skip
    try:
        return Control(known, output(record["answer"]), str(record["bug"]))
    except (KeyError, ValueError) as problem:
        raise Unreadable(f"{test}: {problem}") from None
