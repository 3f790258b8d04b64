"""The stored run of ``python -m benchmarks.conformance``: the test vectors on implementations.

``{conformance}`name` `` is a number, ``{conformance-table} summary``, ``functions`` and
``flags`` are tables, ``kernels`` is that of ``python -m benchmarks.kernels``, and
``{conformance-failures}`` has each kind of failure with a line that reproduces it.
"""

import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .accuracy_run import code, number, ulps
from .elements import html, verbatim
from .indexes import cells, table
from .records import ROOT

RUN = "benchmarks/results/conformance.json"
KERNELS = "benchmarks/results/kernels.json"
ACCEPTED = "accepted: "


def run():
    """Return the stored run."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def error(ulp):
    """Return an error as text."""
    return "" if ulp is None else ulps(float(ulp))


def failed(one):
    """Return how many tests an implementation failed."""
    return sum(one["faults"].values())


def numbers():
    """Return what the role prints, by name."""
    found = run()
    machine = found["machine"]
    return {
        "date": found["date"],
        "machine": f"{machine['processor']}, {machine['system']}",
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "tests": f"{found['vectors']['tests']:,}",
        "files": str(found["vectors"]["files"]),
        "functions": str(found["vectors"]["functions"]),
        "sha256": found["vectors"]["sha256"][:16],
        "implementations": str(len(found["implementations"])),
    }


def summary():
    """Return for each implementation how many tests passed, and how the others failed."""
    rows = []
    for one in run()["implementations"]:
        faults = one["faults"]
        accepted = sum(count for fault, count in faults.items() if fault.startswith(ACCEPTED))
        beyond = faults.get("digits", 0) + faults.get("not finite", 0)
        counts = (one["passed"], beyond, one["digits lost"], accepted,
                  failed(one) - accepted - beyond, one["unsupported"])  # fmt: skip
        rows.append(cells("td", [nodes.Text(one["name"])], [nodes.Text(one["version"])],
                          *([number(f"{count:,}")] for count in counts)))  # fmt: skip
    heads = ("Implementation", "Version", "Passed", "Error above the bound",
             "of these, half of the digits or more", "Accepted what is to be refused",
             "Other failures", "Not there")  # fmt: skip
    return table(heads, rows, "numbers")


def functions():
    """Return for each function and implementation: passed of tried, and the largest error."""
    found = run()["implementations"]
    names = sorted({name for one in found for name in one["functions"]})
    rows = []
    for name in names:
        shown = []
        for one in found:
            counts = one["functions"].get(name, {"passed": 0, "failed": 0, "ulp": None})
            tried = counts["passed"] + counts["failed"]
            worst = f"; {error(counts['ulp'])}" if counts["ulp"] is not None else ""
            shown.append([number(f"{counts['passed']}/{tried}{worst}" if tried else "")])
        rows.append(cells("td", [code(name)], *shown))
    return table(("Passed of tried; largest error in ulp", *(one["name"] for one in found)), rows,
                 "numbers")  # fmt: skip


def failures():
    """Return for each implementation its kinds of failures, folded up."""
    return [
        html(
            "details",
            html("summary", f"{one['name']} {one['version']}: {failed(one)} failures"),
            *(node for kind in one["failures"] for node in failure(kind)),
            *(nodes.paragraph("", f"The program {remark}.") for remark in one["remarks"]),
        )
        for one in run()["implementations"]
        if one["failures"] or one["remarks"]
    ]


def failure(kind):
    """Return one kind of failure: functions, flags, count, what was said, and how to see it."""
    names, count = kind["functions"], len(kind["tests"])
    where = [code(names[0])] if len(names) == 1 else [nodes.Text(f"{len(names)} functions")]
    flags = f", flags {', '.join(kind['flags'])}" if kind["flags"] else ""
    bug = f" A known bug gives the same: {kind['bug']}." if kind["bug"] else ""
    largest = f", largest error {error(kind['ulp'])} ulp" if kind["ulp"] is not None else ""
    words = f": {count} test{'' if count == 1 else 's'}, {kind['fault']}{largest}{flags}. "
    said = f"{kind['example']}: {kind['said']}.{bug}"
    return [nodes.paragraph("", "", *where, nodes.Text(words + said)),
            verbatim(text=kind["reproduce"])]  # fmt: skip


def flags():
    """Return what the flags mean, for the flags of some failure."""
    found = run()
    used = {
        flag for one in found["implementations"] for k in one["failures"] for flag in k["flags"]
    }
    rows = [
        cells("td", [code(flag)], [nodes.Text(said["description"])], [nodes.Text(said["effect"])])
        for flag, said in found["flags"].items()
        if flag in used
    ]
    return table(("Flag", "What the test looks for", "Effect of a failure"), rows)


def kernels():
    """Return of kernels in low precision which part of their bounds they use."""
    rows = []
    for row in json.loads((ROOT / KERNELS).read_text(encoding="utf-8"))["rows"]:
        case = row["case"]
        size = f"{case['name']}, {case['N']} × {case['d']}, {case['K']:,} classes"
        parts = [
            max(row[kind][part] for part in ("loss", "E", "C")) for kind in ("worst", "likely")
        ]
        rows.append(cells("td", [nodes.Text(size)], [nodes.Text(row["format"])],
                          [nodes.Text(row["kernel"])],
                          *([number(f"{part:.2f}")] for part in parts),
                          [number(f"{min(row['of zero'][p] for p in ('E', 'C')):.2g}")]))  # fmt: skip
    heads = ("Case", "Format", "Kernel", "Part of the worst case", "of the likely bound",
             "A zero gradient: of the worst case")  # fmt: skip
    return table(heads, rows, "numbers")


TABLES = {"summary": summary, "functions": functions, "flags": flags, "kernels": kernels}


class Number(SphinxRole):
    """``{conformance}`name` ``: a number of the run."""

    def run(self):
        """Return the number."""
        self.env.note_dependency(str(ROOT / RUN))
        if self.text not in numbers():
            message = self.inliner.reporter.error(f"the run has no number {self.text!r}")
            return [], [message]
        return [nodes.inline("", numbers()[self.text], classes=["number"])], []


class Table(SphinxDirective):
    """``{conformance-table} name``: a table of the run."""

    required_arguments = 1

    def run(self):
        """Return the table."""
        for file in (RUN, KERNELS):
            self.env.note_dependency(str(ROOT / file))
        if self.arguments[0] not in TABLES:
            raise self.error(f"no table {self.arguments[0]!r}; there are {', '.join(TABLES)}")
        return [TABLES[self.arguments[0]]()]


class Failures(SphinxDirective):
    """``{conformance-failures}``: the failures of the run."""

    def run(self):
        """Return the failures, folded up."""
        self.env.note_dependency(str(ROOT / RUN))
        return failures()


def setup(app):
    """Register role and directives."""
    app.add_role("conformance", Number())
    app.add_directive("conformance-table", Table)
    app.add_directive("conformance-failures", Failures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
