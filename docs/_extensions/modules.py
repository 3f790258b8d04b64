"""The API reference of a package: a section for each of its modules, found on disk."""

import ast
import re

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .records import ROOT


def modules(package):
    """Return the modules of a package, its subpackages included, by name."""
    files = sorted((ROOT / package).rglob("*.py"))
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return [n for n in names if not n.endswith(("__init__", "__main__"))]


class Modules(SphinxDirective):
    """``{modules} package``: the documentation of every module of a package."""

    required_arguments = 1

    def run(self):
        """Return a section for each module."""
        return [self.section(module) for module in modules(self.arguments[0])]

    def section(self, module):
        """Return the section of a module."""
        title = nodes.title("", "", nodes.literal(module, module))
        section = nodes.section("", title, ids=[f"api-{module}"], names=[f"api-{module}"])
        self.state.document.note_explicit_target(section, section)
        names = public(module)
        members = f"\n   :members: {', '.join(names)}" if names else ""
        text = f"```{{eval-rst}}\n.. automodule:: {module}{members}\n```"
        section += self.parse_text_to_nodes(text)
        return section


def public(module):
    """Return the functions and classes of a module that are for others, as it defines them.

    They are named here because autodoc would look at every other name too, and the repr of a
    statement proves it.
    """
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    return [n.name for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]


def keep_bars(app, what, name, obj, options, lines):
    """Let ``|t|`` in a docstring be an absolute value, not a substitution."""
    lines[:] = [re.sub(r"(``.*?``)|\|", lambda m: m[1] or r"\|", line) for line in lines]


def setup(app):
    """Register the directive."""
    app.add_directive("modules", Modules)
    app.connect("autodoc-process-docstring", keep_bars, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
