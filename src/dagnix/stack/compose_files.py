"""The compose files, read for what they name; podman-compose reads them for what they mean."""

from pathlib import Path
from typing import Any

import yaml

from dagnix import UserError
from dagnix.project import Project

EXTERNAL_FILE = "compose.external-db.yaml"


def read(path: Path) -> dict[str, Any]:
    """Return a file's content; what it resets or overrides of another file is None.

    Raises:
        UserError: it is not there, or no compose file.

    """
    try:
        content = yaml.load(path.read_text(), _Loader) or {}  # noqa: S506 - a safe one
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"The compose file {path.name} cannot be read: {error}.") from error
    if not isinstance(content, dict) or not isinstance(content.get("services") or {}, dict):
        raise UserError(f"{path.name} is no compose file: it has no services.")
    return content


def is_external(project: Project) -> bool:
    """Tell whether the compose files take a database outside the stack."""
    return any(file.endswith(EXTERNAL_FILE) for file in project.compose_files)


class _Loader(yaml.CSafeLoader):
    """Leaves what the tags !reset and !override mean to podman-compose; libyaml's, in C."""


_Loader.add_multi_constructor("!", lambda *_: None)
