"""Files to take away, made when the site is built, and how to cite: all vectors, all BibTeX.

They stand in ``_build/downloads``, where pages link them with ``{download}``, the same bytes in
every build. What is cited comes from CITATION.cff, and so does the public address of the site: where
it has a ``url``, pages say which address is theirs, and a sitemap lists them.
"""

import html
import io
import re
import zipfile
from functools import cache

import yaml

from . import records

FOLDER = "_build/downloads"
VECTORS = records.ROOT / "tests/vectors"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


@cache
def project():
    """Return what CITATION.cff says."""
    return yaml.safe_load((records.ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def escaped(text):
    """Return a text for BibTeX: special characters literal, capitals kept."""
    text = re.sub(r"([&%$#_])", r"\\\1", re.sub(r"\$[^$]*\$", "", text))
    return re.sub(r"\b(\w*[A-Z]\w*)", r"{\1}", text)


def address(page=""):
    """Return the public address of a page, where the site has one."""
    base = project().get("url", "").rstrip("/")
    return f"{base}/{page}" if base else ""


def bibtex(record=None, title=None):
    """Return the entry of a statement, or of the project; `title` stands for its own title."""
    cited = project()
    released = str(cited.get("date-released", ""))
    url = address(f"statements/{record['id']}.html" if record else "")
    name = cited["title"].split(":")[0]
    fields = {
        "author": " and ".join(f"{{{author['name']}}}" for author in cited["authors"]),
        "title": escaped(title or (record or cited)["title"]),
        "howpublished": escaped(f"{name}, statement {record['id']}" if record else "Software"),
        "year": released[:4],
        "note": f"Version {cited['version']}",
        "url": url,
    }
    key = f"{name.lower()}:{record['id']}" if record else name.lower()
    lines = "".join(f"  {field} = {{{value}}},\n" for field, value in fields.items() if value)
    return f"@misc{{{key},\n{lines}}}"


def vectors():
    """Return an archive of the test vectors, with their README and their schema."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in [VECTORS / "README.md", *sorted(VECTORS.glob("*.json"))]:
            entry = zipfile.ZipInfo(f"vectors/{file.name}")  # its date is the same in every build
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def write(app):
    """Write the files before the pages are read that link them."""
    found = app.env.get_domain("statement").results
    entries = [bibtex(), *map(bibtex, found.statements.values(), found.titles.values())]
    text = "\n\n".join(entries) + "\n"
    records.put(app.srcdir / FOLDER / "logisticbp-vectors.zip", vectors())
    records.put(app.srcdir / FOLDER / "logisticbp.bib", text.encode())


def write_sitemap(app):
    """List all pages by their public addresses, where the site has one; that brings no page."""
    pages = sorted(app.builder.get_target_uri(docname) for docname in app.env.all_docs)
    entries = "".join(f"<url><loc>{html.escape(address(page))}</loc></url>\n" for page in pages)
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{SITEMAP}">\n{entries}</urlset>\n'
    )
    if address():
        records.put(app.outdir / "sitemap.xml", text.encode())
    return []


def setup(app):
    """Register the steps; Sphinx writes the canonical link of each page."""
    app.connect("config-inited", lambda app, config: setattr(config, "html_baseurl", address()))
    app.connect("builder-inited", write)
    app.connect("html-collect-pages", write_sitemap)
