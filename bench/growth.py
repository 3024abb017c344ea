"""How cost grows with code locations, with assets, and with runs."""

import shutil
import time

from bench import added, edit, launches, many_runs, used
from bench.figure import Figure
from bench.many_locations import FIRST, with_locations
from bench.measurements import Measurements
from bench.variants.variant import Variant
from dagnix import console
from dagnix.stack import dashboard

LOCATIONS = (1, 3, 10)
ASSETS = (10, 100, 1000)
RUNS = (1_000, 10_000, 100_000)
# What the dashboard's page of runs asks for.
PAGE = """
{ runsFeedOrError(limit: 30, view: ROOTS) { __typename ... on RunsFeedConnection {
    cursor hasMore results {
      id runStatus creationTime startTime endTime jobName tags { key value }
      assetSelection { path } assetCheckSelection { name }
    }
  } }
  runsFeedCountOrError(view: ROOTS) { __typename ... on RunsFeedCount { count } } }
"""


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Grow one thing after the other; each start is taken once, each answer so many times."""
    _runs(variant, runs, measured)
    _assets(variant, runs, measured)
    _locations(variant, measured)


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return seconds, MB and milliseconds."""
    started = "with the whole stack, from nothing"
    kinds = [
        *((f"{n} code locations, up to healthy", "s", started) for n in LOCATIONS),
        *((f"{n} code locations, memory", "MB", "all services") for n in LOCATIONS),
        *((f"{n} assets, load", "s", started) for n in ASSETS),
        *((f"{n} assets, reload", "s", "code mounted, edited before") for n in ASSETS),
        *((f"{n} runs, the page of runs", "ms", "GraphQL, the newest 30") for n in RUNS),
    ]
    return [
        Figure.of(name, unit, ours.of(name), theirs.of(name), how=how) for name, unit, how in kinds
    ]


def _locations(variant: Variant, measured: Measurements) -> None:
    for count in LOCATIONS:
        with edit.undone(variant.workspace):
            project = with_locations(variant, count)
            variant.build()
        with console.step(f"{variant.name}: {count} code locations"):
            since = variant.start(project, count)
            measured.add(f"{count} code locations, up to healthy", since["all"])
            memory = sum(used.memory(project).values())
            measured.add(f"{count} code locations, memory", memory)
        variant.stop(project)


def _assets(variant: Variant, runs: int, measured: Measurements) -> None:
    variant.build()
    for count in ASSETS:
        code = variant.folder / f"{count}-assets"
        shutil.copytree(variant.code, code)
        added.assets(code, count)
        project = variant.mounted(code)
        with console.step(f"{variant.name}: {count} assets"):
            measured.add(f"{count} assets, load", variant.start(project)[FIRST])
            for _ in range(runs):
                edit.one_line(code)
                began = time.monotonic()
                variant.reload(project)
                measured.add(f"{count} assets, reload", time.monotonic() - began)
        variant.stop(project)


def _runs(variant: Variant, runs: int, measured: Measurements) -> None:
    added.small_job(variant.code)
    variant.build()
    variant.start()
    run = launches.launch(variant.project, added.SMALL_JOB)
    launches.wait(variant.project, [run])
    there = 1
    for count in RUNS:
        with console.step(f"{variant.name}: {count} runs"):
            many_runs.copy(variant.project, run, there, count - 1)
            there = count
            _ask(variant)  # reads from the disk what the next ones have in memory
            for _ in range(runs):
                began = time.monotonic()
                _ask(variant)
                passed = (time.monotonic() - began) * 1000
                measured.add(f"{count} runs, the page of runs", passed)
    variant.stop()


def _ask(variant: Variant) -> None:
    dashboard.ask(variant.project, PAGE)
