"""dagster-webserver does what any page in the browser of one of its users asks for.

It executes mutations that come by GET, as an image's address does, and looks neither at Origin nor
at Host. So another site can delete or launch runs of whoever can reach the webserver.
"""

import logging
import sys
import tempfile

from dagster import DagsterInstance, job
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.testclient import TestClient


@job
def works() -> None:
    """Is never executed."""


logging.disable()
with (
    tempfile.TemporaryDirectory() as home,
    DagsterInstance.local_temp(home) as instance,
    WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace,
):
    run = instance.create_run_for_job(works)
    client = TestClient(create_app_from_workspace_process_context(workspace))
    mutation = f'mutation {{ deleteRun(runId: "{run.run_id}") {{ __typename }} }}'
    headers = {"Origin": "https://other.example", "Host": "other.example"}
    answer = client.get("/graphql", params={"query": mutation}, headers=headers)
    is_there = instance.has_run(run.run_id)

print(f"Another site's page asked to delete a run by GET: {answer.status_code} {answer.text}")
sys.exit(not is_there)
