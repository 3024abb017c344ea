"""`./dagnix restore`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dagnix import UserError, console, project
from dagnix.backups import archive, restore, service
from dagnix.deploy.turns import turn


def command(
    file: Annotated[Path | None, typer.Argument(help="The backup.")] = None,
    *,
    other_instance: Annotated[
        bool, typer.Option("--other-instance", help="Take a backup of another instance, too.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Bring back what the last restore has replaced.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[
        float, typer.Option(min=1, help="Seconds that each service may take to become healthy.")
    ] = 120,
) -> None:
    """Bring back the database and the files of a backup.

    They are restored beside what is served, and checked. Only then the services are stopped, pipes
    when its runs have ended, and the restored ones take the place of the others, which are kept
    until the next backup. Passwords stay as they are. If anything fails before that, all goes on as
    it was.
    """
    if (file is None) != undo:
        raise UserError("Name the backup, or give --undo.")
    here = project.current()
    with turn(here):
        restore.finish(here)
        name = service.container(here)
        if file is None:
            if not service.ask(here, name, "kept", failure="Postgres does not answer"):
                raise UserError("Nothing is kept from before a restore.")
            _confirm(f"Bring back what {here.name} had before the last restore?", yes=yes)
            restore.exchange(here, name, wait, "undo")
        else:
            _restore(here, name, file, other_instance=other_instance, yes=yes, wait=wait)
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
    restore.require_none_kept(here, name)
    question = f"Have {here.name} go back to {backup.manifest.when}, of {backup.manifest.instance}?"
    _confirm(question, yes=yes)
    restore.beside(here, name, backup)
    restore.exchange(here, name, wait)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError(f"{question} Give --yes to do it without being asked.")
    typer.confirm(question, abort=True)
