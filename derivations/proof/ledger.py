"""Verifying many statements over all cores, and only those that changed.

The ledger keeps reports by a key made of all that a verdict depends on: the statement and what it
cites, the sources of the calculus, the versions of SymPy, mpmath and Python. An entry that was
edited no longer fits its seal and is verified again.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import mpmath
import sympy

from derivations.language.statement import Statement
from derivations.proof.verification import digest, verify

Record = dict[str, object]

# The rooms that have a say in a verdict; printing and code have none.
JUDGES = ("language", "proof")


def versions() -> dict[str, str]:
    """Return the versions that a verdict depends on."""
    return {
        "python": platform.python_version(),
        "sympy": sympy.__version__,
        "mpmath": mpmath.__version__,
    }


@cache
def calculus_digest() -> str:
    """Return a hash of the sources of the calculus and of the versions."""
    rooms = Path(__file__).parents[1]
    sources = sorted(path for room in JUDGES for path in (rooms / room).glob("*.py"))
    content = b"".join(source.name.encode() + source.read_bytes() for source in sources)
    return hashlib.sha256(content + json.dumps(versions()).encode()).hexdigest()


def key(statement: Statement) -> str:
    """Return the key of a statement's report."""
    return hashlib.sha256((digest(statement) + calculus_digest()).encode()).hexdigest()


def seal(its_key: str, record: Record) -> str:
    """Return the seal that ties a report to its key."""
    return hashlib.sha256((its_key + json.dumps(record, sort_keys=True)).encode()).hexdigest()


def load(path: Path) -> dict[str, Record]:
    """Return the reports of a ledger whose seals fit; an unreadable ledger is an empty one."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {
            its_key: entry["report"]
            for its_key, entry in entries.items()
            if seal(its_key, entry["report"]) == entry["seal"]
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def save(path: Path, reports: Mapping[str, Record]) -> None:
    """Write a ledger, whole or not at all."""
    entries = {k: {"report": r, "seal": seal(k, r)} for k, r in sorted(reports.items())}
    write(path, json.dumps(entries, sort_keys=True))


def write(path: Path, content: str) -> None:
    """Write a file so that no reader ever sees half of it; an unchanged file stays untouched."""
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)


def statement_at(place: tuple[str, str]) -> Statement:
    """Return the statement at a place."""
    module, attribute = place
    statement: Statement = getattr(importlib.import_module(module), attribute)
    return statement


def report_of(place: tuple[str, str]) -> Record:
    """Verify the statement at a place (module, attribute); run by the worker processes."""
    report = verify(statement_at(place)).to_json()
    return json.loads(json.dumps(report))  # what a ledger gives back, whichever way it came


@contextmanager
def without_search_for_cycles() -> Iterator[None]:
    """Let Python not look for cycles: terms have none, and to look takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@without_search_for_cycles()
def verify_all(
    places: Mapping[str, tuple[str, str]],
    ledger: Path | None,
    jobs: int,
    done: Callable[[str, Record], None] = lambda name, record: None,
) -> dict[str, Record]:
    """Return the report of every statement, from the ledger where nothing has changed.

    Parameters
    ----------
    places
        Module and attribute of each statement, by id.
    ledger
        The file that keeps reports between runs, or None to verify everything.
    jobs
        Worker processes.
    done
        Called with the id and the report of each statement as it is known.
    """
    keys = {name: key(statement_at(place)) for name, place in places.items()}
    known = load(ledger) if ledger else {}
    found: dict[str, Record] = {}
    for name in places:
        if keys[name] in known:
            found[name] = known[keys[name]]
            done(name, found[name])
    missing = [name for name in places if name not in found]
    for name, record in computed({name: places[name] for name in missing}, jobs):
        found[name] = record
        done(name, record)
        if ledger:
            known[keys[name]] = record
    if ledger and missing:
        save(ledger, known)
    return {name: found[name] for name in places}


def computed(places: Mapping[str, tuple[str, str]], jobs: int) -> Iterable[tuple[str, Record]]:
    """Yield reports as they are made, in this process when there is little to do."""
    if jobs == 1 or len(places) < 3:
        for name, place in places.items():
            yield name, report_of(place)
        return
    # A fork has what was derived here for the keys. No thread of ours runs.
    start = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(jobs, mp_context=start, initializer=gc.disable) as pool:
        # Begin with what takes longest, so that no core is left alone with it at the end. How
        # long a statement takes shows in how much it says.
        longest = sorted(places, key=lambda name: -len(repr(statement_at(places[name]).chains)))
        pending = {pool.submit(report_of, places[name]): name for name in longest}
        try:
            for future in as_completed(pending):
                yield pending[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
