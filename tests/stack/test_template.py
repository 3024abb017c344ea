"""A project of its own, made from the template as docs/howto/new-project.md tells."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import checkout
from support.command import run
from support.markdown import Page
from support.podman import Podman
from support.stack import ROOT, Stack

PAGE = Page(Path("docs/howto/new-project.md"))
URL = "github:dagnix/dagnix"
FOLDER = "weather"
SYSTEM = "x86_64-linux"


@dataclass(frozen=True)
class Made:
    """The project, and what its maker read on the way."""

    stack: Stack
    said: str

    @property
    def root(self) -> Path:
        return self.stack.checkout


@pytest.fixture(scope="module")
def dagnix(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of this Dagnix, as it is now."""
    folder = tmp_path_factory.mktemp("dagnix")
    checkout.copy(folder)
    checkout.commit(folder, "Dagnix")
    return f"git+file://{folder}"


@pytest.fixture(scope="module")
def made(podman: Podman, dagnix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("project")
    stack = Stack.new(podman, folder, folder / FOLDER)
    # A reader whose Dagnix is elsewhere names its address in flake.nix too.
    own_url = f"sed -i 's|{URL}|{dagnix}|' flake.nix\ngit add .\n"
    script = PAGE.script((), {URL: dagnix, "git add .\n": own_url})
    # Each command of ./dagnix by itself, as it may take minutes on a busy machine.
    make_it, *commands = re.split(r"^(?=\./dagnix )", script, flags=re.MULTILINE)
    steps = [(make_it, folder), *((command, stack.checkout) for command in commands)]
    try:
        done = [
            run(["sh", "-euxc", step], env=stack.environment, cwd=where) for step, where in steps
        ]
        yield Made(stack, "".join(each.stdout + each.stderr for each in done))
    finally:
        podman.remove(stack.project)


def python_versions(folder: Path) -> dict[str, str]:
    lock = json.loads((folder / "nix" / "locks" / "python.json").read_text())
    return {name: entry["version"] for name, entry in lock["packages"][SYSTEM].items()}


@PAGE.run_by(*PAGE.commands())
def test_its_job_runs(made: Made) -> None:
    assert "The job example ran: SUCCESS" in made.said
    assert {row["healthy"] for row in made.stack.status().values()} == {True}


def test_its_image_holds_the_wheel_and_the_debian_package_that_were_added(made: Made) -> None:
    assert made.stack.exec("pipes", "python", "-c", "import pymysql").returncode == 0
    assert made.stack.exec("pipes", "/usr/bin/hello").stdout == "Hello, world!\n"


def test_its_own_test_passes(made: Made) -> None:
    assert "1 passed" in made.said


def test_its_locks_begin_with_the_versions_of_dagnix(made: Made) -> None:
    ours, theirs = python_versions(ROOT), python_versions(made.root)
    assert theirs.keys() - ours.keys() == {"pymysql"}
    assert {name: theirs[name] for name in theirs.keys() & ours.keys()}.items() <= ours.items()
    # Without a new name for git Nix would go on with Dagnix's locks.
    known = run(["git", "ls-files", "nix"], cwd=made.root).stdout.split()
    assert known == ["nix/locks/debian.json", "nix/locks/python.json"]


def test_nothing_is_written_into_the_dagnix_in_the_store(made: Made) -> None:
    source = (made.root / ".dagnix" / "roots" / "source").resolve()
    run(["nix-store", "--verify-path", source])


def test_before_its_first_lock_it_builds_from_the_files_of_dagnix(
    dagnix: str, tmp_path: Path
) -> None:
    run(["nix", "flake", "init", "--template", dagnix], cwd=tmp_path)
    run(["git", "init", "--quiet"], cwd=tmp_path)
    run(["git", "add", "."], cwd=tmp_path)

    def locked(*flake: str | Path) -> list[dict[str, str]]:
        return json.loads(run(["nix", "eval", "--json", *flake]).stdout)

    own = f"{tmp_path}#locked.{SYSTEM}"
    files = locked("--no-write-lock-file", "--override-input", "dagnix", dagnix, own)
    assert files == locked(f"{ROOT}#locked.{SYSTEM}")
