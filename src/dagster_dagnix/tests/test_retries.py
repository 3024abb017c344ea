"""The retries that the daemon has promised and not made."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.errors import DagsterCodeLocationLoadError, DagsterUserCodeUnreachableError
from dagster._core.events import EngineEventData
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    MAX_RETRIES_TAG,
    PARENT_RUN_ID_TAG,
    RETRY_NUMBER_TAG,
    WILL_RETRY_TAG,
)
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.auto_run_reexecution.event_log_consumer import _create_cursor_key
from dagster._utils.error import serializable_error_info_from_exc_info
from harness import Served, World, until

from dagster_dagnix import private
from dagster_dagnix.server import retries

UNREACHABLE = DagsterUserCodeUnreachableError("nobody listens")
BROKEN = DagsterCodeLocationLoadError("a syntax error", load_error_infos=[])
FOLDER = Path("/nowhere")


def read(instance: DagsterInstance) -> None:
    """Have the daemon read of all failures so far."""
    key = _create_cursor_key(DagsterEventType.RUN_FAILURE)
    instance.daemon_cursor_storage.set_cursor_values({key: str(1 << 40)})


def give_up(instance: DagsterInstance, run: DagsterRun, error: Exception) -> None:
    """Give a retry up, as the daemon does upon any error."""
    try:
        raise error  # noqa: TRY301
    except Exception:  # noqa: BLE001
        data = EngineEventData(error=serializable_error_info_from_exc_info(sys.exc_info()))
    instance.report_engine_event("Failed to retry run", run, data)
    instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "false"})


class Daemon:
    """An instance with what its daemon has done. `make` stands in for asking the code server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instance = DagsterInstance.ephemeral(settings={"run_retries": {"enabled": True}})
        self.asked: list[str] = []
        self.retry: Callable[[DagsterRun], object] = self.make
        monkeypatch.setattr(private, "retry", self.retry_run)

    def retry_run(self, _instance: object, run: DagsterRun, *_: object) -> None:
        self.asked.append(run.run_id)
        self.retry(run)

    def make(self, run: DagsterRun) -> None:
        """Make the retry and queue it, or queue the one that is there."""
        retry = self.retry_of(run.run_id) or self.make_only(run)
        self.instance.report_dagster_event(DagsterEvent.job_enqueue(retry), retry.run_id)

    def make_only(self, run: DagsterRun) -> DagsterRun:
        """Make the retry, as a daemon that is killed then."""
        tags = {PARENT_RUN_ID_TAG: run.run_id, RETRY_NUMBER_TAG: "1"}
        made = create_run_for_test(
            self.instance,
            tags=tags,
            status=DagsterRunStatus.NOT_STARTED,
            remote_job_origin=run.remote_job_origin,
        )
        self.instance.add_run_tags(run.run_id, {AUTO_RETRY_RUN_ID_TAG: made.run_id})
        return made

    def fail(self, location: str = "pipes", *, read: bool = True, **tags: str) -> str:
        """Have a run fail that is to be retried, and the daemon read of it."""
        server = GrpcServerCodeLocationOrigin(host="pipes", port=4000, location_name=location)
        run = create_run_for_test(
            self.instance,
            tags={MAX_RETRIES_TAG: "1", **tags},
            remote_job_origin=RemoteRepositoryOrigin(server, "repository").get_job_origin("job"),
        )
        self.instance.report_run_failed(run)
        if read:
            self.read()
        return run.run_id

    def read(self) -> None:
        read(self.instance)

    def give_up(self, run_id: str, error: Exception) -> None:
        give_up(self.instance, self.get(run_id), error)

    def get(self, run_id: str) -> DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found
        return found

    def will_retry(self, run_id: str) -> bool:
        return self.get(run_id).tags[WILL_RETRY_TAG] == "true"

    def retry_of(self, run_id: str) -> DagsterRun | None:
        retry = self.get(run_id).tags.get(AUTO_RETRY_RUN_ID_TAG)
        return self.instance.get_run_by_id(retry) if retry else None

    def said(self, run_id: str, words: str) -> int:
        return sum(words in each.message for each in self.instance.all_logs(run_id))

    def look(self) -> bool:
        """Look, and tell whether there has to be another look."""
        left = [
            run
            for run in list(retries.missing(self.instance, "pipes"))
            if not retries.see_to(self.instance, run, FOLDER, "pipes")
        ]
        return bool(left)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    made = Daemon(monkeypatch)
    yield made
    made.instance.dispose()


def raises(error: Exception) -> Callable[[DagsterRun], object]:
    def retry(_run: DagsterRun) -> None:
        raise error

    return retry


@pytest.mark.parametrize("error", [UNREACHABLE, BROKEN])
def test_a_retry_that_the_daemon_gave_up_for_want_of_code_is_made(
    daemon: Daemon, error: Exception
) -> None:
    run = daemon.fail()
    daemon.give_up(run, error)
    assert not daemon.look()
    assert daemon.retry_of(run)
    assert daemon.will_retry(run)
    assert not daemon.look()
    assert daemon.asked == [run]


def test_a_retry_that_the_daemon_gave_up_for_another_reason_is_not_made(daemon: Daemon) -> None:
    daemon.give_up(daemon.fail(), ValueError("no"))
    assert not daemon.look()
    assert daemon.asked == []


@pytest.mark.parametrize("error", [UNREACHABLE, BROKEN])
def test_a_retry_waits_until_its_code_is_served(daemon: Daemon, error: Exception) -> None:
    run = daemon.fail()
    daemon.retry = raises(error)
    assert daemon.look()
    assert daemon.look()
    assert daemon.will_retry(run)
    daemon.retry = daemon.make
    assert not daemon.look()
    assert daemon.retry_of(run)
    assert daemon.asked == [run] * 3


def test_what_the_daemon_has_not_read_of_is_left_to_it(daemon: Daemon) -> None:
    run = daemon.fail(read=False)
    assert daemon.look()
    assert daemon.asked == []
    daemon.read()
    assert not daemon.look()
    assert daemon.retry_of(run)


def test_a_failure_without_its_event_is_seen_after_a_minute(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = daemon.fail()
    monkeypatch.setattr(private, "daemon_has_read", lambda *_: None)
    assert daemon.look()
    now = time.time()
    monkeypatch.setattr(retries.time, "time", lambda: now + 61)
    assert not daemon.look()
    assert daemon.retry_of(run)


def test_runs_of_other_locations_are_left_to_their_run_servers(daemon: Daemon) -> None:
    daemon.fail("reports")
    assert not daemon.look()
    assert daemon.asked == []


def test_a_retry_that_waited_too_long_is_given_up(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = daemon.fail()
    now = time.time()
    monkeypatch.setattr(retries.time, "time", lambda: now + 6 * 3600 + 60)
    assert not daemon.look()
    assert not daemon.will_retry(run)
    assert daemon.said(run, "within six hours") == 1
    assert daemon.asked == []


def test_a_run_that_somebody_executed_again_is_not_retried_after_that(daemon: Daemon) -> None:
    run = daemon.fail()
    daemon.give_up(run, UNREACHABLE)
    create_run_for_test(daemon.instance, tags={PARENT_RUN_ID_TAG: run})
    assert [daemon.look() for _ in range(3)] == [False] * 3
    assert daemon.asked == []
    assert daemon.said(run, "executed again by hand") == 1


def test_a_retry_that_was_made_and_not_queued_is_queued(daemon: Daemon) -> None:
    run = daemon.fail()
    made = daemon.make_only(daemon.get(run))
    assert not daemon.look()
    assert daemon.get(made.run_id).status is DagsterRunStatus.QUEUED
    assert not daemon.look()
    assert daemon.asked == [run]


def test_a_retry_that_dagster_does_not_make_is_asked_for_once(daemon: Daemon) -> None:
    run = daemon.fail()
    daemon.give_up(run, UNREACHABLE)
    daemon.retry = lambda _: None  # as when the job is gone
    assert [daemon.look() for _ in range(3)] == [False] * 3
    assert daemon.asked == [run]
    assert not daemon.will_retry(run)


def test_another_error_is_final(daemon: Daemon) -> None:
    run = daemon.fail()
    daemon.give_up(run, UNREACHABLE)
    daemon.retry = raises(ValueError("no"))
    assert [daemon.look() for _ in range(3)] == [False] * 3
    assert daemon.asked == [run]
    assert daemon.said(run, "ValueError('no')") == 1


def test_a_retry_that_the_daemon_gave_up_is_made_by_the_run_server(
    world: World, serve: Callable[..., Served]
) -> None:
    served = serve("retries", DAGNIX_LOOK_SECONDS="1").ready()
    run = world.launch(world.run("retries", "crashes", {MAX_RETRIES_TAG: "1"}))
    world.wait(run, "FAILURE")
    give_up(world.instance, world.get(run), UNREACHABLE)
    read(world.instance)
    until(lambda: world.get(run).tags.get(AUTO_RETRY_RUN_ID_TAG), served.log)
    retry = world.instance.get_run_by_id(world.get(run).tags[AUTO_RETRY_RUN_ID_TAG])
    assert retry
    until(lambda: world.get(retry).status is DagsterRunStatus.QUEUED, served.log)
    assert retry.parent_run_id == run.run_id
