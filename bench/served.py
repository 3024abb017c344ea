"""An edit of one line of code until the running stack serves it."""

import shutil
import time

from dagnix import console
from dagnix.bench import edit
from dagnix.bench.figure import Figure, goal
from dagnix.bench.taken import Taken
from dagnix.bench.ways.way import Way

WATCHED, RELOADED = "by itself", "reload"
DEPLOYED, ENDED = "deploy", "deploy, whole"
MOUNTED_SECONDS = 3
BAKED_SECONDS = 6


def measure(way: Way, runs: int, taken: Taken) -> None:
    """Edit a folder that is mounted, then one whose code is baked into the image."""
    way.build()
    code = way.folder / "mounted"
    shutil.copytree(way.code, code)
    project = way.mounted(code)
    way.start(project)
    with way.reloads(project) as reloads:
        for name, reload in reloads.items():
            with console.step(f"{way.name}: {name}"):
                for _ in range(runs):
                    edit.one_line(code)
                    began = time.monotonic()
                    reload()
                    taken.add(name, time.monotonic() - began)
    way.stop(project)
    way.start()
    with console.step(f"{way.name}: {DEPLOYED}"):
        for _ in range(runs):
            way.edit_code()
            until_served, until_ended = way.deploy()
            taken.add(DEPLOYED, until_served)
            taken.add(ENDED, until_ended)
    way.stop()


def figures(ours: Taken, theirs: Taken) -> list[Figure]:
    """Return seconds; those of the other way's reload are for both of Dagnix's."""
    other, deployed = theirs.of(RELOADED), theirs.of(DEPLOYED)
    return [
        Figure.of(
            f"edit to served, {WATCHED}",
            "s",
            ours.of(WATCHED),
            other,
            goal=goal(MOUNTED_SECONDS, other),
            how="code that is mounted and saved; the other is Reload in the dashboard",
        ),
        Figure.of(
            f"edit to served, {RELOADED}",
            "s",
            ours.of(RELOADED),
            other,
            goal=MOUNTED_SECONDS,
            how="`./dagnix reload`, with a command line that has to start",
        ),
        Figure.of(
            f"edit to served, {DEPLOYED}",
            "s",
            ours.of(DEPLOYED),
            deployed,
            goal=goal(BAKED_SECONDS, deployed),
            how="./dagnix deploy loses no run; the other builds pipes and recreates its container",
        ),
        Figure.of("./dagnix deploy", "s", ours.of(ENDED), how="until the command has ended"),
    ]
