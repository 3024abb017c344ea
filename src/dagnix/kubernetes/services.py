"""The services of the compose files, as podman-compose reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from podman_compose import str_to_seconds

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack.compose import compose

_SIZE = re.compile(r"(\d+)([kmg])i?b?", re.IGNORECASE)


@dataclass(frozen=True)
class Service:
    """A service: `memory` is a quantity such as 1Gi, `grace` in seconds, `secrets` path → file.

    `memory_files` are the folders in memory, with the size of each.
    """

    name: str
    image: str
    environment: Mapping[str, str]
    memory: str
    grace: int
    health: list[str]
    memory_files: Mapping[str, str]
    secrets: Mapping[str, Path]

    @property
    def location(self) -> str:
        """The name of the code location that it serves."""
        return self.environment.get("DAGNIX_LOCATION", self.name)


def read(project: Project) -> dict[str, Service]:
    """Return the services that are started without being asked for, by name.

    Raises:
        UserError: podman-compose cannot read the files, or they lack what a service must have.

    """
    failure = "podman-compose cannot read the compose files"
    content = yaml.safe_load(compose(project, "config", failure=failure).output)
    files = content.get("secrets") or {}
    found = {}
    for name, service in content["services"].items():
        if service.get("profiles"):
            continue
        try:
            found[name] = _service(project, name, service, files)
        except (KeyError, TypeError) as error:
            raise UserError(f"The service {name} in the compose files lacks {error}.") from error
    return found


def _service(
    project: Project, name: str, service: Mapping[str, Any], files: Mapping[str, Any]
) -> Service:
    return Service(
        name=name,
        # localhost/dagnix/NAME:TAG
        image=service["image"].rpartition(":")[0].rpartition("/")[2],
        environment={key: str(value) for key, value in service["environment"].items()},
        memory=quantity(service["mem_limit"]),
        grace=str_to_seconds(service.get("stop_grace_period")) or 10,
        health=service["healthcheck"]["test"][1:],
        memory_files=dict(_memory_files(each) for each in service.get("tmpfs") or ()),
        secrets=dict(_secret(project, each, files) for each in service.get("secrets") or ()),
    )


def _memory_files(text: str) -> tuple[str, str]:
    """Read a line such as /tmp:size=64m,mode=1777."""
    path, _, options = text.partition(":")
    sizes = dict(each.partition("=")[::2] for each in options.split(","))
    return path, quantity(sizes.get("size", "64m"))


def _secret(
    project: Project, used: str | Mapping[str, str], files: Mapping[str, Any]
) -> tuple[str, Path]:
    source, target = (used, used) if isinstance(used, str) else (used["source"], used["target"])
    return f"/run/secrets/{target}", project.root / files[source]["file"]


def quantity(size: str | int) -> str:
    """Return a size of Compose's, such as 1g, as Kubernetes has it: 1Gi.

    Raises:
        UserError: it is no size.

    """
    text = str(size).strip()
    if text.isdecimal():
        return text
    found = _SIZE.fullmatch(text)
    if not found:
        raise UserError(
            f"{size} is no size: give a whole number with its unit, such as 512m or 2g."
        )
    return f"{found[1]}{found[2].upper()}i"
