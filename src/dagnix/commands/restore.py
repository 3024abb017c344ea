"""Restore the database and the files from a backup.

They are restored next to the current ones, and checked. Only then are the services stopped (pipes
when its runs have ended) and the data exchanged. The old data is kept until the next backup.
Passwords stay as they are. If anything fails before the exchange, nothing has changed.
"""

import argparse
import sys
from pathlib import Path

from dagnix import UserError, console, project
from dagnix.backups import archive, restore, service
from dagnix.commands import options
from dagnix.stack.lease import lease


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("file", nargs="?", type=Path, help="the backup")
    parser.add_argument(
        "--other-instance", action="store_true", help="take a backup of another instance, too"
    )
    parser.add_argument(
        "--undo", action="store_true", help="bring back what the last restore has replaced"
    )
    options.yes(parser)
    options.wait(parser)


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    if (given.file is None) != given.undo:
        raise UserError("Name the backup, or give --undo.")
    here = project.current()
    with lease(here):
        restore.finish(here)
        name = service.container(here)
        if given.file is None:
            if not service.ask(here, name, "kept", failure="Postgres does not answer"):
                raise UserError("Nothing is kept from before a restore.")
            _confirm(f"Bring back what {here.name} had before the last restore?", yes=given.yes)
            restore.exchange(here, name, given.wait, "undo")
        else:
            _restore(
                here,
                name,
                given.file,
                other_instance=given.other_instance,
                yes=given.yes,
                wait=given.wait,
            )
    console.out.print(here.url)


def _restore(  # noqa: PLR0913 - the options of the command
    here: project.Project, name: str, file: Path, *, other_instance: bool, yes: bool, wait: float
) -> None:
    with console.step(f"Reading {file}", f"{file} is whole") as step:
        backup = archive.read(file, step.show)
    own = service.describe(here, name)
    if not other_instance:
        restore.require_own(backup.manifest, own)
    restore.require_volumes(backup.manifest, own)
    restore.require_none_left(here, name)
    question = f"Have {here.name} go back to {backup.manifest.when}, of {backup.manifest.instance}?"
    _confirm(question, yes=yes)
    restore.beside(here, name, backup)
    restore.exchange(here, name, wait)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError(f"{question} Give --yes to do it without being asked.")
    console.confirm(question)
