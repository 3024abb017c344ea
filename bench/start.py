"""How long the stack takes to start, and what its services and Dagster itself need for that."""

import json
import time

from dagnix import console
from dagnix.bench import launches, used
from dagnix.bench.figure import Figure
from dagnix.bench.services import SERVICES
from dagnix.bench.taken import Taken
from dagnix.bench.ways.way import Way
from dagnix.podman import podman

JOB = "example"
HEALTHY, FIRST_RUN, IMPORT = "up to healthy", "up to first run succeeded", "import dagster"
HEALTHY_SECONDS = 10
HOW = "images loaded, no data; dashboard answers, code is loaded, daemons are well"
IMPORTED = """\
import json, time
began, used = time.monotonic(), time.process_time()
import dagster
print(json.dumps([time.monotonic() - began, time.process_time() - used]))
"""


def measure(way: Way, runs: int, taken: Taken) -> None:
    """Start the stack so many times, each time without data."""
    way.build()
    for number in range(runs):
        with console.step(f"{way.name}: start {number + 1} of {runs}"):
            began = time.monotonic()
            since = way.start()
            cpu = used.cpu(way.project)
            taken.add(HEALTHY, since["all"])
            launches.wait(way.project, [launches.launch(way.project, JOB)])
            taken.add(FIRST_RUN, time.monotonic() - began)
            for service in SERVICES:
                taken.add(service, since[service])
                taken.add(f"{service}, CPU", cpu[service])
            _import(way, taken)
            way.stop()


def figures(ours: Taken, theirs: Taken) -> list[Figure]:
    """Return seconds on the clock and of CPU."""
    goals = {HEALTHY: HEALTHY_SECONDS}
    hows = {HEALTHY: HOW, FIRST_RUN: f"the job {JOB}, launched when all was healthy"}
    of_service = {name: f"start of {name}" for name in SERVICES}
    names = {HEALTHY: HEALTHY, FIRST_RUN: FIRST_RUN, IMPORT: IMPORT, **of_service}
    found = []
    for key, name in names.items():
        how = hows.get(key, "until it is of use, with the whole stack" if key in SERVICES else "")
        found.append(
            Figure.of(name, "s", ours.of(key), theirs.of(key), goal=goals.get(key), how=how)
        )
        cpu = f"{key}, CPU"
        if ours.of(cpu) or theirs.of(cpu):
            found.append(Figure.of(f"{name}, CPU", "s", ours.of(cpu), theirs.of(cpu)))
    return found


def _import(way: Way, taken: Taken) -> None:
    container = used.containers(way.project)["pipes"]
    words = ["exec", container, "python", "-c", IMPORTED]
    said = podman(way.project, *words, failure="Dagster cannot be imported").output
    wall, cpu = json.loads(said)
    taken.add(IMPORT, wall)
    taken.add(f"{IMPORT}, CPU", cpu)
