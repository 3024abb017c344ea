import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.command import run
from support.podman import Podman, Workbench
from support.served import Served, baked_in, mounted_in
from support.shared import Shared
from support.stack import ROOT, SERVICES, Plain, Stack

from dagnix.host import podman as engine
from dagnix.images.layout import Layout

pytest_plugins = ["support.durations"]

# A run that was started with nohup or & ignores these, and so would all that its tests start. With
# a handler it stays deaf to them, and no program that it starts inherits that.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# Who runs the tests may work on an instance of their own. Its name, port and settings are none of
# the tests'; with DAGNIX_VERSION they keep to other tags of images.
_KEPT = re.compile(
    r"DAGNIX_(ROOT|SOURCE|VERSION|USER_NIX_CONFIG|DEBIAN_\w+|TEST_\w+|CHAOS_SECONDS)"
)
for _name in list(os.environ):
    if _name.startswith(("COMPOSE_", "DAGNIX_")) and not _KEPT.fullmatch(_name):
        del os.environ[_name]

# Tests that share one of these run one after the other, in one process; others run beside them. The
# slowest come first, so that in the end none is left alone.
SHARED = (
    "kubernetes",
    "baked",
    "mounted",
    "older",
    "reader",
    "served",
    "pair",
    "made",
    "stack",
    "user",
    "database",
)

LENT: dict[str, Shared[Any]] = {}  # by name of the fixture


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-xdist (--dist=loadgroup) which tests go together, and sort them."""

    def group(item: pytest.Item) -> str:
        used = getattr(item, "fixturenames", ())
        return next((name for name in SHARED if name in used), item.path.name)

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    order = {name: place for place, name in enumerate(SHARED)}
    items.sort(key=lambda item: order.get(group(item), len(order)))


@pytest.hookimpl(trylast=True)  # when the test's own fixtures are gone
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Remove a shared stack after the last test that uses it, as it works on until it is gone."""
    used, still = (set(getattr(each, "fixturenames", ())) for each in (item, nextitem))
    for name in (used - still) & LENT.keys():
        LENT[name].give_up()


@pytest.fixture(scope="session")
def podman() -> Podman:
    return Podman(engine.settings())


@pytest.fixture(scope="session")
def images(podman: Podman) -> dict[str, str]:
    """The names of the images in podman, by service; no test gives them to others."""
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
def shared_stack(
    podman: Podman, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared[Plain]]:
    @contextmanager
    def make() -> Iterator[Plain]:
        instance = Stack.new(podman, tmp_path_factory.mktemp("stack"))
        try:
            instance.dagnix("up")
            yield Plain(instance)
        finally:
            podman.remove(instance.project)

    with Shared(make) as made:
        LENT["shared_stack"] = made
        yield made


@pytest.fixture(scope="session")
def shared_mounted(
    podman: Podman, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared[Served]]:
    with Shared(lambda: mounted_in(podman, tmp_path_factory.mktemp("mounted"))) as made:
        LENT["shared_mounted"] = made
        yield made


@pytest.fixture(scope="session")
def shared_baked(
    podman: Podman, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared[Served]]:
    with Shared(lambda: baked_in(podman, tmp_path_factory.mktemp("baked"))) as made:
        LENT["shared_baked"] = made
        yield made


@pytest.fixture(scope="module")
def stack(shared_stack: Shared[Plain]) -> Iterator[Stack]:
    """The whole stack with the example, up and healthy; the tests of a module share it."""
    yield shared_stack.lend().stack
    shared_stack.take_back()


@pytest.fixture
def mounted(shared_mounted: Shared[Served]) -> Iterator[Served]:
    """The stack with the team's code from a folder."""
    yield shared_mounted.lend()
    shared_mounted.take_back()


@pytest.fixture
def baked(shared_baked: Shared[Served]) -> Iterator[Served]:
    """The stack with the team's code from an image."""
    yield shared_baked.lend()
    shared_baked.take_back()


@pytest.fixture
def new_stack(podman: Podman, tmp_path: Path) -> Iterator[Stack]:
    """An instance of a test's own; nothing of it is started."""
    instance = Stack.new(podman, tmp_path)
    yield instance
    podman.remove(instance.project)
