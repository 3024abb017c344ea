"""How cost grows with code locations, with assets, and with runs."""

import shutil
import time

from dagnix import console, dashboard
from dagnix.bench import added, edit, launches, many_runs, used
from dagnix.bench.figure import Figure
from dagnix.bench.many_locations import FIRST, with_locations
from dagnix.bench.taken import Taken
from dagnix.bench.ways.way import Way

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


def measure(way: Way, runs: int, taken: Taken) -> None:
    """Grow one thing after the other; each start is taken once, each answer so many times."""
    _runs(way, runs, taken)
    _assets(way, runs, taken)
    _locations(way, taken)


def figures(ours: Taken, theirs: Taken) -> list[Figure]:
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


def _locations(way: Way, taken: Taken) -> None:
    for count in LOCATIONS:
        with edit.undone(way.workspace):
            project = with_locations(way, count)
            way.build()
        with console.step(f"{way.name}: {count} code locations"):
            since = way.start(project, count)
            taken.add(f"{count} code locations, up to healthy", since["all"])
            memory = sum(used.memory(project).values())
            taken.add(f"{count} code locations, memory", memory)
        way.stop(project)


def _assets(way: Way, runs: int, taken: Taken) -> None:
    way.build()
    for count in ASSETS:
        code = way.folder / f"{count}-assets"
        shutil.copytree(way.code, code)
        added.assets(code, count)
        project = way.mounted(code)
        with console.step(f"{way.name}: {count} assets"):
            taken.add(f"{count} assets, load", way.start(project)[FIRST])
            for _ in range(runs):
                edit.one_line(code)
                began = time.monotonic()
                way.reload(project)
                taken.add(f"{count} assets, reload", time.monotonic() - began)
        way.stop(project)


def _runs(way: Way, runs: int, taken: Taken) -> None:
    added.small_job(way.code)
    way.build()
    way.start()
    run = launches.launch(way.project, added.SMALL_JOB)
    launches.wait(way.project, [run])
    there = 1
    for count in RUNS:
        with console.step(f"{way.name}: {count} runs"):
            many_runs.copy(way.project, run, there, count - 1)
            there = count
            _ask(way)  # reads from the disk what the next ones have in memory
            for _ in range(runs):
                began = time.monotonic()
                _ask(way)
                passed = (time.monotonic() - began) * 1000
                taken.add(f"{count} runs, the page of runs", passed)
    way.stop()


def _ask(way: Way) -> None:
    dashboard.ask(way.project, PAGE)
