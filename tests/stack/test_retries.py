"""Retries that Dagster's daemon by itself would lose."""

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.podman import Podman
from support.served import Served


@pytest.fixture
def failed(mounted: Served, podman: Podman) -> str:
    """A run that failed while there was no daemon, and is to be retried."""
    mounted.hold()
    run = mounted.client.submit_job_execution("failing")
    mounted.wait_for_start(run)
    podman("stop", mounted.stack.container("daemon"))
    mounted.release()
    assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
    return run


def test_one_that_the_daemon_has_missed_is_made(
    mounted: Served, podman: Podman, failed: str
) -> None:
    # As when it reads the event of the failure before the run has failed.
    cursor = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE"
    seen = "(SELECT max(id) FROM dagster.event_logs)"
    mounted.stack.sql(f"UPDATE dagster.kvs SET value = {seen} WHERE key = '{cursor}'")  # noqa: S608
    podman("start", mounted.stack.container("daemon"))
    dashboard = mounted.team.dashboard
    (retry,) = wait_until(lambda: dashboard.retries(failed), "it is retried")
    assert dashboard.end_of(retry) is DagsterRunStatus.SUCCESS


def test_one_whose_code_is_not_served_is_made_when_it_is(
    mounted: Served, podman: Podman, failed: str
) -> None:
    dashboard, pipes = mounted.team.dashboard, mounted.stack.container("pipes")
    podman.kill(pipes)
    podman("start", mounted.stack.container("daemon"))
    events = f"SELECT event FROM dagster.event_logs WHERE run_id = '{failed}'"  # noqa: S608
    said = "Failed to retry run"
    wait_until(lambda: said in mounted.stack.sql(events), "the daemon has given it up")
    assert not dashboard.retries(failed)
    podman("start", pipes)
    (retry,) = wait_until(lambda: dashboard.retries(failed), "it is retried")
    assert dashboard.end_of(retry) is DagsterRunStatus.SUCCESS
