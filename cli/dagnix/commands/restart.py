"""`./dagnix restart`."""

import sys
import time
from typing import Annotated

import typer

from dagnix import UserError, console, dashboard, health, project, stack
from dagnix.podman import podman

# What a restart means for the runs in flight; `pipes` executes them, and is reloaded or replaced.
LOSSES = {
    "webserver": "",
    "daemon": "",
    "postgres": "write to Postgres, and one that cannot for more than a second or so may fail",
}

CONNECTION_SECONDS = 5  # how old the webserver's connections become (nix/images.nix)


def command(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(LOSSES)}.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask when runs may be lost.")] = False,
    wait: Annotated[
        float, typer.Option(min=1, help="Seconds that the service may take to become healthy.")
    ] = 120,
) -> None:
    """Restart one service and wait until it is healthy; the others go on.

    Runs in flight are not touched by a restart of the webserver or the daemon: what is launched
    meanwhile waits in the queue. If runs may be lost, it says so and asks before it begins.
    """
    if service not in LOSSES:
        raise UserError(
            f"{service} cannot be restarted: it is one of {', '.join(LOSSES)}. The code of pipes "
            "is made new with ./dagnix reload or ./dagnix up."
        )
    here = project.current()
    names = {each.service: each.name for each in stack.containers(here)}
    if service not in names:
        raise UserError(f"{here.name} has no {service} that runs: start it with ./dagnix up")
    if LOSSES[service] and (runs := dashboard.runs_in_flight(here)):
        console.warned(f"Runs in flight: {len(runs)}. They {LOSSES[service]}.")
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Restart {service}?", abort=True)
    with console.step(f"Restarting {service}", f"{service} is restarted"):
        podman(here, "restart", names[service], failure=f"Podman cannot restart {service}")
    health.wait(here, wait)
    if service == "postgres":
        with console.step("Waiting until the webserver has dropped the connections that were cut"):
            time.sleep(CONNECTION_SECONDS)
