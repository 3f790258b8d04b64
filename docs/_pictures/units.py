"""Models as units: circles that sum or squash, and arrows for the values that they pass on.

A model is a tuple of layers. Each unit takes the values of all units of the layer before it. On a
page the layers stand side by side, on a telephone on top of each other, the first at the bottom.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from reference_impl.sigmoid import sigmoid

from .labels import THIN, bold, italic, scripts, text, up, width, words
from .svg import Drawing, Picture, arrow, box, circle, element, group, toward

RADIUS = 21
FRAME = 9  # room between joined units and their frame
DOTS = "and so on"
CURVE = "the sigmoid"
SUMMATION = up("\N{N-ARY SUMMATION}")


@dataclass(frozen=True)
class Unit:
    """A unit: its name, what is written in it, the value it passes on, and how it looks."""

    name: str
    label: tuple | str
    value: tuple = ()
    kind: str = "unit"


@dataclass(frozen=True)
class Layer:
    """Units side by side, and what they do.

    `weights` has labels for the arrows into the first unit, by the unit that they come from.
    `joined` units are drawn as one; all stand `spread` times as far apart as the features. `data`
    is what comes in from outside.
    """

    title: str
    rule: tuple
    units: tuple[Unit, ...]
    weights: dict = field(default_factory=dict)
    joined: bool = False
    spread: float = 1.0
    data: tuple = ()


I, A = italic("i"), italic("a")
ONE, TWO = up("1"), up("2")
FEATURES = ONE, TWO, italic("n")  # those that are drawn; dots stand for the others


def indexed(letter, *indices, style=italic):
    """Return a letter with indices."""
    return scripts(style(letter), sub=sum(indices, ()))


def features():
    """Return the layer of the features: the first two, dots, and the last."""
    some = [
        Unit(f"x{n}", indexed("x", I, index), kind="input") for n, index in enumerate(FEATURES, 1)
    ]
    some.insert(2, Unit("dots", DOTS))
    return Layer("features", indexed("x", I, style=bold), tuple(some))


def cost():
    """Return the cost layer."""
    return Layer(
        "cost",
        (*italic("C"), *up(" = NLL")),
        (Unit("NLL", up("NLL"), italic("C")),),
        data=indexed("y", I),
    )


def product(weights, features):
    """Return a dot product."""
    return (*weights, *up(f"{THIN}\N{DOT OPERATOR}{THIN}"), *features)


def of(function, argument):
    """Return a function of something."""
    return (*function, *up("("), *argument, *up(")"))


def log(label):
    """Return a logarithm."""
    return (*up(f"log{THIN}"), *label)


def logistic():
    """Return logistic regression: one linear unit, one sigmoid unit, the cost."""
    z, p, x = indexed("z", I), indexed("p", I), indexed("x", I, style=bold)
    weights = {f"x{n}": indexed("w", k) for n, k in enumerate(FEATURES, 1)}
    return (
        features(),
        Layer("linear unit", (*z, *up(" = "), *product(bold("w"), x)),
              (Unit("sum", SUMMATION, z),), weights),
        Layer("sigmoid unit", (*p, *up(" = "), *of(italic("σ"), z)),
              (Unit("sigmoid", CURVE, p),)),
        cost(),
    )  # fmt: skip


def softmax(classes=(ONE, TWO)):
    """Return softmax regression: a linear and a log-softmax unit for each class, the cost."""
    x, w = indexed("x", I, style=bold), indexed("w", A, style=bold)
    z, p = indexed("z", I, A), indexed("p", I, A)
    linear = tuple(Unit(f"sum{n}", SUMMATION, indexed("z", I, a)) for n, a in enumerate(classes, 1))
    squash = tuple(
        Unit(f"log-softmax{n}", log(indexed("S", a)), log(indexed("p", I, a)))
        for n, a in enumerate(classes, 1)
    )
    return (
        features(),
        Layer("linear units", (*z, *up(" = "), *product(w, x)), linear, spread=1.35),
        Layer("log-softmax",
              (*log(p), *up(" = "), *of(log(indexed("S", A)), indexed("z", I, style=bold))),
              squash, joined=True, spread=1.35),
        cost(),
    )  # fmt: skip


def layer_stack(classes=(ONE, TWO)):
    """Return the four layers of softmax regression by their values."""

    def values(number, *units):
        return tuple(
            Unit(f"z{number}.{n}", DOTS if unit is None else scripts(italic("z"), unit, up(number)))
            for n, unit in enumerate(units, 1)
        )

    def rule(number, *besides):
        below, above = str(number - 1), str(number)
        taken = (
            *scripts(bold("z"), sup=up(below)),
            *(part for b in besides for part in (*up("; "), *b)),
        )
        return (
            *scripts(bold("z"), sup=up(above)),
            *up(" = "),
            *of(scripts(bold("f"), sup=up(below)), taken),
        )

    x = (*scripts(bold("z"), sup=up("1")), *up(" = "), *indexed("x", I, style=bold))
    first, second, last = FEATURES
    return (
        Layer("data point", x, values("1", first, second, None, last), joined=True),
        Layer("linear", rule(2, bold("W")), values("2", *classes), joined=True, spread=1.35),
        Layer("log-softmax", rule(3), values("3", *classes), joined=True, spread=1.35),
        Layer("cost", (*rule(4, indexed("y", I)), *up(" = "), *italic("C")), values("4", ()), joined=True,
              data=indexed("y", I)),
    )  # fmt: skip


def arrows(model):
    """Return the pairs of units that arrows join."""
    return [
        (start, end)
        for before, after in pairwise(model)
        for start in before.units
        for end in after.units
        if start.label != DOTS
    ]


def places(model, along, across, middle):
    """Return the place of each unit: layers at distances `along`, units around the `middle`."""
    return {
        unit.name: (place, middle + across * layer.spread * (number - (len(layer.units) - 1) / 2))
        for place, layer in zip(along, model, strict=True)
        for number, unit in enumerate(layer.units)
    }


def drawn_unit(unit, x, y):
    """Return the circle of a unit and what is in it."""
    if unit.label == DOTS:
        return text(x, y + 6, up("\N{VERTICAL ELLIPSIS}"), 20, kind="math quiet")
    inside = (
        sigmoid_curve(x, y) if unit.label == CURVE else
        text(x, y + (6.5 if unit.label == SUMMATION else 5), unit.label,
             19 if unit.label == SUMMATION else 13.5 if width(unit.label) > 1.5 else 17)
    )  # fmt: skip
    return group(circle(x, y, RADIUS, unit.kind), inside, data_unit=unit.name)


def sigmoid_curve(x, y, width=24, height=19):
    """Return the sigmoid in small."""
    ts = [step / 8 for step in range(-48, 49)]
    points = [f"{x + t * width / 12:.2f} {y + height * (0.5 - s):.2f}"
              for t, s in zip(ts, sigmoid(ts).tolist(), strict=True)]  # fmt: skip
    return element("path", class_="trace", d=f"M{' '.join(points)}")


def drawn_arrows(model, at):
    """Return the arrows between the units, with their weights."""
    drawn = []
    for start, end in arrows(model):
        a, b = at[start.name], at[end.name]
        begin, stop = toward(a, b, RADIUS + 3), toward(b, a, RADIUS + 3)
        drawn.append(arrow([begin, stop], "forward", start.name, end.name))
    for layer in model:
        for name, label in layer.weights.items():
            (x, y), (to_x, to_y) = at[name], at[layer.units[0].name]
            drawn.append(text(x + 0.42 * (to_x - x), y + 0.42 * (to_y - y) + 5, label, 16,
                              kind="math halo"))  # fmt: skip
    return drawn


def around(layer, at):
    """Return the frame that joins the units of a layer."""
    xs, ys = zip(*(at[unit.name] for unit in layer.units), strict=True)
    room = RADIUS + FRAME
    return box(min(xs) - room, min(ys) - room, max(xs) - min(xs) + 2 * room,
               max(ys) - min(ys) + 2 * room, "joined", room)  # fmt: skip


def drawn_units(model, at):
    """Return frames, arrows and units: all but the names of values and layers."""
    return [
        *(around(layer, at) for layer in model if layer.joined),
        *drawn_arrows(model, at),
        *(drawn_unit(unit, *at[unit.name]) for layer in model for unit in layer.units),
    ]


def side_by_side(model, along=(37, 219, 391, 563), across=64, middle=134, foot=280):
    """Draw the layers from left to right, their names at the foot."""
    at = places(model, along, across, middle)
    parts = drawn_units(model, at)
    for layer, place in zip(model, along, strict=True):
        parts += [words(place, foot, layer.title), text(place, foot + 24, layer.rule)]
    for layer in model[1:-1]:
        for number, unit in enumerate(layer.units):
            x, y = at[unit.name]
            room = RADIUS + FRAME * layer.joined
            parts.append(text(x, y + room + 17 if number else y - room - 8, unit.value))
    x, y = at[model[-1].units[0].name]
    room = RADIUS + 3 + FRAME * model[-1].joined
    parts += [
        arrow([(x, y - room - 39), (x, y - room)], "plain"),
        text(x, y - room - 48, model[-1].data, 17),
    ]
    if value := model[-1].units[0].value:
        parts += [arrow([(x + room, y), (x + room + 43, y)], "forward"),
                  text(x + room + 57, y + 5, value, 17)]  # fmt: skip
    return Drawing(x + (95 if value else 62), foot + 34, tuple(parts))


def stacked(model, along=(470, 346, 222, 98), across=55, middle=236):
    """Draw the layers from the bottom to the top, their names on the left."""
    at = {name: (y, x) for name, (x, y) in places(model, along, across, middle).items()}
    parts = drawn_units(model, at)
    for layer, y in zip(model, along, strict=True):
        parts += [words(0, y - 3, layer.title, 13, "start"),
                  text(0, y + 18, layer.rule, 14.5, "start")]  # fmt: skip
    for layer in model[1:-1]:
        for number, unit in enumerate(layer.units):
            x, y = at[unit.name]
            side = 1 if number == len(layer.units) - 1 else -1
            parts.append(text(x + side * (RADIUS - 5), y - RADIUS - 4 - FRAME * layer.joined,
                              unit.value, anchor="start" if side > 0 else "end"))  # fmt: skip
    x, y = at[model[-1].units[0].name]
    room = RADIUS + 3 + FRAME * model[-1].joined
    parts += [
        arrow([(x + room + 40, y), (x + room, y)], "plain"),
        text(x + room + 53, y + 5, model[-1].data, 17),
    ]
    if value := model[-1].units[0].value:
        parts += [arrow([(x, y - room), (x, y - room - 43)], "forward"),
                  text(x, y - room - 51, value, 17)]  # fmt: skip
    return Drawing(350, along[0] + RADIUS + FRAME + 2, tuple(parts))


logistic_regression = Picture(
    "Logistic regression as units",
    "The features of a data point, each times its weight, go into a linear unit, which adds them up "
    "to the score z. A sigmoid unit makes the probability p of it, and the cost unit compares p "
    "with the label y.",
    lambda: side_by_side(logistic()),
    lambda: stacked(logistic()),
)
softmax_regression = Picture(
    "Softmax regression as units",
    "All features go into two linear units, one for each class. Both scores go into both "
    "log-softmax units, and both log-probabilities into the cost unit, which picks that of the "
    "label.",
    lambda: side_by_side(softmax()),
    lambda: stacked(softmax()),
)
stack = Picture(
    "The layers of softmax regression",
    "Four layers: the features of a data point; two linear units; two log-softmax units; the cost, "
    "which also takes the label. Arrows go from all units of a layer to all units of the next, and "
    "skip no layer.",
    lambda: side_by_side(layer_stack()),
    lambda: stacked(layer_stack()),
)
