import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import wait_until
from support.podman import Podman
from support.reader import Reader


@pytest.fixture(scope="module")
def reader(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    made = Reader(tmp_path_factory.mktemp("reader"))
    made.clone.mkdir()
    try:
        made.make_clone()
        yield made
    finally:
        podman.remove(made.version)
        # What has drained a container removes images at the same time, and writes that down.
        wait_until(lambda: without_images(podman, made.version), "its images go")
        wait_until(lambda: without(made.folder), "its folder goes")


def without_images(podman: Podman, version: str) -> bool:
    """Remove the images that have lost their name to a later one; tell if none is left."""
    left = podman.labelled(f"org.opencontainers.image.version={version}")
    for image in left:
        podman("image", "rm", image, check=False)
    return not left


def without(folder: Path) -> bool:
    """Remove a folder; tell if nobody has written to it meanwhile."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
