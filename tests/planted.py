"""Plant one fault in the output of each public function of a module, and say which tests miss it.

    python tests/planted.py logistic                  judged by tests/test_logistic.py
    python tests/planted.py engine.fit tests/test_estimation.py

A fault is planted in each array, number and truth value that a function, method or property
returns, or that a function which it returns does, if it changes one of them in these tests. Each
fault runs in a process of its own, until the first test that fails: of those in which it changes
something, and of all where they pass. What no test calls is missed, too. The exit status is 1 if
a fault was missed.
"""

import dataclasses
import importlib
import inspect
import multiprocessing
import operator
import os
import sys
from copy import copy
from functools import cached_property, wraps

import mpmath  # noqa: F401 - once, for all processes
import numpy as np
import pytest
import scipy.linalg  # noqa: F401

sys.path[:0] = [os.getcwd()]
derivations = importlib.import_module("derivations")
for module in ("hypothesis", "derivations.proof.verification"):
    importlib.import_module(module)  # likewise


def one_zero(value):
    """Return value with its last entry that is not about zero set to zero."""
    entries = np.flatnonzero(np.abs(value) > np.finfo(float).tiny)
    value.flat[entries[-1:]] = 0
    return value


FAULTS = {
    "sign": lambda value: ~value if value.dtype == bool else -value,
    "scale of 1 + 1e-9": lambda value: value * (1 + 1e-9),
    "float32": lambda value: value.astype(np.float32).astype(value.dtype),
    "transposed and reshaped": lambda value: value.T.reshape(value.shape),
    "rolled": lambda value: np.roll(value, 1),
    "one entry zero": one_zero,
}


class Planted:
    """A fault in the leaf of a number: an array or a number, by itself or in what holds it.

    Without a fault, what would have changed a leaf is noted, and in which tests: ``faults``, None
    before a call.
    """

    def __init__(self, fault=None, number=0):
        self.fault, self.number, self.faults, self.depth = fault, number, None, 0

    def returned_by(self, function, before=0):
        """Plant it in what a function returns; the leaves before those have numbers of their own."""

        @wraps(function)
        def faulty(*args, **keywords):
            self.faults = self.faults or {}
            self.depth += 1
            try:
                found = function(*args, **keywords)
            finally:
                self.depth -= 1
            if self.depth:  # a sign that changes twice is no fault
                return found
            self.at = before  # now: another call may have come between
            return self.put(found)

        return faulty

    def put(self, value):
        listed = isinstance(value, list) and all(isinstance(part, float | int) for part in value)
        if not listed and (held := parts_of(value)):
            before, make = held
            after = [self.put(part) for part in before]
            return value if all(map(operator.is_, before, after)) else make(after)
        if inspect.isfunction(value):  # the way back of a pullback
            return self.returned_by(value, self.at)
        if inspect.isgenerator(value):
            return self.yielded(value, self.at)
        number = isinstance(value, np.ndarray | np.generic | float | int)
        if not (number or listed) or np.asarray(value).dtype.kind not in "biuf":
            return value
        self.at += 1
        if self.fault:
            return wrong(self.fault, value) if self.at == self.number else value
        for fault in FAULTS:
            seen = self.faults.setdefault((fault, self.at), set())
            if Chosen.now not in seen and differ(wrong(fault, value), value):
                seen.add(Chosen.now)
        return value

    def yielded(self, parts, before):
        for part in parts:
            self.at = before  # each is the same part of an answer
            yield self.put(part)


def parts_of(value):
    """Return the parts of what holds others, and what makes such a thing of parts."""
    if isinstance(value, dict):
        return list(value.values()), lambda parts: dict(zip(value, parts, strict=True))
    if isinstance(value, tuple | list):
        return list(value), getattr(value, "_make", type(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]

        def made(parts):
            found = copy(value)
            for name, part in zip(names, parts, strict=True):
                object.__setattr__(found, name, part)
            return found

        return [getattr(value, name) for name in names], made
    return None


def wrong(fault, value):
    """Return a number or an array with a fault."""
    array = np.asarray(value)
    with np.errstate(all="ignore"):
        faulty = np.asarray(FAULTS[fault](array.copy())).astype(array.dtype)
    plain = faulty.tolist() if isinstance(value, list) else faulty[()]
    return faulty if isinstance(value, np.ndarray) else type(value)(plain)


def differ(one, other):
    """Say whether two numbers or arrays differ."""
    return not np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f")


PROPERTIES = property | cached_property


def public(module):
    """Return the owner and the name of each public function, method and property of its own."""
    for name, found in vars(module).items():
        if name.startswith("_") or getattr(found, "__module__", "") != module.__name__:
            continue
        if inspect.isclass(found) and not getattr(found, "_is_protocol", False):
            yield from (
                (found, own)
                for own, member in vars(found).items()
                if not own.startswith("_")
                and (
                    isinstance(member, PROPERTIES)
                    or (inspect.isfunction(member) and member.__module__ == module.__name__)
                )
            )
        elif inspect.isfunction(found):
            yield module, name


def plant(owner, name, planted):
    """Plant it in what is public, and where a tuple holds it, such as the rules of a layer."""
    member = vars(owner)[name]
    if isinstance(member, PROPERTIES):
        getter = member.fget if isinstance(member, property) else member.func
        setattr(owner, name, property(planted.returned_by(getter)))
    else:
        faulty = planted.returned_by(member)
        setattr(owner, name, faulty)
        for key, held in [*vars(owner).items()]:
            if isinstance(held, tuple) and any(part is member for part in held):
                setattr(owner, key, tuple(faulty if part is member else part for part in held))


class Chosen:
    """The tests that run: those of some names, or all; and which one does."""

    now = ""

    def __init__(self, names):
        self.names = names

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if not self.names or item.nodeid in self.names]

    def pytest_runtest_logstart(self, nodeid):
        Chosen.now = nodeid


def judged(stem, tests, cases, chosen, answer):
    """Run the tests with faults in the functions of some numbers, in this process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    places = list(public(importlib.import_module(f"reference_impl.{stem}")))
    for number, planted in cases.items():
        plant(*places[number], planted)
    without = "-x -q --tb=no --assert=plain -p no:cacheprovider -p no:unraisableexception -k"
    status = pytest.main([*without.split(), "not memory", *tests], [Chosen(chosen)])
    answer.send((int(status), {number: planted.faults for number, planted in cases.items()}))


def verdict(stem, tests, cases, chosen=()):
    """Return whether the tests failed, and what faults would change something."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=judged, args=(stem, tests, cases, chosen, sender)
    )
    process.start()
    sender.close()
    try:
        status, faults = receiver.recv()
    except EOFError:  # the tests could not even be read
        status, faults = 1, {}
    process.join()
    return status != 0, faults


def names(stem):
    """Return the names of what is public, found in a process that ends with it."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_names, (stem,))


def _names(stem):
    found = public(importlib.import_module(f"reference_impl.{stem}"))
    return [
        name if inspect.ismodule(owner) else f"{owner.__name__}.{name}" for owner, name in found
    ]


def main(stem, *tests):
    """Print what is missed and how many are caught."""
    concept = stem.rpartition(".")[2]
    tests = tests or (f"tests/test_{concept}.py",)
    os.environ["TEST_ORDER_SEED"] = "0"
    for name, statement in derivations.statements().items():
        if name.startswith(f"{concept}."):
            [chain.lines for chain in statement.chains]  # derived once, for all processes
    known = names(stem)
    failed, faults = verdict(stem, tests, {number: Planted() for number in range(len(known))})
    if failed:
        sys.exit(f"{' '.join(tests)} fails without a fault")
    caught = missed = 0
    for number, name in enumerate(known):
        if faults[number] is None:
            print(f"{name}: missed, no test calls it", flush=True)
            missed += 1
            continue
        found = {fault: seen for fault, seen in sorted(faults[number].items()) if seen}
        for fault, seen in found.items():
            planted = {number: Planted(*fault)}
            if any(verdict(stem, tests, planted, chosen)[0] for chosen in (seen, ())):
                caught += 1
            else:
                print(f"{name}: missed {fault[0]}, in part {fault[1]}", flush=True)
                missed += 1
        print(f"{name}: {len(found)} faults", flush=True)
    print(f"{stem}: {caught} faults caught, {missed} missed")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
