"""The compose file of a code location: the service `pipes` once more, under another name."""

import re
from pathlib import Path
from typing import Any

import yaml

from dagnix import UserError, code_secrets
from dagnix.locations import FIRST, compose_file

HEAD = """\
# The code location {name}, beside the files of the stack:
#   podman-compose -f compose.yaml -f {file} up -d
# Written once by `./dagnix location add`, after `{first}` in compose.yaml; edit it as you like.
"""
DATA = "/var/lib/dagster"


def write(root: Path, name: str) -> Path:
    """Write the location's compose file, and return its path.

    Raises:
        UserError: compose.yaml has no service `pipes` to go by.

    """
    try:
        services = yaml.safe_load((root / "compose.yaml").read_text())["services"]
        service = named(services[FIRST], name)
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise UserError(
            f"compose.yaml has no service {FIRST} that {name} could be like: {error}."
        ) from error
    path = compose_file(root, name)
    content = {"services": {name: service}, "volumes": {f"{name}-data": {}}}
    head = HEAD.format(name=name, file=path.name, first=FIRST)
    path.write_text(head + yaml.dump(content, Dumper=_Plain, sort_keys=False, width=100))
    return path


def named(like: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a service with an image, a volume for its data and a code location of its own."""
    image = re.sub(rf"/{FIRST}:", f"/{name}:", like["image"])
    environment = {**like["environment"], "DAGSTER_PIPES_HOST": name, "DAGNIX_LOCATION": name}
    volumes = [_volume(volume, name) for volume in like["volumes"]]
    return {**like, "image": image, "environment": environment, "volumes": volumes}


def _volume(like: str | dict[str, Any], name: str) -> str | dict[str, Any]:
    if isinstance(like, dict):
        folder = re.sub(
            rf"/{code_secrets.OWN}/{FIRST}$", f"/{code_secrets.OWN}/{name}", like["source"]
        )
        return {**like, "source": folder}
    return f"{name}-data:{DATA}" if like.partition(":")[2] == DATA else like


class _Plain(yaml.SafeDumper):
    """Writes no anchors, which a person would have to look up."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as SafeDumper has it
        return True
