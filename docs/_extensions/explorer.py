"""The explorer: in the browser runs the code that was printed from the verified statements.

``{explorer}`` puts the formulas of the layers on a page, which is all of it where no script runs;
``{explorer} #m=...`` starts it in the situation of that address. The scripts of
_static/js/explorer draw it. `script` assembles formulas.js, one function for each statement
that they call, from the JavaScript of formulas.json; the misprints of the note come from the same
printer.
"""

from sphinx.errors import ExtensionError

from . import card, errata_cards, records
from .elements import directive, html, paragraph, reference
from .statements import results, shown

# What each layer computes: under which kind, how it is called, and its statements for RULE 1, 2, 3.
LAYERS = {
    "linear": ("Linear", "linear.forward", "linear.backward", "linear.parameter_gradient"),
    "log_sigmoid": ("Log-sigmoid", "sigmoid.stable", "activations.log_sigmoid_backward"),
    "sigmoid": ("Sigmoid", "activations.sigmoid_forward", "activations.sigmoid_backward"),
    "tanh": ("Tanh", "activations.tanh_forward", "activations.tanh_backward"),
    "log_softmax": ("Log-softmax", "log_softmax.forward", "log_softmax.backward"),
    "nll": ("NLL", "nll.forward", "nll.backward"),
}
STATEMENTS = (
    *dict.fromkeys(name for _, *rules in LAYERS.values() for name in rules),
    "activations.log_sigmoid_jacobian",
    "activations.sigmoid_jacobian",
    "activations.tanh_jacobian",
    "activations.any_function_second_order",
    "log_softmax.jacobian",
    "log_softmax.second_order",
    "nll.jacobian",
    "sigmoid.second_derivative",
    "identification.sum_to_zero",
    "logistic.nll_hessian",
    "logistic.no_mle_when_separable",
    "softmax.nll_hessian",
)
COMPUTED_MISPRINTS = ("a3", "a4", "a8")
MISPRINTS = ("a1", *COMPUTED_MISPRINTS, "a10")  # A1 has no value, A10 is RULE 3 for one point

FILE = "js/explorer/formulas.js"
SCRIPTS = (
    "formulas", "eigen", "models", "check", "descent", "dom", "state", "plane", "strip", "panels",
    "main",
)  # fmt: skip
HEAD = """\
// Printed from the verified statements: nothing here is written by hand.
"use strict";
const Formulas = {};
"""


def function(name, code):
    """Return the lines that give the first of some printed functions its place."""
    first = code.partition("export function ")[2].partition("(")[0]
    body = code.replace("export function ", "function ").rstrip()
    return f'\nFormulas["{name}"] = (() => {{\n{body}\nreturn {first};\n}})();\n'


def printed(name):
    """Return the JavaScript of the formula that a row of the errata shows as the note prints it."""
    from derivations.language import terms
    from derivations.language.statement import Chain, Statement
    from derivations.note import errata
    from derivations.prints import javascript_code

    row = errata.errata()[name]
    wrong = row.claims[0].right
    at = tuple(sorted(terms.free_indices(wrong), key=lambda index: index.name))
    return javascript_code.javascript_code(
        Statement(row.title, "", (Chain(wrong, (), at),)), f"errata.{name}", as_written=True
    )


def script(statements, names=STATEMENTS, misprints=COMPUTED_MISPRINTS):
    """Return formulas.js.

    Raises
    ------
    ExtensionError
        If a statement is unknown or has no JavaScript.
    """
    codes = {name: statements.get(name, {}).get("code", {}).get("javascript") for name in names}
    codes |= {f"errata.{name}": printed(name) for name in misprints}
    if missing := [name for name, code in codes.items() if not code]:
        raise ExtensionError(f"the explorer needs JavaScript for {', '.join(missing)}")
    return HEAD + "".join(function(name, code) for name, code in codes.items())


def rule(number, record):
    """Return what a layer computes in one of the rules: the formula, and whose it is."""
    said = html("span", f"RULE {number}", classes=["ex-rule-name"])
    line = html("div", said, " ", reference(record["id"]), classes=["ex-rule-head"])
    return html("div", line, card.equation(record["results"][0]), classes=["ex-rule"],
                data_statement=record["id"])  # fmt: skip


def layer_rules(kind, statements):
    """Return the rules of a layer."""
    title, *names = LAYERS[kind]
    rules = [rule(number, statements[name]) for number, name in enumerate(names, 1)]
    return html("div", html("p", title, classes=["ex-kind"]), *rules, data_kind=kind)


def misprint(row):
    """Return a row of the errata: what is printed, and a link to what is right."""
    printed = html("div", "As the note prints it: ", errata_cards.linked(row))
    return html("div", printed, card.equation(row["printed"]), data_erratum=row["name"],
                data_title=errata_cards.said(row))  # fmt: skip


def explorer(page, start=None):
    """``{explorer}``: the explorer, and what it is about for those whose browser runs no script.

    An address such as a link of the explorer has, ``#m=binary&p=...``, is where it starts.
    """
    found = shown(page.env)
    about = paragraph(
        "The explorer needs JavaScript, and your browser runs none here. This is what its layers "
        "compute, forward by RULE 1, backward by RULE 2, and for their parameters by RULE 3."
    )
    layers = [layer_rules(kind, found.statements) for kind in LAYERS]
    wrong = [misprint(row) for row in found.errata["errata"] if row["name"] in MISPRINTS]
    inside = html("div", about, html("div", *layers, classes=["ex-rules"]),
                  html("div", *wrong, classes=["ex-misprints"]), classes=["ex-static"])  # fmt: skip
    starts = {"data_start": start} if start else {}
    return [html("div", inside, classes=["explorer"], ids=["explorer"], role="group",
                 aria_label="Explorer", **starts)]  # fmt: skip


def add_scripts(app, pagename, templatename, context, doctree):
    """Give the page with the explorer, and no other, its scripts; formulas.js is written for it."""
    if 'class="explorer"' in context.get("body", ""):
        text = script(results(app.env).statements)
        records.put(app.outdir / "_static" / FILE, text.encode())
        for name in SCRIPTS:
            app.add_js_file(f"js/explorer/{name}.js", defer="defer")
        app.add_css_file("css/explorer.css")


def setup(app):
    """Register the directive, and add what it runs."""
    directive(app, "explorer", explorer, optional_arguments=1)
    app.connect("html-page-context", add_scripts)
