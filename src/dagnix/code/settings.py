"""The settings of the code: files of the checkout, which the code servers read for themselves."""

import stat
import tomllib
from pathlib import Path

from dagnix import UserError, code_locations, console
from dagnix.project import Project


def folder(project: Project) -> Path:
    """Return the folder that compose.yaml mounts into the containers of code locations."""
    return project.root / "config" / "settings"


def require(project: Project) -> None:
    """Look for what no code server can see: settings of a code location that is not there.

    What a umask has closed to the containers' user is opened.

    Raises:
        UserError: there are some, a file is no TOML, or cannot be opened.

    """
    _open_to_containers(folder(project))
    known = code_locations.names(project.root)
    for path in sorted(folder(project).glob("*.toml")):
        shown = path.relative_to(project.root)
        try:
            content = tomllib.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"{shown} cannot be read: {error}.") from error
        for name, value in content.items():
            if isinstance(value, dict) and name not in known:
                raise UserError(
                    f"{shown} has settings of {name}, which is no code location: it is one of "
                    f"{', '.join(known)}."
                )


def _open_to_containers(place: Path) -> None:
    paths = [place, *place.glob("*.toml")] if place.is_dir() else []
    closed = [path for path in paths if _lacks(path)]
    try:
        for path in closed:
            path.chmod(stat.S_IMODE(path.stat().st_mode) | _lacks(path))
    except OSError as error:
        raise UserError(f"Containers, which have another uid, cannot read it: {error}.") from error
    if closed:
        console.warned(f"{place} is open to other users now, as containers have another uid")


def _lacks(path: Path) -> int:
    """Return what of a mode others need to read a file or a folder, and do not have."""
    needed = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
    return needed & ~path.stat().st_mode
