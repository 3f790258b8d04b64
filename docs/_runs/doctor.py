"""The run of ``python -m benchmarks.doctor``: gradient checkers side by side."""

from _extensions.elements import html
from _extensions.runs import Table, duration, versions
from docutils import nodes

_TOOLS = {
    "ours": "this project",
    "torch": "PyTorch gradcheck",
    "jax": "JAX check_grads",
    "autograd": "autograd check_grads",
    "scipy": "SciPy check_grad",
}


def _share(part, whole):
    """Return a share in percent."""
    return f"{100 * part / whole:.1f} %"


def numbers(run):
    """Return the numbers by name."""
    ours = run["tools"]["ours"]
    at_random = run["random"]["tools"]["ours"]
    return {
        "date": run["date"],
        "machine": f"{run['machine']['processor']}, {run['machine']['processors']} cores",
        "versions": versions(run),
        "right": str(run["right"]),
        "wrong": str(run["wrong"]),
        "random": str(run["random"]["cases"]),
        "found": str(run["wrong"] - len(ours["missed"])),
        "missed": str(len(ours["missed"])),
        "cause_right": str(len(ours["cause_right"])),
        "cause_share": _share(len(ours["cause_right"]), run["wrong"]),
        "cause_none": str(len(ours["cause_none"])),
        "cause_misleading": str(len(ours["cause_misleading"])),
        "false_alarms": str(len(ours["false_alarms"])),
        "random_false_alarms": str(len(at_random["false_alarms"])),
        "random_cannot_tell": str(len(at_random["cannot_tell"])),
        "scipy_tolerance": f"{run['scipy_tolerance']:g}",
        "large": str(run["large"]),
    }


def tools(run):
    """Return what each tool finds, where it gives false alarms, and its time."""

    def at_random(tool):
        return len(run["random"]["tools"][tool]["false_alarms"])

    def of(tool):
        return run["tools"][tool]

    return Table(_TOOLS, [
        (f"{run['wrong']} wrong, {run['right']} right", _TOOLS.get),
        ("found", lambda tool: str(run["wrong"] - len(of(tool)["missed"]))),
        ("missed", lambda tool: str(len(of(tool)["missed"]))),
        ("right, called wrong", lambda tool: str(len(of(tool)["false_alarms"]))),
        ("right at random, called wrong",
         lambda tool: _share(at_random(tool), run["random"]["cases"])),
        ("median time", lambda tool: duration(of(tool)["median_seconds"])),
        ("longest time", lambda tool: duration(of(tool)["most_seconds"])),
    ])  # fmt: skip


def families(run):
    """Return what is found of each family of layers, and how many causes are named right."""

    def missed(tool):
        return lambda family: str(run["families"][family]["missed"][tool])

    return Table(run["families"], [
        ("Family", str),
        ("wrong", lambda family: str(run["families"][family]["wrong"])),
        ("cause named right", lambda family: str(run["families"][family]["cause_right"])),
        *((f"missed: {name}", missed(tool)) for tool, name in _TOOLS.items()),
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
            *_listed("Missed", found["missed"]),
            *_listed("Right, called wrong", found["false_alarms"]),
            *_listed("No cause named", found.get("cause_none", [])),
            *_listed("A cause that misleads", found.get("cause_misleading", [])),
        )
        for tool, name in _TOOLS.items()
        for found in [run["tools"][tool]]
    ]
