"""Where things stand, who imports whom, and what no source may do.

Each rule is a function from source to complaints; it is run over the project, where it must be
silent, and over small bad sources, where it must speak.
"""

import ast
import codecs
import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]


def kept(folder: Path = ROOT) -> Iterator[Path]:
    """Every file below a folder that .gitignore does not name."""
    for path in sorted(folder.iterdir()):
        names = (path.name, path.relative_to(ROOT).as_posix())
        if path.name == ".git" or any(fnmatch.fnmatch(n, p) for n in names for p in IGNORED):
            continue
        if path.is_dir():
            yield from kept(path)
        else:
            yield path


FILES = list(kept())
SOURCES = [path for path in FILES if path.suffix == ".py"]


def below(folder: str) -> list[Path]:
    return [path for path in SOURCES if path.is_relative_to(ROOT / folder)]


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def complaints(rule, paths) -> list[str]:
    """What a rule says about files; a rule that is given no files has checked nothing."""
    assert paths, f"{rule.__name__} was given nothing to look at"
    return [f"{short(path)}:{text}" for path in paths for text in rule(path.read_text())]


# ------------------------------------------------------------------ who imports whom


ALLOWED = {
    "derivations/language": ("derivations.language", "mpmath", "sympy"),
    "derivations/proof": ("derivations.language", "derivations.proof", "mpmath", "sympy"),
    "derivations/prints": ("derivations.language", "derivations.prints", "sympy"),
    "derivations": ("derivations", "mpmath", "rich", "sympy"),
    "reference_impl": ("reference_impl", "numpy", "scipy"),
}
# Optional, and imported when it is used.
ALLOWED_IN = {
    "reference_impl/check/bring_jax.py": ("jax",),
    "reference_impl/check/bring_torch.py": ("torch",),
    "reference_impl/engine/compiled.py": ("numba",),
    "reference_impl/engine/distributed.py": ("dask",),
    "reference_impl/pytest_plugin.py": ("pytest",),
    "reference_impl/quiet.py": ("threadpoolctl",),
}


def imported(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module of a package imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) + 1 - node.level] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def foreign_imports(source: str, package: str, allowed: tuple[str, ...]) -> list[str]:
    return [
        f"{line}: imports {name}"
        for line, name in imported(source, package)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == a or name.startswith(a + ".") for a in allowed)
    ]


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports(folder):
    paths = below(folder)
    assert paths
    found = [
        f"{short(path)}:{text}"
        for path in paths
        for text in foreign_imports(
            path.read_text(),
            short(path.parent).replace("/", "."),
            ALLOWED[folder] + ALLOWED_IN.get(short(path), ()),
        )
    ]
    assert found == []


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("derivations", "import reference_impl"),
        ("derivations", "import numpy as np"),
        ("derivations", "def f():\n    from reference_impl.logistic import nll"),
        ("derivations", "from .. import reference_impl"),
        ("reference_impl", "from derivations import logistic"),
        ("reference_impl", "import sympy"),
        ("reference_impl", "def f():\n    import dask"),
        ("reference_impl", "from ..derivations import logistic"),
        ("derivations/proof", "from derivations import logistic"),
        ("derivations/language", "import derivations"),
        ("derivations/proof", "from ..sigmoid import derivative"),
        ("derivations/prints", "from .. import notation"),
        ("derivations/language", "from derivations.proof import rules"),
    ],
)
def test_a_foreign_import_is_seen(folder, source):
    assert len(foreign_imports(source, folder.replace("/", "."), ALLOWED[folder])) == 1


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("derivations", "from derivations import sigmoid\nfrom . import linear\nimport json"),
        ("derivations/language", "from . import terms\nfrom .terms import Sum\nimport sympy"),
        ("reference_impl", "import scipy.linalg\nfrom .arguments import matrix"),
    ],
)
def test_an_own_import_is_allowed(folder, source):
    assert foreign_imports(source, folder.replace("/", "."), ALLOWED[folder]) == []


@pytest.mark.parametrize(
    ("package", "foreign"),
    [
        ("derivations", ("numpy", "reference_impl")),
        ("reference_impl", ("dask", "derivations", "jax", "sympy", "torch")),
    ],
)
def test_imports_at_run_time(package, foreign):
    """The same rule where it counts: nothing else is loaded, however it was asked for."""
    modules = [short(p).removesuffix(".py").replace("/", ".") for p in below(package)]
    modules = [name.removesuffix(".__init__") for name in modules if "__main__" not in name]
    assert modules
    program = f"import sys, {', '.join(modules)}; print({set(foreign)} & sys.modules.keys())"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.stdout.strip(), run.stderr) == ("set()", "")


# ------------------------------------------------------------- what no source may do


def called_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def holds_text(node: ast.expr) -> bool:
    """Whether an argument is, or directly contains, a string."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return any(holds_text(part) for part in parts)
        case ast.Dict(keys=keys, values=values):
            return any(holds_text(part) for part in [*keys, *values] if part)
    return False


# Each of these runs a string, or bytes, that it is given.
RUNS_TEXT = {
    "__import__", "eval", "exec", "parse_expr", "parse_latex", "parse_mathematica",
    "popen", "sympify", "system",
}  # fmt: skip
# Each of these parses a string where it expects an expression.
PARSES_TEXT = {
    "Add", "Eq", "ImmutableMatrix", "Integer", "Lambda", "Matrix", "Mul", "Pow", "Rational", "S",
    "cancel", "diff", "expand", "factor", "integrate", "lambdify", "limit", "nsimplify", "series",
    "simplify", "solve", "subs", "xreplace",
}  # fmt: skip
UNSAFE_MODULES = {"cloudpickle", "dill", "marshal", "pickle", "shelve"}


def unsafe(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=func, args=args, keywords=keywords):
                name = called_name(func)
                if name in RUNS_TEXT and not (name == "system" and not args):
                    found.append(f"{node.lineno}: calls {name}")
                if name in PARSES_TEXT and any(holds_text(arg) for arg in args):
                    found.append(f"{node.lineno}: {name} parses a string")
                if name == "load" and getattr(getattr(func, "value", None), "id", "") == "yaml":
                    found.append(f"{node.lineno}: calls yaml.load")
                for keyword in keywords:
                    if keyword.arg in ("allow_pickle", "shell") and not (
                        isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                    ):
                        found.append(f"{node.lineno}: passes {keyword.arg}")
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                whole = {alias.name.split(".")[0] for alias in names}
                if isinstance(node, ast.ImportFrom) and node.module:
                    whole |= {node.module.split(".")[0]}
                found += [
                    f"{node.lineno}: imports {name}"
                    for name in sorted(whole & (UNSAFE_MODULES | RUNS_TEXT))
                ]
    return found


def test_no_source_runs_text():
    assert complaints(unsafe, SOURCES) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(code)",
        "builtins.eval(code)",
        "from sympy import sympify",
        "sympy.sympify(x)",
        "sympy.S('x')",
        "S(f'{x}')",
        "parse_expr(x)",
        "e.subs({'x': 1})",
        "e.subs(x, 'y')",
        "Matrix([['x', 1]])",
        "e.diff('x')",
        "lambdify('x', e)",
        "import pickle",
        "from pickle import loads",
        "import sympy, marshal",
        "yaml.load(stream)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "subprocess.run(command, shell=True)",
        "os.system(command)",
        "os.popen(command)",
        "__import__(name)",
    ],
)
def test_an_unsafe_source_is_seen(source):
    assert len(unsafe(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "sympy.S.One",
        "sympy.Symbol('x', real=True)",
        "e.subs({x: 1})",
        "np.load(path, allow_pickle=False)",
        "subprocess.run(['make', 'test'], shell=False)",
        "platform.system()",
        "json.load(stream)",
        "'eval(x)'",
    ],
)
def test_a_safe_source_is_allowed(source):
    assert unsafe(source) == []


# ------------------------------------------------------------------- one comparison


# Each of these has an absolute tolerance, accepts NaN, broadcasts, or passes on no entries.
COMPARISONS = {
    "allclose", "almost_equal", "almosteq", "approx", "assertAlmostEqual", "assert_allclose",
    "assert_almost_equal", "assert_approx_equal", "assert_array_almost_equal",
    "assert_array_almost_equal_nulp", "assert_array_equal", "assert_array_max_ulp", "assert_close",
    "assert_equal", "isclose",
}  # fmt: skip


def distance(node: ast.expr) -> bool:
    """Whether an expression is the size of a difference: abs(a - b), np.max(np.abs(a - b))."""
    return (
        isinstance(node, ast.Call)
        and called_name(node.func) in ("abs", "absolute", "fabs", "max", "norm")
        and any(
            distance(arg) or (isinstance(arg, ast.BinOp) and isinstance(arg.op, ast.Sub))
            for arg in node.args[:1]
        )
    )


def own_comparison(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                if name in COMPARISONS:
                    found.append(f"{node.lineno}: {name}")
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()]):
                if distance(left):
                    found.append(f"{node.lineno}: a distance against a tolerance")
    return found


def test_one_comparison():
    tests = [path for path in below("tests") if path.name.startswith("test_")]
    assert complaints(own_comparison, tests) == []


@pytest.mark.parametrize(
    "source",
    [
        "np.allclose(a, b)",
        "assert np.isclose(a, b).all()",
        "np.testing.assert_allclose(a, b, rtol=1e-9)",
        "assert a == pytest.approx(b)",
        "from numpy.testing import assert_allclose",
        "assert math.isclose(a, b)",
        "torch.testing.assert_close(a, b)",
        "assert abs(a - b) < 1e-9",
        "assert np.abs(a - b).max() < 1e-9 and np.linalg.norm(a - b) <= tol",
        "assert np.max(np.abs(a - b)) < tol * np.max(np.abs(b))",
    ],
)
def test_another_comparison_is_seen(source):
    assert len(own_comparison(source)) == 1


@pytest.mark.parametrize(
    "source", ["compare.equal(a, b)", "assert np.array_equal(a, b)", "assert abs(t) < 1"]
)
def test_the_one_comparison_is_allowed(source):
    assert own_comparison(source) == []


# --------------------------------------------------------------------------- words


# What has no place in the project, turned by thirteen letters so that this file may hold it.
WORDS = [
    codecs.decode(word, "rot13")
    for word in (
        "naguebcvp", "pungtcg", "pynhqr", "pbcvybg", "ynathntr zbqry", "fhontrag", "fho-ntrag",
        "/jbex/", "/gzc/", "funerq/qrfvta", "funerq/frrq", "clcv.bet",
        "clgubaubfgrq", "ertvfgel.acz",
    )
]  # fmt: skip
FOREIGN_WORD = re.compile(
    "|".join([*map(re.escape, WORDS), r"\bissue[ #]*[0-9]\b", r"\b(TODO|FIXME|XXX)\b"]),
    re.IGNORECASE,
)


def foreign_words(text: str) -> list[str]:
    return [
        f"{number}: {found.group()!r}"
        for number, line in enumerate(text.splitlines(), 1)
        for found in FOREIGN_WORD.finditer(line)
    ]


def is_text(path: Path) -> bool:
    try:
        return b"\0" not in path.read_bytes()[:1024] and bool(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return False


def test_words():
    texts = [path for path in FILES if is_text(path) and path != Path(__file__).resolve()]
    assert complaints(foreign_words, texts) == []


def test_a_foreign_word_is_seen():
    bad = [*WORDS, *(word.upper() for word in WORDS), "see issue 7", "# todo: more".upper()]
    assert [text for text in bad if len(foreign_words(text)) != 1] == []
    assert foreign_words("the issue is 12 rows; sympy/sympy#21891; a pytest session") == []


# ---------------------------------------------------------------------- the layout


LAYOUT = {
    ".ci", ".github", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CITATION.cff",
    "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "benchmarks", "derivations", "docs",
    "pyproject.toml", "reference_impl", "requirements", "tests",
}  # fmt: skip


def test_layout():
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == LAYOUT


# A concept is a stem of derivations/. These files there are not concepts.
NOT_CONCEPTS = {
    *("__init__", "__main__", "derive", "forward_pass", "from_sympy", "loops", "new", "notation"),
}
CONCEPTS = sorted(
    path.stem for path in (ROOT / "derivations").glob("*.py") if path.stem not in NOT_CONCEPTS
)


def faces(concept: str) -> list[str]:
    """The files in which a concept has to show itself."""
    return [f"reference_impl/{concept}.py", f"tests/test_{concept}.py", f"docs/{concept}.md"]


@pytest.mark.parametrize("concept", CONCEPTS)
def test_stem(concept):
    assert [face for face in faces(concept) if not (ROOT / face).is_file()] == []


# ------------------------------------------------------------------ the same names


STATEMENTS = {
    record["id"]: record
    for record in json.loads((ROOT / "docs/downloads/formulas.json").read_text())["statements"]
}
QUOTED_ID = re.compile(r"``([a-z_]+\.[a-z_]+)``")


def documented(source: str) -> Iterator[tuple[str, str]]:
    """Name and docstring of every public function, method and class."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, ast.get_docstring(node) or ""


def quoted(source: str) -> set[str]:
    """The ids that docstrings quote, as ``logistic.nll_gradient``."""
    return {i for _, text in documented(source) for i in QUOTED_ID.findall(text)}


def unnamed(concept: str, source: str, statements) -> list[str]:
    """The functions with the name of a statement whose docstring does not open with its id."""
    return [
        name
        for name, text in documented(source)
        if f"{concept}.{name}" in statements
        and f"``{concept}.{name}``" not in text.partition("\n\n")[0]
    ]


IMPLEMENTATION = {path: path.read_text() for path in below("reference_impl")}


def test_quoted_ids_are_statements():
    known = {i for source in IMPLEMENTATION.values() for i in quoted(source)}
    assert known
    assert {i for i in known if i.split(".")[0] in CONCEPTS} <= STATEMENTS.keys()


@pytest.mark.parametrize("concept", CONCEPTS)
def test_implementation_names_its_statement(concept):
    source = (ROOT / f"reference_impl/{concept}.py").read_text()
    assert unnamed(concept, source, STATEMENTS) == []


def test_an_unnamed_statement_is_seen():
    statements = {"logistic.nll"}
    assert unnamed("logistic", 'def nll(w):\n    """The loss."""', statements) == ["nll"]
    assert unnamed("logistic", 'def nll(w):\n    """``logistic.nll``: -log L."""', statements) == []
    assert quoted('def nll(w):\n    """``logistic.nll`` and ``X``."""') == {"logistic.nll"}
