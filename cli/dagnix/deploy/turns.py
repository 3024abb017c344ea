"""One command at a time that changes what runs, for each instance of the stack."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagnix import console
from dagnix.project import Project


def folder(project: Project) -> Path:
    """Return the folder for what is known of the instance's deploys; it is made if it is absent."""
    path = project.state / "deploys" / project.name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def turn(project: Project) -> Iterator[None]:
    """Wait until no other command changes what this instance runs, and keep others waiting.

    The kernel gives the turn back when the process ends, however it ends.
    """
    with (folder(project) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.warned(f"Another command changes what {project.name} runs: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
