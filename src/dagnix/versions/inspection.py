"""What is in an image, and in the database: asked of Dagster itself."""

import json
import os
from pathlib import Path

from dagnix.host.podman import podman
from dagnix.images.layout import VERSION_LABEL
from dagnix.project import Project
from dagnix.stack.compose import compose
from dagnix.versions.compatibility import Schema

SCHEMA = Path(__file__).with_name("schema_of.py")
DAGSTER_LABEL = "dagnix.dagster.version"  # of a code location's image (nix/images.nix)
DAGSTER = "from importlib.metadata import version; print(version('dagster'))"


def labelled(project: Project, image_id: str) -> str:
    """Return the version on an image's label: Dagster's, PostgreSQL's, or the code's."""
    return _label(project, image_id, VERSION_LABEL)


def dagster(project: Project, image_id: str) -> str:
    """Return the version of the Dagster in an image, if need be by a look inside: half a second."""
    if version := _label(project, image_id, DAGSTER_LABEL):
        return version
    words = ["run", "--rm", "--network=none", "--entrypoint=python", image_id, "-c", DAGSTER]
    failure = f"The image {image_id[:12]} does not tell which Dagster it has"
    return podman(project, *words, failure=failure).output.strip()


def _label(project: Project, image_id: str, label: str) -> str:
    words = ["image", "inspect", "--format", f'{{{{index .Labels "{label}"}}}}', image_id]
    return podman(project, *words, failure="Podman does not show the image").output.strip()


def schema(named: Project, database: str = "") -> Schema:
    """Return the database's schema, as the Dagster of the project's webserver image sees it.

    `database` is another one than the one that is served. In a throwaway container, with the
    service's settings and secrets.
    """
    name = f"{named.name}_webserver_schema-of-p{os.getpid()}"
    words = ["run", "--rm", "--no-deps", "-T", "--name", name]
    words += ["-e", f"DAGSTER_PG_DB={database}"] if database else []
    failure = "The schema of the database cannot be read"
    command = ["python", "-c", SCHEMA.read_text()]
    said = compose(named, *words, "webserver", *command, failure=failure).output
    found = json.loads(said.strip().splitlines()[-1])
    return Schema(**{name: frozenset(revisions) for name, revisions in found.items()})


def data_major(project: Project, container: str) -> str:
    """Return the major version of the data in the volume, which the folder is named by."""
    psql = ["psql", "--host=/run/postgresql", "--username=postgres", "-AtqX"]
    words = ["exec", container, *psql, "--command=SHOW data_directory", "postgres"]
    failure = "Postgres does not tell where its data is"
    return Path(podman(project, *words, failure=failure).output.strip()).name
