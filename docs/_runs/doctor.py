"""The run of ``python -m benchmarks.doctor``: gradient checkers side by side."""

from _extensions.elements import folded
from _extensions.tables import Table, duration
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
    wrong, named = sum(run["wrong"].values()), len(run["tools"]["ours"]["cause_right"])
    return {
        "right": str(sum(run["right"].values())),
        "wrong": str(wrong),
        "cause_share": f"{100 * named / wrong:.1f} %",
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
        folded(
            name,
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
