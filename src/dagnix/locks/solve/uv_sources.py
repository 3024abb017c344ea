"""[tool.uv.sources]: where uv takes a project's requirements from, if not from an index."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from dagnix import UserError

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


def require_index(file: Path, requirements: Sequence[str]) -> None:
    """Require that uv, too, would take all of them from an index: pip knows no [tool.uv.sources].

    It would take another project's package of the same name. Raises UserError.
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
