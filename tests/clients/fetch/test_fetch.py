"""A fetch from mirrors that have everything."""

import json
import threading
from pathlib import Path

from support.world import HOST, SYSTEMS, World, wait_for

from dagnix.locks import store


def test_everything_comes_into_the_store(world: World) -> None:
    world.ok("fetch")
    for end in ("-app_1.0_amd64.deb", "-tool-1.0-py3-none-any.whl", "-seed"):
        assert world.in_store(end.replace("amd64", "amd64" if HOST.startswith("x86") else "arm64"))
    assert not world.in_store("unwanted_1.0_amd64.deb")


def test_a_second_fetch_asks_no_mirror(world: World) -> None:
    world.ok("fetch")
    world.server.requested.clear()
    world.ok("fetch")
    assert world.server.requested == []


def test_fetched_paths_are_protected_from_garbage_collection(world: World) -> None:
    world.ok("fetch")
    root = world.root / ".dagnix" / "roots" / f"inputs-{HOST}"
    listed = root.read_text().split("\n")
    # app libfoo busybox-static; tool helper library dagster dagster-postgres; the seed
    assert len(listed) == 3 + 5 + 1
    assert root.is_symlink()


def test_interrupted_fetch_keeps_what_has_arrived(world: World) -> None:
    held = "helper-1.0-py3-none-any.whl"
    world.server.held[held] = threading.Event()
    downloads = world.root / ".dagnix" / "downloads"
    locked = (
        entry
        for ecosystem in ("debian", "python")
        for entry in world.lock_of(ecosystem)["packages"][HOST].values()
    )
    sizes = {Path(each.get("path") or each["file"]).name: each["size"] for each in locked}
    del sizes[held]

    def has_arrived(name: str) -> bool:
        file = downloads / store.name_of(name)
        return file.exists() and file.stat().st_size == sizes[name]

    done = world.interrupt(lambda: world.server.count(held) > 0 and all(map(has_arrived, sizes)))
    assert done.returncode == 130
    assert "Traceback" not in done.stderr

    world.server.held.popitem()[1].set()
    world.server.requested.clear()
    world.ok("fetch")
    assert [path for path in world.server.requested if path.endswith((".deb", ".whl"))] == [
        f"/simple/helper/{held}"
    ]
    wait_for(lambda: world.in_store("-helper-1.0-py3-none-any.whl"))


def test_both_systems_can_be_fetched(world: World) -> None:
    world.ok("fetch", *(f"--system={system}" for system in SYSTEMS))
    assert world.in_store("-app_1.0_amd64.deb")
    assert world.in_store("-app_1.0_arm64.deb")


def test_lock_entry_missing_for_this_cpu(world: World) -> None:
    lock = world.lock_of("python")
    del lock["packages"][HOST]
    world.lock_path("python").write_text(json.dumps(lock))
    assert world.fails("fetch") == (
        f"nix/locks/python.json has no packages for {HOST}: run ./dagnix lock python."
    )


def test_lock_that_is_no_json(world: World) -> None:
    world.lock_path("go").write_text("<<<<<<< ours\n")
    assert "go.json is not valid JSON" in world.fails("fetch")
