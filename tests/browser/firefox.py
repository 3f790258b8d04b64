"""Firefox as Debian packages it, over WebDriver BiDi, which it speaks by itself.

Playwright drives a Firefox of its own only. FIREFOX names another path.
"""

import json
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chromium import SITE
from websockets.sync.client import connect

FIREFOX = os.environ.get("FIREFOX", "/usr/bin/firefox-esr")
ADDRESS = re.compile(r"WebDriver BiDi listening on (ws://\S+)\n")
SECONDS = 60


class Tab:
    """The one tab of a Firefox, and what went wrong in it."""

    def __init__(self, socket):
        self.socket, self.faults, self.asked = socket, [], 0
        self.tell("session.new", capabilities={})
        self.tell("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.context = self.tell("browsingContext.getTree")["contexts"][0]["context"]

    def tell(self, method, **params):
        """Send a command, keep the events that come before its result, and return that."""
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=SECONDS))
            if message["type"] == "event":
                self.event(message["method"], message["params"])
            elif message["id"] == self.asked:
                assert message["type"] == "success", message
                return message["result"]

    def event(self, kind, params):
        """Keep errors, warnings, and requests that leave the machine.

        Firefox counts the parts of a formula while a page is still being read.
        """
        if kind == "log.entryAdded":
            level, text = params["level"], params["text"]
            if level in ("error", "warn") and "Incorrect number of children" not in text:
                self.faults.append(f"{level}: {text}")
        if kind == "network.beforeRequestSent":
            url = params["request"]["url"]
            if not url.startswith(("file:", "data:", "about:")):
                self.faults.append(f"request: {url}")

    def open(self, name, width):
        """Load a page at a width, until its fonts are there."""
        self.faults.clear()
        self.tell(
            "browsingContext.setViewport",
            context=self.context,
            viewport={"width": width, "height": 900},
        )
        self.tell(
            "browsingContext.navigate",
            context=self.context,
            url=(SITE / name).as_uri(),
            wait="complete",
        )
        self.value("() => document.fonts.ready.then(() => null)")

    def value(self, function):
        """What a JavaScript function returns, by way of JSON."""
        found = self.tell(
            "script.evaluate",
            expression=f"Promise.resolve(({function})()).then((x) => JSON.stringify(x ?? null))",
            target={"context": self.context},
            awaitPromise=True,
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])


@contextmanager
def firefox():
    """Start Firefox without a window and with a profile of its own."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [FIREFOX, "--headless", "--remote-debugging-port=0", "--profile", profile]
        said = Path(profile) / "said"  # a file, for a pipe that nobody reads on fills up
        with said.open("w") as output, subprocess.Popen(command, stderr=output) as process:
            try:
                with connect(f"{address(said)}/session", max_size=None) as socket:
                    yield Tab(socket)
            finally:
                process.kill()


def address(said):
    """Return where Firefox listens, once it has said so."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := ADDRESS.search(said.read_text()):
            return found.group(1)
        time.sleep(0.1)
    raise TimeoutError(f"Firefox does not listen: {said.read_text()}")
