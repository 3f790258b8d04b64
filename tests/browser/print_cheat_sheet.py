"""Print the cheat sheet of the built site as a PDF of one page; needs chromium."""

import re
import sys

from chromium import CHROMIUM, FLAGS, SITE
from playwright.sync_api import sync_playwright

PDF = SITE.parents[1] / "downloads/cheat-sheet.pdf"


def printed(page):
    """The PDF of the page that is open, with the digest of its formulas in the title."""
    digest = page.locator(".cheat-sheet").get_attribute("data-digest")
    page.evaluate("title => { document.title = title; }", f"LogisticBP cheat sheet {digest}")
    page.emulate_media(media="print", color_scheme="light")
    margin = dict.fromkeys(("top", "right", "bottom", "left"), "8mm")
    return page.pdf(format="A4", landscape=True, margin=margin)


def main():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page()
        page.goto((SITE / "cheat-sheet.html").as_uri())
        page.evaluate("document.fonts.ready.then(() => null)")
        pdf = printed(page)
        chromium.close()
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    if pages != 1:
        sys.exit(f"the cheat sheet takes {pages} pages, expected one: nothing was written")
    PDF.write_bytes(pdf)
    print(f"wrote {PDF}")


if __name__ == "__main__":
    main()
