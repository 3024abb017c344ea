"""Locked files on their way into the store: in one folder, each under its store name, verified."""

import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagnix import UserError
from dagnix.locks import store
from dagnix.locks.fetch.client import Client
from dagnix.locks.fetch.progress import MEGABYTE, Progress
from dagnix.locks.inputs import LockedFile

TICK = 0.2  # seconds
AT_ONCE = 50  # files in one call of nix-store


class Downloads:
    """The folder `directory`, which outlives an interrupted fetch."""

    def __init__(self, directory: Path, files: Iterable[LockedFile], progress: Progress) -> None:
        self.directory = directory
        self.files = tuple(files)
        self.progress = progress
        self._verified: set[str] = set()
        directory.mkdir(parents=True, exist_ok=True)

    def target(self, file: LockedFile) -> Path:
        """Return where the file belongs until it is in the store."""
        return self.directory / file.name

    def open(self) -> list[LockedFile]:
        """Return the files that are still to come."""
        return [file for file in self.files if not self.has(file)]

    def has(self, file: LockedFile) -> bool:
        """Tell whether the file is there, all of it; what is there and wrong is thrown away."""
        if file.store_path in self._verified:
            return True
        target = self.target(file)
        if not target.is_file() or target.stat().st_size < file.size:
            return False  # a part of it may be there, for apt to go on with
        if target.stat().st_size > file.size or _sha256(target) != file.sha256:
            target.unlink()
            return False
        self._verified.add(file.store_path)
        return True

    def check_space(self) -> None:
        """Raise UserError if the files that are still to come have no place on the disk."""
        needed = sum(file.size for file in self.open())
        for place in (self.directory, Path(store.STORE)):
            room = os.statvfs(place)
            free = room.f_bavail * room.f_frsize
            if free < needed:
                raise UserError(
                    f"There is no space left on the disk of {place}: "
                    f"{needed / MEGABYTE:.0f} MB are still to be fetched, {free / MEGABYTE:.0f} MB "
                    "are free: free some, then run the same again."
                )

    def wait(self, clients: Sequence[Client], folders: Sequence[Path] = ()) -> None:
        """Wait for clients to end, and keep what they have finished also when interrupted.

        `folders` are where some clients put files, under the names of their ecosystem.
        """
        try:
            while any(client.running for client in clients):
                time.sleep(TICK)
                self._harvest(folders)
                self._show(folders)
        finally:
            self._harvest(folders)
            for client in clients:
                client.stop()
            self.progress.clear()

    def keep(self, file: LockedFile, found: Path) -> bool:
        """Take a finished file over, if it is the locked one; a client may move it meanwhile."""
        beside = self.directory / f".{file.name}.found"
        beside.unlink(missing_ok=True)
        try:
            beside.hardlink_to(found)
        except FileNotFoundError:
            return False
        if beside.stat().st_size != file.size or _sha256(beside) != file.sha256:
            beside.unlink()
            return False
        beside.replace(self.target(file))
        self._verified.add(file.store_path)
        return True

    def into_store(self) -> None:
        """Move all that is there and verified into the Nix store."""
        ready = [file for file in self.files if self.has(file)]
        for start in range(0, len(ready), AT_ONCE):
            batch = [self.target(file) for file in ready[start : start + AT_ONCE]]
            store.add_files(batch)
            for path in batch:
                path.unlink()
        self.files = tuple(file for file in self.files if file not in ready)

    def _harvest(self, folders: Iterable[Path]) -> None:
        desired = {file.file: file for file in self.files if file.store_path not in self._verified}
        for found, _ in _sizes(folders):
            if found.name in desired and self.keep(desired[found.name], found):
                del desired[found.name]

    def _show(self, folders: Iterable[Path]) -> None:
        here = {file.file: 0 for file in self.files}
        here.update({found.name: size for found, size in _sizes(folders) if found.name in here})
        for file in self.files:
            target = self.target(file)
            if target.exists():
                here[file.file] = target.stat().st_size
        done = sum(here[file.file] >= file.size for file in self.files)
        before = self.progress.files - len(self.files)
        bytes_before = self.progress.size - sum(file.size for file in self.files)
        self.progress.show(before + done, bytes_before + sum(here.values()))


def _sizes(folders: Iterable[Path]) -> list[tuple[Path, int]]:
    """Return the files below the folders, which the clients may be moving meanwhile."""
    found = []
    for folder in folders:
        for path, _, names in os.walk(folder):
            for name in names:
                try:
                    found.append((Path(path) / name, (Path(path) / name).stat().st_size))
                except FileNotFoundError:
                    continue
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
