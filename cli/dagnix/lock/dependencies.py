"""What a code location needs: what its project declares, and what a code server takes besides."""

import re
import runpy
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError
from dagnix.lock.checkout import Checkout

# A run writes to Dagster's Postgres.
REQUIRED = ("dagster", "dagster-postgres")
# The images read a project with the same file.
READER = Path("runtime", "internal", "codeserver", "dependencies.py")
NAME = re.compile(r"[\w.-]*")
# What uv takes a package from if not from an index, and what to do about it.
PLACES = {
    "workspace": "the uv workspace",
    "path": "a folder or file",
    "git": "git",
    "url": "an address",
}
INSTEAD = (
    "publish it in yours, or put its code beside the project's own and take it out of the "
    "dependencies"
)


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
    _require_index(folder / "pyproject.toml", found.requirements)
    return Dependencies(folder / found.file, found.requirements, found.constraints, found.python)


def _require_index(file: Path, requirements: Sequence[str]) -> None:
    """Require that uv, too, would take all of them from an index: pip knows no [tool.uv.sources].

    It would take another project's package of the same name.
    """
    content = tomllib.loads(file.read_text()) if file.is_file() else {}
    sources = content.get("tool", {}).get("uv", {}).get("sources", {})
    needed = {_normal(NAME.match(each.strip())[0]) for each in requirements}  # type: ignore[index]
    for name, listed in sources.items():
        kinds = {key for each in _tables(listed) for key in each}
        if _normal(name) in needed and (found := sorted(kinds & PLACES.keys())):
            raise UserError(
                f"{file} has {name} from {PLACES[found[0]]} ([tool.uv.sources]), and Dagnix "
                f"installs packages of an index alone: {INSTEAD}."
            )


def _tables(listed: object) -> list[dict[str, object]]:
    return [each for each in (listed if isinstance(listed, list) else [listed]) if each]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
