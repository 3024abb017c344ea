"""Prunes an instance once."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dagster import DagsterInstance
from dagster._core.storage.dagster_run import RunRecord
from sqlalchemy import text

from dagster_dagnix import leftovers
from dagster_dagnix.prune import queries, ticks
from dagster_dagnix.prune.choice import Choice, run_id
from dagster_dagnix.prune.folders import Folders
from dagster_dagnix.prune.report import Report
from dagster_dagnix.prune.times import note_pruned
from dagster_dagnix.retention import Retention
from dagster_dagnix.storage import DagnixRunStorage


class CannotPruneError(RuntimeError):
    """Why an instance cannot be pruned, in a sentence."""


@dataclass(frozen=True)
class Order:
    """What is asked for."""

    location: str | None = None  # whose runs; None is all
    is_dry: bool = False
    shrinks: bool = False


def retention_of(instance: DagsterInstance) -> Retention:
    """Return how long an instance keeps what it makes.

    Raises CannotPruneError when its storage is not this package's.
    """
    storage = instance.run_storage
    if not isinstance(storage, DagnixRunStorage):
        raise CannotPruneError(
            f"This instance's runs are in {type(storage).__name__}: only those of "
            "DagnixPostgresStorage can be pruned."
        )
    return storage.retention


def prune(
    instance: DagsterInstance, order: Order = Order(), now: dt.datetime | None = None
) -> Report:
    """Delete what is past its time at `now`, and return what went; or what would, if it is dry.

    Raises CannotPruneError, when another process prunes the same instance as well.
    """
    retention = retention_of(instance)
    now = now or dt.datetime.now(dt.UTC)
    with queries.connection(instance) as lock:
        given = {"lock": queries.LOCK}
        if not lock.execute(text("SELECT pg_try_advisory_lock(:lock)"), given).scalar():
            raise CannotPruneError(
                "The instance is being pruned just now: wait until that has ended."
            )
        try:
            return _prune(instance, retention, order, now)
        finally:
            lock.execute(text("SELECT pg_advisory_unlock(:lock)"), given)


def _prune(
    instance: DagsterInstance, retention: Retention, order: Order, now: dt.datetime
) -> Report:
    report = Report(is_dry=order.is_dry)
    choice = Choice(instance, retention, order.location, now)
    per_event = queries.event_room(instance)
    for runs in choice.bites(deletes=not order.is_dry):
        began = time.monotonic()
        _count(instance, runs, per_event, report)
        if not order.is_dry:
            for each in runs:
                delete_run(instance, run_id(each))
            time.sleep(
                time.monotonic() - began
            )  # who works gets as much of PostgreSQL and the disk
    report.kept = +choice.kept
    Folders(instance, retention, now, report, choice.gone).prune()
    report.ticks = ticks.prune(instance, retention, now, is_dry=order.is_dry)
    if order.is_dry:
        return report
    if order.shrinks:
        before = queries.room(instance)
        queries.shrink(instance)
        report.returned = max(0, before - queries.room(instance))
    elif report.runs or report.ticks:
        queries.vacuum(instance)
    if order.location:
        note_pruned(instance, order.location, now)
    return report


def _count(
    instance: DagsterInstance, runs: Sequence[RunRecord], per_event: int, report: Report
) -> None:
    ids = [run_id(each) for each in runs]
    events = queries.events(instance, ids)
    report.runs += len(runs)
    report.events += events
    report.database += events * per_event
    files, logs = leftovers.files_root(instance), leftovers.logs_root(instance)
    for each in ids:
        report.files += leftovers.size(files / each)
        if logs and logs != files:
            report.logs += leftovers.size(logs / each)


def delete_run(instance: DagsterInstance, run_id: str) -> None:
    """Delete a run as DagsterInstance.delete_run does, but its events first.

    So an interrupted one leaves a run that can be deleted again, and no events of no run.
    """
    instance.event_log_storage.delete_events(run_id)
    instance.run_storage.delete_run(run_id)
