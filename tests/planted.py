"""Plant one fault in the output of each public function of a module, and say which tests miss it.

    python tests/planted.py logistic                  judged by tests/test_logistic.py
    python tests/planted.py engine.fit tests/test_estimation.py

Each fault runs in a process of its own, until the first test that fails. A fault is planted in each
array and number that a function, method or property returns, or that a function which it returns
does, and only counts as missed if it changed one of them. What has no parts returns no number, or
no test calls it. The exit status is 1 if a fault was missed.
"""

import dataclasses
import importlib
import inspect
import multiprocessing
import os
import sys
from copy import copy
from functools import wraps
from itertools import product

import mpmath  # noqa: F401 - once, for all processes
import numpy as np
import pytest
import scipy.linalg  # noqa: F401

sys.path[:0] = [os.getcwd()]
for module in ("hypothesis", "derivations.logistic", "derivations.softmax"):
    importlib.import_module(module)  # likewise


def one_zero(value):
    """Return value with its last entry that is not zero set to zero."""
    if np.any(value):
        value.flat[np.flatnonzero(value)[-1]] = 0
    return value


FAULTS = {
    "sign": lambda value: -value,
    "scale of 1 + 1e-9": lambda value: value * (1 + 1e-9),
    "float32": lambda value: value.astype(np.float32).astype(value.dtype),
    "transposed and reshaped": lambda value: value.T.reshape(value.shape),
    "rolled": lambda value: np.roll(value, 1),
    "one entry zero": one_zero,
}


class Planted:
    """A fault in the leaf of a number: an array or a number, by itself or in what holds it."""

    def __init__(self, fault, number):
        self.fault, self.number = fault, number
        self.leaves, self.changed = 0, False

    def returned_by(self, function, before=0):
        """Plant it in what a function returns; the leaves before those have numbers of their own."""

        @wraps(function)
        def faulty(*args, **keywords):
            self.at = before
            result = self.put(function(*args, **keywords))
            self.leaves = max(self.leaves, self.at)
            return result

        return faulty

    def put(self, value):
        if isinstance(value, dict):
            return {name: self.put(part) for name, part in value.items()}
        if isinstance(value, tuple | list):
            parts = [self.put(part) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            found = copy(value)
            for field in dataclasses.fields(value):
                object.__setattr__(found, field.name, self.put(getattr(value, field.name)))
            return found
        if inspect.isfunction(value):  # the way back of a pullback
            return self.returned_by(value, self.at)
        number = isinstance(value, np.ndarray | np.floating | float)
        if not number or np.asarray(value).dtype.kind not in "iuf":
            return value
        self.at += 1
        return self.wrong(value) if self.fault and self.at == self.number + 1 else value

    def wrong(self, value):
        array = np.asarray(value)
        with np.errstate(all="ignore"):
            wrong = np.asarray(FAULTS[self.fault](array.copy())).astype(array.dtype)
        self.changed |= not np.array_equal(wrong, array, equal_nan=array.dtype.kind == "f")
        return wrong if isinstance(value, np.ndarray) else type(value)(wrong[()])


def public(module):
    """Return the owner and the name of each public function, method and property."""
    for name, found in vars(module).items():
        if name.startswith("_") or getattr(found, "__module__", "") != module.__name__:
            continue
        if inspect.isclass(found):
            yield from (
                (found, own)
                for own, member in vars(found).items()
                if not own.startswith("_")
                and (inspect.isfunction(member) or type(member) is property)
            )
        elif inspect.isfunction(found):
            yield module, name


def judged(stem, number, fault, leaf, tests, answer):
    """Run the tests with a fault in the function of a number, in this process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    owner, name = list(public(importlib.import_module(f"reference_impl.{stem}")))[number]
    member, planted = vars(owner)[name], Planted(fault, leaf)
    if isinstance(member, property):
        setattr(owner, name, property(planted.returned_by(member.fget)))
    else:
        setattr(owner, name, planted.returned_by(member))
    early = "ignore::pytest.PytestAssertRewriteWarning"  # the module was imported before pytest
    status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", early, *tests])
    answer.send((int(status), planted.leaves, planted.changed))


def verdict(*case):
    """Return whether the tests failed, how many leaves were seen, and whether one was changed."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=judged, args=(*case, sender))
    process.start()
    sender.close()
    try:
        status, leaves, changed = receiver.recv()
    except EOFError:  # the tests could not even be read
        status, leaves, changed = 1, 0, True
    process.join()
    return status != 0, leaves, changed


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
    tests = tests or (f"tests/test_{stem.rpartition('.')[2]}.py",)
    os.environ["TEST_ORDER_SEED"] = "0"
    caught, missed = 0, []
    for number, name in enumerate(names(stem)):
        failed, leaves, _ = verdict(stem, number, None, 0, tests)
        if failed:
            sys.exit(f"{name}: {' '.join(tests)} fails without a fault")
        for fault, leaf in product(FAULTS, range(leaves)):
            failed, _, changed = verdict(stem, number, fault, leaf, tests)
            caught += failed
            if changed and not failed:
                print(f"{name}: missed {fault}, in part {leaf + 1} of {leaves}", flush=True)
                missed.append(name)
        print(f"{name}: {leaves or 'no'} parts", flush=True)
    print(f"{stem}: {caught} faults caught, {len(missed)} missed")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
