"""The cheat sheet: what stands on it, and that its PDF is of the formulas of today."""

import re
import zipfile

import pytest
from _extensions import cheat_sheet, citation, downloads
from small import DOCS, record

PDF = DOCS / "downloads/cheat-sheet.pdf"


def test_pdf_shows_the_formulas_of_today():
    title = re.search(rb"/Title \((.*)\)", PDF.read_bytes())[1].decode()
    assert title.endswith(cheat_sheet.digest()), "print it again: make cheat-sheet"


def test_lines_are_headings_with_statements():
    lines = ["The sigmoid: a.one a.two:1,3", "More: b.three"]
    assert cheat_sheet.groups(lines) == [
        ("The sigmoid", [("a.one", [1]), ("a.two", [1, 3])]),
        ("More", [("b.three", [1])]),
    ]


def test_vectors_are_the_same_bytes_in_every_build(tmp_path):
    for name in ("one.zip", "two.zip"):
        downloads.write_vectors(tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = {name.removeprefix("vectors/") for name in archive.namelist()}
    assert names == {"README.md", *(path.name for path in downloads.VECTORS.glob("*.json"))}


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("The NLL of $\\mathbf{x}$", "{The} {NLL} of "),
        ("100% & more_less", "100\\% \\& more\\_less"),
    ],
)
def test_bibtex_is_escaped(title, written):
    assert f"title = {{{written}}}" in citation.bibtex(record("a.one", title=title))
