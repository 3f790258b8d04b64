"""Stored runs on the pages: tables, numbers and sentences from a file that a benchmark has written.

``{run-table} accuracy.json errors`` shows what ``errors(run)`` of ``docs/_runs/accuracy.py`` makes of
the file, a `Table` or a text; more words are more arguments. ``{run}`accuracy.json seed` `` is the
entry ``seed`` of its ``numbers(run)``; every run has ``date`` and ``versions``. The file is in
``benchmarks/results``, or is named by its path from the root of the project; of a folder, the run is
all of its files. Nothing is measured in the build.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html, power
from .indexes import cells, table
from .records import ROOT, loaded

FOLDER, RESULTS = ROOT / "docs/_runs", ROOT / "benchmarks/results"
SPACE, DASH = "\N{NO-BREAK SPACE}", "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """A table as data: for each column its heading, and what it says of a row.

    That is a text, nodes, or None where there is nothing to say. Columns after the first are
    `numbers` unless that is False; rows with the same `group` that follow one another stand under
    that heading.
    """

    rows: Sequence
    columns: Sequence[tuple[str, Callable]]
    numbers: bool = True
    group: Callable | None = None

    def node(self):
        """Return the table."""
        rows = []
        for heading, group in groupby(self.rows, self.group or (lambda row: None)):
            if heading is not None:
                across = html("th", heading, colspan=str(len(self.columns)), scope="rowgroup")
                rows.append(html("tr", across))
            rows += [cells("td", *(cell(says(row)) for _, says in self.columns)) for row in group]
        heads = [head for head, _ in self.columns]
        return table(heads, rows, *(["numbers"] if self.numbers else []))


def cell(said):
    """Return the nodes of a cell."""
    if said is None or isinstance(said, str):
        return [nodes.Text(DASH if said is None else said)]
    return said if isinstance(said, list) else [said]


def code(text):
    """Return a text as code, which may break after a dot or an underscore."""
    return html("code", text, classes=["literal"])


def duration(seconds):
    """Return a time with three digits, in a unit that fits."""
    for unit, least in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= least:
            return f"{seconds / least:.3g}{SPACE}{unit}"
    return f"{1e6 * seconds:.3g}{SPACE}µs"


def size(count):
    """Return a number of bytes with three digits, in a unit that fits."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:.3g}{SPACE}{unit}"
    return f"{count} bytes"


def ulps(error):
    """Return an error as text: two decimals, or a power of ten, and no digit beyond 2^52."""
    error = float(error)  # JSON has no infinity: it is the text inf
    if error == float("inf"):
        return "not finite"
    return f"{error:.2f}" if error < 100 else f"{error:.0f}" if error < 1e4 else power(error)


def minus(text):
    """Return a number as text with a minus sign that is one."""
    return text.replace("-", "\N{MINUS SIGN}")


def versions(run):
    """Return what was measured with which version."""
    return ", ".join(f"{name} {version}" for name, version in run["versions"].items())


def numbers(module, run):
    """Return the numbers of a run by name: date and versions, and those of its module."""
    own = module.numbers(run) if hasattr(module, "numbers") else {}
    return own if isinstance(run, list) else {"date": run["date"], "versions": versions(run), **own}


def places(file):
    """Return where a run is stored: in one file, or in all of a folder."""
    path = ROOT / file if "/" in file else RESULTS / file
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def stored(file):
    """Return a run, that of a folder as a list."""
    contents = [loaded(path) for path in places(file)]
    return contents[0] if file.endswith(".json") else contents


def described(env, file):
    """Return the module that describes the tables of a run; its page depends on both."""
    stem = Path(file).stem
    if not (FOLDER / f"{stem}.py").exists():
        raise ValueError(f"{file}: docs/_runs/{stem}.py, which describes its tables, is missing")
    module = importlib.import_module(f"_runs.{stem}")
    for path in (
        *places(file),
        FOLDER / f"{stem}.py",
        *(ROOT / f for f in vars(module).get("INPUTS", ())),
    ):
        env.note_dependency(str(path))
    return module


def choice(file, known, name):
    """Return one of the things that a run has by name."""
    if name not in known:
        raise ValueError(f"{file} has no {name!r}; it has {', '.join(sorted(known))}")
    return known[name]


def tables(module):
    """Return the functions of a module that make tables and texts, by name."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {
        name: function for name, function in own.items()
        if callable(function) and function.__module__ == module.__name__ and name != "numbers"
    }  # fmt: skip


class Number(SphinxRole):
    """``{run}`file.json name` ``: a number of the run, or a text."""

    def run(self):
        """Return it."""
        file, _, name = self.text.partition(" ")
        try:
            module = described(self.env, file)
            text = choice(file, numbers(module, stored(file)), name)
        except ValueError as error:
            return [], [self.inliner.reporter.error(str(error))]
        return [nodes.inline("", text, classes=["number"])], []


class RunTable(SphinxDirective):
    """``{run-table} file.json name``: a table of the run, or a text; more words are its arguments."""

    required_arguments = 2
    optional_arguments = 9

    def run(self):
        """Return it."""
        file, name, *arguments = self.arguments
        try:
            make = choice(file, tables(described(self.env, file)), name)
            made = make(stored(file), *arguments)
        except ValueError as error:
            raise self.error(str(error)) from error
        return [
            part.node() if isinstance(part, Table)
            else nodes.paragraph("", part) if isinstance(part, str) else part
            for part in (made if isinstance(made, list) else [made])
        ]  # fmt: skip


def setup(app):
    """Register role and directive."""
    app.add_role("run", Number())
    app.add_directive("run-table", RunTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
