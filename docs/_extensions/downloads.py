"""Files to take away that are made when the site is built: all vectors, all BibTeX entries.

They stand in ``_build/downloads``, where pages link them with ``{download}``, the same bytes in
every build.
"""

import zipfile

from . import citation, records

FOLDER = records.ROOT / "docs/_build/downloads"
VECTORS = records.ROOT / "tests/vectors"


def write_vectors(path):
    """Write the test vectors into one archive, with their README and their schema."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in [VECTORS / "README.md", *sorted(VECTORS.glob("*.json"))]:
            entry = zipfile.ZipInfo(f"vectors/{file.name}")  # its date is the same in every build
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())


def write_bibliography(path, statements):
    """Write an entry for the project and one for each statement."""
    entries = [citation.bibtex(), *(citation.bibtex(record) for record in statements)]
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
