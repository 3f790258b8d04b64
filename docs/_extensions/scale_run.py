"""The stored run of ``benchmarks.scale``: ``{scale}`name` `` is a number, ``{scale-table}`` a table.

Nothing is measured in the build: every number is read from ``benchmarks/results/scale.json``.
"""

import json
from functools import cache

from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html, power
from .indexes import cells, table
from .records import ROOT

RESULT = ROOT / "benchmarks" / "results" / "scale.json"

PASSES = {
    "read": "reading, and nothing else",
    "nll_and_gradient": "NLL and gradient",
    "nll_hvp": "Hessian-vector product",
    "nll_hessian": "Hessian",
}


@cache
def loaded(_modified):
    """Return the run; once for each version of the file."""
    return json.loads(RESULT.read_text(encoding="utf-8"))


def run():
    """Return the run."""
    return loaded(RESULT.stat().st_mtime_ns)


def size(count):
    """Return a number of bytes in a unit that fits."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:.3g} {unit}"
    return f"{count} bytes"


def duration(seconds):
    """Return a time in seconds or milliseconds."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.0f} ms"


def numbers():
    """Return the numbers that the page prints, as text."""
    found = run()
    machine, versions, workers = found["machine"], found["versions"], found["workers"]
    file, killed = found["file"], workers["killed"]
    rates = {row["pass"]: row for row in file["rates"]}
    few = min(workers["overhead"], key=lambda row: row["chunks"])
    many = max(workers["overhead"], key=lambda row: row["chunks"])
    return {
        "date": found["date"],
        "machine": f"{machine['processor']}, {machine['cores']} cores",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "blas": f"{found['blas']['internal_api']} {found['blas']['version']} "
        f"({found['blas']['architecture']} kernel)",
        "columns": str(found["columns"]),
        "size": size(file["bytes"]),
        "rows": f"{file['rows']:,}",
        "of_the_disk": f"{rates['nll_and_gradient']['disk'] / rates['read']['disk']:.2f}",
        "fit_seconds": duration(file["fit"]["seconds"]),
        "fit_steps": str(file["fit"]["steps"]),
        "fit_passes": str(file["fit"]["passes"]),
        "fit_gradient": power(file["fit"]["relative_gradient"]),
        "worker_rows": f"{workers['rows']:,}",
        "few_chunks": str(few["chunks"]),
        "few_ratio": f"{few['workers'] / few['one_process']:.2f}",
        "many_chunks": f"{many['chunks']:,}",
        "task": duration((many["workers"] - few["workers"]) / (many["chunks"] - few["chunks"])),
        "array_ratio": f"{many['dask_array'] / many['workers']:.1f}",
        "killed_chunks": str(killed["chunks"]),
        "killed_steps": str(killed["steps"]),
        "undisturbed": duration(killed["undisturbed"]),
        "killed": duration(killed["killed"]),
    }


def rates_table():
    """Return the rates of the passes over a file."""
    heads = ("A pass over the file", "From the disk, GB/s", "From the page cache, GB/s")
    return heads, [
        (PASSES[row["pass"]], f"{row['disk']:.2f}", f"{row['page_cache']:.2f}")
        for row in run()["file"]["rates"]
    ]


def memory_table():
    """Return the memory of passes over more and more of the file."""
    names = [name for name in PASSES if name != "read"]
    return ("Data", *(PASSES[name] for name in names)), [
        (size(row["bytes"]), *(size(row[name]) for name in names))
        for row in run()["file"]["memory"]
    ]


def overhead_table():
    """Return the times of value and gradient by chunks."""
    heads = ("Chunks", "Block function on two workers", "In one process", "Dask array expression")
    return heads, [
        (
            f"{row['chunks']:,}",
            *(duration(row[name]) for name in ("workers", "one_process", "dask_array")),
        )
        for row in run()["workers"]["overhead"]
    ]


TABLES = {"rates": rates_table, "memory": memory_table, "overhead": overhead_table}


class ScaleRole(SphinxRole):
    """``{scale}`name` ``: a number of the run."""

    def run(self):
        """Return the number."""
        self.env.note_dependency(str(RESULT))
        known = numbers()
        if self.text not in known:
            message = self.inliner.reporter.error(f"the run has no number {self.text!r}")
            return [], [message]
        return [html("span", known[self.text], classes=["number"])], []


class ScaleTable(SphinxDirective):
    """``{scale-table} rates``, ``memory`` or ``overhead``."""

    required_arguments = 1

    def run(self):
        """Return the table."""
        self.env.note_dependency(str(RESULT))
        if self.arguments[0] not in TABLES:
            raise self.error(f"the run has no table {self.arguments[0]!r}")
        heads, rows = TABLES[self.arguments[0]]()
        rows = [
            cells("td", [first], *([html("span", cell, classes=["number"])] for cell in rest))
            for first, *rest in rows
        ]
        return [table(heads, rows, "numbers")]


def setup(app):
    """Register role and directive."""
    app.add_role("scale", ScaleRole())
    app.add_directive("scale-table", ScaleTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
