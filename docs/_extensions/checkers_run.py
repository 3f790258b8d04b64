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
    ours = found["tools"]["ours"]
    at_random = found["random"]["tools"]["ours"]
    return {
        "date": found["date"],
        "machine": f"{found['machine']['processor']}, {found['machine']['processors']} cores",
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "right": str(found["right"]),
        "wrong": str(found["wrong"]),
        "random": str(found["random"]["cases"]),
        "found": str(found["wrong"] - len(ours["missed"])),
        "missed": str(len(ours["missed"])),
        "cause_right": str(len(ours["cause_right"])),
        "cause_share": share(len(ours["cause_right"]), found["wrong"]),
        "cause_none": str(len(ours["cause_none"])),
        "cause_misleading": str(len(ours["cause_misleading"])),
        "false_alarms": str(len(ours["false_alarms"])),
        "random_false_alarms": str(len(at_random["false_alarms"])),
        "random_cannot_tell": str(len(at_random["cannot_tell"])),
        "scipy_tolerance": f"{found['scipy_tolerance']:g}",
        "large": str(found["large"]),
    }


def row(*contents):
    """Return a row of numbers behind a name."""
    name, *rest = contents
    return cells("td", [nodes.Text(name)], *([html("span", n, classes=["number"])] for n in rest))


def tools():
    """Return what each tool finds, where it gives false alarms, and its time."""
    found = run()
    rows = []
    for tool, name in TOOLS.items():
        it, other = found["tools"][tool], found["random"]["tools"][tool]
        rows.append(row(
            name, str(found["wrong"] - len(it["missed"])), str(len(it["missed"])),
            str(len(it["false_alarms"])),
            share(len(other["false_alarms"]), found["random"]["cases"]),
            seconds(it["median_seconds"]), seconds(it["most_seconds"]),
        ))  # fmt: skip
    heads = (f"{found['wrong']} wrong, {found['right']} right", "found", "missed",
             "right, called wrong", "right at random, called wrong", "median time",
             "longest time")  # fmt: skip
    return [table(heads, rows, "numbers")]


def families():
    """Return what is found of each family of layers, and how many causes are named right."""
    found = run()["families"]
    rows = [
        row(name, str(it["wrong"]), str(it["cause_right"]),
            *(str(it["missed"][tool]) for tool in TOOLS))
        for name, it in found.items()
    ]  # fmt: skip
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
            *listed("No cause named", it.get("cause_none", [])),
            *listed("A cause that misleads", it.get("cause_misleading", [])),
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
