"""What is served where, and since when."""

from collections.abc import Iterable

from dagnix import code_locations
from dagnix.deploy.described import Location, describe
from dagnix.project import Project
from dagnix.stack.containers import Container
from dagnix.status.services import Row


def of(here: Project, present: Iterable[Container], rows: Iterable[Row]) -> list[Location]:
    """Return each code location that has a container."""
    serves = {row.service: row.serves is True for row in rows}
    current = {each.service: each for each in present if each.in_compose}
    return [
        describe(here, current[name], served=serves.get(name, False))
        for name in code_locations.names(here.root)
        if name in current
    ]
