"""Measurements of Dagnix itself, bounded in time and disk, that leave nothing behind."""

import dataclasses
import shutil
import socket
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagnix import code, console, health, images, nix, secret_files, stack
from dagnix.images import Layout
from dagnix.process import run
from dagnix.project import Project

RUNS = 5
STARTS = 3
START_SECONDS = 120
GZIP_LEVEL = 6  # gzip's own, and what registries are pushed
BLOCK = 1 << 20
MB = 10**6


@dataclass(frozen=True)
class Figure:
    """One measured value; the goal is a most."""

    name: str
    value: float
    unit: str
    goal: float | None
    how: str


def sizes(layouts: list[Layout]) -> list[Figure]:
    """Return the size of the three Dagster images together, each layer counted once."""
    dagster = [layout for layout in layouts if layout.name != "postgres"]
    layers = {digest: path for layout in dagster for digest, path in layout.layers.items()}
    with console.step("Compressing the layers"), ThreadPoolExecutor() as pool:
        compressed = sum(pool.map(_compressed, layers.values()))
    unpacked = sum(path.stat().st_size for path in layers.values())
    how = f"{len(layers)} layers of {len(dagster)} images, each once"
    return [
        Figure("images, compressed", compressed / MB, "MB", 120, f"{how}, zlib {GZIP_LEVEL}"),
        Figure("images, unpacked", unpacked / MB, "MB", 350, f"{how}, as tar"),
    ]


def _compressed(path: Path) -> int:
    compressor = zlib.compressobj(GZIP_LEVEL)
    with path.open("rb") as file:
        size = sum(len(compressor.compress(block)) for block in iter(lambda: file.read(BLOCK), b""))
    return size + len(compressor.flush())


def no_change(project: Project) -> Figure:
    """Return the time of `nix build` of all images when nothing has changed."""
    packages = [f"{name}-oci" for name in images.names(project)]
    with console.step("Building without a change"):
        spent = [_build(project, packages, "--no-link") for _ in range(RUNS)]
    return Figure("no-change build", statistics.median(spent), "s", 1, _spread(spent))


def start(project: Project) -> Figure:
    """Return the time from nothing running to all services healthy, with loaded images."""
    spent = []
    with _instance(project) as instance:
        for _ in range(STARTS):
            began = time.monotonic()
            stack.start(instance, [], anew=False)
            health.wait(instance, START_SECONDS)
            spent.append(time.monotonic() - began)
            stack.remove(instance, volumes=True)
    return Figure("start to healthy", statistics.median(spent), "s", 15, _spread(spent))


def reload(project: Project) -> list[Figure]:
    """Return the times from an edit in a mounted folder until the new code is served."""
    with _instance(project) as instance, _folder(project) as folder:
        copy = folder / "pipes"
        shutil.copytree(project.root / "pipes", copy)
        mounted = code.mounted(instance, copy)
        stack.start(mounted, [], anew=False)
        health.wait(mounted, START_SECONDS)
        edited = copy / "src" / "pipes" / "definitions.py"

        def edit_and(reload: Callable[[], object]) -> float:
            with edited.open("a") as file:
                file.write("# edited\n")
            began = time.monotonic()
            reload()
            return time.monotonic() - began

        with code.Checker(mounted, code.container(mounted)) as checker:
            code.reload(mounted, checker)  # as --watch does when it begins
            with console.step("Reloading, with a checker that runs"):
                watched = [edit_and(lambda: code.reload(mounted, checker)) for _ in range(RUNS)]
        words = [project.root / "dagnix", "reload"]
        failure = "./dagnix reload fails"
        with console.step("Reloading, with ./dagnix reload"):
            alone = [
                edit_and(lambda: run(words, failure, env=mounted.environment)) for _ in range(RUNS)
            ]
    return [
        Figure("edit to served, --watch", statistics.median(watched), "s", 3, _spread(watched)),
        Figure("edit to served, reload", statistics.median(alone), "s", 3, _spread(alone)),
    ]


def cold_build(project: Project) -> list[Figure]:
    """Return the times of the builds in a Nix store that holds the fetched files only."""
    with _folder(project) as folder:
        store = ("--store", folder)
        with console.step("Copying the fetched files into an empty store"):
            words = ["nix", "copy", "--no-check-sigs", "--to", folder]
            # What the fetch has rooted refers to every locked file of this system.
            roots = project.roots.glob("inputs-*")
            run([*words, *(root.resolve() for root in roots)], "Nix cannot copy the fetched files")
        with console.step("Building nix2container"):
            tool = _build(project, ["nix2container"], "--no-link", *store)
        with console.step("Building the four images"):
            packages = [f"{name}-oci" for name in images.names(project)]
            four = _build(project, packages, "--no-link", *store)
    return [
        Figure("nix2container, once", tool, "s", None, "compiled from its Go modules, one run"),
        Figure("cold build, four images", four, "s", 60, "from fetched files, one run"),
    ]


def _build(project: Project, packages: list[str], *options: str | Path) -> float:
    began = time.monotonic()
    nix.build(project, packages, nix.Log(lambda _: None), *options)
    return time.monotonic() - began


def _spread(spent: list[float]) -> str:
    return f"median of {len(spent)}, {min(spent):.2f} to {max(spent):.2f}"


@contextmanager
def _instance(project: Project) -> Iterator[Project]:
    """Yield a second instance of the stack, on a free port; it is removed with its data."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with _folder(project) as folder:
        secret_files.ensure(folder)
        environment = {
            **project.environment,
            "COMPOSE_PROJECT_NAME": f"{project.name}-bench",
            "DAGNIX_PORT": str(port),
            "DAGNIX_SECRETS_DIR": str(folder),
        }
        instance = dataclasses.replace(project, environment=environment)
        try:
            yield instance
        finally:
            stack.remove(instance, volumes=True)


@contextmanager
def _folder(project: Project) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=project.state))
    try:
        yield folder
    finally:
        # Nix leaves its store read-only.
        run(["chmod", "-R", "u+w", folder], f"{folder} cannot be removed", check=False)
        shutil.rmtree(folder)
