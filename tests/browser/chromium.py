"""A real browser on the built site, from disk. Needs chromium; CHROMIUM names another path."""

import os
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "docs" / "_build" / "html"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
ALIKE = ("statements", "api", "source")  # folders of pages that are written
# Colour scheme, width, touch: a desk and a telephone, each light and dark.
VIEWS = {
    "light": ("light", 1280, False),
    "dark": ("dark", 1280, False),
    "phone": ("light", 390, True),
    "phone-dark": ("dark", 390, True),
}


def pages():
    """The pages of the site; of those that are written alike, the largest three of a kind."""
    every = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html"))
    shown = [page for page in every if "/" not in page]
    for kind in ALIKE:
        alike = [page for page in every if page.startswith(f"{kind}/")]
        shown += sorted(alike, key=lambda page: (SITE / page).stat().st_size)[-3:]
    return shown


class Watched:
    """A page of the browser that keeps what went wrong in it."""

    def __init__(self, page):
        self.page = page
        self.faults = []
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self.request)
        page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))

    def console(self, message):
        """Keep errors and warnings; violations of the security policy are errors."""
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text}")

    def request(self, request):
        """Keep requests that leave the machine."""
        if not request.url.startswith(("file:", "data:")):
            self.faults.append(f"request: {request.url}")

    def open(self, name, fragment=""):
        """Load a page and wait until its fonts are there."""
        self.faults.clear()
        self.page.goto("about:blank")
        self.page.goto(f"{(SITE / name).as_uri()}{fragment}")
        self.page.evaluate("document.fonts.ready.then(() => null)")
        return self.page
