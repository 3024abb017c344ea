"""Steps as forks of the run server: retried, killed and cancelled as with Dagster's executor."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import InitExecutorContext
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.multiprocess import MultiprocessExecutor
from harness import LONG_SECONDS, Served, World, lives, reconstructable_job, until

from dagster_dagnix import forked_step_executor


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served]) -> Served:
    return serve("steps").ready()


def steps(note: Path, seconds: float = 0) -> dict:
    return {"after": {"config": {"note": str(note), "seconds": seconds}}}


def test_a_step_is_retried_and_each_has_a_process_of_the_run_servers(
    world: World, served: Served, tmp_path: Path
) -> None:
    run = world.launch(world.run("steps", "steps", **steps(tmp_path / "note")))
    world.wait(run, "SUCCESS")
    before, own, parent = (tmp_path / "note").read_text().split()
    assert before != own
    assert int(parent) == served.process.pid
    assert "ForkedStepHandler" in world.said(run)
    assert "STEP_UP_FOR_RETRY" in str(world.instance.all_logs(run.run_id))
    assert str(world.instance.all_logs(run.run_id)).count("STEP_RESTARTED") == 1


@pytest.mark.usefixtures("served")
def test_a_step_that_is_killed_fails_and_its_run_with_it(world: World) -> None:
    run = world.launch(world.run("steps", "crashes_in_a_step"))
    world.wait(run, "FAILURE")
    assert "was terminated by signal 9 (SIGKILL)" in str(world.instance.all_logs(run.run_id))
    (failure,) = [
        each
        for each in world.instance.all_logs(run.run_id)
        if each.dagster_event and each.dagster_event.is_step_failure
    ]
    assert failure.step_key == "crash_after"


@pytest.mark.usefixtures("served")
def test_steps_end_with_their_run(world: World, tmp_path: Path) -> None:
    note = tmp_path / "note"
    run = world.launch(world.run("steps", "steps", **steps(note, LONG_SECONDS)))
    until(note.exists, "the step has begun")
    pid = note.read_text().split()[1]
    assert world.instance.run_launcher.terminate(run.run_id)
    world.wait(run, "CANCELED")
    until(lambda: not lives(pid), "the step's process is gone")
    assert "interrupt" in world.said(run)


def test_steps_end_when_their_run_is_killed(world: World, served: Served, tmp_path: Path) -> None:
    note = tmp_path / "note"
    run = world.launch(world.run("steps", "steps", **steps(note, LONG_SECONDS)))
    until(note.exists, "the step has begun")
    os.kill(served.ask("check", run_id=run.run_id)["pid"], signal.SIGKILL)
    world.wait(run, "FAILURE")
    pid = note.read_text().split()[1]
    until(lambda: not lives(pid), "the step's process is gone")


def test_without_a_run_server_it_is_dagsters_own(world: World) -> None:
    config = {"max_concurrent": 3, "retries": {"disabled": {}}}
    context = InitExecutorContext(
        reconstructable_job("steps"), forked_step_executor, config, world.instance
    )
    made = forked_step_executor.executor_creation_fn(context)
    assert isinstance(made, MultiprocessExecutor)
    assert made.retries is RetryMode.DISABLED
