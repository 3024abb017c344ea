"""Have the webserver take over each change of the workspace's file, from within its process.

Its API can only reload the workspace, and then every code server loads its code anew: that of other
teams too, and what is being edited in a mounted folder. At its start the webserver just asks them
what they serve; so it does here (WorkspaceProcessContext.refresh_workspace, Dagster 1.13).
"""

import gc
import sys
import threading
import time
import traceback
from pathlib import Path

file = Path(sys.argv.pop(1))
LOOK_SECONDS = 0.25
RETRY_SECONDS = 5


def refresh() -> bool:
    """Have the webserver read the file again; tell whether it has begun to read it at all."""
    module = sys.modules.get("dagster._core.workspace.context")
    kept = getattr(module, "WorkspaceProcessContext", None)
    # It has one, which nothing but its own functions hold.
    for each in gc.get_objects():
        if type(each) is kept:
            each.refresh_workspace()
            return True
    return False


def follow(taken: str) -> None:
    """Take over what differs from what the webserver has read."""
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            text = file.read_text()
            if text != taken and refresh():
                taken = text
        except Exception:  # noqa: BLE001 - the next look may do better
            traceback.print_exc()
            time.sleep(RETRY_SECONDS)


# What the webserver reads is at least as new as this.
threading.Thread(target=follow, args=(file.read_text(),), daemon=True).start()
