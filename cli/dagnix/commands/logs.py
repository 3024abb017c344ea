"""`./dagnix logs`."""

from typing import Annotated

import typer

from dagnix import UserError, console, podman, project, stack
from dagnix.process import lines, run


def command(
    service: Annotated[
        str | None, typer.Argument(help="One service, such as pipes; all without it.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="Show only the last lines.")] = None,
) -> None:
    """Show what the services say.

    On a terminal, control characters but colours are shown as `cat -v` shows them: what an op
    prints must not steer the terminal. Elsewhere every byte is as it was written.
    """
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
    colours = console.out.is_terminal and not console.out.no_color
    words += ["--color"] if colours else []
    words += [names[service]] if service else ["--names", *names.values()]
    # Not podman-compose: it ends with a traceback when it is interrupted.
    failure, environment = "Podman cannot show the logs", podman.settings()
    if console.out.is_terminal:
        for line in lines(words, failure, env=environment):
            print(console.harmless(line, colours=colours), flush=True)
    else:
        run(words, failure, capture=False, env=environment)
