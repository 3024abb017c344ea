"""The folder that weather files are dropped into.

incoming/           a file waits here until a run has checked it
incoming/accepted/  the newest good file of each day; reruns read it from here
incoming/rejected/  bad files, each with a `.reason.txt` beside it
"""

import dataclasses
import itertools
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Self

import dagster as dg

from pipes.home import home

SAMPLES = Path(__file__).parent / "samples"
# A day's file is two lines; what is longer is something else, and not worth the memory.
MAX_BYTES = 64 * 1024
_NAME = re.compile(r"weather-(\d{4}-\d{2}-\d{2})\.csv")
# Names under which programs write a file before they rename it to its own.
_UNFINISHED = re.compile(r"\..*|.*(~|\.(part|partial|filepart|crdownload|tmp|temp|swp))")


class BadFileError(ValueError):
    """A file cannot be taken; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """A file as it was when it was seen; the one that has its name later may be another."""

    path: Path
    signature: str

    def read(self) -> bytes:
        """Read the whole file.

        Raises:
            BadFileError: it is longer than MAX_BYTES, or this user may not read it.

        """
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except PermissionError as error:
            raise BadFileError(f"uid {os.geteuid()} may not read it") from error
        if len(content) > MAX_BYTES:
            raise BadFileError(f"longer than {MAX_BYTES} bytes, so not one day's weather")
        return content

    def is_still_there(self) -> bool:
        """Tell whether the path still holds this very file."""
        return _signature(self.path) == self.signature


class Incoming(dg.ConfigurableResource):
    """The incoming folder, and behind it the samples that ship with the code."""

    folder: str

    @classmethod
    def from_environment(cls) -> Self:
        """PIPES_INCOMING_DIR, else `incoming` in `home()`."""
        return cls(folder=os.environ.get("PIPES_INCOMING_DIR") or str(home() / "incoming"))

    def waiting(self) -> Iterator[Delivery]:
        """Yield the files that no run has taken yet, without those under an unfinished name."""
        self._path().mkdir(parents=True, exist_ok=True)
        for path in sorted(self._path().iterdir()):
            if path.is_file() and not _UNFINISHED.fullmatch(path.name):
                yield from _deliveries(path)

    def find(self, day: date) -> Delivery | None:
        """Find the day's file: a waiting one first, then the accepted one, then the sample."""
        return next(
            _deliveries(*(f / file_name(day) for f in (self._path(), *self._taken()))), None
        )

    def find_accepted(self, day: date) -> Delivery | None:
        """Find the day's file as it was last accepted, else the sample."""
        return next(_deliveries(*(f / file_name(day) for f in self._taken())), None)

    def accept(self, delivery: Delivery, content: bytes) -> None:
        """File a waiting file under `accepted`, in place of an older one of the same day.

        content: what was read from it and found good.
        """
        if delivery.path.parent != self._path():
            return
        accepted, _ = self._taken()
        accepted.mkdir(exist_ok=True)
        target = accepted / delivery.path.name
        if delivery.is_still_there():
            delivery.path.replace(target)
        else:
            # Replaced while it was checked: the new one waits for a run of its own.
            _write(target, content)

    def reject(self, delivery: Delivery, reason: str) -> Path:
        """Move a file aside, the reason beside it, and return where it is now.

        A sample stays where it is, and so does a newer file that has taken the name meanwhile.
        """
        if not (delivery.path.is_relative_to(self._path()) and delivery.is_still_there()):
            return delivery.path
        target = _free_name(self._path() / "rejected", delivery.path.name)
        delivery.path.replace(target)
        target.with_name(f"{target.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")
        return target

    def _path(self) -> Path:
        return Path(self.folder).absolute()

    def _taken(self) -> tuple[Path, Path]:
        return self._path() / "accepted", SAMPLES


def file_name(day: date) -> str:
    """Name the file that a day's weather comes in."""
    return f"weather-{day}.csv"


def day_of(name: str) -> date | None:
    """Read the day from a file's name; None when the name is of another form."""
    match = _NAME.fullmatch(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _signature(path: Path) -> str | None:
    """Tell one delivery under a name from the next; None when there is no file.

    The change time moves with every write and rename, also when the modification time is kept,
    so a file that was moved aside and is put back counts as new.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_ctime_ns}-{status.st_size}"


def _deliveries(*paths: Path) -> Iterator[Delivery]:
    for path in paths:
        if found := _signature(path):
            yield Delivery(path, found)


def _write(target: Path, content: bytes) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(target)


def _free_name(folder: Path, name: str) -> Path:
    """Reserve a name in the folder that no other file has, in one step."""
    folder.mkdir(exist_ok=True)
    target = folder / name
    for number in itertools.count(2):
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            target = folder / f"{Path(name).stem}.{number}{Path(name).suffix}"
        else:
            break
    return target
