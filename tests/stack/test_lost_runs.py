"""Runs whose code server is killed."""

import os
import re
import signal
from collections.abc import Iterator

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.podman import Podman
from support.served import Served

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
FORGET = """
from pathlib import Path
for job in ("once", "again", "later", "unwanted"):
    Path("/var/lib/dagster", job).unlink(missing_ok=True)
"""
STARTED = "SELECT run_id FROM dagster.runs WHERE status = 'STARTED'"


@pytest.fixture
def lost(mounted: Served) -> Iterator[Served]:
    """The stack with the jobs of this test."""
    mounted.save("", CODE)
    mounted.stack.dagnix("reload")
    mounted.team.dashboard.wait_for_job("once")
    yield mounted
    mounted.stack.python("pipes", FORGET)


def launch(lost: Served, *jobs: str) -> dict[str, str]:
    """Launch jobs; return their runs when the steps of all are under way."""
    runs = {job: lost.client.submit_job_execution(job) for job in jobs}
    there = f"import os; print(set(os.listdir('/var/lib/dagster')) >= set({jobs}))"
    wait_until(
        lambda: lost.stack.python("pipes", there).strip() == "True", "all steps are under way"
    )
    return runs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs under another uid")
def test_runs_of_a_killed_run_server_fail_with_a_reason_and_are_retried_if_they_may(
    lost: Served, podman: Podman
) -> None:
    stack, dashboard = lost.stack, lost.team.dashboard
    runs = launch(lost, "once", "again", "unwanted")
    stack.sql("UPDATE dagster.runs SET status = 'CANCELING' WHERE pipeline_name = 'unwanted'")

    container = stack.container("pipes")
    before = podman.inspect(container)["RestartCount"]
    os.kill(podman.process(container), signal.SIGKILL)

    wait_until(lambda: not set(stack.sql(STARTED).split()) & set(runs.values()), "noticed")
    # The daemon may notice before podman has started it again.
    wait_until(lambda: podman.inspect(container)["RestartCount"] > before, "it is back")
    assert podman.inspect(container)["RestartCount"] == before + 1
    assert dashboard.end_of(runs["once"]) is DagsterRunStatus.FAILURE
    assert dashboard.end_of(runs["again"]) is DagsterRunStatus.FAILURE
    assert dashboard.end_of(runs["unwanted"]) is DagsterRunStatus.CANCELED
    events = dashboard.query(EVENTS, run=runs["once"])["logsForRun"]["events"]
    reasons = [each["message"] for each in events if each["__typename"] == "RunFailureEvent"]
    # The daemon's run monitoring says so, or the next run server; or both, if they look at once.
    assert reasons
    for reason in reasons:
        assert re.search(r"server .*was killed.* host went down", reason), reason

    (retry,) = wait_until(lambda: dashboard.retries(runs["again"]), "the job that may is retried")
    assert dashboard.end_of(retry) is DagsterRunStatus.SUCCESS
    assert not dashboard.retries(runs["once"])
    assert not dashboard.retries(runs["unwanted"])


def test_lost_runs_are_retried_when_the_daemon_came_up_before_the_code_server(
    lost: Served, podman: Podman
) -> None:
    stack, dashboard = lost.stack, lost.team.dashboard
    runs = launch(lost, "later")
    # As after a reboot. Podman does not start again what it was told to kill.
    podman.kill(stack.container("pipes"))
    podman("restart", stack.container("daemon"))
    stack.wait_for_health("daemon")
    podman("start", stack.container("pipes"))
    assert dashboard.end_of(runs["later"]) is DagsterRunStatus.FAILURE
    (retry,) = wait_until(lambda: dashboard.retries(runs["later"]), "it is retried")
    assert dashboard.end_of(retry) is DagsterRunStatus.SUCCESS
