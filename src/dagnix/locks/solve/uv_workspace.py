"""A uv workspace: a folder above a project whose uv.lock is that of all its members."""

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.checkout import Checkout

PROJECT = "pyproject.toml"


def root(checkout: Checkout, folder: Path) -> Path | None:
    """Return the root of the workspace that a project is a member of, in the same repository.

    Raises UserError for a workspace that cannot be read.
    """
    for above in _above(checkout, folder):
        if (above / PROJECT).is_file():
            workspace = _workspace(above / PROJECT)
            if workspace is not None:
                return above if _is_member(above, workspace, folder) else None
    return None


def _above(checkout: Checkout, folder: Path) -> Iterator[Path]:
    """Yield the folders above a project, up to the repository's."""
    places = [checkout.root, *checkout.root.parents]
    top = next((place for place in places if (place / ".git").exists()), checkout.root)
    for above in folder.parents:
        yield above
        if above == top:
            return


def _workspace(file: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(file.read_text()).get("tool", {}).get("uv", {}).get("workspace")
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error


def _is_member(above: Path, workspace: dict[str, Any], folder: Path) -> bool:
    def among(patterns: Iterable[str]) -> bool:
        return any(folder in above.glob(pattern.rstrip("/")) for pattern in patterns)

    try:
        return among(workspace.get("members", ())) and not among(workspace.get("exclude", ()))
    except (ValueError, NotImplementedError, TypeError, AttributeError) as error:
        raise UserError(f"{above / PROJECT}: its [tool.uv.workspace] cannot be read.") from error
