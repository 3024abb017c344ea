"""What a deploy tells podman, as values: `--dry-run` prints them, and tests need no podman.

A container is named by what podman knows it by: its name, or its ID where the name changes.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from dagnix.host.podman import podman
from dagnix.images import tags
from dagnix.process import Result
from dagnix.project import Project
from dagnix.stack import compose
from dagnix.stack.containers import DRAINING, DRAINING_BEFORE, Container
from dagnix.stack.health import PATIENCE_SECONDS, PROGRAM

PODMAN, COMPOSE = "podman", "podman-compose"
STOP_SECONDS = "10"  # what a container gets to end


@dataclass(frozen=True)
class Command:
    """A call of a program, and the sentence that tells that it failed.

    podman-compose is called for one `service`, by `dagnix.stack.compose`.
    """

    words: tuple[str, ...]
    failure: str
    program: str = PODMAN
    service: str = ""

    def __str__(self) -> str:
        return shlex.join([self.program, *self.words])


def execute(project: Project, command: Command, *, check: bool = True) -> Result:
    """Run a command. Raises as `dagnix.process.run`."""
    if command.program == PODMAN:
        return podman(project, *command.words, failure=command.failure, check=check)
    return compose.compose_for(
        project, command.service, *command.words, failure=command.failure, check=check
    )


def set_aside(container: Container) -> Command:
    """Rename the container, so that its name is free. It keeps serving until the cut-over."""
    return _rename(container, f"{container.name}-{container.host}{DRAINING}")


def restore_name(container: Container) -> Command:
    """Give a container that was set aside its name again."""
    name = container.name.removesuffix(DRAINING).removesuffix(DRAINING_BEFORE)
    return _rename(container, name.removesuffix(f"-{container.host}"))


def _rename(container: Container, name: str) -> Command:
    return Command(("rename", container.name, name), f"Podman cannot rename {container.name}")


def give_compose_name(project: Project, service: str, image_id: str) -> Command:
    """Give an image the name in compose.yaml: the service's next container is made from it."""
    name = tags.name(project, service)
    return Command(("tag", image_id, name), f"Podman cannot name {name}")


def start(old: Container, descriptions: Sequence[Sequence[str]]) -> Command:
    """Start a container under the name that the old one had before it was set aside.

    `descriptions` are the arguments that podman-compose would give to `podman create` now, a list
    for each container. If the old one was created with the same, its networks and volumes are
    there, and podman starts the new one without podman-compose.
    """
    words = next((list(each) for each in descriptions if f"--name={old.name}" in each), [])
    if words and old.made_with[-len(words) :] == words:
        return Command(("run", "--detach", *words), "Podman cannot start the new code server")
    words = ["up", "--detach", "--no-recreate", old.service]
    failure = "podman-compose cannot start the new code server"
    return Command(tuple(words), failure, COMPOSE, old.service)


def healthy(container: str, check: Sequence[str]) -> Command:
    """Run a container's health check, that of compose.yaml, until it passes or time is up."""
    failure = f"{container} is not healthy"
    return Command(("exec", container, *check[1:], str(PATIENCE_SECONDS)), failure)


def serve(container: str) -> Command:
    """Have the webserver and the daemon use this container. The previous one drains."""
    return Command(("exec", container, PROGRAM, "serve"), f"{container} cannot take over")


def leave(container: str) -> Command:
    """Have the webserver and the daemon use this container no more: it drains."""
    return Command(("exec", container, PROGRAM, "leave"), f"{container} cannot be drained")


def runs(container: str) -> Command:
    """Ask for the IDs of the runs that the container executes, a line each."""
    failure = f"{container} does not tell which runs it executes"
    return Command(("exec", container, PROGRAM, "runs"), failure)


def remove(container: str) -> tuple[Command, ...]:
    """Stop and remove a container that no run needs.

    Of one that is "stopping" since a command was killed, `podman rm --force` alone lets all
    processes go on, without the container's files (podman 4.3).
    """
    failure = f"Podman cannot remove {container}"
    return (
        Command(("stop", "--ignore", "--time", STOP_SECONDS, container), failure),
        Command(("rm", "--force", "--ignore", container), failure),
    )
