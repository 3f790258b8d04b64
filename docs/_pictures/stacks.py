"""Layers on top of one another: values go up through them, deltas come down.

A stack is a tuple of layers from the bottom to the top; its pictures are made from that alone.
"""

from dataclasses import dataclass

from .labels import THIN, Sum, bold, formula, italic, partial, scripts, text, up, words
from .svg import Drawing, Picture, arrow, box, group

L, NEXT, I, U, K = italic("l"), (*italic("l"), *up("+1")), italic("i"), italic("u"), italic("k")
THETA = scripts(bold("θ"), sup=L)


@dataclass(frozen=True)
class Layer:
    """A layer: its name, its parameters, and the data it takes besides its input."""

    name: str
    parameters: tuple = ()
    data: tuple = ()


SOFTMAX_REGRESSION = (
    Layer("linear", parameters=bold("W")),
    Layer("log-softmax"),
    Layer("NLL", data=bold("y")),
)


def value(number):
    """Return the name of the values of a layer."""
    return scripts(bold("z"), sup=number)


def delta(number):
    """Return the name of the deltas of a layer."""
    return scripts(bold("δ"), sup=number)


def gradient(parameters):
    """Return the gradient of the cost."""
    return (*scripts(up("\N{NABLA}"), sub=parameters), *up(THIN), *italic("C"))


def entry(letter, number, *indices):
    """Return an entry of the values or deltas of a layer."""
    return scripts(italic(letter), sum(indices, ()), number)


RULES = (
    ("RULE 1, forward", "forward", "each value from the one below",
     [value(NEXT), up(" = "), scripts(bold("f"), sup=L), up("("), value(L), up("; "), THETA, up(")")]),
    ("RULE 2, backward", "backward", "each delta from the one above",
     [entry("δ", L, I, K), up(" = "), Sum(U), entry("δ", NEXT, I, U), up(THIN),
      partial(entry("z", NEXT, I, U), entry("z", L, I, K))]),
    ("RULE 3, parameters", "backward", "the same deltas, over all data points",
     [partial(italic("C"), scripts(italic("θ"), italic("q"), L)), up(" = "), Sum(I), Sum(U),
      entry("δ", NEXT, I, U), up(THIN),
      partial(entry("z", NEXT, I, U), scripts(italic("θ"), italic("q"), L))]),
)  # fmt: skip

# The column of layers: where it stands, its boxes, and the room between them for the arrows.
LEFT, WIDE, HIGH, GAP = 68, 184, 50, 66
MIDDLE, SIDE = LEFT + WIDE / 2, 46


def passing(bottom, top, below, above, names):
    """Return the two arrows between heights: values up on the left, deltas down on the right."""
    start, end = names
    height = (bottom + top) / 2 + 6
    return group(
        arrow([(MIDDLE - SIDE, bottom - 4), (MIDDLE - SIDE, top + 4)], "forward", start, end),
        text(MIDDLE - SIDE - 10, height, below, 18, "end"),
        arrow([(MIDDLE + SIDE, top + 4), (MIDDLE + SIDE, bottom - 4)], "backward", end, start),
        text(MIDDLE + SIDE + 10, height, above, 18, "start"),
    )


def drawn_layer(layer, top):
    """Return the box of a layer with what enters and leaves at its sides."""
    line, parts = top + HIGH / 2, []
    if side := layer.parameters or layer.data:
        parts += [arrow([(LEFT - 34, line), (LEFT - 4, line)], "plain"),
                  text(LEFT - 42, line + 6, side, 18, "end")]  # fmt: skip
    if layer.parameters:
        right = LEFT + WIDE
        parts += [arrow([(right + 4, line), (right + 38, line)], "backward", layer.name, "gradient"),
                  text(right + 46, line + 6, gradient(layer.parameters), 18, "start")]  # fmt: skip
    name = words(MIDDLE, line + 5, layer.name, 16, kind="words strong")
    return group(box(LEFT, top, WIDE, HIGH), name, *parts, data_unit=layer.name)


def column(stack):
    """Return the layers with the arrows between them, and the height."""
    height = 40 + len(stack) * (HIGH + GAP) + GAP + 36
    bottom, parts = height - 36, []
    names = ["z1", *(layer.name for layer in stack), "C"]
    for number, layer in enumerate(stack, 1):
        top = bottom - GAP - HIGH
        passed = passing(bottom, top + HIGH, value(up(str(number))), delta(up(str(number))),
                         names[number - 1 : number + 1])  # fmt: skip
        parts += [passed, drawn_layer(layer, top)]
        bottom = top
    last = up(str(len(stack) + 1))
    parts += [
        passing(bottom, bottom - GAP, scripts(italic("z"), sup=last),
                (*scripts(italic("δ"), sup=last), *up(" = 1")), names[-2:]),
        words(MIDDLE, height - 14, "the data", 14),
        words(MIDDLE, bottom - GAP - 14, "the cost", 14),
    ]  # fmt: skip
    return parts, height


def rules(x, y, step):
    """Return the three rules below one another."""
    parts = []
    for number, (title, kind, why, parts_of_rule) in enumerate(RULES):
        top = y + step * number
        parts += [
            words(x, top, title, 15, "start", f"words strong {kind}"),
            words(x, top + 20, why, 13.5, "start"),
            formula(x, top + 56, parts_of_rule, 17),
        ]
    return parts


def cake(stack):
    """Draw the column with the rules beside it."""
    parts, height = column(stack)
    return Drawing(650, height, (*parts, *rules(400, 92, 136)))


def tall_cake(stack):
    """Draw the column with the rules below it."""
    parts, height = column(stack)
    return Drawing(346, height + 395, (*parts, *rules(30, height + 40, 130)))


def one_layer():
    """Draw a layer by itself, with its three rules as they are called in code."""
    top, high = 92, 132
    bottom, right = top + high, LEFT + WIDE
    line = top + high / 2
    calls = (("forward", "forward"), ("backward", "backward"), ("parameter_gradient", "backward"))
    parts = [
        box(LEFT, top, WIDE, high),
        *(words(MIDDLE, line + 5 + 34 * (n - 1), call, 13.5, kind=f"code {kind}")
          for n, (call, kind) in enumerate(calls)),
        passing(top, 24, value(NEXT), delta(NEXT), ("layer", "above")),
        passing(bottom + 68, bottom, value(L), delta(L), ("below", "layer")),
        arrow([(LEFT - 34, line), (LEFT - 4, line)], "plain", "parameters", "layer"),
        text(LEFT - 42, line + 6, THETA, 18, "end"),
        arrow([(right + 4, line + 34), (right + 38, line + 34)], "backward", "layer", "gradient"),
        text(right + 46, line + 40, gradient(THETA), 18, "start"),
    ]  # fmt: skip
    return Drawing(346, bottom + 76, tuple(parts))


layer_cake = Picture(
    "The layer cake",
    "Three layers on top of one another: linear with the weights W, log-softmax, and NLL with the "
    "labels y. On the left solid arrows take the values z up, from the data to the cost. On the "
    "right dashed arrows take the deltas down, starting with 1. The derivative by the weights "
    "leaves the linear layer at its side. With it the three rules.",
    lambda: cake(SOFTMAX_REGRESSION),
    lambda: tall_cake(SOFTMAX_REGRESSION),
)
layer = Picture(
    "One layer",
    "A box with the three rules. Up through it goes the input z, which leaves as the output; down "
    "comes the delta of the output, which leaves as that of the input. The parameters enter on the "
    "left, the derivative of the cost by them leaves on the right.",
    one_layer,
)
