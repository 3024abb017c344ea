"""A folder or URL of one's own, and --to, which fills it."""

from pathlib import Path

import pytest
from support.world import World

from dagnix.locks import store
from dagnix.locks.fetch import golang
from dagnix.locks.inputs import Vendor


@pytest.mark.parametrize("kind", ["folder", "URL"])
def test_filled_folder_brings_everything_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = world.server.folder / "own"
    world.ok("fetch", f"--to={folder}")
    _start_again(world, monkeypatch)
    # Months later the mirrors have none of it.
    world.debian.folder.rename(world.debian.folder.with_name("gone"))
    world.index.folder.rename(world.index.folder.with_name("gone-index"))
    world.server.requested.clear()
    monkeypatch.setenv(
        "DAGNIX_FILES", str(folder) if kind == "folder" else f"{world.server.url}/own"
    )
    world.ok("fetch", "--locked", "--system=x86_64-linux", "--system=aarch64-linux")
    assert all(path.startswith("/own/") for path in world.server.requested)


def test_folder_that_is_filled_again_gets_only_what_is_new(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    assert "11 of them new" in world.ok("fetch", f"--to={folder}")
    assert "0 of them new" in world.ok("fetch", f"--to={folder}")
    assert len(list(folder.iterdir())) == 11  # three packages for either machine, five wheels


def test_file_of_ones_own_that_is_another_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "helper-1.0-py3-none-any.whl").write_text("something else")
    monkeypatch.setenv("DAGNIX_FILES", str(folder))
    done = world.run("fetch")
    assert done.returncode == 0
    assert "helper-1.0-py3-none-any.whl in DAGNIX_FILES is not the locked file" in done.stderr


def test_folder_of_ones_own_that_is_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGNIX_FILES", "/no/such/folder")
    assert world.fails("fetch") == (
        "DAGNIX_FILES names /no/such/folder, which is neither a folder nor a URL."
    )


def test_vendored_modules_come_from_the_folder_too(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    vendor = _vendor(tmp_path)
    world.lock_path("go").write_text(f'{{"tools": {{"vendor": "{vendor.sha256}"}}}}\n')
    folder = tmp_path / "own"
    folder.mkdir()
    golang.pack(tmp_path / vendor.name, folder / golang.archive_name(vendor))
    monkeypatch.setenv("DAGNIX_FILES", str(folder))
    world.ok("fetch")
    assert (Path(vendor.store_path) / "vendor" / "modules.txt").read_text() == "# none\n"


def test_tar_of_the_same_modules_is_the_same(world: World, tmp_path: Path) -> None:
    assert world.root.exists()
    vendor = _vendor(tmp_path)
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    golang.pack(tmp_path / vendor.name, first)
    (tmp_path / vendor.name / "go.mod").touch()
    golang.pack(tmp_path / vendor.name, second)
    assert first.read_bytes() == second.read_bytes()


def _vendor(folder: Path) -> Vendor:
    directory = folder / "tools-vendor"
    (directory / "vendor").mkdir(parents=True)
    (directory / "vendor" / "modules.txt").write_text("# none\n")
    (directory / "go.mod").write_text("module tools\n")
    return Vendor("tools", store.hash_directory(directory))


def _start_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on with an empty store, as on a new machine."""
    for name in ("store", "state", "log"):
        place = world.root.parent / f"new-{name}"
        place.mkdir()
        monkeypatch.setenv(f"NIX_{name.upper()}_DIR", str(place))
    monkeypatch.setattr(store, "STORE", str(world.root.parent / "new-store"))
    (world.root / ".dagnix").rename(world.root / "old-state")
