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


def text(file):
    """The text of a file; nothing where there is none."""
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.exists() else ""


@cache
def functions(file):
    """The functions, methods and classes of a file: name, line, docstring."""
    found = (
        n for n in ast.walk(ast.parse(text(file))) if isinstance(n, ast.FunctionDef | ast.ClassDef)
    )
    return [(n.name, n.lineno, ast.get_docstring(n) or "") for n in found]


def places(record):
    """Where a statement is derived, implemented and tested: the first file and line of each.

    It is derived where its name is assigned, implemented where a docstring names it, in its own stem
    before others, and tested where a function is named after it.
    """
    name, derived = record["name"], record["source"]["file"]
    own, test = f"reference_impl/{record['concept']}.py", f"tests/test_{record['concept']}.py"
    code = sorted(
        (f for f in files() if f.startswith("reference_impl/")), key=lambda f: (f != own, f)
    )
    lines = enumerate(text(derived).splitlines(), 1)
    found = {
        "derivation": ((derived, n) for n, line in lines if line.startswith(f"{name} = ")),
        "implementation": ((file, n) for file in code for _, n, said in functions(file)
                           if f"``{record['id']}``" in said),
        "test": ((test, n) for known, n, _ in functions(test)
                 if f"{known}_".startswith(f"test_{name}_")),
    }  # fmt: skip
    return {kind: first for kind, here in found.items() if (first := next(here, None))}


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
