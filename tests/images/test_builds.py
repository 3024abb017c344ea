"""What `nix build` promises: the same bytes again, and words when a file is not there."""

import json
import shutil
from pathlib import Path

import pytest
from support.command import run
from support.stack import ROOT

SERVICES = ["webserver", "daemon", "pipes", "postgres"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_second_build_of_an_image_gives_the_same_bytes(service: str) -> None:
    image = f"{ROOT}#{service}-image"
    run(["nix", "build", "--no-link", image])
    run(["nix", "build", "--no-link", "--rebuild", image])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the tracked files."""
    copy = tmp_path / "checkout"
    for name in run(["git", "ls-files"], cwd=ROOT).stdout.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    return copy


def test_an_edit_of_what_the_image_excludes_makes_no_new_one(checkout: Path) -> None:
    def image() -> str:
        return run(["nix", "eval", "--raw", f"path:{checkout}#pipes-image.drvPath"]).stdout

    before = image()
    (checkout / "pipes" / "tests" / "test_more.py").write_text("assert True\n")
    assert image() == before
    (checkout / "pipes" / "src" / "pipes" / "more.py").touch()
    assert image() != before


def test_a_build_before_the_fetch_names_the_file_and_the_command(checkout: Path) -> None:
    # The lock asks for a wheel that no store can have.
    path = checkout / "nix/locks/python.json"
    lock = json.loads(path.read_text())
    wheel = lock["packages"]["x86_64-linux"]["dagster"]
    wheel["sha256"] = "0" * len(wheel["sha256"])
    path.write_text(json.dumps(lock))

    built = run(["nix", "build", "--no-link", f"path:{checkout}#pipes-image"], check=False)
    assert built.returncode != 0
    assert wheel["file"] in built.stderr
    assert "run ./dagnix fetch" in built.stderr
