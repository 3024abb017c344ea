"""`./dagnix history`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from dagnix import console, locations, project
from dagnix.deploy import history, rollout

DIGEST_CHARACTERS = 19  # "sha256:" and twelve of its digits
REVISION_CHARACTERS = 12


def command(
    location: rollout.Location = locations.FIRST,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Show what was deployed when, oldest first: the last line is what is served."""
    here = project.current()
    rollout.require(here, location)
    entries = history.of(here, location)
    if as_json:
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
