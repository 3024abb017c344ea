"""What podman was doing to a container when it was killed."""

import json
import os
import signal
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

TRIES = 30
STEP_SECONDS = 0.002


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
    """Kill `podman rm` in its midst, which is found by stopping it time and again."""
    label = f"--label={PROJECT_LABEL}={stack.project}"
    env = {**os.environ, **stack.environment}
    for _ in range(TRIES):
        if not state():
            image = stack.podman.inspect(stack.container("postgres"))["Image"]
            stack.podman("create", "--name", name, label, image)
        remove = subprocess.Popen(["podman", "rm", name], env=env, stdout=subprocess.DEVNULL)
        while remove.poll() is None:
            time.sleep(STEP_SECONDS)
            remove.send_signal(signal.SIGSTOP)
            # One that was stopped with a lock in its hands keeps others from looking.
            if not may_look(env) or state() == "removing":
                remove.kill()
            remove.send_signal(signal.SIGCONT)
        if state() == "removing":
            return
    pytest.fail(f"podman was never killed while it removed the container, in {TRIES} tries")


def may_look(env: dict[str, str]) -> bool:
    """Tell whether podman answers now."""
    try:
        subprocess.run(["podman", "ps"], env=env, check=True, capture_output=True, timeout=3)
    except subprocess.TimeoutExpired:
        return False
    return True
