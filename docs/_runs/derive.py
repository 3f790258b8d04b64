"""The run of ``python -m benchmarks.derive``: our derivatives beside those of tensorgrad."""

from _extensions.elements import folded, verbatim
from _extensions.tables import Table, code, displayed, power
from docutils import nodes


def _name(row):
    """Return a forward pass and its variable as they are given on the command line."""
    return f"{row['file']}.py --by {row['by']}"


def _cpu(*place):
    """Return what reads a time of the processor from a row."""

    def seconds(row):
        for key in place:
            row = row[key]
        return f"{row['cpu']:.2f} s"

    return seconds


def _slower(row):
    """Return how many times as long as tensorgrad ours takes, verification included."""
    ours = sum(times["cpu"] for times in row["ours"]["times"].values())
    return ours / row["tensorgrad"]["times"]["derive"]["cpu"]


def numbers(run):
    """Return the numbers by name."""
    rows = run["passes"]
    both = [row for row in rows if row["tensorgrad"]["refused"] is None]
    slower = [_slower(row) for row in rows]
    loads = [row["load"] for row in rows]
    wall = [t["wall"] / t["cpu"] for row in rows for t in row["ours"]["times"].values()]
    longer = [row["tensorgrad"]["characters"] / row["ours"]["characters"] for row in rows]
    refused = next(row["tensorgrad"]["refused"] for row in rows if row not in both)
    return {
        "torch": run["versions"]["torch"].partition("+")[0],
        "turns": "once" if run["turns"] == 1 else f"{run['turns']} times",
        "proved": str(sum(row["ours"]["level"].startswith("proved") for row in rows)),
        "least_load": f"{min(loads):.1f}",
        "most_load": f"{max(loads):.1f}",
        "wall": f"{max(wall):.1f}",
        "least_slower": f"{min(slower):.0f}",
        "most_slower": f"{max(slower):.0f}",
        "least_longer": f"{min(longer):.1f}",
        "most_longer": f"{max(longer):.1f}",
        "our_error": power(max(row["ours"]["relative_error"] for row in rows)),
        "their_error": power(max(row["tensorgrad"]["relative_error"] for row in both)),
        "refused": refused.partition(". ")[0],
    }


def times(run):
    """Return times, sizes and errors of each derivative."""

    def error(row):
        found = row["tensorgrad"]["relative_error"]
        return "no code" if found is None else power(found)

    return Table(run["passes"], [
        ("Derivative", lambda row: code(_name(row))),
        ("Ours: derive", _cpu("ours", "times", "derive")),
        ("verify", _cpu("ours", "times", "verify")),
        ("lines of derivation", lambda row: str(row["ours"]["lines"])),
        ("characters of result", lambda row: str(row["ours"]["characters"])),
        ("error", lambda row: power(row["ours"]["relative_error"])),
        ("tensorgrad: derive", _cpu("tensorgrad", "times", "derive")),
        ("lines of output", lambda row: str(row["tensorgrad"]["lines"])),
        ("characters", lambda row: str(row["tensorgrad"]["characters"])),
        ("error", error),
    ])  # fmt: skip


def outputs(run):
    """Return for each derivative what each gives, folded up."""
    return [
        folded(
            _name(row),
            nodes.paragraph("", f"Ours, {row['ours']['level']}:"),
            displayed(row["ours"]["latex"]),
            nodes.paragraph("", "tensorgrad, in its index notation:"),
            verbatim(text=row["tensorgrad"]["text"]),
        )
        for row in run["passes"]
    ]
