"""retries.py: the daemon makes each retry that was promised, which waits for its code."""

import runpy
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
)
from dagster._core.errors import DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    BACKFILL_ID_TAG,
    MAX_RETRIES_TAG,
    PARENT_RUN_ID_TAG,
    RETRY_NUMBER_TAG,
    WILL_RETRY_TAG,
)
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.auto_run_reexecution import auto_run_reexecution
from dagster._daemon.auto_run_reexecution.event_log_consumer import (
    EventLogConsumerDaemon,
    _create_cursor_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/retries.py"
UNREACHABLE = DagsterUserCodeUnreachableError("nobody listens")
BROKEN = DagsterCodeLocationLoadError("a syntax error", load_error_infos=[])


class Daemon:
    """The part of the daemon that retries runs, and what it asks for.

    `retry` stands in for what asks the code server and makes a run.
    """

    def __init__(self) -> None:
        self.instance = DagsterInstance.ephemeral(settings={"run_retries": {"enabled": True}})
        self.consumer: Any = EventLogConsumerDaemon()
        self.asked: list[str] = []
        self.retry: Callable[[DagsterRun], object] = self.make

    def make(self, run: DagsterRun) -> None:
        """Make the retry and queue it, or queue the one that is there."""
        if not (retry := self.retry_of(run.run_id)):
            retry = self.make_only(run)
        self.instance.report_dagster_event(DagsterEvent.job_enqueue(retry), retry.run_id)

    def make_only(self, run: DagsterRun) -> DagsterRun:
        """Make the retry, as a daemon that is killed then."""
        tags = {PARENT_RUN_ID_TAG: run.run_id, RETRY_NUMBER_TAG: "1"}
        retry = create_run_for_test(
            self.instance,
            tags=tags,
            status=DagsterRunStatus.NOT_STARTED,
            remote_job_origin=run.remote_job_origin,
        )
        self.instance.add_run_tags(run.run_id, {AUTO_RETRY_RUN_ID_TAG: retry.run_id})
        return retry

    def retry_run(self, run: DagsterRun, _context: object) -> None:
        """Do what the test has Dagster do."""
        self.asked.append(run.run_id)
        self.retry(run)

    def be_away(self, error: Exception = UNREACHABLE, location: str = "") -> None:
        """Have the code of one location, or of all, not be served from now on."""

        def retry(run: DagsterRun) -> None:
            job = run.remote_job_origin
            if location in ("", job and job.repository_origin.code_location_origin.location_name):
                raise error
            self.make(run)

        self.retry = retry

    def fail(self, location: str = "pipes", **tags: str) -> str:
        """Have a run fail that is to be retried."""
        server = GrpcServerCodeLocationOrigin(host="pipes", port=4000, location_name=location)
        run = create_run_for_test(
            self.instance,
            tags={MAX_RETRIES_TAG: "1", **tags},
            remote_job_origin=RemoteRepositoryOrigin(server, "repository").get_job_origin("job"),
        )
        self.instance.report_run_failed(run)
        return run.run_id

    def will_retry(self, run: str) -> bool:
        """Tell whether the run's retry is promised."""
        found = self.instance.get_run_by_id(run)
        return found is not None and found.tags[WILL_RETRY_TAG] == "true"

    def retry_of(self, run: str) -> DagsterRun | None:
        """Return the automatic retry of a run."""
        found = self.instance.get_run_by_id(run)
        retry = found and found.tags.get(AUTO_RETRY_RUN_ID_TAG)
        return self.instance.get_run_by_id(retry) if retry else None

    def said(self, run: str, words: str) -> list[str]:
        """Return what the log of a run says with these words, and the errors beside it."""
        events = [each.dagster_event for each in self.instance.all_logs(run)]
        told = [event for event in events if event and words in (event.message or "")]
        return [f"{each.message} {each.event_specific_data}" for each in told]

    def iterate(self, times: int = 1) -> None:
        """Have the daemon read events, and look for what it has missed, however soon."""
        for _ in range(times):
            vars(self.consumer).pop("next_look", None)
            self.iterate_in_time()

    def iterate_in_time(self) -> None:
        """Have it read events, and look if it is time to."""
        for _ in self.consumer.run_iteration(SimpleNamespace(instance=self.instance)):
            pass


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """Return a daemon which has read what was there so far."""
    found = Daemon()
    iteration = EventLogConsumerDaemon.run_iteration
    monkeypatch.setattr(auto_run_reexecution, "retry_run", found.retry_run)
    monkeypatch.setattr(EventLogConsumerDaemon, "run_iteration", iteration)  # restored afterwards
    runpy.run_path(str(PROGRAM))
    found.iterate()
    return found


@pytest.mark.parametrize("error", [UNREACHABLE, BROKEN])
def test_a_retry_waits_until_its_code_is_served(daemon: Daemon, error: Exception) -> None:
    daemon.be_away(error)
    run = daemon.fail()
    daemon.iterate(3)
    assert daemon.will_retry(run)
    daemon.retry = daemon.make
    daemon.iterate(3)
    assert daemon.retry_of(run)
    assert daemon.asked == [run] * 5  # the event, three looks, and the one when code was served


def test_that_a_retry_waits_is_said_once_with_the_reason(daemon: Daemon) -> None:
    daemon.be_away()
    run = daemon.fail()
    daemon.iterate(3)
    (waits,) = daemon.said(run, "its code server does not answer")
    assert "nobody listens" in waits


def test_a_location_that_is_away_is_asked_once_a_look_and_holds_up_no_other(
    daemon: Daemon,
) -> None:
    daemon.be_away(location="pipes")
    waiting = [daemon.fail() for _ in range(3)]
    daemon.iterate()
    daemon.asked.clear()
    other = daemon.fail("reports")
    daemon.iterate()
    assert len([run for run in daemon.asked if run in waiting]) == 1
    assert daemon.retry_of(other)
    daemon.retry = daemon.make
    daemon.iterate()
    assert all(daemon.retry_of(run) for run in waiting)


def test_a_retry_that_waited_too_long_is_given_up(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.be_away()
    run = daemon.fail()
    daemon.iterate()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 6 * 3600 + 60)
    daemon.iterate(3)
    assert not daemon.will_retry(run)
    assert daemon.asked == [run] * 3  # the event and two looks


def test_a_run_that_somebody_executed_again_is_not_retried_after_that(daemon: Daemon) -> None:
    daemon.be_away()
    run = daemon.fail()
    daemon.iterate()
    create_run_for_test(daemon.instance, tags={PARENT_RUN_ID_TAG: run})
    daemon.retry = daemon.make
    daemon.iterate(3)
    assert not daemon.retry_of(run)
    assert not daemon.will_retry(run)
    assert len(daemon.said(run, "executed again by hand")) == 1


def test_a_retry_of_a_backfill_that_ended_meanwhile_is_asked_for_once_more(daemon: Daemon) -> None:
    backfill = PartitionBackfill(
        backfill_id="last year",
        status=BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=0.0,
    )
    daemon.instance.add_backfill(backfill)
    daemon.be_away()
    run = daemon.fail(**{BACKFILL_ID_TAG: backfill.backfill_id})
    daemon.iterate()
    daemon.instance.update_backfill(backfill.with_status(BulkActionStatus.CANCELED))
    daemon.iterate(3)
    assert len(daemon.said(run, "part of a backfill")) == 1


def test_a_failure_that_was_missed_is_retried(daemon: Daemon) -> None:
    run = daemon.fail()
    key = _create_cursor_key(DagsterEventType.RUN_FAILURE)
    daemon.instance.daemon_cursor_storage.set_cursor_values({key: "1000"})
    daemon.iterate_in_time()
    assert not daemon.asked
    daemon.iterate(3)
    assert daemon.asked == [run]


def test_a_retry_that_was_made_and_not_queued_is_queued(daemon: Daemon) -> None:
    daemon.retry = daemon.make_only
    run = daemon.fail()
    daemon.iterate_in_time()
    daemon.retry = daemon.make
    daemon.iterate(3)
    retry = daemon.retry_of(run)
    assert retry
    assert retry.status is DagsterRunStatus.QUEUED
    assert daemon.asked == [run, run]


def test_a_retry_that_dagster_does_not_make_is_asked_for_once_more(daemon: Daemon) -> None:
    daemon.retry = lambda _: None  # as when the job is gone
    run = daemon.fail()
    daemon.iterate(3)
    assert daemon.asked == [run, run]


def test_another_error_is_final(daemon: Daemon) -> None:
    daemon.be_away(ValueError("no"))
    run = daemon.fail()
    daemon.iterate(3)
    assert daemon.asked == [run]
    assert not daemon.will_retry(run)


def test_looks_are_half_a_minute_apart_and_ten_seconds_while_a_retry_waits(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks = iter(range(0, 125, 5)), []
    query = daemon.instance.get_run_records

    def look(filters: Any = None, **words: Any) -> Any:
        if filters and filters.updated_after:
            looks.append(second)
        return query(filters, **words)

    monkeypatch.setattr(daemon.instance, "get_run_records", look)
    monkeypatch.setattr(time, "monotonic", lambda: second)
    daemon.consumer.next_look = 0
    daemon.be_away()
    for second in clock:
        if second == 65:
            daemon.fail()
        daemon.iterate_in_time()
    assert looks == [0, 30, 60, 90, 100, 110, 120]
