"""Copies a file to stdout as it grows, and keeps it below a limit: `follow.py PATH BYTES PARENT`.

It ends upon anything from stdin, or when its parent, the process of that number, has ended: also
before this one asks who that is. 0 bytes is without limit. A step writes to the file itself, so it
is never held up. Standard library only, as each step starts two of these.
"""

import os
import select
import sys
from collections.abc import Sequence

LOOK_SECONDS = 0.25
CHUNK_BYTES = 1 << 16
NOTICE = (
    "\n[Cut here: more than {} were printed, which is `limit` of compute_logs in dagster.yaml.]\n"
)
NOTICE_BYTES = 200  # at most


class Follower:
    """A file that grows, and where it is copied to."""

    def __init__(self, file: int, limit: int, to: int) -> None:
        """Take descriptors: `file` to read and write."""
        self._file, self._limit, self._to = file, limit, to
        self._copied = 0
        self._end: int | None = None  # once it was cut

    def look(self) -> None:
        """Copy what is new, and cut what is too much."""
        size = os.fstat(self._file).st_size
        if self._end is not None:
            if size > self._end:
                os.ftruncate(self._file, self._end)
            return
        if self._limit and size > self._limit:
            size = self._cut()
        self._copy(size)

    def _cut(self) -> int:
        end = self._limit
        # Not within a character.
        while end and os.pread(self._file, 1, end)[0] & 0xC0 == 0x80:
            end -= 1
        os.ftruncate(self._file, end)
        notice = NOTICE.format(_shown(self._limit)).encode()
        os.pwrite(self._file, notice, end)
        self._end = end + len(notice)
        os.ftruncate(self._file, self._end)
        return self._end

    def _copy(self, size: int) -> None:
        while self._copied < size:
            part = os.pread(self._file, min(CHUNK_BYTES, size - self._copied), self._copied)
            if not part:
                break
            self._copied += len(part)
            while part:
                part = part[os.write(self._to, part) :]


def _shown(size: int) -> str:
    for unit, bits in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << bits:
            return f"{size / (1 << bits):g} {unit}"
    return f"{size} bytes"


def main(arguments: Sequence[str]) -> None:
    """Follow a file until something comes from stdin, or the parent ends."""
    path, limit, parent = arguments
    follower = Follower(os.open(path, os.O_RDWR), int(limit), sys.stdout.fileno())
    is_last = False
    while not is_last:
        told, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
        # A process that the step has forked may keep stdin open when the step is killed.
        is_last = bool(told) or os.getppid() != int(parent)
        follower.look()


if __name__ == "__main__":
    main(sys.argv[1:])
