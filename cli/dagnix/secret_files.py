"""The passwords of the stack's own Postgres: files outside git, made at the first start."""

import os
import secrets
from pathlib import Path

from dagnix import UserError, console

NAMES = ("dagster-password", "storage-password")
BYTES = 24


def ensure(folder: Path) -> bool:
    """Write the password files that are not there; tell whether there were any to write.

    Those that are there stay as they are. Containers read them with a foreign uid, so they are open
    to read; their folder is not. Raises as `make_private`.
    """
    written = False
    make_private(folder)
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


def make_private(folder: Path) -> None:
    """Make a folder that only its owner gets at; one that is there is closed to others.

    Raises:
        UserError: it cannot be made or closed.

    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
            console.warned(f"{folder} was open to other users; now it is its owner's alone")
    except OSError as error:
        raise UserError(
            f"The folder of secrets cannot be made private: {error}. It must be yours, with mode "
            "0700; DAGNIX_SECRETS_DIR names another."
        ) from error
