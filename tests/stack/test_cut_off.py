"""What podman was doing to a container when it was killed."""

import json
import os
import subprocess
import time
from collections.abc import Callable

import pytest
from support.command import wait_until
from support.served import Served
from support.stack import ROOT, Stack

from dagnix import cut_off
from dagnix.podman import PROJECT_LABEL
from dagnix.project import Project

TRIES = 60


@pytest.mark.parametrize("words", [("restart", "webserver"), ("up", "--mount")])
def test_a_stop_that_was_cut_off_is_finished(mounted: Served, words: tuple[str, ...]) -> None:
    stack = mounted.stack
    name = stack.container("webserver")

    def state() -> str:
        return stack.podman.inspect(name)["State"]["Status"]

    # It does not heed SIGTERM, so it stays as it is once nobody waits for its end.
    stack.podman("kill", "--signal=STOP", name)
    stop = subprocess.Popen(["podman", "stop", name], env={**os.environ, **stack.environment})
    wait_until(lambda: state() == "stopping", "podman is stopping the webserver")
    stop.kill()
    stop.wait()
    assert state() == "stopping"
    refused = stack.podman("start", name, check=False)
    assert "must be in Created or Stopped state" in refused.stderr
    done = stack.dagnix(*words, *([str(mounted.folder)] if "--mount" in words else []))
    assert "Stopping" in done.stderr
    assert "webserver is healthy" in done.stderr


def test_a_removal_that_was_cut_off_is_finished(stack: Stack) -> None:
    podman, name = stack.podman, f"{stack.project}_half_1"

    def state() -> str:
        words = ("ps", "--all", f"--filter=name={name}", "--format=json")
        found = json.loads(podman(*words).stdout)
        return found[0]["State"] if found else ""

    half_remove(stack, name, state)
    refused = podman("start", name, check=False)
    assert "must be in Created or Stopped state" in refused.stderr
    cut_off.finish(Project(ROOT, {**os.environ, **stack.environment}))
    assert not state()


def half_remove(stack: Stack, name: str, state: Callable[[], str]) -> None:
    """Kill `podman rm` in its midst, which takes some tries: each halves the time to look in."""
    early, late = 0.0, 1.0  # s
    label = f"--label={PROJECT_LABEL}={stack.project}"
    env = {**os.environ, **stack.environment}
    for _ in range(TRIES):
        if not state():
            image = stack.podman.inspect(stack.container("postgres"))["Image"]
            stack.podman("create", "--name", name, label, image)
        moment = (early + late) / 2
        remove = subprocess.Popen(["podman", "rm", name], env=env, stdout=subprocess.DEVNULL)
        time.sleep(moment)
        remove.kill()
        remove.wait()
        if (found := state()) == "removing":
            return
        early, late = (moment, late) if found else (early, moment)
        if late - early < 0.004:
            early, late = max(0, early - 0.05), late + 0.05
    pytest.fail(f"Podman was never cut off between {early} and {late} s")
