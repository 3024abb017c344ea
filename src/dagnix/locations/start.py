"""The start of the stack, in which no code location is in another one's way."""

from dagnix import UserError, code_locations
from dagnix.deploy import code_containers, drain, published, shown
from dagnix.faults import Faults
from dagnix.images import load
from dagnix.process import CommandError
from dagnix.project import Project
from dagnix.stack import compose, containers, health, lifecycle
from dagnix.stack.lease import lease


def start(project: Project, faults: Faults, *, anew: bool) -> None:
    """Start what is not running as `stack.start` does; what a code location lacks is a fault.

    Raises:
        CommandError: another service does not start.

    """
    theirs = code_locations.names(project.root)
    broken = [name for name in theirs if name in faults]
    # The image from before goes on where the new one cannot be built.
    absent = set(broken) - load.available(project, broken)
    try:
        lifecycle.start(project, containers.everything(project), anew=anew, absent=absent)
    except CommandError:
        others = code_locations.others(project.root)
        own = project.without_locations(others)
        needed = set(compose.services(own)) - set(theirs)
        if not needed <= _running(project):
            # podman-compose does not take all of the files.
            present = [
                each for each in containers.everything(project) if each.service not in others
            ]
            lifecycle.start(own, present, anew=anew, absent=absent)
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
    for name in code_locations.names(project.root):
        if name in sick:
            faults.add(name, sick.pop(name))
    if sick:
        raise UserError("\n".join(sick.values()))


def serve(project: Project, faults: Faults, seconds: float) -> None:
    """Have each code location served by the container that compose.yaml names; the others drain.

    One that does not serve yet may take `seconds` to become healthy.
    """
    with lease(project):
        present = containers.everything(project)
        for name in _sound(project, faults):
            with faults.of(name):
                new = code_containers.require_running(project, name, present)
                shown.ensure_served(project, new, seconds)
                published.publish(project, [new])
        drain.begin(project)


def require_shown(project: Project, faults: Faults) -> None:
    """Wait until the webserver shows the code of these containers; a location's fault if not."""
    for name in _sound(project, faults):
        with faults.of(name):
            shown.require_shown(project, name)


def _sound(project: Project, faults: Faults) -> list[str]:
    return [name for name in code_locations.names(project.root) if name not in faults]


def _start_one(own: Project, name: str) -> None:
    if name != code_locations.FIRST:
        own = own.with_compose_file(code_locations.compose_file(own.root, name).name)
    compose.compose(own, "up", "--detach", name, failure=f"podman-compose cannot start {name}")


def _running(project: Project) -> set[str]:
    return {each.service for each in containers.containers(project) if each.running}
