"""The cheat sheet: what stands on it, and that its PDF is of the formulas of today."""

import io
import json
import re
import zipfile

import pytest
from _extensions import downloads, indexes
from small import DOCS, record

PDF = DOCS / "downloads/cheat-sheet.pdf"


def test_pdf_shows_the_formulas_of_today():
    title = re.search(rb"/Title \((.*)\)", PDF.read_bytes())[1].decode()
    page = (DOCS / "cheat-sheet.md").read_text()
    lines = page.split("```{cheat-sheet}\n")[1].split("\n```")[0].splitlines()
    formulas = json.loads((DOCS / "downloads/formulas.json").read_text())["statements"]
    digest = indexes.sheet_digest(lines, {record["id"]: record for record in formulas})
    assert title.endswith(digest), "print it again: make cheat-sheet"


def test_lines_are_headings_with_statements():
    lines = ["The sigmoid: a.one a.two:1,3", "More: b.three"]
    assert indexes.groups(lines) == [
        ("The sigmoid", [("a.one", [1]), ("a.two", [1, 3])]),
        ("More", [("b.three", [1])]),
    ]


def test_vectors_are_the_same_bytes_in_every_build():
    packed = downloads.vectors()
    assert packed == downloads.vectors()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
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
    assert f"title = {{{written}}}" in downloads.bibtex(record("a.one", title=title))


@pytest.fixture
def published(monkeypatch):
    """A project with a public address and a date."""
    cited = {
        **downloads.project(),
        "url": "https://example.org/docs/",
        "date-released": "2031-05-06",
    }
    monkeypatch.setattr(downloads, "project", lambda: cited)


def test_what_is_public_has_its_address_and_year(published, build):
    entry = downloads.bibtex(record("a.one"))
    assert "url = {https://example.org/docs/statements/a.one.html}" in entry
    assert "year = {2031}" in entry
    site = build()
    page = site.page("statements/a.two")
    assert '<link rel="canonical" href="https://example.org/docs/statements/a.two.html"' in page
    assert (
        '<meta property="og:url" content="https://example.org/docs/statements/a.two.html">' in page
    )
    listed = (site.folder / "sitemap.xml").read_text()
    assert "<loc>https://example.org/docs/first.html</loc>" in listed


def test_what_is_not_public_has_neither(build):
    assert "url" not in downloads.bibtex(record("a.one"))
    site = build()
    assert "canonical" not in site.page("first")
    assert not (site.folder / "sitemap.xml").exists()
