"""`./dagnix doctor`, for the list of commands: the launcher itself runs dagnix.doctor."""

import typer

from dagnix.commands.module import FORWARD, forward

CONTEXT = FORWARD


def command(context: typer.Context) -> None:
    """Check this host and tell the cure of each problem."""
    forward("dagnix.doctor", context)
