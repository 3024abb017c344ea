"""Stop the stack and remove its containers and networks; data and images stay.

Code locations drain first, so that runs in flight can finish.
"""

import argparse
import sys

from dagnix import UserError, console, project
from dagnix.commands import options
from dagnix.deploy import old_images
from dagnix.stack import lifecycle
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
        with console.step("Stopping the services", "Services are stopped and removed") as step:
            if given.volumes:
                step.done = "Services and their data are removed"
            lifecycle.remove(here, volumes=given.volumes)
            if given.volumes:
                old_images.remove_all(here)
