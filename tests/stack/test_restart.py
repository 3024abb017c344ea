"""One service restarted while runs are in flight and others are queued."""

import re

import pytest
from dagster import DagsterRunStatus
from support.served import Served

SHORT_RUNS = 6


@pytest.mark.parametrize("service", ["webserver", "daemon"])
def test_no_run_is_lost(mounted: Served, service: str) -> None:
    mounted.hold()
    submit = mounted.client.submit_job_execution
    long = submit("long")
    mounted.wait_for_start(long)
    before = mounted.stack.identifiers()
    queued = [submit("short") for _ in range(SHORT_RUNS)]
    done = mounted.stack.dagnix("restart", service)
    assert f"{service} is healthy" in done.stderr
    assert mounted.stack.identifiers() == before
    assert len(mounted.team.tags("short").keys() & set(queued)) == SHORT_RUNS
    mounted.release()
    for run in [long, *queued]:
        assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.SUCCESS


def test_what_may_be_lost_is_said_first(mounted: Served) -> None:
    mounted.hold()
    long = mounted.client.submit_job_execution("long")
    mounted.wait_for_start(long)
    done = mounted.stack.dagnix("restart", "postgres")
    # The sensor of another test may have launched some, too.
    assert re.search(r"Runs in flight: [1-9].*postgres is restarted", done.stderr, re.DOTALL)
    mounted.release()
    assert mounted.team.dashboard.end_of(long) in {
        DagsterRunStatus.SUCCESS,
        DagsterRunStatus.FAILURE,
    }


def test_pipes_is_not_restarted_with_runs_in_it(mounted: Served) -> None:
    refused = mounted.stack.dagnix("restart", "pipes", check=False)
    assert refused.returncode == 1
    assert "it is one of webserver, daemon, postgres" in refused.stderr
