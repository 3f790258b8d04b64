"""Configuration of the site: everything from disk, nothing from elsewhere, warnings are errors."""

import gc
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS), str(ROOT)]

from _extensions.sources import linkcode_resolve  # noqa: E402, F401 - read by sphinx.ext.linkcode

gc.set_threshold(100_000, 20, 100)  # looking for cycles among the nodes takes a third of a build

project = "LogisticBP"
author = "The LogisticBP authors"
project_copyright = author
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.linkcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "_extensions",
]
exclude_patterns = ["_build", "_pictures", "_plots", "_runs", "_templates", "downloads"]
templates_path = ["_templates"]
nitpicky = True
smartquotes = False  # z' is a name in the reference
numfig = True
math_numfig = True
numfig_secnum_depth = 1
math_eqref_format = "({number})"

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 3

html_theme = "furo"
html_title = "LogisticBP"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_extra_path = ["downloads"]
html_css_files = [
    "css/theme.css",
    "css/mathematics.css",
    "css/statements.css",
    "css/pictures.css",
    "css/definitions.css",
]
html_js_files = [
    ("js/equations.js", {"defer": "defer"}),
    ("js/finding.js", {"defer": "defer"}),
    ("js/statements.js", {"defer": "defer"}),
]
html_search_scorer = str(DOCS / "_static/js/scorer.js")
html_copy_source = False
html_use_index = False  # the formula index, the symbol index and the search serve better
html_domain_indices = False
html_show_search_summary = False  # a summary would be fetched, which a page from disk cannot do
html_show_sphinx = False
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos"

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

toc_object_entries = False  # thousands of functions would stand in the contents of every page
autosummary_generate = False  # numpydoc loads it, and no page uses it
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_use_type_comments = False  # there are none, and looking for them reads each function again
autodoc_preserve_defaults = True  # a style is known by its name, not by all that is in it
numpydoc_show_class_members = False
