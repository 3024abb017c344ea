"""The service `backup`, which does what needs Postgres's superuser and the volumes."""

import json
from collections.abc import Iterable

from dagnix import UserError
from dagnix.backups.archive import Manifest
from dagnix.host.podman import directory, podman, settings
from dagnix.process import feed
from dagnix.project import Project
from dagnix.stack.compose_files import is_external
from dagnix.stack.containers import containers
from dagnix.stack.health import PROGRAM

NAME = "backup"
NEEDED = (NAME, "postgres")


def container(project: Project) -> str:
    """Return the name of the service's container.

    Raises:
        UserError: it or Postgres does not run, or the database is outside the stack.

    """
    if is_external(project):
        raise UserError(
            "The database is outside this stack, and so are its backups: make and restore them "
            "with your own means (pg_dump, pg_restore)."
        )
    running = {each.service: each.name for each in containers(project) if each.running}
    if missing := [name for name in NEEDED if name not in running]:
        raise UserError(
            f"{project.name} has no {' and no '.join(missing)} that runs: start it with "
            "./dagnix up."
        )
    return running[NAME]


def ask(project: Project, name: str, *words: str, failure: str) -> str:
    """Have the container `name` do something; return what it says. Raises CommandError."""
    return podman(project, "exec", name, PROGRAM, *words, failure=failure).output.strip()


def describe(project: Project, name: str) -> Manifest:
    """Return what a backup of the instance would be of. Raises CommandError."""
    failure = "The instance does not tell what it is"
    return Manifest.of(json.loads(ask(project, name, "describe", failure=failure)))


def restore(project: Project, name: str, step: Iterable[str], chunks: Iterable[bytes]) -> None:
    """Have the container do a step of a restore, which reads `chunks`. Raises CommandError."""
    step = list(step)
    words = ["podman", "exec", "--interactive", name, PROGRAM, "restore", *step]
    failure = f"The backup's {' '.join(step)} cannot be restored, and what is served stays as it is"
    feed(words, failure, chunks, env=settings(), cwd=directory(project.state))
