"""Dagster stores a run's failure first and its status after it; the daemon reads events once.

So a daemon that reads in between, a few milliseconds, finds a run that has not failed, and moves
its cursor past the event: the run is never retried.
"""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRunStatus, job
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.dagster_run import RunRecord
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

seen: list[DagsterRunStatus] = []


def note(_context: Any, records: Sequence[RunRecord], _logger: logging.Logger) -> Iterator[None]:
    """Take the place of what makes retries of the failed among these runs."""
    seen.extend(record.dagster_run.status for record in records)
    yield


class Consumer(EventLogConsumerDaemon):
    """The daemon's reader of events."""

    @property
    def handle_updated_runs_fns(self) -> Sequence[Any]:
        """What it hands the runs with new events to."""
        return [note]


@job
def fails() -> None:
    """Is never executed."""


logging.disable()
with DagsterInstance.ephemeral() as instance:
    context: Any = SimpleNamespace(instance=instance)
    consumer = Consumer()
    list(consumer.run_iteration(context))
    run = instance.create_run_for_job(fails, status=DagsterRunStatus.STARTED)
    failure = DagsterEvent(DagsterEventType.RUN_FAILURE.value, job_name="fails")
    entry = EventLogEntry(
        error_info=None,
        level=logging.INFO,
        user_message="",
        run_id=run.run_id,
        timestamp=time.time(),
        dagster_event=failure,
    )

    # DagsterInstance.handle_new_event does the first, then the last.
    instance.event_log_storage.store_event(entry)
    list(consumer.run_iteration(context))
    instance.run_storage.handle_run_event(run.run_id, failure)

    list(consumer.run_iteration(context))

print("The daemon looked at the run when it was", ", ".join(each.value for each in seen))
sys.exit(DagsterRunStatus.FAILURE not in seen)
