"""Dagster's own migration of the database, while no daemon launches runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagnix import console
from dagnix.host.podman import podman
from dagnix.images.tags import under_retained_name
from dagnix.process import CommandError
from dagnix.project import Project
from dagnix.stack import recovery
from dagnix.stack.compose import compose
from dagnix.stack.containers import containers, everything

SERVICE = "daemon"


@contextmanager
def daemon_stopped(project: Project) -> Iterator[None]:
    """Stop the daemon; in the end the one that is there then runs, whatever happens."""
    if _daemons(project):
        with console.step("Stopping the daemon", "The daemon is stopped: runs wait in the queue"):
            compose(project, "stop", SERVICE, failure="podman-compose cannot stop the daemon")
    try:
        yield
    finally:
        start_daemon(project)


def start_daemon(project: Project) -> None:
    """Start the daemon if it does not run."""
    recovery.finish(project)  # Ctrl-C may have come while it was stopped
    for each in _daemons(project):
        podman(project, "start", each, failure="Podman cannot start the daemon")


def run(project: Project, image_id: str, backup: Path | None) -> None:
    """Run `dagster instance migrate` in a throwaway container of a daemon's image.

    Raises:
        CommandError: it failed; with the place of the backup.

    """
    with console.step("Migrating the database", "The database is migrated"):
        wait_for_earlier(project)
        words = ["run", "--rm", "--no-deps", "-T", "--name", _name(project), SERVICE]
        command = ["dagster", "instance", "migrate"]
        failure = "The database cannot be migrated"
        named = under_retained_name(project, SERVICE, image_id)
        done = compose(named, *words, *command, failure=failure, check=False)
    if done.returncode:
        where = f"The backup is {backup}" if backup else "There is no backup of Dagnix's"
        raise CommandError(
            f"{failure}: the services stay on what they were, and run. {where} "
            "(docs/howto/upgrade.md). Cure what Dagster says, and ./dagnix upgrade goes on:",
            done,
        )


def wait_for_earlier(project: Project) -> None:
    """Wait for the migration of an upgrade that was killed: it goes on without it."""
    if any(each.name == _name(project) for each in everything(project)):
        # It is removed as it ends, perhaps just now.
        podman(project, "wait", _name(project), failure="", check=False)
        podman(project, "rm", "--ignore", _name(project), failure="", check=False)


def _name(project: Project) -> str:
    return f"{project.name}_{SERVICE}_migration"


def _daemons(project: Project) -> list[str]:
    return [each.name for each in containers(project) if each.service == SERVICE]
