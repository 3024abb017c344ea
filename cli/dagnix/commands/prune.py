"""`./dagnix prune`."""

import json
from typing import Annotated, Any

import typer

from dagnix import UserError, console, locations, project, stack
from dagnix.health import PROGRAM
from dagnix.podman import podman
from dagnix.project import Project

PRUNE = (PROGRAM, "start", "python", "-P", "-m", "dagster_dagnix.prune", "--json")


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
    options = [
        *(["--dry-run"] if dry_run else []),
        *(["--shrink"] if shrink else []),
    ]
    reports = {name: _prune(here, name, each, options) for name, each in _containers(here).items()}
    if as_json:
        console.out.print(json.dumps(reports, indent=1), markup=False, soft_wrap=True)
        return
    for name, report in reports.items():
        for line in report["lines"]:
            said = f"{name}: {line}" if len(reports) > 1 else line
            console.out.print(console.harmless(said), markup=False, soft_wrap=True)


def _containers(here: Project) -> dict[str, str]:
    """Return code location → container; each prunes its own runs, and has the files of those."""
    running = {each.service: each.name for each in stack.containers(here) if each.running}
    known = locations.names(here.root)
    found = {name: running[name] for name in known if name in running}
    if not found:
        raise UserError(
            f"{here.name} has no {' and no '.join(known)} that runs: start it with ./dagnix up."
        )
    for name in known:
        if name not in found:
            console.warned(f"{name} does not run: what is its own stays until it does")
    return found


def _prune(here: Project, name: str, container: str, options: list[str]) -> dict[str, Any]:
    failure = f"What {name} keeps cannot be pruned"
    with console.step(f"Looking through what {name} keeps"):
        words = ["exec", container, *PRUNE, "--location", name, *options]
        return json.loads(podman(here, *words, failure=failure).output.splitlines()[-1])
