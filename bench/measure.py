"""What `./dagnix bench` does."""

import signal
from collections.abc import Sequence

from bench import (
    builds,
    chart,
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
    throughput,
)
from dagnix import console
from dagnix.project import Project

CODE = "code"
# By the name that `./dagnix bench` takes (src/dagnix/commands/bench.py).
GROUPS = {
    "build": side_by_side.Group(builds.measure, builds.figures),
    "sizes": side_by_side.Group(sizes.measure, sizes.figures),
    "start": side_by_side.Group(start.measure, start.figures),
    "idle": side_by_side.Group(idle.measure, idle.figures),
    "runs": side_by_side.Group(throughput.measure, throughput.figures),
    CODE: side_by_side.Group(served.measure, served.figures),
    "growth": side_by_side.Group(growth.measure, growth.figures),
    "retention": side_by_side.Group(pruned.measure, pruned.figures),
}


def measure(here: Project, chosen: Sequence[str], runs: int) -> None:
    """Measure groups of figures, each so many times; write, draw and print them."""
    # Whoever ends it so has nothing left behind either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    edited = edited_image.figures(here) if CODE in chosen else []
    found = side_by_side.measure(here, {name: GROUPS[name] for name in chosen}, runs)
    if CODE in chosen:
        found[CODE] = [*edited, *found[CODE]]
    path = here.root / results.FILE
    known, machine = results.read(path), results.machine(here)
    for name, figures in found.items():
        known = results.merge(known, name, figures, machine)
    results.write(path, known)
    chart.draw(known, path.with_name("chart.svg"))
    console.out.print(figure.table([each for figures in found.values() for each in figures]))
