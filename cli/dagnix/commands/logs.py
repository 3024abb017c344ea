"""`./dagnix logs`."""

from typing import Annotated

import typer

from dagnix import UserError, console, podman, project, stack
from dagnix.process import run


def command(
    service: Annotated[
        str | None, typer.Argument(help="One service, such as pipes; all without it.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="Show only the last lines.")] = None,
) -> None:
    """Show what the services say."""
    here = project.current()
    present = stack.containers(here)
    if not present:
        raise UserError(f"{here.name} is not running: start it with ./dagnix up")
    names = {each.service: each.name for each in present}
    if service and service not in names:
        raise UserError(f"There is no service {service}: it is one of {', '.join(names)}.")
    words = ["podman", "logs"]
    words += ["--follow"] if follow else []
    words += [] if tail is None else ["--tail", str(tail)]
    words += ["--color"] if console.out.is_terminal and not console.out.no_color else []
    words += [names[service]] if service else ["--names", *names.values()]
    # Not podman-compose: it ends with a traceback when it is interrupted.
    run(words, "Podman cannot show the logs", capture=False, env=podman.settings(here.state))
