"""Mathematics as MathML, converted when the site is built: no script, no request, any reader.

The TeX of a displayed formula stays in the page as an annotation, to be copied. A formula that cannot
be converted is a warning, and warnings are errors here, so a bad macro stops the build.
"""

import re

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

# The declarations that the converter writes into table cells and spaces. The page's security policy
# allows no style attribute, so each becomes a class, which _static/css/mathematics.css defines.
CELL_STYLES = {
    "text-align: left": "m-left",
    "text-align: right": "m-right",
    "text-align: center": "m-center",
    "justify-items: start": "",
    "justify-items: end": "",
    "justify-items: center": "",
    "padding-left: 0": "m-pl0",
    "padding-right: 0": "m-pr0",
    "padding-left: 1em": "m-pl1",
    "padding-left: 0.1667em": "m-pl-thin",
    "padding-right: 0.1667em": "m-pr-thin",
}

# A prime on a letter. Its glyph is made to be raised already; as a superscript it would be raised
# twice and too small, since browsers do not ask the font for the form meant for scripts.
PRIME = re.compile(r"<msup>(<mi[^>]*>[^<]*</mi>)<mo>([\u2032-\u2034\u2057])</mo></msup>")
PRIME_AND_INDEX = re.compile(
    r"<msubsup>(<mi[^>]*>[^<]*</mi>)(<mi[^>]*>[^<]*</mi>|<mrow>(?:<m[ino]>[^<]*</m[ino]>)*</mrow>)"
    r"<mo>([\u2032-\u2034\u2057])</mo></msubsup>"
)
LETTER_WITH_PRIME = r'<mrow>\1<mo lspace="0" rspace="0">\{}</mo></mrow>'

# A letter that hangs below the line: browsers would hang its index below it, lower than that of an x.
HANGING = re.compile(r"(<msub(?:sup)?>)(<mi[^>]*>[fgjpqy𝐠𝐩𝐪𝐲βγζημξρφϕχψ]</mi>)")
LIFTED = r'\1<mpadded depth="0">\2</mpadded>'

# The name of an operator, which the converter keeps in a group with a space of no width.
NAME = re.compile(r"<mrow><mspace/>(<mi[^>]*>[^<]*</mi>)</mrow>")

# Where a long formula may go on in the next line: before a relation, and after a wide space.
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\S|\s+", re.DOTALL)
RELATIONS = {"=", "<", ">", *(rf"\{name}" for name in (
    "le", "leq", "ge", "geq", "ne", "approx", "equiv", "sim", "propto", "preceq", "succeq", "to",
    "Rightarrow", "Leftrightarrow", "implies", "iff",
))}  # fmt: skip
OPENS, CLOSES = {"{", "(", "[", r"\{", r"\left"}, {"}", ")", "]", r"\}", r"\right"}
SPACES = {r"\quad", r"\qquad"}
SHORT = 26  # characters that a telephone has room for


def parts(latex):
    """Return the parts of a formula between which a line may end; a short one has a single part."""
    tokens = TOKEN.findall(latex)
    printed = sum(not (token.isspace() or token in "{}^_" or token in SPACES) for token in tokens)
    if printed <= SHORT or r"\begin" in tokens or r"\\" in tokens or "&" in tokens:
        return [latex]
    found, depth, before = [""], 0, ""
    for token in tokens:
        if before not in (r"\left", r"\right"):  # what follows belongs to it
            depth += (token in OPENS) - (token in CLOSES)
        if depth == 0 and found[-1].strip() and (token in RELATIONS or before in SPACES):
            found.append("")
        found[-1] += token
        before = token if not token.isspace() else before
    return [part.strip() for part in found]


# Displayed formulas with their TeX, those in a line without: two elements less for each.
CONVERTERS = {kind: LatexToMathML(annotation=kind, fancy_error=False) for kind in (False, True)}

# A formula in a line that is set like a displayed one.
DISPLAYED = re.compile(
    r'^<math><mrow displaystyle="true" scriptlevel="0">(.*)</mrow></math>$', re.DOTALL
)

# Formulas in a line with what touches them.
TOUCHED = re.compile(
    r'(?<![^\s>])[^\s<>]*(?:<math(?: displaystyle="true")?>.*?</math>[^\s<>]*)+', re.DOTALL
)
ALONE = re.compile(r"<math((?!<math).)*</math>", re.DOTALL)


def unbroken(markup):
    """Let no line end between a formula and what touches it, such as a full stop."""
    return TOUCHED.sub(
        lambda m: m[0] if ALONE.fullmatch(m[0]) else f'<span class="unbroken">{m[0]}</span>', markup
    )


def classes_for_styles(match):
    """Return a class attribute that says what a style attribute said."""
    declarations = re.findall(r"([\w-]+): *([^;]*[^; ])", match[1])
    return f' class="{" ".join(filter(None, (CELL_STYLES[": ".join(d)] for d in declarations)))}"'


def to_mathml(latex, *, display):
    """Convert TeX to MathML.

    Raises
    ------
    ValueError
        If the TeX is not understood.
    """
    latex = latex.strip()
    if display and (r"\\" in latex or "&" in latex) and r"\begin{" not in latex:
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    try:
        mathml = CONVERTERS[display].convert_with_local_state(latex, displaystyle=display)
        mathml = PRIME.sub(LETTER_WITH_PRIME.format(2), mathml)
        mathml = PRIME_AND_INDEX.sub(rf"<msub>{LETTER_WITH_PRIME.format(3)}\2</msub>", mathml)
        mathml = HANGING.sub(LIFTED, mathml)
        mathml = NAME.sub(r"\1", mathml)
        mathml = DISPLAYED.sub(r'<math displaystyle="true">\1</math>', mathml)
        return re.sub(r' style="([^"]*)"', classes_for_styles, mathml)
    except (LatexError, KeyError) as error:
        raise ValueError(f"cannot convert {latex!r}: {error}") from error


def converted(writer, node, latex, *, display):
    """Convert the TeX of a node; warn and show it where that fails."""
    try:
        return to_mathml(latex, display=display)
    except ValueError as error:
        logger.warning("%s", error, location=node, type="mathml")
        return f"<code>{writer.encode(latex)}</code>"


def visit_inline(writer, node):
    """Write a formula inside a line."""
    writer.body.append(converted(writer, node, node.astext(), display=False))
    raise nodes.SkipNode


def visit_block(writer, node):
    """Write a displayed formula: it scrolls in its own box, and its number stands beside it."""
    number = get_node_equation_number(writer, node) if node["number"] else ""
    anchored = getattr(node.parent, "attributes", {}).get("ids")  # the theme's wrapper has the id
    anchor = "" if anchored or not node["ids"] else f' id="{node["ids"][0]}"'
    label = f"Equation {number}" if number else "Equation"
    formula = parts(node.astext())
    drawn = "".join(converted(writer, node, part, display=True) for part in formula)
    writer.body.append(
        f'<div class="math{" numbered" if number else ""}"{anchor}>'
        f'<div class="math-scroll{" breaks" if len(formula) > 1 else ""}" role="group" tabindex="0"'
        f' aria-label="{label}">{drawn}</div>'
    )
    if number:
        link = f'<a href="#{node["ids"][0]}" title="Link to this equation">({number})</a>'
        writer.body.append(f'<span class="eqno">{link}</span>')
    writer.body.append("</div>")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
