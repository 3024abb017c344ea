"""`./dagnix location`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dagnix import UserError, console, dashboard, locations, project, stack
from dagnix.deploy import rollout
from dagnix.deploy.turns import turn
from dagnix.locations import add, remove

app = typer.Typer(
    no_args_is_help=True,
    help="Code locations beside pipes: each a Dagster project with an image, Python packages and "
    "a lock of its own.",
)
Name = Annotated[str, typer.Argument(help="The name of the code location.")]


@app.command("add")
def add_location(
    name: Name,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Its project's folder; locations/NAME without it."),
    ] = None,
    wait: rollout.Wait = rollout.WAIT_SECONDS,
) -> None:
    """Add a code location; in a running stack it is served at once.

    The Python packages that its project depends on are locked for it alone, so their versions may
    differ from those of other locations. Webserver and daemon go on; the daemon evaluates the
    location's schedules and sensors within a minute. Commit the files that are written. If anything
    fails, nothing is changed.
    """
    here = project.current()
    whole = (folder or here.root / "locations" / name).resolve()
    with turn(here):
        if not add.add(here, name, whole, wait):
            console.out.print(f"`./dagnix up` starts {name} with the stack.")


@app.command("remove")
def remove_location(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask when runs are lost.")] = False,
) -> None:
    """Remove a code location. Its runs in flight end first; its folder and its data stay."""
    here = project.current()
    there = {**locations.others(here.root), **locations.unreadable(here.root)}
    if name not in there:
        known = ", ".join(there) or "none"
        raise UserError(f"There is no code location {name} to remove: there is {known}.")
    with turn(here):
        running = {each.service for each in stack.containers(here) if each.running}
        if "webserver" in running and (queued := dashboard.queued_runs(here, name)):
            console.warned(f"Runs in the queue of {name}: {len(queued)}. They will fail.")
            if not yes and sys.stdin.isatty():
                typer.confirm(f"Remove {name}?", abort=True)
        remove.stop(here, name)
        remove.unregister(here, name)
    console.out.print(
        f"Its data stays, in the volume {here.name}_{name}-data and in Postgres in the schema "
        f"{locations.role(name)}: docs/howto/code-locations.md tells how to delete it."
    )


@app.command("list")
def list_locations() -> None:
    """List the code locations and their folders."""
    here = project.current()
    table = Table(box=None, pad_edge=False)
    for title in ("LOCATION", "FOLDER"):
        table.add_column(title, no_wrap=True)
    for name, path in locations.folders(here.root).items():
        table.add_row(name, str(path.relative_to(here.root)))
    for name in locations.unreadable(here.root):
        table.add_row(name, "(its lock cannot be read)")
    console.out.print(table)
