"""Set, list and remove secrets of the code.

Each is an environment variable and a file in every run: in all code locations, or in one with
--location NAME.
"""

import argparse
import sys

from rich.table import Table

from dagnix import code_locations, console, project
from dagnix.code import secrets as code_secrets
from dagnix.commands import command, group

EFFECT = (
    "Runs have it after `./dagnix deploy`, or `./dagnix reload` where a folder's code is served."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    commands = group(parser)
    made = command(commands, "set", set_secret)
    made.add_argument("name", help="the name of the environment variable")
    made.add_argument("--location", help="of this code location alone; without it, of all")
    command(commands, "list", list_secrets)
    made = command(commands, "remove", remove_secret)
    made.add_argument("name", help="the name of the environment variable")
    made.add_argument("--location", help="of this code location alone; without it, of all")


def set_secret(given: argparse.Namespace) -> None:
    """Set a secret to what is typed without being shown, or to what standard input holds.

    A code location's own secret wins over one of all locations. Runs in flight go on with what
    they began with.
    """
    here = project.current()
    code_secrets.require_name(given.name)
    if given.location:
        code_locations.require(here.root, given.location)
    code_secrets.require_mounted(here, given.location)
    if sys.stdin.isatty():
        value = console.hidden(given.name).encode()
    else:
        value = sys.stdin.buffer.read(code_secrets.MAX_BYTES + 1)
    code_secrets.require_value(value)
    code_secrets.write(here, given.name, given.location, value)
    console.out.print(f"{given.name} is set. {EFFECT}", soft_wrap=True)


def list_secrets(_: argparse.Namespace) -> None:
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


def remove_secret(given: argparse.Namespace) -> None:
    """Remove a secret. Runs in flight keep it."""
    here = project.current()
    code_secrets.require_name(given.name)
    # One that is no code location any more may have left some.
    if given.location and given.location not in {
        each.location for each in code_secrets.found(here)
    }:
        code_locations.require(here.root, given.location)
    code_secrets.remove(here, given.name, given.location)
    console.out.print(
        f"{given.name} is removed. New runs lack it after `./dagnix deploy` or `./dagnix reload`.",
        soft_wrap=True,
    )
