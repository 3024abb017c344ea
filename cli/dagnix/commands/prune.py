"""`./dagnix prune`."""

import json
from typing import Annotated

import typer

from dagnix import UserError, console, project, retention


def command(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go and how much room that gives.")
    ] = False,
    shrink: Annotated[
        bool,
        typer.Option(
            "--shrink",
            help="Have Postgres give the room back to the disk. Who uses a table waits meanwhile, "
            "and a copy of it needs room.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Delete runs, logs, files and ticks that are not kept any longer; each day it is done anyway.

    How long they are kept stands in config/dagster.yaml, at `retention` of `storage`. Runs in
    flight and the last materialization of each asset and partition stay. The stack goes on.
    """
    if dry_run and shrink:
        raise UserError("--shrink changes Postgres's files: take it without --dry-run.")
    here = project.current()
    options = [*(["--dry-run"] if dry_run else []), *(["--shrink"] if shrink else [])]
    reports = {}
    for name, container in retention.containers(here).items():
        with console.step(f"Looking through what {name} keeps"):
            reports[name] = retention.prune(here, name, container, *options)
    if as_json:
        console.out.print(json.dumps(reports, indent=1), markup=False, soft_wrap=True)
        return
    for name, report in reports.items():
        for line in report["lines"]:
            said = f"{name}: {line}" if len(reports) > 1 else line
            console.out.print(console.harmless(said), markup=False, soft_wrap=True)
