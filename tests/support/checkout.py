"""A checkout of its own, whose code a test may change."""

from pathlib import Path

from dagnix.testing.scratch import copy_files
from support import team
from support.command import run
from support.stack import ROOT


def write(folder: Path) -> None:
    """Copy what git knows of this checkout, with the team's code in pipes/, to a new folder."""
    (folder / "pipes").mkdir(parents=True)
    listed = run(["git", "-C", ROOT, "ls-files", "-z"]).stdout
    copy_files(
        ROOT, folder, (each for each in listed.split("\0")[:-1] if not each.startswith("pipes/"))
    )
    team.write(folder / "pipes", "first")
    commit(folder, "The team's code")


def copy(folder: Path) -> None:
    """Copy this checkout's files, whether they are committed or not, to a folder."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    copy_files(ROOT, folder, set(run(listed, cwd=ROOT).stdout.split("\0")[:-1]))


def commit(folder: Path, message: str) -> None:
    """Make a git repository of a folder, with all that is in it."""
    git = ["git", "-C", folder, "-c", "user.name=test", "-c", "user.email=test@localhost"]
    run([*git, "init", "--quiet"])
    run([*git, "add", "--all"])
    run([*git, "commit", "--quiet", "--message", message])
