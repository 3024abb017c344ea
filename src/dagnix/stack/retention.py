"""What is not kept any longer is deleted by the code locations, each its own."""

import json
from typing import Any

from dagnix import UserError, code_locations, console
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack.containers import containers as present
from dagnix.stack.health import PROGRAM

COMMAND = (PROGRAM, "start", "python", "-P", "-m", "dagster_dagnix.prune", "--json")


def containers(project: Project) -> dict[str, str]:
    """Return code location → its container, of those that run.

    Raises:
        UserError: none runs.

    """
    running = {each.service: each.name for each in present(project) if each.running}
    known = code_locations.names(project.root)
    found = {name: running[name] for name in known if name in running}
    if not found:
        raise UserError(
            f"{project.name} has no {' and no '.join(known)} that runs: start it with ./dagnix up."
        )
    for name in known:
        if name not in found:
            console.warned(f"{name} does not run: what is its own stays until it does")
    return found


def prune(project: Project, location: str, container: str, *options: str) -> dict[str, Any]:
    """Have a code location prune, and return its report (dagster_dagnix.prune.report).

    Raises:
        CommandError: it cannot, as when it prunes already.

    """
    words = ["exec", container, *COMMAND, "--location", location, *options]
    failure = f"What {location} keeps cannot be pruned"
    return json.loads(podman(project, *words, failure=failure).output.splitlines()[-1])
