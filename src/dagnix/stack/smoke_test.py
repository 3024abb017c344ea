"""The first run: proof that the whole way works, from the dashboard's API to rows in Postgres."""

import time
from typing import Any

from dagnix import UserError, console
from dagnix.faults import Faults
from dagnix.project import Project
from dagnix.stack import dashboard

JOB = "example"
# The webserver looks every few seconds for a code server that was away.
LOCATION_SECONDS = 60
RUN_SECONDS = 300
PAUSE_SECONDS = 0.5

QUERY = """
query Example($job: String!) {
  workspaceOrError {
    ... on Workspace {
      locationEntries {
        name
        locationOrLoadError {
          ... on RepositoryLocation { repositories { jobs { name } } }
          ... on PythonError { message }
        }
      }
    }
  }
  runsOrError(filter: {pipelineName: $job, statuses: [SUCCESS]}, limit: 1) {
    ... on Runs { results { runId } }
  }
}
"""


def run_once(project: Project, faults: Faults) -> None:
    """Launch the job `example` and wait for SUCCESS, unless it is absent or succeeded before.

    A code location that does not load is a fault; one that has a fault is not waited for.

    Raises:
        UserError: the webserver does not answer, or the run fails.

    """
    with console.err.status("Asking the webserver for its code locations"):
        answer = _loaded(project, faults)
    jobs = {
        job["name"]
        for entry in answer["workspaceOrError"]["locationEntries"]
        for repository in (entry["locationOrLoadError"] or {}).get("repositories", ())
        for job in repository["jobs"]
    }
    if JOB in jobs and not answer["runsOrError"]["results"]:
        with console.step(f"Running the job {JOB}") as step:
            step.done = f"The job {JOB} ran: SUCCESS, {project.url}/runs/{_launch(project)}"


def _loaded(project: Project, faults: Faults) -> dict[str, Any]:
    """Return the answer to QUERY once every code location without a fault is loaded."""
    end = time.monotonic() + LOCATION_SECONDS
    while True:
        answer = dashboard.ask(project, QUERY, job=JOB)
        unloaded = {
            entry["name"]: (entry["locationOrLoadError"] or {}).get("message", "still loading")
            for entry in answer["workspaceOrError"]["locationEntries"]
            if "repositories" not in (entry["locationOrLoadError"] or {})
            and entry["name"] not in faults
        }
        if not unloaded:
            return answer
        if time.monotonic() > end:
            for name, why in unloaded.items():
                faults.add(name, f"The webserver cannot load the code location: {why.strip()}")
            return answer
        time.sleep(PAUSE_SECONDS)


def _launch(project: Project) -> str:
    """Launch the job and wait for its end; return the run's id."""
    # Imports all of Dagster, which takes a second: only here is it worth that.
    from dagster import DagsterRunStatus  # noqa: PLC0415
    from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError  # noqa: PLC0415

    client = DagsterGraphQLClient("127.0.0.1", port_number=project.port)
    try:
        run = client.submit_job_execution(JOB)
        end = time.monotonic() + RUN_SECONDS
        while (status := client.get_run_status(run)) != DagsterRunStatus.SUCCESS:
            where = f"see {project.url}/runs/{run}"
            if status in {DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}:
                raise UserError(f"The first run of the job {JOB} ended in {status.value}: {where}")
            if time.monotonic() > end:
                raise UserError(
                    f"The first run of the job {JOB} is {status.value} after {RUN_SECONDS} s: "
                    f"{where}"
                )
            time.sleep(PAUSE_SECONDS)
    except DagsterGraphQLClientError as error:
        raise UserError(f"Dagster does not run the job {JOB}: {error}") from error
    return run
