"""The compose file of a code location: the service `pipes` once more, under another name."""

import functools
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from dagnix import UserError
from dagnix.access import secret_files
from dagnix.code_locations import FIRST, compose_file, others, role, run_role
from dagnix.stack import sockets

HEAD = """\
# The code location {name}, beside the files of the stack:
#   podman-compose -f compose.yaml -f {file} up -d
# Written once by `./dagnix location add`, after `{first}` in compose.yaml; edit it as you like.
"""
DATA = "/var/lib/dagster"
# Those that are mounted from a folder of the location's own.
OWN_FOLDERS = {
    "/run/secrets/location",
    f"{sockets.TARGET}/{FIRST}",
    f"{DATA}/compute_logs/{FIRST}",
}
BACKUP = "backup"  # the service, and where it has the files that it backs up
FILES = "/var/lib/dagnix/files"
ROLE_FILE = "storage-password"  # of a location's roles in Postgres, in its container


def unreadable(root: Path) -> dict[str, str]:
    """Return what is wrong with the compose files of locations that cannot be read, by name."""
    return {name: says for name in others(root) if (says := _fault(root, name))}


def _fault(root: Path, name: str) -> str:
    path = compose_file(root, name)
    try:
        known = _services(path.read_text())
    except FileNotFoundError:
        return (
            f"{path.name} is not there: take it from git, or remove the location and add it again "
            f"(`./dagnix location remove {name}`)."
        )
    except (ValueError, yaml.YAMLError) as error:  # no UTF-8, or no YAML
        return f"{path.name} is no compose file: {error}."
    return "" if name in known else f"{path.name} has no service {name}: put it in."


@functools.cache
def _services(text: str) -> Collection[str]:
    content = yaml.safe_load(text)
    services = content.get("services") if isinstance(content, dict) else None
    return services.keys() if isinstance(services, dict) else ()


def warnings(root: Path) -> Iterator[str]:
    """Say which locations have a service from before each had its own role for its runs."""
    for name in others(root).keys() - unreadable(root).keys():
        path = compose_file(root, name)
        own = yaml.safe_load(path.read_text())["services"][name] or {}
        if (own.get("environment") or {}).get("DAGSTER_PG_USER") != run_role(name):
            yield (
                f"{path.name} is older than the roles of code locations: {name} may write all in "
                "Dagster's tables, and the dashboard does not show what its steps print. Give it "
                f"what {FIRST} has in compose.yaml (DAGSTER_PG_USER, which is {run_role(name)}, "
                "DAGSTER_PG_PASSWORD_FILE, secrets and the folder of compute logs), or remove the "
                "location and add it again: its data stays"
            )


def write(root: Path, name: str) -> Path:
    """Write the location's compose file, and return its path.

    Raises:
        UserError: compose.yaml has no service `pipes` to go by.

    """
    try:
        known = yaml.safe_load((root / "compose.yaml").read_text())["services"]
        service = named(known[FIRST], name)
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise UserError(
            f"compose.yaml has no service {FIRST} that {name} could be like: {error}."
        ) from error
    path = compose_file(root, name)
    services = {name: service}
    if BACKUP in known:
        services[BACKUP] = {"volumes": [f"{name}-data:{FILES}/{name}-data"]}
    password = f"${{DAGNIX_SECRETS_DIR:-./.dagnix/secrets}}/{secret_files.LOCATIONS}/{name}"
    content = {
        "services": services,
        "volumes": {f"{name}-data": {}},
        "secrets": {
            # Relabelled, so that containers read it on hosts with SELinux.
            f"{name}-{ROLE_FILE}": {"file": password, "x-podman.relabel": "z"}
        },
    }
    head = HEAD.format(name=name, file=path.name, first=FIRST)
    path.write_text(head + yaml.dump(content, Dumper=_Plain, sort_keys=False, width=100))
    return path


def named(like: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a service that has everything of its own: image, data, roles in Postgres, secrets."""
    image = re.sub(rf"/{FIRST}:", f"/{name}:", like["image"])
    database = _database(like["environment"], name)
    environment = {**like["environment"], **database, "DAGNIX_LOCATION": name}
    volumes = [_volume(volume, name) for volume in like["volumes"]]
    own = {"source": f"{name}-{ROLE_FILE}", "target": ROLE_FILE}
    return {
        **like,
        "image": image,
        "environment": environment,
        "volumes": volumes,
        "secrets": [own if each == ROLE_FILE else each for each in like.get("secrets", ())],
    }


def _database(like: dict[str, str], name: str) -> dict[str, str]:
    """Return the variables of the stack's Postgres, or of the one of compose.external-db.yaml."""
    keys = ("HOST", "PORT", "DB")
    dagster = {key: f"${{DAGSTER_PG_{key}:-{like[f'DAGSTER_PG_{key}']}}}" for key in keys}
    return {
        **{f"DAGSTER_PG_{key}": value for key, value in dagster.items()},
        "DAGSTER_PG_USER": run_role(name),
        **{f"STORAGE_PG_{key}": f"${{STORAGE_PG_{key}:-{dagster[key]}}}" for key in keys},
        "STORAGE_PG_USER": role(name),
        "PGSSLMODE": "${PGSSLMODE:-prefer}",
        "PGSSLROOTCERT": "${PGSSLROOTCERT:-}",
    }


def _volume(like: str | dict[str, Any], name: str) -> str | dict[str, Any]:
    if isinstance(like, dict):
        own = {key: re.sub(rf"/{FIRST}$", f"/{name}", like[key]) for key in ("source", "target")}
        return {**like, **own} if like["target"] in OWN_FOLDERS else like
    return f"{name}-data:{DATA}" if like.partition(":")[2] == DATA else like


class _Plain(yaml.SafeDumper):
    """Writes no anchors, which a person would have to look up."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as SafeDumper has it
        return True
