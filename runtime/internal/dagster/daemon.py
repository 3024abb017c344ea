"""See to the runs that the daemon, which runs after this, loses by itself.

A launch has two steps: the run becomes STARTING, then a code server is asked to execute it. A run
whose launch was cut off between them, as the daemon was killed, is executed by nobody, and Dagster
would fail it after start_timeout_seconds. A run that its code server does not know goes back into
the queue.

A run that fails gets its last event before its status and tags. A daemon that reads the event in
between sees no failed run, does not retry it, and never looks at that event again (Dagster 1.13).
So it is shown the events of failures once more when a run waits for its retry.

In the daemon's own process, as importing Dagster takes seconds.
"""

import datetime as dt
import json
import logging
import socket
import sys
import threading
import time

from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunsFilter,
)
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, GRPC_INFO_TAG, WILL_RETRY_TAG
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

# The daemon looks for failures every 5 s.
RETRIED_SECONDS = 20
LOOK_SECONDS = 30
TRIES = 3
# Older ones were failed when there was another reason not to retry them.
OLDEST = dt.timedelta(hours=6)
CURSOR = f"EVENT_LOG_CONSUMER_CURSOR-{DagsterEventType.RUN_FAILURE.value}"


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


def without_retry(instance: DagsterInstance) -> list[str]:
    """Return the IDs of the failed runs that Dagster says it will retry, and has not."""
    now = dt.datetime.now(dt.UTC)
    waiting = RunsFilter(
        statuses=[DagsterRunStatus.FAILURE],
        tags={WILL_RETRY_TAG: "true"},
        updated_after=now - OLDEST,
    )
    latest = now.timestamp() - RETRIED_SECONDS
    return [
        record.dagster_run.run_id
        for record in instance.get_run_records(waiting)
        if AUTO_RETRY_RUN_ID_TAG not in record.dagster_run.tags
        and (record.end_time or latest) < latest
    ]


def show_again(instance: DagsterInstance, run_id: str) -> None:
    """Have the daemon read the run's failure, and all later ones, once more.

    It retries no run twice.
    """
    failures = instance.get_records_for_run(run_id, of_type=DagsterEventType.RUN_FAILURE).records
    if failures:
        before = failures[-1].storage_id - 1
        cursor = instance.daemon_cursor_storage.get_cursor_values({CURSOR}).get(CURSOR)
        if cursor and int(cursor) > before:
            instance.daemon_cursor_storage.set_cursor_values({CURSOR: str(before)})


def see_to_retries() -> None:
    """Have the daemon retry the runs that it has not seen fail."""
    shown = {}
    with DagsterInstance.get() as instance:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                for run_id in without_retry(instance):
                    shown[run_id] = shown.get(run_id, 0) + 1
                    # The daemon may have been about to write where it is.
                    if shown[run_id] <= TRIES:
                        show_again(instance, run_id)
            except Exception:  # Postgres may be away
                logging.getLogger(__name__).exception("Cannot look for runs without their retry")


if run_ids:
    threading.Thread(target=settle, daemon=True).start()
threading.Thread(target=see_to_retries, daemon=True).start()
