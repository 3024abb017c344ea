"""Code baked into the image: deployed while runs are in flight and others are queued."""

import collections
import json
import os
import random
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support import team
from support.command import wait_until
from support.markdown import Page
from support.podman import Podman
from support.probe import Probe
from support.served import Served
from support.stack import SERVICES

from dagnix.images.layout import Layout
from dagnix.project import Project
from dagnix.stack.lease import lease

README = Page(Path("README.md"))
SHORT_RUNS = 12
INTERRUPTED = 130  # the exit code


def test_a_deploy_loses_no_run(baked: Served, podman: Podman) -> None:
    submit, crowd, stack = baked.client.submit_job_execution, baked.team, baked.stack
    first = crowd.served()
    crowd.start_automations()
    baked.hold()
    # Of the four runs at a time these leave room for one.
    long, other, endless = submit("long"), submit("long"), submit("endless")
    for run in (long, other, endless):
        baked.wait_for_start(run)
    before = stack.identifiers()
    webserver = podman.inspect(stack.container("webserver"))["State"]["StartedAt"]
    crowd.wait_for_tick()
    baked.save("the next")
    planned = stack.dagnix("deploy", "--dry-run").stdout
    assert f"  podman rename {stack.container('pipes')} " in planned
    assert stack.identifiers() == before
    with Probe(stack.url) as probe:
        queued = [submit("short") for _ in range(SHORT_RUNS // 2)]
        # Takes the room that is left, so the rest of the queue outlasts the deploy.
        blocking = submit("endless")
        queued += [submit("short") for _ in range(SHORT_RUNS // 2)]
        deployed = stack.dagnix("deploy")
        assert "in flight finish on the old code" in deployed.stdout
        after = submit("short")
        assert len(stack.draining()) == 1
        assert crowd.cancel(endless) is DagsterRunStatus.CANCELED
        baked.wait_for_start(blocking)
        assert crowd.cancel(blocking) is DagsterRunStatus.CANCELED
        crowd.wait_for_tick()
        # By hand it changes nothing.
        there = stack.identifiers()
        stack.compose("up", "-d")
        assert stack.identifiers() == there
        assert {name for name in there if there[name] != before[name]} == {"pipes"}
        baked.release()
        # Its last step starts only now.
        assert {crowd.answer("long", run) for run in (long, other)} == {first}
        answers = [crowd.answer("short", run) for run in queued]
        assert crowd.answer("short", after) == "the next"
        wait_until(lambda: not stack.draining(), "the old container goes after its last run")
    assert answers[-1] == "the next"
    assert "the next" not in answers[: answers.count(first)]  # no old code after the new
    assert not probe.failures
    assert probe.answers > SHORT_RUNS
    assert podman.inspect(stack.container("webserver"))["State"]["StartedAt"] == webserver
    crowd.require_automations_went_on()


def test_code_that_does_not_load_is_refused_and_the_old_code_runs(baked: Served) -> None:
    code, project, says = team.BROKEN["a syntax error"]
    served = baked.answer()
    before = baked.stack.identifiers()
    baked.save("broken", code, project)
    refused = baked.stack.dagnix("deploy", check=False)
    assert refused.returncode == 1
    assert re.search(says, refused.stderr), refused.stderr
    assert "The code that is served stays as it was." in refused.stderr
    assert baked.stack.identifiers() == before
    assert baked.answer() == served


def test_a_container_that_does_not_stay_up_is_refused_with_its_last_words(baked: Served) -> None:
    served = baked.answer()
    baked.save("does not stay up")
    refused = baked.stack.dagnix("deploy", check=False, DAGNIX_KILL_SECONDS="1000")
    assert refused.returncode == 1
    assert "pipes is not healthy: " in refused.stderr
    assert "DAGNIX_KILL_SECONDS" in refused.stderr  # the run server's own reason
    assert "The code that is served stays as it was." in refused.stderr
    assert baked.answer() == served
    assert not baked.stack.draining()


@README.run_by("./dagnix rollback", "./dagnix history")
def test_deploys_take_over_changed_compose_files_and_rollback_brings_back_the_former_answers(
    baked: Served, podman: Podman
) -> None:
    def history() -> list[dict[str, str]]:
        return json.loads(baked.stack.dagnix("history", "--json").stdout)

    first = baked.answer()
    usual = baked.stack.environment["DAGNIX_WAIT_SECONDS"]
    for answer, seconds in (("one", "61"), ("two", usual)):
        baked.save(answer)
        baked.stack.dagnix("deploy", DAGNIX_WAIT_SECONDS=seconds)
        assert baked.answer() == answer
        made = podman.inspect(baked.stack.container("pipes"))["Config"]
        assert f"DAGNIX_WAIT_SECONDS={seconds}" in made["Env"]
    last = history()
    for answer in ("one", first):
        baked.stack.dagnix("rollback")
        assert baked.answer() == answer
    assert [each["how"] for each in history()[-2:]] == ["rollback", "rollback"]
    assert history()[-1]["digest"] == last[-3]["digest"]
    table = baked.stack.dagnix("history").stdout
    assert last[-1]["digest"][:19] in table
    assert " and changes" in table


def test_an_image_from_elsewhere(baked: Served, podman: Podman, tmp_path: Path) -> None:
    stack, first = baked.stack, baked.team.served()
    image = podman.inspect(stack.container("pipes"))["ImageName"]
    archive = tmp_path / "image.tar"
    podman("save", "--format", "oci-archive", "--output", archive, image)
    baked.save("another")
    stack.dagnix("deploy")
    digest = stack.status()["pipes"]["digest"]
    for reference, answer in ((str(archive), first), (digest, "another")):
        stack.dagnix("deploy", "--image", reference)
        assert baked.answer() == answer
    refused = stack.dagnix("deploy", "--image", image.replace("pipes", "daemon"), check=False)
    assert "is no image of a code location" in refused.stderr
    refused = stack.dagnix("deploy", "--image", "localhost/none:here", check=False)
    assert refused.returncode == 1
    assert "podman has no such image and cannot pull it" in refused.stderr
    assert baked.answer() == "another"


def test_secrets_and_settings_come_with_a_deploy_and_stand_nowhere_else(
    baked: Served, podman: Podman
) -> None:
    stack = baked.stack
    settings = stack.checkout / "config" / "settings" / "default.toml"
    settings.write_text('GREETING = "hello-1"\n')
    stack.dagnix("secret", "set", "API_KEY", stdin="hush-1")
    baked.save("secret", team.SECRET)
    stack.dagnix("deploy")
    baked.hold()
    long = baked.client.submit_job_execution("long")
    baked.wait_for_start(long)
    stack.dagnix("secret", "set", "API_KEY", "--location", "pipes", stdin="hush-2")
    settings.write_text('[pipes]\nGREETING = "hello-2"\n')
    assert baked.answer() == "hush-1 hush-1 hush-1 hello-1"
    image = stack.status()["pipes"]["digest"]
    stack.dagnix("deploy")
    assert stack.status()["pipes"]["digest"] == image
    assert baked.answer() == "hush-2 hush-2 hush-2 hello-2"
    assert "Nothing to do" in stack.dagnix("deploy").stdout
    listed = stack.dagnix("secret", "list").stdout
    assert "hush" not in listed
    # That of the run; the one before it goes.
    wait_until(lambda: len(stack.draining()) == 1, "one container has a run")
    for container in (stack.container("pipes"), *stack.draining()):
        assert "hush" not in str(podman.inspect(container))
        assert "hush" not in podman.logs(container)
    layout = Layout(stack.checkout / ".dagnix" / "roots" / "image-of-pipes")
    assert layout.manifest["digest"] == image
    # What is not Debian's, Dagster's or the runtime: the configuration and the code.
    own = b"".join(layer.read_bytes() for layer in list(layout.layers.values())[-3:])
    assert b"def answer(" in own
    assert b"dagster.yaml" in own
    assert not re.search(rb"hush|hello-", own)
    baked.release()
    # Its last step is a process that starts only now.
    assert baked.team.answer("long", long) == "hush-1 hush-1 hush-1 hello-1"
    settings.write_text("[pipe]\n")
    assert "which is no code location" in stack.dagnix("deploy", check=False).stderr
    settings.write_text("")
    baked.save("no secret")
    stack.dagnix("deploy")
    for more in ((), ("--location", "pipes")):
        stack.dagnix("secret", "remove", "API_KEY", *more)
    wait_until(lambda: not stack.draining(), "the old containers go")


# How long deploys are killed: DAGNIX_CHAOS_SECONDS=300 is for when a deploy itself changes.
CHAOS_SECONDS = float(os.environ.get("DAGNIX_CHAOS_SECONDS") or 30)
LONGEST_SECONDS = 8  # that a deploy is given before it is killed
IN_FLIGHT = 3  # short runs


def test_deploys_that_are_killed_at_random_moments_lose_no_run(
    baked: Served, podman: Podman
) -> None:
    stack, submit = baked.stack, baked.client.submit_job_execution
    baked.hold()
    first = baked.answer()
    long = submit("long")
    baked.wait_for_start(long)
    chance = random.Random(CHAOS_SECONDS)  # noqa: S311 - the same moments each time
    runs, saved, ends = [], {first}, []
    end = time.monotonic() + CHAOS_SECONDS
    while time.monotonic() < end:
        baked.save(answer := f"deploy {len(ends)}")
        saved.add(answer)
        deploy = stack.start_dagnix("deploy")
        runs += [submit("short") for _ in range(IN_FLIGHT)]
        ends.append(killed_after(deploy, chance.uniform(0, LONGEST_SECONDS)))
    print(f"deploys: {len(ends)}, killed: {ends.count(-signal.SIGKILL)}, runs: {len(runs)}")
    baked.save("after all")
    saved.add("after all")  # runs that are still in the queue start on it
    stack.dagnix("deploy")
    assert baked.answer() == "after all"
    assert {baked.team.answer("short", run) for run in runs} <= saved
    started = "SELECT run_id FROM dagster.event_logs WHERE dagster_event_type = 'PIPELINE_START'"
    starts = collections.Counter(stack.sql(started).split())
    assert {run: starts[run] for run in runs} == dict.fromkeys(runs, 1)
    baked.release()
    assert baked.team.answer("long", long) == first
    wait_until(lambda: not stack.draining(), "the old containers go")
    # A half-loaded image would break this for everybody. So does one that others just remove.
    listed = ("images", "--all", "--quiet")
    wait_until(lambda: podman(*listed, check=False).returncode == 0, "podman lists images")


def killed_after(deploy: subprocess.Popen[str], seconds: float) -> int:
    """End the command and all that it has started, if it has not ended; return its exit code."""
    try:
        deploy.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(deploy.pid, signal.SIGKILL)
        deploy.communicate()
    return deploy.returncode


def said(words: str, command: subprocess.Popen[str]) -> bool:
    """Read what a command says until these words; tell whether they came."""
    return any(words in line for line in command.stderr or ())


def kill_at(
    words: str, deploy: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL
) -> int:
    """Send the command and all that it has started a signal; return its exit code."""
    assert said(words, deploy)
    os.killpg(deploy.pid, number)
    deploy.communicate()
    return deploy.returncode


BEFORE, AFTER = "A new code server is started", "The new code is served"
# It does not load while a file is there, so no cut-over can come before a deploy is killed.
SLOW_TO_LOAD = team.CODE.replace(
    "defs =",
    """while RELEASE.with_name("hold-load").exists():
    time.sleep(0.1)

defs =""",
)


@pytest.fixture
def held_load(baked: Served) -> Iterator[Path]:
    """The file that keeps `SLOW_TO_LOAD` from loading."""
    file = baked.stack.sockets / "pipes" / "hold-load"
    file.touch()
    yield file
    file.unlink(missing_ok=True)


def test_up_finishes_a_deploy_that_has_lost_its_terminal(baked: Served, held_load: Path) -> None:
    stack = baked.stack
    served = baked.answer()
    before = stack.identifiers()
    baked.save("hung up", SLOW_TO_LOAD)
    assert kill_at(BEFORE, stack.start_dagnix("deploy"), signal.SIGHUP) == INTERRUPTED
    assert stack.identifiers() == before
    assert baked.answer() == served
    # Killed there it can take nothing back.
    kill_at(BEFORE, stack.start_dagnix("deploy"))
    assert stack.dagnix("status", check=False).returncode == 1
    held_load.unlink()
    stack.dagnix("up")
    assert baked.answer() == "hung up"
    assert stack.status()["pipes"]["serves"]
    baked.save("after the cut-over")
    kill_at(AFTER, stack.start_dagnix("deploy"), signal.SIGHUP)
    stack.dagnix("up")
    assert baked.answer() == "after the cut-over"
    wait_until(lambda: not stack.draining(), "the old containers go")


def test_a_deploy_finishes_what_one_left_that_was_killed_as_podman_stopped_a_container(
    baked: Served, podman: Podman, held_load: Path
) -> None:
    stack = baked.stack
    baked.save("killed", SLOW_TO_LOAD)
    kill_at(BEFORE, stack.start_dagnix("deploy"))
    held_load.unlink()
    left = stack.container("pipes")
    # Its number may be that of another process later.
    process = os.pidfd_open(podman.process(left))
    # It does not heed SIGTERM, so it stays "stopping" once nobody waits for its end.
    podman("kill", "--signal=STOP", left)
    stop = subprocess.Popen(["podman", "stop", left], env={**os.environ, **stack.environment})
    wait_until(lambda: podman.inspect(left)["State"]["Status"] == "stopping", "it is stopping")
    stop.kill()
    stop.wait()
    baked.save("after the stop")
    stack.dagnix("deploy")
    assert baked.answer() == "after the stop"
    wait_until(lambda: not stack.draining(), "the old containers go")
    has_ended, _, _ = select.select([process], [], [], 0)
    os.close(process)
    assert has_ended, "podman has removed its files, not its processes"


def test_up_takes_up_a_container_whose_drain_process_has_ended(baked: Served) -> None:
    stack = baked.stack
    baked.hold()
    long = baked.client.submit_job_execution("long")
    baked.wait_for_start(long)
    baked.save("drained")
    stack.dagnix("deploy")
    (draining,) = stack.draining()
    for process in drain_processes(draining):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not drain_processes(draining), "the drain process has ended")
    stack.dagnix("up")
    assert drain_processes(draining)
    baked.release()
    assert baked.team.dashboard.end_of(long) is DagsterRunStatus.SUCCESS
    wait_until(lambda: not stack.draining(), "it goes after its last run")


def drain_processes(draining: str) -> list[int]:
    """Return the processes that wait for the last run of a container, by its name."""
    host = draining.split("-")[-2]
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = each.read_text().split("\0")
            if words[-2:-1] == [host] and "dagnix.deploy.drain" in words:
                found.append(int(each.parent.name))
    return found


def test_a_reboot_brings_back_what_was_deployed_last(baked: Served, podman: Podman) -> None:
    stack = baked.stack
    baked.hold()
    long = baked.client.submit_job_execution("long")
    baked.wait_for_start(long)
    baked.save("last")
    stack.dagnix("deploy")
    (draining,) = stack.draining()
    names = [*map(stack.container, SERVICES), draining]
    podman.kill(*names)
    # As podman-restart.service does, the draining one first.
    for name in reversed(names):
        podman("start", name)
    stack.wait_for_health(*SERVICES)
    baked.team.dashboard.wait_for_job("short")
    assert baked.answer() == "last"
    assert baked.team.dashboard.end_of(long) is DagsterRunStatus.FAILURE
    wait_until(lambda: not stack.draining(), "the old container goes")


def test_a_reboot_in_the_middle_of_a_deploy_brings_back_what_was_served(
    baked: Served, podman: Podman, held_load: Path
) -> None:
    stack = baked.stack
    served = baked.answer()
    baked.save("not served yet", SLOW_TO_LOAD)
    kill_at(BEFORE, stack.start_dagnix("deploy"))
    held_load.unlink()
    podman.kill(*map(stack.container, SERVICES), *stack.draining())
    stack.dagnix("boot", "--start")  # as the unit does
    assert not stack.draining()
    stack.wait_for_health(*SERVICES)
    baked.team.dashboard.wait_for_job("short")
    assert baked.answer() == served


def test_images_of_the_last_deploys_stay_and_the_others_go(baked: Served, podman: Podman) -> None:
    stack = baked.stack
    own = f"localhost/dagnix/pipes:{stack.project}-"
    served = []
    for number in range(3):
        baked.save(f"image {number}")
        stack.dagnix("deploy", DAGNIX_IMAGES_KEPT="2")
        served.append(own + podman.inspect(stack.container("pipes"))["Image"][:12])

    def retained() -> set[str]:
        return {each for each in podman.images(stack.project) if each.startswith(own)}

    # A container that has one goes a moment after the deploy.
    wait_until(lambda: retained() == set(served[1:]), "the older images go")


def test_of_two_deploys_at_once_the_second_waits(baked: Served) -> None:
    stack = baked.stack
    baked.save("either")
    with lease(Project(stack.checkout, stack.environment)):  # as a deploy holds it
        deploys = [stack.start_dagnix("deploy") for _ in range(2)]
        assert all(said("Another command changes what", deploy) for deploy in deploys)
    told = [deploy.communicate() for deploy in deploys]
    assert [deploy.returncode for deploy in deploys] == [0, 0], told
    assert baked.answer() == "either"


@pytest.mark.parametrize(
    ("afterwards", "status"),
    [("cancel", DagsterRunStatus.CANCELED), ("fail", DagsterRunStatus.FAILURE)],
)
def test_the_limit_ends_a_run_that_does_not(
    baked: Served, afterwards: str, status: DagsterRunStatus
) -> None:
    endless = baked.client.submit_job_execution("endless")
    baked.wait_for_start(endless)
    baked.save(afterwards)
    baked.stack.dagnix("deploy", "--limit", "0", "--afterwards", afterwards)
    assert baked.team.dashboard.end_of(endless) is status
    wait_until(lambda: not baked.stack.draining(), "the old container goes")
    assert baked.answer() == afterwards
