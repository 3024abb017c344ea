"""What podman was doing to a container when it was killed."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from support.command import wait_until
from support.served import Served
from support.stack import ROOT, Stack

from dagnix.host.podman import PROJECT_LABEL
from dagnix.project import Project
from dagnix.stack import recovery

FOLDERS = 200
MANY_FILES = f"""
import os
for folder in range({FOLDERS}):
    os.mkdir(f"/tmp/{{folder}}")
    for file in range(100):
        os.mknod(f"/tmp/{{folder}}/{{file}}")
"""


@pytest.mark.parametrize("words", [("restart", "webserver"), ("up", "--mount")])
def test_a_stop_that_was_cut_off_is_finished(mounted: Served, words: tuple[str, ...]) -> None:
    stack = mounted.stack
    name = stack.container("webserver")

    def state() -> str:
        return stack.podman.inspect(name)["State"]["Status"]

    # It does not heed SIGTERM, so it stays as it is once nobody waits for its end.
    stack.podman("kill", "--signal=STOP", name)
    # It would kill the webserver when its time is over.
    command = ["podman", "stop", "--time=3600", name]
    stop = subprocess.Popen(command, env={**os.environ, **stack.environment})
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

    label = f"--label={PROJECT_LABEL}={stack.project}"
    image = podman.inspect(stack.container("pipes"))["Image"]
    words = ("--user=0", "--entrypoint=python3.13", image, "-c", MANY_FILES)
    podman("run", "--name", name, label, "--network=none", *words)
    # Podman takes a while to remove so many, and has to be killed meanwhile.
    written = Path(podman.inspect(name)["GraphDriver"]["Data"]["UpperDir"], "tmp")
    assert len([*written.iterdir()]) == FOLDERS
    command = ["nice", "--adjustment=19", "podman", "rm", name]
    remove = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    while remove.poll() is None and len([*written.glob("*")]) == FOLDERS:
        time.sleep(0.01)
    remove.kill()
    remove.wait()
    assert state() == "removing", "it was killed too late"
    refused = podman("start", name, check=False)
    assert "must be in Created or Stopped state" in refused.stderr
    recovery.finish(Project(ROOT, {**os.environ, **stack.environment}))
    assert not state()
