"""Have the daemon make each retry that Dagster has promised (its tag dagster/will_retry).

By itself it loses some (Dagster 1.13). A run that fails gets its last event before its status and
tags: a daemon that reads the event in between sees no failed run, and never looks at that event
again. And when the run's code is not served just then, as after its code server was killed with the
run in it, the retry is given up for good.

So a retry waits for its code, and the daemon also looks for failed runs whose retry is missing. In
the daemon's own process, as only it knows whether it is making one.
"""

import datetime as dt
import sys
import time
from collections.abc import Iterator
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.errors import DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError
from dagster._core.events import EngineEventData
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG
from dagster._daemon.auto_run_reexecution import auto_run_reexecution
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._utils.error import serializable_error_info_from_exc_info

LOOK_SECONDS = 30
LOOK_AGAIN_SECONDS = 10  # while retries wait
# Older ones were failed when there was another reason not to retry them.
OLDEST = dt.timedelta(hours=6)
WAITS = "The code of this run is not served now. It is retried as soon as it is, within six hours."

retry_run, consume_events = auto_run_reexecution.retry_run, EventLogConsumerDaemon.run_iteration

waiting: set[str] = set()  # IDs of runs whose code is not served
asked: set[str] = set()  # those that Dagster was asked for once more: what it did then is final


def retry_or_wait(failed_run: DagsterRun, workspace_context: Any) -> None:
    """Make the retry, or note that it waits."""
    try:
        retry_run(failed_run, workspace_context)
    except (DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError):
        if failed_run.run_id not in waiting:
            waiting.add(failed_run.run_id)
            error = EngineEventData.engine_error(
                serializable_error_info_from_exc_info(sys.exc_info())
            )
            workspace_context.instance.report_engine_event(WAITS, failed_run, error)
    else:
        waiting.discard(failed_run.run_id)


def without_retry(instance: DagsterInstance) -> list[RunRecord]:
    """Return the failed runs that Dagster says it will retry, and has not."""
    promised = RunsFilter(
        statuses=[DagsterRunStatus.FAILURE],
        tags={WILL_RETRY_TAG: "true"},
        updated_after=dt.datetime.now(dt.UTC) - OLDEST,
    )
    return [
        record
        for record in instance.get_run_records(promised)
        if AUTO_RETRY_RUN_ID_TAG not in record.dagster_run.tags
        and record.dagster_run.run_id not in asked
    ]


def consume_and_look(consumer: Any, workspace_context: Any) -> Iterator[None]:
    """Read events as ever, then see to the retries that are missing."""
    yield from consume_events(consumer, workspace_context)
    if time.monotonic() < vars(consumer).get("next_look", 0):
        return
    missing = without_retry(workspace_context.instance)
    yield from auto_run_reexecution.consume_new_runs_for_automatic_reexecution(
        workspace_context,
        missing,
        consumer._logger,  # noqa: SLF001 - as Dagster itself
    )
    ids = {record.dagster_run.run_id for record in missing}
    waiting.intersection_update(ids)
    asked.update(ids - waiting)
    pause = LOOK_AGAIN_SECONDS if waiting else LOOK_SECONDS
    consumer.next_look = time.monotonic() + pause


auto_run_reexecution.retry_run = retry_or_wait
EventLogConsumerDaemon.run_iteration = consume_and_look
