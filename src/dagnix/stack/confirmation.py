"""What runs in flight may lose when a service is away for a moment."""

import sys

import typer

from dagnix import console, dashboard
from dagnix.project import Project

# By the services that may be restarted; `pipes` executes the runs, and is reloaded or replaced.
LOSSES = {
    "webserver": "",
    "daemon": "",
    "postgres": "write to Postgres, and one that cannot for more than a second or so may fail",
    "gate": "",
}


def confirm(project: Project, service: str, doing: str, *, yes: bool) -> None:
    """Say how many runs may be lost, and on a terminal ask whether to do it, but not with `yes`.

    Raises:
        typer.Abort: the answer is no.
        UserError: the webserver does not answer.

    """
    if LOSSES[service] and (runs := dashboard.runs_in_flight(project)):
        console.warned(f"Runs in flight: {len(runs)}. They {LOSSES[service]}.")
        if not yes and sys.stdin.isatty():
            typer.confirm(f"{doing} {service}?", abort=True)
