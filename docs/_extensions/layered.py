"""Where the boxes and lines of a picture of dependencies stand: columns from left to right.

Each node stands to the right of all that it uses. An edge that follows from others is left out,
one that crosses columns gets a lane in each. The result depends on nothing but the input.
"""

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise
from statistics import fmean as mean

HEIGHT, GAP, LANE, COLUMN_GAP, CHARACTER = 38, 12, 14, 56, 7.3


def reduced(uses):
    """Return only those edges that do not follow from the others."""
    above = {}
    for node in uses:  # what a statement uses comes before it
        direct = uses[node]
        above[node] = set(direct).union(*(above[u] for u in direct))
    return {
        node: [u for u in direct if not any(u in above[other] for other in direct)]
        for node, direct in uses.items()
    }


def layers_of(uses):
    """Return for each node the length of the longest way to it."""
    layer = {}
    for node, direct in uses.items():
        layer[node] = 1 + max((layer[u] for u in direct), default=-1)
    return layer


@dataclass
class Layout:
    """Where the nodes are, and the points through which each edge runs."""

    columns: list
    positions: dict = field(default_factory=dict)
    routes: list = field(default_factory=list)
    width: float = 0
    height: float = 0


def width_of(node):
    """Return the width of a node; a lane of a long edge has none."""
    return 0 if isinstance(node, tuple) else CHARACTER * max(map(len, node.split("."))) + 22


def height_of(node):
    """Return the height of a node or of a lane."""
    return LANE if isinstance(node, tuple) else HEIGHT + GAP


def with_lanes(uses, layer):
    """Return columns and edges, with a lane in each column that a long edge crosses."""
    columns = [[] for _ in range(1 + max(layer.values(), default=0))]
    routes = []
    for node, direct in uses.items():
        columns[layer[node]].append(node)
        for used in direct:
            between = range(layer[used] + 1, layer[node])
            lanes = [(used, node, number) for number in between]
            for lane, number in zip(lanes, between, strict=True):
                columns[number].append(lane)
            routes.append([used, *lanes, node])
    return columns, routes


def ordered(columns, routes, sweeps=12):
    """Return the columns sorted so that few edges cross: by the mean place of the neighbours."""
    before, after = {}, {}
    for route in routes:
        for left, right in pairwise(route):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    place = {n: i / len(column) for column in columns for i, n in enumerate(column)}
    columns = [list(column) for column in columns]
    for sweep in range(sweeps):
        neighbours = after if sweep % 2 else before
        for column in reversed(columns) if sweep % 2 else columns:
            aim = {n: mean(place[m] for m in neighbours.get(n, [n])) for n in column}
            column.sort(key=aim.get)
            place.update({n: (i + 0.5) / len(column) for i, n in enumerate(column)})
    return columns


def layout(uses):
    """Place every statement."""
    uses = reduced({node: uses[node] for node in TopologicalSorter(uses).static_order()})
    columns, routes = with_lanes(uses, layers_of(uses))
    columns = ordered(columns, routes)
    heights = [sum(map(height_of, column)) for column in columns]
    whole = Layout(columns, height=max(heights, default=0) + GAP, routes=routes)
    x = 4.0
    for column, height in zip(columns, heights, strict=True):
        y = (whole.height - height) / 2 + GAP / 2
        width = max(map(width_of, column), default=0)
        for node in column:
            whole.positions[node] = (x, y, width, height_of(node))
            y += height_of(node)
        x += width + COLUMN_GAP
    whole.width = x - COLUMN_GAP + 4
    return whole


def path(route, positions):
    """Return the path of an edge through its lanes."""
    x, y, width, _ = positions[route[0]]
    parts = [f"M{x + width:.1f} {y + HEIGHT / 2:.1f}"]
    px, py = x + width, y + HEIGHT / 2
    for node in route[1:]:
        x, y, width, _ = positions[node]
        is_lane = isinstance(node, tuple)
        cy = y + (LANE if is_lane else HEIGHT) / 2
        bend = COLUMN_GAP / 2
        parts.append(f"C{px + bend:.1f} {py:.1f} {x - bend:.1f} {cy:.1f} {x:.1f} {cy:.1f}")
        if is_lane:
            parts.append(f"H{x + width:.1f}")
        px, py = x + width, cy
    return " ".join(parts)
