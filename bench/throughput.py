"""A hundred small runs: how fast they go, and what they need at their peak."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from bench import added, edit, launches, used
from bench.figure import Figure
from bench.measurements import Measurements
from bench.variants.variant import Variant
from dagnix import console
from dagnix.project import Project

RUNS = 100
LIMIT = re.compile(r"(max_concurrent_runs: )\d+")
TOGETHER = {"as configured": None, "ten at a time": 10}
MOST = 3  # times that a crowd is launched: each takes minutes
PAUSE_SECONDS = 1


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Launch the runs at once, with the queue's limit as it is and with ten."""
    added.small_job(variant.code)
    with edit.undone(variant.config) as text:
        for name, limit in TOGETHER.items():
            if limit:
                variant.config.write_text(LIMIT.sub(rf"\g<1>{limit}", text))
            _crowds(variant, name, min(runs, MOST), measured)
    variant.build()
    variant.start()
    for _ in range(runs):
        _alone(variant.project, measured)
    variant.stop()


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return runs in a minute, MB and connections at the peak, and seconds to the first op."""
    kinds = (
        ("runs in a minute", "1/min", "from the first launch to the last success"),
        ("memory peak", "MB", "all services; the most of what was seen each second or so"),
        ("connections peak", "", "of Postgres; the most of what was seen each second or so"),
    )
    found = [
        Figure.of(
            f"{RUNS} runs, {name}, {kind}",
            unit,
            ours.of(f"{name}: {kind}"),
            theirs.of(f"{name}: {kind}"),
            how=how,
        )
        for name in TOGETHER
        for kind, unit, how in kinds
    ]
    how = "nothing else runs; the run queue looks every two seconds"
    first = Figure.of(
        "launch to first op", "s", ours.of("first op"), theirs.of("first op"), how=how
    )
    return [*found, first]


def _crowds(variant: Variant, name: str, times: int, measured: Measurements) -> None:
    variant.build()
    variant.start()
    # What the first run alone has to do, such as tables, is not what is asked for.
    launches.wait(variant.project, [launches.launch(variant.project, added.SMALL_JOB)])
    for _ in range(times):
        with console.step(f"{variant.name}: {RUNS} runs, {name}"):
            _crowd(variant.project, name, measured)
    variant.stop()


def _crowd(project: Project, name: str, measured: Measurements) -> None:
    over = Event()
    with ThreadPoolExecutor() as pool:
        peaks = pool.submit(_peaks, project, over)
        try:
            began = time.monotonic()
            ids = list(pool.map(lambda _: launches.launch(project, added.SMALL_JOB), range(RUNS)))
            launches.wait(project, ids)
            passed = time.monotonic() - began
        finally:
            over.set()
    memory, connections = peaks.result()
    measured.add(f"{name}: runs in a minute", RUNS / passed * 60)
    measured.add(f"{name}: memory peak", memory)
    measured.add(f"{name}: connections peak", connections)


def _peaks(project: Project, over: Event) -> tuple[float, float]:
    first = used.first_processes(project)
    memory, connections = [0.0], [0.0]
    while not over.wait(PAUSE_SECONDS):
        memory.append(sum(used.resident(used.tree(pid)) for pid in first.values()))
        connections.append(used.connections(first["postgres"]))
    return max(memory), max(connections)


def _alone(project: Project, measured: Measurements) -> None:
    launched = time.time()
    run = launches.launch(project, added.SMALL_JOB)
    launches.wait(project, [run])
    measured.add("first op", launches.first_op(project, run) - launched)
