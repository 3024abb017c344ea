"""A second container of a service, made as the one before it was."""

import json

from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack import compose
from dagnix.stack.containers import Container

FAILURE = "podman-compose cannot start the new code server"


def described(project: Project, service: str) -> list[list[str]]:
    """Return how podman-compose would make the service's container, and those it depends on.

    Each is what follows on `podman create`. Raises UserError if the compose files cannot be read.
    """
    words = ["up", "--no-start", service]
    program = "dagnix.stack.podman_compose.creation"
    told = compose.compose_for(project, service, *words, failure=FAILURE, program=program)
    return [json.loads(line) for line in told.output.splitlines()]


def start(project: Project, before: Container, descriptions: list[list[str]]) -> None:
    """Start a container under the name that one had before it was set aside."""
    words = next((each for each in descriptions if f"--name={before.name}" in each), [])
    if words and before.made_with[-len(words) :] == words:
        # The one before has all networks and volumes, so there is nothing else to make.
        podman(project, "run", "--detach", *words, failure=FAILURE)
    else:
        words = ["up", "--detach", "--no-recreate", before.service]
        compose.compose_for(project, before.service, *words, failure=FAILURE)
