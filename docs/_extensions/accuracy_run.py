"""The stored run of ``python -m benchmarks.accuracy`` as tables and numbers.

``{accuracy}`name` `` prints a number or a name of the run, ``{accuracy-table} errors`` the largest
error of each function, ours beside that of the other libraries; ``worst``, ``bounds`` and
``one-pass`` are the other tables.
"""

import json
from functools import cache

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .elements import html, power
from .indexes import cells, table
from .records import ROOT

RUN = "benchmarks/results/accuracy.json"
PEERS = ("SciPy", "PyTorch", "JAX")
# The name of each function in the run and in reference_impl.
NAMES = {
    "sigmoid": "sigmoid.sigmoid",
    "log_sigmoid": "sigmoid.log_sigmoid",
    "softplus": "sigmoid.softplus",
    "binary_loss": "sigmoid.losses",
    "binary_residual": "sigmoid.residuals",
    "logsumexp": "softmax.logsumexp",
    "log_softmax": "softmax.log_softmax",
    "softmax": "softmax.softmax",
    "residual": "softmax.residuals",
    "loss": "softmax.losses",
}


@cache
def run():
    """Return the run; inf, which JSON cannot hold, is a float again."""
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"), object_hook=_with_inf)


def _with_inf(entries):
    return {
        key: [_number(entry) for entry in value] if isinstance(value, list) else _number(value)
        for key, value in entries.items()
    }


def _number(value):
    return float("inf") if value == "inf" else value


def ulps(error):
    """Return an error as text: two decimals, or a power of ten, and no digit beyond 2^52."""
    if error == float("inf"):
        return "not finite"
    return f"{error:.2f}" if error < 100 else f"{error:.0f}" if error < 1e4 else power(error)


def numbers():
    """Return what the role prints, by name."""
    functions, stored = run()["functions"], run()
    ours = {name: record["worst"]["ours"]["ulp"] for name, record in functions.items()}
    passes = [record["one pass"]["ulp"] for record in functions.values() if "one pass" in record]
    fast = {f"one pass {name}": ulps(record["one pass"]["ulp"])
            for name, record in functions.items() if "one pass" in record}  # fmt: skip
    bounds = {f"{who} {name}": f"{100 * record[who]:.1f} %"
              for name, record in stored["bounds"].items() for who in ("plain", "ours")}  # fmt: skip
    return {
        "date": stored["date"],
        "seed": str(stored["seed"]),
        "cases": f"{min(record['cases'] for record in functions.values()):,}",
        "values": f"{sum(record['values'] for record in functions.values()):,}",
        "largest": ulps(max(ours.values())),
        "logsumexp": ulps(ours["logsumexp"]),
        "largest in one pass": ulps(max(passes)),
        "machine": ", ".join(str(value) for value in stored["machine"].values()),
        "versions": ", ".join(f"{name} {number}" for name, number in stored["versions"].items()),
        **fast,
        **bounds,
    }


def code(text):
    """Return a text as code that may break after a dot or an underscore."""
    return html("code", text, classes=["literal"])


def number(text):
    """Return a number of a table."""
    return html("span", text, classes=["number"])


def errors():
    """Return the largest error of each function, by library."""
    rows = [
        cells("td", [code(NAMES[name])],
              *([number(ulps(record["worst"][who]["ulp"]))] for who in ("ours", *PEERS)),
              [number(f"{record['cases']:,}")])
        for name, record in run()["functions"].items()
    ]  # fmt: skip
    return table(("Largest error in ulp", "Ours", *PEERS, "Inputs"), rows, "numbers")


def worst():
    """Return the input at which our error is largest."""
    rows = []
    for name, record in run()["functions"].items():
        case = record["worst"]["ours"]
        z = case["z"]
        given = ", ".join(map(repr, z)) if isinstance(z, list) else str(z)
        label = f"; label {case['y']}" if "y" in case else ""
        rows.append(cells("td", [code(NAMES[name])], [number(ulps(case["ulp"]))],
                          [html("span", f"{given}{label}", classes=["number"])]))  # fmt: skip
    return table(("Function", "ulp", "Input"), rows)


def bounds():
    """Return which part of the proved bounds is used."""
    rows = [
        cells("td", [nodes.Text(name.replace(LSE_BELOW, "logsumexp, result below 0.1"))],
              *([number(f"{100 * record[who]:.3g} %")] for who in ("plain", "ours")),
              [number(f"{record['cases']:,}")])
        for name, record in run()["bounds"].items()
    ]  # fmt: skip
    heads = ("Largest part of the bound", "As analysed there", "Ours", "Inputs")
    return table(heads, rows, "numbers")


LSE_BELOW = "logsumexp below 0.1"


def one_pass():
    """Return the errors of the functions that are made for speed, beside the accurate ones."""
    rows = [
        cells("td", [code(NAMES[name])], [number(ulps(record["worst"]["ours"]["ulp"]))],
              [number(ulps(record["one pass"]["ulp"]))],
              [number(f"{record['one pass']['cases']:,}")])
        for name, record in run()["functions"].items() if "one pass" in record
    ]  # fmt: skip
    heads = ("Largest error in ulp", "As a function", "Inside nll_and_gradient", "Inputs there")
    return table(heads, rows, "numbers")


TABLES = {"errors": errors, "worst": worst, "bounds": bounds, "one-pass": one_pass}


class Number(SphinxRole):
    """``{accuracy}`name` ``: a number of the run."""

    def run(self):
        """Return the number."""
        self.env.note_dependency(str(ROOT / RUN))
        if self.text not in numbers():
            message = self.inliner.reporter.error(f"the run has no number {self.text!r}")
            return [], [message]
        return [nodes.inline("", numbers()[self.text], classes=["number"])], []


class Table(SphinxDirective):
    """``{accuracy-table} name``: a table of the run."""

    required_arguments = 1

    def run(self):
        """Return the table."""
        self.env.note_dependency(str(ROOT / RUN))
        if self.arguments[0] not in TABLES:
            raise self.error(f"no table {self.arguments[0]!r}; there are {', '.join(TABLES)}")
        return [TABLES[self.arguments[0]]()]


def setup(app):
    """Register role and directive."""
    app.add_role("accuracy", Number())
    app.add_directive("accuracy-table", Table)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
