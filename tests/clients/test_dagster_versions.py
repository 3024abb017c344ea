"""dagster_dagnix works with the oldest Dagster that it is said to, and with the newest."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.stack import ROOT

PACKAGE = ROOT / "src/dagster_dagnix"
CACHE = ROOT / ".dagnix/test-dagster"
OLDEST = ("dagster==1.12.4", "dagster-postgres==0.28.4", "dagster-webserver==1.12.4")
NEWEST = ("dagster", "dagster-postgres", "dagster-webserver")


def install(requirements: tuple[str, ...], folder: Path) -> None:
    """Install with pip as the user has it; what is there already is not fetched again."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    constraints = project["tool"]["dagnix"]["location-constraints"]
    done = folder / "requirements.txt"
    wanted = "\n".join((*requirements, *constraints, "pytest"))
    if requirements is not NEWEST and done.is_file() and done.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    words = ["install", "--quiet", "--no-warn-conflicts", "--target", folder, *wanted.split("\n")]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    done.write_text(wanted)


@pytest.mark.parametrize("requirements", [OLDEST, NEWEST], ids=["oldest", "newest"])
def test_the_package_works_with(
    requirements: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    folder = CACHE / request.node.callspec.id
    install(requirements, folder)
    tests = [
        PACKAGE / "tests" / f"test_{name}.py"
        for name in ("contract", "runs", "storage", "webserver")
    ]
    options = ["-q", "-p", "no:cacheprovider", "-c", PACKAGE / "pyproject.toml"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PACKAGE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
