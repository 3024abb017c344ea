"""A page as a person sees it: in headless Chromium."""

import base64
import json
import os
import shutil
import struct
import subprocess
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import connect

from support.command import TIMEOUT_SECONDS, run, wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome")
HEADLESS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # Chromium would call its maker's hosts.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
)


@dataclass(frozen=True)
class Page:
    """What Chromium made of a page: its elements after the scripts ran, and a PNG picture."""

    elements: str
    picture: bytes

    def distinct_lines(self) -> int:
        """Count the different lines of pixels in the picture; a blank page has one or two.

        Lines are compared as the PNG filters store them (https://www.w3.org/TR/png-3/).
        """
        data, at = b"", 8
        width = depth = 0
        while at < len(self.picture):
            size, kind = struct.unpack_from(">I4s", self.picture, at)
            chunk = self.picture[at + 8 : at + 8 + size]
            if kind == b"IHDR":
                width, _, bits, colour = struct.unpack_from(">IIBB", chunk)
                depth = bits // 8 * {2: 3, 6: 4}[colour]
            elif kind == b"IDAT":
                data += chunk
            at += size + 12
        lines, stride = zlib.decompress(data), width * depth + 1
        return len({lines[start : start + stride] for start in range(0, len(lines), stride)})


def visit(url: str, folder: Path) -> Page:
    """Open a page with an empty profile in `folder`."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "Chromium is not installed; ./dagnix test installs it"
    picture = folder / "page.png"
    done = run(
        [
            program,
            *HEADLESS,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={folder / 'profile'}",
            # Time in the page runs on only while nothing is being loaded.
            "--virtual-time-budget=10000",
            f"--screenshot={picture}",
            "--dump-dom",
            url,
        ],
        env={"HOME": str(folder)},
    )
    return Page(done.stdout, picture.read_bytes())


class Browser:
    """A page of headless Chromium that is clicked through, by its DevTools protocol.

    `answers` are the addresses of all that it has loaded and their statuses, `sockets` those of the
    WebSockets that were opened.
    """

    def __init__(self, folder: Path) -> None:
        """Start it with an empty profile in `folder`, and without a look at certificates."""
        program = next(filter(None, map(shutil.which, NAMES)), None)
        assert program, "Chromium is not installed; ./dagnix test installs it"
        self.answers: dict[str, int] = {}
        self.sockets: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        self._asked = 0
        self._log = (folder / "chromium.log").open("wb")
        self._process = subprocess.Popen(
            [
                program,
                *HEADLESS,
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                "--ignore-certificate-errors",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder / 'profile'}",
                "about:blank",
            ],
            env={**os.environ, "HOME": str(folder)},
            stdout=self._log,
            stderr=self._log,
        )
        port = folder / "profile" / "DevToolsActivePort"
        wait_until(lambda: port.exists() and port.read_text().count("\n"), "Chromium listens")
        # It listens before it has opened its first page.
        (page,) = wait_until(lambda: _pages(port.read_text().split()[0]), "Chromium has a page")
        self._link = connect(
            page["webSocketDebuggerUrl"],
            max_size=None,
            legacy=True,
            open_timeout=TIMEOUT_SECONDS,
            ping_interval=None,  # who hangs is told of by an answer that does not come
        )
        for domain in ("Network", "Page", "Runtime"):
            self._call(f"{domain}.enable")

    def close(self) -> None:
        """End it."""
        self._link.close()
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def open(self, url: str) -> None:
        """Open a page."""
        self._call("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """Return what a script gives in the page."""
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get(
            "value"
        )

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def picture(self) -> bytes:
        """Return the page as a PNG picture."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def wait_for(self, script: str) -> Any:
        """Wait until a script gives something true in the page, and return that."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while not (found := self.evaluate(script)):
            if time.monotonic() >= end:
                shown = self.evaluate("location.href + '\\n' + document.body.innerText")
                raise AssertionError(f"not after {TIMEOUT_SECONDS} s: {script}\nshown is {shown}")
            # Often, as Chromium waits for whoever does not read what it tells of the network.
            time.sleep(0.2)
        return found

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._asked += 1
        self._link.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._link.recv(TIMEOUT_SECONDS))
            if said.get("id") == self._asked:
                assert "error" not in said, said
                return said["result"]
            self._note(said["method"], said["params"])

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Network.responseReceived":
            self.answers[told["response"]["url"]] = told["response"]["status"]
        elif event == "Network.loadingFailed" and not told.get("canceled"):
            self.answers[f"{told['requestId']}: {told['errorText']}"] = 0
        elif event == "Network.webSocketCreated":
            self._addresses[told["requestId"]] = told["url"]
        elif event == "Network.webSocketHandshakeResponseReceived":
            self.sockets[self._addresses[told["requestId"]]] = told["response"]["status"]


def _pages(port: str) -> list[dict[str, Any]]:
    with urlopen(f"http://127.0.0.1:{port}/json/list") as listed:
        return [each for each in json.load(listed) if each["type"] == "page"]
