"""Restart webserver, daemon, postgres or gate, and wait until it is healthy.

The other services continue. A restart of the webserver or the daemon does not affect runs in
flight; new runs wait in the queue. If runs may be lost, it asks first.
"""

import argparse

from dagnix import UserError, console, project
from dagnix.commands import options
from dagnix.host.podman import podman
from dagnix.stack import containers, health, recovery
from dagnix.stack.confirmation import EFFECTS, confirm
from dagnix.stack.lease import lease


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("service", help=f"one of {', '.join(EFFECTS)}")
    options.yes(parser, "do not ask when runs may be lost")
    options.wait(parser, "the service")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    if given.service not in EFFECTS:
        raise UserError(
            f"{given.service} cannot be restarted: it is one of {', '.join(EFFECTS)}. The code of "
            "pipes is made new with ./dagnix reload or ./dagnix up."
        )
    here = project.current()
    with lease(here):
        names = {each.service: each.name for each in containers.containers(here)}
        if given.service not in names:
            raise UserError(
                f"{here.name} has no {given.service} that runs: start it with ./dagnix up"
            )
        confirm(here, given.service, "Restart", yes=given.yes)
        with console.step(f"Restarting {given.service}", f"{given.service} is restarted"):
            recovery.finish(here)
            podman(
                here,
                "restart",
                names[given.service],
                failure=f"Podman cannot restart {given.service}",
            )
        health.wait(here, given.wait)
