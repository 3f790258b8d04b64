"""Small sites, built with the extensions of the real one. Needs the environment of the docs."""

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

from _extensions import records
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

DOCS = Path(__file__).resolve().parents[2] / "docs"

EXTENSIONS = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_design", "sphinxcontrib.bibtex",
              "_extensions"]  # fmt: skip
LEVELS = "\n\n".join(
    f"(level-{slug})=\n## {slug}"
    for slug in ("definition", "proved-all-sizes", "lemma", "not-verified")
)
PAGES = {
    "index": "# Start\n\n{st}`a.two`, {eq}`a.two`\n\n"
    "```{toctree}\n:numbered:\n\nfirst\nsecond\n```\n",
    "first": "# First\n\n```{statement} a.one\n```\n\n```{statement} a.two\n:open:\n```\n",
    "second": f"# Second\n\n```{{statement}} b.three\n```\n\n{LEVELS}\n\n```{{symbol-table}}\n```\n\n"
    "```{formula-index}\n```\n\n```{uses-table}\n```\n\n```{statement-levels}\n```\n",
}
STEP = {"relation": "=", "latex": "x x", "text": "x x", "rule": "unfold", "made": True,
        "reason": "the square $x^2$", "cites": ["a.one"], "prose": None}  # fmt: skip


def record(identifier, **changes):
    """Return a statement."""
    concept, name = identifier.split(".")
    return {
        "id": identifier,
        "concept": concept,
        "name": name,
        "title": f"Title of {identifier}",
        "summary": "In words, with $x$ and `code`.",
        "hypotheses": [{"text": "$x$ is real"}],
        "results": ["y = x^2"],
        "chains": [],
        "text": "y = x**2",
        "code": {"latex": "y = x^2", "sympy": "Eq(y, x**2)", "numpy": None, "javascript": None},
        "symbols": ["x"],
        "uses": [],
        "used_by": [],
        "level": "proved, all sizes",
        "source": {"file": f"derivations/{concept}.py"},
        **changes,
    }


STATEMENTS = [
    record("a.one", level="definition", used_by=["a.two"]),
    record("a.two", uses=["a.one"], results=["y = x^2", r"\mathbf{X}^\top \mathbf{y}"],
           chains=[{"title": None, "lhs": "y", "steps": [STEP]}]),
    record("b.three", level="lemma"),
]  # fmt: skip
SYMBOLS = [{"name": "x", "latex": "x", "meaning": "a number", "shape": "scalar", "note_name": ""}]


def outcome(statement, **changes):
    """Return what verification found about a statement."""
    verdicts = {"rule": "checked", "all sizes": "proved", "restated": "not applicable",
                "fingerprints": "agrees", "50 digits": "proved"}  # fmt: skip
    steps = [{"verdicts": verdicts, "flag": False, "points": 24}]
    return {
        "level": statement["level"],
        "flagged": False,
        "seconds": 0.1,
        "failures": [],
        "routes": {key: value for key, value in verdicts.items() if key != "rule"},
        "points": 1234,
        "chains": [{"steps": steps * len(c["steps"])} for c in statement["chains"]],
        **changes,
    }


@dataclass
class Site:
    """A built site: where it is, and what the build complained about."""

    folder: Path
    warnings: list

    def page(self, name):
        """Return the HTML of a page."""
        return (self.folder / f"{name}.html").read_text()


def write(path, content):
    """Write a file, unless that is what stands in it."""
    text = json.dumps(content)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def builder(folder):
    """Return a function that builds a site from pages and statements."""

    def make(pages=PAGES, statements=STATEMENTS, found=None, *, name="site", jobs=1, **settings):
        source = folder / name
        source.mkdir(exist_ok=True)
        (source / "references.bib").write_text(
            "@book{key, author={A. Author}, title={T}, publisher={P}, year={1}}"
        )
        for page, text in pages.items():
            (source / f"{page}.md").write_text(text)
        results = {
            "formulas": {"schema": 1, "statements": statements, "symbols": SYMBOLS},
            "verification": {
                "date": "2026-01-01", "versions": {"python": "3"}, "seconds": 1.0,
                "statements": found or {s["id"]: outcome(s) for s in statements},
            },
            "evidence": {"date": "2026-01-01", "versions": {}, "statements": {
                "a.two": {"cases": 3, "largest_error_ulp": 1.5, "worst": "x = 2",
                          "oracles": ["50 digits"]},
            }},
            "errata": {"errata": [], "note": []},
        }  # fmt: skip
        formulas = source / "formulas.json"
        write(formulas, results["formulas"])
        results["evidence"]["measured"] = records.measured(formulas)
        for kind, content in results.items():
            write(source / f"{kind}.json", content)
        warnings = io.StringIO()
        settings = {
            "extensions": EXTENSIONS, "project": name, "html_theme": "furo",
            "myst_enable_extensions": ["dollarmath"], "nitpicky": True, "numfig": True,
            "math_numfig": True, "numfig_secnum_depth": 1, "html_math_renderer": "mathml",
            "math_eqref_format": "({number})", "bibtex_bibfiles": ["references.bib"],
            "exclude_patterns": ["_build"], "templates_path": [str(DOCS / "_templates")],
            **{f"statements_{kind}": str(source / f"{kind}.json") for kind in results},
            **settings,
        }  # fmt: skip
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                source, None, source / "_build", source / "_doctrees", "html",
                confoverrides=settings, status=None, warning=warnings, parallel=jobs,
            )  # fmt: skip
            app.build()
        lines = re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()).splitlines()
        return Site(source / "_build", [l for l in lines if "WARNING" in l or "ERROR" in l])

    return make
