"""Stop the stack and remove its containers and networks; data and images stay.

Code locations stop first, so that runs in flight can finish: each has the time that its location
may take to stop (DAGNIX_PIPES_GRACE).
"""

import argparse
import sys
from contextlib import suppress

from dagnix import UserError, code_locations, console, project
from dagnix.commands import options
from dagnix.deploy import code_containers, old_images
from dagnix.stack import containers, lifecycle
from dagnix.stack.lease import lease


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--volumes", action="store_true", help="delete the data, too, and the images"
    )
    options.yes(parser, "do not ask before deleting data; needed without a terminal")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    if given.volumes and not given.yes:
        question = f"Delete all data of {here.name}?"
        if not sys.stdin.isatty():
            raise UserError(f"{question} Give --yes to do it without being asked.")
        console.confirm(question)
    with lease(here):
        if not given.volumes and not lifecycle.leftovers(here):
            console.out.print(f"{here.name} is not running.")
            return
        announce(here)
        with console.step("Stopping the services", "Services are stopped and removed") as step:
            if given.volumes:
                step.done = "Services and their data are removed"
            lifecycle.remove(here, volumes=given.volumes)
            if given.volumes:
                old_images.remove_all(here)


def announce(here: project.Project) -> None:
    """Say which runs are waited for, and how long."""
    theirs = code_locations.names(here.root)
    for each in containers.everything(here):
        if each.running and (each.draining or each.service in theirs):
            with suppress(UserError):  # one that cannot say so is stopped all the same
                if runs := code_containers.runs(here, each):
                    console.warned(
                        f"{each.name} waits up to {each.stop_seconds} s for its runs in flight to "
                        f"end: {', '.join(runs)}"
                    )
