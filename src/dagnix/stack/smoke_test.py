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
          ... on RepositoryLocation { repositories { name jobs { name } } }
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


LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}
"""
STATUS = """
query Status($run: ID!) {
  runOrError(runId: $run) { ... on Run { status } ... on Error { message } }
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
    jobs = [
        {
            "repositoryLocationName": entry["name"],
            "repositoryName": repository["name"],
            "jobName": JOB,
        }
        for entry in answer["workspaceOrError"]["locationEntries"]
        for repository in (entry["locationOrLoadError"] or {}).get("repositories", ())
        if JOB in {job["name"] for job in repository["jobs"]}
    ]
    if jobs and not answer["runsOrError"]["results"]:
        with console.step(f"Running the job {JOB}") as step:
            run = _launch(project, jobs[0])
            step.done = f"The job {JOB} ran: SUCCESS, {project.url}/runs/{run}"


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


def _launch(project: Project, job: dict[str, str]) -> str:
    """Launch the job and wait for its end; return the run's id."""
    params = {"selector": job, "runConfigData": {}}
    launched = dashboard.ask(project, LAUNCH, params=params)["launchRun"]
    if "run" not in launched:
        says = launched.get("message") or launched["__typename"]
        raise UserError(f"Dagster does not run the job {JOB}: {says}")
    run = launched["run"]["runId"]
    where = f"see {project.url}/runs/{run}"
    end = time.monotonic() + RUN_SECONDS
    while (status := _status(project, run)) != "SUCCESS":
        if status in {"FAILURE", "CANCELED"}:
            raise UserError(f"The first run of the job {JOB} ended in {status}: {where}")
        if time.monotonic() > end:
            raise UserError(
                f"The first run of the job {JOB} is {status} after {RUN_SECONDS} s: {where}"
            )
        time.sleep(PAUSE_SECONDS)
    return run


def _status(project: Project, run: str) -> str:
    told = dashboard.ask(project, STATUS, run=run)["runOrError"]
    if "status" not in told:
        raise UserError(f"Dagster does not tell how the job {JOB} is: {told['message']}")
    return told["status"]
