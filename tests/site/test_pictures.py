"""The diagrams: well-formed, named, the same in every build, and true to the model they show."""

import importlib
import itertools
import os
import re
import subprocess
import sys
from fractions import Fraction
from math import exp, hypot, log
from xml.etree import ElementTree

import compare
import numpy as np
import pytest
from _pictures import curves, flows, labels, stacks, svg, units
from _plots import conditioning, cost, descent, stability
from small import DOCS, PAGES

MODULES = sorted(path.stem for path in (DOCS / "_pictures").glob("*.py") if path.stem != "__init__")
PICTURES = {
    f"{module}.{name}": picture
    for module in MODULES
    for name, picture in vars(importlib.import_module(f"_pictures.{module}")).items()
    if isinstance(picture, svg.Picture)
}
SVG = "{http://www.w3.org/2000/svg}"


def drawings(name):
    """Return the SVG elements of a picture as a browser parses them."""
    whole = ElementTree.fromstring(f"<div>{svg.markup(PICTURES[name], name)}</div>")
    return [part[0] for part in whole]


def of_kind(drawn, tag):
    return [node for node in drawn.iter() if node.tag in (tag, SVG + tag)]


def test_there_are_pictures():
    assert len(PICTURES) >= 9


@pytest.mark.parametrize("name", PICTURES)
def test_picture_says_what_it_is(name):
    for drawn in drawings(name):
        assert drawn.tag == f"{SVG}svg"
        assert drawn.get("role") == "img"
        title, description = drawn[0], drawn[1]
        assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
        assert len(title.text) > 5
        assert len(description.text) > 40
        assert drawn.get("aria-labelledby") == title.get("id")
        assert drawn.get("aria-describedby") == description.get("id")


@pytest.mark.parametrize("name", PICTURES)
def test_picture_has_no_style_and_no_colour_of_its_own(name):
    for node in (node for drawn in drawings(name) for node in drawn.iter()):
        assert not {"style", "fill", "stroke", "font-family"} & node.attrib.keys()


def test_ids_are_unique():
    found = [node.get("id") for name in PICTURES for drawn in drawings(name)
             for node in drawn.iter() if node.get("id")]  # fmt: skip
    assert len(found) == len(set(found)) >= 2 * len(PICTURES)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_pictures_are_the_same_in_every_process(seed):
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "import importlib; from _pictures.svg import markup\n"
        "for full in sys.argv[3:]:\n"
        "    module, name = full.split('.')\n"
        "    print(markup(getattr(importlib.import_module(f'_pictures.{module}'), name), full))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(DOCS), str(DOCS.parent), *PICTURES],
        capture_output=True, check=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed},
    )  # fmt: skip
    assert run.stdout == "".join(f"{svg.markup(p, name)}\n" for name, p in PICTURES.items())


NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def corners(node):
    """Return points that an element reaches; of a text the place where it is anchored."""
    get = {key: float(value) for key, value in node.attrib.items() if NUMBER.fullmatch(value)}
    match node.tag.removeprefix(SVG):
        case "circle":
            x, y, r = get["cx"], get["cy"], get["r"]
            return [(x - r, y - r), (x + r, y + r)]
        case "rect":
            return [(get["x"], get["y"]), (get["x"] + get["width"], get["y"] + get["height"])]
        case "text":
            return [(get["x"], get["y"])]
        case "path" if "h" not in node.get("d"):
            found = list(map(float, NUMBER.findall(node.get("d"))))
            return list(zip(found[::2], found[1::2], strict=True))
    return []


@pytest.mark.parametrize("name", PICTURES)
def test_everything_is_on_the_sheet(name):
    for drawn in drawings(name):
        _, _, width, height = map(float, drawn.get("viewBox").split())
        points = [point for node in drawn.iter() for point in corners(node)]
        assert len(points) > 20
        assert [
            (x, y) for x, y in points if not (-1 <= x <= width + 1 and -1 <= y <= height + 1)
        ] == []


@pytest.mark.parametrize("name", PICTURES)
def test_the_last_drawing_fits_a_telephone(name):
    *_, smallest = drawings(name)
    assert float(smallest.get("width")) <= 350
    sizes = [float(node.get("font-size")) for node in of_kind(smallest, "text")]
    assert min(sizes) >= 11


# ------------------------------------------------------------------ what arrows join


def joined(drawn):
    """Return the pairs of names that the arrows of a drawing join, by kind."""
    found = [
        (node.get("class").split()[1], node.get("data-from"), node.get("data-to"))
        for node in of_kind(drawn, "g")
        if node.get("data-from")
    ]
    assert len(found) == len(set(found))
    return set(found)


X = ("x1", "x2", "x3")
MODELS = {
    "units.logistic_regression": [X, ("sum",), ("sigmoid",), ("NLL",)],
    "units.softmax_regression": [X, ("sum1", "sum2"), ("log-softmax1", "log-softmax2"), ("NLL",)],
    "units.stack": [("z1.1", "z1.2", "z1.4"), ("z2.1", "z2.2"), ("z3.1", "z3.2"), ("z4.1",)],
}


@pytest.mark.parametrize("name", MODELS)
def test_arrows_are_those_of_the_model(name):
    expected = {
        ("forward", *pair)
        for before, after in itertools.pairwise(MODELS[name])
        for pair in itertools.product(before, after)
    }
    for drawn in drawings(name):
        assert joined(drawn) == expected


@pytest.mark.parametrize("name", [*MODELS, "flows.used_twice"])
def test_arrows_go_from_edge_to_edge(name):
    for drawn in drawings(name):
        at = {
            node.get("data-unit"): (float(node[0].get("cx")), float(node[0].get("cy")))
            for node in of_kind(drawn, "g")
            if node.get("data-unit")
        }
        [radius] = {float(node.get("r")) for node in of_kind(drawn, "circle")}
        for node in of_kind(drawn, "g"):
            if node.get("data-from"):
                shaft, head = (corners(part) for part in node)
                start, end = at[node.get("data-from")], at[node.get("data-to")]
                gaps = [hypot(p[0] - q[0], p[1] - q[1]) - radius
                        for p, q in ((shaft[0], start), (head[0], end))]  # fmt: skip
                assert 2 < min(gaps) <= max(gaps) < 6


def test_another_model_gives_another_picture():
    three = tuple(labels.up(str(number)) for number in (1, 2, 3))
    whole = svg.document(
        units.softmax_regression, units.side_by_side(units.softmax(three)), "three"
    )
    assert len(joined(whole)) == 3 * 3 + 3 * 3 + 3


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_cake_goes_up_and_down_through_every_layer(depth):
    stack = tuple(stacks.Layer(f"layer {n}", labels.bold("W")) for n in range(depth))
    names = ["z1", *(layer.name for layer in stack), "C"]
    up = {("forward", *pair) for pair in itertools.pairwise(names)}
    down = {("backward", end, start) for _, start, end in up}
    aside = {("backward", layer.name, "gradient") for layer in stack}
    for draw in (stacks.cake, stacks.tall_cake):
        assert joined(svg.document(stacks.layer_cake, draw(stack), "cake")) == up | down | aside


def test_fan_out_comes_back_on_both_ways():
    [drawn] = drawings("flows.used_twice")
    there = {("z", "f"), ("z", "g"), ("f", "C"), ("g", "C")}
    back = {("backward", end, start) for start, end in there}
    assert joined(drawn) == {("forward", *pair) for pair in there} | back


# ----------------------------------------------------------------- numbers in pictures


def counted(A, B):
    """Return the product of two matrices by loops, and how often numbers were multiplied."""
    count, result = 0, np.zeros((len(A), B.shape[1]))
    for row, column, inner in itertools.product(*map(range, (*result.shape, len(B)))):
        result[row, column] += A[row, inner] * B[inner, column]
        count += 1
    return result, count


@pytest.mark.parametrize("sizes", [(5, 4, 3, 1), (3, 2, 4), (2, 6, 3, 2, 5)])
@pytest.mark.parametrize("reverse", [True, False])
def test_multiplications_are_counted(sizes, reverse):
    matrices = [np.ones(shape) for shape in zip(sizes[:0:-1], sizes[-2::-1], strict=True)]
    count = 0
    for shown, at in flows.products(sizes, reverse)[:-1]:
        assert shown == tuple(matrix.shape for matrix in matrices)
        assert at == (0 if reverse else len(matrices) - 2)
        matrices[at : at + 2], step = [counted(*matrices[at : at + 2])[0]], counted(
            *matrices[at : at + 2])[1]  # fmt: skip
        count += step
    assert len(matrices) == 1
    assert flows.cost(sizes, reverse) == count


def test_both_orders_show_their_counts():
    for drawn in drawings("flows.orders"):
        shown = "".join(drawn.itertext())
        for reverse in (True, False):
            assert f"{flows.cost(flows.DIGITS, reverse):,}" in shown
    assert flows.cost(flows.DIGITS, True) < flows.cost(flows.DIGITS, False)


def points(drawn, kind):
    [found] = [node for node in of_kind(drawn, "path") if node.get("class") == kind]
    return np.array(corners(found))


@pytest.mark.parametrize("width, reach", [(600, 6.0), (350, 5.0)])
def test_curves_are_the_sigmoid_and_its_slope(width, reach):
    drawn = svg.document(curves.the_sigmoid, curves.sigmoid_and_slope(width, reach), "s")
    low, unit = points(drawn, "axis")[0, 1], 250 / 1.08
    for kind, value in (("trace forward", lambda p: p), ("trace backward", lambda p: p * (1 - p))):
        curve = points(drawn, kind)
        left, right = curve[0, 0], curve[-1, 0]
        for x, y in curve:
            p = 1 / (1 + exp(-reach * (2 * (x - left) / (right - left) - 1)))
            missed = (low - y) - unit * value(p)
            compare.agree(missed / 2, 0, digits=1)  # the places, to 0.1 pixel, in x and in y


def test_contours_are_lines_of_equal_cost():
    def nll(difference):  # three data points of the first class, one of the second
        return 3 * log(1 + exp(-difference)) + log(1 + exp(difference))

    for excess in (0.1, 1.0):
        for difference in curves.differences(excess):
            assert round(nll(difference) - nll(log(3)), 6) == excess
    [drawn] = drawings("curves.valley")
    contours = [corners(node) for node in of_kind(drawn, "path") if node.get("class") == "contour"]
    assert len(contours) > 6
    for (x, y), (to_x, to_y) in contours:  # both weights change alike, up is up
        assert round(to_x - x) == round(y - to_y) > 0


# ------------------------------------------------------------------------------ labels


def test_scripts_stand_where_they_should():
    label = (
        *labels.scripts(labels.italic("z"), labels.italic("u"), labels.up("2")),
        *labels.up("="),
    )
    whole = labels.text(0, 0, label, 10)
    assert "".join(whole.itertext()) == "𝑧2𝑢="
    line, places = 0.0, []
    for span in whole:
        line += float(span.get("dy", 0))
        places.append(line)
    assert [round(place, 1) for place in places] == [0, -3.6, 2.4, 0]
    z, upper, lower, _ = (
        next(run.width for run in label if run.text == c) for c in ("𝑧", "2", "𝑢", "=")
    )
    assert float(whole[2].get("dx")) == round(-10 * upper, 1)
    assert round(labels.width(label[:-1]), 3) == round(z + max(upper, lower), 3)


def test_letters_are_those_of_formulas():
    assert labels.italic("h∂δ")[0].text == "ℎ𝜕𝛿"
    assert labels.bold("Wδ")[0].text == "𝐖𝜹"


# --------------------------------------------------------------------------- directive


ORPHAN = "---\norphan: true\n---\n# More\n\n"


def test_a_picture_is_part_of_the_page(build):
    text = ORPHAN + "```{picture} units.stack\nLook at $x$.\n```\n"
    site = build({**PAGES, "more": text})
    assert site.warnings == []
    page = site.page("more")
    assert page.count("<svg xmlns") >= 2
    assert '<figure class="drawn' in page
    assert "Look at" in page
    assert ' style="' not in page[page.index("<figure") : page.index("</figure>")]


MISTAKES = {
    "```{picture} units.nothing\n```": "no picture 'nothing'",
    "```{picture} units.cost\n```": "no picture 'cost'",
    "```{picture} nowhere.stack\n```": "no pictures in",
    "```{picture} units.stack\n```\n\n" * 2: "is on this page already",
}


def test_mistakes_are_reported(build):
    pages = {f"more{number}": ORPHAN + mistake for number, mistake in enumerate(MISTAKES)}
    site = build({**PAGES, **pages})
    for complaint in MISTAKES.values():
        assert sum(complaint in line for line in site.warnings) == 1
    assert len(site.warnings) == len(MISTAKES)


# -------------------------------------------------------------------- numbers of plots


def test_ways_go_down_to_the_minimum():
    data = descent.ways()
    for method, steps in descent.STEPS.items():
        rows = [row[1:] for row in zip(*data.values(), strict=True) if row[0] == method]
        assert [number for number, *_ in rows] == list(range(steps + 1))
        costs = [row[-1] for row in rows]
        assert costs[0] == 8 * log(2)
        assert all(after <= before for before, after in itertools.pairwise(costs))
        assert [round(w) for w in rows[-1][1:3]] == [-1, 2]
    newton = [row[2:4] for row in zip(*data.values(), strict=True) if row[:2] == ("Newton", 1)]
    assert [tuple(map(float, w)) for w in newton] == [(-1.0, 2.0)]


def test_columns_have_the_correlation_that_is_plotted():
    columns = conditioning.standard(400)
    gram = columns.T @ columns / 400
    assert np.round(gram, 12).tolist() == [[1, 0], [0, 1]]
    data = conditioning.correlated_columns()
    for name in list(data)[1:]:
        assert all(b > 1.6 * a for a, b in itertools.pairwise(data[name][2:]))


def test_classes_that_part_flatten_the_cost():
    data = conditioning.parted_classes()
    for name in ("smallest eigenvalue", "largest eigenvalue"):
        assert all(b < a for a, b in itertools.pairwise(data[name]))


def test_stable_forms_are_stable():
    data = stability.errors()
    for name in ("log sigma", "1 - sigma"):
        assert max(data[f"{name}, stable"]) < 4
        assert data[f"{name}, as written"][-1] > 1e15


def test_stored_times_are_complete():
    run = cost.stored()
    assert {"date", "machine", "versions", "blas", "seed"} <= run.keys()
    for compute in (cost.depths, cost.inputs):
        data = compute()
        assert len({len(column) for column in data.values()}) == 1
        assert min(min(column) for column in data.values()) > 0
    assert cost.inputs()["count, forward accumulation"] == [1 + n for n in cost.inputs()["inputs"]]


def test_captions_of_the_times_say_what_was_measured():
    text = " ".join((DOCS / "backpropagation.md").read_text().split())
    inputs, depths = cost.inputs(), cost.depths()
    reverse, forward = inputs["reverse / forward"], inputs["forward accumulation / forward"]
    assert 2.6 < min(reverse) <= max(reverse) < 2.8
    assert "stays between 2.6 and 2.8 for any number of inputs; its count is 3" in text
    halves = [t / (1 + n) for n, t in zip(inputs["inputs"], forward, strict=True)][-3:]
    assert all(0.4 < half < 0.6 for half in halves)
    assert "at about half of its count, 1 + n" in text
    assert 3 < max(depths["gradient / forward"]) < 3.5
    assert "rise with depth and stay below 3.5; the count is 3" in text
    assert "stays below 3.5, where the count of multiplications is three" in text


def test_rule_1_has_its_parameters_and_its_labels():
    """Without them it is the misprint A14."""
    cakes, stacked = (
        ["".join(drawn.itertext()).replace(labels.SPACE, " ") for drawn in drawings(name)]
        for name in ("stacks.layer_cake", "units.stack")
    )
    for shown in cakes:
        assert "𝐟𝑙(𝐳𝑙; 𝜽𝑙)" in shown
    for shown in stacked:
        assert "𝐟1(𝐳1; 𝐖)" in shown
        assert "𝐟2(𝐳2)" in shown
        assert "𝐟3(𝐳3; 𝑦𝑖)" in shown


# ---------------------------------------------------------------- the six students


FITTED = [
    Fraction(1, 9),
    Fraction(1, 3),
    Fraction(1, 3),
    Fraction(2, 3),
    Fraction(2, 3),
    Fraction(8, 9),
]
GUESSED = [Fraction(1, 2)] * 6
LABELS = (0, 0, 1, 0, 1, 1)


def pulls(drawn):
    """Return the arrows of a drawing of the six students: of each guess, of each student."""
    arrows = [
        [corners(part) for part in node] for node in of_kind(drawn, "g") if node.get("data-to")
    ]
    return arrows[:6], arrows[6:]


@pytest.mark.parametrize(("name", "unit", "short"), [("pulls.gaps", 190 / 1.12, 5.5),
                                                     ("pulls.balance", 112, 0)])  # fmt: skip
def test_arrows_are_as_long_as_the_errors(name, unit, short):
    for drawn in drawings(name):
        for found, chances in zip(pulls(drawn), (GUESSED, FITTED), strict=True):
            for (shaft, head), p, y in zip(found, chances, LABELS, strict=True):
                up = shaft[0][1] - head[0][1]
                missed = up - (unit * float(y - p) - short * (1 if y else -1))
                compare.agree(missed, 0, digits=1)  # of a pixel
        written = "".join(drawn.itertext()).replace(labels.THIN, "")
        for p, y in zip(FITTED, LABELS, strict=True):
            assert f"{abs(y - p)}" in written
    sums = [
        sum(y - p for y, p in zip(LABELS, chances, strict=True)) for chances in (GUESSED, FITTED)
    ]
    turns = [sum(x * (y - p) for x, y, p in zip((-3, -1, -1, 1, 1, 3), LABELS, chances, strict=True))
             for chances in (GUESSED, FITTED)]  # fmt: skip
    if name == "pulls.balance":
        for total, turn in zip(sums, turns, strict=True):
            assert (
                f"up minus down: {total}" in written and f"turning to the left: {turn}" in written
            )
