"""The files of test vectors as tables and numbers.

``{vectors}`name` `` prints a count: ``tests``, ``functions``, ``valid``, ``invalid``, ``wrong``, or the
``median`` of all bounds. ``{vectors-table} functions`` lists the functions with the number of their
tests, ``flags`` the flags with what they mean.
"""

import json
from collections import Counter
from functools import cache
from statistics import median

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .downloads import VECTORS
from .indexes import cells, table

RESULTS = ("valid", "invalid", "wrong")


@cache
def files():
    """Return the content of each file, by statement."""
    contents = (json.loads(path.read_text(encoding="utf-8")) for path in VECTORS.glob("*.*.json"))
    return {content["statement"]: content for content in sorted(contents, key=_statement)}


def _statement(content):
    return content["statement"]


def counted(content):
    """Return how many tests of a file have each result."""
    return Counter(test["result"] for test in content["tests"])


def entries(bound):
    """Return the numbers of a bound: of nested lists, or of several by name."""
    if isinstance(bound, dict):
        bound = list(bound.values())
    return [e for part in bound for e in entries(part)] if isinstance(bound, list) else [bound]


@cache
def numbers():
    """Return what the role prints, by name."""
    counts = sum(map(counted, files().values()), Counter())
    bounds = [
        entry
        for content in files().values()
        for test in content["tests"]
        if test["result"] == "valid"
        for entry in entries(test["ulp"])
    ]
    whole = {"tests": counts.total(), "functions": len(files()), **counts}
    return {name: f"{count:,}" for name, count in whole.items()} | {"median": f"{median(bounds):g}"}


def flags():
    """Return each flag with what it says and how many valid tests have it, by name."""
    said = {}
    for content in files().values():
        for name, flag in content["flags"].items():
            said[name] = flag
    found = Counter(
        name
        for content in files().values()
        for test in content["tests"]
        if test["result"] == "valid"
        for name in test["flags"]
    )
    return {name: (said[name], found[name]) for name in sorted(said)}


class Number(SphinxRole):
    """``{vectors}`name` ``: a count of the vectors."""

    def run(self):
        """Return the number as text."""
        return [nodes.Text(numbers()[self.text])], []


class Table(SphinxDirective):
    """``{vectors-table} name``: the functions, or the flags."""

    required_arguments = 1

    def run(self):
        """Return the table."""
        return [{"functions": self.functions, "flags": self.flags}[self.arguments[0]]()]

    def functions(self):
        """Return the functions, what each computes, and how many tests there are."""
        rows = []
        for statement, content in files().items():
            counts = counted(content)
            link = self.parse_inline(f"{{st}}`{statement}`")[0]
            rows.append(
                cells(
                    "td",
                    [nodes.literal("", content["function"])],
                    link,
                    [nodes.Text(content["quantity"])],
                    *([nodes.Text(f"{counts[result]:,}")] for result in RESULTS),
                )
            )
        return table(
            ["Function", "Statement", "Quantity", *(r.capitalize() for r in RESULTS)], rows
        )

    def flags(self):
        """Return the flags, what is wrong, and what comes of it."""
        rows = [
            cells(
                "td",
                [nodes.literal("", name)],
                [nodes.Text(flag["description"])],
                [nodes.Text(flag["effect"])],
                [nodes.Text(f"{count:,}")],
            )
            for name, (flag, count) in flags().items()
        ]
        return table(["Flag", "What is wrong", "What comes of it", "Tests"], rows)


def setup(app):
    """Register the role and the directive."""
    app.add_role("vectors", Number())
    app.add_directive("vectors-table", Table)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
