"""[tool.uv.sources]: where uv takes a project's requirements from, if not from an index."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks.solve import uv_workspace
from dagnix.locks.solve.uv_workspace import PROJECT, normal

NAME = re.compile(r"\s*([\w.-]+)\s*(?:\[([^]]*)\])?")
# What no image can have.
PLACES = {"path": "a file", "git": "git", "url": "an address"}
INSTEAD = (
    "publish it in yours, or put its code beside the project's own and take it out of the "
    "dependencies"
)


def read(checkout: Checkout, folder: Path) -> Mapping[str, tuple[Path, dict[str, Any]]]:
    """Return a project's sources by name, each with the file that has it, as uv reads them.

    Those of its workspace hold for it, too. Raises UserError for a file that cannot be read.
    """
    found = {}
    above = uv_workspace.of(checkout, folder)
    for place in dict.fromkeys((*([above] if above else []), folder)):
        file = place / PROJECT
        try:
            content = tomllib.loads(file.read_text()) if file.is_file() else {}
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read: {error}.") from error
        for name, listed in content.get("tool", {}).get("uv", {}).get("sources", {}).items():
            tables = listed if isinstance(listed, list) else [listed]
            found[normal(name)] = (file, {key: each[key] for each in tables for key in each})
    return found


def split(requirement: str) -> tuple[str, list[str]]:
    """Return the name that a requirement begins with, and its extras."""
    found = NAME.match(requirement)
    name, extras = found.groups() if found else ("", "")
    return normal(name), [
        normal(each.strip()) for each in (extras or "").split(",") if each.strip()
    ]


def local(checkout: Checkout, folder: Path, requirement: str) -> Path | None:
    """Return the project of this checkout that a requirement of another is; None for an index's.

    pip knows no sources: it would take another project's package of the same name.
    Raises UserError for what comes from neither.
    """
    name, _ = split(requirement)
    file, source = read(checkout, folder).get(name, (None, {}))
    if file is None:
        return None
    if source.get("workspace"):
        found = uv_workspace.members(checkout, folder).get(name)
        if found is None:
            raise UserError(f"{file} has {name} from its uv workspace, which has no such member.")
    elif "path" in source and (file.parent / source["path"] / PROJECT).is_file():
        found = (file.parent / source["path"]).resolve()
    elif place := next((PLACES[key] for key in PLACES if key in source), ""):
        raise UserError(
            f"{file} has {name} from {place} ([tool.uv.sources]), and Dagnix installs packages of "
            f"an index alone: {INSTEAD}."
        )
    else:
        return None
    if not found.is_relative_to(checkout.root):
        raise UserError(
            f"{file} has {name} from {found}, which is not inside {checkout.root}: Nix builds from "
            f"what is in the checkout, so move it there, or {INSTEAD}."
        )
    return found
