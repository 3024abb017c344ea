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


def test_a_build_before_the_fetch_names_the_file_and_the_command(tmp_path: Path) -> None:
    # A copy of the tracked files, whose lock asks for a wheel that no store can have.
    checkout = tmp_path / "checkout"
    for name in run(["git", "ls-files"], cwd=ROOT).stdout.splitlines():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    path = checkout / "nix/locks/python.json"
    lock = json.loads(path.read_text())
    wheel = lock["packages"]["x86_64-linux"]["dagster"]
    wheel["sha256"] = "0" * len(wheel["sha256"])
    path.write_text(json.dumps(lock))

    built = run(["nix", "build", "--no-link", f"path:{checkout}#pipes-image"], check=False)
    assert built.returncode != 0
    assert wheel["file"] in built.stderr
    assert "run ./dagnix fetch" in built.stderr
