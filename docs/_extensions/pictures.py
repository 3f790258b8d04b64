"""Diagrams: ``{picture} units.softmax`` draws the `Picture` of that name in ``docs/_pictures``.

The content of the directive is the caption. The drawing is part of the page, so it takes its
colours and fonts from it, and what is written in it can be selected.
"""

import importlib

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .records import ROOT

FOLDER = "docs/_pictures"


class PictureDirective(SphinxDirective):
    """``{picture} module.name``: a diagram; the content is its caption."""

    required_arguments = 1
    has_content = True

    def run(self):
        """Return the figure."""
        from _pictures.svg import Picture, markup

        module, _, name = self.arguments[0].partition(".")
        if not (ROOT / FOLDER / f"{module}.py").exists():
            raise self.error(f"no pictures in {FOLDER}/{module}.py")
        picture = getattr(importlib.import_module(f"_pictures.{module}"), name, None)
        if not isinstance(picture, Picture):
            raise self.error(f"no picture {name!r} in {FOLDER}/{module}.py")
        shown = self.env.current_document.setdefault("pictures", set())
        if self.arguments[0] in shown:
            raise self.error(f"the picture {self.arguments[0]} is on this page already")
        shown.add(self.arguments[0])
        for file in sorted((ROOT / FOLDER).glob("*.py")):
            self.env.note_dependency(str(file))
        drawn = markup(picture, f"picture-{module}-{name}".replace("_", "-"))
        caption = self.parse_inline(" ".join(self.content))[0]
        return [
            nodes.figure(
                "", nodes.raw("", drawn, format="html"), nodes.caption("", "", *caption),
                classes=["drawn"],
            )
        ]  # fmt: skip


def setup(app):
    """Register the directive."""
    app.add_directive("picture", PictureDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
