"""Have the webserver take over each change of the workspace's file, from within its process.

Its API can only reload the workspace, and then every code server loads its code anew: that of other
teams too, and what is being edited in a mounted folder. At its start the webserver just asks them
what they serve; so it does here (WorkspaceProcessContext.refresh_workspace, Dagster 1.13).
"""

import sys
import threading
import traceback
from pathlib import Path
from typing import Any
from weakref import WeakSet

from dagster._core.workspace.context import WorkspaceProcessContext
from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

file = Path(sys.argv.pop(1))
LOOK_SECONDS = 10  # at the latest: the kernel tells of a change, if it can watch so many folders
BEGIN_SECONDS = 0.25
RETRY_SECONDS = 5

begin = WorkspaceProcessContext.__init__
begun: WeakSet[WorkspaceProcessContext] = WeakSet()
changed = threading.Event()


def begin_and_note(self: WorkspaceProcessContext, *arguments: Any, **options: Any) -> None:
    """Note the webserver's one, which it hands to nobody."""
    begin(self, *arguments, **options)
    begun.add(self)


class Changes(FileSystemEventHandler):
    """Notes that another file has taken the place of the workspace's."""

    def on_moved(self, _event: FileSystemEvent) -> None:
        """Leave it to the other thread to look at which, and how it differs."""
        changed.set()


def refresh() -> bool:
    """Have the webserver read the file again; tell whether it has begun to read it at all."""
    for each in tuple(begun):
        each.refresh_workspace()
    return bool(begun)


def follow(taken: str) -> None:
    """Take over what differs from what the webserver has read."""
    pause = LOOK_SECONDS
    while True:
        changed.wait(pause)
        changed.clear()
        pause = LOOK_SECONDS
        try:
            text = file.read_text()
            if text != taken:
                if refresh():
                    taken = text
                else:
                    pause = BEGIN_SECONDS
        except Exception:  # noqa: BLE001 - the next look may do better
            traceback.print_exc()
            pause = RETRY_SECONDS


def watch() -> None:
    """Have the kernel tell of changes."""
    observer = Observer()
    observer.schedule(Changes(), str(file.parent), event_filter=[FileMovedEvent])
    try:
        observer.start()
    except OSError as error:
        print(f"runtime: changes of the workspace are seen after {LOOK_SECONDS} s: {error}")


WorkspaceProcessContext.__init__ = begin_and_note
watch()
# What the webserver reads is at least as new as this.
threading.Thread(target=follow, args=(file.read_text(),), daemon=True).start()
