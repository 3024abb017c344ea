"""What runs in flight may lose when a service is away for a moment."""

import sys

from dagnix import console
from dagnix.project import Project
from dagnix.stack import dashboard

# By the services that may be restarted; `pipes` executes the runs, and is reloaded or replaced.
EFFECTS = {
    "webserver": "",
    "daemon": "",
    "postgres": "write to Postgres, and one that cannot for more than a second or so may fail",
    "gate": "",
}


def confirm(project: Project, service: str, doing: str, *, yes: bool) -> None:
    """Say how many runs may be lost, and on a terminal ask whether to do it, but not with `yes`.

    Raises:
        UserError: the answer is no, or the webserver does not answer.

    """
    if EFFECTS[service] and (runs := dashboard.runs_in_flight(project)):
        console.warned(f"Runs in flight: {len(runs)}. They {EFFECTS[service]}.")
        if not yes and sys.stdin.isatty():
            console.confirm(f"{doing} {service}?")
