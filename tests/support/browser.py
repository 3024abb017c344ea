"""A page as a person sees it: in headless Chromium."""

import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from support.command import run

NAMES = ("chromium", "chromium-browser", "google-chrome")


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
            "--headless",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            # Chromium would call its maker's hosts.
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1400,900",
            # Time in the page runs on only while nothing is being loaded.
            "--virtual-time-budget=10000",
            f"--screenshot={picture}",
            "--dump-dom",
            url,
        ],
        env={"HOME": str(folder)},
    )
    return Page(done.stdout, picture.read_bytes())
