"""Pages that show the source, and the places in it that belong to a statement.

Nothing is imported: the files are parsed, so a page can link code that this environment
cannot run.
"""

import ast
from functools import cache

from pygments import highlight
from pygments.filter import simplefilter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Name, Punctuation, Text, Whitespace
from sphinx.util.osutil import relative_uri

from .records import ROOT

SHOWN = ("derivations", "reference_impl", "tests")


@cache
def files():
    """The source files that have a page."""
    paths = (path for top in SHOWN for path in (ROOT / top).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def page(file):
    """The name of the page that shows a file."""
    return f"source/{file.removesuffix('.py')}"


@cache
def _functions(file, _modified):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef))
    return tuple((n.name, n.lineno, ast.get_docstring(n) or "") for n in found)


def functions(file):
    """The functions and classes of a file: name, line, docstring."""
    path = ROOT / file
    return _functions(file, path.stat().st_mtime_ns) if path.exists() else ()


def derivations(file, name):
    """The place in a file where a statement is assigned."""
    path = ROOT / file
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(file, n) for n, line in enumerate(lines, 1) if line.startswith(f"{name} = ")]


def implementations(identifier):
    """The places in reference_impl whose docstring names a statement, its own stem first."""
    stem = f"reference_impl/{identifier.split('.')[0]}.py"
    candidates = sorted(
        (f for f in files() if f.startswith("reference_impl/")), key=lambda f: (f != stem, f)
    )
    return [
        (file, line)
        for file in candidates
        for _, line, text in functions(file)
        if f"``{identifier}``" in text
    ]


def tests(identifier):
    """The tests named after a statement, in the test file of its stem."""
    stem, name = identifier.split(".")
    file = f"tests/test_{stem}.py"
    return [
        (file, line)
        for test, line, _ in functions(file)
        if test == f"test_{name}" or test.startswith(f"test_{name}_")
    ]


def link(from_page, file, line):
    """Return the address, relative to a page, of a line of a file."""
    return f"{relative_uri(f'{from_page}.html', f'{page(file)}.html')}#L-{line}"


def linkcode_resolve(domain, info):
    """Return the address of a function or class for sphinx.ext.linkcode, from the pages in api/."""
    file = f"{info['module'].replace('.', '/')}.py"
    name = info["fullname"].split(".")[0]
    lines = [line for found, line, _ in functions(file) if found == name]
    return f"../{page(file)}.html#L-{lines[0]}" if domain == "py" and lines else None


@simplefilter
def colorless(self, lexer, stream, options):
    """Take the tokens that have no color for text: they are half of the elements of a page."""
    for kind, value in stream:
        yield Text if kind in (Name, Punctuation, Whitespace) else kind, value


def source_pages(app):
    """Give Sphinx a page for each file that is new or changed, or whose navigation has changed."""
    lexer = PythonLexer()
    lexer.add_filter(colorless())
    navigation = (app.srcdir / "index.md").stat().st_mtime
    for file in files():
        path = ROOT / file
        written = app.builder.outdir / f"{page(file)}.html"
        if written.exists() and written.stat().st_mtime > max(path.stat().st_mtime, navigation):
            continue
        formatter = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True)
        code = highlight(path.read_text(encoding="utf-8"), lexer, formatter)
        body = f'<h1><code>{file}</code></h1>\n<div class="source-page">{code}</div>'
        yield page(file), {"title": file, "body": body, "parents": []}, "page.html"


def setup(app):
    """Register the pages."""
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
