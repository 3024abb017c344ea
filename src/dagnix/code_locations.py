"""The code locations of a checkout (standard library only).

`pipes` is always there. Each further one is a Dagster project in a folder of its own, with two
files of its name: its lock, which also names the folder, and its service in a compose file.
"""

import json
from pathlib import Path

from dagnix import UserError

FIRST = "pipes"


def lock(root: Path, name: str) -> Path:
    """Return the lock file of a location that is not the first."""
    return _locks(root) / f"{name}.json"


def compose_file(root: Path, name: str) -> Path:
    """Return the compose file of a location that is not the first."""
    return root / f"compose.location-{name}.yaml"


def others(root: Path) -> dict[str, Path]:
    """Return the folders of all locations but the first, by name; those whose lock can be read."""
    return {name: found for name, found in _read(root).items() if isinstance(found, Path)}


def unreadable(root: Path) -> dict[str, str]:
    """Return what is wrong with the locks that cannot be read, by the location's name."""
    return {name: found for name, found in _read(root).items() if isinstance(found, str)}


def python(root: Path, name: str) -> str:
    """Return the Python that a location is locked for, as "3.11"; "" if it is not locked yet."""
    try:
        return json.loads(lock(root, name).read_text()).get("python", "")
    except (FileNotFoundError, ValueError):
        return ""


def folders(root: Path) -> dict[str, Path]:
    """Return the folders of all locations, by name."""
    return {FIRST: root / FIRST, **others(root)}


def code(root: Path, name: str) -> list[Path]:
    """Return the folders whose code the image of a location has.

    They are its project's, and those of the projects in this checkout that it depends on.
    """
    path = lock(root, name) if name != FIRST else root / "nix" / "locks" / "python.json"
    try:
        members = json.loads(path.read_text()).get("members", [])
    except (FileNotFoundError, ValueError):
        members = []
    return [folders(root)[name], *(root / each for each in members)]


def names(root: Path) -> list[str]:
    """Return the names of all locations."""
    return [FIRST, *others(root)]


def require(root: Path, name: str) -> None:
    """Raise UserError if there is no location of this name, or its lock cannot be read."""
    if says := unreadable(root).get(name):
        raise UserError(says)
    if name not in (known := names(root)):
        raise UserError(f"There is no code location {name}: it is one of {', '.join(known)}.")


def role(name: str) -> str:
    """Return the role in Postgres, and its schema, of a location that is not the first."""
    return f"storage_{name.replace('-', '_')}"


def run_role(name: str) -> str:
    """Return the role in Postgres as whom a location's runs write in Dagster's tables."""
    return f"dagster_{name.replace('-', '_')}"


def _read(root: Path) -> dict[str, Path | str]:
    found: dict[str, Path | str] = {}
    for path in sorted(_locks(root).glob("*.json")):
        try:
            found[path.stem] = root / json.loads(path.read_text())["folder"]
        except (ValueError, KeyError, TypeError):
            found[path.stem] = (
                f"{path.relative_to(root)} is no lock of a code location: after a merge with "
                "conflicts, take one side of it, then run ./dagnix lock python."
            )
    return found


def _locks(root: Path) -> Path:
    return root / "nix" / "locks" / "locations"
