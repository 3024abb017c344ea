"""Years of runs, and what deleting those past their time costs while others go on."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from bench import added, growth, launches, many_runs
from bench.figure import Figure
from bench.measurements import Measurements
from bench.variants.nix import Nix
from bench.variants.variant import Variant
from dagnix import UserError, console
from dagnix.project import Project
from dagnix.stack import dashboard, retention

RUNS = 100_000
TOGETHER = 4
ALONE_SECONDS = 60
WHEN = ("before", "after", "shrunk")
SIZE = """
SELECT sum(pg_total_relation_size(oid)) / 1e6 FROM pg_class
WHERE relnamespace = 'dagster'::regnamespace AND relkind = 'r'
"""


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Prune once; ask for the page of runs so many times before and after."""
    if not isinstance(variant, Nix):
        raise UserError("Dagster keeps all runs: it deletes none of its own accord.")
    added.small_job(variant.code)
    variant.build()
    variant.start()
    project = variant.project
    run = launches.launch(project, added.SMALL_JOB)
    launches.wait(project, [run])
    with console.step(f"{variant.name}: {RUNS:,} runs"):
        many_runs.copy(project, run, 1, RUNS - 1)
        _look(project, "before", runs, measured)
        measured.add("rate before", _rate(project, lambda: time.sleep(ALONE_SECONDS)))
    with console.step(f"{variant.name}: pruned while {TOGETHER} runs at a time go on"):
        began = time.monotonic()
        reports = []
        measured.add("rate meanwhile", _rate(project, lambda: reports.append(_prune(project))))
        measured.add("seconds", time.monotonic() - began)
        measured.add("deleted", reports[0]["runs"])
        _look(project, "after", runs, measured)
    with console.step(f"{variant.name}: shrunk"):
        began = time.monotonic()
        _prune(project, "--shrink")
        measured.add("shrink seconds", time.monotonic() - began)
        _look(project, "shrunk", runs, measured)
    variant.stop()


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
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


def _look(project: Project, when: str, times: int, measured: Measurements) -> None:
    measured.add(f"size {when}", float(many_runs.psql(project, SIZE)))
    dashboard.ask(project, growth.PAGE)  # reads from the disk what the next ones have in memory
    for _ in range(times):
        began = time.monotonic()
        dashboard.ask(project, growth.PAGE)
        measured.add(f"the page of runs {when}", (time.monotonic() - began) * 1000)


def _prune(project: Project, *options: str) -> dict[str, Any]:
    return retention.prune(project, *options)


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
