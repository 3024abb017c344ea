"""Each fault that docs/upstream.md lists is there; one that is mended upstream is told."""

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
        f"it does not work any more: {ran.stderr}"
    )
