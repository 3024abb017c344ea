"""What Dagster promises to nobody and this package relies on, in one place.

Nothing of it is replaced: it is called, or a method is overridden in a subclass. Checked with
Dagster 1.12.4 and 1.13.27 by tests/contract/test_dagster.py, which says what each is relied on for.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import dagster_postgres.utils
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun
from dagster._core.definitions.executor_definition import (
    MULTI_PROC_CONFIG,
    multiple_process_executor_requirements,
)
from dagster._core.errors import DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError
from dagster._core.events import RunFailureReason
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._core.scheduler.instigation import InstigatorState
from dagster._core.storage.schedules.schema import InstigatorsTable, JobTickTable
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from dagster._core.storage.sql import create_engine as create_dagster_engine
from dagster._core.storage.tags import MAX_RETRIES_TAG, RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import retry_run, should_retry
from dagster._daemon.auto_run_reexecution.event_log_consumer import _create_cursor_key
from dagster._serdes import deserialize_value
from dagster._time import datetime_from_timestamp
from dagster_postgres import PostgresEventLogStorage, PostgresScheduleStorage
from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine

from dagster_dagnix.protocol import CODE_LINK

__all__ = [
    "MULTI_PROC_CONFIG",
    "UNSERVED",
    "UNSERVED_ERRORS",
    "EventLogSchema",
    "ScheduleSchema",
    "StepDependencyConfig",
    "captured_steps",
    "change_run",
    "create_engine",
    "daemon_has_read",
    "dagster",
    "engine_events",
    "location_of_run",
    "location_of_tick",
    "max_retries",
    "multiple_process_executor_requirements",
    "retry",
    "token_provider",
]


class EventLogSchema(PostgresEventLogStorage):
    """The one method that all of the event log's connections come from."""

    def _connect(self) -> AbstractContextManager[Connection]:
        return self.connect()  # type: ignore[attr-defined]  # of the other base class


class ScheduleSchema(PostgresScheduleStorage):
    """The look for a table at each change of a schedule."""

    def _has_instigators_table(self, conn: Connection) -> bool:
        look = super()._has_instigators_table
        return self.seen("instigators", lambda: look(conn))  # type: ignore[attr-defined]


def create_engine(url: str, token_provider: Any, **options: Any) -> Engine:
    """Make an engine, as dagster_postgres does; since 0.29 with passwords that expire."""
    make = getattr(dagster_postgres.utils, "create_pg_engine", None)
    if make is None:
        return create_dagster_engine(url, **options)
    return make(url, token_provider, **options)


def token_provider(config: Mapping[str, Any]) -> Any:
    """Return what fetches passwords that expire, or None; dagster_postgres 0.28 has no such."""
    get = getattr(dagster_postgres.utils, "get_token_provider_from_config", None)
    return get(config) if get else None


def change_run(instance: DagsterInstance, event: EventLogEntry) -> None:
    """Do to a run what an event says, as the instance itself does after it has stored the event."""
    if not event.is_dagster_event or not event.get_dagster_event().is_job_event:
        return
    happened = event.get_dagster_event()
    time = datetime_from_timestamp(event.timestamp)
    instance.run_storage.handle_run_event(event.run_id, happened, time)
    if not happened.is_run_failure or not instance.run_retries_enabled:
        return
    run = instance.get_run_by_id(event.run_id)
    if run:
        reason = run.tags.get(RUN_FAILURE_REASON_TAG)
        will = auto_reexecution_should_retry_run(
            instance, run, RunFailureReason(reason) if reason else None
        )
        instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: str(will).lower()})


def captured_steps(event: EventLogEntry) -> Sequence[str]:
    """Return the steps whose output this process captures from now on, if an event says so."""
    if event.dagster_event_type is not DagsterEventType.LOGS_CAPTURED:
        return ()
    return event.get_dagster_event().logs_captured_data.step_keys or ()


def location_of_run(run: DagsterRun) -> str:
    """Return the code location of a run; "" if it has none, as one that was executed by hand."""
    return run.remote_job_origin.location_name if run.remote_job_origin else ""


def location_of_tick(instance: DagsterInstance, tick: int) -> str:
    """Return the code location of the schedule or sensor that has a tick; "" if there is none."""
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        return ""
    chosen = (
        select(InstigatorsTable.c.instigator_body)
        .join(JobTickTable, JobTickTable.c.selector_id == InstigatorsTable.c.selector_id)
        .where(JobTickTable.c.id == tick)
    )
    with storage.connect() as connection:
        body = connection.execute(chosen).scalar()
    if not body:
        return ""
    origin = deserialize_value(body, InstigatorState).origin
    return origin.repository_origin.code_location_origin.location_name


# The errors upon which the daemon gives a retry up, though it could be made later.
UNSERVED_ERRORS = (DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError)
UNSERVED = {each.__name__ for each in UNSERVED_ERRORS}


def max_retries(instance: DagsterInstance, run: DagsterRun) -> int:
    """Return how often a run is retried at most; 0 for what is no number."""
    try:
        return int(run.tags.get(MAX_RETRIES_TAG, instance.run_retries_max_retries))
    except ValueError:
        return 0


def engine_events(instance: DagsterInstance, run: DagsterRun) -> list[DagsterEvent]:
    """Return what Dagster's own programs have said of a run, the oldest first."""
    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    return [each.get_dagster_event() for each in entries]


def daemon_has_read(instance: DagsterInstance, run: DagsterRun) -> bool | None:
    """Tell whether the daemon has read of a run's failure, and done what it does upon that.

    None is for a run without the event, as when the process that was to store it was killed.
    """
    key = _create_cursor_key(DagsterEventType.RUN_FAILURE)
    cursor = instance.daemon_cursor_storage.get_cursor_values({key}).get(key)
    failures = instance.get_records_for_run(
        run.run_id, of_type=DagsterEventType.RUN_FAILURE, limit=1, ascending=False
    ).records
    return int(cursor or 0) >= failures[0].storage_id if failures else None


def retry(instance: DagsterInstance, run: DagsterRun, folder: Path, location: str) -> None:
    """Make a run's retry and queue it, or queue the one that there is, as the daemon does.

    Raises one of UNSERVED_ERRORS when the code server in `folder` does not serve the run's code.
    """
    target = GrpcServerTarget(
        host="localhost", port=None, socket=str(folder / CODE_LINK), location_name=location
    )
    with WorkspaceProcessContext(instance, target) as workspace:
        if should_retry(run, instance):
            retry_run(run, workspace)


(_command,) = entry_points(group="console_scripts", name="dagster")
_main = _command.load()


def dagster(*arguments: str) -> int:
    """Be the command `dagster`, and return its exit code.

    Its hidden `api` commands are what Dagster's own launchers start. Raises what the user's code
    raises.
    """
    sys.argv[:] = ["dagster", *arguments]
    try:
        _main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0
