"""Projects in the layouts that Dagster accepts: each comes up mounted, and a run of it succeeds."""

from collections.abc import Iterator

import pytest
from dagster import DagsterRunStatus
from support import projects
from support.dashboard import Dashboard
from support.served import then_its_own
from support.stack import Stack

# Without dg's own: that is what pipes/ is.
FOLDERS = [case["name"] for case in projects.CASES if "files" not in case and case["name"] != "dg"]


@pytest.fixture(scope="module")
def lent(stack: Stack) -> Iterator[Stack]:
    with then_its_own(stack):
        yield stack


@pytest.mark.parametrize("name", FOLDERS)
def test_a_project_comes_up_and_runs(lent: Stack, name: str) -> None:
    lent.dagnix("up", "--mount", str(projects.FOLDER / name))
    dashboard = Dashboard(lent.port)
    dashboard.wait_for_job(f"from_{name}")
    _, status = dashboard.run(f"from_{name}")
    assert status is DagsterRunStatus.SUCCESS
