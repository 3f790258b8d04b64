"""The stored run of ``python -m benchmarks.derive``: our derivatives beside those of tensorgrad.

``{derive-run}`name` `` is a number, ``{derive-run-table}`` has times, sizes and errors, and
``{derive-run-outputs}`` folds up what each gives.
"""

import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html, power, verbatim
from .indexes import cells, displayed, table
from .records import ROOT

RUN = "benchmarks/results/derive.json"


def run():
    """Return the stored run."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def name(row):
    """Return a forward pass and its variable as they are given on the command line."""
    return f"{row['file']}.py --by {row['by']}"


def seconds(times):
    """Return a time of the processor."""
    return f"{times['cpu']:.2f} s"


def total(row):
    """Return the seconds of the processor that ours takes, verification included."""
    return sum(times["cpu"] for times in row["ours"]["times"].values())


def numbers():
    """Return what the role prints, by name."""
    found = run()
    rows = found["passes"]
    both = [row for row in rows if row["tensorgrad"]["refused"] is None]
    slower = sorted(total(row) / row["tensorgrad"]["times"]["derive"]["cpu"] for row in rows)
    loads = [row["load"] for row in rows]
    wall = [t["wall"] / t["cpu"] for row in rows for t in row["ours"]["times"].values()]
    proved = [row for row in rows if row["ours"]["level"].startswith("proved")]
    longer = sorted(row["tensorgrad"]["characters"] / row["ours"]["characters"] for row in rows)
    return {
        "date": found["date"],
        "machine": f"{found['machine']['processor']}, {found['machine']['processors']} cores",
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "tensorgrad": found["versions"]["tensorgrad"],
        "torch": found["versions"]["torch"].partition("+")[0],
        "turns": "once" if found["turns"] == 1 else f"{found['turns']} times",
        "passes": str(len(rows)),
        "proved": str(len(proved)),
        "computed": str(len(both)),
        "least_load": f"{min(loads):.1f}",
        "most_load": f"{max(loads):.1f}",
        "wall": f"{max(wall):.1f}",
        "least_slower": f"{slower[0]:.0f}",
        "most_slower": f"{slower[-1]:.0f}",
        "least_longer": f"{longer[0]:.1f}",
        "most_longer": f"{longer[-1]:.1f}",
        "our_error": power(max(row["ours"]["relative_error"] for row in rows)),
        "their_error": power(max(row["tensorgrad"]["relative_error"] for row in both)),
        "refused": next(r["tensorgrad"]["refused"] for r in rows if r not in both).partition(". ")[
            0
        ],
    }


def times():
    """Return times, sizes and errors of each derivative."""
    rows = []
    for row in run()["passes"]:
        mine, theirs = row["ours"], row["tensorgrad"]
        error = theirs["relative_error"]
        numbers = (
            seconds(mine["times"]["derive"]), seconds(mine["times"]["verify"]),
            str(mine["lines"]), str(mine["characters"]), power(mine["relative_error"]),
            seconds(theirs["times"]["derive"]), str(theirs["lines"]), str(theirs["characters"]),
            "no code" if error is None else power(error),
        )  # fmt: skip
        rows.append(cells("td", [html("code", name(row), classes=["literal"])],
                          *([html("span", n, classes=["number"])] for n in numbers)))  # fmt: skip
    heads = ("Derivative", "Ours: derive", "verify", "lines of derivation", "characters of result",
             "error", "tensorgrad: derive", "lines of output", "characters", "error")  # fmt: skip
    return table(heads, rows, "numbers")


def outputs():
    """Return for each derivative what each gives, folded up."""
    return [
        html(
            "details",
            html("summary", name(row)),
            nodes.paragraph("", f"Ours, {row['ours']['level']}:"),
            displayed(row["ours"]["latex"]),
            nodes.paragraph("", "tensorgrad, in its index notation:"),
            verbatim(text=row["tensorgrad"]["text"]),
        )
        for row in run()["passes"]
    ]


class Number(SphinxRole):
    """``{derive-run}`name` ``: a number of the run."""

    def run(self):
        """Return the number."""
        self.env.note_dependency(str(ROOT / RUN))
        if self.text not in numbers():
            message = self.inliner.reporter.error(f"the run has no number {self.text!r}")
            return [], [message]
        return [nodes.inline("", numbers()[self.text], classes=["number"])], []


class Show(SphinxDirective):
    """``{derive-run-table}`` or ``{derive-run-outputs}``, as the stored run has it."""

    def run(self):
        """Return the nodes."""
        self.env.note_dependency(str(ROOT / RUN))
        return [times()] if self.name == "derive-run-table" else outputs()


def setup(app):
    """Register role and directives."""
    app.add_role("derive-run", Number())
    app.add_directive("derive-run-table", Show)
    app.add_directive("derive-run-outputs", Show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
