import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run
from support.podman import Podman, Workbench
from support.stack import ROOT, SERVICES, Stack

import dagnix.podman
from dagnix.images import Layout


@pytest.fixture(scope="session")
def podman() -> Podman:
    return Podman(dagnix.podman.settings(ROOT / ".dagnix"))


@pytest.fixture(scope="session")
def images(podman: Podman) -> dict[str, str]:
    """The names of the images in podman, by service."""
    run([ROOT / "dagnix", "load"], env=podman.environment)
    version = os.environ.get("DAGNIX_VERSION") or (ROOT / "VERSION").read_text().strip()
    return {name: f"localhost/dagnix/{name}:{version}" for name in SERVICES}


@pytest.fixture(scope="session")
def layouts(images: dict[str, str]) -> dict[str, Layout]:
    """The OCI layouts that the images were loaded from, by service."""
    found = [Layout(link) for link in (ROOT / ".dagnix" / "roots").glob("images*")]
    by_name = {layout.name: layout for layout in found}
    assert by_name.keys() == images.keys()
    return by_name


@pytest.fixture(scope="module")
def workbench(podman: Podman) -> Iterator[Workbench]:
    bench = Workbench(podman)
    yield bench
    podman.remove(bench.name)


@pytest.fixture(scope="session")
def stack(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, up and healthy; the tests that share it leave it so."""
    instance = Stack.new(podman, tmp_path_factory.mktemp("stack"))
    try:
        instance.dagnix("up")
        yield instance
    finally:
        podman.remove(instance.project)


@pytest.fixture
def new_stack(podman: Podman, tmp_path: Path) -> Iterator[Stack]:
    """An instance of a test's own; nothing of it is started."""
    instance = Stack.new(podman, tmp_path)
    yield instance
    podman.remove(instance.project)
