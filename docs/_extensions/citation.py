"""How to cite the project or one statement, from CITATION.cff: as BibTeX."""

import re
from functools import cache

import yaml

from .records import ROOT


@cache
def project():
    """Return what CITATION.cff says."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def escaped(text):
    """Return a text for BibTeX: special characters literal, capitals kept."""
    text = re.sub(r"([&%$#_])", r"\\\1", re.sub(r"\$[^$]*\$", "", text))
    return re.sub(r"\b(\w*[A-Z]\w*)", r"{\1}", text)


def bibtex(record=None):
    """Return the entry of a statement, or of the project."""
    cited = project()
    name = cited["title"].split(":")[0]
    fields = {
        "author": " and ".join(f"{{{author['name']}}}" for author in cited["authors"]),
        "title": escaped(record["title"] if record else cited["title"]),
        "howpublished": escaped(f"{name}, statement {record['id']}" if record else "Software"),
        "note": f"Version {cited['version']}",
    }
    key = f"{name.lower()}:{record['id']}" if record else name.lower()
    lines = "".join(f"  {field} = {{{value}}},\n" for field, value in fields.items())
    return f"@misc{{{key},\n{lines}}}"
