"""Tests with another Dagster than the lock has, in a copy of the checkout."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from dagnix import UserError, console
from dagnix.process import run
from dagnix.project import Project
from dagnix.testing import scratch

NEWEST = "newest"
# What Dagnix relies on, the faults that it works around, and whether the stack comes up and works.
TESTS = ("src/dagster_dagnix/tests", "tests/contract", "tests/stack/test_up.py")

_VERSION = re.compile(r"\d+(\.\d+)*(\.\*)?")
_CONSTRAINT = re.compile(r'^(\s*)"dagster\s*[=<>~!][^"]*"', re.MULTILINE)


def test(here: Project, desired: str, arguments: Sequence[str]) -> bool:
    """Lock a version of Dagster in a copy, build it and run tests there; tell whether they passed.

    `arguments` go to pytest. Raises UserError for what is no version, and if pip finds none.
    """
    version = newest() if desired == NEWEST else desired
    if not _VERSION.fullmatch(version):
        raise UserError(
            f"--dagster takes a version of Dagster, such as 1.14.0 or 1.14.*, or {NEWEST}, "
            f"not {version!r}."
        )
    with scratch.checkout(here) as copy, scratch.own_images(copy) as own:
        pin(own.root / "pyproject.toml", version)
        lock = ("lock", "python")
        for words in (lock, ("test", *TESTS, *arguments)):
            console.out.print(
                f"$ ./dagnix {' '.join(words)}   (with Dagster {version})", style="bold"
            )
            environment = {"COMPOSE_PROJECT_NAME": own.name, "DAGNIX_VERSION": own.version}
            command = [str(own.root / "dagnix"), *words]
            done = run(
                command, "The copy's ./dagnix cannot run",
                check=False, capture=False, env=environment, cwd=own.root,
            )  # fmt: skip
            if done.returncode:
                return False
    return True


def newest() -> str:
    """Return the newest version of Dagster that pip finds. Raises UserError if it finds none."""
    words = ["install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--report=-"]
    found = run(
        [sys.executable, "-m", "pip", *words, "--only-binary=:all:", "dagster"],
        "pip finds no Dagster",
    )
    (package,) = json.loads(found.output)["install"]
    return package["metadata"]["version"]


def pin(pyproject: Path, version: str) -> None:
    """Have a pyproject.toml ask for one version of Dagster, in place of the one that it has."""
    text, count = _CONSTRAINT.subn(rf'\1"dagster=={version}"', pyproject.read_text())
    if count != 1:
        raise UserError(
            f"{pyproject} must have one line with a constraint of Dagster under [tool.dagnix], "
            f'such as "dagster==1.13.*", and has {count}.'
        )
    pyproject.write_text(text)
