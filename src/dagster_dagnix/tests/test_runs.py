"""A run's process: how it begins, ends, is ended, and what is said of that."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Served, World, lives, until

from dagster_dagnix.protocol import RUN_SERVER_TAG


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served]) -> Served:
    return serve("runs", DAGNIX_KILL_SECONDS="1").ready()


def test_a_run_succeeds(world: World, served: Served) -> None:
    run = world.launch(world.run("runs", "works"))
    assert run.tags[RUN_SERVER_TAG] == served.socket().name
    world.wait(run, "SUCCESS")
    until(lambda: run.run_id not in served.ask("ping")["runs"], "the process has ended")
    assert served.ask("check", run_id=run.run_id)["code"] == 0


def begun(world: World, served: Served, job: str, op: str, path: Path) -> tuple:
    run = world.launch(
        world.run(served.location, job, **{op: {"config": {"note": str(path), "seconds": 60}}})
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
    world: World, served: Served, tmp_path: Path
) -> None:
    run, pid = begun(world, served, "ignores", "ignore", tmp_path / "note")
    assert world.instance.run_launcher.terminate(run.run_id)
    world.wait(run, "CANCELED")
    assert "did not end within 1 s of its cancellation and was killed" in world.said(run)
    assert not lives(pid)
