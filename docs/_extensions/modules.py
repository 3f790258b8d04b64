"""The API reference: a page for each module of a package, and a list of them.

The page ``api/<module>`` is written here, with the functions and classes that the module defines;
where a docstring begins with the id of a statement, its formula stands above it. ``{modules}
package`` lists the pages of a package with what each module is about.
"""

import ast
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from numpydoc import docscrape_sphinx

from .elements import directive, html, link, prose
from .records import write_pages
from .statements import results
from .tables import Table

PACKAGES = ("derivations", "reference_impl")
PAGE = """\
---
orphan: true
---
(api-{module})=
# `{module}`

```{{eval-rst}}
.. automodule:: {module}{members}
```
"""
STATED = re.compile(r"``([a-z_]+\.\w+)``")


def files(root, package):
    """Return the modules of a package, its subpackages included: file by name."""
    found = (f for f in sorted((root / package).rglob("*.py")) if not f.stem.startswith("__"))
    return {".".join(f.relative_to(root).with_suffix("").parts): f for f in found}


def page(module, file):
    """Return the source of the page of a module.

    It names what is public: autodoc would look at every other name too, and the repr of a
    statement proves it.
    """
    kinds = ast.FunctionDef | ast.ClassDef
    found = (
        n.name for n in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(n, kinds)
    )
    names = ", ".join(name for name in found if not name.startswith("_"))
    return PAGE.format(module=module, members=f"\n   :members: {names}" if names else "")


def write(app):
    """Write the pages of all modules, of the packages that stand beside the folder of the pages."""
    root = app.srcdir.parent
    pages = {m: page(m, file) for p in PACKAGES for m, file in files(root, p).items()}
    write_pages(app.srcdir / "api", pages)


def modules(page, package):
    """``{modules} package``: its modules, each with a link and the first line of its docstring."""

    def about(row):
        page.env.note_dependency(str(row[1]))
        said = ast.get_docstring(ast.parse(row[1].read_text(encoding="utf-8"))) or ""
        return prose(" ".join(said.partition("\n\n")[0].replace("``", "`").split()))

    def name(row):
        return link("std", "ref", f"api-{row[0]}".lower(), html("code", row[0]))

    columns = [("Module", name), ("About", about)]
    return [
        Table(list(files(page.env.srcdir.parent, package).items()), columns, kind="modules").node()
    ]


def keep_bars(app, what, name, obj, options, lines):
    """Let ``|t|`` in a docstring be an absolute value, not a substitution."""
    lines[:] = [re.sub(r"(``.*?``)|\|", lambda m: m[1] or r"\|", line) for line in lines]


def show_formula(app, what, name, obj, options, lines):
    """Put the formula of the statement that a docstring begins with above it."""
    stated = STATED.match("".join(lines[:2]))  # numpydoc leaves the first line empty
    if what != "module" and stated and stated[1] in results(app.env).statements:
        lines[:0] = [f".. result:: {stated[1]}", "   :first:", ""]


def setup(app):
    """Register the directive, and write the pages."""
    # numpydoc keeps its template, which it would compile again for each docstring.
    loader = FileSystemLoader(Path(docscrape_sphinx.__file__).parent / "templates")
    kept = Environment(loader=loader)
    docscrape_sphinx.SandboxedEnvironment = lambda loader: kept
    app.setup_extension("numpydoc")
    directive(app, "modules", modules, required_arguments=1)
    app.connect("builder-inited", write)
    app.connect("autodoc-process-docstring", keep_bars, priority=400)
    app.connect("autodoc-process-docstring", show_formula, priority=600)  # after numpydoc
