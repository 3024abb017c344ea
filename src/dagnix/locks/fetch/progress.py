"""How far a fetch is: one line that moves on a terminal, a line now and then elsewhere.

Ours, as rich is not there yet: it is one of the files that are fetched.
"""

import os
import shutil
import sys
import time
from typing import TextIO

BAR = 24  # characters
EVERY = 5.0  # seconds between two lines that stay
MEGABYTE = 1_000_000


class Progress:
    """Files and bytes that have arrived, of `files` and `size` in all (bytes; 0: not known)."""

    def __init__(self, files: int, size: int, stream: TextIO | None = None) -> None:
        self.files = files
        self.size = size
        self.stream = stream or sys.stderr
        self.moving = self.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.started = time.monotonic()
        self.said = self.started
        self.first: int | None = None

    def show(self, files: int, size: int) -> None:
        """Say that so many files and bytes are there."""
        now = time.monotonic()
        if self.first is None:
            self.first = size
        if not self.moving and now - self.said < EVERY:
            return
        self.said = now
        line = f"{files} of {self.files} files"
        share = files / max(self.files, 1)
        if self.size:
            rate = (size - self.first) / max(now - self.started, 0.1)
            line += (
                f", {size / MEGABYTE:.0f} of {self.size / MEGABYTE:.0f} MB, "
                f"{rate / MEGABYTE:.1f} MB/s"
            )
            share = size / self.size
        if self.moving:
            room = max(shutil.get_terminal_size().columns - 1, 20)
            line = f"\r{f'fetching {self._bar(share)} {line}'[:room]}\x1b[K"
        else:
            line = f"fetching: {line}\n"
        self.stream.write(line)
        self.stream.flush()

    def clear(self) -> None:
        """Leave the terminal's line to what is printed next."""
        if self.moving:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def _bar(self, share: float) -> str:
        full, empty = "█░" if "utf" in (self.stream.encoding or "").lower() else "#-"
        done = int(BAR * min(share, 1))
        return full * done + empty * (BAR - done)
