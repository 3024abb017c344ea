"""`./dagnix backup`."""

from pathlib import Path
from typing import Annotated

import typer

from dagnix import console, project
from dagnix.backups.take import take


def command(
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="The folder for it; else .dagnix/backups."),
    ] = None,
    *,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="With the pipelines' files or without.")
    ] = True,
) -> None:
    """Back up the database, its roles and the pipelines' files into one archive, and read it back.

    The stack goes on. The database is as it was when this began; files are read after it. What the
    last ./dagnix restore has replaced is let go. The stack makes such backups by itself, too.
    """
    here = project.current()
    console.out.print(str(take(here, to, files=files)), soft_wrap=True)
