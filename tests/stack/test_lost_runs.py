"""Runs whose code server is killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient
from support.command import wait_until
from support.dashboard import Dashboard
from support.podman import Podman
from support.stack import Stack

PROJECT = """
[project]
name = "lost"
version = "0"

[tool.dagster]
module_name = "lost"
code_location_name = "pipes"
"""

# Each job's first run lasts longer than the test, a second one ends at once.
CODE = """
import time
from pathlib import Path

import dagster as dg


@dg.op
def step(context: dg.OpExecutionContext) -> None:
    started = Path("/var/lib/dagster", context.job_name)
    if not started.exists():
        started.touch()
        time.sleep(3600)


@dg.job
def once() -> None:
    step()


@dg.job(tags={"dagster/max_retries": "1"})
def again() -> None:
    step()


@dg.job(tags={"dagster/max_retries": "1"})
def later() -> None:
    step()


@dg.job
def unwanted() -> None:
    step()


defs = dg.Definitions(jobs=[once, again, later, unwanted])
"""

EVENTS = """
query Events($run: ID!) {
  logsForRun(runId: $run) { ... on EventConnection { events {
    __typename ... on RunFailureEvent { message }
  } } }
}
"""
STARTED = "SELECT run_id FROM dagster.runs WHERE status = 'STARTED'"


@pytest.fixture
def mounted(stack: Stack, tmp_path: Path) -> Iterator[Dashboard]:
    """The stack with the jobs of this test."""
    tmp_path.chmod(0o755)  # containers have another uid
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "lost.py").write_text(CODE)
    files = ("--file=compose.yaml", "--file=compose.mount.yaml")
    stack.compose(*files, "up", "--detach", DAGNIX_PIPES_DIR=str(tmp_path))
    dashboard = Dashboard(stack.port)
    dashboard.wait_for_job("once")
    yield dashboard
    stack.compose("up", "--detach")
    stack.wait_for_health("pipes")
    dashboard.wait_for_job("example")


def launch(stack: Stack, *jobs: str) -> dict[str, str]:
    """Launch jobs; return their runs when the steps of all are under way."""
    client = DagsterGraphQLClient("127.0.0.1", port_number=stack.port)
    runs = {job: client.submit_job_execution(job) for job in jobs}
    there = f"import os; print(set(os.listdir('/var/lib/dagster')) >= set({jobs}))"
    wait_until(lambda: stack.python("pipes", there).strip() == "True", "all steps are under way")
    return runs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs under another uid")
def test_runs_of_a_killed_code_server_fail_with_a_reason_and_are_retried_if_they_may(
    stack: Stack, podman: Podman, mounted: Dashboard
) -> None:
    runs = launch(stack, "once", "again", "unwanted")
    stack.sql("UPDATE dagster.runs SET status = 'CANCELING' WHERE pipeline_name = 'unwanted'")

    before = podman.inspect(stack.container("pipes"))
    os.kill(before["State"]["Pid"], signal.SIGKILL)

    # A minute in all, from the kill to the reason.
    minute = 60
    wait_until(lambda: not set(stack.sql(STARTED).split()) & set(runs.values()), "noticed", minute)
    assert podman.inspect(stack.container("pipes"))["RestartCount"] == before["RestartCount"] + 1
    assert mounted.end_of(runs["once"]) is DagsterRunStatus.FAILURE
    assert mounted.end_of(runs["again"]) is DagsterRunStatus.FAILURE
    assert mounted.end_of(runs["unwanted"]) is DagsterRunStatus.CANCELED
    events = mounted.query(EVENTS, run=runs["once"])["logsForRun"]["events"]
    (reason,) = [each["message"] for each in events if each["__typename"] == "RunFailureEvent"]
    assert "The code server was killed" in reason

    (retry,) = wait_until(lambda: mounted.retries(runs["again"]), "the job that may is retried")
    assert mounted.end_of(retry) is DagsterRunStatus.SUCCESS
    assert not mounted.retries(runs["once"])
    assert not mounted.retries(runs["unwanted"])


def test_lost_runs_are_retried_when_the_daemon_came_up_before_the_code_server(
    stack: Stack, podman: Podman, mounted: Dashboard
) -> None:
    runs = launch(stack, "later")
    # As after a reboot. Podman does not start again what it was told to kill.
    podman("kill", "--signal=KILL", stack.container("pipes"))
    podman("restart", stack.container("daemon"))
    stack.wait_for_health("daemon")
    podman("start", stack.container("pipes"))
    assert mounted.end_of(runs["later"]) is DagsterRunStatus.FAILURE
    (retry,) = wait_until(lambda: mounted.retries(runs["later"]), "it is retried")
    assert mounted.end_of(retry) is DagsterRunStatus.SUCCESS
