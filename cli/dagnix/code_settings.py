"""The settings of the code: files of the checkout, which the code servers read for themselves."""

import tomllib
from pathlib import Path

from dagnix import UserError, locations
from dagnix.project import Project


def folder(project: Project) -> Path:
    """Return the folder that compose.yaml mounts into the containers of code locations."""
    return project.root / "config" / "settings"


def require(project: Project) -> None:
    """Look for what no code server can see: settings of a code location that is not there.

    Raises:
        UserError: there are some, or a file is no TOML.

    """
    known = locations.names(project.root)
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
