"""Two processes that begin with an empty database make the tables at the same time, and one fails.

Webserver, daemon and code server of a new stack start together.
"""

import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from dagster._core.storage.runs import SqliteRunStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

both = threading.Barrier(2)


def meet(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    """Have both look for the table `runs` before one of them makes it."""
    if statement.strip().startswith("CREATE TABLE runs "):
        with suppress(threading.BrokenBarrierError):
            both.wait(60)


event.listen(Engine, "before_cursor_execute", meet)


def start(folder: str) -> str:
    """Begin with a database; return what went wrong."""
    try:
        SqliteRunStorage.from_local(folder)
    except DBAPIError as error:
        return str(error.orig)
    return ""


with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as threads:
    errors = list(filter(None, threads.map(start, [folder, folder])))

print(f"Of two that began together {len(errors)} failed: {', '.join(errors)}")
sys.exit(bool(errors))
