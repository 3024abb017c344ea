"""An edit of one line of code until the running stack serves it."""

import shutil
import time

from bench import edit
from bench.figure import Figure, goal
from bench.measurements import Measurements
from bench.variants.variant import Variant
from dagnix import console

WATCHED, RELOADED = "by itself", "reload"
DEPLOYED, ENDED = "deploy", "deploy, whole"
MOUNTED_SECONDS = 3
BAKED_SECONDS = 6


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Edit a folder that is mounted, then one whose code is baked into the image."""
    variant.build()
    code = variant.folder / "mounted"
    shutil.copytree(variant.code, code)
    project = variant.mounted(code)
    variant.start(project)
    with variant.reloads(project) as reloads:
        for name, reload in reloads.items():
            with console.step(f"{variant.name}: {name}"):
                for _ in range(runs):
                    edit.one_line(code)
                    began = time.monotonic()
                    reload()
                    measured.add(name, time.monotonic() - began)
    variant.stop(project)
    variant.start()
    with console.step(f"{variant.name}: {DEPLOYED}"):
        for _ in range(runs):
            variant.edit_code()
            until_served, until_ended = variant.deploy()
            measured.add(DEPLOYED, until_served)
            measured.add(ENDED, until_ended)
    variant.stop()


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return seconds; those of the other variant's reload are for both of Dagnix's."""
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
