"""What the theme needs to work from disk under a strict security policy, and for every reader.

The policy allows files of this site and nothing else: no inline script, no inline style, no
other host. It is the first thing in the head of each page (_templates/base.html).
"""

import re
from functools import cache
from textwrap import shorten

import furo
from docutils import nodes
from sphinx.search.en import SearchEnglish

from .mathml import unbroken

PREVIEW = 201  # characters

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self'; base-uri 'none'"
)

REPAIRS = (
    # A code block that scrolls can be reached with the keyboard.
    (r"<pre>", '<pre tabindex="0">'),
    # The theme draws captions as headings without a level.
    (r'<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    # Roles of citations that ARIA does not allow on these elements, or not in this place.
    (r' role="doc-(?:backlink|biblioentry|noteref)"', ""),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    # Column widths would be inline styles; the browser finds better ones.
    (r"<colgroup>.*?</colgroup>", ""),
)


def preview(doctree):
    """Return what a link to a page shows of it: how its first paragraph begins."""
    first = next(doctree.findall(nodes.paragraph), None) if doctree else None
    return first and shorten(first.astext(), PREVIEW, placeholder=" \N{HORIZONTAL ELLIPSIS}")


def repair(app, pagename, templatename, context, doctree):
    """Give the page its policy and its preview, and repair its body and its navigation."""
    context["content_security_policy"] = POLICY
    context.setdefault("preview", preview(doctree))
    for part in ("body", "furo_navigation_tree", "toc"):
        if markup := context.get(part):
            for pattern, replacement in REPAIRS:
                markup = re.sub(pattern, replacement, markup, flags=re.DOTALL)
            context[part] = unbroken(markup)


def share_navigation(app, pagename, templatename, context, doctree):
    """Let the pages of a folder, which are in no contents, share their navigation: it takes long."""
    folder, _, _ = pagename.rpartition("/")
    if not folder or "toctree" not in context:
        return
    made, make = app.builder.globalcontext.setdefault("made_navigation", {}), context["toctree"]

    def navigation(**options):
        key = folder, *sorted(options.items())
        if key not in made:
            made[key] = make(**options)
        return made[key]

    context["toctree"] = navigation


def setup(app):
    """Run after the theme has made its navigation."""
    # What is the same on many pages is worked out for each of them, which takes long: the stem of a
    # word, and the navigation.
    SearchEnglish.stem = cache(SearchEnglish.stem)
    furo.get_navigation_tree = cache(furo.get_navigation_tree)
    app.connect("html-page-context", share_navigation, priority=100)
    app.connect("html-page-context", repair, priority=900)
