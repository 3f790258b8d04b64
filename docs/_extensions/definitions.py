"""What a page knows of the statements and symbols of other pages, for pointing and for finding.

A page from disk can fetch nothing, so everything stands in one script, ``js/definitions.js``,
which ``js/statements.js`` loads when it is first needed. It defines one value::

    {statements: [{id, title, href, anchors, words, formulas, html}],
     symbols: [{name, letters, html}]}

``words`` and ``formulas`` are what ``js/finding.js`` looks in; ``html`` is what pointing at a
reference shows.
"""

import html
import json
import re
import unicodedata

from docutils import nodes

from .card import of_shape
from .mathml import to_mathml, unbroken
from .records import put
from .statements import ENTRIES, labels, results

MATH = re.compile(r"\$([^$]+)\$")


def prose(text):
    """Return a text with formulas as HTML."""
    return unbroken("".join(
        to_mathml(part, display=False) if place % 2 else html.escape(part)
        for place, part in enumerate(MATH.split(text))
    ))  # fmt: skip


def letters(symbol):
    """Return the plain letters that stand for a symbol: a matrix is also the letter of its entries."""
    mathml = to_mathml(symbol["latex"], display=False)
    letter = unicodedata.normalize("NFKC", re.search(r"<mi[^>]*>([^<]+)</mi>", mathml)[1])
    return sorted({letter, letter.lower()} if " x " in (symbol["shape"] or "") else {letter})


def statement(record, number, href):
    """Return the entry of a statement."""
    formulas = "".join(to_mathml(latex, display=True) for latex in record["results"])
    title = f"{number} {record['title']}".strip()
    words = (record["id"], record["title"], record["summary"], *record["symbols"])
    return {
        "id": record["id"],
        "title": title,
        "href": href,
        "anchors": [record["id"], *(nodes.make_id(f"equation-{n}") for n in labels(record))],
        "words": " ".join(words).lower(),
        "formulas": [*record["results"], record["text"]],
        "html": f"<p>{html.escape(title)}</p>{formulas}",
    }


def symbol_entry(symbol):
    """Return the entry of a symbol."""
    letter, meaning = to_mathml(symbol["latex"], display=False), prose(symbol["meaning"])
    return {
        "name": symbol["name"],
        "letters": letters(symbol),
        "html": f"<p>{letter}: {meaning}{html.escape(of_shape(symbol))}</p>",
    }


def content(app):
    """Return what the script defines."""
    domain, found = app.env.get_domain("statement"), results(app.env)
    return {
        "statements": [
            statement(record, domain.number(name), app.builder.get_target_uri(f"{ENTRIES}/{name}"))
            for name, record in found.statements.items()
        ],
        "symbols": [symbol_entry(symbol) for symbol in found.symbols.values()],
    }


def write(app):
    """Write the script beside those that are copied; it brings no page."""
    value = json.dumps(content(app), ensure_ascii=False, separators=(",", ":"))
    put(app.outdir / "_static/js/definitions.js", f"window.definitions = {value};\n".encode())
    return []


def setup(app):
    """Write the script when the pages are written."""
    app.connect("html-collect-pages", write)
