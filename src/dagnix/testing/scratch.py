"""Folders, checkouts, images and instances for measurements; each goes when its block ends."""

import dataclasses
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dagnix.access import secret_files
from dagnix.backups.folder import ensure_folder
from dagnix.host.podman import images as podman_images
from dagnix.host.podman import podman
from dagnix.host.ports import is_port_free
from dagnix.images import build
from dagnix.images import load as images_load
from dagnix.process import run
from dagnix.project import Project
from dagnix.stack import health, lifecycle

START_SECONDS = 120
# Below those that Linux gives to outgoing connections (net.ipv4.ip_local_port_range), as any of
# these may be taken by the time that a service listens.
PORTS = range(15000, 20000)
FAILURE = "The checkout cannot be copied"


@contextmanager
def folder(project: Project) -> Iterator[Path]:
    """Yield an empty folder."""
    project.state.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="bench-", dir=project.state))
    try:
        yield path
    finally:
        # Nix leaves its store read-only.
        run(["chmod", "-R", "u+w", path], f"{path} cannot be removed", check=False)
        shutil.rmtree(path)


def copy_files(root: Path, folder: Path, names: Iterable[str]) -> None:
    """Copy files by their names below `root`, as far as they are there; a link stays a link."""
    for name in names:
        source, target = root / name, folder / name
        if source.is_file() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


@contextmanager
def checkout(project: Project) -> Iterator[Project]:
    """Yield a copy of the checkout, as git knows it, whose code a measurement may edit."""
    with folder(project) as path:
        copy = dataclasses.replace(project, root=path / "checkout")
        listed = run(["git", "-C", project.root, "ls-files", "-z"], FAILURE).output
        copy_files(project.root, copy.root, listed.split("\0")[:-1])
        git = [
            "git",
            "-C",
            str(copy.root),
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@localhost",
        ]
        for words in (
            ["init", "--quiet"],
            ["add", "--all"],
            ["commit", "--quiet", "--no-verify", "--message", "As it was when the bench began"],
        ):
            run([*git, *words], FAILURE)
        copy.roots.mkdir(parents=True)
        yield copy


@contextmanager
def own_images(project: Project) -> Iterator[Project]:
    """Yield the project as another instance, with image tags of its own; those are removed."""
    name = f"{project.name}-bench"
    settings = {"COMPOSE_PROJECT_NAME": name, "DAGNIX_VERSION": name}
    own = dataclasses.replace(project, environment={**project.environment, **settings})
    try:
        yield own
    finally:
        names = [name for image in podman_images(project) for name in image.get("Names") or ()]
        for name in names:
            tag = name.rpartition(":")[2]
            if tag == own.version or tag.startswith(f"{own.version}-"):
                podman(project, "rmi", name, failure="", check=False)


@contextmanager
def instance(project: Project) -> Iterator[Project]:
    """Yield an instance of the stack on a free port; it is removed with its data."""
    port = free_port()
    with folder(project) as path:
        secret_files.ensure(path / "secrets")
        environment = {
            **project.environment,
            "DAGNIX_PORT": str(port),
            "DAGNIX_SECRETS_DIR": str(path / "secrets"),
            "DAGNIX_BACKUPS_DIR": str(path / "backups"),
            "DAGNIX_SOCKETS_DIR": str(path / "sockets"),
        }
        made = dataclasses.replace(project, environment=environment)
        try:
            yield made
        finally:
            lifecycle.remove(made, volumes=True)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    while not is_port_free(port := secrets.choice(PORTS)):
        pass
    return port


def load(project: Project) -> None:
    """Give podman the images, under the project's tags."""
    images_load.load(project, build.build(project))


def start(project: Project) -> None:
    """Start an instance, and wait until it is healthy."""
    ensure_folder(project)
    lifecycle.start(project, [], anew=False)
    health.wait(project, START_SECONDS)
