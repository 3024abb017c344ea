"""Prunes an instance once."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dagster import DagsterInstance
from dagster._core.storage.dagster_run import RunRecord
from sqlalchemy import text

from dagster_dagnix import leftovers, trees
from dagster_dagnix.prune import queries, ticks
from dagster_dagnix.prune.choice import Choice, run_id
from dagster_dagnix.prune.files import Files
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

    is_dry: bool = False
    shrinks: bool = False


def storage_of(instance: DagsterInstance) -> DagnixRunStorage:
    """Return the storage of an instance's runs.

    Raises CannotPruneError when it is not this package's.
    """
    storage = instance.run_storage
    if not isinstance(storage, DagnixRunStorage):
        raise CannotPruneError(
            f"This instance's runs are in {type(storage).__name__}: only those of "
            "DagnixPostgresStorage can be pruned."
        )
    return storage


def prune(
    instance: DagsterInstance, order: Order = Order(), now: dt.datetime | None = None
) -> Report:
    """Delete what is past its time at `now`, and return what went; or what would, if it is dry.

    Raises CannotPruneError, when another process prunes the same instance as well.
    """
    retention = storage_of(instance).retention
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
    choice = Choice(instance, retention, now)
    files = Files(instance, retention, now, report)
    per_event = queries.event_room(instance)
    for runs in choice.bites(deletes=not order.is_dry):
        began = time.monotonic()
        _count(instance, runs, per_event, report)
        if not order.is_dry:
            for each in runs:
                delete_run(instance, run_id(each))
            # Who works gets as much of PostgreSQL and the disk.
            time.sleep(time.monotonic() - began)
        files.add(runs)
    files.end()
    report.kept = +choice.kept
    folders = Folders(instance, retention, now, is_dry=order.is_dry, gone=choice.gone)
    report.logs += folders.prune_logs()
    report.ticks = ticks.prune(instance, retention, now, is_dry=order.is_dry)
    if order.is_dry:
        return report
    if order.shrinks:
        before = queries.room(instance)
        queries.shrink(instance)
        report.returned = max(0, before - queries.room(instance))
    elif report.runs or report.ticks:
        queries.vacuum(instance)
    note_pruned(instance, now)
    return report


def _count(
    instance: DagsterInstance, runs: Sequence[RunRecord], per_event: int, report: Report
) -> None:
    ids = [run_id(each) for each in runs]
    events = queries.events(instance, ids)
    report.runs += len(runs)
    report.events += events
    report.database += events * per_event
    files = leftovers.files_root(instance)
    roots = [each for each in leftovers.logs_roots(instance) if each != files]
    report.logs += sum(trees.room(root / each) for root in roots for each in ids)


def delete_run(instance: DagsterInstance, run_id: str) -> None:
    """Delete a run and its logs as DagsterInstance.delete_run does, but its events first.

    So an interrupted one leaves a run that can be deleted again, and no events of no run. The files
    of its steps stay.
    """
    instance.event_log_storage.delete_events(run_id)
    storage_of(instance).delete_row(run_id)
    leftovers.remove_logs(instance, run_id)
