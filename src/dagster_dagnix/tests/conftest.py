import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from harness import Served, World, postgres  # noqa: E402 - it stands in this folder
from kept import Kept, instance_of_its_own  # noqa: E402


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have pytest-xdist keep these tests together, as they share a PostgreSQL."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.xdist_group("dagster_dagnix"))


@pytest.fixture(scope="session")
def database() -> Iterator[Path]:
    """The folder of the socket of a PostgreSQL with the database `dagster`."""
    with postgres() as folder:
        yield folder


@pytest.fixture(scope="session")
def world(database: Path) -> Iterator[World]:
    """An instance that all tests share, each with a code location of its own."""
    folder = Path(tempfile.mkdtemp(prefix="dagnix-"))  # short, as a socket's path has to be
    made = World(folder, database, {})
    yield made
    made.instance.dispose()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def serve(world: World) -> Iterator[Callable[..., Served]]:
    """Start run servers, which are killed after the module."""
    begun: list[Served] = []

    def start(*words: str, **more: str | Path) -> Served:
        begun.append(Served(world, *words, **more))
        return begun[-1]

    yield start
    for each in begun:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture(scope="session")
def own(database: Path) -> Iterator[Kept]:
    """An instance for tests of what is pruned."""
    with instance_of_its_own(database) as made:
        yield made


@pytest.fixture
def keep(own: Kept) -> Callable[..., Kept]:
    """Empty that instance, and return what makes settings its retention."""
    own.empty()
    return own.keeping
