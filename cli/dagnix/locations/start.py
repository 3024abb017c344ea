"""The start of the stack, in which no code location is in another one's way."""

from dagnix import UserError, health, images, locations, stack
from dagnix.deploy import drain, generations, switch
from dagnix.deploy.turns import turn
from dagnix.locations.faults import Faults
from dagnix.process import CommandError
from dagnix.project import Project


def start(project: Project, faults: Faults, *, anew: bool) -> None:
    """Start what is not running as `stack.start` does; what a code location lacks is a fault.

    Raises:
        CommandError: another service does not start.

    """
    theirs = locations.names(project.root)
    broken = [name for name in theirs if name in faults]
    # The image from before goes on where the new one cannot be built.
    absent = set(broken) - images.present(project, broken)
    try:
        stack.start(project, stack.everything(project), anew=anew, absent=absent)
    except CommandError:
        others = locations.others(project.root)
        own = project.without_locations(others)
        needed = set(stack.services(own)) - set(theirs)
        if not needed <= _running(project):
            # podman-compose does not take all of the files.
            present = [each for each in stack.everything(project) if each.service not in others]
            stack.start(own, present, anew=anew, absent=absent)
        for name in theirs:
            if name not in absent | _running(project):
                with faults.of(name):
                    _start_one(own, name)


def wait(project: Project, faults: Faults, seconds: float) -> None:
    """Wait until every service is healthy; a code location that is not has a fault.

    Raises:
        UserError: another service does not become healthy.

    """
    sick = health.sick(project, seconds)
    for name in locations.names(project.root):
        if name in sick:
            faults.add(name, sick.pop(name))
    if sick:
        raise UserError("\n".join(sick.values()))


def serve(project: Project, faults: Faults, seconds: float) -> None:
    """Have each code location served by the container that compose.yaml names; the others drain.

    One that does not serve yet may take `seconds` to become healthy.
    """
    with turn(project):
        present = stack.everything(project)
        for name in _sound(project, faults):
            with faults.of(name):
                new = generations.serving(project, name, present)
                switch.have_served(project, new, seconds)
        drain.begin(project)


def require_followed(project: Project, faults: Faults) -> None:
    """Wait until the webserver shows the code of these containers; a location's fault if not."""
    for name in _sound(project, faults):
        with faults.of(name):
            switch.require_followed(project, name)


def _sound(project: Project, faults: Faults) -> list[str]:
    return [name for name in locations.names(project.root) if name not in faults]


def _start_one(own: Project, name: str) -> None:
    if name != locations.FIRST:
        own = own.with_compose_file(locations.compose_file(own.root, name).name)
    stack.compose(own, "up", "--detach", name, failure=f"podman-compose cannot start {name}")


def _running(project: Project) -> set[str]:
    return {each.service for each in stack.containers(project) if each.running}
