"""How long Nix takes to build the images."""

import time
from pathlib import Path

from dagnix import console, images, nix
from dagnix.bench import scratch
from dagnix.bench.figure import Figure
from dagnix.process import run
from dagnix.project import Project

RUNS = 5


def figures(project: Project) -> list[Figure]:
    """Return the times of builds without a change, and in an empty store."""
    images.build(project)
    return [_no_change(project), *_cold(project)]


def _no_change(project: Project) -> Figure:
    with console.step("Building without a change"):
        spent = [_build(project, _all(project), "--no-link") for _ in range(RUNS)]
    return Figure.of_times("no-change build", spent, 1)


def _cold(project: Project) -> list[Figure]:
    """Measure the builds in a Nix store that holds the fetched files only."""
    with scratch.folder(project) as folder:
        store = ("--store", folder)
        with console.step("Copying the fetched files into an empty store"):
            words = ["nix", "copy", "--no-check-sigs", "--to", folder]
            # What the fetch has rooted refers to every locked file of this system.
            roots = project.roots.glob("inputs-*")
            run([*words, *(root.resolve() for root in roots)], "Nix cannot copy the fetched files")
        with console.step("Building nix2container"):
            tool = _build(project, ["nix2container"], "--no-link", *store)
        with console.step("Building the four images"):
            four = _build(project, _all(project), "--no-link", *store)
    return [
        Figure("nix2container, once", tool, "s", None, "compiled from its Go modules, one run"),
        Figure("cold build, four images", four, "s", 60, "from fetched files, one run"),
    ]


def _all(project: Project) -> list[str]:
    return [f"{name}-oci" for name in images.names(project)]


def _build(project: Project, packages: list[str], *options: str | Path) -> float:
    began = time.monotonic()
    nix.build(project, packages, nix.Log(lambda _: None), *options)
    return time.monotonic() - began
