"""`./dagnix status`."""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from dagnix import UserError, console, health, project, stack

DIGEST_CHARACTERS = 19  # "sha256:" and twelve of its digits


@dataclass(frozen=True)
class Row:
    """What is told of one service; uptime is in seconds."""

    service: str
    state: str
    healthy: bool
    says: str
    image: str
    digest: str
    uptime: float
    restarts: int


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Show health, image, uptime and restarts of each service.

    The exit code is 1 unless all are healthy. A sick service tells what its health check says.
    """
    here = project.current()
    found = rows(here)
    if as_json:
        console.out.print(json.dumps([asdict(row) for row in found], indent=1), markup=False)
    elif not any(row.image for row in found):
        raise UserError(f"{here.name} is not running: start it with ./dagnix up")
    else:
        show(found)
    if not all(row.healthy for row in found):
        raise typer.Exit(1)


def rows(here: project.Project) -> list[Row]:
    """Return a row for each container, and one for each service that has none."""
    present = [each for each in stack.everything(here) if each.in_compose or each.former]
    found = [
        Row(
            service=container.service + (" (former)" if container.former else ""),
            state=container.state,
            healthy=asked.healthy,
            says=asked.says,
            image=container.image_name,
            digest=container.digest,
            uptime=round(container.uptime, 1),
            restarts=container.restarts,
        )
        for container, asked in zip(present, health.ask_all(here, present), strict=True)
    ]
    absent = [name for name in stack.services(here) if name not in {row.service for row in found}]
    return sorted(
        found + [Row(name, "absent", False, "has no container", "", "", 0, 0) for name in absent],
        key=lambda row: row.service,
    )


def show(found: list[Row]) -> None:
    """Print a table, and below it what each sick service says."""
    table = Table(box=None, pad_edge=False)
    for title in ("SERVICE", "HEALTH", "UPTIME", "RESTARTS", "IMAGE", "DIGEST"):
        table.add_column(title, no_wrap=True)
    for row in found:
        well = "[green]healthy[/]" if row.healthy else "[red]unhealthy[/]"
        uptime = str(dt.timedelta(seconds=int(row.uptime))) if row.uptime else row.state
        digest = row.digest[:DIGEST_CHARACTERS]
        table.add_row(row.service, well, uptime, str(row.restarts), row.image, digest)
    console.out.print(table)
    for row in found:
        if not row.healthy:
            console.out.print(
                f"\n[red]{row.service}[/]: {escape(console.harmless(row.says))}", soft_wrap=True
            )
