"""Add, remove and list code locations besides pipes.

Each is a Dagster project with its own image, Python packages and lock.
"""

import argparse
import sys
from pathlib import Path

from rich.table import Table

from dagnix import UserError, code_locations, console, project
from dagnix.commands import command, group, options
from dagnix.locations import add, remove
from dagnix.stack import containers, dashboard
from dagnix.stack.lease import lease


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    commands = group(parser)
    made = command(commands, "add", add_location)
    made.add_argument("name", help="the name of the code location")
    made.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="its project's folder; locations/NAME without it",
    )
    options.wait(made, "the new code server")
    made = command(commands, "remove", remove_location)
    made.add_argument("name", help="the name of the code location")
    options.yes(made, "do not ask when runs are lost")
    command(commands, "list", list_locations)


def add_location(given: argparse.Namespace) -> None:
    """Add a code location; in a running stack it is served at once.

    The Python packages that its project depends on are locked for it alone, so their versions may
    differ from those of other locations. Webserver and daemon go on; the daemon evaluates the
    location's schedules and sensors within a minute. Commit the files that are written. If anything
    fails, nothing is changed.
    """
    here = project.current()
    whole = (given.folder or here.root / "locations" / given.name).resolve()
    with lease(here):
        if not add.add(here, given.name, whole, given.wait):
            console.out.print(f"`./dagnix up` starts {given.name} with the stack.")


def remove_location(given: argparse.Namespace) -> None:
    """Remove a code location. Its runs in flight end first; its folder and its data stay."""
    here = project.current()
    there = {**code_locations.others(here.root), **code_locations.unreadable(here.root)}
    if given.name not in there:
        known = ", ".join(there) or "none"
        raise UserError(f"There is no code location {given.name} to remove: there is {known}.")
    with lease(here):
        running = {each.service for each in containers.containers(here) if each.running}
        if "webserver" in running and (queued := dashboard.queued_runs(here, given.name)):
            console.warned(f"Runs in the queue of {given.name}: {len(queued)}. They will fail.")
            if not given.yes and sys.stdin.isatty():
                console.confirm(f"Remove {given.name}?")
        remove.stop(here, given.name)
        remove.unregister(here, given.name)
    console.out.print(
        f"Its data stays, in the volume {here.name}_{given.name}-data and in Postgres in the "
        f"schema {code_locations.role(given.name)}: docs/howto/code-locations.md tells how to "
        "delete it."
    )


def list_locations(_: argparse.Namespace) -> None:
    """List the code locations and their folders."""
    here = project.current()
    table = Table(box=None, pad_edge=False)
    for title in ("LOCATION", "FOLDER"):
        table.add_column(title, no_wrap=True)
    for name, path in code_locations.folders(here.root).items():
        table.add_row(name, str(path.relative_to(here.root)))
    for name in code_locations.unreadable(here.root):
        table.add_row(name, "(its lock cannot be read)")
    console.out.print(table)
