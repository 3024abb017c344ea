"""Show the logs of the services.

On a terminal, control characters except colours are shown as `cat -v` shows them, so that text
which an op prints cannot control the terminal. In a pipe or a file nothing is changed.
"""

import argparse

from dagnix import UserError, console, process, project
from dagnix.commands import at_least
from dagnix.host import podman
from dagnix.stack import containers
from dagnix.terminal import harmless


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("service", nargs="?", help="one service, such as pipes; all without it")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    parser.add_argument("--tail", type=at_least(0, int), help="show only the last lines")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    present = containers.containers(here)
    if not present:
        raise UserError(f"{here.name} is not running: start it with ./dagnix up")
    names = {each.service: each.name for each in present}
    if given.service and given.service not in names:
        raise UserError(f"There is no service {given.service}: it is one of {', '.join(names)}.")
    words = ["podman", "logs"]
    words += ["--follow"] if given.follow else []
    words += [] if given.tail is None else ["--tail", str(given.tail)]
    colours = console.out.is_terminal and not console.out.no_color
    words += ["--color"] if colours else []
    words += [names[given.service]] if given.service else ["--names", *names.values()]
    # Not podman-compose: it ends with a traceback when it is interrupted.
    failure, environment = "Podman cannot show the logs", podman.settings()
    if console.out.is_terminal:
        for line in process.lines(words, failure, env=environment):
            print(harmless(line, colours=colours), flush=True)
    else:
        process.run(words, failure, capture=False, env=environment)
