"""Pages that show the source, and the places in it that belong to a statement.

Nothing is imported: the files are parsed, so a page can link code that this environment
cannot run.
"""

import ast
import re
from functools import cache
from html import escape
from keyword import kwlist

from sphinx.util.osutil import relative_uri

from .records import ROOT

# The tokens of Python that have a colour, by the classes of Pygments.
TOKEN = re.compile(
    r"(?P<c1>#.*)"
    r"|(?P<s2>(?:\b[rbfRBF]{1,2})?(?:\"\"\"(?s:\\.|.)*?\"\"\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?<=\bdef )(?P<nf>\w+)|(?<=\bclass )(?P<nc>\w+)|^ *(?P<nd>@[\w.]+)"
    rf"|(?P<k>\b(?:{'|'.join(kwlist)})\b)|(?P<mi>\b\d[\w.]*)",
    re.MULTILINE,
)
SHOWN = "derivations/**/*.py", "reference_impl/**/*.py", "tests/test_*.py"


@cache
def files():
    """The source files that have a page."""
    paths = (path for pattern in SHOWN for path in ROOT.glob(pattern))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def page(file):
    """The name of the page that shows a file."""
    return f"source/{file.removesuffix('.py')}"


@cache
def functions(file):
    """The functions and classes of a file: name, line, docstring."""
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8") if path.exists() else "")
    found = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef))
    return [(n.name, n.lineno, ast.get_docstring(n) or "") for n in found]


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


def highlighted(code):
    """Return Python as HTML: each line a link to itself, the tokens that have a colour in spans.

    This is what Pygments would write, in a tenth of its time, which on thousands of lines is seconds.
    """
    parts, end = [], 0
    for token in TOKEN.finditer(code):
        parts.append(escape(code[end : token.start()], quote=False))
        end = token.end()
        lines = escape(token[0], quote=False).split("\n")  # each line of a long text is coloured
        parts.append(
            "\n".join(line and f'<span class="{token.lastgroup}">{line}</span>' for line in lines)
        )
    lines = "".join([*parts, escape(code[end:], quote=False)]).rstrip("\n").split("\n")
    width = len(str(len(lines)))
    return "".join(
        f'<a id="L-{n}" name="L-{n}"></a><a href="#L-{n}"><span class="linenos">{n:{width}}</span></a>'
        f"{line}\n"
        for n, line in enumerate(lines, 1)
    )


def source_pages(app):
    """Give Sphinx a page for each file that is new or changed, or whose navigation has changed."""
    navigation = (app.srcdir / "index.md").stat().st_mtime
    for file in files():
        path = ROOT / file
        written = app.builder.outdir / f"{page(file)}.html"
        if written.exists() and written.stat().st_mtime > max(path.stat().st_mtime, navigation):
            continue
        code = highlighted(path.read_text(encoding="utf-8"))
        body = (
            f'<h1><code>{file}</code></h1>\n<div class="source-page">'
            f'<div class="highlight"><pre>{code}</pre></div></div>'
        )
        yield page(file), {"title": file, "body": body, "parents": []}, "page.html"


def setup(app):
    """Register the pages."""
    app.connect("html-collect-pages", source_pages)
