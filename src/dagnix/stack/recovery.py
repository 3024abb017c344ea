"""Containers that were being stopped or removed when the command that did so was killed.

Podman starts no container that is "stopping" or "removing". One that is may stay so for ever: a
program that does not heed SIGTERM is ended by the `podman stop` that has sent it, and there is
none left. One that is half removed is listed, and cannot be inspected (podman 4.3).
"""

import json

from dagnix import console
from dagnix.host.podman import PROJECT_LABEL, podman
from dagnix.project import Project


def finish(project: Project) -> None:
    """Stop and remove what was left midway; the data is in volumes, so none is lost.

    Raises:
        CommandError: podman cannot.

    """
    words = ["ps", "--all", "--filter", f"label={PROJECT_LABEL}={project.name}", "--format", "json"]
    listed = podman(project, *words, failure="Podman lists no containers").output
    states = [(each["State"], each["Names"][0]) for each in json.loads(listed or "[]")]
    if stopping := [name for state, name in states if state == "stopping"]:
        with console.step(f"Stopping {', '.join(stopping)}, which an earlier command began"):
            podman(project, "stop", "--time", "10", *stopping, failure="Podman cannot stop them")
    if removing := [name for state, name in states if state == "removing"]:
        podman(project, "rm", "--force", *removing, failure="Podman cannot remove containers")
