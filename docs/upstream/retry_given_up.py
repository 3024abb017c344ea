"""The daemon gives a retry up for ever when the run's code is not served at that moment.

A code server that is restarted at the wrong moment loses the retries of the runs that fail then.
"""

import logging
import sys
import tempfile
import warnings
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter, job
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import MAX_RETRIES_TAG, WILL_RETRY_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import (
    consume_new_runs_for_automatic_reexecution,
)


@job
def fails() -> None:
    """Is never executed."""


SETTINGS = {"run_retries": {"enabled": True}}
away: dict[str, Any] = {"host": "localhost", "socket": "/nowhere", "location_name": "code"}
logging.disable()
warnings.simplefilter("ignore")
with (
    tempfile.TemporaryDirectory() as home,
    DagsterInstance.local_temp(home, overrides=SETTINGS) as instance,
):
    location = GrpcServerCodeLocationOrigin(**away)
    repository = RemoteRepositoryOrigin(location, "__repository__")
    run = instance.create_run_for_job(
        fails,
        status=DagsterRunStatus.STARTED,
        tags={MAX_RETRIES_TAG: "1"},
        remote_job_origin=repository.get_job_origin("fails"),
    )
    instance.report_run_failed(run)
    promised = instance.get_runs()[0].tags[WILL_RETRY_TAG]
    with WorkspaceProcessContext(instance, GrpcServerTarget(port=None, **away)) as workspace:
        records = instance.get_run_records(RunsFilter(run_ids=[run.run_id]))
        list(consume_new_runs_for_automatic_reexecution(workspace, records, logging.getLogger()))
    kept = instance.get_runs()[0].tags[WILL_RETRY_TAG]

if promised != "true":
    sys.exit("This script does not work here: no retry was promised.")
print(f"{WILL_RETRY_TAG} was {promised}, and is {kept} after the code server was away once")
sys.exit(kept != "true")
