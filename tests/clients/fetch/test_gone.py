"""A clone that is months old: the lock names files that the mirror has dropped."""

import subprocess
from pathlib import Path

from support.world import HOST, SYSTEMS, World

from dagnix.locks import store


def _supersede_libfoo(world: World, fields: dict[str, str] | None = None) -> None:
    world.debian.add("libfoo", "1.1", fields)
    world.debian.drop("libfoo", "1.0+b1")


def test_gone_package_is_locked_anew_and_nothing_else(world: World) -> None:
    _supersede_libfoo(world)
    world.debian.publish()
    world.security.add("app", "1.1", {"Depends": "libfoo (>= 1.0)"})
    world.security.publish()
    said = world.ok("fetch")
    assert "libfoo 1.0+b1 → 1.1 (the mirror no longer has 1.0+b1)" in said.splitlines()
    assert "app" not in said
    for system in SYSTEMS:
        assert world.versions(system)["libfoo"] == "1.1"
    assert world.in_store(f"-libfoo_1.1_{_debian()}.deb")


def test_locked_refuses_with_the_list_and_the_command(world: World) -> None:
    _supersede_libfoo(world)
    world.debian.publish()
    before = world.lock_path("debian").read_bytes()
    assert world.fails("fetch", "--locked") == (
        "The Debian mirror no longer has libfoo 1.0+b1, and --locked keeps to the lock: "
        "run ./dagnix fetch without it to lock the versions that the mirror has now."
    )
    assert world.lock_path("debian").read_bytes() == before


def test_what_the_new_version_needs_comes_along(world: World) -> None:
    _supersede_libfoo(world, {"Depends": "libnew, libbar (>= 2)"})
    world.debian.add("libnew", "1.0")
    world.debian.add("libbar", "2.0")
    world.debian.publish()
    said = world.ok("fetch").splitlines()
    assert "libnew added, 1.0 (comes along)" in said
    assert "libbar added, 2.0 (comes along)" in said


def test_package_that_fits_only_the_gone_version_moves_too(world: World) -> None:
    world.debian.add("app", "2.0", {"Depends": "libfoo (= 2.0)"})
    world.debian.add("libfoo", "2.0")
    world.debian.publish()
    world.ok("lock", "debian", "--upgrade")
    world.ok("fetch")
    _forget(world, "libfoo")
    # The store still has app 2.0, which fits no libfoo but the one that is gone.
    world.debian.add("app", "2.1", {"Depends": "libfoo (= 2.1)"})
    world.debian.add("libfoo", "2.1")
    world.debian.drop("libfoo", "2.0")
    world.debian.publish()
    said = world.ok("fetch").splitlines()
    assert "libfoo 2.0 → 2.1 (the mirror no longer has 2.0)" in said
    assert "app 2.0 → 2.1 (comes along)" in said


def test_superseded_package_that_the_store_has_stays(world: World) -> None:
    world.ok("fetch")
    _forget(world, "libfoo")
    _supersede_libfoo(world)
    world.debian.add("app", "1.1", {"Depends": "libfoo (>= 1.0)"})
    world.debian.drop("app", "1.0")
    world.debian.publish()
    world.ok("fetch")
    assert world.versions()["app"] == "1.0"
    assert world.versions()["libfoo"] == "1.1"


def test_snapshot_service_of_apt_is_asked_before_the_lock_changes(
    world: World, apt_config: Path
) -> None:
    lock = world.lock_of("debian")
    path = lock["packages"][HOST]["libfoo"]["path"]
    kept = world.server.folder / "snapshots" / lock["snapshot"] / path
    kept.parent.mkdir(parents=True)
    kept.write_bytes((world.debian.folder / path).read_bytes())
    _supersede_libfoo(world)
    world.debian.publish()
    service = f"{world.server.url}/snapshots/@SNAPSHOTID@/"
    with apt_config.open("a") as stream:
        stream.write(f'Acquire::Snapshots::URI::Origin::Debian "{service}";\n')
        stream.write(f'Acquire::Snapshots::URI::Override::Label::Debian-Security "{service}";\n')
    world.ok("fetch")
    assert world.versions()["libfoo"] == "1.0+b1"
    assert world.in_store(f"-libfoo_1.0_b1_{_debian()}.deb")


def test_mirror_that_lists_a_file_without_having_it(world: World) -> None:
    world.debian.drop("libfoo", "1.0+b1")
    assert world.fails("fetch").startswith(
        "The Debian mirror lists libfoo 1.0+b1 but does not have the file"
    )


def test_mirror_that_does_not_answer_is_no_reason_to_change_the_lock(world: World) -> None:
    before = world.lock_path("debian").read_bytes()
    world.server.stop()
    sentence = world.fails("fetch")
    assert "check the network" in sentence
    assert world.lock_path("debian").read_bytes() == before


def test_proxy_that_answers_404_to_all_is_no_reason_either(world: World) -> None:
    before = world.lock_path("debian").read_bytes()
    (world.debian.folder).rename(world.debian.folder.with_name("elsewhere"))
    sentence = world.fails("fetch")
    assert sentence.startswith("Debian's package lists cannot be had")
    assert world.lock_path("debian").read_bytes() == before


def _debian() -> str:
    return "amd64" if HOST == "x86_64-linux" else "arm64"


def _forget(world: World, package: str) -> None:
    """Take a package out of the store, as the garbage collector does with what has no root."""
    (world.root / ".dagnix" / "roots" / f"inputs-{HOST}").unlink()
    file = store.name_of(f"-{package}_{world.versions()[package]}_{_debian()}.deb")
    names = (f"-inputs-{HOST}", file)
    paths = [path for path in Path(store.STORE).iterdir() if path.name.endswith(names)]
    subprocess.run(["nix-store", "--delete", *paths], check=True, capture_output=True)
    assert not world.in_store(file)
