"""Postgres restarted and killed while runs are in flight."""

import os
import signal
import time
from collections.abc import Callable

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.mounted import Mounted
from support.podman import Podman

RUNS = 3
AWAY_SECONDS = 15
UNENDED = "SELECT count(*) FROM dagster.runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')"


def stop_for_a_while(podman: Podman, container: str) -> None:
    podman("stop", container)
    time.sleep(AWAY_SECONDS)
    podman("start", container)


def kill(podman: Podman, container: str) -> None:
    before = podman.inspect(container)
    os.kill(before["State"]["Pid"], signal.SIGKILL)
    wait_until(
        lambda: podman.inspect(container)["RestartCount"] > before["RestartCount"], "it is back"
    )


@pytest.mark.parametrize(
    "disturb",
    [
        stop_for_a_while,
        pytest.param(
            kill,
            marks=pytest.mark.skipif(
                os.geteuid() != 0, reason="only root may kill what runs under another uid"
            ),
        ),
    ],
)
def test_runs_survive(
    mounted: Mounted, podman: Podman, disturb: Callable[[Podman, str], None]
) -> None:
    mounted.hold()
    submit = mounted.client.submit_job_execution
    runs = [submit("long") for _ in range(RUNS)]
    for run in runs:
        mounted.wait_for_start(run)

    disturb(podman, mounted.stack.container("postgres"))
    mounted.stack.wait_for_health("postgres")

    # The webserver must not use the connections that were cut.
    later = submit("short")
    mounted.release()
    for run in [*runs, later]:
        assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.SUCCESS
    assert mounted.stack.sql(UNENDED) == "0"
