"""What flows back: the order in which Jacobians are multiplied, and a value that is used twice."""

from .labels import THIN, Sum, bold, formula, italic, partial, scripts, text, up, words
from .svg import Drawing, Picture, arrow, box, circle, group, path, toward

# Values of the network of the page on digits: pixels, hidden units, classes, the cost.
DIGITS = (64, 32, 10, 1)

SCALE, ROOM, PANEL = 1.4, 16, 338


def jacobians(sizes):
    """Return rows and columns of the Jacobians, the last layer's first, as they are multiplied."""
    pairs = list(zip(sizes[1:], sizes, strict=False))
    return pairs[::-1]


def products(sizes, reverse):
    """Return the steps of the product: the matrices there are, and the place of the next pair.

    Reverse accumulation starts at the cost, on the left, forward accumulation at the data.
    """
    matrices, steps = jacobians(sizes), []
    while len(matrices) > 1:
        at = 0 if reverse else len(matrices) - 2
        steps.append((tuple(matrices), at))
        matrices = [*matrices[:at], (matrices[at][0], matrices[at + 1][1]), *matrices[at + 2 :]]
    return [*steps, (tuple(matrices), None)]


def multiplications(matrices, at):
    """Return how many numbers the product of the pair at a place multiplies."""
    (rows, inner), (_, columns) = matrices[at : at + 2]
    return rows * inner * columns


def cost(sizes, reverse):
    """Return the multiplications of the whole product."""
    return sum(multiplications(*step) for step in products(sizes, reverse)[:-1])


def row_heights(sizes):
    """Return how high the rows of the two pictures are, so that they stand on the same lines."""
    both = [products(sizes, reverse) for reverse in (True, False)]
    return [
        SCALE * max(rows for matrices, _ in row for rows, _ in matrices)
        for row in zip(*both, strict=True)
    ]


def drawn_matrix(x, y, rows, columns, kind):
    """Return a matrix to scale, centred."""
    wide, high = SCALE * columns, max(SCALE * rows, 3.5)
    return box(x - wide / 2, y - high / 2, wide, high, kind, 1.5)


def times(*factors):
    """Return a product of numbers."""
    return up(f"{THIN}\N{MULTIPLICATION SIGN}{THIN}".join(f"{factor:,}" for factor in factors))


def bracket(left, right, y, kind):
    """Return a bracket under what is multiplied, and an arrow down to the product."""
    middle = (left + right) / 2
    return group(
        path([(left, y - 5), (left, y), (right, y), (right, y - 5)], f"bracket {kind}"),
        arrow([(middle, y), (middle, y + 18)], f"{kind} solid", size=7),
    )


def accumulation(sizes, reverse, left=0.0, top=0.0):
    """Draw the product of the Jacobians in one order, one row for each multiplication."""
    kind = "backward" if reverse else "forward"
    title, why = (
        ("Reverse: from the cost down", "a row times a matrix is a row again") if reverse else
        ("Forward: from the data up", "a matrix times a matrix is a matrix")
    )  # fmt: skip
    parts = [words(left, top + 16, title, 15, "start", f"words strong {kind}"),
             words(left, top + 37, why, 13.5, "start")]  # fmt: skip
    x, places = left + 10, []
    for _, columns in jacobians(sizes):
        places.append(x + SCALE * columns / 2)
        x += SCALE * columns + ROOM
    y, made, right = top + 80, None, left + PANEL
    for layer, place in zip(range(len(places), 0, -1), places, strict=True):
        parts.append(text(place, y - 12, scripts(bold("J"), sup=up(str(layer))), 16))
    for (matrices, at), high in zip(products(sizes, reverse), row_heights(sizes), strict=True):
        for number, (place, size) in enumerate(zip(places, matrices, strict=True)):
            colour = kind if number == made else ""
            parts += [drawn_matrix(place, y + high / 2, *size, f"matrix {colour}".strip()),
                      text(place, y + high + 19, times(*size), 13.5, kind="math quiet")]  # fmt: skip
        y += high + 32
        if at is None:
            break
        edges = (places[at] - SCALE * matrices[at][1] / 2,
                 places[at + 1] + SCALE * matrices[at + 1][1] / 2)  # fmt: skip
        count = multiplications(matrices, at)
        factors = times(matrices[at][0], *(columns for _, columns in matrices[at : at + 2]))
        parts += [bracket(*edges, y, kind),
                  text(right, y + 5, (*factors, *up(f" = {count:,}")), 14.5, "end")]  # fmt: skip
        places, made = [*places[:at], sum(edges) / 2, *places[at + 2 :]], at
        y += 32
    total = cost(sizes, reverse)
    parts += [text(right, y - 27, up(f"{total:,}"), 20, "end", f"math {kind}"),
              words(right, y - 8, "multiplications", 13.5, "end")]  # fmt: skip
    return parts, y


def both_orders(sizes, across):
    """Draw the two orders beside or below one another."""
    first, height = accumulation(sizes, True)
    second, bottom = (
        accumulation(sizes, False, left=PANEL + 44) if across else
        accumulation(sizes, False, top=height + 24)
    )  # fmt: skip
    return Drawing(2 * PANEL + 44 if across else PANEL, bottom + 4, (*first, *second))


def both_ways(at, start, end, room=27, aside=6):
    """Return an arrow and, beside it, one that comes back."""
    (x, y), (to_x, to_y) = at[start], at[end]
    ahead_x, ahead_y = toward((0, 0), (to_x - x, to_y - y), aside)
    ends = [toward((x, y), (to_x, to_y), room), toward((to_x, to_y), (x, y), room)]
    there = [(px + ahead_y, py - ahead_x) for px, py in ends]
    back = [(px - ahead_y, py + ahead_x) for px, py in reversed(ends)]
    return group(arrow(there, "forward", start, end), arrow(back, "backward", end, start))


def fan_out():
    """Draw a value that two layers use."""
    at = {"z": (175, 262), "f": (85, 158), "g": (265, 158), "C": (175, 54)}
    prime, second = up("\N{PRIME}"), up("\N{DOUBLE PRIME}")
    u, a, k = italic("u"), italic("a"), italic("k")
    z_k, space = scripts(italic("z"), k), up(THIN)
    through_f, through_g = (
        partial(scripts(italic(letter), unit), z_k) for letter, unit in (("f", u), ("g", a))
    )
    rule = [
        partial(italic("C"), z_k), up(" = "),
        Sum(u), scripts((*italic("δ"), *prime), u), space, through_f, up(" + "),
        Sum(a), scripts((*italic("δ"), *second), a), space, through_g,
    ]  # fmt: skip
    parts = [
        *(both_ways(at, start, end) for start, end in (("z", "f"), ("z", "g"), ("f", "C"), ("g", "C"))),
        *(group(circle(x, y, 23, "unit"),
                text(x, y + 6, italic(name) if name == "C" else bold(name), 19), data_unit=name)
          for name, (x, y) in at.items()),
        text(113, 92, (*bold("δ"), *prime), 18, "end"),
        text(237, 92, (*bold("δ"), *second), 18, "start"),
        formula(175, 342, rule, 17, "middle"),
    ]  # fmt: skip
    return Drawing(350, 372, tuple(parts))


orders = Picture(
    "Reverse and forward accumulation",
    "The Jacobians of three layers with 64 inputs, 32 hidden units, 10 classes and one cost, drawn "
    f"to scale. In reverse order each product is a row: {cost(DIGITS, True):,} multiplications. In "
    "forward order a matrix of 10 rows and 64 columns comes up: "
    f"{cost(DIGITS, False):,} multiplications.",
    lambda: both_orders(DIGITS, across=True),
    lambda: both_orders(DIGITS, across=False),
)
used_twice = Picture(
    "A value that is used twice",
    "The value z goes into the layers f and g, and both go into the cost. A delta comes back from "
    "each of them; at z the two are added.",
    fan_out,
)
