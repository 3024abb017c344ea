"""Projects in the layouts that Dagster accepts: each is served mounted, and a run of it succeeds.

`up --mount` reads a folder's layout before it starts anything: tests/unit/cli/test_layout.py.
"""

import shutil
from pathlib import Path

from dagster import DagsterRunStatus
from support import projects
from support.served import Served

# Without dg's own: that is what pipes/ is.
FOLDERS = [case["name"] for case in projects.CASES if "files" not in case and case["name"] != "dg"]


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_projects_are_served_and_run(mounted: Served) -> None:
    dashboard = mounted.team.dashboard
    for name in FOLDERS:
        empty(mounted.folder)
        shutil.copytree(projects.FOLDER / name, mounted.folder, dirs_exist_ok=True)
        mounted.stack.dagnix("reload")
        dashboard.wait_for_job(f"from_{name}")
        _, status = dashboard.run(f"from_{name}")
        assert status is DagsterRunStatus.SUCCESS, name
    empty(mounted.folder)
