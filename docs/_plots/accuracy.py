"""The largest error in each bin of an axis, ours and those of other libraries, as stored."""

import math

from _extensions.figures import Plot
from _extensions.runs import stored
from _runs.accuracy import PEERS

WHO = ("ours", *PEERS)
STYLES = dict(zip(WHO, ("-", "-", "--", ":"), strict=True))
LIMIT = 1e17  # what is not finite is drawn here


def curves(*names):
    """Return the edges of the bins and the largest error in each, by function and library."""
    records = {name: stored("accuracy.json")["functions"][name] for name in names}
    edges = records[names[0]]["edges"]
    columns = {
        f"{name}, {who}": [math.nan if value is None else value for value in record["curves"][who]]
        for name, record in records.items()
        for who in WHO
    }
    return {"from": edges[:-1], "to": edges[1:]} | columns


def draw_one(axes, data, colours, name, title, label):
    """Draw one function: the curves of all, and the line that ours stay below."""
    middle = [(low + high) / 2 for low, high in zip(data["from"], data["to"], strict=True)]
    for who in (*PEERS, "ours"):  # ours above the others
        values = [min(max(value, 0.03), LIMIT) for value in data[f"{name}, {who}"]]
        axes.semilogy(middle, values, STYLES[who], color=colours[WHO.index(who)], label=who,
                      lw=2 if who == "ours" else 1.2)  # fmt: skip
    axes.axhline(4, color=colours[4], lw=0.8, ls=(0, (1, 2)))
    axes.set_ylim(0.03, 3 * LIMIT)
    axes.set_title(title, fontsize=12)
    axes.set_xlabel(label)


def draw(names, titles, label, legend):
    """Return the drawing of functions side by side."""

    def of(axes, data, colours):
        panels = axes if len(names) > 1 else [axes]
        for panel, name, title in zip(panels, names, titles, strict=True):
            draw_one(panel, data, colours, name, title, label)
        panels[0].set_ylabel("largest error, in ulp")
        panel, place = legend
        panels[panel].legend(loc=place, fontsize=10)

    return of


def plot(names, titles, label, legend):
    """Return the plot of some functions of the run, with the panel and place of the legend."""
    drawn = draw(names, titles, label, legend)
    return Plot(
        lambda: curves(*names), drawn, ("benchmarks/results/accuracy.json",), (7.4, 3.4), len(names)
    )


binary = plot(
    ("sigmoid", "binary_loss"), ("sigmoid", "loss of a binary label"), "$t$", (0, "center right")
)
softmax = plot(
    ("softmax", "loss"),
    ("softmax", "loss of a label"),
    "largest logit above the second",
    (1, "center"),
)
logsumexp = plot(
    ("logsumexp",),
    ("log-sum-exp",),
    r"$\log_{10}$ of the size of the result",
    (0, "center right"),
)
