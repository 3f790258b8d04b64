"""Tables as data, and numbers as the text that stands in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from docutils import nodes

from .elements import html

SPACE, DASH = "\N{NO-BREAK SPACE}", "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """A table: for each column its heading, and what it says of a row.

    That is a text, nodes, or None where there is nothing to say. `kind` is its classes: the columns
    after the first are numbers unless it says something else. Rows with the same `group` that follow
    one another stand under that heading.
    """

    rows: Sequence
    columns: Sequence[tuple[str, Callable]]
    kind: str = "numbers"
    group: Callable | None = None

    def node(self):
        """Return the table, which scrolls in its own box."""
        heads = [head for head, _ in self.columns]
        rows = []
        for heading, group in groupby(self.rows, self.group or (lambda row: None)):
            if heading is not None:
                across = html("th", heading, colspan=str(len(heads)), scope="rowgroup")
                rows.append(html("tr", across))
            rows += [html("tr", *(cell(says(row)) for _, says in self.columns)) for row in group]
        header = html("tr", *(html("th", head, scope="col") for head in heads))
        whole = html(
            "table", html("thead", header), html("tbody", *rows), classes=self.kind.split()
        )
        label = f"Table: {', '.join(heads)}"
        return html("div", whole, classes=["table-wrapper"], role="group", tabindex="0",
                    aria_label=label)  # fmt: skip


def cell(said):
    """Return a cell."""
    said = DASH if said is None else said
    return html("td", *(said if isinstance(said, list) else [said]))


def displayed(latex):
    """Return a formula of a cell: fractions and sums in full size, and it can scroll."""
    formula = nodes.math("", rf"\displaystyle {latex}")
    return html("div", formula, classes=["math-scroll"], role="group", tabindex="0",
                aria_label="Result")  # fmt: skip


def code(text):
    """Return a text as code, which may break after a dot or an underscore."""
    return html("code", text, classes=["literal"])


def counted(number, noun):
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def power(number):
    """Return a very large or very small number as 1.2·10⁻⁵."""
    mantissa, exponent = f"{number:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{raised}"


def in_units(number, *units):
    """Return a number with three digits in the first unit that it reaches, or in the last."""
    name, least = next((unit for unit in units if number >= unit[1]), units[-1])
    return f"{number / least:.3g}{SPACE}{name}"


def duration(seconds):
    """Return a time with three digits, in a unit that fits."""
    return in_units(seconds, ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def size(count):
    """Return a number of bytes with three digits, in a unit that fits."""
    return in_units(count, ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 1))


def ulps(error):
    """Return an error as text: two decimals, or a power of ten, and no digit beyond 2^52."""
    error = float(error)  # JSON has no infinity: it is the text inf
    if error == float("inf"):
        return "not finite"
    return f"{error:.2f}" if error < 100 else f"{error:.0f}" if error < 1e4 else power(error)


def minus(text):
    """Return a number as text with a minus sign that is one."""
    return text.replace("-", "\N{MINUS SIGN}")
