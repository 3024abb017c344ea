"""`./dagnix secret`."""

import sys
from typing import Annotated

import typer
from rich.table import Table

from dagnix import code_secrets, console, project
from dagnix.deploy import rollout

app = typer.Typer(
    no_args_is_help=True,
    help="Secrets of the code: each an environment variable and a file in every run, of all code "
    "locations or, with --location NAME, of one.",
)
Name = Annotated[str, typer.Argument(help="The name of the environment variable.")]
Location = Annotated[
    str | None,
    typer.Option("--location", help="Of this code location alone; without it, of all."),
]
EFFECT = (
    "Runs have it after `./dagnix deploy`, or `./dagnix reload` where a folder's code is served."
)


@app.command("set")
def set_secret(name: Name, location: Location = None) -> None:
    """Set a secret to what is typed without being shown, or to what standard input holds.

    A code location's own secret wins over one of all locations. Runs in flight go on with what
    they began with.
    """
    here = project.current()
    code_secrets.require_name(name)
    if location:
        rollout.require(here, location)
    code_secrets.require_mounted(here, location)
    if sys.stdin.isatty():
        value = typer.prompt(name, hide_input=True, default="", show_default=False).encode()
    else:
        value = sys.stdin.buffer.read(code_secrets.MAX_BYTES + 1)
    code_secrets.require_value(value)
    code_secrets.write(here, name, location, value)
    console.out.print(f"{name} is set. {EFFECT}", soft_wrap=True)


@app.command("list")
def list_secrets() -> None:
    """List the secrets by name, without what they are."""
    here = project.current()
    secrets = code_secrets.found(here)
    if not secrets:
        console.out.print("There are no secrets yet: `./dagnix secret set NAME` sets one.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("SECRET", "LOCATION", "SET"):
        table.add_column(title, no_wrap=True)
    for each in secrets:
        table.add_row(each.name, each.location or "all", each.changed.isoformat(" ", "seconds"))
    console.out.print(table)


@app.command("remove")
def remove_secret(name: Name, location: Location = None) -> None:
    """Remove a secret. Runs in flight keep it."""
    here = project.current()
    code_secrets.require_name(name)
    # One that is no code location any more may have left some.
    if location and location not in {each.location for each in code_secrets.found(here)}:
        rollout.require(here, location)
    code_secrets.remove(here, name, location)
    console.out.print(
        f"{name} is removed. New runs lack it after `./dagnix deploy` or `./dagnix reload`.",
        soft_wrap=True,
    )
