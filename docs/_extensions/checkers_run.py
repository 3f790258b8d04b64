"""The stored run of ``python -m benchmarks.doctor``: gradient checkers side by side.

``{checkers-run}`name` `` is a number, ``{checkers-table}`` has one line for each tool,
``{checkers-families}`` one for each family of layers, and ``{checkers-names}`` folds up which
entries each tool gets wrong.
"""

import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html
from .indexes import cells, table
from .records import ROOT

RUN = "benchmarks/results/doctor.json"
TOOLS = {
    "ours": "this project",
    "torch": "PyTorch gradcheck",
    "jax": "JAX check_grads",
    "autograd": "autograd check_grads",
    "scipy": "SciPy check_grad",
}


def run():
    """Return the stored run."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def seconds(value):
    """Return a time in milliseconds or seconds."""
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"


def share(part, whole):
    """Return a share in percent."""
    return f"{100 * part / whole:.1f} %"


def numbers():
    """Return what the role prints, by name."""
    found = run()
    ours, wrong = found["tools"]["ours"], sum(found["wrong"].values())
    return {
        "date": found["date"],
        "machine": f"{found['machine']['processor']}, {found['machine']['processors']} cores",
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "right": str(sum(found["right"].values())),
        "wrong": str(wrong),
        "random": str(found["random"]),
        "cause_right": str(len(ours["cause_right"])),
        "cause_share": share(len(ours["cause_right"]), wrong),
        "cause_none": str(len(ours["cause_none"])),
        "cause_misleading": str(len(ours["cause_misleading"])),
        "random_false_alarms": str(len(ours["random"]["false_alarms"])),
        "random_cannot_tell": str(len(ours["random"]["cannot_tell"])),
        "scipy_tolerance": f"{found['scipy_tolerance']:g}",
        "large": str(found["large"]),
    }


def row(name, *contents):
    """Return a row of numbers behind a name."""
    return cells(
        "td", [nodes.Text(name)], *([html("span", n, classes=["number"])] for n in contents)
    )


def tools():
    """Return what each tool finds, where it gives false alarms, and its time."""
    found = run()
    right, wrong = (sum(found[which].values()) for which in ("right", "wrong"))
    rows = [
        row(
            name,
            f"{wrong - len(it['missed'])} of {wrong}",
            f"{len(it['false_alarms'])} of {right}",
            f"{len(it['random']['false_alarms'])} of {found['random']}",
            seconds(it["median_seconds"]),
            seconds(it["most_seconds"]),
        )
        for tool, name in TOOLS.items()
        for it in [found["tools"][tool]]
    ]
    heads = ("Tool", "wrong, found", "right, called wrong", "right at random, called wrong",
             "median time", "longest time")  # fmt: skip
    return [table(heads, rows, "numbers")]


def families():
    """Return what is found of each family of layers, and how many causes are named right."""
    found = run()
    by_tool = {tool: found["tools"][tool]["families"] for tool in TOOLS}
    rows = [
        row(
            family,
            str(wrong),
            str(by_tool["ours"][family]["cause_right"]),
            *(str(by_tool[tool][family]["missed"]) for tool in TOOLS),
        )
        for family, wrong in found["wrong"].items()
    ]
    heads = (
        "Family",
        "wrong",
        "cause named right",
        *(f"missed: {name}" for name in TOOLS.values()),
    )
    return [table(heads, rows, "numbers")]


def listed(label, names):
    """Return names behind a label, or nothing."""
    return [nodes.paragraph("", f"{label}: {'; '.join(names)}.")] if names else []


def which():
    """Return for each tool what it gets wrong, folded up."""
    found = run()
    return [
        html(
            "details",
            html("summary", name),
            *listed("Missed", it["missed"]),
            *listed("Right, called wrong", it["false_alarms"]),
            *listed(
                "Right at random, called wrong", it["random"]["false_alarms"] * (tool == "ours")
            ),
            *listed("No cause named", it["cause_none"] * (tool == "ours")),
            *listed("A cause that misleads", it["cause_misleading"]),
        )
        for tool, name in TOOLS.items()
        for it in [found["tools"][tool]]
    ]


DIRECTIVES = {
    "checkers-table": tools,
    "checkers-families": families,
    "checkers-names": which,
}


class Number(SphinxRole):
    """``{checkers-run}`name` ``: a number of the run."""

    def run(self):
        """Return the number."""
        self.env.note_dependency(str(ROOT / RUN))
        if self.text not in numbers():
            message = self.inliner.reporter.error(f"the run has no number {self.text!r}")
            return [], [message]
        return [nodes.inline("", numbers()[self.text], classes=["number"])], []


class Show(SphinxDirective):
    """A table, as the stored run has it."""

    def run(self):
        """Return the nodes."""
        self.env.note_dependency(str(ROOT / RUN))
        return DIRECTIVES[self.name]()


def setup(app):
    """Register role and directives."""
    app.add_role("checkers-run", Number())
    for name in DIRECTIVES:
        app.add_directive(name, Show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
