"""What a code location needs: what its project declares, and what a code server takes besides."""

import runpy
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks.solve import uv_sources

# A run writes to Dagster's Postgres.
REQUIRED = ("dagster", "dagster-postgres")
# The images read a project with the same file.
READER = Path("src", "dagster_dagnix", "dagster_dagnix", "dependencies.py")


@dataclass(frozen=True)
class Dependencies:
    """The dependencies of a project, and the file that lists them.

    `declared` are those from an index that the file lists, or that one of `members` does: the
    projects of this checkout that it depends on. `requirements` has what every code location gets,
    too. `python` is a specifier of the versions of Python that all of it runs on, "" for any.
    """

    file: Path
    declared: Sequence[str]
    constraints: Sequence[str]
    python: str
    members: Sequence[Path] = ()

    @property
    def requirements(self) -> list[str]:
        """All that is asked for."""
        return [*REQUIRED, *self.declared]


def of(checkout: Checkout, folder: Path) -> Dependencies:
    """Read the project in a folder, without running any of it.

    Raises:
        UserError: a file cannot be read, or depends on what no index has.

    """
    declared = runpy.run_path(str(checkout.source / READER))["declared"]
    first = _read(declared, folder)
    pythons, constraints = [first.python], [*first.constraints]
    from_index: list[str] = []
    members: list[Path] = []
    waiting = [(folder, each) for each in first.requirements]
    seen = set()
    while waiting:
        place, requirement = waiting.pop(0)
        member = uv_sources.local(checkout, place, requirement)
        if member is None:
            from_index.append(requirement)
        elif (member, requirement) not in seen:
            seen.add((member, requirement))
            waiting += [(member, each) for each in _extras(member, requirement)]
            if member not in (folder, *members):
                members.append(member)
                found = _read(declared, member)
                pythons.append(found.python)
                constraints += found.constraints
                waiting += [(member, each) for each in found.requirements]
    python = ",".join(filter(None, pythons))
    return Dependencies(
        folder / first.file, tuple(dict.fromkeys(from_index)), tuple(constraints), python, members
    )


def _read(declared: Callable[[Path], Any], folder: Path) -> Any:
    try:
        return declared(folder)
    except ValueError as error:
        raise UserError(str(error)) from error


def _extras(member: Path, requirement: str) -> list[str]:
    """Return what the extras of a member need that a requirement names."""
    _, extras = uv_sources.split(requirement)
    if not extras:
        return []
    project = tomllib.loads((member / "pyproject.toml").read_text()).get("project", {})
    optional = project.get("optional-dependencies", {})
    wanted = {uv_sources.normal(name): listed for name, listed in optional.items()}
    return [each for extra in extras for each in wanted.get(extra, ())]
