"""Store names and paths, against Nix itself."""

import subprocess
from pathlib import Path

import pytest
from support.world import World

from dagnix import UserError
from dagnix.locks import store


def test_path_of_a_file_is_nixs(world: World, tmp_path: Path) -> None:
    file = tmp_path / store.name_of("libfoo++_1%3a2~rc1+b1_amd64.deb")
    file.write_text(str(world.root))
    sha256 = _nix("nix-hash", "--type", "sha256", "--flat", str(file))
    added = _nix("nix-store", "--add-fixed", "sha256", str(file))
    assert store.file_path(file.name, sha256) == added


def test_path_of_a_directory_is_nixs(world: World, tmp_path: Path) -> None:
    directory = tmp_path / "nix-tools-vendor"
    directory.mkdir()
    (directory / "go.mod").write_text(str(world.root))
    assert store.add_directory(directory) == store.directory_path(
        directory.name, store.hash_directory(directory)
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("tzdata_2026a-0+deb13u1_all.deb", "tzdata_2026a-0_deb13u1_all.deb"),
        ("libicu76_76.1-4~b1%3a_amd64.deb", "libicu76_76.1-4_b1_3a_amd64.deb"),
        ("dagster-1.13.27-py3-none-any.whl", "dagster-1.13.27-py3-none-any.whl"),
    ],
)
def test_store_names_hold_no_sign_with_a_meaning_in_regular_expressions(
    file: str, name: str
) -> None:
    assert store.name_of(file) == name


def test_missing_are_those_that_are_not_valid(world: World, tmp_path: Path) -> None:
    file = tmp_path / "there"
    file.write_text(str(world.root))
    there = _nix("nix-store", "--add-fixed", "sha256", str(file))
    away = store.file_path("away", "0" * 64)
    assert store.missing([there, away]) == {away}


def test_broken_nix_ends_in_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIX_STATE_DIR", str(world.root / "pyproject.toml"))
    with pytest.raises(UserError, match=r"nix-store failed \(.*\): ./dagnix doctor"):
        store.missing([store.file_path("away", "0" * 64)])


def _nix(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
