"""The stack as it runs before an upgrade."""

from dagnix import UserError, code, console, cut_off, stack
from dagnix.deploy import generations
from dagnix.project import Project
from dagnix.upgrade import migrate

EXTERNAL_FILE = "compose.external-db.yaml"


def ready(project: Project) -> Project:
    """Have all services run as they are; return the project with its code served as it is now.

    Raises:
        UserError: nothing of the stack is there, or a service does not start.

    """
    cut_off.finish(project)
    present = stack.containers(project)
    if not present:
        raise UserError(
            f"{project.name} does not run, so there is nothing to replace: ./dagnix up starts it, "
            "and says whether its database is to be migrated."
        )
    migrate.wait_for_former(project)
    running = {each.service for each in present if each.running}
    if missing := set(stack.services(project)) - running:
        with console.step(f"Starting {', '.join(sorted(missing))}"):
            failure = "podman-compose cannot start what does not run"
            stack.compose(project, "up", "--detach", "--no-recreate", failure=failure)
    folder = generations.serving(project, code.SERVICE).mounted
    return code.mounted(project, folder) if folder else project


def database(project: Project) -> str:
    """Return the name of the container of the stack's own Postgres; "" if there is none."""
    found = (each.name for each in stack.containers(project) if each.service == "postgres")
    return next(found, "")


def is_external(project: Project) -> bool:
    """Tell whether the compose files take a database outside the stack."""
    return any(file.endswith(EXTERNAL_FILE) for file in project.compose_files)
