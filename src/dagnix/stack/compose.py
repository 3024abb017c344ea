"""podman-compose, run on the checkout's compose files."""

import json
import os
import sys
from typing import Any

from dagnix import code_locations
from dagnix.host.podman import directory, settings
from dagnix.process import CommandError, Result, run
from dagnix.project import Project
from dagnix.stack import compose_files, compute_logs, location_service, sockets


def compose(
    project: Project,
    *words: str,
    failure: str,
    check: bool = True,
    program: str = "dagnix.stack.podman_compose",
) -> Result:
    """Run podman-compose on the checkout's compose files. Raises as `dagnix.process.run`.

    It would refuse all of them for one that it cannot read: those of code locations are left out.
    """
    project = project.without_locations(location_service.unreadable(project.root))
    if words[0] in {"up", "run"}:
        sockets.ensure(project)
        compute_logs.ensure(project)
    separator = os.environ.get("COMPOSE_PATH_SEPARATOR", ":")
    environment = {
        **project.environment,
        **settings(),
        # With COMPOSE_PROJECT_DIR it would change to that folder, and run podman there.
        "COMPOSE_PROJECT_DIR": "",
        "COMPOSE_FILE": separator.join(str(project.root / each) for each in project.compose_files),
        "DAGNIX_ROOT": str(project.root),
    }
    if words[0] == "run":  # what a throwaway container prints is an answer, not a log
        environment["DAGNIX_LOG_FORMAT"] = "plain"
    command = [sys.executable, "-m", program, *words]
    return run(command, failure, check=check, env=environment, cwd=directory(project.state))


def compose_for(project: Project, service: str, *words: str, **more: Any) -> Result:
    """Run podman-compose for one service, if need be without other code locations' files.

    `more` is for `compose`. Raises as `compose`.
    """
    try:
        return compose(project, *words, **more)
    except CommandError:
        others = code_locations.others(project.root).keys() - {service}
        if not others:
            raise
        return compose(project.without_locations(others), *words, **more)


def described(project: Project, service: str) -> list[list[str]]:
    """Return how podman-compose would make the service's container, and those it depends on.

    Each is what follows on `podman create`. Raises UserError if the compose files cannot be read.
    """
    failure = "podman-compose does not say how it would make the containers"
    program = "dagnix.stack.podman_compose.creation"
    words = ["up", "--no-start", service]
    told = compose_for(project, service, *words, failure=failure, program=program)
    return [json.loads(line) for line in told.output.splitlines()]


def services(project: Project) -> list[str]:
    """Return the services of the compose files that are started without being asked for.

    Raises:
        UserError: a file cannot be read.

    """
    project = project.without_locations(location_service.unreadable(project.root))
    found: dict[str, bool] = {}
    for file in project.compose_files:
        named = compose_files.read(project.root / file).get("services") or {}
        found |= {name: not (own or {}).get("profiles") for name, own in named.items()}
    return [name for name, is_started in found.items() if is_started]
