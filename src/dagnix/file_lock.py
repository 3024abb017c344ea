"""One process at a time, by a lock on a file (standard library only).

Ours, as two of its users run before there is any package. The kernel gives the lock back when the
process ends, however it ends.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path, busy: Callable[[], object]) -> Iterator[None]:
    """Hold the lock; if another process has it, call `busy`, then wait. The file is made if absent.

    What `busy` raises ends the waiting before it begins.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
