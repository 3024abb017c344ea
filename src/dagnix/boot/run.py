"""What the unit does: it starts the instance's containers at boot, and stops them in order."""

from collections.abc import Sequence

from dagnix import UserError, code_locations
from dagnix.deploy import drain
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack import containers, recovery
from dagnix.stack.bridge import Bridges
from dagnix.stack.containers import Container
from dagnix.stack.lease import lease

MARGIN_SECONDS = 60  # for podman itself, beside what the containers may take


def start(here: Project) -> None:
    """Start all containers of the instance, also draining ones, which then go as before.

    It builds and makes nothing: what ran before runs again.

    Raises:
        UserError: one does not start; the others are started all the same.

    """
    with lease(here):
        recovery.finish(here)
        present = containers.everything(here)
        names = [each.name for each in present if not each.running]
        if names:
            podman(here, "start", *names, failure="Podman cannot start the stack")
        Bridges(here).pin()
        drain.begin(here)


def stop(here: Project) -> None:
    """Stop the containers: those that execute runs, which may end in their time; Postgres last.

    Raises:
        UserError: one does not stop.

    """
    running = [each for each in containers.everything(here) if each.running]
    theirs = set(code_locations.names(here.root))
    code = [each for each in running if each.service in theirs]
    last = [each for each in running if each.service == "postgres"]
    for some in (code, [each for each in running if each not in (*code, *last)], last):
        _stop(here, some)


def _stop(here: Project, some: Sequence[Container]) -> None:
    if not some:
        return
    limit = max(each.stop_seconds for each in some) + MARGIN_SECONDS
    names = [each.name for each in some]
    podman(here, "stop", *names, failure="Podman cannot stop the stack", timeout=limit)


def grace(here: Project) -> int:
    """Return how many seconds the instance may take to stop.

    Raises:
        UserError: it has no container.

    """
    if not (present := containers.everything(here)):
        raise UserError(f"{here.name} is not running: start it with ./dagnix up")
    return max(each.stop_seconds for each in present)
