"""Two variants to have the same stack: Dagnix's, and Containerfiles with pip."""

from collections.abc import Iterator

from bench.variants import containerfiles, nix
from bench.variants.variant import Variant
from dagnix.project import Project

# One after the other, so that neither has the other's stack beside it.
_OPENED = (nix.opened, containerfiles.opened)


def each(project: Project, packages: list[str]) -> Iterator[Variant]:
    """Yield both variants, Dagnix first; the files of one go when the next one comes.

    `packages` are those that may be added to the code location's.
    """
    for opened in _OPENED:
        with opened(project, packages) as variant:
            yield variant
