"""`./dagnix test --dagster`: a copy of the checkout that asks for another Dagster."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.checkout import commit
from support.markdown import Page
from support.stack import ROOT
from support.wheels import wheel

from dagnix import UserError, project
from dagnix.testing import another_dagster

PAGE = Page(Path("docs/new-dagster.md"))
NEWEST = "./dagnix test --dagster newest"
PYPROJECT = """[dependency-groups]
daemon = ["dagster"]
[tool.dagnix]
constraints = [
  "dagster==1.13.*",
  "dagster-postgres<9",
]
"""
# In the copy: writes down what it was asked for, and what pyproject.toml said then.
DAGNIX = """#!/bin/sh
echo "$PWD" >> "$NOTES/folders"
echo "$DAGNIX_VERSION|$(grep '"dagster[=]' pyproject.toml | tr -d ' ,')|$*" >> "$NOTES/calls"
[ "$1" != "$FAILS" ]
"""


@pytest.fixture
def notes(
    checkout: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A checkout of Dagnix, whose ./dagnix notes its calls in the folder that is returned."""
    program("podman", "echo '[]'")
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    (checkout / "dagnix").write_text(DAGNIX)
    (checkout / "dagnix").chmod(0o755)
    (checkout / "tests").mkdir()
    (checkout / "tests/test_it.py").touch()
    commit(checkout, "Dagnix")
    found = checkout.parent / "notes"
    index = checkout.parent / "index"
    for folder in (found, index):
        folder.mkdir()
    wheel(index, {}, "dagster")
    for name, value in {
        "NOTES": str(found),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
    }.items():
        monkeypatch.setenv(name, value)
    return found


def calls(notes: Path) -> list[tuple[str, ...]]:
    return [tuple(line.split("|")) for line in (notes / "calls").read_text().splitlines()]


@PAGE.run_by(NEWEST)
def test_the_newest_is_locked_and_tried_in_a_copy(checkout: Path, notes: Path) -> None:
    _, *words = PAGE.typed(NEWEST, {}).split()
    ran = subprocess.run(
        [sys.executable, "-m", "dagnix", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    tests = " ".join(another_dagster.TESTS)
    pinned = '"dagster==1.0"'
    tag = f"{project.current().name}-bench"
    assert calls(notes) == [(tag, pinned, "lock python"), (tag, pinned, f"test {tests}")]
    (folder,) = set((notes / "folders").read_text().split())
    assert Path(folder) != checkout
    assert not Path(folder).exists()
    assert (checkout / "pyproject.toml").read_text() == PYPROJECT


@pytest.mark.parametrize(("fails", "count"), [("lock", 1), ("test", 2)])
def test_what_fails_in_the_copy_fails(
    notes: Path, monkeypatch: pytest.MonkeyPatch, fails: str, count: int
) -> None:
    monkeypatch.setenv("FAILS", fails)
    assert not another_dagster.test(project.current(), "1.14.*", ["-x"])
    assert len(calls(notes)) == count
    assert {pinned for _, pinned, _ in calls(notes)} == {'"dagster==1.14.*"'}
    assert count == 1 or calls(notes)[1][2].endswith(" -x")


def test_what_is_tried_exists() -> None:
    assert all((ROOT / each).exists() for each in another_dagster.TESTS)


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize("wanted", ["latest", "1.14 ", ">=1.14", ""])
def test_what_is_no_version_is_refused(wanted: str) -> None:
    with pytest.raises(UserError, match="takes a version of Dagster"):
        another_dagster.test(project.current(), wanted, [])


@pytest.mark.parametrize("text", ["", PYPROJECT.replace("postgres<9", "x"), '"dagster"\n'])
def test_a_constraint_must_be_there_once(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text * (2 if "x" in text else 1))
    with pytest.raises(UserError, match="must have one line with a constraint of Dagster"):
        another_dagster.pin(file, "1.14.0")


def test_the_constraint_of_dagnix_itself_is_found(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text((ROOT / "pyproject.toml").read_text())
    another_dagster.pin(file, "1.14.0")
    before = (ROOT / "pyproject.toml").read_text().splitlines()
    changed = [line for line in file.read_text().splitlines() if line not in before]
    assert changed == ['  "dagster==1.14.0",']
