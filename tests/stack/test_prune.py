"""What is deleted of runs that are not kept any longer, in the running stack."""

import datetime as dt
import re
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support.command import wait_until
from support.dashboard import Dashboard
from support.markdown import Page
from support.podman import Podman
from support.stack import SERVICES, Stack

PAGE = Page(Path("docs/howto/retention.md"))
DRY, PRUNE, SHRINK = PAGE.commands()
LEFT = """
from pathlib import Path
data = Path("/var/lib/dagster")
print([(data / each / {run!r}).exists() for each in ("storage", "compute_logs/pipes")])
"""
# What steps of ops hand to each other; the example has assets, whose files are not a run's.
HANDED = """
from pathlib import Path
folder = Path("/var/lib/dagster/storage", {run!r})
folder.mkdir(parents=True)
(folder / "result").write_bytes(b"x" * 100_000)
"""
OLD = "UPDATE dagster.runs SET update_timestamp = now() - interval '91 days' WHERE run_id = '{run}'"


PRUNED = """
INSERT INTO dagster.kvs (key, value) VALUES ('dagnix/pruned', '{now}')
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


@pytest.fixture(scope="module")
def runs(stack: Stack) -> list[str]:
    """Runs of the example, with files that their steps have handed to each other."""
    dashboard = Dashboard(stack.port)
    # The webserver prunes the instance for the first time ten minutes after its start. That may be
    # just now.
    stack.sql(PRUNED.format(now=dt.datetime.now(dt.UTC).isoformat()))
    made = []
    for _ in range(3):
        run, status = dashboard.run("example")
        assert status is DagsterRunStatus.SUCCESS
        stack.python("pipes", HANDED.format(run=run))
        assert stack.python("pipes", LEFT.format(run=run)) == "[True, True]\n"
        made.append(run)
    return made


def test_a_run_that_is_deleted_in_the_dashboard_takes_its_logs_and_files_along(
    stack: Stack, runs: list[str]
) -> None:
    deleted, other, _ = runs
    Dashboard(stack.port).delete(deleted)
    gone = LEFT.format(run=deleted)
    wait_until(lambda: stack.python("pipes", gone) == "[False, False]\n", "they are gone")
    assert stack.python("pipes", LEFT.format(run=other)) == "[True, True]\n"


@PAGE.run_by(DRY, PRUNE, SHRINK)
def test_old_runs_go_with_their_logs_and_files(stack: Stack, runs: list[str]) -> None:
    _, first, last = runs
    for each in (first, last):
        stack.sql(OLD.format(run=each))
    said = stack.dagnix(*DRY.split()[1:]).stdout
    assert "Would go: 1 run with " in said
    assert re.search(r"KiB of compute logs, .* KiB of files that steps", said)
    assert "Kept past their time: 1 run with the last materialization" in said
    assert stack.python("pipes", LEFT.format(run=first)) == "[True, True]\n"
    said = stack.dagnix(*PRUNE.split()[1:]).stdout
    assert "Gone: 1 run with " in said
    assert re.search(r"KiB of compute logs, .* KiB of files that steps", said)
    assert stack.python("pipes", LEFT.format(run=first)) == "[False, False]\n"
    assert Dashboard(stack.port).runs().keys() & {first, last} == {last}
    assert "Gone: 0 runs" in stack.dagnix(*SHRINK.split()[1:]).stdout


def test_the_log_of_a_container_does_not_grow_without_end(stack: Stack, podman: Podman) -> None:
    limits = {}
    for service in (*SERVICES, "backup", "alerts"):
        seen = podman.inspect(stack.container(service))["HostConfig"]["LogConfig"]
        limits[service] = seen["Size"]
        path = Path(seen["Path"])
        assert path.stat().st_size < 11e6
    assert set(limits.values()) == {"10MB"}, limits
    # As process 1 prints it.
    path = Path(podman.inspect(stack.container("pipes"))["HostConfig"]["LogConfig"]["Path"])
    stack.python(
        "pipes",
        "import sys; out = open('/proc/1/fd/1', 'w'); out.write(('x' * 999 + '\\n') * 12_000)",
    )
    wait_until(lambda: b"xxx" in path.read_bytes(), "it is in the log")
    assert path.stat().st_size < 11e6
