"""Stored runs on the pages: tables, numbers and sentences from a file that a benchmark has written.

``{run-table} accuracy.json errors`` shows what ``errors(run)`` of ``docs/_runs/accuracy.py`` makes of
the file, a `Table` or a text; more words are more arguments. ``{run}`scale.json file.rows:,` `` is the
number at that place of the file, as Python formats it by what follows the colon, or as one of
`FORMATS`; what has to be worked out is an entry of ``numbers(run)``. The file is in
``benchmarks/results``, or is named by its path from the root of the project; of a folder, the run is
all of its files. Nothing is measured in the build.
"""

import importlib
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from .elements import directive
from .records import ROOT, loaded
from .tables import Table, duration, power, size

FOLDER, RESULTS = ROOT / "docs/_runs", ROOT / "benchmarks/results"
FORMATS = {
    "count": lambda listed: f"{len(listed):,}",
    "duration": duration,
    "power": power,
    "size": size,
}


def numbers(module, run):
    """Return what is known of a run by name: what the file says, and what its module works out."""
    own = module.numbers(run) if hasattr(module, "numbers") else {}
    return own if isinstance(run, list) else {**run, **own}


def number(file, known, asked):
    """Return the text of a number, or of several by name: ``place.in.the.run:format``."""
    place, _, form = asked.partition(":")
    for key in place.split("."):
        if isinstance(known, list):
            known = {str(n): value for n, value in enumerate(known)}
        known = choice(file, known if isinstance(known, dict) else {}, key)
    if isinstance(known, dict):
        return ", ".join(f"{name} {value}" for name, value in known.items())
    return FORMATS[form](known) if form in FORMATS else format(known, form)


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
        raise ValueError(f"{file} has no {name!r}; it has {', '.join(known) or 'nothing'}")
    return known[name]


def tables(module):
    """Return the functions of a module that make tables and texts, by name."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {
        name: function for name, function in own.items()
        if callable(function) and function.__module__ == module.__name__ and name != "numbers"
    }  # fmt: skip


class Number(SphinxRole):
    """``{run}`file.json place:format` ``: a number of the run, or a text."""

    known = staticmethod(cache(lambda module, file: numbers(module, stored(file))))

    def run(self):
        """Return it."""
        file, _, asked = self.text.partition(" ")
        try:
            text = number(file, self.known(described(self.env, file), file), asked)
        except ValueError as error:
            return [], [self.inliner.reporter.error(str(error))]
        return [nodes.inline("", text, classes=["number"])], []


def run_table(page, file, name, *arguments):
    """``{run-table} file.json name``: a table of the run, or a text; more words are its arguments."""
    made = choice(file, tables(described(page.env, file)), name)(stored(file), *arguments)
    return [
        part.node() if isinstance(part, Table)
        else nodes.paragraph("", part) if isinstance(part, str) else part
        for part in (made if isinstance(made, list) else [made])
    ]  # fmt: skip


def setup(app):
    """Register role and directive."""
    app.add_role("run", Number())
    directive(app, "run-table", run_table, required_arguments=2, optional_arguments=9)
