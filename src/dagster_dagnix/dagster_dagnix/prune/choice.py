"""Which runs may be deleted."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

from dagster import DagsterInstance, DagsterRun, RunsFilter
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionsFilter,
    BulkActionStatus,
)
from dagster._core.storage.dagster_run import FINISHED_STATUSES, RunRecord
from dagster._core.storage.tags import BACKFILL_ID_TAG, REPOSITORY_LABEL_TAG, ROOT_RUN_ID_TAG

from dagster_dagnix.prune import queries
from dagster_dagnix.prune.queries import Job
from dagster_dagnix.retention import KEEP_DAYS_TAG, Limits, Retention, is_number
from dagster_dagnix.server.reporter import as_utc

BITE = 50
# Of retries: they are made within six hours, or not at all.
RETRY_WAIT = dt.timedelta(days=1)
IN_USE = "that go on, or were executed again not long ago"
RETRIED = "that are to be retried"
BACKFILL = "of a backfill that goes on"
LATEST = "with the last materialization, observation or check of an asset or partition"
UNREADABLE = f"whose tag {KEEP_DAYS_TAG} or dagnix/keep_runs is no number"


class Choice:
    """Finds the runs that are past their time, and that nothing needs any more."""

    def __init__(self, instance: DagsterInstance, retention: Retention, now: dt.datetime) -> None:
        """Choose by what holds at `now`."""
        self._instance, self._retention, self._now = instance, retention, now
        self._backfills = unfinished_backfills(instance)
        # The newest run of each job that is one too many, by its storage ID.
        self._beyond = {job: self._last_beyond(job) for job in queries.jobs(instance)}
        self._seen: set[str] = set()
        self.kept: Counter[str] = Counter()  # reason → runs past their time
        self.gone: set[str] = set()

    def bites(self, *, deletes: bool) -> Iterator[list[RunRecord]]:
        """Yield the runs that may go, a few at a time.

        With `deletes`, those that were yielded are deleted before the next are asked for.
        """
        for query, last in self._queries():
            cursor = None
            while records := self._instance.get_run_records(
                query, limit=BITE, ascending=True, cursor=cursor
            ):
                if last and records[0].storage_id > last:
                    break
                going = self._may_go([each for each in records if run_id(each) not in self._seen])
                if going:
                    yield going
                self._seen.update(map(run_id, records))
                self.gone.update(map(run_id, going))
                # The next ones are those after one that is still there.
                ids = set(map(run_id, going)) if deletes else set()
                cursor = next(
                    (run_id(each) for each in records[::-1] if run_id(each) not in ids), cursor
                )

    def _queries(self) -> Iterator[tuple[RunsFilter, int]]:
        """Yield filters that all runs past their time pass, each with the last storage ID or 0."""
        days = {self._retention.run_days}
        for _, values in self._instance.get_run_tags([KEEP_DAYS_TAG]):
            days.update(int(value) for value in values if is_number(value))
        for each in sorted(days - {0}):
            ages = {"updated_before": self._now - dt.timedelta(days=each)}
            tags = {} if each == self._retention.run_days else {KEEP_DAYS_TAG: str(each)}
            yield RunsFilter(statuses=FINISHED_STATUSES, tags=tags, **ages), 0
        for job, last in self._beyond.items():
            if last:
                tags = {REPOSITORY_LABEL_TAG: job.label} if job.label else {}
                yield RunsFilter(statuses=FINISHED_STATUSES, job_name=job.name, tags=tags), last

    def _last_beyond(self, job: Job) -> int:
        """Return the storage ID of the newest run that is one too many by the newest run's tags."""
        newest = queries.newest(self._instance, job)
        run = self._instance.get_run_by_id(newest) if newest else None
        limits = self._retention.limits_of(run) if run else None
        if not limits or not limits.runs:
            return 0
        return queries.last_beyond(self._instance, job, limits.runs)

    def _may_go(self, records: Sequence[RunRecord]) -> list[RunRecord]:
        past = [each for each in records if self._is_past(each)]
        limits = [self._retention.limits_of(each.dagster_run) for each in records]
        self.kept[UNREADABLE] += limits.count(None)
        if not past:
            return []
        in_use = self._groups_in_use(past)
        latest = queries.with_latest(self._instance, list(map(run_id, past)))
        going = []
        for each in past:
            run = each.dagster_run
            if root_of(run) in in_use:
                self.kept[IN_USE] += 1
            elif self._waits_for_retry(each):
                self.kept[RETRIED] += 1
            elif run.tags.get(BACKFILL_ID_TAG) in self._backfills:
                self.kept[BACKFILL] += 1
            elif run.run_id in latest:
                self.kept[LATEST] += 1
            else:
                going.append(each)
        return going

    def _is_past(self, record: RunRecord) -> bool:
        run = record.dagster_run
        limits = self._retention.limits_of(run)
        if limits is None or not run.is_finished:
            return False
        return self._is_old(record, limits) or self._is_beyond(record, limits)

    def _is_old(self, record: RunRecord, limits: Limits) -> bool:
        return limits.days > 0 and self._age(record) > dt.timedelta(days=limits.days)

    def _is_beyond(self, record: RunRecord, limits: Limits) -> bool:
        last = self._beyond.get(Job.of(record.dagster_run), 0)
        return limits.runs > 0 and record.storage_id <= last

    def _age(self, record: RunRecord) -> dt.timedelta:
        """Return how long ago the run changed last, which as a rule is when it ended."""
        return self._now - as_utc(record.update_timestamp)

    def _waits_for_retry(self, record: RunRecord) -> bool:
        return (
            record.dagster_run.is_complete_and_waiting_to_retry and self._age(record) < RETRY_WAIT
        )

    def _groups_in_use(self, records: Sequence[RunRecord]) -> set[str]:
        """Return the roots of those runs that were executed again by a run that stays.

        That one may still read the files of the others' steps.
        """
        roots = list({root_of(each.dagster_run) for each in records})
        again = self._instance.get_run_records(RunsFilter(tags={ROOT_RUN_ID_TAG: roots}))
        return {root_of(each.dagster_run) for each in again if not self._is_past(each)}


def unfinished_backfills(instance: DagsterInstance) -> set[str]:
    """Return the IDs of backfills that go on."""
    statuses = [each for each in BulkActionStatus if each not in BULK_ACTION_TERMINAL_STATUSES]
    found = instance.get_backfills(filters=BulkActionsFilter(statuses=statuses))
    return {each.backfill_id for each in found}


def root_of(run: DagsterRun) -> str:
    """Return the ID of the first run of those that were made of each other by executing again."""
    return run.tags.get(ROOT_RUN_ID_TAG, run.run_id)


def run_id(record: RunRecord) -> str:
    """Return the ID of a record's run."""
    return record.dagster_run.run_id
