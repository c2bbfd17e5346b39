"""A headless Chromium driven over its DevTools pipe: messages of JSON that end with NUL, on file descriptors 3 and 4.

No port is opened and nothing is installed. https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--mute-audio",     "--remote-debugging-pipe",
)  # fmt: skip

START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)
"""Puts the pipes where Chromium looks for them, then becomes Chromium."""

SECONDS = 40.0
"""Longest wait for an answer; a browser that hangs fails the test and is killed."""


class Browser:
    """One Chromium with one page. Use it in a `with` block; it ends with it."""

    def __init__(self, program: str, profile: Path) -> None:
        requests, self._out = os.pipe()
        self._in, answers = os.pipe()
        reads, writes = (fcntl.fcntl(handle, fcntl.F_DUPFD, 20) for handle in (requests, answers))
        chromium = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        command = [sys.executable, "-c", START, str(reads), str(writes), *chromium]
        self._log = (profile.parent / "chromium.log").open("wb")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(reads, writes),
            start_new_session=True,
        )
        for handle in (requests, answers, reads, writes):
            os.close(handle)
        self._number, self._rest, self._session = 0, b"", ""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Browser":
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        os.close(self._out)
        os.close(self._in)
        self._log.close()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path, width: int = 1280, scheme: str = "light") -> None:
        """Show a file at this width and wait until it has loaded."""
        self.resize(width)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def resize(self, width: int) -> None:
        """Give the page so many CSS pixels of width."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def value(self, expression: str) -> Any:
        """What a script of ours, not the page's, makes of the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every event of a kind since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def pdf(self) -> bytes:
        """The page as it prints on A4."""
        answer = self.ask(
            "Page.printToPDF", preferCSSPageSize=True, printBackground=False, paperWidth=8.27, paperHeight=11.69
        )
        return base64.b64decode(answer["data"])

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(until - time.monotonic(), 0))
            assert ready, f"Chromium did not answer within {SECONDS:.0f} seconds"
            more = os.read(self._in, 1 << 20)
            assert more, "Chromium ended"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


def fits_and_runs_nothing(browser: Browser, place: Path, title: str, bar: str) -> None:
    """Open a page and see that its title and bars are there, that nothing runs, and that no width scrolls sideways."""
    browser.open(place)
    assert browser.value("document.title") == title
    assert not browser.told("Log.entryAdded") and not browser.told("Runtime.exceptionThrown")
    assert browser.value(f"document.querySelector('{bar}').getBoundingClientRect().width") > 0
    for width in (1280, 768, 400, 320):
        browser.resize(width)
        assert browser.value("document.documentElement.scrollWidth") <= width
