"""A run's process: how it begins, ends, is ended, and what is said of that."""

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG
from dagster._daemon.monitoring.run_monitoring import check_run_timeout
from harness import LONG_SECONDS, Served, World, lives, until

from dagster_dagnix.protocol import MEMORY_TAG, RUN_SERVER_TAG
from dagster_dagnix.server.monitoring import check_kill_seconds
from dagster_dagnix.server.process import OOM_SCORE


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served]) -> Served:
    return serve("runs").ready()


@pytest.fixture(scope="module")
def strict(serve: Callable[..., Served]) -> Served:
    """One that is not patient with runs, and gives them little memory."""
    return serve("strict", DAGNIX_KILL_SECONDS="1", DAGNIX_RUN_MEMORY="0.25gb").ready()


def test_a_run_succeeds(world: World, served: Served) -> None:
    run = world.launch(world.run("runs", "works"))
    assert run.tags[RUN_SERVER_TAG] == served.socket().name
    world.wait(run, "SUCCESS")
    until(lambda: run.run_id not in served.ask("ping")["runs"], "the process has ended")
    assert served.ask("check", run_id=run.run_id)["code"] == 0


def begun(world: World, served: Served, job: str, op: str, path: Path) -> tuple:
    run = world.launch(
        world.run(
            served.location, job, **{op: {"config": {"note": str(path), "seconds": LONG_SECONDS}}}
        )
    )
    until(path.exists, "the op has begun")
    return run, served.ask("check", run_id=run.run_id)["pid"]


def test_a_run_that_is_killed_fails_with_the_reason(
    world: World, served: Served, tmp_path: Path
) -> None:
    run, pid = begun(world, served, "works", "work", tmp_path / "note")
    os.kill(pid, signal.SIGKILL)
    world.wait(run, "FAILURE")
    assert "was terminated by signal 9 (SIGKILL)" in world.said(run)


def test_a_run_is_cancelled(world: World, served: Served, tmp_path: Path) -> None:
    run, _ = begun(world, served, "works", "work", tmp_path / "note")
    assert world.instance.run_launcher.terminate(run.run_id)
    world.wait(run, "CANCELED")


def test_a_run_that_ignores_its_cancellation_is_killed(
    world: World, strict: Served, tmp_path: Path
) -> None:
    run, pid = begun(world, strict, "ignores", "ignore", tmp_path / "note")
    assert world.instance.run_launcher.terminate(run.run_id)
    world.wait(run, "CANCELED")
    assert "did not end within 1 s of its cancellation and was killed" in world.said(run)
    assert not lives(pid)


def test_a_run_that_takes_longer_than_it_may_is_ended_and_fails(
    world: World, served: Served, tmp_path: Path
) -> None:
    config = {"work": {"config": {"note": str(tmp_path / "note"), "seconds": LONG_SECONDS}}}
    run = world.launch(world.run("runs", "works", {MAX_RUNTIME_SECONDS_TAG: "1"}, **config))
    until((tmp_path / "note").exists, "the op has begun")
    pid = served.ask("check", run_id=run.run_id)["pid"]

    def looked() -> bool:
        record = world.instance.get_run_record_by_id(run.run_id)
        assert isinstance(record, RunRecord)
        if record.dagster_run.status.value == "STARTED":
            check_run_timeout(world.instance, record, logging.getLogger(), 86400.0)
        return record.dagster_run.is_finished

    # It hears of its end after the daemon has said that it failed: one that is in between says last
    # that it was cancelled, which is Dagster's own fault.
    os.kill(pid, signal.SIGSTOP)
    until(looked, "the daemon's run monitoring has ended it")
    os.kill(pid, signal.SIGCONT)
    until(lambda: not lives(pid), "its process has ended")
    assert world.get(run).status.value == "FAILURE"
    assert "Exceeded maximum runtime of 1 seconds." in world.said(run)


def test_a_run_that_takes_more_memory_than_it_may_fails_alone(
    world: World, served: Served, tmp_path: Path
) -> None:
    other, pid = begun(world, served, "works", "work", tmp_path / "other")
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == f"{OOM_SCORE}\n"
    note = tmp_path / "note"
    config = {"grow": {"config": {"note": str(note)}}}
    run = world.launch(world.run("runs", "grows", {MEMORY_TAG: "256m"}, **config))
    world.wait(run, "FAILURE")
    said = world.said(run)
    assert "MiB of memory and may take 256.0 MiB (the tag dagnix/memory): it was killed." in said
    assert "the child has ended" not in said
    until(lambda: not lives(note.read_text()), "its child is gone")
    assert world.get(other).status.value == "STARTED"
    world.instance.run_launcher.terminate(other.run_id)


def test_a_limit_of_memory_that_is_no_size_is_refused(world: World, served: Served) -> None:
    run = world.run(served.location, "works", {MEMORY_TAG: "much"})
    with pytest.raises(ValueError, match=r"dagnix/memory of the run .* 'much' is no size"):
        world.launch(run)


def test_all_runs_can_have_a_limit_of_memory(
    world: World, strict: Served, serve: Callable[..., Served], tmp_path: Path
) -> None:
    config = {"grow": {"config": {"note": str(tmp_path / "note")}}}
    run = world.launch(world.run("strict", "grows", **config))
    world.wait(run, "FAILURE")
    assert "may take 256.0 MiB (DAGNIX_RUN_MEMORY)" in world.said(run)
    refused = serve("strict", DAGNIX_RUN_MEMORY="much")
    assert refused.wait()
    assert "DAGNIX_RUN_MEMORY cannot be heeded: 'much' is no size" in refused.log.read_text()
    assert strict.ask("ping")["code"]["ready"]


def test_a_run_is_killed_before_it_is_called_canceled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    check_kill_seconds(9999)
    config = tmp_path / "dagster.yaml"
    for text, seconds in (
        ("run_monitoring: {cancel_timeout_seconds: 20}", 20),
        ("telemetry: {enabled: false}", 180),
    ):
        config.write_text(text)
        check_kill_seconds(seconds - 1)
        with pytest.raises(SystemExit, match=f"CANCELED.*{seconds} s|{seconds} s.*CANCELED"):
            check_kill_seconds(seconds)
    config.write_text("run_monitoring: {cancel_timeout_seconds: {env: X}}")
    check_kill_seconds(9999)


def test_it_ends_also_when_the_database_takes_no_reports_and_the_next_one_reports(
    world: World, serve: Callable[..., Served], database: Path, tmp_path: Path
) -> None:
    served = serve("away").ready()
    run, pid = begun(world, served, "works", "work", tmp_path / "note")
    socket = database / ".s.PGSQL.5432"
    aside = socket.rename(database / "aside")
    try:
        os.kill(pid, signal.SIGKILL)
        assert served.end() == 0
    finally:
        aside.rename(socket)
    assert "the next one reports how the last runs ended" in served.log.read_text()
    assert world.get(run).status.value == "STARTED"
    serve("away").ready()
    world.wait(run, "FAILURE")
