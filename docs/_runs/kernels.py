"""The run of ``python -m benchmarks.kernels``: kernels in low precision and their bounds."""

from _extensions.tables import Table


def _size(row):
    """Return the case of a row in words."""
    case = row["case"]
    return f"{case['name']}, {case['N']} × {case['d']}, {case['K']:,} classes"


def _part(kind):
    """Return what says the largest part of a bound that is used."""
    return lambda row: f"{max(row[kind][part] for part in ('loss', 'E', 'C')):.2f}"


def bounds(run):
    """Return which part of its bounds each kernel uses, and what they make of zeros."""
    return Table(run["rows"], [
        ("Case", _size),
        ("Format", lambda row: row["format"]),
        ("Kernel", lambda row: row["kernel"]),
        ("Part of the worst case", _part("worst")),
        ("of the likely bound", _part("likely")),
        ("A zero gradient: of the worst case",
         lambda row: f"{min(row['of zero'][part] for part in ('E', 'C')):.2g}"),
    ])  # fmt: skip
