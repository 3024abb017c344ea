"""What podman was doing to a container when it was killed."""

import json
import os
import subprocess
import time

import pytest
from support.command import wait_until
from support.served import Served
from support.stack import ROOT, Stack

from dagnix.host.podman import PROJECT_LABEL
from dagnix.project import Project
from dagnix.stack import recovery

MANY_FILES = """
import os
for folder in range(300):
    os.mkdir(f"/tmp/{folder}")
    for file in range(300):
        os.mknod(f"/tmp/{folder}/{file}")
"""


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
    env = {**os.environ, **stack.environment}

    def state() -> str:
        words = ("ps", "--all", f"--filter=name={name}", "--format=json")
        found = json.loads(podman(*words).stdout)
        return found[0]["State"] if found else ""

    # Podman takes seconds to remove so many files; when it begins depends on what else runs.
    for seconds in (0.3, 0.6, 1.2, 2.4, 4.8):
        if not state():
            label = f"--label={PROJECT_LABEL}={stack.project}"
            image = podman.inspect(stack.container("pipes"))["Image"]
            words = ("--user=0", "--entrypoint=python3.13", image, "-c", MANY_FILES)
            podman("run", "--name", name, label, "--network=none", *words)
        remove = subprocess.Popen(["podman", "rm", name], env=env, stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        remove.kill()
        remove.wait()
        if state() == "removing":
            break
    else:
        pytest.fail(f"podman was never killed while it removed the container: {state()}")
    refused = podman("start", name, check=False)
    assert "must be in Created or Stopped state" in refused.stderr
    recovery.finish(Project(ROOT, {**os.environ, **stack.environment}))
    assert not state()
