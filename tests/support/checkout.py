"""A checkout of its own, whose code a test may change."""

import shutil
from pathlib import Path

from support import team
from support.command import run
from support.stack import ROOT


def write(folder: Path) -> None:
    """Copy what git knows of this checkout, with the team's code in pipes/, to a new folder."""
    (folder / "pipes").mkdir(parents=True)
    listed = run(["git", "-C", ROOT, "ls-files", "-z"]).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("pipes/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    team.write(folder / "pipes", "first")
    commit(folder, "The team's code")


def copy(folder: Path) -> None:
    """Copy this checkout's files, whether they are committed or not, to a folder."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in set(run(listed, cwd=ROOT).stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def commit(folder: Path, message: str) -> None:
    """Make a git repository of a folder, with all that is in it."""
    git = ["git", "-C", folder, "-c", "user.name=test", "-c", "user.email=test@localhost"]
    run([*git, "init", "--quiet"])
    run([*git, "add", "--all"])
    run([*git, "commit", "--quiet", "--message", message])
