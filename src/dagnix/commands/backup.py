"""Back up database, roles and files into one archive, and read it back.

The stack goes on. The database is as it was when this began; files are read after it. What the last
./dagnix restore has replaced is let go. The stack makes such backups by itself, too.
"""

import argparse
from pathlib import Path

from dagnix import console, project
from dagnix.backups.take import take


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="the folder for it; else .dagnix/backups"
    )
    parser.add_argument(
        "--files",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with the pipelines' files or without",
    )


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    console.out.print(str(take(here, given.to, files=given.files)), soft_wrap=True)
