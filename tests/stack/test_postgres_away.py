"""Postgres away for a while, and back."""

import os
import signal
import time
from collections.abc import Callable

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.podman import Podman
from support.served import Served

AWAY_SECONDS = 5
WRITERS = 3
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'dagster'"


def restart(served: Served, _podman: Podman) -> None:
    served.stack.dagnix("restart", "postgres", "--yes")


def kill(served: Served, podman: Podman) -> None:
    container = served.stack.container("postgres")
    os.kill(podman.process(container), signal.SIGKILL)
    served.stack.wait_for_health("postgres")


@pytest.mark.parametrize(
    "disturb",
    [
        restart,
        pytest.param(
            kill, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill it")
        ),
    ],
)
def test_runs_in_flight_survive_a_restart_or_are_retried(
    mounted: Served, podman: Podman, disturb: Callable[[Served, Podman], None]
) -> None:
    mounted.hold()
    runs = [mounted.client.submit_job_execution("writing") for _ in range(WRITERS)]
    for run in runs:
        mounted.wait_for_start(run)
    disturb(mounted, podman)
    mounted.release()
    dashboard = mounted.team.dashboard
    for run in runs:
        if dashboard.end_of(run) is not DagsterRunStatus.SUCCESS:
            (retry,) = wait_until(lambda run=run: dashboard.retries(run), f"{run} is retried")
            assert dashboard.end_of(retry) is DagsterRunStatus.SUCCESS


def test_the_webserver_launches_at_once_when_postgres_is_back(
    mounted: Served, podman: Podman
) -> None:
    # Its connections are cut, and each that it used again would fail a launch.
    mounted.team.dashboard.wait_for_job("short")
    container = mounted.stack.container("postgres")
    podman("stop", container)
    time.sleep(AWAY_SECONDS)
    podman("start", container)
    mounted.stack.wait_for_health("postgres")
    assert mounted.answer() == "first"


def test_a_connection_that_is_cut_fails_nothing(mounted: Served) -> None:
    # The webserver and the daemon have just used theirs.
    assert mounted.answer() == "first"
    assert int(mounted.stack.sql(CUT)) > 1
    assert mounted.answer() == "first"
