"""Have the daemon keep Dagster's promises of a retry (its tag dagster/will_retry).

By itself it forgets some (Dagster 1.13). A run that fails gets its last event before its status and
tags: a daemon that reads the event in between sees no failed run, and never looks at that event
again. And when the run's code is not served just then, as after its code server was killed with the
run in it, the retry is given up for good.

So a retry waits for its code, and the daemon also looks for failed runs whose retry is missing. In
the daemon's own process, as only it knows whether it is making one.
"""

import datetime as dt
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.errors import DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError
from dagster._core.events import EngineEventData
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    PARENT_RUN_ID_TAG,
    RETRY_NUMBER_TAG,
    WILL_RETRY_TAG,
)
from dagster._daemon.auto_run_reexecution import auto_run_reexecution
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._utils.error import serializable_error_info_from_exc_info

LOOK_SECONDS = float(os.environ.get("DAGNIX_LOOK_SECONDS") or 30)
LOOK_AGAIN_SECONDS = LOOK_SECONDS / 3  # while retries wait
# Nobody expects a retry any more that comes later.
LONGEST_WAIT = dt.timedelta(hours=6)
# More, so that a look finds those whose wait is over.
OLDEST = LONGEST_WAIT + dt.timedelta(hours=1)
WAITS = (
    "This run's code is not loaded, or its code server does not answer. The run is retried once it "
    "does, if it does within six hours."
)
BY_HAND = "Not retrying the run: it was executed again by hand while the retry waited."

retry_run, consume_events = auto_run_reexecution.retry_run, EventLogConsumerDaemon.run_iteration

away: set[str | None] = set()  # code locations that did not answer, since the last look began
told: set[str] = set()  # IDs of runs whose log says that the retry waits
asked: set[str] = set()  # those of runs that a look had Dagster retry: what it did then is final


def location(run: DagsterRun) -> str | None:
    """Return the name of the code location that a run is of."""
    job = run.remote_job_origin
    return job.repository_origin.code_location_origin.location_name if job else None


def retry_or_wait(failed_run: DagsterRun, workspace_context: Any) -> None:
    """Make the retry, or note that it waits. Raises what Dagster does when it waited too long."""
    try:
        retry_run(failed_run, workspace_context)
    except (DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError):
        instance = workspace_context.instance
        record = instance.get_run_record_by_id(failed_run.run_id)
        ended = record and record.end_time
        if ended and time.time() - ended > LONGEST_WAIT.total_seconds():
            raise
        away.add(location(failed_run))
        if failed_run.run_id not in told:
            told.add(failed_run.run_id)
            error = serializable_error_info_from_exc_info(sys.exc_info())
            instance.report_engine_event(WAITS, failed_run, EngineEventData.engine_error(error))


def missing(instance: DagsterInstance) -> list[RunRecord]:
    """Return the failed runs that are to be retried, and whose retry was not made or not queued."""
    promised = RunsFilter(
        statuses=[DagsterRunStatus.FAILURE],
        tags={WILL_RETRY_TAG: "true"},
        updated_after=dt.datetime.now(dt.UTC) - OLDEST,
    )
    unqueued = set(instance.get_run_ids(RunsFilter(statuses=[DagsterRunStatus.NOT_STARTED])))
    return [
        record
        for record in instance.get_run_records(promised)
        if record.dagster_run.run_id not in asked
        and record.dagster_run.tags.get(AUTO_RETRY_RUN_ID_TAG) in {None, *unqueued}
    ]


def was_retried_by_hand(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Tell whether somebody else has executed a run again."""
    again = instance.get_runs(RunsFilter(tags={PARENT_RUN_ID_TAG: run.run_id}))
    return any(RETRY_NUMBER_TAG not in each.tags for each in again)


def consume_and_look(consumer: Any, workspace_context: Any) -> Iterator[None]:
    """Read events as ever, then see to the retries that are missing."""
    yield from consume_events(consumer, workspace_context)
    if time.monotonic() < vars(consumer).get("next_look", 0):
        return
    instance = workspace_context.instance
    away.clear()
    for record in missing(instance):
        run = record.dagster_run
        if was_retried_by_hand(instance, run):
            instance.report_engine_event(BY_HAND, run)
            instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "false"})
        elif location(run) not in away:  # one that hangs does so once a look
            yield from auto_run_reexecution.consume_new_runs_for_automatic_reexecution(
                workspace_context,
                [record],
                consumer._logger,  # noqa: SLF001 - as Dagster itself
            )
            if location(run) not in away:
                asked.add(run.run_id)
    pause = LOOK_AGAIN_SECONDS if away else LOOK_SECONDS
    consumer.next_look = time.monotonic() + pause


auto_run_reexecution.retry_run = retry_or_wait
EventLogConsumerDaemon.run_iteration = consume_and_look
