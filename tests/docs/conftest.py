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
        label = f"label=org.opencontainers.image.version={made.version}"
        if left := podman("images", "--quiet", "--filter", label).stdout.split():
            podman("rmi", *set(left))
        shutil.rmtree(made.folder)
