"""Each fault that docs/upstream.md lists is there; one that is mended upstream is told."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.stack import ROOT

PAGE = ROOT / "docs/upstream.md"
SCRIPTS = sorted((ROOT / "docs/upstream").glob("*.py"))


def test_the_page_lists_each_script() -> None:
    listed = re.findall(r"^\| \[`(\w+\.py)`\]", PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == [script.name for script in SCRIPTS]


def test_the_page_names_the_versions_that_are_locked() -> None:
    locked = json.loads((ROOT / "nix/locks/python.json").read_text())["packages"]["x86_64-linux"]
    names = {
        "Dagster": "dagster",
        "gRPC": "grpcio",
        "podman-compose": "podman-compose",
        "pip": "pip",
    }
    seen = [f"{name} {locked[package]['version']}" for name, package in names.items()]
    expected = f"Seen with {', '.join(seen[:-1])} and {seen[-1]}."
    assert expected in " ".join(PAGE.read_text().split())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_fault_is_there(script: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ran.returncode != 0, (
        f"mended upstream, so take it out of {PAGE.name}, and with it what Dagnix does instead, "
        f"once the oldest version that is supported has it: {ran.stdout}"
    )
    # A script that fails by itself exits 1 as well, but has nothing to print.
    assert (ran.returncode, bool(ran.stdout)) == (1, True), (
        f"it does not fit any more: {ran.stderr}"
    )
