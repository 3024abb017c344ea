"""Show how the instance is, on one screen.

It shows health, image, uptime and restarts of each service, what code is served and since when,
the queue, the runs in flight, the last failure, the disks, the last backup, and until when the
certificate is valid.

The exit code is 0 only if all services are healthy, and each code location is served by the
container that `./dagnix up` or the last deploy has started. An unhealthy service shows the reason,
and a healthy one any warning.
"""

import argparse
import json
import time
from dataclasses import asdict

from rich.live import Live

from dagnix import UserError, console, project
from dagnix.commands import at_least
from dagnix.status import report, screen

WATCH_SECONDS = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--json",
        dest="as_json",
        action="store_true",
        help="print JSON, as docs/reference/status.schema.json describes it",
    )
    how.add_argument(
        "--watch",
        type=at_least(1),
        nargs="?",
        const=WATCH_SECONDS,
        metavar="SECONDS",
        help=f"show it anew after each pause, until Ctrl-C (default: {WATCH_SECONDS})",
    )


def run(given: argparse.Namespace) -> int:
    """Run the command; the exit code is 1 if something is not well."""
    here = project.current()
    if given.watch:
        return watch(here, given.watch)
    found = report.of(here)
    if given.as_json:
        text = json.dumps(asdict(found), indent=1)
        console.out.print(text, markup=False, soft_wrap=True)
    else:
        require_up(found)
        console.out.print(screen.of(found), soft_wrap=True)
    return int(not found.healthy)


def watch(here: project.Project, seconds: float) -> int:
    """Show the screen on the terminal, anew after each pause; return the last exit code."""
    if not console.out.is_terminal:
        raise UserError("--watch needs a terminal: take --json in a script.")
    found = report.of(here)
    require_up(found)
    try:
        with Live(screen.of(found), console=console.out, screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(seconds)
                found = report.of(here)
                live.update(screen.of(found), refresh=True)
    except KeyboardInterrupt:
        return int(not found.healthy)


def require_up(found: report.Report) -> None:
    """Raise UserError if nothing of the instance is there."""
    if not found.is_up:
        raise UserError(f"{found.instance} is not running: start it with ./dagnix up")
