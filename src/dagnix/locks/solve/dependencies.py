"""What a code location needs: what its project declares, and what a code server takes besides."""

import runpy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

    `declared` are those that the file lists, `requirements` has what every code location gets, too.
    `python` is a specifier of the versions of Python that it runs on, "" for any.
    """

    file: Path
    declared: Sequence[str]
    constraints: Sequence[str]
    python: str

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
    try:
        found = declared(folder)
    except ValueError as error:
        raise UserError(str(error)) from error
    uv_sources.require_index(folder / "pyproject.toml", found.requirements)
    return Dependencies(folder / found.file, found.requirements, found.constraints, found.python)
