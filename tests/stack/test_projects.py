"""Projects in the layouts that Dagster accepts: each comes up mounted, and a run of it succeeds."""

from dagster import DagsterRunStatus
from support import projects
from support.served import Served

# Without dg's own: that is what pipes/ is.
FOLDERS = [case["name"] for case in projects.CASES if "files" not in case and case["name"] != "dg"]


def test_projects_come_up_and_run(mounted: Served) -> None:
    dashboard = mounted.team.dashboard
    for name in FOLDERS:
        mounted.stack.dagnix("up", "--mount", str(projects.FOLDER / name))
        dashboard.wait_for_job(f"from_{name}")
        _, status = dashboard.run(f"from_{name}")
        assert status is DagsterRunStatus.SUCCESS, name
