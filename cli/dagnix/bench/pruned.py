"""Years of runs, and what deleting those past their time costs while others go on."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from dagnix import UserError, console, dashboard, retention
from dagnix.bench import added, growth, launches, many_runs
from dagnix.bench.figure import Figure
from dagnix.bench.taken import Taken
from dagnix.bench.ways.nix import Nix
from dagnix.bench.ways.way import Way
from dagnix.locations import FIRST
from dagnix.project import Project

RUNS = 100_000
TOGETHER = 4
ALONE_SECONDS = 60
WHEN = ("before", "after", "shrunk")
SIZE = """
SELECT sum(pg_total_relation_size(oid)) / 1e6 FROM pg_class
WHERE relnamespace = 'dagster'::regnamespace AND relkind = 'r'
"""


def measure(way: Way, runs: int, taken: Taken) -> None:
    """Prune once; ask for the page of runs so many times before and after."""
    if not isinstance(way, Nix):
        raise UserError("Dagster keeps all runs: it deletes none of its own accord.")
    added.small_job(way.code)
    way.build()
    way.start()
    project = way.project
    run = launches.launch(project, added.SMALL_JOB)
    launches.wait(project, [run])
    with console.step(f"{way.name}: {RUNS:,} runs"):
        many_runs.copy(project, run, 1, RUNS - 1)
        _look(project, "before", runs, taken)
        taken.add("rate before", _rate(project, lambda: time.sleep(ALONE_SECONDS)))
    with console.step(f"{way.name}: pruned while {TOGETHER} runs at a time go on"):
        began = time.monotonic()
        reports = []
        taken.add("rate meanwhile", _rate(project, lambda: reports.append(_prune(project))))
        taken.add("seconds", time.monotonic() - began)
        taken.add("deleted", reports[0]["runs"])
        _look(project, "after", runs, taken)
    with console.step(f"{way.name}: shrunk"):
        began = time.monotonic()
        _prune(project, "--shrink")
        taken.add("shrink seconds", time.monotonic() - began)
        _look(project, "shrunk", runs, taken)
    way.stop()


def figures(ours: Taken, theirs: Taken) -> list[Figure]:
    """Return MB, milliseconds, runs a minute and seconds."""
    together = f"{TOGETHER} small runs at a time, launched again as they end"
    kinds = (
        *((f"size {when}", "MB", "Dagster's tables and indexes") for when in WHEN),
        *((f"the page of runs {when}", "ms", "GraphQL, the newest 30") for when in WHEN),
        ("deleted", "runs", "all but 10,000 of the job, as config/dagster.yaml has it"),
        ("seconds", "s", f"of ./dagnix prune, while there are {together}"),
        ("rate before", "1/min", together),
        ("rate meanwhile", "1/min", f"{together}, while it is pruned"),
        ("shrink seconds", "s", "of ./dagnix prune --shrink"),
    )
    return [
        Figure.of(f"{RUNS:,} runs pruned, {name}", unit, ours.of(name), theirs.of(name), how=how)
        for name, unit, how in kinds
    ]


def _look(project: Project, when: str, times: int, taken: Taken) -> None:
    taken.add(f"size {when}", float(many_runs.psql(project, SIZE)))
    dashboard.ask(project, growth.PAGE)  # reads from the disk what the next ones have in memory
    for _ in range(times):
        began = time.monotonic()
        dashboard.ask(project, growth.PAGE)
        taken.add(f"the page of runs {when}", (time.monotonic() - began) * 1000)


def _prune(project: Project, *options: str) -> dict[str, Any]:
    return retention.prune(project, FIRST, retention.containers(project)[FIRST], *options)


def _rate(project: Project, do: Callable[[], object]) -> float:
    """Return how many runs a minute succeed while something is done."""
    over = Event()

    def keep_on() -> int:
        done = 0
        while not over.is_set():
            launches.wait(project, [launches.launch(project, added.SMALL_JOB)])
            done += 1
        return done

    began = time.monotonic()
    with ThreadPoolExecutor(TOGETHER) as pool:
        counts = [pool.submit(keep_on) for _ in range(TOGETHER)]
        try:
            do()
        finally:
            over.set()
    return sum(each.result() for each in counts) / (time.monotonic() - began) * 60
