"""The run of ``python -m benchmarks.layer_accuracy``: layers where the plain formula fails."""

from _extensions.runs import Table, ulps, versions


def numbers(run):
    """Return the numbers by name."""
    ours = {case["name"]: case["ulp"]["ours"] for case in run["cases"]}
    return {
        "date": run["date"],
        "versions": versions(run),
        "largest": ulps(max(ours.values())),
        "layer_norm": ulps(ours["layer norm, value"]),
    }


def errors(run):
    """Return the largest error of each case, by library."""
    return Table(run["cases"], [
        ("Largest error in ulp", lambda case: f"{case['name']}: {case['inputs']}"),
        ("Ours", lambda case: ulps(case["ulp"]["ours"])),
        ("PyTorch", lambda case: ulps(case["ulp"]["PyTorch"])),
        ("JAX", lambda case: ulps(case["ulp"]["JAX"])),
    ])  # fmt: skip
