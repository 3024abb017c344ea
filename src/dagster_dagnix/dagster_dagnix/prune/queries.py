"""What Dagster's API does not tell of its tables, or only with all rows in memory."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dagster import DagsterInstance, DagsterRun
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from sqlalchemy import text
from sqlalchemy.engine import Connection

LOCK = 0x7072756E65  # any number that nothing else in the database takes
# Written to by what is pruned.
TABLES = ("event_logs", "asset_event_tags", "runs", "run_tags", "job_ticks")
LOCK_SECONDS = 30

# Of partitions, each by itself; two branches, as only `=` goes by the index.
_LATEST = text("""
SELECT DISTINCT run_id FROM event_logs AS event
WHERE run_id = ANY(:run_ids) AND asset_key IS NOT NULL
AND dagster_event_type IN ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
AND CASE WHEN partition IS NULL THEN NOT EXISTS (
  SELECT 1 FROM event_logs AS later WHERE later.asset_key = event.asset_key
  AND later.dagster_event_type = event.dagster_event_type
  AND later.partition IS NULL AND later.id > event.id
) ELSE NOT EXISTS (
  SELECT 1 FROM event_logs AS later WHERE later.asset_key = event.asset_key
  AND later.dagster_event_type = event.dagster_event_type
  AND later.partition = event.partition AND later.id > event.id
) END
""")
_LATEST_CHECKS = text("""
SELECT DISTINCT run_id FROM asset_check_executions AS done
WHERE run_id = ANY(:run_ids) AND NOT EXISTS (
  SELECT 1 FROM asset_check_executions AS later WHERE later.asset_key = done.asset_key
  AND later.check_name = done.check_name AND later.id > done.id
  AND later.partition IS NOT DISTINCT FROM done.partition
)
""")
# Each repository's jobs by themselves, as others may have one of the same name; NULL is of none.
_LABELLED = """
FROM runs LEFT JOIN run_tags ON run_tags.run_id = runs.run_id AND run_tags.key = :tag
"""
_JOBS = text(f"SELECT DISTINCT pipeline_name, value {_LABELLED}")
_OF_JOB = f"""
SELECT runs.id, runs.run_id {_LABELLED}
WHERE pipeline_name = :job AND value IS NOT DISTINCT FROM CAST(:label AS text)
"""  # noqa: S608 - a constant
_NEWEST = text(f"{_OF_JOB} ORDER BY runs.id DESC LIMIT 1")
_LAST_BEYOND = text(
    f"{_OF_JOB} AND status IN ('SUCCESS', 'FAILURE', 'CANCELED') "
    "ORDER BY runs.id DESC OFFSET :count LIMIT 1"
)
_EVENTS = text("SELECT count(*) FROM event_logs WHERE run_id = ANY(:run_ids)")
_EVENT_ROOM = text(
    "SELECT coalesce(pg_total_relation_size('event_logs') / nullif(count(*), 0), 0) FROM event_logs"
)
_ROOM = text(
    "SELECT sum(pg_total_relation_size(name)) FROM unnest(CAST(:tables AS regclass[])) name"
)
_TICK = text(
    "SELECT extract(epoch FROM timestamp AT TIME ZONE 'UTC') FROM job_ticks "
    "WHERE selector_id = :selector ORDER BY timestamp DESC OFFSET :count LIMIT 1"
)
_TICKS = text(
    "SELECT count(*) FROM job_ticks WHERE selector_id = :selector AND status = :status "
    "AND timestamp < to_timestamp(:moment) AT TIME ZONE 'UTC'"
)


def connection(instance: DagsterInstance) -> Connection:
    """Return a connection to the database of the runs, as a context manager."""
    return instance.run_storage.connect()  # type: ignore[attr-defined]  # it is DagnixRunStorage


def with_latest(instance: DagsterInstance, run_ids: Sequence[str]) -> set[str]:
    """Return which of these runs have the last event of an asset, a partition or an asset check.

    Events are materializations and observations.
    """
    given = {"run_ids": list(run_ids)}
    with connection(instance) as database:
        events = database.execute(_LATEST, given).scalars().all()
        return {*events, *database.execute(_LATEST_CHECKS, given).scalars()}


class Job(NamedTuple):
    """A job that has runs."""

    name: str
    label: str | None  # of its repository and code location; None of runs by hand

    @classmethod
    def of(cls, run: DagsterRun) -> "Job":
        """Return a run's job."""
        return cls(run.job_name, run.tags_for_storage().get(REPOSITORY_LABEL_TAG))


def jobs(instance: DagsterInstance) -> list[Job]:
    """Return the jobs that have runs."""
    with connection(instance) as database:
        return [Job(*row) for row in database.execute(_JOBS, {"tag": REPOSITORY_LABEL_TAG})]


def newest(instance: DagsterInstance, job: Job) -> str | None:
    """Return the ID of a job's newest run; None if it has none any more."""
    with connection(instance) as database:
        row = database.execute(_NEWEST, _given(job)).first()
    return row.run_id if row else None


def last_beyond(instance: DagsterInstance, job: Job, count: int) -> int:
    """Return the storage ID of the newest finished run of a job that `count` newer ones follow.

    0 is for none.
    """
    with connection(instance) as database:
        row = database.execute(_LAST_BEYOND, {**_given(job), "count": count}).first()
    return row.id if row else 0


def _given(job: Job) -> dict[str, str | None]:
    return {"tag": REPOSITORY_LABEL_TAG, "job": job.name, "label": job.label}


def events(instance: DagsterInstance, run_ids: Sequence[str]) -> int:
    """Return how many events these runs have."""
    with connection(instance) as database:
        return database.execute(_EVENTS, {"run_ids": list(run_ids)}).scalar() or 0


def event_room(instance: DagsterInstance) -> int:
    """Return how many bytes an event takes on average, with its part of the indexes."""
    with connection(instance) as database:
        return int(database.execute(_EVENT_ROOM).scalar() or 0)


def room(instance: DagsterInstance) -> int:
    """Return how many bytes the tables take that are pruned, with their indexes."""
    with connection(instance) as database:
        return int(database.execute(_ROOM, {"tables": list(TABLES)}).scalar() or 0)


def tick_time(instance: DagsterInstance, selector: str, count: int) -> float | None:
    """Return when the tick was that `count` newer ones follow, in seconds; None for no such."""
    with connection(instance) as database:
        given = {"selector": selector, "count": count}
        found = database.execute(_TICK, given).scalar()
    return None if found is None else float(found)


def ticks(instance: DagsterInstance, selector: str, status: str, moment: float) -> int:
    """Return how many ticks of a status were before a moment, in seconds."""
    given = {"selector": selector, "status": status, "moment": moment}
    with connection(instance) as database:
        return database.execute(_TICKS, given).scalar() or 0


def vacuum(instance: DagsterInstance) -> None:
    """Have PostgreSQL use the room of what was deleted for what comes; nothing waits for it."""
    _each(instance, "VACUUM (ANALYZE) {}", TABLES)


def shrink(instance: DagsterInstance) -> None:
    """Give the room of what was deleted back to the disk.

    Who uses a table waits until it has been written anew, which needs room for a copy. Raises
    sqlalchemy.exc.OperationalError when a table is in use for longer than LOCK_SECONDS.
    """
    _each(instance, "VACUUM (FULL, ANALYZE) {}", TABLES)


def _each(instance: DagsterInstance, statement: str, tables: Iterable[str]) -> None:
    with connection(instance) as database:
        database.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
        try:
            for table in tables:
                database.execute(text(statement.format(table)))
        finally:
            database.execute(text("RESET lock_timeout"))
