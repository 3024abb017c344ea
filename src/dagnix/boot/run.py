"""What the unit does at boot: it starts the instance's containers."""

from dagnix import UserError
from dagnix.deploy import drain, interrupted
from dagnix.faults import Faults
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack import containers, recovery
from dagnix.stack.bridge import Bridges
from dagnix.stack.lease import lease


def start(here: Project) -> None:
    """Start all containers of the instance, also draining ones, which then go as before.

    It builds and makes nothing: what ran before runs again. Of a deploy that the host interrupted
    before the cut-over, nothing is left.

    Raises:
        UserError: one does not start; the others are started all the same.

    """
    faults = Faults()
    with lease(here):
        recovery.finish(here)
        present = interrupted.finish_all(here, faults)
        names = [each.name for each in present if not each.running]
        if names:
            podman(here, "start", *names, failure="Podman cannot start the stack")
        Bridges(here).pin()
        drain.begin(here)
    faults.tell("All else is started")


def grace(here: Project) -> int:
    """Return how many seconds the instance may take to stop.

    Raises:
        UserError: it has no container.

    """
    if not (present := containers.everything(here)):
        raise UserError(f"{here.name} is not running: start it with ./dagnix up")
    return max(each.stop_seconds for each in present)
