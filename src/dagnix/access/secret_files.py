"""The passwords of the roles in Postgres: files outside git, made when they are first needed.

`storage` is the role of the pipelines of `pipes`; a further code location has one of its own, whose
password is mounted into its containers alone.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from dagnix import UserError, console

NAMES = ("dagster-password", "storage-password")
LOCATIONS = "storage"  # the folder with those of further code locations, by their names
BYTES = 24


def ensure(folder: Path) -> bool:
    """Write the password files that are not there; tell whether there were any to write.

    Those that are there stay as they are. Containers read them with a foreign uid, so they are open
    to read; their folder is not. Raises as `make_private`.
    """
    make_private(folder)
    written = [_write(folder / name) for name in NAMES]
    return any(written)


def ensure_locations(folder: Path, locations: Iterable[str]) -> set[str]:
    """Write the password files of further code locations that are not there; return those.

    Raises:
        UserError: their folder cannot be made, or not be made private.

    """
    make_private(folder)
    own = folder / LOCATIONS
    try:
        own.mkdir(exist_ok=True)
        own.chmod(0o755)  # mounted, it has no other folder around it
        return {name for name in locations if _write(own / name)}
    except OSError as error:
        raise UserError(f"The passwords of code locations cannot be written: {error}.") from error


def _write(path: Path) -> bool:
    """Write a random password if there is none; tell whether it did."""
    if path.exists():
        return False
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(secrets.token_urlsafe(BYTES) + "\n")
    beside.chmod(0o444)
    beside.replace(path)
    return True


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
