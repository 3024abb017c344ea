"""The services: health, image, uptime and restarts of each container."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from dagnix import code_locations
from dagnix.deploy import code_containers
from dagnix.project import Project
from dagnix.stack import compose, containers, crashes, health


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


def rows(here: Project, everything: Iterable[containers.Container]) -> list[Row]:
    """Return a row for each container, and one for each service that has none."""
    present = [each for each in everything if each.in_compose or each.draining]
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


def served(here: Project, present: Iterable[containers.Container]) -> dict[str, str]:
    """Return the host that serves each code location that has a container; "" is none."""
    running: dict[str, list[containers.Container]] = {}
    for each in present:
        if each.running and each.service in code_locations.names(here.root):
            running.setdefault(each.service, []).append(each)
    return {name: code_containers.served(here, those) for name, those in running.items()}


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
