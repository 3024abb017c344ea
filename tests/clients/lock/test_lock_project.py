"""A project of its own: what it lists is locked in its folder, all else is Dagnix's."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from support.world import DAGSTER, HOST, World


@dataclasses.dataclass
class Project:
    """A project beside a Dagnix, which has locks already."""

    world: World
    dagnix: World

    @property
    def root(self) -> Path:
        return self.world.root

    def lock(self, *words: str) -> str:
        return self.world.ok("lock", f"--python={sys.executable}", *words)

    def known_to_git(self) -> list[str]:
        words = ["git", "-C", self.root, "ls-files"]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


@pytest.fixture
def project(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "project"
    (root / "pipes").mkdir(parents=True)
    listed = (world.root / "pipes" / "pyproject.toml").read_text()
    (root / "pipes" / "pyproject.toml").write_text(
        listed.replace('["library"]', '["extra"]')
        + '[tool.dagnix]\ndebian-packages = ["only-for-unwanted"]\n'
    )
    subprocess.run(["git", "init", "--quiet", root], check=True)
    monkeypatch.setenv("DAGNIX_ROOT", str(root))
    monkeypatch.setenv("DAGNIX_SOURCE", str(world.root))
    world.index.add("extra", "1.0")
    return Project(dataclasses.replace(world, root=root), world)


def test_locks_begin_with_those_of_dagnix_and_leave_these_alone(project: Project) -> None:
    theirs = [project.dagnix.lock_of(name) for name in ("debian", "python", "go")]
    project.dagnix.index.add("tool", "1.1", ("helper",))
    assert project.lock().splitlines() == [
        "only-for-unwanted added, 1.0",
        "extra added, 1.0",
        "library removed, was 1.0",
    ]
    python = project.world.lock_of("python")
    assert python["groups"][HOST] == {"cli": ["helper", "tool"], "pipes": [*DAGSTER, "extra"]}
    assert python["packages"][HOST]["tool"]["version"] == "1.0"
    assert project.world.lock_of("debian")["groups"][HOST]["pipes"] == ["only-for-unwanted"]
    assert [project.dagnix.lock_of(name) for name in ("debian", "python", "go")] == theirs


def test_new_locks_are_made_known_to_git(project: Project) -> None:
    project.lock()
    assert project.known_to_git() == ["nix/locks/debian.json", "nix/locks/python.json"]


def test_the_go_code_is_dagnixs(project: Project) -> None:
    sentence = "The Go modules are Dagnix's own: run ./dagnix lock go in its checkout."
    assert project.world.fails("lock", "go") == sentence


def test_without_locks_of_its_own_those_of_dagnix_are_fetched(project: Project) -> None:
    project.world.ok("fetch")
    assert project.world.in_store("-library-1.0-py3-none-any.whl")
    assert project.known_to_git() == []
