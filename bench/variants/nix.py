"""Dagnix's variant: Nix builds layers, podman takes in those that it lacks."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from bench.services import SERVICES
from bench.timing import timed
from bench.variants.variant import Variant
from dagnix import console
from dagnix.code import mount
from dagnix.deploy import code_containers
from dagnix.host import nix
from dagnix.host.podman import podman
from dagnix.images import build, load
from dagnix.images.layout import Layout
from dagnix.process import run
from dagnix.project import Project
from dagnix.stack import dashboard
from dagnix.testing import scratch

PAUSE_SECONDS = 0.1
FORMER_SECONDS = 120
FAILURE = "The measurement cannot have a Nix store of its own"


class Nix(Variant):
    """As `./dagnix build` and `./dagnix load` do it."""

    name = "Dagnix"

    def __init__(self, project: Project, folder: Path, packages: list[str]) -> None:
        super().__init__(project, folder, packages)
        self._cold = 0  # the number of the store and the storage for cold builds
        self._made_once: list[Path] = []

    @property
    def counts_cpu(self) -> bool:
        """Whether no nix-daemon builds for us."""
        return os.access("/nix/var/nix/db", os.W_OK) and not os.environ.get("NIX_REMOTE")

    @property
    def _store(self) -> Path:
        """A Nix store that holds the fetched files and the layer maker, and no image."""
        return self.folder / f"store-{self._cold}"

    @cached_property
    def once(self) -> float:
        """Seconds for nix2container, compiled in a store that holds what is fetched."""
        fetched = [root.resolve() for root in self.project.roots.glob("inputs-*")]
        with console.step("Copying the fetched files into an empty store"):
            self._copy(fetched)
        with console.step("Building nix2container"):
            measured = timed(lambda: self._made_once.extend(self._build("nix2container")))
        self._made_once += fetched
        return measured.wall

    def build(self) -> None:
        """Build what changed, and load it."""
        load.load(self.project, self._layouts())

    def start_anew(self) -> None:
        """Take another store, and another storage."""
        before = self._store
        self._cold += 1
        self._copy(self._made_once, "--from", before)

    def build_cold(self) -> None:
        """Build in the store of its own, and load into a storage of its own."""
        self._build(*(f"{service}-oci" for service in SERVICES))
        # Their layers are links, which lead into the real store; the same bytes are there.
        for layout in self._layouts():
            self._podman(self._storage, "pull", "--quiet", f"oci:{layout.folder}")

    def remove_builds(self) -> None:
        """Have podman remove what it made: its files may be other users'."""
        for storage in self.folder.glob("storage-*"):
            self._podman(storage, "rmi", "--all", "--force")

    @contextmanager
    def layouts(self) -> Iterator[list[Layout]]:
        """Yield Nix's own."""
        yield self._layouts()

    def mounted(self, code_folder: Path) -> Project:
        """Return the instance with compose.mount.yaml."""
        return mount.mounted(self.project, code_folder)

    @contextmanager
    def reloads(self, project: Project) -> Iterator[dict[str, Callable[[], object]]]:
        """Yield what `./dagnix reload` does, and what follows on a saved edit by itself."""
        self._dagnix(project, "reload")  # builds the command line of the copy
        yield {
            "by itself": lambda: self._followed(project),
            "reload": lambda: self._dagnix(project, "reload"),
        }

    def reload(self, project: Project) -> None:
        """Have the code of a folder reloaded."""
        mount.reload(project, mount.container(project))

    def _followed(self, project: Project) -> None:
        """Wait until the dashboard shows another code server."""
        before = dashboard.server(project, mount.SERVICE)
        while dashboard.server(project, mount.SERVICE) in {before, ""}:
            time.sleep(PAUSE_SECONDS)

    def deploy(self) -> tuple[float, float]:
        """Run `./dagnix deploy`, then wait until the container before has gone."""
        self._dagnix(self.project, "history")  # builds the command line of the copy
        before = dashboard.served_at(self.project, mount.SERVICE)
        began = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            deploy = pool.submit(self._dagnix, self.project, "deploy")
            while not deploy.done() and dashboard.served_at(self.project, mount.SERVICE) in {
                before,
                "",
            }:
                time.sleep(PAUSE_SECONDS)
            served = time.monotonic() - began
            deploy.result()
        ended = time.monotonic() - began
        end = time.monotonic() + FORMER_SECONDS
        while code_containers.draining(self.project) and time.monotonic() < end:
            time.sleep(1)
        return served, ended

    def _dagnix(self, project: Project, command: str) -> None:
        words = [str(self.project.root / "dagnix"), command]
        run(words, f"./dagnix {command} fails", env=project.environment)

    def _layouts(self) -> list[Layout]:
        return build.build(self.project, list(SERVICES))

    def _build(self, *packages: str) -> list[Path]:
        log = nix.Log(lambda _: None)
        return nix.build(self.project, packages, log, "--no-link", "--store", self._store)

    def _copy(self, paths: list[Path], *options: str | Path) -> None:
        words = ["nix", "copy", "--no-check-sigs", *options, "--to", self._store, *paths]
        run(words, FAILURE)

    @property
    def _storage(self) -> Path:
        return self.folder / f"storage-{self._cold}"

    def _podman(self, storage: Path, *words: str) -> None:
        own = ("--root", str(storage / "root"), "--runroot", str(storage / "run"))
        podman(self.project, *own, *words, failure="Podman takes no storage of its own")


@contextmanager
def opened(project: Project, packages: list[str]) -> Iterator[Nix]:
    """Yield the variant with a checkout, images and an instance of its own."""
    with (
        scratch.checkout(project) as copy,
        scratch.own_images(copy) as own,
        scratch.instance(own) as instance,
        scratch.folder(project) as folder,
    ):
        for root in project.roots.glob("inputs-*"):
            (copy.roots / root.name).symlink_to(root.resolve())
        others = [name for name in build.names(instance) if name not in SERVICES]
        load.load(instance, build.build(instance, others))
        variant = Nix(instance, folder, packages)
        try:
            yield variant
        finally:
            variant.remove_builds()
