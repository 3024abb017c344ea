"""retries.py: the daemon makes each retry that was promised, which waits for its code."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from dagster import DagsterInstance, DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, MAX_RETRIES_TAG, WILL_RETRY_TAG
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.auto_run_reexecution import auto_run_reexecution
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/retries.py"


class Daemon:
    """The part of the daemon that retries runs, and what it asks for.

    `retry` stands in for what asks the code server and makes a run.
    """

    def __init__(self) -> None:
        self.instance = DagsterInstance.ephemeral(settings={"run_retries": {"enabled": True}})
        self.consumer: Any = EventLogConsumerDaemon()
        self.asked: list[str] = []
        self.retry: Callable[[DagsterRun], None] = self.make

    def make(self, run: DagsterRun) -> None:
        """Make the retry."""
        self.instance.add_run_tags(run.run_id, {AUTO_RETRY_RUN_ID_TAG: "the retry"})

    def retry_run(self, run: DagsterRun, _context: object) -> None:
        """Do what the test has Dagster do."""
        self.asked.append(run.run_id)
        self.retry(run)

    def fail(self) -> str:
        """Have a run fail that is to be retried."""
        run = create_run_for_test(self.instance, tags={MAX_RETRIES_TAG: "1"})
        self.instance.report_run_failed(run)
        return run.run_id

    def tags(self, run: str) -> dict[str, str]:
        """Return the tags of a run."""
        found = self.instance.get_run_by_id(run)
        assert found
        return dict(found.tags)

    def iterate(self) -> None:
        """Have the daemon read events, and look for what it has missed, however soon."""
        vars(self.consumer).pop("next_look", None)
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


def away(_: DagsterRun) -> None:
    raise DagsterUserCodeUnreachableError("nobody listens")


def test_a_retry_waits_until_its_code_is_served(daemon: Daemon) -> None:
    daemon.retry = away
    run = daemon.fail()
    for _ in range(3):
        daemon.iterate()
    assert daemon.tags(run)[WILL_RETRY_TAG] == "true"
    daemon.retry = daemon.make
    for _ in range(3):
        daemon.iterate()
    assert AUTO_RETRY_RUN_ID_TAG in daemon.tags(run)
    assert daemon.asked == [run] * 5  # the event, three looks, and the one when code was served


def test_that_a_retry_waits_is_said_once(daemon: Daemon) -> None:
    daemon.retry = away
    run = daemon.fail()
    for _ in range(3):
        daemon.iterate()
    logs = daemon.instance.all_logs(run)
    said = [event.dagster_event for event in logs if event.dagster_event]
    (waits,) = [event for event in said if event.message and "is not served now" in event.message]
    assert "nobody listens" in waits.engine_event_data.error.to_string()


def test_a_failure_that_was_missed_is_retried(daemon: Daemon) -> None:
    run = daemon.fail()
    cursors = {"EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE": "1000"}
    daemon.instance.daemon_cursor_storage.set_cursor_values(cursors)
    for _ in range(3):
        daemon.iterate()
    assert daemon.asked == [run]


def test_a_retry_that_dagster_does_not_make_is_asked_for_once_more(daemon: Daemon) -> None:
    daemon.retry = lambda _: None  # as when the job is gone
    run = daemon.fail()
    for _ in range(3):
        daemon.iterate()
    assert daemon.asked == [run, run]


def test_another_error_is_final(daemon: Daemon) -> None:
    def refuse(_: DagsterRun) -> None:
        raise ValueError("no")

    daemon.retry = refuse
    run = daemon.fail()
    for _ in range(3):
        daemon.iterate()
    assert daemon.asked == [run]
    assert daemon.tags(run)[WILL_RETRY_TAG] == "false"


def test_looks_are_seconds_apart(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    query = daemon.instance.get_run_records
    monkeypatch.setattr(
        daemon.instance, "get_run_records", lambda *words: looks.append(words) or query(*words)
    )
    for _ in range(3):
        for _ in daemon.consumer.run_iteration(SimpleNamespace(instance=daemon.instance)):
            pass
    assert not looks
