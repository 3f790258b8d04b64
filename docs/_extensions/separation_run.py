"""What libraries return on separated data, from the stored run of ``benchmarks.separation``.

``{separation-summary}`` is a table with one line for each data set, ``{separation-answers} name``
one with every answer to a data set, ``{separation-versions}`` says what was run.
"""

import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .elements import html, power
from .indexes import cells, table
from .records import ROOT

RUN = "benchmarks/results/separation.json"
TITLES = {
    "gap": "Six points, a gap",
    "tie": "Six points, a tie",
    "indicator": "An indicator",
    "breast cancer": "Breast cancer",
    "spector": "Spector",
    "three groups": "Three groups",
    "iris": "Iris",
    "iris without setosa": "Iris without setosa",
}
NARROW = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"  # a setting stays on its line
# The answers of the summary: a heading, the library and the first and last words of its setting.
SHOWN = (
    ("scikit-learn, as it is set", "scikit-learn", "lbfgs, tol = 0.0001"),
    ("scikit-learn, tol = 1e-12", "scikit-learn", "lbfgs, tol = 1e-12"),
    ("statsmodels, Newton", "statsmodels", "newton"),
)


def run(env):
    """Return the stored run, and let Sphinx read the page again when it changes."""
    for file in (RUN, "docs/_extensions/separation_run.py"):
        env.note_dependency(str(ROOT / file))
    return json.loads((ROOT / RUN).read_text(encoding="utf-8"))


def number(value):
    """Return a magnitude as the page shows it."""
    if value is None:
        return [nodes.Text("\N{EN DASH}")]
    text = value if isinstance(value, str) else f"{value:.4g}" if value < 1e4 else power(value)
    return [html("span", text.replace("-", "\N{MINUS SIGN}"), classes=["number"])]


def said(answer):
    """Return in a few words what a library said beside its numbers."""
    if answer["raised"]:
        return answer["raised"].partition(":")[0]
    return ", ".join(sorted({w.partition(":")[0] for w in answer["warnings"]})) or "nothing"


def returned(answer, kind):
    """Return the largest coefficient and whether there was a warning, or the error in its place."""
    if answer["raised"]:
        return [nodes.Text(answer["raised"].partition(":")[0])]
    remark = ", warning" if answer["warnings"] else ", no warning" if kind != "overlap" else ""
    return [*number(answer["largest_coefficient"]), nodes.Text(remark)]


class Summary(SphinxDirective):
    """``{separation-summary}``: verdict and largest coefficients for each data set."""

    def run(self):
        """Return the table."""
        rows = []
        for one in run(self.env)["sets"]:
            N, n = one["shape"]
            answers = [
                next(
                    a for a in one["answers"] if a["library"] == library and setting in a["setting"]
                )
                for _, library, setting in SHOWN
            ]
            rows.append(
                cells(
                    "td",
                    [nodes.Text(TITLES[one["name"]])],
                    [
                        nodes.Text(
                            f"{N}\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{n}"
                        )
                    ],
                    [nodes.Text(one["verdict"]["kind"])],
                    *(returned(answer, one["verdict"]["kind"]) for answer in answers),
                )
            )
        return [table(("Data", "Size", "Verdict", *(head for head, *_ in SHOWN)), rows)]


class Answers(SphinxDirective):
    """``{separation-answers} name``: all that was returned for a data set."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Return the table."""
        one = next(s for s in run(self.env)["sets"] if s["name"] == self.arguments[0])
        rows = [
            cells(
                "td",
                [nodes.Text(f"{answer['library']}: {answer['setting']}".replace(" = ", NARROW))],
                number(answer["largest_coefficient"]),
                number(answer["largest_standard_error"]),
                [
                    nodes.Text(
                        {True: "yes", False: "no", None: "\N{EN DASH}"}[answer["says_converged"]]
                    )
                ],
                [nodes.Text(said(answer))],
            )
            for answer in one["answers"]
        ]
        heads = ("Library", "Largest coefficient", "Largest standard error",
                 "Says it converged", "Warns or raises")  # fmt: skip
        return [table(heads, rows)]


class Versions(SphinxDirective):
    """``{separation-versions}``: what was run, and when."""

    def run(self):
        """Return the sentence."""
        stored = run(self.env)
        versions = ", ".join(f"{name} {v}" for name, v in stored["versions"].items())
        text = (
            f"Run on {stored['date']} ({stored['machine']}) with {versions}; no penalty, at most "
            f"{stored['most_steps']} steps. "
        )
        command = nodes.literal("", "python -m benchmarks.separation")
        return [nodes.paragraph("", "", nodes.Text(text), command, nodes.Text(" makes it anew."))]


def setup(app):
    """Register the directives."""
    app.add_directive("separation-summary", Summary)
    app.add_directive("separation-answers", Answers)
    app.add_directive("separation-versions", Versions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
