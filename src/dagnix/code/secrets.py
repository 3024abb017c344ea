"""The secrets of the code: one file each, for all code locations or for one of them.

compose.yaml mounts their folders into the containers of code locations. What reads them there is
src/entrypoint/internal/variables; the rules for names and values are the same here and there.
"""

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError, code_locations
from dagnix.access import gate_files
from dagnix.code import settings as code_settings
from dagnix.project import Project
from dagnix.stack import compose_files

SHARED, OWN = "shared", "locations"  # folders of DAGNIX_SECRETS_DIR; OWN has one for each location
MOUNTS = {"/run/secrets/shared", "/run/secrets/location"}
MAX_BYTES = 64 << 10  # half of what Linux takes as one environment variable
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
RESERVED = ("GRPC_PROXY", "HOME", "HOSTNAME", "PATH")
RESERVED_PREFIXES = ("DAGNIX_", "DAGSTER_", "LD_", "PYTHON", "STORAGE_PG_")
FILE_SUFFIX = "_FILE"


@dataclass(frozen=True)
class Secret:
    """A secret's name, the code location that has it, or None for all, and when it was set."""

    name: str
    location: str | None
    changed: dt.datetime


def require_name(name: str) -> None:
    """Raise UserError if no secret can have this name, which then may be a value by mistake."""
    if not NAME.fullmatch(name):
        raise UserError(
            "That is no name of an environment variable: give the name alone, of letters, digits "
            "and underscores, at most 128, that begins with no digit."
        )
    if name.upper() in RESERVED or name.upper().startswith(RESERVED_PREFIXES):
        raise UserError(
            f"{name} is a variable that Dagnix, Dagster or Python is told by: choose another name."
        )
    if name.endswith(FILE_SUFFIX):
        raise UserError(
            f"{name} is the variable with the path of {name.removesuffix(FILE_SUFFIX)}: choose "
            "another name."
        )


def require_value(value: bytes) -> None:
    """Raise UserError if no environment variable can have this value."""
    if len(value) > MAX_BYTES:
        raise UserError(f"A secret has at most {MAX_BYTES} bytes; this one has more.")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UserError("The secret is no text in UTF-8: encode it, with `base64` say.")
    if not text.strip("\r\n"):
        raise UserError("The secret is empty: `./dagnix secret remove` removes one.")


def require_mounted(project: Project, location: str | None) -> None:
    """Raise UserError if a code location's container would not get a secret for it, or for all."""
    targets: dict[str, set[str]] = {}
    for file in project.compose_files:
        services = compose_files.read(project.root / file).get("services") or {}
        for name, service in services.items():
            for each in (service or {}).get("volumes") or ():
                parts = [each["target"]] if isinstance(each, dict) else each.split(":")
                targets.setdefault(name, set()).update(parts)
    for name in [location] if location else code_locations.names(project.root):
        if not targets.get(name, set()) >= MOUNTS:
            raise UserError(
                f"The compose files give {name} no secrets: add the volumes of /run/secrets that "
                "`pipes` has in Dagnix's compose.yaml, with its own name in the path of the last."
            )


def write(project: Project, name: str, location: str | None, value: bytes) -> None:
    """Write a secret, which only the containers' user and root can read, or replace one.

    Raises:
        UserError: its folder cannot be written to, or podman cannot give the file to that user.

    """
    gate_files.place(project, _folder(project.secrets, location) / name, value)


def remove(project: Project, name: str, location: str | None) -> None:
    """Remove a secret.

    Raises:
        UserError: there is none of this name for the location, or all; or it cannot be removed.

    """
    try:
        (_folder(project.secrets, location) / name).unlink()
    except FileNotFoundError as error:
        others = [each.location or "all" for each in found(project) if each.name == name]
        there = f": {name} is one of {', '.join(others)}" if others else ""
        raise UserError(f"There is no such secret of {location or 'all'}{there}.") from error
    except OSError as error:
        raise UserError(f"The secret cannot be removed: {error}.") from error


def found(project: Project) -> list[Secret]:
    """Return the secrets, sorted by their names. Raises UserError if their folder is closed."""
    secrets = list[Secret]()
    try:
        for location in (None, *(each.name for each in _entries(project.secrets / OWN))):
            for path in _entries(_folder(project.secrets, location)):
                changed = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
                secrets.append(Secret(path.name, location, changed))
    except OSError as error:
        raise UserError(f"The secrets cannot be listed: {error}.") from error
    return sorted(secrets, key=lambda each: (each.name, each.location or ""))


def contents(project: Project, location: str | None) -> dict[str, bytes]:
    """Return the values of a code location's secrets, or of those for all, by name.

    Raises:
        UserError: one cannot be read.

    """
    files = _entries(_folder(project.secrets, location))
    return {path.name: gate_files.content(project, path) for path in sorted(files)}


def folders(project: Project, location: str) -> list[Path]:
    """Return those of the folders with a code location's settings and secrets that are there."""
    secrets = (_folder(project.secrets, None), _folder(project.secrets, location))
    return [each for each in (code_settings.folder(project), *secrets) if os.access(each, os.R_OK)]


def changed_since(project: Project, location: str, moment: dt.datetime) -> bool:
    """Tell whether settings or secrets of a code location were changed after a moment."""
    # The time of a folder tells of files that were added and removed.
    files = [path for each in folders(project, location) for path in (each, *_entries(each))]
    return any(path.stat().st_ctime > moment.timestamp() for path in files)


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []


def _folder(secrets: Path, location: str | None) -> Path:
    return secrets / OWN / location if location else secrets / SHARED
