"""The workflows that a project begins with: their shell commands are run, as no forge is here.

`./dagnix` is a stand-in that answers as a test says; what the real one does is tested elsewhere.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagnix import commands

WORKFLOWS = Path(__file__).parents[2] / "templates/project/.github/workflows"
NAMES = sorted(path.name for path in WORKFLOWS.iterdir())
CALLED = re.compile(r"\./dagnix ([^>|\n]*)")
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def jobs(name: str) -> dict[str, Any]:
    return yaml.safe_load((WORKFLOWS / name).read_text())["jobs"]


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in jobs(name).values():
        yield from job["steps"]


@dataclass(frozen=True)
class Runner:
    """A checkout in which the steps of a workflow are run by name."""

    folder: Path
    workflow: str

    def dagnix(self, script: str) -> None:
        """Say what ./dagnix does; the command is $1."""
        program = self.folder / "dagnix"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def step(self, job: str, name: str, **environment: str) -> int:
        """Run a step as the forge does, and return its exit code."""
        (found,) = (step for step in jobs(self.workflow)[job]["steps"] if step.get("name") == name)
        shell = found.get("shell", "sh -e {0}").replace(" {0}", "").split()
        script = self.folder / "step.sh"
        script.write_text(found["run"])
        given = {"PATH": "/usr/bin:/bin", "GITHUB_OUTPUT": str(self.folder / "output")}
        return subprocess.run(
            [*shell, script], check=False, cwd=self.folder, env={**given, **environment}
        ).returncode


@pytest.mark.parametrize("name", NAMES)
def test_each_step_is_one(name: str) -> None:
    for step in steps(name):
        assert ("run" in step) != ("uses" in step), step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step
        else:
            assert subprocess.run(["sh", "-n", "-c", step["run"]], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_dagnix_knows_each_command(name: str) -> None:
    called = [each for step in steps(name) for each in CALLED.findall(step.get("run", ""))]
    assert called
    for text in called:
        command, *words = shlex.split(text)
        assert command in commands.COMMANDS
        commands.parser(command).parse_args(words)


@pytest.fixture
def ci(tmp_path: Path) -> Runner:
    """A build of two images."""
    runner = Runner(tmp_path, "ci.yaml")
    for image, digest in (("daemon", TWO), ("pipes", ONE)):
        (tmp_path / image).mkdir()
        index = f'{{"manifests": [{{"digest": "{digest}", "size": 1}}]}}'
        (tmp_path / image / "index.json").write_text(index)
    runner.dagnix(
        'case $1 in build) printf "%s\\n" daemon pipes ;;\n'
        f'push) printf "%s\\n" "$2/daemon@{TWO}" "$2/pipes@{ONE}" ;; esac'
    )
    assert runner.step("build", "Build") == 0
    assert runner.step("build", "Write the digests") == 0
    for machine in ("one", "two"):
        (tmp_path / f"digests-{machine}").mkdir()
        digests = (tmp_path / "digests.txt").read_text()
        (tmp_path / f"digests-{machine}" / "digests.txt").write_text(digests)
    return runner


def test_the_same_bytes_are_sent(ci: Runner) -> None:
    assert (ci.folder / "digests.txt").read_text() == f"{ONE}\n{TWO}\n"
    for name in (
        "Compare the digests of both machines",
        "Build",
        "Push",
        "Compare the digests in the registry",
    ):
        assert ci.step("push", name, REGISTRY="registry.example.org/team") == 0, name
    assert f"registry.example.org/team/pipes@{ONE}\n" in (ci.folder / "pushed.txt").read_text()


def test_other_bytes_on_another_machine_are_not_sent(ci: Runner) -> None:
    (ci.folder / "digests-two" / "digests.txt").write_text(f"{TWO}\n{TWO}\n")
    assert ci.step("push", "Compare the digests of both machines") != 0


def test_other_bytes_in_the_registry_are_told(ci: Runner) -> None:
    (ci.folder / "pushed.txt").write_text(f"r/daemon@{TWO}\nr/pipes@{TWO}\n")
    assert ci.step("push", "Compare the digests in the registry") != 0


def test_a_registry_without_a_login_is_not_asked_for_one(ci: Runner) -> None:
    assert ci.step("push", "Log in", REGISTRY="registry.example.org/team", REGISTRY_USER="") == 0


@pytest.fixture
def updates(tmp_path: Path) -> Runner:
    """A checkout with a remote repository."""
    folder, remote = tmp_path / "checkout", tmp_path / "remote"
    (folder / "nix" / "locks").mkdir(parents=True)
    (folder / "nix" / "locks" / "debian.json").write_text("{}")

    def git(*words: str | Path) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *identity, *words], check=True, cwd=folder, capture_output=True)

    git("init", "--quiet")
    git("add", "nix")
    git("commit", "--quiet", "--message", "First")
    git("init", "--quiet", "--bare", remote)
    git("remote", "add", "origin", remote)
    return Runner(folder, "updates.yaml")


def test_updates_are_locked_on_a_branch(updates: Runner) -> None:
    updates.dagnix(
        "case $1 in updates) echo libfoo 1 to 2; exit 100 ;;\n"
        'lock) [ "$2" = --security ] && echo "{1}" > nix/locks/debian.json ;; esac'
    )
    for _ in range(2):  # the branch of last week is replaced
        assert updates.step("updates", "Look for updates") == 0
        assert (updates.folder / "output").read_text().splitlines()[-1] == "waiting=yes"
        for name in ("Lock them", "Test", "Push the branch"):
            assert updates.step("updates", name) == 0
        shown = subprocess.run(
            ["git", "-C", updates.folder.parent / "remote", "show", "updates"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert "libfoo 1 to 2" in shown
        assert "+{1}" in shown
        subprocess.run(
            ["git", "reset", "--quiet", "--hard", "HEAD~1"], check=True, cwd=updates.folder
        )


def test_without_updates_nothing_follows(updates: Runner) -> None:
    updates.dagnix("exit 0")
    assert updates.step("updates", "Look for updates") == 0
    assert not (updates.folder / "output").exists()
    later = jobs("updates.yaml")["updates"]["steps"][3:]
    assert {step["if"] for step in later} == {"steps.updates.outputs.waiting == 'yes'"}


def test_a_look_that_fails_is_told(updates: Runner) -> None:
    updates.dagnix("exit 1")
    assert updates.step("updates", "Look for updates") == 1
