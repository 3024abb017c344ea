"""What is not kept any longer is deleted by the webserver, as whom Dagster's tables belong to."""

import json
from typing import Any

from dagnix import UserError
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack.containers import containers
from dagnix.stack.health import PROGRAM

SERVICE = "webserver"
COMMAND = (PROGRAM, "start", "python", "-P", "-m", "dagster_dagnix.prune", "--json")
FAILURE = "What is not kept any longer cannot be deleted"


def prune(project: Project, *options: str) -> dict[str, Any]:
    """Have the webserver's container prune, and return its report (dagster_dagnix.prune.report).

    Raises:
        UserError: it does not run.
        CommandError: it cannot prune, as when it does so already.

    """
    for each in containers(project):
        if each.service == SERVICE and each.running:
            words = ["exec", each.name, *COMMAND, *options]
            return json.loads(podman(project, *words, failure=FAILURE).output.splitlines()[-1])
    raise UserError(
        f"The {SERVICE} of {project.name} does not run, which deletes what is not kept: start it "
        "with ./dagnix up."
    )
