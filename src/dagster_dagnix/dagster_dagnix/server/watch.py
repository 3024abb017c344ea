"""Asks for a reload after each change in the watched folders, in a process of its own."""

import os
import queue
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from dagster_dagnix.protocol import ask
from dagster_dagnix.server.errors import sentence
from dagster_dagnix.server.loop import Fork, Loop

QUIET_SECONDS = 0.1  # after the last change
LONGEST_SECONDS = 1.0  # after the first one
AGAIN_SECONDS = 5.0
RELOAD_SECONDS = 600.0
IGNORED = {"__pycache__", ".git", ".hg", ".venv", "venv", "node_modules", ".pytest_cache"}
TEMPORARY = ("~", ".swp", ".swx", ".pyc", ".tmp")


class Watch:
    """The process that watches, started again if it ends."""

    def __init__(self, loop: Loop, folders: Sequence[str], server: Path) -> None:
        self._loop, self._folders, self._server = loop, folders, server

    def begin(self) -> None:
        """Watch from now on."""
        do = partial(watch, self._folders, self._server)
        try:
            self._loop.fork(Fork("watch", do), self._ended)
        except OSError:
            self._loop.later(AGAIN_SECONDS, self.begin)

    def _ended(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self._loop.later(AGAIN_SECONDS, self.begin)


class Changes(FileSystemEventHandler):
    """Puts the times of changes into a queue."""

    def __init__(self, changes: "queue.Queue[float]") -> None:
        self._changes = changes

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note a change, unless it is of a file that no code is in."""
        if event.event_type in {"opened", "closed", "closed_no_write"}:
            return
        if event.is_directory and event.event_type == "modified":
            return
        names = [os.fsdecode(each) for each in (event.src_path, event.dest_path) if each]
        if not all(is_ignored(name) for name in names):
            self._changes.put(time.monotonic())


def is_ignored(path: str) -> bool:
    """Tell whether a change of this file is none of the code."""
    parts = Path(path).parts
    return bool(IGNORED.intersection(parts)) or path.endswith(TEMPORARY)


def watch(folders: Sequence[str], server: Path) -> int:
    """Ask the run server at `server` to reload after each change, and say how that went."""
    changes: queue.Queue[float] = queue.Queue()
    observer: Any = Observer()
    for folder in folders:
        observer.schedule(Changes(changes), folder, recursive=True)
    try:
        observer.start()
    except OSError as error:
        said = f"{', '.join(folders)} cannot be watched: {error}. Reload the code by hand."
        print(f"run server: {said}", file=sys.stderr, flush=True)
        return 1
    while True:
        first = changes.get()
        while time.monotonic() - first < LONGEST_SECONDS:
            try:
                changes.get(timeout=QUIET_SECONDS)
            except queue.Empty:
                break
        print(f"run server: {reload(server)}", file=sys.stderr, flush=True)


def reload(server: Path) -> str:
    """Ask for a reload, and return what came of it."""
    try:
        answer = ask(server, "reload", RELOAD_SECONDS)
    except OSError as error:
        return f"the change could not be loaded: {error}."
    if "error" in answer:
        return f"the change is not served: {sentence(answer['error'])}"
    return "the change is served."
