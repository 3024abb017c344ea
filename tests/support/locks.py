"""The Python lock of a checkout: this one's, or one with an older Dagster."""

import json
import re
import shutil
from pathlib import Path

from support import team
from support.command import run, typed
from support.stack import ROOT

LOCK = Path("nix/locks/python.json")
SYSTEM = "x86_64-linux"


def dagster(folder: Path = ROOT) -> str:
    """Return the version of the Dagster that a checkout has locked."""
    return json.loads((folder / LOCK).read_text())["packages"][SYSTEM]["dagster"]["version"]


def go_back(folder: Path) -> None:
    """Lock the newest Dagster that is older than this checkout's, as one does by hand."""
    project = folder / "pyproject.toml"
    edited = re.sub(r'"dagster==[^"]+"', f'"dagster<{dagster()}"', project.read_text())
    project.write_text(edited)
    # The team's project asks for less than its code needs.
    shutil.copy2(ROOT / "pipes" / "pyproject.toml", folder / "pipes")
    typed.add("./dagnix lock python")
    run([folder / "dagnix", "lock", "python"])
    (folder / "pipes" / "pyproject.toml").write_text(team.PROJECT)


def take(folder: Path, lock: str) -> None:
    """Give a checkout the text of a lock."""
    (folder / LOCK).write_text(lock)
