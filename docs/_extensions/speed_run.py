"""The stored run of ``python -m benchmarks`` as tables, numbers and sentences.

``{speed}`name` `` is a number. ``{speed-table} gradient 1 float64`` is a table of a section with a
number of threads, followed by the sentence that says who is ahead where. ``{speed-memory}`` is the
memory beyond the data. Nothing is measured in the build.
"""

import json
from functools import cache

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html
from .indexes import cells, table
from .records import ROOT

RUN = "benchmarks/results/speed.json"
OURS = "this project"
SHORT = {"this project": "ours", "NumPy, textbook": "textbook NumPy"}
SPACE = "\N{NO-BREAK SPACE}"
MUCH = 10**6  # bytes; less is not told apart from nothing


@cache
def loaded(_modified):
    """Return the run; once for each version of the file."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def run():
    """Return the run."""
    return loaded((ROOT / RUN).stat().st_mtime_ns)


def rows(section, threads, dtype="float64"):
    """Return the cases of a section."""
    return [
        row
        for row in run()["rows"]
        if row["section"] == section
        and row["threads"] == threads
        and row.get("dtype", "float64") == dtype
    ]


def shape(row):
    """Return the sizes of a case as text."""
    if "sizes" in row:
        return row["task"]
    classes = "binary" if row["K"] == 2 else f"K = {row['K']}"
    return f"{row['N']:,} × {row['n']:,}".replace(" ", SPACE) + ", " + classes.replace(" ", SPACE)


def duration(seconds):
    """Return a time with three digits, in a unit that fits."""
    for unit, least in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= least:
            return f"{seconds / least:.3g}{SPACE}{unit}"
    return f"{1e6 * seconds:.3g}{SPACE}µs"


def size(count):
    """Return a number of bytes in MB."""
    if count is None:
        return "not known"
    return f"<{SPACE}1{SPACE}MB" if count < MUCH else f"{count / 1e6:,.0f}{SPACE}MB"


def ratios(row):
    """Return how many times as long as ours each peer takes."""
    return {name: seconds / row["seconds"][OURS] for name, seconds in row["seconds"].items()
            if name != OURS}  # fmt: skip


def times(ratio):
    """Return a ratio with two decimals, a large one with none."""
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def libraries(found):
    """Return the peers that occur in some cases, in their order."""
    return list(dict.fromkeys(name for row in found for name in ratios(row)))


def limit(row):
    """Return the time that no program can go below: one read of X, or the products."""
    return max(row["read_seconds"], row["flop_seconds"])


def times_table(section, threads, dtype="float64"):
    """Return our time, the limit, and the peers' times as multiples of ours."""
    found = rows(section, threads, dtype)
    names = libraries(found)
    limits = section != "layers"
    gradients = section == "hvp"
    heads = ("", "ours", *["in gradients"] * gradients, *["the limit"] * limits,
             *(SHORT.get(name, name) for name in names))  # fmt: skip
    return heads, [
        (
            shape(row),
            duration(row["seconds"][OURS]),
            *[f"{row.get('in_gradients', 0):.2f}"] * gradients,
            *[f"{limit(row) / row['seconds'][OURS]:.2f}" if limits else ""] * limits,
            *(times(ratios(row)[name]) if name in ratios(row) else "–" for name in names),
        )
        for row in found
    ]


def verdict(section, threads, dtype="float64"):
    """Return who is ahead where, in a sentence or two."""
    best = [(min(ratios(row).items(), key=lambda pair: pair[1]), shape(row))
            for row in rows(section, threads, dtype)]  # fmt: skip
    if not best:
        return "Nothing was measured."
    ahead = [ratio for (_, ratio), _ in best if ratio > 1]
    behind = [f"{SHORT.get(name, name)} takes {ratio:.2f} of our time at {where}"
              for (name, ratio), where in best if ratio <= 1]  # fmt: skip
    if not ahead:
        text = f"This project is behind in all {len(best)} cases: "
        return text + "; ".join(behind) + "."
    span = times(min(ahead)) + (f" to {times(max(ahead))}" if len(ahead) > 1 else "")
    text = (f"Ahead of every library in {len(ahead)} of {len(best)} cases, "
            f"where the fastest of them takes {span} times as long.")  # fmt: skip
    return text + (f" Not ahead in the others: {'; '.join(behind)}." if behind else "")


def memory_table():
    """Return the peak memory beyond the data at the shapes where X is large."""
    found = [row for row in rows("gradient", 1) if row["X_bytes"] >= 10**8]
    names = [OURS, *libraries(found)]
    heads = ("", "X", *(SHORT.get(name, name) for name in names))
    return heads, [
        (shape(row), size(row["X_bytes"]), *(size(row["extra_bytes"].get(name)) for name in names))
        for row in found
    ]


def numbers():
    """Return the numbers that the page prints, as text."""
    found = run()
    failed = {f"{name} ({reason.split(':')[0]})"
              for row in found["rows"] for name, reason in row.get("failed", {}).items()}  # fmt: skip
    return {
        "date": found["date"],
        "processor": f"{found['processor']}, {found['processors']} processors",
        "blas": ", ".join(" ".join(name.split()) for name in found["blas"]),
        "versions": ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
        "failed": ", ".join(sorted(failed)) or "none",
    }


class SpeedRole(SphinxRole):
    """``{speed}`name` ``: a number of the run."""

    def run(self):
        """Return the number."""
        self.env.note_dependency(str(ROOT / RUN))
        known = numbers()
        if self.text not in known:
            message = self.inliner.reporter.error(f"the run has no number {self.text!r}")
            return [], [message]
        return [html("span", known[self.text], classes=["number"])], []


class SpeedTable(SphinxDirective):
    """``{speed-table} section threads [dtype]``: the times, and who is ahead."""

    required_arguments = 2
    optional_arguments = 1

    def run(self):
        """Return table and sentence."""
        self.env.note_dependency(str(ROOT / RUN))
        section, threads, *dtype = self.arguments
        if not rows(section, int(threads), *dtype):
            raise self.error(f"the run has no cases {' '.join(self.arguments)!r}")
        sentence = verdict(section, int(threads), *dtype)
        return [as_table(*times_table(section, int(threads), *dtype)),
                nodes.paragraph("", "", nodes.Text(sentence))]  # fmt: skip


class SpeedMemory(SphinxDirective):
    """``{speed-memory}``: the peak memory beyond the data."""

    def run(self):
        """Return the table."""
        self.env.note_dependency(str(ROOT / RUN))
        return [as_table(*memory_table())]


def as_table(heads, found):
    """Return a table of numbers, of which the first column is text."""
    return table(
        heads,
        [
            cells("td", [nodes.Text(first)],
                  *([html("span", cell, classes=["number"])] for cell in rest))
            for first, *rest in found
        ],
        "numbers",
    )  # fmt: skip


def setup(app):
    """Register role and directives."""
    app.add_role("speed", SpeedRole())
    app.add_directive("speed-table", SpeedTable)
    app.add_directive("speed-memory", SpeedMemory)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
