"""A code location that is not to be served any more; its folder and its data stay."""

from dagnix import code_locations, console
from dagnix.deploy import code_containers, drain
from dagnix.locks.solve import debian
from dagnix.polling import wait_until
from dagnix.project import Project
from dagnix.stack import containers, dashboard, sockets
from dagnix.stack.containers import Container

FOLLOW_SECONDS = 120
PAUSE_SECONDS = 0.2


def stop(project: Project, name: str) -> None:
    """Have the dashboard know the location no more; its container goes after its last run.

    Raises:
        UserError: the webserver goes on serving it.

    """
    present = code_containers.in_compose(containers.everything(project), name)
    if present is None:
        return
    if not present.running:
        code_containers.remove(project, present)
        return
    leave(project, present)
    code_containers.set_aside(project, present)
    drain.begin(project)


def leave(project: Project, present: Container) -> None:
    """Have the dashboard know the container's location no more. Raises as `stop`."""
    name = present.service
    with console.step(f"Taking {name} out of the workspace"):
        sockets.forget(project, name)
        code_containers.leave(project, present)
        dashboard.reload_workspace(project)
        wait_until(
            lambda: not dashboard.knows(project, name),
            f"The webserver still serves {name} after {FOLLOW_SECONDS} s: see "
            "`./dagnix logs webserver`, then remove it again.",
            seconds=FOLLOW_SECONDS,
            pause=PAUSE_SECONDS,
        )


def unregister(project: Project, name: str) -> None:
    """Remove the location's lock, its compose file, and what is locked for it alone."""
    code_locations.lock(project.root, name).unlink()
    code_locations.compose_file(project.root, name).unlink(missing_ok=True)
    debian.remove_location(project.checkout, name)
