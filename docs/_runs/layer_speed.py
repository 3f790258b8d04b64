"""The run of ``python -m benchmarks.layer_speed``: one pass forward and backward, beside PyTorch."""

from _extensions.tables import Table, duration


def _ratio(case):
    """Return how many times as long as PyTorch ours takes."""
    return case["seconds"]["ours"] / case["seconds"]["PyTorch"]


def times(run):
    """Return the times of each layer at each size."""
    return Table(run["cases"], [
        ("Layer", lambda case: case["layer"]),
        ("Rows × columns", lambda case: "{} × {}".format(*case["size"])),
        ("Ours", lambda case: duration(case["seconds"]["ours"])),
        ("PyTorch", lambda case: duration(case["seconds"]["PyTorch"])),
        ("Ours / PyTorch", lambda case: f"{_ratio(case):.2f}"),
    ])  # fmt: skip
