"""How the time of loss and gradient grows, from the stored run of ``python -m benchmarks``."""

import math

from _extensions.figures import Plot
from _extensions.runs import stored
from _runs.speed import OURS, SHORT, cases, limit

SIZES = ("N", "n", "K")
DRAWN = (OURS, "NumPy, textbook", "scikit-learn", "PyTorch", "JAX")
LABELS = {"N": "N (n = 20, binary)", "n": "n (N = 10,000, binary)", "K": "K (N = 10,000, n = 50)"}


def growth():
    """Return the times in milliseconds, one line for each case."""
    run = stored("speed.json")
    found = [(of, row) for of in SIZES for row in cases(run, f"growth in {of}", 1)]
    columns = {"size": [of for of, _ in found], "value": [row[of] for of, row in found]}
    for name in DRAWN:
        columns[name] = [1e3 * row["seconds"].get(name, math.nan) for _, row in found]
    return columns | {"the limit": [1e3 * limit(row) for _, row in found]}


def draw(axes, data, colours):
    """Draw a panel for each size."""
    for panel, of in zip(axes, SIZES, strict=True):
        at = [place for place, size in enumerate(data["size"]) if size == of]
        for name, colour in zip(DRAWN, colours, strict=True):
            panel.loglog([data["value"][i] for i in at], [data[name][i] for i in at], marker="o",
                         ms=3, color=colour, label=SHORT.get(name, name),
                         lw=2.2 if name == OURS else 1.2)  # fmt: skip
        panel.loglog([data["value"][i] for i in at], [data["the limit"][i] for i in at], ":",
                     color=colours[4], label="the limit")  # fmt: skip
        panel.set_xlabel(LABELS[of], fontsize=11)
    axes[0].set_ylabel("milliseconds")
    axes[0].legend(fontsize=9)


in_each_size = Plot(growth, draw, ("benchmarks/results/speed.json",), (8.6, 3.6), 3)
