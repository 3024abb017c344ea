"""Back up database, roles and files into one archive, and read it back.

The stack keeps running. The database in the backup is from the moment at which it began; files are
read after that. Data that the last ./dagnix restore has replaced is deleted. The stack also makes
scheduled backups.
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
