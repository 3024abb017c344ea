"""The stack as it runs before an upgrade."""

from collections.abc import Collection

from dagnix import UserError, code_locations, console
from dagnix.code import mount
from dagnix.deploy import code_containers
from dagnix.faults import Faults
from dagnix.project import Project
from dagnix.stack import compose, containers, recovery
from dagnix.upgrade import migrate


def ready(project: Project, faults: Faults) -> Project:
    """Have all services run as they are; return the project with its code served as it is now.

    A code location that does not start has a fault.

    Raises:
        UserError: nothing of the stack is there, or another service does not start.

    """
    recovery.finish(project)
    present = containers.containers(project)
    if not present:
        raise UserError(
            f"{project.name} does not run, so there is nothing to replace: ./dagnix up starts it, "
            "and says whether its database is to be migrated."
        )
    migrate.wait_for_earlier(project)
    running = {each.service for each in present if each.running}
    if missing := set(compose.services(project)) - running:
        with console.step(f"Starting {', '.join(sorted(missing))}"):
            _start(project, missing, faults)
    served = code_containers.in_compose(containers.everything(project), mount.SERVICE)
    folder = served.mounted if served else None
    return mount.mounted(project, folder) if folder else project


def _start(project: Project, missing: Collection[str], faults: Faults) -> None:
    words = ["up", "--detach", "--no-recreate"]
    theirs = [name for name in code_locations.names(project.root) if name in missing]
    if own := sorted({*missing} - {*theirs}):
        failure = f"podman-compose cannot start {', '.join(own)}"
        compose.compose(project, *words, *own, failure=failure)
    for name in theirs:
        with faults.of(name):
            compose.compose(project, *words, name, failure=f"podman-compose cannot start {name}")


def database(project: Project) -> str:
    """Return the name of the container of the stack's own Postgres; "" if there is none."""
    found = (each.name for each in containers.containers(project) if each.service == "postgres")
    return next(found, "")
