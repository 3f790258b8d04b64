"""The test vectors in ``tests/vectors``: how many there are, of which functions, with which flags."""

from collections import Counter
from statistics import median

from _extensions.elements import reference
from _extensions.tables import Table, code

RESULTS = ("valid", "invalid", "wrong")


def _functions(run):
    """Return the files that are about a function; the schema is not."""
    return [content for content in run if "statement" in content]


def _counted(content):
    """Return how many tests of a function have each result."""
    return Counter(test["result"] for test in content["tests"])


def _valid(run):
    """Return the tests whose answer is numbers."""
    found = (test for content in _functions(run) for test in content["tests"])
    return [test for test in found if test["result"] == "valid"]


def _entries(bound):
    """Return the numbers of a bound: of nested lists, or of several by name."""
    if isinstance(bound, dict):
        bound = list(bound.values())
    return [e for part in bound for e in _entries(part)] if isinstance(bound, list) else [bound]


def numbers(run):
    """Return the counts by name, and the median of all bounds."""
    counts = sum(map(_counted, _functions(run)), Counter())
    whole = {"tests": counts.total(), "functions": len(_functions(run)), **counts}
    bounds = [entry for test in _valid(run) for entry in _entries(test["ulp"])]
    return {name: f"{count:,}" for name, count in whole.items()} | {"median": f"{median(bounds):g}"}


def functions(run):
    """Return the functions, what each computes, and how many tests there are."""

    def count(result):
        return lambda content: f"{_counted(content)[result]:,}"

    return Table(_functions(run), [
        ("Function", lambda content: code(content["function"])),
        ("Statement", lambda content: reference(content["statement"])),
        ("Quantity", lambda content: content["quantity"]),
        *((result.capitalize(), count(result)) for result in RESULTS),
    ], kind="")  # fmt: skip


def flags(run):
    """Return the flags, what is wrong, what comes of it, and how many valid tests have each."""
    said = {name: flag for content in _functions(run) for name, flag in content["flags"].items()}
    found = Counter(name for test in _valid(run) for name in test["flags"])
    return Table(sorted(said), [
        ("Flag", code),
        ("What is wrong", lambda name: said[name]["description"]),
        ("What comes of it", lambda name: said[name]["effect"]),
        ("Tests", lambda name: f"{found[name]:,}"),
    ], kind="")  # fmt: skip
