"""Delete runs, logs, files and ticks that are not kept any longer.

It is also done each day without being asked for. How long they are kept stands in
config/dagster.yaml, at `retention` of `storage`. Runs in flight and the last materialization of
each asset and partition stay. The stack goes on.
"""

import argparse
import json

from dagnix import UserError, console, project
from dagnix.stack import retention


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would go and how much room that gives, and delete nothing",
    )
    parser.add_argument(
        "--shrink",
        action="store_true",
        help="have Postgres give the room back to the disk; who uses a table waits meanwhile, and "
        "a copy of it needs room",
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print a JSON object")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    if given.dry_run and given.shrink:
        raise UserError("--shrink changes Postgres's files: take it without --dry-run.")
    here = project.current()
    options = [*(["--dry-run"] if given.dry_run else []), *(["--shrink"] if given.shrink else [])]
    with console.step("Looking through what is kept"):
        report = retention.prune(here, *options)
    if given.as_json:
        console.out.print(json.dumps(report, indent=1), markup=False, soft_wrap=True)
        return
    for line in report["lines"]:
        console.out.print(console.harmless(line), markup=False, soft_wrap=True)
