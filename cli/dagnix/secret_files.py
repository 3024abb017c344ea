"""The passwords of the stack's own Postgres: files outside git, made at the first start."""

import os
import secrets
from pathlib import Path

NAMES = ("dagster-password", "storage-password")
BYTES = 24


def ensure(folder: Path) -> bool:
    """Write the password files that are not there; tell whether there were any to write.

    Those that are there stay as they are. Containers read them with a foreign uid, so they are open
    to read; their folder is not.
    """
    written = False
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in NAMES:
        path = folder / name
        if path.exists():
            continue
        beside = folder / f".{name}.{os.getpid()}"
        beside.write_text(secrets.token_urlsafe(BYTES) + "\n")
        beside.chmod(0o444)
        beside.replace(path)
        written = True
    return written
