"""Show what was deployed when, oldest first: the last line is live."""

import argparse
import json
from dataclasses import asdict

from rich.table import Table

from dagnix import code_locations, console, project
from dagnix.commands import options
from dagnix.deploy import history

DIGEST_CHARACTERS = 19  # "sha256:" and twelve of its digits
REVISION_CHARACTERS = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    options.location(parser)
    options.as_json(parser)


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    code_locations.require(here.root, given.location)
    entries = history.of(here, given.location)
    if given.as_json:
        text = json.dumps([asdict(each) for each in entries], indent=1)
        console.out.print(text, markup=False, soft_wrap=True)
        return
    if not entries:
        console.out.print("Nothing was deployed yet: ./dagnix deploy does that.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("WHEN", "HOW", "DIGEST", "REVISION"):
        table.add_column(title, no_wrap=True)
    for each in entries:
        revision = each.revision[:REVISION_CHARACTERS] or "unknown"
        changed = " and changes" if each.dirty else ""
        table.add_row(each.when, each.how, each.digest[:DIGEST_CHARACTERS], revision + changed)
    console.out.print(table)
