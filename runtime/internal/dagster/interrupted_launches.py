"""Settle the runs whose launch was cut off, as the daemon before this was killed.

A launch has two steps: the run becomes STARTING, then a code server is asked to execute it. A run
whose launch was cut off between them is executed by nobody, and Dagster would fail it after
start_timeout_seconds. A run that its code server does not know goes back into the queue.

In the daemon's own process, as importing Dagster takes seconds.
"""

import json
import socket
import sys
import threading
import time

from dagster import DagsterEvent, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

run_ids = sys.argv.pop(1)
# A code server that was asked has a run under way by then, if only in a server inside it that a
# reload has replaced, which would not know it.
ASKED_SECONDS = 20
# Less than start_timeout_seconds, after which the run has failed.
LIMIT_SECONDS = 150
PAUSE_SECONDS = 2


def is_executed(run: DagsterRun) -> bool:
    """Ask the run's code server for it. Raises DagsterUserCodeUnreachableError."""
    server = json.loads(run.tags[GRPC_INFO_TAG])
    client = DagsterGrpcClient(host=server["host"], port=server["port"])
    answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def is_gone(host: str) -> bool:
    """Tell whether no container has this name any more."""
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror as error:
        return error.errno == socket.EAI_NONAME
    return False


def is_settled(instance: DagsterInstance, run_id: str, waited: float) -> bool:
    """Put the run back if nobody executes it; tell whether that is settled."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.status is not DagsterRunStatus.STARTING:
        return True
    if GRPC_INFO_TAG in run.tags:
        if waited < ASKED_SECONDS:
            return False
        try:
            if is_executed(run):
                return True
        except DagsterUserCodeUnreachableError:
            if not is_gone(json.loads(run.tags[GRPC_INFO_TAG])["host"]):
                return False
    message = "The daemon was killed while it launched this run, which goes back into the queue."
    instance.report_engine_event(message, run)
    instance.report_dagster_event(DagsterEvent.job_enqueue(run), run_id=run_id)
    return True


def settle() -> None:
    """Settle all runs whose launch may have been cut off."""
    began = time.monotonic()
    pending = run_ids.split(",")
    with DagsterInstance.get() as instance:
        while pending and (waited := time.monotonic() - began) < LIMIT_SECONDS:
            pending = [each for each in pending if not is_settled(instance, each, waited)]
            time.sleep(PAUSE_SECONDS)


threading.Thread(target=settle, daemon=True).start()
