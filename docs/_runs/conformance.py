"""The run of ``python -m benchmarks.conformance``: the test vectors on implementations."""

from _extensions.elements import folded, verbatim
from _extensions.tables import Table, code, counted, ulps
from docutils import nodes

_ACCEPTED = "accepted: "


def _error(ulp):
    """Return an error as text."""
    return "" if ulp is None else ulps(float(ulp))


def _failed(one):
    """Return how many tests an implementation failed."""
    return sum(one["faults"].values())


def _accepted(one):
    """Return how many invalid inputs were accepted."""
    return sum(count for fault, count in one["faults"].items() if fault.startswith(_ACCEPTED))


def _beyond(one):
    """Return how many errors were above the bound."""
    return one["faults"].get("digits", 0) + one["faults"].get("not finite", 0)


def summary(run):
    """Return for each implementation how many tests passed, and how the others failed."""
    return Table(run["implementations"], [
        ("Implementation", lambda one: f"{one['name']} {one['version']}"),
        ("Passed", lambda one: f"{one['passed']:,}"),
        ("Error above the bound", lambda one: f"{_beyond(one):,}"),
        ("of these, half of the digits or more", lambda one: f"{one['digits lost']:,}"),
        ("Accepted what is to be refused", lambda one: f"{_accepted(one):,}"),
        ("Other failures", lambda one: f"{_failed(one) - _accepted(one) - _beyond(one):,}"),
        ("Not there", lambda one: f"{one['unsupported']:,}"),
    ])  # fmt: skip


def functions(run):
    """Return for each function and implementation: passed of tried, and the largest error."""
    found = run["implementations"]

    def of(one):
        def says(name):
            counts = one["functions"].get(name, {"passed": 0, "failed": 0, "ulp": None})
            tried = counts["passed"] + counts["failed"]
            worst = f"; {_error(counts['ulp'])}" if counts["ulp"] is not None else ""
            return f"{counts['passed']}/{tried}{worst}" if tried else None

        return says

    names = sorted({name for one in found for name in one["functions"]})
    return Table(names, [
        ("Passed of tried; largest error in ulp", code),
        *((one["name"], of(one)) for one in found),
    ])  # fmt: skip


def failures(run):
    """Return for each implementation its kinds of failures, folded up."""
    return [
        folded(
            f"{one['name']} {one['version']}: {_failed(one)} failures",
            *(node for kind in one["failures"] for node in _failure(kind)),
            *(nodes.paragraph("", f"The program {remark}.") for remark in one["remarks"]),
        )
        for one in run["implementations"]
        if one["failures"] or one["remarks"]
    ]


def _failure(kind):
    """Return one kind of failure: functions, flags, count, what was said, and how to see it."""
    names, count = kind["functions"], len(kind["tests"])
    where = [code(names[0])] if len(names) == 1 else [nodes.Text(f"{len(names)} functions")]
    flagged = f", flags {', '.join(kind['flags'])}" if kind["flags"] else ""
    bug = f" A known bug gives the same: {kind['bug']}." if kind["bug"] else ""
    largest = f", largest error {_error(kind['ulp'])} ulp" if kind["ulp"] is not None else ""
    words = f": {counted(count, 'test')}, {kind['fault']}{largest}{flagged}. "
    said = f"{kind['example']}: {kind['said']}.{bug}"
    return [nodes.paragraph("", "", *where, nodes.Text(words + said)),
            verbatim(text=kind["reproduce"])]  # fmt: skip


def flags(run):
    """Return what the flags mean, for the flags of some failure."""
    used = {flag for one in run["implementations"] for k in one["failures"] for flag in k["flags"]}
    return Table([flag for flag in run["flags"] if flag in used], [
        ("Flag", code),
        ("The bug that the test looks for", lambda flag: run["flags"][flag]["description"]),
        ("Effect of the bug", lambda flag: run["flags"][flag]["effect"]),
    ], kind="")  # fmt: skip
