"""A hundred small runs: how fast they go, and what they need at their peak."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from dagnix import console
from dagnix.bench import added, edit, launches, used
from dagnix.bench.figure import Figure
from dagnix.bench.taken import Taken
from dagnix.bench.ways.way import Way
from dagnix.project import Project

RUNS = 100
LIMIT = re.compile(r"(max_concurrent_runs: )\d+")
TOGETHER = {"as configured": None, "ten at a time": 10}
MOST = 3  # times that a crowd is launched: each takes minutes
PAUSE_SECONDS = 1


def measure(way: Way, runs: int, taken: Taken) -> None:
    """Launch the runs at once, with the queue's limit as it is and with ten."""
    added.small_job(way.code)
    with edit.undone(way.config) as text:
        for name, limit in TOGETHER.items():
            if limit:
                way.config.write_text(LIMIT.sub(rf"\g<1>{limit}", text))
            _crowds(way, name, min(runs, MOST), taken)
    way.build()
    way.start()
    for _ in range(runs):
        _alone(way.project, taken)
    way.stop()


def figures(ours: Taken, theirs: Taken) -> list[Figure]:
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


def _crowds(way: Way, name: str, times: int, taken: Taken) -> None:
    way.build()
    way.start()
    # What the first run alone has to do, such as tables, is not what is asked for.
    launches.wait(way.project, [launches.launch(way.project, added.SMALL_JOB)])
    for _ in range(times):
        with console.step(f"{way.name}: {RUNS} runs, {name}"):
            _crowd(way.project, name, taken)
    way.stop()


def _crowd(project: Project, name: str, taken: Taken) -> None:
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
    taken.add(f"{name}: runs in a minute", RUNS / passed * 60)
    taken.add(f"{name}: memory peak", memory)
    taken.add(f"{name}: connections peak", connections)


def _peaks(project: Project, over: Event) -> tuple[float, float]:
    first = used.first_processes(project)
    memory, connections = [0.0], [0.0]
    while not over.wait(PAUSE_SECONDS):
        memory.append(sum(used.resident(used.tree(pid)) for pid in first.values()))
        connections.append(used.connections(first["postgres"]))
    return max(memory), max(connections)


def _alone(project: Project, taken: Taken) -> None:
    launched = time.time()
    run = launches.launch(project, added.SMALL_JOB)
    launches.wait(project, [run])
    taken.add("first op", launches.first_op(project, run) - launched)
