"""Files to take away, made when the site is built, and how to cite: all vectors, all BibTeX.

They stand in ``_build/downloads``, where pages link them with ``{download}``, the same bytes in
every build. What is cited comes from CITATION.cff.
"""

import re
import zipfile
from functools import cache

import yaml

from . import records

FOLDER = records.ROOT / "docs/_build/downloads"
VECTORS = records.ROOT / "tests/vectors"


@cache
def project():
    """Return what CITATION.cff says."""
    return yaml.safe_load((records.ROOT / "CITATION.cff").read_text(encoding="utf-8"))


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


def write_vectors(path):
    """Write the test vectors into one archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(VECTORS.glob("*.json")):
            entry = zipfile.ZipInfo(f"vectors/{file.name}")  # its date is the same in every build
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())


def write_bibliography(path, statements):
    """Write an entry for the project and one for each statement."""
    entries = [bibtex(), *(bibtex(record) for record in statements)]
    path.write_text("\n\n".join(entries) + "\n", encoding="utf-8")


def write(app):
    """Write the files before the pages are read that link them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_vectors(FOLDER / "logisticbp-vectors.zip")
    formulas = records.parsed(app.config.statements_formulas, {"statements": []})
    write_bibliography(FOLDER / "logisticbp.bib", formulas["statements"])


def setup(app):
    """Register the step."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
