"""`./dagnix fetch`, for the list of commands: the launcher itself runs dagnix.fetch."""

import typer

from dagnix.commands.module import FORWARD, forward

CONTEXT = FORWARD


def command(context: typer.Context) -> None:
    """Get the locked files into the Nix store: the only step that needs a network."""
    forward("dagnix.fetch", context)
