"""The time of a gradient beside the count of its multiplications; ``benchmarks/depth.py`` measured."""

import json
from pathlib import Path

from _extensions.figures import Plot

STORED = "benchmarks/results/depth.json"


def stored():
    """Return what was measured."""
    return json.loads((Path(__file__).parents[2] / STORED).read_text(encoding="utf-8"))


def depths():
    """Return the time of a gradient in units of that of the cost, for depths and widths."""
    runs = stored()["depth_and_width"]
    columns = {name: [run[name] for run in runs] for name in ("width", "depth")}
    for name in ("forward", "gradient"):
        columns[f"{name}, seconds"] = [run["seconds"][name] for run in runs]
    columns["gradient / forward"] = [
        run["seconds"]["gradient"] / run["seconds"]["forward"] for run in runs
    ]
    return columns


def draw_depths(axes, data, colours):
    """Draw a line for each width over the depth, and the count."""
    for width, marker, colour in zip(sorted(set(data["width"])), "os^", colours[1:], strict=False):
        points = [
            (depth, ratio)
            for of, depth, ratio in zip(
                data["width"], data["depth"], data["gradient / forward"], strict=True
            )
            if of == width
        ]
        axes.semilogx(*zip(*points, strict=True), color=colour, marker=marker, ms=4.5,
                      label=f"width {width}")  # fmt: skip
    axes.axhline(3, color=colours[0], ls="--", lw=1.2, label="multiplications: 3")
    depths = sorted(set(data["depth"]))
    axes.set_xticks(depths, list(map(str, depths)))
    axes.minorticks_off()
    axes.set_ylim(0, 1.25 * max(data["gradient / forward"]))
    axes.set_xlabel("linear layers")
    axes.set_ylabel("time of gradient / time of cost")
    axes.legend(loc="lower right", ncols=2)


def inputs():
    """Return the time of both orders in units of that of the cost, and the counts."""
    runs = stored()["inputs"]
    times = {
        name: [run["seconds"][key] / run["seconds"]["forward"] for run in runs]
        for name, key in (("reverse / forward", "gradient"),
                          ("forward accumulation / forward", "forward_accumulation"))
    }  # fmt: skip
    n = [run["inputs"] for run in runs]
    return {"inputs": n, **times, "count, reverse": [3] * len(n),
            "count, forward accumulation": [1 + k for k in n]}  # fmt: skip


def draw_inputs(axes, data, colours):
    """Draw measured times and counts over the number of inputs."""
    n, reverse, forward, count_reverse, count_forward = data.values()
    axes.loglog(n, count_forward, "--", color=colours[0], lw=1.2, label="count: $1+n$")
    axes.loglog(n, forward, "s", color=colours[0], ms=5, label="forward accumulation")
    axes.loglog(n, count_reverse, "--", color=colours[1], lw=1.2, label="count: 3")
    axes.loglog(n, reverse, "o", color=colours[1], ms=5, label="reverse accumulation")
    axes.set_xticks(n, list(map(str, n)))
    axes.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axes.minorticks_off()
    axes.set_xlabel("inputs $n$")
    axes.set_ylabel("time / time of the cost")
    axes.legend(loc="upper left")


depth_and_width = Plot(depths, draw_depths, (STORED,), size=(5.2, 3.5))
number_of_inputs = Plot(inputs, draw_inputs, (STORED,), size=(5.2, 3.5))
