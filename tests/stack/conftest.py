from collections.abc import Iterator

import pytest
from support.mounted import Mounted, mounted_in
from support.stack import Stack


@pytest.fixture(scope="module")
def mounted(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mounted]:
    with mounted_in(stack, tmp_path_factory.mktemp("team")) as found:
        yield found
