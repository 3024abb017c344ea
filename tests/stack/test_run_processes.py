"""Runs and their steps, which are processes of the code server's container."""

import os
import re
from collections.abc import Iterator

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
# Of the container: the run server's children of these names, and what they have started.
OF_RUNS = """
from contextlib import suppress
from pathlib import Path
parents, runs = {}, set()
for each in Path("/proc").glob("[0-9]*/stat"):
    with suppress(OSError):
        name, rest = each.read_text().partition("(")[2].rsplit(")", 1)
        pid, parent = int(each.parent.name), int(rest.split()[1])
        parents[pid] = parent
        if name in ("run", "step"):
            runs.add(pid)
while more := {pid for pid, parent in parents.items() if parent in runs} - runs:
    runs |= more
print(len(runs))
"""


def processes(served: Served) -> int:
    """Count the processes of runs; -1 if that cannot be told just now."""
    return int(served.stack.python("pipes", OF_RUNS) or -1)


def launch(served: Served) -> str:
    """Launch a run whose first step waits, and return it when that step is under way."""
    served.hold()
    run = served.client.submit_job_execution("long")
    wait_until(lambda: processes(served) > 1, "a run and its step are there")
    served.wait_for_start(run)
    return run


def test_a_run_and_its_step_end_when_it_is_cancelled(mounted: Served) -> None:
    run = launch(mounted)
    assert mounted.team.cancel(run) is DagsterRunStatus.CANCELED
    wait_until(lambda: processes(mounted) == 0, "both have ended")


def test_a_step_that_crashes_is_told_of_with_its_signal(mounted: Served, podman: Podman) -> None:
    run = mounted.client.submit_job_execution("crashing")
    assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
    events = mounted.team.dashboard.query(EVENTS, run=run)["logsForRun"]["events"]
    said = [event["message"] for event in events]
    assert any("step crash was terminated by signal 11" in each for each in said), said
    logs = podman("logs", mounted.stack.container("pipes"))
    assert "goroutine" not in logs.stdout + logs.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs under another uid")
def test_a_run_whose_process_is_killed_fails_at_once_with_the_signal(mounted: Served) -> None:
    run = launch(mounted)
    mounted.kill("run")
    assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
    events = mounted.team.dashboard.query(EVENTS, run=run)["logsForRun"]["events"]
    assert any("signal 9" in event.get("message", "") for event in events), events
    wait_until(lambda: processes(mounted) == 0, "its step has ended, too")


CROWD = """
import subprocess
import sys
import time

import dagster as dg


@dg.op
def crowd() -> None:
    small = "taken = b'x' * (8 << 20); import time; time.sleep(600)"
    while True:
        subprocess.Popen([sys.executable, "-IS", "-c", small])


@dg.job(executor_def=dg.in_process_executor)
def crowded() -> None:
    crowd()


defs = dg.Definitions(jobs=[crowded])
"""
MEMORY = "700m"  # of the container, for this test


@pytest.fixture
def narrow(mounted: Served, podman: Podman) -> Iterator[Served]:
    """The stack with little memory for pipes."""
    container = mounted.stack.container("pipes")
    before = podman.inspect(container)["HostConfig"]["Memory"]
    mounted.save("", CROWD)
    mounted.stack.dagnix("reload")
    mounted.team.dashboard.wait_for_job("crowded")
    podman("update", f"--memory={MEMORY}", f"--memory-swap={MEMORY}", container)
    yield mounted
    podman("update", f"--memory={before}", f"--memory-swap={2 * before}", container)


def test_many_small_processes_of_a_run_do_not_end_what_serves(
    narrow: Served, podman: Podman
) -> None:
    container = narrow.stack.container("pipes")

    def ended() -> list[str]:
        # Not those that a reload has replaced: they are told to end.
        return re.findall(r"the code server \S+ ended with", podman.logs(container))

    before = ended()
    started = podman.inspect(container)["State"]["StartedAt"]
    run = narrow.client.submit_job_execution("crowded")
    assert narrow.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
    assert podman.inspect(container)["State"]["StartedAt"] == started
    assert narrow.stack.health("pipes")[0]
    assert ended() == before


def test_a_run_server_that_was_told_to_end_is_not_well_and_fails_no_run(mounted: Served) -> None:
    stack = mounted.stack
    mounted.hold()
    long = mounted.client.submit_job_execution("long")
    mounted.wait_for_start(long)
    code = max(stack.processes("pipes", "code server"))
    parent = f"open('/proc/{code}/stat').read().rpartition(')')[2].split()[1]"
    stack.exec("pipes", "python3.13", "-c", f"import os; os.kill(int({parent}), 15)")
    wait_until(lambda: not stack.health("pipes")[0], "it was told to end")
    assert re.search(r"was told to end: takes no new runs, .* \(1\)", stack.health("pipes")[1])
    short = mounted.client.submit_job_execution("short")
    again = "SELECT run_id FROM dagster.event_logs WHERE event LIKE '%takes no new runs%'"
    wait_until(lambda: short in stack.sql(again), "the run went back into the queue")
    mounted.release()
    assert mounted.team.answer("long", long) == "first"
    assert mounted.team.answer("short", short) == "first"
