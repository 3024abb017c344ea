import shutil
from collections.abc import Iterator

import pytest
from support.machine import Machine, why_not


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A virtual machine with Debian 13, switched on; the tests of the module share it."""
    folder = tmp_path_factory.mktemp("machine")
    if reason := why_not(folder):
        pytest.skip(reason)
    made = Machine(folder)
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)
