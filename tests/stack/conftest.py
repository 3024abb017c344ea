from collections.abc import Iterator

import pytest
from support.podman import Podman
from support.served import Served, baked_in, mounted_in
from support.stack import Stack


@pytest.fixture(scope="module")
def mounted(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with mounted_in(stack, tmp_path_factory.mktemp("team")) as found:
        yield found


@pytest.fixture(scope="module")
def baked(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with baked_in(podman, tmp_path_factory.mktemp("baked")) as found:
        yield found
