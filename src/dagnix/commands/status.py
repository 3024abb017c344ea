"""Show health, image, uptime and restarts of each service.

The exit code is 0 only if all services are healthy, and each code location is served by the
container that `./dagnix up` or the last deploy has started. An unhealthy service shows the reason,
and a healthy one any warning.
"""

import argparse
import datetime as dt
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from rich.markup import escape
from rich.table import Table

from dagnix import UserError, code_locations, console, project
from dagnix.commands import options
from dagnix.deploy import generations
from dagnix.stack import compose, containers, crashes, health
from dagnix.terminal import harmless

DIGEST_CHARACTERS = 19  # "sha256:" and twelve of its digits


@dataclass(frozen=True)
class Row:
    """What is told of one service; uptime is in seconds.

    `warning` is what will make a healthy one sick, such as a disk that is almost full.
    `serves` is whether the dashboard and the daemon use this container; None is for a service
    that is no code location.
    """

    service: str
    state: str
    healthy: bool
    says: str
    image: str
    digest: str
    uptime: float
    restarts: int
    serves: bool | None = None
    warning: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    options.as_json(parser)


def run(given: argparse.Namespace) -> int:
    """Run the command; the exit code is 1 if something is not well."""
    here = project.current()
    found = rows(here)
    if given.as_json:
        text = json.dumps([asdict(row) for row in found], indent=1)
        console.out.print(text, markup=False, soft_wrap=True)
    elif not any(row.image for row in found):
        raise UserError(f"{here.name} is not running: start it with ./dagnix up")
    else:
        show(found)
    return int(not all(row.healthy for row in found))


def rows(here: project.Project) -> list[Row]:
    """Return a row for each container, and one for each service that has none."""
    present = [each for each in containers.everything(here) if each.in_compose or each.draining]
    with ThreadPoolExecutor(1) as pool:
        hosts = pool.submit(served, here, present)
        asked = health.ask_all(here, present)
    found = [
        row(container, crashes.judge(here, container, said), hosts.result().get(container.service))
        for container, said in zip(present, asked, strict=True)
    ]
    absent = [name for name in compose.services(here) if name not in {row.service for row in found}]
    return sorted(
        found + [Row(name, "absent", False, "has no container", "", "", 0, 0) for name in absent],
        key=lambda row: row.service,
    )


def served(here: project.Project, present: Iterable[containers.Container]) -> dict[str, str]:
    """Return the host that serves each code location that has a container; "" is none."""
    running: dict[str, list[containers.Container]] = {}
    for each in present:
        if each.running and each.service in code_locations.names(here.root):
            running.setdefault(each.service, []).append(each)
    return {name: generations.served(here, those) for name, those in running.items()}


def row(container: containers.Container, asked: health.Health, host: str | None) -> Row:
    """Return what is told of a container; `host` is that which serves its code location."""
    told = Row(
        service=container.service + (" (draining)" if container.draining else ""),
        state=container.state,
        healthy=asked.healthy,
        says=asked.says,
        image=container.image_name,
        digest=container.digest,
        uptime=round(container.uptime, 1),
        restarts=container.restarts,
        serves=None if host is None else container.host == host,
        warning=asked.warning,
    )
    if told.healthy and told.serves is False and not container.draining:
        by = f"the container {host} does" if host else "none does"
        says = f"does not serve its code location, {by}: `./dagnix up` has it do so"
        return replace(told, healthy=False, says=says)
    return told


def show(found: list[Row]) -> None:
    """Print a table, and below it what each sick service says."""
    table = Table(box=None, pad_edge=False)
    for title in ("SERVICE", "HEALTH", "SERVES", "UPTIME", "RESTARTS", "IMAGE", "DIGEST"):
        table.add_column(title, no_wrap=True)
    for row in found:
        well = "[green]healthy[/]" if row.healthy else "[red]unhealthy[/]"
        uptime = str(dt.timedelta(seconds=int(row.uptime))) if row.uptime else row.state
        serves = {None: "", True: "yes", False: "no"}[row.serves]
        digest = row.digest[:DIGEST_CHARACTERS]
        table.add_row(row.service, well, serves, uptime, str(row.restarts), row.image, digest)
    console.out.print(table)
    for row in found:
        colour, says = ("yellow", row.warning) if row.healthy else ("red", row.says)
        if says:
            said = escape(harmless(says))
            console.out.print(f"\n[{colour}]{row.service}[/]: {said}", soft_wrap=True)
