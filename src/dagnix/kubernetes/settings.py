"""What Kubernetes is told of an instance: images, secrets, the files of config/, the database."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from dagnix import UserError, code_locations
from dagnix.access import gate_files, secret_files
from dagnix.code import secrets as code_secrets
from dagnix.code import settings as code_settings
from dagnix.images.layout import Layout
from dagnix.images.push import Registry
from dagnix.kubernetes.objects import Names
from dagnix.kubernetes.services import Service
from dagnix.project import Project

# The services that every stack has; all others with a DAGNIX_LOCATION, and the first, serve code.
WEBSERVER, DAEMON, GATE, POSTGRES, BACKUP = "webserver", "daemon", "gate", "postgres", "backup"
ALERTS = "alerts"  # a cluster has its own
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123
MODES = ("ReadWriteMany", "ReadWriteOnce")


@dataclass(frozen=True)
class Settings:
    """All that the objects are made of. `images` is image → its name with the digest."""

    names: Names
    services: Mapping[str, Service]
    images: Mapping[str, str]
    dagster: Mapping[str, Any]  # config/dagster.yaml
    code_settings: Mapping[str, str]  # the files of config/settings/
    shared_secrets: Mapping[str, bytes]
    location_secrets: Mapping[str, Mapping[str, bytes]]
    gate_secrets: Mapping[str, bytes]
    passwords: Mapping[str, Mapping[str, bytes]]  # service → path in its containers → content
    role_passwords: Mapping[str, bytes]  # of further code locations
    storage_class: str
    storage_mode: str
    pull_secret: str

    @property
    def has_postgres(self) -> bool:
        """Whether Postgres is in the stack: then the host is the folder of its Unix socket."""
        return self.services[DAEMON].environment["DAGSTER_PG_HOST"].startswith("/")

    @property
    def locations(self) -> list[Service]:
        """The services that serve code."""
        others = {WEBSERVER, DAEMON, GATE, POSTGRES, BACKUP, ALERTS}
        return [each for name, each in self.services.items() if name not in others]

    @property
    def database_port(self) -> int:
        """The port of Dagster's database."""
        return int(self.services[DAEMON].environment.get("DAGSTER_PG_PORT") or 5432)

    def variables(self, service: Service) -> dict[str, str]:
        """Return a service's environment, with the database where pods reach it."""
        found = {name: value for name, value in service.environment.items() if value}
        if self.has_postgres:
            hosts = ("DAGSTER_PG_HOST", "STORAGE_PG_HOST")
            found |= {name: POSTGRES for name in hosts if name in found}
        return found


def require(project: Project) -> None:
    """Look for what Kubernetes cannot be told, before anything is built.

    Raises:
        UserError: there is something.

    """
    if not _NAMESPACE.fullmatch(project.name):
        raise UserError(
            f"COMPOSE_PROJECT_NAME is {project.name}, and no namespace can have that name: take "
            "small letters, digits and -, with a letter or digit at both ends."
        )
    if not gate_files.has_login(project):
        raise UserError(
            "A cluster's dashboard is for others than this host, and nobody has to log in yet: "
            "run ./dagnix auth add USER --role admin."
        )
    mode = project.environment["DAGNIX_STORAGE_MODE"]
    if mode not in MODES:
        raise UserError(f"DAGNIX_STORAGE_MODE must be {' or '.join(MODES)}, not {mode!r}.")
    code_settings.require(project)


def collect(
    project: Project, registry: Registry, layouts: Iterable[Layout], services: dict[str, Service]
) -> Settings:
    """Read all that the objects are made of; passwords that are not there yet are written.

    Raises:
        UserError: something of it cannot be read.

    """
    others = code_locations.others(project.root)
    secret_files.ensure(project.secrets)
    secret_files.ensure_locations(project.secrets, others)
    roles = project.secrets / secret_files.LOCATIONS
    return Settings(
        names=Names(project.name),
        services=services,
        images={each.name: f"{registry.repository(each.name)}@{each.digest}" for each in layouts},
        dagster=_dagster(project),
        code_settings={
            path.name: path.read_text()
            for path in sorted(code_settings.folder(project).glob("*.toml"))
        },
        shared_secrets=code_secrets.contents(project, None),
        location_secrets={
            name: code_secrets.contents(project, name)
            for name in code_locations.names(project.root)
        },
        gate_secrets=gate_files.everything(project),
        passwords={
            name: {path: gate_files.content(project, file) for path, file in each.secrets.items()}
            for name, each in services.items()
        },
        role_passwords={name: gate_files.content(project, roles / name) for name in sorted(others)},
        storage_class=project.environment["DAGNIX_STORAGE_CLASS"],
        storage_mode=project.environment["DAGNIX_STORAGE_MODE"],
        pull_secret=project.environment["DAGNIX_PULL_SECRET"],
    )


def _dagster(project: Project) -> dict[str, Any]:
    path = project.root / "config" / "dagster.yaml"
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"config/dagster.yaml cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise UserError("config/dagster.yaml has no settings of Dagster.")
    return content
