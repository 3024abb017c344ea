"""dagster_dagnix works with the oldest Dagster that it is said to.

Its own tests run with the one that is locked; `./dagnix test --dagster newest` tries the newest.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.stack import ROOT

PACKAGE = ROOT / "src/dagster_dagnix"
OLDEST = (
    "dagster==1.12.4",
    "dagster-postgres==0.28.4",
    "dagster-webserver==1.12.4",
    "prometheus-client==0.26.0",
)
CONTRACT = ROOT / "tests/contract"
TESTS = (
    "metrics",
    "runs",
    "storage",
    "webserver",
    "prune",
    "leftovers",
    "compute_logs",
    "captured_logs",
)


@pytest.fixture(scope="module")
def oldest() -> Path:
    """A folder with the oldest Dagster, from pip as the user has it; it is kept."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    constraints = project["tool"]["dagnix"]["location-constraints"]
    folder = ROOT / ".dagnix/test-dagster/oldest"
    done = folder / "requirements.txt"
    wanted = "\n".join((*OLDEST, *constraints, "pytest"))
    if done.is_file() and done.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    words = ["install", "--quiet", "--no-warn-conflicts", "--target", folder, *wanted.split("\n")]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    done.write_text(wanted)
    return folder


def test_the_package_says_which_is_the_oldest() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    assert [each.replace("==", ">=") for each in OLDEST[:2]] == project["dependencies"]


def test_the_package_works_with_the_oldest(oldest: Path) -> None:
    tests = [PACKAGE / "tests" / f"test_{name}.py" for name in TESTS]
    tests.append(CONTRACT / "test_dagster.py")
    # Without the conftest.py above it, which is for tests of the stack.
    options = ["-q", "-p", "no:cacheprovider", "-c", PACKAGE / "pyproject.toml"]
    options.append(f"--confcutdir={CONTRACT}")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        env={**os.environ, "PYTHONPATH": f"{oldest}{os.pathsep}{PACKAGE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
