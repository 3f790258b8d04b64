"""The run of ``python -m benchmarks.layer_accuracy``: layers where the plain formula fails."""

from _extensions.tables import Table, ulps


def errors(run):
    """Return the largest error of each case, by library."""
    return Table(run["cases"], [
        ("Largest error in ulp", lambda case: f"{case['name']}: {case['inputs']}"),
        ("Ours", lambda case: ulps(case["ulp"]["ours"])),
        ("PyTorch", lambda case: ulps(case["ulp"]["PyTorch"])),
        ("JAX", lambda case: ulps(case["ulp"]["JAX"])),
    ])  # fmt: skip
