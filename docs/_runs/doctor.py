"""The run of ``python -m benchmarks.doctor``: gradient checkers side by side."""

from _extensions.elements import html
from _extensions.runs import Table, duration
from docutils import nodes

_TOOLS = {
    "ours": "this project",
    "torch": "PyTorch gradcheck",
    "jax": "JAX check_grads",
    "autograd": "autograd check_grads",
    "scipy": "SciPy check_grad",
}


def numbers(run):
    """Return the numbers by name."""
    ours, wrong = run["tools"]["ours"], sum(run["wrong"].values())
    return {
        "machine": f"{run['machine']['processor']}, {run['machine']['processors']} cores",
        "right": str(sum(run["right"].values())),
        "wrong": str(wrong),
        "random": str(run["random"]),
        "cause_right": str(len(ours["cause_right"])),
        "cause_share": f"{100 * len(ours['cause_right']) / wrong:.1f} %",
        "cause_none": str(len(ours["cause_none"])),
        "cause_misleading": str(len(ours["cause_misleading"])),
        "random_false_alarms": str(len(ours["random"]["false_alarms"])),
        "random_cannot_tell": str(len(ours["random"]["cannot_tell"])),
        "scipy_tolerance": f"{run['scipy_tolerance']:g}",
        "large": str(run["large"]),
    }


def tools(run):
    """Return what each tool finds, where it gives false alarms, and its time."""
    right, wrong = (sum(run[which].values()) for which in ("right", "wrong"))

    def says(of):
        return lambda tool: of(run["tools"][tool])

    return Table(_TOOLS, [
        ("Tool", _TOOLS.get),
        ("wrong, found", says(lambda it: f"{wrong - len(it['missed'])} of {wrong}")),
        ("right, called wrong", says(lambda it: f"{len(it['false_alarms'])} of {right}")),
        ("right at random, called wrong",
         says(lambda it: f"{len(it['random']['false_alarms'])} of {run['random']}")),
        ("median time", says(lambda it: duration(it["median_seconds"]))),
        ("longest time", says(lambda it: duration(it["most_seconds"]))),
    ])  # fmt: skip


def families(run):
    """Return what is found of each family of layers, and how many causes are named right."""

    def of(tool, what):
        return lambda family: str(run["tools"][tool]["families"][family][what])

    return Table(run["wrong"], [
        ("Family", str),
        ("wrong", lambda family: str(run["wrong"][family])),
        ("cause named right", of("ours", "cause_right")),
        *((f"missed: {name}", of(tool, "missed")) for tool, name in _TOOLS.items()),
    ])  # fmt: skip


def _listed(label, names):
    """Return names behind a label, or nothing."""
    return [nodes.paragraph("", f"{label}: {'; '.join(names)}.")] if names else []


def which(run):
    """Return for each tool what it gets wrong, folded up."""
    return [
        html(
            "details",
            html("summary", name),
            *_listed("Missed", it["missed"]),
            *_listed("Right, called wrong", it["false_alarms"]),
            *_listed(
                "Right at random, called wrong", it["random"]["false_alarms"] * (tool == "ours")
            ),
            *_listed("No cause named", it["cause_none"] * (tool == "ours")),
            *_listed("A cause that misleads", it["cause_misleading"]),
        )
        for tool, name in _TOOLS.items()
        for it in [run["tools"][tool]]
    ]
