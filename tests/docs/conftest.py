import shutil
from collections.abc import Iterator

import pytest
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
        # Images of it that lost their name to a later one.
        if left := podman.labelled(f"org.opencontainers.image.version={made.version}"):
            podman("rmi", *left)
        shutil.rmtree(made.folder)
