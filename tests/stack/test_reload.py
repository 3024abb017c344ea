"""Code served from a folder: edited and reloaded while runs are in flight."""

import os
import re
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support import team
from support.command import wait_until
from support.podman import Podman
from support.probe import Probe
from support.served import Served
from support.stack import Stack

SHORT_RUNS = 12


def test_a_reload_disturbs_nothing(mounted: Served, podman: Podman) -> None:
    submit, crowd = mounted.client.submit_job_execution, mounted.team
    crowd.start_automations()
    mounted.hold()
    # Of the four runs at a time these leave room for one, so the queue outlasts what is done.
    long, other, endless = submit("long"), submit("long"), submit("endless")
    for run in (long, other, endless):
        mounted.wait_for_start(run)
    webserver = podman.inspect(mounted.stack.container("webserver"))["State"]["StartedAt"]
    crowd.wait_for_tick()
    with Probe(mounted.stack.url) as probe:
        queued = [submit("short") for _ in range(SHORT_RUNS)]
        mounted.save("second")
        mounted.stack.dagnix("reload")
        after = submit("short")
        assert crowd.cancel(endless) is DagsterRunStatus.CANCELED
        crowd.wait_for_tick()
        mounted.release()
        # Its last step starts only now.
        assert {crowd.answer("long", run) for run in (long, other)} == {"first"}
        # What waits in the queue is executed with the code that it was launched with.
        assert {crowd.answer("short", run) for run in queued} == {"first"}
        assert crowd.answer("short", after) == "second"
    assert not probe.failures
    assert probe.answers > SHORT_RUNS
    seen = podman.inspect(mounted.stack.container("webserver"))
    assert seen["State"]["StartedAt"] == webserver
    crowd.require_automations_went_on()


@pytest.mark.parametrize("what", team.BROKEN)
def test_what_is_wrong_with_code_is_told(mounted: Served, what: str) -> None:
    code, project, says = team.BROKEN[what]
    mounted.save("broken", code, project)
    loaded = mounted.stack.exec("pipes", "/opt/dagster/bin/runtime", "reload", check=False)
    assert loaded.returncode == 1
    assert re.search(says, loaded.stdout), loaded.stdout


def test_code_that_does_not_load_is_refused_and_the_old_code_runs(mounted: Served) -> None:
    code, project, says = team.BROKEN["an import error"]
    mounted.save("broken", code, project)
    refused = mounted.stack.dagnix("reload", check=False)
    assert refused.returncode == 1
    assert re.search(says, refused.stderr), refused.stderr
    assert "The code that is served stays as it was." in refused.stderr
    # Each run imports the code anew.
    assert mounted.answer() == "first"


def test_a_saved_edit_goes_live_by_itself_and_one_that_does_not_load_does_not(
    mounted: Served, podman: Podman
) -> None:
    def answers(expected: str) -> None:
        wait_until(lambda: mounted.team.served() == expected, f"{expected} is served")
        assert mounted.answer() == expected

    mounted.save("followed")
    answers("followed")
    mounted.save("", "nonsense\n")
    container = mounted.stack.container("pipes")
    wait_until(lambda: "name 'nonsense' is not defined" in podman.logs(container), "it is told")
    told = "what was saved last is not: NameError: name 'nonsense' is not defined"
    wait_until(lambda: told in mounted.stack.health("pipes")[1], "its health check says so")
    assert mounted.stack.health("pipes")[0]
    assert mounted.answer() == "followed"
    mounted.save("saved")
    answers("saved")


def test_a_reload_brings_secrets_and_settings_and_runs_in_flight_keep_theirs(
    mounted: Served, podman: Podman
) -> None:
    stack = mounted.stack
    container = podman.inspect(stack.container("pipes"))["Id"]
    for name, value in {"API_KEY": "hush-1", "GREETING": "hello-1"}.items():
        stack.dagnix("secret", "set", name, stdin=value)
    mounted.save("secret", team.SECRET)
    stack.dagnix("reload")
    mounted.hold()
    long = mounted.client.submit_job_execution("long")
    mounted.wait_for_start(long)
    stack.dagnix("secret", "set", "API_KEY", stdin="hush-2")
    stack.dagnix("reload")  # it comes by itself, too
    assert mounted.answer() == "hush-2 hush-2 hush-2 hello-1"
    stack.dagnix("secret", "remove", "API_KEY")
    refused = stack.dagnix("reload", check=False)
    assert "KeyError: 'API_KEY'" in refused.stderr
    assert mounted.answer() == "hush-2 hush-2 hush-2 hello-1"
    mounted.release()
    # Its last step is a process that starts only now.
    assert mounted.team.answer("long", long) == "hush-1 hush-1 hush-1 hello-1"
    assert podman.inspect(stack.container("pipes"))["Id"] == container
    stack.dagnix("secret", "remove", "GREETING")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs under another uid")
def test_a_code_server_that_is_killed_is_replaced(mounted: Served, podman: Podman) -> None:
    mounted.save("before")
    mounted.stack.dagnix("reload")
    mounted.hold()
    run = mounted.client.submit_job_execution("long")
    mounted.wait_for_start(run)
    server = podman.inspect(mounted.stack.container("pipes"))
    mounted.kill("code server")
    mounted.stack.wait_for_health("pipes")
    assert podman.inspect(mounted.stack.container("pipes"))["State"] == server["State"]
    mounted.team.dashboard.wait_for_job("short")
    assert mounted.answer() == "before"
    # A run is a process of its own, and goes on to its end.
    mounted.release()
    assert mounted.team.answer("long", run) == "before"


def test_up_names_all_dependencies_that_the_image_lacks(mounted: Served) -> None:
    _, project, _ = team.BROKEN["a missing dependency"]
    mounted.save("first", project=project)
    refused = mounted.stack.dagnix("up", "--mount", str(mounted.folder), check=False)
    assert refused.returncode == 1
    assert "lacks: no-such-package>=2, dagster<1 (the image has " in refused.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "There is no folder"),
        ("empty", "is no Dagster project: it has no pyproject.toml with"),
    ],
)
def test_up_refuses_what_is_no_project(
    new_stack: Stack, tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    refused = new_stack.dagnix("up", "--mount", str(tmp_path / name), check=False)
    assert refused.returncode == 1
    assert says in refused.stderr
