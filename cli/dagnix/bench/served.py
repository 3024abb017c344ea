"""An edit of one line of code until the running stack serves it."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dagnix import code, console, dashboard
from dagnix.bench import edit, scratch
from dagnix.bench.figure import Figure
from dagnix.deploy import generations
from dagnix.process import run
from dagnix.project import Project

RUNS = 5
MOUNTED_SECONDS = 3
BAKED_SECONDS = 6
PAUSE_SECONDS = 0.1


def mounted(project: Project) -> list[Figure]:
    """Return the times from an edit in a mounted folder until the new code is served."""
    with (
        scratch.own_images(project) as own,
        scratch.instance(own) as instance,
        scratch.folder(own) as folder,
    ):
        copy = folder / "pipes"
        shutil.copytree(project.root / "pipes", copy)
        scratch.load(instance)
        served = code.mounted(instance, copy)
        scratch.start(served)
        with code.Checker(served, code.container(served)) as checker:
            code.reload(served, checker)  # as --watch does when it begins
            with console.step("Reloading, with a checker that runs"):
                watched = _timed(copy, lambda: code.reload(served, checker))
        with console.step("Reloading, with ./dagnix reload"):
            alone = _timed(copy, lambda: _dagnix(served, "reload"))
    return [
        Figure.of("edit to served, reload --watch", "s", watched, goal=MOUNTED_SECONDS),
        Figure.of("edit to served, reload", "s", alone, goal=MOUNTED_SECONDS),
    ]


def baked(project: Project) -> list[Figure]:
    """Return the times of `./dagnix deploy` until the webserver has the code, and until it ends."""
    served, whole = [], []
    with (
        scratch.checkout(project) as copy,
        scratch.own_images(copy) as own,
        scratch.instance(own) as instance,
        ThreadPoolExecutor() as pool,
    ):
        scratch.load(instance)
        scratch.start(instance)
        _dagnix(instance, "history")  # builds the copy's command line
        for _ in range(RUNS):
            before = _served_at(instance)
            edit.one_line(copy.root / "pipes")
            began = time.monotonic()
            deploy = pool.submit(_dagnix, instance, "deploy")
            while not deploy.done() and _served_at(instance) in {before, ""}:
                time.sleep(PAUSE_SECONDS)
            served.append(time.monotonic() - began)
            deploy.result()
            whole.append(time.monotonic() - began)
            while generations.former(instance):
                time.sleep(1)
    return [
        Figure.of("edit to served, deploy", "s", served, goal=BAKED_SECONDS),
        Figure.of("./dagnix deploy", "s", whole, how="until the daemon has started again, too"),
    ]


def _served_at(project: Project) -> str:
    return dashboard.served_at(project, code.SERVICE)


def _timed(folder: Path, reload: Callable[[], object]) -> list[float]:
    spent = []
    for _ in range(RUNS):
        edit.one_line(folder)
        began = time.monotonic()
        reload()
        spent.append(time.monotonic() - began)
    return spent


def _dagnix(project: Project, command: str) -> None:
    words = [project.root / "dagnix", command]
    run(words, f"./dagnix {command} fails", env=project.environment)
