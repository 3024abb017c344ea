"""Two ways to have the same stack: Dagnix's, and Containerfiles with pip."""

from collections.abc import Iterator

from dagnix.bench.ways import containerfiles, nix
from dagnix.bench.ways.way import Way
from dagnix.project import Project

# One after the other, so that neither has the other's stack beside it.
_OPENED = (nix.opened, containerfiles.opened)


def each(project: Project, packages: list[str]) -> Iterator[Way]:
    """Yield both ways, Dagnix first, each with files of its own that go when the next one comes.

    `packages` are those that may be added to the code location's.
    """
    for opened in _OPENED:
        with opened(project, packages) as way:
            yield way
