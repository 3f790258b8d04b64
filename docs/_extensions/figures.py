"""Figures: ``{plot} fit.convergence`` draws the `Plot` of that name in ``docs/_plots/fit.py``, and
``{picture} units.softmax`` the `Picture` of that name in ``docs/_pictures/units.py``.

The content of the directive is the caption. A picture is part of the page, so it takes its colours
and fonts from it, and what is written in it can be selected. A plot, of which ``:alt:`` says what
there is to see, is drawn in the colours of the light and of the dark scheme, wide for a desk and
narrow for a telephone, the same bytes in every build, and the numbers behind it can be downloaded.
"""

import csv
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from docutils import nodes
from docutils.parsers.rst import directives

from .elements import directive, download
from .records import ROOT

FOLDER = "_build/plots"
NARROW, PANEL = 4.2, 2.9  # inches: the width for a telephone, and the height of one of its panels
# The colour of text and axes, then those of curves in the order in which they are needed.
LIGHT = "#1c2127", "#26458f", "#b3541e", "#2f7d4f", "#7b4397", "#6b7280"
DARK = "#dfe3e8", "#9db8ff", "#f0a875", "#8fd3a6", "#d3a6ea", "#9ca3af"


@dataclass(frozen=True)
class Plot:
    """A plot as data.

    `compute()` returns the numbers: columns of equal length by name. `draw(axes, data, colours)`
    draws them; colours has five entries, the first two for the two things that are compared.
    `inputs` are the files, from the root of the project, on which the numbers depend. `size` is
    in inches; `panels` is how many axes stand side by side, on a telephone on top of one another
    (then `draw` gets a list of them).
    """

    compute: Callable
    draw: Callable
    inputs: tuple[str, ...] = ()
    size: tuple[float, float] = (6.8, 3.6)
    panels: int = 1


def style():
    """Return the settings of matplotlib: reproducible, and transparent on the page."""
    coloured = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return {
        "svg.hashsalt": "logisticbp",
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "font.size": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        **dict.fromkeys(coloured, LIGHT[0]),
    }


def shapes(plot):
    """Return rows, columns and size in inches of a plot, by the width of the screen."""
    width, height = plot.size
    stacked = PANEL * plot.panels if plot.panels > 1 else max(3.2, height * NARROW / width)
    return {"wide": (1, plot.panels, plot.size), "narrow": (plot.panels, 1, (NARROW, stacked))}


def write(plot, stem, folder):
    """Write a plot as ``stem-light.svg``, ``stem-light-narrow.svg`` and so on, and its numbers."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    data = plot.compute()
    folder.mkdir(parents=True, exist_ok=True)
    for width, (rows, columns, size) in shapes(plot).items():
        with pyplot.rc_context(style()):
            figure, axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained")
            plot.draw(axes, data, LIGHT[1:])
            drawn = folder / file_name(stem, "light", width)
            # Not savefig, which draws twice.
            figure.canvas.print_svg(drawn, metadata={"Date": None, "Creator": None})
            pyplot.close(figure)
        light = drawn.read_text(encoding="utf-8")
        dark = re.sub("|".join(LIGHT), lambda colour: DARK[LIGHT.index(colour[0])], light)
        (folder / file_name(stem, "dark", width)).write_text(dark, encoding="utf-8")
    with (folder / f"{stem}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(data)
        writer.writerows(zip(*data.values(), strict=True))


def file_name(stem, scheme, width):
    """Return the name of one of the files of a plot."""
    return f"{stem}-{scheme}{'-narrow' if width == 'narrow' else ''}.svg"


def named(page, kind, folder):
    """Return module, name and value of what a page asks for by ``module.name``; it depends on it."""
    module, _, name = page.arguments[0].partition(".")
    source = f"docs/{folder}/{module}.py"
    if not (ROOT / source).exists():
        raise ValueError(f"no {kind.__name__.lower()}s in {source}")
    found = getattr(importlib.import_module(f"{folder}.{module}"), name, None)
    if not isinstance(found, kind):
        raise ValueError(f"no {kind.__name__.lower()} {name!r} in {source}")
    page.env.note_dependency(str(ROOT / source))
    return module, name, found


def plot_directive(page, _):
    """``{plot} module.name``: a plot; the content is its caption."""
    module, name, plot = named(page, Plot, "_plots")
    for file in ("docs/_extensions/figures.py", *plot.inputs):
        page.env.note_dependency(str(ROOT / file))
    stem = f"{module}-{name.replace('_', '-')}"
    write(plot, stem, page.env.srcdir / FOLDER)
    images = [
        nodes.image(uri=f"/{FOLDER}/{file_name(stem, scheme, width)}", alt=page.options["alt"],
                    classes=[f"only-{scheme}", f"plot-{width}"])
        for scheme in ("light", "dark")
        for width in ("wide", "narrow")
    ]  # fmt: skip
    numbers = download(f"/{FOLDER}/{stem}.csv", "The numbers as CSV.")
    return [nodes.figure("", *images, caption(page, nodes.Text(" "), numbers))]


def picture_directive(page, asked):
    """``{picture} module.name``: a diagram; the content is its caption."""
    from _pictures.svg import Picture, markup

    module, name, picture = named(page, Picture, "_pictures")
    shown = page.env.current_document.setdefault("pictures", set())
    if asked in shown:
        raise ValueError(f"the picture {asked} is on this page already")
    shown.add(asked)
    for file in sorted((ROOT / "docs/_pictures").glob("*.py")):
        page.env.note_dependency(str(file))
    drawn = markup(picture, f"picture-{module}-{name}".replace("_", "-"))
    drawing = nodes.raw("", drawn, format="html")
    return [nodes.figure("", drawing, caption(page), classes=["drawn"])]


def caption(page, *more):
    """Return the caption that the content of a directive is."""
    return nodes.caption("", "", *page.parse_inline(" ".join(page.content))[0], *more)


def setup(app):
    """Register the directives."""
    described = {"required_arguments": 1, "has_content": True}
    directive(app, "picture", picture_directive, **described)
    directive(app, "plot", plot_directive, **described,
              option_spec={"alt": directives.unchanged_required})  # fmt: skip
