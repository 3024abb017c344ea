"""Runs and their steps, which are processes of the code server's container."""

import os

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.podman import Podman
from support.served import Served

EVENTS = """
query Events($run: ID!) {
  logsForRun(runId: $run) { ... on EventConnection { events {
    ... on MessageEvent { message }
  } } }
}
"""
# A run and its step: both are forks, those alone have this name.
BOTH = 2


def forks(served: Served) -> int:
    return len(served.stack.processes("pipes", "run"))


def launch(served: Served) -> str:
    """Launch a run whose first step waits, and return it when that step is under way."""
    served.hold()
    run = served.client.submit_job_execution("long")
    wait_until(lambda: forks(served) == BOTH, "a run and its step are forks")
    served.wait_for_start(run)
    return run


def test_a_run_and_its_step_end_when_it_is_cancelled(mounted: Served) -> None:
    run = launch(mounted)
    assert mounted.team.cancel(run) is DagsterRunStatus.CANCELED
    wait_until(lambda: forks(mounted) == 0, "both have ended")


def test_a_step_that_crashes_is_told_of_with_its_signal(mounted: Served, podman: Podman) -> None:
    run = mounted.client.submit_job_execution("crashing")
    assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
    events = mounted.team.dashboard.query(EVENTS, run=run)["logsForRun"]["events"]
    said = [event["message"] for event in events]
    assert any("step crash was terminated by signal 11" in each for each in said), said
    logs = podman("logs", mounted.stack.container("pipes"))
    assert "goroutine" not in logs.stdout + logs.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs under another uid")
def test_runs_and_reloads_go_on_when_the_process_that_forks_was_killed(mounted: Served) -> None:
    mounted.save("before")
    mounted.stack.dagnix("reload")
    run = launch(mounted)
    mounted.kill("forks")
    mounted.release()
    # Its last step imports Dagster itself.
    assert mounted.team.answer("long", run) == "before"
    mounted.save("after")
    mounted.stack.dagnix("reload")
    assert mounted.answer() == "after"
