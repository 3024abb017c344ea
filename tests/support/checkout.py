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
    git = ["git", "-C", folder, "-c", "user.name=test", "-c", "user.email=test@localhost"]
    run([*git, "init", "--quiet"])
    run([*git, "add", "--all"])
    run([*git, "commit", "--quiet", "--message", "The team's code"])
