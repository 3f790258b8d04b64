"""Print the cheat sheet of the built site as a PDF of one page; needs playwright and chromium."""

import os
import re
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))
PDF = DOCS / "downloads/cheat-sheet.pdf"


def printed(page):
    """Return the PDF of the page that is open, with the digest of its formulas in the title."""
    from _extensions.cheat_sheet import digest

    page.evaluate("title => { document.title = title; }", f"LogisticBP cheat sheet {digest()}")
    page.emulate_media(media="print", color_scheme="light")
    return page.pdf(format="A4", landscape=True, prefer_css_page_size=False, print_background=False,
                    margin=dict.fromkeys(("top", "right", "bottom", "left"), "8mm"))  # fmt: skip


def main():
    """Write docs/downloads/cheat-sheet.pdf."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto((DOCS / "_build/html/cheat-sheet.html").as_uri())
        page.evaluate("document.fonts.ready.then(() => null)")
        pdf = printed(page)
        chromium.close()
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    if pages != 1:
        sys.exit(f"the cheat sheet takes {pages} pages: one was expected; nothing was written")
    PDF.write_bytes(pdf)
    print(f"wrote {PDF}")


if __name__ == "__main__":
    main()
