"""The strokes of a diagram: units, boxes and arrows as SVG elements, and the whole of a picture.

Colours, fonts and line widths are classes of ``_static/css/pictures.css``; a position is the only
thing that is written here. An arrow says in ``data-from`` and ``data-to`` what it joins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot
from xml.etree import ElementTree

HEAD = 8.5  # length of an arrow's head


@dataclass(frozen=True)
class Drawing:
    """Elements on a sheet of a size in pixels."""

    width: float
    height: float
    parts: tuple


@dataclass(frozen=True)
class Picture:
    """A picture: its name, what there is to see in words, and how it is drawn.

    `draw()` gives the drawing for a page, `narrow()` the one for a telephone, 350 pixels wide at
    most; without it the first serves both.
    """

    title: str
    description: str
    draw: Callable[[], Drawing]
    narrow: Callable[[], Drawing] | None = None


def plain(value):
    """Return a number as short as it can be written to a tenth of a pixel."""
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def element(tag, *children, **attributes):
    """Return an element; ``class_`` is ``class`` and ``font_size`` is ``font-size``.

    The children are elements, or one text.
    """
    made = ElementTree.Element(
        tag, {name.rstrip("_").replace("_", "-"): plain(v) for name, v in attributes.items()}
    )
    if children and isinstance(children[0], str):
        [made.text] = children
    else:
        made.extend(children)
    return made


def group(*children, **attributes):
    """Return elements as one."""
    return element("g", *children, **attributes)


def path(points, kind, *, closed=False):
    """Return straight lines through points."""
    steps = " ".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return element("path", class_=kind, d=f"M{steps}{'Z' if closed else ''}")


def circle(x, y, radius, kind):
    """Return a circle."""
    return element("circle", class_=kind, cx=x, cy=y, r=radius)


def box(x, y, width, height, kind="box", radius=7):
    """Return a box with round corners."""
    return element("rect", class_=kind, x=x, y=y, width=width, height=height, rx=radius)


def toward(start, end, distance):
    """Return the point at a distance from `start` on the way to `end`."""
    (x, y), (to_x, to_y) = start, end
    part = distance / hypot(to_x - x, to_y - y)
    return x + part * (to_x - x), y + part * (to_y - y)


def head(tip, behind, size=HEAD):
    """Return the three corners of an arrow's head at `tip` that comes from `behind`."""
    x, y = toward(tip, behind, size)
    dx, dy = 0.36 * (tip[1] - y), 0.36 * (x - tip[0])
    return tip, (x + dx, y + dy), (x - dx, y - dy)


def arrow(points, kind, start="", end="", size=HEAD):
    """Return an arrow from a point to another, from what is named `start` to what is named `end`."""
    behind, tip = points
    names = {"data_from": start, "data_to": end} if start else {}
    return group(
        path([behind, toward(tip, behind, 0.8 * size)], "shaft"),
        path(head(tip, behind, size), "head", closed=True),
        class_=f"arrow {kind}",
        **names,
    )


def document(picture, drawing, name):
    """Return the SVG element of a drawing; `name` makes its ids."""
    return element(
        "svg",
        element("title", picture.title, id=f"{name}-title"),
        element("desc", picture.description, id=f"{name}-description"),
        *drawing.parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {plain(drawing.width)} {plain(drawing.height)}",
        width=drawing.width,
        height=drawing.height,
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-description",
    )


def markup(picture, name):
    """Return the HTML of a picture: an SVG for the page and, where there is one, for a telephone."""
    drawn = {"": picture.draw} if picture.narrow is None else {
        "wide": picture.draw, "narrow": picture.narrow}  # fmt: skip
    parts = [
        (f"picture {kind}".strip(), document(picture, draw(), f"{name}-{kind}".strip("-")))
        for kind, draw in drawn.items()
    ]
    return "".join(
        f'<div class="{classes}">{ElementTree.tostring(svg, encoding="unicode")}</div>'
        for classes, svg in parts
    )
