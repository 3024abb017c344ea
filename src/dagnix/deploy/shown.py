"""Make sure that a container serves, and that the webserver shows its code."""

from dagnix import console
from dagnix.deploy import code_containers
from dagnix.polling import wait_until
from dagnix.project import Project
from dagnix.stack import dashboard, health
from dagnix.stack.containers import Container

FOLLOW_SECONDS = 120
PAUSE_SECONDS = 0.1


def ensure_served(project: Project, new: Container, seconds: float) -> None:
    """Make this container the one that serves, unless it is already.

    It may take `seconds` to become healthy: it may have been started just now.

    Raises:
        UserError: it cannot.

    """
    if code_containers.served(project, [new]) != new.host:
        health.wait(project, seconds, new, record=False)
        code_containers.serve(project, new)


def require_shown(project: Project, service: str) -> None:
    """Wait until the webserver shows the code of the container that compose.yaml names.

    Raises:
        UserError: it does not, or the container does not run.

    """
    new = code_containers.require_running(project, service)
    if dashboard.served_at(project, service) != new.host:
        wait_until_shown(project, new)


def wait_until_shown(project: Project, new: Container) -> None:
    """Wait until the webserver shows the code of a container that serves.

    Raises:
        UserError: it does not; the container before it goes on, too.

    """
    with console.step("Waiting for the dashboard", "The new code is served"):
        wait_until(
            lambda: dashboard.served_at(project, new.service) == new.host,
            f"The webserver does not serve the new code after {FOLLOW_SECONDS} s: see "
            "`./dagnix logs webserver`. Both containers run; `./dagnix deploy` goes on from there.",
            seconds=FOLLOW_SECONDS,
            pause=PAUSE_SECONDS,
        )
