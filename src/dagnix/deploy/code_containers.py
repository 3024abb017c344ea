"""A code location's containers: the one that compose.yaml names, and draining ones."""

import time
from collections.abc import Iterable

from dagnix import UserError
from dagnix.deploy import commands
from dagnix.deploy.commands import Command, execute
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack.containers import Container, everything
from dagnix.stack.health import PROGRAM

WAKE_SECONDS = 30  # podman gives a container that is told to end 10
PAUSE_SECONDS = 0.5


def in_compose(present: Iterable[Container], service: str) -> Container | None:
    """Return the container with the name that compose.yaml gives it, running or not."""
    return next((each for each in present if each.service == service and each.in_compose), None)


def require_running(
    project: Project, service: str, present: Iterable[Container] | None = None
) -> Container:
    """Return the container with the name that compose.yaml gives it, out of these if given.

    Raises:
        UserError: it does not run.

    """
    found = in_compose(everything(project) if present is None else present, service)
    if found is None or not found.running:
        raise UserError(f"{project.name} does not serve {service}: start it with `./dagnix up`.")
    return found


def draining(project: Project) -> list[Container]:
    """Return the containers of all locations whose name says that they drain, running or not.

    During a deploy the old container has that name from the start, and serves until the cut-over.
    """
    return [each for each in everything(project) if each.draining]


def set_aside(project: Project, container: Container) -> Container:
    """Rename the container, so that its name is free; it keeps serving. Return it renamed."""
    command = commands.set_aside(container)
    execute(project, command)
    return renamed(container, command)


def renamed(container: Container, command: Command) -> Container:
    """Return a container as it is once podman has renamed it."""
    return Container({**container.seen, "Name": command.words[-1]})


def restore_name(project: Project, container: Container) -> None:
    """Give a container that was set aside its name again."""
    execute(project, commands.restore_name(container))


def remove(project: Project, container: Container) -> None:
    """Remove a container that no run needs."""
    for command in commands.remove(container.identifier):
        execute(project, command)


def wake(project: Project, container: Container) -> bool:
    """Start a draining container if it has stopped. Return False if it is removed meanwhile.

    As it starts it reports the runs that ended with it.

    Raises:
        UserError: podman neither starts nor removes it.

    """
    end = time.monotonic() + WAKE_SECONDS
    while found := [each for each in draining(project) if each.identifier == container.identifier]:
        if found[0].running:
            return True
        failure = f"Podman cannot start {container.name}"
        late = time.monotonic() > end
        started = podman(project, "start", container.identifier, failure=failure, check=late)
        if started.returncode:
            time.sleep(PAUSE_SECONDS)
    return False


def served(project: Project, containers: Iterable[Container]) -> str:
    """Return the host that the webserver and the daemon use, as one of these knows it."""
    for container in containers:
        words = ["exec", container.identifier, PROGRAM, "serving"]
        told = podman(project, *words, failure=f"{container.name} cannot be asked", check=False)
        if told.returncode == 0:
            return told.output.strip()
    return ""


def serves(project: Project, container: Container) -> bool:
    """Tell whether it is the one that the webserver and the daemon use."""
    return served(project, [container]) == container.host


def serve(project: Project, container: Container) -> None:
    """Have the webserver and the daemon use this container. The previous one drains."""
    execute(project, commands.serve(container.identifier))


def leave(project: Project, container: Container) -> None:
    """Have the webserver and the daemon use this container no more: it drains."""
    execute(project, commands.leave(container.identifier))


def runs(project: Project, container: Container) -> list[str]:
    """Return the IDs of the runs that the container executes."""
    return execute(project, commands.runs(container.identifier)).output.split()
