"""Groups of figures, taken on both ways by the same code."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dagnix import UserError, console
from dagnix.bench import lists, ways
from dagnix.bench.figure import Figure
from dagnix.bench.taken import Taken
from dagnix.bench.ways.way import Way
from dagnix.project import Project


@dataclass(frozen=True)
class Group:
    """`measure` takes values on one way, so many times; `figures` sets both ways' side by side.

    What `measure` has taken before it fails is kept.
    """

    measure: Callable[[Way, int, Taken], None]
    figures: Callable[[Taken, Taken], list[Figure]]


def measure(project: Project, groups: Mapping[str, Group], runs: int) -> dict[str, list[Figure]]:
    """Return the figures of each group. One that cannot be taken says why, and the rest goes on."""
    taken: dict[str, list[Taken]] = {name: [] for name in groups}
    packages = lists.spare(lists.lock(project.root))[:runs]
    if groups:
        for way in ways.each(project, packages):
            for name, group in groups.items():
                taken[name].append(_measured(way, group, runs))
    return {
        name: explained(groups[name].figures(ours, theirs), ours, theirs)
        for name, (ours, theirs) in taken.items()
    }


def _measured(way: Way, group: Group, runs: int) -> Taken:
    taken = Taken()
    try:
        group.measure(way, runs, taken)
    except UserError as error:
        console.failed(f"{way.name}: {error}")
        taken.failure = str(error).splitlines()[0]
        # The next group starts a stack, too.
        way.stop()
    return taken


def explained(figures: list[Figure], ours: Taken, theirs: Taken) -> list[Figure]:
    """Return the figures, those of a side that failed with the reason."""
    return [dataclasses.replace(each, how=_why(each, ours, theirs)) for each in figures]


def _why(figure: Figure, ours: Taken, theirs: Taken) -> str:
    reasons = [figure.how]
    if not figure.ours and ours.failure:
        reasons.append(f"not taken: {ours.failure}")
    if not figure.theirs and theirs.failure:
        reasons.append(f"Containerfiles not taken: {theirs.failure}")
    return "; ".join(filter(None, reasons))
