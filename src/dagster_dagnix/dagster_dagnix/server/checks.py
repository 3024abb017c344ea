"""Whether this Python has what a project says that it depends on."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from dagster_dagnix.dependencies import Declared, declared

# Set where the project's folder is mounted, and may ask for more than the image was built with.
SNAPSHOTS_VARIABLE = "DAGNIX_PIPES_SNAPSHOTS"


class Unmet(Exception):  # noqa: N818 - it is about the project, not this program
    """A project's dependencies are not there or cannot be read."""

    def __init__(self, message: str, answer: dict[str, Any]) -> None:
        super().__init__(message)
        self.answer = answer


def check_dependencies(folder: Path) -> None:
    """Raise Unmet if a mounted project depends on what this Python lacks."""
    if not os.environ.get(SNAPSHOTS_VARIABLE):
        return
    try:
        found = declared(folder)
        missing = list(lacking(found))
    except ValueError as error:
        raise Unmet(
            str(error), {"__class__": "UnreadableDependencies", "message": str(error)}
        ) from error
    if missing:
        raise Unmet(
            f"{folder / found.file} depends on what this Python lacks: {', '.join(missing)}. "
            "Install it, or build the image from a project that depends on it.",
            {"__class__": "MissingDependencies", "file": found.file, "dependencies": missing},
        )


def lacking(project: Declared) -> Iterator[str]:
    """Yield what a project depends on and this Python lacks, as it is written."""
    python = platform.python_version()
    if not SpecifierSet(project.python).contains(python):
        yield f"Python {project.python} (the image has {python})"
    for written in project.requirements:
        requirement = Requirement(written)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield written
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{written} (the image has {version})"
