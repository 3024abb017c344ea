"""The template's ./dagnix, with a nix that a test plays."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[3] / "templates" / "project"
# The folder that nix finds stands in the file `dagnix` beside the project.
NIX = """
echo nix "$@" >>calls
case "$*" in
*'flake lock'*)
  [ ! -e ../unknown ] || { echo 'error: no such flake' >&2; exit 1; }
  echo {} >flake.lock
  ;;
*eval*) cat ../dagnix ;;
esac
"""
NIX_STORE = """
echo nix-store >>calls
mkdir -p .dagnix/roots
ln -sfn "$2" "$4"
"""

Run = Callable[..., subprocess.CompletedProcess[str]]
Program = Callable[[str, str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "my@project"
    made.mkdir()
    shutil.copy(TEMPLATE / "dagnix", made)
    return made


@pytest.fixture
def launch(folder: Path) -> Run:
    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", folder / "dagnix", *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture
def dagnix(tmp_path: Path, program: Program) -> Callable[[str], None]:
    """Has nix find a Dagnix of this name."""
    program("nix", NIX)
    program("nix-store", NIX_STORE)

    def write(name: str) -> None:
        source = tmp_path / name
        source.mkdir()
        launcher = source / "dagnix"
        launcher.write_text(f'#!/bin/sh\nprintf "%s|" {name} "$@"\n')
        launcher.chmod(0o755)
        (tmp_path / "dagnix").write_text(str(source))

    return write


def test_hands_over_to_the_dagnix_of_the_lock(
    dagnix: Callable[[str], None], launch: Run, folder: Path
) -> None:
    dagnix("first")
    shown = launch("logs", "--tail", "two words")
    assert shown.stdout == f"first|--project|{folder}|logs|--tail|two words|"
    assert shown.stderr == ""


def test_asks_nix_once_and_again_after_a_change_of_the_lock(
    dagnix: Callable[[str], None], launch: Run, folder: Path
) -> None:
    dagnix("first")
    assert launch("up").stdout.startswith("first|")
    calls = (folder / "calls").read_text()
    assert launch("up").stdout.startswith("first|")
    assert (folder / "calls").read_text() == calls
    dagnix("second")
    assert launch("up").stdout.startswith("first|")
    (folder / "flake.lock").write_text('{"another": 1}\n')
    assert launch("up").stdout.startswith("second|")


def test_a_dagnix_that_was_collected_as_garbage_is_found_again(
    dagnix: Callable[[str], None], launch: Run, tmp_path: Path
) -> None:
    dagnix("first")
    launch("up")
    shutil.rmtree(tmp_path / "first")
    dagnix("second")
    assert launch("up").stdout.startswith("second|")


def test_a_flake_that_cannot_be_locked(
    dagnix: Callable[[str], None], launch: Run, tmp_path: Path
) -> None:
    dagnix("first")
    (tmp_path / "unknown").touch()
    shown = launch("up")
    assert shown.returncode == 1
    assert shown.stderr == (
        "error: no such flake\ndagnix: Nix cannot lock flake.nix: is it known to git "
        "(`git init && git add .`), and the url of its input right?\n"
    )


def test_a_dagnix_that_cannot_be_had(launch: Run, program: Program) -> None:
    program("nix", "case $* in *eval*) echo 'error: no network' >&2; exit 1 ;; esac")
    shown = launch("up")
    assert shown.returncode == 1
    assert shown.stderr.endswith(
        "error: no network\n"
        "dagnix: Nix cannot get the Dagnix that flake.lock names: see its message above.\n"
    )


def test_a_host_without_nix(launch: Run, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("cmp", "dirname", "git", "readlink"):
        (programs / name).symlink_to(str(shutil.which(name)))
    shown = launch("up", PATH=str(programs))
    if not Path("/nix/var/nix/profiles/default/bin/nix").exists():
        assert shown.returncode == 1
        assert shown.stderr == (
            "dagnix: There is no nix: install it, with apt by `sudo apt-get install git nix-bin`.\n"
        )


@pytest.mark.parametrize("name", ["a b", "ü", "a#b"])
def test_a_path_that_nix_cannot_take(tmp_path: Path, name: str) -> None:
    moved = tmp_path / name
    moved.mkdir()
    shutil.copy(TEMPLATE / "dagnix", moved)
    command = ["/bin/sh", moved / "dagnix", "up"]
    shown = subprocess.run(command, check=False, capture_output=True, text=True)
    assert shown.returncode == 1
    assert shown.stderr.startswith(f"dagnix: Nix and podman do not work in {moved}: move it")
