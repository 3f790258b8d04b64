"""The run of ``python -m benchmarks``: times, side by side with other libraries."""

from _extensions.tables import SPACE, Table, duration, size

OURS, WITHOUT = "this project", "without numba"
SHORT = {"this project": "ours", "NumPy, textbook": "textbook NumPy"}
MUCH = 10**6  # bytes; less is not told apart from nothing


def cases(run, section, threads, dtype="float64"):
    """Return the cases of a section."""
    found = [
        row for row in run["rows"]
        if (row["section"], row["threads"], row.get("dtype", "float64"))
        == (section, int(threads), dtype)
    ]  # fmt: skip
    if not found:
        raise ValueError(f"the run has no cases {section} {threads} {dtype}")
    return found


def _shape(row):
    """Return the sizes of a case as text."""
    if "sizes" in row:
        return row["task"]
    classes = "binary" if row["K"] == 2 else f"K = {row['K']}"
    return f"{row['N']:,} × {row['n']:,}".replace(" ", SPACE) + ", " + classes.replace(" ", SPACE)


def _ratios(row):
    """Return how many times as long as ours each peer takes."""
    ours = row["seconds"][OURS]
    return {name: seconds / ours for name, seconds in row["seconds"].items()
            if name not in (OURS, WITHOUT)}  # fmt: skip


def _ratio(value):
    """Return a ratio with two decimals, a large one with none."""
    return None if value is None else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _memory(count):
    """Return a number of bytes; what is small is not told apart from nothing."""
    if count is None:
        return "not known"
    return f"<{SPACE}1{SPACE}MB" if count < MUCH else size(count)


def _peers(rows):
    """Return the peers that occur in some cases, in their order, with the names of their columns."""
    names = dict.fromkeys(name for row in rows for name in _ratios(row))
    return [(name, SHORT.get(name, name)) for name in names]


def limit(row):
    """Return the time that no program can go below: one read of X, or the products."""
    return max(row["read_seconds"], row["flop_seconds"])


def times(run, section, threads, dtype="float64"):
    """Return our time, the limit, the times of others as multiples of ours, and who is ahead."""
    rows = cases(run, section, threads, dtype)
    columns = [("", _shape), ("ours", lambda row: duration(row["seconds"][OURS]))]
    if section == "hvp":
        columns.append(("in gradients", lambda row: f"{row.get('in_gradients', 0):.2f}"))
    if "read_seconds" in rows[0]:
        columns.append(("the limit", lambda row: f"{limit(row) / row['seconds'][OURS]:.2f}"))
    if any(WITHOUT in row["seconds"] for row in rows):
        columns.append(
            (WITHOUT, lambda row: _ratio(row["seconds"][WITHOUT] / row["seconds"][OURS]))
        )
    columns += [
        (short, lambda row, name=name: _ratio(_ratios(row).get(name)))
        for name, short in _peers(rows)
    ]
    alone = section.startswith(("gain", "busy"))
    return Table(rows, columns) if alone else [Table(rows, columns), _verdict(rows)]


def _verdict(rows):
    """Return who is ahead where, in a sentence or two."""
    best = [(min(_ratios(row).items(), key=lambda pair: pair[1]), _shape(row)) for row in rows]
    ahead = [ratio for (_, ratio), _ in best if ratio > 1]
    behind = "; ".join(
        f"{SHORT.get(name, name)} takes {ratio:.2f} of our time at {where}"
        for (name, ratio), where in best if ratio <= 1
    )  # fmt: skip
    if not ahead:
        return f"This project is behind in all {len(best)} cases: {behind}."
    span = _ratio(min(ahead)) + (f" to {_ratio(max(ahead))}" if len(ahead) > 1 else "")
    said = (f"Ahead of every library in {len(ahead)} of {len(best)} cases, "
            f"where the fastest of them takes {span} times as long.")  # fmt: skip
    return f"{said} Not ahead in the others: {behind}." if behind else said


def memory(run):
    """Return the peak memory beyond the data at the shapes where X is large."""
    rows = [row for row in cases(run, "gradient", 1) if row["X_bytes"] >= 10**8]
    return Table(rows, [
        ("", _shape),
        ("X", lambda row: _memory(row["X_bytes"])),
        *((short, lambda row, name=name: _memory(row["extra_bytes"].get(name)))
          for name, short in [(OURS, "ours"), *_peers(rows)]),
    ])  # fmt: skip


def numbers(run):
    """Return the numbers by name."""
    failed = {f"{name} ({reason.split(':')[0]})"
              for row in run["rows"] for name, reason in row.get("failed", {}).items()}  # fmt: skip
    return {
        "blas": ", ".join(" ".join(name.split()) for name in run["blas"]),
        "failed": ", ".join(sorted(failed)) or "none",
    }
