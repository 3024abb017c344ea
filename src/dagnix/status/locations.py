"""What is served where, and since when."""

from collections.abc import Iterable
from dataclasses import dataclass

from dagnix import code_locations
from dagnix.deploy import history
from dagnix.project import Project
from dagnix.stack.containers import Container
from dagnix.status.services import Row


@dataclass(frozen=True)
class Location:
    """What a code location serves; `since` is ISO 8601, `folder` that of mounted code, else "".

    `digest` is that of the image, `revision` the code's git commit if it is known.
    """

    location: str
    served: bool
    since: str
    how: str
    digest: str
    revision: str
    folder: str


def of(here: Project, present: Iterable[Container], rows: Iterable[Row]) -> list[Location]:
    """Return each code location that has a container."""
    serves = {row.service: row.serves is True for row in rows}
    current = {each.service: each for each in present if each.in_compose}
    return [
        _location(here, name, current[name], served=serves.get(name, False))
        for name in code_locations.names(here.root)
        if name in current
    ]


def _location(here: Project, name: str, container: Container, *, served: bool) -> Location:
    folder = str(container.mounted or "")
    deploys = [each for each in history.of(here, name) if each.image == container.image_id]
    if folder or not deploys:
        since = container.started.isoformat(timespec="seconds")
        return Location(name, served, since, "up", container.digest, "", folder)
    last = deploys[-1]
    return Location(name, served, last.when, last.how, last.digest, last.revision, "")
