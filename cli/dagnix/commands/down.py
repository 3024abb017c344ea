"""`./dagnix down`."""

import sys
from typing import Annotated

import typer

from dagnix import console, project, stack


def command(
    volumes: Annotated[
        bool,
        typer.Option("--volumes", help="Delete the data too: Postgres, incoming files, logs."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting data.")] = False,
) -> None:
    """Stop the stack and remove its containers and networks; data and images stay.

    The pipes service drains first: runs in flight may end.
    """
    here = project.current()
    if volumes and not yes and sys.stdin.isatty():
        typer.confirm(f"Delete all data of {here.name}?", abort=True)
    if not volumes and not stack.leftovers(here):
        console.out.print(f"{here.name} is not running.")
        return
    with console.step("Stopping the services", "Services are stopped and removed") as step:
        if volumes:
            step.done = "Services and their data are removed"
        stack.remove(here, volumes=volumes)
