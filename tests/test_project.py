"""The project's own papers: what is installed, its versions, and a README that tells the truth."""

import ast
import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def run(*command, cwd=ROOT, **environment):
    """Run a command to its end and return what it printed; its errors are ours."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


# --------------------------------------------------------------------- installation


def script(name):
    return str(Path(sys.executable).with_name(name))


def test_script():
    (name,) = PROJECT["scripts"]
    text = run(script(name), "--help")
    assert name in text
    assert [word for word in ("list", "show", "verify", "export") if word not in text] == []


def test_version_is_one():
    citation = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    changelog = re.findall(r"^## \[([0-9.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation == changelog[:1] == [PROJECT["version"]]


def wheel(folder):
    """Build the wheel from a copy of the project in a folder, without a network."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("derivations", "reference_impl"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    program = "import setuptools.build_meta as build; build.build_wheel('wheels')"
    run(sys.executable, "-c", program, cwd=folder, SOURCE_DATE_EPOCH="1700000000")
    (path,) = (folder / "wheels").iterdir()
    return path


def test_wheel(tmp_path):
    one, two = wheel(tmp_path / "one"), wheel(tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    files = zipfile.ZipFile(one).namelist()
    folders = {name.split("/")[0] for name in files} - {
        f"logisticbp-{PROJECT['version']}.dist-info"
    }
    assert folders == {"derivations", "reference_impl"}
    kept = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert kept <= set(files)
    assert any(name.startswith("reference_impl/data/") for name in files)


# --------------------------------------------------------------------- dependencies


LOCKS = ("test", "docs", "browser", "peers")


def locked(name):
    """The distributions and versions of a lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_lock(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(name)) > 10
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text and "--index-url" not in text and "--find-links" not in text


def test_locks_agree():
    versions = {}
    for name in LOCKS:
        for distribution, version in locked(name).items():
            versions.setdefault(distribution, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def named(requirement):
    return re.match(r"[A-Za-z0-9-]+", requirement).group().lower()


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_extra_is_locked(extra):
    lock = {"fast": "test", "lint": "test", "dask": "peers"}.get(extra, extra)
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]
    found = {*locked(lock), *(["torch"] if extra == "peers" else [])}
    assert [named(requirement) for requirement in wanted if named(requirement) not in found] == []


# Where the name to import is not the name to install.
DISTRIBUTION = {
    "dateutil": "python-dateutil",
    "flint": "python-flint",
    "sklearn": "scikit-learn",
    "sphinxcontrib": "sphinxcontrib-bibtex",
    "yaml": "pyyaml",
}


def foreign(folder, without=()):
    """Every top name that a folder imports and that is neither Python's nor the project's."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        if not set(path.relative_to(ROOT / folder).parts) & {*without, "_build"}:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    found |= {node.module.split(".")[0]}
    own = {path.stem for path in ROOT.rglob("*.py") if ".venv" not in str(path)}
    packages = (path.parent for path in ROOT.rglob("__init__.py") if ".venv" not in str(path))
    own |= {path.name for path in packages}
    names = found - own - set(sys.stdlib_module_names)
    return {DISTRIBUTION.get(name, name.replace("_", "-").lower()) for name in names}


@pytest.mark.parametrize(
    ("folder", "without", "lock"),
    [
        ("benchmarks", (), "peers"),
        ("derivations", (), "test"),
        ("docs", (), "docs"),
        ("reference_impl", (), "peers"),
        ("tests", ("adapters", "browser", "distributed", "peers", "site"), "test"),
        ("tests/adapters", (), "peers"),
        ("tests/browser", (), "browser"),
        ("tests/distributed", (), "peers"),
        ("tests/peers", (), "peers"),
        ("tests/site", (), "docs"),
    ],
)
def test_imports_are_locked(folder, without, lock):
    """A fresh environment holds what the folder imports; nothing rests on what lies around."""
    have = {*locked(lock), *(["torch"] if lock == "peers" else [])}
    found = foreign(folder, without)
    assert found, "a folder that imports nothing would make this vacuous"
    assert found - have == set()


def test_make_targets():
    assert {"docs", "test", "derive", "verify", "peers", "bench", "browser"} <= TARGETS
    used = [README]
    used += [(ROOT / name).read_text() for name in (".ci/run", ".github/workflows/ci.yml")]
    used += [(ROOT / name).read_text() for name in (".pre-commit-config.yaml", "CONTRIBUTING.md")]
    named = {name for text in used for name in re.findall(r"(?:`|\$ |: |\" )make ([a-z-]+)", text)}
    assert {"docs", "test"} <= named <= TARGETS


# --------------------------------------------------------------------------- README


BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(block):
    """The commands of a console block, each with the output shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield shlex.split(command), output


def sessions(kind):
    return [block for name, block in BLOCKS if name == kind]


def agrees(shown, printed):
    """Whether the output is what is shown; a line of three dots stands for any lines."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown, printed, flags)


def test_every_block_is_checked():
    assert {name for name, _ in BLOCKS} == {"console", "pycon", "python", "text"}
    tested = {"make", "python", *PROJECT["scripts"]}
    not_run = {"git", "cd", "pip"}
    first = {command[0] for block in sessions("console") for command, _ in commands(block)}
    assert first <= tested | not_run


@pytest.mark.parametrize("block", sessions("console"))
def test_console_block(block):
    for command, shown in commands(block):
        if command[0] == "make":
            assert set(command[1:2]) <= TARGETS
        elif command[0] in ("python", *PROJECT["scripts"]):
            printed = run(script(command[0]), *command[1:], COLUMNS="100", NO_COLOR="1")
            assert agrees(shown, printed), printed


@pytest.mark.parametrize("block", sessions("pycon"))
def test_pycon_block(block):
    test = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
    assert test.examples
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


@pytest.mark.parametrize("block", sessions("python"))
def test_python_block(block, tmp_path):
    """A test file, named in its first line, that passes."""
    name = re.match(r"# (test_\w+\.py)\n", block).group(1)
    (tmp_path / name).write_text(block)
    printed = run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name, cwd=tmp_path
    )
    assert re.search(r"^[1-9]\d* passed in ", printed, re.MULTILINE), printed


def test_wrong_output_is_seen():
    assert agrees("one\n...\nfour\n", "one\ntwo\nthree\nfour\n")
    assert not agrees("one\n", "two\n")


def test_links_stand():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    broken = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert broken == []
