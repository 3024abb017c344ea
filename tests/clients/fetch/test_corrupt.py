"""Files that come, and are not the locked ones."""

import pytest
from support.world import World

DEB = "busybox-static_1.37_amd64.deb", "busybox-static_1.37_arm64.deb"
WHEEL = "helper-1.0-py3-none-any.whl"


@pytest.mark.parametrize("ends", [DEB, (WHEEL,)], ids=["deb", "wheel"])
def test_corrupted_download_never_enters_the_store(world: World, ends: tuple[str, ...]) -> None:
    for end in ends:
        world.server.replaced[end] = b"<html>Please accept the terms of this network</html>"
    sentence = world.fails("fetch")
    assert "hash mismatch, twice" in sentence
    assert sentence.startswith(ends)
    assert not any(world.in_store(f"-{end}") for end in ends)
    assert sum(world.server.count(end) for end in ends) >= 2

    world.server.replaced.clear()
    world.ok("fetch")
    assert any(world.in_store(f"-{end}") for end in ends)


def test_download_that_is_corrupted_once_comes_the_second_time(world: World) -> None:
    good = world.index.folder / "helper" / WHEEL
    world.server.replaced_once[WHEEL] = bytes(good.stat().st_size)
    world.ok("fetch")
    assert world.in_store(f"-{WHEEL}")


def test_wheel_that_is_gone_from_the_index(world: World) -> None:
    world.index.remove(world.index.folder / "helper" / WHEEL)
    assert world.fails("fetch") == (
        "The Python index does not have helper==1.0 as it is locked: run ./dagnix lock python, "
        "or set DAGNIX_FILES to a folder that has it."
    )
    # What did come stays.
    assert any(world.in_store(f"-{deb}") for deb in DEB)


def test_index_that_does_not_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    sentence = world.fails("fetch")
    assert "cannot be had from the Python index" in sentence
    assert "check the network" in sentence


def test_seed_that_is_not_made_of_its_package(world: World) -> None:
    lock = world.lock_path("debian")
    seeds = world.lock_of("debian")["seed"].values()
    text = lock.read_text()
    for seed in seeds:
        text = text.replace(seed, "0" * 64)
    lock.write_text(text)
    assert "names a seed that is not made of its busybox-static" in world.fails("fetch")
