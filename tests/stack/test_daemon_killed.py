"""The daemon killed while it launches runs."""

import os
import re
import signal
import time

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.podman import Podman
from support.served import Served

SHORT_RUNS = 12
KILLS = 3
BETWEEN_SECONDS = 4
TAG = """
import os
import sys
from dagster import DagsterInstance
server = os.readlink("/run/dagnix/pipes/run.sock")
DagsterInstance.get().add_run_tags(sys.argv[1], {"dagnix/run_server": server})
"""


def starts(mounted: Served, run: str) -> int:
    """Return how often a run was started."""
    events = mounted.stack.sql(
        "SELECT run_id FROM dagster.event_logs WHERE dagster_event_type = 'PIPELINE_START'"
    )
    return events.split().count(run)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs under another uid")
def test_nothing_is_lost_or_launched_twice(mounted: Served, podman: Podman) -> None:
    runs = [mounted.client.submit_job_execution("short") for _ in range(SHORT_RUNS)]
    container = mounted.stack.container("daemon")
    for _ in range(KILLS):
        time.sleep(BETWEEN_SECONDS)
        process = podman.process(container)
        before = podman.inspect(container)["RestartCount"]
        os.kill(process, signal.SIGKILL)
        wait_until(
            lambda count=before: podman.inspect(container)["RestartCount"] > count, "it is back"
        )
    # Podman counts a start before it is made.
    podman.process(container)
    told = mounted.stack.status()["daemon"]
    assert not told["healthy"]
    assert re.match(r"has ended \d+ times since ", told["says"]), told
    for run in runs:
        assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.SUCCESS
        assert starts(mounted, run) == 1


def test_a_daemon_that_is_down_is_told_of_and_since_when(mounted: Served, podman: Podman) -> None:
    # Podman does not start again what it was told to kill.
    podman.kill(mounted.stack.container("daemon"))
    says = re.compile(r"daemon: exited \(137\) since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n")
    for command in ("status", "doctor"):
        shown = mounted.stack.dagnix(command, check=False)
        assert shown.returncode == 1, command
        assert says.search(shown.stdout), shown.stdout


def test_launches_that_were_cut_off_are_made_again(mounted: Served, podman: Podman) -> None:
    mounted.hold()
    executed = mounted.client.submit_job_execution("long")
    mounted.wait_for_start(executed)
    podman("stop", mounted.stack.container("daemon"))
    unasked, unheard = (mounted.client.submit_job_execution("short") for _ in range(2))
    # As a daemon leaves them that is killed before, just after, and long after it asks.
    start = ("/opt/dagster/bin/runtime", "start", "python")
    mounted.stack.exec("pipes", *start, "-c", TAG, unheard)
    for run in (unasked, unheard, executed):
        change = f"UPDATE dagster.runs SET status = 'STARTING' WHERE run_id = '{run}'"  # noqa: S608
        mounted.stack.sql(change)
    podman("start", mounted.stack.container("daemon"))
    for run in (unasked, unheard):
        assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.SUCCESS
    mounted.release()
    assert mounted.team.dashboard.end_of(executed) is DagsterRunStatus.SUCCESS
    assert [starts(mounted, run) for run in (unasked, unheard, executed)] == [1, 1, 1]
