"""Runs in the queue, in flight and completed, by job and code location."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy.engine import Row

from dagster_dagnix.metrics.database import rows
from dagster_dagnix.metrics.roster import UNKNOWN, Roster

JOB = ["job_name", "location", "status"]
ACTIVE = ("queued", "starting", "started", "canceling")
COMPLETED = ("success", "failure", "canceled")
# What is written while a query runs is seen by the next one, which looks back as far.
LOOK_BACK_SECONDS = 60.0

LOCATION = f"coalesce(substring(tag.value from '[^@]*$'), '{UNKNOWN}')"
TAG = "LEFT JOIN run_tags tag ON tag.run_id = run.run_id AND tag.key = '.dagster/repository'"
# A timestamp has no zone in these tables: it is in that of the session, as those that write it.
CREATED = "extract(epoch FROM run.create_timestamp::timestamptz)"
UPDATED = "extract(epoch FROM run.update_timestamp::timestamptz)"
ACTIVE_RUNS = f"""
SELECT run.pipeline_name, {LOCATION}, lower(run.status), count(*),
       extract(epoch FROM now()) - min(coalesce(run.start_time, {UPDATED})),
       extract(epoch FROM now()) - min({CREATED})
FROM runs run {TAG}
WHERE run.status IN ('QUEUED', 'STARTING', 'STARTED', 'CANCELING') GROUP BY 1, 2, 3
"""  # noqa: S608 - of constants
BACKLOG = """
SELECT tag.value, count(*) FROM runs run
JOIN run_tags tag ON tag.run_id = run.run_id AND tag.key = 'dagster/concurrency_key'
WHERE run.status = 'QUEUED' GROUP BY 1
"""
COMPLETED_RUNS = f"""
SELECT run.run_id, run.pipeline_name, {LOCATION}, lower(run.status), run.end_time, {CREATED}
FROM runs run {TAG}
WHERE run.status IN ('SUCCESS', 'FAILURE', 'CANCELED')
  AND run.update_timestamp >= to_timestamp(:since)::timestamp AND run.end_time >= :since
ORDER BY run.end_time
"""  # noqa: S608 - of constants
LAST_RUNS = f"""
SELECT run.run_id, run.pipeline_name, wanted.location, lower(run.status), run.end_time, {CREATED}
FROM unnest(:jobs, :locations, :labels) AS wanted(job, location, label)
CROSS JOIN LATERAL (
  SELECT run.* FROM runs run
  JOIN run_tags tag ON tag.run_id = run.run_id AND tag.key = '.dagster/repository'
  WHERE run.pipeline_name = wanted.job AND tag.value = wanted.label
    AND run.status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND run.end_time IS NOT NULL
  ORDER BY run.id DESC LIMIT 1
) AS run
"""  # noqa: S608 - of constants


class ActiveRuns:
    """Runs that are not over, as they are now."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def collect(self, roster: Roster) -> Iterator[Metric]:
        """Yield the metrics. Jobs without such runs have zeros."""
        count = GaugeMetricFamily("dagster_active_runs", "Runs that are not over", labels=JOB)
        longest = GaugeMetricFamily(
            "dagster_active_run_duration_seconds",
            "How long the oldest of them has had its status",
            labels=JOB,
        )
        head = GaugeMetricFamily(
            "dagster_run_queue_head_age_seconds", "How long the oldest run in the queue has waited"
        )
        found = {(row[0], row[1], row[2]): row for row in rows(roster.instance, ACTIVE_RUNS)}
        zeros = {(job, place, status) for job, place in roster.jobs for status in ACTIVE}
        for labels in sorted(zeros | found.keys()):
            row = found.get(labels)
            count.add_metric(labels, row[3] if row else 0)
            longest.add_metric(labels, max(0.0, float(row[4])) if row else 0)
        ages = [float(row[5]) for labels, row in found.items() if labels[2] == "queued"]
        head.add_metric([], max([0.0, *ages]))
        yield from (count, longest, head, self._backlog(roster))

    def _backlog(self, roster: Roster) -> Metric:
        backlog = GaugeMetricFamily(
            "dagster_run_queue_concurrency_key_backlog",
            "Runs in the queue, by the value of their tag dagster/concurrency_key",
            labels=["concurrency_key"],
        )
        waiting = {row[0]: row[1] for row in rows(roster.instance, BACKLOG)}
        self._keys |= waiting.keys()
        for key in sorted(self._keys):
            backlog.add_metric([key], waiting.get(key, 0))
        return backlog


class CompletedRuns:
    """Runs that are over, counted from the start of this process on."""

    def __init__(self) -> None:
        """Count what ends from now on."""
        self._since = time.time()
        self._start = self._since
        self._counted: dict[str, float] = {}  # ID → end, of those that may be seen again
        self._totals: Counter[tuple[str, str, str]] = Counter()
        self._last: dict[tuple[str, str], tuple[str, float, float]] = {}
        self._known: set[tuple[str, str]] = set()

    def collect(self, roster: Roster) -> Iterator[Metric]:
        """Yield the metrics. Jobs that have not run have zeros."""
        self._read_last(roster)
        now = time.time()
        self._count(rows(roster.instance, COMPLETED_RUNS, since=self._since - LOOK_BACK_SECONDS))
        self._since = now
        old = now - 2 * LOOK_BACK_SECONDS
        self._counted = {run: end for run, end in self._counted.items() if end >= old}
        total = CounterMetricFamily(
            "dagster_completed_runs", "Completed runs since the webserver started", labels=JOB
        )
        zeros = {(job, place, status) for job, place in self._known for status in COMPLETED}
        for labels in sorted(zeros | self._totals.keys()):
            total.add_metric(labels, self._totals[labels])
        last = GaugeMetricFamily(
            "dagster_last_run_info",
            "1, with the status of the job's last completed run",
            labels=JOB,
        )
        duration = GaugeMetricFamily(
            "dagster_last_run_duration_seconds",
            "From creation to end of the job's last completed run",
            labels=JOB,
        )
        for (job, place), (status, end, created) in sorted(self._last.items()):
            last.add_metric([job, place, status], 1)
            duration.add_metric([job, place, status], max(0.0, end - created))
        yield from (total, last, duration)

    def _read_last(self, roster: Roster) -> None:
        """Look for the last runs of jobs that are new here; of others they are seen as they end."""
        new = {key: label for key, label in roster.jobs.items() if key not in self._known}
        if not new:
            return
        jobs, locations = (list(each) for each in zip(*new, strict=True))
        values = {"jobs": jobs, "locations": locations, "labels": list(new.values())}
        self._note(rows(roster.instance, LAST_RUNS, **values))
        self._known |= new.keys()

    def _count(self, found: Iterable[Row]) -> None:
        found = [row for row in found if row[0] not in self._counted and row[4] >= self._start]
        for run, job, place, status, end, _ in found:
            self._counted[run] = end
            self._totals[job, place, status] += 1
        self._note(found)

    def _note(self, found: Iterable[Row]) -> None:
        for _, job, place, status, end, created in found:
            before = self._last.get((job, place))
            if before is None or before[1] <= end:
                self._last[job, place] = (status, end, float(created))
