"""Reads and writes lock files."""

import contextlib
import json
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.locks.command import output_of
from dagnix.process import CommandError


def read(path: Path) -> dict[str, Any]:
    """Return the lock file's contents, or an empty lock where there is no file yet.

    Raises UserError for a file that is no JSON, as after a merge with conflicts.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(
            f"{path} is not valid JSON ({error}): "
            "take one side of the merge, then run ./dagnix lock."
        ) from error


def write(path: Path, lock: dict[str, Any]) -> bool:
    """Write the lock file in one step; return whether that changed it.

    A new one is made known to git, as Nix builds from what git knows.
    """
    text = json.dumps(lock, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text() == text:
        return False
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.replace(path)
    if is_new:
        with contextlib.suppress(CommandError):
            output_of(["git", "-C", path.parent, "add", "--intent-to-add", path.name])
    return True
