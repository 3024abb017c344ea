"""`./dagnix lock`, for the list of commands: the launcher itself runs dagnix.lock."""

import typer

from dagnix.commands.module import FORWARD, forward

CONTEXT = FORWARD


def command(context: typer.Context) -> None:
    """Resolve again what goes into the images, and write nix/locks."""
    forward("dagnix.lock", context)
