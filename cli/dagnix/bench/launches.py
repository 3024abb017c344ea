"""Runs, launched through GraphQL as the dashboard does."""

import time
from typing import Any

from dagnix import UserError, dashboard
from dagnix.project import Project

SECONDS = 600
PAUSE_SECONDS = 0.2
LAUNCH = """
mutation Launch($job: String!) { launchRun(executionParams: {
  selector: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", jobName: $job
  }, runConfigData: {}
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
RUNS = """
query Runs($runs: [String!]!) { runsOrError(filter: {runIds: $runs}) { ... on Runs { results {
  runId status stepStats { startTime }
} } } }
"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def launch(project: Project, job: str) -> str:
    """Launch a job and return the run's ID. Raises UserError if Dagster refuses."""
    answer = dashboard.ask(project, LAUNCH, job=job)["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        why = answer.get("message", answer["__typename"])
        raise UserError(f"Dagster does not launch the job {job}: {why}")
    return answer["run"]["runId"]


def wait(project: Project, runs: list[str]) -> list[dict[str, Any]]:
    """Wait until runs have succeeded, and return them.

    Raises:
        UserError: one ends otherwise, or they have not ended after ten minutes.

    """
    end = time.monotonic() + SECONDS
    while True:
        found = dashboard.ask(project, RUNS, runs=runs)["runsOrError"]["results"]
        statuses = {run["status"] for run in found}
        if statuses == {"SUCCESS"}:
            return found
        if failed := statuses & (ENDED - {"SUCCESS"}):
            raise UserError(f"A run of the measurement ended in {failed.pop()}.")
        if time.monotonic() > end:
            raise UserError(f"Runs of the measurement have not ended after {SECONDS} s.")
        time.sleep(PAUSE_SECONDS)
