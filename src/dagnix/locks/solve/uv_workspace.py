"""A uv workspace: a folder above a project whose uv.lock is that of all its members."""

import re
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


def of(checkout: Checkout, folder: Path) -> Path | None:
    """Return the root of the workspace that a project is in, be it the root itself."""
    file = folder / PROJECT
    is_root = file.is_file() and _workspace(file) is not None
    return folder if is_root else root(checkout, folder)


def members(checkout: Checkout, folder: Path) -> dict[str, Path]:
    """Return the projects of the workspace that a project is in, by name."""
    above = of(checkout, folder)
    if above is None:
        return {}
    workspace = _workspace(above / PROJECT) or {}
    places = {
        place for each in workspace.get("members", ()) for place in above.glob(each.rstrip("/"))
    }
    files = [place / PROJECT for place in sorted({above, *places}) if (place / PROJECT).is_file()]
    named = {file: _toml(file).get("project", {}).get("name", "") for file in files}
    return {
        normal(name): file.parent
        for file, name in named.items()
        if file.parent == above or _is_member(above, workspace, file.parent)
    }


def normal(name: str) -> str:
    """Return the name of a package as all ways of writing it have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _above(checkout: Checkout, folder: Path) -> Iterator[Path]:
    """Yield the folders above a project, up to the repository's."""
    places = [checkout.root, *checkout.root.parents]
    top = next((place for place in places if (place / ".git").exists()), checkout.root)
    for above in folder.parents:
        yield above
        if above == top:
            return


def _workspace(file: Path) -> dict[str, Any] | None:
    return _toml(file).get("tool", {}).get("uv", {}).get("workspace")


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error


def _is_member(above: Path, workspace: dict[str, Any], folder: Path) -> bool:
    def among(patterns: Iterable[str]) -> bool:
        return any(folder in above.glob(pattern.rstrip("/")) for pattern in patterns)

    try:
        return among(workspace.get("members", ())) and not among(workspace.get("exclude", ()))
    except (ValueError, NotImplementedError, TypeError, AttributeError) as error:
        raise UserError(f"{above / PROJECT}: its [tool.uv.workspace] cannot be read.") from error
