"""Runs, launched through GraphQL as the dashboard does."""

import time

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack import dashboard

SECONDS = 1800
PAUSE_SECONDS = 0.2
# To ask for many runs costs what they need themselves, and they take minutes.
PAUSE_SECONDS_OF_MANY = 2
LAUNCH = """
mutation Launch($job: String!) { launchRun(executionParams: {
  selector: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", jobName: $job
  }, runConfigData: {}
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
STATUSES = """
query Statuses($runs: [String!]!) { runsOrError(filter: {runIds: $runs}) { ... on Runs {
  results { status }
} } }
"""
STARTED = """
query Started($run: ID!) { runOrError(runId: $run) { ... on Run { stepStats { startTime } } } }
"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def launch(project: Project, job: str) -> str:
    """Launch a job and return the run's ID. Raises UserError if Dagster refuses."""
    answer = dashboard.ask(project, LAUNCH, job=job)["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        why = answer.get("message", answer["__typename"])
        raise UserError(f"Dagster does not launch the job {job}: {why}")
    return answer["run"]["runId"]


def wait(project: Project, runs: list[str]) -> None:
    """Wait until runs have succeeded.

    Raises:
        UserError: one ends otherwise, or they have not ended after half an hour.

    """
    end = time.monotonic() + SECONDS
    while True:
        found = dashboard.ask(project, STATUSES, runs=runs)["runsOrError"]["results"]
        statuses = {run["status"] for run in found}
        if statuses == {"SUCCESS"}:
            return
        if failed := statuses & (ENDED - {"SUCCESS"}):
            raise UserError(f"A run of the measurement ended in {failed.pop()}.")
        if time.monotonic() > end:
            raise UserError(f"Runs of the measurement have not ended after {SECONDS} s.")
        time.sleep(PAUSE_SECONDS if len(runs) == 1 else PAUSE_SECONDS_OF_MANY)


def first_op(project: Project, run: str) -> float:
    """Return when the first op of a run started, in seconds since the epoch."""
    steps = dashboard.ask(project, STARTED, run=run)["runOrError"]["stepStats"]
    return min(step["startTime"] for step in steps)
