"""Groups of figures, measured on both variants by the same code."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import lists, variants
from bench.figure import Figure
from bench.measurements import Measurements
from bench.variants.variant import Variant
from dagnix import UserError, console
from dagnix.project import Project


@dataclass(frozen=True)
class Group:
    """`measure` takes values on one variant, so many times; `figures` compares the two.

    What `measure` has taken before it fails is kept.
    """

    measure: Callable[[Variant, int, Measurements], None]
    figures: Callable[[Measurements, Measurements], list[Figure]]


def measure(project: Project, groups: Mapping[str, Group], runs: int) -> dict[str, list[Figure]]:
    """Return the figures of each group. One that cannot be taken says why, and the rest goes on."""
    measured: dict[str, list[Measurements]] = {name: [] for name in groups}
    packages = lists.spare(lists.lock(project.root))[:runs]
    if groups:
        for variant in variants.each(project, packages):
            for name, group in groups.items():
                measured[name].append(_measured(variant, group, runs))
    return {
        name: explained(groups[name].figures(ours, theirs), ours, theirs)
        for name, (ours, theirs) in measured.items()
    }


def _measured(variant: Variant, group: Group, runs: int) -> Measurements:
    measured = Measurements()
    try:
        group.measure(variant, runs, measured)
    except UserError as error:
        console.failed(f"{variant.name}: {error}")
        measured.failure = str(error).splitlines()[0]
        # The next group starts a stack, too.
        variant.stop()
    return measured


def explained(figures: list[Figure], ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return the figures, those of a side that failed with the reason."""
    return [dataclasses.replace(each, how=_why(each, ours, theirs)) for each in figures]


def _why(figure: Figure, ours: Measurements, theirs: Measurements) -> str:
    reasons = [figure.how]
    if not figure.ours and ours.failure:
        reasons.append(f"not measured: {ours.failure}")
    if not figure.theirs and theirs.failure:
        reasons.append(f"Containerfiles not measured: {theirs.failure}")
    return "; ".join(filter(None, reasons))
