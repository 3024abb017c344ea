"""What the tests stand on: pytest-xdist, and support/durations.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import time

import pytest


@pytest.fixture(scope="module")
def slow():
    time.sleep(0.3)


@pytest.mark.xdist_group("one")
def test_first(slow):
    time.sleep(0.2)


@pytest.mark.xdist_group("one")
def test_second(slow):
    pass
"""


def test_tests_of_one_group_run_in_one_process(tmp_path: Path) -> None:
    """Pytest 9.2 has xdist ignore the groups, without a word."""
    several = "".join(
        f"@pytest.mark.xdist_group('one')\ndef test_{number}():\n"
        f"    Path('{number}').write_text(str(os.getpid()))\n"
        for number in range(6)
    )
    (tmp_path / "test_it.py").write_text(
        f"import os\nfrom pathlib import Path\nimport pytest\n{several}"
    )
    words = [sys.executable, "-m", "pytest", "--numprocesses=2", "--dist=loadgroup", "-q"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    assert len({(tmp_path / str(number)).read_text() for number in range(6)}) == 1


@pytest.mark.parametrize("options", [(), ("--numprocesses=2", "--dist=loadgroup")])
def test_fixtures_tests_and_files_are_told(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    words = [sys.executable, "-m", "pytest", "-p", "support.durations", "-q", *options]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**plain, "PYTHONPATH": str(Path(__file__).parents[1])},
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split(" s  ") for line in done.stdout.splitlines() if " s  " in line]
    seconds = {what: float(took) for took, what in rows}
    assert seconds["test_it.py: fixture slow (module)"] >= 0.3
    assert seconds["test_it.py: test_first"] >= 0.2
    assert seconds["test_it.py"] >= 0.5
