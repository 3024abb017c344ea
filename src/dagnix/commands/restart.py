"""`./dagnix restart`."""

from typing import Annotated

import typer

from dagnix import UserError, console, cut_off, health, project, stack
from dagnix.deploy.turns import turn
from dagnix.losses import LOSSES, confirm
from dagnix.podman import podman


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
    with turn(here):
        names = {each.service: each.name for each in stack.containers(here)}
        if service not in names:
            raise UserError(f"{here.name} has no {service} that runs: start it with ./dagnix up")
        confirm(here, service, "Restart", yes=yes)
        with console.step(f"Restarting {service}", f"{service} is restarted"):
            cut_off.finish(here)
            podman(here, "restart", names[service], failure=f"Podman cannot restart {service}")
        health.wait(here, wait)
