"""What chunks cost, from the stored run of ``benchmarks.scale``."""

from _extensions.figures import Plot
from _extensions.runs import stored

NAMES = {
    "workers": "block function, two workers",
    "one_process": "block function, one process",
    "dask_array": "Dask array expression, two workers",
}


def times():
    """Return the seconds by chunks."""
    rows = stored("scale.json")["workers"]["overhead"]
    return {"chunks": [row["chunks"] for row in rows]} | {
        name: [row[key] for row in rows] for key, name in NAMES.items()
    }


def draw(axes, data, colours):
    """Draw seconds against chunks."""
    for name, colour, marker in zip(NAMES.values(), colours, "osD", strict=False):
        axes.loglog(data["chunks"], data[name], marker=marker, color=colour, label=name, ms=5)
    axes.set_xticks(data["chunks"], [f"{count:,}" for count in data["chunks"]])
    axes.minorticks_off()
    axes.set_ylim(top=12 * max(data[NAMES["dask_array"]]))
    axes.set_xlabel("chunks of rows")
    axes.set_ylabel("seconds")
    axes.legend(loc="upper left")


overhead = Plot(times, draw, inputs=("benchmarks/results/scale.json",))
