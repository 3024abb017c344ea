"""`./dagnix bench`."""

import signal
from enum import StrEnum
from typing import Annotated

import typer

from dagnix import console, project
from dagnix.bench import (
    builds,
    chart,
    crowd,
    edited_image,
    figure,
    growth,
    idle,
    pruned,
    results,
    served,
    side_by_side,
    sizes,
    start,
)

FEWEST = 5


class Group(StrEnum):
    """What may be measured alone."""

    BUILD = "build"
    SIZES = "sizes"
    START = "start"
    IDLE = "idle"
    RUNS = "runs"
    GROWTH = "growth"
    RETENTION = "retention"
    CODE = "code"


GROUPS = {
    Group.BUILD: side_by_side.Group(builds.measure, builds.figures),
    Group.SIZES: side_by_side.Group(sizes.measure, sizes.figures),
    Group.START: side_by_side.Group(start.measure, start.figures),
    Group.IDLE: side_by_side.Group(idle.measure, idle.figures),
    Group.RUNS: side_by_side.Group(crowd.measure, crowd.figures),
    Group.CODE: side_by_side.Group(served.measure, served.figures),
    Group.GROWTH: side_by_side.Group(growth.measure, growth.figures),
    Group.RETENTION: side_by_side.Group(pruned.measure, pruned.figures),
}


def command(
    groups: Annotated[
        list[Group] | None, typer.Argument(help="Measure these alone.", show_default=False)
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, max=20, help="How often each figure is taken.")
    ] = FEWEST,
) -> None:
    """Measure Dagnix beside Containerfiles, pip and `podman build`; takes hours.

    What is measured, and how, stands in docs/bench.md. The results go to bench/results.json, where
    those of other groups stay, and are drawn in bench/chart.svg and bench/chart.png.

    The working tree and the stack that runs are left alone: the files of copies are edited, and a
    second stack, named …-bench, is started and removed. The cold build uses a Nix store of its own
    in .dagnix, about 2 GiB, which is removed afterwards.
    """
    # Whoever ends it so has nothing left behind either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    here = project.current()
    chosen = groups or list(Group)
    found = side_by_side.measure(here, {name: GROUPS[name] for name in chosen}, runs)
    if Group.CODE in chosen:
        found[Group.CODE] = [*edited_image.figures(here), *found[Group.CODE]]
    path = here.root / results.FILE
    known, machine = results.read(path), results.machine(here)
    for name, figures in found.items():
        known = results.merge(known, name, figures, machine)
    results.write(path, known)
    chart.draw(known, path.with_name("chart.svg"))
    console.out.print(figure.table([each for figures in found.values() for each in figures]))
