"""`./dagnix down`."""

import sys
from typing import Annotated

import typer

from dagnix import UserError, console, project, stack
from dagnix.deploy import old_images
from dagnix.deploy.turns import turn


def command(
    volumes: Annotated[
        bool,
        typer.Option("--volumes", help="Delete the data, too, and the images."),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Do not ask before deleting data; needed without a terminal."),
    ] = False,
) -> None:
    """Stop the stack and remove its containers and networks; data and images stay.

    The pipes service drains first: runs in flight may end.
    """
    here = project.current()
    if volumes and not yes:
        question = f"Delete all data of {here.name}?"
        if not sys.stdin.isatty():
            raise UserError(f"{question} Give --yes to do it without being asked.")
        typer.confirm(question, abort=True)
    with turn(here):
        if not volumes and not stack.leftovers(here):
            console.out.print(f"{here.name} is not running.")
            return
        with console.step("Stopping the services", "Services are stopped and removed") as step:
            if volumes:
                step.done = "Services and their data are removed"
            stack.remove(here, volumes=volumes)
            if volumes:
                old_images.remove_all(here)
