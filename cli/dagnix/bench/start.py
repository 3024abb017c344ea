"""How long the stack takes to start."""

import time

from dagnix import stack
from dagnix.bench import scratch
from dagnix.bench.figure import Figure
from dagnix.project import Project

STARTS = 3


def figures(project: Project) -> list[Figure]:
    """Return the time from nothing running to all services healthy, with loaded images."""
    spent = []
    with scratch.own_images(project) as own, scratch.instance(own) as instance:
        scratch.load(instance)
        for _ in range(STARTS):
            began = time.monotonic()
            scratch.start(instance)
            spent.append(time.monotonic() - began)
            stack.remove(instance, volumes=True)
    return [Figure.of_times("start to healthy", spent, 15)]
