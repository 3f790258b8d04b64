"""The browser, and one page of it for each view."""

import pytest
from chromium import CHROMIUM, FLAGS, VIEWS, Watched
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def views(browser):
    """One page of the browser for each view; opening a new one for each test would be slow."""
    opened = {}
    for name, (scheme, width, touch) in VIEWS.items():
        context = browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": 844 if touch else 900},
            has_touch=touch,
            permissions=["clipboard-read", "clipboard-write"],
        )
        opened[name] = Watched(context.new_page())
    return opened


@pytest.fixture
def desk(views):
    return views["light"]
