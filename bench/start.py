"""How long the stack takes to start, and what its services and Dagster itself need for that."""

import json
import time

from bench import launches, used
from bench.figure import Figure
from bench.measurements import Measurements
from bench.services import SERVICES
from bench.variants.variant import Variant
from dagnix import console
from dagnix.host.podman import podman

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


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Start the stack so many times, each time without data."""
    variant.build()
    for number in range(runs):
        with console.step(f"{variant.name}: start {number + 1} of {runs}"):
            began = time.monotonic()
            since = variant.start()
            cpu = used.cpu(variant.project)
            measured.add(HEALTHY, since["all"])
            launches.wait(variant.project, [launches.launch(variant.project, JOB)])
            measured.add(FIRST_RUN, time.monotonic() - began)
            for service in SERVICES:
                measured.add(service, since[service])
                measured.add(f"{service}, CPU", cpu[service])
            _import(variant, measured)
            variant.stop()


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
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


def _import(variant: Variant, measured: Measurements) -> None:
    container = used.containers(variant.project)["pipes"]
    words = ["exec", container, "python", "-c", IMPORTED]
    said = podman(variant.project, *words, failure="Dagster cannot be imported").output
    wall, cpu = json.loads(said)
    measured.add(IMPORT, wall)
    measured.add(f"{IMPORT}, CPU", cpu)
